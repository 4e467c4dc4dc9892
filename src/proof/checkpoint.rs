//! The signed head of the log (C2SP tlog-checkpoint): origin, size, root. Extension lines are neither written nor accepted.

use std::fmt;

use super::digest::Hash;
use super::note::{self, NoteError, NoteSigner, NoteVerifier};
use super::tree;

/// The head of a log at one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name on the wire: its URL without scheme.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// Why a checkpoint is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckpointError {
    /// The note around it.
    Note(NoteError),
    /// Not three lines of origin, size and root, each in its one spelling.
    Form,
    /// It speaks for another log than the key that signed it.
    Origin(String),
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(why) => why.fmt(f),
            Self::Form => f.write_str("the checkpoint is not three lines of origin, size and root"),
            Self::Origin(origin) => write!(f, "the checkpoint speaks for the log {origin}, which is not the trusted one"),
        }
    }
}

impl std::error::Error for CheckpointError {}

impl Checkpoint {
    /// The three lines that are signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, note::encode(&self.root))
    }

    /// Reads exactly those three lines. The empty log has the empty root.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root), Some(""), None) = (lines.next(), lines.next(), lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::Form);
        };
        let size = note::decimal(size).ok_or(CheckpointError::Form)?;
        let root: Hash = note::decode(root).and_then(|root| root.try_into().ok()).ok_or(CheckpointError::Form)?;
        if !note::is_key_name(origin) || (size == 0 && root != tree::empty_root()) {
            return Err(CheckpointError::Form);
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// The checkpoint as a note with one signature.
    pub fn sign(&self, signer: &NoteSigner) -> String {
        note::sign(&self.text(), signer)
    }

    /// Checks a signed checkpoint against the trusted key of its log, whose name must be the origin.
    pub fn open(signed: &str, verifier: &NoteVerifier) -> Result<Self, CheckpointError> {
        let text = note::open(signed, verifier).map_err(CheckpointError::Note)?;
        let checkpoint = Self::parse(&text)?;
        if checkpoint.origin == verifier.name() { Ok(checkpoint) } else { Err(CheckpointError::Origin(checkpoint.origin)) }
    }
}
