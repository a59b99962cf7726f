//! Functions on lists, tuples, maps and objects.
//!
//! Invariant: a tuple or object stays one, with the type of each part; a list or map stays one, with its parts' one type.
//! Parts that are only handed on may be unknown or sensitive.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use unicode_segmentation::UnicodeSegmentation as _;

use super::{Args, FnError, Function, Outcome, Want, any, function, items_of, list, number, param, text, texts};
use crate::arithmetic;
use crate::conversion::{convert, unify};
use crate::types::equal;
use crate::value::{Data, Val};
use dofloat_base::number::Number;
use dofloat_base::types::Type;

/// The longest list that `range` makes.
const LONGEST_RANGE: usize = 1024;

const ANY: Want = Want::Any;

pub(super) const TABLE: &[Function] = &[
    function(
        "alltrue",
        &[param("list", Want::Bools)],
        Want::Bool,
        |a| Ok(Val::bool(a.items(0).iter().all(is_true))),
        "Says whether all of a list are true.",
    ),
    function(
        "anytrue",
        &[param("list", Want::Bools)],
        Want::Bool,
        |a| Ok(Val::bool(a.items(0).iter().any(is_true))),
        "Says whether any of a list is true.",
    ),
    function("chunklist", &[param("list", Want::List).parts(), number("size")], Want::Lists, chunk, "Cuts a list into lists of a size."),
    function("coalesce", &[], ANY, coalesce, "Gives the first argument that is neither null nor empty.").and(any("values").or_null().own()),
    function("coalescelist", &[], ANY, coalesce_list, "Gives the first list that is not empty.").and(any("lists").parts()),
    function("compact", &[param("list", Want::Texts)], Want::Texts, compact, "Leaves out empty and null texts."),
    function("concat", &[any("list").parts()], ANY, concat, "Puts lists one after another.").and(any("lists").parts()),
    function("contains", &[any("list"), any("value")], Want::Bool, contains, "Says whether a value is in a list."),
    function("distinct", &[param("list", Want::List)], Want::List, distinct, "Leaves out what was in a list before."),
    function("element", &[any("list").parts(), number("index")], ANY, element, "Gives an element of a list; past the end it starts again."),
    function("flatten", &[any("list").parts()], ANY, flatten, "Replaces lists in a list by their elements."),
    function("index", &[any("list"), any("value")], Want::Number, index, "Gives the place of a value in a list."),
    function("keys", &[any("map").parts()], ANY, keys, "Gives the keys of a map."),
    function("length", &[any("value").parts()], Want::Number, length, "Counts the parts of a collection or the characters of a text."),
    function("lookup", &[any("map").parts(), text("key")], ANY, lookup, "Gives the value of a key, or a default.")
        .and(any("default").or_null().own()),
    function(
        "matchkeys",
        &[param("values", Want::List), param("keys", Want::List), param("search", Want::List)],
        Want::List,
        match_keys,
        "Gives the values whose keys are searched for.",
    ),
    function("merge", &[], ANY, merge, "Puts maps into one; later ones win.").and(any("maps").or_null().parts()),
    function("one", &[any("list").parts()], ANY, one, "Gives the only element of a list, or null if it is empty."),
    function("range", &[number("number")], Want::List, range, "Gives a list of numbers from a start to before an end.")
        .and(number("numbers")),
    function("reverse", &[any("list").parts()], ANY, reverse, "Turns a list around."),
    function(
        "slice",
        &[any("list").parts(), number("start"), number("end")],
        ANY,
        slice,
        "Gives the elements from a start to before an end.",
    ),
    function("sort", &[param("list", Want::Texts)], Want::Texts, sort, "Sorts texts by their bytes."),
    function("transpose", &[param("map", Want::TextsByName)], Want::TextsByName, transpose, "Swaps the keys and values of a map of lists."),
    function("values", &[any("map").parts()], ANY, values, "Gives the values of a map, in order of their keys."),
    function(
        "zipmap",
        &[param("keys", Want::Texts), any("values").parts()],
        ANY,
        zip_map,
        "Makes a map of a list of keys and one of values.",
    ),
];

