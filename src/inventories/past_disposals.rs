//! Lists of past disposals in: a vendor's old list of what it took, or the organisation's own, as CSV or XLSX. Each row is a device, or one more
//! medium of the device of an earlier row; a row that cannot be read is told beside the good ones.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::vendor_lists::{RowRemark, Table, column_of, is_total, normal, outcome};
use super::{cells, snipe_it};
use crate::domain::disposition::Outcome;
use crate::domain::mappings::Column as VendorColumn;
use crate::domain::names::{Category, MediaType, Name, Reference, Serial, Tag, Technique};

/// What is taken out of a row; anything else in the list stays there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Tag,
    Serial,
    Manufacturer,
    Model,
    Category,
    Site,
    DisposedOn,
    Outcome,
    Recipient,
    Reference,
    MediumSerial,
    MediumType,
    Technique,
}

/// Words over columns, in the form in which they are compared.
const HEADINGS: &[(Column, &[&str])] = &[
    (Column::Manufacturer, &["manufacturer", "maker", "make", "brand"]),
    (Column::Model, &["model", "modelname", "modelno", "modelnumber", "device", "description", "itemdescription", "item"]),
    (Column::Category, &["category", "type", "devicetype", "assettype", "itemtype", "kind", "equipmenttype"]),
    (Column::Site, &["site", "school", "location", "building", "campus"]),
    (
        Column::DisposedOn,
        &[
            "disposedon",
            "disposaldate",
            "datedisposed",
            "dateofdisposal",
            "dispositiondate",
            "destroyedon",
            "destructiondate",
            "datedestroyed",
            "pickupdate",
        ],
    ),
    // Buyers and those who were given something may be people: their columns are never taken.
    (Column::Recipient, &["vendor", "recycler", "processor", "company", "itad", "itadvendor", "disposalvendor"]),
    (
        Column::Reference,
        &[
            "reference",
            "certificate",
            "certificateno",
            "certificatenumber",
            "certno",
            "certnumber",
            "certificatelotreference",
            "certificateorlot",
            "lot",
            "lotno",
            "lotnumber",
            "job",
            "jobno",
            "jobnumber",
            "certificateid",
        ],
    ),
    (
        Column::Technique,
        &[
            "technique",
            "method",
            "sanitizationtechnique",
            "sanitizationmethod",
            "erasuremethod",
            "erasuretechnique",
            "destructionmethod",
            "wipemethod",
            "datadestruction",
            "datadestructionmethod",
            "datasanitization",
            "sanitization",
            "erasure",
        ],
    ),
    (Column::MediumType, &["storage", "media", "medium"]),
];

/// What a heading says of a medium: `Drive Serial`, `HDD S/N`, `Media Type`.
fn medium_column(heading: &str) -> Option<Column> {
    let things = ["harddrive", "harddisk", "drive", "disk", "hdd", "ssd", "medium", "media", "storage"];
    let rest = things.iter().find_map(|thing| heading.strip_prefix(thing))?;
    match rest {
        "serial" | "serialnumber" | "serialno" | "serialnum" | "sn" => Some(Column::MediumSerial),
        "type" | "kind" => Some(Column::MediumType),
        _ => None,
    }
}

fn column_for(heading: &str) -> Option<Column> {
    let word = normal(heading);
    let own = HEADINGS.iter().find(|(_, names)| names.contains(&word.as_str())).map(|(column, _)| *column);
    own.or_else(|| medium_column(&word)).or_else(|| match column_of(heading)? {
        VendorColumn::Tag => Some(Column::Tag),
        VendorColumn::Serial => Some(Column::Serial),
        VendorColumn::Date => Some(Column::DisposedOn),
        VendorColumn::Outcome => Some(Column::Outcome),
        _ => None,
    })
}

/// The medium of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastMedium {
    /// Its own serial number.
    pub serial: Option<Serial>,
    /// What kind it is, where the row says so.
    pub media_type: Option<MediaType>,
    /// What was done to it, by the row's words; unknown where they name no technique.
    pub technique: Option<Technique>,
}

