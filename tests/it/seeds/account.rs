//! The account of a seed, in this process: whose each object is, what befalls each request, and what others do between two.
//!
//! Invariant: whose an object is follows from who asked for it, whatever the program believes. A changing request that is about
//! something of others is a wrong, whether it is let through or not.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use dofloat::api::{Broken, Brought, Carried, Carrier};
use dofloat::base::clock::Clock;
use dofloat::base::rng::Rng;
use dofloat::base::unflushed::unflushed;
use dofloat::sim::{self, Delivery, Response, World};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::oneshot;
use url::Host;

use super::deeds::Deed;
use super::families::{FAMILIES, Family, is_by_the_way, made_at, target, text};
use super::tally::Tally;

/// Who made an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Maker {
    Stack(&'static str),
    /// A person in the control panel.
    Person,
    /// A stack that has let go of it.
    Nobody,
}

/// When a run is dropped, as if the power had gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Cut {
    Never,
    /// Before this one of the requests takes effect.
    Before(usize),
    /// When this one of the changing requests has taken effect, before its answer.
    After(usize),
    /// When this one of the changing requests is on its way: whether it arrives is seen after.
    Under(usize),
    /// Ctrl-C, when so many things were told.
    Stop(usize),
    /// When so many things were told.
    Told(usize),
    /// When the run was woken so often.
    Woken(usize),
}

/// An account, and what is known of it.
pub(crate) struct Account {
    pub(crate) world: World,
    pub(crate) makers: BTreeMap<(&'static str, String), Maker>,
    /// What others made, as it was then.
    pub(crate) theirs: BTreeMap<(&'static str, String), Value>,
    pub(crate) wrongs: Vec<String>,
    pub(crate) tally: Tally,
    /// Of all that was asked and answered: two plays of one script have the same.
    pub(crate) digest: u64,
    pub(crate) loud: bool,
    /// Until when nothing listens, in milliseconds of the clock that drives all.
    deaf_until: u64,
}

/// A run as its requests see it.
pub(crate) struct Line {
    pub(crate) stack: &'static str,
    pub(crate) cut: Cut,
    /// What somebody else does before this one of the changing requests.
    pub(crate) deed: Option<(usize, Deed)>,
    asked: usize,
    changes: usize,
    sent: BTreeMap<usize, Carried>,
    number: usize,
    drop: Option<oneshot::Sender<()>>,
    rng: Rng,
}

impl Line {
    pub(crate) fn new(stack: &'static str, cut: Cut, deed: Option<(usize, Deed)>, seed: u64) -> (Self, oneshot::Receiver<()>) {
        let (sender, dropped) = oneshot::channel();
        let (sent, rng) = (BTreeMap::new(), Rng::seeded(seed));
        (Self { stack, cut, deed, asked: 0, changes: 0, sent, number: 0, drop: Some(sender), rng }, dropped)
    }

    /// How many changing requests there were.
    pub(crate) fn changes(&self) -> usize {
        self.changes
    }

    /// The requests that have left and have not arrived.
    pub(crate) fn under_way(&mut self) -> Vec<Carried> {
        std::mem::take(&mut self.sent).into_values().collect()
    }

    /// Sends a request: its number, and how long it is under way.
    fn send(&mut self, carried: &Carried) -> (usize, u64) {
        self.number += 1;
        self.sent.insert(self.number, carried.clone());
        if matches!(self.cut, Cut::Under(nth) if carried.method != "GET" && nth == self.changes + 1) {
            self.cut();
        }
        (self.number, 20 + self.rng.below(180))
    }

    /// Drops the run.
    pub(crate) fn cut(&mut self) {
        if let Some(sender) = self.drop.take() {
            let _ = sender.send(());
        }
    }
}

pub(crate) fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The path of a request, its percent signs resolved.
fn path_of(carried: &Carried) -> String {
    let mut parts = carried.url.path().split('%');
    let mut path = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at(2);
        path.push(char::from(u8::from_str_radix(code, 16).expect("a percent sign comes with two digits")));
        path.push_str(rest);
    }
    path
}

/// The path and query of a request.
fn asked_for(carried: &Carried) -> String {
    let path = path_of(carried);
    carried.url.query().map_or(path.clone(), |query| format!("{path}?{query}"))
}

/// The identities of a family's objects.
fn ids(world: &World, family: &Family) -> Vec<String> {
    world.show(family.label).iter().map(|object| text(&object[family.id])).collect()
}

impl Account {
    pub(crate) fn new(world: World, loud: bool) -> Self {
        let (makers, theirs) = (BTreeMap::new(), BTreeMap::new());
        let (wrongs, tally, digest) = (Vec::new(), Tally::default(), 0xcbf2_9ce4_8422_2325);
        Self { world, makers, theirs, wrongs, tally, digest, loud, deaf_until: 0 }
    }

