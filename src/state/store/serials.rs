//! The highest serial of each lineage that this clone has seen, by which it knows a state as an older one, wherever that came from.
//!
//! Invariant: what is noted never falls, but where a lineage begins anew. Who loses the file loses nothing but this knowledge, so
//! nothing fails because of it.

use std::collections::BTreeMap;
use std::path::Path;

use dofloat_base::durable::{make_folder, write_atomic};

type Serials = BTreeMap<String, u64>;

/// The highest serial that was seen; none if the lineage is not known.
pub(super) fn highest(path: &Path, lineage: &str) -> Option<u64> {
    read(path).remove(lineage)
}

/// Notes a serial that was seen.
pub(super) fn note(path: &Path, lineage: &str, serial: u64) {
    let mut all = read(path);
    if all.get(lineage).is_none_or(|known| *known < serial) && serial > 0 {
        all.insert(lineage.to_owned(), serial);
        write(path, &all);
    }
}

/// Forgets a lineage, of which a first state is written.
pub(super) fn begin(path: &Path, lineage: &str) {
    let mut all = read(path);
    if all.remove(lineage).is_some() {
        write(path, &all);
    }
}

fn read(path: &Path) -> Serials {
    std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

fn write(path: &Path, all: &Serials) {
    let folder = path.parent().unwrap_or(Path::new(""));
    let _ = make_folder(folder).and_then(|()| write_atomic(path, &serde_json::to_vec(all).unwrap_or_default(), 0o644));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_never_falls() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".dofloat/web.serials");
        assert_eq!(highest(&path, "a"), None);
        for (lineage, serial) in [("a", 3), ("b", 1), ("a", 2), ("b", 0)] {
            note(&path, lineage, serial);
        }
        assert_eq!((highest(&path, "a"), highest(&path, "b")), (Some(3), Some(1)));
        begin(&path, "a");
        assert_eq!((highest(&path, "a"), highest(&path, "b")), (None, Some(1)));
        write_atomic(&path, b"{\"a\": 3", 0o644).unwrap();
        assert_eq!(highest(&path, "a"), None);
    }
}
