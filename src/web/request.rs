//! Reading requests: bodies within limits of size and time, ids, cursors.

use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use actix_web::rt::time::timeout;
use actix_web::web::{Payload, Query};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::StreamExt as _;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::State;
use super::problem::Problem;
use crate::domain::names::{AssetId, ConsignmentId, PartyId, PersonId};
use crate::domain::refusal::Refusal;
use crate::error::Error;

/// Largest JSON body.
pub const JSON_BYTES: usize = 1 << 20;
/// Largest form without a file.
const FORM_BYTES: usize = 256 << 10;
/// Most things on one page of a list.
pub const MOST: i64 = 200;

/// Bodies that say they are no larger than this need no [`place`].
const SMALL_BYTES: usize = 64 << 10;
/// How long a large body waits for a place.
const PLACE_TIME: Duration = Duration::from_secs(2);

/// A place among the large bodies that are held in memory at once; kept until the answer.
pub async fn place<'a>(http: &HttpRequest, places: &'a Semaphore) -> Result<Option<SemaphorePermit<'a>>, Problem> {
    let length = http.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length <= SMALL_BYTES) {
        return Ok(None);
    }
    match timeout(PLACE_TIME, places.acquire()).await {
        Ok(Ok(place)) => Ok(Some(place)),
        _ => Err(Error::Busy("Several large files are being worked on; send this one again in a moment.".to_owned()).into()),
    }
}

/// Waits for the next piece of a body that began to come at `since`: 30 seconds, and one more for every 64 KB that came.
pub async fn in_time<T>(state: &State, since: Instant, received: usize, piece: impl Future<Output = T>) -> Result<T, Problem> {
    let earned = Duration::from_secs(u64::try_from(received >> 16).unwrap_or(0));
    let left = (state.service.app.limits.body_time + earned).saturating_sub(since.elapsed());
    timeout(left, piece).await.map_err(|_| Problem::new(408, "request.too_slow", "The body did not arrive in time; send it again."))
}

/// Waits for an answer: 10 seconds.
pub async fn answer_in_time<T>(state: &State, answer: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    timeout(state.service.app.limits.answer_time, answer).await.map_err(|_| {
        let why = "The answer takes longer than it should. What you sent may still be recorded: look at the record before you send it again.";
        Problem::new(503, "service.slow", why).with_header(RETRY_AFTER, "10")
    })?
}

/// Reads a body of at most `limit` bytes.
pub async fn body(state: &State, mut payload: Payload, limit: usize) -> Result<Vec<u8>, Problem> {
    let since = Instant::now();
    let mut bytes = Vec::new();
    while let Some(chunk) = in_time(state, since, bytes.len(), payload.next()).await? {
        let chunk = chunk.map_err(|e| Problem::new(400, "request.malformed", format!("The body cannot be read: {e}. Send it again.")))?;
        if bytes.len() + chunk.len() > limit {
            let most = if limit >> 20 > 0 { format!("{} MB", limit >> 20) } else { format!("{} KB", limit >> 10) };
            return Err(Problem::new(413, "request.too_large", format!("The body is larger than {most}; send less at a time.")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Refuses a body that says that it is something else; one that does not say is taken as what is expected.
fn content_type(http: &HttpRequest, expected: &str) -> Result<(), Problem> {
    let kind = http.headers().get(CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim());
    match kind {
        Some(kind) if !kind.eq_ignore_ascii_case(expected) => {
            Err(Problem::new(415, "request.content_type", format!("Send the body as {expected}, with this Content-Type.")))
        }
        _ => Ok(()),
    }
}

/// Reads the bytes of a JSON body.
pub async fn json(http: &HttpRequest, state: &State, payload: Payload) -> Result<Vec<u8>, Problem> {
    content_type(http, "application/json")?;
    body(state, payload, JSON_BYTES).await
}

/// Reads a JSON object. A member that is there twice is refused: readers would disagree about it.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_slice::<NoneTwice>(bytes) {
        Ok(NoneTwice(Value::Object(members))) => Ok(members),
        Ok(_) => Err(Problem::new(400, "request.malformed", "Send a JSON object, {\"member\": value, …}, as the body.")),
        Err(error) => Err(Problem::new(400, "request.malformed", format!("The body is not the JSON object to send: {error}."))),
    }
}

/// Reads a form of a page.
pub async fn form<T: DeserializeOwned>(http: &HttpRequest, state: &State, payload: Payload) -> Result<T, Problem> {
    content_type(http, "application/x-www-form-urlencoded")?;
    let malformed =
        |why: String| Problem::new(400, "request.malformed", format!("The form cannot be read ({why}); open its page and send it again."));
    let bytes = body(state, payload, FORM_BYTES).await?;
    let text = std::str::from_utf8(&bytes).map_err(|e| malformed(e.to_string()))?;
    // Nothing that people type holds one, and PostgreSQL's texts cannot.
    if text.contains('\0') || text.contains("%00") {
        return Err(Problem::new(422, "request.text", "A field holds a NUL character; type it again without."));
    }
    Ok(Query::<T>::from_query(text).map_err(|e| malformed(e.to_string()))?.into_inner())
}

/// A JSON value in which no object has a member twice.
struct NoneTwice(Value);

impl<'de> Deserialize<'de> for NoneTwice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NoneTwiceVisitor).map(Self)
    }
}

struct NoneTwiceVisitor;