/// One row: a device that is gone, with at most one medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRow {
    /// Its number in the file, from 1.
    pub row: usize,
    /// The organisation's tag.
    pub tag: Option<Tag>,
    /// The maker's serial number.
    pub serial: Option<Serial>,
    /// The maker.
    pub manufacturer: Option<Name>,
    /// The model.
    pub model: Option<Name>,
    /// What it is, by the words for it; `other` where nothing says.
    pub category: Category,
    /// Where it was last used.
    pub site: Option<Name>,
    /// The day on which it was disposed of.
    pub disposed_on: NaiveDate,
    /// What became of it.
    pub outcome: Outcome,
    /// Who took it.
    pub recipient: Option<Name>,
    /// The number of the certificate or lot.
    pub reference: Option<Reference>,
    /// Its medium.
    pub medium: Option<PastMedium>,
    /// The row says that there was no storage in it: that there never was, or that it had been taken out.
    pub no_storage: bool,
}

/// A list as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PastList {
    /// The rows, in order.
    pub rows: Vec<PastRow>,
    /// Rows that cannot be read, and why.
    pub errors: Vec<RowRemark>,
    /// What was read in an unusual way.
    pub remarks: Vec<RowRemark>,
}

/// Reads a list. The error says which column it lacks.
pub fn read(table: &Table) -> Result<PastList, String> {
    let mut places: BTreeMap<Column, usize> = BTreeMap::new();
    for (place, heading) in table.headers.iter().enumerate() {
        if let Some(column) = column_for(heading) {
            places.entry(column).or_insert(place);
        }
    }
    let has = |column| places.contains_key(&column);
    let lacks = match () {
        () if !has(Column::Tag) && !has(Column::Serial) => "the asset tag or the serial number of each device (Tag, Serial)",
        () if !has(Column::DisposedOn) => "the day on which each device was disposed of (Disposed on)",
        () if !has(Column::Outcome) => "what became of each device (Outcome)",
        () => "",
    };
    if !lacks.is_empty() {
        return Err(format!("No column of this list says {lacks}; name the column so, or add it, and send the list again."));
    }
    let mut list = PastList::default();
    for (number, cells) in table.rows.iter().filter(|(_, cells)| !is_total(cells)) {
        let mut remarks = Vec::new();
        match row(&Row { number: *number, cells, places: &places }, &mut remarks) {
            Ok(row) => list.rows.push(row),
            Err(what) => list.errors.push(RowRemark { row: *number, what }),
        }
        list.remarks.extend(remarks.into_iter().map(|what| RowRemark { row: *number, what }));
    }
    Ok(list)
}

struct Row<'a> {
    number: usize,
    cells: &'a [String],
    places: &'a BTreeMap<Column, usize>,
}

impl Row<'_> {
    fn text(&self, column: Column) -> Option<&str> {
        let text = self.cells.get(*self.places.get(&column)?)?.trim();
        (!text.is_empty() && !matches!(text.to_lowercase().as_str(), "n/a" | "na" | "-" | "–")).then_some(text)
    }
    /// A number that a label has on it.
    fn number(&self, column: Column) -> Result<Option<&str>, String> {
        match self.text(column) {
            Some(text) if cells::is_spreadsheet_damage(text) => {
                Err(format!("“{}” is a number that a spreadsheet rounded; format the column as text and send the list again.", cells::short(text)))
            }
            text => Ok(text),
        }
    }
    fn name(&self, column: Column) -> Result<Option<Name>, String> {
        self.text(column).map(Name::parse).transpose().map_err(|refusal| refusal.why)
    }
}

