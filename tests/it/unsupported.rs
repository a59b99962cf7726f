//! Configurations with parts that are not supported: what is told of them, at once, and what goes on without them.

use serde_json::Value;

use crate::support::cloud::Cloud;
use crate::support::harness::Stack;

const MIXED: &str = r#"provider "helm" {}

data "vault_generic_secret" "token" {
  path = "secret/web"
}

resource "cloudflare_record" "www" {
  zone_id = "zone"
  value   = digitalocean_droplet.web.ipv4_address
}

resource "helm_release" "ingress" {
  name = "ingress"
}

locals {
  release = helm_release.ingress.name
  fine    = "web"
}

resource "digitalocean_tag" "release" {
  name = local.release
}

resource "digitalocean_droplet" "tagged" {
  image      = "ubuntu-24-04-x64"
  name       = "tagged"
  region     = "nyc3"
  size       = "s-1vcpu-1gb"
  depends_on = [digitalocean_tag.release]
}

resource "digitalocean_droplet" "web" {
  image  = "ubuntu-24-04-x64"
  name   = local.fine
  region = "nyc3"
  size   = "s-1vcpu-1gb"
}

output "release" {
  value = local.release
}

moved {
  from = helm_release.old
  to   = helm_release.ingress
}
"#;

#[test]
fn all_that_is_not_supported_is_told_in_one_round_with_the_size_of_it() {
    let stack = Stack::with_plan("web", &MIXED.replace("\"nyc3\"\n  size   = ", "\"nyc3\"\n  siez   = "));
    let told = stack.run(&["validate"]).exits(1);
    let told = told
        .mentions("3 of 6 resources and data sources are not supported: cloudflare 1, helm 1, vault 1.")
        .mentions("plans/web.tf:3:1")
        .mentions("digitalocean_domain and digitalocean_record")
        .mentions("TF_VAR_x of the environment")
        .mentions("digitalocean_droplet.tagged (needs helm_release.ingress)")
        .mentions("-skip-unsupported")
        .mentions("has no argument \"siez\"");
    assert_eq!(told.stderr.matches("error:").count(), 2, "{told}");
    let json = stack.run(&["validate", "-json"]).exits(1).json();
    assert_eq!(json["error_count"], 2);
    let first = &json["diagnostics"][0];
    assert_eq!(first["range"]["start"]["line"], 3);
    assert!(first["detail"].as_str().unwrap().contains("helm: helm_release.ingress"), "{first}");
    assert_eq!(first["related"].as_array().map(Vec::len), Some(7), "{first}");
}

#[test]
fn the_rest_is_planned_and_applied_without_it() {
    let stack = Stack::with_plan("web", MIXED);
    stack.run(&["validate"]).exits(1);
    stack.run(&["validate", "-skip-unsupported"]).ok();
    stack.run(&["plan", "--sim"]).exits(1);
    let plan = stack.run(&["plan", "--sim", "-skip-unsupported"]).ok().says("Plan: 1 to add");
    plan.mentions("3 of 6 resources and data sources are left out")
        .mentions("Left out with them: ")
        .mentions("output.release (needs helm_release.ingress)");
    let lines = stack.run(&["plan", "--sim", "-skip-unsupported", "-json"]).ok().stdout;
    let warning = lines.lines().find(|line| line.contains("left out")).expect("a line that tells it");
    let warning: Value = serde_json::from_str(warning).unwrap();
    assert_eq!((&warning["diagnostic"]["severity"], &warning["type"]), (&"warning".into(), &"diagnostic".into()));
    stack.run(&["apply", "--sim", "-auto-approve", "-skip-unsupported"]).ok().says("Apply complete! Resources: 1 added");
    stack.run(&["plan", "--sim", "-skip-unsupported", "-detailed-exitcode"]).ok().says("No changes.");
    stack.run(&["plan", "--sim", "-skip-unsupported", "-out=p"]).ok();
    stack.run(&["apply", "--sim", "p"]).ok();
    // What there is, is taken down without a word about what never was.
    stack.run(&["destroy", "--sim", "-auto-approve"]).ok().says("Destroy complete! Resources: 1 destroyed.");
}

