//! The pretend DigitalOcean: a server on loopback that behaves as the public description of the API says.
//!
//! Invariant: it shares no type with the client, so that one mistake cannot pass on both sides. `World::handle` is pure
//! and synchronous; `server` is the one door to it and does all waiting, cutting of lines and saving. Identifiers and
//! addresses derive from the seed and from names, never from the order of arrival.

mod account;
mod actions;
mod admin;
mod catalog;
mod connection;
mod domains;
mod driver;
mod droplet_actions;
mod droplets;
mod faults;
mod firewalls;
mod handle;
mod health;
mod ids;
mod images;
mod load_balancers;
mod log;
mod metadata;
mod neighbours;
mod objects;
mod placeholders;
mod plain;
mod projects;
mod rate;
mod records;
mod refusal;
mod regions;
mod reserved_ips;
mod routes;
mod scopes;
mod server;
mod sizes;
mod spaces;
mod ssh_keys;
mod store;
mod tags;
#[cfg(test)]
mod test_world;
mod time;
mod volumes;
mod vpcs;
mod wire;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

pub use admin::Summary;
pub use faults::{BadFault, Befalls, EVERY_FAULT, Fault, FaultKind, Matcher};
pub use log::Exchange;
pub use rate::Rate;
pub use routes::{RouteInfo, routes};
pub use scopes::Scopes;
pub use server::Running;
pub use spaces::SPACES_KEY;
pub use store::running_at;
pub use time::ClockMode;
pub use wire::{Delivery, Request, Response};
pub use world::World;

/// How a simulator is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Names and addresses, besides those of loopback, by which requests may call it: where something leads to it from outside.
    pub hosts: Vec<String>,
    /// The token of the paths below `/_sim`; one is made up where none is given.
    pub token: Option<String>,
    /// The file that keeps the world between processes; none keeps it in memory only.
    pub world: Option<PathBuf>,
    /// The seed of identifiers and addresses. A world that is already on disk keeps its own.
    pub seed: u64,
    /// How time passes.
    pub clock: ClockMode,
    /// The faults.
    pub faults: Vec<Fault>,
    /// Tokens and what they may do. Empty: any token that is not empty may do everything.
    pub tokens: BTreeMap<String, Scopes>,
    /// The request limit; none lets everything pass (the headers are there all the same).
    pub rate: Option<Rate>,
    /// The account's limits.
    pub limits: Limits,
    /// Slugs of images that are not offered although the catalogue has them.
    pub absent_images: BTreeSet<String>,
    /// A shell's command that is run for each event of a droplet or an address.
    pub driver: Option<String>,
    /// Where droplets find their metadata service; each is known by the address it asks from.
    pub metadata: Option<SocketAddr>,
    /// How late the metadata service notices that a reserved IP has moved.
    pub metadata_lag: Duration,
}

/// The limits of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Droplets.
    pub droplets: usize,
    /// Reserved IPs.
    pub reserved_ips: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { droplets: 25, reserved_ips: 3 }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            hosts: Vec::new(),
            token: None,
            world: None,
            seed: 1,
            clock: ClockMode::default(),
            faults: Vec::new(),
            tokens: BTreeMap::new(),
            rate: None,
            limits: Limits::default(),
            absent_images: BTreeSet::new(),
            driver: None,
            metadata: None,
            metadata_lag: Duration::ZERO,
        }
    }
}

/// Where the Spaces of a simulator are that answers at this address: a host for each region, as DigitalOcean has it.
#[must_use]
pub fn spaces_at(url: &str) -> String {
    url.replace("127.0.0.1", "{{.Region}}.localhost")
}

/// Starts a simulator and returns when it listens.
///
/// # Errors
/// The system's error; `WouldBlock` if another process holds the world (see [`running_at`]); `InvalidData` if the
/// world's file cannot be read.
pub async fn start(options: Options) -> io::Result<Running> {
    server::start(options).await
}
