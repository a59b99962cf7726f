//! `format` and `formatlist`.
//!
//! Invariant: widths and precisions have a limit, so that a short pattern cannot make a text that fills the memory.

use bigdecimal::{BigDecimal, RoundingMode, Zero as _};
use unicode_segmentation::UnicodeSegmentation as _;

use super::strings::within;
use super::{Args, FnError, Function, Outcome, Want, any, encoding, function, items_of, text, texts};
use crate::arithmetic;
use crate::conversion::convert;
use crate::value::{Data, Val};
use dofloat_base::types::Type;

/// The largest width and precision.
const WIDEST: usize = 10_000;

pub(super) const TABLE: &[Function] = &[
    function("format", &[text("form")], Want::Text, format, "Fills values into a form, for example web-%02d.").and(any("values").or_null()),
    function("formatlist", &[text("form")], Want::Texts, format_list, "Fills lists of values into a form, one text for each.")
        .and(any("values").or_null()),
];

fn format(args: &Args<'_>) -> Outcome {
    let values: Vec<&Val> = args.vals.iter().skip(1).collect();
    fill(&parse(args.text(0))?, &values).map(|text| Val::string(&text))
}

fn format_list(args: &Args<'_>) -> Outcome {
    let pieces = parse(args.text(0))?;
    let mut length = None;
    for (at, arg) in args.vals.iter().enumerate().skip(1) {
        if is_list(arg) {
            let own = items_of(arg).len();
            if *length.get_or_insert(own) != own {
                return Err(FnError::arg(at, format!("all lists must have the same length, and this has {own} elements")));
            }
        }
    }
    let (mut lines, mut size) = (Vec::new(), 0_usize);
    for line in 0..length.unwrap_or(1) {
        let values: Vec<&Val> = args.vals.iter().skip(1).map(|arg| if is_list(arg) { &items_of(arg)[line] } else { arg }).collect();
        let text = fill(&pieces, &values)?;
        size = size.saturating_add(text.len());
        within(size)?;
        lines.push(text);
    }
    Ok(texts(lines))
}

fn is_list(val: &Val) -> bool {
    matches!(val.data, Data::List(..) | Data::Set(..) | Data::Tuple(_))
}

/// A piece of a form.
enum Piece<'a> {
    Text(&'a str),
    Verb(Verb),
}

/// What stands for a value.
#[derive(Default)]
struct Verb {
    /// The letter.
    mode: char,
    /// Which value, from 0, if it says so.
    which: Option<usize>,
    width: Option<usize>,
    precision: Option<usize>,
    zeros: bool,
    sharp: bool,
    left: bool,
    plus: bool,
    space: bool,
}

fn parse(form: &str) -> Result<Vec<Piece<'_>>, FnError> {
    let wrong = |message: String| FnError::arg(0, message);
    let (mut pieces, mut rest) = (Vec::new(), form);
    while let Some(at) = rest.find('%') {
        pieces.push(Piece::Text(&rest[..at]));
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            pieces.push(Piece::Text("%"));
            rest = after;
            continue;
        }
        let mut verb = Verb::default();
        while let Some(flag) = rest.chars().next() {
            match flag {
                '0' => verb.zeros = true,
                '#' => verb.sharp = true,
                '-' => verb.left = true,
                '+' => verb.plus = true,
                ' ' => verb.space = true,
                _ => break,
            }
            rest = &rest[1..];
        }
        (verb.width, rest) = size(rest)?;
        if let Some(after) = rest.strip_prefix('.') {
            let (precision, after) = size(after)?;
            (verb.precision, rest) = (Some(precision.unwrap_or(0)), after);
        }
        if let Some(inside) = rest.strip_prefix('[') {
            let (number, after) = inside.split_once(']').ok_or_else(|| wrong("a number of a value does not end with ]".to_owned()))?;
            let number = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            verb.which = Some(number.ok_or_else(|| wrong("values are counted from 1, for example %[1]s".to_owned()))?);
            rest = after;
        }
        let mode = rest.chars().next().ok_or_else(|| wrong("the form ends with %; write %% for a percent sign".to_owned()))?;
        if !"vtbdoxXeEfgGsq".contains(mode) {
            return Err(wrong(format!("%{mode} is not known; write %% for a percent sign")));
        }
        rest = &rest[1..];
        verb.mode = mode;
        pieces.push(Piece::Verb(verb));
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

/// A width or precision, and what follows.
fn size(text: &str) -> Result<(Option<usize>, &str), FnError> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    if end == 0 {
        return Ok((None, text));
    }
    match text[..end].parse::<usize>() {
        Ok(size) if size <= WIDEST => Ok((Some(size), &text[end..])),
        _ => Err(FnError::arg(0, format!("widths and precisions go up to {WIDEST}"))),
    }
}

