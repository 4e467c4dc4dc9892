//! Scanning onto a consignment: the page with the scan field, one code by its form, and many codes that a browser kept while it was offline.

use std::collections::BTreeMap;

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::assets::bare;
use super::consignments;
use super::dock::{self, Blocker, Contents, Count, Hindrance};
use super::forms;
use super::headers;
use super::ledger::Names;
use super::page::{self, Page};
use super::problem::Problem;
use super::request::{self, consignment_id};
use super::session::{self, Viewer};
use super::{Data, block, verifications};
use crate::app::now;
use crate::domain::asset::Asset;
use crate::domain::consignment::{CaptureMethod, Captured, Consignment, ConsignmentStatus, Goods, Item, Line};
use crate::domain::medium::Medium;
use crate::domain::names::{AssetId, Category, ConsignmentId, Instant, MediumId, Name, QuantityId, Reference, Role, Serial, Tag};
use crate::domain::refusal::Refusal;
use crate::domain::scanning::ScanIn;
use crate::domain::{AHEAD_MS, Command};
use crate::error::{Error, Result};
use crate::operations::once::{Once, Outcome};
use crate::operations::record::Terms;
use crate::operations::{Service, receive_evidence};
use crate::store::{Database, tables};

/// Most codes of one request.
const BATCH: usize = 100;
/// Longest code: what is longer is two codes that ran into each other.
const CODE: usize = 64;
/// Results that stay visible.
const SHOWN: usize = 20;
/// Who scans.
const ROLES: &[Role] = &[Role::Coordinator, Role::VendorOperator];

/// One code as it was captured.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CodeScanned {
    /// Made by the browser before it sends: the same one has one effect.
    id: String,
    /// What the scanner sent.
    code: String,
    /// The container it is put in.
    container: Option<String>,
    /// When, by the clock of the device.
    at: Option<String>,
    /// By which means.
    method: Option<String>,
    /// `tag` or `serial`, where a code is both of different things.
    #[serde(rename = "as")]
    meant: Option<String>,
}

/// The codes that a browser sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    items: Vec<CodeScanned>,
}

/// What became of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Fate {
    /// It is on the list now.
    Ok,
    /// It was on this list before.
    Again,
    /// It is not on the list.
    Problem,
    /// The same id was used for another code.
    Conflict,
    /// It is the tag of one thing and the serial number of another.
    Choice,
}

/// The answer to a code.
#[derive(Clone, Debug, Serialize)]
pub struct CodeResult {
    id: String,
    outcome: Fate,
    code: String,
    /// The thing's tag, else its serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<String>,
    /// Its line, for taking it off again.
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<u64>,
    /// Why not, for programs and for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl CodeResult {
    fn of(item: &CodeScanned, outcome: Fate) -> Self {
        Self {
            id: item.id.clone(),
            outcome,
            code: item.code.chars().take(CODE).collect(),
            name: None,
            title: None,
            container: item.container.clone(),
            item: None,
            entry: None,
            refusal: None,
            why: None,
        }
    }
    fn because(mut self, refusal: &Refusal) -> Self {
        self.refusal = Some(refusal.code.to_owned());
        self.why = Some(refusal.why.clone());
        self
    }
}

/// A code without what scanners and labels put around it: the symbology's prefix (`]C1`), group separators, the address of our own labels.
fn unwrapped(raw: &str, public_url: &str) -> std::result::Result<String, Refusal> {
    let text: String = raw.chars().filter(|c| !c.is_control()).collect();
    let mut text = text.trim();
    let prefix: Vec<char> = text.chars().take(3).collect();
    if let [']', symbology, modifier] = prefix.as_slice()
        && symbology.is_ascii_alphabetic()
        && modifier.is_ascii_alphanumeric()
    {
        text = text.get(3..).unwrap_or_default().trim();
    }
    if let Some(own) = text.strip_prefix(public_url).and_then(|rest| rest.strip_prefix("/a/")) {
        text = own.split(['?', '#', '/']).next().unwrap_or_default();
    }
    if text.is_empty() {
        return Err(Refusal::new("scan.empty", "Nothing was read; scan it again."));
    }
    if text.chars().count() > CODE {
        let why = format!("{} characters came at once: that is more than one code. Scan each by itself.", text.chars().count());
        return Err(Refusal::new("scan.runaway", why));
    }
    Ok(text.to_owned())
}

