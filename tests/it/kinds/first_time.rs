//! A right file is applied the first time: what a plan says of an object that is not there yet is what will be there, or is
//! unknown until then, and the next plan has no changes.

use dofloat::sim::{ClockMode, Options};
use serde_json::json;

use crate::support::answers;
use crate::support::cloud::Cloud;
use crate::support::harness::{Outcome, Stack};

/// A line of a `.pub` file as `file()` reads it: with its end.
const KEY: &str = r"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ops@example.com\n";

fn on(cloud: &Cloud, text: &str) -> Stack {
    cloud.serve(Stack::with_plan("web", text)).env("DOFLOAT_CLOCK", "virtual").env("DOFLOAT_TIME_LIMIT", "60000")
}

fn droplet(name: &str, more: &str) -> String {
    format!(
        "resource \"digitalocean_droplet\" \"{name}\" {{\n  name   = \"{name}\"\n  region = \"nyc3\"\n  image  = \"ubuntu-24-04-x64\"\n  \
         size   = \"s-1vcpu-1gb\"\n{more}\n}}\n"
    )
}

/// One apply, and nothing is left to do.
#[track_caller]
fn applies(stack: &Stack) -> Outcome {
    let applied = stack.run(&["apply", "-auto-approve"]).ok();
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    applied
}

#[test]
fn a_records_full_name_is_unknown_as_long_as_its_domain_is() {
    let cloud = Cloud::start(Options::default());
    let text = r#"
resource "digitalocean_domain" "zone" { name = "Example.com" }
resource "digitalocean_record" "www" {
  domain = digitalocean_domain.zone.id
  type   = "A"
  name   = "WWW"
  value  = "192.0.2.11"
}
resource "digitalocean_record" "alias" {
  domain = digitalocean_domain.zone.id
  type   = "CNAME"
  name   = "alias.example.com."
  value  = "@"
}
resource "terraform_data" "reads" { input = [digitalocean_record.www.fqdn, digitalocean_record.alias.name, digitalocean_record.alias.value] }
output "fqdn" { value = digitalocean_record.www.fqdn }
output "reads" { value = terraform_data.reads.output }
"#;
    let stack = on(&cloud, text);
    applies(&stack);
    assert_eq!(stack.run(&["output", "-raw", "fqdn"]).ok().stdout.trim(), "www.example.com");
    assert_eq!(stack.run(&["output", "-json", "reads"]).ok().json(), json!(["www.example.com", "alias", "example.com."]));
    // A new name is in what depends on it, in the plan already.
    stack.replace("plans/web.tf", "\"WWW\"", "\"mail\"");
    stack.run(&["plan"]).ok().says("~ fqdn").mentions("\"www.example.com\" -> \"mail.example.com\"");
    applies(&stack);
    assert_eq!(stack.run(&["output", "-raw", "fqdn"]).ok().stdout.trim(), "mail.example.com");
}

#[test]
fn no_service_is_a_dot_though_the_api_answers_nothing() {
    let cloud = Cloud::start(Options::default());
    let text = r#"
resource "digitalocean_domain" "zone" { name = "example.com" }
resource "digitalocean_record" "no_imap" {
  domain   = digitalocean_domain.zone.name
  type     = "SRV"
  name     = "_imap._tcp"
  priority = 0
  weight   = 0
  port     = 0
  value    = "."
}
output "value" { value = digitalocean_record.no_imap.value }
"#;
    let stack = on(&cloud, text);
    applies(&stack);
    assert_eq!(stack.run(&["output", "-raw", "value"]).ok().stdout.trim(), ".");
}

