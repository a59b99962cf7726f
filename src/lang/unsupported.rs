//! What of a stack's files is not supported: other providers' resources, and blocks that there are not yet.
//!
//! Invariant: it is all found before anything is declared, so that it is told at once, with its size; where it is left out, so is
//! all that refers to it, and nothing is left out in silence. What a block could be instead is said in `instead`.

use std::collections::{BTreeMap, BTreeSet};

use super::ast::{Block, Body};
use super::instead::instead_of;
use super::reach::{Node, of_body, of_expr};
use dofloat_base::diag::{Diagnostic, Span, did_you_mean};
use dofloat_base::types::Schemas;

/// Blocks that Terraform has and this program does not have yet.
const BLOCKS: &[&str] = &["check", "ephemeral"];

/// The providers whose resource types are known here, so that one that is not is a slip of the hand.
const OWN: [&str; 3] = ["digitalocean", "dofloat", "terraform"];

/// Something that is not supported.
#[derive(Clone, Debug)]
struct Thing {
    /// As it is named in messages: `helm_release.ingress`, `data.aws_ami.a`, `module.a`.
    name: String,
    /// By whom it is provided; the block's type where nobody provides it.
    provider: String,
    span: Span,
    /// Whether it is a resource or a data source, by which the size of a configuration is told.
    counts: bool,
}

/// What is left out because it refers to something that is.
#[derive(Clone, Debug)]
struct Hanging {
    name: String,
    on: String,
    span: Span,
}

/// What of a stack's files is not supported, and what hangs on it.
#[derive(Clone, Debug, Default)]
pub struct LeftOut {
    things: Vec<Thing>,
    /// Resources with provisioners, by their addresses. The resources themselves are left in.
    provisioned: BTreeMap<String, Span>,
    hanging: Vec<Hanging>,
    /// How many resources and data sources are supported.
    supported: usize,
    /// Providers that are configured, and that nothing of is supported.
    configured: BTreeMap<String, Span>,
}

/// The types that are supported, each asked for once.
struct Known<'s> {
    schemas: &'s dyn Schemas,
    names: Vec<String>,
    asked: BTreeMap<String, bool>,
}

impl Known<'_> {
    fn has(&mut self, kind: &str) -> bool {
        if let Some(has) = self.asked.get(kind) {
            return *has;
        }
        let has = self.schemas.resource(kind).is_some();
        self.asked.insert(kind.to_owned(), has);
        has
    }
}

/// Takes what is not supported out of the files, with all that refers to it.
pub(super) fn take_out(bodies: &mut [Body], schemas: &dyn Schemas) -> LeftOut {
    let mut known = Known { schemas, names: schemas.resource_names(), asked: BTreeMap::new() };
    let mut left = LeftOut::default();
    let mut gone: BTreeMap<Node, String> = BTreeMap::new();
    for body in bodies.iter_mut() {
        body.blocks.retain(|block| match thing(block, &mut known) {
            Some(thing) => {
                gone.extend(node(block).map(|node| (node, thing.name.clone())));
                left.things.push(thing);
                false
            }
            None => !is_strange_provider(block, &known.names, &mut left),
        });
        // What a provisioner refers to does not keep its resource from being planned.
        body.blocks.iter_mut().filter(|block| block.kind == "resource").for_each(|block| without_provisioners(block, &mut left));
    }
    while !gone.is_empty() && take_hanging(bodies, &mut gone, &mut left) {}
    let LeftOut { provisioned, hanging, .. } = &mut left;
    provisioned.retain(|of, _| hanging.iter().all(|hanging| hanging.name != *of));
    let all = bodies.iter().flat_map(|body| &body.blocks);
    left.supported = all.filter(|block| matches!(block.kind.as_str(), "resource" | "data")).count();
    left
}

fn labels(block: &Block) -> Option<(&str, &str)> {
    match block.labels.as_slice() {
        [(kind, _), (name, _)] => Some((kind, name)),
        _ => None,
    }
}

/// What others refer to a block by.
fn node(block: &Block) -> Option<Node> {
    let pair = || labels(block).map(|(kind, name)| (kind.to_owned(), name.to_owned()));
    match block.kind.as_str() {
        "resource" => pair().map(|(kind, name)| Node::Resource(kind, name)),
        "data" => pair().map(|(kind, name)| Node::Data(kind, name)),
        "module" => block.labels.first().map(|(name, _)| Node::Module(name.clone())),
        _ => None,
    }
}

