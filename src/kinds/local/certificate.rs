//! `tls_cert_request`, `tls_self_signed_cert` and `tls_locally_signed_cert`: requests and certificates for keys that are given.
//!
//! Invariant: as `hashicorp/tls` 4 has it. A certificate is not there any more once it is time to renew it, so the next plan makes
//! another one.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType, SerialNumber, date_time_ymd,
};

use super::der::pem;
use super::key::Key;
use super::{Context, Local, Made};
use crate::attr::{Attr, Change, Lit, Ty};
use crate::valid::Valid;
use dofloat_base::clock::Moment;
use dofloat_base::digest::{hex, sha1_hex};
use dofloat_base::identity::Id;
use dofloat_base::rng::entropy;
use dofloat_base::value::{Body, Value};

const fn given(name: &'static str, ty: Ty, doc: &'static str) -> Attr {
    Attr::optional(name, ty, Change::Replace, doc).write_only()
}

const fn needed(name: &'static str, ty: Ty, doc: &'static str) -> Attr {
    Attr::required(name, ty, Change::Replace, doc).write_only()
}

const fn made(name: &'static str, doc: &'static str) -> Attr {
    Attr::computed(name, Ty::String, doc).once()
}

const TEXTS: Ty = Ty::List(&Ty::String);
const ID: Attr = made("id", "A number without a meaning.");
const ALGORITHM: Attr = made("key_algorithm", "The key's algorithm.");
const KEY: Attr = needed("private_key_pem", Ty::String, "The key.").sensitive();
const NAMES: [Attr; 4] = [
    given("subject", Ty::List(&Ty::Object(SUBJECT)), "Whom it is about.").single(),
    given("dns_names", TEXTS, "The names of hosts."),
    given("ip_addresses", TEXTS, "The addresses of hosts."),
    given("uris", TEXTS, "Addresses of another kind."),
];
const TERMS: [Attr; 11] = [
    needed("validity_period_hours", Ty::Number, "How long it is valid, in hours.").valid(Valid::Between(0, 1_000_000)),
    needed("allowed_uses", TEXTS, "What the key may be used for.").valid(Valid::OneOf(USES)),
    Attr::optional("early_renewal_hours", Ty::Number, Change::Local, "How many hours before its end another one is made.")
        .write_only()
        .default(Lit::Int(0)),
    given("is_ca_certificate", Ty::Bool, "Whether it may sign others."),
    given("set_subject_key_id", Ty::Bool, "Whether it names its own key; those of an authority always do."),
    made("cert_pem", "The certificate."),
    made("validity_start_time", "When it begins to be valid."),
    made("validity_end_time", "When it ends."),
    Attr::computed("ready_for_renewal", Ty::Bool, "Whether it is time for another one; one that is there never says so.").once(),
    ID,
    ALGORITHM,
];

const SUBJECT: &[Attr] = &[
    given("common_name", Ty::String, "The name."),
    given("country", Ty::String, "The country."),
    given("locality", Ty::String, "The place."),
    given("organization", Ty::String, "The organisation."),
    given("organizational_unit", Ty::String, "The part of it."),
    given("postal_code", Ty::String, "The postal code."),
    given("province", Ty::String, "The province."),
    given("serial_number", Ty::String, "A number."),
    given("street_address", TEXTS, "The street."),
];

/// The uses by the provider's names, with what they are in a certificate.
const USES: &[&str] = &[
    "any_extended",
    "cert_signing",
    "client_auth",
    "code_signing",
    "content_commitment",
    "crl_signing",
    "data_encipherment",
    "decipher_only",
    "digital_signature",
    "email_protection",
    "encipher_only",
    "key_agreement",
    "key_encipherment",
    "ocsp_signing",
    "server_auth",
    "timestamping",
];

pub(super) static REQUEST: Local = Local {
    name: "tls_cert_request",
    attrs: &[ID, ALGORITHM, KEY, NAMES[0], NAMES[1], NAMES[2], NAMES[3], made("cert_request_pem", "The request.")],
    make: |_, wanted| {
        let (key, pair) = pair(wanted, "private_key_pem")?;
        let request = params(wanted)?.serialize_request(&pair).map_err(failed)?;
        let text = pem("CERTIFICATE REQUEST", request.der());
        let all = [("id", sha1_hex(text.as_bytes())), ("key_algorithm", key.algorithm().to_owned()), ("cert_request_pem", text)];
        Ok((None, all.into_iter().map(|(name, text)| (name.to_owned(), Value::from(text))).collect()))
    },
    ..Local::NOTHING
};

