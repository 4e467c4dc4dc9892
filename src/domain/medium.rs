//! A storage medium: what it is, where it is (in a device, or loose), how it is told from others, and what has become of the data on it.

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Handoff, Holder, stay_of};
use super::catalogue::Seen;
use super::correction::Corrected;
use super::destruction::Feed;
use super::names::{
    AssetId, ConsignmentId, Digest, IdentifiedBy, Instant, MediaType, MediumId, Method, PartyId, PersonId, Sensitivity, Serial, Technique, codes,
};
use super::records::{Key, Record, Records, Stop, record};
use super::refusal::{Cause, Refusal};
use super::residual_risk::ResidualRisk;

codes! {
    /// What has become of the data.
    MediumState {
        Unknown = "unknown", "not known";
        DataPresent = "data_present", "data present";
        InProcess = "in_process", "sanitized, not yet validated";
        Cleared = "cleared", "cleared";
        Purged = "purged", "purged";
        Destroyed = "destroyed", "destroyed";
        Failed = "failed", "sanitization failed";
        Absent = "absent", "not where it should be: unaccounted for";
        Withdrawn = "withdrawn", "withdrawn: recorded in error";
    }
}

impl MediumState {
    /// Whether the organisation has accepted that nothing is left on it.
    pub const fn is_gone(self) -> bool {
        matches!(self, MediumState::Cleared | MediumState::Purged | MediumState::Destroyed)
    }
}

/// Who did something, for whom, and when: `seq` is the entry that says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// The entry.
    pub seq: u64,
    /// When it happened, as claimed.
    pub occurred: Instant,
    /// The person.
    pub by: PersonId,
    /// The party the person acted for.
    pub party: PartyId,
}

/// A sanitization that was performed, with what the policy made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sanitization {
    /// Performed and reported by.
    pub performed: Act,
    /// The technique.
    pub technique: Technique,
    /// The method that the policy says was reached.
    pub method: Method,
    /// The policy rule that says so.
    pub rule: String,
    /// The rule's basis.
    pub basis: String,
    /// Tool and version, as reported.
    pub tool: Option<String>,
    /// The evidence file.
    pub evidence: Option<Digest>,
    /// In a destruction run: how it went in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<Feed>,
    /// Verified by another person.
    pub verified: Option<Act>,
    /// Accepted by the organisation.
    pub validated: Option<Act>,
    /// Somebody else tried to recover data, and found none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampled: Option<Act>,
}

/// An attempt at sanitization that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// The entry that says so.
    pub seq: u64,
    /// When it failed, as claimed.
    pub occurred: Instant,
    /// By which technique.
    pub technique: Technique,
    /// The file that shows it.
    pub evidence: Option<Digest>,
}

/// A storage medium.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Medium {
    /// Its id.
    pub id: MediumId,
    /// The device it is in; a loose medium is in none.
    pub host: Option<AssetId>,
    /// The device that it was taken out of last.
    pub origin: Option<AssetId>,
    /// Loose: who has it and where; while it travels, who released it. In a device: that device's holder has it.
    pub holder: Option<Holder>,
    /// Loose: how confidential what is on it is. In a device, the device says so.
    pub sensitivity: Option<Sensitivity>,
    /// Loose: the consignment it is a line of, until it is received, taken off, or what became of it is resolved.
    pub consignment: Option<ConsignmentId>,
    /// Loose: released and not yet received.
    pub in_transit: bool,
    /// Its travels as a loose medium, oldest first.
    pub handoffs: Vec<Handoff>,
    /// How it is told from others.
    pub identified_by: IdentifiedBy,
    /// Its own serial; none where its host's serves.
    pub serial: Option<Serial>,
    /// What kind it is.
    pub media_type: MediaType,
    /// Capacity in bytes.
    pub capacity_bytes: Option<u64>,
    /// How it is known that it is there.
    pub seen: Seen,
    /// What has become of the data.
    pub state: MediumState,
    /// The sanitization that counts now; earlier ones are in the log.
    pub sanitization: Option<Sanitization>,
    /// Attempts at sanitizing it that failed, oldest first (rule P-5). They stay when data is on it again: that does not mend it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedAttempt>,
    /// The last purge of this data that another person verified; shredding counts as destruction after one (rule SH-1).
    pub purged_before: Option<u64>,
    /// The entry that says that it does not power on: no software technique counts for it (rule P-5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead: Option<u64>,
    /// What an approver has accepted although it is less than the policy asks for (rule P-6).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub residual_risk: Vec<ResidualRisk>,
    /// Entries about it that were declared erroneous.
    pub corrected: Vec<Corrected>,
    /// The entry that recorded it.
    pub recorded: u64,
    /// The entry that changed it last.
    pub last_seq: u64,
}

