//! Configurations, records and plans in a few lines, for the goldens of the engine.
//!
//! A line of a configuration is a resource and its attributes, `vpc.net name=net region=ams3`; a value `@vpc.net.id` is another
//! resource's attribute, and `$text` a secret. Words with `!` are its lifecycle: `!first` (create before destroy), `!prevent`,
//! `!ignore:name`. `import vpc.net=v-1`, `moved tag.a->tag.b`, `removed tag.a` and `output name=@tag.a.id` stand for those blocks.
//!
//! A line of a state is a record, `vpc.net=v-1 name=net >tag.a` (built upon it), with `!unfinished` where nobody saw it usable;
//! a secret is remembered by its digest. A line of what is seen alters that: `vpc.net gone`, `vpc.net name=other`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::change::{Action, AttrChange, Base, Change, Provenance, Shown, Step, StepId, StepOp};
use super::observed::{Observed, Seen};
use dofloat_base::address::Address;
use dofloat_base::desired::{Desired, Ignore, Import, Known, Lifecycle, Move, Output, Prevent, Removal, Repeats, Resolve, Wanted};
use dofloat_base::diag::{Diagnostic, Span};
use dofloat_base::digest::{Digest, Salt};
use dofloat_base::identity::{Id, Owner};
use dofloat_base::secret::Secret;
use dofloat_base::types::Type;
use dofloat_base::value::{Body, Term, Terms, Value};
use dofloat_state::journal::Op;
use dofloat_state::{Health, Record, State};

pub(super) const LINEAGE: &str = "7b0e3a52-5f4d-4f0e-9d0b-0d8f6a3c1e21";

pub(super) fn owner() -> Owner {
    Owner { account: "a".to_owned(), team: None, simulated: true }
}

pub(super) fn base() -> Base {
    Base {
        stack: "web".to_owned(),
        lineage: LINEAGE.to_owned(),
        serial: 1,
        journal_end: 0,
        owner: owner(),
        endpoint: "http://127.0.0.1:1".to_owned(),
        config: String::new(),
    }
}

pub(super) fn salt() -> Salt {
    Salt::new([7; 32])
}

pub(super) fn at(word: &str) -> Address {
    format!("digitalocean_{word}").parse().expect("an address")
}

pub(super) fn short(address: &Address) -> String {
    address.to_string().replace("digitalocean_", "")
}

fn span() -> Span {
    Span { file: "web.tf".into(), start: 0, end: 0 }
}

fn value(word: &str) -> Value {
    match word {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        text => Value::from(text),
    }
}

/// A configuration.
#[derive(Default)]
pub(super) struct Sketch {
    desired: Desired,
    bodies: BTreeMap<Address, Vec<(String, String)>>,
    outputs: BTreeMap<String, String>,
}

impl Sketch {
    pub(super) fn new(text: &str) -> Self {
        let mut sketch = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
            match first {
                "import" => {
                    let (to, id) = rest.split_once('=').expect("an address and an id");
                    sketch.desired.imports.insert(at(to), Import { id: id.to_owned(), span: span() });
                }
                "moved" => {
                    let (from, to) = rest.split_once("->").expect("two addresses");
                    sketch.desired.moves.push(Move { from: at(from), to: at(to), span: span() });
                }
                "removed" => drop(sketch.desired.removals.insert(at(rest), Removal { destroy: false, span: span() })),
                "output" => {
                    let (name, value) = rest.split_once('=').expect("a name and a value");
                    sketch.outputs.insert(name.to_owned(), value.to_owned());
                }
                address => sketch.resource(at(address), rest),
            }
        }
        sketch
    }

    fn resource(&mut self, address: Address, rest: &str) {
        let (mut rules, mut after, mut body) = (Lifecycle::default(), BTreeSet::new(), Vec::new());
        for word in rest.split_whitespace() {
            match word.split_once('=') {
                Some((name, value)) => {
                    if let Some((of, _)) = value.strip_prefix('@').and_then(|path| path.rsplit_once('.')) {
                        after.insert(at(of));
                    }
                    body.push((name.to_owned(), value.to_owned()));
                }
                None if word == "!first" => rules.create_before_destroy = true,
                None if word == "!prevent" => rules.prevent_destroy = Some(Prevent::Written(span())),
                None => {
                    let name = word.strip_prefix("!ignore:").expect("a rule");
                    rules.ignore_changes = Ignore::Names(BTreeSet::from([name.to_owned()]));
                }
            }
        }
        self.desired.blocks.insert(address.block(), Repeats::Once);
        self.desired.resources.insert(address.clone(), Wanted { after, rules, span: span() });
        self.bodies.insert(address, body);
    }
}

