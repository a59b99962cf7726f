//! `scopes`: the token scopes that plan, apply and destroy of a stack need, computed from the attribute tables.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::args::ScopesArgs;
use super::clusters::unbound;
use super::exit::Ended;
use super::exit::Exit;
use super::files::Disk;
use super::session::Session;
use super::workplace::offline;
use crate::kinds::scopes::{Operation, needed};
use crate::kinds::{account, kind};
use crate::ui::screen::Screen;

/// Runs the command.
///
/// # Errors
/// What is wrong with the configuration.
pub fn run(args: &ScopesArgs, session: &Session<'_>, screen: &mut Screen) -> Ended {
    let disk = Disk;
    let place = session.find(args.stack.as_deref())?;
    let mut site = session.open(place, &disk)?;
    let mut inputs = site.inputs(&args.variables)?;
    inputs.lenient = true;
    let configuration = site.load(&mut inputs, false, screen)?;
    let expanded = unbound(&site, &configuration)?;
    let planned = offline(&site, &expanded).map_err(|failure| site.failed(failure))?;
    let own: BTreeSet<&'static str> = BTreeSet::from(account::SCOPES);
    let [mut plan, mut apply, mut destroy, mut edit] = [own.clone(), own.clone(), own.clone(), own];
    for (name, jobs) in &planned.jobs {
        let Some(kind) = kind(name) else { continue };
        for job in jobs {
            let of = |operation| needed(kind, operation, &job.body);
            plan.extend(of(Operation::Read));
            plan.extend(of(Operation::Create).into_iter().filter(|scope| scope.ends_with(":read")));
            apply.extend(of(Operation::Create));
            edit.extend(of(Operation::Update));
            destroy.extend(of(Operation::Read));
            destroy.extend(of(Operation::Delete));
        }
    }
    apply.extend(&plan);
    edit.extend(&plan);
    let all: BTreeSet<&str> = plan.iter().chain(&apply).chain(&destroy).copied().collect();
    if args.json {
        let nodes: BTreeMap<String, Vec<&str>> =
            expanded.clusters().iter().map(|cluster| (cluster.to_string(), expanded.scopes(cluster))).collect();
        let json =
            json!({ "nodes": nodes, "stack": site.place.name, "plan": plan, "apply": apply, "edit": edit, "destroy": destroy, "all": all });
        screen.line(&format!("{json:#}"));
        return Ok(Exit::Done);
    }
    screen.line(&format!("Token scopes for stack {}:\n", site.place.name));
    for scope in &all {
        let uses = [("plan", &plan), ("apply", &apply), ("destroy", &destroy)];
        let uses: Vec<&str> = uses.iter().filter(|(_, scopes)| scopes.contains(scope)).map(|(name, _)| *name).collect();
        screen.line(&format!("  {scope:24} {}", uses.join(", ")));
    }
    screen.line("\nMake a token with exactly these at https://cloud.digitalocean.com/account/api/tokens (custom scopes).");
    for cluster in expanded.clusters() {
        screen.line(&format!("\nA token of its own for the nodes of {cluster}, its `failover_token`, needs only these:\n"));
        for scope in expanded.scopes(cluster) {
            screen.line(&format!("  {scope}"));
        }
    }
    screen.line("\n`dofloat scopes -json` also lists, under \"edit\", what later changes in place need.");
    Ok(Exit::Done)
}
