//! Reads the text of nwipe's PDF certificates (0.34 to 0.42, also from ShredOS): one drive, or all drives of a computer.
//!
//! Labels and values come in the order in which they were drawn and may be glued together, so the text is cut at the labels, never at lines.

use chrono::NaiveDateTime;

use super::Given;
use super::nwipe::{not_erased, technique_of_method};
use super::reading::{Errors, HiddenArea, Kind, MediaKind, MediumReading, Notes, Outcome, Reading, Verification, short, usable_serial};
use super::times::{Moment, local};
use crate::domain::names::Technique;

/// The format's name.
pub const NAME: &str = "nwipe-pdf";
const READER_VERSION: u32 = 1;

/// No medium has more bytes (2^50); nwipe has printed such figures where it subtracted a capacity that it did not know.
const MOST_BYTES: u64 = 1 << 50;
/// Longest text that can be a page's title.
const TITLE_CHARACTERS: usize = 48;
/// Words that stand by themselves at the edge of a drive's entry in a certificate of all drives.
const STATUS_WORDS: &[&str] = &["ERASED", "FAILED", "-FAILED-", "ABORTED", "UABORTED", "INSANITY"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Label {
    Version,
    Page,
    Make,
    Serial,
    HeaderSerial,
    SystemSerial,
    Bus,
    Apparent,
    Real,
    Start,
    End,
    Status,
    Method,
    Verify,
    Erased,
    Rounds,
    Hidden,
    Throughput,
    Errors,
    Operator,
    Signature,
    /// Ends what stands before it and says nothing that is kept.
    Other,
}

/// Every label of every version, in lower case; the longer before those that they begin with. `Disk S/N:` is `S/N:`: models end in `Disk`, too.
const LABELS: &[(&str, Label)] = &[
    ("disc erasure by nwipe version", Label::Version),
    ("organisation performing the disk erasure", Label::Other),
    ("technician/operator id", Label::Other),
    ("disk erasure details", Label::Other),
    ("disk erasure status", Label::Other),
    ("disk erasure report", Label::Other),
    ("system erasure report", Label::Other),
    ("disk information", Label::Other),
    ("customer details", Label::Other),
    ("business address:", Label::Other),
    ("business name:", Label::Other),
    ("contact phone:", Label::Other),
    ("contact name:", Label::Other),
    ("name/id:", Label::Operator),
    ("signature:", Label::Signature),
    ("make/model:", Label::Make),
    ("size(apparent):", Label::Apparent),
    ("size(real):", Label::Real),
    ("start time:", Label::Start),
    ("end time:", Label::End),
    ("duration:", Label::Other),
    ("status:", Label::Status),
    ("method:", Label::Method),
    ("prng algorithm:", Label::Other),
    ("final pass(zeros/ones/none):", Label::Other),
    ("blanking pass:", Label::Other),
    ("verify pass(last/all/none):", Label::Verify),
    ("verify(last/all/none):", Label::Verify),
    ("* bytes erased:", Label::Other),
    ("*bytes erased:", Label::Erased),
    ("rounds(completed/requested):", Label::Rounds),
    ("hpa/dco size:", Label::Hidden),
    ("hpa/dco:", Label::Hidden),
    ("throughput:", Label::Throughput),
    ("errors(pass/sync/verify):", Label::Errors),
    ("information:", Label::Other),
    ("** ddnshpa", Label::Other),
    ("system s/n:", Label::SystemSerial),
    ("system uuid:", Label::Other),
    ("serial:", Label::Serial),
    ("model:", Label::Other),
    ("make:", Label::Make),
    ("s/n:", Label::HeaderSerial),
    ("bus:", Label::Bus),
    ("tag:", Label::Other),
    ("page ", Label::Page),
    ("address:", Label::Other),
    ("name:", Label::Other),
];

/// The footer of every page, and the title of either report.
pub fn recognise(given: &Given) -> bool {
    let head = plain(given.head()).to_ascii_lowercase();
    head.contains("disc erasure by nwipe version") && (head.contains("disk erasure report") || head.contains("system erasure report"))
}

/// Reads all drives of a certificate.
pub fn read(given: &Given) -> Reading {
    let text = plain(&given.text);
    let mut certificate = Certificate::default();
    for piece in pieces(&text) {
        certificate.take(&piece);
    }
    certificate.attribute();
    let mut notes = Notes::default();
    if given.is_damaged {
        notes.remark("file", "Some bytes are not text in the file's encoding; they were read as unknown characters.");
    }
    if certificate.development {
        notes.remark("file", "The certificate was made by a development version of nwipe, “not for production use”; ask for one of a release.");
    }
    if let Some(serial) = certificate.system_serial.as_ref().filter(|serial| usable_serial(serial).is_none()) {
        notes.remark("file", format!("The computer's serial number “{}” is masked or a placeholder.", short(serial)));
    }
    if certificate.drives.is_empty() {
        notes.remark("file", "The certificate names no drive; ask for the whole file.");
    }
    for (number, drive) in (1_usize..).zip(&certificate.drives) {
        let record = Settling { notes: &mut notes, place: format!("disk {number}"), drive, certificate: &certificate }.record();
        notes.record(record);
    }
    notes.reading(NAME, READER_VERSION, Some("nwipe".to_owned()), certificate.version)
}

/// Blanks of every kind as spaces, one between words; line and page ends stay.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        let c = if c == '\r' {
            '\n'
        } else if c.is_whitespace() && !matches!(c, '\n' | '\u{c}') {
            ' '
        } else {
            c
        };
        if !(c == ' ' && plain.ends_with(' ')) {
            plain.push(c);
        }
    }
    plain
}

