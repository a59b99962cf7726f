//! Which droplet a volume hangs on, as a resource of its own. Its identity is the volume's: a volume hangs on one droplet at most.
//!
//! Invariant: only what the volume itself says counts as the holder; one that went to another droplet is not ours to take off.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::attr::{Attr, Change, TIMEOUTS, Ty};
use super::complaints::{self, Complaints};
use super::droplet::Droplet;
use super::erased::{Certainty, Complaint, Job, Scopes};
use super::volume::{VOLUME, act, path};
use super::wire::{id_number, id_numbers};
use super::{Candidate, Kind, NewObject, if_there};
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_base::identity::{Id, Ours};
use dofloat_base::value::{Body, Term, Value};

pub(crate) struct Attachment;

#[derive(Deserialize)]
pub(crate) struct Spec {
    #[serde(deserialize_with = "id_number")]
    droplet_id: u64,
    volume_id: String,
}

#[derive(Serialize)]
pub(crate) struct Live {
    id: String,
    droplet_id: u64,
    volume_id: String,
}

#[derive(Deserialize)]
struct Wire {
    id: String,
    #[serde(default, deserialize_with = "id_numbers")]
    droplet_ids: Vec<u64>,
}

#[derive(Deserialize)]
struct One {
    volume: Wire,
}

impl Kind for Attachment {
    const NAME: &'static str = "digitalocean_volume_attachment";
    const ATTRS: &'static [Attr] = &[
        Attr::computed("id", Ty::String, "The volume's uuid."),
        Attr::required("droplet_id", Ty::Number, Change::Replace, "The droplet that it hangs on.").names_near(&[Droplet::NAME], &["id"]),
        Attr::required("volume_id", Ty::String, Change::Replace, "The volume.").names_near(&["digitalocean_volume"], &["id"]).identity(),
        TIMEOUTS,
    ];
    const SCOPES: Scopes = Scopes {
        read: &["block_storage:read"],
        create: &["block_storage_action:create", "block_storage_action:read", "block_storage:read", "droplet:read"],
        update: &[],
        delete: &["block_storage_action:create", "block_storage_action:read", "block_storage:read", "droplet:read"],
    };
    const UNIQUE_KEY: &'static [&'static str] = &["volume_id"];
    type Spec = Spec;
    type Live = Live;

    async fn preflight(_: &Client, jobs: &[Job]) -> Result<Vec<Complaint>, ApiError> {
        let mut complaints = Complaints::default();
        complaints::no_two(jobs, "volume_id", "volume", |body| complaints::text(body, "volume_id"), &mut complaints);
        Ok(complaints.into_vec())
    }

    async fn create(api: &Client, spec: &Spec, _: Ours<'_>) -> Result<NewObject<Live>, ApiError> {
        let id = Id(spec.volume_id.clone());
        hang(api, &id, spec.droplet_id, true).await?;
        Ok(NewObject { live: Some(Live { id: id.0.clone(), droplet_id: spec.droplet_id, volume_id: id.0.clone() }), id })
    }

    async fn bulk(api: &Client, _: &[Id], _: Ours<'_>) -> Result<Vec<(Id, Live)>, ApiError> {
        let all: Vec<Wire> = api.list(VOLUME.at.path, &[], VOLUME.at.many).await?;
        Ok(all.into_iter().filter_map(live).map(|live| (Id(live.id.clone()), live)).collect())
    }

    async fn read(api: &Client, id: &Id) -> Result<Option<Live>, ApiError> {
        Ok(if_there(api.get::<One>(&path(id), &[]).await)?.and_then(|one| live(one.volume)))
    }

    async fn delete(api: &Client, id: &Id, seen: &Body) -> Result<(), ApiError> {
        let ours = seen.get("droplet_id").and_then(|droplet| match droplet {
            Value::Number(droplet) => droplet.as_u64(),
            _ => None,
        });
        match if_there(api.get::<One>(&path(id), &[]).await)?.map(|one| live(one.volume)) {
            Some(Some(live)) if ours.is_none_or(|ours| ours == live.droplet_id) => hang(api, id, live.droplet_id, false).await,
            Some(_) => Ok(()),
            // That there is no such volume is believed of the order, not of a look: what hangs on would be forgotten.
            None => match ours {
                Some(droplet) => if_there(hang(api, id, droplet, false).await).map(|_| ()),
                None => Ok(()),
            },
        }
    }

    /// That a volume hangs on a droplet is so whoever brought it about: making it again would find nothing to do.
    async fn find(api: &Client, body: &Body, _: Ours<'_>) -> Result<Vec<Candidate<Live>>, ApiError> {
        let (Some(volume), Some(Value::Number(droplet))) = (body.get("volume_id").and_then(Value::as_str), body.get("droplet_id")) else {
            return Ok(Vec::new());
        };
        let id = Id(volume.to_owned());
        let held = Self::read(api, &id).await?.filter(|live| Some(live.droplet_id) == droplet.as_u64());
        Ok(held.map(|live| Candidate { id, live, certainty: Certainty::Ours }).into_iter().collect())
    }

    fn identity(body: &Body) -> Option<Id> {
        body.get("volume_id")?.as_str().map(|id| Id(id.to_owned()))
    }

    fn missing(name: &str) -> (String, String) {
        (format!("The volume {name} hangs on no droplet."), "An attachment is named by its volume's uuid.".to_owned())
    }

    fn check(_: &Term, _: &mut Complaints) {}
}

async fn hang(api: &Client, id: &Id, droplet: u64, wanted: bool) -> Result<(), ApiError> {
    let verb = if wanted { "attach" } else { "detach" };
    let goal = if wanted { format!("the volume {id} to hang on droplet {droplet}") } else { format!("the volume {id} to be free") };
    let beside = [format!("/droplets/{}/actions", segment(&droplet.to_string()))];
    let hangs = |volume: &Json| volume["droplet_ids"].as_array().is_some_and(|held| held.contains(&json!(droplet)));
    act(api, id, json!({"type": verb, "droplet_id": droplet}), goal, &beside, |volume| hangs(volume) == wanted).await
}

/// Nothing if it hangs nowhere.
fn live(volume: Wire) -> Option<Live> {
    let droplet_id = *volume.droplet_ids.first()?;
    Some(Live { droplet_id, volume_id: volume.id.clone(), id: volume.id })
}
