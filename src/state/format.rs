//! The state file: `state/<stack>.json`, versioned, the same bytes for the same content.
//!
//! Invariant: records stand in address order, one attribute a line; no time, no secret. Reading refuses what is broken and
//! says what to do; writing never refuses. It must not know kinds or where the file lies.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use dofloat_base::address::Address;
use dofloat_base::diag::Diagnostic;
use dofloat_base::digest::{Digest, Salt, sha256_hex};
use dofloat_base::identity::{Id, Mark, Owner};
use dofloat_base::types::Type;
use dofloat_base::value::{Body, Value};

use super::{Health, Record, SavedOutput, State};

/// The version of the format that is written.
pub const FORMAT: u64 = 1;

/// `sha256:HEX` of a state file's bytes: which state a journal belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Of bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(format!("sha256:{}", sha256_hex(bytes)))
    }

    /// Of the bytes that a state is written as.
    #[must_use]
    pub fn of(state: &State) -> Self {
        Self::of_bytes(&write(state))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The bytes of a state file.
#[must_use]
pub fn write(state: &State) -> Vec<u8> {
    let file = Written {
        format: FORMAT,
        lineage: &state.lineage,
        serial: state.serial,
        salt: &state.salt,
        owner: state.owner.as_ref(),
        project: state.project.as_ref(),
        outputs: state.outputs.iter().map(|(name, output)| (name, SavedOutputOut::of(output))).collect(),
        resources: state.records.iter().map(|(address, record)| (address, RecordOut::of(None, record))).collect(),
        deposed: state.deposed.iter().map(|((address, _), record)| RecordOut::of(Some(address), record)).collect(),
    };
    // Neither a map key that is no text nor a value that cannot be written occurs in it, so there is nothing to fail.
    let mut bytes = serde_json::to_vec_pretty(&file).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Reads a state file. `file` is its name for messages.
///
/// # Errors
/// If it is no whole state of a format that we know.
pub fn read(bytes: &[u8], file: &str) -> Result<State, Box<Diagnostic>> {
    if is_blank(bytes) {
        return refused(format!("{file} is empty."), RESTORE);
    }
    if let Some(line) = bytes.split(|byte| *byte == b'\n').position(is_conflict_mark) {
        return refused(format!("{file} has merge conflict marks (line {}).", line + 1), CONFLICT);
    }
    let json: serde_json::Value = match serde_json::from_slice(bytes) {
        Ok(json) => json,
        Err(error) if error.is_eof() => return refused(format!("{file} is truncated: it ends at line {}.", error.line()), RESTORE),
        Err(error) => return refused(format!("{file} is damaged: {error}."), RESTORE),
    };
    if json.get("terraform_version").is_some() || (json.get("version").is_some() && json.get("resources").is_some_and(|r| r.is_array())) {
        return refused(format!("{file} is a Terraform state, not one of dofloat."), TERRAFORM);
    }
    match json.get("format").map(serde_json::Value::as_u64) {
        None => refused(format!("{file} is not a dofloat state: it has no `format`."), FOREIGN),
        Some(Some(FORMAT)) => read_v1(bytes, file),
        Some(Some(format)) if format > FORMAT => {
            refused(format!("{file} has the format {format}; this dofloat reads formats up to {FORMAT}."), NEWER)
        }
        Some(_) => refused(format!("{file} is not a dofloat state: its `format` was never in use."), FOREIGN),
    }
}

/// The lineage and the serial of a state file, whatever else is in it; none if it is no state of ours.
#[must_use]
pub fn version(bytes: &[u8]) -> Option<(String, u64)> {
    #[derive(Deserialize)]
    struct Version {
        #[serde(rename = "format")]
        _format: u64,
        lineage: String,
        serial: u64,
    }
    serde_json::from_slice(bytes).ok().map(|version: Version| (version.lineage, version.serial))
}

const RESTORE: &str = "The state says what exists; a broken one is never taken for \"nothing exists\". Restore its last good \
                       version, for example with \
                       `git checkout`; if this stack was never applied, remove the file. Nothing was changed.";
const CONFLICT: &str = "Two branches applied this stack apart from each other, so each side knows objects that the other does not. Do not \
                        join the sides by hand: keep the side that was applied last whole (`git checkout --ours` or `--theirs`) and run \
                        `dofloat plan`. It lists what carries this stack's mark and is not in the state, to be imported or deleted. From then on \
                        `dofloat state merge -install` lets git join what branches did to different resources. Nothing was changed.";
const TERRAFORM: &str =
    "Move it elsewhere, for example to `terraform.tfstate`, and import it with `dofloat import -tfstate FILE`. Nothing was changed.";
const FOREIGN: &str = "Move it elsewhere if it is something else; if it was a state, restore its last good version, for example \
                       with `git checkout`. Nothing was changed.";
const NEWER: &str = "A newer dofloat wrote it: use that version. Nothing was changed.";

fn refused<T>(message: String, hint: &str) -> Result<T, Box<Diagnostic>> {
    Err(Box::new(Diagnostic::error(message).hint(hint)))
}

/// Whether there is nothing in a file: it was emptied, or its bytes never reached the disk.
pub(super) fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0)
}

