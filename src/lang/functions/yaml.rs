//! YAML, written and read as Terraform does.
//!
//! Invariant: keys and texts are always quoted or in a block, so that no reader takes them for something else. Reading a
//! text with references that multiply ends with an error, not with a full memory.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag};

use crate::arithmetic;
use crate::value::{Data, Val};

/// The most values that references may multiply to.
const MOST_VALUES: usize = 1_000_000;

/// Writes a value as one YAML document.
pub(super) fn write(val: &Val) -> Result<String, String> {
    let mut out = String::new();
    write_node(val, 0, Place::Root, &mut out)?;
    if matches!(val.data, Data::Null(_) | Data::Bool(_) | Data::Number(_)) {
        // A plain value has no end of its own.
        out.push_str("...\n");
    }
    Ok(out)
}

/// What a node stands in.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    Item,
    Value,
}

fn write_node(val: &Val, indent: usize, place: Place, out: &mut String) -> Result<(), String> {
    if out.len() > super::strings::LONGEST {
        return Err("the result would be longer than 16 MiB".to_owned());
    }
    // What stands after "- " or "key:" on the same line has a space before it.
    let gap = if place == Place::Value { " " } else { "" };
    match &val.data {
        Data::Unknown(..) => return Err("the value is not known yet".to_owned()),
        Data::Null(_) => out.push_str(&format!("{gap}null\n")),
        Data::Bool(bool) => out.push_str(&format!("{gap}{bool}\n")),
        Data::Number(number) => out.push_str(&format!("{gap}{number}\n")),
        Data::String(text) if fits_block(text) => {
            let deeper = if place == Place::Root { 2 } else { indent + 2 };
            out.push_str(gap);
            write_block(text, deeper, out);
        }
        Data::String(text) => out.push_str(&format!("{gap}{}\n", quoted(text))),
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) if items.is_empty() => out.push_str(&format!("{gap}[]\n")),
        Data::Map(_, fields) | Data::Object(fields) if fields.is_empty() => out.push_str(&format!("{gap}{{}}\n")),
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
            // A sequence under a key starts at the column of the key.
            let own = if place == Place::Item { indent + 2 } else { indent };
            if place == Place::Value {
                out.push('\n');
            }
            for (at, item) in items.iter().enumerate() {
                if at > 0 || place != Place::Item {
                    out.push_str(&" ".repeat(own));
                }
                out.push_str("- ");
                write_node(item, own, Place::Item, out)?;
            }
        }
        Data::Map(_, fields) | Data::Object(fields) => {
            let own = if place == Place::Root { indent } else { indent + 2 };
            if place == Place::Value {
                out.push('\n');
            }
            for (at, (name, field)) in fields.iter().enumerate() {
                if at > 0 || place != Place::Item {
                    out.push_str(&" ".repeat(own));
                }
                out.push_str(&quoted(name));
                out.push(':');
                write_node(field, own, Place::Value, out)?;
            }
        }
    }
    Ok(())
}

fn printable(letter: char) -> bool {
    matches!(letter, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && !matches!(letter, '\u{feff}' | '\u{2028}' | '\u{2029}')
}

/// Whether a text of several lines can be a literal block.
fn fits_block(text: &str) -> bool {
    text.contains('\n') && !text.contains(" \n") && !text.ends_with(' ') && text.chars().all(|letter| letter == '\n' || printable(letter))
}

fn write_block(text: &str, indent: usize, out: &mut String) {
    out.push('|');
    if text.starts_with([' ', '\n']) {
        out.push('2');
    }
    let ends = text.len() - text.trim_end_matches('\n').len();
    if ends == 0 {
        out.push('-');
    } else if ends > 1 || text.len() == 1 {
        out.push('+');
    }
    out.push('\n');
    for line in text.split_inclusive('\n') {
        if line != "\n" {
            out.push_str(&" ".repeat(indent));
        }
        out.push_str(line);
    }
    if ends == 0 {
        out.push('\n');
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\0' => out.push_str("\\0"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\u{1b}' => out.push_str("\\e"),
            '\u{85}' => out.push_str("\\N"),
            '\u{2028}' => out.push_str("\\L"),
            '\u{2029}' => out.push_str("\\P"),
            _ if printable(letter) => out.push(letter),
            _ => {
                let code = u32::from(letter);
                out.push_str(&match code {
                    0..=0xFF => format!("\\x{code:02X}"),
                    0x100..=0xFFFF => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                });
            }
        }
    }
    out.push('"');
    out
}

