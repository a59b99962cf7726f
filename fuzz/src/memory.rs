//! Files that dofloat wrote, and that somebody may have changed: state, journal, saved plan.
//!
//! Invariant: what is read is written again to bytes that mean the same, and what was written is read.

use dofloat::base::diag::Diagnostic;
use dofloat::base::digest::{Salt, sha256_hex};
use dofloat::engine::saved;
use dofloat::state::journal::{Line, replay, write_line};
use dofloat::state::{State, format};
use dofloat::ui::errors::{Sources, Warnings};
use dofloat::ui::paint::Paint;
use dofloat::ui::plan_text::{Detail, Layout, WIDTH};
use dofloat::ui::rows::rows_of;
use dofloat::ui::{plan_document, plan_json, plan_text, state_text};

/// The name of the file in messages.
const FILE: &str = "fuzz.json";

/// Reads a state file.
pub fn state(bytes: &[u8]) {
    match format::read(bytes, FILE) {
        Ok(state) => {
            kept(&state);
            let _ = state_text::render(&state, layout(&Sources::new()));
            let _ = state_text::to_json(&state);
        }
        Err(error) => told(&error),
    }
}

/// Reads a journal.
pub fn journal(bytes: &[u8]) {
    let reading = match replay(bytes, FILE) {
        Ok(reading) => reading,
        Err(error) => return told(&error),
    };
    let good = &bytes[..reading.good];
    for piece in good.split_inclusive(|byte| *byte == b'\n') {
        let line: Line = serde_json::from_slice(piece).expect("a good line");
        let written = write_line(&line);
        assert_eq!(serde_json::from_slice::<Line>(&written).expect("what was written"), line);
    }
    let again = replay(good, FILE).expect("what is good");
    assert_eq!((again.good, &again.replayed), (reading.good, &reading.replayed));
    // A journal that is cut anywhere was interrupted there.
    let cut = replay(&bytes[..reading.good / 2], FILE).expect("a journal that is cut short");
    assert!(cut.machine.last_n() <= reading.machine.last_n());
    if let Some(replayed) = &reading.replayed {
        kept(&replayed.replay_onto(&State::new("fuzz".to_owned(), Salt::new([0; 32]))));
    }
}

/// Reads a saved plan: the bytes as they are, and with the checksum that they need.
pub fn saved_plan(bytes: &[u8]) {
    let sealed = |body: &str| format!("{body}\n{}\n", sha256_hex(body.as_bytes()));
    if let Err(error) = saved::read(bytes, FILE) {
        told(&error);
    }
    let Ok(body) = std::str::from_utf8(bytes) else { return };
    let plan = match saved::read(sealed(body).as_bytes(), FILE) {
        Ok(plan) => plan,
        Err(error) => return told(&error),
    };
    let written = serde_json::to_string(&plan).expect("a plan that was read can be written");
    // The words by which a plan is known are looked for as they are written.
    let written = written.replacen("\"kind\":\"", "\"kind\": \"", 1);
    assert_eq!(saved::read(sealed(&written).as_bytes(), FILE).expect("what was written"), plan);
    let (shown, sources) = (plan.plan(), Sources::new());
    let _ = (plan.options(), plan.observed());
    let _ = plan_text::render(&shown, layout(&sources));
    let _ = plan_json::lines(&shown, &sources, "");
    let _ = plan_document::document(&shown, &sources);
}

fn kept(state: &State) {
    let written = format::write(state);
    let again = format::read(&written, FILE).unwrap_or_else(|error| panic!("what was written is refused: {}", error.message));
    assert_eq!(&again, state);
    assert_eq!(format::write(&again), written);
}

fn told(error: &Diagnostic) {
    assert!(error.message.contains(FILE) && error.hint.is_some(), "{error:?}");
}

fn layout(sources: &Sources) -> Layout<'_> {
    Layout { paint: Paint::PLAIN, rows: &rows_of, sources, warnings: Warnings::Whole, detail: Detail::Whole, width: WIDTH, wraps: false }
}
