//! What was on and is off: plan and status say so, an apply switches it on, and what is meant to be off is left so.

use dofloat::sim::{ClockMode, Options};
use serde_json::{Value, json};

use crate::support::cloud::Cloud;
use crate::support::harness::Stack;

const WEB: &str = "resource \"digitalocean_droplet\" \"web\" {\n  name   = \"web\"\n  region = \"nyc3\"\n  image  = \"ubuntu-24-04-x64\"\n  size   = \"s-1vcpu-1gb\"\n}\noutput \"status\" {\n  value = digitalocean_droplet.web.status\n}\n";
const OTHER: &str = "resource \"digitalocean_tag\" \"other\" {\n  name = \"other\"\n}\n";
const IGNORED: &str = "  lifecycle {\n    ignore_changes = [status]\n  }\n}\noutput";
const ON: &str = "digitalocean_droplet.web will be powered on";
const CHANGED: &str = "Apply complete! Resources: 0 added, 1 changed, 0 destroyed.";

fn act(cloud: &Cloud, name: &str, kind: &str) {
    let id = &cloud.find("droplets", "name", name)["id"];
    cloud.outside("POST", &format!("/v2/droplets/{id}/actions"), &json!({ "type": kind }));
    cloud.finish_all();
    cloud.settle_down();
}

fn status(cloud: &Cloud, name: &str) -> Value {
    cloud.find("droplets", "name", name)["status"].clone()
}

/// A droplet that an apply has made, and that is off now.
fn off(options: Options) -> (Cloud, Stack) {
    let cloud = Cloud::start(options);
    let stack = cloud.serve(Stack::with_plan("web", WEB)).env("DOFLOAT_CLOCK", "virtual");
    stack.run(&["apply", "-auto-approve"]).ok();
    act(&cloud, "web", "power_off");
    cloud.forget_log();
    (cloud, stack)
}

#[test]
fn what_was_on_when_it_was_last_seen_is_switched_on() {
    let (cloud, stack) = off(Options::default());
    let plan = stack.run(&["plan", "-detailed-exitcode"]).exits(2).says("Plan: 0 to add, 1 to change, 0 to destroy.");
    plan.mentions(ON).mentions("status = \"off\" -> \"active\"").mentions("digitalocean_droplet.web is powered off.");
    let plan = stack.run(&["plan", "-json"]).ok();
    assert!(plan.stdout.contains("\"action\":\"update\""), "{plan}");
    stack.run(&["apply", "-auto-approve"]).ok().says(CHANGED).mentions("status = \"active\"");
    let asked: Vec<Value> = cloud.log().iter().filter(|asked| asked.is_write()).map(|asked| asked.request["type"].clone()).collect();
    assert_eq!((asked, status(&cloud, "web")), (vec![json!("power_on")], json!("active")));
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    // By a saved plan too; and one that somebody was faster with is done already.
    act(&cloud, "web", "power_off");
    stack.run(&["plan", "-out=saved"]).ok();
    act(&cloud, "web", "power_on");
    stack.run(&["apply", "saved"]).ok().says(CHANGED);
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
}

#[test]
fn what_a_run_does_not_do_is_not_forgotten() {
    let (cloud, stack) = off(Options::default());
    // Something else only; a refusal; and a run that is killed when the order is out.
    stack.write("plans/web.tf", &format!("{WEB}{OTHER}"));
    stack.run(&["apply", "-auto-approve", "-target=digitalocean_tag.other"]).ok().mentions("An apply without `-target` powers it on.");
    cloud.set_faults(&["POST /v2/droplets/*/actions error-before=403"]);
    stack.run(&["apply", "-auto-approve"]).exits(1).mentions("droplet:update");
    cloud.set_faults(&[]);
    stack.run_env(&[("DOFLOAT_CRASH", "request.before")], &["apply", "-auto-approve"]);
    assert_eq!(status(&cloud, "web"), "off");
    // A change of something else, while it is off, switches it on besides.
    stack.write("plans/web.tf", &format!("{WEB}{OTHER}").replace("1vcpu-1gb", "2vcpu-2gb"));
    let plan = stack.run(&["plan"]).ok().mentions("digitalocean_droplet.web will be updated in-place");
    plan.mentions("(it is off, and will be powered on)");
    stack.run(&["apply", "-auto-approve"]).ok().says(CHANGED);
    assert_eq!(status(&cloud, "web"), "active");
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
}