fn row(row: &Row, remarks: &mut Vec<String>) -> Result<PastRow, String> {
    let tag = row.number(Column::Tag)?.map(Tag::parse).transpose().map_err(|refusal| refusal.why)?;
    let serial = row.number(Column::Serial)?.map(Serial::parse).transpose().map_err(|refusal| refusal.why)?;
    if tag.is_none() && serial.is_none() {
        return Err("The row has neither an asset tag nor a serial number; fill one in.".to_owned());
    }
    let day = row.text(Column::DisposedOn).ok_or("The row has no day on which the device was disposed of; fill it in, as 2021-06-14.")?;
    let disposed_on = cells::date(day).map_err(|why| format!("The day “{}” {why}; write it as 2021-06-14.", cells::short(day)))?;
    let words = row.text(Column::Outcome).ok_or("The row does not say what became of the device; fill in its outcome, or unknown.")?;
    let outcome = match (outcome(words), normal(words).as_str()) {
        (Some(outcome), _) => outcome,
        (None, "destroyed" | "disposed" | "disposedof" | "surplus") => {
            remarks.push(format!("“{}” does not say what became of the material and is taken as unknown.", cells::short(words)));
            Outcome::Unknown
        }
        _ => {
            let all: Vec<&str> =
                Outcome::ALL.iter().filter(|one| one.destination().is_some() || **one == Outcome::Unknown).map(|one| one.as_str()).collect();
            return Err(format!("“{}” is not an outcome that this reader knows; write one of: {}.", cells::short(words), all.join(", ")));
        }
    };
    let kind = row.text(Column::MediumType);
    let no_storage = kind.is_some_and(says_none);
    let media_type = kind.filter(|_| !no_storage).map(|kind| media_type(kind, remarks));
    let medium_serial = row.number(Column::MediumSerial)?.map(Serial::parse).transpose().map_err(|refusal| refusal.why)?;
    let technique = row.text(Column::Technique).filter(|words| normal(words) != "none").map(|words| technique(words, media_type, remarks));
    if no_storage && medium_serial.is_some() {
        return Err("The row names a medium and says that there was none; correct one of both.".to_owned());
    }
    let medium = (!no_storage && (medium_serial.is_some() || media_type.is_some() || technique.is_some())).then_some(PastMedium {
        serial: medium_serial,
        media_type,
        technique,
    });
    let (manufacturer, model) = (row.name(Column::Manufacturer)?, row.name(Column::Model)?);
    // A list without kinds of devices names them in its models: `Dell Chromebook 3100`.
    let category_words = row.text(Column::Category).or(model.as_ref().map(Name::as_str)).unwrap_or_default();
    Ok(PastRow {
        row: row.number,
        tag,
        serial,
        manufacturer,
        category: Category::parse(&category_words.to_lowercase().replace(' ', "_")).unwrap_or_else(|_| snipe_it::category(category_words)),
        model,
        site: row.name(Column::Site)?,
        disposed_on,
        outcome,
        recipient: row.name(Column::Recipient)?,
        reference: row.text(Column::Reference).map(Reference::parse).transpose().map_err(|refusal| refusal.why)?,
        medium,
        no_storage,
    })
}

/// The words of a cell, in small letters.
fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .replace(['’', '\''], "")
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(ToOwned::to_owned)
        .collect()
}

/// A cell about storage says that there was none in it: `none`, `No hard drive`, `HDD removed`.
fn says_none(text: &str) -> bool {
    let says = |word: &String| {
        matches!(word.as_str(), "no" | "none" | "not" | "without" | "removed" | "pulled" | "missing" | "nostorage" | "nodrive" | "nohdd")
    };
    words(text).iter().any(says)
}

/// A cell about what was done says that it was not done, or did not succeed: `Not wiped`, `wipe failed`. Such words claim nothing.
fn denies(text: &str) -> bool {
    const DENIALS: &[&str] = &[
        "no",
        "non",
        "none",
        "not",
        "never",
        "without",
        "unable",
        "cannot",
        "cant",
        "didnt",
        "wasnt",
        "isnt",
        "couldnt",
        "incomplete",
        "unsuccessful",
        "aborted",
        "cancelled",
        "canceled",
        "skipped",
        "pending",
        "partial",
        "partially",
        "error",
        "errors",
    ];
    const UNDONE: &[&str] =
        &["unwipe", "unerase", "unshred", "undestroy", "undegauss", "unsaniti", "uncrush", "undrill", "unclear", "unpurge", "fail"];
    words(text).iter().any(|word| DENIALS.contains(&word.as_str()) || UNDONE.iter().any(|undone| word.starts_with(undone)))
}

fn spelt(text: &str) -> String {
    text.trim().to_lowercase().replace([' ', '-'], "_")
}

/// A word for a kind of storage; what says nothing certain is unknown, and that is remarked.
fn media_type(text: &str, remarks: &mut Vec<String>) -> MediaType {
    let word = normal(text);
    if let Some(known) = MediaType::parse(&spelt(text)).ok().or(MediaType::ALL.iter().copied().find(|kind| normal(kind.label()) == word)) {
        return known;
    }
    let has = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
    if has(&["nvme"]) {
        MediaType::SsdNvme
    } else if has(&["emmc"]) {
        MediaType::Emmc
    } else if has(&["sshd", "hybrid"]) {
        MediaType::SshdHybrid
    } else if has(&["ssd", "solidstate"]) {
        if !has(&["sata"]) {
            remarks.push(format!("“{}” does not say how it is connected and is taken for an SSD (SATA).", cells::short(text)));
        }
        MediaType::SsdSata
    } else if has(&["scsi", "sas"]) {
        MediaType::HddScsi
    } else if has(&["hdd", "harddisk", "harddrive", "hardisk", "spinning"]) {
        MediaType::HddAta
    } else if has(&["microsd", "sdcard", "memorycard", "compactflash"]) {
        MediaType::MemoryCard
    } else if has(&["usb", "thumb"]) {
        MediaType::UsbFlash
    } else if has(&["tape", "lto"]) {
        MediaType::Tape
    } else if has(&["flash"]) {
        MediaType::SolderedFlash
    } else {
        remarks.push(format!("“{}” is no kind of storage that this reader knows; it is taken as unknown.", cells::short(text)));
        MediaType::Unknown
    }
}

