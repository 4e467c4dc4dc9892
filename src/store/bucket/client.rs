//! Speaks to a bucket: within bounded time, with every file read back before it is acknowledged. What the bucket cannot do now is answered with a 503;
//! it never stops the ledger.

use std::fmt;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStoreExt as _, PutPayload, RetryConfig};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::Bucket;
use crate::domain::names::Digest;
use crate::error::{Error, Result};
use crate::proof::digest::hex;

/// For a file to be stored or read, all tries together, and one second more for each MiB of it; below the time after which a request is answered that
/// it takes too long.
const TIME: Duration = Duration::from_secs(8);
/// For a connection to come about.
const CONNECT: Duration = Duration::from_secs(3);
/// After this a request that failed is not tried again, nor more often than so.
const RETRY_TIME: Duration = Duration::from_secs(4);
const RETRIES: usize = 4;
/// Threads that may wait for the bucket at once. The others that answer requests are left for those who need no stored file.
const AT_ONCE: usize = 6;
/// How long the others wait for a place.
const PLACE_TIME: Duration = Duration::from_millis(1_500);
/// After a failure nobody waits for the bucket for so long; then one tries, and if that goes well, all.
const PAUSE: Duration = Duration::from_secs(1);

/// A bucket that is spoken to.
pub struct Client {
    bucket: Bucket,
    store: AmazonS3,
    /// The client waits on a thread of its own: whoever calls may be any thread that may wait, with or without a runtime.
    runtime: Handle,
    /// The thread ends when this is gone.
    _running: oneshot::Sender<()>,
    state: Mutex<State>,
    place: std::sync::Condvar,
}

#[derive(Default)]
struct State {
    /// Threads that wait for the bucket now.
    waiting: usize,
    /// When it last did not do what was asked of it, unless it did since.
    failed: Option<Instant>,
}

/// Why something came to nothing.
enum Failure {
    /// There is no such object.
    Missing,
    /// The bucket did not do what was asked of it: in the operator's words.
    Trouble(String),
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bucket.fmt(f)
    }
}

