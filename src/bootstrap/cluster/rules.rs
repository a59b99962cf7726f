//! The lifecycle rules of a cluster's block, as they apply to its parts.
//!
//! Invariant: what a user protects on the block is protected on every part.

use std::collections::BTreeSet;

use super::super::children::Part;
use dofloat_base::desired::{Hold, Ignore, Lifecycle, Prevent};

/// The lifecycle rules of the block as they apply to a part.
pub(super) fn rules_of(part: Part<'_>, block: &Lifecycle, powers_on: bool) -> Lifecycle {
    let ignored = |names: &[&str]| Ignore::Names(names.iter().map(|name| (*name).to_owned()).collect());
    let prevent_destroy = block.prevent_destroy.clone();
    match part {
        Part::Node(_) => {
            let mut ignore_changes = match &block.ignore_changes {
                Ignore::Names(names) => {
                    let own = ["image", "size", "ssh_keys", "tags", "monitoring", "backups", "vpc_uuid", "region"];
                    let mut all: BTreeSet<String> = names.iter().filter(|name| own.contains(&name.as_str())).cloned().collect();
                    // The image, and whatever is no attribute of a droplet, is what the user-data is made from.
                    let apart = |name: &str| own.contains(&name) || name == "power_state";
                    if names.iter().any(|name| name == "image" || !apart(name)) {
                        all.insert("user_data".to_owned());
                    }
                    Ignore::Names(all)
                }
                other => other.clone(),
            };
            if !powers_on {
                ignore_changes = match ignore_changes {
                    Ignore::Nothing => ignored(&["status"]),
                    Ignore::Names(names) => Ignore::Names(names.into_iter().chain(["status".to_owned()]).collect()),
                    Ignore::All => Ignore::All,
                };
            }
            Lifecycle {
                prevent_destroy,
                ignore_changes,
                replace_triggered_by: block.replace_triggered_by.clone(),
                hold: Hold::Always,
                ..Lifecycle::default()
            }
        }
        // A new one comes first: the old one is given back when nobody needs it any more.
        Part::Address => {
            Lifecycle { create_before_destroy: true, prevent_destroy: prevent_destroy.or(Some(Prevent::Default)), ..Lifecycle::default() }
        }
        Part::Assignment => Lifecycle { prevent_destroy, ignore_changes: ignored(&["droplet_id"]), ..Lifecycle::default() },
        Part::Keys | Part::Tag | Part::Vpc | Part::Firewall | Part::Arbiter | Part::ArbiterFirewall => {
            Lifecycle { prevent_destroy, ..Lifecycle::default() }
        }
    }
}
