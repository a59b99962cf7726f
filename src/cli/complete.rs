//! What may come next on a command line that is being typed.
//!
//! Invariant: pure; it knows commands and options from the definition that it is given, and what else there is by asking for it. A
//! word is completed as it was begun: with one dash or two.

use clap::{Arg, ArgAction, Command};

/// Names that the definition of the commands does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted<'a> {
    /// Stacks.
    Stack,
    /// Addresses of resources.
    Address {
        /// The stack, if the line names one.
        stack: Option<&'a str>,
        /// Whether the simulated account is meant.
        simulated: bool,
    },
    /// Topics of help.
    Help,
    /// Resource types and data sources.
    Kind,
}

/// The words that may stand where the line ends, each whole.
pub(super) fn candidates(line: &str, program: &Command, names: &dyn Fn(Wanted<'_>) -> Vec<String>) -> Vec<String> {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    let current = if line.ends_with(char::is_whitespace) || words.is_empty() { "" } else { words.pop().unwrap_or_default() };
    let Some(line) = Line::read(program, words.get(1..).unwrap_or_default()) else { return Vec::new() };
    let (typed, found) = match (line.open, current.split_once('=')) {
        (Some(option), _) => (String::new(), line.values(option, names)),
        (None, Some((name, _))) if name.starts_with('-') => match line.option(name) {
            Some(option) => (format!("{name}="), line.values(option, names)),
            None => return Vec::new(),
        },
        _ if current.starts_with('-') => (String::new(), line.options(current)),
        _ => (String::new(), line.words(names)),
    };
    let mut found: Vec<String> = found.into_iter().map(|word| format!("{typed}{}", quoted(&word))).collect();
    found.retain(|word| word.starts_with(current) || word.trim_start_matches('\'').starts_with(current));
    found.sort();
    found.dedup();
    found
}

/// What the words before say.
struct Line<'a> {
    program: &'a Command,
    command: &'a Command,
    /// The words that are neither commands nor options.
    given: Vec<&'a str>,
    /// The option whose value comes next.
    open: Option<&'a Arg>,
    simulated: bool,
}

impl<'a> Line<'a> {
    fn read(program: &'a Command, words: &[&'a str]) -> Option<Self> {
        let mut line = Self { program, command: program, given: Vec::new(), open: None, simulated: false };
        for word in words {
            if line.open.take().is_some() {
                continue;
            }
            if *word == "--" {
                return None;
            }
            if word.starts_with('-') {
                line.simulated |= word.trim_start_matches('-') == "sim";
                line.open = line.option(word).filter(|option| takes_next(option) && !word.contains('='));
            } else if let Some(command) = line.command.find_subcommand(word).filter(|_| line.given.is_empty()) {
                line.command = command;
            } else {
                line.given.push(word);
            }
        }
        Some(line)
    }

    fn all(&self) -> impl Iterator<Item = &'a Arg> {
        self.command.get_arguments().chain(self.program.get_arguments().filter(|arg| arg.is_global_set()))
    }

    fn option(&self, word: &str) -> Option<&'a Arg> {
        let name = word.trim_start_matches('-');
        let name = name.split_once('=').map_or(name, |(name, _)| name);
        let short = |arg: &&Arg| name.len() == 1 && arg.get_short().is_some_and(|short| name.starts_with(short));
        self.all().find(|arg| arg.get_long() == Some(name) || short(arg))
    }

    /// The options, with as many dashes as were typed.
    fn options(&self, current: &str) -> Vec<String> {
        let dashes = if current.starts_with("--") { "--" } else { "-" };
        let shown = self.all().filter(|arg| !arg.is_hide_set() && arg.get_long().is_some());
        let word = |arg: &Arg| format!("{dashes}{}{}", arg.get_long().unwrap_or_default(), if takes_next(arg) { "=" } else { "" });
        shown.map(word).collect()
    }

    fn values(&self, arg: &Arg, names: &dyn Fn(Wanted<'_>) -> Vec<String>) -> Vec<String> {
        let possible: Vec<String> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        let named = arg.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ");
        match named.as_str() {
            _ if !possible.is_empty() => possible,
            "BOOL" => ["true", "false"].map(str::to_owned).into(),
            name => {
                let stack = self.given.first().copied().filter(|word| !word.contains('.'));
                let stacks = if name.contains("STACK") && self.given.is_empty() { names(Wanted::Stack) } else { Vec::new() };
                let addresses =
                    if name.contains("ADDRESS") { names(Wanted::Address { stack, simulated: self.simulated }) } else { Vec::new() };
                stacks.into_iter().chain(addresses).collect()
            }
        }
    }

    /// Commands, or what the command takes.
    fn words(&self, names: &dyn Fn(Wanted<'_>) -> Vec<String>) -> Vec<String> {
        let commands = |of: &Command| of.get_subcommands().filter(|sub| !sub.is_hide_set()).map(|sub| sub.get_name().to_owned()).collect();
        if self.command.has_subcommands() && self.given.is_empty() {
            return commands(self.command);
        }
        if self.command.get_name() == "help" {
            return match self.given.as_slice() {
                [] => [commands(self.program), names(Wanted::Help)].concat(),
                ["kind"] => names(Wanted::Kind),
                _ => Vec::new(),
            };
        }
        let places: Vec<&Arg> = self.command.get_positionals().collect();
        // The last place may take several words.
        let place = places.get(self.given.len()).or_else(|| places.last().filter(|arg| is_open(arg)));
        place.map(|arg| self.values(arg, names)).unwrap_or_default()
    }
}

fn is_open(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append) || arg.get_num_args().is_some_and(|range| range.max_values() > 1)
}

