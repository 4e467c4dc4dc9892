//! An inventory export, or a list of past disposals, taken in row by row: over the API, and as a page that tries the file out first.

use std::time::Instant;

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::StreamExt as _;
use serde::Deserialize;

use super::actions::role_may;
use super::forms::{self, Given};
use super::page::{self, Page};
use super::problem::Problem;
use super::session::{self, Viewer};
use super::{Data, request, writes};
use crate::domain::names::{Digest, Role, Sensitivity};
use crate::domain::refusal::Refusal;
use crate::error::Error;
use crate::operations::import_inventory::{Options, Report, import, import_once};
use crate::operations::import_past::{PastOptions, import_past, import_past_once};
use crate::operations::once::Outcome;
use crate::operations::{Service, receive_evidence, withhold_evidence};

/// Who takes in inventories: a file is of many sites.
const IMPORTERS: &[Role] = &[Role::Coordinator, Role::Administrator];
/// Largest inventory file.
const MAX_BYTES: usize = 64 << 20;

/// How to import.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct How {
    dry_run: Option<String>,
    sensitivity: Option<String>,
    /// These devices were disposed of before.
    past: Option<String>,
    /// SHA-256 of the stored paper about them.
    document: Option<String>,
}

/// Who says what became of a device says it afterwards, too.
fn must_be_able_to_import(viewer: &Viewer, past: bool) -> Result<(), Problem> {
    viewer.must_be(IMPORTERS)?;
    if past { viewer.must_be_able_to("record_past_disposal") } else { Ok(()) }
}

/// `POST /api/v1/imports?dry_run=true&sensitivity=moderate`; with `past=true` a list of past disposals, and `document=` the stored paper about them
pub async fn api_create(
    http: HttpRequest,
    viewer: Viewer,
    state: Data,
    how: web::Query<How>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    viewer.must_be(IMPORTERS)?;
    let dry_run = request::flag("dry_run", how.dry_run.as_deref())?;
    let sensitivity = how.sensitivity.as_deref().map_or(Ok(Sensitivity::Unknown), Sensitivity::parse)?;
    let options = Options { dry_run, sensitivity };
    let past = request::flag("past", how.past.as_deref())?;
    must_be_able_to_import(&viewer, past)?;
    let document = how.document.as_deref().map(Digest::parse).transpose()?;
    if document.is_some() && !past {
        return Err(Refusal::new("inventory.document", "document goes with past=true: leave it out, or send a list of past disposals.").into());
    }
    let _place = request::place(&http, &state.uploads).await?;
    let bytes = request::body(&state, payload, MAX_BYTES).await?;
    let key = writes::key(&http, &viewer, &bytes)?;
    writes::answer(&state, viewer, key, StatusCode::OK, move |service, viewer, key| {
        if past {
            let paper = document.map(|document| receive_evidence::find(service, &viewer.actor, &document)).transpose()?;
            let options = PastOptions { dry_run, sensitivity, document: paper.as_deref() };
            return import_past_once(service, &viewer.actor, &bytes, options, key);
        }
        import_once(service, &viewer.actor, bytes.as_slice(), options, key)
    })
    .await
}

/// A file that was tried out and is kept until somebody takes it in.
struct Tried {
    sha256: String,
    sensitivity: &'static str,
    past: bool,
    /// The paper of past disposals, by its SHA-256; empty where there is none.
    document: String,
}

#[derive(Template)]
#[template(path = "imports/new.html")]
struct NewPage {
    page: Page,
    wrong: Option<String>,
    sensitivities: Vec<(&'static str, &'static str)>,
    report: Option<Shown>,
    tried: Option<Tried>,
    /// Whether this viewer may record past disposals, too.
    pasts: bool,
    key: String,
}

/// What an import came to, or would come to.
struct Shown {
    dry_run: bool,
    past: bool,
    named: Option<String>,
    format: String,
    rows: String,
    registered: String,
    unchanged: String,
    differing: String,
    refused: String,
    lines: Vec<(String, String)>,
    last_seq: Option<u64>,
    some: bool,
}

