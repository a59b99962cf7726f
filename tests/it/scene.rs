//! A stack in an account, and what must hold once a run has gone through: nothing lost, nothing twice.
//!
//! Invariant: the world is judged by its shape (what there is, by name and relation, without identities), and the shape that
//! is expected is what an undisturbed run of the same story leaves.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dofloat::sim::{Limits, Options};
use dofloat::state::secrets::{self, Keys};
use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::harness::{Outcome, Stack};

/// What leads up to a command, and the command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Story {
    pub(crate) name: &'static str,
    pub(crate) of: &'static str,
    /// Whether the stack is applied before, as it was.
    pub(crate) applied: bool,
    /// Whether the configuration is the altered one when the command runs.
    pub(crate) altered: bool,
    /// What is altered in the pair's, and to what.
    pub(crate) swap: [&'static str; 2],
    pub(crate) command: &'static [&'static str],
}

/// For stories in which nothing of the pair is altered.
const NO_SWAP: [&str; 2] = ["", ""];

/// The stories of the tutorial's stack.
pub(crate) const STORIES: [Story; 4] = [
    Story { name: "apply", of: "web", applied: false, altered: false, swap: NO_SWAP, command: &["apply", "web", "-auto-approve"] },
    Story { name: "update", of: "web", applied: true, altered: true, swap: NO_SWAP, command: &["apply", "web", "-auto-approve"] },
    Story {
        name: "replace",
        of: "web",
        applied: true,
        altered: false,
        swap: NO_SWAP,
        command: &["apply", "web", "-auto-approve", "-replace=digitalocean_droplet.secondary", "-replace=digitalocean_droplet.spare"],
    },
    Story { name: "destroy", of: "web", applied: true, altered: false, swap: NO_SWAP, command: &["destroy", "web", "-auto-approve"] },
];

const AT_ONCE: &str = "replacement of the pair, all at once";

/// The stories of the pair.
pub(crate) const PAIR: [Story; 4] = [
    Story {
        name: "apply of the pair",
        of: "ha",
        applied: false,
        altered: false,
        swap: NO_SWAP,
        command: &["apply", "ha", "-auto-approve"],
    },
    Story {
        name: "replacement of the pair, one node after the other",
        of: "ha",
        applied: true,
        altered: true,
        swap: ["service        = \"nginx\"", "timezone = \"Europe/Paris\""],
        command: &["apply", "ha", "-auto-approve"],
    },
    Story {
        name: AT_ONCE,
        of: "ha",
        applied: true,
        altered: true,
        swap: ["= \"ubuntu-14-04-x64\"", "= \"ubuntu-22-04-x64\""],
        command: &["apply", "ha", "-auto-approve"],
    },
    Story {
        name: "destroy of the pair",
        of: "ha",
        applied: true,
        altered: false,
        swap: NO_SWAP,
        command: &["destroy", "ha", "-auto-approve"],
    },
];

/// Beside the tutorial's stack: what is replaced by making the new one first.
const SPARE: &str = r#"
resource "digitalocean_droplet" "spare" {
  name     = "spare"
  region   = var.region
  image    = var.image
  size     = var.size
  vpc_uuid = digitalocean_vpc.web.id
  tags     = ["old"]

  lifecycle {
    create_before_destroy = true
  }
}

resource "digitalocean_record" "spare" {
  domain = digitalocean_domain.web.name
  type   = "A"
  name   = "spare"
  value  = digitalocean_droplet.spare.ipv4_address
}

resource "digitalocean_record" "leaving" {
  domain = digitalocean_domain.web.name
  type   = "TXT"
  name   = "leaving"
  value  = "goodbye"
}
"#;

/// The token of a pair's nodes.
pub(crate) const NODE_TOKEN: &str = "token-of-the-nodes-4712";

/// A folder and an account.
pub(crate) struct Scene {
    pub(crate) cloud: Cloud,
    pub(crate) stack: Stack,
    story: Story,
}

