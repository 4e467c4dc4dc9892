//! Assignments: to a room, a cart or a person. Whoever the person is never reaches the record: only a keyed hash is kept, in a table that can be erased.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::problem::Problem;
use super::request::{self, asset_id};
use super::session::Viewer;
use super::{Data, block, writes};
use crate::domain::Command;
use crate::domain::asset::Asset;
use crate::domain::names::clean;
use crate::domain::refusal::Refusal;
use crate::operations::once::Once;
use crate::operations::record::{Beside, Terms};
use crate::store::{assignees, tables};

/// Longest identifier of a person, in characters.
const LONGEST: usize = 200;

/// The member `person` of a body, as its keyed hash; the text itself goes no further than this.
fn person(state: &Data, body: &mut serde_json::Map<String, Value>) -> std::result::Result<Option<String>, Problem> {
    match body.remove("person") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(assignees::hash(&state.service.app.keys, &clean("person", &text, LONGEST)?)?)),
        Some(_) => {
            let why = format!("person is the identifier by which you tell people, as text of 1 to {LONGEST} characters; it is hashed and not kept.");
            Err(Refusal::new("assignment.person", why).into())
        }
    }
}

/// `POST /api/v1/assets/{id}/assignments`: the command `assign`, with `person` where it goes to one.
pub async fn api_create(
    viewer: Viewer,
    state: Data,
    http: HttpRequest,
    id: web::Path<String>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    let asset = asset_id(&id)?;
    viewer.must_be_able_to("assign")?;
    let mut body = request::object(&request::json(&http, &state, payload).await?)?;
    let person = person(&state, &mut body)?;
    let to_a_person = body.get("kind").and_then(Value::as_str) == Some("person");
    if person.is_some() != to_a_person {
        let why = "Give person, and kind “person”, where a device goes to one; leave person out where it goes to a room, a cart or nobody.";
        return Err(Refusal::new("assignment.person", why).into());
    }
    // What is kept of the request, to know it again, does not hold the identifier either.
    let key = writes::key(&http, &viewer, format!("{} {}", Value::Object(body.clone()), person.as_deref().unwrap_or_default()).as_bytes())?;
    body.insert("asset".to_owned(), json!(asset));
    let command = Command::read("assign", Value::Object(body))?;
    let beside: Beside = Arc::new(move |db, receipt| {
        let Some(person) = &person else { return assignees::erase_device(db, &asset).map(|_| ()) };
        // What was recorded in the same moment may have ended this assignment already.
        let assignment = tables::find::<Asset>(db, &asset)?.and_then(|asset| asset.assignment);
        match assignment.filter(|assignment| receipt.entries.iter().any(|entry| entry.seq == assignment.entry)) {
            Some(_) => assignees::keep(db, &asset, person),
            None => Ok(()),
        }
    });
    let terms = Terms { beside: Some(beside), once: Once::created(key.as_ref(), |receipt| Ok(receipt.clone())), ..Terms::default() };
    let recorded = async { Ok(state.service.recorder.record(command, &viewer.actor, terms).await) };
    match request::answer_in_time(&state, recorded).await? {
        Ok(outcome) => writes::respond(StatusCode::CREATED, outcome),
        Err(error) => Err(writes::explain(&state, viewer, error).await),
    }
}

/// `POST /api/v1/assignees/searches` with `person`: the devices that are with that person.
pub async fn api_search(viewer: Viewer, state: Data, http: HttpRequest, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be_able_to("assign")?;
    let person = only_person(&state, &http, payload).await?;
    let assets = block(&state, move |service| assignees::devices_of(&mut *service.app.read()?, &person)).await?;
    Ok(HttpResponse::Ok().json(json!({"assets": assets})))
}

/// `POST /api/v1/assignees/erasures` with `person`: nothing tells any more which devices were with that person. Not an act of the log.
pub async fn api_erase(viewer: Viewer, state: Data, http: HttpRequest, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be_able_to("assign")?;
    let person = only_person(&state, &http, payload).await?;
    let erased = block(&state, move |service| service.recorder.write_waiting(move |db| assignees::erase_person(db, &person))).await?;
    Ok(HttpResponse::Ok().json(json!({"erased": erased})))
}

async fn only_person(state: &Data, http: &HttpRequest, payload: web::Payload) -> std::result::Result<String, Problem> {
    let mut body = request::object(&request::json(http, state, payload).await?)?;
    let person = person(state, &mut body)?;
    match (person, body.keys().next()) {
        (Some(person), None) => Ok(person),
        (None, _) => Err(Refusal::new("assignment.person", "Give person: the identifier by which you tell people.").into()),
        (_, Some(member)) => {
            let why = format!("Unknown member “{}”: leave it out, and send person alone.", member.chars().take(60).collect::<String>());
            Err(Refusal::new("command.malformed", why).into())
        }
    }
}
