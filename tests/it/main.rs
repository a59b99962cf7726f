//! The integration tests: one binary, a module a story.

#![cfg(test)]

mod bad_input;
mod cli_help;
mod cloud;
mod contract;
mod engine;
mod example;
mod harness;
mod kinds;
mod language;
mod prompt;
mod readme;
mod simulator;
mod stories;
mod tidy;
mod tutorial;
