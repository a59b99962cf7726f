//! What the blocks of a stack's files refer to, as they are written: before anything is declared.
//!
//! Invariant: it looks at names only, judges nothing and evaluates nothing; a name that an expression binds is no reference.

use std::collections::{BTreeMap, BTreeSet};

use super::ast::{Body, Expr, Kind};
use super::dynamic::body_expressions;
use super::references::{self, output_of};

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    /// `var.NAME`
    Variable(String),
    /// `local.NAME`
    Local(String),
    /// `TYPE.NAME`
    Resource(String, String),
    /// `data.TYPE.NAME`
    Data(String, String),
    /// `ephemeral.TYPE.NAME`
    Ephemeral(String, String),
    /// `module.NAME`
    Module(String),
    /// `module.NAME.OUTPUT`
    Output(String, String),
    /// All outputs of `module.NAME`.
    Outputs(String),
}

/// What an expression refers to.
pub(super) fn of_expr(expr: &Expr, bound: &[&str], into: &mut BTreeSet<Node>) {
    for reference in references::of(expr, bound) {
        let Some(first) = reference.attr(0).map(str::to_owned) else { continue };
        let node = match (reference.root, reference.attr(1)) {
            ("var", _) => Node::Variable(first),
            ("local", _) => Node::Local(first),
            ("module", _) => {
                into.insert(match output_of(reference.steps) {
                    Some(output) => Node::Output(first.clone(), output.to_owned()),
                    None => Node::Outputs(first.clone()),
                });
                Node::Module(first)
            }
            ("data", Some(name)) => Node::Data(first, name.to_owned()),
            ("ephemeral", Some(name)) => Node::Ephemeral(first, name.to_owned()),
            ("data" | "ephemeral" | "each" | "count" | "self" | "path" | "terraform", _) => continue,
            (kind, _) => Node::Resource(kind.to_owned(), first),
        };
        into.insert(node);
    }
}

/// What a body refers to, its blocks included.
pub(super) fn of_body(body: &Body) -> BTreeSet<Node> {
    let mut found = BTreeSet::new();
    let order = body.attr("depends_on").map(|attr| &attr.value);
    body_expressions(body, &mut Vec::new(), &mut |expr, bound| {
        if !order.is_some_and(|order| std::ptr::eq(order, expr)) {
            of_expr(expr, bound, &mut found);
        }
    });
    // What is only waited for gives no output.
    if let Some(order) = order {
        let mut named = BTreeSet::new();
        of_expr(order, &[], &mut named);
        found.extend(named.into_iter().filter(|node| !matches!(node, Node::Output(..) | Node::Outputs(_))));
    }
    // An old way to write it has quotes.
    if let Some(Kind::Tuple(items)) = order.map(|order| &order.kind) {
        let quoted = items.iter().filter_map(|item| item.text()?.split_once('.'));
        found.extend(quoted.map(|(kind, name)| match kind {
            "module" => Node::Module(name.to_owned()),
            _ => Node::Resource(kind.to_owned(), name.to_owned()),
        }));
    }
    found
}

/// The variables that nothing needs but the settings of providers, if anything does. `is_idle`: whether that is so for a variable
/// of a module that is called, by the names of the call and the variable.
pub(super) fn idle_variables(bodies: &[Body], is_idle: &dyn Fn(&str, &str) -> bool) -> BTreeSet<String> {
    let mut behind: BTreeMap<Node, BTreeSet<Node>> = BTreeMap::new();
    let mut open: Vec<Node> = Vec::new();
    for block in bodies.iter().flat_map(|body| &body.blocks) {
        match (block.kind.as_str(), block.labels.first()) {
            ("provider" | "terraform", _) => {}
            ("locals", _) => {
                for attr in &block.body.attrs {
                    of_expr(&attr.value, &[], behind.entry(Node::Local(attr.name.clone())).or_default());
                }
            }
            ("variable", Some((name, _))) => {
                behind.entry(Node::Variable(name.clone())).or_default().extend(of_body(&block.body));
            }
            ("module", Some((call, _))) => {
                for attr in block.body.attrs.iter().filter(|attr| !is_idle(call, &attr.name)) {
                    let mut nodes = BTreeSet::new();
                    of_expr(&attr.value, &[], &mut nodes);
                    open.extend(nodes);
                }
            }
            _ => open.extend(of_body(&block.body)),
        }
    }
    let mut reached = BTreeSet::new();
    while let Some(node) = open.pop() {
        if reached.insert(node.clone()) {
            open.extend(behind.get(&node).into_iter().flatten().cloned());
        }
    }
    let variables = behind.into_keys().filter_map(|node| match node {
        Node::Variable(name) if !reached.contains(&Node::Variable(name.clone())) => Some(name),
        _ => None,
    });
    variables.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax;

    #[test]
    fn a_variable_that_feeds_a_provider_alone_is_idle() {
        let text = r#"
variable "token" {}
variable "unused" {}
variable "region" {}
variable "both" {}
variable "checked" {
  validation {
    condition     = var.checked != var.other
    error_message = "no"
  }
}
variable "other" {}
variable "old" {}
locals {
  t = var.token
  n = "${var.both}-x"
}
provider "digitalocean" {
  token = local.t
}
provider "other" {
  a = var.both
}
resource "k" "a" {
  region = [for x in [1] : x == 1 ? var.region : var.checked]
  dynamic "b" {
    for_each = [local.n]
    content {
      v = b.value
    }
  }
  depends_on = ["k.b"]
}
output "o" {
  value = var.old
}
"#;
        let body = syntax::body("a.tf", text).expect("it parses");
        assert_eq!(idle_variables(&[body], &|_, _| false), BTreeSet::from(["token".to_owned(), "unused".to_owned()]));
    }

    #[test]
    fn what_is_handed_on_to_a_provider_of_a_module_is_idle() {
        let text =
            "variable \"token\" {}\nvariable \"name\" {}\nmodule \"m\" {\n  source = \"./m\"\n  key = var.token\n  name = var.name\n}\n";
        let body = syntax::body("a.tf", text).expect("it parses");
        assert_eq!(idle_variables(&[body], &|call, name| (call, name) == ("m", "key")), BTreeSet::from(["token".to_owned()]));
    }

    #[test]
    fn what_a_body_refers_to() {
        let text = "a = data.k.n.id\nb = module.m[0].out\nc = k.n[each.key].id\nd = resource.k.x.id\ne = module.n\ndepends_on = [\"k.q\", k.z, module.o, \"module.p\"]\n";
        let body = syntax::body("a.tf", text).expect("it parses");
        let resource = |name: &str| Node::Resource("k".into(), name.into());
        let mut expected = BTreeSet::from(["n", "q", "x", "z"].map(resource));
        expected.extend(["m", "n", "o", "p"].map(|name| Node::Module(name.into())));
        expected.insert(Node::Data("k".into(), "n".into()));
        expected.insert(Node::Output("m".into(), "out".into()));
        expected.insert(Node::Outputs("n".into()));
        assert_eq!(of_body(&body), expected);
    }
}
