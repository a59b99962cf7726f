//! The clusters of a stack: what they rest on beside the configuration, and their secrets.
//!
//! Invariant: what is generated is durable in the encrypted file before the first call that uses it, and is never made twice; a plan
//! needs no identity. The file is opened only where nodes are made, or clusters are gone.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::certificates::{self, name_of};
use crate::api::client::Client;
use crate::base::address::Address;
use crate::base::desired::{Pair, Resolve as _};
use crate::base::diag::Diagnostic;
use crate::base::digest::sha256_hex;
use crate::base::durable::remove;
use crate::base::identity::{Id, Mark};
use crate::base::rng::entropy;
use crate::base::secret::Secret;
use crate::base::value::Value;
use crate::bootstrap::children::Part;
use crate::bootstrap::cluster::{ExpandContext, Expanded, Keys, MissingToken};
use crate::bootstrap::schema::KIND;
use crate::cli::api_session::ApiSession;
use crate::cli::endpoint::{self, ENDPOINT};
use crate::cli::exit::Failure;
use crate::cli::keys::keys;
use crate::cli::workspace::Workspace;
use crate::engine::change::{Action, Change, Plan};
use crate::engine::observed::Seen;
use crate::engine::planned::Surveyed;
use crate::kinds::account;
use crate::lang::module::Stack;
use crate::state::State;
use crate::state::journal::Op;
use crate::state::secrets::{self, Secrets};
use crate::state::store::Loaded;
use crate::ui::status_text::Place;

/// The nodes' token in a simulated account.
const SIMULATED_TOKEN: &str = "simulated-failover-token";

/// A configuration without any account: to be checked only.
///
/// # Errors
/// Errors in its clusters.
pub fn unbound<'a>(workspace: &Workspace<'_>, configuration: &'a Stack<'_>) -> Result<Expanded<'a>, Failure> {
    let state = workspace.fresh_state();
    let context = ExpandContext { missing_token: MissingToken::Unknown, ..expand_context(workspace, &state, ENDPOINT) };
    Expanded::new(configuration, context).map_err(|errors| workspace.failed(errors))
}

/// The intent of a command.
#[derive(Clone, Copy, Debug, Default)]
pub struct Intent {
    /// Everything is taken down.
    pub destroying: bool,
    /// Nodes that run an older dofloat's scripts are replaced.
    pub upgrading: bool,
}

/// A configuration as it is planned.
///
/// # Errors
/// Errors in its clusters.
pub fn expand<'a>(
    workspace: &Workspace<'_>,
    configuration: &'a Stack<'_>,
    api_session: &ApiSession,
    loaded: &Loaded,
    fresh: &State,
    intent: Intent,
) -> Result<Expanded<'a>, Failure> {
    let state = recorded_state(loaded, fresh);
    let (missing_token, api_url) = if workspace.global.sim {
        (MissingToken::Simulated(Secret::new(SIMULATED_TOKEN.to_owned())), ENDPOINT)
    } else {
        (MissingToken::Refuse, api_session.endpoint.as_str())
    };
    let Intent { destroying: leaving, upgrading: upgrade } = intent;
    let context = ExpandContext { missing_token, leaving, upgrade, ..expand_context(workspace, &state, api_url) };
    let expanded = Expanded::new(configuration, context).map_err(|errors| workspace.failed(errors))?;
    if !workspace.global.sim && !leaving {
        near_apis(workspace, &expanded)?;
    }
    Ok(expanded)
}

/// The nodes' token goes where their block says, so that is held to the rule of the provider's `api_endpoint`.
fn near_apis(workspace: &Workspace<'_>, expanded: &Expanded<'_>) -> Result<(), Failure> {
    let named = expanded.clusters().iter().filter_map(|cluster| {
        let (url, span) = (expanded.api_url(cluster)?, expanded.span(cluster, &["api_url"])?);
        endpoint::named(&url, &span, workspace.environment).err().map(|error| error.about(cluster))
    });
    let errors: Vec<Diagnostic> = named.collect();
    if errors.is_empty() { Ok(()) } else { Err(workspace.failed(errors)) }
}

