//! No secret where it does not belong: secret × place × command, over everything that is said and written.
//!
//! Invariant: what is searched is every stream of every command, with the log at its finest, and every file that a command
//! leaves, except those that the user wrote. A secret counts as found in any case and in any of the forms that carry texts.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dofloat::sim::Options;

use crate::support::cloud::Cloud;
use crate::support::harness::{Stack, in_full};

/// What is secret: like a token, like a password, like a key.
const SECRETS: [&str; 3] =
    ["Kw8Zr4TopHidden77Qx", "p4ss+w\"rd/h\u{fc}sh 77Qx", "-----BEGIN X-----\nQUJDREVGR0hJSktM\nTU5PUFFSU1RVVldY\n-----END X-----"];

/// Where it stands, as `var.s`: what the case is called, the plan, and whether the plan is refused.
const PLACES: [(&str, &str, bool); 18] = [
    ("the name of a tag", r#"resource "digitalocean_tag" "x" { name = var.s }"#, true),
    ("the name of a domain", r#"resource "digitalocean_domain" "x" { name = "${lower(replace(var.s, "/[^A-Za-z0-9]/", ""))}.com" }"#, true),
    (
        "the domain of a record",
        r#"resource "digitalocean_record" "x" {
  domain = var.s
  type   = "TXT"
  name   = "x"
  value  = "x"
}"#,
        true,
    ),
    (
        "the address of an assignment",
        r#"resource "digitalocean_reserved_ip_assignment" "x" {
  ip_address = var.s
  droplet_id = 1
}"#,
        true,
    ),
    (
        "the name of a record",
        r#"resource "digitalocean_domain" "d" { name = "example.com" }
resource "digitalocean_record" "x" {
  domain = digitalocean_domain.d.name
  type   = "TXT"
  name   = lower(replace(var.s, "/[^A-Za-z0-9]/", ""))
  value  = "x"
}
output "o" {
  value     = digitalocean_record.x.fqdn
  sensitive = true
}"#,
        false,
    ),
    (
        "the value of a record",
        r#"resource "digitalocean_domain" "d" { name = "example.com" }
resource "digitalocean_record" "x" {
  domain = digitalocean_domain.d.name
  type   = "TXT"
  name   = "x"
  value  = replace(replace(var.s, "\n", " "), "\u00fc", "")
}"#,
        false,
    ),
    ("an open output", r#"output "o" { value = var.s }"#, true),
    (
        "an open output of what was computed",
        r#"resource "digitalocean_domain" "d" { name = "example.com" }
resource "digitalocean_record" "x" {
  domain = digitalocean_domain.d.name
  type   = "TXT"
  name   = lower(replace(var.s, "/[^A-Za-z0-9]/", ""))
  value  = "x"
}
output "o" { value = digitalocean_record.x.fqdn }"#,
        false,
    ),
    ("an output", "output \"o\" {\n  value     = [base64encode(var.s), urlencode(var.s)]\n  sensitive = true\n}", false),
    ("user data", DROPLET_USER_DATA, false),
    ("the name of a droplet", DROPLET_NAME, false),
    ("an ssh key that the API does not know", DROPLET_KEY, true),
    ("an image that the API does not know", DROPLET_IMAGE, true),
    (
        "a region that the API does not know",
        r#"resource "digitalocean_vpc" "x" {
  name   = "x"
  region = var.s
}"#,
        true,
    ),
    (
        "the name of a firewall",
        r#"resource "digitalocean_firewall" "x" {
  name = replace(var.s, "/[^A-Za-z0-9]/", "")
  outbound_rule {
    protocol              = "icmp"
    destination_addresses = ["0.0.0.0/0"]
  }
}"#,
        false,
    ),
    ("data that is secret as a whole", "resource \"terraform_data\" \"x\" { input = var.s }", false),
    (
        "data of one's own",
        "resource \"terraform_data\" \"x\" { input = { a = var.s } }\noutput \"o\" {\n  value     = terraform_data.x.output\n  sensitive = true\n}",
        false,
    ),
    (
        "what the configuration marks itself",
        r#"resource "digitalocean_droplet" "x" {
  name     = "x"
  region   = "nyc3"
  size     = "s-1vcpu-1gb"
  image    = "ubuntu-24-04-x64"
  ssh_keys = [sensitive(nonsensitive(var.s))]
}"#,
        true,
    ),
];

