//! What the `source` of a module means that is no folder.
//!
//! Invariant: pure. What could be taken for an option by git, holds a password, or names a way that git would run as a program
//! is refused.

use std::path::{Component, Path};

use url::{Host, Url, form_urlencoded};

use crate::archive::Form;
use crate::error::{FetchError, without_secrets};
use dofloat_base::digest::sha256_hex;

/// The registry that is meant where none is named.
pub const REGISTRY: &str = "registry.terraform.io";

/// Where a module comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A repository.
    Git(GitSource),
    /// A file with all of it.
    Archive(ArchiveSource),
    /// A module of a registry.
    Registry(RegistrySource),
}

/// A repository, which of its commits, and the folder in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitSource {
    /// As git takes it.
    pub url: String,
    /// The branch, tag or commit; the default branch where none is named.
    pub reference: Option<String>,
    /// The module's folder in the repository; empty for the whole.
    pub folder: String,
}

/// An archive that is downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveSource {
    /// Where it lies.
    pub url: Url,
    /// What it is.
    pub(crate) form: Form,
    /// The module's folder in it; `*` is the one folder that there is.
    pub folder: String,
}

/// A module of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrySource {
    /// The registry's host, with its port if it has one of its own.
    pub host: String,
    /// `OWNER/NAME/PROVIDER`.
    pub name: String,
    /// The module's folder in the package; empty for the whole.
    pub folder: String,
}

/// Hosts whose repositories are named without more.
const HOSTS: [&str; 3] = ["github.com", "gitlab.com", "bitbucket.org"];

/// Ways to a repository. Git's other ones run programs.
const SCHEMES: [&str; 5] = ["https", "http", "ssh", "git", "file"];

/// Longer than any source.
const LONGEST: usize = 2_000;

impl Source {
    /// The package without the folder, as `modules.lock` names it: without what may be secret.
    #[must_use]
    pub fn package(&self, version: Option<&str>) -> String {
        match self {
            Self::Git(GitSource { url, reference: Some(reference), .. }) => format!("git::{url}?ref={reference}"),
            Self::Git(GitSource { url, .. }) => format!("git::{url}"),
            Self::Archive(ArchiveSource { url, .. }) => {
                let query = url.query().map(|query| format!("#{}", &sha256_hex(query.as_bytes())[..16])).unwrap_or_default();
                format!("{}{query}", without_secrets(url.as_str()))
            }
            Self::Registry(RegistrySource { host, name, .. }) => {
                version.map_or_else(|| format!("{host}/{name}"), |version| format!("{host}/{name} {version}"))
            }
        }
    }

    /// The module's folder in the package.
    #[must_use]
    pub fn folder(&self) -> &str {
        match self {
            Self::Git(GitSource { folder, .. })
            | Self::Archive(ArchiveSource { folder, .. })
            | Self::Registry(RegistrySource { folder, .. }) => folder,
        }
    }
}

/// Reads a source.
///
/// # Errors
/// Why it is none, or one that cannot be fetched.
pub fn parse(source: &str) -> Result<Source, FetchError> {
    if source.chars().any(char::is_control) || source.len() > LONGEST {
        return Err(FetchError::new("The source of a module is one line of text."));
    }
    if let Some(rest) = source.strip_prefix("git::") {
        return git(rest).map(Source::Git);
    }
    if let Some(registry) = registry(source)? {
        return Ok(Source::Registry(registry));
    }
    if let Some(host) = HOSTS.iter().find(|host| source.strip_prefix(**host).is_some_and(|rest| rest.starts_with('/'))) {
        return hosted(host, source).map(Source::Git);
    }
    if source.starts_with("git@") {
        return git(source).map(Source::Git);
    }
    if source.starts_with("https://") || source.starts_with("http://") {
        return archive(source).map(Source::Archive);
    }
    if let Some((getter, _)) = source.split_once("::") {
        return Err(strange(source, &format!("`{}::` is not supported", shortened(getter))));
    }
    Err(strange(source, "it is neither a folder, a repository, an archive nor a module of a registry"))
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

fn strange(source: &str, why: &str) -> FetchError {
    let shown = shortened(&without_secrets(source));
    FetchError::new(format!("\"{shown}\" is not a valid module source: {why}.")).hint(
        "A folder is written `./FOLDER`, a repository `git::https://HOST/PATH.git?ref=TAG`, a module of the registry `OWNER/NAME/PROVIDER`.",
    )
}

/// `[HOST/]OWNER/NAME/PROVIDER[//FOLDER]`.
fn registry(source: &str) -> Result<Option<RegistrySource>, FetchError> {
    let (address, inner) = source.split_once("//").unwrap_or((source, ""));
    let parts: Vec<&str> = address.split('/').collect();
    let word = |part: &&str, more: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
        !part.is_empty() && part.len() <= 64 && part.chars().all(fits) && part.starts_with(|c: char| c.is_ascii_alphanumeric())
    };
    let (host, name) = match parts.as_slice() {
        [host, name @ ..] if name.len() == 3 && is_host(host) => (*host, name),
        name if name.len() == 3 => (REGISTRY, name),
        _ => return Ok(None),
    };
    if ["github.com", "bitbucket.org"].contains(&host) || !name[..2].iter().all(|part| word(part, "-_")) || !word(&name[2], "") {
        return Ok(None);
    }
    let folder = folder(inner, source)?;
    Ok(Some(RegistrySource { host: host.to_ascii_lowercase(), name: name.join("/"), folder }))
}

