//! `validate`: checks the configuration without any request.

use super::cluster::expansion::unbound;
use super::exit::{Ended, Exit, Failure};
use super::files::Disk;
use super::offline::offline;
use super::options::Variables;
use super::session::Session;
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct ValidateArgs {
    /// The stack
    pub stack: Option<String>,
    /// The values of variables.
    #[command(flatten)]
    pub variables: Variables,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// Everything that is wrong with the configuration.
pub fn run(args: &ValidateArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let disk = Disk;
    let place = session.find(args.stack.as_deref())?;
    let mut workspace = session.open(place, &disk)?;
    let mut inputs = workspace.inputs(&args.variables)?;
    // A value that is not given is taken as unknown: whoever validates need not know it.
    inputs.lenient = true;
    inputs.open_shape = true;
    let found = match workspace.load(&mut inputs, false, view) {
        Ok(configuration) => unbound(&workspace, &configuration).and_then(|expanded| offline(&workspace, &expanded)).map(|planned| {
            let mut notes = configuration.warnings().to_vec();
            notes.extend(planned.plan.notes);
            notes
        }),
        Err(failure) => Err(failure),
    };
    let (valid, diagnostics) = match found {
        Ok(warnings) => (true, warnings),
        Err(failure) if failure.exit == Exit::Failed => (false, failure.diagnostics),
        Err(failure) => return Err(failure),
    };
    if !valid && view.is_text() {
        return Err(workspace.failed(diagnostics));
    }
    view.validation(&workspace.place.name, valid, &diagnostics, &workspace.sources);
    if valid { Ok(Exit::Done) } else { Err(Failure::new(Exit::Failed, Vec::new())) }
}
