//! The least requests that make what data sources look for by name, for an account that is to be furnished.
//!
//! Invariant: pure; what cannot be made so that it is found by its arguments has none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::{Value as Json, json};

use super::source::Source;
use crate::form;
use dofloat_api::client::{Client, segment};
use dofloat_api::space_request::{SpaceRequest, Verb};
use dofloat_base::digest::sha256_hex;
use dofloat_base::value::{Term, Terms, Value};

/// A request that makes an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Least {
    /// Where it is sent.
    pub path: String,
    /// What is sent.
    pub body: Json,
    /// The object, in words.
    pub what: String,
}

impl Least {
    /// Makes it; says whether that succeeded.
    pub async fn make(&self, api: &Client) -> bool {
        match self.path.strip_prefix(SPACES).and_then(|place| place.split_once('/')) {
            Some((region, bucket)) => api.space(&SpaceRequest::new(Verb::Make, region, bucket, "")).await.is_ok(),
            None => api.create::<Json>(&self.path, &self.body).await.is_ok(),
        }
    }
}

/// How the place of a bucket begins, which is none of the API.
const SPACES: &str = "/buckets/";

impl Source {
    /// The least that makes what is looked for by name, where something can be made so that it is found.
    #[must_use]
    pub fn least(&self, terms: &Terms) -> Option<Least> {
        let (path, body, what) = recipe(self.name, terms)?;
        Some(Least { path, body, what })
    }

    /// The image that is looked for by its slug or its number, as a droplet names one.
    #[must_use]
    pub fn image(&self, terms: &Terms) -> Option<String> {
        let text = |by: &&str| match terms.get(*by) {
            Some(Term::Value(Value::Str(text))) => Some(text.clone()),
            Some(Term::Value(Value::Number(number))) => Some(number.to_string()),
            _ => None,
        };
        ["slug", "id"].iter().filter(|_| self.name == "digitalocean_image").find_map(text)
    }
}

/// The least that makes an object of a kind that a resource in a region names, where something can be made that has that name: an
/// identifier is one that the simulator alone takes from whoever makes an object. One that somebody `gives` for a variable may be any
/// word: whoever tries a file has no account to look for the true one.
#[must_use]
pub fn named(kind: &str, name: &str, region: &str, gives: bool) -> Option<Least> {
    let (uuid, is_id) = (is_uuid(name), gives || is_uuid(name));
    let own = format!("simulated-{}", &sha256_hex(name.as_bytes())[..8]);
    let (path, body, what) = match kind {
        // Its number or its fingerprint is what is given.
        "digitalocean_ssh_key" => ("/account/keys", json!({ "name": name, "public_key": format!("simulated {name}") }), "SSH key"),
        "digitalocean_domain" => ("/domains", json!({ "name": name, "simulated_id": name }), "domain"),
        "digitalocean_vpc" if is_id => ("/vpcs", json!({ "name": own, "region": region, "simulated_id": name }), "VPC"),
        "digitalocean_volume" if is_id => {
            ("/volumes", json!({ "name": own, "region": region, "size_gigabytes": 10, "simulated_id": name }), "volume")
        }
        "digitalocean_project" if is_id => {
            ("/projects", json!({ "name": own, "purpose": "Just trying out DigitalOcean", "simulated_id": name }), "project")
        }
        "digitalocean_certificate" if !uuid => {
            ("/certificates", json!({ "name": name, "type": "lets_encrypt", "dns_names": ["example.com"] }), "certificate")
        }
        "digitalocean_kubernetes_cluster" | "digitalocean_database_cluster" if is_id => {
            let (path, mut body, what) = of_cluster(kind, &own, None)?;
            body["simulated_id"] = json!(name);
            return Some(Least { path, body, what: what.replace(&own, name) });
        }
        _ => return None,
    };
    Some(Least { path: path.to_owned(), body, what: format!("{what} `{name}`") })
}

