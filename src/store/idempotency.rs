//! The answers of requests that may be repeated: kept in the transaction of their effect, given again to whoever repeats the request, swept after
//! seven days.

use diesel::prelude::*;

use super::schema::idempotency;
use super::{Database, each};
use crate::error::{Error, Result};
use crate::proof::digest::{Hash, sha256, sha256_of};

/// How long an answer is kept: a scanner may be without a network for days.
pub const KEPT_MS: i64 = 7 * 24 * 3_600_000;
/// Most answers that one sweep removes, so that nobody waits long for the writer.
pub const SWEPT: i64 = 1_000;

/// Which request it is, and what it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// SHA-256 of account, route and key.
    pub scope: Hash,
    /// SHA-256 of what was asked.
    pub request: Hash,
}

impl RequestKey {
    /// The key `text` of an account on a route, asking for `body` with the `query` of the address.
    pub fn new(account: &str, route: &str, text: &str, query: &str, body: &[u8]) -> Self {
        // Neither ids nor paths nor keys hold a line feed.
        let scope = sha256_of(&[account, "\n", route, "\n", text].map(str::as_bytes));
        let body = sha256(body);
        let request = if query.is_empty() { body } else { sha256_of(&[body.as_slice(), query.as_bytes()]) };
        Self { scope, request }
    }
}

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its HTTP status.
    pub status: u16,
    /// Its exact bytes, JSON.
    pub body: Vec<u8>,
}

/// An answer with what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// SHA-256 of what was asked.
    pub request: Hash,
    /// The answer.
    pub answer: Answer,
}

/// What was answered to this request before.
pub fn find(db: &mut Database, scope: &Hash) -> Result<Option<Kept>> {
    let row: Option<(Vec<u8>, i32, Vec<u8>)> = idempotency::table
        .filter(idempotency::scope.eq(scope.to_vec()))
        .select((idempotency::request, idempotency::status, idempotency::answer))
        .first(db)
        .optional()?;
    let Some((request, status, body)) = row else { return Ok(None) };
    match (Hash::try_from(request.as_slice()), u16::try_from(status)) {
        (Ok(request), Ok(status)) => Ok(Some(Kept { request, answer: Answer { status, body } })),
        _ => Err(Error::Fault("a row of idempotency is damaged: remove it".to_owned())),
    }
}

/// Keeps an answer given at `at`, milliseconds since 1970.
pub fn keep(db: &mut Database, key: &RequestKey, answer: &Answer, at: i64) -> Result<()> {
    let row = (
        idempotency::scope.eq(key.scope.as_slice()),
        idempotency::request.eq(key.request.as_slice()),
        idempotency::status.eq(i32::from(answer.status)),
        idempotency::answer.eq(answer.body.as_slice()),
        idempotency::at.eq(at),
    );
    each!(db, c => diesel::insert_into(idempotency::table).values(row).execute(c))?;
    Ok(())
}

/// Whether the oldest answer was given before `before`.
pub fn is_due(db: &mut Database, before: i64) -> Result<bool> {
    let oldest: Option<i64> = idempotency::table.order(idempotency::id).select(idempotency::at).first(db).optional()?;
    Ok(oldest.is_some_and(|at| at < before))
}

/// Removes answers given before `before`, the oldest first, at most [`SWEPT`]; gives their number.
pub fn sweep(db: &mut Database, before: i64) -> Result<usize> {
    let oldest: Vec<(i64, i64)> = idempotency::table.order(idempotency::id).limit(SWEPT).select((idempotency::id, idempotency::at)).load(db)?;
    let Some((last, _)) = oldest.iter().take_while(|(_, at)| *at < before).last() else { return Ok(0) };
    Ok(diesel::delete(idempotency::table.filter(idempotency::id.le(*last))).execute(db)?)
}
