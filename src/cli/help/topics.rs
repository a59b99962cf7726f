//! What `dofloat help TOPIC` says of things that are no command.
//!
//! Invariant: texts only; each fits on a screen or two. The variables of the environment are a table, which the commands' own help
//! takes its lines from.

/// The topics, as `dofloat help` lists them.
pub const NAMES: [&str; 8] = ["language", "stacks", "state", "tokens", "cluster", "provisioners", "environment", "exit-codes"];

/// The text of a topic.
#[must_use]
pub fn topic(name: &str) -> Option<&'static str> {
    Some(match name {
        "language" => include_str!("topics/language.txt"),
        "stacks" => include_str!("topics/stacks.txt"),
        "state" => include_str!("topics/state.txt"),
        "tokens" => include_str!("topics/tokens.txt"),
        "cluster" => include_str!("topics/cluster.txt"),
        "provisioners" | "provisioner" => include_str!("topics/provisioners.txt"),
        "environment" => include_str!("topics/environment.txt"),
        "exit-codes" => include_str!("topics/exit-codes.txt"),
        _ => return None,
    })
}

/// What a topic is about: its first line.
#[must_use]
pub fn title(name: &str) -> &'static str {
    topic(name).and_then(|text| text.lines().next()).unwrap_or_default()
}

/// What a variable of the environment does, as the topic says.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    let names = |line: &str| line.trim().split("  ").next().unwrap_or_default().to_owned();
    let is_named = |line: &str| line.starts_with("  ") && names(line).split(',').any(|one| one.trim() == name);
    let mut lines = topic("environment")?.lines().skip_while(|line| !is_named(line));
    let head = lines.next()?.trim();
    let more = lines.skip_while(|line| head.ends_with(',') && !line.starts_with("      "));
    let rest = more.take_while(|line| line.starts_with("      ")).map(str::trim);
    let first = head.split_once("  ").map(|(_, text)| text.trim());
    Some(first.into_iter().chain(rest).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of all variables that are read, by those who read them.
    fn read() -> Vec<String> {
        let sources = [include_str!("../environment.rs"), include_str!("../../base/child.rs")];
        let own = sources.map(|text| text.split("#[cfg(test)]").next().expect("a text").to_owned()).concat();
        let quoted = own.split('"').skip(1).step_by(2).filter(|text| text.len() > 1 && text.contains(char::is_uppercase));
        quoted.filter(|text| text.chars().all(|c| c.is_ascii_uppercase() || c == '_')).map(str::to_owned).collect()
    }

    #[test]
    fn every_variable_that_is_read_is_explained() {
        // What is set by tests alone.
        let rehearsed = ["DOFLOAT_CRASH", "DOFLOAT_CLOCK", "DOFLOAT_CLOCK_SET", "DOFLOAT_TIME_LIMIT", "DOFLOAT_PROBE_THROUGH"];
        let text = topic("environment").expect("it is there");
        let names = read();
        assert!(names.len() > 25, "{names:?}");
        for name in names.iter().filter(|name| !rehearsed.contains(&name.as_str())) {
            assert!(text.contains(name.as_str()), "{name} is not in src/cli/help/topics/environment.txt");
        }
    }

    #[test]
    fn topics_fit_on_a_screen() {
        for name in NAMES {
            let text = topic(name).unwrap_or_default();
            assert!(text.lines().count() > 3 && text.ends_with('\n'), "{name}");
            let wide = text.lines().find(|line| line.chars().count() > if name == "provisioners" { 130 } else { 80 });
            assert_eq!(wide, None, "{name}");
            assert!(!title(name).is_empty() && !title(name).ends_with('.'), "{name}");
        }
    }

    #[test]
    fn the_exit_codes_are_those_of_the_program() {
        let source = include_str!("../exit.rs");
        let codes = source.lines().filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = ")?.1.parse::<u8>().ok());
        for code in codes {
            assert!(topic("exit-codes").is_some_and(|text| text.contains(&format!("\n  {code:<5}"))), "{code}");
        }
    }

    #[test]
    fn a_variable_has_what_the_topic_says() {
        assert!(variable("DOFLOAT_STACK").is_some_and(|text| text.contains("stack")));
        let same = ["DIGITALOCEAN_HTTP_RETRY_MAX", "DIGITALOCEAN_REQUESTS_PER_SECOND"].map(variable);
        assert_eq!(same, ["As the official provider reads them."; 2].map(|text| Some(text.to_owned())));
        assert_eq!(variable("TF_CLI_ARGS").as_deref(), Some("Arguments for every command, or for one."));
        assert_eq!(variable("DOFLOAT_NOTHING"), None);
    }
}
