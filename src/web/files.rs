//! What programs fetch by a fixed address: keys, vocabulary, status list, health.

use actix_web::HttpResponse;
use actix_web::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, HeaderName};

use super::problem::Problem;
use super::{Data, block};
use crate::documents::context;
use crate::error::Error;
use crate::operations::publish_status;

/// For anyone, from any site.
fn open(kind: &str, caching: &str, bytes: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, kind))
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"))
        .insert_header((CACHE_CONTROL, caching))
        .body(bytes)
}

/// `GET /.well-known/did.json`; where the record's address has a path, did:web looks for `/did.json` under it.
pub async fn did(state: Data) -> HttpResponse {
    open("application/did+json", "public, max-age=300", state.service.app.keys.did_bytes.clone())
}

/// `GET /ns/quittance/v1`
pub async fn context(state: Data) -> HttpResponse {
    open("application/ld+json", "public, max-age=86400", context::context(&state.service.app.identity.public_url))
}

/// `GET /status/1`: the newest version.
pub async fn status(state: Data) -> Result<HttpResponse, Problem> {
    let newest =
        block(&state, |service| publish_status::newest(&service.app)?.ok_or_else(|| Error::Unknown("No status list was published yet.".to_owned())))
            .await?;
    Ok(open("application/vc", "public, no-cache", newest))
}

/// `GET /healthz`: whether the record can be read and written.
pub async fn healthz(state: Data) -> Result<HttpResponse, Problem> {
    block(&state, |service| {
        service.app.halt.check()?;
        crate::store::log::head(&mut *service.app.read()?).map(drop)
    })
    .await?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; charset=utf-8")).body("ok\n"))
}
