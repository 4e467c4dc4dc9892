//! What a vendor's report states of one erasure, in its own words, and the record that it comes to: the same for every vendor and every form of a report.

use super::reading::{Errors, HiddenArea, Kind, MediaKind, MediumReading, Notes, Outcome, Verification, short, usable_serial};
use super::times::{Moment, seconds_of};
use crate::domain::names::{Method, Technique};

/// More rounds than any standard has: a figure that is not trusted.
const MAX_ROUNDS: u64 = 1000;
/// A printed size below this is in some unit; above it is in bytes.
const LEAST_BYTES: u64 = 1_000_000;
/// Sizes that sectors have.
const SECTOR_BYTES: &[u64] = &[512, 520, 528, 4096, 4160, 4224];

/// A vendor's word in lower case and what it means.
pub(super) type Words = [(&'static str, Outcome)];

/// Words of one erasure of one medium; what the report does not state is absent.
#[derive(Clone, Debug, Default)]
pub(super) struct Stated {
    pub(super) place: String,
    /// Every different one that stands for the medium; two bind nothing.
    pub(super) serials: Vec<String>,
    /// Every different one; two mean nothing certain.
    pub(super) states: Vec<String>,
    pub(super) vendor: Option<String>,
    pub(super) model: Option<String>,
    pub(super) capacity: Option<String>,
    pub(super) media: Option<String>,
    pub(super) interface: Option<String>,
    pub(super) standard: Option<String>,
    pub(super) technique: Option<String>,
    /// The method, where the report has a place of its own for it.
    pub(super) method: Option<String>,
    pub(super) rounds: Option<String>,
    pub(super) overwriting_rounds: Option<String>,
    pub(super) firmware_rounds: Option<String>,
    pub(super) verification: Option<String>,
    pub(super) failed: Option<String>,
    pub(super) errors: Option<String>,
    pub(super) remapped: Option<String>,
    pub(super) cleaned: Option<String>,
    pub(super) sector_size: Option<String>,
    pub(super) hidden: Option<String>,
    pub(super) start: Option<String>,
    pub(super) end: Option<String>,
    pub(super) duration: Option<String>,
    /// What the tool says went otherwise than planned.
    pub(super) exceptions: Vec<String>,
    /// What makes a success less than plain, completing “Reported as successful, but …”.
    pub(super) doubts: Vec<String>,
    /// Whether the medium is part of a phone or tablet, which is what its serial number then names.
    pub(super) is_mobile: bool,
}

/// What a report states once for all its erasures.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    pub(super) issued: Option<String>,
    pub(super) operator: Option<String>,
    pub(super) report_id: Option<String>,
    pub(super) system_serial: Option<String>,
}

/// Adds a word unless it is there.
pub(super) fn note_once(words: &mut Vec<String>, word: &str) {
    let word = word.trim();
    if !word.is_empty() && words.len() < 16 && !words.iter().any(|known| known == word) {
        words.push(word.to_owned());
    }
}

/// `1,234`, `1 234`, `0 (none)`: the number that the words begin with.
pub(super) fn count(words: &str) -> Option<u64> {
    let digits: String = words
        .trim()
        .chars()
        .take_while(|c| c.is_ascii_digit() || matches!(c, ',' | ' ' | '\'' | '\u{a0}' | '\u{202f}'))
        .filter(char::is_ascii_digit)
        .collect();
    // `1.5` and `3 000,5` are no counts.
    let rest = words.trim().trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ',' | ' ' | '\'' | '\u{a0}' | '\u{202f}'));
    digits.parse().ok().filter(|_| !rest.starts_with('.'))
}

/// Whole bytes; a rounded size is none.
fn bytes(words: &str) -> Option<u64> {
    let lower = words.to_ascii_lowercase();
    if let Some((before, _)) = lower.split_once("bytes") {
        let number = before.trim_end().rsplit(['(', '/', '=', ';']).next().unwrap_or(before);
        return count(number).filter(|n| *n > 0 && !number.trim().contains(|c: char| c.is_alphabetic()));
    }
    let pure = words.trim().chars().all(|c| c.is_ascii_digit());
    count(words).filter(|n| pure && *n >= LEAST_BYTES)
}

