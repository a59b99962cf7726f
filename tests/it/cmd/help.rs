//! The help of every command, word for word: options are an interface, and this is where a change of it is seen.

use crate::support::harness::Stack;

#[test]
fn the_help_of_every_command_is_as_agreed() {
    let commands: &[&[&str]] = &[
        &[],
        &["plan"],
        &["apply"],
        &["destroy"],
        &["show"],
        &["output"],
        &["validate"],
        &["fmt"],
        &["init"],
        &["import"],
        &["refresh"],
        &["state"],
        &["state", "list"],
        &["state", "show"],
        &["status"],
        &["drill"],
        &["failover"],
        &["standby"],
        &["online"],
        &["state", "mv"],
        &["state", "rm"],
        &["state", "untaint"],
        &["state", "pull"],
        &["state", "push"],
        &["state", "check"],
        &["state", "recipients"],
        &["state", "recipients", "add"],
        &["state", "merge"],
        &["unlock"],
        &["scopes"],
        &["sim"],
        &["providers"],
        &["providers", "schema"],
        &["version"],
        &["help"],
        &["completions"],
    ];
    let stack = Stack::empty();
    let mut all = String::new();
    for command in commands {
        let outcome = stack.run(&[*command, &["-help"]].concat());
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{command:?}");
        all.push_str(&format!("$ dofloat {}\n{}\n", [*command, &["-help"]].concat().join(" "), outcome.stdout));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn wrong_usage_exits_with_64_and_says_so_on_standard_error() {
    let stack = Stack::empty();
    for line in [&[][..], &["plan", "-nonsense"], &["plan", "-refesh=false"], &["plan", "a", "b"], &["apply", "-token=x"], &["frobnicate"]]
    {
        let outcome = stack.run(line);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (64, ""), "{line:?}");
        assert!(!outcome.stderr.is_empty(), "{line:?}");
    }
    assert!(
        !stack.run(&["apply", "-token=dont-repeat-me"]).stderr.contains("dont-repeat-me"),
        "a token that was given by mistake is not shown"
    );
    assert!(stack.run(&["plan", "-refesh=false"]).stderr.contains("--refresh"), "a slip of the hand is understood");
}

#[test]
fn every_shell_gets_a_completion_script() {
    let stack = Stack::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let outcome = stack.run(&["completions", shell]);
        assert_eq!(outcome.code, 0, "{shell}: {}", outcome.stderr);
        let asks = outcome.stdout.contains("dofloat completions --line");
        assert!(asks || outcome.stdout.contains("dofloat") && outcome.stdout.contains("destroy"), "{shell}");
    }
}

#[test]
fn a_shell_completes_stacks_addresses_and_options_with_one_dash() {
    let plan = "resource \"digitalocean_vpc\" \"net\" {\n  for_each = toset([\"a\"])\n  name     = each.key\n  region   = \"nyc3\"\n}\n";
    let stack = Stack::with_plan("web", plan);
    stack.run(&["apply", "web", "--sim", "-auto-approve"]).ok();
    let script = stack.run(&["completions", "bash"]).ok().stdout;
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_dofloat")).parent().expect("a folder").display().to_string();
    let check = |line: &str, expected: &str| {
        let asks = format!("{script}\nPATH={folder}:$PATH\nCOMP_LINE='{line}'\nCOMP_POINT={}\n", line.len());
        let mut bash = stack.command("bash");
        bash.args(["-c", &format!("{asks}_dofloat\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"")]);
        let output = bash.output().expect("bash runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), expected, "{line}: {}", String::from_utf8_lossy(&output.stderr));
    };
    check("dofloat dest", "destroy");
    check("dofloat plan w", "web");
    check("dofloat plan -detailed", "-detailed-exitcode");
    check("dofloat plan --detailed", "--detailed-exitcode");
    check("dofloat --sim state show web dig", "'digitalocean_vpc.net[\"a\"]'");
    check("dofloat graph -format=s", "svg");
}

#[test]
fn manual_pages_are_written() {
    let stack = Stack::empty();
    stack.run(&["help", "-man=pages"]).ok().mentions("pages/dofloat.1");
    for page in ["dofloat.1", "dofloat-plan.1", "dofloat-state-list.1"] {
        assert!(stack.read(&format!("pages/{page}")).contains(".TH"), "{page}");
    }
}

#[test]
fn help_is_there_on_commands_topics_and_resource_types() {
    let stack = Stack::empty();
    let of = |words: &[&str]| stack.run(&[&["help"], words].concat());
    of(&[]).ok().mentions("Topics (`dofloat help TOPIC`):").mentions("DOFLOAT_STACK").mentions("exit-codes");
    assert_eq!(of(&["plan"]).ok().stdout, stack.run(&["plan", "-help"]).ok().stdout);
    of(&["state", "list"]).ok().mentions("Usage: dofloat state list");
    // A topic that is a command too is followed by the command's help.
    of(&["state"]).ok().says("State: what dofloat remembers").mentions("Usage: dofloat state");
    of(&["provisioners"]).ok().says("Provisioners: ");
    let page = of(&["kind", "digitalocean_droplet"]).ok().stdout;
    for words in [&["kind", "droplet"][..], &["kind", "data.droplet"], &["droplet"]] {
        assert_eq!(of(words).ok().stdout, page, "{words:?}");
    }
    of(&["kind"]).ok().mentions("- digitalocean_droplet: A server.").mentions("- dofloat_cluster: ");
    of(&["kind", "droplt"]).exits(64).mentions("There is no help on `droplt`.").mentions("Did you mean `droplet`?");
    of(&["tokns"]).exits(64).mentions("Did you mean `tokens`?");
    of(&["state", "nothing"]).exits(64).mentions("There is no command `state nothing`.");
}
