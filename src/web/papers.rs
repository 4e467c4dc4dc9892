//! The papers of a consignment: manifest, pick list, receipt and reconciliation sheet, for whoever may see the consignment.

use std::collections::{BTreeMap, HashMap};

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::{HttpResponse, web};

use super::consignments::{find, frozen, how};
use super::ledger::Names;
use super::problem::Problem;
use super::request::consignment_id;
use super::session::Viewer;
use super::{Data, block};
use crate::documents::receipt_pdf::{Difference, Statement};
use crate::documents::sheet::{Papers, Stated, Thing};
use crate::documents::{manifest_pdf, pick_list_pdf, receipt_pdf, reconciliation_pdf};
use crate::domain::asset::Asset;
use crate::domain::consignment::{Consignment, ConsignmentStatus, Discrepancy, Line};
use crate::domain::medium::{Act, Medium};
use crate::domain::names::{ConsignmentId, Instant};
use crate::domain::records::{Need, Records};
use crate::error::{Error, Result};
use crate::operations::Service;
use crate::proof::entry::Entry;
use crate::store::tables::{self, DiscrepancyRow};
use crate::store::{Database, inventory, log};

/// Needs that are loaded at once.
const MANY: usize = 500;

/// A consignment with everything that its papers say.
struct Known {
    consignment: Consignment,
    lines: Vec<Line>,
    things: BTreeMap<String, Thing>,
    as_of: Instant,
    from: String,
    to: String,
    acts: [Option<Stated>; 3],
    frozen: Option<Vec<u8>>,
}

/// When an entry was recorded.
pub(super) fn recorded_at(db: &mut Database, seq: u64) -> Result<Instant> {
    let bytes = log::entry(db, seq)?.ok_or_else(|| Error::Damaged(format!("entry {seq} is missing: run `quittance audit`")))?;
    let entry = Entry::parse(&bytes).map_err(|e| Error::fault("a stored entry", e))?;
    Ok(Instant::parse(&entry.frame().time)?)
}

fn stated(db: &mut Database, names: &mut Names, act: &Act) -> Result<Stated> {
    let who = format!("{}, {}", names.person(db, act.by.as_str())?, names.party(db, act.party.as_str())?);
    Ok(Stated { who, at: act.occurred, entry: act.seq })
}

fn known(db: &mut Database, names: &mut Names, viewer: &Viewer, id: &ConsignmentId) -> Result<Known> {
    let consignment = find(db, viewer, id)?;
    // What left is what was sealed, byte for byte; before that the list is as it is now.
    let (consignment, lines, frozen) = if consignment.manifest.is_some() {
        let (consignment, lines, bytes) = frozen(db, viewer, id)?;
        (consignment, lines, Some(bytes))
    } else {
        let mut known = Records::default();
        tables::load(db, &[Need::LinesOf(id.clone())], &mut known)?;
        let lines = known.lines.all().filter(|line| line.is_listed()).cloned().collect();
        (consignment, lines, None)
    };
    let things = things(db, &consignment, &lines)?;
    let place = |db: &mut Database, names: &mut Names, holder: &crate::domain::asset::Holder| -> Result<String> {
        Ok(format!("{}, {}", names.party(db, holder.party.as_str())?, holder.site))
    };
    let mut act = |db: &mut Database, act: &Option<Act>| act.as_ref().map(|act| stated(db, names, act)).transpose();
    let acts = [act(db, &consignment.sealed)?, act(db, &consignment.released)?, act(db, &consignment.received)?];
    Ok(Known {
        as_of: recorded_at(db, consignment.last_seq)?,
        from: place(db, names, &consignment.from)?,
        to: place(db, names, &consignment.to)?,
        things,
        acts,
        frozen,
        lines,
        consignment,
    })
}

/// What sort of thing each listed device is; and where it is, as long as the sender has it.
fn things(db: &mut Database, consignment: &Consignment, lines: &[Line]) -> Result<BTreeMap<String, Thing>> {
    let here = matches!(consignment.status, ConsignmentStatus::Open | ConsignmentStatus::Sealed);
    let mut things = BTreeMap::new();
    let assets: Vec<_> = lines.iter().filter_map(|line| line.asset().cloned()).collect();
    for some in assets.chunks(MANY) {
        let mut known = Records::default();
        tables::load(db, &some.iter().cloned().map(Need::Asset).collect::<Vec<_>>(), &mut known)?;
        for asset in known.assets.all() {
            let site = Some(&asset.holder).filter(|holder| here && holder.party == consignment.from.party).map(|holder| holder.site.to_string());
            things.insert(asset.id.to_string(), Thing { sort: asset.category.label().to_owned(), site: site.unwrap_or_default() });
        }
    }
    Ok(things)
}

