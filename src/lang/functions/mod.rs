//! The functions of the language, one table a family.
//!
//! Invariant: before a function runs, its arguments have their types, no null and nothing unknown is among them unless it
//! said that it knows what to do with them, and a mark on what it looked at comes out again on its result. A function
//! does no IO but through `Host`, and its result stays within limits whatever the arguments are.

mod collections;
mod encoding;
mod files;
mod format;
mod hash;
mod network;
mod numbers;
mod provider;
mod regex;
mod sets;
mod strings;
mod time;
mod types;
mod yaml;

use std::path::PathBuf;

use super::Host;
use super::ast::{Call, SPLICED};
use super::conversion::convert;
use super::error::EvalError;
use super::rendered::RENDER;
use super::value::{Data, Val};
use dofloat_base::diag::Diagnostic;
use dofloat_base::number::Number;
use dofloat_base::types::Type;

/// A function of the language.
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Its arguments in order.
    pub params: &'static [Param],
    /// What further arguments there may be, any number of them.
    pub rest: Option<Param>,
    /// What it gives, for the time until its arguments are known.
    pub gives: Want,
    /// What it does, in one sentence.
    pub doc: &'static str,
    /// Whether it gives something new at each call. While planning that is not known.
    pub anew: bool,
    run: Run,
}

/// An argument of a function.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name in the documentation.
    pub name: &'static str,
    /// What it is converted to.
    pub want: Want,
    /// Whether it may be null.
    pub null: bool,
    /// How far the function looks into it.
    pub depth: Depth,
}

/// How far a function looks into an argument: what is unknown or marked there makes the result so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// At all of it.
    Whole,
    /// At the collection, not at its parts: those are handed on as they are.
    Parts,
    /// The function takes care of unknowns and marks itself.
    Own,
}

/// A type, spelled so that it fits into a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Anything.
    Any,
    /// `bool`.
    Bool,
    /// `number`.
    Number,
    /// `string`.
    Text,
    /// `list(any)`.
    List,
    /// `list(bool)`.
    Bools,
    /// `list(string)`.
    Texts,
    /// `list(list(any))`.
    Lists,
    /// `set(any)`.
    Set,
    /// `set(string)`.
    TextSet,
    /// `map(any)`.
    Map,
    /// `map(list(string))`.
    TextsByName,
}

impl Want {
    /// The type.
    #[must_use]
    pub fn ty(self) -> Type {
        let list = |item: Self| Type::List(Box::new(item.ty()));
        match self {
            Self::Any => Type::Any,
            Self::Bool => Type::Bool,
            Self::Number => Type::Number,
            Self::Text => Type::String,
            Self::List => list(Self::Any),
            Self::Bools => list(Self::Bool),
            Self::Texts => list(Self::Text),
            Self::Lists => list(Self::List),
            Self::Set => Type::Set(Box::new(Type::Any)),
            Self::TextSet => Type::Set(Box::new(Type::String)),
            Self::Map => Type::Map(Box::new(Type::Any)),
            Self::TextsByName => Type::Map(Box::new(Self::Texts.ty())),
        }
    }
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FnError {
    /// Which argument is to blame, if one is: counted from 0.
    pub arg: Option<usize>,
    /// What is wrong, for example `a number is required`.
    pub message: String,
    /// The text file that is to be read and is not there, if that is it.
    pub absent: Option<Missing>,
}

/// A file that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Where it would be.
    pub path: PathBuf,
    /// Whether its path starts at the root or at home, not at the stack's folder.
    pub rooted: bool,
}

impl FnError {
    fn call(message: impl Into<String>) -> Self {
        Self { arg: None, message: message.into(), absent: None }
    }

    fn arg(at: usize, message: impl Into<String>) -> Self {
        Self { arg: Some(at), message: message.into(), absent: None }
    }

    /// The same without a word on the arguments, of which one is sensitive.
    fn hidden(self) -> Self {
        let message = "it refuses its arguments; why is not said here, because one of them is sensitive".to_owned();
        Self { message, ..self }
    }
}

type Outcome = Result<Val, FnError>;
type Run = fn(&Args<'_>) -> Outcome;

const FAMILIES: &[&[Function]] = &[
    collections::TABLE,
    encoding::TABLE,
    files::TABLE,
    format::TABLE,
    hash::TABLE,
    network::TABLE,
    numbers::TABLE,
    provider::TABLE,
    regex::TABLE,
    sets::TABLE,
    strings::TABLE,
    time::TABLE,
    types::TABLE,
];

/// All functions but those that need their arguments unevaluated (`try`, `can`) or the evaluator (`templatefile`,
/// `templatestring`).
pub fn all() -> impl Iterator<Item = &'static Function> {
    FAMILIES.iter().copied().flatten()
}

