//! What the claims of a report come to, beside what the record knows of the media: their types and sizes, and when whoever reports had them.

use std::collections::BTreeMap;

use super::match_readings;
use crate::app::now;
use crate::domain::Actor;
use crate::domain::asset::Asset;
use crate::domain::evidence::Evidence;
use crate::domain::medium::Medium;
use crate::domain::names::{Digest, Instant, MediumId, PartyId};
use crate::error::Result;
use crate::evidence::lint::{self, Context, Expected, Finding};
use crate::evidence::reading::{MediumReading, Reading};
use crate::store::{Database, evidence_lists, tables};

/// What the record knows of the medium that one record of a report is about.
struct Known {
    medium: Medium,
    host: Option<Asset>,
}

/// Files that a report is compared with, because they speak of the same media.
const COMPARED: usize = 8;

/// Every finding about a report, also where it contradicts what other files say of the same media. `media` are those that its records are about, in
/// their order, as far as whoever hands it in may know them.
pub fn findings(db: &mut Database, actor: &Actor, (sha256, read): (&Digest, &Reading), media: &[Option<MediumId>]) -> Result<Vec<Finding>> {
    let mut known = Vec::with_capacity(media.len());
    for medium in media {
        known.push(match medium {
            Some(medium) => known_of(db, medium)?,
            None => None,
        });
    }
    let context = |record: &MediumReading| {
        let place = read.records.iter().position(|other| std::ptr::eq(other, record));
        let known = place.and_then(|place| known.get(place)).and_then(Option::as_ref);
        Context { now: Some(now()), custody: known.and_then(|known| custody(known, actor)), expected: known.map(expected) }
    };
    let others = others(db, actor, sha256, media)?;
    // It comes last: what contradicts is said of the later file.
    let mut files: Vec<(&str, &Reading)> = others.iter().map(|(name, reading)| (name.as_str(), reading)).collect();
    files.push(("", read));
    Ok(lint::lint(&files, context).into_iter().filter(|finding| finding.file.is_empty()).collect())
}

/// What was read from other files that speak of these media, each under the beginning of its SHA-256.
fn others(db: &mut Database, actor: &Actor, sha256: &Digest, media: &[Option<MediumId>]) -> Result<Vec<(String, Reading)>> {
    let mut found: BTreeMap<String, Reading> = BTreeMap::new();
    for medium in media.iter().flatten() {
        for other in evidence_lists::about(db, medium.as_str(), COMPARED)? {
            if found.len() >= COMPARED {
                break;
            }
            if other == sha256.as_str() || found.contains_key(&other) {
                continue;
            }
            // A finding names the other file: only to those who may know of it.
            if !tables::find::<Evidence>(db, &Digest::parse(&other)?)?.is_some_and(|evidence| actor.sees_evidence(&evidence)) {
                continue;
            }
            if let Some(reading) = match_readings::kept(db, &other)? {
                found.insert(other, reading);
            }
        }
    }
    Ok(found.into_iter().map(|(other, reading)| (other.chars().take(12).collect(), reading)).collect())
}

fn known_of(db: &mut Database, id: &MediumId) -> Result<Option<Known>> {
    let Some(medium) = tables::find::<Medium>(db, id)? else { return Ok(None) };
    let host = match &medium.host {
        Some(host) => tables::find::<Asset>(db, host)?,
        None => None,
    };
    Ok(Some(Known { medium, host }))
}

/// The model of a medium is not recorded: the device has one.
fn expected(known: &Known) -> Expected<'_> {
    Expected { media_type: known.medium.media_type, capacity_bytes: known.medium.capacity_bytes, model: None }
}

/// When the medium was at whoever reports. What the organisation hands in for others is theirs who received the medium from it last.
fn custody(known: &Known, actor: &Actor) -> Option<(Instant, Option<Instant>)> {
    let host = known.host.as_ref();
    let party: PartyId = if actor.role.is_vendor() {
        actor.party.clone()
    } else {
        let travels = host.map_or(&known.medium.handoffs, |host| &host.handoffs);
        let others = travels.iter().rev().find(|travel| travel.received.is_some() && travel.to.party != travel.from.party);
        others.map(|travel| travel.to.party.clone()).filter(|party| party != &actor.party)?
    };
    known.medium.at_party(host, &party)
}
