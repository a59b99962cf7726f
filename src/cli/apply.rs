//! `apply` and `destroy`: plan, show, ask, do. Or do what a saved plan says.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::oneshot;

use super::args::{ApplyArgs, DestroyArgs, Global, Planning};
use super::attend::{attended, watched};
use super::clusters::Bent;
use super::environment::Environment;
use super::exit::{Ended, Exit, Failure};
use super::files::Disk;
use super::gateway::begin;
use super::plan::{Looking, look, options, show};
use super::workplace::{Site, keys, lock, variables_of};
use super::{clusters, signals, stack, store};
use crate::base::diag::Diagnostic;
use crate::base::digest::Digest;
use crate::base::durable::remove;
use crate::base::secret::Secret;
use crate::engine::apply::{Left, Manner};
use crate::engine::change::Event;
use crate::engine::plan::Options;
use crate::engine::saved::{self, Saved};
use crate::engine::strays;
use crate::engine::survey::{Execution, again, execute};
use crate::lang::inputs::Given;
use crate::lang::module::Stack;
use crate::state::State;
use crate::state::secrets;
use crate::ui::events::{self, Teller};
use crate::ui::progress::Progress;
use crate::ui::screen::Screen;

/// How long running steps may go on after the first Ctrl-C.
const GRACE: Duration = Duration::from_secs(60);

/// What `apply` and `destroy` have in common.
struct Order<'a> {
    stack: Option<&'a str>,
    saved: Option<Saved>,
    auto_approve: bool,
    keep_going: bool,
    planning: &'a Planning,
    destroy: bool,
    strays: bool,
}

