//! The protocol as a table, and the script that runs on nodes held against it: each row is laid out for one round of the real
//! script, with stand-ins for the API, the cluster and the clock, and what the script does must be what the table says.
//!
//! Invariant: a row is run in full, from the API's JSON to the request that leaves; nothing waits, since the first pause ends it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use dofloat::bootstrap::user_data::{Fencing, Node};

use super::protocol::{Droplet, Facts, Holder, Limits, Memory, Move, Own, decide};
use crate::cluster::bootstrap::{Root, arbiter_access, modern, text, tool};
use crate::support::harness::{Width, say, width};

/// What the script has, in seconds.
pub(super) const SECONDS: Limits = Limits { watch: 8, longer: 2, long_watch: 180, settle: 6, alone: 60 };

/// The clock of a row.
const NOW: u64 = 100_000;

/// A row: what is seen, what is remembered, and which question goes without an answer where one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) facts: Facts,
    pub(super) memory: Memory,
    pub(super) silent: usize,
}

/// The questions of a round, and what they get if there is trouble.
pub(super) const SILENCES: [(&str, &str); 8] = [
    ("droplets_PEER", "\n000"),
    ("droplets_PEER_actions_per_page=50", "{}\n503"),
    ("reserved_ips_203.0.113.7", "{}\n429"),
    ("droplets_ME_actions_per_page=50", "{}\n401"),
    ("members", ""),
    // Somebody else's page, with a good status.
    ("droplets_PEER_actions_per_page=50", "<html>\n200"),
    ("reserved_ips_203.0.113.7", "{}\n200"),
    ("droplets_ME_actions_per_page=50", "<html>\n200"),
];

const QUIET: Facts = Facts {
    answered: true,
    member: false,
    peer: Droplet::On,
    peer_busy: false,
    own: Own::None,
    me_busy: false,
    holder: Holder::Me,
    locked: false,
    healthy: false,
    page_known: true,
    waiting: false,
    first: false,
    voted: false,
};

/// Where the decisions lie: each of these is one step from another decision.
fn bases() -> Vec<Row> {
    let row =
        |facts: Facts, watched: u8, claimed: bool, settled: u8| Row { facts, memory: Memory { watched, claimed, settled }, silent: 0 };
    let other = Facts { holder: Holder::Other, ..QUIET };
    let nobody = Facts { holder: Holder::Nobody, ..QUIET };
    let Limits { watch, longer, long_watch, settle, alone } = SECONDS;
    vec![
        row(QUIET, 0, false, 0),
        row(QUIET, 0, true, settle),
        row(Facts { waiting: true, ..QUIET }, alone, false, 0),
        row(other, watch, false, 0),
        row(Facts { first: true, ..other }, watch + longer, false, 0),
        row(Facts { waiting: true, ..other }, long_watch, false, 0),
        row(nobody, watch, false, 0),
        row(Facts { first: true, ..nobody }, 0, false, 0),
        row(Facts { waiting: true, first: true, ..nobody }, long_watch, false, 0),
        row(Facts { own: Own::Open, ..other }, watch, false, 0),
        row(Facts { voted: true, ..other }, 0, false, 0),
        row(Facts { voted: true, ..other }, 0, true, 0),
    ]
}

/// The rows that differ from one in one thing.
fn neighbours(row: &Row) -> Vec<Row> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Row)| {
        let mut other = *row;
        change(&mut other);
        all.push(other);
    };
    with(&|row| row.facts.member ^= true);
    with(&|row| row.facts.peer_busy ^= true);
    with(&|row| row.facts.me_busy ^= true);
    with(&|row| row.facts.locked ^= true);
    with(&|row| row.facts.healthy ^= true);
    with(&|row| row.facts.page_known ^= true);
    with(&|row| row.facts.waiting ^= true);
    with(&|row| row.facts.first ^= true);
    with(&|row| row.facts.voted ^= true);
    with(&|row| row.memory.claimed ^= true);
    for silent in 0..SILENCES.len() {
        with(&|row| (row.facts.answered, row.silent) = (false, silent));
    }
    for peer in [Droplet::Gone, Droplet::Off, Droplet::On] {
        with(&|row| row.facts.peer = peer);
    }
    for own in [Own::None, Own::Sent, Own::Open, Own::Done, Own::Failed] {
        with(&|row| row.facts.own = own);
    }
    for holder in [Holder::Me, Holder::Other, Holder::Nobody] {
        with(&|row| row.facts.holder = holder);
    }
    let Limits { watch, longer, long_watch, settle, alone } = SECONDS;
    for watched in [0, watch - 1, watch, watch + longer - 1, watch + longer, alone - 1, alone, long_watch - 1, long_watch] {
        with(&|row| row.memory.watched = watched);
    }
    for settled in [0, settle - 1, settle] {
        with(&|row| row.memory.settled = settled);
    }
    all
}

