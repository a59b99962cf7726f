//! The evaluator: what an expression is worth in a scope.
//!
//! Invariant: both operands, both branches of a condition and all arguments are evaluated (nothing is skipped but what a
//! condition does not choose, whose errors do not count); what comes from an unknown is unknown of the right type, what
//! comes from a sensitive value is sensitive. It must not know which names a scope has, nor what blocks mean.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Host;
use super::access;
use super::ast::{BinaryOp, Call, Expr, For, Kind, Names, Part, Step, StepKind, UnaryOp};
use super::budget::{self, Budget, Size};
use super::error::{EvalError, Outcome, article, error_at, kind_of};
use super::stand_in::stand_in;
use super::value::{Data, Val};
use super::{arithmetic, conversion, functions, special, types};
use dofloat_base::diag::{Diagnostic, Span};
use dofloat_base::types::Type;

/// The names that an expression may use.
pub trait Scope {
    /// The value of a reference, and how many of its steps were used for it: `var.a.b` uses one step.
    ///
    /// # Errors
    /// If there is no such name, or it has no value.
    fn resolve(&self, root: &str, steps: &[Step], span: &Span, eval: &Eval<'_>) -> Result<(Val, usize), EvalError>;

    /// What a function gives that gives something new at each call: one result for each place that calls it, however often that
    /// is evaluated in a run.
    ///
    /// # Errors
    /// If the function refuses its arguments.
    fn once(&self, _place: &Span, call: &dyn Fn() -> Outcome) -> Outcome {
        call()
    }
}

/// A scope, the names bound on the way to an expression, and the world.
#[derive(Clone)]
pub struct Eval<'a> {
    /// The names from outside.
    pub scope: &'a dyn Scope,
    /// What functions may ask.
    pub host: &'a Host<'a>,
    /// The names that `for` and dynamic blocks have bound, the innermost first.
    bound: Option<&'a Bound<'a>>,
    /// Whether this is a template of `templatefile`, which must not call it again.
    pub(super) in_template: bool,
    /// What it has cost so far.
    pub(super) budget: Budget,
}

/// A bound name.
pub struct Bound<'a> {
    name: &'a str,
    value: Val,
    outer: Option<&'a Bound<'a>>,
}

impl<'a> Eval<'a> {
    /// An evaluator without bound names.
    #[must_use]
    pub fn new(scope: &'a dyn Scope, host: &'a Host<'a>) -> Self {
        Self { scope, host, bound: None, in_template: false, budget: Budget::default() }
    }

    /// The same for a template, which renders no other.
    pub(super) fn in_template(self) -> Self {
        Self { in_template: true, ..self }
    }

    /// The same as a part of what has cost something already.
    pub(super) fn after(self, budget: &Budget) -> Self {
        Self { budget: budget.clone(), ..self }
    }

