//! Archives: `.zip`, `.tar`, `.tar.gz`, `.tgz`.
//!
//! Invariant: nothing is unpacked to the disk, and what an archive claims of its size is not believed: it is counted.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use crate::tree::{MOST_BYTES, MOST_FILES, Packed, Tree};

/// A form of archives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Zip,
    Tar,
    TarGz,
}

impl Form {
    /// The form that a name's ending, or `?archive=`, tells.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let ends = |ending: &str| name == ending || name.ends_with(&format!(".{ending}"));
        match () {
            () if ends("zip") => Some(Self::Zip),
            () if ends("tar.gz") || ends("tgz") => Some(Self::TarGz),
            () if ends("tar") => Some(Self::Tar),
            () => None,
        }
    }
}

/// The files of an archive, by their paths; nothing if the name's ending tells no form.
#[must_use]
pub fn files(name: &str, bytes: &[u8]) -> Option<Result<BTreeMap<String, Vec<u8>>, String>> {
    Some(unpack(Form::of(name)?, bytes).map(|tree| tree.0))
}

/// The files of an archive.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub(crate) fn unpack(form: Form, bytes: &[u8]) -> Result<Tree, String> {
    let packed = match form {
        Form::Zip => zipped(bytes),
        Form::Tar => tarred(bytes),
        Form::TarGz => tarred(flate2::read::MultiGzDecoder::new(bytes)),
    };
    Tree::unpack(packed?)
}

/// What was read so far, and how much of it.
#[derive(Default)]
struct Reading {
    found: BTreeMap<String, Packed>,
    bytes: usize,
}

impl Reading {
    fn add(&mut self, path: String, what: Packed) -> Result<(), String> {
        if self.found.insert(path.clone(), what).is_some() {
            return Err(format!("two files with the name {path:?}"));
        }
        if self.found.len() > MOST_FILES { Err(format!("more than {MOST_FILES} files")) } else { Ok(()) }
    }

    fn content(&mut self, from: &mut dyn Read) -> Result<Vec<u8>, String> {
        let mut content = Vec::new();
        let most = (MOST_BYTES - self.bytes) as u64;
        from.take(most + 1).read_to_end(&mut content).map_err(|error| format!("what cannot be unpacked: {error}"))?;
        if content.len() as u64 > most {
            return Err(format!("more than {} MiB", MOST_BYTES >> 20));
        }
        self.bytes += content.len();
        Ok(content)
    }
}

/// A path as archives have it, without `./` before it and `/` behind it.
fn plain(path: &str) -> String {
    path.strip_prefix("./").unwrap_or(path).trim_end_matches('/').to_owned()
}

fn text(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| "a file whose name is not UTF-8".to_owned())
}

fn tarred(bytes: impl Read) -> Result<BTreeMap<String, Packed>, String> {
    let damaged = |error: std::io::Error| format!("what cannot be unpacked: {error}");
    // Headers and folders count as well: an archive of nothing else must end too.
    let mut archive = tar::Archive::new(bytes.take((MOST_BYTES + MOST_FILES * 4096) as u64));
    let mut reading = Reading::default();
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let path = plain(&text(&entry.path_bytes())?);
        let kind = entry.header().entry_type();
        if kind.is_symlink() || kind.is_hard_link() {
            let target = text(&entry.link_name_bytes().unwrap_or_default())?;
            // A hard link is named from the top of the archive.
            let up = "../".repeat(if kind.is_hard_link() { path.matches('/').count() } else { 0 });
            let target = if target.starts_with('/') { target } else { format!("{up}{target}") };
            reading.add(path, Packed::Link(target))?;
        } else if kind.is_file() {
            let content = reading.content(&mut entry)?;
            reading.add(path, Packed::File(content))?;
        } else if !kind.is_dir() && !kind.is_pax_global_extensions() {
            return Err(format!("{path:?}, which is neither a file nor a folder"));
        }
    }
    Ok(reading.found)
}

