//! `cloudinit_config`, also as `template_cloudinit_config`: several parts of user data in one MIME message.
//!
//! Invariant: byte for byte what `hashicorp/cloudinit` 2 gives, but for compression, whose result is not specified. The boundary is
//! fixed, so the same parts give the same text.

use std::fmt::Write as _;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Local, Read, given};
use crate::attr::{Attr, Change, Lit, Ty};
use crate::complaints::Complaints;
use dofloat_api::machine::Machine;
use dofloat_base::value::{Body, Term, Value};

const BOUNDARY: &str = "MIMEBOUNDARY";

pub(super) static CONFIG: Local = Local {
    rows: &[
        given("gzip", Ty::Bool, "Whether it is compressed.").default(Lit::Bool(true)),
        given("base64_encode", Ty::Bool, "Whether it is written in base64.").default(Lit::Bool(true)),
        given("boundary", Ty::String, "What separates the parts.").default(Lit::Str(BOUNDARY)),
        given("part", Ty::List(&Ty::Object(PART)), "A part.").block(),
        Attr::computed("rendered", Ty::String, "The whole message.").repeats(&["part"]),
        Attr::computed("id", Ty::String, "The CRC-32 of the whole message.").repeats(&["part"]),
    ],
    check,
    read: Read::Now(read),
};

const PART: &[Attr] = &[
    Attr::required("content", Ty::String, Change::Local, "What is in it."),
    given("content_type", Ty::String, "Its MIME type, which tells cloud-init what to do with it.").default(Lit::Str("text/plain")),
    given("filename", Ty::String, "Its name, for messages."),
    given("merge_type", Ty::String, "How YAML is merged with that of other parts."),
];

fn check(body: &Term, complaints: &mut Complaints) {
    let is = |name: &str, on: bool| body.get(name) == Term::Value(Value::Bool(on));
    if is("gzip", true) && is("base64_encode", false) {
        complaints.error(&["base64_encode"], "What is compressed must be in base64.", "Set `gzip = false` too.");
    }
}

fn read(_: &Machine, given: &Body) -> Result<Body, String> {
    let is = |name: &str| given.get(name) != Some(&Value::Bool(false));
    let parts = given.get("part").and_then(Value::as_list).unwrap_or_default();
    let message = message(given.get("boundary").and_then(Value::as_str).unwrap_or(BOUNDARY), parts);
    let bytes = if is("gzip") { compressed(message.as_bytes()).map_err(|error| error.to_string())? } else { message.into_bytes() };
    let rendered = if is("base64_encode") { STANDARD.encode(&bytes) } else { String::from_utf8_lossy(&bytes).into_owned() };
    let mut sum = flate2::Crc::new();
    sum.update(rendered.as_bytes());
    Ok(Body::from([("id".to_owned(), sum.sum().to_string().into()), ("rendered".to_owned(), rendered.into())]))
}

/// As Go's `mime/multipart` writes it: the headers of a part in the order of their names.
fn message(boundary: &str, parts: &[Value]) -> String {
    let mut message = format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\nMIME-Version: 1.0\r\n\r\n");
    for (at, part) in parts.iter().enumerate() {
        let text = |name: &str| part.as_map().and_then(|part| part.get(name)?.as_str()).filter(|text| !text.is_empty());
        message.push_str(if at == 0 { "" } else { "\r\n" });
        let _ = write!(message, "--{boundary}\r\n");
        if let Some(name) = text("filename") {
            let _ = write!(message, "Content-Disposition: attachment; filename=\"{name}\"\r\n");
        }
        let kind = text("content_type").unwrap_or("text/plain");
        let _ = write!(message, "Content-Transfer-Encoding: 7bit\r\nContent-Type: {kind}\r\nMime-Version: 1.0\r\n");
        if let Some(merge) = text("merge_type") {
            let _ = write!(message, "X-Merge-Type: {merge}\r\n");
        }
        let _ = write!(message, "\r\n{}", text("content").unwrap_or_default());
    }
    let _ = write!(message, "\r\n--{boundary}--\r\n");
    message
}

/// No time, no name and no operating system in the header: the same text gives the same bytes everywhere.
fn compressed(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut writer = flate2::GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes)?;
    writer.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn rendered(json: serde_json::Value) -> String {
        let body = Value::from_json(&json).as_map().expect("an object").clone();
        read(&Machine::default(), &body).unwrap()["rendered"].as_str().unwrap().to_owned()
    }

    /// The text of the acceptance tests of `hashicorp/cloudinit`.
    #[test]
    fn parts_are_written_as_the_official_provider_writes_them() {
        let plain = serde_json::json!({
            "gzip": false, "base64_encode": false, "part": [{"content_type": "text/x-shellscript", "content": "baz", "filename": "foobar.sh"}]
        });
        let expected = "Content-Type: multipart/mixed; boundary=\"MIMEBOUNDARY\"\nMIME-Version: 1.0\r\n\r\n--MIMEBOUNDARY\r\n\
                        Content-Disposition: attachment; filename=\"foobar.sh\"\r\nContent-Transfer-Encoding: 7bit\r\n\
                        Content-Type: text/x-shellscript\r\nMime-Version: 1.0\r\n\r\nbaz\r\n--MIMEBOUNDARY--\r\n";
        assert_eq!(rendered(plain), expected);
        let two = serde_json::json!({
            "gzip": false, "base64_encode": false, "boundary": "//",
            "part": [{"content": "a"}, {"content": "b", "merge_type": "list(append)"}]
        });
        let expected = "Content-Type: multipart/mixed; boundary=\"//\"\nMIME-Version: 1.0\r\n\r\n--//\r\n\
                        Content-Transfer-Encoding: 7bit\r\nContent-Type: text/plain\r\nMime-Version: 1.0\r\n\r\na\r\n--//\r\n\
                        Content-Transfer-Encoding: 7bit\r\nContent-Type: text/plain\r\nMime-Version: 1.0\r\nX-Merge-Type: list(append)\r\n\r\n\
                        b\r\n--//--\r\n";
        assert_eq!(rendered(two), expected);
    }

    #[test]
    fn what_is_compressed_is_the_same_each_time_and_opens() {
        let body = serde_json::json!({"part": [{"content": "a".repeat(1000)}]});
        let (one, other) = (rendered(body.clone()), rendered(body));
        assert_eq!(one, other);
        let mut text = String::new();
        flate2::read::GzDecoder::new(STANDARD.decode(one).unwrap().as_slice()).read_to_string(&mut text).unwrap();
        assert!(text.contains(&"a".repeat(1000)));
    }
}
