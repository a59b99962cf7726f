//! The integration tests: one binary, a module a story.

#![cfg(test)]

mod cloud;
mod contract;
mod engine;
mod harness;
mod language;
mod simulator;
mod tidy;
