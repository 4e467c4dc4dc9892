//! Vendors' own lists in: a receiving report or a settlement as CSV or XLSX, as a table of text with the number of each row, and read by a mapping.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{DataRef, Reader as _, Xlsx, XlsxError};

use super::cells;
use crate::domain::consignment::{ContainerReceived, Damage, Goods, Scan, SealState};
use crate::domain::disposition::Outcome;
use crate::domain::mappings::{Column, ListKind, Mapping, WeightUnit};
use crate::domain::names::{Grade, Name, Reference, Serial, Tag};

/// Most rows of one list.
pub const MAX_ROWS: usize = 10_000;
/// Most columns of one list.
const MAX_COLUMNS: usize = 200;
/// How far down the row of the columns' names may stand: lists begin with the vendor's letterhead.
const HEADER_WITHIN: usize = 30;
/// Most bytes that a spreadsheet may unpack to.
const MAX_UNPACKED: u64 = 256 << 20;
/// Most cells that are read of a spreadsheet, empty ones too: formatted cells without text are usual.
const MAX_CELLS: usize = MAX_ROWS * MAX_COLUMNS;
/// Most bytes of text in the cells together: many cells may share one long text.
const MAX_TEXT: usize = 32 << 20;

/// Something about one row.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RowRemark {
    /// Its number in the file, from 1, as a spreadsheet shows it.
    pub row: usize,
    /// A sentence for the person.
    pub what: String,
}

/// A list as it stands: the words over the columns, and the rows under them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// `CSV` or `XLSX`.
    pub format: &'static str,
    /// The words over the columns, trimmed.
    pub headers: Vec<String>,
    /// The number of each row and its cells.
    pub rows: Vec<(usize, Vec<String>)>,
}

/// Reads a list. The error is a sentence that says what to do.
pub fn table(bytes: &[u8]) -> Result<Table, String> {
    let (format, rows) = if bytes.starts_with(b"PK\x03\x04") { ("XLSX", spreadsheet(bytes)?) } else { ("CSV", csv_rows(bytes)?) };
    let rows: Vec<(usize, Vec<String>)> = rows.into_iter().filter(|(_, cells)| cells.iter().any(|cell| !cell.is_empty())).collect();
    let header = header_row(&rows).ok_or_else(|| {
        "No row of this list has the names of its columns: one of the first 30 rows has to say which column is the asset tag or the serial number."
            .to_owned()
    })?;
    let mut rows = rows.into_iter().skip(header);
    let headers: Vec<String> = rows.next().map(|(_, cells)| cells).unwrap_or_default();
    let rows: Vec<_> = rows.collect();
    if rows.len() > MAX_ROWS {
        return Err(format!("The list has more than {MAX_ROWS} rows; split it (parts of one receipt are sent with more_to_come)."));
    }
    Ok(Table { format, headers, rows })
}

/// The first row of which some cell names a tag or a serial number; else the first with at least two cells.
fn header_row(rows: &[(usize, Vec<String>)]) -> Option<usize> {
    let near = || rows.iter().take(HEADER_WITHIN).enumerate();
    let filled = |cells: &[String]| cells.iter().filter(|cell| !cell.is_empty()).count();
    let names = |cells: &[String]| cells.iter().any(|cell| matches!(column_of(cell), Some(Column::Tag | Column::Serial)));
    let telling = near().find(|(_, (_, cells))| filled(cells) >= 2 && names(cells));
    telling.or_else(|| near().find(|(_, (_, cells))| filled(cells) >= 2)).or_else(|| near().find(|(_, (_, cells))| names(cells))).map(|(at, _)| at)
}

fn csv_rows(bytes: &[u8]) -> Result<Vec<(usize, Vec<String>)>, String> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err("The file is UTF-16; save it as “CSV UTF-8” and send it again.".to_owned());
    }
    if bytes.contains(&0) {
        return Err("This is neither a CSV file nor an XLSX spreadsheet; save the list as one of them and send it again.".to_owned());
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let delimiter = bytes.split(|byte| *byte == b'\n').take(HEADER_WITHIN).max_by_key(|line| separators(line)).map_or(b',', cells::delimiter);
    let mut csv = csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(bytes);
    let mut rows = Vec::new();
    let mut record = csv::ByteRecord::new();
    loop {
        match csv.read_byte_record(&mut record) {
            Ok(false) => return Ok(rows),
            Ok(true) => {
                let line = record.position().map_or(0, csv::Position::line);
                let cells = record.iter().take(MAX_COLUMNS).map(|cell| cells::text(cell).0.trim().to_owned()).collect();
                rows.push((usize::try_from(line).unwrap_or(usize::MAX), cells));
            }
            Err(error) => return Err(format!("The CSV cannot be read: {error}. Save it again and send it.")),
        }
        if rows.len() > MAX_ROWS + HEADER_WITHIN {
            return Err(format!("The list has more than {MAX_ROWS} rows; split it (parts of one receipt are sent with more_to_come)."));
        }
    }
}