pub(super) static SELF_SIGNED: Local = Local {
    name: "tls_self_signed_cert",
    attrs: &[
        KEY,
        NAMES[0],
        NAMES[1],
        NAMES[2],
        NAMES[3],
        TERMS[0],
        TERMS[1],
        TERMS[2],
        TERMS[3],
        TERMS[4],
        TERMS[5],
        TERMS[6],
        TERMS[7],
        TERMS[8],
        TERMS[9],
        TERMS[10],
        given("set_authority_key_id", Ty::Bool, "Whether it names the key that signs it."),
    ],
    make: |context, wanted| {
        let (key, pair) = pair(wanted, "private_key_pem")?;
        let mut params = params(wanted)?;
        let terms = agreed(context, wanted, &mut params);
        let certificate = params.self_signed(&pair).map_err(failed)?;
        kept(&terms, key.algorithm(), certificate.der())
    },
    is_there,
    ..Local::NOTHING
};

pub(super) static LOCALLY_SIGNED: Local = Local {
    name: "tls_locally_signed_cert",
    attrs: &[
        needed("cert_request_pem", Ty::String, "The request."),
        needed("ca_private_key_pem", Ty::String, "The key of the authority.").sensitive(),
        needed("ca_cert_pem", Ty::String, "The certificate of the authority."),
        TERMS[0],
        TERMS[1],
        TERMS[2],
        TERMS[3],
        TERMS[4],
        TERMS[5],
        TERMS[6],
        TERMS[7],
        TERMS[8],
        TERMS[9],
        made("ca_key_algorithm", "The algorithm of the authority's key."),
    ],
    make: |context, wanted| {
        let (key, pair) = pair(wanted, "ca_private_key_pem")?;
        let issuer =
            Issuer::from_ca_cert_pem(text(wanted, "ca_cert_pem"), pair).map_err(|_| "`ca_cert_pem` is not a certificate in PEM")?;
        let request = CertificateSigningRequestParams::from_pem(text(wanted, "cert_request_pem"));
        let mut request = request.map_err(|error| match error {
            rcgen::Error::InvalidCertificationRequestSignature => {
                "the signature of `cert_request_pem` is wrong, or of a key that cannot be checked here, as those on P521".to_owned()
            }
            error => format!("`cert_request_pem` cannot be used: {error}"),
        })?;
        request.params.use_authority_key_identifier_extension = true;
        let terms = agreed(context, wanted, &mut request.params);
        let certificate = request.signed_by(&issuer).map_err(failed)?;
        let (id, mut body) = kept(&terms, key.algorithm(), certificate.der())?;
        let algorithm = body.remove("key_algorithm");
        body.extend(algorithm.map(|algorithm| ("ca_key_algorithm".to_owned(), algorithm)));
        Ok((id, body))
    },
    is_there,
    ..Local::NOTHING
};

fn failed(error: rcgen::Error) -> String {
    format!("the certificate cannot be made: {error}")
}

fn text<'a>(wanted: &'a Body, name: &str) -> &'a str {
    wanted.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn texts<'a>(wanted: &'a Body, name: &str) -> impl Iterator<Item = &'a str> {
    wanted.get(name).and_then(Value::as_list).unwrap_or_default().iter().filter_map(Value::as_str)
}

fn hours(wanted: &Body, name: &str) -> u64 {
    match wanted.get(name) {
        Some(Value::Number(number)) => number.as_u64().unwrap_or_default(),
        _ => 0,
    }
}

fn pair(wanted: &Body, name: &str) -> Result<(Key, KeyPair), String> {
    let unread = || format!("`{name}` is not a private key in PEM, or is encrypted");
    let key = Key::of_pem(text(wanted, name)).ok_or_else(unread)?;
    let pair = KeyPair::try_from(key.pkcs8()).map_err(|_| unread())?;
    Ok((key, pair))
}

fn params(wanted: &Body) -> Result<CertificateParams, String> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let subject = wanted.get("subject").and_then(Value::as_list).and_then(|blocks| blocks.first()?.as_map());
    // The numbers of X.520 for what the library has no name for.
    let of = |last: u64| DnType::CustomDnType(vec![2, 5, 4, last]);
    for (name, kind) in [
        ("country", DnType::CountryName),
        ("organization", DnType::OrganizationName),
        ("organizational_unit", DnType::OrganizationalUnitName),
        ("locality", DnType::LocalityName),
        ("province", DnType::StateOrProvinceName),
        ("street_address", of(9)),
        ("postal_code", of(17)),
        ("common_name", DnType::CommonName),
        ("serial_number", of(5)),
    ] {
        match subject.and_then(|subject| subject.get(name)) {
            Some(Value::Str(text)) if !text.is_empty() => params.distinguished_name.push(kind, text.as_str()),
            Some(Value::List(lines)) => {
                let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
                params.distinguished_name.push(kind, lines.join(", "));
            }
            _ => {}
        }
    }
    for name in texts(wanted, "dns_names") {
        let name = name.try_into().map_err(|_| format!("`dns_names`: `{name}` is not a name"))?;
        params.subject_alt_names.push(SanType::DnsName(name));
    }
    for address in texts(wanted, "ip_addresses") {
        let address = address.parse().map_err(|_| format!("`ip_addresses`: `{address}` is not an address"))?;
        params.subject_alt_names.push(SanType::IpAddress(address));
    }
    for uri in texts(wanted, "uris") {
        let uri = uri.try_into().map_err(|_| format!("`uris`: `{uri}` is not an address"))?;
        params.subject_alt_names.push(SanType::URI(uri));
    }
    Ok(params)
}

