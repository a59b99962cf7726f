//! `adopt`: answers the question that an interrupted create left: which object it made, or that it made none.

use super::api_session::ApiSession;
use super::exit::{Ended, Exit, Failure};
use super::files::Disk;
use super::options::{Locking, Variables};
use super::session::{Claim, Opened, Session};
use super::words::{address, split_stack};
use super::workspace::Workspace;
use crate::base::address::Address;
use crate::base::diag::Diagnostic;
use crate::base::identity::Id;
use crate::engine::adopt::{self, Answer, Question};
use crate::state::store::{Loaded, Locked};
use crate::ui::view::View;
use std::collections::BTreeMap;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat adopt [OPTIONS] [STACK] <ADDRESS> <ID>\n       dofloat adopt [OPTIONS] [STACK] <ADDRESS> none")]
pub struct AdoptArgs {
    /// The stack, if there are several; then the resource, and the object that was made, or `none`
    #[arg(value_name = "STACK|ADDRESS|ID")]
    pub words: Vec<String>,
    /// The values of variables.
    #[command(flatten)]
    pub variables: Variables,
    /// How the state is locked.
    #[command(flatten)]
    pub locking: Locking,
}

/// The word that says that nothing was made.
const NOTHING: &str = "none";

/// Runs the command. It asks nothing, so that a pipeline can answer too.
///
/// # Errors
/// If nothing was to be decided, or the object cannot be the one. Nothing is written then.
pub async fn run(args: &AdoptArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let (stack, words) = split_stack(&args.words);
    let [to, answer] = words else {
        return Err(Failure::usage(
            Diagnostic::error("`adopt` takes an address and an ID, or an address and `none`.")
                .hint("`dofloat plan` shows what you have to decide, and the choices."),
        ));
    };
    let to = address(to)?;
    let answer = if answer == NOTHING { Answer::Nothing } else { Answer::Made(Id(answer.clone())) };
    let disk = Disk;
    let place = session.find_remembered(stack)?;
    let mut workspace = session.open(place, &disk)?;
    let mut inputs = workspace.inputs(&args.variables)?;
    inputs.lenient = true;
    inputs.skip_unsupported = true;
    let workspace = &workspace;
    let claim = Claim { place: &workspace.place, locking: &args.locking, command: "adopt" };
    let with_api = async |opened: &Opened<'_>, view: &mut View| {
        let work = async |store: &mut Locked, loaded: Loaded, view: &mut View| {
            session.unless_stopped(answered(workspace, &opened.api_session, (store, &loaded), (&to, &answer), view)).await
        };
        session.with_state(claim, view, work).await
    };
    session.with_api(workspace, inputs, &BTreeMap::new(), false, view, with_api).await
}

async fn answered(
    workspace: &Workspace<'_>,
    api_session: &ApiSession,
    (store, loaded): (&mut Locked, &Loaded),
    (to, answer): (&Address, &Answer),
    view: &mut View,
) -> Ended {
    let stack = &workspace.place.name;
    let question = Question { stack, address: to, loaded, api: &api_session.client, simulated: workspace.global.sim };
    let entry = adopt::entry(question, answer).await?;
    store.append(entry)?;
    view.line(&match answer {
        Answer::Made(id) => format!("The interrupted run created {id}: the next apply adopts it as {to}."),
        Answer::Nothing => format!("The interrupted run created nothing: {to} is planned again."),
    });
    Ok(Exit::Done)
}
