//! Modules that lie elsewhere: fetched once, pinned, and refused where they are not what was pinned. Repositories are the test's own,
//! reached by `insteadOf` or over HTTP on loopback; so is the registry.

use std::path::PathBuf;
use std::process::Stdio;

use crate::support::git::git;
use crate::support::harness::{Outcome, Stack};
use crate::support::registry::Registry;
use crate::support::smart_http::{PASSWORD, SmartHttp, USER};

const TAG: &str = "variable \"name\" {}\nresource \"digitalocean_tag\" \"this\" {\n  name = var.name\n}\noutput \"name\" {\n  value = digitalocean_tag.this.name\n}\n";

const SOURCE: &str = "git::https://git.example.org/net.git//modules/tag?ref=v1";
const PACKAGE: &str = "git::https://git.example.org/net.git?ref=v1";

/// A repository with a module in a folder, at the tag `v1`.
fn hub() -> Stack {
    let hub = Stack::empty();
    git(&hub, &["init", "-q", "net"]).ok();
    hub.write("net/modules/tag/main.tf", TAG);
    commit(&hub, "one");
    git(&hub, &["-C", "net", "tag", "v1"]).ok();
    // As hosts have it, whose repositories have no work tree.
    std::os::unix::fs::symlink(hub.path("net/.git"), hub.path("net.git")).expect("a link");
    hub
}

fn commit(hub: &Stack, message: &str) {
    git(hub, &["-C", "net", "add", "-A"]).ok();
    git(hub, &["-C", "net", "commit", "-q", "-m", message]).ok();
}

fn call(source: &str) -> String {
    format!("module \"tag\" {{\n  source = \"{source}\"\n  name   = \"web\"\n}}\noutput \"name\" {{\n  value = module.tag.name\n}}\n")
}

/// A folder whose git finds the hub behind the address.
fn user(hub: &Stack, source: &str) -> Stack {
    let stack = Stack::with_plan("web", &call(source));
    let hub = std::fs::canonicalize(hub.path(".")).expect("it is there");
    stack.write("home/.gitconfig", &format!("[url \"file://{}/\"]\n  insteadOf = https://git.example.org/\n", hub.display()));
    stack
}

/// The folders of packages, those that are not finished included.
fn packages(stack: &Stack) -> Vec<PathBuf> {
    let all = std::fs::read_dir(stack.path(".dofloat/modules")).into_iter().flatten().flatten();
    all.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn forget(stack: &Stack) {
    std::fs::remove_dir_all(stack.path(".dofloat/modules")).expect("there are some");
}

fn nothing_written(stack: &Stack) {
    assert!(!stack.exists("modules.lock") && packages(stack).is_empty(), "{:?}", packages(stack));
}

#[test]
fn a_module_is_fetched_once_and_pinned() {
    let hub = hub();
    let stack = user(&hub, SOURCE);
    stack.run(&["validate"]).exits(1).mentions("is not installed").mentions("`dofloat init` fetches it").mentions("plans/web.tf:2");
    stack.run(&["plan", "--sim"]).ok().says(&format!("Fetched {PACKAGE}: commit ")).mentions("module.tag.digitalocean_tag.this");
    let lock = stack.json("modules.lock");
    let pin = &lock["modules"][PACKAGE];
    assert_eq!(pin["commit"].as_str().map(str::len), Some(40), "{lock}");
    assert!(pin["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")), "{lock}");
    // Nobody is asked any more.
    hub.rename("net", "gone");
    let again = stack.run(&["plan", "--sim"]).ok();
    assert!(!again.stdout.contains("Fetched"), "{again}");
    stack.run(&["validate"]).ok();
    stack.run(&["init"]).ok().says("All modules of the stack web are installed.");
    // A clone that has the lock and not the files needs the server, and says so.
    forget(&stack);
    stack.run(&["plan", "--sim"]).exits(1).mentions("Failed to fetch https://git.example.org/net.git").mentions("plans/web.tf:2");
    stack.run(&["plan", "--sim", "-skip-unsupported"]).ok().mentions("module: module.tag.").mentions("Failed to fetch");
    hub.rename("gone", "net");
    stack.run(&["get"]).ok().says(&format!("Fetched {PACKAGE}"));
    stack.run(&["apply", "--sim", "-auto-approve"]).ok().says("Apply complete! Resources: 1 added");
    assert_eq!(stack.json("modules.lock"), lock);
}

