//! The table of faults on real software: who serves in the end, who was reset, and for how long nobody answered.
//!
//! Invariant: a row begins with a healthy pair and ends with one; after its last fault the pair is watched on against the
//! account's power log. A row that fails leaves its rig to nobody: the next gets a fresh one.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use serde_json::json;

use super::client::{self, Watch};
use super::measure::{Gaps, begun, other, runs};
use super::room::{Lab, LabConfig, NODES, until, wait};
use super::table::{Ends, Link, ROWS, Row, Step, Whom};
use super::{comes_up_as_it_should, pass};
use crate::support::harness::{Width, say, width, words};

/// Names texts that the names of the wanted rows hold.
const CASE: &str = "DOFLOAT_LAB_CASE";

/// For how long a row is watched on at most where all of the lab must be done in half an hour, in seconds.
const HASTY: u32 = 45;

/// Nobody is off for longer, in seconds, but who was switched off by hand.
const LONGEST_OFF: f64 = 180.0;

#[test]
fn every_fault_with_fencing_ends_with_one_that_serves() {
    plays("fencing", &LabConfig::FENCED);
}

#[test]
fn every_fault_without_fencing_ends_with_one_that_serves() {
    plays("faults", &LabConfig::MODERN);
}

/// Plays the rows of a setting that are wanted, as often as is wanted, and fails if one of them did.
fn plays(name: &str, wish: &'static LabConfig) {
    let wanted = words(CASE);
    let is_wanted = |row: &&Row| {
        row.wish.changes == wish.changes
            && wanted.as_ref().map_or(width() >= row.width, |all| all.split('|').any(|part| row.name.contains(part)))
    };
    let rows: Vec<&Row> = ROWS.iter().filter(is_wanted).collect();
    if rows.is_empty() {
        return;
    }
    let Some(lab) = Lab::raise(name, *wish) else { return };
    comes_up_as_it_should(&lab);
    let mut stage = Some(lab);
    let mut failed = Vec::new();
    for row in rows {
        let mut figures = Vec::new();
        for run in 1..=runs() {
            let lab = stage.take().or_else(|| Lab::raise(name, *wish)).expect("there was a lab before");
            match catch_unwind(AssertUnwindSafe(|| play(&lab, row))) {
                Ok(figure) => {
                    figures.push(figure);
                    stage = Some(lab);
                }
                Err(why) => {
                    let why = why.downcast_ref::<String>().map_or("it panics", |text| text.lines().next().unwrap_or_default());
                    failed.push(format!("{}, run {run}: {why}", row.name));
                    say(&format!("| {} | run {run} FAILED: {why} |", row.name));
                }
            }
        }
        if !figures.is_empty() {
            Gaps::new(row.name, figures).told(row.bound);
        }
    }
    assert!(failed.is_empty(), "{} of the rows' runs failed:\n{}", failed.len(), failed.join("\n"));
}

/// A pair that suffers a row.
struct Play<'a> {
    lab: &'a Lab,
    row: &'static Row,
    active: String,
    /// The droplets of the active node and of the other; names are no help where a row changes them.
    droplets: [u64; 2],
    tag: String,
    /// Who was switched off by hand, so far.
    by_hand: RefCell<Vec<u64>>,
}

/// Plays a row; its figure in milliseconds.
fn play(lab: &Lab, row: &'static Row) -> u64 {
    lab.until_serving();
    for node in NODES {
        lab.on(node, "crm resource cleanup");
    }
    lab.until_serving();
    let active = lab.server();
    assert!(!active.is_empty(), "nobody serves\n{}", lab.story());
    let droplets = [active.as_str(), other(&active)].map(|node| lab.droplet(node));
    let tag = lab.on(&active, ". /etc/dofloat/cluster.env; printf %s \"$TAG\"");
    let play = Play { lab, row, active, droplets, tag, by_hand: RefCell::default() };
    play.run()
}

