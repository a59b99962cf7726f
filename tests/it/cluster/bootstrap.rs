//! What nodes are told at their birth, and that their scripts do it: goldens, syntax, hostile values, and the profile of
//! 14.04 run against stand-ins of what only that release has.
//!
//! Invariant: nothing outside a temporary folder is written; the scripts find all they touch below `DOFLOAT_ROOT`.

mod hygiene;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use dofloat::base::secret::Secret;
use dofloat::bootstrap::arbiter::ArbiterAccess;
use dofloat::bootstrap::user_data::{self, Fencing, LIMIT, Links, Listen, NoQuorumPolicy, Node, Release, Service, Transport};
use serde_json::Value;

use crate::support::golden::golden_text;
use crate::support::harness::{Outcome, Stack, say};

const TOKEN: &str = "dop_v1_failover";
const AUTHKEY: &str = "MDEyMzQ1Njc4OWFiY2RlZg==";

pub(crate) fn modern() -> Node {
    Node {
        release: Release::Modern,
        cluster_name: "lbcluster".to_owned(),
        name: "primary".to_owned(),
        nodes: vec!["primary".to_owned(), "secondary".to_owned()],
        tag: "dofloat:ha-0123456789ab:web".to_owned(),
        floating_ip: "203.0.113.7".parse().unwrap(),
        api_url: "https://api.digitalocean.com".to_owned(),
        health_port: 8080,
        health_path: "/health".to_owned(),
        service: Service::Nginx,
        transport: Transport::Knet,
        links: Links::Both,
        token_timeout: None,
        no_quorum_policy: NoQuorumPolicy::Stop,
        fencing: Fencing::Api { delay: 8 },
        timezone: "America/New_York".to_owned(),
        listen: Listen::Any,
        user_script: Some(Secret::new("#!/bin/sh\necho hello\n".to_owned())),
        user_script_timeout: 600,
        authkey: Secret::new(AUTHKEY.to_owned()),
        token: Secret::new(TOKEN.to_owned()),
        arbiter: None,
    }
}

pub(crate) fn arbiter_access() -> ArbiterAccess {
    let pem = |what: &str| Secret::new(format!("-----BEGIN {what}-----\nMDEyMzQ1\n-----END {what}-----\n"));
    ArbiterAccess { address: "203.0.113.99".to_owned(), authority: pem("CERTIFICATE"), pair: pem("PRIVATE KEY") }
}

fn trusty() -> Node {
    Node {
        release: Release::Trusty,
        transport: Transport::Udpu,
        links: Links::Private,
        no_quorum_policy: NoQuorumPolicy::Ignore,
        fencing: Fencing::None,
        user_script: None,
        ..modern()
    }
}

pub(crate) fn text(node: &Node) -> String {
    user_data::render(node).unwrap().expose().clone()
}

#[test]
fn user_data_is_as_agreed() {
    golden_text("bootstrap", "modern", &readable(&text(&modern())));
    golden_text("bootstrap", "trusty", &readable(&text(&trusty())));
}

/// What was packed, as text.
fn unpacked(base64: &str) -> String {
    use base64::Engine as _;
    let packed = base64::engine::general_purpose::STANDARD.decode(base64).unwrap();
    std::io::read_to_string(flate2::read::GzDecoder::new(&packed[..])).unwrap()
}

