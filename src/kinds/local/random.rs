//! The `random` kinds: a value that is drawn once, and stays until something of it, or a keeper, changes.
//!
//! Invariant: as `hashicorp/random` 3 has it, but that a `seed` gives other (and always the same) numbers. Every attribute that is
//! written makes another value where it changes.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::Local;
use super::generator::Generator;
use super::words::{ADJECTIVES, ADVERBS, NAMES};
use crate::attr::{Attr, Change, Lit, Ty};
use crate::complaints::{Complaints, number};
use crate::valid::Valid;
use dofloat_base::digest::hex;
use dofloat_base::rng::entropy;
use dofloat_base::value::{Body, Term, Value};

const KEEPERS: Attr =
    Attr::optional("keepers", Ty::Map(&Ty::String), Change::Replace, "Values whose change draws another one.").write_only();
const ID: Attr = Attr::computed("id", Ty::String, "What was drawn.").once();

const fn given(name: &'static str, ty: Ty, doc: &'static str) -> Attr {
    Attr::optional(name, ty, Change::Replace, doc).write_only()
}

const fn needed(name: &'static str, ty: Ty, doc: &'static str) -> Attr {
    Attr::required(name, ty, Change::Replace, doc).write_only()
}

const fn result(ty: Ty) -> Attr {
    Attr::computed("result", ty, "What was drawn.").once()
}

pub(super) static RANDOM_ID: Local = Local {
    name: "random_id",
    attrs: &[
        ID,
        needed("byte_length", Ty::Number, "How many bytes are drawn.").valid(Valid::Between(1, 65536)),
        KEEPERS,
        given("prefix", Ty::String, "A text before each form of it, `id` aside."),
        Attr::computed("b64_url", Ty::String, "In base64 for URLs, without padding.").once(),
        Attr::computed("b64_std", Ty::String, "In base64.").once(),
        Attr::computed("hex", Ty::String, "In hex.").once(),
        Attr::computed("dec", Ty::String, "As a number.").once(),
    ],
    make: |_, wanted| {
        let bytes: Vec<u8> = bytes(usize::try_from(int(wanted, "byte_length").unwrap_or(1)).unwrap_or(1));
        Ok((None, forms(&bytes, text(wanted, "prefix"))))
    },
    import: |id| {
        let (prefix, encoded) = id.rsplit_once(',').unwrap_or(("", id));
        let bytes = URL_SAFE_NO_PAD.decode(encoded.as_bytes()).ok().filter(|bytes| !bytes.is_empty())?;
        let mut body = forms(&bytes, prefix);
        body.insert("byte_length".to_owned(), i64::try_from(bytes.len()).ok()?.into());
        body.extend((!prefix.is_empty()).then(|| ("prefix".to_owned(), prefix.into())));
        Some(body)
    },
    ..Local::NOTHING
};

pub(super) static INTEGER: Local = Local {
    name: "random_integer",
    attrs: &[
        ID,
        needed("min", Ty::Number, "The least that it may be."),
        needed("max", Ty::Number, "The most that it may be."),
        given("seed", Ty::String, "A text that draws the same number each time."),
        KEEPERS,
        result(Ty::Number),
    ],
    check: |body, complaints| {
        if let (Some(min), Some(max)) = (number(body, "min"), number(body, "max"))
            && min > max
        {
            complaints.error(&["min"], format!("`min` is {min}, which is more than `max`, {max}."), "Exchange them.");
        }
    },
    make: |_, wanted| {
        let (min, max) = (int(wanted, "min").unwrap_or_default(), int(wanted, "max").unwrap_or_default());
        let span = u64::try_from(i128::from(max) - i128::from(min) + 1).map_err(|_| "`min` is more than `max`".to_owned())?;
        let drawn = Generator::of_seed(wanted.get("seed").and_then(Value::as_str)).below(span);
        Ok((None, whole(i64::try_from(i128::from(min) + i128::from(drawn)).unwrap_or(max))))
    },
    import: |id| {
        let parts: Vec<&str> = id.split(',').collect();
        let [drawn, min, max, seed @ ..] = parts.as_slice() else { return None };
        let mut body = whole(drawn.parse().ok()?);
        body.extend(
            [("min", min), ("max", max)].into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.parse::<i64>().ok()?.into()))),
        );
        body.extend(seed.first().map(|seed| ("seed".to_owned(), Value::from(*seed))));
        Some(body)
    },
    ..Local::NOTHING
};