/// A word for what was done. A standard or a method alone is no technique: what was done is unknown then, and the remark says what to ask.
fn technique(text: &str, media_type: Option<MediaType>, remarks: &mut Vec<String>) -> Technique {
    let word = normal(text);
    if let Some(known) = Technique::parse(&spelt(text)).ok().or(Technique::ALL.iter().copied().find(|one| normal(one.label()) == word)) {
        return known;
    }
    if denies(text) {
        remarks.push(format!(
            "“{}” says that it was not done or did not succeed and claims nothing; ask the vendor what became of the data.",
            cells::short(text)
        ));
        return Technique::Unknown;
    }
    let has = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
    let ata = matches!(media_type, Some(MediaType::HddAta | MediaType::SsdSata | MediaType::SshdHybrid));
    let nvme = media_type == Some(MediaType::SsdNvme);
    let by_type = |of_ata: Technique, of_nvme: Technique| if ata { Some(of_ata) } else { nvme.then_some(of_nvme) };
    let found = if has(&["disintegrat"]) {
        Some(Technique::Disintegrate)
    } else if has(&["shred"]) {
        Some(Technique::Shred)
    } else if has(&["pulveri"]) {
        Some(Technique::Pulverize)
    } else if has(&["degauss"]) {
        Some(Technique::Degauss)
    } else if has(&["incinerat"]) {
        Some(Technique::Incinerate)
    } else if has(&["melt"]) {
        Some(Technique::Melt)
    } else if has(&["drill", "crush", "punch", "bent", "hammer"]) {
        Some(Technique::Damage)
    } else if has(&["powerwash"]) {
        Some(if has(&["tpm"]) { Technique::PowerwashTpmClear } else { Technique::FactoryReset })
    } else if has(&["eraseallcontent"]) {
        Some(Technique::EraseAllContent)
    } else if has(&["factoryreset", "resettofactory", "factorydefault"]) {
        Some(Technique::FactoryReset)
    } else if has(&["cryptoerase", "cryptographicerase", "cryptoscramble"]) {
        by_type(Technique::AtaSanitizeCrypto, Technique::NvmeSanitizeCrypto)
    } else if has(&["blockerase"]) {
        by_type(Technique::AtaSanitizeBlock, Technique::NvmeSanitizeBlock)
    } else if has(&["secureerase", "securityerase"]) {
        let of_ata = if has(&["enhanced"]) { Technique::AtaSecureEraseEnhanced } else { Technique::AtaSecureErase };
        if media_type == Some(MediaType::Emmc) { Some(Technique::EmmcSecureErase) } else { ata.then_some(of_ata) }
    } else if has(&["overwrit", "dod522022", "zerofill", "dban"]) {
        Some(Technique::HostOverwrite)
    } else {
        None
    };
    found.unwrap_or_else(|| {
        remarks.push(format!("“{}” does not say by which technique; it reaches nothing until the vendor says what was done.", cells::short(text)));
        Technique::Unknown
    })
}

#[cfg(test)]
mod tests {
    use super::super::vendor_lists::table;
    use super::*;

    const LIST: &str = include_str!("../../tests/inventories/past/disposals-2021.csv");

    #[test]
    fn a_list_of_past_disposals_is_read_row_by_row() {
        let list = read(&table(LIST.as_bytes()).unwrap()).unwrap();
        assert_eq!(list.rows.iter().map(|row| row.row).collect::<Vec<_>>(), [4, 5, 6, 7, 8, 9, 10]);
        let first = &list.rows[0];
        assert_eq!((first.tag.as_ref().unwrap().as_str(), first.serial.as_ref().unwrap().as_str()), ("OLD-0001", "5CD0001OLD"));
        assert_eq!((first.disposed_on.to_string().as_str(), first.outcome, first.category), ("2021-06-14", Outcome::Recycled, Category::Desktop));
        assert_eq!(first.reference.as_ref().unwrap().as_str(), "COD-2021-118");
        let medium = first.medium.as_ref().unwrap();
        assert_eq!((medium.media_type, medium.technique), (Some(MediaType::HddAta), Some(Technique::Degauss)));
        // A second drive of the same device, a device without storage, words that say no technique.
        assert_eq!(list.rows[1].tag, first.tag);
        assert!(list.rows[3].no_storage && list.rows[3].medium.is_none());
        assert_eq!(list.rows[4].medium.as_ref().unwrap().technique, Some(Technique::Unknown));
        assert_eq!((list.rows[5].outcome, list.rows[6].outcome), (Outcome::Unknown, Outcome::Donated));
        assert_eq!(list.errors.iter().map(|error| error.row).collect::<Vec<_>>(), [11, 12, 13]);
        assert_eq!(list.remarks.iter().map(|remark| remark.row).collect::<Vec<_>>(), [7, 8, 9]);
        for error in &list.errors {
            assert!(error.what.contains("fill") || error.what.contains("write"), "{error:?}");
        }
    }

