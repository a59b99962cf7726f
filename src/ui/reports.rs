//! What the commands say that look at something and print it once: the state, outputs, scopes, how pairs are.
//!
//! Invariant: as in [`super::view`]; an output's value and a state's file are shown as they are, since they were asked for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::errors::{self, Sources};
use super::outputs::{self, OutputView};
use super::plan_json::TERRAFORM;
use super::state_text;
use super::status_text::{self, Pair};
use super::view::View;
use dofloat_base::address::Address;
use dofloat_base::diag::Diagnostic;
use dofloat_base::value::Value;
use dofloat_state::{Record, State};

/// The token scopes that a stack needs.
#[derive(Clone, Debug, Default)]
pub struct Scopes {
    /// By what is done.
    pub phases: Vec<(&'static str, BTreeSet<&'static str>)>,
    /// By the resource types that it has.
    pub kinds: BTreeMap<String, BTreeSet<&'static str>>,
    /// Those of its clusters' nodes.
    pub nodes: BTreeMap<String, Vec<&'static str>>,
}

/// The form of Terraform's `version -json`. Providers are built in, so none is selected.
fn version_json(version: &str, platform: &str) -> Json {
    json!({
        "terraform_version": TERRAFORM,
        "dofloat_version": version,
        "platform": platform,
        "provider_selections": {},
        "terraform_outdated": false,
    })
}

impl View {
    /// A whole state.
    pub fn state(&mut self, state: &State) {
        if self.is_text() {
            self.print(&state_text::render(state, self.layout(&Sources::new())));
        } else {
            self.line(&state_text::to_json(state).to_string());
        }
    }

    /// One resource of a state.
    pub fn record(&mut self, address: &Address, record: &Record) {
        if self.is_text() {
            self.print(&state_text::one(address, record, self.layout(&Sources::new())));
        } else {
            self.line(&format!("{:#}", state_text::record_json(address, record)));
        }
    }

    /// The addresses of resources of a state; for machines with what each is.
    pub fn records(&mut self, records: &[(&Address, &Record)]) {
        if self.is_text() {
            records.iter().for_each(|(address, _)| self.line(&address.to_string()));
        } else {
            let entries: Vec<Json> = records.iter().map(|(address, record)| state_text::entry_json(address, record)).collect();
            self.line(&format!("{:#}", Json::from(entries)));
        }
    }

    /// All outputs.
    pub fn outputs(&mut self, all: &BTreeMap<String, OutputView>) {
        if self.is_text() {
            self.print(&outputs::lines(all));
        } else {
            self.reveal(&format!("{:#}\n", outputs::to_json(all)));
        }
    }

    /// One output.
    pub fn output(&mut self, output: &OutputView) {
        if self.is_text() {
            self.reveal(&format!("{}\n", outputs::text(output)));
        } else {
            self.reveal(&format!("{}\n", output.value.as_ref().map_or(Json::Null, Value::to_json)));
        }
    }

    /// Whether a configuration is valid. For people, what is wrong with it is told apart.
    pub fn validation(&mut self, stack: &str, valid: bool, diagnostics: &[Diagnostic], sources: &Sources) {
        if !self.is_text() {
            let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
            let report = json!({
                "format_version": "1.0",
                "valid": valid,
                "error_count": errors,
                "warning_count": diagnostics.len() - errors,
                "diagnostics": errors::to_json(diagnostics, sources),
            });
            return self.line(&report.to_string());
        }
        self.diagnostics(diagnostics, sources);
        self.line(&format!("{} The configuration of stack {stack} is valid.", self.paint().good("Success!")));
    }

    /// Token scopes: all, each with what it is for, or by what is done.
    pub fn scopes(&mut self, stack: &str, scopes: &Scopes, by_phase: bool) {
        let Scopes { phases, kinds, nodes } = scopes;
        let all: BTreeSet<&str> = phases.iter().flat_map(|(_, scopes)| scopes).copied().collect();
        if !self.is_text() {
            let mut json = json!({ "nodes": nodes, "kinds": kinds, "stack": stack, "all": all });
            phases.iter().for_each(|(phase, scopes)| json[*phase] = json!(scopes));
            return self.line(&format!("{json:#}"));
        }
        self.line(&format!("Token scopes for stack {stack}, for its whole life:"));
        if by_phase {
            for (phase, scopes) in phases {
                self.line(&format!("\n{phase}:"));
                scopes.iter().for_each(|scope| self.line(&format!("  {scope}")));
            }
        } else {
            self.line("");
            for scope in &all {
                let uses: Vec<&str> = phases.iter().filter(|(_, scopes)| scopes.contains(scope)).map(|(name, _)| *name).collect();
                let uses = if uses.len() == phases.len() { "everything".to_owned() } else { uses.join(", ") };
                self.line(&format!("  {scope:24} {uses}"));
            }
        }
        self.line("\nCreate a token with exactly these scopes at https://cloud.digitalocean.com/account/api/tokens (custom scopes).");
        for (cluster, scopes) in nodes {
            self.line(&format!("\nThe nodes of {cluster} need a token of their own, its `failover_token`, with only these scopes:\n"));
            scopes.iter().for_each(|scope| self.line(&format!("  {scope}")));
        }
        self.line("\nOther values of variables may make other resources: give the same -var and -var-file as to `apply`.");
    }

    /// How pairs are.
    pub fn status(&mut self, stack: &str, pairs: &[Pair]) {
        if self.is_text() {
            pairs.iter().for_each(|pair| self.print(&status_text::to_text(pair, self.paint())));
        } else {
            let all: BTreeMap<String, Json> = pairs.iter().map(|pair| (pair.name.clone(), status_text::to_json(pair))).collect();
            self.line(&format!("{:#}", json!({ "stack": stack, "clusters": all })));
        }
    }

    /// Which program this is.
    pub fn version(&mut self, version: &str, platform: &str) {
        if self.is_text() {
            self.line(&format!("dofloat {version}\non {platform}"));
        } else {
            self.line(&version_json(version, platform).to_string());
        }
    }
}
