//! Sends the reports of a vendor's tools from a folder to the records of those organisations whose devices they are about, and to nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use super::server::Client;
use super::unreadable;
use crate::domain::names::Serial;
use crate::error::{Error, Result};
use crate::evidence::mapped::Profiles;
use crate::operations::find_on_bench::MOST_SERIALS;
use crate::operations::read_file::{self, Told};
use crate::operations::receive_evidence::MAX_BYTES;
use crate::proof::digest::{hex, sha256};

/// Some file went nowhere, or was refused.
const SOME_LEFT: u8 = 2;
/// Something stood in the way: what was to be done is not done.
const TROUBLE: u8 = 1;

const AFTER_HELP: &str = "\
The profile is a TOML file with a part for each organisation; token files are looked for beside it, and nobody else may read them:

  [[organisation]]
  name = \"Northfield School District\"
  url = \"https://records.northfield.example\"
  token_file = \"northfield.token\"

Run it again as often as you like: a file that is stored already is not sent again.

Exit codes: 0 every file is where it belongs; 2 some file matched nobody or was refused; 1 trouble: profile, folder, connection or token";

/// What a vendor does from its own machines.
#[derive(clap::Subcommand)]
pub enum Vendor {
    /// Send the reports in a folder to the organisations whose devices they are about
    #[command(after_help = AFTER_HELP)]
    Push(Push),
}

/// Which folder, and to whom.
#[derive(clap::Args)]
pub struct Push {
    /// The folder with the reports; what is in folders below it is left alone
    folder: PathBuf,
    /// The organisations: addresses and tokens
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    /// Only say what would be sent where
    #[arg(long)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    organisation: Vec<Named>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
    url: String,
    token_file: PathBuf,
}

/// An organisation's record, and which of the serial numbers it has at this vendor: with the consignment that brought the thing.
struct Organisation {
    name: String,
    client: Client,
    has: BTreeMap<String, Option<String>>,
    trouble: Option<String>,
}

/// A file of the folder.
struct Report {
    name: String,
    path: PathBuf,
    digest: String,
    /// In the form that they are compared in, with as they stand in the file.
    serials: BTreeMap<String, Serial>,
    /// Why nobody can be asked about it.
    unread: Option<String>,
    too_large: bool,
}

/// What became of a file.
enum Fate {
    Sent,
    Would,
    Before,
    Nobodys(String),
    Refused(String),
    Trouble(String),
}

struct Line {
    file: String,
    organisation: String,
    consignments: String,
    fate: Fate,
    matched: Option<(usize, usize)>,
}

impl Vendor {
    /// Does it; gives the exit code.
    pub fn run(&self) -> u8 {
        let Self::Push(push) = self;
        match push.go() {
            Ok(code) => code,
            Err(error) => {
                eprintln!("{error}");
                TROUBLE
            }
        }
    }
}

impl Push {
    fn go(&self) -> Result<u8> {
        let mut organisations = organisations(&self.profile)?;
        let reports = reports(&self.folder)?;
        let mut serials = BTreeMap::new();
        reports.iter().for_each(|report| serials.extend(&report.serials));
        for organisation in &mut organisations {
            organisation.ask(&serials.values().copied().collect::<Vec<_>>());
        }
        let bar = super::service::bar(u64::try_from(reports.len()).unwrap_or(u64::MAX));
        let mut lines = Vec::new();
        for report in &reports {
            bar.set_message(report.name.clone());
            lines.extend(self.send(report, &organisations)?);
            bar.inc(1);
        }
        bar.finish_and_clear();
        let trouble = organisations.iter().filter_map(|organisation| Some((&organisation.name, organisation.trouble.as_ref()?)));
        for (name, why) in trouble.clone() {
            eprintln!("{name}: {why}");
        }
        print(&lines, reports.len());
        let failed = trouble.count() > 0 || lines.iter().any(|line| matches!(line.fate, Fate::Trouble(_)));
        let left = lines.iter().any(|line| matches!(line.fate, Fate::Nobodys(_) | Fate::Refused(_)));
        Ok(if failed {
            TROUBLE
        } else if left {
            SOME_LEFT
        } else {
            0
        })
    }

