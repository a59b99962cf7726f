//! Functions that write and read JSON, CSV, base64 and URLs.
//!
//! Invariant: the same value always gives the same bytes, with the escapes that Terraform writes; numbers keep all digits.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Args, FnError, Function, Outcome, Param, Want, any, function, list, text, yaml};
use crate::arithmetic;
use crate::value::{Data, Val};
use dofloat_base::types::Type;

const T: Want = Want::Text;
const ONE: &[Param] = &[text("text")];
const VALUE: &[Param] = &[any("value").or_null()];
const ENCODED: &[Param] = &[text("text"), text("encoding")];

pub(super) const TABLE: &[Function] = &[
    function("base64decode", ONE, T, base64_decode, "Reads base64."),
    function("base64encode", ONE, T, |a| Ok(base64(a.text(0).as_bytes())), "Writes a text as base64."),
    function("base64gzip", ONE, T, gzip, "Compresses a text with gzip and writes it as base64."),
    function("csvdecode", ONE, Want::List, csv, "Reads CSV with a header line: a list of objects."),
    function("jsondecode", ONE, Want::Any, |a| from_json(a.text(0)).map_err(|message| FnError::arg(0, message)), "Reads JSON."),
    function("jsonencode", VALUE, T, |a| written(to_json(&a.vals[0])), "Writes a value as JSON."),
    function("textdecodebase64", ENCODED, T, decode_text, "Reads base64 of a text in some encoding."),
    function("textencodebase64", ENCODED, T, encode_text, "Writes a text in some encoding as base64."),
    function("urlencode", ONE, T, |a| Ok(Val::string(&url(a.text(0)))), "Escapes a text for the query of a URL."),
    function("yamldecode", ONE, Want::Any, |a| yaml::read(a.text(0)).map_err(|message| FnError::arg(0, message)), "Reads YAML."),
    function("yamlencode", VALUE, T, |a| written(yaml::write(&a.vals[0])), "Writes a value as YAML."),
];

fn written(text: Result<String, String>) -> Outcome {
    text.map(|text| Val::string(&text)).map_err(|message| FnError::arg(0, message))
}

pub(super) fn base64(bytes: &[u8]) -> Val {
    Val::string(&STANDARD.encode(bytes))
}

fn bytes_of_base64(text: &str) -> Result<Vec<u8>, FnError> {
    let text: String = text.chars().filter(|letter| !matches!(letter, '\r' | '\n')).collect();
    STANDARD.decode(text).map_err(|error| FnError::arg(0, format!("this is not base64: {error}").to_lowercase()))
}

fn base64_decode(args: &Args<'_>) -> Outcome {
    let text = String::from_utf8(bytes_of_base64(args.text(0))?);
    text.map(|text| Val::string(&text)).map_err(|_| FnError::arg(0, "the decoded data is not UTF-8 text"))
}

fn gzip(args: &Args<'_>) -> Outcome {
    // No time, no name and no operating system in the header: the same text gives the same bytes everywhere.
    let mut writer = flate2::GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), flate2::Compression::default());
    let bytes = writer.write_all(args.text(0).as_bytes()).and_then(|()| writer.finish());
    bytes.map(|bytes| base64(&bytes)).map_err(|error| FnError::call(error.to_string()))
}

/// Writes JSON in one line.
pub(super) fn to_json(val: &Val) -> Result<String, String> {
    let mut text = String::new();
    write_json(val, &mut text)?;
    Ok(text)
}

fn write_json(val: &Val, out: &mut String) -> Result<(), String> {
    if out.len() > super::strings::LONGEST {
        return Err("the result would be longer than 16 MiB".to_owned());
    }
    match &val.data {
        Data::Unknown(..) => return Err("the value is not known yet".to_owned()),
        Data::Null(_) => out.push_str("null"),
        Data::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
        Data::Number(number) => out.push_str(&number.to_string()),
        Data::String(text) => write_string(text, out),
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_json(item, out)?;
            }
            out.push(']');
        }
        Data::Map(_, fields) | Data::Object(fields) => {
            out.push('{');
            for (at, (name, field)) in fields.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_string(name, out);
                out.push(':');
                write_json(field, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            _ => out.push(letter),
        }
    }
    out.push('"');
}

