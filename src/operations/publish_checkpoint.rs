//! Signs the tree head and keeps it, in this order: row committed, high-water file synced, then shown.

use std::sync::atomic::Ordering;

use crate::app::App;
use crate::error::{Error, Result};
use crate::proof::checkpoint::Checkpoint;
use crate::proof::tlog_proof::TlogProof;
use crate::store::log::{self, CheckpointRow, Head};
use crate::store::{Database, Ended, to_db};

/// Publishes a checkpoint over everything committed, unless the newest one covers it. Called by the writer only; of several servers one signs at a
/// time, because signing takes the head.
pub fn publish(app: &App, db: &mut Database) -> Result<CheckpointRow> {
    app.halt.check()?;
    let head = log::head(db)?.ok_or_else(|| Error::Fault("there is no log here: run `quittance init` first".to_owned()))?;
    if let Some(newest) = covers(db, &head)? {
        show(app, &newest)?;
        return Ok(newest);
    }
    // Crash before this commit: the checkpoint was never shown and is signed again, over the same or more entries.
    let written = db.write(|db| {
        let head = log::take_head(db)?;
        if let Some(newest) = covers(db, &head)? {
            return Ok(Ended::Abandoned(newest));
        }
        let number = log::newest_checkpoint(db)?.map_or(0, |newest| newest.number + 1);
        let checkpoint = Checkpoint { origin: app.identity.origin.clone(), size: head.frontier.size(), root: head.frontier.root() };
        let row = CheckpointRow { number, size: to_db(checkpoint.size), note: checkpoint.sign(&app.keys.log) };
        log::add_checkpoint(db, &row)?;
        Ok(Ended::Committed(row))
    });
    let row = match written {
        Ok(Ended::Committed(row) | Ended::Abandoned(row)) => row,
        // Committed or not: it was not shown, and the next one looks first.
        Err(error) if app.database.is_shared() => return Err(error.into()),
        Err(error) => return app.halt.guard(Err(error.into())),
    };
    show(app, &row)?;
    Ok(row)
}

/// The newest checkpoint, where it covers the head.
fn covers(db: &mut Database, head: &Head) -> Result<Option<CheckpointRow>> {
    Ok(log::newest_checkpoint(db)?.filter(|newest| newest.size == to_db(head.frontier.size())))
}

/// Makes a committed checkpoint one that may be shown. Crash between the commit and this: the row is newer than the file; whoever publishes next, or
/// starts, writes the file.
fn show(app: &App, row: &CheckpointRow) -> Result<()> {
    if app.shown.load(Ordering::Acquire) < row.number {
        app.halt.guard(app.keys.set_high_water(&row.note))?;
        app.shown.fetch_max(row.number, Ordering::AcqRel);
    }
    Ok(())
}

/// Whether there is something to publish, or to show: the log has grown, or the newest checkpoint is another server's.
pub fn behind(app: &App) -> Result<bool> {
    let mut db = app.read()?;
    let size = log::head(&mut db)?.map_or(0, |head| head.frontier.size());
    let shown = app.shown.load(Ordering::Acquire);
    Ok(log::newest_checkpoint(&mut db)?.is_none_or(|newest| newest.size != to_db(size) || newest.number > shown))
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