/// Whether a name is one of a host: what has a dot, a port, or is this machine.
fn is_host(text: &str) -> bool {
    let name = text.split(':').next().unwrap_or_default();
    (text.contains('.') || text.contains(':') || text == "localhost")
        && !name.is_empty()
        && !text.contains('@')
        && Url::parse(&format!("https://{text}/")).is_ok_and(|url| url.host().is_some() && url.path() == "/" && url.username().is_empty())
}

/// Whether an address is one of this machine, so that no TLS is needed.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// `github.com/OWNER/NAME`.
fn hosted(host: &str, source: &str) -> Result<GitSource, FetchError> {
    let (path, query) = source.split_once('?').unwrap_or((source, ""));
    let (repository, inner) = path.split_once("//").unwrap_or((path, ""));
    let parts: Vec<&str> = repository.trim_end_matches('/').split('/').collect();
    // What else stands there would be taken into an address for git as it is.
    let plain = |part: &&str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
        !part.is_empty() && part.chars().all(fits) && !part.starts_with('-')
    };
    let (owner, name, rest) = match parts.as_slice() {
        [_, owner, name, rest @ ..] if plain(owner) && plain(name) => (owner, name, rest),
        _ => return Err(strange(source, &format!("a repository there is written {host}/OWNER/NAME"))),
    };
    let inner = if rest.is_empty() { inner.to_owned() } else { format!("{}/{inner}", rest.join("/")) };
    let url = format!("https://{host}/{owner}/{}.git", name.trim_end_matches(".git"));
    whole(url, query, &inner, source)
}

/// The part of an address before `//FOLDER`, and the folder.
fn parted(path: &str) -> (&str, &str) {
    let start = path.find("://").map_or(0, |at| at + "://".len());
    match path[start..].find("//") {
        Some(at) => (&path[..start + at], &path[start + at + 2..]),
        None => (path, ""),
    }
}

fn git(source: &str) -> Result<GitSource, FetchError> {
    let (path, query) = source.split_once('?').unwrap_or((source, ""));
    let (url, inner) = parted(path);
    // Even where it is only an address of IPv6: what is before it could be a helper's name.
    if url.contains("::") {
        return Err(strange(source, "`::` within an address names a program to git; write the host by its name"));
    }
    match url.split_once("://") {
        Some((scheme, rest)) if SCHEMES.contains(&scheme) && !rest.starts_with('-') => {
            let user = rest.split('/').next().and_then(|host| host.rsplit_once('@')).map_or("", |(user, _)| user);
            if user.contains(':') || (!user.is_empty() && scheme != "ssh") {
                return Err(password());
            }
            if user.starts_with('-') || rest.contains("@-") {
                return Err(strange(source, "git could take it for an option"));
            }
        }
        Some((scheme, _)) => return Err(strange(source, &format!("git has no safe way `{}`", shortened(scheme)))),
        None if is_scp(url) => {}
        None => match HOSTS.iter().find(|host| url.strip_prefix(**host).is_some_and(|rest| rest.starts_with('/'))) {
            Some(host) => return hosted(host, source),
            None => return Err(strange(source, "the address of a repository is a URL, or USER@HOST:PATH")),
        },
    }
    whole(url.to_owned(), query, inner, source)
}

