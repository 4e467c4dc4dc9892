//! Reads transcripts of hdparm: identification (`-i`, `-I`), ATA Security Erase, and ATA Sanitize with its status, of any number of devices.
//!
//! Only a sanitize status that the drive gave is a result. Behind a USB bridge a failed command leaves zeros that look like “SD0 Sanitize Idle”, so
//! missing sense data makes everything that the drive is said to have done inconclusive. Passwords are never quoted.

use std::collections::HashMap;

use super::members::figure;
use super::reading::{Kind, MediaKind, MediumReading, Notes, Outcome, Reading, usable_serial};
use super::times::instant;
use super::{Given, MAX_RECORDS};
use crate::domain::names::Technique;

/// The format's name.
pub const NAME: &str = "hdparm";
const READER_VERSION: u32 = 1;

const WITHOUT_ERROR: &str = "last sanitize operation completed without error";

/// What only hdparm prints.
pub fn recognise(given: &Given) -> bool {
    let head = given.head().to_ascii_lowercase();
    // Reports of other tools quote hdparm.
    if head.trim_start().starts_with('{') {
        return false;
    }
    ["issuing security_", "issuing sanitize_", "sanitize status:", "state: sd", "state:    sd", "sanitize idle"]
        .iter()
        .any(|words| head.contains(words))
        || (head.contains("/dev/") && (head.contains(", serialno=") || head.contains("ata device, with ") || head.contains("hdparm v")))
}

/// Reads the whole transcript.
pub fn read(given: &Given) -> Reading {
    let mut transcript = Transcript::default();
    for line in given.text.split_inclusive(['\n', '\r']) {
        // Whatever the file ends with may be cut in mid-word; a whole sentence is a whole sentence.
        let whole = line.ends_with(['\n', '\r']) || line.to_ascii_lowercase().contains(WITHOUT_ERROR);
        if whole {
            transcript.line(line.trim());
        }
    }
    transcript.reading()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Frozen,
    InProcess,
    Failed,
    Succeeded,
    Unheard,
}

/// One erase command of one drive.
struct Erase {
    technique: Technique,
    words: String,
    /// Whether the transcript shows which of the two security erases it was.
    mode_shown: bool,
    refused: bool,
    is_older: bool,
    state: Option<State>,
    without_error: bool,
    /// Whether ATA security was on at the last look after it.
    locked_after: Option<bool>,
}

#[derive(Default)]
struct Drive {
    name: String,
    serials: Vec<String>,
    model: Option<String>,
    sectors: Option<u64>,
    sector_size: Option<u64>,
    kind: Option<MediaKind>,
    erases: Vec<Erase>,
    no_sense: bool,
    no_sanitize: bool,
    /// The last sanitize operation's place among the erases.
    sanitize: Option<usize>,
    enhanced: Option<bool>,
}

#[derive(Default)]
struct Transcript {
    drives: Vec<Drive>,
    by_name: HashMap<String, usize>,
    left_out: bool,
    current: Option<usize>,
    version: Option<String>,
    in_security: bool,
    /// The line before was a complaint of missing sense data, which may be printed ahead of the heading that it belongs under.
    complained: bool,
    at: Option<String>,
}

impl Transcript {
    fn line(&mut self, line: &str) {
        if line.is_empty() {
            return;
        }
        if let Some(version) = line.strip_prefix("hdparm v") {
            self.version = version.split_whitespace().next().map(str::to_owned);
        }
        if let Some(at) = instant(line).filter(|at| at.ends_with('Z')) {
            self.at = Some(at);
        }
        let complained = std::mem::take(&mut self.complained);
        if let Some(name) = device_of(line) {
            self.select(name);
            self.in_security = false;
            if let Some(drive) = self.drive() {
                drive.no_sense |= complained && line.starts_with("/dev/");
                if line.contains("hdparm") {
                    drive.enhanced = line.contains("--security-erase").then(|| line.contains("--security-erase-enhanced"));
                    return;
                }
            }
        }
        let lower = line.to_ascii_lowercase();
        if lower.contains("sg_io: bad/missing sense data") {
            self.complained = true;
            if self.current.is_none() {
                self.select("");
            }
        }
        if self.current.is_none() && ["issuing ", "state:", "serial number:", "serialno=", WITHOUT_ERROR].iter().any(|words| lower.contains(words)) {
            self.select("");
        }
        let in_security = self.in_security;
        self.in_security = lower == "security:" || (in_security && !lower.starts_with("logical unit") && !lower.starts_with("checksum"));
        let Some(drive) = self.drive() else { return };
        drive.said(line, &lower, in_security);
    }

