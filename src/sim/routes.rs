//! Which method and path leads where, and the scopes that it needs.
//!
//! Invariant: one table; the scopes are those of the official description.

use super::plain::{
    self, addresses, apps, databases,
    family::{FAMILIES, Family, Verb},
    images as custom_images, kubernetes, networks, registries,
};
use super::refusal::Refusal;
use super::scopes::Scopes;
use super::wire::{Call, Reply};
use super::world::World;
use super::{
    account, actions, domains, droplet_actions, droplets, firewalls, images, neighbours, projects, records, regions, reserved_ips, sizes,
    ssh_keys, tags, volumes, vpcs,
};

type Handler = fn(&mut World, &Call<'_>) -> Result<Reply, Refusal>;

/// A row of the table.
#[derive(Debug)]
pub(super) struct Route {
    method: &'static str,
    pattern: &'static str,
    /// Alternatives, each of which is needed whole.
    scopes: &'static [&'static [&'static str]],
    handler: Handler,
}

/// The route of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    /// A row of the table.
    Route(&'static Route),
    /// An operation of a plain family.
    Plain(&'static Family, Verb),
}

impl Target {
    /// Refuses a token that lacks what the operation needs.
    pub(super) fn allows(self, scopes: &Scopes) -> Result<(), Refusal> {
        match self {
            Self::Route(route) => scopes.need_any(route.scopes),
            Self::Plain(family, verb) => scopes.need_any(family.scopes(verb)),
        }
    }

    /// Does it.
    pub(super) fn answer(self, world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
        match self {
            Self::Route(route) => (route.handler)(world, call),
            Self::Plain(family, verb) => plain::answer(world, call, family, verb),
        }
    }

    #[cfg(test)]
    fn pattern(self) -> &'static str {
        match self {
            Self::Route(route) => route.pattern,
            Self::Plain(family, verb) => family.operation(verb).map_or("", |(_, pattern)| pattern),
        }
    }
}

/// The public part of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteInfo {
    /// `GET`, `POST`, ….
    pub method: &'static str,
    /// `/v2/droplets/{droplet_id}`.
    pub pattern: &'static str,
}

/// All routes.
pub fn routes() -> impl Iterator<Item = RouteInfo> {
    let written = ROUTES.iter().map(|route| (route.method, route.pattern));
    let plain = FAMILIES.iter().flat_map(|family| Verb::ALL.into_iter().filter_map(|verb| family.operation(verb)));
    written.chain(plain).map(|(method, pattern)| RouteInfo { method, pattern })
}

const fn row(method: &'static str, pattern: &'static str, scopes: &'static [&'static [&'static str]], handler: Handler) -> Route {
    Route { method, pattern, scopes, handler }
}

#[rustfmt::skip]
static ROUTES: &[Route] = &[
    row("GET",    "/v2/account",                                          &[&["account:read"]],   account::read),
    row("GET",    "/v2/account/keys",                                     &[&["ssh_key:read"]],   ssh_keys::list),
    row("POST",   "/v2/account/keys",                                     &[&["ssh_key:create"]], ssh_keys::create),
    row("GET",    "/v2/account/keys/{ssh_key_identifier}",                &[&["ssh_key:read"]],   ssh_keys::read),
    row("PUT",    "/v2/account/keys/{ssh_key_identifier}",                &[&["ssh_key:update"]], ssh_keys::update),
    row("DELETE", "/v2/account/keys/{ssh_key_identifier}",                &[&["ssh_key:delete"]], ssh_keys::delete),
    row("GET",    "/v2/actions",                                          &[&["actions:read"]],   actions::list),
    row("GET",    "/v2/actions/{action_id}",                              &[&["actions:read"]],   actions::read),
    row("GET",    "/v2/apps/{app_id}/deployments",                        &[&["app:read"]],       apps::list_deployments),
    row("GET",    "/v2/apps/{app_id}/deployments/{deployment_id}",        &[&["app:read"]],       apps::read_deployment),
    row("GET",    "/v2/domains",                                          &[&["domain:read"]],    domains::list),
    row("POST",   "/v2/domains",                                          &[&["domain:create"]],  domains::create),
    row("GET",    "/v2/domains/{domain_name}",                            &[&["domain:read"]],    domains::read),
    row("DELETE", "/v2/domains/{domain_name}",                            &[&["domain:delete"]],  domains::delete),
    row("GET",    "/v2/domains/{domain_name}/records",                    &[&["domain:read"]],    records::list),
    row("POST",   "/v2/domains/{domain_name}/records",                    &[&["domain:create"], &["domain:update"]], records::create),
    row("GET",    "/v2/domains/{domain_name}/records/{domain_record_id}", &[&["domain:read"]],    records::read),
    row("PATCH",  "/v2/domains/{domain_name}/records/{domain_record_id}", &[&["domain:update"]],  records::update),
    row("PUT",    "/v2/domains/{domain_name}/records/{domain_record_id}", &[&["domain:update"]],  records::update),
    row("DELETE", "/v2/domains/{domain_name}/records/{domain_record_id}", &[&["domain:delete"], &["domain:update"]], records::delete),
    row("GET",    "/v2/droplets",                                         &[&["droplet:read"]],   droplets::list),
    row("POST",   "/v2/droplets",                                         &[&["droplet:create"]], droplets::create::create),
    row("DELETE", "/v2/droplets",                                         &[&["droplet:delete"]], droplets::delete_by_tag),
    row("POST",   "/v2/droplets/actions",                                 &[&["droplet:update"]], droplet_actions::create_by_tag),
    row("GET",    "/v2/droplets/{droplet_id}",                            &[&["droplet:read"]],   droplets::read),
    row("DELETE", "/v2/droplets/{droplet_id}",                            &[&["droplet:delete"]], droplets::delete),
    row("GET",    "/v2/droplets/{droplet_id}/actions",                    &[&["droplet:read"]],   droplet_actions::list),
    row("POST",   "/v2/droplets/{droplet_id}/actions",                    &[&["droplet:update"]], droplet_actions::create),
    row("GET",    "/v2/droplets/{droplet_id}/actions/{action_id}",        &[&["droplet:read"]],   droplet_actions::read),
    row("GET",    "/v2/droplets/{droplet_id}/backups",                    &[&["droplet:read"]],   droplets::images),
    row("GET",    "/v2/droplets/{droplet_id}/backups/policy",             &[&["droplet:read"]],   droplets::backup_policy),
    row("GET",    "/v2/droplets/{droplet_id}/firewalls",                  &[&["firewall:read"]],  firewalls::list_of_droplet),
    row("GET",    "/v2/droplets/{droplet_id}/snapshots",                  &[&["droplet:read"]],   droplets::images),
    row("GET",    "/v2/firewalls",                                        &[&["firewall:read"]],  firewalls::list),
    row("POST",   "/v2/firewalls",                                        &[&["firewall:create"]], firewalls::create),
    row("GET",    "/v2/firewalls/{firewall_id}",                          &[&["firewall:read"]],  firewalls::read),
    row("PUT",    "/v2/firewalls/{firewall_id}",                          &[&["firewall:update"]], firewalls::replace),
    row("DELETE", "/v2/firewalls/{firewall_id}",                          &[&["firewall:delete"]], firewalls::delete),
    row("POST",   "/v2/firewalls/{firewall_id}/droplets",                 &[&["firewall:update"]], firewalls::add),
    row("DELETE", "/v2/firewalls/{firewall_id}/droplets",                 &[&["firewall:update"]], firewalls::remove),
    row("POST",   "/v2/firewalls/{firewall_id}/tags",                     &[&["firewall:update"]], firewalls::add),
    row("DELETE", "/v2/firewalls/{firewall_id}/tags",                     &[&["firewall:update"]], firewalls::remove),
    row("POST",   "/v2/firewalls/{firewall_id}/rules",                    &[&["firewall:update"]], firewalls::add),
    row("DELETE", "/v2/firewalls/{firewall_id}/rules",                    &[&["firewall:update"]], firewalls::remove),
    row("GET",    "/v2/floating_ips",                                     &[&["reserved_ip:read"]],   reserved_ips::list),
    row("POST",   "/v2/floating_ips",                                     &[&["reserved_ip:create"]], reserved_ips::create),
    row("GET",    "/v2/floating_ips/{floating_ip}",                       &[&["reserved_ip:read"]],   reserved_ips::read),
    row("DELETE", "/v2/floating_ips/{floating_ip}",                       &[&["reserved_ip:delete"]], reserved_ips::delete),
    row("GET",    "/v2/floating_ips/{floating_ip}/actions",               &[&["reserved_ip:read"]],   reserved_ips::list_actions),
    row("POST",   "/v2/floating_ips/{floating_ip}/actions",               &[&["reserved_ip:update"]], reserved_ips::act),
    row("GET",    "/v2/floating_ips/{floating_ip}/actions/{action_id}",   &[&["reserved_ip:read"]],   reserved_ips::read_action),
    row("GET",    "/v2/reserved_ips",                                     &[&["reserved_ip:read"]],   reserved_ips::list),
    row("POST",   "/v2/reserved_ips",                                     &[&["reserved_ip:create"]], reserved_ips::create),
    row("GET",    "/v2/reserved_ips/{reserved_ip}",                       &[&["reserved_ip:read"]],   reserved_ips::read),
    row("DELETE", "/v2/reserved_ips/{reserved_ip}",                       &[&["reserved_ip:delete"]], reserved_ips::delete),
    row("GET",    "/v2/reserved_ips/{reserved_ip}/actions",               &[&["reserved_ip:read"]],   reserved_ips::list_actions),
    row("POST",   "/v2/reserved_ips/{reserved_ip}/actions",               &[&["reserved_ip:update"]], reserved_ips::act),
    row("GET",    "/v2/reserved_ips/{reserved_ip}/actions/{action_id}",   &[&["reserved_ip:read"]],   reserved_ips::read_action),
    row("GET",    "/v2/databases/{database_cluster_uuid}/ca",             &[&["database:read"]],  databases::authority),
    row("PUT",    "/v2/databases/{database_cluster_uuid}/resize",         &[&["database:update"]], databases::resize),
    row("POST",   "/v2/reserved_ipv6/{reserved_ipv6}/actions",            &[&["reserved_ip:update"]], addresses::act),
    row("PUT",    "/v2/databases/{database_cluster_uuid}/migrate",        &[&["database:update"]], databases::migrate),
    row("PUT",    "/v2/databases/{database_cluster_uuid}/upgrade",        &[&["database:update"]], databases::upgrade),
    row("PUT",    "/v2/databases/{database_cluster_uuid}/maintenance",    &[&["database:update"]], databases::maintenance),
    row("GET",    "/v2/databases/{database_cluster_uuid}/eviction_policy", &[&["database:read"]], databases::eviction_policy),
    row("PUT",    "/v2/databases/{database_cluster_uuid}/eviction_policy", &[&["database:update"]], databases::set_policy),
    row("GET",    "/v2/databases/{database_cluster_uuid}/sql_mode",       &[&["database:read"]],  databases::sql_mode),
    row("PUT",    "/v2/databases/{database_cluster_uuid}/sql_mode",       &[&["database:update"]], databases::set_policy),
    row("GET",    "/v2/databases/{database_cluster_uuid}/firewall",       &[&["database:read"]],  databases::rules),
    row("PUT",    "/v2/databases/{database_cluster_uuid}/firewall",       &[&["database:update"]], databases::set_rules),
    row("POST",   "/v2/databases/{database_cluster_uuid}/users/{username}/reset_auth", &[&["database:update"]], databases::reset_auth),
    row("GET",    "/v2/kubernetes/clusters/{cluster_id}/credentials",     &[&["kubernetes:access_cluster"]], kubernetes::credentials),
    row("POST",   "/v2/kubernetes/clusters/{cluster_id}/upgrade",         &[&["kubernetes:update"]], kubernetes::upgrade),
    row("GET",    "/v2/kubernetes/clusters/{cluster_id}/upgrades",        &[&["kubernetes:read"]], kubernetes::upgrades),
    row("DELETE", "/v2/kubernetes/clusters/{cluster_id}/destroy_with_associated_resources/dangerous", &[&["kubernetes:delete"]], kubernetes::destroy),
    row("GET",    "/v2/kubernetes/options",                               &[&["kubernetes:read"]], kubernetes::options),
    row("POST",   "/v2/kubernetes/registry",                              &[&["kubernetes:create", "kubernetes:update"]], kubernetes::add_registry),
    row("DELETE", "/v2/kubernetes/registry",                              &[&["kubernetes:update"]], kubernetes::remove_registry),
    row("GET",    "/v2/images",                                           &[&["image:read"]],     images::list),
    row("GET",    "/v2/images/{image_id}",                                &[&["image:read"]],     images::read),
    row("GET",    "/v2/images/{image_id}/actions",                        &[&["image:read"]],     custom_images::list_actions),
    row("POST",   "/v2/images/{image_id}/actions",                        &[&["image:update"]],   custom_images::act),
    row("GET",    "/v2/images/{image_id}/actions/{action_id}",            &[&["image:read"]],     custom_images::read_action),
    row("GET",    "/v2/partner_network_connect/attachments/{pa_id}/service_key", &[&["partner_network_connect:read"]], networks::service_key),
    row("GET",    "/v2/projects",                                         &[&["project:read"]],   projects::list),
    row("POST",   "/v2/projects",                                         &[&["project:create"]], projects::create),
    row("GET",    "/v2/projects/default",                                 &[&["project:read"]],   projects::read_default),
    row("GET",    "/v2/projects/default/resources",                       &[&["project:read"]],   projects::default_resources),
    row("GET",    "/v2/projects/{project_id}",                            &[&["project:read"]],   projects::read),
    row("POST",   "/v2/projects/default/resources",                       &[&["project:assign_resource"]], projects::assign_default),
    row("PATCH",  "/v2/projects/{project_id}",                            &[&["project:update"]], projects::update),
    row("PUT",    "/v2/projects/{project_id}",                            &[&["project:update"]], projects::replace),
    row("DELETE", "/v2/projects/{project_id}",                            &[&["project:delete"]], projects::delete),
    row("POST",   "/v2/projects/{project_id}/resources",                  &[&["project:assign_resource"]], projects::assign),
    row("GET",    "/v2/projects/{project_id}/resources",                  &[&["project:read"]],   projects::resources),
    row("GET",    "/v2/registries/{registry_name}/docker-credentials",    &[&["registry:read", "registry:update"]], registries::credentials),
    row("GET",    "/v2/registries/subscription",                          &[&["registry:read"]],   registries::subscription),
    row("POST",   "/v2/registries/subscription",                          &[&["registry:update"]], registries::subscribe),
    row("GET",    "/v2/reports/droplet_neighbors_ids",                    &[&["droplet:read"]],   neighbours::list),
    row("GET",    "/v2/regions",                                          &[&["regions:read"]],   regions::list),
    row("GET",    "/v2/sizes",                                            &[&["sizes:read", "regions:read"]], sizes::list),
    row("GET",    "/v2/tags",                                             &[&["tag:read"]],       tags::list),
    row("POST",   "/v2/tags",                                             &[&["tag:create"]],     tags::create),
    row("GET",    "/v2/tags/{tag_id}",                                    &[&["tag:read"]],       tags::read),
    row("DELETE", "/v2/tags/{tag_id}",                                    &[&["tag:delete"]],     tags::delete),
    row("POST",   "/v2/tags/{tag_id}/resources",                          &[&["tag:create"]],     tags::tag),
    row("DELETE", "/v2/tags/{tag_id}/resources",                          &[&["tag:delete"]],     tags::untag),
    row("GET",    "/v2/volumes/{volume_id}/actions",                      &[&["block_storage_action:read"]],   volumes::list_actions),
    row("POST",   "/v2/volumes/{volume_id}/actions",                      &[&["block_storage_action:create"]], volumes::act),
    row("GET",    "/v2/volumes/{volume_id}/actions/{action_id}",          &[&["block_storage_action:read"]],   volumes::read_action),
    row("POST",   "/v2/volumes/{volume_id}/snapshots",                    &[&["block_storage_snapshot:create"]], volumes::snapshot),
    row("GET",    "/v2/vpcs",                                             &[&["vpc:read"]],       vpcs::list),
    row("POST",   "/v2/vpcs",                                             &[&["vpc:create"]],     vpcs::create),
    row("GET",    "/v2/vpcs/{vpc_id}",                                    &[&["vpc:read"]],       vpcs::read),
    row("PUT",    "/v2/vpcs/{vpc_id}",                                    &[&["vpc:update"]],     vpcs::replace),
    row("PATCH",  "/v2/vpcs/{vpc_id}",                                    &[&["vpc:update"]],     vpcs::update),
    row("DELETE", "/v2/vpcs/{vpc_id}",                                    &[&["vpc:delete"]],     vpcs::delete),
    row("GET",    "/v2/vpcs/{vpc_id}/members",                            &[&["vpc:read"]],       vpcs::members),
];

/// The route of a request, and what stands in its braces.
pub(super) fn find(method: &str, path: &str) -> Result<(Target, Vec<String>), Refusal> {
    let written = ROUTES.iter().map(|route| (route.method, route.pattern, Target::Route(route)));
    let plain = FAMILIES.iter().flat_map(|family| {
        let of = |verb| family.operation(verb).map(|(method, pattern)| (method, pattern, Target::Plain(family, verb)));
        Verb::ALL.into_iter().filter_map(of)
    });
    let mut known = false;
    for (verb, pattern, target) in written.chain(plain) {
        if let Some(parts) = fit(pattern, path) {
            if verb == method {
                return Ok((target, parts));
            }
            known = true;
        }
    }
    Err(if known { Refusal::new(405, "method_not_allowed", "This method is not allowed here.") } else { Refusal::not_found() })
}

fn fit(pattern: &str, path: &str) -> Option<Vec<String>> {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    let mut parts = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(parts),
            // A slash that was escaped is one of the part's own.
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => parts.push(given.replace("%2F", "/")),
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn fixed_paths_win_over_braces() {
        assert_eq!(find("GET", "/v2/projects/default").unwrap().0.pattern(), "/v2/projects/default");
        assert_eq!(find("GET", "/v2/droplets/7/actions/9").unwrap().1, ["7", "9"]);
    }

    #[test]
    fn a_wrong_method_and_a_wrong_path_differ() {
        assert_eq!(find("PATCH", "/v2/droplets").unwrap_err().status, 405);
        assert_eq!(find("GET", "/v2/nothing").unwrap_err().status, 404);
        assert_eq!(find("GET", "/v2/droplets/").unwrap_err().status, 404);
    }

    #[test]
    fn the_table_agrees_with_the_official_description() {
        let document = dofloat_openapi::document();
        let mut checked = 0;
        for route in ROUTES {
            let operation = &document["paths"][route.pattern][route.method.to_lowercase()];
            assert!(operation.is_object(), "{} {} is not in the description", route.method, route.pattern);
            let wanted: BTreeSet<BTreeSet<&str>> = operation["security"]
                .as_array()
                .unwrap()
                .iter()
                .map(|way| way["bearer_auth"].as_array().unwrap().iter().map(|scope| scope.as_str().unwrap()).collect())
                .collect();
            let ours: BTreeSet<BTreeSet<&str>> = route.scopes.iter().map(|way| way.iter().copied().collect()).collect();
            assert_eq!(ours, wanted, "{} {}", route.method, route.pattern);
            checked += 1;
        }
        println!("{checked} routes agree");
    }
}