/// What a code names, as far as this person may know.
#[derive(Default)]
struct Named {
    tagged: Option<Asset>,
    numbered: Option<Asset>,
    drive: Option<Medium>,
}

fn named(db: &mut Database, viewer: &Viewer, tag: Option<&Tag>, serial: Option<&Serial>) -> Result<Named> {
    let mut asset = |key| -> Result<Option<Asset>> {
        let Some(id) = tables::owner(db, &key)?.and_then(|id| AssetId::parse(&id).ok()) else { return Ok(None) };
        let found = tables::find::<Asset>(db, &id)?;
        Ok(found.filter(|asset| viewer.actor.sees(asset)))
    };
    let tagged = tag.map(|tag| asset(Asset::tag_key(tag))).transpose()?.flatten();
    let numbered = serial.map(|serial| asset(Asset::serial_key(serial))).transpose()?.flatten();
    let drive = match serial {
        None => None,
        Some(serial) => match tables::owner(db, &Medium::serial_key(serial))?.and_then(|id| MediumId::parse(&id).ok()) {
            Some(id) => tables::find::<Medium>(db, &id)?,
            None => None,
        },
    };
    Ok(Named { tagged, numbered, drive })
}

/// The id, the name and the title of a thing.
type Thing = (String, String, String);

/// A code that can be given to the domain.
struct Ready {
    command: ScanIn,
    occurred: Option<Instant>,
    /// The device that it names, where that is known.
    thing: Option<Thing>,
    on_this: bool,
}

/// Makes the command of a code; the answer at once where there is none.
fn ready(
    db: &mut Database,
    viewer: &Viewer,
    consignment: &Consignment,
    item: &CodeScanned,
    public_url: &str,
) -> Result<std::result::Result<Ready, Box<CodeResult>>> {
    let refuse = |refusal: &Refusal| Ok(Err(Box::new(CodeResult::of(item, Fate::Problem).because(refusal))));
    macro_rules! or_refuse {
        ($result:expr) => {
            match $result {
                Ok(value) => value,
                Err(refusal) => return refuse(&refusal),
            }
        };
    }
    let code = or_refuse!(unwrapped(&item.code, public_url));
    let container = or_refuse!(item.container.as_deref().and_then(dock::filled).map(Reference::parse).transpose());
    let method = or_refuse!(item.method.as_deref().map_or(Ok(CaptureMethod::Scanner), CaptureMethod::parse));
    let tag = or_refuse!(Tag::parse(&code));
    let serial = Serial::parse(&code).ok();
    let found = named(db, viewer, Some(&tag), serial.as_ref())?;
    let by_serial = found.numbered.is_some() || found.drive.is_some();
    let differ = match (&found.tagged, &found.numbered) {
        (Some(tagged), Some(numbered)) => tagged.id != numbered.id,
        (Some(_), None) => found.drive.is_some(),
        _ => false,
    };
    let as_serial = match item.meant.as_deref() {
        Some("serial") => true,
        Some("tag") => false,
        _ if differ => {
            let why = format!("{code} is the tag of one thing and the serial number of another; choose which one is before you.");
            return Ok(Err(Box::new(CodeResult::of(item, Fate::Choice).because(&Refusal::new("scan.ambiguous", why)))));
        }
        _ => found.tagged.is_none() && by_serial,
    };
    let asset = if as_serial { found.numbered.as_ref() } else { found.tagged.as_ref() };
    let on_this = match (asset, &found.drive) {
        (Some(asset), _) => asset.consignment.as_ref() == Some(&consignment.id),
        (None, Some(drive)) => drive.consignment.as_ref() == Some(&consignment.id),
        (None, None) => false,
    };
    let thing = asset.map(|asset| (asset.id.to_string(), asset.tag.to_string(), asset.title()));
    let raw = item.code.trim();
    let captured = Captured { raw: if raw == code { None } else { printable(raw) }, method };
    Ok(Ok(Ready {
        command: ScanIn {
            consignment: consignment.id.clone(),
            tag: (!as_serial).then_some(tag),
            serial: serial.filter(|_| as_serial),
            container,
            device: None,
            captured: Some(captured),
        },
        occurred: item.at.as_deref().and_then(|at| believable(at, consignment)),
        thing,
        on_this,
    }))
}

