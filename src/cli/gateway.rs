//! The way to the API: which one, with whose token, and the client that goes there.
//!
//! Invariant: an API other than DigitalOcean's is named from outside the configuration, or allowed there, before the token or
//! anything else is sent; whatever is said of a token is where it came from. The settings' order of precedence is the official
//! provider's.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use url::Url;

use super::environment::Environment;
use super::exit::Failure;
use super::token;
use super::workplace::{Site, keys};
use crate::api::client::{Client, Settings};
use crate::base::diag::{Diagnostic, Span, did_you_mean};
use crate::base::durable::make_folder;
use crate::base::redact::Redactor;
use crate::base::rng::Rng;
use crate::base::secret::Secret;
use crate::base::value::{Term, Value};
use crate::lang::inputs::Inputs;
use crate::lang::module::Stack;
use crate::sim;
use crate::ui::view::{Api, Opening, View};

/// Where DigitalOcean answers.
pub const ENDPOINT: &str = "https://api.digitalocean.com";

/// The zone of DigitalOcean's buckets.
const SPACES: &str = ".digitaloceanspaces.com";

/// The variable of the environment that allows the configuration to name another API.
const ALLOW: &str = "DOFLOAT_ALLOW_API_ENDPOINT";

/// The way to the API.
pub struct Gateway {
    /// The client.
    pub client: Client,
    /// The API's address, as it was spelt: what nodes were made with is compared by that.
    pub endpoint: String,
    /// The token, but in a simulated account.
    pub token: Option<Secret<String>>,
    /// Where the token came from.
    pub token_source: String,
    /// Warnings about the settings.
    pub warnings: Vec<Diagnostic>,
    /// The embedded simulator, which ends with this.
    simulator: Option<sim::Running>,
}

impl Gateway {
    /// Ends the embedded simulator, its world on disk.
    pub async fn close(self) {
        if let Some(simulator) = self.simulator {
            simulator.stop().await;
        }
    }
}

/// Reads the configuration and opens the way to the API. In between the first line is printed, as it must name the API where
/// that is not DigitalOcean's, which may stand in the configuration.
///
/// # Errors
/// What is wrong with the configuration; if there is no token, or a setting will not do.
pub async fn begin<'s>(site: &'s Site<'_>, inputs: &mut Inputs, ask: bool, view: &mut View) -> Result<(Stack<'s>, Gateway), Failure> {
    let found = site.load(inputs, ask, view).and_then(|stack| {
        let way = Way::find(site, &stack)?;
        Ok((stack, way))
    });
    opening(site, found.as_ref().ok().map(|(_, way)| way), view);
    let (stack, way) = found?;
    let gateway = way.open(site).await?;
    Ok((stack, gateway))
}

/// Opens the way to the API, where nothing is printed of it.
///
/// # Errors
/// As `begin`.
pub async fn gateway(site: &Site<'_>, stack: &Stack<'_>) -> Result<Gateway, Failure> {
    Way::find(site, stack)?.open(site).await
}

/// The first line.
fn opening(site: &Site<'_>, way: Option<&Way>, view: &mut View) {
    let api = match way {
        Some(Way::Open { endpoint, token, .. }) => {
            Some(Api { address: shown(endpoint), is_official: is_official(endpoint), token_source: &token.source })
        }
        Some(Way::Simulated) | None => None,
    };
    view.opening(Opening { stack: &site.place.name, simulated: site.global.sim, api });
}

fn shown(endpoint: &Url) -> &str {
    endpoint.as_str().trim_end_matches('/')
}

/// What is known of the way before anything is sent.
enum Way {
    Simulated,
    Open { endpoint: Url, spelt: String, token: token::Token, wishes: Box<Wishes> },
}

impl Way {
    fn find(site: &Site<'_>, stack: &Stack<'_>) -> Result<Self, Failure> {
        if site.global.sim {
            return Ok(Self::Simulated);
        }
        let wishes = Wishes::of(stack, &site.environment.known).map_err(|errors| site.failed(errors))?;
        let environment = site.environment;
        let (endpoint, spelt) = match &wishes.endpoint {
            Some((text, span)) => (named(text, span, environment).map_err(|error| site.failed(error))?, text.clone()),
            None => {
                let text = environment.provider.get("DIGITALOCEAN_API_URL").map_or(ENDPOINT, String::as_str);
                (address(text)?, text.to_owned())
            }
        };
        if let Some((text, span)) = &wishes.spaces_endpoint {
            of_spaces(text, span, environment).map_err(|error| site.failed(error))?;
        }
        let provider =
            wishes.token.as_ref().map(|(token, span)| (token, format!("{}, provider \"digitalocean\"", site.position(span)), span));
        let token = token::find(
            token::Ask {
                file: site.global.access_token_file.as_deref(),
                context: site.global.context.as_deref(),
                provider: provider.as_ref().map(|(token, source, span)| token::InConfiguration { token, source, span }),
            },
            environment,
        )?;
        environment.known.learn(&token.value);
        Ok(Self::Open { endpoint, spelt, token, wishes: Box::new(wishes) })
    }

