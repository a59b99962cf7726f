//! What pairs and their arbiter know each other by: keys and certificates, made here and kept in the encrypted file.
//!
//! Invariant: each is made once, with a key of its own from the system's generator; the authority's key never leaves the file.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

use crate::base::address::Address;
use crate::base::diag::Diagnostic;
use crate::base::secret::Secret;
use crate::bootstrap::arbiter::Certificates;
use crate::cli::exit::Failure;
use crate::state::secrets::Secrets;

/// The names in the encrypted file; a pair's begins with its address.
const AUTHORITY: &str = "arbiter authority";
const ARBITER: &str = "arbiter own";
const PAIR: &str = "arbiter-";

/// By which corosync-qdevice knows that it talks to an arbiter.
const ARBITER_SUBJECT: &str = "Qnetd Server";
const AUTHORITY_SUBJECT: &str = "dofloat arbiter authority";

/// The authority and the arbiter of a stack, made if they are not there.
///
/// # Errors
/// If they cannot be made.
pub fn of_arbiter(kept: &mut Secrets) -> Result<Certificates, Failure> {
    let authority = of_authority(kept)?;
    let arbiter = entry(kept, ARBITER, || issued(&authority, ARBITER_SUBJECT, ExtendedKeyUsagePurpose::ServerAuth))?;
    Ok(Certificates { authority: authority.map(|text| certificate(text)), arbiter })
}

/// The same if they are there.
#[must_use]
pub fn kept_of_arbiter(kept: &Secrets) -> Option<Certificates> {
    Some(Certificates { authority: text(kept, AUTHORITY)?.map(|text| certificate(text)), arbiter: text(kept, ARBITER)? })
}

/// The key and certificate of a pair, made if they are not there. It is known by the name that its corosync has.
///
/// # Errors
/// If they cannot be made.
pub fn of_pair(kept: &mut Secrets, cluster: &Address, cluster_name: &str) -> Result<Secret<String>, Failure> {
    let authority = of_authority(kept)?;
    let name = name_of(cluster, &format!("{PAIR}{cluster_name}"));
    entry(kept, &name, || issued(&authority, cluster_name, ExtendedKeyUsagePurpose::ClientAuth))
}

/// The name of a cluster's secret in the file.
pub(super) fn name_of(cluster: &Address, what: &str) -> String {
    format!("{cluster} {what}")
}

/// Forgets the authority and the arbiter where no pair is left that has one.
pub fn forget(kept: &mut Secrets) {
    if !kept.generated.keys().any(|name| name.rsplit_once(' ').is_some_and(|(_, what)| what.starts_with(PAIR))) {
        kept.generated.remove(AUTHORITY);
        kept.generated.remove(ARBITER);
    }
}

/// The secret part of it: without the lines that every key and certificate has.
#[must_use]
pub fn body(text: &Secret<String>) -> Secret<String> {
    text.map(|text| text.lines().take_while(|line| !line.contains("BEGIN CERTIFICATE")).filter(|line| !line.starts_with('-')).collect())
}

fn of_authority(kept: &mut Secrets) -> Result<Secret<String>, Failure> {
    entry(kept, AUTHORITY, || {
        let key = KeyPair::generate()?;
        Ok(Secret::new(key.serialize_pem() + &authority()?.self_signed(&key)?.pem()))
    })
}

type Made = Result<Secret<String>, rcgen::Error>;

/// An entry of the file; keys and certificates are text.
fn text(kept: &Secrets, name: &str) -> Option<Secret<String>> {
    kept.generated.get(name).map(|bytes| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

fn entry(kept: &mut Secrets, name: &str, make: impl FnOnce() -> Made) -> Result<Secret<String>, Failure> {
    if let Some(found) = text(kept, name) {
        return Ok(found);
    }
    let made = make().map_err(|error| Diagnostic::error(format!("Failed to create the arbiter's certificates: {error}.")))?;
    kept.generated.insert(name.to_owned(), made.map(|text| text.as_bytes().to_vec()));
    Ok(made)
}

fn issued(authority: &Secret<String>, subject: &str, usage: ExtendedKeyUsagePurpose) -> Made {
    let made: Secret<Result<String, rcgen::Error>> = authority.map(|text| {
        let issuer = Issuer::new(self::authority()?, KeyPair::from_pem(text)?);
        let key = KeyPair::generate()?;
        let mut params = params(subject)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        Ok(key.serialize_pem() + &params.signed_by(&key, &issuer)?.pem())
    });
    made.transpose()
}

fn authority() -> Result<CertificateParams, rcgen::Error> {
    let mut params = params(AUTHORITY_SUBJECT)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    Ok(params)
}

/// They are valid for as long as a pair may live, as those are that corosync's own tools make: nobody would be there to renew them.
fn params(subject: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, subject);
    params.distinguished_name = name;
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2120, 1, 1));
    Ok(params)
}

/// The part behind the key.
fn certificate(text: &str) -> String {
    text.find("-----BEGIN CERTIFICATE").map_or_else(String::new, |at| text[at..].to_owned())
}