/// What a scanner sent, as the record can hold it: control characters by their names.
fn printable(raw: &str) -> Option<Name> {
    let shown: String = raw.chars().map(|c| if c.is_control() { '␣' } else { c }).take(120).collect();
    Name::parse(&shown).ok()
}

/// The time of a device whose clock can be right: not before the consignment was opened, and not after now.
fn believable(at: &str, consignment: &Consignment) -> Option<Instant> {
    let at = Instant::parse(at).ok()?;
    let latest = now().unix_ms().saturating_add(AHEAD_MS);
    (at >= consignment.opened_at && at.unix_ms() <= latest).then_some(at)
}

/// The words of an answer that stand in a receipt: what was listed.
fn listed(db: &mut Database, receipt: &Value) -> Result<(Option<u64>, Option<String>, Option<Thing>)> {
    let text = |value: &Value, member: &str| value.get(member).and_then(Value::as_str).map(str::to_owned);
    let list = |value: &Value, member: &str| value.get(member).and_then(Value::as_array).cloned().unwrap_or_default();
    let added = list(receipt, "entries").into_iter().rfind(|entry| text(entry, "event").as_deref() == Some("consignment.line_added"));
    let Some(added) = added else { return Ok((None, None, None)) };
    let subjects = list(&added, "subjects");
    let of = |kind: &str| subjects.iter().find(|subject| text(subject, "type").as_deref() == Some(kind)).and_then(|subject| text(subject, "id"));
    let mut item = None;
    let mut thing = None;
    if let Some(id) = of("Asset").and_then(|id| AssetId::parse(&id).ok()) {
        thing = tables::find::<Asset>(db, &id)?.map(|asset| (asset.id.to_string(), asset.tag.to_string(), asset.title()));
        item = Some(Item::Asset(id).key());
    } else if let Some(id) = of("Medium").and_then(|id| MediumId::parse(&id).ok()) {
        thing = tables::find::<Medium>(db, &id)?.map(|medium| {
            let serial = medium.serial.as_ref().map(ToString::to_string).unwrap_or_default();
            (medium.id.to_string(), serial, medium.media_type.label().to_owned())
        });
        item = Some(Item::Medium(id).key());
    }
    Ok((added.get("seq").and_then(Value::as_u64), item, thing))
}

/// Gives every code to the domain, in their order; those that must be sent again are not among the answers.
fn take(service: &Service, viewer: &Viewer, id: &ConsignmentId, items: &[CodeScanned]) -> Result<Vec<CodeResult>> {
    let route = format!("/consignments/{}/scans", bare(id.as_str()));
    let mut db = service.app.read()?;
    let consignment = consignments::find(&mut db, viewer, id)?;
    let mut results: BTreeMap<usize, CodeResult> = BTreeMap::new();
    let (mut commands, mut waiting) = (Vec::new(), Vec::new());
    for (place, item) in items.iter().enumerate() {
        match ready(&mut db, viewer, &consignment, item, &service.app.identity.public_url)? {
            Err(result) => drop(results.insert(place, *result)),
            Ok(ready) => {
                let body = serde_json::to_vec(item)?;
                let key = dock::request_key(viewer, &route, &item.id, &body);
                let once = Once::created(key.as_ref(), |receipt| Ok(receipt.clone()));
                commands.push((Command::from(ready.command), Terms { occurred: ready.occurred, once, ..Terms::default() }));
                waiting.push((place, item, ready.thing, ready.on_this));
            }
        }
    }
    let answers = service.recorder.record_each(commands, &viewer.actor);
    for ((place, item, thing, on_this), answer) in waiting.into_iter().zip(answers) {
        let known = |mut result: CodeResult, thing: Option<Thing>| {
            if let Some((id, name, title)) = thing {
                result.item = result.item.or(Some(id));
                result.name = Some(name);
                result.title = Some(title);
            }
            result
        };
        let result = match answer {
            Ok(outcome) => {
                let receipt = match &outcome {
                    Outcome::Now(receipt) => serde_json::to_value(receipt)?,
                    Outcome::Before(answer) => serde_json::from_slice(&answer.body)?,
                };
                let (entry, line, thing) = listed(&mut db, &receipt)?;
                let mut result = CodeResult::of(item, Fate::Ok);
                (result.entry, result.item) = (entry, line);
                known(result, thing)
            }
            Err(Error::Refused(refusal) | Error::Conflict(refusal)) => {
                let fate = match refusal.code {
                    "idempotency.reused" => Fate::Conflict,
                    // It may have come onto the list with an earlier code of this very request.
                    "consignment.already_listed" if on_this || on_list(&mut db, thing.as_ref(), id)? => Fate::Again,
                    _ => Fate::Problem,
                };
                known(CodeResult::of(item, fate).because(&refusal), thing)
            }
            // Nobody knows yet what becomes of it: it stays on the device, and is sent again.
            Err(Error::Busy(_)) => continue,
            Err(error) => return Err(error),
        };
        results.insert(place, result);
    }
    Ok(results.into_values().collect())
}

