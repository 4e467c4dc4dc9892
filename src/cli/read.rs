//! `quittance read`: shows what erasure reports and logs say, without a server, a database or a record.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::unreadable;
use crate::app::now;
use crate::evidence::lint::{self, Context, Finding};
use crate::evidence::mapped::Profiles;
use crate::evidence::reading::is_obeyed;
use crate::evidence::{FORMATS, MediumReading, Reading, Remark};
use crate::operations::read_file::{self, Told};
use crate::proof::digest::{hex, sha256};

/// Largest file, or archive, that is opened.
const MAX_BYTES: u64 = 100 << 20;
/// A file could not be opened or understood.
const UNREAD: u8 = 2;

/// Show what erasure reports say: format, media, techniques, results, remarks. Nothing is sent or kept
///
/// Reads logs, PDFs, XML, JSON and CSV of the erasure tools that it knows, and ZIP archives of them; every file is read in a process of its own that can
/// open nothing else. Exit codes: 0 every file was understood · 2 some file was not.
#[derive(clap::Args)]
pub struct Read {
    /// The files
    #[arg(value_name = "FILE", required_unless_present = "formats")]
    files: Vec<PathBuf>,
    /// Print the canonical records as JSON
    #[arg(long)]
    json: bool,
    /// Where no reader knows a file, read it by this profile (TOML); may be given several times
    #[arg(long = "profile", value_name = "FILE")]
    profiles: Vec<PathBuf>,
    /// List the formats that can be read
    #[arg(long)]
    formats: bool,
}

/// A file, or a member of an archive, and what it came to.
struct Seen {
    name: String,
    sha256: String,
    size_bytes: usize,
    told: Told,
}

impl Read {
    /// Reads the files and prints; gives the exit code.
    pub fn run(&self) -> u8 {
        if self.formats {
            FORMATS.iter().for_each(|format| println!("{:<18} {}", format.name, format.label));
            return 0;
        }
        let profiles = match profiles(&self.profiles) {
            Ok(profiles) => profiles,
            Err(why) => {
                eprintln!("{why}");
                return UNREAD;
            }
        };
        let seen: Vec<Seen> = self.files.iter().flat_map(|path| open(path, &profiles)).collect();
        let readings: Vec<(&str, &Reading)> = seen.iter().filter_map(|seen| Some((seen.name.as_str(), seen.told.reading()?))).collect();
        let findings = lint::lint(&readings, |_| Context { now: Some(now()), custody: None, expected: None });
        if self.json {
            println!("{:#}", Value::Array(seen.iter().map(|seen| as_json(seen, &findings)).collect()));
        } else {
            seen.iter().for_each(|seen| print(seen, &findings));
        }
        if seen.iter().any(|seen| seen.told.reading().is_none()) { UNREAD } else { 0 }
    }
}

/// Profiles out of these files.
fn profiles(paths: &[PathBuf]) -> Result<Profiles, String> {
    let mut texts = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(path).map_err(|e| unreadable(path, &e))?;
        Profiles::parse(vec![text.clone()]).map_err(|why| format!("{}: {why}", path.display()))?;
        texts.push(text);
    }
    Profiles::parse(texts)
}

fn open(path: &Path, profiles: &Profiles) -> Vec<Seen> {
    let name = path.display().to_string();
    let not = |why: String| vec![Seen { name: name.clone(), sha256: String::new(), size_bytes: 0, told: Told::NotUnderstood { why, text: None } }];
    match std::fs::metadata(path) {
        Err(e) => return not(unreadable(path, &e)),
        Ok(meta) if meta.is_dir() => return not("This is a folder; name the files in it.".to_owned()),
        Ok(meta) if meta.len() > MAX_BYTES => return not(format!("The file is larger than {} MB.", MAX_BYTES >> 20)),
        Ok(_) => {}
    }
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) => return not(unreadable(path, &e)),
    };
    if !read_file::is_archive(&bytes) {
        return vec![seen(name, &bytes, profiles)];
    }
    match read_file::unpack(&bytes) {
        Err(why) => not(why),
        Ok((members, left_out)) => {
            let missing = left_out.into_iter().flat_map(not);
            let members = members.iter().map(|member| seen(format!("{name}: {}", member.name), &member.bytes, profiles));
            members.chain(missing).collect()
        }
    }
}

fn seen(name: String, bytes: &[u8], profiles: &Profiles) -> Seen {
    Seen { name, sha256: hex(&sha256(bytes)), size_bytes: bytes.len(), told: read_file::read(bytes, profiles) }
}

