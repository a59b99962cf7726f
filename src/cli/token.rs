//! Which token is used, and where it came from.
//!
//! Invariant: the first source that has one wins: the file of `-t`, the configuration's `provider` block, the environment,
//! doctl. The source is named in messages, the token never.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::environment::Environment;
use crate::base::child::TOKENS;
use crate::base::diag::{Diagnostic, Span};
use crate::base::secret::Secret;

/// A token and its source.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token.
    pub value: Secret<String>,
    /// Where it came from, for example `DIGITALOCEAN_TOKEN`.
    pub source: String,
    /// A warning about the choice.
    pub warning: Option<Box<Diagnostic>>,
}

/// A token that the configuration gives.
#[derive(Clone, Copy, Debug)]
pub struct InConfiguration<'a> {
    /// The token.
    pub token: &'a Secret<String>,
    /// Its place in words.
    pub source: &'a str,
    /// Its place.
    pub span: &'a Span,
}

/// Where a token may come from, beside the environment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ask<'a> {
    /// `-t FILE`.
    pub file: Option<&'a Path>,
    /// `--context NAME`.
    pub context: Option<&'a str>,
    /// The `token` argument of the configuration's `provider` block.
    pub provider: Option<InConfiguration<'a>>,
}

/// Finds the token.
///
/// # Errors
/// If there is none, or the source that was named cannot be read.
pub fn find(ask: Ask<'_>, environment: &Environment) -> Result<Token, Box<Diagnostic>> {
    if let Some(file) = ask.file {
        return from_file(file);
    }
    if let Some(given) = ask.provider {
        let mut found = token(given.token.clone(), given.source.to_owned());
        let other = environment.tokens.first().filter(|(_, value)| value != given.token);
        found.warning = other.map(|(name, _)| {
            Box::new(
                Diagnostic::warning(format!("The token of the configuration is used, not that of {name}.")).at(given.span.clone()).hint(
                    format!("Remove `token` from the provider block to use {name}: a token does not belong in a file that is committed."),
                ),
            )
        });
        return Ok(found);
    }
    if let Some((name, value)) = environment.tokens.first() {
        let mut found = token(value.clone(), (*name).to_owned());
        found.warning = ask.context.map(|context| {
            Box::new(
                Diagnostic::warning(format!("`--context {context}` is not used, because {name} is set and comes first."))
                    .hint(format!("Unset {name} to use the token of that context.")),
            )
        });
        return Ok(found);
    }
    from_doctl(ask.context.or(environment.context.as_deref()), &environment.doctl())
}

fn token(value: Secret<String>, source: String) -> Token {
    Token { value, source, warning: None }
}

fn from_file(file: &Path) -> Result<Token, Box<Diagnostic>> {
    let name = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| {
        Diagnostic::error(format!("Failed to read the token from {name}: {error}."))
            .hint("`-t` names a file that contains the token and nothing else.")
    })?;
    match text.trim() {
        "" => Err(Box::new(Diagnostic::error(format!("The token file {name} is empty.")).hint("Write the token to it, on one line."))),
        one if one.contains(char::is_whitespace) => Err(Box::new(
            Diagnostic::error(format!("The token file {name} contains more than one word."))
                .hint("It must contain the token and nothing else."),
        )),
        one => Ok(token(Secret::new(one.to_owned()), format!("the file {name}"))),
    }
}

/// The part of doctl's configuration that is read.
#[derive(Deserialize)]
struct Doctl {
    #[serde(rename = "access-token")]
    access_token: Option<String>,
    #[serde(rename = "auth-contexts")]
    auth_contexts: Option<BTreeMap<String, String>>,
    context: Option<String>,
}

fn from_doctl(context: Option<&str>, places: &[PathBuf]) -> Result<Token, Box<Diagnostic>> {
    for place in places {
        let text = match std::fs::read_to_string(place) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => continue,
            Err(error) => {
                return Err(Box::new(Diagnostic::error(format!("Failed to read doctl's configuration {}: {error}.", place.display()))));
            }
        };
        if let Some(found) = in_doctl(&text, context, place)? {
            return Ok(found);
        }
    }
    Err(Box::new(match context {
        Some(context) => Diagnostic::error(format!("doctl has no context \"{context}\", as it is not configured here."))
            .hint(format!("Create it with `doctl auth init --context {context}`, or set DIGITALOCEAN_TOKEN.")),
        None => none(),
    }))
}

fn in_doctl(text: &str, context: Option<&str>, place: &Path) -> Result<Option<Token>, Box<Diagnostic>> {
    // The reader's own message may quote the line, and the line may hold a token.
    let read: Doctl = serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().map(|location| format!(" (line {})", location.line())).unwrap_or_default();
        Diagnostic::error(format!("doctl's configuration {} is not valid{line}.", place.display()))
            .hint("Fix it, or set DIGITALOCEAN_TOKEN.")
    })?;
    let contexts = read.auth_contexts.unwrap_or_default();
    let chosen = context.map(str::to_owned).or(read.context).filter(|name| !name.is_empty()).unwrap_or_else(|| "default".to_owned());
    let value = if chosen == "default" { contexts.get("default").cloned().or(read.access_token) } else { contexts.get(&chosen).cloned() };
    match value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()) {
        Some(value) => Ok(Some(token(Secret::new(value), format!("doctl's context \"{chosen}\" ({})", place.display())))),
        None if chosen == "default" && context.is_none() => Ok(None),
        None => {
            let known: Vec<&str> = contexts.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "It has none.".to_owned() } else { format!("It has: {}.", known.join(", ")) };
            Err(Box::new(
                Diagnostic::error(format!("doctl's configuration {} has no token for the context \"{chosen}\".", place.display()))
                    .hint(known),
            ))
        }
    }
}

