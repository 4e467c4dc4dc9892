//! CSV and XLSX files as rows of text within bounds, and rows below known headings as objects, so that an export is read like the service's own JSON.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, copy, sink};

use calamine::{DataRef, Reader as _, Xlsx};
use chrono::{DateTime, TimeDelta};
use csv::{ReaderBuilder, StringRecord};
use serde_json::Value;

use super::members::{Object, is_named};
use super::{Given, MAX_RECORDS};

/// Lines that may stand above the header: a title, `sep=;`, a blank.
const MAX_LINES_ABOVE: usize = 8;

/// Columns that are worthless when cut short.
const IDENTIFYING: &[&str] = &["serialnumber", "serial", "deviceserialnumber", "imei", "udid", "deviceid"];

/// How far down the names of the columns may stand: lists begin with the vendor's letterhead.
pub(super) const HEADER_WITHIN: usize = 30;
const MAX_COLUMNS: usize = 256;
const MAX_ROWS: usize = MAX_RECORDS + HEADER_WITHIN + 1;
/// What a spreadsheet may unpack to, and the text in its cells.
const MAX_UNPACKED: u64 = 128 * 1024 * 1024;
const MAX_TEXT_BYTES: usize = 32 * 1024 * 1024;

/// A row's number in the file, as people see it, and its cells without the blanks around them.
pub(super) type Row = (usize, Vec<String>);

/// Whether some of the first lines is a header with one column of each of these sets of names.
pub(super) fn is_headed(text: &str, columns: &[&[&str]]) -> bool {
    header(text, columns).is_some()
}

/// Calls back with each row below that header.
pub(super) fn each_row(text: &str, columns: &[&[&str]], mut told: impl FnMut(&Object)) {
    let Some((names, delimiter, below)) = header(text, columns) else { return };
    let unterminated = !below.ends_with(['\n', '\r']);
    let mut rows = reader(below, delimiter);
    let mut row = StringRecord::new();
    let end = u64::try_from(below.len()).unwrap_or(u64::MAX);
    while matches!(rows.read_record(&mut row), Ok(true)) {
        let mut object = Object::new();
        for (name, cell) in names.iter().zip(&row).filter(|(_, cell)| !cell.trim().is_empty()) {
            // Of columns that go by one name the first counts.
            object.entry(name).or_insert_with(|| Value::String(cell.trim().to_owned()));
        }
        let is_last = unterminated && rows.position().byte() >= end;
        if is_last && let Some(last) = names.get(row.len().saturating_sub(1)).filter(|name| IDENTIFYING.iter().any(|column| is_named(name, column))) {
            object.remove(last);
        }
        if !object.is_empty() {
            told(&object);
        }
    }
}

/// The names of the columns, what separates them, and the text below.
fn header<'a>(text: &'a str, columns: &[&[&str]]) -> Option<(Vec<String>, u8, &'a str)> {
    let mut below = text;
    for _ in 0..=MAX_LINES_ABOVE {
        let (line, rest) = below.split_once('\n').unwrap_or((below, ""));
        for delimiter in *b",;\t" {
            let mut row = StringRecord::new();
            if line.len() < 16_384 && matches!(reader(line, delimiter).read_record(&mut row), Ok(true)) {
                let names: Vec<String> = row.iter().map(|name| name.trim().to_owned()).collect();
                if columns.iter().all(|column| names.iter().any(|name| column.iter().any(|other| is_named(name, other)))) {
                    return Some((names, delimiter, rest));
                }
            }
        }
        if rest.is_empty() {
            return None;
        }
        below = rest;
    }
    None
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes())
}

/// The rows of a CSV, and whether the last of them may be cut off.
pub(super) fn csv_rows(given: &Given) -> (Vec<Row>, bool) {
    // Rows are numbered by their line ends, and only one kind of them is counted.
    let text = given.text.replace("\r\n", "\n").replace('\r', "\n");
    let head = text.lines().take(HEADER_WITHIN);
    let count = |mark: u8| head.clone().map(|line| line.bytes().filter(|byte| *byte == mark).count()).max().unwrap_or(0);
    let delimiter = [b',', b';', b'\t', b'|'].into_iter().rev().max_by_key(|mark| count(*mark)).unwrap_or(b',');
    let mut reader = reader(&text, delimiter);
    let mut rows = Vec::new();
    let mut record = StringRecord::new();
    while rows.len() <= MAX_ROWS && matches!(reader.read_record(&mut record), Ok(true)) {
        let line = record.position().map_or(0, csv::Position::line);
        rows.push((usize::try_from(line).unwrap_or(usize::MAX), record.iter().take(MAX_COLUMNS).map(|cell| cell.trim().to_owned()).collect()));
    }
    (rows, !text.ends_with('\n'))
}

/// The rows of the first sheet of an XLSX that has any; `None` where it is damaged or beyond the bounds.
pub(super) fn xlsx_rows(bytes: &[u8]) -> Option<Vec<Row>> {
    if !bytes.starts_with(b"PK\x03\x04") || !unpacks_within(bytes, MAX_UNPACKED) {
        return None;
    }
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).ok()?;
    for name in book.sheet_names() {
        // A sheet that is a diagram has no cells.
        let Ok(mut sheet) = book.worksheet_cells_reader(&name) else { continue };
        let mut rows: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        let mut size = 0_usize;
        while let Ok(Some(cell)) = sheet.next_cell() {
            let (row, column) = cell.get_position();
            let text = cell_text(cell.get_value());
            let Some(column) = usize::try_from(column).ok().filter(|column| *column < MAX_COLUMNS && !text.is_empty()) else { continue };
            size += text.len();
            if size > MAX_TEXT_BYTES || rows.len() > MAX_ROWS {
                break;
            }
            let row = rows.entry(row).or_default();
            if row.len() <= column {
                row.resize(column + 1, String::new());
            }
            if let Some(place) = row.get_mut(column) {
                *place = text;
            }
        }
        if !rows.is_empty() {
            return Some(rows.into_iter().map(|(row, cells)| (usize::try_from(row).unwrap_or(usize::MAX).saturating_add(1), cells)).collect());
        }
    }
    None
}

/// Whether all members together stay within the bound; they are unpacked to find out, as what the archive says of itself may be wrong.
fn unpacks_within(bytes: &[u8], most: u64) -> bool {
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else { return false };
    let mut left = most;
    for index in 0..archive.len() {
        let Ok(member) = archive.by_index(index) else { return false };
        match copy(&mut member.take(left + 1), &mut sink()) {
            Ok(size) if size <= left => left -= size,
            _ => return false,
        }
    }
    true
}

/// A cell as a person sees it. Whole numbers have no decimal point: serial numbers of digits alone are numbers to a spreadsheet.
fn cell_text(cell: &DataRef<'_>) -> String {
    match cell {
        DataRef::Empty | DataRef::Error(_) => String::new(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.trim().to_owned(),
        DataRef::SharedString(text) => text.trim().to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(flag) => flag.to_string(),
        DataRef::DateTime(at) => moment_of(at.as_f64()).unwrap_or_default(),
    }
}

/// Days since 30 December 1899.
fn moment_of(days: f64) -> Option<String> {
    let seconds = format!("{:.0}", days * 86_400.0).parse().ok().and_then(TimeDelta::try_seconds)?;
    let start = DateTime::from_timestamp(-2_209_161_600, 0)?;
    Some(start.checked_add_signed(seconds)?.format("%Y-%m-%d %H:%M:%S").to_string())
}
