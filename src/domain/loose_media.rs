//! Loose media: storage that lies in no device, found that way, taken out of a device, or put into another one.

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Holder, Status};
use super::medium::{self, Medium, MediumState};
use super::names::{AssetId, IdentifiedBy, MediumId, Name, Role, Sensitivity, codes};
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::registration::{Found, MediumSeen, media_recorded, unknown_sensitivity};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects, lifecycle, parties, require_asset};

codes! {
    /// Why a medium is not in its device any more.
    RemovalCause {
        Harvested = "harvested", "taken out";
        Swapped = "swapped", "swapped for another one in repair";
        Absent = "absent", "not found where it should be";
    }
}

/// Records media that are in no device: drives from a drawer, from a server that is long gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordLooseMedia {
    /// What was found, each with its own serial number.
    pub media: Vec<MediumSeen>,
    /// Where they are.
    pub site: Name,
    /// How confidential what is on them is.
    #[serde(default = "unknown_sensitivity")]
    pub sensitivity: Sensitivity,
}

/// Takes a medium out of its device; it lives on by itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HarvestMedium {
    /// The medium.
    pub medium: MediumId,
}

/// Puts a loose medium into a device.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstallMedium {
    /// The medium.
    pub medium: MediumId,
    /// The device.
    pub asset: AssetId,
}

/// `media.removed`: the medium has left its device and needs a fate of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediumRemoved {
    /// The device that it was in.
    pub host: AssetId,
    /// Why.
    pub cause: RemovalCause,
    /// Who has it now; an absent one: who had it last.
    pub holder: Holder,
    /// How confidential what is on it is.
    pub sensitivity: Sensitivity,
}

/// `media.installed`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediumInstalled {
    /// The device that it is in from now on.
    pub host: AssetId,
}

impl Order for RecordLooseMedia {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        parties::require(known, &occasion.actor.party)?;
        if self.media.is_empty() {
            return Err(Refusal::new("registration.no_media_given", "List the media that were found, each with its serial number.").into());
        }
        if self.media.iter().any(|medium| medium.serial.is_none()) {
            return Err(Refusal::new(
                "media.no_serial",
                "A loose medium is told from others by its own serial number alone: read it from the label and give it.",
            )
            .into());
        }
        let holder = Holder { party: occasion.actor.party.clone(), site: self.site.clone() };
        media_recorded(&Found::Loose(&holder, self.sensitivity), &self.media, known, occasion)
    }
}

fn about(medium: &MediumId, host: &AssetId) -> [Subject; 2] {
    [Subject::new(SubjectKind::Medium, medium.as_str()), Subject::new(SubjectKind::Asset, host.as_str())]
}

/// What happens when a medium leaves its device, which has to be loaded.
pub(super) fn removed(medium: &MediumId, host: &Asset, cause: RemovalCause, holder: Holder) -> Happening {
    Happening::new(MediumRemoved { host: host.id.clone(), cause, holder, sensitivity: host.sensitivity }, about(medium, &host.id))
}

impl Order for HarvestMedium {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let medium = medium::require(known, &self.medium)?;
        let Some(host) = medium.host_of(known)? else {
            occasion.may_touch_loose(medium)?;
            let why = format!("{} is in no device already.", medium.title());
            return Err(Refusal::new("media.loose", why).because(Cause::Entry(medium.last_seq)).into());
        };
        if occasion.actor.role.is_vendor() && !host.concerns(&occasion.actor.party) {
            return Err(medium::unknown(&self.medium).into());
        }
        occasion.may_touch(host)?;
        medium.require_real()?;
        lifecycle::require_status(host, "opened", &[Status::InStock, Status::InRepair, Status::Retired])?;
        if medium.identified_by == IdentifiedBy::HostSerial {
            return Err(Refusal::new(
                "media.embedded",
                format!("The storage of {} is soldered in: it cannot leave it and share another fate; sanitize or destroy it there.", host.tag),
            )
            .into());
        }
        Ok(vec![removed(&self.medium, host, RemovalCause::Harvested, host.holder.clone())])
    }
}

impl Fact for MediumRemoved {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.medium() else { return };
        known.change::<Medium>(&id, stamp.seq, |medium| {
            medium.origin = medium.host.take();
            medium.holder = Some(self.holder.clone());
            medium.sensitivity = Some(self.sensitivity);
            if self.cause == RemovalCause::Absent {
                medium.void_sanitization();
                medium.state = MediumState::Absent;
            }
        });
        known.change::<Asset>(&self.host, stamp.seq, |asset| asset.forget(&id));
    }
    fn sentence(&self) -> String {
        format!("Medium removed from the device: {}; it is at {} and needs a fate of its own.", self.cause.label(), self.holder.site)
    }
}

