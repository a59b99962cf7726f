//! What people write: configuration, expressions, values of variables.
//!
//! Invariant: every error that has a place has it in the text, and can be shown; what is computed once and again is the same.

use std::path::Path;

use dofloat::base::clock::Moment;
use dofloat::base::desired::Resolve as _;
use dofloat::base::diag::{Diagnostic, Span};
use dofloat::base::digest::Salt;
use dofloat::base::identity::Owner;
use dofloat::base::rng::Rng;
use dofloat::base::secret::Secret;
use dofloat::base::types::Type;
use dofloat::base::value::{Origin, Term};
use dofloat::engine::change::Base;
use dofloat::engine::moves::Moves;
use dofloat::engine::observed::Observed;
use dofloat::engine::plan;
use dofloat::engine::planned::{Input, Surveyed};
use dofloat::engine::request::Options;
use dofloat::engine::saved;
use dofloat::kinds::Tables;
use dofloat::lang::ast::{Expr, Step};
use dofloat::lang::error::{EvalError, error_at};
use dofloat::lang::eval::{Eval, Scope};
use dofloat::lang::files::Memory;
use dofloat::lang::inputs::{Given, Inputs};
use dofloat::lang::library::Library;
use dofloat::lang::module::{self, Source, Stack};
use dofloat::lang::value::{Data, Val};
use dofloat::lang::{Host, convert, fmt, syntax};
use dofloat::state::State;
use dofloat::ui::errors::{self, Sources, Warnings};
use dofloat::ui::literals::may_show;
use dofloat::ui::paint::Paint;
use dofloat::ui::plan_text::{Detail, Layout, WIDTH};
use dofloat::ui::rows::rows_of;
use dofloat::ui::{plan_document, plan_json, plan_text};

/// Loads a stack of one file, plans it from nothing, and saves the plan.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let name = if text.starts_with('{') { "fuzz.tf.json" } else { "fuzz.tf" };
    let shown = Shown::of(name, text);
    let sources = [Source { name, text }];
    // Variables without a value are unknown, so that what follows is reached.
    let inputs = Inputs { lenient: true, open_shape: true, ..Inputs::default() };
    with_host(|host| {
        if let Err(errors) = module::questions(&sources, &Library::default(), &inputs, &Tables, host) {
            shown.check(&errors);
        }
        match module::load(&sources, &Library::default(), &inputs, &Tables, host) {
            Ok(stack) => planned(&stack, &shown),
            Err(errors) => shown.check(&errors),
        }
    });
}

fn planned(stack: &Stack<'_>, shown: &Shown) {
    shown.check(stack.warnings());
    let _ = stack.variables();
    if let Err(errors) = stack.provider() {
        shown.check(&errors);
    }
    let state = State::new("fuzz".to_owned(), Salt::new([0; 32]));
    let (observed, options) = (Observed::default(), Options::default());
    let moves = Moves::default();
    let input = Input { resolve: stack, state: &state, observed: &observed, moves: &moves, options: &options };
    let base = Base {
        stack: "fuzz".to_owned(),
        lineage: state.lineage.clone(),
        serial: 0,
        journal_end: 0,
        owner: Owner { account: "a".to_owned(), team: None, simulated: true },
        endpoint: String::new(),
        config: String::new(),
    };
    let mut planned = match plan::make(input, base) {
        Ok(planned) => planned,
        Err(stop) => return shown.check(&stop.diagnostics),
    };
    let layout = Layout {
        paint: Paint::PLAIN,
        rows: &rows_of,
        sources: &shown.sources,
        warnings: Warnings::Whole,
        detail: Detail::Whole,
        width: WIDTH,
        wraps: false,
    };
    for detail in [Detail::Brief, Detail::Whole] {
        let _ = plan_text::render(&planned.plan, Layout { detail, ..layout });
    }
    let _ = plan_json::lines(&planned.plan, &shown.sources, "");
    planned.plan.configuration = Some(stack.outline(&may_show));
    let _ = plan_document::document(&planned.plan, &shown.sources);
    let surveyed = Surveyed { planned, state, observed, moves, adopted: Vec::new(), claims: Default::default(), no_project: false };
    // A number beyond all machines cannot be written, and says so.
    if let Ok(written) = saved::write(&surveyed, &options) {
        let read = saved::read(&written, "fuzz.plan").expect("what was written");
        assert!(read.holds(&surveyed.planned), "a saved plan is not the plan that was saved");
    }
}

/// Computes an expression, and the same text as a template.
pub fn expression(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let shown = Shown::of("fuzz.tf", text);
    for parsed in [syntax::expression("fuzz.tf", text, 0), syntax::template("fuzz.tf", text)] {
        match parsed {
            Ok(expr) => evaluated(&expr, &shown),
            Err(errors) => shown.check(&errors),
        }
    }
}

fn evaluated(expr: &Expr, shown: &Shown) {
    with_host(|host| {
        let value = |later: bool| Eval::new(&Few { later }, &host).eval(expr).map(|value| convert::term(&value));
        let planned = match value(false) {
            Ok(planned) => planned,
            Err(error) => return shown.check(&[*error]),
        };
        assert_eq!(value(false).as_ref().ok(), Some(&planned), "the same expression has two values");
        match value(true) {
            Ok(later) => assert!(planned.refined_by(&later), "{planned:?} becomes {later:?}"),
            Err(error) => shown.check(&[*error]),
        }
    });
}

/// A few names of all sorts.
struct Few {
    /// Whether what is not known while planning is known.
    later: bool,
}

