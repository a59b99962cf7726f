//! `drill`: a fault is made on purpose, and for how long nobody answers is measured.
//!
//! Invariant: it is made only in a pair that is whole, and asked for. What it has taken away it gives back, however the measuring ends:
//! faults that a shell makes end by themselves on the node, and a node that was switched off is switched on; a run that is killed
//! leaves a note, which the next command sees.

pub mod note;
mod past;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use self::note::Note;
use super::pairs::{Pairs, Watched, id_of};
use super::shell::{self, Answer};
use crate::api::client::Client;
use crate::base::clock::{Moment, Tick};
use crate::base::diag::Diagnostic;
use crate::base::identity::Id;
use crate::bootstrap::operate;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::files::Disk;
use crate::cli::options::{Locking, Variables, duration};
use crate::cli::progress::{watched, with_progress};
use crate::cli::session::{Claim, Opened, Session};
use crate::cli::workspace::Workspace;
use crate::engine::cluster::drill::{self, Assignment, Event, Kind, Record};
use crate::engine::cluster::health::{self, Goal};
use crate::engine::cluster::probe::{Gap, Probe};
use crate::engine::error::from_api;
use crate::kinds::power;
use crate::state::store::{Loaded, Locked};
use crate::ui::status_text::Node;
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct DrillArgs {
    /// The stack
    pub stack: Option<String>,
    /// The fault: power-off, reboot, shutdown by the API; standby, service, freeze, private-link by ssh
    #[arg(long, value_name = "KIND", default_value = "power-off", value_parser = kind)]
    pub kind: Kind,
    /// Fail where nobody answers for longer than this: 5s, 800ms
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub max_gap: Option<Duration>,
    /// Write a report in Markdown to this file, and a timeline beside it (.svg)
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Show what earlier drills of the stack measured, and do nothing
    #[arg(long, conflicts_with_all = ["report", "max_gap", "auto_approve"])]
    pub history: bool,
    /// The cluster, where the stack has several
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Do not ask for confirmation
    #[arg(long)]
    pub auto_approve: bool,
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

fn kind(text: &str) -> Result<Kind, String> {
    let names = || Kind::ALL.map(Kind::name).join(", ");
    Kind::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| format!("it is one of {}", names()))
}

/// How long a fault lasts that a shell makes. A freeze outlasts the look-on of a pair with fencing, which is then reset.
const FAULT: Duration = Duration::from_secs(30);
/// How long a move may take at most: fencing, a slow API, and the API's own retries.
const MOVE: Duration = Duration::from_secs(240);
/// After how long a fault that moves nothing must show.
const SHOWS: Duration = Duration::from_secs(15);
/// Between two looks at who has the address.
const LOOK: Duration = Duration::from_secs(1);
/// As many good answers in a row are a service: two seconds of them.
const GOOD: usize = 20;

/// Runs the command.
///
/// # Errors
/// If it would take the service down, the address does not go where it should, or nobody answers for longer than is allowed.
pub async fn run(args: &DrillArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let disk = Disk;
    let place = session.find(args.stack.as_deref())?;
    if args.history {
        view.drills(&past::read(&place)?);
        return Ok(Exit::Done);
    }
    must_be_answerable(args, view)?;
    let mut workspace = session.open(place, &disk)?;
    let mut inputs = workspace.inputs(&args.variables)?;
    inputs.lenient = true;
    inputs.skip_unsupported = true;
    let workspace = &workspace;
    let claim = Claim { place: &workspace.place, locking: &args.locking, command: "drill" };
    let with_api = async |opened: &Opened<'_>, view: &mut View| {
        let work = async |_: &mut Locked, loaded: Loaded, view: &mut View| done(args, session, workspace, (opened, &loaded), view).await;
        session.with_state(claim, view, work).await
    };
    session.with_api(workspace, inputs, &BTreeMap::new(), false, view, with_api).await
}