/// The block, if it is not supported.
fn thing(block: &Block, known: &mut Known<'_>) -> Option<Thing> {
    let of = |name: String, provider: &str, counts| Thing { name, provider: provider.to_owned(), span: block.header.clone(), counts };
    match (block.kind.as_str(), labels(block)) {
        ("resource", Some((kind, name))) if !known.has(kind) && !is_slip(kind, &known.names) => {
            Some(of(format!("{kind}.{name}"), provider(kind), true))
        }
        ("data", Some((kind, name))) => {
            let source = format!("data.{kind}");
            (!known.has(&source)).then(|| of(format!("{source}.{name}"), provider(kind), true))
        }
        (other, _) if BLOCKS.contains(&other) => {
            let name = block.labels.iter().map(|(label, _)| format!(".{label}")).collect::<String>();
            Some(of(format!("{other}{name}"), other, false))
        }
        _ => None,
    }
}

fn provider(kind: &str) -> &str {
    kind.split('_').next().unwrap_or(kind)
}

/// Whether a type that there is not is one that there is, misspelt. That is told where names are checked.
fn is_slip(kind: &str, known: &[String]) -> bool {
    let prefix = provider(kind);
    let rest = |kind: &str| kind.split_once('_').map(|(_, rest)| rest.to_owned()).unwrap_or_default();
    if OWN.contains(&prefix) {
        let names: Vec<String> = known.iter().filter(|name| provider(name) == prefix).map(|name| rest(name)).collect();
        return did_you_mean(&rest(kind), names.iter().map(String::as_str)).is_some();
    }
    did_you_mean(prefix, OWN).is_some() || !kind.contains('_')
}

/// A `provider` block of somebody else's. Where something of that provider is built in, it needs no settings.
fn is_strange_provider(block: &Block, known: &[String], left: &mut LeftOut) -> bool {
    let Some((name, span)) = block.labels.first().filter(|_| block.kind == "provider" && block.labels.len() == 1) else { return false };
    if name == "digitalocean" || did_you_mean(name, OWN).is_some() {
        return false;
    }
    if !known.iter().any(|kind| provider(kind) == name) {
        left.configured.insert(name.clone(), span.clone());
    }
    true
}

/// Takes out of a resource what would run on its server.
fn without_provisioners(block: &mut Block, left: &mut LeftOut) {
    let of = labels(block).map(|(kind, name)| format!("{kind}.{name}")).unwrap_or_default();
    if let Some(first) = block.body.blocks("provisioner").next() {
        left.provisioned.insert(of, first.header.clone());
    }
    block.body.blocks.retain(|inner| !matches!(inner.kind.as_str(), "provisioner" | "connection"));
}

/// Takes out what refers to something that is gone; whether anything was.
fn take_hanging(bodies: &mut [Body], gone: &mut BTreeMap<Node, String>, left: &mut LeftOut) -> bool {
    let mut found = false;
    for body in bodies.iter_mut() {
        body.blocks.retain_mut(|block| {
            let first = |nodes: BTreeSet<Node>, gone: &BTreeMap<Node, String>| nodes.iter().find_map(|node| gone.get(node).cloned());
            match block.kind.as_str() {
                "locals" => {
                    block.body.attrs.retain(|attr| {
                        let mut nodes = BTreeSet::new();
                        of_expr(&attr.value, &[], &mut nodes);
                        let Some(on) = first(nodes, gone) else { return true };
                        gone.insert(Node::Local(attr.name.clone()), on.clone());
                        left.hanging.push(Hanging { name: format!("local.{}", attr.name), on, span: attr.span.clone() });
                        found = true;
                        false
                    });
                    true
                }
                "provider" => {
                    block.body.attrs.retain(|attr| {
                        let mut nodes = BTreeSet::new();
                        of_expr(&attr.value, &[], &mut nodes);
                        let Some(on) = first(nodes, gone) else { return true };
                        left.hanging.push(Hanging { name: format!("`{}` of the provider", attr.name), on, span: attr.span.clone() });
                        found = true;
                        false
                    });
                    true
                }
                "variable" | "terraform" => true,
                kind => {
                    let Some(on) = first(of_body(&block.body), gone) else { return true };
                    let told = match (kind, node(block)) {
                        (_, Some(node)) => {
                            gone.insert(node, on.clone());
                            let data = if kind == "resource" { "" } else { "data." };
                            labels(block).map_or_else(
                                || format!("module.{}", block.labels.first().map_or("", |(name, _)| name)),
                                |(kind, name)| format!("{data}{kind}.{name}"),
                            )
                        }
                        ("output", _) => format!("output.{}", block.labels.first().map_or("", |(name, _)| name)),
                        _ => format!("a {kind} block"),
                    };
                    left.hanging.push(Hanging { name: told, on, span: block.header.clone() });
                    found = true;
                    false
                }
            }
        });
    }
    found
}

