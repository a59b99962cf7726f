//! A zone of DNS. It is born with the NS and SOA records of DigitalOcean, and its deletion takes all records with it.
//!
//! Invariant: a zone that holds records which are not ours is not deleted.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::attr::{Attr, Change, Compare, Ty, URN};
use super::complaints::{self, Complaints};
use super::erased::{Certainty, Complaint, Job, Places, Scopes};
use super::record::{self, Record};
use super::zone::{self, Zone};
use super::{Candidate, Kind, NewObject, form, if_there};
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_base::identity::{Id, Ours};
use dofloat_base::value::{Body, Term};

/// How many foreign records a message names.
const NAMED: usize = 5;

pub(crate) struct Domain;

#[derive(Deserialize)]
pub(crate) struct Spec {
    name: String,
    #[serde(default)]
    ip_address: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Live {
    id: String,
    name: String,
    ttl: Option<u32>,
    urn: String,
}

#[derive(Deserialize)]
struct One {
    domain: Zone,
}

impl Kind for Domain {
    const NAME: &'static str = zone::NAME;
    const ATTRS: &'static [Attr] = &[
        Attr::computed("id", Ty::String, "The domain's name."),
        Attr::required("name", Ty::String, Change::Replace, "Its name, for example `example.com`.").compare(Compare::NoCase).identity(),
        Attr::optional("ip_address", Ty::String, Change::Replace, "An address for an A record of the apex that is made with the zone.")
            .write_only(),
        Attr::computed("ttl", Ty::Number, "The time to live of its SOA record, in seconds."),
        URN,
    ];
    const SCOPES: Scopes = Scopes {
        read: &["domain:read"],
        create: &["domain:create", "domain:read"],
        update: &[],
        delete: &["domain:delete", "domain:read"],
    };
    const UNIQUE_KEY: &'static [&'static str] = &["name"];
    type Spec = Spec;
    type Live = Live;

    fn check(body: &Term, complaints: &mut Complaints) {
        if let Some(name) = complaints::text(body, "name")
            && !form::domain_name(&name)
        {
            let hint = match name.strip_suffix('.') {
                Some(bare) if form::domain_name(bare) => format!("Write it without the dot at the end: `{bare}`."),
                _ => "A domain looks like `example.com`; one with other letters is written in its `xn--` form.".to_owned(),
            };
            complaints.malformed(&name, &["name"], format!("`{name}` is not a valid domain name."), hint);
        }
        if let Some(address) = complaints::text(body, "ip_address")
            && !form::ipv4(&address)
            && !form::ipv6(&address)
        {
            complaints.refusal(&["ip_address"], format!("`{address}` is not an IP address."), "");
        }
    }

    async fn preflight(api: &Client, jobs: &[Job]) -> Result<Vec<Complaint>, ApiError> {
        let mut complaints = Complaints::default();
        let name = |body: &Term| complaints::text(body, "name").map(|name| name.to_lowercase());
        complaints::no_two(jobs, "name", "domain", name, &mut complaints);
        let existing = zone::all(api).await?;
        for job in jobs.iter().filter(|job| job.creates) {
            let Some(name) = name(&job.body) else { continue };
            let ours = job.id.as_ref().is_some_and(|id| id.0.eq_ignore_ascii_case(&name));
            if !ours && existing.iter().any(|domain| domain.name.eq_ignore_ascii_case(&name)) {
                complaints.about(job);
                complaints.error(
                    &["name"],
                    format!("The account has the domain `{name}` already."),
                    format!(
                        "Adopt it: dofloat import '{}' {name}; or leave the resource out and give records `domain = \"{name}\"`.",
                        job.address
                    ),
                );
            }
        }
        Ok(complaints.into_vec())
    }

    async fn create(api: &Client, spec: &Spec, _: Ours<'_>) -> Result<NewObject<Live>, ApiError> {
        let mut body = json!({"name": spec.name});
        if let Some(address) = &spec.ip_address {
            body["ip_address"] = json!(address);
        }
        let made: One = api.create("/domains", &body).await?;
        Ok(NewObject { id: Id(made.domain.name.clone()), live: Some(made.domain.into()) })
    }

    async fn bulk(api: &Client, _: &[Id], _: Ours<'_>) -> Result<Vec<(Id, Live)>, ApiError> {
        Ok(zone::all(api).await?.into_iter().map(|domain| (Id(domain.name.clone()), domain.into())).collect())
    }

    async fn read(api: &Client, id: &Id) -> Result<Option<Live>, ApiError> {
        let one = if_there(api.get::<One>(&path(id), &[]).await)?;
        Ok(one.map(|one| one.domain.into()))
    }

    async fn delete(api: &Client, id: &Id, _: &Body) -> Result<(), ApiError> {
        api.delete(&path(id), &[]).await
    }

    async fn find(api: &Client, body: &Body, _: Ours<'_>) -> Result<Vec<Candidate<Live>>, ApiError> {
        let Some(name) = body.get("name").and_then(|name| name.as_str()) else { return Ok(Vec::new()) };
        let found = match Self::read(api, &Id(name.to_owned())).await? {
            Some(live) => Some(live),
            None => zone::all(api).await?.into_iter().find(|domain| domain.name.eq_ignore_ascii_case(name)).map(Live::from),
        };
        Ok(found.map(|live| Candidate { id: Id(live.name.clone()), live, certainty: Certainty::Named }).into_iter().collect())
    }

    async fn lookup(api: &Client, names: &[String]) -> Result<Option<Places>, ApiError> {
        let all = zone::all(api).await?;
        let there = |name: &&String| all.iter().any(|domain| domain.name.eq_ignore_ascii_case(name));
        Ok(Some(names.iter().filter(there).map(|name| (name.clone(), None)).collect()))
    }

    fn missing(name: &str) -> (String, String) {
        (
            format!("The account has no domain `{name}`, and the stack makes none of that name."),
            "Add it with a `digitalocean_domain` resource, or write one that the account has (doctl compute domain list).".to_owned(),
        )
    }

    async fn before_delete(api: &Client, id: &Id, seen: &Body, ours: &[Id]) -> Result<Vec<Complaint>, ApiError> {
        let mut complaints = Complaints::default();
        let apex = seen.get("ip_address").and_then(|address| address.as_str());
        let foreign: Vec<String> = record::all(api, &id.0)
            .await?
            .iter()
            .filter(|record| !record.is_of_the_zone(apex) && !ours.contains(&record.id_in(&id.0)))
            .map(|record| record.to_string())
            .collect();
        if !foreign.is_empty() {
            let more = foreign.len().saturating_sub(NAMED);
            let mut named = foreign[..foreign.len().min(NAMED)].join(", ");
            if more > 0 {
                named = format!("{named} and {more} more");
            }
            let (records, are) = if foreign.len() == 1 { ("record", "is") } else { ("records", "are") };
            complaints.error(
                &[],
                format!("The domain {id} holds {} {records} that {are} not this stack's, and would go with it: {named}.", foreign.len()),
                format!("Delete them or adopt them ({}), or let go of the domain instead: dofloat state rm.", Record::NAME),
            );
        }
        Ok(complaints.into_vec())
    }

    fn identity(body: &Body) -> Option<Id> {
        body.get("name").or_else(|| body.get("id"))?.as_str().map(|name| Id(name.to_owned()))
    }
}

impl From<Zone> for Live {
    fn from(domain: Zone) -> Self {
        Self { id: domain.name.clone(), urn: format!("do:domain:{}", domain.name), name: domain.name, ttl: domain.ttl }
    }
}

fn path(id: &Id) -> String {
    format!("/domains/{}", segment(&id.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{assert_has, pair};
    use crate::kind;

    #[test]
    fn an_answer_is_read() {
        let (_, answer) = pair(include_str!("../../fixtures/api/domain/create.json"));
        let live: Live = serde_json::from_value::<One>(answer).unwrap().domain.into();
        let expected = json!({"id": "example.com", "name": "example.com", "ttl": 1800, "urn": "do:domain:example.com"});
        assert_has(kind(Domain::NAME).unwrap(), &live, &expected);
    }
}
