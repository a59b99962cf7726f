//! `apply` and `destroy`: plan, show, ask, do. Or do what a saved plan says.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::time::Duration;

use super::api_session::ApiSession;
use super::cluster::expansion;
use super::cluster::expansion::Intent;
use super::exit::{Ended, Exit, Failure};
use super::files::Disk;
use super::forecast::forecast;
use super::keys::keys;
use super::options::Planning;
use super::planning::{PlanContext, make_plan, options};
use super::progress::{watched, with_progress};
use super::saved_plan::{is_plan, read_plan, same_secrets};
use super::session::{Claim, Opened, Session};
use super::stack::Place;
use super::workspace::Workspace;
use crate::base::diag::Diagnostic;
use crate::base::digest::Digest;
use crate::base::durable::remove;
use crate::base::secret::Secret;
use crate::engine::apply::{ApplyOptions, ApplyResult};
use crate::engine::change::Event;
use crate::engine::execute::{Execution, execute};
use crate::engine::planned::Surveyed;
use crate::engine::request::Options;
use crate::engine::saved::Saved;
use crate::engine::strays;
use crate::engine::survey::again;
use crate::lang::inputs::{Given, Inputs};
use crate::lang::module::Stack;
use crate::state::State;
use crate::state::secrets;
use crate::state::store::{Loaded, Locked};
use crate::ui::view::View;
use anyhow::Context as _;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct ApplyArgs {
    /// The stack, or a file with a saved plan
    #[arg(value_name = "STACK|FILE")]
    pub what: Option<String>,
    /// Do not ask for confirmation
    #[arg(long)]
    pub auto_approve: bool,
    /// Destroy all resources of the stack
    #[arg(long, conflicts_with_all = ["refresh_only", "replace"])]
    pub destroy: bool,
    /// After a failure, continue with everything that does not depend on it
    #[arg(long)]
    pub keep_going: bool,
    /// How the plan is made.
    #[command(flatten)]
    pub planning: Planning,
}

/// How long running steps may go on after the first Ctrl-C.
const GRACE: Duration = Duration::from_secs(60);

/// The common part of `apply` and `destroy`.
pub(super) struct Order<'a> {
    pub(super) stack: Option<&'a str>,
    pub(super) saved: Option<Saved>,
    pub(super) auto_approve: bool,
    pub(super) keep_going: bool,
    pub(super) planning: &'a Planning,
    pub(super) destroy: bool,
    pub(super) strays: bool,
}

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from being done whole.
pub async fn run(args: &ApplyArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let saved = match &args.what {
        Some(what) if is_plan(what) => Some(read_plan(Path::new(what))?),
        _ => None,
    };
    if let (Some(_), false) = (
        &saved,
        args.planning.target.is_empty()
            && args.planning.target_file.is_empty()
            && args.planning.replace.is_empty()
            && !args.destroy
            && !args.planning.refresh_only,
    ) {
        return Err(Failure::usage(Diagnostic::error(
            "A saved plan is applied as it is: -target, -replace, -destroy and -refresh-only cannot be combined with it.",
        )));
    }
    let stack = if saved.is_some() { None } else { args.what.as_deref() };
    let destroy = args.destroy || saved.as_ref().is_some_and(|saved| saved.options().destroy);
    let order = Order {
        stack,
        saved,
        auto_approve: args.auto_approve,
        keep_going: args.keep_going,
        planning: &args.planning,
        destroy,
        strays: false,
    };
    carry_out(order, session, view).await
}

impl Order<'_> {
    /// Whether somebody is asked before anything is done.
    fn asks(&self) -> bool {
        !self.auto_approve && self.saved.is_none()
    }

    fn command(&self) -> &'static str {
        if self.destroy { "destroy" } else { "apply" }
    }

    /// Refuses to ask where nobody can answer.
    fn must_be_answerable(&self, view: &View) -> Result<(), Failure> {
        if !self.asks() || io::stdin().is_terminal() && self.planning.variables.input && view.is_text() {
            return Ok(());
        }
        let why = if view.is_text() { "There is no terminal for the question" } else { "-json cannot ask for confirmation" };
        let hint = format!(
            "`dofloat plan -out=FILE` and then `dofloat apply FILE` shows the plan first; `dofloat {} -auto-approve` applies it \
             without asking.",
            self.command()
        );
        Err(Diagnostic::error(format!("{why}, and `-auto-approve` is not given.")).hint(hint).into())
    }

    fn place(&self, session: &Session<'_>) -> Result<Place, Failure> {
        let wanted = self.saved.as_ref().map(|saved| saved.base.stack.as_str()).or(self.stack);
        if self.destroy { session.find_remembered(wanted) } else { session.find(wanted) }
    }

    fn inputs(&self, workspace: &mut Workspace<'_>) -> Result<Inputs, Failure> {
        let mut inputs = workspace.inputs(&self.planning.variables)?;
        inputs.lenient = self.destroy;
        inputs.provisioners |= self.planning.allow_provisioners;
        // Nothing that is taken down is of what is not supported, and a saved plan was made of a configuration that was looked at.
        inputs.skip_unsupported |= self.destroy || self.saved.is_some();
        if let Some(saved) = &self.saved {
            let text = Secret::new(serde_json::to_string(&saved.variables).unwrap_or_default());
            inputs.given.insert(0, Given::File { name: "the saved plan.tfvars.json".to_owned(), text });
        }
        Ok(inputs)
    }
}

