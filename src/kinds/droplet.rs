//! A droplet: a virtual machine. It can be renamed, resized, tagged, backed up and given IPv6 in place; anything else makes
//! a new one.
//!
//! Invariant: it is there once it is active *and* its addresses can be read; `locked` and a completed action mean neither.

mod edits;
mod preflight;
mod start;

use std::time::Duration;

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::json;
use start::{START_LIMIT, Start, failed_create};

use super::attr::{Attr, Change, Compare, Echo, EditName, Held, Lit, POWER_ON, Reads, SETTLE, TIMEOUTS, Ty};
use super::compare::{SET, TAGS, UNCOMPARED};
use super::complaints::{self, Complaints};
use super::erased::{Complaint, Job, Places, Scopes, Sure, is_mark, length};
use super::ssh_key::SshKey;
use super::vpc::Vpc;
use super::wire::{Slug, or_default, present, seen};
use super::{For, Hit, Kind, Made, form, if_there};
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_api::looks::{List, Place, Seen};
use dofloat_api::wait::Poll;
use dofloat_api::watching::Goal;
use dofloat_base::identity::{Id, Mark, Ours};
use dofloat_base::number::Number;
use dofloat_base::value::{Body, Term, Value};

/// How long a deleted droplet may still be seen.
const LEAVE_LIMIT: Duration = Duration::from_secs(300);
/// The API's limit for user data, in bytes.
const USER_DATA_LIMIT: usize = 64 * 1024;
/// Up to how many droplets that the tag does not find are asked for one by one.
const FEW: usize = 5;

pub(crate) struct Droplet;

#[derive(Deserialize)]
pub(crate) struct Spec {
    name: String,
    image: String,
    #[serde(default)]
    region: Option<String>,
    size: String,
    #[serde(default, deserialize_with = "or_default")]
    backups: bool,
    #[serde(default, deserialize_with = "or_default")]
    backup_policy: Vec<Policy>,
    #[serde(default, deserialize_with = "or_default")]
    ipv6: bool,
    #[serde(default, deserialize_with = "or_default")]
    monitoring: bool,
    #[serde(default)]
    public_networking: Option<bool>,
    #[serde(default, deserialize_with = "or_default")]
    ssh_keys: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    tags: Vec<String>,
    #[serde(default)]
    user_data: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    volume_ids: Vec<String>,
    #[serde(default)]
    vpc_uuid: Option<String>,
    #[serde(default)]
    resize_disk: Option<bool>,
    #[serde(default, deserialize_with = "or_default")]
    graceful_shutdown: bool,
    #[serde(default)]
    droplet_agent: Option<bool>,
    #[serde(default)]
    gpu_partition_mode: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct Policy {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weekday: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hour: Option<Number>,
}

#[derive(Serialize)]
pub(crate) struct Live {
    id: String,
    urn: String,
    name: String,
    region: String,
    size: String,
    price_hourly: Option<Number>,
    price_monthly: Option<Number>,
    disk: u64,
    memory: u64,
    vcpus: u64,
    status: String,
    locked: bool,
    created_at: String,
    vpc_uuid: String,
    ipv4_address: String,
    ipv4_address_private: String,
    ipv6_address: String,
    public_networking: bool,
    backups: bool,
    ipv6: bool,
    private_networking: bool,
    monitoring: bool,
    volume_ids: Vec<String>,
    tags: Vec<String>,
}

#[derive(Deserialize)]
struct Wire {
    id: u64,
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    memory: u64,
    #[serde(default, deserialize_with = "or_default")]
    vcpus: u64,
    #[serde(default, deserialize_with = "or_default")]
    disk: u64,
    #[serde(default, deserialize_with = "or_default")]
    locked: bool,
    #[serde(default, deserialize_with = "or_default")]
    status: String,
    #[serde(default, deserialize_with = "or_default")]
    created_at: String,
    #[serde(default, deserialize_with = "or_default")]
    features: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    size_slug: String,
    #[serde(default, deserialize_with = "or_default")]
    size: Size,
    #[serde(default, deserialize_with = "or_default")]
    networks: Networks,
    #[serde(default, deserialize_with = "or_default")]
    region: Slug,
    #[serde(default, deserialize_with = "or_default")]
    volume_ids: Vec<String>,
    #[serde(default, deserialize_with = "present")]
    tags: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "present")]
    vpc_uuid: Option<Option<String>>,
}

