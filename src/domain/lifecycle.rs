//! Lifecycle inside the organisation: repair, redeployment, retirement, and the way back from it.

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Holder, Status};
use super::disposition::{Destination, data_missing};
use super::loose_media::{RemovalCause, removed};
use super::medium::{self, Medium};
use super::names::{AssetId, IdentifiedBy, Instant, MediumId, Name, PartyId, Reference, Role, codes};
use super::parties::PartyKind;
use super::preparation::Preparation;
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::registration::{Found, MediumSeen, media_recorded, require_host_serial};
use super::{Fact, Happening, Occasion, Order, Stamp, Subjects, about, parties, require_asset};

codes! {
    /// What is wrong with a device that goes to repair.
    Fault {
        Screen = "screen", "screen";
        Keyboard = "keyboard", "keyboard or touchpad";
        Battery = "battery", "battery";
        Storage = "storage", "storage";
        Board = "board", "main board";
        Other = "other", "another fault";
    }
}

codes! {
    /// Why a device is retired.
    RetireReason {
        EndOfLife = "end_of_life", "end of life";
        EndOfSupport = "end_of_support", "the maker's support has ended";
        BeyondRepair = "beyond_repair", "beyond economic repair";
        Surplus = "surplus", "no longer needed";
    }
}

codes! {
    /// Why an approver lets a device go to a repairer who has not promised confidentiality.
    RepairOverride {
        Supervised = "supervised", "the work is supervised on site";
        Encrypted = "encrypted", "the data is encrypted and the keys stay here";
        RiskAccepted = "risk_accepted", "the risk is accepted";
    }
}

codes! {
    /// How a medium was found when its device came back.
    MediumCheck {
        Same = "same", "the same one, in its place";
        Returned = "returned", "swapped; the old one came back beside it";
        Kept = "kept", "swapped; the old one stayed with the repairer";
        Unaccounted = "unaccounted", "gone, and nobody can say where";
    }
}

/// A repair: where, under which promise, and when the device came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// The entry that sent it.
    pub sent: u64,
    /// When.
    pub sent_at: Instant,
    /// What was wrong.
    pub fault: Fault,
    /// The repairer; none where the organisation repairs itself.
    pub vendor: Option<Holder>,
    /// The contract by which the repairer keeps confidential what it sees.
    pub contract: Option<Reference>,
    /// The entry that took it back.
    pub returned: Option<u64>,
}

impl Repair {
    /// Whether the device left the organisation's control: a repairer who has promised nothing had it.
    pub fn leaves_control(&self) -> bool {
        self.vendor.is_some() && self.contract.is_none()
    }
}

/// Sends a device to repair, in the house or at a vendor's. Without a contract that keeps confidential what the repairer sees it leaves the
/// organisation's control: then its data has to be gone before, or an approver says why it goes all the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendToRepair {
    /// The device.
    pub asset: AssetId,
    /// What is wrong.
    pub fault: Fault,
    /// The repairer; none where the organisation repairs itself.
    pub vendor: Option<PartyId>,
    /// The repairer's site.
    pub vendor_site: Option<Name>,
    /// The contract with the repairer that promises confidentiality; where none is named, the one on record that is in force on that day.
    pub contract: Option<Reference>,
    /// Why an approver lets it go without one.
    #[serde(rename = "override")]
    pub overridden: Option<RepairOverride>,
}

/// `asset.sent_to_repair`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentToRepair {
    /// What is wrong.
    pub fault: Fault,
    /// The repairer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<Holder>,
    /// The contract that promises confidentiality.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<Reference>,
    /// Why it goes without one.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub overridden: Option<RepairOverride>,
}

/// A medium, looked for when its device came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediumChecked {
    /// The medium on record.
    pub medium: MediumId,
    /// How it was found.
    pub found: MediumCheck,
    /// What is in its place now.
    pub replacement: Option<MediumSeen>,
}

/// Takes a device back from repair. Every medium on record is looked for: the serial number is read again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnFromRepair {
    /// The device.
    pub asset: AssetId,
    /// Where it goes: `in_stock` or `in_service`.
    pub status: Status,
    /// Each medium on record, as it was found.
    #[serde(default)]
    pub media: Vec<MediumChecked>,
}

/// `asset.repaired`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repaired {
    /// In stock or in service.
    pub status: Status,
    /// Who has it again; none where it never left the house.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// Media that were found in their place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked: Option<u32>,
}

