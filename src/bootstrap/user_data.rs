//! User-data: what a node is told at its birth, from which it becomes a member of its pair by itself.
//!
//! Invariant: deterministic, and at most 64 KiB. What runs on a node are the files of `node/` without their comments, compressed;
//! values reach them in `/etc/dofloat/cluster.env`, secrets in files that only root reads. No address of a peer stands here:
//! nodes find each other by their tag.

use std::borrow::Cow;
use std::io::Write as _;
use std::net::Ipv4Addr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::arbiter::ArbiterAccess;
use super::heredoc::{END, WRITE};
use dofloat_base::secret::Secret;

/// The API takes no more than this.
pub const LIMIT: usize = 64 * 1024;

/// A node that is about to be made.
#[derive(Clone, Debug)]
pub struct Node {
    /// The capabilities of its image.
    pub release: Release,
    /// The name of the cluster in corosync and in its configuration.
    pub cluster_name: String,
    /// Its own name, which is its droplet's.
    pub name: String,
    /// All names. The place of a name, from 1, is its nodeid; the first writes the cluster's configuration.
    pub nodes: Vec<String>,
    /// The tag of its droplet and its peers', `dofloat:<stack>-<lineage>:<cluster>`.
    pub tag: String,
    /// The address that the cluster moves.
    pub floating_ip: Ipv4Addr,
    /// The API without its `/v2`, `https://api.digitalocean.com`.
    pub api_url: String,
    /// Where its health can be read.
    pub health_port: u16,
    /// The same: a path that begins with `/`.
    pub health_path: String,
    /// The service.
    pub service: Service,
    /// How its corosync speaks to others.
    pub transport: Transport,
    /// Over which networks it speaks.
    pub links: Links,
    /// For how many milliseconds a silent peer is waited for; the scripts' own choice if nothing is said.
    pub token_timeout: Option<u32>,
    /// The policy when it is alone and has not seen its peer since it started.
    pub no_quorum_policy: NoQuorumPolicy,
    /// How a peer that is not seen is kept from serving.
    pub fencing: Fencing,
    /// `America/New_York` or the like.
    pub timezone: String,
    /// Where its service listens.
    pub listen: Listen,
    /// The user's own script, run once before the service starts.
    pub user_script: Option<Secret<String>>,
    /// For how many seconds that may run.
    pub user_script_timeout: u32,
    /// The cluster's key in base64: 128 random bytes.
    pub authkey: Secret<String>,
    /// The token with which it moves the address.
    pub token: Secret<String>,
    /// The third vote, where there is one.
    pub arbiter: Option<ArbiterAccess>,
}

/// A generation of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// Ubuntu 14.04: upstart, corosync 2, pacemaker 1.1.
    Trusty,
    /// Ubuntu 22.04 to 26.04, Debian 12 and 13: systemd, corosync 3, pacemaker 2.1 or later.
    Modern,
}

/// The service of a node.
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

/// Over which networks corosync speaks to other nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// The private and the public one, all of it on both; knet only, and only to nodes that do the same.
    Both,
    /// The private one.
    Private,
}

