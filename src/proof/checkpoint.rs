//! The signed head of the log (C2SP tlog-checkpoint): origin, size, root. Extension lines are neither written nor accepted.

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

/// What a checkpoint that is not one is told.
const FORM: NoteError = NoteError::Form("the checkpoint is not three lines of origin, size and root");

impl Checkpoint {
    /// The three lines that are signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, note::encode(&self.root))
    }

    /// Reads exactly those three lines. The empty log has the empty root.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let &[origin, size, root, ""] = text.splitn(5, '\n').collect::<Vec<_>>().as_slice() else { return Err(FORM) };
        let size = note::decimal(size).ok_or(FORM)?;
        let root: Hash = note::decode(root).and_then(|root| root.try_into().ok()).ok_or(FORM)?;
        if !note::is_key_name(origin) || (size == 0 && root != tree::empty_root()) {
            return Err(FORM);
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// The checkpoint as a note with one signature.
    pub fn sign(&self, signer: &NoteSigner) -> String {
        note::sign(&self.text(), signer)
    }

    /// Checks a signed checkpoint against the trusted key of its log, whose name must be the origin.
    pub fn open(signed: &str, verifier: &NoteVerifier) -> Result<Self, NoteError> {
        let text = note::open(signed, verifier)?;
        let checkpoint = Self::parse(&text)?;
        if checkpoint.origin == verifier.name() { Ok(checkpoint) } else { Err(NoteError::Origin(checkpoint.origin)) }
    }
}
