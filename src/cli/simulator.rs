//! The embedded simulator of `--sim`: the one that runs already, or one of our own.

use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use url::Url;

use super::exit::Failure;
use crate::base::diag::Diagnostic;
use crate::base::durable::make_folder;
use crate::sim;

/// Where the simulator of a world answers, and the simulator if it was started here: it ends with that.
///
/// # Errors
/// If it cannot start.
pub async fn connect_or_start(world: &Path) -> Result<(Url, Option<sim::Running>), Failure> {
    let failed = |error: io::Error| Failure::from(Diagnostic::error(format!("The simulator cannot start: {error}.")));
    if let Some(folder) = world.parent() {
        make_folder(folder).map_err(failed)?;
    }
    // Another command may hold the world: then its server serves this one too. It may also end just now.
    let mut tries = 0;
    let (url, simulator) = loop {
        if let Some(url) = sim::running_at(world).map_err(failed)? {
            break (url, None);
        }
        match sim::start(sim::Options { world: Some(world.to_owned()), ..sim::Options::default() }).await {
            Ok(running) => break (running.url.clone(), Some(running)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && tries < 50 => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => return Err(failed(error)),
        }
    };
    let url: Url = url.parse().with_context(|| format!("The simulator's address `{url}` is not valid"))?;
    Ok((url, simulator))
}
