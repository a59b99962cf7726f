//! Faults that a pair has to bear, row by row: what is done to it, and what must come of it.
//!
//! Invariant: a row is data; nothing here knows how it is done. Every row ends with both nodes on, members, and one that serves.

use super::room::LabConfig;
use crate::support::harness::Width;

/// Something that is done, or waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Nothing passes a link any more; the carrier stays.
    Cut(Whom, Link),
    Mend(Whom, Link),
    /// The nodes' corosync do not hear each other any more, on whatever link; and hear each other again.
    Part(Whom),
    Join(Whom),
    /// So many seconds.
    Pass(u32),
    /// What goes wrong at the API from now on, instead of what went wrong before.
    Api(&'static [&'static str]),
    /// All that is in progress at the API comes to its end.
    Finish,
    /// The plug is pulled; the account knows nothing.
    Plug(Whom),
    Boot(Whom),
    /// An action of the operator's on the droplet: `power_off`, `power_on`, `power_cycle`.
    Power(Whom, &'static str),
    /// A line of the shell on the node. `PEER` in it stands for the other's name.
    On(Whom, &'static str),
    /// The droplet gets another name in the control panel; and its own again.
    Rename(Whom),
    NameBack(Whom),
    /// The droplet loses the cluster's tag, and gets it back.
    Untag(Whom),
    TagBack(Whom),
    /// The address is taken from whoever has it.
    Unassign,
    /// `status` says so within a minute.
    Told(&'static str),
    /// `plan` says so.
    Planned(&'static str),
    /// Within two minutes one node answers on the address.
    Serves,
    Apply,
}

/// The node that serves when the row begins, the other, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    Active,
    Passive,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Public,
    Private,
}

/// What comes of it, and what its figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// No request fails and the same node serves; the figure is the longest time between two answers.
    Unmoved,
    /// The other serves; the figure is the longest time between two answers.
    Moved,
    /// One of them serves; the figure is for how long after the last fault's end nobody did.
    Served,
}

/// A row.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) wish: &'static LabConfig,
    /// From which width on it is run.
    pub(crate) width: Width,
    /// The last of them ends the last fault.
    pub(crate) steps: &'static [Step],
    /// What brings back what the fault has taken for good; nothing of it counts.
    pub(crate) afterwards: &'static [Step],
    pub(crate) ends: Ends,
    /// How often droplets are reset, at least and at most.
    pub(crate) resets: (usize, usize),
    /// The figure's bound in milliseconds.
    pub(crate) bound: u64,
    /// For how many seconds after the last fault's end the account's power log is watched.
    pub(crate) watched: u32,
}

use Ends::{Moved, Served, Unmoved};
use Link::{Private, Public};
use Step::{
    Api, Apply, Boot, Cut, Finish, Join, Mend, NameBack, On, Part, Pass, Planned, Plug, Power, Rename, Serves, TagBack, Told, Unassign,
    Untag,
};
use Whom::{Active, Both, Passive};

const AWAY: Step = Api(&["* /v2/**x0 error-before=503"]);
const SILENT: Step = Api(&["* /v2/**x0 never-before"]);
const REFUSED: Step = Api(&["* /v2/**x0 unauthorized"]);
const WELL: Step = Api(&[]);
const SPLIT: Step = Part(Active);
const HEAL: Step = Join(Active);
const STOPPED: Step = On(Active, "crm resource stop FloatIP; crm_resource --wait --timeout 20");
const STARTED: Step = On(Active, "crm resource start FloatIP");
/// Longer than the one that was reset needs to boot and to wait for a peer that it does not see.
const LONG: Step = Pass(75);

/// What is promised after the end of a fault that hits both.
pub(crate) const PROMISED: u64 = 60_000;
/// A request to the floating IP of every 100 ms, and what a busy machine adds.
const STEADY: u64 = 1000;
/// Until FloatIP is started after an outage of the API, and served.
const SOON: u64 = 5000;
/// What a request that was sent into the silence adds: it is waited for 5 s, of which SOON covers a half.
const UNHEARD: u64 = 2500;
/// Until two nodes that start at once serve: their boot, and what pacemaker needs to begin.
const TOGETHER: u64 = 25_000;

