//! The integration tests: one binary, a module a story.

#![cfg(test)]

mod bad_input;
mod cloud;
mod contract;
mod engine;
mod example;
mod harness;
mod kinds;
mod language;
mod readme;
mod simulation;
mod simulator;
mod stories;
mod tidy;
mod tutorial;
