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
    /// The operator must act: the service is at fault, or its machine (500). Logged once with a reference number.
    Fault(String),
}

impl Error {
    /// A fault with what was being done.
    pub fn fault(doing: &str, cause: impl fmt::Display) -> Self {
        Error::Fault(format!("{doing}: {cause}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::SignedOut => f.write_str("Sign in first."),
            Error::Unknown(what) | Error::Busy(what) | Error::Fault(what) => f.write_str(what),
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

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Error::fault("the database", error)
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
