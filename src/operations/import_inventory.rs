//! Takes an inventory export in: row by row, each new device one entry; the same file again changes nothing.

use std::io::Read;

use super::Service;
use super::once::{Outcome, keep, once};
use crate::domain::asset::{Asset, Status};
use crate::domain::names::{AssetId, Name, Sensitivity, Serial, Tag};
use crate::domain::refusal::Refusal;
use crate::domain::registration::RegisterAsset;
use crate::domain::{Actor, Command};
use crate::error::{Error, Result};
use crate::inventories::{self, InventoryRow, StatusKind};
use crate::store::idempotency::{Answer, RequestKey};
use crate::store::{Database, tables};

/// Rows that are handed to the writer before the first answer is awaited.
const CHUNK: usize = 256;
/// Most rows that a report describes one by one; all are counted.
const DESCRIBED: usize = 1_000;

/// How to import.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Only say what would happen.
    pub dry_run: bool,
    /// How confidential what is on these devices is; exports do not say. Unknown: of each what the catalogue says of its model.
    pub sensitivity: Sensitivity,
}

/// Something about one line of the file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Line {
    /// Its number in the file, from 1.
    pub line: u64,
    /// What about it.
    pub what: String,
}

/// What an import came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Report {
    /// The format that was recognised.
    pub format: String,
    /// Nothing was written.
    pub dry_run: bool,
    /// These devices were disposed of before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub past: bool,
    /// Rows read.
    pub rows: u64,
    /// Devices registered, or that would be; past disposals recorded.
    pub registered: u64,
    /// Devices that are registered already as the file says.
    pub unchanged: u64,
    /// Devices that are registered otherwise than the file says; nothing was changed.
    pub differing: u64,
    /// Rows that could not be taken.
    pub refused: u64,
    /// Past disposals with a paper: media of the record that a reader found in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<u64>,
    /// The first entry written.
    pub first_seq: Option<u64>,
    /// The last entry written.
    pub last_seq: Option<u64>,
    /// Rows that differ or were refused, one by one (the first 1,000).
    pub lines: Vec<Line>,
}

impl Report {
    pub(super) fn describe(&mut self, line: u64, what: String) {
        if self.lines.len() < DESCRIBED {
            self.lines.push(Line { line, what });
        }
    }
}

/// Imports a file for a request that may be repeated. The report is kept when all rows are recorded: after a crash on the way the repeated request
/// goes on where it was, and counts what was registered before as unchanged.
pub fn import_once(service: &Service, actor: &Actor, file: impl Read, options: Options, key: Option<&RequestKey>) -> Result<Outcome<Report>> {
    // A dry run has no effect that could be had twice.
    let key = key.filter(|_| !options.dry_run);
    once(service, key, || {
        let report = import(service, actor, file, options, |_| ())?;
        match key {
            None => Ok(Outcome::Now(report)),
            Some(key) => keep(service, key, Answer { status: 200, body: serde_json::to_vec(&report)? })?.map(|()| Ok(report)),
        }
    })
}

/// Imports a file. `progress` is told the number of rows done.
pub fn import(service: &Service, actor: &Actor, file: impl Read, options: Options, mut progress: impl FnMut(u64)) -> Result<Report> {
    let rows = inventories::open(file).map_err(|error| Refusal::new("inventory.not_recognised", format!("Line {}: {}", error.line, error.what)))?;
    let mut report = Report { format: rows.format().label.to_owned(), dry_run: options.dry_run, ..Report::default() };
    let mut db = service.app.read()?;
    let mut waiting: Vec<(u64, Command)> = Vec::new();
    // Within a dry run nothing is registered, so repeated tags have to be noticed here.
    let mut seen = std::collections::HashSet::new();
    let mut serials = std::collections::HashSet::new();
    for row in rows {
        report.rows += 1;
        match row {
            Err(error) => {
                report.refused += 1;
                report.describe(error.line, error.what);
            }
            Ok(row) => match plan(&mut db, &row, options)? {
                Plan::Refused(why) => {
                    report.refused += 1;
                    report.describe(row.line, why);
                }
                Plan::Unchanged => report.unchanged += 1,
                Plan::Differs(what) => {
                    report.differing += 1;
                    report.describe(row.line, what);
                }
                Plan::Register(command) if command.serial.as_ref().is_some_and(|serial| !serials.insert(serial.normal())) => {
                    report.refused += 1;
                    report.describe(row.line, format!("{}: its serial is in this file twice; the first row counts.", command.tag));
                }
                Plan::Register(command) if !seen.insert(command.tag.normal()) => {
                    report.refused += 1;
                    report.describe(row.line, format!("The tag {} is in this file twice; the first row counts.", command.tag));
                }
                Plan::Register(command) if options.dry_run => {
                    report.registered += 1;
                    drop(command);
                }
                Plan::Register(command) => waiting.push((row.line, Command::from(*command))),
            },
        }
        if waiting.len() == CHUNK {
            record_rows(service, actor, std::mem::take(&mut waiting), &mut report)?;
            progress(report.rows);
        }
    }
    record_rows(service, actor, std::mem::take(&mut waiting), &mut report)?;
    progress(report.rows);
    Ok(report)
}