fn separators(line: &[u8]) -> usize {
    line.iter().filter(|byte| matches!(byte, b',' | b';' | b'\t')).count()
}

/// The first sheet that has something in it.
fn spreadsheet(bytes: &[u8]) -> Result<Vec<(usize, Vec<String>)>, String> {
    let unreadable = |why: String| format!("The spreadsheet cannot be read ({why}); save it again as XLSX or CSV and send it.");
    if unpacked(bytes).is_none_or(|size| size > MAX_UNPACKED) {
        return Err(unreadable("it unpacks to more than 256 MB, or is not whole".to_owned()));
    }
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|error| unreadable(error.to_string()))?;
    for name in book.sheet_names() {
        let mut sheet = match book.worksheet_cells_reader(&name) {
            Ok(sheet) => sheet,
            // A sheet that is a diagram.
            Err(XlsxError::NotAWorksheet(_)) => continue,
            Err(error) => return Err(unreadable(error.to_string())),
        };
        // By the numbers that the cells give themselves: they may be far apart and in any order, so nothing is made for what is between them.
        let mut rows: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        let (mut cells, mut bytes) = (0_usize, 0_usize);
        while let Some(cell) = sheet.next_cell().map_err(|error| unreadable(error.to_string()))? {
            let (row, column) = cell.get_position();
            let text = cell_text(cell.get_value());
            cells += 1;
            bytes += text.len();
            if cells > MAX_CELLS || bytes > MAX_TEXT {
                return Err(
                    "The spreadsheet has more cells or text than a list of 10,000 rows; leave only the list in it and send it again.".to_owned()
                );
            }
            let Some(column) = usize::try_from(column).ok().filter(|column| *column < MAX_COLUMNS && !text.is_empty()) else { continue };
            let row = rows.entry(row).or_default();
            if row.len() <= column {
                row.resize(column + 1, String::new());
            }
            if let Some(place) = row.get_mut(column) {
                *place = text;
            }
            if rows.len() > MAX_ROWS + HEADER_WITHIN {
                return Err(format!("The list has more than {MAX_ROWS} rows; split it (parts of one receipt are sent with more_to_come)."));
            }
        }
        if !rows.is_empty() {
            return Ok(rows.into_iter().map(|(row, cells)| (usize::try_from(row).unwrap_or(usize::MAX).saturating_add(1), cells)).collect());
        }
    }
    Err("The spreadsheet is empty; send the one with the list.".to_owned())
}

/// What the central directory of a zip file says its members unpack to, together (PKWARE APPNOTE 4.3.12: signature, then the size at offset 24).
fn unpacked(bytes: &[u8]) -> Option<u64> {
    let end = bytes.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let word = |at: usize| bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_le_bytes);
    let half = |at: usize| bytes.get(at..at + 2).and_then(|two| two.try_into().ok()).map(u16::from_le_bytes).map(usize::from);
    let mut at = usize::try_from(word(end + 16)?).ok()?;
    let mut total = 0_u64;
    for _ in 0..half(end + 10)? {
        if bytes.get(at..at + 4)? != b"PK\x01\x02" {
            return None;
        }
        total += u64::from(word(at + 24)?);
        at += 46 + half(at + 28)? + half(at + 30)? + half(at + 32)?;
    }
    Some(total)
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
        DataRef::DateTime(at) => {
            // Days since 30 December 1899; what a list needs of it is the day.
            let day = chrono::NaiveDate::from_ymd_opt(1899, 12, 30).zip(whole_days(at.as_f64()));
            let day = day.and_then(|(start, days)| start.checked_add_days(chrono::Days::new(days)));
            day.map(|day| day.to_string()).unwrap_or_default()
        }
    }
}

fn whole_days(days: f64) -> Option<u64> {
    days.trunc().to_string().parse().ok()
}

