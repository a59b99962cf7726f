//! A state that is older than one that somebody knows: a commit, a branch, this clone. Nothing is made a second time because of it,
//! and what is in no state here at all is not doubled either.

use dofloat::sim::Options;

use crate::support::cloud::Cloud;
use crate::support::git::git;
use crate::support::harness::Stack;

const STATE: &str = "state/web.json";
const APPLY: [&str; 3] = ["apply", "web", "-auto-approve"];
/// What is told of a state with the serial 1, where one with 2 is known.
const OLDER: &str = "state/web.json has the serial 1, and ";
const DOUBLED: &str = "would be created a second time: the digitalocean_droplet `";

fn droplet(name: &str) -> String {
    format!(
        "resource \"digitalocean_droplet\" \"{name}\" {{\n  name   = \"{name}\"\n  region = \"nyc3\"\n  image  = \"ubuntu-24-04-x64\"\n  \
         size   = \"s-1vcpu-1gb\"\n}}\nresource \"digitalocean_reserved_ip\" \"{name}\" {{\n  droplet_id = digitalocean_droplet.{name}.id\n}}\n"
    )
}

/// One droplet with an address, serial 1; then two of each, serial 2.
fn applied_twice(cloud: &Cloud, between: impl Fn(&Stack)) -> Stack {
    let stack = cloud.serve(Stack::with_plan("web", &droplet("one")));
    stack.run(&APPLY).ok();
    between(&stack);
    stack.write("plans/web.tf", &(droplet("one") + &droplet("two")));
    stack.run(&APPLY).ok();
    between(&stack);
    assert_eq!(stack.json(STATE)["serial"], 2);
    stack
}

fn commit(stack: &Stack) {
    if !stack.exists(".git") {
        git(stack, &["init", "-q"]).ok();
        stack.write(".gitignore", "home/\n");
    }
    git(stack, &["add", "-A"]).ok();
    git(stack, &["commit", "-qm", "applied"]).ok();
}

/// Nothing goes on with the state that is here, and nothing is changed.
fn refused(stack: &Stack, cloud: &Cloud, why: &str) {
    let (before, made) = (stack.read(STATE), (cloud.show("droplets").len(), cloud.show("reserved_ips").len()));
    stack.write("home/older.json", &before);
    for command in [
        &["plan", "web"][..],
        &["plan", "web", "-out=home/saved"],
        &["plan", "web", "-destroy"],
        &APPLY,
        &["apply", "web", "-auto-approve", "-refresh=false", "-lock=false"],
        &["apply", "web", "-auto-approve", "-accept-older-state=1"],
        &["refresh", "web"],
        &["destroy", "web", "-auto-approve"],
        &["destroy", "web", "-strays", "-auto-approve"],
        &["import", "web", "-discover", "-auto-approve"],
        &["state", "mv", "web", "digitalocean_droplet.one", "digitalocean_droplet.x"],
        &["state", "rm", "web", "digitalocean_droplet.one"],
    ] {
        let refused = stack.run(command).exits(4).mentions(why).mentions("2 already: it is an older state.");
        assert!(refused.stderr.contains("-accept-older-state=2"), "{command:?}: {refused}");
    }
    assert_eq!(stack.read(STATE), before);
    assert_eq!((cloud.show("droplets").len(), cloud.show("reserved_ips").len()), made);
}

