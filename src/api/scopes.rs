//! Which token scopes a request needs, so that a refusal can name what is missing and a list of scopes be worked out beforehand.
//!
//! Invariant: `scopes/table.txt` is made from the official description by a test and never by hand: what `security` says of each
//! operation, and what the texts of its fields say ("Requires `tag:create` scope"). It must not know which kinds use a route.

use std::sync::LazyLock;

use serde_json::Value;

#[cfg(test)]
mod table_tests;

/// An operation of the API.
#[derive(Debug)]
struct Route {
    method: &'static str,
    /// With `{…}` for a segment that varies.
    pattern: &'static str,
    /// Alternatives, each a list of scopes needed at once. The narrowest stands first.
    alternatives: Vec<Vec<&'static str>>,
    /// Fields of the request by their path, `node_pools.tags`, each with the scope that it needs where it is set.
    sent: Vec<(&'static str, &'static str)>,
    /// The same of parameters of the query.
    asked: Vec<(&'static str, &'static str)>,
    /// Fields of an object in the answer, each with the scope without which it is left out.
    shown: Vec<(&'static str, &'static str)>,
}

static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| include_str!("scopes/table.txt").lines().filter_map(parse).collect());

/// A line of the table: `POST /droplets droplet:create tags=tag:create`, with `?` before a parameter and `<` before what is shown.
fn parse(line: &'static str) -> Option<Route> {
    let mut words = line.split(' ');
    let (method, pattern, security) = (words.next()?, words.next()?, words.next()?);
    let alternatives = security.split('|').map(|scopes| scopes.split('+').collect()).collect();
    let (mut sent, mut asked, mut shown) = (Vec::new(), Vec::new(), Vec::new());
    for (name, scope) in words.filter_map(|word| word.split_once('=')) {
        match name.split_at(1) {
            ("?", name) => asked.push((name, scope)),
            ("<", name) => shown.push((name, scope)),
            _ => sent.push((name, scope)),
        }
    }
    Some(Route { method, pattern, alternatives, sent, asked, shown })
}

fn route(method: &str, path: &str) -> Option<&'static Route> {
    let fits = ROUTES.iter().filter(|route| route.method == method && matches(route.pattern, path));
    // `/projects/default` fits `/projects/{project_id}` too; the pattern with fewer varying segments is meant.
    fits.min_by_key(|route| route.pattern.matches('{').count())
}

/// The scopes that a custom token needs for a request whatever it says; empty where the route is not known. Where there are
/// alternatives, the narrowest is given. A segment of the path may be a name in braces.
#[must_use]
pub fn needed(method: &str, path: &str) -> Vec<&'static str> {
    let path = path.split('?').next().unwrap_or_default();
    route(method, path).and_then(|route| route.alternatives.first()).cloned().unwrap_or_default()
}

/// The scopes that a field of a request needs where it is set; blocks within blocks are told by a path, `node_pools.tags`.
pub fn of_field(method: &str, path: &str, field: &str) -> impl Iterator<Item = &'static str> {
    let fields = route(method, path).map_or(&[][..], |route| &route.sent);
    fields.iter().filter(move |(name, _)| *name == field).map(|(_, scope)| *scope)
}

/// The scope without which an answer leaves a field out.
#[must_use]
pub fn to_see(path: &str, field: &str) -> Option<&'static str> {
    let fields = route("GET", path).map_or(&[][..], |route| &route.shown);
    fields.iter().find(|(name, _)| *name == field).map(|(_, scope)| *scope)
}

/// All that one request needs: its route, its parameters, and what is set in its body.
pub(crate) fn of_request(method: &str, path: &str, query: &[(String, String)], body: Option<&Value>) -> Vec<&'static str> {
    let mut all = needed(method, path);
    let Some(route) = route(method, path) else { return all };
    let asked = route.asked.iter().filter(|(name, _)| query.iter().any(|(other, _)| other == name));
    let sent = route.sent.iter().filter(|(name, _)| body.is_some_and(|body| is_set(body, name)));
    for (_, scope) in asked.chain(sent) {
        if !all.contains(scope) {
            all.push(scope);
        }
    }
    all
}

/// What a granted request proves: nothing where another alternative would have done.
pub(crate) fn proven(method: &str, path: &str, query: &[(String, String)], body: Option<&Value>) -> Vec<&'static str> {
    match route(method, path) {
        Some(route) if route.alternatives.len() == 1 => of_request(method, path, query, body),
        _ => Vec::new(),
    }
}

/// Whether something stands at this place of a body, in any block.
fn is_set(body: &Value, path: &str) -> bool {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let found = &body[name];
    match (rest, found) {
        (_, Value::Null) => false,
        (None, Value::Array(items)) => !items.is_empty(),
        (None, Value::String(text)) => !text.is_empty(),
        (None, _) => true,
        (Some(rest), Value::Array(items)) => items.iter().any(|item| is_set(item, rest)),
        (Some(rest), found) => is_set(found, rest),
    }
}

