//! Faults: which, when, and how often.
//!
//! Invariant: a fault is data; whether it fires depends only on the requests that came before. `world` bends objects,
//! `server` cuts lines. Text form, one a line: `METHOD PATTERN[#NTH][xCOUNT] WHAT[=ARGUMENT]`, for example
//! `POST /v2/droplets#2 reset-after` or `GET /v2/actions/*x3 error-before=503`. `*` stands for one part of the path or any
//! method, `**` for the rest of it; a count of `0` means for ever.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::wire::Delivery;

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// To which requests.
    pub when: Matcher,
    /// Which kind of fault.
    pub what: FaultKind,
}

/// Which requests a fault befalls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    /// `GET`, … or `*`.
    pub method: String,
    /// The path, with `*` for one part and `**` for the rest.
    pub path: String,
    /// The first of the matching requests that it befalls, from 1.
    pub nth: u32,
    /// How many in a row; 0 is for ever.
    pub count: u32,
}

/// The faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The request is answered; then nothing listens for so many milliseconds and open lines are closed.
    Refuse {
        /// Milliseconds.
        millis: u64,
    },
    /// 429, with `retry-after` if there are seconds.
    Throttle {
        /// Seconds.
        retry_after: Option<u64>,
    },
    /// A 5xx (or any status) and no effect.
    ErrorBefore {
        /// The status.
        status: u16,
    },
    /// A 5xx (or any status) although it took effect.
    ErrorAfter {
        /// The status.
        status: u16,
    },
    /// The line is reset, no effect.
    ResetBefore,
    /// The line is reset after it took effect.
    ResetAfter,
    /// The line is closed in good order without an answer, no effect.
    CloseBefore,
    /// The line is closed in good order after it took effect, without an answer.
    CloseAfter,
    /// A page of HTML with status 200, as something in between sends it; no effect.
    PageBefore,
    /// The same although it took effect.
    PageAfter,
    /// Half of the answer.
    Truncate,
    /// An answer that is no JSON.
    Garble,
    /// No answer, no effect.
    NeverBefore,
    /// No answer after it took effect.
    NeverAfter,
    /// The answer byte by byte.
    Trickle {
        /// Milliseconds between two bytes.
        millis: u64,
    },
    /// 401 although the token is good.
    Unauthorized,
    /// The action that this request begins ends as `errored`, without effect.
    ActionErrored,
    /// The action that this request begins ends as `errored`, and leaves its droplet switched off.
    ActionLeavesOff,
    /// The action that this request begins takes so long, whatever is set for others.
    ActionSlow {
        /// Milliseconds of the world's time.
        millis: u64,
    },
    /// The action that this request begins does not end by itself.
    ActionHangs,
    /// The action that this request begins is 404 at first.
    ActionMissing {
        /// For so many looks.
        looks: u32,
    },
    /// The action that this request begins shows this word instead of `completed`.
    ActionWord {
        /// The word.
        word: String,
    },
    /// The droplet that this request makes is active before its public address can be read.
    LateAddress {
        /// For so many looks.
        looks: u32,
    },
    /// The droplet that this request makes shows no tags, and is not found by them, at first.
    LateTags {
        /// For so many looks.
        looks: u32,
    },
    /// The object that this request creates is missing from lists at first.
    LaggingList {
        /// For so many lists.
        looks: u32,
    },
    /// The object that this request creates is missing from lists for so long by the system's clock, whatever the world's time.
    Hidden {
        /// Milliseconds.
        millis: u64,
    },
    /// The list is answered as if it were empty.
    EmptyList,
    /// The object that this request creates is 404 at first.
    LateGet {
        /// For so many looks.
        looks: u32,
    },
    /// The droplet that this request makes has another event pending once it is active. A request that makes no droplet is
    /// refused with the words for a pending event.
    PendingEvent {
        /// For so many looks.
        looks: u32,
    },
    /// The droplet that this request deletes stays a member of its VPC.
    LingeringMembers {
        /// For so many looks at the members.
        looks: u32,
    },
    /// The droplet that this request makes disappears while it is new.
    Vanish,
    /// The server of a pair that this request makes joins late.
    LateJoin {
        /// After so many looks at its health.
        looks: u32,
    },
    /// The server of a pair that this request makes never joins.
    StuckBoot,
    /// The droplet that this request makes comes to lie on the physical server of all others that do so.
    SharedServer,
}

/// The requests that a sort of fault befalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Befalls {
    /// Any request: it is refused, or its answer is lost or spoilt.
    Request,
    /// The object that a changing request creates, changes or deletes.
    Object,
    /// One thing alone, of which tests of its own tell.
    Special,
}

