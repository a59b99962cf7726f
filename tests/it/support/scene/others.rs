//! Others in the same account: another stack, and a person in the control panel.
//!
//! Invariant: what they have made is theirs, whatever its name: it is untouched in the end. What they do to our things is
//! made good by the next run. A deed that the account refuses, or for which there is nothing, is not done.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use dofloat::sim::World;
use serde_json::{Value, json};

use super::shape::{identities, inventory, objects, remembered, without};
use super::{Next, Scene};
use crate::support::harness::Stack;

/// What somebody else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// The other stack is applied, or destroyed.
    NextApplies,
    NextDestroys,
    /// A person makes something of the names that we want too.
    Makes(Thing),
    /// A person does this to something of ours.
    Does(Harm),
}

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    Address,
    HeldAddress,
    Droplets,
    Vpcs,
    Firewalls,
    Domains,
    /// Keys of the same names.
    Keys,
    /// The same keys by another name.
    SameKeys,
    Records,
    Tags,
}

/// What is done to something of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harm {
    DeleteDroplet,
    RenameDroplet,
    PowerOff,
    /// Takes the mark off a droplet.
    Untag,
    DeleteAddress,
    Unassign,
    DeleteVpc,
    RenameVpc,
    DeleteFirewall,
    EmptyFirewall,
    DeleteDomain,
    DeleteRecord,
    RenameRecord,
    DeleteKey,
    RenameKey,
    DeleteTag,
}

/// Everything that somebody may do.
pub(crate) const DEEDS: [Deed; 28] = [
    Deed::NextApplies,
    Deed::NextDestroys,
    Deed::Makes(Thing::Address),
    Deed::Makes(Thing::HeldAddress),
    Deed::Makes(Thing::Droplets),
    Deed::Makes(Thing::Vpcs),
    Deed::Makes(Thing::Firewalls),
    Deed::Makes(Thing::Domains),
    Deed::Makes(Thing::Keys),
    Deed::Makes(Thing::SameKeys),
    Deed::Makes(Thing::Records),
    Deed::Makes(Thing::Tags),
    Deed::Does(Harm::DeleteDroplet),
    Deed::Does(Harm::RenameDroplet),
    Deed::Does(Harm::PowerOff),
    Deed::Does(Harm::Untag),
    Deed::Does(Harm::DeleteAddress),
    Deed::Does(Harm::Unassign),
    Deed::Does(Harm::DeleteVpc),
    Deed::Does(Harm::RenameVpc),
    Deed::Does(Harm::DeleteFirewall),
    Deed::Does(Harm::EmptyFirewall),
    Deed::Does(Harm::DeleteDomain),
    Deed::Does(Harm::DeleteRecord),
    Deed::Does(Harm::RenameRecord),
    Deed::Does(Harm::DeleteKey),
    Deed::Does(Harm::RenameKey),
    Deed::Does(Harm::DeleteTag),
];

/// What others have made, as it was when they had made it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Theirs(BTreeMap<String, Value>);

impl Theirs {
    /// What came to the account while somebody else was at work.
    fn between(before: &Value, after: &Value) -> Self {
        let before = inventory(before);
        Self(inventory(after).into_iter().filter(|(identity, _)| !before.contains_key(identity)).collect())
    }

