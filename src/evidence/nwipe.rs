//! Reads the text log that nwipe (0.2x to 0.42, also inside ShredOS) writes: stamped lines, then up to three summary tables; a file may hold several runs.
//!
//! The tool's own verdict is the `Drive Status` table. What else the log says can only lower it: a drive that is `Erased` there and has errors, missing
//! bytes, unfinished passes or warnings elsewhere is not a plain pass, and a drive without a row has no verdict at all.

use std::collections::{BTreeSet, HashMap};

use chrono::{NaiveDateTime, TimeDelta};

use super::reading::{Errors, HiddenArea, Kind, MediumReading, Notes, Outcome, Reading, Verification, short, usable_serial};
use super::times::{local, seconds_of};
use super::{MAX_LINE_BYTES, text};
use crate::domain::names::Technique;

/// The format's name.
pub const NAME: &str = "nwipe-log";
const READER_VERSION: u32 = 1;

/// ShredOS copies of a log fold long lines and indent the rest by this much.
const FOLD_INDENT: usize = 31;
/// nwipe keeps this much of a serial in its tables; a shorter one that continues elsewhere is a contradiction, not a cut.
const TABLE_SERIAL_CHARACTERS: usize = 20;
/// More passes or rounds than any method has: a figure that is not trusted.
const MAX_PASSES: u32 = 1000;

/// Two stamped lines and a word that only nwipe's log has, or the head of its status table.
pub fn recognise(head: &[u8]) -> bool {
    let (text, _) = text::decode(head);
    let mut stamped = 0_u32;
    let mut told = false;
    for line in text.lines() {
        if stamp(line).is_some_and(|(_, rest)| level(rest).0 != Level::Unlabelled) {
            stamped += 1;
        }
        told |= line.contains("nwipe") || line.contains("Invoking method '") || Table::headed(line).is_some();
        if line.contains("| Status | Thru-put |") || (stamped >= 2 && told) {
            return true;
        }
    }
    false
}

/// Reads a whole log; what it cannot make out becomes remarks.
pub fn read(bytes: &[u8]) -> Reading {
    let (text, damaged) = text::decode(bytes);
    let mut reader = Reader::default();
    if damaged {
        reader.notes.remark("file", "Some bytes are not text in the file's encoding; they were read as unknown characters.".to_owned());
    }
    for (number, line) in (1_usize..).zip(lines(&text)) {
        reader.physical(number, line);
    }
    // Whatever the file ends with may be cut in mid-word: nothing follows that would prove it whole.
    reader.flush(false);
    reader.end_of_run();
    if reader.notes.records.is_empty() {
        reader.notes.remark("file", "The log names no drive that was wiped.".to_owned());
    }
    reader.notes.reading(NAME, READER_VERSION, Some("nwipe".to_owned()), reader.tool_version)
}

/// Lines by any of the three line ends; a file that went through Windows or an old Mac tool has lost nothing else.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Quiet,
    Warning,
    Grave,
    Unlabelled,
}

/// `[2026/08/03 08:12:01] rest`; the time is absent where the shape is right and the date impossible.
fn stamp(line: &str) -> Option<(Option<NaiveDateTime>, &str)> {
    let (inside, rest) = line.strip_prefix('[')?.split_once(']')?;
    let shaped = inside.len() == 19
        && inside.bytes().zip("dddd/dd/dd dd:dd:dd".bytes()).all(|(byte, shape)| if shape == b'd' { byte.is_ascii_digit() } else { byte == shape });
    shaped.then(|| (NaiveDateTime::parse_from_str(inside, "%Y/%m/%d %H:%M:%S").ok(), rest))
}

/// The level's weight and the message after it; old logs put the program's name first.
fn level(rest: &str) -> (Level, &str) {
    let rest = rest.trim_start();
    let rest = rest.strip_prefix("nwipe: ").unwrap_or(rest);
    let Some((word, message)) = rest.split_once(':') else { return (Level::Unlabelled, rest) };
    let weight = match word.trim() {
        "debug" | "info" | "notice" => Level::Quiet,
        "warning" => Level::Warning,
        "error" | "fatal" | "sanity" => Level::Grave,
        _ => return (Level::Unlabelled, rest),
    };
    (weight, message.trim())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    Errors,
    Erasure,
    Status,
}

impl Table {
    fn headed(line: &str) -> Option<Self> {
        let title = line.trim().strip_prefix('*')?.trim_matches(['*', ' ']);
        match title {
            "Error Summary" => Some(Self::Errors),
            "Erasure Summary" => Some(Self::Erasure),
            "Drive Status" => Some(Self::Status),
            _ => None,
        }
    }
}

/// One stamped line with its continuations.
struct Logical {
    number: usize,
    at: Option<NaiveDateTime>,
    level: Level,
    message: String,
}

struct StatusRow {
    word: String,
    flagged: bool,
    seconds: Option<i64>,
}

/// How far the log's lines, not its tables, follow one drive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Activity {
    #[default]
    Unseen,
    Running,
    Finished,
}

