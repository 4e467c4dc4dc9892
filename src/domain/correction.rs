//! Corrections: an approver declares an earlier entry erroneous. Both entries stay; what follows from it is recorded as ordinary events in the same
//! act, and a certificate that relied on the entry is revoked in it.

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Status};
use super::certification::{Certificate, CertificateRevoked, RevocationReason};
use super::consignment::{asset_subject, medium_subject};
use super::medium::{self, Medium, MediumState};
use super::names::{AssetId, Category, IdentifiedBy, MediumId, Name, Role, Sensitivity, Serial, Tag, codes};
use super::records::{Key, Records, Stop};
use super::refusal::{Cause, Refusal};
use super::{Event, Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects, require_asset};

codes! {
    /// Why an entry is erroneous.
    CorrectionReason {
        Misread = "misread", "a label or file was misread";
        WrongThing = "wrong_thing", "recorded for the wrong thing";
        NeverHappened = "never_happened", "it did not happen";
        Disproved = "disproved", "an inspection found otherwise";
    }
}

/// An entry that was declared erroneous.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corrected {
    /// The erroneous entry.
    pub seq: u64,
    /// The entry that says so.
    pub by: u64,
    /// Why.
    pub reason: CorrectionReason,
}

/// Corrects what was recorded when a device was registered. What is left out stays.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectRegistration {
    /// The device.
    pub asset: AssetId,
    /// Why.
    pub reason: CorrectionReason,
    /// The organisation's tag.
    pub tag: Option<Tag>,
    /// The maker's serial number.
    pub serial: Option<Serial>,
    /// What it is.
    pub category: Option<Category>,
    /// Who made it.
    pub manufacturer: Option<Name>,
    /// Which model.
    pub model: Option<Name>,
    /// How confidential what is on it is.
    pub sensitivity: Option<Sensitivity>,
    /// The site it was registered at; where it is now follows as long as it has not left.
    pub site: Option<Name>,
}

/// Withdraws the attestation that a device has no storage.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawNoStorage {
    /// The device.
    pub asset: AssetId,
    /// Why.
    pub reason: CorrectionReason,
}

/// Withdraws a medium that was never in the device.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawMedium {
    /// The medium.
    pub medium: MediumId,
    /// Why.
    pub reason: CorrectionReason,
}

/// Voids a sanitization that was recorded for the wrong medium, or did not happen.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoidSanitization {
    /// The medium.
    pub medium: MediumId,
    /// Why.
    pub reason: CorrectionReason,
}

/// Voids what was recorded of a device's material: the device is re-opened.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoidDisposition {
    /// The device.
    pub asset: AssetId,
    /// Why.
    pub reason: CorrectionReason,
}

/// `entry.corrected`: an earlier entry is erroneous; what is true instead follows in the same batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryCorrected {
    /// The erroneous entry.
    pub seq: u64,
    /// Why.
    pub reason: CorrectionReason,
    /// The kinds of the events that follow from it, in the order of their parts.
    pub replacements: Vec<String>,
}

/// `asset.amended`: what is true of a device from now on; what is left out stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetAmended {
    /// The organisation's tag.
    pub tag: Option<Tag>,
    /// The maker's serial number.
    pub serial: Option<Serial>,
    /// What it is.
    pub category: Option<Category>,
    /// Who made it.
    pub manufacturer: Option<Name>,
    /// Which model.
    pub model: Option<Name>,
    /// How confidential what is on it is.
    pub sensitivity: Option<Sensitivity>,
    /// The site it was registered at.
    pub site: Option<Name>,
}

/// `asset.no_storage_withdrawn`: its media are unknown again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoStorageWithdrawn {}

/// `media.withdrawn`: there is no such medium in the device, and never was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediumWithdrawn {
    /// The device that it was recorded for.
    pub host: Option<AssetId>,
}

/// `media.sanitization_voided`: data may be on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SanitizationVoided {
    /// The entry that reported it.
    pub performed: u64,
}

/// `disposition.voided`: the device is retired and open again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DispositionVoided {
    /// The entry that recorded it.
    pub recorded: u64,
}

