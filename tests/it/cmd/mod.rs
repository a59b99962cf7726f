//! Commands and what they say: help, questions, signals, what is taken over, moved, forgotten and adopted.

mod adopt;
mod doctor;
mod fetched;
mod graph;
mod help;
mod import;
mod kinds;
mod marks;
mod modules;
mod pages;
mod parts;
mod prompt;
mod providers;
mod recipients;
mod signals;
mod starter;
mod state;
