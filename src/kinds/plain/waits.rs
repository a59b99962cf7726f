//! Waits: until an object is usable, and until one is gone.
//!
//! Invariant: conditions are those of the table; an object that never will be usable ends the wait with its reason.

use serde_json::Value as Json;

use super::table::{Form, Plain};
use crate::{NOT_YET, UNSEEN_LIMIT, if_there};
use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_api::looks::{List, Place, Seen};
use dofloat_api::wait::Poll;
use dofloat_api::watching::Goal;
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Value};

impl Plain {
    /// Waits until an object is usable, after it was made or changed as `since` says: together with others of its collection.
    pub(crate) async fn until_ready(&self, api: &Client, id: &Id, since: &str) -> Result<Body, ApiError> {
        let Some(ready) = &self.ready else {
            return api.wait_saying(&format!("the {} {id} to be there", self.noun), UNSEEN_LIMIT, || self.poll(api, id)).await;
        };
        let goal = if ready.attr.is_empty() { "ready".to_owned() } else { ready.is.join(" or ") };
        let what = format!("the {} {id} to be {goal}", self.noun);
        let Some(place) = &self.seen_at(id)? else {
            return api.wait_saying(&what, ready.limit, || self.poll(api, id)).await;
        };
        let sort = format!("{} {since}", self.noun);
        let judge = |seen: Option<Seen>| async move {
            let Some(seen) = seen else { return Ok(Poll::Pending(NOT_YET.to_owned())) };
            let parents: Vec<String> = self.parts(id)?.0.into_iter().map(str::to_owned).collect();
            let object = self.object(&parents, &seen.decode::<Json>(place)?).map_err(|why| self.unread("GET", &place.one, &why))?;
            if let Some(word) = self.not_yet(id, &object.1)? {
                return Ok(Poll::Pending(word));
            }
            let body = self.shown(api, vec![object]).await?.pop().map(|(_, body)| body).unwrap_or_default();
            Ok((self.hooks.yet)(&body).map_or_else(|| Poll::Ready(body), Poll::Pending))
        };
        api.watch(Goal { what: &what, sort: &sort, limit: ready.limit }, place, judge).await
    }

    /// Waits until a deleted object is gone, where that takes a while.
    pub(super) async fn until_gone(&self, api: &Client, id: &Id, path: &str) -> Result<(), ApiError> {
        let Some(limit) = self.gone_within else { return Ok(()) };
        let look = || async {
            let there: Option<Json> = if_there(api.get(path, &[]).await)?;
            Ok(if there.is_none() { Poll::Ready(()) } else { Poll::Pending("it is still there".to_owned()) })
        };
        api.wait_saying(&format!("the {} {id} to be gone", self.noun), limit, look).await
    }

    /// Where an object is seen; nothing where its path does not tell.
    fn seen_at(&self, id: &Id) -> Result<Option<Place>, ApiError> {
        if self.form != Form::Many || self.at.key.is_some() {
            return Ok(None);
        }
        let (path, own) = self.place(id)?;
        let query = self.among.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let list = List { path: path.into(), query, key: self.at.many, by: self.at.id, id: own.to_owned() };
        Ok(Some(Place { one: self.path(id)?, field: self.at.one, list: Some(list) }))
    }

    /// Why an object is not ready yet; nothing if it is.
    async fn poll(&self, api: &Client, id: &Id) -> Result<Poll<Body>, ApiError> {
        let Some((_, body)) = self.get(api, id).await? else { return Ok(Poll::Pending(NOT_YET.to_owned())) };
        if let Some(word) = self.not_yet(id, &body)? {
            return Ok(Poll::Pending(word));
        }
        if let Some(why) = (self.hooks.lost)(api, &body) {
            return Err(ApiError::CreationFailed { what: format!("the {} {id} cannot be used: {why}", self.noun) });
        }
        Ok((self.hooks.yet)(&body).map_or_else(|| Poll::Ready(body), Poll::Pending))
    }

    /// The attribute's value where it says that an object is not ready; nothing if it is.
    fn not_yet(&self, id: &Id, body: &Body) -> Result<Option<String>, ApiError> {
        let Some(ready) = self.ready.as_ref().filter(|ready| !ready.is_reached(body)) else { return Ok(None) };
        let word = body.get(ready.attr).and_then(Value::as_str).unwrap_or_default();
        if ready.never.contains(&word) {
            let what = format!("the {} {id} cannot be used: its {} is {word}", self.noun, ready.attr);
            return Err(ApiError::Unsettled { what });
        }
        Ok(Some(format!("its {} is {word}", ready.attr)))
    }
}
