//! HTTP requests to a server of the configuration's choice, for `data "http"`. What we fetch ourselves is in `download`.
//!
//! Invariant: no token is sent; an answer of any status is an answer; redirects are followed as browsers do. Headers and bodies of
//! requests are in no message.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Certificate, Identity, Method};
use url::Url;

use super::client::Client;
use super::connect::{cause, is_untrusted};

/// As many as the official provider follows.
const REDIRECTS: usize = 10;
/// More than any text that belongs into a plan.
const MOST: usize = 16 * 1024 * 1024;

/// A request.
#[derive(Clone, Default)]
pub struct HttpRequest {
    /// Where it goes.
    pub url: String,
    /// `GET`, `HEAD` or `POST`.
    pub method: String,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// What is sent.
    pub body: Option<String>,
    /// The time limit.
    pub timeout: Option<Duration>,
    /// Certificates to trust (PEM), in place of the system's.
    pub roots: Option<String>,
    /// The own certificate and key (PEM).
    pub identity: Option<String>,
    /// Whether any certificate is good enough.
    pub insecure: bool,
    /// How often it is asked again where there is no answer, or one of 429 or 5xx.
    pub retries: u32,
    /// The first and the longest pause before that.
    pub pauses: (Duration, Duration),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// Its headers, several of one name in one text.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Client {
    /// Asks, and asks again as long as it may.
    ///
    /// # Errors
    /// Why there is no answer, in a few words.
    pub async fn send_http(&self, request: &HttpRequest) -> Result<HttpResponse, String> {
        let url: Url = request.url.parse().map_err(|error| format!("`url` is not an address: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("`url` begins neither with https:// nor with http://".to_owned());
        }
        let connections = self.connections_of(request, url.scheme() == "http")?;
        let (mut pause, longest) = request.pauses;
        let mut left = request.retries;
        loop {
            let answer = once(&connections, request, &url).await;
            let again = match &answer {
                Ok(answer) => answer.status == 429 || (answer.status >= 500 && answer.status != 501),
                Err((_, is_final)) => !is_final,
            };
            if left == 0 || !again {
                return answer.map_err(|(why, _)| why);
            }
            left -= 1;
            self.clock().sleep(pause).await;
            pause = (pause * 2).min(longest.max(pause));
        }
    }

    fn connections_of(&self, request: &HttpRequest, plain: bool) -> Result<reqwest::Client, String> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("dofloat/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::limited(REDIRECTS))
            .timeout(request.timeout.unwrap_or(self.timeout()));
        let file = self
            .machine()
            .ca_file
            .as_deref()
            .map(std::fs::read)
            .transpose()
            .map_err(|error| format!("cannot read the file of root certificates: {error}"))?;
        let roots = request.roots.as_ref().map(|roots| roots.clone().into_bytes()).or(file);
        if let Some(roots) = roots {
            builder = builder.tls_certs_only(Certificate::from_pem_bundle(&roots).map_err(|_| "`ca_cert_pem` holds no certificate")?);
        }
        if let Some(identity) = &request.identity {
            let identity = Identity::from_pem(identity.as_bytes()).map_err(|_| "the client's certificate and key cannot be used")?;
            builder = builder.identity(identity);
        }
        if request.insecure {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        match builder.build() {
            Ok(connections) => Ok(connections),
            // A machine without any root certificates can speak plain HTTP all the same.
            Err(_) if plain => reqwest::Client::builder().tls_certs_only([]).build().map_err(|error| cause(&error)),
            Err(error) => Err(cause(&error)),
        }
    }
}

/// One attempt; where there is no answer, why, and whether another attempt is no use.
async fn once(connections: &reqwest::Client, request: &HttpRequest, url: &Url) -> Result<HttpResponse, (String, bool)> {
    let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| ("`method` is not valid".to_owned(), true))?;
    let mut ask = connections.request(method, url.clone());
    for (name, value) in &request.headers {
        ask = ask.header(name, value);
    }
    if let Some(body) = &request.body {
        ask = ask.body(body.clone());
    }
    let failed = |error: reqwest::Error| {
        let why = if error.is_timeout() { "it does not answer in time".to_owned() } else { cause(&error) };
        (why, is_untrusted(&error) || error.is_builder())
    };
    let mut answer = ask.send().await.map_err(failed)?;
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in answer.headers() {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.entry(canonical(name.as_str())).and_modify(|known| *known = format!("{known}, {value}")).or_insert(value);
    }
    let (status, mut body) = (answer.status().as_u16(), Vec::new());
    while let Some(part) = answer.chunk().await.map_err(failed)? {
        body.extend(part);
        if body.len() > MOST {
            return Err((format!("the answer is longer than {} MiB", MOST / 1024 / 1024), true));
        }
    }
    Ok(HttpResponse { status, headers, body })
}

/// A header's name as Go writes it: `Content-Type`.
fn canonical(name: &str) -> String {
    let part = |part: &str| {
        let mut letters = part.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
    };
    name.split('-').map(part).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn headers_are_named_as_go_names_them() {
        assert_eq!(["content-type", "etag", "x-a-b"].map(canonical), ["Content-Type", "Etag", "X-A-B"]);
    }
}
