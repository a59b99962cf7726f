//! `validate`: checks the configuration without any request.

use serde_json::json;

use super::args::ValidateArgs;
use super::clusters::unbound;
use super::exit::{Ended, Exit, Failure};
use super::files::Disk;
use super::session::Session;
use super::workplace::offline;
use crate::base::diag::Diagnostic;
use crate::ui::errors::{self, Sources};
use crate::ui::screen::Screen;

/// Runs the command.
///
/// # Errors
/// Everything that is wrong with the configuration.
pub fn run(args: &ValidateArgs, session: &Session<'_>, screen: &mut Screen) -> Ended {
    let disk = Disk;
    let place = session.find(args.stack.as_deref())?;
    let mut site = session.open(place, &disk)?;
    let mut inputs = site.inputs(&args.variables)?;
    // A value that is not given is taken as unknown: whoever validates need not know it.
    inputs.lenient = true;
    inputs.open_shape = true;
    let found = match site.load(&mut inputs, false, screen) {
        Ok(configuration) => unbound(&site, &configuration).and_then(|expanded| offline(&site, &expanded)).map(|planned| {
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
    if args.json {
        screen.line(&report(valid, &diagnostics, &site.sources).to_string());
        return if valid { Ok(Exit::Done) } else { Err(Failure::new(Exit::Failed, Vec::new())) };
    }
    if !valid {
        return Err(site.failed(diagnostics));
    }
    screen.complain(&errors::render(&diagnostics, &site.sources, screen.err_paint));
    screen.line(&format!("{} The configuration of stack {} is valid.", screen.paint.good("Success!"), site.place.name));
    Ok(Exit::Done)
}

fn report(valid: bool, diagnostics: &[Diagnostic], sources: &Sources) -> serde_json::Value {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    json!({
        "format_version": "1.0",
        "valid": valid,
        "error_count": errors,
        "warning_count": diagnostics.len() - errors,
        "diagnostics": diagnostics.iter().map(|diagnostic| errors::to_json(diagnostic, sources)).collect::<Vec<_>>(),
    })
}