#[test]
fn a_tag_that_was_moved_is_refused_until_it_is_asked_for() {
    let hub = hub();
    let stack = user(&hub, SOURCE);
    stack.run(&["init"]).ok().mentions("commit that file");
    let before = stack.read("modules.lock");
    hub.write("net/modules/tag/main.tf", &TAG.replace("name = var.name", "name = \"other\""));
    commit(&hub, "two");
    git(&hub, &["-C", "net", "tag", "-f", "-a", "-m", "moved", "v1"]).ok();
    // What is here is what was locked.
    stack.run(&["plan", "--sim"]).ok().mentions("\"web\"");
    forget(&stack);
    stack
        .run(&["plan", "--sim"])
        .exits(1)
        .mentions("The tag v1 of https://git.example.org/net.git was the commit")
        .mentions("init -upgrade");
    assert!(packages(&stack).is_empty());
    assert_eq!(stack.read("modules.lock"), before);
    stack.run(&["init", "-upgrade"]).ok().says(&format!("Fetched {PACKAGE}"));
    assert_ne!(stack.read("modules.lock"), before);
    stack.run(&["plan", "--sim"]).ok().mentions("\"other\"");
}

#[test]
fn a_branch_that_went_on_stays_where_it_was_locked() {
    let hub = hub();
    let stack = user(&hub, "git::https://git.example.org/net.git//modules/tag?ref=main&depth=1");
    stack.run(&["init"]).ok();
    let before = stack.read("modules.lock");
    hub.write("net/modules/tag/main.tf", &TAG.replace("name = var.name", "name = \"other\""));
    commit(&hub, "two");
    forget(&stack);
    stack.run(&["plan", "--sim"]).ok().mentions("\"web\"");
    assert_eq!(stack.read("modules.lock"), before);
    stack.run(&["init", "-upgrade"]).ok();
    stack.run(&["plan", "--sim"]).ok().mentions("\"other\"");
    // A commit by its short name, which no host knows.
    let short = git(&hub, &["-C", "net", "rev-parse", "--short=8", "v1"]).ok().stdout;
    stack.write("plans/web.tf", &call(&SOURCE.replace("v1", short.trim())));
    stack.run(&["plan", "--sim"]).ok().mentions("\"web\"");
}

#[test]
fn files_that_are_not_those_that_were_pinned_are_refused() {
    let hub = hub();
    let stack = user(&hub, SOURCE);
    stack.run(&["init"]).ok();
    let package = packages(&stack).remove(0);
    let below = package.strip_prefix(stack.path("")).expect("it lies there").join("modules/tag/main.tf");
    stack.write(below.to_str().expect("a text"), &TAG.replace("var.name", "\"evil\""));
    stack.run(&["plan", "--sim"]).exits(1).mentions("are not those that were locked: somebody has changed them");
    let lock = stack.read("modules.lock");
    let digest = stack.json("modules.lock")["modules"][PACKAGE]["digest"].as_str().expect("a digest").to_owned();
    stack.write("modules.lock", &lock.replace(&digest, &format!("sha256:{}", "0".repeat(64))));
    forget(&stack);
    stack.run(&["plan", "--sim"]).exits(1).mentions("are not those that were locked: the commit").mentions("init -upgrade");
    assert!(packages(&stack).is_empty());
    stack.write("modules.lock", "{");
    stack.run(&["plan", "--sim"]).exits(1).mentions("modules.lock cannot be read").mentions("Restore it from git");
}