fn none() -> Diagnostic {
    let names = TOKENS;
    Diagnostic::error("There is no token for DigitalOcean.").hint(format!(
        "Set {} (or {}, or {}), name a file with `-t FILE`, or log in with doctl. To try without an account, add `--sim`.",
        names[0], names[1], names[2]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCTL: &str = "access-token: from-default\nauth-contexts:\n  work: from-work\ncontext: default\nverbose: false\noutput: text\n";

    /// A home with doctl's configuration, the environment that leads to it, and a token file.
    fn home(doctl: Option<&str>, pairs: &[(&str, &str)]) -> (tempfile::TempDir, Environment) {
        let folder = tempfile::tempdir().expect("a folder");
        if let Some(text) = doctl {
            std::fs::create_dir_all(folder.path().join(".config/doctl")).expect("a folder");
            crate::base::durable::write_atomic(&folder.path().join(".config/doctl/config.yaml"), text.as_bytes(), 0o600).expect("a file");
        }
        crate::base::durable::write_atomic(&folder.path().join("token"), b"from-file\n", 0o600).expect("a file");
        let home = [("HOME".into(), folder.path().into())];
        let environment = Environment::new(pairs.iter().map(|(name, value)| (name.into(), value.into())).chain(home));
        (folder, environment)
    }

    fn is(found: &Result<Token, Box<Diagnostic>>, expected: &str) -> bool {
        found.as_ref().is_ok_and(|token| token.value == Secret::new(expected.to_owned()))
    }

    #[test]
    fn the_first_source_wins() {
        let all = [("DIGITALOCEAN_TOKEN", "one"), ("DIGITALOCEAN_ACCESS_TOKEN", "two"), ("DO_TOKEN", "three")];
        let provider = Secret::new("from-provider".to_owned());
        let span = Span { file: "plans/web.tf".into(), start: 0, end: 1 };
        let given = InConfiguration { token: &provider, source: "plans/web.tf:1", span: &span };
        for (left_out, expected) in [(0, "one"), (1, "two"), (2, "three"), (3, "from-default")] {
            let (folder, environment) = home(Some(DOCTL), &all[left_out..]);
            let file = folder.path().join("token");
            assert!(is(&find(Ask::default(), &environment), expected), "{expected}");
            let found = find(Ask { provider: Some(given), ..Ask::default() }, &environment);
            assert!(is(&found, "from-provider"));
            assert_eq!(found.is_ok_and(|token| token.warning.is_some()), left_out < 3);
            assert!(is(&find(Ask { file: Some(&file), provider: Some(given), ..Ask::default() }, &environment), "from-file"));
        }
    }

    #[test]
    fn the_source_is_named_and_the_token_is_not() {
        let (_folder, environment) = home(None, &[("DO_TOKEN", "hush")]);
        let found = find(Ask::default(), &environment).expect("a token");
        assert_eq!(found.source, "DO_TOKEN");
        assert!(!format!("{found:?}").contains("hush"));
    }

    #[test]
    fn contexts_of_doctl() {
        let check = |doctl: &str, context: Option<&str>, variable: &[(&str, &str)], expected: &str| {
            let (_folder, environment) = home(Some(doctl), variable);
            assert!(is(&find(Ask { context, ..Ask::default() }, &environment), expected), "{doctl} {context:?}");
        };
        check(DOCTL, Some("work"), &[], "from-work");
        check(DOCTL, Some("default"), &[], "from-default");
        check(DOCTL, None, &[("DIGITALOCEAN_CONTEXT", "work")], "from-work");
        check(&DOCTL.replace("context: default", "context: work"), None, &[], "from-work");
        check(&DOCTL.replace("context: default", "context: work"), Some("default"), &[("DIGITALOCEAN_CONTEXT", "work")], "from-default");
        check("access-token: a\n", None, &[], "a");
        let (_folder, environment) = home(Some(DOCTL), &[("DO_TOKEN", "x")]);
        let found = find(Ask { context: Some("work"), ..Ask::default() }, &environment).expect("a token");
        assert!(found.warning.is_some_and(|warning| warning.message.contains("--context work")));
    }

    #[test]
    fn what_is_missing_is_said() {
        let says = |doctl: Option<&str>, ask: Ask<'_>| {
            let (_folder, environment) = home(doctl, &[]);
            find(ask, &environment).err().map(|error| (error.message, error.hint.unwrap_or_default())).expect("an error")
        };
        let (message, hint) = says(None, Ask::default());
        assert_eq!(message, "There is no token for DigitalOcean.");
        assert!(hint.contains("DIGITALOCEAN_TOKEN") && hint.contains("--sim"));
        assert!(says(Some("access-token: \"\"\n"), Ask::default()).1.contains("--sim"));
        assert!(says(Some(DOCTL), Ask { context: Some("play"), ..Ask::default() }).1.contains("work"));
        assert!(says(None, Ask { context: Some("play"), ..Ask::default() }).0.contains("\"play\""));
        let (message, hint) = says(Some("access-token: [hush\n"), Ask::default());
        assert!(message.contains("is not valid") && !message.contains("hush") && !hint.contains("hush"));
        assert!(says(None, Ask { file: Some(Path::new("/no/such")), ..Ask::default() }).0.contains("/no/such"));
    }
}
