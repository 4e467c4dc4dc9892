//! Missing: what was lost or stolen, the clock of its incident, what was sent to it, and how it ends: found again or written off.

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Holder, Status};
use super::medium::{self, Medium, MediumState};
use super::names::{AssetId, Digest, Instant, MediumId, Name, PartyId, Reference, Role, codes};
use super::preparation::{Preparation, require_stored};
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects, about, parties, require_asset};

codes! {
    /// How a device went missing.
    Loss {
        Lost = "lost", "lost";
        Stolen = "stolen", "stolen";
    }
}

codes! {
    /// In what kind of hands it was last; never who.
    Custodian {
        Nobody = "nobody", "in stock, with nobody";
        Room = "room", "a room";
        Cart = "cart", "a cart";
        Person = "person", "a person it was assigned to";
        Repairer = "repairer", "a repairer";
        Carrier = "carrier", "a carrier";
        Vendor = "vendor", "a vendor";
    }
}

codes! {
    /// What is sent to a device that is out of reach.
    RemoteCommand {
        Lock = "lock", "lock";
        Wipe = "wipe", "wipe";
    }
}

codes! {
    /// What became of it.
    RemoteState {
        Sent = "sent", "sent";
        Confirmed = "confirmed", "confirmed by the device";
        Expired = "expired", "expired without an answer";
    }
}

/// How long an organisation has to judge whether data was exposed, in hours: a default that no law sets for all; state laws and contracts differ.
pub const ASSESSMENT_HOURS: i64 = 72;

/// The newest state of a command that was sent to a missing device. It is a statement about the device, never a sanitization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// What was sent.
    pub command: RemoteCommand,
    /// What became of it.
    pub state: RemoteState,
    /// The entry that says so.
    pub entry: u64,
    /// A file that shows it.
    pub evidence: Option<Digest>,
}

/// The incident of a missing device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// How it went missing.
    pub loss: Loss,
    /// The entry that reported it.
    pub entry: u64,
    /// When it was reported: the clock starts.
    pub reported: Instant,
    /// Until when it has to be judged whether data was exposed.
    pub assess_by: Instant,
    /// When it was seen last.
    pub last_seen: Option<Instant>,
    /// In what kind of hands.
    pub custodian: Option<Custodian>,
    /// The incident.
    pub incident: Reference,
    /// What it was before.
    pub before: Status,
    /// What was sent to it, one state for each command.
    pub remote: Vec<Remote>,
}

impl Missing {
    /// The incident of a device that turns out to be missing now.
    pub(super) fn opened(stamp: &Stamp, loss: Loss, incident: Reference, before: Status) -> Self {
        Self {
            loss,
            entry: stamp.seq,
            reported: stamp.occurred,
            assess_by: Instant::from_unix_ms(stamp.occurred.unix_ms().saturating_add(ASSESSMENT_HOURS * 3_600_000)).unwrap_or(stamp.occurred),
            last_seen: None,
            custodian: None,
            incident,
            before,
            remote: Vec::new(),
        }
    }
}

/// Reports a device lost or stolen.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportMissing {
    /// The device.
    pub asset: AssetId,
    /// Lost or stolen.
    pub loss: Loss,
    /// When it was seen last.
    pub last_seen: Option<Instant>,
    /// In what kind of hands.
    pub custodian: Custodian,
    /// The organisation's or the police's reference.
    pub incident: Reference,
}

/// `asset.reported_missing`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedMissing {
    /// Lost or stolen.
    pub loss: Loss,
    /// When it was seen last.
    pub last_seen: Option<Instant>,
    /// In what kind of hands.
    pub custodian: Custodian,
    /// The incident.
    pub incident: Reference,
}

/// Records what became of a lock or wipe command that was sent to a missing device.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordRemoteCommand {
    /// The device.
    pub asset: AssetId,
    /// What was sent.
    pub command: RemoteCommand,
    /// What became of it.
    pub state: RemoteState,
    /// A stored file that shows it; needed where the device is said to have confirmed it.
    pub evidence: Option<Digest>,
}