/// User-data in which each packed file is followed by what it holds; its bytes are left out.
fn readable(text: &str) -> String {
    // Every gzip stream of this kind begins so in base64.
    let line = |line: &str| match line.split_once("H4sI") {
        Some((before, rest)) => {
            format!("{before}H4sI...\n{}", unpacked(&format!("H4sI{rest}")).lines().map(|line| format!("| {line}\n")).collect::<String>())
        }
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[test]
fn the_same_node_gives_the_same_bytes_within_the_limit() {
    for node in [modern(), trusty()] {
        assert_eq!(text(&node), text(&node));
        let length = text(&node).len();
        assert!(length < 40 * 1024, "{length} bytes leave too little for the user's script");
        let long = Node { user_script: Some(Secret::new(format!("#!/bin/sh\n{}", "#".repeat(LIMIT)))), ..node };
        let error = user_data::render(&long).unwrap_err();
        assert!(error.to_string().contains("shorten the script in `user_data` by"), "{error}");
    }
}

#[test]
fn images_have_their_generation() {
    assert_eq!(Release::of_image("ubuntu-14-04-x64"), Some(Release::Trusty));
    for slug in ["ubuntu-22-04-x64", "ubuntu-24-04-x64", "ubuntu-26-04-x64", "debian-12-x64", "debian-13-x64"] {
        assert_eq!(Release::of_image(slug), Some(Release::Modern));
    }
    for slug in ["ubuntu-16-04-x64", "ubuntu-25-10-x64", "debian-11-x64", "fedora-42-x64", "123456", "debian-12"] {
        assert_eq!(Release::of_image(slug), None);
    }
}

/// The files of the package that run on a node.
fn scripts() -> Vec<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = |name: &str| fs::read_dir(package.join(name)).unwrap().map(|entry| entry.unwrap().path());
    let all = folder("src/bootstrap/node").chain(folder("src/bootstrap/shell"));
    all.filter(|path| path.extension().is_some_and(|ending| ending == "sh")).collect()
}

#[test]
fn scripts_are_right_for_every_shell_and_for_shellcheck() {
    let scripts = scripts();
    assert!(scripts.len() >= 8, "{scripts:?}");
    for script in &scripts {
        for shell in ["sh", "dash", "bash"] {
            let done = Command::new(shell).arg("-n").arg(script).output().unwrap();
            Outcome::of(done).ok();
        }
        // 14.04's dash has no `local` with several words to rely on, and no process substitution or arrays anyway.
        let text = fs::read_to_string(script).unwrap();
        assert!(text.starts_with("#!/bin/sh\n"), "{}", script.display());
        assert!(!text.contains("python"), "{}: nodes need no python", script.display());
    }
    let Some(mut check) = tool("shellcheck") else { return };
    check.args(["-x", "-P", env!("CARGO_MANIFEST_DIR")]).args(&scripts);
    check.args(["tests/lab/rig", "tests/lab/tree"].map(|path| Path::new(env!("CARGO_MANIFEST_DIR")).join(path)));
    Outcome::of(check.output().unwrap()).ok();
}

/// A program of the machine; none, after having said so, where it is not installed.
#[expect(clippy::disallowed_methods, reason = "the environment of the test run, not of the program")]
pub(crate) fn tool(name: &str) -> Option<Command> {
    if Command::new(name).arg("--version").output().is_ok() {
        return Some(Command::new(name));
    }
    assert!(std::env::var_os("CI").is_none(), "CI is set, so nothing is skipped: {name} is not installed");
    say(&format!("skipped: {name} is not installed"));
    None
}

/// The files that a cloud-config writes.
fn written(cloud_config: &str) -> BTreeMap<String, String> {
    use base64::Engine as _;
    let parsed: Value = serde_saphyr::from_str(cloud_config).unwrap();
    let files = parsed["write_files"].as_array().unwrap();
    let content = |file: &Value| {
        let content = file["content"].as_str().unwrap();
        match file["encoding"].as_str() {
            Some("b64") => String::from_utf8(base64::engine::general_purpose::STANDARD.decode(content).unwrap()).unwrap(),
            Some("gz+b64") => unpacked(content),
            _ => content.to_owned(),
        }
    };
    files.iter().map(|file| (file["path"].as_str().unwrap().to_owned(), content(file))).collect()
}

#[test]
fn hostile_values_stay_values() {
    let hostile = [
        "it's",
        "$(touch pwned)`touch pwned`${HOME}",
        "a\nb: c\n  - d",
        "\\'\"\\",
        " leading and trailing ",
        "END-OF-DOFLOAT-FILE\nrm -rf .\n",
        "'; touch pwned; '",
        "ümlaut\u{2028}\t#",
        "-n",
    ];
    for value in hostile {
        let script = Some(Secret::new(value.to_owned()));
        for node in [modern(), trusty()] {
            let root = Root::new();
            let node = Node { cluster_name: value.to_owned(), timezone: value.to_owned(), user_script: script.clone(), ..node };
            let text = text(&node);
            if node.release == Release::Trusty {
                root.born(&text);
            } else {
                for (path, content) in written(&text) {
                    root.stack.write(&path[1..], &content);
                }
            }
            let read = ". etc/dofloat/cluster.env && printf '%s|%s' \"$CLUSTER_NAME\" \"$TIMEZONE\"";
            assert_eq!(root.sh(read).ok().stdout, format!("{value}|{value}"));
            assert_eq!(root.stack.read("usr/local/lib/dofloat/user-script"), value);
            assert!(!root.stack.exists("pwned"), "{value:?} was run");
        }
    }
}

#[test]
fn both_forms_write_the_same_scripts() {
    let config = written(&text(&modern()));
    let root = Root::new();
    root.born(&text(&Node { release: Release::Trusty, ..modern() }));
    for (path, content) in config.iter().filter(|(path, _)| path.starts_with("/usr/")) {
        assert_eq!(&root.stack.read(&path[1..]), content, "{path}");
    }
    assert_eq!(root.mode("etc/dofloat/token"), 0o400);
    assert_eq!(root.mode("usr/local/bin/assign-ip"), 0o755);
    assert_eq!(root.stack.read("etc/dofloat/token"), TOKEN);
}

/// A root folder of 14.04 with stand-ins for what changes the system.
pub(crate) struct Root {
    pub(crate) stack: Stack,
}

impl Root {
    pub(crate) fn new() -> Self {
        let stack = Stack::empty();
        for folder in ["bin", "var/log", "etc/default", "etc/init", "run"] {
            fs::create_dir_all(stack.path(folder)).unwrap();
        }
        stack.write("etc/hosts", "127.0.0.1 localhost\n");
        stack.write("usr/share/zoneinfo/America/New_York", "");
        stack.write("calls", "");
        std::os::unix::fs::symlink("/proc", stack.path("proc")).unwrap();
        let root = Self { stack };
        for (name, does) in STAND_INS {
            root.stand_in(name, does);
        }
        root
    }

    /// Puts a program in place that writes down how it was called, and then does this.
    pub(crate) fn stand_in(&self, name: &str, does: &str) {
        let told = "printf '%s %s\\n' \"${0##*/}\" \"$*\" >> \"$DOFLOAT_ROOT/calls\"";
        self.stack.write(&format!("bin/{name}"), &format!("#!/bin/sh\n{told}\n{does}\n"));
        fs::set_permissions(self.stack.path(&format!("bin/{name}")), fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn sh(&self, line: &str) -> Outcome {
        Outcome::of(self.command(line).output().unwrap())
    }

    fn command(&self, line: &str) -> Command {
        let mut command = self.stack.command("bash");
        let path = format!("{}:/usr/bin:/bin:/usr/sbin:/sbin", self.stack.path("bin").display());
        command.args(["-c", line]).env("PATH", path).env("DOFLOAT_ROOT", self.stack.path(""));
        command
    }

    /// Runs user-data as cloud-init does.
    pub(crate) fn born(&self, text: &str) {
        self.stack.write("user-data", text);
        self.sh("bash user-data").ok();
    }

    fn phase(&self, name: &str) -> Outcome {
        self.sh(&format!("usr/local/lib/dofloat/bootstrap {name}"))
    }

    fn mode(&self, below: &str) -> u32 {
        fs::metadata(self.stack.path(below)).unwrap().permissions().mode() & 0o777
    }

    pub(crate) fn calls(&self) -> String {
        self.stack.read("calls")
    }
}

/// Each writes down how it was called, and then does this.
const STAND_INS: &[(&str, &str)] = &[
    ("service", ""),
    ("update-rc.d", ""),
    ("initctl", ""),
    ("apt-get", ""),
    ("apt-cache", "case $2 in busybox-static|pacemaker-cli-utils) echo 'Version: 1' ;; esac"),
    ("dpkg", ""),
    ("iptables", ""),
    ("ip", "echo '3: eth1    inet 10.118.0.3/20 brd 10.118.15.255 scope global eth1'"),
    ("chown", ""),
    ("corosync-cmapctl", ""),
    ("corosync-cfgtool", ""),
    ("crm", ""),
    ("cibadmin", CIBADMIN),
    ("attrd_updater", ""),
    ("crm_attribute", "case $* in *--query*) exit 1 ;; esac"),
    ("crm_node", "case $1 in -p) echo 'primary secondary' ;; -q) echo 1 ;; esac"),
    ("crm_mon", "case $1 in -1) echo 'Current DC: primary (1) - partition with quorum' ;; *) cat \"$DOFLOAT_ROOT/crm_mon.xml\" ;; esac"),
    ("crm_resource", "echo 'resource FloatIP is running on: primary '"),
    ("curl", CURL),
];

/// A cluster whose configuration is in a file; what is to be made of it is told, and not done.
const CIBADMIN: &str = r#"
case $* in
    *--xml-pipe*) cat >> "$DOFLOAT_ROOT/made" ;;
    *node_state*) name=${*#*uname=?} && cat "$DOFLOAT_ROOT/told-${name%%\'*}" 2> /dev/null ;;
    *--query*) cat "$DOFLOAT_ROOT/cib.xml" 2> /dev/null || echo '<configuration/>' ;;
esac
"#;

const CURL: &str = r#"
for url in "$@"; do :; done
case "$*" in *'-K -'*) cat >> "$DOFLOAT_ROOT/asked-with" ;; esac
case $url in
    */metadata/v1/id) echo 11 ;;
    */metadata/v1/hostname) echo primary ;;
    */public/0/ipv4/address) echo 198.51.100.20 ;;
    */public/0/anchor_ipv4/address) echo 10.17.0.5 ;;
    */private/0/ipv4/address) echo 10.118.0.3 ;;
    */v2/*)
        name=$(printf '%s' "${url#*/v2/}" | tr '/?' '__')
        cat "$DOFLOAT_ROOT/answers/$name" 2> /dev/null || { printf '{"message":"nothing"}\n404'; }
        ;;
    *) exit 22 ;;
