//! The least requests that make what data sources look for by name, for an account that is to be furnished.
//!
//! Invariant: pure; what cannot be made so that it is found by its arguments has none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use super::source::Source;
use dofloat_api::client::segment;
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

impl Source {
    /// The least that makes what is looked for by name, where something can be made so that it is found.
    #[must_use]
    pub fn least(&self, terms: &Terms) -> Option<Least> {
        let (path, body, what) = recipe(self.name, terms)?;
        Some(Least { path, body, what })
    }
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
        ("digitalocean_domain", Some(name)) => ("/domains".to_owned(), json!({ "name": name }), format!("domain `{name}`")),
        ("digitalocean_record", Some(name)) => {
            let domain = text("domain")?;
            let record = json!({ "type": "A", "name": name, "data": "192.0.2.1" });
            (format!("/domains/{}/records", segment(&domain)), record, format!("record `{name}` in `{domain}`"))
        }
        ("digitalocean_project", Some(name)) => {
            ("/projects".to_owned(), json!({ "name": name, "purpose": "Just trying out DigitalOcean" }), format!("project `{name}`"))
        }
        ("digitalocean_tag", Some(name)) => ("/tags".to_owned(), json!({ "name": name }), format!("tag `{name}`")),
        ("digitalocean_vpc", Some(name)) => ("/vpcs".to_owned(), json!({ "name": name, "region": "nyc3" }), format!("VPC `{name}`")),
        ("digitalocean_droplet", Some(name)) => ("/droplets".to_owned(), droplet(&name, &[]), format!("droplet `{name}`")),
        ("digitalocean_droplet", None) => {
            let tag = text("tag")?;
            ("/droplets".to_owned(), droplet("tagged", std::slice::from_ref(&tag)), format!("droplet with the tag `{tag}`"))
        }
        _ => return None,
    })
}

/// An ed25519 key of nobody, another one for each name.
fn public_key(name: &str) -> String {
    let digest = sha256_hex(name.as_bytes());
    let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
    blob.extend((0..32).map(|at| digest.get(2 * at..2 * at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()).unwrap_or_default()));
    format!("ssh-ed25519 {}", STANDARD.encode(blob))
}
