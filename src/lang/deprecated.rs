//! Variables and outputs of modules that are `deprecated`: who uses one is told what the module says.

use super::ast::Expr;
use super::declaration::Module;
use super::dynamic::body_expressions;
use super::references::{self, output_of};
use super::tree::Tree;
use dofloat_base::diag::Diagnostic;

/// Outputs of a stack that are deprecated: nobody uses them, so nobody would be told.
pub(super) fn of_stack(module: &Module) -> impl Iterator<Item = Diagnostic> {
    let outputs = module.outputs.values().filter(|output| output.deprecated.is_some());
    outputs.map(|output| {
        let error = Diagnostic::error("An output of a stack cannot be deprecated.").at(output.span.clone());
        error.hint("Nothing refers to it. Take `deprecated` out, or write it in a module that is called.")
    })
}

/// What is told of a call that sets a deprecated variable, or of what refers to a deprecated output.
pub(super) fn used(tree: &Tree) -> Vec<Diagnostic> {
    let mut told = Vec::new();
    for entry in &tree.entries {
        for (name, call) in &entry.module.calls {
            let Some(called) = entry.children.get(name).map(|child| &tree.entries[*child].module) else { continue };
            let set =
                called.variables.iter().filter_map(|(of, variable)| Some((of, variable.deprecated.as_ref()?, call.arguments.attr(of)?)));
            told.extend(set.map(|(of, why, attr)| {
                let warning = Diagnostic::warning(format!("The variable \"{of}\" of module.{name} is deprecated: {why}"));
                warning.at(attr.span.clone())
            }));
        }
        each_expression(&entry.module, &mut |expr, bound| {
            for reference in references::of(expr, bound).into_iter().filter(|reference| reference.root == "module") {
                let (Some(name), Some(output)) = (reference.attr(0), output_of(reference.steps)) else { continue };
                let Some(called) = entry.children.get(name).map(|child| &tree.entries[*child].module) else { continue };
                if let Some(why) = called.outputs.get(output).and_then(|output| output.deprecated.as_ref()) {
                    let warning = Diagnostic::warning(format!("The output \"{output}\" of module.{name} is deprecated: {why}"));
                    told.push(warning.at(reference.span.clone()));
                }
            }
        });
    }
    told
}

/// Every expression of a module that gives a value to something.
fn each_expression<'m>(module: &'m Module, visit: &mut dyn FnMut(&'m Expr, &[&'m str])) {
    module.locals.values().for_each(|local| visit(&local.value, &[]));
    module.outputs.values().for_each(|output| visit(&output.value, &[]));
    module.resources.values().for_each(|resource| resource.expressions(visit));
    for call in module.calls.values() {
        call.repeat.expr().into_iter().for_each(|expr| visit(expr, &[]));
        body_expressions(&call.arguments, &mut Vec::new(), visit);
    }
}
