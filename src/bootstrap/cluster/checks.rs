//! What is wrong with clusters that lie in one stack, and what a cluster's settings risk.
//!
//! Invariant: nothing is changed, and each word stands at the argument that it is about. It must not know how a cluster is expanded.

use std::collections::{BTreeMap, BTreeSet};

use super::super::children::Part;
use super::super::schema::{Block, text};
use super::super::user_data::Release;
use super::super::{user_script, zones};
use super::{Expanded, unknown};
use dofloat_base::address::Address;
use dofloat_base::diag::Diagnostic;
use dofloat_base::value::{Term, Value};

impl Expanded<'_> {
    /// Warnings about a cluster before its nodes are created.
    #[must_use]
    pub fn warnings(&self, cluster: &Address) -> Vec<Diagnostic> {
        let Ok(block) = self.block(cluster, &unknown) else { return Vec::new() };
        let at = |argument: &'static str, message: String, hint: &str| {
            Diagnostic::warning(message).at(self.inner.span(cluster, &[argument])).about(cluster).hint(hint)
        };
        let mut all = Vec::new();
        if text(&block, "fencing") == Some("none") {
            all.push(at(
                "fencing",
                format!("{cluster} has no fencing: while its nodes do not see each other, each believes that the other is dead."),
                "Both take the address, in turns or at once. Static pages survive that; written data does not. \
                 `fencing = \"api\"` resets one of them; its token then needs the scopes for that.",
            ));
        }
        if text(&block, "no_quorum_policy") == Some("ignore") {
            all.push(at(
                "no_quorum_policy",
                format!("{cluster} ignores quorum: a node that boots alone takes the address, whatever the other does."),
                "With \"stop\" it waits until it has seen the other once, so that there are never two owners; in return, a lone \
                 survivor of a blackout does not serve until the other is back.",
            ));
        }
        if let Some((old, new)) = text(&block, "timezone").and_then(|old| Some((old, zones::successor(old)?))) {
            all.push(at(
                "timezone",
                format!("`{old}` is an old name of the time zone \"{new}\", which current systems may no longer have."),
                "Use the current name.",
            ));
        }
        let anonymous = |value: &Value| value.as_str().is_some_and(user_script::is_anonymous);
        if block.get("user_data").and_then(Term::value).is_some_and(anonymous) {
            all.push(at(
                "user_data",
                format!("The script in `user_data` of {cluster} does not begin with `#!`: /bin/sh runs it."),
                "Begin it with `#!/bin/sh`.",
            ));
        }
        let release = text(&block, "image").and_then(Release::of_image);
        if text(&block, "transport") == Some("udpu") && release == Some(Release::Modern) {
            all.push(at(
                "transport",
                format!("With udpu the corosync of {cluster} uses no key: anyone in its private network can join or disturb it."),
                "Remove `transport`: knet encrypts and authenticates.",
            ));
        }
        all
    }

    /// Nodes of one name, and clusters of one tag: what is lost could not be told apart.
    pub(super) fn duplicates(&self, parts: &BTreeMap<Address, BTreeMap<Address, BTreeSet<Address>>>) -> Vec<Diagnostic> {
        if self.context.leaving {
            return Vec::new();
        }
        let mut seen: BTreeMap<String, &Address> = BTreeMap::new();
        let mut errors = Vec::new();
        for (cluster, parts) in parts {
            let tag = format!("the tag `{}`", self.cluster_context(cluster, &Block::new(), &unknown).tag());
            let names = parts.keys().filter_map(|part| match Part::of(part) {
                Some(Part::Node(name)) => Some(format!("a node named `{name}`")),
                _ => None,
            });
            for name in std::iter::once(tag).chain(names) {
                if let Some(other) = seen.insert(name.clone(), cluster) {
                    errors.push(
                        Diagnostic::error(format!("{other} and {cluster} both have {name}."))
                            .at(self.inner.span(cluster, &["nodes"]))
                            .about(cluster)
                            .hint(
                                "They identify an object whose creation was interrupted: give each its own, for example with \
                                 `each.key` in the names.",
                            ),
                    );
                }
            }
        }
        errors.extend(self.namesakes(parts));
        errors
    }

    /// An arbiter knows a pair by the name of its cluster: two of one name would be one to it.
    fn namesakes(&self, parts: &BTreeMap<Address, BTreeMap<Address, BTreeSet<Address>>>) -> Vec<Diagnostic> {
        let mut seen: BTreeMap<String, &Address> = BTreeMap::new();
        let mut errors = Vec::new();
        for cluster in parts.keys() {
            let Some(name) = self.known_to_arbiter(cluster) else { continue };
            if let Some(other) = seen.insert(name.clone(), cluster) {
                errors.push(
                    Diagnostic::error(format!("{other} and {cluster} have an arbiter, and both have the `cluster_name` \"{name}\"."))
                        .at(self.inner.span(cluster, &["cluster_name"]))
                        .about(cluster)
                        .hint("An arbiter knows a pair by that name: give each its own."),
                );
            }
        }
        errors
    }
}
