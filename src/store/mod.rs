//! The log and the tables, on SQLite or PostgreSQL, and the files beside them. Decides nothing.
//!
//! Derived from the log, and rebuilt or compared by `audit`: `entry_subjects`, `record_keys`, `assets`, `asset_parties`, `media`, `parties`,
//! `consignments`, `consignment_lines`, `consignment_tags`, `discrepancies`, `evidence`, `evidence_lists`, `evidence_media`, `media_lists`, `certificates`,
//! `certificate_parties`, `label_counts`, `asset_search`, `asset_trigrams`, `exceptions`, `exception_lists`, `exception_counts`, `mass_sums`.
//! `tables_version` says which program's shape they have.
//! Not derived: `people` and `people_erased` (the directory), `credentials`, `recovery_codes`, `oidc_identities`, `sessions`, `api_tokens`, `invitations`
//! (what people and programs sign in with), `administration` (what was done about people and access), `one_time_links` (hashes of their secrets),
//! `assignees` (which device is with whom, as keyed hashes), `last_seen` (where devices in use were seen), `bulk_jobs` and `bulk_items` (work under way),
//! `idempotency` (answers that may be asked for again), `notes` (what people write to each other), `views` (lists that people narrowed and named),
//! `readings` (what readers made of stored files), `outbox`, `outbox_told` and `mail_preferences` (letters to be sent, what was told, who wants what),
//! `shown_names` (salts), `certificate_parts` and `status_lists` (which stored files belong together; `audit` draws every certificate's pages again from
//! them and compares the digest that the log names).

pub mod accounts;
pub mod administration;
pub mod assignees;
pub mod bucket;
pub mod bulk;
pub mod derived;
pub mod evidence_lists;
pub mod files;
pub mod idempotency;
pub mod ids;
pub mod inventory;
pub mod invitations;
mod json;
pub mod keyring;
pub mod last_seen;
pub mod links;
pub mod listings;
pub mod log;
pub mod mass;
pub mod media_lists;
pub mod notes;
pub mod outbox;
pub mod people;
#[cfg(feature = "postgres")]
mod postgres;
pub mod readings;
mod rows;
pub mod schema;
pub mod search;
pub mod sessions;
pub mod tables;
pub mod tokens;
pub mod views;
pub mod watchlist;

use std::path::Path;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::error::{Error, Result};

pub use connection::Database;

#[allow(missing_docs, reason = "the derive writes public items beside the enum")]
mod connection {
    #[cfg(feature = "postgres")]
    use diesel::PgConnection;
    use diesel::SqliteConnection;

    /// A connection to either database.
    #[derive(diesel::MultiConnection)]
    pub enum Database {
        /// The embedded default.
        Sqlite(SqliteConnection),
        /// For many clients, and more than one server.
        #[cfg(feature = "postgres")]
        Postgres(PgConnection),
    }
}

/// Runs the same statement on the concrete connection, for what diesel cannot do on both at once (upserts).
macro_rules! each {
    ($connection:expr, $it:ident => $body:expr) => {
        match $connection {
            $crate::store::Database::Sqlite($it) => $body,
            #[cfg(feature = "postgres")]
            $crate::store::Database::Postgres($it) => $body,
        }
    };
}
pub(crate) use each;

const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
#[cfg(feature = "postgres")]
const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// WAL with a full sync: a commit is on the disk when it returns. The rest is speed, within bounds: a busy reader waits at most 5 s,
/// and 16 MiB of pages are cached. SQLite would move the WAL into the file by itself and swallow a failing fsync there; the writer has it done instead.
const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; \
     PRAGMA cache_size=-16384; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=0;";

/// Where the database is: `sqlite://path` or `postgres://…`. The scheme alone decides which one it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The database file in a data folder.
    pub fn in_folder(data: &Path) -> Self {
        Self(format!("sqlite://{}", data.join("quittance.db").display()))
    }
    /// Accepts `sqlite://` and, where it is built in, `postgres://` or `postgresql://`.
    pub fn parse(text: &str) -> Result<Self> {
        let postgres = text.starts_with("postgres://") || text.starts_with("postgresql://");
        if text.starts_with("sqlite://") || (postgres && cfg!(feature = "postgres")) {
            Ok(Self(text.to_owned()))
        } else if postgres {
            Err(Error::Fault("this program was built without PostgreSQL; build it with --features postgres".to_owned()))
        } else {
            Err(Error::Fault("a database URL starts with sqlite:// or postgres://".to_owned()))
        }
    }
    /// The address as it was given, with whatever secret is in it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Whether this is a server of its own (PostgreSQL): more than one program may write to it at once, and it may go away and come back.
    pub fn is_shared(&self) -> bool {
        !self.0.starts_with("sqlite://")
    }
    /// Waits until the names of SQLite's files are on the disk: the WAL is new after every start. Called while a connection is open and before
    /// anything is acknowledged.
    pub fn sync_folder(&self) -> Result<()> {
        match self.0.strip_prefix("sqlite://").map(Path::new).and_then(Path::parent) {
            Some(folder) if !folder.as_os_str().is_empty() => files::sync_folder(folder),
            Some(_) => files::sync_folder(Path::new(".")),
            None => Ok(()),
        }
    }
    /// Opens a connection with the settings that durability needs.
    pub fn open(&self) -> Result<Database> {
        if let Some(path) = self.0.strip_prefix("sqlite://") {
            let mut connection = SqliteConnection::establish(path).map_err(|e| Error::fault(&format!("opening {path}"), e))?;
            connection.batch_execute(SQLITE_SETTINGS)?;
            return Ok(Database::Sqlite(connection));
        }
        #[cfg(feature = "postgres")]
        {
            Ok(Database::Postgres(postgres::open(&self.0)?))
        }
        #[cfg(not(feature = "postgres"))]
        Err(Error::Fault("this program was built without PostgreSQL".to_owned()))
    }
}

