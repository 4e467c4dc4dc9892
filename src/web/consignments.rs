//! Consignments: lists, one consignment with its lines, seals, counts and discrepancies.

use actix_web::http::header::{ACCEPT, CONTENT_DISPOSITION, ETAG, IF_NONE_MATCH};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::{Value, json};

use super::assets::{Step, TIMELINE, bare, steps};
use super::ledger::{self, Names};
use super::notes::{self, NotesShown};
use super::page::{self, Page, When};
use super::problem::Problem;
use super::request::{self, consignment_id, cut};
use super::session::Viewer;
use super::{Data, block};
use crate::app::now;
use crate::documents::csv_file::{self, Field};
use crate::domain::asset::Asset;
use crate::domain::consignment::{Consignment, Discrepancy, DiscrepancyKind, Line, Presets, Receipt, Scan};
use crate::domain::links::OneTimeLink;
use crate::domain::manifest::Manifest;
use crate::domain::names::{ConsignmentId, Digest, DiscrepancyId};
use crate::domain::reconciliation::{NotFound, Suggestion, suggestions};
use crate::domain::records::{Need, Records};
use crate::error::{Error, Result};
use crate::proof::digest::sha256;
use crate::store::tables::{self, ConsignmentRow, DiscrepancyRow};
use crate::store::{Database, inventory};

/// What a list is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    after: Option<String>,
    limit: Option<String>,
}

fn list(db: &mut Database, viewer: &Viewer, after: Option<&(String, String)>, limit: i64) -> Result<(Vec<Consignment>, Option<String>)> {
    if viewer.site().is_some() {
        return list_of_site(db, viewer, after, limit);
    }
    let mut rows = inventory::consignments(db, viewer.narrowed_to().as_deref(), after, limit + 1)?;
    let next = cut(&mut rows, limit, |row| (row.reference.clone(), row.id.clone()));
    Ok((rows.iter().map(ConsignmentRow::record).collect::<Result<Vec<_>>>()?, next))
}

/// Consignments that are looked through for those of one site before a page ends, full or not.
const LOOKED_THROUGH: i64 = 2_000;

/// Those that start or end at a school contact's site. Consignments are not kept by site: a page may be short and have a next one.
fn list_of_site(db: &mut Database, viewer: &Viewer, after: Option<&(String, String)>, limit: i64) -> Result<(Vec<Consignment>, Option<String>)> {
    let rows = inventory::consignments(db, Some(viewer.actor.party.as_str()), after, LOOKED_THROUGH)?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    for row in &rows {
        let consignment = row.record()?;
        if viewer.actor.sees_consignment(&consignment) {
            found.push(consignment);
        }
        if found.len() == most {
            return Ok((found, Some(request::cursor(&row.reference, &row.id))));
        }
    }
    let more = i64::try_from(rows.len()).is_ok_and(|rows| rows == LOOKED_THROUGH);
    let next = rows.last().filter(|_| more).map(|row| request::cursor(&row.reference, &row.id));
    Ok((found, next))
}

/// `GET /api/v1/consignments`
pub async fn api_index(viewer: Viewer, state: Data, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    let (after, limit) = (request::after(asked.after.as_deref())?, request::limit(asked.limit.as_deref())?);
    let (consignments, next) = block(&state, move |service| list(&mut *service.app.read()?, &viewer, after.as_ref(), limit)).await?;
    Ok(HttpResponse::Ok().json(json!({"consignments": consignments, "next": next})))
}

/// Most lines, and most discrepancies, on one page.
const LINES: i64 = 100;

/// Which part of a consignment is shown.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// After this line.
    lines_after: Option<String>,
    /// After this discrepancy.
    discrepancies_after: Option<String>,
    /// From this entry on; for the page.
    from: Option<String>,
    limit: Option<String>,
}

/// Where the next part starts.
#[derive(Default)]
struct Next {
    lines: Option<String>,
    discrepancies: Option<String>,
}