/// Whether a row can be laid out: nothing is known of a droplet that is gone but that, and without trouble nothing is silent.
fn is_possible(row: &Row) -> bool {
    let Row { facts, silent, .. } = row;
    if facts.answered && *silent != 0 {
        return false;
    }
    // Who has quorum is not asked to prove anything alone.
    if facts.voted && facts.waiting {
        return false;
    }
    // Who sees no members does not see the peer either.
    !(facts.member && !facts.answered && *silent == 4)
}

/// In the default run the rows around four of the places, in the full one those around all, in the whole one a part of what
/// lies further too.
fn rows() -> BTreeSet<Row> {
    let around = |rows: &BTreeSet<Row>| -> BTreeSet<Row> { rows.iter().flat_map(neighbours).chain(rows.iter().copied()).collect() };
    let bases = bases();
    let near = match width() {
        Width::Thin => around(&[bases[0], bases[1], bases[3], bases[5], bases[10], bases[11]].into()),
        Width::Full | Width::Whole => around(&bases.into_iter().collect()),
    };
    let far: BTreeSet<Row> = match width() {
        Width::Thin | Width::Full => BTreeSet::new(),
        Width::Whole => around(&near).into_iter().step_by(17).collect(),
    };
    near.into_iter().chain(far).filter(is_possible).collect()
}

/// A node that fences its peer, and how it sees the world.
pub(super) struct Stage {
    pub(super) root: Root,
    pub(super) me: u64,
    pub(super) peer: u64,
    pub(super) name: &'static str,
}

/// Ends the script at its first pause.
const NO_SLEEP: &str = "kill -TERM $PPID; exec /bin/sleep 0.02";

impl Stage {
    pub(super) fn new(first: bool) -> Self {
        let (own, name) = if first { ("primary", "secondary") } else { ("secondary", "primary") };
        let root = Root::new();
        // Without the third vote it does what it would do without an arbiter.
        let node = Node { name: own.to_owned(), fencing: Fencing::Api { delay: 0 }, arbiter: Some(arbiter_access()), ..modern() };
        root.born(&text(&Node { release: dofloat::bootstrap::user_data::Release::Trusty, ..node }));
        root.stand_in("sleep", NO_SLEEP);
        root.stand_in("crm_node", "cat \"$DOFLOAT_ROOT/members\"");
        root.stand_in("crm_mon", "");
        root.stand_in("corosync-quorumtool", "cat \"$DOFLOAT_ROOT/votes\"");
        root.stand_in("curl", CURL);
        fs::remove_file(root.stack.path("proc")).unwrap();
        root.stack.write("proc/uptime", &format!("{NOW}.50 1.00\n"));
        root.stack.write("etc/dofloat/peers", "1 primary 10.118.0.3 11\n2 secondary 10.118.0.4 12\n");
        root.stack.write("run/dofloat/droplet-id", if first { "11\n" } else { "12\n" });
        let (me, peer) = if first { (11, 12) } else { (12, 11) };
        Self { root, me, peer, name }
    }

    pub(super) fn answer(&self, place: &str, text: &str) {
        let place = place.replace("PEER", &self.peer.to_string()).replace("ME", &self.me.to_string());
        self.root.stack.write(&format!("answers/{place}"), text);
    }