/// The act of one correction: the declaration, what follows from it, and the end of what relied on it.
struct Correction<'a> {
    known: &'a Records,
    /// The device, whose disposition and certificate may rely on the entry.
    asset: Option<&'a Asset>,
    about: Subject,
    seq: u64,
    reason: CorrectionReason,
    follows: Vec<Happening>,
}

impl Correction<'_> {
    fn follow(&mut self, event: impl Into<Event>, about: Subject) {
        self.follows.push(Happening::new(event, [about]));
    }

    /// What became of the material is open again where it rested on this.
    fn reopen(&mut self) {
        if let Some((asset, recorded)) =
            self.asset.filter(|asset| asset.status == Status::Disposed).and_then(|asset| Some((asset, asset.disposed_by()?)))
        {
            let voided = DispositionVoided { recorded };
            self.follow(voided, asset_subject(&asset.id));
        }
    }

    fn happenings(mut self, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        if let Some(asset) = self.asset.filter(|asset| asset.past.is_some()) {
            // What was claimed of them goes with the disposal.
            self.known.find_all::<Medium>(&asset.media)?;
        }
        let device = self.asset.iter().flat_map(|asset| std::iter::once(asset.id.as_str()).chain(asset.media.iter().map(MediumId::as_str)));
        let relying: Vec<Key> = device.chain([self.about.id.as_str()]).map(|id| Key::new("certificate.live", id)).collect();
        let mut numbers: Vec<&str> = self.known.owners(&relying)?.into_iter().flatten().collect();
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            let Some(certificate) = self.known.find::<Certificate>(&number.to_owned())? else { continue };
            require_asset(self.known, &certificate.asset)?;
            let revoked = CertificateRevoked { reason: RevocationReason::EntryCorrected };
            self.follows.push(Happening::new(revoked, [Subject::new(SubjectKind::Certificate, &certificate.url), asset_subject(&certificate.asset)]));
        }
        let replacements = self.follows.iter().map(|happening| happening.event.name().to_owned()).collect();
        let declared = EntryCorrected { seq: self.seq, reason: self.reason, replacements };
        let mut act = vec![Happening::new(declared, [self.about])];
        act.append(&mut self.follows);
        Ok(Happening::one_act(act, occasion.fresh(0)))
    }
}

/// What was sanitized under another serial number was sanitized in another device: of the media that are told from others by their device's.
pub(super) fn under_another_serial(known: &Records, asset: &Asset) -> Result<Vec<(SanitizationVoided, Subject)>, Stop> {
    let mut voided = Vec::new();
    let embedded = |medium: &&Medium| medium.identified_by == IdentifiedBy::HostSerial;
    for medium in known.find_all::<Medium>(&asset.media)?.into_iter().flatten().filter(embedded) {
        let counts = medium.sanitization.as_ref().map(|sanitization| sanitization.performed.seq);
        let before = medium.purged_before.filter(|seq| Some(*seq) != counts);
        voided.extend(counts.into_iter().chain(before).map(|performed| (SanitizationVoided { performed }, medium_subject(&medium.id))));
    }
    Ok(voided)
}

/// What travels is not at hand to be looked at again.
fn require_at_rest(asset: &Asset) -> Result<(), Refusal> {
    if asset.in_transit {
        let why = format!("{} is on its way; correct what was recorded of it when it has been received.", asset.tag);
        return Err(Refusal::new("correction.in_transit", why).because(Cause::Entry(asset.last_seq)));
    }
    Ok(())
}

