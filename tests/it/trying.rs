//! Files of others, as they are: what `--sim` makes up so that they can be tried, and what is told of an older time's way to write.

use crate::support::harness::{Outcome, Stack};

fn shows(outcome: &Outcome, text: &str) -> bool {
    [&outcome.stdout, &outcome.stderr].into_iter().any(|said| said.contains(text))
}

#[test]
fn a_key_that_is_on_another_machine_is_made_up() {
    let stack = Stack::with_plan(
        "web",
        r#"
variable "key" {}
variable "secret_key" {
  sensitive = true
}
resource "digitalocean_ssh_key" "home" {
  name       = "home"
  public_key = file("~/.ssh/id_rsa.pub")
}
resource "digitalocean_ssh_key" "given" {
  name       = "given"
  public_key = trimspace(file("${var.key}.pub"))
}
resource "digitalocean_tag" "a" {
  name = "a"
  connection {
    host        = "192.0.2.1"
    private_key = file(var.secret_key)
  }
  provisioner "remote-exec" {
    inline = ["true"]
  }
}
"#,
    );
    let given = ["-var", "key=keys/laptop", "-var", "secret_key=hidden77"];
    let run = |words: &[&str]| stack.run(&[words, &given].concat());
    let told = run(&["plan", "--sim"]).ok().says("Plan: 3 to add");
    let told = told
        .mentions("/.ssh/id_rsa.pub on this machine: a key of nobody is taken for it (simulated)")
        .mentions("keys/laptop.pub on this machine");
    assert!(!shows(&told, "hidden77"));
    run(&["apply", "--sim", "-auto-approve"]).ok().mentions("Resources: 3 added");
    run(&["plan", "--sim", "-detailed-exitcode"]).ok().says("No changes.");
    // Whoever validates need not have the key either, but is told.
    stack.run(&["validate"]).ok().mentions("/.ssh/id_rsa.pub on this machine: what it holds is not known to `validate`.");
    // In an account it has to be there.
    run(&["plan"]).exits(1);
}

#[test]
fn a_key_that_nobody_publishes_is_made_up_where_a_data_source_reads_it_too() {
    let stack = Stack::with_plan(
        "web",
        r#"
data "local_file" "key" {
  filename = pathexpand("~/.ssh/id_ed25519.pub")
}
data "local_sensitive_file" "token" {
  filename = "${path.module}/tokens/api_token"
}
resource "digitalocean_ssh_key" "home" {
  name       = "home"
  public_key = data.local_file.key.content
}
resource "terraform_data" "pinned" {
  input = md5(file("./certs/server.pem"))
}
"#,
    );
    let told = stack.run(&["plan", "--sim"]).ok().says("Plan: 2 to add");
    let told = told.mentions("/.ssh/id_ed25519.pub on this machine: a key of nobody is taken for it (simulated)");
    told.mentions("tokens/api_token on this machine").mentions("certs/server.pem on this machine");
    stack.run(&["apply", "--sim", "-auto-approve"]).ok().mentions("Resources: 2 added");
    stack.run(&["plan", "--sim", "-detailed-exitcode"]).ok().says("No changes.");
    stack.run(&["validate"]).ok().mentions("certs/server.pem on this machine: what it holds is not known to `validate`.");
    // What is read as a part of the configuration has to be there.
    stack.write("plans/web.tf", "data \"local_file\" \"a\" {\n  filename = \"inventory.ini\"\n}\n");
    stack.run(&["plan", "--sim"]).exits(1).mentions("Failed to read data.local_file.a: cannot read");
}

#[test]
fn what_a_program_gives_is_not_known_where_no_program_is_run() {
    let text = r#"
data "external" "user" {
  program = ["sh", "-c", "echo '{\"name\":\"ann\"}'"]
}
resource "digitalocean_tag" "a" {
  name = "by-${data.external.user.result.name}"
}
"#;
    let stack = Stack::with_plan("web", text);
    let told = stack.run(&["plan", "--sim"]).ok().says("Plan: 1 to add");
    told.mentions("The program of data.external.user is not run: what it gives is not known (simulated).");
    stack.run(&["plan", "--sim", "-allow-provisioners"]).ok().says("+ name = \"by-ann\"");
    stack.run(&["apply", "--sim", "-auto-approve"]).exits(1).mentions("it runs a program of the configuration, which has to be allowed");
    stack.run(&["apply", "--sim", "-auto-approve", "-allow-provisioners"]).ok().mentions("Resources: 1 added");
}

