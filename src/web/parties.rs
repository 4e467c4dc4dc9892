//! The organisation and its vendors.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::problem::Problem;
use super::request::{self, cut};
use super::session::Viewer;
use super::{Data, block};
use crate::error::Result;
use crate::store::inventory;
use crate::store::tables::PartyRow;

/// What a list is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    after: Option<String>,
    limit: Option<String>,
}

/// `GET /api/v1/parties?after=&limit=`: a vendor sees the organisation and itself.
pub async fn api_index(viewer: Viewer, state: Data, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    let (after, limit) = (request::after(asked.after.as_deref())?, request::limit(asked.limit.as_deref())?);
    let (parties, next) = block(&state, move |service| {
        let only = viewer.narrowed_to().map(|own| [service.app.service.party.to_string(), own]);
        let only = only.as_ref().map(|two| two.as_slice());
        let mut rows = inventory::parties(&mut *service.app.read()?, only, after.as_ref(), limit + 1)?;
        let next = cut(&mut rows, limit, |row| (row.name.clone(), row.id.clone()));
        Ok((rows.iter().map(PartyRow::record).collect::<Result<Vec<_>>>()?, next))
    })
    .await?;
    Ok(HttpResponse::Ok().json(json!({"parties": parties, "next": next})))
}
