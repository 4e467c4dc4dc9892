//! The answers of requests that may be repeated: kept in the transaction of their effect, given again to whoever repeats the request, swept after
//! seven days.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::Database;
use super::rows::{self, row_of};
use super::schema::idempotency;
use crate::error::{Error, Result};
use crate::proof::digest::{Hash, sha256, sha256_of};

/// How long an answer is kept: a scanner may be without a network for days.
pub const KEPT_MS: i64 = 7 * 24 * 3_600_000;
/// Most answers that one sweep removes, so that nobody waits long for the writer.
pub const SWEPT: i64 = 1_000;

/// Which request it is, and what it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// The key, and half of the SHA-256 of account and route behind it. The key comes first and as it is, so that keys that rise with time, as UUIDs
    /// of version 7 do, stand side by side in the index: one page is written for a batch of them, where a hash would scatter them over as many.
    pub scope: Vec<u8>,
    /// SHA-256 of what was asked.
    pub request: Hash,
}

impl RequestKey {
    /// The key `text` of an account on a route, asking for `body` with the `query` of the address.
    pub fn new(account: &str, route: &str, text: &str, query: &str, body: &[u8]) -> Self {
        // Neither ids nor paths hold a line feed.
        let place = sha256_of(&[account, "\n", route].map(str::as_bytes));
        let (half, _) = place.split_at(16);
        let scope = [text.as_bytes(), half].concat();
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

/// Scope, request, status, body.
type Row = (Vec<u8>, Vec<u8>, i64, Vec<u8>);

/// What was answered to these requests before.
pub fn find(db: &mut Database, scopes: &[&[u8]]) -> Result<BTreeMap<Vec<u8>, Kept>> {
    let columns = (idempotency::scope, idempotency::request, idempotency::status, idempotency::answer);
    let mut rows: Vec<Row> = Vec::new();
    match db {
        // One prepared statement each; PostgreSQL takes them all at once.
        Database::Sqlite(connection) => {
            for scope in scopes {
                rows.extend(idempotency::table.filter(idempotency::scope.eq(scope)).select(columns).get_result(connection).optional()?);
            }
        }
        #[cfg(feature = "postgres")]
        Database::Postgres(_) if scopes.is_empty() => {}
        #[cfg(feature = "postgres")]
        Database::Postgres(connection) => {
            rows = idempotency::table.filter(idempotency::scope.eq_any(scopes)).select(columns).load(connection)?;
        }
    }
    let read = |(scope, request, status, body): Row| {
        let answer = Answer { status: u16::try_from(status).ok()?, body };
        Some((scope, Kept { request: Hash::try_from(request).ok()?, answer }))
    };
    let damaged = || Error::Fault("a row of idempotency is damaged: remove it".to_owned());
    rows.into_iter().map(|row| read(row).ok_or_else(damaged)).collect()
}

/// A row to be written; its number is the database's.
struct AnswerRow {
    scope: Vec<u8>,
    request: Vec<u8>,
    status: i64,
    answer: Vec<u8>,
    at: i64,
}

row_of!(AnswerRow, idempotency, 1, scope: Vec<u8>, request: Vec<u8>, status: i64, answer: Vec<u8>, at: i64);

/// Keeps answers, each given at so many milliseconds since 1970.
pub fn keep(db: &mut Database, answers: Vec<(RequestKey, Answer, i64)>) -> Result<()> {
    let row = |(key, answer, at): (RequestKey, Answer, i64)| AnswerRow {
        scope: key.scope,
        request: key.request.to_vec(),
        status: i64::from(answer.status),
        answer: answer.body,
        at,
    };
    rows::insert(db, answers.into_iter().map(row).collect())
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
