//! Bad input: each gets a clear message with its place, exit 1 (or as the product says), nothing written, and no panic.
//!
//! A case is a small plan, or something done to a folder; what the program says is a golden file in `fixtures/golden`.

use std::collections::BTreeMap;

use dofloat::sim::{Options, Scopes};

use crate::support::cloud::Cloud;
use crate::support::golden::golden;
use crate::support::harness::{Outcome, Stack};

/// A plan that is refused before anything is written.
#[track_caller]
fn refused(name: &str, text: &str) {
    let stack = Stack::with_plan("web", text);
    let outcome = stack.run(&["plan", "web", "--sim"]).exits(1);
    golden(&stack, "bad_input", name, &outcome);
    assert!(!stack.exists("state/web.json") && !stack.exists(".dofloat/sim/web/web.json"), "nothing is written");
}

/// A plan that an account refuses before anything is written. A simulated one is there to try a file: it tells, and lets it pass.
#[track_caller]
fn refused_by_an_account(name: &str, text: &str) {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("web", text));
    let outcome = stack.run(&["plan", "web"]).exits(1);
    golden(&stack, "bad_input", name, &outcome);
    assert!(!stack.exists("state/web.json"), "nothing is written");
    stack.run(&["plan", "web", "--sim"]).ok().mentions("warning: ");
    stack.run(&["validate", "web"]).ok();
}

fn droplet(lines: &str) -> String {
    format!(
        "resource \"digitalocean_droplet\" \"a\" {{\n  name   = \"a\"\n  region = \"nyc3\"\n  image  = \"ubuntu-24-04-x64\"\n  size   = \"s-1vcpu-1gb\"\n{lines}}}\n"
    )
}

fn record(lines: &str) -> String {
    format!(
        "resource \"digitalocean_domain\" \"d\" {{\n  name = \"example.com\"\n}}\n\nresource \"digitalocean_record\" \"r\" {{\n  domain = digitalocean_domain.d.name\n  name   = \"www\"\n{lines}}}\n"
    )
}

fn vpc(name: &str, range: &str) -> String {
    format!("resource \"digitalocean_vpc\" \"{name}\" {{\n  name     = \"{name}\"\n  region   = \"nyc3\"\n  ip_range = \"{range}\"\n}}\n")
}

#[test]
fn what_the_language_refuses() {
    refused(
        "syntax",
        "resource \"digitalocean_vpc\" \"a\" {\n  name = \n  region = \"nyc3\"\n}\n\nlocals {\n  a = [1, 2\n}\n\noutput \"o\" {\n  value = 1 +* 2\n}\n",
    );
    refused("unclosed_quote", &droplet("").replace("\"nyc3\"", "\"nyc3"));
    refused("unclosed_insertion", &droplet("").replace("\"nyc3\"", "\"${lower(\"NYC3\")\""));
    refused("unknown_block", "resuorce \"digitalocean_vpc\" \"a\" {\n  name = \"a\"\n}\n");
    refused("unknown_attribute", &droplet("  regoin = \"ams3\"\n"));
    refused(
        "unknown_reference",
        &format!(
            "{}output \"o\" {{\n  value = [digitalocean_droplet.b.id, var.nothing, digitalocean_droplet.a.ipv4_adress]\n}}\n",
            droplet("")
        ),
    );
    refused("unknown_function", "output \"o\" {\n  value = jsonencod({})\n}\n");
    refused("unknown_type", "resource \"digitalocean_dropelt\" \"a\" {\n  name = \"a\"\n}\n");
    refused("wrong_type", &droplet("  tags    = \"web\"\n  backups = \"often\"\n"));
    refused("missing_argument", "resource \"digitalocean_droplet\" \"a\" {\n  name  = \"a\"\n  image = \"ubuntu-24-04-x64\"\n}\n");
    refused(
        "cycle",
        "resource \"digitalocean_tag\" \"a\" {\n  name = digitalocean_tag.b.name\n}\n\nresource \"digitalocean_tag\" \"b\" {\n  name = \"b-${digitalocean_tag.c.id}\"\n}\n\nresource \"digitalocean_tag\" \"c\" {\n  name = \"c-${digitalocean_tag.a.id}\"\n}\n",
    );
    refused(
        "for_each_over_unknown",
        &format!(
            "{}resource \"digitalocean_tag\" \"t\" {{\n  for_each = toset([digitalocean_droplet.a.ipv4_address])\n  name     = each.key\n}}\n",
            droplet("")
        ),
    );
}