#[test]
fn one_of_an_earlier_commit_is_refused() {
    let cloud = Cloud::start(Options::default());
    let stack = applied_twice(&cloud, commit);
    // Another clone knows it by git alone, from below the top of the repository or not.
    std::fs::remove_dir_all(stack.path(".dofloat")).expect("it is there");
    git(&stack, &["checkout", "-q", "HEAD~1", "--", "state"]).ok();
    let head = git(&stack, &["rev-parse", "--short=10", "HEAD"]).ok().stdout;
    refused(&stack, &cloud, &format!("{OLDER}the commit {} of main has ", head.trim()));
    stack.run(&["plan", "web"]).exits(4).mentions(&format!("`git checkout {} -- state/web.json`", head.trim()));
    // It stays so when it is committed.
    commit(&stack);
    refused(&stack, &cloud, OLDER);
    // Put in place by hand, the newer one is taken; the older one is not, but by force, and counts as the newest then.
    stack.write("home/newer.json", &git(&stack, &["show", "HEAD~1:./state/web.json"]).ok().stdout);
    stack.run(&["state", "push", "web", "home/newer.json"]).ok().says("The state was replaced: serial 2,");
    stack.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
    stack.run(&["state", "push", "web", "home/older.json"]).exits(1).mentions("it is an older state");
    stack.run(&["state", "push", "-force", "web", "home/older.json"]).ok().says("The state was replaced: serial 3,");
    let doubled = stack.run(&APPLY).exits(4).mentions(DOUBLED).mentions("-allow-duplicate=digitalocean_droplet.two");
    assert!(!doubled.stderr.contains("older state."), "{doubled}");
}

#[test]
fn one_beside_an_unmerged_branch_is_refused_and_a_merge_mends_it() {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("web", &droplet("one")));
    stack.run(&APPLY).ok();
    commit(&stack);
    git(&stack, &["checkout", "-qb", "other"]).ok();
    stack.write("plans/web.tf", &(droplet("one") + &droplet("two")));
    stack.run(&APPLY).ok();
    commit(&stack);
    git(&stack, &["checkout", "-q", "main"]).ok();
    std::fs::remove_dir_all(stack.path(".dofloat")).expect("it is there");
    stack.run(&["plan", "web"]).exits(4).mentions(OLDER).mentions(" of other has 2 already").mentions("or merge other");
    git(&stack, &["merge", "-q", "other"]).ok();
    stack.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
}

#[test]
fn one_that_this_clone_has_been_beyond_is_refused_and_can_be_given_way() {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("web", &droplet("one")));
    stack.run(&APPLY).ok();
    let older = stack.read(STATE);
    stack.write("plans/web.tf", &(droplet("one") + &droplet("two")));
    stack.run(&APPLY).ok();
    stack.write(STATE, &older);
    refused(&stack, &cloud, &format!("{OLDER}this clone has seen "));
    // Whoever gives the newer one up still doubles nothing.
    let accept = "-accept-older-state=2";
    stack.run(&["plan", "web", accept]).exits(4).mentions(DOUBLED);
    stack.write("plans/web.tf", &droplet("one"));
    stack.run(&["apply", "web", "-auto-approve", accept]).ok().mentions("carries this stack's mark and is not in the state");
    assert_eq!(stack.json(STATE)["serial"], 3, "it is the newest again");
    stack.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
    // A run that is killed after its first word leaves the newest state, too.
    stack.write(STATE, &older);
    stack.write("plans/web.tf", &(droplet("one") + "resource \"digitalocean_tag\" \"t\" {\n  name = \"t\"\n}\n"));
    let killed = stack.run_env(&[("DOFLOAT_CRASH", "journal.after-append@2")], &["apply", "web", "-auto-approve", "-accept-older-state=3"]);
    assert_eq!(killed.code, -1, "{killed}");
    assert_eq!(stack.json(STATE)["serial"], 4);
    stack.run(&APPLY).ok();
    assert_eq!((cloud.show("tags").iter().filter(|tag| tag["name"] == "t").count(), cloud.show("droplets").len()), (1, 2));
}

