//! Which API, and whether it may be that one.
//!
//! Invariant: an API other than DigitalOcean's is named from outside the configuration, or allowed there, before a token is sent.

use url::Url;

use super::environment::Environment;
use crate::base::diag::{Diagnostic, Span};

/// Where DigitalOcean answers.
pub const ENDPOINT: &str = "https://api.digitalocean.com";

/// The zone of DigitalOcean's buckets.
const SPACES: &str = ".digitaloceanspaces.com";

/// The variable of the environment that allows the configuration to name another API.
const ALLOW: &str = "DOFLOAT_ALLOW_API_ENDPOINT";

/// An address as it is shown.
pub(super) fn shown(endpoint: &Url) -> &str {
    endpoint.as_str().trim_end_matches('/')
}

/// An address of an API.
pub(super) fn address(text: &str) -> Result<Url, Diagnostic> {
    text.parse().map_err(|error| {
        // What cannot be understood may be anything, so it is not repeated.
        Diagnostic::error(format!("The API address is not valid: {error}.")).hint("Write it like https://api.digitalocean.com.")
    })
}

/// Whether it is DigitalOcean's own.
pub(super) fn is_official(endpoint: &Url) -> bool {
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
    // The path may hold what does not belong on a screen.
    let origin = endpoint.origin().ascii_serialization();
    Err(Diagnostic::error(format!("{origin} is not the API of DigitalOcean, and the configuration alone may not send a token elsewhere."))
        .at(span.clone())
        .hint(format!(
            "Nothing was sent. If you trust that API, allow it outside the configuration: set {ALLOW}={origin} in the environment."
        )))
}

/// The same for buckets, whose address may hold a placeholder for the region.
pub(super) fn of_spaces(text: &str, span: &Span, environment: &Environment) -> Result<(), Diagnostic> {
    let host = text.strip_prefix("https://").unwrap_or_default().split(['/', ':', '?', '#']).next().unwrap_or_default();
    if host.ends_with(SPACES) && !host.contains('@') {
        return Ok(());
    }
    named(text, span, environment).map(drop)
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
