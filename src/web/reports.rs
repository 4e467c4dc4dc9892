//! Reports: a page with a picture and its tables, the same as JSON, and each table as CSV.

use std::collections::BTreeMap;

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::Datelike as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::page::{self, Page};
use super::problem::Problem;
use super::request;
use super::session::Viewer;
use super::{Data, block};
use crate::app::now;
use crate::documents::csv_file::{self, Field};
use crate::domain::names::PartyId;
use crate::domain::parties::Party;
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};
use crate::reports::{self, Cell, Document, Names, Question, REPORTS, Report, Table};
use crate::store::tables::PartyRow;
use crate::store::{Database, inventory, log, mass, tables};

/// What a report is asked for: months, a school, a vendor; and for CSV, which table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    from: Option<String>,
    to: Option<String>,
    site: Option<String>,
    vendor: Option<String>,
    table: Option<String>,
}

impl Asked {
    /// From January of this year to this month, where nothing is said; a vendor's people are shown their own company's figures.
    fn question(&self, viewer: &Viewer) -> std::result::Result<Question, Problem> {
        let month = |asked: &Option<String>, otherwise: &str| -> std::result::Result<String, Problem> {
            let month = asked.as_deref().map_or_else(|| now().utc().format(otherwise).to_string(), ToOwned::to_owned);
            if reports::is_month(&month) { Ok(month) } else { Err(Problem::new(422, "reports.month", "from and to are months like 2026-01.")) }
        };
        let (from, to) = (month(&self.from, "%Y-01")?, month(&self.to, "%Y-%m")?);
        if from > to {
            return Err(Problem::new(422, "reports.month", format!("The report ends with {to}, before it begins with {from}; exchange them.")));
        }
        let site = match self.site.as_deref().map(str::trim).filter(|site| !site.is_empty()) {
            Some(site) if site.chars().count() > 120 || site.chars().any(char::is_control) => {
                return Err(Problem::new(422, "request.text", "site is the name of a school as the record writes it, at most 120 characters."));
            }
            site => site.map(ToOwned::to_owned),
        };
        let asked = match self.vendor.as_deref().filter(|vendor| !vendor.is_empty()) {
            Some(vendor) => Some(PartyId::parse(vendor)?.to_string()),
            None => None,
        };
        let vendor = if viewer.actor.role.is_vendor() { viewer.narrowed_to() } else { asked };
        // A school contact is shown the own site's.
        let site = viewer.site().map(str::to_owned).or(site);
        Ok(Question { from, to, site, vendor })
    }
}

fn report(name: &str) -> std::result::Result<&'static Report, Problem> {
    let names: Vec<&str> = REPORTS.iter().map(|report| report.name).collect();
    reports::named(name).ok_or_else(|| Problem::unknown(format!("There is no such report; there is: {}.", names.join(", "))))
}

/// Makes a report of one state of the record; with the number of entries of that state.
fn made(db: &mut Database, report: &Report, question: &Question) -> Result<(Document, u64)> {
    db.snapshot(|db| {
        let rows = mass::rows(db, question)?;
        let mut names = Names::new();
        for row in &rows {
            let vendor = &row.place.vendor;
            if !vendor.is_empty() && !names.contains_key(vendor) {
                let party = tables::find::<Party>(db, &PartyId::parse(vendor)?)?;
                names.insert(vendor.clone(), party.map_or_else(|| vendor.clone(), |party| party.name.to_string()));
            }
        }
        let entries = log::head(db)?.map_or(0, |head| head.frontier.size());
        Ok(((report.make)(question, &rows, &names)?, entries))
    })
}

/// `GET /api/v1/reports`: which there are.
pub async fn api_index(_: Viewer) -> HttpResponse {
    let reports: Vec<Value> = REPORTS
        .iter()
        .map(|report| json!({"name": report.name, "title": report.title, "address": format!("/api/v1/reports/{}", report.name)}))
        .collect();
    HttpResponse::Ok().json(json!({"reports": reports}))
}

/// `GET /api/v1/reports/{name}?from=2026-01&to=2026-12&site=&vendor=`
pub async fn api_show(viewer: Viewer, state: Data, name: web::Path<String>, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    let (report, question) = (report(&name)?, asked.question(&viewer)?);
    let (document, entries) = block(&state, move |service| made(&mut *service.app.read()?, report, &question)).await?;
    Ok(HttpResponse::Ok().json(json!({"report": document, "as_of": {"log": state.service.app.identity.origin, "entries": entries}})))
}

/// `GET /api/v1/reports/{name}.csv?table=T2&…`: one table, its figures exact.
pub async fn api_csv(viewer: Viewer, state: Data, name: web::Path<String>, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    let (report, question) = (report(&name)?, asked.question(&viewer)?);
    let period = format!("{}-to-{}", question.from, question.to);
    let (document, _) = block(&state, move |service| made(&mut *service.app.read()?, report, &question)).await?;
    let wanted = asked.table.as_deref().unwrap_or("T2");
    let ids: Vec<&str> = document.tables.iter().map(|table| table.id).collect();
    let table = document.tables.iter().find(|table| table.id == wanted);
    let table = table.ok_or_else(|| Refusal::new("reports.table", format!("This report has no such table; choose: {}.", ids.join(", "))))?;
    let field = |cell: &Cell| if cell.is_number() { Field::Number(cell.to_string()) } else { Field::Text(cell.to_string()) };
    let head = table.columns.iter().map(|column| Field::Text((*column).to_owned()));
    let text = csv_file::write(head, table.rows.iter().map(|row| row.iter().map(field).collect::<Vec<_>>()));
    let file = format!("attachment; filename=\"{}-{}-{period}.csv\"", report.name, table.id);
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8; header=present"))
        .insert_header((CONTENT_DISPOSITION, file))
        .body(text))
}

