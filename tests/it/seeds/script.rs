//! What happens in a seed, as data: drawn at once, played later, and cut down where it fails.
//!
//! Invariant: all chance is in here; a script is played the same each time.

use std::time::Duration;

use dofloat::base::rng::Rng;
use dofloat::sim::{Befalls, ClockMode, EVERY_FAULT, Fault, FaultKind, Rate};
use serde::{Deserialize, Serialize};

use super::account::Cut;
use super::config::{Config, Steps, chance, pick, small, some_sorts};
use super::deeds::{Deed, HARMS};
use super::families::FAMILIES;
use super::kept::{self, Word, word};

/// A seed's story.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Script {
    pub(crate) seed: u64,
    /// Whether what is begun is finished after so many looks; otherwise it takes its time.
    pub(crate) looks: Option<u32>,
    /// How many requests there may be in a minute.
    pub(crate) per_minute: Option<u32>,
    /// Whether the stacks lie in folders of their own.
    pub(crate) apart: bool,
    /// Whether a run knows how long the same took in earlier ones.
    pub(crate) remembers: bool,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Step {
    /// A stack gets this configuration: disturbed runs, and then undisturbed ones until it is there.
    Apply { config: Config, runs: Vec<Disturbed> },
    /// Two stacks get theirs at the same moment.
    Both([(Config, Vec<Disturbed>); 2]),
    /// What carries the mark of a stack and is in no record of it is destroyed.
    Strays(#[serde(deserialize_with = "word")] Word),
    /// A person does something while no run is under way.
    Person(Deed),
    /// A clone whose state is as it was so many steps before is applied, once.
    Stale {
        #[serde(deserialize_with = "word")]
        stack: Word,
        back: usize,
    },
}

impl Step {
    /// The configurations that it brings about.
    pub(crate) fn configs(&self) -> Vec<&Config> {
        match self {
            Self::Apply { config, .. } => vec![config],
            Self::Both(both) => both.iter().map(|(config, _)| config).collect(),
            Self::Person(_) | Self::Stale { .. } | Self::Strays(_) => Vec::new(),
        }
    }

    pub(crate) fn configs_mut(&mut self) -> Vec<&mut Config> {
        match self {
            Self::Apply { config, .. } => vec![config],
            Self::Both(both) => both.iter_mut().map(|(config, _)| config).collect(),
            Self::Person(_) | Self::Stale { .. } | Self::Strays(_) => Vec::new(),
        }
    }
}

/// A run, and what befalls it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Disturbed {
    pub(crate) ask: Ask,
    #[serde(with = "kept::faults")]
    pub(crate) faults: Vec<Fault>,
    pub(crate) cut: Cut,
    /// Before which of the changing requests a person does something.
    pub(crate) deed: Option<(usize, Deed)>,
    /// By how much the clock is wrong, in milliseconds.
    pub(crate) skew: i64,
    /// How often it is read before somebody sets it so.
    pub(crate) right_for: u64,
    pub(crate) parallelism: usize,
    /// Whether a crash comes in the middle of a line of the journal.
    pub(crate) tears: bool,
    /// Whether a request that was under way at the crash arrives.
    pub(crate) arrives: bool,
    /// How long nothing happens before.
    pub(crate) pause: Duration,
    /// What a person does when it has ended.
    pub(crate) after: Option<Deed>,
    /// Whether somebody else begins a run of the same stack meanwhile.
    pub(crate) again: bool,
}

/// What the run is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
            right_for: 0,
            after: None,
            again: false,
        }
    }
}

/// Beside what the simulator lists for all requests and objects: what it can do to one thing alone and a run must get over by
/// itself, and other forms of what is listed.
const MORE: [(Befalls, &str); 8] = [
    (Befalls::Request, "throttle=3"),
    (Befalls::Request, "error-before=500"),
    (Befalls::Request, "error-after=502"),
    (Befalls::Request, "refuse=3000"),
    (Befalls::Object, "action-leaves-off"),
    (Befalls::Object, "action-slow=90000"),
    (Befalls::Object, "hidden=8000"),
    (Befalls::Object, "action-missing=5"),
];