    /// All of it but tags, which belong to everybody who uses them; another stack's mark does not.
    pub(crate) fn identities(&self) -> BTreeSet<String> {
        self.0.keys().filter(|identity| !identity.starts_with("tag ") || identity.starts_with("tag dofloat:")).cloned().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These are not counted as theirs any more.
    pub(crate) fn leave(&mut self, which: &dyn Fn(&str) -> bool) {
        self.0.retain(|identity, _| !which(identity));
    }

    /// Records that go with their zone, which is being deleted at the moment they are made.
    pub(crate) fn go_with_their_zone(&mut self) {
        self.leave(&|identity| identity.starts_with("record "));
    }

    /// What has become of it that must not.
    pub(crate) fn wrongs(&self, world: &Value) -> Vec<String> {
        let (there, theirs) = (inventory(world), self.identities());
        let touched = self.0.iter().filter(|(identity, was)| theirs.contains(*identity) && there.get(*identity) != Some(*was));
        touched.map(|(identity, was)| format!("of others: {identity} was {was} and is {:?}", there.get(identity))).collect()
    }

    /// Whoever made it takes it away again.
    pub(crate) fn withdraw(&mut self, world: &mut World) {
        // What is held by a droplet goes after it, and so do the nets.
        let last = |identity: &String| identity.starts_with("vpc ");
        let (nets, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.0).into_keys().partition(last);
        for identity in rest.into_iter().chain(nets) {
            let (kind, id) = identity.split_once(' ').expect("kind and identity");
            let path = match kind {
                "floating_ip" => format!("/v2/reserved_ips/{id}"),
                "ssh_key" => format!("/v2/account/keys/{id}"),
                "record" => match zone_of(&world.to_json(), id) {
                    Some(zone) => format!("/v2/domains/{zone}/records/{id}"),
                    None => continue,
                },
                kind => format!("/v2/{kind}s/{id}"),
            };
            world.outside("DELETE", &path, None);
        }
    }
}

fn zone_of(world: &Value, record: &str) -> Option<String> {
    objects(&world["domains"]).find(|(_, zone)| zone["records"].get(record).is_some()).map(|(name, _)| name.clone())
}

impl Deed {
    /// Lets it be done now; `model` is a world in which all that we want is there. Whether anything was done.
    pub(crate) fn be_done(self, scene: &mut Scene, model: &Value) -> bool {
        scene.cloud.settle_down();
        if matches!(self, Self::NextApplies | Self::NextDestroys) {
            return self.of_next(scene);
        }
        // A domain is its name: one that is made again while ours is being deleted is the same one to everybody.
        if self == Self::Makes(Thing::Domains) && scene.remembered().iter().any(|identity| identity.starts_with("domain ")) {
            return false;
        }
        let known = scene.knowledge();
        scene.bear(self);
        let theirs = scene.cloud.with_world(|world| self.be_done_in(world, model, &known));
        let done = theirs.is_some();
        scene.theirs.0.extend(theirs.unwrap_or_default().0);
        done
    }

    fn of_next(self, scene: &mut Scene) -> bool {
        let (Some(next), applied) = (&scene.next, !scene.theirs.is_empty()) else { return false };
        if applied == (self == Self::NextApplies) {
            return false;
        }
        let before = scene.cloud.world();
        let command = if applied { "destroy" } else { "apply" };
        next.folder(&scene.stack).run(&[command, "next", "-auto-approve"]).ok();
        let after = scene.cloud.world();
        let ours = identities(&without(&before, &scene.theirs.identities()));
        let there = identities(&after);
        // What the run that was killed had begun to delete may go at any moment.
        let known = scene.knowledge();
        let gone: Vec<_> = ours.difference(&there).filter(|identity| !known.is_leaving(identity)).collect();
        assert!(gone.is_empty(), "the other stack deletes what is not its own: {gone:?}");
        scene.theirs = if applied { Theirs::default() } else { Theirs::between(&before, &after) };
        true
    }

    /// Lets a person do it; what was made, or `None` if nothing was done.
    pub(crate) fn be_done_in(self, world: &mut World, model: &Value, known: &Knowledge) -> Option<Theirs> {
        let before = world.to_json();
        match self {
            Self::Makes(thing) => {
                thing.be_made(world, model);
                Some(Theirs::between(&before, &world.to_json())).filter(|made| !made.is_empty())
            }
            Self::Does(harm) => harm.be_done(world, known).then(Theirs::default),
            Self::NextApplies | Self::NextDestroys => None,
        }
    }
}

/// What state and journal speak of, and what is others'.
pub(crate) struct Knowledge {
    files: [PathBuf; 2],
    spared: BTreeSet<String>,
}

impl Knowledge {
    /// What of a kind is not others'.
    fn ours(&self, there: &Value, kind: &str) -> Vec<(String, Value)> {
        let of_kind = inventory(there).into_iter().filter(|(identity, _)| !self.spared.contains(identity));
        of_kind.filter_map(|(identity, object)| Some((identity.strip_prefix(kind)?.strip_prefix(' ')?.to_owned(), object))).collect()
    }

