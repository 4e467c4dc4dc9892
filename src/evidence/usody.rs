//! Reads the JSON that usody-sanitize writes about one drive, also inside the snapshots of eReuse's workbench.
//!
//! The drive may sit behind a USB bridge whose serial number the tool puts first; `smartctl`'s answer inside the file is the drive's own.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Given;
use super::members::{leaf, objects, truth, whole};
use super::reading::{Kind, MediaKind, MediumReading, Notes, Outcome, Reading, Verification, short, usable_serial};
use super::times::since_1970;
use crate::domain::names::Technique;

/// The format's name.
pub const NAME: &str = "usody-sanitize";
const READER_VERSION: u32 = 1;

/// Hexadecimal figures in a row that are more than an address: a sector read back.
const RAW_FIGURES: usize = 56;

/// The members of the tool's one document, or a list of such documents.
pub fn recognise(given: &Given) -> bool {
    given.json().is_some_and(|json| documents(json).first().is_some_and(is_document))
}

/// Seconds since 1970, perhaps with a fraction.
fn epoch(step: &Value, name: &str) -> Option<String> {
    since_1970(leaf(step, &[name])?.split('.').next()?.parse().ok()?)
}

/// Whether an object is what the tool writes about one drive.
pub(super) fn is_document(json: &Value) -> bool {
    let has = |key: &str| json.get(key).is_some();
    json.get("device_info").is_some_and(Value::is_object) && has("steps") && (has("method") || has("validation")) && (has("result") || has("version"))
}

fn documents(json: &Value) -> &[Value] {
    match json {
        Value::Array(list) => list,
        other => std::slice::from_ref(other),
    }
}

/// Reads every drive of the file.
pub fn read(given: &Given) -> Reading {
    let mut notes = Notes::default();
    let documents = given.json().map(documents).unwrap_or_default();
    for (number, document) in (1_usize..).zip(documents) {
        if is_document(document) {
            let record = drive(document, number, &mut notes);
            notes.record(record);
        } else {
            notes.remark("file", "A part of the list is not about a drive and was passed over.");
        }
    }
    let version = documents.iter().find_map(|document| leaf(document, &["version"]));
    notes.reading(NAME, READER_VERSION, Some("usody-sanitize".to_owned()), version)
}

