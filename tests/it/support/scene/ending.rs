//! How a disturbed story is brought to its end: the same command again, decisions taken truthfully, and others asked to
//! make room.
//!
//! Invariant: a decision is asked for only where a create was in flight of what carries no mark, or where somebody else has
//! made a droplet of the wanted name without any, and says how it is taken. A run that fails while nothing of others stands in the
//! way is wrong.

use std::collections::BTreeMap;

use serde_json::Value;

use super::others::{Harm, Thing};
use super::shape::{identities, identity};
use super::{Deed, Scene};
use crate::support::answers::{is_unmarked, offered};
use crate::support::harness::Outcome;

/// More runs than any end needs: what others have in the way is told at once, and decisions one after the other.
const MOST_RUNS: usize = 8;

/// How a story came to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ended {
    pub(crate) runs: usize,
    /// How often a person had to say what is whose.
    pub(crate) decisions: usize,
    /// How often something of others stood in the way.
    pub(crate) refusals: usize,
    pub(crate) wrongs: Vec<String>,
}

impl Scene {
    /// Runs the command until it has gone through, and judges.
    pub(crate) fn go_on(&mut self, expected: &Value) -> Ended {
        self.cloud.settle_down();
        let mut ended = Ended::default();
        while ended.runs < MOST_RUNS {
            let outcome = self.command(&[]);
            ended.runs += 1;
            let stuck = match outcome.code {
                0 => {
                    // A mark that somebody takes off while a run goes on, or between one that was killed and the next, is put back
                    // by whoever plans after that.
                    if self.borne == Some(Deed::Does(Harm::Untag)) {
                        let again = self.command(&[]);
                        ended.wrongs.extend((again.code != 0).then(|| format!("the mark is not put back: {again}")));
                    }
                    self.take_equal_records();
                    ended.wrongs.extend(self.wrongs(expected));
                    return ended;
                }
                4 => {
                    ended.decisions += 1;
                    self.decide(&outcome).err()
                }
                1 if !self.theirs.is_empty() && ended.refusals == 0 && outcome.stderr.contains("error: ") => {
                    ended.refusals += 1;
                    ended.wrongs.extend(self.theirs.wrongs(&self.cloud.world()));
                    let theirs = &mut self.theirs;
                    self.cloud.with_world(|world| theirs.withdraw(world));
                    None
                }
                _ => Some("it does not go on".to_owned()),
            };
            if let Some(why) = stuck {
                ended.wrongs.push(format!("{why}: run {}: {outcome}", ended.runs));
                return ended;
            }
        }
        ended.wrongs.push(format!("{MOST_RUNS} runs do not do"));
        ended
    }

    /// A record in a zone of ours that somebody has made just as it was wanted is as good as ours, which was lost: nothing
    /// tells them apart, and it is taken.
    fn take_equal_records(&mut self) {
        let known = self.remembered();
        self.theirs.leave(&|identity| identity.starts_with("record ") && known.contains(identity));
    }

    /// Answers what is asked, as it is.
    fn decide(&self, asked: &Outcome) -> Result<(), String> {
        let choices = choices(asked);
        if choices.is_empty() {
            return Err("it asks for a decision without saying how to take it".to_owned());
        }
        let lost = self.in_flight();
        let mut ours = identities(&self.ours());
        for (address, offered) in choices {
            if !lost.get(&address).is_some_and(|body| self.may_be_asked(&address, body)) {
                return Err(format!("it asks about {address}, of which nothing was in flight that has no mark ({:?})", lost.keys()));
            }
            let answer = offered.iter().find(|id| ours.remove(&identity(&address, id))).map_or("none", String::as_str);
            let told = self.stack.run(&["adopt", self.story.of, &address, answer]);
            if told.code != 0 {
                return Err(format!("the decision {address} {answer} is not taken: {told}"));
            }
        }
        Ok(())
    }

    /// Whether it cannot be known whose an object is that fits. An address that was reserved for a droplet lies in no project
    /// of ours; a droplet without any tag may be one whose tags cannot be seen yet.
    fn may_be_asked(&self, address: &str, body: &Value) -> bool {
        is_unmarked(address) || !body["droplet_id"].is_null() || self.borne == Some(Deed::Makes(Thing::Droplets))
    }

    /// What was wanted of the resources whose creation was begun, and whose object's identity is not known.
    fn in_flight(&self) -> BTreeMap<String, Value> {
        let (file, mut open) = (format!("state/{}.journal", self.story.of), BTreeMap::new());
        let text = if self.stack.exists(&file) { self.stack.read(&file) } else { String::new() };
        for line in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let entry = &line["entry"];
            if entry["begin"]["op"] == "create" {
                let begin = &entry["begin"];
                open.insert(begin["step"].to_string(), (begin["address"].as_str().unwrap_or_default().to_owned(), begin["body"].clone()));
            }
            for told in ["id", "done", "failed"] {
                open.remove(&entry[told]["step"].to_string());
            }
        }
        open.into_values().collect()
    }
}

/// The decisions that a message asks for, by the address: what may be its object.
fn choices(asked: &Outcome) -> BTreeMap<String, Vec<String>> {
    let question =
        regex::Regex::new(r"The answer to the creation of (\S+) was lost, and it is uncertain whether it created this: (.*)\.\n")
            .expect("the pattern is right");
    let text = format!("{}{}", asked.stdout, asked.stderr);
    let id = |of: &str| of.split(" (").next().unwrap_or_default().to_owned();
    let questions = question.captures_iter(&text).map(|found| (found[1].to_owned(), found[2].split("; ").map(id).collect::<Vec<_>>()));
    let said = offered(&text);
    // Each names how it is answered.
    questions.filter(|(address, ids)| said.iter().any(|[_, of, id]| of == address && ids.contains(id))).collect()
}
