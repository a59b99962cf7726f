//! The functions that are more than functions: `try` and `can` look at expressions before they have a value,
//! `templatefile` and `templatestring` evaluate texts.
//!
//! Invariant: a template sees the values that it was given and nothing else, and renders no further templates.

use std::collections::BTreeMap;
use std::path::Path;

use super::ast::{Call, Expr, Kind, SPLICED, Step};
use super::conversion;
use super::error::{EvalError, Outcome, error_at, kind_of, suggest};
use super::eval::{Eval, Scope};
use super::references;
use super::rendered::RENDER;
use super::syntax;
use super::types;
use super::value::{Data, Val};
use dofloat_base::diag::{Diagnostic, Span};
use dofloat_base::types::Type;

/// The value of a call, if it is one of these.
pub(super) fn call(eval: &Eval<'_>, call: &Call, span: &Span) -> Option<Outcome> {
    let expected = match call.name.as_str() {
        "try" => return Some(try_all(eval, call, span)),
        "can" | SPLICED => 1,
        "templatefile" | "templatestring" | RENDER => 2,
        _ => return None,
    };
    if call.args.len() != expected || call.spread {
        let plural = if expected == 1 { "argument" } else { "arguments" };
        return Some(Err(error_at(span, format!("The function \"{}\" takes {expected} {plural}, not {}.", call.name, call.args.len()))));
    }
    Some(match call.name.as_str() {
        "can" => Ok(can(eval, &call.args[0])),
        SPLICED => spliced(eval, &call.args[0]),
        _ if eval.in_template => Err(error_at(span, format!("A template cannot call \"{}\".", call.name))),
        "templatefile" => template_file(eval, &call.args[0], &call.args[1]),
        RENDER => rendered_file(eval, &call.args[0], &call.args[1]),
        _ => template_string(eval, &call.args[0], &call.args[1]),
    })
}

fn try_all(eval: &Eval<'_>, call: &Call, span: &Span) -> Outcome {
    let mut last = None;
    for arg in &call.args {
        match eval.eval(arg) {
            Ok(value) => return Ok(value),
            Err(error) => last = Some(error),
        }
    }
    Err(match last {
        None => error_at(span, "The function \"try\" takes at least 1 argument."),
        Some(last) => {
            let error = Diagnostic::error(format!("None of the expressions of \"try\" has a value; the last one: {}", last.message))
                .at(span.clone());
            Box::new(match last.span.clone() {
                Some(place) => error.related(place, "the last one"),
                None => error,
            })
        }
    })
}

fn can(eval: &Eval<'_>, arg: &Expr) -> Val {
    match eval.eval(arg) {
        Ok(value) if value.has_unknown() => Val::unknown(Type::Bool),
        Ok(_) => Val::bool(true),
        Err(_) => Val::bool(false),
    }
}

/// A list whose items are those of the lists that stand in it alone, as Terraform 0.11 had it.
fn spliced(eval: &Eval<'_>, list: &Expr) -> Outcome {
    let Kind::Tuple(items) = &list.kind else { return eval.eval(list) };
    let mut all = Vec::new();
    for item in items {
        let value = eval.eval(item)?;
        let sensitive = value.sensitive;
        if !matches!(item.kind, Kind::Wrapped(_)) {
            all.push(value);
        } else if !splice(value, &mut all) {
            return Ok(Val::unknown(Type::List(Box::new(Type::Any))).marked(sensitive));
        }
    }
    Ok(Val::tuple(all))
}

/// Adds the items of a list, and of the lists in it; says whether they are known.
fn splice(value: Val, into: &mut Vec<Val>) -> bool {
    match &value.data {
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
            items.iter().all(|item| splice(item.clone().marked(value.sensitive), into))
        }
        Data::Unknown(Type::List(_) | Type::Set(_) | Type::Tuple(_), _) => false,
        _ => {
            into.push(value);
            true
        }
    }
}

fn template_file(eval: &Eval<'_>, path: &Expr, vars: &Expr) -> Outcome {
    let (name, values) = (eval.eval(path)?, eval.eval(vars)?);
    let name = text(&name, path, "The path of a template")?;
    let Some((name, sensitive)) = name else { return Ok(Val::unknown(Type::String)) };
    let place = eval.host.base.join(Path::new(&name));
    let shown = if sensitive { "the template".to_owned() } else { format!("\"{name}\"") };
    let bytes = eval.host.files.read(&place).map_err(|error| {
        Box::new(
            Diagnostic::error(format!("Cannot read {shown}: {error}."))
                .at(path.span.clone())
                .hint(format!("Paths are relative to {}.", eval.host.base.display())),
        )
    })?;
    let content =
        String::from_utf8(bytes).map_err(|_| error_at(&path.span, format!("Cannot use {shown} as a template: it is not UTF-8 text.")))?;
    render(eval, &name, &content, &values, path, vars).map(|value| value.marked(sensitive))
}