esac
"#;

const PEERS: &str = r#"{"droplets":[
{"id":12,"name":"secondary","created_at":"2026-01-05T09:00:00Z","networks":{"v4":[{"type":"private","ip_address":"10.118.0.4"},{"type":"public","ip_address":"198.51.100.21"}]}},
{"id":9,"name":"primary","created_at":"2026-01-05T08:00:00Z","networks":{"v4":[{"type":"private","ip_address":"10.118.0.9"}]}},
{"id":11,"name":"primary","created_at":"2026-01-05T09:00:00Z","networks":{"v4":[{"type":"public","ip_address":"198.51.100.20"},{"type":"private","ip_address":"10.118.0.3"}]}}
]}
200"#;

const TAGGED: &str = "answers/droplets_tag_name=dofloat%3Aha-0123456789ab%3Aweb&per_page=200";

#[test]
fn a_node_of_14_04_does_all_of_the_tutorial() {
    let Some(_) = tool("jq") else { return };
    let root = Root::new();
    root.born(&text(&trusty()));
    assert!(root.calls().contains("initctl start dofloat-bootstrap"));
    for phase in ["prepare", "packages", "service"] {
        root.phase(phase).ok();
    }
    root.phase("peers").exits(1).mentions("the API answers 404 when asked for the droplets with the tag");
    root.stack.write(TAGGED, PEERS);
    for phase in ["peers", "firewall", "corosync", "pacemaker", "configure", "serving"] {
        root.phase(phase).ok();
    }
    golden_text("bootstrap", "trusty-corosync.conf", &root.stack.read("etc/corosync/corosync.conf"));
    golden_text("bootstrap", "trusty-configuration", &root.sh("usr/local/lib/dofloat/parts wanted").ok().stdout);
    assert!(!root.calls().contains("crm --force"), "the operator's tool may not start");
    assert_eq!(root.stack.read("etc/corosync/service.d/pcmk"), "service {\n    name: pacemaker\n    ver: 1\n}\n");
    assert_eq!(root.stack.read("etc/default/corosync"), "START=yes\n");
    assert_eq!(root.stack.read("etc/corosync/authkey"), "0123456789abcdef");
    assert_eq!(root.mode("etc/corosync/authkey"), 0o400);
    assert_eq!(root.stack.read("usr/share/nginx/html/index.html"), "Droplet: primary, IP Address: 198.51.100.20\n");
    assert_eq!(root.stack.read("etc/timezone"), "America/New_York\n");
    let hosts = root.stack.read("etc/hosts");
    assert!(hosts.contains("10.118.0.3 primary\n10.118.0.4 secondary\n"), "{hosts}");
    let calls = root.calls();
    for call in [
        "update-rc.d pacemaker defaults 20 01",
        "update-rc.d -f nginx disable",
        "service corosync restart",
        "chown root:root",
        "iptables -w -A DOFLOAT-OUTPUT -d 169.254.169.254 -m owner ! --uid-owner 0 -j REJECT",
        "iptables -w -A DOFLOAT-INPUT -i eth1 -s 10.118.0.4 -p udp -m multiport --dports 5404,5405,5406 -j ACCEPT",
        "cibadmin --modify --allow-create --scope configuration --xml-pipe",
        "crm_attribute --type crm_config --name dofloat --update configured",
    ] {
        assert!(calls.contains(call), "no `{call}` in\n{calls}");
    }
    let installed = calls.lines().filter(|line| line.starts_with("apt-get") && line.contains("install")).collect::<Vec<_>>().join("\n");
    for package in ["corosync", "pacemaker", "crmsh", "ntp", "nginx", "jq", "busybox-static"] {
        assert!(installed.contains(&format!(" {package}")), "{package} is not in\n{installed}");
    }
    assert!(!calls.contains(TOKEN), "the token stands in an argument list");
    assert!(root.stack.read("asked-with").contains(&format!("Bearer {TOKEN}")), "the API was asked without the token");
}

