//! Digests, of texts and of files, and identifiers.
//!
//! Invariant: a digest of a file is of its bytes as they are. Random identifiers are unknown while planning.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use uuid::Uuid;

use super::encoding::base64;
use super::{Args, FnError, Function, Outcome, Param, Want, files, function, number, text};
use crate::value::Val;
use dofloat_base::digest::hex;

const T: Want = Want::Text;
const TEXT: &[Param] = &[text("text")];
const PATH: &[Param] = &[text("path")];

pub(super) const TABLE: &[Function] = &[
    function("base64sha256", TEXT, T, |a| Ok(base64(&Sha256::digest(a.text(0)))), "Gives the SHA-256 of a text as base64."),
    function("base64sha512", TEXT, T, |a| Ok(base64(&Sha512::digest(a.text(0)))), "Gives the SHA-512 of a text as base64."),
    function("bcrypt", TEXT, T, bcrypt, "Gives the bcrypt hash of a password; it is not known while planning.").and(number("cost")).anew(),
    function("filebase64sha256", PATH, T, |a| Ok(base64(&Sha256::digest(files::read(a)?))), "Gives the SHA-256 of a file as base64."),
    function("filebase64sha512", PATH, T, |a| Ok(base64(&Sha512::digest(files::read(a)?))), "Gives the SHA-512 of a file as base64."),
    function("filemd5", PATH, T, of_file::<Md5>, "Gives the MD5 of a file."),
    function("filesha1", PATH, T, of_file::<Sha1>, "Gives the SHA-1 of a file."),
    function("filesha256", PATH, T, of_file::<Sha256>, "Gives the SHA-256 of a file."),
    function("filesha512", PATH, T, of_file::<Sha512>, "Gives the SHA-512 of a file."),
    function("md5", TEXT, T, of_text::<Md5>, "Gives the MD5 of a text."),
    function("rsadecrypt", &[text("text"), text("key")], T, rsa_decrypt, "Decrypts with RSA; it is not supported."),
    function("sha1", TEXT, T, of_text::<Sha1>, "Gives the SHA-1 of a text."),
    function("sha256", TEXT, T, of_text::<Sha256>, "Gives the SHA-256 of a text."),
    function("sha512", TEXT, T, of_text::<Sha512>, "Gives the SHA-512 of a text."),
    function("uuid", &[], T, uuid, "Gives a random identifier; it is not known while planning.").anew(),
    function("uuidv5", &[text("namespace"), text("name")], T, uuid_v5, "Gives the identifier of a name."),
];

fn of_text<D: Digest>(args: &Args<'_>) -> Outcome {
    Ok(Val::string(&hex(&D::digest(args.text(0)))))
}

fn of_file<D: Digest>(args: &Args<'_>) -> Outcome {
    Ok(Val::string(&hex(&D::digest(files::read(args)?))))
}

/// The cost where none is given.
const COST: u32 = 10;
/// The least and the highest cost: one more takes twice as long, and 16 takes seconds.
const COSTS: std::ops::RangeInclusive<i64> = 4..=16;
/// The bytes of a password that count.
const PASSWORD_LIMIT: usize = 72;

fn bcrypt(args: &Args<'_>) -> Outcome {
    let cost = match args.vals.len() {
        1 => COST,
        2 => args
            .whole(1)
            .ok()
            .filter(|cost| COSTS.contains(cost))
            .and_then(|cost| u32::try_from(cost).ok())
            .ok_or_else(|| FnError::arg(1, format!("a whole number from {} to {} is required", COSTS.start(), COSTS.end())))?,
        _ => return Err(FnError::arg(2, "there is one cost")),
    };
    let password = args.text(0);
    if password.len() > PASSWORD_LIMIT {
        return Err(FnError::arg(0, format!("it has more than {PASSWORD_LIMIT} bytes, and only so many count")));
    }
    let mut salt = [0; 16];
    for half in salt.chunks_mut(8) {
        half.copy_from_slice(&args.host.rng.next_u64().to_le_bytes());
    }
    let hash = bcrypt::hash_with_salt(password, cost, salt).map_err(|error| FnError::call(error.to_string()))?;
    Ok(Val::string(&hash.format_for_version(bcrypt::Version::TwoA)))
}

fn rsa_decrypt(_: &Args<'_>) -> Outcome {
    Err(FnError::call("\"rsadecrypt\" is not supported; decrypt before and give the result as a sensitive variable"))
}

fn uuid(args: &Args<'_>) -> Outcome {
    // All 128 bits are random, as in Terraform: no version is written into them.
    let (high, low) = (args.host.rng.next_u64(), args.host.rng.next_u64());
    Ok(Val::string(&Uuid::from_u64_pair(high, low).to_string()))
}

fn uuid_v5(args: &Args<'_>) -> Outcome {
    let space = match args.text(0) {
        "dns" => Uuid::NAMESPACE_DNS,
        "url" => Uuid::NAMESPACE_URL,
        "oid" => Uuid::NAMESPACE_OID,
        "x500" => Uuid::NAMESPACE_X500,
        other => Uuid::parse_str(other).map_err(|_| FnError::arg(0, "dns, url, oid, x500 or a UUID is required"))?,
    };
    Ok(Val::string(&Uuid::new_v5(&space, args.text(1).as_bytes()).to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, json, refuse};

    #[test]
    fn digests() {
        check(&[
            ("md5", r#"["hello"]"#, r#""5d41402abc4b2a76b9719d911017c592""#),
            ("sha1", r#"["hello"]"#, r#""aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d""#),
            ("base64sha256", r#"["hello"]"#, r#""LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=""#),
            ("filemd5", r#"["data/hello.txt"]"#, r#""bea8252ff4e80f41719ea13cdf007273""#),
            ("uuidv5", r#"["dns", "www.example.com"]"#, r#""2ed6657d-e927-568b-95e1-2665a8aea6a2""#),
        ]);
        refuse(&[("filesha256", r#"["none"]"#), ("rsadecrypt", r#"["x", "y"]"#), ("uuidv5", r#"["x", "y"]"#)]);
        assert_eq!(json("uuid", "[]").unwrap().len(), 38);
    }
}
