//! An object in a bucket as the place of a shared state: Amazon's S3, DigitalOcean's Spaces, and what speaks like them.
//!
//! Invariant: the object is replaced only on condition that it is still the one that was read (`If-Match` with its ETag), or
//! made only where there is none (`If-None-Match: *`). Files and lock are one object, so each of the three moves is one step:
//!
//! | move | the object before | the object after |
//! | --- | --- | --- |
//! | take | none, or `lock` is null | `lock` is ours, the files as before |
//! | publish | `lock` is ours, the files as fetched | `lock` is null, `run` is ours, the files are ours |
//! | free | `lock` is ours | `lock` is null, the files as before |
//!
//! A run that is killed is killed before a move or after it, so the table of `remote` holds as it stands. Where the answer to a
//! move is lost, the object is read: one that is what we wrote, or that names us, is ours. A server that ignores conditions
//! would let two runs through; so it is tried once for each object, before anything is made, and the object says where. No key
//! passes through here but into the signature. It must not know what the files hold.

use std::fmt;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpService};
use object_store::path::Path as Key;
use object_store::{
    Attribute, Attributes, ClientOptions, Error, ObjectStore as _, ObjectStoreExt as _, PutMode, PutOptions, RetryConfig, UpdateVersion,
};
use url::Url;

use super::backend::{Backend, LockInfo, Published, Snapshot};
use super::error::{Foreign, Refusal, StoreError, foreign, from_bucket, unconditional};
use super::object::{LockEntry, StateObject};
use super::working::Files;
use dofloat_base::clock::Clock;
use dofloat_base::crash::crash_point;
use dofloat_base::secret::Secret;

/// Where the object is, and with what it is opened.
#[derive(Clone)]
pub struct BucketSettings {
    /// The server, without the bucket.
    pub endpoint: Url,
    /// Whether the bucket is named in the path, or in the host's name.
    pub path_style: bool,
    /// The bucket.
    pub bucket: String,
    /// The object's name.
    pub key: String,
    /// The region, for the signature.
    pub region: String,
    /// The stack.
    pub stack: String,
    /// The key's identity.
    pub key_id: Secret<String>,
    /// The key.
    pub secret_key: Secret<String>,
    /// The session token of a temporary key.
    pub session: Option<Secret<String>>,
    /// The variables that the key comes from, for messages.
    pub variables: &'static str,
    /// The time.
    pub clock: Clock,
    /// Who is told of long waits.
    pub tell: Arc<dyn Fn(&str) + Send + Sync>,
}

/// An object in a bucket.
#[derive(Clone)]
pub struct S3 {
    settings: Arc<BucketSettings>,
    store: Arc<AmazonS3>,
    path: Key,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("S3").field(&self.name()).finish()
    }
}

/// Connections that were made already.
#[derive(Debug)]
struct FixedConnector(HttpClient);

impl HttpConnector for FixedConnector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.0.clone())
    }
}

/// The result of a conditional write.
enum Put {
    Done,
    /// The condition did not hold.
    Refused,
    Failed(Refusal),
}

/// How often something is asked for that fails for a passing reason, and the first pause after it; each further one is twice as long.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_secs(1);

/// The time limit of a read or a move with all its attempts.
const TIMEOUT: Duration = Duration::from_secs(125);

/// How often a move is tried again because somebody else's came first.
const TRIES: usize = 10;

/// An ETag that no object has.
const STALE: &str = "\"00000000000000000000000000000000\"";

impl S3 {
    /// The object with these settings, by these connections. Nothing is sent.
    ///
    /// # Errors
    /// If the key is no name of an object, or the rest does not fit together.
    pub fn open(settings: BucketSettings, http: impl HttpService) -> Result<Self, String> {
        let path = Key::parse(&settings.key).map_err(|error| cause(&error))?;
        let mut endpoint = settings.endpoint.clone();
        if !settings.path_style
            && let Some(host) = endpoint.host_str().map(|host| format!("{}.{host}", settings.bucket))
        {
            endpoint.set_host(Some(&host)).map_err(|error| error.to_string())?;
        }
        let builder = AmazonS3Builder::new()
            .with_endpoint(endpoint.as_str().trim_end_matches('/'))
            .with_virtual_hosted_style_request(!settings.path_style)
            .with_allow_http(true)
            .with_bucket_name(&settings.bucket)
            .with_region(&settings.region)
            .with_access_key_id(settings.key_id.expose())
            .with_secret_access_key(settings.secret_key.expose())
            // What is tried again is told, and looked at before; so nothing is tried again behind our back.
            .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
            .with_http_connector(FixedConnector(HttpClient::new(http)));
        let builder = match &settings.session {
            Some(session) => builder.with_token(session.expose()),
            None => builder,
        };
        let store = builder.build().map_err(|error| cause(&error))?;
        Ok(Self { settings: Arc::new(settings), store: Arc::new(store), path })
    }

    /// Where the object is.
    #[must_use]
    pub fn settings(&self) -> &BucketSettings {
        &self.settings
    }

    /// The place for which a proof counts.
    fn place(&self) -> String {
        format!("{}{}/{}", self.settings.endpoint, self.settings.bucket, self.settings.key)
    }

