//! Stacks to begin with: files that are written into an empty folder, and are then the user's own.
//!
//! Invariant: nothing that is there is written over. The files are those that come with the program, and each applies under `--sim`
//! as it is.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::Path;

use anyhow::Context as _;

use super::exit::{Ended, Exit, Failure};
use crate::base::diag::Diagnostic;
use crate::base::durable::{OWN_FOLDER, make_folder, write_new};
use crate::ui::view::View;

/// A stack to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Template {
    /// Two servers, an address that moves by itself when one dies, and fencing
    Pair,
    /// Two web servers behind one floating IP, with a domain and a firewall
    Web,
    /// The pair of the tutorial: Ubuntu 14.04, no fencing
    Tutorial,
}

impl Template {
    const ALL: [Self; 3] = [Self::Pair, Self::Web, Self::Tutorial];

    /// The stack's name, its text, and what it is in a line.
    fn parts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Pair => (
                "ha-modern",
                include_str!("../../plans/ha-modern.tf"),
                "two servers, an address that moves by itself when one dies, and fencing",
            ),
            Self::Web => {
                ("web", include_str!("../../plans/web.tf"), "two web servers behind one floating IP, with a domain and a firewall")
            }
            Self::Tutorial => ("ha", include_str!("../../plans/ha.tf"), "the pair of the tutorial: Ubuntu 14.04, no fencing"),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Pair => "pair",
            Self::Web => "web",
            Self::Tutorial => "tutorial",
        }
    }

    /// Writes the file, and says what to do next.
    ///
    /// # Errors
    /// If there is a file of that name, or it cannot be written.
    pub(super) fn write(self, view: &mut View) -> Ended {
        let (stack, text, _) = self.parts();
        let path = format!("plans/{stack}.tf");
        make_folder(Path::new("plans")).context("Failed to make the folder plans")?;
        if !write_new(Path::new(&path), text.as_bytes(), 0o644).with_context(|| format!("Failed to write {path}"))? {
            return Err(Diagnostic::error(format!("There is a file {path}: it is left as it is."))
                .hint("Rename it, or plan it with `dofloat plan`.")
                .into());
        }
        let ignored = format!("/{OWN_FOLDER}\n");
        let also = write_new(Path::new(".gitignore"), ignored.as_bytes(), 0o644).context("Failed to write .gitignore")?;
        view.line(&format!(
            "Written: {path}{}. It is yours: read it, and change what you like.",
            if also { " and .gitignore" } else { "" }
        ));
        view.line("");
        view.line(&format!("  dofloat apply {stack} --sim   tries it in the built-in simulator, which needs no account"));
        view.line(&format!("  dofloat scopes {stack}        says which token it needs"));
        view.line(&format!("  dofloat plan {stack}          shows what an apply would create, and what it would cost"));
        Ok(Exit::Done)
    }
}

/// Offers the stacks where there is none yet: asks on a terminal, and else says what to type.
///
/// # Errors
/// If nothing is chosen.
pub(super) fn offer(may_ask: bool, view: &mut View) -> Ended {
    let numbered = Template::ALL.iter().enumerate();
    let choices: String = numbered.map(|(nth, template)| format!("  {}  {}: {}\n", nth + 1, template.word(), template.parts().2)).collect();
    if !(may_ask && io::stdin().is_terminal() && view.is_text()) {
        let words = Template::ALL.map(Template::word).join("|");
        return Err(Failure::usage(
            Diagnostic::error("There is no stack: neither this folder nor plans/ holds a *.tf file.")
                .hint(format!("Write one, or let one be written to begin with: `dofloat init -template={words}`.")),
        ));
    }
    view.print(&format!("There is no stack here yet. One to begin with:\n\n{choices}\n  Enter a number, or nothing to leave it: "));
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).context("Failed to read the answer")?;
    let answer = answer.trim();
    let chosen = Template::ALL.iter().enumerate().find(|(nth, template)| answer == (nth + 1).to_string() || answer == template.word());
    match chosen {
        Some((_, template)) => template.write(view),
        None => {
            view.line("Nothing is written.");
            Ok(Exit::Done)
        }
    }
}