/// A fault of every sort, some in more than one form; walks go through them in this order.
pub const EVERY_FAULT: &[(Befalls, &str)] = &[
    (Befalls::Request, "refuse=20"),
    (Befalls::Request, "throttle"),
    (Befalls::Request, "throttle=2"),
    (Befalls::Request, "error-before=503"),
    (Befalls::Request, "error-before=404"),
    (Befalls::Request, "error-after=500"),
    (Befalls::Request, "reset-before"),
    (Befalls::Request, "reset-after"),
    (Befalls::Request, "close-before"),
    (Befalls::Request, "close-after"),
    (Befalls::Request, "page-before"),
    (Befalls::Request, "page-after"),
    (Befalls::Request, "truncate"),
    (Befalls::Request, "garble"),
    (Befalls::Request, "never-before"),
    (Befalls::Request, "never-after"),
    (Befalls::Request, "trickle=1"),
    (Befalls::Request, "unauthorized"),
    (Befalls::Object, "action-errored"),
    (Befalls::Object, "action-missing=2"),
    (Befalls::Object, "action-word=finished"),
    (Befalls::Object, "late-address=2"),
    (Befalls::Object, "late-tags=2"),
    (Befalls::Object, "lagging-list=2"),
    (Befalls::Object, "late-get=2"),
    (Befalls::Object, "pending-event=2"),
    (Befalls::Object, "lingering-members=2"),
    (Befalls::Object, "vanish"),
    (Befalls::Special, "action-leaves-off"),
    (Befalls::Special, "action-slow=9"),
    (Befalls::Special, "action-hangs"),
    (Befalls::Special, "hidden=40"),
    (Befalls::Special, "empty-list"),
    (Befalls::Special, "late-join=2"),
    (Befalls::Special, "stuck-boot"),
    (Befalls::Special, "shared-server"),
];

/// A fault text that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a valid fault: {why}. Write METHOD PATH[#NTH][xCOUNT] WHAT[=ARGUMENT], for example `POST /v2/droplets#2 reset-after`"
)]
pub struct BadFault {
    text: String,
    why: String,
}

impl Matcher {
    fn fits(&self, method: &str, path: &str) -> bool {
        (self.method == "*" || self.method == method) && path_fits(&self.path, path)
    }
}

fn path_fits(pattern: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    for want in pattern.split('/') {
        match (want, parts.next()) {
            ("**", _) => return true,
            ("*", Some(_)) => {}
            (want, Some(part)) if want == part => {}
            _ => return false,
        }
    }
    parts.next().is_none()
}

impl FaultKind {
    /// How the answer is delivered.
    pub(super) fn wire(&self) -> Delivery {
        match self {
            Self::Refuse { millis } => Delivery::Refuse(Duration::from_millis(*millis)),
            Self::ResetBefore | Self::ResetAfter => Delivery::Reset,
            Self::CloseBefore | Self::CloseAfter => Delivery::Close,
            Self::PageBefore | Self::PageAfter => Delivery::Page,
            Self::Truncate => Delivery::Truncated,
            Self::Garble => Delivery::Garbled,
            Self::NeverBefore | Self::NeverAfter => Delivery::Never,
            Self::Trickle { millis } => Delivery::Trickle(Duration::from_millis(*millis)),
            _ => Delivery::Whole,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Refuse { .. } => "refuse",
            Self::Throttle { .. } => "throttle",
            Self::ErrorBefore { .. } => "error-before",
            Self::ErrorAfter { .. } => "error-after",
            Self::ResetBefore => "reset-before",
            Self::ResetAfter => "reset-after",
            Self::CloseBefore => "close-before",
            Self::CloseAfter => "close-after",
            Self::PageBefore => "page-before",
            Self::PageAfter => "page-after",
            Self::Truncate => "truncate",
            Self::Garble => "garble",
            Self::NeverBefore => "never-before",
            Self::NeverAfter => "never-after",
            Self::Trickle { .. } => "trickle",
            Self::Unauthorized => "unauthorized",
            Self::ActionErrored => "action-errored",
            Self::ActionLeavesOff => "action-leaves-off",
            Self::ActionSlow { .. } => "action-slow",
            Self::ActionHangs => "action-hangs",
            Self::ActionMissing { .. } => "action-missing",
            Self::ActionWord { .. } => "action-word",
            Self::LateAddress { .. } => "late-address",
            Self::LateTags { .. } => "late-tags",
            Self::LaggingList { .. } => "lagging-list",
            Self::Hidden { .. } => "hidden",
            Self::EmptyList => "empty-list",
            Self::LateGet { .. } => "late-get",
            Self::PendingEvent { .. } => "pending-event",
            Self::LingeringMembers { .. } => "lingering-members",
            Self::Vanish => "vanish",
            Self::LateJoin { .. } => "late-join",
            Self::StuckBoot => "stuck-boot",
            Self::SharedServer => "shared-server",
        }
    }

