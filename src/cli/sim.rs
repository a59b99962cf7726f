//! `sim`: the simulator as a server for other clients.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;

use super::args::{SimArgs, SimClock};
use super::exit::{Ended, Exit, Failure};
use super::session::Session;
use crate::base::diag::Diagnostic;
use crate::sim::{self, ClockMode, Fault, Options, Rate, Scopes};
use crate::ui::view::View;

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
    view.line(&format!("Use it with DIGITALOCEAN_API_URL={} and any DIGITALOCEAN_TOKEN. Ctrl-C ends it.", running.url));
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
    let one =
        |line: &String| line.parse::<Fault>().map_err(|error| Failure::usage(Diagnostic::error(format!("`{line}` is no fault: {error}."))));
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
