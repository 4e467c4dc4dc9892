//! Count sessions: what was expected at a site, what was found there, what was missing and what nobody expected, as one signed act.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Status};
use super::consignment::Scan;
use super::names::{AssetId, Instant, Name, PartyId, Reference, Role};
use super::observation::{DeviceSeen, SightingSource, needs_explanation};
use super::records::{Records, Stop};
use super::refusal::Refusal;
use super::{Event, Fact, Happening, Occasion, Order, SUBJECTS_PER_ENTRY, Stamp, Subject, SubjectKind, Subjects, parties};

/// Most devices that a count expects, and most things that it scans.
pub const MOST: usize = 5_000;
/// Unknown scans of one entry.
const SCANS_PER_ENTRY: usize = 200;

/// What the last count that did not find a device, or found it elsewhere, said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The entry that says so.
    pub seq: u64,
    /// When.
    pub at: Instant,
    /// Where the count was.
    pub site: Name,
    /// Found there without being expected; otherwise expected and not found.
    pub found: bool,
}

/// Records a finished count. Which devices were expected, the service has looked up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordCount {
    /// The site.
    pub site: Name,
    /// The room or shelf, where only a part of the site was counted: then nothing is missing, because nobody knows what belongs there.
    pub room: Option<Reference>,
    /// The devices that the record has at the site.
    pub expected: Vec<AssetId>,
    /// Devices that were scanned.
    pub scanned: Vec<AssetId>,
    /// What was scanned and belongs to no device.
    pub unknown: Vec<Scan>,
}

/// `count.recorded`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountRecorded {
    /// The site.
    pub site: Name,
    /// Whose.
    pub party: PartyId,
    /// The room or shelf.
    pub room: Option<Reference>,
    /// Devices that the record has at the site.
    pub expected: u32,
    /// Of those, found.
    pub found: u32,
    /// Of those, not found.
    pub missing: u32,
    /// Devices that the record has elsewhere.
    pub unexpected: u32,
    /// Things that belong to no device.
    pub unknown: u32,
}

/// `count.found`: these were where they should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountFound {}

/// `count.missing`: these were not found where they should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountMissing {
    /// The site.
    pub site: Name,
}

/// `count.unexpected`: these were found where nobody expected them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountUnexpected {
    /// The site.
    pub site: Name,
}

/// `count.unknown_scanned`: these belong to no device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountUnknown {
    /// As captured.
    pub scans: Vec<Scan>,
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Whether a count at a site expects a device.
pub fn expects(asset: &Asset, party: &PartyId, site: &Name) -> bool {
    &asset.holder.party == party && &asset.holder.site == site && !asset.in_transit && !matches!(asset.status, Status::Disposed | Status::Missing)
}

impl Order for RecordCount {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::SchoolContact];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        occasion.may_act_at(&self.site)?;
        let party = parties::require(known, &occasion.actor.party)?;
        if self.expected.len() > MOST || self.scanned.len() + self.unknown.len() > MOST {
            let why = format!("A count holds at most {MOST} devices; count room by room.");
            return Err(Refusal::new("counting.too_large", why).into());
        }
        if self.scanned.is_empty() && self.unknown.is_empty() && (self.expected.is_empty() || self.room.is_some()) {
            let why =
                format!("Nothing was scanned, and nothing is expected at {} alone; scan what is there, or look at the name of the site.", self.site);
            return Err(Refusal::new("counting.nothing", why).into());
        }
        let devices: Vec<&Asset> = known.find_all::<Asset>(self.expected.iter().chain(&self.scanned))?.into_iter().flatten().collect();
        // What has moved since it was looked up is not missing.
        let expected: BTreeSet<&AssetId> = devices.iter().filter(|asset| expects(asset, &party.id, &self.site)).map(|asset| &asset.id).collect();
        let scanned: BTreeSet<&AssetId> = self.scanned.iter().collect();
        let there: Vec<&&Asset> = devices.iter().filter(|asset| scanned.contains(&asset.id)).collect();
        let found: BTreeSet<&AssetId> = expected.intersection(&scanned).copied().collect();
        let missing: BTreeSet<&AssetId> = if self.room.is_some() { BTreeSet::new() } else { expected.difference(&scanned).copied().collect() };
        let unexpected: BTreeSet<&AssetId> = there.iter().map(|asset| &asset.id).filter(|id| !expected.contains(id)).collect();

        let id = occasion.fresh(0);
        let subject = Subject::new(SubjectKind::Count, &format!("urn:uuid:{}", id.hyphenated()));
        let recorded = CountRecorded {
            site: self.site.clone(),
            party: party.id.clone(),
            room: self.room.clone(),
            expected: count(if self.room.is_some() { found.len() } else { expected.len() }),
            found: count(found.len()),
            missing: count(missing.len()),
            unexpected: count(unexpected.len()),
            unknown: count(self.unknown.len()),
        };
        let mut act = vec![Happening::new(recorded, [subject.clone()])];
        let mut all = |event: Event, ids: &BTreeSet<&AssetId>| {
            let ids: Vec<&&AssetId> = ids.iter().collect();
            for part in ids.chunks(SUBJECTS_PER_ENTRY) {
                let about = part.iter().map(|id| Subject::new(SubjectKind::Asset, id.as_str()));
                act.push(Happening::new(event.clone(), std::iter::once(subject.clone()).chain(about)));
            }
        };
        all(CountFound {}.into(), &found);
        all(CountMissing { site: self.site.clone() }.into(), &missing);
        all(CountUnexpected { site: self.site.clone() }.into(), &unexpected);
        for status in Status::ALL.iter().filter(|status| needs_explanation(**status)) {
            // Retired devices lie in storerooms and are counted there; what is disposed or missing should not be anywhere.
            let seen: BTreeSet<&AssetId> =
                there.iter().filter(|asset| asset.status == *status && !found.contains(&asset.id)).map(|asset| &asset.id).collect();
            all(DeviceSeen { source: SightingSource::Count, site: Some(self.site.clone()), status: *status }.into(), &seen);
        }
        for scans in self.unknown.chunks(SCANS_PER_ENTRY) {
            act.push(Happening::new(CountUnknown { scans: scans.to_vec() }, [subject.clone()]));
        }
        let of = count(act.len());
        for (part, happening) in (1u32..).zip(&mut act) {
            happening.batch = Some((format!("urn:uuid:{}", id.hyphenated()), part, (part == of).then_some(of)));
        }
        Ok(act)
    }
}

