//! Commands and what they say: help, questions, signals, what is taken over, moved, forgotten and adopted.

mod adopt;
mod cli_help;
mod prompt;
mod recipients;
mod signals;
mod takeover;
mod upkeep;
