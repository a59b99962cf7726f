//! Nothing of others' is ever taken: what an interrupted run may have made and somebody else may have made instead.
//!
//! Invariant: only what is certainly the stack's own is taken without a question; exit 4 names the choices, and `adopt` answers
//! for good, without a terminal.

use std::collections::BTreeMap;

use dofloat::sim::{Options, Scopes};
use serde_json::{Value, json};

use crate::support::answers;
use crate::support::cloud::Cloud;
use crate::support::harness::Stack;

const ADDRESS: &str = "resource \"digitalocean_reserved_ip\" \"ip\" {\n  region = \"nyc3\"\n}\n";
const APPLY: [&str; 3] = ["apply", "s", "-auto-approve"];
const CALM: [&str; 3] = ["plan", "s", "-detailed-exitcode"];

/// Everything but projects.
const NO_PROJECTS: &str = "account:read reserved_ip:read reserved_ip:create reserved_ip:update reserved_ip:delete droplet:read \
                           droplet:create droplet:delete regions:read sizes:read image:read tag:read tag:create tag:delete vpc:read";

/// A kind that carries no mark, as the program makes it and as somebody else does.
struct Unmarked {
    plan: &'static str,
    address: &'static str,
    place: &'static str,
    body: Value,
}

fn unmarked() -> Vec<Unmarked> {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGNvZGUgYnkgYSBwZXJzb24gYW5kIG5vYm9keSBl ops";
    vec![
        Unmarked {
            plan: "resource \"digitalocean_vpc\" \"x\" {\n  name = \"web\"\n  region = \"nyc3\"\n}\n",
            address: "digitalocean_vpc.x",
            place: "vpcs",
            body: json!({ "name": "web", "region": "nyc3" }),
        },
        Unmarked {
            plan: "resource \"digitalocean_domain\" \"x\" {\n  name = \"example.com\"\n}\n",
            address: "digitalocean_domain.x",
            place: "domains",
            body: json!({ "name": "example.com" }),
        },
        Unmarked {
            plan: "resource \"digitalocean_firewall\" \"x\" {\n  name = \"web\"\n  inbound_rule {\n    protocol = \"tcp\"\n    port_range = \"22\"\n    source_addresses = [\"0.0.0.0/0\"]\n  }\n}\n",
            address: "digitalocean_firewall.x",
            place: "firewalls",
            body: json!({ "name": "web", "inbound_rules": [{ "protocol": "tcp", "ports": "22", "sources": { "addresses": ["0.0.0.0/0"] } }] }),
        },
        Unmarked {
            plan: "resource \"digitalocean_ssh_key\" \"x\" {\n  name = \"ops\"\n  public_key = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGNvZGUgYnkgYSBwZXJzb24gYW5kIG5vYm9keSBl ops\"\n}\n",
            address: "digitalocean_ssh_key.x",
            place: "ssh_keys",
            body: json!({ "name": "ops", "public_key": key }),
        },
    ]
}

impl Unmarked {
    fn route(&self) -> &'static str {
        if self.place == "ssh_keys" { "/v2/account/keys" } else { Box::leak(format!("/v2/{}", self.place).into_boxed_str()) }
    }

    fn count(&self, cloud: &Cloud) -> usize {
        cloud.show(self.place).iter().filter(|of| of["default"] != true).count()
    }
}

/// Kills an apply of one resource when its intent is on disk and nothing was sent.
fn killed_before(stack: &Stack) {
    assert_ne!(stack.run_env(&[("DOFLOAT_CRASH", "call.before@1")], &APPLY).code, 0);
}

fn with(plan: &str, options: Options) -> (Cloud, Stack) {
    let cloud = Cloud::start(options);
    let stack = cloud.serve(Stack::with_plan("s", plan)).env("DOFLOAT_CLOCK", "virtual");
    (cloud, stack)
}

fn without_projects() -> Options {
    Options { tokens: BTreeMap::from([(Cloud::TOKEN.to_owned(), Scopes::parse(NO_PROJECTS))]), ..Options::default() }
}

fn ips(cloud: &Cloud) -> Vec<String> {
    cloud.show("reserved_ips").iter().map(|of| of["ip"].as_str().expect("an address").to_owned()).collect()
}

fn reserve(cloud: &Cloud) -> String {
    cloud.outside("POST", "/v2/reserved_ips", &json!({ "region": "nyc3" }))["reserved_ip"]["ip"].as_str().expect("an address").to_owned()
}