fn on_list(db: &mut Database, thing: Option<&Thing>, id: &ConsignmentId) -> Result<bool> {
    let Some(asset) = thing.and_then(|(id, ..)| AssetId::parse(id).ok()) else { return Ok(false) };
    Ok(tables::find::<Asset>(db, &asset)?.is_some_and(|asset| asset.consignment.as_ref() == Some(id)))
}

/// `POST /consignments/{id}/scans`: what a browser kept, `{"items": [{"id", "code", "container", "at", "method"}, …]}`, at most 100, in their order. What is
/// answered can be forgotten there; what is not is sent again.
pub async fn batch(http: HttpRequest, state: Data, id: web::Path<String>, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    viewer.must_be_able_to("scan")?;
    let id = consignment_id(&id)?;
    let bytes = request::json(&http, &state, payload).await?;
    let Batch { items } = request::read(&bytes, "scan.malformed")?;
    if items.is_empty() || items.len() > BATCH {
        return Err(Problem::new(422, "scan.too_many", format!("Send between 1 and {BATCH} codes at a time.")));
    }
    if items.iter().any(|item| item.id.is_empty() || item.id.len() > 64 || !item.id.bytes().all(|byte| byte.is_ascii_graphic())) {
        return Err(Problem::new(422, "scan.id", "Each code has an id of its own, at most 64 visible characters; a random UUID will do."));
    }
    let (results, listed) = block(&state, move |service| {
        let results = take(service, &viewer, &id, &items)?;
        Ok((results, consignments::find(&mut *service.app.read()?, &viewer, &id)?.lines))
    })
    .await?;
    Ok(HttpResponse::Ok().json(json!({"results": results, "listed": listed})))
}

/// What the address of the page says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The container that was chosen last.
    container: Option<String>,
    /// A code that nothing on record has, to be entered by hand.
    code: Option<String>,
}

/// What the forms of the page send.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    #[serde(default)]
    command: String,
    #[serde(default)]
    idempotency_key: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    container: String,
    #[serde(default)]
    item: String,
    #[serde(default)]
    tag: String,
    #[serde(default)]
    serial: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    manufacturer: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    what: String,
    #[serde(default)]
    count: String,
    #[serde(default)]
    no_data: String,
    #[serde(default)]
    reference: String,
    #[serde(default, rename = "as")]
    meant: String,
}

/// The coloured band: what became of the last code.
struct Band {
    /// `ok`, `again`, `problem` or `choice`.
    kind: &'static str,
    name: String,
    title: String,
    why: Vec<String>,
    /// Whether nothing on record has this code.
    unknown: bool,
}

/// A line that was put on it.
struct Shown {
    name: String,
    serial: String,
    title: String,
    container: String,
    item: String,
    entry: u64,
    data: bool,
}

struct Choice(&'static str, &'static str);

