//! Files that somebody names, read to their end.
//!
//! Invariant: what may have no end, or wait for ever to begin, is refused before it is opened, and nothing larger than the limit
//! is held.

use std::fs::{File, FileType, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

/// The largest file that is read, in bytes.
pub const LARGEST: u64 = 64 << 20;

/// Reads a regular file.
///
/// # Errors
/// If it is none, is larger than the limit, or whatever the system says.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let data = std::fs::metadata(path)?;
    if data.is_file() { to_end(path, &data) } else { Err(no_file(data.file_type())) }
}

/// Reads a file that a command was given. A shell's `<(command)` is a pipe that is open already, and is read too.
///
/// # Errors
/// As `read`.
pub fn read_given(path: &Path) -> io::Result<Vec<u8>> {
    let data = std::fs::metadata(path)?;
    let is_handed_down = path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd") || path == Path::new("/dev/stdin");
    if data.is_file() || is_handed_down && kind(data.file_type()) == PIPE { to_end(path, &data) } else { Err(no_file(data.file_type())) }
}

/// The same as a text.
///
/// # Errors
/// As `read`, and if it is no UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

fn to_end(path: &Path, data: &Metadata) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if data.len() <= LARGEST {
        File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    }
    if data.len() > LARGEST || bytes.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {} MiB", LARGEST >> 20)));
    }
    Ok(bytes)
}

fn no_file(of: FileType) -> io::Error {
    if of.is_dir() {
        return io::ErrorKind::IsADirectory.into();
    }
    io::Error::new(io::ErrorKind::InvalidInput, format!("it is {}, not a file", kind(of)))
}

const PIPE: &str = "a named pipe";

#[cfg(unix)]
fn kind(of: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    match () {
        () if of.is_fifo() => PIPE,
        () if of.is_socket() => "a socket",
        () if of.is_char_device() || of.is_block_device() => "a device",
        () => "something else",
    }
}

#[cfg(not(unix))]
fn kind(_: FileType) -> &'static str {
    "something else"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "what is read is nobody's state")]
    fn only_files_with_an_end_are_read() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a"), "one")?;
        assert_eq!(read(&at("a"))?, b"one");
        assert_eq!(read(folder.path()).map_err(|error| error.kind()), Err(io::ErrorKind::IsADirectory));
        File::create(at("big"))?.set_len(LARGEST + 1)?;
        assert_eq!(read(&at("big")).map_err(|error| error.to_string()), Err("it is larger than 64 MiB".to_owned()));
        let _listener = std::os::unix::net::UnixListener::bind(at("socket"))?;
        for (path, expected) in [(at("socket"), "it is a socket, not a file"), ("/dev/zero".into(), "it is a device, not a file")] {
            for read in [read, read_given] {
                assert_eq!(read(&path).map_err(|error| error.to_string()), Err(expected.to_owned()));
            }
        }
        Ok(())
    }
}
