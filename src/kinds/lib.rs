//! The resource types: one file each, and the table of all.
//!
//! Invariant: a kind says what an object is and how the API changes it; it never decides whether to.
//! It must not know plan, state or configuration.

pub mod account;
mod app;
pub mod attr;
mod cdn;
mod certificate;
mod compare;
mod complaints;
mod custom_image;
pub mod data;
mod database;
mod domain;
mod droplet;
pub mod erased;
pub mod examples;
mod firewall;
#[cfg(test)]
mod fixtures;
mod form;
mod job;
mod kept;
mod kubernetes;
mod loadbalancer;
mod local;
mod logsink;
mod monitor_alert;
mod nat_gateway;
mod operation;
mod partner_attachment;
mod plain;
pub mod power;
pub mod price;
pub mod project;
mod project_kind;
mod record;
mod registry;
mod reserved_ip;
mod reserved_ip_assignment;
mod reserved_ipv6;
pub mod scopes;
mod snapshot;
mod spaces;
mod ssh_key;
mod tag;
mod tagging;
mod terraform_data;
mod uptime;
pub mod valid;
mod volume;
mod volume_attachment;
mod vpc;
mod vpc_peering;
mod wire;
mod zone;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use attr::{Attr, EditName};
use complaints::Complaints;
use erased::{AnyKind, Certainty, Complaint, Erase, Job, Places, Scopes};
use reserved_ip::{Floating, Reserved};

use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_api::wait::Poll;
use dofloat_base::address::Address;
use dofloat_base::identity::{Id, Mark, Ours};
use dofloat_base::types::{Schemas, Type};
use dofloat_base::value::{Body, Term, Value};

/// The resource types that ask no API, by name.
pub use local::KINDS as LOCAL;
pub use local::name_in_vault;

/// Every resource type of the API, by name, and the one that Terraform itself has.
pub static KINDS: &[&dyn AnyKind] = &[
    &app::APP,
    &cdn::CDN,
    &certificate::CERTIFICATE,
    &registry::REGISTRY,
    &registry::CREDENTIALS,
    &custom_image::CUSTOM_IMAGE,
    &database::CLUSTER,
    &database::POOL,
    &database::DB,
    &database::FIREWALL,
    &logsink::OPENSEARCH,
    &logsink::RSYSLOG,
    &database::REPLICA,
    &database::USER,
    &Erase::<domain::Domain>::new(),
    &Erase::<droplet::Droplet>::new(),
    &snapshot::OF_DROPLET,
    &Erase::<firewall::Firewall>::new(),
    &Erase::<reserved_ip::ReservedIp<Floating>>::new(),
    &Erase::<reserved_ip_assignment::Assignment<Floating>>::new(),
    &kubernetes::CLUSTER,
    &kubernetes::POOL,
    &loadbalancer::LOADBALANCER,
    &monitor_alert::ALERT,
    &partner_attachment::ATTACHMENT,
    &project_kind::PROJECT,
    &project_kind::RESOURCES,
    &Erase::<record::Record>::new(),
    &Erase::<reserved_ip::ReservedIp<Reserved>>::new(),
    &Erase::<reserved_ip_assignment::Assignment<Reserved>>::new(),
    &reserved_ipv6::RESERVED_IPV6,
    &reserved_ipv6::ASSIGNMENT,
    &Erase::<spaces::Bucket>::new(),
    &Erase::<spaces::Attached<spaces::CorsConfiguration>>::new(),
    &Erase::<spaces::Attached<spaces::AccessLog>>::new(),
    &Erase::<spaces::Object>::new(),
    &Erase::<spaces::Attached<spaces::Policy>>::new(),
    &spaces::KEY,
    &Erase::<ssh_key::SshKey>::new(),
    &Erase::<tag::Tag>::new(),
    &uptime::ALERT,
    &uptime::CHECK,
    &volume::VOLUME,
    &Erase::<volume_attachment::Attachment>::new(),
    &snapshot::OF_VOLUME,
    &Erase::<vpc::Vpc>::new(),
    &nat_gateway::GATEWAY,
    &vpc_peering::PEERING,
    &Erase::<terraform_data::TerraformData>::new(),
];