/// A heading in the form in which headings are compared: lower case, letters and digits.
pub(super) fn normal(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Words over columns of vendors' lists, in the form in which they are compared.
const HEADINGS: &[(Column, &[&str])] = &[
    (
        Column::Tag,
        &["assettag", "tag", "assetid", "assetno", "assetnumber", "customerassettag", "clientassettag", "propertynumber", "propertytag", "tagnumber"],
    ),
    (Column::Serial, &["serial", "serialnumber", "serialno", "sn", "servicetag", "devicesn", "unitserial", "serialnum", "mfgserial"]),
    (Column::Condition, &["condition", "damage", "receivedcondition", "physicalcondition", "notescondition", "conditioncode"]),
    (Column::Recovered, &["recovered", "recoveredweight", "weightrecovered", "materialrecovered", "recycledweight"]),
    (Column::Energy, &["energyrecovery", "wastetoenergy", "wte", "energyweight"]),
    (Column::Landfill, &["landfill", "landfilled", "landfillweight", "disposedweight"]),
    (Column::Weight, &["weight", "unitweight", "netweight", "actualweight", "itemweight"]),
    (Column::Date, &["date", "receiveddate", "datereceived", "receiptdate", "processeddate", "saledate", "datesold"]),
    (Column::Outcome, &["outcome", "disposition", "finaldisposition", "result", "disposal", "disposalmethod", "status"]),
    (Column::Grade, &["grade", "cosmeticgrade", "r2grade", "gradecode"]),
    (Column::Container, &["container", "containerid", "pallet", "palletid", "palletnumber", "gaylord", "box", "boxnumber", "skid", "cage"]),
    (Column::Seal, &["seal", "sealnumber", "sealno", "sealid", "sealstate", "sealcondition"]),
    (Column::Goods, &["description", "itemdescription", "item", "itemtype", "commodity", "material", "what"]),
    (Column::Count, &["count", "qty", "quantity", "pieces", "units", "numberofunits", "quantityreceived", "qtyreceived"]),
    (
        Column::Proceeds,
        &["proceeds", "saleprice", "resalevalue", "saleamount", "customershare", "settlement", "settlementamount", "netproceeds", "credit", "amount"],
    ),
];

/// What a column with this heading says. A unit behind it (`Weight (lb)`) does not matter.
pub(super) fn column_of(heading: &str) -> Option<Column> {
    let whole = normal(heading);
    let without = normal(heading.split(['(', '[']).next().unwrap_or(heading));
    let bare =
        ["lbs", "lb", "kgs", "kg", "grams", "usd", "g"].iter().find_map(|unit| without.strip_suffix(unit)).filter(|rest| rest.ends_with("weight"));
    let is = |name: &&str| **name == whole || **name == without || bare == Some(*name);
    HEADINGS.iter().find(|(_, names)| names.iter().any(is)).map(|(column, _)| *column)
}

fn unit_of(heading: &str) -> Option<WeightUnit> {
    let words: Vec<String> = heading.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).collect();
    let has = |names: &[&str]| words.iter().any(|word| names.contains(&word.as_str()));
    if has(&["lb", "lbs", "pounds"]) {
        Some(WeightUnit::Pounds)
    } else if has(&["kg", "kgs", "kilograms"]) {
        Some(WeightUnit::Kilograms)
    } else if has(&["g", "grams"]) {
        Some(WeightUnit::Grams)
    } else {
        None
    }
}

/// What a person is offered for a list that nobody has mapped yet: columns by their headings, the first of equals.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Proposal {
    /// What the list is.
    pub kind: ListKind,
    /// The words over each column.
    pub columns: BTreeMap<Column, String>,
    /// The unit of weights, where a heading says it.
    pub weight_unit: Option<WeightUnit>,
}

/// Reads headings.
pub fn propose(kind: ListKind, headers: &[String]) -> Proposal {
    let receives = [Column::Container, Column::Seal, Column::Goods, Column::Count];
    let settles = [Column::Outcome, Column::Grade, Column::Proceeds, Column::Recovered, Column::Energy, Column::Landfill];
    let mut columns = BTreeMap::new();
    let mut weight_unit = None;
    for heading in headers {
        let Some(column) = column_of(heading) else { continue };
        let others = if kind == ListKind::Settlement { &receives[..] } else { &settles[..] };
        let belongs = !others.contains(&column);
        if belongs && !columns.contains_key(&column) {
            if matches!(column, Column::Weight | Column::Recovered | Column::Energy | Column::Landfill) {
                weight_unit = weight_unit.or(unit_of(heading));
            }
            columns.insert(column, heading.clone());
        }
    }
    Proposal { kind, columns, weight_unit }
}

/// Where each mapped column stands; a heading that the list lacks, where one is.
fn places(table: &Table, mapping: &Mapping) -> Result<BTreeMap<Column, usize>, String> {
    let find = |name: &Name| table.headers.iter().position(|heading| normal(heading) == normal(name.as_str()));
    mapping.columns.iter().map(|(column, name)| find(name).map(|at| (*column, at)).ok_or_else(|| name.to_string())).collect()
}

/// Whether every mapped column is in this list.
pub fn fits(table: &Table, mapping: &Mapping) -> bool {
    places(table, mapping).is_ok()
}

/// One row by the mapping.
struct Row<'a> {
    number: usize,
    cells: &'a [String],
    places: &'a BTreeMap<Column, usize>,
}

