//! Jobs that give one command for many things, and their items. Not derived from the log: an item is marked as done in the transaction of its entries.

use diesel::prelude::*;

use super::rows::{self, row_of};
use super::schema::{bulk_items, bulk_jobs};
use super::{Database, log, to_db};
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};

/// Still worked on.
pub const RUNNING: &str = "running";
/// Every item was carried out or refused.
pub const DONE: &str = "done";
/// Somebody cancelled it.
pub const CANCELLED: &str = "cancelled";
/// It cannot go on.
pub const STOPPED: &str = "stopped";
/// An item that nobody has tried yet.
pub const WAITING: &str = "waiting";
/// An item that was refused.
pub const REFUSED: &str = "refused";
/// An item that was given up: nothing is known against it, and the service was at fault each time.
pub const FAILED: &str = "failed";

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = bulk_jobs)]
#[allow(missing_docs, reason = "the columns are described in migrations/")]
pub struct Job {
    pub id: String,
    pub person: String,
    pub party: String,
    pub command: String,
    pub body: String,
    pub member: String,
    pub state: String,
    pub total: i64,
    pub done: i64,
    pub refused: i64,
    pub began: i64,
    pub ended: Option<i64>,
    pub why: Option<String>,
    pub runner: String,
    pub lease: i64,
    pub failed: i64,
}

/// An item of a job.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, serde::Serialize)]
pub struct Item {
    /// The job.
    #[serde(skip)]
    pub job: String,
    /// Its number, from 1.
    pub number: i64,
    /// The device or medium.
    pub subject: String,
    /// `waiting`, `done`, `refused` or `failed`.
    pub state: String,
    /// The first entry that it became.
    pub seq: Option<i64>,
    /// Why it was refused, or has failed.
    pub code: Option<String>,
    /// In words.
    pub why: Option<String>,
    /// How often it was tried while the service was at fault.
    pub tries: i64,
}

struct NewItem {
    job: String,
    number: i64,
    subject: String,
    state: String,
}

row_of!(NewItem, bulk_items, 2, job: String, number: i64, subject: String, state: String);

/// Adds a job with an item for each of these things.
pub fn add(db: &mut Database, job: &Job, subjects: &[String]) -> Result<()> {
    diesel::insert_into(bulk_jobs::table).values(job.clone()).execute(db)?;
    let items = (1i64..).zip(subjects);
    let items = items.map(|(number, subject)| NewItem { job: job.id.clone(), number, subject: subject.clone(), state: WAITING.to_owned() });
    rows::insert(db, items.collect())
}

/// A job by id.
pub fn find(db: &mut Database, id: &str) -> Result<Option<Job>> {
    Ok(bulk_jobs::table.find(id).first(db).optional()?)
}

/// The job that has waited longest for this server, among those that no other server works on.
pub fn next(db: &mut Database, runner: &str, now: i64) -> Result<Option<Job>> {
    Ok(bulk_jobs::table
        .filter(bulk_jobs::state.eq(RUNNING))
        .filter(bulk_jobs::runner.eq(runner).or(bulk_jobs::lease.lt(now)))
        .order((bulk_jobs::lease, bulk_jobs::id))
        .first(db)
        .optional()?)
}

/// Takes a job for this server until `lease`; whether it was still to be had.
pub fn claim(db: &mut Database, id: &str, runner: &str, now: i64, lease: i64) -> Result<bool> {
    let free = bulk_jobs::table
        .filter(bulk_jobs::id.eq(id))
        .filter(bulk_jobs::state.eq(RUNNING))
        .filter(bulk_jobs::runner.eq(runner).or(bulk_jobs::lease.lt(now)));
    Ok(diesel::update(free).set((bulk_jobs::runner.eq(runner), bulk_jobs::lease.eq(lease))).execute(db)? == 1)
}

/// The first items that are still to be carried out; those that were tried in vain come last.
pub fn waiting(db: &mut Database, job: &str, limit: i64) -> Result<Vec<Item>> {
    let items = bulk_items::table.filter(bulk_items::job.eq(job)).filter(bulk_items::state.eq(WAITING));
    Ok(items.order((bulk_items::tries, bulk_items::number)).limit(limit).load(db)?)
}

