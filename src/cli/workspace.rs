//! A stack's files: read, loaded, and named where something is wrong with them.
//!
//! Invariant: glue between the layers; nothing is decided here.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use super::environment::Environment;
use super::exit::Failure;
use super::files::Disk;
use super::made_up;
use super::modules::{self, Installed};
use super::options::{Global, Variables};
use super::stack::Place;
use super::variables::{self, read_text};
use crate::base::address::Address;
use crate::base::clock::Moment;
use crate::base::desired::Resolve as _;
use crate::base::diag::{Diagnostic, Span};
use crate::base::digest::{Salt, sha256_hex, sha256_of};
use crate::base::redact::Redactor;
use crate::base::rng::{Rng, entropy};
use crate::base::types::{Schemas, Type};
use crate::base::value::{Origin, Term};
use crate::bootstrap::schema;
use crate::kinds::Tables;
use crate::lang::files::Recorded;
use crate::lang::inputs::{Given, Inputs};
use crate::lang::module::{Source, Stack, load, questions};
use crate::lang::stand_in::StandIn;
use crate::lang::{Files as _, Host};
use crate::modules::Fetching;
use crate::state::State;
use crate::ui::errors::Sources;
use crate::ui::view::View;

/// A stack's files and what its functions may ask.
pub struct Workspace<'a> {
    /// Where it lies.
    pub place: Place,
    /// The environment.
    pub environment: &'a Environment,
    /// The global options.
    pub global: &'a Global,
    /// The texts of its files, as they are shown.
    pub sources: Sources,
    /// Files, with a memory of what was read.
    pub files: Recorded<'a>,
    /// The modules that it calls, and which of them were fetched just now.
    modules: Installed,
    rng: Rng,
    now: Moment,
}

impl<'a> Workspace<'a> {
    /// Opens a stack, with the modules that it calls. `fetching`: which of them are fetched.
    ///
    /// # Errors
    /// If there is no such stack, or its files cannot be read.
    pub fn open(
        place: Place,
        global: &'a Global,
        environment: &'a Environment,
        disk: &'a Disk,
        fetching: Fetching,
    ) -> Result<Self, Failure> {
        let mut sources = Sources::new();
        for (name, path) in &place.sources {
            sources.insert(name.clone(), read_text(path, name)?);
        }
        let files = if global.sim { Recorded::new(disk).with_stand_ins(made_up::text_of) } else { Recorded::new(disk) };
        let (rng, now) = (Rng::from_entropy(), environment.clock.now());
        let modules = {
            let home = environment.home.as_deref();
            let host = Host { files: &files, base: &place.base, home, now, rng: &rng, fresh: false };
            let own: Vec<Source<'_>> = sources.iter().map(|(name, text)| Source { name, text }).collect();
            modules::install(&own, &host, environment, fetching)?
        };
        sources.extend(modules.library.texts().cloned());
        Ok(Self { place, environment, global, sources, files, modules, rng, now })
    }

    /// What functions may ask. `fresh`: whether `timestamp` and its like are computed, or unknown still.
    #[must_use]
    pub fn host(&self, fresh: bool) -> Host<'_> {
        Host { files: &self.files, base: &self.place.base, home: self.environment.home.as_deref(), now: self.now, rng: &self.rng, fresh }
    }

    /// Everything that is given for variables.
    ///
    /// # Errors
    /// If a file cannot be read, or a `-var` is not `NAME=VALUE`.
    pub fn inputs(&mut self, variables: &Variables) -> Result<Inputs, Failure> {
        variables::given(&self.place, variables, self.environment, &mut self.sources)
    }

    /// The stack. Variables that lack a value are asked for, if somebody is there to answer.
    ///
    /// # Errors
    /// All that is wrong with the configuration.
    pub fn load(&self, inputs: &mut Inputs, ask: bool, view: &mut View) -> Result<Stack<'_>, Failure> {
        self.modules.notes.iter().for_each(|note| view.log(note));
        if ask && !inputs.lenient && io::stdin().is_terminal() {
            let sources = self.language_sources();
            let open =
                questions(&sources, &self.modules.library, inputs, &Types, self.host(false)).map_err(|errors| self.failed(errors))?;
            variables::ask(open, inputs, view)?;
        }
        self.reload(inputs)
    }

    /// The stack once more, with what is known by now.
    ///
    /// # Errors
    /// All that is wrong with the configuration.
    pub fn reload(&self, inputs: &Inputs) -> Result<Stack<'_>, Failure> {
        let sources = self.language_sources();
        let stack = load(&sources, &self.modules.library, inputs, &Types, self.host(false)).map_err(|errors| self.failed(errors))?;
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
            let all = stack.desired().resources.keys().chain(stack.desired().data.keys());
            let bodies = all.filter_map(|address| stack.body(address, &unknown).ok());
            bodies.for_each(|body| known.learn_term(&body));
        }
    }

    /// Where the secrets that the API computes are learnt: nowhere, where the configuration takes marks off.
    pub(super) fn computed(&self) -> Redactor {
        let lets_go = self.sources.values().any(|text| text.contains("nonsensitive("));
        if lets_go { Redactor::default() } else { self.environment.known.clone() }
    }

    /// What was fetched when it was opened, a line each.
    #[must_use]
    pub fn fetched(&self) -> &[String] {
        &self.modules.notes
    }

    /// From now on the text of a person's file that is not on this machine is not known.
    #[must_use]
    pub fn without_personal_files(mut self) -> Self {
        self.files = self.files.with_stand_ins(|absent| absent.personal.then_some(StandIn::Unknown));
        self
    }

    /// What is told of files that are not there, and for which `what` was taken.
    #[must_use]
    pub fn stood_in(&self, what: &str) -> Vec<Diagnostic> {
        let told = |(path, span): (PathBuf, Span)| {
            let path = path.display().to_string();
            Diagnostic::warning(format!("There is no file {} on this machine: {what}.", self.environment.known.cut(&path))).at(span)
        };
        self.files.stood_in().into_iter().map(told).collect()
    }

    /// Whether it calls modules that lie elsewhere.
    #[must_use]
    pub fn has_fetched(&self) -> bool {
        self.modules.library.has_fetched()
    }

    /// What is wrong with modules that cannot be had, each at its source.
    #[must_use]
    pub fn missing(&self) -> Vec<Diagnostic> {
        self.modules.library.missing(&self.language_sources())
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
                parts.push((name.clone(), sha256_of(text)));
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

    fn data_names(&self) -> Vec<String> {
        Tables.data_names()
    }

    fn is_renamed(&self, one: &str, other: &str) -> bool {
        Tables.is_renamed(one, other)
    }
}