    pub(super) fn lay_out(&self, row: &Row) {
        let Row { facts, memory, silent } = row;
        let stack = &self.root.stack;
        let _ = fs::remove_dir_all(stack.path("answers"));
        for gone in ["calls", "var/lib/dofloat", "run/dofloat/asked"] {
            let path = stack.path(gone);
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
        stack.write("calls", "");
        stack.write("members", if facts.member { "primary secondary\n" } else { ["primary\n", "secondary\n"][usize::from(self.me == 12)] });
        stack.write("votes", &votes(facts.voted));
        self.lay_out_peer(facts);
        let busy = if facts.me_busy { r#"{"id":70,"type":"power_cycle","status":"in-progress"}"# } else { "" };
        let own = r#"{"id":69,"type":"assign_ip","status":"in-progress"}"#;
        self.answer(
            "droplets_ME_actions_per_page=50",
            &format!("{{\"actions\":[{own}{}{busy}]}}\n200", if busy.is_empty() { "" } else { "," }),
        );
        let holder = match facts.holder {
            Holder::Me => format!("{{\"id\":{}}}", self.me),
            Holder::Other => format!("{{\"id\":{}}}", self.peer),
            Holder::Nobody => "null".to_owned(),
        };
        let address = format!("{{\"reserved_ip\":{{\"locked\":{},\"droplet\":{holder}}}}}\n200", facts.locked);
        self.answer("reserved_ips_203.0.113.7", &address);
        self.answer("reserved_ips_203.0.113.7_actions", "{\"action\":{\"id\":90,\"status\":\"in-progress\"}}\n201");
        self.answer("droplets_PEER_actions", "{\"action\":{\"id\":88,\"status\":\"in-progress\"}}\n201");
        if !facts.answered {
            let (place, text) = SILENCES[*silent];
            if place == "members" { stack.write("members", "\n") } else { self.answer(place, text) }
        }
        stack.write("page", if facts.healthy { "serves" } else { "" });
        if facts.page_known {
            stack.write(&format!("var/lib/dofloat/page-{}", self.name), "198.51.100.21\n");
        }
        self.lay_out_memory(facts, memory);
    }

    fn lay_out_peer(&self, facts: &Facts) {
        let status = if facts.peer == Droplet::Off { "off" } else { "active" };
        let networks = r#"{"v4":[{"type":"private","ip_address":"10.118.0.4"},{"type":"public","ip_address":"198.51.100.21"}]}"#;
        let mut actions = vec![r#"{"id":50,"type":"power_cycle","status":"completed"}"#.to_owned()];
        if facts.peer_busy {
            actions.push(r#"{"id":55,"type":"power_off","status":"in-progress"}"#.to_owned());
        }
        let own = match facts.own {
            Own::Open => Some("in-progress"),
            Own::Done => Some("completed"),
            Own::Failed => Some("errored"),
            Own::None | Own::Sent => None,
        };
        actions.extend(own.map(|status| format!("{{\"id\":77,\"type\":\"power_cycle\",\"status\":\"{status}\"}}")));
        if facts.peer == Droplet::Gone {
            for place in ["droplets_PEER", "droplets_PEER_actions_per_page=50"] {
                self.answer(place, "{\"message\":\"gone\"}\n404");
            }
            return;
        }
        self.answer("droplets_PEER", &format!("{{\"droplet\":{{\"status\":\"{status}\",\"networks\":{networks}}}}}\n200"));
        self.answer("droplets_PEER_actions_per_page=50", &format!("{{\"actions\":[{}]}}\n200", actions.join(",")));
    }

    fn lay_out_memory(&self, facts: &Facts, memory: &Memory) {
        let since = |rounds: u8| if rounds == 0 { String::new() } else { (NOW - u64::from(rounds)).to_string() };
        let mut notes = BTreeMap::from([
            ("watched", since(memory.watched)),
            ("mine", since(memory.settled)),
            ("known", "50 ".to_owned()),
            ("owed", "false".to_owned()),
            ("holder", self.peer.to_string()),
            ("public", if facts.healthy { "198.51.100.21".to_owned() } else { String::new() }),
            ("last", (NOW - 1).to_string()),
        ]);
        match facts.own {
            Own::None => {}
            Own::Sent => drop(notes.insert("sent", (NOW - 1).to_string())),
            Own::Open | Own::Done | Own::Failed => drop(notes.insert("own", "77".to_owned())),
        }
        let notes: String = notes.iter().map(|(name, value)| format!("{name}='{value}'\n")).collect();
        self.root.stack.write(&format!("run/dofloat/fence-{}", self.name), &notes);
        if memory.claimed {
            self.root.stack.write("run/dofloat/asked", &format!("{}\n", NOW - 30));
        }
    }

    /// What the script does in one round, and what it remembers then: watched and settled as they count in the next round.
    pub(super) fn run(&self, row: &Row) -> (Move, Option<(u8, u8)>) {
        self.lay_out(row);
        let action = if row.facts.waiting { "alone" } else { "reboot" };
        let done = self.root.sh(&format!("printf 'action={action}\\nplug={}\\n' | usr/sbin/fence_digitalocean", self.name));
        let calls = self.root.calls();
        let sent: Vec<&str> = calls.lines().filter(|line| line.contains("-X POST")).collect();
        let todo = match (done.code, sent.as_slice()) {
            (0, []) => Move::Proof,
            (_, []) if done.stderr.contains("is a member again") => Move::Drop,
            (_, []) => Move::Wait,
            (_, [one]) if one.contains("\"type\":\"assign\"") && one.contains(&format!("\"droplet_id\":{}", self.me)) => Move::Claim,
            (_, [one]) if one.contains("{\"type\":\"power_cycle\"}") && one.contains(&format!("/v2/droplets/{}/actions", self.peer)) => {
                Move::Cycle
            }
            _ => panic!("{row:?}: it asks for {sent:?}\n{done}"),
        };
        let debt = self.root.stack.exists(&format!("var/lib/dofloat/owes-{}", self.name));
        assert_eq!(debt, todo == Move::Cycle, "{row:?}: whoever resets a peer has to see that it comes back, and nobody else");
        (todo, self.memory())
    }

    fn memory(&self) -> Option<(u8, u8)> {
        let notes = fs::read_to_string(self.root.stack.path(&format!("run/dofloat/fence-{}", self.name))).ok()?;
        let next = |name: &str| {
            let value = notes.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("='")?.strip_suffix('\''));
            value.filter(|value| !value.is_empty()).map_or(0, |since| u8::try_from(NOW + 1 - since.parse::<u64>().unwrap()).unwrap())
        };
        Some((next("watched"), next("mine")))
    }
}

/// What corosync says of votes: an arbiter that gives this node its vote, or none.
pub(crate) fn votes(voted: bool) -> String {
    let (quorate, own) = if voted { ("Yes", "A,V,NMW") } else { ("No", "A,NV,NMW") };
    format!("Quorate:          {quorate}\n    Nodeid      Votes    Qdevice Name\n         1          1    {own} primary (local)\n")
}

/// A page that was written just now; answers of the API from files.
const CURL: &str = r#"
for url in "$@"; do :; done
case $url in
    http://198.51.100.21:8080/health)
        [ -s "$DOFLOAT_ROOT/page" ] || exit 7
        name=$(sed -n "s/^NODE_NAME='\(.*\)'/\1/p" "$DOFLOAT_ROOT/etc/dofloat/cluster.env")
        if [ "$name" = primary ]; then peer=secondary; else peer=primary; fi
        printf '{"time":"%s","quorum":true,"holder":"%s"}\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$peer"
        ;;
    */v2/*)
        name=$(printf '%s' "${url#*/v2/}" | tr '/?' '__')
        cat "$DOFLOAT_ROOT/answers/$name" 2> /dev/null || { printf '{"message":"nothing"}\n404'; }
        ;;
    *) exit 22 ;;
esac
"#;

/// Where script and table differ, if they do.
fn difference(stages: &[Stage; 2], row: &Row) -> Option<String> {
    let (wanted, next) = decide(&row.facts, row.memory, &SECONDS);
    let (found, memory) = stages[usize::from(row.facts.first)].run(row);
    if found != wanted {
        return Some(format!("{row:?}: the table says {wanted:?}, the script does {found:?}"));
    }
    let (watched, settled) = memory.filter(|_| matches!(wanted, Move::Wait | Move::Claim))?;
    let settles = |settled: u8| if row.memory.claimed && row.facts.holder == Holder::Me { settled.min(SECONDS.settle) } else { 0 };
    let has = (watched, settles(settled));
    let wants = (next.watched, settles(next.settled));
    (has != wants).then(|| format!("{row:?}: the table remembers {wants:?}, the script {has:?}"))
}

/// What differs, with the rows on the machine's processors; each stops at `enough`.
fn differences(rows: &BTreeSet<Row>, enough: usize, alter: &(dyn Fn(&Stage) + Sync)) -> Vec<String> {
    let all: Vec<&Row> = rows.iter().collect();
    std::thread::scope(|scope| {
        let workers: Vec<_> = all
            .chunks(all.len().div_ceil(4))
            .map(|part| {
                scope.spawn(move || {
                    let stages = [Stage::new(false), Stage::new(true)];
                    stages.iter().for_each(alter);
                    part.iter().filter_map(|row| difference(&stages, row)).take(enough).collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker ends")).collect()
    })
}

#[test]
fn the_script_does_what_the_table_says() {
    if tool("jq").is_none() {
        return;
    }
    let rows = rows();
    let found = differences(&rows, usize::MAX, &|_| ());
    say(&format!("{} rows of the decision table, {} differences", rows.len(), found.len()));
    assert!(rows.len() > 100, "{} rows are no table", rows.len());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What is between them is what the search needs: a claim outlasts a request, and the watch both.
#[test]
fn the_scripts_numbers_are_those_that_were_searched() {
    let script = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bootstrap/node/fence.sh")).unwrap();
    let number = |name: &str| {
        let words = script.split_whitespace().take_while(|word| *word != "action=''");
        let value = words.filter_map(|word| word.strip_prefix(name)?.strip_prefix('=')).next();
        value.and_then(|value| value.parse::<u8>().ok()).unwrap_or_else(|| panic!("the script has no {name}"))
    };
    let limits = super::SECONDS.limits;
    assert_eq!(number("FRESH") + number("PATIENT"), super::SECONDS.flight, "what a request lives");
    assert_eq!((number("SETTLE"), number("WATCH"), number("LONGER")), (limits.settle, limits.watch, limits.longer));
    assert_eq!((SECONDS.settle, SECONDS.watch, SECONDS.longer), (limits.settle, limits.watch, limits.longer));
    assert_eq!((number("LONG_WATCH"), number("ALONE")), (SECONDS.long_watch, SECONDS.alone));
}

/// The script without one of its rules.
#[test]
fn a_script_that_differs_in_one_rule_is_found() {
    if tool("jq").is_none() {
        return;
    }
    let rules = [
        ("who is being reset goes on", "[ $attacked = true ] || ", ""),
        ("the arbiter's vote is not asked for", "[ $voted = true ]", "false"),
        ("the address waits for the reset although the arbiter has voted", "[ \"$holder\" != \"$me\" ] && ! has_claimed", "false"),
        ("a peer that is back is reset", "if [ $member = true ]; then", "if false; then"),
        ("a claim need not settle", "[ $claimed = true ] && [ $((began - mine)) -lt $SETTLE ]", "false"),
        ("the page is not read", "[ $healthy = true ] || ", ""),
        ("off is proof although something is pending", "[ \"$droplet\" = off ] && [ $idle = true ]", "[ \"$droplet\" = off ]"),
        ("what others do is proof", "[ $state = 'done' ]", "[ $busy = true ]"),
        ("time goes on while the API is away", "if [ $answered = false ]; then\n  afresh\n", "if [ $answered = false ]; then\n"),
    ];
    if width() < Width::Whole {
        say("skipped: scripts without one of their rules; DOFLOAT_TESTS=whole runs them");
        return;
    }
    let rows: BTreeSet<Row> = bases().iter().flat_map(neighbours).filter(is_possible).collect();
    for (name, part, other) in &rules {
        let alter = |stage: &Stage| {
            let path = "usr/sbin/fence_digitalocean";
            let script = stage.root.stack.read(path);
            assert!(script.contains(part), "the script has no longer {part:?}");
            stage.root.stack.write(path, &script.replacen(part, other, 1));
        };
        let found = differences(&rows, 1, &alter);
        assert!(!found.is_empty(), "no row shows that {name}");
        say(&format!("{name}: found out"));
    }
}

/// Pacemaker asks twice where the peer was in sight for a moment before its reset took effect: it is reset once.
#[test]
fn a_proof_counts_until_the_peer_has_joined_again() {
    if tool("jq").is_none() {
        return;
    }
    let stage = Stage::new(false);
    stage.root.stand_in("corosync-cmapctl", "cat \"$DOFLOAT_ROOT/joins\"");
    let joins = |count: u64| stage.root.stack.write("joins", &format!("runtime.members.1.join_count (u32) = {count}\n"));
    let rows: BTreeSet<Row> = bases().iter().flat_map(neighbours).filter(is_possible).collect();
    let of = |wanted: Move| {
        let fits = |row: &&Row| !row.facts.first && !row.facts.waiting && decide(&row.facts, row.memory, &SECONDS).0 == wanted;
        rows.iter().find(fits).expect("there is such a row")
    };
    let (lost, proof, member) = (of(Move::Cycle), of(Move::Proof), of(Move::Drop));
    joins(1);
    assert_eq!(stage.run(lost).0, Move::Cycle, "nothing was proven yet");
    assert_eq!(stage.run(proof).0, Move::Proof);
    assert_eq!(stage.run(lost).0, Move::Proof, "it has not joined since");
    assert_eq!(stage.run(member).0, Move::Drop);
    joins(2);
    assert_eq!(stage.run(lost).0, Move::Cycle, "it has joined, and is lost again");
}
