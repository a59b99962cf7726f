//! `backend "s3"`: from its arguments and the environment to an object in a bucket.
//!
//! Invariant: the place is in the plan file, so that everybody means the same one; the key is in the environment, so that it is
//! in no file. Arguments are named as Terraform's; what dofloat cannot do is refused, and what it does anyway is taken.

use std::sync::Arc;
use std::time::Duration;

use url::{Host, Url};

use super::backend_args::{arguments, text_or};
use super::environment::Environment;
use crate::api::connections_to;
use crate::base::diag::Diagnostic;
use crate::base::secret::Secret;
use crate::lang::backend::{Backend, Setting};
use crate::state::store::{BucketSettings, S3};
use crate::ui::screen::Screen;

/// The arguments that say something.
const NAMES: [&str; 7] = ["bucket", "key", "region", "endpoint", "endpoints.s3", "use_path_style", "force_path_style"];

/// Those of Terraform that ask for what is done anyway, or spare what is never done.
const NEEDLESS: [&str; 7] = [
    "encrypt",
    "skip_credentials_validation",
    "skip_metadata_api_check",
    "skip_region_validation",
    "skip_requesting_account_id",
    "skip_s3_checksum",
    "use_lockfile",
];

/// What the names of those have in them that hold a secret, in Terraform or by mistake.
const SECRETS: [&str; 5] = ["access_key", "secret", "token", "password", "customer_key"];

/// Those that name another source of keys, in Terraform.
const SOURCES: [&str; 7] = [
    "profile",
    "shared_credentials_file",
    "shared_credentials_files",
    "shared_config_files",
    "role_arn",
    "assume_role",
    "assume_role_with_web_identity",
];

/// Where Spaces are.
const SPACES: &str = "digitaloceanspaces.com";

/// The time limit of one request.
const LIMIT: Duration = Duration::from_secs(30);

/// The object that a block names.
pub(super) fn of(backend: &Backend, stack: &str, environment: &Environment) -> Result<S3, Vec<Diagnostic>> {
    let refused: Vec<Diagnostic> = backend.arguments.iter().filter_map(|setting| refusal(backend, setting)).collect();
    if !refused.is_empty() {
        return Err(refused);
    }
    let one = |error: Diagnostic| vec![error];
    let known: Vec<Setting> = backend.arguments.iter().filter(|setting| !NEEDLESS.contains(&setting.name.as_str())).cloned().collect();
    let block = Backend { arguments: known, ..backend.clone() };
    let [bucket, key, region, old_endpoint, endpoint, path_style, old_path_style] = arguments(&block, NAMES)?;
    let bucket = bucket.ok_or_else(|| one(missing_argument(backend, "bucket")))?;
    let path_style = path_style.or(old_path_style).is_none_or(|setting| setting.text == "true");
    let server = server(backend, bucket, region, endpoint.or(old_endpoint)).map_err(one)?;
    let key = text_or(key, &format!("state/{stack}.json"));
    if key.is_empty() || key.starts_with('/') || key.ends_with('/') {
        let setting = block.arguments.iter().find(|setting| setting.name == "key");
        let span = setting.map_or_else(|| backend.span.clone(), |setting| setting.span.clone());
        return Err(one(Diagnostic::error(format!("`{key}` is not a valid object name."))
            .at(span)
            .hint("Write it like `state/web.json`.")));
    }
    let keys = keys(environment, server.spaces)?;
    let connections = connections_to(&server.endpoint, environment.time_limit.unwrap_or(LIMIT), environment.ca_file.as_deref());
    let connections = connections.map_err(|error| {
        let diagnostic = Diagnostic::error(format!("The bucket cannot be reached: {error}."));
        one(error.hint().into_iter().fold(diagnostic, Diagnostic::hint))
    })?;
    let known = environment.known.clone();
    let settings = BucketSettings {
        endpoint: server.endpoint,
        path_style,
        bucket: bucket.text.clone(),
        key,
        region: server.region,
        stack: stack.to_owned(),
        key_id: keys.id,
        secret_key: keys.secret,
        session: keys.session,
        variables: keys.variables,
        clock: environment.clock.clone(),
        tell: Arc::new(move |line| Screen::of_process(false, false, known.clone()).print_err(&format!("{line}\n"))),
    };
    S3::open(settings, connections)
        .map_err(|why| one(Diagnostic::error(format!("The bucket cannot be used: {why}.")).at(backend.span.clone())))
}

