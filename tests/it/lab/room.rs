//! The lab seen from a test: a rig of containers, the simulator that drives it, and the real program that fills it.
//!
//! Invariant: one at a time, since everything that is measured shares the machine; what a test leaves is removed with it,
//! and what a killed test left by the next one. Names carry the test's process, so that several can run side by side.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use super::client::Watch;
use crate::earlier::lay;
use crate::support::harness::{Outcome, Stack, in_full, say};

/// The simulated API as nodes reach it; the rig leads it to the simulator.
const API: &str = "http://198.51.100.10";

/// Where the simulator listens, in the provider's network.
const OWN_API: &str = "http://127.0.0.1:8640";
/// How nodes reach it.
const API_HOST: &str = "198.51.100.10";
/// What opens its paths for tests.
const SIM_TOKEN: &str = "token-of-the-lab";

/// What the nodes ask the API with.
pub(crate) const TOKEN: &str = "dop_v1_the-token-of-the-nodes";

/// Their names.
pub(crate) const NODES: [&str; 2] = ["primary", "secondary"];

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What a lab is made of: a plan of the package, and what is changed in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LabConfig {
    /// The plan's name.
    pub(crate) plan: &'static str,
    /// Arguments of its cluster that have another value here.
    pub(crate) changes: &'static [(&'static str, &'static str)],
    /// Options of the simulator.
    pub(crate) simulator: &'static [&'static str],
    /// The suite of Debian that its nodes boot; if it says none, DOFLOAT_LAB_SUITE does.
    pub(crate) suite: Option<&'static str>,
}

impl LabConfig {
    /// What one would build today.
    pub(crate) const FENCED: Self = Self { plan: "ha-modern", changes: &[], simulator: &[], suite: None };
    /// The same without fencing.
    pub(crate) const MODERN: Self = Self { changes: &[("fencing", "\"none\"")], ..Self::FENCED };
    /// The tutorial, on a release that there is.
    pub(crate) const TUTORIAL: Self = Self { plan: "ha", ..Self::FENCED };

    /// The plan's text, with the nodes told where the lab's API is.
    fn text(&self) -> String {
        const HEAD: &str = "resource \"dofloat_cluster\" \"web\" {\n";
        let path = format!("{}/plans/{}.tf", env!("CARGO_MANIFEST_DIR"), self.plan);
        let text = fs::read_to_string(path).expect("the plan is in the package");
        let (before, rest) = text.split_once(HEAD).expect("it has a cluster");
        let (block, after) = rest.split_once("\n}\n").expect("the block ends");
        let api = format!("\"{API}\"");
        let changes: Vec<(&str, &str)> = self.changes.iter().copied().chain([("api_url", api.as_str())]).collect();
        let argument = |line: &str| line.split_once('=').map(|(name, _)| name.trim().to_owned());
        let kept = block.lines().filter(|line| !changes.iter().any(|(name, _)| argument(line).is_some_and(|own| own == *name)));
        let lines: Vec<String> = changes.iter().map(|(name, value)| format!("  {name} = {value}")).chain(kept.map(str::to_owned)).collect();
        format!("{before}{HEAD}{}\n}}\n{after}", lines.join("\n"))
    }
}

/// Two nodes that are being made, or serve.
pub(crate) struct Lab {
    pub(crate) stack: Stack,
    name: String,
    wish: LabConfig,
    ip: OnceLock<String>,
    simulator: Child,
    _alone: MutexGuard<'static, ()>,
}

impl Lab {
    /// A lab whose stack is applied; none, after having said so, where that is not asked for or not possible. The apply ends
    /// when both nodes have joined and the address answers, unless the wish says otherwise.
    pub(crate) fn raise(name: &str, wish: LabConfig) -> Option<Self> {
        let lab = Self::empty(name, wish)?;
        lab.apply(&[]);
        Some(lab)
    }

    /// A lab in which nothing is made yet.
    pub(crate) fn empty(name: &str, wish: LabConfig) -> Option<Self> {
        Self::furnished(name, wish, |stack| stack.write(&format!("plans/{}.tf", wish.plan), &wish.text()))
    }

