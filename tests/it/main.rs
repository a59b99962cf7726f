//! The integration tests: one binary, a module a story.

#![cfg(test)]

mod contract;
mod harness;
mod kinds;
mod tidy;