#[test]
fn a_file_whose_variables_have_no_value_is_valid() {
    let text = "variable \"names\" {\n  type = set(string)\n}\n\nvariable \"many\" {\n  type = number\n}\n\nresource \"digitalocean_tag\" \"t\" {\n  for_each = var.names\n  name     = each.key\n}\n\nresource \"digitalocean_vpc\" \"v\" {\n  count  = var.many\n  name   = \"net${count.index}\"\n  region = \"nyc3\"\n}\n\noutput \"o\" {\n  value = [values(digitalocean_tag.t)[*].id, digitalocean_vpc.v[0].urn]\n}\n";
    let stack = Stack::with_plan("web", text);
    stack.run(&["validate", "web"]).ok();
    stack.write("plans/web.tf", &text.replace("\"nyc3\"", "\"nyc3\"\n  ip_range = \"10.0.0.0/8\""));
    stack.run(&["validate", "web"]).exits(1).mentions("10.0.0.0/8");
}

#[test]
fn what_the_block_of_a_bucket_refuses() {
    let base = "bucket = \"acme\"\n    region = \"nyc3\"";
    let blocks = [
        "region = \"nyc3\"",
        "bucket = \"acme\"",
        "bucket = \"Acme_States\"\n    region = \"nyc3\"",
        "bucket = \"acme\"\n    region = \"New York\"",
        &format!("{base}\n    buckett = \"b\""),
        &format!("{base}\n    key = \"/web.json\""),
        &format!("{base}\n    access_key = \"AKIAHUSHHUSH\"\n    secret_key = \"hushhushhush\""),
        &format!("{base}\n    secret_acces_key = \"hushhushhush\""),
        &format!("{base}\n    profile = \"acme\""),
        &format!("{base}\n    assume_role = {{ role_arn = \"arn:aws:iam::1:role/x\" }}"),
        &format!("{base}\n    dynamodb_table = \"locks\""),
        &format!("{base}\n    use_lockfile = false"),
        &format!("{base}\n    encrypt = \"yes\""),
        &format!("{base}\n    use_path_style = \"yes\""),
        "bucket = \"acme\"\n    endpoint = \"http://s3.example.org\"",
        "bucket = \"acme\"\n    endpoint = \"ftp://s3.example.org\"",
        "bucket = \"acme\"\n    endpoint = \"https://AKIA:hushhushhush@s3.example.org\"",
        "bucket = \"acme\"\n    endpoint = \"https://AKIA:hushhushhush@\"",
        "bucket = \"acme\"\n    endpoint = \"https://acme.nyc3.digitaloceanspaces.com\"",
        "bucket = \"acme\"\n    endpoint = \"https://s3.example.org?x=1\"",
        base,
        "bucket = \"acme\"\n    region = \"us-east-1\"",
    ];
    let stack = Stack::empty();
    let mut said = String::new();
    for block in blocks {
        stack.write("plans/web.tf", &format!("terraform {{\n  backend \"s3\" {{\n    {block}\n  }}\n}}\n"));
        said += &stack.run(&["state", "list", "web"]).exits(1).stderr;
    }
    assert!(!said.contains("hush") && !said.contains("HUSH"), "{said}");
    stack.write("plans/web.tf", &format!("terraform {{\n  backend \"s3\" {{\n    {base}\n  }}\n}}\n"));
    let half = stack.run_env(&[("SPACES_ACCESS_KEY_ID", "DO00")], &["state", "list", "web"]).exits(1);
    golden(&stack, "bad_input", "bucket_block", &Outcome { stderr: said + &half.stderr, ..half });
}

#[test]
fn what_the_api_would_refuse_later() {
    refused_by_an_account("droplet_name", &droplet("").replace("name   = \"a\"", "name   = \"web_1\""));
    refused_by_an_account(
        "user_data_too_long",
        &droplet(
            "  user_data = join(\"\", [for n in range(700) : \"# one hundred characters, so that a list of seven hundred of them is more than sixty-four kibibytes ##\"])\n",
        ),
    );
    refused_by_an_account("ttl_too_short", &record("  type   = \"A\"\n  value  = \"192.0.2.1\"\n  ttl    = 10\n"));
    refused_by_an_account("record_value", &record("  type   = \"A\"\n  value  = \"www.example.org\"\n"));
    refused("range_too_wide", &vpc("a", "10.0.0.0/8"));
    refused("ranges_overlap", &format!("{}\n{}", vpc("a", "10.10.0.0/16"), vpc("b", "10.10.10.0/24")));
    refused("wrong_size", &droplet("").replace("s-1vcpu-1gb", "s-1vcpu-1tb"));
    refused("wrong_region", &droplet("").replace("nyc3", "nyc9"));
    refused("wrong_image", &droplet("").replace("ubuntu-24-04-x64", "ubuntu-24-05-x64"));
    refused(
        "one_name_twice",
        &format!("{}\n{}", vpc("a", "10.10.0.0/24"), vpc("b", "10.10.1.0/24").replace("name     = \"b\"", "name     = \"a\"")),
    );
}

