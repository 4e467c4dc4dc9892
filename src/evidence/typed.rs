//! Reads records that a person typed where a tool or machine leaves none: JSON that names its own format, made by the page for typed records or by anyone.
//!
//! `{"format": "quittance-typed-record", "media_serial" | "device_serial", "technique", "result", "tool", "started_at", "ended_at", "errors",
//! "hidden_area", "capacity_bytes", "bytes_erased", "photo_sha256", "typed_by", "typed_at"}`; the serial number, `technique` and `result` are needed, times are RFC 3339.

use serde_json::Value;

use super::Given;
use super::members::{leaf, whole};
use super::reading::{Errors, HiddenArea, Kind, MediumReading, Notes, Outcome, Reading, short, usable_serial};
use super::times::instant;
use crate::domain::names::Technique;

/// The format's name, in the file too.
pub const NAME: &str = "quittance-typed-record";
const READER_VERSION: u32 = 1;

/// The file names the format.
pub fn recognise(given: &Given) -> bool {
    given.json().is_some_and(|json| json.get("format").and_then(Value::as_str) == Some(NAME))
}

/// Reads the one record.
pub fn read(given: &Given) -> Reading {
    let mut notes = Notes::default();
    let document = given.json().unwrap_or(&Value::Null);
    let mut record = MediumReading::new(Kind::Sanitization, "typed record");
    let serial = |name: &str, notes: &mut Notes| {
        let printed = leaf(document, &[name])?;
        let usable = usable_serial(&printed);
        if usable.is_none() {
            notes.remark("typed record", format!("“{}” is no serial number that could tell which medium it is.", short(&printed)));
        }
        usable
    };
    record.media_serial = serial("media_serial", &mut notes);
    record.device_serial = serial("device_serial", &mut notes);
    if let Some(words) = leaf(document, &["technique"]) {
        record.technique = Technique::parse(&words).unwrap_or_else(|_| {
            notes.remark("typed record", format!("“{}” is no technique that is known.", short(&words)));
            Technique::Unknown
        });
        record.technique_words = Some(short(&words));
    }
    record.result = leaf(document, &["result"]).map_or(Outcome::Inconclusive, |words| {
        Outcome::parse(&words).unwrap_or_else(|_| {
            notes.remark("typed record", format!("“{}” is no result that is known, so that nothing counts as passed.", short(&words)));
            Outcome::Inconclusive
        })
    });
    record.hidden_area = leaf(document, &["hidden_area"]).and_then(|words| HiddenArea::parse(&words).ok()).unwrap_or(HiddenArea::Unknown);
    record.errors = Errors { write: whole(document, &["errors"]), ..Errors::default() };
    record.capacity_bytes = whole(document, &["capacity_bytes"]);
    record.bytes_erased = whole(document, &["bytes_erased"]);
    let moment = |name: &str| leaf(document, &[name]).and_then(|text| instant(&text));
    (record.started_at, record.ended_at) = (moment("started_at"), moment("ended_at"));
    record.tz_known = record.started_at.is_some() || record.ended_at.is_some();
    record.model = leaf(document, &["model"]).map(|words| short(&words));
    notes.remark("typed record", "A person typed this; no tool wrote it.");
    match leaf(document, &["photo_sha256"]) {
        Some(photo) => notes.remark("typed record", format!("The photo that goes with it has the SHA-256 {}.", short(&photo))),
        None => notes.remark("typed record", "No photo goes with it."),
    }
    notes.record(record);
    notes.reading(NAME, READER_VERSION, leaf(document, &["tool"]).map(|words| short(&words)), None)
}
