//! `local_file` and `local_sensitive_file`: files with a given content, below the folder that holds the stack's files.
//!
//! Invariant: as `hashicorp/local` 2 has it: every change makes the file anew, and one that was removed or altered by hand is not
//! there any more, so the next plan makes it again. It is never seen half written, and deleted only while it is as it was made.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{DIGESTS, Local, Made, digests};
use crate::attr::{Attr, Change, Lit, Ty};
use crate::complaints::{self, Complaints};
use crate::valid::Valid;
use dofloat_api::machine::Machine;
use dofloat_base::digest::sha1_hex;
use dofloat_base::durable::{make_folder_masked, remove, write_masked};
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Term, Value};

const fn given(name: &'static str, doc: &'static str) -> Attr {
    Attr::optional(name, Ty::String, Change::Replace, doc).write_only()
}

const FILENAME: Attr =
    Attr::required("filename", Ty::String, Change::Replace, "Its path; a relative one starts at the folder that holds the stack's files.")
        .write_only();
const CONTENT: Attr = given("content", "What is in it.");
const BASE64: Attr = given("content_base64", "What is in it, in base64: for what is not text.");
const SOURCE: Attr = given("source", "A file whose content is in it.");
const MODE: Valid = Valid::Form(is_mode, "Write three or four octal digits, for example \"0644\".");

const fn mode(name: &'static str, default: &'static str, doc: &'static str) -> Attr {
    given(name, doc).default(Lit::Str(default)).valid(MODE)
}

/// Together with the digests, in constants: the rows of either kind.
macro_rules! rows {
    ($($row:expr),+ $(,)?) => {
        &[DIGESTS[0], DIGESTS[1], DIGESTS[2], DIGESTS[3], DIGESTS[4], DIGESTS[5], DIGESTS[6], $($row),+]
    };
}

pub(super) static FILE: Local = Local {
    name: "local_file",
    attrs: rows![
        FILENAME,
        CONTENT,
        given("sensitive_content", "What is in it, where that is a secret; deprecated for local_sensitive_file.").sensitive(),
        BASE64,
        SOURCE,
        mode("file_permission", "0777", "Who may do what with the file, less the umask."),
        mode("directory_permission", "0777", "The same for folders that are made for it."),
    ],
    check: |body, complaints| one_content(body, &["content", "sensitive_content", "content_base64", "source"], complaints),
    ..KIND
};

pub(super) static SENSITIVE_FILE: Local = Local {
    name: "local_sensitive_file",
    attrs: rows![
        FILENAME,
        CONTENT.sensitive(),
        BASE64.sensitive(),
        SOURCE,
        mode("file_permission", "0700", "Who may do what with the file, less the umask."),
        mode("directory_permission", "0700", "The same for folders that are made for it."),
    ],
    check: |body, complaints| one_content(body, &["content", "content_base64", "source"], complaints),
    ..KIND
};

const KIND: Local = Local {
    make: |context, wanted| make(context.machine, wanted),
    is_there: |context, id| Ok(untouched(context.machine, id)?.is_some()),
    remove: |machine, id| match untouched(machine, id)? {
        Some(place) => remove(&place).map_err(|error| cannot("remove", &place, &error)),
        None => Ok(()),
    },
    identity: |body| {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        Some(identity(text("id")?, text("filename")?))
    },
    ..Local::NOTHING
};

fn is_mode(text: &str) -> bool {
    matches!(text.len(), 3 | 4) && text.bytes().all(|digit| matches!(digit, b'0'..=b'7'))
}

fn one_content(body: &Term, names: &[&str], complaints: &mut Complaints) {
    let given: Vec<&str> = names.iter().copied().filter(|name| complaints::is_given(body, name)).collect();
    let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match given.as_slice() {
        [_] => {}
        [] if names.iter().any(|name| !body.get(name).is_null()) => {}
        [] => complaints.error(&[], format!("One of {list} must be given."), "An empty file has the content \"\"."),
        [_, second, ..] => complaints.error(&[second], format!("Only one of {list} can be given."), "Remove the others."),
    }
}

/// The identity of a file: content and place, so that two files of one content are two.
fn identity(sha1: &str, filename: &str) -> Id {
    Id(format!("{sha1} {filename}"))
}

