//! `GET /consignments/{id}/events`: tells browsers that a consignment changed, and its counts; one look at the record for all who watch it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use actix_web::rt::time::{Instant, sleep, timeout};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::watch;

use super::consignments;
use super::dock::Contents;
use super::problem::Problem;
use super::request::consignment_id;
use super::session::Viewer;
use super::{Data, block};
use crate::domain::consignment::Consignment;
use crate::domain::names::ConsignmentId;
use crate::error::Result;
use crate::store::tables;

/// Most streams of one person, and of everybody.
const OF_ONE: u32 = 5;
const OF_ALL: u32 = 2_000;
/// How often a consignment that somebody watches is looked at.
const LOOK: Duration = Duration::from_millis(700);
/// How long a stream lasts: shorter than a connection may be idle, and than the service waits for streams when it ends. Browsers open the next one.
const LASTS: Duration = Duration::from_secs(20);

/// Who watches what.
#[derive(Default)]
pub struct Watched(Arc<Mutex<Watching>>);

#[derive(Default)]
struct Watching {
    /// The newest message of each consignment that somebody watches.
    messages: HashMap<ConsignmentId, watch::Sender<String>>,
    streams: HashMap<String, u32>,
}

/// One stream of a person, until it is dropped.
struct Place {
    watching: Arc<Mutex<Watching>>,
    person: String,
}

impl Watched {
    fn enter(&self, person: &str) -> std::result::Result<Place, Problem> {
        let mut watching = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: u32 = watching.streams.values().sum();
        let own = watching.streams.entry(person.to_owned()).or_default();
        if *own >= OF_ONE || all >= OF_ALL {
            let why = "Too many pages watch for changes at once; close one of them. This page works without.";
            return Err(Problem::new(429, "events.too_many", why).with_header(RETRY_AFTER, "30"));
        }
        *own += 1;
        Ok(Place { watching: Arc::clone(&self.0), person: person.to_owned() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = watching.streams.get_mut(&self.person) {
            *own -= 1;
            if *own == 0 {
                watching.streams.remove(&self.person);
            }
        }
    }
}

/// Looks at a consignment as long as somebody watches it.
async fn look(state: Data, id: ConsignmentId, watching: Arc<Mutex<Watching>>, mut seen: u64) {
    loop {
        sleep(LOOK).await;
        {
            let mut watching = watching.lock().unwrap_or_else(PoisonError::into_inner);
            if watching.messages.get(&id).is_none_or(|sender| sender.receiver_count() == 0) {
                watching.messages.remove(&id);
                return;
            }
        }
        let looked = id.clone();
        let message = block(&state, move |service| {
            let mut db = service.app.read()?;
            match tables::find::<Consignment>(&mut db, &looked)? {
                Some(consignment) if consignment.last_seq != seen => Ok(Some((consignment.last_seq, message(&mut db, &consignment)?))),
                _ => Ok(None),
            }
        })
        .await;
        // Whoever watches hears of it with the next look.
        let Ok(Some((last_seq, message))) = message else { continue };
        seen = last_seq;
        if let Some(sender) = watching.lock().unwrap_or_else(PoisonError::into_inner).messages.get(&id) {
            sender.send_replace(message);
        }
    }
}

fn message(db: &mut crate::store::Database, consignment: &Consignment) -> Result<String> {
    let counts = Contents::load(db, &consignment.id)?.counts(consignment);
    Ok(format!("id: {}\ndata: {counts}\n\n", consignment.last_seq))
}

fn wants_stream(http: &HttpRequest) -> bool {
    http.headers().get(ACCEPT).and_then(|kinds| kinds.to_str().ok()).is_some_and(|kinds| kinds.contains("text/event-stream"))
}

/// How a stream is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Where there are too many: not refused, but told to come again, as pages want it that work without.
    wait: Option<String>,
}

/// `GET /consignments/{id}/events?wait=`: a stream for those who accept one, else the counts as they are now.
pub async fn show(
    http: HttpRequest,
    viewer: Viewer,
    state: Data,
    id: web::Path<String>,
    asked: web::Query<Asked>,
) -> std::result::Result<HttpResponse, Problem> {
    let id = consignment_id(&id)?;
    if !wants_stream(&http) {
        let counts = block(&state, move |service| {
            let mut db = service.app.read()?;
            let consignment = consignments::find(&mut db, &viewer, &id)?;
            Ok(Contents::load(&mut db, &id)?.counts(&consignment))
        })
        .await?;
        return Ok(HttpResponse::Ok().json(counts));
    }
    let place = match state.watched.enter(viewer.person.id.as_str()) {
        Ok(place) => place,
        Err(_) if asked.wait.is_some() => return Ok(stream_head().body("retry: 30000\n\n")),
        Err(problem) => return Err(problem),
    };
    // Before the first look, so that nothing is missed between the two.
    let early = state.watched.0.lock().unwrap_or_else(PoisonError::into_inner).messages.get(&id).map(watch::Sender::subscribe);
    let asked = id.clone();
    let (last_seq, first) = block(&state, move |service| {
        let mut db = service.app.read()?;
        let consignment = consignments::find(&mut db, &viewer, &asked)?;
        Ok((consignment.last_seq, message(&mut db, &consignment)?))
    })
    .await?;
    let receiver = early.unwrap_or_else(|| {
        let mut watching = state.watched.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = watching.messages.get(&id) {
            return sender.subscribe();
        }
        let (sender, receiver) = watch::channel(String::new());
        watching.messages.insert(id.clone(), sender);
        actix_web::rt::spawn(look(state.clone(), id, Arc::clone(&state.watched.0), last_seq));
        receiver
    });
    let ends = Instant::now() + LASTS;
    let first = format!("retry: 1000\n{first}");
    let events = stream::unfold((Some(first), receiver, place), move |(first, mut receiver, place)| async move {
        if let Some(first) = first {
            return Some((Ok::<_, Infallible>(Bytes::from(first)), (None, receiver, place)));
        }
        match timeout(ends.saturating_duration_since(Instant::now()), receiver.changed()).await {
            Ok(Ok(())) => {
                let message = receiver.borrow_and_update().clone();
                Some((Ok(Bytes::from(message)), (None, receiver, place)))
            }
            _ => None,
        }
    });
    Ok(stream_head().streaming(events))
}

fn stream_head() -> HttpResponseBuilder {
    let mut head = HttpResponse::Ok();
    head.insert_header((CONTENT_TYPE, "text/event-stream; charset=utf-8")).insert_header((CACHE_CONTROL, "private, no-store"));
    // What is compressed is held back until there is enough of it.
    head.insert_header((CONTENT_ENCODING, "identity"));
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_five_streams_until_one_ends() {
        let watched = Watched::default();
        let mut places: Vec<Place> = (0..OF_ONE).map(|_| watched.enter("a").unwrap()).collect();
        assert_eq!(watched.enter("a").err().unwrap().status, 429);
        assert!(watched.enter("b").is_ok());
        places.pop();
        assert!(watched.enter("a").is_ok());
        drop(places);
        assert!(watched.0.lock().unwrap().streams.is_empty());
    }
}
