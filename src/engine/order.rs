//! All ordering of steps, in one place.
//!
//! Invariant: what is made comes after what it is built upon; what is deleted goes before what it was built upon; a replacement
//! is two steps with an edge, and what depends on it moves in between where the new one comes first. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Order, Step, StepId, StepOp};
use super::graph::{self, Cycle};
use dofloat_base::address::Address;
use dofloat_base::identity::Id;
use dofloat_base::planted::{Bug, planted};
use dofloat_state::journal::Op;

/// The work on one resource instance, without order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// It is made.
    pub create: bool,
    /// The unfinished object that is waited for.
    pub settle: Option<Id>,
    /// The edits.
    pub edits: Option<Vec<String>>,
    /// The object that is deleted.
    pub delete: Option<Id>,
    /// Objects that were replaced earlier and are left to delete.
    pub deposed: BTreeSet<Id>,
    /// The object whose record goes.
    pub forget: Option<Id>,
    /// Whether the edits interrupt it.
    pub disruptive: bool,
    /// Whether the edits switch it on.
    pub rises: bool,
    /// Whether it is a data source, which is read.
    pub read: bool,
    /// Which comes first, where it is both made and deleted.
    pub order: Option<Order>,
}

/// A pair whose servers are worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// Which pair.
    pub pair: Address,
    /// Its servers in the order in which they are taken down, the one that serves last.
    pub nodes: Vec<Address>,
    /// Further instances that belong to it, and come before its end.
    pub besides: Vec<Address>,
    /// Whether health is looked at before a server is taken down, and at the end.
    pub gated: bool,
    /// Whether they go down all at once: what they are built upon goes before them.
    pub at_once: bool,
    /// Whether none of them is on: there is nothing that could be taken down, nor anybody to be asked.
    pub dark: bool,
    /// Whether its address is gone and comes anew after them: it serves at none, so none of them could take over from another.
    pub addressless: bool,
    /// Whether the end is looked at although nothing is done: a run was interrupted that had not seen it.
    pub unseen: bool,
}

/// The dependencies.
#[derive(Clone, Copy, Debug)]
pub struct Links<'a> {
    /// As wanted now.
    pub wanted: &'a BTreeMap<Address, BTreeSet<Address>>,
    /// As remembered.
    pub records: &'a BTreeMap<Address, BTreeSet<Address>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Delete(Id),
    AwaitReady,
    Create,
    Edit,
    Forget,
    Read,
    Gate,
}

type Node = (Address, Phase);

/// Puts the work into steps, whose orders have been `spread`.
///
/// # Errors
/// A cycle of addresses, which only damaged records can bring about.
pub fn steps(work: &BTreeMap<Address, Work>, links: Links<'_>, rollouts: &[Rollout]) -> Result<Vec<Step>, Cycle<Address>> {
    let mut nodes: BTreeMap<Node, StepOp> = BTreeMap::new();
    for (address, work) in work {
        let mut add = |phase, op| nodes.insert((address.clone(), phase), StepOp::Object(op));
        if let Some(id) = &work.settle {
            add(Phase::AwaitReady, Op::AwaitReady { id: id.clone() });
        }
        if work.create {
            add(Phase::Create, Op::Create);
        }
        if let Some(edits) = &work.edits {
            add(Phase::Edit, Op::Edit { edits: edits.clone() });
        }
        for id in work.delete.iter().chain(&work.deposed) {
            add(Phase::Delete(id.clone()), Op::Delete { id: id.clone() });
        }
        if let Some(id) = &work.forget {
            add(Phase::Forget, Op::Forget { id: id.clone() });
        }
        if work.read {
            nodes.insert((address.clone(), Phase::Read), StepOp::Read);
        }
    }
    let mut edges = edges(work, links, &nodes)?;
    for rollout in rollouts {
        rolled(rollout, work, &mut nodes, &mut edges);
    }
    let graph = graph::build(nodes.keys().cloned(), edges.iter().cloned())
        .map_err(|Cycle(nodes)| Cycle(nodes.into_iter().map(|node| node.0).collect()))?;
    let order = graph.order();
    let number: BTreeMap<&Node, StepId> = order.iter().zip(0..).map(|(node, at)| (node, StepId(at))).collect();
    let mut needs: BTreeMap<&Node, BTreeSet<StepId>> = BTreeMap::new();
    for (before, after) in &edges {
        if let Some(id) = number.get(before) {
            needs.entry(after).or_default().insert(*id);
        }
    }
    Ok(order
        .iter()
        .filter_map(|node| {
            Some(Step {
                id: number[node],
                address: node.0.clone(),
                op: nodes.get(node)?.clone(),
                needs: needs.remove(node).unwrap_or_default(),
            })
        })
        .collect())
}

