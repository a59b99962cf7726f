//! A reserved address, in both spellings; the API's own calls are the new one's for both.
//!
//! Invariant: an address carries no mark and no name. It is reserved straight into the stack's project, or onto the droplet that
//! is written, and is known by that; where neither can be, a person says whether one that was found is the one. Who holds it is
//! nobody's business here unless `droplet_id` is written.

use std::marker::PhantomData;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::attr::{Attr, Change, Compare, EditName, Reads, Ty, URN};
use super::complaints::{self, Complaints};
use super::droplet::Droplet;
use super::erased::{Certainty, Complaint, Job, Places, Scopes};
use super::wire::{Slug, maybe_id_number, or_default, present, seen};
use super::{Candidate, Kind, NOT_YET, NewObject, UNSEEN_LIMIT, if_there, project};
use dofloat_api::action::Order;
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_api::looks::{List, Place, Seen};
use dofloat_api::wait::Poll;
use dofloat_api::watching::Goal;
use dofloat_base::identity::{Id, Mark, Ours};
use dofloat_base::planted::{Bug, planted};
use dofloat_base::value::{Body, Term, Value};

/// How long an assignment may take, pending events of the droplet included.
const ASSIGN_LIMIT: Duration = Duration::from_secs(300);

/// `digitalocean_reserved_ip`.
pub(crate) struct Reserved;
/// `digitalocean_floating_ip`, the old name of the same thing.
pub(crate) struct Floating;

/// The two spellings.
pub(crate) trait Spelling: Send + Sync + 'static {
    /// The resource type of the address.
    const IP: &'static str;
    /// The resource type of its assignment.
    const ASSIGNMENT: &'static str;
    /// The product's name in a uniform resource name.
    const URN: &'static str;
}

impl Spelling for Reserved {
    const IP: &'static str = "digitalocean_reserved_ip";
    const ASSIGNMENT: &'static str = "digitalocean_reserved_ip_assignment";
    const URN: &'static str = "reservedip";
}

impl Spelling for Floating {
    const IP: &'static str = "digitalocean_floating_ip";
    const ASSIGNMENT: &'static str = "digitalocean_floating_ip_assignment";
    const URN: &'static str = "floatingip";
}

pub(crate) struct ReservedIp<S>(PhantomData<S>);

#[derive(Deserialize)]
pub(crate) struct Spec {
    #[serde(default)]
    region: Option<String>,
    #[serde(default, deserialize_with = "maybe_id_number")]
    droplet_id: Option<u64>,
}

#[derive(Serialize)]
pub(crate) struct Live {
    id: String,
    ip_address: String,
    region: String,
    droplet_id: Option<u64>,
    urn: String,
    #[serde(skip)]
    project: Option<String>,
}

