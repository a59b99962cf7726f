//! `failover`, `standby`, `online`: handing a pair's address over on purpose, and putting a node out of service and back.
//!
//! Invariant: nothing is done that would take the service down. Pacemaker decides who has the address, so it is pacemaker that is
//! told, by a node's shell. Where none can be reached, the address is given to the other node by the API, which the nodes' own scripts
//! take for a wish; what they would not understand is refused, with what to type instead.

use std::collections::BTreeMap;
use std::time::Duration;

use super::pairs::{Pairs, Watched, id_of};
use super::shell::{self, Answer};
use crate::api::client::Client;
use crate::base::diag::Diagnostic;
use crate::bootstrap::operate;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::files::Disk;
use crate::cli::options::{Locking, Variables};
use crate::cli::session::{Claim, Opened, Session};
use crate::cli::workspace::Workspace;
use crate::engine::cluster::health;
use crate::engine::cluster::probe::Probe;
use crate::engine::error::from_api;
use crate::kinds::power;
use crate::state::store::{Loaded, Locked};
use crate::ui::handover_text::{Deed, HandOver, Way};
use crate::ui::status_text::Node;
use crate::ui::view::View;

/// The arguments of `failover`.
#[derive(Clone, Debug, clap::Args)]
pub struct FailoverArgs {
    /// The stack
    pub stack: Option<String>,
    /// The node that is to have the address; by default the one that has it not
    #[arg(long, value_name = "NODE")]
    pub to: Option<String>,
    /// How it is done.
    #[command(flatten)]
    pub options: HandoverOptions,
}

/// The arguments of `standby` and `online`.
#[derive(Clone, Debug, clap::Args)]
pub struct NodeArgs {
    /// The stack, if there are several; then the node
    #[arg(value_name = "STACK|NODE", required = true)]
    pub words: Vec<String>,
    /// How it is done.
    #[command(flatten)]
    pub options: HandoverOptions,
}

/// The options of the three.
#[derive(Clone, Debug, clap::Args)]
pub struct HandoverOptions {
    /// The cluster, where the stack has several
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// By a node's shell or by the API alone; by default by ssh where it can be reached
    #[arg(long, value_name = "WAY")]
    pub by: Option<By>,
    /// The values of variables.
    #[command(flatten)]
    pub variables: Variables,
    /// How the state is locked.
    #[command(flatten)]
    pub locking: Locking,
    /// Print JSON, one object per line
    #[arg(long)]
    pub json: bool,
}

/// A way that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// By a node's shell.
    Ssh,
    /// By the API.
    Api,
}

/// How long the API and the nodes' reports may lag behind what was done. A node writes its report every five seconds or so.
const LAG: Duration = Duration::from_secs(90);
/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// As many good answers in a row end it: two seconds of them.
const GOOD: usize = 20;

/// `failover`.
///
/// # Errors
/// If it would take the service down, or cannot be done.
pub async fn failover(args: &FailoverArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let wanted = Wanted { deed: Deed::Failover, node: args.to.as_deref(), options: &args.options };
    run(args.stack.as_deref(), wanted, session, view).await
}

/// `standby`.
///
/// # Errors
/// If it would take the service down, or cannot be done.
pub async fn standby(args: &NodeArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let (stack, node) = args.split("standby")?;
    run(stack, Wanted { deed: Deed::Standby, node: Some(node), options: &args.options }, session, view).await
}

/// `online`.
///
/// # Errors
/// If it cannot be done.
pub async fn online(args: &NodeArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let (stack, node) = args.split("online")?;
    run(stack, Wanted { deed: Deed::Online, node: Some(node), options: &args.options }, session, view).await
}

