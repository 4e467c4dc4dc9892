//! Matching by hand: which medium a reading of a stored file is about, said on a page of its own, and readings put aside from the page of the file.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::forms::{self, Given};
use super::page::{self, Page, capital};
use super::problem::Problem;
use super::session::{self, Viewer};
use super::{Data, block, request, writes};
use crate::domain::matching::{DismissalReason, LinkReason, MOST_DISMISSED, ReadingRef};
use crate::domain::names::{Digest, MediumId, Reference};
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};
use crate::evidence::MediumReading;
use crate::operations::find_on_bench::Thing;
use crate::operations::match_readings::{self, ByHand, Likeness};
use crate::operations::receive_evidence;

fn digest(text: &str) -> std::result::Result<Digest, Problem> {
    Ok(Digest::parse(text).map_err(|_| receive_evidence::unknown(text))?)
}

/// The body of `POST /api/v1/evidence/{sha256}/links`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkAsked {
    reading: ReadingRef,
    medium: MediumId,
    reason: LinkReason,
    reference: Option<Reference>,
}

/// `POST /api/v1/evidence/{sha256}/links` with `{"reading": {"place", "serial"}, "medium", "reason", "reference"}`.
pub async fn api_link(
    http: HttpRequest,
    viewer: Viewer,
    state: Data,
    sha256: web::Path<String>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be_able_to("link_reading")?;
    let sha256 = digest(&sha256)?;
    let bytes = request::json(&http, &state, payload).await?;
    let key = writes::key(&http, &viewer, &bytes)?;
    let LinkAsked { reading, medium, reason, reference } = request::read(&bytes, "command.malformed")?;
    writes::answer(&state, viewer, key, StatusCode::CREATED, move |service, viewer, key| {
        match_readings::link(service, &viewer.actor, &sha256, ByHand { reading, medium, reason, reference }, key)
    })
    .await
}

/// The body of `POST /api/v1/evidence/{sha256}/dismissals`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DismissalAsked {
    readings: Vec<ReadingRef>,
    reason: DismissalReason,
    reference: Option<Reference>,
}

/// `POST /api/v1/evidence/{sha256}/dismissals` with `{"readings": [{"place", "serial"}], "reason", "reference"}`.
pub async fn api_dismiss(
    http: HttpRequest,
    viewer: Viewer,
    state: Data,
    sha256: web::Path<String>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be_able_to("dismiss_readings")?;
    let sha256 = digest(&sha256)?;
    let bytes = request::json(&http, &state, payload).await?;
    let key = writes::key(&http, &viewer, &bytes)?;
    let DismissalAsked { readings, reason, reference } = request::read(&bytes, "command.malformed")?;
    writes::answer(&state, viewer, key, StatusCode::CREATED, move |service, viewer, key| {
        match_readings::dismiss(service, &viewer.actor, &sha256, (readings, reason, reference), key)
    })
    .await
}