/// A node of today's releases, with these peers, below stand-ins.
fn born_modern(node: &Node, peers: &str) -> Root {
    let root = Root::new();
    root.born(&text(&Node { release: Release::Trusty, ..node.clone() }));
    root.stack.write("etc/dofloat/cluster.env", &written(&text(node))["/etc/dofloat/cluster.env"]);
    root.stack.write("etc/dofloat/peers", peers);
    fs::create_dir_all(root.stack.path("etc/corosync")).unwrap();
    root
}

const TWO_LINKS: &str = "1 primary 10.118.0.3 11 198.51.100.20\n2 secondary 10.118.0.4 12 198.51.100.21\n";

#[test]
fn corosync_talks_over_two_networks_where_it_can() {
    let conf = |node: &Node, peers: &str| {
        let root = born_modern(node, peers);
        root.sh("usr/local/lib/dofloat/agent corosync-conf").ok();
        root.stack.read("etc/corosync/corosync.conf")
    };
    let both = conf(&modern(), TWO_LINKS);
    golden_text("bootstrap", "modern-corosync.conf", &both);
    assert_eq!(conf(&Node { name: "secondary".to_owned(), ..modern() }, TWO_LINKS), both, "the same bytes on every node");
    let one = conf(&Node { links: Links::Private, ..modern() }, TWO_LINKS);
    golden_text("bootstrap", "modern-corosync.conf-one-link", &one);
    // As scripts from before wrote it; and a peer without a public address.
    assert_eq!(conf(&modern(), "1 primary 10.118.0.3 11\n2 secondary 10.118.0.4 12\n"), one);
    assert_eq!(conf(&modern(), &TWO_LINKS.replace("198.51.100.21", "-")), one);
    let udpu = conf(&Node { transport: Transport::Udpu, ..modern() }, TWO_LINKS);
    assert!(!udpu.contains("interface") && !udpu.contains("ring1") && !udpu.contains("link_mode"), "{udpu}");
    for (timeout, times) in [(300, [300, 100]), (1000, [1000, 100]), (5000, [5000, 416])] {
        let conf = conf(&Node { token_timeout: Some(timeout), ..modern() }, TWO_LINKS);
        let value = |name: &str| {
            let line = conf.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap();
            line.trim().parse::<u32>().unwrap()
        };
        assert_eq!([value("token:"), value("consensus:")], times);
        // Corosync starts with no less than 30 ms for a try.
        let tries = if conf.contains("token_retransmits_before_loss_const: 10") { 10.2 } else { 4.2 };
        assert!(f64::from(timeout) / tries >= 30.0, "{conf}");
    }
}

#[test]
fn corosyncs_ports_are_open_to_the_peers_two_addresses() {
    let links = "echo '2: eth0    inet 198.51.100.20/20 scope global eth0'; echo '3: eth1    inet 10.118.0.3/20 scope global eth1'";
    let rules = |node: &Node, peers: &str| {
        let root = born_modern(node, peers);
        root.stand_in("ip", links);
        root.sh("usr/local/lib/dofloat/firewall").ok();
        let calls = root.calls();
        calls.lines().filter(|line| line.contains("5404") && line.contains("ACCEPT")).map(str::to_owned).collect::<Vec<_>>()
    };
    let of = |address: &str, link: &str| {
        ["INPUT -i LINK -s", "OUTPUT -o LINK -d"].map(|side| {
            let side = side.replace("LINK", link);
            format!("iptables -w -A DOFLOAT-{side} {address} -p udp -m multiport --dports 5404,5405,5406 -j ACCEPT")
        })
    };
    let private = of("10.118.0.4", "eth1");
    assert_eq!(rules(&modern(), TWO_LINKS), [private.clone(), of("198.51.100.21", "eth0")].concat());
    assert_eq!(rules(&Node { links: Links::Private, ..modern() }, TWO_LINKS), private);
    assert_eq!(rules(&modern(), &TWO_LINKS.replace("198.51.100.21", "-")), private);
}

/// A replaced peer has two other addresses, which corosync, the names and the rules take over.
#[test]
fn a_replaced_peers_two_addresses_are_taken_over() {
    let Some(_) = tool("jq") else { return };
    let root = born_modern(&modern(), &TWO_LINKS.replace("10.118.0.4 12 198.51.100.21", "10.118.0.7 10 198.51.100.77"));
    root.stack.write("var/lib/dofloat/done/corosync", "");
    root.stack.write("run/dofloat/droplet-id", "11\n");
    root.stand_in("crm_node", "echo primary");
    root.stand_in("sleep", "kill -TERM $PPID; exec /bin/sleep 0.02");
    let noted = "cat \"$DOFLOAT_ROOT/etc/corosync/corosync.conf\" >> \"$DOFLOAT_ROOT/loaded\"";
    root.stand_in("corosync-cfgtool", noted);
    root.stack.write(TAGGED, PEERS);
    let _ = root.sh("usr/local/lib/dofloat/agent");
    assert_eq!(root.stack.read("etc/dofloat/peers"), TWO_LINKS);
    let loaded = root.stack.read("loaded");
    let lists: Vec<usize> = loaded.split("nodelist").skip(1).map(|list| list.matches("ring1_addr").count()).collect();
    assert_eq!(lists, [1, 2], "first without the old peer, then with the new one\n{loaded}");
    assert!(loaded.contains("ring1_addr: 198.51.100.21") && !loaded.contains("198.51.100.77"), "{loaded}");
    let hosts = root.stack.read("etc/hosts");
    assert!(hosts.contains("10.118.0.4 secondary"), "{hosts}");
}