#[derive(Default, Deserialize)]
struct Size {
    #[serde(default, deserialize_with = "or_default")]
    slug: String,
    #[serde(default)]
    price_hourly: Option<Number>,
    #[serde(default)]
    price_monthly: Option<Number>,
}

#[derive(Default, Deserialize)]
struct Networks {
    #[serde(default, deserialize_with = "or_default")]
    v4: Vec<Network>,
    #[serde(default, deserialize_with = "or_default")]
    v6: Vec<Network>,
}

/// Netmask and gateway are left unread: they are numbers or texts, null, "" or "nil".
#[derive(Deserialize)]
struct Network {
    #[serde(default, deserialize_with = "or_default")]
    ip_address: String,
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    kind: String,
}

#[derive(Deserialize)]
struct One {
    droplet: Wire,
}

const POLICY: &[Attr] = &[
    Attr::optional("plan", Ty::String, Change::InPlace("backups"), "daily or weekly."),
    Attr::optional("weekday", Ty::String, Change::InPlace("backups"), "SUN to SAT, for a weekly plan."),
    Attr::optional("hour", Ty::Number, Change::InPlace("backups"), "The hour at which the window opens: 0, 4, 8, 12, 16 or 20."),
];

impl Kind for Droplet {
    const NAME: &'static str = "digitalocean_droplet";
    const ATTRS: &'static [Attr] = &[
        Attr::computed("id", Ty::String, "The droplet's number."),
        Attr::required("name", Ty::String, Change::InPlace("rename"), "Its name, which becomes its host name."),
        // The slug of a withdrawn image vanishes from the answers: what was asked for is what counts.
        Attr::required("image", Ty::String, Change::Replace, "The image's slug or number.").write_only().scopes(&["image:read"]),
        Attr::chosen("region", Ty::String, Change::Replace, "The region's slug.").compare(Compare::NoCase),
        Attr::required("size", Ty::String, Change::Disruptive("resize"), "The size's slug.").compare(Compare::NoCase),
        Attr::optional("resize_disk", Ty::Bool, Change::Local, "Whether a resize grows the disk too, for good.")
            .default(Lit::Bool(true))
            .write_only(),
        Attr::optional("graceful_shutdown", Ty::Bool, Change::Local, "Whether it is asked to shut down before its power is cut.")
            .default(Lit::Bool(false))
            .write_only(),
        Attr::optional("backups", Ty::Bool, Change::InPlace("backups"), "Whether it is backed up.").default(Lit::Bool(false)),
        Attr::optional("backup_policy", Ty::List(&Ty::Object(POLICY)), Change::InPlace("backups"), "When it is backed up.")
            .block()
            .write_only(),
        Attr::optional("ipv6", Ty::Bool, Change::Enable("ipv6"), "Whether it has an IPv6 address.").default(Lit::Bool(false)),
        Attr::chosen("ipv6_address", Ty::String, Change::Local, "Its public IPv6 address; DigitalOcean chooses it, whatever is written.")
            .compare(UNCOMPARED)
            .echo(Echo::Unforeseen)
            .follows(&["ipv6", SETTLE]),
        Attr::optional("monitoring", Ty::Bool, Change::Replace, "Whether the metrics agent is installed.").default(Lit::Bool(false)),
        Attr::optional("droplet_agent", Ty::Bool, Change::Replace, "Whether the console's agent is installed; by default if it can be.")
            .write_only(),
        Attr::chosen("private_networking", Ty::Bool, Change::Local, "Without effect: every droplet is in a VPC.")
            .compare(UNCOMPARED)
            .echo(Echo::Unforeseen),
        Attr::chosen("public_networking", Ty::Bool, Change::Replace, "Whether it has a public address.").follows(&[SETTLE]),
        Attr::optional("ssh_keys", Ty::Set(&Ty::String), Change::Replace, "Numbers or fingerprints of the keys that may log in.")
            .write_only()
            .compare(SET)
            .names(&[SshKey::NAME], &["id", "fingerprint"])
            .scopes(&["ssh_key:read"]),
        Attr::optional("user_data", Ty::String, Change::Replace, "What it does at its first boot, up to 64 KiB.").hidden().write_only(),
        Attr::chosen("volume_ids", Ty::Set(&Ty::String), Change::InPlace("volumes"), "The volumes that are attached.")
            .compare(SET)
            .echo(Echo::Written)
            .reads(Reads::WhenSet)
            .scopes(&["block_storage:read", "block_storage_action:create", "block_storage_action:read"]),
        Attr::chosen("vpc_uuid", Ty::String, Change::Replace, "The VPC; by default the region's own.")
            .compare(Compare::NoCase)
            .names_near(&[Vpc::NAME], &["id"])
            .scopes(&["vpc:read"])
            .read_scopes(&["vpc:read"]),
        Attr::optional("gpu_partition_mode", Ty::String, Change::Replace, "How a GPU is shared.").write_only(),
        Attr::optional("tags", Ty::Set(&Ty::String), Change::InPlace("tags"), "Its tags.")
            .compare(TAGS)
            .echo(Echo::Written)
            .scopes(&["tag:create"])
            .read_scopes(&["tag:read"]),
        TIMEOUTS,
        Attr::computed("ipv4_address", Ty::String, "Its public address.").follows(&[SETTLE]),
        Attr::computed("ipv4_address_private", Ty::String, "Its address in the VPC.").follows(&[SETTLE]),
        Attr::computed("status", Ty::String, "new, active, off or archive; one that was active and is off is powered on.")
            .follows(&["resize", POWER_ON, SETTLE])
            .held(Held { state: "active", lost: "off", edit: POWER_ON }),
        Attr::computed("locked", Ty::Bool, "Whether DigitalOcean has locked it.").follows(&[SETTLE]),
        Attr::computed("disk", Ty::Number, "Its disk in GB.").follows(&["resize"]),
        Attr::computed("memory", Ty::Number, "Its memory in MB.").follows(&["resize"]),
        Attr::computed("vcpus", Ty::Number, "Its processors.").follows(&["resize"]),
        Attr::computed("price_hourly", Ty::Number, "Dollars an hour.").compare(UNCOMPARED).follows(&["resize"]),
        Attr::computed("price_monthly", Ty::Number, "Dollars a month.").compare(UNCOMPARED).follows(&["resize"]),
        Attr::computed("urn", Ty::String, "The uniform resource name."),
        Attr::computed("created_at", Ty::String, "When it was made."),
    ];
    const SCOPES: Scopes = Scopes {
        read: &["droplet:read", "tag:read"],
        create: &["droplet:create", "droplet:read", "image:read", "regions:read", "account:read", "tag:create", "tag:read"],
        // A resize needs `droplet:create` too.
        update: &["droplet:update", "droplet:read", "droplet:create", "regions:read", "sizes:read", "tag:create", "tag:delete"],
        // The stack's tag goes last.
        delete: &["droplet:delete", "droplet:read", "tag:delete"],
    };
    const MARKABLE: bool = true;
    const COSTS: bool = true;
    const UNIQUE: bool = true;
    type Spec = Spec;
    type Live = Live;

    fn check(body: &Term, complaints: &mut Complaints) {
        check(body, complaints);
    }

    async fn preflight(api: &Client, jobs: &[Job]) -> Result<Vec<Complaint>, ApiError> {
        preflight::preflight(api, jobs).await
    }

    async fn create(api: &Client, spec: &Spec, whose: For<'_>) -> Result<Made<Live>, ApiError> {
        let made: One = api.create("/droplets", &wire(spec, whose.ours.mark)).await?;
        Ok(Made { id: Id(made.droplet.id.to_string()), live: None })
    }

    async fn wait_ready(api: &Client, id: &Id, wanted: &Term) -> Result<Live, ApiError> {
        let without_public = wanted.get("public_networking") == Term::Value(Value::Bool(false));
        let wait = Start::new(without_public);
        let what = format!("droplet {id} to be active");
        let goal = Goal { what: &what, sort: "droplet create", limit: START_LIMIT };
        api.watch(goal, &place(api, id), |seen| wait.judge(api, id, seen)).await?.live()
    }

    async fn stillborn(api: &Client, id: &Id, seen: &Body) -> Result<bool, ApiError> {
        if seen.get("status").and_then(Value::as_str) != Some("new") {
            return Ok(false);
        }
        Ok(failed_create(api, id).await?.is_some())
    }

    /// Those that carry the mark; where many others are asked for, those too.
    async fn bulk(api: &Client, ids: &[Id], ours: Ours<'_>) -> Result<Vec<(Id, Live)>, ApiError> {
        let marked: Vec<Wire> = api.list("/droplets", &[("tag_name", &ours.mark.0)], "droplets").await?;
        let mut found = marked.into_iter().map(Wire::with_id).collect::<Result<Vec<_>, _>>()?;
        let missing: Vec<&Id> = ids.iter().filter(|id| !found.iter().any(|(other, _)| other == *id)).collect();
        if missing.len() > FEW {
            for wire in all(api).await? {
                let (id, live) = wire.with_id()?;
                if missing.contains(&&id) {
                    found.push((id, live));
                }
            }
        }
        Ok(found)
    }

    async fn tags(api: &Client) -> Result<Vec<String>, ApiError> {
        let mut tags = Vec::new();
        for wire in all(api).await? {
            tags.extend(seen(wire.tags, || format!("`tags` of droplet {}", wire.id), "tag:read")?);
        }
        Ok(tags)
    }

    async fn read(api: &Client, id: &Id) -> Result<Option<Live>, ApiError> {
        if_there(get(api, id).await)?.map(Wire::live).transpose()
    }

    async fn seek(api: &Client, names: &[String]) -> Result<Option<Places>, ApiError> {
        if names.len() > FEW {
            let all = all(api).await?;
            let place =
                |name: &String| Some((name.clone(), Some(all.iter().find(|wire| wire.id.to_string() == *name)?.region.slug.clone())));
            return Ok(Some(names.iter().filter_map(place).collect()));
        }
        let looks = names.iter().map(|name| async move {
            let found = if_there(get(api, &Id(name.clone())).await)?;
            Ok::<_, ApiError>(found.map(|wire| (name.clone(), Some(wire.region.slug))))
        });
        Ok(Some(try_join_all(looks).await?.into_iter().flatten().collect()))
    }

    fn missing(name: &str) -> (String, String) {
        (
            format!("The account has no droplet {name}."),
            "Name one by its number (doctl compute droplet list), or refer to a `digitalocean_droplet` resource.".to_owned(),
        )
    }

    async fn edit(api: &Client, id: &Id, edit: EditName, spec: &Spec, seen: &Body) -> Result<(), ApiError> {
        edits::edit(api, id, edit, spec, seen).await
    }

    async fn delete(api: &Client, id: &Id, seen: &Body) -> Result<(), ApiError> {
        // Who may hand over before it goes is given the time.
        let place = place(api, id);
        if seen.get("graceful_shutdown") == Some(&true.into()) {
            let now: Option<Wire> = api.look(&place).await?.map(|seen| seen.decode(&place)).transpose()?;
            if now.is_some_and(|wire| wire.status == "active") {
                // Who was deleted meanwhile needs no time.
                if_there(edits::power_off(api, id, true).await)?;
            }
        }
        let what = format!("droplet {id} to have no pending event");
        api.pending_retry(&what, LEAVE_LIMIT, || async { api.delete(&path(id), &[]).await }).await?;
        let gone = |seen: Option<Seen>| async move {
            Ok(if seen.is_none() { Poll::Ready(()) } else { Poll::Pending("it is still there".to_owned()) })
        };
        let what = format!("droplet {id} to be gone");
        api.watch(Goal { what: &what, sort: "droplet delete", limit: LEAVE_LIMIT }, &place, gone).await
    }

    /// By tag and exact name; and by name alone, as tags come late, where nothing speaks against it: those are not certain.
    async fn find(api: &Client, body: &Body, ours: Ours<'_>) -> Result<Vec<Hit<Live>>, ApiError> {
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let name = text("name");
        let mark = ours.mark;
        let marked: Vec<Wire> = api.list("/droplets", &[("tag_name", &mark.0)], "droplets").await?;
        let named: Vec<Wire> = api.list("/droplets", &[("name", name)], "droplets").await?;
        let mut hits: Vec<Hit<Live>> = Vec::new();
        for wire in marked.into_iter().chain(named) {
            let others_mark = wire.tags.iter().flatten().flatten().any(|tag| is_mark(tag) && *tag != mark.0);
            let certain = wire.tags.iter().flatten().flatten().any(|tag| *tag == mark.0);
            let like = |wanted: &str, there: &str| wanted.is_empty() || wanted.eq_ignore_ascii_case(there);
            let alike = like(text("region"), &wire.region.slug) && like(text("size"), wire.size());
            let (id, live) = wire.with_id()?;
            let fits = live.name == name && (certain || !others_mark && alike && like(text("vpc_uuid"), &live.vpc_uuid));
            if fits && !hits.iter().any(|hit| hit.id == id) {
                hits.push(Hit { id, live, sure: if certain { Sure::Ours } else { Sure::Alike } });
            }
        }
        Ok(hits)
    }

    /// Once it is up, and after that as long as it can be read where it is reached.
    fn is_up(seen: &Body) -> bool {
        let text = |name: &str| seen.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("status") {
            "active" => !text("ipv4_address").is_empty() && !text("ipv4_address_private").is_empty(),
            status => status != "new",
        }
    }

    /// A reset leaves a droplet off for a moment.
    async fn is_busy(api: &Client, id: &Id) -> Result<bool, ApiError> {
        start::is_busy(api, id).await
    }

    async fn claim(api: &Client, id: &Id, from: &[Mark], ours: Ours<'_>) -> Result<(), ApiError> {
        let from: Vec<String> = from.iter().map(|mark| mark.0.clone()).collect();
        edits::tags(api, id, std::slice::from_ref(&ours.mark.0), &from).await
    }

    fn marks(live: &Live) -> Vec<Mark> {
        live.tags.iter().filter(|tag| is_mark(tag)).cloned().map(Mark).collect()
    }

    fn powered(seen: &Body) -> Option<bool> {
        Some(seen.get("status").and_then(Value::as_str) == Some("active"))
    }

    fn remark(seen: &Body) -> Option<String> {
        match seen.get("status").and_then(Value::as_str) {
            Some("off") => Some("is powered off".to_owned()),
            Some("archive") => Some("is archived: DigitalOcean has put it away".to_owned()),
            _ if seen.get("locked") == Some(&true.into()) => Some("is locked by DigitalOcean: it cannot be changed now".to_owned()),
            _ => None,
        }
    }
}

