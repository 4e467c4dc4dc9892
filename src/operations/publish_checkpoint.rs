//! Signs the tree head and keeps it, in this order: row committed, high-water file synced, then shown.

use std::sync::atomic::Ordering;

use crate::app::App;
use crate::error::{Error, Result};
use crate::proof::checkpoint::Checkpoint;
use crate::proof::tlog_proof::TlogProof;
use crate::store::log::{self, CheckpointRow};
use crate::store::{Database, Ended, to_db};

/// Publishes a checkpoint over everything committed, unless the newest one covers it. Called by the writer only.
pub fn publish(app: &App, db: &mut Database) -> Result<CheckpointRow> {
    app.halt.check()?;
    let head = log::head(db)?.ok_or_else(|| Error::Fault("there is no log here: run `quittance init` first".to_owned()))?;
    let newest = log::newest_checkpoint(db)?;
    if let Some(newest) = &newest
        && newest.size == to_db(head.frontier.size())
    {
        return Ok(newest.clone());
    }
    let checkpoint = Checkpoint { origin: app.identity.origin.clone(), size: head.frontier.size(), root: head.frontier.root() };
    let row =
        CheckpointRow { number: newest.map_or(0, |newest| newest.number + 1), size: to_db(checkpoint.size), note: checkpoint.sign(&app.keys.log) };
    // Crash before this commit: the checkpoint was never shown and is signed again, over the same or more entries.
    let committed = db.write(|db| log::add_checkpoint(db, &row).map(Ended::Committed)).map_err(Error::from);
    app.halt.guard(committed)?;
    // Crash between the two: the row is newer than the file; start-up writes the file again.
    app.halt.guard(app.keys.set_high_water(&row.note))?;
    app.shown.store(row.number, Ordering::Release);
    Ok(row)
}

/// The newest checkpoint that may be shown.
pub fn newest_shown(app: &App, db: &mut Database) -> Result<Option<CheckpointRow>> {
    log::checkpoint(db, app.shown.load(Ordering::Acquire))
}

/// The first checkpoint that covers an entry and may be shown.
pub fn covering(app: &App, db: &mut Database, seq: u64) -> Result<CheckpointRow> {
    log::first_checkpoint_covering(db, seq)?
        .filter(|row| row.number <= app.shown.load(Ordering::Acquire))
        .ok_or_else(|| Error::Unknown(format!("No checkpoint covers entry {seq} yet; one is published within seconds.")))
}

/// The proof that entry `seq` is in the log, against the first checkpoint that covers it.
pub fn proof_of(app: &App, db: &mut Database, seq: u64) -> Result<TlogProof> {
    let checkpoint = covering(app, db, seq)?;
    proof_against(app, db, seq, &checkpoint)
}

/// The proof that entry `seq` is in the log, against this checkpoint.
pub fn proof_against(app: &App, db: &mut Database, seq: u64, checkpoint: &CheckpointRow) -> Result<TlogProof> {
    let opened = Checkpoint::open(&checkpoint.note, app.keys.log.verifier()).map_err(|e| Error::fault("a stored checkpoint", e))?;
    let hashes = log::inclusion_proof(db, seq, opened.size)?;
    Ok(TlogProof { index: seq, hashes, checkpoint: checkpoint.note.clone() })
}
