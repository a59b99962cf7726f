//! From settings to connections: which hosts may be talked to, whom to trust, how long to wait.
//!
//! Invariant: the token is opened here alone, for the header, which is marked sensitive; redirects are never followed; plain
//! HTTP is spoken to this machine and private networks only. Nothing is sent here.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Certificate;
use reqwest::header::HeaderValue;
use url::{Host, Url};

use super::carrier::Carrier;
use super::machine::Machine;
use super::spaces::Spaces;
use dofloat_base::clock::Clock;
use dofloat_base::rng::Rng;
use dofloat_base::secret::Secret;

/// Of 250 a minute: a node asks thrice a minute at most, and only while another is missing.
const RESERVE: u64 = 10;

/// What a client is made from.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The API's address, for example `https://api.digitalocean.com`; `/v2` is added unless it ends so already.
    pub base: Url,
    /// The token.
    pub token: Secret<String>,
    /// Where the token came from, as messages name it.
    pub token_source: String,
    /// How many times a failed request is repeated.
    pub retry_max: u32,
    /// The first pause before a repetition.
    pub retry_wait_min: Duration,
    /// The longest pause before a repetition.
    pub retry_wait_max: Duration,
    /// How many requests a second; 0 for as many as the API's own limits let through.
    pub requests_per_second: f64,
    /// The time limit of one attempt.
    pub timeout: Duration,
    /// The time.
    pub clock: Clock,
    /// Random numbers for jitter.
    pub rng: Arc<Rng>,
    /// A file of root certificates (PEM) to trust in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// A proxy for what is asked of others than the API.
    pub probe_through: Option<Url>,
    /// How many requests a minute are left to others who use the account: nodes, people, other runs.
    pub reserve: u64,
    /// What brings requests to the API in place of connections.
    pub carrier: Option<Carrier>,
    /// This machine, for what asks no API.
    pub machine: Machine,
    /// Where Spaces are, and what opens them.
    pub spaces: Spaces,
}

impl Settings {
    /// Settings with the official provider's defaults, and a minute for each attempt.
    #[must_use]
    pub fn new(base: Url, token: Secret<String>, clock: Clock, rng: Arc<Rng>) -> Self {
        Self {
            base,
            token,
            token_source: String::new(),
            retry_max: 4,
            retry_wait_min: Duration::from_secs(1),
            retry_wait_max: Duration::from_secs(30),
            requests_per_second: 0.0,
            timeout: Duration::from_secs(60),
            clock,
            rng,
            ca_file: None,
            probe_through: None,
            reserve: RESERVE,
            carrier: None,
            machine: Machine::default(),
            spaces: Spaces::default(),
        }
    }
}

/// Why no client could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The address is not one of an API.
    #[error("the API address `{address}` cannot be used: {why}")]
    Address {
        /// The address, without user name and password.
        address: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Plain HTTP to a public host.
    #[error("the API address `{address}` is plain HTTP, so the token would cross the network unencrypted")]
    Unencrypted {
        /// The address.
        address: String,
    },
    /// The token cannot be sent.
    #[error("the token is empty or holds characters that no token has")]
    Token,
    /// No roots to trust.
    #[error("the system's root certificates cannot be loaded: {why}")]
    Roots {
        /// The reason.
        why: String,
    },
    /// The given roots cannot be used.
    #[error("the file of root certificates `{}` cannot be used: {why}", path.display())]
    CaFile {
        /// Which file.
        path: PathBuf,
        /// The reason.
        why: String,
    },
    /// Anything else.
    #[error("the HTTP client cannot be made: {why}")]
    Other {
        /// The reason.
        why: String,
    },
}

impl ClientError {
    /// Whether it is the token that will not do.
    #[must_use]
    pub fn is_of_token(&self) -> bool {
        *self == Self::Token
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Address { .. } => Some("Give an address such as https://api.digitalocean.com."),
            Self::Unencrypted { .. } => Some("Use https; plain http is for this machine and private networks only."),
            Self::Token => Some("Look for line breaks, spaces or quotes in the place that the token comes from."),
            Self::Roots { .. } => Some("Install the package `ca-certificates`, or set SSL_CERT_FILE to a file of root certificates (PEM)."),
            Self::CaFile { .. } => Some("The file must hold one or more certificates in PEM form."),
            Self::Other { .. } => None,
        }
    }
}

