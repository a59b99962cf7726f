//! What the language does with types: conversion, the common type of several, equality, the order of sets.
//!
//! Invariant: `convertible` says for types what `convert` does for values, as far as types tell.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::arithmetic;
use super::constraint::{Constraint, ConvertError};
use super::value::{Data, Val};
use dofloat_base::number::Number;
use dofloat_base::types::Type;

/// Converts a value to a type: `"5"` to 5, a tuple to a list, an object to a map, and so on.
///
/// # Errors
/// If the value, or a part of it, does not fit.
pub fn convert(value: &Val, to: &Type) -> Result<Val, ConvertError> {
    Constraint::from(to).apply(value)
}

/// The type that a value of type `from` has after conversion to `to`; `None` if no value of that type can be converted.
#[must_use]
pub fn convertible(from: &Type, to: &Type) -> Option<Type> {
    Constraint::from(to).result(from).ok()
}

/// The type to which values of all these types can be brought: what the branches of a condition and the elements of a list
/// have in common. Types that are not known yet (and the literal null) agree with all others.
#[must_use]
pub fn unify(types: &[Type]) -> Option<Type> {
    let mut types: Vec<&Type> = types.iter().filter(|ty| **ty != Type::Any).collect();
    types.sort();
    types.dedup();
    let Some(first) = types.first() else { return Some(Type::Any) };
    if types.len() == 1 {
        return Some((*first).clone());
    }
    let only = |fits: fn(&Type) -> bool| types.iter().all(|ty| fits(ty));
    if only(|ty| matches!(ty, Type::Bool | Type::Number | Type::String)) {
        return types.contains(&&Type::String).then_some(Type::String);
    }
    if only(|ty| matches!(ty, Type::Tuple(_))) {
        return unify_tuples(&types);
    }
    if only(|ty| matches!(ty, Type::Object(_))) {
        return unify_objects(&types);
    }
    if only(|ty| matches!(ty, Type::Set(_))) {
        return Some(Type::Set(Box::new(unify(&elements(&types))?)));
    }
    if only(|ty| matches!(ty, Type::List(_) | Type::Tuple(_))) {
        return Some(Type::List(Box::new(unify(&elements(&types))?)));
    }
    if only(|ty| matches!(ty, Type::Map(_) | Type::Object(_))) {
        return Some(Type::Map(Box::new(unify(&elements(&types))?)));
    }
    // A mixture of kinds: lists before sets, as the declaration order of `Type` has them.
    let fits = |to: &&&Type| types.iter().all(|from| convertible(from, to).is_some());
    types.iter().find(fits).map(|ty| (**ty).clone())
}

fn unify_tuples(types: &[&Type]) -> Option<Type> {
    let rows: Vec<&Vec<Type>> = types.iter().filter_map(|ty| if let Type::Tuple(items) = ty { Some(items) } else { None }).collect();
    if rows.windows(2).any(|pair| pair[0].len() != pair[1].len()) {
        return Some(Type::List(Box::new(unify(&elements(types))?)));
    }
    let column = |at: usize| unify(&rows.iter().map(|row| row[at].clone()).collect::<Vec<_>>());
    Some(Type::Tuple((0..rows.first()?.len()).map(column).collect::<Option<_>>()?))
}

fn unify_objects(types: &[&Type]) -> Option<Type> {
    let rows: Vec<&BTreeMap<String, Type>> =
        types.iter().filter_map(|ty| if let Type::Object(fields) = ty { Some(fields) } else { None }).collect();
    if rows.windows(2).any(|pair| !pair[0].keys().eq(pair[1].keys())) {
        return Some(Type::Map(Box::new(unify(&elements(types))?)));
    }
    let column = |name: &String| unify(&rows.iter().filter_map(|row| row.get(name).cloned()).collect::<Vec<_>>());
    Some(Type::Object(rows.first()?.keys().map(|name| Some((name.clone(), column(name)?))).collect::<Option<_>>()?))
}

/// The types of all parts.
fn elements(types: &[&Type]) -> Vec<Type> {
    let mut elements = Vec::new();
    for ty in types {
        match ty {
            Type::List(item) | Type::Set(item) | Type::Map(item) => elements.push(item.as_ref().clone()),
            Type::Tuple(items) => elements.extend(items.iter().cloned()),
            Type::Object(fields) => elements.extend(fields.values().cloned()),
            Type::Any | Type::Bool | Type::Number | Type::String => {}
        }
    }
    elements
}

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

    fn ty(json: &str) -> Type {
        Type::from_json(&serde_json::from_str(json).unwrap()).unwrap_or_else(|| panic!("{json} is no type"))
    }

    fn n(number: i64) -> Val {
        Val::number(number)
    }

    #[test]
    fn what_types_have_in_common() {
        for (types, expected) in [
            (vec![], Some("any")),
            (vec![r#""dynamic""#, r#""dynamic""#], Some("any")),
            (vec![r#""number""#, r#""dynamic""#], Some("number")),
            (vec![r#""number""#, r#""string""#, r#""bool""#], Some("string")),
            (vec![r#""number""#, r#""bool""#], None),
            (vec![r#"["list","number"]"#, r#"["list","dynamic"]"#], Some("list(number)")),
            (vec![r#"["tuple",["number"]]"#, r#"["tuple",["string"]]"#], Some("tuple([string])")),
            (vec![r#"["tuple",[]]"#, r#"["tuple",["number"]]"#], Some("list(number)")),
            (vec![r#"["tuple",["number"]]"#, r#"["list","string"]"#], Some("list(string)")),
            (vec![r#"["set","number"]"#, r#"["list","number"]"#], Some("list(number)")),
            (vec![r#"["set","string"]"#, r#"["tuple",[]]"#], Some("set(string)")),
            (vec![r#"["object",{"a":"number"}]"#, r#"["object",{"a":"string"}]"#], Some("object({a = string})")),
            (vec![r#"["object",{"a":"number"}]"#, r#"["object",{"b":"number"}]"#], Some("map(number)")),
            (vec![r#"["object",{"a":"number"}]"#, r#"["map","string"]"#], Some("map(string)")),
            (vec![r#"["object",{}]"#, r#"["tuple",[]]"#], None),
            (vec![r#""string""#, r#"["list","string"]"#], None),
        ] {
            let found = unify(&types.iter().map(|json| ty(json)).collect::<Vec<_>>()).map(|ty| ty.to_string());
            assert_eq!(found.as_deref(), expected, "{types:?}");
        }
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
