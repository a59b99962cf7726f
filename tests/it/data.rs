//! Data sources: what is looked up, when, with how many requests; and that nothing of it is kept, destroyed or shown where it does
//! not belong.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use dofloat::kinds::data::sources;
use dofloat::sim::{Options, Scopes};
use serde_json::{Value, json};

use crate::support::cloud::Cloud;
use crate::support::contract::Contract;
use crate::support::harness::{KEY, Stack, say};

/// A droplet with a key that somebody has added by hand, as most public configurations have it.
const BY_KEY: &str = r#"
data "digitalocean_ssh_key" "me" {
  name = "laptop"
}
resource "digitalocean_droplet" "web" {
  name     = "web"
  region   = "nyc3"
  image    = "ubuntu-24-04-x64"
  size     = "s-1vcpu-1gb"
  ssh_keys = [data.digitalocean_ssh_key.me.id]
}
output "fingerprint" {
  value = data.digitalocean_ssh_key.me.fingerprint
}
"#;

/// A droplet that is looked up once it is there.
const AFTER: &str = r#"
resource "digitalocean_droplet" "web" {
  name   = "web"
  region = "nyc3"
  image  = "ubuntu-24-04-x64"
  size   = "s-1vcpu-1gb"
}
data "digitalocean_droplet" "by_id" {
  id = digitalocean_droplet.web.id
}
data "digitalocean_droplet" "by_name" {
  name       = "web"
  depends_on = [digitalocean_droplet.web]
}
resource "terraform_data" "size" {
  input = "${data.digitalocean_droplet.by_id.size} ${data.digitalocean_droplet.by_name.vcpus}"
}
output "private" {
  value = data.digitalocean_droplet.by_name.ipv4_address_private
}
"#;

fn open(plan: &str) -> (Cloud, Stack) {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("one", plan)).env("DOFLOAT_CLOCK", "virtual");
    cloud.outside("POST", "/v2/account/keys", &json!({"name": "laptop", "public_key": KEY}));
    cloud.forget_log();
    (cloud, stack)
}

/// The reads of a path since the log was forgotten.
fn asked(cloud: &Cloud, path: &str) -> usize {
    cloud.log().iter().filter(|of| of.path.trim_start_matches("/v2") == path).count()
}

/// Every exchange keeps to the official document.
fn judge(cloud: &Cloud) -> usize {
    let (contract, exchanges) = (Contract::shared(), cloud.exchanges());
    let found: Vec<String> = exchanges.iter().flat_map(|heard| contract.check(heard)).map(|violation| violation.to_string()).collect();
    assert!(found.is_empty(), "{found:#?}");
    exchanges.len()
}

#[test]
fn what_is_known_is_read_with_the_plan_and_leaves_no_record() {
    let (cloud, stack) = open(BY_KEY);
    let shown = stack.run(&["plan", "one"]).ok().says("Plan: 1 to add, 0 to change, 0 to destroy.");
    let key = cloud.show("ssh_keys")[0].clone();
    let id = key["id"].to_string();
    shown.mentions(&format!("\"{id}\",")).mentions(key["fingerprint"].as_str().expect("a text"));
    // The one request that Terraform makes for it too.
    assert_eq!((asked(&cloud, "/account/keys"), cloud.doubles()), (1, Vec::new()));
    // Whether the droplet's key is there is known by that.
    assert_eq!(asked(&cloud, &format!("/account/keys/{id}")), 0);
    say(&format!("a plan of a droplet and its key asks {} times", cloud.log().len()));
    stack.run(&["apply", "one", "-auto-approve"]).ok();
    assert!(!stack.read("state/one.json").contains("data."), "{}", stack.read("state/one.json"));
    cloud.forget_log();
    stack.run(&["plan", "one", "-detailed-exitcode"]).ok().says("No changes.");
    assert_eq!(asked(&cloud, "/account/keys"), 1);
    stack.run(&["plan", "one", "-refresh=false", "-detailed-exitcode"]).ok();
    judge(&cloud);
    cloud.forget_log();
    // What goes needs nothing of it, and the key is somebody else's.
    stack.run(&["destroy", "one", "-auto-approve"]).ok().says("Destroy complete! Resources: 1 destroyed.");
    assert_eq!((asked(&cloud, "/account/keys"), cloud.show("ssh_keys").len()), (0, 1));
    judge(&cloud);
}

