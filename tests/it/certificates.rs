//! A server that cannot prove who it is: told at once, since trying again changes nothing, and nothing is sent to it.
//!
//! The server is that of the `openssl` command; without one there is nothing to test against.

use std::io::{self, BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::support::harness::{Stack, installed};

const TAG: &str = "resource \"digitalocean_tag\" \"web\" {\n  name = \"web\"\n}\n";

/// A server with a certificate of its own for a name; it ends with this.
struct Server {
    child: Child,
    /// It reads from here, and ends where this does.
    _input: ChildStdin,
    port: u16,
}

impl Server {
    fn start(stack: &Stack, name: &str) -> Self {
        let (key, certificate) = (stack.path("key.pem"), stack.path("certificate.pem"));
        let wish = format!(
            "[req]\nprompt = no\ndistinguished_name = who\nx509_extensions = more\n\
             [who]\nCN = {name}\n[more]\nsubjectAltName = DNS:{name}\nbasicConstraints = CA:FALSE\n"
        );
        stack.write("wish.cnf", &wish);
        let arguments = ["req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2", "-config", "wish.cnf"];
        let made = stack.command("openssl").args(arguments).arg("-keyout").arg(&key).arg("-out").arg(&certificate).output();
        assert!(made.as_ref().is_ok_and(|made| made.status.success()), "{made:?}");
        let mut command = stack.command("openssl");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-www"]).arg("-key").arg(&key).arg("-cert").arg(&certificate);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a server");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let told = output.lines().map_while(Result::ok).find(|line| line.starts_with("ACCEPT")).expect("it says where it listens");
        let port = told.rsplit(':').next().and_then(|port| port.trim().parse().ok()).expect("a port");
        Self { child, _input: input, port }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}

/// A port that leads to another one, and how often it was called.
fn counted(port: u16) -> (u16, Arc<AtomicUsize>) {
    let door = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let (own, count) = (door.local_addr().expect("it is bound").port(), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&count);
    // The thread ends with the test process.
    thread::spawn(move || {
        for caller in door.incoming().map_while(Result::ok) {
            counter.fetch_add(1, Ordering::SeqCst);
            let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { break };
            for (from, to) in [(caller.try_clone(), server.try_clone()), (Ok(server), Ok(caller))] {
                let (Ok(mut from), Ok(mut to)) = (from, to) else { break };
                thread::spawn(move || {
                    // A connection that breaks is what the test is about.
                    let _ = (io::copy(&mut from, &mut to), to.shutdown(std::net::Shutdown::Write));
                });
            }
        }
    });
    (own, count)
}

#[test]
fn a_certificate_that_is_not_trusted_is_told_at_once() {
    if !installed("openssl") {
        return;
    }
    for (name, trusted, words) in [("localhost", false, "UnknownIssuer"), ("elsewhere.test", true, "not valid for")] {
        let stack = Stack::with_plan("web", TAG);
        let server = Server::start(&stack, name);
        let (port, connections) = counted(server.port);
        let mut stack =
            stack.env("DIGITALOCEAN_API_URL", &format!("https://localhost:{port}")).env("DIGITALOCEAN_TOKEN", "token-of-a-test");
        let roots = stack.path(if trusted { "certificate.pem" } else { "others.pem" });
        if !trusted {
            let other = Stack::empty();
            drop(Server::start(&other, "other.test"));
            stack.write("others.pem", &other.read("certificate.pem"));
        }
        stack = stack.env("DOFLOAT_CA_FILE", &roots.to_string_lossy()).env("DOFLOAT_CLOCK", "virtual");
        let outcome = stack.run(&["plan", "web"]);
        assert_eq!(outcome.code, 1, "{outcome}");
        for expected in ["certificate is not trusted", words, "SSL_CERT_FILE", "Nothing was sent"] {
            assert!(outcome.stderr.contains(expected), "{expected} in {outcome}");
        }
        // Some requests begin side by side; one that is tried again has five connections alone.
        let connections = connections.load(Ordering::SeqCst);
        assert!((1..5).contains(&connections), "{connections} connections\n{outcome}");
    }
}