const DROPLET_USER_DATA: &str = r##"resource "digitalocean_droplet" "x" {
  name      = "x"
  region    = "nyc3"
  size      = "s-1vcpu-1gb"
  image     = "ubuntu-24-04-x64"
  user_data = "#!/bin/sh\necho ${base64encode("user:${var.s}")}\n"
}"##;

const DROPLET_NAME: &str = r#"resource "digitalocean_droplet" "x" {
  name   = "a${lower(replace(var.s, "/[^A-Za-z0-9]/", ""))}"
  region = "nyc3"
  size   = "s-1vcpu-1gb"
  image  = "ubuntu-24-04-x64"
}"#;

const DROPLET_KEY: &str = r#"resource "digitalocean_droplet" "x" {
  name     = "x"
  region   = "nyc3"
  size     = "s-1vcpu-1gb"
  image    = "ubuntu-24-04-x64"
  ssh_keys = [var.s]
}"#;

const DROPLET_IMAGE: &str = r#"resource "digitalocean_droplet" "x" {
  name   = "x"
  region = "nyc3"
  size   = "s-1vcpu-1gb"
  image  = var.s
}"#;

/// The commands, in the order in which somebody gives them.
const COMMANDS: [&[&str]; 15] = [
    &["validate"],
    &["plan", "-out=saved"],
    &["plan", "-json"],
    &["show", "saved"],
    &["show", "-json", "saved"],
    &["apply", "-auto-approve"],
    &["apply", "-auto-approve", "-json"],
    &["plan", "-detailed-exitcode"],
    &["show"],
    &["show", "-json"],
    &["output"],
    &["state", "list"],
    &["refresh"],
    &["destroy", "-auto-approve", "-json"],
    &["plan", "-destroy"],
];

/// The forms in which a secret gives itself away.
fn forms(secret: &str) -> Vec<String> {
    let plain: String = secret.chars().filter(char::is_ascii_alphanumeric).collect();
    let url: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::to_string(secret).expect("a text");
    let lines = secret.lines().filter(|line| line.len() >= 16).map(str::to_owned);
    let mut forms = vec![secret.to_owned(), plain, json.trim_matches('"').to_owned(), url];
    forms.extend((0..3).map(|before| {
        let code = STANDARD.encode([&b"   "[..before], secret.as_bytes()].concat());
        code[4..code.len() - 4].to_owned()
    }));
    forms.extend(lines);
    forms.iter().map(|form| form.to_lowercase()).collect()
}

/// Everything that was said and written, by where.
#[derive(Default)]
struct Heard(BTreeMap<String, String>);

impl Heard {
    fn run(&mut self, stack: &Stack, arguments: &[&str], own: &[&str]) -> crate::support::harness::Outcome {
        let outcome = stack.run(arguments);
        self.0.insert(arguments.join(" "), format!("{}{}", outcome.stdout, outcome.stderr));
        for (path, bytes) in stack.files().into_iter().filter(|(path, _)| !own.contains(&path.as_str())) {
            self.0.insert(format!("{path} after {}", arguments.join(" ")), String::from_utf8_lossy(&bytes).into_owned());
        }
        outcome
    }

    /// Where a secret is, by its forms.
    fn holds(&self, secret: &str) -> Vec<String> {
        let forms = forms(secret);
        let found = self.0.iter().filter_map(|(place, text)| {
            let low = text.to_lowercase();
            let form = forms.iter().find(|form| low.contains(*form))?;
            let line = text.lines().find(|line| line.to_lowercase().contains(form.as_str())).unwrap_or_default();
            Some(format!("{place}: {form}: {line}"))
        });
        found.collect()
    }
}