    fn argument(&self) -> Option<String> {
        match self {
            Self::Refuse { millis } | Self::Trickle { millis } | Self::Hidden { millis } | Self::ActionSlow { millis } => {
                Some(millis.to_string())
            }
            Self::Throttle { retry_after } => retry_after.map(|seconds| seconds.to_string()),
            Self::ErrorBefore { status } | Self::ErrorAfter { status } => Some(status.to_string()),
            Self::ActionWord { word } => Some(word.clone()),
            Self::ActionMissing { looks }
            | Self::LateAddress { looks }
            | Self::LateTags { looks }
            | Self::LaggingList { looks }
            | Self::LateGet { looks }
            | Self::PendingEvent { looks }
            | Self::LingeringMembers { looks }
            | Self::LateJoin { looks } => Some(looks.to_string()),
            _ => None,
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.argument() {
            Some(argument) => write!(f, "{}={argument}", self.name()),
            None => f.write_str(self.name()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Matcher { method, path, nth, count } = &self.when;
        write!(f, "{method} {path}#{nth}x{count} {}", self.what)
    }
}

impl FromStr for Fault {
    type Err = BadFault;

    fn from_str(text: &str) -> Result<Self, BadFault> {
        let bad = |why: &str| BadFault { text: text.to_owned(), why: why.to_owned() };
        let words: Vec<&str> = text.split_whitespace().collect();
        let [method, place, what] = words.as_slice() else {
            return Err(bad("it must have three words"));
        };
        let when = matcher(method, place).ok_or_else(|| bad("the second word must be a path with an optional #NTH and xCOUNT"))?;
        let (name, argument) = what.split_once('=').map_or((*what, None), |(name, argument)| (name, Some(argument)));
        let number = |default: u64| match argument {
            None => Ok(default),
            Some(text) => text.parse::<u64>().map_err(|_| bad("the argument must be a number")),
        };
        let looks = || number(1).map(|looks| u32::try_from(looks).unwrap_or(u32::MAX));
        let status = || u16::try_from(number(500)?).ok().filter(|status| (200..600).contains(status)).ok_or_else(|| bad("no HTTP status"));
        let what = match name {
            "refuse" => FaultKind::Refuse { millis: number(200)? },
            "throttle" => FaultKind::Throttle { retry_after: argument.map(|_| number(1)).transpose()? },
            "error-before" => FaultKind::ErrorBefore { status: status()? },
            "error-after" => FaultKind::ErrorAfter { status: status()? },
            "reset-before" => FaultKind::ResetBefore,
            "reset-after" => FaultKind::ResetAfter,
            "close-before" => FaultKind::CloseBefore,
            "close-after" => FaultKind::CloseAfter,
            "page-before" => FaultKind::PageBefore,
            "page-after" => FaultKind::PageAfter,
            "truncate" => FaultKind::Truncate,
            "garble" => FaultKind::Garble,
            "never-before" => FaultKind::NeverBefore,
            "never-after" => FaultKind::NeverAfter,
            "trickle" => FaultKind::Trickle { millis: number(50)? },
            "unauthorized" => FaultKind::Unauthorized,
            "action-errored" => FaultKind::ActionErrored,
            "action-leaves-off" => FaultKind::ActionLeavesOff,
            "action-slow" => FaultKind::ActionSlow { millis: number(10_000)? },
            "action-hangs" => FaultKind::ActionHangs,
            "action-missing" => FaultKind::ActionMissing { looks: looks()? },
            "action-word" => FaultKind::ActionWord { word: argument.unwrap_or("done").to_owned() },
            "late-address" => FaultKind::LateAddress { looks: looks()? },
            "late-tags" => FaultKind::LateTags { looks: looks()? },
            "lagging-list" => FaultKind::LaggingList { looks: looks()? },
            "hidden" => FaultKind::Hidden { millis: number(5000)? },
            "empty-list" => FaultKind::EmptyList,
            "late-get" => FaultKind::LateGet { looks: looks()? },
            "pending-event" => FaultKind::PendingEvent { looks: looks()? },
            "lingering-members" => FaultKind::LingeringMembers { looks: looks()? },
            "vanish" => FaultKind::Vanish,
            "late-join" => FaultKind::LateJoin { looks: looks()? },
            "stuck-boot" => FaultKind::StuckBoot,
            "shared-server" => FaultKind::SharedServer,
            _ => return Err(bad("nobody knows what the third word means")),
        };
        Ok(Self { when, what })
    }
}

fn matcher(method: &str, place: &str) -> Option<Matcher> {
    let split_number = |text: &str, mark: char| -> (String, Option<u32>) {
        match text.rsplit_once(mark) {
            Some((before, digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                (before.to_owned(), digits.parse().ok())
            }
            _ => (text.to_owned(), None),
        }
    };
    let (place, count) = split_number(place, 'x');
    let (path, nth) = split_number(&place, '#');
    path.starts_with('/').then(|| Matcher {
        method: method.to_ascii_uppercase(),
        path,
        nth: nth.unwrap_or(1).max(1),
        count: count.unwrap_or(1),
    })
}

/// The faults that are set, and how often each has been met.
#[derive(Clone, Debug, Default)]
pub(super) struct ArmedFaults(Vec<(Fault, u32)>);

impl ArmedFaults {
    pub(super) fn new(faults: &[Fault]) -> Self {
        Self(faults.iter().map(|fault| (fault.clone(), 0)).collect())
    }

    /// The faults that befall this request.
    pub(super) fn spring(&mut self, method: &str, path: &str) -> Vec<FaultKind> {
        let mut triggered = Vec::new();
        for (fault, seen) in &mut self.0 {
            if !fault.when.fits(method, path) {
                continue;
            }
            *seen += 1;
            let since = seen.checked_sub(fault.when.nth);
            if since.is_some_and(|since| fault.when.count == 0 || since < fault.when.count) {
                triggered.push(fault.what.clone());
            }
        }
        triggered
    }

    /// The faults that are set.
    pub(super) fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter().map(|(fault, _)| fault)
    }

    /// Those that have befallen a request.
    pub(super) fn met(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter().filter(|(fault, seen)| *seen >= fault.when.nth).map(|(fault, _)| fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fires(fault: &str, requests: &[&str]) -> Vec<bool> {
        let mut trap = ArmedFaults::new(&[fault.parse().unwrap()]);
        requests
            .iter()
            .map(|request| {
                let (method, path) = request.split_once(' ').unwrap();
                !trap.spring(method, path).is_empty()
            })
            .collect()
    }

    #[test]
    fn the_nth_and_the_count_are_kept() {
        let three = ["POST /v2/droplets", "GET /v2/droplets", "POST /v2/droplets", "POST /v2/droplets"];
        assert_eq!(fires("POST /v2/droplets reset-after", &three), [true, false, false, false]);
        assert_eq!(fires("POST /v2/droplets#2 reset-after", &three), [false, false, true, false]);
        assert_eq!(fires("POST /v2/droplets#2x0 reset-after", &three), [false, false, true, true]);
    }

    #[test]
    fn stars_stand_for_parts() {
        let requests = ["GET /v2/droplets/1", "GET /v2/droplets/1/actions", "DELETE /v2/droplets"];
        assert_eq!(fires("GET /v2/droplets/*x0 garble", &requests), [true, false, false]);
        assert_eq!(fires("* /v2/droplets/**x0 garble", &requests), [true, true, true]);
    }

    #[test]
    fn every_fault_survives_its_text() {
        for (_, text) in EVERY_FAULT {
            let fault: Fault = format!("POST /v2/droplets#1x1 {text}").parse().unwrap();
            assert_eq!(fault.to_string(), format!("POST /v2/droplets#1x1 {text}"));
        }
    }

    #[test]
    fn every_sort_of_fault_is_in_the_table() {
        let names = include_str!("faults.rs").split("fn name(").nth(1).unwrap().split("fn argument(").next().unwrap();
        let names: Vec<&str> = names.lines().filter_map(|line| line.split("=> \"").nth(1)?.split('"').next()).collect();
        assert!(names.contains(&"vanish") && names.len() > 30, "{names:?}");
        for name in names {
            assert!(EVERY_FAULT.iter().any(|(_, text)| text.split('=').next() == Some(name)), "{name}");
        }
    }

    #[test]
    fn a_bad_text_says_why() {
        for text in ["", "POST droplets vanish", "POST /v2 explode", "POST /v2 error-before=9", "POST /v2 late-get=x"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