/// The policy of a node without quorum.
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
    /// Its droplet is reset through the API.
    Api {
        /// The seconds for which the node without the address looks on; the scripts take no less than 8.
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
#[error("the user-data has {bytes} bytes, {LIMIT} are allowed; shorten the script in `user_data` by {}", .bytes - LIMIT)]
pub struct TooLong {
    /// Its size.
    pub bytes: usize,
}

impl Release {
    /// The generation of an image's slug; none if its nodes could not be set up.
    #[must_use]
    pub fn of_image(slug: &str) -> Option<Self> {
        match slug.strip_suffix("-x64")? {
            "ubuntu-14-04" => Some(Self::Trusty),
            "ubuntu-22-04" | "ubuntu-24-04" | "ubuntu-26-04" | "debian-12" | "debian-13" => Some(Self::Modern),
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
    let certificates = match &node.arbiter {
        Some(known) => known.authority.zip(&known.pair, |authority, pair| [authority.clone(), pair.clone()]),
        None => Secret::new([String::new(), String::new()]),
    };
    let secrets = node.authkey.zip(&node.token, |authkey, token| (authkey.clone(), token.clone())).zip(
        &certificates,
        |(authkey, token), certificates| {
            let [authority, pair] = certificates.clone();
            Texts { authkey: authkey.clone(), token: token.clone(), authority, pair, script: String::new() }
        },
    );
    let text = secrets.zip(script, |texts, script| {
        let texts = Texts { script: script.clone(), ..texts.clone() };
        let files = files(node, &texts);
        match node.release {
            Release::Modern => cloud_config(&files, node.arbiter.is_some()),
            Release::Trusty => bash(&files),
        }
    });
    let bytes = text.length();
    if bytes > LIMIT { Err(TooLong { bytes }) } else { Ok(text) }
}

/// All files of a node as they will stand on it, secrets aside, in one text. By it scripts are told from older ones: how they are
/// compressed is no difference.
#[must_use]
pub fn unpacked(node: &Node) -> String {
    let of = |file: File<'_>| match file.content {
        Content::Text(text) | Content::Encoded(text) => format!("{} {}\n{text}\n", file.path, file.mode),
        Content::Script(text) => format!("{} {}\n{text}\n", file.path, file.mode),
    };
    files(node, &Texts::default()).into_iter().map(of).collect()
}

/// The secrets of a node, as they are written on it.
#[derive(Clone, Default)]
struct Texts {
    authkey: String,
    token: String,
    authority: String,
    pair: String,
    script: String,
}

/// A file that user-data writes.
struct File<'a> {
    path: &'a str,
    mode: &'a str,
    content: Content<'a>,
}

enum Content<'a> {
    Text(Cow<'a, str>),
    /// In base64.
    Encoded(Cow<'a, str>),
    /// Compressed when it is written.
    Script(String),
}

macro_rules! script {
    ($path:literal, $file:literal) => {
        ($path, include_str!(concat!("node/", $file)))
    };
}

/// The programs on every node, executable by all.
const SCRIPTS: &[(&str, &str)] = &[
    script!("/usr/local/lib/dofloat/common", "common.sh"),
    script!("/usr/local/lib/dofloat/bootstrap", "bootstrap.sh"),
    script!("/usr/local/lib/dofloat/agent", "agent.sh"),
    script!("/usr/local/lib/dofloat/health", "health.sh"),
    script!("/usr/local/lib/dofloat/parts", "parts.sh"),
    script!("/usr/local/lib/dofloat/firewall", "firewall.sh"),
    script!("/usr/local/bin/assign-ip", "assign-ip.sh"),
    script!("/usr/lib/ocf/resource.d/digitalocean/floatip", "floatip.sh"),
];

const FENCE: (&str, &str) = script!("/usr/sbin/fence_digitalocean", "fence.sh");

/// Where there is an arbiter.
const ARBITER: (&str, &str) = script!("/usr/local/lib/dofloat/arbiter", "arbiter.sh");

const SYSTEMD: &[(&str, &str)] = &[
    script!("/etc/systemd/system/dofloat-bootstrap.service", "systemd/dofloat-bootstrap.service"),
    script!("/etc/systemd/system/dofloat-agent.service", "systemd/dofloat-agent.service"),
    script!("/etc/systemd/system/dofloat-health.service", "systemd/dofloat-health.service"),
    script!("/etc/systemd/system/dofloat-firewall.service", "systemd/dofloat-firewall.service"),
];

const UPSTART: &[(&str, &str)] = &[
    script!("/etc/init/dofloat-bootstrap.conf", "upstart/dofloat-bootstrap.conf"),
    script!("/etc/init/dofloat-agent.conf", "upstart/dofloat-agent.conf"),
    script!("/etc/init/dofloat-health.conf", "upstart/dofloat-health.conf"),
    script!("/etc/init/dofloat-firewall.conf", "upstart/dofloat-firewall.conf"),
];

fn files<'a>(node: &Node, texts: &'a Texts) -> Vec<File<'a>> {
    let Texts { authkey, token, authority, pair, script } = texts;
    let mut files = vec![
        File::text("/etc/dofloat/cluster.env", "0644", environment(node)),
        File::text("/etc/dofloat/token", "0400", token.as_str()),
        File { path: "/etc/dofloat/authkey", mode: "0400", content: Content::Encoded(authkey.into()) },
    ];
    if !script.is_empty() {
        files.push(File::text("/usr/local/lib/dofloat/user-script", "0700", script.as_str()));
    }
    files.extend(SCRIPTS.iter().map(|(path, text)| File::script(path, text)));
    if node.fencing != Fencing::None {
        files.push(File::script(FENCE.0, FENCE.1));
    }
    if node.arbiter.is_some() {
        files.push(File::text("/etc/dofloat/arbiter/authority.pem", "0400", authority.as_str()));
        files.push(File::text("/etc/dofloat/arbiter/pair.pem", "0400", pair.as_str()));
        files.push(File::script(ARBITER.0, ARBITER.1));
    }
    let units = if node.release == Release::Trusty { UPSTART } else { SYSTEMD };
    files.extend(units.iter().map(|(path, text)| File::text(path, "0644", *text)));
    files
}