#[test]
fn what_has_an_object_is_not_destroyed_because_it_is_left_out() {
    let droplet = "resource \"digitalocean_tag\" \"t\" {\n  name = \"t\"\n}\n";
    let stack = Stack::with_plan("web", droplet);
    stack.run(&["apply", "--sim", "-auto-approve"]).ok();
    stack.write("plans/web.tf", &format!("{}data \"vault_x\" \"v\" {{}}\n", droplet.replace("\"t\"\n", "data.vault_x.v.name\n")));
    stack.run(&["apply", "--sim", "-auto-approve", "-skip-unsupported"]).exits(1).mentions("it would be destroyed");
    stack.run(&["destroy", "--sim", "-auto-approve"]).ok().says("Destroy complete! Resources: 1 destroyed.");
}

#[test]
fn provisioners_are_told_of_and_nothing_is_made_without_them_unawares() {
    let text = "resource \"digitalocean_tag\" \"t\" {\n  name = \"t\"\n  connection {\n    host = self.id\n  }\n  provisioner \"local-exec\" {\n    command = \"true\"\n  }\n}\n";
    let stack = Stack::with_plan("web", text);
    stack.run(&["validate"]).ok().mentions("Provisioners are not run: digitalocean_tag.t.");
    stack.run(&["plan", "--sim"]).ok().mentions("Provisioners are not run").says("Plan: 1 to add");
    let cloud = Cloud::start(dofloat::sim::Options::default());
    let stack = cloud.serve(stack);
    stack.run(&["plan"]).ok();
    stack.run(&["plan", "-out=p"]).exits(1);
    stack.run(&["apply", "-auto-approve"]).exits(1).mentions("-skip-unsupported");
    stack.run(&["apply", "-auto-approve", "-skip-unsupported"]).ok().says("Apply complete! Resources: 1 added");
    stack.run(&["destroy", "-auto-approve"]).ok();
}

#[test]
fn a_block_of_another_provider_alone_is_only_told_of() {
    let stack =
        Stack::with_plan("web", "provider \"aws\" {\n  region = var.none\n}\nresource \"digitalocean_tag\" \"t\" {\n  name = \"t\"\n}\n");
    stack.run(&["validate"]).ok().mentions("provider \"aws\"");
    // A slip of the hand is none of another provider's.
    stack.write("plans/web.tf", "resource \"digitalocean_droplt\" \"t\" {}\nresource \"digitalocan_tag\" \"t\" {}\n");
    let told =
        stack.run(&["validate"]).exits(1).mentions("Did you mean \"digitalocean_droplet\"?").mentions("Did you mean \"digitalocean_tag\"?");
    assert!(!told.stderr.contains("-skip-unsupported"), "{told}");
}

const INNER: &str = r#"
variable "name" {}
provider "helm" {}
resource "helm_release" "ingress" {
  name = var.name
}
resource "digitalocean_tag" "fine" {
  name = var.name
}
resource "digitalocean_tag" "hangs" {
  name = helm_release.ingress.name
}
output "fine" {
  value = digitalocean_tag.fine.name
}
output "release" {
  value = helm_release.ingress.name
}
"#;

const OUTER: &str = r#"
module "app" {
  source   = "../modules/app"
  for_each = toset(["a", "b"])
  name     = each.key
}
module "deep" {
  source = "../modules/deep"
}
resource "digitalocean_tag" "good" {
  name       = "good-${module.app["a"].fine}"
  depends_on = [module.app]
}
resource "digitalocean_tag" "bad" {
  name = module.app["a"].release
}
output "all" {
  value = { for key, app in module.app : key => app.release }
}
output "deep" {
  value = module.deep.release
}
"#;

const DEEP: &str = "module \"app\" {\n  source = \"../app\"\n  name = \"c\"\n}\noutput \"release\" {\n  value = module.app.release\n}\n";

