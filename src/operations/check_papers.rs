//! Compares what vendors' papers say with an inventory: what is on the paper and not in the inventory, what left without a paper, papers that name no
//! drive, claims that cannot be, and what is there twice. Needs no record and keeps nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;

use super::read_file::{self, Told};
use crate::domain::mappings::{Column, ListKind};
use crate::domain::names::{Instant, Serial, Tag};
use crate::evidence::lint::{self, Context, Weight};
use crate::evidence::mapped::Profiles;
use crate::evidence::{Kind, Reading};
use crate::inventories::{self, StatusKind, vendor_lists};
use crate::proof::digest::{hex, sha256};

/// A file to look at: its name for people, and its bytes.
pub struct Paper {
    /// The name.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// One line of the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Serial number, tag or file that it is about.
    pub about: String,
    /// The file, where the line is about something in it.
    pub file: String,
    /// What was seen.
    pub what: String,
    /// What to ask the vendor for, or to do.
    pub ask: String,
}

/// One kind of finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Section {
    /// A code for machines.
    pub code: &'static str,
    /// The heading.
    pub title: &'static str,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// What the comparison came to.
#[derive(Clone, Debug, Serialize)]
pub struct Checkup {
    /// Devices of the inventory.
    pub devices: usize,
    /// Of these, how many the inventory says are gone.
    pub gone: usize,
    /// Of these, how many some paper names.
    pub gone_with_paper: usize,
    /// Files that were understood.
    pub papers: usize,
    /// Media and devices that they name.
    pub named: usize,
    /// The findings, gravest first; sections without lines too.
    pub sections: Vec<Section>,
}

impl Checkup {
    /// How many findings there are.
    pub fn findings(&self) -> usize {
        self.sections.iter().map(|section| section.lines.len()).sum()
    }
}

/// A device of the inventory.
struct Device {
    tag: String,
    serial: Option<String>,
    gone: Option<String>,
}

/// What one file says.
struct Said {
    name: String,
    sha256: String,
    told: What,
}

enum What {
    Reading(Box<Reading>),
    /// Rows of a list or words of a print: each with tag and serial number as they stand there.
    Rows(Vec<(Option<String>, Option<String>)>),
    /// The words of a print that nobody knows the form of.
    Words(String),
    Nothing(String),
}

/// Compares. `tell` is given how many files were read.
pub fn check(inventory: &[u8], papers: Vec<Paper>, now: Instant, tell: &(dyn Fn(usize) + Sync)) -> Result<Checkup, String> {
    let devices = devices(inventory)?;
    let (papers, left_out) = opened(papers);
    let said = read_all(&papers, tell);
    let mut by_serial: HashMap<String, usize> = HashMap::new();
    let mut by_tag: HashMap<String, usize> = HashMap::new();
    for (at, device) in devices.iter().enumerate() {
        by_tag.insert(normal(&device.tag), at);
        if let Some(serial) = &device.serial {
            by_serial.insert(normal(serial), at);
        }
    }
    let mut found =
        Found { devices: &devices, by_serial, by_tag, on_paper: BTreeSet::new(), named: 0, seen: BTreeMap::new(), sections: Sections::default() };
    for paper in &said {
        found.paper(paper);
    }
    found.sections.unread.extend(left_out);
    found.twice(&said);
    found.claims(&said, now);
    found.without_paper();
    let gone = devices.iter().filter(|device| device.gone.is_some()).count();
    let gone_with_paper = found.on_paper.iter().filter(|at| devices.get(**at).is_some_and(|device| device.gone.is_some())).count();
    let papers = said.iter().filter(|paper| !matches!(paper.told, What::Nothing(_))).count();
    let Found { named, sections, .. } = found;
    Ok(Checkup { devices: devices.len(), gone, gone_with_paper, papers, named, sections: sections.in_order() })
}