    fn files(&self, head: &StateObject) -> Result<Files, StoreError> {
        head.files().map_err(|why| self.foreign(why))
    }

    /// The object and its ETag, if there is one.
    async fn read(&self) -> Result<Option<(StateObject, String)>, StoreError> {
        let Some((bytes, tag)) = self.with_progress("read", self.bytes()).await? else { return Ok(None) };
        let head = StateObject::read(&bytes, &self.settings.stack).map_err(|why| self.foreign(why))?;
        Ok(Some((head, tag)))
    }

    async fn bytes(&self) -> Result<Option<(Vec<u8>, String)>, StoreError> {
        let mut pauses = backoff();
        loop {
            let got = async {
                let got = self.store.get(&self.path).await?;
                let tag = got.meta.e_tag.clone();
                Ok((got.bytes().await?, tag))
            };
            let refusal = match got.await {
                Ok((bytes, Some(tag))) => return Ok(Some((bytes.to_vec(), tag))),
                Ok((_, None)) => return Err(unconditional(&self.name(), &self.server())),
                Err(error) => match Refusal::from_error(&error) {
                    Refusal::Absent => return Ok(None),
                    refusal => refusal,
                },
            };
            self.pause(&mut pauses, "read", refusal).await?;
        }
    }

    /// Puts the object in place of the one with that ETag, or where there is none; says whether it is there.
    async fn compare_and_swap(&self, doing: &str, on: Option<&str>, head: &StateObject) -> Result<bool, StoreError> {
        self.with_progress(doing, async {
            let mode = on.map_or(PutMode::Create, update);
            let (bytes, mut pauses) = (head.write(), backoff());
            let mut lost = false;
            loop {
                match self.put(mode.clone(), &bytes).await {
                    Put::Done => return Ok(true),
                    Put::Refused if !lost => return Ok(false),
                    Put::Refused => return Ok(self.bytes().await?.is_some_and(|(now, _)| now == bytes)),
                    Put::Failed(refusal) => self.pause(&mut pauses, doing, refusal).await?,
                }
                // An answer that was lost may have been a yes.
                lost = true;
                match self.bytes().await? {
                    Some((now, _)) if now == bytes => return Ok(true),
                    now if now.as_ref().map(|(_, tag)| tag.as_str()) == on => {}
                    _ => return Ok(false),
                }
            }
        })
        .await
    }

    /// Whether a write is refused for its condition.
    async fn is_refused(&self, mode: PutMode, bytes: &[u8]) -> Result<bool, StoreError> {
        self.with_progress("prove", async {
            let mut pauses = backoff();
            loop {
                match self.put(mode.clone(), bytes).await {
                    Put::Done | Put::Failed(Refusal::Unable) => return Ok(false),
                    Put::Refused => return Ok(true),
                    Put::Failed(refusal) => self.pause(&mut pauses, "prove", refusal).await?,
                }
            }
        })
        .await
    }

    async fn put(&self, mode: PutMode, bytes: &[u8]) -> Put {
        let attributes = Attributes::from_iter([(Attribute::ContentType, "application/json")]);
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        match self.store.put_opts(&self.path, bytes.to_vec().into(), options).await {
            Ok(_) => Put::Done,
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Put::Refused,
            Err(error) => match Refusal::from_error(&error) {
                Refusal::Absent => Put::Failed(Refusal::Bucket),
                refusal => Put::Failed(refusal),
            },
        }
    }

    /// Waits before the next attempt, or says why there is none.
    async fn pause(&self, pauses: &mut impl Iterator<Item = Duration>, doing: &str, refusal: Refusal) -> Result<(), StoreError> {
        match pauses.next() {
            Some(pause) if refusal.passes() => {
                tracing::debug!(object = %self.name(), ?refusal, "tried again in {} s", pause.as_secs());
                self.settings.clock.sleep(pause).await;
                Ok(())
            }
            _ => Err(self.failed(doing, refusal)),
        }
    }

    /// Does the work, but not for ever, and says on what it waits where that is long.
    async fn with_progress<T>(&self, doing: &str, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        const FIRST: Duration = Duration::from_secs(5);
        const EVERY: Duration = Duration::from_secs(10);
        let (mut work, mut pause, mut waited) = (std::pin::pin!(work), FIRST, Duration::ZERO);
        while waited < TIMEOUT {
            match tokio::time::timeout(pause, &mut work).await {
                Ok(done) => return done,
                Err(_) => {
                    waited += pause;
                    pause = EVERY;
                    let (name, waited, limit) = (self.name(), waited.as_secs(), TIMEOUT.as_secs());
                    (self.settings.tell)(&format!("Still waiting for {name}... [{waited}s elapsed, up to {limit}s]"));
                }
            }
        }
        Err(self.failed(doing, Refusal::Silent))
    }

    fn server(&self) -> String {
        self.settings.endpoint.as_str().trim_end_matches('/').to_owned()
    }

    fn failed(&self, doing: &str, refusal: Refusal) -> StoreError {
        from_bucket(&self.name(), &self.server(), self.settings.variables, doing, &refusal)
    }

