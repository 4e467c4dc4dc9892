//! `/api/v1/sightings` and `/api/v1/counts`: what was seen, and what was counted.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::problem::Problem;
use super::session::Viewer;
use super::{Data, request, writes};
use crate::operations::once::{Outcome, keep, once};
use crate::operations::take_sightings::{self, Count, Sightings};
use crate::store::idempotency::Answer;

/// `POST /api/v1/sightings`
pub async fn api_create(http: HttpRequest, viewer: Viewer, state: Data, payload: web::Payload) -> Result<HttpResponse, Problem> {
    viewer.must_be_able_to("see_device")?;
    let bytes = request::json(&http, &state, payload).await?;
    let key = writes::key(&http, &viewer, &bytes)?;
    let asked: Sightings = request::read(&bytes, "command.malformed")?;
    writes::answer(&state, viewer, key, StatusCode::OK, move |service, viewer, key| {
        once(service, key, || {
            let report = take_sightings::take(service, &viewer.actor, &asked)?;
            match key {
                None => Ok(Outcome::Now(report)),
                Some(key) => keep(service, key, Answer { status: 200, body: serde_json::to_vec(&report)? })?.map(|()| Ok(report)),
            }
        })
    })
    .await
}

/// `POST /api/v1/counts`
pub async fn api_count(http: HttpRequest, viewer: Viewer, state: Data, payload: web::Payload) -> Result<HttpResponse, Problem> {
    viewer.must_be_able_to("record_count")?;
    let bytes = request::json(&http, &state, payload).await?;
    let key = writes::key(&http, &viewer, &bytes)?;
    let asked: Count = request::read(&bytes, "command.malformed")?;
    writes::answer(&state, viewer, key, StatusCode::CREATED, move |service, viewer, key| {
        once(service, key, || take_sightings::count(service, &viewer.actor, &asked, key))
    })
    .await
}