impl Scene {
    /// The story up to its command.
    pub(crate) fn open(story: Story) -> Self {
        Self::open_in(story, Options::default(), true)
    }

    pub(crate) fn open_in(story: Story, options: Options, virtual_time: bool) -> Self {
        let cloud = Cloud::start(Options { limits: Limits { droplets: 25, reserved_ips: 5 }, ..options });
        let mut stack = cloud.stack().env("TF_VAR_failover_token", NODE_TOKEN);
        if virtual_time {
            stack = stack.env("DOFLOAT_CLOCK", "virtual").env("DOFLOAT_TIME_LIMIT", "3000");
        }
        let scene = Self { cloud, stack, story };
        if story.applied && story.of == "ha" {
            scene.stack.run(&["apply", "ha", "-auto-approve"]).ok();
        } else if story.applied {
            scene.stack.write("plans/web.tf", &format!("{}{SPARE}", scene.stack.read("plans/web.tf")));
            scene.stack.run(&["apply", "web", "-auto-approve"]).ok();
        }
        if story.altered {
            scene.alter();
        }
        scene.cloud.forget_log();
        scene
    }

    /// A change of each sort: in place, disruptive, replaced with delete first, replaced with create first, removed.
    fn alter(&self) {
        if self.story.of == "ha" {
            return self.stack.replace("plans/ha.tf", self.story.swap[0], self.story.swap[1]);
        }
        let text = self.stack.read("plans/web.tf");
        let primary = "  name      = \"primary\"\n  region    = var.region\n  image     = var.image";
        let secondary = "  name      = \"secondary\"\n  region    = var.region\n  image     = var.image\n  size      = var.size";
        let spare = "  name     = \"spare\"\n  region   = var.region\n  image    = var.image";
        let leaving = text.find("\nresource \"digitalocean_record\" \"leaving\"").expect("it is there");
        let text = text[..leaving].to_owned();
        let swap = |text: String, old: &str, new: &str| {
            assert_eq!(text.matches(old).count(), 1, "{old}");
            text.replace(old, new)
        };
        let text = swap(text, primary, &primary.replace("var.image", "\"ubuntu-22-04-x64\""));
        let text = swap(text, secondary, &secondary.replace("\"secondary\"", "\"second\"").replace("var.size", "\"s-2vcpu-4gb\""));
        let text = swap(text, spare, &spare.replace("var.image", "\"ubuntu-22-04-x64\""));
        let text = swap(text, "[\"old\"]", "[\"new\"]");
        let text = swap(text, "\"5404-5406\"", "\"5404-5407\"");
        self.stack.write("plans/web.tf", &text);
    }

    /// The story's command, with more in its environment.
    pub(crate) fn command(&self, environment: &[(&str, &str)]) -> Outcome {
        self.stack.run_env(environment, self.story.command)
    }

    /// What there is, without identities. Of nodes that have all gone at once it is their own business which of them has the
    /// address in the end.
    fn shape(&self) -> Value {
        let shape = shape(&self.cloud.world());
        if self.story.name != AT_ONCE {
            return shape;
        }
        let text = ["primary", "secondary"]
            .iter()
            .fold(shape.to_string(), |text, node| text.replace(&format!("address held by \\\"{node}\\\""), "address held by a node"));
        serde_json::from_str(&text).expect("it is still JSON")
    }

