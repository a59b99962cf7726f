//! What to write in place of something that is not supported.
//!
//! Invariant: texts only; each says what a person can do next.

/// By the beginning of a name: the longest that fits says it.
const BY_NAME: &[(&str, &str)] = &[
    ("data.digitalocean_", "Write the id or the slug, or give it by a variable."),
    ("data.terraform_remote_state", "Give the other stack's outputs by variables: `dofloat output -json` prints them."),
    ("ephemeral", "A variable with `sensitive = true` is kept out of state and plan."),
];

/// By provider, or the type of a block.
const BY_PROVIDER: &[(&str, &str)] = &[
    ("acme", "A digitalocean_certificate of the type lets_encrypt is renewed by DigitalOcean itself."),
    ("cloudflare", "A zone and its records can be digitalocean_domain and digitalocean_record."),
    ("digitalocean", "This type of the official provider is not there yet: make the object by doctl, and give its id by a variable."),
    ("helm", "What runs in a cluster can be installed by `helm` after an apply."),
    ("kubectl", "What runs in a cluster can be applied by `kubectl` after an apply."),
    ("kubernetes", "What runs in a cluster can be applied by `kubectl` after an apply."),
    ("random", "Give the value by a variable."),
    ("template", "The function templatefile() renders a template."),
    ("tls", "Make the key by ssh-keygen or openssl, and give it by a variable."),
    ("vault", "Give the secret by a variable with `sensitive = true`: TF_VAR_x of the environment."),
];

/// What to write instead.
pub(super) fn instead_of(provider: &str, name: &str) -> String {
    let by_name = BY_NAME.iter().filter(|(start, _)| name.starts_with(start)).max_by_key(|(start, _)| start.len());
    let found = by_name.or_else(|| BY_PROVIDER.iter().find(|(known, _)| *known == provider));
    found.map_or("Keep it in a configuration of its own, and give values over by variables.", |(_, text)| text).to_owned()
}
