//! A device: its facts, folded from events, and the one label that people read.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::assignment::Assignment;
use super::correction::Corrected;
use super::counting::Counted;
use super::disposition::{Disposition, Outcome};
use super::holds::{Hold, HoldKind};
use super::lifecycle::Repair;
use super::medium::MediumState;
use super::missing::Missing;
use super::names::{AssetId, Category, ConsignmentId, Digest, Instant, MediumId, Name, PartyId, Sensitivity, Serial, Tag, codes};
use super::observation::Sighting;
use super::parts::Harvested;
use super::past::Past;
use super::preparation::{Funding, Preparation, Rung};
use super::records::{Key, record};
use super::registration::Weight;

codes! {
    /// What the organisation is doing with a device.
    Status {
        InStock = "in_stock", "in stock";
        InService = "in_service", "in service";
        InRepair = "in_repair", "in repair";
        Retired = "retired", "retired";
        Disposed = "disposed", "disposed";
        Missing = "missing", "missing";
        WrittenOff = "written_off", "written off";
    }
}

codes! {
    /// The label that people read: one pure function of the facts ([`Asset::label`]).
    Label {
        InStock = "in_stock", "in stock";
        InService = "in_service", "in service";
        InRepair = "in_repair", "in repair";
        Retired = "retired", "retired";
        Evaluated = "evaluated", "evaluated";
        SurplusAuthorized = "surplus_authorized", "authorised as surplus";
        Staged = "staged", "staged for pickup";
        Released = "released", "released, on its way";
        Received = "received", "received";
        Reconciled = "reconciled", "reconciled";
        Sanitizing = "sanitizing", "being sanitized";
        SanitizationFailed = "sanitization_failed", "sanitization failed";
        Sanitized = "sanitized", "sanitized";
        Graded = "graded", "graded";
        RedeployReady = "redeploy_ready", "ready to be used again";
        Quarantined = "quarantined", "quarantined";
        LegalHold = "legal_hold", "legal hold";
        Discrepancy = "discrepancy", "discrepancy";
        Disposed = "disposed", "disposed";
        RecordedAfterwards = "recorded_afterwards", "disposed of before, recorded afterwards";
        Missing = "missing", "missing";
        WrittenOff = "written_off", "written off";
    }
}

codes! {
    /// The public phase.
    Phase {
        InService = "in_service", "in service";
        Retired = "retired", "retired";
        Disposed = "disposed", "disposed";
    }
}

/// Who has it and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The organisation.
    pub party: PartyId,
    /// The site.
    pub site: Name,
}

/// One travel from one holder to the next: a signed release and, when it has happened, a signed receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handoff {
    /// The consignment it travelled in.
    pub consignment: ConsignmentId,
    /// Who released.
    pub from: Holder,
    /// Who was to receive.
    pub to: Holder,
    /// Entry and time of the release.
    pub released: (u64, Instant),
    /// Entry and time of the receipt.
    pub received: Option<(u64, Instant)>,
    /// Entry and time at which everything that was listed with it was resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconciled: Option<(u64, Instant)>,
    /// The document that the organisation entered the receipt from, where the receiver itself has not confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unconfirmed: Option<Digest>,
}

/// When a party received what made these travels last, and when it left that party.
pub(super) fn stay_of(handoffs: &[Handoff], party: &PartyId) -> Option<(Instant, Option<Instant>)> {
    let (place, came) = handoffs.iter().enumerate().rev().find(|(_, handoff)| handoff.received.is_some() && &handoff.to.party == party)?;
    let left = handoffs.iter().skip(place + 1).find(|handoff| &handoff.from.party == party).map(|handoff| handoff.released.1);
    came.received.map(|(_, at)| (at, left))
}