impl From<Report> for Shown {
    fn from(report: Report) -> Self {
        let number = |n: u64| page::thousands(i64::try_from(n).unwrap_or(i64::MAX));
        Self {
            dry_run: report.dry_run,
            past: report.past,
            named: report.named.map(number),
            format: report.format,
            rows: number(report.rows),
            registered: number(report.registered),
            unchanged: number(report.unchanged),
            differing: number(report.differing),
            refused: number(report.refused),
            lines: report.lines.into_iter().map(|line| (number(line.line), line.what)).collect(),
            last_seq: report.last_seq,
            some: report.registered > 0,
        }
    }
}

fn draw(state: &Data, viewer: &Viewer, wrong: Option<String>, report: Option<Shown>, tried: Option<Tried>) -> Result<HttpResponse, Problem> {
    let title = if wrong.is_some() { "Problem: Import an inventory" } else { "Import an inventory" };
    let bad = wrong.is_some();
    let page = Page::new(state, title, Some(viewer));
    let sensitivities = Sensitivity::ALL.iter().map(|one| (one.as_str(), one.label())).collect();
    let pasts = role_may(viewer, "record_past_disposal");
    let mut answer = page::render(&NewPage { page, wrong, sensitivities, report, tried, pasts, key: forms::fresh_key()? })?;
    if bad {
        *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(answer)
}

/// `GET /assets/import`
pub async fn new(viewer: Viewer, state: Data) -> Result<HttpResponse, Problem> {
    viewer.must_be(IMPORTERS)?;
    draw(&state, &viewer, None, None, None)
}

/// `POST /assets/import?sensitivity=`: tries a file out. It is kept under its digest, so that what is taken in afterwards is what was tried.
pub async fn create(http: HttpRequest, state: Data, how: web::Query<How>, form: Multipart) -> Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    viewer.must_be(IMPORTERS)?;
    let _place = request::place(&http, &state.uploads).await?;
    let Uploaded { file, document, sensitivity, kind } = uploaded(&state, form).await?;
    let sensitivity = how.sensitivity.as_deref().or(sensitivity.as_deref()).map_or(Ok(Sensitivity::Unknown), Sensitivity::parse)?;
    let past = kind.as_deref() == Some("past");
    must_be_able_to_import(&viewer, past)?;
    if file.is_empty() {
        return draw(&state, &viewer, Some("Choose the file that the other system wrote.".to_owned()), None, None);
    }
    let (service, actor) = (state.service.clone(), viewer.actor.clone());
    let work = move || {
        let sha256 = withhold_evidence::store_unless_withheld(&service.app, &file)?;
        if !past {
            let report = import(&service, &actor, file.as_slice(), Options { dry_run: true, sensitivity }, |_| ())?;
            return Ok((sha256, None, report));
        }
        let paper = Some(document.as_slice()).filter(|bytes| !bytes.is_empty());
        let report = import_past(&service, &actor, &file, PastOptions { dry_run: true, sensitivity, document: paper }, |_| ())?;
        // Kept like the list, and recorded when the list is.
        let document = paper.map(|bytes| withhold_evidence::store_unless_withheld(&service.app, bytes)).transpose()?;
        Ok((sha256, document, report))
    };
    let done: crate::error::Result<_> = web::block(work).await.map_err(|error| Problem::from(Error::fault("waiting for a thread", error)))?;
    match done {
        Ok((sha256, document, report)) => {
            let document = document.map(|document: Digest| document.to_string()).unwrap_or_default();
            let tried = Tried { sha256: sha256.to_string(), sensitivity: sensitivity.as_str(), past, document };
            draw(&state, &viewer, None, Some(report.into()), Some(tried))
        }
        Err(Error::Refused(refusal)) => draw(&state, &viewer, Some(refusal.why), None, None),
        Err(error) => Err(error.into()),
    }
}

