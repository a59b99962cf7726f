//! Commands and what they say: help, questions, signals, what is taken over, moved, forgotten and adopted.

mod adopt;
mod help;
mod import;
mod modules;
mod prompt;
mod recipients;
mod signals;
mod state;