/// One lost ping means nothing where the API still takes connections; only if neither answers is the address to go.
#[test]
fn two_lost_pings_alone_move_nothing() {
    let told = |ping: &str, connects: &str| {
        let root = born_modern(&modern(), TWO_LINKS);
        root.stand_in("ping", ping);
        root.stand_in("attrd_updater", "");
        let metadata = "case $* in *gateway*) echo 198.51.100.1; exit ;; esac";
        root.stand_in("curl", &format!("{metadata}\nprintf '{connects}'; [ '{connects}' != 0.000000 ]"));
        root.stand_in("sleep", "kill -TERM $PPID; exec /bin/sleep 0.02");
        let _ = root.sh("usr/local/lib/dofloat/agent public $$");
        let calls = root.calls();
        let told = calls.lines().filter_map(|line| line.strip_prefix("attrd_updater -n public_link -U ")).collect::<Vec<_>>().join(" ");
        (calls.lines().filter(|line| line.starts_with("ping")).count(), told)
    };
    assert_eq!(told("exit 0", "0.000000"), (1, "1".to_owned()));
    assert_eq!(told("exit 1", "0.031415"), (2, "1".to_owned()));
    let second = "if [ -e \"$DOFLOAT_ROOT/pinged\" ]; then exit 0; fi; : > \"$DOFLOAT_ROOT/pinged\"; exit 1";
    assert_eq!(told(second, "0.000000"), (2, "1".to_owned()));
    assert_eq!(told("exit 1", "0.000000"), (2, "0".to_owned()));
}

/// At boot its service and the agent both make the rules: the peer's packets would be dropped by a rule of one that stands before
/// the other's that lets them in.
#[test]
fn rules_are_made_by_one_at_a_time() {
    let root = Root::new();
    root.born(&text(&trusty()));
    root.stack.write("etc/dofloat/peers", "1 primary 10.118.0.3 11\n2 secondary 10.118.0.4 12\n");
    let told = "case $2 in -L) exit 0 ;; esac; echo $PPID >> \"$DOFLOAT_ROOT/order\"; [ $2 != -C ] || exit 1; exec /bin/sleep 0.01";
    root.stand_in("iptables", told);
    root.sh("for each in 1 2 3; do usr/local/lib/dofloat/firewall check & done; wait").ok();
    let order = root.stack.read("order");
    let turns: Vec<&str> = order.lines().collect();
    let changes = turns.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!(changes, 2, "three make them, one after the other: {turns:?}");
    assert!(root.calls().contains("iptables -w -A DOFLOAT-FORWARD -d 169.254.169.254 -j DROP"));
}

#[test]
fn health_is_a_document_without_secrets() {
    let root = Root::new();
    root.born(&text(&trusty()));
    root.stack.write("crm_mon.xml", CRM_MON);
    root.stack.write("var/lib/dofloat/phase", "packages\n");
    root.stack.write("var/lib/dofloat/error", "installing \"nginx\" \\ failed\n");
    root.stack.write("var/log/dofloat.log", "first\nphase packages failed: no \"nginx\"\n    E: 1\n    E: 2\n    E: 3\n    E: 4\n");
    let health = root.sh("usr/local/lib/dofloat/health show").ok().json();
    golden_text(
        "bootstrap",
        "health",
        &format!("{:#}", Value::Object(health.as_object().unwrap().clone().into_iter().filter(|(key, _)| key != "time").collect())),
    );
    root.sh("usr/local/lib/dofloat/health write").ok();
    let page = root.stack.read("run/dofloat/www/health");
    assert!(!page.contains(TOKEN) && !page.contains(AUTHKEY));
    root.stack.write("var/lib/dofloat/phase", "done\n");
    let health = root.sh("usr/local/lib/dofloat/health show").ok().json();
    assert_eq!(health["log"], serde_json::json!([]), "a node that is done tells strangers nothing of its log");
}

#[test]
fn what_the_users_script_says_stays_between_it_and_root() {
    let Some(_) = tool("jq") else { return };
    let root = Root::new();
    let script = "#!/bin/sh\necho the-users-own-secret\ntouch \"$DOFLOAT_ROOT/made\"\nexit 5\n";
    root.born(&text(&Node { user_script: Some(Secret::new(script.to_owned())), ..trusty() }));
    let failed = root.phase("service").exits(1).mentions("the script in user_data ended with 5");
    assert!(!failed.to_string().contains("the-users-own-secret"), "{failed}");
    assert_eq!(root.stack.read("var/log/dofloat-user-script.log"), "the-users-own-secret\n");
    assert_eq!(root.mode("var/log/dofloat-user-script.log"), 0o600);
    assert_ne!(root.mode("made") & 0o044, 0, "files that the script makes for a web server can be read by it");
}

const CRM_MON: &str = r#"<pacemaker-result><resources>
<resource id="FloatIP" resource_agent="ocf::digitalocean:floatip" role="Started" active="true" failed="false" nodes_running_on="1" >
<node name="primary" id="1" cached="false"/>
</resource>
<clone id="Nginx-clone" >
<resource id="Nginx" resource_agent="ocf::heartbeat:nginx" role="Stopped" active="false" failed="true" nodes_running_on="0" />
</clone></resources>
<failures><failure op_key="Nginx_start_0" node="secondary" exitstatus="not installed" exitreason="broken &quot;conf&quot;" /></failures>
</pacemaker-result>
"#;

