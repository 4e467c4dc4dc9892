//! One-time links: made by the coordinator, followed without an account. Whoever follows one can receive that consignment, upload files for it and
//! see what is missing, and nothing else.

use std::collections::BTreeSet;

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::{Value, json};

use super::ledger::Names;
use super::page::{self, Page, When};
use super::problem::Problem;
use super::request::{self, consignment_id};
use super::session::{self, By, Viewer};
use super::{Data, block, verifications, writes};
use crate::domain::Command;
use crate::domain::consignment::{Consignment, ContainerReceived, Damage, Line, Scan, SealState};
use crate::domain::letters::Language;
use crate::domain::links::OneTimeLink;
use crate::domain::mappings::WeightUnit;
use crate::domain::names::{QuantityId, Reference, Serial, Tag};
use crate::domain::receipt::{QuantityFound, ReceiveConsignment};
use crate::domain::refusal::Refusal;
use crate::error::Result;
use crate::inventories::vendor_lists;
use crate::operations::create_link;
use crate::operations::once::Once;
use crate::operations::receive_evidence::{self, MAX_BYTES};
use crate::operations::record::Terms;
use crate::store::people::{self, Person};
use crate::store::tables::LineRow;
use crate::store::{Database, inventory};

/// Things that the page shows.
const LINES: usize = 500;

/// `POST /api/v1/consignments/{id}/links` with `{"days": 14}`, and where the link is to be sent `{"email", "language"}`.
pub async fn api_create(
    http: HttpRequest,
    viewer: Viewer,
    state: Data,
    id: web::Path<String>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be_able_to("create_link")?;
    let bytes = request::json(&http, &state, payload).await?;
    let key = writes::key(&http, &viewer, &bytes)?;
    let mut body = request::object(&bytes)?;
    let days = match body.remove("days") {
        None | Some(Value::Null) => None,
        Some(days) => match days.as_u64().and_then(|days| u16::try_from(days).ok()) {
            Some(days) => Some(days),
            None => return Err(Problem::new(422, "links.days", "days lies between 1 and 90.")),
        },
    };
    let to = match body.remove("email") {
        None | Some(Value::Null) => None,
        Some(Value::String(address)) => Some(people::email(&address)?),
        Some(_) => return Err(Problem::new(422, "people.email", "email is an address like name@example.org; the link is sent there.")),
    };
    let language = match body.remove("language") {
        None | Some(Value::Null) => Language::English,
        Some(language) => Language::parse(language.as_str().unwrap_or_default())?,
    };
    if let Some(name) = body.keys().next() {
        let name: String = name.chars().take(60).collect();
        let why = format!("There is no member “{name}” here; send days, email (where the link is sent) and language.");
        return Err(Problem::new(422, "command.malformed", why));
    }
    let id = consignment_id(&id)?;
    writes::answer(&state, viewer, key, StatusCode::CREATED, move |service, viewer, key| {
        create_link::create(service, &viewer.actor, &id, days, to.map(|to| (to, language)), key)
    })
    .await
}

/// What a link opens, and whoever follows it.
struct Followed {
    consignment: Consignment,
    link: OneTimeLink,
    viewer: Viewer,
}

async fn follow(state: &Data, secret: &str) -> std::result::Result<Followed, Problem> {
    let secret = secret.to_owned();
    block(state, move |service| {
        let (consignment, link, actor) = create_link::follow(service, &secret)?;
        let person = Person::new(actor.person.as_str(), "through a one-time link", "", actor.role, actor.party.as_str());
        Ok(Followed { consignment, link, viewer: Viewer { person, actor, by: By::Link } })
    })
    .await
}

/// Lines that have not come, as people know them: the first things and every line of counted ones; and whether there are more things.
fn awaited(db: &mut Database, consignment: &Consignment) -> Result<(Vec<Line>, bool)> {
    let (mut things, counted) = inventory::awaited(db, consignment.id.as_str(), i64::try_from(LINES + 1).unwrap_or(i64::MAX))?;
    let more = things.len() > LINES;
    things.truncate(LINES);
    Ok((things.iter().chain(&counted).map(LineRow::record).collect::<Result<_>>()?, more))
}