fn is_true(val: &Val) -> bool {
    val.data == Data::Bool(true)
}

/// A list or tuple of the same kind as `like`, with other elements of its.
fn similar(like: &Val, items: Vec<Val>) -> Val {
    match &like.data {
        Data::List(item, _) | Data::Set(item, _) => list(item.clone(), items),
        _ => Val::tuple(items),
    }
}

/// The elements of a list or tuple, which have an order; a set has none.
fn ordered<'a>(args: &Args<'a>, at: usize) -> Result<&'a [Val], FnError> {
    match args.vals.get(at).map(|val| &val.data) {
        Some(Data::List(_, items) | Data::Tuple(items)) => Ok(items),
        Some(Data::Set(..)) => Err(FnError::arg(at, "a list or tuple is required; a set has no order (write tolist(…))")),
        other => Err(FnError::arg(at, format!("a list or tuple is required, not {}", kind(other)))),
    }
}

/// The elements of a list, set or tuple.
fn elements<'a>(args: &Args<'a>, at: usize) -> Result<&'a [Val], FnError> {
    match args.vals.get(at).map(|val| &val.data) {
        Some(Data::List(_, items) | Data::Tuple(items) | Data::Set(_, items)) => Ok(items),
        other => Err(FnError::arg(at, format!("a list, set or tuple is required, not {}", kind(other)))),
    }
}

fn fields<'a>(args: &Args<'a>, at: usize) -> Result<&'a Arc<BTreeMap<String, Val>>, FnError> {
    match args.vals.get(at).map(|val| &val.data) {
        Some(Data::Map(_, fields) | Data::Object(fields)) => Ok(fields),
        other => Err(FnError::arg(at, format!("a map or object is required, not {}", kind(other)))),
    }
}

fn kind(data: Option<&Data>) -> &'static str {
    match data {
        Some(Data::Bool(_)) => "a bool",
        Some(Data::Number(_)) => "a number",
        Some(Data::String(_)) => "a string",
        Some(Data::List(..)) => "a list",
        Some(Data::Set(..)) => "a set",
        Some(Data::Tuple(_)) => "a tuple",
        Some(Data::Map(..)) => "a map",
        Some(Data::Object(_)) => "an object",
        Some(Data::Null(_)) => "null",
        Some(Data::Unknown(..)) | None => "an unknown value",
    }
}

fn equals(a: &Val, b: &Val) -> bool {
    is_true(&equal(a, b))
}

fn chunk(args: &Args<'_>) -> Outcome {
    let size = usize::try_from(args.whole(1)?).map_err(|_| FnError::arg(1, "the size must not be negative"))?;
    let Some(whole) = args.vals.first() else { return Ok(Val::null()) };
    let items = args.items(0);
    let chunks: Vec<Val> =
        if size == 0 { vec![whole.clone()] } else { items.chunks(size).map(|chunk| similar(whole, chunk.to_vec())).collect() };
    Ok(list(whole.ty(), chunks))
}

fn coalesce(args: &Args<'_>) -> Outcome {
    let sensitive = args.vals.iter().any(Val::has_sensitive);
    let mut types: Vec<Type> = args.vals.iter().map(Val::ty).collect();
    let common = unify(&types).ok_or_else(|| FnError::call("the arguments have no type in common"))?;
    // While one of the types is open, nothing but texts, numbers and bools is converted.
    let open = types.contains(&Type::Any) && !matches!(common, Type::Bool | Type::Number | Type::String);
    types.dedup();
    for arg in args.vals {
        if arg.is_unknown() {
            return Ok(Val::unknown(common).marked(sensitive));
        }
        if arg.is_null() {
            continue;
        }
        let arg = if open { arg.clone() } else { convert(arg, &common).map_err(|error| FnError::call(error.to_string()))? };
        if arg.data != Data::String("".into()) {
            return Ok(arg.opened().marked(sensitive));
        }
    }
    Err(FnError::call("all arguments are null or empty"))
}

