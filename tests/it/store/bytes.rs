//! The bytes of a state: the same for the same content, and a small change of the content is a small change of the file.

use crate::support::harness::Stack;

const STATE: &str = ".dofloat/sim/web/web.json";
const DONE: &str = "Apply complete! Resources: 0 added, 0 changed, 0 destroyed.";

fn applied(stack: &Stack) -> String {
    stack.run(&["apply", "web", "--sim", "-auto-approve"]).ok();
    stack.read(STATE)
}

/// The top-level blocks of a file, last to first; comments stay before their block.
fn backwards(text: &str) -> String {
    let mut blocks: Vec<String> = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if let Some(block) = blocks.last_mut() {
            block.push_str(line);
        }
        if line == "}\n" {
            blocks.push(String::new());
        }
    }
    blocks.reverse();
    blocks.concat()
}

#[test]
fn what_changes_nothing_changes_no_byte() {
    let stack = Stack::clone_of_the_package();
    let first = applied(&stack);
    stack.run(&["apply", "web", "--sim", "-auto-approve"]).ok().says(DONE);
    assert_eq!(stack.read(STATE), first, "a no-op apply");
    let turned = backwards(&stack.read("plans/web.tf"));
    assert_ne!(turned, stack.read("plans/web.tf"));
    stack.write("plans/web.tf", &turned);
    stack.run(&["plan", "web", "--sim", "-out=saved"]).ok().says("No changes.");
    stack.run(&["apply", "--sim", "saved"]).ok().says(DONE);
    assert_eq!(stack.read(STATE), first, "the same blocks in another order");
    stack.run(&["refresh", "web", "--sim"]).ok();
    assert_eq!(stack.read(STATE), first, "a refresh that finds nothing new");
    let other = Stack::clone_of_the_package();
    other.write("plans/web.tf", &turned);
    assert_eq!(applied(&other), first, "another fresh world, and the blocks in another order");
}

#[test]
fn one_attribute_is_one_line_beside_the_serial() {
    let plan = "resource \"digitalocean_domain\" \"d\" {\n  name = \"example.com\"\n}\n\nresource \"digitalocean_record\" \"www\" {\n  domain = digitalocean_domain.d.name\n  type   = \"A\"\n  name   = \"www\"\n  value  = \"192.0.2.7\"\n  ttl    = 300\n}\n";
    let stack = Stack::with_plan("web", plan);
    let before = applied(&stack);
    stack.replace("plans/web.tf", "300", "600");
    let after = applied(&stack);
    assert_eq!(before.lines().count(), after.lines().count());
    let changed: Vec<_> = before.lines().zip(after.lines()).filter(|(before, after)| before != after).collect();
    assert_eq!(changed, [("  \"serial\": 1,", "  \"serial\": 2,"), ("        \"ttl\": 300,", "        \"ttl\": 600,")]);
}

#[test]
fn a_number_with_more_digits_than_a_machine_holds_stays_as_it_is() {
    let plan = "resource \"terraform_data\" \"third\" {\n  input = [1 / 3, 12345678901234567890123, 0.30000000000000004]\n}\noutput \"third\" {\n  \
                value = 1 / 3\n}\n";
    let stack = Stack::with_plan("web", plan);
    stack.run(&["apply", "web", "--sim", "-auto-approve"]).ok();
    stack.run(&["plan", "web", "--sim", "-detailed-exitcode"]).ok().says("No changes.");
    let state = stack.read(".dofloat/sim/web/web.json");
    for digits in ["0.33333333333333333333333333", "12345678901234567890123,", "0.30000000000000004"] {
        assert!(state.contains(digits), "{digits} is not in\n{state}");
    }
}
