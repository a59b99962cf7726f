//! What is told of objects that are taken over.
//!
//! Invariant: pure; every object is named with its id, and what a plan would change of it is said.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::errors;
use super::paint::Paint;
use super::plan_details;
use super::plan_text::Layout;
use dofloat_base::address::Address;
use dofloat_base::identity::Id;
use dofloat_engine::change::{Action, Change, Plan, Provenance};

/// The objects found, as a plan would show them.
#[must_use]
pub fn proposal(plan: &Plan, layout: Layout<'_>) -> String {
    let mut text = layout.paint.bold("These objects match resources that are not in the state.");
    text.push_str("\nNothing is changed now; you see what the next plan would do with each.\n\n");
    for change in plan.changes.iter().filter(|change| change.provenance.is_some()) {
        plan_details::one(&mut text, change, layout);
        text.push('\n');
    }
    text + &errors::render_with(&plan.notes, layout.sources, layout.style())
}

/// Resources for which several objects fit.
#[must_use]
pub fn doubtful(found: &[(Address, Vec<Id>)]) -> String {
    found.iter().fold(String::new(), |mut text, (address, ids)| {
        let _ = writeln!(text, "Several objects match {address}; import the one that you mean:");
        for id in ids {
            let _ = writeln!(text, "  dofloat import {address} {id}");
        }
        text + "\n"
    })
}

/// The objects of another tool that cannot be imported.
#[must_use]
pub fn left(left: &[(String, String)], missing: &BTreeMap<Address, Id>, tainted: &[Address]) -> String {
    let mut text = String::new();
    if !left.is_empty() || !missing.is_empty() {
        text.push_str("Not imported:\n");
        for (address, why) in left {
            let _ = writeln!(text, "  {address}: {why}");
        }
        for (address, id) in missing {
            let _ = writeln!(text, "  {address}: the object {id} no longer exists");
        }
        text.push('\n');
    }
    for address in tainted {
        let _ = writeln!(text, "Terraform has marked {address} as tainted; `dofloat apply -replace={address}` recreates it.\n");
    }
    text
}

/// The imported objects.
#[must_use]
pub fn done(plan: &Plan, paint: Paint) -> String {
    let mut text = String::new();
    for change in &plan.changes {
        if let Some(Provenance::Imported { id }) = &change.provenance {
            let _ = writeln!(text, "{}: Imported [id={id}]{}", paint.bold(&change.address.to_string()), next(change));
        }
    }
    let count = plan.counts().import;
    let _ = writeln!(text, "\n{} Resources: {count} imported.", paint.good("Import complete!"));
    text
}

/// The action of the next plan on it.
fn next(change: &Change) -> String {
    let names = || change.attrs.iter().map(|attr| attr.name.as_str()).collect::<Vec<_>>().join(", ");
    match &change.action {
        Action::Edit { .. } => format!("; the next plan updates {}", names()),
        Action::Replace { because, .. } => {
            format!("; the next plan replaces it, because {} cannot be changed in place", because.join(", "))
        }
        Action::Delete => "; it is not in the configuration, so the next plan destroys it".to_owned(),
        _ => String::new(),
    }
}