fn coalesce_list(args: &Args<'_>) -> Outcome {
    for (at, arg) in args.vals.iter().enumerate() {
        if !elements(args, at)?.is_empty() {
            return Ok(arg.clone());
        }
    }
    Err(FnError::call("all lists are empty"))
}

fn compact(args: &Args<'_>) -> Outcome {
    let full = |item: &&Val| !item.is_null() && item.data != Data::String("".into());
    Ok(list(Type::String, args.items(0).iter().filter(full).cloned().collect()))
}

fn concat(args: &Args<'_>) -> Outcome {
    let mut all = Vec::new();
    let mut types = Vec::new();
    for (at, arg) in args.vals.iter().enumerate() {
        all.extend_from_slice(ordered(args, at)?);
        if let Data::List(item, _) = &arg.data {
            types.push(item.clone());
        }
    }
    let common = if types.len() == args.vals.len() { unify(&types) } else { None };
    let Some(common) = common else { return Ok(Val::tuple(all)) };
    let all = all.iter().map(|item| convert(item, &common)).collect::<Result<_, _>>().map_err(|error| FnError::call(error.to_string()))?;
    Ok(list(common, all))
}

fn contains(args: &Args<'_>) -> Outcome {
    let value = &args.vals[1];
    Ok(Val::bool(elements(args, 0)?.iter().any(|item| equals(item, value))))
}

fn distinct(args: &Args<'_>) -> Outcome {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut kept = Vec::new();
    for item in args.items(0) {
        if seen.insert(super::encoding::to_json(item).map_err(FnError::call)?) {
            kept.push(item.clone());
        }
    }
    Ok(similar(&args.vals[0], kept))
}

fn element(args: &Args<'_>) -> Outcome {
    let items = ordered(args, 0)?;
    let at = usize::try_from(args.whole(1)?).map_err(|_| FnError::arg(1, "the index must not be negative"))?;
    let at = at.checked_rem(items.len()).ok_or_else(|| FnError::arg(0, "an empty list has no elements"))?;
    Ok(items[at].clone())
}

fn flatten(args: &Args<'_>) -> Outcome {
    let (mut flat, mut known, mut sensitive) = (Vec::new(), true, false);
    elements(args, 0)?;
    flatten_into(&args.vals[0], &mut flat, &mut known, &mut sensitive);
    Ok(if known { Val::tuple(flat) } else { Val::unknown(Type::Any) }.marked(sensitive))
}

fn flatten_into(val: &Val, flat: &mut Vec<Val>, known: &mut bool, sensitive: &mut bool) {
    for item in items_of(val) {
        match &item.data {
            Data::List(..) | Data::Set(..) | Data::Tuple(_) => {
                *sensitive |= item.sensitive;
                flatten_into(item, flat, known, sensitive);
            }
            Data::Unknown(Type::Any | Type::List(_) | Type::Set(_) | Type::Tuple(_), _) => {
                *sensitive |= item.sensitive;
                *known = false;
            }
            _ => flat.push(item.clone()),
        }
    }
}

fn index(args: &Args<'_>) -> Outcome {
    let place = ordered(args, 0)?.iter().position(|item| equals(item, &args.vals[1]));
    place.map(Val::number).ok_or_else(|| FnError::call("the value is not in the list"))
}

fn keys(args: &Args<'_>) -> Outcome {
    let keys = fields(args, 0)?.keys();
    Ok(match args.vals[0].data {
        Data::Map(..) => texts(keys),
        _ => Val::tuple(keys.map(|key| Val::string(key)).collect()),
    })
}

