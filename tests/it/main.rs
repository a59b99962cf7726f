//! The integration tests: one binary, a module a story.

#![cfg(test)]

mod contract;
mod engine;
mod harness;
mod language;
mod tidy;