struct Sanitize {
    technique: Technique,
    words: Option<String>,
    result: Outcome,
    started: Option<NaiveDateTime>,
    ended: Option<NaiveDateTime>,
}

#[derive(Default)]
struct Medium {
    name: String,
    serials: Vec<String>,
    masked: Option<String>,
    cut_serial: bool,
    model: Option<String>,
    hidden_verdict: Option<HiddenArea>,
    hpa_enabled: bool,
    capacity: Option<u64>,
    /// Whether anything but its discovery was reported.
    touched: bool,
    method: Option<String>,
    activity: Activity,
    cancelled: bool,
    passes: BTreeSet<(u32, u32)>,
    requested: Option<u32>,
    verified: bool,
    detailed: bool,
    written: Option<u64>,
    erased: Option<(u64, u64)>,
    errors: Errors,
    other_errors: u64,
    started: Option<NaiveDateTime>,
    last: Option<NaiveDateTime>,
    status: Option<StatusRow>,
    sanitizes: Vec<Sanitize>,
    /// Reasons why `Erased` is not a plain pass, and reasons why it is none.
    doubts: Vec<String>,
    failures: Vec<String>,
}

#[derive(Default)]
struct Run {
    media: Vec<Medium>,
    by_name: HashMap<String, usize>,
    system_serial: Option<String>,
    method: Option<String>,
    verify: Option<Verification>,
    footer_verify: Option<Verification>,
    wiping: bool,
    tables: bool,
    status_rows: bool,
    aborted: bool,
    exited_with_errors: bool,
    doubts: Vec<String>,
}

#[derive(Default)]
struct Reader {
    run: Run,
    notes: Notes,
    tool_version: Option<String>,
    table: Option<Table>,
    columns: Vec<String>,
    current: Option<Logical>,
    /// A row is read once the next line proves it whole.
    row: Option<(usize, String)>,
}

impl Reader {
    fn physical(&mut self, number: usize, line: &str) {
        if line.len() > MAX_LINE_BYTES {
            self.flush(true);
            self.notes.remark(format!("line {number}"), "The line is longer than 64 KiB and was passed over.".to_owned());
            return;
        }
        let line = line.trim_end();
        if let Some((at, rest)) = stamp(line) {
            self.flush(true);
            self.table = None;
            let (level, message) = level(rest);
            if at.is_none() {
                self.notes.remark(format!("line {number}"), "The time on this line is impossible and was left out.".to_owned());
            }
            self.current = Some(Logical { number, at, level, message: message.to_owned() });
        } else if let Some(table) = Table::headed(line) {
            self.flush(true);
            self.begin_table(table);
        } else if line.is_empty() {
            // The empty piece after the last line end proves nothing about the line before it; `read` flushes that one as possibly cut.
            if self.current.is_none() && self.row.is_none() {
                self.table = None;
            }
        } else if self.table.is_some() {
            self.flush(true);
            self.table_line(number, line);
        } else if let Some(current) = &mut self.current {
            let folded = line.get(FOLD_INDENT..).filter(|_| line.bytes().take(FOLD_INDENT).all(|byte| byte == b' '));
            if current.message.len() + line.len() > MAX_LINE_BYTES {
                self.flush(true);
                return;
            }
            if let Some(rest) = folded {
                current.message.push_str(rest);
            } else if line.starts_with(' ') {
                current.message.push(' ');
                current.message.push_str(line.trim());
            } else {
                self.flush(true);
            }
        }
    }

    fn begin_table(&mut self, table: Table) {
        // A second Drive Status without anything between: two logs were put together without their heads.
        if table == Table::Errors && self.run.status_rows {
            self.end_of_run();
        }
        self.run.tables = true;
        self.table = Some(table);
        self.columns.clear();
    }

    fn table_line(&mut self, number: usize, line: &str) {
        let trimmed = line.trim();
        if trimmed.chars().all(|c| c == '*') {
            self.table = None;
        } else if trimmed.contains('|') {
            if self.columns.is_empty() {
                self.columns = trimmed.trim_start_matches('!').split('|').map(|column| column.trim().to_ascii_lowercase()).collect();
            } else {
                self.row = Some((number, line.to_owned()));
            }
        }
    }

    /// Reads what is pending; `whole`: another line follows, so nothing is cut off its end.
    fn flush(&mut self, whole: bool) {
        if let Some((number, row)) = self.row.take() {
            self.table_row(number, &row, whole);
        }
        if let Some(line) = self.current.take() {
            self.stamped(&line, whole);
        }
    }

