//! `status`: how the clusters of a stack are, as their nodes tell it and as the API sees them.

use std::time::Duration;

use super::drill::note;
use super::expansion;
use super::pairs::Pairs;
use crate::base::child;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::files::Disk;
use crate::cli::options::Variables;
use crate::cli::session::{Opened, Session};
use crate::cli::workspace::Workspace;
use crate::engine::cluster::health::{self, Report};
use crate::ui::errors::Sources;
use crate::ui::status_text::{Node, Pair};
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
    let api = &opened.api_session.client;
    let loaded = session.loaded(&workspace.place).await?;
    let all = Pairs::read(workspace, opened, &loaded).await?;
    let mut pairs = Vec::new();
    let mut places = expansion::places(&all.expanded, &workspace.place.name, api, &all.state).await;
    for cluster in all.expanded.clusters() {
        let place = places.remove(cluster);
        pairs.push(Pair { place, ..all.pair(api, cluster).await });
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
    if let Some(note) = note::told(&workspace.place) {
        view.diagnostics(&[note], &Sources::new());
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
