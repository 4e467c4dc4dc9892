//! What waits for the organisation to accept it: what failed first, then what something is known against, then the rest, to be accepted many at once.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use askama::Template;

use super::actions;
use super::assets::bare;
use super::ledger::Names;
use super::page::{self, Page};
use super::problem::Problem;
use super::session::Viewer;
use super::{Data, block};
use crate::app::{App, now};
use crate::domain::asset::{Asset, Label};
use crate::domain::evidence::Evidence;
use crate::domain::medium::{Medium, Sanitization};
use crate::domain::names::{MediumId, Role};
use crate::domain::sampling;
use crate::error::Result;
use crate::proof::digest::sha256;
use crate::store::inventory::{self, AssetQuery};
use crate::store::tables::{self, AssetRow, MediumRow};
use crate::store::{Database, watchlist};

/// Devices of one state that are looked at: what is beyond them is shown once these are settled.
const MOST: i64 = 100;
/// Media of one month that are looked at for sampling.
const MOST_SAMPLED: i64 = 10_000;

/// A device that waits.
struct Row {
    id: String,
    tag: String,
    title: String,
    /// What was done to its media.
    done: Vec<String>,
    /// What is known against that.
    against: Vec<String>,
}

#[derive(Template)]
#[template(path = "validations/index.html")]
struct IndexPage {
    page: Page,
    failed: Vec<Row>,
    doubtful: Vec<Row>,
    rest: Vec<Row>,
    /// Whether the viewer may accept them.
    accepts: bool,
    month: String,
    samples: Vec<Sampling>,
    /// There are more than were looked at.
    more: bool,
}

/// What of one party's work is sampled.
struct Sampling {
    party: String,
    sampled: usize,
    of: usize,
    /// What is to be sampled next: device and medium.
    next: Vec<(String, String)>,
}

/// How much of what software sanitized and somebody verified in a month is sampled, party by party; and what is proposed for it.
fn samples(db: &mut Database, app: &App, month: &str) -> Result<Vec<Sampling>> {
    let mut names = Names::new(app);
    let mut by_party: BTreeMap<String, Vec<Medium>> = BTreeMap::new();
    for medium in inventory::verified_in(db, month, MOST_SAMPLED)?.iter().map(MediumRow::record) {
        let medium = medium?;
        let done = medium.sanitization.as_ref().filter(|done| done.technique.is_logical());
        let in_month = |done: &&Sanitization| done.verified.as_ref().is_some_and(|verified| verified.occurred.text().starts_with(month));
        if let Some(party) = done.filter(in_month).map(|done| done.performed.party.to_string()) {
            by_party.entry(party).or_default().push(medium);
        }
    }
    let mut samples = Vec::new();
    for (party, media) in by_party {
        let ids: Vec<MediumId> = media.iter().map(|medium| medium.id.clone()).collect();
        let proposed = sampling::proposed(sha256, &app.identity.origin, month, &ids);
        let is_sampled = |medium: &&Medium| medium.sanitization.as_ref().is_some_and(|done| done.sampled.is_some());
        let waits = |medium: &&Medium| proposed.contains(&medium.id) && !is_sampled(medium);
        let host = |medium: &Medium| medium.host.as_ref().map(|host| bare(host.as_str()).to_owned()).unwrap_or_default();
        samples.push(Sampling {
            party: names.party(db, &party)?,
            sampled: media.iter().filter(is_sampled).count(),
            of: proposed.len(),
            next: media.iter().filter(waits).map(|medium| (host(medium), medium.title())).collect(),
        });
    }
    Ok(samples)
}

/// Devices with this label, in the order of their tags.
fn labelled(db: &mut Database, label: Label) -> Result<Vec<(Asset, Vec<Medium>)>> {
    let query = AssetQuery { label: Some(label.as_str().to_owned()), limit: MOST, ..AssetQuery::default() };
    let mut found = Vec::new();
    for row in inventory::assets(db, &query)?.iter().map(AssetRow::record) {
        let asset = row?;
        let media = inventory::media_of(db, asset.id.as_str())?.iter().map(MediumRow::record).collect::<Result<Vec<_>>>()?;
        found.push((asset, media));
    }
    Ok(found)
}

fn row(asset: &Asset, done: Vec<String>, against: Vec<String>) -> Row {
    Row { id: bare(asset.id.as_str()).to_owned(), tag: asset.tag.to_string(), title: asset.title(), done, against }
}

/// What was done to a medium that waits, and what its report leaves open.
fn waiting(db: &mut Database, asset: &Asset, medium: &Medium) -> Result<Option<(String, Vec<String>)>> {
    let waits = medium.sanitization.as_ref().filter(|done| done.verified.is_some() && done.validated.is_none());
    let Some(done) = waits else { return Ok(None) };
    let words = format!("{}: {} by {}", medium.title(), done.method.label(), done.technique.label());
    let evidence = match &done.evidence {
        Some(digest) => tables::find::<Evidence>(db, digest)?,
        None => None,
    };
    let findings = evidence.as_ref().and_then(|file| file.link_of(medium, Some(asset))).map(|link| link.findings.as_slice()).unwrap_or_default();
    let mut against: Vec<String> = findings.iter().map(|finding| finding.what.clone()).collect();
    if !medium.failed.is_empty() {
        against.push(format!("{}: an earlier attempt failed.", medium.title()));
    }
    Ok(Some((words, against)))
}

/// `GET /validations`
pub async fn index(viewer: Viewer, state: Data) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(&[Role::Coordinator, Role::Approver])?;
    let page = Page::new(&state, "Sanitizations to accept", Some(&viewer));
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        let failures = labelled(&mut db, Label::SanitizationFailed)?;
        let sanitized = labelled(&mut db, Label::Sanitizing)?;
        let full = |found: &[_]| i64::try_from(found.len()).unwrap_or(MOST) == MOST;
        let more = full(&failures) || full(&sanitized);
        let failed = failures.iter().map(|(asset, media)| {
            let failed =
                media.iter().flat_map(|medium| medium.failed.iter().map(|attempt| format!("{}: {}", medium.title(), attempt.technique.label())));
            row(asset, failed.collect(), Vec::new())
        });
        let failed = failed.collect();
        let (mut doubtful, mut rest) = (Vec::new(), Vec::new());
        for (asset, media) in &sanitized {
            let (mut done, mut against) = (Vec::new(), Vec::new());
            for medium in media {
                if let Some((words, doubts)) = waiting(&mut db, asset, medium)? {
                    done.push(words);
                    against.extend(doubts);
                }
            }
            if done.is_empty() {
                continue;
            }
            if watchlist::is_open_about(&mut db, asset.id.as_str())? {
                against.push("An exception about it is open.".to_owned());
            }
            let group = if against.is_empty() { &mut rest } else { &mut doubtful };
            group.push(row(asset, done, against));
        }
        let month = now().text().chars().take(7).collect::<String>();
        let samples = samples(&mut db, &service.app, &month)?;
        let accepts = actions::role_may(&viewer, "validate_sanitization");
        Ok(IndexPage { page, failed, doubtful, rest, accepts, month, samples, more })
    })
    .await?;
    page::render(&drawn)
}