/// `asset.remote_command`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteCommandRecorded {
    /// What was sent.
    pub command: RemoteCommand,
    /// What became of it.
    pub state: RemoteState,
    /// A file that shows it.
    pub evidence: Option<Digest>,
}

/// Reports that a missing device is in known hands again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportFound {
    /// The device.
    pub asset: AssetId,
    /// Where it is now.
    pub site: Name,
    /// Who has it; the organisation where nothing is said.
    pub party: Option<PartyId>,
}

/// `asset.found`: nobody knows what happened to it meanwhile, so its media count as holding data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// Who has it now.
    pub holder: Holder,
    /// What it is again.
    pub status: Status,
}

/// Gives a missing device up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteOff {
    /// The device.
    pub asset: AssetId,
    /// The record of the investigation (2 CFR 200.313(d) asks for one).
    pub investigation: Reference,
    /// The record of the judgement whether data was exposed.
    pub assessment: Reference,
}

/// `asset.written_off`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenOff {
    /// The investigation.
    pub investigation: Reference,
    /// The judgement.
    pub assessment: Reference,
}

/// Reports that a loose medium that was not where it should be is in the organisation's hands.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportMediumFound {
    /// The medium.
    pub medium: MediumId,
    /// Where it is now.
    pub site: Name,
}

/// `media.found`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediumFound {
    /// Who has it now.
    pub holder: Holder,
}

fn require_missing<'a>(known: &'a Records, id: &AssetId) -> Result<&'a Asset, Stop> {
    let asset = require_asset(known, id)?;
    if asset.status == Status::Missing {
        return Ok(asset);
    }
    let next = match asset.status {
        Status::WrittenOff => "an approver has to have the write-off corrected first",
        _ => "report it lost or stolen first",
    };
    let why = format!("{} is {}, not missing: {next}.", asset.tag, asset.status.label());
    Err(Refusal::new("missing.not_missing", why).because(Cause::Entry(asset.last_seq)).into())
}

impl Order for ReportMissing {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::Approver, Role::SchoolContact];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        occasion.may_touch(asset)?;
        if matches!(asset.status, Status::Missing | Status::WrittenOff | Status::Disposed) {
            let why =
                format!("{} is {}; that cannot be reported missing. Record a sighting or a correction instead.", asset.tag, asset.status.label());
            return Err(Refusal::new("missing.not_here", why).because(Cause::Entry(asset.last_seq)).into());
        }
        if asset.consignment.is_some() && !asset.in_transit {
            let why = format!("{} is listed on a consignment that has not left; take it off first.", asset.tag);
            return Err(Refusal::new("missing.on_consignment", why).because(Cause::Entry(asset.last_seq)).into());
        }
        if self.last_seen.is_some_and(|last_seen| last_seen > occasion.at) {
            return Err(Refusal::new("missing.last_seen", "It cannot have been seen in the future; correct last_seen.").into());
        }
        let event = ReportedMissing { loss: self.loss, last_seen: self.last_seen, custodian: self.custodian, incident: self.incident.clone() };
        Ok(vec![Happening::new(event, about(asset))])
    }
}

impl Fact for ReportedMissing {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        known.change::<Asset>(&id, stamp.seq, |asset| {
            let missing = Missing::opened(stamp, self.loss, self.incident.clone(), asset.status);
            asset.missing = Some(Missing { last_seen: self.last_seen, custodian: Some(self.custodian), ..missing });
            asset.status = Status::Missing;
        });
    }
    fn sentence(&self) -> String {
        let seen = self.last_seen.map(|at| format!(", last seen {at}")).unwrap_or_default();
        format!("Reported {}: last with {}{seen} (incident {}).", self.loss.label(), self.custodian.label(), self.incident)
    }
}

