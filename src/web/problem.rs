//! Errors as clients see them: `application/problem+json` (RFC 9457); [`super::headers`] makes a page of it for people.

use std::fmt;
use std::ops::Deref;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::json;

use crate::app::reference;
use crate::domain::refusal::Refusal;
use crate::error::Error;

/// An answer that is not what was asked for.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

/// An entry that stands in the way.
#[derive(Clone, Debug, Serialize)]
pub struct Moved {
    /// Its number.
    pub seq: u64,
    /// Its kind.
    pub event: String,
    /// What happened, in one sentence.
    pub sentence: String,
    /// When it was recorded.
    pub time: String,
    /// As what somebody said so.
    pub role: String,
    /// For which party.
    pub party: String,
}

/// What a problem says.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The HTTP status.
    pub status: StatusCode,
    /// `chapter.reason`, for machines.
    pub code: String,
    /// A sentence that says what to do next.
    pub detail: String,
    /// What is missing, one by one.
    pub missing: Vec<String>,
    /// What was recorded before and stands in the way, as far as the one who asks may see it.
    pub moved: Vec<Moved>,
    /// Under this number the log has the cause of a fault.
    pub reference: Option<String>,
    members: Vec<(&'static str, serde_json::Value)>,
    headers: Vec<(HeaderName, String)>,
}

impl Deref for Problem {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Problem {
    /// An answer with this status.
    pub fn new(status: u16, code: &str, detail: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self(Box::new(Parts {
            status,
            code: code.to_owned(),
            detail: detail.into(),
            missing: Vec::new(),
            moved: Vec::new(),
            reference: None,
            members: Vec::new(),
            headers: Vec::new(),
        }))
    }
    /// There is no such thing, or not for this person: both sound the same.
    pub fn unknown(detail: impl Into<String>) -> Self {
        Self::new(404, "request.unknown", detail)
    }
    /// Adds a header.
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        self.0.headers.push((name, value.to_owned()));
        self
    }
    /// Adds a member to the answer (RFC 9457 §3.2).
    pub fn with_member(mut self, name: &'static str, value: serde_json::Value) -> Self {
        self.0.members.push((name, value));
        self
    }
    /// Names what moved: the newest of it also in the words of the problem.
    pub fn naming(mut self, moved: Vec<Moved>) -> Self {
        if let Some(Moved { seq, sentence, time, role, party, .. }) = moved.last() {
            self.0.detail.push_str(&format!(" Entry {seq} of {time}, by {party} ({role}): {sentence}"));
        }
        self.0.moved = moved;
        self
    }
    /// The words of the status.
    pub fn title(&self) -> &'static str {
        match self.status.as_u16() {
            401 => "Not signed in",
            403 => "Not for your role",
            404 => "Not found",
            409 | 412 => "Something changed meanwhile",
            410 => "Withheld",
            413 => "Too large",
            422 => "Not possible yet",
            500 => "The service is at fault",
            503 => "Try again in a moment",
            _ => self.status.canonical_reason().unwrap_or("Error"),
        }
    }

    fn refused(status: u16, refusal: Refusal) -> Self {
        let mut problem = Self::new(status, refusal.code, refusal.why);
        problem.0.missing = refusal.missing;
        problem
    }

    /// A fault, logged here and nowhere else; its cause is not shown.
    fn fault(cause: &str) -> Self {
        let reference = reference();
        tracing::error!(reference, "{cause}");
        let detail = format!(
            "Something is wrong with the service, not with your request. Give its operator the reference {reference}. Before you repeat what you did, look at the record whether it was done."
        );
        let mut problem = Self::new(500, "service.fault", detail);
        problem.0.reference = Some(reference);
        problem
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Error::from(refusal).into()
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::SignedOut => Self::new(401, "session.signed_out", "Sign in first: this needs the token that an administrator gave you.")
                .with_header(WWW_AUTHENTICATE, "Bearer"),
            Error::Unknown(what) => Self::unknown(what),
            Error::Refused(refusal) if refusal.code == "command.wrong_role" => Self::refused(403, refusal),
            Error::Refused(refusal) if refusal.code == "command.unknown" => Self::refused(404, refusal),
            Error::Refused(refusal) if refusal.code == "evidence.withheld" => Self::refused(410, refusal),
            Error::Refused(refusal) if refusal.code == "consignment.moved_on" => Self::refused(412, refusal),
            Error::Refused(refusal) => Self::refused(422, refusal),
            Error::Conflict(refusal) => Self::refused(409, refusal),
            Error::Busy(why) => Self::new(503, "service.busy", why).with_header(RETRY_AFTER, "1"),
            Error::Damaged(cause) | Error::Fault(cause) => Self::fault(&cause),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }
    fn error_response(&self) -> HttpResponse {
        let mut body =
            json!({"type": "about:blank", "title": self.title(), "status": self.status.as_u16(), "detail": self.detail, "code": self.code});
        if let Some(members) = body.as_object_mut() {
            members.extend(self.members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
            if !self.missing.is_empty() {
                members.insert("missing".to_owned(), json!(self.missing));
            }
            if !self.moved.is_empty() {
                members.insert("moved".to_owned(), json!(self.moved));
            }
            if let Some(reference) = &self.reference {
                members.insert("reference".to_owned(), json!(reference));
            }
        }
        let mut response = HttpResponse::build(self.status);
        self.add_headers(&mut response);
        response.insert_header((CONTENT_TYPE, "application/problem+json")).body(body.to_string())
    }
}

impl Problem {
    /// Puts the headers of this answer on a response.
    pub fn add_headers(&self, response: &mut actix_web::HttpResponseBuilder) {
        for (name, value) in &self.headers {
            response.insert_header((name.clone(), value.as_str()));
        }
    }
}
