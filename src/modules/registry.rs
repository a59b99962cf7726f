//! A registry of modules: which versions there are, and where one lies.
//!
//! Invariant: what a registry answers names a repository or an archive elsewhere, and nothing on this machine; it is asked over TLS,
//! unless it is on this machine itself. The protocol is the public one (`modules.v1`).

use std::collections::BTreeMap;

use semver::Version;
use serde::Deserialize;
use url::Url;

use crate::error::FetchError;
use crate::source::{self, GitSource, RegistrySource, Source, is_loopback};
use crate::version::{Constraints, version};
use dofloat_api::download::{Downloaded, Downloader};

/// Where the services of registries are, by host, as the user's own settings say.
pub type Hosts = BTreeMap<String, String>;

/// More than any registry answers.
const MOST: usize = 8 << 20;

/// The service that is looked for.
const SERVICE: &str = "modules.v1";

/// A registry's service.
pub(crate) struct Registry<'a> {
    downloader: &'a Downloader,
    source: &'a RegistrySource,
    base: Url,
}

#[derive(Deserialize)]
struct Versions {
    modules: Vec<Module>,
}

#[derive(Deserialize)]
struct Module {
    versions: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    version: String,
}

/// The versions that an answer lists. One that cannot be read is left out.
///
/// # Errors
/// If it is no such list.
pub fn versions(body: &[u8]) -> Result<Vec<Version>, String> {
    let all: Versions = serde_json::from_slice(body).map_err(|error| format!("the list of versions cannot be read: {error}"))?;
    Ok(all.modules.into_iter().next().into_iter().flat_map(|module| module.versions).filter_map(|one| version(&one.version)).collect())
}

/// The address of the service in the document that a host has for that.
///
/// # Errors
/// If it names none.
pub fn service(body: &[u8], host: &Url) -> Result<Url, String> {
    let all: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(body).map_err(|error| format!("its list of services cannot be read: {error}"))?;
    let address = all.get(SERVICE).and_then(|value| value.as_str()).ok_or("it has no registry of modules")?;
    addressed(address, host)
}

/// The address of a service, which may be relative to the host.
pub(crate) fn addressed(address: &str, host: &Url) -> Result<Url, String> {
    let mut base = host.join(address).map_err(|error| format!("the address of its registry cannot be read: {error}"))?;
    if !base.username().is_empty()
        || base.password().is_some()
        || !(base.scheme() == "https" || base.scheme() == "http" && is_loopback(&base))
    {
        return Err("the address of its registry is not a plain one by https".to_owned());
    }
    if !base.path().ends_with('/') {
        let path = format!("{}/", base.path());
        base.set_path(&path);
    }
    Ok(base)
}

/// What the answer to a download names, which may be relative to what was asked.
///
/// # Errors
/// If that is no repository and no archive.
pub fn location(text: &str, asked: &Url) -> Result<Source, FetchError> {
    let relative = text.starts_with('/') || text.starts_with("./") || text.starts_with("../");
    let whole = if relative {
        // A folder within stays as it is written.
        asked.join(text).map(|url| url.to_string()).map_err(|_| FetchError::new("The registry's answer names no address."))?
    } else {
        text.to_owned()
    };
    match source::parse(&whole)? {
        Source::Registry(_) => Err(FetchError::new("The registry's answer names another registry.")),
        Source::Git(GitSource { url, .. }) if url.starts_with("file:") => {
            Err(FetchError::new("The registry's answer names a folder of this machine."))
        }
        found => Ok(found),
    }
}

impl<'a> Registry<'a> {
    /// Finds the service of a registry's host.
    pub(crate) async fn discover(source: &'a RegistrySource, hosts: &Hosts, downloader: &'a Downloader) -> Result<Self, FetchError> {
        let failed = |why: String| FetchError::new(format!("The registry {} cannot be used: {why}.", source.host));
        let address = |scheme: &str| Url::parse(&format!("{scheme}://{}/", source.host)).map_err(|error| failed(error.to_string()));
        let host = match address("https")? {
            host if is_loopback(&host) => address("http")?,
            host => host,
        };
        if let Some(address) = hosts.get(&source.host) {
            return Ok(Self { downloader, source, base: addressed(address, &host).map_err(failed)? });
        }
        let known = host.join(".well-known/terraform.json").map_err(|error| failed(error.to_string()))?;
        let answer = downloader.get(&known, MOST).await.map_err(failed)?;
        if answer.status != 200 {
            return Err(failed(format!("it answers {} for its list of services", answer.status)));
        }
        Ok(Self { downloader, source, base: service(&answer.body, &answer.url).map_err(failed)? })
    }