impl Scope for Few {
    fn resolve(&self, root: &str, _: &[Step], span: &Span, _: &Eval<'_>) -> Result<(Val, usize), EvalError> {
        let text = Val::string;
        let list = |items: Vec<Val>| Val::from(Data::List(Type::String, items.into()));
        let object = || Val::object([("a".to_owned(), Val::number(1_u64)), ("b".to_owned(), list(vec![text("x"), text("y")]))].into());
        let unless = |value: Val| if self.later { value } else { Val::unknown(value.ty()) };
        let value = match root {
            "n" => Val::number(3_u64),
            "s" => text("a text"),
            "l" => list(vec![text("b"), text("a"), text("b")]),
            "o" => object(),
            "m" => Data::Map(Type::Number, std::sync::Arc::new([("k".to_owned(), Val::number(7_u64))].into())).into(),
            "z" => text("hidden").marked(true),
            "u" => unless(text("known")),
            "ul" => unless(list(vec![text("p"), text("q")])),
            "uo" => unless(object()),
            "un" => unless(Val::number(5_u64)),
            _ => return Err(error_at(span, format!("There is nothing named \"{root}\"."))),
        };
        Ok((value, 0))
    }
}

/// Variables of every shape.
const VARIABLES: &str = r#"
variable "text" { default = "a" }
variable "number" {
  type    = number
  default = 1
  validation {
    condition     = var.number < 100
    error_message = "${var.number} is too much."
  }
}
variable "flag" {
  type    = bool
  default = false
}
variable "list" {
  type    = list(string)
  default = []
}
variable "set" {
  type    = set(number)
  default = []
}
variable "map" {
  type    = map(list(number))
  default = {}
}
variable "object" {
  type = object({
    name  = string
    port  = optional(number, 80)
    rules = optional(list(object({ from = string, to = optional(tuple([number, bool])) })), [])
  })
  default = { name = "n" }
}
variable "any" {
  type    = any
  default = null
}
variable "hidden" {
  type      = map(string)
  default   = {}
  sensitive = true
  nullable  = false
}
output "all" {
  value = jsonencode([var.text, var.number, var.flag, var.list, var.set, var.map, var.object, var.any])
}
"#;

/// Formats a text until nothing changes any more; what was formatted can be read.
pub fn format(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let shown = Shown::of("fuzz.tf", text);
    let mut formatted = match fmt::format("fuzz.tf", text) {
        Ok(formatted) => formatted,
        Err(errors) => return shown.check(&errors),
    };
    // A text that is nothing but an insertion loses its quotes, and may hold another such text.
    for _ in 0..=text.matches("\"${").count() {
        let again = fmt::format("fuzz.tf", &formatted).unwrap_or_else(|errors| panic!("{formatted:?} cannot be read: {errors:?}"));
        if again == formatted {
            return;
        }
        formatted = again;
    }
    panic!("{formatted:?} is never settled");
}

/// Gives variables their values: the text as a file of values, and as the value of one of them.
pub fn tfvars(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let name = if text.starts_with('{') { "fuzz.tfvars.json" } else { "fuzz.tfvars" };
    let mut shown = Shown::of(name, text);
    shown.sources.insert("fuzz.tf".to_owned(), VARIABLES.to_owned());
    let sources = [Source { name: "fuzz.tf", text: VARIABLES }];
    let one =
        |name: &&str| Given::Text { name: (*name).to_owned(), raw: Secret::new(text.to_owned()), from: "-var".to_owned(), strict: true };
    let file = vec![Given::File { name: name.to_owned(), text: Secret::new(text.to_owned()) }];
    for given in [file, vec![one(&"any")], ["number", "list", "map", "object", "hidden"].iter().map(one).collect()] {
        let inputs = Inputs { given, ..Inputs::default() };
        with_host(|host| match module::load(&sources, &Library::default(), &inputs, &Tables, host) {
            Ok(stack) => {
                shown.check(stack.warnings());
                let again = module::load(&sources, &Library::default(), &inputs, &Tables, host).ok().map(|stack| stack.variables());
                assert_eq!(Some(stack.variables()), again, "the same values are taken in two ways");
                match stack.outputs(&|_| Term::Unknown(Origin::default())) {
                    Ok(outputs) => assert!(outputs.contains_key("all")),
                    Err(errors) => shown.check(&errors),
                }
            }
            Err(errors) => shown.check(&errors),
        });
    }
}

/// The texts that errors may point into.
struct Shown {
    sources: Sources,
}

impl Shown {
    fn of(name: &str, text: &str) -> Self {
        Self { sources: Sources::from([(name.to_owned(), text.to_owned())]) }
    }

    /// Holds every place against its text, and shows the errors.
    fn check(&self, errors: &[Diagnostic]) {
        for error in errors {
            assert!(!error.message.is_empty());
            for span in error.span.iter().chain(error.related.iter().map(|(span, _)| span)) {
                let Some(text) = self.sources.get(&*span.file) else { continue };
                let within = text.get(span.start..span.end).is_some();
                assert!(within, "{span:?} is no place in a text of {} bytes: {}", text.len(), error.message);
            }
        }
        let _ = errors::render(errors, &self.sources, Paint::PLAIN);
        let _ = errors::to_json(errors, &self.sources);
    }
}

fn with_host<T>(run: impl FnOnce(Host<'_>) -> T) -> T {
    let files = Memory::default()
        .with("/fuzz/note.txt", "a note\n")
        .with("/fuzz/data.json", r#"{"a": [1, true, null]}"#)
        .with("/fuzz/greeting.tftpl", "Hello %{ for name in names ~}${name} %{ endfor ~}!")
        .with("/fuzz/again.tftpl", "${templatefile(\"again.tftpl\", {})}");
    let rng = Rng::seeded(1);
    let home = Path::new("/home/fuzz");
    run(Host { files: &files, base: Path::new("/fuzz"), home: Some(home), now: Moment(1_790_000_000_000), rng: &rng, fresh: false })
}
