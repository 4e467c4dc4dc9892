//! The first page: what is wrong and whose move it is, what waits, what this month came to; and the search field that is on every page.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{Datelike as _, Months};
use serde::Deserialize;

use super::assets::bare;
use super::exceptions::{self, Row};
use super::ledger::Names;
use super::page::{self, Page, When, thousands};
use super::problem::Problem;
use super::session::Viewer;
use super::{Data, block, request, setup};
use crate::app::now;
use crate::domain::asset::{Asset, Label};
use crate::domain::certification::Certificate;
use crate::domain::exceptions::ExceptionStatus;
use crate::domain::names::{Instant, Role, Sought};
use crate::error::{Error, Result};
use crate::operations::publish_checkpoint;
use crate::reports::mass_balance::Sums;
use crate::reports::{Question, Ratio};
use crate::store::search::{self, Search};
use crate::store::{Database, inventory, log, mass, tables, watchlist};

/// Exceptions on the first page.
const SHOWN: i64 = 8;
/// Months of the small chart.
const MONTHS: u32 = 6;
/// Height of the chart's area, in its own units.
const HEIGHT: i64 = 60;

/// The queues of the organisation: a label, and what is to be done with devices that have it.
const OWN: &[(Label, &str)] = &[
    (Label::Retired, "to evaluate"),
    (Label::Evaluated, "to authorise"),
    (Label::SurplusAuthorized, "ready to stage"),
    (Label::Staged, "on a consignment"),
    (Label::Released, "in transit"),
    (Label::Discrepancy, "to reconcile"),
    (Label::Received, "to sanitize"),
    (Label::Sanitizing, "to verify or accept"),
    (Label::SanitizationFailed, "to sanitize again"),
    (Label::Sanitized, "to grade or settle"),
    (Label::Missing, "missing"),
    (Label::Quarantined, "in quarantine"),
];

/// The same for a vendor.
const VENDOR: &[(Label, &str)] = &[
    (Label::Released, "to receive"),
    (Label::Received, "to sanitize"),
    (Label::SanitizationFailed, "to sanitize again"),
    (Label::Sanitizing, "to verify"),
    (Label::Sanitized, "to grade or settle"),
    (Label::Graded, "to settle"),
    (Label::Discrepancy, "in dispute"),
];

/// A queue: how many, what to do, where they are listed.
struct Queue {
    label: &'static str,
    words: &'static str,
    count: String,
    empty: bool,
}

/// A month of the chart: its two columns from the top, in the units of the chart.
struct Month {
    words: String,
    x: i64,
    gone: (i64, i64),
    reused: (i64, i64),
    devices: String,
    share: String,
}

#[derive(Template)]
#[template(path = "dashboard/show.html")]
struct DashboardPage {
    page: Page,
    vendor: bool,
    reports_first: bool,
    rows: Vec<Row>,
    open: String,
    looked: When,
    queues: Vec<Queue>,
    devices: String,
    share: String,
    months: Vec<Month>,
    month: String,
    entries: String,
    signed: String,
    last: Option<When>,
}

fn queues(db: &mut Database, party: Option<&str>) -> Result<Vec<Queue>> {
    let counts: BTreeMap<String, i64> = inventory::labels(db, party)?.into_iter().collect();
    let listed = if party.is_some() { VENDOR } else { OWN };
    let queue = |(label, words): &(Label, &'static str)| {
        let count = counts.get(label.as_str()).copied().unwrap_or(0);
        Queue { label: label.as_str(), words, count: thousands(count), empty: count == 0 }
    };
    Ok(listed.iter().map(queue).collect())
}

fn share(sums: &Sums) -> String {
    Ratio::of(sums.reuse, sums.buckets()).map_or_else(|| "–".to_owned(), |ratio| format!("{} %", ratio.percent(0)))
}

/// The last months, oldest first: what became of devices, and how much of it was used again.
fn months(db: &mut Database, party: Option<&str>) -> Result<Vec<(String, Sums)>> {
    let today = now().utc().date_naive();
    let first = |back: u32| today.with_day(1).and_then(|day| day.checked_sub_months(Months::new(back))).unwrap_or(today);
    let of = |back: u32| first(back).format("%Y-%m").to_string();
    let question = Question { from: of(MONTHS - 1), to: of(0), site: None, vendor: party.map(ToOwned::to_owned) };
    let mut sums: BTreeMap<String, Sums> = BTreeMap::new();
    for row in mass::rows(db, &question)? {
        *sums.entry(row.place.month.clone()).or_default() += row.sums;
    }
    let month = |back: u32| (first(back).format("%b").to_string(), sums.remove(&of(back)).unwrap_or_default());
    Ok((0..MONTHS).rev().map(month).collect())
}

fn drawn(months: &[(String, Sums)]) -> Vec<Month> {
    let most = months.iter().map(|(_, sums)| sums.devices).max().unwrap_or(0).max(1);
    let column = |(n, (words, sums)): (usize, &(String, Sums))| {
        let height = |devices: i64| devices.max(0) * HEIGHT / most;
        let all = height(sums.devices);
        // By mass: the share of a device that is used again.
        let reused =
            if sums.buckets() > 0 { i64::try_from(i128::from(all) * i128::from(sums.reuse) / i128::from(sums.buckets())).unwrap_or(0) } else { 0 };
        Month {
            words: words.clone(),
            x: i64::try_from(n).unwrap_or(0) * 40 + 6,
            gone: (HEIGHT - all, all - reused),
            reused: (HEIGHT - reused, reused),
            devices: thousands(sums.devices),
            share: share(sums),
        }
    };
    months.iter().enumerate().map(column).collect()
}

