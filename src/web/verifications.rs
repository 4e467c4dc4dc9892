//! Checking a certificate, for anyone: a page with a form, and the same for programs. Nothing that is uploaded is kept.

use std::time::Instant;

use actix_multipart::Multipart;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::page::{self, Page, When, capital};
use super::problem::Problem;
use super::session::Viewer;
use super::{Data, block, request, session};
use crate::app::now;
use crate::domain::certification::Certificate;
use crate::operations::verify_certificate;
use crate::proof::bundle::{BundleError, MAX_PDF_BYTES};
use crate::proof::verify::{Finding, Outcome, Report, Verdict};
use crate::store::tables;

/// What a file came to, and what the record says of the certificate it is.
struct Checked {
    report: Result<Report, BundleError>,
    certificate: Option<Certificate>,
}

async fn check(state: &Data, file: Vec<u8>) -> Result<Checked, Problem> {
    block(state, move |service| {
        let report = verify_certificate::verify(&service.app, &file)?;
        let read = report.as_ref().ok().and_then(|report| report.certificate.as_ref());
        let certificate = match read.and_then(|read| Certificate::number_of(&read.id)) {
            Some(number) if request::certificate_number(number).is_ok() => {
                tables::find::<Certificate>(&mut *service.app.read()?, &number.to_owned())?
            }
            _ => None,
        };
        Ok(Checked { report, certificate })
    })
    .await
}

/// `POST /api/v1/verifications`: the PDF or the credential as the body.
pub async fn api_create(http: HttpRequest, state: Data, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let _place = request::place(&http, &state.checks).await?;
    let file = request::body(&state, payload, MAX_PDF_BYTES).await?;
    let checked = check(&state, file).await?;
    let mut answer = match &checked.report {
        Ok(report) => report.to_json(),
        Err(why) => {
            json!({"verdict": why.verdict().name(), "exitCode": why.verdict().exit_code(), "certificate": null, "checks": [], "why": why.to_string()})
        }
    };
    if let (Some(members), Some(revoked)) = (answer.as_object_mut(), checked.certificate.as_ref().and_then(revocation)) {
        members.insert("revocation".to_owned(), revoked);
    }
    Ok(HttpResponse::Ok().json(answer))
}

fn revocation(certificate: &Certificate) -> Option<Value> {
    certificate.revoked.map(|reason| json!({"reason": reason, "words": reason.label(), "at": certificate.revoked_at}))
}

#[derive(Template)]
#[template(path = "verifications/new.html")]
struct NewPage {
    page: Page,
    number: String,
    wrong: Option<String>,
}

/// What the form for a number sends.
#[derive(Deserialize)]
pub struct Number {
    #[serde(default)]
    number: String,
}

/// `GET /verify`; with `?number=…` the certificate of that number.
pub async fn new(viewer: Result<Viewer, Problem>, state: Data, query: web::Query<Number>) -> Result<HttpResponse, Problem> {
    let number: String = query.number.trim().to_uppercase().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect();
    let viewer = viewer.ok();
    if number.is_empty() {
        return page::render(&NewPage { page: Page::new(&state, "Verify a certificate", viewer.as_ref()), number, wrong: None });
    }
    let wanted = number.clone();
    let found = block(&state, move |service| tables::find::<Certificate>(&mut *service.app.read()?, &wanted)).await?;
    if found.is_some() {
        return Ok(page::redirect(&state, &format!("/certificates/{number}")));
    }
    let wrong = Some(format!("There is no certificate {number} here. Read the number again, or check the file itself."));
    page::render(&NewPage { page: Page::new(&state, "Problem: Verify a certificate", viewer.as_ref()), number, wrong })
}

/// One check as the page shows it.
struct Row {
    title: String,
    outcome: &'static str,
    mark: &'static str,
    detail: String,
}

#[derive(Template)]
#[template(path = "verifications/show.html")]
struct ShowPage {
    page: Page,
    tone: &'static str,
    verdict: String,
    meaning: String,
    name: Option<String>,
    issuer: Option<String>,
    issued: Option<When>,
    link: Option<String>,
    checks: Vec<Row>,
    cited: Vec<Row>,
    cited_passed: usize,
    cited_failed: bool,
    at: When,
}

/// `POST /verify`: the file from the form.
pub async fn create(http: HttpRequest, state: Data, form: Multipart) -> Result<HttpResponse, Problem> {
    session::same_site(&http, &state)?;
    let _place = request::place(&http, &state.checks).await?;
    let file = uploaded(&state, form, MAX_PDF_BYTES).await?;
    if file.is_empty() {
        let wrong = Some("No file was chosen. Choose the certificate's PDF or its JSON credential.".to_owned());
        return page::render(&NewPage { page: Page::new(&state, "Problem: Verify a certificate", None), number: String::new(), wrong });
    }
    let checked = check(&state, file).await?;
    page::render(&show(&state, &checked))
}

