//! Vendors' evidence in: each reader turns the bytes of one tool's file into a `Reading`; none rejects a file, and the domain decides what it is worth.

pub mod apple;
pub mod archive;
pub mod bitraser;
pub mod blancco;
pub mod ereuse;
pub mod google;
pub mod graph;
pub mod hdparm;
pub mod lint;
pub mod mapped;
mod members;
pub mod nvme;
pub mod nwipe;
pub mod nwipe_pdf;
mod pdf_fonts;
mod pdf_text;
mod printed;
pub mod reading;
pub mod smartctl;
mod stated;
mod tables;
mod text;
mod times;
mod tree;
pub mod typed;
pub mod usody;
pub mod wipedrive;

use std::borrow::Cow;
use std::sync::OnceLock;

pub use reading::{Errors, HiddenArea, Kind, MediaKind, MediumReading, Outcome, Reading, Remark, Verification};

/// Files above this are kept and not read.
pub const MAX_FILE_BYTES: usize = 25 * 1024 * 1024;
/// Lines above this are passed over with a remark.
pub const MAX_LINE_BYTES: usize = 64 * 1024;
/// Records beyond this are left out with a remark.
pub const MAX_RECORDS: usize = 4096;
/// Remarks beyond this are counted only.
pub const MAX_REMARKS: usize = 256;
/// As much of a file's beginning as a recogniser looks at.
const HEAD_BYTES: usize = 64 * 1024;

/// A file as the readers are shown it.
pub struct Given<'a> {
    /// As it came.
    pub bytes: &'a [u8],
    /// What people read in it: its text in whatever encoding, or the text of a PDF's pages in the order in which they are drawn. Empty for anything else.
    pub text: Cow<'a, str>,
    /// Whether `text` is that of a PDF: labels and values may be glued together or stand on lines of their own.
    pub is_pdf: bool,
    /// Whether some bytes were not understood and stand as U+FFFD.
    pub is_damaged: bool,
    /// Whether the PDF has more than is read of one.
    pub is_cut: bool,
    json: OnceLock<Option<serde_json::Value>>,
}

impl<'a> Given<'a> {
    /// Makes out the text.
    pub fn new(bytes: &'a [u8]) -> Self {
        let is_pdf = bytes.starts_with(b"%PDF-");
        let mut is_cut = false;
        let (text, is_damaged) = if is_pdf {
            let pdf = pdf_text::of(bytes).unwrap_or_default();
            is_cut = pdf.is_cut;
            (Cow::Owned(pdf.text), false)
        } else if text::is_text(head_of(bytes)) {
            text::decode(bytes)
        } else {
            (Cow::Borrowed(""), false)
        };
        Self { bytes, text, is_pdf, is_damaged, is_cut, json: OnceLock::new() }
    }
    /// The first 64 KiB of the text, cut at a character.
    pub fn head(&self) -> &str {
        self.text.get(..self.text.floor_char_boundary(HEAD_BYTES)).unwrap_or(&self.text)
    }
    /// The text as JSON, parsed once for all readers; `None` where it is none.
    pub fn json(&self) -> Option<&serde_json::Value> {
        let parse = || match self.head().trim_start().starts_with(['{', '[']) {
            true => serde_json::from_str(self.text.trim()).ok(),
            false => None,
        };
        self.json.get_or_init(parse).as_ref()
    }
}

/// One format and how to tell and read it.
pub struct Format {
    /// Stored beside every reading.
    pub name: &'static str,
    /// For people.
    pub label: &'static str,
    /// Whether the file looks like this format; cheap.
    pub recognise: fn(&Given) -> bool,
    /// Reads the whole file; total over every input.
    pub read: fn(&Given) -> Reading,
}

