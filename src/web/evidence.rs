//! Evidence files: in as they are, out as attachments that no browser opens in this site's name.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use actix_web::{HttpRequest, HttpResponse, web};

use super::problem::Problem;
use super::session::Viewer;
use super::{Data, block, request, writes};
use crate::domain::names::Digest;
use crate::operations::receive_evidence::{self, MAX_BYTES};

/// `POST /api/v1/evidence`
pub async fn api_create(http: HttpRequest, viewer: Viewer, state: Data, payload: web::Payload) -> Result<HttpResponse, Problem> {
    viewer.must_be_able_to("receive_evidence")?;
    let _place = request::place(&http, &state.uploads).await?;
    let bytes = request::body(&state, payload, MAX_BYTES).await?;
    let key = writes::key(&http, &viewer, &bytes)?;
    writes::answer(&state, viewer, key, StatusCode::CREATED, move |service, viewer, key| {
        receive_evidence::receive_once(service, &viewer.actor, &bytes, key)
    })
    .await
}

/// `POST /api/v1/evidence/{sha256}/readings`, without a body: reads a stored file again.
pub async fn api_read(http: HttpRequest, viewer: Viewer, state: Data, sha256: web::Path<String>) -> Result<HttpResponse, Problem> {
    viewer.must_be_able_to("receive_evidence")?;
    let digest = Digest::parse(&sha256).map_err(|_| receive_evidence::unknown(&sha256))?;
    let key = writes::key(&http, &viewer, b"")?;
    writes::answer(&state, viewer, key, StatusCode::CREATED, move |service, viewer, key| {
        receive_evidence::read_again(service, &viewer.actor, &digest, key)
    })
    .await
}

/// `GET /api/v1/evidence/{sha256}`: a vendor gets what its own people uploaded.
pub async fn api_show(viewer: Viewer, state: Data, sha256: web::Path<String>) -> Result<HttpResponse, Problem> {
    let digest = Digest::parse(&sha256).map_err(|_| receive_evidence::unknown(&sha256))?;
    let name = format!("attachment; filename=\"evidence-{digest}.bin\"");
    let bytes = block(&state, move |service| receive_evidence::find(service, &viewer.actor, &digest)).await?;
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header((CONTENT_DISPOSITION, name))
        .insert_header((CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'; frame-ancestors 'none'"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .body(bytes))
}