#[test]
fn the_address_is_asked_for_until_it_is_here_and_refusals_end_at_once() {
    let Some(_) = tool("jq") else { return };
    let root = Root::new();
    root.born(&text(&trusty()));
    fs::create_dir_all(root.stack.path("run/dofloat")).unwrap();
    let address = "answers/reserved_ips_203.0.113.7";
    let run = |line: &str| root.sh(&format!("ASSIGN_PATIENCE=1 DO_TOKEN=mine usr/local/bin/assign-ip {line}"));
    run("203.0.113.7").exits(2).mentions("usage: DO_TOKEN=");
    run("203.0.113.7 11").exits(3).mentions("knows no address");
    root.stack.write(address, "{\"reserved_ip\":{\"locked\":false,\"droplet\":{\"id\":11}}}\n200");
    run("203.0.113.7 11").ok();
    root.stack.write(address, "{\"message\":\"no\"}\n401");
    run("203.0.113.7 11").exits(4).mentions("refuses the token (401)");
    for patience in ["{\"message\":\"slow down\"}\n429", "{}\n503", "\n000"] {
        root.stack.write(address, patience);
        run("203.0.113.7 11").exits(1).mentions("is not at droplet 11 yet");
    }
    // In whatever words an unknown droplet is refused.
    root.stack.write(address, "{\"reserved_ip\":{\"locked\":false,\"droplet\":null}}\n200");
    for refusal in ["{\"message\":\"Droplet not found\"}\n422", "{}\n404"] {
        root.stack.write("answers/reserved_ips_203.0.113.7_actions", refusal);
        let told = root.sh("ASSIGN_PATIENCE=50 DO_TOKEN=mine usr/local/bin/assign-ip 203.0.113.7 77");
        told.exits(3).mentions("the API knows no droplet 77");
    }
    root.stack.write("answers/reserved_ips_203.0.113.7_actions", "{\"message\":\"an event is pending\"}\n422");
    root.stack.write("answers/droplets_77", "{\"droplet\":{\"id\":77}}\n200");
    run("203.0.113.7 77").exits(1).mentions("is not at droplet 77 yet");
    let log = root.stack.read("var/log/dofloat.log");
    assert!(log.contains("203.0.113.7 is at nobody: asking for it to be at 77") && !log.contains("null"), "{log}");
    assert!(root.stack.read("asked-with").contains("Bearer mine"));
    assert!(!root.calls().contains("mine"), "the token stands in an argument list");
}

/// Who takes over asks at once: to look first costs a third of a second. But an address that is here, or was asked for just now, is
/// not asked for again.
#[test]
fn a_start_asks_before_it_looks_unless_the_address_may_be_here() {
    let Some(_) = tool("jq") else { return };
    let root = Root::new();
    root.born(&text(&trusty()));
    let address = "answers/reserved_ips_203.0.113.7";
    root.stack.write(address, "{\"reserved_ip\":{\"locked\":false,\"droplet\":{\"id\":11}}}\n200");
    root.stack.write(&format!("{address}_actions"), "{\"message\":\"already\"}\n422");
    fs::create_dir_all(root.stack.path("run/dofloat")).unwrap();
    let asked = || {
        root.stack.write("calls", "");
        let line = "OCF_RESKEY_CRM_meta_timeout=9000 OCF_RESKEY_floating_ip=203.0.113.7 usr/lib/ocf/resource.d/digitalocean/floatip start";
        root.sh(line).ok();
        let calls = root.calls();
        let of = |line: &str| line.contains("/v2/").then(|| if line.contains("-X POST") { "POST" } else { "GET" });
        calls.lines().filter_map(of).collect::<Vec<_>>()
    };
    assert_eq!(asked(), ["POST", "GET"]);
    // It has asked a moment ago.
    assert_eq!(asked(), ["GET"]);
    fs::remove_file(root.stack.path("run/dofloat/asked")).unwrap();
    root.stack.write("run/dofloat/here", "");
    assert_eq!(asked(), ["GET"]);
}