/// Every format that can be read, most telling recogniser first.
pub const FORMATS: &[Format] = &[
    Format {
        name: nwipe::NAME,
        label: "nwipe log",
        recognise: |given| nwipe::recognise(head_of(given.bytes)),
        read: |given| nwipe::read(given.bytes),
    },
    Format { name: nwipe_pdf::NAME, label: "nwipe certificate", recognise: nwipe_pdf::recognise, read: nwipe_pdf::read },
    Format { name: blancco::NAME, label: "Blancco report", recognise: blancco::recognise, read: blancco::read },
    Format { name: wipedrive::NAME, label: "WipeDrive report", recognise: wipedrive::recognise, read: wipedrive::read },
    Format { name: bitraser::NAME, label: "BitRaser report", recognise: bitraser::recognise, read: bitraser::read },
    Format { name: usody::NAME, label: "usody-sanitize JSON", recognise: usody::recognise, read: usody::read },
    Format { name: ereuse::NAME, label: "eReuse snapshot", recognise: ereuse::recognise, read: ereuse::read },
    Format { name: typed::NAME, label: "record typed by a person", recognise: typed::recognise, read: typed::read },
    Format { name: nvme::NAME, label: "nvme-cli sanitize log and identification", recognise: nvme::recognise, read: nvme::read },
    Format { name: smartctl::NAME, label: "smartctl identification", recognise: smartctl::recognise, read: smartctl::read },
    Format { name: hdparm::NAME, label: "hdparm transcript", recognise: hdparm::recognise, read: hdparm::read },
    Format { name: google::NAME, label: "Google ChromeOS devices and commands", recognise: google::recognise, read: google::read },
    Format { name: graph::NAME, label: "Microsoft Intune devices and actions", recognise: graph::recognise, read: graph::read },
    Format { name: apple::NAME, label: "Apple MDM and Jamf commands", recognise: apple::recognise, read: apple::read },
];

/// Reads a file with the first format that recognises it. `None`: nobody does, or it is larger than 25 MiB; the caller keeps the file all the same
/// and shows [`why_not`].
pub fn read(bytes: &[u8]) -> Option<Reading> {
    if bytes.len() > MAX_FILE_BYTES {
        return None;
    }
    let given = Given::new(bytes);
    let mut reading = FORMATS.iter().find(|format| (format.recognise)(&given)).map(|format| (format.read)(&given))?;
    if given.is_cut {
        let what = "The PDF has more pages, or more on a page, than any report has; what is beyond was not read. Ask the vendor for smaller files.";
        reading.remarks.push(Remark { place: "file".to_owned(), what: what.to_owned() });
    }
    Some(reading)
}

/// Likewise, and where nobody does by the first of the organisation's profiles that recognises it.
pub fn read_with(bytes: &[u8], profiles: &[mapped::Profile]) -> Option<Reading> {
    let by_profile = || {
        let given = Given::new(bytes);
        profiles.iter().find(|profile| profile.recognise(&given)).map(|profile| profile.read(&given))
    };
    if bytes.len() > MAX_FILE_BYTES { None } else { read(bytes).or_else(by_profile) }
}

/// The words of a PDF's pages, where they can be made out.
pub fn print_of(bytes: &[u8]) -> Option<String> {
    let given = Given::new(bytes);
    let text = given.text.into_owned();
    (given.is_pdf && !text.trim().is_empty()).then_some(text)
}

/// A sentence that says what was not understood about a file that [`read`] returned `None` for.
pub fn why_not(bytes: &[u8]) -> String {
    let known = FORMATS.iter().map(|format| format.label).collect::<Vec<_>>().join(", ");
    let head = head_of(bytes);
    let what = if bytes.is_empty() {
        "The file is empty".to_owned()
    } else if bytes.len() > MAX_FILE_BYTES {
        "The file is larger than 25 MiB and was not read".to_owned()
    } else if head.starts_with(b"%PDF-") {
        "This is a PDF, and no reader for PDF evidence recognised it".to_owned()
    } else if head.starts_with(b"PK\x03\x04") {
        "This is a zip archive or a spreadsheet, and no reader for it recognised it".to_owned()
    } else if !text::is_text(head) {
        "This is not text, and no reader recognised it".to_owned()
    } else {
        "This is text, but it has no header or lines that a reader knows".to_owned()
    };
    format!("{what}. The file is kept as it is. Readers: {known}.")
}

fn head_of(bytes: &[u8]) -> &[u8] {
    bytes.get(..HEAD_BYTES).unwrap_or(bytes)
}