    async fn open(self, site: &Site<'_>) -> Result<Gateway, Failure> {
        let (base, endpoint, token, wishes) = match self {
            Self::Simulated => return simulated(site).await,
            Self::Open { endpoint, spelt, token, wishes } => (endpoint, spelt, token, wishes),
        };
        let settings = settings(&wishes, base, &token, site.environment)?;
        let client = Client::new(settings).map_err(|error| {
            let diagnostic = Diagnostic::error(format!("{error}."));
            match error.hint() {
                Some(hint) if error.is_of_token() => diagnostic.hint(format!("It comes from {}. {hint}", token.source)),
                Some(hint) => diagnostic.hint(hint),
                None => diagnostic,
            }
        })?;
        let own = keys(site.environment).exposure();
        let warnings = token.warning.map(|warning| *warning).into_iter().chain(own).collect();
        Ok(Gateway { client, endpoint, token: Some(token.value), token_source: token.source, warnings, simulator: None })
    }
}

fn settings(wishes: &Wishes, base: Url, token: &token::Token, environment: &Environment) -> Result<Settings, Failure> {
    let number = |name: &str, wish: Option<f64>| match (wish, environment.provider.get(name)) {
        (Some(wish), _) => Ok(Some(wish)),
        (None, Some(text)) => text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0).map(Some).ok_or_else(|| {
            Diagnostic::error(format!("{name} is set to something that is no number.")).hint("Set it to a number, or unset it.")
        }),
        (None, None) => Ok(None),
    };
    let mut settings = Settings::new(base, token.value.clone(), environment.clock.clone(), Arc::new(Rng::from_entropy()));
    settings.token_source.clone_from(&token.source);
    if let Some(retries) = number("DIGITALOCEAN_HTTP_RETRY_MAX", wishes.retry_max)? {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is not negative, and more than 100 makes no sense")]
        let retries = retries.min(100.0) as u32;
        settings.retry_max = retries;
    }
    if let Some(wait) = number("DIGITALOCEAN_HTTP_RETRY_WAIT_MIN", wishes.wait_min)? {
        settings.retry_wait_min = Duration::from_secs_f64(wait.min(3600.0));
    }
    if let Some(wait) = number("DIGITALOCEAN_HTTP_RETRY_WAIT_MAX", wishes.wait_max)? {
        settings.retry_wait_max = Duration::from_secs_f64(wait.min(3600.0));
    }
    if let Some(rate) = number("DIGITALOCEAN_REQUESTS_PER_SECOND", wishes.rate)? {
        settings.requests_per_second = rate;
    }
    settings.timeout = environment.time_limit.unwrap_or(settings.timeout);
    settings.ca_file.clone_from(&environment.ca_file);
    settings.probe_through = environment.probe_through.as_deref().and_then(|address| address.parse().ok());
    Ok(settings)
}

/// An address of an API.
fn address(text: &str) -> Result<Url, Diagnostic> {
    text.parse().map_err(|error| {
        // What cannot be understood may be anything, so it is not repeated.
        Diagnostic::error(format!("The API's address cannot be understood: {error}.")).hint("Write it as in https://api.digitalocean.com.")
    })
}

fn is_official(endpoint: &Url) -> bool {
    ENDPOINT.parse::<Url>().is_ok_and(|official| official.origin() == endpoint.origin())
}

