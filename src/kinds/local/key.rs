//! Private keys: made, read from any of their usual forms, and written in all of them.
//!
//! Invariant: keys are drawn by the house's TLS library from the system's generator; no message quotes one.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use md5::{Digest as _, Md5};
use sha2::Sha256;

use super::der::{BITS, INTEGER, OBJECT, OCTETS, bits, der, members, mpint, pem, sequence, ssh, unpem, unssh, values};
use dofloat_base::digest::{hex, sha1_hex};
use dofloat_base::rng::entropy;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const ZERO: &[u8] = &[INTEGER, 1, 0];
const NULL: &[u8] = &[0x05, 0];

/// A curve of the NIST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

const CURVES: [Curve; 3] = [Curve::P256, Curve::P384, Curve::P521];

impl Curve {
    pub(crate) fn of(name: &str) -> Option<Self> {
        CURVES.into_iter().find(|curve| format!("{curve:?}") == name)
    }

    fn object(self) -> &'static [u8] {
        match self {
            Self::P256 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
            Self::P384 => &[0x2b, 0x81, 0x04, 0x00, 0x22],
            Self::P521 => &[0x2b, 0x81, 0x04, 0x00, 0x23],
        }
    }

    fn ssh(self) -> &'static str {
        match self {
            Self::P256 => "nistp256",
            Self::P384 => "nistp384",
            Self::P521 => "nistp521",
        }
    }

    fn signing(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
            Self::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
            Self::P521 => &ECDSA_P521_SHA512_ASN1_SIGNING,
        }
    }
}

/// A private key.
pub(crate) enum Key {
    /// The numbers of PKCS #1: n, e, d, p, q, dp, dq, and the inverse of q.
    Rsa(Vec<Vec<u8>>),
    /// The number, and the point.
    Ec(Curve, Vec<u8>, Vec<u8>),
    /// The seed, and the point.
    Ed25519(Vec<u8>, Vec<u8>),
}

/// A failure that has nothing to say.
const FAILED: &str = "the key cannot be made";

impl Key {
    /// A new RSA key.
    pub(crate) fn rsa(size: i64) -> Result<Self, String> {
        let size = match size {
            2048 => KeySize::Rsa2048,
            3072 => KeySize::Rsa3072,
            4096 => KeySize::Rsa4096,
            _ => KeySize::Rsa8192,
        };
        let key = RsaKeyPair::generate(size).map_err(|_| FAILED)?;
        let encoded: Pkcs8V1Der<'_> = key.as_der().map_err(|_| FAILED)?;
        Ok(Self::of_pkcs8(encoded.as_ref()).ok_or(FAILED)?)
    }

    /// A new key on a curve.
    pub(crate) fn ec(curve: Curve) -> Result<Self, String> {
        let encoded = EcdsaKeyPair::generate_pkcs8(curve.signing(), &SystemRandom::new()).map_err(|_| FAILED)?;
        Ok(Self::of_pkcs8(encoded.as_ref()).ok_or(FAILED)?)
    }

    /// A new Ed25519 key.
    pub(crate) fn ed25519() -> Result<Self, String> {
        Ok(Self::of_seed(&entropy::<32>()).ok_or(FAILED)?)
    }

    fn of_seed(seed: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        Some(Self::Ed25519(seed.to_vec(), pair.public_key().as_ref().to_vec()))
    }

    /// The key in a PEM text of PKCS #1, SEC 1, PKCS #8 or OpenSSH; an encrypted one cannot be read.
    pub(crate) fn of_pem(text: &str) -> Option<Self> {
        let (label, bytes) = unpem(text)?;
        match label.as_str() {
            "RSA PRIVATE KEY" => Self::of_pkcs1(&bytes),
            "EC PRIVATE KEY" => Self::of_sec1(&bytes, None),
            "PRIVATE KEY" => Self::of_pkcs8(&bytes),
            "OPENSSH PRIVATE KEY" => Self::of_openssh(&bytes),
            _ => None,
        }
    }

    fn of_pkcs1(bytes: &[u8]) -> Option<Self> {
        let numbers: Vec<Vec<u8>> = members(bytes)?.into_iter().skip(1).map(|(_, number)| number.to_vec()).collect();
        (numbers.len() == 8).then_some(Self::Rsa(numbers))
    }

