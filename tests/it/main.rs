//! The integration tests: one binary, a module a story.

#![cfg(test)]

mod actions;
mod bad_input;
mod bootstrap;
mod branches;
mod bucket;
mod bytes;
mod cli_help;
mod clocks;
mod cloud;
mod cluster;
mod contract;
mod crash;
mod disk;
mod earlier;
mod engine;
mod example;
mod faults;
mod fleet;
mod fuzz;
mod harness;
mod kills;
mod kinds;
mod lab;
mod language;
mod lost;
mod prompt;
mod races;
mod readme;
mod recipients;
mod running;
mod scene;
mod signals;
mod simulation;
mod simulator;
mod storage;
mod stories;
mod takeover;
mod teams;
mod tidy;
mod trust;
mod tutorial;
mod upkeep;
mod walk;
mod watcher;