pub(super) static PET: Local = Local {
    name: "random_pet",
    attrs: &[
        ID,
        given("length", Ty::Number, "How many words it has.").default(Lit::Int(2)).valid(Valid::Between(1, 100)),
        given("prefix", Ty::String, "A word before the others."),
        given("separator", Ty::String, "What stands between the words.").default(Lit::Str("-")),
        KEEPERS,
    ],
    make: |_, wanted| {
        let (generator, length) = (Generator::of_seed(None), int(wanted, "length").unwrap_or(2));
        let word = |list: &str| generator.one(&list.split(' ').collect::<Vec<_>>()).map_or_else(String::new, |word| (*word).to_owned());
        let prefix = Some(text(wanted, "prefix").to_owned()).filter(|prefix| !prefix.is_empty());
        let how = (2..length).map(|_| word(ADVERBS)).chain((length > 1).then(|| word(ADJECTIVES)));
        let words: Vec<String> = prefix.into_iter().chain(how).chain([word(NAMES)]).collect();
        let separator = wanted.get("separator").and_then(Value::as_str).unwrap_or("-");
        Ok((None, Body::from([("id".to_owned(), words.join(separator).into())])))
    },
    ..Local::NOTHING
};

pub(super) static UUID: Local = Local {
    name: "random_uuid",
    attrs: &[ID, KEEPERS, result(Ty::String)],
    make: |_, _| Ok((None, same(&Uuid::new_v4().to_string()))),
    import: |id| Some(same(&Uuid::parse_str(id).ok()?.to_string())),
    ..Local::NOTHING
};

pub(super) static SHUFFLE: Local = Local {
    name: "random_shuffle",
    attrs: &[
        ID,
        needed("input", Ty::List(&Ty::String), "What is brought into another order."),
        given("result_count", Ty::Number, "How many of them are wanted; more than there are begin again.")
            .valid(Valid::Between(0, 100_000)),
        given("seed", Ty::String, "A text that gives the same order each time."),
        KEEPERS,
        result(Ty::List(&Ty::String)),
    ],
    make: |_, wanted| {
        let input = wanted.get("input").and_then(Value::as_list).unwrap_or_default();
        let generator = Generator::of_seed(wanted.get("seed").and_then(Value::as_str));
        let count = int(wanted, "result_count").and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0);
        let (count, mut all) = (count.unwrap_or(input.len()), Vec::new());
        while all.len() < count && !input.is_empty() {
            let mut round = input.to_vec();
            generator.shuffle(&mut round);
            all.extend(round);
        }
        all.truncate(count);
        Ok((None, Body::from([("id".to_owned(), "-".into()), ("result".to_owned(), Value::List(all))])))
    },
    ..Local::NOTHING
};

pub(super) static STRING: Local = Local {
    name: "random_string",
    attrs: &[
        ID,
        LENGTH,
        CLASSES[0],
        CLASSES[1],
        CLASSES[2],
        CLASSES[3],
        CLASSES[4],
        LEAST[0],
        LEAST[1],
        LEAST[2],
        LEAST[3],
        OVERRIDE,
        KEEPERS,
        result(Ty::String),
    ],
    check: check_text,
    make: |_, wanted| Ok((None, with_digits(wanted, same(&drawn_text(wanted)?)))),
    import: |id| {
        let mut body = same(id);
        body.insert("length".to_owned(), i64::try_from(id.chars().count()).ok()?.into());
        Some(body)
    },
    ..Local::NOTHING
};