/// The tutorial moves the address with `assign-ip` by hand: that is a wish, and no failure of the node that had it.
#[test]
fn an_address_that_was_given_to_a_healthy_peer_by_hand_is_followed() {
    let Some(_) = tool("jq") else { return };
    let root = Root::new();
    root.born(&text(&trusty()));
    root.stack.write("etc/dofloat/peers", TWO_LINKS);
    fs::remove_file(root.stack.path("proc")).unwrap();
    let at = |seconds: u32| root.stack.write("proc/uptime", &format!("{seconds}.50 1.00\n"));
    at(1000);
    let holder = |id: u32| {
        let address = format!("{{\"reserved_ip\":{{\"locked\":false,\"droplet\":{{\"id\":{id}}}}}}}\n200");
        root.stack.write("answers/reserved_ips_203.0.113.7", &address);
    };
    let looks = || root.sh("OCF_RESKEY_floating_ip=203.0.113.7 usr/lib/ocf/resource.d/digitalocean/floatip monitor").code;
    let peer = |attributes: &str, runs: &str| {
        let node = format!("<node name=\"secondary\" id=\"2\" {attributes} type=\"member\"/>");
        let service = format!("<resource id=\"Nginx\" role=\"{runs}\" >\n<node name=\"secondary\" id=\"2\"/>\n</resource>");
        root.stack
            .write("crm_mon.xml", &format!("{node}\n<resource id=\"FloatIP\" role=\"Started\">\n<node name=\"primary\"/>\n{service}\n"));
    };
    let well = "online=\"true\" standby=\"false\" maintenance=\"false\" pending=\"false\" unclean=\"false\"";
    peer(well, "Started");
    let wish = || root.stack.exists("run/dofloat/wish");
    // A node that had nothing has nothing to follow.
    holder(12);
    assert_eq!((looks(), wish()), (7, false));
    let again = || {
        holder(11);
        assert_eq!((looks(), wish()), (0, false));
        holder(12);
    };
    again();
    assert_eq!((looks(), wish()), (0, true));
    again();
    for attributes in [&well.replace("standby=\"false\"", "standby=\"true\""), &well.replace("online=\"true\"", "online=\"false\"")] {
        peer(attributes, "Started");
        assert_eq!((looks(), wish()), (7, false), "{attributes}");
        again();
    }
    peer(well, "Stopped");
    assert_eq!((looks(), wish()), (7, false), "nothing would serve there");
    again();
    peer(well, "Started");
    // A droplet of somebody else.
    holder(99);
    assert_eq!((looks(), wish()), (7, false));
    again();
    assert_eq!((looks(), wish()), (0, true));
    // The node's agent lets the resource follow, and leaves no constraint behind.
    root.stack.write("var/lib/dofloat/done/corosync", "");
    let locate = "case $* in *--move*) : > \"$DOFLOAT_ROOT/moved\" ;; esac
        if [ -e \"$DOFLOAT_ROOT/moved\" ]; then at=secondary; else at=primary; fi
        case $* in *--locate*) echo \"resource FloatIP is running on: $at \" ;; esac";
    root.stand_in("crm_resource", locate);
    root.stand_in("sleep", "kill -TERM $PPID; exec /bin/sleep 0.02");
    root.stack.write("calls", "");
    let _ = root.sh("usr/local/lib/dofloat/agent");
    let calls = root.calls();
    let place = |call: &str| calls.find(call).unwrap_or_else(|| panic!("no `{call}` in\n{calls}"));
    let moves = place("crm_resource --resource FloatIP --move --node secondary --lifetime PT2M");
    assert!(moves < place("crm_resource --resource FloatIP --clear"), "{calls}");
    // It has come to nothing: then the address is taken back.
    at(1041);
    assert_eq!(looks(), 7);
}

#[test]
fn the_agent_keeps_its_contract() {
    let Some(_) = tool("jq") else { return };
    let root = Root::new();
    root.born(&text(&trusty()));
    fs::create_dir_all(root.stack.path("run/dofloat")).unwrap();
    let address = "answers/reserved_ips_203.0.113.7";
    let agent = |environment: &str, action: &str| {
        root.sh(&format!("OCF_RESKEY_CRM_meta_timeout=9000 {environment} usr/lib/ocf/resource.d/digitalocean/floatip {action}"))
    };
    let ip = "OCF_RESKEY_floating_ip=203.0.113.7";
    agent("", "meta-data").ok().mentions("<resource-agent name=\"floatip\"");
    agent(ip, "dance").exits(3);
    agent("", "monitor").exits(6);
    agent("OCF_RESKEY_floating_ip=words", "validate-all").exits(6);
    agent(&format!("{ip} OCF_RESKEY_token_file=/nowhere"), "start").exits(5);
    agent(ip, "validate-all").ok();
    // Not known, and the API cannot be asked.
    root.stack.write(address, "{}\n503");
    agent(ip, "monitor").exits(7);
    root.stack.write(address, "{\"reserved_ip\":{\"locked\":false,\"droplet\":{\"id\":11}}}\n200");
    agent(ip, "monitor").exits(0);
    agent(ip, "status").exits(0);
    agent(ip, "start").exits(0);
    // Known from before: trouble with the API moves nothing.
    for trouble in ["{}\n503", "{}\n429", "\n000", "{}\n401"] {
        root.stack.write(address, trouble);
        agent(ip, "monitor").exits(0);
    }
    assert_eq!(root.sh("cat run/dofloat/api-error").ok().stdout, "the API refuses the node's token (401)\n");
    // A refused token may be mended.
    agent(ip, "start").exits(1).mentions("refuses the token (401)");
    assert!(root.stack.exists("run/dofloat/start-failed"));
    root.stack.write(address, "{\"reserved_ip\":{\"locked\":false,\"droplet\":{\"id\":12}}}\n200");
    agent(ip, "monitor").exits(7);
    agent(ip, "stop").exits(0);
    root.stack.write(address, "{\"reserved_ip\":{\"locked\":false,\"droplet\":{\"id\":11}}}\n200");
    agent(ip, "monitor").exits(7);
    agent(ip, "start").exits(0);
    agent(ip, "monitor").exits(0);
    root.stack.write(address, "{\"message\":\"gone\"}\n404");
    agent(ip, "start").exits(2);
    let warned = agent(&format!("{ip} OCF_RESKEY_do_token=plain"), "monitor");
    assert!(warned.stderr.contains("put it into a file"), "{warned}");
}

/// What crm made of the first dofloat's configuration with fencing.
const BY_CRM: &str = include_str!("../../../fixtures/bootstrap/by-crm.xml");

/// A node of a pair whose cluster has this configuration, and where both want what this one wants.
fn in_cluster(node: &Node, cib: &str) -> Root {
    let root = Root::new();
    for (path, content) in written(&text(node)) {
        root.stack.write(&path[1..], &content);
        fs::set_permissions(root.stack.path(&path[1..]), fs::Permissions::from_mode(0o755)).unwrap();
    }
    root.stack.write("cib.xml", cib);
    let mark = root.sh("usr/local/lib/dofloat/parts mark").ok().stdout;
    for name in &node.nodes {
        root.stack.write(&format!("told-{name}"), &format!("<nvpair name=\"dofloat-parts\" value=\"{}\"/>\n", mark.trim()));
    }
    root.stack.write("calls", "");
    root
}

