//! Functions that convert, and those that set and take the mark "sensitive".
//!
//! Invariant: `nonsensitive` is the only function that takes a mark away.

use super::{Args, FnError, Function, Outcome, Param, Want, any, function};
use crate::conversion::convert;
use crate::value::Val;
use dofloat_base::types::Type;

const VALUE: &[Param] = &[any("value").or_null().own()];

pub(super) const TABLE: &[Function] = &[
    function("ephemeralasnull", VALUE, Want::Any, |a| Ok(a.vals[0].clone()), "Gives the value; there are no ephemeral ones here."),
    function("issensitive", VALUE, Want::Bool, |a| Ok(Val::bool(a.vals[0].sensitive)), "Says whether a value is marked sensitive."),
    function("nonsensitive", VALUE, Want::Any, |a| Ok(a.vals[0].data.clone().into()), "Takes the mark sensitive off a value."),
    function("sensitive", VALUE, Want::Any, |a| Ok(a.vals[0].clone().marked(true)), "Marks a value sensitive: it is not shown."),
    function("tobool", VALUE, Want::Bool, |a| to(a, &Type::Bool), "Converts to a bool."),
    function("tolist", VALUE, Want::List, |a| to(a, &Want::List.ty()), "Converts to a list."),
    function("tomap", VALUE, Want::Map, |a| to(a, &Want::Map.ty()), "Converts to a map."),
    function("tonumber", VALUE, Want::Number, |a| to(a, &Type::Number), "Converts to a number."),
    function("toset", VALUE, Want::Set, |a| to(a, &Want::Set.ty()), "Converts to a set."),
    function("tostring", VALUE, Want::Text, |a| to(a, &Type::String), "Converts to a string."),
];

fn to(args: &Args<'_>, ty: &Type) -> Outcome {
    convert(&args.vals[0], ty).map_err(|error| FnError::arg(0, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refuse, run, v};
    use super::*;

    #[test]
    fn conversions() {
        check(&[
            ("tostring", "[1.50]", "\"1.5\""),
            ("tonumber", "[\"007\"]", "7"),
            ("tobool", "[\"1\"]", "true"),
            ("tolist", "[[1, \"a\", true]]", "[\"1\",\"a\",\"true\"]"),
            ("toset", "[[10, 9, 1, 9]]", "[1,9,10]"),
            ("toset", "[[null, \"a\"]]", "[\"a\",null]"),
            ("tomap", "[{\"a\": [1], \"b\": []}]", "{\"a\":[1],\"b\":[]}"),
            ("tostring", "[null]", "null"),
        ]);
        refuse(&[
            ("tolist", "[[1, true]]"),
            ("tobool", "[\"TRUE\"]"),
            ("tobool", "[1]"),
            ("tonumber", "[\"\"]"),
            ("tomap", "[[1]]"),
            ("tolist", "[{}]"),
        ]);
    }

    #[test]
    fn marks() {
        let marked = run("sensitive", vec![v("[1]")]).unwrap();
        assert!(marked.sensitive);
        assert_eq!(run("nonsensitive", vec![marked.clone()]), Ok(v("[1]")));
        assert_eq!(run("issensitive", vec![marked.clone()]), Ok(Val::bool(true)));
        assert_eq!(run("issensitive", vec![Val::tuple(vec![marked.clone()])]), Ok(Val::bool(false)));
        // A set cannot tell which of its elements is sensitive.
        let set = run("toset", vec![Val::tuple(vec![Val::string("a").marked(true)])]).unwrap();
        assert!(set.sensitive && !set.parts().any(|part| part.sensitive));
    }
}
