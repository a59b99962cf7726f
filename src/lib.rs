//! dofloat.

pub mod api;
pub mod base;
pub mod cli;
pub mod engine;
pub mod kinds;
pub mod lang;
pub mod sim;
pub mod state;
pub mod ui;