codes! {
    /// Why a retired device is taken back into service.
    ReturnReason {
        NeededAgain = "needed_again", "it is needed again";
        RetiredByMistake = "retired_by_mistake", "it was retired by mistake";
    }
}

/// Takes a retired device that has not left back into service.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnToService {
    /// The device.
    pub asset: AssetId,
    /// Why.
    pub reason: ReturnReason,
}

/// `asset.returned_to_service`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnedToService {
    /// Why.
    pub reason: ReturnReason,
}

/// Puts a device to use again, here or at another site.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redeploy {
    /// The device.
    pub asset: AssetId,
    /// Where it is used from now on.
    pub site: Name,
}

/// `asset.redeployed`: data may be on its media again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redeployed {
    /// Where it is used from now on.
    pub site: Name,
}

/// Withdraws a device from use.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retire {
    /// The device.
    pub asset: AssetId,
    /// Why.
    pub reason: RetireReason,
}

/// `asset.retired`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retired {
    /// Why.
    pub reason: RetireReason,
}

/// Refuses unless the device has one of the `allowed` states and does not travel.
pub(super) fn require_status(asset: &Asset, verb: &str, allowed: &[Status]) -> Result<(), Refusal> {
    if !allowed.contains(&asset.status) {
        let words: Vec<_> = allowed.iter().map(|status| status.label()).collect();
        let why = format!("{} is {}; only a device that is {} can be {verb}.", asset.tag, asset.status.label(), words.join(" or "));
        return Err(Refusal::new("lifecycle.wrong_status", why).because(Cause::Entry(asset.last_seq)));
    }
    if asset.consignment.is_some() || asset.in_transit {
        let why = format!("{} is on a consignment; take it off first.", asset.tag);
        return Err(Refusal::new("lifecycle.on_consignment", why).because(Cause::Entry(asset.last_seq)));
    }
    asset.require_free("lifecycle.held")
}

/// Refuses what is in another party's hands.
pub(super) fn require_here(asset: &Asset, occasion: &Occasion, verb: &str) -> Result<(), Refusal> {
    if asset.holder.party == occasion.actor.party {
        return Ok(());
    }
    Err(Refusal::new("lifecycle.elsewhere", format!("{} is in another party's hands; it has to come back before it can be {verb}.", asset.tag)))
}

/// Refuses what was destroyed: a device with a destroyed medium in it is not used again.
pub(super) fn require_whole(known: &Records, asset: &Asset, verb: &str) -> Result<(), Stop> {
    match known.find_all::<Medium>(&asset.media)?.into_iter().flatten().find(|medium| medium.is_destroyed()) {
        None => Ok(()),
        Some(medium) => {
            let why = format!("{} of {} is destroyed: the device cannot be {verb} with it; take the medium out first.", medium.title(), asset.tag);
            Err(Refusal::new("lifecycle.destroyed", why).because(Cause::Entry(medium.last_seq)).into())
        }
    }
}

impl Order for SendToRepair {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::Approver];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        require_status(asset, "sent to repair", &[Status::InService, Status::InStock])?;
        require_whole(known, asset, "repaired")?;
        let vendor = match (&self.vendor, &self.vendor_site) {
            (None, None) => None,
            (Some(id), Some(site)) => {
                let vendor = parties::require(known, id)?;
                if vendor.kind != PartyKind::Vendor {
                    let why = "In the house nobody else gets it: leave vendor and vendor_site out.";
                    return Err(Refusal::new("lifecycle.own_house", why).into());
                }
                if !vendor.sites.contains(site) {
                    let why = format!("{} has no site “{site}”; it has: {}.", vendor.name, vendor.sites_in_words());
                    return Err(Refusal::new("lifecycle.unknown_site", why).into());
                }
                Some(Holder { party: id.clone(), site: site.clone() })
            }
            _ => {
                return Err(Refusal::new("lifecycle.vendor_site", "Give both the vendor that repairs it and the vendor's site, or neither.").into());
            }
        };
        // A contract of the vendor's that is on record need not be named again.
        let day = occasion.occurred.utc().date_naive();
        let bound = vendor.as_ref().map(|holder| parties::require(known, &holder.party)).transpose()?.and_then(|party| party.confidential_on(day));
        let contract = self.contract.clone().or_else(|| bound.map(|contract| contract.reference.clone()));
        let leaves = vendor.is_some() && contract.is_none();
        if self.overridden.is_some() && (!leaves || occasion.actor.role != Role::Approver) {
            let why = "Only an approver lets a device go to a repairer without a contract; leave override out.";
            return Err(Refusal::new("lifecycle.approver_only", why).into());
        }
        if vendor.is_none() && self.contract.is_some() {
            return Err(Refusal::new("lifecycle.own_house", "In the house no contract is needed: leave it out, or name the vendor.").into());
        }
        if leaves && self.overridden.is_none() {
            let missing = data_missing(known, asset, Destination::ExternalReuse, occasion.policy)?;
            if !missing.is_empty() {
                let why = format!(
                    "Without a contract that promises confidentiality {} leaves the organisation's control: name the contract, or an approver has to \
                     let it go (override). For a device without data neither would be needed: {}",
                    asset.tag,
                    missing.join(" ")
                );
                return Err(Refusal::listing("lifecycle.no_contract", why, missing).into());
            }
        }
        let event = SentToRepair { fault: self.fault, vendor, contract, overridden: self.overridden };
        Ok(vec![Happening::new(event, about(asset))])
    }
}

