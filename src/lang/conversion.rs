//! Conversion of values to types and constraints, and the common type of several.
//!
//! Invariant: what `apply` gives has the constraint's type, sensitive parts stay sensitive, and nothing that is unknown
//! becomes known. `convertible` says for types what `convert` does for values, as far as types tell. A failure names the
//! offending part by its path.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::constraint::{Constraint, ConvertError, Field};
use super::types::{number_of, set_of, text_of};
use super::value::{Data, Val};
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

impl Constraint {
    /// Fills in what is absent and optional, and converts.
    ///
    /// # Errors
    /// If the value, or a part of it, does not fit.
    pub fn apply(&self, value: &Val) -> Result<Val, ConvertError> {
        Ok(self.apply_open(value)?.marked(value.sensitive))
    }

    /// The same without regard for the mark on the value itself.
    fn apply_open(&self, value: &Val) -> Result<Val, ConvertError> {
        match &value.data {
            _ if matches!(self, Self::Any) => Ok(Val::from(value.data.clone())),
            Data::Unknown(from, origin) => Ok(Data::Unknown(self.result(from)?, origin.clone()).into()),
            Data::Null(from) => Ok(Data::Null(self.result(from)?).into()),
            known => self.apply_known(known),
        }
    }

    /// The type that a value of type `from` has afterwards, as far as types tell.
    ///
    /// # Errors
    /// If no value of that type fits.
    pub fn result(&self, from: &Type) -> Result<Type, ConvertError> {
        let all = |want: &Self, items: &mut dyn Iterator<Item = &Type>| -> Result<Box<Type>, ConvertError> {
            let items = items.map(|item| want.result(item)).collect::<Result<Vec<_>, _>>()?;
            let common = if items.is_empty() { Some(want.ty()) } else { unify(&items) };
            common.map(Box::new).ok_or_else(|| self.misfit(from))
        };
        Ok(match (self, from) {
            (Self::Any, _) => from.clone(),
            (_, Type::Any) => self.ty(),
            (Self::Bool, Type::Bool | Type::String) => Type::Bool,
            (Self::Number, Type::Number | Type::String) => Type::Number,
            (Self::String, Type::Bool | Type::Number | Type::String) => Type::String,
            (Self::List(want), Type::List(item) | Type::Set(item)) => Type::List(Box::new(want.result(item)?)),
            (Self::Set(want), Type::List(item) | Type::Set(item)) => Type::Set(Box::new(want.result(item)?)),
            (Self::Map(want), Type::Map(item)) => Type::Map(Box::new(want.result(item)?)),
            (Self::List(want), Type::Tuple(items)) => Type::List(all(want, &mut items.iter())?),
            (Self::Set(want), Type::Tuple(items)) => Type::Set(all(want, &mut items.iter())?),
            (Self::Map(want), Type::Object(fields)) => Type::Map(all(want, &mut fields.values())?),
            (Self::Tuple(wants), Type::Tuple(items)) if wants.len() == items.len() => {
                Type::Tuple(wants.iter().zip(items).map(|(want, item)| want.result(item)).collect::<Result<_, _>>()?)
            }
            (Self::Object(wants), Type::Object(_) | Type::Map(_)) => {
                let mut fields = BTreeMap::new();
                for (name, field) in wants {
                    let given = match from {
                        Type::Object(given) => given.get(name),
                        Type::Map(item) => Some(item.as_ref()),
                        _ => None,
                    };
                    let ty = match given {
                        Some(given) => field.constraint.result(given)?,
                        None if field.optional => field.constraint.ty(),
                        None => return Err(self.misfit(from)),
                    };
                    fields.insert(name.clone(), ty);
                }
                Type::Object(fields)
            }
            _ => return Err(self.misfit(from)),
        })
    }

