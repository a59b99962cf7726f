//! The judge: after each step the account holds what is wanted, once, and untouched what is others'; the state says the same; no file
//! holds a secret; the next plan is empty and changes nothing.
//!
//! Invariant: what there should be follows from the configuration alone, and whose an object is from who asked for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use dofloat::base::address::Address;
use dofloat::base::rng::Rng;
use dofloat::engine::change::Action;
use dofloat::engine::request::Options;
use dofloat::lang::files::Memory;
use dofloat::state::{Health, State};
use serde_json::Value;

use super::account::{Cut, Line, Maker, locked};
use super::config::Config;
use super::deeds::family;
use super::families::{FAMILIES, Family, Names, is_by_the_way, text};
use super::play::Bench;
use super::run::{Look, expanded, host, load};
use super::wrong::Wrong;

impl Bench<'_> {
    pub(super) async fn judge(&mut self, config: &Config, plan: &str) -> Result<(), Wrong> {
        let loaded = self.store(config.stack).peek().map_err(|error| Wrong::new("the state cannot be read", format!("{error:?}")))?;
        if loaded.journal.is_some() || self.paths(config.stack).journal.exists() {
            return Err(Wrong::new("the journal is left", String::new()));
        }
        let state = loaded.state.clone().unwrap_or_else(|| Self::fresh(config.stack));
        self.judge_world(config, &state)?;
        self.judge_state(config, &state)?;
        self.judge_marks(&state)?;
        let holder = secret_in(&self.folder(), &self.secret);
        if let Some(file) = holder {
            return Err(Wrong::new("a file holds a secret", file));
        }
        let (files, chance) = (Memory::default(), Rng::seeded(1));
        let stack = load(plan, host(&files, &chance))?;
        let (line, _dropped) = Line::new(config.stack, Cut::Never, None, 1);
        let (line, clock) = (Arc::new(Mutex::new(line)), self.clock.clone());
        let api = self.api(&line, &clock);
        let options = Options { destroy: config.is_empty(), ..Options::default() };
        let whole = expanded(&stack, config.stack, &loaded, options.destroy, &self.secret);
        let whole = whole.map_err(|errors| Wrong::new("the configuration is refused", format!("{errors:#?}")))?;
        let look =
            Look { stack: config.stack, resolve: &whole, loaded: &loaded, api: &api, clock: &clock, options: &options, refresh: true };
        self.note("-- the plan after");
        let surveyed = self.clock.drive(Box::pin(self.look(&look))).await;
        let surveyed = surveyed.map_err(|stop| Wrong::new("the next plan fails", format!("{stop:#?}")))?;
        let plan = &surveyed.planned.plan;
        if !plan.is_empty() || !plan.drift.is_empty() || !surveyed.adopted.is_empty() || !surveyed.observed.strays.is_empty() {
            let changes: Vec<_> = plan.changes.iter().filter(|change| change.action != Action::Keep).collect();
            let why = format!("{:#?} {changes:#?} {:#?} {:#?}", plan.steps, plan.drift, surveyed.observed.strays);
            return Err(Wrong::new("the next plan is not empty", why));
        }
        if locked(&line).changes() > 0 {
            return Err(Wrong::new("a plan writes", String::new()));
        }
        Ok(())
    }

    /// What was off when somebody took what is there for right (`-refresh-only`) is left off.
    fn is_left_off(&self, stack: &str, state: &State, object: &Value) -> bool {
        let mut records = state.records.values().filter(|record| record.id.0 == text(&object["id"]));
        locked(&self.refreshed).contains(stack) && records.any(|record| record.body.get("status") == Some(&"off".into()))
    }

    fn judge_world(&self, config: &Config, state: &State) -> Result<(), Wrong> {
        let account = locked(&self.account);
        let names = Names::of(&account.world);
        let face = |family: &Family, mut object: Value| {
            if family.label == "droplets" && object["status"] == "off" && self.is_left_off(config.stack, state, &object) {
                object["status"] = "active".into();
            }
            (family.face)(&object, &names)
        };
        let mut there: Vec<String> = Vec::new();
        for family in FAMILIES {
            let own = account.made_by(family, Maker::Stack(config.stack));
            there.extend(own.into_iter().filter(|object| !is_by_the_way(family, object)).map(|object| face(family, object)));
        }
        there.sort();
        let wanted = config.faces();
        if there != wanted {
            let why = format!("wanted\n  {}\nand there is\n  {}", wanted.join("\n  "), there.join("\n  "));
            return Err(Wrong::new("the account is not what is wanted", why));
        }
        if let Some(touched) = account.touched() {
            return Err(Wrong::new("something of others is touched", touched));
        }
        Ok(())
    }

    /// What was made with the stack's mark carries it, and what was let go of carries none.
    fn judge_marks(&self, state: &State) -> Result<(), Wrong> {
        let account = locked(&self.account);
        let tags = |droplet: &Value| droplet["tags"].as_array().into_iter().flatten().map(text).collect::<BTreeSet<_>>();
        let droplets = account.world.show("droplets");
        for (_, record) in state.records.iter().filter(|(address, _)| address.kind == "digitalocean_droplet") {
            let Some(droplet) = droplets.iter().find(|droplet| text(&droplet["id"]) == record.id.0) else { continue };
            if record.mark.as_ref().is_some_and(|mark| !tags(droplet).contains(&mark.0)) {
                return Err(Wrong::new("the mark is missing", droplet.to_string()));
            }
        }
        let of_stacks = account.world.show("projects").into_iter().filter(|project| text(&project["name"]).starts_with("dofloat:"));
        let of_stacks: BTreeSet<String> = of_stacks.map(|project| text(&project["id"])).collect();
        let marked = |droplet: &Value| tags(droplet).iter().any(|tag| tag.starts_with("dofloat:"));
        let mut left = account.made_by(family("droplets"), Maker::Nobody).into_iter().filter(marked).chain(
            account.made_by(family("reserved_ips"), Maker::Nobody).into_iter().filter(|ip| of_stacks.contains(&text(&ip["project_id"]))),
        );
        left.next().map_or(Ok(()), |object| Err(Wrong::new("what was let go of carries the mark", object.to_string())))
    }

    /// Every record's object is the stack's and there, and every such object has a record.
    fn judge_state(&self, config: &Config, state: &State) -> Result<(), Wrong> {
        if let Some((address, _)) = state.deposed.keys().next() {
            return Err(Wrong::new("an old object is left", address.to_string()));
        }
        if let Some((address, _)) = state.records.iter().find(|(_, record)| record.health != Health::Ready) {
            return Err(Wrong::new("a record is not finished", address.to_string()));
        }
        let wanted: BTreeSet<String> = config.all_written().map(|part| part.address()).collect();
        let told = |address: &str| address.split('[').next().unwrap_or_default().to_owned();
        let whole = |address: &Address| told(&address.whole().unwrap_or(address).to_string());
        let remembered: BTreeSet<String> = state.records.keys().map(whole).collect();
        if wanted != remembered {
            return Err(Wrong::new("the state has other addresses", format!("wanted {wanted:?}, remembered {remembered:?}")));
        }
        let account = locked(&self.account);
        for family in FAMILIES {
            let of_family = state.records.iter().filter(|(address, _)| family.kinds.contains(&address.kind.as_str()));
            let own = |id: &str| id.rsplit(',').next().unwrap_or_default().to_owned();
            let known: BTreeSet<String> = of_family.map(|(_, record)| own(&record.id.0)).collect();
            let objects = account.made_by(family, Maker::Stack(config.stack));
            let there: BTreeSet<String> =
                objects.iter().filter(|object| !is_by_the_way(family, object)).map(|object| text(&object[family.known_by()])).collect();
            if known != there {
                return Err(Wrong::new("the state knows other objects", format!("{}: {known:?}, and there is {there:?}", family.label)));
            }
        }
        Ok(())
    }
}

/// The file that holds a secret.
fn secret_in(folder: &Path, secret: &str) -> Option<String> {
    let entries: BTreeMap<_, _> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| (entry.path(), ())).collect();
    entries.into_keys().find_map(|path| {
        if path.is_dir() {
            return secret_in(&path, secret);
        }
        let bytes = std::fs::read(&path).ok()?;
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        found.then(|| format!("{}: {}", path.display(), String::from_utf8_lossy(&bytes)))
    })
}
