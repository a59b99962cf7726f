//! How a server is reached: the user's `ssh` and `scp`, with what a `connection` block says.
//!
//! Invariant: keys and passwords are in files of a folder that nobody else can read and that goes with the link. The key that
//! the server shows first is the one that it has to show from then on; one that the block names is the only one.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;

use super::Voice;
use super::settings::{Settings, duration};
use dofloat_base::child;
use dofloat_base::clock::Clock;

/// How long a server is waited for unless the block says otherwise, as in Terraform.
const TIMEOUT: Duration = Duration::from_secs(300);
/// Between two attempts.
const PAUSE: Duration = Duration::from_secs(3);
/// By what the keys of the server and of the host between are remembered, whatever their addresses. A question for a password
/// names them so.
const SERVER: &str = "server";
const BASTION: &str = "bastion";
/// The exit code by which ssh tells that it was not the command that failed.
const UNREACHED: i32 = 255;

/// A way to a server.
pub(super) struct Link {
    /// A word that is in the names of what is put on the server.
    pub(super) token: String,
    folder: TempDir,
    host: String,
    user: String,
    options: Vec<String>,
    timeout: Duration,
    asks: bool,
}

impl Link {
    pub(super) fn new(connection: &Settings) -> Result<Self, String> {
        if let Some(other) = connection.text("type").filter(|kind| kind != "ssh") {
            return Err(format!("a connection of the type \"{other}\" is not supported, only \"ssh\""));
        }
        if connection.text("proxy_host").is_some() {
            return Err("`proxy_host` is not supported; set ProxyCommand in your ssh configuration".to_owned());
        }
        let host = word(connection.text("host").ok_or("the connection has no `host`")?, "host")?;
        let user = word(connection.text("user").unwrap_or_else(|| "root".to_owned()), "user")?;
        let timeout = match connection.text("timeout") {
            Some(text) => duration(&text).ok_or_else(|| format!("`timeout` is no time: {text:?}"))?,
            None => TIMEOUT,
        };
        let folder = tempfile::Builder::new().prefix("dofloat-").tempdir().map_err(|error| format!("no folder for keys ({error})"))?;
        let token = folder.path().file_name().map(|name| name.to_string_lossy().replace("dofloat-", "")).unwrap_or_default();
        let files = Files { folder: folder.path() };
        let mut options = files.options(connection, "")?;
        options.push(format!("User={user}"));
        options.push(format!("Port={}", connection.text("port").unwrap_or_else(|| "22".to_owned())));
        let mut asks = connection.text("password").is_some();
        if let Some(bastion) = connection.text("bastion_host") {
            asks |= connection.text("bastion_password").is_some();
            options.push(files.through(connection, &word(bastion, "bastion_host")?, &user)?);
        }
        options.push(format!("BatchMode={}", if asks { "no" } else { "yes" }));
        Ok(Self { token, host, user, options, timeout, asks, folder })
    }

    /// A command on the server.
    pub(super) fn ssh(&self, remote: &str) -> Command {
        let mut command = self.command("ssh");
        command.args(["-T", "--", &self.host, remote]);
        command
    }

    /// A copy to the server.
    pub(super) fn scp(&self, from: &Path, to: &str) -> Command {
        let mut command = self.command("scp");
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        command.args(["-q", "-r", "-p", "--"]).arg(from).arg(format!("{host}:{to}"));
        command
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::from(child::command(program));
        command.args(self.options.iter().flat_map(|option| ["-o", option.as_str()]));
        if self.asks {
            command.env("SSH_ASKPASS", self.folder.path().join("ask")).env("SSH_ASKPASS_REQUIRE", "force");
        }
        command
    }

    /// Waits until the server lets us in.
    pub(super) async fn reach(&self, clock: &Clock, voice: &Voice) -> Result<(), String> {
        voice.say(format!("Connecting to {} as {} by SSH...", self.host, self.user)).await;
        let start = clock.tick();
        loop {
            let output = self.ssh("true").stdin(std::process::Stdio::null()).kill_on_drop(true).output().await;
            let output = output.map_err(|error| format!("`ssh` could not be started ({error})"))?;
            if output.status.code().is_some_and(|code| code != UNREACHED) {
                voice.say("Connected!".to_owned()).await;
                return Ok(());
            }
            if clock.tick().since(start) + PAUSE > self.timeout {
                let said = String::from_utf8_lossy(&output.stderr).trim().lines().last().unwrap_or_default().trim().to_owned();
                let said = if said.is_empty() { "it did not answer".to_owned() } else { said };
                return Err(format!("{} could not be reached by SSH in {} s: {said}", self.host, self.timeout.as_secs()));
            }
            clock.sleep(PAUSE).await;
        }
    }
}

/// The files of a link.
struct Files<'a> {
    folder: &'a Path,
}

