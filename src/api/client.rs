//! The client.

/// The client of one account.
#[derive(Clone, Debug)]
pub struct Client;