#[test]
fn what_is_not_known_is_read_during_the_run() {
    let (cloud, stack) = open(AFTER);
    let shown = stack.run(&["plan", "one"]).ok();
    let shown = shown.mentions("# data.digitalocean_droplet.by_id will be read during apply").mentions("values not yet known");
    let shown = shown.mentions("# data.digitalocean_droplet.by_name will be read during apply").mentions("with changes pending");
    shown.mentions(" <= data \"digitalocean_droplet\" \"by_id\" {").says("Plan: 2 to add, 0 to change, 0 to destroy.");
    let done = stack.run(&["apply", "one", "-auto-approve"]).ok();
    done.mentions("data.digitalocean_droplet.by_id: Reading...")
        .mentions("data.digitalocean_droplet.by_name: Read complete after 0s [id=")
        .says("Apply complete! Resources: 2 added, 0 changed, 0 destroyed.");
    let size = stack.json("state/one.json")["resources"]["terraform_data.size"].to_string();
    assert!(size.contains("s-1vcpu-1gb 1"), "{size}");
    assert!(!stack.read("state/one.json").contains("data.digitalocean"), "{}", stack.read("state/one.json"));
    let private = stack.run(&["output", "one", "-raw", "private"]).ok().stdout;
    assert!(private.starts_with("10."), "{private}");
    // With all of it there it is read with the plan.
    cloud.forget_log();
    stack.run(&["plan", "one", "-detailed-exitcode"]).ok().says("No changes.");
    judge(&cloud);
    // What a record is built upon is there although the data source is not.
    let after = &stack.json("state/one.json")["resources"]["terraform_data.size"]["after"];
    assert_eq!(*after, json!(["digitalocean_droplet.web"]));
    stack.replace("plans/one.tf", "s-1vcpu-1gb", "s-1vcpu-2gb");
    stack.run(&["apply", "one", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 2 changed, 0 destroyed.");
    // As in Terraform, what was found by the droplet's own id is as it was before, since that was known.
    stack.run(&["apply", "one", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 1 changed, 0 destroyed.");
    stack.run(&["plan", "one", "-detailed-exitcode"]).ok().says("No changes.");
    stack.run(&["destroy", "one", "-auto-approve"]).ok();
}

#[test]
fn what_is_not_there_is_told_at_its_place_with_what_may_be_meant() {
    let check = |block: &str, expected: &[&str]| {
        let (_cloud, stack) = open(block);
        let mut said = stack.run(&["plan", "one"]).exits(1).mentions("plans/one.tf:");
        for text in expected {
            said = said.mentions(text);
        }
    };
    check(
        "data \"digitalocean_ssh_key\" \"me\" {\n  name = \"latpop\"\n}\n",
        &["There is no SSH key whose name is `latpop` in this account.", "Did you mean `laptop`?", "doctl compute ssh-key list"],
    );
    check(
        "data \"digitalocean_image\" \"i\" {\n  slug = \"ubuntu-99-04-x64\"\n}\n",
        &["There is no image whose slug is `ubuntu-99-04-x64`"],
    );
    check("data \"digitalocean_domain\" \"d\" {\n  name = \"example.org\"\n}\n", &["There is no domain whose name is `example.org`"]);
    check(
        "data \"digitalocean_region\" \"r\" {\n  slug = \"nyc4\"\n}\n",
        &["There is no region whose slug is `nyc4`", "Did you mean `nyc"],
    );
    check(
        "data \"digitalocean_record\" \"r\" {\n  domain = \"example.org\"\n  name = \"www\"\n}\n",
        &["There is no domain `example.org` in this account."],
    );
    check("data \"digitalocean_droplet\" \"d\" {\n}\n", &["One of `id`, `name` or `tag` must be given."]);
    check(
        "data \"digitalocean_sizes\" \"s\" {\n  filter {\n    key = \"slugs\"\n    values = [\"a\"]\n  }\n}\n",
        &["Did you mean `slug`?"],
    );
    check("data \"digitalocean_ssh_keyy\" \"me\" {\n  name = \"a\"\n}\n", &["is not supported", "digitalocean_ssh_key"]);
}

#[test]
fn two_of_a_name_are_not_guessed_between() {
    let (cloud, stack) = open("data \"digitalocean_droplet\" \"d\" {\n  name = \"web\"\n}\n");
    let droplet = json!({"name": "web", "region": "nyc3", "image": "ubuntu-24-04-x64", "size": "s-1vcpu-1gb"});
    cloud.outside("POST", "/v2/droplets", &droplet);
    cloud.outside("POST", "/v2/droplets", &droplet);
    stack.run(&["plan", "one"]).exits(1).mentions("There are 2 droplets whose name is `web`.");
}

#[test]
fn a_saved_plan_keeps_what_was_found_but_no_secret() {
    let (cloud, stack) = open(BY_KEY);
    stack.run(&["plan", "one", "-out=known.plan"]).ok();
    cloud.forget_log();
    stack.run(&["apply", "known.plan"]).ok();
    assert_eq!(asked(&cloud, "/account/keys"), 0);
    stack.run(&["destroy", "one", "-auto-approve"]).ok();
    // By a name that is secret it is found anew.
    let secret = BY_KEY.replace("\"laptop\"", "var.key") + "variable \"key\" {\n  sensitive = true\n}\n";
    stack.write("plans/one.tf", &secret);
    stack.run(&["plan", "one", "-var", "key=laptop", "-out=secret.plan"]).ok();
    assert!(!stack.read("secret.plan").contains("laptop"));
    cloud.forget_log();
    stack.run(&["apply", "-var", "key=laptop", "secret.plan"]).ok();
    assert_eq!(asked(&cloud, "/account/keys"), 1);
    assert!(!stack.read("state/one.json").contains("laptop"));
}

#[test]
fn machines_read_it_in_terraforms_words() {
    let (_cloud, stack) = open(AFTER);
    stack.run(&["plan", "one", "-out=p"]).ok();
    let shown = stack.run(&["show", "-json", "p"]).ok().json();
    let changes = shown["resource_changes"].as_array().expect("a list");
    let one = changes.iter().find(|change| change["address"] == "data.digitalocean_droplet.by_id").expect("it is deferred");
    assert_eq!((&one["mode"], &one["type"], &one["name"]), (&json!("data"), &json!("digitalocean_droplet"), &json!("by_id")));
    assert_eq!((&one["change"]["actions"], &one["change"]["before"]), (&json!(["read"]), &Value::Null));
    let provider = json!("registry.terraform.io/digitalocean/digitalocean");
    assert_eq!((&one["action_reason"], &one["provider_name"]), (&json!("read_because_config_unknown"), &provider));
    assert_eq!(one["change"]["after_unknown"]["ipv4_address"], json!(true));
    let other = changes.iter().find(|change| change["address"] == "data.digitalocean_droplet.by_name").expect("it is deferred");
    assert_eq!(other["action_reason"], json!("read_because_dependency_pending"));
    let lines = stack.run(&["plan", "one", "-json"]).ok().stdout;
    assert!(lines.lines().any(|line| line.contains("\"action\":\"read\"") && line.contains("data.digitalocean_droplet.by_id")), "{lines}");
}

#[test]
fn a_part_of_a_stack_reads_what_it_needs() {
    let other = "data \"digitalocean_domain\" \"other\" {\n  name = \"example.org\"\n}\noutput \"ttl\" {\n  value = data.digitalocean_domain.other.ttl\n}\n";
    let (cloud, stack) = open(&format!("{BY_KEY}{other}"));
    // The domain is not there, and nobody asks for it.
    stack.run(&["apply", "one", "-auto-approve", "-target=digitalocean_droplet.web"]).ok();
    assert_eq!((asked(&cloud, "/account/keys"), asked(&cloud, "/domains/example.org")), (1, 0));
    cloud.outside("POST", "/v2/domains", &json!({"name": "example.org"}));
    stack.run(&["apply", "one", "-auto-approve"]).ok();
    assert_eq!(stack.run(&["output", "one", "-raw", "ttl"]).ok().stdout, "1800");
    // An output of what was left out is as it was.
    stack.run(&["apply", "one", "-auto-approve", "-target=digitalocean_droplet.web", "-replace=digitalocean_droplet.web"]).ok();
    assert_eq!(stack.run(&["output", "one", "-raw", "ttl"]).ok().stdout, "1800");
    stack.run(&["plan", "one", "-target=data.digitalocean_ssh_key.me"]).ok().says("No changes.");
    stack.run(&["plan", "one", "-target=data.digitalocean_ssh_key.you"]).exits(1);
}

#[test]
fn a_condition_of_what_was_found_holds_or_stops_the_plan() {
    let rule = "  lifecycle {\n    postcondition {\n      condition     = self.vcpus >= 2\n      error_message = \"too small\"\n    }\n  }\n}\nresource \"terraform_data\" \"size\"";
    let (cloud, stack) = open(&AFTER.replace("}\nresource \"terraform_data\" \"size\"", rule));
    stack.run(&["apply", "one", "-auto-approve"]).exits(1).mentions("too small");
    assert_eq!(cloud.show("droplets").len(), 1);
    stack.run(&["plan", "one"]).exits(1).mentions("too small");
}

/// A stack that looks up one of everything that the account has.
fn everything(droplet: &str, firewall: &str, address: &str, six: &str, app: &str) -> String {
    let mut text = String::new();
    let mut add = |source: &str, body: &str| {
        let sensitive =
            ["kubernetes_cluster", "partner_attachment_service_key", "spaces_key"].contains(&source) || source.starts_with("database_");
        let _ = writeln!(
            text,
            "data \"digitalocean_{source}\" \"it\" {{\n  {body}\n}}\noutput \"{source}\" {{\n  value = data.digitalocean_{source}.it\n  sensitive = {sensitive}\n}}"
        );
    };
    add("account", "");
    add("app", &format!("app_id = \"{app}\""));
    add("certificate", "name = \"web\"");
    add("container_registry", "name = \"shop\"");
    add("droplet_snapshot", "name_regex = \"^mon\"\n  region = \"nyc3\"\n  most_recent = true");
    add("spaces_key", "name = \"uploads\"");
    add("spaces_bucket", "name = \"site\"\n  region = \"nyc3\"");
    add("spaces_buckets", "filter {\n    key = \"region\"\n    values = [\"nyc3\"]\n  }");
    let site = "bucket = data.digitalocean_spaces_bucket.it.name\n  region = \"nyc3\"";
    add("spaces_bucket_object", &format!("{site}\n  key = \"index.html\""));
    add("spaces_bucket_objects", site);
    add("reserved_ipv6", &format!("ip = \"{six}\""));
    add("volume_snapshot", "name = \"monday\"\n  region = \"nyc3\"");
    add("database_cluster", "name = \"main\"");
    let within = "cluster_id = data.digitalocean_database_cluster.it.id";
    add("database_ca", within);
    for (source, name) in [("connection_pool", "pool"), ("replica", "replica"), ("user", "app")] {
        add(&format!("database_{source}"), &format!("{within}\n  name = \"{name}\""));
    }
    add("domain", "name = \"example.com\"");
    add("domains", "filter {\n    key = \"name\"\n    values = [\"EXAMPLE.com\"]\n  }");
    add("droplet", &format!("id = {droplet}"));
    add(
        "droplets",
        "filter {\n    key = \"tags\"\n    values = [\"web\"]\n  }\n  sort {\n    key = \"name\"\n    direction = \"desc\"\n  }",
    );
    add("firewall", &format!("firewall_id = \"{firewall}\""));
    add("floating_ip", &format!("ip_address = \"{address}\""));
    add("image", "slug = \"ubuntu-24-04-x64\"");
    add(
        "images",
        "filter {\n    key = \"distribution\"\n    values = [\"Ubuntu\"]\n  }\n  filter {\n    key = \"slug\"\n    values = [\"^ubuntu-2[24]-\"]\n    match_by = \"re\"\n  }\n  sort {\n    key = \"min_disk_size\"\n  }",
    );
    add("kubernetes_cluster", "name = \"main\"");
    add("kubernetes_versions", "version_prefix = \"1.3\"");
    add("loadbalancer", "name = \"lb\"");
    add("project", "");
    add("projects", "filter {\n    key = \"is_default\"\n    values = [\"true\"]\n  }");
    add("record", "domain = \"example.com\"\n  name = \"www\"");
    add("records", "domain = \"example.com\"\n  filter {\n    key = \"type\"\n    values = [\"A\"]\n  }");
    add("region", "slug = \"nyc3\"");
    add(
        "regions",
        "filter {\n    key = \"available\"\n    values = [\"true\"]\n  }\n  filter {\n    key = \"slug\"\n    values = [\"nyc\"]\n    match_by = \"substring\"\n  }",
    );
    add("reserved_ip", &format!("ip_address = \"{address}\""));
    add(
        "sizes",
        "filter {\n    key = \"vcpus\"\n    values = [1, 2]\n  }\n  filter {\n    key = \"regions\"\n    values = [\"nyc3\"]\n  }\n  sort {\n    key = \"price_monthly\"\n    direction = \"asc\"\n  }",
    );
    add("ssh_key", "name = \"laptop\"");
    add("ssh_keys", "");
    add("tag", "name = \"web\"");
    add("tags", "filter {\n    key = \"name\"\n    values = [\"web\"]\n  }");
    add("volume", "name = \"data\"\n  region = \"nyc3\"");
    add("vpc", "region = \"nyc3\"");
    add("partner_attachment", "name = \"partner\"");
    add("partner_attachment_service_key", "attachment_id = data.digitalocean_partner_attachment.it.id");
    add("vpc_nat_gateway", "name = \"out\"");
    add("vpc_peering", "name = \"peers\"");
    text
}

/// An account with one of everything, and the stack that looks all of it up.
fn furnished(options: Options) -> (Cloud, Stack) {
    let cloud = Cloud::start(options);
    cloud.outside("POST", "/v2/account/keys", &json!({"name": "laptop", "public_key": KEY}));
    cloud.outside("POST", "/v2/domains", &json!({"name": "example.com"}));
    cloud.outside("POST", "/v2/domains/example.com/records", &json!({"type": "A", "name": "www", "data": "192.0.2.1"}));
    let droplet = |name: &str| json!({"name": name, "region": "nyc3", "image": "ubuntu-24-04-x64", "size": "s-1vcpu-1gb", "tags": ["web"]});
    let one = cloud.outside("POST", "/v2/droplets", &droplet("a"))["droplet"]["id"].to_string();
    cloud.outside("POST", "/v2/droplets", &droplet("b"));
    let rule = json!([{"protocol": "tcp", "ports": "22", "sources": {"addresses": ["192.0.2.0/24"]}}]);
    let firewall = cloud.outside("POST", "/v2/firewalls", &json!({"name": "web", "inbound_rules": rule}))["firewall"]["id"].clone();
    let address = cloud.outside("POST", "/v2/reserved_ips", &json!({"region": "nyc3"}))["reserved_ip"]["ip"].clone();
    cloud.outside("POST", "/v2/certificates", &json!({"name": "web", "type": "lets_encrypt", "dns_names": ["example.com"]}));
    let rule = json!({"entry_protocol": "http", "entry_port": 80, "target_protocol": "http", "target_port": 80});
    cloud.outside("POST", "/v2/load_balancers", &json!({"name": "lb", "region": "nyc3", "forwarding_rules": [rule]}));
    let pool = json!({"name": "pool", "size": "s-2vcpu-4gb", "count": 1, "labels": {"app": "web"}});
    let body = json!({"name": "main", "region": "nyc3", "version": "latest", "node_pools": [pool]});
    cloud.outside("POST", "/v2/kubernetes/clusters", &body);
    let volume =
        cloud.outside("POST", "/v2/volumes", &json!({"name": "data", "region": "nyc3", "size_gigabytes": 10}))["volume"]["id"].clone();
    let kept = format!("/v2/volumes/{}/snapshots", volume.as_str().expect("a text"));
    cloud.outside("POST", &kept, &json!({"name": "monday"}));
    cloud.finish_all();
    for _ in 0..2 {
        cloud.outside("POST", &format!("/v2/droplets/{one}/actions"), &json!({"type": "snapshot", "name": "monday"}));
        cloud.finish_all();
    }
    let database = json!({"name": "main", "engine": "pg", "version": "16", "size": "db-s-1vcpu-1gb", "region": "nyc3", "num_nodes": 1});
    let database = cloud.outside("POST", "/v2/databases", &database)["database"]["id"].clone();
    let within = format!("/v2/databases/{}", database.as_str().expect("a text"));
    cloud.outside("POST", &format!("{within}/users"), &json!({"name": "app"}));
    let pool = json!({"name": "pool", "mode": "session", "size": 5, "db": "defaultdb", "user": "app"});
    cloud.outside("POST", &format!("{within}/pools"), &pool);
    cloud.outside("POST", &format!("{within}/replicas"), &json!({"name": "replica", "size": "db-s-1vcpu-1gb"}));
    cloud.outside("POST", "/v2/registries", &json!({"name": "shop", "subscription_tier_slug": "basic"}));
    cloud.outside("PUT", "/spaces/nyc3/site", &Value::Null);
    cloud.outside("PUT", "/spaces/nyc3/site/index.html", &json!("hello"));
    cloud.outside("POST", "/v2/spaces/keys", &json!({"name": "uploads", "grants": []}));
    let vpc = |name: &str| cloud.outside("POST", "/v2/vpcs", &json!({"name": name, "region": "fra1"}))["vpc"]["id"].clone();
    cloud.outside("POST", "/v2/vpc_peerings", &json!({"name": "peers", "vpc_ids": [vpc("left"), vpc("right")]}));
    let bed = vpc("bed");
    cloud.outside(
        "POST",
        "/v2/vpc_nat_gateways",
        &json!({"name": "out", "type": "PUBLIC", "region": "fra1", "size": 1, "vpcs": [{"vpc_uuid": bed}]}),
    );
    let partner = json!({"name": "partner", "connection_bandwidth_in_mbps": 1000, "region": "fra", "naas_provider": "MEGAPORT"});
    let mut partner = partner;
    partner["vpc_ids"] = json!([bed]);
    cloud.outside("POST", "/v2/partner_network_connect/attachments", &partner);
    let service = json!({"name": "web", "image": {"registry_type": "DOCKER_HUB", "registry": "library", "repository": "nginx"}});
    let app = cloud.outside("POST", "/v2/apps", &json!({"spec": {"name": "shop", "services": [service]}}))["app"]["id"].clone();
    let six = cloud.outside("POST", "/v2/reserved_ipv6", &json!({"region_slug": "nyc3"}))["reserved_ipv6"]["ip"].clone();
    cloud.outside("POST", "/v2/volumes", &json!({"name": "data", "region": "fra1", "size_gigabytes": 10}));
    cloud.finish_all();
    let texts = [&firewall, &address, &six, &app].map(|of| of.as_str().expect("a text"));
    let text = everything(&one, texts[0], texts[1], texts[2], texts[3]);
    let stack = cloud.serve(Stack::with_plan("one", &text)).env("DOFLOAT_CLOCK", "virtual");
    cloud.forget_log();
    (cloud, stack)
}

#[test]
fn a_droplet_is_made_of_a_snapshot_of_another() {
    let droplet = |name: &str, image: &str| {
        format!(
            "resource \"digitalocean_droplet\" \"{name}\" {{\n  name = \"{name}\"\n  region = \"nyc3\"\n  size = \"s-1vcpu-1gb\"\n  image = {image}\n}}\n"
        )
    };
    let text = [
        droplet("old", "\"ubuntu-24-04-x64\""),
        "resource \"digitalocean_droplet_snapshot\" \"s\" {\n  name = \"before\"\n  droplet_id = digitalocean_droplet.old.id\n}\n"
            .to_owned(),
        droplet("new", "digitalocean_droplet_snapshot.s.id"),
    ];
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("one", &text.concat())).env("DOFLOAT_CLOCK", "virtual");
    stack.run(&["apply", "one", "-auto-approve"]).ok();
    stack.run(&["plan", "one"]).ok().says("No changes.");
    // By its number too, as one writes it down.
    let id = stack.json("state/one.json")["resources"]["digitalocean_droplet_snapshot.s"]["id"].as_str().expect("an id").to_owned();
    stack.replace("plans/one.tf", "image = digitalocean_droplet_snapshot.s.id", &format!("image = \"{id}\""));
    stack.run(&["plan", "one"]).ok().says("No changes.");
    stack.run(&["destroy", "one", "-auto-approve"]).ok();
}

#[test]
fn every_data_source_gives_what_the_official_provider_documents() {
    let (cloud, stack) = furnished(Options::default());
    stack.run(&["apply", "one", "-auto-approve"]).ok();
    // One request for a list, however many look into it.
    assert_eq!(cloud.doubles(), Vec::<String>::new());
    say(&format!("{} exchanges keep to the document", judge(&cloud)));
    let outputs = stack.run(&["output", "one", "-json"]).ok().json();
    let of = |name: &str| outputs[name]["value"].clone();
    let names = |list: Value, field: &str| -> Vec<String> {
        let all = list.as_array().expect("a list").iter();
        all.map(|one| one[field].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(names(of("droplets")["droplets"].clone(), "name"), ["b", "a"]);
    assert_eq!(names(of("images")["images"].clone(), "slug"), ["ubuntu-22-04-x64", "ubuntu-24-04-x64"]);
    assert_eq!(names(of("regions")["regions"].clone(), "slug"), ["nyc1", "nyc2", "nyc3"]);
    assert_eq!(names(of("records")["records"].clone(), "value"), ["192.0.2.1"]);
    assert_eq!(names(of("domains")["domains"].clone(), "urn"), ["do:domain:example.com"]);
    assert_eq!((&of("volume")["region"], &of("volume")["size"]), (&json!("nyc3"), &json!(10)));
    assert_eq!((&of("loadbalancer")["status"], &of("certificate")["domains"]), (&json!("active"), &json!(["example.com"])));
    let sizes = of("sizes")["sizes"].clone();
    assert_eq!(sizes[0]["slug"], "s-1vcpu-512mb-10gb");
    assert!(sizes.as_array().expect("a list").iter().all(|size| size["vcpus"].as_u64() <= Some(2)));
    let droplet = of("droplet");
    assert_eq!((&droplet["name"], &droplet["image"], &droplet["size"]), (&json!("a"), &json!("ubuntu-24-04-x64"), &json!("s-1vcpu-1gb")));
    assert_eq!((&droplet["region"], &droplet["tags"], &droplet["backups"]), (&json!("nyc3"), &json!(["web"]), &json!(false)));
    assert!(droplet["ipv4_address_private"].as_str().is_some_and(|address| address.starts_with("10.")), "{droplet}");
    assert_eq!((&of("tag")["droplets_count"], &of("vpc")["default"]), (&json!(2), &json!(true)));
    assert_eq!((&of("record")["data"], &of("record")["type"]), (&json!("192.0.2.1"), &json!("A")));
    assert_eq!(of("firewall")["inbound_rule"][0]["port_range"], "22");
    assert_eq!((&of("ssh_key")["public_key"], &of("image")["private"]), (&json!(KEY), &json!(false)));
    assert_eq!(
        (&of("app")["spec"][0]["service"][0]["image"][0]["repository"], &of("app")["spec"][0]["name"]),
        (&json!("nginx"), &json!("shop"))
    );
    assert_eq!((&of("project")["is_default"], &of("domain")["ttl"]), (&json!(true), &json!(1800)));
    assert!(of("project")["resources"].as_array().expect("a list").contains(&json!("do:domain:example.com")));
    // Each attribute of each table has a value, none is missing.
    let mut table = String::new();
    for source in sources() {
        let value = of(source.name.trim_start_matches("digitalocean_"));
        let fields = value.as_object().unwrap_or_else(|| panic!("{} is looked up", source.name));
        let asked = |name: &str| {
            let of_objects = ["prefix", "delimiter", "encoding_type", "max_keys", "range"];
            ["tag", "gpu", "gpus", "sort", "filter", "kubeconfig_expire_seconds", "version_prefix", "name_regex", "most_recent"]
                .contains(&name)
                || of_objects.contains(&name)
        };
        let missing: Vec<&str> =
            source.rows().iter().map(|row| row.name).filter(|name| !asked(name) && fields.get(*name).is_none_or(Value::is_null)).collect();
        assert_eq!(missing, [""; 0], "{}", source.name);
        let _ = writeln!(table, "{:28} {} attributes", source.name, source.rows().len());
    }
    say(&table);
    stack.run(&["plan", "one", "-detailed-exitcode"]).ok().says("No changes.");
}

#[test]
fn the_printed_scopes_are_those_of_the_data_sources_too() {
    let printed = Stack::with_plan("one", BY_KEY).run(&["scopes", "one", "-json"]).ok().json();
    assert!(printed["plan"].as_array().expect("a list").contains(&json!("ssh_key:read")), "{printed}");
    // With exactly what the rows say all of it is found, and with each single one less it is not, and that one is named.
    let all: BTreeSet<&str> = sources().flat_map(|source| source.scopes()).collect();
    let with = |scopes: &BTreeSet<&str>| {
        let list: Vec<&str> = scopes.iter().copied().collect();
        let tokens = [(Cloud::TOKEN.to_owned(), Scopes::parse(&list.join(",")))].into();
        let (_cloud, stack) = furnished(Options { tokens, ..Options::default() });
        stack.run(&["plan", "one"])
    };
    with(&all).ok();
    for missing in &all {
        let fewer: BTreeSet<&str> = all.iter().copied().filter(|scope| scope != missing).collect();
        let said = with(&fewer);
        assert!(said.code == 1 && said.to_string().contains(missing), "without {missing}: {said}");
    }
}

#[test]
fn a_simulated_account_is_furnished_with_what_is_looked_for() {
    let plan = r#"
data "digitalocean_ssh_key" "me" {
  name = "laptop"
}
data "digitalocean_domain" "zone" {
  name = "example.org"
}
data "digitalocean_record" "www" {
  domain = data.digitalocean_domain.zone.name
  name   = "www"
}
data "digitalocean_project" "p" {
  name = "shop"
}
data "digitalocean_vpc" "net" {
  name = "net"
}
data "digitalocean_volume" "data" {
  name = "data"
}
data "digitalocean_loadbalancer" "lb" {
  name = "lb"
}
data "digitalocean_certificate" "web" {
  name = "web"
}
data "digitalocean_kubernetes_cluster" "main" {
  name = "main"
}
data "digitalocean_container_registry" "shop" {
  name = "shop"
}
data "digitalocean_droplet_snapshot" "web" {
  name_regex  = "^monday$"
  most_recent = true
}
data "digitalocean_volume_snapshot" "data" {
  name   = "tuesday"
  region = "fra1"
}
data "digitalocean_reserved_ipv6" "six" {
  ip = "2001:db8::17"
}
data "digitalocean_database_cluster" "main" {
  name = "db"
}
data "digitalocean_database_user" "app" {
  cluster_id = data.digitalocean_database_cluster.main.id
  name       = "app"
}
resource "digitalocean_droplet" "web" {
  name     = "web"
  region   = "nyc3"
  image    = "ubuntu-24-04-x64"
  size     = "s-1vcpu-1gb"
  ssh_keys = [data.digitalocean_ssh_key.me.id]
  vpc_uuid = data.digitalocean_vpc.net.id
}
"#;
    let stack = Stack::with_plan("one", plan).env("DOFLOAT_CLOCK", "virtual");
    let said = stack.run(&["plan", "one", "--sim", "-out=p"]).ok().says("Plan: 1 to add, 0 to change, 0 to destroy.");
    for what in [
        "SSH key `laptop`",
        "domain `example.org`",
        "record `www` in `example.org`",
        "project `shop`",
        "VPC `net`",
        "volume `data`",
        "load balancer `lb`",
        "certificate `web`",
        "Kubernetes cluster `main`",
        "container registry `shop`",
        "snapshot `monday`",
        "snapshot `tuesday`",
        "reserved IPv6 address `2001:db8::17`",
        "database cluster `db`",
        "database user `app`",
    ] {
        assert_eq!(said.to_string().matches(&format!("had no {what}: ")).count(), 1, "{what}\n{said}");
    }
    said.mentions("is made up (simulated).");
    assert!(!stack.read("p").contains("\"data\": {"), "{}", stack.read("p"));
    stack.run(&["apply", "--sim", "p"]).ok();
    stack.run(&["plan", "one", "--sim", "-detailed-exitcode"]).ok().says("No changes.");
    stack.run(&["destroy", "one", "--sim", "-auto-approve"]).ok();
    // What the catalogue knows otherwise is wrong here too.
    stack.write("plans/one.tf", "data \"digitalocean_image\" \"i\" {\n  slug = \"ubuntu-99-04-x64\"\n}\n");
    stack.run(&["plan", "one", "--sim"]).exits(1).mentions("There is no image whose slug is `ubuntu-99-04-x64`");
}