    /// One file to everybody whose things it is about.
    fn send(&self, report: &Report, organisations: &[Organisation]) -> Result<Vec<Line>> {
        let line = |organisation: &str, consignments: String, fate, matched| Line {
            file: report.name.clone(),
            organisation: organisation.to_owned(),
            consignments,
            fate,
            matched,
        };
        if report.too_large {
            let why = format!("larger than {} MB; send it in parts", MAX_BYTES >> 20);
            return Ok(vec![line("", String::new(), Fate::Refused(why), None)]);
        }
        let mut lines = Vec::new();
        for organisation in organisations.iter().filter(|organisation| organisation.trouble.is_none()) {
            let own: Vec<_> = report.serials.keys().filter_map(|serial| organisation.has.get(serial)).collect();
            let consignments: BTreeSet<&str> = own.iter().filter_map(|reference| reference.as_deref()).collect();
            let consignments = consignments.into_iter().collect::<Vec<_>>().join(", ");
            let mut matched = (!own.is_empty()).then_some((own.len(), report.serials.len()));
            let fate = match organisation.client.has(&format!("/api/v1/evidence/{}", report.digest)) {
                Err(error) => Fate::Trouble(error.to_string()),
                Ok(true) => Fate::Before,
                Ok(false) if own.is_empty() => continue,
                Ok(false) if self.dry_run => Fate::Would,
                Ok(false) => {
                    let bytes = std::fs::read(&report.path).map_err(|e| Error::Unknown(unreadable(&report.path, &e)))?;
                    // What changed since it was read is another file; the next run finds it.
                    if hex(&sha256(&bytes)) != report.digest {
                        Fate::Trouble("it changed while this ran; run this again".to_owned())
                    } else {
                        match organisation.client.post("/api/v1/evidence", "application/octet-stream", &format!("push-{}", report.digest), &bytes) {
                            Ok(answer) => {
                                matched = counted(&answer).or(matched);
                                Fate::Sent
                            }
                            Err(Error::Refused(refusal)) => Fate::Refused(refusal.why),
                            Err(error) => Fate::Trouble(error.to_string()),
                        }
                    }
                }
            };
            lines.push(line(&organisation.name, consignments, fate, matched));
        }
        if lines.is_empty() {
            let why = match &report.unread {
                Some(why) => why.clone(),
                None if report.serials.is_empty() => "it names no serial number".to_owned(),
                None => format!("none of its {} serial numbers is at hand", report.serials.len()),
            };
            lines.push(line("", String::new(), Fate::Nobodys(why), None));
        }
        Ok(lines)
    }
}

/// How many of the media in the file were matched, by the answer of the record.
fn counted(answer: &Value) -> Option<(usize, usize)> {
    let records = answer.get("records")?.as_array()?;
    Some((records.iter().filter(|record| record.get("medium").is_some_and(Value::is_string)).count(), records.len()))
}

impl Organisation {
    /// Asks which of these serial numbers are of things that it has at this vendor.
    fn ask(&mut self, serials: &[&Serial]) {
        for some in serials.chunks(MOST_SERIALS) {
            let body = json!({"serials": some}).to_string();
            let key = format!("search-{}", hex(&sha256(body.as_bytes())));
            match self.client.post("/api/v1/bench/searches", "application/json", &key, body.as_bytes()) {
                Err(error) => {
                    self.trouble = Some(error.to_string());
                    return;
                }
                Ok(answer) => {
                    for found in answer.get("found").and_then(Value::as_array).into_iter().flatten() {
                        let text = |name: &str| found.get(name).and_then(Value::as_str);
                        let Some(serial) = text("serial").and_then(|text| Serial::parse(text).ok()) else { continue };
                        self.has.insert(serial.normal(), text("consignment").map(str::to_owned));
                    }
                }
            }
        }
    }
}

fn organisations(path: &Path) -> Result<Vec<Organisation>> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::Unknown(unreadable(path, &e)))?;
    let profile: Profile =
        toml::from_str(&text).map_err(|e| Error::Unknown(format!("The profile {} is not as --help shows it: {e}", path.display())))?;
    if profile.organisation.is_empty() {
        return Err(Error::Unknown(format!("The profile {} names no organisation.", path.display())));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let of = |named: Named| -> Result<Organisation> {
        let token_file = folder.join(&named.token_file);
        for_oneself(&token_file)?;
        Ok(Organisation { client: Client::new(&named.url, Some(&token_file))?, name: named.name, has: BTreeMap::new(), trouble: None })
    };
    profile.organisation.into_iter().map(of).collect()
}