impl<'de> Visitor<'de> for NoneTwiceVisitor {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(NoneTwice(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, NoneTwice(value))) = members.next_entry::<String, NoneTwice>()? {
            if object.contains_key(&name) {
                let name: String = name.chars().take(60).collect();
                return Err(serde::de::Error::custom(format!("the member “{name}” is there twice; send it once")));
            }
            object.insert(name, value);
        }
        Ok(object.into())
    }
}

/// Reads a body of this shape; `code` says which members are wrong where it has another.
pub fn read<T: DeserializeOwned>(bytes: &[u8], code: &'static str) -> Result<T, Problem> {
    let body = Value::Object(object(bytes)?);
    Ok(serde_path_to_error::deserialize(body).map_err(|error| Refusal::new(code, error.to_string().chars().take(600).collect::<String>()))?)
}

/// How many things a page of a list holds: as asked for, between 1 and 200.
pub fn limit(asked: Option<&str>) -> Result<i64, Problem> {
    match asked.map(str::parse) {
        None => Ok(50),
        Some(Ok(limit)) if (1..=MOST).contains(&limit) => Ok(limit),
        Some(_) => Err(Problem::new(422, "request.limit", format!("limit lies between 1 and {MOST}."))),
    }
}

/// Yes or no; no where nothing is said.
pub fn flag(name: &str, asked: Option<&str>) -> Result<bool, Problem> {
    match asked {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Problem::new(422, "request.flag", format!("{name} is true or false; send one of them."))),
    }
}

/// Text to look for: short, and such as the record can hold.
pub fn text(name: &str, asked: Option<&str>) -> Result<Option<String>, Problem> {
    let text = asked.map(str::trim).unwrap_or_default();
    if text.chars().any(char::is_control) || text.chars().count() > 64 {
        return Err(Problem::new(422, "request.text", format!("{name} has at most 64 characters, and no control characters.")));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// The number of a certificate, in capitals; what cannot be one is not known.
pub fn certificate_number(text: &str) -> Result<String, Problem> {
    let number = text.to_ascii_uppercase();
    if number.len() <= 64 && number.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Ok(number);
    }
    Err(Problem::unknown(format!("There is no certificate {}.", number.chars().take(64).collect::<String>())))
}

/// Where the next page of a list starts.
pub fn cursor(sort: &str, id: &str) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::json!([sort, id]).to_string())
}

/// Reads what [`cursor`] wrote.
pub fn after(cursor: Option<&str>) -> Result<Option<(String, String)>, Problem> {
    after_named("after", cursor)
}

/// The same, from a parameter of another name.
pub fn after_named(name: &str, cursor: Option<&str>) -> Result<Option<(String, String)>, Problem> {
    let Some(cursor) = cursor.filter(|cursor| !cursor.is_empty()) else { return Ok(None) };
    let read = || serde_json::from_slice::<(String, String)>(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok();
    // A database may not take a NUL.
    let possible = |(sort, id): &(String, String)| !sort.contains('\0') && !id.contains('\0');
    read().filter(possible).map(Some).ok_or_else(|| no_cursor(name))
}

/// What was given to go on from was not given out by this list.
pub fn no_cursor(name: &str) -> Problem {
    Problem::new(422, "request.cursor", format!("{name} must be the next of an earlier page; start again without it."))
}

/// From which entry on: its number.
pub fn from(asked: Option<&str>) -> Result<u64, Problem> {
    let from = asked.map_or(Ok(0), str::parse);
    from.map_err(|_| Problem::new(422, "request.from", "from is the number of an entry, 0 or more."))
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

/// A party's id, with or without `urn:uuid:`.
pub fn party_id(text: &str) -> Result<PartyId, Problem> {
    PartyId::parse(&urn(text)).map_err(no_such)
}

/// A person's id, with or without `urn:uuid:`.
pub fn person_id(text: &str) -> Result<PersonId, Problem> {
    PersonId::parse(&urn(text)).map_err(no_such)
}

/// A job's id, with or without `urn:uuid:`.
pub fn job_id(text: &str) -> Result<String, Problem> {
    consignment_id(text).map(|id| id.to_string())
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
    fn json_is_read_as_it_stands_and_no_member_twice() {
        let text = r#"{"a":[1,-1,1.5,null,true,{"b":"ü"}],"c":{}}"#;
        assert_eq!(serde_json::from_str::<NoneTwice>(text).unwrap().0, serde_json::from_str::<Value>(text).unwrap());
        for (text, why) in [
            (r#"{"a":1,"a":1}"#, "“a” is there twice"),
            (r#"{"x":[{"b":{},"b":{}}]}"#, "“b” is there twice"),
            (r#"{"a":1,"\u0061":2}"#, "“a” is there twice"),
            (r#""\ud800""#, "escape"),
            ("1e400", "out of range"),
        ] {
            assert!(serde_json::from_str::<NoneTwice>(text).err().unwrap().to_string().contains(why), "{text}");
        }
    }

    #[test]
    fn a_list_is_cut_where_the_next_page_starts() {
        let mut rows = vec!["a", "b", "c"];
        let next = cut(&mut rows, 2, |row| ((*row).to_owned(), "x".to_owned()));
        assert_eq!((rows.len(), after(next.as_deref()).unwrap()), (2, Some(("b".to_owned(), "x".to_owned()))));
        assert_eq!(cut(&mut rows, 2, |row| ((*row).to_owned(), "x".to_owned())), None);
    }
}