fn check(body: &Term, complaints: &mut Complaints) {
    if let Some(name) = complaints::text(body, "name")
        && !form::droplet_name(&name)
    {
        let better = name.replace(['_', ' '], "-");
        let hint = if form::droplet_name(&better) { format!("Write `{better}`.") } else { String::new() };
        complaints.error(
            &["name"],
            format!("`{name}` is not a valid droplet name: only letters, digits, dots and dashes, with a letter or digit at the end."),
            hint,
        );
    }
    if let Some(size) = length(&body.get("user_data"))
        && size > USER_DATA_LIMIT
    {
        complaints.error(
            &["user_data"],
            format!("The user data has {size} bytes; DigitalOcean takes {USER_DATA_LIMIT} (64 KiB)."),
            "Shorten it, or let it fetch the rest.",
        );
    }
    for (at, tag) in complaints::texts(body, "tags") {
        if !form::tag(&tag) {
            complaints.error(&["tags", &at.to_string()], format!("`{tag}` is not a valid tag."), super::tag::ALPHABET);
        } else if is_mark(&tag) {
            complaints.error(
                &["tags", &at.to_string()],
                format!("The tag `{tag}` has the form of dofloat's own marks."),
                "Take one that does not begin with `dofloat:`.",
            );
        }
    }
    for (at, key) in complaints::texts(body, "ssh_keys") {
        let fingerprint =
            key.split(':').count() == 16 && key.split(':').all(|pair| pair.len() == 2 && u8::from_str_radix(pair, 16).is_ok());
        if !fingerprint && key.parse::<u64>().is_err() {
            complaints.error(
                &["ssh_keys", &at.to_string()],
                "A key is given by its number or its MD5 fingerprint; names and public keys do not work.".to_owned(),
                "Use `digitalocean_ssh_key.NAME.id`.",
            );
        }
    }
    check_backups(body, complaints);
    if body.get("public_networking") == Term::Value(Value::Bool(false)) && complaints::is_true(body, "ipv6") {
        complaints.error(&["ipv6"], "A droplet without public networking has no IPv6 address.", "Remove `ipv6`.");
    }
}