    fn select(&mut self, name: &str) {
        self.current = self.by_name.get(name).copied();
        if self.current.is_none() && self.drives.len() < MAX_RECORDS {
            // A thing that is said before any device is named belongs to nobody.
            self.current = Some(self.drives.len());
            self.by_name.insert(name.to_owned(), self.drives.len());
            self.drives.push(Drive { name: name.to_owned(), ..Drive::default() });
        } else if self.current.is_none() {
            self.left_out = true;
        }
    }

    fn drive(&mut self) -> Option<&mut Drive> {
        self.drives.get_mut(self.current?)
    }

    fn reading(self) -> Reading {
        let mut notes = Notes::default();
        if self.left_out {
            notes.remark("file", format!("The transcript names more than {MAX_RECORDS} devices; the rest was left out."));
        }
        for drive in self.drives.iter().filter(|drive| drive.tells()) {
            drive.records(self.at.as_ref(), &mut notes);
        }
        if notes.records.is_empty() {
            notes.remark("file", "The transcript identifies no drive and shows no erase.");
        }
        notes.reading(NAME, READER_VERSION, Some("hdparm".to_owned()), self.version)
    }
}

impl Drive {
    fn tells(&self) -> bool {
        !self.serials.is_empty() || self.model.is_some() || !self.erases.is_empty() || self.no_sanitize
    }

    fn said(&mut self, line: &str, lower: &str, in_security: bool) {
        if lower.contains("sg_io: bad/missing sense data") {
            self.no_sense = true;
        }
        if let Some((_, command)) = lower.split_once("issuing ") {
            self.issued(command.split_whitespace().next().unwrap_or_default());
        } else if lower.starts_with("security_erase:") || lower.starts_with("erase_prepare:") || lower.contains("sanitize failed") {
            if let Some(erase) = self.erases.last_mut() {
                erase.refused = true;
            }
        } else if lower.contains("sanitize feature set is not support") {
            self.no_sanitize = true;
        }
        if let Some(state) = state_of(lower)
            && let Some(erase) = self.sanitized()
        {
            erase.state = Some(state);
            erase.without_error = false;
        }
        if lower.contains(WITHOUT_ERROR)
            && let Some(erase) = self.sanitized()
        {
            erase.without_error = true;
        }
        if in_security {
            let enabled = match lower.split_whitespace().collect::<Vec<_>>().as_slice() {
                ["enabled"] => Some(true),
                ["not", "enabled"] => Some(false),
                _ => None,
            };
            if let (Some(enabled), Some(erase)) = (enabled, self.erases.last_mut()) {
                erase.locked_after = Some(enabled);
            }
        }
        self.identified(line, lower);
    }

    fn issued(&mut self, command: &str) {
        let (technique, mode_shown) = match command {
            "security_erase" | "security_erase_unit" => match self.enhanced {
                Some(true) => (Technique::AtaSecureEraseEnhanced, true),
                shown => (Technique::AtaSecureErase, shown.is_some()),
            },
            "sanitize_block_erase" | "sanitize_block_erase_ext" => (Technique::AtaSanitizeBlock, true),
            "sanitize_crypto_scramble" | "sanitize_crypto_scramble_ext" => (Technique::AtaSanitizeCrypto, true),
            "sanitize_overwrite" | "sanitize_overwrite_ext" => (Technique::AtaSanitizeOverwrite, true),
            _ => return,
        };
        if self.erases.len() >= MAX_RECORDS {
            return;
        }
        if command.starts_with("sanitize_") {
            // A status that was asked for before the command is about something older.
            if let Some(erase) = self.sanitize.and_then(|place| self.erases.get_mut(place)) {
                erase.is_older = erase.technique == Technique::Unknown;
            }
            self.sanitize = Some(self.erases.len());
        }
        self.erases.push(Erase { mode_shown, ..Erase::new(technique, command.to_ascii_uppercase()) });
    }

