//! `data "external"`: what a program of the configuration gives.
//!
//! Invariant: as `hashicorp/external` 2 has it: a JSON object of texts on standard input, one on standard output. Nothing is run where
//! the user has not allowed programs, and no secret is on a command line.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Map, Value as Json};

use super::{Answer, Local, Read, given};
use crate::attr::{Attr, Change, Ty};
use dofloat_api::client::Client;
use dofloat_api::machine::apart;
use dofloat_base::child;
use dofloat_base::value::{Body, Value};

/// As much of what a program says as an error shows.
const SHOWN: usize = 500;

pub(super) static EXTERNAL: Local = Local {
    rows: &[
        Attr::required("program", Ty::List(&Ty::String), Change::Local, "The program and its arguments."),
        given("working_dir", Ty::String, "Where it is run; the folder that holds the stack's files where none is given."),
        given("query", Ty::Map(&Ty::String), "What it is given, as a JSON object on standard input."),
        Attr::computed("result", Ty::Map(&Ty::String), "What it gives, as a JSON object on standard output.").repeats(&["query"]),
        Attr::computed("id", Ty::String, "Without a meaning."),
    ],
    check: |body, complaints| {
        let program = body.get("program");
        if program.items().is_some_and(|words| words.is_empty()) {
            complaints.error(&["program"], "`program` is empty.", "Write the program and its arguments: `[\"python3\", \"a.py\"]`.");
        }
        if program.has_secret() {
            let hint = "Give it by `query`, which goes to the program's standard input.";
            complaints.error(&["program"], "A sensitive value would be on a command line, which everybody on this machine can read.", hint);
        }
    },
    read: Read::Run(read),
};

fn read<'a>(api: &'a Client, given: &'a Body) -> Answer<'a> {
    Box::pin(async move {
        let machine = api.machine();
        if !machine.runs_programs {
            return Err("it runs a program of the configuration, which has to be allowed: `-allow-provisioners` allows it".to_owned());
        }
        let words: Vec<String> = match given.get("program") {
            Some(Value::List(words)) => words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        };
        let folder = given.get("working_dir").and_then(Value::as_str).map_or_else(|| machine.folder.clone(), |dir| machine.place(dir));
        let query = given.get("query").map_or_else(|| Json::Object(Map::new()), Value::to_json).to_string();
        // A program takes as long as it takes; meanwhile others are read.
        let ended = apart(move || run(&words, folder, &query)).await;
        let result = ended.ok_or("its program was not run to the end")??;
        Ok(Body::from([("result".to_owned(), Value::Map(result)), ("id".to_owned(), "-".into())]))
    })
}

fn run(words: &[String], folder: PathBuf, query: &str) -> Result<Body, String> {
    let (program, arguments) = words.split_first().ok_or("`program` is empty")?;
    let mut command = child::command(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("`{program}` could not be started: {error}"))?;
    let stdin = child.stdin.take();
    let query = query.to_owned();
    // A program need not read all of it, nor any.
    let writer = std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(query.as_bytes())));
    let output = child.wait_with_output().map_err(|error| format!("`{program}` could not be waited for: {error}"))?;
    drop(writer.join());
    if !output.status.success() {
        let said: String = String::from_utf8_lossy(&output.stderr).trim().chars().take(SHOWN).collect();
        let said = if said.is_empty() { "and says nothing on standard error".to_owned() } else { format!("and says: {said}") };
        return Err(format!("`{program}` ended with {}, {said}", output.status));
    }
    let wrong = || format!("`{program}` gives no JSON object of texts on standard output");
    let Ok(Json::Object(fields)) = serde_json::from_slice(&output.stdout) else { return Err(wrong()) };
    let text = |(name, value): (String, Json)| match value {
        Json::String(text) => Ok((name, text.into())),
        Json::Null => Ok((name, "".into())),
        _ => Err(wrong()),
    };
    fields.into_iter().map(text).collect()
}