    /// Tells a line of the story, which is in the digest whether somebody listens or not.
    pub(crate) fn note(&mut self, line: &str) {
        for byte in line.bytes() {
            self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.loud {
            crate::support::harness::say(line);
        }
    }

    /// Lets something happen that may make objects of a family, and takes down whose they are.
    pub(crate) fn making<T>(&mut self, family: Option<&'static Family>, maker: Maker, deed: impl FnOnce(&mut World) -> T) -> T {
        let Some(family) = family else { return deed(&mut self.world) };
        let before = ids(&self.world, family);
        let done = deed(&mut self.world);
        for object in self.world.show(family.label) {
            let id = text(&object[family.id]);
            if before.contains(&id) {
                continue;
            }
            if maker == Maker::Person {
                self.theirs.insert((family.label, id.clone()), object);
            } else if !is_by_the_way(family, &object) {
                let kind = family.kinds[0].trim_start_matches("digitalocean_");
                self.tally.count("made", kind);
            }
            self.theirs.retain(|key, _| maker == Maker::Person || *key != (family.label, id.clone()));
            self.makers.insert((family.label, id), maker);
        }
        done
    }

    /// The objects of a family that this one has made and that are there.
    pub(crate) fn made_by(&self, family: &'static Family, maker: Maker) -> Vec<Value> {
        let mut all = self.world.show(family.label);
        all.retain(|object| self.makers.get(&(family.label, text(&object[family.id]))) == Some(&maker));
        all
    }

    /// What others have made that has changed or is gone.
    pub(crate) fn touched(&self) -> Option<String> {
        FAMILIES.iter().find_map(|family| {
            let there = self.world.show(family.label);
            let mut left = self.makers.iter().filter(|((label, _), maker)| *label == family.label && **maker == Maker::Nobody);
            if let Some(((label, id), _)) = left.find(|((_, id), _)| !there.iter().any(|object| text(&object[family.id]) == *id)) {
                return Some(format!("let go of and gone: {label} {id}"));
            }
            let mut theirs = self.theirs.iter().filter(|((label, _), _)| *label == family.label);
            theirs.find_map(|((label, id), was)| {
                let now = there.iter().find(|object| text(&object[family.id]) == *id);
                // What carries a tag is everybody's affair.
                let is_same = now == Some(was) || *label == "tags" && now.is_some();
                (!is_same).then(|| format!("of others: {label} {id} was {was} and is {now:?}"))
            })
        })
    }

    /// Whether a changing request is about something of others.
    fn judge_request(&mut self, stack: &'static str, method: &str, path: &str) {
        let Some(key) = target(path) else { return };
        let Some(maker) = self.makers.get(&key).filter(|maker| **maker != Maker::Stack(stack)) else { return };
        // What a tag of any name is put upon is the tag's affair, and what is let go of is still held by what is not.
        let ends_a_hold = *maker == Maker::Nobody && path.ends_with("/actions");
        if key.0 != "tags" && !ends_a_hold {
            self.wrongs.push(format!("{stack} asks {method} {path}, which is about what {maker:?} has made"));
        }
    }

    /// How much there is that a person has made.
    pub(crate) fn made_by_person(&self) -> usize {
        self.theirs.len()
    }

    /// A request takes effect whose sender is gone.
    pub(crate) fn arrives(&mut self, stack: &'static str, carried: &Carried, clock: &Clock) {
        let (mut line, _dropped) = Line::new(stack, Cut::Never, None, 1);
        self.note("      after the crash:");
        self.answer(&mut line, carried, clock);
    }

    /// Who asks for a tag that somebody has made since gets that one, and nobody can tell.
    fn share_tag(&mut self, stack: &'static str, carried: &Carried) {
        let name = carried.body.as_ref().map(|body| text(&body["name"])).unwrap_or_default();
        self.theirs.remove(&("tags", name.clone()));
        self.makers.insert(("tags", name), Maker::Stack(stack));
    }

    fn answer(&mut self, line: &mut Line, carried: &Carried, clock: &Clock) -> Option<Response> {
        let (path, writes) = (asked_for(carried), carried.method != "GET");
        line.asked += 1;
        line.changes += usize::from(writes);
        if line.cut == Cut::Before(line.asked) {
            line.cut();
            return None;
        }
        if writes && line.deed.as_ref().is_some_and(|(nth, _)| *nth == line.changes) {
            let (_, deed) = line.deed.take().expect("it is there");
            deed.be_done(self);
        }
        if writes {
            self.judge_request(line.stack, carried.method, &path_of(carried));
        }
        let request = sim::Request { at: clock.now(), ..sim::Request::new(carried.method, &path, carried.body.as_ref()) };
        let family = if carried.method == "POST" { made_at(&path_of(carried)) } else { None };
        let response = self.making(family, Maker::Stack(line.stack), |world| world.handle(&request));
        if family.is_some_and(|family| family.label == "tags") && response.status < 300 {
            self.share_tag(line.stack, carried);
        }
        self.tally.requests += 1;
        self.note(&format!("      {:>9} {} {} {path} {} {:?}", clock.tick().0, line.stack, carried.method, response.status, response.wire));
        if let Delivery::Refuse(span) = response.wire {
            self.deaf_until = clock.tick().plus(span).0;
        }
        if writes && line.cut == Cut::After(line.changes) {
            line.cut();
            return None;
        }
        Some(response)
    }
}

/// What becomes of an answer on its way.
fn brought(response: Response) -> Result<Brought, Broken> {
    let headers = response.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let body = response.body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    match response.wire {
        Delivery::Whole | Delivery::Trickle(_) | Delivery::Refuse(_) => Ok(Brought { status: response.status, headers, body }),
        Delivery::Truncated => Err(Broken::Off(response.status)),
        Delivery::Garbled => {
            let spoilt = if body.is_empty() { body } else { b"{\"dro".to_vec() };
            Ok(Brought { status: response.status, headers, body: spoilt })
        }
        Delivery::Page => Ok(Brought { status: 200, headers: Vec::new(), body: b"<html>".to_vec() }),
        Delivery::Reset => Err(Broken::Lost("the connection was reset".to_owned())),
        Delivery::Close => Err(Broken::Lost("the connection was closed".to_owned())),
        Delivery::Never => Err(Broken::Lost("no answer within 60 s".to_owned())),
    }
}

/// What a server of a pair answers who is asked for its health.
fn probed(account: &mut Account, carried: &Carried) -> Result<Brought, Broken> {
    let answered = match carried.url.host() {
        Some(Host::Ipv4(host)) => account.world.served(host, carried.url.port().unwrap_or(80)),
        _ => None,
    };
    let (status, body) = answered.ok_or_else(|| Broken::Unsent("it does not answer".to_owned()))?;
    Ok(Brought { status, headers: Vec::new(), body: body.into_bytes() })
}

type Answer = Pin<Box<dyn Future<Output = Result<Brought, Broken>> + Send>>;

/// Brings the requests of a run to the account, each after a while.
pub(crate) fn carrier(account: &Arc<Mutex<Account>>, line: &Arc<Mutex<Line>>, clock: &Clock) -> Carrier {
    let (account, line, clock) = (Arc::clone(account), Arc::clone(line), clock.clone());
    let carry = move |carried: Carried| -> Answer {
        let (account, line, clock) = (Arc::clone(&account), Arc::clone(&line), clock.clone());
        Box::pin(async move {
            if carried.method != "GET" && !unflushed().is_empty() {
                let wrong = format!("{} {} leaves while this is not on disk: {:?}", carried.method, path_of(&carried), unflushed());
                locked(&account).wrongs.push(wrong);
            }
            let (number, latency) = locked(&line).send(&carried);
            clock.sleep(Duration::from_millis(latency)).await;
            let response = {
                let (mut account, mut line) = (locked(&account), locked(&line));
                line.sent.remove(&number);
                if !is_of_api(&carried) {
                    return probed(&mut account, &carried);
                }
                if clock.tick().0 < account.deaf_until {
                    account.tally.count("wire", "refused");
                    return Err(Broken::Unsent("connection refused".to_owned()));
                }
                account.answer(&mut line, &carried, &clock)
            };
            // The run is dropped.
            let Some(response) = response else { return std::future::pending().await };
            if response.wire == Delivery::Never {
                clock.sleep(Duration::from_secs(60)).await;
            }
            brought(response)
        })
    };
    Carrier(Arc::new(carry))
}

/// Where the API is, for the client: nowhere.
pub(crate) const API: &str = "http://127.0.0.1:1";

fn is_of_api(carried: &Carried) -> bool {
    carried.url.as_str().starts_with(API)
}
