//! The configuration as it is written, in the JSON form of Terraform's plans: each argument is a constant, or what it refers to.
//!
//! Invariant: nothing is evaluated but constants, and of those only what the caller lets be shown. Modules are written as they are
//! called, once for each call.
//! Source: <https://developer.hashicorp.com/terraform/internals/json-format#configuration-representation>.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::ast::{Body, Expr, Step, StepKind};
use super::constant::constant;
use super::convert;
use super::declaration::{Module, ModuleCall, Output, Repeat, Resource, Variable};
use super::dynamic::dynamic;
use super::files::Host;
use super::module::Stack;
use super::references::{self, Reference};
use super::tree::Tree;
use super::value::Val;
use dofloat_base::provider::{local_name, source_address};

/// Says whether a constant may be shown: the resource type it is written in (none outside resources), the path of the argument,
/// and its value.
pub type MayShow<'a> = dyn Fn(&str, &[&str], &Json) -> bool + 'a;

impl Stack<'_> {
    /// The whole configuration.
    #[must_use]
    pub fn outline(&self, may_show: &MayShow<'_>) -> Json {
        let (tree, host) = self.tree();
        let outline = Outline { tree, host, may_show };
        json!({ "provider_config": outline.providers(), "root_module": outline.module(0) })
    }
}

struct Outline<'a> {
    tree: &'a Tree,
    host: &'a Host<'a>,
    may_show: &'a MayShow<'a>,
}

impl Outline<'_> {
    /// The providers of all modules, by the names that resources have them under.
    fn providers(&self) -> Map<String, Json> {
        let kinds = self.tree.entries.iter().flat_map(|entry| entry.module.resources.keys());
        let used: BTreeSet<String> = kinds.map(|(kind, _)| kind.strip_prefix("data.").unwrap_or(kind).to_owned()).collect();
        let named = |kind: &String| {
            let name = local_name(kind);
            (name.to_owned(), json!({ "name": name, "full_name": source_address(kind) }))
        };
        let mut providers: Map<String, Json> = used.iter().map(named).collect();
        for provider in &self.tree.entries[0].module.providers {
            let (name, full) = ("digitalocean", source_address("digitalocean"));
            let key = provider.alias.as_ref().map_or_else(|| name.to_owned(), |alias| format!("{name}.{alias}"));
            let mut entry = json!({ "name": name, "full_name": full });
            if let Some(alias) = &provider.alias {
                entry["alias"] = json!(alias);
            }
            let expressions = self.body("", &provider.body, &[], &[]);
            if !expressions.is_empty() {
                entry["expressions"] = expressions.into();
            }
            providers.insert(key, entry);
        }
        providers
    }

    fn module(&self, at: usize) -> Json {
        let entry = &self.tree.entries[at];
        let Module { outputs, resources, calls, variables, .. } = &*entry.module;
        let mut json = Map::new();
        let mut put = |name: &str, value: Json| {
            let is_empty = value.as_array().map_or_else(|| value.as_object().is_some_and(Map::is_empty), Vec::is_empty);
            if !is_empty {
                json.insert(name.to_owned(), value);
            }
        };
        put("outputs", outputs.iter().map(|(name, output)| (name.clone(), self.output(name, output))).collect::<Map<_, _>>().into());
        put("resources", resources.iter().map(|(name, resource)| self.resource(name, resource)).collect());
        let calls = calls.iter().map(|(name, call)| (name.clone(), self.call(call, entry.children.get(name).copied())));
        put("module_calls", calls.collect::<Map<_, _>>().into());
        let variables = variables.iter().map(|(name, variable)| (name.clone(), self.variable(name, variable)));
        put("variables", variables.collect::<Map<_, _>>().into());
        json.into()
    }

    fn variable(&self, name: &str, variable: &Variable) -> Json {
        let mut json = json!({});
        let default = variable.default.as_ref().filter(|_| !variable.sensitive).and_then(plain);
        if let Some(default) = default.filter(|default| (self.may_show)("", &[name], default)) {
            json["default"] = default;
        }
        if let Some(description) = &variable.description {
            json["description"] = json!(description);
        }
        if variable.sensitive {
            json["sensitive"] = json!(true);
        }
        json
    }

    fn output(&self, name: &str, output: &Output) -> Json {
        let expression =
            if output.sensitive { self.references(&output.value, &[]) } else { self.expression("", &[name], &output.value, &[]) };
        let mut json = json!({ "expression": expression });
        if output.sensitive {
            json["sensitive"] = json!(true);
        }
        if let Some(description) = &output.description {
            json["description"] = json!(description);
        }
        put_addresses(&mut json, &output.depends_on);
        json
    }

    fn resource(&self, (kind, name): &(String, String), resource: &Resource) -> Json {
        let source = kind.strip_prefix("data.");
        let ty = source.unwrap_or(kind);
        let mut json = json!({
            "address": format!("{kind}.{name}"),
            "mode": if source.is_some() { "data" } else { "managed" },
            "type": ty,
            "name": name,
            "provider_config_key": local_name(ty),
            "schema_version": 0,
        });
        let expressions = self.body(kind, &resource.body, &[], &[]);
        if !expressions.is_empty() {
            json["expressions"] = expressions.into();
        }
        self.put_repeat(&mut json, &resource.repeat);
        put_addresses(&mut json, &resource.depends_on);
        if !resource.provisioners.is_empty() {
            let one = |of: &super::provisioner::Provisioner| json!({ "type": of.kind, "expressions": self.body("", &of.settings, &[], &["self"]) });
            json["provisioners"] = resource.provisioners.iter().map(one).collect();
        }
        json
    }

    fn call(&self, call: &ModuleCall, at: Option<usize>) -> Json {
        let secret = |name: &str| at.and_then(|at| self.tree.entries[at].module.variables.get(name)).is_some_and(|of| of.sensitive);
        let given = call.arguments.attrs.iter().map(|attr| {
            let name = attr.name.as_str();
            let shown = if secret(name) { self.references(&attr.value, &[]) } else { self.expression("", &[name], &attr.value, &[]) };
            (name.to_owned(), shown)
        });
        let given: Map<_, _> = given.collect();
        let mut json = json!({ "source": call.source });
        if !given.is_empty() {
            json["expressions"] = given.into();
        }
        self.put_repeat(&mut json, &call.repeat);
        if let Some(at) = at {
            json["module"] = self.module(at);
        }
        if let Some(version) = &call.version {
            json["version_constraint"] = json!(version);
        }
        put_addresses(&mut json, &call.depends_on);
        json
    }

    fn put_repeat(&self, json: &mut Json, repeat: &Repeat) {
        let (name, expr) = match repeat {
            Repeat::Once | Repeat::Enabled(_) => return,
            Repeat::Count(expr) => ("count", expr),
            Repeat::ForEach(expr) => ("for_each", expr),
        };
        let expression = self.expression("", &[name], expr, &[]);
        if expression.as_object().is_some_and(|expression| !expression.is_empty()) {
            json[format!("{name}_expression")] = expression;
        }
    }

    /// The arguments of a body, and its blocks as lists of the same; a dynamic block counts as one of those that it makes.
    fn body(&self, kind: &str, body: &Body, path: &[&str], bound: &[&str]) -> Map<String, Json> {
        let inner = |name: &'_ str| [path, &[name]].concat().into_iter().map(str::to_owned).collect::<Vec<_>>();
        let mut json = Map::new();
        for attr in &body.attrs {
            let path = inner(&attr.name);
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            json.insert(attr.name.clone(), self.expression(kind, &path, &attr.value, bound));
        }
        let mut blocks = BTreeMap::<&str, Vec<Json>>::new();
        for block in &body.blocks {
            let (name, content, iterator) = match dynamic(block) {
                Some(dynamic) => (dynamic.kind, dynamic.content, Some(dynamic.iterator)),
                None => (block.kind.as_str(), &block.body, None),
            };
            let (path, bound) = (inner(name), bound.iter().copied().chain(iterator).collect::<Vec<_>>());
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            blocks.entry(name).or_default().push(self.body(kind, content, &path, &bound).into());
        }
        for (name, mut all) in blocks {
            let single = name == "timeouts" && all.len() == 1;
            json.insert(name.to_owned(), if single { all.remove(0) } else { all.into() });
        }
        json
    }

    fn expression(&self, kind: &str, path: &[&str], expr: &Expr, bound: &[&str]) -> Json {
        let value = constant(expr, self.host).ok().as_ref().and_then(plain);
        match value.filter(|value| (self.may_show)(kind, path, value)) {
            Some(value) => json!({ "constant_value": value }),
            None => self.references(expr, bound),
        }
    }

    /// What an expression refers to: each reference with its whole path, then each shorter path up to the object that it names.
    fn references(&self, expr: &Expr, bound: &[&str]) -> Json {
        let mut all: Vec<String> = Vec::new();
        for reference in references::of(expr, bound) {
            for path in paths(&reference) {
                if !all.contains(&path) {
                    all.push(path);
                }
            }
        }
        if all.is_empty() { json!({}) } else { json!({ "references": all }) }
    }
}