impl Order for RecordRemoteCommand {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::Administrator];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_missing(known, &self.asset)?;
        let earlier = asset.missing.as_ref().and_then(|missing| missing.remote.iter().find(|remote| remote.command == self.command));
        let open = earlier.is_some_and(|remote| remote.state == RemoteState::Sent);
        if (self.state == RemoteState::Sent) == open {
            let why = if open {
                format!("The command to {} was sent already; record what became of it: confirmed or expired.", self.command.label())
            } else {
                format!("No command to {} is on its way to {}; record that it was sent first.", self.command.label(), asset.tag)
            };
            return Err(Refusal::new("missing.remote_order", why).into());
        }
        if self.state == RemoteState::Confirmed && self.evidence.is_none() {
            let why = "That the device confirmed it is shown by a file: upload the console's record and name it here.";
            return Err(Refusal::new("missing.no_evidence", why).into());
        }
        require_stored(known, self.evidence.as_ref())?;
        let event = RemoteCommandRecorded { command: self.command, state: self.state, evidence: self.evidence.clone() };
        Ok(vec![Happening::new(event, about(asset))])
    }
}

impl Fact for RemoteCommandRecorded {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        known.change::<Asset>(&id, stamp.seq, |asset| {
            let Some(missing) = &mut asset.missing else { return };
            missing.remote.retain(|remote| remote.command != self.command);
            missing.remote.push(Remote { command: self.command, state: self.state, entry: stamp.seq, evidence: self.evidence.clone() });
        });
    }
    fn sentence(&self) -> String {
        format!("Command to {} the device: {}.", self.command.label(), self.state.label())
    }
}

/// What may still arrive is neither found nor given up.
fn require_off_consignment(asset: &Asset) -> Result<(), Refusal> {
    if asset.consignment.is_none() {
        return Ok(());
    }
    let why = format!("{} is on a consignment that nobody has received yet; that has to be received, and the line resolved, first.", asset.tag);
    Err(Refusal::new("missing.in_transit", why).because(Cause::Entry(asset.last_seq)))
}

impl Order for ReportFound {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::Approver, Role::SchoolContact];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        if let Some(asset) = known.find::<Asset>(&self.asset)?.filter(|asset| !occasion.actor.sees(asset)) {
            return Err(super::unknown_asset(&asset.id).into());
        }
        let asset = require_missing(known, &self.asset)?;
        occasion.may_act_at(&self.site)?;
        if occasion.actor.role == Role::SchoolContact && self.party.as_ref().is_some_and(|party| party != &occasion.actor.party) {
            return Err(Refusal::new("custody.other_site", "You act for your own site alone; a coordinator has to say that it is elsewhere.").into());
        }
        require_off_consignment(asset)?;
        known.find_all::<Medium>(&asset.media)?;
        let party = self.party.as_ref().unwrap_or(&occasion.actor.party);
        parties::require(known, party)?;
        let status = match asset.missing.as_ref().map(|missing| missing.before) {
            Some(Status::Retired) | None => Status::Retired,
            // Whoever finds it has to say anew who uses it.
            Some(_) => Status::InStock,
        };
        let holder = Holder { party: party.clone(), site: self.site.clone() };
        Ok(vec![Happening::new(Found { holder, status }, about(asset))])
    }
}

impl Fact for Found {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        let mut media = Vec::new();
        known.change::<Asset>(&id, stamp.seq, |asset| {
            asset.status = self.status;
            asset.holder = self.holder.clone();
            asset.in_transit = false;
            asset.missing = None;
            asset.assignment = None;
            asset.disposition = None;
            // What was found out about it before says nothing about it now.
            asset.preparation = Preparation::default();
            asset.custody_since = Some(stamp.seq);
            media.clone_from(&asset.media);
        });
        for medium in media {
            medium::change(known, &medium, stamp.seq, Medium::void_sanitization);
        }
    }
    fn sentence(&self) -> String {
        format!("Found again, at {}, {}; its media count as holding data.", self.holder.site, self.status.label())
    }
}