/// The base with the API's version as its last segment.
pub(crate) fn base(settings: &Settings) -> Result<Url, ClientError> {
    let mut base = settings.base.clone();
    let address = || {
        let mut shown = settings.base.clone();
        let _ = (shown.set_username(""), shown.set_password(None));
        shown.to_string()
    };
    let fault = |why| Err(ClientError::Address { address: address(), why });
    let Some(host) = base.host() else { return fault("it names no host") };
    match base.scheme() {
        "https" => {}
        "http" if near(&host) => {}
        "http" => return Err(ClientError::Unencrypted { address: address() }),
        _ => return fault("it begins neither with https:// nor with http://"),
    }
    if !base.username().is_empty() || base.password().is_some() {
        return fault("it holds a user name or a password");
    }
    if base.query().is_some() || base.fragment().is_some() {
        return fault("it holds a query or a fragment");
    }
    let path = base.path().trim_end_matches('/').to_owned();
    base.set_path(&if path.ends_with("/v2") { path } else { format!("{path}/v2") });
    Ok(base)
}

/// The header that carries the token.
pub(crate) fn authorization(token: &Secret<String>) -> Result<HeaderValue, ClientError> {
    let token = token.expose();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ClientError::Token);
    }
    let mut header = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| ClientError::Token)?;
    header.set_sensitive(true);
    Ok(header)
}

/// The connections to the API.
pub(crate) fn connections(settings: &Settings) -> Result<reqwest::Client, ClientError> {
    connections_to(&settings.base, settings.timeout, settings.ca_file.as_deref())
}

/// Connections to any server, by the same rules.
///
/// # Errors
/// If there are no root certificates to trust.
pub fn connections_to(base: &Url, timeout: Duration, ca_file: Option<&Path>) -> Result<reqwest::Client, ClientError> {
    connections_at(base, None, timeout, ca_file)
}

/// The same to a server that is at this address, if one is given, whatever its name.
pub(crate) fn connections_at(
    base: &Url,
    at: Option<SocketAddr>,
    timeout: Duration,
    ca_file: Option<&Path>,
) -> Result<reqwest::Client, ClientError> {
    let plain = base.scheme() == "http";
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("dofloat/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .timeout(timeout)
        // Shorter than the whole, so that a host that does not answer at all is told from an answer that does not come.
        .connect_timeout((timeout / 2).min(Duration::from_secs(10)))
        // A connection that the other side is about to close must not be picked for a create.
        // (What HTTP/2 says that it did not process, the library repeats by itself; that is safe for a create, too.)
        .pool_idle_timeout(Duration::from_secs(15));
    if let (Some(at), Some(host)) = (at, base.host_str()) {
        builder = builder.resolve(host, at);
    }
    if plain {
        // No TLS is spoken, so no root certificates are needed, and a machine without any must do; what is near is reached
        // without a proxy.
        builder = builder.tls_certs_only([]).no_proxy();
    } else if let Some(path) = ca_file {
        let fault = |why: String| ClientError::CaFile { path: path.to_owned(), why };
        let text = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
        let roots = Certificate::from_pem_bundle(&text).map_err(|error| fault(cause(&error)))?;
        if roots.is_empty() {
            return Err(fault("it holds no certificate".into()));
        }
        builder = builder.tls_certs_only(roots);
    }
    builder.build().map_err(|error| {
        let why = cause(&error);
        if plain || ca_file.is_some() { ClientError::Other { why } } else { ClientError::Roots { why } }
    })
}

/// The innermost cause of an error: "connection refused" rather than "error sending request".
pub(crate) fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// Whether the other side could not prove who it is: an unknown issuer, another name, an expired certificate. Trying again
/// changes nothing. The library gives no type for it, so its words are what there is.
pub(crate) fn is_untrusted(error: &reqwest::Error) -> bool {
    cause(error).starts_with("invalid peer certificate")
}

/// Whether an address may be asked at all: over TLS, or by plain HTTP where nobody can listen.
pub(crate) fn may_be_asked(url: &Url) -> bool {
    url.scheme() == "https" || url.scheme() == "http" && url.host().is_some_and(|host| near(&host))
}

/// Whether a host is this machine or in a private network, as far as its name or address tells.
fn near(host: &Host<&str>) -> bool {
    match host {
        // A name without a dot, or in one of the zones that never are public.
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            let zone = name.rsplit_once('.').map(|(_, zone)| zone);
            zone.is_none_or(|zone| ["local", "internal", "lan", "test"].contains(&zone)) || name.ends_with(".home.arpa")
        }
        Host::Ipv4(address) => near_address(IpAddr::V4(*address)),
        Host::Ipv6(address) => near_address(address.to_ipv4_mapped().map_or(IpAddr::V6(*address), IpAddr::V4)),
    }
}