/// A medium that could be meant.
struct Suggested {
    value: String,
    serial: String,
    what: String,
    why: &'static str,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "evidence/match.html")]
struct MatchPage {
    page: Page,
    sha256: String,
    short: String,
    number: usize,
    serial: String,
    facts: Vec<(&'static str, String)>,
    suggestions: Vec<Suggested>,
    called: String,
    reasons: Vec<(&'static str, &'static str, bool)>,
    reference: String,
    wrong: Option<String>,
    key: String,
}

/// What the file says of the medium, as far as it tells which one it is.
fn facts(found: &MediumReading) -> Vec<(&'static str, String)> {
    let size = found.capacity_bytes.map(|bytes| format!("{} GB", bytes / 1_000_000_000));
    let kind = found.media_kind.map(|kind| kind.label().to_owned());
    let what: Vec<String> = [found.vendor.clone(), found.model.clone(), kind, size].into_iter().flatten().collect();
    let times: Vec<String> = [found.started_at.clone(), found.ended_at.clone()].into_iter().flatten().collect();
    let facts = [
        ("Medium", what.join(", ")),
        ("Work", format!("{}, {}", capital(found.technique.label()), found.result.label())),
        ("When", times.join(" – ")),
        ("Name in the file", found.place.clone()),
        ("Serial number of the adapter", found.bridge_serial.clone().unwrap_or_default()),
        ("Computer that the tool ran on", found.system_serial.clone().unwrap_or_default()),
    ];
    facts.into_iter().filter(|(_, fact)| !fact.is_empty()).collect()
}

/// The reading that an address names: how it is referred to, and what it says.
fn found(service: &crate::operations::Service, viewer: &Viewer, sha256: &Digest, number: usize) -> Result<(ReadingRef, MediumReading)> {
    receive_evidence::recorded(&mut *service.app.read()?, &viewer.actor, sha256)?;
    let told = match_readings::read(service, &viewer.actor, sha256)?;
    let found = told.reading().and_then(|read| read.records.get(number)).cloned();
    let found = found.ok_or_else(|| Error::Unknown("The file says nothing at this address; the page of the file lists what it says.".to_owned()))?;
    Ok((match_readings::reference(&found, number), found))
}

async fn draw(
    state: &Data,
    viewer: Viewer,
    (sha256, number): (Digest, usize),
    given: &Given,
    wrong: Option<String>,
) -> std::result::Result<HttpResponse, Problem> {
    let title = format!("{}Link it by hand", if wrong.is_some() { "Problem: " } else { "" });
    let page = Page::new(state, title, Some(&viewer));
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let (chosen, called) = (given.get("medium").to_owned(), given.get("called").to_owned());
    let (reason, reference) = (given.get("reason").to_owned(), given.get("reference").to_owned());
    let drawn = block(state, move |service| {
        let (meant, found) = found(service, &viewer, &sha256, number)?;
        let serial = meant.serial.ok_or_else(|| {
            let why = "The file names no serial number there, so nothing shows which medium it is about: put it aside on the page of the file.";
            Refusal::new("matching.no_serial", why)
        })?;
        let alike = match_readings::suggestions(service, &viewer.actor, &serial)?;
        let suggestions = alike.into_iter().filter_map(|one| {
            let Thing::Medium(medium, host) = &one.thing else { return None };
            let device = host.as_ref().map(|host| format!(" in {}", host.tag)).unwrap_or_default();
            let why = match one.likeness {
                Likeness::Part => "one is a part of the other",
                Likeness::OneCharacter => "one character differs",
                Likeness::Swapped => "two characters are swapped",
            };
            let value = medium.id.to_string();
            Some(Suggested { chosen: value == chosen, what: format!("{}{device}", medium.media_type.label()), serial: one.serial, why, value })
        });
        Ok(MatchPage {
            page,
            short: page::short(sha256.as_str()),
            sha256: sha256.to_string(),
            number,
            serial: serial.to_string(),
            facts: facts(&found),
            suggestions: suggestions.collect(),
            called,
            reasons: LinkReason::ALL.iter().map(|one| (one.as_str(), one.label(), one.as_str() == reason)).collect(),
            reference,
            wrong,
            key: forms::fresh_key()?,
        })
    })
    .await?;
    let mut response = page::render(&drawn)?;
    *response.status_mut() = status;
    Ok(response)
}

fn place(path: (String, String)) -> std::result::Result<(Digest, usize), Problem> {
    let number = path.1.parse().map_err(|_| Problem::unknown("There is no such reading; the page of the file lists what it says."))?;
    Ok((digest(&path.0)?, number))
}

/// `GET /evidence/{sha256}/readings/{number}`
pub async fn new(viewer: Viewer, state: Data, path: web::Path<(String, String)>) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be_able_to("link_reading")?;
    draw(&state, viewer, place(path.into_inner())?, &Given::default(), None).await
}

/// `POST /evidence/{sha256}/readings/{number}`: what somebody typed or scanned, and what they chose.
pub async fn create(
    http: HttpRequest,
    state: Data,
    path: web::Path<(String, String)>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    viewer.must_be_able_to("link_reading")?;
    let (sha256, number) = place(path.into_inner())?;
    let given = Given::read(&http, &state, payload).await?;
    let (asks, file, asked, key) = (viewer.clone(), sha256.clone(), given.clone(), given.key(&http, &viewer));
    let linked = block(&state, move |service| {
        let (reading, _) = found(service, &asks, &file, number)?;
        let optional = |name: &str| Some(asked.get(name)).filter(|text| !text.is_empty());
        let said = || -> Result<ByHand> {
            // What somebody scanned goes before what stands chosen.
            let medium = match (optional("called"), optional("medium")) {
                (Some(called), _) => match_readings::medium_called(service, &asks.actor, called)?,
                (None, Some(id)) => MediumId::parse(id)?,
                (None, None) => return Err(Refusal::new("matching.no_medium", "Choose a medium, or scan its label.").into()),
            };
            let reason = optional("reason").ok_or_else(|| Refusal::new("matching.no_reason", "Choose why it is the same."))?;
            Ok(ByHand {
                reading: reading.clone(),
                medium,
                reason: LinkReason::parse(reason)?,
                reference: optional("reference").map(Reference::parse).transpose()?,
            })
        };
        Ok(said().and_then(|said| match_readings::link(service, &asks.actor, &file, said, key.as_ref())))
    })
    .await?;
    match linked {
        Ok(outcome) => Ok(page::redirect_entry(&state, &format!("/evidence/{sha256}"), forms::last_entry(&outcome))),
        Err(Error::Refused(refusal)) => draw(&state, viewer, (sha256, number), &given, Some(refusal.why)).await,
        Err(error) => Err(error.into()),
    }
}

/// `POST /evidence/{sha256}/dismissals`: the readings that were ticked on the page of the file, or all that are not matched.
pub async fn dismiss(http: HttpRequest, state: Data, sha256: web::Path<String>, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    viewer.must_be_able_to("dismiss_readings")?;
    let sha256 = digest(&sha256)?;
    let given = Given::read(&http, &state, payload).await?;
    let back = format!("/evidence/{sha256}");
    let recorded = block(&state, move |service| {
        let evidence = receive_evidence::recorded(&mut *service.app.read()?, &viewer.actor, &sha256)?;
        let told = match_readings::read(service, &viewer.actor, &sha256)?;
        let open = told.reading().map(|read| match_readings::open(read, &evidence)).unwrap_or_default();
        let ticked: Vec<usize> = given.all("reading").filter_map(|number| number.parse().ok()).collect();
        let all = !given.get("all").is_empty();
        let meant = open.into_iter().filter(|(number, _)| all || ticked.contains(number)).take(MOST_DISMISSED);
        let readings: Vec<ReadingRef> = meant.map(|(number, found)| match_readings::reference(found, number)).collect();
        if readings.is_empty() {
            let why = "Tick what is to be put aside on the page of the file; what is linked already stays linked.";
            return Err(Refusal::new("matching.nothing_chosen", why).into());
        }
        let reason = DismissalReason::parse(given.get("reason"))?;
        match_readings::dismiss(service, &viewer.actor, &sha256, (readings, reason, None), None)?.now()
    })
    .await?;
    Ok(page::redirect_entry(&state, &back, recorded.entries.last().map(|entry| entry.seq)))
}