impl Row<'_> {
    fn text(&self, column: Column) -> Option<&str> {
        let text = self.cells.get(*self.places.get(&column)?)?.trim();
        (!text.is_empty() && !matches!(text.to_lowercase().as_str(), "n/a" | "na" | "-" | "–" | "none")).then_some(text)
    }
    /// Tag and serial number as captured.
    fn scan(&self) -> Result<(Option<Tag>, Option<Serial>), String> {
        let damaged = |text: &&str| cells::is_spreadsheet_damage(text);
        if let Some(text) = [self.text(Column::Tag), self.text(Column::Serial)].into_iter().flatten().find(damaged) {
            return Err(format!(
                "“{}” is a number that a spreadsheet rounded; format the column as text and send the list again.",
                cells::short(text)
            ));
        }
        let tag = self.text(Column::Tag).map(Tag::parse).transpose().map_err(|refusal| refusal.why)?;
        let serial = self.text(Column::Serial).map(Serial::parse).transpose().map_err(|refusal| refusal.why)?;
        if tag.is_none() && serial.is_none() {
            return Err("The row has neither an asset tag nor a serial number; fill one in.".to_owned());
        }
        Ok((tag, serial))
    }
    fn grams(&self, column: Column, unit: Option<WeightUnit>) -> Result<Option<u32>, String> {
        let Some(text) = self.text(column) else { return Ok(None) };
        let unit = unit.ok_or_else(|| "The mapping has no unit of weights; map the list again with weight_unit.".to_owned())?;
        grams(text, unit).map(Some).ok_or_else(|| format!("“{}” is not a weight that this reader knows; write it like 2.35.", cells::short(text)))
    }
}

/// A receiving list by a mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceivingList {
    /// Each thing, with the row that it stands in.
    pub scans: Vec<(usize, Scan)>,
    /// Counted things without tag or serial number, by kind: how many, and the row that names them first.
    pub counted: BTreeMap<Goods, (usize, u32)>,
    /// The containers that the rows name, with what they say of the seals.
    pub containers: BTreeMap<Reference, ContainerReceived>,
    /// Weights of single things together, in grams, where the list has them.
    pub grams: Option<u64>,
    /// Rows that cannot be read.
    pub errors: Vec<RowRemark>,
    /// What was left out.
    pub remarks: Vec<RowRemark>,
}

/// What a row says of how many things of which kind came, where it has neither tag nor serial number.
fn counted(row: &Row<'_>) -> Result<Option<(Goods, u32)>, String> {
    let Some(text) = row.text(Column::Count) else { return Ok(None) };
    let whole = text.replace(',', "");
    let count = whole.strip_suffix(".0").unwrap_or(&whole).parse::<u32>().ok().filter(|count| *count <= 1_000_000);
    let Some(count) = count else {
        return Err(format!("“{}” is not a number of things; write it like 40.", cells::short(text)));
    };
    if row.text(Column::Tag).is_some() || row.text(Column::Serial).is_some() {
        return if count == 1 { Ok(None) } else { Err("A row with an asset tag or serial number is one thing; write its number as 1.".to_owned()) };
    }
    let what = row.text(Column::Goods).ok_or("The row has neither an asset tag nor a serial number nor says what is counted; fill one in.")?;
    let goods = goods(what).ok_or_else(|| {
        let known: Vec<&str> = Goods::ALL.iter().map(|goods| goods.as_str()).collect();
        format!("“{}” is no kind of counted things; write one of: {}.", cells::short(what), known.join(", "))
    })?;
    Ok(Some((goods, count)))
}

/// A vendor's word for counted things: `Chargers`, `AC adapter`.
fn goods(text: &str) -> Option<Goods> {
    let word = normal(text);
    let one = word.strip_suffix('s').unwrap_or(&word);
    let is =
        |goods: &&Goods| [goods.as_str(), goods.label()].map(normal).iter().any(|own| own == &word || own.strip_suffix('s').unwrap_or(own) == one);
    let by_end = |goods: &&Goods| one.ends_with(goods.as_str());
    Goods::ALL.iter().find(is).or_else(|| Goods::ALL.iter().find(by_end)).copied()
}

/// The container that a row names, and its seal; where nothing is said of that, exactly so.
fn container(row: &Row<'_>) -> Result<Option<ContainerReceived>, String> {
    let Some(text) = row.text(Column::Container) else { return Ok(None) };
    let label = Reference::parse(text).map_err(|refusal| refusal.why)?;
    let (seal_state, seal) = match row.text(Column::Seal) {
        None => (SealState::NotStated, None),
        Some(text) => match SealState::parse(&text.to_lowercase()) {
            Ok(state) => (state, None),
            Err(_) => (SealState::Intact, Some(Reference::parse(text).map_err(|refusal| refusal.why)?)),
        },
    };
    Ok(Some(ContainerReceived { label, seal_state, seal, gross_weight_grams: None }))
}