#[test]
fn an_address_of_another_stack_or_of_a_person_is_left_alone_and_ours_is_known_by_its_project() {
    let (cloud, stack) = with(ADDRESS, Options::default());
    killed_before(&stack);
    stack.write("plans/other.tf", ADDRESS);
    stack.run(&["apply", "other", "-auto-approve"]).ok();
    reserve(&cloud);
    let others = ips(&cloud);
    let again = stack.run(&APPLY).ok();
    assert!(!again.stdout.contains("was created by an interrupted run"), "{again}");
    assert_eq!(ips(&cloud).len(), 3);
    stack.run(&CALM).ok();
    stack.run(&["destroy", "s", "-auto-approve"]).ok();
    assert_eq!(ips(&cloud), others);
    stack.run(&["plan", "other", "-detailed-exitcode"]).ok();
    // One that did come about is found: killed before its identity was on disk.
    assert_ne!(stack.run_env(&[("DOFLOAT_CRASH", "journal.before-append@5")], &APPLY).code, 0);
    assert_eq!(ips(&cloud).len(), 3);
    stack.run(&APPLY).ok().mentions("was created by an interrupted run");
    assert_eq!(ips(&cloud).len(), 3);
    stack.run(&CALM).ok();
}

#[test]
fn without_projects_a_spare_address_is_asked_about() {
    let (cloud, stack) = with(ADDRESS, without_projects());
    killed_before(&stack);
    stack.write("plans/other.tf", ADDRESS);
    stack.run(&["apply", "other", "-auto-approve"]).ok();
    let theirs = reserve(&cloud);
    for command in [&["plan", "s"][..], &APPLY] {
        let asked = stack.run(command).exits(4).mentions(&format!("whether it created this: {theirs} (region nyc3, not assigned)."));
        assert_eq!(answers::offered(&asked.stderr), [["s", "digitalocean_reserved_ip.ip", theirs.as_str()].map(str::to_owned)]);
    }
    stack.run(&["adopt", "s", "digitalocean_reserved_ip.ip", "none"]).ok();
    stack.run(&APPLY).ok();
    assert_eq!(ips(&cloud).len(), 3);
    stack.run(&["destroy", "s", "-auto-approve"]).ok();
    assert!(ips(&cloud).contains(&theirs) && ips(&cloud).len() == 2, "what is not ours stays");
    // One that did come about, and is taken at a person's word.
    assert_ne!(stack.run_env(&[("DOFLOAT_CRASH", "journal.before-append@5")], &APPLY).code, 0);
    let ours = ips(&cloud).into_iter().find(|ip| *ip != theirs && !stack.read("state/other.json").contains(ip.as_str())).expect("ours");
    // What was there before that run is none of its making.
    let asked = stack.run(&["plan", "s"]).exits(4).mentions(&ours);
    assert!(!asked.stderr.contains(&theirs), "{asked}");
    stack.run(&["adopt", "s", "digitalocean_reserved_ip.ip", &ours]).ok();
    stack.run(&APPLY).ok();
    assert_eq!(ips(&cloud).len(), 3);
    stack.run(&CALM).ok();
}

#[test]
fn what_has_a_name_only_is_asked_about_after_a_kill() {
    for of in unmarked() {
        let (cloud, stack) = with(of.plan, Options::default());
        killed_before(&stack);
        cloud.outside("POST", of.route(), &of.body);
        for command in [&["plan", "s"][..], &APPLY] {
            stack.run(command).exits(4).mentions(&format!("The answer to the creation of {} was lost", of.address));
        }
        stack.run(&["adopt", "s", of.address, "none"]).ok();
        let refused = stack.run(&APPLY).exits(1);
        assert!(!refused.stderr.contains("was lost"), "{refused}");
        assert_eq!(of.count(&cloud), 1, "{}", of.address);
        // Made by the run itself, and killed before its identity was on disk.
        let (cloud, stack) = with(of.plan, Options::default());
        assert_ne!(stack.run_env(&[("DOFLOAT_CRASH", "journal.before-append@3")], &APPLY).code, 0);
        assert_eq!(of.count(&cloud), 1, "{}", of.address);
        let (ended, questions) = answers::run(&stack, &APPLY);
        assert_eq!((ended.code, questions), (0, 1), "{ended}");
        assert_eq!(of.count(&cloud), 1, "{}", of.address);
        stack.run(&CALM).ok();
    }
}

#[test]
fn all_doubts_are_told_at_once_and_each_is_answered_for_itself() {
    let plan = "resource \"digitalocean_vpc\" \"x\" {\n  for_each = toset([\"a\", \"b\"])\n  name = each.key\n  region = \"nyc3\"\n}\n";
    let (cloud, stack) = with(plan, Options::default());
    killed_before(&stack);
    for name in ["a", "b"] {
        cloud.outside("POST", "/v2/vpcs", &json!({ "name": name, "region": "nyc3" }));
    }
    let asked = stack.run(&APPLY).exits(4);
    let offered = answers::offered(&asked.stderr);
    assert_eq!(offered.len(), 2, "{asked}");
    for [of, address, id] in &offered {
        stack.run(&["adopt", of, address, id]).ok();
        // What was said once is said.
        stack.run(&["adopt", of, address, id]).exits(1).mentions("There is nothing to decide about");
    }
    stack.run(&APPLY).ok();
    stack.run(&CALM).ok();
    assert_eq!(cloud.show("vpcs").iter().filter(|vpc| vpc["default"] != true).count(), 2);
}