impl Fact for SentToRepair {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        known.change::<Asset>(&id, stamp.seq, |asset| {
            asset.status = Status::InRepair;
            asset.assignment = None;
            if let Some(vendor) = &self.vendor {
                asset.holder = vendor.clone();
            }
            asset.repairs.push(Repair {
                sent: stamp.seq,
                sent_at: stamp.occurred,
                fault: self.fault,
                vendor: self.vendor.clone(),
                contract: self.contract.clone(),
                returned: None,
            });
        });
    }
    fn sentence(&self) -> String {
        let fault = self.fault.label();
        match (&self.vendor, &self.contract, self.overridden) {
            (None, ..) => format!("Sent to repair: {fault}."),
            (Some(vendor), Some(contract), _) => format!("Sent to repair at {}, under the contract {contract}: {fault}.", vendor.site),
            (Some(vendor), None, None) => format!("Sent to repair at {}, without a contract and without data: {fault}.", vendor.site),
            (Some(vendor), None, Some(why)) => {
                format!("Sent to repair at {}, out of the organisation's control ({}): {fault}.", vendor.site, why.label())
            }
        }
    }
}

impl Order for ReturnFromRepair {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        require_status(asset, "returned from repair", &[Status::InRepair])?;
        if !matches!(self.status, Status::InStock | Status::InService) {
            return Err(Refusal::new(
                "lifecycle.return_status",
                "A repaired device goes back in_stock or in_service; retire it afterwards if it is not worth keeping.",
            )
            .into());
        }
        known.find_all::<Medium>(&asset.media)?;
        let mut given: Vec<&MediumId> = self.media.iter().map(|checked| &checked.medium).collect();
        let mut recorded: Vec<&MediumId> = asset.media.iter().collect();
        given.sort();
        recorded.sort();
        if given != recorded {
            let why = format!(
                "Look for each of the {} media on record of {} and say once how it was found: the same, swapped or gone; swapped drives hold data.",
                recorded.len(),
                asset.tag
            );
            return Err(Refusal::new("lifecycle.media_not_checked", why).into());
        }
        if self.media.iter().any(|checked| checked.found == MediumCheck::Same && checked.replacement.is_some()) {
            let why = "Where the same medium is in its place nothing replaces it: leave replacement out, or say that it was swapped.";
            return Err(Refusal::new("lifecycle.replacement", why).into());
        }
        require_whole(known, asset, "used again")?;
        let house = Holder { party: occasion.actor.party.clone(), site: asset.home.clone() };
        let holder = (asset.holder.party != house.party).then(|| house.clone());
        let same = self.media.iter().filter(|checked| checked.found == MediumCheck::Same).count();
        let checked = (!self.media.is_empty()).then(|| u32::try_from(same).unwrap_or(u32::MAX));
        let mut happenings = vec![Happening::new(Repaired { status: self.status, holder, checked }, about(asset))];
        let mut replaced = Vec::new();
        for checked in &self.media {
            let (cause, holder) = match checked.found {
                MediumCheck::Same => continue,
                MediumCheck::Returned => (RemovalCause::Swapped, house.clone()),
                MediumCheck::Kept => (RemovalCause::Swapped, asset.holder.clone()),
                MediumCheck::Unaccounted => (RemovalCause::Absent, asset.holder.clone()),
            };
            happenings.push(removed(&checked.medium, asset, cause, holder));
            replaced.extend(checked.replacement.clone());
        }
        let stays = |medium: &&Medium| self.media.iter().any(|checked| checked.medium == medium.id && checked.found == MediumCheck::Same);
        let embedded = known
            .find_all::<Medium>(&asset.media)?
            .into_iter()
            .flatten()
            .filter(stays)
            .any(|medium| medium.identified_by == IdentifiedBy::HostSerial);
        require_host_serial(&asset.tag, asset.serial.is_some(), &replaced)?;
        if embedded && replaced.iter().any(|medium| medium.serial.is_none()) {
            return Err(Refusal::new("registration.two_embedded", format!("The embedded storage of {} is recorded already.", asset.tag)).into());
        }
        happenings.extend(media_recorded(&Found::In(&asset.id), &replaced, known, occasion)?);
        Ok(happenings)
    }
}