    fn apply_known(&self, value: &Data) -> Result<Val, ConvertError> {
        match (self, value) {
            (Self::Bool, Data::Bool(_)) | (Self::Number, Data::Number(_)) | (Self::String, Data::String(_)) => Ok(value.clone().into()),
            (Self::String, Data::Bool(_) | Data::Number(_)) => {
                text_of(value).map(|text| Val::string(&text)).ok_or_else(|| ConvertError::new("a string is required"))
            }
            (Self::Number, Data::String(text)) => number_of(text).map(Val::number).ok_or_else(|| ConvertError::new("a number is required")),
            (Self::Bool, Data::String(text)) => match text.as_ref() {
                "true" | "1" => Ok(Val::bool(true)),
                "false" | "0" => Ok(Val::bool(false)),
                _ => Err(ConvertError::new("a bool is required: \"true\" or \"false\"")),
            },
            (Self::List(item), Data::Tuple(items) | Data::List(_, items) | Data::Set(_, items)) => {
                let (ty, items) = uniform(item, items.iter().enumerate().map(|(at, value)| (format!("[{at}]"), value)))?;
                Ok(Data::List(ty, Arc::new(items)).into())
            }
            (Self::Set(item), Data::Tuple(items) | Data::List(_, items) | Data::Set(_, items)) => {
                let (ty, items) = uniform(item, items.iter().enumerate().map(|(at, value)| (format!("[{at}]"), value)))?;
                Ok(set_of(ty, items))
            }
            (Self::Map(item), Data::Object(fields) | Data::Map(_, fields)) => {
                let (ty, items) = uniform(item, fields.iter().map(|(name, value)| (step(name), value)))?;
                Ok(Data::Map(ty, Arc::new(fields.keys().cloned().zip(items).collect())).into())
            }
            (Self::Tuple(wanted), Data::Tuple(items)) if wanted.len() == items.len() => {
                let apply = |(at, (want, item)): (usize, (&Self, &Val))| want.apply(item).map_err(|e| e.within(&format!("[{at}]")));
                Ok(Val::tuple(wanted.iter().zip(items.iter()).enumerate().map(apply).collect::<Result<_, _>>()?))
            }
            (Self::Object(wanted), Data::Object(given) | Data::Map(_, given)) => {
                let fields = wanted.iter().map(|(name, field)| Ok::<_, ConvertError>((name.clone(), field.apply(name, given.get(name))?)));
                Ok(Val::object(fields.collect::<Result<_, _>>()?))
            }
            _ => Err(self.misfit(&Val::from(value.clone()).ty())),
        }
    }

    fn misfit(&self, from: &Type) -> ConvertError {
        let article = |ty: &Type| match ty {
            Type::Any => "any value".to_owned(),
            Type::Object(_) => "an object".to_owned(),
            Type::Tuple(_) => "a tuple".to_owned(),
            other => format!("a {other}"),
        };
        ConvertError::new(match (self, from) {
            (Self::Tuple(wanted), Type::Tuple(given)) if wanted.len() != given.len() => {
                format!("a tuple of length {} is required, not of {}", wanted.len(), given.len())
            }
            (Self::Tuple(wanted), _) => format!("a tuple of length {} is required", wanted.len()),
            (Self::Object(wanted), Type::Object(given)) => wanted
                .iter()
                .find(|(name, field)| !field.optional && !given.contains_key(*name))
                .map_or_else(|| "an object of other attributes is required".to_owned(), |(name, _)| missing(name)),
            (Self::List(_), Type::Tuple(_)) | (Self::Set(_), Type::Tuple(_) | Type::List(_)) | (Self::Map(_), Type::Object(_)) => {
                format!("{} is required; the elements here have no type in common", article(&self.ty()))
            }
            _ => format!("{} is required", article(&self.ty())),
        })
    }
}

impl Field {
    fn apply(&self, name: &str, value: Option<&Val>) -> Result<Val, ConvertError> {
        let absent = value.is_none_or(Val::is_null);
        let sensitive = value.is_some_and(|value| value.sensitive);
        match (&self.default, value) {
            (Some(default), _) if absent => self.constraint.apply(default).map(|value| value.marked(sensitive)),
            (_, Some(value)) => self.constraint.apply(value),
            (_, None) if self.optional => Ok(Data::Null(self.constraint.ty()).into()),
            (_, None) => return Err(ConvertError::new(missing(name))),
        }
        .map_err(|error| error.within(&format!(".{name}")))
    }
}

fn missing(name: &str) -> String {
    format!("the attribute \"{name}\" is required")
}

/// How an element of a map or object is written in a path.
fn step(name: &str) -> String {
    format!("[\"{name}\"]")
}

/// Elements brought to one type: each to what is wanted, then all to what they have in common.
fn uniform<'a>(want: &Constraint, items: impl Iterator<Item = (String, &'a Val)>) -> Result<(Type, Vec<Val>), ConvertError> {
    let items = items.map(|(step, item)| want.apply(item).map_err(|error| error.within(&step))).collect::<Result<Vec<_>, _>>()?;
    let mut types: Vec<Type> = items.iter().map(Val::ty).collect();
    types.dedup();
    if types.is_empty() {
        return Ok((want.ty(), items));
    }
    let common = unify(&types).ok_or_else(|| {
        ConvertError::new("all elements must have the same type, and these have none in common; write a tuple or object instead")
    })?;
    if types.len() == 1 && types[0] == common {
        return Ok((common, items));
    }
    let to = Constraint::from(&common);
    let items = items.iter().map(|item| to.apply(item)).collect::<Result<_, _>>()?;
    Ok((common, items))
}

