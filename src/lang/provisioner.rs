//! A provisioner as it is declared, and the arguments that there are.
//!
//! Invariant: tables only; what the arguments do is the engine's.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::ast::Body;
use dofloat_base::diag::Span;
use dofloat_base::provision::When;
use dofloat_base::types::Type;

/// A `provisioner` block.
#[derive(Debug)]
pub(crate) struct Provisioner {
    /// The block's header.
    pub span: Span,
    /// Which: `remote-exec`, `file`, `local-exec`.
    pub kind: String,
    /// `when`.
    pub when: When,
    /// `on_failure = continue`.
    pub goes_on: bool,
    /// Its own arguments.
    pub settings: Body,
    /// Its connection: the resource's, with what its own block says in place of that.
    pub connection: Body,
}

/// The names and types of arguments.
type Types = BTreeMap<String, Type>;

/// The arguments of a provisioner; nothing if there is none of that name.
#[must_use]
pub(crate) fn settings(kind: &str) -> Option<&'static Types> {
    static KINDS: LazyLock<BTreeMap<&str, Types>> = LazyLock::new(|| {
        let texts = || Type::List(Box::new(Type::String));
        let table = |rows: Vec<(&str, Type)>| rows.into_iter().map(|(name, ty)| (name.to_owned(), ty)).collect();
        BTreeMap::from([
            ("file", table(vec![("source", Type::String), ("content", Type::String), ("destination", Type::String)])),
            ("remote-exec", table(vec![("inline", texts()), ("script", Type::String), ("scripts", texts())])),
            (
                "local-exec",
                table(vec![
                    ("command", Type::String),
                    ("interpreter", texts()),
                    ("working_dir", Type::String),
                    ("environment", Type::Map(Box::new(Type::String))),
                    ("quiet", Type::Bool),
                ]),
            ),
        ])
    });
    KINDS.get(kind)
}

/// The arguments of a connection.
#[must_use]
pub(crate) fn connection() -> &'static Types {
    static TYPES: LazyLock<Types> = LazyLock::new(|| {
        let texts = [
            "type",
            "user",
            "password",
            "host",
            "timeout",
            "script_path",
            "private_key",
            "certificate",
            "agent_identity",
            "host_key",
            "target_platform",
            "cacert",
            "bastion_host",
            "bastion_host_key",
            "bastion_user",
            "bastion_password",
            "bastion_private_key",
            "bastion_certificate",
            "proxy_scheme",
            "proxy_host",
            "proxy_user_name",
            "proxy_user_password",
        ];
        let numbers = ["port", "bastion_port", "proxy_port"];
        let flags = ["agent", "https", "insecure", "use_ntlm"];
        let all = |names: &[&str], ty: Type| names.iter().map(|name| ((*name).to_owned(), ty.clone())).collect::<Vec<_>>();
        [all(&texts, Type::String), all(&numbers, Type::Number), all(&flags, Type::Bool)].into_iter().flatten().collect()
    });
    &TYPES
}
