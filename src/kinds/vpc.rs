//! A private network. Its name is unique in the account; region and range are for life.
//!
//! Invariant: it is deleted only once its members are gone, which the API shows some time after the droplets'.

use std::time::Duration;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::attr::{Attr, CREATED_AT, Change, Compare, EditName, TIMEOUTS, Ty, URN};
use super::complaints::{self, Complaints};
use super::erased::{Certainty, Complaint, Job, Places, Scopes};
use super::wire::or_default;
use super::{Candidate, Kind, NewObject, compare, form, if_there};
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_api::looks::{Place, Seen};
use dofloat_api::messages::{Said, said};
use dofloat_api::wait::Poll;
use dofloat_api::watching::Goal;
use dofloat_base::identity::{Id, Ours};
use dofloat_base::value::{Body, Term};

/// How long members may linger: they go some time after their droplets.
const MEMBERS_LINGER: Duration = Duration::from_secs(180);

pub(crate) struct Vpc;

#[derive(Deserialize)]
pub(crate) struct Spec {
    name: String,
    region: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    ip_range: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Live {
    id: String,
    urn: String,
    name: String,
    region: String,
    description: String,
    ip_range: String,
    default: bool,
    created_at: String,
}

#[derive(Clone, Deserialize)]
struct Wire {
    id: String,
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    region: String,
    #[serde(default, deserialize_with = "or_default")]
    description: String,
    #[serde(default, deserialize_with = "or_default")]
    ip_range: String,
    #[serde(default, deserialize_with = "or_default")]
    default: bool,
    #[serde(default, deserialize_with = "or_default")]
    created_at: String,
}

#[derive(Deserialize)]
struct One {
    vpc: Wire,
}

#[derive(Deserialize)]
struct Member {}

impl Kind for Vpc {
    const NAME: &'static str = "digitalocean_vpc";
    const ATTRS: &'static [Attr] = &[
        Attr::computed("id", Ty::String, "The VPC's uuid."),
        Attr::required("name", Ty::String, Change::InPlace("update"), "Its name, unique in the account."),
        Attr::required("region", Ty::String, Change::Replace, "The region's slug.").compare(Compare::NoCase),
        compare::or_empty(Attr::optional("description", Ty::String, Change::InPlace("update"), "Free text of up to 255 characters.")),
        Attr::chosen("ip_range", Ty::String, Change::Replace, "The private range in CIDR notation, /16 to /28.").compare(compare::NETWORK),
        URN,
        Attr::computed("default", Ty::Bool, "Whether it is its region's default."),
        CREATED_AT,
        TIMEOUTS,
    ];
    const SCOPES: Scopes = Scopes {
        read: &["vpc:read"],
        create: &["vpc:create", "vpc:read"],
        update: &["vpc:update", "vpc:read"],
        delete: &["vpc:delete", "vpc:read"],
    };
    const GLOBALLY_UNIQUE: bool = true;
    const UNIQUE_KEY: &'static [&'static str] = &["name"];
    type Spec = Spec;
    type Live = Live;

    fn check(body: &Term, complaints: &mut Complaints) {
        if let Some(name) = complaints::text(body, "name")
            && !form::vpc_name(&name)
        {
            complaints.malformed(
                &name,
                &["name"],
                format!("`{name}` is not a valid VPC name."),
                "Use letters, digits, dots and dashes only, at most 255 of them.",
            );
        }
        if let Some(range) = complaints::text(body, "ip_range")
            && let Err(why) = form::vpc_range(&range)
        {
            let hint = match range.parse::<Ipv4Net>() {
                Ok(net) if net.addr() != net.network() => format!("The network is `{}`.", net.trunc()),
                _ => "Take a range of /16 to /28 within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.".to_owned(),
            };
            complaints.error(&["ip_range"], format!("The range `{range}` {why}."), hint);
        }
        if let Some(text) = complaints::text(body, "description")
            && text.chars().count() > 255
        {
            complaints.error(
                &["description"],
                format!("The description has {} characters; 255 are allowed.", text.chars().count()),
                "Shorten it.",
            );
        }
    }

    async fn preflight(api: &Client, jobs: &[Job]) -> Result<Vec<Complaint>, ApiError> {
        let mut complaints = Complaints::default();
        complaints::no_two(jobs, "name", "VPC name", |body| complaints::text(body, "name"), &mut complaints);
        let existing = all(api).await?;
        for (at, job) in jobs.iter().enumerate() {
            complaints.about(job);
            let others = || existing.iter().filter(|vpc| job.id.as_ref().is_none_or(|id| id.0 != vpc.id));
            if let Some(name) = complaints::text(&job.body, "name")
                && let Some(taken) = others().find(|vpc| vpc.name == name)
            {
                complaints.error(
                    &["name"],
                    format!("The account has a VPC `{name}` already, {}.", taken.id),
                    format!("Take another name, or adopt it: dofloat import '{}' {}", job.address, taken.id),
                );
            }
            let range = |body: &Term| complaints::text(body, "ip_range")?.parse::<Ipv4Net>().ok();
            let Some(range_here) = range(&job.body).filter(|_| job.creates) else { continue };
            for vpc in others() {
                if vpc.ip_range.parse().is_ok_and(|other| form::overlap(&range_here, &other)) {
                    complaints.error(
                        &["ip_range"],
                        format!("The range {range_here} overlaps with {} of the VPC `{}`.", vpc.ip_range, vpc.name),
                        "Take a free range, or leave `ip_range` out: DigitalOcean then chooses one.",
                    );
                }
            }
            for other in &jobs[..at] {
                if range(&other.body).is_some_and(|other| form::overlap(&range_here, &other)) {
                    complaints.error(
                        &["ip_range"],
                        format!("The range {range_here} overlaps with that of {}.", other.address),
                        "Ranges must not overlap within an account.",
                    );
                }
            }
        }
        Ok(complaints.into_vec())
    }

    async fn create(api: &Client, spec: &Spec, _: Ours<'_>) -> Result<NewObject<Live>, ApiError> {
        let mut body = json!({"name": spec.name, "region": spec.region.to_lowercase()});
        for (name, value) in [("description", &spec.description), ("ip_range", &spec.ip_range)] {
            if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
                body[name] = json!(value);
            }
        }
        let made: One = api.create("/vpcs", &body).await?;
        Ok(NewObject { id: Id(made.vpc.id.clone()), live: Some(made.vpc.into()) })
    }

    async fn bulk(api: &Client, _: &[Id], _: Ours<'_>) -> Result<Vec<(Id, Live)>, ApiError> {
        Ok(all(api).await?.into_iter().map(|vpc| (Id(vpc.id.clone()), vpc.into())).collect())
    }

    async fn read(api: &Client, id: &Id) -> Result<Option<Live>, ApiError> {
        let one = if_there(api.get::<One>(&path(id), &[]).await)?;
        Ok(one.map(|one| one.vpc.into()))
    }

    async fn edit(api: &Client, id: &Id, edit: EditName, spec: &Spec, _: &Body) -> Result<(), ApiError> {
        if edit != "update" {
            return Err(super::no_edit(Self::NAME, id, edit));
        }
        let body = json!({"name": spec.name, "description": spec.description.as_deref().unwrap_or_default()});
        api.patch::<One>(&path(id), &body).await.map(|_| ())
    }

    async fn delete(api: &Client, id: &Id, _: &Body) -> Result<(), ApiError> {
        let has_members = |error: &ApiError| said(error) == Some(Said::HasMembers);
        match api.delete(&path(id), &[]).await {
            Err(error) if has_members(&error) => {}
            other => return other,
        }
        // Once refused, it asks first: each further refusal would be one changing request too many, and tells nothing more.
        let place = &Place::alone(format!("{}/members", path(id)), "members");
        let left = |seen: Option<Seen>| async move {
            let members: Option<Vec<Member>> = seen.map(|seen| seen.decode(place)).transpose()?.flatten();
            Ok(match members.map_or(0, |members| members.len()) {
                0 => Poll::Ready(()),
                count => Poll::Pending(format!("{count} of its members are still there")),
            })
        };
        let what = format!("the members of VPC {id} to be gone");
        api.watch(Goal { what: &what, sort: "vpc members", limit: MEMBERS_LINGER }, place, left).await?;
        let what = format!("VPC {id} to let go of its members");
        api.retry_while(&what, MEMBERS_LINGER, has_members, || async { api.delete(&path(id), &[]).await }).await
    }

    async fn find(api: &Client, body: &Body, _: Ours<'_>) -> Result<Vec<Candidate<Live>>, ApiError> {
        let name = body.get("name").and_then(|name| name.as_str());
        let candidates = all(api).await?.into_iter().filter(|vpc| Some(vpc.name.as_str()) == name);
        Ok(candidates.map(|vpc| Candidate { id: Id(vpc.id.clone()), live: vpc.into(), certainty: Certainty::Named }).collect())
    }

    async fn lookup(api: &Client, names: &[String]) -> Result<Option<Places>, ApiError> {
        let all = all(api).await?;
        let place = |name: &String| Some((name.clone(), Some(all.iter().find(|vpc| vpc.id.eq_ignore_ascii_case(name))?.region.clone())));
        Ok(Some(names.iter().filter_map(place).collect()))
    }

    fn missing(name: &str) -> (String, String) {
        (
            format!("The account has no VPC `{name}`."),
            "Name one by its uuid (doctl vpcs list), or make one with a `digitalocean_vpc` resource.".to_owned(),
        )
    }

    async fn before_delete(_: &Client, id: &Id, seen: &Body, _: &[Id]) -> Result<Vec<Complaint>, ApiError> {
        let mut complaints = Complaints::default();
        if seen.get("default") == Some(&true.into()) {
            complaints.error(
                &[],
                format!("The VPC {id} is its region's default, which DigitalOcean does not delete."),
                "Make another VPC the default in the control panel first, or take this one out of the state: dofloat state rm.",
            );
        }
        Ok(complaints.into_vec())
    }
}