impl LeftOut {
    /// What is told of provisioners, which are not run: an error for whoever is about to do what is planned.
    #[must_use]
    pub fn provisioners(&self) -> Option<Diagnostic> {
        let mut places = self.provisioned.iter();
        let (of, span) = places.next()?;
        let names = self.provisioned.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let mut told = Diagnostic::error(format!("Provisioners are not run: {names}.")).at(span.clone()).hint(
            "What a droplet does at its first start belongs into `user_data`; the rest can be run after an apply. `-skip-unsupported` applies \
             without them.",
        );
        told.related.extend(places.take(SHOWN).map(|(of, span)| (span.clone(), format!("of {of}"))));
        Some(if self.provisioned.len() == 1 { told.about(of) } else { told })
    }

    /// What is left out that this address belongs to, if it is, and on what that hangs.
    #[must_use]
    pub fn holds(&self, address: &str) -> Option<(&str, &str)> {
        let of = |name: &str| address.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        self.hanging.iter().find(|hanging| of(&hanging.name)).map(|hanging| (hanging.name.as_str(), hanging.on.as_str()))
    }

    /// One message that tells it all: an error, or a warning where it is left out. Nothing where there is nothing to tell.
    #[must_use]
    pub(super) fn told(&self, skipped: bool) -> Option<Diagnostic> {
        let Some(first) = self.things.first() else {
            let (_, span) = self.configured.first_key_value()?;
            let names = self.configured.keys().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
            let told = format!("Nothing of the provider {names} is supported, so its block has no effect.");
            return Some(Diagnostic::warning(told).at(span.clone()));
        };
        let mut told = Diagnostic::error(self.summary(skipped)).at(first.span.clone()).hint(self.advice(skipped));
        let others = self.things.iter().skip(1).map(|thing| (thing.span.clone(), format!("{} is not supported", thing.name)));
        let hanging = self.hanging.iter().map(|hanging| (hanging.span.clone(), format!("{} needs {}", hanging.name, hanging.on)));
        // Further places are shown with their lines; beyond a screen or two the list below says it better.
        told.related.extend(others.chain(hanging).take(SHOWN));
        Some(if skipped { told.into_warning() } else { told })
    }

    /// By provider, with the sizes on either side.
    fn summary(&self, skipped: bool) -> String {
        let left = if skipped { "left out" } else { "not supported" };
        let by = |counts: bool| {
            let of = self.by_provider().into_iter().filter(|(_, things)| things.iter().any(|thing| thing.counts == counts));
            of.map(|(provider, things)| format!("{provider} {}", things.len())).collect::<Vec<_>>().join(", ")
        };
        let counted = self.things.iter().filter(|thing| thing.counts).count();
        let all = counted + self.supported + self.hanging_resources();
        let resources =
            format!("{counted} of {all} resources and data sources {} {left}: {}.", if counted == 1 { "is" } else { "are" }, by(true));
        match (counted, counted == self.things.len()) {
            (_, true) => resources,
            (0, _) => format!("These blocks are {left}: {}.", by(false)),
            _ => format!("{resources} So are these blocks: {}.", by(false)),
        }
    }

    fn hanging_resources(&self) -> usize {
        self.hanging.iter().filter(|hanging| hanging.name.starts_with("data.") || is_resource(&hanging.name)).count()
    }

    fn by_provider(&self) -> BTreeMap<&str, Vec<&Thing>> {
        let mut by: BTreeMap<&str, Vec<&Thing>> = BTreeMap::new();
        for thing in &self.things {
            by.entry(&thing.provider).or_default().push(thing);
        }
        by
    }

    fn advice(&self, skipped: bool) -> String {
        let mut lines: Vec<String> = Vec::new();
        for (provider, things) in self.by_provider() {
            let names = things.iter().map(|thing| thing.name.as_str()).collect::<Vec<_>>().join(", ");
            let mut helps: Vec<String> = things.iter().map(|thing| instead_of(provider, &thing.name)).collect();
            helps.dedup();
            lines.push(format!("{provider}: {names}. {}", helps.join(" ")));
        }
        let hanging: Vec<String> = self.hanging.iter().map(|hanging| format!("{} (needs {})", hanging.name, hanging.on)).collect();
        match (hanging.is_empty(), skipped) {
            (true, _) => {}
            (false, true) => lines.push(format!("Left out with them: {}.", hanging.join(", "))),
            (false, false) => lines.push(format!("On them hang: {}.", hanging.join(", "))),
        }
        if !skipped {
            lines.push("`-skip-unsupported` goes on with the rest, and leaves these out with what hangs on them.".to_owned());
        }
        lines.join("\n")
    }
}

/// How many further places are shown with their lines.
const SHOWN: usize = 12;

fn is_resource(name: &str) -> bool {
    !["local.", "output.", "module.", "a ", "`"].iter().any(|start| name.starts_with(start))
}