fn zipped(bytes: &[u8]) -> Result<BTreeMap<String, Packed>, String> {
    let damaged = |error: zip::result::ZipError| format!("what cannot be unpacked: {error}");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    let mut reading = Reading::default();
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).map_err(damaged)?;
        let path = plain(&text(entry.name_raw())?);
        let (is_folder, is_link) = (entry.is_dir(), entry.is_symlink());
        if is_folder {
            continue;
        }
        let content = reading.content(&mut entry)?;
        let what = if is_link { Packed::Link(text(&content)?) } else { Packed::File(content) };
        reading.add(path, what)?;
    }
    Ok(reading.found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn tar(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, kind, content) in entries {
            let mut header = tar::Header::new_old();
            // Past what the library would refuse to write.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o644);
            let is_link = matches!(kind, tar::EntryType::Symlink | tar::EntryType::Link);
            if is_link {
                header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
            }
            let content = if is_link { "" } else { content };
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, content.as_bytes()).expect("it is written");
        }
        builder.into_inner().expect("it is written")
    }

    fn zip(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (path, content) in entries {
            writer.start_file(*path, zip::write::SimpleFileOptions::default()).expect("it begins");
            writer.write_all(content.as_bytes()).expect("it is written");
        }
        writer.finish().expect("it is written").into_inner()
    }

    #[test]
    fn forms_are_known_by_their_endings() {
        for (name, form) in [
            ("a.zip", Some(Form::Zip)),
            ("a.TAR.GZ", Some(Form::TarGz)),
            ("tgz", Some(Form::TarGz)),
            ("a.tar", Some(Form::Tar)),
            ("a.gz", None),
            ("azip", None),
        ] {
            assert_eq!(Form::of(name), form, "{name}");
        }
    }

    #[test]
    fn files_come_out_as_they_went_in() {
        let plain = tar(&[
            ("./m/", tar::EntryType::Directory, ""),
            ("m/main.tf", tar::EntryType::Regular, "x"),
            ("m/l.tf", tar::EntryType::Symlink, "main.tf"),
            ("m/h.tf", tar::EntryType::Link, "m/main.tf"),
        ]);
        let tree = unpack(Form::Tar, &plain).expect("it is read");
        assert_eq!(tree.0.keys().collect::<Vec<_>>(), ["m/h.tf", "m/l.tf", "m/main.tf"]);
        assert!(tree.0.values().all(|content| content == b"x"));
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(&plain).expect("it is written");
        assert_eq!(unpack(Form::TarGz, &gz.finish().expect("it is written")), Ok(tree));
        assert_eq!(unpack(Form::Zip, &zip(&[("m/main.tf", "x")])).map(|tree| tree.0.len()), Ok(1));
    }

    #[test]
    fn hostile_archives_are_refused() {
        use tar::EntryType as Kind;
        for entry in [
            ("../x", Kind::Regular, ""),
            ("a/../../x", Kind::Regular, ""),
            ("/etc/x", Kind::Regular, ""),
            (".git/hooks/x", Kind::Regular, ""),
            ("a", Kind::Symlink, "/etc/passwd"),
            ("a", Kind::Symlink, "../x"),
            ("a", Kind::Link, "../x"),
            ("a", Kind::Link, "/etc/passwd"),
            ("a", Kind::Fifo, ""),
            ("a", Kind::Char, ""),
        ] {
            assert!(unpack(Form::Tar, &tar(&[entry])).is_err(), "{entry:?}");
        }
        let twice = tar(&[("a", Kind::Regular, "1"), ("a", Kind::Regular, "2")]);
        assert!(unpack(Form::Tar, &twice).is_err());
        for path in ["../x", "/etc/x", "a\\..\\x", "C:/../x/../.."] {
            assert!(unpack(Form::Zip, &zip(&[(path, "")])).is_err(), "{path}");
        }
        for form in [Form::Zip, Form::Tar, Form::TarGz] {
            assert!(unpack(form, b"no archive at all, however one looks at it").is_err(), "{form:?}");
        }
    }

    #[test]
    fn a_bomb_ends_where_it_is_too_large() {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut header = tar::Header::new_gnu();
        header.set_path("a").expect("a name");
        header.set_size(MOST_BYTES as u64 + 512);
        header.set_cksum();
        gz.write_all(header.as_bytes()).expect("it is written");
        let zeros = vec![0; 1 << 20];
        (0..(MOST_BYTES >> 20) + 1).for_each(|_| gz.write_all(&zeros).expect("it is written"));
        let error = unpack(Form::TarGz, &gz.finish().expect("it is written")).expect_err("too large");
        assert!(error.contains("more than 100 MiB"), "{error}");
    }
}