    fn of_sec1(bytes: &[u8], curve: Option<Curve>) -> Option<Self> {
        let parts = members(bytes)?;
        let own = parts.iter().find(|(tag, _)| *tag == 0xa0).and_then(|(_, own)| values(own)?.first().map(|(_, object)| object.to_vec()));
        let curve = curve.or_else(|| CURVES.into_iter().find(|curve| own.as_deref() == Some(curve.object())))?;
        let number = parts.iter().find(|(tag, _)| *tag == OCTETS)?.1.to_vec();
        let (_, point) = parts.iter().find(|(tag, _)| *tag == 0xa1)?;
        let point = values(point)?.first().filter(|(tag, _)| *tag == BITS)?.1.get(1..)?.to_vec();
        Some(Self::Ec(curve, number, point))
    }

    fn of_pkcs8(bytes: &[u8]) -> Option<Self> {
        let parts = members(bytes)?;
        let ((_, algorithm), (_, inner)) = (parts.get(1)?, parts.get(2)?);
        let algorithm = values(algorithm)?;
        match algorithm.first()?.1 {
            RSA => Self::of_pkcs1(inner),
            EC => {
                Self::of_sec1(inner, CURVES.into_iter().find(|curve| algorithm.get(1).is_some_and(|(_, object)| *object == curve.object())))
            }
            ED25519 => Self::of_seed(values(inner)?.first()?.1),
            _ => None,
        }
    }

    fn of_openssh(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
        let (cipher, rest) = unssh(rest)?;
        let (_, rest) = unssh(rest)?;
        let (_, rest) = unssh(rest)?;
        let (_, rest) = unssh(rest.get(4..)?)?;
        let (private, _) = unssh(rest)?;
        if cipher != b"none" {
            return None;
        }
        let mut strings = Vec::new();
        let mut rest = private.get(8..)?;
        while let Some((string, more)) = unssh(rest) {
            strings.push(string);
            rest = more;
        }
        match strings.as_slice() {
            [b"ssh-ed25519", _, both, ..] => Self::of_seed(both.get(..32)?),
            _ => None,
        }
    }

