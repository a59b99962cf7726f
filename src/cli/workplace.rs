//! What a command works with: the stack's files, the values of its variables, and the store.
//!
//! Invariant: glue between the layers; nothing is decided here but where things come from. The order of precedence of
//! variables and settings is Terraform's and the official provider's.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::args::{Global, VariableArg, Variables};
use super::environment::Environment;
use super::exit::Failure;
use super::files::Disk;
use super::stack::Place;
use crate::base::address::Address;
use crate::base::clock::Moment;
use crate::base::desired::Resolve;
use crate::base::diag::{Diagnostic, Span};
use crate::base::digest::{Digest, Salt, sha256_hex};
use crate::base::identity::Owner;
use crate::base::readable;
use crate::base::rng::{Rng, entropy};
use crate::base::secret::Secret;
use crate::base::types::{Schemas, Type};
use crate::base::value::{Origin, Term};
use crate::bootstrap::schema;
use crate::engine::change::Base;
use crate::engine::moves::Moves;
use crate::engine::observed::Observed;
use crate::engine::plan;
use crate::engine::planned::{Input, Planned};
use crate::engine::request::Options;
use crate::kinds::Tables;
use crate::lang::files::Recorded;
use crate::lang::inputs::{Given, Inputs};
use crate::lang::module::{self, Source, Stack};
use crate::lang::{Files as _, Host};
use crate::state::State;
use crate::state::secrets::Keys;
use crate::ui::errors::Sources;
use crate::ui::view::View;

/// A stack's files and what its functions may ask.
pub struct Site<'a> {
    /// Where it lies.
    pub place: Place,
    /// The environment.
    pub environment: &'a Environment,
    /// What goes with every command.
    pub global: &'a Global,
    /// The texts of its files, as they are shown.
    pub sources: Sources,
    /// Files, with a memory of what was read.
    pub files: Recorded<'a>,
    rng: Rng,
    now: Moment,
}

impl<'a> Site<'a> {
    /// Opens a stack.
    ///
    /// # Errors
    /// If there is no such stack, or its files cannot be read.
    pub fn open(place: Place, global: &'a Global, environment: &'a Environment, disk: &'a Disk) -> Result<Self, Failure> {
        let mut sources = Sources::new();
        for (name, path) in &place.sources {
            sources.insert(name.clone(), read_text(path, name)?);
        }
        Ok(Self { place, environment, global, sources, files: Recorded::new(disk), rng: Rng::from_entropy(), now: environment.clock.now() })
    }

