//! `remote-exec` and `file`: a script on the server, a file to it.
//!
//! Invariant: what is run or written goes over by standard input or by `scp`, never on a command line.

use std::path::{Path, PathBuf};

use super::link::{Link, quoted};
use super::settings::Settings;
use super::{Voice, finish};

/// Runs scripts on the server, one after another.
pub(super) async fn exec(settings: &Settings, connection: &Settings, link: &Link, folder: &Path, voice: &Voice) -> Result<(), String> {
    for (at, script) in scripts(settings, folder)?.iter().enumerate() {
        let path = match connection.text("script_path") {
            Some(path) => path.replace("%RAND%", &link.token),
            None => format!("/tmp/dofloat_{}_{at}.sh", link.token),
        };
        let path = quoted(&path);
        finish(link.ssh(&format!("umask 077 && cat > {path} && chmod 0700 {path}")), script, voice)
            .await
            .map_err(|why| format!("the script could not be sent: {why}"))?;
        finish(link.ssh(&format!("{path}; ended=$?; rm -f {path}; exit $ended")), b"", voice).await?;
    }
    Ok(())
}

fn scripts(settings: &Settings, folder: &Path) -> Result<Vec<Vec<u8>>, String> {
    if let Some(lines) = settings.texts("inline") {
        let text = lines.join("\n") + "\n";
        let text = if text.starts_with("#!") { text } else { format!("#!/bin/sh\n{text}") };
        return Ok(vec![text.into_bytes()]);
    }
    let names = settings.texts("scripts").or_else(|| settings.text("script").map(|one| vec![one])).unwrap_or_default();
    let read = |name: &String| std::fs::read(local(folder, name)).map_err(|error| format!("{name} could not be read ({error})"));
    names.iter().map(read).collect()
}

/// Copies a file or a folder to the server.
pub(super) async fn file(settings: &Settings, link: &Link, folder: &Path, voice: &Voice) -> Result<(), String> {
    let to = settings.text("destination").ok_or("`destination` is empty")?;
    // The home folder is where both programs start.
    let to = to.strip_prefix("~/").unwrap_or(&to).to_owned();
    let Some(source) = settings.text("source") else {
        let text = settings.text("content").unwrap_or_default();
        let command = if text.is_empty() { format!(": > {}", quoted(&to)) } else { format!("cat > {}", quoted(&to)) };
        return finish(link.ssh(&command), text.as_bytes(), voice).await;
    };
    let from = local(folder, &source);
    if !from.exists() {
        return Err(format!("there is no file {source}"));
    }
    // With a slash at its end a folder's content is meant, not the folder.
    let from = if source.ends_with('/') { from.join(".") } else { from };
    finish(link.scp(&from, &to), b"", voice).await
}

/// A path of this machine, from the stack's folder on.
fn local(folder: &Path, name: &str) -> PathBuf {
    let home = name.strip_prefix("~/").and_then(|rest| Some(std::env::home_dir()?.join(rest)));
    let path = home.unwrap_or_else(|| folder.join(name));
    std::path::absolute(&path).unwrap_or(path)
}