/// The first file of the form.
pub async fn uploaded(state: &Data, mut form: Multipart, most: usize) -> Result<Vec<u8>, Problem> {
    let unreadable =
        |why: String| Problem::new(400, "request.malformed", format!("The form cannot be read ({why}); open its page and send it again."));
    let since = Instant::now();
    let mut bytes = Vec::new();
    let Some(field) = request::in_time(state, since, 0, form.next()).await? else { return Ok(bytes) };
    let mut field = field.map_err(|e| unreadable(e.to_string()))?;
    while let Some(chunk) = request::in_time(state, since, bytes.len(), field.next()).await? {
        bytes.extend_from_slice(&chunk.map_err(|e| unreadable(e.to_string()))?);
        if bytes.len() > most {
            return Err(Problem::new(413, "request.too_large", format!("The file is larger than {} MB; send a smaller one.", most >> 20)));
        }
    }
    Ok(bytes)
}

/// Where the only thing wrong is that it was revoked, the data are as issued.
fn only_revoked(report: &Report) -> bool {
    report.checks.iter().all(|check| match &check.outcome {
        Outcome::Failed(why) => matches!(check.finding, Finding::StatusNow | Finding::StatusSnapshot) && why.starts_with("revoked or superseded"),
        _ => true,
    })
}

/// Where the only thing wrong is the pages, the data attached to them are as issued.
fn only_pages(report: &Report) -> bool {
    report.checks.iter().filter(|check| matches!(check.outcome, Outcome::Failed(_))).all(|check| check.finding == Finding::Pages)
}

const SHOWS: &str = "This shows who stated what and when, and that it is unchanged. It does not show that the statement was true.";

fn verdict(checked: &Checked) -> (&'static str, String, String) {
    let report = match &checked.report {
        Ok(report) => report,
        Err(why) if why.verdict() == Verdict::Refused => return ("bad", "ALTERED".to_owned(), format!("{}.", capital(&why.to_string()))),
        Err(why) => return ("warn", "CANNOT BE READ".to_owned(), format!("{}.", capital(&why.to_string()))),
    };
    let first = report.checks.iter().find_map(|check| match &check.outcome {
        Outcome::Failed(why) => Some(format!("{}: {why}", capital(check.finding.title()))),
        _ => None,
    });
    match report.verdict {
        Verdict::Authentic => ("ok", "AUTHENTIC · unchanged · not revoked".to_owned(), SHOWS.to_owned()),
        Verdict::AuthenticNotFullyChecked => (
            "warn",
            "AUTHENTIC · unchanged · not everything was checked".to_owned(),
            format!("{SHOWS} The checks that were not run are listed below, each with the reason."),
        ),
        Verdict::Refused if only_revoked(report) => {
            let why = checked.certificate.as_ref().and_then(|certificate| certificate.revoked.zip(certificate.revoked_at));
            let words = match why {
                Some((reason, at)) => format!("It was revoked on {}: {}. Do not rely on it.", When::from(at).words, reason.label()),
                None => "The issuer has revoked or superseded it. Do not rely on it.".to_owned(),
            };
            ("bad", "GENUINE, BUT REVOKED".to_owned(), words)
        }
        Verdict::Refused if only_pages(report) => (
            "bad",
            "THE PAGES ARE NOT THOSE ISSUED".to_owned(),
            "The data attached to this PDF are genuine, its pages are not what these data give. Do not rely on what the pages show.".to_owned(),
        ),
        Verdict::Refused => ("bad", "NOT AUTHENTIC".to_owned(), format!("{}. Do not rely on it.", first.unwrap_or_default())),
        Verdict::Unreadable => ("warn", "CANNOT BE READ".to_owned(), "This file is not a certificate as far as can be read.".to_owned()),
    }
}

fn show(state: &Data, checked: &Checked) -> ShowPage {
    let (tone, words, meaning) = verdict(checked);
    let report = checked.report.as_ref().ok();
    // What an altered file says of itself is not repeated in this site's name.
    let read = report.filter(|report| report.verdict != Verdict::Refused || only_revoked(report)).and_then(|report| report.certificate.as_ref());
    let (mut checks, mut cited) = (Vec::new(), Vec::new());
    for check in report.map(|report| report.checks.as_slice()).unwrap_or_default() {
        let (outcome, mark, detail) = match &check.outcome {
            Outcome::Passed(detail) => ("passed", "✔", detail.clone()),
            Outcome::Failed(detail) => ("failed", "✖", detail.clone()),
            Outcome::NotRun(detail) => ("not run", "–", detail.clone()),
        };
        match &check.finding {
            Finding::CitedEntry { seq } => cited.push(Row { title: format!("Entry {seq}"), outcome, mark, detail }),
            finding => checks.push(Row { title: capital(finding.title()), outcome, mark, detail }),
        }
    }
    ShowPage {
        page: Page::new(state, words.clone(), None),
        tone,
        verdict: words,
        meaning,
        name: read.map(|read| read.name.clone()),
        issuer: read.map(|read| read.issuer_name.clone().unwrap_or_else(|| read.issuer.clone())),
        issued: read.map(|read| When::of(&read.valid_from)),
        link: read.and(checked.certificate.as_ref()).map(|certificate| certificate.number.clone()),
        checks,
        cited_passed: cited.iter().filter(|row| row.outcome == "passed").count(),
        cited_failed: cited.iter().any(|row| row.outcome == "failed"),
        cited,
        at: now().into(),
    }
}
