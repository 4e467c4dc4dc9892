//! What every answer carries, and errors as pages where a person is reading.

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::cookie::Cookie;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, LOCATION, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS, X_DNS_PREFETCH_CONTROL, X_FRAME_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, ResponseError, web};

use super::asked::{self, Asked};
use super::problem::Problem;
use super::{State, https, page};
use crate::error::Error;
use crate::proof::digest::{hex, sha256};

const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
const PERMISSIONS: &str = "camera=(), microphone=(), geolocation=(), usb=(), serial=(), hid=(), payment=(), display-capture=(), \
     publickey-credentials-get=(self), publickey-credentials-create=(self), screen-wake-lock=(self), clipboard-write=(self)";

/// Lets a page that reads codes have the camera.
pub fn with_camera(response: &mut HttpResponse) {
    if let Ok(allowed) = HeaderValue::from_str(&PERMISSIONS.replace("camera=()", "camera=(self)")) {
        response.headers_mut().insert(HeaderName::from_static("permissions-policy"), allowed);
    }
}

/// What a page may load and do; only scripts with its nonce run, and what they import. No text becomes markup or a script but by the one policy `app`.
fn page_policy(nonce: &str, secure: bool) -> String {
    let upgrade = if secure { " upgrade-insecure-requests;" } else { "" };
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; font-src 'self'; \
         connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types app;{upgrade} report-to csp"
    )
}

/// Whether a person's browser asked.
pub fn wants_page(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

/// Turns errors into the form that this client reads and adds the headers that every answer carries.
pub async fn finish(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let secure = https::is_secure(&request);
    let for_program = request.path().starts_with("/api/");
    let for_person = !for_program && wants_page(request.headers());
    let asked = if for_program { Asked::default() } else { Asked::of(&request).map_err(Problem::from)? };
    let (nonce, said) = (asked.nonce.clone(), asked.said.is_some());
    let answer = async {
        let response = next.call(request).await?.map_into_boxed_body();
        Ok::<_, actix_web::Error>(match problem(&response) {
            None => response,
            Some(problem) => {
                let answer = if for_person { page_of(&response, &problem) } else { problem.error_response() };
                response.into_response(answer)
            }
        })
    };
    let mut response = tagged(if for_program { answer.await? } else { asked.scope(answer).await? });
    let state = response.request().app_data::<web::Data<State>>().cloned();
    let public = is_public(response.headers());
    let is_page = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page && said {
        // It has been said now.
        let mut gone = Cookie::build(asked::SAID, "").path("/").finish();
        gone.make_removal();
        response.response_mut().add_cookie(&gone).map_err(|e| Problem::from(Error::fault("a cookie", e)))?;
    }
    let headers = response.headers_mut();
    if is_page && !headers.contains_key(CONTENT_SECURITY_POLICY) {
        let policy = HeaderValue::from_str(&page_policy(&nonce, secure)).map_err(|e| Problem::from(Error::fault("the policy of a page", e)))?;
        headers.insert(CONTENT_SECURITY_POLICY, policy);
        if let Ok(reports) =
            HeaderValue::from_str(&format!("csp=\"{}/policy-reports\"", state.as_ref().map_or_else(String::new, |state| page::base(state))))
        {
            headers.insert(HeaderName::from_static("reporting-endpoints"), reports);
        }
    }
    let mut add = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    add(CONTENT_SECURITY_POLICY, DATA_POLICY);
    add(X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(REFERRER_POLICY, "same-origin");
    add(X_FRAME_OPTIONS, "DENY");
    add(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    add(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if is_page {
        add(HeaderName::from_static("cross-origin-embedder-policy"), "require-corp");
    }
    add(HeaderName::from_static("permissions-policy"), PERMISSIONS);
    add(HeaderName::from_static("x-permitted-cross-domain-policies"), "none");
    add(X_DNS_PREFETCH_CONTROL, "off");
    add(HeaderName::from_static("x-robots-tag"), "noindex");
    add(CACHE_CONTROL, "private, no-store");
    if !public {
        add(VARY, "Accept, Accept-Language, Authorization, Cookie");
    }
    if secure {
        add(STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains");
    }
    Ok(response)
}

fn is_public(headers: &HeaderMap) -> bool {
    headers.get(CACHE_CONTROL).is_some_and(|caching| caching.as_bytes().starts_with(b"public"))
}

/// What anyone may keep is named by its digest, and not sent again to whoever has it.
fn tagged(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    if response.status() != StatusCode::OK || !is_public(response.headers()) {
        return response;
    }
    let known: Vec<String> = response.request().headers().get_all(IF_NONE_MATCH).filter_map(|tags| tags.to_str().ok()).map(str::to_owned).collect();
    response.map_body(|head, body| match body.try_into_bytes() {
        Err(stream) => stream,
        Ok(bytes) => {
            let tag = format!("\"{}\"", hex(&sha256(&bytes)));
            let has_it =
                known.iter().flat_map(|tags| tags.split(',')).any(|known| known.trim().trim_start_matches("W/") == tag || known.trim() == "*");
            if let Ok(tag) = HeaderValue::from_str(&tag) {
                head.headers_mut().insert(ETAG, tag);
            }
            if has_it {
                head.status = StatusCode::NOT_MODIFIED;
                return BoxBody::new(());
            }
            BoxBody::new(bytes)
        }
    })
}

/// The problem of an answer, also of those that the framework made: those have an error or no body.
fn problem(response: &ServiceResponse<BoxBody>) -> Option<Problem> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    match response.response().error() {
        Some(error) => Some(error.as_error::<Problem>().cloned().unwrap_or_else(|| {
            let why =
                if status.is_server_error() { "The service could not answer.".to_owned() } else { format!("The request cannot be read: {error}.") };
            Problem::new(status.as_u16(), "request.malformed", why)
        })),
        None if matches!(response.response().body().size(), BodySize::None | BodySize::Sized(0)) => {
            Some(Problem::new(status.as_u16(), "request.malformed", status.canonical_reason().unwrap_or("The request cannot be answered.")))
        }
        None => None,
    }
}

fn page_of(response: &ServiceResponse<BoxBody>, problem: &Problem) -> HttpResponse {
    let request = response.request();
    let Some(state) = request.app_data::<web::Data<State>>() else { return problem.error_response() };
    if problem.status == StatusCode::UNAUTHORIZED && request.method() == Method::GET {
        let here = request.uri().path_and_query().map_or("/", |path| path.as_str());
        return HttpResponse::SeeOther().insert_header((LOCATION, format!("{}/sign-in?next={}", page::base(state), page::escaped(here)))).finish();
    }
    page::problem(state, problem)
}
