//! One effect for each request that carries a key: its answer is kept in the transaction of its effect, and whoever repeats it gets that answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Service;
use super::record::Receipt;
use crate::app::now;
use crate::domain::names::Instant;
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};
use crate::store::idempotency::{self, Answer, KEPT_MS, Kept, RequestKey};
use crate::store::{Database, log};

/// Makes the bytes of an answer from the receipt.
pub type Shape = dyn Fn(&Receipt) -> Result<Vec<u8>> + Send + Sync;

/// A request whose effect is one command: the answer is made of the receipt, inside the transaction.
#[derive(Clone)]
pub struct Once {
    /// Which request.
    pub key: RequestKey,
    /// The HTTP status of its answer.
    pub status: u16,
    /// Its bytes.
    pub body: Arc<Shape>,
}

impl Once {
    /// A request with a key, answered with `201 Created` and what `shape` makes of the receipt; nothing where there is no key.
    pub fn created<T: serde::Serialize>(key: Option<&RequestKey>, shape: impl Fn(&Receipt) -> Result<T> + Send + Sync + 'static) -> Option<Self> {
        let body = Arc::new(move |receipt: &Receipt| Ok(serde_json::to_vec(&shape(receipt)?)?));
        key.map(|key| Self { key: key.clone(), status: 201, body })
    }
}

/// What a request came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// Its effect is recorded now.
    Now(T),
    /// It had its effect before; this was the answer.
    Before(Answer),
}

impl<T> Outcome<T> {
    /// Goes on with what was recorded now.
    pub fn map<U>(self, make: impl FnOnce(T) -> Result<U>) -> Result<Outcome<U>> {
        Ok(match self {
            Self::Now(value) => Outcome::Now(make(value)?),
            Self::Before(answer) => Outcome::Before(answer),
        })
    }
    /// For requests without a key: they have no answer from before.
    pub fn now(self) -> Result<T> {
        match self {
            Self::Now(value) => Ok(value),
            Self::Before(_) => Err(Error::Fault("a request without a key was answered from before".to_owned())),
        }
    }
}

/// The answer kept for a request, refused where the key was used for another one.
fn answer_of(kept: Kept, key: &RequestKey) -> Result<Answer> {
    if kept.request == key.request {
        return Ok(kept.answer);
    }
    Err(Error::Refused(Refusal::new(
        "idempotency.reused",
        "This Idempotency-Key was used here within the last days for a request with other content, which was carried out. Nothing was recorded \
         now. To repeat that request send it unchanged; for a new one choose a new key.",
    )))
}

/// What was answered to this request before.
pub fn before(db: &mut Database, key: &RequestKey) -> Result<Option<Answer>> {
    idempotency::find(db, &[&key.scope])?.remove(&key.scope).map(|kept| answer_of(kept, key)).transpose()
}

/// Does what a request with a key asks, unless it was done before. For work that would be refused, or store something, before its command reaches
/// the writer, which looks again.
pub fn once<T>(service: &Service, key: Option<&RequestKey>, work: impl FnOnce() -> Result<Outcome<T>>) -> Result<Outcome<T>> {
    let Some(key) = key else { return work() };
    let look = || before(&mut *service.app.read()?, key);
    if let Some(answer) = look()? {
        return Ok(Outcome::Before(answer));
    }
    match work() {
        // Another process was first with the same request, and now its effect is in the way.
        Err(error @ (Error::Refused(_) | Error::Conflict(_))) => look()?.map_or(Err(error), |answer| Ok(Outcome::Before(answer))),
        done => done,
    }
}

/// Keeps the answer of a request whose effect is many commands. Where another process has kept one meanwhile, that one is the answer.
pub fn keep(service: &Service, key: &RequestKey, answer: Answer) -> Result<Outcome<()>> {
    let key = key.clone();
    service.recorder.write_waiting(move |db| {
        // The lock that every writer takes first, on either database.
        log::take_head(db)?;
        if let Some(first) = before(db, &key)? {
            return Ok(Outcome::Before(first));
        }
        idempotency::keep(db, vec![(key, answer, now().unix_ms())])?;
        Ok(Outcome::Now(()))
    })
}

/// Removes a bounded number of answers that are older than seven days; writes nothing where there are none.
pub fn sweep(service: &Service) -> Result<()> {
    let before = now().unix_ms().saturating_sub(KEPT_MS);
    if idempotency::is_due(&mut *service.app.read()?, before)? {
        service.recorder.write_waiting(move |db| idempotency::sweep(db, before))?;
    }
    Ok(())
}

/// The answers that the requests of one batch had before, and those they get now.
#[derive(Default)]
pub struct Answers {
    known: BTreeMap<Vec<u8>, Kept>,
    new: Vec<(RequestKey, Answer, i64)>,
}

impl Answers {
    /// Looks up every request of a batch. The head of the log is taken by then, so no other process can be about to write one of them.
    pub fn load<'a>(db: &mut Database, requests: impl Iterator<Item = &'a Once>) -> Result<Self> {
        let scopes: Vec<&[u8]> = requests.map(|once| once.key.scope.as_slice()).collect();
        Ok(Self { known: idempotency::find(db, &scopes)?, new: Vec::new() })
    }
    /// The answer of before, or of an earlier command of the batch.
    pub fn of(&self, once: Option<&Once>) -> Option<Result<Answer>> {
        let key = &once?.key;
        self.known.get(&key.scope).map(|kept| answer_of(kept.clone(), key))
    }
    /// Makes the answer of a command that is decided.
    pub fn add(&mut self, once: Option<&Once>, at: Instant, receipt: &Receipt) -> Result<()> {
        let Some(Once { key, status, body }) = once else { return Ok(()) };
        let answer = Answer { status: *status, body: body(receipt)? };
        self.known.insert(key.scope.clone(), Kept { request: key.request, answer: answer.clone() });
        self.new.push((key.clone(), answer, at.unix_ms()));
        Ok(())
    }
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.new.is_empty()
    }
    /// Writes what is new.
    pub fn save(self, db: &mut Database) -> Result<()> {
        idempotency::keep(db, self.new)
    }
}
