//! `POST /api/v1/imports`: an inventory export, taken in row by row.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::problem::Problem;
use super::session::Viewer;
use super::{Data, request, writes};
use crate::domain::names::Sensitivity;
use crate::operations::import_inventory::{Options, import_once};

/// Largest inventory file.
const MAX_BYTES: usize = 64 << 20;

/// How to import.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct How {
    dry_run: Option<String>,
    sensitivity: Option<String>,
}

/// `POST /api/v1/imports?dry_run=true&sensitivity=moderate`
pub async fn api_create(
    http: HttpRequest,
    viewer: Viewer,
    state: Data,
    how: web::Query<How>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    viewer.must_be_able_to("register_asset")?;
    let dry_run = request::flag("dry_run", how.dry_run.as_deref())?;
    let sensitivity = how.sensitivity.as_deref().map_or(Ok(Sensitivity::Unknown), Sensitivity::parse)?;
    let options = Options { dry_run, sensitivity };
    let _place = request::place(&http, &state.uploads).await?;
    let bytes = request::body(&state, payload, MAX_BYTES).await?;
    let key = writes::key(&http, &viewer, &bytes)?;
    writes::answer(&state, viewer, key, StatusCode::OK, move |service, viewer, key| {
        import_once(service, &viewer.actor, bytes.as_slice(), options, key)
    })
    .await
}
