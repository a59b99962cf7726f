//! By which scripts nodes are told from older ones.
//!
//! Invariant: pure; the settings of a cluster make no difference, but for what its image can do.

use std::net::Ipv4Addr;

use super::arbiter::ArbiterAccess;
use super::schema::{Block, text};
use super::user_data::{self, Fencing, Links, Listen, NoQuorumPolicy, Node, Release, Service, Transport};
use dofloat_base::digest::{Digest, Salt};
use dofloat_base::secret::Secret;
use dofloat_base::value::Value;

/// The digest of what runs on the nodes of such an image, whatever their settings.
#[must_use]
pub fn scripts_of(block: &Block) -> Option<String> {
    let release = Release::of_image(text(block, "image")?)?;
    let node = Node {
        release,
        cluster_name: String::new(),
        name: "a".to_owned(),
        nodes: vec!["a".to_owned(), "b".to_owned()],
        tag: String::new(),
        floating_ip: Ipv4Addr::UNSPECIFIED,
        api_url: String::new(),
        health_port: 1,
        health_path: "/".to_owned(),
        service: Service::Nginx,
        transport: Transport::Udpu,
        links: Links::Private,
        token_timeout: None,
        no_quorum_policy: NoQuorumPolicy::Stop,
        fencing: Fencing::Api { delay: 0 },
        timezone: String::new(),
        listen: Listen::Any,
        user_script: None,
        user_script_timeout: 0,
        authkey: Secret::new(String::new()),
        token: Secret::new(String::new()),
        arbiter: (release == Release::Modern).then(|| ArbiterAccess {
            address: String::new(),
            authority: Secret::new(String::new()),
            pair: Secret::new(String::new()),
        }),
    };
    let text = Secret::new(Value::from(user_data::unpacked(&node).as_str()));
    Some(Digest::of(&text, &Salt::new([0; 32])).to_string())
}