/// The method that the words name, if exactly one.
pub(super) fn method_in(words: &str) -> Option<Method> {
    let mut named = words.split(|c: char| !c.is_alphanumeric()).filter_map(|word| match word.to_ascii_lowercase().as_str() {
        "clear" => Some(Method::Clear),
        "purge" => Some(Method::Purge),
        "destroy" => Some(Method::Destroy),
        _ => None,
    });
    let first = named.next()?;
    named.all(|other| other == first).then_some(first)
}

/// What the words say was done; `Unknown` where they name a standard only.
fn technique_in(words: &str, interface: &str) -> Technique {
    let words = words.to_ascii_lowercase();
    let both = format!("{words} {}", interface.to_ascii_lowercase());
    let has = |word: &str| words.contains(word);
    let (nvme, ata) = (both.contains("nvme"), both.split(|c: char| !c.is_alphanumeric()).any(|part| matches!(part, "ata" | "sata" | "pata" | "ide")));
    let by_interface = |of_nvme, of_ata| match (nvme, ata) {
        (true, false) => of_nvme,
        (false, true) => of_ata,
        _ => Technique::Unknown,
    };
    let crypto = has("crypto") || has("cryptographic");
    if has("factory reset") {
        Technique::FactoryReset
    } else if has("tcg") || has("opal") || has("psid") {
        Technique::TcgRevert
    } else if has("format") && nvme {
        if crypto { Technique::NvmeFormatCrypto } else { Technique::NvmeFormat }
    } else if crypto {
        by_interface(Technique::NvmeSanitizeCrypto, Technique::AtaSanitizeCrypto)
    } else if has("block erase") || has("block-erase") {
        by_interface(Technique::NvmeSanitizeBlock, Technique::AtaSanitizeBlock)
    } else if has("sanitize") {
        if has("overwrit") { by_interface(Technique::NvmeSanitizeOverwrite, Technique::AtaSanitizeOverwrite) } else { Technique::Unknown }
    } else if has("secure erase") || has("security erase") {
        let enhanced = if has("enhanced") { Technique::AtaSecureEraseEnhanced } else { Technique::AtaSecureErase };
        by_interface(Technique::Unknown, enhanced)
    } else if has("overwrit") && !has("firmware") {
        Technique::HostOverwrite
    } else {
        Technique::Unknown
    }
}

fn media_in(media: &str, interface: &str) -> Option<MediaKind> {
    let (media, interface) = (media.to_ascii_lowercase(), interface.to_ascii_lowercase());
    let has = |word: &str| media.contains(word);
    if has("nvme") || interface.contains("nvme") {
        Some(MediaKind::Nvme)
    } else if has("emmc") || interface.contains("emmc") || interface == "mmc" {
        Some(MediaKind::Emmc)
    } else if has("ssd") || has("solid state") {
        Some(MediaKind::Ssd)
    } else if has("hdd") || has("hard disk") || has("rotational") {
        Some(MediaKind::Hdd)
    } else if has("phone") || has("mobile") || has("tablet") {
        Some(MediaKind::Mobile)
    } else {
        has("tape").then_some(MediaKind::Tape)
    }
}

fn verification_in(words: &str) -> Verification {
    let words = words.to_ascii_lowercase();
    let has = |list: &[&str]| list.iter().any(|word| words.contains(word));
    let percent = words
        .split_once('%')
        .and_then(|(before, _)| before.trim_end().rsplit(|c: char| !(c.is_ascii_digit() || c == '.')).next()?.parse::<f64>().ok());
    match percent {
        Some(percent) if percent <= 0.0 => return Verification::None,
        Some(percent) if percent < 100.0 => return Verification::Sample,
        Some(_) => return Verification::Last,
        None => {}
    }
    if has(&["not verif", "no verif", "disabled", "skipped"]) || matches!(words.trim(), "none" | "no" | "false" | "0" | "off") {
        Verification::None
    } else if has(&["fail", "error"]) {
        Verification::Unknown
    } else if has(&["random", "sampl", "partial"]) {
        Verification::Sample
    } else if has(&["all passes", "every pass", "each pass"]) {
        Verification::All
    } else if has(&["last", "full", "total", "complete drive", "entire"]) {
        Verification::Last
    } else if has(&["verified", "success", "passed"]) || matches!(words.trim(), "yes" | "true") {
        Verification::VendorClaim
    } else {
        Verification::Unknown
    }
}