/// Whether something that these are built upon is replaced: they cannot be replaced one by one then, as the first could not take
/// over what the others serve upon the old ground.
#[must_use]
pub fn loses_dependency(nodes: &[Address], work: &BTreeMap<Address, Work>, wanted: &BTreeMap<Address, BTreeSet<Address>>) -> bool {
    let mut open: Vec<&Address> = nodes.iter().filter_map(|node| wanted.get(node)).flatten().collect();
    let mut seen = BTreeSet::new();
    while let Some(address) = open.pop() {
        if !seen.insert(address) {
            continue;
        }
        if work.get(address).is_some_and(|work| work.create && work.delete.is_some()) {
            return true;
        }
        open.extend(wanted.get(address).into_iter().flatten());
    }
    false
}

/// Takes the servers of a pair down strictly one after the other, each behind a gate, and puts a gate at the end. Before that,
/// those that are off are switched on, the one that has the address first.
fn rolled(rollout: &Rollout, work: &BTreeMap<Address, Work>, nodes: &mut BTreeMap<Node, StepOp>, edges: &mut BTreeSet<(Node, Node)>) {
    let down = |work: &Work| work.delete.is_some() || work.disruptive;
    let touched: Vec<(&Address, &Work)> = rollout.nodes.iter().filter_map(|node| Some((node, work.get(node)?))).collect();
    let phases = |address: &Address, nodes: &BTreeMap<Node, StepOp>| -> Vec<Node> {
        nodes.keys().filter(|(of, phase)| of == address && *phase != Phase::Gate).cloned().collect()
    };
    let (rising, others): (Vec<_>, Vec<_>) = touched.iter().copied().partition(|(_, work)| work.rises);
    if !rollout.at_once && touched.iter().any(|(_, work)| down(work) || work.rises) {
        let falls = others.iter().any(|(_, work)| down(work));
        let mut before: Vec<Node> = Vec::new();
        for (address, work) in rising.into_iter().rev().chain(others.into_iter().filter(|_| falls)) {
            let own = phases(address, nodes);
            if rollout.gated && down(work) && !rollout.dark && !rollout.addressless && !work.rises {
                let gate = (address.clone(), Phase::Gate);
                nodes.insert(gate.clone(), StepOp::Gate);
                edges.extend(before.drain(..).map(|step| (step, gate.clone())));
                edges.extend(own.iter().map(|step| (gate.clone(), step.clone())));
            } else {
                edges.extend(before.iter().flat_map(|step| own.iter().map(|next| (step.clone(), next.clone()))));
            }
            before = own;
        }
    }
    if rollout.gated && (rollout.unseen || touched.iter().any(|(_, work)| down(work) || work.create || work.settle.is_some() || work.rises))
    {
        let end = (rollout.pair.clone(), Phase::Gate);
        let last: Vec<Node> = rollout.nodes.iter().chain(&rollout.besides).flat_map(|address| phases(address, nodes)).collect();
        nodes.insert(end.clone(), StepOp::Gate);
        edges.extend(last.into_iter().map(|step| (step, end.clone())));
    }
}