    fn table_row(&mut self, number: usize, row: &str, whole: bool) {
        let Some(table) = self.table else { return };
        let mut cells = row.splitn(5, '|');
        let first = cells.next().unwrap_or("").trim();
        let flagged = first.starts_with('!');
        let name = first.trim_start_matches('!').trim().to_owned();
        let mut cells: Vec<&str> = cells.map(str::trim).collect();
        // Older versions close their rows with a bar.
        if table != Table::Status && cells.last() == Some(&"") {
            cells.pop();
        }
        if name.is_empty() {
            self.notes.remark(format!("line {number}"), "A row of a table names no drive and was passed over.".to_owned());
            return;
        }
        let index = self.run.named_in_table(&name);
        let columns = std::mem::take(&mut self.columns);
        let Some(medium) = self.run.media.get_mut(index) else { return };
        medium.touched = true;
        let mut unread = false;
        match table {
            Table::Status => {
                if let [word, _, duration, identity] = cells.as_slice() {
                    medium.status = Some(StatusRow { word: (*word).to_owned(), flagged, seconds: seconds_of(duration) });
                    self.run.status_rows = true;
                    // The model may hold a slash; the serial is what stands after the last one.
                    let (model, serial) = identity.rsplit_once('/').unwrap_or((identity, ""));
                    if medium.model.is_none() && !model.trim().is_empty() {
                        medium.model = Some(model.trim().to_owned());
                    }
                    medium.named(serial, whole);
                } else {
                    unread = true;
                }
            }
            Table::Errors if whole => {
                let mut read_any = false;
                for (column, cell) in columns.iter().skip(1).zip(&cells) {
                    let Ok(count) = cell.parse::<u64>() else {
                        unread = true;
                        continue;
                    };
                    read_any = true;
                    if column.contains("verif") {
                        medium.errors.verify = Some(count);
                    } else if column.contains("sync") {
                        medium.errors.sync = Some(count);
                    } else if column.contains("pass") {
                        medium.errors.write = Some(count);
                    } else {
                        medium.other_errors = medium.other_errors.saturating_add(count);
                    }
                }
                unread |= !read_any;
            }
            Table::Erasure if whole => match cells.as_slice() {
                [erased, total, ..] => match (erased.parse(), total.parse()) {
                    (Ok(erased), Ok(total)) => medium.erased = Some((erased, total)),
                    _ => unread = true,
                },
                _ => unread = true,
            },
            Table::Errors | Table::Erasure => unread = true,
        }
        if unread {
            medium.doubts.push("a row about it in the summary tables could not be read".to_owned());
            self.notes.remark(format!("line {number}"), format!("The row about {name} is cut off or damaged and was not understood."));
        }
        self.columns = columns;
    }

