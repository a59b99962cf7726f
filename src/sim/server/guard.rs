//! Who may ask the simulator: programs that mean it, never a web page that happens to be open on this machine.
//!
//! Invariant: a page can neither be the sender (browsers add `Origin` or `Sec-Fetch-Site`, which no script can take away) nor
//! reach the server by a name of its own (`Host` names this machine, or what `Options::hosts` adds). What is below `/_sim`
//! changes the world without the API's rules, so it wants a token besides.

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use dofloat_base::digest::hex;
use dofloat_base::planted::{Bug, planted};
use dofloat_base::rng::entropy;

/// Where droplets find their metadata; the address is the same on every droplet.
const METADATA: &str = "169.254.169.254";

/// A token that nobody can guess, for the paths below `/_sim`.
pub(super) fn new_token() -> String {
    hex(&entropy::<16>())
}

/// Why a request for the API or for `/_sim` is not answered, if it is not. What is asked of somebody else through this server
/// as a proxy carries that server's name, and no page can make a browser send such a request.
pub(super) fn refusal(parts: &Parts, hosts: &[String]) -> Option<String> {
    if planted(Bug::AnswersWebPages) {
        return None;
    }
    if parts.uri.authority().is_some() {
        of_page(&parts.headers)
    } else {
        of_page(&parts.headers).or_else(|| of_host(&parts.headers, hosts))
    }
}

/// The same for the metadata service.
pub(super) fn metadata_refusal(headers: &HeaderMap, hosts: &[String]) -> Option<String> {
    let hosts: Vec<String> = hosts.iter().cloned().chain([METADATA.to_owned()]).collect();
    of_page(headers).or_else(|| of_host(headers, &hosts))
}

/// Whether a request carries the token of `/_sim`.
pub(super) fn is_let_in(bearer: Option<&str>, token: &str) -> bool {
    bearer == Some(token)
}

fn of_page(headers: &HeaderMap) -> Option<String> {
    // `none` is what a browser says where its user typed the address.
    let fetched = headers.get_all("sec-fetch-site").iter().any(|site| site.as_bytes() != b"none");
    (fetched || headers.contains_key(header::ORIGIN)).then(|| "the simulator does not answer web pages".to_owned())
}

fn of_host(headers: &HeaderMap, hosts: &[String]) -> Option<String> {
    let mut named = headers.get_all(header::HOST).iter().peekable();
    if named.peek().is_none() {
        return Some("the request has no Host header".to_owned());
    }
    let stranger = named.find(|host| !host.to_str().is_ok_and(|host| is_ours(host, hosts)))?;
    let stranger = String::from_utf8_lossy(stranger.as_bytes()).into_owned();
    Some(format!("the simulator is not `{stranger}`; start it with `--allow-host` if it is to answer to that name"))
}

/// Whether a `Host` header, with its port or without, names loopback or one of these.
fn is_ours(host: &str, hosts: &[String]) -> bool {
    let Ok(url) = url::Url::parse(&format!("http://{host}/")) else { return false };
    let whole = url.path() == "/" && url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let name = url.host_str().unwrap_or_default().trim_end_matches('.');
    let near = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(_)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    };
    whole && (near || hosts.iter().any(|allowed| allowed.trim_end_matches('.').eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_ours_by_every_name_and_nothing_else_is() {
        for ours in [
            "127.0.0.1",
            "127.0.0.1:8640",
            "127.9.9.9:1",
            "localhost",
            "LocalHost:80",
            "localhost.:80",
            "a.localhost",
            "[::1]:8640",
            "[::1]",
        ] {
            assert!(is_ours(ours, &[]), "{ours}");
        }
        for theirs in [
            "evil.example",
            "evil.example:8640",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evil-localhost",
            "0.0.0.0:8640",
            "198.51.100.10",
            "[::]:8640",
            "evil@localhost",
            "localhost/x",
            "localhost?x",
            "",
        ] {
            assert!(!is_ours(theirs, &[]), "{theirs}");
        }
        let allowed = ["198.51.100.10".to_owned(), "sim.example.".to_owned()];
        assert!(is_ours("198.51.100.10", &allowed) && is_ours("198.51.100.10:80", &allowed) && is_ours("SIM.example:1", &allowed));
        assert!(!is_ours("198.51.100.11", &allowed) && !is_ours("a.sim.example", &allowed));
    }

    #[test]
    fn tokens_are_random() {
        assert_ne!(new_token(), new_token());
        assert!(is_let_in(Some("a"), "a") && !is_let_in(Some("b"), "a") && !is_let_in(None, "a"));
    }
}
