//! What the help of every command ends with: examples, and the variables of the environment that matter to it.
//!
//! Invariant: every command has an example, and every example is a command line that is understood; tests hold both.

use super::topics;

/// A command's part: its path, example lines with what each does, and variables.
type Part = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

const TOKEN: &str = "DIGITALOCEAN_TOKEN";
const STACK: &str = "DOFLOAT_STACK";
const IDENTITY: &str = "DOFLOAT_AGE_IDENTITY";
const ARGUMENTS: &str = "TF_CLI_ARGS";
const VALUES: &str = "TF_VAR_name";

const PARTS: &[Part] = &[
    (
        "plan",
        &[
            ("dofloat plan web", "what an apply of the stack web would change"),
            ("dofloat plan web --sim", "the same in a simulated account"),
            ("dofloat plan web -var size=s-2vcpu-4gb -out=web.plan", "keeps the plan for `dofloat apply web.plan`"),
            ("dofloat plan -detailed-exitcode", "exits with 2 where changes are pending"),
        ],
        &[TOKEN, STACK, VALUES, ARGUMENTS],
    ),
    (
        "apply",
        &[
            ("dofloat apply web", "shows the plan and asks"),
            ("dofloat apply web.plan", "a saved plan, without asking"),
            ("dofloat apply web -replace=digitalocean_droplet.web", "recreates one resource"),
            ("dofloat apply web --sim -auto-approve", "in a simulated account, without asking"),
        ],
        &[TOKEN, STACK, VALUES, IDENTITY, "DOFLOAT_ALLOW_PROVISIONERS"],
    ),
    (
        "destroy",
        &[
            ("dofloat destroy web", "shows what would be destroyed and asks"),
            ("dofloat destroy web -target=digitalocean_droplet.web", "one resource and what depends on it"),
        ],
        &[TOKEN, STACK, VALUES],
    ),
    ("show", &[("dofloat show web", "the state"), ("dofloat show -json web.plan", "a saved plan in Terraform's JSON form")], &[STACK]),
    ("output", &[("dofloat output", "all outputs"), ("dofloat output -raw address", "one, as it is: for scripts")], &[STACK, IDENTITY]),
    ("validate", &[("dofloat validate web", "without any request"), ("dofloat validate -json", "for editors and CI")], &[STACK, VALUES]),
    ("graph", &[("dofloat graph web", "for Graphviz: `dofloat graph | dot -Tsvg > graph.svg`")], &[STACK]),
    (
        "fmt",
        &[("dofloat fmt", "the files of this folder"), ("dofloat fmt -check -recursive", "for CI: exits with 3 where a file differs")],
        &[],
    ),
    ("init", &[("dofloat init", "fetches modules, says which state is used")], &[STACK, "TF_CLI_CONFIG_FILE"]),
    (
        "import",
        &[
            ("dofloat import web digitalocean_droplet.web 3164494", "one object by its ID"),
            ("dofloat import -discover web", "finds what matches the configuration, and asks"),
            ("dofloat import -tfstate=terraform.tfstate", "everything that Terraform managed"),
        ],
        &[TOKEN, STACK, VALUES],
    ),
    (
        "adopt",
        &[
            ("dofloat adopt web", "lists what is not certain"),
            ("dofloat adopt web digitalocean_droplet.web 3164494", "this object is the one"),
            ("dofloat adopt web digitalocean_droplet.web none", "nothing was created"),
        ],
        &[TOKEN, STACK],
    ),
    ("refresh", &[("dofloat refresh web", "updates the state, changes nothing else")], &[TOKEN, STACK, VALUES]),
    ("state", &[("dofloat state list", "what the state has"), ("dofloat state show digitalocean_droplet.web", "one resource")], &[STACK]),
    ("state list", &[("dofloat state list web", "all addresses"), ("dofloat state list -json", "with type, name and ID")], &[STACK]),
    (
        "state show",
        &[
            ("dofloat state show web digitalocean_droplet.web", "one resource"),
            ("dofloat state show -json digitalocean_droplet.web", "as JSON"),
        ],
        &[STACK],
    ),
    (
        "state mv",
        &[("dofloat state mv digitalocean_droplet.web digitalocean_droplet.front", "after a rename in the configuration")],
        &[STACK],
    ),
    ("state rm", &[("dofloat state rm digitalocean_droplet.web", "forgets it; the droplet is kept")], &[STACK]),
    ("state untaint", &[("dofloat state untaint digitalocean_droplet.web", "takes it as it is")], &[STACK]),
    ("state pull", &[("dofloat state pull web", "for a backup: `dofloat state pull > web.json`")], &[STACK]),
    ("state push", &[("dofloat state push web web.json", "puts a backup back")], &[STACK]),
    ("state check", &[("dofloat state check", "as a pre-commit hook")], &[]),
    ("state recipients", &[("dofloat state recipients", "who can decrypt the secrets")], &[IDENTITY, "DOFLOAT_AGE_RECIPIENTS"]),
    ("state recipients list", &[("dofloat state recipients list", "who can decrypt the secrets")], &[IDENTITY]),
    ("state recipients add", &[("dofloat state recipients add bob.pub", "a file with a public key")], &[IDENTITY]),
    ("state recipients remove", &[("dofloat state recipients remove bob", "from now on")], &[IDENTITY]),
    ("state recipients rotate", &[("dofloat state recipients rotate", "a new key for yourself")], &[IDENTITY]),
    ("state merge", &[("dofloat state merge -install", "once in each clone")], &[]),
    (
        "status",
        &[("dofloat status web", "health of the nodes, who holds the address"), ("dofloat status -json", "for monitoring")],
        &[TOKEN, STACK],
    ),
    (
        "drill",
        &[
            ("dofloat drill web", "asks, and cuts the power of the node that serves"),
            ("dofloat drill web -kind=reboot -max-gap=5s -auto-approve", "for a pipeline: fails where it takes longer"),
            ("dofloat drill web -report=drill.md", "with a report and a timeline"),
            ("dofloat drill web -history", "what earlier ones measured"),
        ],
        &[TOKEN, STACK],
    ),
    (
        "failover",
        &[
            ("dofloat failover web", "the other node gets the address"),
            ("dofloat failover web -to=primary", "this node gets it, if it has it not"),
            ("dofloat failover web -by=api", "without a shell on the nodes"),
        ],
        &[TOKEN, STACK],
    ),
    (
        "standby",
        &[("dofloat standby web secondary", "before maintenance"), ("dofloat standby secondary", "where there is one stack")],
        &[TOKEN, STACK],
    ),
    ("online", &[("dofloat online web secondary", "after it")], &[TOKEN, STACK]),
    ("arbiter", &[("dofloat arbiter web", "for `ssh root@HOST sh`: dofloat arbiter web | ssh root@HOST sh")], &[STACK, IDENTITY]),
    ("unlock", &[("dofloat unlock web", "shows who holds the lock, and asks")], &[STACK]),
    (
        "scopes",
        &[("dofloat scopes web", "for its whole life"), ("dofloat scopes web -by", "by phase: plan, apply, destroy ...")],
        &[STACK, VALUES],
    ),
    (
        "doctor",
        &[
            ("dofloat doctor", "what is needed on this machine"),
            ("dofloat doctor web", "and what an apply of the stack web needs"),
            ("dofloat doctor web -json", "for monitoring"),
        ],
        &[TOKEN, STACK, IDENTITY],
    ),
    ("sim", &[("dofloat sim", "at 127.0.0.1:8640"), ("dofloat sim -listen=127.0.0.1:0", "at a free port")], &["DOFLOAT_SIM_TOKEN"]),
    ("providers", &[("dofloat providers", "those that the resource types belong to")], &[]),
    ("providers schema", &[("dofloat providers schema -json", "all attributes of all resource types and data sources")], &[]),
    ("version", &[("dofloat version", "the version and the platform"), ("dofloat version -json", "for scripts")], &[]),
    (
        "help",
        &[
            ("dofloat help plan", "a command"),
            ("dofloat help tokens", "a topic"),
            ("dofloat help kind droplet", "a resource type or data source"),
        ],
        &[],
    ),
    ("completions", &[("dofloat completions bash", "for ~/.bashrc: source <(dofloat completions bash)")], &[]),
];

