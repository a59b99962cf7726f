//! From what the language gives to what a kind takes: names and types of attributes checked, defaults filled in.
//!
//! Invariant: a body that comes out holds attributes of the table only, each of its row's type or unknown; nulls are absent.
//! Pure; complaints carry attribute paths, and `Resolve` knows where those are written.

use std::collections::BTreeMap;

use super::diff::{is_empty, normal, open};
use super::placeholder::Placeholders;
use dofloat_base::address::Address;
use dofloat_base::desired::Resolve;
use dofloat_base::diag::{Diagnostic, did_you_mean};
use dofloat_base::number::Number;
use dofloat_base::secret::Secret;
use dofloat_base::value::{Origin, Term, Terms, Value};
use dofloat_kinds::attr::{Attr, Presence, Secrecy, Ty};
use dofloat_kinds::erased::{Complaint, Severity};
use dofloat_kinds::kind;

/// Checks a body against the table, converts its values, and fills in defaults.
///
/// # Errors
/// Every complaint, in the order of the table.
pub fn normalise(rows: &[Attr], body: &Term, kind: &str) -> Result<Terms, Vec<Complaint>> {
    let mut complaints = Vec::new();
    let terms = object(rows, body, &mut Vec::new(), kind, &mut complaints);
    if complaints.is_empty() { Ok(terms) } else { Err(complaints) }
}

/// The attributes of an instance as they are wanted, and what is to be said of them.
#[derive(Debug)]
pub struct Checked {
    /// The attributes.
    pub terms: Terms,
    /// Warnings, and as errors what DigitalOcean refuses though it can be read.
    pub remarks: Vec<Diagnostic>,
}

/// The attributes of an instance as they are wanted (an account alone refuses placeholders): schema checked, defaults filled in, and what is to be ignored taken from
/// what is there.
///
/// # Errors
/// The errors, with positions.
pub fn terms(resolve: &dyn Resolve, address: &Address, body: &Term, placeholders: &Placeholders) -> Result<Checked, Vec<Diagnostic>> {
    let Some(kind) = kind(&address.kind) else {
        return Err(vec![Diagnostic::error(format!("There is no resource type `{}`.", address.kind)).at(resolve.span(address, &[]))]);
    };
    let whose = format!("`{}`", address.kind);
    match normalise(kind.attrs(), body, &whose) {
        Err(complaints) => Err(complaints.into_iter().map(|complaint| from_complaint(resolve, address, complaint)).collect()),
        Ok(mut terms) => {
            terms.extend(kind.derived(&Term::map(terms.clone())).into_iter().filter(|(_, term)| !term.is_null()));
            let whole = Term::map(terms.clone());
            let mut complaints = kind.check(&whole);
            let given = complaints.iter_mut().filter(|complaint| placeholders.are_at(&complaint.path, &whole));
            given.for_each(|complaint| complaint.severity = complaint.severity.min(Severity::Refusal));
            let wrong = complaints.iter().any(|complaint| complaint.severity == Severity::Error);
            let remarks = complaints.into_iter().map(|complaint| from_complaint(resolve, address, complaint)).collect();
            if wrong { Err(remarks) } else { Ok(Checked { terms, remarks }) }
        }
    }
}

/// A complaint of a kind as a diagnostic at its place in the file.
#[must_use]
pub fn from_complaint(resolve: &dyn Resolve, address: &Address, complaint: Complaint) -> Diagnostic {
    let address = complaint.address.as_ref().unwrap_or(address);
    let path: Vec<&str> = complaint.path.iter().map(String::as_str).collect();
    let diagnostic = match complaint.severity {
        Severity::Warning => Diagnostic::warning(complaint.message),
        Severity::Refusal | Severity::Error => Diagnostic::error(complaint.message),
    };
    let diagnostic = diagnostic.at(resolve.span(address, &path)).about(address);
    let offered: Vec<String> = complaint.choices.into_iter().filter(|choice| resolve.accepts(address, &path, choice)).collect();
    match complaint.hint {
        Some(hint) if offered.is_empty() => diagnostic.hint(hint),
        Some(hint) => diagnostic.hint(format!("{hint} {}.", offered.join(", "))),
        None => diagnostic,
    }
}