impl From<Wire> for Live {
    fn from(vpc: Wire) -> Self {
        Self {
            urn: format!("do:vpc:{}", vpc.id),
            created_at: moment(&vpc.created_at),
            id: vpc.id,
            name: vpc.name,
            region: vpc.region,
            description: vpc.description,
            ip_range: vpc.ip_range,
            default: vpc.default,
        }
    }
}

/// The official provider shows this one in the notation of its own language: `2026-11-22 22:20:29 +0000 UTC`.
pub(crate) fn moment(text: &str) -> String {
    let moment: Option<jiff::Timestamp> = text.parse().ok();
    moment.map_or_else(|| text.to_owned(), |moment| moment.strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC").to_string())
}

async fn all(api: &Client) -> Result<Vec<Wire>, ApiError> {
    api.list("/vpcs", &[], "vpcs").await
}

fn path(id: &Id) -> String {
    format!("/vpcs/{}", segment(&id.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{assert_has, pair};
    use crate::kind;

    #[test]
    fn moments_look_as_the_official_provider_shows_them() {
        assert_eq!(moment("2026-11-22T22:20:29Z"), "2026-11-22 22:20:29 +0000 UTC");
        assert_eq!(moment("2026-11-22T22:20:29.120Z"), "2026-11-22 22:20:29.12 +0000 UTC");
        assert_eq!(moment("soon"), "soon");
    }

    #[test]
    fn an_answer_is_read() {
        let (_, answer) = pair(include_str!("../../fixtures/api/vpc/create.json"));
        let live: Live = serde_json::from_value::<One>(answer).unwrap().vpc.into();
        let expected = json!({
            "id": "6ec9d286-63ca-428d-95f4-b3b2e4b06ce6", "name": "ha-net", "region": "NYC3", "description": "the pair's",
            "ip_range": "10.10.10.0/24", "default": false, "created_at": "2026-11-22 22:20:29.123456 +0000 UTC",
        });
        assert_has(kind(Vpc::NAME).unwrap(), &live, &expected);
    }
}