    #[test]
    fn words_for_storage_and_techniques_are_read_or_said_to_be_unknown() {
        let mut remarks = Vec::new();
        for (words, kind) in [
            ("HDD", MediaType::HddAta),
            ("2.5\" SATA SSD", MediaType::SsdSata),
            ("M.2 NVMe", MediaType::SsdNvme),
            ("SAS drive", MediaType::HddScsi),
            ("soldered flash (eMMC)", MediaType::Emmc),
            ("lto_tape", MediaType::Tape),
        ] {
            assert_eq!(media_type(words, &mut remarks), kind, "{words}");
        }
        for (words, kind, expected) in [
            ("Shredded to 6 mm", None, Technique::Shred),
            ("DoD 5220.22-M 3 pass", Some(MediaType::HddAta), Technique::HostOverwrite),
            ("Secure Erase", Some(MediaType::SsdSata), Technique::AtaSecureErase),
            ("crypto-erase", Some(MediaType::SsdNvme), Technique::NvmeSanitizeCrypto),
            ("Powerwash", Some(MediaType::Emmc), Technique::FactoryReset),
            ("nvme_format", None, Technique::NvmeFormat),
        ] {
            assert_eq!(technique(words, kind, &mut remarks), expected, "{words}");
        }
        assert_eq!(remarks, [] as [String; 0]);
        assert_eq!(technique("NIST 800-88 Purge", None, &mut remarks), Technique::Unknown);
        assert!(remarks[0].contains("vendor"), "{remarks:?}");
    }

    #[test]
    fn what_was_not_done_is_no_claim_and_what_was_not_there_no_medium() {
        for words in
            ["Not wiped", "wipe failed", "no wipe", "not shredded", "Unshredded", "Degauss: FAILED", "without overwriting", "DBAN - didn't finish"]
        {
            let mut remarks = Vec::new();
            assert_eq!((technique(words, Some(MediaType::HddAta), &mut remarks), remarks.len()), (Technique::Unknown, 1), "{words}");
            assert!(remarks[0].contains("claims nothing"), "{remarks:?}");
        }
        let mut remarks = Vec::new();
        assert_eq!((technique("wiped", None, &mut remarks), remarks.len()), (Technique::Unknown, 1), "nobody says how");
        for (cell, none) in
            [("No hard drive", true), ("HDD removed", true), ("none", true), ("No HDD", true), ("SSD missing", true), ("HDD", false), ("NVMe", false)]
        {
            let list = table(format!("Tag,Disposed on,Outcome,Drive Type\nA,2021-06-14,recycled,{cell}\n").as_bytes()).unwrap();
            let row = read(&list).unwrap().rows.remove(0);
            assert_eq!((row.no_storage, row.medium.is_none()), (none, none), "{cell}");
        }
    }

    #[test]
    fn a_list_that_is_cut_anywhere_is_read_as_far_as_it_goes() {
        for end in 0..LIST.len() {
            if let Ok(list) = table(&LIST.as_bytes()[..end]).and_then(|table| read(&table)) {
                assert!(list.rows.len() <= 7 && list.errors.len() <= 4, "{end}");
            }
        }
    }

    #[test]
    fn a_list_without_what_matters_is_refused_with_the_name_of_the_column() {
        for (head, lacks) in [("Tag,Serial,Outcome", "Disposed on"), ("Tag,Disposed on", "Outcome"), ("Model,Disposed on,Outcome", "Tag, Serial")] {
            let list = table(format!("{head}\nA,B,C\n").as_bytes()).unwrap();
            assert!(read(&list).unwrap_err().contains(lacks), "{head}");
        }
    }
}