    /// What is wrong after a run that went through; empty if all is as it must be.
    pub(crate) fn wrongs(&self, expected: &Value) -> Vec<String> {
        let mut wrongs = Vec::new();
        let shape = self.shape();
        if shape != *expected {
            wrongs.push(format!("the world is otherwise:\n{}", differences(expected, &shape)));
        }
        let (world, state) = (identities(&self.cloud.world()), self.remembered());
        if world != state {
            wrongs.push(format!("state and world differ: world {world:?}, state {state:?}"));
        }
        let of = self.story.of;
        if self.stack.exists(&format!("state/{of}.journal")) {
            wrongs.push("the journal is still there".to_owned());
        }
        let destroyed = self.story.command[0] == "destroy";
        let kept = |path: &String| *path == format!("state/{of}.json") || !destroyed && of == "ha" && *path == "state/ha.secrets.age";
        let left: Vec<String> = self.stack.files().into_keys().filter(|path| path.starts_with("state/") && !kept(path)).collect();
        if !left.is_empty() {
            wrongs.push(format!("files are left: {left:?}"));
        }
        wrongs.extend(self.wrong_keys());
        let plan: &[&str] = if destroyed { &["plan", of, "-destroy", "-detailed-exitcode"] } else { &["plan", of, "-detailed-exitcode"] };
        let plan = self.stack.run(plan);
        if plan.code != 0 {
            wrongs.push(format!("the next plan is not empty: {plan}"));
        }
        if plan.stdout.contains("carries this stack's mark") {
            wrongs.push(format!("there are strays: {plan}"));
        }
        wrongs
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
        let world = self.cloud.world();
        let other = objects(&world["droplets"]).filter(|(_, droplet)| {
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

/// What a state remembers, as kind and identity.
pub(crate) fn remembered(state: &Value) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (address, record) in objects(&state["resources"]) {
        let id = record["id"].as_str().unwrap_or_default();
        let own = address.trim_start_matches("dofloat_cluster.web.");
        let kind = own.split('.').next().unwrap_or_default().trim_start_matches("digitalocean_");
        let named = match kind {
            "floating_ip_assignment" | "reserved_ip_assignment" | "terraform_data" | "tag" => continue,
            "reserved_ip" => format!("floating_ip {id}"),
            "record" => format!("record {}", id.rsplit(['/', ',']).next().unwrap_or_default()),
            kind => format!("{kind} {id}"),
        };
        all.insert(named);
    }
    all.extend(state["deposed"].as_array().into_iter().flatten().map(|deposed| format!("deposed {}", deposed["id"])));
    all
}

/// The shape that an undisturbed run leaves.
pub(crate) fn undisturbed(story: Story) -> Value {
    let scene = Scene::open(story);
    scene.command(&[]).ok();
    let expected = scene.shape();
    let wrongs = scene.wrongs(&expected);
    assert!(wrongs.is_empty(), "{}: {wrongs:#?}", story.name);
    expected
}

/// What there is, without identities, sorted.
pub(crate) fn shape(world: &Value) -> Value {
    let names = |kind: &str| -> BTreeMap<String, String> {
        let named = world[kind].as_object().into_iter().flatten();
        named.map(|(id, object)| (id.clone(), object["name"].as_str().unwrap_or_default().to_owned())).collect()
    };
    let (droplets, vpcs) = (names("droplets"), names("vpcs"));
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    for (ip, address) in objects(&world["reserved_ips"]) {
        let holder = droplets.get(&address["droplet"].to_string()).cloned().unwrap_or_default();
        places.insert(ip.clone(), format!("address held by {holder:?}"));
    }
    for (_, droplet) in objects(&world["droplets"]) {
        let name = droplet["name"].as_str().unwrap_or_default();
        places.insert(droplet["public"].as_str().unwrap_or_default().to_owned(), format!("public address of {name}"));
    }
    let mut all: Vec<Value> = Vec::new();
    for (_, droplet) in objects(&world["droplets"]) {
        let mut kept = keep(droplet, &["name", "size", "disk", "image", "region", "power", "backups", "monitoring", "ipv6", "user_data"]);
        kept["vpc"] = json!(droplet["vpc"].as_str().and_then(|vpc| vpcs.get(vpc)));
        if kept["user_data"].as_str().is_some_and(|text| text.contains(&STANDARD.encode(NODE_TOKEN))) {
            kept["user_data"] = json!("what makes a node of it");
        }
        let tags = droplet["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
        kept["tags"] = json!(tags.map(unmarked).collect::<BTreeSet<_>>());
        all.push(json!({ "droplet": kept }));
    }
    for (ip, address) in objects(&world["reserved_ips"]) {
        all.push(json!({ "address": places.get(ip), "region": address["region"] }));
    }
    for (_, vpc) in objects(&world["vpcs"]).filter(|(_, vpc)| vpc["initial"] != true) {
        all.push(json!({ "vpc": keep(vpc, &["name", "region", "description"]) }));
    }
    for (_, firewall) in objects(&world["firewalls"]) {
        all.push(json!({ "firewall": renamed(firewall, &droplets) }));
    }
    for (name, domain) in objects(&world["domains"]) {
        for (_, record) in objects(&domain["records"]) {
            let mut kept = keep(record, &["kind", "name", "data", "ttl", "priority"]);
            if let Some(place) = kept["data"].as_str().and_then(|data| places.get(data)) {
                kept["data"] = json!(place);
            }
            all.push(json!({ "domain": name, "record": kept }));
        }
    }
    all.extend(objects(&world["ssh_keys"]).map(|(_, key)| json!({ "ssh_key": keep(key, &["name"]) })));
    // A tag that nothing carries is what an edit leaves behind; the stack's mark is not.
    all.extend(objects(&world["tags"]).map(|(tag, _)| json!({ "tag": unmarked(tag) })));
    all.sort_by_key(Value::to_string);
    Value::Array(all)
}

fn objects(of: &Value) -> impl Iterator<Item = (&String, &Value)> {
    of.as_object().into_iter().flatten()
}

fn keep(of: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| ((*name).to_owned(), of[*name].clone())).collect::<serde_json::Map<_, _>>().into()
}

fn unmarked(tag: &str) -> String {
    if tag.starts_with("dofloat:") { "the mark".to_owned() } else { tag.to_owned() }
}

/// A firewall with its droplets by name.
fn renamed(of: &Value, droplets: &BTreeMap<String, String>) -> Value {
    match of {
        Value::Object(map) => {
            let kept = map.iter().filter(|(name, _)| !matches!(name.as_str(), "id" | "created" | "created_at" | "pending"));
            kept.map(|(name, value)| (name.clone(), renamed(value, droplets))).collect::<serde_json::Map<_, _>>().into()
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| renamed(item, droplets)).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::String(text) if text.starts_with("dofloat:") => json!(unmarked(text)),
        other => droplets.get(&other.to_string()).map_or_else(|| other.clone(), |name| json!(name)),
    }
}

/// Every object that a state may remember, as kind and identity.
pub(crate) fn identities(world: &Value) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    all.extend(objects(&world["droplets"]).map(|(id, _)| format!("droplet {id}")));
    all.extend(objects(&world["reserved_ips"]).map(|(ip, _)| format!("floating_ip {ip}")));
    all.extend(objects(&world["vpcs"]).filter(|(_, vpc)| vpc["initial"] != true).map(|(id, _)| format!("vpc {id}")));
    all.extend(objects(&world["firewalls"]).map(|(id, _)| format!("firewall {id}")));
    for (name, domain) in objects(&world["domains"]) {
        all.insert(format!("domain {name}"));
        all.extend(objects(&domain["records"]).filter(|(_, record)| record["initial"] != true).map(|(id, _)| format!("record {id}")));
    }
    all
}

/// The lines of which one side has more than the other.
pub(crate) fn differences(expected: &Value, found: &Value) -> String {
    let count = |of: &Value| -> BTreeMap<String, usize> {
        of.as_array().into_iter().flatten().fold(BTreeMap::new(), |mut counts, line| {
            *counts.entry(line.to_string()).or_default() += 1;
            counts
        })
    };
    let (expected, found) = (count(expected), count(found));
    let more = |sign: &str, here: &BTreeMap<String, usize>, there: &BTreeMap<String, usize>| -> Vec<String> {
        let lines = here.iter().filter(|(line, count)| there.get(*line).copied().unwrap_or(0) < **count);
        lines.map(|(line, count)| format!("  {sign} {line} ({count})")).collect()
    };
    [more("missing", &expected, &found), more("too much", &found, &expected)].concat().join("\n")
}
