//! A record of a sanitization that a person types where the tool or machine leaves no log, with a photo. It becomes a file like any other: stored under its
//! SHA-256, read, and matched.

use std::time::Instant;

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use futures_util::StreamExt as _;
use serde_json::{Map, Value, json};

use super::forms::{self, Given};
use super::page::{self, Page};
use super::problem::Problem;
use super::session::{self, Viewer};
use super::{Data, block, request};
use crate::app::now;
use crate::domain::names::{Instant as At, Name, Serial, Technique};
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};
use crate::evidence::{HiddenArea, Outcome, typed};
use crate::operations::once::Outcome as Effect;
use crate::operations::receive_evidence::{self, MAX_BYTES};

/// Most fields of the form.
const FIELDS: usize = 16;
/// Most bytes of a field that is typed.
const TYPED_BYTES: usize = 1_000;

type Choices = Vec<(&'static str, &'static str, bool)>;

#[derive(Template)]
#[template(path = "evidence/typed.html")]
struct TypedPage {
    page: Page,
    given: Given,
    techniques: Choices,
    results: Choices,
    hidden_areas: Choices,
    wrong: Option<String>,
    key: String,
}

fn draw(state: &Data, viewer: &Viewer, given: Given, wrong: Option<String>) -> std::result::Result<HttpResponse, Problem> {
    let mut page = Page::new(state, "", Some(viewer));
    page.title = format!("{}{}", if wrong.is_some() { page.t("Problem: ") } else { "" }, page.t("Type a record"));
    let chosen = |name: &str, code: &str| given.get(name) == code;
    let techniques = Technique::ALL.iter().filter(|technique| **technique != Technique::Unknown);
    let techniques = techniques.map(|one| (one.as_str(), one.label(), chosen("technique", one.as_str()))).collect();
    let results = [Outcome::Pass, Outcome::PassWithExceptions, Outcome::Fail, Outcome::Aborted];
    let results = results.iter().map(|one| (one.as_str(), one.label(), chosen("result", one.as_str()))).collect();
    let hidden_areas = HiddenArea::ALL.iter().map(|one| (one.as_str(), one.label(), chosen("hidden_area", one.as_str()))).collect();
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let mut response = page::render(&TypedPage { page, given, techniques, results, hidden_areas, wrong, key: forms::fresh_key()? })?;
    *response.status_mut() = status;
    Ok(response)
}

/// `GET /evidence/new`
pub async fn new(viewer: Viewer, state: Data) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be_able_to("receive_evidence")?;
    draw(&state, &viewer, Given::default(), None)
}

/// What the form sent: what was typed, and the photo.
async fn sent(state: &Data, mut form: Multipart) -> std::result::Result<(Given, Vec<u8>), Problem> {
    let unreadable =
        |why: String| Problem::new(400, "request.malformed", format!("The form cannot be read ({why}); open its page and send it again."));
    let (since, mut so_far) = (Instant::now(), 0);
    let (mut given, mut photo) = (Given::default(), Vec::new());
    while let Some(field) = request::in_time(state, since, so_far, form.next()).await? {
        let mut field = field.map_err(|e| unreadable(e.to_string()))?;
        let name = field.name().unwrap_or_default().to_owned();
        if given.0.len() > FIELDS || given.0.iter().any(|(other, _)| *other == name) || (name == "photo" && !photo.is_empty()) {
            return Err(unreadable("it has a field twice, or too many".to_owned()));
        }
        let most = if name == "photo" { MAX_BYTES } else { TYPED_BYTES };
        let mut bytes = Vec::new();
        while let Some(chunk) = request::in_time(state, since, so_far, field.next()).await? {
            let chunk = chunk.map_err(|e| unreadable(e.to_string()))?;
            so_far += chunk.len();
            if bytes.len() + chunk.len() > most {
                return Err(Problem::new(413, "request.too_large", "The photo is larger than 25 MB, or a field is too long; send less."));
            }
            bytes.extend_from_slice(&chunk);
        }
        if name == "photo" {
            photo = bytes;
        } else {
            given.0.push((name, String::from_utf8(bytes).map_err(|e| unreadable(e.to_string()))?));
        }
    }
    Ok((given, photo))
}

