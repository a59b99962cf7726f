//! Functions on texts.
//!
//! Invariant: lengths and positions count what people see as one character; letters change case one by one, so that
//! a text keeps its length.

use unicode_segmentation::UnicodeSegmentation as _;

use super::regex::compile;
use super::{Args, FnError, Function, Outcome, Param, Want, function, number, param, text, texts};
use crate::budget::LARGEST;
use crate::value::Val;

/// The longest text that a function makes.
pub(super) const LONGEST: usize = LARGEST;

const T: Want = Want::Text;
const ONE: &[Param] = &[text("text")];
const TWO: &[Param] = &[text("text"), text("part")];

pub(super) const TABLE: &[Function] = &[
    function("chomp", ONE, T, |a| ok(a.text(0).trim_end_matches(['\r', '\n'])), "Removes line ends at the end of a text."),
    function("endswith", TWO, Want::Bool, |a| Ok(Val::bool(a.text(0).ends_with(a.text(1)))), "Says whether a text ends with another."),
    function("indent", &[number("spaces"), text("text")], T, indent, "Puts spaces before every line but the first."),
    function("join", &[text("separator")], T, join, "Joins the texts of lists, a separator between them.").and(param("lists", Want::Texts)),
    function("lower", ONE, T, |a| ok(&a.text(0).chars().map(small).collect::<String>()), "Makes all letters small."),
    function(
        "replace",
        &[text("text"), text("part"), text("by")],
        T,
        replace,
        "Replaces a part of a text, or all that fits /an expression/.",
    ),
    function("split", &[text("separator"), text("text")], Want::Texts, split, "Splits a text at a separator."),
    function(
        "startswith",
        TWO,
        Want::Bool,
        |a| Ok(Val::bool(a.text(0).starts_with(a.text(1)))),
        "Says whether a text starts with another.",
    ),
    function("strcontains", TWO, Want::Bool, |a| Ok(Val::bool(a.text(0).contains(a.text(1)))), "Says whether a text contains another."),
    function("strrev", ONE, T, |a| ok(&a.text(0).graphemes(true).rev().collect::<String>()), "Turns a text around."),
    function("substr", &[text("text"), number("offset"), number("length")], T, substr, "Gives a part of a text; length -1 means the rest."),
    function("title", ONE, T, |a| ok(&title(a.text(0))), "Makes the first letter of every word large."),
    function("trim", &[text("text"), text("characters")], T, trim, "Removes some characters at both ends."),
    function("trimprefix", TWO, T, |a| ok(a.text(0).strip_prefix(a.text(1)).unwrap_or(a.text(0))), "Removes a beginning, if it is there."),
    function("trimspace", ONE, T, |a| ok(a.text(0).trim()), "Removes white space at both ends."),
    function("trimsuffix", TWO, T, |a| ok(a.text(0).strip_suffix(a.text(1)).unwrap_or(a.text(0))), "Removes an end, if it is there."),
    function("upper", ONE, T, |a| ok(&a.text(0).chars().map(large).collect::<String>()), "Makes all letters large."),
];

#[expect(clippy::unnecessary_wraps, reason = "the table wants results")]
fn ok(text: &str) -> Outcome {
    Ok(Val::string(text))
}

fn large(letter: char) -> char {
    let mut all = letter.to_uppercase();
    all.next().filter(|_| all.next().is_none()).unwrap_or(letter)
}

fn small(letter: char) -> char {
    letter.to_lowercase().next().unwrap_or(letter)
}

fn title(text: &str) -> String {
    let mut before = ' ';
    let letter = |letter: char| {
        let starts = if before.is_ascii() { !before.is_ascii_alphanumeric() && before != '_' } else { before.is_whitespace() };
        before = letter;
        if starts { large(letter) } else { letter }
    };
    text.chars().map(letter).collect()
}

fn trim(args: &Args<'_>) -> Outcome {
    let cut = args.text(1);
    ok(args.text(0).trim_matches(|letter| cut.contains(letter)))
}

fn indent(args: &Args<'_>) -> Outcome {
    let spaces = usize::try_from(args.whole(0)?).map_err(|_| FnError::arg(0, "the number of spaces must not be negative"))?;
    let text = args.text(1);
    let size = text.matches('\n').count().saturating_mul(spaces);
    within(size.saturating_add(text.len()))?;
    if size == 0 {
        return ok(text);
    }
    ok(&text.replace('\n', &format!("\n{}", " ".repeat(spaces))))
}

/// Refuses to make a text that is too long.
pub(super) fn within(size: usize) -> Result<(), FnError> {
    if size > LONGEST { Err(FnError::call(format!("the result would be longer than {} MiB", LONGEST >> 20))) } else { Ok(()) }
}

