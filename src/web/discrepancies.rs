//! Reconciling: what differs between what was listed and what arrived, each with the ways in which an approver may resolve it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::json;

use super::assets::bare;
use super::dock;
use super::forms;
use super::ledger::Names;
use super::page::{self, Page, When};
use super::problem::Problem;
use super::request::{self, consignment_id};
use super::session::{self, Viewer};
use super::{Data, block, consignments};
use crate::domain::asset::Asset;
use crate::domain::consignment::{Consignment, ConsignmentStatus, Discrepancy, DiscrepancyKind, LineState};
use crate::domain::medium::Medium;
use crate::domain::names::{ConsignmentId, DiscrepancyId, Role};
use crate::error::Result;
use crate::store::{Database, tables};

/// Discrepancies on one page.
const SHOWN: usize = 100;

struct Choice(&'static str, &'static str, bool);

/// One discrepancy.
struct Shown {
    id: String,
    kind: &'static str,
    words: String,
    device: Option<(String, String)>,
    listed: String,
    scanned: String,
    critical: bool,
    due: When,
    overdue: bool,
    choices: Vec<Choice>,
    reference: String,
    document: String,
    wrong: Vec<String>,
    resolution: Option<(String, String, u64)>,
}

/// Two that may be one thing.
struct Pair {
    listed: String,
    scanned: String,
    because: &'static str,
    short: String,
    over: String,
}

#[derive(Template)]
#[template(path = "consignments/reconcile.html")]
struct ReconcilePage {
    page: Page,
    address: String,
    reference: String,
    from: String,
    to: String,
    status: &'static str,
    words: &'static str,
    listed: u32,
    received: u32,
    matched: u32,
    open: usize,
    counts: Vec<(&'static str, usize)>,
    pairs: Vec<Pair>,
    shown: Vec<Shown>,
    resolved: Vec<Shown>,
    documents: Vec<(String, String)>,
    decides: bool,
    arrived: bool,
    key: String,
    more: bool,
}

/// What the form sends.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    #[serde(default)]
    idempotency_key: String,
    discrepancy: String,
    #[serde(default)]
    resolution: String,
    #[serde(default)]
    reference: String,
    #[serde(default)]
    document: String,
}

fn one(db: &mut Database, names: &mut Names, discrepancy: &Discrepancy, typed: Option<&(Form, Vec<String>)>) -> Result<Shown> {
    let asset = match &discrepancy.asset {
        Some(id) => tables::find::<Asset>(db, id)?,
        None => None,
    };
    let medium = match &discrepancy.medium {
        Some(id) => tables::find::<Medium>(db, id)?,
        None => None,
    };
    let listed = match (&asset, &medium) {
        (Some(asset), _) => [Some(asset.tag.to_string()), asset.serial.as_ref().map(ToString::to_string)].into_iter().flatten().collect(),
        (None, Some(medium)) => vec![medium.serial.as_ref().map_or_else(|| medium.id.to_string(), ToString::to_string)],
        (None, None) => Vec::new(),
    };
    let typed = typed.filter(|(form, _)| form.discrepancy == bare(discrepancy.id.as_str()));
    let chosen = typed.map_or("", |(form, _)| form.resolution.as_str());
    let resolution = match (discrepancy.resolution, &discrepancy.resolved) {
        (Some(resolution), Some(act)) => Some((resolution.label().to_owned(), names.person(db, act.by.as_str())?, act.seq)),
        _ => None,
    };
    // Nobody released a registered device that is over to the receiver.
    let kept = |resolution: &crate::domain::consignment::Resolution| {
        discrepancy.asset.is_none() || *resolution != crate::domain::consignment::Resolution::KeptByReceiver
    };
    Ok(Shown {
        id: bare(discrepancy.id.as_str()).to_owned(),
        kind: discrepancy.kind.as_str(),
        words: discrepancy.words(),
        device: asset.as_ref().map(|asset| (bare(asset.id.as_str()).to_owned(), asset.tag.to_string())),
        listed: listed.join(" · "),
        scanned: discrepancy.scan.as_ref().map(consignments::scanned).unwrap_or_default(),
        critical: discrepancy.critical,
        due: discrepancy.due_at.into(),
        overdue: discrepancy.due_at < crate::app::now(),
        choices: discrepancy
            .kind
            .resolutions()
            .iter()
            .filter(|resolution| kept(resolution))
            .map(|resolution| Choice(resolution.as_str(), resolution.label(), resolution.as_str() == chosen))
            .collect(),
        reference: typed.map(|(form, _)| form.reference.clone()).unwrap_or_default(),
        document: typed.map(|(form, _)| form.document.clone()).unwrap_or_default(),
        wrong: typed.map(|(_, wrong)| wrong.clone()).unwrap_or_default(),
        resolution,
    })
}

