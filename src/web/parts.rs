//! Evidence in parts: how much of a file has come, and the next piece of it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::problem::Problem;
use super::session::Viewer;
use super::{Data, block, request, writes};
use crate::domain::names::Digest;
use crate::operations::receive_evidence::{self, MAX_BYTES};
use crate::operations::receive_parts::{self, Arrived, Part};

/// Which piece it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The size of the whole file.
    of: u64,
    /// How much comes before this piece.
    from: u64,
}

/// `GET /api/v1/evidence/{sha256}/parts`: how many bytes of one's own unfinished file are here.
pub async fn api_show(viewer: Viewer, state: Data, sha256: web::Path<String>) -> Result<HttpResponse, Problem> {
    viewer.must_be_able_to("receive_evidence")?;
    let digest = Digest::parse(&sha256).map_err(|_| receive_evidence::unknown(&sha256))?;
    let received = block(&state, move |service| receive_parts::received(service, &viewer.actor, &digest)).await?;
    Ok(HttpResponse::Ok().json(json!({"received": received})))
}

/// `POST /api/v1/evidence/{sha256}/parts?of=SIZE&from=BYTES`, the piece as the body: a 202 that says how much is here, and with the last piece what the
/// upload of the whole file answers.
pub async fn api_create(
    http: HttpRequest,
    viewer: Viewer,
    state: Data,
    sha256: web::Path<String>,
    asked: web::Query<Asked>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    viewer.must_be_able_to("receive_evidence")?;
    let digest = Digest::parse(&sha256).map_err(|_| receive_evidence::unknown(&sha256))?;
    let _place = request::place(&http, &state.uploads).await?;
    let bytes = request::body(&state, payload, MAX_BYTES).await?;
    let key = writes::key(&http, &viewer, &bytes)?;
    let Asked { of, from } = asked.into_inner();
    let arrived = block(&state, move |service| {
        let part = Part { sha256: &digest, size_bytes: of, from, bytes: &bytes };
        receive_parts::receive(service, &viewer.actor, &part, key.as_ref())
    });
    match arrived.await? {
        Arrived::Part(received) => Ok(HttpResponse::Accepted().json(json!({"received": received}))),
        Arrived::Whole(outcome) => writes::respond(StatusCode::CREATED, *outcome),
    }
}