impl Database {
    /// Brings the schema up to date.
    pub fn migrate(&mut self) -> Result<()> {
        match self {
            Database::Sqlite(connection) => connection.run_pending_migrations(SQLITE_MIGRATIONS).map(|_| ()),
            #[cfg(feature = "postgres")]
            Database::Postgres(connection) => {
                postgres::migrating(connection, |connection| connection.run_pending_migrations(POSTGRES_MIGRATIONS).map(|_| ()))?
            }
        }
        .map_err(|e| Error::fault("bringing the tables up to date", e))
    }

    /// Whether the schema was ever set up here.
    pub fn has_tables(&mut self) -> Result<bool> {
        let sql = match self {
            Database::Sqlite(_) => "EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'entries')",
            #[cfg(feature = "postgres")]
            Database::Postgres(_) => "to_regclass('entries') IS NOT NULL",
        };
        Ok(diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(sql)).get_result(self)?)
    }

    /// Runs `work` in a transaction that takes SQLite's write lock at once; on PostgreSQL whoever writes to the log takes the head's row first.
    /// When this returns [`Ended::Committed`], the commit is on the disk.
    pub fn write<T>(&mut self, work: impl FnOnce(&mut Database) -> Result<Ended<T>>) -> std::result::Result<Ended<T>, WriteError<T>> {
        match self {
            Database::Sqlite(connection) => AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")
                .map_err(|e| Error::Busy(format!("The database is in use by another program ({e}); try again in a moment."))),
            #[cfg(feature = "postgres")]
            Database::Postgres(connection) => AnsiTransactionManager::begin_transaction(connection).map_err(Error::from),
        }
        .map_err(|error| self.not_committed(error))?;
        match work(self) {
            Ok(Ended::Committed(value)) => match <Self as Connection>::TransactionManager::commit_transaction(self) {
                Ok(()) => Ok(Ended::Committed(value)),
                // PostgreSQL answered, and its answer was no.
                Err(error) if self.is_shared() && !self.is_lost() => Err(WriteError::Before(error.into())),
                Err(error) => Err(WriteError::Commit(error.into(), value)),
            },
            Ok(Ended::Abandoned(value)) => {
                <Self as Connection>::TransactionManager::rollback_transaction(self).map_err(|e| self.not_committed(e.into()))?;
                Ok(Ended::Abandoned(value))
            }
            Err(error) => {
                // The cause is `error`; a failing rollback adds nothing that the caller could act on.
                let _ = <Self as Connection>::TransactionManager::rollback_transaction(self);
                Err(self.not_committed(error))
            }
        }
    }

    fn not_committed<T>(&mut self, error: Error) -> WriteError<T> {
        if self.is_lost() { WriteError::Lost(error) } else { WriteError::Before(error) }
    }

    /// Whether this is PostgreSQL: see [`DatabaseUrl::is_shared`]. Every statement is a journey there, so it pays to ask for many things at once.
    pub fn is_shared(&self) -> bool {
        !matches!(self, Database::Sqlite(_))
    }

    /// Whether the connection to PostgreSQL is gone, as far as the last statement showed. SQLite has none that could break.
    pub fn is_lost(&mut self) -> bool {
        match self {
            Database::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Database::Postgres(connection) => AnsiTransactionManager::is_broken_transaction_manager(connection),
        }
    }

    /// Reads one state of everything, whatever is written meanwhile, for as long as it takes.
    pub fn snapshot<T>(&mut self, work: impl FnOnce(&mut Database) -> Result<T>) -> Result<T> {
        match self {
            Database::Sqlite(connection) => AnsiTransactionManager::begin_transaction(connection),
            #[cfg(feature = "postgres")]
            Database::Postgres(connection) => AnsiTransactionManager::begin_transaction_sql(connection, postgres::SNAPSHOT),
        }?;
        let result = work(self);
        let ended = <Self as Connection>::TransactionManager::rollback_transaction(self);
        let value = result?;
        ended?;
        Ok(value)
    }

    /// Makes SQLite cache fewer pages, for a connection that mostly writes: after a commit by which pages have changed places it looks at every page
    /// that it has cached, and what it does not cache the operating system does.
    pub fn cache_little(&mut self) -> Result<()> {
        match self {
            Database::Sqlite(connection) => Ok(connection.batch_execute("PRAGMA cache_size=-4096;")?),
            #[cfg(feature = "postgres")]
            Database::Postgres(_) => Ok(()),
        }
    }

    /// Moves SQLite's WAL into its file. Not on the way to any answer; a failure here is a failing disk.
    pub fn tidy_up(&mut self) -> Result<()> {
        each!(self, c => tidy(c))
    }
}