fn fill(pieces: &[Piece<'_>], values: &[&Val]) -> Result<String, FnError> {
    let (mut out, mut next, mut used) = (String::new(), 0, 0);
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Verb(verb) => {
                let at = verb.which.unwrap_or(next);
                next = at + 1;
                used = used.max(next);
                let value = values.get(at);
                let value = value.ok_or_else(|| FnError::call(format!("the form needs value {next}, and there are {}", values.len())))?;
                let text = verb.write(value).map_err(|message| FnError::call(format!("%{} of value {next}: {message}", verb.mode)))?;
                out.push_str(&text);
                within(out.len())?;
            }
        }
    }
    if used < values.len() {
        return Err(FnError::call(format!("the form uses {used} of {} values", values.len())));
    }
    Ok(out)
}

impl Verb {
    fn write(&self, value: &Val) -> Result<String, String> {
        let mode = match (self.mode, &value.data) {
            ('v', _) if self.sharp => 'j',
            ('v', Data::String(_)) => 's',
            ('v', Data::Number(_)) => 'g',
            ('v', Data::Bool(_)) => 't',
            ('v', _) => 'j',
            (mode, _) => mode,
        };
        if mode == 'j' {
            return encoding::to_json(value).map(|text| self.pad(text));
        }
        if value.is_null() {
            return Err("the value must not be null".to_owned());
        }
        let wanted = match mode {
            's' | 'q' => Type::String,
            't' => Type::Bool,
            _ => Type::Number,
        };
        match convert(value, &wanted).map_err(|error| error.to_string())?.data {
            Data::String(text) => Ok(self.pad(if mode == 'q' { quote(self.cut(&text)) } else { self.cut(&text).to_owned() })),
            Data::Bool(bool) => Ok(self.pad(bool.to_string())),
            Data::Number(number) => self.number(mode, &number),
            _ => Err("the value does not fit".to_owned()),
        }
    }

    fn number(&self, mode: char, number: &dofloat_base::number::Number) -> Result<String, String> {
        let digits = if matches!(mode, 'b' | 'd' | 'o' | 'x' | 'X') {
            if !number.decimal().is_integer() {
                return Err("a whole number is required".to_owned());
            }
            let (whole, _) = number.decimal().abs().with_scale(0).into_bigint_and_exponent();
            let (digits, prefix) = match mode {
                'b' => (whole.to_str_radix(2), "0b"),
                'o' => (whole.to_str_radix(8), "0"),
                'x' => (whole.to_str_radix(16), "0x"),
                'X' => (whole.to_str_radix(16).to_uppercase(), "0X"),
                _ => (whole.to_str_radix(10), ""),
            };
            let digits = format!("{digits:0>least$}", least = self.precision.unwrap_or(0));
            if self.sharp { format!("{prefix}{digits}") } else { digits }
        } else {
            float(mode, self.precision, &arithmetic::binary_value(number).abs(), &number.decimal().abs())
        };
        let sign = match (number.is_negative(), self.plus, self.space) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        };
        if self.zeros && !self.left {
            let width = self.width.unwrap_or(0).saturating_sub(sign.len());
            return Ok(format!("{sign}{digits:0>width$}"));
        }
        Ok(self.pad(format!("{sign}{digits}")))
    }

    /// At most as many characters as the precision says.
    fn cut<'t>(&self, text: &'t str) -> &'t str {
        let end = self.precision.and_then(|most| text.grapheme_indices(true).nth(most)).map_or(text.len(), |(at, _)| at);
        &text[..end]
    }

    fn pad(&self, text: String) -> String {
        let missing = self.width.unwrap_or(0).saturating_sub(text.graphemes(true).count());
        match (missing, self.left) {
            (0, _) => text,
            (_, true) => text + &" ".repeat(missing),
            (_, false) => (if self.zeros { "0" } else { " " }).repeat(missing) + &text,
        }
    }
}

/// A number without sign in the form of `%e`, `%f` or `%g`. `value` is the binary number, for rounding; `short` its
/// shortest decimal, for `%g` without precision.
fn float(mode: char, precision: Option<usize>, value: &BigDecimal, short: &BigDecimal) -> String {
    let upper = mode.is_ascii_uppercase();
    let text = match (mode.to_ascii_lowercase(), precision) {
        ('f', precision) => {
            let places = precision.unwrap_or(6);
            value.with_scale_round(i64::try_from(places).unwrap_or(0), RoundingMode::HalfEven).to_plain_string()
        }
        ('e', precision) => {
            let places = precision.unwrap_or(6);
            scientific(&rounded(value, places + 1), Some(places))
        }
        (_, precision) => {
            let short = precision.map_or_else(|| short.clone(), |digits| rounded(value, digits.max(1)));
            let exponent = exponent(&short);
            let shown = i64::try_from(short.normalized().digits()).unwrap_or(i64::MAX);
            // The limit at which an exponent is shorter: the precision, or six where none is given.
            let limit = match precision {
                None => 6,
                Some(digits) => {
                    let digits = i64::try_from(digits.max(1)).unwrap_or(i64::MAX);
                    if digits > shown && shown > exponent { shown } else { digits }
                }
            };
            let plain = short.is_zero() || (-4..limit).contains(&exponent);
            if plain { short.normalized().to_plain_string() } else { scientific(&short, None) }
        }
    };
    if upper { text.to_uppercase() } else { text }
}

