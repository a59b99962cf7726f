//! Where state is kept: files, a git branch, a bucket; locks, losses, full disks, and the merge of branches.

mod branches;
mod bucket;
mod bytes;
mod disk;
mod lost;
mod older;
mod races;
mod teams;