fn normal(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

fn devices(bytes: &[u8]) -> Result<Vec<Device>, String> {
    match inventories::open(bytes) {
        Ok(rows) => {
            let rows = rows.filter_map(std::result::Result::ok);
            Ok(rows
                .map(|row| {
                    let words = row.status_words.clone().unwrap_or_default();
                    let gone = row.deleted_at_source || row.status_kind == StatusKind::Archived || says_gone(&words);
                    Device { tag: row.tag, serial: row.serial, gone: gone.then(|| if words.is_empty() { "deleted".to_owned() } else { words }) }
                })
                .collect())
        }
        Err(not_known) => any_list(bytes).map_err(|why| format!("{} {why}", not_known.what)),
    }
}

/// An inventory of a shape that nobody knows: whichever columns name a tag, a serial number and a status.
fn any_list(bytes: &[u8]) -> Result<Vec<Device>, String> {
    let table = vendor_lists::table(bytes)?;
    let rows = scans(&table);
    let status =
        table.headers.iter().position(|heading| matches!(normal(heading).as_str(), "STATUS" | "STATE" | "DISPOSITION" | "ASSETSTATUS" | "LIFECYCLE"));
    if rows.iter().all(|(tag, serial)| tag.is_none() && serial.is_none()) {
        return Err("No column of it names asset tags or serial numbers; export the list with these columns.".to_owned());
    }
    let words = |at: usize| table.rows.get(at).and_then(|(_, cells)| cells.get(status?)).map(String::as_str).unwrap_or_default();
    let device = |(at, (tag, serial)): (usize, (Option<String>, Option<String>))| Device {
        tag: tag.or_else(|| serial.clone()).unwrap_or_default(),
        serial,
        gone: says_gone(words(at)).then(|| words(at).to_owned()),
    };
    Ok(rows.into_iter().enumerate().map(device).filter(|device| !device.tag.is_empty()).collect())
}

/// Words by which asset managers say that a device has left.
fn says_gone(words: &str) -> bool {
    const GONE: &[&str] =
        &["dispos", "recycl", "surplus", "destroy", "sold", "donat", "scrap", "ewaste", "e-waste", "auction", "written off", "salvage"];
    let words = words.to_lowercase();
    GONE.iter().any(|word| words.contains(word)) && !["not ", "pending", "awaiting", "to be "].iter().any(|word| words.contains(word))
}

/// Tag and serial number of each row, by the columns' names.
fn scans(table: &vendor_lists::Table) -> Vec<(Option<String>, Option<String>)> {
    let columns = vendor_lists::propose(ListKind::Receipt, &table.headers).columns;
    let place = |column: Column| columns.get(&column).and_then(|name| table.headers.iter().position(|heading| heading == name));
    let (tag, serial) = (place(Column::Tag), place(Column::Serial));
    let cell =
        |cells: &[String], at: Option<usize>| at.and_then(|at| cells.get(at)).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    table
        .rows
        .iter()
        .map(|(_, cells)| (cell(cells, tag).filter(|text| Tag::parse(text).is_ok()), cell(cells, serial).filter(|text| Serial::parse(text).is_ok())))
        .collect()
}

/// Archives are opened; what is left out of them becomes lines.
fn opened(papers: Vec<Paper>) -> (Vec<Paper>, Vec<Line>) {
    let (mut open, mut left_out) = (Vec::new(), Vec::new());
    for paper in papers {
        if !read_file::is_archive(&paper.bytes) {
            open.push(paper);
            continue;
        }
        match read_file::unpack(&paper.bytes) {
            Ok((members, missing)) => {
                open.extend(members.into_iter().map(|member| Paper { name: format!("{}: {}", paper.name, member.name), bytes: member.bytes }));
                left_out.extend(missing.into_iter().map(|why| not_read(&paper.name, why)));
            }
            Err(why) => left_out.push(not_read(&paper.name, why)),
        }
    }
    (open, left_out)
}

fn not_read(file: &str, what: String) -> Line {
    let ask = "Ask for the report as the erasure tool wrote it: its log, XML, JSON or PDF.".to_owned();
    Line { about: file.to_owned(), file: file.to_owned(), what, ask }
}

/// Reads the files, several at once: each waits for a process of its own.
fn read_all(papers: &[Paper], tell: &(dyn Fn(usize) + Sync)) -> Vec<Said> {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let all: Mutex<Vec<(usize, Said)>> = Mutex::new(Vec::with_capacity(papers.len()));
    std::thread::scope(|scope| {
        for _ in 0..read_file::CHILDREN {
            scope.spawn(|| {
                while let Some((at, paper)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, papers.get(at)?))) {
                    let said = Said { name: paper.name.clone(), sha256: hex(&sha256(&paper.bytes)), told: what(&paper.bytes) };
                    all.lock().unwrap_or_else(PoisonError::into_inner).push((at, said));
                    tell(done.fetch_add(1, Ordering::Relaxed) + 1);
                }
            });
        }
    });
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, said)| said).collect()
}

