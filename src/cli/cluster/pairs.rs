//! The pairs of a stack as they are now: what the API shows of their droplets, what their nodes tell; and which one is meant.
//!
//! Invariant: it reads only. A pair is meant if it is named, has the node that is named, or is the only one.

use std::time::Duration;

use super::expansion::{self, Intent};
use crate::api::client::Client;
use crate::base::address::Address;
use crate::base::desired::{Resolve as _, Watch};
use crate::base::diag::Diagnostic;
use crate::base::identity::Id;
use crate::base::value::{Body, Origin, Term, Value};
use crate::bootstrap::cluster::Expanded;
use crate::cli::exit::Failure;
use crate::cli::session::Opened;
use crate::cli::workspace::Workspace;
use crate::engine::cluster::health::{self, Report};
use crate::engine::observed::{Observed, Seen};
use crate::engine::survey::observe;
use crate::kinds::power;
use crate::state::State;
use crate::state::store::Loaded;
use crate::ui::status_text::{Node, Pair, PoweredOff};

/// How long it is waited for that nodes and API agree.
const LATE: Duration = Duration::from_secs(20);
/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// A pair, and how it is looked at again.
pub struct Watched {
    /// The pair as it is.
    pub pair: Pair,
    /// How its nodes are asked.
    pub watch: Watch,
    /// Whether its nodes run the scripts of another version of dofloat.
    pub is_older: bool,
}

/// The pairs of a configuration.
pub struct Pairs<'a> {
    /// The configuration.
    pub expanded: Expanded<'a>,
    /// The recorded state.
    pub state: State,
    observed: Observed,
}

impl<'a> Pairs<'a> {
    /// Looks at the droplets and addresses of a stack.
    ///
    /// # Errors
    /// If it has no cluster, or the account cannot be read.
    pub async fn read(workspace: &Workspace<'_>, opened: &'a Opened<'_>, loaded: &Loaded) -> Result<Self, Failure> {
        let Opened { configuration, api_session, .. } = opened;
        let fresh = workspace.fresh_state();
        let expanded = expansion::expand(workspace, configuration, api_session, loaded, &fresh, Intent::default())?;
        if !expanded.has_clusters() {
            return Err(Failure::from(
                Diagnostic::error(format!("Stack {} has no cluster.", workspace.place.name)).hint("`dofloat plan` shows everything else."),
            ));
        }
        let state = expansion::recorded_state(loaded, &fresh);
        let observed = observe(&api_session.client, &workspace.place.name, &state).await?;
        Ok(Self { expanded, state, observed })
    }

    fn body(&self, address: &Address) -> Option<&Body> {
        match self.observed.seen.get(address) {
            Some(Seen::Present { body, .. }) => Some(body),
            _ => None,
        }
    }

    fn watch(&self, cluster: &Address) -> Option<Watch> {
        let of = |address: &Address| match self.body(address) {
            Some(body) => Term::Value(Value::Map(body.clone())),
            None => Term::Unknown(Origin::default()),
        };
        self.expanded.watch(cluster, &of)
    }

    /// A pair, its nodes asked.
    pub async fn pair(&self, api: &Client, cluster: &Address) -> Pair {
        let made = self.expanded.desired().pairs.get(cluster);
        let watch = self.watch(cluster);
        let report = match &watch {
            Some(watch) => health::read(api, watch).await,
            None => Report { nodes: Vec::new(), address: Err("it does not exist yet".to_owned()) },
        };
        let text = |body: Option<&Body>, name: &str| body.and_then(|body| body.get(name)).and_then(Value::as_str).map(str::to_owned);
        let holder = made.and_then(|pair| self.body(&pair.holder.0)?.get(&pair.holder.1)).map(|id| id.to_json().to_string());
        let nodes = made.into_iter().flat_map(|pair| &pair.nodes).map(|address| {
            let (body, id) = (self.body(address), self.state.records.get(address).map(|record| record.id.0.clone()));
            let status = text(body, "status");
            let off = match (self.observed.busy.contains(address), self.expanded.powers_on(cluster)) {
                (true, _) => PoweredOff::Busy,
                (false, true) => PoweredOff::Mended,
                (false, false) => PoweredOff::Left,
            };
            Node {
                name: address.name.clone(),
                off: (status.as_deref() == Some("off")).then_some(off),
                status,
                public: text(body, "ipv4_address"),
                private: text(body, "ipv4_address_private"),
                holds: id.is_some() && id == holder,
                id,
            }
        });
        let address = watch.and_then(|Watch { address, .. }| address);
        Pair { name: cluster.to_string(), address, nodes: nodes.collect(), report, place: None }
    }

