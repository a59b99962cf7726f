//! What the end-to-end tests stand on: a folder of a user, the built program, and what it said.
//!
//! Invariant: the program sees nothing of the machine it is tested on: an empty environment, a home of its own, no colour,
//! no terminal, and a time limit.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// Longer than any command may take on a slow machine; only a program that hangs meets it.
const PATIENCE: Duration = Duration::from_secs(600);

/// An SSH key of nobody.
pub(crate) const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ops@example.com";

/// A folder as a user has it, with `plans/` and `state/`.
pub(crate) struct Stack {
    folder: TempDir,
    environment: BTreeMap<String, String>,
}

/// What a command said and how it ended.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The exit code; -1 if a signal ended it.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Stack {
    /// A folder without any plan.
    pub(crate) fn empty() -> Self {
        Self::within(tempfile::tempdir().expect("a temporary folder"))
    }

    /// The same, in memory where the system has such a folder: what is written is asked for through the file system all the
    /// same, and the disk is not waited for. For walks of many runs.
    pub(crate) fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self::within(folder.expect("a temporary folder"))
    }

    fn within(folder: TempDir) -> Self {
        for name in ["plans", "state", "home"] {
            fs::create_dir(folder.path().join(name)).expect("a fresh folder takes folders");
        }
        Self { folder, environment: BTreeMap::from([("NO_COLOR".to_owned(), "1".to_owned())]) }
    }

    /// Another folder that holds the same, in memory.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self { environment: self.environment.clone(), ..Self::in_memory() };
        copy_folder(self.folder.path(), copy.folder.path());
        copy
    }

    /// A folder with one plan file, `plans/NAME.tf`.
    pub(crate) fn with_plan(name: &str, text: &str) -> Self {
        let stack = Self::empty();
        stack.write(&format!("plans/{name}.tf"), text);
        stack
    }

    /// The plans that come with the package, and nothing applied yet.
    pub(crate) fn clone_of_the_package() -> Self {
        let stack = Self::empty();
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        copy_folder(&package.join("plans"), &stack.path("plans"));
        stack
    }

    /// Sets a variable of the program's environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Takes a variable out of the program's environment.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// The same with a file in it.
    pub(crate) fn with_file(self, below: &str, text: &str) -> Self {
        self.write(below, text);
        self
    }

    /// Sets a variable of the environment, for a folder that others hold.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// Runs the program in the folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with(arguments, "")
    }

    /// Runs the program with a text on its standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Outcome {
        self.run_in(&[], arguments, input)
    }

    /// Runs the program with more in its environment.
    pub(crate) fn run_env(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Outcome {
        self.run_in(environment, arguments, "")
    }

    fn run_in(&self, environment: &[(&str, &str)], arguments: &[&str], input: &str) -> Outcome {
        let mut command = assert_cmd::Command::from_std(self.command(env!("CARGO_BIN_EXE_dofloat")));
        command.args(arguments).envs(environment.iter().copied()).timeout(PATIENCE).write_stdin(input);
        Outcome::of(command.output().expect("the program starts"))
    }

    /// A command in the folder, with nothing of the machine in its environment.
    pub(crate) fn command(&self, program: &str) -> std::process::Command {
        let mut command = std::process::Command::new(program);
        command.current_dir(self.folder.path()).env_clear().envs(&self.environment);
        command.env("HOME", self.path("home")).env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command
    }

    /// Starts the program in the folder and returns while it runs.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dofloat"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().envs(&self.environment).env("HOME", self.path("home"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
    }

    /// A path below the folder.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Moves a file or a folder.
    #[expect(clippy::disallowed_methods, reason = "the user's own, and nothing is lost if the test is cut short")]
    pub(crate) fn rename(&self, from: &str, to: &str) {
        std::fs::rename(self.path(from), self.path(to)).expect("the folder is ours");
    }

    /// Writes a file, its folder included.
    #[expect(clippy::disallowed_methods, reason = "the user's own file, and nothing is lost if the test is cut short")]
    pub(crate) fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("it is below the folder")).expect("the folder is ours");
        fs::write(path, text).expect("the folder is ours");
    }

    /// Alters a file's text; the part to be altered must occur exactly once.
    pub(crate) fn replace(&self, below: &str, old: &str, new: &str) {
        let text = self.read(below);
        assert_eq!(text.matches(old).count(), 1, "{below} must hold {old:?} once");
        self.write(below, &text.replace(old, new));
    }

    pub(crate) fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap_or_else(|error| panic!("{below}: {error}"))
    }

    pub(crate) fn json(&self, below: &str) -> Value {
        serde_json::from_str(&self.read(below)).unwrap_or_else(|error| panic!("{below} is no JSON: {error}"))
    }

    pub(crate) fn exists(&self, below: &str) -> bool {
        self.path(below).exists()
    }

    /// Every file below the folder by its path, in order.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut open = vec![self.folder.path().to_owned()];
        while let Some(folder) = open.pop() {
            for path in entries(&folder) {
                if path.is_dir() {
                    open.push(path);
                } else {
                    let below = path.strip_prefix(self.folder.path()).expect("it is below").to_string_lossy().into_owned();
                    found.insert(below, fs::read(&path).expect("the folder is ours"));
                }
            }
        }
        found
    }

    /// What differs from run to run, for insta: pattern and placeholder.
    pub(crate) fn filters(&self) -> Vec<(String, &'static str)> {
        vec![
            (regex::escape(&self.folder.path().to_string_lossy()), "[FOLDER]"),
            (r"127\.0\.0\.1:\d+".to_owned(), "[SERVER]"),
            (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}".to_owned(), "[UUID]"),
            (r"\b\d+(\.\d+)? ?m?s\b".to_owned(), "[TIME]"),
        ]
    }
}

