//! The integration tests: one binary, a module a story.

#![cfg(test)]

mod bad_input;
mod bootstrap;
mod bytes;
mod cli_help;
mod cloud;
mod contract;
mod crash;
mod disk;
mod engine;
mod example;
mod faults;
mod fleet;
mod harness;
mod kills;
mod kinds;
mod lab;
mod language;
mod lost;
mod prompt;
mod races;
mod readme;
mod running;
mod scene;
mod signals;
mod simulation;
mod simulator;
mod stories;
mod takeover;
mod tidy;
mod tutorial;
mod upkeep;
mod watcher;