/// `GET /api/v1/r/{secret}`: what is on its way, and what of it is missing.
pub async fn api_show(state: Data, secret: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let followed = follow(&state, &secret).await?;
    let answer = block(&state, move |service| {
        let mut db = service.app.read()?;
        let Followed { consignment, link, .. } = followed;
        let (awaited, more) = awaited(&mut db, &consignment)?;
        let missing: Vec<Value> = awaited
            .iter()
            .map(|line| json!({"kind": line.item.kind(), "tag": line.name, "serial": line.serial, "title": line.title, "container": line.container, "state": line.state}))
            .collect();
        let containers: Vec<&Reference> = consignment.containers.iter().map(|container| &container.label).collect();
        Ok(json!({
            "reference": consignment.reference, "status": consignment.status, "containers": containers, "lines": consignment.lines,
            "scanned": consignment.scanned, "missing": missing, "more": more, "receipt_due_at": consignment.receipt_due_at(),
            "open_discrepancies": consignment.open_discrepancies.len(), "documents": consignment.documents, "expires_at": link.expires_at,
        }))
    })
    .await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// `POST /api/v1/r/{secret}/receipts`: the members of `receive_consignment` but the consignment.
pub async fn api_receive(
    http: HttpRequest,
    state: Data,
    secret: web::Path<String>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    let Followed { consignment, viewer, .. } = follow(&state, &secret).await?;
    let bytes = request::json(&http, &state, payload).await?;
    let key = writes::key(&http, &viewer, &bytes)?;
    let mut body = request::object(&bytes)?;
    if body.contains_key("consignment") {
        return Err(Problem::new(422, "command.malformed", "The link names the consignment; leave it out."));
    }
    body.insert("consignment".to_owned(), json!(consignment.id));
    let command = Command::read("receive_consignment", Value::Object(body))?;
    let terms = Terms { once: Once::created(key.as_ref(), |receipt| Ok(receipt.clone())), ..Terms::default() };
    let recorded = async { Ok(state.service.recorder.record(command, &viewer.actor, terms).await) };
    match request::answer_in_time(&state, recorded).await? {
        Ok(outcome) => writes::respond(StatusCode::CREATED, outcome),
        Err(error) => Err(writes::explain(&state, viewer, error).await),
    }
}

/// `POST /api/v1/r/{secret}/evidence`: a file for this consignment as the body.
pub async fn api_upload(
    http: HttpRequest,
    state: Data,
    secret: web::Path<String>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    let Followed { consignment, viewer, .. } = follow(&state, &secret).await?;
    let _place = request::place(&http, &state.uploads).await?;
    let bytes = request::body(&state, payload, MAX_BYTES).await?;
    let key = writes::key(&http, &viewer, &bytes)?;
    writes::answer(&state, viewer, key, StatusCode::CREATED, move |service, viewer, key| {
        receive_evidence::receive_for(service, &viewer.actor, &bytes, &consignment.id, key)
    })
    .await
}

/// A container in the form.
pub(super) struct ContainerAsked {
    pub label: String,
    pub state: String,
    pub seal: String,
    pub kilograms: String,
}

/// Counted things in the form.
pub(super) struct QuantityAsked {
    pub line: String,
    pub words: String,
    pub count: String,
}

struct LineShown {
    name: String,
    serial: String,
    title: String,
    words: &'static str,
}

#[derive(Template)]
#[template(path = "links/show.html")]
struct ShowPage {
    page: Page,
    address: String,
    reference: String,
    from: String,
    to: String,
    words: &'static str,
    receivable: bool,
    due: Option<When>,
    expires: When,
    listed: u32,
    scanned: Option<u32>,
    open: usize,
    documents: usize,
    lines: Vec<LineShown>,
    more: bool,
    containers: Vec<ContainerAsked>,
    quantities: Vec<QuantityAsked>,
    seals: Vec<(&'static str, &'static str)>,
    damages: Vec<&'static str>,
    scans: String,
    more_to_come: bool,
    wrong: Option<String>,
    done: bool,
}

/// What was typed into the form.
#[derive(Default)]
pub(super) struct Typed {
    pub scans: String,
    pub containers: Vec<ContainerAsked>,
    pub quantities: Vec<QuantityAsked>,
    pub counted: String,
    pub more_to_come: bool,
    pub key: String,
}

impl Typed {
    /// From the fields of a form, in their order.
    pub fn read(fields: Vec<(String, String)>) -> std::result::Result<Self, Problem> {
        let mut typed = Self::default();
        for (name, value) in fields {
            match (name.as_str(), typed.containers.last_mut()) {
                ("idempotency_key", _) => typed.key = value,
                ("scans", _) => typed.scans = value,
                ("counted", _) => typed.counted = value,
                ("more_to_come", _) => typed.more_to_come = true,
                ("container", _) => {
                    let label = value;
                    typed.containers.push(ContainerAsked { label, state: String::new(), seal: String::new(), kilograms: String::new() });
                }
                ("seal_state", Some(container)) => container.state = value,
                ("seal", Some(container)) => container.seal = value,
                ("kilograms", Some(container)) => container.kilograms = value,
                ("quantity", _) => typed.quantities.push(QuantityAsked { line: value, words: String::new(), count: String::new() }),
                ("words", _) if let Some(quantity) = typed.quantities.last_mut() => quantity.words = value,
                ("count", _) if let Some(quantity) = typed.quantities.last_mut() => quantity.count = value,
                _ => return Err(Problem::new(400, "request.malformed", "The form cannot be read; open its page and send it again.")),
            }
        }
        Ok(typed)
    }
}

/// The containers that no receipt has yet.
pub(super) fn containers_asked(consignment: &Consignment) -> Vec<ContainerAsked> {
    let empty =
        |label: &Reference| ContainerAsked { label: label.to_string(), state: "intact".to_owned(), seal: String::new(), kilograms: String::new() };
    let known: Vec<&Reference> = consignment.receipts.iter().flat_map(|receipt| &receipt.containers).map(|found| &found.label).collect();
    consignment.containers.iter().map(|container| &container.label).filter(|label| !known.contains(label)).map(empty).collect()
}

/// The counted things that have not come.
pub(super) fn quantities_asked(db: &mut Database, consignment: &Consignment) -> Result<Vec<QuantityAsked>> {
    let (_, counted) = inventory::awaited(db, consignment.id.as_str(), 0)?;
    let lines = counted.iter().map(LineRow::record).collect::<Result<Vec<_>>>()?;
    Ok(lines.iter().filter_map(quantity_asked).collect())
}

/// Every line, for telling tags and serial numbers apart.
pub(super) fn lines_of(db: &mut Database, consignment: &Consignment) -> Result<Vec<Line>> {
    inventory::lines(db, consignment.id.as_str(), None, 10_000)?.iter().map(|(_, row)| row.record()).collect()
}

async fn draw(
    state: &Data,
    secret: &str,
    followed: Followed,
    typed: Typed,
    wrong: Option<String>,
    done: bool,
) -> std::result::Result<HttpResponse, Problem> {
    let title = format!("{}Receive {}", if wrong.is_some() { "Problem: " } else { "" }, followed.consignment.reference);
    let page = Page::new(state, title, None);
    let address = format!("/r/{secret}");
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let drawn = block(state, move |service| {
        let mut db = service.app.read()?;
        let db = &mut *db;
        let mut names = Names::new(&service.app);
        let Followed { consignment, link, .. } = followed;
        let (lines, more) = awaited(db, &consignment)?;
        Ok(ShowPage {
            page,
            address,
            reference: consignment.reference.to_string(),
            from: format!("{}, {}", names.party(db, consignment.from.party.as_str())?, consignment.from.site),
            to: format!("{}, {}", names.party(db, consignment.to.party.as_str())?, consignment.to.site),
            words: consignment.status.label(),
            receivable: consignment.receipt_due_at().is_some(),
            due: consignment.receipt_due_at().map(When::from),
            expires: link.expires_at.into(),
            listed: consignment.lines,
            scanned: consignment.scanned,
            open: consignment.open_discrepancies.len(),
            documents: consignment.documents.len(),
            more,
            lines: lines
                .iter()
                .map(|line| LineShown {
                    name: line.name.clone(),
                    serial: line.serial.as_ref().map(ToString::to_string).unwrap_or_default(),
                    title: line.title.clone(),
                    words: line.state.label(),
                })
                .collect(),
            containers: if typed.containers.is_empty() { containers_asked(&consignment) } else { typed.containers },
            quantities: if typed.quantities.is_empty() { lines.iter().filter_map(quantity_asked).collect() } else { typed.quantities },
            seals: SealState::ALL.iter().map(|state| (state.as_str(), state.label())).collect(),
            damages: Damage::ALL.iter().map(|damage| damage.as_str()).collect(),
            scans: typed.scans,
            more_to_come: typed.more_to_come,
            wrong,
            done,
        })
    })
    .await?;
    let mut response = page::render(&drawn)?;
    *response.status_mut() = status;
    Ok(response)
}

/// What the address may say: that something was recorded a moment ago.
#[derive(serde::Deserialize)]
pub struct After {
    done: Option<String>,
}

/// `GET /r/{secret}`
pub async fn show(state: Data, secret: web::Path<String>, after: web::Query<After>) -> std::result::Result<HttpResponse, Problem> {
    let followed = follow(&state, &secret).await?;
    draw(&state, &secret, followed, Typed::default(), None, after.done.is_some()).await
}

/// One line of the form's list: a tag, a serial number, what is wrong with it; behind commas or tabs. A single word is a tag, unless a line of the
/// consignment has it as its serial number.
fn scan(text: &str, serials: &[String]) -> std::result::Result<Scan, Refusal> {
    let mut parts = text.split([',', ';', '\t']).map(str::trim);
    let (first, second, damage) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let damage = if damage.is_empty() { None } else { Some(Damage::parse(damage)?) };
    let alone = if second.is_empty() { Serial::parse(first).ok().filter(|serial| serials.contains(&serial.normal())) } else { None };
    if let Some(serial) = alone {
        return Ok(Scan { tag: None, serial: Some(serial), damage });
    }
    let some = |text: &str| !text.is_empty();
    let tag = Some(first).filter(|text| some(text)).map(Tag::parse).transpose()?;
    let serial = Some(second).filter(|text| some(text)).map(Serial::parse).transpose()?;
    Ok(Scan { tag, serial, damage })
}

fn container(asked: &ContainerAsked) -> std::result::Result<ContainerReceived, Refusal> {
    let unknown = || Refusal::new("consignment.weight", "The weight of a container is written in kilograms, like 182.5; correct it.");
    let kilograms = asked.kilograms.trim();
    Ok(ContainerReceived {
        label: Reference::parse(&asked.label)?,
        seal_state: SealState::parse(&asked.state)?,
        seal: Some(asked.seal.as_str()).filter(|seal| !seal.trim().is_empty()).map(Reference::parse).transpose()?,
        gross_weight_grams: if kilograms.is_empty() {
            None
        } else {
            Some(vendor_lists::grams(kilograms, WeightUnit::Kilograms).ok_or_else(unknown)?)
        },
    })
}

fn quantity_asked(line: &Line) -> Option<QuantityAsked> {
    let quantity = line.quantity.as_ref()?;
    Some(QuantityAsked { line: line.item.id().to_owned(), words: quantity.what.label().to_owned(), count: String::new() })
}

fn quantity(asked: &QuantityAsked) -> std::result::Result<QuantityFound, Refusal> {
    let wrong = |_| Refusal::new("receipt.quantity", format!("The number of {} is written in digits; correct it.", asked.words));
    Ok(QuantityFound { line: QuantityId::parse(&asked.line)?, count: asked.count.trim().parse().map_err(wrong)? })
}

/// The command of a form.
pub(super) fn receipt(consignment: &Consignment, typed: &Typed, lines: &[Line]) -> std::result::Result<ReceiveConsignment, Refusal> {
    // An empty form would declare everything short.
    if typed.scans.trim().is_empty() && typed.quantities.iter().all(|asked| asked.count.trim().is_empty()) {
        return Err(Refusal::new("receipt.empty", "The list of what arrived is empty; write each thing that you counted on a line of its own."));
    }
    let serials: Vec<String> = lines.iter().filter_map(|line| line.serial.as_ref()).map(Serial::normal).collect();
    // A scanner that was pulled twice sends the same line twice.
    let mut seen = BTreeSet::new();
    let texts = typed.scans.lines().enumerate().filter(|(_, text)| !text.trim().is_empty() && seen.insert(text.trim().to_uppercase()));
    let scans = texts.map(|(at, text)| {
        scan(text, &serials).map_err(|refusal| Refusal::new(refusal.code, format!("Line {} of what arrived: {}", at + 1, refusal.why)))
    });
    Ok(ReceiveConsignment {
        consignment: consignment.id.clone(),
        containers: typed.containers.iter().filter(|asked| asked.state != "not_here").map(container).collect::<std::result::Result<_, _>>()?,
        scans: scans.collect::<std::result::Result<_, _>>()?,
        quantities: typed.quantities.iter().filter(|asked| !asked.count.trim().is_empty()).map(quantity).collect::<std::result::Result<_, _>>()?,
        counted: match typed.counted.trim() {
            "" => None,
            text => Some(text.parse().map_err(|_| Refusal::new("receipt.counted", "Write the number that you counted by hand in digits, like 40."))?),
        },
        more_to_come: typed.more_to_come,
        transcribed: None,
        file: None,
    })
}

/// `POST /r/{secret}`: the receipt from the form.
pub async fn create(http: HttpRequest, state: Data, secret: web::Path<String>, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    session::same_site(&http, &state)?;
    let followed = follow(&state, &secret).await?;
    let fields: Vec<(String, String)> = request::form(&http, &state, payload).await?;
    let typed = Typed::read(fields)?;
    let consignment = followed.consignment.clone();
    let lines = block(&state, move |service| lines_of(&mut *service.app.read()?, &consignment)).await?;
    let recorded = match receipt(&followed.consignment, &typed, &lines) {
        Err(refusal) => Err(Problem::from(refusal)),
        Ok(command) => {
            let recorded = async { Ok(state.service.recorder.record(command, &followed.viewer.actor, Terms::default()).await) };
            request::answer_in_time(&state, recorded).await?.map_err(Problem::from)
        }
    };
    match recorded {
        Ok(_) => Ok(page::redirect(&state, &format!("/r/{}?done=1", *secret))),
        Err(problem) if problem.status == StatusCode::UNPROCESSABLE_ENTITY => {
            let why = problem.detail.clone();
            draw(&state, &secret, followed, typed, Some(why), false).await
        }
        Err(problem) => Err(problem),
    }
}

/// `POST /r/{secret}/evidence`: a file from the form.
pub async fn upload(http: HttpRequest, state: Data, secret: web::Path<String>, form: Multipart) -> std::result::Result<HttpResponse, Problem> {
    session::same_site(&http, &state)?;
    let followed = follow(&state, &secret).await?;
    let _place = request::place(&http, &state.uploads).await?;
    let file = verifications::uploaded(&state, form, MAX_BYTES).await?;
    if file.is_empty() {
        let why = Some("No file was chosen. Choose the file to send.".to_owned());
        return draw(&state, &secret, followed, Typed::default(), why, false).await;
    }
    let (actor, consignment) = (followed.viewer.actor, followed.consignment.id);
    block(&state, move |service| receive_evidence::receive_for(service, &actor, &file, &consignment, None)).await?;
    Ok(page::redirect(&state, &format!("/r/{}?done=1", *secret)))
}
