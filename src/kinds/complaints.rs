//! Collects what is wrong with a body, and reads bodies that are known only in part.
//!
//! Invariant: a complaint never quotes a secret: the readers here give open values only.

use super::attr::Attr;
use super::job::{Complaint, Job, Severity};
use dofloat_base::address::Address;
use dofloat_base::value::{Term, Value};

/// The complaints of one check.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    found: Vec<Complaint>,
    about: Option<Address>,
}

impl Complaints {
    /// From here on complaints are about this resource.
    pub(crate) fn about(&mut self, job: &Job) {
        self.about = Some(job.address.clone());
    }

    /// An error at an attribute.
    pub(crate) fn error(&mut self, path: &[&str], message: impl Into<String>, hint: impl Into<String>) {
        self.push(path, message.into(), hint.into(), Severity::Error);
    }

    /// An error at an attribute, where `words` lead up to what may be written instead.
    pub(crate) fn offer(&mut self, path: &[&str], message: impl Into<String>, words: impl Into<String>, choices: Vec<String>) {
        self.error(path, message, words);
        if let Some(complaint) = self.found.last_mut() {
            complaint.choices = choices;
        }
    }

    /// Errors for names of what something belongs to that are empty.
    pub(crate) fn empty(&mut self, parents: impl Iterator<Item = &'static str>, body: &Term) {
        for name in parents.filter(|name| body.get(name).value().and_then(Value::as_str) == Some("")) {
            self.error(&[name], format!("`{name}` is empty."), "Name what it belongs to.");
        }
    }

    /// A text that has not the form that DigitalOcean asks for. Terraform's provider minds only that there is none.
    pub(crate) fn malformed(&mut self, text: &str, path: &[&str], message: impl Into<String>, hint: impl Into<String>) {
        let severity = if text.is_empty() { Severity::Error } else { Severity::Refusal };
        self.push(path, message.into(), hint.into(), severity);
    }

    /// Complains of what DigitalOcean refuses at an attribute, and Terraform's provider lets pass.
    pub(crate) fn refusal(&mut self, path: &[&str], message: impl Into<String>, hint: impl Into<String>) {
        self.push(path, message.into(), hint.into(), Severity::Refusal);
    }

    /// A warning at an attribute.
    pub(crate) fn warning(&mut self, path: &[&str], message: impl Into<String>, hint: impl Into<String>) {
        self.push(path, message.into(), hint.into(), Severity::Warning);
    }

    /// All of them.
    pub(crate) fn into_vec(self) -> Vec<Complaint> {
        self.found
    }

    fn push(&mut self, path: &[&str], message: String, hint: String, severity: Severity) {
        let path = path.iter().map(|&part| part.to_owned()).collect();
        self.found.push(Complaint { address: self.about.clone(), severity, ..Complaint::error(path, message, hint) });
    }
}

/// The text of an attribute, if it is known and open.
pub(crate) fn text(body: &Term, name: &str) -> Option<String> {
    match body.get(name) {
        Term::Value(Value::Str(text)) => Some(text),
        Term::Value(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    }
}

/// The whole number of an attribute, if it is known and open.
pub(crate) fn number(body: &Term, name: &str) -> Option<i64> {
    match body.get(name) {
        Term::Value(Value::Number(number)) => number.as_i64(),
        Term::Value(Value::Str(text)) => text.parse().ok(),
        _ => None,
    }
}

/// Whether an attribute surely has a value: what is not known yet may turn out to be null.
pub(crate) fn is_given(body: &Term, name: &str) -> bool {
    !matches!(body.get(name), Term::Value(Value::Null) | Term::Unknown(_))
}

/// Whether an attribute is known to be true.
pub(crate) fn is_true(body: &Term, name: &str) -> bool {
    body.get(name) == Term::Value(Value::Bool(true))
}

/// The items of a list attribute.
pub(crate) fn items(body: &Term, name: &str) -> Vec<Term> {
    body.get(name).items().unwrap_or_default()
}

/// The texts of a list attribute that are known and open, with their places.
pub(crate) fn texts(body: &Term, name: &str) -> Vec<(usize, String)> {
    let text = |(at, item): (usize, Term)| item.value()?.as_str().map(|text| (at, text.to_owned()));
    items(body, name).into_iter().enumerate().filter_map(text).collect()
}

/// Complains of every further job that wants a name (or whatever `key` gives) that another one wants already.
pub(crate) fn no_two(jobs: &[Job], path: &str, what: &str, key: impl Fn(&Term) -> Option<String>, complaints: &mut Complaints) {
    let mut taken: Vec<(String, &Address)> = Vec::new();
    for job in jobs {
        let Some(key) = key(&job.body) else { continue };
        complaints.about(job);
        match taken.iter().find(|(other, _)| *other == key) {
            Some((_, first)) => complaints.error(
                &[path],
                format!("{first} wants the {what} `{key}` too."),
                format!("Give each its own: DigitalOcean takes a {what} once in an account."),
            ),
            None => taken.push((key, &job.address)),
        }
    }
}

/// Complains of values that their rows do not allow, those of nested blocks too. What is unknown or secret is passed over.
pub(crate) fn rows(rows: &[Attr], body: &Term, path: &[&str], complaints: &mut Complaints) {
    for row in rows {
        let (term, at) = (body.get(row.name), [path, &[row.name]].concat());
        match row.inner() {
            Some(inner) => {
                let items = term.items().unwrap_or_default();
                if row.wire.single && items.len() > 1 {
                    complaints.error(
                        &[&at[..], &["1"]].concat(),
                        format!("There is one `{}` at most.", row.name),
                        "Remove the further blocks.",
                    );
                }
                for (place, item) in items.iter().enumerate() {
                    self::rows(inner, item, &[&at[..], &[&place.to_string()]].concat(), complaints);
                }
            }
            None => one(row, &term, &at, complaints),
        }
    }
}

fn one(row: &Attr, term: &Term, at: &[&str], complaints: &mut Complaints) {
    let mut complain = |at: &[&str], value: &Value| {
        if let Some((wrong, right)) = row.valid.wrong(value) {
            let severity = row.valid.severity(value);
            complaints.push(at, format!("`{}`: {wrong}.", row.name), right, severity);
        }
    };
    match term {
        Term::Value(Value::List(items)) => {
            for (place, item) in items.iter().enumerate() {
                complain(&[at, &[&place.to_string()]].concat(), item);
            }
        }
        Term::Value(value) => complain(at, value),
        _ => {}
    }
}
