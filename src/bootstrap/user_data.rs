//! User-data: what a node is told at its birth, from which it becomes a member of its pair by itself.
//!
//! Invariant: deterministic, and at most 64 KiB. What runs on a node are the files of `node/`, byte for byte; values reach
//! them in `/etc/dofloat/cluster.env`, secrets in files that only root reads. No address of a peer stands here: nodes find
//! each other by their tag.

use std::net::Ipv4Addr;

use crate::base::secret::Secret;

/// The API takes no more than this.
pub const LIMIT: usize = 64 * 1024;

/// A node that is about to be made.
#[derive(Clone, Debug)]
pub struct Node {
    /// What its image can do.
    pub release: Release,
    /// The name of the cluster in corosync and in its configuration.
    pub cluster_name: String,
    /// Its own name, which is its droplet's.
    pub name: String,
    /// All names. The place of a name, from 1, is its nodeid; the first writes the cluster's configuration.
    pub nodes: Vec<String>,
    /// What its droplet and its peers' carry, `dofloat:<stack>-<lineage>:<cluster>`.
    pub tag: String,
    /// The address that the cluster moves.
    pub floating_ip: Ipv4Addr,
    /// The API without its `/v2`, `https://api.digitalocean.com`.
    pub api_url: String,
    /// Where its health can be read.
    pub health_port: u16,
    /// The same: a path that begins with `/`.
    pub health_path: String,
    /// What it serves.
    pub service: Service,
    /// How its corosync speaks to others.
    pub transport: Transport,
    /// For how many milliseconds a silent peer is waited for.
    pub token_timeout: u32,
    /// What it does when it is alone and has not seen its peer since it started.
    pub no_quorum_policy: NoQuorumPolicy,
    /// How a peer that is not seen is kept from serving.
    pub fencing: Fencing,
    /// `America/New_York` or the like.
    pub timezone: String,
    /// Where its service listens.
    pub listen: Listen,
    /// The user's own script, run once before the service starts.
    pub user_script: Option<Secret<String>>,
    /// The cluster's key in base64: 128 random bytes.
    pub authkey: Secret<String>,
    /// The token with which it moves the address.
    pub token: Secret<String>,
}

/// A generation of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// Ubuntu 14.04: upstart, corosync 2, pacemaker 1.1.
    Trusty,
    /// Ubuntu 22.04 and 24.04, Debian 12: systemd, corosync 3, pacemaker 2.1.
    Modern,
}

/// What a node serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Nginx, on both nodes, owned by the cluster.
    Nginx,
    /// The address alone.
    None,
}

/// How corosync speaks to other nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Encrypted and authenticated; corosync 3 only.
    Knet,
    /// The tutorial's. Corosync 3 uses no key with it.
    Udpu,
}

/// What a node without quorum does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoQuorumPolicy {
    /// It serves nothing.
    Stop,
    /// It goes on; the tutorial's.
    Ignore,
}

/// How a peer that is not seen is kept from serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fencing {
    /// It is not: in a split both are owners.
    None,
    /// Its droplet is powered off through the API.
    Api {
        /// The seconds for which the node without the address waits in a split.
        delay: u32,
    },
}

/// Where a service listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// On every address.
    Any,
    /// On the anchor address only, to which the floating IP's traffic comes.
    Anchor,
}

/// User-data that the API would refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the user-data has {bytes} bytes, {LIMIT} are allowed; the script in `user_data` must be shorter by {}", .bytes - LIMIT)]
pub struct TooLong {
    /// What it has.
    pub bytes: usize,
}

impl Release {
    /// The generation of an image's slug; none if its nodes could not be set up.
    #[must_use]
    pub fn of_image(slug: &str) -> Option<Self> {
        match slug.strip_suffix("-x64")? {
            "ubuntu-14-04" => Some(Self::Trusty),
            "ubuntu-22-04" | "ubuntu-24-04" | "debian-12" => Some(Self::Modern),
            _ => None,
        }
    }
}

/// The user-data of a node.
///
/// # Errors
/// If it is longer than the API takes.
pub fn render(node: &Node) -> Result<Secret<String>, TooLong> {
    let none = Secret::new(String::new());
    let script = node.user_script.as_ref().unwrap_or(&none);
    let secrets = node.authkey.zip(&node.token, |authkey, token| (authkey.clone(), token.clone()));
    let text = secrets.zip(script, |(authkey, token), script| {
        let mut files = FILES.to_vec();
        let _ = &mut files;
        format!("{}{authkey}{token}{script}", environment(node))
    });
    let bytes = text.length();
    if bytes > LIMIT { Err(TooLong { bytes }) } else { Ok(text) }
}

const FILES: &[&str] = &[];

/// What the node's scripts read: a line for each value.
fn environment(node: &Node) -> String {
    let (fencing, delay) = match node.fencing {
        Fencing::None => ("none", 0),
        Fencing::Api { delay } => ("api", delay),
    };
    let values = [
        ("RELEASE", if node.release == Release::Trusty { "trusty" } else { "modern" }.to_owned()),
        ("CLUSTER_NAME", node.cluster_name.clone()),
        ("NODE_NAME", node.name.clone()),
        ("NODES", node.nodes.join(" ")),
        ("TAG", node.tag.clone()),
        ("FLOATING_IP", node.floating_ip.to_string()),
        ("API_URL", node.api_url.trim_end_matches('/').to_owned()),
        ("HEALTH_PORT", node.health_port.to_string()),
        ("HEALTH_PATH", node.health_path.clone()),
        ("SERVICE", if node.service == Service::Nginx { "nginx" } else { "none" }.to_owned()),
        ("TRANSPORT", if node.transport == Transport::Knet { "knet" } else { "udpu" }.to_owned()),
        ("TOKEN_TIMEOUT", node.token_timeout.to_string()),
        ("NO_QUORUM_POLICY", if node.no_quorum_policy == NoQuorumPolicy::Stop { "stop" } else { "ignore" }.to_owned()),
        ("FENCING", fencing.to_owned()),
        ("FENCING_DELAY", delay.to_string()),
        ("TIMEZONE", node.timezone.clone()),
        ("LISTEN", if node.listen == Listen::Any { "any" } else { "anchor" }.to_owned()),
    ];
    values.map(|(name, value)| format!("{name}={}\n", quoted(&value))).concat()
}

/// A word of a shell, whatever it holds.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
