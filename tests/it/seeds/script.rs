//! What happens in a seed, as data: drawn at once, played later, and cut down where it fails.
//!
//! Invariant: all chance is in here; a script is played the same each time.

use std::time::Duration;

use dofloat::base::rng::Rng;
use dofloat::sim::{ClockMode, Fault, Rate};

use super::account::Cut;
use super::config::{Config, Steps, chance, pick, small, some_sorts};
use super::deeds::{Deed, HARMS};
use super::families::FAMILIES;

/// A seed's story.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) seed: u64,
    pub(crate) clock: ClockMode,
    pub(crate) rate: Option<Rate>,
    /// Whether the stacks lie in folders of their own.
    pub(crate) apart: bool,
    /// Whether a run knows how long the same took in earlier ones.
    pub(crate) remembers: bool,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A stack gets this configuration: disturbed runs, and then undisturbed ones until it is there.
    Apply { config: Config, runs: Vec<Disturbed> },
    /// A person does something while no run is under way.
    Person(Deed),
    /// A clone whose state is as it was so many steps before is applied, once.
    Stale { stack: &'static str, back: usize },
}

/// A run, and what befalls it.
#[derive(Clone, Debug)]
pub(crate) struct Disturbed {
    pub(crate) ask: Ask,
    pub(crate) faults: Vec<Fault>,
    pub(crate) cut: Cut,
    /// Before which of the changing requests a person does something.
    pub(crate) deed: Option<(usize, Deed)>,
    /// By how much the clock is wrong, in milliseconds.
    pub(crate) skew: i64,
    pub(crate) parallelism: usize,
    /// Whether a crash comes in the middle of a line of the journal.
    pub(crate) tears: bool,
    /// Whether a request that was under way at the crash arrives.
    pub(crate) arrives: bool,
    /// How long nothing happens before.
    pub(crate) pause: Duration,
}

/// What the run is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Whole,
    Target(usize),
    Exclude(usize),
    Replace(usize),
    RefreshOnly,
    WithoutRefresh,
    Destroy,
    KeepGoing,
}

impl Ask {
    pub(crate) fn word(self) -> String {
        format!("{self:?}").split('(').next().unwrap_or_default().to_lowercase()
    }
}

impl Default for Disturbed {
    fn default() -> Self {
        Self {
            ask: Ask::Whole,
            faults: Vec::new(),
            cut: Cut::Never,
            deed: None,
            skew: 0,
            parallelism: 10,
            tears: false,
            arrives: true,
            pause: Duration::from_secs(30),
        }
    }
}

/// What goes wrong with requests: on the wire, and by the API's word.
pub(crate) const OF_REQUESTS: [&str; 18] = [
    "throttle",
    "throttle=3",
    "error-before=500",
    "error-before=503",
    "error-after=500",
    "error-after=502",
    "reset-before",
    "reset-after",
    "close-before",
    "close-after",
    "page-before",
    "page-after",
    "truncate",
    "garble",
    "never-before",
    "never-after",
    "unauthorized",
    "pending-event=2",
];

/// What goes wrong with what a request makes, and where that may be.
pub(crate) const OF_OBJECTS: [(&str, &str); 10] = [
    ("action-errored", "POST /v2/*/*/actions"),
    ("action-missing=2", "POST /v2/*/*/actions"),
    ("action-word=done", "POST /v2/*/*/actions"),
    ("late-address=2", "POST /v2/droplets"),
    ("late-tags=2", "POST /v2/droplets"),
    ("lagging-list=2", "POST /v2/*"),
    ("hidden=8000", "POST /v2/*"),
    ("late-get=2", "POST /v2/*"),
    ("lingering-members=2", "DELETE /v2/droplets/*"),
    ("vanish", "POST /v2/droplets"),
];

const PLACES: [&str; 14] = [
    "POST /v2/**",
    "POST /v2/**",
    "POST /v2/droplets",
    "POST /v2/*/*/actions",
    "POST /v2/reserved_ips",
    "POST /v2/volumes",
    "PUT /v2/**",
    "DELETE /v2/**",
    "DELETE /v2/**",
    "GET /v2/**",
    "GET /v2/**",
    "* /v2/**",
    "* /v2/**",
    "* /v2/**",
];

/// All that a seed may hold, as it is counted.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, String)> {
    let named = |what: &'static str, all: &[&str]| all.iter().map(|of| (what, (*of).to_owned())).collect::<Vec<_>>();
    let objects = OF_OBJECTS.map(|(what, _)| what);
    let kinds = FAMILIES.iter().map(|family| ("made", family.kinds[0].trim_start_matches("digitalocean_").to_owned()));
    let makes = FAMILIES.iter().filter(|family| family.made_by_hand.is_some()).map(|family| ("person", format!("makes {}", family.label)));
    let harms = HARMS.into_iter().map(|harm| ("person", harm.word()));
    let asks = ["target", "exclude", "replace", "refreshonly", "withoutrefresh", "destroy", "keepgoing"];
    [
        named("fault", &OF_REQUESTS),
        named("fault", &objects),
        named("ask", &asks),
        named("cut", &["before", "after", "under", "stop", "arrives after", "torn line"]),
        named("answer", &["this one", "none"]),
        named("step", &["moved", "removed", "import"]),
        named("clock", &["ahead", "behind"]),
        named("stale state", &["asked"]),
    ]
    .into_iter()
    .flatten()
    .chain(kinds)
    .chain(makes)
    .chain(harms)
}

/// What a seed does at all.
struct Features {
    of_requests: bool,
    of_objects: bool,
    cuts: bool,
    makes: bool,
    harms: bool,
    asks: bool,
    skews: bool,
    stale: bool,
    sorts: Vec<&'static str>,
    steps: Steps,
}

