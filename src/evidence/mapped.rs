//! Reads any vendor's CSV, XLSX, XML or JSON by a profile that the organisation wrote: which places of the file say what, and what its words mean.
//!
//! A profile is TOML:
//!
//! ```toml
//! name = "killdisk"
//! version = 1
//! source = "xml"                      # csv, xlsx, xml or json
//! records = "/Report/Disks/Disk"      # what repeats; not for tables
//! contains = ["KillDisk"]             # optional: words that the file has to contain
//! tool = "KillDisk"                   # optional
//! time_format = "%d/%m/%Y %H:%M:%S"   # optional: where times are not written like 2026-10-06 13:00:09
//! technique = "host_overwrite"        # or [fields] technique and [techniques]
//!
//! [fields]                            # a column's heading, or a path
//! serial = "@Serial"                  # inside the record
//! result = "Status"
//! operator = "/Report/Operator"       # from the root
//!
//! [results]                           # a word that is not here is inconclusive
//! "Erased" = "pass"
//! ```

use std::collections::BTreeMap;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, NaiveDateTime};
use roxmltree::Error;
use serde::Deserialize;
use serde_json::Value;

use super::Given;
use super::reading::{Errors, HiddenArea, Kind, MediaKind, MediumReading, Notes, Outcome, Reading, Verification, short, usable_serial};
use super::tables::{HEADER_WITHIN, Row, csv_rows, xlsx_rows};
use super::times::{as_printed, local};
use super::tree::document;
use crate::domain::names::{Method, Technique};

/// Longest profile.
const MAX_PROFILE_BYTES: usize = 64 * 1024;
/// Names in one path.
const MAX_STEPS: usize = 32;

/// Finds what stands at a place of one record.
type Find<'f> = &'f dyn Fn(&str) -> Option<String>;
/// Is called with each record: where it stands, and how to find what stands in it.
type Each<'e> = &'e mut dyn FnMut(&str, Find);

/// How one vendor's files are read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Readings are stored as `mapped:` and this.
    pub name: String,
    /// Raised whenever the same file may be read differently.
    pub version: u32,
    source: Source,
    #[serde(default)]
    records: String,
    #[serde(default)]
    contains: Vec<String>,
    tool: Option<String>,
    tool_version: Option<String>,
    time_format: Option<String>,
    #[serde(default = "sanitization")]
    kind: Kind,
    technique: Option<Technique>,
    media_kind: Option<MediaKind>,
    method: Option<Method>,
    fields: Fields,
    #[serde(default)]
    results: BTreeMap<String, Outcome>,
    #[serde(default)]
    techniques: BTreeMap<String, Technique>,
    #[serde(default)]
    methods: BTreeMap<String, Method>,
    #[serde(default)]
    verifications: BTreeMap<String, Verification>,
    #[serde(default)]
    media_kinds: BTreeMap<String, MediaKind>,
    #[serde(default)]
    hidden_areas: BTreeMap<String, HiddenArea>,
}

fn sanitization() -> Kind {
    Kind::Sanitization
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Source {
    Csv,
    Xlsx,
    Xml,
    Json,
}

/// Where each fact stands; what a profile does not name is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fields {
    serial: Option<String>,
    bridge_serial: Option<String>,
    device_serial: Option<String>,
    system_serial: Option<String>,
    vendor: Option<String>,
    model: Option<String>,
    media_kind: Option<String>,
    capacity_bytes: Option<String>,
    technique: Option<String>,
    standard: Option<String>,
    method: Option<String>,
    passes_done: Option<String>,
    passes_requested: Option<String>,
    verification: Option<String>,
    result: Option<String>,
    write_errors: Option<String>,
    verify_errors: Option<String>,
    sync_errors: Option<String>,
    retries: Option<String>,
    bytes_erased: Option<String>,
    hidden_area: Option<String>,
    started_at: Option<String>,
    ended_at: Option<String>,
    issued_at: Option<String>,
    operator: Option<String>,
    report_id: Option<String>,
}

/// All profiles of an organisation, in the order in which they are tried.
#[derive(Clone, Debug, Default)]
pub struct Profiles {
    texts: Vec<String>,
    parsed: Vec<Profile>,
}