#[test]
fn what_names_nothing_that_is_there() {
    let reserved = "resource \"digitalocean_reserved_ip\" \"front\" {\n  region = \"nyc3\"\n}\n";
    let holds = |ip: &str, droplet: &str| {
        format!("resource \"digitalocean_floating_ip_assignment\" \"x\" {{\n  ip_address = {ip}\n  droplet_id = {droplet}\n}}\n")
    };
    let wall = "resource \"digitalocean_firewall\" \"f\" {\n  name        = \"fw\"\n  droplet_ids = [digitalocean_droplet.a.id, 4711]\n  inbound_rule {\n    protocol           = \"tcp\"\n    port_range         = \"22\"\n    source_droplet_ids = [4712]\n  }\n}\n";
    refused_by_an_account(
        "names_nothing_key",
        &format!("{reserved}{}", droplet("  ssh_keys = [\n    \"cd:e8:2a:10:50:ae:eb:6a:91:b9:e8:9f:e0:04:70:7f\",\n    \"4710\",\n  ]\n")),
    );
    refused("names_nothing_address", &format!("{}{}", droplet(""), holds("\"192.0.2.200\"", "digitalocean_droplet.a.id")));
    refused("names_nothing_droplet", &format!("{reserved}{}{wall}{}", holds("digitalocean_reserved_ip.front.id", "4711"), droplet("")));
    refused_by_an_account("names_nothing_vpc", &droplet("  vpc_uuid = \"5a4981aa-9653-4bd1-bef5-d6bff52042e4\"\n"));
    refused_by_an_account(
        "names_nothing_domain",
        &record("  type   = \"A\"\n  value  = \"192.0.2.1\"\n").replace("digitalocean_domain.d.name", "\"example.net\""),
    );
}

#[test]
fn what_is_in_regions_that_do_not_meet() {
    let front = "resource \"digitalocean_reserved_ip\" \"front\" {\n  region = \"fra1\"\n}\n";
    let net = "resource \"digitalocean_vpc\" \"net\" {\n  name   = \"net\"\n  region = \"fra1\"\n}\n";
    let holds = "resource \"digitalocean_reserved_ip_assignment\" \"front\" {\n  ip_address = digitalocean_reserved_ip.front.ip_address\n  droplet_id = digitalocean_droplet.a.id\n}\n";
    let web = droplet("  vpc_uuid = digitalocean_vpc.net.id\n");
    let text = format!("{front}{net}{web}{holds}");
    refused("regions_apart", &text);
    let stack = Stack::with_plan("web", &text);
    stack.run(&["validate"]).exits(1).mentions("they must be in the same region");
    refused(
        "regions_apart_by_droplet",
        &format!("{}{}", droplet(""), front.replace("fra1\"", "fra1\"\n  droplet_id = digitalocean_droplet.a.id")),
    );
    // What is there already is asked for, and read once.
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("web", &format!("{front}{net}{}", droplet("  tags = [\"t\"]\n").replace("nyc3", "FRA1"))));
    stack.run(&["apply", "-auto-approve"]).ok();
    let written = |address: &str| stack.json("state/web.json")["resources"][address]["id"].as_str().expect("a record").to_owned();
    let (ip, vpc, id) = (written("digitalocean_reserved_ip.front"), written("digitalocean_vpc.net"), written("digitalocean_droplet.a"));
    let other = cloud.serve(Stack::with_plan("other", ""));
    other.write(
        "plans/other.tf",
        &format!(
        "{}resource \"digitalocean_reserved_ip_assignment\" \"x\" {{\n  ip_address = \"{ip}\"\n  droplet_id = digitalocean_droplet.a.id\n}}\n",
            droplet(&format!("  vpc_uuid = \"{vpc}\"\n"))
        ),
    );
    cloud.forget_log();
    let outcome = other.run(&["plan", "other"]).exits(1);
    let said = |text: &str| assert!(outcome.stderr.contains(text), "{outcome}");
    said(&format!("digitalocean_droplet.a is in nyc3, and {vpc} in fra1: they must be in the same region."));
    said(&format!(
        "{ip} is in fra1, and digitalocean_droplet.a in nyc3: they must be in the same region for digitalocean_reserved_ip_assignment.x."
    ));
    assert_eq!(cloud.requests().0, 0, "nothing is changed");
    other.write(
        "plans/other.tf",
        &format!("resource \"digitalocean_reserved_ip_assignment\" \"x\" {{\n  ip_address = \"{ip}\"\n  droplet_id = {id}\n}}\n"),
    );
    other.run(&["apply", "other", "-auto-approve"]).ok();
    other.run(&["plan", "other", "-detailed-exitcode"]).ok();
}