/// Spreads `CreateFirst` to whatever a create-first replacement is built upon and that is itself replaced: the old one must outlive
/// its dependents' old ones.
///
/// # Errors
/// A cycle of addresses.
pub fn spread(work: &mut BTreeMap<Address, Work>, wanted: &BTreeMap<Address, BTreeSet<Address>>) -> Result<(), Cycle<Address>> {
    let order = graph::build(wanted.keys().cloned(), pairs(wanted))?.order();
    let mut forced: BTreeSet<Address> = BTreeSet::new();
    for address in order.iter().rev() {
        let mut first = forced.contains(address);
        if let Some(entry) = work.get_mut(address)
            && entry.create
            && entry.delete.is_some()
        {
            if first {
                entry.order = Some(Order::CreateFirst);
            }
            first = entry.order == Some(Order::CreateFirst);
        }
        if first {
            forced.extend(wanted.get(address).into_iter().flatten().cloned());
        }
    }
    Ok(())
}

fn pairs(links: &BTreeMap<Address, BTreeSet<Address>>) -> impl Iterator<Item = (Address, Address)> + '_ {
    links.iter().flat_map(|(address, after)| after.iter().map(move |before| (before.clone(), address.clone())))
}

/// The edges: which step comes before which.
type Edges = BTreeSet<(Node, Node)>;

/// The steps there are, by address.
struct Steps<'a> {
    work: &'a BTreeMap<Address, Work>,
    nodes: &'a BTreeMap<Node, StepOp>,
}

impl Steps<'_> {
    fn node(&self, address: &Address, phase: Phase) -> Option<Node> {
        Some((address.clone(), phase)).filter(|node| self.nodes.contains_key(node))
    }

    /// The last step that brings a wanted instance to where others may build upon it.
    fn last(&self, of: &Address) -> Option<Node> {
        self.node(of, Phase::Edit)
            .or_else(|| self.node(of, Phase::Create))
            .or_else(|| self.node(of, Phase::AwaitReady))
            .or_else(|| self.node(of, Phase::Read))
    }

    /// The first step that does so.
    fn first(&self, of: &Address) -> Option<Node> {
        self.node(of, Phase::AwaitReady)
            .or_else(|| self.node(of, Phase::Create))
            .or_else(|| self.node(of, Phase::Edit))
            .or_else(|| self.node(of, Phase::Read))
    }
}

fn edges(work: &BTreeMap<Address, Work>, links: Links<'_>, nodes: &BTreeMap<Node, StepOp>) -> Result<Edges, Cycle<Address>> {
    let steps = Steps { work, nodes };
    let wanted_order = graph::build(links.wanted.keys().cloned(), pairs(links.wanted))?.order();
    let record_order = graph::build(links.records.keys().cloned(), pairs(links.records))?.order();
    let mut edges = Edges::new();
    made_upon(&steps, links.wanted, &wanted_order, &mut edges);
    moved_from(&steps, links.wanted, &wanted_order, &mut edges);
    if !planted(Bug::DeletesGroundFirst) {
        delete_edges(&steps, links.records, &record_order, &mut edges);
    }
    Ok(edges)
}

/// Creates and edits follow their dependencies.
fn made_upon(steps: &Steps<'_>, wanted: &BTreeMap<Address, BTreeSet<Address>>, order: &[Address], edges: &mut Edges) {
    let mut built_upon: BTreeMap<&Address, BTreeSet<Node>> = BTreeMap::new();
    for address in order {
        let mut needs: BTreeSet<Node> = BTreeSet::new();
        for before in wanted.get(address).into_iter().flatten() {
            match steps.last(before) {
                Some(step) => {
                    needs.insert(step);
                }
                None => needs.extend(built_upon.get(before).into_iter().flatten().cloned()),
            }
        }
        if let Some(start) = steps.first(address) {
            edges.extend(needs.iter().map(|need| (need.clone(), start.clone())));
        }
        built_upon.insert(address, needs);
    }
}