/// An address as the API shows it.
#[derive(Deserialize)]
pub(super) struct Wire {
    pub(super) ip: String,
    #[serde(default, deserialize_with = "or_default")]
    region: Slug,
    #[serde(default, deserialize_with = "present")]
    droplet: Option<Option<Holder>>,
    /// Something is being done to it: a new one that was reserved for a droplet is not held by it yet.
    #[serde(default)]
    locked: bool,
    /// Who may not read projects is not told.
    #[serde(default)]
    project_id: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
struct Holder {
    id: u64,
}

#[derive(Deserialize)]
struct One {
    reserved_ip: Wire,
}

#[derive(Deserialize)]
struct Account {
    account: Limits,
}

#[derive(Deserialize)]
struct Limits {
    #[serde(default)]
    floating_ip_limit: Option<usize>,
}

impl<S: Spelling> Kind for ReservedIp<S> {
    const NAME: &'static str = S::IP;
    const ATTRS: &'static [Attr] = &[
        Attr::computed("id", Ty::String, "The address."),
        Attr::chosen("region", Ty::String, Change::Replace, "The region's slug; needed unless `droplet_id` is written.")
            .compare(Compare::NoCase),
        Attr::optional("droplet_id", Ty::Number, Change::InPlace("assign"), "The droplet that holds it.")
            .reads(Reads::WhenSet)
            .names_near(&[Droplet::NAME], &["id"])
            .scopes(&["droplet:read"])
            .read_scopes(&["droplet:read"]),
        Attr::computed("ip_address", Ty::String, "The address."),
        URN,
    ];
    const SCOPES: Scopes = Scopes {
        read: &["reserved_ip:read"],
        create: &["reserved_ip:create", "reserved_ip:read", "account:read", "project:create", "project:read"],
        update: &["reserved_ip:update", "reserved_ip:read"],
        // The stack's project goes last.
        delete: &["reserved_ip:delete", "project:delete"],
    };
    const BILLED: bool = true;
    const GLOBALLY_UNIQUE: bool = true;
    // A droplet has one.
    const UNIQUE_KEY: &'static [&'static str] = &["droplet_id"];
    const UNIQUE_AMONG: &'static str = "addresses of droplets";
    const MARKED_BY_PROJECT: bool = true;
    type Spec = Spec;
    type Live = Live;

    fn joins_project(body: &Term) -> bool {
        body.get("droplet_id").is_null()
    }

    fn project(live: &Live) -> Option<&str> {
        live.project.as_deref()
    }

    async fn claim(api: &Client, id: &Id, _: &[Mark], ours: Ours<'_>) -> Result<(), ApiError> {
        match ours.project {
            Some(project) => project::assign(api, project, &format!("do:{}:{id}", Floating::URN)).await,
            None => Ok(()),
        }
    }

    /// An object that somebody has put elsewhere stays there.
    async fn release(api: &Client, id: &Id, ours: Ours<'_>) -> Result<(), ApiError> {
        let Some(project) = ours.project else { return Ok(()) };
        match one(api, &id.0).await? {
            Some(wire) if wire.project_id.as_ref() == Some(&project.0) => {
                project::assign(api, &Id(project::DEFAULT.to_owned()), &format!("do:{}:{id}", Floating::URN)).await
            }
            _ => Ok(()),
        }
    }

    fn check(body: &Term, complaints: &mut Complaints) {
        if body.get("region").is_null() && body.get("droplet_id").is_null() {
            complaints.error(&[], "A reserved address needs a region or a droplet.", "Add `region`, for example `region = \"nyc3\"`.");
        }
    }

    async fn preflight(api: &Client, jobs: &[Job]) -> Result<Vec<Complaint>, ApiError> {
        let mut complaints = Complaints::default();
        let fresh: Vec<&Job> = jobs.iter().filter(|job| job.creates && job.id.is_none()).collect();
        if let Some(last) = fresh.last() {
            let account: Account = api.get("/account", &[]).await?;
            let held = all(api).await?.len();
            if let Some(limit) = account.account.floating_ip_limit
                && held + fresh.len() > limit
            {
                complaints.about(last);
                complaints.error(
                    &[],
                    format!("The account may have {limit} reserved addresses, has {held}, and this plan makes {}.", fresh.len()),
                    "Release one that is not needed, or ask DigitalOcean's support for a higher limit.",
                );
            }
        }
        Ok(complaints.into_vec())
    }

    async fn create(api: &Client, spec: &Spec, ours: Ours<'_>) -> Result<NewObject<Live>, ApiError> {
        let Some(droplet) = spec.droplet_id else {
            let region = spec.region.as_deref().unwrap_or_default().to_lowercase();
            let body = match ours.project {
                Some(project) => json!({"region": region, "project_id": project}),
                None => json!({"region": region}),
            };
            let made: One = api.create("/reserved_ips", &body).await?;
            let wire = made.reserved_ip;
            // Just reserved, it has no holder whether the token may see that or not.
            let live = live::<S>(&wire, None);
            return Ok(NewObject { id: Id(wire.ip), live: Some(live) });
        };
        let body = json!({"droplet_id": droplet});
        let what = format!("droplet {droplet} to have no pending event");
        let made: One = api.pending_retry(&what, ASSIGN_LIMIT, || async { api.create("/reserved_ips", &body).await }).await?;
        Ok(NewObject { id: Id(made.reserved_ip.ip), live: None })
    }

    async fn wait_ready(api: &Client, id: &Id, body: &Term) -> Result<Live, ApiError> {
        let place = &place(&id.0);
        let judge = |seen: Option<Seen>| async move {
            let Some(seen) = seen else { return Ok(Poll::Pending(NOT_YET.to_owned())) };
            let wire: Wire = seen.decode(place)?;
            let busy = || Poll::Pending("something is being done to it".to_owned());
            if wire.locked { Ok(busy()) } else { wire.live::<S>().map(Poll::Ready) }
        };
        let what = format!("the reserved address {id} to be there");
        let live = api.watch(Goal { what: &what, sort: "reserved address create", limit: ASSIGN_LIMIT }, place, judge).await?;
        match droplet_of(body) {
            // What the API began when it reserved the address came to nothing.
            Some(droplet) if live.droplet_id != Some(droplet) => assign(api, &id.0, droplet).await?.live::<S>(),
            _ => Ok(live),
        }
    }

    async fn bulk(api: &Client, _: &[Id], _: Ours<'_>) -> Result<Vec<(Id, Live)>, ApiError> {
        all(api).await?.iter().map(|wire| Ok((Id(wire.ip.clone()), wire.live::<S>()?))).collect()
    }

    async fn read(api: &Client, id: &Id) -> Result<Option<Live>, ApiError> {
        one(api, &id.0).await?.map(|wire| wire.live::<S>()).transpose()
    }

    async fn edit(api: &Client, id: &Id, edit: EditName, spec: &Spec, seen: &Body) -> Result<(), ApiError> {
        match (edit, spec.droplet_id) {
            ("assign", Some(droplet)) => assign(api, &id.0, droplet).await.map(|_| ()),
            ("assign", None) => let_go(api, &id.0, seen).await,
            _ => Err(super::no_edit(Self::NAME, id, edit)),
        }
    }

    async fn delete(api: &Client, id: &Id, _: &Body) -> Result<(), ApiError> {
        // An address that is held is unassigned by the API itself.
        let what = format!("the reserved address {id} to have no pending event");
        api.pending_retry(&what, ASSIGN_LIMIT, || async { api.delete(&path(&id.0), &[]).await }).await
    }

    /// An address in the stack's project, or one that the written droplet holds. Where there is neither, spare ones; the caller
    /// knows which were there before.
    async fn find(api: &Client, body: &Body, ours: Ours<'_>) -> Result<Vec<Candidate<Live>>, ApiError> {
        let region = body.get("region").and_then(Value::as_str).map(str::to_lowercase);
        let droplet = match body.get("droplet_id") {
            Some(Value::Number(droplet)) => droplet.as_u64(),
            _ => None,
        };
        let mut candidates = Vec::new();
        for wire in all(api).await? {
            if region.as_ref().is_some_and(|region| *region != wire.region.slug) {
                continue;
            }
            let holder = wire.holder()?;
            let certainty = match (droplet, ours.project) {
                (Some(_), _) if holder == droplet => Certainty::Ours,
                (None, Some(project)) if wire.project_id.as_ref() == Some(&project.0) => Certainty::Ours,
                (None, _) if holder.is_none() && planted(Bug::AdoptsUnmarkedAddress) => Certainty::Ours,
                (None, Some(_)) => continue,
                _ if holder.is_none() => Certainty::Alike,
                _ => continue,
            };
            candidates.push(Candidate { id: Id(wire.ip.clone()), live: wire.live::<S>()?, certainty });
        }
        Ok(candidates)
    }

    async fn lookup(api: &Client, names: &[String]) -> Result<Option<Places>, ApiError> {
        let all = all(api).await?;
        let place = |ip: &String| Some((ip.clone(), Some(all.iter().find(|wire| wire.ip == *ip)?.region.slug.clone())));
        Ok(Some(names.iter().filter_map(place).collect()))
    }

    fn missing(name: &str) -> (String, String) {
        (
            format!("The account has no reserved address `{name}`."),
            format!("Write one that it has (doctl compute reserved-ip list), or reserve one with a `{}` resource.", S::IP),
        )
    }

    fn renamed(mut body: Body) -> Body {
        if let Some(ip) = body.get("ip_address").and_then(Value::as_str).map(str::to_owned)
            && let Some(urn) = body.get_mut("urn")
        {
            *urn = urn_of::<S>(&ip).into();
        }
        body
    }

    fn data_loss(seen: &Body) -> Option<String> {
        let ip = seen.get("ip_address").and_then(Value::as_str)?;
        Some(format!(
            "The address {ip} is returned to DigitalOcean and cannot be reserved again: whatever refers to it, including DNS \
             records, will reach nobody."
        ))
    }
}

