//! The example that comes with the package: what applying `plans/web.tf` in a fresh simulated world gives, byte for byte.

use std::path::Path;

use crate::support::harness::Stack;

/// Run with `UPDATE_EXAMPLE=1` to write the file anew.
#[test]
#[expect(clippy::disallowed_methods, reason = "a switch of the test run, and the one file that it writes")]
fn the_example_state_is_what_apply_gives() {
    let stack = Stack::clone_of_the_package();
    stack.run(&["apply", "web", "--sim", "-auto-approve"]).ok();
    let made = stack.read(".dofloat/sim/web/web.json");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("state/example/web.json");
    if std::env::var_os("UPDATE_EXAMPLE").is_some() {
        std::fs::write(&example, &made).expect("the package can be written");
    }
    let kept = std::fs::read_to_string(&example).expect("the example is there");
    assert_eq!(made, kept, "state/example/web.json is not what `apply web --sim` gives");
    // Applying what is there already changes no byte, and a second world is like the first.
    stack.run(&["apply", "web", "--sim", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 0 changed, 0 destroyed.");
    assert_eq!(stack.read(".dofloat/sim/web/web.json"), made);
    let other = Stack::clone_of_the_package();
    other.run(&["apply", "web", "--sim", "-auto-approve"]).ok();
    assert_eq!(other.read(".dofloat/sim/web/web.json"), made);
}
