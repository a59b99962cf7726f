//! What a run costs: requests, counted by the simulator, and time beside the least that is possible; and how the time to read a
//! configuration grows with its size.
//!
//! `cargo bench` prints the tables. Counts are exact and the same on every machine; times are not. `cargo bench -- validate` prints
//! only how reading grows.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use dofloat::sim::{self, ClockMode, Limits, Options};
use tokio::runtime::Runtime;

const WEB: &str = include_str!("../plans/web.tf");
const FLEET: &str = include_str!("../fixtures/config/fleet.tf");

fn main() {
    validations();
    if std::env::args().any(|word| word == "validate") {
        return;
    }
    let runtime = Runtime::new().expect("a runtime");
    let bench = |title: &str, options: Options, plan: &str, clusters: usize| {
        say(&format!("\n{title}"));
        let mut running = runtime.block_on(sim::start(options)).expect("the simulator starts");
        cycle(&mut running, plan, clusters);
        runtime.block_on(running.stop());
    };
    bench("the tutorial's servers, an API without latency", Options::default(), WEB, 0);
    let (request, droplet, action) = (Duration::from_millis(80), Duration::from_secs(3), Duration::from_secs(2));
    // What cannot run side by side: the account, the objects that are there, the checks against the account; the VPC, the
    // droplet, its boot; the assignment, its action; and the last look at each of the two that take time.
    let least = 8 * request + droplet + action;
    let title =
        format!("the same with 80 ms a request, 3 s a droplet, 2 s an action: the critical path of apply is {:.2} s", least.as_secs_f64());
    bench(&title, Options { clock: ClockMode::Real { request, droplet, action }, ..Options::default() }, WEB, 0);
    for clusters in [20, 100] {
        let limits = Limits { droplets: 10_000, reserved_ips: 10_000 };
        let title = format!("a fleet of {clusters} clusters ({} resources), an API without latency", 6 * clusters + 2);
        bench(&title, Options { limits, ..Options::default() }, FLEET, clusters);
    }
}

/// Twice the size should cost twice the time.
fn validations() {
    say("\nvalidate: modules of 50 resources, each given an output of the one before; a `for` over so many elements");
    for modules in [25, 50, 100, 200] {
        let took = validated(&chain(modules));
        say(&format!("  {modules:4} modules {:6} resources {:8.2} s", modules * 50, took.as_secs_f64()));
    }
    for thousands in [2, 5, 10, 20] {
        let all = format!("flatten([for a in range({thousands}) : [for b in range(1000) : a * 1000 + b]])");
        let took = validated(&format!("output \"all\" {{\n  value = [for n in {all} : \"x-${{n}}\" if n % 3 != 1]\n}}\n"));
        say(&format!("  {:6} elements {:21.2} s", thousands * 1000, took.as_secs_f64()));
    }
}

/// Calls of one module, each after the one before.
fn chain(modules: usize) -> String {
    let call = |at: usize| {
        let before = if at == 0 { "\"first\"".to_owned() } else { format!("module.m{}.last", at - 1) };
        format!("module \"m{at}\" {{\n  source = \"../module\"\n  before = {before}\n}}\n")
    };
    (0..modules).map(call).collect()
}

fn validated(plan: &str) -> Duration {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let resource = |at: usize| {
        let before = if at == 0 { "var.before".to_owned() } else { format!("terraform_data.r{}.output", at - 1) };
        format!("resource \"terraform_data\" \"r{at}\" {{\n  input = {before}\n}}\n")
    };
    let module: String = (0..50).map(resource).collect();
    let module = format!("variable \"before\" {{}}\n{module}output \"last\" {{\n  value = terraform_data.r49.output\n}}\n");
    for (name, text) in [("plans/web.tf", plan), ("module/main.tf", &module)] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is ours");
        dofloat::base::durable::write_atomic(&path, text.as_bytes(), 0o644).expect("the folder is ours");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_dofloat"));
    command.args(["validate"]).current_dir(folder.path()).env_clear().env("HOME", folder.path());
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
    let start = Instant::now();
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    start.elapsed()
}

fn cycle(running: &mut sim::Running, plan: &str, clusters: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plans = folder.path().join("plans");
    std::fs::create_dir(&plans).expect("the folder is ours");
    dofloat::base::durable::write_atomic(&plans.join("web.tf"), plan.as_bytes(), 0o644).expect("the folder is ours");
    for (name, arguments) in [
        ("apply", &["apply", "-auto-approve", "-parallelism=50"][..]),
        ("no-op plan", &["plan"]),
        ("destroy", &["destroy", "-auto-approve", "-parallelism=50"]),
    ] {
        running.clear_log();
        let took = run(folder.path(), &running.url, arguments, clusters);
        let log = running.log();
        let writes = log.iter().filter(|exchange| exchange.is_write()).count();
        say(&format!("  {name:10} {writes:5} changing {:5} reading {:8.2} s", log.len() - writes, took.as_secs_f64()));
    }
}

fn run(folder: &Path, url: &str, arguments: &[&str], clusters: usize) -> Duration {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dofloat"));
    command.args(arguments).current_dir(folder).env_clear().env("HOME", folder);
    command.env("DIGITALOCEAN_API_URL", url).env("DIGITALOCEAN_TOKEN", "benchmark");
    if clusters > 0 {
        command.env("DOFLOAT_VAR_clusters", clusters.to_string());
    }
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
    let start = Instant::now();
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    start.elapsed()
}

#[expect(clippy::print_stdout, reason = "a benchmark prints")]
fn say(line: &str) {
    println!("{line}");
}
