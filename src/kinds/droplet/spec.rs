//! The desired droplet, and the body of its create.
//!
//! Invariant: what is not set is not sent: null is not the same as nothing there.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::wire::or_default;
use dofloat_base::identity::Mark;
use dofloat_base::number::Number;

#[derive(Deserialize)]
pub(crate) struct Spec {
    pub(super) name: String,
    pub(super) image: String,
    #[serde(default)]
    pub(super) region: Option<String>,
    pub(super) size: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) backups: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) backup_policy: Vec<Policy>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) ipv6: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) monitoring: bool,
    #[serde(default)]
    pub(super) public_networking: Option<bool>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) ssh_keys: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) tags: Vec<String>,
    #[serde(default)]
    pub(super) user_data: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) volume_ids: Vec<String>,
    #[serde(default)]
    pub(super) vpc_uuid: Option<String>,
    #[serde(default)]
    pub(super) resize_disk: Option<bool>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) graceful_shutdown: bool,
    #[serde(default)]
    pub(super) droplet_agent: Option<bool>,
    #[serde(default)]
    pub(super) gpu_partition_mode: Option<String>,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Policy {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) plan: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) weekday: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) hour: Option<Number>,
}

/// The body of a create: only what is set, since null is not the same as nothing there.
pub(super) fn wire(spec: &Spec, mark: &Mark) -> serde_json::Value {
    let tags: Vec<&String> = spec.tags.iter().chain([&mark.0]).collect();
    let mut body = json!({"name": spec.name, "image": numeric(&spec.image), "size": spec.size.to_lowercase(), "tags": tags});
    let mut set = |name: &str, value: Option<serde_json::Value>| {
        if let Some(value) = value {
            body[name] = value;
        }
    };
    set("region", spec.region.as_ref().map(|region| json!(region.to_lowercase())));
    set("vpc_uuid", spec.vpc_uuid.as_ref().map(|vpc| json!(vpc.to_lowercase())));
    set("user_data", spec.user_data.as_ref().filter(|data| !data.is_empty()).map(|data| json!(data)));
    set("with_droplet_agent", spec.droplet_agent.map(|agent| json!(agent)));
    set("public_networking", spec.public_networking.filter(|public| !public).map(|public| json!(public)));
    set("gpu_partition_mode", spec.gpu_partition_mode.as_ref().map(|mode| json!(mode)));
    for (name, value) in [("backups", spec.backups), ("ipv6", spec.ipv6), ("monitoring", spec.monitoring)] {
        set(name, value.then_some(json!(true)));
    }
    set("backup_policy", spec.backup_policy.first().filter(|_| spec.backups).map(|policy| json!(policy)));
    let keys: Vec<_> = spec.ssh_keys.iter().map(|key| numeric(key)).collect();
    set("ssh_keys", Some(json!(keys)).filter(|_| !keys.is_empty()));
    set("volumes", Some(json!(spec.volume_ids)).filter(|_| !spec.volume_ids.is_empty()));
    body
}

/// A number where the text is one: the API takes a slug or fingerprint as a text, an id as a number.
pub(super) fn numeric(text: &str) -> serde_json::Value {
    text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number))
}
