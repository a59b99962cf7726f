//! Stacks that an earlier dofloat made go on working: plan, apply, recovery and destroy of what `fixtures/earlier` holds.
//!
//! Invariant: the fixtures are never written anew by a later program. A newer one replaces nobody's servers, makes nothing
//! twice, and leaves nothing behind.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::support::harness::{Outcome, Stack};

/// The code of a process that a signal ended.
const KILLED: i32 = -1;

/// A folder of the fixtures and the stack that it holds.
const INTERRUPTED: [(&str, &str); 5] = [
    ("pair-creating", "ha-modern"),
    ("pair-booting", "ha-modern"),
    ("pair-leaving", "ha-modern"),
    ("web-lost", "web"),
    ("web-creating", "web"),
];

/// A user's folder with a stack of an earlier program.
struct Earlier {
    stack: Stack,
    name: &'static str,
}

impl Earlier {
    fn open(folder: &str, name: &'static str) -> Self {
        let stack = Stack::empty();
        lay(&stack, folder, name);
        Self { stack, name }
    }

    fn run(&self, command: &[&str]) -> Outcome {
        self.run_env(&[], command)
    }

    fn run_env(&self, environment: &[(&str, &str)], command: &[&str]) -> Outcome {
        let arguments: Vec<&str> = [&command[..1], &[self.name, "--sim"], &command[1..]].concat();
        let clock = [("DOFLOAT_CLOCK", "virtual"), ("DOFLOAT_TIME_LIMIT", "3000")];
        self.stack.run_env(&[&clock, environment].concat(), &arguments)
    }

    /// How often the address was given to a droplet.
    fn assigned(&self) -> usize {
        let world = self.world();
        let actions = world["actions"].as_object().expect("the world has actions");
        actions.values().filter(|action| action["kind"] == "assign").count()
    }

    /// Runs a command; where it asks for decisions, answers that what was found is ours, as it is here, and runs it again.
    fn run_deciding(&self, command: &[&str]) -> Outcome {
        let first = self.run(command);
        if first.code != 4 {
            return first;
        }
        let choices = choices(&first);
        assert!(!choices.is_empty(), "it asks for a decision without saying how to take it\n{first}");
        for (address, id) in choices {
            self.run(&["adopt", &address, &id]).ok();
        }
        self.run(command)
    }

    fn world(&self) -> Value {
        self.stack.json(&format!(".dofloat/sim/{}/world.json", self.name))
    }

    /// The droplets of the simulated account: names by id.
    fn droplets(&self) -> BTreeMap<String, String> {
        let world = self.world();
        let droplets = world["droplets"].as_object().expect("the world has droplets");
        droplets.iter().map(|(id, droplet)| (id.clone(), droplet["name"].as_str().unwrap_or_default().to_owned())).collect()
    }

    fn nothing_is_left(&self) {
        let world = self.world();
        for family in ["droplets", "reserved_ips", "firewalls", "domains", "ssh_keys", "tags"] {
            assert_eq!(world[family].as_object().map(serde_json::Map::len), Some(0), "{family} are left: {}", world[family]);
        }
        assert!(!self.stack.exists(&format!(".dofloat/sim/{0}/{0}.journal", self.name)), "the journal is left");
    }
}

/// Lays down what an earlier program left: a plan, its state and secrets, and the simulated account.
pub(crate) fn lay(stack: &Stack, folder: &str, name: &str) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/earlier");
    let simulated = format!(".dofloat/sim/{name}");
    copy(&fixtures.join(format!("plans/{name}.tf")), stack.path(&format!("plans/{name}.tf")));
    copy(&fixtures.join("identity.txt"), stack.path("home/.config/dofloat/identity.txt"));
    for entry in fs::read_dir(fixtures.join(folder)).expect("the fixture is there") {
        let path = entry.expect("the fixture can be read").path();
        let file = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
        match file.strip_suffix(".gz") {
            None => copy(&path, stack.path(&format!("{simulated}/{file}"))),
            Some(unpacked) => {
                let mut text = String::new();
                let packed = fs::File::open(&path).expect("the fixture can be read");
                GzDecoder::new(packed).read_to_string(&mut text).expect("the fixture is whole");
                stack.write(&format!("{simulated}/{unpacked}"), &text);
            }
        }
    }
}

/// The decisions that a message offers: `dofloat adopt ADDRESS ID`, but for "none of these".
fn choices(outcome: &Outcome) -> BTreeMap<String, String> {
    let pattern = regex::Regex::new(r"dofloat adopt (?:[a-z-]+ )?(\S+\.\S+) ([^\s`]+)").expect("the pattern is right");
    let text = format!("{}{}", outcome.stdout, outcome.stderr);
    let found = pattern.captures_iter(&text).map(|found| (found[1].to_owned(), found[2].to_owned()));
    found.filter(|(_, id)| id != "none" && !id.contains("ID")).collect()
}

