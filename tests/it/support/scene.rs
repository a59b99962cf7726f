//! A stack in an account, and what must hold once a run has gone through: nothing lost, nothing twice, nothing of others.
//!
//! Invariant: the world is judged by its shape (what there is, by name and relation, without identities), and the shape that
//! is expected is what an undisturbed run of the same story leaves. What others have made is left out of it, and is the same
//! in the end as it was.

mod ending;
mod others;
mod plans;
mod shape;

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dofloat::sim::{ClockMode, Limits, Options};
use dofloat::state::secrets::{self, Keys};
use serde_json::Value;

use crate::support::cloud::Cloud;
use crate::support::harness::{Outcome, Stack};

pub(crate) use ending::Ended;
pub(crate) use others::{DEEDS, Deed, Harm, Theirs};
pub(crate) use plans::{OF_THE_ESTATE, PAIR, POWERED_OFF, STORIES, Story};
pub(crate) use shape::{differences, identities, inventory, remembered, shape};

/// The token of a pair's nodes.
pub(crate) const NODE_TOKEN: &str = "token-of-the-nodes-4712";

/// More than any story needs; what the limits say is other tests' business.
const LIMITS: Limits = Limits { droplets: 100, reserved_ips: 50 };

/// A story up to its command: played once, and opened for each case.
pub(crate) struct Stage {
    pub(crate) story: Story,
    stack: Stack,
    /// Where the other stack lies, if there is one: in a folder of its own or in the same.
    next: Option<Next>,
    world: Value,
    /// What the other stack has made already.
    theirs: Theirs,
    clock: ClockMode,
}

/// Another stack of the same account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beside {
    /// Whether its plan and state lie in the same folder.
    pub(crate) same_folder: bool,
    /// Whether it is applied when the story's command runs.
    pub(crate) applied: bool,
}

/// The folder of the other stack; none if it is the same.
struct Next(Option<Stack>);

/// A folder and an account.
pub(crate) struct Scene {
    pub(crate) cloud: Cloud,
    pub(crate) stack: Stack,
    next: Option<Next>,
    story: Story,
    theirs: Theirs,
    /// What somebody has done that is not made good.
    borne: Option<Deed>,
}

impl Stage {
    pub(crate) fn set(story: Story) -> Self {
        Self::beside(story, None)
    }

    /// With another stack in the account.
    pub(crate) fn beside(story: Story, beside: Option<Beside>) -> Self {
        let mut stage = Self {
            story,
            stack: Stack::in_memory(),
            next: None,
            world: Value::Null,
            theirs: Theirs::default(),
            clock: ClockMode::default(),
        };
        stage.next = beside.map(|beside| {
            let folder = (!beside.same_folder).then(Stack::in_memory);
            folder.as_ref().unwrap_or(&stage.stack).write("plans/next.tf", plans::NEXT);
            Next(folder)
        });
        let mut scene = stage.open();
        if let Some(plan) = story.before {
            scene.write_plan(plan);
            scene.stack.run(&["apply", story.of, "-auto-approve"]).ok();
        }
        if beside.is_some_and(|beside| beside.applied) {
            Deed::NextApplies.be_done(&mut scene, &Value::Null);
        }
        for name in story.off {
            let id = &scene.cloud.find("droplets", "name", name)["id"];
            scene.cloud.outside("POST", &format!("/v2/droplets/{id}/actions"), &serde_json::json!({ "type": "power_off" }));
        }
        scene.cloud.settle_down();
        scene.write_plan(story.plan);
        let Scene { cloud, stack, next, theirs, .. } = scene;
        Self { story, world: cloud.world(), stack, next, theirs, clock: ClockMode::default() }
    }

    /// In an account where everything is seen unfinished so many times.
    pub(crate) fn slow(self, looks: u32) -> Self {
        Self { clock: ClockMode::Explicit { looks }, ..self }
    }

    /// The folder and the account as they are when the command runs.
    pub(crate) fn open(&self) -> Scene {
        let cloud = Cloud::start(Options { limits: LIMITS, clock: self.clock, ..Options::default() });
        if !self.world.is_null() {
            cloud.become_like(&self.world);
        }
        let serve = |stack: &Stack| {
            let stack = cloud.serve(stack.copy()).env("TF_VAR_failover_token", NODE_TOKEN);
            stack.env("DOFLOAT_CLOCK", "virtual").env("DOFLOAT_TIME_LIMIT", "60000")
        };
        let next = self.next.as_ref().map(|next| Next(next.0.as_ref().map(serve)));
        Scene { stack: serve(&self.stack), cloud, next, story: self.story, theirs: self.theirs.clone(), borne: None }
    }

    /// The shape that an undisturbed run leaves, and the world that it leaves it in.
    pub(crate) fn undisturbed(&self) -> Goal {
        let scene = self.open();
        scene.command(&[]).ok();
        let goal = Goal { shape: scene.shape(), world: scene.cloud.world(), log: scene.cloud.log() };
        let wrongs = scene.wrongs(&goal.shape);
        assert!(wrongs.is_empty(), "{}: {wrongs:#?}", self.story.name);
        goal
    }
}

/// What an undisturbed run leaves, and what it asked for.
pub(crate) struct Goal {
    pub(crate) shape: Value,
    pub(crate) world: Value,
    pub(crate) log: Vec<dofloat::sim::Exchange>,
}

impl Goal {
    /// A world in which all that the story is about is there: the one at its end, or the one at its start.
    pub(crate) fn model<'a>(&'a self, stage: &'a Stage) -> &'a Value {
        if inventory(&self.world).is_empty() { &stage.world } else { &self.world }
    }