fn join(args: &Args<'_>) -> Outcome {
    if args.vals.len() < 2 {
        return Err(FnError::call("at least one list is required"));
    }
    let mut parts = Vec::new();
    for at in 1..args.vals.len() {
        parts.extend(args.texts(at)?);
    }
    let size = parts.iter().map(|part| part.len()).sum::<usize>();
    within(size.saturating_add(parts.len().saturating_mul(args.text(0).len())))?;
    ok(&parts.join(args.text(0)))
}

fn split(args: &Args<'_>) -> Outcome {
    let (separator, text) = (args.text(0), args.text(1));
    if separator.is_empty() {
        let mut buffer = [0; 4];
        return Ok(super::list(dofloat_base::types::Type::String, text.chars().map(|c| Val::string(c.encode_utf8(&mut buffer))).collect()));
    }
    Ok(texts(text.split(separator)))
}

fn replace(args: &Args<'_>) -> Outcome {
    let (text, part, by) = (args.text(0), args.text(1), args.text(2));
    let Some(pattern) = part.strip_prefix('/').and_then(|part| part.strip_suffix('/')) else {
        within(text.matches(part).count().saturating_mul(by.len()).saturating_add(text.len()))?;
        return ok(&text.replace(part, by));
    };
    let pattern = compile(pattern).map_err(FnError::call)?;
    let (mut result, mut done) = (String::new(), 0);
    for found in pattern.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        result.push_str(&text[done..whole.start()]);
        found.expand(by, &mut result);
        done = whole.end();
        within(result.len())?;
    }
    result.push_str(&text[done..]);
    ok(&result)
}

fn substr(args: &Args<'_>) -> Outcome {
    let (text, offset, length) = (args.text(0), args.whole(1)?, args.whole(2)?);
    let skip = if offset < 0 {
        text.graphemes(true).count().saturating_sub(usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX))
    } else {
        usize::try_from(offset).unwrap_or(usize::MAX)
    };
    let take = usize::try_from(length).unwrap_or(usize::MAX);
    ok(&text.graphemes(true).skip(skip).take(take).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, json, refuse};

    #[test]
    fn texts() {
        check(&[
            ("title", r#"["hello world-wide web_x"]"#, r#""Hello World-Wide Web_x""#),
            ("upper", r#"["ß é"]"#, r#""ß É""#),
            ("lower", r#"["İÉ"]"#, r#""ié""#),
            ("chomp", r#"["a\r\n\n"]"#, r#""a""#),
            ("trimspace", "[\"\u{a0} x \u{2003}\"]", r#""x""#),
            ("trim", r#"["?!a?!", "!?"]"#, r#""a""#),
            ("indent", r#"[2, "a\nb\n"]"#, r#""a\n  b\n  ""#),
            ("substr", r#"["hello", -3, 2]"#, r#""ll""#),
            ("substr", r#"["hello", 1, -1]"#, r#""ello""#),
            ("substr", "[\"👨\u{200d}👩\u{200d}👧x\", 0, 1]", "\"👨\u{200d}👩\u{200d}👧\""),
            ("strrev", "[\"日本é\"]", "\"é本日\""),
            ("split", r#"["", "abc"]"#, r#"["a","b","c"]"#),
            ("split", r#"[",", ""]"#, r#"[""]"#),
            ("join", r#"[",", [1, true], ["x"]]"#, r#""1,true,x""#),
            ("replace", r#"["a.b.c", ".", "-"]"#, r#""a-b-c""#),
            ("replace", r#"["hello", "/(h)(e)/", "$2$1"]"#, r#""ehllo""#),
            ("replace", r#"["hello", "/(?P<first>h)/", "[${first}]$$"]"#, r#""[h]$ello""#),
            ("replace", r#"["abc", "//", "-"]"#, r#""-a-b-c-""#),
            ("replace", r#"["a/b", "/", ":"]"#, r#""a:b""#),
        ]);
        refuse(&[
            ("join", r#"[","]"#),
            ("join", r#"[",", ["a", null]]"#),
            ("join", r#"[",", {"a": "b"}]"#),
            ("replace", r#"["a", "/(/", "b"]"#),
            ("upper", "[[1]]"),
            ("indent", r#"[-1, "a"]"#),
        ]);
    }

    #[test]
    fn results_stay_within_limits() {
        let error = json("indent", r#"[1000000000000, "a\nb"]"#).unwrap_err();
        assert_eq!(error.message, "the result would be longer than 16 MiB");
        let long = "x".repeat(20_000);
        for part in ["x", "/x/"] {
            let args = format!(r#"["{long}", "{part}", "{long}"]"#);
            assert!(json("replace", &args).is_err());
        }
    }
}
