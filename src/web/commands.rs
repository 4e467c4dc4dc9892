//! `POST /api/v1/commands/{name}`: every command that people and programs give, by its name.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::Data;
use super::problem::Problem;
use super::request;
use super::session::Viewer;
use super::{withholdings, writes};
use crate::domain::names::{ConsignmentId, Role};
use crate::domain::{Command, SIGNED};
use crate::operations::check_signed;
use crate::operations::once::{Once, Outcome};
use crate::operations::publish_status;
use crate::operations::record::{Post, Terms};
use crate::operations::{run_bulk, withhold_evidence};

/// Commands that have a door of their own, because more than the command belongs to them.
const OWN_DOORS: &[(&str, &str)] = &[
    ("assign", "POST /api/v1/assets/{id}/assignments"),
    ("issue_certificate", "POST /api/v1/certificates"),
    ("revoke_certificate", "POST /api/v1/certificates/{number}/revocations"),
    ("receive_evidence", "POST /api/v1/evidence"),
    ("link_reading", "POST /api/v1/evidence/{sha256}/links"),
    ("dismiss_readings", "POST /api/v1/evidence/{sha256}/dismissals"),
    ("record_count", "POST /api/v1/counts"),
    ("agree_to_sign", "the page /agreement, after signing in"),
    ("create_link", "POST /api/v1/consignments/{id}/links"),
    ("add_note", "POST /api/v1/{consignments, evidence or exceptions}/{id}/notes"),
    ("offer_acceptance", "POST /consignments/{id}/handoff"),
];

fn only_the_service(roles: &[Role]) -> bool {
    roles.iter().all(|role| *role == Role::Service)
}

/// Refuses commands that have a door of their own, or none.
pub fn must_have_a_door(name: &str) -> Result<(), Problem> {
    if let Some((_, door)) = OWN_DOORS.iter().find(|(own, _)| *own == name) {
        return Err(Problem::new(404, "command.own_door", format!("{name} has its own door: {door}.")));
    }
    if Command::KINDS.iter().any(|(own, roles)| *own == name && only_the_service(roles)) {
        return Err(Problem::new(404, "command.service_only", format!("{name} is given by the service itself and by nobody else.")));
    }
    Ok(())
}

/// `GET /api/v1/commands`
pub async fn index(_: Viewer) -> HttpResponse {
    let commands: Vec<Value> = Command::KINDS
        .iter()
        .filter(|(_, roles)| !only_the_service(roles))
        .map(|(name, roles)| {
            let door =
                OWN_DOORS.iter().find(|(own, _)| own == name).map_or_else(|| format!("POST /api/v1/commands/{name}"), |(_, door)| (*door).to_owned());
            let roles: Vec<&str> = roles.iter().filter(|role| **role != Role::Service).map(|role| role.as_str()).collect();
            json!({"name": name, "roles": roles, "door": door})
        })
        .collect();
    HttpResponse::Ok().json(json!({"commands": commands}))
}

/// `POST /api/v1/commands/{name}`; with `If-Match`, only if the consignment that it is about is still as its ETag said.
pub async fn create(
    viewer: Viewer,
    state: Data,
    post: web::Data<Post>,
    http: HttpRequest,
    name: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    must_have_a_door(&name)?;
    if Command::KINDS.iter().any(|(own, _)| *own == *name) {
        viewer.must_be_able_to(&name)?;
    }
    let bytes = request::json(&http, &state, payload).await?;
    let key = writes::key(&http, &viewer, &bytes)?;
    let mut body = request::object(&bytes)?;
    let occurred = run_bulk::occurred(&mut body)?;
    let signed = match body.remove(SIGNED) {
        None | Some(Value::Null) => None,
        Some(document) => Some(Arc::new(check_signed::check(document, &name, &body, occurred)?)),
    };
    let expected = match (writes::expected(&http)?, body.get("consignment").and_then(Value::as_str)) {
        (None, _) => None,
        (Some(last_seq), Some(id)) => Some((ConsignmentId::parse(id)?, last_seq)),
        (Some(_), None) => {
            return Err(Problem::new(422, "request.if_match", "If-Match goes with commands that name a consignment; send this without it."));
        }
    };
    let command = Command::read(&name, Value::Object(body))?;
    let once = Once::created(key.as_ref(), |receipt| Ok(receipt.clone()));
    let terms = Terms { occurred, expected, signed, once, post: Some(post.into_inner()), ..Terms::default() };
    let recorded = async { Ok(state.service.recorder.record(command, &viewer.actor, terms).await) };
    match request::answer_in_time(&state, recorded).await? {
        Ok(outcome) => {
            // A correction may have revoked certificates: whoever asks a moment later is told.
            if let Outcome::Now(receipt) = &outcome
                && receipt.entries.iter().any(|entry| entry.event == "certificate.revoked")
            {
                let service = state.service.clone();
                let published = web::block(move || publish_status::publish_if_behind(&service)).await;
                if !matches!(published, Ok(Ok(()))) {
                    state.service.app.unfinished.store(true, Ordering::Relaxed);
                }
            }
            if let Outcome::Now(receipt) = &outcome
                && receipt.entries.iter().any(|entry| entry.event == withhold_evidence::EVENT)
            {
                withholdings::remove(&state).await;
            }
            writes::respond(StatusCode::CREATED, outcome)
        }
        Err(error) => Err(writes::explain(&state, viewer, error).await),
    }
}