    /// A lab with the pair that an earlier program made with fencing: its droplets boot from the user-data of then, but for
    /// where the API is.
    pub(crate) fn of_earlier(name: &str) -> Option<Self> {
        const CLUSTER: &str = "resource \"dofloat_cluster\" \"web\" {\n";
        let wish = LabConfig::FENCED;
        Self::furnished(name, wish, |stack| {
            lay(stack, "pair", wish.plan);
            let world = format!(".dofloat/sim/{}/world.json", wish.plan);
            stack.write(&world, &stack.read(&world).replace("https://api.digitalocean.com", API));
            let plan = format!("plans/{}.tf", wish.plan);
            stack.write(&plan, &stack.read(&plan).replace(CLUSTER, &format!("{CLUSTER}  api_url = \"{API}\"\n")));
        })
    }

    /// A lab whose stack's files are laid down first.
    #[expect(clippy::disallowed_methods, reason = "the environment of the test run, not of the program")]
    fn furnished(name: &str, wish: LabConfig, furnish: impl FnOnce(&Stack)) -> Option<Self> {
        if !in_full() {
            say("skipped: the lab boots containers and takes minutes; DOFLOAT_TESTS=full runs it");
            return None;
        }
        if let Some(why) = obstacle() {
            assert!(std::env::var_os("CI").is_none(), "CI is set, so nothing is skipped: {why}");
            say(&format!("skipped: {why}"));
            return None;
        }
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let owner = std::process::id();
        let name = format!("{}{owner}-{name}", std::env::var("LAB").unwrap_or_else(|_| "lab".to_owned()));
        let asked = std::env::var("DOFLOAT_LAB_SUITE").ok();
        let suite = wish.suite.or(asked.as_deref()).unwrap_or("bookworm");
        let done = rig(&name, &["up", &owner.to_string(), suite]).output().expect("the rig starts");
        Outcome::of(done).ok();
        let stack = Stack::empty().env("TF_VAR_image", image_of(suite)).env("TF_VAR_failover_token", TOKEN);
        furnish(&stack);
        let simulator = start_simulator(&name, &stack, &wish);
        let lab = Self { stack, name, wish, ip: OnceLock::new(), simulator, _alone: alone };
        until("the simulator answers", Duration::from_secs(20), || {
            lab.try_rig(&["provider", "curl", "-s", &format!("{OWN_API}/v2/account")]).code == 0
        });
        Some(lab)
    }

    /// Adds something to the plan.
    pub(crate) fn add(&self, text: &str) {
        let path = format!("plans/{}.tf", self.wish.plan);
        self.stack.write(&path, &format!("{}\n{text}", self.stack.read(&path)));
    }

    /// Applies the stack.
    #[track_caller]
    pub(crate) fn apply(&self, options: &[&str]) -> Outcome {
        self.dofloat(&[&["apply", self.wish.plan, "--sim", "-auto-approve"], options].concat()).ok().says("Apply complete!")
    }

    /// Begins a run of the program that may be killed.
    pub(crate) fn begin(&self, command: &[&str]) -> Run {
        let arguments = [&command[..1], &[self.wish.plan, "--sim"], &command[1..]].concat();
        let log = self.stack.path("run.log");
        let file = fs::OpenOptions::new().create(true).write(true).truncate(true).open(&log).expect("the folder is ours");
        let again = file.try_clone().expect("it is open");
        let child = self.within_provider(&arguments).stdout(file).stderr(again).spawn().expect("the rig runs");
        Run { child, log }
    }

    /// Runs another command on the stack.
    pub(crate) fn ask(&self, command: &str, options: &[&str]) -> Outcome {
        self.dofloat(&[&[command, self.wish.plan, "--sim"], options].concat())
    }