    /// What functions may ask. `fresh`: whether `timestamp` and its like are computed, or unknown still.
    #[must_use]
    pub fn host(&self, fresh: bool) -> Host<'_> {
        Host { files: &self.files, base: &self.place.base, home: self.environment.home.as_deref(), now: self.now, rng: &self.rng, fresh }
    }

    /// Everything that is given for variables, the weakest first: environment, the files that are always read, the command line.
    ///
    /// # Errors
    /// If a file cannot be read, or a `-var` is not `NAME=VALUE`.
    pub fn inputs(&mut self, variables: &Variables) -> Result<Inputs, Failure> {
        let mut given: Vec<Given> = Vec::new();
        for (name, raw, from) in &self.environment.variables {
            given.push(Given::Text { name: name.clone(), raw: raw.clone(), from: from.clone(), strict: false });
        }
        for (name, path) in self.place.values.clone() {
            given.push(self.values_file(&name, &path)?);
        }
        for variable in &variables.given {
            match variable {
                VariableArg::Text(text) => {
                    let Some((name, raw)) = text.split_once('=') else {
                        // The text may hold a secret: only its beginning can be shown, and even that is not needed.
                        let diagnostic = Diagnostic::error("A `-var` has no `=`.").hint("Write `-var NAME=VALUE`.");
                        return Err(Failure::usage(diagnostic));
                    };
                    given.push(Given::Text { name: name.trim().to_owned(), raw: raw.to_owned(), from: "-var".to_owned(), strict: true });
                }
                VariableArg::File(path) => given.push(self.values_file(&path.display().to_string(), path)?),
            }
        }
        Ok(Inputs { given, ..Inputs::default() })
    }

    fn values_file(&mut self, name: &str, path: &Path) -> Result<Given, Failure> {
        let text = read_text(path, name)?;
        self.sources.insert(name.to_owned(), without_values(&text));
        Ok(Given::File { name: name.to_owned(), text })
    }

    /// The stack. Variables that lack a value are asked for, if somebody is there to answer.
    ///
    /// # Errors
    /// All that is wrong with the configuration.
    pub fn load(&self, inputs: &mut Inputs, ask: bool, view: &mut View) -> Result<Stack<'_>, Failure> {
        if ask && !inputs.lenient && io::stdin().is_terminal() {
            let sources = self.language_sources();
            for question in module::questions(&sources, inputs, self.host(false)).map_err(|errors| self.failed(errors))? {
                if question.sensitive {
                    continue;
                }
                let about = question.description.as_ref().map(|text| format!("  {text}\n")).unwrap_or_default();
                view.complain(&format!("var.{}\n{about}  Enter a value: ", question.name));
                let mut answer = String::new();
                io::stdin().lock().read_line(&mut answer).context("Failed to read the answer")?;
                let raw = answer.trim_end_matches(['\n', '\r']).to_owned();
                given_text(inputs, &question.name, raw);
            }
        }
        let sources = self.language_sources();
        let stack = module::load(&sources, inputs, &Types, self.host(false)).map_err(|errors| self.failed(errors))?;
        self.learn_secrets(&stack);
        Ok(stack)
    }

    /// What the configuration calls secret: its sensitive variables, and what it marks itself. A variable whose mark it takes
    /// off as a whole may be known.
    fn learn_secrets(&self, stack: &Stack<'_>) {
        let known = &self.environment.known;
        let let_go = |name: &str| self.sources.values().any(|text| text.contains(&format!("nonsensitive(var.{name})")));
        let sensitive = stack.variables().into_iter().filter(|(name, variable)| variable.sensitive && !let_go(name));
        sensitive.filter_map(|(_, variable)| variable.value.sealed()).for_each(|secret| known.learn_value(&secret));
        if self.sources.values().any(|text| text.contains("sensitive(")) {
            let unknown = |_: &Address| Term::Unknown(Origin::default());
            let bodies = stack.desired().resources.keys().filter_map(|address| stack.body(address, &unknown).ok());
            bodies.for_each(|body| known.learn_term(&body));
        }
    }

    fn language_sources(&self) -> Vec<Source<'_>> {
        let own = |name: &String| self.place.sources.iter().any(|(own, _)| own == name);
        self.sources.iter().filter(|(name, _)| own(name)).map(|(name, text)| Source { name, text }).collect()
    }

    /// A failure with the texts that its diagnostics point into.
    #[must_use]
    pub fn failed(&self, failure: impl Into<Failure>) -> Failure {
        failure.into().with_sources(&self.sources)
    }

    /// A position as messages name it where they cannot show it: `plans/web.tf:3`.
    #[must_use]
    pub fn position(&self, span: &Span) -> String {
        let before = self.sources.get(&*span.file).and_then(|text| text.get(..span.start)).unwrap_or_default();
        format!("{}:{}", span.file, before.matches('\n').count() + 1)
    }

    /// The digest of everything that the configuration is made of: its files, the files of values, and what functions read.
    #[must_use]
    pub fn config(&self, inputs: &Inputs) -> String {
        let mut parts: Vec<(String, String)> =
            self.sources.iter().map(|(name, text)| (name.clone(), sha256_hex(text.as_bytes()))).collect();
        for given in &inputs.given {
            if let Given::File { name, text } = given {
                parts.push((name.clone(), sha256_hex(text.as_bytes())));
            }
        }
        for path in self.files.seen() {
            let digest = self.files.read(&path).map(|bytes| sha256_hex(&bytes)).unwrap_or_default();
            let name = path.strip_prefix(&self.place.base).unwrap_or(&path).display().to_string();
            parts.push((name, digest));
        }
        parts.sort();
        parts.dedup();
        sha256_hex(format!("{parts:?}").as_bytes())
    }

    /// A state for a stack that was never applied. A simulated world gives the same one every time.
    #[must_use]
    pub fn fresh_state(&self) -> State {
        if self.global.sim {
            let lineage = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, format!("dofloat:simulated:{}", self.place.name).as_bytes());
            let mut salt = [0; 32];
            salt.iter_mut().zip(lineage.as_bytes().iter().cycle()).for_each(|(to, from)| *to = *from);
            return State::new(lineage.to_string(), Salt::new(salt));
        }
        State::new(uuid::Uuid::new_v4().to_string(), Salt::new(entropy()))
    }
}