#[test]
fn a_word_that_is_given_for_a_variable_need_not_be_what_an_account_takes() {
    let text = r#"
variable "region" {}
variable "size" {}
variable "image" {}
variable "domain" {}
variable "protocol" {}
variable "vpc" {}
variable "droplet" {
  type = number
}
resource "digitalocean_droplet" "a" {
  name     = "a"
  region   = var.region
  size     = var.size
  image    = var.image
  vpc_uuid = var.vpc
}
data "digitalocean_domain" "a" {
  name = var.domain
}
resource "digitalocean_record" "a" {
  domain = data.digitalocean_domain.a.name
  type   = "A"
  name   = "a"
  value  = digitalocean_droplet.a.ipv4_address
}
resource "digitalocean_firewall" "a" {
  name        = "a"
  droplet_ids = [var.droplet]
  inbound_rule {
    protocol         = var.protocol
    port_range       = "22"
    source_addresses = ["0.0.0.0/0"]
  }
}
"#;
    let stack = Stack::with_plan("web", text);
    let given = |region: &str, size: &str| {
        let mut given = format!("region = \"{region}\"\nsize = \"{size}\"\ndroplet = 1\n");
        ["image", "domain", "protocol", "vpc"].iter().for_each(|name| given += &format!("{name} = \"example\"\n"));
        stack.write("given.tfvars", &given);
    };
    let plan = ["plan", "--sim", "-var-file=given.tfvars"];
    given("example", "s-1vcpu-1gb");
    let told = stack.run(&plan).ok().says("Plan: 3 to add");
    let told = told.mentions("warning: digitalocean_droplet.a: There is no region `example`.").mentions("no droplet 1");
    told.mentions("The value was given for a variable, and the plan goes on without it: an account refuses it.");
    given("nyc3", "example");
    let told = stack.run(&plan).ok().says("Plan: 3 to add").mentions("warning: digitalocean_droplet.a: There is no size `example`.");
    told.mentions("The image `example` does not exist").mentions("`example` is not a protocol");
    // What looks like the name of something is meant as it is.
    given("nyc9", "512mb");
    stack.run(&plan).exits(1).mentions("error: digitalocean_droplet.a: There is no region `nyc9`.");
    given("nyc3", "512mb");
    stack.run(&plan).exits(1).mentions("error: digitalocean_droplet.a: There is no size `512mb`.");
    // So is a default, and a word that is written.
    stack.replace("plans/web.tf", "variable \"size\" {}", "variable \"size\" {\n  default = \"example\"\n}");
    given("nyc3", "large");
    stack.run(&plan).exits(1).mentions("error: digitalocean_droplet.a: There is no size `large`.");
}

#[test]
fn an_empty_name_of_what_something_belongs_to_is_an_error_at_its_place() {
    let text = "resource \"digitalocean_database_firewall\" \"a\" {\n  cluster_id = \"\"\n  rule {\n    type  = \"ip_addr\"\n    value = \"192.0.2.1\"\n  }\n}\n";
    let stack = Stack::with_plan("web", text);
    for words in [&["validate"][..], &["plan", "--sim"]] {
        stack.run(words).exits(1).mentions("`cluster_id` is empty.").mentions("plans/web.tf:2:");
    }
}

#[test]
fn a_part_of_the_configuration_has_to_be_there() {
    for path in ["./files/a", "${path.module}/start.sh", "${path.root}/${var.name}", "~/values.yaml"] {
        let text = format!("variable \"name\" {{\n  default = \"x\"\n}}\noutput \"o\" {{\n  value = file(\"{path}\")\n}}\n");
        let stack = Stack::with_plan("web", &text);
        stack.run(&["plan", "--sim"]).exits(1).mentions("The function \"file\" fails: there is no file");
    }
}

#[test]
fn an_image_that_a_data_source_names_by_its_slug_is_made_up_as_one_that_a_droplet_names() {
    let text = "data \"digitalocean_image\" \"docker\" {\n  slug = \"docker-18-04\"\n}\noutput \"o\" {\n  value = data.digitalocean_image.docker.slug\n}\n";
    let stack = Stack::with_plan("web", text);
    stack.run(&["plan", "--sim"]).ok().mentions("The simulated account had no image `docker-18-04`").says("+ o = \"docker-18-04\"");
    stack.write("plans/web.tf", &text.replacen("docker-18-04", "ubuntu-9-04-x64", 1));
    stack.run(&["plan", "--sim"]).exits(1).mentions("There is no image whose slug is `ubuntu-9-04-x64`");
}