struct Piece<'a> {
    label: Label,
    /// What stands between the label and the next, without the blanks around it.
    value: &'a str,
    /// Whether another label or page follows, which proves the value whole.
    whole: bool,
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let lower = text.to_ascii_lowercase();
    let mut found: Vec<(usize, usize, Label)> = Vec::new();
    let mut at = 0;
    while at < lower.len() {
        let here = lower
            .get(at..)
            .and_then(|rest| LABELS.iter().find(|(words, label)| rest.starts_with(words) && (*label != Label::Page || is_title(rest))));
        match here {
            Some((words, label)) => {
                found.push((at, at + words.len(), *label));
                at += words.len();
            }
            None => at += 1,
        }
    }
    let mut pieces = Vec::new();
    for (index, (_, end, label)) in found.iter().enumerate() {
        let next = found.get(index + 1).map(|(start, ..)| *start);
        let value = text.get(*end..next.unwrap_or(text.len())).unwrap_or("");
        let (value, page) = value.split_once('\u{c}').map_or((value, false), |(before, _)| (before, true));
        pieces.push(Piece { label: *label, value: value.trim(), whole: page || next.is_some() });
    }
    pieces
}

/// `page 1 of 2 - erasure status`: people may be called Page.
fn is_title(rest: &str) -> bool {
    rest.as_bytes().get("page ".len()).is_some_and(u8::is_ascii_digit)
}

#[derive(Default)]
struct Drive {
    model: Option<String>,
    serials: Vec<String>,
    masked: Option<String>,
    /// Whether the entry is of the form that has `S/N:` beside `Make:`.
    listed: bool,
    bus: String,
    apparent: Option<String>,
    real: Option<String>,
    start: Option<NaiveDateTime>,
    end: Option<NaiveDateTime>,
    status: Option<String>,
    flagged: bool,
    method: Option<String>,
    verify: String,
    erased: Option<String>,
    rounds: Option<String>,
    hidden: String,
    throughput: Option<String>,
    errors: Option<String>,
}