    fn foreign(&self, why: Foreign) -> StoreError {
        foreign(&self.name(), &self.settings.stack, why)
    }
}

#[async_trait]
impl Backend for S3 {
    fn name(&self) -> String {
        format!("s3://{}/{}", self.settings.bucket, self.settings.key)
    }

    async fn fetch(&self) -> Result<Snapshot, StoreError> {
        let Some((head, tag)) = self.read().await? else { return Ok(Snapshot { unproven: true, ..Snapshot::default() }) };
        let files = self.files(&head)?;
        let unproven = head.proven != Some(self.place());
        let lock = head.lock.map(|lock| LockInfo { id: lock.id, note: lock.holder, own: false });
        Ok(Snapshot { files, version: tag, lock, unproven })
    }

    async fn new_lock_id(&self, _: &str) -> Result<String, StoreError> {
        Ok(uuid::Uuid::new_v4().to_string())
    }

    async fn try_lock(&self, id: &str, note: &str) -> Result<bool, StoreError> {
        for _ in 0..TRIES {
            let kept = self.read().await?;
            let (head, tag) = kept.map_or_else(|| (StateObject::new(&self.settings.stack), None), |(head, tag)| (head, Some(tag)));
            if let Some(lock) = &head.lock {
                return Ok(lock.id == id);
            }
            let lock = Some(LockEntry { id: id.to_owned(), holder: note.to_owned() });
            if self.compare_and_swap("lock", tag.as_deref(), &head.with_lock(lock)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn unlock(&self, id: &str) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let Some((head, tag)) = self.read().await? else { return Ok(()) };
            if head.lock.as_ref().is_none_or(|lock| lock.id != id) {
                return Ok(());
            }
            if self.compare_and_swap("unlock", Some(&tag), &head.with_lock(None)).await? {
                return Ok(());
            }
        }
        Err(self.failed("unlock", Refusal::Restless))
    }

    async fn publish(&self, files: &Files, on: &Snapshot, id: Option<&str>, _: &Path) -> Result<Published, StoreError> {
        let Some((head, tag)) = self.read().await? else { return Ok(Published::Moved) };
        let holder = head.lock.as_ref().map(|lock| lock.id.as_str());
        if id.is_some() && head.run.as_deref() == id {
            return Ok(Published::Done);
        }
        if (id.is_some() && holder != id) || self.files(&head)? != on.files {
            return Ok(Published::Moved);
        }
        let run = id.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
        let lock = if id.is_some() { None } else { head.lock.clone() };
        let next = head.with_lock(lock).with_run(run.clone()).with_files(files);
        if self.compare_and_swap("write", Some(&tag), &next).await? || self.read().await?.is_some_and(|(head, _)| head.run == Some(run)) {
            return Ok(Published::Done);
        }
        Ok(Published::Moved)
    }

    /// Sees that this server honours conditions, and notes it. What is tried changes nothing, wherever it succeeds.
    async fn verify_conditional_writes(&self) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let Some((head, tag)) = self.read().await? else {
                self.compare_and_swap("make", None, &StateObject::new(&self.settings.stack)).await?;
                continue;
            };
            if head.proven == Some(self.place()) {
                return Ok(());
            }
            let same = head.write();
            for mode in [PutMode::Create, update(STALE)] {
                if !self.is_refused(mode, &same).await? {
                    return Err(unconditional(&self.name(), &self.server()));
                }
            }
            crash_point("bucket.before-proof");
            if self.compare_and_swap("prove", Some(&tag), &head.with_proof(self.place())).await? {
                return Ok(());
            }
        }
        Err(self.failed("prove", Refusal::Restless))
    }
}

fn update(tag: &str) -> PutMode {
    PutMode::Update(UpdateVersion { e_tag: Some(tag.to_owned()), version: None })
}

fn backoff() -> impl Iterator<Item = Duration> {
    (0..ATTEMPTS - 1).map(|n| PAUSE * 2_u32.pow(n))
}

impl Refusal {
    /// Classifies an error of the library.
    fn from_error(error: &Error) -> Self {
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = source {
            if let Some(http) = error.downcast_ref::<HttpError>() {
                let why = cause(http);
                return match http.kind() {
                    HttpErrorKind::Timeout => Self::Silent,
                    HttpErrorKind::Connect if is_about_tls(&why) => Self::Untrusted(why),
                    HttpErrorKind::Connect => Self::Unreachable(why),
                    _ => Self::Cut(why),
                };
            }
            source = error.source();
        }
        let text = error.to_string();
        let between = |start: &str, end: &str| Some(text.split_once(start)?.1.split_once(end)?.0.to_owned());
        let bare = || text.contains("redirect without LOCATION").then_some(301);
        let status = between("status code: ", " ").and_then(|text| text.parse().ok()).or_else(bare);
        Self::from_answer(status, &between("<Code>", "</Code>").unwrap_or_default(), between("<Region>", "</Region>"))
    }
}

fn is_about_tls(why: &str) -> bool {
    ["certificate", "handshake", "tls", "UnknownIssuer", "corrupt message"].iter().any(|word| why.contains(word))
}

/// The innermost cause of an error.
fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