#[test]
fn what_the_api_respells_is_read_as_it_will_be() {
    let cloud = Cloud::start(Options::default());
    let reads = droplet("reads", "  user_data = \"key: ${digitalocean_ssh_key.ops.public_key}\"\n  tags = digitalocean_droplet.bare.tags");
    let text = format!(
        r#"
resource "digitalocean_ssh_key" "ops" {{
  name       = "ops"
  public_key = "{KEY}"
}}
{}{reads}
resource "digitalocean_vpc" "net" {{
  name   = "net"
  region = "NYC3"
}}
resource "digitalocean_firewall" "wall" {{
  name = "wall"
  inbound_rule {{
    protocol         = "icmp"
    source_addresses = ["0.0.0.0/0"]
  }}
  inbound_rule {{
    protocol         = "tcp"
    port_range       = "1-65535"
    source_addresses = ["::/0", "0.0.0.0/0"]
  }}
}}
resource "terraform_data" "reads" {{
  input = {{
    region      = digitalocean_vpc.net.region
    description = digitalocean_vpc.net.description
    rules       = digitalocean_firewall.wall.inbound_rule
    outbound    = digitalocean_firewall.wall.outbound_rule
    ports       = [for rule in digitalocean_firewall.wall.inbound_rule : rule.port_range]
    droplets    = digitalocean_firewall.wall.droplet_ids
  }}
}}
output "reads" {{ value = terraform_data.reads.output }}
"#,
        droplet("bare", "  private_networking = false")
    );
    let stack = on(&cloud, &text);
    applies(&stack);
    let reads = stack.run(&["output", "-json", "reads"]).ok().json();
    assert_eq!((&reads["region"], &reads["description"], &reads["droplets"]), (&json!("nyc3"), &json!(""), &json!([])));
    assert_eq!((&reads["outbound"], &reads["ports"]), (&json!([]), &json!(["", "all"])));
    let told = cloud.world()["droplets"].as_object().unwrap().values().find(|of| of["name"] == "reads").unwrap()["user_data"].clone();
    assert!(told.as_str().unwrap().ends_with("ops@example.com"), "{told}");
}

/// Its reservation is answered before the assignment that comes with it is done.
#[test]
fn an_address_is_given_to_its_droplet_though_the_first_assignment_fails() {
    let cloud = Cloud::start(Options::default());
    let ip = "resource \"digitalocean_reserved_ip\" \"ip\" {\n  droplet_id = digitalocean_droplet.a.id\n}\n";
    let stack = on(&cloud, &format!("{}{ip}", droplet("a", "")));
    cloud.set_faults(&["POST /v2/reserved_ips action-errored"]);
    applies(&stack);
    assert_eq!(cloud.show("reserved_ips")[0]["droplet"]["id"], cloud.find("droplets", "name", "a")["id"]);
}

#[test]
fn a_project_that_cannot_be_made_is_no_account_without_projects() {
    let cloud = Cloud::start(Options::default());
    let stack = on(&cloud, "resource \"digitalocean_reserved_ip\" \"ip\" {\n  region = \"nyc3\"\n}\n");
    cloud.set_faults(&["POST /v2/projects error-before=404"]);
    stack.run(&["apply", "-auto-approve"]).exits(1).mentions("create the stack's project");
    assert!(cloud.show("reserved_ips").is_empty());
    applies(&stack);
    assert_eq!(cloud.show("reserved_ips")[0]["project_id"], cloud.show("projects")[0]["id"]);
}

#[test]
fn an_address_that_its_file_gave_away_is_taken_back() {
    let cloud = Cloud::start(Options::default());
    let ip = |held: &str| format!("resource \"digitalocean_reserved_ip\" \"ip\" {{\n  region = \"nyc3\"\n{held}\n}}\n");
    let held = ip("  droplet_id = digitalocean_droplet.a.id");
    let two = format!("{}{}", droplet("a", ""), droplet("b", ""));
    let stack = on(&cloud, &format!("{two}{held}"));
    applies(&stack);
    let free = format!("{two}{}", ip(""));
    stack.write("plans/web.tf", &free);
    stack.run(&["plan"]).ok().says("- droplet_id").says("Plan: 0 to add, 1 to change, 0 to destroy.");
    applies(&stack);
    assert_eq!(cloud.show("reserved_ips")[0]["droplet"], json!(null));
    // What another resource or somebody else has set is not this resource's.
    let ip_text = cloud.show("reserved_ips")[0]["ip"].as_str().unwrap().to_owned();
    let b = cloud.find("droplets", "name", "b")["id"].clone();
    cloud.outside("POST", &format!("/v2/reserved_ips/{ip_text}/actions"), &json!({ "type": "assign", "droplet_id": b }));
    cloud.finish_all();
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    // Nor is what was ours, when somebody has moved it meanwhile: not even after the state was brought up to date.
    stack.write("plans/web.tf", &format!("{two}{held}"));
    applies(&stack);
    cloud.outside("POST", &format!("/v2/reserved_ips/{ip_text}/actions"), &json!({ "type": "assign", "droplet_id": b }));
    cloud.finish_all();
    stack.run(&["refresh"]).ok();
    stack.write("plans/web.tf", &free);
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    assert_eq!(cloud.show("reserved_ips")[0]["droplet"]["id"], b);
}

