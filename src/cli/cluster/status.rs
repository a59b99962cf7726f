//! `status`: how the clusters of a stack are, as their nodes tell it and as the API sees them.

use std::time::Duration;

use super::expansion::{self, Intent};
use crate::base::address::Address;
use crate::base::child;
use crate::base::desired::{Resolve as _, Watch};
use crate::base::diag::Diagnostic;
use crate::base::value::{Body, Origin, Term, Value};
use crate::bootstrap::cluster::Expanded;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::files::Disk;
use crate::cli::options::Variables;
use crate::cli::session::{Opened, Session};
use crate::cli::workspace::Workspace;
use crate::engine::cluster::health::{self, Report};
use crate::engine::observed::{Observed, Seen};
use crate::engine::survey::observe;
use crate::state::State;
use crate::ui::status_text::{Node, Pair, PoweredOff};
use crate::ui::value_text::visible;
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct StatusArgs {
    /// The stack
    pub stack: Option<String>,
    /// The values of variables.
    #[command(flatten)]
    pub variables: Variables,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Also fetch pacemaker's status and the end of corosync's log from each node over ssh
    #[arg(long, conflicts_with = "json")]
    pub verbose: bool,
}

/// How long a node has to answer by ssh.
const SSH_LIMIT: Duration = Duration::from_secs(60);

/// Runs the command. It fails where a cluster does not serve.
///
/// # Errors
/// If nothing can be told, or a cluster does not serve.
pub async fn run(args: &StatusArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let disk = Disk;
    let place = session.find(args.stack.as_deref())?;
    let mut workspace = session.open(place, &disk)?;
    let mut inputs = workspace.inputs(&args.variables)?;
    inputs.lenient = true;
    inputs.skip_unsupported = true;
    let work = async |opened: &Opened<'_>, view: &mut View| session.unless_stopped(shown(args, session, &workspace, opened, view)).await;
    session.with_api_untold(&workspace, inputs, view, work).await
}

async fn shown(args: &StatusArgs, session: &Session<'_>, workspace: &Workspace<'_>, opened: &Opened<'_>, view: &mut View) -> Ended {
    let Opened { configuration, api_session, .. } = opened;
    let loaded = session.loaded(&workspace.place).await?;
    let fresh = workspace.fresh_state();
    let expanded = expansion::expand(workspace, configuration, api_session, &loaded, &fresh, Intent::default())?;
    if !expanded.has_clusters() {
        return Err(Failure::from(
            Diagnostic::error(format!("Stack {} has no cluster.", workspace.place.name)).hint("`dofloat plan` shows everything else."),
        ));
    }
    let state = expansion::recorded_state(&loaded, &fresh);
    let observed = observe(&api_session.client, &workspace.place.name, &state).await?;
    let mut pairs = Vec::new();
    let mut places = expansion::places(&expanded, &workspace.place.name, &api_session.client, &state).await;
    for cluster in expanded.clusters() {
        let place = places.remove(cluster);
        pairs.push(Pair { place, ..pair(&expanded, &api_session.client, cluster, &state, &observed).await });
    }
    if args.verbose {
        for pair in &pairs {
            view.status(&workspace.place.name, std::slice::from_ref(pair));
            for node in &pair.nodes {
                view.print(&by_ssh(node, is_simulated(&pair.report, &node.name, workspace.global.sim)).await);
            }
        }
    } else {
        view.status(&workspace.place.name, &pairs);
    }
    if pairs.iter().all(|pair| pair.report.serves()) { Ok(Exit::Done) } else { Err(Failure::new(Exit::Failed, Vec::new())) }
}

/// The commands for each node.
const QUESTIONS: &str = "crm_mon -1; echo; echo '# crm configure show'; crm configure show; echo; \
                         echo '# the end of corosync.log: who is a member'; tail -n 30 /var/log/corosync/corosync.log; echo; \
                         echo '# the end of pacemaker.log: what is done where, and why'; \
                         tail -n 30 /var/log/pacemaker/pacemaker.log 2>/dev/null || echo 'On 14.04 it stands in corosync.log.'";

/// Whether there is nobody to talk to: in a simulated account, unless the node has told that it is real.
fn is_simulated(report: &Report, name: &str, simulated: bool) -> bool {
    let is_real = |(node, seen): &(String, health::Seen)| node == name && matches!(seen, health::Seen::Told(told) if !told.simulated);
    simulated && !report.nodes.iter().any(is_real)
}

/// The answer of a node to the user's own ssh.
async fn by_ssh(node: &Node, simulated: bool) -> String {
    let head = format!("\n# crm_mon on {}\n", node.name);
    let Some(address) = node.public.as_deref().filter(|_| !simulated) else {
        let why = if simulated { "A simulated node has no shell." } else { "It has no public address." };
        return format!("{head}{why}\n");
    };
    let run = tokio::process::Command::from(child::command("ssh"))
        .args(["-o", "BatchMode=yes", "-o", "ConnectTimeout=10", &format!("root@{address}"), QUESTIONS])
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(SSH_LIMIT, run).await {
        Err(_) => format!("{head}It does not answer on ssh.\n"),
        Ok(Err(error)) => format!("{head}Failed to run ssh: {error}.\n"),
        Ok(Ok(output)) => {
            let text = [output.stdout, output.stderr].concat();
            let lines = String::from_utf8_lossy(&text).lines().map(|line| format!("{}\n", visible(line))).collect::<String>();
            format!("{head}{lines}")
        }
    }
}

async fn pair(expanded: &Expanded<'_>, api: &crate::api::client::Client, cluster: &Address, state: &State, observed: &Observed) -> Pair {
    let bodies = |address: &Address| match observed.seen.get(address) {
        Some(Seen::Present { body, .. }) => Some(body),
        _ => None,
    };
    let of = |address: &Address| match bodies(address) {
        Some(body) => Term::Value(Value::Map(body.clone())),
        None => Term::Unknown(Origin::default()),
    };
    let made = expanded.desired().pairs.get(cluster);
    let watch = expanded.watch(cluster, &of);
    let report = match &watch {
        Some(watch) => health::read(api, watch).await,
        None => Report { nodes: Vec::new(), address: Err("it does not exist yet".to_owned()) },
    };
    let text = |body: Option<&Body>, name: &str| body.and_then(|body| body.get(name)).and_then(Value::as_str).map(str::to_owned);
    let holder = made.and_then(|pair| bodies(&pair.holder.0)?.get(&pair.holder.1)).map(|id| id.to_json().to_string());
    let nodes = made.into_iter().flat_map(|pair| &pair.nodes).map(|address| {
        let (body, id) = (bodies(address), state.records.get(address).map(|record| record.id.0.clone()));
        let status = text(body, "status");
        let off = match (observed.busy.contains(address), expanded.powers_on(cluster)) {
            (true, _) => PoweredOff::Busy,
            (false, true) => PoweredOff::Mended,
            (false, false) => PoweredOff::Left,
        };
        Node {
            name: address.name.clone(),
            off: (status.as_deref() == Some("off")).then_some(off),
            status,
            public: text(body, "ipv4_address"),
            private: text(body, "ipv4_address_private"),
            holds: id.is_some() && id == holder,
            id,
        }
    });
    let address = watch.and_then(|Watch { address, .. }| address);
    Pair { name: cluster.to_string(), address, nodes: nodes.collect(), report, place: None }
}
