//! What browsers say that a page's policy stopped: somebody's attempt, or our own mistake. Logged, and no more.

use actix_web::{HttpResponse, web};
use serde_json::Value;

use super::problem::Problem;
use super::{Data, request};

/// Largest report.
const REPORT_BYTES: usize = 8 << 10;

/// `POST /policy-reports`
pub async fn create(state: Data, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let bytes = request::body(&state, payload, REPORT_BYTES).await?;
    let reports: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let reports = reports.as_array().map_or(std::slice::from_ref(&reports), Vec::as_slice);
    for report in reports.iter().take(10) {
        let said = |name: &str| report.pointer(&format!("/body/{name}")).and_then(Value::as_str).unwrap_or("–").escape_debug().to_string();
        tracing::warn!(
            directive = said("effectiveDirective"),
            blocked = said("blockedURL"),
            page = said("documentURL"),
            "a page's policy stopped something"
        );
    }
    Ok(HttpResponse::NoContent().finish())
}
