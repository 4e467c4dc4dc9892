//! Writes a note: its text and a fresh salt in a table of their own, and in the same transaction the entry that announces it by a salted digest.

use std::sync::Arc;

use super::Service;
use super::once::{Once, Outcome};
use super::record::{Receipt, Terms};
use crate::app::{now, seed};
use crate::domain::names::Digest;
use crate::domain::notes::{self as rules, AddNote};
use crate::domain::{Actor, Subject};
use crate::error::{Error, Result};
use crate::proof::digest::{Hash, sha256_of};
use crate::store::idempotency::RequestKey;
use crate::store::notes::{self, Note};
use crate::store::{Database, to_db};

/// A note that was written.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Written {
    /// Its id, by which it can be erased.
    pub note: String,
    /// The entry that announces it.
    pub entry: Option<u64>,
    /// All of what was recorded.
    #[serde(skip)]
    pub receipt: Receipt,
}

/// What the ledger holds of a note: SHA-256 of its salt and its text.
pub fn digest(salt: &[u8], text: &str) -> Hash {
    sha256_of(&[salt, text.as_bytes()])
}

/// Writes a note about a thing, or about a line of a consignment.
pub fn write(
    service: &Service,
    actor: &Actor,
    about: Subject,
    line: Option<Subject>,
    text: &str,
    key: Option<&RequestKey>,
) -> Result<Outcome<Written>> {
    let text = rules::text(text)?;
    let salt = [seed()?.to_be_bytes(), seed()?.to_be_bytes()].concat();
    let id = format!("urn:uuid:{}", uuid::Builder::from_random_bytes(seed()?.to_be_bytes()).into_uuid());
    let command = AddNote { about: about.clone(), line: line.clone(), salted_sha256: Digest::from_bytes(digest(&salt, &text)) };
    let note = Note {
        id: id.clone(),
        about: about.id,
        line: line.map(|line| line.id),
        author: actor.person.to_string(),
        party: actor.party.to_string(),
        text: Some(text),
        salt: Some(salt),
        seq: 0,
        at: 0,
        erased_at: None,
        erased_by: None,
    };
    let beside = move |db: &mut Database, receipt: &Receipt| {
        let entry = receipt.entries.first().ok_or_else(|| Error::Fault("a note without an entry".to_owned()))?;
        notes::add(db, &Note { seq: to_db(entry.seq), at: receipt.time.map_or(0, |at| at.unix_ms()), ..note.clone() })
    };
    let told = move |receipt: &Receipt| Written { note: id.clone(), entry: receipt.entries.first().map(|entry| entry.seq), receipt: receipt.clone() };
    let shape = told.clone();
    let once = Once::created(key, move |receipt| Ok(shape(receipt)));
    let terms = Terms { beside: Some(Arc::new(beside)), once, ..Terms::default() };
    service.recorder.record_once(command, actor, terms)?.map(|receipt| Ok(told(&receipt)))
}

/// Erases the text of a note; whether there was one to erase.
pub fn erase(service: &Service, actor: &Actor, note: &str) -> Result<bool> {
    let (note, by) = (note.to_owned(), actor.person.to_string());
    service.recorder.write_waiting(move |db| notes::erase(db, &note, &by, now().unix_ms()))
}