impl Fact for Repaired {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        let mut media = Vec::new();
        known.change::<Asset>(&id, stamp.seq, |asset| {
            asset.status = self.status;
            asset.repaired = Some(stamp.seq);
            if let Some(holder) = &self.holder {
                asset.holder = holder.clone();
            }
            if let Some(repair) = asset.repairs.last_mut() {
                repair.returned = Some(stamp.seq);
                if repair.leaves_control() {
                    asset.custody_since = Some(stamp.seq);
                }
            }
            media.clone_from(&asset.media);
        });
        // In repair others had the device in their hands: what was sanitized before does not count any more.
        for medium in media {
            medium::change(known, &medium, stamp.seq, Medium::void_sanitization);
        }
    }
    fn sentence(&self) -> String {
        match self.checked {
            Some(checked) => format!("Returned from repair, {}; {checked} media found in their place.", self.status.label()),
            None => format!("Returned from repair, {}.", self.status.label()),
        }
    }
}

impl Order for ReturnToService {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        require_status(asset, "returned to service", &[Status::Retired])?;
        require_here(asset, occasion, "returned to service")?;
        let released = asset.handoffs.iter().any(|handoff| asset.retired_seq.is_none_or(|retired| handoff.released.0 > retired));
        if released {
            let why = format!("{} has left since it was retired: have it sanitized, and redeploy it.", asset.tag);
            return Err(Refusal::new("lifecycle.released_before", why).into());
        }
        require_whole(known, asset, "used again")?;
        Ok(vec![Happening::new(ReturnedToService { reason: self.reason }, about(asset))])
    }
}

impl Fact for ReturnedToService {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        let mut media = Vec::new();
        known.change::<Asset>(&id, stamp.seq, |asset| {
            asset.status = Status::InService;
            asset.retired_at = None;
            asset.retired_seq = None;
            asset.preparation = Preparation::default();
            asset.disposition = None;
            media.clone_from(&asset.media);
        });
        for medium in media {
            medium::change(known, &medium, stamp.seq, Medium::void_sanitization);
        }
    }
    fn sentence(&self) -> String {
        format!("Returned to service: {}.", self.reason.label())
    }
}

impl Order for Redeploy {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        require_status(asset, "redeployed", &[Status::InStock, Status::InService, Status::Retired])?;
        require_here(asset, occasion, "redeployed")?;
        require_whole(known, asset, "used again")?;
        if asset.status == Status::Retired {
            let missing = data_missing(known, asset, Destination::InternalReuse, occasion.policy)?;
            if !missing.is_empty() {
                let why = format!("{} cannot be given to others yet: {}", asset.tag, missing.join(" "));
                return Err(Refusal::listing("lifecycle.not_clean", why, missing).into());
            }
        }
        Ok(vec![Happening::new(Redeployed { site: self.site.clone() }, about(asset))])
    }
}

impl Fact for Redeployed {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        let mut media = Vec::new();
        known.change::<Asset>(&id, stamp.seq, |asset| {
            asset.status = Status::InService;
            asset.holder.site.clone_from(&self.site);
            asset.home.clone_from(&self.site);
            asset.redeployed = Some(stamp.seq);
            asset.assignment = None;
            asset.retired_at = None;
            asset.retired_seq = None;
            asset.preparation = Preparation::default();
            asset.disposition = None;
            media.clone_from(&asset.media);
        });
        for medium in media {
            medium::change(known, &medium, stamp.seq, Medium::void_sanitization);
        }
    }
    fn sentence(&self) -> String {
        format!("Redeployed to {}; earlier sanitization counts for the past only.", self.site)
    }
}