/// What was done to one drive.
pub(super) fn drive(document: &Value, number: usize, notes: &mut Notes) -> MediumReading {
    let info = document.get("device_info").unwrap_or(&Value::Null);
    let smart = info.pointer("/export_data/smart").unwrap_or(&Value::Null);
    let block = info.pointer("/export_data/block").unwrap_or(&Value::Null);
    let path = leaf(smart, &["device", "name"]).or_else(|| leaf(block, &["path"])).or_else(|| leaf(block, &["name"]));
    let place = path.as_deref().and_then(|path| path.rsplit('/').next()).map_or_else(|| format!("disk {number}"), short);

    let outer = leaf(info, &["serial_number"]).or_else(|| leaf(block, &["serial"]));
    let own = leaf(smart, &["serial_number"]);
    let over_usb = leaf(info, &["connector"]).or_else(|| leaf(block, &["subsystems"])).is_some_and(|path| path.to_ascii_lowercase().contains("usb"));
    let bridged = match (&own, &outer) {
        (Some(own), Some(outer)) => own != outer,
        (None, Some(_)) => over_usb,
        _ => false,
    };
    let printed = own.clone().or_else(|| outer.clone().filter(|_| !bridged));
    let media_serial = printed.as_deref().and_then(usable_serial);
    let bridge_serial = outer.filter(|_| bridged);
    match (&bridge_serial, &media_serial, &printed) {
        (Some(bridge), Some(_), _) => notes.remark(
            place.as_str(),
            format!("“{}” is the serial number of the adapter that the drive was connected by, not the drive's.", short(bridge)),
        ),
        (Some(bridge), None, _) => notes.remark(
            place.as_str(),
            format!(
                "“{}” is the serial number of the adapter that the drive was connected by, and the file does not give the drive's own: ask for it.",
                short(bridge)
            ),
        ),
        (None, None, Some(printed)) => notes.remark(
            place.as_str(),
            format!("The serial number “{}” is masked or a placeholder: the record cannot be bound to a medium by it.", short(printed)),
        ),
        (None, None, None) => notes.remark(place.as_str(), "The file gives no serial number: the record cannot be bound to a medium by itself."),
        _ => {}
    }
    if holds_sectors(document) {
        notes.remark(
            place.as_str(),
            "The file holds sectors as they were read from the disk and may contain data of the disk: treat it as confidential, and hand on only a copy without them.",
        );
    }

    let steps = objects(document, "steps");
    let method = document.get("method").unwrap_or(&Value::Null);
    let technique = technique(steps);
    let started_at = steps.first().and_then(|step| epoch(step, "start_time"));
    let ended_at = steps.last().and_then(|step| epoch(step, "end_time"));
    MediumReading {
        media_serial,
        vendor: leaf(info, &["manufacturer"]).filter(|maker| !bridged && !matches!(maker.as_str(), "ATA" | "NVMe" | "USB")),
        media_kind: media_kind(info, smart),
        model: leaf(smart, &["model_name"]).or_else(|| leaf(info, &["model"]).filter(|_| !bridged)),
        capacity_bytes: whole(smart, &["user_capacity", "bytes"]).or_else(|| whole(smart, &["nvme_total_capacity"])),
        technique,
        technique_words: leaf(method, &["name"]),
        standard_claimed: leaf(method, &["standard"]),
        passes_done: u32::try_from(steps.iter().filter(|step| truth(step, "success") == Some(true)).count()).ok(),
        passes_requested: match method.get("overwriting_steps") {
            Some(Value::Array(list)) => u32::try_from(list.len()).ok(),
            _ => whole(method, &["overwriting_steps"]).and_then(|count| u32::try_from(count).ok()),
        },
        verification: verification(document, method),
        result: judge(document, steps, technique, &place, notes),
        tz_known: started_at.is_some() || ended_at.is_some(),
        started_at,
        ended_at,
        bridge_serial,
        ..MediumReading::new(Kind::Sanitization, place)
    }
}

fn media_kind(info: &Value, smart: &Value) -> Option<MediaKind> {
    if leaf(smart, &["device", "protocol"]).is_some_and(|protocol| protocol.eq_ignore_ascii_case("nvme")) {
        return Some(MediaKind::Nvme);
    }
    match leaf(info, &["storage_medium"])?.to_ascii_uppercase().as_str() {
        "HDD" => Some(MediaKind::Hdd),
        "SSD" => Some(MediaKind::Ssd),
        _ => None,
    }
}

fn commands(holder: &Value) -> impl Iterator<Item = (&Value, String)> {
    objects(holder, "commands").iter().filter_map(|command| Some((command, leaf(command, &["command"])?)))
}

/// What the commands do, not what the method is called: a method called “Cryptographic” formats NVMe drives.
fn technique_of(command: &str) -> Option<Technique> {
    let mut parts = command.split_whitespace();
    let tool = parts.next()?.rsplit('/').next()?;
    let has = |option: &str| command.split_whitespace().any(|part| part == option);
    match tool {
        "shred" => Some(Technique::HostOverwrite),
        "badblocks" if parts.any(|part| part.starts_with('-') && part.contains('w')) => Some(Technique::HostOverwrite),
        "hdparm" if has("--security-erase-enhanced") => Some(Technique::AtaSecureEraseEnhanced),
        "hdparm" if has("--security-erase") => Some(Technique::AtaSecureErase),
        "hdparm" if has("--sanitize-block-erase") => Some(Technique::AtaSanitizeBlock),
        "hdparm" if has("--sanitize-crypto-scramble") => Some(Technique::AtaSanitizeCrypto),
        "nvme" if has("format") && (has("--ses=1") || has("-s1")) => Some(Technique::NvmeFormat),
        "nvme" if has("format") && (has("--ses=2") || has("-s2")) => Some(Technique::NvmeFormatCrypto),
        _ => None,
    }
}

