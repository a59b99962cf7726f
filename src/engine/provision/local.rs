//! `local-exec`: a program on this machine.
//!
//! Invariant: it gets no secret of ours by the environment, and no sensitive argument on its command line.

use std::io::Write as _;
use std::path::Path;

use tokio::process::Command;

use super::settings::Settings;
use super::{Voice, finish};
use dofloat_base::child;

/// Shells, which read a script from a file as they read it after `-c`.
const SHELLS: [&str; 6] = ["sh", "bash", "dash", "zsh", "ksh", "ash"];

pub(super) async fn exec(settings: &Settings, folder: &Path, voice: &Voice) -> Result<(), String> {
    let script = settings.text("command").ok_or("`command` is empty")?;
    let interpreter = settings.texts("interpreter").filter(|words| !words.is_empty());
    let mut words = interpreter.unwrap_or_else(|| vec!["/bin/sh".to_owned(), "-c".to_owned()]);
    if settings.flag("quiet") != Some(true) && !voice.hushed {
        let shown: Vec<String> = words.iter().chain([&script]).map(|word| format!("{word:?}")).collect();
        voice.say(format!("Executing: [{}]", shown.join(" "))).await;
    }
    let mut kept = None;
    if settings.is_secret() {
        let file = hidden(&script)?;
        file_in_place(&mut words, &file.path().display().to_string())?;
        kept = Some(file);
    } else {
        words.push(script);
    }
    let mut command = Command::from(child::command(&words[0]));
    command.args(&words[1..]).current_dir(settings.text("working_dir").map_or_else(|| folder.to_owned(), |dir| folder.join(dir)));
    command.envs(settings.map("environment"));
    let ended = finish(command, b"", voice).await;
    drop(kept);
    ended
}

/// A file with a script that nobody else can read.
fn hidden(script: &str) -> Result<tempfile::NamedTempFile, String> {
    let write = || {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(script.as_bytes())?;
        Ok::<_, std::io::Error>(file)
    };
    write().map_err(|error| format!("the script could not be written to a file ({error})"))
}

/// Lets a shell read its script from a file. Who else is given a program as a word cannot be given a secret.
fn file_in_place(words: &mut Vec<String>, file: &str) -> Result<(), String> {
    let name = Path::new(&words[0]).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if SHELLS.contains(&name.as_str()) && words.last().is_some_and(|last| last == "-c") {
        words.pop();
        words.push(file.to_owned());
        return Ok(());
    }
    Err(format!(
        "a sensitive value would be on the command line of `{name}`, which everybody on this machine can read; give it by `environment` \
         and mark nothing of `command` as sensitive, or use /bin/sh"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_a_sensitive_script_from_a_file() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let mut shell = words("/bin/bash -c");
        assert_eq!(file_in_place(&mut shell, "/tmp/x"), Ok(()));
        assert_eq!(shell, words("/bin/bash /tmp/x"));
        assert!(file_in_place(&mut words("python3 -c"), "/tmp/x").is_err());
    }
}
