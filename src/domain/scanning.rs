//! Scanning: one beep of a scanner puts a thing on a consignment, and does with it first what the consignment's presets say and what was not done yet.

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Status};
use super::catalogue::Seen;
use super::consignment::{Captured, Consignment, ConsignmentKind, ConsignmentStatus, Presets, require, require_sender, require_status};
use super::lifecycle::Retire;
use super::loading::AddLines;
use super::medium::{self, Medium};
use super::names::{AssetId, Category, ConsignmentId, IdentifiedBy, MediaType, MediumId, Name, Reference, Role, Sensitivity, Serial, Tag};
use super::preparation::{self, AuthorizeUnder, Evaluate, Rung};
use super::records::{Records, Stop};
use super::refusal::Refusal;
use super::registration::{AttestNoStorage, MediumRecorded, MediumSeen, NoStorageBasis, RegisterAsset, require_not_held};
use super::together::Together;
use super::{Happening, Occasion, Order, Subject, SubjectKind, require_asset};

/// Presets that can be followed: only what leaves the organisation has to be prepared for it.
pub(super) fn require_presets(presets: &Presets, kind: ConsignmentKind) -> Result<(), Refusal> {
    if kind != ConsignmentKind::Pickup {
        let why = format!("A {} needs no presets: its devices are taken as they are. Leave them out.", kind.label());
        return Err(Refusal::new("consignment.presets", why));
    }
    if presets.no_storage && presets.media_type.is_some() {
        let why = "A device has the storage that you expect, or none: choose media_type or no_storage.";
        return Err(Refusal::new("consignment.presets", why));
    }
    match presets.rung {
        Some(rung) if rung < Rung::Resale => {
            let why = format!("What is to stay ({}) goes on no pickup: name resale, donation, parts or recycling.", rung.label());
            Err(Refusal::new("consignment.presets", why))
        }
        Some(rung) => preparation::require_rungs(rung, &presets.rejected),
        None => Ok(()),
    }
}

/// A device that is in no inventory: what one sees of it on the dock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceSeen {
    /// What it is.
    pub category: Category,
    /// Who made it.
    pub manufacturer: Name,
    /// Which model.
    pub model: Name,
    /// How confidential what is on it is; `unknown` is treated as high. Left out, what the catalogue says of the model.
    pub sensitivity: Option<Sensitivity>,
    /// Its media, where they are known.
    #[serde(default)]
    pub media: Vec<MediumSeen>,
}

/// One scan into a consignment: the tag, the serial number or both, which must match exactly.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanIn {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// The tag as captured.
    pub tag: Option<Tag>,
    /// The serial number as captured, of a device or of a loose medium.
    pub serial: Option<Serial>,
    /// The container it is put in.
    pub container: Option<Reference>,
    /// What it is, where no inventory knows it: it is registered in place.
    pub device: Option<DeviceSeen>,
    /// How the code was captured.
    pub captured: Option<Captured>,
}

/// What a scan names.
enum Named<'a> {
    Asset(&'a Asset),
    Medium(&'a Medium),
    Nothing,
}

impl ScanIn {
    fn words(&self) -> String {
        super::consignment::Scan { tag: self.tag.clone(), serial: self.serial.clone(), damage: None }.words()
    }

    /// What never concerned a vendor is unknown to it.
    fn named<'a>(&self, known: &'a Records, occasion: &Occasion) -> Result<Named<'a>, Stop> {
        let tag = self.tag.as_ref().map(Asset::tag_key);
        let serial = self.serial.as_ref().map(|serial| [Asset::serial_key(serial), Medium::serial_key(serial)]);
        known.owners(&tag.iter().cloned().chain(serial.iter().flatten().cloned()).collect::<Vec<_>>())?;
        let owner = |key| Ok::<_, Stop>(known.owner(key)?.map(str::to_owned));
        let by_tag = tag.as_ref().map(owner).transpose()?.flatten();
        let [by_serial, drive] = match &serial {
            Some([asset, medium]) => [owner(asset)?, owner(medium)?],
            None => [None, None],
        };
        let visible = |id: Option<String>| -> Result<Option<&'a Asset>, Stop> {
            let Some(id) = id.and_then(|id| AssetId::parse(&id).ok()) else { return Ok(None) };
            let asset = known.find::<Asset>(&id)?;
            Ok(asset.filter(|asset| occasion.actor.sees(asset)))
        };
        let (tagged, numbered) = (visible(by_tag)?, visible(by_serial)?);
        let disagree = |of: &str| {
            let why = format!("{} does not belong together: {of}. Scan it again, and list it by the one that you trust.", self.words());
            Err(Refusal::new("consignment.scan_disagrees", why).into())
        };
        match (tagged, numbered) {
            (Some(tagged), Some(numbered)) if tagged.id != numbered.id => disagree("they are on record for two devices"),
            (Some(tagged), None) if self.serial.is_some() && tagged.serial.is_some() => disagree("another serial number is on record for that tag"),
            (None, Some(numbered)) if self.tag.is_some() => disagree(&format!("{} is the tag on record for that serial number", numbered.tag)),
            (Some(asset), _) | (None, Some(asset)) => Ok(Named::Asset(asset)),
            (None, None) => {
                let Some(id) = drive.filter(|_| self.tag.is_none()).and_then(|id| MediumId::parse(&id).ok()) else { return Ok(Named::Nothing) };
                let Some(medium) = known.find::<Medium>(&id)? else { return Ok(Named::Nothing) };
                let visible = match medium.host_of(known)? {
                    Some(host) => occasion.actor.sees(host),
                    None => occasion.actor.sees_loose(medium),
                };
                Ok(if visible { Named::Medium(medium) } else { Named::Nothing })
            }
        }
    }

    fn add(&self, assets: Vec<AssetId>, media: Vec<MediumId>) -> AddLines {
        AddLines { consignment: self.consignment.clone(), assets, media, container: self.container.clone(), captured: self.captured.clone() }
    }
}