    /// The sanitize operation that a status is about: the last that the transcript shows, or one that was begun before it.
    fn sanitized(&mut self) -> Option<&mut Erase> {
        let place = *self.sanitize.get_or_insert(self.erases.len());
        if place == self.erases.len() {
            self.erases.push(Erase::new(Technique::Unknown, String::new()));
        }
        self.erases.get_mut(place)
    }

    fn identified(&mut self, line: &str, lower: &str) {
        if let Some((_, serial)) = line.split_once("SerialNo=") {
            self.serial(serial);
            if let Some((_, model)) = line.split_once("Model=") {
                self.model.get_or_insert_with(|| model.split(", FwRev=").next().unwrap_or(model).trim().to_owned());
            }
        }
        let Some((label, value)) = line.split_once(':') else { return };
        let value = value.trim();
        match label.trim().to_ascii_lowercase().split_whitespace().collect::<Vec<_>>().join(" ").as_str() {
            "serial number" => self.serial(value),
            "model number" if !value.is_empty() => self.model = Some(value.to_owned()),
            "lba48 user addressable sectors" => self.sectors = figure(value),
            "lba user addressable sectors" => self.sectors = self.sectors.or_else(|| figure(value).filter(|sectors| *sectors < 268_435_455)),
            "logical sector size" | "logical/physical sector size" => self.sector_size = figure(value),
            "nominal media rotation rate" => {
                self.kind = if lower.contains("solid state") { Some(MediaKind::Ssd) } else { figure(value).map(|_| MediaKind::Hdd) };
            }
            _ => {}
        }
    }

    fn serial(&mut self, serial: &str) {
        let serial = serial.trim();
        // Two are as bad as many.
        if !serial.is_empty() && self.serials.len() < 2 && !self.serials.iter().any(|known| known == serial) {
            self.serials.push(serial.to_owned());
        }
    }

    fn records(&self, at: Option<&String>, notes: &mut Notes) {
        let place = if self.name.is_empty() { "file" } else { self.name.as_str() };
        let media_serial = match self.serials.as_slice() {
            [only] => usable_serial(only),
            _ => None,
        };
        if self.serials.len() > 1 {
            notes.remark(place, "The transcript gives this device several serial numbers, so none of them is taken; ask which drive it was.");
        } else if media_serial.is_none() {
            notes.remark(place, "The transcript names no serial number of this drive; ask for “hdparm -I” of the same device in one file with this.");
        }
        let identity = MediumReading {
            media_serial,
            model: self.model.clone(),
            media_kind: self.kind,
            capacity_bytes: self.sectors.and_then(|sectors| sectors.checked_mul(self.sector_size.unwrap_or(512))).filter(|bytes| *bytes > 0),
            issued_at: at.cloned(),
            ..MediumReading::new(Kind::Identity, place)
        };
        if self.no_sanitize {
            notes.remark(place, "The drive does not support SANITIZE; that command erased nothing.");
        }
        if self.erases.is_empty() {
            notes.record(identity);
            return;
        }
        for erase in self.erases.iter().filter(|erase| !erase.is_older) {
            let result = erase.outcome(place, self.no_sense, notes);
            notes.record(MediumReading {
                kind: Kind::Sanitization,
                technique: erase.technique,
                technique_words: Some(erase.words.clone()).filter(|words| !words.is_empty()),
                result,
                ..identity.clone()
            });
        }
    }
}

