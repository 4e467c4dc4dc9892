//! A vendor's bench: what it has received and not settled, what still lacks evidence, and the reports of its tools in, many at once.

use std::collections::BTreeMap;
use std::time::Instant;

use actix_multipart::{Field, Multipart};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::json;

use super::actions;
use super::assets::bare;
use super::evidence::{self, FileShown};
use super::page::{self, Page, capital};
use super::problem::Problem;
use super::request::{self, cut};
use super::session::{self, Viewer};
use super::{Data, block};
use crate::domain::asset::{Asset, Handoff};
use crate::domain::consignment::Consignment;
use crate::domain::disposition::Lack;
use crate::domain::names::{ConsignmentId, Method, PartyId, Role, Serial};
use crate::error::Result;
use crate::operations::find_on_bench::{self, MOST_SERIALS};
use crate::operations::receive_evidence::{self, MAX_BYTES};
use crate::store::tables::{self, AssetRow, MediumRow};
use crate::store::{Database, inventory};

/// Whose bench it is.
const WORKERS: &[Role] = &[Role::VendorOperator, Role::VendorVerifier];
/// Most files of one form.
const MOST_FILES: usize = 200;

/// What is to be seen of the bench.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    show: Option<String>,
    after: Option<String>,
    after_medium: Option<String>,
    limit: Option<String>,
}

/// A device or a loose medium on the bench, and what it lacks.
struct Row {
    device: Option<(String, String)>,
    title: String,
    serial: String,
    state: &'static str,
    words: &'static str,
    consignment: Option<(String, String)>,
    lacks: Vec<String>,
}

#[derive(Template)]
#[template(path = "bench/index.html")]
struct IndexPage {
    page: Page,
    /// Whether the viewer may report a destruction run.
    runs: bool,
    lacking: bool,
    devices: Vec<Row>,
    next: Option<String>,
    paged: bool,
    media: Vec<Row>,
    next_medium: Option<String>,
    most: usize,
}

fn method(page: &Page, method: Method) -> &str {
    match method {
        Method::None | Method::Clear => page.t("clear"),
        Method::Purge => page.t("purge"),
        Method::Destroy => page.t("destroy"),
    }
}

/// What is missing, in the words of whoever stands at the bench.
fn lack(page: &Page, lack: &Lack) -> String {
    match lack {
        Lack::Held(_) => page.t("It is held: set it aside. Its page says by what.").to_owned(),
        Lack::Question(_) => {
            page.t("Its consignment has an open question. Nothing is done to it until an approver of the organisation has decided.").to_owned()
        }
        Lack::Receipt(_) => page.t("Record its receipt.").to_owned(),
        Lack::Media(_) => page.t("Its storage is unknown: record the media that are in it.").to_owned(),
        Lack::Retry(medium) => {
            page.t1("{}: sanitization failed. Sanitize it by another technique that is at least as strong, or destroy it.", medium)
        }
        Lack::Destruction(medium) => page.t1("{}: sanitization failed twice. Destroy it, and record that.", medium),
        Lack::Sanitization { medium, least } => {
            let text = page.t1("{}: the report of a sanitization is missing, at least {}.", medium);
            text.replacen("{}", method(page, *least), 1)
        }
        Lack::Stronger { medium, least, .. } => {
            let text = page.t1("{}: what was done is too weak. Sanitize it again, at least {}.", medium);
            text.replacen("{}", method(page, *least), 1)
        }
        Lack::Verification(medium) => page.t1("{}: somebody other than who sanitized it has to verify that.", medium),
        Lack::Validation(medium) => page.t1("{}: waits for the organisation to accept it. Nothing is left to do here.", medium),
    }
}

/// What is missing, said. Of what has to be sanitized again nobody needs to hear that the earlier work was not verified or accepted.
fn said(page: &Page, lacks: &[Lack]) -> Vec<String> {
    let again = |medium: &String| lacks.iter().any(|lack| matches!(lack, Lack::Stronger { medium: weak, .. } if weak == medium));
    let counts = |lack: &&Lack| !matches!(lack, Lack::Verification(medium) | Lack::Validation(medium) if again(medium));
    lacks.iter().filter(counts).map(|one| capital(&lack(page, one))).collect()
}

/// References of consignments, each looked up once.
#[derive(Default)]
struct Brought(BTreeMap<String, Option<(String, String)>>);