    fn stamped(&mut self, line: &Logical, whole: bool) {
        let message = line.message.as_str();
        self.begin_run_at(message);
        if line.level == Level::Unlabelled {
            if message.starts_with("Total Throughput ") {
                self.footer(message);
            }
            return;
        }
        if let Some(version) = message.strip_prefix("nwipe ").filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            self.tool_version = Some(version.trim().to_owned());
        } else if let Some((key, value)) =
            message.split_once('=').map(|(key, value)| (key.trim(), value.trim())).filter(|(key, _)| !key.contains(' '))
        {
            self.option(key, value, line.number, whole);
        } else if message.starts_with("Nwipe was aborted by the user") {
            self.run.aborted = true;
        } else if message.starts_with("Nwipe exited with") && message.contains("errors") {
            self.run.exited_with_errors = true;
        } else {
            self.about_a_drive(line, whole);
        }
    }

    /// Logs are appended to: a banner, or a fresh start after the tables, opens the next run.
    fn begin_run_at(&mut self, message: &str) {
        let banner = message.strip_prefix("nwipe ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let start =
            ["Opened entropy source", "Program options are set", "Found /dev/", "Invoking method '"].iter().any(|words| message.starts_with(words));
        let begun = !self.run.media.is_empty() || self.run.tables;
        if (banner && begun) || (start && self.run.tables) {
            self.end_of_run();
        }
    }

    fn footer(&mut self, message: &str) {
        let mut parts = message.rsplitn(3, ", ");
        let abbreviations = parts.next().unwrap_or("");
        if let Some(method) = parts.next() {
            self.run.method.get_or_insert_with(|| method.trim().to_owned());
        }
        self.run.footer_verify = match abbreviations.rsplit('+').next().map(str::trim) {
            Some("NV") => Some(Verification::None),
            Some("VL") => Some(Verification::Last),
            Some("VA") => Some(Verification::All),
            _ => None,
        };
    }

    fn option(&mut self, key: &str, value: &str, number: usize, whole: bool) {
        match key {
            "banner" => {
                if let Some(version) = value.strip_prefix("nwipe ") {
                    self.tool_version = Some(version.trim().to_owned());
                }
            }
            "method" => self.run.method = Some(value.to_owned()),
            "verify" => {
                self.run.verify = match value.split_whitespace().next() {
                    Some("0") => Some(Verification::None),
                    Some("1") => Some(Verification::Last),
                    Some("2") => Some(Verification::All),
                    _ => None,
                };
            }
            "system-serial-number" if whole => {
                if usable_serial(value).is_some() {
                    self.run.system_serial = Some(value.to_owned());
                } else {
                    self.notes
                        .remark(format!("line {number}"), format!("The computer's serial number “{}” is masked or a placeholder.", short(value)));
                }
            }
            _ => {}
        }
    }

    fn about_a_drive(&mut self, line: &Logical, whole: bool) {
        let message = line.message.as_str();
        if let Some(rest) = message.strip_prefix("Found /dev/") {
            self.found(rest, whole);
            return;
        }
        let Some(path) = device_in(message) else {
            self.without_a_drive(line);
            return;
        };
        if message.contains("SANITIZE") {
            self.sanitize(line, path);
            return;
        }
        let known = self.run.by_name.get(path).copied();
        let wipes = wiping_words(message);
        let index = match known {
            Some(index) => index,
            None if wipes.is_some()
                || message.contains(" has serial number ")
                || mentions_hidden_area(message)
                || message.starts_with("Status: ") =>
            {
                self.run.medium(path)
            }
            None => {
                self.without_a_drive(line);
                return;
            }
        };
        if let Some(activity) = wipes {
            self.run.wiping = true;
            if let Some(medium) = self.run.media.get_mut(index) {
                medium.wiped(line, activity);
            }
        }
        let Some(medium) = self.run.media.get_mut(index) else { return };
        if let Some((_, serial)) = message.split_once(" has serial number ") {
            medium.named(serial, whole);
        } else if let Some((_, size)) = message.split_once(" is size ") {
            if whole {
                medium.capacity = size.trim_end_matches('.').parse().ok().or(medium.capacity);
            }
        } else if mentions_hidden_area(message) {
            medium.hidden(message);
        } else if message.contains(" bytes written to ") {
            medium.detailed = true;
            let count = message.split(' ').next().and_then(|count| count.parse::<u64>().ok());
            medium.written = medium.written.max(count);
        } else if message.starts_with("Status: ") {
            medium.status_line(message, whole);
        } else if message.starts_with("Wipe thread for device ") && message.contains("cancelled") {
            medium.cancelled = true;
        }
        if message.contains("[FAILURE]") || message.contains(">>> FAILURE! <<<") {
            medium.touched = true;
            medium.failures.push(format!("line {} reports a failure", line.number));
        } else if line.level != Level::Quiet && !harmless(message) {
            medium.doubts.push(format!("line {} is a warning or an error about it: “{}”", line.number, short(message)));
        }
    }

    fn without_a_drive(&mut self, line: &Logical) {
        if line.level == Level::Grave && self.run.wiping {
            self.run.doubts.push(format!("line {} is an error of the whole run: “{}”", line.number, short(&line.message)));
        }
    }

    /// `sda,  ATA    , WDC WD5000LPLX-7,  500 GB, S/N=…`: the size is rounded and not used; a model may hold commas.
    fn found(&mut self, rest: &str, whole: bool) {
        let Some((path, rest)) = rest.split_once(',') else { return };
        let name = last_of(path.trim());
        let (before, serial) = rest.rsplit_once("S/N=").unwrap_or((rest, ""));
        let serial = serial.trim();
        let fields = before.trim_end().trim_end_matches(',');
        let model =
            fields.split_once(',').and_then(|(_, rest)| rest.rsplit_once(',')).map(|(model, _)| model.trim()).filter(|model| !model.is_empty());
        // Another drive under a known name: one was unplugged and the next took its place.
        let swapped = self.run.by_name.get(name).and_then(|index| self.run.media.get(*index)).is_some_and(|known| {
            whole && !known.serials.is_empty() && usable_serial(serial).is_some() && !known.serials.iter().any(|other| other == serial)
        });
        if swapped {
            self.run.by_name.remove(name);
            self.notes.remark(
                name,
                format!("Two drives were found one after the other under the name {name}; lines are read as being about the newer one."),
            );
        }
        let index = self.run.medium(name);
        if let Some(medium) = self.run.media.get_mut(index) {
            medium.named(serial, whole);
            if let Some(model) = model {
                medium.model = Some(model.to_owned());
            }
        }
    }

    /// 0.41 and later: `/dev/nvme0: issuing SANITIZE sanact=4` (the controller) and `/dev/sda: issuing SANITIZE feat=0x0012 lba=…`.
    fn sanitize(&mut self, line: &Logical, path: &str) {
        let message = line.message.as_str();
        let index = self.run.controller(path);
        let Some(medium) = self.run.media.get_mut(index) else { return };
        if let Some((_, parameters)) = message.split_once("issuing SANITIZE ") {
            if let Some((technique, words)) = sanitize_technique(path, parameters) {
                medium.touched = true;
                medium.sanitizes.push(Sanitize {
                    technique,
                    words: words.map(str::to_owned),
                    // Issued is not done: devices go on for hours, and refuse.
                    result: Outcome::InProgress,
                    started: line.at,
                    ended: None,
                });
                if technique == Technique::Unknown {
                    self.notes.remark(path, format!("The sanitize action on line {} is not one that this reader knows.", line.number));
                }
            }
            return;
        }
        let Some(action) = medium.sanitizes.last_mut() else { return };
        if let Some(words) = quoted(message).filter(|_| message.contains("SANITIZE action '")) {
            if action.technique == Technique::Unknown {
                action.technique = technique_of_action(path, words);
                action.words = Some(words.to_owned());
            }
            action.ended = line.at;
            action.result = if message.contains("was successful") {
                Outcome::Pass
            } else if message.contains("has failed") {
                Outcome::Fail
            } else {
                // “has completed”: the device reported neither success nor failure.
                Outcome::Inconclusive
            };
        } else if message.contains("SANITIZE failed") || (line.level == Level::Grave && action.result == Outcome::InProgress) {
            action.result = Outcome::Fail;
            action.ended = line.at;
        }
    }

    fn end_of_run(&mut self) {
        self.table = None;
        let run = std::mem::take(&mut self.run);
        let used = run.media.iter().any(|medium| medium.touched);
        let contradicted =
            run.exited_with_errors && run.media.iter().filter_map(|medium| medium.status.as_ref()).all(|row| is_erased(&row.word) && !row.flagged);
        for medium in &run.media {
            if !medium.touched {
                if used {
                    self.notes.remark(medium.name.as_str(), "This drive was found and nothing was done to it.".to_owned());
                }
                continue;
            }
            self.settle(&run, medium, contradicted);
        }
        if used && run.verify.is_some() && run.footer_verify.is_some() && run.verify != run.footer_verify {
            self.notes.remark("file", "The log's options and its last line disagree on verification; the weaker was taken.".to_owned());
        }
    }

    fn settle(&mut self, run: &Run, medium: &Medium, contradicted: bool) {
        let name = medium.name.as_str();
        let serial = self.serial_of(medium);
        let hidden_area = match (medium.hidden_verdict, medium.hpa_enabled) {
            (Some(HiddenArea::Found), _) | (_, true) => HiddenArea::Found,
            (Some(verdict), false) => verdict,
            (None, false) => HiddenArea::Unknown,
        };
        let capacity_bytes = medium.erased.map(|(_, total)| total).filter(|total| *total > 0).or(medium.capacity);
        let blank = MediumReading {
            media_serial: serial,
            model: medium.model.clone(),
            capacity_bytes,
            hidden_area,
            system_serial: run.system_serial.clone(),
            ..MediumReading::new(Kind::Sanitization, name)
        };
        for action in &medium.sanitizes {
            if action.result == Outcome::InProgress {
                self.notes.remark(name, "A sanitize command was sent; the log does not say how it ended.".to_owned());
            }
            self.notes.record(MediumReading {
                technique: action.technique,
                technique_words: action.words.clone(),
                result: action.result,
                started_at: action.started.map(local),
                ended_at: action.ended.map(local),
                ..blank.clone()
            });
        }
        let overwritten = medium.method.is_some() || medium.activity != Activity::Unseen;
        if !medium.sanitizes.is_empty() && !overwritten {
            if medium.status.is_some() {
                self.notes.remark(
                    name,
                    "The status table has a row for this drive, but the log shows no wipe of it besides the sanitize command.".to_owned(),
                );
            }
            return;
        }

        let words = medium.method.clone().or_else(|| run.method.clone());
        let technique = match words.as_deref() {
            Some(words) => technique_of_method(words),
            None if medium.detailed => Technique::HostOverwrite,
            None => Technique::Unknown,
        };
        let requested = medium.requested;
        let done = (medium.activity != Activity::Unseen).then(|| u32::try_from(medium.passes.len()).unwrap_or(u32::MAX));
        let bytes_erased = medium.erased.map(|(erased, _)| erased).or(medium.written.filter(|_| !medium.passes.is_empty()));
        let verification = self.verification_of(run, medium);

        let result = self.judge(run, medium, technique, words.as_deref(), hidden_area, capacity_bytes, bytes_erased, contradicted);
        let over = !matches!(result, Outcome::InProgress);
        let by_duration = medium.status.as_ref().and_then(|row| row.seconds).and_then(TimeDelta::try_seconds);
        let ended = match (medium.activity, medium.started, by_duration) {
            (Activity::Finished, ..) => medium.last,
            (_, Some(started), Some(duration)) => started.checked_add_signed(duration),
            _ => medium.last.filter(|_| over),
        };
        if let (Some(started), Some(ended)) = (medium.started, ended)
            && ended < started
        {
            self.notes.remark(name, "The wipe ends before it starts; the computer's clock was changed, or the file was.".to_owned());
        }
        self.notes.record(MediumReading {
            technique,
            technique_words: words,
            passes_done: done,
            passes_requested: requested,
            verification,
            result,
            errors: medium.errors,
            bytes_erased,
            started_at: medium.started.map(local),
            ended_at: ended.map(local),
            ..blank
        });
    }

    fn serial_of(&mut self, medium: &Medium) -> Option<String> {
        let name = medium.name.as_str();
        let mut serials = medium.serials.iter();
        let Some(mut serial) = serials.next() else {
            let what = if let Some(masked) = &medium.masked {
                format!("The serial number “{}” is masked or a placeholder: the record cannot be bound to a medium by it.", short(masked))
            } else if medium.cut_serial {
                "The file ends inside the serial number: it was left out.".to_owned()
            } else {
                "The log gives no serial number: the record cannot be bound to a medium by itself.".to_owned()
            };
            self.notes.remark(name, what);
            return None;
        };
        for other in serials {
            let (short, long) = if serial.len() <= other.len() { (serial, other) } else { (other, serial) };
            if !(long.starts_with(short.as_str()) && short.chars().count() == TABLE_SERIAL_CHARACTERS) {
                self.notes.remark(name, format!("The log gives two serial numbers, “{serial}” and “{other}”: neither was taken."));
                return None;
            }
            serial = long;
        }
        Some(serial.clone())
    }

    fn verification_of(&mut self, run: &Run, medium: &Medium) -> Verification {
        let asked = match (run.verify, run.footer_verify) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        match asked {
            Some(Verification::Last | Verification::All) if !medium.verified && !medium.status.as_ref().is_some_and(|row| is_erased(&row.word)) => {
                // Asked for, and ended before it came to that as far as the log shows.
                Verification::Unknown
            }
            Some(Verification::Last | Verification::All) if medium.detailed && !medium.verified => {
                self.notes.remark(medium.name.as_str(), "Verification was asked for, and the log shows none of this drive.".to_owned());
                Verification::Unknown
            }
            Some(asked) => asked,
            // One verified pass says that the last or all were checked; the weaker is certain.
            None if medium.verified => Verification::Last,
            None => Verification::Unknown,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one verdict from everything that the log says about one drive")]
    fn judge(
        &mut self,
        run: &Run,
        medium: &Medium,
        technique: Technique,
        words: Option<&str>,
        hidden_area: HiddenArea,
        capacity: Option<u64>,
        erased: Option<u64>,
        contradicted: bool,
    ) -> Outcome {
        let name = medium.name.as_str();
        let failed = medium.errors.any() || !medium.failures.is_empty();
        let Some(row) = &medium.status else {
            self.notes.remark(name, "The log has no final status of this drive.".to_owned());
            return match medium.activity {
                _ if failed => Outcome::Fail,
                Activity::Running if run.aborted || medium.cancelled => Outcome::Aborted,
                Activity::Running => Outcome::InProgress,
                Activity::Finished | Activity::Unseen if run.aborted => Outcome::Aborted,
                Activity::Finished | Activity::Unseen => Outcome::Inconclusive,
            };
        };
        if !is_erased(&row.word) {
            return not_erased(&row.word).unwrap_or_else(|| {
                self.notes.remark(name, format!("“{}” is not a status that this reader knows.", short(&row.word)));
                Outcome::Inconclusive
            });
        }
        let mut failures = medium.failures.clone();
        if medium.errors.any() {
            failures.push("errors were counted".to_owned());
        }
        let mut doubts: Vec<String> = medium.doubts.iter().chain(&run.doubts).cloned().collect();
        match (erased, capacity) {
            (Some(erased), Some(capacity)) if erased < capacity => failures.push(format!("{erased} of {capacity} bytes were erased")),
            (Some(erased), Some(capacity)) if erased > capacity => {
                doubts.push(format!("{erased} of {capacity} bytes were erased, which is impossible"))
            }
            _ => {}
        }
        if medium.erased.is_some_and(|(_, total)| total == 0) {
            doubts.push("its size is given as 0 bytes".to_owned());
        }
        if row.flagged {
            doubts.push("the status row carries a warning mark".to_owned());
        }
        if medium.other_errors > 0 {
            doubts.push("errors or retries were counted".to_owned());
        }
        if hidden_area == HiddenArea::Found {
            doubts.push("hidden sectors were found, and nwipe does not erase them".to_owned());
        }
        let done = u32::try_from(medium.passes.len()).unwrap_or(u32::MAX);
        if medium.requested.is_some_and(|requested| done < requested) {
            doubts.push(format!("the log reports {done} of {} passes as finished", medium.requested.unwrap_or_default()));
        } else if medium.activity == Activity::Running {
            doubts.push("the log's lines end while the drive is still being written or read".to_owned());
        }
        if contradicted {
            doubts.push("nwipe says that it exited with errors".to_owned());
        }
        if technique == Technique::Unknown && words.is_none() {
            doubts.push("the log names no method".to_owned());
        }
        let verdict = if technique == Technique::Unknown && words.is_some() {
            self.notes
                .remark(name, "The method writes nothing, or is not one that this reader knows; “Erased” does not mean erased here.".to_owned());
            return Outcome::Inconclusive;
        } else if !failures.is_empty() {
            Outcome::Fail
        } else if !doubts.is_empty() {
            Outcome::PassWithExceptions
        } else {
            return Outcome::Pass;
        };
        for reason in failures.into_iter().chain(doubts) {
            self.notes.remark(name, format!("Reported as erased, but {reason}."));
        }
        verdict
    }
}

impl Run {
    fn medium(&mut self, name: &str) -> usize {
        if let Some(index) = self.by_name.get(name) {
            return *index;
        }
        let index = self.media.len();
        self.media.push(Medium { name: name.to_owned(), ..Medium::default() });
        self.by_name.insert(name.to_owned(), index);
        index
    }

    /// Tables of older versions keep the last six characters of a name: `vme0n1`.
    fn named_in_table(&mut self, name: &str) -> usize {
        if !self.by_name.contains_key(name) && name.chars().count() >= 6 {
            let mut longer = self.by_name.iter().filter(|(known, _)| known.ends_with(name));
            if let (Some((_, index)), None) = (longer.next(), longer.next()) {
                return *index;
            }
        }
        self.medium(name)
    }

    /// A command to the controller `nvme0` concerns its only namespace `nvme0n1`.
    fn controller(&mut self, name: &str) -> usize {
        if !self.by_name.contains_key(name) && name.starts_with("nvme") {
            let space = |known: &str| known.strip_prefix(name).is_some_and(|rest| rest.starts_with('n'));
            let mut spaces = self.by_name.iter().filter(|(known, _)| space(known));
            if let (Some((_, index)), None) = (spaces.next(), spaces.next()) {
                return *index;
            }
        }
        self.medium(name)
    }
}

impl Medium {
    fn named(&mut self, serial: &str, whole: bool) {
        let serial = serial.trim();
        if serial.is_empty() {
        } else if !whole {
            self.cut_serial = true;
        } else if usable_serial(serial).is_none() {
            self.masked = Some(serial.to_owned());
        } else if !self.serials.iter().any(|known| known == serial) {
            self.serials.push(serial.to_owned());
        }
    }

    fn wiped(&mut self, line: &Logical, activity: Activity) {
        self.touched = true;
        let message = line.message.as_str();
        self.started = self.started.or(line.at);
        self.last = line.at.or(self.last);
        self.activity = activity;
        if message.starts_with("Invoking method '") {
            self.method = quoted(message).map(str::to_owned);
        }
        self.verified |= message.contains("Verified ");
        let counts = ["Starting pass ", "Finished pass "].iter().find_map(|words| Some((*words, pass_and_round(message.strip_prefix(words)?)?)));
        if let Some((words, ((pass, passes), (round, rounds)))) = counts {
            if passes <= MAX_PASSES && rounds <= MAX_PASSES && pass <= passes && round <= rounds {
                self.requested = self.requested.max(passes.checked_mul(rounds));
                if words == "Finished pass " {
                    self.passes.insert((round, pass));
                }
            } else {
                self.doubts.push("the log counts its passes impossibly".to_owned());
            }
        }
    }

    fn hidden(&mut self, message: &str) {
        let upper = message.to_ascii_uppercase();
        if upper.contains("NO HIDDEN ") {
            self.hidden_verdict.get_or_insert(HiddenArea::None);
        } else if upper.contains("DETECTED") {
            self.hidden_verdict = Some(HiddenArea::Found);
        } else if upper.contains("INDETERMINATE") {
            if self.hidden_verdict != Some(HiddenArea::Found) {
                self.hidden_verdict = Some(HiddenArea::Unknown);
            }
        } else if upper.contains("IS ENABLED") {
            self.hpa_enabled = true;
        }
    }

    /// `Status: /dev/sda, result=0, pass_errors=0, verify_errors=0, fsync_errors=0`
    fn status_line(&mut self, message: &str, whole: bool) {
        self.touched = true;
        if !whole {
            return;
        }
        for (key, value) in message.split(',').filter_map(|part| part.trim().split_once('=')) {
            let count = value.parse::<u64>().ok();
            match key {
                "pass_errors" => self.errors.write = count.or(self.errors.write),
                "verify_errors" => self.errors.verify = count.or(self.errors.verify),
                "fsync_errors" => self.errors.sync = count.or(self.errors.sync),
                "result" if value != "0" => self.doubts.push(format!("nwipe's result code for it is {}", short(value))),
                _ => {}
            }
        }
    }
}

/// Whether a line follows a wipe, and whether the drive is at rest after it.
fn wiping_words(message: &str) -> Option<Activity> {
    const RUNNING: &[&str] = &[
        "Invoking method '",
        "Starting round ",
        "Starting pass ",
        "Finished pass ",
        "Verifying ",
        "Verified ",
        "Blanking device ",
        "[SUCCESS] Verified ",
    ];
    if message.starts_with("[SUCCESS] Blanked device ") || message.starts_with("Blanked device ") || message.starts_with("Finished final round ") {
        return Some(Activity::Finished);
    }
    if let Some(rest) = message.strip_prefix("Finished round ") {
        let mut words = rest.split(' ');
        let (round, rounds) = (words.next(), words.nth(1));
        return Some(if round.is_some() && round == rounds { Activity::Finished } else { Activity::Running });
    }
    let moving = message.split_once(' ').is_some_and(|(count, rest)| {
        count.bytes().all(|byte| byte.is_ascii_digit()) && (rest.starts_with("bytes written to ") || rest.starts_with("bytes read from "))
    });
    (moving || RUNNING.iter().any(|words| message.starts_with(words))).then_some(Activity::Running)
}

/// `1/3, round 2/2, on …` or `1 of 3, round 2 of 2, on …`
fn pass_and_round(rest: &str) -> Option<((u32, u32), (u32, u32))> {
    fn pair(text: &str) -> Option<(u32, u32)> {
        let (a, b) = text.split_once('/').or_else(|| text.split_once(" of "))?;
        Some((a.trim().parse().ok()?, b.trim().parse().ok()?))
    }
    let mut parts = rest.split(',');
    let pass = pair(parts.next()?)?;
    let round = pair(parts.next()?.trim().strip_prefix("round ")?)?;
    Some((pass, round))
}

fn mentions_hidden_area(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("hidden sectors")
        || message.contains("hidden area")
        || message.contains("hpa is ")
        || message.contains("host protected area is ")
}

/// Warnings that say nothing about what is left on the drive.
fn harmless(message: &str) -> bool {
    message.starts_with("Changing '") && message.contains("block size")
}

/// The last part of the first `/dev/…` in a message.
fn device_in(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("/dev/")?;
    let path = rest.split(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | ',' | ':' | ';' | ')' | '(')).next()?.trim_end_matches('.');
    Some(last_of(path)).filter(|name| !name.is_empty())
}

fn last_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn quoted(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once('\'')?;
    rest.split_once('\'').map(|(words, _)| words)
}

/// What nwipe's other words mean, in its log and its certificates.
pub(super) fn not_erased(word: &str) -> Option<Outcome> {
    match word {
        "-FAILED-" | "--FAIL--" | "FAILED" | "INSANITY" => Some(Outcome::Fail),
        "UABORTED" | "ABORTED" => Some(Outcome::Aborted),
        _ => None,
    }
}

/// nwipe's methods write from the host, except those that only look and those that a device carries out by itself.
pub(super) fn technique_of_method(words: &str) -> Technique {
    let lower = words.to_ascii_lowercase();
    if ["verify", "sanitize", "secure erase", "crypto", "firmware", "format"].iter().any(|word| lower.contains(word)) {
        Technique::Unknown
    } else {
        Technique::HostOverwrite
    }
}

/// NVMe numbers its actions (NVM Express base specification, Sanitize command, SANACT); ATA names its own by feature (ACS-5, SANITIZE DEVICE).
/// `None`: the action erases nothing (leaving the failure mode, ending media verification).
fn sanitize_technique(path: &str, parameters: &str) -> Option<(Technique, Option<&'static str>)> {
    let value = |key: &str| parameters.split_whitespace().find_map(|part| part.strip_prefix(key));
    match (value("sanact="), value("feat=")) {
        (Some(action), _) if path.starts_with("nvme") => match action {
            "1" | "5" => None,
            "2" => Some((Technique::NvmeSanitizeBlock, Some("Sanitize: Block Erase"))),
            "3" => Some((Technique::NvmeSanitizeOverwrite, Some("Sanitize: Overwrite"))),
            "4" => Some((Technique::NvmeSanitizeCrypto, Some("Sanitize: Crypto Erase"))),
            _ => Some((Technique::Unknown, None)),
        },
        (None, Some(feature)) => match feature {
            "0x0011" => Some((Technique::AtaSanitizeCrypto, Some("Sanitize: Crypto Scramble"))),
            "0x0012" => Some((Technique::AtaSanitizeBlock, Some("Sanitize: Block Erase"))),
            "0x0014" => Some((Technique::AtaSanitizeOverwrite, Some("Sanitize: Overwrite"))),
            "0x0000" | "0x0020" | "0x0040" => None,
            _ => Some((Technique::Unknown, None)),
        },
        // Numbers mean other actions on ATA than on NVMe, so a bare one is not guessed at.
        _ => Some((Technique::Unknown, None)),
    }
}

fn technique_of_action(path: &str, words: &str) -> Technique {
    let nvme = path.starts_with("nvme");
    match words {
        "Block Erase" if nvme => Technique::NvmeSanitizeBlock,
        "Block Erase" => Technique::AtaSanitizeBlock,
        "Crypto Erase" | "Crypto Scramble" if nvme => Technique::NvmeSanitizeCrypto,
        "Crypto Erase" | "Crypto Scramble" => Technique::AtaSanitizeCrypto,
        "Overwrite" if nvme => Technique::NvmeSanitizeOverwrite,
        "Overwrite" => Technique::AtaSanitizeOverwrite,
        _ => Technique::Unknown,
    }
}

/// nwipe's exact word; anything that merely looks like it is unknown, and unknown is never a pass.
fn is_erased(word: &str) -> bool {
    word == "Erased"
}