fn step(root: &Root) -> String {
    root.sh("usr/local/lib/dofloat/parts step").ok();
    root.stack.read("run/dofloat/parts")
}

#[test]
fn a_configuration_that_is_as_the_block_has_it_is_left_alone_whoever_wrote_it() {
    let root = in_cluster(&modern(), BY_CRM);
    // The old delay goes; what every dofloat has written is known by what it says, not by how crm spells it.
    assert!(!step(&root).contains("hand"), "{}", root.stack.read("run/dofloat/parts"));
    let calls = root.calls();
    assert!(calls.contains("cibadmin --delete --xpath //crm_config//nvpair[@name='priority-fencing-delay']"), "{calls}");
    assert_eq!(calls.matches("--delete").count(), 1, "{calls}");
    assert!(!calls.contains("--replace"), "{calls}");
    let made = root.stack.read("made");
    for part in ["start-failure-is-fatal", "stonith-max-attempts"] {
        assert!(made.contains(part), "{part} is not in\n{made}");
    }
    assert!(!made.contains("<primitive"), "{made}");
}

#[test]
fn fencing_is_switched_on_in_a_running_cluster_once_both_nodes_want_it() {
    let without = Node { fencing: Fencing::None, ..modern() };
    let cib = configuration_of(&without);
    let root = in_cluster(&modern(), &cib);
    // The other one runs what was before, and has no fence agent.
    let mark = root.stack.read("told-secondary");
    root.stack.write("told-secondary", "<nvpair name=\"dofloat-parts\" value=\"other\"/>\n");
    let told = step(&root);
    assert!(told.contains("behind stonith-enabled\n") && told.contains("behind Fence-primary\n"), "{told}");
    assert!(!root.calls().contains("--replace") && !root.stack.exists("made"), "{}", root.calls());
    root.stack.write("told-secondary", &mark);
    step(&root);
    let made = root.stack.read("made");
    for part in
        ["<primitive id=\"Fence-primary\"", "<rsc_location id=\"Fence-secondary-elsewhere\"", "name=\"stonith-timeout\" value=\"180s\""]
    {
        assert!(made.contains(part), "{part} is not in\n{made}");
    }
    let calls = root.calls();
    let on = "cibadmin --replace --xpath //crm_config//nvpair[@name='stonith-enabled'] --xml-text";
    assert!(calls.find("--xml-pipe").unwrap() < calls.find(on).unwrap_or(0), "there is nothing yet that fences\n{calls}");
    // The second node only tells.
    let second = in_cluster(&Node { name: "secondary".to_owned(), ..modern() }, &cib);
    assert!(step(&second).contains("behind stonith-enabled\n"));
    assert!(!second.calls().contains("--replace") && !second.stack.exists("made"), "{}", second.calls());
}

#[test]
fn what_the_operator_has_changed_is_left_alone_and_told() {
    let without = Node { fencing: Fencing::None, service: Service::None, ..modern() };
    let cib = configuration_of(&modern())
        .replace("name=\"no-quorum-policy\" value=\"stop\"", "name=\"no-quorum-policy\" value=\"freeze\"")
        .replace("name=\"monitor\" interval=\"10s\"", "name=\"monitor\" interval=\"5s\"");
    let taken = cib.lines().filter(|line| !line.contains("\"FloatIP-Nginx\"")).collect::<Vec<_>>().join("\n");
    let own = taken.replace("</resources>", "<primitive id=\"Own\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\"/>\n</resources>");
    // One that was stopped and started again is as it was.
    let started = own.replace(
        "name=\"interleave\" value=\"true\"/>",
        "name=\"interleave\" value=\"true\"/>\n<nvpair id=\"x\" name=\"target-role\" value=\"Started\"/>",
    );
    assert_ne!(started, own);
    let root = in_cluster(&modern(), &started);
    assert_eq!(step(&root), "hand FloatIP\nhand FloatIP-Nginx\nhand no-quorum-policy\n", "{}", root.calls());
    assert!(!root.calls().contains("--replace") && !root.stack.exists("made"), "{}", root.calls());
    // What is not wanted any more goes, the other way round; what is the operator's stays.
    let root = in_cluster(&without, &started);
    step(&root);
    let calls = root.calls();
    let at = |what: &str| calls.find(what).unwrap_or_else(|| panic!("no {what} in\n{calls}"));
    assert!(at("stonith-enabled") < at("--delete --xpath //constraints/*[@id='Fence-primary-elsewhere']"));
    assert!(at("[@id='Nginx-FloatIP']") < at("--delete --xpath //resources/*[@id='Nginx-clone']"));
    for kept in ["Own", "no-quorum-policy", "[@id='FloatIP']"] {
        assert!(!calls.lines().any(|line| line.contains("--delete") && line.contains(kept)), "{kept}\n{calls}");
    }
}

/// The configuration as such a node writes it, an element a line as pacemaker gives it, and what is remembered of it.
fn configuration_of(node: &Node) -> String {
    let root = in_cluster(node, "<configuration>\n</configuration>\n");
    root.sh("usr/local/lib/dofloat/parts write").ok();
    let made = root.stack.read("made").replace("><", ">\n<");
    // What is remembered follows from what is there.
    root.stack.write("cib.xml", &made);
    root.stack.write("calls", "");
    root.sh("usr/local/lib/dofloat/parts write").ok();
    let calls = root.calls();
    let memory = calls.lines().find_map(|line| line.strip_prefix("crm_attribute --type crm_config --name dofloat-parts --update "));
    let nvpair = |name: &str, value: &str| format!("<nvpair id=\"{name}\" name=\"{name}\" value=\"{value}\"/>");
    let told = format!(
        "{}\n{}\n</cluster_property_set>",
        nvpair("dofloat", "configured"),
        nvpair("dofloat-parts", memory.expect("it is written"))
    );
    made.replace("</cluster_property_set>", &told)
}
