//! `/api/v1/catalogue`: what is known of models before anybody has looked.

use actix_web::HttpResponse;

use super::Data;
use super::session::Viewer;

/// `GET /api/v1/catalogue`
pub async fn api_index(_: Viewer, state: Data) -> HttpResponse {
    HttpResponse::Ok().json(&state.service.app.catalogue)
}
