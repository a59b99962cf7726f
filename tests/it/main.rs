//! The integration tests: one binary, a module a story.

#![cfg(test)]

mod bad_input;
mod bootstrap;
mod cli_help;
mod cloud;
mod contract;
mod crash;
mod engine;
mod example;
mod faults;
mod harness;
mod kinds;
mod lab;
mod language;
mod lost;
mod prompt;
mod readme;
mod scene;
mod simulation;
mod simulator;
mod stories;
mod tidy;
mod tutorial;