impl Order for Retire {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::Approver, Role::SchoolContact];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        occasion.may_touch(asset)?;
        require_status(asset, "retired", &[Status::InStock, Status::InService, Status::InRepair])?;
        if asset.status == Status::InRepair && asset.holder.party != occasion.actor.party {
            let why = format!("{} is at the repairer's; take it back first (return_from_repair), and look for its media.", asset.tag);
            return Err(Refusal::new("lifecycle.at_repairer", why).into());
        }
        Ok(vec![Happening::new(Retired { reason: self.reason }, about(asset))])
    }
}

impl Fact for Retired {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        if let Some(id) = about.asset() {
            known.change::<Asset>(&id, stamp.seq, |asset| {
                asset.status = Status::Retired;
                asset.assignment = None;
                asset.preparation = Preparation::default();
                asset.retired_at = Some(stamp.occurred);
                asset.retired_seq = Some(stamp.seq);
            });
        }
    }
    fn sentence(&self) -> String {
        format!("Retired: {}.", self.reason.label())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::medium::MediumState;
    use super::super::names::Role;
    use super::super::story::{DISTRICT, Story, VENDOR, actor};
    use super::super::{Actor, SubjectKind};

    fn coordinator() -> Actor {
        actor(Role::Coordinator, DISTRICT, 1)
    }
    /// A device in use with one drive: `(device, drive)`.
    fn in_use(story: &mut Story) -> (String, String) {
        let body = json!({"tag": "A1", "serial": "SA1", "category": "laptop", "manufacturer": "M", "model": "M", "sensitivity": "moderate", "site": "School",
            "status": "in_service", "media": [{"serial": "DRV-1", "media_type": "hdd_ata"}]});
        let about = story.done(&coordinator(), "register_asset", body);
        let id = |kind| about.iter().find(|(of, _)| *of == kind).unwrap().1.clone();
        (id(SubjectKind::Asset), id(SubjectKind::Medium))
    }
    fn at_vendor(device: &str) -> Value {
        json!({"asset": device, "fault": "board", "vendor": VENDOR, "vendor_site": "Site"})
    }

    #[test]
    fn a_repairer_without_a_contract_takes_it_out_of_control() {
        let mut story = Story::new();
        let (device, drive) = in_use(&mut story);
        let why = story.refused(&coordinator(), "send_to_repair", at_vendor(&device), "lifecycle.no_contract");
        assert!(why.contains("name the contract, or an approver has to let it go (override)"), "{why}");
        let mut risky = at_vendor(&device);
        risky["override"] = json!("risk_accepted");
        story.refused(&coordinator(), "send_to_repair", risky.clone(), "lifecycle.approver_only");
        story.done(&actor(Role::Approver, DISTRICT, 1), "send_to_repair", risky);
        assert_eq!(story.asset(&device).holder.party.as_str(), VENDOR);
        story.refused(&coordinator(), "retire", json!({"asset": device, "reason": "beyond_repair"}), "lifecycle.at_repairer");
        let back = json!({"asset": device, "status": "in_stock", "media": [{"medium": drive, "found": "same"}]});
        story.done(&coordinator(), "return_from_repair", back);
        let asset = story.asset(&device);
        assert_eq!((asset.holder.party.as_str(), asset.holder.site.as_str()), (DISTRICT, "School"));
        assert!(asset.custody_since.is_some() && asset.concerns(&actor(Role::VendorOperator, VENDOR, 1).party));
    }

    #[test]
    fn a_contract_on_record_need_not_be_named_while_it_is_in_force() {
        let mut story = Story::new();
        let (device, drive) = in_use(&mut story);
        let approver = actor(Role::Approver, DISTRICT, 1);
        let contract = |reference: &str, ends_on: &str, confidentiality: bool| json!({"party": VENDOR, "reference": reference, "starts_on": "2020-01-01", "ends_on": ends_on, "confidentiality": confidentiality});
        // The clock of these tests stands at 21 Sep 2026.
        story.done(&approver, "record_contract", contract("K1", "2026-09-20", true));
        story.done(&approver, "record_contract", contract("K2", "2026-09-21", false));
        story.refused(&coordinator(), "send_to_repair", at_vendor(&device), "lifecycle.no_contract");
        story.done(&approver, "record_contract", contract("K3", "2026-09-21", true));
        story.done(&coordinator(), "send_to_repair", at_vendor(&device));
        assert_eq!(story.asset(&device).repairs[0].contract.as_ref().unwrap().as_str(), "K3");
        story.done(
            &coordinator(),
            "return_from_repair",
            json!({"asset": device, "status": "in_stock", "media": [{"medium": drive, "found": "same"}]}),
        );
        assert!(story.asset(&device).custody_since.is_none());
    }

    #[test]
    fn without_data_a_device_needs_no_contract() {
        let mut story = Story::new();
        let (device, drive) = in_use(&mut story);
        story.done(&coordinator(), "retire", json!({"asset": device, "reason": "surplus"}));
        story.done(&coordinator(), "harvest_medium", json!({"medium": drive}));
        story.done(&coordinator(), "attest_no_storage", json!({"asset": device, "basis": "removed"}));
        story.done(&coordinator(), "return_to_service", json!({"asset": device, "reason": "needed_again"}));
        story.done(&coordinator(), "send_to_repair", at_vendor(&device));
    }

    #[test]
    fn a_swapped_drive_is_a_new_medium_and_the_old_one_needs_its_own_fate() {
        let mut story = Story::new();
        let (device, drive) = in_use(&mut story);
        let mut send = at_vendor(&device);
        send["contract"] = json!("MSA-1");
        story.done(&coordinator(), "send_to_repair", send);
        let back = |media: Value| json!({"asset": device, "status": "in_service", "media": media});
        story.refused(&coordinator(), "return_from_repair", back(json!([])), "lifecycle.media_not_checked");
        let new = json!({"serial": "DRV-2", "media_type": "ssd_sata"});
        let same = back(json!([{"medium": drive, "found": "same", "replacement": new}]));
        story.refused(&coordinator(), "return_from_repair", same, "lifecycle.replacement");
        story.done(&coordinator(), "return_from_repair", back(json!([{"medium": drive, "found": "kept", "replacement": new}])));
        let asset = story.asset(&device);
        assert_eq!((asset.media.len(), asset.media_states.as_slice()), (1, &[MediumState::DataPresent][..]));
        assert!(asset.media[0].as_str() != drive);
        // The repairer has the old one, and has to destroy it.
        assert_eq!(story.medium(&drive).holder.as_ref().unwrap().party.as_str(), VENDOR);
        let melt = json!({"medium": drive, "technique": "melt", "statement": {"facility": "F", "facility_batch": "B"}});
        story.done(&actor(Role::VendorOperator, VENDOR, 1), "record_sanitization", melt);
    }

    #[test]
    fn a_drive_that_nobody_can_account_for_is_looked_for() {
        let mut story = Story::new();
        let (device, drive) = in_use(&mut story);
        story.done(&coordinator(), "send_to_repair", json!({"asset": device, "fault": "board"}));
        let back = json!({"asset": device, "status": "in_stock", "media": [{"medium": drive, "found": "unaccounted"}]});
        story.done(&coordinator(), "return_from_repair", back);
        assert_eq!(story.medium(&drive).state, MediumState::Absent);
        let melt = json!({"medium": drive, "technique": "melt", "statement": {"facility": "F", "facility_batch": "B"}});
        story.refused(&coordinator(), "record_sanitization", melt, "sanitization.not_at_rest");
        story.done(&coordinator(), "report_medium_found", json!({"medium": drive, "site": "Drawer"}));
        assert_eq!(story.medium(&drive).state, MediumState::DataPresent);
    }

    #[test]
    fn what_is_destroyed_is_not_used_again() {
        let mut story = Story::new();
        let (device, drive) = story.retired("B1", "hdd_ata", "low");
        story.destroyed(&drive);
        let again = json!({"asset": device, "reason": "needed_again"});
        story.refused(&coordinator(), "return_to_service", again.clone(), "lifecycle.destroyed");
        story.refused(&coordinator(), "redeploy", json!({"asset": device, "site": "S"}), "lifecycle.destroyed");
        story.done(&coordinator(), "harvest_medium", json!({"medium": drive}));
        story.done(&coordinator(), "return_to_service", again);
        assert_eq!(story.medium(&drive).state, MediumState::Destroyed);
    }
}