#[derive(Template)]
#[template(path = "consignments/scan.html")]
struct ScanPage {
    page: Page,
    address: String,
    reference: String,
    kind: &'static str,
    from: String,
    to: String,
    status: &'static str,
    words: &'static str,
    /// Why nothing can be scanned onto it: `role`, `party` or `state`.
    hindrance: Option<&'static str>,
    pickup: bool,
    authorized: bool,
    authorizes: bool,
    key: String,
    form: Form,
    chosen: String,
    band: Option<Band>,
    results: Vec<Shown>,
    newest: Option<String>,
    newest_name: String,
    expected: Option<u32>,
    listed: u32,
    left: Option<u32>,
    data: u32,
    containers: Vec<Count>,
    labels: Vec<String>,
    blockers: Vec<Blocker>,
    categories: Vec<Choice>,
    goods: Vec<Choice>,
    by_hand: bool,
}

/// A band of a result.
fn band_of(result: &CodeResult) -> Band {
    Band {
        kind: match result.outcome {
            Fate::Ok => "ok",
            Fate::Again => "again",
            Fate::Problem | Fate::Conflict => "problem",
            Fate::Choice => "choice",
        },
        name: result.name.clone().unwrap_or_else(|| result.code.clone()),
        title: result.title.clone().unwrap_or_default(),
        why: if result.outcome == Fate::Again { Vec::new() } else { result.why.iter().cloned().collect() },
        unknown: result.refusal.as_deref() == Some("consignment.unknown_scan"),
    }
}