fn must_be_answerable(args: &DrillArgs, view: &View) -> Result<(), Failure> {
    use std::io::IsTerminal as _;
    if args.auto_approve || view.is_text() && args.variables.input && std::io::stdin().is_terminal() {
        return Ok(());
    }
    let why = if view.is_text() { "There is no terminal for the question" } else { "-json cannot ask for confirmation" };
    Err(Diagnostic::error(format!("{why}, and `-auto-approve` is not given."))
        .hint("`dofloat drill -auto-approve` makes the fault without asking: clients of the pair notice it.")
        .into())
}

async fn done(
    args: &DrillArgs,
    session: &Session<'_>,
    workspace: &Workspace<'_>,
    (opened, loaded): (&Opened<'_>, &Loaded),
    view: &mut View,
) -> Ended {
    let api = &opened.api_session.client;
    let place = &workspace.place;
    if let Some(note) = note::read(place)? {
        session.to_the_end(finish(api, &note, workspace, opened, loaded, view)).await?;
        note::forget(place)?;
    }
    let seen = async {
        let pairs = Pairs::read(workspace, opened, loaded).await?;
        let chosen = pairs.chosen(api, args.cluster.as_deref(), None).await?;
        Ok::<_, Failure>(chosen.agreed(api).await)
    };
    let chosen = session.unless_stopped(seen).await?;
    let drill = Drill::checked(args.kind, api, &chosen, &place.name)?;
    if !args.auto_approve {
        let question = format!(
            "Do you want to {}, which has the address {} of {}? Clients will notice.",
            args.kind.does(&drill.node.name),
            chosen.ip(),
            chosen.pair.name
        );
        if !session.confirmed(&question, view).await? {
            view.line("Nothing was done.");
            return Ok(Exit::Failed);
        }
    }
    let record = session.to_the_end(drill.carried_out(session, workspace, view)).await?;
    view.drilled(&record);
    if !record.simulated {
        past::keep(place, &record, view)?;
    }
    if let Some(path) = &args.report {
        past::report(path, &record, view)?;
    }
    judged(&record, args.max_gap, &place.name)
}

/// Ends what a drill that was killed has begun.
async fn finish(
    api: &Client,
    note: &Note,
    workspace: &Workspace<'_>,
    opened: &Opened<'_>,
    loaded: &Loaded,
    view: &mut View,
) -> Result<(), Failure> {
    view.log(&format!("The drill of {} was cut short: seeing to it that {} is on again.", note.started, note.node));
    let pairs = Pairs::read(workspace, opened, loaded).await?;
    let chosen = pairs.chosen(api, Some(&note.cluster), None).await?;
    // A droplet that was replaced meanwhile is none of ours to switch on.
    let id = Id(note.droplet.clone());
    if note.kind.order().is_some() && chosen.pair.nodes.iter().any(|node| node.id.as_ref() == Some(&id.0)) {
        power::switch_on(api, &id).await.map_err(|error| Failure::from(from_api(&error, &format!("switch on {}", note.node))))?;
    }
    whole(api, &chosen, view).await
}

/// Waits until the pair is whole.
async fn whole(api: &Client, chosen: &Watched, view: &mut View) -> Result<(), Failure> {
    let (client, waits) = watched(api);
    let waiting = health::wait(&client, &chosen.watch, &Goal::Whole);
    with_progress(waiting, waits, view).await.map_err(|error| Failure::from(from_api(&error, "see the pair whole again")))
}

fn judged(record: &Record, most: Option<Duration>, stack: &str) -> Ended {
    let status = format!("`dofloat status {stack}` shows the pair.");
    if !record.passed {
        let node = &record.node;
        let message = if record.kind.moves() {
            format!("The address did not go from {node} to the other node, or does not answer there.")
        } else {
            "The address does not answer, or went where it should not.".to_owned()
        };
        return Err(Diagnostic::error(message).hint(status).into());
    }
    let gap = Duration::from_millis(record.gap_ms);
    if let Some(most) = most.filter(|most| gap > *most) {
        let message = format!("Nobody answered for {} ms, which is longer than -max-gap ({} ms).", record.gap_ms, most.as_millis());
        return Err(Diagnostic::error(message).hint("docs/cluster.md says what the time is made of, and which arguments decide.").into());
    }
    Ok(Exit::Done)
}

/// A drill of one pair.
struct Drill<'a> {
    kind: Kind,
    api: &'a Client,
    chosen: &'a Watched,
    node: &'a Node,
    peer: &'a Node,
    stack: &'a str,
}