/// Reads one YAML document: sequences are tuples, mappings are objects.
pub(super) fn read(text: &str) -> Result<Val, String> {
    let first = text.lines().find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    if first.is_some_and(|line| line.starts_with('\t')) {
        return Err("this is not YAML: tabs cannot indent".to_owned());
    }
    let mut reader = Reader { events: Parser::new_from_str(text), anchors: BTreeMap::new(), line: 1 };
    let mut found = None;
    loop {
        match reader.next()? {
            Event::StreamEnd => break,
            Event::DocumentStart(..) if found.is_some() => return Err("only one YAML document is allowed".to_owned()),
            Event::DocumentStart(..) => {
                let first = reader.next()?;
                found = Some(reader.node(first)?.val);
            }
            _ => {}
        }
    }
    found.ok_or_else(|| "this is not YAML: it is empty".to_owned())
}

struct Reader<'a> {
    events: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: BTreeMap<usize, Node>,
    line: usize,
}

/// A value and the number of values in it.
#[derive(Clone)]
struct Node {
    val: Val,
    size: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, String> {
        loop {
            match self.events.next() {
                None => return Ok(Event::StreamEnd),
                Some(Err(error)) => return Err(format!("this is not YAML: {error}")),
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok((event, span))) => {
                    self.line = span.start.line();
                    return Ok(event);
                }
            }
        }
    }

    fn wrong<T>(&self, what: &str) -> Result<T, String> {
        Err(format!("this YAML cannot be read: line {}: {what}", self.line))
    }

    fn node(&mut self, event: Event<'a>) -> Result<Node, String> {
        let (node, anchor) = match event {
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(node) => return Ok(node.clone()),
                None => return self.wrong("an alias stands for something that contains it"),
            },
            Event::Scalar(text, style, anchor, tag) => {
                let val = scalar(&text, style == ScalarStyle::Plain, tag.as_deref());
                let val = val.or_else(|what| self.wrong(&what))?;
                (Node { val, size: 1 }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.known_tag(tag.as_deref(), "seq")?;
                (self.sequence()?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.known_tag(tag.as_deref(), "map")?;
                (self.mapping()?, anchor)
            }
            _ => return self.wrong("a value is required"),
        };
        if node.size > MOST_VALUES {
            return self.wrong("its references make more than a million values");
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn known_tag(&self, tag: Option<&Tag>, kind: &str) -> Result<(), String> {
        match tag {
            Some(tag) if tag_name(tag) != Some(kind) => self.wrong("a tag is not known"),
            _ => Ok(()),
        }
    }

    fn sequence(&mut self) -> Result<Node, String> {
        let (mut items, mut size) = (Vec::new(), 1);
        loop {
            let event = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Node { val: Val::tuple(items), size });
            }
            let item = self.node(event)?;
            size += item.size;
            items.push(item.val);
        }
    }

    fn mapping(&mut self) -> Result<Node, String> {
        let (mut fields, mut merged, mut size) = (BTreeMap::new(), BTreeMap::new(), 1);
        loop {
            let event = self.next()?;
            if event == Event::MappingEnd {
                merged.extend(fields);
                return Ok(Node { val: Val::object(merged), size });
            }
            let merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let name = self.node(event)?.val;
            let value = self.next()?;
            let value = self.node(value)?;
            size += value.size;
            if merge {
                self.merge(&value.val, &mut merged)?;
                continue;
            }
            let Some(name) = crate::types::text_of(&name.data) else { return self.wrong("a key must be a text") };
            if fields.insert(name, value.val).is_some() {
                return self.wrong("a key occurs twice");
            }
        }
    }

    /// Adds the entries of a mapping, or of several of which earlier ones win, that `<<` names.
    fn merge(&self, from: &Val, into: &mut BTreeMap<String, Val>) -> Result<(), String> {
        match &from.data {
            Data::Object(fields) => {
                for (name, field) in fields.iter() {
                    into.entry(name.clone()).or_insert_with(|| field.clone());
                }
                Ok(())
            }
            Data::Tuple(items) => items.iter().try_for_each(|item| match item.data {
                Data::Object(_) => self.merge(item, into),
                _ => self.wrong("\"<<\" takes mappings only"),
            }),
            _ => self.wrong("\"<<\" takes mappings only"),
        }
    }
}

