//! How the servers of a pair are, as they tell it themselves, and waiting until they are well.
//!
//! Invariant: reads only; a server that says nothing is not taken for dead. Who may be taken down is decided here: never the one
//! that serves while another could not take over.

use std::collections::BTreeSet;

use serde::Deserialize;

use futures_util::future::join_all;

use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_api::wait::Poll;
use dofloat_api::watching;
use dofloat_base::desired::Watch;

/// The health report of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Health {
    /// Where its first boot stands; `done` at its end.
    pub phase: String,
    /// How many phases are done.
    pub step: u64,
    /// Of how many.
    pub steps: u64,
    /// Why it is stuck.
    pub error: Option<String>,
    /// Whether it has given up its first boot for that.
    pub stopped: bool,
    /// Deviations from the request that do no harm.
    pub notes: Vec<String>,
    /// The error of its last API request.
    pub api_error: Option<String>,
    /// Why a lost peer is not taken out of service yet, or that one is off that no server has switched off.
    pub fencing: Option<String>,
    /// Its links to the others.
    pub links: Vec<Link>,
    /// Deviations of the pair's configuration.
    pub configuration: Configuration,
    /// Whether the third vote counts, `votes` or `lost`; nothing where there is none.
    pub arbiter: Option<String>,
    /// The servers that it sees.
    pub members: Vec<String>,
    /// Those that it should see.
    pub expected: Vec<String>,
    /// Whether it may act.
    pub quorum: bool,
    /// The resources of the pair.
    pub resources: Vec<Resource>,
    /// The errors.
    pub failures: Vec<Failure>,
    /// The server that serves, as the pair says.
    pub holder: Option<String>,
    /// Whether the address is at this server.
    pub holds: bool,
    /// The last lines of its log.
    pub log: Vec<String>,
    /// Whether it is played.
    pub simulated: bool,
}

/// How a server sees another over one network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Link {
    /// The other.
    pub node: String,
    /// `private` or `public`.
    pub network: String,
    /// Whether it is up.
    pub connected: bool,
}

/// The deviations of a pair's configuration, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Configuration {
    /// Changed by hand, and left as it is.
    pub hand: Vec<String>,
    /// Yet to be applied by the servers.
    pub behind: Vec<String>,
}

/// Something that runs in a pair.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Resource {
    /// Its name.
    pub name: String,
    /// Started, Stopped, ….
    pub role: String,
    /// Where.
    pub node: Option<String>,
    /// Whether it failed.
    pub failed: bool,
}

/// An operation that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Failure {
    /// Which.
    pub operation: String,
    /// Where.
    pub node: String,
    /// The agent's answer.
    pub answer: String,
    /// Its reason.
    pub reason: String,
}

/// The observation of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Its report.
    Told(Box<Health>),
    /// Why nothing was heard of it.
    Silent(String),
}

/// How a pair is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its servers, by name, in their order.
    pub nodes: Vec<(String, Seen)>,
    /// Whether the address answers, and if not, why.
    pub address: Result<(), String>,
}

/// The awaited condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// All servers have joined, and the address answers.
    Serving,
    /// That, and no server has anything to complain about.
    Whole,
    /// This server may be taken down.
    MayLeave(String),
}

/// Looks once.
pub async fn read(api: &Client, watch: &Watch) -> Report {
    let nodes = join_all(watch.nodes.iter().map(|(name, address)| async move {
        let seen = match address {
            None => Seen::Silent("it has no public address yet".to_owned()),
            Some(address) => match api.probe(&format!("http://{address}{}", watch.place)).await {
                Ok(text) => match serde_json::from_str::<Health>(&text) {
                    Ok(health) => Seen::Told(Box::new(health)),
                    Err(_) => Seen::Silent("its health report cannot be parsed".to_owned()),
                },
                Err(why) => Seen::Silent(why),
            },
        };
        (name.clone(), seen)
    }))
    .await;
    let held = nodes.iter().any(|(_, seen)| matches!(seen, Seen::Told(health) if health.holds));
    let address = match (&watch.address, watch.serves) {
        (None, _) => Err("it does not exist yet".to_owned()),
        (Some(address), true) => api.probe(&format!("http://{address}/")).await.map(|_| ()),
        (Some(_), false) if held => Ok(()),
        (Some(_), false) => Err("no node holds it".to_owned()),
    };
    Report { nodes, address }
}