#[test]
fn what_goes_off_while_something_else_is_done_to_it_is_switched_on_by_the_next_run() {
    let (cloud, stack) = off(Options::default());
    act(&cloud, "web", "power_on");
    stack.write("plans/web.tf", &WEB.replace("name   = \"web\"", "name   = \"www\""));
    cloud.meanwhile(1, |world| {
        let id = world.show("droplets")[0]["id"].clone();
        world.outside("POST", &format!("/v2/droplets/{id}/actions"), Some(&json!({ "type": "power_off" })));
    });
    stack.run(&["apply", "-auto-approve"]).ok();
    cloud.finish_all();
    assert_eq!(status(&cloud, "www"), "off");
    stack.run(&["plan"]).ok().mentions(ON);
}

#[test]
fn what_is_meant_to_be_off_is_left_so() {
    // The state takes it as it is, when asked to; a state of an older dofloat did so by itself.
    let (cloud, stack) = off(Options::default());
    stack.run(&["plan", "-refresh-only"]).ok().mentions("\"active\" -> \"off\"").mentions("is powered off.");
    stack.run(&["apply", "-refresh-only", "-auto-approve"]).ok();
    let plan = stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    plan.mentions("It was off when it was last read, so an apply leaves it off.");
    stack.run(&["apply", "-auto-approve"]).ok();
    assert_eq!(status(&cloud, "web"), "off");
    // Who switches it on, has it on from then on.
    act(&cloud, "web", "power_on");
    stack.run(&["apply", "-auto-approve"]).ok();
    act(&cloud, "web", "power_off");
    stack.run(&["plan"]).ok().mentions(ON);
    // The configuration leaves it alone; what was seen then counts when it does no more.
    stack.write("plans/web.tf", &WEB.replace("}\noutput", IGNORED));
    stack.run(&["plan"]).ok().mentions("The configuration leaves that alone.");
    stack.run(&["apply", "-auto-approve"]).ok();
    stack.write("plans/web.tf", WEB);
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    // What is taken over was not on by our doing.
    stack.run(&["state", "rm", "digitalocean_droplet.web"]).ok();
    let id = cloud.find("droplets", "name", "web")["id"].to_string();
    stack.run(&["import", "digitalocean_droplet.web", &id, "-auto-approve"]).ok();
    stack.run(&["plan", "-detailed-exitcode"]).ok();
    assert_eq!((status(&cloud, "web"), cloud.show("droplets").len()), (json!("off"), 1));
}

#[test]
fn what_somebody_is_at_work_on_is_left_alone() {
    let (cloud, stack) = off(Options { clock: ClockMode::Explicit { looks: 50 }, ..Options::default() });
    let id = cloud.find("droplets", "name", "web")["id"].clone();
    cloud.ask(Cloud::TOKEN, "POST", &format!("/droplets/{id}/actions"), &json!({ "type": "power_cycle" }));
    let plan = stack.run(&["plan"]).ok().says("Plan: 0 to add, 0 to change, 0 to destroy.");
    plan.mentions("DigitalOcean is working on it, so it is left alone for now.");
    // It is still known to have been on.
    stack.run(&["apply", "-auto-approve"]).ok();
    cloud.finish_all();
    act(&cloud, "web", "power_off");
    stack.run(&["plan"]).ok().mentions(ON);
}

const NODE_TOKEN: &str = "token-of-the-nodes-4712";

