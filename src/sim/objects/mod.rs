//! The objects of the account, a file each: what they hold and how they look.
//!
//! Invariant: plain data. Nothing here knows the world that holds them, nor a route.

pub(crate) mod action;
pub(crate) mod domain;
pub(crate) mod droplet;
pub(crate) mod firewall;
pub(crate) mod project;
pub(crate) mod record;
pub(crate) mod reserved_ip;
pub(crate) mod space;
pub(crate) mod ssh_key;
pub(crate) mod vpc;
