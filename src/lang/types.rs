//! What the language does with values of any type: equality, the order of sets, the texts of primitives.
//!
//! Invariant: values of different types are never equal, and a set has one order whatever it was made of.

use std::cmp::Ordering;
use std::sync::Arc;

use super::arithmetic;
use super::value::{Data, Val};
use dofloat_base::number::Number;
use dofloat_base::types::Type;

/// `a == b`: true only for values of one type, null only for null; unknown where an unknown part decides.
#[must_use]
pub fn equal(a: &Val, b: &Val) -> Val {
    let sensitive = a.has_sensitive() || b.has_sensitive();
    let answer = match (&a.data, &b.data) {
        (Data::Unknown(..), _) | (_, Data::Unknown(..)) => None,
        (Data::Null(_), Data::Null(_)) => Some(true),
        (Data::Null(_), _) | (_, Data::Null(_)) => Some(false),
        _ if a.has_unknown() || b.has_unknown() => same(a, b),
        _ => Some(a.ty() == b.ty() && same(a, b) == Some(true)),
    };
    answer.map_or_else(|| Val::unknown(Type::Bool), Val::bool).marked(sensitive)
}

/// Whether two values are the same in all parts, marks aside; `None` where an unknown part decides.
#[must_use]
pub fn same(a: &Val, b: &Val) -> Option<bool> {
    let all = |pairs: &mut dyn Iterator<Item = (&Val, &Val)>| {
        let mut answer = Some(true);
        for (a, b) in pairs {
            match same(a, b) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => answer = None,
            }
        }
        answer
    };
    match (&a.data, &b.data) {
        (Data::Unknown(..), _) | (_, Data::Unknown(..)) => None,
        (Data::Null(_), Data::Null(_)) => Some(true),
        (Data::Bool(a), Data::Bool(b)) => Some(a == b),
        (Data::Number(a), Data::Number(b)) => Some(a == b),
        (Data::String(a), Data::String(b)) => Some(a == b),
        (Data::List(_, a), Data::List(_, b)) | (Data::Set(_, a), Data::Set(_, b)) | (Data::Tuple(a), Data::Tuple(b)) => {
            if a.len() == b.len() { all(&mut a.iter().zip(b.iter())) } else { Some(false) }
        }
        (Data::Map(_, a), Data::Map(_, b)) | (Data::Object(a), Data::Object(b)) => {
            if a.keys().eq(b.keys()) {
                all(&mut a.values().zip(b.values()))
            } else {
                Some(false)
            }
        }
        _ => Some(false),
    }
}

/// A set of elements that have that type already: sorted, without doubles. A mark on an element, or in it, becomes the set's;
/// with an unknown element the whole set is unknown, for nobody can say how many it has.
#[must_use]
pub fn set_of(item: Type, elements: Vec<Val>) -> Val {
    let sensitive = elements.iter().any(Val::has_sensitive);
    if elements.iter().any(Val::has_unknown) {
        return Val::unknown(Type::Set(Box::new(item))).marked(sensitive);
    }
    let mut elements: Vec<Val> = if sensitive { elements.iter().map(Val::opened).collect() } else { elements };
    elements.sort_by(order);
    elements.dedup_by(|a, b| order(a, b) == Ordering::Equal);
    Val::from(Data::Set(item, Arc::new(elements))).marked(sensitive)
}

/// The order of a set's elements: false before true, numbers by size, strings by their bytes, null last; compound ones in
/// the order of a text that spells them.
#[must_use]
pub fn order(a: &Val, b: &Val) -> Ordering {
    match (&a.data, &b.data) {
        (Data::Bool(a), Data::Bool(b)) => a.cmp(b),
        (Data::Number(a), Data::Number(b)) => a.cmp(b),
        (Data::String(a), Data::String(b)) => a.cmp(b),
        (Data::Null(_), Data::Null(_)) => Ordering::Equal,
        (Data::Null(_), _) => Ordering::Greater,
        (_, Data::Null(_)) => Ordering::Less,
        _ => spelled(a).cmp(&spelled(b)),
    }
}