#[test]
fn where_nobody_knows_a_newer_one_nothing_is_doubled_all_the_same() {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("web", &droplet("one")));
    stack.run(&APPLY).ok();
    let clone = cloud.serve(Stack::empty());
    clone.write(STATE, &stack.read(STATE));
    let firewall = "resource \"digitalocean_firewall\" \"f\" {\n  name = \"wall\"\n  inbound_rule {\n    protocol = \"icmp\"\n    \
                    source_addresses = [\"0.0.0.0/0\"]\n  }\n}\n";
    for stack in [&stack, &clone] {
        stack.write("plans/web.tf", &(droplet("one") + &droplet("two") + firewall));
    }
    stack.run(&APPLY).ok();
    let id = cloud.find("droplets", "name", "two")["id"].to_string();
    for command in [&["plan", "web"][..], &APPLY, &["apply", "web", "-auto-approve", "-refresh=false"]] {
        let refused = clone.run(command).exits(4).mentions(&format!("digitalocean_droplet.two {DOUBLED}two` with id {id} carries"));
        refused.mentions(&format!("dofloat import digitalocean_droplet.two {id}")).mentions("dofloat destroy -strays");
    }
    // What is wrong beside it is told, too.
    clone.run(&["plan", "web"]).exits(4).mentions("plans/web.tf:").mentions("digitalocean_firewall.f");
    assert_eq!(cloud.show("droplets").len(), 2);
    // While a run is at work, what it makes is not left over.
    clone.write("plans/web.tf", &(droplet("one") + &droplet("two")));
    clone.run(&["import", "web", "digitalocean_droplet.two", &id]).ok();
    clone.run(&["plan", "web"]).ok().says("Plan: 1 to add, 0 to change, 0 to destroy.");
    // A second one is made on purpose only.
    clone.run(&["state", "rm", "web", "digitalocean_droplet.two"]).ok();
    clone.run(&[&APPLY[..], &["-target=digitalocean_droplet.two", "-allow-duplicate=digitalocean_droplet.two"]].concat()).ok();
    assert_eq!(cloud.show("droplets").len(), 3);
    clone.run(&["plan", "web"]).ok();
}

#[test]
fn droplets_of_one_name_and_replacements_are_no_doubles() {
    let cloud = Cloud::start(Options::default());
    let plan = |count: u8| {
        droplet("one")
            .replace("{\n  name   = \"one\"", &format!("{{\n  count = {count}\n  name   = \"same\""))
            .replace(".one.id", ".one[0].id")
    };
    let stack = cloud.serve(Stack::with_plan("web", &plan(1)));
    stack.run(&APPLY).ok();
    for count in [3, 2, 4] {
        stack.write("plans/web.tf", &plan(count));
        stack.run(&APPLY).ok();
        assert_eq!(cloud.show("droplets").len(), usize::from(count));
    }
    stack.run(&[&APPLY[..], &["-replace=digitalocean_droplet.one[1]"]].concat()).ok();
    stack.write("plans/web.tf", &plan(4).replace("  size", "  lifecycle {\n    create_before_destroy = true\n  }\n  size"));
    stack.run(&[&APPLY[..], &["-replace=digitalocean_droplet.one[1]"]].concat()).ok();
    stack.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
}

#[test]
fn another_lineage_and_a_world_of_its_own_are_no_newer_ones() {
    let cloud = Cloud::start(Options::default());
    let stack = applied_twice(&cloud, commit);
    stack.run(&["destroy", "web", "-auto-approve"]).ok();
    commit(&stack);
    std::fs::remove_file(stack.path(STATE)).expect("it is there");
    stack.run(&APPLY).ok();
    assert_eq!(stack.json(STATE)["serial"], 1);
    commit(&stack);
    stack.run(&["plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
    // A clone without the history knows nothing of it, and has the newest anyway.
    git(&stack, &["clone", "-q", "--depth=1", &format!("file://{}", stack.path(".").display()), "home/shallow"]).ok();
    let shallow = stack.path("home/shallow").display().to_string();
    stack.run(&["-chdir", &shallow, "plan", "web", "-detailed-exitcode"]).ok().says("No changes.");
    // A simulated world is known by this clone alone, and begins anew with its folder, or with its state.
    let sim = ".dofloat/sim/web/web.json";
    let apply = [&APPLY[..], &["--sim"]].concat();
    stack.run(&apply).ok();
    let older = stack.read(sim);
    stack.replace("plans/web.tf", "name   = \"two\"", "name   = \"three\"");
    stack.run(&apply).ok();
    let newer = stack.read(sim);
    stack.write(sim, &older);
    stack.run(&apply).exits(4).mentions("this clone has seen 2 already");
    stack.write(sim, &newer);
    stack.run(&["destroy", "web", "-auto-approve", "--sim"]).ok();
    std::fs::remove_file(stack.path(sim)).expect("it is there");
    stack.run(&apply).ok();
    stack.run(&["plan", "web", "--sim", "-detailed-exitcode"]).ok();
}