/// A consignment with a part of its lines and discrepancies.
struct Known {
    consignment: Consignment,
    lines: Vec<Line>,
    discrepancies: Vec<Discrepancy>,
    /// Open pairs that may be one thing.
    suggestions: Vec<Suggestion>,
    next: Next,
}

/// A consignment that exists and that this viewer may see.
pub fn find(db: &mut Database, viewer: &Viewer, id: &ConsignmentId) -> Result<Consignment> {
    match tables::find::<Consignment>(db, id)? {
        Some(consignment) if viewer.actor.sees_consignment(&consignment) => Ok(consignment),
        _ => Err(Error::Unknown(format!("There is no consignment {id}."))),
    }
}

/// Most open discrepancies that are compared with each other.
const COMPARED: usize = 300;
/// Most suggestions.
const SUGGESTED: usize = 100;

/// What is short and over and may be one thing: an offer to whoever resolves it.
pub(super) fn suggested(db: &mut Database, consignment: &Consignment) -> Result<Vec<Suggestion>> {
    let (mut short, mut over) = (Vec::new(), Vec::new());
    for id in consignment.open_discrepancies.iter().take(COMPARED) {
        let Some(open) = tables::find::<Discrepancy>(db, id)? else { continue };
        match (open.kind, &open.asset) {
            (DiscrepancyKind::Short, Some(asset)) => short.extend(tables::find::<Asset>(db, asset)?.map(|asset| (open.id.clone(), asset))),
            (DiscrepancyKind::Over, None) => over.extend(open.scan.map(|scan| (open.id, scan))),
            _ => {}
        }
    }
    let short: Vec<NotFound> = short.iter().map(|(id, asset)| (id, &asset.tag, asset.serial.as_ref())).collect();
    let over: Vec<(&DiscrepancyId, &Scan)> = over.iter().map(|(id, scan)| (id, scan)).collect();
    let mut found = suggestions(&short, &over);
    found.truncate(SUGGESTED);
    Ok(found)
}

/// After which line, after which discrepancy, how many of each.
type Range = (Option<(String, String)>, Option<(String, String)>, i64);

impl Part {
    fn range(&self, default: i64) -> std::result::Result<Range, Problem> {
        let limit = self.limit.as_deref().map_or(Ok(default), |limit| request::limit(Some(limit)))?;
        let lines = request::after_named("lines_after", self.lines_after.as_deref())?;
        Ok((lines, request::after_named("discrepancies_after", self.discrepancies_after.as_deref())?, limit))
    }
}

fn known(db: &mut Database, consignment: Consignment, range: &Range) -> Result<Known> {
    let id = consignment.id.as_str();
    let (line, discrepancy, limit) = range;
    let mut next = Next::default();
    let mut rows = inventory::lines(db, id, line.as_ref(), limit + 1)?;
    next.lines = cut(&mut rows, *limit, |(name, row)| (name.clone(), row.item.clone()));
    let lines = rows.iter().map(|(_, row)| row.record()).collect::<Result<Vec<_>>>()?;
    let mut rows = inventory::discrepancies(db, id, discrepancy.as_ref().map(|(id, _)| id.as_str()), limit + 1)?;
    next.discrepancies = cut(&mut rows, *limit, |row| (row.id.clone(), row.id.clone()));
    let discrepancies = rows.iter().map(DiscrepancyRow::record).collect::<Result<Vec<_>>>()?;
    let suggestions = suggested(db, &consignment)?;
    Ok(Known { consignment, lines, discrepancies, suggestions, next })
}

