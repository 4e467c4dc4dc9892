//! Asset lists in: recognises an asset manager's CSV export by its header and streams it row by row; bad rows are reported beside the good ones.
//!
//! Columns about people (who has it, their number, name, mail, host names, free notes) are never taken out of the file.

mod cells;
pub mod own_models;
pub mod past_disposals;
pub mod snipe_it;
pub mod vendor_lists;

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{Chain, Cursor, Read};
use std::rc::Rc;

use chrono::NaiveDate;
use csv::{ByteRecord, StringRecord};

use crate::domain::names::{Category, codes};

/// A row, with every line that it spans, may be this long.
pub const MAX_ROW_BYTES: u64 = 1024 * 1024;
/// Rows beyond this are not read.
pub const MAX_ROWS: u64 = 1_000_000;
/// As much of the file's beginning as is looked at to tell separators and encoding.
const HEAD_BYTES: u64 = 64 * 1024;

/// One kind of export and how to tell it.
pub struct Format {
    /// Stored with the import.
    pub name: &'static str,
    /// For people.
    pub label: &'static str,
    /// Whether a header row is this format's, whatever the order of its columns.
    pub recognise: fn(&StringRecord) -> bool,
    /// The name of the column for a field, as this format's header writes it.
    columns: &'static [(Field, &'static str)],
    /// The asset manager's word for a kind of device.
    category: fn(&str) -> Category,
    /// The status column, split into the status' own name and its kind.
    status: fn(&str) -> (String, StatusKind),
}

/// Every format that can be read, most telling header first.
pub const FORMATS: &[Format] = &[snipe_it::CUSTOM_REPORT, snipe_it::ASSET_LIST];

codes! {
    /// What an asset manager lets one do with a device in a status.
    StatusKind {
        Deployed = "deployed", "deployed";
        Deployable = "deployable", "ready to deploy";
        Pending = "pending", "pending";
        Undeployable = "undeployable", "undeployable";
        Archived = "archived", "archived";
        Unknown = "unknown", "unknown";
    }
}

/// What is taken out of a row; anything else in the file stays there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Field {
    ExternalId,
    Organisation,
    Tag,
    Serial,
    Manufacturer,
    Model,
    ModelNumber,
    Category,
    Status,
    Site,
    DefaultSite,
    Supplier,
    OrderNumber,
    PurchasedOn,
    Cost,
    Deleted,
}

/// One device as the list has it. All text is trimmed and otherwise as written: not yet checked, to be parsed into the domain's types by the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryRow {
    /// The line of the file that the row begins on, from 1.
    pub line: u64,
    /// The organisation's tag; never empty.
    pub tag: String,
    /// The maker's serial number.
    pub serial: Option<String>,
    /// The maker.
    pub manufacturer: Option<String>,
    /// The model's name.
    pub model: Option<String>,
    /// The maker's model number.
    pub model_number: Option<String>,
    /// What the category's words were taken for; `other` where they say nothing.
    pub category: Category,
    /// The category's words.
    pub category_words: String,
    /// Where it is, or else where it belongs.
    pub site: Option<String>,
    /// The status' own name.
    pub status_words: Option<String>,
    /// The kind of status it is.
    pub status_kind: StatusKind,
    /// The company within the asset manager.
    pub organisation: Option<String>,
    /// The seller.
    pub supplier: Option<String>,
    /// The purchase order.
    pub order_number: Option<String>,
    /// The purchase date, where it can be read in one way only.
    pub purchased_on: Option<NaiveDate>,
    /// The purchase price in hundredths of the list's currency, which it does not name.
    pub cost_cents: Option<i64>,
    /// The asset manager's own id.
    pub external_id: Option<String>,
    /// The asset manager keeps the row as deleted.
    pub deleted_at_source: bool,
    /// What was left out of this row or read in an unusual way.
    pub remarks: Vec<String>,
}

/// A row that was not read, or the reason why reading stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The line of the file that the row begins on, from 1.
    pub line: u64,
    /// A sentence for the person; it quotes nothing but the tag, the serial and the names of known columns.
    pub what: String,
}

impl std::fmt::Display for RowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line {}: {}", self.line, self.what)
    }
}
impl std::error::Error for RowError {}

/// The format whose header this is.
pub fn recognise(header: &StringRecord) -> Option<&'static Format> {
    FORMATS.iter().find(|format| (format.recognise)(header))
}

/// Reads a list whose format is told from its header. The error, always about the header, says what was found instead.
pub fn open<R: Read>(reader: R) -> Result<Rows<R>, RowError> {
    begin(reader, None)
}