fn hidden_in(words: &str) -> HiddenArea {
    let words = words.to_ascii_lowercase();
    let has = |list: &[&str]| list.iter().any(|word| words.contains(word));
    if has(&["could not", "cannot", "unreachable", "failed", "not removed", "not erased", "locked"]) {
        HiddenArea::Found
    } else if has(&["removed", "erased", "reset", "no hidden", "not found", "not detected", "not present", "none"])
        || matches!(words.trim(), "no" | "false" | "0")
    {
        HiddenArea::None
    } else if has(&["found", "detected", "present", "enabled"]) || matches!(words.trim(), "yes" | "true") {
        HiddenArea::Found
    } else {
        HiddenArea::Unknown
    }
}

fn rounds_in(words: Option<&str>) -> Option<u32> {
    words.and_then(count).filter(|rounds| *rounds <= MAX_ROUNDS).and_then(|rounds| u32::try_from(rounds).ok())
}

fn is_counted(words: Option<&str>) -> bool {
    words.and_then(count).is_some_and(|number| number > 0)
}

fn names_hidden_area(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    ["hpa", "dco", "hidden", "amax"].iter().any(|word| words.contains(word))
}

/// A state as it is looked up: in lower case, one blank between words, no full stop.
fn plain(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches(['.', ',', ';', '!']).to_lowercase()
}

impl Stated {
    /// Notes its record, one for each technique that was applied, with remarks on whatever is odd.
    pub(super) fn tell(mut self, frame: &Frame, words: &Words, notes: &mut Notes) {
        let mut record = MediumReading::new(Kind::Sanitization, self.place.as_str());
        let interface = self.interface.clone().unwrap_or_default();
        self.identify(&mut record, frame, notes);
        record.media_kind = if self.is_mobile { Some(MediaKind::Mobile) } else { media_in(self.media.as_deref().unwrap_or_default(), &interface) };
        record.capacity_bytes = self.capacity.as_deref().and_then(bytes);
        self.time(&mut record, notes);
        record.errors = self.errors();
        self.hide(&mut record, notes);
        let rounds = self.rounds();
        record.bytes_erased = self.bytes_erased(record.capacity_bytes, rounds);
        self.name_technique(&mut record, &interface, notes);
        if let Some(words) = &self.verification {
            record.verification = verification_in(words);
            if record.verification == Verification::Unknown {
                notes.remark(self.place.as_str(), format!("“{}” does not say what was verified; ask the vendor.", short(words)));
            }
            if words.to_ascii_lowercase().contains("fail") {
                self.doubts.push(format!("its verification is “{}”", short(words)));
            }
        }
        record.result = self.judge(&record, words, notes);
        let passes = |record: &mut MediumReading, rounds: Option<u32>| {
            record.passes_requested = rounds;
            record.passes_done = rounds.filter(|_| record.result.is_success());
        };
        if is_counted(self.overwriting_rounds.as_deref()) && is_counted(self.firmware_rounds.as_deref()) {
            // Verdict, times and figures stand for both, and the sectors that were cleaned for what was written.
            let mut commanded = MediumReading { place: format!("{}, firmware", self.place), bytes_erased: None, ..record.clone() };
            commanded.technique = self.command(&interface, &commanded, notes);
            passes(&mut record, rounds_in(self.overwriting_rounds.as_deref()));
            passes(&mut commanded, rounds_in(self.firmware_rounds.as_deref()));
            notes.record(record);
            notes.record(commanded);
        } else {
            passes(&mut record, rounds);
            notes.record(record);
        }
    }

    fn identify(&self, record: &mut MediumReading, frame: &Frame, notes: &mut Notes) {
        let place = self.place.as_str();
        let serial = match self.serials.as_slice() {
            [] => {
                notes.remark(place, "The report has no serial number of this medium; ask the vendor for one that has.");
                None
            }
            [serial] => {
                let usable = usable_serial(serial);
                if usable.is_none() {
                    notes.remark(
                        place,
                        format!("“{}” is no serial number that binds the record to a medium; ask the vendor which it was.", short(serial)),
                    );
                }
                usable
            }
            several => {
                let named: Vec<_> = several.iter().map(|serial| short(serial)).collect();
                notes.remark(
                    place,
                    format!("The report has several serial numbers for this medium, {}; ask the vendor which it was.", named.join(", ")),
                );
                None
            }
        };
        if self.is_mobile {
            record.device_serial = serial;
        } else {
            record.media_serial = serial;
        }
        let bounded = |words: &Option<String>| words.as_deref().map(short);
        record.vendor = bounded(&self.vendor);
        record.model = bounded(&self.model);
        record.operator = bounded(&frame.operator);
        record.report_id = bounded(&frame.report_id);
        record.system_serial = frame.system_serial.as_deref().and_then(usable_serial);
        // By a clock of another zone that nobody knows, it cannot be put beside the times of the work.
        let work = [&self.end, &self.start].into_iter().flatten().find_map(|words| Moment::read(words));
        let beside = |issued: &Moment| issued.is_zoned() || work.as_ref().is_none_or(|work| work.zone_words == issued.zone_words);
        record.issued_at = frame.issued.as_deref().and_then(Moment::read).filter(beside).map(|moment| moment.text());
    }

