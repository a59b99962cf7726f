//! Disks for real: full at every level, read-only, and a folder that vanishes under a run.
//!
//! Invariant: no call without its intent on disk, so a run that cannot write stops before the next call, says what is wrong
//! and how to go on; with the disk in order the same command brings about what it would have. The disks are mounted in a
//! namespace of their own, which only root may make; who is not is told so, and under `CI` nothing is skipped.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use dofloat::state::format;

use crate::support::answers;
use crate::support::fleet::Fleet;
use crate::support::harness::{Outcome, Stack, in_full, may_skip, say};
use crate::support::running::Run;
use crate::support::scene::{STORIES, Scene, Story, undisturbed};

const PAGE: u64 = 4096;
/// More pages than any of the stories needs.
const MOST: u64 = 64;

/// A mount namespace with a disk of its own; both are gone when this is dropped.
struct Mounted {
    keeper: Child,
    folder: PathBuf,
}

impl Mounted {
    /// A namespace in which a script was run; its first argument is the stack's folder. None where that is not allowed.
    fn new(stack: &Stack, script: &str) -> Option<Self> {
        let folder = stack.path("");
        let script = format!("set -e\ncd \"$1\"\n{script}\ncd \"$1\"\necho ready\nexec cat > /dev/null");
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", &script, "sh"]).arg(&folder);
        let mut keeper = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("util-linux is there");
        let mut line = String::new();
        let _ = BufReader::new(keeper.stdout.take().expect("it is piped")).read_line(&mut line);
        if line.trim() == "ready" {
            return Some(Self { keeper, folder });
        }
        let mut why = String::new();
        let _ = keeper.stderr.take().expect("it is piped").read_to_string(&mut why);
        let _ = keeper.wait();
        may_skip(&format!("no disk can be mounted here: {}", why.trim()));
        None
    }

    /// A path as it is seen inside.
    fn path(&self, below: &str) -> PathBuf {
        let folder = self.folder.strip_prefix("/").expect("it is absolute");
        Path::new("/proc").join(self.keeper.id().to_string()).join("root").join(folder).join(below)
    }

    /// A command that runs inside, in the stack's folder.
    fn command(&self, stack: &Stack, program: &str, arguments: &[&str]) -> Command {
        let mut command = stack.command("nsenter");
        command.args(["--mount", "--target", &self.keeper.id().to_string(), "sh", "-c", "cd \"$0\" && exec \"$@\""]);
        command.arg(&self.folder).arg(program).args(arguments);
        command
    }

    fn run(&self, stack: &Stack, arguments: &[&str]) -> Outcome {
        Run::of(self.command(stack, env!("CARGO_BIN_EXE_dofloat"), arguments)).end()
    }

    fn script(&self, stack: &Stack, script: &str) {
        Run::of(self.command(stack, "sh", &["-ec", script])).end().ok();
    }

    /// Fills a folder's disk but for so many pages.
    fn fill(&self, folder: &str, free: u64) {
        let path = self.path(folder).join("filler");
        let mut filler = OpenOptions::new().create_new(true).write(true).open(path).expect("a name takes no room");
        let page = [b'x'; PAGE as usize];
        let mut pages = 0;
        while filler.write_all(&page).is_ok() {
            pages += 1;
        }
        assert!(pages >= free, "the disk is too small");
        filler.set_len((pages - free) * PAGE).expect("a file can be cut");
    }