#[test]
fn a_package_that_leads_out_of_its_folder_is_refused_and_nothing_is_written() {
    let hub = hub();
    std::os::unix::fs::symlink("/etc/passwd", hub.path("net/modules/tag/secrets.tf")).expect("a link");
    commit(&hub, "link");
    let main = SOURCE.replace("v1", "main");
    let stack = user(&hub, &main);
    stack.run(&["plan", "--sim"]).exits(1).mentions("which leads out of it. Nothing of it was written.");
    nothing_written(&stack);
    std::fs::remove_file(hub.path("net/modules/tag/secrets.tf")).expect("ours");
    // Paths upwards, in calls of the module's own.
    for up in ["../../..", "../../../../../etc", "/etc"] {
        hub.write("net/modules/tag/main.tf", &format!("{TAG}module \"up\" {{\n  source = \"{up}\"\n}}\n"));
        commit(&hub, up);
        stack.run(&["init", "-upgrade"]).ok();
        stack.run(&["plan", "--sim"]).exits(1).mentions("lies outside of what was fetched with this one");
    }
    // A link within the package has what it leads to.
    hub.write("net/modules/tag/main.tf", TAG);
    hub.write("net/common.tf", "locals {\n  shared = \"yes\"\n}\noutput \"shared\" {\n  value = local.shared\n}\n");
    std::os::unix::fs::symlink("../../common.tf", hub.path("net/modules/tag/shared.tf")).expect("a link");
    commit(&hub, "inner link");
    stack.write("plans/web.tf", &call(&main).replace("module.tag.name", "module.tag.shared"));
    stack.run(&["init", "-upgrade"]).ok();
    stack.run(&["plan", "--sim"]).ok().mentions("\"yes\"");
}

#[test]
fn no_program_is_run_by_what_is_fetched() {
    let hub = hub();
    let touch = |name: &str| format!("#!/bin/sh\ntouch {}\n", hub.path(name).display());
    // Hooks of a template, a filter, a monitor, and a way that is a program.
    let stack = user(&hub, SOURCE);
    let mut config = stack.read("home/.gitconfig");
    config.push_str(&format!(
        "[init]\n  templateDir = {}\n[core]\n  fsmonitor = {}\n",
        stack.path("template").display(),
        stack.path("run").display()
    ));
    config.push_str(&format!(
        "[filter \"x\"]\n  smudge = {}\n[url \"ext::{} \"]\n  insteadOf = https://evil.example.org/\n",
        stack.path("run").display(),
        stack.path("run").display()
    ));
    config.push_str("[protocol \"ext\"]\n  allow = always\n");
    stack.write("home/.gitconfig", &config);
    for file in ["run", "template/hooks/post-checkout", "template/hooks/reference-transaction"] {
        stack.write(file, &touch("ran"));
        assert!(stack.command("chmod").args(["+x", file]).status().expect("chmod starts").success());
    }
    hub.write("net/.gitattributes", "* filter=x\n");
    hub.write("net/.gitmodules", "[submodule \"a\"]\n  path = a\n  url = https://evil.example.org/a\n");
    commit(&hub, "attributes");
    git(&hub, &["-C", "net", "tag", "-f", "v1"]).ok();
    stack.run_env(&[("GIT_DIR", "/nowhere"), ("GIT_EXEC_PATH", "/nowhere"), ("GIT_TRACE", "/dev/stderr")], &["init"]).ok();
    stack.write("plans/web.tf", &call("git::https://evil.example.org/a.git"));
    stack.run(&["init"]).exits(1).mentions("Failed to fetch https://evil.example.org/a.git");
    assert!(!hub.exists("ran"));
}

#[test]
fn a_password_is_git_s_own_business() {
    let hub = hub();
    let http = SmartHttp::start(&hub.path("."));
    let stack = Stack::with_plan("web", &call(&format!("git::http://{}/net.git//modules/tag?ref=v1", http.address)));
    let told = stack.run(&["init"]).exits(1).mentions("Failed to fetch http://127.0.0.1");
    stack.write("home/.gitconfig", &format!("[url \"http://{USER}:{PASSWORD}@{0}/\"]\n  insteadOf = http://{0}/\n", http.address));
    let done = stack.run(&["init"]).ok();
    for text in [told.stderr, done.stdout, stack.read("modules.lock")] {
        assert!(!text.contains(PASSWORD), "{text}");
    }
    hub.rename("net", "gone");
    forget(&stack);
    let away = stack.run(&["init"]).exits(1);
    assert!(!away.stderr.contains(PASSWORD), "{away}");
    stack.write("plans/web.tf", &call(&format!("git::http://{USER}:{PASSWORD}@{}/net.git", http.address)));
    let refused = stack.run(&["init"]).exits(1).mentions("holds a password or a token");
    assert!(!refused.stderr.contains(&format!("{PASSWORD} ")), "{refused}");
}