/// What was measured.
struct Measured {
    probe: Probe,
    /// When the order was given.
    zero: (Tick, Moment),
    gap: Option<Gap>,
    passed: bool,
    holder: Option<String>,
    events: Vec<Event>,
}

impl<'a> Drill<'a> {
    /// A drill that may be made.
    fn checked(kind: Kind, api: &'a Client, chosen: &'a Watched, stack: &'a str) -> Result<Self, Failure> {
        let refused = |why: String| {
            Failure::from(
                Diagnostic::error(format!("A drill is made only in a pair that is whole: {why}."))
                    .hint(format!("Nothing was done. `dofloat status {stack}` shows the pair.")),
            )
        };
        let report = &chosen.pair.report;
        let Some(node) = chosen.holder() else { return Err(refused(format!("no node holds the address {}", chosen.ip()))) };
        let Some(peer) = chosen.peer(&node.name) else { return Err(refused(format!("{} has no other node", node.name))) };
        if !report.is_whole() {
            return Err(refused(report.without_fencing().complaint()));
        }
        if report.agreed_holder() != Some(&node.name) {
            return Err(refused(format!("the API has the address at {}, and the nodes do not say so", node.name)));
        }
        for one in [node, peer] {
            if let Some(why) = report.unready(&one.name, chosen.watch.serves) {
                return Err(refused(format!("{}: {why}", one.name)));
            }
        }
        let drill = Self { kind, api, chosen, node, peer, stack };
        drill.fits()?;
        Ok(drill)
    }

    /// Whether this fault can be made here without harm.
    fn fits(&self) -> Result<(), Failure> {
        let kind = self.kind.name();
        let error = |message: String, hint: &str| Err(Diagnostic::error(message).hint(format!("Nothing was done. {hint}")).into());
        if self.kind.order().is_none() && self.chosen.is_played() {
            return error(
                format!("-kind={kind} needs the shell of a node, and a simulated node has none."),
                "power-off, reboot and shutdown work in a simulated account.",
            );
        }
        if self.kind == Kind::Service && !self.chosen.watch.serves {
            return error("This pair has no web server (`service = \"none\"`).".to_owned(), "Choose another -kind.");
        }
        if self.kind == Kind::PrivateLink && !self.chosen.pair.report.has_second_link(&self.node.name) {
            return error(
                "The nodes see each other over the private network alone: a cut would part them.".to_owned(),
                "With `links = \"both\"` they have two.",
            );
        }
        Ok(())
    }

    async fn carried_out(&self, session: &Session<'_>, workspace: &Workspace<'_>, view: &mut View) -> Result<Record, Failure> {
        let started = self.api.clock().now();
        let simulated = if self.chosen.is_played() { " (simulated)" } else { "" };
        view.log(&format!("{}: asking {} ten times a second{simulated}...", self.chosen.pair.name, self.chosen.url()));
        let probe = Probe::begin(self.api, &self.chosen.url());
        if !probe.steady(GOOD, SHOWS, self.api.clock()).await {
            return Err(Diagnostic::error(format!(
                "{} does not answer steadily from here, so nothing can be measured.",
                self.chosen.url()
            ))
            .hint("Nothing was done. Is the address let through by your network?")
            .into());
        }
        let note = Note {
            started: started.to_rfc3339(),
            cluster: self.chosen.pair.name.clone(),
            kind: self.kind,
            node: self.node.name.clone(),
            droplet: id_of(self.node)?.0,
        };
        note::write(&workspace.place, &note)?;
        let zero = (self.api.clock().tick(), self.api.clock().now());
        let begun = self.begin(view).await;
        let measured = match begun {
            Ok(()) => Ok(self.measured(session, probe, zero).await),
            Err(failure) => Err(failure),
        };
        // Whatever became of it: what was switched off is switched on, also where it is not known whether the order was taken.
        let back = self.give_back(view).await;
        let measured = measured.and_then(|measured| back.map(|()| measured))?;
        if session.stopped() {
            note::forget(&workspace.place)?;
            let message = format!("Interrupted: the drill was ended, and {} is on; it joins by itself.", self.node.name);
            return Err(Failure::new(Exit::Interrupted, vec![Diagnostic::error(message)]));
        }
        whole(self.api, self.chosen, view).await?;
        note::forget(&workspace.place)?;
        Ok(self.record(started, measured).await)
    }