    fn make_room(&self, folder: &str) {
        std::fs::remove_file(self.path(folder).join("filler")).expect("it is there");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// What did not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hit {
    FirstState,
    Header,
    Append,
    LastState,
}

#[test]
fn a_disk_that_is_full_at_any_level_stops_the_run_before_the_next_call() {
    for story in STORIES.iter().filter(|story| in_full() || ["apply", "destroy"].contains(&story.name)) {
        let wanted = match story.name {
            "apply" => &[Hit::FirstState, Hit::Header, Hit::Append, Hit::LastState][..],
            // Its journal fits on one page.
            "destroy" => &[Hit::Header, Hit::LastState],
            _ => &[Hit::Header, Hit::Append, Hit::LastState],
        };
        let expected = undisturbed(*story);
        let mut hits = BTreeMap::<Hit, u64>::new();
        let mut went_through = false;
        for free in 0..MOST {
            let scene = Scene::open(*story);
            let Some(disk) = Mounted::new(&scene.stack, SMALL_STATE) else { return };
            disk.fill("state", free);
            let first = disk.run(&scene.stack, story.command);
            if first.code == 0 {
                went_through = true;
                break;
            }
            *hits.entry(hit(&disk, &scene, *story, &first)).or_default() += 1;
            disk.make_room("state");
            disk.run(&scene.stack, story.command).ok();
            disk.script(&scene.stack, "rm -f outside/*; cp -a state/. outside/");
            drop(disk);
            scene.stack.write("state/web.json", &scene.stack.read("outside/web.json"));
            let left: Vec<String> = scene.stack.files().into_keys().filter(|path| path.starts_with("outside/")).collect();
            assert_eq!(left, ["outside/web.json"], "{}, {free} pages free: {first}", story.name);
            let wrongs = scene.wrongs(&expected);
            assert!(wrongs.is_empty(), "{}, {free} pages free: {wrongs:#?}\n{first}", story.name);
        }
        say(&format!("full disk: {}: stopped at {hits:?}, and went on every time", story.name));
        assert!(went_through, "a disk of {MOST} pages is enough");
        assert!(hits.keys().eq(wanted), "{}: {hits:?}", story.name);
    }
}

/// The folder `state` on a disk of its own that holds what it held.
const SMALL_STATE: &str = "mkdir outside tmp\ncp -a state/. outside/\nmount -t tmpfs -o size=1m tmpfs state\ncp -a outside/. state/";

/// What the disk had no room for, and whether that was told as it must be.
fn hit(disk: &Mounted, scene: &Scene, story: Story, first: &Outcome) -> Hit {
    assert_eq!(first.code, 1, "{}: {first}", story.name);
    for word in ["the disk is full", "Free some space on that disk."] {
        assert!(first.stderr.contains(word), "{}: it does not say {word:?}: {first}", story.name);
    }
    let (writes, _) = scene.cloud.requests();
    let journal = std::fs::read_to_string(disk.path("state/web.journal")).unwrap_or_default();
    let begun = journal.matches("{\"begin\":").count() + journal.matches("{\"lodging\":{}}").count();
    assert!(story.before.is_some() || writes <= begun, "{writes} calls, {begun} intents: {first}\n{journal}");
    match (first.stderr.contains("write state/web.json"), begun) {
        (true, 0) => {
            assert_eq!(writes, 0, "{first}");
            Hit::FirstState
        }
        (true, _) => {
            let copy = regex::Regex::new(r"The new state is saved as (\S+?)[.:]? ").expect("a pattern");
            let copy = copy.captures(&first.stderr).unwrap_or_else(|| panic!("no copy is named: {first}"))[1].to_owned();
            let path = if copy.starts_with('/') { PathBuf::from(copy) } else { disk.path(&copy) };
            let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(format::read(&bytes, "the copy").is_ok());
            let _ = std::fs::remove_file(&path);
            Hit::LastState
        }
        (false, 0) => {
            assert_eq!(writes, 0, "{first}");
            Hit::Header
        }
        (false, _) => Hit::Append,
    }
}

#[test]
fn a_lock_that_cannot_be_written_down_is_not_taken() {
    let scene = Scene::open(STORIES[0]);
    let Some(disk) =
        Mounted::new(&scene.stack, "mkdir .dofloat\nmount -t tmpfs -o size=64k tmpfs .dofloat\necho '*' > .dofloat/.gitignore")
    else {
        return;
    };
    disk.fill(".dofloat", 0);
    let failed = disk.run(&scene.stack, STORIES[0].command).exits(1).mentions("Failed to lock .dofloat/web.lock: the disk is full.");
    assert_eq!(scene.cloud.requests().0, 0, "{failed}");
    assert!(!scene.stack.exists("state/web.json"), "{failed}");
    disk.make_room(".dofloat");
    disk.run(&scene.stack, STORIES[0].command).ok();
    drop(disk);
    let wrongs = scene.wrongs(&undisturbed(STORIES[0]));
    assert!(wrongs.is_empty(), "{wrongs:#?}");
}

#[test]
fn a_folder_that_is_read_only_is_read_and_nothing_is_called() {
    for (what, script) in [
        ("state", "mount --bind state state\nmount -o remount,ro,bind state"),
        ("the whole folder", "mount --bind . .\nmount -o remount,ro,bind \"$1\""),
    ] {
        let scene = Scene::open(STORIES[0]);
        let Some(disk) = Mounted::new(&scene.stack, script) else { return };
        disk.run(&scene.stack, &["plan", "web"]).ok().says("Plan: 9 to add");
        let failed = disk.run(&scene.stack, STORIES[0].command).exits(1);
        for word in ["read-only", "Use a folder that is writable."] {
            assert!(failed.stderr.contains(word), "{what}: it does not say {word:?}: {failed}");
        }
        assert_eq!(scene.cloud.requests().0, 0, "{what}: {failed}");
        drop(disk);
        scene.command(&[]).ok();
        let wrongs = scene.wrongs(&undisturbed(STORIES[0]));
        assert!(wrongs.is_empty(), "{what}: {wrongs:#?}");
    }
}

#[test]
fn a_folder_that_vanishes_stops_the_run_and_nothing_is_lost_when_it_is_back() {
    let fleet = Fleet::new(8);
    let mut apply = Run::start(&fleet.stack, &["apply", "-auto-approve"]);
    apply.until("a few steps that are done", |_| {
        let journal = std::fs::read_to_string(fleet.stack.path("state/fleet.journal")).unwrap_or_default();
        journal.matches("\"done\"").count() > 5
    });
    fleet.stack.rename("state", "away");
    let ended = apply.end().exits(1).mentions("state/fleet.journal was removed while a run was writing it.");
    let lines = std::fs::read_to_string(fleet.stack.path("away/fleet.journal")).expect("it was moved");
    let intents = lines.matches("{\"begin\":").count() + lines.matches("{\"lodging\":{}}").count();
    assert!(fleet.cloud.requests().0 <= intents, "no call without its intent: {ended}\n{lines}");
    assert!(!fleet.stack.exists("state"), "it is not made again: {ended}");
    fleet.stack.rename("away", "state");
    // The folder may have gone while a domain was being made, which nothing but its name tells of.
    let (again, _) = answers::run(&fleet.stack, &["apply", "-auto-approve"]);
    let wrongs = fleet.wrongs(&again, &fleet.shape(), false);
    assert!(wrongs.told.is_empty(), "{}\n{ended}", wrongs.told.join("\n"));
    assert_eq!(fleet.cloud.show("droplets").len(), 16);
}
