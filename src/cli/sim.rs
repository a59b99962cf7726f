//! `sim`: the simulator as a server for other clients.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;

use super::exit::{Ended, Exit, Failure};
use super::options::duration;
use super::session::Session;
use crate::base::diag::Diagnostic;
use crate::sim::{self, ClockMode, Fault, Options, Rate, Scopes};
use crate::ui::view::View;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
pub struct SimArgs {
    /// Listen here; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8640")]
    pub listen: SocketAddr,
    /// Also accept requests to this host name or address, where they come from outside this machine; may be repeated
    #[arg(long, value_name = "HOST")]
    pub allow_host: Vec<String>,
    /// Keep the simulated account in this file; without it, nothing is kept
    #[arg(long, value_name = "FILE")]
    pub world: Option<PathBuf>,
    /// The seed of the IDs and addresses in a fresh account
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How time passes: "explicit" (things are done after --looks reads) or "real" (after the latencies)
    #[arg(long, value_name = "MODE", default_value = "explicit")]
    pub clock: SimClock,
    /// With the explicit clock: how many reads see an operation unfinished
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub looks: u32,
    /// With the real clock: how long every request takes
    #[arg(long, value_name = "TIME", default_value = "80ms", value_parser = duration)]
    pub latency: Duration,
    /// With the real clock: how long a droplet takes to become active
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = duration)]
    pub droplet_latency: Duration,
    /// With the real clock: how long any other action takes
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    pub action_latency: Duration,
    /// Inject a fault, for example "POST /v2/droplets#2 reset-after"; may be repeated
    #[arg(long, value_name = "FAULT")]
    pub fault: Vec<String>,
    /// Read faults from this file, one per line
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Accept only the tokens in this file, one per line, each followed by its scopes; a token without scopes may do everything
    #[arg(long, value_name = "FILE")]
    pub tokens: Option<PathBuf>,
    /// Enforce the request limits of the real API
    #[arg(long)]
    pub rate_limit: bool,
    /// Treat this image as withdrawn; may be repeated
    #[arg(long, value_name = "SLUG")]
    pub absent_image: Vec<String>,
    /// Run this shell command whenever a droplet is created, powered, rebooted or destroyed, or an address moves; its environment
    /// says which
    #[arg(long, value_name = "COMMAND")]
    pub driver: Option<String>,
    /// Serve droplet metadata at this address; a droplet is recognised by the address that it asks from
    #[arg(long, value_name = "ADDRESS")]
    pub metadata: Option<SocketAddr>,
    /// How long the metadata service takes to notice that an address has moved
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub metadata_lag: Duration,
}

/// How the simulator's time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SimClock {
    /// After so many reads.
    Explicit,
    /// After the latencies.
    Real,
}

/// Runs the command until it is interrupted.
///
/// # Errors
/// If it cannot start.
pub async fn run(args: &SimArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let clock = match args.clock {
        SimClock::Explicit => ClockMode::Explicit { looks: args.looks },
        SimClock::Real => ClockMode::Real { request: args.latency, droplet: args.droplet_latency, action: args.action_latency },
    };
    let options = Options {
        listen: args.listen,
        hosts: args.allow_host.clone(),
        token: session.environment.sim_token.clone(),
        world: args.world.clone(),
        seed: args.seed,
        clock,
        faults: faults(args)?,
        tokens: args.tokens.as_deref().map_or_else(|| Ok(BTreeMap::new()), tokens)?,
        rate: args.rate_limit.then(Rate::default),
        absent_images: args.absent_image.iter().cloned().collect::<BTreeSet<_>>(),
        driver: args.driver.clone(),
        metadata: args.metadata,
        metadata_lag: args.metadata_lag,
        ..Options::default()
    };
    session.to_the_end(served(options, session, view)).await
}

async fn served(options: Options, session: &Session<'_>, view: &mut View) -> Ended {
    let listen = options.listen;
    let mut running = sim::start(options).await.with_context(|| format!("The simulator cannot start on {listen}"))?;
    view.line(&format!("Simulating DigitalOcean at {}", running.url));
    view.line(&format!("Use it with DIGITALOCEAN_API_URL={} and any DIGITALOCEAN_TOKEN. Press Ctrl-C to stop it.", running.url));
    let (spaces, [id, secret]) = (sim::spaces_at(&running.url), sim::SPACES_KEY);
    view.line(&format!("For Spaces: SPACES_ENDPOINT_URL={spaces} SPACES_ACCESS_KEY_ID={id} SPACES_SECRET_ACCESS_KEY={secret}"));
    match &session.environment.sim_token {
        Some(_) => view.line("Requests below /_sim need `Authorization: Bearer` with the value of DOFLOAT_SIM_TOKEN."),
        None => view.line(&format!("Requests below /_sim need `Authorization: Bearer {}`.", running.token)),
    }
    let mut stop = session.stop();
    tokio::select! {
        () = running.wait() => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
    running.stop().await;
    Ok(Exit::Done)
}

fn faults(args: &SimArgs) -> Result<Vec<Fault>, Failure> {
    let mut lines = args.fault.clone();
    if let Some(path) = &args.faults {
        lines.extend(read(path)?.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned));
    }
    let one = |line: &String| {
        line.parse::<Fault>().map_err(|error| Failure::usage(Diagnostic::error(format!("`{line}` is not a valid fault: {error}."))))
    };
    lines.iter().map(one).collect()
}

fn tokens(path: &Path) -> Result<BTreeMap<String, Scopes>, Failure> {
    let text = read(path)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines
        .map(|line| match line.split_once(char::is_whitespace) {
            Some((token, scopes)) => (token.to_owned(), Scopes::parse(scopes)),
            None => (line.to_owned(), Scopes::All),
        })
        .collect())
}

fn read(path: &Path) -> Result<String, Failure> {
    Ok(std::fs::read_to_string(path).with_context(|| format!("Failed to read {}", path.display()))?)
}