/// The recorded state, including everything that an interrupted run is known to have done.
#[must_use]
pub fn recorded_state(loaded: &Loaded, fresh: &State) -> State {
    match (&loaded.state, &loaded.journal) {
        (Some(state), Some(journal)) => journal.replay_onto(state),
        (Some(state), None) => state.clone(),
        (None, _) => fresh.clone(),
    }
}

fn expand_context(workspace: &Workspace<'_>, state: &State, api_url: &str) -> ExpandContext {
    let parts = state.records.iter().filter(|(address, _)| address.whole().is_some());
    ExpandContext {
        stack: workspace.place.name.clone(),
        mark: Mark::of_stack(&workspace.place.name, &state.lineage).0,
        salt: state.salt.clone(),
        api_url: api_url.to_owned(),
        remembered: parts.map(|(address, record)| (address.clone(), record.body.clone())).collect(),
        kept: workspace.place.store().secrets.is_file(),
        missing_token: MissingToken::Unknown,
        leaving: false,
        upgrade: false,
    }
}

/// The secrets of the clusters whose nodes the plan makes: those of the encrypted file, what lacks there made and written.
///
/// # Errors
/// If the file cannot be opened or written; nothing was called then.
pub fn unlock(workspace: &Workspace<'_>, expanded: &Expanded<'_>, plan: &Plan, state: &State) -> Result<BTreeMap<Address, Keys>, Failure> {
    let makes = |address: &Address| match Part::of(address) {
        Some(Part::Node(_) | Part::Keys | Part::Arbiter) => address.whole().cloned(),
        _ => None,
    };
    let steps = plan.steps.iter().filter(|step| matches!(step.op.object(), Some(Op::Create | Op::Edit { .. })));
    let clusters: BTreeSet<Address> =
        steps.filter_map(|step| makes(&step.address)).filter(|cluster| expanded.clusters().contains(cluster)).collect();
    if clusters.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (path, keys) = (workspace.place.store().secrets, keys(workspace.environment));
    let mut kept = secrets::read(&path, &keys)?.unwrap_or_default();
    let mut all = BTreeMap::new();
    for cluster in clusters {
        let made = kept.generated.entry(name_of(&cluster, "authkey")).or_insert_with(|| Secret::new(authkey(workspace, &cluster, state)));
        let authkey = made.map(|bytes| STANDARD.encode(bytes));
        let name = name_of(&cluster, "failover_token");
        if let Some(given) = expanded.token(&cluster) {
            kept.generated.insert(name.clone(), given.map(|text| text.as_bytes().to_vec()));
        }
        let token = kept.generated.get(&name).map(|bytes| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()));
        let Some(token) = token else {
            return Err(Diagnostic::error(format!("{cluster} has no `failover_token`: none is set, and none is in {}.", path.display()))
                .at(expanded.span(&cluster, &["failover_token"]))
                .hint("Set it again, for example with TF_VAR_failover_token.")
                .into());
        };
        workspace.environment.known.learn(&authkey);
        workspace.environment.known.learn(&token);
        let known = expanded.known_to_arbiter(&cluster);
        let certificates = known.as_ref().map(|_| certificates::of_arbiter(&mut kept)).transpose()?;
        let pair = known.map(|name| certificates::of_pair(&mut kept, &cluster, &name)).transpose()?;
        for secret in certificates.iter().map(|certificates| &certificates.arbiter).chain(&pair) {
            workspace.environment.known.learn(&certificates::body(secret));
        }
        all.insert(cluster, Keys { authkey, token, certificates, pair });
    }
    secrets::write(&path, &kept, &keys)?;
    Ok(all)
}

/// Forgets the secrets of clusters that are gone.
pub fn forget(kept: &mut Secrets, state: &State) {
    let there: BTreeSet<String> = state.records.keys().filter_map(Address::whole).map(ToString::to_string).collect();
    kept.generated.retain(|name, _| {
        let whose = name.rsplit_once(' ').map_or(name.as_str(), |(whose, _)| whose);
        !whose.starts_with(KIND) || there.contains(whose)
    });
    certificates::forget(kept);
}