/// What goes wrong, by what it befalls.
fn faults(of: Befalls) -> Vec<&'static str> {
    // An answer that trickles costs real time, and nothing here may. That something is not there which is, once it was asked to go,
    // nobody can get over.
    let not_here = |text: &str| text.starts_with("trickle") || text == "error-before=404";
    let all = EVERY_FAULT.iter().chain(&MORE).filter(|(befalls, text)| *befalls == of && !not_here(text));
    all.map(|(_, text)| *text).collect()
}

/// To which requests a fault of what they make comes.
fn place_of(what: &str) -> &'static str {
    match what.split('=').next().unwrap_or_default() {
        "late-address" | "late-tags" | "vanish" => "POST /v2/droplets",
        "lingering-members" => "DELETE /v2/droplets/*",
        "pending-event" => "POST /v2/**",
        word if word.starts_with("action-") => "POST /v2/*/*/actions",
        _ => "POST /v2/*",
    }
}

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
    let kinds = FAMILIES.iter().map(|family| ("made", family.kinds[0].trim_start_matches("digitalocean_").to_owned()));
    let makes = FAMILIES.iter().filter(|family| family.made_by_hand.is_some()).map(|family| ("person", format!("makes {}", family.label)));
    let harms = HARMS.into_iter().map(|harm| ("person", harm.word()));
    let asks = ["target", "exclude", "replace", "refreshonly", "withoutrefresh", "destroy", "keepgoing"];
    [
        named("fault", &faults(Befalls::Request)),
        named("fault", &faults(Befalls::Object)),
        named("wire", &["refused"]),
        named("ask", &asks),
        named("cut", &["before", "after", "under", "stop", "told", "woken", "arrives after", "torn line"]),
        named("answer", &["this one", "none"]),
        named("step", &["moved", "removed", "import"]),
        named("clock", &["ahead", "behind", "jumps"]),
        named("stale state", &["asked"]),
        named("at once", &["two stacks", "the same stack"]),
        named("strays", &["none"]),
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
    at_once: bool,
    /// Whether time passes in the account: where it does not, what is slow never ends.
    has_time: bool,
    sorts: Vec<&'static str>,
    steps: Steps,
}

impl Script {
    /// How time passes in the account.
    pub(crate) fn clock(&self) -> ClockMode {
        let span = |first: u64, last: u64| [first, last].map(Duration::from_secs);
        let drawn = ClockMode::Drawn { request: Duration::ZERO, droplet: span(2, 60), action: span(1, 20), seed: self.seed };
        self.looks.map_or(drawn, |looks| ClockMode::Explicit { looks })
    }

    pub(crate) fn rate(&self) -> Option<Rate> {
        self.per_minute.map(|per_minute| Rate { per_minute, ..Rate::default() })
    }