/// A script without its comments and with a space for each step of its indentation: what explains it is in the package.
fn without_comments(script: &str) -> String {
    let comment = |line: &str| line.trim_start().starts_with('#') && !line.starts_with("#!");
    let line = |line: &str| {
        let text = line.trim_start_matches(' ');
        format!("{:1$}{text}\n", "", (line.len() - text.len()) / 4)
    };
    script.lines().filter(|line| !line.trim().is_empty() && !comment(line)).map(line).collect()
}

impl<'a> File<'a> {
    /// A file whose text stands as it is if it can be read by people; otherwise encoded, so that nothing in it is taken for
    /// a mark of what surrounds it.
    fn text(path: &'a str, mode: &'a str, text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        let plain = |c: char| c == '\n' || (' '..='~').contains(&c);
        let is_plain = text.ends_with('\n') && !text.starts_with([' ', '\n']) && !text.ends_with("\n\n") && text.chars().all(plain);
        let content = if is_plain && !text.lines().any(|line| line == END) {
            Content::Text(text)
        } else {
            Content::Encoded(STANDARD.encode(&*text).into())
        };
        Self { path, mode, content }
    }

    fn script(path: &'a str, text: &str) -> Self {
        Self { path, mode: "0755", content: Content::Script(without_comments(text)) }
    }
}

/// A text by gzip and in base64, since there must be room for the user's own script. No time and no system is noted in it: the
/// same text gives the same bytes.
fn packed(text: &str) -> String {
    let mut packer = flate2::GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), flate2::Compression::best());
    let packed = packer.write_all(text.as_bytes()).and_then(|()| packer.finish());
    // Nothing fails that is written to memory.
    STANDARD.encode(packed.unwrap_or_default())
}

/// For current releases. The units that the cluster owns are masked before their packages come, because those start them.
/// `bootstrap start` stands twice, since cloud-init runs nothing of its first boot again if that was cut short.
fn cloud_config(files: &[File<'_>], arbiter: bool) -> String {
    let device = if arbiter { " corosync-qdevice" } else { "" };
    let mut text = format!(
        "\
         #cloud-config
bootcmd:
  - [cloud-init-per, once, dofloat-mask, sh, -c, 'for unit in corosync pacemaker nginx{device}; do ln -s /dev/null /etc/systemd/system/$unit.service; done']
  - [sh, -c, 'test ! -x /usr/local/lib/dofloat/bootstrap || /usr/local/lib/dofloat/bootstrap start']
write_files:
"
    );
    for File { path, mode, content } in files {
        text += &format!("- path: {path}\n  permissions: '{mode}'\n  owner: root:root\n");
        match content {
            Content::Encoded(base64) => text += &format!("  encoding: b64\n  content: {base64}\n"),
            Content::Script(script) => text += &format!("  encoding: gz+b64\n  content: {}\n", packed(script)),
            Content::Text(lines) => {
                text += "  content: |\n";
                for line in lines.lines() {
                    text += &if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") };
                }
            }
        }
    }
    text + "runcmd:\n  - [/usr/local/lib/dofloat/bootstrap, start]\n"
}

/// For 14.04, whose cloud-init is too old for the other form.
fn bash(files: &[File<'_>]) -> String {
    let mut text = format!("#!/bin/bash\nset -euo pipefail\n{WRITE}");
    for File { path, mode, content } in files {
        text += &match content {
            Content::Encoded(base64) => format!("base64 -d << '{END}' | write {mode} {path}\n{base64}\n{END}\n"),
            Content::Script(script) => {
                format!("base64 -d << '{END}' | gzip -d | write {mode} {path}\n{}\n{END}\n", packed(script))
            }
            Content::Text(lines) => format!("write {mode} {path} << '{END}'\n{lines}{END}\n"),
        };
    }
    text + "\"${DOFLOAT_ROOT:-}/usr/local/lib/dofloat/bootstrap\" start\n"
}

/// The settings file for the node's scripts: one line per value.
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
        ("LINKS", if node.links == Links::Both { "both" } else { "private" }.to_owned()),
        ("TOKEN_TIMEOUT", node.token_timeout.map(|timeout| timeout.to_string()).unwrap_or_default()),
        ("NO_QUORUM_POLICY", if node.no_quorum_policy == NoQuorumPolicy::Stop { "stop" } else { "ignore" }.to_owned()),
        ("FENCING", fencing.to_owned()),
        ("FENCING_DELAY", delay.to_string()),
        ("TIMEZONE", node.timezone.clone()),
        ("USER_SCRIPT_TIMEOUT", node.user_script_timeout.to_string()),
        ("LISTEN", if node.listen == Listen::Any { "any" } else { "anchor" }.to_owned()),
    ];
    let arbiter = node.arbiter.iter().map(|known| ("ARBITER", known.address.clone()));
    values.into_iter().chain(arbiter).map(|(name, value)| format!("{name}={}\n", quoted(&value))).collect()
}

/// A word of a shell, whatever it holds.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
