//! Functions on files and paths.
//!
//! Invariant: a relative path is relative to the folder that holds the stack's files; files are only read, through `Host`.

use std::path::PathBuf;

use super::encoding::base64;
use super::{Args, FnError, Function, Missing, Outcome, Param, Want, function, text};
use crate::files::Found;
use crate::types::set_of;
use crate::value::Val;
use dofloat_base::types::Type;

const T: Want = Want::Text;
const PATH: &[Param] = &[text("path")];

pub(super) const TABLE: &[Function] = &[
    function("abspath", PATH, T, |a| ok(&clean(&a.host.base.join(a.text(0)).to_string_lossy())), "Gives the whole path."),
    function("basename", PATH, T, |a| ok(last_part(a.text(0))), "Gives the last part of a path."),
    function("dirname", PATH, T, |a| ok(&folder(a.text(0))), "Gives a path without its last part."),
    function("file", PATH, T, file, "Gives the text in a file."),
    function("filebase64", PATH, T, |a| Ok(base64(&read(a)?)), "Gives the content of a file as base64."),
    function("fileexists", PATH, Want::Bool, exists, "Says whether there is a file."),
    function("fileset", &[text("folder"), text("pattern")], Want::TextSet, fileset, "Gives the files below a folder that fit a pattern."),
    function("pathexpand", PATH, T, |a| ok(&expand(a)?), "Replaces ~ at the beginning of a path by the home folder."),
];

fn ok(text: &str) -> Outcome {
    Ok(Val::string(text))
}

/// The content of the file that the first argument names.
pub(super) fn read(args: &Args<'_>) -> Result<Vec<u8>, FnError> {
    let path = args.text(0);
    args.host.files.read(&place(args)?).map_err(|error| {
        FnError::arg(
            0,
            match error.kind() {
                std::io::ErrorKind::NotFound => {
                    format!("there is no file \"{path}\"; relative paths start at {}", args.host.base.display())
                }
                std::io::ErrorKind::IsADirectory => format!("\"{path}\" is a folder, not a file"),
                _ => format!("the file \"{path}\" cannot be read: {error}"),
            },
        )
    })
}

fn place(args: &Args<'_>) -> Result<PathBuf, FnError> {
    if args.text(0).contains('\0') {
        return Err(FnError::arg(0, "a path has no zero bytes"));
    }
    Ok(args.host.base.join(expand(args)?))
}

fn expand(args: &Args<'_>) -> Result<String, FnError> {
    let path = args.text(0);
    let Some(rest) = path.strip_prefix('~') else { return Ok(path.to_owned()) };
    if !rest.is_empty() && !rest.starts_with('/') {
        return Err(FnError::arg(0, "the home folder of another user is not known; write its path"));
    }
    let home = args.host.home.ok_or_else(|| FnError::arg(0, "there is no home folder; write the whole path"))?;
    Ok(format!("{}{rest}", home.display()))
}

fn file(args: &Args<'_>) -> Outcome {
    let bytes = read(args).map_err(|error| match place(args) {
        Ok(path) if args.host.files.look(&path) == Found::Nothing => {
            FnError { absent: Some(Missing { path, rooted: args.text(0).starts_with(['/', '~']) }), ..error }
        }
        _ => error,
    });
    let text = String::from_utf8(bytes?);
    text.map(|text| Val::string(&text)).map_err(|_| FnError::arg(0, "the file is not UTF-8 text; use filebase64 for it"))
}

fn exists(args: &Args<'_>) -> Outcome {
    match args.host.files.look(&place(args)?) {
        Found::Nothing => Ok(Val::bool(false)),
        Found::File => Ok(Val::bool(true)),
        Found::Folder => Err(FnError::arg(0, format!("\"{}\" is a folder, not a file", args.text(0)))),
        Found::Other => Err(FnError::arg(0, format!("\"{}\" is not a regular file", args.text(0)))),
    }
}

/// Whether there is a folder.
pub(super) fn is_folder(args: &Args<'_>) -> Outcome {
    match args.host.files.look(&place(args)?) {
        Found::Nothing => Ok(Val::bool(false)),
        Found::Folder => Ok(Val::bool(true)),
        Found::File | Found::Other => Err(FnError::arg(0, format!("\"{}\" is not a folder", args.text(0)))),
    }
}

fn fileset(args: &Args<'_>) -> Outcome {
    let pattern = glob(args.text(1)).map_err(|message| FnError::arg(1, message))?;
    let folder = place(args)?;
    if args.host.files.look(&folder) != Found::Folder {
        return Ok(set_of(Type::String, Vec::new()));
    }
    // Without `**` a pattern says how deep it looks.
    let deep = if args.text(1).contains("**") { usize::MAX } else { args.text(1).matches('/').count() + 1 };
    let all = args.host.files.list(&folder, deep);
    let all = all.map_err(|error| FnError::arg(0, format!("the folder \"{}\" cannot be read: {error}", args.text(0))))?;
    let names = all.iter().filter_map(|path| path.to_str()).filter(|path| pattern.is_match(path));
    Ok(set_of(Type::String, names.map(Val::string).collect()))
}