impl Brought {
    /// The consignment that brought something to this party.
    fn by(&mut self, db: &mut Database, travels: &[Handoff], party: &PartyId) -> Result<Option<(String, String)>> {
        let Some(last) = travels.iter().rev().find(|handoff| &handoff.to.party == party) else { return Ok(None) };
        let id: &ConsignmentId = &last.consignment;
        if let Some(known) = self.0.get(id.as_str()) {
            return Ok(known.clone());
        }
        let found = tables::find::<Consignment>(db, id)?.map(|found| (bare(id.as_str()).to_owned(), found.reference.to_string()));
        self.0.insert(id.to_string(), found.clone());
        Ok(found)
    }
}

/// `GET /bench`
pub async fn index(viewer: Viewer, state: Data, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(WORKERS)?;
    let lacking = match asked.show.as_deref() {
        None | Some("lacking") => true,
        Some("all") => false,
        Some(_) => return Err(Problem::new(422, "bench.show", "show is lacking or all.")),
    };
    let (after, limit) = (request::after(asked.after.as_deref())?, request::limit(asked.limit.as_deref())?);
    let after_medium = request::after_named("after_medium", asked.after_medium.as_deref())?.map(|(_, id)| id);
    let mut page = Page::new(&state, "", Some(&viewer));
    page.title = page.t("Bench").to_owned();
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        let party = &viewer.actor.party;
        let mut rows = inventory::unsettled(&mut db, party.as_str(), lacking, after.as_ref(), limit + 1)?;
        let next = cut(&mut rows, limit, |row| (row.tag.clone(), row.id.clone()));
        let devices: Vec<Asset> = rows.iter().map(AssetRow::record).collect::<Result<_>>()?;
        let lacks = find_on_bench::lacks(&service.app, &mut db, &devices)?;
        let mut brought = Brought::default();
        let mut shown = Vec::with_capacity(devices.len());
        for (device, lacks) in devices.iter().zip(&lacks) {
            // Nothing was ever stored on it.
            if lacking && lacks.is_empty() {
                continue;
            }
            let label = device.label();
            shown.push(Row {
                device: Some((bare(device.id.as_str()).to_owned(), device.tag.to_string())),
                title: device.title(),
                serial: device.serial.as_ref().map(ToString::to_string).unwrap_or_default(),
                state: label.as_str(),
                words: label.label(),
                consignment: brought.by(&mut db, &device.handoffs, party)?,
                lacks: said(&page, lacks),
            });
        }
        let mut rows = inventory::unsettled_media(&mut db, party.as_str(), after_medium.as_deref(), limit + 1)?;
        let next_medium = cut(&mut rows, limit, |row| (String::new(), row.id.clone()));
        let mut media = Vec::with_capacity(rows.len());
        for medium in rows.iter().map(MediumRow::record) {
            let medium = medium?;
            let lacks = find_on_bench::loose_lacks(&service.app, &medium);
            media.push(Row {
                device: None,
                title: medium.title(),
                serial: String::new(),
                state: medium.state.as_str(),
                words: medium.state.label(),
                consignment: brought.by(&mut db, &medium.handoffs, party)?,
                lacks: said(&page, &lacks),
            });
        }
        Ok(IndexPage {
            page,
            runs: actions::role_may(&viewer, "record_destruction"),
            lacking,
            devices: shown,
            next,
            paged: after.is_some(),
            media,
            next_medium,
            most: MAX_BYTES,
        })
    })
    .await?;
    page::render(&drawn)
}

/// What became of one file of the form.
struct Received {
    name: String,
    refused: Option<String>,
    before: bool,
    file: Option<FileShown>,
}

#[derive(Template)]
#[template(path = "bench/received.html")]
struct ReceivedPage {
    page: Page,
    files: Vec<Received>,
    none: bool,
}

/// A file of a form, or why it is none that is taken. What is too large is not kept while it comes.
async fn file(state: &Data, since: Instant, so_far: &mut usize, field: &mut Field) -> std::result::Result<Option<Vec<u8>>, Problem> {
    let mut bytes = Vec::new();
    let mut fits = true;
    while let Some(chunk) = request::in_time(state, since, *so_far, field.next()).await? {
        let chunk = chunk.map_err(|e| unreadable(&e.to_string()))?;
        *so_far = so_far.saturating_add(chunk.len());
        fits = fits && bytes.len() + chunk.len() <= MAX_BYTES;
        if fits {
            bytes.extend_from_slice(&chunk);
        } else {
            bytes = Vec::new();
        }
    }
    Ok(fits.then_some(bytes))
}