#[test]
fn what_cannot_be_beside_itself_is_refused_where_another_asks_for_it() {
    let text = |range: &str| {
        format!(
            "resource \"digitalocean_vpc\" \"net\" {{\n  name     = \"net\"\n  region   = \"fra1\"\n  ip_range = \"{range}\"\n}}\n\
             resource \"digitalocean_droplet\" \"a\" {{\n  name     = \"a\"\n  region   = \"fra1\"\n  size     = \"s-1vcpu-1gb\"\n  \
             image    = \"debian-13-x64\"\n  vpc_uuid = digitalocean_vpc.net.id\n  lifecycle {{\n    create_before_destroy = true\n  }}\n}}\n"
        )
    };
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("web", &text("10.40.0.0/24")));
    stack.run(&["apply", "-auto-approve"]).ok();
    stack.write("plans/web.tf", &text("10.41.0.0/24"));
    cloud.forget_log();
    let refused = stack.run(&["apply", "-auto-approve"]).exits(1);
    refused
        .mentions("digitalocean_vpc.net cannot be created before the old one is destroyed: both cannot be there.")
        .mentions("plans/web.tf:1:1")
        .mentions("digitalocean_droplet.a depends on it and has `create_before_destroy`")
        .mentions("6 | resource \"digitalocean_droplet\" \"a\" {");
    assert_eq!(cloud.requests().0, 0, "nothing is changed");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a file of that length, which holds nothing")]
fn what_has_no_end_is_not_read() {
    let stack = Stack::with_plan("web", "");
    let pipe = |name: &str| {
        let made = std::process::Command::new("mkfifo").arg(stack.path(name)).status().expect("mkfifo");
        assert!(made.success(), "{name}");
    };
    pipe("pipe");
    std::fs::File::create(stack.path("plans/big")).expect("a file").set_len((64 << 20) + 1).expect("a long file");
    stack.write(
        "plans/web.tf",
        "locals {\n  a = file(\"/dev/zero\")\n  b = templatefile(\"../pipe\", {})\n  c = filebase64(\"big\")\n  d = filesha256(\"../pipe\")\n  e = fileexists(\"../pipe\")\n  f = file(\"..\")\n  g = fileset(\"/\", \"*\")\n}\n",
    );
    let mut outcome = stack.run(&["validate", "web"]).exits(1);
    stack.write("plans/web.tf", "variable \"v\" {\n  default = 1\n}\n");
    for arguments in [
        &["plan", "--sim", "-var-file=pipe"][..],
        &["apply", "--sim", "pipe"],
        &["show", "pipe"],
        &["import", "--sim", "-tfstate=pipe"],
        &["state", "push", "pipe"],
    ] {
        let refused = stack.run(arguments).exits(1);
        assert!(refused.stderr.contains("it is a named pipe, not a file"), "{arguments:?}: {refused}");
    }
    std::fs::remove_file(stack.path("plans/web.tf")).expect("it was there");
    pipe("plans/web.tf");
    outcome.stderr += &stack.run(&["plan", "web", "--sim"]).exits(1).stderr;
    golden(&stack, "bad_input", "no_end", &outcome);
}

#[test]
fn what_a_rule_of_a_firewall_does() {
    let wall = |action: &str| {
        format!(
            "resource \"digitalocean_firewall\" \"f\" {{\n  name = \"fw\"\n  inbound_rule {{\n    action           = \"{action}\"\n    protocol         = \"tcp\"\n    port_range       = \"22\"\n    source_addresses = [\"0.0.0.0/0\"]\n  }}\n}}\n"
        )
    };
    refused("rule_denies", &wall("deny"));
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan(
        "web",
        &format!(
            "{}resource \"terraform_data\" \"d\" {{\n  input = [for rule in digitalocean_firewall.f.inbound_rule : rule.port_range]\n}}\n",
            wall("allow")
        ),
    ));
    stack.run(&["apply", "-auto-approve"]).ok();
    let sent = cloud.log().iter().any(|of| of.is_write() && of.request.to_string().contains("action"));
    assert!(!sent, "{:?}", cloud.log());
    stack.run(&["plan", "-detailed-exitcode"]).ok();
    stack.write("plans/web.tf", &wall("allow").replace("    action           = \"allow\"\n", ""));
    stack.run(&["plan", "-target=digitalocean_firewall.f", "-detailed-exitcode"]).ok();
}

