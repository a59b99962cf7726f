//! A fleet in an account where everything takes its time.
//!
//! Invariant: the account lives in the test's process and outlives every run of the program. The program's clock runs many
//! times as fast as the account's latencies say: it meets requests of 200 ms, droplets of 6 s and actions of 2 s.

use std::collections::BTreeSet;
use std::time::Duration;

use dofloat::sim::{ClockMode, Limits, Options};
use serde_json::Value;

use crate::support::cloud::Cloud;
use crate::support::harness::{Outcome, Stack};
use crate::support::scene::{differences, identities, remembered, shape};

const PLAN: &str = include_str!("../../../fixtures/config/fleet.tf");

/// How many times the program's clock is as fast as the account's.
pub(crate) const TIMES: u32 = 20;

const LATENCIES: ClockMode =
    ClockMode::Real { request: Duration::from_millis(10), droplet: Duration::from_millis(300), action: Duration::from_millis(100) };

/// A stack `fleet` in an account of its own.
pub(crate) struct Fleet {
    pub(crate) cloud: Cloud,
    pub(crate) stack: Stack,
}

/// What is wrong after a run that must have gone through.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wrongs {
    /// Objects of the account that nothing remembers.
    pub(crate) orphans: usize,
    /// Objects that there are too many of.
    pub(crate) doubles: usize,
    /// Whether it does not go on from here.
    pub(crate) stuck: bool,
    pub(crate) told: Vec<String>,
}

impl Fleet {
    /// So many clusters, nothing made yet, and latencies.
    pub(crate) fn new(clusters: usize) -> Self {
        let fleet = Self::with(clusters, LATENCIES);
        Self { stack: fleet.stack.env("DOFLOAT_CLOCK", &TIMES.to_string()), ..fleet }
    }

    /// So many clusters in an account whose time passes so; the program's passes as usual.
    pub(crate) fn with(clusters: usize, clock: ClockMode) -> Self {
        let limits = Limits { droplets: 10_000, reserved_ips: 10_000 };
        let cloud = Cloud::start(Options { clock, limits, ..Options::default() });
        let stack = cloud.serve(Stack::with_plan("fleet", &PLAN.replace("default = 20", &format!("default = {clusters}"))));
        Self { cloud, stack }
    }

    /// So many clusters whose droplets boot until the test lets them. The program's time passes as usual: it waits for minutes.
    pub(crate) fn held(clusters: usize) -> Self {
        let ClockMode::Real { request, action, .. } = LATENCIES else { unreachable!("they are") };
        Self::with(clusters, ClockMode::Real { request, droplet: Duration::from_secs(86_400), action })
    }

    /// Lets them boot, and all that are made from now on as usual.
    pub(crate) fn let_go(&self) {
        self.cloud.with_world(|world| {
            world.set_clock(LATENCIES);
            world.finish_all();
        });
    }

    /// A change of each sort: renames, resizes, replacements, changes in place, and clusters that are not wanted any more.
    pub(crate) fn alter(&self, clusters: usize) {
        let swaps = [
            ("  name     = each.key\n  region", "  name     = endswith(each.key, \"secondary\") ? \"${each.key}-b\" : each.key\n  region"),
            ("\"ubuntu-24-04-x64\"", "substr(each.key, 3, 1) == \"3\" ? \"ubuntu-22-04-x64\" : \"ubuntu-24-04-x64\""),
            ("\"s-1vcpu-1gb\"", "substr(each.key, 3, 9) == \"5-primary\" ? \"s-2vcpu-4gb\" : \"s-1vcpu-1gb\""),
            ("  type     = \"A\"\n", "  type     = \"A\"\n  ttl      = startswith(each.key, \"www\") ? 60 : 1800\n"),
        ];
        for (old, new) in swaps {
            self.stack.replace("plans/fleet.tf", old, new);
        }
        let text = self.stack.read("plans/fleet.tf");
        let count = text.find("default = ").expect("it is there");
        let end = count + text[count..].find('\n').expect("the line ends");
        self.stack.write("plans/fleet.tf", &format!("{}default = {clusters}{}", &text[..count], &text[end..]));
    }

    /// What there is, without identities.
    pub(crate) fn shape(&self) -> Value {
        shape(&self.cloud.world())
    }

    /// What is wrong after a run that must have gone through.
    pub(crate) fn wrongs(&self, ended: &Outcome, expected: &Value, destroyed: bool) -> Wrongs {
        let mut wrongs = Wrongs::default();
        if ended.code != 0 {
            wrongs.stuck = true;
            wrongs.told.push(format!("it does not go on: {ended}"));
        }
        let world = self.cloud.world();
        let (there, known) = (identities(&world), self.remembered());
        let orphans: Vec<&String> = there.difference(&known).collect();
        wrongs.orphans = orphans.len();
        if there != known {
            let missing: Vec<&String> = known.difference(&there).collect();
            wrongs.told.push(format!("nothing remembers {orphans:?}; remembered and not there {missing:?}"));
        }
        let differences = differences(expected, &shape(&world));
        wrongs.doubles = differences.lines().filter(|line| line.starts_with("  too much")).count();
        if !differences.is_empty() {
            wrongs.told.push(format!("the world is otherwise:\n{differences}"));
        }
        if self.stack.exists("state/fleet.journal") {
            wrongs.stuck = true;
            wrongs.told.push("the journal is still there".to_owned());
        }
        let plan = if destroyed { &["plan", "-destroy", "-detailed-exitcode"][..] } else { &["plan", "-detailed-exitcode"] };
        let plan = self.stack.run(plan);
        if plan.code != 0 || !plan.stdout.contains("No changes.") {
            wrongs.stuck = true;
            wrongs.told.push(format!("the next plan is not empty: {plan}"));
        }
        wrongs
    }

    fn remembered(&self) -> BTreeSet<String> {
        if self.stack.exists("state/fleet.json") { remembered(&self.stack.json("state/fleet.json")) } else { BTreeSet::new() }
    }
}