impl Fact for CountRecorded {
    fn apply(&self, _about: &Subjects, _stamp: &Stamp, _known: &mut Records) {}
    fn sentence(&self) -> String {
        let room = self.room.as_ref().map(|room| format!(", {room}")).unwrap_or_default();
        format!(
            "Counted at {}{room}: {} expected, {} found, {} missing, {} unexpected, {} that belong to no device.",
            self.site, self.expected, self.found, self.missing, self.unexpected, self.unknown
        )
    }
}

impl Fact for CountFound {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        for id in about.assets() {
            known.change::<Asset>(&id, stamp.seq, |asset| asset.counted = None);
        }
    }
    fn sentence(&self) -> String {
        "Counted where it should be.".to_owned()
    }
}

fn counted(about: &Subjects, stamp: &Stamp, known: &mut Records, site: &Name, found: bool) {
    for id in about.assets() {
        let counted = Counted { seq: stamp.seq, at: stamp.occurred, site: site.clone(), found };
        known.change::<Asset>(&id, stamp.seq, |asset| asset.counted = Some(counted));
    }
}

impl Fact for CountMissing {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        counted(about, stamp, known, &self.site, false);
    }
    fn sentence(&self) -> String {
        format!("Expected at {} and not found in a count.", self.site)
    }
}

impl Fact for CountUnexpected {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        counted(about, stamp, known, &self.site, true);
    }
    fn sentence(&self) -> String {
        format!("Found in a count at {}, where nobody expected it.", self.site)
    }
}

impl Fact for CountUnknown {
    fn apply(&self, _about: &Subjects, _stamp: &Stamp, _known: &mut Records) {}
    fn sentence(&self) -> String {
        format!("Scanned in a count and known to nobody: {}.", self.scans.iter().map(Scan::words).collect::<Vec<_>>().join("; "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::story::{DISTRICT, Story, actor};
    use super::*;

    fn asset(story: &Story, id: &str) -> Asset {
        story.known().find::<Asset>(&AssetId::parse(id).unwrap()).unwrap().unwrap().clone()
    }

    #[test]
    fn a_count_says_what_was_found_missing_and_unexpected_in_one_act() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let device = |story: &mut Story, tag: &str, site: &str| {
            let body = json!({"tag": tag, "category": "laptop", "manufacturer": "M", "model": "M", "site": site, "status": "in_service"});
            story.done(&coordinator, "register_asset", body)[0].1.clone()
        };
        let (found, missing, unexpected) =
            (device(&mut story, "A1", "Room"), device(&mut story, "A2", "Room"), device(&mut story, "A3", "Elsewhere"));
        let (retired, _) = story.retired("A4", "emmc", "low");
        let moved = device(&mut story, "A5", "Elsewhere");
        let count = json!({"site": "Room", "expected": [found, missing, moved], "scanned": [found, unexpected, retired], "unknown": [{"tag": "X9", "serial": null}]});
        let happenings = story.when(&coordinator, "record_count", count.clone()).unwrap();
        let names: Vec<&str> = happenings.iter().map(|happening| happening.event.name()).collect();
        assert_eq!(names, ["count.recorded", "count.found", "count.missing", "count.unexpected", "device.seen", "count.unknown_scanned"]);
        let Event::CountRecorded(recorded) = &happenings[0].event else { panic!() };
        assert_eq!((recorded.expected, recorded.found, recorded.missing, recorded.unexpected, recorded.unknown), (2, 1, 1, 2, 1));
        assert_eq!(happenings[5].batch.as_ref().map(|(_, part, of)| (*part, *of)), Some((6, Some(6))));
        story.done(&coordinator, "record_count", count);
        assert_eq!(asset(&story, &found).counted, None);
        assert_eq!(asset(&story, &missing).counted.map(|counted| counted.found), Some(false));
        assert_eq!(asset(&story, &unexpected).counted.map(|counted| (counted.found, counted.site.to_string())), Some((true, "Room".to_owned())));
        assert_eq!(asset(&story, &retired).sighting.map(|sighting| sighting.status), Some(Status::Retired));
        assert_eq!(asset(&story, &moved).counted, None);
        // A room is a part of a site: what is not in it need not be missing.
        let part = json!({"site": "Room", "room": "201", "expected": [found, missing], "scanned": [missing], "unknown": []});
        story.done(&coordinator, "record_count", part);
        assert_eq!(asset(&story, &missing).counted, None);
        let none = json!({"site": "Nowhere", "expected": [], "scanned": [], "unknown": []});
        story.refused(&coordinator, "record_count", none, "counting.nothing");
    }
}