impl Script {
    pub(crate) fn drawn(seed: u64) -> Self {
        let rng = &Rng::seeded(seed.wrapping_mul(0x9E37_79B9).wrapping_add(77));
        let features = Features {
            of_requests: chance(rng, 85),
            of_objects: chance(rng, 70),
            cuts: chance(rng, 80),
            makes: chance(rng, 45),
            harms: chance(rng, 45),
            asks: chance(rng, 50),
            skews: chance(rng, 30),
            stale: chance(rng, 20),
            sorts: some_sorts(rng),
            steps: Steps { moves: chance(rng, 50), forgets: chance(rng, 60) },
        };
        let span = |first: u64, last: u64| [first, last].map(Duration::from_secs);
        let drawn = ClockMode::Drawn { request: Duration::ZERO, droplet: span(2, 60), action: span(1, 20), seed };
        let clock = if chance(rng, 60) { drawn } else { ClockMode::Explicit { looks: u32::try_from(rng.below(3)).expect("small") } };
        let rate = chance(rng, 25).then(|| Rate { per_minute: 60 + u32::try_from(rng.below(190)).expect("small"), ..Rate::default() });
        let second = chance(rng, 50);
        let mut web = Config::random(rng, "web", &features.sorts, 45);
        let mut shop = Config::random(rng, "shop", &features.sorts, 25);
        let mut steps = Vec::new();
        for turn in 0..2 + small(rng, 4) {
            features.apply(rng, &web, &mut steps);
            if second && (turn == 0 || chance(rng, 40)) {
                features.apply(rng, &shop, &mut steps);
                shop = shop.changed(rng, &features.sorts, features.steps);
            }
            if let Some(deed) = features.deed(rng, &web) {
                steps.push(Step::Person(deed));
            }
            web = web.changed(rng, &features.sorts, features.steps);
        }
        if features.stale {
            steps.push(Step::Stale { stack: "web", back: 1 + small(rng, 2) });
        } else {
            for config in [Config::empty("web"), Config::empty("shop")].into_iter().take(if second { 2 } else { 1 }) {
                features.apply(rng, &config, &mut steps);
            }
        }
        Self { seed, clock, rate, apart: chance(rng, 50), remembers: chance(rng, 50), steps }
    }
}

impl Features {
    fn apply(&self, rng: &Rng, config: &Config, steps: &mut Vec<Step>) {
        let runs = (0..small(rng, 4)).map(|_| self.disturbed(rng, config)).collect();
        steps.push(Step::Apply { config: config.clone(), runs });
    }

    fn disturbed(&self, rng: &Rng, config: &Config) -> Disturbed {
        let mut faults = Vec::new();
        for _ in 0..1 + rng.below(4) {
            let count = if chance(rng, 25) { 2 } else { 1 };
            let text = if self.of_objects && chance(rng, 40) {
                let (what, place) = pick(rng, &OF_OBJECTS);
                format!("{place}#{}x{count} {what}", 1 + rng.below(2))
            } else if self.of_requests {
                format!("{}#{}x{count} {}", pick(rng, &PLACES), 1 + rng.below(6), pick(rng, &OF_REQUESTS))
            } else {
                continue;
            };
            faults.push(text.parse().expect("a fault"));
        }
        let nth = 1 + small(rng, 12);
        let cut = match rng.below(7) {
            _ if !self.cuts => Cut::Never,
            0 => Cut::Before(1 + small(rng, 60)),
            1 | 2 => Cut::After(nth),
            3 | 4 => Cut::Under(nth),
            5 => Cut::Stop(nth),
            _ => Cut::Never,
        };
        let of = small(rng, 8);
        let ask = match rng.below(14) {
            _ if !self.asks => Ask::Whole,
            0 => Ask::Target(of),
            1 => Ask::Exclude(of),
            2 => Ask::Replace(of),
            3 => Ask::RefreshOnly,
            4 => Ask::WithoutRefresh,
            5 => Ask::Destroy,
            6 => Ask::KeepGoing,
            _ => Ask::Whole,
        };
        let hour = 3_600_000;
        Disturbed {
            ask,
            faults,
            cut,
            deed: if chance(rng, 40) { self.deed(rng, config).map(|deed| (1 + small(rng, 8), deed)) } else { None },
            skew: if self.skews && chance(rng, 60) { pick(rng, &[-hour, -90_000, -1_000, 2_000, 90_000, 2 * hour]) } else { 0 },
            parallelism: pick(rng, &[1, 3, 10, 10]),
            tears: chance(rng, 20),
            arrives: chance(rng, 60),
            pause: Duration::from_secs(pick(rng, &[0, 1, 20, 600])),
        }
    }

    fn deed(&self, rng: &Rng, config: &Config) -> Option<Deed> {
        let does_harm = if self.makes && self.harms { chance(rng, 60) } else { self.harms };
        if does_harm {
            return Some(Deed::Does { harm: pick(rng, &HARMS), stack: config.stack, nth: small(rng, 6) });
        }
        if !self.makes {
            return None;
        }
        let made: Vec<_> = FAMILIES.iter().filter(|family| family.made_by_hand.is_some()).collect();
        let family = made[small(rng, made.len() as u64)];
        let taken: Vec<String> = config.names(family).collect();
        let name = if chance(rng, 40) && !taken.is_empty() {
            taken[small(rng, taken.len() as u64)].clone()
        } else {
            let dot = if family.label == "domains" { ".example" } else { "" };
            format!("their-{}{dot}", rng.below(50))
        };
        Some(Deed::Makes { family: family.label, name })
    }
}
