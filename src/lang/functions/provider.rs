//! Functions of providers whose kinds are built in: `provider::terraform::…` and `provider::local::…`.
//!
//! Invariant: as Terraform 1.11 has them; what is written is as the formatter would have it, and is read again as the same value.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Args, FnError, Function, Outcome, Want, any, files, function, text};
use crate::constant::constant;
use crate::error::EvalError;
use crate::references::is_name;
use crate::value::{Data, Val};
use crate::{fmt, syntax};
use dofloat_base::diag::Diagnostic;

pub(super) const TABLE: &[Function] = &[
    function("provider::local::direxists", &[text("path")], Want::Bool, files::is_folder, "Says whether there is a folder."),
    function("provider::terraform::decode_tfvars", &[text("src")], Want::Any, decode, "Reads a text in the form of a .tfvars file."),
    function("provider::terraform::encode_expr", &[any("value")], Want::Text, encode_expr, "Writes a value as an expression."),
    function("provider::terraform::encode_tfvars", &[any("value")], Want::Text, encode, "Writes an object as a .tfvars file."),
];

fn decode(args: &Args<'_>) -> Outcome {
    let wrong = |error: Diagnostic| FnError::arg(0, format!("it does not read as values of variables: {}", error.message));
    let mut body = syntax::body("", args.text(0)).map_err(|mut errors| wrong(errors.swap_remove(0)))?;
    if let Some(block) = body.blocks.pop() {
        return Err(FnError::arg(0, format!("it holds values of variables, and no block \"{}\"", block.kind)));
    }
    let read = body.attrs.iter().map(|attr| Ok((attr.name.clone(), constant(&attr.value, args.host)?)));
    read.collect::<Result<BTreeMap<_, _>, EvalError>>().map(Val::object).map_err(|error| wrong(*error))
}

fn encode(args: &Args<'_>) -> Outcome {
    let (Data::Object(fields) | Data::Map(_, fields)) = &args.vals[0].data else {
        return Err(FnError::arg(0, "an object is required, with an attribute for each variable"));
    };
    let mut written = String::new();
    for (name, value) in fields.iter() {
        if !is_name(name) {
            return Err(FnError::arg(0, format!("\"{name}\" cannot be a variable's name")));
        }
        let _ = write!(written, "{name} = ");
        put(value, &mut written);
        written.push('\n');
    }
    formatted(&written)
}

fn encode_expr(args: &Args<'_>) -> Outcome {
    const BEFORE: &str = "x = ";
    let mut written = BEFORE.to_owned();
    put(&args.vals[0], &mut written);
    written.push('\n');
    let Data::String(text) = formatted(&written)?.data else { return Ok(Val::string("")) };
    Ok(Val::string(text.trim_start_matches(BEFORE).trim_end_matches('\n')))
}

fn formatted(text: &str) -> Outcome {
    fmt::format("", text).map(|text| Val::string(&text)).map_err(|_| FnError::arg(0, "it cannot be written"))
}

fn put(value: &Val, into: &mut String) {
    match &value.data {
        Data::Bool(flag) => into.push_str(if *flag { "true" } else { "false" }),
        Data::Number(number) => into.push_str(&number.to_string()),
        Data::String(text) => quote(text, into),
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
            into.push('[');
            for (at, item) in items.iter().enumerate() {
                into.push_str(if at == 0 { "" } else { ", " });
                put(item, into);
            }
            into.push(']');
        }
        Data::Map(_, fields) | Data::Object(fields) if fields.is_empty() => into.push_str("{}"),
        Data::Map(_, fields) | Data::Object(fields) => {
            into.push_str("{\n");
            for (name, value) in fields.iter() {
                if is_name(name) {
                    into.push_str(name)
                } else {
                    quote(name, into)
                }
                into.push_str(" = ");
                put(value, into);
                into.push('\n');
            }
            into.push('}');
        }
        Data::Null(_) | Data::Unknown(..) => into.push_str("null"),
    }
}

fn quote(text: &str, into: &mut String) {
    into.push('"');
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            '"' | '\\' => into.extend(['\\', letter]),
            '$' | '%' if rest.peek() == Some(&'{') => into.extend([letter, letter]),
            letter if letter.is_control() => {
                let _ = write!(into, "\\u{:04x}", u32::from(letter));
            }
            letter => into.push(letter),
        }
    }
    into.push('"');
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, json, refuse};

    /// What Terraform 1.11.4 writes.
    #[test]
    fn values_are_written_as_terraform_writes_them() {
        let value = r#"[{"a": 1, "b": ["x", null, true], "c d": {"e": 1.5, "f": {}}, "g": [], "h": "q\"\n${x} %{y} \t\\ ü <", "j": [[1], [2, 3]],
                         "aa_long": {"x1": 1, "yy": "z"}, "neg": -1, "big": 12345678901234567890, "emp": ""}]"#;
        let expected = "{\n  a = 1\n  aa_long = {\n    x1 = 1\n    yy = \"z\"\n  }\n  b   = [\"x\", null, true]\n  big = 12345678901234567890\n  \
                        \"c d\" = {\n    e = 1.5\n    f = {}\n  }\n  emp = \"\"\n  g   = []\n  h   = \"q\\\"\\n$${x} %%{y} \\t\\\\ ü <\"\n  \
                        j   = [[1], [2, 3]]\n  neg = -1\n}";
        let written = |name: &str, args: &str| serde_json::from_str::<String>(&json(name, args).unwrap()).unwrap();
        assert_eq!(written("provider::terraform::encode_expr", value), expected);
        assert_eq!(
            written("provider::terraform::encode_expr", r#"[{"a": {"b": [{"c": 1}]}}]"#),
            "{\n  a = {\n    b = [{\n      c = 1\n    }]\n  }\n}"
        );
        let value = r#"[{"a": 1, "bcd": ["x", {"q": 1}], "s": "multi\nline", "e": null, "m": {"k": "v"}}]"#;
        let expected = "a = 1\nbcd = [\"x\", {\n  q = 1\n}]\ne = null\nm = {\n  k = \"v\"\n}\ns = \"multi\\nline\"\n";
        assert_eq!(written("provider::terraform::encode_tfvars", value), expected);
        check(&[
            ("provider::terraform::encode_expr", r#"["s"]"#, r#""\"s\"""#),
            ("provider::terraform::encode_expr", "[[1, \"a\"]]", r#""[1, \"a\"]""#),
            (
                "provider::terraform::decode_tfvars",
                r#"["a = 1 + 1\nb = [\"x\"]\nc = { d = true }\n"]"#,
                r#"{"a":2,"b":["x"],"c":{"d":true}}"#,
            ),
            ("provider::terraform::decode_tfvars", r#"[""]"#, "{}"),
            ("provider::local::direxists", r#"["data/set"]"#, "true"),
            ("provider::local::direxists", r#"["nothing"]"#, "false"),
        ]);
        refuse(&[
            ("provider::terraform::encode_tfvars", r#"["x"]"#),
            ("provider::terraform::encode_tfvars", r#"[{"a b": 1}]"#),
            ("provider::terraform::encode_expr", "[null]"),
            ("provider::terraform::decode_tfvars", r#"["a = b"]"#),
            ("provider::terraform::decode_tfvars", r#"["a {}"]"#),
            ("provider::terraform::decode_tfvars", r#"["a = ["]"#),
            ("provider::terraform::decode_tfvars", r#"["a = upper(1)"]"#),
            ("provider::local::direxists", r#"["data/hello.txt"]"#),
        ]);
    }
}