async fn draw(state: &Data, viewer: Viewer, id: ConsignmentId, form: Form, band: Option<Band>) -> std::result::Result<HttpResponse, Problem> {
    let mut page = Page::new(state, "", Some(&viewer));
    let failed = band.as_ref().is_some_and(|band| band.kind != "ok" && band.kind != "again");
    let drawn = block(state, move |service| {
        let mut db = service.app.read()?;
        let db = &mut *db;
        let mut names = Names::new(&service.app);
        let consignment = consignments::find(db, &viewer, &id)?;
        let contents = Contents::load(db, &id)?;
        let problem = if failed { page.t("Problem: ") } else { "" };
        page.title = format!("{problem}{} – {}", consignment.reference, page.t("Scan"));
        let hindrance = dock::why_not_theirs(&viewer, &consignment.from.party, ROLES)
            .or((consignment.status != ConsignmentStatus::Open).then_some(Hindrance::State));
        let containers = contents.containers();
        let mut labels: Vec<String> = consignment.containers.iter().map(|container| container.label.to_string()).collect();
        labels.extend(containers.iter().map(|count| count.of.clone()).filter(|label| !label.is_empty()));
        labels.sort();
        labels.dedup();
        let results: Vec<Shown> = contents.lines.iter().take(SHOWN).map(|line| shown(&contents, line)).collect();
        // What was recorded a moment ago is said at once, also without a script.
        let band = band.or_else(|| {
            let last = results.first().filter(|last| page.asked.said == Some(last.entry))?;
            Some(Band { kind: "ok", name: last.name.clone(), title: last.title.clone(), why: Vec::new(), unknown: false })
        });
        let newest = results.first();
        Ok(ScanPage {
            address: format!("/consignments/{}", bare(id.as_str())),
            reference: consignment.reference.to_string(),
            kind: consignment.kind.label(),
            from: format!("{}, {}", names.party(db, consignment.from.party.as_str())?, consignment.from.site),
            to: format!("{}, {}", names.party(db, consignment.to.party.as_str())?, consignment.to.site),
            status: consignment.status.as_str(),
            words: consignment.status.label(),
            hindrance: hindrance.map(Hindrance::code),
            pickup: consignment.kind == crate::domain::consignment::ConsignmentKind::Pickup,
            authorized: consignment.authorization.is_some(),
            authorizes: viewer.actor.role == Role::Approver && consignment.status == ConsignmentStatus::Open,
            key: forms::fresh_key()?,
            chosen: form.container.clone(),
            by_hand: form.command == "register" || form.command == "by_hand" || band.as_ref().is_some_and(|band| band.unknown),
            form,
            band,
            newest: newest.map(|line| line.item.clone()),
            newest_name: newest.map(|line| line.name.clone()).unwrap_or_default(),
            results,
            expected: consignment.expected,
            listed: consignment.lines,
            left: consignment.expected.map(|expected| expected.saturating_sub(consignment.lines)),
            data: contents.data_bearing(),
            containers,
            labels,
            blockers: contents.blockers(),
            categories: Category::ALL.iter().map(|category| Choice(category.as_str(), category.label())).collect(),
            goods: Goods::ALL.iter().map(|goods| Choice(goods.as_str(), goods.label())).collect(),
            page,
        })
    })
    .await?;
    let mut response = page::render(&drawn)?;
    if failed {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    headers::with_camera(&mut response);
    Ok(response)
}

fn shown(contents: &Contents, line: &Line) -> Shown {
    Shown {
        name: line.name.clone(),
        serial: line.serial.as_ref().map(ToString::to_string).unwrap_or_default(),
        title: line.title.clone(),
        container: line.container.as_ref().map(ToString::to_string).unwrap_or_default(),
        item: line.item.key(),
        entry: line.added,
        data: contents.may_hold_data(line),
    }
}

/// `GET /consignments/{id}/scan`
pub async fn show(viewer: Viewer, state: Data, id: web::Path<String>, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    let id = consignment_id(&id)?;
    let Asked { container, code } = asked.into_inner();
    let command = if code.is_some() { "by_hand".to_owned() } else { String::new() };
    let form = Form { container: container.unwrap_or_default(), code: code.unwrap_or_default(), command, ..Form::default() };
    draw(&state, viewer, id, form, None).await
}

/// What a form other than a scan asks for: the command and its body.
fn order(form: &Form, id: &ConsignmentId) -> std::result::Result<(&'static str, Value), Refusal> {
    let container = dock::filled(&form.container);
    Ok(match form.command.as_str() {
        "undo" => {
            let (member, item) = match form.item.split_once(' ') {
                None => ("assets", AssetId::parse(&form.item)?.to_string()),
                Some(("medium", id)) => ("media", MediumId::parse(id)?.to_string()),
                Some((_, id)) => ("quantities", QuantityId::parse(id)?.to_string()),
            };
            ("remove_lines", Value::Object(Map::from_iter([("consignment".to_owned(), json!(id)), (member.to_owned(), json!([item]))])))
        }
        "quantity" => {
            let count: u32 = form.count.trim().parse().map_err(|_| Refusal::new("consignment.quantity", "Write the number in digits, like 40."))?;
            let body = json!({"consignment": id, "what": form.what, "count": count, "no_data": !form.no_data.is_empty(), "container": container});
            ("add_quantity", body)
        }
        "authorize" => ("authorize_consignment", json!({"consignment": id, "reference": form.reference})),
        "register" => {
            let device = json!({"category": form.category, "manufacturer": form.manufacturer, "model": form.model});
            let captured = json!({"method": CaptureMethod::Hand});
            let (tag, serial) = (dock::filled(&form.tag), dock::filled(&form.serial));
            ("scan", json!({"consignment": id, "tag": tag, "serial": serial, "container": container, "device": device, "captured": captured}))
        }
        _ => return Err(Refusal::new("scan.form", "The forms of this page send one of: scan, undo, register, quantity, authorize.")),
    })
}

/// `POST /consignments/{id}/scan`: one code, or another form of the page.
pub async fn create(http: HttpRequest, state: Data, id: web::Path<String>, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    let form: Form = request::form(&http, &state, payload).await?;
    if form.command != "authorize" {
        viewer.must_be_able_to("scan")?;
    }
    let id = consignment_id(&id)?;
    let address = format!("/consignments/{}/scan", bare(id.as_str()));
    let container: String = form.container.chars().filter(|c| !c.is_control()).take(64).collect();
    let there = if container.is_empty() { address.clone() } else { format!("{address}?{}", in_query(&container)) };
    if form.command.is_empty() || form.command == "scan" {
        let item = CodeScanned {
            id: form.idempotency_key.clone(),
            code: form.code.clone(),
            container: dock::filled(&form.container).map(str::to_owned),
            at: None,
            method: None,
            meant: dock::filled(&form.meant).map(str::to_owned),
        };
        let results = {
            let (viewer, id) = (viewer.clone(), id.clone());
            block(&state, move |service| take(service, &viewer, &id, &[item])).await?
        };
        let Some(result) = results.first() else {
            return Err(Error::Busy("The service is busy; scan it again in a moment.".to_owned()).into());
        };
        if result.outcome == Fate::Ok {
            return Ok(page::redirect_entry(&state, &there, result.entry));
        }
        let band = band_of(result);
        return draw(&state, viewer, id, form, Some(band)).await;
    }
    let known = dock::load(&state, &viewer, &id).await?;
    let given = match order(&form, &known.id) {
        Ok((name, body)) => dock::give(&state, &viewer, (&address, &form.idempotency_key), name, body).await,
        Err(refusal) => Err(refusal.into()),
    };
    match given {
        Ok(entry) => Ok(page::redirect_entry(&state, &there, entry)),
        Err(problem) if dock::is_about_the_form(&problem) => {
            let name = [&form.tag, &form.serial, &form.code].into_iter().find(|text| !text.is_empty()).cloned().unwrap_or_default();
            let band = Band { kind: "problem", name, title: String::new(), why: dock::sentences(&problem), unknown: false };
            draw(&state, viewer, id, form, Some(band)).await
        }
        Err(problem) => Err(problem),
    }
}

/// `POST /consignments/{id}/photos`: a picture of a thing without a label, kept with the consignment.
pub async fn photo(http: HttpRequest, state: Data, id: web::Path<String>, form: Multipart) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    viewer.must_be_able_to("scan")?;
    let id = consignment_id(&id)?;
    let known = dock::load(&state, &viewer, &id).await?;
    let _place = request::place(&http, &state.uploads).await?;
    let file = verifications::uploaded(&state, form, receive_evidence::MAX_BYTES).await?;
    if file.is_empty() {
        let why = vec!["No file was chosen. Choose the photograph to keep.".to_owned()];
        let band = Band { kind: "problem", name: String::new(), title: String::new(), why, unknown: false };
        return draw(&state, viewer, id, Form { command: "by_hand".to_owned(), ..Form::default() }, Some(band)).await;
    }
    block(&state, move |service| receive_evidence::receive_for(service, &viewer.actor, &file, &known.id, None)?.now()).await?;
    Ok(page::redirect(&state, &format!("/consignments/{}/scan#by-hand", bare(id.as_str()))))
}

