//! `state recipients`: who may open the secrets of the stacks.
//!
//! Invariant: whoever changes the list can open what is written afterwards; after every change all secrets are encrypted
//! anew, under their stacks' locks.

use std::path::Path;

use anyhow::Context as _;

use crate::base::diag::Diagnostic;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::keys::keys;
use crate::cli::options::Locking;
use crate::cli::session::{Claim, Session};
use crate::cli::stack;
use crate::state::secrets::{self, Keys, Recipient, Written, recipients};
use crate::state::store::Locked;
use crate::ui::errors;
use crate::ui::view::View;
use clap::Subcommand;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct RecipientsArgs {
    /// The subcommand; without one they are listed.
    #[command(subcommand)]
    pub command: Option<RecipientsCommand>,
}

/// The subcommands about recipients.
#[derive(Clone, Debug, Subcommand)]
pub enum RecipientsCommand {
    /// List the recipients
    List,
    /// Add recipients, and encrypt the present secrets to them too
    Add(RecipientKeys),
    /// Remove recipients: they cannot decrypt what is written from now on
    Remove(RecipientKeys),
    /// Replace your own key with a new one
    Rotate,
}

/// Public keys.
#[derive(Clone, Debug, clap::Args)]
pub struct RecipientKeys {
    /// Public keys of age or ssh, or files that hold some; `remove` takes names too
    #[arg(value_name = "KEY|FILE", required = true)]
    pub keys: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// If a key is none, the change would lock its maker out, or a file cannot be encrypted anew.
pub async fn run(command: Option<&RecipientsCommand>, session: &Session<'_>, view: &mut View) -> Ended {
    let keys = keys(session.environment);
    if let Some(warning) = keys.exposure() {
        let text = errors::render(&[warning], &errors::Sources::new(), view.err_paint());
        view.print_err(&text);
    }
    let change = match command {
        None | Some(RecipientsCommand::List) => return list(&keys, view),
        Some(change) => change,
    };
    if !keys.recipients.is_empty() {
        return Err(Diagnostic::error("DOFLOAT_AGE_RECIPIENTS is set, so the list of recipients is not used.")
            .hint(format!("Unset it to work with {}, or change the variable.", keys.list.display()))
            .into());
    }
    let now = keys.all()?;
    let new = match change {
        RecipientsCommand::Add(args) => with(now, &args.keys)?,
        RecipientsCommand::Remove(args) => without(now, &args.keys, &keys)?,
        RecipientsCommand::Rotate | RecipientsCommand::List => renewed(&now, &keys, view)?,
    };
    session.to_the_end(written(&new, &keys, session, view)).await?;
    if matches!(change, RecipientsCommand::Remove(_)) {
        view.line("Removed recipients can still decrypt older versions, which git keeps: change those secrets if that matters.");
    }
    Ok(Exit::Done)
}

/// Writes the list, and encrypts everything to it.
async fn written(new: &[Recipient], keys: &Keys, session: &Session<'_>, view: &mut View) -> Result<(), Failure> {
    if keys.listed()?.is_some() || new != [keys.own_recipient()?] {
        keys.write_list(new)?;
    }
    for recipient in new {
        view.line(&line(recipient, keys)?);
    }
    again(keys, session, view).await
}

fn list(keys: &Keys, view: &mut View) -> Ended {
    let source = match (keys.recipients.is_empty(), keys.listed()?) {
        (false, _) => "DOFLOAT_AGE_RECIPIENTS".to_owned(),
        (true, Some(_)) => keys.list.display().to_string(),
        (true, None) => format!("the identity {}", keys.identity.display()),
    };
    view.line(&format!("Recipients of the secrets ({source}):"));
    for recipient in keys.all()? {
        view.line(&line(&recipient, keys)?);
    }
    Ok(Exit::Done)
}

fn line(recipient: &Recipient, keys: &Keys) -> Result<String, Failure> {
    let mine = if keys.own_recipients()?.contains(recipient) { "  (you)" } else { "" };
    let comment = if recipient.comment.is_empty() { String::new() } else { format!("  {}", recipient.comment) };
    Ok(format!("{recipient}{comment}{mine}"))
}

/// The keys that are given: as they are, or in a file.
fn given(texts: &[String]) -> Result<Vec<Recipient>, Failure> {
    let mut all = Vec::new();
    for text in texts {
        let read = if Path::new(text).is_file() {
            std::fs::read_to_string(text).with_context(|| format!("Failed to read {text}"))?
        } else {
            text.clone()
        };
        all.extend(recipients(&read)?);
    }
    Ok(all)
}

fn with(mut now: Vec<Recipient>, texts: &[String]) -> Result<Vec<Recipient>, Failure> {
    for recipient in given(texts)? {
        if !now.contains(&recipient) {
            now.push(recipient);
        }
    }
    Ok(now)
}

fn without(now: Vec<Recipient>, texts: &[String], keys: &Keys) -> Result<Vec<Recipient>, Failure> {
    // A comment names a recipient as well.
    let (named, texts): (Vec<&String>, Vec<&String>) = texts.iter().partition(|text| now.iter().any(|known| known.comment == **text));
    let mut leaving = given(&texts.into_iter().cloned().collect::<Vec<_>>())?;
    leaving.extend(now.iter().filter(|known| named.iter().any(|name| **name == known.comment)).cloned());
    if let Some(stranger) = leaving.iter().find(|recipient| !now.contains(recipient)) {
        return Err(Diagnostic::error(format!("{stranger} is not a recipient.")).hint("`dofloat state recipients` lists them.").into());
    }
    let (mine, left) = (keys.own_recipients()?, now.into_iter().filter(|recipient| !leaving.contains(recipient)).collect::<Vec<_>>());
    if !left.iter().any(|recipient| mine.contains(recipient)) {
        return Err(Diagnostic::error("You could no longer decrypt the secrets, nor encrypt them again.")
            .hint("Let one of the other recipients remove your key. Nothing was changed.")
            .into());
    }
    Ok(left)
}

/// The own key replaced by a new one.
fn renewed(now: &[Recipient], keys: &Keys, view: &mut View) -> Result<Vec<Recipient>, Failure> {
    let old = keys.own_recipients()?;
    if !now.iter().any(|recipient| old.contains(recipient)) {
        return Err(Diagnostic::error("Your identity is not a recipient, so there is nothing to replace.")
            .hint("Have a recipient add it first.")
            .into());
    }
    let mut new = keys.renew()?;
    view.line(&format!("{} has a new key; the old ones stay in the file, for what was written before.", keys.identity.display()));
    new.comment = now.iter().find(|recipient| old.contains(recipient)).map(|recipient| recipient.comment.clone()).unwrap_or_default();
    let others = now.iter().filter(|recipient| !old.contains(recipient)).cloned();
    Ok(std::iter::once(new).chain(others).collect())
}

/// Encrypts every stack's secrets to those who are recipients now.
async fn again(keys: &Keys, session: &Session<'_>, view: &mut View) -> Result<(), Failure> {
    let locking = Locking::at_once();
    for place in stack::with_memory(session.global)? {
        if session.stopped() {
            return Err(interrupted());
        }
        let work = async |_: &mut Locked, view: &mut View| {
            if secrets::rekey(&place.store().secrets, keys)? == Written::Changed {
                view.line(&format!("The secrets of {} were encrypted again.", place.name));
            }
            Ok(Exit::Done)
        };
        let claim = Claim { place: &place, locking: &locking, command: "state recipients" };
        let ended = session.with_lock(claim, view, work).await;
        ended.map_err(|failure| if failure.exit == Exit::Interrupted { interrupted() } else { failure })?;
    }
    Ok(())
}

fn interrupted() -> Failure {
    let error = Diagnostic::error("Interrupted before all secrets were encrypted again.")
        .hint("The list has already changed: run the same command again to finish.");
    Failure::new(Exit::Interrupted, vec![error])
}
