//! `/api/v1/bulk`: one command for many things, how far it has come, and what became of each.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::commands::must_have_a_door;
use super::problem::Problem;
use super::session::Viewer;
use super::{Data, block, request, writes};
use crate::domain::Command;
use crate::domain::names::Role;
use crate::operations::once::Outcome;
use crate::operations::run_bulk::{self, Asked};
use crate::store::bulk;

/// Whoever gives commands for many things.
pub const GIVERS: &[Role] = &[Role::Coordinator, Role::Approver, Role::Administrator, Role::VendorOperator, Role::VendorVerifier];

/// Refuses whoever gives no command for many things. Selections are not kept by site: a school contact works device by device.
pub fn must_work_on_many(viewer: &Viewer) -> Result<(), Problem> {
    if viewer.site().is_some() { viewer.must_be(GIVERS) } else { Ok(()) }
}

/// `POST /api/v1/bulk`: with `dry_run` a preview, without it a job.
pub async fn api_create(http: HttpRequest, viewer: Viewer, state: Data, payload: web::Payload) -> Result<HttpResponse, Problem> {
    // Whoever may give no command about a thing is told so whatever they send.
    if !Command::KINDS.iter().any(|(_, roles)| roles.contains(&viewer.actor.role)) {
        viewer.must_be_able_to("record_media")?;
    }
    must_work_on_many(&viewer)?;
    let bytes = request::json(&http, &state, payload).await?;
    let key = writes::key(&http, &viewer, &bytes)?;
    let asked: Asked = request::read(&bytes, "bulk.malformed")?;
    if Command::KINDS.iter().any(|(name, _)| *name == asked.command) {
        must_have_a_door(&asked.command)?;
        viewer.must_be_able_to(&asked.command)?;
    }
    let key = key.filter(|_| !asked.dry_run);
    let status = if asked.dry_run { StatusCode::OK } else { StatusCode::CREATED };
    writes::answer(&state, viewer, key, status, move |service, viewer, key| {
        if asked.dry_run {
            return Ok(Outcome::Now(serde_json::to_value(run_bulk::preview(service, &viewer.actor, &asked)?)?));
        }
        run_bulk::start(service, &viewer.actor, &asked, key)?.map(|progress| Ok(serde_json::to_value(progress)?))
    })
    .await
}

/// `GET /api/v1/bulk/{id}`
pub async fn api_show(viewer: Viewer, state: Data, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    let id = request::job_id(&id)?;
    let progress = block(&state, move |service| run_bulk::progress(service, &viewer.actor, &id)).await?;
    Ok(HttpResponse::Ok().json(progress))
}

/// Which items.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct From {
    from: Option<String>,
    limit: Option<String>,
}

/// `GET /api/v1/bulk/{id}/items?from=&limit=`: what became of each, from an item's number on.
pub async fn api_items(viewer: Viewer, state: Data, id: web::Path<String>, asked: web::Query<From>) -> Result<HttpResponse, Problem> {
    let (from, limit) = (request::from(asked.from.as_deref())?, request::limit(asked.limit.as_deref())?);
    let id = request::job_id(&id)?;
    let (items, next) = block(&state, move |service| {
        let mut db = service.app.read()?;
        run_bulk::find(&mut db, &viewer.actor, &id)?;
        let mut items = bulk::items(&mut db, &id, i64::try_from(from).unwrap_or(i64::MAX), limit + 1)?;
        let whole = usize::try_from(limit).unwrap_or(usize::MAX);
        let next = items.get(whole).map(|item| item.number);
        items.truncate(whole);
        Ok((items, next))
    })
    .await?;
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": next})))
}

/// `POST /api/v1/bulk/{id}/cancellations`: by anyone who could give its command.
pub async fn api_cancel(viewer: Viewer, state: Data, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    must_work_on_many(&viewer)?;
    let id = request::job_id(&id)?;
    let (actor, looked) = (viewer.actor.clone(), id.clone());
    let command = block(&state, move |service| Ok(run_bulk::find(&mut *service.app.read()?, &actor, &looked)?.command)).await?;
    viewer.must_be_able_to(&command)?;
    writes::answer(&state, viewer, None, StatusCode::OK, move |service, viewer, _| run_bulk::cancel(service, &viewer.actor, &id).map(Outcome::Now))
        .await
}