#[test]
fn what_is_not_supported_in_a_module_is_left_out_of_all_that_call_it() {
    let stack = Stack::with_plan("web", OUTER).with_file("modules/app/main.tf", INNER).with_file("modules/deep/main.tf", DEEP);
    stack
        .run(&["validate"])
        .exits(1)
        .mentions("2 of 8 resources and data sources are not supported: helm 2.")
        .mentions("helm: module.app.helm_release.ingress, module.deep.module.app.helm_release.ingress.")
        .mentions("-skip-unsupported");
    let plan = stack.run(&["plan", "--sim", "-skip-unsupported"]).ok().says("Plan: 4 to add");
    plan.mentions("module.app[\"b\"].digitalocean_tag.fine")
        .mentions("digitalocean_tag.good")
        .mentions("module.app.digitalocean_tag.hangs (needs module.app.helm_release.ingress)")
        .mentions("digitalocean_tag.bad (needs module.app.helm_release.ingress)")
        .mentions("output.all (needs module.app.helm_release.ingress)")
        .mentions("output.deep (needs module.deep.module.app.helm_release.ingress)");
    stack.run(&["apply", "--sim", "-auto-approve", "-skip-unsupported"]).ok().says("Apply complete! Resources: 4 added");
    // What was made before it hung on something is not destroyed for that.
    stack.write(
        "modules/app/main.tf",
        &INNER.replace(
            "\"digitalocean_tag\" \"fine\" {\n  name = var.name",
            "\"digitalocean_tag\" \"fine\" {\n  name = helm_release.ingress.name",
        ),
    );
    stack
        .run(&["apply", "--sim", "-auto-approve", "-skip-unsupported"])
        .exits(1)
        .mentions("module.app[\"a\"].digitalocean_tag.fine has an object, and `module.app.digitalocean_tag.fine` is left out");
    stack.run(&["destroy", "--sim", "-auto-approve"]).ok().says("Destroy complete! Resources: 4 destroyed.");
}

#[test]
fn a_module_that_is_not_there_is_left_out_with_what_hangs_on_it() {
    let text = "module \"gone\" {\n  source = \"../modules/gone\"\n}\nmodule \"far\" {\n  source = \"hg::https://example.org/x\"\n}\n                resource \"digitalocean_tag\" \"bad\" {\n  name = module.far.x\n}\nresource \"digitalocean_tag\" \"good\" {\n  name = \"good\"\n}\n";
    let stack = Stack::with_plan("web", text);
    stack.run(&["validate"]).exits(1).mentions("plans/web.tf:2").mentions("plans/web.tf:5");
    stack
        .run(&["plan", "--sim", "-skip-unsupported"])
        .ok()
        .says("Plan: 1 to add")
        .mentions("module: module.gone, module.far.")
        .mentions("digitalocean_tag.bad (needs module.far)");
    // Its objects are not destroyed because of that.
    stack.write("modules/gone/main.tf", "resource \"digitalocean_tag\" \"t\" {\n  name = \"t\"\n}\n");
    stack.run(&["apply", "--sim", "-auto-approve", "-skip-unsupported"]).ok().says("Apply complete! Resources: 2 added");
    std::fs::remove_dir_all(stack.path("modules/gone")).expect("it is ours");
    stack
        .run(&["apply", "--sim", "-auto-approve", "-skip-unsupported"])
        .exits(1)
        .mentions("module.gone.digitalocean_tag.t has an object, and `module.gone` is left out");
}

#[test]
fn what_was_moved_to_something_that_is_left_out_is_not_destroyed() {
    let stack = Stack::with_plan("web", "resource \"digitalocean_tag\" \"old\" {\n  name = \"t\"\n}\n");
    stack.run(&["apply", "--sim", "-auto-approve"]).ok();
    stack.write(
        "plans/web.tf",
        "data \"vault_x\" \"v\" {}\nresource \"digitalocean_tag\" \"new\" {\n  name = data.vault_x.v.name\n}\nmoved {\n  from = digitalocean_tag.old\n  to   = digitalocean_tag.new\n}\n",
    );
    stack.run(&["apply", "--sim", "-auto-approve", "-skip-unsupported"]).exits(1).mentions("it would be destroyed");
}

#[test]
fn a_variable_that_a_module_gives_to_its_provider_needs_no_value_in_a_simulated_account() {
    let inner = "variable \"do_token\" {}\nprovider \"digitalocean\" {\n  token = var.do_token\n}\nresource \"digitalocean_tag\" \"t\" {\n  name = \"t\"\n}\n";
    let outer = "variable \"token\" {}\nmodule \"a\" {\n  source = \"../modules/a\"\n  do_token = var.token\n  providers = { cloudflare = cloudflare }\n}\n";
    let stack = Stack::with_plan("web", outer).with_file("modules/a/main.tf", inner);
    stack.run(&["plan", "--sim"]).ok().says("Plan: 1 to add");
}