/// A registry whose module lies in the hub, at the tags of its versions.
fn registry() -> Registry {
    let registry = Registry::start();
    let place = |tag: &str| format!("git::https://git.example.org/net?ref={tag}");
    let (old, new) = (place("v1"), place("v2"));
    registry.module("acme/net/digitalocean", &[("1.0.0", &old), ("1.1.0", &new), ("2.0.0-rc1", &new)]);
    registry
}

fn of_registry(registry: &Registry, version: &str) -> String {
    let source = format!("{}/acme/net/digitalocean//modules/tag\"\n  version = \"{version}", registry.address);
    call(&source)
}

#[test]
fn a_module_of_a_registry_is_the_newest_that_its_version_allows() {
    let hub = hub();
    hub.write("net/modules/tag/main.tf", &TAG.replace("name = var.name", "name = \"second\""));
    commit(&hub, "two");
    git(&hub, &["-C", "net", "tag", "v2"]).ok();
    let registry = registry();
    let stack = user(&hub, "");
    stack.write("plans/web.tf", &of_registry(&registry, "~> 1.0.0"));
    stack.run(&["init"]).ok().mentions("version 1.0.0, commit");
    let package = format!("{}/acme/net/digitalocean ~> 1.0.0", registry.address);
    let pin = stack.json("modules.lock")["modules"][&package].clone();
    assert_eq!((&pin["version"], &pin["source"]), (&"1.0.0".into(), &"git::https://git.example.org/net?ref=v1".into()), "{pin}");
    assert_eq!(registry.asked().len(), 3);
    // What is locked needs no registry any more, only the repository.
    forget(&stack);
    stack.run(&["plan", "--sim"]).ok().mentions("\"web\"");
    stack.run(&["plan", "--sim"]).ok();
    assert!(registry.asked().is_empty());
    stack.write("plans/web.tf", &of_registry(&registry, ">= 1.0"));
    stack.run(&["plan", "--sim"]).ok().mentions("version 1.1.0").mentions("\"second\"");
    for (version, why) in [("> 3", "no version of it is allowed"), ("newest", "not a valid version constraint")] {
        stack.write("plans/web.tf", &of_registry(&registry, version));
        stack.run(&["validate"]).exits(1);
        stack.run(&["init"]).exits(1).mentions(why).mentions("plans/web.tf:2");
    }
    stack.write("plans/web.tf", &of_registry(&registry, "1.0.0").replace("/net/", "/nothing/"));
    stack.run(&["init"]).exits(1).mentions("there is no such module");
}

#[test]
fn the_public_registry_is_where_the_user_s_settings_say() {
    let hub = hub();
    git(&hub, &["-C", "net", "tag", "v2"]).ok();
    let registry = registry();
    let stack = user(&hub, "acme/net/digitalocean//modules/tag");
    let settings = format!(
        "host \"registry.terraform.io\" {{\n  services = {{\n    \"modules.v1\" = \"http://{}/v1/modules/\"\n  }}\n}}\n",
        registry.address
    );
    stack.write("home/.terraformrc", &settings);
    stack.run(&["init"]).ok().says("Fetched registry.terraform.io/acme/net/digitalocean: version 1.1.0");
    stack.run(&["plan", "--sim"]).ok().says("Plan: 1 to add");
    let elsewhere = stack.path("rc").display().to_string();
    // One that is not there says nothing, as with Terraform; one that is broken is not passed over.
    stack.run_env(&[("TF_CLI_CONFIG_FILE", &elsewhere)], &["init"]).ok().says("All modules of the stack web are installed.");
    stack.write("rc", "{");
    stack.run_env(&[("TF_CLI_CONFIG_FILE", &elsewhere)], &["init"]).exits(1).mentions("TF_CLI_CONFIG_FILE");
}