/// The kind of that name.
#[must_use]
pub fn kind(name: &str) -> Option<&'static dyn AnyKind> {
    KINDS.iter().chain(LOCAL).copied().find(|kind| kind.name() == name)
}

/// The attribute tables, as the language may know them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tables;

impl Schemas for Tables {
    fn resource(&self, name: &str) -> Option<Type> {
        match name.strip_prefix("data.") {
            Some(source) => data::source(source).map(|source| attr::object_type(source.rows())),
            None => kind(name).map(|kind| attr::object_type(kind.attrs())),
        }
    }

    fn resource_names(&self) -> Vec<String> {
        let mut names: Vec<String> = KINDS.iter().chain(LOCAL).map(|kind| kind.name().to_owned()).collect();
        names.sort();
        names
    }

    fn data_names(&self) -> Vec<String> {
        data::sources().chain(data::locals()).map(|source| Address::data_kind(source.name)).collect()
    }

    fn is_renamed(&self, one: &str, other: &str) -> bool {
        account::is_renamed(one, other)
    }
}

/// An object that was just made.
pub(crate) struct NewObject<L> {
    /// Its identity.
    pub(crate) id: Id,
    /// Its attributes, where it is usable at once.
    pub(crate) live: Option<L>,
}

/// An object that may be the one that was looked for.
pub(crate) struct Candidate<L> {
    /// Its identity.
    pub(crate) id: Id,
    /// Its attributes.
    pub(crate) live: L,
    /// How sure it is that it is the one.
    pub(crate) certainty: Certainty,
}