impl ReceivingList {
    /// Takes what a row says beside its thing: a container, or counted things instead of one. Whether it was counted things.
    fn beside(&mut self, row: &Row<'_>) -> Result<bool, String> {
        let (counted, container) = (counted(row)?, container(row)?);
        if let Some(found) = container {
            let known = self.containers.entry(found.label.clone()).or_insert_with(|| found.clone());
            if known.seal_state == SealState::NotStated {
                *known = found;
            } else if found.seal_state != SealState::NotStated && *known != found {
                return Err(format!("Another row says something else of the seal of {}; correct one of them.", known.label));
            }
        }
        if let Some((goods, count)) = counted {
            let (_, all) = self.counted.entry(goods).or_insert((row.number, 0));
            *all = all.saturating_add(count);
        }
        Ok(counted.is_some())
    }
}

/// Whether a row ends the list: its sum.
pub(super) fn is_total(cells: &[String]) -> bool {
    cells.iter().find(|cell| !cell.is_empty()).is_some_and(|cell| matches!(normal(cell).as_str(), "total" | "totals" | "grandtotal" | "sum"))
}

/// Reads a receiving list.
pub fn receiving(table: &Table, mapping: &Mapping) -> Result<ReceivingList, String> {
    let places = places(table, mapping).map_err(missing_column)?;
    let mut list = ReceivingList::default();
    for (number, cells) in table.rows.iter().filter(|(_, cells)| !is_total(cells)) {
        let row = Row { number: *number, cells, places: &places };
        let remark = |what| RowRemark { row: row.number, what };
        match list.beside(&row) {
            Err(what) => {
                list.errors.push(remark(what));
                continue;
            }
            Ok(true) => continue,
            Ok(false) => {}
        }
        let scan = row.scan().and_then(|(tag, serial)| Ok((tag, serial, row.grams(Column::Weight, mapping.weight_unit)?)));
        match scan {
            Err(what) => list.errors.push(remark(what)),
            Ok((tag, serial, grams)) => {
                let damage = match row.text(Column::Condition).map(condition) {
                    None | Some(Condition::Sound) => None,
                    Some(Condition::Damaged(damage)) => Some(damage),
                    Some(Condition::Unknown(words)) => {
                        list.remarks.push(remark(format!("The condition “{words}” is not known and was left out.")));
                        None
                    }
                };
                if let Some(Err(why)) = row.text(Column::Date).map(cells::date) {
                    list.remarks.push(remark(format!("The date {why} and was left out.")));
                }
                if let Some(grams) = grams {
                    list.grams = Some(list.grams.unwrap_or(0) + u64::from(grams));
                }
                list.scans.push((row.number, Scan { tag, serial, damage }));
            }
        }
    }
    Ok(list)
}

fn missing_column(name: String) -> String {
    format!("The list has no column “{}”; map its columns again, or choose another profile.", cells::short(&name))
}

enum Condition {
    Sound,
    Damaged(Damage),
    Unknown(String),
}

/// A vendor's word for a thing's condition.
fn condition(text: &str) -> Condition {
    let word = normal(text);
    if let Ok(damage) = Damage::parse(&text.to_lowercase().replace([' ', '-'], "_")) {
        return Condition::Damaged(damage);
    }
    let has = |words: &[&str]| words.iter().any(|part| word.contains(part));
    let sound =
        ["good", "ok", "okay", "fair", "used", "working", "tested", "excellent", "new", "poor", "cosmetic", "asexpected", "nodamage", "received"];
    let grade = word.len() == 2 && word.starts_with(['c', 'f']) && word.ends_with(|c: char| c.is_ascii_digit());
    if sound.contains(&word.as_str()) || grade || (word.len() == 1 && word.starts_with(|c: char| ('a'..='f').contains(&c))) {
        Condition::Sound
    } else if has(&["nodrive", "nohdd", "nossd", "driveremoved", "drivemissing", "missingdrive", "hddmissing", "noharddrive", "driveabsent"]) {
        Condition::Damaged(Damage::DriveAbsent)
    } else if has(&["swollen", "battery"]) {
        Condition::Damaged(Damage::Battery)
    } else if has(&["screen", "lcd", "display", "cracked"]) {
        Condition::Damaged(Damage::Screen)
    } else if has(&["liquid", "water", "wet", "spill"]) {
        Condition::Damaged(Damage::Liquid)
    } else if has(&["missing", "incomplete", "parts"]) {
        Condition::Damaged(Damage::Parts)
    } else if has(&["case", "chassis", "crushed", "bent", "dent", "housing"]) {
        Condition::Damaged(Damage::Case)
    } else if has(&["damage", "broken"]) {
        Condition::Damaged(Damage::Other)
    } else {
        Condition::Unknown(cells::short(text))
    }
}