/// A tar with one file, whatever its name.
fn tar(name: &str, content: &str) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..107].copy_from_slice(b"0000644");
    block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    block[156] = b'0';
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block.extend_from_slice(content.as_bytes());
    block.resize(block.len().next_multiple_of(512) + 1024, 0);
    block
}

#[test]
fn archives_are_unpacked_and_hostile_ones_are_not() {
    let registry = Registry::start();
    let base = format!("http://{}", registry.address);
    registry.file("/good.tar", tar("net-1/tag/main.tf", TAG));
    registry.redirect("/sent-on.tar", "/good.tar");
    let stack = Stack::with_plan("web", &call(&format!("{base}/sent-on.tar//net-1/tag")));
    stack.run(&["plan", "--sim"]).ok().says(&format!("Fetched {base}/sent-on.tar: 1 files")).says("Plan: 1 to add");
    registry.asked();
    stack.run(&["plan", "--sim"]).ok();
    assert!(registry.asked().is_empty());
    // As registries name what lies in an archive, by one that nobody knows the name of.
    registry.module("acme/net/digitalocean", &[("1.0.0", &format!("{base}/good.tar//*?archive=tar"))]);
    stack.write("plans/web.tf", &call(&format!("{}/acme/net/digitalocean//tag", registry.address)));
    stack.run(&["plan", "--sim"]).ok().says("Plan: 1 to add");
    forget(&stack);
    stack.run(&["plan", "--sim"]).ok().says("Plan: 1 to add");
    // Other files under the same address.
    registry.file("/good.tar", tar("net-1/tag/main.tf", &TAG.replace("var.name", "\"evil\"")));
    forget(&stack);
    stack.run(&["plan", "--sim"]).exits(1).mentions("are not those that were locked");
    for name in ["../../evil.tf", "/tmp/evil.tf", "a/../../../evil.tf", ".git/hooks/post-checkout"] {
        registry.file("/evil.tar", tar(name, "evil"));
        let stack = Stack::with_plan("web", &call(&format!("{base}/evil.tar")));
        stack.run(&["init"]).exits(1).mentions("Nothing of it was written");
        nothing_written(&stack);
    }
    registry.file("/evil.zip", b"PK\x03\x04 and nothing else".to_vec());
    let stack = Stack::with_plan("web", &call(&format!("{base}/evil.zip")));
    stack.run(&["init"]).exits(1).mentions("cannot be unpacked");
    registry.redirect("/round.zip", "/round.zip");
    stack.write("plans/web.tf", &call(&format!("{base}/round.zip?token=hush")));
    let told = stack.run(&["init"]).exits(1).mentions("leads on more than 5 times");
    assert!(!told.stderr.contains("hush`") && !told.stderr.contains("fetch http://127.0.0.1:1/round.zip?token"), "{told}");
    nothing_written(&stack);
}

#[test]
fn a_registry_that_answers_badly_is_refused() {
    let registry = Registry::start();
    let stack = Stack::with_plan("web", &of_registry(&registry, "1.0.0"));
    for place in [
        "git::file:///etc",
        "git::ext::sh",
        "/etc/passwd",
        "../../../../../etc",
        "git::https://u:p@example.org/x",
        "acme/other/digitalocean",
        "https://example.org/",
    ] {
        registry.module("acme/net/digitalocean", &[("1.0.0", place)]);
        stack.run(&["init"]).exits(1).mentions("cannot be had");
        nothing_written(&stack);
    }
    for (path, body) in [
        ("/v1/modules/acme/net/digitalocean/versions", "[]"),
        ("/.well-known/terraform.json", "{\"modules.v1\":\"http://example.org/\"}"),
        ("/.well-known/terraform.json", "{"),
    ] {
        registry.file(path, body.as_bytes().to_vec());
        stack.run(&["init"]).exits(1);
        nothing_written(&stack);
    }
    let gone = registry.address;
    drop(registry);
    stack.run(&["init"]).exits(1).mentions(&format!("The registry {gone} cannot be used"));
    nothing_written(&stack);
}

