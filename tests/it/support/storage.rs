//! A bucket of the test's own: a server that speaks S3, in this process, on loopback, and what may go wrong with it.
//!
//! Invariant: the protocol (signatures, conditions, ETags, errors) is `s3s` with its store in a folder, which nobody here wrote.
//! One thing is added to it: requests go through one at a time, as the real services decide each write at once, while
//! that store looks first and writes afterwards. The program under test gets an address and a key and nothing else.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};

use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::dto::{GetObjectInput, GetObjectOutput, PutObjectInput, PutObjectOutput};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{HttpResponse, S3, S3Request, S3Response, S3Result};
use s3s_fs::FileSystem;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::support::harness::Stack;

/// A request, by what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// One after which the lock is held.
    Lock,
    /// One after which it is free.
    Write,
    /// A read.
    Read,
}

/// What goes wrong with one request.
#[derive(Clone, Debug)]
pub(crate) enum Mishap {
    /// The connection ends when its first bytes have come; nothing comes of it.
    Cut,
    /// It is done, and the connection ends before the answer.
    Unanswered,
    /// It is not answered, as long as anybody waits.
    Silence,
    /// Somebody else's object is put in place right before it.
    Overtaken(String),
    /// It is answered with this status and code, and not done.
    Refused(u16, &'static str),
}

#[derive(Default)]
struct Behaviour {
    mishaps: Mutex<VecDeque<(Move, Mishap)>>,
    log: Mutex<Vec<(Move, u16)>>,
    careless: Mutex<bool>,
}

/// A running server with one bucket; it ends when this is dropped.
pub(crate) struct Storage {
    folder: TempDir,
    address: String,
    behaviour: Arc<Behaviour>,
    _runtime: Runtime,
}

/// The store, with a way to ignore conditions.
struct Bucket {
    files: FileSystem,
    behaviour: Arc<Behaviour>,
    one: tokio::sync::Mutex<()>,
}

#[async_trait::async_trait]
impl S3 for Bucket {
    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let _one = self.one.lock().await;
        self.files.get_object(request).await
    }

    async fn put_object(&self, mut request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let _one = self.one.lock().await;
        if *self.behaviour.careless.lock().expect("nobody panics with it") {
            (request.input.if_match, request.input.if_none_match) = (None, None);
        }
        self.files.put_object(request).await
    }
}

impl Storage {
    pub(crate) const BUCKET: &str = "states";
    pub(crate) const KEY_ID: &str = "AKIA-of-the-tests";
    pub(crate) const SECRET: &str = "secret-key-of-the-bucket-4713";

    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join(Self::BUCKET)).expect("the folder is ours");
        let behaviour = Arc::new(Behaviour::default());
        let files = FileSystem::new(folder.path()).expect("the folder is there");
        let mut builder = S3ServiceBuilder::new(Bucket { files, behaviour: Arc::clone(&behaviour), one: tokio::sync::Mutex::new(()) });
        builder.set_auth(SimpleAuth::from_single(Self::KEY_ID, Self::SECRET));
        let front = Arc::new(Front { service: builder.build(), behaviour: Arc::clone(&behaviour), object: folder.path().to_owned() });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("it has one"));
        runtime.spawn(front.serve(listener));
        Self { folder, address, behaviour, _runtime: runtime }
    }

    /// The block that names an object here.
    pub(crate) fn block(&self) -> String {
        let (bucket, address) = (Self::BUCKET, &self.address);
        format!("terraform {{\n  backend \"s3\" {{\n    bucket   = \"{bucket}\"\n    endpoint = \"{address}\"\n  }}\n}}\n")
    }

    /// Gives a stack the key.
    pub(crate) fn admit(&self, stack: Stack) -> Stack {
        stack.env("AWS_ACCESS_KEY_ID", Self::KEY_ID).env("AWS_SECRET_ACCESS_KEY", Self::SECRET)
    }

    /// Lets this go wrong with the next request of that sort; several are kept in order.
    pub(crate) fn arm(&self, of: Move, mishap: Mishap) {
        self.behaviour.mishaps.lock().expect("nobody panics with it").push_back((of, mishap));
    }

    /// Whether everything that was armed went wrong.
    pub(crate) fn is_spent(&self) -> bool {
        self.behaviour.mishaps.lock().expect("nobody panics with it").is_empty()
    }

    /// Whether conditions are ignored from now on.
    pub(crate) fn be_careless(&self, careless: bool) {
        *self.behaviour.careless.lock().expect("nobody panics with it") = careless;
    }

    /// The requests and what they were answered, since the last look; 0 for no answer.
    pub(crate) fn take_log(&self) -> Vec<(Move, u16)> {
        std::mem::take(&mut *self.behaviour.log.lock().expect("nobody panics with it"))
    }

    /// An object's text.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        std::fs::read_to_string(self.path(key)).ok()
    }

    /// Puts a text in an object's place, as another client would.
    pub(crate) fn put(&self, key: &str, text: &str) {
        put(self.folder.path(), key, text);
    }

    /// Removes an object.
    pub(crate) fn remove(&self, key: &str) {
        std::fs::remove_file(self.path(key)).expect("it is there");
    }

    /// What is kept of the stack `web`, lock and all.
    pub(crate) fn head(&self) -> Value {
        serde_json::from_str(&self.text("state/web.json").unwrap_or_default()).unwrap_or_default()
    }

    /// The state of the stack `web`.
    pub(crate) fn state(&self) -> Value {
        self.head()["files"]["web.json"]["json"].clone()
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.head()["lock"].is_object()
    }

    /// Every file that the server keeps, whatever it is for.
    pub(crate) fn everything(&self) -> Vec<(String, Vec<u8>)> {
        let (mut found, mut open) = (Vec::new(), vec![self.folder.path().to_owned()]);
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).expect("the folder is ours") {
                let path = entry.expect("the folder is ours").path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    found.push((path.display().to_string(), std::fs::read(&path).expect("the folder is ours")));
                }
            }
        }
        found
    }

    fn path(&self, key: &str) -> std::path::PathBuf {
        self.folder.path().join(Self::BUCKET).join(key)
    }
}