const FENCED: Row = Row {
    name: "",
    wish: &LabConfig::FENCED,
    width: Width::Whole,
    steps: &[],
    afterwards: &[],
    ends: Served,
    resets: (0, 1),
    bound: PROMISED,
    watched: 90,
};
/// What there is to see comes while they are apart.
const SPLITS: Row = Row { ends: Unmoved, resets: (1, 1), bound: STEADY, watched: 30, ..FENCED };
const UNFENCED: Row = Row { wish: &LabConfig::MODERN, resets: (0, 0), watched: 30, ..FENCED };
/// The API is away when the node that serves dies.
const LATE: Row = Row { bound: SOON, afterwards: &[Boot(Active)], ..UNFENCED };

/// All links of both nodes, and with them the API, for so long.
macro_rules! blackout {
    ($seconds:literal) => {
        &[Cut(Both, Public), Cut(Both, Private), Pass($seconds), Mend(Both, Public), Mend(Both, Private)]
    };
}

/// The rows of the settings with fencing first.
pub(crate) const ROWS: &[Row] = &[
    // A death; the reset switches it on again.
    Row {
        name: "death, fencing",
        steps: &[Plug(Active), Serves],
        width: Width::Full,
        ends: Moved,
        resets: (1, 1),
        bound: super::FENCED_DEATH,
        watched: 30,
        ..FENCED
    },
    // An outage that hits both.
    Row { name: "both nodes lose all links for 3 s", steps: blackout!(3), ..FENCED },
    Row { name: "both nodes lose all links for 8 s", steps: blackout!(8), ..FENCED },
    Row { name: "both nodes lose all links for 15 s", steps: blackout!(15), width: Width::Full, ..FENCED },
    Row { name: "both nodes lose all links for 45 s", steps: blackout!(45), ..FENCED },
    Row { name: "both nodes lose all links for 120 s", steps: blackout!(120), ..FENCED },
    // Nodes that live and do not see each other.
    Row { name: "private link cut", steps: &[Cut(Active, Private), LONG, Mend(Active, Private)], resets: (0, 0), ..SPLITS },
    Row { name: "split, fencing", steps: &[SPLIT, LONG, HEAL], ..SPLITS },
    Row { name: "split while the API is away for 30 s", steps: &[AWAY, SPLIT, Pass(30), WELL, LONG, HEAL], width: Width::Full, ..SPLITS },
    Row { name: "split while the API is away for 120 s", steps: &[AWAY, SPLIT, Pass(120), WELL, LONG, HEAL], ..SPLITS },
    Row { name: "split while the API is silent for 30 s", steps: &[SILENT, SPLIT, Pass(30), WELL, LONG, HEAL], ..SPLITS },
    Row { name: "split and healed while the API is away", steps: &[AWAY, SPLIT, Pass(30), HEAL, Pass(10), WELL], resets: (0, 0), ..SPLITS },
    Row { name: "split while FloatIP is stopped", steps: &[STOPPED, SPLIT, LONG, HEAL, STARTED], resets: (1, 1), watched: 45, ..FENCED },
    Row {
        name: "split while nobody has the address",
        steps: &[STOPPED, Unassign, SPLIT, LONG, HEAL, STARTED],
        resets: (1, 1),
        watched: 45,
        ..FENCED
    },
    // Power actions.
    Row {
        name: "split, a reset takes 6 s",
        steps: &[Api(&["POST /v2/droplets/*/actionsx0 action-slow=6000"]), SPLIT, LONG, HEAL],
        ..SPLITS
    },
    Row {
        name: "split, a reset takes 10 s",
        steps: &[Api(&["POST /v2/droplets/*/actionsx0 action-slow=10000"]), SPLIT, LONG, HEAL],
        ..SPLITS
    },
    Row {
        name: "split, a reset takes 30 s",
        steps: &[Api(&["POST /v2/droplets/*/actionsx0 action-slow=30000"]), SPLIT, LONG, HEAL],
        ..SPLITS
    },
    Row {
        name: "split, the reset errs and leaves the droplet off, and so does the first switching on",
        steps: &[
            Api(&["POST /v2/droplets/*/actions action-leaves-off", "POST /v2/droplets/*/actions#2 action-errored"]),
            SPLIT,
            LONG,
            HEAL,
        ],
        // That it is off is proof, and so nothing more is reset.
        resets: (0, 0),
        ..SPLITS
    },
    Row {
        name: "death, and the reset hangs",
        steps: &[
            Api(&["POST /v2/droplets/*/actionsx0 action-hangs"]),
            Plug(Active),
            Told("stonith_admin --confirm"),
            On(Passive, "crm_mon -1 | grep -q UNCLEAN && stonith_admin --confirm PEER"),
            Pass(10),
            On(Passive, "crm_mon -1 | grep -q OFFLINE"),
            WELL,
            Finish,
        ],
        ends: Moved,
        resets: (1, 1),
        bound: super::FENCED_DEATH,
        watched: 45,
        ..FENCED
    },
    // A peer that cannot be found.
    Row { name: "split, both have another name in the panel", steps: &[Rename(Both), SPLIT, LONG, NameBack(Both), HEAL], ..SPLITS },
    Row { name: "split, the other is untagged", steps: &[Untag(Passive), SPLIT, LONG, TagBack(Passive), HEAL], ..SPLITS },
    Row { name: "split, the one that serves is untagged", steps: &[Untag(Active), SPLIT, LONG, TagBack(Active), HEAL], ..SPLITS },
    Row { name: "split, lists are empty", steps: &[Api(&["GET /v2/dropletsx0 empty-list"]), SPLIT, LONG, WELL, HEAL], ..SPLITS },
    Row {
        name: "death of a node that is untagged",
        steps: &[Untag(Active), Plug(Active), Serves, TagBack(Active)],
        ends: Moved,
        resets: (1, 1),
        bound: super::FENCED_DEATH,
        watched: 45,
        ..FENCED
    },
    // Nodes that are off.
    Row {
        name: "the other is switched off by hand",
        steps: &[Power(Passive, "power_off"), Told("is switched off")],
        afterwards: &[Power(Passive, "power_on")],
        ends: Unmoved,
        resets: (0, 0),
        bound: STEADY,
        ..FENCED
    },
    Row {
        name: "the one that serves is switched off by hand",
        steps: &[Power(Active, "power_off")],
        afterwards: &[Power(Active, "power_on")],
        ends: Moved,
        resets: (0, 0),
        bound: super::FENCED_DEATH,
        watched: 45,
        ..FENCED
    },
    Row {
        name: "both are switched off by hand, and applied",
        steps: &[Power(Both, "power_off"), Pass(20), Planned("off"), Apply],
        resets: (0, 0),
        ..FENCED
    },
    Row {
        name: "the survivor reboots alone",
        steps: &[Power(Passive, "power_off"), Pass(20), On(Active, "systemctl --no-block reboot"), Pass(5)],
        afterwards: &[Power(Passive, "power_on")],
        resets: (0, 0),
        ..FENCED
    },
    Row { name: "both are reset at once", steps: &[Power(Both, "power_cycle")], resets: (2, 2), bound: TOGETHER, ..FENCED },
    Row {
        name: "corosync and pacemaker restart on both at once",
        steps: &[On(Both, "systemctl --no-block restart corosync pacemaker")],
        resets: (0, 0),
        bound: TOGETHER,
        ..FENCED
    },
    Row {
        name: "corosync and pacemaker restart on one after the other",
        steps: &[
            On(Passive, "systemctl restart corosync pacemaker"),
            Pass(40),
            On(Active, "systemctl restart corosync pacemaker"),
            Pass(40),
        ],
        resets: (0, 0),
        bound: SOON,
        watched: 30,
        ..FENCED
    },
    Row {
        name: "death while the API is away for 60 s, fencing",
        steps: &[AWAY, Plug(Active), Pass(60), WELL],
        resets: (1, 1),
        bound: super::FENCED_DEATH,
        ..FENCED
    },
    // Without fencing.
    Row { name: "death while the API is away for 20 s", steps: &[AWAY, Plug(Active), Pass(20), WELL], ..LATE },
    Row { name: "death while the API is away for 60 s", steps: &[AWAY, Plug(Active), Pass(60), WELL], ..LATE },
    Row { name: "death while the API is away for 90 s", steps: &[AWAY, Plug(Active), Pass(90), WELL], ..LATE },
    Row { name: "death while the API is away for 300 s", steps: &[AWAY, Plug(Active), Pass(300), WELL], ..LATE },
    Row { name: "death while the API is silent for 60 s", steps: &[SILENT, Plug(Active), Pass(60), WELL], bound: SOON + UNHEARD, ..LATE },
    Row { name: "death while the token is refused for 45 s", steps: &[REFUSED, Plug(Active), Pass(45), WELL], ..LATE },
    Row { name: "all links of both cut for 15 s, no fencing", steps: blackout!(15), ..UNFENCED },
    Row {
        name: "both are reset at once, no fencing",
        steps: &[Power(Both, "power_cycle")],
        resets: (2, 2),
        bound: TOGETHER,
        watched: 90,
        ..UNFENCED
    },
];
