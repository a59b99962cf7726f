//! Downloads from others than the API: what a registry answers, archives of modules.
//!
//! Invariant: no token is sent; redirects are followed a few times, and never from TLS to none; an answer has a limit. Plain HTTP is
//! spoken to this machine and private networks only.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::connect::{self, cause, connections_to};

/// How often somebody may send us on.
const REDIRECTS: usize = 5;

/// What gets things.
#[derive(Clone, Debug)]
pub struct Downloader {
    /// A file of root certificates (PEM) to trust in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// The time limit of each request.
    pub limit: Duration,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Downloaded {
    /// Who answered in the end.
    pub url: Url,
    /// The status.
    pub status: u16,
    /// The header `X-Terraform-Get`.
    pub get: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Downloader {
    /// Gets what lies at an address, `most` bytes of it.
    ///
    /// # Errors
    /// Why there is no answer, in a few words.
    pub async fn get(&self, url: &Url, most: usize) -> Result<Downloaded, String> {
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            if !connect::may_be_asked(&url) {
                return Err(format!("{} is not asked without TLS", url.host_str().unwrap_or_default()));
            }
            let connections = connections_to(&url, self.limit, self.ca_file.as_deref()).map_err(|error| error.to_string())?;
            let mut answer = connections.get(url.clone()).send().await.map_err(|error| self.reason(error))?;
            let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
            let (next, get) = (header("location"), header("x-terraform-get"));
            if answer.status().is_redirection()
                && let Some(next) = next
            {
                let next = url.join(&next).map_err(|error| format!("it leads to what is no address: {error}"))?;
                if url.scheme() == "https" && next.scheme() != "https" {
                    return Err("it leads to an address without TLS".to_owned());
                }
                url = next;
                continue;
            }
            let mut body = Vec::new();
            while let Some(piece) = answer.chunk().await.map_err(|error| self.reason(error))? {
                if body.len() + piece.len() > most {
                    return Err(format!("it is larger than {} MiB", most >> 20));
                }
                body.extend_from_slice(&piece);
            }
            return Ok(Downloaded { url, status: answer.status().as_u16(), get, body });
        }
        Err(format!("it leads on more than {REDIRECTS} times"))
    }

    fn reason(&self, error: reqwest::Error) -> String {
        if error.is_timeout() { format!("there is no answer within {} s", self.limit.as_secs()) } else { cause(&error) }
    }
}