#[test]
fn what_cannot_be_fetched_is_told_at_its_source() {
    for (source, why) in [
        ("git::ext::sh -c touch% /tmp/x", "is not a valid module source"),
        ("https://example.org/module", "is one of an archive"),
        ("git::https://u:hunter2@git.example.org/net.git", "holds a password or a token"),
        ("./tag\"\n  version = \"1.0", "`version` is for modules of a registry"),
        ("git::https://git.example.org/net.git\"\n  version = \"1.0", "`version` is for modules of a registry"),
    ] {
        let stack = Stack::with_plan("web", &call(source));
        stack.run(&["validate"]).exits(1).mentions(why).mentions("plans/web.tf:2");
    }
}

#[test]
fn two_runs_at_once_fetch_once_each_package() {
    let hub = hub();
    let stack = user(&hub, SOURCE);
    let start = |_| {
        let mut command = stack.command(env!("CARGO_BIN_EXE_dofloat"));
        command.arg("init").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let runs: Vec<_> = (0..4).map(start).collect();
    let ended: Vec<Outcome> = runs.into_iter().map(|run| Outcome::of(run.wait_with_output().expect("it ends")).ok()).collect();
    assert_eq!(ended.iter().filter(|ended| ended.stdout.contains("Fetched")).count(), 1);
    assert_eq!(packages(&stack).len(), 1);
    stack.run(&["plan", "--sim"]).ok();
}

#[test]
fn a_run_that_is_killed_leaves_nothing_that_is_used() {
    let hub = hub();
    let stack = user(&hub, SOURCE);
    for point in ["replace.before-rename@1", "replace.before-rename@2", "replace.before-rename@3"] {
        let _ = std::fs::remove_file(stack.path("modules.lock"));
        let _ = std::fs::remove_dir_all(stack.path(".dofloat/modules"));
        let killed = stack.run_env(&[("DOFLOAT_CRASH", point)], &["init"]);
        stack.run(&["validate"]).exits(i32::from(killed.code != 0));
        stack.run(&["init"]).ok();
        assert_eq!(packages(&stack).len(), 1, "{point}: {:?}", packages(&stack));
        stack.run(&["plan", "--sim"]).ok().says("Plan: 1 to add");
    }
}

#[test]
fn a_fetched_module_reads_its_own_files_and_calls_others() {
    let hub = hub();
    let outer = format!(
        "module \"near\" {{\n  source = \"../tag\"\n  name   = trimspace(file(\"${{path.module}}/name.txt\"))\n}}\nmodule \"far\" {{\n  source = \"{SOURCE}\"\n  name   = templatefile(\"${{path.module}}/far.tftpl\", {{ n = var.name }})\n}}\nvariable \"name\" {{}}\noutput \"name\" {{\n  value = module.far.name\n}}\n"
    );
    hub.write("net/modules/outer/main.tf", &outer);
    hub.write("net/modules/outer/name.txt", "near\n");
    hub.write("net/modules/outer/far.tftpl", "far-${n}");
    commit(&hub, "outer");
    let stack = user(&hub, "git::https://git.example.org/net.git//modules/outer");
    stack.run(&["init"]).ok().mentions(PACKAGE);
    assert_eq!(packages(&stack).len(), 2);
    stack
        .run(&["plan", "--sim"])
        .ok()
        .says("Plan: 2 to add")
        .mentions("\"far-web\"")
        .mentions("module.tag.module.near.digitalocean_tag.this");
    stack.run(&["plan", "--sim", "-out=p"]).ok();
    forget(&stack);
    stack.run(&["apply", "--sim", "p"]).ok().says("Apply complete! Resources: 2 added");
    // What was made can be destroyed though its module is gone.
    hub.rename("net", "gone");
    forget(&stack);
    stack.run(&["destroy", "--sim", "-auto-approve"]).ok().says("Destroy complete! Resources: 2 destroyed.");
}
