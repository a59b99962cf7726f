//! Others at work in the same account: between a run that was killed and the same command again, and while a run lasts.
//!
//! A person who acts while a run lasts does so just before one of the run's changing requests is answered.
//!
//! Invariant: nothing lost, nothing twice, nothing of others: after the end the account holds what an undisturbed run leaves
//! and, untouched, what others have made. Where it cannot be known whose an object is, a person decides, and only there.

use std::fmt;
use std::sync::{Arc, Mutex};

use dofloat::sim::{Exchange, Options};
use serde_json::Value;

use crate::support::cloud::Cloud;
use crate::support::harness::Stack;
use crate::support::scene::{Beside, DEEDS, Deed, Harm, OF_THE_ESTATE, PAIR, STORIES, Stage, Story};
use crate::support::walk::{Stride, walk};

/// The code of a process that a signal ended.
const KILLED: i32 = -1;

/// Where the other stack lies, and whether it is there already.
const BESIDE: [Beside; 4] = [
    Beside { same_folder: true, applied: false },
    Beside { same_folder: true, applied: true },
    Beside { same_folder: false, applied: false },
    Beside { same_folder: false, applied: true },
];

/// What somebody else does at one of a run's changing requests.
struct Case {
    story: &'static str,
    when: When,
    nth: usize,
    deed: Deed,
    /// Which of the stages.
    stage: usize,
    beside: Option<Beside>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// The run is killed before it sends the request; then the other comes.
    KilledBefore,
    /// The run is killed when it has the answer; then the other comes.
    KilledAfter,
    /// The run goes on.
    Meanwhile,
}

impl Case {
    /// Where the run is killed.
    fn point(&self) -> String {
        format!("{}@{}", if self.when == When::KilledAfter { "write.answered" } else { "write.before" }, self.nth)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.when {
            When::Meanwhile => write!(f, "{}, at write {}, {:?}", self.story, self.nth, self.deed)?,
            _ => write!(f, "{}, {}, {:?}", self.story, self.point(), self.deed)?,
        }
        match self.beside {
            None => Ok(()),
            Some(beside) if beside.same_folder => f.write_str(" in the same folder"),
            Some(_) => f.write_str(" in another folder"),
        }
    }
}

#[test]
fn an_apply_is_killed_and_others_come_before_the_rerun() {
    between(STORIES[0], Stride { thin: 97, full: 7 });
}

#[test]
fn an_apply_of_the_estate_is_killed_and_others_come_before_the_rerun() {
    between(OF_THE_ESTATE[0], Stride { thin: 211, full: 7 });
}

#[test]
fn an_apply_of_a_pair_is_killed_and_others_come_before_the_rerun() {
    between(PAIR[0], Stride { thin: 101, full: 7 });
}

#[test]
fn an_update_is_killed_and_others_come_before_the_rerun() {
    between(STORIES[1], Stride { thin: 191, full: 7 });
}

#[test]
fn a_destroy_is_killed_and_others_come_before_the_rerun() {
    between(STORIES[3], Stride { thin: 193, full: 7 });
}

#[test]
fn an_update_of_the_estate_is_killed_and_others_come_before_the_rerun() {
    between(OF_THE_ESTATE[1], Stride { thin: 307, full: 11 });
}

#[test]
fn a_shrinking_of_the_estate_is_killed_and_others_come_before_the_rerun() {
    between(OF_THE_ESTATE[2], Stride { thin: 199, full: 7 });
}

#[test]
fn a_destroy_of_the_estate_is_killed_and_others_come_before_the_rerun() {
    between(OF_THE_ESTATE[3], Stride { thin: 401, full: 13 });
}

#[test]
fn a_rolling_replacement_of_a_pair_is_killed_and_others_come_before_the_rerun() {
    between(PAIR[1], Stride { thin: 211, full: 7 });
}

#[test]
fn a_destroy_of_a_pair_is_killed_and_others_come_before_the_rerun() {
    between(PAIR[3], Stride { thin: 103, full: 7 });
}