impl Erase {
    fn new(technique: Technique, words: String) -> Self {
        Self { technique, words, mode_shown: true, refused: false, is_older: false, state: None, without_error: false, locked_after: None }
    }

    fn outcome(&self, place: &str, no_sense: bool, notes: &mut Notes) -> Outcome {
        if no_sense {
            notes.remark(place, "hdparm got no answer from the drive (bad or missing sense data), as behind USB bridges, so what it prints as the drive's state proves nothing; ask for the erase to be done and shown on a SATA port.");
            return Outcome::Inconclusive;
        }
        if self.refused || self.state == Some(State::Failed) {
            return Outcome::Fail;
        }
        if matches!(self.technique, Technique::AtaSecureErase | Technique::AtaSecureEraseEnhanced) {
            return self.secure_erased(place, notes);
        }
        if self.technique == Technique::Unknown {
            notes.remark(place, "The transcript shows a sanitize status and not which sanitize command it is about; ask for the command.");
        }
        match self.state {
            Some(State::Succeeded) => Outcome::Pass,
            Some(State::Idle) if self.without_error => Outcome::Pass,
            Some(State::InProcess) => {
                notes.remark(place, "The sanitize operation is still in process; ask for “hdparm --sanitize-status” after its end.");
                Outcome::InProgress
            }
            Some(State::Frozen) => {
                notes.remark(place, "Sanitize is frozen on this drive: commands are refused until it is switched off and on.");
                Outcome::Inconclusive
            }
            Some(State::Unheard) => {
                notes.remark(place, "The sanitize state is not one that this reader knows.");
                Outcome::Inconclusive
            }
            Some(_) => {
                notes.remark(place, "The drive is idle and does not say that its last sanitize operation completed without error.");
                Outcome::Inconclusive
            }
            None => {
                notes.remark(place, "The sanitize command was accepted, and nothing shows its end; ask for “hdparm --sanitize-status” after it.");
                Outcome::Inconclusive
            }
        }
    }

    fn secure_erased(&self, place: &str, notes: &mut Notes) -> Outcome {
        if !self.mode_shown {
            notes.remark(place, "The transcript does not show whether the security erase was the enhanced one.");
        }
        notes.remark(
            place,
            match self.locked_after {
                Some(false) => "hdparm prints no result of a security erase; afterwards the drive's security is not enabled, which a finished erase leaves and which is not a result by itself. Ask for a verification.",
                Some(true) => "hdparm prints no result of a security erase, and afterwards the drive's security is still enabled, as after an erase that did not finish; ask for it to be done again.",
                None => "hdparm prints no result of a security erase; ask for “hdparm -I” after it and for a verification.",
            },
        );
        Outcome::Inconclusive
    }
}

/// `/dev/sda:` alone, a line that begins with a device, or a command that names one.
fn device_of(line: &str) -> Option<&str> {
    let command = line.split_whitespace().any(|token| token == "hdparm" || token.ends_with("/hdparm"));
    if !command && !line.starts_with("/dev/") {
        return None;
    }
    let path = line.split_whitespace().find(|token| token.starts_with("/dev/"))?;
    let name = path.trim_end_matches([':', ';', '|']).rsplit('/').next()?;
    Some(name).filter(|name| !name.is_empty())
}

/// `State:    SD2 Sanitize operation In Process`, also within a longer line.
fn state_of(lower: &str) -> Option<State> {
    let words = match lower.split_once("state:") {
        Some((_, rest)) => rest.trim_start(),
        None => lower.strip_prefix("drive in ")?,
    };
    match words.split(|c: char| !c.is_ascii_alphanumeric()).next()? {
        "sd0" => Some(State::Idle),
        "sd1" => Some(State::Frozen),
        "sd2" => Some(State::InProcess),
        "sd3" => Some(State::Failed),
        "sd4" => Some(State::Succeeded),
        other if other.starts_with("sd") => Some(State::Unheard),
        _ => None,
    }
}