async fn draw(state: &Data, viewer: Viewer, id: ConsignmentId, typed: Option<(Form, Vec<String>)>) -> std::result::Result<HttpResponse, Problem> {
    let mut page = Page::new(state, "", Some(&viewer));
    let failed = typed.is_some();
    let drawn = block(state, move |service| {
        let mut db = service.app.read()?;
        let db = &mut *db;
        let mut names = Names::new(&service.app);
        let consignment = consignments::find(db, &viewer, &id)?;
        let problem = if failed { page.t("Problem: ") } else { "" };
        page.title = format!("{problem}{} – {}", consignment.reference, page.t("Reconcile"));
        let (mut open, mut closed) = (Vec::new(), Vec::new());
        for id in &consignment.open_discrepancies {
            open.extend(tables::find::<Discrepancy>(db, id)?);
        }
        for id in consignment.discrepancies.iter().rev().filter(|id| !consignment.open_discrepancies.contains(id)).take(SHOWN) {
            closed.extend(tables::find::<Discrepancy>(db, id)?);
        }
        let shown = open.iter().take(SHOWN).map(|one_of| one(db, &mut names, one_of, typed.as_ref())).collect::<Result<Vec<_>>>()?;
        let resolved = closed.iter().map(|one_of| one(db, &mut names, one_of, None)).collect::<Result<Vec<_>>>()?;
        let counts = DiscrepancyKind::ALL
            .iter()
            .map(|kind| (kind.as_str(), open.iter().filter(|discrepancy| discrepancy.kind == *kind).count()))
            .filter(|(_, count)| *count > 0)
            .collect();
        let pairs = consignments::suggested(db, &consignment)?.into_iter().map(|pair| Pair {
            listed: pair.listed,
            scanned: pair.scanned,
            because: pair.because.as_str(),
            short: bare(pair.short.as_str()).to_owned(),
            over: bare(pair.over.as_str()).to_owned(),
        });
        let documents = consignment.documents.iter().map(|digest| (digest.to_string(), page::short(digest.as_str()))).collect();
        Ok(ReconcilePage {
            address: format!("/consignments/{}", bare(id.as_str())),
            reference: consignment.reference.to_string(),
            from: format!("{}, {}", names.party(db, consignment.from.party.as_str())?, consignment.from.site),
            to: format!("{}, {}", names.party(db, consignment.to.party.as_str())?, consignment.to.site),
            status: consignment.status.as_str(),
            words: consignment.status.label(),
            listed: consignment.lines,
            received: consignment.scanned.unwrap_or(0),
            matched: matched(db, &consignment)?,
            open: consignment.open_discrepancies.len(),
            counts,
            pairs: pairs.collect(),
            more: consignment.open_discrepancies.len() > SHOWN,
            shown,
            resolved,
            documents,
            decides: viewer.actor.role == Role::Approver,
            arrived: !consignment.receipts.is_empty(),
            key: forms::fresh_key()?,
            page,
        })
    })
    .await?;
    let mut response = page::render(&drawn)?;
    if failed {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// Lines that were received as listed.
fn matched(db: &mut Database, consignment: &Consignment) -> Result<u32> {
    if matches!(consignment.status, ConsignmentStatus::Open | ConsignmentStatus::Sealed | ConsignmentStatus::Released) {
        return Ok(0);
    }
    let contents = dock::Contents::load(db, &consignment.id)?;
    let matched = contents.lines.iter().filter(|line| line.state == LineState::Received).count();
    Ok(u32::try_from(matched).unwrap_or(u32::MAX))
}

/// `GET /consignments/{id}/reconcile`
pub async fn show(viewer: Viewer, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let id = consignment_id(&id)?;
    draw(&state, viewer, id, None).await
}

/// `POST /consignments/{id}/reconcile`: resolves one discrepancy.
pub async fn update(http: HttpRequest, state: Data, id: web::Path<String>, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    let form: Form = request::form(&http, &state, payload).await?;
    viewer.must_be_able_to("resolve_discrepancy")?;
    let id = consignment_id(&id)?;
    let address = format!("/consignments/{}/reconcile", bare(id.as_str()));
    let discrepancy = DiscrepancyId::parse(&format!("urn:uuid:{}", bare(&form.discrepancy)))?;
    let known = dock::load(&state, &viewer, &id).await?;
    if !known.discrepancies.contains(&discrepancy) {
        return Err(Problem::unknown("This consignment has no such discrepancy; open its page again."));
    }
    let body = json!({"discrepancy": discrepancy, "resolution": form.resolution, "reference": dock::filled(&form.reference),
        "document": dock::filled(&form.document)});
    match dock::give(&state, &viewer, (&address, &form.idempotency_key), "resolve_discrepancy", body).await {
        Ok(entry) => Ok(page::redirect_entry(&state, &address, entry)),
        Err(problem) if dock::is_about_the_form(&problem) => {
            let form = Form { discrepancy: bare(&form.discrepancy).to_owned(), ..form };
            let wrong = dock::sentences(&problem);
            draw(&state, viewer, id, Some((form, wrong))).await
        }
        Err(problem) => Err(problem),
    }
}
