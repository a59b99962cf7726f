//! A state that is not here, although the account holds objects that carry the mark of a stack of this name.
//!
//! Invariant: a stack without a state is new only if nothing in the account says otherwise, or if the user says so. Reads only.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{EngineError, from_api};
use super::refresh::unread;
use super::request::SurveyContext;
use dofloat_api::client::Client;
use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::Mark;
use dofloat_kinds::erased::AnyKind;
use dofloat_kinds::{KINDS, account, kind, project};

/// The letters of a lineage.
const LINEAGE: usize = 36;

/// Where marks are looked for: where the stack's objects would carry one.
#[derive(Clone, Copy)]
struct Marks {
    /// On what can be tagged.
    tags: bool,
    /// As the name of a project, for what cannot.
    projects: bool,
}

/// A stack that nobody remembers must be one that the account does not know.
///
/// # Errors
/// If it does, or a read fails.
pub(super) async fn is_new(context: SurveyContext<'_>, snapshot: &Client) -> Result<(), EngineError> {
    let wants = |can: fn(&dyn AnyKind) -> bool| {
        let mut wanted = context.resolve.desired().resources.keys();
        context.options.destroy || wanted.any(|address| kind(&address.kind).is_some_and(can))
    };
    let by = Marks { tags: wants(|kind| kind.markable()), projects: wants(|kind| kind.marked_by_project()) };
    if context.loaded.state.is_some() || context.new_stack {
        return Ok(());
    }
    // Where the droplets are asked for anyway, they tell; else the tags do, whoever carries them.
    let kinds: BTreeSet<&str> = context.resolve.desired().resources.keys().map(|address| address.kind.as_str()).collect();
    let wanted: Vec<&'static dyn AnyKind> = kinds.into_iter().filter_map(kind).filter(|kind| kind.markable()).collect();
    must_be_new(snapshot, context.stack, if context.options.destroy { &[] } else { &wanted }, by).await
}

/// Refuses to begin a stack anew where objects of one with the same name exist.
///
/// # Errors
/// If there are such objects, or a read fails.
async fn must_be_new(api: &Client, stack: &str, wanted: &[&'static dyn AnyKind], by: Marks) -> Result<(), EngineError> {
    let mut carriers = if by.tags { carried(api, wanted).await? } else { BTreeMap::new() };
    if by.projects {
        let marks =
            project::marks(api).await.map_err(|error| EngineError::from(from_api(&error, "read the projects")))?.unwrap_or_default();
        let addresses = if marks.is_empty() { Ok(Vec::new()) } else { account::addresses(api).await };
        for address in addresses.map_err(|error| EngineError::from(from_api(&error, "read the reserved addresses")))? {
            if let Some(mark) = address.project.and_then(|project| marks.get(&project)) {
                *carriers.entry(mark.0.clone()).or_default() += 1;
            }
        }
    }
    let prefix = Mark::of_stack(stack, "").0;
    let is_mark = |name: &str| name.strip_prefix(&prefix).is_some_and(|lineage| lineage.len() == LINEAGE && !lineage.contains(':'));
    let marks: Vec<String> = carriers
        .iter()
        .filter(|(name, count)| **count > 0 && is_mark(name))
        .map(|(name, count)| format!("{name} ({count} {})", if *count == 1 { "object" } else { "objects" }))
        .collect();
    if marks.is_empty() {
        return Ok(());
    }
    let message =
        format!("There is no state of the stack {stack} here, but the account holds objects that carry its mark: {}.", marks.join(", "));
    Err(EngineError::decision(vec![Diagnostic::error(message).hint(format!(
        "A lost state does not mean that nothing exists. Restore state/{stack}.json: from git, a backup, or whoever applied last. If those \
         objects belong to another stack of this name, or should be left alone, start a new stack with `-new-stack`. Nothing was changed."
    ))]))
}

/// The account's tags, each with the number of objects that carry it. Where every kind that can carry a mark has a list that
/// the checks of the plan ask for too, that list tells, and the tags need not be asked for.
async fn carried(api: &Client, wanted: &[&'static dyn AnyKind]) -> Result<BTreeMap<String, u64>, EngineError> {
    let markable = KINDS.iter().filter(|kind| kind.markable()).count();
    let mut found = BTreeMap::new();
    if wanted.len() == markable {
        for kind in wanted {
            for tag in kind.tags(api).await.map_err(|error| unread(*kind, &error))? {
                *found.entry(tag).or_default() += 1;
            }
        }
    } else {
        let tags = account::tags(api).await.map_err(|error| EngineError::from(from_api(&error, "read the tags")))?;
        found.extend(tags.into_iter().map(|tag| (tag.name, tag.carriers)));
    }
    Ok(found)
}