/// Everything that differs, with what it is about.
fn differences<'a>(db: &mut Database, names: &mut Names, lines: &[Line], discrepancies: &'a [Discrepancy]) -> Result<Vec<Difference<'a>>> {
    let by_id: HashMap<&str, &Line> = lines.iter().map(|line| (line.item.id(), line)).collect();
    let mut differences = Vec::new();
    for discrepancy in discrepancies {
        let ids = [
            discrepancy.asset.as_ref().map(|id| id.as_str()),
            discrepancy.medium.as_ref().map(|id| id.as_str()),
            discrepancy.quantity.as_ref().map(|id| id.as_str()),
        ];
        let line = ids.into_iter().flatten().find_map(|id| by_id.get(id));
        let (name, serial, title) = match (line, &discrepancy.asset, &discrepancy.medium) {
            (Some(line), ..) => (
                line.quantity.as_ref().map_or_else(|| line.name.clone(), |quantity| quantity.words()),
                line.serial.as_ref().map(ToString::to_string).unwrap_or_default(),
                line.title.clone(),
            ),
            (None, Some(asset), _) => tables::find::<Asset>(db, asset)?.map_or_else(Default::default, |asset| {
                (asset.tag.to_string(), asset.serial.as_ref().map(ToString::to_string).unwrap_or_default(), asset.title())
            }),
            (None, None, Some(medium)) => {
                tables::find::<Medium>(db, medium)?.map_or_else(Default::default, |medium| (medium.title(), String::new(), String::new()))
            }
            (None, None, None) => Default::default(),
        };
        let resolved = discrepancy.resolved.as_ref().map(|act| stated(db, names, act)).transpose()?;
        differences.push(Difference { discrepancy, name, serial, title, resolved });
    }
    Ok(differences)
}

fn discrepancies(db: &mut Database, id: &ConsignmentId) -> Result<Vec<Discrepancy>> {
    let rows = inventory::discrepancies(db, id.as_str(), None, i64::MAX)?;
    let mut all = rows.iter().map(DiscrepancyRow::record).collect::<Result<Vec<_>>>()?;
    // In the order in which they came up, whatever their ids.
    all.sort_by(|a, b| (a.kind, a.asset.as_ref(), &a.id).cmp(&(b.kind, b.asset.as_ref(), &b.id)));
    Ok(all)
}

/// Gathers what is known of a consignment and draws a paper of it.
async fn paper(
    viewer: Viewer,
    state: Data,
    id: web::Path<String>,
    name: &'static str,
    draw: impl FnOnce(&mut Database, &mut Names, &Known, &Papers<'_>) -> Result<Vec<u8>> + Send + 'static,
) -> std::result::Result<HttpResponse, Problem> {
    let id = consignment_id(&id)?;
    let (reference, bytes) = block(&state, move |service: &Service| {
        let mut db = service.app.read()?;
        let mut names = Names::new(&service.app);
        let known = known(&mut db, &mut names, &viewer, &id)?;
        let bare = id.as_str().trim_start_matches("urn:uuid:");
        let [sealed, released, received] = known.acts.clone();
        let papers = Papers {
            organisation: service.app.organisation.as_str(),
            address: format!("{}/consignments/{bare}", service.app.identity.public_url),
            consignment: &known.consignment,
            from: known.from.clone(),
            to: known.to.clone(),
            lines: &known.lines,
            things: known.things.clone(),
            as_of: known.as_of,
            sealed,
            released,
            received,
        };
        let bytes = draw(&mut db, &mut names, &known, &papers)?;
        Ok((known.consignment.reference.to_string(), bytes))
    })
    .await?;
    Ok(file(&format!("{name}-{}.pdf", plain(&reference)), "application/pdf", bytes))
}

/// A file that the browser shows, and saves under this name.
pub(super) fn file(name: &str, kind: &str, bytes: Vec<u8>) -> HttpResponse {
    let disposition = if kind == "application/pdf" { "inline" } else { "attachment" };
    HttpResponse::Ok().content_type(kind).insert_header((CONTENT_DISPOSITION, format!("{disposition}; filename=\"{name}\""))).body(bytes)
}

/// A text as it can stand in the name of a file anywhere.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' }).collect()
}

fn drawn(result: std::result::Result<Vec<u8>, crate::documents::NotDrawable>) -> Result<Vec<u8>> {
    result.map_err(|e| Error::fault("drawing a paper", e))
}

/// `GET /consignments/{id}/manifest.pdf`: what left, or a draft of what will.
pub async fn manifest(viewer: Viewer, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    paper(viewer, state, id, "manifest", |_, _, known, papers| drawn(manifest_pdf::render(papers, known.frozen.as_deref()))).await
}

/// `GET /consignments/{id}/pick-list.pdf`: what is to be fetched, by place.
pub async fn pick_list(viewer: Viewer, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    paper(viewer, state, id, "pick-list", |_, _, _, papers| drawn(pick_list_pdf::render(papers))).await
}

fn require_receipt(consignment: &Consignment) -> Result<()> {
    if consignment.receipts.is_empty() {
        return Err(Error::Unknown(format!("Nobody has received {} yet; there is no paper of it.", consignment.reference)));
    }
    Ok(())
}

/// `GET /consignments/{id}/receipt.pdf`: what the receiver stated.
pub async fn receipt(viewer: Viewer, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    paper(viewer, state, id, "receipt", |db, names, known, papers| {
        let consignment = &known.consignment;
        require_receipt(consignment)?;
        let all = discrepancies(db, &consignment.id)?;
        let differences = differences(db, names, &known.lines, &all)?;
        let mut statements = Vec::new();
        for receipt in &consignment.receipts {
            let how = Some(how(receipt)).filter(|how| !how.is_empty()).unwrap_or_else(|| "signed in".to_owned());
            statements.push(Statement { receipt, stated: stated(db, names, &receipt.act)?, how });
        }
        drawn(receipt_pdf::render(papers, &statements, &differences))
    })
    .await
}

/// `GET /consignments/{id}/reconciliation.pdf`: released against received, with the variances.
pub async fn reconciliation(viewer: Viewer, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    paper(viewer, state, id, "reconciliation", |db, names, known, papers| {
        require_receipt(&known.consignment)?;
        let all = discrepancies(db, &known.consignment.id)?;
        let differences = differences(db, names, &known.lines, &all)?;
        drawn(reconciliation_pdf::render(papers, &differences))
    })
    .await
}