/// Records what the rows of a list come to, each by itself; the report says what became of it.
pub(super) fn record_rows(service: &Service, actor: &Actor, rows: Vec<(u64, Command)>, report: &mut Report) -> Result<()> {
    let (lines, commands): (Vec<u64>, Vec<_>) = rows.into_iter().map(|(line, command)| (line, (command, None))).unzip();
    for (line, answer) in lines.into_iter().zip(service.recorder.record_many(commands, actor)) {
        match answer {
            Ok(receipt) => {
                report.registered += 1;
                let seqs = receipt.entries.iter().map(|entry| entry.seq);
                report.first_seq = report.first_seq.or(seqs.clone().min());
                report.last_seq = seqs.max().or(report.last_seq);
            }
            Err(Error::Refused(refusal) | Error::Conflict(refusal)) => {
                report.refused += 1;
                report.describe(line, refusal.why);
            }
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

enum Plan {
    Register(Box<RegisterAsset>),
    Unchanged,
    Differs(String),
    Refused(String),
}

fn plan(db: &mut Database, row: &InventoryRow, options: Options) -> Result<Plan> {
    if row.deleted_at_source || row.status_kind == StatusKind::Archived {
        return Ok(Plan::Refused("The row is archived or deleted at its source, so nobody can say where the device is; it is not taken.".to_owned()));
    }
    let command = match command(row, options) {
        Ok(command) => command,
        Err(refusal) => return Ok(Plan::Refused(refusal.why)),
    };
    let Some(id) = tables::owner(db, &Asset::tag_key(&command.tag))? else {
        return Ok(match &command.serial {
            Some(serial) if tables::owner(db, &Asset::serial_key(serial))?.is_some() => {
                Plan::Refused(format!("{}: a device with the serial {serial} is registered already under another tag.", command.tag))
            }
            _ => Plan::Register(Box::new(command)),
        });
    };
    let asset = tables::find::<Asset>(db, &AssetId::parse(&id)?)?.ok_or_else(|| Error::Fault("a tag without a device".to_owned()))?;
    let same_serial = match (&asset.serial, &command.serial) {
        (Some(old), Some(new)) => old.same(new),
        (None, None) => true,
        _ => false,
    };
    let mut differences = Vec::new();
    if !same_serial {
        let text = |serial: &Option<Serial>| serial.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
        differences.push(format!("serial {} on record, {} in the file", text(&asset.serial), text(&command.serial)));
    }
    if asset.model != command.model || asset.manufacturer != command.manufacturer {
        differences.push(format!("{} on record, {} {} in the file", asset.title(), command.manufacturer, command.model));
    }
    if asset.category != command.category {
        differences.push(format!("{} on record, {} in the file", asset.category.label(), command.category.label()));
    }
    Ok(if differences.is_empty() { Plan::Unchanged } else { Plan::Differs(format!("{}: {}.", command.tag, differences.join("; "))) })
}

fn command(row: &InventoryRow, options: Options) -> std::result::Result<RegisterAsset, Refusal> {
    let required = |value: &Option<String>, what: &str| -> std::result::Result<Name, Refusal> {
        match value.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => Name::parse(text),
            None => Err(Refusal::new("inventory.missing", format!("The row has no {what}; fill it in at the source and export again."))),
        }
    };
    Ok(RegisterAsset {
        asset: None,
        tag: Tag::parse(&row.tag)?,
        serial: row.serial.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(Serial::parse).transpose()?,
        category: row.category,
        manufacturer: required(&row.manufacturer, "manufacturer")?,
        model: required(&row.model, "model")?,
        sensitivity: (options.sensitivity != Sensitivity::Unknown).then_some(options.sensitivity),
        weight_grams: None,
        weight_basis: None,
        site: required(&row.site, "location")?,
        status: if row.status_kind == StatusKind::Deployed { Status::InService } else { Status::InStock },
        purchased_on: row.purchased_on,
        cost_cents: row.cost_cents.and_then(|cents| u32::try_from(cents).ok()),
        funding: None,
        media: Vec::new(),
    })
}
