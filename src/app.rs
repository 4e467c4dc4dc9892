//! What an operation may reach: the database, the keys, the stored files, the policy, the clock. No business rules.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, Mutex, OnceLock};

use crate::config::{Config, Limits, Mail, Serving, SignIn};
use crate::domain::Actor;
use crate::domain::catalogue::Catalogue;
use crate::domain::names::{Instant, Name};
use crate::domain::policy::Pack;
use crate::error::{Error, Result};
use crate::store::files::Files;
use crate::store::keyring::{Identity, Keyring};
use crate::store::{Database, DatabaseUrl, Pool};

/// Set once, when the disk (and with it SQLite) failed in a way after which nothing may be acknowledged. Only a restart clears it.
#[derive(Clone, Debug, Default)]
pub struct Halt(Arc<OnceLock<String>>);

impl Halt {
    /// Stops all writing, for this reason.
    pub fn stop(&self, reason: &Error) {
        if self.0.set(reason.to_string()).is_ok() {
            tracing::error!("writing has stopped: {reason}. Reading and verification go on; mend the cause and restart.");
        }
    }
    /// Refuses where writing has stopped.
    pub fn check(&self) -> Result<()> {
        match self.0.get() {
            None => Ok(()),
            Some(reason) => Err(Error::Busy(format!(
                "Writing has stopped because of a fault ({reason}). Nothing was recorded; the operator has to mend it and restart the service."
            ))),
        }
    }
    /// Passes a result of durable I/O on; a failure stops all writing. What is only busy has not failed.
    pub fn guard<T>(&self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result
            && !matches!(error, Error::Busy(_))
        {
            self.stop(error);
        }
        result
    }
}

/// Everything an operation may reach.
pub struct App {
    /// The data folder.
    pub data: PathBuf,
    /// The database.
    pub database: DatabaseUrl,
    /// Read connections.
    pub pool: Pool,
    /// Who the service is.
    pub identity: Identity,
    /// The accountable organisation's name.
    pub organisation: Name,
    /// The service itself, as the one who acts.
    pub service: Actor,
    /// The keys.
    pub keys: Keyring,
    /// Stored files.
    pub files: Files,
    /// The policy in force.
    pub policy: Pack,
    /// What is known of models.
    pub catalogue: Catalogue,
    /// How much anyone may ask of the service.
    pub limits: Limits,
    /// How people sign in.
    pub sign_in: SignIn,
    /// How letters leave.
    pub mail: Mail,
    /// How the service is reached.
    pub serving: Serving,
    /// Whether writing has stopped.
    pub halt: Halt,
    /// The number of the newest checkpoint whose high-water file is on the disk; −1 before the first. Later rows are not shown to anyone.
    pub shown: AtomicI64,
    /// Something that followed from a recorded act (a status list, a certificate's pages) could not be done and has to be tried again.
    pub unfinished: AtomicBool,
    /// Held while a status list is being made. What other servers do at the same time is noticed when it is recorded.
    pub status: Mutex<()>,
    /// When what other servers left undone was last looked for, and how many entries there were.
    pub looked: Mutex<(std::time::Instant, u64)>,
}

impl App {
    /// A read connection; a 503 where none is free within two seconds, or the database is away.
    pub fn read(&self) -> Result<diesel::r2d2::PooledConnection<crate::store::Readers>> {
        crate::store::reader(&self.pool)
    }
    /// A connection of one's own.
    pub fn connect(&self) -> Result<Database> {
        self.database.open()
    }
}

/// The stored files of a record: in the bucket that the settings name, or in the data folder.
pub fn open_files(config: &Config) -> Result<Files> {
    match &config.bucket {
        #[cfg(feature = "s3")]
        Some(bucket) => Files::in_bucket(bucket),
        _ => Files::open(config.data.join("files")),
    }
}

/// The clock.
pub fn now() -> Instant {
    Instant::new(chrono::Utc::now())
}

/// What ties an answer about a fault to the line of the log that says what it was.
pub fn reference() -> String {
    seed().map_or_else(|_| "none".to_owned(), |random| format!("{:012x}", random >> 80))
}

/// The clock of the wall: in the time zone of this machine, which is the organisation's.
pub fn local_now() -> chrono::DateTime<chrono::FixedOffset> {
    chrono::Local::now().fixed_offset()
}

/// 16 random bytes.
pub fn seed() -> Result<u128> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| Error::fault("random bytes", e))?;
    Ok(u128::from_be_bytes(bytes))
}