/// One settled thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Its row.
    pub row: usize,
    /// The tag as captured.
    pub tag: Option<Tag>,
    /// The serial number as captured.
    pub serial: Option<Serial>,
    /// What became of it.
    pub outcome: Outcome,
    /// Its weight.
    pub weight_grams: Option<u32>,
    /// Recovered as material.
    pub recovered_grams: Option<u32>,
    /// Burned for energy.
    pub energy_grams: Option<u32>,
    /// Landfilled.
    pub landfill_grams: Option<u32>,
    /// The processor's grade.
    pub grade: Option<Grade>,
    /// What it brought.
    pub proceeds_cents: Option<u32>,
}

/// Reads a settlement list: each thing, and the rows that cannot be read.
pub fn settlement(table: &Table, mapping: &Mapping) -> Result<(Vec<Settled>, Vec<RowRemark>), String> {
    let places = places(table, mapping).map_err(missing_column)?;
    let (mut settled, mut errors) = (Vec::new(), Vec::new());
    for (number, cells) in table.rows.iter().filter(|(_, cells)| !is_total(cells)) {
        match settle(&Row { number: *number, cells, places: &places }, mapping.weight_unit) {
            Ok(one) => settled.push(one),
            Err(what) => errors.push(RowRemark { row: *number, what }),
        }
    }
    Ok((settled, errors))
}

fn settle(row: &Row, unit: Option<WeightUnit>) -> Result<Settled, String> {
    let (tag, serial) = row.scan()?;
    let words = row.text(Column::Outcome).ok_or_else(|| "The row does not say what became of the device; fill in its outcome.".to_owned())?;
    let outcome = outcome(words).ok_or_else(|| {
        let all: Vec<&str> = Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
        format!("“{}” is not an outcome that this reader knows; write one of: {}.", cells::short(words), all.join(", "))
    })?;
    let cents = |text: &str| -> Result<u32, String> {
        let cents = cells::cents(text).map_err(|why| format!("The proceeds “{}”: this {why}.", cells::short(text)))?;
        u32::try_from(cents).map_err(|_| format!("The proceeds “{}” are too large.", cells::short(text)))
    };
    Ok(Settled {
        row: row.number,
        outcome,
        weight_grams: row.grams(Column::Weight, unit)?,
        recovered_grams: row.grams(Column::Recovered, unit)?,
        energy_grams: row.grams(Column::Energy, unit)?,
        landfill_grams: row.grams(Column::Landfill, unit)?,
        grade: row.text(Column::Grade).map(Grade::parse).transpose().map_err(|refusal| refusal.why)?,
        proceeds_cents: row.text(Column::Proceeds).map(cents).transpose()?,
        tag,
        serial,
    })
}

/// A vendor's word for an outcome.
pub(super) fn outcome(text: &str) -> Option<Outcome> {
    if let Ok(outcome) = Outcome::parse(&text.to_lowercase().replace([' ', '-'], "_")) {
        return Some(outcome);
    }
    let word = normal(text);
    let is = |words: &[&str]| words.contains(&word.as_str());
    if is(&["sold", "resale", "remarketed", "remarket", "reuse", "resell"]) {
        Some(Outcome::Resold)
    } else if is(&["donate", "donation"]) {
        Some(Outcome::Donated)
    } else if is(&["tradein", "trade"]) {
        Some(Outcome::TradedIn)
    } else if is(&["leasereturn", "returntolessor", "returnedtoleasingcompany"]) {
        Some(Outcome::ReturnedToLessor)
    } else if is(&["parts", "harvested", "partsharvest", "partedout"]) {
        Some(Outcome::PartsHarvested)
    } else if is(&["recycle", "scrap", "scrapped", "materialrecovery", "materialsrecovery", "shredded"]) {
        Some(Outcome::Recycled)
    } else if is(&["wastetoenergy", "wte"]) {
        Some(Outcome::EnergyRecovery)
    } else if is(&["landfill"]) {
        Some(Outcome::Landfilled)
    } else {
        None
    }
}