/// A typed kind, one for each file: `Erase` makes an `AnyKind` of it, and says there what each function is for.
pub(crate) trait Kind: Send + Sync + 'static {
    /// The resource type.
    const NAME: &'static str;
    /// The attribute table.
    const ATTRS: &'static [Attr];
    /// The scopes.
    const SCOPES: Scopes;
    /// Whether an object can carry the stack's mark.
    const MARKABLE: bool = false;
    /// Whether an object costs money.
    const BILLED: bool = false;
    /// Whether several that differ by name alone are made by one request.
    const BULK_CREATE: bool = false;
    /// Whether its identity is drawn by DigitalOcean for all accounts together, and not a name that each account may give.
    const GLOBALLY_UNIQUE: bool = false;
    /// Whether an object can lie in the stack's project and be known by that.
    const MARKED_BY_PROJECT: bool = false;
    /// The attributes that no two objects share: what is made with those of one that is there is that one, or is refused beside it.
    const UNIQUE_KEY: &'static [&'static str] = &[];
    /// Whether one object may stand at several addresses: to make one that is there is no error, and gives that one.
    const SHARED: bool = false;
    /// Among what they are not shared.
    const UNIQUE_AMONG: &'static str = Self::NAME;
    /// The desired attributes. No `Debug`: they may hold secrets.
    type Spec: DeserializeOwned + Send + Sync;
    /// The present attributes. They are serialised under the table's names; other fields are dropped, nulls too.
    type Live: Serialize + Send;

    fn check(_body: &Term, _complaints: &mut Complaints) {}

    fn preflight(_api: &Client, _jobs: &[Job]) -> impl Future<Output = Result<Vec<Complaint>, ApiError>> + Send {
        async { Ok(Vec::new()) }
    }

    fn create(api: &Client, spec: &Self::Spec, ours: Ours<'_>) -> impl Future<Output = Result<NewObject<Self::Live>, ApiError>> + Send;

    /// Only called where `create` gave no `live`, or for an object that an interrupted run made: it may not be visible yet.
    fn wait_ready(api: &Client, id: &Id, _wanted: &Term) -> impl Future<Output = Result<Self::Live, ApiError>> + Send {
        async move {
            let poll = || async { Ok(Self::read(api, id).await?.map_or_else(|| Poll::Pending(NOT_YET.to_owned()), Poll::Ready)) };
            api.wait_saying(&format!("{} {id} to be there", Self::NAME), UNSEEN_LIMIT, poll).await
        }
    }

    /// Whether an object that was never usable never will be, since the API gave up making it.
    fn creation_failed(_api: &Client, _id: &Id, _seen: &Body) -> impl Future<Output = Result<bool, ApiError>> + Send {
        async { Ok(false) }
    }

    /// Reads in bulk. May give objects that nobody asked for, and may miss some: those are looked at one by one.
    fn bulk(_api: &Client, _ids: &[Id], _ours: Ours<'_>) -> impl Future<Output = Result<Vec<(Id, Self::Live)>, ApiError>> + Send {
        async { Ok(Vec::new()) }
    }

    /// Of every object of the account, from the list that `preflight` asks for.
    fn tags(_api: &Client) -> impl Future<Output = Result<Vec<String>, ApiError>> + Send {
        async { Ok(Vec::new()) }
    }

    fn read(api: &Client, id: &Id) -> impl Future<Output = Result<Option<Self::Live>, ApiError>> + Send;

    fn edit(_api: &Client, id: &Id, edit: EditName, _spec: &Self::Spec, _seen: &Body) -> impl Future<Output = Result<(), ApiError>> + Send {
        async move { Err(no_edit(Self::NAME, id, edit)) }
    }

    fn delete(api: &Client, id: &Id, seen: &Body) -> impl Future<Output = Result<(), ApiError>> + Send;

    fn find(api: &Client, body: &Body, ours: Ours<'_>) -> impl Future<Output = Result<Vec<Candidate<Self::Live>>, ApiError>> + Send;

    fn claim(_api: &Client, _id: &Id, _from: &[Mark], _ours: Ours<'_>) -> impl Future<Output = Result<(), ApiError>> + Send {
        async { Ok(()) }
    }

    fn release(_api: &Client, _id: &Id, _ours: Ours<'_>) -> impl Future<Output = Result<(), ApiError>> + Send {
        async { Ok(()) }
    }

    fn joins_project(_body: &Term) -> bool {
        false
    }

    /// The stacks' marks that it carries.
    fn marks(_live: &Self::Live) -> Vec<Mark> {
        Vec::new()
    }

    /// The project that it lies in.
    fn project(_live: &Self::Live) -> Option<&str> {
        None
    }

    fn before_delete(_api: &Client, _id: &Id, _seen: &Body, _ours: &[Id]) -> impl Future<Output = Result<Vec<Complaint>, ApiError>> + Send {
        async { Ok(Vec::new()) }
    }

    fn note(_seen: &Body) -> Option<String> {
        None
    }

    /// Whether what was read of a new object is all that there will be.
    fn is_up(_seen: &Body) -> bool {
        true
    }

    /// Whether the API is at work on it.
    fn is_busy(_api: &Client, _id: &Id) -> impl Future<Output = Result<bool, ApiError>> + Send {
        async { Ok(false) }
    }

    /// Whether it is switched on, for what can be switched off.
    fn powered(_seen: &Body) -> Option<bool> {
        None
    }

    fn derived(_body: &Term) -> BTreeMap<String, Term> {
        BTreeMap::new()
    }

    fn identity(body: &Body) -> Option<Id> {
        body.get("id")?.as_str().map(|id| Id(id.to_owned()))
    }

    fn lookup(_api: &Client, _names: &[String]) -> impl Future<Output = Result<Option<Places>, ApiError>> + Send {
        async { Ok(None) }
    }

    fn missing(name: &str) -> (String, String) {
        (format!("The account has no {} `{name}`.", Self::NAME), String::new())
    }

    fn renamed(body: Body) -> Body {
        body
    }

    fn data_loss(_seen: &Body) -> Option<String> {
        None
    }
}

/// The key that these attributes are, where all are known and open, in the form by which they are compared.
fn unique_key(among: &str, rows: &[Attr], names: &[&str], body: &Term) -> Option<String> {
    let known = |name: &str| body.get(name).value().filter(|value| **value != Value::Null).cloned();
    let others: Body = rows.iter().filter_map(|row| Some((row.name.to_owned(), known(row.name)?))).collect();
    let part = |name: &&str| {
        if let Some((block, name)) = name.split_once('.') {
            let first = body.get(block).items()?.into_iter().next()?;
            return Some(first.get(name).value().filter(|value| **value != Value::Null)?.to_json().to_string());
        }
        let row = rows.iter().find(|row| row.name == *name)?;
        Some(row.normal(&known(name)?, &others).to_json().to_string())
    };
    let parts: Vec<String> = names.iter().map(part).collect::<Option<_>>()?;
    Some(format!("{among} {}", parts.join(" "))).filter(|_| !parts.is_empty())
}

/// How long a new object may be unknown to its own address.
const UNSEEN_LIMIT: Duration = Duration::from_secs(60);
/// The reason that is told until then.
const NOT_YET: &str = "the API does not know it yet";

/// An edit that the table does not name: a mistake of ours, told instead of done.
fn no_edit(kind: &str, id: &Id, edit: EditName) -> ApiError {
    ApiError::Unsettled { what: format!("{kind} {id} has no edit `{edit}`") }
}

/// `None` for an object that is not there.
fn if_there<T>(result: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::attr::{Change, Echo, Presence, Reads, Ty};
    use super::*;
    use dofloat_base::value::Value;

    #[test]
    fn kinds_are_sorted_and_found_by_name() {
        let names = Tables.resource_names();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
        assert!(names.iter().all(|name| kind(name).is_some_and(|kind| kind.name() == name)));
        assert!(kind("digitalocean_nothing").is_none());
    }

    #[test]
    fn every_kind_has_an_identity_and_sound_rows() {
        for kind in KINDS.iter().chain(LOCAL) {
            let name = kind.name();
            assert!(kind.attrs().iter().any(|row| row.name == "id" && row.presence == Presence::Computed), "{name}");
            check_rows(name, kind.attrs(), true);
        }
    }

    /// `readable`: whether the API gives back what these rows are part of.
    fn check_rows(whose: &str, rows: &[Attr], readable: bool) {
        for (at, row) in rows.iter().enumerate() {
            let name = row.name;
            assert!(!rows[..at].iter().any(|other| other.name == name), "{whose}.{name} stands twice");
            assert!(row.doc.ends_with('.'), "{whose}.{name}: {}", row.doc);
            assert_eq!(row.settable(), row.change != Change::Never || row.presence == Presence::OptionalComputed, "{whose}.{name}");
            assert!(row.default.is_none() || row.presence == Presence::Optional, "{whose}.{name}");
            if let Ty::List(Ty::Object(inner)) | Ty::Set(Ty::Object(inner)) = row.ty {
                assert!(row.block || !row.settable(), "{whose}.{name}");
                check_rows(&format!("{whose}.{name}"), inner, row.reads != Reads::WriteOnly);
            }
            assert!(row.read_scopes.is_empty() || row.reads != Reads::WriteOnly, "{whose}.{name}");
            // What stands for an attribute that is not written must be as good as none.
            let unset = row.normal(&row.unset(), &Body::new());
            let none = [Value::Null, "".into(), Value::List(vec![])].contains(&unset);
            assert!(none || !readable, "{whose}.{name} is {unset:?} if it is not written");
            // What is never compared may be anything once it is there.
            let uncompared = row.normal(&true.into(), &Body::new()) == Value::Null;
            assert!(!uncompared || !row.settable() || matches!(row.echo, Echo::Unforeseen), "{whose}.{name}");
        }
    }

    #[test]
    fn a_name_is_unique_in_its_account_only() {
        let unique: Vec<&str> = KINDS.iter().filter(|kind| kind.globally_unique()).map(|kind| kind.name()).collect();
        let expected = [
            "digitalocean_app",
            "digitalocean_cdn",
            "digitalocean_custom_image",
            "digitalocean_database_cluster",
            "digitalocean_database_firewall",
            "digitalocean_database_logsink_opensearch",
            "digitalocean_database_logsink_rsyslog",
            "digitalocean_droplet",
            "digitalocean_droplet_snapshot",
            "digitalocean_firewall",
            "digitalocean_floating_ip",
            "digitalocean_kubernetes_cluster",
            "digitalocean_kubernetes_node_pool",
            "digitalocean_loadbalancer",
            "digitalocean_monitor_alert",
            "digitalocean_partner_attachment",
            "digitalocean_project",
            "digitalocean_project_resources",
            "digitalocean_reserved_ip",
            "digitalocean_reserved_ipv6",
            "digitalocean_reserved_ipv6_assignment",
            "digitalocean_spaces_key",
            "digitalocean_ssh_key",
            "digitalocean_uptime_alert",
            "digitalocean_uptime_check",
            "digitalocean_volume",
            "digitalocean_volume_snapshot",
            "digitalocean_vpc",
            "digitalocean_vpc_nat_gateway",
            "digitalocean_vpc_peering",
        ];
        assert_eq!(unique, expected);
    }

    #[test]
    fn what_is_billed_costs() {
        let billed: Vec<&str> = KINDS.iter().filter(|kind| kind.billed()).map(|kind| kind.name()).collect();
        let expected = [
            "digitalocean_app",
            "digitalocean_container_registry",
            "digitalocean_custom_image",
            "digitalocean_database_cluster",
            "digitalocean_database_replica",
            "digitalocean_droplet",
            "digitalocean_droplet_snapshot",
            "digitalocean_floating_ip",
            "digitalocean_kubernetes_cluster",
            "digitalocean_kubernetes_node_pool",
            "digitalocean_loadbalancer",
            "digitalocean_partner_attachment",
            "digitalocean_reserved_ip",
            "digitalocean_volume",
            "digitalocean_volume_snapshot",
            "digitalocean_vpc_nat_gateway",
        ];
        assert_eq!(billed, expected);
    }

    /// The sample is what the official provider keeps: our tables have the same attributes with fitting types.
    #[test]
    fn the_tables_have_the_attributes_of_the_official_provider() {
        let Some(data) = option_env_data() else { return };
        let text = std::fs::read_to_string(format!("{data}/conformance/tfstate/tutorial/terraform.tfstate")).unwrap();
        let state: serde_json::Value = serde_json::from_str(&text).unwrap();
        for resource in state["resources"].as_array().unwrap() {
            let kind = kind(resource["type"].as_str().unwrap()).unwrap();
            for instance in resource["instances"].as_array().unwrap() {
                for (name, value) in instance["attributes"].as_object().unwrap() {
                    let row = kind.attrs().iter().find(|row| row.name == name);
                    let row = row.unwrap_or_else(|| panic!("{} lacks {name}", kind.name()));
                    let fits = match (row.ty, value) {
                        (_, serde_json::Value::Null) | (Ty::Any, _) => true,
                        (Ty::Bool, value) => value.is_boolean(),
                        (Ty::Number, value) => value.is_number(),
                        (Ty::String, value) => value.is_string(),
                        (Ty::List(_) | Ty::Set(_), value) => value.is_array(),
                        (Ty::Map(_) | Ty::Object(_), value) => value.is_object(),
                    };
                    assert!(fits, "{}.{name} = {value}", kind.name());
                }
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a test finds its data by the environment")]
    fn option_env_data() -> Option<String> {
        let data = std::env::var("DOFLOAT_TEST_DATA").ok();
        if data.is_none() {
            assert!(std::env::var("CI").is_err(), "DOFLOAT_TEST_DATA must be set under CI");
            println!("skipped: DOFLOAT_TEST_DATA is not set");
        }
        data
    }
}