/// Writes an object as another client would. What the server keeps beside it goes, so that it works the ETag out anew.
#[expect(clippy::disallowed_methods, reason = "the server's own folder, and nothing is lost if the test is cut short")]
fn put(root: &std::path::Path, key: &str, text: &str) {
    let path = root.join(Storage::BUCKET).join(key);
    std::fs::create_dir_all(path.parent().expect("it is below the folder")).expect("the folder is ours");
    std::fs::write(path, text).expect("the folder is ours");
    for entry in std::fs::read_dir(root).expect("the folder is ours") {
        let path = entry.expect("the folder is ours").path();
        if path.extension().is_some_and(|ending| ending == "json") {
            std::fs::remove_file(path).expect("the folder is ours");
        }
    }
}

/// What stands before the service.
struct Front {
    service: S3Service,
    behaviour: Arc<Behaviour>,
    object: std::path::PathBuf,
}

impl Front {
    async fn serve(self: Arc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let front = Arc::clone(&self);
            tokio::spawn(async move {
                let service = service_fn(move |request| Arc::clone(&front).answer(request));
                // One that was cut ends in an error, as it was meant to.
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }

    /// An error ends the connection without an answer.
    async fn answer(self: Arc<Self>, request: hyper::Request<Incoming>) -> Result<HttpResponse, io::Error> {
        let gone = || io::Error::from(io::ErrorKind::ConnectionAborted);
        let (parts, mut body) = request.into_parts();
        let first = match body.frame().await {
            Some(frame) => frame.map_err(|_| gone())?.into_data().unwrap_or_default(),
            None => Bytes::new(),
        };
        // The lock stands at the beginning.
        let of = match parts.method.as_str() {
            "PUT" if String::from_utf8_lossy(&first).contains("\"lock\": {") => Move::Lock,
            "PUT" => Move::Write,
            _ => Move::Read,
        };
        let mishap = {
            let mut mishaps = self.behaviour.mishaps.lock().expect("nobody panics with it");
            if mishaps.front().is_some_and(|(wanted, _)| *wanted == of) { mishaps.pop_front() } else { None }
        };
        let note = |status: u16| self.behaviour.log.lock().expect("nobody panics with it").push((of, status));
        if matches!(mishap, Some((_, Mishap::Cut))) {
            note(0);
            return Err(gone());
        }
        if matches!(mishap, Some((_, Mishap::Silence))) {
            note(0);
            std::future::pending::<()>().await;
        }
        let bytes = [first, body.collect().await.map_err(|_| gone())?.to_bytes()].concat();
        match mishap {
            Some((_, Mishap::Refused(status, code))) => {
                note(status);
                let text = format!("<Error><Code>{code}</Code><Message>made up</Message></Error>");
                let mut answer = HttpResponse::new(Bytes::from(text).into());
                *answer.status_mut() = hyper::StatusCode::from_u16(status).expect("a status");
                return Ok(answer);
            }
            Some((_, Mishap::Overtaken(text))) => put(&self.object, "state/web.json", &text),
            Some((of, Mishap::Unanswered)) => {
                let _ = self.call(parts, bytes).await;
                note(0);
                assert_ne!(of, Move::Read, "a read has no effect to be kept");
                return Err(gone());
            }
            _ => {}
        }
        let answer = self.call(parts, bytes).await.map_err(|_| gone())?;
        note(answer.status().as_u16());
        Ok(answer)
    }

    async fn call(&self, parts: hyper::http::request::Parts, bytes: Vec<u8>) -> Result<HttpResponse, Infallible> {
        let request = hyper::Request::from_parts(parts, s3s::Body::from(bytes));
        Ok(self.service.call(request).await.expect("the service answers"))
    }
}