    fn failed(&self, why: &str) -> FetchError {
        FetchError::new(format!("The module {} of {} cannot be had: {why}.", self.source.name, self.source.host))
    }

    async fn ask(&self, below: &str) -> Result<Downloaded, FetchError> {
        let url = self.base.join(&format!("{}/{below}", self.source.name)).map_err(|error| self.failed(&error.to_string()))?;
        let answer = self.downloader.get(&url, MOST).await.map_err(|why| self.failed(&why))?;
        match answer.status {
            200 | 204 => Ok(answer),
            404 => Err(self
                .failed("there is no such module")
                .hint("Compare the name with the registry's page. A private module needs its repository: `git::ssh://…`.")),
            status => Err(self.failed(&format!("the registry answers {status}"))),
        }
    }

    /// The newest version that is allowed.
    pub(crate) async fn newest(&self, constraints: &Constraints) -> Result<Version, FetchError> {
        let answer = self.ask("versions").await?;
        let all = versions(&answer.body).map_err(|why| self.failed(&why))?;
        constraints.newest(&all).cloned().ok_or_else(|| {
            let newest = all.iter().filter(|version| version.pre.is_empty()).max_by(|a, b| a.cmp_precedence(b));
            let hint = newest.map_or_else(|| "It has no versions.".to_owned(), |newest| format!("The newest one is {newest}."));
            self.failed("no version of it is allowed by `version`").hint(hint)
        })
    }

    /// Where a version lies.
    pub(crate) async fn location(&self, version: &str) -> Result<Source, FetchError> {
        let answer = self.ask(&format!("{version}/download")).await?;
        let named = answer.get.or_else(|| {
            let body: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
            body.get("location")?.as_str().map(str::to_owned)
        });
        let named = named.ok_or_else(|| self.failed("the registry does not say where it lies"))?;
        location(&named, &answer.url).map_err(|error| self.failed(error.message.trim_end_matches('.')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().expect("an address")
    }

    #[test]
    fn services_are_found_where_the_host_says() {
        let host = url("https://registry.example.org/.well-known/terraform.json");
        let found = |text: &str| service(text.as_bytes(), &host).map(|url| url.to_string());
        assert_eq!(found(r#"{"modules.v1":"/v1/modules/"}"#).as_deref(), Ok("https://registry.example.org/v1/modules/"));
        assert_eq!(found(r#"{"modules.v1":"https://x.example/m","a":1}"#).as_deref(), Ok("https://x.example/m/"));
        for text in [
            "",
            "[]",
            "{}",
            r#"{"modules.v1":1}"#,
            r#"{"modules.v1":"http://x.example/"}"#,
            r#"{"modules.v1":"file:///etc/"}"#,
            r#"{"modules.v1":"https://u:p@x.example/"}"#,
        ] {
            assert!(found(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_registry_names_nothing_of_this_machine() {
        let asked = url("https://registry.example.org/v1/modules/a/b/c/1.0.0/download");
        let git = location("git::https://github.com/a/b?ref=abc", &asked).expect("a repository");
        assert_eq!(git.package(None), "git::https://github.com/a/b?ref=abc");
        let archive = location("./archive.tar.gz//x", &asked).expect("an archive");
        assert_eq!(
            (archive.package(None).as_str(), archive.folder()),
            ("https://registry.example.org/v1/modules/a/b/c/1.0.0/archive.tar.gz", "x")
        );
        for text in ["git::file:///srv/x", "a/b/c", "/x", "", "file:///x.zip", "git::ext::sh", "https://u:p@x.org/a.zip", "../../../x"] {
            assert!(location(text, &asked).is_err(), "{text}");
        }
    }

    #[test]
    fn versions_are_read_as_far_as_they_can_be() {
        let body = br#"{"modules":[{"versions":[{"version":"1.0.0"},{"version":"x"},{"version":"v1.2"}]}]}"#;
        assert_eq!(versions(body).map(|all| all.len()), Ok(2));
        assert!(versions(b"{}").is_err());
        assert_eq!(versions(br#"{"modules":[]}"#).map(|all| all.len()), Ok(0));
    }
}