/// A constant as JSON; nothing of one that is secret or not known.
fn plain(value: &Val) -> Option<Json> {
    convert::term(value).value().map(dofloat_base::value::Value::to_json)
}

fn put_addresses(json: &mut Json, depends_on: &[Expr]) {
    let all: Vec<String> =
        depends_on.iter().flat_map(|expr| references::of(expr, &[])).filter_map(|of| paths(&of).into_iter().next()).collect();
    if !all.is_empty() {
        json["depends_on"] = json!(all);
    }
}

/// `a.b[0].c` gives `a.b[0].c`, `a.b[0]` and `a.b`: down to what stands for an object of its own.
fn paths(reference: &Reference<'_>) -> Vec<String> {
    let has_key = matches!(reference.steps.get(1).map(|step| &step.kind), Some(StepKind::Index(_) | StepKind::LegacyIndex(_)));
    let own = if reference.root == "data" || (reference.root == "module" && has_key) { 2 } else { 1 };
    let written = written(reference.steps);
    let text = |upto: usize| std::iter::once(reference.root.to_owned()).chain(written[..upto].iter().cloned()).collect::<String>();
    let least = own.min(written.len());
    (least..=written.len()).rev().map(text).collect()
}

/// The steps as they are written, up to the first that is no constant.
fn written(steps: &[Step]) -> Vec<String> {
    let one = |step: &Step| match &step.kind {
        StepKind::Attr(name) => Some(format!(".{name}")),
        StepKind::LegacyIndex(at) => Some(format!("[{at}]")),
        StepKind::Index(expr) => match (expr.text(), &expr.kind) {
            (Some(text), _) => Some(format!("[{}]", json!(text))),
            (None, super::ast::Kind::Literal(value)) => plain(value).map(|value| format!("[{value}]")),
            _ => None,
        },
        StepKind::Splat | StepKind::AttrSplat => None,
    };
    steps.iter().map_while(one).collect()
}