/// Runs `apply`.
///
/// # Errors
/// Whatever keeps it from being done whole.
pub async fn apply(args: &ApplyArgs, global: &Global, environment: &Environment, screen: &mut Screen) -> Ended {
    let saved = match &args.what {
        Some(what) if Path::new(what).is_file() => Some(read_plan(Path::new(what))?),
        _ => None,
    };
    if let (Some(_), false) =
        (&saved, args.planning.target.is_empty() && args.planning.replace.is_empty() && !args.destroy && !args.planning.refresh_only)
    {
        return Err(Failure::usage(Diagnostic::error(
            "A saved plan is applied as it is: -target, -replace, -destroy and -refresh-only do not go with it.",
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
    run(order, global, environment, screen).await
}

/// Runs `destroy`.
///
/// # Errors
/// Whatever keeps it from being done whole.
pub async fn destroy(args: &DestroyArgs, global: &Global, environment: &Environment, screen: &mut Screen) -> Ended {
    let order = Order {
        stack: args.stack.as_deref(),
        saved: None,
        auto_approve: args.auto_approve,
        keep_going: args.keep_going,
        planning: &args.planning,
        destroy: true,
        strays: args.strays,
    };
    run(order, global, environment, screen).await
}

/// Reads a saved plan.
///
/// # Errors
/// If it is no whole saved plan.
pub fn read_plan(path: &Path) -> Result<Saved, Failure> {
    let bytes = std::fs::read(path).with_context(|| format!("Failed to read {}", path.display()))?;
    Ok(saved::read(&bytes, &path.display().to_string())?)
}

/// Refuses a command that asks where nobody can answer.
///
/// # Errors
/// If there is no terminal, or `-input=false` is given.
pub fn must_be_able_to_ask(command: &str, input: bool) -> Result<(), Failure> {
    if input && io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Diagnostic::error("There is no terminal on which to ask, and `-auto-approve` is not given.")
        .hint(format!("`dofloat {command} -auto-approve` goes ahead with all that is found."))
        .into())
}

async fn run(order: Order<'_>, global: &Global, environment: &Environment, screen: &mut Screen) -> Ended {
    let asks = !order.auto_approve && order.saved.is_none();
    if asks && (!io::stdin().is_terminal() || !order.planning.variables.input || order.planning.json) {
        let why = if order.planning.json { "With -json nobody can be asked" } else { "There is no terminal on which to ask" };
        let what = if order.destroy { "destroy" } else { "apply" };
        return Err(Diagnostic::error(format!("{why}, and `-auto-approve` is not given."))
            .hint(format!(
                "`dofloat plan -out=FILE` and then `dofloat apply FILE` shows it first; `dofloat {what} -auto-approve` goes ahead."
            ))
            .into());
    }
    let disk = Disk;
    let name = order.saved.as_ref().map(|saved| saved.base.stack.clone());
    let wanted = name.as_deref().or(order.stack);
    let place =
        if order.destroy { stack::find_remembered(wanted, global, environment)? } else { stack::find(wanted, global, environment)? };
    let mut site = Site::open(place, global, environment, &disk)?;
    let mut inputs = site.inputs(&order.planning.variables)?;
    inputs.lenient = order.destroy;
    if let Some(saved) = &order.saved {
        let text = serde_json::to_string(&saved.variables).unwrap_or_default();
        inputs.given.insert(0, Given::File { name: "the saved plan.tfvars.json".to_owned(), text });
    }
    let ask = order.planning.variables.input && order.saved.is_none();
    let (configuration, gateway) = begin(&site, &mut inputs, ask, order.planning.json, screen).await?;
    let clock = environment.clock.clone();
    let stop = signals::listen();
    let command = if order.destroy { "destroy" } else { "apply" };
    let locked = lock(&site.place, &order.planning.locking, command, order.planning.json, environment, screen);
    let mut store = match signals::unless_stopped(&stop, locked).await {
        Ok(store) => store,
        Err(mut failure) => {
            gateway.close().await;
            if failure.exit == Exit::Interrupted
                && let Err(more) = store::give_back(&site.place, environment).await
            {
                failure.diagnostics.extend(more.diagnostics);
            }
            return Err(site.failed(failure));
        }
    };
    let ended = async {
        let loaded = store.load()?;
        if !order.destroy {
            // What cannot be opened is told before anything is made.
            secrets::read(&site.place.store().secrets, &keys(environment))?;
        }
        let fresh = match &order.saved {
            Some(saved) => State::new(saved.base.lineage.clone(), saved.salt.clone()),
            None => site.fresh_state(),
        };
        let upgrade = order.saved.as_ref().map_or(order.planning.upgrade_nodes, |saved| saved.options().upgrade_nodes);
        let bent = Bent { leaving: order.destroy, upgrade };
        let expanded = clusters::expand(&site, &configuration, &gateway, &loaded, &fresh, bent)?;
        let options = order.saved.as_ref().map_or_else(|| options(order.planning, order.destroy, &expanded), Saved::options);
        let looking = Looking {
            site: &site,
            configuration: &configuration,
            expanded: &expanded,
            inputs: &inputs,
            gateway: &gateway,
            loaded: &loaded,
            fresh: &fresh,
            options: &options,
            new_stack: order.planning.new_stack,
        };
        let surveyed = match &order.saved {
            Some(saved) => {
                same_secrets(saved, &configuration)?;
                // The values that the plan holds are not part of the configuration that it was made from.
                let mut inputs = inputs.clone();
                inputs.given.remove(0);
                let config = site.config(&inputs);
                let (api, waits) = watched(&gateway.client);
                let work = again(looking.ground(&api, &config, &clock, true, true), saved);
                signals::unless_stopped(&stop, attended(work, waits, &clock, order.planning.json, screen)).await?
            }
            None if order.strays => {
                let config = site.config(&inputs);
                let (api, waits) = watched(&gateway.client);
                let work = strays::survey(looking.ground(&api, &config, &clock, true, true));
                signals::unless_stopped(&stop, attended(work, waits, &clock, order.planning.json, screen)).await?
            }
            None => {
                let look = look(looking, order.planning.refresh, true, order.planning.json, screen);
                signals::unless_stopped(&stop, look).await?
            }
        };
        show(&surveyed.planned.plan, &site, order.planning.json, screen);
        let what = if order.destroy { "destroy all of this" } else { "perform these actions" };
        if asks && !surveyed.planned.plan.is_empty() && !signals::unless_stopped(&stop, approved(what, screen)).await? {
            screen.line(if order.destroy { "Destroy cancelled." } else { "Apply cancelled." });
            return Ok(Exit::Failed);
        }
        if !surveyed.planned.plan.steps.is_empty() {
            store.establish(&surveyed.state, &surveyed.planned.plan.base.owner)?;
        }
        let secrets = clusters::unlock(&site, &expanded, &surveyed.planned.plan, &surveyed.state)?;
        let whole = expanded.with(secrets)?;
        let doing = Doing { order: &order, site: &site, options: &options, before: loaded.state.as_ref() };
        let left = {
            let plan = &surveyed.planned.plan;
            let (mut teller, mut progress) = (Teller::new(plan), Progress::new(screen.lively && !order.planning.json));
            let mut tell = |event: Event| doing.tell(&event, &mut teller, &mut progress, screen);
            let manner = Manner { parallelism: usize::from(order.planning.parallelism), keep_going: order.keep_going, grace: GRACE };
            execute(Execution {
                surveyed: &surveyed,
                resolve: &whole,
                loaded: &loaded,
                store: &mut store,
                api: gateway.client.clone(),
                clock: clock.clone(),
                manner,
                stop,
                tell: &mut tell,
            })
            .await?
        };
        doing.end(left, screen)
    }
    .await;
    gateway.close().await;
    let released = store.release().await.map_err(Failure::from);
    store::both(ended, released).map_err(|failure| site.failed(failure))
}

/// Sensitive variables are given again when a saved plan is applied, and must be those that it was made with.
fn same_secrets(saved: &Saved, configuration: &Stack<'_>) -> Result<(), Failure> {
    let (given, _) = variables_of(configuration, &saved.salt);
    let errors: Vec<Diagnostic> = saved
        .secrets
        .iter()
        .filter(|(name, digest)| given.get(*name) != Some(*digest))
        .map(|(name, _)| {
            Diagnostic::error(format!("The sensitive variable \"{name}\" is not what the plan was made with."))
                .hint("A saved plan holds no secret: give the same value again, or plan anew.")
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.into()) }
}

/// Asks on the terminal; only `yes` is approval. The answer is read by a thread of its own, which a signal leaves behind.
///
/// # Errors
/// If the answer cannot be read.
pub async fn approved(what: &str, screen: &mut Screen) -> Result<bool, Failure> {
    screen.print(&format!("\nDo you want to {what}?\n  Only \"yes\" is taken as approval.\n\n  Enter a value: "));
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer);
        // Nobody waits for it any more after a signal.
        let _ = sender.send(read.map(|_| answer));
    });
    let answer = receiver.await.context("Nobody reads the answer")?.context("Failed to read the answer")?;
    screen.line("");
    Ok(answer.trim() == "yes")
}

