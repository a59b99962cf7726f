//! What of a stack's files is not supported: other providers' resources, and blocks that there are not yet.
//!
//! Invariant: it is all found before anything is declared, so that it is told at once, with its size; where it is left out, so is
//! all that refers to it, through the outputs of modules too, and nothing is left out in silence. What a block could be instead is
//! said in `instead`.

use std::collections::{BTreeMap, BTreeSet};

use super::ast::{Block, Body, Expr, StepKind};
use super::instead::instead_of;
use super::reach::{Node, of_body, of_expr};
use dofloat_base::address::Address;
use dofloat_base::diag::{Diagnostic, Span, did_you_mean};
use dofloat_base::types::Schemas;

/// Blocks that Terraform has and this program does not have yet.
const BLOCKS: &[&str] = &["ephemeral"];

/// The providers whose resource types are known here, so that one that is not is a slip of the hand.
const OWN: [&str; 3] = ["digitalocean", "dofloat", "terraform"];

/// Providers of which all resource types that are in use are built in.
const UTILITIES: [&str; 5] = ["local", "null", "random", "time", "tls"];

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
    /// What to write instead.
    help: String,
}

/// What is left out because it refers to something that is.
#[derive(Clone, Debug)]
struct Hanging {
    name: String,
    on: String,
    span: Span,
    /// As in `Thing`.
    counts: bool,
}

/// A module that a file calls, as far as it matters to the caller what is left of it.
#[derive(Clone, Debug)]
pub(super) enum Called {
    /// It is there.
    There {
        /// Its outputs that are left out, and what they hang on.
        gone: BTreeMap<String, String>,
        /// Its variables that only feed the settings of providers.
        idle: BTreeSet<String>,
    },
    /// It is not there, why, and what to do.
    Absent(String),
}

/// What of a stack's files is not supported, and what hangs on it.
#[derive(Clone, Debug, Default)]
pub struct LeftOut {
    things: Vec<Thing>,
    /// Resources of which a provisioner is left out, and on what that hangs. The resources themselves are left in.
    unprovisioned: BTreeMap<String, (String, Span)>,
    hanging: Vec<Hanging>,
    /// What was moved to something that is left out, by the old address.
    moved: BTreeMap<String, String>,
    /// How many resources and data sources are supported.
    supported: usize,
    /// Providers that are configured, and that nothing of is supported.
    configured: BTreeMap<String, Span>,
}

/// The types that are supported, each asked for once.
struct Known<'s> {
    schemas: &'s dyn Schemas,
    names: Vec<String>,
    /// Data sources, without their `data.`.
    sources: Vec<String>,
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

/// Takes what is not supported out of a module's files, with all that refers to it. `called`: the modules that they call.
pub(super) fn take_out(bodies: &mut [Body], schemas: &dyn Schemas, called: &BTreeMap<String, Called>) -> LeftOut {
    let mut known = Known { schemas, names: schemas.resource_names(), sources: sources(schemas), asked: BTreeMap::new() };
    let mut left = LeftOut::default();
    let mut gone = outputs_gone(called);
    for body in bodies.iter_mut() {
        body.blocks.retain(|block| match thing(block, &mut known).or_else(|| absent(block, called)) {
            Some(thing) => {
                gone.extend(node(block).map(|node| (node, thing.name.clone())));
                left.things.push(thing);
                false
            }
            None => !is_strange_provider(block, &known, &mut left),
        });
    }
    while !gone.is_empty() && take_hanging(bodies, &mut gone, &mut left) {}
    let LeftOut { unprovisioned, hanging, .. } = &mut left;
    unprovisioned.retain(|of, _| hanging.iter().all(|hanging| hanging.name != *of));
    let all = bodies.iter().flat_map(|body| &body.blocks);
    left.supported = all.filter(|block| matches!(block.kind.as_str(), "resource" | "data")).count();
    left
}

/// The outputs of modules that are left out.
fn outputs_gone(called: &BTreeMap<String, Called>) -> BTreeMap<Node, String> {
    let mut all = BTreeMap::new();
    for (call, called) in called {
        let Called::There { gone, .. } = called else { continue };
        for (output, on) in gone {
            let on = format!("module.{call}.{on}");
            all.insert(Node::Output(call.clone(), output.clone()), on.clone());
            all.insert(Node::Outputs(call.clone()), on);
        }
    }
    all
}

/// The block, if it calls a module that is not there.
fn absent(block: &Block, called: &BTreeMap<String, Called>) -> Option<Thing> {
    let (name, _) = block.labels.first().filter(|_| block.kind == "module")?;
    let Some(Called::Absent(help)) = called.get(name) else { return None };
    Some(Thing {
        name: format!("module.{name}"),
        provider: block.kind.clone(),
        span: block.header.clone(),
        counts: false,
        help: help.clone(),
    })
}