/// The API that the configuration names at `span`, if it may: whoever writes the configuration is not always the one whose
/// token it is, and the address itself may carry what a function has read.
///
/// # Errors
/// If it is no address, or neither DigitalOcean's nor allowed from outside.
pub fn named(text: &str, span: &Span, environment: &Environment) -> Result<Url, Diagnostic> {
    let endpoint = address(text).map_err(|error| error.at(span.clone()))?;
    let outside = environment.provider.get("DIGITALOCEAN_API_URL").into_iter().chain(&environment.allowed_endpoints);
    let allowed = |text: &String| {
        let whole = if text.contains("://") { text.clone() } else { format!("https://{text}") };
        whole.parse::<Url>().is_ok_and(|allowed| allowed.origin() == endpoint.origin())
    };
    if is_official(&endpoint) || outside.into_iter().any(allowed) {
        return Ok(endpoint);
    }
    // The path may hold what does not belong on a view.
    let origin = endpoint.origin().ascii_serialization();
    Err(Diagnostic::error(format!("{origin} is not the API of DigitalOcean, and the configuration alone may not send a token elsewhere."))
        .at(span.clone())
        .hint(format!(
            "Nothing was sent. If you trust that API, allow it outside the configuration: set {ALLOW}={origin} in the environment."
        )))
}

/// The same for buckets, whose address may hold a placeholder for the region.
fn of_spaces(text: &str, span: &Span, environment: &Environment) -> Result<(), Diagnostic> {
    let host = text.strip_prefix("https://").unwrap_or_default().split(['/', ':', '?', '#']).next().unwrap_or_default();
    if host.ends_with(SPACES) && !host.contains('@') {
        return Ok(());
    }
    named(text, span, environment).map(drop)
}

/// What the configuration's `provider` block asks for.
#[derive(Default)]
struct Wishes {
    token: Option<(Secret<String>, Span)>,
    endpoint: Option<(String, Span)>,
    spaces_endpoint: Option<(String, Span)>,
    retry_max: Option<f64>,
    wait_min: Option<f64>,
    wait_max: Option<f64>,
    rate: Option<f64>,
}

const PROVIDER_ARGUMENTS: [&str; 9] = [
    "token",
    "api_endpoint",
    "http_retry_max",
    "http_retry_wait_min",
    "http_retry_wait_max",
    "requests_per_second",
    "spaces_access_id",
    "spaces_secret_key",
    "spaces_endpoint",
];

impl Wishes {
    fn of(stack: &Stack<'_>, known: &Redactor) -> Result<Self, Vec<Diagnostic>> {
        let (mut wishes, mut errors) = (Self::default(), Vec::new());
        for argument in stack.provider()? {
            let span = || argument.span.clone();
            if matches!(argument.name.as_str(), "token" | "spaces_secret_key" | "spaces_access_id")
                && let Some(secret) = argument.value.sealed()
            {
                known.learn_value(&secret);
            }
            let text = argument.value.value().and_then(Value::as_str).map(|text| (text.to_owned(), span()));
            let number = match argument.value.value() {
                Some(Value::Number(number)) => number.as_f64().filter(|number| *number >= 0.0),
                Some(Value::Str(text)) => text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0),
                _ => None,
            };
            let wanted = match argument.name.as_str() {
                "token" => {
                    wishes.token = token_of(&argument.value).map(|token| (token, span()));
                    wishes.token.is_none().then_some("a text that is known before anything is made")
                }
                "api_endpoint" => {
                    wishes.endpoint = text;
                    wishes.endpoint.is_none().then_some("a text")
                }
                "spaces_endpoint" => {
                    wishes.spaces_endpoint = text;
                    None
                }
                "http_retry_max" => {
                    wishes.retry_max = number;
                    number.is_none().then_some("a number")
                }
                "http_retry_wait_min" => {
                    wishes.wait_min = number;
                    number.is_none().then_some("a number of seconds")
                }
                "http_retry_wait_max" => {
                    wishes.wait_max = number;
                    number.is_none().then_some("a number of seconds")
                }
                "requests_per_second" => {
                    wishes.rate = number;
                    number.is_none().then_some("a number")
                }
                "spaces_access_id" | "spaces_secret_key" => None,
                other => {
                    errors.push(no_argument(other).at(span()));
                    None
                }
            };
            errors.extend(wanted.map(|what| Diagnostic::error(format!("`{}` takes {what}.", argument.name)).at(span())));
        }
        if errors.is_empty() { Ok(wishes) } else { Err(errors) }
    }
}

fn no_argument(name: &str) -> Diagnostic {
    let diagnostic = Diagnostic::error(format!("The provider has no argument `{name}`."));
    match did_you_mean(name, PROVIDER_ARGUMENTS) {
        Some(meant) => diagnostic.hint(format!("Did you mean `{meant}`?")),
        None => diagnostic.hint(format!("It has: {}.", PROVIDER_ARGUMENTS.join(", "))),
    }
}