fn what(bytes: &[u8]) -> What {
    let (why, text) = match read_file::read(bytes, &Profiles::default()) {
        Told::Reading(reading) => return What::Reading(reading),
        Told::NotUnderstood { why, text } => (why, text),
    };
    if let Some(text) = text {
        return What::Words(text);
    }
    match vendor_lists::table(bytes) {
        Ok(table) => {
            let rows: Vec<_> = scans(&table).into_iter().filter(|(tag, serial)| tag.is_some() || serial.is_some()).collect();
            if rows.is_empty() { What::Nothing(why) } else { What::Rows(rows) }
        }
        Err(_) => What::Nothing(why),
    }
}

#[derive(Default)]
struct Sections {
    unknown: Vec<Line>,
    missing: Vec<Line>,
    no_media: Vec<Line>,
    claims: Vec<Line>,
    twice: Vec<Line>,
    unread: Vec<Line>,
}

impl Sections {
    fn in_order(self) -> Vec<Section> {
        let section = |code, title, lines| Section { code, title, lines };
        vec![
            section("claims", "Claims that cannot be, or do not fit", self.claims),
            section("disposed_without_paper", "Gone by the inventory, and on no paper", self.missing),
            section("not_in_inventory", "On a paper, and not in the inventory", self.unknown),
            section("no_media_serials", "Papers that name no drive", self.no_media),
            section("duplicates", "There twice", self.twice),
            section("not_understood", "Files that were not understood", self.unread),
        ]
    }
}

struct Found<'a> {
    devices: &'a [Device],
    by_serial: HashMap<String, usize>,
    by_tag: HashMap<String, usize>,
    on_paper: BTreeSet<usize>,
    named: usize,
    /// Serial numbers of media and of devices apart, as they are compared, with every file that names them.
    seen: BTreeMap<(bool, String), BTreeSet<String>>,
    sections: Sections,
}