/// The name of a tag of YAML itself.
fn tag_name(tag: &Tag) -> Option<&str> {
    if tag.handle() == "tag:yaml.org,2002:" { Some(tag.suffix()) } else { None }
}

fn scalar(text: &str, plain: bool, tag: Option<&Tag>) -> Result<Val, String> {
    let wanted = match tag {
        None if plain => return resolve(text),
        None => return Ok(Val::string(text)),
        Some(tag) if tag.handle().is_empty() && tag.suffix() == "!" || tag.handle() == "!" && tag.suffix().is_empty() => "str",
        Some(tag) => tag_name(tag).ok_or("a tag is not known")?,
    };
    let resolved = || resolve(text);
    match wanted {
        "str" | "binary" => Ok(Val::string(text)),
        "null" if text.is_empty() || resolved()?.is_null() => Ok(Val::null()),
        "bool" => {
            resolved().and_then(|val| if matches!(val.data, Data::Bool(_)) { Ok(val) } else { Err(format!("\"{text}\" is not a bool")) })
        }
        "int" | "float" => resolved()
            .and_then(|val| if matches!(val.data, Data::Number(_)) { Ok(val) } else { Err(format!("\"{text}\" is not a number")) }),
        "timestamp" => timestamp(text).map(|time| Val::string(&time)).ok_or_else(|| format!("\"{text}\" is not a time")),
        _ => Err("a tag is not known".to_owned()),
    }
}

/// What a text without quotation marks stands for.
fn resolve(text: &str) -> Result<Val, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Val::null(),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Val::bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Val::bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF" | ".nan" | ".NaN" | ".NAN" => {
            return Err(format!("{text} is not a number that can be computed with"));
        }
        _ => match arithmetic::parse(text) {
            Some(number) => Val::number(number),
            None => Val::string(&timestamp(text).unwrap_or_else(|| text.to_owned())),
        },
    })
}