/// A cell as people read it.
struct Shown {
    text: String,
    number: bool,
}

/// A table as people read it.
struct TableShown {
    id: &'static str,
    title: &'static str,
    columns: &'static [&'static str],
    /// Its rows, cell by cell.
    rows: Vec<Vec<Shown>>,
    /// Where its CSV is.
    csv: String,
}

/// A piece of the bar, in thousandths of its width.
struct Drawn {
    class: String,
    name: &'static str,
    x: i64,
    width: i64,
    words: String,
}

#[derive(Template)]
#[template(path = "reports/show.html")]
struct ShowPage {
    page: Page,
    name: &'static str,
    title: &'static str,
    from: String,
    to: String,
    site: String,
    vendor: String,
    vendors: Vec<(String, String)>,
    empty: bool,
    bar: Vec<Drawn>,
    in_words: String,
    tables: Vec<TableShown>,
    notes: Vec<&'static str>,
    json: String,
    entries: String,
}

fn shown(cell: &Cell) -> Shown {
    let text = match cell {
        Cell::Text(text) => text.clone(),
        Cell::Count(n) | Cell::Grams(n) => page::thousands(*n),
        Cell::Rate(Some(ratio)) => ratio.percent(1),
        Cell::Rate(None) => "–".to_owned(),
    };
    Shown { text, number: cell.is_number() }
}

/// The pieces side by side, each from where the one before ends: rounding leaves no gap.
fn drawn(document: &Document) -> Vec<Drawn> {
    let total: i64 = document.bar.iter().map(|piece| piece.grams).sum();
    let mut before = 0;
    let mut pieces = Vec::new();
    for (n, piece) in document.bar.iter().enumerate() {
        let at = |grams: i64| if total > 0 { i64::try_from(i128::from(grams) * 1_000 / i128::from(total)).unwrap_or(0) } else { 0 };
        let (x, end) = (at(before), at(before + piece.grams));
        before += piece.grams;
        let share = reports::Ratio::of(piece.grams, total).map_or_else(|| "–".to_owned(), |ratio| format!("{} %", ratio.percent(1)));
        pieces.push(Drawn {
            class: format!("b{n}"),
            name: piece.name,
            x,
            width: end - x,
            words: format!("{} g, {share}", page::thousands(piece.grams)),
        });
    }
    pieces
}

/// The part of an address that asks the same again.
fn query(question: &Question) -> String {
    let mut asked = BTreeMap::from([("from", question.from.as_str()), ("to", question.to.as_str())]);
    asked.extend(question.site.as_deref().map(|site| ("site", site)));
    asked.extend(question.vendor.as_deref().map(|vendor| ("vendor", vendor)));
    let part = |(name, value): (&&str, &&str)| format!("{name}={}", page::encoded(value));
    asked.iter().map(part).collect::<Vec<_>>().join("&")
}

fn tables_shown(document: &Document, csv: &str) -> Vec<TableShown> {
    let show = |table: &Table| TableShown {
        id: table.id,
        title: table.title,
        columns: table.columns,
        rows: table.rows.iter().map(|row| row.iter().map(shown).collect()).collect(),
        csv: format!("{csv}&table={}", table.id),
    };
    document.tables.iter().filter(|table| !table.rows.is_empty()).map(show).collect()
}

#[derive(Template)]
#[template(path = "reports/index.html")]
struct IndexPage {
    page: Page,
    reports: Vec<(&'static str, &'static str)>,
    /// The first and the last month of last year.
    last: (String, String),
}

/// `GET /reports`
pub async fn index(viewer: Viewer, state: Data) -> std::result::Result<HttpResponse, Problem> {
    let year = now().utc().year() - 1;
    let reports = REPORTS.iter().map(|report| (report.name, report.title)).collect();
    page::render(&IndexPage { page: Page::new(&state, "Reports", Some(&viewer)), reports, last: (format!("{year}-01"), format!("{year}-12")) })
}

/// `GET /reports/{name}?from=&to=&site=&vendor=`
pub async fn show(viewer: Viewer, state: Data, name: web::Path<String>, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    let (report, question) = (report(&name)?, asked.question(&viewer)?);
    let page = Page::new(&state, report.title, Some(&viewer));
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        let (document, entries) = made(&mut db, report, &question)?;
        let vendors = if viewer.actor.role.is_narrowed() {
            Vec::new()
        } else {
            let own = service.app.service.party.to_string();
            let rows: Vec<PartyRow> = inventory::parties(&mut db, None, None, request::MOST)?;
            rows.into_iter().filter(|row| row.id != own).map(|row| (row.id, row.name)).collect()
        };
        let again = query(&question);
        let bar = drawn(&document);
        Ok::<_, Error>(ShowPage {
            name: report.name,
            title: report.title,
            empty: document.bar.iter().all(|piece| piece.grams == 0),
            in_words: bar.iter().map(|piece| format!("{}: {}", piece.name, piece.words)).collect::<Vec<_>>().join("; "),
            bar,
            tables: tables_shown(&document, &format!("{}/api/v1/reports/{}.csv?{again}", page.base, report.name)),
            notes: document.notes,
            json: format!("{}/api/v1/reports/{}?{again}", page.base, report.name),
            from: question.from,
            to: question.to,
            site: question.site.unwrap_or_default(),
            vendor: question.vendor.unwrap_or_default(),
            vendors,
            entries: page::thousands(i64::try_from(entries).unwrap_or(i64::MAX)),
            page,
        })
    })
    .await?;
    page::render(&drawn)
}