fn token_of(term: &Term) -> Option<Secret<String>> {
    let text = term.sealed()?.map(|value| value.as_str().map(str::to_owned).ok_or(())).transpose().ok()?;
    Some(text)
}

async fn simulated(site: &Site<'_>) -> Result<Gateway, Failure> {
    let world: PathBuf = site.place.world();
    let failed = |error: io::Error| Failure::from(Diagnostic::error(format!("The simulator cannot start: {error}.")));
    if let Some(folder) = world.parent() {
        make_folder(folder).map_err(failed)?;
    }
    // Another command may hold the world: then its server serves this one too. It may also end just now.
    let mut tries = 0;
    let (url, simulator) = loop {
        if let Some(url) = sim::running_at(&world).map_err(failed)? {
            break (url, None);
        }
        match sim::start(sim::Options { world: Some(world.clone()), ..sim::Options::default() }).await {
            Ok(running) => break (running.url.clone(), Some(running)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && tries < 50 => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => return Err(failed(error)),
        }
    };
    let base: Url = url.parse().with_context(|| format!("The simulator's address `{url}` cannot be understood"))?;
    // No simulated address is ever dialled: the simulator answers for its servers.
    let through = Some(base.clone());
    let settings = Settings::new(base, Secret::new("simulated".to_owned()), site.environment.clock.clone(), Arc::new(Rng::from_entropy()));
    let settings = Settings { probe_through: through, ..settings };
    let client = Client::new(settings).map_err(|error| Diagnostic::error(format!("{error}.")))?;
    Ok(Gateway {
        client,
        endpoint: "simulator".to_owned(),
        token: None,
        token_source: "the simulator".to_owned(),
        warnings: keys(site.environment).exposure().into_iter().collect(),
        simulator,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(text: &str, pairs: &[(&str, &str)]) -> Result<String, String> {
        let environment = Environment::new(pairs.iter().map(|(name, value)| (name.into(), value.into())));
        let span = Span { file: "plans/web.tf".into(), start: 0, end: 1 };
        let said = |error: Diagnostic| format!("{} {}", error.message, error.hint.unwrap_or_default());
        named(text, &span, &environment).map(|url| shown(&url).to_owned()).map_err(said)
    }

    #[test]
    fn a_configuration_names_no_other_api_by_itself() {
        for fine in ["https://api.digitalocean.com", "https://api.digitalocean.com/v2/", "https://API.digitalocean.com:443"] {
            assert!(says(fine, &[]).is_ok(), "{fine}");
        }
        for other in [
            "https://evil.example/hush",
            "https://api.digitalocean.com.evil.example",
            "https://api.digitalocean.com@evil.example",
            "https://api.digitalocean.com:8443",
            "http://api.digitalocean.com",
            "http://127.0.0.1:8080",
            "hush",
        ] {
            let said = says(other, &[]).expect_err(other);
            assert!(!said.contains("hush"), "{said}");
        }
    }

    #[test]
    fn another_api_is_allowed_from_outside() {
        let other = "https://api.example.org/do/v2";
        for (name, value) in [
            ("DIGITALOCEAN_API_URL", "https://api.example.org"),
            ("DOFLOAT_ALLOW_API_ENDPOINT", "https://api.example.org"),
            ("DOFLOAT_ALLOW_API_ENDPOINT", "api.example.org"),
            ("DOFLOAT_ALLOW_API_ENDPOINT", "https://a.example, https://api.example.org/x"),
        ] {
            assert_eq!(says(other, &[(name, value)]).as_deref(), Ok(other), "{name}={value}");
        }
        for value in ["http://api.example.org", "example.org", "https://api.example.org:8443", "yes"] {
            assert!(says(other, &[("DOFLOAT_ALLOW_API_ENDPOINT", value)]).is_err(), "{value}");
        }
    }

    #[test]
    fn buckets_stay_with_digitalocean() {
        let span = Span { file: "plans/web.tf".into(), start: 0, end: 1 };
        let fine = |text: &str| of_spaces(text, &span, &Environment::default()).is_ok();
        assert!(fine("https://nyc3.digitaloceanspaces.com") && fine("https://{{.Region}}.digitaloceanspaces.com/"));
        assert!(
            !fine("https://evil.example")
                && !fine("https://x@evil.example/.digitaloceanspaces.com")
                && !fine("https://evil-digitaloceanspaces.com")
        );
        assert!(!fine("https://evil.example?.digitaloceanspaces.com") && !fine("http://nyc3.digitaloceanspaces.com"));
    }
}
