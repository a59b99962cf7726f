//! Provisioners: programs of a configuration that are run here, and on a server by the user's ssh: a real sshd on loopback.
//!
//! Invariant: the servers listen on loopback alone, with keys of their own in a temporary folder.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::harness::{Stack, may_skip};
use dofloat::base::durable::write_atomic;

/// Longer than a server takes to start on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);
const APPLY: &[&str] = &["apply", "--sim", "-auto-approve", "-allow-provisioners"];

#[expect(clippy::disallowed_methods, reason = "a program of others is waited for, in the machine's time")]
fn waits_for(what: &str, is_there: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_there() {
        assert!(start.elapsed() < PATIENCE, "{what} in {PATIENCE:?}");
        std::thread::yield_now();
    }
}

/// A server that takes one key.
struct Sshd {
    child: Child,
    port: u16,
    user: String,
    folder: tempfile::TempDir,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sshd {
    /// A server; nothing where there is no sshd on this machine.
    fn start() -> Option<Self> {
        if !Path::new("/usr/sbin/sshd").is_file() {
            may_skip("sshd is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        for name in ["host", "user"] {
            let path = folder.path().join(name);
            let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status().unwrap();
            assert!(made.success());
        }
        let user = Command::new("id").arg("-un").output().unwrap();
        let user = String::from_utf8(user.stdout).unwrap().trim().to_owned();
        if user == "root" {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = folder.path().display();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host\nAuthorizedKeysFile {at}/user.pub\nStrictModes no\nUsePAM no\n\
             PidFile none\nPermitRootLogin yes\nPasswordAuthentication no\nSubsystem sftp internal-sftp\n"
        );
        write_atomic(&folder.path().join("config"), config.as_bytes(), 0o600).unwrap();
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f"]).arg(folder.path().join("config"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        waits_for("sshd answers", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(Self { child, port, user, folder })
    }

    fn connection(&self) -> String {
        let host_key = fs::read_to_string(self.folder.path().join("host.pub")).unwrap();
        format!(
            "  connection {{\n    host = \"127.0.0.1\"\n    port = {}\n    user = \"{}\"\n    private_key = file(\"{}/user\")\n    host_key = \"{}\"\n    timeout = \"300s\"\n  }}\n",
            self.port,
            self.user,
            self.folder.path().display(),
            host_key.trim()
        )
    }
}

#[test]
fn a_provisioner_names_another_instance_of_its_own_resource() {
    let text = r#"
resource "terraform_data" "node" {
  count = 3
  input = "n${count.index}"
  provisioner "local-exec" {
    command = "echo ${self.output} joins ${terraform_data.node.0.output}/${terraform_data.node[0].output} >> log"
  }
}
"#;
    let stack = Stack::with_plan("web/main", text).env("DOFLOAT_CLOCK", "virtual");
    stack.run(&["apply", "--sim", "-auto-approve", "-allow-provisioners"]).ok().says("Apply complete! Resources: 3 added");
    let log = stack.read("plans/web/log");
    let mut lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.first(), Some(&"n0 joins n0/n0"), "the others wait for it");
    lines.sort_unstable();
    assert_eq!(lines, ["n0 joins n0/n0", "n1 joins n0/n0", "n2 joins n0/n0"]);
    // All of them at once would wait for each other.
    stack.write("plans/web/main.tf", &text.replace("terraform_data.node.0.output", "join(\"\", terraform_data.node.*.output)"));
    stack.run(&["validate"]).exits(1).mentions("terraform_data.node refers to itself.");
}

#[test]
fn files_and_scripts_go_to_a_server_once() {
    let Some(sshd) = Sshd::start() else { return };
    let to = sshd.folder.path().display();
    let text = format!(
        r#"
resource "digitalocean_droplet" "web" {{
  name   = "web"
  region = "nyc3"
  size   = "s-1vcpu-1gb"
  image  = "ubuntu-24-04-x64"
{connection}
  provisioner "file" {{
    content     = "name ${{self.name}}\n"
    destination = "{to}/content"
  }}
  provisioner "file" {{
    source      = "dir/"
    destination = "{to}"
  }}
  provisioner "remote-exec" {{
    inline = ["echo from ${{self.name}}", "cat {to}/content {to}/a.txt > {to}/both", "cat >> {to}/swallowed; echo done >> {to}/both"]
  }}
  provisioner "remote-exec" {{
    script = "script.sh"
  }}
}}
"#,
        connection = sshd.connection()
    );
    let stack = Stack::with_plan("web/main", &text).with_file("plans/web/dir/a.txt", "a\n");
    let stack = stack.with_file("plans/web/script.sh", &format!("#!/bin/sh\necho script >> {to}/both\n"));
    let told = stack.run(APPLY).ok().says("digitalocean_droplet.web: Provisioning with 'file'...");
    told.says("digitalocean_droplet.web (remote-exec): from web").says("Apply complete! Resources: 1 added");
    assert_eq!(fs::read_to_string(sshd.folder.path().join("both")).unwrap(), "name web\na\ndone\nscript\n");
    stack.run(&["plan", "--sim", "-detailed-exitcode"]).ok().says("No changes.");
    stack.run(APPLY).ok();
    assert_eq!(fs::read_to_string(sshd.folder.path().join("both")).unwrap().lines().count(), 4);
    let state = fs::read_to_string(stack.path(".dofloat/sim/web.json")).unwrap_or_default();
    assert!(!state.contains("PRIVATE KEY"));
}

#[test]
fn a_script_on_a_server_whose_run_was_killed_is_asked_about_and_run_again_where_that_is_said() {
    let Some(sshd) = Sshd::start() else { return };
    let to = sshd.folder.path().display();
    let text = format!(
        r#"
resource "terraform_data" "a" {{
{connection}
  provisioner "remote-exec" {{
    inline = ["echo begun >> {to}/log", "while [ -d {to} ] && ! [ -e {to}/go ]; do sleep 0.05; done", "echo ended >> {to}/log"]
  }}
  provisioner "remote-exec" {{
    inline = ["echo second >> {to}/log"]
  }}
}}
"#,
        connection = sshd.connection()
    );
    let stack = Stack::with_plan("web", &text);
    let log = || fs::read_to_string(sshd.folder.path().join("log")).unwrap_or_default();
    let mut running = stack.start(APPLY);
    waits_for("the script has begun", || log() == "begun\n");
    running.kill().unwrap();
    running.wait().unwrap();
    // Whatever became of the script, nobody runs it a second time unasked.
    stack.run(APPLY).exits(4).mentions("A provisioner of terraform_data.a was interrupted").mentions("dofloat state untaint");
    write_atomic(&sshd.folder.path().join("go"), b"", 0o600).unwrap();
    stack.run(APPLY).exits(4);
    let told = stack.run(&[APPLY, &["-replace=terraform_data.a"]].concat()).ok();
    told.says("Apply complete! Resources: 1 added, 0 changed, 1 destroyed.");
    assert_eq!(log().matches("begun").count(), 2, "{}", log());
    assert!(log().ends_with("second\n") && log().matches("second").count() == 1, "{}", log());
    stack.run(&["plan", "--sim", "-detailed-exitcode"]).ok().says("No changes.");
}

#[test]
fn a_server_is_reached_through_another_one() {
    let (Some(sshd), Some(between)) = (Sshd::start(), Sshd::start()) else { return };
    let key = |name: &str| fs::read_to_string(between.folder.path().join(name)).unwrap().trim().to_owned();
    let at = between.folder.path().display();
    let bastion = |host_key: &str| {
        format!(
            "    bastion_host = \"127.0.0.1\"\n    bastion_port = {}\n    bastion_user = \"{}\"\n    bastion_private_key = file(\"{at}/user\")\n    bastion_host_key = \"{host_key}\"\n  }}\n",
            between.port, between.user
        )
    };
    let text = |host_key: &str, timeout: &str| {
        let connection = sshd.connection().replace("300s", timeout);
        let connection = format!("{}{}", connection.trim_end().trim_end_matches('}'), bastion(host_key));
        format!(
            "resource \"terraform_data\" \"a\" {{\n{connection}  provisioner \"remote-exec\" {{\n    inline = [\"echo $SSH_CLIENT > {}/from\"]\n  }}\n}}\n",
            sshd.folder.path().display()
        )
    };
    let stack = Stack::with_plan("web", &text(&key("host.pub"), "300s"));
    stack.run(APPLY).ok().says("Apply complete! Resources: 1 added");
    assert!(sshd.folder.path().join("from").is_file());
    // Another server that answers there is not passed through.
    let stack = Stack::with_plan("web", &text(&key("user.pub"), "1s"));
    stack.run(APPLY).exits(1).mentions("could not be reached by SSH");
}

#[test]
fn a_server_that_cannot_be_reached_or_shows_another_key_taints() {
    let Some(sshd) = Sshd::start() else { return };
    let resource = |connection: &str| {
        format!("resource \"terraform_data\" \"a\" {{\n{connection}  provisioner \"remote-exec\" {{\n    inline = [\"true\"]\n  }}\n}}\n")
    };
    let own = fs::read_to_string(sshd.folder.path().join("host.pub")).unwrap();
    let other = fs::read_to_string(sshd.folder.path().join("user.pub")).unwrap();
    let wrong = sshd.connection().replace(own.trim(), other.trim()).replace("300s", "1s");
    let stack = Stack::with_plan("web", &resource(&wrong));
    stack.run(APPLY).exits(1).mentions("could not be reached by SSH").mentions("marked as tainted");
    stack.write("plans/web.tf", &resource(&sshd.connection()));
    stack.run(&["plan", "--sim"]).ok().mentions("terraform_data.a is tainted, so it must be replaced");
    stack.run(APPLY).ok().says("Apply complete! Resources: 1 added, 0 changed, 1 destroyed.");
}

const LOCAL: &str = r#"
variable "secret" {
  default   = "hush-hush"
  sensitive = true
}
resource "terraform_data" "a" {
  input = "x"
  provisioner "local-exec" {
    command     = "echo $WORD ${terraform_data.a.input} >> log; exit $(cat code)"
    environment = { WORD = "made" }
  }
  provisioner "local-exec" {
    command    = "exit 3"
    on_failure = continue
  }
  provisioner "local-exec" {
    command = "echo ${var.secret}; tr '\\0' '\\n' < /proc/$$/cmdline >> words"
  }
  provisioner "local-exec" {
    when    = destroy
    command = "echo gone ${self.output} >> log"
  }
}
resource "terraform_data" "after" {
  depends_on = [terraform_data.a]
}
"#;

fn local() -> Stack {
    Stack::with_plan("web/main", LOCAL).with_file("plans/web/code", "0")
}

fn log(stack: &Stack) -> String {
    fs::read_to_string(stack.path("plans/web/log")).unwrap_or_default()
}

#[test]
fn local_programs_run_once_when_made_and_once_before_the_end() {
    let stack = local();
    stack.run(&["plan", "--sim"]).ok().mentions("Provisioners are not run: terraform_data.a.");
    let told = stack.run(APPLY).ok().says("Apply complete! Resources: 2 added");
    let told = told.says("terraform_data.a (local-exec): Executing: [\"/bin/sh\" \"-c\" \"echo $WORD x");
    let told = told.says("terraform_data.a (local-exec): (output suppressed due to sensitive value in config)").mentions("exit status 3");
    assert!(!told.to_string().contains("hush-hush"), "{told}");
    assert!(!fs::read_to_string(stack.path("plans/web/words")).unwrap().contains("hush-hush"));
    assert_eq!(log(&stack), "made x\n");
    stack.run(APPLY).ok().says("No changes.");
    let without = stack.run(&["plan", "--sim", "-destroy"]).ok();
    without.mentions("terraform_data.a is destroyed without what its provisioners would do before.");
    stack.run(&["destroy", "--sim", "-auto-approve", "-allow-provisioners"]).ok();
    assert_eq!(log(&stack), "made x\ngone x\n");
}

#[test]
fn a_failure_taints_and_stops_what_follows() {
    let stack = local().with_file("plans/web/code", "7");
    let told = stack.run(APPLY).exits(1).mentions("ended with exit status 7").mentions("marked as tainted");
    assert!(!told.stdout.contains("terraform_data.after: Creating"), "{told}");
    let plan = stack.run(&["plan", "--sim", "-json"]).ok().stdout;
    let line = plan.lines().find(|line| line.contains("planned_change") && line.contains("terraform_data.a\"")).expect("a change");
    assert_eq!(serde_json::from_str::<Value>(line).unwrap()["change"]["reason"], "tainted");
    stack.write("plans/web/code", "0");
    // What was never whole goes without its last program.
    stack.run(APPLY).ok().says("Apply complete! Resources: 2 added, 0 changed, 1 destroyed.");
    assert_eq!(log(&stack), "made x\nmade x\n");
    stack.write("plans/web/code", "7");
    stack.run(&[APPLY, &["-replace=terraform_data.a"]].concat()).exits(1);
    stack.run(&["state", "untaint", "web", "terraform_data.a"]).exits(1);
    stack.run(&["--sim", "state", "untaint", "web", "terraform_data.a"]).ok();
    stack.run(&["plan", "--sim", "-detailed-exitcode"]).ok().says("No changes.");
}

#[test]
fn one_that_was_interrupted_is_asked_about_and_never_run_again_unasked() {
    let stack = local();
    let killed = stack.run_env(&[("DOFLOAT_CRASH", "provisioner.before")], APPLY);
    assert_ne!(killed.code, 0, "{killed}");
    let told = stack.run(APPLY).exits(4).mentions("A provisioner of terraform_data.a was interrupted");
    told.mentions("dofloat state untaint");
    stack.run(&["plan", "--sim"]).exits(4);
    assert_eq!(log(&stack), "");
    stack.run(&["refresh", "--sim"]).ok();
    stack.run(APPLY).exits(4);
    let other = stack.copy();
    other.run(&["--sim", "state", "untaint", "terraform_data.a"]).ok();
    other.run(APPLY).ok().says("Apply complete! Resources: 1 added, 0 changed, 0 destroyed.");
    assert_eq!(log(&other), "");
    stack.run(&[APPLY, &["-replace=terraform_data.a"]].concat()).ok();
    assert_eq!(log(&stack), "gone x\nmade x\n");
}

#[test]
fn one_that_was_not_begun_yet_is_run_by_the_next_run() {
    let stack = local();
    // The object is on disk, the first program is not begun.
    let killed = stack.run_env(&[("DOFLOAT_CRASH", "provisioner.pending")], APPLY);
    assert_ne!(killed.code, 0, "{killed}");
    stack.run(APPLY).ok();
    assert_eq!(log(&stack), "made x\n");
}

#[test]
fn a_destruction_that_was_interrupted_is_asked_about() {
    let stack = local();
    stack.run(APPLY).ok();
    let destroy = ["destroy", "--sim", "-auto-approve", "-allow-provisioners"];
    let killed = stack.run_env(&[("DOFLOAT_CRASH", "provisioner.before")], &destroy);
    assert_ne!(killed.code, 0, "{killed}");
    stack.run(&destroy).exits(4).mentions("A provisioner of terraform_data.a was interrupted");
    stack.run(&["destroy", "--sim", "-auto-approve"]).ok();
    assert_eq!(log(&stack), "made x\n");
}

#[test]
fn the_same_is_told_to_machines() {
    let stack = local();
    let lines = stack.run(&[APPLY, &["-json"]].concat()).ok().stdout;
    let of = |kind: &str| lines.lines().filter(|line| line.contains(&format!("\"type\":\"{kind}\""))).count();
    assert_eq!((of("provision_start"), of("provision_complete"), of("provision_errored")), (3, 2, 1), "{lines}");
    let progress = lines.lines().find(|line| line.contains("provision_progress")).expect("a line that is printed");
    let progress: Value = serde_json::from_str(progress).unwrap();
    assert_eq!(progress["hook"]["provisioner"], "local-exec");
}