fn spelled(value: &Val) -> String {
    let mut text = String::new();
    spell(value, &mut text);
    text
}

fn spell(value: &Val, text: &mut String) {
    match &value.data {
        Data::Unknown(..) => text.push('?'),
        Data::Null(_) => text.push('~'),
        Data::Bool(true) => text.push('T'),
        Data::Bool(false) => text.push('F'),
        Data::Number(number) => text.push_str(&number.to_string()),
        Data::String(string) => text.push_str(&format!("{string:?}")),
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
            let (open, close) = if matches!(value.data, Data::Tuple(_)) { ('<', '>') } else { ('[', ']') };
            text.push(open);
            for item in items.iter() {
                spell(item, text);
                text.push(';');
            }
            text.push(close);
        }
        Data::Map(_, fields) | Data::Object(fields) => {
            let named = matches!(value.data, Data::Map(..));
            text.push(if named { '{' } else { '<' });
            for (name, field) in fields.iter() {
                if named {
                    text.push_str(&format!("{name:?}:"));
                }
                spell(field, text);
                text.push(';');
            }
            text.push(if named { '}' } else { '>' });
        }
    }
}

/// The string that a primitive is converted to: `true`, `1.5`; `None` for anything else.
#[must_use]
pub fn text_of(data: &Data) -> Option<String> {
    match data {
        Data::Bool(bool) => Some(bool.to_string()),
        Data::Number(number) => Some(number.to_string()),
        Data::String(text) => Some(text.to_string()),
        _ => None,
    }
}

/// The number that a string is converted to, if it is one: decimal digits, a sign, a fraction, an exponent, nothing else.
#[must_use]
pub fn number_of(text: &str) -> Option<Number> {
    arithmetic::parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(number: i64) -> Val {
        Val::number(number)
    }

    #[test]
    fn equality_is_of_one_type() {
        let list = |items| Val::from(Data::List(Type::Number, Arc::new(items)));
        let (yes, no) = (Val::bool(true), Val::bool(false));
        assert_eq!(equal(&n(1), &Val::string("1")), no);
        assert_eq!(equal(&Data::Null(Type::String).into(), &Data::Null(Type::Number).into()), yes);
        assert_eq!(equal(&Val::null(), &n(1)), no);
        assert_eq!(equal(&list(vec![n(1)]), &list(vec![n(1)])), yes);
        assert_eq!(equal(&Val::tuple(vec![n(1)]), &list(vec![n(1)])), no);
        assert!(equal(&n(1).marked(true), &n(1)).sensitive);
    }

    #[test]
    fn what_is_unknown_is_equal_to_nothing_yet() {
        let unknown = || Val::unknown(Type::Number);
        assert!(equal(&unknown(), &n(1)).is_unknown());
        assert!(equal(&Val::tuple(vec![unknown(), n(1)]), &Val::tuple(vec![n(1), n(1)])).is_unknown());
        assert_eq!(equal(&Val::tuple(vec![unknown(), n(1)]), &Val::tuple(vec![n(1), n(2)])), Val::bool(false));
    }

    #[test]
    fn sets_are_sorted_and_keep_secrets() {
        let strings = |texts: &[&str]| texts.iter().map(|text| Val::string(text)).collect::<Vec<_>>();
        let set = set_of(Type::String, strings(&["b", "a", "b"]));
        assert_eq!(set, Data::Set(Type::String, Arc::new(strings(&["a", "b"]))).into());
        let marked = set_of(Type::String, vec![Val::string("a").marked(true)]);
        assert!(marked.sensitive && marked.parts().all(|part| !part.sensitive));
        assert!(set_of(Type::Number, vec![n(1), Val::unknown(Type::Number)]).is_unknown());
    }
}