/// A date, or a date and time, in the one form in which times are texts.
fn timestamp(text: &str) -> Option<String> {
    let digits = |text: &str, most: usize| !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit());
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 || !digits(year, 4) || !digits(month, 2) || !digits(day, 2) {
        return None;
    }
    let (clock, zone) = match time {
        None => ("0:0:0", "Z"),
        Some(time) => match time.find(['Z', '+', '-']) {
            Some(at) => (time[..at].trim_end(), &time[at..]),
            None => (time, "Z"),
        },
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = clock.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some()
        || !digits(hour, 2)
        || !digits(minute, 2)
        || !digits(second, 2)
        || !fraction.is_empty() && !digits(fraction, 9)
    {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let fraction = if fraction.is_empty() { String::new() } else { format!(".{fraction}") };
    let full = format!("{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute:0>2}:{second:0>2}{fraction}{zone}");
    super::time::Stamp::parse(&full).is_some().then_some(full)
}

#[cfg(test)]
mod tests {
    use super::super::tests::v;
    use super::*;

    #[test]
    fn writing() {
        for (json, yaml) in [
            ("1.50", "1.5\n...\n"),
            ("null", "null\n...\n"),
            ("\"a\"", "\"a\"\n"),
            ("[]", "[]\n"),
            ("[1, \"a\", null]", "- 1\n- \"a\"\n- null\n"),
            ("[{\"a\": 1, \"b\": 2}, {\"a\": []}]", "- \"a\": 1\n  \"b\": 2\n- \"a\": []\n"),
            ("{\"p\": [\"n\"], \"r\": [[\"sh\", \"-c\"], []]}", "\"p\":\n- \"n\"\n\"r\":\n- - \"sh\"\n  - \"-c\"\n- []\n"),
            ("{\"a\": {\"b\": {\"c\": 1}, \"d\": {}}}", "\"a\":\n  \"b\":\n    \"c\": 1\n  \"d\": {}\n"),
            ("[{\"a\": [{\"b\": 1, \"c\": 2}]}]", "- \"a\":\n  - \"b\": 1\n    \"c\": 2\n"),
            ("\"multi\\nline\\n\"", "|\n  multi\n  line\n"),
            ("{\"a\": \"multi\\n\\nline\"}", "\"a\": |-\n  multi\n\n  line\n"),
            ("{\"a\": {\"b\": \"x\\ny\"}}", "\"a\":\n  \"b\": |-\n    x\n    y\n"),
            ("\"\\n\"", "|2+\n\n"),
            ("\"a \\nb\"", "\"a \\nb\"\n"),
            ("\"tab\\there é 😀\"", "\"tab\\there é \\U0001F600\"\n"),
        ] {
            assert_eq!(write(&v(json)).as_deref(), Ok(yaml), "{json}");
        }
    }

    #[test]
    fn reading() {
        for (yaml, json) in [
            ("a: 1\nb: [x, 'y', 2.50, ~, on, {c: \"1\"}]\n", "{\"a\":1,\"b\":[\"x\",\"y\",2.5,null,true,{\"c\":\"1\"}]}"),
            ("1_000", "\"1_000\""),
            ("1e3", "1000"),
            ("2024-01-02", "\"2024-01-02T00:00:00Z\""),
            ("2024-13-02", "\"2024-13-02\""),
            ("!!str 5", "\"5\""),
            ("!!binary aGk=", "\"aGk=\""),
            ("a: &x\n  b: 1\nc: *x", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}"),
            ("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3", "{\"a\":{\"b\":1,\"c\":2},\"d\":{\"b\":1,\"c\":3}}"),
            ("a: >\n  x\n  y\n", "{\"a\":\"x y\\n\"}"),
            ("# c\n---\n1: a\n...\n", "{\"1\":\"a\"}"),
        ] {
            assert_eq!(read(yaml).and_then(|val| super::super::encoding::to_json(&val)).as_deref(), Ok(json), "{yaml}");
        }
    }

    #[test]
    fn refusals() {
        for yaml in ["", "a: [1", "- a\nb: c", "---\na: 1\n---\nb: 2", "\tx: 1", "!foo bar", ".nan", "a: &a [*a]", "[a]: 1", "a: 1\na: 2"] {
            assert!(read(yaml).is_err(), "{yaml}");
        }
        assert!(read(&"[".repeat(100_000)).is_err());
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let below = format!("*a{}", level - 1);
            bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![below; 10].join(", ")));
        }
        assert!(read(&bomb).is_err());
    }

    #[test]
    fn what_is_written_is_read_again() {
        for json in
            ["{\"a b\":[\"- x\",\"null\",\"1\",\"\",\" lead\\n x\\n\",\"a\\n\\n\",\"\\n\\n a\",{\"k\":[[],[{}]]}]}", "\"\\u0001\\\"\\\\\""]
        {
            let back = read(&write(&v(json)).unwrap()).and_then(|val| super::super::encoding::to_json(&val));
            assert_eq!(back, super::super::encoding::to_json(&v(json)), "{json}");
        }
    }
}
