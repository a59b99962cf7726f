//! The environment of the process: the only place where its values are read.
//!
//! Invariant: read once, at the start; a value that is empty counts as not set; tokens are secrets from here on, and nothing
//! of it is ever printed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::child::{BUCKET_KEYS, TOKENS, VALUES};
use crate::base::clock::Clock;
use crate::base::durable::OWN_FOLDER;
use crate::base::redact::Redactor;
use crate::base::secret::Secret;

/// The settings from the environment.
#[derive(Clone, Default)]
pub struct Environment {
    /// All that is known to be secret, so far; the rest of the program adds to it. It is cut out of whatever is printed.
    pub known: Redactor,
    /// The tokens that are set, by the variable's name, in the order of `child::TOKENS`.
    pub tokens: Vec<(&'static str, Secret<String>)>,
    /// The keys of buckets that are set, by the variable's name.
    pub bucket_keys: BTreeMap<&'static str, Secret<String>>,
    /// `DIGITALOCEAN_CONTEXT`: a context of doctl.
    pub context: Option<String>,
    /// The official provider's settings, by the variable's name: `DIGITALOCEAN_API_URL` and its like.
    pub provider: BTreeMap<&'static str, String>,
    /// `DOFLOAT_ALLOW_API_ENDPOINT`: APIs, parted by commas or spaces, that a configuration may name beside DigitalOcean's.
    pub allowed_endpoints: Vec<String>,
    /// Values of variables: name, text, and the name of the environment's variable. `TF_VAR_x` come before `DOFLOAT_VAR_x`.
    pub variables: Vec<(String, Secret<String>, String)>,
    /// `TF_CLI_ARGS` and `TF_CLI_ARGS_x`: what is added to the command line, by the variable's name.
    pub arguments: BTreeMap<String, String>,
    /// `DOFLOAT_ALLOW_PROVISIONERS`: as `-allow-provisioners` of every command that has it.
    pub provisioners: bool,
    /// `DOFLOAT_STACK`.
    pub stack: Option<String>,
    /// `TF_WORKSPACE`, unless it names the one that is always there.
    pub workspace: Option<String>,
    /// `DOFLOAT_SIM_TOKEN`: what opens `/_sim` of a simulator that is started here.
    pub sim_token: Option<String>,
    /// `DOFLOAT_LOG`.
    pub log: Option<String>,
    /// `DOFLOAT_AGE_RECIPIENTS`.
    pub recipients: Option<String>,
    /// `DOFLOAT_AGE_IDENTITY`: a file in place of the identity that is made on first use.
    pub identity_file: Option<PathBuf>,
    /// `DOFLOAT_CRASH`, for tests.
    pub crash: Option<String>,
    /// The time: the system's. In a debug build, `DOFLOAT_CLOCK=virtual` gives one that every wait moves on at once,
    /// `leaping` one that somebody sets two hours ahead all the time besides, and a number one that runs so many times as fast.
    /// `DOFLOAT_CLOCK_SET=SECONDS@COUNT` sets its wall clock by so many seconds once it was read so often.
    pub clock: Clock,
    /// The time limit of a request, where a debug build is given one by `DOFLOAT_TIME_LIMIT`, in milliseconds.
    pub time_limit: Option<Duration>,
    /// The proxy for what is asked of servers, where a debug build is given one by `DOFLOAT_PROBE_THROUGH`.
    pub probe_through: Option<String>,
    /// `DOFLOAT_REQUEST_RESERVE`: how many requests a minute are left to others who use the account.
    pub reserve: Option<String>,
    /// `TF_CLI_CONFIG_FILE`: Terraform's settings, which say where registries are.
    pub cli_config: Option<PathBuf>,
    /// `DOFLOAT_CA_FILE`: root certificates in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// `NO_COLOR`.
    pub no_color: bool,
    /// `CI` or `TF_IN_AUTOMATION`: nobody watches.
    pub automation: bool,
    /// `USER` or `LOGNAME`: who we are to those who find a lock of ours.
    pub user: Option<String>,
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// Where programs keep their configuration: `XDG_CONFIG_HOME`, else `~/.config`.
    pub config: Option<PathBuf>,
}

/// The official provider's settings that are read from the environment.
const PROVIDER: [&str; 6] = [
    "DIGITALOCEAN_API_URL",
    "DIGITALOCEAN_HTTP_RETRY_MAX",
    "DIGITALOCEAN_HTTP_RETRY_WAIT_MIN",
    "DIGITALOCEAN_HTTP_RETRY_WAIT_MAX",
    "DIGITALOCEAN_REQUESTS_PER_SECOND",
    "SPACES_ENDPOINT_URL",
];

impl Environment {
    /// Reads the environment of the process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::new(std::env::vars_os())
    }