/// Whether `later` is a possible outcome of what was planned: equal but where that was unknown. Sets have no order.
#[must_use]
pub fn holds(ty: Ty, planned: &Term, later: &Term) -> bool {
    match (ty, planned) {
        (_, Term::Unknown(_)) => true,
        (Ty::Set(item), _) => match (planned.items(), later.items()) {
            (Some(planned), Some(later)) => {
                let fits = |planned: &Term, later: &Term| holds(*item, planned, later);
                later.iter().all(|later| planned.iter().any(|planned| fits(planned, later)))
                    && planned.iter().all(|planned| later.iter().any(|later| fits(planned, later)))
            }
            _ => planned.refined_by(later),
        },
        (Ty::List(item), _) => match (planned.items(), later.items()) {
            (Some(planned), Some(later)) => {
                planned.len() == later.len() && planned.iter().zip(&later).all(|(planned, later)| holds(*item, planned, later))
            }
            _ => planned.refined_by(later),
        },
        (Ty::Object(rows), _) => match (planned.entries(), later.entries()) {
            (Some(planned), Some(later)) => rows.iter().all(|row| match (planned.get(row.name), later.get(row.name)) {
                (Some(planned), Some(later)) => holds(row.ty, planned, later),
                (Some(planned), None) => planned.has_unknown(),
                (None, later) => later.is_none(),
            }),
            _ => planned.refined_by(later),
        },
        _ => planned.refined_by(later),
    }
}

/// Whether what an attribute came out as is what was planned, by the row's normal form. `terms` holds the others as they are
/// now.
#[must_use]
pub fn kept(row: &Attr, planned: Option<&Term>, later: Option<&Term>, terms: &Terms) -> bool {
    let open = open(terms);
    let form = |term: &Term| term.sealed().map(|sealed| sealed.map(|value| normal(row, value, &open)));
    let nothing = |term: &Term| form(term).is_some_and(|form| form.map(is_empty) == Secret::new(true));
    match (planned, later) {
        (None, None) => true,
        (Some(planned), None) => planned.has_unknown() || nothing(planned),
        (None, Some(later)) => nothing(later),
        (Some(planned), Some(later)) => {
            holds(row.ty, planned, later) || form(planned).is_some_and(|planned| form(later).is_some_and(|later| planned == later))
        }
    }
}

fn object(rows: &[Attr], body: &Term, path: &mut Vec<String>, whose: &str, complaints: &mut Vec<Complaint>) -> Terms {
    let mut given = body.entries().unwrap_or_default();
    let mut terms = Terms::new();
    for row in rows {
        path.push(row.name.to_owned());
        let term = given.remove(row.name).filter(|term| !term.is_null());
        match term {
            Some(_) if !row.settable() => {
                complain(
                    complaints,
                    path,
                    format!("`{}` cannot be set: DigitalOcean computes it.", row.name),
                    Some("Remove it.".to_owned()),
                );
            }
            Some(term) => match convert(&term, row.ty, path, complaints) {
                Some(term) if !term.is_null() => {
                    let is_secret = row.secrecy == Secrecy::Sensitive || row.sealed;
                    terms.insert(row.name.to_owned(), if is_secret { marked(term) } else { term });
                }
                _ => {}
            },
            None if row.presence == Presence::Required => {
                let what = if row.block { "block" } else { "argument" };
                path.pop();
                complain(
                    complaints,
                    path,
                    format!("The {what} `{}` of {whose} is missing.", row.name),
                    Some(format!("Add `{}`: {}", row.name, row.doc)),
                );
                path.push(row.name.to_owned());
            }
            None => {
                if let Some(lit) = row.default {
                    terms.insert(row.name.to_owned(), Term::Value(lit.into()));
                }
            }
        }
        path.pop();
    }
    for name in given.keys() {
        path.push(name.clone());
        let known = rows.iter().filter(|row| row.settable()).map(|row| row.name);
        let hint = did_you_mean(name, known.clone())
            .map(|meant| format!("Did you mean `{meant}`?"))
            .or_else(|| Some(format!("It has: {}.", known.collect::<Vec<_>>().join(", "))));
        complain(complaints, path, format!("There is no argument `{name}` in {whose}."), hint);
        path.pop();
    }
    terms
}

/// What is sensitive whatever it comes from.
fn marked(term: Term) -> Term {
    match term {
        Term::Unknown(origin) => Term::Unknown(Origin { sensitive: true, ..origin }),
        term => term.sealed().map_or(term, Term::Secret),
    }
}

fn complain(complaints: &mut Vec<Complaint>, path: &[String], message: String, hint: Option<String>) {
    complaints.push(Complaint::error(path.to_vec(), message, hint));
}