#[test]
fn an_answer_must_fit_what_was_asked() {
    let of = &unmarked()[0];
    let (cloud, stack) = with(of.plan, Options::default());
    stack.run(&["adopt", "s", of.address, "none"]).exits(1).mentions("There is nothing to decide about");
    stack.run(&["adopt", "s", of.address]).exits(64);
    killed_before(&stack);
    let vpc = cloud.outside("POST", "/v2/vpcs", &json!({ "name": "else", "region": "ams3" }))["vpc"]["id"].clone();
    let other = cloud.outside("POST", "/v2/vpcs", &of.body)["vpc"]["id"].clone();
    let (vpc, other) = (vpc.as_str().expect("an id"), other.as_str().expect("an id"));
    stack.run(&["adopt", "s", of.address, "00000000-0000-4000-8000-000000000000"]).exits(1).mentions("There is no digitalocean_vpc");
    stack.run(&["adopt", "s", of.address, vpc]).exits(1).mentions("not as the interrupted run wanted it");
    stack.run(&["adopt", "s", "digitalocean_vpc.y", vpc]).exits(1).mentions(of.address);
    stack.run(&["adopt", "s", of.address, other]).ok();
    stack.run(&APPLY).ok();
    stack.run(&CALM).ok();
}

#[test]
fn an_address_of_ours_that_no_record_speaks_of_is_seen() {
    let (cloud, stack) = with(ADDRESS, Options::default());
    stack.run(&APPLY).ok();
    let ip = ips(&cloud).remove(0);
    stack.run(&["state", "rm", "s", "digitalocean_reserved_ip.ip"]).ok();
    let told = format!("the digitalocean_reserved_ip with id {ip} carries this stack's mark and is not in the state");
    stack.run(&["plan", "s"]).exits(4).mentions(&told);
    stack.run(&["destroy", "s", "-strays", "-auto-approve"]).ok();
    assert!(cloud.is_fresh(), "{:?}", cloud.summary());
    // So is one of a state that is lost.
    stack.run(&APPLY).ok();
    std::fs::remove_file(stack.path("state/s.json")).expect("it was applied");
    stack.run(&APPLY).exits(4).mentions("objects that carry its mark: dofloat:s-").mentions("(1 object)");
}

#[test]
fn the_project_goes_with_the_last_object_and_holds_nobody_up() {
    let (cloud, stack) = with(ADDRESS, Options::default());
    stack.run(&APPLY).ok();
    assert_eq!(cloud.requests().0, 2, "one for the project, one for the address");
    let project = cloud.show("projects")[0].clone();
    assert!(project["name"].as_str().expect("a name").starts_with("dofloat:s-"), "{project}");
    // The user moved the address: the record rules.
    let ip = ips(&cloud).remove(0);
    cloud.outside("POST", "/v2/projects/default/resources", &json!({ "resources": [format!("do:floatingip:{ip}")] }));
    stack.run(&CALM).ok();
    // And put another one in.
    let theirs = cloud.outside("POST", "/v2/reserved_ips", &json!({ "region": "nyc3", "project_id": project["id"] }));
    stack.run(&["destroy", "s", "-auto-approve"]).ok();
    assert_eq!(ips(&cloud), [theirs["reserved_ip"]["ip"].as_str().expect("an address")]);
    assert_eq!(cloud.show("projects").len(), 1);
}

#[test]
fn an_address_for_a_droplet_needs_no_project() {
    let plan = "resource \"digitalocean_droplet\" \"web\" {\n  name = \"web\"\n  region = \"nyc3\"\n  image = \"ubuntu-24-04-x64\"\n  size = \"s-1vcpu-1gb\"\n}\n\
                resource \"digitalocean_reserved_ip\" \"ip\" {\n  droplet_id = digitalocean_droplet.web.id\n}\n";
    let (cloud, stack) = with(plan, Options::default());
    stack.run(&APPLY).ok();
    assert!(cloud.log().iter().all(|exchange| !exchange.path.starts_with("/v2/projects") || exchange.method == "GET"));
    stack.run(&["destroy", "s", "-auto-approve"]).ok();
    // Killed before its identity was on disk, it is known by the droplet that holds it: header, droplet (begin, id, done), begin.
    assert_ne!(stack.run_env(&[("DOFLOAT_CRASH", "journal.before-append@6")], &APPLY).code, 0);
    assert_eq!(ips(&cloud).len(), 1);
    reserve(&cloud);
    stack.run(&APPLY).ok().mentions("was created by an interrupted run");
    assert_eq!(ips(&cloud).len(), 2);
    stack.run(&CALM).ok();
}