    /// Reads an environment.
    #[must_use]
    pub fn new(all: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let all: BTreeMap<String, OsString> = all
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect();
        let text = |name: &str| all.get(name).and_then(|value| value.to_str()).map(str::to_owned);
        let path = |name: &str| all.get(name).map(PathBuf::from);
        let set = |name: &str| text(name).is_some_and(|value| !matches!(value.to_ascii_lowercase().as_str(), "0" | "false"));
        let rehearsed = |name: &str| text(name).filter(|_| cfg!(debug_assertions));
        let home = path("HOME");
        let prefixed = |prefix: &'static str| {
            let named = all.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.to_str()?, name)));
            named
                .filter(|(short, ..)| !short.is_empty())
                .map(|(short, value, name)| (short.to_owned(), Secret::new(value.to_owned()), name.clone()))
        };
        let read = Self {
            known: Redactor::default(),
            tokens: TOKENS.into_iter().filter_map(|name| Some((name, Secret::new(text(name)?.trim().to_owned())))).collect(),
            bucket_keys: BUCKET_KEYS.into_iter().filter_map(|name| Some((name, Secret::new(text(name)?.trim().to_owned())))).collect(),
            context: text("DIGITALOCEAN_CONTEXT"),
            provider: PROVIDER.into_iter().filter_map(|name| Some((name, text(name)?))).collect(),
            allowed_endpoints: text("DOFLOAT_ALLOW_API_ENDPOINT")
                .map(|list| list.split([',', ' ']).filter(|one| !one.is_empty()).map(str::to_owned).collect())
                .unwrap_or_default(),
            variables: VALUES.into_iter().flat_map(prefixed).collect(),
            arguments: all
                .iter()
                .filter(|(name, _)| name.starts_with("TF_CLI_ARGS"))
                .filter_map(|(name, value)| Some((name.clone(), value.to_str()?.to_owned())))
                .collect(),
            provisioners: set("DOFLOAT_ALLOW_PROVISIONERS"),
            stack: text("DOFLOAT_STACK"),
            workspace: text("TF_WORKSPACE").filter(|name| name != "default"),
            sim_token: text("DOFLOAT_SIM_TOKEN"),
            log: text("DOFLOAT_LOG"),
            recipients: text("DOFLOAT_AGE_RECIPIENTS"),
            identity_file: path("DOFLOAT_AGE_IDENTITY"),
            crash: text("DOFLOAT_CRASH"),
            clock: clock(rehearsed("DOFLOAT_CLOCK").as_deref(), rehearsed("DOFLOAT_CLOCK_SET").as_deref()),
            time_limit: rehearsed("DOFLOAT_TIME_LIMIT").and_then(|millis| millis.parse().ok()).map(Duration::from_millis),
            probe_through: rehearsed("DOFLOAT_PROBE_THROUGH"),
            reserve: text("DOFLOAT_REQUEST_RESERVE"),
            cli_config: path("TF_CLI_CONFIG_FILE"),
            ca_file: path("DOFLOAT_CA_FILE"),
            no_color: text("NO_COLOR").is_some(),
            automation: set("CI") || set("TF_IN_AUTOMATION"),
            config: path("XDG_CONFIG_HOME").filter(|path| path.is_absolute()).or_else(|| home.as_ref().map(|home| home.join(".config"))),
            user: text("USER").or_else(|| text("LOGNAME")),
            home,
        };
        read.tokens.iter().map(|(_, token)| token).chain(read.bucket_keys.values()).for_each(|secret| read.known.learn(secret));
        read
    }

    /// The identity that opens secrets: the file that is named, else one that is made on first use.
    #[must_use]
    pub fn identity(&self) -> PathBuf {
        if let Some(file) = &self.identity_file {
            return file.clone();
        }
        self.config.clone().unwrap_or_else(|| PathBuf::from(OWN_FOLDER)).join("dofloat/identity.txt")
    }

    /// The places where doctl keeps its configuration, the usual one first.
    #[must_use]
    pub fn doctl(&self) -> Vec<PathBuf> {
        let usual = self.config.iter().map(|folder| folder.join("doctl/config.yaml"));
        let mac =
            self.home.iter().filter(|_| cfg!(target_os = "macos")).map(|home| home.join("Library/Application Support/doctl/config.yaml"));
        usual.chain(mac).collect()
    }
}

