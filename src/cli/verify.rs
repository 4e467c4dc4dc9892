//! `quittance verify`: checks a certificate or a ledger entry with the keys it was told to trust, and nothing else. Needs no network, no
//! database and no service.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{USAGE, unreadable};
use crate::proof::bundle::Bundle;
use crate::proof::verify::{self, Outcome, Redraw, Report, Trust, Verdict};

/// Largest file that is read.
const MAX_BYTES: u64 = 32 << 20;
/// Most files of a folder that are read; a bundle has `entries/` and nothing deeper.
const MAX_FILES: usize = 4_096;

/// Exit codes: 0 authentic, and a status list given for this check says good · 3 authentic, but its status or its pages were not checked ·
/// 1 altered, not signed by a trusted key, or revoked · 2 cannot be read · 64 wrong usage, or no keys to trust.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Verify {
    /// The certificate (PDF or JSON), a folder with its parts, or a ledger entry (JSON, with its .tlog-proof beside it)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The issuer's keys: a folder with did.json and log.vkey. Get it from the issuer, never from whoever gave you the certificate
    #[arg(long, value_name = "FOLDER")]
    trust: Option<PathBuf>,
    /// A status list fetched for this check, from the address that the certificate names
    #[arg(long, value_name = "FILE")]
    status: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Runs the checks and prints them; gives the exit code.
    pub fn run(&self) -> u8 {
        let trust = match self.trust() {
            Ok(trust) => trust,
            Err(why) => {
                eprintln!("{why}");
                return USAGE;
            }
        };
        let status = match self.status.as_deref().map(read).transpose() {
            Ok(status) => status,
            Err(why) => {
                eprintln!("--status: {why}");
                return USAGE;
            }
        };
        match self.check(&trust, status.as_deref()) {
            Ok(report) => {
                if self.json {
                    println!("{:#}", report.to_json());
                } else {
                    print(&report, self.status.is_some());
                }
                report.verdict.exit_code()
            }
            Err(Unread(why, code)) => {
                if self.json {
                    println!("{:#}", serde_json::json!({"verdict": "unreadable", "exitCode": code, "checks": [], "detail": why}));
                } else {
                    eprintln!("{}: {why}", self.file.display());
                }
                code
            }
        }
    }

    fn trust(&self) -> Result<Trust, String> {
        let folder = self.trust.as_ref().ok_or(
            "Name the keys to trust: --trust FOLDER, holding the issuer's did.json and log.vkey.\n\
             Get them from the issuer, never from whoever gave you the certificate.",
        )?;
        let file = |name: &str| fs::read(folder.join(name)).map_err(|e| format!("--trust: {}", unreadable(&folder.join(name), &e)));
        let vkey = String::from_utf8(file("log.vkey")?).map_err(|_| "--trust: log.vkey is not text".to_owned())?;
        Trust::from_files(&file("did.json")?, vkey.trim_end()).map_err(|why| format!("--trust: {why}"))
    }

    fn check(&self, trust: &Trust, status: Option<&[u8]>) -> Result<Report, Unread> {
        let unread = |why: String| Unread(why, Verdict::Unreadable.exit_code());
        let bundle = if self.file.is_dir() {
            Bundle::from_parts(folder(&self.file).map_err(unread)?)
        } else {
            let bytes = read(&self.file).map_err(unread)?;
            if is_entry(&bytes) {
                let receipt = read(&self.file.with_extension("tlog-proof")).ok();
                return Ok(verify::ledger_entry(&bytes, receipt.as_deref(), trust));
            }
            Bundle::from_bytes(&bytes)
        };
        let bundle = bundle.map_err(|error| Unread(error.to_string(), error.verdict().exit_code()))?;
        Ok(verify::certificate(&bundle, trust, status, redraw()))
    }
}

/// Why nothing could be checked, and the exit code for it.
struct Unread(String, u8);

#[cfg(feature = "service")]
fn redraw() -> Option<Redraw<'static>> {
    Some(&crate::operations::verify_certificate::redraw)
}
#[cfg(not(feature = "service"))]
fn redraw() -> Option<Redraw<'static>> {
    None
}

fn is_entry(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Value>(bytes).is_ok_and(|value| value.get("type").and_then(Value::as_str) == Some("LedgerEntry"))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let size = fs::metadata(path).map_err(|e| unreadable(path, &e))?.len();
    if size > MAX_BYTES {
        return Err(format!("{} is larger than 32 MB", path.display()));
    }
    fs::read(path).map_err(|e| unreadable(path, &e))
}

/// The files of a folder and of the folders in it, named with `/`.
fn folder(root: &Path) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut found = Vec::new();
    for (folder, prefix) in std::iter::once((root.to_owned(), String::new())).chain(folders(root)?) {
        for entry in fs::read_dir(&folder).map_err(|e| unreadable(&folder, &e))? {
            let path = entry.map_err(|e| e.to_string())?.path();
            if path.is_file() {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                found.push((format!("{prefix}{name}"), read(&path)?));
            }
            if found.len() > MAX_FILES {
                return Err(format!("{} holds more than {MAX_FILES} files; name the certificate's own folder", root.display()));
            }
        }
    }
    Ok(found)
}

fn folders(root: &Path) -> Result<Vec<(PathBuf, String)>, String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).map_err(|e| unreadable(root, &e))? {
        let path = entry.map_err(|e| e.to_string())?.path();
        if path.is_dir() {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            found.push((path, format!("{name}/")));
        }
    }
    Ok(found)
}

fn print(report: &Report, status_given: bool) {
    if let Some(certificate) = &report.certificate {
        println!(
            "{}\nissued by {} ({}) on {}\n",
            certificate.name,
            certificate.issuer_name.as_deref().unwrap_or("unnamed"),
            certificate.issuer,
            certificate.valid_from
        );
    }
    for check in &report.checks {
        let (word, detail) = match &check.outcome {
            Outcome::Passed(detail) => ("passed ", detail),
            Outcome::Failed(detail) => ("FAILED ", detail),
            Outcome::NotRun(detail) => ("not run", detail),
        };
        println!("{word}  {:<34} {detail}", check.finding.title());
    }
    let mut failed = report.checks.iter().filter_map(|check| match &check.outcome {
        Outcome::Failed(why) => Some(why.starts_with("revoked or superseded")),
        _ => None,
    });
    // Altered wins over revoked: of an altered certificate nobody can say what was revoked.
    let revoked = failed.all(|revoked| revoked);
    println!(
        "\n{}",
        match report.verdict {
            Verdict::Authentic | Verdict::AuthenticNotFullyChecked if report.certificate.is_none() =>
                "AUTHENTIC · unchanged (a ledger entry; it has no status of its own)",
            Verdict::Authentic => "AUTHENTIC · unchanged · not revoked",
            Verdict::AuthenticNotFullyChecked if status_given => "AUTHENTIC · unchanged · not everything was checked",
            Verdict::AuthenticNotFullyChecked =>
                "AUTHENTIC · unchanged · not checked for revocation today (fetch its status list and name it with --status)",
            Verdict::Refused if revoked => "REVOKED",
            Verdict::Refused => "NOT AUTHENTIC",
            Verdict::Unreadable => "NOT READABLE as a certificate",
        }
    );
    if matches!(report.verdict, Verdict::Authentic | Verdict::AuthenticNotFullyChecked) {
        println!("This shows who stated what and when, and that it is unchanged. It does not show that the statement was true.");
    }
}