    /// How many of the requests change something.
    pub(crate) fn writes(&self) -> usize {
        self.log.iter().filter(|exchange| exchange.is_write()).count()
    }
}

impl Scene {
    /// The story up to its command.
    pub(crate) fn open(story: Story) -> Self {
        Stage::set(story).open()
    }

    fn write_plan(&self, plan: fn() -> String) {
        self.stack.write(&format!("plans/{}.tf", self.story.of), &plan());
    }

    /// The story's command, with more in its environment.
    pub(crate) fn command(&self, environment: &[(&str, &str)]) -> Outcome {
        self.stack.run_env(environment, self.story.command)
    }

    /// Sets a variable of the environment of what is run from now on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.stack.set(name, value);
    }

    /// What there is but for what is others', without identities.
    fn shape(&self) -> Value {
        self.eased(shape(&self.ours()))
    }

    /// A shape without what is nobody's fault: what is borne, and which node has the address of a pair whose nodes have all
    /// gone at once, or of which somebody has deleted one or switched it off.
    fn eased(&self, shape: Value) -> Value {
        let shape = self.as_without(shape);
        let harms = [Harm::DeleteDroplet, Harm::PowerOff].map(Deed::Does).map(Some);
        let moved = self.story.of == "ha" && harms.contains(&self.borne);
        if self.story.name != plans::AT_ONCE && !moved {
            return shape;
        }
        let text = ["primary", "secondary"]
            .iter()
            .fold(shape.to_string(), |text, node| text.replace(&format!("address held by \\\"{node}\\\""), "address held by a node"));
        let mut shape: Value = serde_json::from_str(&text).expect("it is still JSON");
        if let Some(lines) = shape.as_array_mut() {
            lines.sort_by_key(Value::to_string);
        }
        shape
    }

    /// The account without what is others'.
    fn ours(&self) -> Value {
        shape::without(&self.cloud.world(), &self.theirs.identities())
    }

    /// What is wrong after a run that went through; empty if all is as it must be.
    pub(crate) fn wrongs(&self, expected: &Value) -> Vec<String> {
        let mut wrongs = Vec::new();
        let (expected, shape) = (self.eased(expected.clone()), self.shape());
        if shape != expected {
            wrongs.push(format!("the world is otherwise:\n{}", differences(&expected, &shape)));
        }
        let (world, state) = (identities(&self.ours()), self.remembered());
        if world != state {
            let (orphans, lost): (Vec<_>, Vec<_>) = (world.difference(&state).collect(), state.difference(&world).collect());
            wrongs.push(format!("nothing remembers {orphans:?}; remembered and not there {lost:?}"));
        }
        let of = self.story.of;
        if self.stack.exists(&format!("state/{of}.journal")) {
            wrongs.push("the journal is still there".to_owned());
        }
        wrongs.extend(self.wrong_files());
        wrongs.extend(self.wrong_keys());
        let destroyed = self.story.command[0] == "destroy";
        let plan: &[&str] = if destroyed { &["plan", of, "-destroy", "-detailed-exitcode"] } else { &["plan", of, "-detailed-exitcode"] };
        let plan = self.stack.run(plan);
        if plan.code != 0 {
            wrongs.push(format!("the next plan is not empty: {plan}"));
        }
        if plan.stdout.contains("carries this stack's mark") {
            wrongs.push(format!("there are strays: {plan}"));
        }
        wrongs.extend(self.theirs.wrongs(&self.cloud.world()));
        wrongs
    }

    /// Files that are left beside the states.
    fn wrong_files(&self) -> Option<String> {
        let (of, destroyed) = (self.story.of, self.story.command[0] == "destroy");
        let kept = |path: &String| {
            ["state/next.json", &format!("state/{of}.json")].contains(&path.as_str())
                || !destroyed && of == "ha" && *path == "state/ha.secrets.age"
        };
        let left: Vec<String> = self.stack.files().into_keys().filter(|path| path.starts_with("state/") && !kept(path)).collect();
        (!left.is_empty()).then(|| format!("files are left: {left:?}"))
    }

    /// Nodes of a pair that have another key than the encrypted file.
    fn wrong_keys(&self) -> Vec<String> {
        let path = self.stack.path("state/ha.secrets.age");
        let keys = Keys {
            list: self.stack.path("state/recipients.txt"),
            recipients: Vec::new(),
            identity: self.stack.path("home/.config/dofloat/identity.txt"),
        };
        if !path.exists() {
            return Vec::new();
        }
        let kept = secrets::read(&path, &keys).expect("the secrets can be read").expect("they are there");
        let key = STANDARD.encode(kept.generated["dofloat_cluster.web authkey"].expose());
        let world = self.ours();
        let other = shape::objects(&world["droplets"]).filter(|(_, droplet)| {
            let told = droplet["user_data"].as_str().unwrap_or_default();
            !told.contains(&key) || !told.contains(&STANDARD.encode(NODE_TOKEN))
        });
        other.map(|(_, droplet)| format!("{} does not have the key of the encrypted file", droplet["name"])).collect()
    }

    /// What the state remembers, as kind and identity.
    fn remembered(&self) -> BTreeSet<String> {
        let file = format!("state/{}.json", self.story.of);
        if self.stack.exists(&file) { remembered(&self.stack.json(&file)) } else { BTreeSet::new() }
    }
}

/// The shape that an undisturbed run leaves.
pub(crate) fn undisturbed(story: Story) -> Value {
    Stage::set(story).undisturbed().shape
}