#[derive(Default)]
struct Certificate {
    version: Option<String>,
    development: bool,
    system_serial: Option<String>,
    header_serials: Vec<String>,
    operator: Option<String>,
    drives: Vec<Drive>,
    /// Status words that stand by themselves, turned by ninety degrees, with the number of drives that were named before each.
    unlabelled: Vec<(usize, &'static str)>,
    /// Pages of SMART data repeat some labels with other meanings.
    smart: bool,
    in_header: bool,
}

impl Certificate {
    fn take(&mut self, piece: &Piece) {
        let line = piece.value.lines().next().unwrap_or("").trim();
        match piece.label {
            Label::Version => {
                let words = piece.value.lines().next().unwrap_or("");
                let number = words.split_whitespace().next().filter(|word| piece.whole && word.starts_with(|c: char| c.is_ascii_digit()));
                self.version = self.version.take().or(number.map(str::to_owned));
                self.development |= words.contains("Development code");
                self.in_header = true;
            }
            Label::Page => {
                let title: String = piece.value.chars().take(TITLE_CHARACTERS).collect::<String>().to_ascii_lowercase();
                if title.contains("smart data") || title.contains("erasure status") {
                    self.smart = title.contains("smart data");
                    self.in_header = false;
                }
            }
            Label::SystemSerial if piece.whole && !line.is_empty() => {
                self.system_serial.get_or_insert_with(|| line.to_owned());
            }
            Label::HeaderSerial if self.in_header || self.drives.last().is_none_or(|drive| !drive.listed || !drive.serials.is_empty()) => {
                if piece.whole && usable_serial(line).is_some() && !self.header_serials.iter().any(|known| known == line) {
                    self.header_serials.push(line.to_owned());
                }
            }
            _ if self.smart => {}
            Label::Operator if piece.whole => self.operator = named(piece.value),
            // The name is drawn after both labels.
            Label::Signature if self.operator.is_none() => self.operator = named(piece.value).filter(|name| !name.contains('|')),
            Label::Make => {
                self.drives.push(Drive { model: Some(line.to_owned()).filter(|model| piece.whole && !model.is_empty()), ..Drive::default() });
            }
            label => {
                if let Some(drive) = self.drives.last_mut() {
                    drive.take(label, piece, line);
                }
            }
        }
        if !self.smart && piece.whole && !matches!(piece.label, Label::Serial | Label::HeaderSerial | Label::Method | Label::Status) {
            let words = STATUS_WORDS.iter().filter(|word| stands_alone(piece.value, word));
            self.unlabelled.extend(words.map(|word| (self.drives.len(), *word)));
        }
        // `S/N:` follows `Make:` at once where drives are listed.
        if let (Label::Make, Some(drive)) = (piece.label, self.drives.last_mut()) {
            drive.listed = true;
            self.in_header = false;
        }
    }
}

impl Certificate {
    /// Whose the words without a label are depends on who made the text: they come within a drive's entry or before it. Where that could give one drive
    /// another's status, none has one.
    fn attribute(&mut self) {
        if self.drives.iter().any(|drive| drive.status.is_some()) {
            return;
        }
        let drives = self.drives.len();
        let one_each = self.unlabelled.iter().map(|(before, _)| *before).eq(1..=drives);
        let all_alike = self.unlabelled.len() == drives && self.unlabelled.windows(2).all(|pair| matches!(pair, [(_, a), (_, b)] if a == b));
        if one_each || all_alike {
            for (drive, (_, word)) in self.drives.iter_mut().zip(&self.unlabelled) {
                drive.status = Some((*word).to_owned());
            }
        }
    }
}

fn named(value: &str) -> Option<String> {
    value.lines().map(str::trim).find(|line| !line.is_empty()).map(|name| name.chars().take(200).collect())
}

impl Drive {
    fn take(&mut self, label: Label, piece: &Piece, line: &str) {
        let kept = || Some(piece.value.to_owned()).filter(|value| piece.whole && !value.is_empty());
        match label {
            Label::Serial | Label::HeaderSerial => {
                if !piece.whole || line.is_empty() {
                } else if usable_serial(line).is_some() {
                    self.serials.push(line.to_owned());
                } else {
                    self.masked = Some(line.to_owned());
                }
            }
            Label::Bus => self.bus = line.to_ascii_uppercase(),
            Label::Apparent => self.apparent = kept(),
            Label::Real => self.real = kept(),
            Label::Start => self.start = time(piece.value),
            Label::End => self.end = time(piece.value),
            Label::Status => self.status = piece.value.split_whitespace().next().filter(|_| piece.whole).map(str::to_owned),
            Label::Method => self.method = Some(line.to_owned()).filter(|words| piece.whole && !words.is_empty()),
            Label::Verify => self.verify = piece.value.to_ascii_lowercase(),
            Label::Erased => self.erased = kept(),
            Label::Rounds => self.rounds = kept(),
            Label::Hidden => {
                self.hidden.push_str(&piece.value.to_ascii_lowercase());
                self.hidden.push('\n');
            }
            Label::Throughput => self.throughput = kept(),
            Label::Errors => self.errors = kept(),
            _ => {}
        }
        let upper = piece.value.to_ascii_uppercase();
        self.flagged |= upper.contains("SEE WARNING");
    }
}

/// Whether the word stands by itself in the value; the rounds before it may be glued to it.
fn stands_alone(value: &str, word: &str) -> bool {
    value.split_whitespace().any(|part| part.strip_suffix(word).is_some_and(|before| before.chars().all(|c| c.is_ascii_digit() || c == '/')))
}

/// `2023/03/11 22:38:43`; a time that was never set is printed as the first second of 1970.
fn time(value: &str) -> Option<NaiveDateTime> {
    let joined = value.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    Moment::read(joined.get(..19)?).map(|moment| moment.at)
}

/// `500 GB, 500107862016 bytes` or `500 GB,500107862016b`.
fn bytes_of(value: &str) -> Option<u64> {
    let exact = value.rsplit_once(',').map_or(value, |(_, exact)| exact).trim();
    let digits: String = exact.chars().take_while(char::is_ascii_digit).collect();
    let unit = exact.get(digits.len()..)?.trim_start();
    unit.starts_with('b').then(|| digits.parse().ok())?
}

/// `122 MB/sec`, cut off to whole ones of a decimal unit; one digit alone says too little.
fn speed_of(value: &str) -> Option<u64> {
    let mut words = value.split_whitespace();
    let number = words.next()?.parse::<u64>().ok().filter(|number| (10..100_000).contains(number))?;
    let unit = match words.next()? {
        "B/sec" => 1,
        "KB/sec" => 1_000,
        "MB/sec" => 1_000_000,
        "GB/sec" => 1_000_000_000,
        _ => return None,
    };
    Some(number * unit)
}

fn numbers(value: &str) -> Option<Vec<u64>> {
    let first = value.split_whitespace().next()?;
    first.trim_end_matches(char::is_alphabetic).split('/').map(|part| part.parse().ok()).collect()
}

/// One drive's facts on the way to its record.
struct Settling<'a> {
    notes: &'a mut Notes,
    place: String,
    drive: &'a Drive,
    certificate: &'a Certificate,
}

