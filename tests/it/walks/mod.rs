//! Walks over whole stories that are killed, disturbed, or met by others.

mod clock_walk;
mod company;
mod crash;
mod faults;
mod kills;
mod kinds;
mod lost_actions;
mod watcher;
