//! Each attribute of each kind, known, unknown until apply, not written and respelt, when it is made and when it is edited, with
//! every attribute of the object read by another resource and by outputs: the first apply goes through, and the next plan has no
//! changes.
//!
//! Invariant: the tables of the kinds say what is walked; an attribute without a sample fails. In this process, against a
//! simulator that respells as DigitalOcean does. Walked in full with `DOFLOAT_TESTS=full`; else one case of each sample, in turns, and
//! of each kind every sort of case.

mod anew;
mod apps;
pub(crate) mod samples;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use dofloat::api::client::{Client, Settings};
use dofloat::base::clock::{Clock, Moment};
use dofloat::base::diag::Diagnostic;
use dofloat::base::rng::Rng;
use dofloat::base::secret::Secret;
use dofloat::engine::request::Options;
use dofloat::kinds::attr::{Attr, Presence, Reads};
use dofloat::kinds::{KINDS, Tables};
use dofloat::lang::Host;
use dofloat::lang::files::Memory;
use dofloat::lang::inputs::Inputs;
use dofloat::lang::library::Library;
use dofloat::lang::module::{Source, load};
use dofloat::sim;

use crate::support::harness::{asked_case, in_full, say};
use crate::support::reconcile::reconcile;
use samples::{BEDS, Bed, Sample};

/// One attribute in one form.
#[derive(Clone, Debug)]
struct Form {
    /// For the count.
    word: &'static str,
    /// Its line, or nothing.
    text: String,
}

/// A walk: the forms of an attribute, one after the other.
struct Case {
    name: String,
    steps: Vec<String>,
    /// Whether it is walked where not all are.
    is_thin: bool,
}

#[test]
fn every_attribute_is_applied_the_first_time() {
    let missing = missing();
    assert!(missing.is_empty(), "no sample in tests/it/matrix/samples.rs for {missing:?}");
    let (cases, words) = cases();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let is_walked = |case: &&Case| match asked_case() {
        Some(text) => case.name.contains(&text),
        None => case.is_thin || in_full(),
    };
    let walked: Vec<&Case> = cases.iter().filter(is_walked).collect();
    let failures: Vec<String> =
        walked.iter().filter_map(|case| runtime.block_on(walk(case)).err().map(|why| format!("{}: {why}", case.name))).collect();
    let attributes: usize = KINDS.iter().map(|kind| kind.attrs().iter().filter(|row| row.settable()).count()).sum();
    say(&format!(
        "first-time matrix: {} kinds, {attributes} settable attributes, {} cases of {} walked, {} failures ({words:?})",
        KINDS.len(),
        walked.len(),
        cases.len(),
        failures.len()
    ));
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n\n"));
}

/// The attributes that nobody has given a sample for.
fn missing() -> Vec<String> {
    let settable = KINDS.iter().flat_map(|kind| kind.attrs().iter().filter(|row| row.settable()).map(|row| (kind.name(), row.name)));
    let sampled = |kind: &str, name: &str| BEDS.iter().any(|bed| bed.kind == kind && bed.samples.iter().any(|sample| sample.name == name));
    settable.filter(|(kind, name)| !sampled(kind, name)).map(|(kind, name)| format!("{kind}.{name}")).collect()
}

fn cases() -> (Vec<Case>, BTreeMap<&'static str, usize>) {
    let (mut cases, mut words) = (Vec::<Case>::new(), BTreeMap::new());
    let mut met = BTreeSet::new();
    for (turn, (bed, sample)) in BEDS.iter().flat_map(|bed| bed.samples.iter().map(move |sample| (bed, sample))).enumerate() {
        let mut of_sample = Vec::new();
        for (word, steps) in steps(bed, sample) {
            *words.entry(word).or_default() += 1;
            let path: Vec<&str> = steps.iter().map(|(text, _)| text.as_str()).collect();
            let name = format!("{} {} {}", bed.kind, bed.label, path.join("  then  "));
            let is_thin = met.insert((bed.kind, word, steps.len()));
            of_sample.push(Case { name, steps: steps.into_iter().map(|(_, stack)| stack).collect(), is_thin });
        }
        // Another one of each sample, so that all sorts come round.
        let count = of_sample.len().max(1);
        if let Some(case) = of_sample.get_mut(turn % count) {
            case.is_thin = true;
        }
        cases.extend(of_sample);
    }
    (cases, words)
}

/// The walks of a sample: for each the sort, and the line and the stack of each step.
fn steps(bed: &Bed, sample: &Sample) -> Vec<(&'static str, Vec<(String, String)>)> {
    let rows = KINDS.iter().find(|kind| kind.name() == bed.kind).unwrap_or_else(|| panic!("no kind {}", bed.kind)).attrs();
    let row = rows.iter().find(|row| row.name == sample.name).unwrap_or_else(|| panic!("{}.{} is no attribute", bed.kind, sample.name));
    let forms = forms(row, sample);
    let first = Form { word: "other", text: line(row, sample.other) };
    let unset = Form { word: "unset", text: String::new() };
    let mut all = Vec::new();
    let mut add = |word: &'static str, steps: &[&Form]| {
        all.push((word, steps.iter().map(|form| (form.text.clone(), stack(bed, rows, sample, &form.text))).collect()));
    };
    for form in &forms {
        add(form.word, &[form]);
        add(form.word, &[&first, form]);
    }
    if row.presence != Presence::Required && !sample.needed {
        add("unset", &[&unset, &forms[0]]);
    }
    all
}