fn convert(term: &Term, ty: Ty, path: &mut Vec<String>, complaints: &mut Vec<Complaint>) -> Option<Term> {
    if matches!(ty, Ty::Any) || matches!(term, Term::Unknown(_)) {
        return Some(term.clone());
    }
    if let Term::Secret(secret) = term {
        return match secret.map(|value| known(value, ty)).transpose() {
            Ok(secret) => Some(Term::Secret(secret)),
            Err(why) => {
                complain(complaints, path, why, None);
                None
            }
        };
    }
    match ty {
        Ty::List(item) | Ty::Set(item) => {
            let Some(items) = term.items() else { return mismatch(term, ty, path, complaints) };
            let items: Vec<Term> = each(items.into_iter().enumerate().map(|(at, item)| (at.to_string(), item)), *item, path, complaints)?
                .into_iter()
                .map(|(_, item)| item)
                .collect();
            let list = Term::list(items);
            Some(match (ty, list) {
                (Ty::Set(_), Term::Value(Value::List(mut values))) => {
                    values.sort();
                    values.dedup();
                    Term::Value(Value::List(values))
                }
                (_, list) => list,
            })
        }
        Ty::Map(item) => {
            let Some(entries) = term.entries() else { return mismatch(term, ty, path, complaints) };
            Some(Term::map(each(entries.into_iter(), *item, path, complaints)?.into_iter().collect()))
        }
        Ty::Object(rows) => {
            if term.entries().is_none() {
                return mismatch(term, ty, path, complaints);
            }
            let whose = path
                .iter()
                .rev()
                .find(|part| part.parse::<usize>().is_err())
                .map_or_else(|| "the object".to_owned(), |name| format!("`{name}`"));
            Some(Term::map(object(rows, term, path, &whose, complaints)))
        }
        Ty::Bool | Ty::Number | Ty::String | Ty::Any => match term {
            Term::Value(value) => match known(value, ty) {
                Ok(value) => Some(Term::Value(value)),
                Err(why) => {
                    complain(complaints, path, why, None);
                    None
                }
            },
            _ => mismatch(term, ty, path, complaints),
        },
    }
}

fn each(
    parts: impl Iterator<Item = (String, Term)>,
    ty: Ty,
    path: &mut Vec<String>,
    complaints: &mut Vec<Complaint>,
) -> Option<Vec<(String, Term)>> {
    let mut all = Vec::new();
    let mut whole = true;
    for (name, part) in parts {
        path.push(name.clone());
        match convert(&part, ty, path, complaints) {
            Some(part) => all.push((name, part)),
            None => whole = false,
        }
        path.pop();
    }
    whole.then_some(all)
}

fn mismatch(term: &Term, ty: Ty, path: &[String], complaints: &mut Vec<Complaint>) -> Option<Term> {
    let found = match term {
        Term::Value(value) => noun(value),
        Term::Secret(_) => "a sensitive value",
        Term::Unknown(_) => "an unknown value",
        Term::List(_) => "a list",
        Term::Map(_) => "an object",
    };
    complain(complaints, path, format!("`{}` takes a {}, not {found}.", name_of(path), type_of(ty)), None);
    None
}

fn name_of(path: &[String]) -> &str {
    path.iter().rev().find(|part| part.parse::<usize>().is_err()).map_or("it", String::as_str)
}

fn type_of(ty: Ty) -> String {
    match ty {
        Ty::Object(_) => "block or object".to_owned(),
        other => dofloat_base::types::Type::from(other).to_string(),
    }
}

fn noun(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Number(_) => "a number",
        Value::Str(_) => "a string",
        Value::List(_) => "a list",
        Value::Map(_) => "an object",
    }
}

