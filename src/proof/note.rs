//! The C2SP signed note with Ed25519 signatures (type 01): a text, an empty line, and signature lines.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::digest::{hex, sha256_of};
use super::identity::{PublicKey, Signer};

/// The longest note that is read.
pub const MAX_NOTE_BYTES: usize = 1_000_000;
/// The most signature lines that are read.
pub const MAX_SIGNATURES: usize = 100;
/// The longest key name: tlog-cosignature writes its length in one byte.
const MAX_NAME_BYTES: usize = 255;
/// Signature type: Ed25519 over the text.
const ED25519: u8 = 0x01;

/// Why a note, the checkpoint in it, or a receipt around that is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoteError {
    /// Not in its one spelling; the text says where.
    Form(&'static str),
    /// A line in the name of the trusted key does not verify.
    Signature,
    /// No line by the trusted key.
    Unsigned,
    /// A checkpoint that speaks for another log than the key that signed it.
    Origin(String),
    /// A receipt whose path does not lead from the leaf to the root of its checkpoint.
    Path,
}

impl fmt::Display for NoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form(why) => why,
            Self::Signature => "a signature in the name of the trusted log key does not match the text",
            Self::Unsigned => "no signature by the trusted log key",
            Self::Origin(origin) => return write!(f, "the checkpoint speaks for the log {origin}, which is not the trusted one"),
            Self::Path => "the path does not lead from this entry to the root that the log signed",
        })
    }
}

impl std::error::Error for NoteError {}

/// Whether `name` can name a key or a log: not empty, at most 255 bytes, without white space, control characters and `+`.
pub fn is_key_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// A private key that signs notes. Shows no secret when printed.
#[derive(Clone, Debug)]
pub struct NoteSigner {
    signer: Signer,
    verifier: NoteVerifier,
}

impl NoteSigner {
    /// `name` is the origin of the log; `seed` the 32 secret bytes of RFC 8032.
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Result<Self, NoteError> {
        let signer = Signer::from_seed(name.to_owned(), seed);
        let verifier = NoteVerifier::new(name, signer.public())?;
        Ok(Self { signer, verifier })
    }

    /// The public half.
    pub fn verifier(&self) -> &NoteVerifier {
        &self.verifier
    }

    /// The public half in words, `name+hash+base64`.
    pub fn vkey(&self) -> String {
        self.verifier.vkey()
    }
}

/// A public key that notes are checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteVerifier {
    name: String,
    id: [u8; 4],
    key: PublicKey,
}

impl NoteVerifier {
    /// A key under a name.
    pub fn new(name: &str, key: PublicKey) -> Result<Self, NoteError> {
        if !is_key_name(name) {
            return Err(NoteError::Form("the key name is empty, too long, or has spaces or + in it"));
        }
        let [a, b, c, d, ..] = sha256_of(&[name.as_bytes(), b"\n", &[ED25519], key.as_bytes()]);
        Ok(Self { name: name.to_owned(), id: [a, b, c, d], key })
    }

    /// Reads `name+hash+base64`, as it is printed in a contract or lies beside the log key.
    pub fn parse(vkey: &str) -> Result<Self, NoteError> {
        let read = || {
            let (name, rest) = vkey.split_once('+')?;
            let (id, key) = rest.split_once('+')?;
            let key = decode(key)?.strip_prefix(&[ED25519])?.try_into().ok()?;
            Self::new(name, PublicKey::from_bytes(&key).ok()?).ok().filter(|verifier| hex(&verifier.id) == id)
        };
        read().ok_or(NoteError::Form("the verifier key is not of the form name+hash+base64 of an Ed25519 key"))
    }

    /// The key's name: the origin of the log.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key in words, `name+hash+base64`.
    pub fn vkey(&self) -> String {
        let key = [&[ED25519][..], self.key.as_bytes()].concat();
        format!("{}+{}+{}", self.name, hex(&self.id), STANDARD.encode(key))
    }
}

/// Signs `text`, which must be UTF-8 lines that end in a newline, without an empty one at its end.
pub fn sign(text: &str, signer: &NoteSigner) -> String {
    let signature = signer.signer.sign(text.as_bytes());
    let line = STANDARD.encode([&signer.verifier.id[..], &signature].concat());
    format!("{text}\n\u{2014} {} {line}\n", signer.verifier.name)
}

/// Checks a note against one trusted key and gives its text. Lines by other keys are ignored; a line with this key's name and
/// id must verify, and there must be one.
pub fn open(note: &str, verifier: &NoteVerifier) -> Result<String, NoteError> {
    let form = NoteError::Form;
    if note.len() > MAX_NOTE_BYTES || note.chars().any(|c| c < ' ' && c != '\n') {
        return Err(form("the note is too long or holds control characters"));
    }
    let (text, lines) = note.rsplit_once("\n\n").ok_or(form("the note has no empty line before its signatures"))?;
    let lines = lines.strip_suffix('\n').ok_or(form("the note does not end with a newline"))?;
    if lines.split('\n').count() > MAX_SIGNATURES {
        return Err(form("the note has too many signatures"));
    }
    let text = format!("{text}\n");
    let mut signed = false;
    for line in lines.split('\n') {
        let parts = line.strip_prefix("\u{2014} ").and_then(|line| line.split_once(' ')).filter(|(name, _)| is_key_name(name));
        let (name, signature) = parts.ok_or(form("a signature line is malformed"))?;
        let bytes = decode(signature).ok_or(form("a signature is not canonical base64"))?;
        let (id, signature) = bytes.split_first_chunk::<4>().filter(|(_, rest)| !rest.is_empty()).ok_or(form("a signature is too short"))?;
        if name == verifier.name && *id == verifier.id {
            let signature = signature.try_into().map_err(|_| NoteError::Signature)?;
            if !verifier.key.verify(text.as_bytes(), signature) {
                return Err(NoteError::Signature);
            }
            signed = true;
        }
    }
    if signed { Ok(text) } else { Err(NoteError::Unsigned) }
}

/// Base64 in its one canonical spelling (RFC 4648 §3.5): padded, unused bits zero.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// The inverse of [`decode`].
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A decimal number in its one spelling: no sign, no leading zero.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits && (text == "0" || !text.starts_with('0')))
}