    /// Makes the fault.
    async fn begin(&self, view: &mut View) -> Result<(), Failure> {
        let simulated = if self.chosen.is_played() { " (simulated)" } else { "" };
        view.log(&format!("{}: drill {} of {}{simulated}...", self.chosen.pair.name, self.kind.name(), self.node.name));
        if let Some(order) = self.kind.order() {
            let id = id_of(self.node)?;
            return power::order(self.api, &id, order)
                .await
                .map_err(|error| Failure::from(from_api(&error, &self.kind.does(&self.node.name))));
        }
        let address = self.node.public.as_deref().unwrap_or_default();
        let seconds = FAULT.as_secs().to_string();
        let of = match self.kind {
            Kind::Standby => self.node.name.as_str(),
            Kind::PrivateLink => self.peer.private.as_deref().filter(|text| text.parse::<std::net::Ipv4Addr>().is_ok()).unwrap_or_default(),
            _ => "",
        };
        match shell::run(address, operate::DRILL, &[self.kind.name(), &seconds, of]).await {
            Answer::Done(_) => Ok(()),
            Answer::Failed(why) | Answer::Unreached(why) => {
                Err(Diagnostic::error(format!("-kind={} needs the shell of {}: {why}.", self.kind.name(), self.node.name))
                    .hint("power-off, reboot and shutdown need none.")
                    .into())
            }
        }
    }

    /// Waits until the address answers again, where it should.
    async fn measured(&self, session: &Session<'_>, probe: Probe, zero: (Tick, Moment)) -> Measured {
        let clock = self.api.clock();
        let (mut events, mut lost, mut off, mut holder) = (Vec::new(), false, false, None);
        let id = Id(self.node.id.clone().unwrap_or_default());
        let limit = if self.kind.moves() { MOVE } else { FAULT + SHOWS };
        let passed = loop {
            clock.sleep(LOOK).await;
            let since = clock.tick().since(zero.0);
            holder = self.holder().await.or(holder);
            if !off && self.kind.order().is_some() && power::is_on(self.api, &id).await.is_ok_and(|is_on| !is_on) {
                off = true;
                let what = format!("the API shows {} off (asked every second)", self.node.name);
                events.push(Event { at_ms: drill::offset(clock.tick(), zero.0), what });
            }
            let report = health::read(self.api, &self.chosen.watch).await;
            if !lost && report.has_lost(&self.peer.name, &self.node.name) {
                lost = true;
                let what = format!("{} reports that {} is lost (it reports every few seconds)", self.peer.name, self.node.name);
                events.push(Event { at_ms: drill::offset(clock.tick(), zero.0), what });
            }
            let stays = !self.kind.moves() && since >= limit;
            let moved = self.kind.moves() && holder.as_deref() == Some(&self.peer.name);
            if moved || stays || since >= limit || session.stopped() {
                let expected = if self.kind.moves() { &self.peer.name } else { &self.node.name };
                break probe.steady(GOOD, SHOWS, clock).await && holder.as_deref() == Some(expected);
            }
        };
        // A node that froze, or that was in standby, comes back within the time of the fault.
        if self.kind.order().is_none() && self.kind.moves() && !session.stopped() {
            clock.sleep(FAULT.saturating_sub(clock.tick().since(zero.0))).await;
            probe.steady(GOOD, SHOWS, clock).await;
        }
        let gap = probe.tries().longest_gap();
        Measured { probe, zero, gap, passed, holder, events }
    }

