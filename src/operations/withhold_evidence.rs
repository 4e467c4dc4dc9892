//! Sees to it that bytes which the record says are withheld are not there: refuses what would take others' bytes with them, removes them once the entry
//! is durable, and does so again after a crash.

use super::Service;
use crate::app::App;
use crate::domain::evidence::Evidence;
use crate::domain::names::Digest;
use crate::domain::records::Records;
use crate::domain::refusal::Refusal;
use crate::domain::withholding::WITHHELD_SPACE;
use crate::error::{Error, Result};
use crate::proof::digest::{hex, sha256};
use crate::store::tables::KeyRow;
use crate::store::{Database, inventory, readings, tables};

/// The event after which bytes are removed.
pub const EVENT: &str = "evidence.withheld";

/// Files whose bytes are withheld by what is being recorded.
pub fn newly(known: &Records) -> impl Iterator<Item = &Evidence> {
    let slots = known.evidence.changed().filter(|slot| slot.before().is_none_or(|before| before.withheld().is_none()));
    slots.filter_map(|slot| slot.now()).filter(|evidence| evidence.withheld().is_some())
}

/// Refuses to withhold a file whose bytes the service has published itself: somebody uploaded a certificate, and what others check it by would be gone.
/// Inside the transaction, whichever door the command came by.
pub fn require_nothing_else(db: &mut Database, known: &Records) -> Result<()> {
    for evidence in newly(known) {
        if let Some(what) = inventory::published_as(db, evidence.sha256.as_str())? {
            let why = format!("This file is also {what}, which the service has published; its bytes have to stay. Take the proposal back.");
            return Err(Refusal::new("withholding.published", why).into());
        }
    }
    Ok(())
}

/// Stores bytes, unless they were withheld; then nothing is stored.
pub fn store_unless_withheld(app: &App, bytes: &[u8]) -> Result<Digest> {
    let digest = Digest::parse(&hex(&sha256(bytes)))?;
    if let Some(evidence) = tables::find::<Evidence>(&mut *app.read()?, &digest)? {
        evidence.require_not_withheld()?;
    }
    app.halt.guard(app.files.put(bytes))
}

/// Removes the bytes of every withheld file that still has some. Cheap where none has.
///
/// The entry comes first and the removal after it. A crash between the two leaves bytes of which the record says that they are withheld; they are given
/// to nobody, and go when the record is opened again, which asks for this.
pub fn finish(service: &Service) -> Result<()> {
    let app = &service.app;
    let withheld = KeyRow::of_space(&mut *app.read()?, WITHHELD_SPACE)?;
    for digest in withheld {
        let digest = Digest::parse(&digest)?;
        if app.files.has(&digest)? {
            let sha256 = digest.to_string();
            // What was linked is in the record and stays; the rest of what was read may be what had to go.
            service.recorder.write_waiting(move |db| readings::forget(db, &sha256))?;
            remove(app, &digest)?;
        }
    }
    Ok(())
}

/// Removes the bytes of a withheld file. What became part of something published after it was withheld stays.
pub fn remove(app: &App, digest: &Digest) -> Result<()> {
    if inventory::published_as(&mut *app.read()?, digest.as_str())?.is_some() {
        return Ok(());
    }
    app.files.remove(digest)
}

/// Whether an upload was refused because its bytes are withheld: then they may have been stored before the record was asked, and go again.
pub fn is_sent_again(error: &Error) -> bool {
    matches!(error, Error::Refused(refusal) if refusal.code == "withholding.sent_again")
}