fn length(args: &Args<'_>) -> Outcome {
    Ok(Val::number(match &args.vals[0].data {
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => items.len(),
        Data::Map(_, fields) | Data::Object(fields) => fields.len(),
        Data::String(text) => text.graphemes(true).count(),
        other => return Err(FnError::arg(0, format!("a collection or a string is required, not {}", kind(Some(other))))),
    }))
}

fn lookup(args: &Args<'_>) -> Outcome {
    let (fields, key) = (fields(args, 0)?, args.text(1));
    if args.vals.len() > 3 {
        return Err(FnError::arg(3, "\"lookup\" takes 2 or 3 arguments"));
    }
    let default = match (args.vals.get(2), &args.vals[0].data) {
        (Some(default), Data::Map(item, _)) => {
            Some(convert(default, item).map_err(|error| FnError::arg(2, format!("the default does not fit the map: {error}")))?)
        }
        (default, _) => default.cloned(),
    };
    fields.get(key).cloned().or(default).ok_or_else(|| FnError::arg(1, format!("the key \"{key}\" is not there, and there is no default")))
}

fn match_keys(args: &Args<'_>) -> Outcome {
    let (values, keys) = (args.items(0), args.items(1));
    if values.len() != keys.len() {
        return Err(FnError::arg(1, format!("{} keys are required, as many as there are values, not {}", values.len(), keys.len())));
    }
    let common = unify(&[args.vals[1].ty(), args.vals[2].ty()]);
    let common = common.ok_or_else(|| FnError::arg(2, "what is searched for must have the type of the keys"))?;
    let all = |at: usize| convert(&args.vals[at], &common).map_err(|error| FnError::arg(at, error.to_string()));
    let (keys, search) = (all(1)?, all(2)?);
    let wanted = |key: &Val| items_of(&search).iter().any(|item| equals(item, key));
    let found = values.iter().zip(items_of(&keys)).filter(|(_, key)| wanted(key)).map(|(value, _)| value.clone());
    Ok(similar(&args.vals[0], found.collect()))
}

fn merge(args: &Args<'_>) -> Outcome {
    let mut all = BTreeMap::new();
    let mut items: Option<Vec<Type>> = Some(Vec::new());
    for (at, arg) in args.vals.iter().enumerate().filter(|(_, arg)| !arg.is_null()) {
        all.extend(fields(args, at)?.iter().map(|(name, val)| (name.clone(), val.clone())));
        match (&arg.data, &mut items) {
            (Data::Map(item, _), Some(items)) => items.push(item.clone()),
            _ => items = None,
        }
    }
    let item = items.filter(|items| items.windows(2).all(|pair| pair[0] == pair[1])).and_then(|items| items.into_iter().next());
    Ok(item.map_or_else(|| Val::object(all.clone()), |item| Data::Map(item, Arc::new(all.clone())).into()))
}

fn one(args: &Args<'_>) -> Outcome {
    match (elements(args, 0)?, &args.vals[0].data) {
        ([], Data::List(item, _) | Data::Set(item, _)) => Ok(Data::Null(item.clone()).into()),
        ([], _) => Ok(Val::null()),
        ([only], _) => Ok(only.clone()),
        (many, _) => Err(FnError::arg(0, format!("at most one element is required, and there are {}", many.len()))),
    }
}

fn range(args: &Args<'_>) -> Outcome {
    let zero = Number::from(0_i64);
    let (start, end) = match args.vals.len() {
        1 => (zero.clone(), args.number(0)?.clone()),
        2 | 3 => (args.number(0)?.clone(), args.number(1)?.clone()),
        _ => return Err(FnError::arg(3, "\"range\" takes 1 to 3 arguments")),
    };
    let step = match args.vals.len() {
        3 => args.number(2)?.clone(),
        _ => Number::from(if end < start { -1_i64 } else { 1 }),
    };
    if step == zero {
        return Err(FnError::arg(2, "the step must not be zero"));
    }
    let up = step > zero;
    if up && end < start || !up && end > start {
        return Err(FnError::arg(2, "the step leads away from the end"));
    }
    let (mut numbers, mut next) = (Vec::new(), start);
    while if up { next < end } else { next > end } {
        if numbers.len() == LONGEST_RANGE {
            return Err(FnError::call(format!("more than {LONGEST_RANGE} numbers are asked for")));
        }
        numbers.push(Val::number(next.clone()));
        next = arithmetic::add(&next, &step).ok_or_else(|| FnError::call(arithmetic::OUT_OF_REACH))?;
    }
    Ok(list(Type::Number, numbers))
}

