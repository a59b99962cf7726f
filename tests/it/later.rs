//! What newer Terraform and OpenTofu have: `enabled`, types of outputs, what is deprecated, files of targets.

use crate::support::harness::Stack;

const SWITCHED: &str = r#"
variable "on" {
  default = false
}
resource "digitalocean_tag" "a" {
  name = "a"
  lifecycle {
    enabled = var.on
  }
}
resource "digitalocean_tag" "b" {
  name = digitalocean_tag.a != null ? "b-${digitalocean_tag.a.name}" : "b-alone"
}
data "digitalocean_regions" "all" {
  lifecycle {
    enabled = var.on
  }
}
module "m" {
  source = "./m"
  lifecycle {
    enabled = var.on
  }
}
output "of_module" {
  value = try(module.m.name, "none")
}
output "regions" {
  value = try(length(data.digitalocean_regions.all.regions) > 0, false)
}
"#;

#[test]
fn what_is_not_enabled_is_not_there() {
    let stack = Stack::with_plan("web/main", SWITCHED);
    let stack = stack.with_file(
        "plans/web/m/main.tf",
        "resource \"digitalocean_tag\" \"in\" {\n  name = \"in\"\n}\noutput \"name\" {\n  value = digitalocean_tag.in.name\n}\n",
    );
    stack.run(&["validate"]).ok();
    stack.run(&["apply", "--sim", "-auto-approve"]).ok().says("Apply complete! Resources: 1 added").mentions("of_module = \"none\"");
    let on = stack.run(&["plan", "--sim", "-var", "on=true"]).ok().mentions("# digitalocean_tag.a will be created");
    on.mentions("# module.m.digitalocean_tag.in will be created").says("Plan: 3 to add, 0 to change, 1 to destroy.");
    let on = stack.run(&["apply", "--sim", "-auto-approve", "-var", "on=true"]).ok();
    on.mentions("of_module = \"in\"").mentions("regions = true");
    stack.run(&["plan", "--sim", "-var", "on=true", "-detailed-exitcode"]).ok().says("No changes.");
    let off = stack.run(&["plan", "--sim"]).ok();
    off.mentions("digitalocean_tag.a is not in the configuration").says("Plan: 1 to add, 0 to change, 3 to destroy.");
    for (block, told) in [
        ("count = 2\n  lifecycle {\n    enabled = true\n  }", "`enabled` stands beside neither `count` nor `for_each`."),
        ("lifecycle {\n    enabled = \"no\"\n  }", "`enabled` must be true or false, not a string."),
        (
            "lifecycle {\n    enabled = digitalocean_tag.c.total_resource_count > 0\n  }",
            "`enabled` of digitalocean_tag.b is not known before apply",
        ),
    ] {
        let text = format!(
            "resource \"digitalocean_tag\" \"c\" {{\n  name = \"c\"\n}}\nresource \"digitalocean_tag\" \"b\" {{\n  name = \"b\"\n  {block}\n}}\n"
        );
        Stack::with_plan("one", &text).run(&["plan", "--sim"]).exits(1).mentions(told);
    }
}

#[test]
fn an_output_is_as_its_type_says() {
    let text = |value: &str| format!("output \"a\" {{\n  type  = list(string)\n  value = {value}\n}}\n");
    let stack = Stack::with_plan("one", &text("[1, \"b\"]"));
    stack.run(&["apply", "--sim", "-auto-approve"]).ok();
    let shown = stack.run(&["--sim", "output", "-json"]).ok().json();
    assert_eq!(
        (shown["a"]["type"].to_string(), shown["a"]["value"].to_string()),
        ("[\"list\",\"string\"]".to_owned(), "[\"1\",\"b\"]".to_owned())
    );
    stack.write("plans/one.tf", &text("{ b = 1 }"));
    stack.run(&["validate"]).exits(1).mentions("The value does not fit the output's type:").mentions("plans/one.tf:3");
    stack.write("plans/one.tf", "output \"a\" {\n  type  = lisst(string)\n  value = 1\n}\n");
    stack.run(&["validate"]).exits(1).mentions("plans/one.tf:2");
}

#[test]
fn what_is_deprecated_is_told_to_whoever_uses_it() {
    let module = "variable \"old\" {\n  default    = 1\n  deprecated = \"Use new.\"\n}\nvariable \"new\" {\n  default = 1\n  const   = true\n}\noutput \"o\" {\n  value      = var.old\n  deprecated = \"It goes.\"\n}\n";
    let text = "variable \"v\" {\n  default    = 1\n  deprecated = \"Not any more.\"\n}\nmodule \"m\" {\n  source = \"./m\"\n  old    = var.v\n}\noutput \"a\" {\n  value = module.m.o\n}\n";
    let stack = Stack::with_plan("web/main", text).with_file("plans/web/m/main.tf", module);
    let told = stack.run(&["plan", "--sim"]).ok().mentions("warning: The variable \"old\" of module.m is deprecated: Use new.");
    let told = told.mentions("warning: The output \"o\" of module.m is deprecated: It goes.");
    assert!(!told.stderr.contains("Not any more."), "{told}");
    stack
        .run(&["plan", "--sim", "-var", "v=2"])
        .ok()
        .mentions("The variable \"v\" is deprecated, and has a value from -var: Not any more.");
    stack.write(
        "plans/web/main.tf",
        &text.replace("value = module.m.o", "value = 1\n  deprecated = \"x\"").replace("old    = var.v", "new = 2"),
    );
    let told = stack.run(&["plan", "--sim"]).exits(1).mentions("An output of a stack cannot be deprecated.");
    assert!(!told.stderr.contains("Use new."), "{told}");
}

#[test]
fn addresses_come_from_files() {
    let tag = |name: &str| format!("resource \"digitalocean_tag\" \"{name}\" {{\n  name = \"{name}\"\n}}\n");
    let stack = Stack::with_plan("one", &(tag("a") + &tag("b") + &tag("c")));
    stack.write("some", "# Those of today:\ndigitalocean_tag.a   # the first\n\ndigitalocean_tag.b\n");
    stack.run(&["plan", "--sim", "-target-file=some"]).ok().says("Plan: 2 to add, 0 to change, 0 to destroy.");
    stack.run(&["plan", "--sim", "-exclude-file=some"]).ok().says("Plan: 1 to add, 0 to change, 0 to destroy.");
    stack.run(&["plan", "--sim", "-target-file=some", "-target=digitalocean_tag.c"]).ok().says("Plan: 3 to add");
    stack.run(&["apply", "--sim", "-auto-approve", "-target-file=some"]).ok();
    stack.run(&["destroy", "--sim", "-auto-approve", "-exclude-file=some"]).ok().says("Destroy complete! Resources: 0 destroyed.");
    stack.run(&["destroy", "--sim", "-auto-approve", "-target-file=some"]).ok().says("Destroy complete! Resources: 2 destroyed.");
    stack.run(&["plan", "--sim", "-target-file=none"]).exits(1).mentions("The file none cannot be read");
    stack.write("some", "digitalocean_tag.a\nno address\n");
    stack.run(&["plan", "--sim", "-target-file=some"]).exits(1).mentions("some:2: `no address` is not an address:");
    stack.write("some", "# nothing\n");
    stack.run(&["plan", "--sim", "-target-file=some"]).exits(1).mentions("The file some contains no address.");
    stack.run(&["plan", "--sim", "-target-file=some", "-exclude-file=some"]).exits(64);
}
