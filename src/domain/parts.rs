//! Parts: what is taken out of a device to be used again leaves its parent and lives on.

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Status};
use super::medium::Medium;
use super::names::{AssetId, Category, IdentifiedBy, Name, Role, Sensitivity, Serial, Tag, codes};
use super::records::{Records, Stop};
use super::refusal::Refusal;
use super::registration::RegisterAsset;
use super::{Event, Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects, lifecycle, require_asset};

codes! {
    /// Parts that are used again. Drives are media and leave as such.
    Part {
        Screen = "screen", "screen";
        Keyboard = "keyboard", "keyboard";
        Battery = "battery", "battery";
        Board = "board", "main board";
        Memory = "memory", "memory";
        PowerSupply = "power_supply", "power supply";
        Housing = "housing", "housing";
        Other = "other", "another part";
    }
}

/// A part that was taken out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Harvested {
    /// The entry.
    pub entry: u64,
    /// Which part.
    pub part: Part,
}

/// Takes a part out of a device. With a tag it is registered as a thing of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HarvestPart {
    /// The device.
    pub asset: AssetId,
    /// Which part.
    pub part: Part,
    /// The tag that was put on the part.
    pub tag: Option<Tag>,
    /// The part's own serial number; only with a tag.
    pub serial: Option<Serial>,
}

/// `asset.part_harvested`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartHarvested {
    /// Which part.
    pub part: Part,
}

impl Order for HarvestPart {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        lifecycle::require_status(asset, "taken apart", &[Status::InRepair, Status::Retired])?;
        lifecycle::require_here(asset, occasion, "taken apart")?;
        if self.part == Part::Board {
            let embedded =
                known.find_all::<Medium>(&asset.media)?.into_iter().flatten().find(|medium| medium.identified_by == IdentifiedBy::HostSerial);
            if embedded.is_some() {
                let why = format!("The storage of {} is soldered to its main board; the board goes where the device goes.", asset.tag);
                return Err(Refusal::new("parts.embedded_storage", why).into());
            }
        }
        let mut happenings = vec![Happening::new(PartHarvested { part: self.part }, [Subject::new(SubjectKind::Asset, asset.id.as_str())])];
        let Some(tag) = &self.tag else {
            if self.serial.is_some() {
                let why = "A part with a serial number of its own is registered: put a tag on it and give that too.";
                return Err(Refusal::new("parts.no_tag", why).into());
            }
            return Ok(happenings);
        };
        let part = RegisterAsset {
            asset: None,
            tag: tag.clone(),
            serial: self.serial.clone(),
            category: Category::Other,
            manufacturer: asset.manufacturer.clone(),
            model: part_name(asset, self.part)?,
            sensitivity: Some(Sensitivity::Low),
            weight_grams: None,
            weight_basis: None,
            site: asset.holder.site.clone(),
            status: Status::InStock,
            purchased_on: None,
            cost_cents: None,
            funding: asset.funding.clone(),
            media: Vec::new(),
        };
        // The catalogue knows devices; a part only has the name of one.
        for mut happening in part.register(known, None, occasion)? {
            if let Event::AssetRegistered(registered) = &mut happening.event {
                registered.harvested_from = Some(asset.id.clone());
            }
            happenings.push(happening);
        }
        Ok(happenings)
    }
}

/// The model of a part: that of its device, cut short where both together are too long.
fn part_name(asset: &Asset, part: Part) -> Result<Name, Refusal> {
    let model: String = asset.model.as_str().chars().take(90).collect();
    Name::parse(&format!("{model}, {}", part.label()))
}

impl Fact for PartHarvested {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        known.change::<Asset>(&id, stamp.seq, |asset| asset.parts.push(Harvested { entry: stamp.seq, part: self.part }));
    }
    fn sentence(&self) -> String {
        format!("Part taken out to be used again: {}.", self.part.label())
    }
}