/// Known, unknown until apply, not written, and respelt.
fn forms(row: &Attr, sample: &Sample) -> Vec<Form> {
    let mut forms = vec![Form { word: "known", text: line(row, sample.value) }];
    let later = if row.block {
        format!(
            "  dynamic \"{}\" {{\n    for_each = element([[1]], length(terraform_data.later.id))\n    content {}\n  }}\n",
            row.name, sample.value
        )
    } else {
        format!("  {} = element([{}], length(terraform_data.later.id))\n", row.name, sample.value)
    };
    forms.push(Form { word: "unknown", text: later });
    if row.presence != Presence::Required && !sample.needed {
        forms.push(Form { word: "unset", text: String::new() });
    }
    forms.extend(sample.respelt.iter().map(|text| Form { word: "respelt", text: line(row, text) }));
    forms
}

pub(super) fn line(row: &Attr, value: &str) -> String {
    if row.block { format!("  {} {value}\n", row.name) } else { format!("  {} = {value}\n", row.name) }
}

/// The files of a stack in which an object has an attribute in one form, and everything of it is read.
fn stack(bed: &Bed, rows: &[Attr], sample: &Sample, text: &str) -> String {
    let mut all = format!("{}\nresource \"{}\" \"x\" {{\n{text}", bed.around, bed.kind);
    let kept = bed.body.iter().filter(|(name, _)| !sample.with.iter().any(|(with, _)| with == name));
    for (name, value) in kept.chain(sample.with).filter(|(name, _)| *name != sample.name) {
        let row = rows.iter().find(|row| row.name == *name).unwrap_or_else(|| panic!("{}.{name} is no attribute", bed.kind));
        all.push_str(&line(row, value));
    }
    all.push_str("}\n");
    if text.contains("terraform_data.later") {
        all.push_str("resource \"terraform_data\" \"later\" {}\n");
    }
    // What other resources and the API itself change all the time is read too, but not held against the next plan.
    let steady: Vec<&Attr> = rows.iter().filter(|row| row.reads != Reads::Volatile).collect();
    let reads: Vec<String> = steady.iter().map(|row| format!("{0} = {1}.x.{0}", row.name, bed.kind)).collect();
    let _ = write!(all, "resource \"terraform_data\" \"reads\" {{\n  input = {{\n    {}\n  }}\n}}\n", reads.join("\n    "));
    for row in &steady {
        let sensitive = row.holds_secret() || row.has_sealed_parts();
        let _ = write!(all, "output \"{0}\" {{\n  value = {1}.x.{0}\n  sensitive = {sensitive}\n}}\n", row.name, bed.kind);
    }
    all
}

/// A simulated account, a client of it, a clock, and a folder for the state.
struct Account {
    running: sim::Running,
    api: Client,
    clock: Clock,
    folder: tempfile::TempDir,
}

async fn account() -> Account {
    let options = sim::Options { limits: sim::Limits { droplets: 25, reserved_ips: 5 }, ..sim::Options::default() };
    let running = sim::start(options).await.expect("a simulator");
    let clock = Clock::virtual_at(Moment(1_767_603_600_000));
    let mut settings =
        Settings::new(running.url.parse().expect("an address"), Secret::new("t".to_owned()), clock.clone(), Arc::new(Rng::seeded(1)));
    settings.requests_per_second = 0.0;
    settings.spaces = crate::support::spaces::at(&running.url);
    let api = Client::new(settings).expect("a client");
    Account { running, api, clock, folder: tempfile::tempdir().expect("a folder") }
}

/// Applies each step once, and plans after it.
async fn walk(case: &Case) -> Result<(), String> {
    let account = account().await;
    let mut result = Ok(());
    for (at, text) in case.steps.iter().enumerate() {
        result = once(text, &account, &Options::default()).await.map(drop);
        if result.is_ok() {
            result = settled(text, &account).await;
        }
        if let Err(why) = result {
            result = Err(format!("step {}: {why}", at + 1));
            break;
        }
    }
    account.running.stop().await;
    result
}

/// Plans again, and finds nothing to do.
async fn settled(text: &str, account: &Account) -> Result<(), String> {
    match once(text, account, &Options::default()).await {
        Ok(left) if left.is_empty() => Ok(()),
        Ok(left) => Err(format!("the next plan has changes: {left}")),
        Err(why) => Err(format!("the next plan fails: {why}")),
    }
}

/// Plans and applies; what the plan wanted to do.
async fn once(text: &str, account: &Account, options: &Options) -> Result<String, String> {
    let Account { api, clock, folder, .. } = account;
    let (files, rng) = (Memory::default(), Rng::seeded(1));
    let host = Host { files: &files, base: Path::new("/s"), home: None, now: clock.now(), rng: &rng, fresh: false };
    let told = |found: &[Diagnostic]| {
        found.iter().map(|of| of.message.clone()).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" / ")
    };
    let resolve = load(&[Source { name: "web.tf", text }], &Library::default(), &Inputs::default(), &Tables, host)
        .map_err(|errors| format!("{}\n{text}", told(&errors)))?;
    let done = reconcile(&resolve, folder.path(), api, clock, options, &mut |_| {}).await;
    let surveyed = done.map_err(|(what, why)| format!("the {what} fails: {}", told(&why)))?;
    let plan = &surveyed.planned.plan;
    let mut wanted = String::new();
    if !plan.is_empty() {
        let attrs = plan.changes.iter().flat_map(|change| change.attrs.iter().map(move |attr| format!("{} {attr:?}", change.address)));
        let outputs = plan.outputs.iter().filter(|(_, output)| output.changed).map(|(name, output)| format!("output {name} {output:?}"));
        wanted = attrs.chain(outputs).collect::<Vec<_>>().join("; ");
    }
    Ok(wanted)
}