/// The resource types that a stack may use: those of the API, and the cluster.
struct Types;

impl Schemas for Types {
    fn resource(&self, kind: &str) -> Option<Type> {
        if kind == schema::KIND { Some(schema::object()) } else { Tables.resource(kind) }
    }

    fn resource_names(&self) -> Vec<String> {
        let mut names = Tables.resource_names();
        names.push(schema::KIND.to_owned());
        names
    }

    fn is_renamed(&self, one: &str, other: &str) -> bool {
        Tables.is_renamed(one, other)
    }
}

/// The text of a file of values as messages may quote it: a value may be a secret, so only names are left, each letter of the
/// rest a star, so that positions stay what they are.
fn without_values(text: &str) -> String {
    let star = |c: char| if c.is_whitespace() { c.to_string() } else { "*".repeat(c.len_utf8()) };
    let line = |line: &str| match line.split_once('=') {
        Some((name, value)) if !name.contains(['"', '{', '[']) => format!("{name}={}", value.chars().map(star).collect::<String>()),
        _ => line.chars().map(star).collect(),
    };
    text.split_inclusive('\n').map(line).collect()
}

fn given_text(inputs: &mut Inputs, name: &str, raw: String) {
    inputs.given.push(Given::Text { name: name.to_owned(), raw, from: "the answer".to_owned(), strict: true });
}

fn read_text(path: &Path, name: &str) -> Result<String, Failure> {
    let bytes = readable::read_given(path).with_context(|| format!("Failed to read {name}"))?;
    Ok(String::from_utf8(bytes).map_err(|_| Diagnostic::error(format!("{name} is not UTF-8 text.")).hint("Save it as UTF-8."))?)
}

/// The digests of the sensitive variables, and the values of the others: what a saved plan keeps.
#[must_use]
pub fn variables_of(stack: &Stack<'_>, salt: &Salt) -> (BTreeMap<String, String>, BTreeMap<String, serde_json::Value>) {
    let (mut secrets, mut open) = (BTreeMap::new(), BTreeMap::new());
    for (name, variable) in stack.variables() {
        match variable.value.value().filter(|_| !variable.sensitive) {
            Some(value) => {
                open.insert(name, value.to_json());
            }
            None => {
                if let Some(sealed) = variable.value.sealed() {
                    secrets.insert(name, Digest::of(&sealed, salt).to_string());
                }
            }
        }
    }
    (secrets, open)
}

/// Who may read the encrypted file.
#[must_use]
pub fn keys(environment: &Environment) -> Keys {
    let list = PathBuf::from("state/recipients.txt");
    let identity = environment.identity();
    if let Ok(text) = std::fs::read_to_string(&identity) {
        // Comments are none: they name the public key.
        text.lines().filter(|line| !line.starts_with('#')).for_each(|line| environment.known.learn(&Secret::new(line.to_owned())));
    }
    Keys { recipients: environment.recipients.iter().cloned().collect(), list, identity }
}

/// The plan of making everything anew, worked out without any request: what is wrong with bodies comes out, and what they are.
///
/// # Errors
/// Everything that is wrong with the configuration.
pub fn offline(site: &Site<'_>, configuration: &dyn Resolve) -> Result<Planned, Failure> {
    let state = State::new(String::new(), Salt::new([0; 32]));
    let (observed, options) = (Observed::default(), Options::default());
    let moves = Moves::default();
    let input = Input { resolve: configuration, state: &state, observed: &observed, options: &options, moves: &moves };
    let base = Base {
        stack: site.place.name.clone(),
        lineage: String::new(),
        serial: 0,
        journal_end: 0,
        owner: Owner { account: String::new(), team: None, simulated: true },
        endpoint: String::new(),
        config: String::new(),
    };
    Ok(plan::make(input, base)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_values_are_quoted() {
        let text = "token = \"häh\"\nlist = [\n  \"a=b\",\n]\n";
        let masked = without_values(text);
        assert_eq!(masked, "token = ******\nlist = *\n  ******\n*\n");
        assert_eq!(masked.len(), text.len());
    }
}
