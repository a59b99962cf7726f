//! The fuzz targets without a fuzzer: every input of the corpus, and seeded changes of them.
//!
//! Invariant: an input that fails is in a file, and its seed is told. `fuzz/` runs the same functions under libFuzzer.

use std::any::Any;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use dofloat::base::rng::Rng;
use targets::{TARGETS, Target};

use crate::support::harness::{asked, in_full, say};

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "it is the library of the fuzz targets, which are crates of their own")]
mod targets;

/// Only an input that hangs meets it, on however slow a machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// As large as that of the program's main thread.
const STACK: usize = 8 << 20;

/// No input is made longer than this: what is asked here is how it is taken, not how much.
const LONGEST: usize = 1 << 16;

#[test]
fn answers_of_the_api_do_no_harm() {
    walk("api_answer", 200);
}

#[test]
fn configurations_do_no_harm() {
    walk("config", 200);
}

#[test]
fn expressions_do_no_harm() {
    walk("expression", 200);
}

#[test]
fn formatting_does_no_harm() {
    walk("format", 300);
}

#[test]
fn journals_do_no_harm() {
    walk("journal", 600);
}

#[test]
fn what_says_where_modules_are_does_no_harm() {
    walk("modules", 1_000);
}

#[test]
fn saved_plans_do_no_harm() {
    walk("saved_plan", 200);
}

#[test]
fn states_do_no_harm() {
    walk("state", 600);
}

#[test]
fn values_of_variables_do_no_harm() {
    walk("tfvars", 150);
}

#[test]
fn every_target_has_a_fuzzer_and_a_corpus() {
    for (name, _) in TARGETS {
        let fuzzer = fs::read_to_string(folder().join(format!("fuzz_targets/{name}.rs"))).expect("a fuzzer");
        assert!(fuzzer.contains(&format!("dofloat_fuzz::{name}(bytes)")), "{name}");
        assert!(corpus(name).len() > 5, "{name}");
    }
}

/// Runs a target on its corpus, and on `changed` inputs (twenty-five times as many in full) that are made of it.
fn walk(name: &str, changed: u64) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).expect("a target");
    let corpus = corpus(name);
    let runner = Runner::start(name, *target);
    for (path, input) in &corpus {
        runner.run(input, &path.display().to_string());
    }
    let first = asked("DOFLOAT_FUZZ_SEED").unwrap_or(0);
    let changed = if in_full() { 25 * changed } else { changed };
    let inputs: Vec<&[u8]> = corpus.iter().map(|(_, input)| input.as_slice()).collect();
    let tokens = tokens();
    for seed in first..first + changed {
        let input = mutated(&inputs, &tokens, &Rng::seeded(seed));
        runner.run(&input, &format!("DOFLOAT_FUZZ_SEED={seed}"));
    }
    say(&format!("{name}: {} inputs of the corpus and {changed} made of them", corpus.len()));
}

/// A thread that runs a target, and is watched.
struct Runner {
    /// Where the input lies while it is run: there it is found even if the stack ran over and nobody could say so.
    file: PathBuf,
    inputs: mpsc::Sender<Vec<u8>>,
    ends: mpsc::Receiver<Result<(), String>>,
}

impl Runner {
    fn start(name: &str, target: Target) -> Self {
        let (inputs, taken) = mpsc::channel::<Vec<u8>>();
        let (ended, ends) = mpsc::channel();
        let run = move || {
            for input in taken {
                let end = catch_unwind(AssertUnwindSafe(|| target(&input))).map_err(|panic| words(&*panic));
                if ended.send(end).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name(name.to_owned()).stack_size(STACK).spawn(run).expect("a thread");
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}"));
        Self { file, inputs, ends }
    }

    #[expect(clippy::disallowed_methods, reason = "an input for whoever looks into a failure; nothing is lost with it")]
    fn run(&self, input: &[u8], whence: &str) {
        fs::write(&self.file, input).expect("the folder is ours");
        self.inputs.send(input.to_vec()).expect("the thread waits");
        let failed = match self.ends.recv_timeout(PATIENCE) {
            Ok(Ok(())) => return,
            Ok(Err(panic)) => panic,
            Err(RecvTimeoutError::Timeout) => format!("no end within {PATIENCE:?}"),
            Err(RecvTimeoutError::Disconnected) => "the thread is gone".to_owned(),
        };
        panic!("{whence}: {failed}\nThe input is {}", self.file.display());
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic").to_owned()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The inputs that are kept, in the order of their names.
fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = folder().join("corpus").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(&path).expect("an input"))).collect()
}

/// The words of the dictionary that the fuzzers take theirs from.
fn tokens() -> Vec<Vec<u8>> {
    let text = fs::read_to_string(folder().join("dictionary")).expect("a dictionary");
    let words = text.lines().filter(|line| line.starts_with('"'));
    words.map(|word| serde_json::from_str::<String>(word).expect("a word in quotes").into_bytes()).collect()
}

/// An input made of others by a few changes.
fn mutated(corpus: &[&[u8]], tokens: &[Vec<u8>], rng: &Rng) -> Vec<u8> {
    let below = |end: usize| usize::try_from(rng.below(end as u64)).expect("it is below");
    let mut input = corpus[below(corpus.len())].to_vec();
    for _ in 0..=below(4) {
        let at = below(input.len() + 1);
        let end = at + below((input.len() - at).min(200) + 1);
        match below(9) {
            0 => input.truncate(at),
            1 => drop(input.drain(at..end)),
            2 if at < input.len() => input[at] ^= 1 << below(8),
            3 => drop(input.splice(at..end, tokens[below(tokens.len())].iter().copied())),
            4 => {
                let other = corpus[below(corpus.len())];
                let from = below(other.len() + 1);
                input.splice(at.., other[from..].iter().copied());
            }
            5 => {
                let piece = input[at..end].repeat([1, 2, 10, 300][below(4)]);
                input.splice(at..at, piece);
            }
            6 => {
                let (open, close) = [("[", "]"), ("{a=", "}"), ("{\"a\":", "}"), ("(", ")"), ("\"${", "}\""), ("!", "")][below(6)];
                let depth = [1, 5, 100, 5000][below(4)];
                input.splice(end..end, close.repeat(depth).bytes());
                input.splice(at..at, open.repeat(depth).bytes());
            }
            7 => {
                if let Some(digit) = (at..input.len()).find(|at| input[*at].is_ascii_digit()) {
                    let number = ["0", "-1", "1e999999999", "1e-999999999", "18446744073709551616", "0.1e10000", "9e18"][below(7)];
                    input.splice(digit..=digit, number.bytes());
                }
            }
            _ => drop(input.splice(at..at, tokens[below(tokens.len())].iter().copied())),
        }
        input.truncate(LONGEST);
    }
    input
}
