//! Functions on sets.
//!
//! Invariant: arguments are brought to one type first, and no product grows beyond a limit.

use super::{Args, FnError, Function, Outcome, Param, Want, any, function, items_of, list, param};
use crate::conversion::{convert, unify};
use crate::types::{order, set_of};
use crate::value::{Data, Val};
use dofloat_base::types::Type;

/// The most combinations that `setproduct` makes.
const LARGEST_PRODUCT: usize = 100_000;

const SET: Param = param("set", Want::Set);

pub(super) const TABLE: &[Function] = &[
    function(
        "setintersection",
        &[SET],
        Want::Set,
        |a| combine(a, |all, other| all.retain(|item| has(other, item))),
        "Gives what is in all sets.",
    )
    .and(SET),
    function("setproduct", &[], Want::Any, product, "Gives all combinations of elements, one of each set.").and(any("sets")),
    function(
        "setsubtract",
        &[SET, SET],
        Want::Set,
        |a| combine(a, |all, other| all.retain(|item| !has(other, item))),
        "Gives what is in the first set only.",
    ),
    function("setunion", &[SET], Want::Set, |a| combine(a, |all, other| all.extend_from_slice(other)), "Gives what is in any set.")
        .and(SET),
];

/// Whether a sorted set has an element.
fn has(set: &[Val], item: &Val) -> bool {
    set.binary_search_by(|other| order(other, item)).is_ok()
}

fn combine(args: &Args<'_>, step: fn(&mut Vec<Val>, &[Val])) -> Outcome {
    let types: Vec<Type> = args.vals.iter().map(Val::ty).collect();
    let common = unify(&types).ok_or_else(|| FnError::call("the sets have no type of elements in common"))?;
    let sets = args.vals.iter().map(|set| convert(set, &common)).collect::<Result<Vec<_>, _>>();
    let sets = sets.map_err(|error| FnError::call(error.to_string()))?;
    let mut sets = sets.iter();
    let mut all = sets.next().map(items_of).unwrap_or_default().to_vec();
    for set in sets {
        step(&mut all, items_of(set));
    }
    let Type::Set(item) = common else { return Err(FnError::call("sets are required")) };
    Ok(set_of(*item, all))
}

fn product(args: &Args<'_>) -> Outcome {
    if args.vals.len() < 2 {
        return Err(FnError::call("at least two sets or lists are required"));
    }
    let (mut types, mut rows) = (Vec::new(), vec![Vec::new()]);
    for (at, arg) in args.vals.iter().enumerate() {
        let arg = match &arg.data {
            Data::Set(..) | Data::List(..) => Ok(arg.clone()),
            Data::Tuple(_) => convert(arg, &Want::List.ty()).map_err(|error| FnError::arg(at, error.to_string())),
            _ => Err(FnError::arg(at, "a set, list or tuple is required")),
        }?;
        if let Data::Set(item, _) | Data::List(item, _) = &arg.data {
            types.push(item.clone());
        }
        let items = items_of(&arg);
        if rows.len().saturating_mul(items.len()) > LARGEST_PRODUCT {
            return Err(FnError::call(format!("there are more than {LARGEST_PRODUCT} combinations")));
        }
        let longer = |row: &Vec<Val>| items.iter().map(|item| [row.as_slice(), std::slice::from_ref(item)].concat()).collect::<Vec<_>>();
        rows = rows.iter().flat_map(longer).collect();
    }
    let rows = rows.into_iter().map(Val::tuple).collect();
    let item = Type::Tuple(types);
    let sets = args.vals.iter().all(|arg| matches!(arg.data, Data::Set(..)));
    Ok(if sets { set_of(item, rows) } else { list(item, rows) })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, json, refuse, run, v};

    #[test]
    fn sets() {
        check(&[
            ("setunion", "[[\"b\", \"a\"], [\"b\", 1]]", "[\"1\",\"a\",\"b\"]"),
            ("setintersection", "[[1, 2, 3], [3, 2], [2]]", "[2]"),
            ("setsubtract", "[[1, 2], [2]]", "[1]"),
            ("setsubtract", "[[], [\"a\"]]", "[]"),
            ("setproduct", "[[\"a\", \"b\"], [1, 2]]", "[[\"a\",1],[\"a\",2],[\"b\",1],[\"b\",2]]"),
        ]);
        assert_eq!(run("setproduct", vec![v("[]"), v("[]")]).unwrap().ty().to_string(), "list(tuple([any, any]))");
        assert_eq!(run("setsubtract", vec![v("[]"), v("[\"a\"]")]).unwrap().ty().to_string(), "set(string)");
        refuse(&[("setproduct", "[[1]]"), ("setunion", "[\"a\"]"), ("setunion", "[[1], [[2]]]")]);
    }

    #[test]
    fn products_stay_within_limits() {
        let hundred = serde_json::to_string(&(0..100).collect::<Vec<_>>()).unwrap();
        assert!(json("setproduct", &format!("[{hundred}, {hundred}, {hundred}, {hundred}, {hundred}, {hundred}]")).is_err());
    }
}
