//! `/api/v1/people`: the directory, for administrators. Names can be corrected and erased here; who may sign in, and as what, is decided on the machine.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::problem::Problem;
use super::session::Viewer;
use super::{Data, block, request, writes};
use crate::app::now;
use crate::domain::names::Role;
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};
use crate::operations::Service;
use crate::operations::once::Outcome;
use crate::store::people::{self, Correction};

const ADMINISTRATORS: &[Role] = &[Role::Administrator];

/// `GET /api/v1/people`
pub async fn api_index(viewer: Viewer, state: Data) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(ADMINISTRATORS)?;
    let (everyone, erased) = block(&state, |service| {
        let mut db = service.app.read()?;
        Ok((people::all(&mut db)?, people::all_erased(&mut db)?))
    })
    .await?;
    let everyone = everyone.into_iter().map(|person| {
        json!({"id": person.id, "name": person.name, "title": person.title, "phone": person.phone, "email": person.email, "role": person.role, "party": person.party})
    });
    let erased = erased.into_iter().map(|(id, role, party, _)| json!({"id": id, "name": null, "role": role, "party": party}));
    Ok(HttpResponse::Ok().json(json!({"people": everyone.chain(erased).collect::<Vec<_>>()})))
}

/// Writes what concerns a person, or says that there is nobody.
fn write(service: &Service, work: impl FnOnce(&mut crate::store::Database) -> Result<bool> + Send + 'static) -> Result<Outcome<Value>> {
    if service.recorder.write_waiting(work)? {
        return Ok(Outcome::Now(json!({})));
    }
    Err(Error::Unknown("Nobody has this id; GET /api/v1/people shows who there is.".to_owned()))
}

/// `POST /api/v1/people/{id}/corrections`
pub async fn api_correct(
    http: HttpRequest,
    viewer: Viewer,
    state: Data,
    person: web::Path<String>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(ADMINISTRATORS)?;
    let person = request::person_id(&person)?.to_string();
    let bytes = request::json(&http, &state, payload).await?;
    let correction: Correction = request::read(&bytes, "people.malformed")?;
    correction.check()?;
    writes::answer(&state, viewer, None, StatusCode::OK, move |service, _, _| write(service, move |db| people::correct(db, &person, &correction)))
        .await
}

/// `POST /api/v1/people/{id}/erasures`
pub async fn api_erase(viewer: Viewer, state: Data, person: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(ADMINISTRATORS)?;
    let person = request::person_id(&person)?.to_string();
    if person == viewer.actor.person.as_str() {
        return Err(Refusal::new("people.oneself", "Nobody erases themselves; another administrator has to.").into());
    }
    writes::answer(&state, viewer, None, StatusCode::OK, move |service, _, _| write(service, move |db| people::erase(db, &person, now().unix_ms())))
        .await
}
