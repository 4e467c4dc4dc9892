//! The organisation and its vendors.

use actix_web::HttpResponse;
use serde_json::json;

use super::problem::Problem;
use super::session::Viewer;
use super::{Data, block};
use crate::domain::parties::PartyKind;
use crate::store::inventory;
use crate::store::tables::PartyRow;

/// `GET /api/v1/parties`: a vendor sees the organisation and itself.
pub async fn api_index(viewer: Viewer, state: Data) -> Result<HttpResponse, Problem> {
    let parties = block(&state, move |service| {
        let rows = inventory::parties(&mut *service.app.read()?)?;
        let mut parties = rows.iter().map(PartyRow::record).collect::<crate::error::Result<Vec<_>>>()?;
        parties.retain(|party| !viewer.actor.role.is_vendor() || party.kind == PartyKind::Organisation || party.id == viewer.actor.party);
        Ok(parties)
    })
    .await?;
    Ok(HttpResponse::Ok().json(json!({"parties": parties})))
}