/// A device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asset {
    /// Its id.
    pub id: AssetId,
    /// The organisation's tag.
    pub tag: Tag,
    /// Tags that it was recorded under before they were corrected, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_tags: Vec<Tag>,
    /// The maker's serial number.
    pub serial: Option<Serial>,
    /// What it is.
    pub category: Category,
    /// Who made it.
    pub manufacturer: Name,
    /// Which model.
    pub model: Name,
    /// How confidential what was on it is.
    pub sensitivity: Sensitivity,
    /// When it was bought.
    pub purchased_on: Option<NaiveDate>,
    /// What it cost, in cents.
    pub cost_cents: Option<u32>,
    /// What the organisation is doing with it.
    pub status: Status,
    /// The site it was last used at: where it was registered, redeployed to, or belongs by a correction.
    pub home: Name,
    /// Whose it is: who registered it.
    pub owner: PartyId,
    /// Who has it; while it travels, who released it.
    pub holder: Holder,
    /// The consignment it is a line of, until it is received, taken off, or what became of it is resolved.
    pub consignment: Option<ConsignmentId>,
    /// Released and not yet received.
    pub in_transit: bool,
    /// Every travel, oldest first.
    pub handoffs: Vec<Handoff>,
    /// Its media; empty means unknown unless `no_storage` says otherwise.
    pub media: Vec<MediumId>,
    /// What has become of the data on each of them, in the same order.
    pub media_states: Vec<MediumState>,
    /// Media that were in it once.
    pub former_media: Vec<MediumId>,
    /// The entry that attests that it stores nothing.
    pub no_storage: Option<u64>,
    /// What holds it: discrepancies, a legal hold, a quarantine.
    pub holds: Vec<Hold>,
    /// How far it is prepared to go on.
    pub preparation: Preparation,
    /// In use: with what kind of assignee; never who.
    pub assignment: Option<Assignment>,
    /// Every repair, oldest first.
    pub repairs: Vec<Repair>,
    /// The incident, where it is missing or was written off.
    pub missing: Option<Missing>,
    /// The entry from which on its custody is known without a gap, where it was out of sight once: what was known before counts for the past only.
    pub custody_since: Option<u64>,
    /// Out of which money it was bought.
    pub funding: Option<Funding>,
    /// What it weighs, where that is known of this device or its model.
    pub weight: Option<Weight>,
    /// Parts that were taken out to be used again.
    pub parts: Vec<Harvested>,
    /// A part: the device that it was taken out of.
    pub harvested_from: Option<AssetId>,
    /// The entry of the last return from repair.
    pub repaired: Option<u64>,
    /// The entry of the last redeployment.
    pub redeployed: Option<u64>,
    /// When it was retired.
    pub retired_at: Option<Instant>,
    /// The entry that retired it last.
    pub retired_seq: Option<u64>,
    /// What became of the material.
    pub disposition: Option<Disposition>,
    /// What became of it before anybody kept this record, as a paper claims it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<Past>,
    /// The number of its live certificate.
    pub certificate: Option<String>,
    /// What the last count said that did not find it, or found it elsewhere.
    pub counted: Option<Counted>,
    /// The last sighting that needs an explanation.
    pub sighting: Option<Sighting>,
    /// Entries about it that were declared erroneous.
    pub corrected: Vec<Corrected>,
    /// The entry that registered it.
    pub registered: u64,
    /// When that entry was recorded.
    pub registered_at: Instant,
    /// The entry that changed it last.
    pub last_seq: u64,
}

record!(Asset, id: AssetId = |a| a.id.clone(), owner: |a| a.id.as_str().to_owned(), shelf: assets, need: Asset, keys: |a| {
    let mut keys = vec![Asset::tag_key(&a.tag)];
    keys.extend(a.serial.as_ref().map(Asset::serial_key));
    keys.extend(a.holds.iter().filter_map(|hold| hold.container.as_ref()).map(Hold::container_key));
    keys
});

impl Asset {
    /// The unique value of a tag.
    pub fn tag_key(tag: &Tag) -> Key {
        Key::new("asset.tag", tag.normal())
    }
    /// The unique value of a serial number.
    pub fn serial_key(serial: &Serial) -> Key {
        Key::new("asset.serial", serial.normal())
    }

    /// The label that people read.
    pub fn label(&self) -> Label {
        match self.status {
            Status::Disposed if self.past.is_some() => Label::RecordedAfterwards,
            Status::Disposed => Label::Disposed,
            Status::Missing => Label::Missing,
            Status::WrittenOff => Label::WrittenOff,
            _ if self.is_held_by(HoldKind::Discrepancy) => Label::Discrepancy,
            _ if self.is_held_by(HoldKind::Quarantine) => Label::Quarantined,
            _ if self.is_held_by(HoldKind::LegalHold) => Label::LegalHold,
            _ if self.in_transit => Label::Released,
            Status::InStock => Label::InStock,
            Status::InService => Label::InService,
            Status::InRepair => Label::InRepair,
            Status::Retired if self.consignment.is_some() => Label::Staged,
            Status::Retired => self.retired_label(),
        }
    }

    /// Where a retired device at rest stands on its way.
    fn retired_label(&self) -> Label {
        let any = |state: MediumState| self.media_states.contains(&state);
        let cleaned = self.media_states.iter().any(|state| state.is_gone());
        if any(MediumState::Failed) {
            return Label::SanitizationFailed;
        }
        if any(MediumState::InProcess) || cleaned && !self.data_gone() {
            return Label::Sanitizing;
        }
        // A grade is for whoever uses it next: while data is on it again nothing is ready for anyone.
        let graded = self.preparation.grade.is_some() && self.data_gone();
        let stays = self.preparation.evaluation.as_ref().is_some_and(|evaluation| evaluation.rung < Rung::Resale);
        match () {
            () if graded && stays => Label::RedeployReady,
            () if graded => Label::Graded,
            () if cleaned => Label::Sanitized,
            () if let Some(handoff) = self.received() => {
                if handoff.reconciled.is_some() {
                    Label::Reconciled
                } else {
                    Label::Received
                }
            }
            () if self.preparation.authorization.is_some() => Label::SurplusAuthorized,
            () if self.preparation.evaluation.is_some() => Label::Evaluated,
            () => Label::Retired,
        }
    }