fn term(word: &str, known: &Known<'_>) -> Term {
    if let Some((of, name)) = word.strip_prefix('@').and_then(|path| path.rsplit_once('.')) {
        return match known(&at(of)) {
            Term::Unknown(origin) => Term::Unknown(origin),
            other => other.get(name),
        };
    }
    match word.strip_prefix('$') {
        Some(text) => Term::Secret(Secret::new(value(text))),
        None => Term::Value(value(word)),
    }
}

impl Resolve for Sketch {
    fn desired(&self) -> &Desired {
        &self.desired
    }

    fn body(&self, of: &Address, known: &Known<'_>) -> Result<Term, Vec<Diagnostic>> {
        let body = self.bodies.get(of).into_iter().flatten();
        Ok(Term::map(body.map(|(name, word)| (name.clone(), term(word, known))).collect()))
    }

    fn check(&self, _of: &Address, _known: &Known<'_>) -> Result<(), Vec<Diagnostic>> {
        Ok(())
    }

    fn outputs(&self, known: &Known<'_>) -> Result<BTreeMap<String, Output>, Vec<Diagnostic>> {
        let output = |word: &String| Output { value: term(word, known), ty: Type::String, sensitive: word.starts_with('$'), span: None };
        Ok(self.outputs.iter().map(|(name, word)| (name.clone(), output(word))).collect())
    }

    fn span(&self, of: &Address, _path: &[&str]) -> Option<Span> {
        self.desired.resources.get(of).map(|wanted| wanted.span.clone())
    }
}

/// A state.
pub(super) fn state(text: &str) -> State {
    let mut state = State::new(LINEAGE.to_owned(), salt());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let (address, id) = words.next().and_then(|word| word.split_once('=')).expect("an address and an id");
        let mut record = Record {
            id: Id(id.to_owned()),
            mark: None,
            body: Body::from([("id".to_owned(), Value::from(id))]),
            digests: BTreeMap::new(),
            arguments: Body::new(),
            after: BTreeSet::new(),
            health: Health::Ready,
            create_before_destroy: false,
        };
        for word in words {
            match word.split_once('=') {
                Some((name, secret)) if secret.starts_with('$') => {
                    drop(record.digests.insert(name.to_owned(), Digest::of(&Secret::new(value(&secret[1..])), &salt())));
                }
                Some((name, text)) => drop(record.body.insert(name.to_owned(), value(text))),
                None if word == "!unfinished" => record.health = Health::Unfinished,
                None => drop(record.after.insert(at(word.strip_prefix('>').expect("what it is built upon")))),
            }
        }
        match address.strip_prefix('-') {
            Some(old) => drop(state.deposed.insert((at(old), record.id.clone()), record)),
            None => drop(state.records.insert(at(address), record)),
        }
    }
    state
}

/// What is seen: what is remembered, but for what the lines say.
pub(super) fn seen(state: &State, text: &str) -> Observed {
    let present = |record: &Record| Seen::Present { body: record.body.clone(), digests: record.digests.clone(), secrets: Terms::new() };
    let mut observed = Observed {
        seen: state.records.iter().map(|(address, record)| (address.clone(), present(record))).collect(),
        deposed: state.deposed.iter().map(|(key, record)| (key.clone(), present(record))).collect(),
        ..Observed::default()
    };
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let address = at(words.next().expect("an address"));
        for word in words {
            let there = observed.seen.entry(address.clone()).or_insert(Seen::Present {
                body: Body::new(),
                digests: BTreeMap::new(),
                secrets: Terms::new(),
            });
            match (word.split_once('='), there) {
                (None, there) => *there = Seen::Gone,
                (Some((name, text)), Seen::Present { body, .. }) => drop(body.insert(name.to_owned(), value(text))),
                (Some(_), Seen::Gone) => {}
            }
        }
    }
    observed
}