/// The program with examples and variables in the help of every command, and with the topics in its own.
#[must_use]
pub fn completed(program: clap::Command) -> clap::Command {
    let topics = topics::NAMES.iter().map(|name| format!("  {name:<14}{}\n", about(name))).collect::<String>();
    let text = format!(
        "{}\n\nTopics (`dofloat help TOPIC`):\n{topics}\n`dofloat help kind` lists the resource types and data sources, `dofloat help kind droplet` shows one.\n\n\
         Examples:\n  dofloat plan ha --sim                tries a stack in a simulated account\n  dofloat apply ha --sim               builds it there\n\
         \x20 dofloat scopes web                   the token that a stack needs\n  dofloat plan web && dofloat apply web",
        environment(&[TOKEN, STACK, VALUES, "NO_COLOR", "DOFLOAT_LOG"])
    );
    with_parts(program, "").after_long_help(text)
}

/// What a topic is about, without its name.
fn about(name: &str) -> &'static str {
    topics::title(name).split_once(": ").map_or_else(|| topics::title(name), |(_, about)| about)
}

fn with_parts(mut program: clap::Command, path: &str) -> clap::Command {
    let names: Vec<String> = program.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names {
        let path = if path.is_empty() { name.clone() } else { format!("{path} {name}") };
        program = program.mut_subcommand(&name, |command| {
            let command = with_parts(command, &path);
            match PARTS.iter().find(|(own, ..)| *own == path) {
                Some(part) => command.after_long_help(text(part)),
                None => command,
            }
        });
    }
    program
}