impl Outcome {
    /// What a program said and how it ended.
    pub(crate) fn of(output: std::process::Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        }
    }

    /// The same, if the command succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.exits(0)
    }

    /// The same, if the command ended with this code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// The same, if a line of the output starts so.
    #[track_caller]
    pub(crate) fn says(self, start: &str) -> Self {
        assert!(self.stdout.lines().any(|line| line.trim_start().starts_with(start)), "no line starts with {start:?}\n{self}");
        self
    }

    /// The same, if the text is somewhere in what it said, errors included.
    #[track_caller]
    pub(crate) fn mentions(self, text: &str) -> Self {
        assert!(self.stdout.contains(text) || self.stderr.contains(text), "nothing mentions {text:?}\n{self}");
        self
    }

    /// The output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("the output is no JSON: {error}\n{self}"))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// A file of the test data, which `DOFLOAT_TEST_DATA` names; where that is not set, says so and gives none. Under `CI`
/// nothing may be skipped.
#[expect(clippy::disallowed_methods, reason = "the environment of the test run, not of the program")]
pub(crate) fn test_data(below: &str) -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("DOFLOAT_TEST_DATA") {
        return Some(PathBuf::from(folder).join(below));
    }
    may_skip(&format!("DOFLOAT_TEST_DATA is not set, so there is no {below} to check against"));
    None
}

/// Whether a program that tests call is installed; where it is not, says so. Under `CI` nothing may be skipped.
#[expect(clippy::disallowed_methods, reason = "the environment of the test run, not of the program")]
pub(crate) fn installed(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&folders).any(|folder| folder.join(program).is_file());
    if !there {
        may_skip(&format!("{program} is not installed"));
    }
    there
}

/// Says that something is skipped and why. Under `CI` nothing may be.
#[expect(clippy::disallowed_methods, reason = "the environment of the test run, not of the program")]
pub(crate) fn may_skip(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "CI is set, so nothing is skipped: {why}");
    say(&format!("skipped: {why}"));
}

/// How much of a long walk is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Width {
    /// A few cases of each sort: seconds.
    Thin,
    /// What a machine with two processors walks in some ten minutes, all walks together: `DOFLOAT_TESTS=full`.
    Full,
    /// Every case: `DOFLOAT_TESTS=whole`.
    Whole,
}

/// How much of the long walks is wanted.
#[expect(clippy::disallowed_methods, reason = "the environment of the test run, not of the program")]
pub(crate) fn width() -> Width {
    match std::env::var("DOFLOAT_TESTS").as_deref() {
        Ok("full") => Width::Full,
        Ok("whole") => Width::Whole,
        _ => Width::Thin,
    }
}

/// Whether more is wanted than a few cases of each sort.
pub(crate) fn in_full() -> bool {
    width() >= Width::Full
}

/// The part of the cases whose names hold this text, where whoever runs the tests wants only those: `DOFLOAT_CASE`.
#[expect(clippy::disallowed_methods, reason = "the environment of the test run, not of the program")]
pub(crate) fn asked_case() -> Option<String> {
    std::env::var("DOFLOAT_CASE").ok()
}

/// A text that whoever runs the tests gives by a variable of the environment.
#[expect(clippy::disallowed_methods, reason = "the environment of the test run, not of the program")]
pub(crate) fn words(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A number that whoever runs the tests asks for by a variable of the environment.
#[expect(clippy::disallowed_methods, reason = "the environment of the test run, not of the program")]
pub(crate) fn asked(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, which is no number")))
}

/// A line for whoever watches the test run.
pub(crate) fn say(line: &str) {
    println!("{line}");
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder is ours");
    for path in entries(from) {
        let target = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).expect("the folder is ours");
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    read.map(|entry| entry.expect("the folder can be read").path()).collect()
}
