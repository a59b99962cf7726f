//! Asking somebody other than the API, over plain HTTP: a server about its health, an address whether it answers.
//!
//! Invariant: no token is sent, no redirect followed, nothing is tried twice; a short time limit, and a short answer.

use super::client::Client;
use super::connect;

/// More than any document of health.
const MOST: usize = 64 * 1024;

impl Client {
    /// What a server answers at this address.
    ///
    /// # Errors
    /// Why there is no good answer, in a few words.
    pub async fn probe(&self, url: &str) -> Result<String, String> {
        let answer = self.prober().get(url).send().await.map_err(|error| words(&error))?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|error| words(&error))?;
        if !(status.is_success() || status.is_redirection()) {
            return Err(format!("it answers {}", status.as_u16()));
        }
        Ok(String::from_utf8_lossy(&bytes[..bytes.len().min(MOST)]).into_owned())
    }
}

fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() { "it does not answer".to_owned() } else { connect::cause(error).to_lowercase() }
}
