//! `import`: objects that are there become records. By identity, by looking for what fits, or from a state of Terraform.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

use super::cluster::expansion;
use super::cluster::expansion::Intent;
use super::exit::{Ended, Exit, Failure};
use super::files::Disk;
use super::history;
use super::keys::keys;
use super::options::{Locking, Variables};
use super::planning::PlanContext;
use super::progress::{watched, with_progress};
use super::session::{Claim, Opened, Session, must_be_able_to_ask};
use super::words::{address, split_stack};
use super::workspace::Workspace;
use crate::base::desired::Resolve;
use crate::base::diag::Diagnostic;
use crate::base::digest::Salt;
use crate::base::identity::{Id, Mark, Ours};
use crate::base::readable;
use crate::base::secret::Secret;
use crate::base::value::Value;
use crate::engine::discover::{DiscoverQuery, discover};
use crate::engine::foreign;
use crate::engine::import;
use crate::engine::planned::Surveyed;
use crate::engine::request::{ImportTarget, Options};
use crate::engine::survey::survey;
use crate::engine::tfstate::{self, Foreign};
use crate::state::store::{Loaded, Locked};
use crate::state::{Record, SavedOutput, State, secrets};
use crate::ui::view::View;
use crate::ui::{errors, import_text};
use std::path::PathBuf;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
#[command(
    override_usage = "dofloat import [OPTIONS] [STACK] <ADDRESS> <ID>\n       dofloat import [OPTIONS] -discover [STACK] [ADDRESS]...\n       dofloat import [OPTIONS] -tfstate=FILE [STACK]"
)]
pub struct ImportArgs {
    /// The stack, if there are several; then the resource and the object's import ID, as for the official provider
    #[arg(value_name = "STACK|ADDRESS|ID")]
    pub words: Vec<String>,
    /// Find objects that match resources not in the state, show them, and ask
    #[arg(long)]
    pub discover: bool,
    /// With -discover: only objects with this tag
    #[arg(long, value_name = "TAG", requires = "discover")]
    pub tag: Option<String>,
    /// With -discover: only objects with this name
    #[arg(long, value_name = "NAME", requires = "discover")]
    pub name: Option<String>,
    /// With -discover: only objects that carry the stack's mark
    #[arg(long, requires = "discover")]
    pub marked: bool,
    /// Import everything that a terraform.tfstate (version 4) holds
    #[arg(long, value_name = "FILE", conflicts_with = "discover")]
    pub tfstate: Option<PathBuf>,
    /// Import even an object with another stack's mark, and replace that mark with this stack's
    #[arg(long)]
    pub take_over: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    pub auto_approve: bool,
    /// Start a new stack, although a state of this name seems to be lost
    #[arg(long)]
    pub new_stack: bool,
    /// The values of variables.
    #[command(flatten)]
    pub variables: Variables,
    /// How the state is locked.
    #[command(flatten)]
    pub locking: Locking,
}

/// The objects to import.
enum What {
    One(Box<ImportTarget>),
    Fitting(DiscoverQuery),
    Foreign(Box<Foreign>),
}

/// Runs the command.
///
/// # Errors
/// Whatever keeps an object from being taken over. Nothing is written then.
pub async fn run(args: &ImportArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let (stack, words) = split_stack(&args.words);
    if args.discover && !args.auto_approve {
        must_be_able_to_ask("import -discover", args.variables.input)?;
    }
    let disk = Disk;
    let place = session.find(stack)?;
    // A state of Terraform is read before anything else: a damaged one is refused with nothing written.
    let mut workspace = session.open(place, &disk)?;
    let bytes = args.tfstate.as_deref().map(|path| Ok::<_, Failure>((path, read(path)?))).transpose()?;
    if let Some((path, bytes)) = &bytes {
        tfstate::read(bytes, &path.display().to_string(), &Salt::new([0; 32]))?;
    }
    let inputs = workspace.inputs(&args.variables)?;
    let (workspace, order) = (&workspace, Order { args, words, bytes: bytes.as_ref().map(|(path, bytes)| (*path, bytes.as_slice())) });
    let claim = Claim { place: &workspace.place, locking: &args.locking, command: "import" };
    let with_api = async |opened: &Opened<'_>, view: &mut View| {
        let work = async |store: &mut Locked, loaded: Loaded, view: &mut View| {
            let Opened { configuration, inputs, api_session } = opened;
            api_session.state_is_locked();
            let fresh = workspace.fresh_state();
            let expanded = expansion::expand(workspace, configuration, api_session, &loaded, &fresh, Intent::default())?;
            let options = Options::default();
            let context = PlanContext {
                workspace,
                configuration,
                expanded: &expanded,
                inputs,
                api_session,
                loaded: &loaded,
                fresh: &fresh,
                options: &options,
                new_stack: args.new_stack,
                binding: true,
            };
            // What is written is written in one go, so a signal finds nothing half done.
            session.unless_stopped(order.run(context, session, store, view)).await
        };
        session.with_state(claim, view, work).await
    };
    session.with_api(workspace, inputs, &BTreeMap::new(), args.variables.input, view, with_api).await
}

