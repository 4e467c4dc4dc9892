//! The canonical reading: what every reader of an erasure tool's file comes down to, told in the tool's own facts and never judged here.

use crate::domain::names::{Method, Serial, Technique, codes};
use serde::{Deserialize, Serialize};

use super::{MAX_RECORDS, MAX_REMARKS};

codes! {
    /// What a record is about. Only a sanitization has a result that counts; the others are kept for what they identify.
    Kind {
        Sanitization = "sanitization", "sanitization";
        Identity = "identity", "identity of a medium or device";
        Licence = "licence", "licence or enrolment event, not a sanitization";
    }
}

codes! {
    /// What kind of medium the tool says it is.
    MediaKind {
        Hdd = "hdd", "hard disk";
        Ssd = "ssd", "SSD";
        Nvme = "nvme", "NVMe SSD";
        Emmc = "emmc", "soldered flash";
        Mobile = "mobile", "storage of a mobile device";
        Tape = "tape", "tape";
        Other = "other", "other or not said";
    }
}

codes! {
    /// What the tool says it checked after writing (NIST SP 800-88r2 §4.4, verification of the technique).
    Verification {
        None = "none", "not verified";
        Sample = "sample", "a sample verified";
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

impl Outcome {
    /// Whether the tool says that it finished what it was to do, perhaps with exceptions.
    pub const fn is_success(self) -> bool {
        matches!(self, Outcome::Pass | Outcome::PassWithExceptions)
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

impl Reading {
    /// The tool that wrote the file, with its version where that is printed.
    pub fn tool_and_version(&self) -> Option<String> {
        let tool = self.tool.clone()?;
        Some(self.tool_version.as_ref().map_or_else(|| tool.clone(), |version| format!("{tool} {version}")))
    }
}

/// What the file says about one technique applied to one medium, or of a medium's or device's identity. Nothing in it is guessed: what the file does
/// not say is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediumReading {
    /// What it is about.
    pub kind: Kind,
    /// The tool's name for the medium within the file (`sda`): says which lines these are, identifies nothing.
    pub place: String,
    /// As printed. Absent where it is missing, masked, a placeholder, cut off or contradicted within the file:
    /// such a record cannot be bound to a medium by itself.
    pub media_serial: Option<String>,
    /// What a USB bridge between tool and medium answers for a serial; it identifies the bridge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bridge_serial: Option<String>,
    /// The device that the medium is embedded in, for reports that know devices and no media (phones, Chromebooks, tablets).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_serial: Option<String>,
    /// As printed; the bridge's name is not one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// What the tool says the medium is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_kind: Option<MediaKind>,
    /// As printed; tools cut it short.
    pub model: Option<String>,
    /// Whole bytes; a rounded size (`500 GB`) is not a capacity.
    pub capacity_bytes: Option<u64>,
    /// What was done.
    pub technique: Technique,
    /// The tool's name for it: `PRNG Stream`.
    pub technique_words: Option<String>,
    /// The standard that the report says was followed, in its words: `NIST 800-88 Purge`, `DoD 5220.22-M`. A claim, never a verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_claimed: Option<String>,
    /// The method (clear, purge, destroy) that the report claims in so many words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method_claimed: Option<Method>,
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
    /// The average speed that the report states for the whole of the work, with at least two digits; the speed of a moment is not one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stated_bytes_per_second: Option<u64>,
    /// Hidden sectors.
    pub hidden_area: HiddenArea,
    /// `2026-08-03T08:12:06`, by the tool's clock; with the zone (`Z`, `+02:00`) behind it where the file names one.
    pub started_at: Option<String>,
    /// Likewise.
    pub ended_at: Option<String>,
    /// Whether the file names the zone of the two times; where not, the zone is asked for at the upload.
    pub tz_known: bool,
    /// When the report says it was made, written like the two times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<String>,
    /// Who did it, as the report names them; never part of the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// The report's own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_id: Option<String>,
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
    /// Steps that had to be repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u64>,
}

impl MediumReading {
    /// The serial number by which the record is bound to a medium: its own, or that of the device that it is embedded in.
    pub fn serial(&self) -> Option<&str> {
        self.media_serial.as_deref().or(self.device_serial.as_deref())
    }
    /// A record of which nothing is known yet: an unknown technique that came to nothing certain.
    pub fn new(kind: Kind, place: impl Into<String>) -> Self {
        Self {
            kind,
            place: place.into(),
            media_serial: None,
            bridge_serial: None,
            device_serial: None,
            vendor: None,
            media_kind: None,
            model: None,
            capacity_bytes: None,
            technique: Technique::Unknown,
            technique_words: None,
            standard_claimed: None,
            method_claimed: None,
            passes_done: None,
            passes_requested: None,
            verification: Verification::Unknown,
            result: Outcome::Inconclusive,
            errors: Errors::default(),
            bytes_erased: None,
            stated_bytes_per_second: None,
            hidden_area: HiddenArea::Unknown,
            started_at: None,
            ended_at: None,
            tz_known: false,
            issued_at: None,
            operator: None,
            report_id: None,
            system_serial: None,
        }
    }
}

impl Errors {
    /// Whether any was counted.
    pub fn any(&self) -> bool {
        [self.write, self.verify, self.sync, self.retries].into_iter().flatten().any(|count| count > 0)
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

/// The records and remarks of a reading that is being made, within their bounds.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) records: Vec<MediumReading>,
    /// Whether there were more records; told however many remarks there are.
    pub(super) left_out: bool,
    remarks: Vec<Remark>,
    more: usize,
}

impl Notes {
    /// Beyond the bound a record is left out, with a remark.
    pub(super) fn record(&mut self, record: MediumReading) {
        if self.records.len() < MAX_RECORDS {
            self.records.push(record);
        } else {
            self.left_out = true;
        }
    }
    /// Beyond the bound remarks are counted.
    pub(super) fn remark(&mut self, place: impl Into<String>, what: impl Into<String>) {
        if self.remarks.len() < MAX_REMARKS {
            self.remarks.push(Remark { place: place.into(), what: what.into() });
        } else {
            self.more += 1;
        }
    }
    /// The reading that they come to.
    pub(super) fn reading(mut self, format: &str, reader_version: u32, tool: Option<String>, tool_version: Option<String>) -> Reading {
        if self.left_out {
            // In the place of another where there are too many.
            if self.remarks.len() >= MAX_REMARKS {
                self.remarks.pop();
                self.more += 1;
            }
            let what = format!("There are more than {MAX_RECORDS} records; the rest was left out.");
            self.remarks.push(Remark { place: "file".to_owned(), what });
        }
        if self.more > 0 {
            self.remarks.push(Remark { place: "file".to_owned(), what: format!("There are {} more remarks.", self.more) });
        }
        Reading {
            format: format.to_owned(),
            reader: format.to_owned(),
            reader_version,
            tool,
            tool_version,
            records: self.records,
            remarks: self.remarks,
        }
    }
}

/// A serial number that could bind a record to one thing, without the blanks around it: `None` for what is masked (`?`, `XXXXX`), left by a maker as
/// a placeholder (`To be filled by O.E.M.`, `Not Applicable`, zeros only), or no serial number at all.
pub(super) fn usable_serial(text: &str) -> Option<String> {
    let text = text.trim();
    let mut repeated = 0_u32;
    let masked = text.chars().any(|c| {
        repeated = if matches!(c, 'X' | 'x' | '*' | '#') { repeated + 1 } else { 0 };
        c == '?' || c == char::REPLACEMENT_CHARACTER || repeated >= 5
    });
    (!masked && Serial::parse(text).is_ok()).then(|| text.to_owned())
}

/// Whether a terminal or a page does something at this character instead of showing it: controls, separators of lines, turns of the direction.
pub fn is_obeyed(c: char) -> bool {
    c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c)
}

/// Enough of the file's own words to recognise a place by.
pub(super) fn short(words: &str) -> String {
    words.chars().filter(|c| !is_obeyed(*c)).take(80).collect()
}