impl Order for CorrectRegistration {
    const ROLES: &'static [Role] = &[Role::Approver];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        require_at_rest(asset)?;
        // Only what differs is amended.
        let amended = AssetAmended {
            tag: self.tag.clone().filter(|tag| *tag != asset.tag),
            serial: self.serial.clone().filter(|serial| asset.serial.as_ref() != Some(serial)),
            category: self.category.filter(|category| *category != asset.category),
            manufacturer: self.manufacturer.clone().filter(|name| *name != asset.manufacturer),
            model: self.model.clone().filter(|name| *name != asset.model),
            sensitivity: self.sensitivity.filter(|sensitivity| *sensitivity != asset.sensitivity),
            site: self.site.clone().filter(|site| *site != asset.home),
        };
        let nothing = AssetAmended { tag: None, serial: None, category: None, manufacturer: None, model: None, sensitivity: None, site: None };
        if amended == nothing {
            let why = format!("Nothing differs from what is recorded of {}; name what is to be corrected, with what is true.", asset.tag);
            return Err(Refusal::new("correction.nothing_differs", why).into());
        }
        if let Some(tag) = &amended.tag
            && let Some(owner) = known.owner(&Asset::tag_key(tag))?.filter(|owner| *owner != asset.id.as_str())
        {
            let why = format!("The tag {tag} belongs to another device already; look at both, and correct that one first.");
            return Err(Refusal::new("registration.tag_taken", why).because(Cause::First(owner.to_owned())).into());
        }
        if let Some(serial) = &amended.serial
            && let Some(owner) = known.owner(&Asset::serial_key(serial))?.filter(|owner| *owner != asset.id.as_str())
        {
            let why = format!("A device with the serial {serial} is registered already under another tag; correct that one first.");
            return Err(Refusal::new("registration.serial_taken", why).because(Cause::First(owner.to_owned())).into());
        }
        let about = asset_subject(&asset.id);
        let mut correction =
            Correction { known, asset: Some(asset), about: about.clone(), seq: asset.registered, reason: self.reason, follows: Vec::new() };
        // Another kind or sensitivity asks for another method.
        let voided = if amended.serial.is_some() { under_another_serial(known, asset)? } else { Vec::new() };
        let reopens = !voided.is_empty() || amended.sensitivity.is_some() || amended.category.is_some();
        correction.follow(amended, about);
        for (voided, medium) in voided {
            correction.follow(voided, medium);
        }
        if reopens {
            correction.reopen();
        }
        correction.happenings(occasion)
    }
}

impl Order for WithdrawNoStorage {
    const ROLES: &'static [Role] = &[Role::Approver];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        require_at_rest(asset)?;
        let Some(seq) = asset.no_storage else {
            let why = format!("Nobody attested that {} has no storage; look at its record.", asset.tag);
            return Err(Refusal::new("correction.not_attested", why).into());
        };
        let about = asset_subject(&asset.id);
        let mut correction = Correction { known, asset: Some(asset), about: about.clone(), seq, reason: self.reason, follows: Vec::new() };
        correction.follow(NoStorageWithdrawn {}, about);
        correction.reopen();
        correction.happenings(occasion)
    }
}

/// A medium with the device that it is in, if it is in one.
fn medium_in<'a>(known: &'a Records, id: &MediumId) -> Result<(&'a Medium, Option<&'a Asset>), Stop> {
    let medium = medium::require(known, id)?;
    let asset = medium.host_of(known)?;
    if let Some(asset) = asset {
        require_at_rest(asset)?;
    } else if medium.consignment.is_some() {
        let why = format!("{} is listed on a consignment; take it off, or correct it when it has been received.", medium.title());
        return Err(Refusal::new("correction.in_transit", why).because(Cause::Entry(medium.last_seq)).into());
    }
    Ok((medium, asset))
}

impl Order for WithdrawMedium {
    const ROLES: &'static [Role] = &[Role::Approver];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let (medium, asset) = medium_in(known, &self.medium)?;
        if medium.state == MediumState::Withdrawn {
            let why = format!("{} is withdrawn already.", medium.title());
            return Err(Refusal::new("correction.withdrawn", why).because(Cause::Entry(medium.last_seq)).into());
        }
        let about = medium_subject(&medium.id);
        let mut correction = Correction { known, asset, about: about.clone(), seq: medium.recorded, reason: self.reason, follows: Vec::new() };
        correction.follow(MediumWithdrawn { host: asset.map(|asset| asset.id.clone()) }, about);
        // Where it was the only one, nobody knows what the device stores.
        if asset.is_some_and(|asset| asset.media.iter().all(|other| other == &medium.id) && asset.no_storage.is_none()) {
            correction.reopen();
        }
        correction.happenings(occasion)
    }
}