/// Rounded to a number of digits.
fn rounded(value: &BigDecimal, digits: usize) -> BigDecimal {
    let digits = std::num::NonZeroU64::new(digits as u64);
    if value.is_zero() {
        BigDecimal::zero()
    } else {
        digits.map_or_else(|| value.clone(), |digits| value.with_precision_round(digits, RoundingMode::HalfEven))
    }
}

/// The power of ten of the first digit.
fn exponent(value: &BigDecimal) -> i64 {
    if value.is_zero() { 0 } else { value.order_of_magnitude() }
}

fn scientific(value: &BigDecimal, places: Option<usize>) -> String {
    let power = exponent(value);
    let (digits, _) = value.normalized().into_bigint_and_exponent();
    let digits = digits.to_string();
    let (first, rest) = digits.split_at(1);
    let rest = format!("{rest:0<places$}", places = places.unwrap_or(0));
    let point = if rest.is_empty() { "" } else { "." };
    format!("{first}{point}{rest}e{}{:02}", if power < 0 { '-' } else { '+' }, power.abs())
}

/// A text in double quotes with escapes, as programs have it.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' | '\u{7f}' => out.push_str(&format!("\\x{:02x}", u32::from(letter))),
            _ if letter.is_control() || letter.is_whitespace() && letter != ' ' || letter == '\u{feff}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            _ => out.push(letter),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, json, refuse};

    #[test]
    fn forms() {
        for (args, expected) in [
            (r#""Hello, %s!", "Ann""#, "Hello, Ann!"),
            (r#""%s %s", 1.50, true"#, "1.5 true"),
            (r#""%d %d", "5", 123456789012345678901"#, "5 123456789012345678901"),
            (r#""web-%02d", 3"#, "web-03"),
            (r#""%+05d|%-5d|% d", 42, 42, 42"#, "+0042|42   | 42"),
            (r#""%x %X %o %b %#x %x", 255, 255, 8, 5, 255, -255"#, "ff FF 10 101 0xff -ff"),
            (r#""%f %.2f %.0f", 1.5, 1.005, 2.5"#, "1.500000 1.00 2"),
            (r#""%8.3f|%-8.3f|%08.3f", 3.14159, 3.14159, -3.14159"#, "   3.142|3.142   |-003.142"),
            (r#""%e %E %e", 12345.678, 12345.678, 0"#, "1.234568e+04 1.234568E+04 0.000000e+00"),
            (r#""%g %g %.3g %g", 12345.678, 1e21, 1234.5678, 0.00001"#, "12345.678 1e+21 1.23e+03 1e-05"),
            (r#""%q %q", "é\n\"", 5"#, "\"é\\n\\\"\" \"5\""),
            (r#""%v %v %v %#v", [1, "a"], {"b": null}, null, "a""#, "[1,\"a\"] {\"b\":null} null \"a\""),
            (r#""%5s|%-5s|%05s|%5.1s|%5s", "ab", "ab", "ab", "hello", "日本""#, "   ab|ab   |000ab|    h|   日本"),
            (r#""%[2]s %[1]s %s%%", "a", "b""#, "b a b%"),
        ] {
            let found = json("format", &format!("[{args}]"));
            assert_eq!(found, super::encoding::to_json(&super::Val::string(expected)).map_err(super::FnError::call), "{args}");
        }
    }

    #[test]
    fn lists() {
        check(&[
            ("formatlist", r#"["%s-%s", "a", ["x", "y"]]"#, r#"["a-x","a-y"]"#),
            ("formatlist", r#"["%s", []]"#, "[]"),
            ("formatlist", r#"["x"]"#, r#"["x"]"#),
            ("formatlist", r#"["%v", [[1], [2]]]"#, r#"["[1]","[2]"]"#),
        ]);
        refuse(&[("formatlist", r#"["%s", [null]]"#), ("formatlist", r#"["%s%s", ["a"], ["b", "c"]]"#)]);
    }

    #[test]
    fn refusals() {
        for args in [
            r#""%d", "a""#,
            r#""%d", 1.5"#,
            r#""%s", [1]"#,
            r#""%t", 1"#,
            r#""%s %s", "a""#,
            r#""none", "a""#,
            r#""%z", "a""#,
            r#""%", "a""#,
            r#""%[0]s", "a""#,
            r#""%*d", 5, 42"#,
            r#""%x", "hi""#,
            r#""%é", 1"#,
            r#""%s", null"#,
            r#""%1000000000d", 1"#,
            r#""%.1000000000f", 1"#,
            r#""%99999999999999999999999s", 1"#,
            r#""%[99999999999999999999999]s", 1"#,
        ] {
            refuse(&[("format", &format!("[{args}]"))]);
        }
    }
}