/// Reads a list as the given format; a header that is another's is the first and only item.
pub fn read<R: Read>(format: &'static Format, reader: R) -> impl Iterator<Item = Result<InventoryRow, RowError>> {
    let (error, rows) = match begin(reader, Some(format)) {
        Ok(rows) => (None, Some(rows)),
        Err(error) => (Some(Err(error)), None),
    };
    error.into_iter().chain(rows.into_iter().flatten())
}

type Source<R> = Guard<Chain<Cursor<Vec<u8>>, R>>;

/// The rows of a list, read as they are asked for.
pub struct Rows<R: Read> {
    format: &'static Format,
    csv: csv::Reader<Source<R>>,
    fed: Rc<Cell<u64>>,
    record: ByteRecord,
    width: usize,
    places: HashMap<Field, Vec<usize>>,
    rows: u64,
    finished: bool,
}

fn begin<R: Read>(mut reader: R, wanted: Option<&'static Format>) -> Result<Rows<R>, RowError> {
    let header_error = |what: String| RowError { line: 1, what };
    let mut head = Vec::new();
    (&mut reader).take(HEAD_BYTES).read_to_end(&mut head).map_err(|_| header_error("The file could not be read.".to_owned()))?;
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Err(header_error("The file is UTF-16; save it as “CSV UTF-8” and upload it again.".to_owned()));
    }
    if head.contains(&0) {
        return Err(header_error("This is not a CSV file.".to_owned()));
    }
    if let Some(rest) = head.strip_prefix(b"\xef\xbb\xbf") {
        head = rest.to_vec();
    }
    let delimiter = cells::delimiter(&head);
    let fed = Rc::new(Cell::new(0));
    let source = Guard { inner: Cursor::new(head).chain(reader), fed: Rc::clone(&fed), returned: false };
    let mut csv = csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(source);
    let mut header = ByteRecord::new();
    if !csv.read_byte_record(&mut header).map_err(|_| header_error("The header row could not be read.".to_owned()))? {
        return Err(header_error("The file is empty.".to_owned()));
    }
    let header: StringRecord = header.iter().map(|cell| cells::text(cell).0.trim().to_owned()).collect();
    let format = match wanted {
        Some(format) => Some(format).filter(|format| (format.recognise)(&header)),
        None => recognise(&header),
    };
    let format = format.ok_or_else(|| {
        let known = wanted.map_or_else(|| FORMATS.iter().map(|format| format.label).collect::<Vec<_>>().join(", "), |format| format.label.to_owned());
        header_error(format!(
            "The header row, with {} columns, is not that of: {known}. Export the list again with its English column names.",
            header.len()
        ))
    })?;
    let mut places: HashMap<Field, Vec<usize>> = HashMap::new();
    for (place, name) in header.iter().enumerate() {
        for (field, _) in format.columns.iter().filter(|(_, column)| column.eq_ignore_ascii_case(name)) {
            places.entry(*field).or_default().push(place);
        }
    }
    fed.set(0);
    Ok(Rows { format, csv, fed, record: ByteRecord::new(), width: header.len(), places, rows: 0, finished: false })
}

