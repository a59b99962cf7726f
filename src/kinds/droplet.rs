//! A droplet: a virtual machine. It can be renamed, resized, tagged, backed up and given IPv6 in place; anything else makes
//! a new one.
//!
//! Invariant: it is there once it is active *and* its addresses can be read; `locked` and a completed action mean neither.

mod answer;
mod check;
mod edits;
mod preflight;
mod rows;
mod spec;
mod start;

pub(super) use edits::{is_on, power_on};

use std::time::Duration;

use futures_util::future::try_join_all;

use answer::{Live, One, Wire, all, get, path, place};
use spec::{Spec, wire};
use start::{START, START_LIMIT, Start, failed_create};

use super::attr::{Attr, EditName};
use super::complaints::Complaints;
use super::erased::{Certainty, Complaint, Job, Places, Scopes, is_mark};
use super::wire::seen;
use super::{Candidate, Kind, NewObject, if_there};
use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_api::looks::Seen;
use dofloat_api::together::Maker;
use dofloat_api::wait::Poll;
use dofloat_api::watching::Goal;
use dofloat_base::identity::{Id, Mark, Ours};
use dofloat_base::value::{Body, Term, Value};

/// How long a deleted droplet may still be seen.
const LEAVE_LIMIT: Duration = Duration::from_secs(300);
/// Up to how many droplets that the tag does not find are asked for one by one.
const FEW: usize = 5;

/// Where droplets are made.
const DROPLETS: Maker = Maker { path: "/droplets", one: "droplet", many: "droplets" };

pub(crate) struct Droplet;

impl Kind for Droplet {
    const NAME: &'static str = rows::NAME;
    const ATTRS: &'static [Attr] = rows::ROWS;
    const SCOPES: Scopes = rows::SCOPES;
    const MARKABLE: bool = true;
    const BILLED: bool = true;
    const BULK_CREATE: bool = true;
    const GLOBALLY_UNIQUE: bool = true;
    type Spec = Spec;
    type Live = Live;

    fn check(body: &Term, complaints: &mut Complaints) {
        check::check(body, complaints);
    }

    async fn preflight(api: &Client, jobs: &[Job]) -> Result<Vec<Complaint>, ApiError> {
        preflight::preflight(api, jobs).await
    }

    async fn create(api: &Client, spec: &Spec, ours: Ours<'_>) -> Result<NewObject<Live>, ApiError> {
        let mut body = wire(spec, ours.mark);
        // A volume hangs on one droplet.
        let droplet = if spec.volume_ids.is_empty() {
            body.as_object_mut().map(|body| body.remove("name"));
            api.create_among::<Wire>(DROPLETS, &body, &spec.name).await?
        } else {
            api.create::<One>(DROPLETS.path, &body).await?.droplet
        };
        Ok(NewObject { id: Id(droplet.id.to_string()), live: None })
    }

    async fn wait_ready(api: &Client, id: &Id, wanted: &Term) -> Result<Live, ApiError> {
        let without_public = wanted.get("public_networking") == Term::Value(Value::Bool(false));
        let wait = Start::new(without_public);
        let what = format!("droplet {id} to be active");
        let goal = Goal { what: &what, sort: START, limit: START_LIMIT };
        api.watch(goal, &place(api, id), |seen| wait.judge(api, id, seen)).await?.live()
    }

    async fn creation_failed(api: &Client, id: &Id, seen: &Body) -> Result<bool, ApiError> {
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

    async fn lookup(api: &Client, names: &[String]) -> Result<Option<Places>, ApiError> {
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
    async fn find(api: &Client, body: &Body, ours: Ours<'_>) -> Result<Vec<Candidate<Live>>, ApiError> {
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let name = text("name");
        let mark = ours.mark;
        let marked: Vec<Wire> = api.list("/droplets", &[("tag_name", &mark.0)], "droplets").await?;
        let named: Vec<Wire> = api.list("/droplets", &[("name", name)], "droplets").await?;
        let mut candidates: Vec<Candidate<Live>> = Vec::new();
        for wire in marked.into_iter().chain(named) {
            let others_mark = wire.tags.iter().flatten().flatten().any(|tag| is_mark(tag) && *tag != mark.0);
            let certain = wire.tags.iter().flatten().flatten().any(|tag| *tag == mark.0);
            let like = |wanted: &str, there: &str| wanted.is_empty() || wanted.eq_ignore_ascii_case(there);
            let alike = like(text("region"), &wire.region.slug) && like(text("size"), wire.size());
            let (id, live) = wire.with_id()?;
            let fits = live.name == name && (certain || !others_mark && alike && like(text("vpc_uuid"), &live.vpc_uuid));
            if fits && !candidates.iter().any(|candidate| candidate.id == id) {
                candidates.push(Candidate { id, live, certainty: if certain { Certainty::Ours } else { Certainty::Alike } });
            }
        }
        Ok(candidates)
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

    async fn release(api: &Client, id: &Id, ours: Ours<'_>) -> Result<(), ApiError> {
        edits::tags(api, id, &[], std::slice::from_ref(&ours.mark.0)).await
    }

    fn marks(live: &Live) -> Vec<Mark> {
        live.tags.iter().filter(|tag| is_mark(tag)).cloned().map(Mark).collect()
    }

    fn powered(seen: &Body) -> Option<bool> {
        Some(seen.get("status").and_then(Value::as_str) == Some("active"))
    }

    fn note(seen: &Body) -> Option<String> {
        match seen.get("status").and_then(Value::as_str) {
            Some("off") => Some("is powered off".to_owned()),
            Some("archive") => Some("is archived: DigitalOcean has put it away".to_owned()),
            _ if seen.get("locked") == Some(&true.into()) => Some("is locked by DigitalOcean: it cannot be changed now".to_owned()),
            _ => None,
        }
    }
}
#[cfg(test)]
mod tests;