/// The function of that name, `core::` before it or not.
#[must_use]
pub fn lookup(name: &str) -> Option<&'static Function> {
    let name = name.strip_prefix("core::").unwrap_or(name);
    all().find(|function| function.name == name)
}

/// Names that `lookup` does not know and the evaluator does.
const FORMS: &[&str] = &["can", "templatefile", "templatestring", "try"];

/// The name that was probably meant by one that does not exist.
#[must_use]
pub fn suggest(name: &str) -> Option<&'static str> {
    let name = name.strip_prefix("core::").unwrap_or(name).to_lowercase();
    let common = match name.as_str() {
        "strlen" | "len" | "count" | "size" => Some("length"),
        "uppercase" | "toupper" => Some("upper"),
        "lowercase" | "tolower" => Some("lower"),
        "map" => Some("tomap"),
        "list" => Some("tolist"),
        "now" => Some("timestamp"),
        _ => None,
    };
    let scored =
        all().map(|function| function.name).chain(FORMS.iter().copied()).map(|known| (strsim::damerau_levenshtein(&name, known), known));
    common.or_else(|| scored.min().filter(|(distance, known)| *distance <= 1 + known.len() / 5).map(|(_, known)| known))
}

/// Calls a function.
///
/// # Errors
/// If the number of arguments is wrong, one does not fit, or the function refuses them.
pub fn call(function: &Function, args: Vec<Val>, host: &Host<'_>) -> Result<Val, FnError> {
    let (given, needed) = (args.len(), function.params.len());
    if given < needed || given > needed && function.rest.is_none() {
        let expected = match (needed, function.rest) {
            (0, None) => "no argument".to_owned(),
            (1, None) => "1 argument".to_owned(),
            (n, None) => format!("{n} arguments"),
            (1, Some(_)) => "at least 1 argument".to_owned(),
            (n, Some(_)) => format!("at least {n} arguments"),
        };
        let blame = (given > needed).then_some(needed);
        return Err(FnError { arg: blame, ..FnError::call(format!("\"{}\" takes {expected}, not {given}", function.name)) });
    }
    let secret = args.iter().any(Val::has_sensitive);
    run(function, args, host).map_err(|error| if secret { error.hidden() } else { error })
}

fn run(function: &Function, args: Vec<Val>, host: &Host<'_>) -> Outcome {
    let (mut sensitive, mut unknown) = (false, false);
    let mut ready = Vec::with_capacity(args.len());
    for (at, arg) in args.into_iter().enumerate() {
        let Some(param) = function.params.get(at).or(function.rest.as_ref()) else { break };
        let arg = param.admit(arg).map_err(|message| FnError::arg(at, message))?;
        let arg = match param.depth {
            Depth::Own => arg,
            Depth::Parts => {
                sensitive |= arg.sensitive;
                unknown |= arg.is_unknown();
                Val::from(arg.data)
            }
            Depth::Whole => {
                sensitive |= arg.has_sensitive();
                unknown |= arg.has_unknown();
                arg.opened()
            }
        };
        ready.push(arg);
    }
    if unknown || function.anew && !host.fresh {
        return Ok(Val::unknown(function.gives.ty()).marked(sensitive));
    }
    (function.run)(&Args { vals: &ready, host }).map(|result| result.marked(sensitive))
}

impl Param {
    /// Converts an argument; a null only where nulls are welcome.
    fn admit(&self, arg: Val) -> Result<Val, String> {
        if arg.is_null() && !self.null {
            return Err(format!("the argument \"{}\" must not be null", self.name));
        }
        if self.want == Want::Any {
            return Ok(arg);
        }
        convert(&arg, &self.want.ty()).map_err(|error| format!("the argument \"{}\" does not fit: {error}", self.name))
    }
}

/// The arguments of a call, ready for use, and the world.
struct Args<'a> {
    vals: &'a [Val],
    host: &'a Host<'a>,
}