impl Files<'_> {
    /// The options for the server, or for the host between (`bastion_`), where what the latter lacks is the server's.
    fn options(&self, connection: &Settings, prefix: &str) -> Result<Vec<String>, String> {
        let own = |name: &str| connection.text(&format!("{prefix}{name}"));
        let known = self.path(&format!("{prefix}known_hosts"));
        let alias = if prefix.is_empty() { SERVER } else { BASTION };
        let mut options = vec![
            "ConnectTimeout=10".to_owned(),
            "ServerAliveInterval=15".to_owned(),
            "LogLevel=ERROR".to_owned(),
            format!("HostKeyAlias={alias}"),
            "GlobalKnownHostsFile=/dev/null".to_owned(),
            format!("UserKnownHostsFile=\"{}\"", known.display()),
        ];
        match own("host_key") {
            Some(key) => {
                let key = key.trim();
                self.write(&known, &format!("{alias} {key}\n@cert-authority {alias} {key}\n"), 0o600)?;
                options.push("StrictHostKeyChecking=yes".to_owned());
            }
            None => options.push("StrictHostKeyChecking=accept-new".to_owned()),
        }
        if let Some(key) = own("private_key").or_else(|| connection.text("private_key")) {
            let path = self.path(&format!("{prefix}key"));
            self.write(&path, &format!("{}\n", key.trim_end()), 0o600)?;
            options.push(format!("IdentityFile=\"{}\"", path.display()));
            if connection.flag("agent") != Some(true) {
                options.push("IdentitiesOnly=yes".to_owned());
            }
        }
        if let Some(certificate) = own("certificate") {
            let path = self.path(&format!("{prefix}certificate"));
            self.write(&path, &format!("{}\n", certificate.trim_end()), 0o600)?;
            options.push(format!("CertificateFile=\"{}\"", path.display()));
        }
        if connection.flag("agent") == Some(false) {
            options.push("IdentityAgent=none".to_owned());
        }
        if let Some(password) = own("password").or_else(|| connection.text("password")) {
            // One program answers for both: the question names who asks.
            let (file, ask) = (self.path(&format!("{prefix}password")), self.path("ask"));
            self.write(&file, &format!("{password}\n"), 0o600)?;
            let both = format!(
                "#!/bin/sh\ncase \"$1\" in *@{BASTION}*) cat \"${{0%/*}}/bastion_password\";; *) cat \"${{0%/*}}/password\";; esac\n"
            );
            self.write(&ask, &both, 0o700)?;
        }
        Ok(options)
    }

    /// The way through a host between.
    fn through(&self, connection: &Settings, bastion: &str, user: &str) -> Result<String, String> {
        let mut options = self.options(connection, "bastion_")?;
        let user = word(connection.text("bastion_user").unwrap_or_else(|| user.to_owned()), "bastion_user")?;
        let port = connection.text("bastion_port").or_else(|| connection.text("port")).unwrap_or_else(|| "22".to_owned());
        options.push(format!("User={user}"));
        options.push(format!("Port={port}"));
        options.push(format!("BatchMode={}", if connection.text("bastion_password").is_some() { "no" } else { "yes" }));
        let words = options.iter().flat_map(|option| ["-o".to_owned(), quoted(option).replace('%', "%%")]);
        let words = words.collect::<Vec<_>>().join(" ");
        Ok(format!("ProxyCommand=ssh {words} -W '[%h]:%p' -- {}", quoted(bastion)))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file; what is there of that name already says the same.
    fn write(&self, path: &Path, text: &str, mode: u32) -> Result<(), String> {
        let write = || OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)?.write_all(text.as_bytes());
        write().map_err(|error| format!("a file for the connection could not be written ({error})"))
    }
}

/// A word that ssh takes as a name and as nothing else.
fn word(text: String, name: &str) -> Result<String, String> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "'\"\\`$;&|<>()%".contains(c);
    if text.starts_with('-') || text.contains(odd) { Err(format!("`{name}` is not a valid name or address: {text:?}")) } else { Ok(text) }
}

/// A word as a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use dofloat_base::value::Term;

    fn link(rows: &[(&str, &str)]) -> Result<Link, String> {
        let terms: BTreeMap<String, Term> = rows.iter().map(|(name, text)| ((*name).to_owned(), Term::Value((*text).into()))).collect();
        Link::new(&Settings::of(&terms)?)
    }

    fn shown(command: &Command) -> String {
        let words = command.as_std().get_args().map(|word| word.to_string_lossy().into_owned());
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn keys_are_in_files_and_on_no_command_line() {
        let link =
            link(&[("host", "192.0.2.1"), ("private_key", "hush-hush"), ("bastion_host", "b.example.com"), ("bastion_port", "2222")])
                .unwrap();
        let (ssh, scp) = (shown(&link.ssh("true")), shown(&link.scp(Path::new("/a"), "/b")));
        assert!(!ssh.contains("hush") && !scp.contains("hush"), "{ssh}\n{scp}");
        assert!(ssh.ends_with("-T -- 192.0.2.1 true") && scp.ends_with("-q -r -p -- /a 192.0.2.1:/b"), "{ssh}\n{scp}");
        assert!(ssh.contains("Port=2222") && ssh.contains("-W '[%h]:%p' -- 'b.example.com'"), "{ssh}");
        let key = link.folder.path().join("key");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&key).unwrap().permissions()) & 0o777;
        assert_eq!((std::fs::read_to_string(key).unwrap().as_str(), mode), ("hush-hush\n", 0o600));
    }

    #[test]
    fn what_ssh_would_take_for_an_option_or_a_command_is_refused() {
        for host in ["-oProxyCommand=touch x", "a b", "a;b", "$(x)", "%h"] {
            assert!(link(&[("host", host)]).is_err(), "{host}");
            assert!(link(&[("host", "a"), ("user", host)]).is_err(), "{host}");
            assert!(link(&[("host", "a"), ("bastion_host", host)]).is_err(), "{host}");
        }
        assert!(link(&[]).is_err_and(|why| why.contains("no `host`")));
        assert!(link(&[("host", "a"), ("type", "winrm")]).is_err());
        assert!(shown(&link(&[("host", "2001:db8::1")]).unwrap().scp(Path::new("/a"), "b")).ends_with("[2001:db8::1]:b"));
    }
}
