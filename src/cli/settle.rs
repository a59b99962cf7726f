//! Data sources that decide how much is wanted, by `count` or `for_each`: they are read before the shape is made.
//!
//! Invariant: only what is known to be read with the plan in any case is read here, and read once: the plan takes it over. A stack
//! whose shape no data source decides is read as it was, without any request.

use std::collections::BTreeMap;

use super::api_session::ApiSession;
use super::exit::Failure;
use super::made_up::{known_queries, look_up};
use super::workspace::Workspace;
use crate::api::client::Client;
use crate::base::address::Address;
use crate::base::desired::{Reading, Resolve as _};
use crate::base::diag::Diagnostic;
use crate::base::value::{Body, Origin, Term};
use crate::engine::data::{self, Query};
use crate::lang::inputs::Inputs;
use crate::lang::module::Stack;

/// Makes the shape of a stack that was loaded with what it needs of data sources left open. `saved`: what they gave to a plan that
/// was saved, which holds.
///
/// # Errors
/// What cannot be read, or is not known even then, with positions.
pub async fn settle<'s>(
    workspace: &'s Workspace<'_>,
    mut stack: Stack<'s>,
    inputs: &mut Inputs,
    saved: &BTreeMap<Address, Body>,
    api_session: &mut ApiSession,
) -> Result<Stack<'s>, Failure> {
    let snapshot = api_session.client.snapshot();
    while stack.is_open() {
        let answers = &inputs.answers;
        let open = |(address, reading): &(&Address, &Reading)| {
            !reading.checks && !answers.found.contains_key(*address) && stack.is_settled(address)
        };
        let ready = known_queries(&stack, stack.desired().data.iter().filter(open), &answers.known);
        if ready.is_empty() {
            let asked = stack.desired().data.iter().filter(open);
            let wrong: Vec<Diagnostic> = asked.filter_map(|(address, _)| misasked(&stack, address, &answers.known)).flatten().collect();
            if !wrong.is_empty() {
                return Err(workspace.failed(wrong));
            }
            // What is still open is told of as what it is.
            inputs.open_data = false;
        }
        let (old, asked): (Vec<_>, Vec<_>) = ready.into_iter().partition(|query| saved.contains_key(&query.address));
        for query in old {
            let body = saved[&query.address].clone();
            keep(inputs, &query, body);
        }
        let found = match workspace.global.sim {
            true => simulated(&asked, &stack, &snapshot, &mut api_session.warnings).await,
            false => data::read_all(&snapshot, &stack, &asked).await.map(|answers| answers.found).map_err(Failure::from),
        };
        let found = found.map_err(|failure| workspace.failed(failure))?;
        for query in asked {
            if let Some(body) = found.get(&query.address) {
                keep(inputs, &query, body.clone());
            }
        }
        stack = workspace.reload(inputs)?;
    }
    inputs.open_data = false;
    Ok(stack)
}

/// What is wrong with the arguments of a data source, as far as they are known.
fn misasked(stack: &Stack<'_>, address: &Address, known: &BTreeMap<Address, Term>) -> Option<Vec<Diagnostic>> {
    let of = |other: &Address| known.get(other).cloned().unwrap_or_else(|| Term::Unknown(Origin::default()));
    Query::new(stack, address, &of).err()
}

fn keep(inputs: &mut Inputs, query: &Query, body: Body) {
    inputs.answers.known.insert(query.address.clone(), query.known(Some(&body)));
    inputs.answers.found.insert(query.address.clone(), body);
}

/// What data sources give in a simulated account, with what it lacks made up.
async fn simulated(
    asked: &[Query],
    stack: &Stack<'_>,
    api: &Client,
    notes: &mut Vec<Diagnostic>,
) -> Result<BTreeMap<Address, Body>, Failure> {
    let (mut found, mut errors) = (BTreeMap::new(), Vec::new());
    for query in asked {
        match look_up(query, stack, api, notes).await {
            Ok(body) => drop(found.insert(query.address.clone(), body)),
            Err(miss) => errors.push(query.told(stack, miss)),
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors.into()) }
}