/// Refuses a token that others on this machine can read.
fn for_oneself(path: &Path) -> Result<()> {
    let wrong = |why: String| Error::Unknown(format!("The token file {}: {why}.", path.display()));
    let mode = std::fs::metadata(path).map_err(|e| Error::Unknown(unreadable(path, &e)))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(wrong(format!(
            "others can read it (mode {:o}); run chmod 600 on it, and have the token replaced if they may have",
            mode & 0o777
        )));
    }
    Ok(())
}

/// The files of a folder in the order of their names, each read as far as there is a reader for it.
fn reports(folder: &Path) -> Result<Vec<Report>> {
    let trouble = |e: std::io::Error| Error::Unknown(unreadable(folder, &e));
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(trouble)? {
        let path = entry.map_err(trouble)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_file() && !hidden {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(Error::Unknown(format!("The folder {} has no files in it.", folder.display())));
    }
    paths.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> Result<Report> {
    let trouble = |e: std::io::Error| Error::Unknown(unreadable(&path, &e));
    let name = path.file_name().map(|name| name.to_string_lossy().chars().filter(|c| !c.is_control()).collect()).unwrap_or_default();
    let too_large = std::fs::metadata(&path).map_err(trouble)?.len() > u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    let mut report = Report { name, digest: String::new(), serials: BTreeMap::new(), unread: None, too_large, path: path.clone() };
    if too_large {
        return Ok(report);
    }
    let bytes = std::fs::read(&path).map_err(trouble)?;
    report.digest = hex(&sha256(&bytes));
    match read_file::read(&bytes, &Profiles::default()) {
        Told::NotUnderstood { why, .. } => report.unread = Some(why),
        Told::Reading(reading) => {
            let serials = reading.records.iter().filter_map(|record| Serial::parse(record.serial()?).ok());
            report.serials = serials.map(|serial| (serial.normal(), serial)).collect();
        }
    }
    Ok(report)
}

/// The table: file, organisation, consignment, what became of it.
fn print(lines: &[Line], files: usize) {
    let count = |of: fn(&Fate) -> bool| lines.iter().filter(|line| of(&line.fate)).count();
    let header = ["File", "Organisation", "Consignment", "Matched"].map(str::to_owned);
    let cells = lines.iter().map(|line| {
        let of = |text: &str| if text.is_empty() { "–".to_owned() } else { text.to_owned() };
        let matched = line.matched.map_or_else(|| "–".to_owned(), |(some, all)| format!("{some} of {all}"));
        [line.file.clone(), of(&line.organisation), of(&line.consignments), matched]
    });
    let cells: Vec<[String; 4]> = std::iter::once(header).chain(cells).collect();
    let mut widths = [0; 4];
    for row in &cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let results = std::iter::once("Result".to_owned()).chain(lines.iter().map(|line| match &line.fate {
        Fate::Sent => "sent".to_owned(),
        Fate::Would => "would be sent".to_owned(),
        Fate::Before => "stored before".to_owned(),
        Fate::Nobodys(why) => format!("nobody's: {why}"),
        Fate::Refused(why) => format!("refused: {why}"),
        Fate::Trouble(why) => format!("trouble: {why}"),
    }));
    for (row, result) in cells.iter().zip(results) {
        let padded: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("{}  {result}", padded.join("  "));
    }
    let said = [
        (count(|fate| matches!(fate, Fate::Sent)), "sent"),
        (count(|fate| matches!(fate, Fate::Would)), "would be sent"),
        (count(|fate| matches!(fate, Fate::Before)), "stored before"),
        (count(|fate| matches!(fate, Fate::Nobodys(_))), "nobody's"),
        (count(|fate| matches!(fate, Fate::Refused(_))), "refused"),
        (count(|fate| matches!(fate, Fate::Trouble(_))), "in trouble"),
    ];
    let said: Vec<String> = said.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect();
    println!("\n{files} files: {}.", said.join(", "));
}