/// The one technique of all steps.
fn technique(steps: &[Value]) -> Technique {
    let mut found = steps.iter().flat_map(commands).filter_map(|(_, command)| technique_of(&command));
    let first = found.next().unwrap_or(Technique::Unknown);
    if found.all(|other| other == first) { first } else { Technique::Unknown }
}

/// The tool reads a few sectors before and after.
fn verification(document: &Value, method: &Value) -> Verification {
    match (truth(method, "verification_enabled"), document.get("validation").and_then(|validation| truth(validation, "result"))) {
        (Some(false), _) => Verification::None,
        (_, Some(true)) => Verification::Sample,
        _ => Verification::Unknown,
    }
}

fn judge(document: &Value, steps: &[Value], technique: Technique, place: &str, notes: &mut Notes) -> Outcome {
    let validation = document.get("validation").and_then(|validation| truth(validation, "result"));
    let wrong_drive = drives_named(document);
    if wrong_drive.len() > 1 {
        let names = wrong_drive.iter().map(|name| short(name)).collect::<Vec<_>>().join(" and ");
        notes.remark(
            place,
            format!("The commands are about more than one drive ({names}): what was checked may be another drive than what was erased."),
        );
    }
    let failed = steps.iter().any(|step| truth(step, "success") == Some(false))
        || steps
            .iter()
            .flat_map(commands)
            .any(|(command, words)| technique_of(&words).is_some() && !matches!(whole(command, &["return_code"]), None | Some(0 | 22)));
    match truth(document, "result") {
        Some(true) => {}
        Some(false) => {
            let what = if steps.is_empty() { "The tool stopped before it erased anything." } else { "The tool says that the erasure failed." };
            notes.remark(place, what);
            return Outcome::Fail;
        }
        None => {
            notes.remark(place, "The file does not say how the erasure ended.");
            return Outcome::Inconclusive;
        }
    }
    if failed || validation == Some(false) {
        let what = if failed { "a step of it failed" } else { "its validation failed" };
        notes.remark(place, format!("Reported as erased, but {what}."));
        return Outcome::Fail;
    }
    if steps.is_empty() || technique == Technique::Unknown {
        notes.remark(place, "Reported as erased, but the file has no command that this reader knows to erase: ask for the whole file.");
        return Outcome::Inconclusive;
    }
    let mut doubts = Vec::new();
    if validation.is_none() {
        doubts.push("the tool did not validate it");
    }
    if steps.iter().any(|step| step.get("end_time").is_some_and(|end| end.is_number() && Some(end) == step.get("start_time"))) {
        doubts.push("a step ends when it starts");
    }
    if steps.iter().any(|step| step.get("end_time").is_none_or(Value::is_null)) {
        doubts.push("a step has no end");
    }
    if wrong_drive.len() > 1 {
        doubts.push("its commands are about more than one drive");
    }
    for doubt in &doubts {
        notes.remark(place, format!("Reported as erased, but {doubt}."));
    }
    if doubts.is_empty() { Outcome::Pass } else { Outcome::PassWithExceptions }
}

/// The drives that the commands of the steps and of the validation are about.
fn drives_named(document: &Value) -> BTreeSet<String> {
    let validation = document.get("validation").into_iter();
    let all = objects(document, "steps").iter().chain(validation).flat_map(commands);
    let mut names = BTreeSet::new();
    for (_, command) in all {
        let paths = command.split_whitespace().filter_map(|part| part.trim_start_matches("if=").trim_start_matches("of=").strip_prefix("/dev/"));
        names.extend(paths.filter(|name| !matches!(*name, "random" | "urandom" | "zero" | "null" | "stdout")).map(str::to_owned));
    }
    names
}

fn holds_sectors(document: &Value) -> bool {
    let Some(validation) = document.get("validation") else { return false };
    let raw = |text: &str| text.bytes().take(RAW_FIGURES).filter(u8::is_ascii_hexdigit).count() == RAW_FIGURES;
    let data = validation.get("data").and_then(Value::as_object);
    data.is_some_and(|data| !data.is_empty()) || commands(validation).any(|(command, _)| leaf(command, &["stdout"]).is_some_and(|out| raw(&out)))
}