/// The canonical records, each with the tool, the reader and the remarks that are about it.
fn as_json(seen: &Seen, findings: &[Finding]) -> Value {
    let mut shown = json!({"file": seen.name, "sha256": seen.sha256, "size_bytes": seen.size_bytes});
    let Some(members) = shown.as_object_mut() else { return shown };
    match &seen.told {
        Told::NotUnderstood { why, .. } => {
            members.insert("not_understood".to_owned(), json!(why));
        }
        Told::Reading(reading) => {
            let records: Vec<Value> = reading.records.iter().map(|record| canonical(reading, record, &seen.sha256)).collect();
            members.extend([
                ("format".to_owned(), json!(reading.format)),
                ("parser".to_owned(), json!(reading.reader)),
                ("parser_version".to_owned(), json!(reading.reader_version)),
                ("tool".to_owned(), json!(reading.tool)),
                ("tool_version".to_owned(), json!(reading.tool_version)),
                ("records".to_owned(), Value::Array(records)),
                ("remarks".to_owned(), json!(reading.remarks)),
                ("findings".to_owned(), json!(findings.iter().filter(|finding| finding.file == seen.name).collect::<Vec<_>>())),
            ]);
        }
    }
    shown
}

fn canonical(reading: &Reading, record: &MediumReading, source: &str) -> Value {
    let mut value = json!(record);
    if let Some(members) = value.as_object_mut() {
        let warnings: Vec<&str> = reading.remarks.iter().filter(|remark| remark.place == record.place).map(|remark| remark.what.as_str()).collect();
        members.extend([
            ("tool".to_owned(), json!(reading.tool)),
            ("tool_version".to_owned(), json!(reading.tool_version)),
            ("source_sha256".to_owned(), json!(source)),
            ("parser".to_owned(), json!(reading.reader)),
            ("parser_version".to_owned(), json!(reading.reader_version)),
            ("warnings".to_owned(), json!(warnings)),
        ]);
    }
    value
}

/// Prints a line. Its words are the file's, and a terminal is to show them and not to obey them.
macro_rules! say {
    ($($part:tt)*) => {
        format!($($part)*).lines().for_each(|line| println!("{}", line.chars().filter(|c| !is_obeyed(*c)).collect::<String>()))
    };
}

fn print(seen: &Seen, findings: &[Finding]) {
    say!("{}", seen.name);
    match &seen.told {
        Told::NotUnderstood { why, .. } => say!("  not understood: {why}"),
        Told::Reading(reading) => {
            let label = FORMATS.iter().find(|format| format.name == reading.format).map_or(reading.format.as_str(), |format| format.label);
            let by = reading.tool_and_version().map_or_else(String::new, |tool| format!(", written by {tool}"));
            say!("  {label}{by} · SHA-256 {}", seen.sha256);
            reading.records.iter().for_each(print_record);
            reading.remarks.iter().for_each(print_remark);
            findings.iter().filter(|finding| finding.file == seen.name).for_each(print_finding);
        }
    }
    println!();
}

fn print_record(record: &MediumReading) {
    let name = record.serial().unwrap_or("no serial number");
    let what = [record.vendor.as_deref(), record.model.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let capacity = record.capacity_bytes.map(|bytes| format!("{bytes} bytes"));
    let about = [Some(what).filter(|what| !what.is_empty()), capacity].into_iter().flatten().collect::<Vec<_>>().join(", ");
    say!("  {}: {name}{}", record.place, if about.is_empty() { String::new() } else { format!(" · {about}") });
    if record.kind != crate::evidence::Kind::Sanitization {
        say!("      {}", record.kind.label());
        return;
    }
    let words = record.technique_words.as_deref().map_or_else(String::new, |words| format!(" (“{words}”)"));
    say!("      {}{words}: {}", record.technique.label(), record.result.label());
    let passes = match (record.passes_done, record.passes_requested) {
        (Some(done), Some(asked)) => Some(format!("{done} of {asked} passes")),
        (Some(done), None) => Some(format!("{done} passes")),
        (None, Some(asked)) => Some(format!("{asked} passes asked for")),
        (None, None) => None,
    };
    let times = match (&record.started_at, &record.ended_at) {
        (Some(start), Some(end)) => Some(format!("{start} to {end}")),
        (Some(start), None) => Some(format!("started {start}")),
        (None, Some(end)) => Some(format!("ended {end}")),
        (None, None) => None,
    };
    let zone = times.as_ref().filter(|_| !record.tz_known).map(|_| "zone not named".to_owned());
    let verified = Some(record.verification.label().to_owned());
    let claimed = record.standard_claimed.as_deref().map(|claim| format!("claims “{claim}”"));
    let line: Vec<String> = [passes, verified, claimed, times, zone].into_iter().flatten().collect();
    say!("      {}", line.join(" · "));
}

fn print_remark(Remark { place, what }: &Remark) {
    say!("  remark, {place}: {what}");
}

fn print_finding(finding: &Finding) {
    say!("  {} ({}), {}: {}\n      → {}", finding.weight, finding.code, finding.place, finding.what, finding.ask);
}