#[test]
fn what_a_token_may_not() {
    let plan = droplet("");
    let tokens = BTreeMap::from([(Cloud::TOKEN.to_owned(), Scopes::parse("account:read"))]);
    let cloud = Cloud::start(Options { tokens, ..Options::default() });
    let stack = cloud.serve(Stack::with_plan("web", &plan));
    golden(&stack, "bad_input", "scope_missing", &stack.run(&["plan"]).exits(1));
    let stack = stack.env("DIGITALOCEAN_TOKEN", "another-token-4712");
    golden(&stack, "bad_input", "token_refused", &stack.run(&["plan"]).exits(1));
    let stack = Stack::with_plan("web", &plan);
    golden(&stack, "bad_input", "no_token", &stack.run(&["plan"]).exits(1));
    golden(&stack, "bad_input", "no_terminal", &stack.run(&["apply", "--sim"]).exits(1));
    assert!(!stack.exists(".dofloat/sim/web/web.json"), "nothing is written");
}

#[test]
fn a_state_that_cannot_be_used() {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("web", "resource \"digitalocean_tag\" \"a\" {\n  name = \"a\"\n}\n"));
    stack.run(&["apply", "-auto-approve"]).ok();
    let good = stack.read("state/web.json");
    let refused = |name: &str, text: &str, code: i32| {
        stack.write("state/web.json", text);
        cloud.forget_log();
        for arguments in [&["plan"][..], &["apply", "-auto-approve"], &["destroy", "-auto-approve"]] {
            let outcome = stack.run(arguments).exits(code);
            if arguments == ["plan"] {
                golden(&stack, "bad_input", name, &outcome);
            }
        }
        assert_eq!(stack.read("state/web.json"), text, "the file is left alone");
        assert_eq!(cloud.requests().0, 0, "nothing is changed");
    };
    refused("state_cut_short", &good[..good.len() / 2], 1);
    refused("state_of_another_format", &good.replace("\"format\": 1", "\"format\": 99"), 1);
    refused(
        "state_with_conflict_marks",
        &good.replace("  \"serial\"", "<<<<<<< HEAD\n  \"serial\"").replace("  \"salt\"", "=======\n>>>>>>> other\n  \"salt\""),
        1,
    );
    let account = serde_json::from_str::<serde_json::Value>(&good).unwrap()["owner"]["account"].as_str().unwrap().to_owned();
    refused("state_of_another_account", &good.replace(&account, "00000000-0000-4000-8000-000000000000"), 1);
    refused("state_empty", "", 4);
}

#[test]
fn a_saved_plan_that_no_longer_holds() {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("web", "resource \"digitalocean_tag\" \"a\" {\n  name = \"a\"\n}\n"));
    stack.run(&["plan", "-out=saved"]).ok();
    let saved = stack.read("saved");
    stack.write("saved", &saved[..saved.len() - 100]);
    golden(&stack, "bad_input", "plan_cut_short", &stack.run(&["apply", "saved"]).exits(1));
    stack.write("saved", &saved.replace("\"a\"", "\"b\""));
    golden(&stack, "bad_input", "plan_altered", &stack.run(&["apply", "saved"]).exits(1));
    stack.write("saved", &saved);
    stack.run(&["apply", "-auto-approve"]).ok();
    golden(&stack, "bad_input", "plan_stale", &stack.run(&["apply", "saved"]).exits(1));
    assert_eq!(cloud.show("tags").len(), 1);
}

#[test]
fn a_size_whose_disk_is_smaller() {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("web", &droplet("").replace("s-1vcpu-1gb", "s-2vcpu-2gb")));
    stack.run(&["apply", "-auto-approve"]).ok();
    stack.replace("plans/web.tf", "s-2vcpu-2gb", "s-1vcpu-1gb");
    cloud.forget_log();
    golden(&stack, "bad_input", "disk_too_small", &stack.run(&["apply", "-auto-approve"]).exits(1));
    assert_eq!(cloud.requests().0, 0, "nothing is changed");
}