/// Converts a known value; the error says nothing of the value itself.
fn known(value: &Value, ty: Ty) -> Result<Value, String> {
    let fail = || Err(format!("A {} is needed here, not {}.", type_of(ty), noun(value)));
    match (ty, value) {
        (_, Value::Null) | (Ty::Any, _) | (Ty::Bool, Value::Bool(_)) | (Ty::Number, Value::Number(_)) | (Ty::String, Value::Str(_)) => {
            Ok(value.clone())
        }
        (Ty::Bool, Value::Str(text)) => match text.as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => fail(),
        },
        (Ty::Number, Value::Str(text)) => text.parse::<Number>().map(Value::Number).or_else(|_| fail()),
        (Ty::String, Value::Bool(bool)) => Ok(Value::Str(bool.to_string())),
        (Ty::String, Value::Number(number)) => Ok(Value::Str(number.to_string())),
        (Ty::List(item), Value::List(items)) => Ok(Value::List(items.iter().map(|value| known(value, *item)).collect::<Result<_, _>>()?)),
        (Ty::Set(item), Value::List(items)) => {
            let mut items: Vec<Value> = items.iter().map(|value| known(value, *item)).collect::<Result<_, _>>()?;
            items.sort();
            items.dedup();
            Ok(Value::List(items))
        }
        (Ty::Map(item), Value::Map(map)) => {
            Ok(Value::Map(map.iter().map(|(name, value)| Ok((name.clone(), known(value, *item)?))).collect::<Result<_, String>>()?))
        }
        (Ty::Object(rows), Value::Map(map)) => {
            let mut fields = BTreeMap::new();
            for (name, value) in map {
                let Some(row) = rows.iter().find(|row| row.name == name) else {
                    return Err(format!("There is no argument `{name}` here."));
                };
                fields.insert(name.clone(), known(value, row.ty)?);
            }
            Ok(Value::Map(fields))
        }
        _ => fail(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dofloat_kinds::attr::{Change, Lit};

    const RULE: &[Attr] = &[
        Attr::required("protocol", Ty::String, Change::InPlace("update"), "The protocol."),
        Attr::optional("port", Ty::Number, Change::InPlace("update"), "The port."),
    ];
    const ROWS: &[Attr] = &[
        Attr::required("name", Ty::String, Change::InPlace("rename"), "The name."),
        Attr::optional("ttl", Ty::Number, Change::InPlace("update"), "Seconds.").default(Lit::Int(1800)),
        Attr::optional("tags", Ty::Set(&Ty::String), Change::InPlace("tags"), "Tags."),
        Attr::optional("rule", Ty::Set(&Ty::Object(RULE)), Change::InPlace("update"), "Rules.").block(),
        Attr::computed("id", Ty::String, "The identity."),
    ];

    fn value(json: &str) -> Term {
        Term::Value(Value::from_json(&serde_json::from_str(json).unwrap()))
    }

    fn check(json: &str, expected: Result<&str, &[&str]>) {
        match (normalise(ROWS, &value(json), "the thing"), expected) {
            (Ok(terms), Ok(expected)) => assert_eq!(Term::map(terms), value(expected), "{json}"),
            (Err(complaints), Err(expected)) => {
                let found: Vec<String> = complaints.iter().map(|c| format!("{}: {}", c.path.join("."), c.message)).collect();
                assert_eq!(found, expected, "{json}");
            }
            (found, _) => panic!("{json}: {found:?}"),
        }
    }

    #[test]
    fn values_are_converted_and_defaults_filled_in() {
        check(
            r#"{"name": 5, "tags": ["b", "a", "b"], "rule": [{"protocol": "tcp", "port": "80"}]}"#,
            Ok(r#"{"name": "5", "ttl": 1800, "tags": ["a", "b"], "rule": [{"protocol": "tcp", "port": 80}]}"#),
        );
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_path() {
        check(
            r#"{"ttl": "soon"}"#,
            Err(&[": The argument `name` of the thing is missing.", "ttl: A number is needed here, not a string."]),
        );
        check(r#"{"name": "a", "nmae": 1}"#, Err(&["nmae: There is no argument `nmae` in the thing."]));
        check(r#"{"name": "a", "id": "1"}"#, Err(&["id: `id` cannot be set: DigitalOcean computes it."]));
        check(r#"{"name": "a", "tags": "x"}"#, Err(&["tags: `tags` takes a set(string), not a string."]));
        check(r#"{"name": "a", "rule": [{"port": 1}]}"#, Err(&["rule.0: The argument `protocol` of `rule` is missing."]));
    }

    #[test]
    fn sets_may_come_out_in_another_order() {
        let unknown = || Term::Unknown(Origin::default());
        let text = |text: &str| Term::Value(text.into());
        let planned = Term::list(vec![text("b"), unknown()]);
        let ty = Ty::Set(&Ty::String);
        assert!(holds(ty, &planned, &Term::list(vec![text("a"), text("b")])));
        assert!(!holds(ty, &planned, &Term::list(vec![text("a"), text("c")])));
        assert!(!holds(Ty::List(&Ty::String), &planned, &Term::list(vec![text("a"), text("b")])));
    }

    #[test]
    fn unknown_and_secret_parts_pass() {
        let unknown = Term::Unknown(Origin::default());
        let body = Term::map(BTreeMap::from([
            ("name".to_owned(), Term::Secret(Secret::new(Value::from(5)))),
            ("tags".to_owned(), Term::List(vec![unknown.clone(), Term::Value("a".into())])),
        ]));
        let terms = normalise(ROWS, &body, "the thing").unwrap();
        assert_eq!(terms["name"], Term::Secret(Secret::new(Value::from("5"))));
        assert_eq!(terms["tags"], Term::List(vec![unknown, Term::Value("a".into())]));
    }
}
