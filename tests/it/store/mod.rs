//! Where state is kept: files, a git branch, a bucket; locks, losses, full disks, and the merge of branches.

mod bytes;
mod disk;
mod git;
pub(crate) mod guards;
mod locks;
mod lost;
mod merge;
mod older;
mod partial;
mod s3;
