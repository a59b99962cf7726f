//! An object of a resource type, found among all of them by what it is called.
//!
//! Invariant: nothing is guessed where several objects fit, unless the newest one is asked for.

use regex::Regex;

use super::miss::{Miss, is_true, shown, text, wrong};
use crate::kind;
use dofloat_api::client::Client;
use dofloat_base::diag::did_you_mean;
use dofloat_base::value::{Body, Value};

/// How an object of a resource type is found among all of them.
pub(super) struct Listed {
    /// The resource type.
    pub kind: &'static str,
    /// One of them, in words.
    pub noun: &'static str,
    /// The arguments of which one names it: attributes that are equal, or `name_regex` for a name that matches.
    pub by: &'static [&'static str],
    /// The arguments that narrow it: attributes that are equal, or hold what is given.
    pub within: &'static [&'static str],
    /// Arguments that say how the rest of it is asked for.
    pub also: &'static [&'static str],
    /// The scopes, where a list needs fewer than a read of one.
    pub scopes: &'static [&'static str],
    /// How a person sees what there is.
    pub see: &'static str,
}

/// The argument that gives a pattern of the name.
pub(super) const NAME_REGEX: &str = "name_regex";
/// The argument by which the newest is taken where several fit.
pub(super) const MOST_RECENT: &str = "most_recent";

/// Finds it.
///
/// # Errors
/// If none fits, or several; a read that fails.
pub(super) async fn find(api: &Client, how: &Listed, given: &Body) -> Result<Body, Miss> {
    let of = |name: &&'static str| given.get(*name).filter(|value| **value != Value::Null).map(|value| (*name, value));
    let Some((argument, value)) = how.by.iter().find_map(of) else {
        return Err(wrong("", format!("Nothing says which {} is meant.", how.noun), String::new()));
    };
    let pattern = match argument {
        NAME_REGEX => {
            Some(Regex::new(&shown(value)).map_err(|error| wrong(NAME_REGEX, format!("The pattern is none: {error}"), String::new()))?)
        }
        _ => None,
    };
    let all = match kind(how.kind) {
        Some(kind) => kind.all(api, given).await?,
        None => Vec::new(),
    };
    let names = |body: &Body| match &pattern {
        Some(pattern) => text(body, "name").is_some_and(|name| pattern.is_match(name)),
        None => body.get(argument).is_some_and(|found| shown(found) == shown(value)),
    };
    let holds = |found: &Value, wanted: &Value| found == wanted || found.as_list().is_some_and(|items| items.contains(wanted));
    let is_within = |body: &Body| {
        how.within.iter().filter_map(of).all(|(name, wanted)| {
            body.get(if name == "region" && body.contains_key("regions") { "regions" } else { name })
                .is_some_and(|found| holds(found, wanted))
        })
    };
    let mut fitting: Vec<&Body> = all.iter().filter(|body| names(body) && is_within(body)).collect();
    if is_true(given, MOST_RECENT) {
        fitting.sort_by_key(|body| std::cmp::Reverse(text(body, "created_at").unwrap_or_default().to_owned()));
        fitting.truncate(1);
    }
    match fitting.as_slice() {
        [one] => {
            let mut one = (*one).clone();
            one.extend(how.also.iter().filter_map(of).map(|(name, value)| (name.to_owned(), value.clone())));
            if let Some(kind) = kind(how.kind) {
                kind.read_details(api, &mut one).await?;
            }
            Ok(one)
        }
        [] => {
            let known: Vec<String> = all.iter().filter_map(|body| body.get(argument)).map(shown).collect();
            let meant = did_you_mean(&shown(value), known.iter().map(String::as_str)).map(|meant| format!("Did you mean `{meant}`? "));
            let message = format!("There is no {} whose {argument} is `{}` in this account.", how.noun, shown(value));
            Err(wrong(argument, message, format!("{}{}", meant.unwrap_or_default(), how.see)))
        }
        several => Err(wrong(
            argument,
            format!("There are {} {}s whose {argument} is `{}`.", several.len(), how.noun, shown(value)),
            format!("One must be told from the others: name it in another way, or rename it. {}", how.see),
        )),
    }
}
