//! git's own server for HTTP, behind a door on loopback that speaks CGI to it.
//!
//! Invariant: all of the protocol is `git http-backend`'s; the door only passes on what comes, and asks for a password.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Who may come in.
pub(crate) const USER: &str = "deploy";
pub(crate) const PASSWORD: &str = "the-password-of-the-hub";

/// A server of the repositories in a folder; it ends when it is dropped.
pub(crate) struct SmartHttp {
    pub(crate) address: SocketAddr,
    _runtime: Runtime,
}

impl SmartHttp {
    pub(crate) fn start(root: &Path) -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let service = Router::new().fallback(pass).with_state(Arc::new(root.to_owned()));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("it has one");
        runtime.spawn(async move { axum::serve(listener, service).await });
        Self { address, _runtime: runtime }
    }
}

async fn pass(State(root): State<Arc<PathBuf>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let expected = format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
    if headers.get(header::AUTHORIZATION).is_none_or(|given| given.as_bytes() != expected.as_bytes()) {
        let refused = Response::builder().status(StatusCode::UNAUTHORIZED).header(header::WWW_AUTHENTICATE, "Basic realm=\"hub\"");
        return refused.body(Body::empty()).expect("it is well formed");
    }
    tokio::task::spawn_blocking(move || ask(&root, &method, &uri, &headers, &body)).await.expect("the backend ends")
}

fn ask(root: &Path, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mut backend = Command::new("git")
        .arg("http-backend")
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REMOTE_USER", USER)
        .env("REQUEST_METHOD", method.as_str())
        .env("PATH_INFO", uri.path())
        .env("QUERY_STRING", uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", text("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", text("content-encoding"))
        .env("GIT_PROTOCOL", text("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("git starts");
    let mut answer = Vec::new();
    std::thread::scope(|scope| {
        let mut input = backend.stdin.take().expect("it is piped");
        // It may answer before it has read everything.
        scope.spawn(move || drop(input.write_all(body)));
        backend.stdout.take().expect("it is piped").read_to_end(&mut answer).expect("it is readable");
    });
    backend.wait().expect("it ends");
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a CGI answer has a head");
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut response = Response::builder();
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        response = match name {
            "Status" => response.status(value.split(' ').next().and_then(|code| code.parse::<u16>().ok()).expect("a status")),
            _ => response.header(name, value),
        };
    }
    response.body(Body::from(answer[end + 4..].to_vec())).expect("it is well formed")
}