    pub(crate) fn drawn(seed: u64) -> Self {
        let rng = &Rng::seeded(seed.wrapping_mul(0x9E37_79B9).wrapping_add(77));
        let number = |below: u64| u32::try_from(rng.below(below)).expect("it is small");
        let looks = chance(rng, 40).then(|| number(3));
        let features = Features {
            has_time: looks.is_none(),
            of_requests: chance(rng, 85),
            of_objects: chance(rng, 70),
            cuts: chance(rng, 80),
            makes: chance(rng, 45),
            harms: chance(rng, 45),
            asks: chance(rng, 50),
            skews: chance(rng, 30),
            stale: chance(rng, 20),
            at_once: chance(rng, 40),
            sorts: some_sorts(rng),
            steps: Steps { moves: chance(rng, 50), forgets: chance(rng, 60) },
        };
        let per_minute = chance(rng, 25).then(|| 60 + number(190));
        let second = chance(rng, 50);
        let mut web = Config::random(rng, "web", &features.sorts, 45);
        let mut shop = Config::random(rng, "shop", &features.sorts, 25);
        let mut steps = Vec::new();
        for turn in 0..2 + small(rng, 4) {
            let is_of_both = second && (turn == 0 || chance(rng, 40));
            if is_of_both && features.at_once {
                steps.push(Step::Both([&web, &shop].map(|config| (config.clone(), features.runs(rng, config)))));
            } else {
                features.apply(rng, &web, &mut steps);
            }
            if is_of_both && !features.at_once {
                features.apply(rng, &shop, &mut steps);
            }
            if is_of_both {
                shop = shop.changed(rng, &features.sorts, features.steps);
            }
            if chance(rng, 10) {
                steps.push(Step::Strays("web"));
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
        Self { seed, looks, per_minute, apart: chance(rng, 50), remembers: chance(rng, 50), steps }
    }
}

impl Features {
    fn apply(&self, rng: &Rng, config: &Config, steps: &mut Vec<Step>) {
        steps.push(Step::Apply { config: config.clone(), runs: self.runs(rng, config) });
    }

    fn runs(&self, rng: &Rng, config: &Config) -> Vec<Disturbed> {
        (0..small(rng, 4)).map(|_| self.disturbed(rng, config)).collect()
    }

    fn disturbed(&self, rng: &Rng, config: &Config) -> Disturbed {
        let cut = self.cut(rng);
        let hour = 3_600_000;
        let mut run = Disturbed {
            ask: self.ask(rng),
            faults: self.faults(rng),
            cut,
            deed: if chance(rng, 40) { self.deed(rng, config).map(|deed| (1 + small(rng, 8), deed)) } else { None },
            skew: if self.skews && chance(rng, 60) { pick(rng, &[-hour, -90_000, -1_000, 2_000, 90_000, 2 * hour]) } else { 0 },
            right_for: if chance(rng, 50) { rng.below(200) } else { 0 },
            parallelism: pick(rng, &[1, 3, 10, 10]),
            tears: chance(rng, 20),
            arrives: chance(rng, 60),
            pause: Duration::from_secs(pick(rng, &[0, 1, 20, 600])),
            after: None,
            again: chance(rng, 5),
        };
        // What a lost request was to make, somebody else makes.
        if self.makes && matches!(cut, Cut::Under(_)) && chance(rng, 50) {
            run.arrives = false;
            run.after = self.same(rng, config);
        }
        run
    }

    fn faults(&self, rng: &Rng) -> Vec<Fault> {
        let mut all = Vec::new();
        for _ in 0..1 + rng.below(4) {
            let count = if chance(rng, 25) { 2 } else { 1 };
            let text = if self.of_objects && chance(rng, 40) {
                let what = pick(rng, &faults(Befalls::Object));
                format!("{}#{}x{count} {what}", place_of(what), 1 + rng.below(2))
            } else if self.of_requests {
                format!("{}#{}x{count} {}", pick(rng, &PLACES), 1 + rng.below(6), pick(rng, &faults(Befalls::Request)))
            } else {
                continue;
            };
            all.push(text.parse().expect("a fault"));
        }
        all.retain(|fault: &Fault| self.has_time || !matches!(fault.what, FaultKind::ActionSlow { .. }));
        all
    }

    fn cut(&self, rng: &Rng) -> Cut {
        let nth = 1 + small(rng, 12);
        match rng.below(9) {
            _ if !self.cuts => Cut::Never,
            0 => Cut::Before(1 + small(rng, 60)),
            1 | 2 => Cut::After(nth),
            3 | 4 => Cut::Under(nth),
            5 => Cut::Stop(nth),
            6 => Cut::Told(nth),
            7 => Cut::Woken(1 + small(rng, 400)),
            _ => Cut::Never,
        }
    }

    fn ask(&self, rng: &Rng) -> Ask {
        let of = small(rng, 8);
        match rng.below(14) {
            _ if !self.asks => Ask::Whole,
            0 => Ask::Target(of),
            1 => Ask::Exclude(of),
            2 => Ask::Replace(of),
            3 => Ask::RefreshOnly,
            4 => Ask::WithoutRefresh,
            5 => Ask::Destroy,
            6 => Ask::KeepGoing,
            _ => Ask::Whole,
        }
    }

    /// Somebody makes the same as something that is wanted.
    fn same(&self, rng: &Rng, config: &Config) -> Option<Deed> {
        let made = FAMILIES.iter().filter(|family| family.made_by_hand.is_some());
        let all: Vec<_> = made.flat_map(|family| config.names(family).map(move |name| (family.label, name))).collect();
        let (family, name) = all.get(small(rng, all.len().max(1) as u64))?.clone();
        Some(Deed::Makes { family, name })
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