#[cfg(test)]
mod tests {
    use super::super::functions::tests::{json_of, v};
    use super::*;

    fn ty(json: &str) -> Type {
        Type::from_json(&serde_json::from_str(json).unwrap()).unwrap_or_else(|| panic!("{json} is no type"))
    }

    fn list(item: Constraint) -> Constraint {
        Constraint::List(Box::new(item))
    }

    fn object(fields: &[(&str, Constraint, bool, Option<&str>)]) -> Constraint {
        let field = |(name, constraint, optional, default): &(&str, Constraint, bool, Option<&str>)| {
            (name.to_string(), Field { constraint: constraint.clone(), optional: *optional, default: default.map(v) })
        };
        Constraint::Object(fields.iter().map(field).collect())
    }

    fn check(constraint: &Constraint, value: &str, expected: Result<&str, &str>) {
        let found = constraint.apply(&v(value)).map(|val| json_of(&val)).map_err(|error| error.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{value}");
    }

    #[test]
    fn primitives() {
        check(&Constraint::Number, "\"5.50\"", Ok("5.5"));
        check(&Constraint::String, "true", Ok("\"true\""));
        check(&Constraint::Bool, "\"1\"", Ok("true"));
        check(&Constraint::Number, "true", Err("a number is required"));
        check(&Constraint::Number, "\"x\"", Err("a number is required"));
        check(&Constraint::String, "null", Ok("null"));
        check(&Constraint::Any, "[1]", Ok("[1]"));
    }

    #[test]
    fn collections() {
        check(&list(Constraint::Any), "[1, \"a\"]", Ok("[\"1\",\"a\"]"));
        check(&Constraint::Set(Box::new(Constraint::Number)), "[3, \"1\", 3]", Ok("[1,3]"));
        check(&Constraint::Map(Box::new(Constraint::Any)), "{\"a\": [1], \"b\": []}", Ok("{\"a\":[1],\"b\":[]}"));
        check(&Constraint::Tuple(vec![Constraint::String]), "[1]", Ok("[\"1\"]"));
        check(&Constraint::Tuple(vec![Constraint::String]), "[1, 2]", Err("a tuple of length 1 is required, not of 2"));
        check(&list(Constraint::String), "{}", Err("a list(string) is required"));
        assert!(list(Constraint::Any).apply(&v("[1, true]")).is_err());
    }

    #[test]
    fn absent_attributes_get_their_defaults() {
        let inner = object(&[("b", Constraint::String, true, Some("\"deep\""))]);
        let outer = object(&[
            ("a", inner, true, Some("{}")),
            ("c", Constraint::Number, true, None),
            ("d", Constraint::Number, true, Some("\"5\"")),
        ]);
        check(&outer, "{}", Ok("{\"a\":{\"b\":\"deep\"},\"c\":null,\"d\":5}"));
        check(&outer, "{\"a\": null, \"d\": null, \"x\": 1}", Ok("{\"a\":{\"b\":\"deep\"},\"c\":null,\"d\":5}"));
        check(&outer, "null", Ok("null"));
    }

    #[test]
    fn errors_name_the_part() {
        let ports = object(&[("ports", list(Constraint::Number), false, None)]);
        check(&ports, "{\"ports\": [1, \"x\"]}", Err(".ports[1]: a number is required"));
        check(&list(ports), "[{\"ports\": []}, {}]", Err("[1]: the attribute \"ports\" is required"));
        let map = Constraint::Map(Box::new(Constraint::Bool));
        check(&map, "{\"a b\": 1}", Err("[\"a b\"]: a bool is required"));
    }

    #[test]
    fn unknowns_get_the_type_and_marks_stay() {
        let strings = list(Constraint::String);
        assert_eq!(strings.apply(&Val::unknown(Type::Any)), Ok(Val::unknown(strings.ty())));
        assert_eq!(strings.apply(&Val::unknown(Type::Tuple(vec![Type::Number]))), Ok(Val::unknown(strings.ty())));
        assert!(strings.apply(&Val::unknown(Type::Number)).is_err());
        let converted = strings.apply(&Val::tuple(vec![Val::number(1_i64).marked(true), Val::number(2_i64)])).unwrap();
        assert_eq!(converted.parts().map(|part| part.sensitive).collect::<Vec<_>>(), [true, false]);
        assert!(strings.apply(&v("[1]").marked(true)).unwrap().sensitive);
        let optional = object(&[("a", Constraint::String, true, None)]);
        assert_eq!(optional.apply(&Val::unknown(Type::Object(BTreeMap::new()))), Ok(Val::unknown(optional.ty())));
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
}
