//! Vendors' evidence in: each reader turns the bytes of one tool's file into a `Reading`; none rejects a file, and the domain decides what it is worth.

pub mod nwipe;
pub mod reading;
mod text;

pub use reading::{Errors, HiddenArea, MediumReading, Outcome, Reading, Remark, Verification};

/// Files above this are kept and not read.
pub const MAX_FILE_BYTES: usize = 25 * 1024 * 1024;
/// Lines above this are passed over with a remark.
pub const MAX_LINE_BYTES: usize = 64 * 1024;
/// Records beyond this are left out with a remark.
pub const MAX_RECORDS: usize = 4096;
/// Remarks beyond this are counted only.
pub const MAX_REMARKS: usize = 256;
/// As much of a file's beginning as a recogniser is shown.
const HEAD_BYTES: usize = 64 * 1024;

/// One format and how to tell and read it.
pub struct Format {
    /// Stored beside every reading.
    pub name: &'static str,
    /// For people.
    pub label: &'static str,
    /// Whether the first 64 KiB look like this format.
    pub recognise: fn(&[u8]) -> bool,
    /// Reads the whole file; total over every input.
    pub read: fn(&[u8]) -> Reading,
}

/// Every format that can be read, most telling recogniser first.
pub const FORMATS: &[Format] = &[Format { name: nwipe::NAME, label: "nwipe log", recognise: nwipe::recognise, read: nwipe::read }];

/// Reads a file with the first format that recognises it. `None`: nobody does, or it is larger than 25 MiB; the caller keeps the file all the same
/// and shows [`why_not`].
pub fn read(bytes: &[u8]) -> Option<Reading> {
    if bytes.len() > MAX_FILE_BYTES {
        return None;
    }
    let head = head_of(bytes);
    FORMATS.iter().find(|format| (format.recognise)(head)).map(|format| (format.read)(bytes))
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
        "This is a zip archive; upload the files that are in it".to_owned()
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