#[test]
fn what_a_provisioner_refers_to_keeps_nothing_from_being_planned() {
    let text = r#"
resource "helm_release" "x" {}
resource "digitalocean_tag" "t" {
  name = "t"
  provisioner "local-exec" {
    command = "echo ${helm_release.x.id}"
  }
}
"#;
    let stack = Stack::with_plan("web", text);
    stack.run(&["plan", "--sim", "-skip-unsupported"]).ok().says("Plan: 1 to add");
    let told = "A provisioner of digitalocean_tag.t is left out: it refers to helm_release.x";
    stack.run(&["apply", "--sim", "-auto-approve", "-skip-unsupported", "-allow-provisioners"]).exits(1).mentions(told);
    stack.run(&["apply", "--sim", "-auto-approve", "-skip-unsupported"]).ok().says("Apply complete! Resources: 1 added");
}

#[test]
fn provisioners_of_modules_are_told_of_and_every_word_of_theirs_is_checked() {
    let module = r#"
variable "after" {}
resource "digitalocean_tag" "t" {
  count = 1
  name  = "t${count.index}"
  connection {
    type = "ssh"
    host = self.name
  }
  provisioner "remote-exec" {
    when       = "destroy"
    on_failure = continue
    inline     = ["echo ${self.name} ${count.index}"]
    connection {
      port = 2222
    }
  }
  depends_on = [var.after]
}
"#;
    let main = "module \"m\" {\n  source = \"./m\"\n  after = digitalocean_tag.first.id\n}\nresource \"digitalocean_tag\" \"first\" {\n  name = \"first\"\n}\n";
    let stack = Stack::empty().with_file("main.tf", main).with_file("m/main.tf", module);
    stack.run(&["validate"]).ok().mentions("Provisioners are not run: module.m.digitalocean_tag.t.");
    stack.run(&["plan", "--sim"]).ok().says("Plan: 2 to add").mentions("dofloat help provisioners");
    for (from, to, said) in [
        ("inline     =", "inlin      =", "has no argument \"inlin\""),
        ("${self.name} ${count", "${self.nam} ${count", "There is no attribute \"nam\" here."),
        ("\"remote-exec\"", "\"remot-exec\"", "Did you mean \"remote-exec\"?"),
        ("\"remote-exec\"", "\"chef\"", "There is no provisioner \"chef\""),
        ("port = 2222", "prot = 2222", "has no argument \"prot\""),
        ("on_failure = continue", "on_failure = ignore", "`continue` or `fail`"),
        ("[var.after]", "[var.before]", "There is no variable \"before\""),
    ] {
        stack.write("m/main.tf", &module.replacen(from, to, 1));
        stack.run(&["validate"]).exits(1).mentions(said);
    }
    stack.run(&["help", "provisioners"]).ok().says("Provisioners: programs that a configuration runs");
}