/// Whether an argument of that name holds a secret.
pub(super) fn is_secret(name: &str) -> bool {
    SECRETS.iter().any(|part| name.contains(part))
}

/// Why an argument of Terraform's is not taken here. A line that may hold a secret is not shown.
fn refusal(backend: &Backend, setting: &Setting) -> Option<Diagnostic> {
    let name = setting.name.split('.').next().unwrap_or_default();
    let at_block = |message: String| Diagnostic::error(message).at(backend.span.clone());
    let at_value = |message: String| Diagnostic::error(message).at(setting.span.clone());
    if is_secret(name) {
        let error = at_block(format!("`{name}` would put a secret into the configuration, which is committed."));
        return Some(error.hint(
            "Remove it, and set the key in the environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or for \
             Spaces SPACES_ACCESS_KEY_ID and SPACES_SECRET_ACCESS_KEY. If it was committed, create a new key.",
        ));
    }
    if SOURCES.contains(&name) {
        let error = at_value(format!("`{name}` takes keys from elsewhere; dofloat takes them from the environment alone."));
        return Some(error.hint(
            "Remove it. `eval \"$(aws configure export-credentials --format env)\"` puts the key of a profile or \
             a role into the environment.",
        ));
    }
    match (setting.name.as_str(), setting.text.as_str()) {
        ("dynamodb_table" | "dynamodb_endpoint", _) => {
            Some(at_value("The lock is kept in the bucket; no table is needed.".to_owned()).hint(format!("Remove `{name}`.")))
        }
        ("use_lockfile", "false") => Some(
            at_value("The state is always locked.".to_owned()).hint("Remove `use_lockfile`; `-lock=false` skips the lock for one command."),
        ),
        (name, value) if (NEEDLESS.contains(&name) || name.ends_with("_path_style")) && !matches!(value, "true" | "false") => {
            Some(at_value(format!("`{name}` must be true or false.")))
        }
        _ => None,
    }
}

fn missing_argument(backend: &Backend, name: &str) -> Diagnostic {
    Diagnostic::error(format!("The backend \"s3\" needs the argument \"{name}\".")).at(backend.span.clone()).hint(format!(
        "Write it into the block, or give it once in this folder: `dofloat init -backend-config={name}=…`, or a file with such lines."
    ))
}

struct Server {
    endpoint: Url,
    region: String,
    spaces: bool,
}

