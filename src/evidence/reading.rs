//! The canonical reading: what every reader of an erasure tool's file comes down to, told in the tool's own facts and never judged here.

use crate::domain::names::{Technique, codes};
use serde::{Deserialize, Serialize};

codes! {
    /// What the tool says it checked after writing (NIST SP 800-88r2 §4.4, verification of the technique).
    Verification {
        None = "none", "not verified";
        Last = "last", "last pass verified";
        All = "all", "every pass verified";
        VendorClaim = "vendor_claim", "verified by the vendor's own statement";
        Unknown = "unknown", "not known whether it was verified";
    }
}

codes! {
    /// How the tool's run on one medium ended. A word that a reader does not know is `inconclusive`, never `pass`.
    Outcome {
        Pass = "pass", "passed";
        PassWithExceptions = "pass_with_exceptions", "passed with exceptions";
        Fail = "fail", "failed";
        Aborted = "aborted", "aborted";
        InProgress = "in_progress", "still running when the file ends";
        Inconclusive = "inconclusive", "inconclusive";
    }
}

codes! {
    /// Whether sectors are hidden from the host (HPA, DCO), as far as the tool found out.
    HiddenArea {
        None = "none", "no hidden area";
        Found = "found", "hidden area found";
        Unknown = "unknown", "not known whether there is a hidden area";
    }
}

/// What one reader understood of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The format's name in the list of formats: `nwipe-log`.
    pub format: String,
    /// The reader's name; one reader may read several formats.
    pub reader: String,
    /// Raised whenever the same bytes may be read differently.
    pub reader_version: u32,
    /// The tool that wrote the file.
    pub tool: Option<String>,
    /// Its version as printed; the newest run's where a file holds several.
    pub tool_version: Option<String>,
    /// One for each technique that was applied to each medium, in the order of the file.
    pub records: Vec<MediumReading>,
    /// What was not understood, or what a person should know before relying on the records.
    pub remarks: Vec<Remark>,
}

/// What the file says about one technique applied to one medium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediumReading {
    /// The tool's name for the medium within the file (`sda`): says which lines these are, identifies nothing.
    pub place: String,
    /// As printed. Absent where it is missing, masked, a placeholder, cut off or contradicted within the file:
    /// such a record cannot be bound to a medium by itself.
    pub serial: Option<String>,
    /// As printed; tools cut it short.
    pub model: Option<String>,
    /// Whole bytes; a rounded size (`500 GB`) is not a capacity.
    pub capacity_bytes: Option<u64>,
    /// What was done.
    pub technique: Technique,
    /// The tool's name for it: `PRNG Stream`.
    pub technique_words: Option<String>,
    /// Passes that the file reports as finished, over all rounds.
    pub passes_done: Option<u32>,
    /// Passes × rounds that were asked for.
    pub passes_requested: Option<u32>,
    /// What was checked.
    pub verification: Verification,
    /// How it ended.
    pub result: Outcome,
    /// Counted by the tool; absent where the file does not say.
    pub errors: Errors,
    /// Bytes erased at least once.
    pub bytes_erased: Option<u64>,
    /// Hidden sectors.
    pub hidden_area: HiddenArea,
    /// `2026-08-03T08:12:06`, by the tool's clock.
    pub started_local: Option<String>,
    /// Likewise.
    pub ended_local: Option<String>,
    /// Whether the two times are known to be in a zone that the file names; where not, the zone is asked for at the upload.
    pub zone_known: bool,
    /// The serial number of the computer that the tool ran on, which need not be the device that the medium came from.
    pub system_serial: Option<String>,
}

/// Errors by the step they happened in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errors {
    /// While writing.
    pub write: Option<u64>,
    /// While reading back.
    pub verify: Option<u64>,
    /// While flushing to the medium.
    pub sync: Option<u64>,
}

impl Errors {
    /// Whether any was counted.
    pub fn any(&self) -> bool {
        [self.write, self.verify, self.sync].into_iter().flatten().any(|count| count > 0)
    }
}

/// Something a person should know, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// `line 12`, a medium's name (`sda`) or `file`.
    pub place: String,
    /// A sentence.
    pub what: String,
}
