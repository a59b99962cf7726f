//! One object at several addresses: modules that each make the tags that they need stand side by side, and so do blocks that each
//! put something into one project.

use dofloat::sim::Options;

use crate::support::cloud::Cloud;
use crate::support::harness::Stack;

fn tag(block: &str, name: &str) -> String {
    format!("resource \"digitalocean_tag\" \"{block}\" {{\n  name = \"{name}\"\n}}\n")
}

fn tags(cloud: &Cloud) -> Vec<String> {
    cloud.show("tags").iter().map(|tag| tag["name"].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn a_tag_stays_as_long_as_one_block_has_it() {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("one", &(tag("a", "web") + &tag("b", "web") + &tag("c", "web"))));
    let planned = stack.run(&["plan"]).ok().mentions("warning: digitalocean_tag.b: digitalocean_tag.a is the tag `web` too.");
    planned.says("Plan: 3 to add, 0 to change, 0 to destroy.");
    stack.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 3 added, 0 changed, 0 destroyed.");
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    // Whoever goes takes nothing from those that stay, be it the first or the last.
    stack.write("plans/one.tf", &(tag("b", "web") + &tag("c", "web")));
    stack.run(&["plan"]).ok().mentions("digitalocean_tag.a will be removed from the state, but not destroyed");
    stack.run(&["apply", "-auto-approve"]).ok();
    stack.write("plans/one.tf", &(tag("b", "web") + &tag("d", "web")));
    stack.run(&["apply", "-auto-approve"]).ok();
    assert_eq!(tags(&cloud), ["web"]);
    // Another name of one alone would take it away from the other.
    stack.write("plans/one.tf", &(tag("b", "other") + &tag("d", "web")));
    let said = stack.run(&["plan"]).exits(1).mentions("digitalocean_tag.d is the same object, web.");
    said.mentions("Rename both, or let this block have another name as well");
    stack.write("plans/one.tf", &(tag("b", "other") + &tag("d", "other")));
    stack.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 2 added, 0 changed, 2 destroyed.");
    assert_eq!(tags(&cloud), ["other"]);
    stack.write("plans/one.tf", &(tag("e", "more") + &tag("d", "other")));
    stack.run(&["apply", "-auto-approve"]).ok();
    assert_eq!(tags(&cloud).len(), 2);
    stack.write("plans/one.tf", &(tag("e", "other") + &tag("d", "other")));
    stack.run(&["apply", "-auto-approve"]).ok();
    stack.run(&["destroy", "-target=digitalocean_tag.d", "-auto-approve"]).ok();
    assert_eq!(tags(&cloud), ["other"]);
    stack.write("plans/one.tf", &(tag("e", "other") + &tag("d", "other")));
    stack.run(&["apply", "-auto-approve"]).ok();
    stack.run(&["destroy", "-auto-approve"]).ok();
    assert_eq!(tags(&cloud), Vec::<String>::new());
}

#[test]
fn what_two_blocks_put_into_one_project_is_seen_at_both() {
    let cloud = Cloud::start(Options::default());
    let domain = |name: &str| format!("resource \"digitalocean_domain\" \"{name}\" {{\n  name = \"{name}.example.com\"\n}}\n");
    let lodged = |name: &str| {
        format!(
            "resource \"digitalocean_project_resources\" \"{name}\" {{\n  project   = digitalocean_project.p.id\n  resources = [digitalocean_domain.{name}.urn]\n}}\n"
        )
    };
    let both = ["resource \"digitalocean_project\" \"p\" {\n  name = \"shop\"\n}\n".to_owned(), domain("a"), domain("b")].concat();
    let stack = cloud.serve(Stack::with_plan("one", &(both.clone() + &lodged("a") + &lodged("b"))));
    stack.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 5 added, 0 changed, 0 destroyed.");
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    stack.write("plans/one.tf", &(both + &lodged("b")));
    stack.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 0 changed, 1 destroyed.");
    stack.run(&["plan", "-detailed-exitcode"]).ok().says("No changes.");
    stack.run(&["destroy", "-auto-approve"]).ok();
}