impl Play<'_> {
    fn run(&self) -> u64 {
        let before = self.lab.events().len();
        let watch = begun(self.lab, &self.active);
        for step in self.row.steps {
            self.step(*step, &watch);
        }
        let end = client::now();
        pass(&watch, if width() < Width::Whole && words(CASE).is_none() { self.row.watched.min(HASTY) } else { self.row.watched });
        let (server, holder) = (self.server(), self.lab.holder());
        let figure = match self.row.ends {
            Ends::Served => watch.silence_after(end),
            Ends::Unmoved | Ends::Moved => watch.gap(),
        };
        self.judges(&watch, &server, figure);
        assert_eq!(self.holding(&holder), server, "who serves is not who has the address\n{}", self.lab.story());
        for step in self.row.afterwards {
            self.step(*step, &watch);
        }
        self.lab.set_faults(&[]);
        self.lab.until_serving();
        self.ends_whole(before, &server, figure);
        figure
    }

    /// What the client has seen.
    fn judges(&self, watch: &Watch, server: &str, figure: u64) {
        let story = || self.lab.story();
        match self.row.ends {
            Ends::Unmoved => {
                assert_eq!(watch.failed(), 0, "requests have failed\n{}", story());
                assert_eq!(server, self.active, "the address has moved\n{}", story());
            }
            Ends::Moved => assert_eq!(server, other(&self.active), "the address has not moved\n{}", story()),
            Ends::Served => assert!(NODES.contains(&server), "nobody serves\n{}", story()),
        }
        // A single run on a busy machine may take twice as long; what is promised after a fault's end is for every run.
        let limit = (2 * self.row.bound).min(super::table::PROMISED.max(self.row.bound));
        assert!(figure <= limit, "{figure} ms are more than {limit} ms\n{}", story());
    }

    /// Both are on and members; and what the account's power log says.
    fn ends_whole(&self, before: usize, server: &str, figure: u64) {
        let lab = self.lab;
        for droplet in self.droplets {
            let shown = lab.api("GET", &format!("/v2/droplets/{droplet}"), "");
            assert_eq!(shown["droplet"]["status"], "active", "{droplet} was left off\n{}", lab.story());
        }
        let power = lab.power_events(before);
        let resets: Vec<&str> = power.iter().filter(|line| line.contains(" power_cycle ")).map(|line| self.called(line)).collect();
        let (least, most) = self.row.resets;
        assert!((least..=most).contains(&resets.len()), "{} resets: {power:?}\n{}", resets.len(), lab.story());
        if self.row.ends == Ends::Unmoved {
            assert!(!resets.contains(&"active"), "the one that serves was reset: {power:?}\n{}", lab.story());
        }
        for (droplet, seconds) in off_times(&power) {
            let is_by_hand = self.by_hand.borrow().contains(&droplet);
            assert!(is_by_hand || seconds < LONGEST_OFF, "{droplet} was off for {seconds} s: {power:?}");
        }
        let off = power.iter().filter(|line| line.contains(" power_off ")).count();
        say(&format!("  {}: {} -> {server}, resets {resets:?}, switched off {off}, {figure} ms", self.row.name, self.active));
    }

    fn called(&self, event: &str) -> &'static str {
        if event.contains(&self.droplets[0].to_string()) { "active" } else { "passive" }
    }

    /// The node that answers on the address, in the words of its page.
    fn server(&self) -> String {
        self.lab.server()
    }

    /// The node that has the address: a droplet may be called otherwise in the account.
    fn holding(&self, holder: &str) -> String {
        let shown = self.lab.api("GET", &format!("/v2/reserved_ips/{}", self.lab.ip()), "");
        match shown["reserved_ip"]["droplet"]["id"].as_u64() {
            Some(id) if id == self.droplets[0] => self.active.clone(),
            Some(id) if id == self.droplets[1] => other(&self.active).to_owned(),
            _ => holder.to_owned(),
        }
    }

    fn nodes(&self, whom: Whom) -> Vec<(&str, u64)> {
        let both = [(self.active.as_str(), self.droplets[0]), (other(&self.active), self.droplets[1])];
        match whom {
            Whom::Active => both[..1].to_vec(),
            Whom::Passive => both[1..].to_vec(),
            Whom::Both => both.to_vec(),
        }
    }

    fn step(&self, step: Step, watch: &Watch) {
        let lab = self.lab;
        match step {
            Step::Cut(whom, link) => self.link("cut", whom, link),
            Step::Mend(whom, link) => self.link("mend", whom, link),
            Step::Part(whom) => self.each(whom, |node, _| drop(lab.rig(&["part", node]))),
            Step::Join(whom) => self.each(whom, |node, _| drop(lab.rig(&["join", node]))),
            Step::Pass(seconds) => pass(watch, seconds),
            Step::Api(faults) => lab.set_faults(faults),
            Step::Finish => lab.finish_actions(),
            Step::Plug(whom) => self.each(whom, |node, _| drop(lab.rig(&["plug", node]))),
            Step::Boot(whom) => self.each(whom, |node, _| drop(lab.rig(&["boot", node]))),
            Step::Power(whom, what) => self.each(whom, |_, droplet| self.power(droplet, what)),
            Step::On(whom, line) => self.each(whom, |node, _| {
                lab.rig(&["in", node, "sh", "-c", &line.replace("PEER", other(node))]);
            }),
            Step::Rename(whom) => self.each(whom, |node, droplet| self.rename(droplet, &format!("{node}-renamed"))),
            Step::NameBack(whom) => self.each(whom, |node, droplet| self.rename(droplet, node)),
            Step::Untag(whom) => self.each(whom, |_, droplet| self.tag("DELETE", droplet)),
            Step::TagBack(whom) => self.each(whom, |_, droplet| self.tag("POST", droplet)),
            Step::Unassign => {
                let done = lab.api("POST", &format!("/v2/reserved_ips/{}/actions", lab.ip()), "{\"type\":\"unassign\"}");
                assert!(done["action"]["id"].is_u64(), "{done}");
            }
            Step::Told(words) => until(words, Duration::from_secs(60), || lab.ask("status", &[]).to_string().contains(words)),
            Step::Planned(words) => drop(lab.ask("plan", &[]).mentions(words)),
            Step::Serves => assert!(wait(Duration::from_secs(120), || !watch.now().is_empty()), "nobody serves\n{}", lab.story()),
            Step::Apply => drop(lab.apply(&[])),
        }
    }

    fn each(&self, whom: Whom, what: impl Fn(&str, u64)) {
        for (node, droplet) in self.nodes(whom) {
            what(node, droplet);
        }
    }

    fn link(&self, what: &str, whom: Whom, link: Link) {
        let link = match link {
            Link::Public => "public",
            Link::Private => "private",
        };
        self.each(whom, |node, _| drop(self.lab.rig(&[what, node, link])));
    }

    fn power(&self, droplet: u64, what: &str) {
        if what == "power_off" {
            self.by_hand.borrow_mut().push(droplet);
        }
        self.act(droplet, &json!({ "type": what }).to_string());
    }

    fn rename(&self, droplet: u64, name: &str) {
        self.act(droplet, &json!({ "type": "rename", "name": name }).to_string());
        let shows = || self.lab.api("GET", &format!("/v2/droplets/{droplet}"), "")["droplet"]["name"] == name;
        until("the droplet has its other name", Duration::from_secs(20), shows);
    }

    fn act(&self, droplet: u64, body: &str) {
        let done = self.lab.api("POST", &format!("/v2/droplets/{droplet}/actions"), body);
        assert!(done["action"]["id"].is_u64(), "{body}: {done}");
    }

    fn tag(&self, method: &str, droplet: u64) {
        let body = json!({ "resources": [{ "resource_id": droplet.to_string(), "resource_type": "droplet" }] });
        let path = format!("/v2/tags/{}/resources", self.tag.replace(':', "%3A"));
        self.lab.api(method, &path, &body.to_string());
        let shown = self.lab.api("GET", &format!("/v2/droplets/{droplet}"), "");
        let has = shown["droplet"]["tags"].as_array().is_some_and(|tags| tags.iter().any(|tag| *tag == self.tag));
        assert_eq!(has, method == "POST", "{path}: {shown}");
    }
}

/// For how long droplets were off that were switched on again, in seconds.
fn off_times(power: &[String]) -> Vec<(u64, f64)> {
    let event = |line: &String| {
        let mut parts = line.split(' ');
        Some((parts.next()?.parse::<f64>().ok()?, parts.next()?.to_owned(), parts.next()?.parse::<u64>().ok()?))
    };
    let all: Vec<(f64, String, u64)> = power.iter().filter_map(event).collect();
    let mut times = Vec::new();
    for (at, what, droplet) in &all {
        if what == "power_off" {
            let on = all.iter().find(|(later, what, who)| later > at && who == droplet && what != "power_off");
            times.extend(on.map(|(later, ..)| (*droplet, later - at)));
        }
    }
    times
}

#[test]
fn time_off_is_read_from_the_power_log() {
    let log = ["1.0 power_off 7 a ", "2.0 power_cycle 8 b ", "9.5 power_on 7 a ", "11.0 power_off 8 b "].map(str::to_owned);
    assert_eq!(off_times(&log), [(7, 8.5)]);
}