/// `POST /assets/import/{sha256}`: takes in a file that was tried out.
pub async fn apply(http: HttpRequest, state: Data, sha256: web::Path<String>, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    viewer.must_be(IMPORTERS)?;
    let given = Given::read(&http, &state, payload).await?;
    let sensitivity = Some(given.get("sensitivity")).filter(|text| !text.is_empty()).map_or(Ok(Sensitivity::Unknown), Sensitivity::parse)?;
    let sha256 = Digest::parse(&sha256).map_err(|why| Problem::unknown(why.why))?;
    let past = given.get("kind") == "past";
    must_be_able_to_import(&viewer, past)?;
    let document = Some(given.get("document")).filter(|text| !text.is_empty()).map(Digest::parse).transpose()?;
    let key = given.key(&http, &viewer);
    let (service, actor) = (state.service.clone(), viewer.actor.clone());
    let work = move || {
        let file = tried_out(&service, &sha256)?;
        let done = if past {
            let paper = document.map(|document| tried_out(&service, &document)).transpose()?;
            let options = PastOptions { dry_run: false, sensitivity, document: paper.as_deref() };
            import_past_once(&service, &actor, &file, options, key.as_ref())?
        } else {
            import_once(&service, &actor, file.as_slice(), Options { dry_run: false, sensitivity }, key.as_ref())?
        };
        Ok(match done {
            Outcome::Now(report) => report,
            Outcome::Before(answer) => serde_json::from_slice(&answer.body)?,
        })
    };
    let done: crate::error::Result<Report> = web::block(work).await.map_err(|error| Problem::from(Error::fault("waiting for a thread", error)))?;
    match done {
        Ok(report) => draw(&state, &viewer, None, Some(report.into()), None),
        Err(Error::Refused(refusal)) => draw(&state, &viewer, Some(refusal.why), None, None),
        Err(error) => Err(error.into()),
    }
}

/// A file that was kept when it was tried out.
fn tried_out(service: &Service, sha256: &Digest) -> crate::error::Result<Vec<u8>> {
    if !service.app.files.has(sha256)? {
        return Err(Error::Unknown("There is no such file; try it out first.".to_owned()));
    }
    service.app.files.get(sha256)
}

/// What the form sent.
#[derive(Default)]
struct Uploaded {
    /// The list.
    file: Vec<u8>,
    /// The paper about past disposals; empty where none was chosen.
    document: Vec<u8>,
    sensitivity: Option<String>,
    kind: Option<String>,
}

async fn uploaded(state: &Data, mut form: Multipart) -> Result<Uploaded, Problem> {
    let unreadable =
        |why: String| Problem::new(400, "request.malformed", format!("The form cannot be read ({why}); open its page and send it again."));
    let since = Instant::now();
    let mut sent = Uploaded::default();
    while let Some(field) = request::in_time(state, since, sent.file.len(), form.next()).await? {
        let mut field = field.map_err(|e| unreadable(e.to_string()))?;
        let name = field.name().unwrap_or_default().to_owned();
        let most = match name.as_str() {
            "file" => MAX_BYTES,
            "document" => receive_evidence::MAX_BYTES,
            _ => 100,
        };
        let mut bytes = Vec::new();
        while let Some(chunk) = request::in_time(state, since, sent.file.len() + bytes.len(), field.next()).await? {
            bytes.extend_from_slice(&chunk.map_err(|e| unreadable(e.to_string()))?);
            if bytes.len() > most {
                return Err(Problem::new(413, "request.too_large", format!("The file is larger than {} MB; send a smaller one.", most >> 20)));
            }
        }
        let words = |bytes: Vec<u8>| String::from_utf8(bytes).ok().filter(|text| !text.is_empty());
        match name.as_str() {
            "file" => sent.file = bytes,
            "document" => sent.document = bytes,
            "kind" => sent.kind = words(bytes),
            _ => sent.sensitivity = words(bytes),
        }
    }
    Ok(sent)
}