/// A pattern of paths: `*`, `?`, `[a-z]`, `{a,b}`, and `**` for folders at any depth.
fn glob(pattern: &str) -> Result<regex::Regex, String> {
    let mut expression = String::from("^");
    let (mut rest, mut braces) = (pattern, 0_usize);
    while let Some(letter) = rest.chars().next() {
        let mut used = letter.len_utf8();
        let starts_part = rest.len() == pattern.len() || pattern[..pattern.len() - rest.len()].ends_with('/');
        match letter {
            '*' if starts_part && rest.starts_with("**/") => {
                expression.push_str("(?:[^/]+/)*");
                used = 3;
            }
            '*' if starts_part && rest == "**" => {
                expression.push_str(".*");
                used = 2;
            }
            '*' => expression.push_str("[^/]*"),
            '?' => expression.push_str("[^/]"),
            '[' => {
                let end = rest[1..].find(']').map(|end| end + 1).ok_or("a class in the pattern does not end")?;
                let class = &rest[1..end];
                let (not, class) = class.strip_prefix(['^', '!']).map_or(("", class), |class| ("^", class));
                let class = class.replace('\\', "\\\\").replace('[', "\\[").replace('&', "\\&").replace('~', "\\~");
                expression.push_str(&format!("[{not}{class}]"));
                used = end + 1;
            }
            '{' => {
                braces += 1;
                expression.push_str("(?:");
            }
            '}' if braces > 0 => {
                braces -= 1;
                expression.push(')');
            }
            ',' if braces > 0 => expression.push('|'),
            '\\' => {
                let escaped = rest[1..].chars().next().ok_or("the pattern ends with a backslash")?;
                expression.push_str(&regex::escape(escaped.encode_utf8(&mut [0; 4])));
                used += escaped.len_utf8();
            }
            other => expression.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
        rest = &rest[used..];
    }
    expression.push('$');
    regex::RegexBuilder::new(&expression).dot_matches_new_line(true).build().map_err(|_| format!("the pattern \"{pattern}\" is wrong"))
}

fn last_part(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" if path.is_empty() => ".",
        "" => "/",
        path => path.rsplit('/').next().unwrap_or(path),
    }
}

fn folder(path: &str) -> String {
    clean(path.rfind('/').map_or("", |at| &path[..=at]))
}

/// The shortest path that means the same, as far as the text tells.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            other => parts.push(other),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, json, refuse};

    #[test]
    fn files() {
        check(&[
            ("file", r#"["data/../data/hello.txt"]"#, r#""Hello, World!\n""#),
            ("file", r#"["/s/data/hello.txt"]"#, r#""Hello, World!\n""#),
            ("filebase64", r#"["data/binary.bin"]"#, r#""AP/+gA==""#),
            ("fileexists", r#"["data/none"]"#, "false"),
            ("fileexists", r#"["data/set/.hidden"]"#, "true"),
            ("fileset", r#"["data/set", "**"]"#, r#"[".hidden","a.txt","sub/deep/e.txt"]"#),
            ("fileset", r#"["data/set", "**/*.txt"]"#, r#"["a.txt","sub/deep/e.txt"]"#),
            ("fileset", r#"["data", "set/[a-b].{md,txt}"]"#, r#"["set/a.txt"]"#),
            ("fileset", r#"["data/set", "sub"]"#, "[]"),
            ("fileset", r#"["data/none", "*"]"#, "[]"),
        ]);
        refuse(&[
            ("file", r#"["data/none"]"#),
            ("file", r#"["data/binary.bin"]"#),
            ("file", r#"["data/set"]"#),
            ("file", r#"["a\u0000b"]"#),
            ("fileexists", r#"["data/set"]"#),
            ("fileset", r#"["data", "[a"]"#),
        ]);
        assert!(json("file", r#"["x"]"#).unwrap_err().message.contains("relative paths start at /s"));
    }

    #[test]
    fn paths() {
        check(&[
            ("basename", r#"["foo/bar/"]"#, r#""bar""#),
            ("basename", r#"[""]"#, r#"".""#),
            ("basename", r#"["//"]"#, r#""/""#),
            ("dirname", r#"["foo/bar/baz.txt"]"#, r#""foo/bar""#),
            ("dirname", r#"["foo"]"#, r#"".""#),
            ("dirname", r#"["/a"]"#, r#""/""#),
            ("dirname", r#"["a//b/../c"]"#, r#""a""#),
            ("abspath", r#"["./b/../../c"]"#, r#""/c""#),
            ("pathexpand", r#"["~/x"]"#, r#""/home/ann/x""#),
            ("pathexpand", r#"["a/~"]"#, r#""a/~""#),
        ]);
        refuse(&[("pathexpand", r#"["~bob/x"]"#)]);
    }
}