/// Whether a line is a mark that git leaves in a file it could not merge.
pub(super) fn is_conflict_mark(line: &[u8]) -> bool {
    line.starts_with(b"<<<<<<< ") || line.starts_with(b">>>>>>> ") || line.starts_with(b"||||||| ")
}

fn read_v1(bytes: &[u8], file: &str) -> Result<State, Box<Diagnostic>> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let found: ReadV1 = match serde_path_to_error::deserialize(&mut deserializer) {
        Ok(found) => found,
        Err(error) => {
            let place = error.path().to_string();
            let place = if place == "." { String::new() } else { format!(" at `{place}`") };
            return refused(format!("{file} is damaged{place}: {}.", error.inner()), RESTORE);
        }
    };
    let mut deposed: BTreeMap<_, Record> = BTreeMap::new();
    for record in found.deposed {
        let address = record.address.clone();
        let Some(address) = address else {
            return refused(format!("{file} is damaged at `deposed`: the object {} has no address.", record.id), RESTORE);
        };
        if let Some(double) = deposed.insert((address.clone(), record.id.clone()), record.into()) {
            return refused(format!("{file} is damaged at `deposed`: {address} has the object {} twice.", double.id), RESTORE);
        }
    }
    Ok(State {
        lineage: found.lineage,
        serial: found.serial,
        salt: found.salt,
        owner: found.owner,
        project: found.project,
        records: found.resources.0.into_iter().map(|(address, record)| (address, record.into())).collect(),
        deposed,
        outputs: found.outputs.0.into_iter().map(|(name, output)| (name, output.into())).collect(),
    })
}

#[derive(Serialize)]
struct Written<'a> {
    format: u64,
    lineage: &'a str,
    serial: u64,
    salt: &'a Salt,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a Owner>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a Id>,
    outputs: BTreeMap<&'a String, SavedOutputOut<'a>>,
    resources: BTreeMap<&'a Address, RecordOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deposed: Vec<RecordOut<'a>>,
}

#[derive(Serialize)]
struct SavedOutputOut<'a> {
    #[serde(rename = "type")]
    ty: serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sensitive: Option<&'a Digest>,
}

#[derive(Serialize)]
struct RecordOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a Address>,
    id: &'a Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    mark: Option<&'a Mark>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    after: &'a BTreeSet<Address>,
    attributes: &'a Body,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    digests: &'a BTreeMap<String, Digest>,
    #[serde(skip_serializing_if = "Body::is_empty")]
    arguments: &'a Body,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unfinished: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    provisioners: Option<ProvisionersV1>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    create_before_destroy: bool,
}

/// What is wrong with the provisioners of an object, if anything is.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ProvisionersV1 {
    Pending,
    Interrupted,
    Failed,
}

impl<'a> SavedOutputOut<'a> {
    fn of(output: &'a SavedOutput) -> Self {
        // A sensitive output has no value here, whatever the caller left in it.
        let value = if output.sensitive.is_some() { None } else { output.value.as_ref() };
        Self { ty: output.ty.to_json(), value, sensitive: output.sensitive.as_ref() }
    }
}