/// Whether a resource may name an object of a kind like that by its own: what stands in a file is more than a word.
#[must_use]
pub fn is_name(kind: &str, name: &str) -> bool {
    match kind {
        "digitalocean_ssh_key" => name.parse::<u64>().is_ok() || is_fingerprint(name),
        "digitalocean_domain" => form::domain_name(name),
        _ => true,
    }
}

/// The least that makes the image that a resource names, by its number or its slug. The slug of a distribution is one that the
/// catalogue knows, or that is no more: `known` are those that there are.
#[must_use]
pub fn image(name: &str, known: &[String]) -> Option<Least> {
    let family = |slug: &str| slug.split('-').next().unwrap_or_default().to_owned();
    let slug = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')) && name.contains('-');
    let made = name.parse::<u64>().is_ok() || slug && !known.iter().any(|other| family(other) == family(name));
    made.then(|| Least { path: "/images".to_owned(), body: json!({ "simulated_id": name }), what: format!("image `{name}`") })
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

fn is_fingerprint(text: &str) -> bool {
    text.len() == 47 && text.split(':').all(|pair| pair.len() == 2 && pair.chars().all(|c| c.is_ascii_hexdigit()))
}

fn recipe(source: &str, terms: &Terms) -> Option<(String, Json, String)> {
    let text = |name: &str| match terms.get(name) {
        Some(Term::Value(Value::Str(text))) => Some(text.clone()),
        _ => None,
    };
    let name = text("name");
    let droplet = |name: &str, tags: &[String]| json!({ "name": name, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64", "tags": tags });
    Some(match (source, name) {
        ("digitalocean_ssh_key", Some(name)) => {
            ("/account/keys".to_owned(), json!({ "name": name, "public_key": public_key(&name) }), format!("SSH key `{name}`"))
        }
        ("digitalocean_domain", Some(name)) => domain(&name),
        ("digitalocean_record", Some(name)) => {
            let domain = text("domain")?;
            let record = json!({ "type": "A", "name": name, "data": "192.0.2.1" });
            (format!("/domains/{}/records", segment(&domain)), record, format!("record `{name}` in `{domain}`"))
        }
        ("digitalocean_project", Some(name)) => {
            ("/projects".to_owned(), json!({ "name": name, "purpose": "Just trying out DigitalOcean" }), format!("project `{name}`"))
        }
        ("digitalocean_tag", Some(name)) => ("/tags".to_owned(), json!({ "name": name }), format!("tag `{name}`")),
        ("digitalocean_certificate", Some(name)) => (
            "/certificates".to_owned(),
            json!({ "name": name, "type": "lets_encrypt", "dns_names": ["example.com"] }),
            format!("certificate `{name}`"),
        ),
        ("digitalocean_loadbalancer", Some(name)) => {
            let rule = json!({ "entry_protocol": "http", "entry_port": 80, "target_protocol": "http", "target_port": 80 });
            let body = json!({ "name": name, "region": "nyc3", "forwarding_rules": [rule] });
            ("/load_balancers".to_owned(), body, format!("load balancer `{name}`"))
        }
        ("digitalocean_volume", Some(name)) => {
            let region = text("region").unwrap_or_else(|| "nyc3".to_owned());
            ("/volumes".to_owned(), json!({ "name": name, "region": region, "size_gigabytes": 10 }), format!("volume `{name}`"))
        }
        ("digitalocean_spaces_bucket", Some(name)) => {
            let place = format!("{SPACES}{}/{name}", text("region")?.to_lowercase());
            (place, Json::Null, format!("bucket `{name}`"))
        }
        ("digitalocean_spaces_key", Some(name)) => {
            ("/spaces/keys".to_owned(), json!({ "name": name, "grants": [] }), format!("Spaces key `{name}`"))
        }
        ("digitalocean_vpc", Some(name)) => ("/vpcs".to_owned(), json!({ "name": name, "region": "nyc3" }), format!("VPC `{name}`")),
        ("digitalocean_droplet", Some(name)) => ("/droplets".to_owned(), droplet(&name, &[]), format!("droplet `{name}`")),
        ("digitalocean_droplet", None) => {
            let tag = text("tag")?;
            ("/droplets".to_owned(), droplet("tagged", std::slice::from_ref(&tag)), format!("droplet with the tag `{tag}`"))
        }
        ("digitalocean_droplet_snapshot" | "digitalocean_volume_snapshot" | "digitalocean_image", name) => {
            let name = name.or_else(|| matching(&text("name_regex")?))?;
            let what = if source == "digitalocean_volume_snapshot" { "volume" } else { "droplet" };
            let region = text("region").unwrap_or_else(|| "nyc3".to_owned());
            let body = json!({ "simulated_id": name, "resource_type": what, "region": region });
            ("/snapshots".to_owned(), body, format!("snapshot `{name}`"))
        }
        ("digitalocean_reserved_ipv6", _) => address(&text("ip")?),
        (_, name) => return of_cluster(source, &name?, text("cluster_id")),
    })
}

/// The same for a domain, whose name may be any word.
fn domain(name: &str) -> (String, Json, String) {
    ("/domains".to_owned(), json!({ "name": name, "simulated_id": name }), format!("domain `{name}`"))
}

/// A name that a pattern of the usual sort finds: literal text with gaps.
fn matching(pattern: &str) -> Option<String> {
    const GAPS: [(&str, &str); 8] =
        [("[0-9]+", "1"), (r"\d+", "1"), ("[0-9]*", ""), (r"\d*", ""), (".*", ""), (".+", "1"), (r"\.", "."), (r"\-", "-")];
    let bare = pattern.trim_start_matches('^').trim_end_matches('$');
    let name = GAPS.iter().fold(bare.to_owned(), |name, (gap, text)| name.replace(gap, text));
    let fits = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._ ".contains(c));
    (fits && Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(&name))).then_some(name)
}

/// The same for an address.
fn address(ip: &str) -> (String, Json, String) {
    ("/reserved_ipv6".to_owned(), json!({ "region_slug": "nyc3", "simulated_id": ip }), format!("reserved IPv6 address `{ip}`"))
}

/// The same for clusters, what lies in one, and registries.
fn of_cluster(source: &str, name: &str, cluster: Option<String>) -> Option<(String, Json, String)> {
    let within = |part: &str| Some(format!("/databases/{}/{part}", segment(cluster.as_deref()?)));
    Some(match source {
        "digitalocean_container_registry" => {
            let body = json!({ "name": name, "subscription_tier_slug": "basic" });
            ("/registries".to_owned(), body, format!("container registry `{name}`"))
        }
        "digitalocean_database_cluster" => {
            let body = json!({ "name": name, "engine": "pg", "version": "16", "size": "db-s-1vcpu-1gb", "region": "nyc3", "num_nodes": 1 });
            ("/databases".to_owned(), body, format!("database cluster `{name}`"))
        }
        "digitalocean_database_connection_pool" => {
            let body = json!({ "name": name, "mode": "transaction", "size": 1, "db": "defaultdb", "user": "doadmin" });
            (within("pools")?, body, format!("connection pool `{name}`"))
        }
        "digitalocean_database_replica" => {
            (within("replicas")?, json!({ "name": name, "size": "db-s-1vcpu-1gb" }), format!("database replica `{name}`"))
        }
        "digitalocean_database_user" => (within("users")?, json!({ "name": name }), format!("database user `{name}`")),
        "digitalocean_kubernetes_cluster" => {
            let pool = json!({ "name": "pool", "size": "s-2vcpu-4gb", "count": 1, "tags": ["terraform:default-node-pool"] });
            let body = json!({ "name": name, "region": "nyc3", "version": "latest", "node_pools": [pool] });
            ("/kubernetes/clusters".to_owned(), body, format!("Kubernetes cluster `{name}`"))
        }
        _ => return None,
    })
}

/// An ed25519 key of nobody, another one for each name.
#[must_use]
pub fn public_key(name: &str) -> String {
    let digest = sha256_hex(name.as_bytes());
    let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
    blob.extend((0..32).map(|at| digest.get(2 * at..2 * at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()).unwrap_or_default()));
    format!("ssh-ed25519 {}", STANDARD.encode(blob))
}
