//! The configuration's `provider` block.
//!
//! Invariant: its arguments are the official provider's; what is a secret there is known as one from here on.

use crate::base::diag::{Diagnostic, Span, did_you_mean};
use crate::base::redact::Redactor;
use crate::base::secret::Secret;
use crate::base::value::{Term, Value};
use crate::lang::module::{Argument, Stack};

/// The settings in the configuration's `provider` block.
#[derive(Default)]
pub(super) struct ProviderSettings {
    pub(super) token: Option<(Secret<String>, Span)>,
    pub(super) endpoint: Option<(String, Span)>,
    pub(super) spaces_endpoint: Option<(String, Span)>,
    pub(super) spaces_id: Option<(Secret<String>, Span)>,
    pub(super) spaces_secret: Option<(Secret<String>, Span)>,
    pub(super) retry_max: Option<f64>,
    pub(super) wait_min: Option<f64>,
    pub(super) wait_max: Option<f64>,
    pub(super) rate: Option<f64>,
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

impl ProviderSettings {
    pub(super) fn of(stack: &Stack<'_>, known: &Redactor) -> Result<Self, Vec<Diagnostic>> {
        let (mut settings, mut errors) = (Self::default(), Vec::new());
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
                    settings.token = token_of(&argument.value).map(|token| (token, span()));
                    settings.token.is_none().then_some("a string that is known before apply")
                }
                "api_endpoint" => {
                    settings.endpoint = text;
                    settings.endpoint.is_none().then_some("a text")
                }
                "spaces_endpoint" | "spaces_access_id" | "spaces_secret_key" => {
                    settings.take_spaces(&argument, text);
                    None
                }
                "http_retry_max" => {
                    settings.retry_max = number;
                    number.is_none().then_some("a number")
                }
                "http_retry_wait_min" => {
                    settings.wait_min = number;
                    number.is_none().then_some("a number of seconds")
                }
                "http_retry_wait_max" => {
                    settings.wait_max = number;
                    number.is_none().then_some("a number of seconds")
                }
                "requests_per_second" => {
                    settings.rate = number;
                    number.is_none().then_some("a number")
                }
                other => {
                    errors.push(no_argument(other).at(span()));
                    None
                }
            };
            errors.extend(wanted.map(|what| Diagnostic::error(format!("`{}` takes {what}.", argument.name)).at(span())));
        }
        if errors.is_empty() { Ok(settings) } else { Err(errors) }
    }
}

impl ProviderSettings {
    /// What is not known, or empty, is missed only where a bucket needs it.
    fn take_spaces(&mut self, argument: &Argument, text: Option<(String, Span)>) {
        let secret = argument.value.sealed().and_then(|value| {
            let filled = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned).ok_or(());
            value.map(filled).transpose().ok()
        });
        let secret = secret.map(|secret| (secret, argument.span.clone()));
        match argument.name.as_str() {
            "spaces_endpoint" => self.spaces_endpoint = text,
            "spaces_access_id" => self.spaces_id = secret,
            _ => self.spaces_secret = secret,
        }
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