fn near_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

/// How long a probe may take: longer than a server needs that is there.
const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// The connections to anybody but the API, through a proxy if one is given.
pub(super) fn prober(through: Option<&Url>) -> Result<reqwest::Client, ClientError> {
    let other = |error: &reqwest::Error| ClientError::Other { why: cause(error) };
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PROBE_LIMIT)
        .connect_timeout(PROBE_LIMIT / 2)
        .pool_max_idle_per_host(0)
        .tls_certs_only([])
        .no_proxy();
    if let Some(through) = through {
        builder = builder.proxy(reqwest::Proxy::http(through.as_str()).map_err(|error| other(&error))?);
    }
    builder.build().map_err(|error| other(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dofloat_base::clock::Moment;

    fn settings(address: &str) -> Settings {
        let base = Url::parse(address).expect("an address");
        Settings::new(base, Secret::new("hunter2".into()), Clock::virtual_at(Moment(0)), Arc::new(Rng::seeded(1)))
    }

    fn check(address: &str, expected: &str) {
        let text = match base(&settings(address)) {
            Ok(url) => url.to_string(),
            Err(error) => format!("{error} {}", error.hint().unwrap_or_default()),
        };
        assert!(text.contains(expected), "{address}: {text}");
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn the_version_is_added_once() {
        check("https://api.digitalocean.com", "https://api.digitalocean.com/v2");
        check("https://api.digitalocean.com/v2/", "https://api.digitalocean.com/v2");
        check("http://127.0.0.1:8080/do", "http://127.0.0.1:8080/do/v2");
    }

    #[test]
    fn plain_http_stays_near() {
        for near in ["127.0.0.1", "[::1]", "10.1.2.3", "172.16.0.1", "192.168.1.1", "mock", "api.test", "[fd00::1]", "[::ffff:10.0.0.1]"] {
            check(&format!("http://{near}:8080"), "/v2");
        }
        for far in ["api.digitalocean.com", "8.8.8.8", "172.32.0.1", "[2606:4700::1]", "[::ffff:8.8.8.8]", "local.example.com"] {
            check(&format!("http://{far}"), "would cross the network unencrypted Use https");
        }
    }

    #[test]
    fn strange_addresses_are_refused() {
        check("ftp://example.com", "begins neither with https://");
        check("https://me:hunter2@example.com", "user name or a password");
        check("https://example.com/?a=b", "query or a fragment");
        check("data:text/plain,x", "names no host");
    }

    #[test]
    fn a_token_that_cannot_be_sent_is_refused() {
        for token in ["", "hunter2\n", "two words", "hunter2\u{e9}"] {
            assert_eq!(authorization(&Secret::new(token.into())), Err(ClientError::Token), "{token:?}");
        }
        let header = authorization(&Secret::new("hunter2".into())).expect("a header");
        assert!(header.is_sensitive());
        assert!(!format!("{header:?}").contains("hunter2"));
    }

    #[test]
    fn a_file_of_roots_must_hold_some() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("roots.pem");
        let https = || Settings { ca_file: Some(path.clone()), ..settings("https://api.example.com") };
        let missing = connections(&https()).expect_err("no file");
        assert!(matches!(&missing, ClientError::CaFile { .. }), "{missing}");
        dofloat_base::durable::write_atomic(&path, b"no certificate\n", 0o600).expect("written");
        let empty = connections(&https()).expect_err("no certificate");
        assert!(empty.to_string().ends_with("roots.pem` cannot be used: it holds no certificate"), "{empty}");
    }
}
