//! The account behind a token: who it is, which addresses it holds, and the mark that is taken away last.
//!
//! Invariant: reads, and one delete of a tag that is ours. It must not know plan or state.

use serde::Deserialize;

use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_base::identity::{Id, Mark, Owner};

#[derive(Deserialize)]
struct Envelope {
    account: Account,
}

#[derive(Deserialize)]
struct Account {
    uuid: String,
    team: Option<Team>,
}

#[derive(Deserialize)]
struct Team {
    uuid: String,
}

/// A reserved address of the account.
#[derive(Deserialize)]
pub struct Reserved {
    /// The address.
    pub ip: String,
    /// The project that it lies in; who may not read projects is not told.
    #[serde(default, rename = "project_id")]
    pub project: Option<Id>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
    #[serde(default)]
    resources: Counted,
}

#[derive(Default, Deserialize)]
struct Counted {
    #[serde(default)]
    count: u64,
}

/// The scopes of reading whose token it is.
pub const SCOPES: [&str; 1] = ["account:read"];

#[derive(Deserialize)]
struct Neighbours {
    neighbor_ids: Vec<Vec<u64>>,
}

/// The sets of the account's droplets that share a physical server.
///
/// # Errors
/// A read that fails.
pub async fn neighbours(api: &Client) -> Result<Vec<Vec<Id>>, ApiError> {
    let Neighbours { neighbor_ids } = api.get("/reports/droplet_neighbors_ids", &[]).await?;
    Ok(neighbor_ids.into_iter().map(|set| set.into_iter().map(|id| Id(id.to_string())).collect()).collect())
}

/// Whose token it is. `simulated` is the caller's word: an answer does not tell.
///
/// # Errors
/// If the token is not accepted, or lacks `account:read`.
pub async fn owner(api: &Client, simulated: bool) -> Result<Owner, ApiError> {
    let Envelope { account } = api.get("/account", &[]).await?;
    Ok(Owner { account: account.uuid, team: account.team.map(|team| team.uuid), simulated })
}

/// The account's reserved addresses: what a run finds and has not made.
///
/// # Errors
/// A read that fails.
pub async fn addresses(api: &Client) -> Result<Vec<Reserved>, ApiError> {
    api.list("/reserved_ips", &[], "reserved_ips").await
}

/// A tag, and how many objects carry it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// The tag.
    pub name: String,
    /// How many objects carry it.
    pub carriers: u64,
}

/// The account's tags.
///
/// # Errors
/// A read that fails.
pub async fn tags(api: &Client) -> Result<Vec<Tagged>, ApiError> {
    let found: Vec<Tag> = api.list("/tags", &[], "tags").await?;
    Ok(found.into_iter().map(|tag| Tagged { name: tag.name, carriers: tag.resources.count }).collect())
}

/// Takes the stack's tag away, when nothing carries it any more.
///
/// # Errors
/// If the API refuses.
pub async fn delete_mark(api: &Client, mark: &Mark) -> Result<(), ApiError> {
    api.delete(&format!("/tags/{}", segment(&mark.0)), &[]).await
}

/// The identity of a reserved address, as records name it.
#[must_use]
pub fn address_id(ip: &str) -> Id {
    Id(ip.to_owned())
}

/// The name under which two spellings of one kind are the same: what a `floating_ip` claims, a `reserved_ip` cannot take.
#[must_use]
pub fn family(kind: &str) -> String {
    kind.replace("floating_ip", "reserved_ip")
}

/// Whether two kinds are the two spellings of one.
#[must_use]
pub fn is_renamed(one: &str, other: &str) -> bool {
    one != other && family(one) == family(other)
}

/// The kind whose objects carry neither tag nor name.
pub const UNNAMED: &str = "digitalocean_reserved_ip";
