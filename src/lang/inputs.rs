//! The values of a stack's variables, from texts and files.
//!
//! Invariant: what is given later wins; a text for a variable of a simple type, or without a type, is taken as it is, any
//! other is read as an expression. It must not know where texts come from (environment, command line): the caller says.

use std::collections::BTreeMap;

use super::Host;
use super::constant::constant;
use super::constraint::Constraint;
use super::declaration::{Module, Variable};
use super::error::{EvalError, error_at, suggest};
use super::value::{Data, Val};
use super::{json, syntax};
use dofloat_base::address::Address;
use dofloat_base::diag::{Diagnostic, Span};
use dofloat_base::secret::Secret;
use dofloat_base::types::Type;
use dofloat_base::value::{Body, Term};

/// What is given for variables.
#[derive(Clone, Default)]
pub struct Inputs {
    /// In order; what comes later wins.
    pub given: Vec<Given>,
    /// Whether a variable may stay without a value: it is unknown then, and only what needs it fails. For `destroy`.
    pub lenient: bool,
    /// Whether a `count` or `for_each` may stay unknown where such a variable decides it. For `validate`.
    pub open_shape: bool,
    /// Whether it may stay unknown where a data source decides it that was not read yet.
    pub open_data: bool,
    /// What data sources gave that were read before the shape is made.
    pub answers: Answers,
    /// Whether variables with a default are unknown too where no value is given. For `validate`, as Terraform has it.
    pub open_defaults: bool,
    /// Whether the account is a simulated one: then a variable that only feeds settings of providers may stay without a value.
    pub simulated: bool,
    /// Whether what is not supported is left out, with all that refers to it.
    pub skip_unsupported: bool,
    /// Whether provisioners are run.
    pub provisioners: bool,
}

/// What data sources gave that were read before the shape is made.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// What was found.
    pub found: BTreeMap<Address, Body>,
    /// What expressions see of it.
    pub known: BTreeMap<Address, Term>,
}

/// One source of values.
#[derive(Clone)]
pub enum Given {
    /// A text for one variable.
    Text {
        /// The variable.
        name: String,
        /// The text, which may be a secret.
        raw: Secret<String>,
        /// Where it comes from, for messages: `-var`, `TF_VAR_region`.
        from: String,
        /// Whether the variable must exist (a variable of the environment may be meant for others).
        strict: bool,
    },
    /// The content of a `.tfvars` or `.tfvars.json` file.
    File {
        /// The file's name, as it is shown.
        name: String,
        /// Its text: any value may be a secret.
        text: Secret<String>,
    },
}

/// A variable that needs a value and has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The variable.
    pub name: String,
    /// Its `description`.
    pub description: Option<String>,
    /// Its type.
    pub ty: Type,
    /// Whether the answer must not be shown.
    pub sensitive: bool,
    /// Where it is declared.
    pub span: Span,
}

/// The variables that have no default and are given no value.
#[must_use]
pub(super) fn questions(module: &Module, inputs: &Inputs, host: &Host<'_>) -> Vec<Question> {
    let (given, _, _) = gather(module, inputs, host);
    let needed = |name: &String, variable: &Variable| variable.default.is_none() && !module.idle.contains(name);
    let open = module.variables.iter().filter(|(name, variable)| needed(name, variable) && !given.contains_key(*name));
    open.map(|(name, variable)| Question {
        name: name.clone(),
        description: variable.description.clone(),
        ty: variable.constraint.ty(),
        sensitive: variable.sensitive,
        span: variable.span.clone(),
    })
    .collect()
}

/// The values of all variables, and warnings.
pub(super) type Values = (BTreeMap<String, Val>, Vec<Diagnostic>);

/// Fits what is given to the variables' types.
pub(super) fn values(module: &Module, inputs: &Inputs, host: &Host<'_>) -> Result<Values, Vec<Diagnostic>> {
    let (mut given, mut errors, mut warnings) = gather(module, inputs, host);
    let mut values = BTreeMap::new();
    for (name, variable) in &module.variables {
        let given = given.remove(name);
        if let (Some(raw), Some(why)) = (&given, &variable.deprecated) {
            let warning = Diagnostic::warning(format!("The variable \"{name}\" is deprecated, and has a value from {}: {why}", raw.from));
            warnings.push(warning.at(variable.span.clone()));
        }
        let value = if given.is_none() && inputs.open_defaults {
            Ok(Val::unknown(variable.constraint.ty()))
        } else {
            one(name, variable, given, inputs.lenient || module.idle.contains(name))
        };
        match value {
            Ok(value) => {
                values.insert(name.clone(), value.marked(variable.sensitive));
            }
            Err(error) => errors.push(*error),
        }
    }
    if errors.is_empty() { Ok((values, warnings)) } else { Err(errors) }
}