impl<R: Read> Rows<R> {
    /// The format that the header was recognised as.
    pub fn format(&self) -> &'static Format {
        self.format
    }

    fn row(&self, line: u64) -> Result<InventoryRow, RowError> {
        let fail = |what: String| RowError { line, what };
        let record = &self.record;
        let surplus = record.iter().skip(self.width).any(|cell| !cell.is_empty());
        if record.len() < self.width || surplus {
            let lines = self.csv.position().line().saturating_sub(line);
            let span = if lines > 1 { format!(" It runs over {lines} lines: is a quotation mark not closed?") } else { String::new() };
            return Err(fail(format!("The row has {} columns where the header has {}.{span}", record.len(), self.width)));
        }
        let mut remarks = Vec::new();
        let mut foreign = false;
        let mut values: HashMap<Field, String> = HashMap::new();
        for (field, places) in &self.places {
            for place in places {
                let (text, was_foreign) = cells::text(record.get(*place).unwrap_or_default());
                foreign |= was_foreign;
                let text = text.trim();
                if text.is_empty() {
                    continue;
                }
                match values.get(field) {
                    Some(other) if other != text => {
                        let name = self.format.columns.iter().find(|(known, _)| known == field).map_or("", |(_, name)| *name);
                        return Err(fail(format!("The header has the column “{name}” more than once, and they differ in this row.")));
                    }
                    Some(_) => {}
                    None => {
                        values.insert(*field, text.to_owned());
                    }
                }
            }
        }
        if foreign {
            remarks.push("The row is not UTF-8 and was read as Windows-1252.".to_owned());
        }
        let mut take = |field: Field| values.remove(&field);
        let tag = take(Field::Tag).ok_or_else(|| fail("The row has no asset tag.".to_owned()))?;
        let serial = take(Field::Serial);
        for (name, value) in [("asset tag", Some(&tag)), ("serial number", serial.as_ref())] {
            if let Some(value) = value.filter(|value| cells::is_spreadsheet_damage(value)) {
                return Err(fail(format!("The {name} “{value}” was damaged by a spreadsheet; export the list again and do not open it in between.")));
            }
        }
        let purchased_on = take(Field::PurchasedOn).and_then(|text| {
            cells::date(&text).map_err(|why| remarks.push(format!("The purchase date “{}” {why} and was left out.", cells::short(&text)))).ok()
        });
        let cost_cents = take(Field::Cost).and_then(|text| {
            cells::cents(&text).map_err(|why| remarks.push(format!("The purchase cost “{}” {why} and was left out.", cells::short(&text)))).ok()
        });
        let category_words = take(Field::Category).unwrap_or_default();
        let (status_words, status_kind) = take(Field::Status).map_or((None, StatusKind::Unknown), |text| {
            let (words, kind) = (self.format.status)(&text);
            (Some(words), kind)
        });
        let default_site = take(Field::DefaultSite);
        Ok(InventoryRow {
            line,
            tag,
            serial,
            manufacturer: take(Field::Manufacturer),
            model: take(Field::Model),
            model_number: take(Field::ModelNumber),
            category: (self.format.category)(&category_words),
            category_words,
            site: take(Field::Site).or(default_site),
            status_words,
            status_kind,
            organisation: take(Field::Organisation),
            supplier: take(Field::Supplier),
            order_number: take(Field::OrderNumber),
            purchased_on,
            cost_cents,
            external_id: take(Field::ExternalId),
            deleted_at_source: take(Field::Deleted).is_some_and(|text| !matches!(text.to_ascii_lowercase().as_str(), "0" | "no" | "false")),
            remarks,
        })
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = Result<InventoryRow, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.finished {
            self.fed.set(0);
            match self.csv.read_byte_record(&mut self.record) {
                Ok(true) => {}
                Ok(false) => {
                    self.finished = true;
                    return None;
                }
                Err(error) => {
                    self.finished = true;
                    let line = self.csv.position().line();
                    let what = if Guard::<R>::tripped(&error) {
                        "A row is longer than 1 MiB; reading stopped here. Is a quotation mark not closed?"
                    } else {
                        "The file could not be read any further."
                    };
                    return Some(Err(RowError { line, what: what.to_owned() }));
                }
            }
            // The parser's position stands before any empty lines that it skipped.
            let within = self.record.iter().flatten().filter(|byte| **byte == b'\n').count();
            let counted = self.csv.position().line().saturating_sub(1).saturating_sub(u64::try_from(within).unwrap_or(u64::MAX));
            let line = self.record.position().map_or(0, csv::Position::line).max(counted);
            // A line of nothing but separators is how spreadsheets end a list.
            if self.record.iter().all(|cell| cell.iter().all(u8::is_ascii_whitespace)) {
                continue;
            }
            self.rows += 1;
            if self.rows > MAX_ROWS {
                self.finished = true;
                return Some(Err(RowError { line, what: format!("The list has more than {MAX_ROWS} rows; the rest was not read. Split it.") }));
            }
            return Some(self.row(line));
        }
        None
    }
}

/// Stops a row that has no end before it fills the memory, and makes every line end a line feed, so that lines are counted rightly.
struct Guard<R> {
    inner: R,
    /// Bytes handed out since the last row was asked for; the parser's own buffer comes on top.
    fed: Rc<Cell<u64>>,
    /// The last byte read was a carriage return: a line feed that follows belongs to it.
    returned: bool,
}

impl<R> Guard<R> {
    fn tripped(error: &csv::Error) -> bool {
        matches!(error.kind(), csv::ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::FileTooLarge)
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.fed.get() > MAX_ROW_BYTES {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        loop {
            let count = self.inner.read(buffer)?;
            let mut kept = 0;
            for from in 0..count {
                let Some(byte) = buffer.get(from).copied() else { break };
                let second_half = byte == b'\n' && self.returned;
                self.returned = byte == b'\r';
                if !second_half && let Some(to) = buffer.get_mut(kept) {
                    *to = if self.returned { b'\n' } else { byte };
                    kept += 1;
                }
            }
            self.fed.set(self.fed.get().saturating_add(u64::try_from(kept).unwrap_or(u64::MAX)));
            // Nothing kept of something read is not the end of the file.
            if kept > 0 || count == 0 {
                return Ok(kept);
            }
        }
    }
}