fn reverse(args: &Args<'_>) -> Outcome {
    let items = elements(args, 0)?;
    Ok(similar(&args.vals[0], items.iter().rev().cloned().collect()))
}

fn slice(args: &Args<'_>) -> Outcome {
    let items = ordered(args, 0)?;
    let place = |at: usize| usize::try_from(args.whole(at)?).map_err(|_| FnError::arg(at, "the place must not be negative"));
    let (start, end) = (place(1)?, place(2)?);
    if end > items.len() {
        return Err(FnError::arg(2, format!("the end must not be larger than the length of the list, {}", items.len())));
    }
    let part = items.get(start..end).ok_or_else(|| FnError::arg(1, "the start must not be larger than the end"))?;
    Ok(similar(&args.vals[0], part.to_vec()))
}

fn sort(args: &Args<'_>) -> Outcome {
    let mut sorted = args.texts(0)?;
    sorted.sort_unstable();
    Ok(texts(sorted))
}

fn transpose(args: &Args<'_>) -> Outcome {
    let mut turned: BTreeMap<String, Vec<Val>> = BTreeMap::new();
    for (name, row) in fields(args, 0)?.iter() {
        if row.is_null() {
            return Err(FnError::arg(0, format!("the list of \"{name}\" must not be null")));
        }
        for item in items_of(row) {
            let Data::String(item) = &item.data else { return Err(FnError::arg(0, format!("a text of \"{name}\" is null"))) };
            turned.entry(item.to_string()).or_default().push(Val::string(name));
        }
    }
    let turned = turned.into_iter().map(|(name, row)| (name, list(Type::String, row))).collect();
    Ok(Data::Map(Want::Texts.ty(), Arc::new(turned)).into())
}

fn values(args: &Args<'_>) -> Outcome {
    let values = fields(args, 0)?.values().cloned().collect();
    Ok(match &args.vals[0].data {
        Data::Map(item, _) => list(item.clone(), values),
        _ => Val::tuple(values),
    })
}