fn password() -> FetchError {
    FetchError::new("The source of a module holds a password or a token, which would be committed.").hint(
        "Leave it out, and let git know it: by a credential helper, or by `git config --global url.\"https://TOKEN@HOST/\".insteadOf https://HOST/`.",
    )
}

/// `git@github.com:owner/name.git`.
fn is_scp(url: &str) -> bool {
    url.split_once(':').is_some_and(|(host, path)| {
        let (user, host) = host.split_once('@').unwrap_or(("", host));
        let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) && !text.starts_with('-');
        !user.is_empty() && plain(user) && !host.is_empty() && plain(host) && !path.is_empty() && !path.starts_with(['-', ':'])
    })
}

fn whole(url: String, query: &str, inner: &str, source: &str) -> Result<GitSource, FetchError> {
    let mut reference = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "ref" => reference = Some(value.into_owned()),
            // How much of the history is fetched makes no difference to what is in the tree.
            "depth" => {}
            "sshkey" => return Err(password()),
            name => return Err(strange(source, &format!("git sources have no argument `{}`, only `ref`", shortened(name)))),
        }
    }
    let odd = |reference: &String| {
        reference.is_empty()
            || reference.starts_with(['-', '/'])
            || reference.contains([':', '+', '*', ' ', '^', '~', '?', '[', '\\'])
            || reference.contains("..")
            || reference.contains("//")
            || reference.contains("@{")
            || reference.chars().any(char::is_control)
    };
    if let Some(reference) = reference.as_ref().filter(|reference| odd(reference)) {
        return Err(strange(source, &format!("\"{}\" is not a branch, tag or commit", shortened(reference))));
    }
    Ok(GitSource { url, reference, folder: folder(inner, source)? })
}

/// A folder in a package.
fn folder(inner: &str, source: &str) -> Result<String, FetchError> {
    let inner = inner.split('?').next().unwrap_or_default();
    if !Path::new(inner).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) || inner.contains('\\') {
        return Err(strange(source, "the folder after `//` lies outside of what is fetched"));
    }
    let parts: Vec<&str> = inner.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    Ok(parts.join("/"))
}