/// `GET /api/v1/consignments/{id}?lines_after=&discrepancies_after=&limit=`; its ETag is the entry that changed it last, for `If-Match` of commands.
pub async fn api_show(
    http: HttpRequest,
    viewer: Viewer,
    state: Data,
    id: web::Path<String>,
    part: web::Query<Part>,
) -> std::result::Result<HttpResponse, Problem> {
    let (id, range) = (consignment_id(&id)?, part.range(request::MOST)?);
    request::from(part.from.as_deref())?;
    let known = block(&state, move |service| {
        let mut db = service.app.read()?;
        let consignment = find(&mut db, &viewer, &id)?;
        known(&mut db, consignment, &range)
    })
    .await?;
    let tag = format!("\"{}\"", known.consignment.last_seq);
    if has_it(&http, &tag) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, tag)).finish());
    }
    let lines: Vec<Value> = known.lines.iter().map(line_json).collect();
    let answer = json!({
        "consignment": known.consignment,
        "receipt_due_at": known.consignment.receipt_due_at(),
        "suggestions": known.suggestions,
        "lines": lines, "lines_next": known.next.lines,
        "discrepancies": known.discrepancies, "discrepancies_next": known.next.discrepancies,
    });
    Ok(HttpResponse::Ok().insert_header((ETAG, tag)).json(answer))
}

/// Whether the one who asks has what this ETag names.
fn has_it(http: &HttpRequest, tag: &str) -> bool {
    let same = |given: &str| given.split(',').any(|one| one.trim().trim_start_matches("W/") == tag);
    http.headers().get(IF_NONE_MATCH).and_then(|given| given.to_str().ok()).is_some_and(same)
}

/// A sealed consignment with all its lines, and the bytes of its manifest: the very ones whose SHA-256 the sealing recorded.
pub(super) fn frozen(db: &mut Database, viewer: &Viewer, id: &ConsignmentId) -> Result<(Consignment, Vec<Line>, Vec<u8>)> {
    let consignment = find(db, viewer, id)?;
    let Some(recorded) = &consignment.manifest else {
        return Err(Error::Unknown(format!("{} has no manifest: its list is not closed. Seal it first.", consignment.reference)));
    };
    let mut known = Records::default();
    tables::load(db, &[Need::LinesOf(id.clone())], &mut known)?;
    let lines: Vec<Line> = known.lines.all().filter(|line| line.is_listed()).cloned().collect();
    let bytes = Manifest::of(&consignment, &consignment.containers, &lines.iter().collect::<Vec<_>>()).bytes()?;
    if &Digest::from_bytes(sha256(&bytes)) != recorded {
        let why = format!("the manifest of the consignment {id} is not the one whose SHA-256 its sealing recorded: run `quittance audit`");
        return Err(Error::Damaged(why));
    }
    Ok((consignment, lines, bytes))
}

fn wants_csv(http: &HttpRequest) -> bool {
    http.headers().get(ACCEPT).and_then(|kinds| kinds.to_str().ok()).is_some_and(|kinds| kinds.contains("text/csv"))
}

/// `GET /api/v1/consignments/{id}/manifest`: the frozen list as JSON, whose SHA-256 is its ETag and stands in `consignment.sealed`; as CSV for those
/// who accept `text/csv`.
pub async fn api_manifest(http: HttpRequest, viewer: Viewer, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    if wants_csv(&http) {
        return api_manifest_csv(viewer, state, id).await;
    }
    let id = consignment_id(&id)?;
    let (consignment, _, bytes) = block(&state, move |service| frozen(&mut *service.app.read()?, &viewer, &id)).await?;
    let tag = format!("\"{}\"", consignment.manifest.as_ref().map_or("", Digest::as_str));
    if has_it(&http, &tag) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, tag)).finish());
    }
    Ok(HttpResponse::Ok().insert_header((ETAG, tag)).content_type("application/json").body(bytes))
}

/// `GET /api/v1/consignments/{id}/manifest.csv`: the same, one row for each line, with its container and the SHA-256 of the JSON.
pub async fn api_manifest_csv(viewer: Viewer, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let id = consignment_id(&id)?;
    let text = block(&state, move |service| {
        let (consignment, lines, _) = frozen(&mut *service.app.read()?, &viewer, &id)?;
        Ok(csv_of(&consignment, &lines))
    })
    .await?;
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"manifest.csv\""))
        .body(text))
}

