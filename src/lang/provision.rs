//! The provisioners of an instance, with their values; and what is told of those that are not run.
//!
//! Invariant: `self` is what the caller says the instance is; what is run before a destruction needs nothing else.

use super::ast::Name;
use super::body;
use super::declaration::{Repeat, Resource};
use super::instances::Here;
use super::provisioner::{Provisioner as Block, connection, settings};
use super::scope::Names;
use super::tree::Tree;
use super::value::Val;
use dofloat_base::address::{Address, Key};
use dofloat_base::diag::Diagnostic;
use dofloat_base::provision::Provisioner;
use dofloat_base::value::Term;

/// A provisioner with its values.
///
/// # Errors
/// What is wrong in its expressions.
pub(super) fn valued(names: &Names<'_>, block: &Block) -> Result<Provisioner, Vec<Diagnostic>> {
    let eval = names.eval();
    let fields = |term: Term| term.entries().unwrap_or_default();
    let own = settings(&block.kind).map_or_else(|| Ok(Term::null()), |types| body::term(&eval, &block.settings, types));
    let reached = body::term(&eval, &block.connection, connection());
    let (own, reached) = match (own, reached) {
        (Ok(own), Ok(reached)) => (own, reached),
        (own, reached) => return Err(own.err().into_iter().chain(reached.err()).flatten().collect()),
    };
    Ok(Provisioner {
        kind: block.kind.clone(),
        settings: fields(own),
        connection: fields(reached),
        goes_on: block.goes_on,
        span: block.span.clone(),
    })
}

/// What `count` and `each` are in an instance, also in one that the block does not make any more.
pub(super) fn here(resource: &Resource, key: Option<&Key>) -> Here {
    match (&resource.repeat, key) {
        (Repeat::Count(_), Some(Key::Index(at))) => Here::Count(Val::number(*at)),
        (Repeat::ForEach(_), Some(Key::Name(name))) => Here::Each(Val::string(name), Val::null()),
        _ => Here::Plain,
    }
}

/// Where a provisioner stands, which may be run or not.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The resource, without keys.
    pub of: String,
    /// The provisioner's block.
    pub span: dofloat_base::diag::Span,
}

/// The resources that have provisioners, each with the first of them.
pub(super) fn places(tree: &Tree) -> Vec<Place> {
    let mut found = Vec::new();
    for (at, entry) in tree.entries.iter().enumerate() {
        let module = tree.address(at);
        for ((kind, name), resource) in &entry.module.resources {
            let Some(first) = resource.provisioners.first() else { continue };
            let of = Address::new(kind, name).inside(module.as_ref()).to_string();
            found.push(Place { of, span: first.span.clone() });
        }
    }
    found
}

/// How many further places are shown with their lines.
const SHOWN: usize = 12;

/// What is told of provisioners that are not run: an error for whoever is about to do what is planned.
pub(super) fn told(places: &[Place]) -> Option<Diagnostic> {
    let (first, rest) = places.split_first()?;
    let names = places.iter().map(|place| place.of.as_str()).collect::<Vec<_>>().join(", ");
    let mut told = Diagnostic::error(format!("Provisioners are not run: {names}.")).at(first.span.clone()).hint(
        "They run programs of the configuration, here and on the servers. `-allow-provisioners` runs them, `-skip-unsupported` applies \
         without them. What a droplet does at its first start belongs into `user_data`: `dofloat help provisioners` shows how.",
    );
    told.related.extend(rest.iter().take(SHOWN).map(|place| (place.span.clone(), format!("of {}", place.of))));
    Some(if rest.is_empty() { told.about(&first.of) } else { told })
}

/// Evaluates the provisioners of a resource once while nothing is known of it, so that what is wrong is told before anything is
/// made.
pub(super) fn check(names: &Names<'_>, resource: &Resource, this: &Val, name: &Name) -> Vec<Diagnostic> {
    let about = Address::new(&name.0, &name.1).to_string();
    let names = names.clone().with_self(this.clone());
    let failed = resource.provisioners.iter().filter_map(|block| valued(&names, block).err()).flatten();
    failed.map(|error| Diagnostic { address: error.address.or_else(|| Some(about.clone())), ..error }).collect()
}