pub(super) static PASSWORD: Local = Local {
    name: "random_password",
    attrs: &[
        Attr::computed("id", Ty::String, "\"none\".").once(),
        LENGTH,
        CLASSES[0],
        CLASSES[1],
        CLASSES[2],
        CLASSES[3],
        CLASSES[4],
        LEAST[0],
        LEAST[1],
        LEAST[2],
        LEAST[3],
        OVERRIDE,
        KEEPERS,
        Attr::computed("result", Ty::String, "What was drawn.").sensitive(),
        Attr::computed("bcrypt_hash", Ty::String, "Its bcrypt hash, of its first 72 bytes.").sensitive(),
    ],
    check: check_text,
    make: |_, wanted| {
        let drawn = drawn_text(wanted)?;
        let hash = bcrypt::hash_with_salt(drawn.as_bytes(), COST, entropy()).map_err(|error| error.to_string())?;
        let hash = hash.format_for_version(bcrypt::Version::TwoA);
        let body = [("id", "none".to_owned()), ("result", drawn), ("bcrypt_hash", hash)];
        Ok((None, with_digits(wanted, body.into_iter().map(|(name, text)| (name.to_owned(), Value::from(text))).collect())))
    },
    ..Local::NOTHING
};

/// The cost that the official provider takes: Go's default.
const COST: u32 = 10;

pub(super) static BYTES: Local = Local {
    name: "random_bytes",
    attrs: &[
        needed("length", Ty::Number, "How many bytes are drawn.").valid(Valid::Between(1, 65536)),
        KEEPERS,
        Attr::computed("base64", Ty::String, "In base64.").sensitive(),
        Attr::computed("hex", Ty::String, "In hex.").sensitive(),
        Attr::computed("id", Ty::String, "Without a meaning.").once(),
    ],
    make: |_, wanted| {
        let bytes = bytes(usize::try_from(int(wanted, "length").unwrap_or(1)).unwrap_or(1));
        let all = [("base64", STANDARD.encode(&bytes)), ("hex", hex(&bytes))];
        Ok((None, all.into_iter().map(|(name, text)| (name.to_owned(), Value::from(text))).collect()))
    },
    ..Local::NOTHING
};

const LENGTH: Attr = needed("length", Ty::Number, "How many characters it has.").valid(Valid::Between(1, 65536));
const CLASSES: [Attr; 5] = [
    given("upper", Ty::Bool, "Whether it has capital letters.").default(Lit::Bool(true)),
    given("lower", Ty::Bool, "Whether it has small letters.").default(Lit::Bool(true)),
    digits("numeric", "Whether it has digits; so it has where nothing is said."),
    digits("number", "The old name of `numeric`."),
    given("special", Ty::Bool, "Whether it has other characters.").default(Lit::Bool(true)),
];
const LEAST: [Attr; 4] = [
    least("min_upper", "How many capital letters it has at least."),
    least("min_lower", "How many small letters it has at least."),
    least("min_numeric", "How many digits it has at least."),
    least("min_special", "How many other characters it has at least."),
];
const OVERRIDE: Attr = given("override_special", Ty::String, "The other characters.");

/// Each of the two names says what the other says.
const fn digits(name: &'static str, doc: &'static str) -> Attr {
    Attr::chosen(name, Ty::Bool, Change::Replace, doc).once()
}

const fn least(name: &'static str, doc: &'static str) -> Attr {
    given(name, Ty::Number, doc).default(Lit::Int(0)).valid(Valid::Between(0, 65536))
}

/// The other characters where nothing is said: those that need no escape in shells and URLs as a rule.
const SPECIAL: &str = "!@#$%&*()-_=+[]{}<>:?";

fn has_digits(wanted: &Body) -> bool {
    ["numeric", "number"].iter().find_map(|name| wanted.get(*name)).is_none_or(|is| *is != Value::Bool(false))
}

fn with_digits(wanted: &Body, mut body: Body) -> Body {
    for name in ["numeric", "number"] {
        body.insert(name.to_owned(), wanted.get(name).cloned().unwrap_or(Value::Bool(has_digits(wanted))));
    }
    body
}