impl Settling<'_> {
    fn remark(&mut self, what: impl Into<String>) {
        self.notes.remark(self.place.as_str(), what);
    }

    fn record(mut self) -> MediumReading {
        let drive = self.drive;
        let serial = self.serial();
        let apparent = drive.apparent.as_deref().and_then(bytes_of).filter(|size| (1..MOST_BYTES).contains(size));
        let mut impossible = Vec::new();
        let real = self.real(apparent, &mut impossible);
        let erased = self.erased(&mut impossible);
        let mut hidden_area = self.hidden_area(&mut impossible);
        if !impossible.is_empty() {
            // A figure that cannot be was subtracted from one that is wrong; nothing that was concluded from it is trusted.
            hidden_area = HiddenArea::Unknown;
            self.remark(format!(
                "The certificate has figures that cannot be true ({}): whether the drive has hidden sectors is not known. Ask for nwipe's log of the run.",
                impossible.join("; ")
            ));
        }
        let technique = self.technique();
        let errors = drive.errors.as_deref().and_then(numbers).filter(|counts| counts.len() == 3);
        let errors = errors.map_or_else(Errors::default, |counts| Errors {
            write: counts.first().copied(),
            sync: counts.get(1).copied(),
            verify: counts.get(2).copied(),
            retries: None,
        });
        let rounds = self.rounds();
        // The report counts rounds; they are passes where the method has one pass.
        let one_pass = drive.method.as_deref().is_some_and(|words| {
            let words = words.to_ascii_lowercase();
            words.starts_with("fill with ") || words.starts_with("prng stream")
        });
        let (passes_done, passes_requested) = if one_pass { rounds.unzip() } else { (None, None) };
        if let (Some(start), Some(end)) = (drive.start, drive.end)
            && end < start
        {
            self.remark("The wipe ends before it starts; the computer's clock was changed, or the file was.");
        }
        let result = self.judge(technique, errors, hidden_area, apparent, real, erased, rounds);
        MediumReading {
            media_serial: serial,
            media_kind: self.media_kind(),
            model: drive.model.clone(),
            capacity_bytes: real.max(apparent),
            technique,
            technique_words: drive.method.clone(),
            passes_done,
            passes_requested,
            verification: self.verification(),
            result,
            errors,
            bytes_erased: erased,
            stated_bytes_per_second: drive.throughput.as_deref().and_then(speed_of),
            hidden_area,
            started_at: drive.start.map(local),
            ended_at: drive.end.map(local),
            operator: self.certificate.operator.clone(),
            system_serial: self.certificate.system_serial.as_deref().and_then(usable_serial),
            ..MediumReading::new(Kind::Sanitization, self.place.as_str())
        }
    }

    fn serial(&mut self) -> Option<String> {
        let (drive, certificate) = (self.drive, self.certificate);
        let Some(serial) = drive.serials.first() else {
            self.remark(match &drive.masked {
                Some(masked) => {
                    format!("The serial number “{}” is masked or a placeholder: the record cannot be bound to a medium by it.", short(masked))
                }
                None => "The certificate gives no serial number: the record cannot be bound to a medium by itself.".to_owned(),
            });
            return None;
        };
        let of_one_drive = certificate.drives.len() == 1 && certificate.header_serials.len() == 1;
        let other = drive.serials.iter().find(|other| *other != serial);
        let other = other.or_else(|| certificate.header_serials.first().filter(|other| of_one_drive && *other != serial));
        if let Some(other) = other {
            self.remark(format!("The certificate gives two serial numbers, “{serial}” and “{other}”: neither was taken."));
            return None;
        }
        usable_serial(serial)
    }

    fn media_kind(&self) -> Option<MediaKind> {
        let bus = self.drive.bus.as_str();
        [("NVME", MediaKind::Nvme), ("MMC", MediaKind::Emmc), ("SSD", MediaKind::Ssd)]
            .into_iter()
            .find(|(word, _)| bus.contains(word))
            .map(|(_, kind)| kind)
    }

    /// The whole size of the drive, hidden sectors too, as nwipe worked it out.
    fn real(&mut self, apparent: Option<u64>, impossible: &mut Vec<String>) -> Option<u64> {
        let real = bytes_of(self.drive.real.as_deref()?)?;
        if real < MOST_BYTES && apparent.is_none_or(|apparent| real >= apparent) {
            return Some(real).filter(|real| *real > 0);
        }
        impossible.push(format!("a real size of {real} bytes"));
        None
    }

    /// `512000 (0.0%)`, `500107862016, (100.0%)`, `Not applicable to method`.
    fn erased(&mut self, impossible: &mut Vec<String>) -> Option<u64> {
        let value = self.drive.erased.as_deref()?;
        let percent = value.split_once('(').and_then(|(_, rest)| rest.split_once('%')).map(|(percent, _)| percent.trim());
        if let Some(words) = percent
            && !words.parse::<f64>().is_ok_and(|percent| (0.0..=100.05).contains(&percent))
        {
            impossible.push(format!("{} % erased", short(words)));
        }
        let digits: String = value.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok().filter(|bytes| *bytes < MOST_BYTES)
    }

    fn hidden_area(&mut self, impossible: &mut Vec<String>) -> HiddenArea {
        let words = self.drive.hidden.as_str();
        let sectors = words.split_once(" sectors").and_then(|(before, _)| before.split_whitespace().next_back());
        if let Some(sectors) = sectors.filter(|sectors| sectors.ends_with(|c: char| c.is_ascii_digit()))
            && !sectors.parse::<u64>().is_ok_and(|count| count < MOST_BYTES / 512)
        {
            impossible.push(format!("{} hidden sectors", short(sectors)));
        }
        if words.contains("found") {
            HiddenArea::Found
        } else if words.contains("no hidden") || words.contains("not applicable") {
            HiddenArea::None
        } else {
            HiddenArea::Unknown
        }
    }

    /// What the device does by itself goes by the bus's command set; everything else writes from the host.
    fn technique(&mut self) -> Technique {
        let Some(words) = &self.drive.method else { return Technique::Unknown };
        let lower = words.to_ascii_lowercase();
        let (nvme, ata) = (self.drive.bus.contains("NVME"), self.drive.bus.contains("ATA"));
        let by_bus = |on_nvme, on_ata| match (nvme, ata) {
            (true, _) => on_nvme,
            (_, true) => on_ata,
            _ => Technique::Unknown,
        };
        if lower.starts_with("sanitize crypto erase") {
            by_bus(Technique::NvmeSanitizeCrypto, Technique::AtaSanitizeCrypto)
        } else if lower.starts_with("sanitize block erase") {
            by_bus(Technique::NvmeSanitizeBlock, Technique::AtaSanitizeBlock)
        } else if lower.starts_with("sanitize overwrite") {
            by_bus(Technique::NvmeSanitizeOverwrite, Technique::AtaSanitizeOverwrite)
        } else if lower.starts_with("secure erase") {
            by_bus(Technique::NvmeFormat, Technique::AtaSecureErase)
        } else if lower.contains("unknown") {
            Technique::Unknown
        } else {
            technique_of_method(words)
        }
    }

    /// `Verify Last`, `Last`: what was asked for, which is what was done where the drive is erased.
    fn verification(&self) -> Verification {
        let words = self.drive.verify.as_str();
        let asked = words.split_whitespace().find_map(|word| match word {
            "none" => Some(Verification::None),
            "last" => Some(Verification::Last),
            "all" => Some(Verification::All),
            _ => None,
        });
        match (asked, self.drive.status.as_deref()) {
            (Some(Verification::None), _) => Verification::None,
            (Some(asked), Some("ERASED")) => asked,
            _ => Verification::Unknown,
        }
    }

    fn rounds(&mut self) -> Option<(u32, u32)> {
        let counts = numbers(self.drive.rounds.as_deref()?)?;
        match counts.as_slice() {
            [done, requested] if *requested > 0 && *done <= *requested && *requested < 1000 => {
                Some((u32::try_from(*done).ok()?, u32::try_from(*requested).ok()?))
            }
            _ => None,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one verdict from everything that the certificate says about one drive")]
    fn judge(
        &mut self,
        technique: Technique,
        errors: Errors,
        hidden_area: HiddenArea,
        apparent: Option<u64>,
        real: Option<u64>,
        erased: Option<u64>,
        rounds: Option<(u32, u32)>,
    ) -> Outcome {
        let Some(word) = self.drive.status.clone() else {
            self.remark("The certificate's text has no status of this drive; ask for the PDF itself or nwipe's log.");
            return Outcome::Inconclusive;
        };
        if word != "ERASED" {
            return not_erased(&word).unwrap_or_else(|| {
                self.remark(format!("“{}” is not a status that this reader knows.", short(&word)));
                Outcome::Inconclusive
            });
        }
        if self.drive.method.is_some() && technique == Technique::Unknown {
            self.remark("The method writes nothing, or is not one that this reader knows; “ERASED” does not mean erased here.");
            return Outcome::Inconclusive;
        }
        let by_host = technique == Technique::HostOverwrite;
        let missing: Vec<&str> = [
            (errors.write.is_none(), "the errors that were counted"),
            (erased.is_none() && by_host, "how many bytes were erased"),
            (apparent.is_none() && by_host, "the drive's size"),
        ]
        .into_iter()
        .filter_map(|(absent, what)| absent.then_some(what))
        .collect();
        if !missing.is_empty() {
            self.remark(format!("Reported as erased, but the certificate's text does not say {}; ask for the whole file.", missing.join(" and ")));
            return Outcome::Inconclusive;
        }
        let (mut failures, mut doubts) = (Vec::new(), Vec::new());
        if errors.any() {
            failures.push("errors were counted".to_owned());
        }
        match (erased.filter(|_| by_host), apparent, real) {
            (Some(erased), Some(size), _) if erased < size => failures.push(format!("{erased} of {size} bytes were erased")),
            (Some(erased), _, Some(size)) if erased < size => doubts.push(format!("{erased} of {size} bytes were erased, the hidden sectors not")),
            (Some(erased), Some(apparent), real) if erased > real.unwrap_or(apparent).max(apparent) => {
                doubts.push(format!("{erased} bytes were erased, which is more than the drive has"));
            }
            _ => {}
        }
        match rounds {
            Some((done, requested)) if done < requested => doubts.push(format!("{done} of {requested} rounds are reported as finished")),
            None => doubts.push("the rounds are not reported, or impossibly".to_owned()),
            _ => {}
        }
        if self.drive.method.is_none() {
            doubts.push("the certificate names no method".to_owned());
        }
        match hidden_area {
            HiddenArea::Found => doubts.push("hidden sectors were found, and nwipe does not erase them".to_owned()),
            HiddenArea::Unknown => doubts.push("it is not known whether there are hidden sectors, which nwipe does not erase".to_owned()),
            HiddenArea::None => {}
        }
        if self.drive.flagged {
            doubts.push("the certificate says “See Warning !” beside its status".to_owned());
        }
        let verdict = match (failures.is_empty(), doubts.is_empty()) {
            (false, _) => Outcome::Fail,
            (true, false) => Outcome::PassWithExceptions,
            (true, true) => Outcome::Pass,
        };
        for reason in failures.into_iter().chain(doubts) {
            self.remark(format!("Reported as erased, but {reason}."));
        }
        verdict
    }
}
