//! A storage medium: what it is, how it is told from others, and what has become of the data on it.

use serde::{Deserialize, Serialize};

use super::catalogue::Seen;
use super::correction::Corrected;
use super::names::{AssetId, Digest, IdentifiedBy, Instant, MediaType, MediumId, Method, PartyId, PersonId, Serial, Technique, codes};
use super::records::{Key, record};

codes! {
    /// What has become of the data.
    MediumState {
        DataPresent = "data_present", "data present";
        InProcess = "in_process", "sanitized, not yet validated";
        Cleared = "cleared", "cleared";
        Purged = "purged", "purged";
        Destroyed = "destroyed", "destroyed";
        Failed = "failed", "sanitization failed";
        Withdrawn = "withdrawn", "withdrawn: recorded in error";
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
    /// Verified by another person.
    pub verified: Option<Act>,
    /// Accepted by the organisation.
    pub validated: Option<Act>,
}

/// A storage medium.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Medium {
    /// Its id.
    pub id: MediumId,
    /// The device it is in.
    pub host: AssetId,
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
    /// The last purge of this data that another person verified; shredding counts as destruction after one (rule SH-1).
    pub purged_before: Option<u64>,
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

    /// Data may be on it again: earlier sanitization does not count any more.
    pub fn void_sanitization(&mut self) {
        self.state = MediumState::DataPresent;
        self.sanitization = None;
        self.purged_before = None;
    }
}
