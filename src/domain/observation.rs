//! Observation: a device was seen. Of retired, disposed, missing and written-off devices that is an entry, because it needs an
//! explanation; of those in use it is a row outside the log.

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Status};
use super::names::{AssetId, Instant, Name, Role, codes};
use super::records::{Records, Stop};
use super::refusal::Refusal;
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects, require_asset};

codes! {
    /// Who saw it.
    SightingSource {
        Mdm = "mdm", "device management";
        Network = "network", "the network";
        Count = "count", "a count";
    }
}

/// The last sighting that needs an explanation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The entry that says so.
    pub seq: u64,
    /// When.
    pub at: Instant,
    /// Who saw it.
    pub source: SightingSource,
    /// What it was to be at that time.
    pub status: Status,
}

/// One sighting is news once in so long, from one source: device management reports daily.
const NEWS_MS: u64 = 24 * 3_600_000;

/// Whether a sighting of a device in this state is an entry.
pub const fn needs_explanation(status: Status) -> bool {
    !matches!(status, Status::InStock | Status::InService | Status::InRepair)
}

/// Says that a retired, disposed, missing or written-off device was seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeeDevice {
    /// The device.
    pub asset: AssetId,
    /// Who saw it.
    pub source: SightingSource,
    /// Where, if that is known.
    pub site: Option<Name>,
}

/// `device.seen`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceSeen {
    /// Who saw it.
    pub source: SightingSource,
    /// Where, if that is known.
    pub site: Option<Name>,
    /// What it was to be at that time.
    pub status: Status,
}

impl Order for SeeDevice {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::Administrator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        if !needs_explanation(asset.status) {
            let why = format!("{} is {}: that it was seen needs no entry; send it to POST /api/v1/sightings.", asset.tag, asset.status.label());
            return Err(Refusal::new("observation.in_use", why).into());
        }
        let same = |seen: &Sighting| {
            let apart = seen.at.unix_ms().abs_diff(occasion.occurred.unix_ms());
            seen.source == self.source && seen.status == asset.status && apart < NEWS_MS
        };
        if asset.sighting.as_ref().is_some_and(same) {
            return Ok(Vec::new());
        }
        let seen = DeviceSeen { source: self.source, site: self.site.clone(), status: asset.status };
        Ok(vec![Happening::new(seen, [Subject::new(SubjectKind::Asset, asset.id.as_str())])])
    }
}

impl Fact for DeviceSeen {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        for id in about.assets() {
            let sighting = Sighting { seq: stamp.seq, at: stamp.occurred, source: self.source, status: self.status };
            known.change::<Asset>(&id, stamp.seq, |asset| asset.sighting = Some(sighting));
        }
    }
    fn sentence(&self) -> String {
        let place = self.site.as_ref().map(|site| format!(", at {site}")).unwrap_or_default();
        format!("Seen by {}{place} while recorded as {}: needs an explanation.", self.source.label(), self.status.label())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::story::{DISTRICT, Story, actor};
    use super::*;

    #[test]
    fn a_retired_device_that_is_seen_is_news_once_a_day_and_source() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let (device, _) = story.retired("A1", "emmc", "low");
        let seen = |source: &str| json!({"asset": device, "source": source});
        assert_eq!(story.when(&coordinator, "see_device", seen("mdm")).unwrap().len(), 1);
        story.done(&coordinator, "see_device", seen("mdm"));
        assert_eq!(story.when(&coordinator, "see_device", seen("mdm")).unwrap().len(), 0);
        assert_eq!(story.when(&coordinator, "see_device", seen("network")).unwrap().len(), 1);
        let asset = story.known().find::<Asset>(&AssetId::parse(&device).unwrap()).unwrap().unwrap();
        assert_eq!(asset.sighting.as_ref().map(|sighting| (sighting.source, sighting.status)), Some((SightingSource::Mdm, Status::Retired)));
        let body = json!({"tag": "B1", "category": "laptop", "manufacturer": "M", "model": "M", "site": "Site", "status": "in_service"});
        let used = story.done(&coordinator, "register_asset", body)[0].1.clone();
        story.refused(&coordinator, "see_device", json!({"asset": used, "source": "mdm"}), "observation.in_use");
    }
}