/// Whether an option's value may be the next word.
fn takes_next(arg: &Arg) -> bool {
    arg.get_action().takes_values() && !arg.is_require_equals_set()
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    if word.contains(['"', '[', ' ', '$', '*', '&', '|']) { format!("'{word}'") } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::args::program;
    use super::*;

    fn of(line: &str) -> Vec<String> {
        let mut program = program();
        program.build();
        let names = |wanted: Wanted<'_>| match wanted {
            Wanted::Stack => vec!["ha".to_owned(), "web".to_owned()],
            Wanted::Address { stack, .. } => {
                let kind = if stack == Some("web") { "digitalocean_vpc" } else { "digitalocean_droplet" };
                vec![format!("{kind}.one"), format!("{kind}.many[\"a\"]")]
            }
            Wanted::Help => vec!["state".to_owned(), "kind".to_owned()],
            Wanted::Kind => vec!["droplet".to_owned()],
        };
        candidates(line, &program, &names)
    }

    fn check(line: &str, expected: &[&str]) {
        assert_eq!(of(line), expected, "{line:?}");
    }

    #[test]
    fn what_may_come_next() {
        check("dofloat pl", &["plan"]);
        check("dofloat plan ", &["ha", "web"]);
        check("dofloat plan w", &["web"]);
        check("dofloat plan web ", &[]);
        check("dofloat plan -detailed", &["-detailed-exitcode"]);
        check("dofloat plan --detailed", &["--detailed-exitcode"]);
        check("dofloat plan -ta", &["-target-file=", "-target="]);
        check("dofloat plan -target=", &["-target='digitalocean_droplet.many[\"a\"]'", "-target=digitalocean_droplet.one"]);
        check("dofloat plan web -target digitalocean_vpc.o", &["digitalocean_vpc.one"]);
        check("dofloat plan -refresh=", &["-refresh=false", "-refresh=true"]);
        check("dofloat -no-color state ru", &[]);
        check("dofloat state mer", &["merge"]);
        check("dofloat state show web digitalocean_vpc.o", &["digitalocean_vpc.one"]);
        check("dofloat graph -format=m", &["-format=mermaid"]);
        check("dofloat completions f", &["fish"]);
        check("dofloat help k", &["kind"]);
        check("dofloat help kind d", &["droplet"]);
        check("dofloat plan -- ", &[]);
        check("dofloat -nonsense=", &[]);
    }

    #[test]
    fn all_commands_are_offered_and_no_hidden_option() {
        let commands = of("dofloat ");
        assert!(commands.iter().any(|word| word == "apply") && commands.iter().any(|word| word == "completions"), "{commands:?}");
        assert!(!of("dofloat completions -").iter().any(|word| word.contains("line")));
        for command in commands.iter().filter(|word| *word != "state" && *word != "providers") {
            let options = of(&format!("dofloat {command} -"));
            assert!(options.iter().any(|word| word == "-no-color"), "{command}: {options:?}");
        }
    }
}