/// Reads JSON: arrays are tuples, objects are objects.
pub(super) fn from_json(text: &str) -> Result<Val, String> {
    let mut reader = Reader { text, at: 0 };
    let val = reader.value(0)?;
    reader.space();
    if reader.at < text.len() { Err(reader.wrong("there is something after the value")) } else { Ok(val) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn wrong(&self, what: &str) -> String {
        let line = self.text[..self.at].matches('\n').count() + 1;
        format!("this is no JSON: line {line}: {what}")
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        self.space();
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn value(&mut self, depth: usize) -> Result<Val, String> {
        if depth > 256 {
            return Err(self.wrong("it is nested too deeply"));
        }
        self.space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Val::string(&self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => {
                for (word, val) in [("null", Val::null()), ("true", Val::bool(true)), ("false", Val::bool(false))] {
                    if self.text[self.at..].starts_with(word) {
                        self.at += word.len();
                        return Ok(val);
                    }
                }
                Err(self.wrong("a value is required"))
            }
            None => Err(self.wrong("a value is required, and the text ends")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Val, String> {
        self.at += 1;
        let mut fields = BTreeMap::new();
        if self.take(b'}') {
            return Ok(Val::object(fields));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.wrong("a key in double quotes is required"));
            }
            let Data::String(name) = Val::string(&self.string()?).data else { return Err(self.wrong("a key is required")) };
            if !self.take(b':') {
                return Err(self.wrong("a colon is required after the key"));
            }
            fields.insert(name.to_string(), self.value(depth + 1)?);
            if self.take(b'}') {
                return Ok(Val::object(fields));
            }
            if !self.take(b',') {
                return Err(self.wrong("a comma or the end of the object is required"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Val, String> {
        self.at += 1;
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Val::tuple(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take(b']') {
                return Ok(Val::tuple(items));
            }
            if !self.take(b',') {
                return Err(self.wrong("a comma or the end of the array is required"));
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => {
                    self.at = start;
                    return Err(self.wrong("a string does not end"));
                }
                Some(b'\\') => self.at += 2,
                Some(b'"') => break,
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        let token = self.text.get(start..self.at).unwrap_or_default();
        serde_json::from_str(token).map_err(|_| {
            self.at = start;
            self.wrong("a string has a wrong escape or a control character")
        })
    }

    fn number(&mut self) -> Result<Val, String> {
        let rest = &self.text[self.at..];
        let end = rest.find(|letter: char| !matches!(letter, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')).unwrap_or(rest.len());
        let token = &rest[..end];
        let digits = token.strip_prefix('-').unwrap_or(token);
        let spelled = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit()
            || !digits.starts_with(|first: char| first.is_ascii_digit())
            || digits.split_once('.').is_some_and(|(_, fraction)| !fraction.starts_with(|first: char| first.is_ascii_digit()));
        match arithmetic::parse(token) {
            Some(number) if !spelled => {
                self.at += end;
                Ok(Val::number(number))
            }
            _ => Err(self.wrong("a number is wrong, or too large")),
        }
    }
}

fn csv(args: &Args<'_>) -> Outcome {
    let wrong = |message: String| FnError::arg(0, format!("this is not CSV: {message}"));
    let mut rows = csv_rows(args.text(0)).map_err(wrong)?.into_iter();
    let (_, header) = rows.next().ok_or_else(|| wrong("there is no header line".to_owned()))?;
    if let Some(double) = header.iter().enumerate().find(|(at, name)| header[..*at].contains(name)) {
        return Err(wrong(format!("the column \"{}\" occurs twice", double.1)));
    }
    let names: BTreeSet<String> = header.iter().map(|name| key(name)).collect();
    let item = Type::Object(names.into_iter().map(|name| (name, Type::String)).collect());
    let object = |(line, row): (usize, Vec<String>)| {
        if row.len() != header.len() {
            return Err(wrong(format!("line {line}: {} fields are required, not {}", header.len(), row.len())));
        }
        Ok(Val::object(header.iter().zip(&row).map(|(name, field)| (key(name), Val::string(field))).collect()))
    };
    Ok(list(item, rows.map(object).collect::<Result<_, _>>()?))
}

/// A text as a key: in normal form C, as texts are.
fn key(text: &str) -> String {
    match Val::string(text).data {
        Data::String(text) => text.to_string(),
        _ => text.to_owned(),
    }
}

/// The rows of a CSV text with the lines where they start. Empty lines are no rows.
fn csv_rows(text: &str) -> Result<Vec<(usize, Vec<String>)>, String> {
    let (mut rows, mut rest, mut line) = (Vec::new(), text, 1);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')) {
            (rest, line) = (after, line + 1);
            continue;
        }
        let (mut row, start) = (Vec::new(), line);
        loop {
            if let Some(quoted) = rest.strip_prefix('"') {
                let mut field = String::new();
                rest = quoted;
                loop {
                    let end = rest.find('"').ok_or_else(|| format!("line {start}: a quoted field does not end"))?;
                    field.push_str(&rest[..end]);
                    rest = &rest[end + 1..];
                    match rest.strip_prefix('"') {
                        Some(after) => rest = after,
                        None => break,
                    }
                    field.push('"');
                }
                line += field.matches('\n').count();
                row.push(field.replace("\r\n", "\n"));
            } else {
                let end = rest.find([',', '\n']).unwrap_or(rest.len());
                let field = rest[..end].strip_suffix('\r').filter(|_| !rest[end..].starts_with(',')).unwrap_or(&rest[..end]);
                if field.contains('"') {
                    return Err(format!("line {line}: a quotation mark stands inside a field without quotation marks"));
                }
                row.push(field.to_owned());
                rest = &rest[end..];
            }
            match rest.strip_prefix(',') {
                Some(after) => rest = after,
                None => break,
            }
        }
        rest = match rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')) {
            Some(after) => after,
            None if rest.is_empty() => rest,
            None => return Err(format!("line {line}: a quoted field is followed by other characters")),
        };
        line += 1;
        rows.push((start, row));
    }
    Ok(rows)
}

/// The encodings that are known besides UTF-16, which is written by hand because the library only reads it.
fn encoding(name: &str) -> Result<&'static encoding_rs::Encoding, FnError> {
    encoding_rs::Encoding::for_label(name.as_bytes())
        .filter(|encoding| *encoding != encoding_rs::REPLACEMENT)
        .ok_or_else(|| FnError::arg(1, format!("the encoding \"{name}\" is not known; use a name of the IANA, for example UTF-16LE")))
}

fn encode_text(args: &Args<'_>) -> Outcome {
    let (text, name) = (args.text(0), args.text(1));
    let units = || text.encode_utf16();
    Ok(base64(&match name.to_ascii_uppercase().as_str() {
        "UTF-16LE" => units().flat_map(u16::to_le_bytes).collect(),
        "UTF-16BE" => units().flat_map(u16::to_be_bytes).collect(),
        "UTF-16" => std::iter::once(0xFEFF).chain(units()).flat_map(u16::to_be_bytes).collect::<Vec<u8>>(),
        _ => match encoding(name)?.encode(text) {
            (bytes, _, false) => bytes.into_owned(),
            (.., true) => return Err(FnError::arg(0, format!("a character does not exist in {name}"))),
        },
    }))
}

fn decode_text(args: &Args<'_>) -> Outcome {
    let (bytes, name) = (bytes_of_base64(args.text(0))?, args.text(1));
    let encoding = match name.to_ascii_uppercase().as_str() {
        "UTF-16" if bytes.starts_with(&[0xFF, 0xFE]) => encoding_rs::UTF_16LE,
        "UTF-16" => encoding_rs::UTF_16BE,
        _ => encoding(name)?,
    };
    match encoding.decode_with_bom_removal(&bytes) {
        (text, false) => Ok(Val::string(&text)),
        (_, true) => Err(FnError::arg(0, format!("what is encoded is no text in {name}"))),
    }
}

fn url(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, json, refuse, run, v};

    #[test]
    fn json_texts() {
        check(&[
            (
                "jsonencode",
                r#"[{"b": [1.50, null, "<&>\u2028\u0001"], "a": {}}]"#,
                r#""{\"a\":{},\"b\":[1.5,null,\"\\u003c\\u0026\\u003e\\u2028\\u0001\"]}""#,
            ),
            ("jsondecode", r#"[" {\"a\" : [1e3, -0.5, true, null, {}, []]} "]"#, r#"{"a":[1000,-0.5,true,null,{},[]]}"#),
            ("jsondecode", r#"["\"\\u00e9\\ud83d\\ude00\\n\""]"#, "\"é😀\\n\""),
            ("jsondecode", r#"["12345678901234567890.5"]"#, "12345678901234567890.5"),
        ]);
        for text in [
            "",
            "nul",
            "{\\\"a\\\": 1,}",
            "[1,]",
            "01",
            "1.",
            "-",
            "+1",
            "NaN",
            "// c\\n1",
            "1 2",
            "\\\"a",
            "\\\"\\\\",
            "{a: 1}",
            "1e999999999",
        ] {
            refuse(&[("jsondecode", &format!("[\"{text}\"]"))]);
        }
        refuse(&[("jsondecode", &format!("[\"{}\"]", "[".repeat(100_000)))]);
    }

    #[test]
    fn csv_texts() {
        check(&[
            ("csvdecode", r#"["b,a\r\n1,2\r\n\r\n\"l1\nl2\",\"q\"\"q\""]"#, r#"[{"a":"2","b":"1"},{"a":"q\"q","b":"l1\nl2"}]"#),
            ("csvdecode", r#"["a,b\n ,\n"]"#, r#"[{"a":" ","b":""}]"#),
            ("csvdecode", r#"["a"]"#, "[]"),
        ]);
        refuse(&[
            ("csvdecode", r#"["a,b\n1\n"]"#),
            ("csvdecode", r#"["a,a\n1,2\n"]"#),
            ("csvdecode", r#"["a\n\"x\n"]"#),
            ("csvdecode", r#"["a\nx\"y\n"]"#),
            ("csvdecode", r#"["a\n\"x\"y\n"]"#),
            ("csvdecode", r#"[""]"#),
        ]);
        assert!(json("csvdecode", r#"["a\n1\n2,3"]"#).unwrap_err().message.contains("line 3"));
    }

    #[test]
    fn bytes_as_text() {
        check(&[
            ("base64encode", r#"["é日"]"#, r#""w6nml6U=""#),
            ("base64decode", r#"["w6k="]"#, "\"é\""),
            ("textencodebase64", r#"["Hello", "UTF-16LE"]"#, r#""SABlAGwAbABvAA==""#),
            ("textencodebase64", r#"["Hé", "ISO-8859-1"]"#, r#""SOk=""#),
            ("textdecodebase64", r#"["SABlAGwAbABvAA==", "UTF-16LE"]"#, r#""Hello""#),
            ("urlencode", r#"["a+b~c d*é"]"#, r#""a%2Bb~c+d%2A%C3%A9""#),
        ]);
        refuse(&[
            ("base64decode", r#"["SGVsbG8"]"#),
            ("base64decode", r#"["SGVs-_8="]"#),
            ("base64decode", r#"["/w=="]"#),
            ("textdecodebase64", r#"["/w==", "NOPE"]"#),
            ("textdecodebase64", r#"["/w==", "UTF-8"]"#),
            ("textencodebase64", r#"["日", "ISO-8859-1"]"#),
        ]);
        assert_eq!(run("base64gzip", vec![v("\"hello\"")]), run("base64gzip", vec![v("\"hello\"")]));
        assert!(json("base64gzip", "[\"hello\"]").unwrap().starts_with("\"H4sI"));
    }
}
