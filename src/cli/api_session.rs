//! The way to the API: which one, with whose token, and the client that goes there.
//!
//! Invariant: nothing is sent before it is known to be allowed; whatever is said of a token is where it came from. The settings'
//! order of precedence is the official provider's.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::endpoint::{ENDPOINT, address, is_official, named, of_spaces, shown};
use super::environment::Environment;
use super::exit::Failure;
use super::keys::keys;
use super::options::Global;
use super::provider::ProviderSettings;
use super::vault::EncryptedVault;
use super::workspace::Workspace;

use super::{made_up, simulator, spaces, timings, token};
use crate::api::client::{Client, Settings};
use crate::api::machine::Machine;
use crate::base::diag::Diagnostic;
use crate::base::durable::OWN_FOLDER;
use crate::base::rng::Rng;
use crate::base::secret::Secret;
use crate::lang::inputs::Inputs;
use crate::lang::module::Stack;
use crate::sim;
use crate::ui::view::{Api, RunHeading, View};

/// The way to the API.
pub struct ApiSession {
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

impl ApiSession {
    /// The state is locked from here on.
    pub fn state_is_locked(&self) {
        if let Some(vault) = &self.client.machine().vault {
            vault.lock();
        }
    }

    /// Ends the embedded simulator, its world on disk; how long a real API took for things is kept.
    pub async fn close(self) {
        if self.token.is_some() {
            timings::keep(&self.client, Path::new(OWN_FOLDER), &self.endpoint);
        }
        if let Some(simulator) = self.simulator {
            simulator.stop().await;
        }
    }
}

/// Reads the configuration and opens the way to the API. In between the first line is printed, as it must name the API where
/// that is not DigitalOcean's, which may stand in the configuration.
///
/// # Errors
/// Errors in the configuration, a missing token, or an invalid setting.
pub async fn open<'s>(
    workspace: &'s Workspace<'_>,
    inputs: &mut Inputs,
    ask: bool,
    view: &mut View,
) -> Result<(Stack<'s>, ApiSession), Failure> {
    inputs.open_data = true;
    let found = workspace.load(inputs, ask, view).and_then(|stack| {
        let route = ApiRoute::find(workspace, &stack)?;
        Ok((stack, route))
    });
    print_heading(workspace, found.as_ref().ok().map(|(_, route)| route), view);
    let (stack, route) = found?;
    let api_session = route.open(workspace, inputs).await?;
    Ok((stack, api_session))
}

/// The same where nothing is printed of it.
///
/// # Errors
/// As `open`.
pub async fn open_quietly<'s>(
    workspace: &'s Workspace<'_>,
    inputs: &mut Inputs,
    view: &mut View,
) -> Result<(Stack<'s>, ApiSession), Failure> {
    inputs.open_data = true;
    let stack = workspace.load(inputs, false, view)?;
    let api_session = ApiRoute::find(workspace, &stack)?.open(workspace, inputs).await?;
    Ok((stack, api_session))
}

/// The way to the API where there is no stack.
///
/// # Errors
/// A missing token, or an invalid setting.
pub fn open_alone(global: &Global, environment: &Environment) -> Result<ApiSession, Failure> {
    let endpoint = environment.provider.get("DIGITALOCEAN_API_URL").map_or(ENDPOINT, String::as_str).to_owned();
    let (file, context) = (global.access_token_file.as_deref(), global.context.as_deref());
    let token = token::find(token::Ask { file, context, provider: None }, environment)?;
    environment.known.learn(&token.value);
    let mut settings = Settings::new(address(&endpoint)?, token.value.clone(), environment.clock.clone(), Arc::new(Rng::from_entropy()));
    settings.token_source.clone_from(&token.source);
    settings.ca_file.clone_from(&environment.ca_file);
    let client = Client::new(settings).map_err(|error| Diagnostic::error(format!("{error}.")))?;
    let (token, token_source) = (Some(token.value), token.source);
    Ok(ApiSession { client, endpoint, token, token_source, warnings: Vec::new(), simulator: None })
}

/// The first line.
fn print_heading(workspace: &Workspace<'_>, route: Option<&ApiRoute>, view: &mut View) {
    let api = match route {
        Some(ApiRoute::Open { endpoint, token, .. }) => {
            Some(Api { address: shown(endpoint), is_official: is_official(endpoint), token_source: &token.source })
        }
        Some(ApiRoute::Simulated) | None => None,
    };
    view.heading(RunHeading { stack: &workspace.place.name, simulated: workspace.global.sim, api });
}

/// The API to use, as it is known before anything is sent.
enum ApiRoute {
    Simulated,
    Open { endpoint: Url, spelt: String, token: token::Token, configured: Box<ProviderSettings> },
}

impl ApiRoute {
    fn find(workspace: &Workspace<'_>, stack: &Stack<'_>) -> Result<Self, Failure> {
        if workspace.global.sim {
            return Ok(Self::Simulated);
        }
        let configured = ProviderSettings::of(stack, &workspace.environment.known).map_err(|errors| workspace.failed(errors))?;
        let environment = workspace.environment;
        let (endpoint, spelt) = match &configured.endpoint {
            Some((text, span)) => (named(text, span, environment).map_err(|error| workspace.failed(error))?, text.clone()),
            None => {
                let text = environment.provider.get("DIGITALOCEAN_API_URL").map_or(ENDPOINT, String::as_str);
                (address(text)?, text.to_owned())
            }
        };
        if let Some((text, span)) = &configured.spaces_endpoint {
            of_spaces(text, span, environment).map_err(|error| workspace.failed(error))?;
        }
        let provider = configured
            .token
            .as_ref()
            .map(|(token, span)| (token, format!("{}, provider \"digitalocean\"", workspace.position(span)), span));
        let token = token::find(
            token::Ask {
                file: workspace.global.access_token_file.as_deref(),
                context: workspace.global.context.as_deref(),
                provider: provider.as_ref().map(|(token, source, span)| token::InConfiguration { token, source, span }),
            },
            environment,
        )?;
        environment.known.learn(&token.value);
        Ok(Self::Open { endpoint, spelt, token, configured: Box::new(configured) })
    }