/// The two steps of a replacement, and what depends on it moves in between where the new one comes first.
fn moved_from(steps: &Steps<'_>, wanted: &BTreeMap<Address, BTreeSet<Address>>, order: &[Address], edges: &mut Edges) {
    let mut built_on_it: BTreeMap<&Address, BTreeSet<Node>> = BTreeMap::new();
    for address in order.iter().rev() {
        let here = built_on_it.remove(address).unwrap_or_default();
        let up: BTreeSet<Node> = match steps.last(address) {
            Some(step) => BTreeSet::from([step]),
            None => here.clone(),
        };
        for before in wanted.get(address).into_iter().flatten() {
            if let Some((key, _)) = wanted.get_key_value(before) {
                built_on_it.entry(key).or_default().extend(up.iter().cloned());
            }
        }
        let Some(work) = steps.work.get(address) else { continue };
        let both = work.create.then_some(work.delete.as_ref()).flatten();
        match (both, work.order) {
            (Some(id), Some(Order::CreateFirst)) => {
                let delete = (address.clone(), Phase::Delete(id.clone()));
                edges.insert(((address.clone(), Phase::Create), delete.clone()));
                edges.extend(here.into_iter().map(|step| (step, delete.clone())));
            }
            (Some(id), _) => {
                edges.insert(((address.clone(), Phase::Delete(id.clone())), (address.clone(), Phase::Create)));
            }
            (None, _) => {}
        }
        if let (Some(settle), Some(edit)) = (steps.node(address, Phase::AwaitReady), steps.node(address, Phase::Edit)) {
            edges.insert((settle, edit));
        }
        // An object that was replaced earlier goes when what depends on its successor has moved.
        for id in &work.deposed {
            if let Some(step) = steps.last(address) {
                edges.insert((step, (address.clone(), Phase::Delete(id.clone()))));
            }
        }
    }
}