#[test]
fn a_changed_input_shows_its_new_output() {
    let cloud = Cloud::start(Options::default());
    let stack = on(&cloud, "resource \"terraform_data\" \"d\" { input = \"one\" }\noutput \"o\" { value = terraform_data.d.output }\n");
    applies(&stack);
    stack.replace("plans/web.tf", "\"one\"", "\"two\"");
    stack.run(&["plan"]).ok().says("~ output = \"one\" -> \"two\"");
    stack.run(&["plan", "-out=saved"]).ok();
    let plan = stack.run(&["show", "-json", "saved"]).ok().json();
    assert_eq!(plan["resource_changes"][0]["change"]["after"]["output"], "two");
    stack.run(&["apply", "saved"]).ok();
    assert_eq!(stack.run(&["output", "-raw", "o"]).ok().stdout.trim(), "two");
}

/// A plan file of an earlier format shows less of what is made, and does the same.
#[test]
fn an_earlier_plan_file_is_applied() {
    let cloud = Cloud::start(Options::default());
    let stack = on(&cloud, &droplet("a", ""));
    stack.run(&["plan", "-out=saved"]).ok();
    let text = stack.read("saved");
    let body = text.trim_end().rsplit_once('\n').unwrap().0.replacen("\"format\": 3", "\"format\": 2", 1);
    let body = body.replacen("\"locked\": \"unknown\"", "\"locked\": \"absent\"", 1);
    stack.write("saved", &format!("{body}\n{}\n", dofloat::base::digest::sha256_hex(body.as_bytes())));
    stack.run(&["apply", "saved"]).ok().says("Apply complete! Resources: 1 added");
}

/// Killed while its droplet boots, an apply is run again at once: nothing is known of the addresses yet.
#[test]
fn a_rerun_waits_for_what_still_boots() {
    let cloud = Cloud::start(Options { clock: ClockMode::Explicit { looks: 8 }, ..Options::default() });
    let text = format!(
        r#"
resource "digitalocean_domain" "zone" {{ name = "example.com" }}
{}{}
resource "digitalocean_record" "a" {{
  domain = digitalocean_domain.zone.id
  type   = "A"
  name   = "a"
  value  = digitalocean_droplet.a.ipv4_address
}}
resource "digitalocean_record" "told" {{
  domain = digitalocean_domain.zone.id
  type   = "TXT"
  name   = "told"
  value  = "ip=[${{digitalocean_droplet.a.ipv4_address}}] ${{digitalocean_droplet.a.status}}"
}}
output "ip" {{ value = digitalocean_droplet.a.ipv4_address }}
"#,
        droplet("a", "  public_networking = true"),
        droplet("b", "  user_data = \"first: ${digitalocean_droplet.a.ipv4_address_private}\""),
    );
    let stack = on(&cloud, &text);
    // The domain's answer, the droplet's, and a look that sees it boot.
    for answer in 1.. {
        let killed = stack.run_env(&[("DOFLOAT_CRASH", &format!("answer.received@{answer}"))], &["apply", "-auto-approve"]);
        assert_ne!(killed.code, 0, "it was never killed while a droplet booted: {killed}");
        // The domain's answer was lost with the run.
        if killed.code == 4 {
            answers::give(&stack, &killed);
        }
        if cloud.show("droplets").iter().any(|droplet| droplet["status"] == "new") {
            break;
        }
    }
    let asked = stack.run(&["plan"]);
    if asked.code == 4 {
        answers::give(&stack, &asked);
    }
    let plan = stack.run(&["plan"]).ok().mentions("+ ip = (known after apply)");
    assert!(!plan.stdout.contains("ip=[]"), "{plan}");
    assert!(!plan.stdout.contains("must be replaced"), "{plan}");
    applies(&stack);
    let ip = stack.run(&["output", "-raw", "ip"]).ok().stdout;
    let records = cloud.ask(Cloud::TOKEN, "GET", "/domains/example.com/records?type=TXT", &json!(null)).response_body.unwrap();
    assert_eq!(records["domain_records"][0]["data"], format!("ip=[{}] active", ip.trim()));
    assert_eq!(cloud.show("droplets").len(), 2);
}