#[test]
fn keys_and_domains_that_resources_name_are_made_up_in_a_simulated_account() {
    let text = r#"
variable "fingerprint" {}
variable "more" {
  default = [22131226]
}
variable "domain" {
  default = "example.com"
}
resource "digitalocean_droplet" "a" {
  name     = "a"
  region   = "nyc3"
  size     = "s-1vcpu-1gb"
  image    = "ubuntu-24-04-x64"
  ssh_keys = concat([var.fingerprint], var.more)
}
resource "digitalocean_record" "www" {
  domain = var.domain
  type   = "A"
  name   = "www"
  value  = digitalocean_droplet.a.ipv4_address
}
"#;
    let stack = Stack::with_plan("web", text);
    let fingerprint = "fingerprint=3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa";
    let told = stack.run(&["plan", "--sim", "-var", fingerprint]).ok().says("Plan: 2 to add");
    told.mentions("no SSH key `22131226`, which digitalocean_droplet.a names: it is made up (simulated)")
        .mentions("no domain `example.com`");
    stack.run(&["plan", "--sim", "-var", "fingerprint=laptop"]).ok().mentions("SSH key `laptop`");
    stack.run(&["apply", "--sim", "-auto-approve", "-var", fingerprint]).ok().says("Apply complete! Resources: 2 added");
    stack.run(&["plan", "--sim", "-detailed-exitcode", "-var", fingerprint]).ok().says("No changes.");
    stack.write("plans/web.tf", &text.replace("[var.fingerprint]", "[\"fingerprint\"]"));
    stack.run(&["plan", "--sim", "-var", fingerprint]).exits(1).mentions("The account has no SSH key `fingerprint`.");
    // What can be a key's fingerprint is taken for one that the account of the file has.
    stack.write("plans/web.tf", &text.replace("[var.fingerprint]", "[\"aa:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa\"]"));
    stack.run(&["plan", "--sim", "-var", fingerprint]).ok().mentions("SSH key `aa:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa`");
    stack.write("plans/web.tf", text);
    // A path is no name of a key either, and a text from outside all the same.
    stack.run(&["plan", "--sim", "-var", "fingerprint=/home/me/key"]).ok().mentions("SSH key `/home/me/key`");
    // A real account is asked, and has none.
    let cloud = Cloud::start(dofloat::sim::Options::default());
    let stack = cloud.serve(stack);
    stack.run(&["plan", "-var", "fingerprint=laptop"]).exits(1).mentions("The account has no SSH key `laptop`.");
}

#[test]
fn what_a_file_names_of_another_account_is_made_up() {
    let text = r#"
resource "digitalocean_droplet" "a" {
  name       = "a"
  region     = "fra1"
  size       = "s-1vcpu-1gb"
  image      = "docker-20-04"
  vpc_uuid   = "5a4981aa-9653-4bd1-bef5-d6bff52042e4"
  volume_ids = ["506f78a4-e098-11e5-ad9f-000f53306ae1"]
}
resource "digitalocean_droplet" "b" {
  name   = "b"
  region = "fra1"
  size   = "s-1vcpu-1gb"
  image  = 63663980
}
resource "digitalocean_project_resources" "p" {
  project   = "4e1bfbc3-dc3e-41f2-a18f-1b4d7ba71679"
  resources = [digitalocean_droplet.a.urn]
}
resource "digitalocean_loadbalancer" "lb" {
  name   = "lb"
  region = "fra1"
  forwarding_rule {
    entry_port       = 443
    entry_protocol   = "https"
    target_port      = 80
    target_protocol  = "http"
    certificate_name = "wild"
  }
}
resource "digitalocean_record" "www" {
  domain = "example.org"
  type   = "A"
  name   = "www"
  value  = digitalocean_droplet.a.ipv4_address
}
"#;
    let stack = Stack::with_plan("web", text).env("DOFLOAT_CLOCK", "virtual");
    let told = stack.run(&["plan", "--sim"]).ok().says("Plan: 5 to add");
    for what in [
        "image `docker-20-04`",
        "image `63663980`",
        "VPC `5a4981aa-9653-4bd1-bef5-d6bff52042e4`",
        "volume `506f78a4-e098-11e5-ad9f-000f53306ae1`",
        "project `4e1bfbc3-dc3e-41f2-a18f-1b4d7ba71679`",
        "certificate `wild`",
        "domain `example.org`",
    ] {
        assert_eq!(told.to_string().matches(&format!("had no {what}, which")).count(), 1, "{what}\n{told}");
    }
    stack.run(&["apply", "--sim", "-auto-approve"]).ok().says("Apply complete! Resources: 5 added");
    stack.run(&["plan", "--sim", "-detailed-exitcode"]).ok().says("No changes.");
    // The catalogue knows distributions: one that it lacks is wrong, or withdrawn.
    stack.write("plans/web.tf", &text.replace("docker-20-04", "ubuntu-20-10-x64"));
    stack.run(&["plan", "--sim", "-replace=digitalocean_droplet.a"]).exits(1).mentions("The image `ubuntu-20-10-x64` does not exist");
    // A real account is asked, and has none of it.
    let cloud = Cloud::start(dofloat::sim::Options::default());
    let stack = cloud.serve(Stack::with_plan("web", text));
    let told = stack.run(&["plan"]).exits(1).to_string();
    assert!(told.contains("The account has no VPC") && told.contains("The image `docker-20-04` does not exist"), "{told}");
}