/// `container=…`, as an address has it.
fn in_query(container: &str) -> String {
    format!("container={}", page::encoded(container))
}

#[derive(Template)]
#[template(path = "consignments/offline.html")]
struct OfflinePage {
    page: Page,
}

/// `GET /dock`: the scan page as browsers keep it for when there is no network; it knows nobody and no consignment.
pub async fn offline(state: Data) -> std::result::Result<HttpResponse, Problem> {
    let mut page = Page::new(&state, "", None);
    page.title = page.t("Scan without a network").to_owned();
    page.asked.said = None;
    let mut response = page::render(&OfflinePage { page })?;
    headers::with_camera(&mut response);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::unwrapped;

    #[test]
    fn what_scanners_and_labels_put_around_a_code_is_taken_off() {
        let of = |raw: &str| unwrapped(raw, "https://proof.example.org").map_err(|refusal| refusal.code);
        for (raw, code) in [
            ("CB-1", "CB-1"),
            (" CB-1\r\n", "CB-1"),
            ("]C1CB-1", "CB-1"),
            ("]d2\u{1d}CB-1\u{1d}", "CB-1"),
            ("https://proof.example.org/a/CB-1", "CB-1"),
            ("https://proof.example.org/a/CB-1?x=1", "CB-1"),
            ("https://elsewhere.example.org/a/CB-1", "https://elsewhere.example.org/a/CB-1"),
            ("]X", "]X"),
        ] {
            assert_eq!(of(raw).as_deref(), Ok(code), "{raw:?}");
        }
        assert_eq!(of(" \t"), Err("scan.empty"));
        assert_eq!(of("]C1"), Err("scan.empty"));
        assert_eq!(of(&"CB-1".repeat(17)), Err("scan.runaway"));
    }
}