/// A pair, whose nodes of these names are off.
fn pair(names: &[&str]) -> (Cloud, Stack) {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.stack().env("TF_VAR_failover_token", NODE_TOKEN).env("DOFLOAT_CLOCK", "virtual");
    stack.run(&["apply", "ha", "-auto-approve", "-var", "image=debian-12-x64"]).ok();
    for name in names {
        act(&cloud, name, "power_off");
    }
    cloud.forget_log();
    (cloud, stack)
}

fn run(stack: &Stack, command: &str, more: &[&str]) -> crate::support::harness::Outcome {
    stack.run(&[&[command, "ha", "-var", "image=debian-12-x64"], more].concat())
}

/// The droplets that were switched on, in order.
fn switched_on(cloud: &Cloud) -> Vec<String> {
    let name = |path: &str| {
        let id: u64 = path.split('/').nth(3).and_then(|id| id.parse().ok()).expect("an id");
        cloud.show("droplets").iter().find(|of| of["id"] == id).map(|of| of["name"].as_str().unwrap_or_default().to_owned())
    };
    cloud.log().iter().filter(|asked| asked.request["type"] == "power_on").filter_map(|asked| name(&asked.path)).collect()
}

#[test]
fn a_pair_whose_nodes_are_both_off_is_told_and_switched_on_the_holder_first() {
    for holder in ["primary", "secondary"] {
        let (cloud, stack) = pair(&[]);
        if holder == "secondary" {
            act(&cloud, "primary", "power_off");
            act(&cloud, "primary", "power_on");
        }
        assert_eq!(cloud.show("reserved_ips")[0]["droplet"]["name"], holder);
        for name in [if holder == "primary" { "secondary" } else { "primary" }, holder] {
            act(&cloud, name, "power_off");
        }
        cloud.forget_log();
        let told = run(&stack, "status", &[]).exits(1).mentions("alarm: all nodes are powered off, so nothing serves");
        told.mentions("powers them on, the holder of the address first").mentions("primary: it does not report: it is powered off");
        let json = run(&stack, "status", &["-json"]).exits(1).json();
        let of = &json["clusters"]["dofloat_cluster.web"];
        assert_eq!((&of["nodes"][0]["off"], of["alarms"].as_array().map(Vec::len)), (&json!("powered-on-by-apply"), Some(1)), "{of}");
        let plan = run(&stack, "plan", &["-detailed-exitcode"]).exits(2).says("Plan: 0 to add, 2 to change, 0 to destroy.");
        plan.mentions("All nodes of dofloat_cluster.web are powered off: nothing serves.").mentions("droplet.primary will be powered on");
        run(&stack, "apply", &["-auto-approve"]).ok().mentions("dofloat_cluster.web: Waiting for health complete");
        assert_eq!(switched_on(&cloud)[0], holder);
        assert_eq!(switched_on(&cloud).len(), 2);
        run(&stack, "status", &[]).ok();
        run(&stack, "plan", &["-detailed-exitcode"]).ok();
    }
}

