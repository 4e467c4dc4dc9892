//! Takes in what device management, the network and counts have seen: what needs an explanation becomes an entry, the rest a row outside the log.

use std::sync::Arc;

use super::Service;
use super::once::{Once, Outcome};
use super::record::{Beside, Receipt, Terms};
use crate::app::now;
use crate::domain::asset::Asset;
use crate::domain::consignment::Scan;
use crate::domain::counting::{self, RecordCount};
use crate::domain::names::{AssetId, Instant, Name, Reference};
use crate::domain::observation::{SeeDevice, SightingSource, needs_explanation};
use crate::domain::refusal::Refusal;
use crate::domain::{AHEAD_MS, Actor, Command};
use crate::error::{Error, Result};
use crate::store::idempotency::RequestKey;
use crate::store::inventory::{self, Filter};
use crate::store::last_seen::{self, LastSeen};
use crate::store::{Database, tables};

/// Most sightings of one request.
pub const MOST: usize = 10_000;
/// Rows that are written, and commands that are given, at once.
const CHUNK: usize = 256;
/// Sightings that a report describes one by one; all are counted.
const DESCRIBED: usize = 1_000;

/// A device was seen, by tag or serial number.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Its tag, its serial number, or both.
    pub scan: Scan,
    /// When.
    pub at: Instant,
    /// Where, if that is known.
    pub site: Option<Name>,
}

/// What one source has seen.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sightings {
    /// Who saw it.
    pub source: SightingSource,
    /// What was seen.
    pub sightings: Vec<Seen>,
}

/// What sightings came to.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Report {
    /// Devices in use: remembered outside the log.
    pub remembered: usize,
    /// Retired, disposed or missing devices: entries that need an explanation.
    pub entries: usize,
    /// The same, said within a day before.
    pub repeated: usize,
    /// What belongs to no device.
    pub unknown: usize,
    /// The first of those.
    pub unknown_scans: Vec<Scan>,
}

/// The device that a scan names: by tag, else by serial number.
fn named(db: &mut Database, scan: &Scan) -> Result<Option<Asset>> {
    let keys = scan.tag.as_ref().map(Asset::tag_key).into_iter().chain(scan.serial.as_ref().map(Asset::serial_key));
    for key in keys {
        if let Some(owner) = tables::owner(db, &key)? {
            return tables::find::<Asset>(db, &AssetId::parse(&owner)?);
        }
    }
    Ok(None)
}

/// Takes sightings in. Doing it again changes nothing.
pub fn take(service: &Service, actor: &Actor, asked: &Sightings) -> Result<Report> {
    if asked.sightings.is_empty() || asked.sightings.len() > MOST {
        return Err(Refusal::new("observation.count", format!("Send between 1 and {MOST} sightings at a time; split them.")).into());
    }
    if asked.sightings.iter().any(|seen| seen.scan.tag.is_none() && seen.scan.serial.is_none()) {
        return Err(Refusal::new("observation.empty_scan", "A scan has neither tag nor serial number; send one of them.").into());
    }
    let latest = now().unix_ms() + AHEAD_MS;
    if let Some(seen) = asked.sightings.iter().find(|seen| seen.at.unix_ms() > latest) {
        return Err(
            Refusal::new("command.future", format!("Nothing can have been seen at {}, which is still to come; correct the time.", seen.at)).into()
        );
    }
    let mut report = Report::default();
    let (mut rows, mut commands) = (Vec::new(), Vec::new());
    {
        let mut db = service.app.read()?;
        for seen in &asked.sightings {
            match named(&mut db, &seen.scan)? {
                None => {
                    report.unknown += 1;
                    if report.unknown_scans.len() < DESCRIBED {
                        report.unknown_scans.push(seen.scan.clone());
                    }
                }
                Some(asset) if needs_explanation(asset.status) => {
                    let command = SeeDevice { asset: asset.id, source: asked.source, site: seen.site.clone() };
                    commands.push((Command::from(command), Some(seen.at)));
                }
                Some(asset) => rows.push(LastSeen {
                    asset: asset.id.to_string(),
                    at: seen.at.unix_ms(),
                    source: asked.source.as_str().to_owned(),
                    site: seen.site.as_ref().map(ToString::to_string),
                }),
            }
        }
    }
    report.remembered = rows.len();
    for rows in rows.chunks(CHUNK) {
        let rows = rows.to_vec();
        service.recorder.write_waiting(move |db| last_seen::keep(db, &rows))?;
    }
    for commands in commands.chunks(CHUNK) {
        for answer in service.recorder.record_many(commands.to_vec(), actor) {
            match answer {
                Ok(receipt) if receipt.entries.is_empty() => report.repeated += 1,
                Ok(_) => report.entries += 1,
                // Taken into use again since it was looked up.
                Err(Error::Refused(refusal)) if refusal.code == "observation.in_use" => report.repeated += 1,
                Err(other) => return Err(other),
            }
        }
    }
    Ok(report)
}

/// A finished count.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// The site.
    pub site: Name,
    /// The room or shelf, where only a part of the site was counted.
    pub room: Option<Reference>,
    /// Everything that was scanned.
    pub scans: Vec<Scan>,
}

/// Records a count: looks up what is expected at the site and which devices were scanned.
pub fn count(service: &Service, actor: &Actor, asked: &Count, key: Option<&RequestKey>) -> Result<Outcome<Receipt>> {
    if asked.scans.len() > counting::MOST {
        return Err(Refusal::new("counting.too_large", format!("A count holds at most {} scans; count room by room.", counting::MOST)).into());
    }
    if asked.scans.iter().any(|scan| scan.tag.is_none() && scan.serial.is_none()) {
        return Err(Refusal::new("counting.empty_scan", "A scan has neither tag nor serial number; scan it again.").into());
    }
    let at = now();
    let (mut expected, mut scanned, mut unknown, mut seen) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    {
        let mut db = service.app.read()?;
        let here = Filter { site: Some(asked.site.to_string()), holder: Some(actor.party.to_string()), ..Filter::default() };
        let most = i64::try_from(counting::MOST).unwrap_or(i64::MAX) + 1;
        for id in inventory::selected(&mut db, None, &here, most)? {
            let id = AssetId::parse(&id)?;
            if tables::find::<Asset>(&mut db, &id)?.is_some_and(|asset| counting::expects(&asset, &actor.party, &asked.site)) {
                expected.push(id);
            }
        }
        for scan in &asked.scans {
            let Some(asset) = named(&mut db, scan)? else {
                unknown.push(scan.clone());
                continue;
            };
            if scanned.contains(&asset.id) {
                continue;
            }
            if !needs_explanation(asset.status) {
                let (source, site) = (SightingSource::Count.as_str().to_owned(), Some(asked.site.to_string()));
                seen.push(LastSeen { asset: asset.id.to_string(), at: at.unix_ms(), source, site });
            }
            scanned.push(asset.id);
        }
    }
    let beside: Beside = Arc::new(move |db, _| last_seen::keep(db, &seen));
    let command = RecordCount { site: asked.site.clone(), room: asked.room.clone(), expected, scanned, unknown };
    let terms = Terms { beside: Some(beside), once: Once::created(key, |receipt| Ok(receipt.clone())), ..Terms::default() };
    service.recorder.record_once(command, actor, terms)
}