    async fn open(self, workspace: &Workspace<'_>, inputs: &Inputs) -> Result<ApiSession, Failure> {
        let (base, endpoint, token, configured) = match self {
            Self::Simulated => return simulated(workspace, inputs).await,
            Self::Open { endpoint, spelt, token, configured } => (endpoint, spelt, token, configured),
        };
        let settings = settings(&configured, base, &token, workspace, inputs)?;
        let client = Client::new(settings).map_err(|error| {
            let diagnostic = Diagnostic::error(format!("{error}."));
            match error.hint() {
                Some(hint) if error.is_of_token() => diagnostic.hint(format!("It comes from {}. {hint}", token.source)),
                Some(hint) => diagnostic.hint(hint),
                None => diagnostic,
            }
        })?;
        timings::learn(&client, Path::new(OWN_FOLDER), &endpoint);
        let own = keys(workspace.environment).exposure();
        let warnings = token.warning.map(|warning| *warning).into_iter().chain(own).collect();
        Ok(ApiSession { client, endpoint, token: Some(token.value), token_source: token.source, warnings, simulator: None })
    }
}

fn settings(
    configured: &ProviderSettings,
    base: Url,
    token: &token::Token,
    workspace: &Workspace<'_>,
    inputs: &Inputs,
) -> Result<Settings, Failure> {
    let environment = workspace.environment;
    let number = |name: &str, given: Option<f64>| match (given, environment.provider.get(name)) {
        (Some(given), _) => Ok(Some(given)),
        (None, Some(text)) => text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0).map(Some).ok_or_else(|| {
            Diagnostic::error(format!("{name} is set to something that is not a number.")).hint("Set it to a number, or unset it.")
        }),
        (None, None) => Ok(None),
    };
    let mut settings = Settings::new(base, token.value.clone(), environment.clock.clone(), Arc::new(Rng::from_entropy()));
    settings.token_source.clone_from(&token.source);
    if let Some(retries) = number("DIGITALOCEAN_HTTP_RETRY_MAX", configured.retry_max)? {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is not negative, and more than 100 makes no sense")]
        let retries = retries.min(100.0) as u32;
        settings.retry_max = retries;
    }
    if let Some(wait) = number("DIGITALOCEAN_HTTP_RETRY_WAIT_MIN", configured.wait_min)? {
        settings.retry_wait_min = Duration::from_secs_f64(wait.min(3600.0));
    }
    if let Some(wait) = number("DIGITALOCEAN_HTTP_RETRY_WAIT_MAX", configured.wait_max)? {
        settings.retry_wait_max = Duration::from_secs_f64(wait.min(3600.0));
    }
    if let Some(rate) = number("DIGITALOCEAN_REQUESTS_PER_SECOND", configured.rate)? {
        settings.requests_per_second = rate;
    }
    if let Some(text) = &environment.reserve {
        settings.reserve = text.trim().parse().map_err(|_| {
            Diagnostic::error(format!("DOFLOAT_REQUEST_RESERVE is `{text}`, which is not a whole number."))
                .hint("Set it to the number of requests a minute that are left to others, for example 10, or unset it.")
        })?;
    }
    settings.machine = machine(workspace, inputs);
    settings.spaces = spaces::of(configured, workspace);
    settings.timeout = environment.time_limit.unwrap_or(settings.timeout);
    settings.ca_file.clone_from(&environment.ca_file);
    settings.probe_through = environment.probe_through.as_deref().and_then(|address| address.parse().ok());
    Ok(settings)
}

/// This machine, as far as the stack's own files and secrets go.
fn machine(workspace: &Workspace<'_>, inputs: &Inputs) -> Machine {
    Machine {
        folder: workspace.place.base.clone(),
        ca_file: workspace.environment.ca_file.clone(),
        asks_nobody: false,
        runs_programs: inputs.provisioners,
        written_below: None,
        stand_in: None,
        vault: Some(Arc::new(EncryptedVault::of(workspace))),
    }
}

async fn simulated(workspace: &Workspace<'_>, inputs: &Inputs) -> Result<ApiSession, Failure> {
    let (base, simulator) = simulator::connect_or_start(&workspace.place.world()).await?;
    // No simulated address is ever dialled: the simulator answers for its servers.
    let through = Some(base.clone());
    let spaces = spaces::simulated(base.as_str().trim_end_matches('/'));
    let settings =
        Settings::new(base, Secret::new("simulated".to_owned()), workspace.environment.clock.clone(), Arc::new(Rng::from_entropy()));
    let written_below = Some(workspace.place.simulated_files());
    let machine = Machine { asks_nobody: true, written_below, stand_in: Some(made_up::personal), ..machine(workspace, inputs) };
    let settings = Settings { probe_through: through, machine, spaces, ..settings };
    let client = Client::new(settings).map_err(|error| Diagnostic::error(format!("{error}.")))?;
    Ok(ApiSession {
        client,
        endpoint: "simulator".to_owned(),
        token: None,
        token_source: "the simulator".to_owned(),
        warnings: keys(workspace.environment).exposure().into_iter().collect(),
        simulator,
    })
}
