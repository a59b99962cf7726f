//! A person's answer to a doubt: which object an interrupted create has made, or that it made none.
//!
//! Invariant: reads only; the answer is one line for the journal of the interrupted run, so that the next run goes on from it as
//! if the API's own answer had come. Only what can be the object is taken: it is there, it is as wanted, and nobody else's.

use std::collections::BTreeMap;

use super::claims::{self, Claims};
use super::error::{EngineError, from_api};
use super::foreign;
use super::observed::Label;
use super::recover;
use dofloat_api::client::Client;
use dofloat_base::address::Address;
use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::{Id, Mark, Ours};
use dofloat_kinds::account::{self, family};
use dofloat_kinds::erased::{AnyKind, Found};
use dofloat_kinds::kind;
use dofloat_state::State;
use dofloat_state::journal::{Entry, Op, OpenStep, Replayed};
use dofloat_state::store::Loaded;

/// The user's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It made this.
    Made(Id),
    /// It made nothing.
    Nothing,
}

/// The context of an answer.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// Of which resource.
    pub address: &'a Address,
    /// The recorded state.
    pub loaded: &'a Loaded,
    /// The API.
    pub api: &'a Client,
    /// Whether the account is a simulated one.
    pub simulated: bool,
}

/// The line of the journal that says so.
///
/// # Errors
/// If nothing was asked, or the object cannot be the one.
pub async fn entry(question: Question<'_>, answer: &Answer) -> Result<Entry, EngineError> {
    let Question { stack, address, loaded, api, simulated } = question;
    let (Some(state), Some(journal)) = (&loaded.state, &loaded.journal) else {
        return Err(EngineError::from(nothing_is_open(stack, address, &[])));
    };
    let asked: Vec<&OpenStep> = journal.open.iter().filter(|step| step.begin.op == Op::Create && step.id.is_none()).collect();
    let Some((step, kind)) = asked.iter().find(|step| step.begin.address == *address).and_then(|step| Some((*step, kind(&address.kind)?)))
    else {
        let others: Vec<&Address> = asked.iter().map(|step| &step.begin.address).collect();
        return Err(EngineError::from(nothing_is_open(stack, address, &others)));
    };
    let owner = account::owner(api, simulated).await.map_err(|error| EngineError::from(from_api(&error, "read the account")))?;
    if owner != journal.header.owner {
        return Err(EngineError::from(super::owner::other_owner(stack, &journal.header.owner, &owner)));
    }
    let number = step.begin.step;
    match answer {
        Answer::Nothing => Ok(Entry::Failed { step: number, why: "the user decided that it created nothing".to_owned() }),
        Answer::Made(id) => Ok(Entry::Id { step: number, id: object(question, state, journal, step, kind, id).await? }),
    }
}

/// The object of that identity, if it can be the one.
async fn object(
    question: Question<'_>,
    state: &State,
    journal: &Replayed,
    step: &OpenStep,
    kind: &dyn AnyKind,
    id: &Id,
) -> Result<Id, EngineError> {
    let Question { address, loaded, api, .. } = question;
    let unread = |error| EngineError::from(from_api(&error, &format!("read {} {id}", kind.name())));
    let nobody = Mark(String::new());
    let ours = Ours { mark: step.begin.mark.as_ref().unwrap_or(&nobody), project: None };
    let reconciled = journal.replay_onto(state);
    let mut claims = claims::claims(&reconciled, Some(journal));
    claims.extend(claims::of_others(loaded));
    let found = recover::candidates(kind, api, &step.begin.body, ours, &Claims::new()).await.map_err(unread)?;
    let found = match found.into_iter().find(|found| found.id == *id) {
        Some(found) => found,
        None => match kind.read(api, id).await.map_err(unread)? {
            Some(found) if recover::fits(kind, &step.begin.body, &found.body) => {
                Found { id: kind.identity(&found.body).unwrap_or_else(|| id.clone()), ..found }
            }
            Some(_) => return Err(EngineError::from(unfit(address, id))),
            None => return Err(EngineError::from(absent(address, id))),
        },
    };
    if claims.contains(&(family(kind.name()), found.id.clone())) {
        return Err(EngineError::from(claimed(address, id)));
    }
    let label = Label { marks: found.marks, project: found.project };
    let key = (address.clone(), found.id.clone());
    let foreign = foreign::of_others(api, &reconciled, &BTreeMap::from([(key.clone(), label)])).await?;
    match foreign.get(&key) {
        Some(marks) => Err(EngineError::decision(vec![marked(address, id, marks)])),
        None => Ok(found.id),
    }
}

fn nothing_is_open(stack: &str, address: &Address, others: &[&Address]) -> Diagnostic {
    let others: Vec<String> = others.iter().map(ToString::to_string).collect();
    let hint = if others.is_empty() {
        format!("No run of the stack {stack} was interrupted while it created something. `dofloat import` imports an existing object.")
    } else {
        format!("The interrupted run lost the answer to the creation of: {}.", others.join(", "))
    };
    Diagnostic::error(format!("There is nothing to decide about {address}.")).about(address).hint(hint)
}

fn unfit(address: &Address, id: &Id) -> Diagnostic {
    Diagnostic::error(format!("{id} cannot be {address}: it is not as the interrupted run wanted it.")).about(address).hint(format!(
        "`dofloat adopt {address} none` records that the run created nothing; `dofloat import` imports an object that differs."
    ))
}

fn absent(address: &Address, id: &Id) -> Diagnostic {
    Diagnostic::error(format!("There is no {} with the id {id}.", address.kind)).about(address).hint(format!(
        "`dofloat plan` lists what may have been created. If it is none of those: `dofloat adopt {address} none`. Nothing was changed."
    ))
}

fn claimed(address: &Address, id: &Id) -> Diagnostic {
    Diagnostic::error(format!("{id} cannot become {address}: it was there before the interrupted run, or another record or stack has it."))
        .about(address)
        .hint(format!("`dofloat adopt {address} none` records that the run created nothing. Nothing was changed."))
}

fn marked(address: &Address, id: &Id, marks: &[Mark]) -> Diagnostic {
    let marks: Vec<&str> = marks.iter().map(|mark| mark.0.as_str()).collect();
    Diagnostic::error(format!("{id} cannot become {address}: it carries another stack's mark: {}.", marks.join(", ")))
        .about(address)
        .hint(format!("`dofloat adopt {address} none` records that the run created nothing. Nothing was changed."))
}