    fn time(&self, record: &mut MediumReading, notes: &mut Notes) {
        let place = self.place.as_str();
        let mut named = false;
        let mut read = |words: &Option<String>| {
            let words = words.as_deref()?;
            let moment = Moment::read(words);
            match &moment {
                None => notes.remark(place, format!("“{}” is no date with a time that can mean one thing only; it was left out.", short(words))),
                Some(Moment { zone_words: Some(zone), .. }) if !std::mem::replace(&mut named, true) => notes
                    .remark(place, format!("The times are in “{}”, a name that more than one zone has; ask the vendor for the offset.", short(zone))),
                Some(_) => {}
            }
            moment
        };
        let start = read(&self.start);
        let length = self.duration.as_deref().and_then(seconds_of);
        let end = read(&self.end).or_else(|| start.as_ref()?.after(length?));
        if let (Some(start), Some(end)) = (&start, &end) {
            if end.at < start.at && start.is_zoned() == end.is_zoned() {
                notes.remark(place, "The erasure ends before it starts; ask the vendor about the tool's clock.");
            } else if end.at == start.at {
                notes.remark(place, "The erasure ends when it starts, to the second; ask the vendor whether it ran.");
            }
        }
        let zoned = |moment: &Option<Moment>| moment.as_ref().is_none_or(Moment::is_zoned);
        record.tz_known = (start.is_some() || end.is_some()) && zoned(&start) && zoned(&end);
        record.started_at = start.map(|moment| moment.text());
        record.ended_at = end.map(|moment| moment.text());
    }

    fn errors(&mut self) -> Errors {
        let mut counted = |words: &Option<String>, what: &str| {
            let words = words.as_deref()?;
            let none = matches!(plain(words).as_str(), "none" | "no" | "no errors");
            let number = if none { Some(0) } else { count(words) };
            match number {
                Some(0) => {}
                Some(number) => self.doubts.push(format!("it counts {number} {what}")),
                None if matches!(plain(words).as_str(), "n/a" | "na" | "-" | "not available") => {}
                None => self.doubts.push(format!("its number of {what} is “{}”", short(words))),
            }
            number
        };
        let failed = counted(&self.failed, "failed sectors");
        let errors = counted(&self.errors, "errors");
        counted(&self.remapped, "remapped sectors");
        Errors { write: failed.max(errors), ..Errors::default() }
    }

    fn hide(&mut self, record: &mut MediumReading, notes: &mut Notes) {
        let (hidden, others): (Vec<String>, Vec<String>) =
            std::mem::take(&mut self.exceptions).into_iter().partition(|words| names_hidden_area(words));
        for words in hidden.iter().chain(&self.hidden) {
            match (record.hidden_area, hidden_in(words)) {
                (_, HiddenArea::Found) => {
                    record.hidden_area = HiddenArea::Found;
                    self.doubts.push(format!("it says of hidden sectors “{}”", short(words)));
                }
                (HiddenArea::Unknown, HiddenArea::None) => record.hidden_area = HiddenArea::None,
                _ => {}
            }
        }
        for words in hidden {
            notes.remark(self.place.as_str(), format!("The report notes “{}”.", short(&words)));
        }
        for words in others {
            self.doubts.push(format!("it notes “{}”", short(&words)));
        }
    }

    fn rounds(&self) -> Option<u32> {
        let sum = match (rounds_in(self.overwriting_rounds.as_deref()), rounds_in(self.firmware_rounds.as_deref())) {
            (None, None) => None,
            (overwriting, firmware) => Some(overwriting.unwrap_or_default() + firmware.unwrap_or_default()),
        };
        rounds_in(self.rounds.as_deref()).or(sum).filter(|rounds| *rounds > 0)
    }