fn csv_of(consignment: &Consignment, lines: &[Line]) -> String {
    const HEAD: [&str; 13] = [
        "consignment",
        "container",
        "seal",
        "tare_weight_grams",
        "gross_weight_grams",
        "kind",
        "name",
        "serial",
        "title",
        "count",
        "unit_weight_grams",
        "entry",
        "manifest_sha256",
    ];
    let text = |text: &str| Field::Text(text.to_owned());
    let number = |number: Option<u32>| Field::Number(number.map(|number| number.to_string()).unwrap_or_default());
    let refs: Vec<&Line> = lines.iter().collect();
    let manifest = Manifest::of(consignment, &consignment.containers, &refs);
    let rows = manifest.lines.iter().map(|line| {
        let container = consignment.containers.iter().find(|container| Some(&container.label) == line.container);
        [
            text(consignment.reference.as_str()),
            text(line.container.map_or("", |label| label.as_str())),
            text(container.and_then(|container| container.seal.as_ref()).map_or("", |seal| seal.as_str())),
            number(container.and_then(|container| container.tare_weight_grams)),
            number(container.and_then(|container| container.gross_weight_grams)),
            text(line.kind),
            text(line.name),
            text(line.serial.map_or("", |serial| serial.as_str())),
            text(line.title),
            number(line.quantity.map(|quantity| quantity.count)),
            number(line.quantity.and_then(|quantity| quantity.unit_weight_grams)),
            Field::Number(line.entry.to_string()),
            Field::Text(consignment.manifest.as_ref().map(ToString::to_string).unwrap_or_default()),
        ]
    });
    csv_file::write(HEAD.map(text), rows)
}

/// A line as programs read it: what it lists stands under the name of its kind.
fn line_json(line: &Line) -> Value {
    let mut shown = json!({"kind": line.item.kind(), "tag": line.name, "serial": line.serial, "title": line.title, "container": line.container,
        "state": line.state, "damage": line.damage, "found": line.found, "entry": line.added, "last_seq": line.last_seq});
    if let Value::Object(members) = &mut shown {
        match &line.quantity {
            Some(quantity) => {
                members.insert("line".to_owned(), json!(line.item.id()));
                members.insert("quantity".to_owned(), json!(quantity));
            }
            None => {
                members.insert(line.item.kind().to_owned(), json!(line.item.id()));
            }
        }
    }
    shown
}

/// A consignment in a list.
struct Row {
    id: String,
    reference: String,
    kind: &'static str,
    from: String,
    to: String,
    status: &'static str,
    words: &'static str,
    lines: u32,
    open: usize,
    opened: When,
}

#[derive(Template)]
#[template(path = "consignments/index.html")]
struct IndexPage {
    page: Page,
    rows: Vec<Row>,
    next: Option<String>,
    paged: bool,
}

