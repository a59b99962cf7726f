//! The integration tests: one binary, a module a story.

#![cfg(test)]

mod cloud;
mod contract;
mod harness;
mod simulator;
mod tidy;