trait Tidy {
    fn tidy(&mut self) -> Result<()>;
}
impl Tidy for SqliteConnection {
    fn tidy(&mut self) -> Result<()> {
        #[derive(QueryableByName)]
        struct Moved {
            #[diesel(sql_type = diesel::sql_types::Integer)]
            #[expect(dead_code, reason = "a busy reader only delays the move")]
            busy: i32,
        }
        let _: Vec<Moved> = diesel::sql_query("PRAGMA wal_checkpoint(PASSIVE)").load(self)?;
        Ok(())
    }
}
#[cfg(feature = "postgres")]
impl Tidy for PgConnection {
    fn tidy(&mut self) -> Result<()> {
        Ok(())
    }
}
fn tidy(connection: &mut impl Tidy) -> Result<()> {
    connection.tidy()
}

/// How a transaction ended.
#[derive(Debug)]
pub enum Ended<T> {
    /// Everything is on the disk.
    Committed(T),
    /// There was nothing to write.
    Abandoned(T),
}

impl<T> Ended<T> {
    /// What the work gave.
    pub fn value(self) -> T {
        match self {
            Ended::Committed(value) | Ended::Abandoned(value) => value,
        }
    }
}

/// Why a transaction did not end well.
#[derive(Debug)]
pub enum WriteError<T> {
    /// Nothing was committed.
    Before(Error),
    /// Nothing was committed, and the connection is gone.
    Lost(Error),
    /// The commit itself failed: nobody knows what is on the disk, so nothing may be acknowledged before somebody has looked. Carries what would
    /// have been answered.
    Commit(Error, T),
}

impl<T> From<WriteError<T>> for Error {
    fn from(error: WriteError<T>) -> Self {
        match error {
            WriteError::Before(error) | WriteError::Lost(error) | WriteError::Commit(error, _) => error,
        }
    }
}

/// Read connections for pages and the API; they never wait for the writer.
pub type Pool = diesel::r2d2::Pool<Readers>;

/// How long a reader waits for a connection; and where there is not one, because the database is away.
const FOR_A_CONNECTION: Duration = Duration::from_secs(2);
const WHILE_AWAY: Duration = Duration::from_millis(250);

/// Opens read connections by URL scheme.
pub struct Readers(pub DatabaseUrl);

impl diesel::r2d2::ManageConnection for Readers {
    type Connection = Database;
    type Error = Error;
    fn connect(&self) -> Result<Database> {
        self.0.open().inspect_err(|error| tracing::debug!("opening a read connection: {error}"))
    }
    fn is_valid(&self, db: &mut Database) -> Result<()> {
        match db {
            Database::Sqlite(_) => Ok(()),
            // One round trip, so that nobody is handed a connection that broke while nobody used it.
            #[cfg(feature = "postgres")]
            Database::Postgres(connection) => Ok(connection.batch_execute("SELECT 1")?),
        }
    }
    fn has_broken(&self, db: &mut Database) -> bool {
        db.is_lost()
    }
}

/// A pool of at most `size` read connections.
pub fn pool(url: &DatabaseUrl, size: u32) -> Result<Pool> {
    diesel::r2d2::Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .test_on_check_out(url.is_shared())
        .connection_timeout(FOR_A_CONNECTION)
        .build(Readers(url.clone()))
        .map_err(|e| Error::fault("opening read connections", e))
}

/// A read connection from the pool.
pub fn reader(pool: &Pool) -> Result<diesel::r2d2::PooledConnection<Readers>> {
    // None at all, where one was opened at the start: the database is away, and as long as it is, nobody is kept waiting in a queue.
    let away = || pool.state().connections == 0;
    let patience = if away() { WHILE_AWAY } else { FOR_A_CONNECTION };
    pool.get_timeout(patience).map_err(|_| {
        if away() { Error::away() } else { Error::Busy("All connections to the database are in use; try again in a moment.".to_owned()) }
    })
}

/// An index as the database keeps it; the log cannot hold more than 2^63 entries.
pub(crate) fn to_db(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
/// An index as the program uses it.
pub(crate) fn from_db(n: i64) -> Result<u64> {
    u64::try_from(n).map_err(|_| Error::Fault("the database holds a negative index: run `quittance audit`".to_owned()))
}