/// `GET /consignments`
pub async fn index(viewer: Viewer, state: Data, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    let (after, limit) = (request::after(asked.after.as_deref())?, request::limit(asked.limit.as_deref())?);
    let page = Page::new(&state, "Consignments", Some(&viewer));
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        let mut names = Names::new(&service.app);
        let (consignments, next) = list(&mut db, &viewer, after.as_ref(), limit)?;
        let rows = consignments
            .into_iter()
            .map(|consignment| {
                Ok(Row {
                    id: bare(consignment.id.as_str()).to_owned(),
                    from: format!("{}, {}", names.party(&mut db, consignment.from.party.as_str())?, consignment.from.site),
                    to: format!("{}, {}", names.party(&mut db, consignment.to.party.as_str())?, consignment.to.site),
                    kind: consignment.kind.label(),
                    status: consignment.status.as_str(),
                    words: consignment.status.label(),
                    lines: consignment.lines,
                    open: consignment.open_discrepancies.len(),
                    opened: consignment.opened_at.into(),
                    reference: consignment.reference.to_string(),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(IndexPage { page, rows, next, paged: after.is_some() })
    })
    .await?;
    page::render(&drawn)
}

/// A container with its seal, as released and as found.
struct ContainerShown {
    label: String,
    seal: String,
    tare: String,
    released: String,
    net: String,
    found: Option<&'static str>,
    received: String,
}

/// A line on the page.
struct LineShown {
    /// The container, where the line before is in another one.
    heading: Option<String>,
    device: Option<String>,
    tag: String,
    serial: String,
    title: String,
    state: &'static str,
    words: &'static str,
    resolved: bool,
}

/// One receipt on the page.
struct ReceiptShown {
    who: String,
    at: When,
    seq: u64,
    scanned: u32,
    more_to_come: bool,
    /// How it was said, where the receiver's own people did not sign in to say it.
    source: String,
}

/// How a receipt was said, where the receiver's own people did not sign in to say it; else nothing.
pub(super) fn how(receipt: &Receipt) -> String {
    let paper = receipt.transcribed.as_ref().map(|document| format!("transcribed by the district from document sha256 {document}"));
    let list = receipt.file.as_ref().map(|file| format!("from the receiver's list sha256 {file}"));
    let by = receipt.by.map(|by| by.label().to_owned());
    [paper, list, by].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn receipt_shown(db: &mut Database, names: &mut Names, receipt: &Receipt) -> Result<ReceiptShown> {
    Ok(ReceiptShown {
        who: format!("{}, {}", names.person(db, receipt.act.by.as_str())?, names.party(db, receipt.act.party.as_str())?),
        at: receipt.act.occurred.into(),
        seq: receipt.act.seq,
        scanned: receipt.scanned,
        more_to_come: receipt.more_to_come,
        source: how(receipt),
    })
}

/// A link on the page.
struct LinkShown {
    id: String,
    until: When,
    words: &'static str,
}

/// A discrepancy on the page.
struct DiscrepancyShown {
    id: String,
    words: String,
    due: Option<When>,
    device: Option<(String, String)>,
    scan: String,
    critical: bool,
    whole: bool,
    resolution: Option<(&'static str, String, u64)>,
}

/// A rule that an approver set aside.
struct OverrideShown {
    guard: &'static str,
    reason: &'static str,
    reference: String,
    who: String,
    at: When,
    entry: u64,
}

/// What every scan does, in words.
fn preset_words(presets: &Presets) -> String {
    let evaluate = presets.rung.map(|rung| format!("evaluates what nobody has evaluated ({})", rung.label()));
    let retire = presets.reason.map(|reason| format!("retires what is still in use ({})", reason.label()));
    let storage = match (presets.media_type, presets.no_storage) {
        (Some(kind), _) => Some(format!("expects {} where the media are not known", kind.label())),
        (None, true) => Some("attests no storage where the media are not known and the model has none".to_owned()),
        (None, false) => None,
    };
    [retire, storage, evaluate].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[derive(Template)]
#[template(path = "consignments/show.html")]
struct ShowPage {
    page: Page,
    id: String,
    kind: &'static str,
    driver: Option<String>,
    /// Its SHA-256, whole and short.
    manifest: Option<(String, String)>,
    sealed: Option<(String, When, u64)>,
    presets: String,
    /// The board's reference, and the entry.
    authorization: Option<(String, u64)>,
    broken: String,
    overrides: Vec<OverrideShown>,
    reference: String,
    status: &'static str,
    words: &'static str,
    from: String,
    to: String,
    carrier: String,
    released: Option<(String, When, u64)>,
    /// By which way the driver accepted it.
    accepted: Option<(&'static str, When, u64)>,
    received: Option<(String, When, u64)>,
    receipts: Vec<ReceiptShown>,
    receipt_due: Option<When>,
    questions: usize,
    links: Vec<LinkShown>,
    suggestions: Vec<Suggestion>,
    containers: Vec<ContainerShown>,
    listed: u32,
    scanned: Option<u32>,
    open: usize,
    lines: Vec<LineShown>,
    all_discrepancies: usize,
    discrepancies: Vec<DiscrepancyShown>,
    /// This page's address, and what of it is shown.
    address: String,
    lines_after: String,
    discrepancies_after: String,
    next_lines: Option<String>,
    next_discrepancies: Option<String>,
    notes: NotesShown,
    timeline: Vec<Step>,
    next: Option<u64>,
    paged: bool,
}

/// `GET /consignments/{id}?lines_after=&discrepancies_after=&from=`: each of the three parts is paged by itself.
pub async fn show(viewer: Viewer, state: Data, id: web::Path<String>, part: web::Query<Part>) -> std::result::Result<HttpResponse, Problem> {
    let (id, range, from) = (consignment_id(&id)?, part.range(LINES)?, request::from(part.from.as_deref())?);
    let mut page = Page::new(&state, "", Some(&viewer));
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        let db = &mut *db;
        let mut names = Names::new(&service.app);
        let consignment = find(db, &viewer, &id)?;
        let Known { consignment, lines, discrepancies, suggestions, next } = known(db, consignment, &range)?;
        let (timeline, next_entry) = ledger::page_of(db, &mut names, &[id.to_string()], from, TIMELINE)?;
        let notes = notes::of_consignment(db, &mut names, &viewer, &id)?;
        page.title = format!("Consignment {}", consignment.reference);
        let reported: Vec<_> = consignment.receipts.iter().flat_map(|receipt| &receipt.containers).collect();
        let closed = consignment.received.is_some();
        let containers = consignment
            .containers
            .iter()
            .map(|container| {
                let found = reported.iter().find(|found| found.label == container.label);
                ContainerShown {
                    label: container.label.to_string(),
                    seal: container.seal.as_ref().map_or_else(|| "no seal".to_owned(), ToString::to_string),
                    tare: weight(container.tare_weight_grams),
                    released: weight(container.gross_weight_grams),
                    net: weight(container.net_weight_grams()),
                    found: found.map(|found| found.seal_state.label()).or(closed.then_some("not reported")),
                    received: weight(found.and_then(|found| found.gross_weight_grams)),
                }
            })
            .collect();
        let mut act = |db: &mut Database, act: &Option<crate::domain::medium::Act>| -> Result<Option<(String, When, u64)>> {
            let Some(act) = act else { return Ok(None) };
            let who = format!("{}, {}", names.person(db, act.by.as_str())?, names.party(db, act.party.as_str())?);
            Ok(Some((who, act.occurred.into(), act.seq)))
        };
        let (released, received) = (act(db, &consignment.released)?, act(db, &consignment.received)?);
        let sealed = act(db, &consignment.sealed)?;
        let on_page: Vec<String> = lines.iter().filter_map(|line| line.asset().map(ToString::to_string)).collect();
        let of_lines = inventory::discrepancies_of(db, id.as_str(), &on_page)?;
        let of_lines = of_lines.iter().map(DiscrepancyRow::record).collect::<Result<Vec<_>>>()?;
        let settled: Vec<String> = of_lines
            .iter()
            .filter(|discrepancy| discrepancy.resolution.is_some())
            .filter_map(|discrepancy| discrepancy.asset.as_ref().map(ToString::to_string))
            .collect();
        let discrepancies = discrepancies.iter().map(|discrepancy| discrepancy_shown(db, &mut names, discrepancy)).collect::<Result<Vec<_>>>()?;
        let mut overrides = Vec::new();
        for granted in &consignment.overrides {
            overrides.push(OverrideShown {
                guard: granted.guard.label(),
                reason: granted.reason.label(),
                reference: granted.reference.to_string(),
                who: names.person(db, granted.granted.by.as_str())?,
                at: granted.granted.occurred.into(),
                entry: granted.granted.seq,
            });
        }
        // The container of the line above, as the lines are drawn.
        let mut above: Option<String> = None;
        Ok(ShowPage {
            page,
            kind: consignment.kind.label(),
            driver: consignment.driver.as_ref().map(ToString::to_string),
            manifest: consignment.manifest.as_ref().map(|digest| (digest.to_string(), page::short(digest.as_str()))),
            sealed,
            presets: preset_words(&consignment.presets),
            authorization: consignment.authorization.as_ref().map(|authorization| (authorization.reference.to_string(), authorization.entry)),
            broken: consignment.broken_seals.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            overrides,
            id: bare(id.as_str()).to_owned(),
            reference: consignment.reference.to_string(),
            status: consignment.status.as_str(),
            words: consignment.status.label(),
            from: format!("{}, {}", names.party(db, consignment.from.party.as_str())?, consignment.from.site),
            to: format!("{}, {}", names.party(db, consignment.to.party.as_str())?, consignment.to.site),
            carrier: consignment.carrier.as_ref().map_or_else(|| "not recorded".to_owned(), ToString::to_string),
            released,
            accepted: consignment.accepted.as_ref().map(|done| (done.by.label(), done.act.occurred.into(), done.act.seq)),
            received,
            receipts: consignment.receipts.iter().map(|receipt| receipt_shown(db, &mut names, receipt)).collect::<Result<_>>()?,
            receipt_due: consignment.receipt_due_at().map(When::from),
            questions: consignment.questions.len(),
            links: links_shown(&consignment),
            suggestions,
            containers,
            listed: consignment.lines,
            scanned: consignment.scanned,
            open: consignment.open_discrepancies.len(),
            lines: lines
                .into_iter()
                .map(|line| LineShown {
                    heading: {
                        let container = line.container.as_ref().map_or_else(|| "In no container".to_owned(), ToString::to_string);
                        (above.as_ref() != Some(&container)).then(|| above.insert(container).clone())
                    },
                    resolved: line.asset().is_some_and(|asset| settled.iter().any(|id| id == asset.as_str())),
                    device: line.asset().map(|asset| bare(asset.as_str()).to_owned()),
                    tag: line.name,
                    serial: line.serial.map(|serial| serial.to_string()).unwrap_or_default(),
                    title: line.title,
                    state: line.state.as_str(),
                    words: line.state.label(),
                })
                .collect(),
            all_discrepancies: consignment.discrepancies.len(),
            discrepancies,
            address: format!("/consignments/{}", bare(id.as_str())),
            lines_after: part.lines_after.clone().unwrap_or_default(),
            discrepancies_after: part.discrepancies_after.clone().unwrap_or_default(),
            next_lines: next.lines,
            next_discrepancies: next.discrepancies,
            notes,
            timeline: steps(timeline)?,
            next: next_entry,
            paged: from > 0,
        })
    })
    .await?;
    page::render(&drawn)
}

fn links_shown(consignment: &Consignment) -> Vec<LinkShown> {
    let words = |link: &OneTimeLink| match (&link.revoked, link.is_live(now())) {
        (Some(_), _) => "revoked",
        (None, true) => "good",
        (None, false) => "expired",
    };
    // A driver's code is no link of the receiver's.
    let shown = |link: &OneTimeLink| LinkShown { id: bare(link.id.as_str()).to_owned(), until: link.expires_at.into(), words: words(link) };
    consignment.links.iter().filter(|link| !link.accepts).map(shown).collect()
}

fn discrepancy_shown(db: &mut Database, names: &mut Names, discrepancy: &Discrepancy) -> Result<DiscrepancyShown> {
    let device = match &discrepancy.asset {
        Some(id) => tables::find::<Asset>(db, id)?.map(|asset| (bare(id.as_str()).to_owned(), asset.tag.to_string())),
        None => None,
    };
    let resolution = match (discrepancy.resolution, &discrepancy.resolved) {
        (Some(resolution), Some(act)) => Some((resolution.label(), names.person(db, act.by.as_str())?, act.seq)),
        _ => None,
    };
    Ok(DiscrepancyShown {
        id: bare(discrepancy.id.as_str()).to_owned(),
        words: discrepancy.words(),
        due: resolution.is_none().then(|| discrepancy.due_at.into()),
        whole: discrepancy.kind.is_of_the_whole(),
        device,
        scan: discrepancy.scan.as_ref().map(scanned).unwrap_or_default(),
        critical: discrepancy.critical,
        resolution,
    })
}

fn weight(grams: Option<u32>) -> String {
    grams.map_or_else(|| "–".to_owned(), page::grams)
}

pub(super) fn scanned(scan: &Scan) -> String {
    let parts = [scan.tag.as_ref().map(|tag| format!("tag {tag}")), scan.serial.as_ref().map(|serial| format!("serial {serial}"))];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