#[test]
fn what_a_type_alone_calls_secret_is_hidden_where_an_output_shows_it() {
    let text = r#"
variable "length" {
  default = 16
}
variable "mine" {
  default   = "hidden78"
  sensitive = true
}
resource "random_password" "a" {
  length = var.length
}
locals {
  password = random_password.a.result
}
output "password" {
  value = "p=${local.password}"
}
"#;
    let stack = Stack::with_plan("web", text);
    stack.run(&["validate"]).ok().mentions("The value of this output is sensitive: it is hidden.");
    stack.run(&["apply", "--sim", "-auto-approve"]).ok().says("password = <sensitive>");
    assert!(!shows(&stack.run(&["output", "--sim"]).ok(), "p="));
    // What somebody marked stays refused.
    for shown in ["var.mine", "sensitive(local.password)", "\"${local.password}${var.mine}\""] {
        stack.write("plans/web.tf", &text.replace("\"p=${local.password}\"", shown));
        stack.run(&["validate"]).exits(1).mentions("This output would show a sensitive value.");
    }
}

#[test]
fn a_list_in_a_list_is_one_list_wherever_terraform_0_11_took_it_for_one() {
    let text = r#"
variable "from" {}
variable "tags" {}
data "template_file" "start" {
  template = "first: $${first}"
  vars {
    first = "${element(module.web.ips, 0)}"
  }
}
module "web" {
  source = "../web"
  names  = ["${var.from}"]
}
resource "digitalocean_firewall" "web" {
  name        = "web"
  tags = ["${var.tags}"]
  inbound_rule = [
    {
      protocol         = "tcp"
      port_range       = "22"
      source_addresses = ["${var.from}"]
    },
    {
      protocol         = "tcp"
      port_range       = "80"
      source_addresses = ["${module.web.ips}", "::/0"]
    },
  ]
}
output "first" {
  value = "${data.template_file.start.rendered}"
}
"#;
    let module = r#"
variable "names" {
  default = []
}
resource "null_resource" "a" {
  triggers {
    a = "${join(",", var.names)}"
  }
}
output "ips" {
  value = ["${var.names}"]
}
"#;
    let stack = Stack::with_plan("web", text);
    stack.write("web/main.tf", module);
    stack.write("given.tfvars", "from = [\"192.0.2.1\", \"192.0.2.2\"]\ntags = [\"a\"]\n");
    let given = ["-var-file=given.tfvars"];
    stack.run(&[&["validate"][..], &given].concat()).ok();
    let planned = stack.run(&[&["plan", "--sim"][..], &given].concat()).ok().says("+ first = \"first: 192.0.2.1\"");
    planned.says("+ \"192.0.2.2\"").says("+ a = \"192.0.2.1,192.0.2.2\"");
    // One that holds a text is that list today too.
    stack.run(&["plan", "--sim", "-var", "from=192.0.2.1", "-var", "tags=a"]).ok().says("+ a = \"192.0.2.1\"");
}

#[test]
fn what_was_written_for_terraform_0_11_is_read_as_it_was_meant() {
    let text = r#"
variable "keys" {
  default = ["3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa"]
}
data "template_file" "start" {
  template = "name: $${name}"
  vars {
    name = "web"
  }
}
resource "digitalocean_droplet" "web" {
  count     = 2
  name      = "web-${count.index}"
  region    = "nyc3"
  size      = "s-1vcpu-1gb"
  image     = "ubuntu-24-04-x64"
  ssh_keys  = ["${var.keys}"]
  user_data = "${data.template_file.start.rendered}"
}
resource "digitalocean_firewall" "web" {
  name        = "web"
  droplet_ids = ["${digitalocean_droplet.web.*.id}"]
  inbound_rule {
    protocol         = "tcp"
    port_range       = "22"
    source_addresses = ["${digitalocean_droplet.web.*.ipv4_address}"]
  }
}
resource "null_resource" "after" {
  triggers {
    first = "${digitalocean_droplet.web.0.name}"
  }
  provisioner "local-exec" {
    when    = "destroy"
    command = "echo ${digitalocean_firewall.web.name}"
  }
}
"#;
    let stack = Stack::with_plan("web", text);
    let told = stack.run(&["validate"]).ok().mentions("`vars` is an argument: the block is read as `vars = { … }`.");
    let told = told.mentions("`triggers` is an argument").mentions("`ssh_keys` holds a list within a list: it is read as one list.");
    told.mentions("`droplet_ids` holds a list").mentions("`source_addresses` holds a list").mentions("uses `self`, `count.index` and");
    stack.run(&["apply", "--sim", "-auto-approve"]).ok().mentions("Resources: 4 added");
    stack.run(&["plan", "--sim", "-detailed-exitcode"]).ok().says("No changes.");
    // Who runs provisioners is held to what they may use.
    stack.run_env(&[("DOFLOAT_ALLOW_PROVISIONERS", "1")], &["validate"]).exits(1).mentions("uses `self`, `count.index` and");
    stack.write("plans/web.tf", &text.replace("  vars {", "  vars {\n  }\n  vars {"));
    stack.run(&["validate"]).exits(1).mentions("\"vars\" is an argument of \"data.template_file\": write `vars = …`.");
}