struct Doing<'a> {
    order: &'a Order<'a>,
    site: &'a Site<'a>,
    options: &'a Options,
    before: Option<&'a State>,
}

impl Doing<'_> {
    fn tell(&self, event: &Event, teller: &mut Teller, progress: &mut Progress, screen: &mut Screen) {
        if self.order.planning.json {
            if let Some(line) = teller.json(event, &self.site.environment.clock.now().to_rfc3339()) {
                screen.line(&line.to_string());
            }
            return;
        }
        progress.follow(event);
        if let Some(line) = teller.text(event, screen.paint) {
            progress.around(|| screen.line(&line));
        }
    }

    fn end(&self, mut left: Left, screen: &mut Screen) -> Ended {
        if left.settled
            && let Err(error) = self.keep_secrets(&left)
        {
            left.outcome.errors.extend(error.diagnostics);
        }
        let destroy = self.options.destroy;
        if self.order.planning.json {
            for line in events::ending_lines(&left.outcome, destroy, &self.site.environment.clock.now().to_rfc3339()) {
                screen.line(&line.to_string());
            }
        } else {
            screen.print(&events::ending(&left.outcome, destroy, screen.paint));
        }
        let exit = match (left.outcome.interrupted, left.outcome.errors.is_empty()) {
            (true, _) => Exit::Interrupted,
            (false, false) => Exit::Failed,
            (false, true) => return Ok(Exit::Done),
        };
        Err(Failure::new(exit, left.outcome.errors).with_sources(&self.site.sources))
    }

    /// Sensitive outputs go to the encrypted file; secrets of clusters that are gone leave it.
    fn keep_secrets(&self, left: &Left) -> Result<(), Failure> {
        let path = self.site.place.store().secrets;
        if !left.outcome.errors.is_empty() {
            return Ok(());
        }
        // What was taken down needs no secrets, so nobody is kept from it by a lost key.
        if self.options.destroy && left.state.records.is_empty() && left.state.deposed.is_empty() {
            remove(&path).with_context(|| format!("Failed to remove {}", path.display()))?;
            return Ok(());
        }
        let sensitive = |state: &State| state.outputs.values().any(|output| output.sensitive.is_some());
        let concerned = sensitive(&left.state) || self.before.is_some_and(sensitive) || clusters::lost(self.before, &left.state);
        if !concerned {
            return Ok(());
        }
        let keys = keys(self.site.environment);
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
        clusters::forget(&mut kept, &left.state);
        clusters::keep(self.site, &kept)
    }
}