impl NodeArgs {
    /// The stack, if one is named, and the node.
    fn split(&self, command: &str) -> Result<(Option<&str>, &str), Failure> {
        match &self.words[..] {
            [node] => Ok((None, node)),
            [stack, node] => Ok((Some(stack), node)),
            _ => Err(Failure::usage(
                Diagnostic::error(format!("`{command}` takes a node, and before it the stack, if there are several."))
                    .hint(format!("For example `dofloat {command} web secondary`.")),
            )),
        }
    }
}

#[derive(Clone, Copy)]
struct Wanted<'a> {
    deed: Deed,
    node: Option<&'a str>,
    options: &'a HandoverOptions,
}

async fn run(stack: Option<&str>, wanted: Wanted<'_>, session: &Session<'_>, view: &mut View) -> Ended {
    let disk = Disk;
    let place = session.find(stack)?;
    let mut workspace = session.open(place, &disk)?;
    let mut inputs = workspace.inputs(&wanted.options.variables)?;
    inputs.lenient = true;
    inputs.skip_unsupported = true;
    let workspace = &workspace;
    // Nobody applies meanwhile: a node could be replaced under our hands.
    let claim = Claim { place: &workspace.place, locking: &wanted.options.locking, command: wanted.deed.word() };
    let with_api = async |opened: &Opened<'_>, view: &mut View| {
        let work = async |_: &mut Locked, loaded: Loaded, view: &mut View| done(wanted, session, workspace, (opened, &loaded), view).await;
        session.with_state(claim, view, work).await
    };
    session.with_api(workspace, inputs, &BTreeMap::new(), false, view, with_api).await
}

async fn done(
    wanted: Wanted<'_>,
    session: &Session<'_>,
    workspace: &Workspace<'_>,
    (opened, loaded): (&Opened<'_>, &Loaded),
    view: &mut View,
) -> Ended {
    let api = &opened.api_session.client;
    let seen = async {
        let pairs = Pairs::read(workspace, opened, loaded).await?;
        let chosen = pairs.chosen(api, wanted.options.cluster.as_deref(), wanted.node).await?;
        Ok::<_, Failure>(chosen.agreed(api).await)
    };
    let watched = session.unless_stopped(seen).await?;
    let handover = Handover { wanted, api, watched: &watched, stack: &workspace.place.name };
    let Some(node) = handover.checked()? else {
        view.handed_over(&handover.needless());
        return Ok(Exit::Done);
    };
    // What is begun is brought to its end: it takes seconds.
    let told = session.to_the_end(handover.carried_out(node, view)).await?;
    view.handed_over(&told);
    Ok(Exit::Done)
}

/// One of the three, about one pair.
struct Handover<'a> {
    wanted: Wanted<'a>,
    api: &'a Client,
    watched: &'a Watched,
    stack: &'a str,
}

