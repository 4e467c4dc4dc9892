//! Reports that are printed for people: the text is split where a vendor's labels stand, on lines or glued together, and comes to the same record as the
//! vendor's files do.
//!
//! A text may have been cut off anywhere, so its last value is not trusted, and a success after which nothing follows is no plain pass.

use super::reading::{Notes, Outcome, Reading, short};
use super::stated::{Frame, Stated, Words, note_once};
use super::{Given, MAX_RECORDS};

/// Text beyond this is not read.
const MAX_TEXT_BYTES: usize = 4 * 1024 * 1024;

/// What stands behind a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// The heading of what was erased.
    Drives,
    /// The heading of the computer's part.
    System,
    /// The heading of any other part.
    Elsewhere,
    Serial,
    Model,
    Vendor,
    Capacity,
    SectorSize,
    Media,
    Interface,
    Standard,
    Technique,
    Method,
    Rounds,
    OverwritingRounds,
    FirmwareRounds,
    Verification,
    State,
    Cleaned,
    Failed,
    Errors,
    Remapped,
    Exception,
    Hidden,
    Start,
    End,
    Duration,
    Operator,
    ReportId,
    Issued,
    Version,
    SystemSerial,
    /// Known, so that its value is not taken for another's.
    Ignored,
    /// What stands at the end of a report.
    Closing,
}

/// A label in lower case.
pub(super) type Label = (&'static str, Key);

/// Whose report it is.
pub(super) struct Vendor {
    pub(super) format: &'static str,
    pub(super) version: u32,
    pub(super) tool: &'static str,
    pub(super) labels: &'static [Label],
    pub(super) states: &'static Words,
}

struct Field<'a> {
    key: Key,
    label: &'static str,
    value: &'a str,
    /// Whether something follows the value, so that it is not cut off.
    whole: bool,
}

/// Whether the text has labels of an erasure: of the medium, of how it ended, and another.
pub(super) fn is_report(text: &str, labels: &[Label]) -> bool {
    let fields = fields(text, labels);
    let has = |key: Key| fields.iter().any(|field| field.key == key);
    has(Key::State) && (has(Key::Serial) || has(Key::Model)) && (has(Key::Standard) || has(Key::Start) || has(Key::Technique) || has(Key::End))
}

/// Reads the text of one report.
pub(super) fn read(given: &Given, vendor: &Vendor, mut notes: Notes) -> Reading {
    let text = given.text.get(..given.text.floor_char_boundary(MAX_TEXT_BYTES)).unwrap_or_default();
    if text.len() < given.text.len() {
        notes.remark("file", "The text is longer than 4 MiB; the rest was not read.");
    }
    let fields = fields(text, vendor.labels);
    let mut report = Report { sectioned: fields.iter().any(|field| field.key == Key::Drives), ..Report::default() };
    for field in &fields {
        report.take(field);
    }
    let ended = given.is_pdf || text.ends_with('\u{c}') || fields.last().is_some_and(|field| !is_of_drive(field.key));
    for drive in report.drives.iter().filter(|drive| drive.is_open() && !drive.is_erasure()) {
        let serials: Vec<_> = drive.stated.serials.iter().map(|serial| short(serial)).collect();
        notes.remark(
            "file",
            format!("The report lists a medium with the serial number {} and not how its erasure ended; ask the vendor.", serials.join(", ")),
        );
    }
    let total = report.drives.iter().filter(|drive| drive.is_erasure()).count();
    // One more than are told, so that it is known that there are more.
    for (number, mut drive) in (1_usize..).zip(report.drives.into_iter().filter(Drive::is_erasure)).take(MAX_RECORDS + 1) {
        drive.stated.place = format!("erasure {number}");
        if number == total && !ended && drive.stated.failed.is_none() && drive.stated.errors.is_none() {
            drive.stated.doubts.push("the text ends with this erasure and may be cut off".to_owned());
        }
        drive.stated.tell(&report.frame, vendor.states, &mut notes);
    }
    if notes.records.is_empty() {
        notes.remark("file", "No erasure could be made out in the text of the report; ask the vendor for the report as XML or for a PDF with text.");
    } else if notes.records.iter().any(|record| record.result != Outcome::Inconclusive) {
        notes.remark("file", "This was read from a printed report; the vendor's own file (XML) of it says more and can be asked for.");
    }
    notes.reading(vendor.format, vendor.version, Some(vendor.tool.to_owned()), report.version)
}

fn is_of_drive(key: Key) -> bool {
    !matches!(
        key,
        Key::System | Key::Elsewhere | Key::Operator | Key::ReportId | Key::Issued | Key::Version | Key::SystemSerial | Key::Ignored | Key::Closing
    )
}

#[derive(Default)]
struct Drive {
    stated: Stated,
    leader: Option<Key>,
    headings: Vec<&'static str>,
}

impl Drive {
    /// A medium of which it is not yet said how its erasure ended.
    fn is_open(&self) -> bool {
        !self.stated.serials.is_empty() && self.stated.states.is_empty()
    }
    fn is_erasure(&self) -> bool {
        !self.stated.states.is_empty() || self.stated.standard.is_some() || self.stated.technique.is_some()
    }
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Start,
    Drives,
    System,
    Elsewhere,
}