/// The request.
#[derive(Clone, Copy)]
struct Order<'a> {
    args: &'a ImportArgs,
    words: &'a [String],
    bytes: Option<(&'a Path, &'a [u8])>,
}

impl Order<'_> {
    async fn run(self, context: PlanContext<'_>, session: &Session<'_>, store: &mut Locked, view: &mut View) -> Ended {
        let (args, workspace) = (self.args, context.workspace);
        if context.loaded.state.is_none() && !args.new_stack && !workspace.global.sim {
            history::must_not_know(&workspace.place.store().state).await?;
        }
        let taking = ImportRun { args, workspace, session, context };
        match self.what(context)? {
            What::One(target) => taking.one(*target, store, view).await,
            What::Fitting(query) => taking.fitting(&query, store, view).await,
            What::Foreign(foreign) => taking.foreign(*foreign, store, view).await,
        }
    }

    fn what(self, context: PlanContext<'_>) -> Result<What, Failure> {
        let salt = &context.loaded.state.as_ref().unwrap_or(context.fresh).salt;
        Ok(match self.bytes {
            Some((path, bytes)) => What::Foreign(Box::new(tfstate::read(bytes, &path.display().to_string(), salt)?)),
            None if self.args.discover => What::Fitting(DiscoverQuery {
                only: self.words.iter().map(|word| address(word)).collect::<Result<_, _>>()?,
                tag: self.args.tag.clone(),
                name: self.args.name.clone(),
                marked: self.args.marked,
            }),
            None => What::One(Box::new(target(self.words, context.expanded)?)),
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    Ok(readable::read_given(path).with_context(|| format!("Failed to read {}", path.display()))?)
}

fn target(words: &[String], configuration: &dyn Resolve) -> Result<ImportTarget, Failure> {
    let [to, id] = words else {
        return Err(Failure::usage(
            Diagnostic::error("`import` takes an address and an ID.")
                .hint("`dofloat import -discover` finds objects that match; `dofloat import -tfstate FILE` imports from Terraform."),
        ));
    };
    let to = address(to)?;
    if !configuration.desired().resources.contains_key(&to) {
        return Err(Diagnostic::error(format!("There is no {to} in the configuration."))
            .hint(format!("Write the block `resource \"{}\" \"{}\"` as the object should be, then import it.", to.kind, to.name))
            .into());
    }
    Ok(ImportTarget { to, id: Id(id.clone()), told: None, span: None })
}

#[derive(Clone, Copy)]
struct ImportRun<'a> {
    args: &'a ImportArgs,
    workspace: &'a Workspace<'a>,
    session: &'a Session<'a>,
    context: PlanContext<'a>,
}

impl ImportRun<'_> {
    async fn survey(&self, wishes: Vec<ImportTarget>, view: &mut View) -> Result<Surveyed, Failure> {
        let config = self.workspace.config(self.context.inputs);
        let options = Options { adopt: Some(wishes), take_over: self.args.take_over, ..Options::default() };
        let context = PlanContext { options: &options, ..self.context };
        let clock = &self.workspace.environment.clock;
        let (api, waits) = watched(&self.context.api_session.client);
        Ok(with_progress(survey(context.survey_context(&api, &config, clock, false, true)), waits, view).await?)
    }

    async fn one(&self, target: ImportTarget, store: &mut Locked, view: &mut View) -> Ended {
        let recorded = self.context.loaded.state.as_ref().and_then(|state| state.records.get(&target.to));
        if let Some(record) = recorded {
            if self.args.take_over && record.id == target.id {
                return self.again(target, record.clone(), store, view).await;
            }
            return Err(Diagnostic::error(format!("{} already has an object: {}.", target.to, record.id))
                .hint(format!("Remove that one first with `dofloat state rm {}`; the object itself is kept.", target.to))
                .into());
        }
        let surveyed = self.survey(vec![target], view).await?;
        let (_, surveyed) = self.kept(surveyed, &BTreeMap::new(), store).await?;
        self.told(&surveyed, view);
        Ok(Exit::Done)
    }

    /// Takes over what has its record here already: a state that was edited, or a takeover that was interrupted.
    async fn again(&self, target: ImportTarget, record: Record, store: &mut Locked, view: &mut View) -> Ended {
        let mut loaded = self.context.loaded.clone();
        loaded.state.iter_mut().for_each(|state| drop(state.records.remove(&target.to)));
        let taking = ImportRun { context: PlanContext { loaded: &loaded, ..self.context }, ..*self };
        let surveyed = taking.survey(vec![ImportTarget { told: Some(record), ..target }], view).await?;
        let (_, surveyed) = self.kept(surveyed, &BTreeMap::new(), store).await?;
        self.told(&surveyed, view);
        Ok(Exit::Done)
    }

    /// Makes what was taken over durable, and puts this stack's mark on what carried another's.
    async fn kept(
        &self,
        mut surveyed: Surveyed,
        outputs: &BTreeMap<String, SavedOutput>,
        store: &mut Locked,
    ) -> Result<(State, Surveyed), Failure> {
        let api = &self.context.api_session.client;
        let mark = Mark::of_stack(&self.workspace.place.name, &surveyed.state.lineage);
        surveyed.state.project = foreign::ensure_project(api, &surveyed, &mark).await?;
        let state = import::keep(&surveyed, outputs, store)?;
        foreign::claim(api, &surveyed, Ours { mark: &mark, project: state.project.as_ref() }).await?;
        Ok((state, surveyed))
    }

    async fn fitting(&self, query: &DiscoverQuery, store: &mut Locked, view: &mut View) -> Ended {
        let config = self.workspace.config(self.context.inputs);
        let clock = &self.workspace.environment.clock;
        let (api, waits) = watched(&self.context.api_session.client);
        let found = with_progress(discover(self.context.survey_context(&api, &config, clock, false, true), query), waits, view).await?;
        view.print(&import_text::doubtful(&found.doubtful));
        let plan = &found.surveyed.planned.plan;
        if plan.changes.iter().all(|change| change.provenance.is_none()) {
            view.line("No object matches a resource that is not in the state.");
            return Ok(Exit::Done);
        }
        let layout = view.layout(&self.workspace.sources);
        view.print(&import_text::proposal(plan, layout));
        if !self.args.auto_approve && !self.session.approved("import these objects", view).await? {
            view.line("Import cancelled.");
            return Ok(Exit::Failed);
        }
        let (_, surveyed) = self.kept(found.surveyed, &BTreeMap::new(), store).await?;
        self.told(&surveyed, view);
        Ok(Exit::Done)
    }

    async fn foreign(&self, foreign: Foreign, store: &mut Locked, view: &mut View) -> Ended {
        let Foreign { targets: wishes, left, outputs, secrets, kept: own, tainted } = foreign;
        let known = |target: &ImportTarget| {
            let record = self.context.loaded.state.as_ref().and_then(|state| state.records.get(&target.to));
            record.is_some_and(|record| record.id == target.id)
        };
        let wishes: Vec<ImportTarget> = wishes.into_iter().filter(|target| !known(target)).collect();
        if let Some((address, record)) =
            wishes.iter().find_map(|target| Some((&target.to, self.context.loaded.state.as_ref()?.records.get(&target.to)?)))
        {
            return Err(Diagnostic::error(format!("{address} already has another object: {}.", record.id))
                .hint(format!("Remove that one first with `dofloat state rm {address}`; the object itself is kept. Nothing was changed."))
                .into());
        }
        let machine = self.context.api_session.client.machine();
        for (name, secret) in own {
            let put = machine.vault.as_ref().map_or(Ok(()), |vault| vault.put(&name, Some(secret)));
            put.map_err(|why| Diagnostic::error(format!("Failed to keep the secrets of the Terraform state: {why}.")))?;
        }
        let surveyed = self.survey(wishes, view).await?;
        let (state, surveyed) = self.kept(surveyed, &outputs, store).await?;
        let salt = state.salt;
        self.keep_secrets(secrets.into_iter().filter(|(name, value)| {
            state.outputs.get(name).and_then(|output| output.sensitive.as_ref()).is_some_and(|digest| digest.matches(value, &salt))
        }))?;
        view.print(&import_text::left(&left, &surveyed.moves.missing, &tainted));
        self.told(&surveyed, view);
        Ok(Exit::Done)
    }

    /// Sensitive outputs go to the encrypted file.
    fn keep_secrets(&self, values: impl Iterator<Item = (String, Secret<Value>)>) -> Result<(), Failure> {
        let values: BTreeMap<String, Secret<Value>> = values.collect();
        if values.is_empty() {
            return Ok(());
        }
        let (path, keys) = (self.workspace.place.store().secrets, keys(self.workspace.environment));
        let mut kept = secrets::read(&path, &keys)?.unwrap_or_default();
        kept.outputs.extend(values);
        secrets::write(&path, &kept, &keys)?;
        Ok(())
    }

    fn told(&self, surveyed: &Surveyed, view: &mut View) {
        let plan = &surveyed.planned.plan;
        if !plan.notes.is_empty() && !self.args.discover {
            let text = errors::render(&plan.notes, &self.workspace.sources, view.paint());
            view.print(&text);
        }
        let text = import_text::done(plan, view.paint());
        view.print(&text);
    }
}