impl Client {
    /// Makes ready; nothing is asked of the bucket yet.
    pub fn new(bucket: Bucket) -> Result<Self> {
        let fault = |e: &dyn fmt::Display| Error::fault("making ready to speak to the bucket", e);
        let options = ClientOptions::new()
            .with_connect_timeout(CONNECT)
            // The whole is timed, with all its tries; how long one may take depends on the file.
            .with_timeout_disabled()
            .with_allow_http(bucket.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://")));
        let backoff = BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(1), base: 2.0 };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&bucket.name)
            .with_region(&bucket.region)
            .with_access_key_id(&bucket.key.id)
            .with_secret_access_key(&bucket.key.secret)
            .with_retry(RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRY_TIME })
            .with_client_options(options);
        if let Some(session) = &bucket.key.session {
            builder = builder.with_token(session);
        }
        if let Some(endpoint) = &bucket.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let store = builder.build().map_err(|e| fault(&e))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| fault(&e))?;
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel::<()>();
        std::thread::Builder::new().name("bucket".to_owned()).spawn(move || drop(runtime.block_on(ended))).map_err(|e| fault(&e))?;
        Ok(Self { bucket, store, runtime: handle, _running: running, state: Mutex::default(), place: std::sync::Condvar::new() })
    }

    /// Writes a small object, reads it back and removes it: an operator learns at the start what is wrong, and not from the first upload.
    pub fn probe(&self) -> Result<()> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|e| Error::fault("random bytes", e))?;
        let path = self.path(&format!("probe/{}", hex(&bytes)));
        let probed = self.within(TIME, async {
            self.store_at(&path, &bytes).await?;
            match self.store.delete(&path).await {
                Ok(()) => Ok(()),
                // Such a key is enough until bytes are to be withheld.
                Err(object_store::Error::PermissionDenied { .. }) => {
                    tracing::info!("{}: the access key may not remove anything, so the object {path} stays", self.bucket);
                    Ok(())
                }
                Err(error) => Err(self.failure(&error)),
            }
        });
        probed.map_err(|failure| Error::Fault(format!("stored files cannot be kept in the bucket: {}", self.told(failure))))
    }

    /// Which bucket it is.
    pub fn place(&self) -> String {
        self.bucket.to_string()
    }

    /// Whether it did not do what was asked of it last.
    pub fn fails(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).failed.is_some()
    }

    /// Stores bytes. When this returns, the bucket has given the very bytes back under their name; a crash before leaves at most an object that nothing
    /// names. One that is there already is not written again, unless its bytes are not the right ones.
    pub fn put(&self, digest: &Digest, bytes: &[u8]) -> Result<()> {
        let time = TIME + Duration::from_secs(u64::try_from(bytes.len() >> 20).unwrap_or(0));
        self.turn("stored", || self.within(time, self.store_at(&self.path_of(digest), bytes)))?
            .ok_or_else(|| Error::Busy("A file could not be stored. Nothing was recorded; try again in a moment.".to_owned()))
    }

    /// What is stored under a digest, not yet checked against it; `None` where there is nothing.
    pub fn get(&self, digest: &Digest) -> Result<Option<Vec<u8>>> {
        self.turn("read", || self.runtime.block_on(self.read_at(&self.path_of(digest))))
    }

    /// Whether there is something under a digest.
    pub fn has(&self, digest: &Digest) -> Result<bool> {
        let path = self.path_of(digest);
        let head = async { self.store.head(&path).await.map(drop).map_err(|error| self.failure(&error)) };
        Ok(self.turn("read", || self.within(TIME, head))?.is_some())
    }

    /// Removes what is stored under a digest; nothing where there is nothing. Where the access key may not remove anything the bytes stay, which is no
    /// trouble of the bucket's: the operator is told to remove them, and an audit says that they are there.
    pub fn remove(&self, digest: &Digest) -> Result<()> {
        let path = self.path_of(digest);
        let delete = async {
            match self.store.delete(&path).await {
                Ok(()) => Ok(true),
                Err(object_store::Error::PermissionDenied { .. }) => Ok(false),
                Err(error) => Err(self.failure(&error)),
            }
        };
        if self.turn("removed", || self.within(TIME, delete))? == Some(false) {
            tracing::error!(
                "{}: the access key may not remove the object {path}, whose bytes are withheld: let it remove objects and start the service again, or \
                 remove this one by hand",
                self.bucket
            );
        }
        Ok(())
    }

    fn path_of(&self, digest: &Digest) -> Path {
        let first: String = digest.as_str().chars().take(2).collect();
        self.path(&format!("sha256/{first}/{digest}"))
    }

    fn path(&self, below: &str) -> Path {
        Path::from(format!("{}/{below}", self.bucket.prefix))
    }

    async fn store_at(&self, path: &Path, bytes: &[u8]) -> std::result::Result<(), Failure> {
        match self.read_at(path).await {
            Ok(there) if there == bytes => return Ok(()),
            // Altered, or never there.
            Ok(_) | Err(Failure::Missing) => {}
            Err(trouble) => return Err(trouble),
        }
        match self.store.put(path, PutPayload::from(bytes.to_vec())).await {
            Ok(_) => {}
            Err(error) => return Err(self.failure(&error)),
        }
        // That it was taken is what the bucket says; that it is there is what it shows.
        let other = |what: &str| Failure::Trouble(format!("{} took an object and then {what}: whoever runs it has to look at it", self.bucket));
        match self.read_at(path).await {
            Ok(there) if there == bytes => Ok(()),
            Ok(_) => Err(other("gave other bytes back")),
            Err(Failure::Missing) => Err(other("did not have it")),
            Err(trouble) => Err(trouble),
        }
    }

    /// As much time for the answer to begin as for the whole of a small file; a large one may take longer to come.
    async fn read_at(&self, path: &Path) -> std::result::Result<Vec<u8>, Failure> {
        let got = timeout(TIME, self.store.get(path)).await.map_err(|_| self.silent(TIME))?.map_err(|error| self.failure(&error))?;
        let time = TIME + Duration::from_secs(got.meta.size >> 20);
        let bytes = timeout(time, got.bytes()).await.map_err(|_| self.silent(time))?;
        bytes.map(Into::into).map_err(|error| self.failure(&error))
    }

    /// Waits for an answer, at most so long. Called by threads that may wait.
    fn within<T>(&self, time: Duration, work: impl Future<Output = std::result::Result<T, Failure>>) -> std::result::Result<T, Failure> {
        self.runtime.block_on(async { timeout(time, work).await }).unwrap_or_else(|_| Err(self.silent(time)))
    }

    fn silent(&self, time: Duration) -> Failure {
        let seconds = time.as_secs();
        Failure::Trouble(format!("{} gave no answer within {seconds} s: check the network, and that the store runs", self.bucket))
    }

    /// Does something with the bucket when it is this thread's turn; `None` where there is no such object. While the bucket fails, threads do not pile up
    /// waiting for it: they are told at once.
    fn turn<T>(&self, done: &str, work: impl FnOnce() -> std::result::Result<T, Failure>) -> Result<Option<T>> {
        let busy = || {
            Error::Busy(format!(
                "A file cannot be {done} now: the store of files does not do its part. Nothing was recorded. What needs no file is recorded as always; \
                 try again in a moment, and tell the operator if it goes on."
            ))
        };
        self.enter().ok_or_else(busy)?;
        let did = work();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting = state.waiting.saturating_sub(1);
        let before = state.failed;
        state.failed = matches!(did, Err(Failure::Trouble(_))).then(Instant::now);
        let after = state.failed;
        drop(state);
        self.place.notify_one();
        match did {
            Ok(it) => {
                if before.is_some() {
                    tracing::info!("{} does what is asked of it again", self.bucket);
                }
                Ok(Some(it))
            }
            Err(Failure::Missing) => Ok(None),
            Err(Failure::Trouble(why)) => {
                // Once for each time that it began.
                if before.is_none() && after.is_some() {
                    tracing::error!("{why}. Files are neither stored nor read meanwhile; what needs none is recorded as always.");
                } else {
                    tracing::debug!("{why}");
                }
                Err(busy())
            }
        }
    }

    /// Whether this thread may wait for the bucket now.
    fn enter(&self) -> Option<()> {
        let until = Instant::now() + PLACE_TIME;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match state.failed {
                Some(at) if at.elapsed() < PAUSE || state.waiting > 0 => return None,
                _ => {}
            }
            if state.waiting < AT_ONCE {
                state.waiting += 1;
                return Some(());
            }
            let left = until.checked_duration_since(Instant::now())?;
            state = self.place.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn told(&self, failure: Failure) -> String {
        match failure {
            Failure::Missing => format!("{} did not have what it took", self.bucket),
            Failure::Trouble(why) => why,
        }
    }

    /// What the client makes of an answer, or of there being none, as the one who must act needs it.
    fn failure(&self, error: &object_store::Error) -> Failure {
        let text = error.to_string();
        let code = between(&text, "<Code>", "</Code>").unwrap_or_default();
        let status = match error {
            object_store::Error::NotFound { .. } => "404",
            object_store::Error::PermissionDenied { .. } => "403",
            object_store::Error::Unauthenticated { .. } => "401",
            _ => between(&text, "status code: ", " ").unwrap_or_default(),
        };
        if status == "404" && code != "NoSuchBucket" {
            return Failure::Missing;
        }
        let shown = if code.is_empty() { status.to_owned() } else { format!("{status} ({code})") };
        let bucket = &self.bucket;
        Failure::Trouble(match status {
            "404" => format!("{bucket} answered {shown}: there is no such bucket; make it, or correct files-url"),
            "401" | "403" => format!(
                "{bucket} answered {shown}: check the access key {} and its secret, and that it may get, put and list objects there",
                bucket.key.id
            ),
            "" if text.contains("LOCATION") => format!("{bucket} is elsewhere: check s3-region and s3-endpoint"),
            "" => format!("{bucket} does not answer ({}): check s3-endpoint, the network, and that the store runs", root(error)),
            _ if status.starts_with('5') => format!("{bucket} answered {shown}, also when asked again: whoever runs it has to look at it"),
            _ => format!("{bucket} answered {shown}: check s3-region, s3-endpoint and files-url"),
        })
    }
}

/// What stands between two marks.
fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    text.split_once(from)?.1.split_once(to).map(|(between, _)| between)
}

/// The cause of the cause … of an error: it says what happened, those around it where.
fn root(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}