impl Order for VoidSanitization {
    const ROLES: &'static [Role] = &[Role::Approver];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let (medium, asset) = medium_in(known, &self.medium)?;
        let Some(sanitization) = &medium.sanitization else {
            let why = format!("No sanitization of {} counts that could be voided; look at its record.", medium.title());
            return Err(Refusal::new("correction.not_sanitized", why).into());
        };
        let (about, performed) = (medium_subject(&medium.id), sanitization.performed.seq);
        let mut correction = Correction { known, asset, about: about.clone(), seq: performed, reason: self.reason, follows: Vec::new() };
        correction.follow(SanitizationVoided { performed }, about);
        correction.reopen();
        correction.happenings(occasion)
    }
}

impl Order for VoidDisposition {
    const ROLES: &'static [Role] = &[Role::Approver];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        require_at_rest(asset)?;
        let Some(recorded) = asset.disposed_by() else {
            let why = format!("What became of {} is not recorded; there is nothing to void, record its disposition.", asset.tag);
            return Err(Refusal::new("correction.no_disposition", why).into());
        };
        let about = asset_subject(&asset.id);
        let mut correction = Correction { known, asset: Some(asset), about: about.clone(), seq: recorded, reason: self.reason, follows: Vec::new() };
        correction.follow(DispositionVoided { recorded }, about);
        correction.happenings(occasion)
    }
}

impl Fact for EntryCorrected {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let corrected = Corrected { seq: self.seq, by: stamp.seq, reason: self.reason };
        if let Some(asset) = about.asset() {
            known.change::<Asset>(&asset, stamp.seq, |asset| asset.corrected.push(corrected.clone()));
        }
        if let Some(medium) = about.medium() {
            known.change::<Medium>(&medium, stamp.seq, |medium| medium.corrected.push(corrected));
        }
    }
    fn sentence(&self) -> String {
        format!("Entry {} was erroneous: {}. It stays in the record; what is true follows.", self.seq, self.reason.label())
    }
}

impl Fact for AssetAmended {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        known.change::<Asset>(&id, stamp.seq, |asset| {
            if let Some(tag) = &self.tag {
                let before = std::mem::replace(&mut asset.tag, tag.clone());
                asset.former_tags.retain(|former| former.normal() != before.normal() && former.normal() != tag.normal());
                if before.normal() != tag.normal() {
                    asset.former_tags.push(before);
                }
            }
            if let Some(serial) = &self.serial {
                asset.serial = Some(serial.clone());
            }
            asset.category = self.category.unwrap_or(asset.category);
            asset.sensitivity = self.sensitivity.unwrap_or(asset.sensitivity);
            if let Some(manufacturer) = &self.manufacturer {
                asset.manufacturer.clone_from(manufacturer);
            }
            if let Some(model) = &self.model {
                asset.model.clone_from(model);
            }
            if let Some(site) = &self.site {
                if asset.handoffs.is_empty() && asset.holder.site == asset.home {
                    asset.holder.site.clone_from(site);
                }
                asset.home.clone_from(site);
            }
        });
    }
    fn sentence(&self) -> String {
        let text = |what: &str, value: Option<String>| value.map(|value| format!("{what} {value}"));
        let parts = [
            text("tag", self.tag.as_ref().map(ToString::to_string)),
            text("serial number", self.serial.as_ref().map(ToString::to_string)),
            text("kind", self.category.map(|category| category.label().to_owned())),
            text("maker", self.manufacturer.as_ref().map(ToString::to_string)),
            text("model", self.model.as_ref().map(ToString::to_string)),
            text("sensitivity", self.sensitivity.map(|sensitivity| sensitivity.label().to_owned())),
            text("site", self.site.as_ref().map(ToString::to_string)),
        ];
        format!("Registration corrected: {}.", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

impl Fact for NoStorageWithdrawn {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        if let Some(id) = about.asset() {
            known.change::<Asset>(&id, stamp.seq, |asset| asset.no_storage = None);
        }
    }
    fn sentence(&self) -> String {
        "The attestation that it has no storage is withdrawn; its media are unknown.".to_owned()
    }
}

impl Fact for MediumWithdrawn {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.medium() else { return };
        known.change::<Medium>(&id, stamp.seq, |medium| {
            medium.void_sanitization();
            medium.state = MediumState::Withdrawn;
        });
        if let Some(host) = &self.host {
            known.change::<Asset>(host, stamp.seq, |asset| asset.forget(&id));
        }
    }
    fn sentence(&self) -> String {
        "Medium withdrawn: it was recorded in error.".to_owned()
    }
}