impl Order for WriteOff {
    const ROLES: &'static [Role] = &[Role::Approver];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_missing(known, &self.asset)?;
        require_off_consignment(asset)?;
        asset.require_free("missing.held")?;
        Ok(vec![Happening::new(WrittenOff { investigation: self.investigation.clone(), assessment: self.assessment.clone() }, about(asset))])
    }
}

impl Fact for WrittenOff {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        known.change::<Asset>(&id, stamp.seq, |asset| asset.status = Status::WrittenOff);
    }
    fn sentence(&self) -> String {
        format!("Written off: never found (investigation {}, assessment {}).", self.investigation, self.assessment)
    }
}

impl Order for ReportMediumFound {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::Approver];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let medium = medium::require(known, &self.medium)?;
        if medium.state != MediumState::Absent {
            let why = format!("{} is not missing by itself: it is “{}”.", medium.title(), medium.state.label());
            return Err(Refusal::new("missing.medium_not_missing", why).because(Cause::Entry(medium.last_seq)).into());
        }
        let holder = Holder { party: occasion.actor.party.clone(), site: self.site.clone() };
        Ok(vec![Happening::new(MediumFound { holder }, [Subject::new(SubjectKind::Medium, medium.id.as_str())])])
    }
}

impl Fact for MediumFound {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.medium() else { return };
        medium::change(known, &id, stamp.seq, |medium| {
            medium.holder = Some(self.holder.clone());
            medium.void_sanitization();
        });
    }
    fn sentence(&self) -> String {
        format!("Found again, at {}; it counts as holding data.", self.holder.site)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::asset::{Label, Phase};
    use super::super::medium::MediumState;
    use super::super::names::Role;
    use super::super::story::{DISTRICT, Story, VENDOR, actor};
    use super::*;

    fn reported(story: &mut Story, device: &str) {
        let report = json!({"asset": device, "loss": "stolen", "last_seen": "2026-01-05T08:00:00Z", "custodian": "cart", "incident": "INC-1"});
        story.done(&actor(Role::Coordinator, DISTRICT, 1), "report_missing", report);
    }

    #[test]
    fn what_is_found_again_counts_as_holding_data_and_its_custody_starts_anew() {
        let mut story = Story::new();
        let (one, operator) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::VendorOperator, VENDOR, 1));
        let (device, disk) = story.retired("A1", "hdd_ata", "low");
        let consignment = story.released("C1", &[&device]);
        story.done(
            &operator,
            "receive_consignment",
            json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": [{"tag": "A1"}]}),
        );
        story.degaussed(&disk);
        reported(&mut story, &device);
        let missing = story.asset(&device).missing.clone().unwrap();
        assert_eq!(missing.assess_by.unix_ms() - missing.reported.unix_ms(), ASSESSMENT_HOURS * 3_600_000);
        assert_eq!((story.asset(&device).label(), missing.before), (Label::Missing, Status::Retired));
        story.done(&one, "report_found", json!({"asset": device, "site": "Drawer"}));
        assert_eq!(story.medium(&disk).state, MediumState::DataPresent);
        assert_eq!(story.asset(&device).label(), Label::Retired, "nothing that was prepared counts any more");
        assert_eq!(story.asset(&device).holder.party.as_str(), DISTRICT);
        // Destroyed after that, it can be certified: the gap in its custody lies before.
        story.prepare(&device);
        story.destroyed(&disk);
        let mass = json!({"weight_grams": 2000, "weight_basis": "scale", "recovered_grams": 1700, "energy_grams": 200, "landfill_grams": 100});
        story.done(&one, "record_disposition", json!({"asset": device, "outcome": "recycled", "mass": mass}));
        let id = AssetId::parse(&device).unwrap();
        assert!(super::super::certification::judge(story.known(), &id, story.policy()).is_ok());
    }

    #[test]
    fn what_was_lost_on_its_way_and_found_again_has_no_open_handoff_to_certify() {
        let mut story = Story::new();
        let (one, approver) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::Approver, DISTRICT, 1));
        let (device, disk) = story.retired("A1", "hdd_ata", "low");
        let consignment = story.released("C1", &[&device]);
        let empty = json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": []});
        let about = story.done(&actor(Role::VendorOperator, VENDOR, 1), "receive_consignment", empty);
        let short = &about.iter().find(|(kind, _)| *kind == SubjectKind::Discrepancy).unwrap().1;
        story.done(&approver, "resolve_discrepancy", json!({"discrepancy": short, "resolution": "confirmed_missing", "reference": "INC-1"}));
        story.done(&one, "report_found", json!({"asset": device, "site": "Drawer"}));
        story.prepare(&device);
        story.destroyed(&disk);
        let mass = json!({"weight_grams": 2000, "weight_basis": "scale", "recovered_grams": 1700, "energy_grams": 200, "landfill_grams": 100});
        story.done(&one, "record_disposition", json!({"asset": device, "outcome": "recycled", "mass": mass}));
        let id = AssetId::parse(&device).unwrap();
        let verdict = super::super::certification::judge(story.known(), &id, story.policy()).unwrap();
        assert!(verdict.asset.handoffs.iter().any(|handoff| handoff.received.is_none()));
        assert_eq!(verdict.asset.custody().count(), 0, "what a certificate tells of its custody");
    }

    #[test]
    fn a_command_from_afar_is_sent_then_confirmed_with_a_file_or_expires() {
        let mut story = Story::new();
        let one = actor(Role::Coordinator, DISTRICT, 1);
        let (device, _) = story.retired("A1", "emmc", "low");
        let lock = |state: &str, evidence: Option<String>| json!({"asset": device, "command": "lock", "state": state, "evidence": evidence});
        story.refused(&one, "record_remote_command", lock("sent", None), "missing.not_missing");
        reported(&mut story, &device);
        story.refused(&one, "record_remote_command", lock("expired", None), "missing.remote_order");
        story.done(&one, "record_remote_command", lock("sent", None));
        story.refused(&one, "record_remote_command", lock("sent", None), "missing.remote_order");
        story.refused(&one, "record_remote_command", lock("confirmed", None), "missing.no_evidence");
        story.refused(&one, "record_remote_command", lock("confirmed", Some("a".repeat(64))), "preparation.unknown_evidence");
        story.done(&one, "receive_evidence", json!({"sha256": "a".repeat(64), "size_bytes": 1, "links": []}));
        story.done(&one, "record_remote_command", lock("confirmed", Some("a".repeat(64))));
        assert_eq!(story.asset(&device).missing.as_ref().unwrap().remote.len(), 1);
    }

    #[test]
    fn a_written_off_device_does_not_come_back() {
        let mut story = Story::new();
        let (one, approver) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::Approver, DISTRICT, 1));
        let (device, _) = story.retired("A1", "emmc", "low");
        let give_up = json!({"asset": device, "investigation": "INV-1", "assessment": "BA-1"});
        story.refused(&approver, "write_off", give_up.clone(), "missing.not_missing");
        reported(&mut story, &device);
        story.refused(&one, "write_off", give_up.clone(), "command.wrong_role");
        story.done(&approver, "write_off", give_up);
        assert_eq!((story.asset(&device).label(), story.asset(&device).phase()), (Label::WrittenOff, Phase::Disposed));
        story.refused(&one, "report_found", json!({"asset": device, "site": "S"}), "missing.not_missing");
        story.done(
            &one,
            "record_disposition",
            json!({"asset": device, "outcome": "lost_or_stolen", "mass": {"weight_grams": 2000, "weight_basis": "spec"}}),
        );
    }
}
