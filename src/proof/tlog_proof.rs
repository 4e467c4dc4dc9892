//! The offline receipt of one entry (C2SP tlog-proof): its index, the path to the root, and the signed checkpoint.

use super::checkpoint::Checkpoint;
use super::digest::Hash;
use super::note::{self, NoteError, NoteVerifier};
use super::tree;

/// The first line of the format.
const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// The longest path of a tree whose size fits 64 bits.
const MAX_HASHES: usize = 63;

/// That the leaf `index` is in the log, as of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Index of the leaf.
    pub index: u64,
    /// The path, the leaf's sibling first.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint, verbatim, with whatever cosignatures it carries.
    pub checkpoint: String,
}

impl TlogProof {
    /// The receipt as a file.
    pub fn write(&self) -> String {
        let path: String = self.hashes.iter().map(|hash| note::encode(hash) + "\n").collect();
        format!("{HEADER}\nindex {}\n{path}\n{}", self.index, self.checkpoint)
    }

    /// Reads a receipt. An `extra` line, which nothing vouches for, is checked for its form and dropped.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        if text.len() > 2 * note::MAX_NOTE_BYTES {
            return Err(NoteError::Form("the receipt is too long"));
        }
        let (head, checkpoint) = text.split_once("\n\n").ok_or(NoteError::Form("the receipt has no empty line before its checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(NoteError::Form("the first line is not c2sp.org/tlog-proof@v1"));
        }
        if let Some(extra) = lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            note::decode(extra).ok_or(NoteError::Form("the extra line is not base64"))?;
            lines.next();
        }
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(note::decimal);
        let index = index.ok_or(NoteError::Form("the index line is not a decimal number"))?;
        let hashes = lines.map(|line| note::decode(line).and_then(|hash| hash.try_into().ok())).collect::<Option<Vec<Hash>>>();
        let hashes = hashes.filter(|hashes| hashes.len() <= MAX_HASHES).ok_or(NoteError::Form("the path is not base64 hashes"))?;
        Ok(Self { index, hashes, checkpoint: checkpoint.to_owned() })
    }

    /// Checks that the log signed a head that contains `leaf` at this index, and gives that head.
    pub fn verify(&self, leaf: &Hash, verifier: &NoteVerifier) -> Result<Checkpoint, NoteError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, verifier)?;
        if tree::verify_inclusion(self.index, checkpoint.size, leaf, &self.hashes, &checkpoint.root) { Ok(checkpoint) } else { Err(NoteError::Path) }
    }
}
