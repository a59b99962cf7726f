//! The argument `arbiter`: the address of a host that is one, or a block for a droplet of its own.
//!
//! Invariant: as of `schema`.

use std::collections::BTreeMap;

use super::block::{Block, Complaint, text};
use crate::user_data::Release;
use dofloat_base::diag::did_you_mean;
use dofloat_base::value::Term;

/// The third vote of a pair.
#[derive(Clone, Debug)]
pub enum Arbiter {
    /// A droplet of its own, with all that it is made of.
    Own(BTreeMap<String, Term>),
    /// A host that is one already.
    At(Term),
}

/// The arguments of the block.
const NAMES: [&str; 4] = ["region", "size", "image", "ssh_keys"];

/// The smallest droplet is big enough: it holds a connection to each node.
const SIZE: &str = "s-1vcpu-512mb-10gb";

impl Arbiter {
    /// The arbiter of a cluster whose arguments are read.
    #[must_use]
    pub fn of(block: &Block) -> Option<Self> {
        let term = block.get("arbiter")?;
        Some(match term.entries() {
            Some(entries) => Self::Own(entries),
            None => Self::At(term.clone()),
        })
    }
}

/// Fills in what a block leaves out: the region, image and keys of the nodes.
pub(super) fn fill(block: &mut Block) -> Result<(), Complaint> {
    let Some(term) = block.get("arbiter") else { return Ok(()) };
    let mut written = match term.items() {
        Some(items) => match items.as_slice() {
            [one] => one.entries(),
            _ => return Err(complaint(format!("A cluster has one arbiter, not {}.", items.len()), "Keep one of them.")),
        },
        None => term.entries(),
    };
    let Some(entries) = written.as_mut() else { return Ok(()) };
    entries.retain(|_, term| !term.is_null());
    if let Some(name) = entries.keys().find(|name| !NAMES.contains(&name.as_str())) {
        let hint = match did_you_mean(name, NAMES.iter().copied()) {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None => format!("It has: {}.", NAMES.join(", ")),
        };
        return Err(complaint(format!("There is no argument `{name}` in `arbiter`."), hint));
    }
    for name in NAMES {
        let default = if name == "size" { Some(Term::from(SIZE)) } else { block.get(name).cloned() };
        if let Some(default) = default {
            entries.entry(name.to_owned()).or_insert(default);
        }
    }
    let whole = Term::map(entries.clone());
    block.insert("arbiter".to_owned(), whole);
    Ok(())
}

/// Checks what conflicts with an arbiter, and what is not a valid one.
pub(super) fn complaints(block: &Block) -> Vec<Complaint> {
    let mut all = Vec::new();
    match Arbiter::of(block) {
        None => return all,
        Some(Arbiter::At(term)) => {
            let plain =
                |text: &str| !text.is_empty() && text.len() <= 253 && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-:".contains(c));
            let known = term.value().map(|value| value.as_str().is_some_and(plain));
            if known == Some(false) {
                all.push(complaint(
                    "`arbiter` is not a valid host address.".to_owned(),
                    "Write the address or the name of a host that is an arbiter, or a block for one of its own: `arbiter {}`.",
                ));
            }
        }
        Some(Arbiter::Own(entries)) => {
            let image = entries.get("image").and_then(Term::value).and_then(|value| value.as_str().map(str::to_owned));
            if let Some(image) = image.filter(|image| Release::of_image(image) != Some(Release::Modern)) {
                all.push(complaint(format!("An arbiter cannot be built on `{image}`."), "Remove `image`: the nodes' image is used then."));
            }
        }
    }
    if let Some(image) = text(block, "image").filter(|image| Release::of_image(image) == Some(Release::Trusty)) {
        all.push(complaint(
            format!("The corosync of {image} has no support for an arbiter."),
            "Remove `arbiter`, or use a newer image, for example \"ubuntu-24-04-x64\".",
        ));
    }
    if text(block, "no_quorum_policy") == Some("ignore") {
        all.push(complaint(
            "An arbiter is of no use where `no_quorum_policy` is \"ignore\": a node without its vote would serve all the same.".to_owned(),
            "Remove `no_quorum_policy`, or the arbiter.",
        ));
    }
    all
}

fn complaint(message: String, hint: impl Into<String>) -> Complaint {
    Complaint { argument: "arbiter", message, hint: hint.into() }
}