/// Deletes precede their dependencies.
fn delete_edges(steps: &Steps<'_>, records: &BTreeMap<Address, BTreeSet<Address>>, order: &[Address], edges: &mut Edges) {
    let mut delete_edges: BTreeMap<&Address, BTreeSet<Node>> = BTreeMap::new();
    for address in order.iter().rev() {
        let here = delete_edges.remove(address).unwrap_or_default();
        let own = steps.work.get(address);
        let deletes: BTreeSet<Node> = own
            .into_iter()
            .flat_map(|work| work.delete.iter().chain(&work.deposed))
            .map(|id| (address.clone(), Phase::Delete(id.clone())))
            .collect();
        for delete in &deletes {
            edges.extend(here.iter().map(|step| (step.clone(), delete.clone())));
        }
        let own_delete = own.is_some_and(|work| work.delete.is_some());
        let below: BTreeSet<Node> = if own_delete { deletes } else { here };
        for before in records.get(address).into_iter().flatten() {
            if let Some((key, _)) = records.get_key_value(before) {
                delete_edges.entry(key).or_default().extend(below.iter().cloned());
            }
            // What is edited lets go of what is deleted for good before that goes.
            let for_good = steps.work.get(before).filter(|work| !work.create).and_then(|work| work.delete.clone());
            if let (Some(id), Some(edit)) = (for_good, steps.node(address, Phase::Edit)) {
                edges.insert((edit, (before.clone(), Phase::Delete(id))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &str) -> Address {
        Address::new("k", name)
    }

    /// Work is written `a:create`, `a:edit`, `a:replace`, `a:swap` (create first), `a:delete`, `a:settle`; links `b>a` (b is
    /// built upon a), both as wanted and as remembered unless marked with `w` or `r`.
    fn check(work: &str, links: &str, expected: &[&str]) {
        check_rolled(work, links, &[], expected);
    }

    fn check_rolled(work: &str, links: &str, rollouts: &[Rollout], expected: &[&str]) {
        let mut all: BTreeMap<Address, Work> = BTreeMap::new();
        for word in work.split_whitespace() {
            let (name, what) = word.split_once(':').unwrap();
            let id = Some(Id(format!("{name}1")));
            let work = match what {
                "create" => Work { create: true, ..Work::default() },
                "resize" => Work { edits: Some(vec!["e".to_owned()]), disruptive: true, ..Work::default() },
                "edit" => Work { edits: Some(vec!["e".to_owned()]), ..Work::default() },
                "rise" => Work { edits: Some(vec!["e".to_owned()]), rises: true, ..Work::default() },
                "read" => Work { read: true, ..Work::default() },
                "settle" => Work { settle: id, ..Work::default() },
                "replace" => Work { create: true, delete: id, order: Some(Order::DeleteFirst), ..Work::default() },
                "swap" => Work { create: true, delete: id, order: Some(Order::CreateFirst), ..Work::default() },
                _ => Work { delete: id, ..Work::default() },
            };
            all.insert(at(name), work);
        }
        let (mut wanted, mut records): (BTreeMap<Address, BTreeSet<Address>>, _) = (BTreeMap::new(), BTreeMap::new());
        for word in links.split_whitespace() {
            let (only, word) = match word.split_once('/') {
                Some((only, word)) => (only, word),
                None => ("", word),
            };
            let (name, upon) = word.split_once('>').unwrap();
            for (map, letter) in [(&mut wanted, "w"), (&mut records, "r")] {
                if only.is_empty() || only == letter {
                    map.entry(at(name)).or_insert_with(BTreeSet::new).insert(at(upon));
                    map.entry(at(upon)).or_insert_with(BTreeSet::new);
                }
            }
        }
        spread(&mut all, &wanted).unwrap();
        let steps = steps(&all, Links { wanted: &wanted, records: &records }, rollouts).unwrap();
        let name = |step: &Step| {
            let sign = match &step.op {
                StepOp::Gate => "|",
                StepOp::Read => "<",
                StepOp::Object(Op::Create) => "+",
                StepOp::Object(Op::Delete { .. }) => "-",
                StepOp::Object(Op::Edit { .. }) => "~",
                StepOp::Object(Op::AwaitReady { .. }) => "?",
                StepOp::Object(Op::Forget { .. }) => ".",
            };
            format!("{sign}{}", step.address.name)
        };
        let found: Vec<String> = steps
            .iter()
            .map(|step| {
                let needs: Vec<String> = step.needs.iter().map(|id| name(&steps[id.0 as usize])).collect();
                if needs.is_empty() { name(step) } else { format!("{} after {}", name(step), needs.join(" ")) }
            })
            .collect();
        assert_eq!(found, expected, "{work} | {links}");
    }

    #[test]
    fn what_is_made_follows_what_it_is_built_upon() {
        check("a:create b:create c:create", "b>a c>b", &["+a", "+b after +a", "+c after +b"]);
        check("a:edit c:create", "b>a c>b", &["~a", "+c after ~a"]);
        check("a:settle b:create", "b>a", &["?a", "+b after ?a"]);
        check("a:create d:read b:create", "d>a b>d", &["+a", "<d after +a", "+b after <d"]);
    }

    #[test]
    fn what_is_deleted_goes_before_what_it_was_built_upon() {
        check("a:delete b:delete c:delete", "r/b>a r/c>b", &["-c", "-b after -c", "-a after -b"]);
        check("a:delete c:delete", "r/b>a r/c>b", &["-c", "-a after -c"]);
        check("a:delete b:edit", "r/b>a", &["~b", "-a after ~b"]);
    }

    #[test]
    fn a_replacement_lies_between_the_deletes_and_the_creates_of_its_dependents() {
        check("a:replace b:replace", "b>a", &["-b", "-a after -b", "+a after -a", "+b after -b +a"]);
        check("a:replace b:edit", "b>a", &["-a", "+a after -a", "~b after +a"]);
    }

    fn pair(nodes: &[&str]) -> [Rollout; 1] {
        let nodes = nodes.iter().map(|name| at(name)).collect();
        [Rollout {
            pair: at("pair"),
            nodes,
            besides: vec![at("ip")],
            gated: true,
            at_once: false,
            dark: false,
            addressless: false,
            unseen: false,
        }]
    }

    #[test]
    fn a_pair_that_is_made_is_looked_at_once() {
        check_rolled("a:create b:create ip:create", "ip>a", &pair(&["a", "b"]), &["+a", "+b", "+ip after +a", "|pair after +a +b +ip"]);
    }

    #[test]
    fn the_servers_of_a_pair_go_down_one_after_the_other_each_behind_a_gate() {
        let expected =
            ["|b", "-b after |b", "+b after |b -b", "|a after -b +b", "-a after |a", "+a after |a -a", "|pair after -b +b -a +a"];
        check_rolled("a:replace b:replace", "a>net b>net ip>a", &pair(&["b", "a"]), &expected);
        let expected = ["|b", "~b after |b", "|a after ~b", "-a after |a", "+a after |a -a", "|pair after ~b -a +a"];
        check_rolled("a:replace b:resize", "a>net b>net ip>a", &pair(&["b", "a"]), &expected);
    }

    #[test]
    fn without_gates_a_pair_goes_down_one_after_the_other_all_the_same() {
        let rollouts = pair(&["b", "a"]).map(|rollout| Rollout { gated: false, ..rollout });
        check_rolled("a:replace b:replace", "a>net b>net", &rollouts, &["-b", "+b after -b", "-a after -b +b", "+a after -b +b -a"]);
    }

    #[test]
    fn what_is_off_is_switched_on_before_another_is_taken_down_and_the_holder_first() {
        check_rolled("a:rise b:rise", "", &pair(&["b", "a"]), &["~a", "~b after ~a", "|pair after ~a ~b"]);
        let expected = ["~b", "|a after ~b", "-a after |a", "+a after |a -a", "|pair after ~b -a +a"];
        check_rolled("a:replace b:rise", "a>net b>net", &pair(&["b", "a"]), &expected);
        // Where the address is gone, nobody can take over from another.
        let rollouts = pair(&["b", "a"]).map(|rollout| Rollout { addressless: true, ..rollout });
        let expected = ["-b", "+b after -b", "-a after -b +b", "+a after -b +b -a", "|pair after -b +b -a +a"];
        check_rolled("a:replace b:replace", "a>net b>net", &rollouts, &expected);
        // Where none is on, nobody is asked whether one may be taken down.
        let rollouts = pair(&["b", "a"]).map(|rollout| Rollout { dark: true, ..rollout });
        let expected = ["~a", "-b after ~a", "+b after ~a -b", "|pair after ~a -b +b"];
        check_rolled("a:rise b:replace", "a>net b>net", &rollouts, &expected);
    }

    #[test]
    fn a_pair_whose_ground_is_replaced_goes_down_at_once() {
        let rollouts = pair(&["b", "a"]).map(|rollout| Rollout { at_once: true, ..rollout });
        let expected =
            ["-a", "-b", "-net after -a -b", "+net after -net", "+a after -a +net", "+b after -b +net", "|pair after -a -b +a +b"];
        check_rolled("net:replace a:replace b:replace", "a>net b>net", &rollouts, &expected);
        let (work, ground) = (Work { create: true, delete: Some(Id("1".to_owned())), ..Work::default() }, BTreeSet::from([at("net")]));
        let wanted = BTreeMap::from([(at("a"), ground), (at("net"), BTreeSet::new())]);
        assert!(loses_dependency(&[at("a")], &BTreeMap::from([(at("net"), work)]), &wanted));
        let edited = Work { edits: Some(vec!["e".to_owned()]), ..Work::default() };
        assert!(!loses_dependency(&[at("a")], &BTreeMap::from([(at("net"), edited)]), &wanted));
    }

    #[test]
    fn an_edit_that_disturbs_nobody_needs_no_gate_and_an_end_that_was_not_seen_does() {
        check_rolled("a:edit b:edit", "", &pair(&["b", "a"]), &["~a", "~b"]);
        let rollouts = pair(&["b", "a"]).map(|rollout| Rollout { unseen: true, ..rollout });
        check_rolled("", "", &rollouts, &["|pair"]);
    }

    #[test]
    fn a_new_one_that_comes_first_waits_for_its_dependents_to_move() {
        check("a:swap b:edit", "b>a", &["+a", "~b after +a", "-a after +a ~b"]);
        check("a:replace b:swap", "b>a", &["+a", "+b after +a", "-b after +b", "-a after +a +b -b"]);
    }
}