impl<'a> RecordOut<'a> {
    fn of(address: Option<&'a Address>, record: &'a Record) -> Self {
        Self {
            address,
            id: &record.id,
            mark: record.mark.as_ref(),
            after: &record.after,
            attributes: &record.body,
            digests: &record.digests,
            arguments: &record.arguments,
            unfinished: record.health.is_unfinished(),
            provisioners: match record.health {
                Health::Ready | Health::Unfinished => None,
                Health::Bare => Some(ProvisionersV1::Pending),
                Health::Interrupted => Some(ProvisionersV1::Interrupted),
                Health::Tainted => Some(ProvisionersV1::Failed),
            },
            create_before_destroy: record.create_before_destroy,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadV1 {
    #[serde(rename = "format")]
    _format: u64,
    lineage: String,
    serial: u64,
    salt: Salt,
    #[serde(default)]
    owner: Option<Owner>,
    #[serde(default)]
    project: Option<Id>,
    outputs: Unique<String, OutputV1>,
    resources: Unique<Address, RecordV1>,
    #[serde(default)]
    deposed: Vec<RecordV1>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputV1 {
    #[serde(rename = "type", deserialize_with = "read_type")]
    ty: Type,
    #[serde(default, deserialize_with = "present")]
    value: Option<Value>,
    #[serde(default)]
    sensitive: Option<Digest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordV1 {
    #[serde(default)]
    address: Option<Address>,
    id: Id,
    #[serde(default)]
    mark: Option<Mark>,
    #[serde(default)]
    after: BTreeSet<Address>,
    attributes: Unique<String, Value>,
    #[serde(default)]
    digests: Unique<String, Digest>,
    #[serde(default)]
    arguments: Unique<String, Value>,
    #[serde(default)]
    unfinished: bool,
    #[serde(default)]
    provisioners: Option<ProvisionersV1>,
    #[serde(default)]
    create_before_destroy: bool,
}

impl From<OutputV1> for SavedOutput {
    fn from(found: OutputV1) -> Self {
        Self { value: found.value, ty: found.ty, sensitive: found.sensitive }
    }
}

impl From<RecordV1> for Record {
    fn from(found: RecordV1) -> Self {
        Self {
            id: found.id,
            mark: found.mark,
            body: found.attributes.0,
            digests: found.digests.0,
            arguments: found.arguments.0,
            after: found.after,
            health: match found.provisioners {
                Some(ProvisionersV1::Pending) => Health::Bare,
                Some(ProvisionersV1::Interrupted) => Health::Interrupted,
                Some(ProvisionersV1::Failed) => Health::Tainted,
                None if found.unfinished => Health::Unfinished,
                None => Health::Ready,
            },
            create_before_destroy: found.create_before_destroy,
        }
    }
}

fn read_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Type, D::Error> {
    let json = serde_json::Value::deserialize(deserializer)?;
    Type::from_json(&json).ok_or_else(|| D::Error::custom(format!("{json} is no type")))
}

/// A field that is there, null included.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

// A record in the journal has the form that it has in the state file.
impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RecordOut::of(None, self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RecordV1::deserialize(deserializer).map(Self::from)
    }
}

/// A map in which no name comes twice: a file that was joined by hand from two may have one twice, and the second must not
/// silently win.
struct Unique<K, V>(BTreeMap<K, V>);

impl<K: Ord, V> Default for Unique<K, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'de, K: Deserialize<'de> + Ord + fmt::Display, V: Deserialize<'de>> Deserialize<'de> for Unique<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<K, V>(PhantomData<(K, V)>);
        impl<'de, K: Deserialize<'de> + Ord + fmt::Display, V: Deserialize<'de>> Visitor<'de> for Entries<K, V> {
            type Value = Unique<K, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut map = BTreeMap::new();
                while let Some(name) = access.next_key::<K>()? {
                    if map.contains_key(&name) {
                        return Err(A::Error::custom(format!("`{name}` occurs twice")));
                    }
                    map.insert(name, access.next_value()?);
                }
                Ok(Unique(map))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    const FULL: &str = include_str!("../../fixtures/state/v1/full.json");
    const NEW: &str = include_str!("../../fixtures/state/v1/new.json");

    #[test]
    fn the_first_format_is_read_and_written_to_the_same_bytes() {
        for text in [FULL, NEW] {
            let state = read(text.as_bytes(), "a.json").unwrap();
            assert_eq!(String::from_utf8(write(&state)).unwrap(), text);
        }
    }

    #[test]
    fn the_first_format_means_what_it_says() {
        let state = read(FULL.as_bytes(), "a.json").unwrap();
        let at = |text: &str| text.parse::<Address>().unwrap();
        assert_eq!((state.serial, state.owner.as_ref().is_some_and(|owner| owner.simulated)), (7, true));
        let two = &state.records[&at("digitalocean_droplet.web[2]")];
        assert_eq!((two.id.0.as_str(), two.health, two.create_before_destroy), ("3164450", Health::Ready, false));
        assert_eq!(two.after, BTreeSet::from([at("digitalocean_vpc.main")]));
        assert_eq!(two.body["tags"], Value::List(vec!["a".into(), "b".into()]));
        assert_eq!(two.digests["user_data"].as_str(), "hmac-sha256:1234");
        let ten = &state.records[&at("digitalocean_droplet.web[10]")];
        assert_eq!((ten.health, ten.create_before_destroy), (Health::Unfinished, true));
        assert!(state.deposed.contains_key(&(at("digitalocean_droplet.web[2]"), Id("3164449".to_owned()))));
        assert_eq!(state.outputs["nothing"].value, Some(Value::Null));
        assert_eq!(state.outputs["password"].value, None);
        assert!(state.outputs["password"].sensitive.is_some());
    }

    #[test]
    fn a_sensitive_output_and_a_number_beyond_measure_are_written_without_harm() {
        let mut state = read(FULL.as_bytes(), "a.json").unwrap();
        state.outputs.get_mut("password").unwrap().value = Some(Value::from("hunter2"));
        state.outputs.get_mut("url").unwrap().value = Some(Value::Number("1e400".parse().unwrap()));
        let text = String::from_utf8(write(&state)).unwrap();
        assert!(!text.contains("hunter2"));
        let again = read(text.as_bytes(), "a.json").unwrap();
        assert_eq!(again.outputs["url"].value, state.outputs["url"].value);
    }

    #[test]
    fn every_cut_is_refused() {
        for length in 0..FULL.len() - 2 {
            let error = read(&FULL.as_bytes()[..length], "a.json").unwrap_err();
            assert!(error.message.contains("a.json is empty") || error.message.contains("truncated"), "{length}: {}", error.message);
        }
    }

    #[test]
    fn line_ends_of_another_system_do_not_matter() {
        let state = read(FULL.as_bytes(), "a.json").unwrap();
        assert_eq!(read(FULL.replace('\n', "\r\n").as_bytes(), "a.json").unwrap(), state);
    }

    #[test]
    fn what_is_broken_is_told_with_a_way_on() {
        let conflict = FULL.replace("  \"serial\": 7,\n", "<<<<<<< HEAD\n  \"serial\": 7,\n=======\n  \"serial\": 8,\n>>>>>>> other\n");
        let twice = FULL.replace("web[10]", "web[2]");
        let cases = [
            ("empty", String::new()),
            ("zeroed", "\0\0\0\n".to_owned()),
            ("cut short", FULL[..400].to_owned()),
            ("no JSON", FULL.replace("\"serial\"", "serial")),
            ("merge conflict", conflict),
            ("newer format", FULL.replace("\"format\": 1", "\"format\": 2")),
            ("Terraform's", r#"{"version": 4, "terraform_version": "1.11.4", "serial": 1, "resources": []}"#.to_owned()),
            ("another file", r#"{"name": "dofloat"}"#.to_owned()),
            ("a list", "[]".to_owned()),
            ("a strange format", r#"{"format": "one"}"#.to_owned()),
            ("unknown field", FULL.replace("\"mark\"", "\"colour\"")),
            ("missing field", FULL.replace("  \"serial\": 7,\n", "")),
            ("wrong type", FULL.replace("\"serial\": 7", "\"serial\": -7")),
            ("an address that is none", FULL.replace("digitalocean_domain.main", "digitalocean_domain")),
            ("one resource twice", twice),
            ("an unknown type", FULL.replace("\"type\": \"dynamic\"", "\"type\": \"text\"")),
            ("a deposed object without address", FULL.replace("      \"address\": \"digitalocean_droplet.web[2]\",\n", "")),
        ];
        let told = cases.iter().fold(String::new(), |mut told, (name, text)| {
            let error = read(text.as_bytes(), "state/web.json").unwrap_err();
            let _ = writeln!(told, "# {name}\n{}\n  {}\n", error.message, error.hint.unwrap_or_default());
            told
        });
        let golden = include_str!("../../fixtures/golden/state-errors.txt");
        assert!(told == golden, "fixtures/golden/state-errors.txt should be:\n{told}");
    }
}