/// Waits until a pair is as it should be.
///
/// # Errors
/// At the limit, or when a server that is waited for has given up, with what was seen last.
pub async fn wait(api: &Client, watch: &Watch, goal: &Goal) -> Result<(), ApiError> {
    let (sort, what) = match goal {
        Goal::Serving => ("pair serving", format!("both nodes of {} to join and its address to answer", watch.pair)),
        Goal::Whole => ("pair whole", format!("both nodes of {} to be well", watch.pair)),
        Goal::MayLeave(name) => ("pair takeover", format!("the other node of {} to be ready to take over from {name}", watch.pair)),
    };
    let what = what.as_str();
    let once = || async {
        let report = read(api, watch).await;
        let reached = match goal {
            Goal::Serving => report.serves(),
            Goal::Whole => report.is_whole(),
            Goal::MayLeave(name) => report.may_leave(name),
        };
        if !reached && report.is_hopeless(goal) {
            return Err(ApiError::Unsettled { what: format!("gave up waiting for {what}: {}", report.complaint()) });
        }
        Ok(if reached { Poll::Ready(()) } else { Poll::Pending(report.complaint()) })
    };
    api.wait_freely(watching::Goal { what, sort, limit: watch.limit }, once).await
}

impl Health {
    /// Whether it is a full member of its pair.
    #[must_use]
    pub fn joined(&self) -> bool {
        self.phase == "done" && self.error.is_none() && self.quorum && self.expected.iter().all(|name| self.members.contains(name))
    }

    /// The problem in a few words; none if it is healthy.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let mut parts = Vec::new();
        if self.phase != "done" {
            parts.push(format!("it is in phase {} ({} of {} done)", self.phase, self.step, self.steps));
        } else if !self.joined() {
            parts.push(match (&self.error, self.quorum) {
                (None, true) => format!("it sees {} of {} nodes", self.members.len(), self.expected.len()),
                (None, false) => "it has no quorum".to_owned(),
                (Some(_), _) => "it has an error".to_owned(),
            });
        }
        parts.extend(self.error.iter().chain(&self.api_error).chain(&self.fencing).cloned());
        // Of one that is not seen at all more is said already.
        let cut = self.links.iter().filter(|link| !link.connected && self.members.contains(&link.node));
        parts.extend(cut.map(|link| format!("its {} link to {} is down", link.network, link.node)));
        if self.phase == "done" && self.arbiter.as_deref() == Some("lost") {
            parts.push("it continues without the arbiter, which it cannot reach".to_owned());
        }
        parts.extend(self.failures.iter().map(|failure| format!("{} failed on {}: {}", failure.operation, failure.node, failure.reason)));
        if !parts.is_empty() && !self.log.is_empty() {
            parts.push(format!("the end of its log is: {}", self.log.join(" / ")));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

impl Report {
    /// Whether all servers have joined and the address answers.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.address.is_ok() && self.nodes.iter().all(|(_, seen)| matches!(seen, Seen::Told(health) if health.joined()))
    }

    /// Whether it serves, and nothing else is wrong with any of the servers.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.serves() && self.without_fencing().complaint().is_empty()
    }

    /// Without what servers say of a peer that was off: they say so for minutes after it has come back, and who has joined is on.
    #[must_use]
    pub fn without_fencing(&self) -> Self {
        let mut now = self.clone();
        for (_, seen) in &mut now.nodes {
            if let Seen::Told(health) = seen {
                health.fencing = None;
            }
        }
        now
    }