impl<'a> Args<'a> {
    /// A text; an absent one is empty.
    fn text(&self, at: usize) -> &'a str {
        match self.vals.get(at).map(|val| &val.data) {
            Some(Data::String(text)) => text,
            _ => "",
        }
    }

    /// The parts of a list, set or tuple.
    fn items(&self, at: usize) -> &'a [Val] {
        self.vals.get(at).map_or(&[], items_of)
    }

    fn number(&self, at: usize) -> Result<&'a Number, FnError> {
        match self.vals.get(at).map(|val| &val.data) {
            Some(Data::Number(number)) => Ok(number),
            _ => Err(FnError::arg(at, "a number is required")),
        }
    }

    /// A whole number that is not out of all proportion.
    fn whole(&self, at: usize) -> Result<i64, FnError> {
        self.number(at)?.as_i64().ok_or_else(|| FnError::arg(at, "a whole number of ordinary size is required"))
    }

    /// The texts in a list of texts; a null is refused.
    fn texts(&self, at: usize) -> Result<Vec<&'a str>, FnError> {
        let text = |(place, item): (usize, &'a Val)| match &item.data {
            Data::String(text) => Ok(text.as_ref()),
            _ => Err(FnError::arg(at, format!("element {place} must not be null"))),
        };
        self.items(at).iter().enumerate().map(text).collect()
    }
}

/// The parts of a list, set or tuple; none of anything else.
fn items_of(val: &Val) -> &[Val] {
    match &val.data {
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => items,
        _ => &[],
    }
}

fn list(item: Type, items: Vec<Val>) -> Val {
    Data::List(item, items.into()).into()
}

fn texts<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> Val {
    list(Type::String, items.into_iter().map(|text| Val::string(text.as_ref())).collect())
}

const fn function(name: &'static str, params: &'static [Param], gives: Want, run: Run, doc: &'static str) -> Function {
    Function { name, params, rest: None, gives, doc, anew: false, run }
}

impl Function {
    /// The same with any number of further arguments.
    const fn and(mut self, rest: Param) -> Self {
        self.rest = Some(rest);
        self
    }

    /// The same, with something new at each call.
    const fn anew(mut self) -> Self {
        self.anew = true;
        self
    }
}

const fn param(name: &'static str, want: Want) -> Param {
    Param { name, want, null: false, depth: Depth::Whole }
}

const fn any(name: &'static str) -> Param {
    param(name, Want::Any)
}

const fn text(name: &'static str) -> Param {
    param(name, Want::Text)
}

const fn number(name: &'static str) -> Param {
    param(name, Want::Number)
}

impl Param {
    /// The same, null welcome.
    const fn or_null(mut self) -> Self {
        self.null = true;
        self
    }

    /// The same, parts handed on as they are.
    const fn parts(mut self) -> Self {
        self.depth = Depth::Parts;
        self
    }

    /// The same, unknowns and marks the function's own business.
    const fn own(mut self) -> Self {
        self.depth = Depth::Own;
        self
    }
}

/// Those that are more than functions: they are evaluated by `special`.
const SPECIAL: &[&str] = &["can", "templatefile", "templatestring", "try", RENDER, SPLICED];

/// Whether there is such a function.
#[must_use]
pub fn is_known(name: &str) -> bool {
    SPECIAL.contains(&name) || lookup(name).is_some()
}

