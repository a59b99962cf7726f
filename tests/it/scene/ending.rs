//! How a disturbed story is brought to its end: the same command again, decisions taken truthfully, and others asked to
//! make room.
//!
//! Invariant: a decision is asked for only where a create of a kind without mark or name of its own was in flight, and says
//! how it is taken. A run that fails while nothing of others stands in the way is wrong.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Scene;
use super::shape::{identities, identity};
use crate::harness::Outcome;

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
        let mut ended = Ended::default();
        while ended.runs < MOST_RUNS {
            let outcome = self.command(&[]);
            ended.runs += 1;
            let stuck = match outcome.code {
                0 => {
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

    /// Answers what is asked, as it is.
    fn decide(&self, asked: &Outcome) -> Result<(), String> {
        let choices = choices(asked);
        if choices.is_empty() {
            return Err("it asks for a decision without saying how to take it".to_owned());
        }
        let lost = self.in_flight();
        let mut ours = identities(&self.ours());
        for (address, offered) in choices {
            let kind = address.split('.').rev().nth(1).unwrap_or_default();
            if !lost.contains(&address) || dofloat::kinds::kind(kind).is_none_or(dofloat::kinds::erased::AnyKind::markable) {
                return Err(format!("it asks about {address}, of which nothing was in flight that has no mark ({lost:?})"));
            }
            let answer = offered.iter().find(|id| ours.remove(&identity(&address, id))).map_or("none", String::as_str);
            let told = self.stack.run(&["adopt", self.story.of, &address, answer]);
            if told.code != 0 {
                return Err(format!("the decision {address} {answer} is not taken: {told}"));
            }
        }
        Ok(())
    }

    /// The resources whose creation was begun, and whose object's identity is not known.
    fn in_flight(&self) -> BTreeSet<String> {
        let (file, mut open) = (format!("state/{}.journal", self.story.of), BTreeMap::new());
        let text = if self.stack.exists(&file) { self.stack.read(&file) } else { String::new() };
        for line in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let entry = &line["entry"];
            if entry["begin"]["op"] == "create" {
                open.insert(entry["begin"]["step"].to_string(), entry["begin"]["address"].as_str().unwrap_or_default().to_owned());
            }
            for told in ["id", "done", "failed"] {
                open.remove(&entry[told]["step"].to_string());
            }
        }
        open.into_values().collect()
    }
}

/// The decisions that a message offers, `dofloat adopt ADDRESS ID`: the identities by the address, but for "none of these".
pub(crate) fn choices(outcome: &Outcome) -> BTreeMap<String, Vec<String>> {
    let pattern = regex::Regex::new(r"dofloat adopt (?:[a-z-]+ )?'?([^\s'`]+\.[^\s'`]+)'? ([^\s`]+)").expect("the pattern is right");
    let mut choices = BTreeMap::<String, Vec<String>>::new();
    for found in pattern.captures_iter(&format!("{}{}", outcome.stdout, outcome.stderr)) {
        let offered = choices.entry(found[1].to_owned()).or_default();
        if &found[2] != "none" && !found[2].contains("ID") {
            offered.push(found[2].to_owned());
        }
    }
    choices
}