fn unreadable(why: &str) -> Problem {
    Problem::new(400, "request.malformed", format!("The form cannot be read ({why}); open its page and send it again."))
}

/// `POST /bench`: reports of tools, each stored whatever becomes of the others. The same page answers the form and the script, which sends one at a time.
pub async fn create(http: HttpRequest, state: Data, mut form: Multipart) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    viewer.must_be(WORKERS)?;
    let _place = request::place(&http, &state.uploads).await?;
    let mut page = Page::new(&state, "", Some(&viewer));
    let (since, mut so_far, mut files) = (Instant::now(), 0, Vec::new());
    while let Some(field) = request::in_time(&state, since, so_far, form.next()).await? {
        let mut field = field.map_err(|e| unreadable(&e.to_string()))?;
        let named = field.content_disposition().and_then(|disposition| disposition.get_filename()).unwrap_or_default();
        let name: String = named.chars().filter(|c| !c.is_control()).take(120).collect();
        let bytes = file(&state, since, &mut so_far, &mut field).await?;
        if name.is_empty() {
            continue;
        }
        let mut received = Received { name, refused: None, before: false, file: None };
        match bytes {
            _ if files.len() >= MOST_FILES => received.refused = Some(page.t("Too many files at once. Send this one again.").to_owned()),
            None => received.refused = Some(page.t("The file is larger than 25 MB. Send what it says of each medium by itself.").to_owned()),
            Some(bytes) if bytes.is_empty() => received.refused = Some(page.t("The file is empty.").to_owned()),
            Some(bytes) => {
                let (asks, frame) = (viewer.clone(), Page::new(&state, "", Some(&viewer)));
                let stored = block(&state, move |service| {
                    let stored = receive_evidence::receive(service, &asks.actor, &bytes, None)?;
                    let mut shown = vec![(None, stored.already_stored, evidence::shown(service, &asks, &frame, &stored.sha256)?)];
                    // What is in an archive is shown like what came by itself.
                    for member in &stored.files {
                        shown.push((member.name.clone(), member.already_stored, evidence::shown(service, &asks, &frame, &member.sha256)?));
                    }
                    Ok((shown, stored.left_out))
                });
                match stored.await {
                    Ok((shown, left_out)) => {
                        let archive = received.name;
                        let name = |member: Option<String>| member.map_or_else(|| archive.clone(), |member| format!("{archive} › {member}"));
                        files.extend(shown.into_iter().map(|(member, before, file)| Received {
                            name: name(member),
                            refused: None,
                            before,
                            file: Some(file),
                        }));
                        files.extend(left_out.into_iter().map(|why| Received {
                            name: archive.clone(),
                            refused: Some(why),
                            before: false,
                            file: None,
                        }));
                        continue;
                    }
                    Err(problem) => received.refused = Some(problem.detail.clone()),
                }
            }
        }
        files.push(received);
    }
    let none = files.iter().all(|received| received.file.is_none());
    page.title = format!("{}{}", if none { page.t("Problem: ") } else { "" }, page.t("Files received"));
    let mut response = page::render(&ReceivedPage { page, files, none })?;
    if none {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// Serial numbers that somebody looks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    serials: Vec<Serial>,
}

/// `POST /api/v1/bench/searches` with `{"serials": […]}`: which of them are of things that the vendor has, with their names and consignments.
pub async fn api_search(viewer: Viewer, state: Data, http: HttpRequest, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(WORKERS)?;
    let search: Search = request::read(&request::json(&http, &state, payload).await?, "command.malformed")?;
    if search.serials.is_empty() || search.serials.len() > MOST_SERIALS {
        let why = format!("Give between 1 and {MOST_SERIALS} serials; look for more in several requests.");
        return Err(Problem::new(422, "bench.serials", why));
    }
    let found = block(&state, move |service| find_on_bench::find(service, &viewer.actor, &search.serials)).await?;
    Ok(HttpResponse::Ok().json(json!({"found": found})))
}