/// What was typed, by whom and when, as the file that is stored, in the form that its reader reads.
fn document(given: &Given, viewer: &Viewer, photo: &str) -> std::result::Result<Map<String, Value>, Refusal> {
    let needed = |name: &str, why: &'static str| match given.get(name) {
        "" => Err(Refusal::new("typed.missing", why)),
        text => Ok(text.to_owned()),
    };
    let mut document = Map::new();
    let mut put = |name: &str, value: Value| drop(document.insert(name.to_owned(), value));
    put("format", json!(typed::NAME));
    let of = if given.get("of") == "device" { "device_serial" } else { "media_serial" };
    put(of, json!(Serial::parse(&needed("serial", "Scan or type the serial number.")?)?));
    put("technique", json!(Technique::parse(&needed("technique", "Choose what was done.")?)?));
    let result = needed("result", "Choose how it ended.")?;
    let result = Outcome::parse(&result)?;
    put("result", json!(result.as_str()));
    put("tool", json!(Name::parse(&needed("tool", "Name the tool with its version, or the machine with its serial number.")?)?));
    let mut times = Vec::new();
    for name in ["started_at", "ended_at"] {
        if !given.get(name).is_empty() {
            // A browser's field for a time has neither seconds nor a zone; its label says UTC.
            let text = given.get(name).trim_end_matches('Z').to_owned();
            let text = if text.len() == 16 { format!("{text}:00Z") } else { format!("{text}Z") };
            let at = At::parse(&text).map_err(|_| Refusal::new("typed.time", "Write times like 2026-10-06T13:04, in UTC."))?;
            put(name, json!(at));
            times.push(at);
        }
    }
    if let [started, ended] = times.as_slice()
        && started > ended
    {
        return Err(Refusal::new("typed.time", "It ended before it began; correct the times."));
    }
    if !given.get("errors").is_empty() {
        let errors: u32 = given
            .get("errors")
            .parse()
            .map_err(|_| Refusal::new("typed.errors", "Write the number of errors in digits, 0 where there were none."))?;
        put("errors", json!(errors));
    }
    if !given.get("hidden_area").is_empty() {
        put("hidden_area", json!(HiddenArea::parse(given.get("hidden_area"))?.as_str()));
    }
    put("photo_sha256", json!(photo));
    put("typed_by", json!(viewer.actor.person));
    put("typed_at", json!(now()));
    Ok(document)
}

/// `POST /evidence/new`: stores the photo and the record, each as a file of its own.
pub async fn create(http: HttpRequest, state: Data, form: Multipart) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    viewer.must_be_able_to("receive_evidence")?;
    let _place = request::place(&http, &state.uploads).await?;
    let (given, photo) = sent(&state, form).await?;
    let (asks, asked, key) = (viewer.clone(), given.clone(), given.key(&http, &viewer));
    let stored = block(&state, move |service| {
        let store = || -> Result<String> {
            if !receive_evidence::is_photo(&photo) {
                let why = "Take a photo of the medium or of the machine's display, so that its label can be read: a JPEG or PNG.";
                return Err(Refusal::new("typed.no_photo", why).into());
            }
            // What is wrong with the rest is told before anything is stored.
            document(&asked, &asks, "")?;
            let photo = receive_evidence::receive(service, &asks.actor, &photo, None)?.sha256;
            let record = serde_json::to_vec_pretty(&document(&asked, &asks, photo.as_str())?)?;
            match receive_evidence::receive_once(service, &asks.actor, &record, key.as_ref())? {
                Effect::Now(received) => Ok(received.sha256.to_string()),
                // The form was sent twice.
                Effect::Before(answer) => {
                    let answer: Value = serde_json::from_slice(&answer.body)?;
                    Ok(answer.get("sha256").and_then(Value::as_str).unwrap_or_default().to_owned())
                }
            }
        };
        Ok(store())
    })
    .await?;
    match stored {
        Ok(sha256) => Ok(page::redirect(&state, &format!("/evidence/{sha256}"))),
        Err(Error::Refused(refusal)) => draw(&state, &viewer, given, Some(refusal.why)),
        Err(error) => Err(error.into()),
    }
}
