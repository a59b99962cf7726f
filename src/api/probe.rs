//! Asking somebody other than the API, over plain HTTP: a server about its health, an address whether it answers.
//!
//! Invariant: no token is sent, no redirect followed, nothing is tried twice; a short time limit, and a short answer.

use super::carrier::{Broken, Carried, Carrier};
use super::client::Client;
use super::connect;
use super::request::Method;

/// More than any document of health.
const MOST: usize = 64 * 1024;

impl Client {
    /// What a server answers at this address.
    ///
    /// # Errors
    /// Why there is no good answer, in a few words.
    pub async fn probe(&self, url: &str) -> Result<String, String> {
        if let Some(answered) = self.carried(url).await {
            return answered;
        }
        let answer = self.prober().get(url).send().await.map_err(|error| words(&error))?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|error| words(&error))?;
        told(status.as_u16(), &bytes)
    }

    /// The same where requests are carried.
    async fn carried(&self, url: &str) -> Option<Result<String, String>> {
        let Carrier(carry) = self.carrier()?;
        let url = match url.parse() {
            Ok(url) => url,
            Err(error) => return Some(Err(format!("{error}"))),
        };
        let brought = carry(Carried { method: Method::Get.name(), url, body: None }).await;
        Some(match brought {
            Ok(brought) => told(brought.status, &brought.body),
            Err(Broken::Unsent(why) | Broken::Lost(why)) => Err(why),
            Err(Broken::Off(_)) => Err("its answer broke off".to_owned()),
        })
    }
}

fn told(status: u16, bytes: &[u8]) -> Result<String, String> {
    match status {
        200..400 => Ok(String::from_utf8_lossy(&bytes[..bytes.len().min(MOST)]).into_owned()),
        status => Err(format!("it answers {status}")),
    }
}

fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() { "it does not answer".to_owned() } else { connect::cause(error).to_lowercase() }
}
