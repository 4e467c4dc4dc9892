//! What can go wrong where there is I/O, by who must act.

use std::fmt;

use crate::domain::refusal::Refusal;

/// The result of everything with I/O.
pub type Result<T> = std::result::Result<T, Error>;

/// By who must act.
#[derive(Debug)]
pub enum Error {
    /// Nobody is signed in, or the token is not known (401).
    SignedOut,
    /// There is no such thing, or not for this person (404).
    Unknown(String),
    /// The command is refused; its reason says what to do (422).
    Refused(Refusal),
    /// Something moved meanwhile; try again (409).
    Conflict(Refusal),
    /// The service cannot take writes now; try again later (503).
    Busy(String),
    /// The operator must act: a row of the tables cannot be read; only what concerns it is in the way (500).
    Damaged(String),
    /// The operator must act: the service is at fault, or its machine (500). Logged once with a reference number.
    Fault(String),
}

impl Error {
    /// The database does not answer. The cause is in the log of whoever noticed it, not in an answer.
    pub fn away() -> Self {
        Error::Busy("The database cannot be reached; nothing was recorded. Try again in a moment.".to_owned())
    }
    /// A fault with what was being done.
    pub fn fault(doing: &str, cause: impl fmt::Display) -> Self {
        Error::Fault(format!("{doing}: {cause}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::SignedOut => f.write_str("Sign in first."),
            Error::Unknown(what) | Error::Busy(what) | Error::Damaged(what) | Error::Fault(what) => f.write_str(what),
            Error::Refused(refusal) | Error::Conflict(refusal) => refusal.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        if matches!(refusal.code, "certification.moved_on" | "certification.place_taken") {
            Error::Conflict(refusal)
        } else {
            Error::Refused(refusal)
        }
    }
}

/// What PostgreSQL says where another transaction was in the way (40P01, 55P03, 57014); diesel does not give the codes.
const HELD: [&str; 3] = ["deadlock detected", "canceling statement due to lock timeout", "canceling statement due to statement timeout"];

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind as Kind, Error as Diesel};
        let held = || Error::Busy("The database is busy with something else; nothing was recorded. Try again in a moment.".to_owned());
        match &error {
            Diesel::BrokenTransactionManager | Diesel::DatabaseError(Kind::ClosedConnection, _) => Error::away(),
            Diesel::DatabaseError(Kind::UnableToSendCommand, info) if info.message().contains("connection") => Error::away(),
            Diesel::DatabaseError(Kind::SerializationFailure, _) => held(),
            Diesel::DatabaseError(_, info) if HELD.iter().any(|words| info.message().contains(words)) => held(),
            // In the same words whatever language the database speaks.
            Diesel::DatabaseError(Kind::UniqueViolation, _) => Error::fault("the database: unique constraint", error),
            _ => Error::fault("the database", error),
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Error::fault("a file", error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::fault("JSON", error)
    }
}
