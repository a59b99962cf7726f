//! Which provider a resource type belongs to, by the names that Terraform's registry has for them.
//!
//! Invariant: names only; which types are there is no business of this module.

/// The provider's local name: what stands before the first underscore of a resource type.
#[must_use]
pub fn local_name(kind: &str) -> &str {
    kind.split('_').next().unwrap_or_default()
}

/// The provider's source address, for example `registry.terraform.io/digitalocean/digitalocean`.
#[must_use]
pub fn source_address(kind: &str) -> String {
    match local_name(kind) {
        "terraform" => "terraform.io/builtin/terraform".to_owned(),
        own @ ("digitalocean" | "dofloat") => format!("registry.terraform.io/{own}/{own}"),
        other => format!("registry.terraform.io/hashicorp/{other}"),
    }
}