impl Profiles {
    /// From their texts. The error is a sentence with the line and what to do.
    pub fn parse(texts: Vec<String>) -> Result<Self, String> {
        let parsed = texts.iter().map(|text| Profile::parse(text)).collect::<Result<_, _>>()?;
        Ok(Self { texts, parsed })
    }
    /// As they were written.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }
    /// As they are applied.
    pub fn parsed(&self) -> &[Profile] {
        &self.parsed
    }
    /// Names and versions.
    pub fn named(&self) -> impl Iterator<Item = (&str, u32)> {
        self.parsed.iter().map(|profile| (profile.name.as_str(), profile.version))
    }
}

impl Profile {
    /// Reads a profile. The error is a sentence with the line and what to do.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_PROFILE_BYTES {
            return Err("The profile is longer than 64 KiB; leave only the fields and words that the vendor's files have.".to_owned());
        }
        let profile: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().and_then(|span| text.get(..span.start)).map_or(1, |before| before.matches('\n').count() + 1);
            format!("Line {line}: {}. Correct the line and save the profile again.", error.message().trim_end_matches('.').replace('\n', " "))
        })?;
        profile.check().map_err(|(key, what)| {
            let of_key = |line: &str| line.trim_start().trim_start_matches(['[', '"', '\'']).starts_with(key);
            let line = text.lines().position(of_key).map_or(1, |index| index + 1);
            format!("Line {line}: {what}")
        })?;
        Ok(profile)
    }

    /// What the types do not say; with the key that it is about.
    fn check(&self) -> Result<(), (&str, String)> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        if self.name.is_empty() || self.name.len() > 60 || !self.name.chars().all(plain) {
            return Err(("name", "The name has 1 to 60 small letters, digits, hyphens and underscores; change it.".to_owned()));
        }
        let tree = matches!(self.source, Source::Xml | Source::Json);
        if !tree && !self.records.is_empty() {
            return Err(("records", "Every row of a table is a record; remove “records”.".to_owned()));
        }
        if self.source == Source::Xml && !self.records.starts_with('/') {
            let what = "Set “records” to the path of the element that repeats, from the root: /Report/Disks/Disk.";
            return Err((if self.records.is_empty() { "source" } else { "records" }, what.to_owned()));
        }
        if self.source == Source::Json && !self.records.is_empty() && !self.records.starts_with('/') {
            return Err(("records", "Set “records” to the pointer of the list, from the root: /report/drives.".to_owned()));
        }
        if tree && steps(&self.records).count() > MAX_STEPS {
            return Err(("records", format!("The path has more than {MAX_STEPS} names; shorten it.")));
        }
        if self.fields.serial.is_none() && self.fields.device_serial.is_none() {
            return Err(("fields", "Add “serial” or “device_serial” to [fields]: a record without one cannot be bound to anything.".to_owned()));
        }
        if let Some((key, _)) = self.places().find(|(_, place)| place.trim().is_empty()) {
            return Err((key, "The place is empty; name the column or path, or remove the line.".to_owned()));
        }
        if self.fields.result.is_some() && self.results.is_empty() {
            return Err(("result", "Add [results] with what each word of this field means: \"Erased\" = \"pass\".".to_owned()));
        }
        if self.fields.result.is_none() && !self.results.is_empty() {
            return Err(("results", "Add “result” to [fields]: which column or path has these words.".to_owned()));
        }
        if self.technique.is_some() && self.fields.technique.is_some() {
            return Err(("technique", "Keep either the one “technique” of all records or the field with [techniques].".to_owned()));
        }
        if self.time_format.as_deref().is_some_and(|format| StrftimeItems::new(format).any(|item| item == Item::Error)) {
            return Err(("time_format", "The format of times is not understood; write it like %d/%m/%Y %H:%M:%S.".to_owned()));
        }
        alike(&self.results)?;
        alike(&self.techniques)?;
        alike(&self.methods)?;
        alike(&self.verifications)?;
        alike(&self.media_kinds)?;
        alike(&self.hidden_areas)
    }

    /// Every field that the profile names, with its place.
    fn places(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let f = &self.fields;
        [
            ("serial", &f.serial),
            ("bridge_serial", &f.bridge_serial),
            ("device_serial", &f.device_serial),
            ("system_serial", &f.system_serial),
            ("vendor", &f.vendor),
            ("model", &f.model),
            ("media_kind", &f.media_kind),
            ("capacity_bytes", &f.capacity_bytes),
            ("technique", &f.technique),
            ("standard", &f.standard),
            ("method", &f.method),
            ("passes_done", &f.passes_done),
            ("passes_requested", &f.passes_requested),
            ("verification", &f.verification),
            ("result", &f.result),
            ("write_errors", &f.write_errors),
            ("verify_errors", &f.verify_errors),
            ("sync_errors", &f.sync_errors),
            ("retries", &f.retries),
            ("bytes_erased", &f.bytes_erased),
            ("hidden_area", &f.hidden_area),
            ("started_at", &f.started_at),
            ("ended_at", &f.ended_at),
            ("issued_at", &f.issued_at),
            ("operator", &f.operator),
            ("report_id", &f.report_id),
        ]
        .into_iter()
        .filter_map(|(key, place)| Some((key, place.as_deref()?)))
    }

    /// Whether the file has the words that the profile asks for and, in some record, the places of the serial number and the result; in a table all columns.
    pub fn recognise(&self, given: &Given) -> bool {
        if !self.contains.is_empty() {
            let text = normal(&given.text);
            if self.source != Source::Xlsx && !self.contains.iter().all(|words| text.contains(&normal(words))) {
                return false;
            }
        }
        let telling: Vec<&str> =
            [&self.fields.serial, &self.fields.device_serial, &self.fields.result].into_iter().filter_map(Option::as_deref).collect();
        let mut found = false;
        let told = self.each(given, &mut |_, find| found |= telling.iter().all(|place| find(place).is_some()), &mut |_| {});
        match told {
            Told::Records => found || matches!(self.source, Source::Csv | Source::Xlsx),
            // It would be read if it had none: then the reading says why it is not.
            Told::Doctype => steps(&self.records).next().is_some_and(|root| given.head().contains(&format!("<{root}"))),
            Told::Nothing => false,
        }
    }

    /// Reads every record; what the profile does not know becomes absent, with a remark where it is a word.
    pub fn read(&self, given: &Given) -> Reading {
        let mut notes = Notes::default();
        if given.is_damaged {
            notes.remark("file", "Some bytes are not text in the file's encoding; they were read as unknown characters.");
        }
        if self.kind == Kind::Sanitization && self.fields.result.is_none() {
            notes.remark("file", "The profile names no place of the result, so no record counts as done: ask the vendor for a list with results.");
        }
        let mut asides = Vec::new();
        let told = self.each(given, &mut |place, find| self.record(place, find, &mut notes), &mut |aside| asides.push(aside));
        for aside in asides {
            notes.remark("file", aside);
        }
        if told == Told::Doctype {
            notes.remark("file", "The XML has a DOCTYPE and was not read; ask the vendor for the report as the tool wrote it.");
        } else if notes.records.is_empty() {
            notes.remark("file", "The file has no record where the profile looks for them.");
        }
        notes.reading(&format!("mapped:{}", self.name), self.version, self.tool.clone(), self.tool_version.clone())
    }

    /// Calls back with each record and a way to find what stands at a place of it.
    fn each(&self, given: &Given, record: Each, aside: &mut dyn FnMut(String)) -> Told {
        match self.source {
            Source::Csv if !given.is_pdf => {
                let (rows, open) = csv_rows(given);
                self.table(&rows, open, record, aside)
            }
            Source::Xlsx => xlsx_rows(given.bytes).map_or(Told::Nothing, |rows| self.table(&rows, false, record, aside)),
            Source::Json => given.json().map_or(Told::Nothing, |json| self.tree(Node::Json(json), record)),
            Source::Xml if given.head().trim_start().starts_with('<') => match document(&given.text) {
                Ok(document) => self.tree(Node::Xml(document.root()), record),
                Err(Error::DtdDetected) => Told::Doctype,
                Err(_) => Told::Nothing,
            },
            Source::Csv | Source::Xml => Told::Nothing,
        }
    }

    fn table(&self, rows: &[Row], open: bool, record: Each, aside: &mut dyn FnMut(String)) -> Told {
        let has = |headings: &[String], place: &str| headings.iter().any(|heading| normal(heading) == normal(place));
        let is_header = |(_, headings): &Row| self.places().all(|(_, place)| has(headings, place));
        let Some(header) = rows.iter().take(HEADER_WITHIN).position(is_header) else { return Told::Nothing };
        let headings: Vec<String> = rows.get(header).map(|(_, cells)| cells.iter().map(|cell| normal(cell)).collect()).unwrap_or_default();
        let last = rows.len().saturating_sub(1);
        for (index, (line, cells)) in rows.iter().enumerate().skip(header + 1).filter(|(_, (_, cells))| cells.iter().any(|cell| !cell.is_empty())) {
            if open && index == last && cells.len() < headings.len() {
                aside(format!("The file ends inside row {line}, which was left out; ask for the whole file."));
                continue;
            }
            let find = |place: &str| {
                let column = headings.iter().position(|heading| *heading == normal(place))?;
                cells.get(column).filter(|cell| !cell.is_empty()).cloned()
            };
            record(&format!("row {line}"), &find);
        }
        Told::Records
    }

    fn tree(&self, root: Node, record: Each) -> Told {
        // Each record with all that it stands in, from the root: a place outside the record is looked for in the nearest of them.
        let names: Vec<&str> = steps(&self.records).collect();
        let mut trails = vec![vec![root]];
        for name in names.iter().map(Some).chain([None]) {
            let mut next = Vec::new();
            for trail in trails {
                let Some(end) = trail.last() else { continue };
                for node in end.all(name.copied()).into_iter().take(super::MAX_RECORDS + 1) {
                    next.push(if name.is_some() { trail.iter().copied().chain([node]).collect() } else { with_end(&trail, node) });
                    if next.len() > super::MAX_RECORDS {
                        break;
                    }
                }
            }
            trails = next;
        }
        for (number, trail) in (1_usize..).zip(&trails) {
            let find = |place: &str| {
                let shared =
                    if place.starts_with('/') { steps(place).zip(&names).take_while(|(step, name)| same(step, name)).count() } else { names.len() };
                let skipped = if place.starts_with('/') { shared } else { 0 };
                let start = *trail.get(shared)?;
                steps(place).skip(skipped).try_fold(start, |node, step| node.one(step))?.text()
            };
            record(&format!("record {number}"), &find);
        }
        if trails.is_empty() { Told::Nothing } else { Told::Records }
    }

    fn record(&self, place: &str, find: Find, notes: &mut Notes) {
        let f = &self.fields;
        let at = |field: &Option<String>| find(field.as_deref()?);
        let count = |field: &Option<String>| figure(&at(field)?);
        let small = |field: &Option<String>| u32::try_from(figure(&at(field)?)?).ok();
        let mut serial = |field: &Option<String>, what: &str| {
            let printed = at(field)?;
            let usable = usable_serial(&printed).filter(|serial| !is_rounded(serial));
            if usable.is_none() {
                notes.remark(
                    place,
                    format!(
                        "{what} “{}” is masked, a placeholder or rounded by a spreadsheet, and was left out: ask the vendor for it.",
                        short(&printed)
                    ),
                );
            }
            usable
        };
        let media_serial = serial(&f.serial, "The serial number");
        let device_serial = serial(&f.device_serial, "The device's serial number");
        let system_serial = serial(&f.system_serial, "The computer's serial number");
        let bridge_serial = at(&f.bridge_serial).filter(|bridge| media_serial.as_ref() != Some(bridge));
        if at(&f.serial).is_none() && at(&f.device_serial).is_none() {
            notes.remark(place, "There is no serial number: the record cannot be bound to a medium by itself.");
        }
        let mut time = |field: &Option<String>| {
            let printed = at(field)?;
            let read = self.time(&printed);
            if read.is_none() {
                notes.remark(place, format!("The time “{}” is not one that the profile knows and was left out.", short(&printed)));
            }
            read
        };
        let (started, ended, issued) = (time(&f.started_at), time(&f.ended_at), time(&f.issued_at));
        let words = at(&f.technique);
        let technique = match (&words, self.technique) {
            (Some(words), _) => looked_up(&self.techniques, words, "technique", place, notes).unwrap_or(Technique::Unknown),
            (None, fixed) => fixed.unwrap_or(Technique::Unknown),
        };
        let method = at(&f.method).and_then(|words| looked_up(&self.methods, &words, "method", place, notes)).or(self.method);
        let verification = at(&f.verification).and_then(|words| looked_up(&self.verifications, &words, "verification", place, notes));
        let media_kind = at(&f.media_kind).and_then(|words| looked_up(&self.media_kinds, &words, "kind of medium", place, notes));
        let hidden_area = at(&f.hidden_area).and_then(|words| looked_up(&self.hidden_areas, &words, "hidden area", place, notes));
        let errors =
            Errors { write: count(&f.write_errors), verify: count(&f.verify_errors), sync: count(&f.sync_errors), retries: count(&f.retries) };
        let (capacity_bytes, bytes_erased) = (count(&f.capacity_bytes), count(&f.bytes_erased));
        let mut result = match (at(&f.result), &f.result) {
            (Some(words), _) => looked_up(&self.results, &words, "result", place, notes).unwrap_or(Outcome::Inconclusive),
            (None, Some(_)) => {
                notes.remark(place, "The record has no result; ask the vendor how it ended.");
                Outcome::Inconclusive
            }
            (None, None) => Outcome::Inconclusive,
        };
        if result == Outcome::Pass {
            let doubts = [
                (errors.any(), "errors or retries were counted"),
                (bytes_erased.zip(capacity_bytes).is_some_and(|(erased, all)| erased < all), "fewer bytes were erased than the medium has"),
                (hidden_area == Some(HiddenArea::Found), "hidden sectors were found"),
            ];
            for (_, doubt) in doubts.iter().filter(|(applies, _)| *applies) {
                result = Outcome::PassWithExceptions;
                notes.remark(place, format!("Reported as passed, but {doubt}."));
            }
        }
        let tz_known = [&started, &ended].into_iter().flatten().all(|(_, zone)| *zone) && (started.is_some() || ended.is_some());
        notes.record(MediumReading {
            media_serial,
            bridge_serial,
            device_serial,
            vendor: at(&f.vendor),
            media_kind: media_kind.or(self.media_kind),
            model: at(&f.model),
            capacity_bytes,
            technique,
            technique_words: words,
            standard_claimed: at(&f.standard),
            method_claimed: method,
            passes_done: small(&f.passes_done),
            passes_requested: small(&f.passes_requested),
            verification: verification.unwrap_or(Verification::Unknown),
            result,
            errors,
            bytes_erased,
            hidden_area: hidden_area.unwrap_or(HiddenArea::Unknown),
            started_at: started.map(|(at, _)| at),
            ended_at: ended.map(|(at, _)| at),
            tz_known,
            issued_at: issued.map(|(at, _)| at),
            operator: at(&f.operator),
            report_id: at(&f.report_id),
            system_serial,
            ..MediumReading::new(self.kind, place)
        });
    }

    /// By the profile's format, with a zone where it has one; else as `2026-10-06 13:00:09` is written.
    fn time(&self, printed: &str) -> Option<(String, bool)> {
        let Some(format) = &self.time_format else { return as_printed(printed) };
        if let Ok(at) = DateTime::parse_from_str(printed, format) {
            return as_printed(&at.to_rfc3339());
        }
        // A date and time of a spreadsheet's own has no format.
        NaiveDateTime::parse_from_str(printed, format).ok().map(|at| (local(at), false)).or_else(|| as_printed(printed))
    }
}