/// The characters of each sort that is wanted, with how many there must be.
fn alphabets(wanted: &Body) -> Vec<(Vec<char>, i64)> {
    let is = |name: &str| match wanted.get(name) {
        Some(Value::Bool(is)) => Some(*is),
        _ => None,
    };
    let special = wanted.get("override_special").and_then(Value::as_str).filter(|text| !text.is_empty()).unwrap_or(SPECIAL);
    let all = [
        (is("upper").unwrap_or(true), "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "min_upper"),
        (is("lower").unwrap_or(true), "abcdefghijklmnopqrstuvwxyz", "min_lower"),
        (has_digits(wanted), "0123456789", "min_numeric"),
        (is("special").unwrap_or(true), special, "min_special"),
    ];
    let wanted_ones = all.into_iter().filter(|(is, ..)| *is);
    wanted_ones.map(|(_, letters, least)| (letters.chars().collect(), int(wanted, least).unwrap_or_default())).collect()
}

fn drawn_text(wanted: &Body) -> Result<String, String> {
    let (generator, alphabets) = (Generator::System, alphabets(wanted));
    let length = int(wanted, "length").and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
    let mut letters: Vec<char> = Vec::with_capacity(length);
    for (alphabet, least) in &alphabets {
        letters.extend((0..*least).filter_map(|_| generator.one(alphabet)));
    }
    let all: Vec<char> = alphabets.iter().flat_map(|(alphabet, _)| alphabet).copied().collect();
    if all.is_empty() || letters.len() > length {
        return Err("no text fits what is asked for".to_owned());
    }
    letters.extend((letters.len()..length).filter_map(|_| generator.one(&all)));
    generator.shuffle(&mut letters);
    Ok(letters.into_iter().collect())
}

fn check_text(body: &Term, complaints: &mut Complaints) {
    let is_no = |name: &str| body.get(name) == Term::Value(Value::Bool(false));
    let no_digits = is_no("numeric") || (is_no("number") && body.get("numeric").is_null());
    if is_no("upper") && is_no("lower") && is_no("special") && no_digits {
        complaints.error(&["upper"], "No sort of characters is left.", "Allow one of upper, lower, numeric and special.");
    }
    let least = ["min_upper", "min_lower", "min_numeric", "min_special"].into_iter().filter_map(|name| number(body, name)).sum::<i64>();
    if let Some(length) = number(body, "length")
        && least > length
    {
        let message = format!("`length` is {length}, and {least} characters are needed at least.");
        complaints.error(&["length"], message, "Raise it, or lower the least numbers.");
    }
}

fn text<'a>(wanted: &'a Body, name: &str) -> &'a str {
    wanted.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn int(wanted: &Body, name: &str) -> Option<i64> {
    match wanted.get(name)? {
        Value::Number(number) => number.as_i64(),
        _ => None,
    }
}

fn same(drawn: &str) -> Body {
    Body::from([("id".to_owned(), drawn.into()), ("result".to_owned(), drawn.into())])
}

fn whole(drawn: i64) -> Body {
    Body::from([("id".to_owned(), drawn.to_string().into()), ("result".to_owned(), drawn.into())])
}

fn bytes(length: usize) -> Vec<u8> {
    let generator = Generator::System;
    (0..length).map(|_| u8::try_from(generator.below(256)).unwrap_or_default()).collect()
}

/// The forms of an id.
fn forms(bytes: &[u8], prefix: &str) -> Body {
    let url = URL_SAFE_NO_PAD.encode(bytes);
    let all = [("b64_url", url.clone()), ("b64_std", STANDARD.encode(bytes)), ("hex", hex(bytes)), ("dec", decimal(bytes))];
    let all = all.into_iter().map(|(name, text)| (name.to_owned(), Value::from(format!("{prefix}{text}"))));
    all.chain([("id".to_owned(), url.into())]).collect()
}