/// The droplet that is to hold it.
fn droplet_of(body: &Term) -> Option<u64> {
    complaints::number(body, "droplet_id").and_then(|droplet| u64::try_from(droplet).ok())
}

fn urn_of<S: Spelling>(ip: &str) -> String {
    format!("do:{}:{ip}", S::URN)
}

impl Wire {
    /// The droplet that holds it.
    pub(super) fn holder(&self) -> Result<Option<u64>, ApiError> {
        let droplet = self.droplet.map(|droplet| droplet.map(|droplet| droplet.id));
        seen(droplet.map(Some), || format!("`droplet` of the reserved address {}", self.ip), "droplet:read")
    }

    fn live<S: Spelling>(&self) -> Result<Live, ApiError> {
        Ok(live::<S>(self, self.holder()?))
    }
}

fn live<S: Spelling>(wire: &Wire, droplet_id: Option<u64>) -> Live {
    let (ip, region, project) = (wire.ip.clone(), wire.region.slug.clone(), wire.project_id.clone());
    Live { id: ip.clone(), urn: urn_of::<S>(&ip), ip_address: ip, region, droplet_id, project }
}

/// Every reserved address of the account.
pub(super) async fn all(api: &Client) -> Result<Vec<Wire>, ApiError> {
    api.list("/reserved_ips", &[], "reserved_ips").await
}