impl Handover<'_> {
    /// The node that it is about, if there is something to do.
    fn checked(&self) -> Result<Option<&Node>, Failure> {
        match self.wanted.deed {
            Deed::Failover => self.may_move(),
            Deed::Standby => self.may_stand_by().map(Some),
            Deed::Online => self.watched.node(self.wanted.node.unwrap_or_default()).map(Some),
        }
    }

    /// The node that is to have the address; nothing if it has it.
    fn may_move(&self) -> Result<Option<&Node>, Failure> {
        let Watched { pair, watch, .. } = self.watched;
        let Some(from) = self.watched.holder() else {
            return Err(self.refused(
                format!("No node of {} holds its address {}: the pair is at work, or in trouble.", pair.name, self.watched.ip()),
                "Its nodes take the address by themselves.",
            ));
        };
        let to = match self.wanted.node {
            Some(name) => Some(self.watched.node(name)?),
            None => self.watched.peer(&from.name),
        };
        let Some(to) = to else { return Ok(None) };
        let agreed = pair.report.agreed_holder();
        if to.name == from.name && agreed == Some(&from.name) {
            return Ok(None);
        }
        if to.name == from.name || agreed != Some(&from.name) {
            return Err(self.refused(
                format!(
                    "The API has the address {} at {}, and the nodes say that it is at {}: a move is under way, or one is in trouble.",
                    self.watched.ip(),
                    from.name,
                    agreed.unwrap_or("none that all name")
                ),
                "Wait until they agree.",
            ));
        }
        match pair.report.unready(&to.name, watch.serves) {
            Some(why) => Err(self.would_take_down(&to.name, &why)),
            None => Ok(Some(to)),
        }
    }

    fn may_stand_by(&self) -> Result<&Node, Failure> {
        let node = self.watched.node(self.wanted.node.unwrap_or_default())?;
        let Watched { pair, watch, .. } = self.watched;
        let Some(peer) = self.watched.peer(&node.name) else { return Ok(node) };
        // Of a node that has the address already no more is asked than that it keeps it.
        let why = if peer.holds && pair.report.may_leave(&node.name) { None } else { pair.report.unready(&peer.name, watch.serves) };
        why.map_or(Ok(node), |why| Err(self.would_take_down(&peer.name, &why)))
    }

    fn would_take_down(&self, node: &str, why: &str) -> Failure {
        let message = format!("{node} could not serve in place of the other node, so this would take the service down: {why}.");
        self.refused(message, "Nothing was changed.")
    }

    fn refused(&self, message: String, hint: &str) -> Failure {
        Diagnostic::error(message).hint(format!("{hint} `dofloat status {}` shows the pair.", self.stack)).into()
    }

    fn needless(&self) -> HandOver {
        let holder = self.watched.holder().map(|node| node.name.clone());
        HandOver {
            deed: self.wanted.deed,
            cluster: self.watched.pair.name.clone(),
            node: holder.clone().unwrap_or_default(),
            holders: (holder.clone(), holder),
            address: self.watched.ip().to_owned(),
            way: Way::Needless,
            took: Duration::ZERO,
            requests: (0, 0),
            gap: Duration::ZERO,
            simulated: self.watched.is_played(),
        }
    }

    async fn carried_out(&self, node: &Node, view: &mut View) -> Result<HandOver, Failure> {
        let clock = self.api.clock();
        let start = clock.tick();
        let probe = Probe::begin(self.api, &self.watched.url());
        let way = match self.by_ssh(node, view).await? {
            None => Way::Ssh,
            Some(why) => {
                self.by_api(node, &why, view).await?;
                Way::Api
            }
        };
        let now = self.settled(node, way).await?;
        let took = clock.tick().since(start);
        probe.steady(GOOD, LAG, clock).await;
        let tries = probe.tries();
        Ok(HandOver {
            node: node.name.clone(),
            holders: (self.watched.holder().map(|node| node.name.clone()), now),
            way,
            took,
            requests: (tries.sent(), tries.failed()),
            gap: tries.longest_gap().map(|gap| gap.length()).unwrap_or_default(),
            ..self.needless()
        })
    }

    /// Tells pacemaker by the shell of a node; why that cannot be, where nothing was done.
    async fn by_ssh(&self, node: &Node, view: &mut View) -> Result<Option<String>, Failure> {
        if self.wanted.options.by == Some(By::Api) {
            return Ok(Some("`-by=api` was given".to_owned()));
        }
        let word = if self.wanted.deed == Deed::Failover { "move" } else { self.wanted.deed.word() };
        // Of a node that is to be spared the other is asked; a node that comes back may itself not be reached yet.
        let peer = self.watched.peer(&node.name);
        let asked = if self.wanted.deed == Deed::Failover { [Some(node), peer] } else { [peer, Some(node)] };
        let mut why = Vec::new();
        for asked in asked.into_iter().flatten() {
            let Some(address) = asked.public.as_deref().filter(|_| !self.watched.pair.report.is_played(&asked.name)) else {
                why.push(format!("{} is simulated and has no shell", asked.name));
                continue;
            };
            view.log(&format!("{}: telling pacemaker on {} ({address}) by ssh...", self.watched.pair.name, asked.name));
            match shell::run(address, operate::PAIR, &[word, &node.name]).await {
                Answer::Done(_) => return Ok(None),
                Answer::Failed(said) => {
                    return Err(self.refused(format!("{} does not do it: {said}.", asked.name), "The pair keeps what it had."));
                }
                Answer::Unreached(said) => why.push(format!("{} cannot be reached by ssh: {said}", asked.name)),
            }
        }
        Ok(Some(why.join("; ")))
    }

    /// Gives the address to the node, which the other one's scripts take for the wish to move it.
    async fn by_api(&self, node: &Node, why: &str, view: &mut View) -> Result<(), Failure> {
        let by_hand = |command: &str| {
            Diagnostic::error(format!("It needs the shell of a node, and there is none: {why}.")).hint(format!(
                "Nothing was changed. With a shell on one of the nodes, type: {command}. The API cannot tell pacemaker that."
            ))
        };
        let Watched { pair, watch, is_older } = self.watched;
        match self.wanted.deed {
            Deed::Failover => {}
            deed => return Err(by_hand(&format!("crm node {} {}", deed.word(), node.name)).into()),
        }
        let moving = format!("crm_resource --resource FloatIP --move --node {} --lifetime PT2M", node.name);
        if self.wanted.options.by == Some(By::Ssh) || *is_older || !watch.serves {
            return Err(by_hand(&moving).into());
        }
        let from = self.watched.holder().map(|node| node.name.as_str()).unwrap_or_default();
        // It is the holder's scripts that have to notice the wish.
        if let Some(why) = pair.report.unready(from, watch.serves) {
            return Err(by_hand(&moving).hint(format!("By the API it is not safe either: {from} would not follow: {why}.")).into());
        }
        view.log(&format!(
            "{}: by the API, since {why}. The address goes to {} at once, and pacemaker's resource follows when {from} notices, within \
             seconds; should it not, the pair takes the address back.",
            pair.name, node.name
        ));
        let id = id_of(node)?;
        power::give(self.api, self.watched.ip(), &id).await.map_err(|error| Failure::from(from_api(&error, "move the address")))
    }

    /// Waits until the API and the nodes agree that it is done; who has the address then.
    async fn settled(&self, node: &Node, way: Way) -> Result<Option<String>, Failure> {
        let clock = self.api.clock();
        let start = clock.tick();
        loop {
            let held = power::holder(self.api, self.watched.ip()).await;
            let held = held.map_err(|error| Failure::from(from_api(&error, "read who holds the address")))?.map(|id| id.0);
            let holder = self.watched.pair.nodes.iter().find(|node| node.id.is_some() && node.id == held).map(|node| node.name.clone());
            let missing = match self.wanted.deed {
                Deed::Failover if holder.as_deref() != Some(&node.name) => Some("the API does not show the address there".to_owned()),
                // By ssh pacemaker has told already; its report comes later.
                Deed::Failover if way == Way::Ssh => None,
                Deed::Failover => {
                    let report = health::read(self.api, &self.watched.watch).await;
                    let agree = report.agreed_holder() == Some(&node.name);
                    (!agree).then(|| "pacemaker has its resource elsewhere, or does not tell".to_owned())
                }
                Deed::Standby => (holder.as_deref() == Some(&node.name)).then(|| "it has the address still".to_owned()),
                Deed::Online => health::read(self.api, &self.watched.watch).await.unready(&node.name, self.watched.watch.serves),
            };
            let Some(missing) = missing else { return Ok(holder) };
            if clock.tick().since(start) >= LAG {
                let message = format!("{} of {} was begun, and after {} s: {missing}.", self.wanted.deed.word(), node.name, LAG.as_secs());
                return Err(self.refused(message, "The pair takes the address by its own rules."));
            }
            clock.sleep(LOOK).await;
        }
    }
}
