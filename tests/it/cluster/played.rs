//! A pair whose nodes are played by scripts of a test: what they report, what pacemaker's programs do on them, and the ssh that leads
//! there. So what the program sends to a node is run, by a real shell.
//!
//! Invariant: the simulator knows nothing of it; to the program these nodes are real ones.

use std::fs;
use std::path::PathBuf;

use dofloat::base::durable::write_atomic;
use dofloat::sim::Options;

use crate::support::cloud::Cloud;
use crate::support::harness::{Outcome, Stack};

/// A pair that serves, and what can be done to it.
pub(crate) struct Played {
    pub(crate) cloud: Cloud,
    pub(crate) stack: Stack,
    world: tempfile::TempDir,
}

impl Played {
    pub(crate) fn new() -> Self {
        let world = tempfile::tempdir().expect("a temporary folder");
        let put = |name: &str, text: &str| {
            let path = world.path().join(name);
            fs::create_dir_all(path.parent().expect("it is below the folder")).expect("the folder is ours");
            write_atomic(&path, text.as_bytes(), 0o755).expect("the folder is ours");
        };
        put("driver", include_str!("played/driver.sh"));
        put("bin/ssh", include_str!("played/ssh.sh"));
        for name in ["crm_mon", "crm_resource", "crm_attribute"] {
            put(&format!("bin/pacemaker/{name}"), include_str!("played/pacemaker.sh"));
        }
        let folder = world.path().display();
        let driver = format!("WORLD={folder} {folder}/driver");
        let cloud = Cloud::start(Options { driver: Some(driver), ..Options::default() });
        let stack = cloud.stack().env("TF_VAR_failover_token", "token-of-the-nodes-4712").env("TF_VAR_image", "debian-12-x64");
        let stack = stack.env("WORLD", &folder.to_string()).env("API", cloud.address());
        put("url", cloud.address());
        stack.run_env(&[("DOFLOAT_CLOCK", "virtual")], &["apply", "ha-modern", "-auto-approve"]).ok();
        cloud.forget_log();
        Self { cloud, stack, world }
    }

    /// Runs a command on the pair, with an ssh that leads to its nodes.
    pub(crate) fn run(&self, command: &str, more: &[&str]) -> Outcome {
        self.run_env(&[], command, more)
    }

    /// The same with more in the environment.
    pub(crate) fn run_env(&self, environment: &[(&str, &str)], command: &str, more: &[&str]) -> Outcome {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.path("bin").display());
        let environment = [&[("PATH", path.as_str())], environment].concat();
        self.stack.run_env(&environment, &[&[command, "ha-modern"], more].concat())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.path().join(name)
    }

    /// Lets something be so, or not.
    pub(crate) fn set(&self, name: &str, is_so: bool) {
        if is_so {
            write_atomic(&self.path(name), b"", 0o644).expect("the folder is ours");
        } else {
            let _ = fs::remove_file(self.path(name));
        }
    }

    /// Whether something is so.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// What stands in a file of its world; empty where there is none.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default().trim().to_owned()
    }

    /// At which node pacemaker has the address, and the API.
    pub(crate) fn holders(&self) -> (String, String) {
        let shown = self.cloud.show("reserved_ips")[0]["droplet"]["name"].as_str().unwrap_or_default().to_owned();
        (self.read("holder"), shown)
    }
}