fn template_string(eval: &Eval<'_>, template: &Expr, vars: &Expr) -> Outcome {
    if template.root().is_none() {
        return Err(Box::new(
            Diagnostic::error("The template must be a reference to a value that holds it, for example `local.template`.")
                .at(template.span.clone())
                .hint("A template that is written in place needs no function: write it as a quoted text."),
        ));
    }
    let (content, values) = (eval.eval(template)?, eval.eval(vars)?);
    match text(&content, template, "The template")? {
        None => Ok(Val::unknown(Type::String)),
        Some((content, sensitive)) => render(eval, "the template", &content, &values, template, vars).map(|value| value.marked(sensitive)),
    }
}

/// As the template provider renders: the template may be written in place, and all values are texts.
fn rendered_file(eval: &Eval<'_>, template: &Expr, vars: &Expr) -> Outcome {
    let (content, values) = (eval.eval(template)?, eval.eval(vars)?);
    let Some((content, sensitive)) = text(&content, template, "The template")? else { return Ok(Val::unknown(Type::String)) };
    let mut texts = values.clone();
    if let Data::Object(fields) | Data::Map(_, fields) = &values.data {
        let as_text =
            |value: &Val| types::text_of(&value.data).map_or_else(|| value.clone(), |text| Val::string(&text).marked(value.sensitive));
        let fields = fields.iter().map(|(name, value)| (name.clone(), as_text(value))).collect();
        texts = Val::object(fields).marked(values.sensitive);
    }
    if values.is_null() {
        texts = Val::object(BTreeMap::new());
    }
    render(eval, "the template", &content, &texts, template, vars).map(|value| value.marked(sensitive))
}

/// A text and whether it is sensitive; nothing if it is unknown.
fn text(value: &Val, place: &Expr, what: &str) -> Result<Option<(String, bool)>, EvalError> {
    match &value.data {
        Data::Null(_) => Err(error_at(&place.span, format!("{what} must not be null."))),
        Data::Unknown(ty, _) if conversion::convertible(ty, &Type::String).is_some() => Ok(None),
        data => match types::text_of(data) {
            Some(text) => Ok(Some((text, value.sensitive))),
            None => Err(error_at(&place.span, format!("{what} must be a string, not {}.", kind_of(value)))),
        },
    }
}

fn render(eval: &Eval<'_>, name: &str, content: &str, values: &Val, place: &Expr, vars: &Expr) -> Outcome {
    let given: BTreeMap<String, Val> = match &values.data {
        Data::Object(fields) | Data::Map(_, fields) => (**fields).clone(),
        Data::Unknown(..) => return Ok(Val::unknown(Type::String).marked(values.sensitive)),
        _ => return Err(error_at(&vars.span, format!("The values for a template must be a map or an object, not {}.", kind_of(values)))),
    };
    if let Some(name) = given.keys().find(|name| !references::is_name(name)) {
        return Err(error_at(
            &vars.span,
            format!("\"{name}\" cannot be a name in a template: a name has letters, digits, `_` and `-`, and starts with no digit."),
        ));
    }
    let inside = |error: &Diagnostic, place: &Span| {
        let line = error.span.as_ref().map_or(1, |span| content[..span.start.min(content.len())].matches('\n').count() + 1);
        let mut outer = Diagnostic::error(format!("In {name}, line {line}: {}", error.message)).at(place.clone());
        outer.hint.clone_from(&error.hint);
        Box::new(outer)
    };
    let template = syntax::template(name, content).map_err(|errors| match errors.first() {
        Some(error) => inside(error, &place.span),
        None => error_at(&place.span, format!("{name} is not a template.")),
    })?;
    let names = Values { given: &given };
    let scope = Eval::new(&names, eval.host).after(&eval.budget).in_template();
    if let Some(error) = references::unbound(&template, &given) {
        return Err(inside(&error, &vars.span));
    }
    let result = scope.eval(&template).map_err(|error| inside(&error, &place.span))?;
    // A template of one text is that text, also where it is a literal without any insertion.
    let result = if let Kind::Literal(_) = template.kind { Val::string(content_of(&result)) } else { result };
    if result.is_null() {
        return Err(error_at(&place.span, format!("The result of {name} is null, which has no text.")));
    }
    Ok(result.marked(values.sensitive))
}

fn content_of(value: &Val) -> &str {
    if let Data::String(text) = &value.data { text } else { "" }
}

/// The names of a template.
struct Values<'a> {
    given: &'a BTreeMap<String, Val>,
}

impl Scope for Values<'_> {
    fn resolve(&self, root: &str, _: &[Step], span: &Span, _: &Eval<'_>) -> Result<(Val, usize), EvalError> {
        match self.given.get(root) {
            Some(value) => Ok((value.clone(), 0)),
            None => {
                let error =
                    Diagnostic::error(format!("The template uses \"{root}\", which is not among the values it is given.")).at(span.clone());
                Err(suggest(error, root, self.given.keys().map(String::as_str)))
            }
        }
    }
}