fn text((_, examples, variables): &Part) -> String {
    let width = examples.iter().map(|(line, _)| line.len()).filter(|width| *width <= 40).max().unwrap_or_default();
    let mut text = "Examples:".to_owned();
    for (line, what) in *examples {
        let gap = if line.len() <= width { " ".repeat(width - line.len() + 2) } else { format!("\n{}", " ".repeat(width + 4)) };
        text.push_str(&format!("\n  {line}{gap}{what}"));
    }
    if variables.is_empty() { text } else { format!("{text}\n\n{}", environment(variables)) }
}

fn environment(variables: &[&str]) -> String {
    let width = variables.iter().map(|name| name.len()).max().unwrap_or_default();
    let line = |name: &&str| format!("\n  {name:<width$}  {}", topics::variable(name).unwrap_or_default());
    format!("Environment (`dofloat help environment` has all):{}", variables.iter().map(line).collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ffi::OsString;

    use super::*;
    use crate::cli::args;

    /// Every command that is shown, by its path.
    fn commands(program: &clap::Command, path: &str, found: &mut Vec<(String, clap::Command)>) {
        for command in program.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help" || path.is_empty())
        {
            let path = if path.is_empty() { command.get_name().to_owned() } else { format!("{path} {}", command.get_name()) };
            commands(command, &path, found);
            found.push((path, command.clone()));
        }
    }

    fn all() -> Vec<(String, clap::Command)> {
        let mut found = Vec::new();
        commands(&args::program(), "", &mut found);
        found
    }

    #[test]
    fn every_command_has_examples_and_nothing_else_has() {
        let paths: Vec<String> = all().into_iter().map(|(path, _)| path).collect();
        let without: Vec<&String> = paths.iter().filter(|path| !PARTS.iter().any(|(own, ..)| own == path)).collect();
        assert!(without.is_empty(), "write examples of {without:?}");
        for (path, examples, variables) in PARTS {
            assert!(paths.iter().any(|own| own == path), "there is no command {path}");
            assert!(!examples.is_empty(), "{path}");
            let explained = |name: &&str| topics::variable(name).is_some_and(|text| text.len() > 5);
            assert!(variables.iter().all(explained), "{path}: {variables:?} are not all in the topic environment");
        }
    }

    #[test]
    fn every_example_is_understood() {
        for (path, examples, _) in PARTS {
            for (line, _) in *examples {
                assert!(line.starts_with(&format!("dofloat {}", path.split(' ').next().unwrap_or_default())), "{line}");
                let words = line.split(' ').map(OsString::from);
                if let Err(error) = args::parse(words, &BTreeMap::new()) {
                    panic!("{line}: {error}");
                }
            }
        }
    }

    #[test]
    fn every_option_and_command_is_described() {
        for (path, command) in all() {
            assert!(command.get_about().is_some_and(|about| !about.to_string().is_empty()), "{path}");
            for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
                assert!(arg.get_help().is_some_and(|help| help.to_string().len() > 5), "{path}: {} has no description", arg.get_id());
            }
        }
    }
}
