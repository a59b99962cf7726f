//! Where a user's files lie: at the top of a folder as Terraform has them, in `plans/`, and what is read beside them.

use std::fs;

use serde_json::json;

use crate::support::harness::Stack;

const TAG: &str =
    "variable \"name\" {}\nresource \"digitalocean_tag\" \"t\" {\n  name = var.name\n}\noutput \"name\" {\n  value = var.name\n}\n";

/// Without the folder for plans, as a repository of Terraform files is.
fn plain() -> Stack {
    let stack = Stack::empty();
    fs::remove_dir(stack.path("plans")).expect("it is empty");
    stack
}

#[test]
fn the_files_of_a_folder_without_plans_are_a_stack() {
    let stack = plain().with_file("main.tf", TAG).with_file("sub/other.tf", "nonsense");
    stack.write("variables.tf.json", r#"{"output": {"other": {"value": "o"}}}"#);
    stack.write("terraform.tfvars", "name = \"from-tfvars\"\n");
    let name = stack.path("").file_name().unwrap().to_string_lossy().trim_start_matches('.').to_owned();
    stack.run(&["validate"]).ok();
    stack.run(&["apply", "--sim", "-auto-approve"]).ok().mentions(&format!("Stack {name}")).says("Apply complete! Resources: 1 added");
    assert!(stack.exists(&format!(".dofloat/sim/{name}/{name}.json")), "{:?}", stack.files().keys());
    stack.run(&["plan", "--sim", "-detailed-exitcode"]).ok().says("No changes.");
    assert_eq!(stack.run(&["output", "--sim", "-raw", "name"]).ok().stdout, "from-tfvars");
    stack.run(&["destroy", "--sim", "-auto-approve"]).ok().says("Destroy complete! Resources: 1 destroyed.");
    // An error names the file as it lies there.
    stack.write("main.tf", "resource \"digitalocean_tag\" \"t\" {\n  nam = 1\n}\n");
    let told = stack.run(&["validate"]).exits(1).stderr;
    assert!(told.contains(" main.tf:2:3"), "{told}");
}

#[test]
fn files_of_values_count_in_terraforms_order() {
    let stack = plain().with_file("main.tf", TAG).env("TF_VAR_name", "environment");
    let value = |stack: &Stack, more: &[&str]| {
        let plan = stack.run(&[&["plan", "--sim"], more].concat()).ok().stdout;
        let line = plan.lines().rfind(|line| line.trim_start().starts_with("+ name")).expect("the output");
        line.split('"').nth(1).expect("a text").to_owned()
    };
    assert_eq!(value(&stack, &[]), "environment");
    for (file, text) in [
        ("terraform.tfvars", "name = \"one\"\n"),
        ("terraform.tfvars.json", "{\"name\": \"two\"}"),
        ("a.auto.tfvars", "name = \"three\"\n"),
        ("b.auto.tfvars.json", "{\"name\": \"four\"}"),
        ("c-terraform.tfvars.auto.tfvars", "name = \"five\"\n"),
    ] {
        stack.write(file, text);
        assert!(text.contains(&value(&stack, &[])), "{file}");
    }
    stack.write("given.tfvars", "name = \"six\"\n");
    assert_eq!(value(&stack, &["-var-file=given.tfvars"]), "six");
    assert_eq!(value(&stack, &["-var-file=given.tfvars", "-var", "name=seven"]), "seven");
    // The only stack of one file has those beside it, too.
    let stack = Stack::with_plan("web", TAG).with_file("plans/terraform.tfvars", "name = \"beside\"\n");
    assert_eq!(value(&stack, &[]), "beside");
}

#[test]
fn plans_win_over_files_at_the_top() {
    let stack = Stack::with_plan("web", "output \"o\" {\n  value = 1\n}\n").with_file("main.tf", "nonsense");
    stack.run(&["validate"]).ok().mentions("web");
}

#[test]
fn a_clone_under_another_name_finds_its_state_or_asks() {
    let stack = plain().with_file("work/main.tf", "resource \"terraform_data\" \"t\" {}\n").env("DIGITALOCEAN_TOKEN", "t");
    stack.run(&["-chdir=work", "apply", "--sim", "-auto-approve"]).ok();
    fs::create_dir_all(stack.path("work/state")).unwrap();
    fs::copy(stack.path("work/.dofloat/sim/work/work.json"), stack.path("work/state/work.json")).unwrap();
    stack.rename("work", "other");
    stack.run(&["-chdir=other", "state", "list"]).ok().mentions("terraform_data.t");
    // A state of something else is not taken for that of these files.
    stack.write("other/main.tf", "output \"o\" {\n  value = 1\n}\n");
    stack.run(&["-chdir=other", "plan"]).exits(4).mentions("DOFLOAT_STACK=work").mentions("DOFLOAT_STACK=other");
}

#[test]
fn a_state_of_terraform_beside_the_files_is_offered_and_nothing_is_made_twice() {
    let state = json!({ "version": 4, "serial": 1, "lineage": "l", "outputs": {}, "resources": [
        { "mode": "managed", "type": "digitalocean_tag", "name": "t", "instances": [{ "attributes": { "id": "x", "name": "x" } }] }
    ] });
    let cloud = crate::support::cloud::Cloud::start(dofloat::sim::Options::default());
    let stack = cloud.serve(plain().with_file("main.tf", "resource \"digitalocean_tag\" \"t\" {\n  name = \"x\"\n}\n"));
    stack.write("terraform.tfstate", &state.to_string());
    stack.run(&["plan"]).ok().mentions("import -tfstate=terraform.tfstate").says("Plan: 1 to add");
    stack.run(&["apply", "-auto-approve"]).exits(4).mentions("import -tfstate=terraform.tfstate");
    stack.run(&["plan", "-out=p"]).exits(4);
    stack.run(&["init"]).ok().mentions("import -tfstate=terraform.tfstate");
    stack.run(&["plan", "--sim"]).ok();
    stack.run(&["apply", "-auto-approve", "-new-stack"]).ok().says("Apply complete! Resources: 1 added");
    stack.run(&["apply", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added");
}

#[test]
fn the_environment_adds_to_the_command_line() {
    let stack = Stack::with_plan("web", TAG).env("TF_CLI_ARGS_plan", "-var name=added").env("TF_CLI_ARGS", "-no-color");
    stack.run(&["plan", "--sim"]).ok().mentions("\"added\"");
    stack.run(&["plan", "--sim", "-var", "name=typed"]).ok().mentions("\"typed\"");
    stack.run_env(&[("TF_CLI_ARGS_plan", "-nonsense")], &["plan", "--sim"]).exits(64).mentions("TF_CLI_ARGS_plan");
}

#[test]
fn a_variable_that_only_feeds_a_provider_need_not_be_set_in_a_simulated_account() {
    let text = "variable \"do_token\" {}\nlocals {\n  t = var.do_token\n}\nprovider \"digitalocean\" {\n  token = local.t\n}\nresource \"digitalocean_tag\" \"t\" {\n  name = \"x\"\n}\n";
    let stack = Stack::with_plan("web", text);
    stack.run(&["plan", "--sim"]).ok().says("Plan: 1 to add");
    stack.run(&["apply", "--sim", "-auto-approve"]).ok();
    stack.run(&["plan", "-input=false"]).exits(1).mentions("The variable \"do_token\" has no value.");
    stack.write("plans/web.tf", &text.replace("\"x\"", "var.do_token"));
    stack.run(&["plan", "--sim"]).exits(1).mentions("The variable \"do_token\" has no value.");
}

#[test]
fn other_backends_are_told_of_and_not_used_in_a_simulated_account() {
    for block in [
        "backend \"remote\" {\n    organization = \"o\"\n    workspaces {\n      name = \"w\"\n    }\n  }",
        "cloud {\n    organization = \"o\"\n  }",
    ] {
        let stack =
            Stack::with_plan("web", &format!("terraform {{\n  {block}\n}}\nresource \"digitalocean_tag\" \"t\" {{\n  name = \"x\"\n}}\n"));
        stack.run(&["plan", "--sim"]).ok().mentions("is not used with --sim").says("Plan: 1 to add");
        stack.run(&["validate"]).ok();
        stack.env("DIGITALOCEAN_TOKEN", "t").run(&["plan"]).exits(1);
    }
}