    /// Those of which state or journal speak.
    fn kept(&self, all: Vec<(String, Value)>) -> Vec<(String, Value)> {
        all.into_iter().filter(|(id, _)| self.knows(id)).collect()
    }

    /// Whether the journal says that it is being deleted.
    fn is_leaving(&self, identity: &str) -> bool {
        let id = identity.split_once(' ').map_or(identity, |(_, id)| id);
        let [_, journal] = &self.files;
        std::fs::read_to_string(journal).is_ok_and(|text| text.lines().any(|line| line.contains("\"delete\"") && line.contains(id)))
    }

    fn knows(&self, id: &str) -> bool {
        self.files.iter().any(|file| std::fs::read_to_string(file).is_ok_and(|text| text.contains(id)))
    }
}

impl Scene {
    pub(crate) fn knowledge(&self) -> Knowledge {
        let files = ["json", "journal"].map(|end| self.stack.path(&format!("state/{}.{end}", self.story.of)));
        Knowledge { files, spared: self.theirs.identities() }
    }

    /// Takes note of what is not made good at once after this: a mark that a person has taken away, and a tag that nothing carries,
    /// which is nobody's.
    pub(crate) fn bear(&mut self, deed: Deed) {
        self.borne = Some(deed);
    }

    /// A shape with what is borne as it would be without.
    pub(super) fn as_without(&self, mut shape: Value) -> Value {
        if let Some(lines) = shape.as_array_mut() {
            let tags = [Deed::Does(Harm::DeleteTag), Deed::Makes(Thing::Tags)].map(Some).contains(&self.borne);
            lines.retain(|line| !tags || line.get("tag").is_none());
            lines.sort_by_key(Value::to_string);
        }
        shape
    }

    /// Takes note of what others have made.
    pub(crate) fn theirs(&mut self, made: Theirs) {
        self.theirs.0.extend(made.0);
    }

