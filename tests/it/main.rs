//! The integration tests: one binary, a module for each subject.
//!
//! | where | what |
//! | --- | --- |
//! | `cmd` | commands and what they say |
//! | `store` | where state is kept, and who may write it |
//! | `kinds` | the resource types, against the simulator |
//! | `data` | data sources, against the simulator |
//! | `checks` | what a configuration checks of itself |
//! | `differential` | the same files by Terraform, where it is installed |
//! | `utilities` | resources and data sources that ask no API |
//! | `cluster`, `lab` | the pair: what it is made of, and on real software |
//! | `walks` | stories that are killed, disturbed, met by others, or drawn by a seed |
//! | `seeds` | whole lives of stacks, drawn by a seed, with others in the account, in time that is stepped |
//! | `planted` | bugs that are put in on purpose, each found by a seed or a named test |
//! | `provisioners` | programs of a configuration, here and over a real sshd |
//! | `stories`, `tutorial`, `readme` | what a user does from the first command to the last |
//! | `economy` | how many requests and how much time a run takes, in time that is stepped |
//! | `together` | objects that one request makes |
//! | `simulator` | the simulator against the official document |
//! | `documents`, `tidy` | what the documents name, and the house rules |
//! | `supply` | licences, duplicates and sources of what the lock file brings in |
//! | `soak` | many applies of small changes, for what grows with them |
//! | `support` | what the tests stand on |

#![cfg(test)]

mod bad_input;
mod certificates;
mod checks;
mod clocks;
mod cluster;
mod cmd;
mod counted;
mod data;
mod differential;
mod documents;
mod earlier;
mod economy;
mod engine;
mod example;
mod fmt;
mod foreign;
mod fuzz;
mod kinds;
mod lab;
mod language;
mod later;
mod layout;
mod plan_documents;
mod plan_lines;
mod planted;
mod provisioners;
mod readme;
mod secrets;
mod seeds;
mod simulator;
mod soak;
mod store;
mod stories;
mod supply;
mod support;
mod tidy;
mod together;
mod trust;
mod trying;
mod tutorial;
mod unsupported;
mod utilities;
mod walks;