/// Puts a device on the list, after whatever the presets say and was not done yet.
fn load(together: &mut Together, scan: &ScanIn, consignment: &Consignment, id: &AssetId, occasion: &Occasion) -> Result<(), Stop> {
    let presets = &consignment.presets;
    let asset = {
        let records = together.records(|records| require_asset(records, id).map(drop))?;
        require_asset(records, id)?.clone()
    };
    // Whoever was faster is named, rather than what the presets would have done.
    if asset.consignment.is_none() {
        if let (Status::InStock | Status::InService | Status::InRepair, Some(reason)) = (asset.status, presets.reason) {
            together.step(&Retire { asset: id.clone(), reason })?;
        }
        if asset.media.is_empty() && asset.no_storage.is_none() {
            if let Some(media_type) = presets.media_type {
                together.step(&ExpectStorage { asset: id.clone(), media_type })?;
            } else if presets.no_storage {
                require_nothing_stored(&asset, occasion)?;
                together.step(&AttestNoStorage { asset: id.clone(), basis: NoStorageBasis::ModelHasNone })?;
            }
        }
        if let (None, Some(rung)) = (&asset.preparation.evaluation, presets.rung) {
            together.step(&Evaluate { asset: id.clone(), rung, rejected: presets.rejected.clone() })?;
        }
        if let (None, Some(authorization)) = (&asset.preparation.authorization, &consignment.authorization) {
            together.step(&AuthorizeUnder { asset: id.clone(), authorization: authorization.clone() })?;
        }
    }
    together.step(&scan.add(vec![id.clone()], Vec::new()))
}

/// Nobody looked into the device: presets attest only what is so of every device of that model or kind.
fn require_nothing_stored(asset: &Asset, occasion: &Occasion) -> Result<(), Refusal> {
    let model = occasion.catalogue.model(asset.manufacturer.as_str(), asset.model.as_str());
    // A model that has media by the catalogue is refused with their names by the attestation.
    if model.is_some() || asset.category.stores_nothing() {
        return Ok(());
    }
    let why = format!(
        "Neither the catalogue nor its kind ({}) says that {} stores nothing: record its media (record_media), attest that {} was opened and found \
         without (attest_no_storage, “removed”), or have the model added (`quittance catalogue import`); then scan it again.",
        asset.category.label(),
        asset.title(),
        asset.tag
    );
    Err(Refusal::new("consignment.may_store", why))
}

/// Records the medium that presets expect in a device. Nobody has seen it: it is to be confirmed before it is sanitized.
#[derive(Deserialize)]
struct ExpectStorage {
    asset: AssetId,
    media_type: MediaType,
}