fn zip_map(args: &Args<'_>) -> Outcome {
    let (keys, values) = (args.texts(0)?, ordered(args, 1)?);
    if keys.len() != values.len() {
        return Err(FnError::arg(1, format!("{} values are required, as many as there are keys, not {}", keys.len(), values.len())));
    }
    let fields = keys.into_iter().map(ToOwned::to_owned).zip(values.iter().cloned()).collect();
    Ok(match &args.vals[1].data {
        Data::List(item, _) => Data::Map(item.clone(), Arc::new(fields)).into(),
        _ => Val::object(fields),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, json, refuse, run, v};
    use super::*;

    fn shape(name: &str, args: Vec<Val>) -> String {
        run(name, args).unwrap().ty().to_string()
    }

    fn strings(json: &str) -> Val {
        convert(&v(json), &Want::Texts.ty()).unwrap()
    }

    #[test]
    fn results() {
        check(&[
            ("alltrue", "[[true, null]]", "false"),
            ("anytrue", "[[\"true\"]]", "true"),
            ("chunklist", "[[1, 2, 3], 2]", "[[1,2],[3]]"),
            ("chunklist", "[[1, 2], 0]", "[[1,2]]"),
            ("coalesce", "[null, \"\", 1]", "\"1\""),
            ("coalesce", "[null, [], [1]]", "[]"),
            ("coalescelist", "[[], [1, \"a\"]]", "[1,\"a\"]"),
            ("compact", "[[\"a\", \"\", null, 1]]", "[\"a\",\"1\"]"),
            ("contains", "[[[1]], [1]]", "true"),
            ("contains", "[[\"1\"], 1]", "false"),
            ("distinct", "[[1, 1.0, 2]]", "[1,2]"),
            ("element", "[[\"a\", \"b\"], 3]", "\"b\""),
            ("flatten", "[[1, [2, [3, []]], {\"a\": [4]}]]", "[1,2,3,{\"a\":[4]}]"),
            ("index", "[[1, 2, 1], 1]", "0"),
            ("keys", "[{\"b\": 1, \"a\": 2}]", "[\"a\",\"b\"]"),
            ("length", "[\"né👍\"]", "3"),
            ("lookup", "[{\"a\": 1}, \"b\", null]", "null"),
            ("matchkeys", "[[1, 2, 3], [\"a\", \"b\", \"a\"], [\"a\"]]", "[1,3]"),
            ("merge", "[{\"a\": 1}, null, {\"a\": \"x\"}]", "{\"a\":\"x\"}"),
            ("merge", "[]", "{}"),
            ("one", "[[]]", "null"),
            ("range", "[-2]", "[0,-1]"),
            ("range", "[1.5]", "[0,1]"),
            ("range", "[0, 1, 0.25]", "[0,0.25,0.5,0.75]"),
            ("range", "[5, 5]", "[]"),
            ("slice", "[[1, 2, 3], 1, 3]", "[2,3]"),
            ("sort", "[[10, 9, \"é\", \"z\"]]", "[\"10\",\"9\",\"z\",\"é\"]"),
            ("transpose", "[{\"b\": [\"x\"], \"a\": [\"x\", \"y\"]}]", "{\"x\":[\"a\",\"b\"],\"y\":[\"a\"]}"),
            ("values", "[{\"b\": 1, \"a\": \"x\"}]", "[\"x\",1]"),
            ("zipmap", "[[\"a\", \"a\"], [1, 2]]", "{\"a\":2}"),
        ]);
    }

    #[test]
    fn kinds_are_kept() {
        let (list, tuple) = (strings("[\"a\"]"), v("[1]"));
        assert_eq!(shape("concat", vec![list.clone(), list.clone()]), "list(string)");
        assert_eq!(shape("concat", vec![list.clone(), tuple.clone()]), "tuple([string, number])");
        assert_eq!(shape("reverse", vec![tuple]), "tuple([number])");
        assert_eq!(shape("slice", vec![list, v("0"), v("1")]), "list(string)");
        assert_eq!(shape("coalesce", vec![v("null"), v("[]"), v("[1]")]), "tuple([])");
        assert_eq!(shape("distinct", vec![v("[[\"a\"], [\"a\"]]")]), "list(tuple([string]))");
    }

    #[test]
    fn refusals() {
        refuse(&[
            ("length", "[5]"),
            ("concat", "[[1], \"b\"]"),
            ("contains", "[{\"a\": 1}, \"a\"]"),
            ("lookup", "[{\"a\": 1}, \"b\"]"),
            ("lookup", "[{\"a\": 1}, \"b\", 1, 2]"),
            ("element", "[[], 0]"),
            ("element", "[[1], -1]"),
            ("index", "[[\"a\"], \"c\"]"),
            ("coalesce", "[]"),
            ("coalesce", "[\"a\", [1]]"),
            ("coalescelist", "[null, [1]]"),
            ("matchkeys", "[[1], [1, 2], [1]]"),
            ("one", "[[1, 2]]"),
            ("range", "[1025]"),
            ("range", "[0, 1e12]"),
            ("range", "[1, 5, 0]"),
            ("range", "[1, 5, -1]"),
            ("zipmap", "[[null], [1]]"),
            ("sort", "[[null]]"),
        ]);
        assert_eq!(json("slice", "[[1, 2], 0, 5]").unwrap_err().arg, Some(2));
    }
}