/// What a look at the records of a file came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Records,
    Nothing,
    Doctype,
}

/// An element or attribute of XML, or a value of JSON.
#[derive(Clone, Copy)]
enum Node<'a> {
    Xml(roxmltree::Node<'a, 'a>),
    Attribute(&'a str),
    Json(&'a Value),
}

impl<'a> Node<'a> {
    /// All that go by a name (`*`: every one of a list); without a name what a list at the end of the records' path holds.
    fn all(self, name: Option<&str>) -> Vec<Self> {
        match (self, name) {
            (Self::Xml(node), Some(name)) => {
                node.children().filter(|child| child.is_element() && same(child.tag_name().name(), name)).map(Self::Xml).collect()
            }
            (Self::Json(Value::Array(list)), None | Some("*")) => list.iter().map(Self::Json).collect(),
            (node, None) => vec![node],
            (node, Some(name)) => node.one(name).into_iter().collect(),
        }
    }

    fn one(self, name: &str) -> Option<Self> {
        match self {
            Self::Xml(node) => match name.strip_prefix('@') {
                Some(name) => node.attributes().find(|attribute| same(attribute.name(), name)).map(|attribute| Self::Attribute(attribute.value())),
                None => node.children().find(|child| child.is_element() && same(child.tag_name().name(), name)).map(Self::Xml),
            },
            Self::Attribute(_) => None,
            Self::Json(value @ Value::Array(_)) => value.pointer(&format!("/{name}")).map(Self::Json),
            Self::Json(value) => value.get(name.replace("~1", "/").replace("~0", "~")).map(Self::Json),
        }
    }

    /// Without the blanks around it; `None` where there is none.
    fn text(self) -> Option<String> {
        let text = match self {
            Self::Xml(node) => node.children().filter(roxmltree::Node::is_text).filter_map(|text| text.text()).collect(),
            Self::Attribute(text) => text.to_owned(),
            Self::Json(Value::String(text)) => text.clone(),
            Self::Json(Value::Number(number)) => number.to_string(),
            Self::Json(Value::Bool(truth)) => truth.to_string(),
            Self::Json(_) => return None,
        };
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }
}

fn with_end<'a>(trail: &[Node<'a>], end: Node<'a>) -> Vec<Node<'a>> {
    trail.iter().copied().take(trail.len().saturating_sub(1)).chain([end]).collect()
}

fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').map(str::trim).filter(|step| !step.is_empty()).take(MAX_STEPS + 1)
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Words in the form in which they are compared: small letters, single blanks.
fn normal(words: &str) -> String {
    words.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// Two words of a profile that are compared as one have to mean the same.
fn alike<T: PartialEq>(words: &BTreeMap<String, T>) -> Result<(), (&str, String)> {
    let mut seen: BTreeMap<String, &T> = BTreeMap::new();
    for (word, means) in words {
        if seen.insert(normal(word), means).is_some_and(|before| before != means) {
            return Err((
                word.as_str(),
                format!("“{}” differs from another word only in capitals or blanks and means something else; keep one.", short(word)),
            ));
        }
    }
    Ok(())
}

fn looked_up<T: Copy>(words: &BTreeMap<String, T>, printed: &str, what: &str, place: &str, notes: &mut Notes) -> Option<T> {
    let found = words.iter().find(|(word, _)| normal(word) == normal(printed)).map(|(_, means)| *means);
    if found.is_none() {
        notes.remark(place, format!("“{}” is not in the profile's words for the {what}; ask the vendor what it means and add it.", short(printed)));
    }
    found
}

/// `500107862016`, `500,107,862,016 bytes`; `500 GB` is rounded, and none.
fn figure(printed: &str) -> Option<u64> {
    let lower = printed.trim().to_ascii_lowercase();
    let bare = lower.strip_suffix("bytes").unwrap_or(&lower).trim();
    let mut groups = bare.split([',', '\'', ' ', '\u{a0}', '\u{202f}']);
    let first = groups.next()?;
    let grouped = groups.clone().count() > 0;
    let good = (1..=if grouped { 3 } else { 20 }).contains(&first.len()) && groups.all(|group| group.len() == 3);
    let digits: String = bare.chars().filter(char::is_ascii_digit).collect();
    let only = bare.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '\'' | ' ' | '\u{a0}' | '\u{202f}'));
    (good && only).then(|| digits.parse().ok())?
}

/// `6.37702E+15`: a long number that a spreadsheet rounded on its way through.
fn is_rounded(serial: &str) -> bool {
    let upper = serial.to_ascii_uppercase();
    upper.split_once("E+").is_some_and(|(digits, exponent)| {
        digits.contains(['.', ',']) && digits.chars().chain(exponent.chars()).all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
    })
}