    /// Runs the command, and the other stack's at the same time: applies it if it is not there, destroys it if it is.
    pub(crate) fn together(&mut self) -> Vec<String> {
        let next = self.next.as_ref().expect("there is another stack").folder(&self.stack);
        let applied = !self.theirs.is_empty();
        let command = if applied { "destroy" } else { "apply" };
        let (ours, other) = std::thread::scope(|scope| {
            let other = scope.spawn(|| next.run(&[command, "next", "-auto-approve"]));
            (self.command(&[]), other.join().expect("it does not panic"))
        });
        let left = if next.exists("state/next.json") { remembered(&next.json("state/next.json")) } else { BTreeSet::new() };
        let there = inventory(&self.cloud.world()).into_iter();
        self.theirs = Theirs(there.filter(|(identity, _)| left.contains(identity) || identity.starts_with("tag dofloat:next-")).collect());
        let mut wrongs = Vec::new();
        wrongs.extend((applied != self.theirs.is_empty()).then(|| format!("of the other stack there is {:?}", self.theirs)));
        wrongs.extend([ours, other].into_iter().filter(|outcome| outcome.code != 0).map(|outcome| format!("it fails: {outcome}")));
        wrongs
    }
}

impl Next {
    /// Where the other stack lies.
    pub(crate) fn folder<'a>(&'a self, same: &'a Stack) -> &'a Stack {
        self.0.as_ref().unwrap_or(same)
    }
}

impl Thing {
    /// Somebody makes it after a model.
    pub(crate) fn be_made(self, world: &mut World, model: &Value) {
        let mut post = |path: &str, body: Value| world.outside("POST", path, Some(&body)).1;
        let of = |family: &str| objects(&model[family]).map(|(_, object)| object.clone()).collect::<Vec<_>>();
        let named = |family: &str, more: &[&str]| -> Vec<Value> {
            let keep = |object: Value| {
                let fields = ["name"].iter().chain(more).map(|field| ((*field).to_owned(), object[*field].clone()));
                Value::Object(fields.filter(|(_, value)| !value.is_null()).collect())
            };
            of(family).into_iter().filter(|object| object["initial"] != true).map(keep).collect()
        };
        let makes = |path: &str, bodies: Vec<Value>| bodies.into_iter().map(|body| (path.to_owned(), body)).collect::<Vec<_>>();
        let all = match self {
            Self::Address => makes("/v2/reserved_ips", vec![json!({ "region": "nyc3" })]),
            Self::HeldAddress => {
                let wanted = json!({ "name": "theirs", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64" });
                let made = post("/v2/droplets", wanted);
                makes("/v2/reserved_ips", vec![json!({ "droplet_id": made["droplet"]["id"] })])
            }
            Self::Droplets => makes("/v2/droplets", named("droplets", &["region", "size", "image"])),
            Self::Vpcs => makes("/v2/vpcs", named("vpcs", &["region"])),
            Self::Firewalls => {
                let mut walls = named("firewalls", &[]);
                let rule = json!([{ "protocol": "tcp", "ports": "all", "destinations": { "addresses": ["0.0.0.0/0"] } }]);
                walls.iter_mut().for_each(|wall| wall["outbound_rules"] = rule.clone());
                makes("/v2/firewalls", walls)
            }
            Self::Domains => makes("/v2/domains", named("domains", &[])),
            Self::Keys => {
                let mut keys = named("ssh_keys", &[]);
                keys.iter_mut().for_each(|key| key["public_key"] = json!(OTHER_KEY));
                makes("/v2/account/keys", keys)
            }
            Self::SameKeys => {
                let mut keys = named("ssh_keys", &["public_key"]);
                keys.iter_mut().for_each(|key| key["name"] = json!("theirs"));
                makes("/v2/account/keys", keys)
            }
            Self::Tags => {
                let tags = objects(&model["tags"]).filter(|(tag, _)| !tag.starts_with("dofloat:"));
                makes("/v2/tags", tags.map(|(_, tag)| json!({ "name": tag })).collect())
            }
            Self::Records => records(model),
        };
        for (path, body) in all {
            post(&path, body);
        }
    }
}

const OTHER_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC theirs@example.com";

/// Every record of a model once more.
fn records(model: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (zone, domain) in objects(&model["domains"]) {
        for (_, record) in objects(&domain["records"]).filter(|(_, record)| record["initial"] != true) {
            let mut body = json!({ "type": record["kind"] });
            for field in ["name", "data", "priority", "port", "weight", "flags", "tag", "ttl"] {
                if !record[field].is_null() {
                    body[field] = record[field].clone();
                }
            }
            all.push((format!("/v2/domains/{zone}/records"), body));
        }
    }
    all
}

/// A request: method, path and body.
type Ask = (&'static str, String, Value);

impl Harm {
    /// Somebody does it to the first thing of ours that it can be done to.
    fn be_done(self, world: &mut World, known: &Knowledge) -> bool {
        let there = world.to_json();
        let all = self.to_machines(&there, known).or_else(|| self.to_the_rest(&there, known)).unwrap_or_default();
        all.into_iter().any(|(method, path, body)| {
            let body = Some(body).filter(|body| !body.is_null());
            world.outside(method, &format!("/v2/{path}"), body.as_ref()).0 < 300
        })
    }

    /// What would do it to a droplet or an address. Renaming and untagging are left for what we know of: nothing could tell
    /// an object without mark and name from any other.
    fn to_machines(self, there: &Value, known: &Knowledge) -> Option<Vec<Ask>> {
        let ours = |kind: &str| known.ours(there, kind);
        let kept = |all: Vec<(String, Value)>| known.kept(all);
        Some(match self {
            Self::DeleteDroplet => each(ours("droplet"), |id, _| ("DELETE", format!("droplets/{id}"), Value::Null)),
            Self::RenameDroplet => each(kept(ours("droplet")), |id, _| {
                ("POST", format!("droplets/{id}/actions"), json!({ "type": "rename", "name": "renamed" }))
            }),
            Self::PowerOff => each(ours("droplet"), |id, _| ("POST", format!("droplets/{id}/actions"), json!({ "type": "power_off" }))),
            Self::Untag => each(kept(ours("droplet")), |id, droplet| {
                let mut tags = droplet["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
                let mark = tags.find(|tag| tag.starts_with("dofloat:")).unwrap_or("none").to_owned();
                let body = json!({ "resources": [{ "resource_id": id, "resource_type": "droplet" }] });
                ("DELETE", format!("tags/{mark}/resources"), body)
            }),
            Self::DeleteAddress => each(ours("floating_ip"), |ip, _| ("DELETE", format!("reserved_ips/{ip}"), Value::Null)),
            Self::Unassign => each(ours("floating_ip").into_iter().filter(|(_, ip)| !ip["droplet"].is_null()).collect(), |ip, _| {
                ("POST", format!("reserved_ips/{ip}/actions"), json!({ "type": "unassign" }))
            }),
            _ => return None,
        })
    }

    /// What would do it to something else.
    fn to_the_rest(self, there: &Value, known: &Knowledge) -> Option<Vec<Ask>> {
        let ours = |kind: &str| known.ours(there, kind);
        let kept = |all: Vec<(String, Value)>| known.kept(all);
        let record = |id: &str| format!("domains/{}/records/{id}", zone_of(there, id).unwrap_or_default());
        let tags = || ours("tag").into_iter().filter(|(tag, _)| !tag.starts_with("dofloat:")).collect();
        Some(match self {
            Self::DeleteVpc => each(ours("vpc"), |id, _| ("DELETE", format!("vpcs/{id}"), Value::Null)),
            Self::RenameVpc => each(kept(ours("vpc")), |id, _| ("PATCH", format!("vpcs/{id}"), json!({ "name": "renamed" }))),
            Self::DeleteFirewall => each(ours("firewall"), |id, _| ("DELETE", format!("firewalls/{id}"), Value::Null)),
            Self::EmptyFirewall => each(ours("firewall"), |id, wall| {
                let rule = json!([{ "protocol": "tcp", "ports": "9", "sources": { "addresses": ["192.0.2.1"] } }]);
                ("PUT", format!("firewalls/{id}"), json!({ "name": wall["name"], "inbound_rules": rule }))
            }),
            Self::DeleteDomain => each(ours("domain"), |name, _| ("DELETE", format!("domains/{name}"), Value::Null)),
            Self::DeleteRecord => each(ours("record"), |id, _| ("DELETE", record(id), Value::Null)),
            Self::RenameRecord => {
                each(kept(ours("record")), |id, of| ("PATCH", record(id), json!({ "type": of["kind"], "name": "renamed" })))
            }
            Self::DeleteKey => each(ours("ssh_key"), |id, _| ("DELETE", format!("account/keys/{id}"), Value::Null)),
            Self::RenameKey => each(kept(ours("ssh_key")), |id, _| ("PUT", format!("account/keys/{id}"), json!({ "name": "renamed" }))),
            Self::DeleteTag => each(tags(), |tag, _| ("DELETE", format!("tags/{tag}"), Value::Null)),
            _ => return None,
        })
    }
}

/// The requests that would do it to each.
fn each(all: Vec<(String, Value)>, request: impl Fn(&str, &Value) -> Ask) -> Vec<Ask> {
    all.iter().map(|(id, object)| request(id, object)).collect()
}