/// The clock that a debug build is given.
fn clock(kind: Option<&str>, set: Option<&str>) -> Clock {
    let clock = match kind {
        Some("virtual") => Clock::virtual_at(Clock::system().now()),
        Some("leaping") => Clock::leaping(Clock::system().now(), Duration::from_secs(2 * 3600)),
        Some(times) => times.parse().map_or_else(|_| Clock::system(), Clock::fast),
        None => Clock::system(),
    };
    let set = set.map(|text| text.split_once('@').unwrap_or((text, "0")));
    match set.and_then(|(seconds, count)| Some((seconds.parse::<i64>().ok()?, count.parse().ok()?))) {
        Some((seconds, count)) => clock.set_by(seconds.saturating_mul(1000), count),
        None => clock,
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Environment {
        Environment::new(pairs.iter().map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn empty_is_not_set() {
        let environment = of(&[("DIGITALOCEAN_TOKEN", ""), ("DO_TOKEN", "x"), ("NO_COLOR", ""), ("CI", "false")]);
        assert_eq!(environment.tokens.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["DO_TOKEN"]);
        assert!(!environment.no_color && !environment.automation);
        assert!(of(&[("NO_COLOR", "0")]).no_color && of(&[("TF_IN_AUTOMATION", "1")]).automation);
    }

    #[test]
    fn our_variables_come_after_terraforms() {
        let environment = of(&[("DOFLOAT_VAR_a", "2"), ("TF_VAR_a", "1"), ("TF_VAR_", "no")]);
        let names: Vec<_> =
            environment.variables.iter().map(|(name, value, from)| (name.as_str(), value.expose().as_str(), from.as_str())).collect();
        assert_eq!(names, [("a", "1", "TF_VAR_a"), ("a", "2", "DOFLOAT_VAR_a")]);
    }

    #[test]
    fn folders_follow_the_base_directory_rules() {
        assert_eq!(of(&[("HOME", "/h")]).identity(), PathBuf::from("/h/.config/dofloat/identity.txt"));
        assert_eq!(of(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/c")]).doctl()[0], PathBuf::from("/c/doctl/config.yaml"));
        assert_eq!(of(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "rel")]).config, Some("/h/.config".into()));
    }

    #[test]
    fn nothing_of_it_is_printed() {
        let environment = of(&[("DIGITALOCEAN_TOKEN", "hush"), ("TF_VAR_password", "hush"), ("AWS_SECRET_ACCESS_KEY", "hush")]);
        assert!(!format!("{environment:?}").contains("hush"));
    }
}