fn server(backend: &Backend, bucket: &Setting, region: Option<&Setting>, endpoint: Option<&Setting>) -> Result<Server, Diagnostic> {
    let Some(written) = endpoint else {
        let region = region.ok_or_else(|| {
            missing_argument(backend, "region").hint(
                "Set it to the bucket's region at Amazon (\"us-east-1\"), or to the Space's at DigitalOcean (\"nyc3\"), in the block or by \
                     `dofloat init -backend-config=region=…`.",
            )
        })?;
        if !is_name(&region.text) || !is_name(&bucket.text.replace('.', "-")) {
            let wrong = if is_name(&region.text) { bucket } else { region };
            return Err(Diagnostic::error(format!("`{}` is not a valid {} name.", wrong.text, wrong.name)).at(wrong.span.clone()));
        }
        let (spaces, host) = match region.text.as_str() {
            // A region of DigitalOcean, such as nyc3, has no dash; Amazon's have two.
            region if !region.contains('-') => (true, format!("{region}.{SPACES}")),
            region if region.starts_with("cn-") => (false, format!("s3.{region}.amazonaws.com.cn")),
            region => (false, format!("s3.{region}.amazonaws.com")),
        };
        let endpoint = Url::parse(&format!("https://{host}"))
            .map_err(|error| Diagnostic::error(format!("`{}` is not a valid region: {error}.", region.text)).at(region.span.clone()))?;
        return Ok(Server { endpoint, region: region.text.clone(), spaces });
    };
    let wrong = |why: String| Diagnostic::error(format!("The endpoint cannot be used: {why}.")).at(written.span.clone());
    if written.text.contains('@') {
        let error = Diagnostic::error("The endpoint contains a user name or a password, and the configuration is committed.")
            .at(backend.span.clone());
        return Err(error.hint("Remove them; the key is set in the environment."));
    }
    let text = if written.text.contains("://") { written.text.clone() } else { format!("https://{}", written.text) };
    let url = Url::parse(&text).map_err(|error| wrong(error.to_string()))?;
    match (url.scheme(), url.host()) {
        (_, None) => return Err(wrong("it names no host".to_owned())),
        ("https", _) => {}
        ("http", Some(host)) if is_loopback(&host) => {}
        ("http", _) => {
            return Err(wrong("it is plain HTTP, so the state would cross the network unencrypted".to_owned())
                .hint("Use https; plain http is for this machine only."));
        }
        _ => return Err(wrong("it begins neither with https:// nor with http://".to_owned())),
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it holds a query or a fragment".to_owned()));
    }
    let host = url.host_str().unwrap_or_default();
    if let Some(rest) = host.strip_prefix(&format!("{}.", bucket.text)) {
        return Err(wrong("it names the bucket too".to_owned()).hint(format!("Write \"https://{rest}\": the bucket is named by `bucket`.")));
    }
    let space = host.strip_suffix(SPACES).and_then(|rest| rest.strip_suffix('.'));
    let said = region.map(|region| region.text.clone());
    let region = said.or_else(|| space.map(str::to_owned)).unwrap_or_else(|| "us-east-1".to_owned());
    let spaces = space.is_some();
    Ok(Server { endpoint: url, region, spaces })
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

struct Keys {
    id: Secret<String>,
    secret: Secret<String>,
    session: Option<Secret<String>>,
    variables: &'static str,
}

/// The key: for Spaces under DigitalOcean's names or, where none of these is set, under Amazon's; never half of each.
fn keys(environment: &Environment, spaces: bool) -> Result<Keys, Vec<Diagnostic>> {
    const AMAZON: (&str, &str, &str) = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    const OCEAN: (&str, &str, &str) =
        ("SPACES_ACCESS_KEY_ID", "SPACES_SECRET_ACCESS_KEY", "SPACES_ACCESS_KEY_ID and SPACES_SECRET_ACCESS_KEY");
    let find = |name: &str| environment.bucket_keys.get(name).cloned();
    let ocean = spaces && (find(OCEAN.0).is_some() || find(OCEAN.1).is_some());
    let (id, secret, variables) = if ocean { OCEAN } else { AMAZON };
    match (find(id), find(secret)) {
        (Some(id), Some(secret)) => {
            let session = if ocean { None } else { find("AWS_SESSION_TOKEN") };
            Ok(Keys { id, secret, session, variables })
        }
        (None, None) => {
            let (what, hint) = if spaces {
                (format!("{} (or {})", OCEAN.2, AMAZON.2), "Create a key for the Space (Spaces Object Storage, Access Keys), and set both.")
            } else {
                (
                    AMAZON.2.to_owned(),
                    "Set both; `eval \"$(aws configure export-credentials --format env)\"` takes them from a profile or a role.",
                )
            };
            Err(vec![Diagnostic::error(format!("There is no key for the bucket: set {what}.")).hint(hint)])
        }
        (there, _) => {
            let (set, lacks) = if there.is_some() { (id, secret) } else { (secret, id) };
            Err(vec![Diagnostic::error(format!("{set} is set, but {lacks} is not.")).hint("A bucket key has two parts: set both.")])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::backend::of_stack;
    use crate::lang::module::Source;

    const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "hush-hush")];

    fn open(arguments: &str, keys: &[(&str, &str)]) -> Result<S3, Vec<Diagnostic>> {
        let text = format!("terraform {{\n  backend \"s3\" {{\n{arguments}\n  }}\n}}\n");
        let backend = of_stack(&[Source { name: "web.tf", text: &text }]).unwrap().unwrap();
        of(&backend, "web", &Environment::new(keys.iter().map(|(name, value)| (name.into(), value.into()))))
    }

    #[test]
    fn the_place_follows_from_few_words() {
        let table = [
            ("bucket = \"b\"\nregion = \"nyc3\"", "https://nyc3.digitaloceanspaces.com/ nyc3 b state/web.json"),
            ("bucket = \"b\"\nregion = \"eu-west-1\"\nkey = \"x/y\"", "https://s3.eu-west-1.amazonaws.com/ eu-west-1 b x/y"),
            ("bucket = \"b\"\nregion = \"cn-north-1\"", "https://s3.cn-north-1.amazonaws.com.cn/ cn-north-1 b state/web.json"),
            ("bucket = \"b\"\nendpoint = \"fra1.digitaloceanspaces.com\"", "https://fra1.digitaloceanspaces.com/ fra1 b state/web.json"),
            // As DigitalOcean tells people to write it for Terraform.
            (
                "bucket = \"b\"\nkey = \"k\"\nregion = \"us-east-1\"\nendpoints = { s3 = \"https://ams3.digitaloceanspaces.com\" }\nskip_credentials_validation = true\nskip_metadata_api_check = true\nskip_region_validation = true\nskip_requesting_account_id = true\nskip_s3_checksum = true\nuse_lockfile = true",
                "https://ams3.digitaloceanspaces.com/ us-east-1 b k",
            ),
            ("bucket = \"b\"\nendpoint = \"http://127.0.0.1:9000\"", "http://127.0.0.1:9000/ us-east-1 b state/web.json"),
        ];
        for (arguments, expected) in table {
            let s3 = open(arguments, &KEYS).unwrap();
            let settings = s3.settings();
            assert_eq!(format!("{} {} {} {}", settings.endpoint, settings.region, settings.bucket, settings.key), expected, "{arguments}");
        }
    }

    #[test]
    fn a_key_is_whole_and_goes_where_it_belongs() {
        let (space, amazon) = ("bucket = \"b\"\nregion = \"nyc3\"", "bucket = \"b\"\nregion = \"us-east-1\"");
        let ocean = [("SPACES_ACCESS_KEY_ID", "DO00"), ("SPACES_SECRET_ACCESS_KEY", "hush-hush")];
        let both = [KEYS, ocean].concat();
        let from = |place: &str, keys: &[(&str, &str)]| open(place, keys).map(|s3| s3.settings().variables);
        let wrong = |place: &str, keys: &[(&str, &str)]| from(place, keys).unwrap_err()[0].message.clone();
        assert!(from(space, &ocean).unwrap().starts_with("SPACES") && from(space, &both).unwrap().starts_with("SPACES"));
        assert!(from(space, &KEYS).unwrap().starts_with("AWS") && from(amazon, &both).unwrap().starts_with("AWS"));
        assert!(wrong(amazon, &ocean).starts_with("There is no key for the bucket: set AWS_ACCESS_KEY_ID"));
        assert!(wrong(space, &[]).contains("SPACES_ACCESS_KEY_ID and SPACES_SECRET_ACCESS_KEY (or AWS"));
        assert_eq!(wrong(space, &[KEYS[0], ocean[1]]), "SPACES_SECRET_ACCESS_KEY is set, but SPACES_ACCESS_KEY_ID is not.");
        assert_eq!(wrong(amazon, &KEYS[..1]), "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not.");
        assert!(!format!("{:?}", open(amazon, &KEYS)).contains("hush"));
    }
}
