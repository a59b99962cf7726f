//! The arbiter of pairs: what it and the pairs know each other by, and the script that makes a host one.
//!
//! Invariant: deterministic. The script is the user-data of an arbiter's droplet, and what an operator runs on a host of theirs. What
//! is done on a pair's node stands in `user_data`.

use super::heredoc::{END, WRITE};
use dofloat_base::digest::{Digest, Salt};
use dofloat_base::secret::Secret;
use dofloat_base::value::Value;

/// Certificates and keys in PEM. One authority serves all pairs of a stack, so that they can share an arbiter.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The authority's certificate.
    pub authority: Secret<String>,
    /// The arbiter's key and certificate.
    pub arbiter: Secret<String>,
}

/// The data that a node has about its arbiter.
#[derive(Clone, Debug)]
pub struct ArbiterAccess {
    /// Where it is.
    pub address: String,
    /// The authority's certificate.
    pub authority: Secret<String>,
    /// The pair's key and certificate.
    pub pair: Secret<String>,
}

impl Certificates {
    /// By which certificates are told from others.
    #[must_use]
    pub fn digest(&self, salt: &Salt) -> Digest {
        Digest::of(&self.authority.zip(&self.arbiter, |one, other| Value::from(format!("{one}{other}").as_str())), salt)
    }
}

/// The shell script that makes a host the arbiter.
#[must_use]
pub fn script(certificates: &Certificates) -> Secret<String> {
    certificates.authority.zip(&certificates.arbiter, |authority, arbiter| {
        let files = [
            ("600", "/etc/dofloat/arbiter/authority.pem", authority.as_str()),
            ("600", "/etc/dofloat/arbiter/arbiter.pem", arbiter.as_str()),
            ("755", "/usr/local/lib/dofloat/qnetd", include_str!("node/qnetd.sh")),
            ("644", "/etc/systemd/system/dofloat-arbiter.service", include_str!("node/systemd/dofloat-arbiter.service")),
            ("644", "/etc/systemd/system/corosync-qnetd.service.d/dofloat.conf", SHUT),
        ];
        let write = |(mode, path, text): (&str, &str, &str)| format!("write {mode} {path} << '{END}'\n{}\n{END}\n", text.trim_end());
        format!("#!/bin/sh\nset -eu\n{WRITE}{}{TAIL}", files.map(write).concat())
    })
}

/// What the metadata service tells holds the arbiter's key: nothing that listens may fetch it.
const SHUT: &str = "[Service]\nIPAddressDeny=169.254.169.254\n";

const TAIL: &str = "\
systemctl daemon-reload
systemctl enable dofloat-arbiter.service
systemctl restart --no-block dofloat-arbiter.service
";