    /// Evaluates something with one more name bound.
    pub fn with<T>(&self, name: &str, value: Val, run: impl FnOnce(&Eval<'_>) -> T) -> T {
        let bound = Bound { name, value, outer: self.bound };
        run(&Eval { bound: Some(&bound), ..self.clone() })
    }

    /// The value of an expression.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn eval(&self, expr: &Expr) -> Outcome {
        let _level = self.budget.enter(&expr.span)?;
        match &expr.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Template(parts) => self.template(parts),
            Kind::Wrapped(inner) | Kind::Paren(inner) => self.eval(inner),
            Kind::Tuple(items) => self.tuple(items, &expr.span),
            Kind::Object(items) => self.object(items, &expr.span),
            Kind::Name(name) => self.name(name, &[], &expr.span).map(|(value, _)| value),
            Kind::Traversal(of, steps) => {
                let (value, used) = match &of.kind {
                    Kind::Name(name) => self.name(name, steps, &expr.span)?,
                    _ => (self.eval(of)?, 0),
                };
                self.steps(value, &steps[used..])
            }
            Kind::Call(call) => self.call(call, &expr.span),
            Kind::Unary(op, of) => self.unary(*op, of),
            Kind::Binary(op, of) => self.binary(*op, &of.0, &of.1),
            Kind::Conditional(of) => self.conditional(&of.0, &of.1, &of.2),
            Kind::For(of) => self.for_expr(of, &expr.span),
        }
    }

    fn name(&self, name: &str, steps: &[Step], span: &Span) -> Result<(Val, usize), EvalError> {
        let mut bound = self.bound;
        while let Some(found) = bound {
            if found.name == name {
                return Ok((found.value.clone(), 0));
            }
            bound = found.outer;
        }
        self.scope.resolve(name, steps, span, self)
    }

    /// Follows a traversal.
    pub(super) fn steps(&self, mut value: Val, mut steps: &[Step]) -> Outcome {
        while let Some((step, rest)) = steps.split_first() {
            value = match &step.kind {
                StepKind::Attr(name) => access::attr(&value, name, &step.span)?,
                StepKind::LegacyIndex(at) => access::index(&value, &Val::number(*at), &step.span)?,
                StepKind::Index(at) => access::index(&value, &self.eval(at)?, &step.span)?,
                StepKind::Splat => return self.splat(&value, rest, &step.span),
                StepKind::AttrSplat => {
                    let each = rest.iter().take_while(|step| matches!(step.kind, StepKind::Attr(_) | StepKind::LegacyIndex(_))).count();
                    value = self.splat(&value, &rest[..each], &step.span)?;
                    steps = &rest[each..];
                    continue;
                }
            };
            steps = rest;
        }
        Ok(value)
    }

    fn splat(&self, of: &Val, steps: &[Step], span: &Span) -> Outcome {
        let one = |item: &Val| self.budget.step(span).and_then(|()| self.steps(item.clone(), steps));
        let each = |items: &[Val]| items.iter().map(one).collect::<Result<Vec<_>, _>>();
        let result = match &of.data {
            Data::Null(ty) if !matches!(ty, Type::List(_) | Type::Set(_)) => Val::tuple(Vec::new()),
            Data::Tuple(items) => Val::tuple(each(items)?),
            Data::List(item, items) | Data::Set(item, items) => {
                let ty = self.steps(Val::unknown(item.clone()), steps).map_or(Type::Any, |value| value.ty());
                let items = each(items)?;
                let ty = items.first().map_or(ty, Val::ty);
                Data::List(ty, Arc::new(items)).into()
            }
            Data::Unknown(Type::List(item) | Type::Set(item), _) => {
                let ty = self.steps(Val::unknown((**item).clone()), steps)?.ty();
                Val::unknown(Type::List(Box::new(ty)))
            }
            Data::Unknown(Type::Tuple(items), _) => {
                Val::tuple(items.iter().map(|ty| self.steps(Val::unknown(ty.clone()), steps)).collect::<Result<_, _>>()?)
            }
            // Nobody can say whether it will be null, which would give an empty tuple.
            Data::Unknown(..) => Val::unknown(Type::Any),
            Data::Null(_) => return Err(error_at(span, "The list is null, so it has no elements to pick from.")),
            _ => Val::tuple(each(std::slice::from_ref(&Val { sensitive: false, ..of.clone() }))?),
        };
        Ok(result.marked(of.sensitive))
    }

    fn tuple(&self, items: &[Expr], span: &Span) -> Outcome {
        let mut size = Size::default();
        let item = |item| self.eval(item).and_then(|value| self.budget.put(&mut size, &value, span).map(|()| value));
        Ok(Val::tuple(items.iter().map(item).collect::<Result<_, _>>()?))
    }

    fn object(&self, items: &[(Expr, Expr)], span: &Span) -> Outcome {
        let (mut fields, mut size) = (BTreeMap::new(), Size::default());
        let (mut sensitive, mut unknown) = (false, false);
        for (key, value) in items {
            if let (Kind::Traversal(..), Some(_)) = (&key.kind, key.root()) {
                return Err(Box::new(
                    Diagnostic::error("A reference as key is ambiguous.")
                        .at(key.span.clone())
                        .hint("Put it into parentheses to use its value, or into quotes to use it as it is written."),
                ));
            }
            let name = if let Kind::Name(name) = &key.kind { Val::string(name) } else { self.eval(key)? };
            sensitive |= name.sensitive;
            let value = self.eval(value)?;
            self.budget.put(&mut size, &name, span)?;
            self.budget.put(&mut size, &value, span)?;
            match access::key_text(&name, &key.span)? {
                Some(name) => {
                    fields.insert(name, value);
                }
                None => unknown = true,
            }
        }
        let result = if unknown { Val::unknown(Type::Any) } else { Val::object(fields) };
        Ok(result.marked(sensitive))
    }

    /// A template's text.
    fn template(&self, parts: &[Part]) -> Outcome {
        let mut text = Text::default();
        self.parts(parts, &mut text)?;
        let result = if text.unknown { Val::unknown(Type::String) } else { Val::string(&text.text) };
        Ok(result.marked(text.sensitive))
    }

    fn parts(&self, parts: &[Part], text: &mut Text) -> Result<(), EvalError> {
        for part in parts {
            match part {
                Part::Text(literal) => text.text.push_str(literal),
                Part::Insert(expr) => {
                    let value = self.eval(expr)?;
                    text.sensitive |= value.has_sensitive();
                    match &value.data {
                        Data::Null(_) => return Err(error_at(&expr.span, "This value is null, which has no text.")),
                        Data::Unknown(ty, _) if conversion::convertible(ty, &Type::String).is_some() => text.unknown = true,
                        data => match types::text_of(data) {
                            Some(piece) => self.budget.append(&mut text.text, &piece, &expr.span)?,
                            None => {
                                let message = format!("A text cannot hold {}.", kind_of(&value));
                                return Err(Box::new(
                                    Diagnostic::error(message)
                                        .at(expr.span.clone())
                                        .hint("Use `jsonencode` or `join` to make a text of it."),
                                ));
                            }
                        },
                    }
                }
                Part::If(of) => {
                    let (condition, then, otherwise) = &**of;
                    let choice = self.condition(condition)?;
                    text.sensitive |= choice.sensitive;
                    match choice.data {
                        Data::Bool(true) => self.parts(then, text)?,
                        Data::Bool(false) => self.parts(otherwise, text)?,
                        _ => text.unknown = true,
                    }
                }
                Part::For(of) => {
                    let (names, collection, body) = &**of;
                    let walked = self.eval(collection)?;
                    text.sensitive |= walked.sensitive;
                    match elements(&walked, &collection.span)? {
                        None => text.unknown = true,
                        Some(items) => {
                            for (key, value) in items {
                                self.budget.step(&collection.span)?;
                                self.bind(names, key, value, |eval| eval.parts(body, text))?;
                                budget::length(&text.text, &collection.span)?;
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn bind<T>(&self, names: &Names, key: Val, value: Val, run: impl FnOnce(&Eval<'_>) -> T) -> T {
        match &names.key {
            Some(name) => self.with(name, key, |eval| eval.with(&names.value, value, run)),
            None => self.with(&names.value, value, run),
        }
    }

    /// A bool, or an unknown one.
    pub(super) fn condition(&self, expr: &Expr) -> Outcome {
        let value = self.eval(expr)?;
        if value.is_null() {
            return Err(error_at(&expr.span, "The condition is null; it must be true or false."));
        }
        conversion::convert(&value, &Type::Bool)
            .map_err(|_| error_at(&expr.span, format!("The condition is {}; it must be true or false.", kind_of(&value))))
    }

    fn conditional(&self, condition: &Expr, then: &Expr, otherwise: &Expr) -> Outcome {
        let choice = self.condition(condition)?;
        let (then_value, else_value) = (self.eval(then), self.eval(otherwise));
        let chosen = match choice.data {
            Data::Bool(true) => Some(true),
            Data::Bool(false) => Some(false),
            _ => None,
        };
        let (then_value, else_value) = match (chosen, then_value, else_value) {
            (Some(true), chosen, Err(_)) | (Some(false), Err(_), chosen) => return Ok(chosen?.marked(choice.sensitive)),
            (_, then, otherwise) => (then?, otherwise?),
        };
        let sensitive = choice.sensitive || then_value.sensitive || else_value.sensitive;
        let span = Span { end: otherwise.span.end, ..then.span.clone() };
        self.budget.look([&then_value, &else_value], &span)?;
        let types = [then_value.ty(), else_value.ty()];
        let Some(common) = conversion::unify(&types) else {
            let message = format!(
                "The two results of a condition must have one type, and these are {} and {}.",
                kind_of(&then_value),
                kind_of(&else_value)
            );
            return Err(error_at(&span, message));
        };
        let value = match chosen {
            Some(true) => then_value,
            Some(false) => else_value,
            None => return Ok(Val::unknown(common).marked(sensitive)),
        };
        let value = if value.ty() == common || common == Type::Any {
            value
        } else {
            conversion::convert(&value, &common)
                .map_err(|error| error_at(&span, format!("The results of the condition have incompatible types: {error}.")))?
        };
        Ok(value.marked(sensitive))
    }

    fn unary(&self, op: UnaryOp, of: &Expr) -> Outcome {
        let value = self.eval(of)?;
        match op {
            UnaryOp::Not => {
                let value = operand(&value, &Type::Bool, "!", &of.span)?;
                let answer = if let Data::Bool(bool) = value.data { Val::bool(!bool) } else { Val::unknown(Type::Bool) };
                Ok(answer.marked(value.sensitive))
            }
            UnaryOp::Negate => {
                let value = operand(&value, &Type::Number, "-", &of.span)?;
                let answer =
                    if let Data::Number(number) = &value.data { Val::number(arithmetic::neg(number)) } else { Val::unknown(Type::Number) };
                Ok(answer.marked(value.sensitive))
            }
        }
    }

    fn binary(&self, op: BinaryOp, left: &Expr, right: &Expr) -> Outcome {
        let (a, b) = (self.eval(left)?, self.eval(right)?);
        self.budget.look([&a, &b], &left.span)?;
        match op {
            BinaryOp::Equal => Ok(types::equal(&a, &b)),
            BinaryOp::NotEqual => {
                let equal = types::equal(&a, &b);
                Ok(if let Data::Bool(bool) = equal.data { Val { data: Data::Bool(!bool), ..equal } } else { equal })
            }
            BinaryOp::And | BinaryOp::Or => {
                let (a, b) = (operand(&a, &Type::Bool, op.symbol(), &left.span)?, operand(&b, &Type::Bool, op.symbol(), &right.span)?);
                let decides = op == BinaryOp::Or;
                let answer = match (&a.data, &b.data) {
                    (Data::Bool(a), _) if *a == decides => Val::bool(decides),
                    (_, Data::Bool(b)) if *b == decides => Val::bool(decides),
                    (Data::Bool(_), Data::Bool(_)) => Val::bool(!decides),
                    _ => Val::unknown(Type::Bool),
                };
                Ok(answer.marked(a.sensitive || b.sensitive))
            }
            _ => {
                let (a, b) = (operand(&a, &Type::Number, op.symbol(), &left.span)?, operand(&b, &Type::Number, op.symbol(), &right.span)?);
                let sensitive = a.sensitive || b.sensitive;
                let span = Span { end: right.span.end, ..left.span.clone() };
                Ok(compute(op, &a, &b, &span, &right.span)?.marked(sensitive))
            }
        }
    }

    fn for_expr(&self, of: &For, span: &Span) -> Outcome {
        let collection = self.eval(&of.collection)?;
        let Some(items) = elements(&collection, &of.collection.span)? else {
            return Ok(Val::unknown(Type::Any).marked(collection.sensitive));
        };
        let mut found = Found { sensitive: collection.sensitive, ..Found::default() };
        if let Some(condition) = &of.condition {
            // What is wrong with it whatever the element is comes out for an empty collection too.
            let any = || Val::unknown(Type::Any);
            self.bind(&of.names, any(), any(), |eval| eval.condition(condition))?;
        }
        for (key, value) in items {
            self.budget.step(span)?;
            self.bind(&of.names, key, value, |eval| eval.for_element(of, span, &mut found))?;
        }
        let result = if found.unknown {
            Val::unknown(Type::Any)
        } else if of.key.is_none() {
            Val::tuple(found.list)
        } else if of.group {
            Val::object(found.groups.into_iter().map(|(name, items)| (name, Val::tuple(items))).collect())
        } else {
            Val::object(found.map)
        };
        Ok(result.marked(found.sensitive))
    }

    fn for_element(&self, of: &For, span: &Span, found: &mut Found) -> Result<(), EvalError> {
        if let Some(condition) = &of.condition {
            let choice = self.condition(condition)?;
            found.sensitive |= choice.sensitive;
            match choice.data {
                Data::Bool(true) => {}
                Data::Bool(false) => return Ok(()),
                _ => {
                    found.unknown = true;
                    return Ok(());
                }
            }
        }
        let Some(key) = &of.key else {
            let value = self.eval(&of.value)?;
            self.budget.put(&mut found.size, &value, span)?;
            found.list.push(value);
            return Ok(());
        };
        let name = self.eval(key)?;
        found.sensitive |= name.sensitive;
        self.budget.put(&mut found.size, &name, span)?;
        let text = access::key_text(&name, &key.span)?;
        let value = self.eval(&of.value)?;
        self.budget.put(&mut found.size, &value, span)?;
        let Some(text) = text else {
            found.unknown = true;
            return Ok(());
        };
        if of.group {
            found.groups.entry(text).or_default().push(value);
        } else if found.map.insert(text.clone(), value).is_some() {
            let which = if name.sensitive { "a key".to_owned() } else { format!("the key \"{text}\"") };
            return Err(Box::new(
                Diagnostic::error(format!("Two elements give {which}."))
                    .at(key.span.clone())
                    .hint("Write `...` after the value to gather the values of one key in a list."),
            ));
        }
        Ok(())
    }

    fn call(&self, call: &Call, span: &Span) -> Outcome {
        if let Some(result) = special::call(self, call, span) {
            return result;
        }
        let Some(function) = functions::lookup(&call.name) else { return Err(functions::unknown(call)) };
        let Some(args) = self.args(call)? else { return Ok(Val::unknown(function.gives.ty())) };
        let given = args.len();
        self.budget.work(&args, span)?;
        let fails = |error: functions::FnError| {
            let at = error.arg.and_then(|at| call.args.get(at).or(if at < given { call.args.last() } else { None }));
            let place = match at {
                Some(arg) => arg.span.clone(),
                // What is missing is missed at the end.
                None if given < function.params.len() => Span { start: span.end.saturating_sub(1), ..span.clone() },
                None => span.clone(),
            };
            error_at(&place, format!("The function \"{}\" fails: {}.", call.name, error.message.trim_end_matches('.')))
        };
        let result = if function.anew {
            self.scope.once(span, &|| functions::call(function, args.clone(), self.host).map_err(fails))?
        } else {
            let secret = args.iter().any(Val::has_sensitive);
            functions::call(function, args, self.host).or_else(|error| match stand_in(self.host, call, &error) {
                Some(text) => Ok(text.marked(secret)),
                None => Err(fails(error)),
            })?
        };
        self.budget.work([&result], span)?;
        Ok(result)
    }

    /// The arguments, the last one spread if that is asked for; nothing if it is unknown how many there are.
    pub(super) fn args(&self, call: &Call) -> Result<Option<Vec<Val>>, EvalError> {
        let mut args = call.args.iter().map(|arg| self.eval(arg)).collect::<Result<Vec<_>, _>>()?;
        if !call.spread {
            return Ok(Some(args));
        }
        let (Some(last), Some(place)) = (args.pop(), call.args.last()) else { return Ok(Some(args)) };
        let sensitive = last.sensitive;
        match &last.data {
            Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
                args.extend(items.iter().map(|item| item.clone().marked(sensitive)));
                Ok(Some(args))
            }
            Data::Unknown(Type::List(_) | Type::Set(_) | Type::Any | Type::Tuple(_), _) => Ok(None),
            _ => Err(error_at(&place.span, format!("Only a list, a set or a tuple can be spread with `...`, not {}.", kind_of(&last)))),
        }
    }
}

/// What a template has gathered.
#[derive(Default)]
struct Text {
    text: String,
    unknown: bool,
    sensitive: bool,
}

/// What a `for` has gathered.
#[derive(Default)]
struct Found {
    list: Vec<Val>,
    map: BTreeMap<String, Val>,
    groups: BTreeMap<String, Vec<Val>>,
    unknown: bool,
    sensitive: bool,
    size: Size,
}

/// The keys and values of a collection; nothing if it is unknown.
pub(super) fn elements(of: &Val, span: &Span) -> Result<Option<Vec<(Val, Val)>>, EvalError> {
    let list = |items: &[Val]| items.iter().enumerate().map(|(at, item)| (Val::number(at), item.clone())).collect();
    Ok(match &of.data {
        Data::List(_, items) | Data::Tuple(items) => Some(list(items)),
        Data::Set(_, items) => Some(items.iter().map(|item| (item.clone(), item.clone())).collect()),
        Data::Map(_, fields) | Data::Object(fields) => {
            Some(fields.iter().map(|(name, value)| (Val::string(name), value.clone())).collect())
        }
        Data::Unknown(Type::Bool | Type::Number | Type::String, _) | Data::Bool(_) | Data::Number(_) | Data::String(_) => {
            return Err(error_at(span, format!("`for` walks a list, set, tuple, map or object, not {}.", kind_of(of))));
        }
        Data::Unknown(..) => None,
        Data::Null(_) => return Err(error_at(span, "`for` cannot walk null.")),
    })
}

fn operand(value: &Val, ty: &Type, op: &str, span: &Span) -> Outcome {
    if value.is_null() {
        return Err(error_at(span, format!("An operand of `{op}` is null; it must be {}.", article(ty))));
    }
    let error = |_| {
        let error = Diagnostic::error(format!("An operand of `{op}` must be {}, not {}.", article(ty), kind_of(value))).at(span.clone());
        let both_texts = op == "+" && matches!(value.data, Data::String(_));
        Box::new(if both_texts { error.hint("Texts are joined in a template: \"${a}${b}\".") } else { error })
    };
    conversion::convert(value, ty).map_err(error)
}

fn compute(op: BinaryOp, a: &Val, b: &Val, span: &Span, right: &Span) -> Outcome {
    let compares = matches!(op, BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual);
    let (Data::Number(a), Data::Number(b)) = (&a.data, &b.data) else {
        return Ok(Val::unknown(if compares { Type::Bool } else { Type::Number }));
    };
    let result = match op {
        BinaryOp::Less => return Ok(Val::bool(a < b)),
        BinaryOp::LessEqual => return Ok(Val::bool(a <= b)),
        BinaryOp::Greater => return Ok(Val::bool(a > b)),
        BinaryOp::GreaterEqual => return Ok(Val::bool(a >= b)),
        BinaryOp::Add => arithmetic::add(a, b),
        BinaryOp::Subtract => arithmetic::sub(a, b),
        BinaryOp::Multiply => arithmetic::mul(a, b),
        BinaryOp::Divide => arithmetic::div(a, b),
        _ => arithmetic::rem(a, b),
    };
    let zero = matches!(op, BinaryOp::Divide) && *b == 0_i64.into();
    match result {
        Some(number) => Ok(Val::number(number)),
        None if zero => Err(error_at(right, "Division by zero.")),
        None => Err(error_at(span, format!("The result does not fit: {}.", arithmetic::OUT_OF_REACH))),
    }
}
