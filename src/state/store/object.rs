//! The one object that keeps a stack's state in a bucket: its files, who holds the lock, and who published last.
//!
//! Invariant: pure; what is read is byte for byte what was written, whatever the files hold. It is JSON with a line per
//! attribute, the state as it is, so that a person who opens it in a browser can read it. It must not know the bucket.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::Foreign;
use super::working::{ENDINGS, Files};

/// The version of the form.
const FORMAT: u32 = 1;

/// The object.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StateObject {
    format: u32,
    /// Whose state it is.
    pub(super) stack: String,
    /// Who is at work.
    pub(super) lock: Option<LockEntry>,
    /// The run that published last, by the identity of its lock: whoever lost the answer finds itself here.
    pub(super) run: Option<String>,
    /// The place where conditions were seen to be honoured; a copy elsewhere is no proof.
    pub(super) proven: Option<String>,
    files: BTreeMap<String, Content>,
}

/// Who is at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LockEntry {
    /// One that no other lock has.
    pub(super) id: String,
    /// As they wrote it.
    pub(super) holder: String,
}

/// A file in the form in which it can be read best.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Content {
    /// JSON that ends with a line's end.
    Json(Box<RawValue>),
    /// Text, by its lines.
    Lines(Vec<String>),
    /// Anything else.
    Base64(String),
}

impl StateObject {
    /// One for a stack that has nothing yet.
    pub(super) fn new(stack: &str) -> Self {
        Self { format: FORMAT, stack: stack.to_owned(), ..Self::default() }
    }

    /// The same with this lock, or with none.
    pub(super) fn with_lock(self, lock: Option<LockEntry>) -> Self {
        Self { lock, ..self }
    }

    /// The same, proven at a place.
    pub(super) fn with_proof(self, place: String) -> Self {
        Self { proven: Some(place), ..self }
    }

    /// The same, published by a run.
    pub(super) fn with_run(self, run: String) -> Self {
        Self { run: Some(run), ..self }
    }

    /// The same with other files.
    pub(super) fn with_files(self, files: &Files) -> Self {
        let named = files.iter().map(|(ending, bytes)| (format!("{}.{ending}", self.stack), Content::from_bytes(ending, bytes)));
        Self { files: named.collect(), ..self }
    }

    /// The files.
    pub(super) fn files(&self) -> Result<Files, Foreign> {
        let mut files = Files::new();
        for (name, content) in &self.files {
            let ending = ENDINGS.into_iter().find(|ending| *name == format!("{}.{ending}", self.stack));
            let ending = ending.ok_or_else(|| Foreign::Unknown(format!("it holds a file `{name}`, which no stack has")))?;
            files.insert(ending.to_owned(), content.bytes()?);
        }
        Ok(files)
    }

    /// As it is kept.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Parses the object of a stack.
    pub(super) fn read(bytes: &[u8], stack: &str) -> Result<Self, Foreign> {
        #[derive(Deserialize)]
        struct Marks {
            format: Option<u32>,
            terraform_version: Option<String>,
        }
        let head: Self = match serde_json::from_slice(bytes) {
            Ok(head) => head,
            Err(error) => {
                let marks = serde_json::from_slice(bytes).unwrap_or(Marks { format: None, terraform_version: None });
                return Err(match marks {
                    Marks { terraform_version: Some(_), .. } => Foreign::Terraform,
                    Marks { format: Some(format), .. } if format > FORMAT => Foreign::Newer,
                    _ => Foreign::Unknown(error.to_string()),
                });
            }
        };
        match head {
            head if head.format != FORMAT => Err(Foreign::Newer),
            head if head.stack != stack => Err(Foreign::Stack(head.stack)),
            head => Ok(head),
        }
    }
}