    /// The pair that is meant, by its own name or that of one of its nodes.
    ///
    /// # Errors
    /// If there is no such pair, or it is not clear which of several is meant, or it does not exist yet.
    pub async fn chosen(&self, api: &Client, cluster: Option<&str>, node: Option<&str>) -> Result<Watched, Failure> {
        let all: Vec<&Address> = self.expanded.clusters().iter().collect();
        let has = |cluster: &Address| {
            let nodes = self.expanded.desired().pairs.get(cluster).map(|pair| &pair.nodes);
            node.is_none_or(|node| nodes.is_some_and(|nodes| nodes.iter().any(|address| address.name == node)))
        };
        let named = |address: &&&Address| cluster.is_none_or(|name| address.to_string() == name || address.name == name) && has(address);
        let found: Vec<&Address> = all.iter().filter(named).copied().collect();
        let names = |of: &[&Address]| of.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let [found] = found[..] else {
            let what = match (cluster, node) {
                (Some(cluster), Some(node)) => format!(" `{cluster}` with a node `{node}`"),
                (Some(cluster), None) => format!(" `{cluster}`"),
                (None, Some(node)) => format!(" with a node `{node}`"),
                (None, None) => String::new(),
            };
            return Err(if found.is_empty() {
                Failure::usage(Diagnostic::error(format!("There is no cluster{what} in this stack.")).hint(self.there_are()))
            } else {
                Failure::usage(
                    Diagnostic::error(format!("Several clusters could be meant: {}.", names(&found)))
                        .hint("Say which with `-cluster=NAME`."),
                )
            });
        };
        let pair = self.pair(api, found).await;
        let watch = self.watch(found).filter(|_| pair.nodes.iter().all(|node| node.id.is_some()));
        let Some(watch) = watch.filter(|watch| watch.address.is_some()) else {
            return Err(Diagnostic::error(format!("{found} does not exist yet, or not whole."))
                .hint("`dofloat status` shows what is there; `dofloat apply` creates the rest.")
                .into());
        };
        Ok(Watched { pair, watch, is_older: self.expanded.is_older(found) })
    }

    /// The clusters with their nodes, for who has named one that is not there.
    fn there_are(&self) -> String {
        let one = |(cluster, pair): (&Address, &crate::base::desired::Pair)| {
            let nodes: Vec<&str> = pair.nodes.iter().map(|node| node.name.as_str()).collect();
            format!("{cluster} ({})", nodes.join(", "))
        };
        format!("There are: {}.", self.expanded.desired().pairs.iter().map(one).collect::<Vec<_>>().join("; "))
    }
}

impl Watched {
    /// Looks again until the nodes say of the address what the API says, for as long as their reports can be late: a node writes its
    /// own every five seconds or so.
    pub async fn agreed(mut self, api: &Client) -> Self {
        let start = api.clock().tick();
        while self.pair.report.agreed_holder() != self.holder().map(|node| node.name.as_str()) && api.clock().tick().since(start) < LATE {
            api.clock().sleep(LOOK).await;
            if let Ok(held) = power::holder(api, self.ip()).await {
                let held = held.map(|id| id.0);
                self.pair.nodes.iter_mut().for_each(|node| node.holds = node.id.is_some() && node.id == held);
            }
            self.pair.report = health::read(api, &self.watch).await;
        }
        self
    }

    /// The node of a name.
    ///
    /// # Errors
    /// If the pair has none of that name.
    pub fn node(&self, name: &str) -> Result<&Node, Failure> {
        self.pair.nodes.iter().find(|node| node.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.pair.nodes.iter().map(|node| node.name.as_str()).collect();
            Failure::usage(
                Diagnostic::error(format!("{} has no node `{name}`.", self.pair.name))
                    .hint(format!("Its nodes are {}.", names.join(" and "))),
            )
        })
    }

    /// The other node of the two.
    #[must_use]
    pub fn peer(&self, name: &str) -> Option<&Node> {
        self.pair.nodes.iter().find(|node| node.name != name)
    }

    /// The node that the API shows as the holder of the address.
    #[must_use]
    pub fn holder(&self) -> Option<&Node> {
        self.pair.nodes.iter().find(|node| node.holds)
    }

    /// The floating IP.
    #[must_use]
    pub fn ip(&self) -> &str {
        self.watch.address.as_deref().unwrap_or_default()
    }

    /// Where a client asks: the page, or the health of the holder where nothing else answers.
    #[must_use]
    pub fn url(&self) -> String {
        if self.watch.serves { format!("http://{}/", self.ip()) } else { format!("http://{}{}", self.ip(), self.watch.place) }
    }

    /// Whether its nodes are played by a simulator.
    #[must_use]
    pub fn is_played(&self) -> bool {
        self.pair.nodes.iter().any(|node| self.pair.report.is_played(&node.name))
    }
}

/// The identity of a node's droplet.
///
/// # Errors
/// If it has none.
pub fn id_of(node: &Node) -> Result<Id, Failure> {
    let id = node.id.as_ref().map(|id| Id(id.clone()));
    id.ok_or_else(|| Diagnostic::error(format!("There is no droplet of {}.", node.name)).into())
}