impl Order for InstallMedium {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let medium = medium::require(known, &self.medium)?;
        let host = require_asset(known, &self.asset)?;
        if !medium.is_loose() {
            let why = format!("{} is in a device; take it out first.", medium.title());
            return Err(Refusal::new("media.not_loose", why).because(Cause::Entry(medium.last_seq)).into());
        }
        lifecycle::require_status(host, "opened", &[Status::InStock, Status::InRepair, Status::Retired])?;
        if let Some(seq) = host.no_storage {
            return Err(Refusal::new(
                "registration.no_storage_attested",
                format!("{} is attested to have no storage (entry {seq}); that has to be corrected first.", host.tag),
            )
            .into());
        }
        if medium.consignment.is_some() || medium.in_transit || medium.holder.as_ref().is_none_or(|holder| holder.party != host.holder.party) {
            let why = format!("{} is not where {} is; it has to be brought there first.", medium.title(), host.tag);
            return Err(Refusal::new("media.elsewhere", why).into());
        }
        if !matches!(medium.state, MediumState::Cleared | MediumState::Purged) {
            let why = format!("{} is “{}”; only a medium whose sanitization was validated is used again.", medium.title(), medium.state.label());
            return Err(Refusal::new("media.not_clean", why).into());
        }
        Ok(vec![Happening::new(MediumInstalled { host: host.id.clone() }, about(&self.medium, &host.id))])
    }
}

impl Fact for MediumInstalled {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.medium() else { return };
        medium::change(known, &id, stamp.seq, |medium| {
            medium.host = Some(self.host.clone());
            medium.holder = None;
            medium.sensitivity = None;
        });
    }
    fn sentence(&self) -> String {
        "Medium put into the device.".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::names::{AssetId, MediumId, Role};
    use super::super::story::{DISTRICT, OTHER, Story, VENDOR, actor};
    use super::{Asset, Medium, MediumState, SubjectKind};

    fn medium<'a>(story: &'a Story, id: &str) -> &'a Medium {
        story.known().find::<Medium>(&MediumId::parse(id).unwrap()).unwrap().unwrap()
    }
    fn asset<'a>(story: &'a Story, id: &str) -> &'a Asset {
        story.known().find::<Asset>(&AssetId::parse(id).unwrap()).unwrap().unwrap()
    }

    #[test]
    fn a_harvested_drive_leaves_its_parent_and_lives_on() {
        let mut story = Story::new();
        let (one, two) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::Coordinator, DISTRICT, 2));
        let (device, drive) = story.retired("A1", "hdd_ata", "moderate");
        story.done(&one, "harvest_medium", json!({"medium": drive}));
        let loose = medium(&story, &drive);
        assert!(loose.is_loose() && loose.origin.as_ref().is_some_and(|origin| origin.as_str() == device));
        assert_eq!(loose.holder.as_ref(), Some(&asset(&story, &device).holder));
        assert!(asset(&story, &device).media.is_empty() && asset(&story, &device).media_states.is_empty());
        story.refused(&one, "harvest_medium", json!({"medium": drive}), "media.loose");
        story.refused(&one, "install_medium", json!({"medium": drive, "asset": device}), "media.not_clean");
        story.refused(&actor(Role::VendorOperator, VENDOR, 1), "harvest_medium", json!({"medium": drive}), "sanitization.unknown_medium");
        // It is sanitized by itself, for data as confidential as that of the device it was in.
        let degauss = json!({"medium": drive, "technique": "degauss",
            "statement": {"completed_without_error": true, "equipment": "DG", "field_oersted": 10_000, "coercivity_oersted": 5_000, "calibrated_on": "2026-01-05"}});
        story.done(&one, "record_sanitization", degauss);
        story.done(&two, "verify_sanitization", json!({"medium": drive}));
        story.done(&actor(Role::Approver, DISTRICT, 1), "validate_sanitization", json!({"medium": drive}));
        assert_eq!(medium(&story, &drive).state, MediumState::Purged);
        let (other, _) = story.retired("A2", "ssd_sata", "low");
        story.done(&one, "install_medium", json!({"medium": drive, "asset": other}));
        assert_eq!(asset(&story, &other).media_states, [MediumState::DataPresent, MediumState::Purged]);
        story.refused(&one, "install_medium", json!({"medium": drive, "asset": other}), "media.not_loose");
    }

    #[test]
    fn soldered_storage_stays_where_it_is() {
        let mut story = Story::new();
        let (_, flash) = story.retired("A1", "emmc", "low");
        story.refused(&actor(Role::Coordinator, DISTRICT, 1), "harvest_medium", json!({"medium": flash}), "media.embedded");
    }

    #[test]
    fn loose_drives_are_known_by_their_serials_and_to_their_holder_alone() {
        let mut story = Story::new();
        let (coordinator, operator) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::VendorOperator, VENDOR, 1));
        let body = |serial: serde_json::Value| json!({"media": [{"serial": serial, "media_type": "hdd_ata"}], "site": "Drawer"});
        story.refused(&coordinator, "record_loose_media", body(serde_json::Value::Null), "media.no_serial");
        story.refused(&coordinator, "record_loose_media", json!({"media": [], "site": "Drawer"}), "registration.no_media_given");
        let about = story.done(&operator, "record_loose_media", body(json!("LOOSE-1")));
        story.refused(&coordinator, "record_loose_media", body(json!("loose1")), "registration.medium_exists");
        assert_eq!(about[0].0, SubjectKind::Medium);
        let melt = json!({"medium": about[0].1, "technique": "melt", "statement": {"facility": "F", "facility_batch": "B"}});
        story.refused(&actor(Role::VendorOperator, OTHER, 1), "record_sanitization", melt.clone(), "sanitization.unknown_medium");
        story.done(&operator, "record_sanitization", melt.clone());
        story.refused(&operator, "record_sanitization", melt, "sanitization.destroyed");
    }
}