#[derive(Default)]
struct Report {
    frame: Frame,
    version: Option<String>,
    drives: Vec<Drive>,
    part: Part,
    /// Whether what was erased has a heading, so that what stands before it is of something else.
    sectioned: bool,
}

impl Report {
    fn take(&mut self, field: &Field) {
        let said = |slot: &mut Option<String>| {
            if field.whole && !field.value.is_empty() {
                slot.get_or_insert_with(|| field.value.to_owned());
            }
        };
        match field.key {
            Key::Drives => self.head(field.label),
            Key::System => self.part = Part::System,
            Key::Elsewhere | Key::Closing => self.part = Part::Elsewhere,
            Key::Operator => said(&mut self.frame.operator),
            Key::ReportId => said(&mut self.frame.report_id),
            Key::Issued => said(&mut self.frame.issued),
            Key::SystemSerial => said(&mut self.frame.system_serial),
            Key::Version => {
                let number = field.value.split_whitespace().rfind(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'));
                if let Some(number) = number.filter(|_| field.whole) {
                    self.version.get_or_insert_with(|| number.to_owned());
                }
            }
            Key::Serial if self.part == Part::System => said(&mut self.frame.system_serial),
            Key::Ignored => {}
            _ if self.part == Part::Drives || (self.part == Part::Start && !self.sectioned) => self.drive(field),
            _ => {}
        }
    }

    /// One erasure may have several headings, `Target` and `Results`; where media are listed first and results after them, which is whose is not told.
    fn head(&mut self, label: &'static str) {
        let (last, earlier) = self.drives.split_last_mut().map_or((None, &[][..]), |(last, earlier)| (Some(last), &*earlier));
        let apart = earlier.iter().any(Drive::is_open) || self.part != Part::Drives;
        self.part = Part::Drives;
        let half = |drive: &Drive| drive.stated.serials.is_empty() || drive.stated.states.is_empty();
        match last.filter(|drive| !apart && half(drive) && !drive.headings.contains(&label)) {
            Some(drive) => drive.headings.push(label),
            None => self.drives.push(Drive { headings: vec![label], ..Drive::default() }),
        }
    }

    /// A drive's part begins with the same label each time.
    fn drive(&mut self, field: &Field) {
        let begun = self.drives.last().is_some_and(|drive| {
            let again = match field.key {
                Key::Serial => !drive.stated.serials.is_empty() && !drive.stated.states.is_empty(),
                Key::State => !drive.stated.states.is_empty() && !drive.stated.serials.is_empty(),
                _ => false,
            };
            drive.leader.is_none() || (drive.leader != Some(field.key) && !again)
        });
        if !begun {
            self.drives.push(Drive::default());
        }
        if let Some(drive) = self.drives.last_mut() {
            drive.leader.get_or_insert(field.key);
            fill(&mut drive.stated, field);
        }
    }
}

fn fill(stated: &mut Stated, field: &Field) {
    if field.value.is_empty() {
        return;
    }
    let slot = match field.key {
        // A word that may be cut off is no verdict, and says that there is one.
        Key::State if !field.whole => return note_once(&mut stated.states, &format!("{}…", field.value)),
        Key::State => return note_once(&mut stated.states, field.value),
        _ if !field.whole => return,
        Key::Serial => return note_once(&mut stated.serials, field.value),
        Key::Exception if matches!(field.value.to_ascii_lowercase().as_str(), "none" | "no" | "0" | "-" | "n/a") => return,
        Key::Exception => return note_once(&mut stated.exceptions, field.value),
        Key::Model => &mut stated.model,
        Key::Vendor => &mut stated.vendor,
        Key::Capacity => &mut stated.capacity,
        Key::SectorSize => &mut stated.sector_size,
        Key::Media => &mut stated.media,
        Key::Interface => &mut stated.interface,
        Key::Standard => &mut stated.standard,
        Key::Technique => &mut stated.technique,
        Key::Method => &mut stated.method,
        Key::Rounds => &mut stated.rounds,
        Key::OverwritingRounds => &mut stated.overwriting_rounds,
        Key::FirmwareRounds => &mut stated.firmware_rounds,
        Key::Verification => &mut stated.verification,
        Key::Cleaned => &mut stated.cleaned,
        Key::Failed => &mut stated.failed,
        Key::Errors => &mut stated.errors,
        Key::Remapped => &mut stated.remapped,
        Key::Hidden => &mut stated.hidden,
        Key::Start => &mut stated.start,
        Key::End => &mut stated.end,
        Key::Duration => &mut stated.duration,
        _ => return,
    };
    slot.get_or_insert_with(|| field.value.to_owned());
}

/// Where a label stands: its key, its first byte and the one behind it and its colon.
struct Mark {
    key: Key,
    label: &'static str,
    from: usize,
    to: usize,
}

fn fields<'a>(text: &'a str, labels: &[Label]) -> Vec<Field<'a>> {
    let marks = marks(text, labels);
    let ends = marks.iter().skip(1).map(|mark| mark.from).chain([text.len()]);
    marks
        .iter()
        .zip(ends)
        .map(|(mark, end)| {
            let span = text.get(mark.to..end).unwrap_or_default();
            let (value, rest) = value_in(span, mark.key);
            Field { key: mark.key, label: mark.label, value, whole: end < text.len() || rest.contains(['\n', '\r', '\u{c}']) }
        })
        .collect()
}

