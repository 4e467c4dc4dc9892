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
use crate::domain::medium::Medium;
use crate::domain::names::{AssetId, MediumId, Role};
use crate::domain::sampling;
use crate::error::Result;
use crate::proof::digest::sha256;
use crate::store::inventory::{self, AssetQuery};
use crate::store::tables::{self, AssetRow, MediumRow};
use crate::store::{Database, media_lists, watchlist};

/// Failed devices, and media that wait, which are looked at: what is beyond them is shown once these are settled.
const MOST: i64 = 200;
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
    for medium in media_lists::list(db, &media_lists::verified_in(month), MOST_SAMPLED)?.iter().map(MediumRow::record) {
        let medium = medium?;
        let by_software = medium.sanitization.as_ref().filter(|done| done.technique.is_logical());
        if let Some(party) = by_software.map(|done| done.performed.party.to_string()) {
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

/// Devices whose sanitization failed, in the order of their tags, with their media.
fn failures(db: &mut Database) -> Result<Vec<(Asset, Vec<Medium>)>> {
    let query = AssetQuery { label: Some(Label::SanitizationFailed.as_str().to_owned()), limit: MOST, ..AssetQuery::default() };
    let mut found = Vec::new();
    for row in inventory::assets(db, &query)?.iter().map(AssetRow::record) {
        let asset = row?;
        let media = inventory::media_of(db, asset.id.as_str())?.iter().map(MediumRow::record).collect::<Result<Vec<_>>>()?;
        found.push((asset, media));
    }
    Ok(found)
}

/// Media that wait to be accepted, with the devices that they are in, in the order of their tags; what is in no device comes last.
fn waiting_media(db: &mut Database) -> Result<Vec<(Option<Asset>, Vec<Medium>)>> {
    let mut by_host: BTreeMap<Option<AssetId>, Vec<Medium>> = BTreeMap::new();
    for medium in media_lists::list(db, media_lists::WAITING, MOST)?.iter().map(MediumRow::record) {
        let medium = medium?;
        by_host.entry(medium.host.clone()).or_default().push(medium);
    }
    let mut found = Vec::with_capacity(by_host.len());
    for (host, media) in by_host {
        let host = match host {
            Some(host) => tables::find::<Asset>(db, &host)?,
            None => None,
        };
        found.push((host, media));
    }
    found.sort_by_key(|(host, _)| host.as_ref().map_or((true, String::new()), |host| (false, host.tag.to_string())));
    Ok(found)
}

fn row(asset: Option<&Asset>, done: Vec<String>, against: Vec<String>) -> Row {
    match asset {
        Some(asset) => Row { id: bare(asset.id.as_str()).to_owned(), tag: asset.tag.to_string(), title: asset.title(), done, against },
        None => Row { id: String::new(), tag: "in no device".to_owned(), title: String::new(), done, against },
    }
}

/// What was done to a medium that waits, and what its report leaves open.
fn waiting(db: &mut Database, asset: Option<&Asset>, medium: &Medium) -> Result<Option<(String, Vec<String>)>> {
    let waits = medium.sanitization.as_ref().filter(|done| done.verified.is_some() && done.validated.is_none());
    let Some(done) = waits else { return Ok(None) };
    let words = format!("{}: {} by {}", medium.title(), done.method.label(), done.technique.label());
    let evidence = match &done.evidence {
        Some(digest) => tables::find::<Evidence>(db, digest)?,
        None => None,
    };
    let findings = evidence.as_ref().and_then(|file| file.link_of(medium, asset)).map(|link| link.findings.as_slice()).unwrap_or_default();
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
        let failures = failures(&mut db)?;
        let waiting_media = waiting_media(&mut db)?;
        let full = |found: usize| i64::try_from(found).unwrap_or(MOST) >= MOST;
        let more = full(failures.len()) || full(waiting_media.iter().map(|(_, media)| media.len()).sum());
        let failed = failures.iter().map(|(asset, media)| {
            let failed =
                media.iter().flat_map(|medium| medium.failed.iter().map(|attempt| format!("{}: {}", medium.title(), attempt.technique.label())));
            row(Some(asset), failed.collect(), Vec::new())
        });
        let failed = failed.collect();
        let (mut doubtful, mut rest) = (Vec::new(), Vec::new());
        for (asset, media) in &waiting_media {
            let asset = asset.as_ref();
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
            if let Some(asset) = asset
                && watchlist::is_open_about(&mut db, asset.id.as_str())?
            {
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