fn check_backups(body: &Term, complaints: &mut Complaints) {
    let policies = complaints::items(body, "backup_policy");
    if policies.is_empty() {
        return;
    }
    if matches!(body.get("backups"), Term::Value(Value::Null | Value::Bool(false))) {
        complaints.error(&["backup_policy"], "A backup policy needs `backups = true`.", "Add it, or remove the block.");
    }
    if policies.len() > 1 {
        complaints.error(&["backup_policy", "1"], "There is one backup policy for a droplet.", "Remove the further blocks.");
    }
    let days = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
    for (at, policy) in policies.iter().enumerate() {
        let at = at.to_string();
        let plan = complaints::text(policy, "plan");
        if let Some(plan) = plan.as_deref().filter(|plan| !matches!(*plan, "daily" | "weekly")) {
            complaints.error(&["backup_policy", &at, "plan"], format!("`{plan}` is not a backup plan."), "It is daily or weekly.");
        }
        if let Some(day) = complaints::text(policy, "weekday").filter(|day| !days.contains(&day.as_str())) {
            complaints.error(
                &["backup_policy", &at, "weekday"],
                format!("`{day}` is not a weekday."),
                format!("It is one of {}.", days.join(", ")),
            );
        }
        if let Some(hour) = complaints::number(policy, "hour").filter(|hour| !matches!(hour, 0 | 4 | 8 | 12 | 16 | 20)) {
            complaints.error(&["backup_policy", &at, "hour"], format!("No backup window opens at {hour}."), "It is 0, 4, 8, 12, 16 or 20.");
        }
    }
}

