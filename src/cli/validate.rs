//! `validate`: checks the configuration without any request.

use super::cluster::expansion::unbound;
use super::exit::{Ended, Exit, Failure};
use super::files::Disk;
use super::offline::offline;
use super::options::Variables;
use super::session::Session;
use super::workspace::Workspace;
use crate::base::diag::Diagnostic;
use crate::lang::inputs::Inputs;
use crate::modules::Fetching;
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
    let mut workspace = session.open_with(place, &disk, Fetching::Never)?.without_personal_files();
    let mut inputs = workspace.inputs(&args.variables)?;
    // A value that is not given is taken as unknown: whoever validates need not know it.
    inputs.lenient = true;
    inputs.open_shape = true;
    let found = check(&workspace, &mut inputs, view).or_else(|failure| by_any_value(&workspace, &mut inputs, failure, view));
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

/// What there is to be said of a configuration that is valid.
fn check(workspace: &Workspace<'_>, inputs: &mut Inputs, view: &mut View) -> Result<Vec<Diagnostic>, Failure> {
    let configuration = workspace.load(inputs, false, view)?;
    let planned = offline(workspace, &unbound(workspace, &configuration)?)?;
    let mut notes = configuration.warnings().to_vec();
    notes.extend(planned.plan.notes);
    notes.extend(workspace.stood_in("what it holds is not known to `validate`"));
    Ok(notes)
}

/// What is wrong whichever values the variables get: with others than their defaults the configuration may be valid, so what is
/// wrong only with those is a warning, as for Terraform, which looks at no default here.
fn by_any_value(workspace: &Workspace<'_>, inputs: &mut Inputs, failure: Failure, view: &mut View) -> Result<Vec<Diagnostic>, Failure> {
    if failure.exit != Exit::Failed {
        return Err(failure);
    }
    inputs.open_defaults = true;
    let (left, mut told) = match check(workspace, inputs, view) {
        Ok(notes) => (Vec::new(), notes),
        Err(again) => (again.diagnostics, Vec::new()),
    };
    let same = |a: &Diagnostic, b: &Diagnostic| a.message == b.message && a.span == b.span;
    // What is found now only is no more than a question of how it is looked at.
    if left.iter().any(|error| !failure.diagnostics.iter().any(|first| same(first, error))) {
        return Err(failure);
    }
    let (kept, let_go): (Vec<_>, Vec<_>) =
        failure.diagnostics.iter().cloned().partition(|first| !first.is_error() || left.iter().any(|error| same(first, error)));
    told.extend(let_go.into_iter().map(|error| {
        let error = error.into_warning();
        let hint = format!("{} A plan with the variables' defaults fails because of it.", error.hint.as_deref().unwrap_or_default());
        error.hint(hint.trim())
    }));
    if left.is_empty() { Ok(told) } else { Err(Failure::new(Exit::Failed, kept.into_iter().chain(told).collect())) }
}