/// No object has it.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// A request that needs this scope alone and cannot bring anything about: a list, or what concerns an object that is not there.
pub(crate) fn probe(scope: &str) -> Option<(&'static str, String)> {
    let verbs: &[&str] = match scope.split_once(':').map_or("", |(_, verb)| verb) {
        "read" => &["GET"],
        "delete" => &["DELETE"],
        "update" => &["PUT", "PATCH", "POST"],
        _ => &["POST"],
    };
    let alone = |route: &&Route| {
        route.alternatives == [[scope]] && verbs.contains(&route.method) && (route.method == "GET" || route.pattern.contains('{'))
    };
    let rank = |route: &&Route| (route.pattern.matches('{').count(), route.pattern.len());
    let route = ROUTES.iter().filter(alone).min_by_key(rank)?;
    let segment = |part: &'static str| if part.starts_with('{') { NOBODY } else { part };
    Some((route.method, route.pattern.split('/').map(segment).collect::<Vec<_>>().join("/")))
}

/// What a request may need beyond what its route and its fields say, as the description tells in other words: whoever tags makes
/// the tag and changes what carries it, a list of tags that is replaced may take some off, and some actions are more than a change.
pub(crate) fn implied(method: &str, path: &str, body: Option<&Value>) -> Vec<&'static str> {
    let Some((body, route)) = body.zip(route(method, path)) else { return Vec::new() };
    let mut all = Vec::new();
    if is_set(body, "tags") || is_set(body, "node_pools.tags") {
        all.push("tag:create");
    }
    match (method, route.pattern, body["type"].as_str()) {
        ("POST", "/droplets/{droplet_id}/actions", Some("resize")) => all.push("droplet:create"),
        ("POST", "/droplets/{droplet_id}/actions", Some("snapshot")) => all.push("image:create"),
        ("PUT", "/firewalls/{firewall_id}", _) => all.push("tag:delete"),
        (_, "/tags/{tag_id}/resources", _) if body["resources"][0]["resource_type"] == "droplet" => all.push("droplet:update"),
        _ => {}
    }
    all
}

fn matches(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(want), Some(have)) if want.starts_with('{') && !have.is_empty() || want == have => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_names_its_scopes() {
        let check = |method: &str, path: &str, expected: &[&str]| assert_eq!(needed(method, path), expected, "{method} {path}");
        check("GET", "/account", &["account:read"]);
        check("GET", "/droplets?per_page=200", &["droplet:read"]);
        check("POST", "/droplets/12/actions", &["droplet:update"]);
        check("POST", "/floating_ips", &["reserved_ip:create"]);
        check("GET", "/sizes", &["sizes:read", "regions:read"]);
        check("POST", "/domains/example.com/records", &["domain:create"]);
        check("POST", "/tags/dofloat%3Aweb/resources", &["tag:create"]);
        check("GET", "/projects/default", &["project:read"]);
        check("GET", "/volumes", &["block_storage:read"]);
        check("POST", "/uptime/checks/{check_id}/alerts", &["uptime:create", "uptime:update"]);
        check("GET", "/droplets/", &[]);
        check("GET", "/moon", &[]);
    }

    #[test]
    fn what_is_set_and_asked_needs_more() {
        let query = [("tag_name".to_owned(), "web".to_owned())];
        assert_eq!(of_request("GET", "/droplets", &query, None), ["droplet:read", "tag:read"]);
        let mut body = json!({ "name": "a", "tags": [], "vpc_uuid": null });
        assert_eq!(of_request("POST", "/droplets", &[], Some(&body)), ["droplet:create"]);
        body["tags"] = json!(["web"]);
        assert_eq!(of_request("POST", "/droplets", &[], Some(&body)), ["droplet:create", "tag:create"]);
        assert_eq!(proven("POST", "/domains/a/records", &[], None), [""; 0], "another scope would have done too");
        assert_eq!(of_field("POST", "/volumes", "tags").collect::<Vec<_>>(), ["tag:create"]);
        assert_eq!(to_see("/volumes/{volume_id}", "tags"), Some("tag:read"));
    }

    #[test]
    fn what_asks_for_a_scope_alone_brings_nothing_about() {
        assert_eq!(probe("droplet:read"), Some(("GET", "/droplets".to_owned())));
        assert_eq!(probe("tag:create"), Some(("POST", format!("/tags/{NOBODY}/resources"))));
        assert_eq!(probe("vpc:create"), None);
        let scopes: BTreeSet<&str> = ROUTES.iter().flat_map(|route| route.alternatives.iter().flatten().copied()).collect();
        let probes: Vec<_> = scopes.iter().filter_map(|scope| probe(scope)).collect();
        assert!(probes.iter().all(|(method, path)| *method == "GET" || path.contains(NOBODY)), "{probes:?}");
    }
}