/// `GET /`
pub async fn show(state: Data, viewer: std::result::Result<Viewer, Problem>) -> std::result::Result<HttpResponse, Problem> {
    let viewer = match viewer {
        Ok(viewer) => viewer,
        Err(problem) if problem.status == 401 => {
            let there = if setup::is_open(&state).await? { "/setup" } else { "/sign-in" };
            return Ok(page::redirect(&state, there));
        }
        Err(problem) => return Err(problem),
    };
    // Queues and exceptions are not kept by site: a school contact begins with the devices of the own one.
    if viewer.site().is_some() {
        return Ok(page::redirect(&state, "/assets"));
    }
    let page = Page::new(&state, "Dashboard", Some(&viewer));
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        let db = &mut *db;
        let party = viewer.narrowed_to();
        let found = watchlist::list(db, party.as_deref(), ExceptionStatus::Open.as_str(), None, None, SHOWN)?;
        let found: Vec<_> = found.into_iter().map(|(_, exception)| exception).collect();
        let open: i64 = watchlist::counts(db, party.as_deref())?
            .iter()
            .filter(|row| row.status == ExceptionStatus::Open.as_str())
            .map(|row| row.exceptions)
            .sum();
        let months = months(db, party.as_deref())?;
        let head = log::head(db)?.unwrap_or_else(log::empty_head);
        let signed = publish_checkpoint::newest_shown(&service.app, db)?.map_or(0, |checkpoint| checkpoint.size);
        let this_month = months.last().map(|(_, sums)| *sums).unwrap_or_default();
        Ok(DashboardPage {
            page,
            vendor: party.is_some(),
            reports_first: viewer.actor.role == Role::Reports,
            rows: exceptions::rows(db, &mut Names::new(&service.app), &found)?,
            open: thousands(open),
            looked: now().into(),
            queues: queues(db, party.as_deref())?,
            devices: thousands(this_month.devices),
            share: share(&this_month),
            months: drawn(&months),
            month: now().utc().format("%B %Y").to_string(),
            entries: thousands(i64::try_from(head.frontier.size()).unwrap_or(i64::MAX)),
            signed: thousands(signed),
            last: Instant::from_unix_ms(head.last_time).map(When::from),
        })
    })
    .await?;
    page::render(&drawn)
}

/// What is looked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    #[serde(default)]
    q: String,
}

/// The page of what was typed, where it is the whole name of something.
fn named(db: &mut Database, viewer: &Viewer, q: &str) -> Result<Option<String>> {
    let entry = q.strip_prefix('#').or_else(|| q.strip_prefix("entry ")).map(str::trim);
    if let Some(seq) = entry.and_then(|number| number.replace(',', "").parse::<u64>().ok()) {
        return Ok(Some(format!("/ledger/entries/{seq}")));
    }
    if let Ok(number) = request::certificate_number(q)
        && tables::find::<Certificate>(db, &number)?.is_some()
    {
        return Ok(Some(format!("/certificates/{number}")));
    }
    let party = viewer.narrowed_to();
    if let Some(row) = inventory::consignment_called(db, q)?
        && party.as_ref().is_none_or(|own| [&row.from_party, &row.to_party].contains(&own))
    {
        return Ok(Some(format!("/consignments/{}", bare(&row.id))));
    }
    let sought = Sought::parse(q)?;
    // What is searched is not kept by site: the list finds what begins so.
    if viewer.site().is_some() {
        return Ok(None);
    }
    let found = search::search(db, &Search { sought: sought.clone(), party, label: None, after: None, limit: 2 })?;
    for row in &found.rows {
        let asset: Asset = row.record()?;
        let same =
            asset.tag.normal() == sought.tag || asset.serial.is_some_and(|serial| !sought.serial.is_empty() && serial.normal() == sought.serial);
        if same {
            return Ok(Some(format!("/assets/{}", bare(&row.id))));
        }
    }
    let is_digest = q.len() >= 8 && q.len() <= 64 && q.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok((found.rows.is_empty() && is_digest).then(|| format!("/ledger?hash={}", q.to_ascii_lowercase())))
}

/// `GET /search?q=`: goes to what has this name, else to the devices that are found.
pub async fn search(viewer: Viewer, state: Data, wanted: web::Query<Wanted>) -> std::result::Result<HttpResponse, Problem> {
    let Some(q) = request::text("q", Some(&wanted.q))? else { return Ok(page::redirect(&state, "/assets")) };
    let looked = q.clone();
    let there = block(&state, move |service| match named(&mut *service.app.read()?, &viewer, &looked) {
        Err(Error::Refused(_)) => Ok(None),
        found => found,
    })
    .await?;
    Ok(page::redirect(&state, &there.unwrap_or_else(|| format!("/assets?q={}", page::encoded(&q)))))
}
