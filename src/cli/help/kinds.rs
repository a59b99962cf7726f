//! The pages of resource types and data sources, and the list of them. `docs/kinds` holds the same.
//!
//! Invariant: whatever a page says is in a table: that of the kind, of the data source, or of the cluster's arguments.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::types::Type;
use crate::base::value::{Body, Term, Value};
use crate::bootstrap::schema::{self, Default};
use crate::kinds::attr::{Attr, Change, Lit, Ty};
use crate::kinds::data::{locals, source, sources};
use crate::kinds::erased::AnyKind;
use crate::kinds::examples::{Example, example};
use crate::kinds::scopes::{Operation, needed};
use crate::kinds::valid::Valid;
use crate::kinds::{KINDS, LOCAL, kind};
use crate::ui::kind_page::{self, Subject};

/// What may be left out of a name.
const PREFIX: &str = "digitalocean_";

/// What is worth knowing of a cluster's arguments.
const CHANGES: &str = "A changed argument is applied one node at a time, behind a health check; `dofloat plan` says what each change does. \
                       `dofloat scopes` prints the scopes of the token that `failover_token` gives to the nodes.";

/// The name that is meant: with or without `data.` or the prefix.
fn full(name: &str) -> Option<String> {
    let name = name.strip_prefix("data.").unwrap_or(name);
    [name.to_owned(), format!("{PREFIX}{name}"), format!("dofloat_{name}")].into_iter().find(|name| is_there(name))
}

fn is_there(name: &str) -> bool {
    kind(name).is_some() || source(name).is_some() || name == schema::KIND
}

/// The name of every page, in order.
#[must_use]
pub fn names() -> BTreeSet<String> {
    let kinds = KINDS.iter().chain(LOCAL).map(|kind| kind.name());
    kinds.chain(sources().chain(locals()).map(|source| source.name)).chain([schema::KIND]).map(str::to_owned).collect()
}

/// Every name that is understood: in full, and short.
pub fn spellings() -> impl Iterator<Item = String> {
    names().into_iter().flat_map(|name| [name.strip_prefix(PREFIX).map(str::to_owned), Some(name)]).flatten()
}

/// Every page by its name.
#[must_use]
pub fn pages() -> BTreeMap<String, String> {
    names().into_iter().filter_map(|name| Some((name.clone(), page(&name)?))).collect()
}

/// The page of a name.
#[must_use]
pub fn page(name: &str) -> Option<String> {
    let name = full(name)?;
    let cluster = cluster_rows();
    let mut subjects = Vec::new();
    if let (Some(kind), Some(example)) = (kind(&name), example(&name)) {
        subjects.push(of_kind(kind, example));
    }
    if let Some(example) = example(&name).filter(|_| name == schema::KIND) {
        let remark = CHANGES;
        let scopes = Vec::new();
        subjects.push(Subject { title: "Resource", example, rows: &cluster, remark, import: None, scopes });
    }
    if let (Some(source), Some(example)) = (source(&name), example(&format!("data.{name}"))) {
        let scopes = vec![("read", source.scopes().into_iter().collect())];
        subjects.push(Subject { title: "Data source", example, rows: source.rows(), remark: "", import: None, scopes });
    }
    Some(kind_page::page(&name, &subjects))
}

/// All pages in a list, resource types first.
#[must_use]
pub fn index() -> String {
    let listed = |data: &str| {
        let all = names().into_iter().filter_map(|name| Some(kind_page::entry(&name, &example(&format!("{data}{name}"))?.what)));
        all.collect::<String>()
    };
    format!(
        "# Resource types and data sources\n\n`dofloat help kind NAME` shows the page of one; `{PREFIX}` may be left out.\n\n\
         ## Resources\n\n{}\n## Data sources\n\n{}",
        listed(""),
        listed("data.")
    )
}

fn of_kind(kind: &'static dyn AnyKind, example: Example) -> Subject<'static> {
    let is_edited = kind.attrs().iter().any(|row| !matches!(row.change, Change::Replace | Change::Local | Change::Never));
    let operations =
        [("read", Operation::Read), ("create", Operation::Create), ("change in place", Operation::Update), ("delete", Operation::Delete)];
    let asked = operations.into_iter().filter(|(_, operation)| is_edited || *operation != Operation::Update);
    let none = Term::map(BTreeMap::new());
    let scopes = asked.map(|(what, operation)| (what, needed(kind, operation, &none))).collect();
    let import = match example.import {
        Some(given) => Some(given.to_owned()),
        None if kind.is_local() => None,
        None => import_form(kind),
    };
    Subject { title: "Resource", example, rows: kind.attrs(), remark: "", import, scopes }
}

/// What an object is imported by: the identity of one whose attributes are their own names.
fn import_form(kind: &dyn AnyKind) -> Option<String> {
    let named: Body = kind.attrs().iter().map(|row| (row.name.to_owned(), Value::from(row.name))).collect();
    kind.identity(&named).map(|id| id.0.to_uppercase())
}

/// The arguments and results of a cluster, as rows of a table.
#[must_use]
pub fn cluster_rows() -> Vec<Attr> {
    let argument = |argument: &schema::Argument| {
        let (name, ty, doc) = (argument.name, ty(&argument.ty()), argument.doc);
        let optional = Attr::optional(name, ty, Change::Local, doc);
        let row = match argument.default {
            Default::Needed => Attr::required(name, ty, Change::Local, doc),
            Default::Nothing | Default::Texts(_) => optional,
            Default::Text(text) => optional.default(Lit::Str(text)),
            Default::Number(number) => optional.default(Lit::Int(number)),
            Default::Bool(bool) => optional.default(Lit::Bool(bool)),
        };
        if argument.one_of.is_empty() { row } else { row.valid(Valid::OneOf(argument.one_of)) }
    };
    let results = schema::RESULTS.iter().map(|(name, doc)| Attr::computed(name, Ty::String, doc));
    schema::arguments().iter().map(argument).chain(results).collect()
}

fn ty(ty: &Type) -> Ty {
    match ty {
        Type::Bool => Ty::Bool,
        Type::Number => Ty::Number,
        Type::String => Ty::String,
        Type::Set(_) => Ty::Set(&Ty::String),
        _ => Ty::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_with_and_without_its_prefix() {
        for name in ["droplet", "digitalocean_droplet", "data.digitalocean_droplet", "data.droplet"] {
            assert_eq!(full(name).as_deref(), Some("digitalocean_droplet"), "{name}");
        }
        assert_eq!(full("cluster").as_deref(), Some("dofloat_cluster"));
        assert_eq!(full("nothing"), None);
    }

    #[test]
    fn the_import_id_is_what_an_identity_is_made_of() {
        let form = |name: &str| kind(name).and_then(import_form).unwrap_or_default();
        assert_eq!(form("digitalocean_droplet"), "ID");
        assert_eq!(form("digitalocean_record"), "DOMAIN,ID");
        assert_eq!(form("digitalocean_database_user"), "CLUSTER_ID,NAME");
        assert_eq!(form("digitalocean_spaces_bucket"), "REGION,NAME");
    }
}