/// A value before it is fitted to the variable's type.
struct Raw {
    value: Result<Val, EvalError>,
    /// Where it stands, if in a file.
    span: Option<Span>,
    from: String,
}

fn one(name: &str, variable: &Variable, given: Option<Raw>, lenient: bool) -> Result<Val, EvalError> {
    let Some(raw) = given else {
        return match &variable.default {
            Some(default) => Ok(default.clone()),
            None if lenient => Ok(Val::unknown(variable.constraint.ty())),
            None => {
                Err(Box::new(Diagnostic::error(format!("The variable \"{name}\" has no value.")).at(variable.span.clone()).hint(format!(
                    "Give one with `-var {name}=VALUE`, in a .tfvars file, or as DOFLOAT_VAR_{name} in the environment; or write a default."
                ))))
            }
        };
    };
    let place = raw.span.clone().unwrap_or_else(|| variable.span.clone());
    let value = raw.value.map_err(|error| {
        Box::new(
            Diagnostic::error(format!("The value of \"{name}\" from {} cannot be read: {}", raw.from, error.message)).at(place.clone()),
        )
    })?;
    if value.is_null() && !variable.nullable {
        return match &variable.default {
            Some(default) => Ok(default.clone()),
            None => Err(error_at(&place, format!("The variable \"{name}\" must not be null (from {}).", raw.from))),
        };
    }
    variable.constraint.apply(&value).map_err(|error| {
        let error =
            Diagnostic::error(format!("The value of \"{name}\" from {} does not match its type: {error}.", raw.from)).at(place.clone());
        Box::new(if place == variable.span { error } else { error.related(variable.span.clone(), "declared here") })
    })
}

fn gather(module: &Module, inputs: &Inputs, host: &Host<'_>) -> (BTreeMap<String, Raw>, Vec<Diagnostic>, Vec<Diagnostic>) {
    let mut values = BTreeMap::new();
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    let names = || module.variables.keys().map(String::as_str);
    for given in &inputs.given {
        match given {
            Given::Text { name, raw, from, strict } => match module.variables.get(name) {
                Some(variable) => {
                    values.insert(name.clone(), Raw { value: text(variable, raw.expose(), from, host), span: None, from: from.clone() });
                }
                None if *strict => {
                    let error = Diagnostic::error(format!("There is no variable \"{name}\" (from {from})."));
                    errors.push(*suggest(error, name, names()));
                }
                None => {}
            },
            Given::File { name: file, text } => {
                let text = text.expose();
                let parsed = if file.ends_with(".json") { json::body(file, text, json::Shape::Values) } else { syntax::body(file, text) };
                let body = match parsed {
                    Ok(body) => body,
                    Err(found) => {
                        errors.extend(found);
                        continue;
                    }
                };
                for block in &body.blocks {
                    errors.push(
                        Diagnostic::error("A file of values holds no blocks.")
                            .at(block.header.clone())
                            .hint(format!("Write `{} = {{ … }}`.", block.kind)),
                    );
                }
                for attr in body.attrs {
                    if module.variables.contains_key(&attr.name) {
                        let raw = Raw { value: constant(&attr.value, host), span: Some(attr.span.clone()), from: file.clone() };
                        values.insert(attr.name, raw);
                    } else {
                        let warning = Diagnostic::warning(format!("The stack has no variable \"{}\".", attr.name)).at(attr.span);
                        warnings.push(*suggest(warning, &attr.name, names()));
                    }
                }
            }
        }
    }
    (values, errors, warnings)
}

/// A text as a value.
fn text(variable: &Variable, raw: &str, from: &str, host: &Host<'_>) -> Result<Val, EvalError> {
    let simple = matches!(variable.constraint, Constraint::Bool | Constraint::Number | Constraint::String);
    if simple || !variable.typed {
        return Ok(Val::string(raw));
    }
    let unreadable = |mut errors: Vec<Diagnostic>| match errors.pop() {
        // The place in the text would be taken for one in a file.
        Some(error) => Box::new(Diagnostic { span: None, ..error }),
        None => Box::new(Diagnostic::error("It is not an expression.")),
    };
    let expr = syntax::expression(from, raw, 0).map_err(unreadable)?;
    let value = constant(&expr, host)?;
    Ok(if matches!(value.data, Data::Unknown(..)) { Val::null() } else { value })
}
