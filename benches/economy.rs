//! What a run costs: requests, counted by the simulator, and time beside the least that is possible.
//!
//! `cargo bench` prints the tables of the README. Counts are exact and the same on every machine; times are not.

#[path = "../tests/it/cloud.rs"]
mod cloud;
#[path = "../tests/it/contract.rs"]
#[expect(dead_code, reason = "the bench needs only the type of an exchange")]
mod contract;
#[path = "../tests/it/harness.rs"]
#[expect(dead_code, reason = "the bench needs only a part of what the tests stand on")]
mod harness;

use std::time::{Duration, Instant};

use dofloat::sim::{ClockMode, Limits, Options};

use cloud::Cloud;
use harness::{Stack, say};

fn main() {
    say("tutorial, an API without latency (Terraform 1.11.4: 9 and 11, 0 and 9, 9 and 15; 23.6 s and 30.8 s)");
    cycle(&Cloud::start(Options::default()), &Cloud::stack);
    let (request, droplet, action) = (Duration::from_millis(80), Duration::from_secs(3), Duration::from_secs(2));
    // Account and objects, checks against the account, VPC, droplet, its boot, its attributes, assignment, its action, the proof.
    let least = 8 * request + droplet + action;
    say(&format!("tutorial, 80 ms a request, 3 s a droplet, 2 s an action: the critical path of apply is {:.2} s", least.as_secs_f64()));
    let clock = ClockMode::Real { request, droplet, action };
    cycle(&Cloud::start(Options { clock, ..Options::default() }), &Cloud::stack);
    for clusters in [20, 100] {
        say(&format!("fleet of {clusters} clusters ({} resources), an API without latency", 6 * clusters + 2));
        let limits = Limits { droplets: 10_000, reserved_ips: 10_000 };
        let cloud = Cloud::start(Options { limits, ..Options::default() });
        cycle(&cloud, &|cloud| cloud.serve(Stack::with_plan("web", &fleet(clusters))));
    }
}

fn cycle(cloud: &Cloud, stack: &dyn Fn(&Cloud) -> Stack) {
    let stack = stack(cloud);
    let commands: [(&str, &[&str]); 3] =
        [("apply", &["apply", "web", "-auto-approve", "-parallelism=50"]), ("plan", &["plan", "web"]), ("destroy", &["destroy", "web", "-auto-approve", "-parallelism=50"])];
    for (name, arguments) in commands {
        cloud.forget_log();
        #[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
        let start = Instant::now();
        stack.run(arguments).ok();
        let (writes, reads) = cloud.requests();
        say(&format!("  {name:8} {writes:5} changing {reads:5} reading {:8.2} s", start.elapsed().as_secs_f64()));
    }
}

fn fleet(clusters: usize) -> String {
    format!(
        r#"
resource "digitalocean_vpc" "net" {{
  name   = "fleet"
  region = "nyc3"
}}
resource "digitalocean_domain" "d" {{
  name = "example.com"
}}
locals {{
  clusters = [for n in range({clusters}) : format("c%03d", n)]
  nodes    = {{ for pair in setproduct(local.clusters, ["primary", "secondary"]) : join("-", pair) => pair }}
}}
resource "digitalocean_droplet" "node" {{
  for_each = local.nodes
  name     = each.key
  region   = "nyc3"
  image    = "ubuntu-24-04-x64"
  size     = "s-1vcpu-1gb"
  vpc_uuid = digitalocean_vpc.net.id
}}
resource "digitalocean_reserved_ip" "ip" {{
  for_each = toset(local.clusters)
  region   = "nyc3"
}}
resource "digitalocean_reserved_ip_assignment" "ip" {{
  for_each   = toset(local.clusters)
  ip_address = digitalocean_reserved_ip.ip[each.key].ip_address
  droplet_id = digitalocean_droplet.node["${{each.key}}-primary"].id
}}
resource "digitalocean_record" "a" {{
  for_each = {{ for pair in setproduct(local.clusters, ["", "www."]) : "${{pair[1]}}${{pair[0]}}" => pair[0] }}
  domain   = digitalocean_domain.d.name
  type     = "A"
  name     = each.key
  value    = digitalocean_reserved_ip.ip[each.value].ip_address
}}
"#
    )
}
