//! Terraform's file of settings for the command line, as far as it says where registries are.
//!
//! Invariant: the user's own file, outside of any configuration; what else it says is not for us.

use std::path::Path;

use super::environment::Environment;
use super::exit::Failure;
use crate::base::diag::Diagnostic;
use crate::base::readable;
use crate::lang::ast::{Expr, Kind};
use crate::lang::syntax;
use crate::modules::Hosts;

/// The service of a host that has modules.
const SERVICE: &str = "modules.v1";

/// Where the registries of modules are for hosts that the user's file names: `host "NAME" { services = { "modules.v1" = "URL" } }`.
///
/// # Errors
/// If the file is there and cannot be read. One that the environment names and that is not there says nothing, as with Terraform.
pub(super) fn module_registries(environment: &Environment) -> Result<Hosts, Failure> {
    let usual = || environment.home.as_ref().map(|home| home.join(".terraformrc"));
    let Some(path) = environment.cli_config.clone().or_else(usual).filter(|path| path.exists()) else { return Ok(Hosts::new()) };
    let text = readable::read_text(&path).map_err(|error| unreadable(&path, &error.to_string()))?;
    hosts(&path.display().to_string(), &text).map_err(|mut errors| match errors.pop() {
        Some(error) => unreadable(&path, error.message.trim_end_matches('.')),
        None => unreadable(&path, "it is not a CLI configuration file"),
    })
}

fn unreadable(path: &Path, why: &str) -> Failure {
    Diagnostic::error(format!("The file {} cannot be read: {why}.", path.display()))
        .hint("TF_CLI_CONFIG_FILE, or else ~/.terraformrc, says where registries of modules are.")
        .into()
}

fn hosts(name: &str, text: &str) -> Result<Hosts, Vec<Diagnostic>> {
    let body = syntax::body(name, text)?;
    let mut hosts = Hosts::new();
    for block in body.blocks("host") {
        let Some((host, _)) = block.labels.first() else { continue };
        let address = block.body.attr("services").and_then(|services| service(&services.value));
        hosts.extend(address.map(|address| (host.to_ascii_lowercase(), address.to_owned())));
    }
    Ok(hosts)
}

fn service(services: &Expr) -> Option<&str> {
    let Kind::Object(items) = &services.kind else { return None };
    items.iter().find(|(key, _)| key.text() == Some(SERVICE)).and_then(|(_, value)| value.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_block_says_where_modules_are() {
        let text = "plugin_cache_dir = \"x\"\nhost \"Registry.terraform.io\" {\n  services = {\n    \"modules.v1\" = \"http://127.0.0.1:1/v1\"\n    \"x\" = \"y\"\n  }\n}\nhost \"b\" {}\n";
        let expected = Hosts::from([("registry.terraform.io".to_owned(), "http://127.0.0.1:1/v1".to_owned())]);
        assert_eq!(hosts("rc", text), Ok(expected));
        assert!(hosts("rc", "{").is_err());
    }
}
