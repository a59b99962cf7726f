//! A droplet in the API's answers: how it is read, and where.
//!
//! Invariant: a field that needs a scope of its own is an error where it is left out, never taken for empty.

use serde::{Deserialize, Serialize};

use crate::wire::{Slug, or_default, present, seen};
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_api::looks::{List, Place};
use dofloat_base::identity::Id;
use dofloat_base::number::Number;

#[derive(Serialize)]
pub(crate) struct Live {
    pub(super) id: String,
    pub(super) urn: String,
    pub(super) name: String,
    pub(super) region: String,
    pub(super) size: String,
    pub(super) price_hourly: Option<Number>,
    pub(super) price_monthly: Option<Number>,
    pub(super) disk: u64,
    pub(super) memory: u64,
    pub(super) vcpus: u64,
    pub(super) status: String,
    pub(super) locked: bool,
    pub(super) created_at: String,
    pub(super) vpc_uuid: String,
    pub(super) ipv4_address: String,
    pub(super) ipv4_address_private: String,
    pub(super) ipv6_address: String,
    pub(super) public_networking: bool,
    pub(super) backups: bool,
    pub(super) ipv6: bool,
    pub(super) private_networking: bool,
    pub(super) monitoring: bool,
    pub(super) volume_ids: Vec<String>,
    pub(super) tags: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Wire {
    pub(super) id: u64,
    pub(super) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) memory: u64,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) vcpus: u64,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) disk: u64,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) locked: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) status: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) created_at: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) features: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) size_slug: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) size: Size,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) networks: Networks,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) region: Slug,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) volume_ids: Vec<String>,
    #[serde(default, deserialize_with = "present")]
    pub(super) tags: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) vpc_uuid: Option<Option<String>>,
}

#[derive(Default, Deserialize)]
pub(super) struct Size {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) slug: String,
    #[serde(default)]
    pub(super) price_hourly: Option<Number>,
    #[serde(default)]
    pub(super) price_monthly: Option<Number>,
}

#[derive(Default, Deserialize)]
pub(super) struct Networks {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) v4: Vec<Network>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) v6: Vec<Network>,
}

/// Netmask and gateway are left unread: they are numbers or texts, null, "" or "nil".
#[derive(Deserialize)]
pub(super) struct Network {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) ip_address: String,
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub(super) kind: String,
}

#[derive(Deserialize)]
pub(super) struct One {
    pub(super) droplet: Wire,
}

impl Wire {
    pub(super) fn size(&self) -> &str {
        if self.size_slug.is_empty() { &self.size.slug } else { &self.size_slug }
    }

    /// Its address of a type; the order of the list says nothing.
    pub(super) fn v4(&self, kind: &str) -> &str {
        self.networks.v4.iter().find(|network| network.kind == kind).map_or("", |network| &network.ip_address)
    }

    pub(super) fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|known| known == feature)
    }

    pub(super) fn with_id(self) -> Result<(Id, Live), ApiError> {
        Ok((Id(self.id.to_string()), self.live()?))
    }

    pub(super) fn live(mut self) -> Result<Live, ApiError> {
        let id = self.id;
        let what = |field: &str| format!("`{field}` of droplet {id}");
        let mut tags: Vec<String> = seen(self.tags.take(), || what("tags"), "tag:read")?;
        tags.sort();
        self.volume_ids.sort();
        let v6 = self.networks.v6.iter().find(|network| network.kind != "private");
        Ok(Live {
            id: id.to_string(),
            urn: format!("do:droplet:{id}"),
            region: self.region.slug.clone(),
            size: self.size().to_owned(),
            ipv4_address: self.v4("public").to_owned(),
            ipv4_address_private: self.v4("private").to_owned(),
            ipv6_address: v6.map(|network| network.ip_address.to_lowercase()).unwrap_or_default(),
            public_networking: !self.v4("public").is_empty(),
            backups: self.has("backups"),
            ipv6: self.has("ipv6"),
            private_networking: self.has("private_networking"),
            monitoring: self.has("monitoring"),
            vpc_uuid: seen(self.vpc_uuid.take(), || what("vpc_uuid"), "vpc:read")?,
            name: self.name,
            price_hourly: self.size.price_hourly,
            price_monthly: self.size.price_monthly,
            disk: self.disk,
            memory: self.memory,
            vcpus: self.vcpus,
            status: self.status,
            locked: self.locked,
            created_at: self.created_at,
            volume_ids: self.volume_ids,
            tags,
        })
    }
}

pub(super) async fn get(api: &Client, id: &Id) -> Result<Wire, ApiError> {
    Ok(api.get::<One>(&path(id), &[]).await?.droplet)
}

pub(super) async fn all(api: &Client) -> Result<Vec<Wire>, ApiError> {
    api.list("/droplets", &[], "droplets").await
}

pub(super) fn path(id: &Id) -> String {
    format!("/droplets/{}", segment(&id.0))
}

/// Where a droplet is seen: in the list of those that carry the stack's mark, and at its own address.
pub(super) fn place(api: &Client, id: &Id) -> Place {
    let query = api.mark().map(|mark| ("tag_name", mark.to_owned())).into_iter().collect();
    let list = List { path: "/droplets".into(), query, key: "droplets", by: "id", id: id.0.clone() };
    Place { one: path(id), field: "droplet", list: Some(list) }
}
