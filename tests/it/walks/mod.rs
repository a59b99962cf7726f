//! Walks over whole stories that are killed, disturbed, met by others, or drawn by a seed.

mod clock_walk;
mod company;
mod crash;
mod faults;
mod kills;
mod kinds;
mod lost_actions;
mod simulation;
mod watcher;