    /// The travel from one party to another that brought it to where it lies.
    fn received(&self) -> Option<&Handoff> {
        self.custody()
            .last()
            .filter(|handoff| handoff.received.is_some() && handoff.to.party == self.holder.party && handoff.from.party != handoff.to.party)
    }

    /// When a party received it last, and when it left that party; open while it is still there.
    pub fn at_party(&self, party: &PartyId) -> Option<(Instant, Option<Instant>)> {
        stay_of(&self.handoffs, party)
    }
    /// Its travels since its custody is known without a gap, oldest first. What came before a time out of sight counts for the past only.
    pub fn custody(&self) -> impl Iterator<Item = &Handoff> {
        self.handoffs.iter().filter(|handoff| self.custody_since.is_none_or(|since| handoff.released.0 > since))
    }

    /// Whether nothing is left of the data: every medium cleared, purged or destroyed and validated, or none there at all. Whether that is enough for
    /// a destination is for the policy to say.
    pub fn data_gone(&self) -> bool {
        match self.media_states.as_slice() {
            [] => self.no_storage.is_some(),
            states => states.iter().all(|state| state.is_gone()),
        }
    }

    /// Whether data may be on it: not all of it is known to be gone. What the release, the receipt and every exception ask.
    pub fn may_hold_data(&self) -> bool {
        !self.data_gone()
    }

    /// What became of the material, recorded as it happened or afterwards. Whatever was recorded before it was found to be gone counts no more.
    pub fn outcome(&self) -> Option<Outcome> {
        self.past.as_ref().map(|past| past.outcome).or(self.disposition.as_ref().map(|disposition| disposition.outcome))
    }

    /// The entry that says what became of it.
    pub fn disposed_by(&self) -> Option<u64> {
        self.past.as_ref().map(|past| past.recorded.seq).or(self.disposition.as_ref().map(|disposition| disposition.recorded.seq))
    }

    /// The public phase.
    pub fn phase(&self) -> Phase {
        match self.status {
            Status::InStock | Status::InService | Status::InRepair => Phase::InService,
            Status::Retired | Status::Missing => Phase::Retired,
            Status::Disposed | Status::WrittenOff => Phase::Disposed,
        }
    }

    /// What has become of the data on one of its media.
    pub fn state_of(&self, medium: &MediumId) -> Option<MediumState> {
        self.media.iter().position(|own| own == medium).and_then(|place| self.media_states.get(place).copied())
    }
    /// Notes what has become of the data on one of its media; a new one joins the others.
    pub(super) fn note_state(&mut self, medium: &MediumId, state: MediumState) {
        match self.media.iter().position(|own| own == medium) {
            Some(place) => self.media_states.get_mut(place).map_or((), |own| *own = state),
            None => {
                self.media.push(medium.clone());
                self.media_states.push(state);
            }
        }
    }
    /// A medium has left it.
    pub(super) fn forget(&mut self, medium: &MediumId) {
        if let Some(place) = self.media.iter().position(|own| own == medium) {
            self.media.remove(place);
            if place < self.media_states.len() {
                self.media_states.remove(place);
            }
            if !self.former_media.contains(medium) {
                self.former_media.push(medium.clone());
            }
        }
    }

    /// Maker and model, as one reads them.
    pub fn title(&self) -> String {
        if self.model.as_str().starts_with(self.manufacturer.as_str()) {
            self.model.to_string()
        } else {
            format!("{} {}", self.manufacturer, self.model)
        }
    }

    /// Whether this party has, or had, the device in its hands, or is to receive it.
    pub fn concerns(&self, party: &PartyId) -> bool {
        self.parties().any(|own| own == party)
    }

    /// Whether it is or was at this site of this party, or was last used there.
    pub fn was_at(&self, party: &PartyId, site: &Name) -> bool {
        let travels = self.handoffs.iter().flat_map(|handoff| [&handoff.from, &handoff.to]);
        let there = |holder: &Holder| &holder.party == party && &holder.site == site;
        &self.home == site || there(&self.holder) || travels.into_iter().any(there)
    }

    /// Every party that has, had or is to receive it; some more than once.
    pub fn parties(&self) -> impl Iterator<Item = &PartyId> {
        let travels = self.handoffs.iter().flat_map(|handoff| [&handoff.from.party, &handoff.to.party]);
        let repairers = self.repairs.iter().filter_map(|repair| repair.vendor.as_ref()).map(|vendor| &vendor.party);
        std::iter::once(&self.holder.party).chain(travels).chain(repairers)
    }
}