/// Where the file is, if it is still as it was made.
fn untouched(machine: &Machine, id: &Id) -> Result<Option<PathBuf>, String> {
    let Some((sha1, filename)) = id.0.split_once(' ') else { return Ok(None) };
    let place = machine.written(filename);
    match std::fs::read(&place) {
        Ok(content) => Ok((sha1_hex(&content) == sha1).then_some(place)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(cannot("read", &place, &error)),
    }
}

fn cannot(verb: &str, place: &Path, error: &std::io::Error) -> String {
    format!("cannot {verb} {}: {error}", place.display())
}

fn make(machine: &Machine, wanted: &Body) -> Made {
    let text = |name: &str| wanted.get(name).and_then(Value::as_str);
    let filename = text("filename").unwrap_or_default();
    let content = content(machine, wanted)?;
    let place = machine.written(filename);
    // What is written through a link is what the link leads to; and nothing but a file is replaced.
    let place = if place.is_symlink() { std::fs::canonicalize(&place).unwrap_or(place) } else { place };
    if place.exists() && !place.is_file() {
        return Err(format!("cannot write {}: it is there, and is not a file", place.display()));
    }
    let mode = |name: &str| text(name).and_then(|text| u32::from_str_radix(text, 8).ok()).unwrap_or(0o600);
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists());
    if let Some(folder) = folder {
        make_folder_masked(folder, mode("directory_permission")).map_err(|error| cannot("make the folder", folder, &error))?;
    }
    write_masked(&place, &content, mode("file_permission")).map_err(|error| cannot("write", &place, &error))?;
    let body = digests(&content);
    Ok((Some(identity(&sha1_hex(&content), filename)), body))
}

fn content(machine: &Machine, wanted: &Body) -> Result<Vec<u8>, String> {
    let text = |name: &str| wanted.get(name).and_then(Value::as_str);
    if let Some(encoded) = text("content_base64") {
        return STANDARD.decode(encoded.as_bytes()).map_err(|_| "`content_base64` is not base64".to_owned());
    }
    match text("source") {
        Some(source) => {
            let place = machine.readable(source);
            std::fs::read(&place).map_err(|error| cannot("read", &place, &error))
        }
        None => Ok(text("content").or_else(|| text("sensitive_content")).unwrap_or_default().as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(json: serde_json::Value) -> Body {
        Value::from_json(&json).as_map().expect("an object").clone()
    }

    fn machine(folder: &tempfile::TempDir) -> Machine {
        Machine { folder: folder.path().to_owned(), ..Machine::default() }
    }

    #[test]
    fn a_file_is_there_while_it_is_as_it_was_made() {
        let folder = tempfile::tempdir().unwrap();
        let machine = machine(&folder);
        let wanted =
            body(serde_json::json!({"filename": "a/b.txt", "content": "hi\n", "file_permission": "0640", "directory_permission": "0750"}));
        let (id, made) = make(&machine, &wanted).unwrap();
        let id = id.unwrap();
        assert_eq!(made["id"], "55ca6286e3e4f4fba5d0448333fa99fc5a404a73".into());
        assert_eq!(made["content_md5"], "764efa883dda1e11db47671c4a3bbd9e".into());
        assert_eq!(made["content_base64sha256"], "mOpuTyFvL7S2n/+bOkSELDhobKaF8/VdxIxdP7EQe+Q=".into());
        let place = folder.path().join("a/b.txt");
        assert!(untouched(&machine, &id).unwrap().is_some());
        write_masked(&place, b"altered", 0o644).unwrap();
        assert!(untouched(&machine, &id).unwrap().is_none());
        // What somebody else has written is not ours to delete.
        (KIND.remove)(&machine, &id).unwrap();
        assert!(place.exists());
        make(&machine, &wanted).unwrap();
        (KIND.remove)(&machine, &id).unwrap();
        assert!(!place.exists() && untouched(&machine, &id).unwrap().is_none());
    }

    #[test]
    fn what_is_no_file_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let machine = machine(&folder);
        let wanted = body(serde_json::json!({"filename": ".", "content": "x"}));
        assert!(make(&machine, &wanted).unwrap_err().ends_with("it is there, and is not a file"));
        let wanted = body(serde_json::json!({"filename": "x", "content_base64": "%"}));
        assert_eq!(make(&machine, &wanted).unwrap_err(), "`content_base64` is not base64");
        let wanted = body(serde_json::json!({"filename": "x", "source": "none"}));
        assert!(make(&machine, &wanted).unwrap_err().starts_with("cannot read "));
        assert!(!folder.path().join("x").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_has_its_mode_and_a_link_is_followed() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let machine = machine(&folder);
        std::os::unix::fs::symlink(folder.path().join("real"), folder.path().join("link")).unwrap();
        write_masked(&folder.path().join("real"), b"", 0o600).unwrap();
        let wanted = body(serde_json::json!({"filename": "link", "content": "x", "file_permission": "0600"}));
        make(&machine, &wanted).unwrap();
        assert!(folder.path().join("link").is_symlink());
        assert_eq!(std::fs::read(folder.path().join("real")).unwrap(), b"x");
        assert_eq!(folder.path().join("real").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
