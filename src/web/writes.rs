//! What every request that writes has in common: one effect for each `Idempotency-Key`, the version it expects, and refusals that name what moved.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, IF_MATCH, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::Data;
use super::ledger::{self, Names};
use super::problem::{Moved, Problem};
use super::session::Viewer;
use crate::domain::refusal::{Cause, Refusal};
use crate::error::{Error, Result};
use crate::operations::Service;
use crate::operations::once::Outcome;
use crate::store::idempotency::{Answer, RequestKey};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key.
const KEY_BYTES: usize = 255;
/// Most entries that one refusal names.
const NAMED: i64 = 50;

/// The key of a request, from its header and what it asks.
pub fn key(http: &HttpRequest, viewer: &Viewer, body: &[u8]) -> std::result::Result<Option<RequestKey>, Problem> {
    let mut given = http.headers().get_all(&KEY);
    let Some(first) = given.next() else { return Ok(None) };
    let text = first.to_str().ok().filter(|text| (1..=KEY_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()));
    match (text, given.next()) {
        (Some(text), None) => Ok(Some(RequestKey::new(viewer.actor.person.as_str(), http.path(), text, http.query_string(), body))),
        _ => {
            let why = format!(
                "An Idempotency-Key has between 1 and {KEY_BYTES} visible ASCII characters, and a request has one; a UUID will do, best of version 7."
            );
            Err(Problem::new(422, "idempotency.key", why))
        }
    }
}

/// The `last_seq` that a request expects, from its `If-Match`.
pub fn expected(http: &HttpRequest) -> std::result::Result<Option<u64>, Problem> {
    let mut given = http.headers().get_all(IF_MATCH);
    let Some(first) = given.next() else { return Ok(None) };
    let tag = first.to_str().ok().and_then(|text| text.strip_prefix('"')?.strip_suffix('"')?.parse().ok());
    match (tag, given.next()) {
        (Some(last_seq), None) => Ok(Some(last_seq)),
        _ => Err(Problem::new(422, "request.if_match", "If-Match takes the one ETag that GET /api/v1/consignments/{id} gave, like \"41\".")),
    }
}

/// The keys of requests that this process is working on.
#[derive(Default)]
pub struct Running(Arc<Mutex<BTreeSet<Vec<u8>>>>);

/// Held while a request is worked on, also when whoever sent it is gone.
struct Turn {
    running: Arc<Mutex<BTreeSet<Vec<u8>>>>,
    scope: Vec<u8>,
}

impl Running {
    fn enter(&self, key: &RequestKey) -> std::result::Result<Turn, Problem> {
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.scope.clone()) {
            return Ok(Turn { running: Arc::clone(&self.0), scope: key.scope.clone() });
        }
        let why = "The first request with this Idempotency-Key is still being worked on; send this one again in a moment to get its answer.";
        Err(Problem::new(409, "idempotency.running", why).with_header(RETRY_AFTER, "1"))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.scope);
    }
}

/// Does work that may wait, on a thread that may, and answers what it came to.
pub async fn answer<T: Serialize + Send + 'static>(
    state: &Data,
    viewer: Viewer,
    key: Option<RequestKey>,
    status: StatusCode,
    work: impl FnOnce(&Service, &Viewer, Option<&RequestKey>) -> Result<Outcome<T>> + Send + 'static,
) -> std::result::Result<HttpResponse, Problem> {
    let turn = key.as_ref().map(|key| state.running.enter(key)).transpose()?;
    let service = state.service.clone();
    let done = web::block(move || {
        let _turn = turn;
        work(&service, &viewer, key.as_ref()).map_err(|error| explained(&service, &viewer, error))
    });
    respond(status, done.await.map_err(|error| Problem::from(Error::fault("waiting for a thread", error)))??)
}

/// The answer to a request: of its effect now, or of before.
pub fn respond<T: Serialize>(status: StatusCode, outcome: Outcome<T>) -> std::result::Result<HttpResponse, Problem> {
    Ok(match outcome {
        Outcome::Now(value) => HttpResponse::build(status).json(value),
        Outcome::Before(Answer { status, body }) => {
            let status = StatusCode::from_u16(status).map_err(|e| Error::fault("the status of a kept answer", e))?;
            HttpResponse::build(status).insert_header((REPLAYED, "true")).content_type("application/json").body(body)
        }
    })
}

/// A problem that names what moved, for threads that must not wait.
pub async fn explain(state: &Data, viewer: Viewer, error: Error) -> Problem {
    match error {
        Error::Refused(Refusal { cause: Some(_), .. }) | Error::Conflict(Refusal { cause: Some(_), .. }) => {
            let service = state.service.clone();
            let told = web::block(move || explained(&service, &viewer, error)).await;
            told.unwrap_or_else(|error| Error::fault("waiting for a thread", error).into())
        }
        other => other.into(),
    }
}

fn explained(service: &Service, viewer: &Viewer, error: Error) -> Problem {
    let (Error::Refused(refusal) | Error::Conflict(refusal)) = &error else { return error.into() };
    let Some(cause) = refusal.cause.clone() else { return error.into() };
    match moved(service, viewer, &cause) {
        Ok(moved) => Problem::from(error).naming(moved),
        // The refusal stands, whatever became of looking up its cause.
        Err(trouble) => {
            tracing::warn!("what stands in the way could not be looked up: {trouble}");
            error.into()
        }
    }
}

/// The entries of a cause that this person may see, without anybody's name.
fn moved(service: &Service, viewer: &Viewer, cause: &Cause) -> Result<Vec<Moved>> {
    let mut db = service.app.read()?;
    let mut names = Names::new(&service.app);
    let told = match cause {
        Cause::Entry(seq) => ledger::told_one(&mut db, &mut names, *seq, viewer)?,
        Cause::First(subject) => ledger::told_to(&mut db, &mut names, subject, 0, 1, viewer)?,
        Cause::Since(subject, seq) => ledger::told_to(&mut db, &mut names, subject, seq.saturating_add(1), NAMED, viewer)?,
    };
    let moved = told.into_iter().map(|entry| Moved {
        role: entry.actor.role_words().to_owned(),
        seq: entry.seq,
        event: entry.event,
        sentence: entry.sentence,
        time: entry.time,
        party: entry.actor.party_name,
    });
    Ok(moved.collect())
}