fn copy(from: &Path, to: PathBuf) {
    fs::create_dir_all(to.parent().expect("it is below the folder")).expect("the folder is ours");
    fs::copy(from, to).expect("the fixture can be copied");
}

#[test]
fn a_pair_that_was_applied_has_no_changes() {
    let earlier = Earlier::open("pair", "ha-modern");
    let before = earlier.droplets();
    earlier.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    earlier.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 0 changed, 0 destroyed.");
    assert_eq!(earlier.droplets(), before, "nobody's servers are replaced");
    earlier.run(&["plan", "-detailed-exitcode"]).ok();
    earlier.run(&["destroy", "-auto-approve"]).ok().says("Destroy complete!");
    earlier.nothing_is_left();
}

/// Arguments that came later, and another default: better scripts bring what is new, and only what the user writes replaces nodes,
/// one after the other.
#[test]
fn another_default_replaces_nobodys_servers() {
    let earlier = Earlier::open("pair", "ha-modern");
    let before = earlier.droplets();
    let path = "plans/ha-modern.tf";
    let plan = earlier.stack.read(path);
    let without = plan.replace("  token_timeout = 1000\n", "");
    assert_ne!(without, plan);
    let written =
        |line: &str| earlier.stack.write(path, &without.replace("  fencing_delay = 8\n", &format!("  fencing_delay = 8\n{line}")));
    for line in ["", "  token_timeout = 1000\n", "  links = \"both\"\n"] {
        written(line);
        earlier.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    }
    written("  links = \"private\"\n");
    let applied = earlier.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 2 added, 0 changed, 2 destroyed.");
    let after = earlier.droplets();
    assert!(after.keys().all(|id| !before.contains_key(id)), "{applied}");
    let waited = applied.stdout.matches("Waiting for health complete").count();
    assert!(waited >= 2, "they went one after the other\n{applied}");
    earlier.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
}

#[test]
fn a_pair_that_was_applied_is_changed_node_by_node() {
    let earlier = Earlier::open("pair", "ha-modern");
    let before = earlier.droplets();
    earlier.run(&["apply", "-auto-approve", "-upgrade-nodes", "-var", "size=s-2vcpu-4gb"]).ok();
    assert_eq!(earlier.droplets().len(), before.len());
    earlier.run(&["plan", "-detailed-exitcode", "-var", "size=s-2vcpu-4gb"]).ok().says("No changes.");
    earlier.run(&["destroy", "-auto-approve"]).ok();
    earlier.nothing_is_left();
}

/// Wherever the run is killed, and however often, the address is handed over once.
#[test]
fn a_pair_that_was_applied_is_upgraded_with_one_hand_over_though_the_run_is_killed() {
    const UPGRADE: [&str; 3] = ["apply", "-auto-approve", "-upgrade-nodes"];
    let undisturbed = Earlier::open("pair", "ha-modern");
    let (old, before) = (undisturbed.droplets(), undisturbed.assigned());
    undisturbed.run(&UPGRADE).ok();
    assert!(undisturbed.assigned() - before <= 1, "an upgrade takes more than one hand-over");
    for counts in [[4, 9, 12, 15, 12], [2, 6, 12, 15, 12]] {
        let earlier = Earlier::open("pair", "ha-modern");
        let crash = |count: &usize| earlier.run_env(&[("DOFLOAT_CRASH", &format!("request.before@{count}"))], &UPGRADE).code;
        let killed = counts.iter().map(crash).filter(|code| *code == KILLED).count();
        assert!(killed >= 4, "only {killed} runs were killed");
        earlier.run(&UPGRADE).ok();
        let new = earlier.droplets();
        assert!(new.len() == 2 && new.keys().all(|id| !old.contains_key(id)), "{old:?} {new:?}");
        assert!(earlier.assigned() - before <= 1, "more than one hand-over");
        earlier.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    }
}

#[test]
fn what_was_interrupted_goes_on_and_leaves_nothing_double() {
    for (folder, name) in INTERRUPTED {
        let earlier = Earlier::open(folder, name);
        earlier.run_deciding(&["apply", "-auto-approve"]).ok();
        let mut names: Vec<String> = earlier.droplets().into_values().collect();
        names.sort();
        assert_eq!(names, ["primary", "secondary"], "{folder}");
        assert_eq!(earlier.world()["reserved_ips"].as_object().map(serde_json::Map::len), Some(1), "{folder}: one address");
        earlier.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
        earlier.run(&["destroy", "-auto-approve"]).ok();
        earlier.nothing_is_left();
    }
}

#[test]
fn what_was_interrupted_can_be_destroyed_at_once() {
    for (folder, name) in INTERRUPTED {
        let earlier = Earlier::open(folder, name);
        earlier.run_deciding(&["destroy", "-auto-approve"]).ok();
        earlier.nothing_is_left();
    }
}