/// From when to when a certificate is valid, in seconds since 1970, and when it is time for another one; its number.
struct Agreed {
    from: u64,
    until: u64,
    renewal: u64,
    serial: [u8; 16],
}

fn agreed(context: &Context<'_>, wanted: &Body, params: &mut CertificateParams) -> Agreed {
    let Moment(millis) = context.now;
    let from = millis / 1000;
    let until = from + hours(wanted, "validity_period_hours") * 3600;
    let mut serial = entropy::<16>();
    // A positive number of full length.
    serial[0] = serial[0] & 0x7f | 0x40;
    let at = |second: u64| date_time_ymd(1970, 1, 1) + Duration::from_secs(second);
    (params.not_before, params.not_after) = (at(from), at(until));
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let is = |name: &str| wanted.get(name) == Some(&Value::Bool(true));
    params.is_ca = match (is("is_ca_certificate"), is("set_subject_key_id")) {
        (true, _) => IsCa::Ca(BasicConstraints::Unconstrained),
        (false, true) => IsCa::ExplicitNoCa,
        (false, false) => IsCa::NoCa,
    };
    params.use_authority_key_identifier_extension |= is("set_authority_key_id");
    (params.key_usages, params.extended_key_usages) = (Vec::new(), Vec::new());
    for name in texts(wanted, "allowed_uses") {
        params.key_usages.extend(use_of(name));
        params.extended_key_usages.extend(extended_use_of(name));
    }
    Agreed { from, until, renewal: until.saturating_sub(hours(wanted, "early_renewal_hours") * 3600), serial }
}

fn use_of(name: &str) -> Option<KeyUsagePurpose> {
    Some(match name {
        "cert_signing" => KeyUsagePurpose::KeyCertSign,
        "content_commitment" => KeyUsagePurpose::ContentCommitment,
        "crl_signing" => KeyUsagePurpose::CrlSign,
        "data_encipherment" => KeyUsagePurpose::DataEncipherment,
        "decipher_only" => KeyUsagePurpose::DecipherOnly,
        "digital_signature" => KeyUsagePurpose::DigitalSignature,
        "encipher_only" => KeyUsagePurpose::EncipherOnly,
        "key_agreement" => KeyUsagePurpose::KeyAgreement,
        "key_encipherment" => KeyUsagePurpose::KeyEncipherment,
        _ => return None,
    })
}

fn extended_use_of(name: &str) -> Option<ExtendedKeyUsagePurpose> {
    Some(match name {
        "any_extended" => ExtendedKeyUsagePurpose::Any,
        "client_auth" => ExtendedKeyUsagePurpose::ClientAuth,
        "code_signing" => ExtendedKeyUsagePurpose::CodeSigning,
        "email_protection" => ExtendedKeyUsagePurpose::EmailProtection,
        "ocsp_signing" => ExtendedKeyUsagePurpose::OcspSigning,
        "server_auth" => ExtendedKeyUsagePurpose::ServerAuth,
        "timestamping" => ExtendedKeyUsagePurpose::TimeStamping,
        _ => return None,
    })
}

fn kept(terms: &Agreed, algorithm: &str, certificate: &[u8]) -> Made {
    let moment = |second: u64| super::time::written_second(second).unwrap_or_default();
    let serial = hex(&terms.serial);
    let all = [
        ("id", serial.clone()),
        ("key_algorithm", algorithm.to_owned()),
        ("cert_pem", pem("CERTIFICATE", certificate)),
        ("validity_start_time", moment(terms.from)),
        ("validity_end_time", moment(terms.until)),
    ];
    let mut body: Body = all.into_iter().map(|(name, text)| (name.to_owned(), Value::from(text))).collect();
    body.insert("ready_for_renewal".to_owned(), false.into());
    Ok((Some(Id(format!("{} {serial}", terms.renewal))), body))
}

/// Until it is time for another one.
fn is_there(context: &Context<'_>, id: &Id) -> Result<bool, String> {
    let until = id.0.split_once(' ').and_then(|(second, _)| second.parse::<u64>().ok());
    Ok(until.is_none_or(|until| until.saturating_mul(1000) > context.now.0))
}