record!(Medium, id: MediumId = |m| m.id.clone(), owner: |m| m.id.as_str().to_owned(), shelf: media, need: Medium,
    keys: |m| m.serial.as_ref().filter(|_| m.state != MediumState::Withdrawn).map(Medium::serial_key).into_iter().collect());

impl Medium {
    /// The unique value of a medium's own serial number.
    pub fn serial_key(serial: &Serial) -> Key {
        Key::new("medium.serial", serial.normal())
    }

    /// How people tell it from others.
    pub fn title(&self) -> String {
        match &self.serial {
            Some(serial) => format!("{} {serial}", self.media_type.label()),
            None if self.identified_by == IdentifiedBy::OwnSerial => format!("{}, serial number not read yet", self.media_type.label()),
            None => format!("{}, {}", self.media_type.label(), IdentifiedBy::HostSerial.label()),
        }
    }

    /// Whether data may be on it, as [`Asset::may_hold_data`] says of a device.
    pub fn may_hold_data(&self) -> bool {
        !self.state.is_gone()
    }

    /// Whether it lies by itself, in no device.
    pub fn is_loose(&self) -> bool {
        self.host.is_none()
    }

    /// Destroyed, or reported destroyed and waiting for others to confirm it: nothing can be put on it or taken off it any more.
    pub fn is_destroyed(&self) -> bool {
        self.state == MediumState::Destroyed
            || self.state == MediumState::InProcess && self.sanitization.as_ref().is_some_and(|done| done.method == Method::Destroy)
    }

    /// Whether a loose medium is, was or is to be in this party's hands. What is in a device concerns whom that device concerns.
    pub fn concerns(&self, party: &PartyId) -> bool {
        self.holder.as_ref().is_some_and(|holder| &holder.party == party)
            || self.handoffs.iter().any(|handoff| &handoff.from.party == party || &handoff.to.party == party)
    }

    /// Nothing happens any more to a medium that was recorded in error and never was.
    pub(super) fn require_real(&self) -> Result<(), Refusal> {
        if self.state != MediumState::Withdrawn {
            return Ok(());
        }
        let why = format!("{} was recorded in error and is withdrawn; record the medium that is there.", self.title());
        Err(Refusal::new("sanitization.withdrawn", why).because(Cause::Entry(self.last_seq)))
    }

    /// The device that it is in, which has to be there.
    pub fn host_of<'a>(&self, known: &'a Records) -> Result<Option<&'a Asset>, Stop> {
        match &self.host {
            None => Ok(None),
            Some(host) => super::require_asset(known, host).map(Some),
        }
    }

    /// When a party received it last, alone or in its device, and when it left that party; open while it is still there.
    pub fn at_party(&self, host: Option<&Asset>, party: &PartyId) -> Option<(Instant, Option<Instant>)> {
        match host {
            Some(host) => host.at_party(party),
            None => stay_of(&self.handoffs, party),
        }
    }

    /// An attempt at it failed: nothing that was done before counts.
    pub(super) fn fails(&mut self, attempt: FailedAttempt) {
        self.state = MediumState::Failed;
        self.sanitization = None;
        self.failed.push(attempt);
    }

    /// Data may be on it again: earlier sanitization does not count any more.
    pub fn void_sanitization(&mut self) {
        self.state = MediumState::DataPresent;
        self.sanitization = None;
        self.purged_before = None;
        self.residual_risk.clear();
        self.dead = None;
    }
}

/// A medium that must exist.
pub fn require<'a>(known: &'a Records, id: &MediumId) -> Result<&'a Medium, Stop> {
    known.find::<Medium>(id)?.ok_or_else(|| unknown(id).into())
}

/// No such medium, or none that concerns the one who asks.
pub(super) fn unknown(id: &MediumId) -> Refusal {
    Refusal::new("sanitization.unknown_medium", format!("No medium has the id {id}; record it first."))
}

/// Changes a medium, and the summary that its device keeps of its media.
pub(super) fn change(known: &mut Records, id: &MediumId, seq: u64, change: impl FnOnce(&mut Medium)) {
    known.change::<Medium>(id, seq, change);
    let Some((host, state)) = Medium::shelf(known).get(id).and_then(|medium| Some((medium.host.clone()?, medium.state))) else { return };
    let same = |asset: &Asset| asset.state_of(id) == Some(state);
    if !Asset::shelf(known).get(&host).is_some_and(same) {
        known.change::<Asset>(&host, seq, |asset| asset.note_state(id, state));
    }
}