/// A decimal weight in whole grams, rounded half up; exact, without floating point. A pound has 453.59237 g by definition.
pub fn grams(text: &str, unit: WeightUnit) -> Option<u32> {
    let bare = text.to_lowercase();
    let bare = ["lbs", "lb", "kgs", "kg", "g"].iter().find_map(|unit| bare.strip_suffix(unit)).unwrap_or(&bare).trim().replace(',', "");
    let (whole, fraction) = bare.split_once('.').unwrap_or((&bare, ""));
    let digits = |text: &str| text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let billionths: u64 = format!("{fraction:0<9}").parse().ok()?;
    // Hundred-thousandths of a gram in one unit.
    let each: u128 = match unit {
        WeightUnit::Grams => 100_000,
        WeightUnit::Kilograms => 100_000_000,
        WeightUnit::Pounds => 45_359_237,
    };
    let amount = u128::from(whole) * 1_000_000_000 + u128::from(billionths);
    let scale = 100_000_u128 * 1_000_000_000;
    u32::try_from((amount * each + scale / 2) / scale).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::names::Reference;

    fn mapping(kind: ListKind, table: &Table) -> Mapping {
        let proposal = propose(kind, &table.headers);
        let columns = proposal.columns.iter().map(|(column, name)| (*column, Name::parse(name).unwrap())).collect();
        Mapping { profile: Reference::parse("usual").unwrap(), kind, columns, weight_unit: proposal.weight_unit }
    }

    #[test]
    fn weights_are_exact() {
        for (text, unit, expected) in [
            ("1", WeightUnit::Pounds, Some(454)),
            ("3.3 lbs", WeightUnit::Pounds, Some(1_497)),
            ("1,000", WeightUnit::Kilograms, Some(1_000_000)),
            ("1.4805", WeightUnit::Kilograms, Some(1_481)),
            (".5", WeightUnit::Grams, Some(1)),
            ("0", WeightUnit::Grams, Some(0)),
            ("-1", WeightUnit::Grams, None),
            (".", WeightUnit::Grams, None),
            ("heavy", WeightUnit::Grams, None),
            ("9999999", WeightUnit::Kilograms, None),
        ] {
            assert_eq!(grams(text, unit), expected, "{text}");
        }
    }

    #[test]
    fn a_receiving_list_is_read_under_its_letterhead() {
        let text = "GreenLoop Recycling,,,,\n,,,,\nAsset Tag,Serial No.,Condition,Weight (lb),Date Received\nCB-1,5CD1,Good,3.3,2026-03-02\n\
                    ,5CD2,Cracked LCD,3.4,3/4/26\nn/a,,Good,1,\nCB-4,6.4E+15,,,\nCB-5,5CD5,purple,heavy,\nTOTAL,,,6.7,\n";
        let table = table(text.as_bytes()).unwrap();
        let mapping = mapping(ListKind::Receipt, &table);
        assert_eq!(mapping.weight_unit, Some(WeightUnit::Pounds));
        assert_eq!(mapping.columns.len(), 5);
        let list = receiving(&table, &mapping).unwrap();
        assert_eq!(list.scans.iter().map(|(row, scan)| (*row, scan.damage)).collect::<Vec<_>>(), [(4, None), (5, Some(Damage::Screen))]);
        assert_eq!(list.grams, Some(1_497 + 1_542));
        assert_eq!(list.errors.iter().map(|error| error.row).collect::<Vec<_>>(), [6, 7, 8]);
        assert_eq!(list.remarks.iter().map(|remark| remark.row).collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn a_receiving_list_counts_things_and_names_containers() {
        let text = "Pallet,Seal No.,Asset Tag,Serial,Description,Qty\n\
                    P1,4871,CB-1,5CD1,Chromebook,1\nP1,,CB-2,5CD2,Chromebook,\nP2,,,LOOSE-1,Drive,1\nP2,broken,,,Chargers,40\nP2,broken,,,AC Adapter,2\n\
                    P3,,,,charger,\"1,000\"\n,,,,Charger,x\n,,,,Widgets,3\n,,,,,4\n,,CB-9,,Chromebook,2\nP1,4872,CB-3,,Chromebook,1\n";
        let table = table(text.as_bytes()).unwrap();
        let list = receiving(&table, &mapping(ListKind::Receipt, &table)).unwrap();
        assert_eq!(list.scans.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(list.counted, BTreeMap::from([(Goods::Charger, (5, 1_040)), (Goods::Adapter, (6, 2))]));
        let seals: Vec<_> =
            list.containers.values().map(|found| (found.label.as_str(), found.seal_state, found.seal.as_ref().map(Reference::as_str))).collect();
        let expected = [("P1", SealState::Intact, Some("4871")), ("P2", SealState::Broken, None), ("P3", SealState::NotStated, None)];
        assert_eq!(seals, expected);
        assert_eq!(list.errors.iter().map(|error| error.row).collect::<Vec<_>>(), [8, 9, 10, 11, 12]);
        assert!(list.errors[1].what.contains("charger, cable"), "{:?}", list.errors[1]);
        let settles = propose(ListKind::Settlement, &table.headers);
        assert_eq!(settles.columns.keys().copied().collect::<Vec<_>>(), [Column::Tag, Column::Serial]);
    }

    #[test]
    fn a_settlement_is_read_in_cents_and_grams() {
        let text = "Serial Number;Disposition;Grade;Unit Weight kg;Net Proceeds\nAB12;Remarketed;C4;1.48;$1,239.50\nAB13;vanished;;;\n";
        let table = table(text.as_bytes()).unwrap();
        let (settled, errors) = settlement(&table, &mapping(ListKind::Settlement, &table)).unwrap();
        assert_eq!(settled.len(), 1);
        let one = &settled[0];
        assert_eq!((one.outcome, one.weight_grams, one.proceeds_cents), (Outcome::Resold, Some(1_480), Some(123_950)));
        assert_eq!((errors.len(), errors[0].row), (1, 3));
    }

    /// A spreadsheet with this inside its one sheet's data, as a zip file whose members are stored as they are.
    fn book(rows: &str) -> Vec<u8> {
        let workbook = r#"<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="List" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
        let relations = r#"<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
        let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
        let strings = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(32 << 10));
        let members = [
            ("xl/sharedStrings.xml", strings.as_str()),
            ("xl/workbook.xml", workbook),
            ("xl/_rels/workbook.xml.rels", relations),
            ("xl/worksheets/sheet1.xml", sheet.as_str()),
        ];
        let (mut zip, mut directory) = (Vec::new(), Vec::new());
        for (name, text) in members {
            let mut crc = flate2::Crc::new();
            crc.update(text.as_bytes());
            let (size, at) = (u32::try_from(text.len()).unwrap().to_le_bytes(), u32::try_from(zip.len()).unwrap().to_le_bytes());
            let length = u16::try_from(name.len()).unwrap().to_le_bytes();
            // Version, flags, method, time and date; then checksum, both sizes, and the lengths of name and extra field.
            let about = [&[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0][..], &crc.sum().to_le_bytes(), &size, &size, &length, &[0, 0]].concat();
            zip.extend([&b"PK\x03\x04"[..], about.as_slice(), name.as_bytes(), text.as_bytes()].concat());
            directory.extend([&b"PK\x01\x02"[..], &[20, 0][..], &about, &[0; 10], &at, name.as_bytes()].concat());
        }
        let (size, at) = (u32::try_from(directory.len()).unwrap().to_le_bytes(), u32::try_from(zip.len()).unwrap().to_le_bytes());
        zip.extend(directory);
        zip.extend([&b"PK\x05\x06"[..], &[0, 0, 0, 0, 4, 0, 4, 0][..], &size, &at, &[0, 0]].concat());
        zip
    }

    fn cell(place: &str, text: &str) -> String {
        format!(r#"<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>"#)
    }

    #[test]
    fn a_spreadsheet_costs_what_is_in_it_and_not_what_its_cells_call_themselves() {
        let row = |place: u32, cells: &[String]| format!(r#"<row r="{place}">{}</row>"#, cells.concat());
        let far = row(1, &[cell("A1", "Asset Tag"), cell("B1", "Serial")]) + &row(1_048_576, &[cell("A1048576", "CB-1"), cell("XFD1048576", "far")]);
        let list = table(&book(&far)).unwrap();
        assert_eq!((list.format, list.headers.len()), ("XLSX", 2));
        assert_eq!(list.rows, [(1_048_576, vec!["CB-1".to_owned()])]);
        // In any order.
        let turned = row(3, &[cell("B3", "5CD1"), cell("A3", "CB-1")]) + &row(2, &[cell("A2", "Asset Tag"), cell("B2", "Serial")]);
        assert_eq!(table(&book(&turned)).unwrap().rows, [(3, vec!["CB-1".to_owned(), "5CD1".to_owned()])]);
        let long: String = (1..=u32::try_from(MAX_ROWS).unwrap() + 31).map(|place| row(place, &[cell(&format!("A{place}"), "CB-1")])).collect();
        assert!(table(&book(&long)).unwrap_err().contains("more than 10000 rows"));
        // A thousand cells that share one text of 32 KB.
        let wide = row(1, &[cell("A1", "Asset Tag"), cell("B1", "Serial")]) + &row(2, &vec![r#"<c r="A2" t="s"><v>0</v></c>"#.to_owned(); 1_025]);
        assert!(table(&book(&wide)).unwrap_err().contains("more cells or text"));
    }

    #[test]
    fn what_is_no_list_is_refused_and_nothing_panics() {
        for bytes in [&b""[..], b"\n\n", b"hello", b"PK\x03\x04", b"PK\x03\x04PK\x05\x06", b"\xff\xfeT\0", b"a\0b", b"PK\x05\x06"] {
            assert!(table(bytes).is_err(), "{bytes:?}");
        }
        let text = "Asset Tag,Serial\n\"CB-1,x\nCB-2,5CD2\n";
        for end in 0..text.len() {
            let _ = table(&text.as_bytes()[..end]);
        }
    }
}