/// Bytes, the highest first, as a decimal number.
fn decimal(bytes: &[u8]) -> String {
    let mut digits: Vec<u32> = vec![0];
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            let value = *digit * 256 + carry;
            *digit = value % 10;
            carry = value / 10;
        }
        while carry > 0 {
            digits.push(carry % 10);
            carry /= 10;
        }
    }
    digits.iter().rev().filter_map(|digit| char::from_digit(*digit, 10)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::Context;
    use dofloat_api::machine::Machine;
    use dofloat_base::clock::Moment;

    fn body(json: serde_json::Value) -> Body {
        Value::from_json(&json).as_map().expect("an object").clone()
    }

    fn draw(kind: &Local, json: serde_json::Value) -> Body {
        (kind.make)(&Context { machine: &Machine::default(), now: Moment(0) }, &body(json)).unwrap().1
    }

    #[test]
    fn the_forms_of_an_id_are_those_of_the_official_provider() {
        // From the documentation of `random_id` and its import.
        let made = (RANDOM_ID.import)("my-prefix-,p-9hUg").unwrap();
        assert_eq!((&made["hex"], &made["id"]), (&"my-prefix-a7ef6152".into(), &"p-9hUg".into()));
        assert_eq!(decimal(&[0xff, 0xff]), "65535");
        assert_eq!(decimal(&[0, 1, 0]), "256");
        assert_eq!(decimal(&[0]), "0");
        let made = draw(&RANDOM_ID, serde_json::json!({"byte_length": 4, "prefix": "x-"}));
        assert_eq!(made["hex"].as_str().unwrap().len(), 10);
        assert_eq!(format!("x-{}", made["id"].as_str().unwrap()), made["b64_url"].as_str().unwrap());
    }

    #[test]
    fn a_text_has_what_is_asked_for() {
        for _ in 0..50 {
            let wanted = serde_json::json!({
                "length": 8, "lower": false, "min_upper": 3, "min_numeric": 2, "min_special": 3, "override_special": "_-"
            });
            let made = draw(&STRING, wanted);
            let text = made["result"].as_str().unwrap();
            let count = |is: fn(char) -> bool| text.chars().filter(|c| is(*c)).count();
            assert_eq!(
                (count(|c| c.is_ascii_uppercase()), count(|c| c.is_ascii_digit()), count(|c| "_-".contains(c))),
                (3, 2, 3),
                "{text}"
            );
        }
        let only_digits = serde_json::json!({"length": 40, "upper": false, "lower": false, "special": false});
        assert!(draw(&STRING, only_digits)["result"].as_str().unwrap().bytes().all(|byte| byte.is_ascii_digit()));
        let complaints = |json: serde_json::Value| {
            let mut complaints = Complaints::default();
            check_text(&Term::Value(Value::from_json(&json)), &mut complaints);
            complaints.into_vec().into_iter().map(|complaint| complaint.message).collect::<Vec<_>>()
        };
        assert_eq!(complaints(serde_json::json!({"length": 2, "min_lower": 3})), ["`length` is 2, and 3 characters are needed at least."]);
        let none = serde_json::json!({"length": 2, "upper": false, "lower": false, "number": false, "special": false});
        assert_eq!(complaints(none), ["No sort of characters is left."]);
    }

    #[test]
    fn numbers_lists_and_names_are_within_what_is_asked_for() {
        for _ in 0..50 {
            let made = draw(&INTEGER, serde_json::json!({"min": -1, "max": 1}));
            assert!((-1..=1).contains(&int(&made, "result").unwrap()));
            let made = draw(&SHUFFLE, serde_json::json!({"input": ["a", "b", "c"], "result_count": 4}));
            let result = made["result"].as_list().unwrap();
            let mut first = result[..3].to_vec();
            first.sort();
            assert_eq!((result.len(), first), (4, vec!["a".into(), "b".into(), "c".into()]));
        }
        assert_eq!(
            draw(&INTEGER, serde_json::json!({"min": 0, "max": 9, "seed": "s"})),
            draw(&INTEGER, serde_json::json!({"min": 0, "max": 9, "seed": "s"}))
        );
        let made = draw(&PET, serde_json::json!({"length": 3, "prefix": "web", "separator": "."}));
        assert_eq!(made["id"].as_str().unwrap().split('.').count(), 4);
        assert!(made["id"].as_str().unwrap().starts_with("web."));
        let imported = (INTEGER.import)("15390,1,50000").unwrap();
        assert_eq!((int(&imported, "result"), int(&imported, "max")), (Some(15390), Some(50000)));
        assert!((UUID.import)("no").is_none() && (INTEGER.import)("5").is_none());
    }
}