/// The items from a number on.
pub fn items(db: &mut Database, job: &str, from: i64, limit: i64) -> Result<Vec<Item>> {
    let items = bulk_items::table.filter(bulk_items::job.eq(job)).filter(bulk_items::number.ge(from));
    Ok(items.order(bulk_items::number).limit(limit).load(db)?)
}

/// Every item that was refused or has failed.
pub fn not_done(db: &mut Database, job: &str) -> Result<Vec<Item>> {
    Ok(bulk_items::table.filter(bulk_items::job.eq(job)).filter(bulk_items::state.eq_any([REFUSED, FAILED])).order(bulk_items::number).load(db)?)
}

/// Marks an item as done, in the transaction of its entries: once, and only while its job runs. Whatever else is found undoes the entries.
pub fn set_done(db: &mut Database, job: &str, number: i64, seq: Option<u64>) -> Result<()> {
    let item = bulk_items::table.find((job, number)).filter(bulk_items::state.eq(WAITING));
    let marked = diesel::update(item).set((bulk_items::state.eq(DONE), bulk_items::seq.eq(seq.map(to_db)))).execute(db)?;
    let running = bulk_jobs::table.find(job).filter(bulk_jobs::state.eq(RUNNING));
    let counted = diesel::update(running).set(bulk_jobs::done.eq(bulk_jobs::done + 1)).execute(db)?;
    if (marked, counted) == (1, 1) {
        return Ok(());
    }
    Err(Error::Conflict(Refusal::new("bulk.not_waiting", "The job was cancelled, or another server has carried this item out; look at the job.")))
}

/// Marks items as refused: `(number, code, why)`.
pub fn set_refused(db: &mut Database, job: &str, refused: &[(i64, String, String)]) -> Result<()> {
    // The lock that every writer takes first.
    log::take_head(db)?;
    let mut marked = 0;
    for (number, code, why) in refused {
        let item = bulk_items::table.find((job, number)).filter(bulk_items::state.eq(WAITING));
        let set = (bulk_items::state.eq(REFUSED), bulk_items::code.eq(Some(code)), bulk_items::why.eq(Some(why)));
        marked += i64::try_from(diesel::update(item).set(set).execute(db)?).unwrap_or(0);
    }
    diesel::update(bulk_jobs::table.find(job)).set(bulk_jobs::refused.eq(bulk_jobs::refused + marked)).execute(db)?;
    Ok(())
}

/// Counts one more try of items for which the service was at fault: `(number, why)`. Those that have had `most` are given up; gives their numbers.
pub fn tried(db: &mut Database, job: &str, faults: &[(i64, String)], most: i64) -> Result<Vec<i64>> {
    // The lock that every writer takes first.
    log::take_head(db)?;
    let mut failed = Vec::new();
    for (number, why) in faults {
        let item = || bulk_items::table.find((job, number)).filter(bulk_items::state.eq(WAITING));
        diesel::update(item()).set(bulk_items::tries.eq(bulk_items::tries + 1)).execute(db)?;
        let set = (bulk_items::state.eq(FAILED), bulk_items::code.eq(Some("service.fault")), bulk_items::why.eq(Some(why)));
        if diesel::update(item().filter(bulk_items::tries.ge(most))).set(set).execute(db)? == 1 {
            failed.push(*number);
        }
    }
    let more = i64::try_from(failed.len()).unwrap_or(0);
    diesel::update(bulk_jobs::table.find(job)).set(bulk_jobs::failed.eq(bulk_jobs::failed + more)).execute(db)?;
    Ok(failed)
}

/// Ends a job that still runs.
pub fn end(db: &mut Database, job: &str, state: &str, at: i64, why: Option<&str>) -> Result<()> {
    log::take_head(db)?;
    let running = bulk_jobs::table.find(job).filter(bulk_jobs::state.eq(RUNNING));
    diesel::update(running).set((bulk_jobs::state.eq(state), bulk_jobs::ended.eq(Some(at)), bulk_jobs::why.eq(why))).execute(db)?;
    Ok(())
}