#[test]
fn validate_asks_what_no_value_of_a_variable_mends() {
    let text = r#"
variable "tag" {
  default = ""
}
variable "name" {
  default = "salt_master"
}
resource "digitalocean_droplet" "a" {
  name   = var.name
  region = "nyc3"
  size   = "s-1vcpu-1gb"
  image  = "ubuntu-24-04-x64"
  tags   = [var.tag]
}
"#;
    let stack = Stack::with_plan("web", text);
    let told = stack.run(&["validate"]).ok();
    told.mentions("`` is not a valid tag.").mentions("A plan with the variables' defaults fails because of it.");
    stack.run(&["plan", "--sim"]).exits(1).mentions("`` is not a valid tag.");
    stack
        .run(&["plan", "--sim", "-var", "tag=web"])
        .ok()
        .mentions("warning: digitalocean_droplet.a: `salt_master` is not a valid droplet name");
    // What is wrong whatever the variables are is an error, and so is a value that is given.
    stack.write("plans/web.tf", &text.replace("= var.name", "= \"\""));
    let told = stack.run(&["validate"]).exits(1);
    told.mentions("error: digitalocean_droplet.a: `` is not a valid droplet name")
        .mentions("warning: digitalocean_droplet.a: `` is not a valid tag.");
    stack.write("plans/web.tf", text);
    stack.run(&["validate", "-var", "tag="]).exits(1).mentions("`` is not a valid tag.");
}

#[test]
fn providers_with_an_alias_are_of_the_stacks_one_account() {
    let text = r#"
provider "digitalocean" {
  alias             = "keys"
  spaces_secret_key = "spaces-secret-of-keys"
}
provider "digitalocean" {
  http_retry_max = 2
}
resource "digitalocean_tag" "plain" {
  name = "plain"
}
resource "digitalocean_tag" "chosen" {
  provider = digitalocean.keys
  name     = "chosen"
}
"#;
    let cloud = Cloud::start(dofloat::sim::Options::default());
    let stack = cloud.serve(Stack::with_plan("web", text));
    stack.run(&["validate"]).ok();
    let told = stack.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 2 added");
    assert!(!format!("{told}").contains("spaces-secret-of-keys"), "{told}");
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    let tokens =
        text.replace("= \"keys\"\n", "= \"keys\"\n  token = \"dop_v1_first\"\n").replace("= 2\n", "= 2\n  token = \"dop_v1_second\"\n");
    stack.write("plans/web.tf", &tokens);
    for command in [&["validate"][..], &["plan"], &["apply", "-auto-approve"]] {
        let told =
            stack.run(command).exits(1).mentions("plans/web.tf:2").mentions("a stack is of one account").mentions("for each account");
        assert!(!format!("{told}").contains("dop_v1_"), "{told}");
    }
}

#[test]
fn a_type_with_another_word_is_another_type_and_no_slip() {
    let text = |kind: &str| {
        format!("resource \"{kind}\" \"a\" {{\n  name = \"a\"\n}}\nresource \"digitalocean_tag\" \"b\" {{\n  name = \"b\"\n}}\n")
    };
    for kind in ["digitalocean_spaces_thing", "digitalocean_uptime_watch", "digitalocean_database_kafka_quota"] {
        let stack = Stack::with_plan("one", &text(kind));
        stack.run(&["plan", "--sim", "-skip-unsupported"]).ok().says("Plan: 1 to add, 0 to change, 0 to destroy.");
    }
    for kind in ["digitalocean_dropplet", "digitalocean_uptime_chek", "digitalocean_load_balancer"] {
        let stack = Stack::with_plan("one", &text(kind));
        stack.run(&["plan", "--sim", "-skip-unsupported"]).exits(1).mentions("Did you mean");
    }
}

