//! The stacks that stories are told of, and the stories: what is there before, and the command that is disturbed.
//!
//! Invariant: the estate has a resource of every kind there is but for plain kinds, which have walks of their own; what is added to
//! the others must be added to it.

/// What leads up to a command, and the command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Story {
    pub(crate) name: &'static str,
    /// The stack.
    pub(crate) of: &'static str,
    /// The plan that is applied before; none where the stack is new.
    pub(crate) before: Option<fn() -> String>,
    /// The droplets that somebody has switched off since.
    pub(crate) off: &'static [&'static str],
    /// The plan when the command runs.
    pub(crate) plan: fn() -> String,
    pub(crate) command: &'static [&'static str],
}

const WEB: &str = include_str!("../../../../plans/web.tf");
const HA: &str = include_str!("../../../../plans/ha.tf");
const ESTATE: &str = include_str!("../../../../fixtures/config/estate.tf");
/// Another stack in the same account, with droplets of the same names.
pub(crate) const NEXT: &str = include_str!("../../../../fixtures/config/next.tf");

/// The stories of the tutorial's stack.
pub(crate) const STORIES: [Story; 4] = [
    Story { name: "apply", of: "web", before: None, off: &[], plan: web, command: &["apply", "web", "-auto-approve"] },
    Story {
        name: "update",
        of: "web",
        before: Some(web_and_more),
        off: &[],
        plan: web_altered,
        command: &["apply", "web", "-auto-approve"],
    },
    Story {
        name: "replace",
        of: "web",
        before: Some(web_and_more),
        off: &[],
        plan: web_and_more,
        command: &["apply", "web", "-auto-approve", "-replace=digitalocean_droplet.secondary", "-replace=digitalocean_droplet.spare"],
    },
    Story {
        name: "destroy",
        of: "web",
        before: Some(web_and_more),
        off: &[],
        plan: web_and_more,
        command: &["destroy", "web", "-auto-approve"],
    },
];

/// The stories of what was switched off by others, and is switched on again.
pub(crate) const POWERED_OFF: [Story; 2] = [
    Story {
        name: "power on",
        of: "web",
        before: Some(web),
        off: &["primary", "secondary"],
        plan: web_resized,
        command: &["apply", "web", "-auto-approve"],
    },
    Story {
        name: "power on of the pair",
        of: "ha",
        before: Some(ha),
        off: &["primary", "secondary"],
        plan: ha,
        command: &["apply", "ha", "-auto-approve"],
    },
];

pub(crate) const AT_ONCE: &str = "replacement of the pair, all at once";

/// The stories of the pair.
pub(crate) const PAIR: [Story; 4] = [
    Story { name: "apply of the pair", of: "ha", before: None, off: &[], plan: ha, command: &["apply", "ha", "-auto-approve"] },
    Story {
        name: "replacement of the pair, one node after the other",
        of: "ha",
        before: Some(ha),
        off: &[],
        plan: ha_in_another_place,
        command: &["apply", "ha", "-auto-approve"],
    },
    Story { name: AT_ONCE, of: "ha", before: Some(ha), off: &[], plan: ha_of_another_image, command: &["apply", "ha", "-auto-approve"] },
    Story { name: "destroy of the pair", of: "ha", before: Some(ha), off: &[], plan: ha, command: &["destroy", "ha", "-auto-approve"] },
];