#[test]
fn others_come_while_the_tutorials_stack_is_applied() {
    meanwhile(STORIES[0], Stride { thin: 71, full: 3 });
}

#[test]
fn others_come_while_the_tutorials_stack_is_updated() {
    meanwhile(STORIES[1], Stride { thin: 151, full: 5 });
}

#[test]
fn others_come_while_the_estate_is_applied() {
    meanwhile(OF_THE_ESTATE[0], Stride { thin: 211, full: 5 });
}

#[test]
fn others_come_while_the_estate_is_updated() {
    meanwhile(OF_THE_ESTATE[1], Stride { thin: 211, full: 5 });
}

#[test]
fn others_come_while_the_estate_is_destroyed() {
    meanwhile(OF_THE_ESTATE[3], Stride { thin: 199, full: 5 });
}

#[test]
fn others_come_while_a_pair_is_applied() {
    meanwhile(PAIR[0], Stride { thin: 73, full: 5 });
}

#[test]
fn another_stack_of_the_account_is_applied_or_destroyed_at_the_same_time() {
    let stories = [STORIES[0], STORIES[3], OF_THE_ESTATE[0], OF_THE_ESTATE[1], OF_THE_ESTATE[3], PAIR[0], PAIR[3]];
    let mut cases = Vec::new();
    for story in stories {
        cases.extend(BESIDE.map(|beside| Together { story, beside }));
    }
    walk("at the same time", &cases, Stride { thin: 9, full: 1 }, |Together { story, beside }| {
        let stage = Stage::beside(*story, Some(*beside));
        let goal = Stage::set(*story).undisturbed();
        let mut scene = stage.open();
        let wrongs = scene.together();
        let mut ended = scene.go_on(&goal.shape);
        ended.wrongs.extend(wrongs);
        Some(ended)
    });
}

/// Two stacks at once.
struct Together {
    story: Story,
    beside: Beside,
}

impl fmt::Display for Together {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} and {:?}", self.story.name, self.beside)
    }
}

/// Every deed at each of the changing requests.
fn cases(story: Story, writes: usize, whens: &[When]) -> Vec<Case> {
    let mut cases = Vec::new();
    for nth in 1..=writes {
        for when in whens {
            for deed in DEEDS {
                let places: &[usize] = match deed {
                    Deed::NextApplies | Deed::NextDestroys if *when == When::Meanwhile => &[],
                    // What nodes do with their address is their own business.
                    Deed::Does(Harm::Unassign | Harm::DeleteAddress) if story.of == "ha" => &[],
                    Deed::NextApplies => &[1, 3],
                    Deed::NextDestroys => &[2, 4],
                    _ => &[0],
                };
                cases.extend(places.iter().map(|stage| {
                    let beside = stage.checked_sub(1).map(|at| BESIDE[at]);
                    Case { story: story.name, when: *when, nth, deed, stage: *stage, beside }
                }));
            }
        }
    }
    cases
}

fn between(story: Story, stride: Stride) {
    let mut stages = vec![Stage::set(story)];
    stages.extend(BESIDE.map(|beside| Stage::beside(story, Some(beside))));
    let goal = stages[0].undisturbed();
    let cases = cases(story, goal.writes(), &[When::KilledBefore, When::KilledAfter]);
    walk(&format!("killed, and others: {}", story.name), &cases, stride, |case| {
        let stage = &stages[case.stage];
        let mut scene = stage.open();
        let killed = scene.command(&[("DOFLOAT_CRASH", &case.point())]);
        // In another order of what is done at the same time there is one request less.
        if killed.code == 0 || !case.deed.be_done(&mut scene, goal.model(stage)) {
            return None;
        }
        let mut ended = scene.go_on(&goal.shape);
        if killed.code != KILLED {
            ended.wrongs.push(format!("it was not killed: {killed}"));
        }
        Some(ended)
    });
}

