//! Looking at objects together: one list answers for all that wait on it, and each is asked for by itself only where fewer wait
//! than the list has pages.
//!
//! Invariant: a look that is asked for begins after it was asked for, and what a wait takes from others' looks began after the
//! wait. When it is looked next is told by how long waits of the same sort took.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use dofloat_base::clock::Tick;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::broadcast::{self, error::RecvError};

use super::client::Client;
use super::error::ApiError;
use super::looks::{Group, List, Listing, Place, Round, Seen, Ticket, text};
use super::timing::shortest;
pub use super::wait::Goal;
use super::wait::{Poll, Waiting, given_up};

/// How long a look waits for others to join: they follow each other as fast as steps begin.
const GATHER: Duration = Duration::from_millis(5);

/// The next look, which others may have asked for already.
fn round(group: &Arc<Group>, api: &Client, list: &List) -> Round {
    let mut inner = group.inner();
    inner.asked += 1;
    if let Some(round) = &inner.round {
        return round.clone();
    }
    let (group, api, list) = (Arc::clone(group), api.plain(), list.clone());
    let round: BoxFuture<'static, _> = Box::pin(async move { look_at(&group, &api, &list).await });
    let round = round.shared();
    inner.round = Some(round.clone());
    round
}

async fn look_at(group: &Group, api: &Client, list: &List) -> Option<Arc<Listing>> {
    let now = api.clock().tick();
    let earliest = {
        let inner = group.inner();
        let (pages, strain) = (inner.pages(), api.strain());
        // A longer list is looked at less often, as each look costs more and answers for more.
        let apart = shortest(inner.sharing(), strain).saturating_mul(pages.saturating_mul(pages)).saturating_mul(strain);
        inner.last.map_or(now, |last| last.plus(apart))
    };
    // The first of many does not know that others follow.
    api.clock().sleep(earliest.since(now).max(GATHER)).await;
    let began = api.clock().tick();
    {
        let mut inner = group.inner();
        let round = inner.round.take();
        let asked = std::mem::take(&mut inner.asked);
        let waiting = u32::try_from(inner.waiting.max(asked)).unwrap_or(u32::MAX);
        if waiting <= inner.pages() {
            return None;
        }
        inner.last = Some(began);
        inner.under_way = round.and_then(|round| Some((began, round.downgrade()?)));
    }
    let query: Vec<(&str, &str)> = list.query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    // Whoever may not list, or meets an error that lists alone have, asks for each by itself.
    let items: Vec<Value> = api.list(&list.path, &query, list.key).await.ok()?;
    let bodies: BTreeMap<String, Arc<Value>> =
        items.into_iter().filter_map(|item| Some((text(item.get(list.by)?)?, Arc::new(item)))).collect();
    let listing = Arc::new(Listing { began, bodies });
    {
        let mut inner = group.inner();
        inner.last = Some(api.clock().tick());
        inner.under_way = None;
        inner.length = listing.bodies.len();
        inner.known.extend(listing.bodies.keys().cloned());
    }
    // That nobody waits is no failure.
    let _ = group.news.send(Arc::clone(&listing));
    Some(listing)
}