    /// Sectors cleaned may be counted once for every round.
    fn bytes_erased(&mut self, capacity: Option<u64>, rounds: Option<u32>) -> Option<u64> {
        let (cleaned, capacity) = (self.cleaned.as_deref().and_then(count)?, capacity?);
        let size = self.sector_size.as_deref().and_then(count);
        let sizes = size.as_ref().map_or(SECTOR_BYTES, std::slice::from_ref);
        let rounds = u64::from(rounds.unwrap_or(1).max(1));
        let erased: Vec<u64> = sizes.iter().filter_map(|size| cleaned.checked_mul(*size)).collect();
        if (1..=rounds).any(|round| capacity.checked_mul(round).is_some_and(|whole| erased.contains(&whole))) {
            return Some(capacity);
        }
        if erased.iter().all(|erased| *erased < capacity) {
            self.doubts.push(format!("{cleaned} sectors were cleaned, fewer than it has"));
            return size.and(erased.first().copied());
        }
        None
    }

    fn name_technique(&mut self, record: &mut MediumReading, interface: &str, notes: &mut Notes) {
        record.standard_claimed = self.standard.as_deref().map(short);
        record.method_claimed = self.method.as_deref().or(self.standard.as_deref()).and_then(method_in);
        // A standard's name tells what was done only where the report has no place of its own for the method.
        let standard = self.standard.as_deref().filter(|_| self.method.is_none());
        record.technique_words = self.technique.as_deref().or(standard).map(short);
        if let Some(words) = self.method.as_deref().filter(|words| method_in(words).is_none()) {
            self.doubts.push(format!("its method is “{}”", short(words)));
        }
        let by_firmware = is_counted(self.firmware_rounds.as_deref());
        record.technique = if is_counted(self.overwriting_rounds.as_deref()) {
            Technique::HostOverwrite
        } else if by_firmware {
            self.command(interface, record, notes)
        } else {
            technique_in(record.technique_words.as_deref().unwrap_or_default(), interface)
        };
        if record.technique != Technique::Unknown || by_firmware {
            return;
        }
        let words = record.technique_words.as_deref().map(short).unwrap_or_default();
        notes.remark(
            self.place.as_str(),
            match words.is_empty() {
                true => "The report does not say what was done to the medium; ask the vendor.".to_owned(),
                false => format!("“{words}” does not say whether the medium was overwritten or which command it carried out; ask the vendor."),
            },
        );
    }

    /// Which command the firmware ran.
    fn command(&self, interface: &str, record: &MediumReading, notes: &mut Notes) -> Technique {
        let named = technique_in(record.technique_words.as_deref().unwrap_or_default(), interface);
        if !matches!(named, Technique::HostOverwrite | Technique::Unknown) {
            return named;
        }
        notes.remark(
            record.place.as_str(),
            "The erasure was a command of the drive's firmware, and the report does not say which; ask the vendor for the command.",
        );
        Technique::Unknown
    }

    fn judge(&self, record: &MediumReading, words: &Words, notes: &mut Notes) -> Outcome {
        let place = self.place.as_str();
        let states: Vec<String> = self.states.iter().map(|state| plain(state)).collect();
        let [state] = states.as_slice() else {
            let what = if states.is_empty() {
                "The report has no status of this erasure; ask the vendor how it ended.".to_owned()
            } else {
                let states: Vec<_> = self.states.iter().map(|state| format!("“{}”", short(state))).collect();
                format!("The report has several statuses of this erasure, {}; ask the vendor how it ended.", states.join(", "))
            };
            notes.remark(place, what);
            return Outcome::Inconclusive;
        };
        let said = self.states.first().map(|state| short(state)).unwrap_or_default();
        let Some((_, outcome)) = words.iter().find(|(word, _)| word == state) else {
            notes.remark(place, format!("“{}” is not a status that this reader knows; ask the vendor how the erasure ended.", said));
            return Outcome::Inconclusive;
        };
        if !outcome.is_success() {
            for words in &self.doubts {
                notes.remark(place, format!("The report says more of it: {words}."));
            }
            return *outcome;
        }
        if *outcome == Outcome::PassWithExceptions && self.doubts.is_empty() {
            notes.remark(place, format!("The report says “{}” and not which exceptions; ask the vendor.", said));
        }
        for words in &self.doubts {
            notes.remark(place, format!("Reported as successful, but {words}."));
        }
        if self.doubts.is_empty() && !record.errors.any() { *outcome } else { Outcome::PassWithExceptions }
    }
}