pub(super) fn told_shown(shown: &Shown) -> String {
    match shown {
        Shown::Absent => "nothing".to_owned(),
        Shown::Value(value) => value.to_json().to_string(),
        Shown::Sensitive => "(secret)".to_owned(),
        Shown::Unknown => "(unknown)".to_owned(),
        Shown::List(items) => format!("[{}]", items.iter().map(told_shown).collect::<Vec<_>>().join(", ")),
        Shown::Map(map) => {
            format!("{{{}}}", map.iter().map(|(name, part)| format!("{name}: {}", told_shown(part))).collect::<Vec<_>>().join(", "))
        }
    }
}

fn told_attr(attr: &AttrChange) -> String {
    let effect = [(attr.replaces, " (replaces)"), (attr.disrupts, " (disrupts)")];
    let effect: String = effect.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
    format!("{}: {} -> {}{effect}", attr.name, told_shown(&attr.before), told_shown(&attr.after))
}

/// A change: what is done and why; of the attributes those that are edited, or that force a replacement.
pub(super) fn told_change(change: &Change) -> String {
    let action = match &change.action {
        Action::Edit { edits, disruptive } => format!("edit {}{}", edits.join("+"), if *disruptive { " (disruptive)" } else { "" }),
        Action::Replace { because, order } => format!("replace {because:?} {order:?}"),
        action => format!("{action:?}").to_lowercase(),
    };
    let mut text = format!("{}: {action}", short(&change.address));
    if let Some(reason) = &change.reason {
        let _ = write!(text, ", {reason:?}");
    }
    match &change.provenance {
        Some(Provenance::Moved { from }) => text += &format!(", moved from {}", short(from)),
        Some(Provenance::Imported { id }) => text += &format!(", imported from {id}"),
        None => {}
    }
    for attr in &change.attrs {
        if attr.replaces || matches!(change.action, Action::Edit { .. }) {
            let _ = write!(text, "\n    {}", told_attr(attr));
        }
    }
    text
}

pub(super) fn told_op(op: &StepOp) -> String {
    match op {
        StepOp::Gate => "gate".to_owned(),
        StepOp::Read => "read".to_owned(),
        StepOp::Object(op) => told_object_op(op),
    }
}

pub(super) fn told_object_op(op: &Op) -> String {
    op.to_string()
}

pub(super) fn told_steps(steps: &[Step]) -> String {
    let name = |id: &StepId| steps.iter().find(|step| step.id == *id).map_or_else(String::new, |step| format!("{}", step.id.0 + 1));
    let one = |step: &Step| {
        let needs: Vec<String> = step.needs.iter().map(name).collect();
        let after = if needs.is_empty() { String::new() } else { format!(" after {}", needs.join(", ")) };
        format!("  {}. {} {}{after}", step.id.0 + 1, told_op(&step.op), short(&step.address))
    };
    steps.iter().map(one).collect::<Vec<_>>().join("\n")
}

pub(super) fn told_problem(diagnostic: &Diagnostic) -> String {
    let word = if diagnostic.is_error() { "error" } else { "warning" };
    format!("{word}: {}", diagnostic.message.replace("digitalocean_", ""))
}

/// The records, each in a line.
pub(super) fn told_state(state: &State) -> String {
    let one = |address: &Address, record: &Record| {
        let mut text = format!("{}={}", short(address), record.id);
        for (name, value) in record.body.iter().filter(|(name, _)| *name != "id") {
            let _ = write!(text, " {name}={}", value.to_json());
        }
        for name in record.digests.keys() {
            let _ = write!(text, " {name}=(digest)");
        }
        for before in &record.after {
            let _ = write!(text, " >{}", short(before));
        }
        if record.health == Health::Unfinished {
            text.push_str(" !unfinished");
        }
        text
    };
    let records = state.records.iter().map(|(address, record)| one(address, record));
    let deposed = state.deposed.iter().map(|((address, _), record)| format!("-{}", one(address, record)));
    records.chain(deposed).collect::<Vec<_>>().join("\n")
}