/// Plans, shows, asks, does.
pub(super) async fn carry_out(order: Order<'_>, session: &Session<'_>, view: &mut View) -> Ended {
    order.must_be_answerable(view)?;
    let disk = Disk;
    let mut workspace = session.open(order.place(session)?, &disk)?;
    let inputs = order.inputs(&mut workspace)?;
    let (planning, workspace, order) = (order.planning, &workspace, &order);
    let ask = planning.variables.input && order.saved.is_none();
    let claim = Claim { place: &workspace.place, locking: &planning.locking, command: order.command() };
    let with_api = async |opened: &Opened<'_>, view: &mut View| {
        let work = async |store: &mut Locked, loaded: Loaded, view: &mut View| {
            let Opened { configuration, inputs, api_session } = opened;
            api_session.state_is_locked();
            let job = Job { order, workspace, session, configuration, inputs, api_session, loaded: &loaded };
            job.run(store, view).await
        };
        session.with_state(claim, view, work).await
    };
    let read = order.saved.as_ref().map(Saved::observed).unwrap_or_default().data;
    session.with_api(workspace, inputs, &read, ask, view, with_api).await
}

/// An order, and all that it is carried out with.
struct Job<'a> {
    order: &'a Order<'a>,
    workspace: &'a Workspace<'a>,
    session: &'a Session<'a>,
    configuration: &'a Stack<'a>,
    inputs: &'a Inputs,
    api_session: &'a ApiSession,
    loaded: &'a Loaded,
}

impl Job<'_> {
    async fn run(&self, store: &mut Locked, view: &mut View) -> Ended {
        let Self { order, workspace, configuration, api_session, loaded, .. } = *self;
        if !order.destroy {
            // What cannot be opened is told before anything is made.
            secrets::read(&workspace.place.store().secrets, &keys(workspace.environment))?;
        }
        let fresh = match &order.saved {
            Some(saved) => State::new(saved.base.lineage.clone(), saved.salt.clone()),
            None => workspace.fresh_state(),
        };
        let upgrade = order.saved.as_ref().map_or(order.planning.upgrade_nodes, |saved| saved.options().upgrade_nodes);
        let intent = Intent { destroying: order.destroy, upgrading: upgrade };
        let expanded = expansion::expand(workspace, configuration, api_session, loaded, &fresh, intent)?;
        let mut options =
            order.saved.as_ref().map_or_else(|| options(order.planning, order.destroy, &expanded), |saved| Ok(saved.options()))?;
        options.provisioners |= self.inputs.provisioners;
        let context = PlanContext {
            workspace,
            configuration,
            expanded: &expanded,
            inputs: self.inputs,
            api_session,
            loaded,
            fresh: &fresh,
            options: &options,
            new_stack: order.planning.new_stack,
            binding: true,
        };
        let surveyed = self.session.unless_stopped(self.surveyed(context, view)).await?;
        let plan = &surveyed.planned.plan;
        match &order.saved {
            // Whoever reads the stream has the plan already, and takes the first summary for that of the apply.
            Some(_) if !view.is_text() => view.diagnostics(&plan.notes, &workspace.sources),
            _ => view.plan(plan, &workspace.sources),
        }
        if let Some(line) = forecast(plan, api_session.client.left(), workspace.environment.clock.now(), order.command()) {
            view.log(&line);
        }
        let what = if order.destroy { "destroy all of this" } else { "perform these actions" };
        if order.asks() && !plan.is_empty() && !self.session.approved(what, view).await? {
            view.line(if order.destroy { "Destroy cancelled." } else { "Apply cancelled." });
            return Ok(Exit::Failed);
        }
        self.execute(&surveyed, context, store, view).await
    }

    /// The plan: the one that was saved, held against what is there; that of the strays; or a new one.
    async fn surveyed(&self, context: PlanContext<'_>, view: &mut View) -> Result<Surveyed, Failure> {
        let (order, clock) = (self.order, &self.workspace.environment.clock);
        if order.saved.is_none() && !order.strays {
            return make_plan(context, order.planning.refresh, true, view).await;
        }
        let mut inputs = self.inputs.clone();
        if order.saved.is_some() {
            // The values that the plan holds are not part of the configuration that it was made from.
            inputs.given.remove(0);
        }
        let config = self.workspace.config(&inputs);
        let (api, waits) = watched(&self.api_session.client);
        let survey_context = context.survey_context(&api, &config, clock, true, true);
        Ok(match &order.saved {
            Some(saved) => {
                same_secrets(saved, self.configuration)?;
                let surveyed = with_progress(again(survey_context, saved), waits, view).await?;
                let known = self.workspace.computed();
                surveyed.planned.known.values().for_each(|term| known.learn_term(term));
                surveyed
            }
            None => with_progress(strays::survey(survey_context), waits, view).await?,
        })
    }

    async fn execute(&self, surveyed: &Surveyed, context: PlanContext<'_>, store: &mut Locked, view: &mut View) -> Ended {
        let plan = &surveyed.planned.plan;
        if !plan.steps.is_empty() {
            store.ensure_state_file(&surveyed.state, &plan.base.owner)?;
        }
        let keys = expansion::unlock(self.workspace, context.expanded, plan, &surveyed.state)?;
        let whole = context.expanded.with_keys(keys);
        let doing = ApplyRun { workspace: self.workspace, options: context.options, before: self.loaded.state.as_ref() };
        let mut events = view.events(plan);
        let mut tell = |event: Event| events.tell(&event);
        let parallelism = usize::from(self.order.planning.parallelism);
        let mut left = execute(Execution {
            surveyed,
            resolve: &whole,
            loaded: self.loaded,
            store,
            api: self.api_session.client.clone(),
            clock: self.workspace.environment.clock.clone(),
            options: ApplyOptions {
                parallelism,
                keep_going: self.order.keep_going,
                grace: GRACE,
                provisioners: context.options.provisioners.then(|| self.workspace.place.base.clone()),
                known: self.workspace.computed(),
            },
            stop: self.session.stop(),
            tell: &mut tell,
        })
        .await?;
        drop(events);
        // What the plan told already, and still is so, is not told twice.
        left.outcome.notes.retain(|note| !plan.notes.contains(note));
        if !self.order.destroy && !plan.refresh_only && !left.outcome.interrupted {
            let asked = expansion::placement(context.expanded, &self.workspace.place.name, self.api_session, &left.state);
            left.outcome.notes.extend(self.session.unless_stopped(async { Ok::<_, Failure>(asked.await) }).await.unwrap_or_default());
        }
        doing.end(left, view)
    }
}