    /// By the name that the provider has for its algorithm.
    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RSA",
            Self::Ec(..) => "ECDSA",
            Self::Ed25519(..) => "ED25519",
        }
    }

    /// PKCS #1, SEC 1, or PKCS #8 where there is no older form.
    pub(crate) fn pem(&self) -> String {
        match self {
            Self::Rsa(numbers) => pem("RSA PRIVATE KEY", &pkcs1(numbers)),
            Self::Ec(curve, number, point) => {
                let object = der(0xa0, &der(OBJECT, curve.object()));
                let parts = [vec![INTEGER, 1, 1], der(OCTETS, number), object, der(0xa1, &bits(point))];
                pem("EC PRIVATE KEY", &sequence(&parts))
            }
            Self::Ed25519(..) => self.pem_pkcs8(),
        }
    }

    /// PKCS #8.
    pub(crate) fn pkcs8(&self) -> Vec<u8> {
        let inner = match self {
            Self::Rsa(numbers) => pkcs1(numbers),
            Self::Ec(_, number, point) => sequence(&[vec![INTEGER, 1, 1], der(OCTETS, number), der(0xa1, &bits(point))]),
            Self::Ed25519(seed, _) => der(OCTETS, seed),
        };
        sequence(&[ZERO.to_vec(), self.identifier(), der(OCTETS, &inner)])
    }

    /// PKCS #8.
    pub(crate) fn pem_pkcs8(&self) -> String {
        pem("PRIVATE KEY", &self.pkcs8())
    }

    fn identifier(&self) -> Vec<u8> {
        match self {
            Self::Rsa(_) => sequence(&[der(OBJECT, RSA), NULL.to_vec()]),
            Self::Ec(curve, ..) => sequence(&[der(OBJECT, EC), der(OBJECT, curve.object())]),
            Self::Ed25519(..) => sequence(&[der(OBJECT, ED25519)]),
        }
    }

    fn public(&self) -> Vec<u8> {
        let inner = match self {
            Self::Rsa(numbers) => sequence(&[der(INTEGER, &numbers[0]), der(INTEGER, &numbers[1])]),
            Self::Ec(_, _, point) | Self::Ed25519(_, point) => point.clone(),
        };
        sequence(&[self.identifier(), bits(&inner)])
    }

    /// The public key in PEM.
    pub(crate) fn public_pem(&self) -> String {
        pem("PUBLIC KEY", &self.public())
    }

    /// The SHA-1 of the public key.
    pub(crate) fn id(&self) -> String {
        sha1_hex(&self.public())
    }

    fn ssh_name(&self) -> String {
        match self {
            Self::Rsa(_) => "ssh-rsa".to_owned(),
            Self::Ec(curve, ..) => format!("ecdsa-sha2-{}", curve.ssh()),
            Self::Ed25519(..) => "ssh-ed25519".to_owned(),
        }
    }

    fn ssh_public(&self) -> Vec<u8> {
        let own = match self {
            Self::Rsa(numbers) => [mpint(&numbers[1]), mpint(&numbers[0])].concat(),
            Self::Ec(curve, _, point) => [ssh(curve.ssh().as_bytes()), ssh(point)].concat(),
            Self::Ed25519(_, point) => ssh(point),
        };
        [ssh(self.ssh_name().as_bytes()), own].concat()
    }

    /// A line of `authorized_keys`.
    pub(crate) fn public_openssh(&self) -> String {
        format!("{} {}\n", self.ssh_name(), STANDARD.encode(self.ssh_public()))
    }

    /// By MD5, as old clients show it.
    pub(crate) fn fingerprint_md5(&self) -> String {
        let digest = Md5::digest(self.ssh_public());
        digest.iter().map(|byte| hex(&[*byte])).collect::<Vec<_>>().join(":")
    }

    /// By SHA-256.
    pub(crate) fn fingerprint_sha256(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(self.ssh_public())))
    }

    /// As OpenSSH writes its own keys, without a passphrase.
    pub(crate) fn private_openssh(&self) -> String {
        let own = match self {
            Self::Rsa(numbers) => [0, 1, 2, 7, 3, 4].iter().flat_map(|at| mpint(&numbers[*at])).collect(),
            Self::Ec(curve, number, point) => [ssh(curve.ssh().as_bytes()), ssh(point), mpint(number)].concat(),
            Self::Ed25519(seed, point) => [ssh(point), ssh(&[seed.as_slice(), point].concat())].concat(),
        };
        let check = entropy::<4>();
        let mut private = [&check[..], &check, &ssh(self.ssh_name().as_bytes()), &own, &ssh(b"")].concat();
        // Filled up by 1, 2, 3, …
        private.extend((1..=u8::try_from((8 - private.len() % 8) % 8).unwrap_or_default()).collect::<Vec<u8>>());
        let head = [b"openssh-key-v1\0".to_vec(), ssh(b"none"), ssh(b"none"), ssh(b""), vec![0, 0, 0, 1]].concat();
        pem("OPENSSH PRIVATE KEY", &[head, ssh(&self.ssh_public()), ssh(&private)].concat())
    }
}

fn pkcs1(numbers: &[Vec<u8>]) -> Vec<u8> {
    let numbers = numbers.iter().map(|number| der(INTEGER, number));
    sequence(&std::iter::once(ZERO.to_vec()).chain(numbers).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<Key> {
        let curves = CURVES.into_iter().map(|curve| Key::ec(curve).unwrap());
        curves.chain([Key::rsa(2048).unwrap(), Key::ed25519().unwrap()]).collect()
    }

    #[test]
    fn a_key_is_read_from_every_form_that_it_is_written_in() {
        for key in keys() {
            let forms = [key.pem(), key.pem_pkcs8()];
            let openssh = matches!(key, Key::Ed25519(..)).then(|| key.private_openssh());
            for form in forms.into_iter().chain(openssh) {
                let read = Key::of_pem(&form).unwrap();
                assert_eq!((read.pem(), read.public_openssh()), (key.pem(), key.public_openssh()), "{}", key.algorithm());
            }
            for cut in (0..key.pem().len()).step_by(37) {
                let _ = Key::of_pem(&key.pem()[..cut]);
            }
        }
        assert!(Key::of_pem("").is_none() && Key::of_pem(&pem("RSA PRIVATE KEY", &[0x30, 3, 2, 1, 0])).is_none());
    }

    /// RFC 8032, test 1; the line and the fingerprint are those of `ssh-keygen`.
    #[test]
    fn the_forms_of_a_known_key_are_known() {
        let seed: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&SEED[2 * at..2 * at + 2], 16).unwrap()).collect();
        let key = Key::of_seed(&seed).unwrap();
        let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea\n";
        assert_eq!(key.public_openssh(), line);
        assert!(key.public_pem().contains("MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
    }

    const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
}