impl Wire {
    fn size(&self) -> &str {
        if self.size_slug.is_empty() { &self.size.slug } else { &self.size_slug }
    }

    /// Its address of a type; the order of the list says nothing.
    fn v4(&self, kind: &str) -> &str {
        self.networks.v4.iter().find(|network| network.kind == kind).map_or("", |network| &network.ip_address)
    }

    fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|known| known == feature)
    }

    fn with_id(self) -> Result<(Id, Live), ApiError> {
        Ok((Id(self.id.to_string()), self.live()?))
    }

    fn live(mut self) -> Result<Live, ApiError> {
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

/// What a create sends: only what is set, since null is not the same as nothing there.
fn wire(spec: &Spec, mark: &Mark) -> serde_json::Value {
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
fn numeric(text: &str) -> serde_json::Value {
    text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number))
}

async fn get(api: &Client, id: &Id) -> Result<Wire, ApiError> {
    Ok(api.get::<One>(&path(id), &[]).await?.droplet)
}

async fn all(api: &Client) -> Result<Vec<Wire>, ApiError> {
    api.list("/droplets", &[], "droplets").await
}

fn path(id: &Id) -> String {
    format!("/droplets/{}", segment(&id.0))
}

/// Where a droplet is seen: in the list of those that carry the stack's mark, and at its own address.
fn place(api: &Client, id: &Id) -> Place {
    let query = api.mark().map(|mark| ("tag_name", mark.to_owned())).into_iter().collect();
    let list = List { path: "/droplets", query, key: "droplets", by: "id", id: id.0.clone() };
    Place { one: path(id), field: "droplet", list: Some(list) }
}

#[cfg(test)]
mod tests;