impl Client {
    /// Looks at an object, together with others that are looked at now; nothing if it is not there.
    ///
    /// # Errors
    /// As for `get`.
    pub async fn look(&self, place: &Place) -> Result<Option<Seen>, ApiError> {
        if let Some(list) = &place.list {
            let group = self.looks().group(list);
            let round = round(&group, self, list);
            self.let_go();
            if let Some(told) = round.await.and_then(|listing| group.told(&listing, &list.id)) {
                return Ok(told);
            }
        }
        match self.get::<Value>(&place.one, &[]).await {
            Ok(mut answer) => Ok(Some(Seen(Arc::new(answer.get_mut(place.field).map(Value::take).unwrap_or_default())))),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Waits until what is seen of an object is what is waited for. The first look comes when something of this sort may be
    /// done; what others learn from the list meanwhile counts.
    ///
    /// # Errors
    /// `Unsettled` at the limit; the first error of a look or of `judge`.
    pub async fn watch<T, F, Fut>(&self, goal: Goal<'_>, place: &Place, mut judge: F) -> Result<T, ApiError>
    where
        F: FnMut(Option<Seen>) -> Fut + Send,
        Fut: Future<Output = Result<Poll<T>, ApiError>> + Send,
    {
        let start = self.clock().tick();
        let elapsed = || self.clock().tick().since(start);
        let ticket = place.list.as_ref().map(|list| (Ticket::of(self.looks().group(list)), list));
        let mut news = ticket.as_ref().map(|(ticket, _)| ticket.0.news.subscribe());
        let mut last = String::new();
        loop {
            let so_far = elapsed();
            let sharing = ticket.as_ref().map_or(1, |(ticket, _)| ticket.0.inner().sharing());
            let pause = self.next_look(goal.sort, so_far, sharing).min(goal.limit.saturating_sub(so_far)).max(Duration::from_millis(1));
            self.tell(&Waiting {
                what: goal.what.to_owned(),
                elapsed: so_far,
                limit: Some(goal.limit),
                pause,
                seen: last.clone(),
                ..Waiting::default()
            });
            let listing = self.until(pause, &mut news).await;
            // Only a look that began at the limit or later is the last one: a slow answer is no reason to give up.
            let begun = elapsed();
            let seen = match (listing, &ticket) {
                (Some(listing), Some((ticket, list))) if listing.began >= start => match ticket.0.told(&listing, &list.id) {
                    Some(told) => told,
                    None => continue,
                },
                (Some(_), _) => continue,
                (None, ticket) => match self.under_way(ticket.as_ref(), start).await {
                    Some(told) => told,
                    None => self.look(place).await?,
                },
            };
            match judge(seen).await? {
                Poll::Ready(value) => {
                    self.took(goal.sort, elapsed());
                    return Ok(value);
                }
                Poll::Pending(seen) => last = seen,
            }
            if begun >= goal.limit {
                return Err(given_up(goal.what, elapsed(), &last));
            }
        }
    }

    /// What a look tells whose answer is on its way: another request would tell no more.
    async fn under_way(&self, ticket: Option<&(Ticket, &List)>, since: Tick) -> Option<Option<Seen>> {
        let (ticket, list) = ticket?;
        let listing = ticket.0.under_way(since)?.await?;
        ticket.0.told(&listing, &list.id)
    }

    /// Sleeps until it is time to look; what others saw before that ends it.
    async fn until(&self, pause: Duration, news: &mut Option<broadcast::Receiver<Arc<Listing>>>) -> Option<Arc<Listing>> {
        let Some(news) = news else {
            self.pause(pause).await;
            return None;
        };
        tokio::select! {
            biased;
            Some(listing) = latest(news) => Some(listing),
            () = self.pause(pause) => None,
        }
    }
}

/// The latest look that was not told yet, once there is one; nothing if there will be none.
async fn latest(news: &mut broadcast::Receiver<Arc<Listing>>) -> Option<Arc<Listing>> {
    loop {
        match news.recv().await {
            Ok(listing) => return Some(listing),
            // Only the latest is kept.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use dofloat_base::clock::{Clock, Moment};
    use dofloat_base::rng::Rng;
    use dofloat_base::secret::Secret;
    use serde_json::json;

    use super::*;
    use crate::carrier::{Broken, Brought, Carried, Carrier};
    use crate::client::Settings;

    /// An API whose list of two things takes a second to arrive, and what it was asked for.
    fn slow(clock: &Clock) -> (Client, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (heard, times) = (Arc::clone(&asked), clock.clone());
        let carry = move |carried: Carried| -> BoxFuture<'static, Result<Brought, Broken>> {
            let (heard, times) = (Arc::clone(&heard), times.clone());
            Box::pin(async move {
                heard.lock().expect("the log").push(carried.url.path().to_owned());
                times.sleep(Duration::from_secs(1)).await;
                let body = json!({"things": [{"id": "1"}, {"id": "2"}], "meta": {"total": 2}});
                Ok(Brought { status: 200, headers: Vec::new(), body: body.to_string().into_bytes() })
            })
        };
        let base = "http://127.0.0.1:1".parse().expect("an address");
        let settings = Settings::new(base, Secret::new("t".to_owned()), clock.clone(), Arc::new(Rng::seeded(1)));
        let client = Client::new(Settings { carrier: Some(Carrier(Arc::new(carry))), ..settings }).expect("a client");
        (client, asked)
    }

    async fn watch(api: &Client, sort: &str, id: &str) -> Result<(), ApiError> {
        let list = List { path: "/things".into(), query: Vec::new(), key: "things", by: "id", id: id.to_owned() };
        let place = Place { one: format!("/things/{id}"), field: "thing", list: Some(list) };
        let goal = Goal { what: "a thing", sort, limit: Duration::from_secs(60) };
        let judge = |seen: Option<Seen>| async move { Ok(seen.map_or_else(|| Poll::Pending("gone".into()), |_| Poll::Ready(()))) };
        api.watch(goal, &place, judge).await
    }

    #[tokio::test]
    async fn who_would_look_while_an_answer_is_on_its_way_waits_for_it() {
        let clock = Clock::stepped(Moment(1_800_000_000_000));
        let (api, asked) = slow(&clock);
        // The first looks after a tenth of a second, the second half a second later.
        api.learn(BTreeMap::from([("late".to_owned(), vec![2_400])]));
        let (first, second) = clock.drive(async { tokio::join!(watch(&api, "early", "1"), watch(&api, "late", "2")) }).await;
        assert_eq!((first, second), (Ok(()), Ok(())));
        assert_eq!(*asked.lock().expect("the log"), ["/v2/things"]);
    }
}