#[test]
fn what_refers_to_an_ephemeral_resource_is_left_out_with_it() {
    let text = r#"
ephemeral "vault_kv_secret_v2" "s" {
  mount = "m"
}
locals {
  token = ephemeral.vault_kv_secret_v2.s.data
}
provider "digitalocean" {
  token = ephemeral.vault_kv_secret_v2.s.data.token
}
resource "digitalocean_tag" "kept" {
  name = "kept"
}
"#;
    let stack = Stack::with_plan("web", text);
    stack.run(&["plan", "--sim"]).exits(1).mentions("These blocks are not supported: ephemeral 1.");
    let told = stack.run(&["plan", "--sim", "-skip-unsupported"]).ok().says("Plan: 1 to add");
    told.mentions("local.token (needs ephemeral.vault_kv_secret_v2.s)");
}

#[test]
fn what_may_turn_out_to_be_null_contradicts_nothing() {
    let text = r#"
variable "one" {
  default = null
}
variable "other" {
  default = null
}
variable "ids" {
  default = null
}
resource "digitalocean_loadbalancer" "a" {
  name        = "a"
  type        = var.other
  region      = null
  size        = var.one
  size_unit   = var.other
  droplet_ids = var.ids
  droplet_tag = var.other
}
resource "digitalocean_database_cluster" "a" {
  name            = "a"
  engine          = "pg"
  version         = "16"
  size            = "db-s-1vcpu-1gb"
  region          = "nyc3"
  node_count      = 1
  eviction_policy = var.one
}
resource "digitalocean_volume" "a" {
  name                    = "a"
  region                  = "nyc3"
  size                    = 1
  filesystem_type         = var.one
  initial_filesystem_type = var.other
}
resource "digitalocean_certificate" "a" {
  name        = "a"
  type        = "lets_encrypt"
  domains     = ["example.com"]
  private_key = var.one
}
resource "local_file" "a" {
  filename       = "a"
  content        = var.one
  content_base64 = var.other
}
data "digitalocean_droplet" "a" {
  id   = var.one
  name = var.other
}
data "tls_public_key" "a" {
  private_key_pem     = var.one
  private_key_openssh = var.other
}
"#;
    let stack = Stack::with_plan("web", text);
    stack.run(&["validate"]).ok();
    // What is surely there does.
    stack.write("plans/web.tf", &text.replace("= var.one\n", "= \"1\"\n").replace("= var.other\n", "= \"2\"\n"));
    let told = stack.run(&["validate"]).exits(1).mentions("`size` and `size_unit` exclude each other.");
    told.mentions("has no `eviction_policy`").mentions("has no `private_key`").mentions("Only one of `id`, `name` or `tag` can be given.");
}

#[test]
fn what_variables_name_by_an_identifier_is_made_up_in_a_simulated_account() {
    let text = r#"
variable "vpc" {}
variable "cluster" {}
variable "more" {
  default = { project = "mine" }
}
resource "digitalocean_droplet" "a" {
  name     = "a"
  region   = "nyc3"
  size     = "s-1vcpu-1gb"
  image    = "ubuntu-24-04-x64"
  vpc_uuid = var.vpc
}
resource "digitalocean_kubernetes_node_pool" "p" {
  cluster_id = var.cluster
  name       = "p"
  size       = "s-2vcpu-4gb"
  node_count = 1
}
resource "digitalocean_project_resources" "all" {
  project   = var.more.project
  resources = [digitalocean_droplet.a.urn]
}
"#;
    let stack = Stack::with_plan("web", text);
    let given = ["--sim", "-var", "vpc=x", "-var", "cluster=some"];
    let told = stack.run(&[&["plan"], &given[..]].concat()).ok().says("Plan: 3 to add");
    told.mentions("no VPC `x`").mentions("no Kubernetes cluster `some`").mentions("no project `mine`");
    stack.run(&[&["apply", "-auto-approve"], &given[..]].concat()).ok().says("Apply complete! Resources: 3 added");
    stack.run(&[&["plan"], &given[..]].concat()).ok().says("No changes.");
    // A word that stands in a resource is one that somebody wrote there, and no identifier.
    stack.write("plans/web.tf", &text.replace("var.vpc\n", "\"vpc\"\n"));
    stack.run(&[&["plan"], &given[..]].concat()).exits(1).mentions("The account has no VPC `vpc`.");
}