impl Order for ExpectStorage {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        occasion.may_touch(asset)?;
        require_not_held(asset)?;
        let soldered = self.media_type.is_soldered();
        if soldered && asset.serial.is_none() {
            let why = format!(
                "Storage without a serial number is identified by its device's, and {} has none recorded: have an approver add it \
                 (correct_registration), then scan it again.",
                asset.tag
            );
            return Err(Refusal::new("registration.no_identity", why).into());
        }
        let event = MediumRecorded {
            host: Some(asset.id.clone()),
            holder: None,
            sensitivity: None,
            identified_by: if soldered { IdentifiedBy::HostSerial } else { IdentifiedBy::OwnSerial },
            serial: None,
            media_type: self.media_type,
            capacity_bytes: None,
            seen: Some(Seen::Expected),
            catalogue: None,
        };
        Ok(vec![Happening::new(event, [Subject::new(SubjectKind::Medium, MediumId::from_uuid(occasion.fresh(1)).as_str())])])
    }
}

impl Order for ScanIn {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator, Role::SchoolContact];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        require_sender(consignment, occasion)?;
        require_status(consignment, "loaded", &[ConsignmentStatus::Open])?;
        if self.tag.is_none() && self.serial.is_none() {
            return Err(Refusal::new("consignment.empty_scan", "The scan has neither tag nor serial number; scan it again.").into());
        }
        let mut together = Together::new(known, occasion);
        match (self.named(known, occasion)?, &self.device) {
            (Named::Asset(asset), None) => load(&mut together, self, consignment, &asset.id, occasion)?,
            (Named::Asset(asset), Some(_)) => {
                let why = format!("{} is registered already; scan it again without saying what it is.", asset.tag);
                return Err(Refusal::new("consignment.known", why).into());
            }
            (Named::Medium(medium), _) => {
                medium::require(known, &medium.id)?;
                together.step(&self.add(Vec::new(), vec![medium.id.clone()]))?;
            }
            (Named::Nothing, Some(device)) => {
                let id = AssetId::from_uuid(occasion.fresh(15));
                together.step(&self.registers(&id, device, consignment)?)?;
                load(&mut together, self, consignment, &id, occasion)?;
            }
            (Named::Nothing, None) => {
                let why = format!(
                    "Nothing on record has exactly this ({}). Scan it again; a device in no inventory is registered in place: say what it is in `device`.",
                    self.words()
                );
                return Err(Refusal::new("consignment.unknown_scan", why).into());
            }
        }
        Ok(together.finish())
    }
}