/// A place with a secret, walked through by all commands.
fn walk(place: &str, plan: &str, refused: bool, secret: &str, from: usize) -> Vec<String> {
    let cloud = Cloud::start(Options::default());
    let plan = format!("variable \"s\" {{\n  type      = string\n  sensitive = true\n}}\n\n{plan}\n");
    let stack = cloud.serve(Stack::with_plan("x", &plan)).env("DOFLOAT_LOG", "trace").env("DOFLOAT_CLOCK", "virtual");
    let quoted = serde_json::to_string(secret).expect("a text");
    let given = format!("s={secret}");
    let (stack, options): (Stack, Vec<&str>) = match from {
        0 => (stack.env("TF_VAR_s", secret), Vec::new()),
        1 => (stack.with_file("s.tfvars", &format!("s = {quoted}\n")), vec!["-var-file=s.tfvars"]),
        2 => (stack.with_file("plans/x.auto.tfvars", &format!("s = {quoted}\n")), Vec::new()),
        _ => (stack, vec!["-var", &given]),
    };
    let mut heard = Heard::default();
    let (mut wrong, mut failed) = (Vec::new(), false);
    for command in COMMANDS {
        let takes = ["validate", "plan", "apply", "refresh", "destroy"].contains(&command[0]);
        let arguments: Vec<&str> = command.iter().copied().chain(options.iter().copied().filter(|_| takes)).collect();
        let outcome = heard.run(&stack, &arguments, &["plans/x.tf", "plans/x.auto.tfvars", "s.tfvars"]);
        failed |= outcome.code != 0 && command[0] == "apply";
        // Not every plan here has outputs.
        if !refused && outcome.code != 0 && command != ["output"] {
            wrong.push(format!("{place}: {outcome}"));
        }
    }
    if refused != failed {
        wrong.push(format!("{place}: it must {}be refused", if refused { "" } else { "not " }));
    }
    wrong.extend(heard.holds(secret).into_iter().chain(heard.holds(Cloud::TOKEN)).map(|found| format!("{place}: {found}")));
    wrong
}

