//! A person in the control panel: what is made there, and what is done there to things of the stacks.
//!
//! Invariant: what a person has made is theirs. A deed that the account refuses, or for which there is nothing, is not done.

use dofloat::sim::World;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::account::{Account, Maker};
use super::families::{FAMILIES, Family, is_of_pair, path_of, text};
use super::kept::{Word, word};

/// What somebody does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Deed {
    /// Makes something in this family, of the name of something that is wanted or of another.
    Makes {
        #[serde(deserialize_with = "word")]
        family: Word,
        name: String,
    },
    /// Does this to the nth thing of a stack.
    Does {
        harm: Harm,
        #[serde(deserialize_with = "word")]
        stack: Word,
        nth: usize,
    },
}

/// What is done to something of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Harm {
    Delete(#[serde(deserialize_with = "word")] Word),
    Rename(#[serde(deserialize_with = "word")] Word),
    PowerOff,
    /// Takes the mark off a droplet.
    Untag,
    Unassign,
    Detach,
    EmptyFirewall,
}

pub(crate) const HARMS: [Harm; 20] = [
    Harm::Delete("droplets"),
    Harm::Delete("reserved_ips"),
    Harm::Delete("volumes"),
    Harm::Delete("domains"),
    Harm::Delete("records"),
    Harm::Delete("firewalls"),
    Harm::Delete("ssh_keys"),
    Harm::Delete("tags"),
    Harm::Delete("uptime/checks"),
    Harm::Delete("load_balancers"),
    Harm::Delete("snapshots"),
    Harm::Rename("droplets"),
    Harm::Rename("ssh_keys"),
    Harm::Rename("vpcs"),
    Harm::Rename("projects"),
    Harm::PowerOff,
    Harm::Untag,
    Harm::Unassign,
    Harm::Detach,
    Harm::EmptyFirewall,
];

impl Harm {
    pub(crate) fn word(self) -> String {
        format!("{self:?}").replace(['"', '(', ')'], " ").trim().to_lowercase().replace("  ", " ")
    }

    fn family(self) -> &'static Family {
        let label = match self {
            Self::Delete(label) | Self::Rename(label) => label,
            Self::PowerOff | Self::Untag => "droplets",
            Self::Unassign => "reserved_ips",
            Self::Detach => "volumes",
            Self::EmptyFirewall => "firewalls",
        };
        family(label)
    }

    /// Method, path and body of the request that does it.
    fn request(self, world: &World, object: &Value) -> Option<(&'static str, String, Value)> {
        let family = self.family();
        let path = path_of(world, family, &text(&object[family.id]))?;
        Some(match self {
            Self::Delete(_) => ("DELETE", path, Value::Null),
            Self::Rename("droplets") => ("POST", format!("{path}/actions"), json!({"type": "rename", "name": "renamed"})),
            Self::Rename("ssh_keys") => ("PUT", path, json!({"name": "renamed"})),
            Self::Rename(_) => ("PATCH", path, json!({"name": "renamed"})),
            Self::PowerOff => ("POST", format!("{path}/actions"), json!({"type": "power_off"})),
            Self::Untag => {
                let mark = object["tags"].as_array()?.iter().find_map(|tag| tag.as_str().filter(|tag| tag.starts_with("dofloat:")))?;
                let resource = json!({"resource_id": text(&object["id"]), "resource_type": "droplet"});
                ("DELETE", format!("/v2/tags/{mark}/resources"), json!({"resources": [resource]}))
            }
            // Who of a pair serves is the pair's own business.
            Self::Unassign if !object["droplet"].is_null() && !is_of_pair(&text(&object["droplet"]["name"])) => {
                ("POST", format!("{path}/actions"), json!({"type": "unassign"}))
            }
            Self::Detach => {
                let droplet = object["droplet_ids"].as_array()?.first()?;
                ("POST", format!("{path}/actions"), json!({"type": "detach", "droplet_id": droplet}))
            }
            Self::EmptyFirewall => {
                let rule = json!([{"protocol": "tcp", "ports": "9", "sources": {"addresses": ["192.0.2.1"]}}]);
                ("PUT", path, json!({"name": object["name"], "inbound_rules": rule}))
            }
            Self::Unassign => return None,
        })
    }
}

pub(crate) fn family(label: &str) -> &'static Family {
    FAMILIES.iter().find(|family| family.label == label).expect("a family")
}

impl Deed {
    pub(crate) fn word(&self) -> String {
        match self {
            Self::Makes { family, .. } => format!("makes {family}"),
            Self::Does { harm, .. } => harm.word(),
        }
    }

    /// Lets it be done now; whether anything was.
    pub(crate) fn be_done(&self, account: &mut Account) -> bool {
        let is_done = match self {
            Self::Makes { family: label, name } => {
                let family = family(label);
                let body = (family.made_by_hand.expect("it can be made by hand"))(name);
                let (status, _) = account.making(Some(family), Maker::Person, |world| world.outside("POST", family.path, Some(&body)));
                status < 300
            }
            Self::Does { harm, stack, nth } => {
                let all = account.made_by(harm.family(), Maker::Stack(stack));
                let object = all.get(nth % all.len().max(1));
                let request = object.and_then(|object| harm.request(&account.world, object));
                request.is_some_and(|(method, path, body)| {
                    let body = Some(&body).filter(|body| !body.is_null());
                    account.world.outside(method, &path, body).0 < 300
                })
            }
        };
        if is_done {
            account.tally.count("person", &self.word());
        }
        account.note(&format!("      a person: {self:?}: {}", if is_done { "done" } else { "nothing" }));
        is_done
    }
}

/// Whoever has made it takes it away again.
pub(crate) fn withdraw(account: &mut Account) {
    let theirs: Vec<(&'static str, String)> = account.theirs.keys().cloned().collect();
    for (label, id) in theirs {
        if let Some(path) = path_of(&account.world, family(label), &id) {
            account.world.outside("DELETE", &path, None);
        }
    }
    account.theirs.clear();
    account.makers.retain(|_, maker| *maker != Maker::Person);
    account.note("      a person takes away what they have made");
}