#[test]
fn a_node_that_an_older_dofloat_has_seen_off_is_switched_on_all_the_same() {
    let (cloud, stack) = pair(&["primary", "secondary"]);
    stack.write("state/ha.json", &stack.read("state/ha.json").replace("\"status\": \"active\"", "\"status\": \"off\""));
    run(&stack, "apply", &["-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 2 changed, 0 destroyed.");
    assert_eq!(switched_on(&cloud), ["secondary", "primary"]);
}

#[test]
fn a_node_is_switched_on_before_the_other_is_replaced() {
    let (cloud, stack) = pair(&["secondary"]);
    let replace = "-replace=dofloat_cluster.web.digitalocean_droplet.primary";
    let done = run(&stack, "apply", &["-auto-approve", replace]).ok();
    let place = |line: &str| done.stdout.find(line).unwrap_or_else(|| panic!("{line}: {done}"));
    assert!(place("droplet.secondary: Modifications complete") < place("droplet.primary: Waiting for health"), "{done}");
    assert_eq!(cloud.show("reserved_ips")[0]["droplet"]["name"], "secondary");
    // Where none is on, nobody is waited for who cannot come.
    let (_cloud, stack) = pair(&["primary", "secondary"]);
    run(&stack, "apply", &["-auto-approve", "-replace=dofloat_cluster.web"]).ok();
    run(&stack, "status", &[]).ok();
    let (cloud, stack) = pair(&["primary", "secondary"]);
    run(&stack, "apply", &["-auto-approve", replace]).ok();
    assert_eq!(switched_on(&cloud), ["secondary"]);
}

#[test]
fn a_pair_whose_block_says_so_is_left_as_it_is() {
    let (cloud, stack) = pair(&["primary", "secondary"]);
    stack.replace("plans/ha.tf", "service        = \"nginx\"", "service        = \"nginx\"\n  power_state    = \"any\"");
    let plan = run(&stack, "plan", &["-detailed-exitcode"]).ok().says("No changes.");
    plan.mentions("All nodes of dofloat_cluster.web are powered off").mentions("The configuration leaves that alone.");
    run(&stack, "status", &[]).exits(1).mentions("stays off, as `power_state` says");
    // Nobody waits for what does not come.
    run(&stack, "apply", &["-auto-approve"]).ok();
    assert_eq!(cloud.requests().0, 0);
    stack.replace("plans/ha.tf", "\"any\"", "\"off\"");
    run(&stack, "plan", &[]).exits(1).mentions("`power_state` is \"on\" or \"any\", not \"off\".");
}

#[test]
fn nodes_that_share_a_physical_server_are_told_with_what_to_do() {
    const SHARED: [&str; 1] = ["POST /v2/droplets#1x2 shared-server"];
    let open = |faults: &[&str]| {
        let cloud =
            Cloud::start(Options { faults: faults.iter().map(|fault| fault.parse().expect("a fault")).collect(), ..Options::default() });
        let stack = cloud.stack().env("TF_VAR_failover_token", NODE_TOKEN).env("DOFLOAT_CLOCK", "virtual");
        (cloud, stack)
    };
    let asked = |cloud: &Cloud| cloud.log().iter().filter(|asked| asked.path == "/v2/reports/droplet_neighbors_ids").count();
    let (cloud, stack) = open(&SHARED);
    let done = run(&stack, "apply", &["-auto-approve"]).ok();
    let remedy = "`dofloat apply ha -replace=dofloat_cluster.web.digitalocean_droplet.secondary`";
    done.mentions("The nodes of dofloat_cluster.web share one physical server: if that fails, nothing serves.").mentions(remedy);
    assert_eq!(asked(&cloud), 1, "once for a command");
    run(&stack, "status", &[]).ok().mentions("alarm: both droplets lie on one physical server").mentions(remedy);
    assert_eq!(run(&stack, "status", &["-json"]).json()["clusters"]["dofloat_cluster.web"]["apart"], false);
    // A new one lies elsewhere.
    run(&stack, "apply", &["-auto-approve", "-replace=dofloat_cluster.web.digitalocean_droplet.secondary"]).ok();
    run(&stack, "status", &[]).ok().mentions("droplets on different physical servers");
    assert_eq!(run(&stack, "status", &["-json"]).json()["clusters"]["dofloat_cluster.web"]["apart"], true);
    // A read that fails is only told.
    let (cloud, stack) = open(&["GET /v2/reports/**x0 error-before=404"]);
    run(&stack, "apply", &["-auto-approve"]).ok().mentions("Failed to read whether");
    run(&stack, "status", &[]).ok().mentions("whether they share a physical server is unknown");
    // Who has no pair is not asked.
    cloud.forget_log();
    let alone = cloud.serve(Stack::with_plan("web", WEB));
    alone.run(&["apply", "-auto-approve"]).ok();
    assert_eq!(asked(&cloud), 0);
}