#[test]
fn no_secret_is_said_or_written_whatever_it_is_and_wherever_it_stands() {
    let mut wrong = Vec::new();
    for (at, (place, plan, refused)) in PLACES.into_iter().enumerate() {
        for (nth, secret) in SECRETS.into_iter().enumerate() {
            // Thin: each place with one secret, from one source; in turns.
            if in_full() {
                (0..4).for_each(|from| wrong.extend(walk(place, plan, refused, secret, from)));
            } else if nth == at % SECRETS.len() {
                wrong.extend(walk(place, plan, refused, secret, at % 4));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

/// A server that answers everything with what it was told, in every form, as some proxies do.
fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it listens"));
    std::thread::spawn(move || {
        for mut line in listener.incoming().flatten() {
            let mut bytes = [0; 8192];
            let read = line.read(&mut bytes).unwrap_or(0);
            let head = String::from_utf8_lossy(&bytes[..read]).into_owned();
            let token =
                head.lines().find_map(|line| line.to_lowercase().starts_with("authorization:").then(|| line[14..].trim().to_owned()));
            let token = token.unwrap_or_default();
            let url: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
            let long = format!("{}{token}", "x".repeat(370));
            let said = format!("bad {token} {url} {} {}", STANDARD.encode(&token), STANDARD.encode(format!("x{token}")));
            let said = if head.contains("/account") { said } else { long };
            let body = serde_json::json!({ "id": "unauthorized", "message": said, "request_id": token }).to_string();
            let answer = format!(
                "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\nx-request-id: {token}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            // Whoever hung up hears nothing.
            let _ = line.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn a_token_that_is_thrown_back_is_not_printed() {
    const TOKEN: &str = "dop_v1_Fake0FullToken4711";
    let plan = r#"resource "digitalocean_tag" "t" { name = "t" }"#;
    let server = echo();
    let base = || Stack::with_plan("web", plan).env("DIGITALOCEAN_API_URL", &server).env("DOFLOAT_LOG", "trace");
    let doctl = format!("access-token: {TOKEN}\n");
    let block = format!("provider \"digitalocean\" {{\n  token = \"{TOKEN}\"\n}}\n{plan}\n");
    let sources: [(Stack, &[&str]); 4] = [
        (base().env("DIGITALOCEAN_TOKEN", TOKEN), &[]),
        (base().with_file("token.txt", TOKEN), &["-t", "token.txt"]),
        (base().with_file("home/.config/doctl/config.yaml", &doctl), &[]),
        (base().with_file("plans/web.tf", &block), &[]),
    ];
    for (stack, options) in sources {
        let mut heard = Heard::default();
        for command in [&["plan"][..], &["plan", "-json"], &["apply", "-auto-approve"], &["import", "digitalocean_tag.t", "t"]] {
            let own = ["token.txt", "home/.config/doctl/config.yaml", "plans/web.tf"];
            let outcome = heard.run(&stack, &[command, options].concat(), &own).exits(1);
            assert!(outcome.to_string().contains("(sensitive)"), "{outcome}");
        }
        heard.run(&stack, &["plan", "web", TOKEN], &["token.txt", "home/.config/doctl/config.yaml", "plans/web.tf"]).exits(64);
        let holders = heard.holds(TOKEN);
        // The command line is read before any source but the environment.
        let holders: Vec<&String> = holders.iter().filter(|found| !options.is_empty() || !found.starts_with("plan web")).collect();
        assert!(holders.iter().all(|found| found.starts_with("plan web")), "{holders:#?}");
    }
}

#[test]
fn what_is_asked_for_by_name_is_shown() {
    let plan = "variable \"s\" {\n  sensitive = true\n}\noutput \"o\" {\n  value     = var.s\n  sensitive = true\n}\nresource \"digitalocean_tag\" \"t\" {\n  name = \"t\"\n}\n";
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("web", plan)).env("TF_VAR_s", SECRETS[0]);
    stack.run(&["apply", "-auto-approve"]).ok();
    assert_eq!(stack.run(&["output", "-raw", "o"]).ok().stdout, SECRETS[0]);
    assert_eq!(stack.run(&["output", "-json", "o"]).ok().json(), SECRETS[0]);
    let plan = "variable \"s\" {\n  sensitive = true\n}\nresource \"digitalocean_tag\" \"t\" {\n  name = nonsensitive(var.s)\n}\n";
    let stack = cloud.serve(Stack::with_plan("web", plan)).env("TF_VAR_s", SECRETS[0]);
    stack.run(&["apply", "-auto-approve"]).ok().mentions(&format!("[id={}]", SECRETS[0]));
    // A state is whole wherever it goes, even where a word of it is somebody's token.
    let pulled = stack.run_env(&[("DIGITALOCEAN_TOKEN", "digitalocean_tag")], &["state", "pull"]).ok().stdout;
    assert_eq!(pulled, stack.read("state/web.json"));
}

/// A database whose passwords go to an output, to another object and into a part of a text.
const COMPUTED: &str = r#"
resource "digitalocean_database_cluster" "main" {
  name       = "main"
  engine     = "pg"
  version    = "16"
  size       = "db-s-1vcpu-1gb"
  region     = "nyc3"
  node_count = 1
}
resource "digitalocean_database_user" "app" {
  cluster_id = digitalocean_database_cluster.main.id
  name       = "app"
}
resource "terraform_data" "told" {
  input = "app:${digitalocean_database_user.app.password}"
}
output "uri" {
  value     = digitalocean_database_cluster.main.private_uri
  sensitive = true
}
output "host" {
  value = digitalocean_database_cluster.main.host
}
"#;

#[test]
fn what_the_api_computes_is_known_in_later_plans_and_said_nowhere() {
    let cloud = Cloud::start(Options::default());
    let stack = cloud.serve(Stack::with_plan("x", COMPUTED)).env("DOFLOAT_LOG", "trace").env("DOFLOAT_CLOCK", "virtual");
    let mut heard = Heard::default();
    for (command, code) in [
        (&["plan", "x", "-out", "first"][..], 0),
        (&["apply", "first"], 0),
        (&["plan", "x", "-detailed-exitcode"], 0),
        (&["plan", "x", "-detailed-exitcode", "-refresh=false"], 0),
        (&["plan", "x", "-json", "-out", "second"], 0),
        (&["apply", "second"], 0),
        (&["apply", "x", "-auto-approve", "-json"], 0),
        (&["state", "show", "x", "digitalocean_database_user.app"], 0),
        (&["state", "list", "x"], 0),
        (&["state", "pull", "x"], 0),
        (&["show", "x"], 0),
        (&["output", "x"], 0),
        (&["refresh", "x"], 0),
    ] {
        heard.run(&stack, command, &["plans/x.tf"]).exits(code);
    }
    let clusters = cloud.show("databases");
    let uri = clusters[0]["private_connection"]["uri"].as_str().expect("a text").to_owned();
    assert_eq!(stack.run(&["output", "x", "-raw", "uri"]).ok().stdout, uri);
    let secrets = [&clusters[0]["connection"]["password"], &cloud.show("databases/{database_cluster_uuid}/users")[0]["password"]];
    heard.run(&stack, &["destroy", "x", "-auto-approve"], &["plans/x.tf"]).ok();
    for secret in secrets.map(|secret| secret.as_str().expect("a text")) {
        assert!(secret.starts_with("AVNS_"), "{secret}");
        assert_eq!(heard.holds(secret), [""; 0]);
    }
    assert_eq!(heard.holds(&uri), [""; 0]);
}

/// A token and a password that stand in files: one of each form.
const WRITTEN: [&str; 2] = ["dop_v1_00c0ffee00c0ffee77Qx", "Wr1tten-p4ssw0rd-77Qx"];

/// Files that are refused at, or beside, what is written in them.
const REFUSED: [(&str, &str); 12] = [
    ("an argument that there is not", "provider \"digitalocean\" {\n  tokne = \"TOKEN\"\n}\n"),
    ("a token that is a list", "provider \"digitalocean\" {\n  token = [\"TOKEN\"]\n}\n"),
    ("a token that is computed wrongly", "provider \"digitalocean\" {\n  token = tonumber(\"TOKEN\")\n}\n"),
    ("a setting beside the token", "provider \"digitalocean\" {\n  token = \"TOKEN\"\n  http_retry_max = \"many\"\n}\n"),
    ("settings on one line", "provider \"digitalocean\" { token = \"TOKEN\", http_retry_max = \"many\" }\n"),
    ("a quote that is not closed", "provider \"digitalocean\" {\n  token = \"TOKEN\n  spaces_secret_key = \"PASSWORD\"\n}\n"),
    ("a block that is not closed", "provider \"digitalocean\" { token = \"TOKEN\"\n"),
    ("a second provider", "provider \"digitalocean\" { token = \"TOKEN\" }\nprovider \"digitalocean\" { token = \"PASSWORD\" }\n"),
    ("a default of the wrong type", "variable \"x\" {\n  type = number\n  default = \"PASSWORD\"\n  sensitive = true\n}\n"),
    (
        "a condition that fails",
        "variable \"db_password\" {\n  default = \"PASSWORD\"\n  validation {\n    condition = length(var.db_password) > 99\n    error_message = \"No.\"\n  }\n}\n",
    ),
    (
        "a key of a bucket",
        "terraform {\n  backend \"s3\" {\n    bucket = \"acme\"\n    region = \"nyc3\"\n    secret_key = \"PASSWORD\"\n  }\n}\n",
    ),
    (
        "a connection",
        "resource \"terraform_data\" \"x\" {\n  connection { password = file(\"PASSWORD\") }\n  provisioner \"remote-exec\" { inlin = [] }\n}\n",
    ),
];

#[test]
fn no_excerpt_shows_a_secret_that_is_written_in_the_file() {
    const REFUSING: [&[&str]; 18] = [
        &["validate"],
        &["validate", "-json"],
        &["plan"],
        &["plan", "-json"],
        &["apply", "-auto-approve"],
        &["apply", "-auto-approve", "-json"],
        &["destroy", "-auto-approve"],
        &["destroy", "-auto-approve", "-json"],
        &["refresh"],
        &["import", "-discover"],
        &["show", "-json"],
        &["output", "-json"],
        &["state", "list"],
        &["status"],
        &["init"],
        &["scopes"],
        &["unlock"],
        &["fmt", "-check"],
    ];
    let mut wrong = Vec::new();
    for (name, text) in REFUSED {
        let text = text.replace("TOKEN", WRITTEN[0]).replace("PASSWORD", WRITTEN[1]);
        let stack = Stack::with_plan("x", &text);
        let mut heard = Heard::default();
        for command in REFUSING {
            heard.run(&stack, command, &["plans/x.tf"]);
        }
        assert_ne!(stack.run(&["plan"]).code, 0, "{name} is refused");
        wrong.extend(WRITTEN.iter().flat_map(|secret| heard.holds(secret)).map(|found| format!("{name}: {found}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
