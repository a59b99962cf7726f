//! A registry of modules on loopback: the public protocol over what a test gives it, archives included.
//!
//! Invariant: it answers what it is told, hostile things too, and counts what it is asked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// What is answered to a path: a status, a header `X-Terraform-Get`, a body.
#[derive(Clone, Debug, Default)]
struct Answer {
    status: u16,
    header: Option<(&'static str, String)>,
    body: Vec<u8>,
}

#[derive(Debug, Default)]
struct Shelf {
    answers: BTreeMap<String, Answer>,
    asked: Vec<String>,
}

/// A registry; it ends when it is dropped.
pub(crate) struct Registry {
    pub(crate) address: SocketAddr,
    shelf: Arc<Mutex<Shelf>>,
    _runtime: Runtime,
}

impl Registry {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime starts");
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let service = Router::new().fallback(answer).with_state(Arc::clone(&shelf));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("it has one");
        runtime.spawn(async move { axum::serve(listener, service).await });
        let registry = Self { address, shelf, _runtime: runtime };
        registry.file("/.well-known/terraform.json", br#"{"modules.v1":"/v1/modules/"}"#.to_vec());
        registry
    }

    /// Lets a file lie at a path.
    pub(crate) fn file(&self, path: &str, body: Vec<u8>) {
        self.put(path, Answer { status: 200, header: None, body });
    }

    /// Sends whoever asks for a path to another place.
    pub(crate) fn redirect(&self, path: &str, to: &str) {
        self.put(path, Answer { status: 302, header: Some(("location", to.to_owned())), body: Vec::new() });
    }

    /// Lets a module have versions, each of which lies at a place.
    pub(crate) fn module(&self, name: &str, versions: &[(&str, &str)]) {
        let all: Vec<_> = versions.iter().map(|(version, _)| serde_json::json!({ "version": version })).collect();
        let list = serde_json::json!({ "modules": [{ "versions": all }] });
        self.file(&format!("/v1/modules/{name}/versions"), list.to_string().into_bytes());
        for (version, place) in versions {
            let header = Some(("x-terraform-get", (*place).to_owned()));
            self.put(&format!("/v1/modules/{name}/{version}/download"), Answer { status: 204, header, body: Vec::new() });
        }
    }

    fn put(&self, path: &str, answer: Answer) {
        self.shelf.lock().expect("nobody panics").answers.insert(path.to_owned(), answer);
    }

    /// The paths that were asked for since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.shelf.lock().expect("nobody panics").asked)
    }
}

async fn answer(State(shelf): State<Arc<Mutex<Shelf>>>, uri: Uri) -> Response {
    let mut shelf = shelf.lock().expect("nobody panics");
    shelf.asked.push(uri.path().to_owned());
    let answer = shelf.answers.get(uri.path()).cloned().unwrap_or(Answer { status: 404, ..Answer::default() });
    let mut response = Response::builder().status(answer.status);
    if let Some((name, value)) = answer.header {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).expect("it is well formed")
}