impl Fact for SanitizationVoided {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.medium() else { return };
        medium::change(known, &id, stamp.seq, |medium| {
            let purged_before = medium.purged_before.filter(|seq| *seq != self.performed);
            medium.void_sanitization();
            medium.purged_before = purged_before;
            // What failed before it has still failed.
            if !medium.failed.is_empty() {
                medium.state = MediumState::Failed;
            }
        });
    }
    fn sentence(&self) -> String {
        format!("Sanitization of entry {} voided: data may be on the medium.", self.performed)
    }
}

impl Fact for DispositionVoided {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        let mut claimed = Vec::new();
        known.change::<Asset>(&id, stamp.seq, |asset| {
            let past = asset.past.take();
            claimed = asset.media.clone();
            claimed.retain(|medium| asset.state_of(medium) == Some(MediumState::Unknown));
            asset.disposition = None;
            if asset.status == Status::Disposed {
                asset.status = past.and_then(|past| past.was).unwrap_or(Status::Retired);
            }
        });
        for medium in claimed {
            medium::change(known, &medium, stamp.seq, |medium| medium.state = MediumState::DataPresent);
        }
    }
    fn sentence(&self) -> String {
        format!("Disposition of entry {} voided: the device is open again.", self.recorded)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::certification::judge;
    use super::super::story::{DISTRICT, Story, actor};
    use super::*;

    fn asset(story: &Story, id: &str) -> Asset {
        story.known().find::<Asset>(&AssetId::parse(id).unwrap()).unwrap().unwrap().clone()
    }
    fn medium(story: &Story, id: &str) -> Medium {
        story.known().find::<Medium>(&MediumId::parse(id).unwrap()).unwrap().unwrap().clone()
    }
    fn events(happenings: &[Happening]) -> Vec<&str> {
        happenings.iter().map(|happening| happening.event.name()).collect()
    }

    /// A device with a live certificate: `(device, medium, number)`.
    fn certified(story: &mut Story) -> (String, String) {
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let (device, disk) = story.retired("A1", "hdd_ata", "moderate");
        story.destroyed(&disk);
        let recycled = json!({"asset": device, "outcome": "recycled",
            "mass": {"weight_grams": 2000, "weight_basis": "scale", "recovered_grams": 1500, "energy_grams": 300, "landfill_grams": 200}});
        story.done(&coordinator, "record_disposition", recycled);
        let verdict = judge(story.known(), &AssetId::parse(&device).unwrap(), story.policy()).unwrap();
        let issue = json!({"asset": device, "number": "N-1", "url": "https://x.example/certificates/N-1", "credential_sha256": "c".repeat(64),
            "status_list": "https://x.example/status/1", "status_index": 7, "basis": verdict.basis, "shown": []});
        story.done(&coordinator, "issue_certificate", issue);
        (device, disk)
    }

    #[test]
    fn a_voided_sanitization_takes_disposition_and_certificate_with_it() {
        let mut story = Story::new();
        let (device, disk) = certified(&mut story);
        let (coordinator, approver) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::Approver, DISTRICT, 1));
        let performed = medium(&story, &disk).sanitization.unwrap().performed.seq;
        let body = json!({"medium": disk, "reason": "wrong_thing"});
        story.refused(&coordinator, "void_sanitization", body.clone(), "command.wrong_role");
        let happenings = story.when(&approver, "void_sanitization", body.clone()).unwrap();
        assert_eq!(events(&happenings), ["entry.corrected", "media.sanitization_voided", "disposition.voided", "certificate.revoked"]);
        let Event::EntryCorrected(corrected) = &happenings[0].event else { panic!() };
        assert_eq!((corrected.seq, corrected.replacements.len()), (performed, 3));
        let batches: Vec<_> = happenings.iter().map(|happening| happening.batch.clone().unwrap()).collect();
        assert!(batches.iter().all(|(id, ..)| id == &batches[0].0));
        assert_eq!(batches.iter().map(|(_, part, of)| (*part, *of)).collect::<Vec<_>>(), [(1, None), (2, None), (3, None), (4, Some(4))]);
        story.done(&approver, "void_sanitization", body.clone());
        let (device, disk) = (asset(&story, &device), medium(&story, &disk));
        assert_eq!((device.status, &device.disposition, &device.certificate), (Status::Retired, &None, &None));
        assert_eq!((disk.state, disk.corrected[0].seq, disk.purged_before), (MediumState::DataPresent, performed, None));
        let certificate = story.known().find::<Certificate>(&"N-1".to_owned()).unwrap().unwrap();
        assert_eq!(certificate.revoked, Some(RevocationReason::EntryCorrected));
        story.refused(&approver, "void_sanitization", body, "correction.not_sanitized");
    }

    #[test]
    fn a_wrong_serial_is_amended_and_given_up() {
        let mut story = Story::new();
        let (device, _) = certified(&mut story);
        let (other, _) = story.retired("A2", "hdd_ata", "low");
        let approver = actor(Role::Approver, DISTRICT, 1);
        let correct = |id: &str, serial: &str| json!({"asset": id, "reason": "misread", "serial": serial});
        story.refused(&approver, "correct_registration", correct(&device, "SA2"), "registration.serial_taken");
        story.refused(&approver, "correct_registration", correct(&device, "SA1"), "correction.nothing_differs");
        let body = json!({"asset": device, "reason": "misread", "serial": "SA1X", "model": "Other", "site": "Elsewhere"});
        assert_eq!(
            events(&story.when(&approver, "correct_registration", body.clone()).unwrap()),
            ["entry.corrected", "asset.amended", "certificate.revoked"]
        );
        story.done(&approver, "correct_registration", body);
        let amended = asset(&story, &device);
        assert_eq!((amended.serial.unwrap().as_str(), amended.model.as_str()), ("SA1X", "Other"));
        assert_eq!((amended.home.as_str(), amended.holder.site.as_str(), amended.corrected[0].seq), ("Elsewhere", "Elsewhere", amended.registered));
        // The serial number that was wrong is free again.
        story.done(&approver, "correct_registration", correct(&other, "SA1"));
    }

    #[test]
    fn a_wrong_tag_is_amended_and_kept_in_mind() {
        let mut story = Story::new();
        let (device, _) = story.retired("A1", "hdd_ata", "low");
        let (other, _) = story.retired("A2", "hdd_ata", "low");
        let approver = actor(Role::Approver, DISTRICT, 1);
        let correct = |id: &str, tag: &str| json!({"asset": id, "reason": "misread", "tag": tag});
        let why = story.refused(&approver, "correct_registration", correct(&device, "a2"), "registration.tag_taken");
        assert!(why.contains("another device"), "{why}");
        story.refused(&approver, "correct_registration", correct(&device, "A1"), "correction.nothing_differs");
        let told = story.when(&approver, "correct_registration", correct(&device, "A7")).unwrap();
        assert_eq!((events(&told), told[1].event.sentence().as_str()), (vec!["entry.corrected", "asset.amended"], "Registration corrected: tag A7."));
        story.done(&approver, "correct_registration", correct(&device, "A7"));
        let former = |story: &Story| asset(story, &device).former_tags.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!((asset(&story, &device).tag.as_str(), former(&story)), ("A7", vec!["A1".to_owned()]));
        // The tag that was wrong is free for the device that has it, and what was right before is not a former one.
        story.done(&approver, "correct_registration", correct(&other, "A1"));
        story.done(&approver, "correct_registration", correct(&device, "a7"));
        assert_eq!(former(&story), ["A1"]);
        story.done(&approver, "correct_registration", correct(&device, "A8"));
        assert_eq!(former(&story), ["A1", "a7"]);
        story.done(&approver, "correct_registration", correct(&device, "A7"));
        assert_eq!(former(&story), ["A1", "A8"]);
    }

    #[test]
    fn a_sanitization_under_a_wrong_serial_number_does_not_count() {
        let mut story = Story::new();
        let (coordinator, approver) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::Approver, DISTRICT, 1));
        let (device, flash) = story.retired("A1", "emmc", "moderate");
        story.destroyed(&flash);
        let recycled = json!({"asset": device, "outcome": "recycled",
            "mass": {"weight_grams": 2000, "weight_basis": "scale", "recovered_grams": 1500, "energy_grams": 300, "landfill_grams": 200}});
        story.done(&coordinator, "record_disposition", recycled);
        let body = json!({"asset": device, "reason": "misread", "serial": "SA1X"});
        assert_eq!(
            events(&story.when(&approver, "correct_registration", body.clone()).unwrap()),
            ["entry.corrected", "asset.amended", "media.sanitization_voided", "disposition.voided"]
        );
        story.done(&approver, "correct_registration", body);
        let (device, flash) = (asset(&story, &device), medium(&story, &flash));
        assert_eq!((device.status, device.data_gone(), flash.state, flash.sanitization), (Status::Retired, false, MediumState::DataPresent, None));
    }

    #[test]
    fn another_sensitivity_or_kind_opens_what_became_of_the_device() {
        for (member, value) in [("sensitivity", "high"), ("category", "server")] {
            let mut story = Story::new();
            let (device, _) = certified(&mut story);
            let body = json!({"asset": device, "reason": "misread", member: value});
            let approver = actor(Role::Approver, DISTRICT, 1);
            let expected = ["entry.corrected", "asset.amended", "disposition.voided", "certificate.revoked"];
            assert_eq!(events(&story.when(&approver, "correct_registration", body.clone()).unwrap()), expected, "{member}");
            story.done(&approver, "correct_registration", body);
            assert_eq!((asset(&story, &device).status, asset(&story, &device).disposition), (Status::Retired, None), "{member}");
        }
    }

    #[test]
    fn a_wrong_medium_and_a_wrong_attestation_are_withdrawn() {
        let mut story = Story::new();
        let (device, disk) = certified(&mut story);
        let (coordinator, approver) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::Approver, DISTRICT, 1));
        let body = json!({"medium": disk, "reason": "wrong_thing"});
        story.done(&approver, "withdraw_medium", body.clone());
        story.refused(&approver, "withdraw_medium", body, "correction.withdrawn");
        let reopened = asset(&story, &device);
        assert_eq!((reopened.media.len(), reopened.status, medium(&story, &disk).state), (0, Status::Retired, MediumState::Withdrawn));
        let refusal = judge(story.known(), &reopened.id, story.policy()).unwrap_err();
        assert!(matches!(refusal, Stop::Refused(refusal) if refusal.missing.iter().any(|why| why.contains("media of A1 are unknown"))));
        // The same serial number can be recorded where it belongs.
        let (other, _) = story.retired("A2", "hdd_ata", "low");
        story.done(&coordinator, "record_media", json!({"asset": other, "media": [{"serial": "MA1", "media_type": "hdd_ata"}]}));

        story.refused(&approver, "withdraw_no_storage", json!({"asset": device, "reason": "disproved"}), "correction.not_attested");
        story.done(&coordinator, "attest_no_storage", json!({"asset": device, "basis": "removed"}));
        story.done(&approver, "withdraw_no_storage", json!({"asset": device, "reason": "disproved"}));
        assert_eq!(asset(&story, &device).no_storage, None);
        story.refused(&approver, "void_disposition", json!({"asset": device, "reason": "never_happened"}), "correction.no_disposition");
    }
}