    /// The deviations of the configuration that any of the servers reports.
    #[must_use]
    pub fn altered(&self) -> Configuration {
        let told =
            || self.nodes.iter().filter_map(|(_, seen)| if let Seen::Told(health) = seen { Some(&health.configuration) } else { None });
        let all =
            |names: fn(&Configuration) -> &Vec<String>| told().flat_map(names).cloned().collect::<BTreeSet<_>>().into_iter().collect();
        Configuration { hand: all(|of| &of.hand), behind: all(|of| &of.behind) }
    }

    /// Whether some server could take the address.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.nodes.iter().any(|(_, seen)| matches!(seen, Seen::Told(health) if health.phase == "done" && health.error.is_none()))
    }

    /// Whether a server may be taken down: the others are there, or it is out of service anyway by its own word.
    #[must_use]
    pub fn may_leave(&self, name: &str) -> bool {
        let idle = |health: &Health| !health.holds && (health.phase != "done" || health.error.is_some());
        let (mut own, mut others) = (false, true);
        for (node, seen) in &self.nodes {
            match seen {
                Seen::Told(health) if node == name => own = idle(health),
                Seen::Told(health) => others &= health.phase == "done" && health.error.is_none() && health.quorum,
                Seen::Silent(_) if node == name => {}
                Seen::Silent(_) => others = false,
            }
        }
        others && self.address.is_ok() || own
    }

    /// Why a server could not take the address now; nothing if it could. `serves` says whether something is to run there besides.
    #[must_use]
    pub fn unready(&self, name: &str, serves: bool) -> Option<String> {
        let health = match self.nodes.iter().find(|(node, _)| node == name) {
            Some((_, Seen::Told(health))) => health,
            Some((_, Seen::Silent(why))) => return Some(format!("it does not report: {why}")),
            None => return Some("it is not a node of the pair".to_owned()),
        };
        if !health.joined() {
            return Some(health.complaint().unwrap_or_else(|| "it has not joined".to_owned()));
        }
        if let Some(why) = &health.api_error {
            return Some(format!("it could not ask for the address: {why}"));
        }
        let stuck = |failure: &&Failure| failure.node == name && failure.operation.starts_with("FloatIP_start");
        if let Some(failure) = health.failures.iter().find(stuck) {
            return Some(format!(
                "{} failed there: {}; `crm resource cleanup FloatIP` on a node forgets that",
                failure.operation, failure.reason
            ));
        }
        let runs = |resource: &Resource| {
            resource.name.starts_with("Nginx") && resource.role == "Started" && resource.node.as_deref() == Some(name) && !resource.failed
        };
        let idle = serves && !health.simulated && !health.resources.iter().any(runs);
        idle.then(|| "the service does not run there; it may be in standby".to_owned())
    }

    /// Whether a server sees the other over a second network, too.
    #[must_use]
    pub fn has_second_link(&self, name: &str) -> bool {
        let public = |link: &Link| link.network == "public" && link.connected;
        self.nodes.iter().any(|(node, seen)| node == name && matches!(seen, Seen::Told(health) if health.links.iter().any(public)))
    }

    /// Whether a server does not see another any more.
    #[must_use]
    pub fn has_lost(&self, name: &str, other: &str) -> bool {
        let lost = |health: &Health| !health.members.is_empty() && !health.members.iter().any(|member| member == other);
        self.nodes.iter().any(|(node, seen)| node == name && matches!(seen, Seen::Told(health) if lost(health)))
    }

    /// Whether a server is played and no real one.
    #[must_use]
    pub fn is_played(&self, name: &str) -> bool {
        self.nodes.iter().any(|(node, seen)| node == name && matches!(seen, Seen::Told(health) if health.simulated))
    }

    /// The server at which the pair has the address, where all that tell say the same.
    #[must_use]
    pub fn agreed_holder(&self) -> Option<&str> {
        let mut told =
            self.nodes.iter().filter_map(|(_, seen)| if let Seen::Told(health) = seen { health.holder.as_deref() } else { None });
        let first = told.next()?;
        told.all(|holder| holder == first).then_some(first)
    }

    /// Whether a server that is waited for has given up, so that waiting is of no use.
    #[must_use]
    pub fn is_hopeless(&self, goal: &Goal) -> bool {
        let waited_for = |name: &String| !matches!(goal, Goal::MayLeave(leaving) if leaving == name);
        self.nodes.iter().any(|(name, seen)| waited_for(name) && matches!(seen, Seen::Told(health) if health.stopped))
    }

    /// Who is not well, and why.
    #[must_use]
    pub fn complaint(&self) -> String {
        let of = |(name, seen): &(String, Seen)| match seen {
            Seen::Told(health) => health.complaint().map(|why| format!("{name}: {why}")),
            Seen::Silent(why) => Some(format!("{name}: it does not report: {why}")),
        };
        let mut parts: Vec<String> = self.nodes.iter().filter_map(of).collect();
        parts.extend(self.address.as_ref().err().map(|why| format!("the address: {why}")));
        parts.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(json: &str) -> Seen {
        Seen::Told(serde_json::from_str(json).unwrap())
    }

    const WELL: &str = r#"{"phase": "done", "quorum": true, "members": ["a", "b"], "expected": ["a", "b"]}"#;
    const HOLDS: &str = r#"{"phase": "done", "quorum": true, "members": ["a", "b"], "expected": ["a", "b"], "holds": true, "new": 1}"#;
    const ALONE: &str = r#"{"phase": "done", "quorum": true, "members": ["a"], "expected": ["a", "b"], "holds": true}"#;
    const BOOTS: &str = r#"{"phase": "packages", "step": 3, "steps": 9, "expected": ["a", "b"], "log": ["x", "y"]}"#;

    fn check(a: &str, b: &str, address: bool, serves: bool, a_may: bool, b_may: bool) {
        let seen = |text: &str| if text.is_empty() { Seen::Silent("it does not answer".to_owned()) } else { told(text) };
        let nodes = vec![("a".to_owned(), seen(a)), ("b".to_owned(), seen(b))];
        let report = Report { nodes, address: if address { Ok(()) } else { Err("it does not answer".to_owned()) } };
        assert_eq!((report.serves(), report.may_leave("a"), report.may_leave("b")), (serves, a_may, b_may), "{}", report.complaint());
    }

    #[test]
    fn nobody_is_taken_down_whom_another_could_not_replace() {
        check(HOLDS, WELL, true, true, true, true);
        check(ALONE, BOOTS, true, false, false, true);
        check(ALONE, "", true, false, false, true);
        check("", WELL, true, false, true, false);
        check(BOOTS, BOOTS, false, false, true, true);
        check("", "", false, false, false, false);
        check(HOLDS, WELL, false, false, false, false);
    }

    #[test]
    fn a_link_that_is_down_is_told_and_hinders_nothing() {
        let Seen::Told(health) = told(WELL) else { panic!() };
        let link = |node: &str, connected| Link { node: node.to_owned(), network: "private".to_owned(), connected };
        let with = |links| Health { links, ..(*health).clone() };
        assert_eq!(with(vec![link("b", true)]).complaint(), None);
        let cut = with(vec![link("b", false), link("c", false)]);
        assert_eq!(cut.complaint().as_deref(), Some("its private link to b is down"));
        assert!(cut.joined());
    }

    #[test]
    fn nobody_waits_for_a_server_that_has_given_up() {
        const STOPPED: &str = r#"{"phase": "service", "error": "the script in user_data ended with 3", "stopped": true}"#;
        let of = |a: &str, b: &str| Report { nodes: vec![("a".to_owned(), told(a)), ("b".to_owned(), told(b))], address: Ok(()) };
        let leaving = |name: &str| Goal::MayLeave(name.to_owned());
        assert!(of(WELL, STOPPED).is_hopeless(&Goal::Serving) && of(WELL, STOPPED).is_hopeless(&leaving("a")));
        // Itself it is just what is to be replaced.
        assert!(!of(WELL, STOPPED).is_hopeless(&leaving("b")) && !of(WELL, BOOTS).is_hopeless(&Goal::Serving));
    }

    #[test]
    fn what_any_server_says_of_the_configuration_counts_once() {
        let of = |text: &str| told(&WELL.replace("{\"phase\"", &format!("{{\"configuration\": {text}, \"phase\"")));
        let nodes = vec![
            ("a".to_owned(), of(r#"{"hand": ["FloatIP"], "behind": ["stonith-enabled"]}"#)),
            ("b".to_owned(), of(r#"{"hand": ["FloatIP", "Nginx-clone"]}"#)),
            ("c".to_owned(), Seen::Silent("it does not answer".to_owned())),
        ];
        let altered = Report { nodes, address: Ok(()) }.altered();
        assert_eq!((altered.hand.join(" "), altered.behind.join(" ")), ("FloatIP Nginx-clone".to_owned(), "stonith-enabled".to_owned()));
    }

    #[test]
    fn who_could_not_serve_is_not_ready_to_take_the_address() {
        let unready = |b: &str, serves: bool| {
            let nodes = vec![("a".to_owned(), told(HOLDS)), ("b".to_owned(), told(b))];
            Report { nodes, address: Ok(()) }.unready("b", serves).unwrap_or_default()
        };
        let with = |more: &str| WELL.replace("{\"phase\"", &format!("{{{more}, \"phase\""));
        let runs = |node: &str, role: &str| with(&format!(r#""resources": [{{"name": "Nginx", "role": "{role}", "node": "{node}"}}]"#));
        assert_eq!(unready(&runs("b", "Started"), true), "");
        assert_eq!(unready(&with(r#""simulated": true"#), true), "");
        assert_eq!(unready(WELL, false), "");
        for idle in [WELL.to_owned(), runs("a", "Started"), runs("b", "Starting")] {
            assert!(unready(&idle, true).contains("does not run there"), "{idle}");
        }
        assert!(unready(BOOTS, false).contains("in phase packages"));
        assert!(unready(ALONE, false).contains("sees 1 of 2"));
        assert!(unready(&with(r#""api_error": "the API refuses the node's token (401)""#), false).contains("(401)"));
        let failed = |node: &str| with(&format!(r#""failures": [{{"operation": "FloatIP_start_0", "node": "{node}", "reason": "x"}}]"#));
        assert!(unready(&failed("b"), false).contains("FloatIP_start_0 failed there"));
        assert_eq!(unready(&failed("a"), false), "");
        let silent = Report { nodes: vec![("b".to_owned(), Seen::Silent("it does not answer".to_owned()))], address: Ok(()) };
        assert!(silent.unready("b", false).is_some() && silent.unready("c", false).is_some());
    }

    #[test]
    fn the_holder_is_who_all_say_it_is() {
        let of = |a: &str, b: &str| {
            let with = |name: &str| told(&WELL.replace("{\"phase\"", &format!("{{\"holder\": {name}, \"phase\"")));
            let report = Report { nodes: vec![("a".to_owned(), with(a)), ("b".to_owned(), with(b))], address: Ok(()) };
            report.agreed_holder().map(str::to_owned)
        };
        assert_eq!(of("\"a\"", "\"a\"").as_deref(), Some("a"));
        assert_eq!(of("null", "\"b\"").as_deref(), Some("b"));
        assert_eq!((of("\"a\"", "\"b\""), of("null", "null")), (None, None));
    }

    #[test]
    fn a_complaint_names_node_and_phase_and_the_end_of_the_log() {
        let report = Report { nodes: vec![("a".to_owned(), told(WELL)), ("b".to_owned(), told(BOOTS))], address: Ok(()) };
        assert_eq!(report.complaint(), "b: it is in phase packages (3 of 9 done); the end of its log is: x / y");
    }
}