    /// The node that the API shows as the holder, where it can be asked.
    async fn holder(&self) -> Option<String> {
        let held = power::holder(self.api, self.chosen.ip()).await.ok()??;
        self.chosen.pair.nodes.iter().find(|node| node.id.as_ref() == Some(&held.0)).map(|node| node.name.clone())
    }

    /// Switches the node on, if the fault can have switched it off.
    async fn give_back(&self, view: &mut View) -> Result<(), Failure> {
        if self.kind.order().is_none() {
            return Ok(());
        }
        let id = id_of(self.node)?;
        let (client, waits) = watched(self.api);
        let back = with_progress(power::switch_on(&client, &id), waits, view).await;
        back.map_err(|error| {
            let told = from_api(&error, &format!("switch on {} after the drill", self.node.name));
            told.hint(format!("It may be off. `dofloat drill {}` and `dofloat apply {}` switch it on.", self.stack, self.stack)).into()
        })
    }

    async fn record(&self, started: Moment, measured: Measured) -> Record {
        let Measured { probe, zero, gap, passed, holder, mut events } = measured;
        let tries = probe.tries();
        let ahead = self.api.clock_ahead().unwrap_or(0);
        // What the API's clock showed as a tick of ours.
        let tick = |at: Moment| {
            let ours = i64::try_from(at.0).unwrap_or(i64::MAX).saturating_add(ahead.saturating_mul(1000));
            let since = ours.saturating_sub(i64::try_from(zero.1.0).unwrap_or(i64::MAX));
            Tick(zero.0.0.saturating_add_signed(since))
        };
        // Whole seconds: one that began in the second of the order counts.
        let ours = |at: &Moment| tick(*at).0 + 1000 > zero.0.0;
        let mut assignment = Assignment::default();
        if let Ok(actions) = power::actions_of_address(self.api, self.chosen.ip()).await {
            let first = actions.iter().rev().find(|action| action.kind.starts_with("assign") && action.started.as_ref().is_some_and(ours));
            if let (Some(action), true) = (first, self.kind.moves()) {
                assignment = Assignment { asked: action.started.map(tick), there: action.completed.map(tick) };
            }
        }
        if let Ok(actions) = power::actions_of_droplet(self.api, &Id(self.node.id.clone().unwrap_or_default())).await {
            for action in actions.iter().filter(|action| action.started.as_ref().is_some_and(ours)) {
                let at_ms = action.started.map_or(0, |at| drill::offset(tick(at), zero.0));
                events.push(Event { at_ms, what: format!("{} of {} (to the second)", action.kind, self.node.name) });
            }
        }
        events.sort_by_key(|event| event.at_ms);
        Record {
            format: drill::FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: started.to_rfc3339(),
            stack: self.stack.to_owned(),
            cluster: self.chosen.pair.name.clone(),
            kind: self.kind,
            node: self.node.name.clone(),
            address: self.chosen.ip().to_owned(),
            holders: [Some(self.node.name.clone()), holder],
            gap_ms: gap.map_or(0, |gap| u64::try_from(gap.length().as_millis()).unwrap_or(u64::MAX)),
            passed,
            requests: tries.sent(),
            failed: tries.failed(),
            parts: gap.map(|gap| drill::parts(gap, assignment)).unwrap_or_default(),
            events,
            answers: drill::answers(&tries, zero.0),
            whole_ms: Some(u64::try_from(self.api.clock().tick().since(zero.0).as_millis()).unwrap_or(u64::MAX)),
            simulated: self.chosen.is_played(),
        }
    }
}