/// Writes what is left of the secrets; a file in which nothing is left is removed.
///
/// # Errors
/// If it cannot be written.
pub fn keep(workspace: &Workspace<'_>, kept: &Secrets) -> Result<(), Failure> {
    let path = workspace.place.store().secrets;
    if *kept == Secrets::default() {
        return match remove(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Diagnostic::error(format!("Failed to remove {}: {error}.", path.display())).into())
            }
            _ => Ok(()),
        };
    }
    secrets::write(&path, kept, &keys(workspace.environment))?;
    Ok(())
}

/// Whether a cluster that was remembered is not any more.
#[must_use]
pub fn lost(before: Option<&State>, after: &State) -> bool {
    let clusters = |state: &State| state.records.keys().filter_map(|address| address.whole().cloned()).collect::<BTreeSet<_>>();
    before.is_some_and(|before| clusters(before).difference(&clusters(after)).next().is_some())
}

/// 128 bytes from the system's generator. A simulated world has the same ones every time.
fn authkey(workspace: &Workspace<'_>, cluster: &Address, state: &State) -> Vec<u8> {
    if workspace.global.sim {
        return [0, 1].map(|half| sha256_hex(format!("{} {cluster} {half}", state.lineage).as_bytes())).concat().into_bytes();
    }
    entropy::<128>().to_vec()
}

/// Where the nodes of each cluster lie whose nodes are made. The account is asked once, and only where there is such a cluster.
pub async fn places(expanded: &Expanded<'_>, stack: &str, api: &Client, state: &State) -> BTreeMap<Address, Place> {
    let nodes = |pair: &Pair| pair.nodes.iter().map(|node| Some(state.records.get(node)?.id.clone())).collect::<Option<Vec<Id>>>();
    let made: BTreeMap<&Address, Vec<Id>> =
        expanded.desired().pairs.iter().filter_map(|(cluster, pair)| Some((cluster, nodes(pair)?))).collect();
    if made.is_empty() {
        return BTreeMap::new();
    }
    let sets = account::neighbours(api).await;
    let of = |cluster: &Address, ids: &[Id]| match &sets {
        Err(error) => Place::Unasked(error.to_string()),
        Ok(sets) if sets.iter().any(|set| ids.iter().all(|id| set.contains(id))) => {
            Place::Shared(moving_apart(expanded, stack, state, cluster))
        }
        Ok(_) => Place::Apart,
    };
    made.into_iter().map(|(cluster, ids)| (cluster.clone(), of(cluster, &ids))).collect()
}

/// What makes the nodes of a cluster lie apart, as far as anything does: the one that does not serve made anew.
fn moving_apart(expanded: &Expanded<'_>, stack: &str, state: &State, cluster: &Address) -> String {
    let Some(pair) = expanded.desired().pairs.get(cluster) else { return String::new() };
    let holder = state.records.get(&pair.holder.0).and_then(|record| record.body.get(&pair.holder.1)).map(|id| id.to_json().to_string());
    let serves = |node: &&Address| state.records.get(*node).is_some_and(|record| Some(&record.id.0) == holder.as_ref());
    let passive = pair.nodes.iter().rev().find(|node| !serves(node)).map(ToString::to_string).unwrap_or_default();
    format!("`dofloat apply {stack} -replace={passive}` recreates the node that does not serve; DigitalOcean chooses the server")
}

/// The warnings of an apply about clusters whose nodes share a physical server, or for which that is unknown.
pub async fn placement(expanded: &Expanded<'_>, stack: &str, api_session: &ApiSession, state: &State) -> Vec<Diagnostic> {
    let mut notes = Vec::new();
    for (cluster, place) in places(expanded, stack, &api_session.client, state).await {
        let note = |message: String| Diagnostic::warning(message).at(expanded.span(&cluster, &["nodes"])).about(&cluster);
        match place {
            Place::Apart => {}
            Place::Shared(remedy) => notes.push(
                note(format!("The nodes of {cluster} share one physical server: if that fails, nothing serves."))
                    .hint(format!("{remedy}.")),
            ),
            Place::Unasked(why) => notes.push(
                note(format!("Failed to read whether the nodes of {cluster} share a physical server: {why}."))
                    .hint("Nothing depends on it; `dofloat status` tries again."),
            ),
        }
    }
    notes
}