/// The first line with something on it, and what stands behind it. A status may be folded: `Erased` and `with exceptions` on the next line.
fn value_in(span: &str, key: Key) -> (&str, &str) {
    let begun = span.trim_start();
    let length = begun.find(['\n', '\r', '\u{c}']).unwrap_or(begun.len());
    let (line, rest) = begun.split_at_checked(length).unwrap_or((begun, ""));
    let next = rest.trim_start();
    if key == Key::State && ["with", "but", "and", "("].iter().any(|word| next.to_ascii_lowercase().starts_with(word)) {
        let more = next.find(['\n', '\r', '\u{c}']).unwrap_or(next.len());
        let length = begun.len() - next.len() + more;
        return begun.split_at_checked(length).map_or((line, rest), |(value, rest)| (value.trim(), rest));
    }
    (line.trim().trim_end_matches([',', ';', '|']).trim(), rest)
}

/// The longest label at each place where one can begin.
fn marks(text: &str, labels: &[Label]) -> Vec<Mark> {
    let lower = text.to_ascii_lowercase();
    let mut by_first: Vec<Vec<&Label>> = vec![Vec::new(); 128];
    for label in labels {
        if let Some(list) = label.0.bytes().next().and_then(|byte| by_first.get_mut(usize::from(byte))) {
            list.push(label);
        }
    }
    for list in &mut by_first {
        list.sort_by_key(|label| std::cmp::Reverse(label.0.len()));
    }
    let mut marks: Vec<Mark> = Vec::new();
    let mut line = 0;
    let mut from = 0;
    for (at, c) in lower.char_indices() {
        if matches!(c, '\n' | '\r' | '\u{c}') {
            line = at + c.len_utf8();
        }
        if at < from {
            continue;
        }
        let behind = lower.get(at..).unwrap_or_default();
        let known = by_first.get(usize::try_from(u32::from(c)).unwrap_or(usize::MAX)).into_iter().flatten();
        for (words, key) in known.filter(|(words, _)| behind.starts_with(words)) {
            let place = Place::of(text, line.max(from), line, at, words.len());
            if let Some((key, to)) = place.accepts(*key) {
                marks.push(Mark { key, label: words, from: at, to });
                from = to;
                break;
            }
        }
    }
    marks
}

/// What stands around words that may be a label.
struct Place<'a> {
    /// On the same line before them, since the last label.
    before: &'a str,
    /// Whether that begins with the line.
    from_line: bool,
    words: &'a str,
    after: &'a str,
    end: usize,
}

impl<'a> Place<'a> {
    fn of(text: &'a str, since: usize, line: usize, at: usize, length: usize) -> Self {
        let part = |from, to| text.get(from..to).unwrap_or_default();
        Self {
            before: part(since, at),
            from_line: since == line,
            words: part(at, at + length),
            after: part(at + length, text.len()),
            end: at + length,
        }
    }

    /// The key and where the value begins.
    fn accepts(&self, key: Key) -> Option<(Key, usize)> {
        let blanks = self.after.len() - self.after.trim_start_matches([' ', '\t', '\u{a0}']).len();
        let next = self.after.get(blanks..).unwrap_or_default();
        let coloned = next.starts_with(':') && !next.starts_with("://");
        let alone = next.is_empty() || next.starts_with(['\n', '\r', '\u{c}']);
        let columned = blanks >= 2 || self.after.starts_with('\t');
        let first = self.before.trim_matches([' ', '\t', '\u{a0}', '•', '-', '*', '|']).is_empty() && self.from_line;
        let capital = self.words.starts_with(|c: char| c.is_uppercase() || !c.is_alphabetic());
        if matches!(key, Key::Drives | Key::System | Key::Elsewhere) {
            let rest = next.split(['\n', '\r', '\u{c}']).next().unwrap_or_default();
            let numbered = rest.trim_matches([' ', '\t', '#', ':', '.']).chars().all(|c| c.is_ascii_digit());
            return (first && capital && (alone || numbered)).then_some((key, self.end + blanks + rest.len()));
        }
        let apart = self.before.ends_with("  ") || self.before.ends_with('\t');
        let glued = self.before.ends_with(|c: char| c.is_alphanumeric());
        if coloned {
            let to = self.end + blanks + 1;
            if first || apart || self.before.ends_with([',', ';', '|']) {
                return Some((key, to));
            }
            if glued {
                return capital.then_some((key, to));
            }
            // `Chassis Serial:` is another label, and its value is not this one's.
            let longer = self.from_line && self.before.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '/' | '(' | ')'));
            return Some((if longer { Key::Ignored } else { key }, to));
        }
        (capital && ((first && (alone || blanks > 0)) || (apart && (alone || columned)))).then_some((key, self.end))
    }
}
