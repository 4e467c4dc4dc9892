//! Vendors' own lists: a receiving report as a receipt, a settlement as what became of each device.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::problem::Problem;
use super::request::{self, consignment_id};
use super::session::Viewer;
use super::{Data, block, writes};
use crate::domain::mappings::ListKind;
use crate::domain::names::WeightBasis;
use crate::operations::receive_evidence::MAX_BYTES;
use crate::operations::receive_list::{self, Ready};

/// How a list is taken.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct How {
    dry_run: Option<String>,
    more_to_come: Option<String>,
    profile: Option<String>,
}

/// How a settlement is taken.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HowSettled {
    dry_run: Option<String>,
    weight_basis: Option<String>,
    profile: Option<String>,
}

/// The list, and how it is read; where nobody has mapped its columns, a problem that shows them with a proposal.
async fn prepared(
    state: &Data,
    viewer: &Viewer,
    id: &str,
    kind: ListKind,
    profile: Option<&str>,
    bytes: Vec<u8>,
) -> Result<(Ready, Vec<u8>), Problem> {
    let id = consignment_id(id)?;
    let profile = request::text("profile", profile)?;
    let actor = viewer.actor.clone();
    let (prepared, bytes) = block(state, move |service| {
        let prepared = receive_list::prepare(service, &actor, &id, kind, profile.as_deref(), &bytes)?;
        Ok((prepared, bytes))
    })
    .await?;
    match prepared {
        Ok(ready) => Ok((ready, bytes)),
        Err(unmapped) => {
            let why = format!(
                "Nobody has said what the columns of this {} are. Check the proposal, send it with a profile's name as the command map_columns for \
                 the receiver, and send the list again.",
                kind.label()
            );
            let problem = Problem::new(422, "mappings.unmapped", why);
            Err(problem
                .with_member("headers", json!(unmapped.headers))
                .with_member("proposal", json!(unmapped.proposal))
                .with_member("profiles", json!(unmapped.profiles)))
        }
    }
}

/// `POST /api/v1/consignments/{id}/receipts?dry_run=&more_to_come=&profile=`: the receiver's list, CSV or XLSX, as the body.
pub async fn api_create(
    http: HttpRequest,
    viewer: Viewer,
    state: Data,
    id: web::Path<String>,
    how: web::Query<How>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    viewer.must_be_able_to("receive_consignment")?;
    let (dry_run, more) = (request::flag("dry_run", how.dry_run.as_deref())?, request::flag("more_to_come", how.more_to_come.as_deref())?);
    let _place = request::place(&http, &state.uploads).await?;
    let bytes = request::body(&state, payload, MAX_BYTES).await?;
    let key = writes::key(&http, &viewer, &bytes)?.filter(|_| !dry_run);
    let (ready, bytes) = prepared(&state, &viewer, &id, ListKind::Receipt, how.profile.as_deref(), bytes).await?;
    let status = if dry_run { StatusCode::OK } else { StatusCode::CREATED };
    writes::answer(&state, viewer, key, status, move |service, viewer, key| {
        receive_list::receive(service, &viewer.actor, &ready, &bytes, (dry_run, more), key)
    })
    .await
}

/// `POST /api/v1/consignments/{id}/settlements?dry_run=&weight_basis=&profile=`: the processor's list, CSV or XLSX, as the body.
pub async fn api_settle(
    http: HttpRequest,
    viewer: Viewer,
    state: Data,
    id: web::Path<String>,
    how: web::Query<HowSettled>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    viewer.must_be_able_to("record_disposition")?;
    let dry_run = request::flag("dry_run", how.dry_run.as_deref())?;
    let basis = how.weight_basis.as_deref().map_or(Ok(WeightBasis::Scale), WeightBasis::parse);
    let basis = basis.map_err(|refusal| Problem::new(422, refusal.code, format!("weight_basis: {}", refusal.why)))?;
    let _place = request::place(&http, &state.uploads).await?;
    let bytes = request::body(&state, payload, MAX_BYTES).await?;
    let key = writes::key(&http, &viewer, &bytes)?.filter(|_| !dry_run);
    let (ready, bytes) = prepared(&state, &viewer, &id, ListKind::Settlement, how.profile.as_deref(), bytes).await?;
    let status = if dry_run { StatusCode::OK } else { StatusCode::CREATED };
    writes::answer(&state, viewer, key, status, move |service, viewer, key| {
        receive_list::settle(service, &viewer.actor, &ready, &bytes, (dry_run, basis), key)
    })
    .await
}