/// Functions that give something new at each call: unknown in the plan, one value for each place that calls when it is applied.
#[test]
fn what_is_of_the_moment_has_a_value_when_it_is_applied() {
    let cloud = Cloud::start(Options::default());
    let ignored = droplet("d", "  user_data = \"built ${timestamp()}\"\n  lifecycle {\n    ignore_changes = [user_data]\n  }");
    let stack = on(&cloud, &ignored);
    applies(&stack);
    let text = r#"
locals { once = uuid() }
resource "terraform_data" "when" {
  input = timestamp()
  lifecycle { ignore_changes = [input] }
}
resource "terraform_data" "one" {
  input = local.once
  lifecycle { ignore_changes = [input] }
}
resource "terraform_data" "two" {
  input = "${local.once} ${length(uuid())} ${length(bcrypt("x", 4))}"
  lifecycle { ignore_changes = [input] }
}
resource "terraform_data" "each" {
  count = 2
  input = [uuid(), [for place in ["a", "b"] : uuid()]]
  lifecycle { ignore_changes = [input] }
}
resource "digitalocean_tag" "t" {
  name = "t-${formatdate("YYYY", timestamp())}"
  lifecycle { ignore_changes = [name] }
}
output "one" { value = terraform_data.one.output }
output "two" { value = terraform_data.two.output }
output "each" { value = terraform_data.each[*].output }
output "tag" { value = digitalocean_tag.t.name }
"#;
    for saved in [false, true] {
        let cloud = Cloud::start(Options::default());
        let stack = on(&cloud, text);
        if saved {
            stack.run(&["plan", "-out=saved"]).ok().mentions("+ tag  = (known after apply)");
            stack.run(&["apply", "saved"]).ok();
            stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
        } else {
            applies(&stack);
        }
        let outputs = stack.run(&["output", "-json"]).ok().json();
        let one = outputs["one"]["value"].as_str().unwrap();
        assert_eq!(outputs["two"]["value"], format!("{one} 36 60"));
        let all: std::collections::BTreeSet<String> = outputs["each"]["value"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|of| [&of[0], &of[1][0], &of[1][1]])
            .map(ToString::to_string)
            .collect();
        assert_eq!(all.len(), 6, "each call has its own: {all:?}");
        let tag = outputs["tag"]["value"].as_str().unwrap();
        assert!(tag.len() == 6 && tag.starts_with("t-"), "{tag}");
    }
}

/// An output of the moment has a value at each apply, and is told as a change by each plan, as with Terraform.
#[test]
fn an_output_of_the_moment_has_a_value() {
    let cloud = Cloud::start(Options::default());
    let stack = on(&cloud, "output \"o\" { value = length(uuid()) }\n");
    stack.run(&["apply", "-auto-approve"]).ok();
    assert_eq!(stack.run(&["output", "-raw", "o"]).ok().stdout.trim(), "36");
    stack.run(&["plan", "-detailed-exitcode"]).exits(2);
    stack.run(&["apply", "-auto-approve"]).ok();
}

/// Why something goes, in Terraform's words.
#[test]
fn what_goes_says_what_in_the_file_lets_it_go() {
    let cloud = Cloud::start(Options::default());
    let tags = |a: &str, b: &str, c: &str, d: &str| {
        let tag = |name: &str, more: &str| {
            let key = if more.contains("count") {
                "${count.index}"
            } else if more.contains("for_each") {
                "${each.key}"
            } else {
                ""
            };
            format!("resource \"digitalocean_tag\" \"{name}\" {{\n  {more}\n  name = \"{name}{key}\"\n}}\n")
        };
        let d = if d.is_empty() { String::new() } else { tag("d", d) };
        format!("{}{}{}{d}", tag("a", a), tag("b", b), tag("c", c))
    };
    let stack = on(&cloud, &tags("count = 2", "for_each = toset([\"x\", \"y\"])", "for_each = toset([\"x\"])", "# one"));
    applies(&stack);
    stack.write("plans/web.tf", &tags("count = 0", "for_each = toset([\"x\"])", "count = 1", ""));
    let plan = stack.run(&["plan", "-out=saved"]).ok();
    for line in [
        "# (because index [1] is out of range for count)",
        "# (because key [\"y\"] is not in for_each map)",
        "# (because resource does not use for_each)",
        "# (because digitalocean_tag.d is not in the configuration)",
    ] {
        assert!(plan.stdout.contains(line), "{line}\n{plan}");
    }
    let json = stack.run(&["show", "-json", "saved"]).ok().json();
    let why = |address: &str| {
        let changes = json["resource_changes"].as_array().unwrap();
        changes.iter().find(|change| change["address"] == address).unwrap()["action_reason"].clone()
    };
    assert_eq!(why("digitalocean_tag.a[0]"), "delete_because_count_index");
    assert_eq!(why("digitalocean_tag.b[\"y\"]"), "delete_because_each_key");
    assert_eq!(why("digitalocean_tag.c[\"x\"]"), "delete_because_wrong_repetition");
    assert_eq!(why("digitalocean_tag.d"), "delete_because_no_resource_config");
}
