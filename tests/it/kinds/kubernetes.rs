//! Clusters of Kubernetes: which versions will do, what is refused instead of made anew, and what opens them.

use dofloat::sim::{ClockMode, Options};
use serde_json::{Value, json};

use crate::support::cloud::Cloud;
use crate::support::harness::{Outcome, Stack};

const PLAN: &[&str] = &["plan", "k", "-detailed-exitcode"];
const APPLY: &[&str] = &["apply", "k", "-auto-approve"];
/// What opens a cluster, in a file, an output and another object.
const READS: &str = r#"
resource "local_sensitive_file" "config" {
  filename = "kubeconfig"
  content  = digitalocean_kubernetes_cluster.main.kube_config[0].raw_config
}
output "token" {
  value     = digitalocean_kubernetes_cluster.main.kube_config.0.token
  sensitive = true
}
output "host" {
  value = digitalocean_kubernetes_cluster.main.kube_config[0].host
}
output "nodes" {
  value = digitalocean_kubernetes_cluster.main.node_pool[0].nodes[*].status
}
"#;

fn cluster(version: &str, more: &str, pool: &str) -> String {
    format!(
        "resource \"digitalocean_kubernetes_cluster\" \"main\" {{\n  name    = \"main\"\n  region  = \"nyc3\"\n  version = \"{version}\"\n{more}\n  \
         node_pool {{\n    name = \"pool\"\n{pool}\n  }}\n}}\n"
    )
}

fn open(text: &str) -> (Cloud, Stack) {
    let cloud = Cloud::start(Options { clock: ClockMode::Explicit { looks: 1 }, ..Options::default() });
    let stack = cloud.serve(Stack::with_plan("k", text)).env("DOFLOAT_CLOCK", "virtual");
    (cloud, stack)
}

const POOL: &str = "    size = \"s-2vcpu-4gb\"\n    node_count = 2";

/// Somebody, or the cluster itself, changes its version.
fn upgraded(cloud: &Cloud, version: &str) {
    let id = cloud.show("kubernetes/clusters")[0]["id"].as_str().expect("an identity").to_owned();
    cloud.outside("POST", &format!("/v2/kubernetes/clusters/{id}/upgrade"), &json!({ "version": version }));
    cloud.finish_all();
}

#[test]
fn a_version_that_the_cluster_has_completed_or_passed_by_itself_is_no_drift() {
    let (cloud, stack) = open(&format!(
        "{}output \"v\" {{\n  value = digitalocean_kubernetes_cluster.main.version\n}}\n",
        cluster("1.32.4", "  auto_upgrade = true", POOL)
    ));
    stack.run(APPLY).ok();
    assert_eq!(stack.run(&["output", "k", "-raw", "v"]).ok().stdout.trim(), "1.32.4-do.0");
    stack.run(PLAN).ok().says("No changes.");
    upgraded(&cloud, "1.32.5-do.2");
    // Only the output follows.
    stack.run(PLAN).exits(2).says("Plan: 0 to add, 0 to change, 0 to destroy.");
    stack.run(APPLY).ok();
    assert_eq!(stack.run(&["output", "k", "-raw", "v"]).ok().stdout.trim(), "1.32.5-do.2");
    stack.run(PLAN).ok().says("No changes.");
    // Who names a later one upgrades to it, and the beginning of one leads to the latest that begins so.
    stack.replace("plans/k.tf", "\"1.32.4\"", "\"1.33\"");
    stack.run(PLAN).exits(2).says("Plan: 0 to add, 1 to change, 0 to destroy.");
    stack.run(APPLY).ok();
    assert_eq!(cloud.show("kubernetes/clusters")[0]["version"], "1.33.1-do.2");
    stack.run(PLAN).ok().says("No changes.");
}

#[test]
fn a_cluster_is_never_made_anew_for_what_it_cannot_do_in_place() {
    let (cloud, stack) = open(&cluster("1.32.5-do.2", "  ha = true", POOL));
    stack.run(APPLY).ok();
    for (old, new, why) in [
        ("1.32.5-do.2", "1.31.9-do.2", "a cluster never goes back to an older one"),
        ("1.32.5-do.2", "1.31", "a cluster never goes back to an older one"),
        ("ha = true", "ha = false", "A control plane that is highly available stays so."),
        ("s-2vcpu-4gb", "s-4vcpu-8gb", "keeps its size, s-2vcpu-4gb."),
    ] {
        stack.replace("plans/k.tf", old, new);
        stack.run(PLAN).exits(1).mentions(why).mentions("-replace='digitalocean_kubernetes_cluster.main'");
        stack.replace("plans/k.tf", new, old);
    }
    stack.run(&["plan", "k", "-detailed-exitcode", "-replace=digitalocean_kubernetes_cluster.main"]).exits(2);
    stack.replace("plans/k.tf", "node_count = 2", "# how many?");
    stack.run(PLAN).exits(1).mentions("A pool that does not scale needs the argument `node_count`.");
    assert_eq!(cloud.show("kubernetes/clusters").len(), 1);
}