    /// The same with more in the environment.
    pub(crate) fn ask_as(&self, environment: &[(&str, String)], command: &str, options: &[&str]) -> Outcome {
        self.dofloat_as(environment, &[&[command, self.wish.plan, "--sim"], options].concat())
    }

    /// Runs the program where the simulated account is.
    fn dofloat(&self, arguments: &[&str]) -> Outcome {
        self.dofloat_as(&[], arguments)
    }

    fn dofloat_as(&self, environment: &[(&str, String)], arguments: &[&str]) -> Outcome {
        let mut command = self.within_provider(arguments);
        command.envs(environment.iter().map(|(name, value)| (*name, value.as_str())));
        Outcome::of(command.output().expect("the rig runs"))
    }

    fn within_provider(&self, arguments: &[&str]) -> Command {
        let mut command = self.stack.command(&rig_path());
        command.env("LAB", &self.name).args(["provider", env!("CARGO_BIN_EXE_dofloat")]).args(arguments).stdin(Stdio::null());
        command.env("PATH", PATH);
        command
    }

    /// Runs a command of the rig.
    #[track_caller]
    pub(crate) fn rig(&self, arguments: &[&str]) -> String {
        self.try_rig(arguments).ok().stdout
    }

    pub(crate) fn try_rig(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(rig(&self.name, arguments).output().expect("the rig runs"))
    }

    /// Runs a line of the shell on a node; its output, empty if it fails.
    pub(crate) fn on(&self, node: &str, line: &str) -> String {
        let done = self.try_rig(&["in", node, "sh", "-c", line]);
        if done.code == 0 { done.stdout } else { String::new() }
    }

    /// A node's own public address; empty if it has none or does not run.
    pub(crate) fn public(&self, node: &str) -> String {
        self.on(node, "ip -o -4 addr show eth0 | awk '{ print $4 }' | grep ^198 | cut -d/ -f1").trim().to_owned()
    }

    /// What a node says of itself, as the operator sees it from outside.
    pub(crate) fn health(&self, node: &str) -> Value {
        let url = format!("http://{}:5480/health", self.public(node));
        let done = self.try_rig(&["provider", "curl", "-sf", "-m", "2", &url]);
        serde_json::from_str(&done.stdout).unwrap_or_default()
    }

    /// The floating IP.
    #[track_caller]
    pub(crate) fn ip(&self) -> &str {
        self.ip.get_or_init(|| self.ask("output", &["-raw", "floating_ip"]).ok().stdout.trim().to_owned())
    }

    /// The page that the floating IP answers with now; empty if it does not.
    pub(crate) fn page(&self) -> String {
        self.try_rig(&["client", "curl", "-sf", "-m", "2", &format!("http://{}/", self.ip())]).stdout.trim().to_owned()
    }

    /// The node that answers on the floating IP; empty if none does.
    pub(crate) fn server(&self) -> String {
        let page = self.page();
        page.strip_prefix("Droplet: ").and_then(|rest| rest.split_once(',')).map_or(String::new(), |(name, _)| name.to_owned())
    }