/// Whether a zone goes whose records were looked at for the last time before the nth changing request: nothing can save what
/// somebody adds between that look and the order.
fn too_late(log: &[Exchange], nth: usize) -> bool {
    let goes = |asked: &Exchange| asked.method == "DELETE" && asked.path.starts_with("/v2/domains/") && !asked.path.contains("/records");
    let Some(gone) = log.iter().position(goes) else { return false };
    let records = format!("{}/records", log[gone].path);
    let looked = log[..gone].iter().rposition(|asked| asked.method == "GET" && asked.path == records);
    let writes = log.iter().enumerate().filter(|(_, asked)| asked.is_write());
    let added = writes.map(|(at, _)| at).nth(nth - 1);
    added.is_some_and(|added| looked.is_none_or(|looked| looked < added) && added <= gone)
}

fn meanwhile(story: Story, stride: Stride) {
    let stage = Stage::set(story);
    let goal = stage.undisturbed();
    let cases = cases(story, goal.writes(), &[When::Meanwhile]);
    walk(&format!("others meanwhile: {}", story.name), &cases, stride, |case| {
        let mut scene = stage.open();
        let done = Arc::new(Mutex::new(None));
        let (deed, model, known, told) = (case.deed, goal.model(&stage).clone(), scene.knowledge(), Arc::clone(&done));
        scene.cloud.meanwhile(case.nth, move |world| {
            *told.lock().expect("nobody panics") = deed.be_done_in(world, &model, &known);
        });
        let first = scene.command(&[]);
        scene.bear(case.deed);
        let mut theirs = done.lock().expect("nobody panics").take()?;
        if too_late(&scene.cloud.log(), case.nth) {
            theirs.go_with_their_zone();
        }
        scene.theirs(theirs);
        let mut ended = scene.go_on(&goal.shape);
        if ![0, 1, 4].contains(&first.code) || first.code != 0 && !first.stderr.contains("error: ") {
            ended.wrongs.push("it does not fail honestly".to_owned());
        }
        ended.wrongs.iter_mut().for_each(|wrong| wrong.push_str(&format!("\n=== after {first}")));
        Some(ended)
    });
}

/// What is under way when the run is killed is built upon what must be replaced then.
const BUILT_UPON: &str = r#"
resource "digitalocean_ssh_key" "ops" {
  name       = "ops"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ops@example.com"
}

resource "digitalocean_droplet" "web" {
  name     = "web"
  region   = "nyc3"
  image    = "ubuntu-24-04-x64"
  size     = "s-1vcpu-1gb"
  ssh_keys = [digitalocean_ssh_key.ops.id]
}

resource "digitalocean_reserved_ip" "web" {
  region = "nyc3"
}

resource "digitalocean_reserved_ip_assignment" "web" {
  ip_address = digitalocean_reserved_ip.web.ip_address
  droplet_id = digitalocean_droplet.web.id
}
"#;

#[test]
fn what_was_under_way_is_not_waited_for_once_what_it_is_built_upon_goes() {
    let apply = ["apply", "web", "-auto-approve"];
    let open = || {
        let cloud = Cloud::start(Options::default());
        let stack = cloud.serve(Stack::with_plan("web", BUILT_UPON)).env("DOFLOAT_CLOCK", "virtual");
        (cloud, stack)
    };
    let (cloud, stack) = open();
    stack.run(&apply).ok();
    let writes = cloud.requests().0;
    let (cloud, stack) = open();
    stack.run_env(&[("DOFLOAT_CRASH", &format!("write.answered@{writes}"))], &apply).exits(KILLED);
    let key = cloud.find("ssh_keys", "name", "ops");
    cloud.outside("DELETE", &format!("/v2/account/keys/{}", key["id"]), &Value::Null);
    stack.run(&apply).ok();
    assert_eq!(cloud.show("droplets").len(), 1);
    assert_eq!(cloud.show("reserved_ips")[0]["droplet"]["id"], cloud.show("droplets")[0]["id"]);
    stack.run(&["plan", "web", "-detailed-exitcode"]).ok();
}
