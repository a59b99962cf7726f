//! Values in the language's own spelling, as outputs are shown.
//!
//! Invariant: what is printed holds no control character of the value, so no value can steer the terminal.

use std::fmt::Write as _;
use std::time::Duration;

use dofloat_base::types::Type;
use dofloat_base::value::Value;

/// A value of a type, as `dofloat output` shows it: collections say what they are (`toset([…])`), a text of several lines is a
/// heredoc.
#[must_use]
pub fn render(value: &Value, ty: &Type) -> String {
    at(value, ty, 0)
}

/// A text in quotes.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            c => push_visible(&mut quoted, c),
        }
    }
    quoted.push('"');
    quoted
}

/// A line of a text, with control characters made visible.
#[must_use]
pub fn visible(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    for c in line.chars() {
        if c == '\t' {
            shown.push(c);
        } else {
            push_visible(&mut shown, c);
        }
    }
    shown
}

/// A name as it is written before `=`: bare where it can be.
#[must_use]
pub fn key(name: &str) -> String {
    let bare =
        name.starts_with(|c: char| c.is_alphabetic() || c == '_') && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if bare { name.to_owned() } else { quote(name) }
}

fn push_visible(text: &mut String, c: char) {
    match c {
        '\t' => text.push_str("\\t"),
        '\r' => text.push_str("\\r"),
        '\n' => text.push_str("\\n"),
        // Marks that reorder what is printed after them are treated as control characters.
        c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
            let code = u32::from(c);
            let _ = if code < 0x80 { write!(text, "\\x{code:02x}") } else { write!(text, "\\u{code:04x}") };
        }
        c => text.push(c),
    }
}

fn at(value: &Value, ty: &Type, indent: usize) -> String {
    match value {
        Value::Null => null(ty),
        Value::Bool(bool) => bool.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Str(text) if text.contains('\n') => heredoc(text, indent),
        Value::Str(text) => quote(text),
        Value::List(items) => {
            let types: Vec<&Type> = match ty {
                Type::List(item) | Type::Set(item) => vec![&**item; items.len()],
                Type::Tuple(types) if types.len() == items.len() => types.iter().collect(),
                _ => vec![&Type::Any; items.len()],
            };
            let list = bracketed('[', ']', indent, items.iter().zip(types).map(|(item, ty)| format!("{},", at(item, ty, indent + 2))));
            match ty {
                Type::List(_) => format!("tolist({list})"),
                Type::Set(_) => format!("toset({list})"),
                _ => list,
            }
        }
        Value::Map(entries) => {
            let of = |name: &String| match ty {
                Type::Map(item) => &**item,
                Type::Object(fields) => fields.get(name).unwrap_or(&Type::Any),
                _ => &Type::Any,
            };
            let lines = entries.iter().map(|(name, value)| format!("{} = {}", quote(name), at(value, of(name), indent + 2)));
            let map = bracketed('{', '}', indent, lines);
            if matches!(ty, Type::Map(_)) { format!("tomap({map})") } else { map }
        }
    }
}

fn bracketed(open: char, close: char, indent: usize, lines: impl ExactSizeIterator<Item = String>) -> String {
    if lines.len() == 0 {
        return format!("{open}{close}");
    }
    let mut text = format!("{open}\n");
    for line in lines {
        let _ = writeln!(text, "{:width$}{line}", "", width = indent + 2);
    }
    let _ = write!(text, "{:indent$}{close}", "");
    text
}

fn heredoc(text: &str, indent: usize) -> String {
    let marker = marker(text);
    let mut out = if indent == 0 { format!("<<{marker}\n") } else { format!("<<-{marker}\n") };
    for line in text.split('\n') {
        let _ = writeln!(out, "{:indent$}{}", "", visible(line));
    }
    let _ = write!(out, "{:indent$}{marker}", "");
    out
}

/// A heredoc's end mark that is no line of the text.
#[must_use]
pub fn marker(text: &str) -> String {
    let mut marker = "EOT".to_owned();
    while text.lines().any(|line| line.trim() == marker) {
        marker.push('_');
    }
    marker
}

fn null(ty: &Type) -> String {
    match ty {
        Type::String => "tostring(null)".into(),
        Type::Number => "tonumber(null)".into(),
        Type::Bool => "tobool(null)".into(),
        Type::List(_) => "tolist(null)".into(),
        Type::Set(_) => "toset(null)".into(),
        Type::Map(_) => "tomap(null)".into(),
        Type::Any | Type::Tuple(_) | Type::Object(_) => "null".into(),
    }
}

/// `9s`, `1m10s`, `1h0m0s`.
#[must_use]
pub fn clock(span: Duration) -> String {
    let seconds = span.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(value: serde_json::Value, ty: serde_json::Value, expected: &str) {
        let ty = Type::from_json(&ty).expect("a type");
        assert_eq!(render(&Value::from_json(&value), &ty), expected);
    }

    #[test]
    fn values_look_as_in_the_language() {
        check(json!("a\"b${x}\t\u{1b}"), json!("string"), r#""a\"b${x}\t\x1b""#);
        check(json!(1.5), json!("number"), "1.5");
        check(json!(["a", "b"]), json!(["list", "string"]), "tolist([\n  \"a\",\n  \"b\",\n])");
        check(json!(["a"]), json!(["set", "string"]), "toset([\n  \"a\",\n])");
        check(json!([]), json!(["tuple", []]), "[]");
        check(json!({}), json!(["map", "string"]), "tomap({})");
        check(json!({"a": "x", "b c": "y"}), json!(["map", "string"]), "tomap({\n  \"a\" = \"x\"\n  \"b c\" = \"y\"\n})");
        check(json!("l1\nl2\n"), json!("string"), "<<EOT\nl1\nl2\n\nEOT");
        check(json!("EOT\nl2"), json!("string"), "<<EOT_\nEOT\nl2\nEOT_");
        check(json!(["a\nb", "c"]), json!(["list", "string"]), "tolist([\n  <<-EOT\n  a\n  b\n  EOT,\n  \"c\",\n])");
        check(
            json!({"b": [1, null], "n": null}),
            json!(["object", {"b": ["tuple", ["number", "dynamic"]], "n": "string"}]),
            "{\n  \"b\" = [\n    1,\n    null,\n  ]\n  \"n\" = tostring(null)\n}",
        );
    }
}