/// One address, if the account has it.
pub(super) async fn one(api: &Client, ip: &str) -> Result<Option<Wire>, ApiError> {
    Ok(if_there(api.get::<One>(&path(ip), &[]).await)?.map(|one| one.reserved_ip))
}

/// Gives an address to a droplet and waits until it holds it.
pub(super) async fn assign(api: &Client, ip: &str, droplet: u64) -> Result<Wire, ApiError> {
    let (list, beside) = (actions(ip), [format!("/droplets/{droplet}/actions")]);
    let order = Order {
        path: &list,
        place: place(ip),
        body: json!({"type": "assign", "droplet_id": droplet}),
        goal: format!("the address {ip} to be held by droplet {droplet}"),
        // A droplet that just came up is still busy with other things.
        beside: &beside,
        limit: ASSIGN_LIMIT,
        completed_is_enough: false,
    };
    let held = |seen: Option<Seen>| match seen.map(|seen| seen.decode::<Wire>(&order.place)).transpose()? {
        Some(wire) => Ok((wire.holder()? == Some(droplet)).then_some(wire)),
        None => Ok(None),
    };
    // An address that was just made may not be visible yet.
    let unseen = format!("the reserved address {ip} to be there");
    let once = || async { api.bring_about(&order, &held).await };
    let wire = api.retry_while(&unseen, UNSEEN_LIMIT, ApiError::is_not_found, once).await?;
    wire.ok_or_else(|| ApiError::Unsettled { what: format!("nothing came of the assignment of the address {ip}") })
}

/// Takes an address from whoever holds it, and waits until nobody does.
async fn unassign(api: &Client, ip: &str) -> Result<(), ApiError> {
    let list = actions(ip);
    let order = Order {
        path: &list,
        place: place(ip),
        body: json!({"type": "unassign"}),
        goal: format!("the address {ip} to be free"),
        beside: &[],
        limit: ASSIGN_LIMIT,
        completed_is_enough: false,
    };
    let free = |seen: Option<Seen>| match seen.map(|seen| seen.decode::<Wire>(&order.place)).transpose()? {
        None => Ok(Some(())),
        Some(wire) => Ok(wire.holder()?.is_none().then_some(())),
    };
    if_there(api.bring_about(&order, free).await).map(drop)
}

/// Takes an address from the droplet that was seen to hold it; from no other, which somebody else gave it to meanwhile.
pub(super) async fn let_go(api: &Client, ip: &str, seen: &Body) -> Result<(), ApiError> {
    let ours = match seen.get("droplet_id") {
        Some(Value::Number(droplet)) => droplet.as_u64(),
        _ => None,
    };
    let place = place(ip);
    match api.look(&place).await?.map(|seen| seen.decode::<Wire>(&place)).transpose()? {
        Some(wire) if ours.is_some() && wire.holder()? == ours => unassign(api, ip).await,
        _ => Ok(()),
    }
}

fn path(ip: &str) -> String {
    format!("/reserved_ips/{}", segment(ip))
}

/// Where an address is seen: in the account's list, and at its own address.
fn place(ip: &str) -> Place {
    let list = List { path: "/reserved_ips".into(), query: Vec::new(), key: "reserved_ips", by: "ip", id: ip.to_owned() };
    Place { one: path(ip), field: "reserved_ip", list: Some(list) }
}

fn actions(ip: &str) -> String {
    format!("{}/actions", path(ip))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{assert_has, pair};
    use crate::kind;

    fn read(text: &str) -> Wire {
        serde_json::from_value::<One>(pair(text).1).unwrap().reserved_ip
    }

    #[test]
    fn the_holder_is_read_and_an_absent_one_is_not_null() {
        assert_eq!(read(include_str!("../../fixtures/api/reserved_ip/create.json")).holder(), Ok(None));
        let held = read(include_str!("../../fixtures/api/reserved_ip/read.json"));
        let (new, old) = (held.live::<Reserved>().unwrap(), held.live::<Floating>().unwrap());
        let expected = json!({"id": "203.0.113.2", "region": "nyc3", "droplet_id": 500_000_139, "urn": "do:reservedip:203.0.113.2"});
        assert_has(kind(Reserved::IP).unwrap(), &new, &expected);
        assert_has(kind(Floating::IP).unwrap(), &old, &json!({"urn": "do:floatingip:203.0.113.2"}));
        let error = read(include_str!("../../fixtures/api/reserved_ip/read_without_droplet_scope.json")).holder().unwrap_err();
        assert!(matches!(error, ApiError::Unseen { scope: "droplet:read", .. }), "{error}");
    }
}