impl Found<'_> {
    fn paper(&mut self, paper: &Said) {
        match &paper.told {
            What::Nothing(why) => self.sections.unread.push(not_read(&paper.name, why.clone())),
            What::Reading(reading) => self.reading(&paper.name, reading),
            What::Rows(rows) => {
                for (tag, serial) in rows {
                    self.device(&paper.name, tag.as_deref(), serial.as_deref());
                }
                self.names_no_drive(&paper.name, rows.len());
            }
            What::Words(text) => self.words(&paper.name, text),
        }
    }

    fn names_no_drive(&mut self, file: &str, devices: usize) {
        self.sections.no_media.push(Line {
            about: file.to_owned(),
            file: file.to_owned(),
            what: format!("It names {devices} devices and no drive: nobody can tell from it which media were sanitized, or how."),
            ask: "Ask for the report of the tool for each drive: its own serial number, technique, result, time, and who did it (NIST SP 800-88r2 §4.6)."
                .to_owned(),
        });
    }

    fn reading(&mut self, file: &str, reading: &Reading) {
        let mut unnamed = 0;
        for record in reading.records.iter().filter(|record| record.kind == Kind::Sanitization) {
            let places: Vec<usize> = [&record.media_serial, &record.device_serial, &record.system_serial]
                .into_iter()
                .flatten()
                .filter_map(|serial| self.by_serial.get(&normal(serial)).copied())
                .collect();
            self.on_paper.extend(&places);
            match record.serial() {
                None => unnamed += 1,
                Some(serial) => {
                    self.named += 1;
                    let is_medium = record.media_serial.is_some();
                    self.seen.entry((is_medium, normal(serial))).or_default().insert(file.to_owned());
                    if places.is_empty() {
                        let host = record.system_serial.as_deref().map_or_else(
                            || "the report names no computer that it was in".to_owned(),
                            |host| format!("neither is the computer that the report names, {host}"),
                        );
                        let what = format!("{serial} is not in the inventory, and {host}.");
                        let ask = format!("Ask which of your devices {serial} came out of, and for the pickup record that lists it.");
                        self.sections.unknown.push(Line { about: serial.to_owned(), file: file.to_owned(), what, ask });
                    }
                }
            }
        }
        if unnamed > 0 {
            self.sections.no_media.push(Line {
                about: file.to_owned(),
                file: file.to_owned(),
                what: format!("{unnamed} of its {} results are about a drive whose serial number is missing or masked.", reading.records.len()),
                ask: "Ask for the same report with serial numbers; without them it is about no drive in particular.".to_owned(),
            });
        }
    }

    /// A device that a list names.
    fn device(&mut self, file: &str, tag: Option<&str>, serial: Option<&str>) {
        self.named += 1;
        let by_serial = serial.and_then(|serial| self.by_serial.get(&normal(serial)));
        let at = by_serial.or_else(|| tag.and_then(|tag| self.by_tag.get(&normal(tag)))).copied();
        let name = serial.or(tag).unwrap_or_default().to_owned();
        self.seen.entry((false, normal(&name))).or_default().insert(file.to_owned());
        let Some(at) = at else {
            let near = serial.and_then(|serial| self.near(serial));
            let what = near.as_ref().map_or_else(
                || format!("{name} is not in the inventory."),
                |near| format!("{name} is not in the inventory; {near} is, and differs in one character that is easily misread."),
            );
            let ask = format!("Ask for a photograph of the label of {name}, and for the pickup record that lists it.");
            self.sections.unknown.push(Line { about: name, file: file.to_owned(), what, ask });
            return;
        };
        self.on_paper.insert(at);
        let Some(device) = self.devices.get(at) else { return };
        if let (Some(serial), Some(own)) = (serial, &device.serial)
            && by_serial.is_none()
            && normal(serial) != normal(own)
        {
            let what = format!("The paper has the serial number {serial} for {}, the inventory {own}.", device.tag);
            let ask = format!("Ask which of the two is on the label of {}.", device.tag);
            self.sections.unknown.push(Line { about: serial.to_owned(), file: file.to_owned(), what, ask });
        }
    }

    /// The serial number of the inventory that this one may have been misread from.
    fn near(&self, serial: &str) -> Option<String> {
        let normal: Vec<char> = normal(serial).chars().collect();
        let other = |c: char| crate::domain::reconciliation::ALIKE.iter().find_map(|(a, b)| if c == *a { Some(*b) } else { (c == *b).then_some(*a) });
        normal.iter().enumerate().find_map(|(at, c)| {
            let mut text = normal.clone();
            *text.get_mut(at)? = other(*c)?;
            let at = self.by_serial.get(&text.into_iter().collect::<String>())?;
            self.devices.get(*at)?.serial.clone()
        })
    }

    /// A print of which nothing is known: the inventory's tags and serial numbers among its words. Where lines have them in one place, what stands in
    /// that place of other lines is taken for serial numbers too.
    fn words(&mut self, file: &str, text: &str) {
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split(|c: char| c.is_whitespace() || ",;|()".contains(c)).filter(|word| !word.is_empty()).collect())
            .collect();
        let known = |found: &Self, word: &str| {
            let word = normal(word);
            if word.len() < 4 { None } else { found.by_serial.get(&word).or_else(|| found.by_tag.get(&word)).copied() }
        };
        let mut columns: HashMap<(usize, usize), usize> = HashMap::new();
        let mut devices = BTreeSet::new();
        for line in &lines {
            for (column, word) in line.iter().enumerate() {
                if let Some(at) = known(self, word) {
                    devices.insert(at);
                    if self.by_serial.contains_key(&normal(word)) {
                        *columns.entry((line.len(), column)).or_default() += 1;
                    }
                }
            }
        }
        if devices.is_empty() {
            self.sections.unread.push(not_read(file, "None of the inventory's tags and serial numbers is among its words.".to_owned()));
            return;
        }
        let usual = columns.into_iter().max_by_key(|(_, times)| *times).filter(|(_, times)| *times >= 2);
        for line in &lines {
            let Some(((width, column), _)) = usual else { break };
            let none_known = line.iter().all(|word| known(self, word).is_none());
            if let Some(word) = line.get(column).filter(|_| line.len() == width && none_known)
                && word.chars().any(|c| c.is_ascii_digit())
                && word.len() >= 5
                && Serial::parse(word).is_ok()
            {
                self.device(file, None, Some(word));
            }
        }
        for at in &devices {
            if let Some(device) = self.devices.get(*at) {
                let name = device.serial.clone().unwrap_or_else(|| device.tag.clone());
                self.seen.entry((false, normal(&name))).or_default().insert(file.to_owned());
            }
        }
        self.named += devices.len();
        self.names_no_drive(file, devices.len());
        self.on_paper.extend(devices);
    }

    fn twice(&mut self, said: &[Said]) {
        let mut by_digest: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for paper in said {
            by_digest.entry(&paper.sha256).or_default().push(&paper.name);
        }
        for names in by_digest.values().filter(|names| names.len() > 1) {
            self.sections.twice.push(Line {
                about: names.first().map(|name| (*name).to_owned()).unwrap_or_default(),
                file: names.join(", "),
                what: format!("{} files are the same, byte for byte.", names.len()),
                ask: "Ask whether another report was meant; one file proves one erasure.".to_owned(),
            });
        }
        let same = |files: &BTreeSet<String>| by_digest.values().any(|names| files.iter().all(|file| names.contains(&file.as_str())));
        for ((is_medium, serial), files) in self.seen.iter().filter(|(_, files)| files.len() > 1 && !same(files)) {
            let kind = if *is_medium { "drive" } else { "device" };
            self.sections.twice.push(Line {
                about: serial.clone(),
                file: files.iter().cloned().collect::<Vec<_>>().join(", "),
                what: format!("The {kind} {serial} is on {} papers.", files.len()),
                ask: format!("Ask which of them is about {serial}, and what the others are about."),
            });
        }
    }

    fn claims(&mut self, said: &[Said], now: Instant) {
        let readings: Vec<(&str, &Reading)> = said
            .iter()
            .filter_map(|paper| match &paper.told {
                What::Reading(reading) => Some((paper.name.as_str(), &**reading)),
                _ => None,
            })
            .collect();
        let context = |_: &crate::evidence::MediumReading| Context { now: Some(now), custody: None, expected: None };
        let mut findings = lint::lint(&readings, context);
        findings.sort_by_key(|finding| finding.weight == Weight::Warns);
        self.sections.claims.extend(findings.into_iter().map(|finding| Line {
            about: finding.serial.unwrap_or(finding.place),
            file: finding.file,
            what: finding.what,
            ask: finding.ask,
        }));
        for (file, reading) in &readings {
            for record in reading.records.iter().filter(|record| record.kind == Kind::Sanitization && !record.result.is_success()) {
                let name = record.serial().unwrap_or(&record.place).to_owned();
                self.sections.claims.push(Line {
                    what: format!("The tool's own result for {name} is: {}.", record.result.label()),
                    ask: format!("Ask what became of {name} afterwards: another erasure, or its destruction, with the record of it."),
                    about: name,
                    file: (*file).to_owned(),
                });
            }
        }
    }

    fn without_paper(&mut self) {
        for (at, device) in self.devices.iter().enumerate() {
            if let Some(words) = &device.gone
                && !self.on_paper.contains(&at)
            {
                let name = device.serial.as_ref().map_or_else(|| device.tag.clone(), |serial| format!("{} ({serial})", device.tag));
                self.sections.missing.push(Line {
                    what: format!("The inventory says “{words}”, and no paper names it."),
                    ask: format!("Ask who took {name}, and for the report of each of its drives."),
                    about: name,
                    file: String::new(),
                });
            }
        }
    }
}