/// Who holds a cluster's address, where it is not the first node.
fn moved(expanded: &Expanded<'_>, surveyed: &Surveyed, cluster: &Address) -> Option<Diagnostic> {
    let pair = expanded.desired().pairs.get(cluster)?;
    let Some(Seen::Present { body, .. }) = surveyed.observed.seen.get(&pair.holder.0) else { return None };
    // Of an address that is about to be another one nothing is said.
    let goes = |change: &Change| change.address == pair.holder.0 && matches!(change.action, Action::Replace { .. } | Action::Delete);
    if surveyed.planned.plan.changes.iter().any(goes) {
        return None;
    }
    let ip = body.get("ip_address").and_then(Value::as_str).unwrap_or_default();
    let message = |holder: &str| format!("The address {ip} of {cluster} is held by {holder}.");
    let told = |told: Diagnostic, hint: &str| Some(told.at(expanded.span(cluster, &["nodes"])).about(cluster).hint(hint));
    let Some(holder) = body.get(&pair.holder.1) else {
        return told(
            Diagnostic::warning(message("nobody at the moment")),
            "A node is up, so the cluster will take it; dofloat leaves it alone.",
        );
    };
    let holder = holder.to_json().to_string();
    let named = |address: &&Address| surveyed.state.records.get(*address).is_some_and(|record| record.id.0 == holder);
    match pair.nodes.iter().find(named) {
        Some(node) if pair.nodes.first() == Some(node) => None,
        Some(node) => told(Diagnostic::note(message(&node.name)), "The cluster decides that itself: dofloat never moves the address back."),
        None => told(
            Diagnostic::warning(message(&format!("droplet {holder}, which is not one of its nodes"))),
            "The nodes take it back at their next check.",
        ),
    }
}

/// The notes of a plan about its clusters.
#[must_use]
pub fn notes(expanded: &Expanded<'_>, surveyed: &Surveyed, api_session: &ApiSession) -> Vec<Diagnostic> {
    let plan = &surveyed.planned.plan;
    let made: BTreeSet<&Address> =
        plan.steps.iter().filter(|step| step.op.object() == Some(&Op::Create)).map(|step| &step.address).collect();
    let of =
        |cluster: &Address| made.iter().any(|address| address.whole() == Some(cluster) && matches!(Part::of(address), Some(Part::Node(_))));
    let mut notes: Vec<Diagnostic> = expanded.clusters().iter().filter_map(|cluster| moved(expanded, surveyed, cluster)).collect();
    for cluster in expanded.clusters().iter().filter(|cluster| !plan.destroy && expanded.is_older(cluster)) {
        notes.push(
            Diagnostic::warning(format!("The nodes of {cluster} were created by another version of dofloat."))
                .about(cluster)
                .hint("They are left as they are. `dofloat apply -upgrade-nodes` replaces them, one at a time."),
        );
    }
    for cluster in expanded.clusters().iter().filter(|cluster| of(cluster)) {
        notes.extend(expanded.warnings(cluster));
        if let (Some(nodes), Some(own)) = (expanded.token(cluster), &api_session.token)
            && nodes == *own
        {
            notes.push(
                Diagnostic::warning(format!("The nodes of {cluster} get the same token that dofloat uses."))
                    .at(expanded.span(cluster, &["failover_token"]))
                    .about(cluster)
                    .hint(
                        "Whoever breaks into a node can do everything that you can: delete droplets, change DNS. Create one with the \
                         scopes that `dofloat scopes` prints for the nodes.",
                    ),
            );
        }
    }
    notes
}