impl ScanIn {
    /// A device without a tag of the organisation's is known by its serial number.
    fn registers(&self, id: &AssetId, device: &DeviceSeen, consignment: &Consignment) -> Result<RegisterAsset, Stop> {
        let tag = match (&self.tag, &self.serial) {
            (Some(tag), _) => tag.clone(),
            (None, Some(serial)) => Tag::parse(serial.as_str())?,
            (None, None) => return Err(Refusal::new("consignment.empty_scan", "The scan has neither tag nor serial number; scan it again.").into()),
        };
        Ok(RegisterAsset {
            asset: Some(id.clone()),
            tag,
            serial: self.serial.clone(),
            category: device.category,
            manufacturer: device.manufacturer.clone(),
            model: device.model.clone(),
            sensitivity: device.sensitivity,
            weight_grams: None,
            weight_basis: None,
            site: consignment.from.site.clone(),
            status: Status::InStock,
            purchased_on: None,
            cost_cents: None,
            funding: None,
            media: device.media.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::domain::SubjectKind;
    use crate::domain::asset::{Asset, Label, Status};
    use crate::domain::catalogue::Seen;
    use crate::domain::consignment::{Consignment, ConsignmentStatus};
    use crate::domain::names::{AssetId, ConsignmentId, IdentifiedBy, Role};
    use crate::domain::records::Records;
    use crate::domain::story::{DISTRICT, OTHER, Story, VENDOR, actor, better_than};

    fn asset<'a>(known: &'a Records, id: &str) -> &'a Asset {
        known.find::<Asset>(&AssetId::parse(id).unwrap()).unwrap().unwrap()
    }
    fn consignment<'a>(known: &'a Records, id: &str) -> &'a Consignment {
        known.find::<Consignment>(&ConsignmentId::parse(id).unwrap()).unwrap().unwrap()
    }
    fn in_service(story: &mut Story, tag: &str) -> String {
        let body = json!({"tag": tag, "serial": format!("S{tag}"), "category": "chromebook", "manufacturer": "M", "model": "M", "site": "Site",
            "status": "in_service"});
        story.done(&actor(Role::Coordinator, DISTRICT, 1), "register_asset", body)[0].1.clone()
    }
    fn opened(story: &mut Story, reference: &str, presets: &Value) -> String {
        let mut open = json!({"reference": reference, "from_site": "Site", "to": VENDOR, "to_site": "Site"});
        if presets.is_object() {
            open["presets"] = presets.clone();
        }
        story.done(&actor(Role::Coordinator, DISTRICT, 1), "open_consignment", open)[0].1.clone()
    }

    #[test]
    fn one_scan_retires_records_the_media_and_lists() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let device = in_service(&mut story, "A1");
        let plain = opened(&mut story, "C1", &Value::Null);
        story.refused(&coordinator, "scan", json!({"consignment": plain, "tag": "A1"}), "consignment.not_retired");
        let pallet =
            opened(&mut story, "C2", &json!({"reason": "surplus", "media_type": "emmc", "rung": "recycling", "rejected": better_than("recycling")}));
        let scan = json!({"consignment": pallet, "tag": " a1", "serial": "s-a1", "container": "P1"});
        story.refused(&coordinator, "scan", scan.clone(), "preparation.not_authorized");
        story.done(&actor(Role::Approver, DISTRICT, 1), "authorize_consignment", json!({"consignment": pallet, "reference": "BOARD-9"}));
        let events: Vec<_> = story.when(&coordinator, "scan", scan.clone()).unwrap();
        let names: Vec<_> = events.iter().map(|happening| happening.event.name()).collect();
        let all = ["asset.retired", "media.recorded", "asset.evaluated", "asset.surplus_authorized", "consignment.line_added"];
        assert_eq!(names, all);
        let parts: Vec<_> = events.iter().map(|happening| happening.batch.as_ref().map(|(_, part, of)| (*part, *of)).unwrap()).collect();
        assert_eq!(parts, [(1, None), (2, None), (3, None), (4, None), (5, Some(5))]);
        story.done(&coordinator, "scan", scan.clone());
        assert_eq!((asset(story.known(), &device).label(), asset(story.known(), &device).media.len()), (Label::Staged, 1));
        story.refused(&coordinator, "scan", scan, "consignment.already_listed");
        // What was done already is not done again.
        let (retired, _) = story.retired("A2", "hdd_ata", "low");
        let events = story.done(&coordinator, "scan", json!({"consignment": pallet, "serial": "SA2"}));
        assert_eq!(events.len(), 2, "{events:?}");
        assert_eq!(asset(story.known(), &retired).label(), Label::Staged);
    }

    #[test]
    fn a_scan_matches_exactly_or_registers_in_place() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let pallet = opened(
            &mut story,
            "C1",
            &json!({"reason": "end_of_life", "no_storage": true, "rung": "recycling",
            "rejected": better_than("recycling")}),
        );
        story.done(&actor(Role::Approver, DISTRICT, 1), "authorize_consignment", json!({"consignment": pallet, "reference": "BOARD-9"}));
        story.retired("A1", "hdd_ata", "low");
        story.retired("A2", "hdd_ata", "low");
        let scan = |tag: Option<&str>, serial: Option<&str>| json!({"consignment": pallet, "tag": tag, "serial": serial});
        story.refused(&coordinator, "scan", scan(Some("A1"), Some("SA2")), "consignment.scan_disagrees");
        story.refused(&coordinator, "scan", scan(Some("A1"), Some("SA9")), "consignment.scan_disagrees");
        story.refused(&coordinator, "scan", scan(Some("A9"), Some("SA1")), "consignment.scan_disagrees");
        story.refused(&coordinator, "scan", scan(Some("A"), None), "consignment.unknown_scan");
        story.refused(&coordinator, "scan", scan(None, None), "consignment.empty_scan");
        story.refused(&coordinator, "scan", scan(None, Some("MA1")), "consignment.not_loose");
        let mut new = scan(None, Some("NEW-1"));
        new["device"] = json!({"category": "monitor", "manufacturer": "M", "model": "M"});
        let about = story.done(&coordinator, "scan", new.clone());
        let id = &about.iter().find(|(kind, _)| *kind == SubjectKind::Asset).unwrap().1;
        let device = asset(story.known(), id);
        assert_eq!((device.tag.as_str(), device.status, device.no_storage.is_some()), ("NEW-1", Status::Retired, true));
        story.refused(&coordinator, "scan", new, "consignment.known");
    }

    #[test]
    fn presets_expect_storage_and_do_not_see_it() {
        let mut story = Story::new();
        let (coordinator, approver) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::Approver, DISTRICT, 1));
        for (tag, kind, identified_by) in [("A1", "emmc", IdentifiedBy::HostSerial), ("A2", "ssd_nvme", IdentifiedBy::OwnSerial)] {
            let presets = json!({"reason": "surplus", "media_type": kind, "rung": "recycling", "rejected": better_than("recycling")});
            let device = in_service(&mut story, tag);
            let pallet = opened(&mut story, tag, &presets);
            story.done(&approver, "authorize_consignment", json!({"consignment": pallet, "reference": "BOARD-9"}));
            story.done(&coordinator, "scan", json!({"consignment": pallet, "tag": tag}));
            let medium = story.medium(story.asset(&device).media[0].as_str());
            assert_eq!((medium.seen, medium.identified_by, &medium.serial), (Seen::Expected, identified_by, &None));
            let id = medium.id.to_string();
            story.done(&coordinator, "remove_lines", json!({"consignment": pallet, "assets": [device]}));
            let melt = json!({"medium": id, "technique": "melt", "statement": {"facility": "F", "facility_batch": "B"}});
            story.done(&coordinator, "release_accounts", json!({"asset": device, "reference": "MDM-1"}));
            story.refused(&coordinator, "record_sanitization", melt.clone(), "sanitization.only_expected");
            let serial = (identified_by == IdentifiedBy::OwnSerial).then_some("DRV-9");
            story.done(&coordinator, "confirm_medium", json!({"medium": id, "basis": "seen", "serial": serial}));
            story.done(&coordinator, "record_sanitization", melt);
        }
    }

    #[test]
    fn presets_attest_no_storage_only_where_the_model_or_the_kind_has_none() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let presets = json!({"reason": "surplus", "no_storage": true, "rung": "recycling", "rejected": better_than("recycling")});
        let pallet = opened(&mut story, "C1", &presets);
        story.done(&actor(Role::Approver, DISTRICT, 1), "authorize_consignment", json!({"consignment": pallet, "reference": "BOARD-9"}));
        for (tag, category, manufacturer, model, refusal) in [
            ("A1", "laptop", "M", "M", Some("consignment.may_store")),
            ("A2", "chromebook", "Dell", "Chromebook 3100", Some("registration.model_has_storage")),
            ("A3", "other", "Dell", "WD19S", None),
            ("A4", "monitor", "M", "M", None),
        ] {
            // Without a serial number nobody can tell its soldered storage from others', so none is expected by its registration.
            let body = json!({"tag": tag, "category": category, "manufacturer": manufacturer, "model": model, "site": "Site"});
            let device = story.done(&coordinator, "register_asset", body)[0].1.clone();
            let scan = json!({"consignment": pallet, "tag": tag});
            match refusal {
                Some(code) => assert!(story.refused(&coordinator, "scan", scan, code).contains("record"), "{tag}"),
                None => {
                    story.done(&coordinator, "scan", scan);
                    assert!(story.asset(&device).no_storage.is_some(), "{tag}");
                }
            }
        }
    }

    #[test]
    fn a_mistaken_scan_is_undone_and_a_cancelled_list_frees_its_lines() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let (device, _) = story.retired("A1", "hdd_ata", "low");
        let first = opened(&mut story, "C1", &Value::Null);
        let second = opened(&mut story, "C2", &Value::Null);
        let line = |on: &str| json!({"consignment": on, "assets": [device]});
        story.done(&coordinator, "add_lines", line(&first));
        story.refused(&coordinator, "remove_lines", line(&second), "consignment.not_listed");
        story.done(&coordinator, "remove_lines", line(&first));
        assert_eq!((consignment(story.known(), &first).lines, asset(story.known(), &device).label()), (0, Label::SurplusAuthorized));
        story.refused(&coordinator, "remove_lines", line(&first), "consignment.not_listed");
        story.done(&coordinator, "add_lines", line(&first));
        assert_eq!(consignment(story.known(), &first).lines, 1);
        story.done(&coordinator, "cancel_consignment", json!({"consignment": first, "reason": "merged"}));
        assert_eq!(consignment(story.known(), &first).status, ConsignmentStatus::Cancelled);
        story.refused(&coordinator, "add_lines", line(&first), "consignment.wrong_status");
        story.done(&coordinator, "add_lines", line(&second));
        story.refused(
            &actor(Role::VendorOperator, OTHER, 1),
            "cancel_consignment",
            json!({"consignment": second, "reason": "merged"}),
            "consignment.unknown",
        );
        story.refused(
            &actor(Role::VendorOperator, VENDOR, 1),
            "cancel_consignment",
            json!({"consignment": second, "reason": "merged"}),
            "consignment.not_yours",
        );
    }
}