fn sources(schemas: &dyn Schemas) -> Vec<String> {
    schemas.data_names().iter().filter_map(|name| Some(name.strip_prefix("data.")?.to_owned())).collect()
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
        "ephemeral" => pair().map(|(kind, name)| Node::Ephemeral(kind, name)),
        "module" => block.labels.first().map(|(name, _)| Node::Module(name.clone())),
        _ => None,
    }
}

/// The block, if it is not supported.
fn thing(block: &Block, known: &mut Known<'_>) -> Option<Thing> {
    let of = |name: String, provider: &str, counts| {
        let help = instead_of(provider, &name);
        Thing { name, provider: provider.to_owned(), span: block.header.clone(), counts, help }
    };
    match (block.kind.as_str(), labels(block)) {
        ("resource", Some((kind, name))) if !known.has(kind) && !is_slip(kind, &known.names) => {
            Some(of(format!("{kind}.{name}"), provider(kind), true))
        }
        ("data", Some((kind, name))) => {
            let source = format!("data.{kind}");
            (!known.has(&source)).then(|| of(format!("{source}.{name}"), provider(kind), true))
        }
        // Without what it reads it would check nothing.
        ("check", _) => {
            let mut read = block.body.blocks("data").filter_map(|data| Some((labels(data)?.0, data)));
            let (kind, _) = read.find(|(kind, _)| !known.has(&format!("data.{kind}")))?;
            let name = block.labels.first().map_or("", |(name, _)| name);
            Some(of(format!("check.{name}"), provider(kind), false))
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
    if OWN.contains(&prefix) || UTILITIES.contains(&prefix) {
        return known.iter().filter(|name| provider(name) == prefix).any(|name| is_misspelt(&rest(kind), &rest(name)));
    }
    did_you_mean(prefix, OWN).is_some() || !kind.contains('_')
}

/// Whether a name is another one misspelt: each of its words, or where they are parted. One with another word is another type:
/// `spaces_bucket` is no `spaces_key`.
fn is_misspelt(name: &str, other: &str) -> bool {
    let (words, others): (Vec<&str>, Vec<&str>) = (name.split('_').collect(), other.split('_').collect());
    if words.len() != others.len() {
        return words.concat() == others.concat();
    }
    words.iter().zip(others).all(|(word, other)| did_you_mean(word, [other]).is_some())
}

/// A `provider` block of somebody else's. Where something of that provider is built in, it needs no settings.
fn is_strange_provider(block: &Block, known: &Known<'_>, left: &mut LeftOut) -> bool {
    let Some((name, span)) = block.labels.first().filter(|_| block.kind == "provider" && block.labels.len() == 1) else { return false };
    if name == "digitalocean" || did_you_mean(name, OWN).is_some() {
        return false;
    }
    if !known.names.iter().chain(&known.sources).any(|kind| provider(kind) == name) {
        left.configured.insert(name.clone(), span.clone());
    }
    true
}

/// Takes the provisioners out of a resource that refer to something that is gone: that does not keep the resource from being
/// planned.
fn without_provisioners(block: &mut Block, gone: &BTreeMap<Node, String>, left: &mut LeftOut) {
    let of = labels(block).map(|(kind, name)| format!("{kind}.{name}")).unwrap_or_default();
    block.body.blocks.retain(|inner| {
        let concerned = matches!(inner.kind.as_str(), "provisioner" | "connection");
        let on = if concerned { of_body(&inner.body).iter().find_map(|node| gone.get(node).cloned()) } else { None };
        if let Some(on) = &on {
            left.unprovisioned.entry(of.clone()).or_insert_with(|| (on.clone(), inner.header.clone()));
        }
        on.is_none()
    });
}

/// Takes out what refers to something that is gone; whether anything was.
fn take_hanging(bodies: &mut [Body], gone: &mut BTreeMap<Node, String>, left: &mut LeftOut) -> bool {
    let before = left.hanging.len();
    for body in bodies.iter_mut() {
        let resources = body.blocks.iter_mut().filter(|block| block.kind == "resource");
        resources.for_each(|block| without_provisioners(block, gone, left));
        body.blocks.retain_mut(|block| match block.kind.as_str() {
            "locals" | "provider" => {
                take_attrs(block, gone, left);
                true
            }
            "variable" | "terraform" => true,
            _ => !hangs(block, gone, left),
        });
    }
    left.hanging.len() > before
}

/// The first of these that is gone, as it is told.
fn first(nodes: &BTreeSet<Node>, gone: &BTreeMap<Node, String>) -> Option<String> {
    nodes.iter().find_map(|node| gone.get(node).cloned())
}

/// Takes out local values, or settings of a provider.
fn take_attrs(block: &mut Block, gone: &mut BTreeMap<Node, String>, left: &mut LeftOut) {
    let is_local = block.kind == "locals";
    block.body.attrs.retain(|attr| {
        let mut nodes = BTreeSet::new();
        of_expr(&attr.value, &[], &mut nodes);
        let Some(on) = first(&nodes, gone) else { return true };
        let name = if is_local {
            gone.insert(Node::Local(attr.name.clone()), on.clone());
            format!("local.{}", attr.name)
        } else {
            format!("`{}` of the provider", attr.name)
        };
        left.hanging.push(Hanging { name, on, span: attr.span.clone(), counts: false });
        false
    });
}

/// Whether a block refers to something that is gone, so that it is gone too.
fn hangs(block: &Block, gone: &mut BTreeMap<Node, String>, left: &mut LeftOut) -> bool {
    let kind = block.kind.as_str();
    let nodes = if kind == "moved" { new_place(block) } else { of_body(&block.body) };
    let Some(on) = first(&nodes, gone) else { return false };
    if let Some(name) = block.body.attr("from").filter(|_| kind == "moved").and_then(|attr| place(&attr.value)) {
        left.moved.insert(name, on.clone());
    }
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
    let counts = matches!(kind, "resource" | "data");
    left.hanging.push(Hanging { name: told, on, span: block.header.clone(), counts });
    true
}

/// What a move leads to.
fn new_place(block: &Block) -> BTreeSet<Node> {
    let mut nodes = BTreeSet::new();
    block.body.attr("to").into_iter().for_each(|attr| of_expr(&attr.value, &[], &mut nodes));
    nodes.retain(|node| !matches!(node, Node::Output(..) | Node::Outputs(_)));
    nodes
}

/// An address without its keys, as it is written.
fn place(expr: &Expr) -> Option<String> {
    let (root, steps) = expr.root()?;
    let names = steps.iter().filter_map(|step| match &step.kind {
        StepKind::Attr(name) => Some(name.as_str()),
        _ => None,
    });
    Some(std::iter::once(root).chain(names).collect::<Vec<_>>().join("."))
}

impl LeftOut {
    /// Adds what is left out in a module that is called.
    pub(super) fn add(&mut self, module: &Address, inner: &Self) {
        let named = |name: &str| format!("{module}.{name}");
        self.things.extend(inner.things.iter().map(|thing| Thing { name: named(&thing.name), ..thing.clone() }));
        let hanging = |hanging: &Hanging| Hanging { name: named(&hanging.name), on: named(&hanging.on), ..hanging.clone() };
        self.hanging.extend(inner.hanging.iter().map(hanging));
        self.moved.extend(inner.moved.iter().map(|(from, on)| (named(from), named(on))));
        let unprovisioned = inner.unprovisioned.iter().map(|(of, (on, span))| (named(of), (named(on), span.clone())));
        self.unprovisioned.extend(unprovisioned);
        self.configured.extend(inner.configured.iter().map(|(name, span)| (name.clone(), span.clone())));
        self.supported += inner.supported;
    }

    /// The outputs that are left out, and what they hang on.
    pub(super) fn outputs(&self) -> BTreeMap<String, String> {
        self.hanging.iter().filter_map(|hanging| Some((hanging.name.strip_prefix("output.")?.to_owned(), hanging.on.clone()))).collect()
    }

    /// What is told of provisioners that cannot be run, as they refer to something that is left out.
    #[must_use]
    pub fn provisioners(&self) -> Vec<Diagnostic> {
        let told = |(of, (on, span)): (&String, &(String, Span))| {
            Diagnostic::error(format!("A provisioner of {of} is left out: it refers to {on}, which is not supported."))
                .at(span.clone())
                .hint(format!("Write what {on} gives in another way, for example as a variable, or apply without `-allow-provisioners`."))
        };
        self.unprovisioned.iter().map(told).collect()
    }

    /// What is left out that this address belongs to, if it is, and on what that hangs; nothing for a module that is not there.
    #[must_use]
    pub fn holds(&self, address: &Address) -> Option<(&str, Option<&str>)> {
        let address = address.unkeyed().to_string();
        let of = |name: &str| address.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let hanging = self.hanging.iter().map(|hanging| (hanging.name.as_str(), Some(hanging.on.as_str())));
        let moved = self.moved.iter().map(|(from, on)| (from.as_str(), Some(on.as_str())));
        hanging.chain(moved).chain(self.things.iter().map(|thing| (thing.name.as_str(), None))).find(|(name, _)| of(name))
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
        self.hanging.iter().filter(|hanging| hanging.counts).count()
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
            let mut helps: Vec<String> = things.iter().map(|thing| thing.help.clone()).collect();
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