impl Content {
    fn from_bytes(ending: &str, bytes: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(bytes) else { return Self::Base64(STANDARD.encode(bytes)) };
        let json = text.strip_suffix('\n').filter(|_| ending == ENDINGS[0]).and_then(|text| RawValue::from_string(text.to_owned()).ok());
        // What is not kept as it is (blanks around it, for one) goes by its lines.
        match json.filter(|json| text.strip_suffix('\n') == Some(json.get())) {
            Some(json) => Self::Json(json),
            None => Self::Lines(text.split('\n').map(str::to_owned).collect()),
        }
    }

    fn bytes(&self) -> Result<Vec<u8>, Foreign> {
        match self {
            Self::Json(json) => Ok(format!("{json}\n").into_bytes()),
            Self::Lines(lines) => Ok(lines.join("\n").into_bytes()),
            Self::Base64(text) => STANDARD.decode(text).map_err(|error| Foreign::Unknown(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round(files: &Files) -> Files {
        let head =
            StateObject { lock: Some(LockEntry { id: "1".into(), holder: "me".into() }), ..StateObject::new("web") }.with_files(files);
        let again = StateObject::read(&head.write(), "web").unwrap();
        assert_eq!(again.write(), head.write());
        assert_eq!(again.lock, head.lock);
        again.files().unwrap()
    }

    fn files(pairs: &[(&str, &[u8])]) -> Files {
        pairs.iter().map(|(ending, bytes)| ((*ending).to_owned(), bytes.to_vec())).collect()
    }

    #[test]
    fn a_person_can_read_it() {
        let state = b"{\n  \"version\": 1,\n  \"n\": 1.50\n}\n";
        let head = StateObject::new("web").with_files(&files(&[("json", state), ("journal", b"{\"n\":1}\n{\"n\":2}\n")]));
        let expected = "{\n  \"format\": 1,\n  \"stack\": \"web\",\n  \"lock\": null,\n  \"run\": null,\n  \"proven\": null,\n  \"files\": {\n    \"web.journal\": {\n      \"lines\": [\n        \"{\\\"n\\\":1}\",\n        \"{\\\"n\\\":2}\",\n        \"\"\n      ]\n    },\n    \"web.json\": {\n      \"json\": {\n  \"version\": 1,\n  \"n\": 1.50\n}\n    }\n  }\n}\n";
        assert_eq!(String::from_utf8(head.write()).unwrap(), expected);
    }

    #[test]
    fn what_is_not_ours_is_known_as_such() {
        let foreign = |text: &str| StateObject::read(text.as_bytes(), "web").unwrap_err();
        assert_eq!(foreign("{\"version\": 4, \"terraform_version\": \"1.11.4\", \"serial\": 1}"), Foreign::Terraform);
        assert_eq!(foreign("{\"format\": 2, \"anything\": 1}"), Foreign::Newer);
        assert_eq!(foreign(&String::from_utf8(StateObject::new("ha").write()).unwrap()), Foreign::Stack("ha".into()));
        assert!(matches!(foreign("<html>"), Foreign::Unknown(_)));
        assert!(matches!(foreign(""), Foreign::Unknown(_)));
        let odd = StateObject::read(
            br#"{"format":1,"stack":"web","lock":null,"run":null,"proven":null,"files":{"web.exe":{"lines":[]}}}"#,
            "web",
        );
        assert!(matches!(odd.unwrap().files(), Err(Foreign::Unknown(_))));
    }

    #[test]
    fn awkward_files_come_back() {
        for bytes in
            [&b""[..], b"\n", b"{}", b"{}\n", b" {}\n", b"{}\n\n", b"{}\r\n", b"{ \"a\" : 1 }\n", b"\xff\xfe", b"{\"a\":\"\xc3", b"nul\0\n"]
        {
            let all = files(&[("json", bytes), ("journal", bytes), ("secrets.age", bytes)]);
            assert_eq!(round(&all), all, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_files_come_back(state in any::<Vec<u8>>(), journal in "(\\PC|\\n){0,40}") {
            let all = files(&[("json", &state), ("journal", journal.as_bytes())]);
            prop_assert_eq!(round(&all), all);
        }
    }
}
