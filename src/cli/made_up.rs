//! Under `--sim`: what the configuration looks for and the simulated account lacks is made up before the plan, so that a file can
//! be tried without preparing an account for it. What the catalogue knows (images, sizes, regions) is not: a wrong slug is wrong.
//!
//! Invariant: only names that are written or known from other data sources; one note for each thing that is made. The engine knows
//! nothing of it, and no saved plan holds it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::exit::Failure;
use crate::api::client::Client;
use crate::base::address::Address;
use crate::base::desired::Resolve;
use crate::base::diag::Diagnostic;
use crate::base::value::{Origin, Term};
use crate::engine::data::Query;
use crate::kinds::data::{Least, Miss};

/// Makes up what is looked for and is not there; gives what is to be told.
///
/// # Errors
/// If the simulator refuses to make one.
pub async fn supply(resolve: &dyn Resolve, api: &Client) -> Result<Vec<Diagnostic>, Failure> {
    let (mut known, mut done, mut notes) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
    loop {
        let open = |(address, _): &(&Address, _)| !done.contains(*address);
        let mut ready: Vec<Query> = Vec::new();
        for (address, reading) in resolve.desired().data.iter().filter(open) {
            let of = |other: &Address| known.get(other).cloned().unwrap_or_else(|| Term::Unknown(Origin::default()));
            let query =
                if reading.after.iter().all(|before| known.contains_key(before)) { Query::new(resolve, address, &of).ok() } else { None };
            ready.extend(query.filter(|query| query.waits_for().is_none()));
        }
        if ready.is_empty() {
            return Ok(notes);
        }
        for query in ready {
            done.insert(query.address.clone());
            let mut found = query.read(api).await;
            if let Err(Miss::Wrong(_)) = found
                && let Some(Least { path, body, what }) = query.source.least(&query.terms)
                && api.create::<Json>(&path, &body).await.is_ok()
            {
                let span = resolve.span(&query.address, &[]);
                let note = Diagnostic::warning(format!("The simulated account had no {what}: {} is made up (simulated).", query.address));
                notes.push(note.at(span).about(&query.address).hint("In an account it has to be there."));
                found = query.read(api).await;
            }
            if let Ok(body) = found {
                known.insert(query.address.clone(), query.known(Some(&body)));
            }
        }
    }
}