/// The error for a function that does not exist.
pub(super) fn unknown(call: &Call) -> EvalError {
    let error = Diagnostic::error(format!("There is no function \"{}\".", call.name)).at(call.name_span.clone());
    // Functions of old that Terraform knows no more.
    if let Some((_, form)) = [("list", "[a, b]"), ("map", "{ a = b }")].into_iter().find(|(name, _)| *name == call.name) {
        return Box::new(error.hint(format!("Terraform knows it no more since 0.15: write `{form}`.")));
    }
    Box::new(match suggest(&call.name) {
        Some(name) => error.hint(format!("Did you mean \"{name}\"?")),
        None => error,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::super::files::Memory;
    use super::*;
    use dofloat_base::clock::Moment;
    use dofloat_base::rng::Rng;

    /// A value from JSON: arrays are tuples, objects are objects.
    pub(crate) fn v(json: &str) -> Val {
        fn read(json: &serde_json::Value) -> Val {
            match json {
                serde_json::Value::Null => Val::null(),
                serde_json::Value::Bool(bool) => Val::bool(*bool),
                serde_json::Value::Number(number) => Val::number(super::super::arithmetic::parse(&number.to_string()).unwrap()),
                serde_json::Value::String(text) => Val::string(text),
                serde_json::Value::Array(items) => Val::tuple(items.iter().map(read).collect()),
                serde_json::Value::Object(fields) => {
                    Val::object(fields.iter().map(|(name, field)| (name.clone(), read(field))).collect::<BTreeMap<_, _>>())
                }
            }
        }
        read(&serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}")))
    }

    /// Calls a function over a small folder `/s` with files.
    pub(crate) fn run(name: &str, args: Vec<Val>) -> Result<Val, FnError> {
        let files = Memory::default()
            .with("/s/data/hello.txt", "Hello, World!\n")
            .with("/s/data/binary.bin", vec![0, 255, 254, 128])
            .with("/s/data/set/a.txt", "a")
            .with("/s/data/set/.hidden", "h")
            .with("/s/data/set/sub/deep/e.txt", "e");
        let rng = Rng::seeded(1);
        let host = Host {
            files: &files,
            base: Path::new("/s"),
            home: Some(Path::new("/home/ann")),
            now: Moment(1_500_000_000_123),
            rng: &rng,
            fresh: true,
        };
        call(lookup(name).unwrap_or_else(|| panic!("no function {name}")), args, &host)
    }

    /// A value as JSON.
    pub(crate) fn json_of(val: &Val) -> String {
        encoding::to_json(val).unwrap()
    }

    /// Calls a function with arguments from a JSON array; the result as JSON.
    pub(crate) fn json(name: &str, args: &str) -> Result<String, FnError> {
        let Data::Tuple(args) = v(args).data else { panic!("{args} is not an array") };
        run(name, args.to_vec()).and_then(|val| encoding::to_json(&val).map_err(FnError::call))
    }

    /// Rows of function, arguments, result.
    pub(crate) fn check(rows: &[(&str, &str, &str)]) {
        for (name, args, expected) in rows {
            assert_eq!(json(name, args).as_deref(), Ok(*expected), "{name} of {args}");
        }
    }

    /// Rows of function and arguments that are refused.
    pub(crate) fn refuse(rows: &[(&str, &str)]) {
        for (name, args) in rows {
            assert!(json(name, args).is_err(), "{name} of {args}: {:?}", json(name, args));
        }
    }

    #[test]
    fn names_are_unique_and_documented() {
        let names: BTreeSet<_> = all().map(|function| function.name).collect();
        assert_eq!(names.len(), all().count());
        for function in all() {
            assert!(function.doc.ends_with('.') && !function.doc.contains('\n'), "{}", function.name);
        }
        assert!(FORMS.iter().all(|form| lookup(form).is_none()));
    }

    #[test]
    fn a_wrong_name_gets_a_suggestion() {
        for (name, meant) in
            [("uppr", Some("upper")), ("strlen", Some("length")), ("Upper", Some("upper")), ("core::mx", Some("max")), ("frobnicate", None)]
        {
            assert_eq!(suggest(name), meant, "{name}");
        }
        assert!(lookup("core::max").is_some());
    }

    #[test]
    fn marks_come_out_again() {
        let upper = run("upper", vec![Val::string("a").marked(true)]).unwrap();
        assert_eq!((upper.sensitive, upper.opened()), (true, Val::string("A")));
        let joined = run("join", vec![Val::string(","), Val::tuple(vec![Val::string("a").marked(true), Val::string("b")])]).unwrap();
        assert!(joined.sensitive);
        let both = run("concat", vec![Val::tuple(vec![Val::string("a").marked(true)]), v("[\"b\"]")]).unwrap();
        assert_eq!(items_of(&both).iter().map(|item| item.sensitive).collect::<Vec<_>>(), [true, false]);
        assert!(!both.sensitive);
    }

    #[test]
    fn errors_do_not_tell_secrets() {
        let error = run("cidrhost", vec![Val::string("hunter2").marked(true), v("1")]).unwrap_err();
        assert!(error.arg == Some(0) && !error.message.contains("hunter2"), "{error:?}");
        assert!(run("cidrhost", vec![Val::string("hunter2"), v("1")]).unwrap_err().message.contains("hunter2"));
    }

    #[test]
    fn what_depends_on_an_unknown_is_unknown() {
        let unknown = || Val::unknown(Type::Any);
        assert_eq!(run("upper", vec![unknown()]), Ok(Val::unknown(Type::String)));
        assert_eq!(run("length", vec![Val::tuple(vec![unknown(), unknown()])]), Ok(Val::number(2_i64)));
        assert_eq!(run("join", vec![Val::string(","), Val::tuple(vec![unknown()])]), Ok(Val::unknown(Type::String)));
        assert!(run("upper", vec![Val::unknown(Type::List(Box::new(Type::String)))]).is_err());
    }

    #[test]
    fn a_wrong_argument_is_named() {
        assert_eq!(json("upper", "[null]").unwrap_err().arg, Some(0));
        assert_eq!(json("join", "[\",\", [[1]]]").unwrap_err().arg, Some(1));
        let error = json("upper", "[\"a\", \"b\"]").unwrap_err();
        assert_eq!((error.arg, error.message.as_str()), (Some(1), "\"upper\" takes 1 argument, not 2"));
    }
}
