//! Reading requests: bodies within limits of size and time, ids, cursors.

use std::future::Future;
use std::time::Duration;

use actix_web::rt::time::timeout;
use actix_web::web::Payload;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::problem::Problem;
use crate::domain::names::{AssetId, ConsignmentId};
use crate::domain::refusal::Refusal;
use crate::error::Error;

/// Largest JSON body.
pub const JSON_BYTES: usize = 1 << 20;
/// Most things on one page of a list.
pub const MOST: i64 = 200;

/// A place among the large bodies that are held in memory at once; kept until the answer.
pub fn place(places: &Semaphore) -> Result<SemaphorePermit<'_>, Problem> {
    places.try_acquire().map_err(|_| Error::Busy("Several large files are being worked on; send this one again in a moment.".to_owned()).into())
}

/// Waits for a body of at most `limit` bytes: 30 seconds and one more for every 256 KB.
pub async fn in_time<T>(limit: usize, read: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    let seconds = 30 + u64::try_from(limit >> 18).unwrap_or(0);
    timeout(Duration::from_secs(seconds), read)
        .await
        .map_err(|_| Problem::new(408, "request.too_slow", "The body did not arrive in time; send it again."))?
}

/// Reads a body of at most `limit` bytes.
pub async fn body(mut payload: Payload, limit: usize) -> Result<Vec<u8>, Problem> {
    let read = async {
        let mut bytes = Vec::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|e| Problem::new(400, "request.malformed", format!("The body cannot be read: {e}.")))?;
            if bytes.len() + chunk.len() > limit {
                return Err(Problem::new(413, "request.too_large", format!("The body is larger than {} MB.", limit >> 20)));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    in_time(limit, read).await
}

/// Reads a JSON object.
pub async fn json(payload: Payload) -> Result<serde_json::Map<String, Value>, Problem> {
    let bytes = body(payload, JSON_BYTES).await?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Problem::new(400, "request.malformed", "The body must be a JSON object.")),
        Err(error) => Err(Problem::new(400, "request.malformed", format!("The body is not JSON: {error}."))),
    }
}

/// How many things a page of a list holds: as asked for, between 1 and 200.
pub fn limit(asked: Option<i64>) -> Result<i64, Problem> {
    match asked {
        None => Ok(50),
        Some(limit) if (1..=MOST).contains(&limit) => Ok(limit),
        Some(_) => Err(Problem::new(422, "request.limit", format!("limit lies between 1 and {MOST}."))),
    }
}

/// Where the next page of a list starts.
pub fn cursor(sort: &str, id: &str) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::json!([sort, id]).to_string())
}

/// Reads what [`cursor`] wrote.
pub fn after(cursor: Option<&str>) -> Result<Option<(String, String)>, Problem> {
    let Some(cursor) = cursor.filter(|cursor| !cursor.is_empty()) else { return Ok(None) };
    let read = || serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok();
    read().map(Some).ok_or_else(no_cursor)
}

/// What was given to go on from was not given out by this list.
pub fn no_cursor() -> Problem {
    Problem::new(422, "request.cursor", "after must be the next of an earlier page; start again without it.")
}

/// Cuts a list that was asked for with one more than the limit; the last kept element tells where the next page starts.
pub fn cut<T>(rows: &mut Vec<T>, limit: i64, key: impl Fn(&T) -> (String, String)) -> Option<String> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if rows.len() <= limit {
        return None;
    }
    rows.truncate(limit);
    rows.last().map(|row| {
        let (sort, id) = key(row);
        cursor(&sort, &id)
    })
}

fn urn(text: &str) -> String {
    if text.starts_with("urn:") { text.to_owned() } else { format!("urn:uuid:{text}") }
}

/// A device's id, with or without `urn:uuid:`.
pub fn asset_id(text: &str) -> Result<AssetId, Problem> {
    AssetId::parse(&urn(text)).map_err(no_such)
}

/// A consignment's id, with or without `urn:uuid:`.
pub fn consignment_id(text: &str) -> Result<ConsignmentId, Problem> {
    ConsignmentId::parse(&urn(text)).map_err(no_such)
}

fn no_such(refusal: Refusal) -> Problem {
    Problem::unknown(refusal.why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_anything_else_is_refused() {
        let there = cursor("CB-1 ü", "urn:uuid:1");
        assert_eq!(after(Some(&there)).unwrap(), Some(("CB-1 ü".to_owned(), "urn:uuid:1".to_owned())));
        assert_eq!(after(Some("")).unwrap(), None);
        assert!(after(Some("CB-1")).is_err());
    }

    #[test]
    fn a_list_is_cut_where_the_next_page_starts() {
        let mut rows = vec!["a", "b", "c"];
        let next = cut(&mut rows, 2, |row| ((*row).to_owned(), "x".to_owned()));
        assert_eq!((rows.len(), after(next.as_deref()).unwrap()), (2, Some(("b".to_owned(), "x".to_owned()))));
        assert_eq!(cut(&mut rows, 2, |row| ((*row).to_owned(), "x".to_owned())), None);
    }
}