/// The stories of the estate.
pub(crate) const OF_THE_ESTATE: [Story; 4] = [
    Story {
        name: "apply of the estate",
        of: "estate",
        before: None,
        off: &[],
        plan: estate,
        command: &["apply", "estate", "-auto-approve"],
    },
    Story {
        name: "update of the estate",
        of: "estate",
        before: Some(estate),
        off: &[],
        plan: estate_altered,
        command: &["apply", "estate", "-auto-approve"],
    },
    Story {
        name: "shrinking of the estate",
        of: "estate",
        before: Some(estate),
        off: &[],
        plan: estate_shrunk,
        command: &["apply", "estate", "-auto-approve"],
    },
    Story {
        name: "destroy of the estate",
        of: "estate",
        before: Some(estate),
        off: &[],
        plan: estate,
        command: &["destroy", "estate", "-auto-approve"],
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

fn web() -> String {
    WEB.to_owned()
}

fn web_and_more() -> String {
    format!("{WEB}{SPARE}")
}

/// A change of each sort: in place, disruptive, replaced with delete first, replaced with create first, removed.
fn web_altered() -> String {
    let primary = "  name      = \"primary\"\n  region    = var.region\n  image     = var.image";
    let secondary = "  name      = \"secondary\"\n  region    = var.region\n  image     = var.image\n  size      = var.size";
    let spare = "  name     = \"spare\"\n  region   = var.region\n  image    = var.image";
    let text = without(web_and_more(), "digitalocean_record", "leaving");
    let text = swap(text, primary, &primary.replace("var.image", "\"ubuntu-22-04-x64\""));
    let text = swap(text, secondary, &secondary.replace("\"secondary\"", "\"second\"").replace("var.size", "\"s-2vcpu-4gb\""));
    let text = swap(text, spare, &spare.replace("var.image", "\"ubuntu-22-04-x64\""));
    let text = swap(text, "[\"old\"]", "[\"new\"]");
    swap(text, "\"5404-5406\"", "\"5404-5407\"")
}

/// One of those that are off is resized too.
fn web_resized() -> String {
    let secondary = "  name      = \"secondary\"\n  region    = var.region\n  image     = var.image\n  size      = var.size";
    swap(web(), secondary, &secondary.replace("var.size", "\"s-2vcpu-4gb\""))
}

fn ha() -> String {
    HA.to_owned()
}

fn ha_in_another_place() -> String {
    swap(ha(), "timezone = \"America/New_York\"", "timezone = \"Europe/Paris\"")
}

fn ha_of_another_image() -> String {
    swap(ha(), "= \"ubuntu-14-04-x64\"", "= \"ubuntu-22-04-x64\"")
}

fn estate() -> String {
    ESTATE.to_owned()
}

/// A change of each sort to each kind that has it, and a droplet that is moved to another address and replaced there.
fn estate_altered() -> String {
    let worker =
        "  count    = 2\n  name     = \"worker\"\n  region   = \"nyc3\"\n  image    = \"ubuntu-24-04-x64\"\n  size     = \"s-1vcpu-1gb\"";
    let twin = "\"twin\" {\n  name     = \"worker\"\n  region   = \"nyc3\"\n  image    = \"ubuntu-24-04-x64\"";
    let spare = "\"digitalocean_reserved_ip\" \"spare\" {\n  region = \"nyc3\"";
    let moving = "digitalocean_reserved_ip.moving.ip_address\n  droplet_id = digitalocean_droplet.host[\"api\"].id";
    let hanging = "digitalocean_volume.data.id\n  droplet_id = digitalocean_droplet.host[\"api\"].id";
    let mut text = without(estate(), "digitalocean_record", "below");
    for (old, new) in [
        (worker, &*worker.replace("1vcpu-1gb", "1vcpu-2gb").replace("\"worker\"", "\"labour\"")),
        (twin, &*twin.replace("24-04", "22-04")),
        (spare, &format!("{spare}\n  droplet_id = digitalocean_droplet.twin.id")),
        (moving, &moving.replace("\"api\"", "\"db\"")),
        (hanging, &hanging.replace("\"api\"", "\"db\"")),
        ("size   = 10", "size   = 20"),
        ("backups    = each.key == \"db\"", "backups    = each.key == \"api\""),
        ("\"estate-ops\"", "\"estate-operators\""),
        ("\"first\"\n}\n\nresource \"terraform_data\"", "\"second\"\n}\n\nresource \"terraform_data\""),
        ("triggers_replace = [\"first\"]", "triggers_replace = [\"second\"]"),
        ("priority = 10", "priority = 20"),
        ("name   = \"www\"", "name   = \"web\""),
        ("port     = 80", "port     = 8080"),
        ("\"at ${", "\"to be found at ${"),
        ("\"5432\"", "\"5433\""),
        ("port_range       = \"80\"", "port_range       = \"443\""),
        ("upstream ${", "upstream is ${"),
    ] {
        text = swap(text, old, new);
    }
    let text = text.replace("digitalocean_droplet.front", "digitalocean_droplet.edge");
    let text = swap(text, "\"digitalocean_droplet\" \"front\"", "\"digitalocean_droplet\" \"edge\"");
    format!("{text}\nmoved {{\n  from = digitalocean_droplet.front\n  to   = digitalocean_droplet.edge\n}}\n")
}

/// Fewer by count and by key, and some of each kind gone.
fn estate_shrunk() -> String {
    let gone = [
        ("digitalocean_droplet", "twin"),
        ("digitalocean_reserved_ip", "spare"),
        ("digitalocean_record", "below"),
        ("digitalocean_record", "six"),
        ("digitalocean_firewall", "front"),
        ("digitalocean_floating_ip", "old"),
        ("digitalocean_floating_ip_assignment", "old"),
        ("digitalocean_volume_attachment", "data"),
        ("terraform_data", "generation"),
    ];
    let text = gone.into_iter().fold(estate(), |text, (kind, name)| without(text, kind, name));
    let text = swap(text, "count    = 2", "count    = 1");
    swap(text, ", db = \"s-1vcpu-2gb\"", "")
}

fn swap(text: String, old: &str, new: &str) -> String {
    assert_eq!(text.matches(old).count(), 1, "{old}");
    text.replace(old, new)
}

/// A plan without one of its blocks.
fn without(text: String, kind: &str, name: &str) -> String {
    let start = text.find(&format!("resource \"{kind}\" \"{name}\"")).unwrap_or_else(|| panic!("no {kind}.{name}"));
    let end = start + text[start..].find("\n}\n").expect("the block ends") + 3;
    format!("{}{}", &text[..start], &text[end..])
}

/// Kinds that are killed and disturbed by walks of their own, since they speak another protocol: `kinds::buckets` and
/// `kinds::objects`.
const WALKED_APART: [&str; 5] = [
    "digitalocean_spaces_bucket",
    "digitalocean_spaces_bucket_cors_configuration",
    "digitalocean_spaces_bucket_logging",
    "digitalocean_spaces_bucket_object",
    "digitalocean_spaces_bucket_policy",
];

#[test]
fn the_estate_has_a_resource_of_every_kind_and_a_record_of_every_type() {
    // Plain kinds have stories of their own, with their kills and lost answers: `kinds::stories`.
    for kind in dofloat::kinds::KINDS.iter().filter(|kind| !kind.is_plain()) {
        let block = format!("resource \"{}\" ", kind.name());
        if WALKED_APART.contains(&kind.name()) {
            assert!(!ESTATE.contains(&block), "{block} need not be excused any more");
            continue;
        }
        assert!(ESTATE.contains(&block), "fixtures/config/estate.tf has no {block}: add it, so that it is killed and disturbed too");
    }
    // The zone's own SOA record is not made.
    let record = dofloat::kinds::kind("digitalocean_record").expect("a kind");
    let row = record.attrs().iter().find(|row| row.name == "type").expect("an attribute");
    let types: Vec<&str> = row.doc.split([' ', ',', '.']).filter(|word| !matches!(*word, "" | "or" | "SOA")).collect();
    assert!(types.len() > 7, "{types:?}");
    for of in types {
        assert!(ESTATE.contains(&format!("= \"{of}\"")), "fixtures/config/estate.tf has no record of the type {of}");
    }
}