#[test]
fn a_pool_that_scales_by_itself_is_left_alone() {
    let scaling = "    size = \"s-2vcpu-4gb\"\n    auto_scale = true\n    min_nodes = 1\n    max_nodes = 5";
    let reads = "output \"count\" {\n  value = digitalocean_kubernetes_cluster.main.node_pool[0].actual_node_count\n}\n";
    let (cloud, stack) = open(&format!("{}{reads}", cluster("1.32.5-do.2", "", scaling)));
    stack.run(APPLY).ok();
    stack.run(PLAN).ok().says("No changes.");
    let (cluster, pool) =
        (cloud.show("kubernetes/clusters")[0].clone(), cloud.show("kubernetes/clusters/{cluster_id}/node_pools")[0].clone());
    let text = |of: &Value| of.as_str().expect("an identity").to_owned();
    let body = json!({ "name": "pool", "count": 4, "auto_scale": true, "min_nodes": 1, "max_nodes": 5 });
    let path = format!("/v2/kubernetes/clusters/{}/node_pools/{}", text(&cluster["id"]), text(&pool["id"]));
    cloud.outside("PUT", &path, &body);
    // Only the output follows.
    stack.run(PLAN).exits(2).says("Plan: 0 to add, 0 to change, 0 to destroy.");
    stack.run(APPLY).ok();
    assert_eq!(stack.run(&["output", "k", "-raw", "count"]).ok().stdout.trim(), "4");
    stack.run(PLAN).ok().says("No changes.");
}

/// Each question for credentials gives others.
#[test]
fn what_opens_a_cluster_is_kept_until_it_expires_and_stands_nowhere_else() {
    let (cloud, stack) = open(&format!("{}{READS}", cluster("1.32.5-do.2", "  kubeconfig_expire_seconds = 90000", POOL)));
    stack.run(&["plan", "k", "-out=p"]).ok();
    stack.run(&["apply", "p"]).ok();
    let token = |stack: &Stack| stack.run(&["output", "k", "-raw", "token"]).ok().stdout.trim().to_owned();
    let first = token(&stack);
    assert!(first.starts_with("dop_v1_"), "{first}");
    let config = stack.read("plans/kubeconfig");
    assert!(config.contains(&format!("token: {first}")) && config.contains("current-context: do-nyc3-main"), "{config}");
    assert_eq!(stack.run(&["output", "k", "-json", "nodes"]).ok().json(), json!(["running", "running"]));
    let hides = |ended: &Outcome, token: &str| assert!(!ended.to_string().contains(token), "{ended}");
    for command in [PLAN, &["plan", "k", "-detailed-exitcode", "-refresh=false"], APPLY] {
        let ended = stack.run(command).ok();
        assert!(command == APPLY || ended.stdout.contains("No changes."), "{ended}");
        hides(&ended, &first);
    }
    assert_eq!(token(&stack), first);
    for (place, bytes) in stack.files() {
        assert!(place == "plans/kubeconfig" || !String::from_utf8_lossy(&bytes).contains(&first), "{place}");
    }
    let asked = cloud.log().iter().filter(|of| of.path.ends_with("/credentials")).map(|of| of.query.clone()).collect::<Vec<_>>();
    assert_eq!(asked, ["expiry_seconds=90000"]);
    // A day later they are over: whoever only looks is given others, and whoever applies keeps them.
    let later = [("DOFLOAT_CLOCK_SET", "100000@0")];
    cloud.with_world(|world| world.advance(100_000));
    stack.run_env(&later, PLAN).exits(2);
    stack.run_env(&later, APPLY).ok();
    let second = token(&stack);
    assert_ne!(first, second);
    assert!(stack.read("plans/kubeconfig").contains(&second));
    stack.run_env(&later, PLAN).ok().says("No changes.");
    stack.run(&["destroy", "k", "-auto-approve"]).ok();
    assert!(!stack.exists("state/k.secrets.age"), "what is gone has no secret");
}

#[test]
fn a_cluster_that_somebody_else_keeps_is_looked_up_with_its_credentials() {
    let text = r#"
data "digitalocean_kubernetes_versions" "all" {
  version_prefix = "1.32."
}
data "digitalocean_kubernetes_cluster" "main" {
  name                      = "main"
  kubeconfig_expire_seconds = 60
}
output "versions" {
  value = [data.digitalocean_kubernetes_versions.all.latest_version, data.digitalocean_kubernetes_versions.all.valid_versions]
}
output "host" {
  value = [data.digitalocean_kubernetes_cluster.main.endpoint, data.digitalocean_kubernetes_cluster.main.node_pool[0].actual_node_count]
}
output "config" {
  value     = data.digitalocean_kubernetes_cluster.main.kube_config[0].raw_config
  sensitive = true
}
"#;
    let (cloud, stack) = open(text);
    for name in ["main", "other"] {
        let pool = json!({ "name": "pool", "size": "s-2vcpu-4gb", "count": 3 });
        let body = json!({ "name": name, "region": "nyc3", "version": "latest", "node_pools": [pool] });
        cloud.outside("POST", "/v2/kubernetes/clusters", &body);
    }
    cloud.finish_all();
    stack.run(APPLY).ok();
    let versions = stack.run(&["output", "k", "-json", "versions"]).ok().json();
    assert_eq!(versions, json!(["1.32.5-do.2", ["1.32.5-do.2", "1.32.4-do.0"]]));
    assert_eq!(stack.run(&["output", "k", "-json", "host"]).ok().json()[1], 3);
    assert!(stack.run(&["output", "k", "-raw", "config"]).ok().stdout.contains("token: dop_v1_"));
    let asked: Vec<String> = cloud.log().iter().filter(|of| of.path.ends_with("/credentials")).map(|of| of.query.clone()).collect();
    assert!(asked.iter().all(|query| query == "expiry_seconds=60"), "{asked:?}");
}