/// `https://HOST/FILE.zip//FOLDER`.
fn archive(source: &str) -> Result<ArchiveSource, FetchError> {
    let (path, query) = source.split_once('?').unwrap_or((source, ""));
    let (address, mut inner) = parted(path);
    // Registries write the folder behind the query, too.
    let (query, behind) = query.split_once("//").unwrap_or((query, ""));
    if inner.is_empty() {
        inner = behind.split('?').next().unwrap_or_default();
    }
    let mut url = Url::parse(address).map_err(|_| strange(source, "the address cannot be read"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(password());
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(strange(source, "an archive is downloaded by https only"));
    }
    let mut form = Form::of(url.path());
    let mut left = form_urlencoded::Serializer::new(String::new());
    let mut has_query = false;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "archive" => form = Form::of(&value),
            _ => {
                has_query = true;
                left.append_pair(&name, &value);
            }
        }
    }
    url.set_query(Some(left.finish()).filter(|_| has_query).as_deref());
    let form = form.ok_or_else(|| strange(source, "an address by https is one of an archive: .zip, .tar.gz, .tgz or .tar"))?;
    Ok(ArchiveSource { url, form, folder: folder(inner, source)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_have_many_names() {
        for (source, url, reference, folder) in [
            ("git::https://example.org/net.git?ref=v1.2", "https://example.org/net.git", Some("v1.2"), ""),
            (
                "git::ssh://git@example.org/net.git//modules/vpc?ref=main&depth=1",
                "ssh://git@example.org/net.git",
                Some("main"),
                "modules/vpc",
            ),
            ("github.com/owner/name", "https://github.com/owner/name.git", None, ""),
            ("github.com/owner/name//sub/deep?ref=a%2Fb", "https://github.com/owner/name.git", Some("a/b"), "sub/deep"),
            ("git::github.com/owner/name.git?ref=x", "https://github.com/owner/name.git", Some("x"), ""),
            ("gitlab.com/owner/name", "https://gitlab.com/owner/name.git", None, ""),
            ("git@github.com:owner/name.git//sub", "git@github.com:owner/name.git", None, "sub"),
            ("git::git@example.org:net.git", "git@example.org:net.git", None, ""),
            ("git::file:///srv/net.git", "file:///srv/net.git", None, ""),
        ] {
            let expected = GitSource { url: url.to_owned(), reference: reference.map(str::to_owned), folder: folder.to_owned() };
            assert_eq!(parse(source), Ok(Source::Git(expected)), "{source}");
        }
    }

    #[test]
    fn registries_and_archives_are_known_by_their_form() {
        for (source, host, name, folder) in [
            ("terraform-do/vpc/digitalocean", REGISTRY, "terraform-do/vpc/digitalocean", ""),
            ("a_b/c/d//modules/x", REGISTRY, "a_b/c/d", "modules/x"),
            ("Registry.example.org/a/b/c", "registry.example.org", "a/b/c", ""),
            ("127.0.0.1:8080/a/b/c", "127.0.0.1:8080", "a/b/c", ""),
            ("localhost:80/a/b/c//d", "localhost:80", "a/b/c", "d"),
        ] {
            let expected = RegistrySource { host: host.to_owned(), name: name.to_owned(), folder: folder.to_owned() };
            assert_eq!(parse(source), Ok(Source::Registry(expected)), "{source}");
        }
        for (source, url, folder, package) in [
            ("https://example.org/a/m.zip//sub", "https://example.org/a/m.zip", "sub", "https://example.org/a/m.zip"),
            ("https://example.org/v1?archive=tar.gz", "https://example.org/v1", "", "https://example.org/v1"),
            ("https://example.org/v1//*?archive=tar.gz", "https://example.org/v1", "*", "https://example.org/v1"),
            (
                "https://example.org/m.tgz?token=hush//x",
                "https://example.org/m.tgz?token=hush",
                "x",
                "https://example.org/m.tgz#a9b04ed0d1a25c04",
            ),
        ] {
            let parsed = parse(source).expect(source);
            let Source::Archive(archive) = &parsed else { panic!("{source}") };
            assert_eq!((archive.url.as_str(), archive.folder.as_str()), (url, folder), "{source}");
            assert_eq!(parsed.package(None).split('#').next(), package.split('#').next(), "{source}");
            assert_eq!(parsed.package(None).len(), package.len(), "{source}");
        }
    }

    #[test]
    fn what_is_no_source_is_refused_and_no_secret_repeated() {
        for source in [
            "git::ext::sh -c id",
            "git::ext://x",
            "git::ssh://git@example.orgit::https://git.example.org/x.git",
            "git::--upload-pack=id",
            "git::https://-x/y",
            "git::ssh://-oProxyCommand=id/y",
            "git::ssh://git@-oProxyCommand=id/y",
            "git::-x@host:y",
            "git::https://user:hush@example.org/x.git",
            "git::https://hush@example.org/x.git",
            "git::https://example.org/x.git?ref=-x",
            "git::https://example.org/x.git?ref=a:b",
            "git::https://example.org/x.git?ref=",
            "git::https://example.org/x.git?ref=a%0Ab",
            "git::https://example.org/x.git?sshkey=hush",
            "git::https://example.org/x.git//../../etc",
            "git::./local",
            "github.com/owner",
            "github.com/owner/nit::https://git.example.org/x",
            "github.com/-o/name",
            "git::gitlab.com/owner/a:b",
            "hg::https://example.org/x",
            "https://example.org/x",
            "http://example.org/x.zip",
            "https://u:hush@example.org/x.zip",
            "https://example.org/x.zip//../x",
            "https://example.org/x?token=hush",
            "s3::https://bucket/x.zip",
            "a/b/c//../d",
            "a/b",
            "a/b/c/d",
            "ho st.org/a/b/c",
            "u@example.org/a/b/c",
            "nothing",
            "a\nb",
            "",
        ] {
            let error = parse(source).expect_err(source);
            assert!(!error.message.contains("hush"), "{error}");
        }
    }
}
