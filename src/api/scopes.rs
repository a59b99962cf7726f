//! Which token scopes a route needs, so that a refusal can name what is missing.
//!
//! Invariant: the table says what the `security` of each operation says in the official specification; a test compares them.
//! It must not know which kinds use a route.

/// One route: method, path with `{…}` for a segment that varies, and its alternatives, each a list of scopes needed at once.
type Route = (&'static str, &'static str, &'static [&'static [&'static str]]);

/// The scopes that a custom token needs for a request; empty where the route is not known. Where there are alternatives,
/// the narrowest stands first and is given.
#[must_use]
pub fn needed(method: &str, path: &str) -> Vec<&'static str> {
    let path = path.split('?').next().unwrap_or_default();
    let fits = ROUTES.iter().filter(|(verb, pattern, _)| *verb == method && matches(pattern, path));
    // `/projects/default` fits `/projects/{project_id}` too; the pattern with fewer varying segments is meant.
    let route = fits.min_by_key(|(_, pattern, _)| pattern.matches('{').count());
    let first = route.and_then(|(_, _, alternatives)| alternatives.first());
    // `api:read` and `api:write` stand for a token without custom scopes; nobody can tick them.
    first.into_iter().flat_map(|scopes| scopes.iter()).filter(|scope| !scope.starts_with("api:")).copied().collect()
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

#[rustfmt::skip]
const ROUTES: &[Route] = &[
    ("GET", "/account", &[&["account:read"]]),
    ("GET", "/account/keys", &[&["ssh_key:read"]]),
    ("POST", "/account/keys", &[&["ssh_key:create"]]),
    ("GET", "/account/keys/{ssh_key_identifier}", &[&["ssh_key:read"]]),
    ("PUT", "/account/keys/{ssh_key_identifier}", &[&["ssh_key:update"]]),
    ("DELETE", "/account/keys/{ssh_key_identifier}", &[&["ssh_key:delete"]]),
    ("GET", "/actions", &[&["actions:read"]]),
    ("GET", "/actions/{action_id}", &[&["actions:read"]]),
    ("GET", "/droplets", &[&["droplet:read"]]),
    ("POST", "/droplets", &[&["droplet:create"]]),
    ("DELETE", "/droplets", &[&["droplet:delete"]]),
    ("GET", "/droplets/{droplet_id}", &[&["droplet:read"]]),
    ("DELETE", "/droplets/{droplet_id}", &[&["droplet:delete"]]),
    ("GET", "/droplets/{droplet_id}/backups", &[&["droplet:read"]]),
    ("GET", "/droplets/{droplet_id}/backups/policy", &[&["droplet:read"]]),
    ("GET", "/droplets/backups/policies", &[&["droplet:read"]]),
    ("GET", "/droplets/backups/supported_policies", &[&["droplet:read"]]),
    ("GET", "/droplets/{droplet_id}/snapshots", &[&["droplet:read"]]),
    ("GET", "/droplets/{droplet_id}/actions", &[&["droplet:read"]]),
    ("POST", "/droplets/{droplet_id}/actions", &[&["droplet:update"]]),
    ("POST", "/droplets/actions", &[&["droplet:update"]]),
    ("GET", "/droplets/{droplet_id}/actions/{action_id}", &[&["droplet:read"]]),
    ("GET", "/droplets/{droplet_id}/firewalls", &[&["firewall:read"]]),
    ("GET", "/droplets/{droplet_id}/destroy_with_associated_resources", &[&["droplet:read"]]),
    ("DELETE", "/droplets/{droplet_id}/destroy_with_associated_resources/selective", &[&["droplet:delete", "block_storage:delete", "block_storage_snapshot:delete", "image:delete", "reserved_ip:delete"]]),
    ("DELETE", "/droplets/{droplet_id}/destroy_with_associated_resources/dangerous", &[&["droplet:delete", "block_storage:delete", "block_storage_snapshot:delete", "image:delete", "reserved_ip:delete"]]),
    ("GET", "/droplets/{droplet_id}/destroy_with_associated_resources/status", &[&["droplet:delete"]]),
    ("POST", "/droplets/{droplet_id}/destroy_with_associated_resources/retry", &[&["droplet:delete", "block_storage:delete", "block_storage_snapshot:delete", "image:delete", "reserved_ip:delete"]]),
    ("GET", "/floating_ips", &[&["reserved_ip:read"]]),
    ("POST", "/floating_ips", &[&["reserved_ip:create"]]),
    ("GET", "/floating_ips/{floating_ip}", &[&["reserved_ip:read"]]),
    ("DELETE", "/floating_ips/{floating_ip}", &[&["reserved_ip:delete"]]),
    ("GET", "/floating_ips/{floating_ip}/actions", &[&["reserved_ip:read"]]),
    ("POST", "/floating_ips/{floating_ip}/actions", &[&["reserved_ip:update"]]),
    ("GET", "/floating_ips/{floating_ip}/actions/{action_id}", &[&["reserved_ip:read"]]),
    ("GET", "/reserved_ips", &[&["reserved_ip:read"]]),
    ("POST", "/reserved_ips", &[&["reserved_ip:create"]]),
    ("GET", "/reserved_ips/{reserved_ip}", &[&["reserved_ip:read"]]),
    ("DELETE", "/reserved_ips/{reserved_ip}", &[&["reserved_ip:delete"]]),
    ("GET", "/reserved_ips/{reserved_ip}/actions", &[&["reserved_ip:read"]]),
    ("POST", "/reserved_ips/{reserved_ip}/actions", &[&["reserved_ip:update"]]),
    ("GET", "/reserved_ips/{reserved_ip}/actions/{action_id}", &[&["reserved_ip:read"]]),
    ("GET", "/reserved_ipv6", &[&["reserved_ip:read"]]),
    ("POST", "/reserved_ipv6", &[&["reserved_ip:create"]]),
    ("GET", "/reserved_ipv6/{reserved_ipv6}", &[&["reserved_ip:read"]]),
    ("DELETE", "/reserved_ipv6/{reserved_ipv6}", &[&["reserved_ip:delete"]]),
    ("POST", "/reserved_ipv6/{reserved_ipv6}/actions", &[&["reserved_ip:update"]]),
    ("GET", "/vpcs", &[&["vpc:read"]]),
    ("POST", "/vpcs", &[&["vpc:create"]]),
    ("GET", "/vpcs/{vpc_id}", &[&["vpc:read"]]),
    ("PUT", "/vpcs/{vpc_id}", &[&["vpc:update"]]),
    ("PATCH", "/vpcs/{vpc_id}", &[&["vpc:update"]]),
    ("DELETE", "/vpcs/{vpc_id}", &[&["vpc:delete"]]),
    ("GET", "/vpcs/{vpc_id}/members", &[&["vpc:read"]]),
    ("GET", "/tags", &[&["tag:read"]]),
    ("POST", "/tags", &[&["tag:create"]]),
    ("GET", "/tags/{tag_id}", &[&["tag:read"]]),
    ("DELETE", "/tags/{tag_id}", &[&["tag:delete"]]),
    ("POST", "/tags/{tag_id}/resources", &[&["tag:create"]]),
    ("DELETE", "/tags/{tag_id}/resources", &[&["tag:delete"]]),
    ("GET", "/domains", &[&["domain:read"]]),
    ("POST", "/domains", &[&["domain:create"]]),
    ("GET", "/domains/{domain_name}", &[&["domain:read"]]),
    ("DELETE", "/domains/{domain_name}", &[&["domain:delete"]]),
    ("GET", "/domains/{domain_name}/records", &[&["domain:read"]]),
    ("POST", "/domains/{domain_name}/records", &[&["domain:create"], &["domain:update"]]),
    ("GET", "/domains/{domain_name}/records/{domain_record_id}", &[&["domain:read"]]),
    ("PATCH", "/domains/{domain_name}/records/{domain_record_id}", &[&["domain:update"]]),
    ("PUT", "/domains/{domain_name}/records/{domain_record_id}", &[&["domain:update"]]),
    ("DELETE", "/domains/{domain_name}/records/{domain_record_id}", &[&["domain:delete"], &["domain:update"]]),
    ("GET", "/firewalls", &[&["firewall:read"]]),
    ("POST", "/firewalls", &[&["firewall:create"]]),
    ("GET", "/firewalls/{firewall_id}", &[&["firewall:read"]]),
    ("PUT", "/firewalls/{firewall_id}", &[&["firewall:update"]]),
    ("DELETE", "/firewalls/{firewall_id}", &[&["firewall:delete"]]),
    ("POST", "/firewalls/{firewall_id}/droplets", &[&["firewall:update"]]),
    ("DELETE", "/firewalls/{firewall_id}/droplets", &[&["firewall:update"]]),
    ("POST", "/firewalls/{firewall_id}/tags", &[&["firewall:update"]]),
    ("DELETE", "/firewalls/{firewall_id}/tags", &[&["firewall:update"]]),
    ("POST", "/firewalls/{firewall_id}/rules", &[&["firewall:update"]]),
    ("DELETE", "/firewalls/{firewall_id}/rules", &[&["firewall:update"]]),
    ("GET", "/images", &[&["image:read"]]),
    ("POST", "/images", &[&["image:create"]]),
    ("GET", "/images/{image_id}", &[&["image:read"]]),
    ("PUT", "/images/{image_id}", &[&["image:update"]]),
    ("DELETE", "/images/{image_id}", &[&["image:delete"]]),
    ("GET", "/images/{image_id}/actions", &[&["image:read"]]),
    ("POST", "/images/{image_id}/actions", &[&["image:update"]]),
    ("GET", "/images/{image_id}/actions/{action_id}", &[&["image:read"]]),
    ("GET", "/sizes", &[&["sizes:read", "regions:read"]]),
    ("GET", "/regions", &[&["regions:read"]]),
    ("GET", "/projects", &[&["project:read"]]),
    ("POST", "/projects", &[&["project:create"]]),
    ("GET", "/projects/default", &[&["project:read"]]),
    ("PUT", "/projects/default", &[&["project:update"]]),
    ("PATCH", "/projects/default", &[&["project:update"]]),
    ("GET", "/projects/{project_id}", &[&["project:read"]]),
    ("PUT", "/projects/{project_id}", &[&["project:update"]]),
    ("PATCH", "/projects/{project_id}", &[&["project:update"]]),
    ("DELETE", "/projects/{project_id}", &[&["project:delete"]]),
    ("GET", "/projects/{project_id}/resources", &[&["project:read"]]),
    ("POST", "/projects/{project_id}/resources", &[&["project:assign_resource"]]),
    ("GET", "/projects/default/resources", &[&["project:read"]]),
    ("POST", "/projects/default/resources", &[&["project:assign_resource"]]),
    ("GET", "/volumes", &[&["api:read", "api:write", "block_storage:read"]]),
    ("POST", "/volumes", &[&["api:write", "block_storage:create"]]),
    ("DELETE", "/volumes", &[&["block_storage:delete", "api:write"]]),
    ("POST", "/volumes/actions", &[&["block_storage_action:create", "api:write"]]),
    ("GET", "/volumes/snapshots/{snapshot_id}", &[&["block_storage_snapshot:read"]]),
    ("DELETE", "/volumes/snapshots/{snapshot_id}", &[&["block_storage_snapshot:delete"]]),
    ("GET", "/volumes/{volume_id}", &[&["block_storage:read"]]),
    ("DELETE", "/volumes/{volume_id}", &[&["block_storage:delete"]]),
    ("GET", "/volumes/{volume_id}/actions", &[&["block_storage_action:read"]]),
    ("POST", "/volumes/{volume_id}/actions", &[&["block_storage_action:create"]]),
    ("GET", "/volumes/{volume_id}/actions/{action_id}", &[&["block_storage_action:read"]]),
    ("GET", "/volumes/{volume_id}/snapshots", &[&["block_storage_snapshot:read"]]),
    ("POST", "/volumes/{volume_id}/snapshots", &[&["block_storage_snapshot:create"]]),
    ("POST", "/load_balancers", &[&["load_balancer:create"]]),
    ("GET", "/load_balancers", &[&["load_balancer:read"]]),
    ("GET", "/load_balancers/{lb_id}", &[&["load_balancer:read"]]),
    ("PUT", "/load_balancers/{lb_id}", &[&["load_balancer:update"]]),
    ("DELETE", "/load_balancers/{lb_id}", &[&["load_balancer:delete"]]),
    ("POST", "/load_balancers/{lb_id}/droplets", &[&["load_balancer:update"]]),
    ("DELETE", "/load_balancers/{lb_id}/droplets", &[&["load_balancer:update"]]),
    ("POST", "/load_balancers/{lb_id}/forwarding_rules", &[&["load_balancer:update"]]),
    ("DELETE", "/load_balancers/{lb_id}/forwarding_rules", &[&["load_balancer:update"]]),
    ("GET", "/certificates", &[&["certificate:read"]]),
    ("POST", "/certificates", &[&["certificate:create"]]),
    ("GET", "/certificates/{certificate_id}", &[&["certificate:read"]]),
    ("DELETE", "/certificates/{certificate_id}", &[&["certificate:delete"]]),
    ("GET", "/monitoring/alerts", &[&["monitoring:read"]]),
    ("POST", "/monitoring/alerts", &[&["monitoring:create"]]),
    ("GET", "/monitoring/alerts/{alert_uuid}", &[&["monitoring:read"]]),
    ("PUT", "/monitoring/alerts/{alert_uuid}", &[&["monitoring:update"]]),
    ("DELETE", "/monitoring/alerts/{alert_uuid}", &[&["monitoring:delete"]]),
    ("GET", "/uptime/checks", &[&["uptime:read"]]),
    ("POST", "/uptime/checks", &[&["uptime:create"]]),
    ("GET", "/uptime/checks/{check_id}", &[&["uptime:read"]]),
    ("PUT", "/uptime/checks/{check_id}", &[&["uptime:update"]]),
    ("DELETE", "/uptime/checks/{check_id}", &[&["uptime:delete"]]),
    ("GET", "/uptime/checks/{check_id}/state", &[&["uptime:read"]]),
    ("GET", "/uptime/checks/{check_id}/alerts", &[&["uptime:read"]]),
    ("POST", "/uptime/checks/{check_id}/alerts", &[&["uptime:create", "uptime:update"]]),
    ("GET", "/uptime/checks/{check_id}/alerts/{alert_id}", &[&["uptime:read"]]),
    ("PUT", "/uptime/checks/{check_id}/alerts/{alert_id}", &[&["uptime:update"]]),
    ("DELETE", "/uptime/checks/{check_id}/alerts/{alert_id}", &[&["uptime:delete", "uptime:update"]]),
    ("GET", "/snapshots", &[&["snapshot:read"]]),
    ("GET", "/snapshots/{snapshot_id}", &[&["snapshot:read", "block_storage_snapshot:read"]]),
    ("DELETE", "/snapshots/{snapshot_id}", &[&["image:delete", "snapshot:delete"]]),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn check(method: &str, path: &str, expected: &[&str]) {
        assert_eq!(needed(method, path), expected, "{method} {path}");
    }

    #[test]
    fn a_request_names_its_scopes() {
        check("GET", "/account", &["account:read"]);
        check("GET", "/droplets?per_page=200", &["droplet:read"]);
        check("POST", "/droplets/12/actions", &["droplet:update"]);
        check("POST", "/floating_ips", &["reserved_ip:create"]);
        check("GET", "/sizes", &["sizes:read", "regions:read"]);
        check("POST", "/domains/example.com/records", &["domain:create"]);
        check("POST", "/tags/dofloat%3Aweb/resources", &["tag:create"]);
        check("GET", "/projects/default", &["project:read"]);
        check("GET", "/volumes", &["block_storage:read"]);
        check("GET", "/droplets/", &[]);
        check("GET", "/moon", &[]);
    }

    #[test]
    fn the_table_is_the_specification_s() {
        let spec = dofloat_openapi::document();
        for (method, pattern, alternatives) in ROUTES {
            let operation = &spec["paths"][format!("/v2{pattern}")][method.to_lowercase()];
            let security = operation["security"].as_array().unwrap_or_else(|| panic!("no operation {method} {pattern}"));
            let theirs: BTreeSet<BTreeSet<&str>> = security
                .iter()
                .map(|row| row["bearer_auth"].as_array().into_iter().flatten().filter_map(|scope| scope.as_str()).collect())
                .collect();
            let ours: BTreeSet<BTreeSet<&str>> = alternatives.iter().map(|scopes| scopes.iter().copied().collect()).collect();
            assert_eq!(ours, theirs, "{method} {pattern}");
        }
    }
}