struct ApplyRun<'a> {
    workspace: &'a Workspace<'a>,
    options: &'a Options,
    before: Option<&'a State>,
}

impl ApplyRun<'_> {
    fn end(&self, mut left: ApplyResult, view: &mut View) -> Ended {
        if left.settled
            && let Err(error) = self.keep_secrets(&left)
        {
            left.outcome.errors.extend(error.diagnostics);
        }
        let destroy = self.options.destroy;
        view.diagnostics(&left.outcome.notes, &self.workspace.sources);
        view.ending(&left.outcome, destroy);
        let exit = match (left.outcome.interrupted, left.outcome.errors.is_empty()) {
            (true, _) => Exit::Interrupted,
            (false, false) if left.outcome.decision => Exit::Decision,
            (false, false) => Exit::Failed,
            (false, true) => return Ok(Exit::Done),
        };
        Err(Failure::new(exit, left.outcome.errors).with_sources(&self.workspace.sources))
    }

    /// Sensitive outputs go to the encrypted file; secrets of clusters that are gone leave it.
    fn keep_secrets(&self, left: &ApplyResult) -> Result<(), Failure> {
        let path = self.workspace.place.store().secrets;
        if !left.outcome.errors.is_empty() {
            return Ok(());
        }
        // What was taken down needs no secrets, so nobody is kept from it by a lost key.
        if self.options.destroy && left.state.records.is_empty() && left.state.deposed.is_empty() {
            remove(&path).with_context(|| format!("Failed to remove {}", path.display()))?;
            return Ok(());
        }
        let sensitive = |state: &State| state.outputs.values().any(|output| output.sensitive.is_some());
        let concerned = sensitive(&left.state) || self.before.is_some_and(sensitive) || expansion::lost(self.before, &left.state);
        if !concerned {
            return Ok(());
        }
        let keys = keys(self.workspace.environment);
        let mut kept = secrets::read(&path, &keys)?.unwrap_or_default();
        let known = |name: &String| left.state.outputs.get(name).and_then(|output| output.sensitive.clone());
        kept.outputs.retain(|name, value| known(name).is_some_and(|digest: Digest| digest.matches(value, &left.state.salt)));
        for (name, output) in &left.outcome.outputs {
            if known(name).is_some()
                && let Some(value) = output.value.sealed()
            {
                kept.outputs.insert(name.clone(), Secret::clone(&value));
            }
        }
        expansion::forget(&mut kept, &left.state);
        expansion::keep(self.workspace, &kept)
    }
}