    /// The node that has the floating IP, as the account shows it; empty if none has.
    pub(crate) fn holder(&self) -> String {
        let shown = self.api("GET", &format!("/v2/reserved_ips/{}", self.ip()), "");
        shown["reserved_ip"]["droplet"]["name"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until both nodes have joined, serve, and the floating IP answers.
    #[track_caller]
    pub(crate) fn until_serving(&self) {
        if !wait(Duration::from_secs(400), || self.is_serving()) {
            panic!("the cluster does not serve\n{}", self.story());
        }
    }

    /// Whether both nodes see each other and run all that they should, and the floating IP answers.
    fn is_serving(&self) -> bool {
        let expected = if self.has_service() { 3 } else { 1 };
        let runs_all = |node: &&str| {
            let health = self.health(node);
            health["resources"].as_array().is_some_and(|all| all.iter().filter(|one| one["role"] == "Started").count() >= expected)
        };
        self.has_joined() && NODES.iter().all(runs_all)
    }

    /// Whether both nodes are done and see each other, and the floating IP answers.
    pub(crate) fn has_joined(&self) -> bool {
        let is_member = |node: &&str| {
            let health = self.health(node);
            health["phase"] == "done" && health["members"].as_array().is_some_and(|all| all.len() == 2) && health["quorum"] == true
        };
        NODES.iter().all(is_member) && (!self.has_service() || !self.page().is_empty())
    }

    fn has_service(&self) -> bool {
        !self.wish.changes.contains(&("service", "\"none\""))
    }

    /// What the nodes say, for a test that fails.
    pub(crate) fn story(&self) -> String {
        let of = |node: &str| {
            let log = self.on(node, "tail -n 30 /var/log/dofloat.log; crm_mon -1rf 2>&1; tail -n 20 /var/log/pacemaker/pacemaker.log");
            format!("{node}: {}\n{log}", self.health(node))
        };
        format!("{}\n{}\n{}", of("primary"), of("secondary"), self.events().join("\n"))
    }

    /// What the simulator told the rig so far, a line each.
    pub(crate) fn events(&self) -> Vec<String> {
        let path = format!("{}/rigs/{}/events", cache(), self.name);
        fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// What was done to the power of droplets since it had told so many lines.
    pub(crate) fn power_events(&self, since: usize) -> Vec<String> {
        self.events().split_off(since).into_iter().filter(|line| line.contains(" power_")).collect()
    }

    /// Lets things go wrong at the API from now on, instead of what went wrong before.
    pub(crate) fn set_faults(&self, faults: &[&str]) {
        let body = serde_json::json!({ "faults": faults }).to_string();
        let token = format!("Authorization: Bearer {SIM_TOKEN}");
        self.rig(&["provider", "curl", "-sf", "-X", "POST", "-H", &token, "-d", &body, &format!("{OWN_API}/_sim/faults")]);
    }

    /// Lets everything that is in progress at the API come to its end, also what does not by itself.
    pub(crate) fn finish_actions(&self) {
        let token = format!("Authorization: Bearer {SIM_TOKEN}");
        self.rig(&["provider", "curl", "-sf", "-X", "POST", "-H", &token, "-d", "{\"finish\": true}", &format!("{OWN_API}/_sim/advance")]);
    }

    /// Does something at the API as the operator does; its answer.
    pub(crate) fn api(&self, method: &str, path: &str, body: &str) -> Value {
        let token = "Authorization: Bearer operator";
        let url = format!("{OWN_API}{path}");
        let done = self.try_rig(&["provider", "curl", "-s", "-X", method, "-H", token, "-d", body, &url]);
        serde_json::from_str(&done.stdout).unwrap_or_default()
    }

    /// The identifier of a node's droplet.
    pub(crate) fn droplet(&self, node: &str) -> u64 {
        let found = self.api("GET", &format!("/v2/droplets?name={node}"), "");
        found["droplets"][0]["id"].as_u64().unwrap_or_else(|| panic!("no droplet {node}: {found}"))
    }

    /// Starts to ask the floating IP every 100 ms.
    pub(crate) fn watch(&self) -> Watch {
        Watch::begin(&format!("{}-client", self.name), self.ip())
    }
}

impl Drop for Lab {
    #[expect(clippy::disallowed_methods, reason = "the environment of the test run, not of the program")]
    fn drop(&mut self) {
        if std::env::var_os("DOFLOAT_LAB_STAYS").is_some() {
            say(&format!("the rig {} stays; `LAB={} tests/lab/rig down` removes it", self.name, self.name));
            return;
        }
        let _ = self.simulator.kill();
        let _ = self.simulator.wait();
        let _ = rig(&self.name, &["down"]).output();
    }
}

/// A run of the program; it is killed, as by a power cut, when this goes.
pub(crate) struct Run {
    child: Child,
    log: PathBuf,
}

impl Run {
    /// Whether it has come to its end by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// What it said.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An operator's key, and an ssh that uses it and nothing of the machine's.
pub(crate) struct Key {
    folder: PathBuf,
}

impl Key {
    pub(crate) fn new(lab: &Lab) -> Self {
        let folder = lab.stack.path("ssh");
        fs::create_dir_all(&folder).expect("the folder is ours");
        let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.join("id")).status();
        assert!(made.is_ok_and(|status| status.success()), "ssh-keygen makes a key");
        let at = folder.display();
        let options = format!(
            "IdentityFile {at}/id\nIdentitiesOnly yes\nUserKnownHostsFile {at}/known\nGlobalKnownHostsFile none\nStrictHostKeyChecking accept-new\n"
        );
        lab.stack.write("ssh/config", &options);
        lab.stack.write("ssh/ssh", &format!("#!/bin/sh\nexec /usr/bin/ssh -F {at}/config \"$@\"\n"));
        fs::set_permissions(folder.join("ssh"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("the file is ours");
        Self { folder }
    }

    /// The public half.
    pub(crate) fn public(&self) -> String {
        fs::read_to_string(self.folder.join("id.pub")).expect("the key was made").trim().to_owned()
    }

    /// In which the ssh is this one.
    pub(crate) fn environment(&self) -> [(&'static str, String); 1] {
        [("PATH", format!("{}:{PATH}", self.folder.display()))]
    }
}

/// The provider's image of a suite.
fn image_of(suite: &str) -> &'static str {
    match suite {
        "bookworm" => "debian-12-x64",
        "trixie" => "debian-13-x64",
        other => panic!("the lab knows no image with the suite {other}"),
    }
}

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Why there can be no lab here.
fn obstacle() -> Option<String> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !is_root {
        return Some("the lab makes network namespaces and boots containers, for which it needs root".to_owned());
    }
    let needed = ["mmdebstrap", "apt-ftparchive", "systemd-nspawn", "nft", "conntrack", "ip", "curl", "ssh", "ssh-keygen"];
    let lacking = needed.iter().find(|program| !PATH.split(':').any(|folder| Path::new(folder).join(program).exists()))?;
    Some(format!("the lab needs the program {lacking}"))
}

fn rig_path() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/rig").to_owned()
}

fn rig(lab: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(rig_path());
    command.env("LAB", lab).env("PATH", PATH).args(arguments).stdin(Stdio::null());
    command
}

#[expect(clippy::disallowed_methods, reason = "the environment of the test run, not of the program")]
fn cache() -> String {
    std::env::var("DOFLOAT_LAB_CACHE").unwrap_or_else(|_| "/var/tmp/dofloat-lab".to_owned())
}

/// The simulator in the provider's network, at the world that `--sim` looks for. What happens takes a second, as in life.
fn start_simulator(lab: &str, stack: &Stack, wish: &LabConfig) -> Child {
    let driver = format!("{} event", rig_path());
    let log = fs::OpenOptions::new().create(true).append(true).open(stack.path("simulator.log")).expect("the folder is ours");
    rig(lab, &["provider", env!("CARGO_BIN_EXE_dofloat"), "sim"])
        .args(["--clock", "real", "--latency", "50ms", "--droplet-latency", "1s", "--action-latency", "1s"])
        .args(["--allow-host", API_HOST, "--metadata", "127.0.0.1:8641", "--driver", &driver])
        .args(["--world", &stack.path(&format!(".dofloat/sim/{}/world.json", wish.plan)).to_string_lossy()])
        .args(wish.simulator)
        .env("DOFLOAT_SIM_TOKEN", SIM_TOKEN)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the simulator starts")
}

/// Waits until something is so, and fails if it takes too long.
#[track_caller]
pub(crate) fn until(what: &str, patience: Duration, is_so: impl FnMut() -> bool) {
    assert!(wait(patience, is_so), "it takes too long until {what}");
}

/// The same, and says whether it came true.
pub(crate) fn wait(patience: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let step = Duration::from_millis(200);
    for _ in 0..patience.as_millis() / step.as_millis() {
        if is_so() {
            return true;
        }
        sleep(step);
    }
    is_so()
}
