//! Reads the snapshots of eReuse's workbench and DeviceHub: a computer with its components, and what was done to its drives, in the old form (`@type`,
//! `erasure`, `success`) and the newer ones (`type`, `events` or `actions`, `severity`).

use serde_json::Value;

use super::Given;
use super::members::{leaf, objects, truth, whole};
use super::reading::{Kind, MediaKind, MediumReading, Notes, Outcome, Reading, Verification, short, usable_serial};
use super::times::as_printed;
use super::usody;
use crate::domain::names::Technique;

/// The format's name.
pub const NAME: &str = "ereuse-snapshot";
const READER_VERSION: u32 = 1;

/// A snapshot, or a list of them.
pub fn recognise(given: &Given) -> bool {
    given.json().is_some_and(|json| snapshots(json).first().is_some_and(|first| type_of(first) == "Snapshot"))
}

fn snapshots(json: &Value) -> &[Value] {
    match json {
        Value::Array(list) => list,
        other => std::slice::from_ref(other),
    }
}

/// `Snapshot` of `"type": "Snapshot"`, `"@type": "devices:Snapshot"`.
fn type_of(value: &Value) -> &str {
    let name = value.get("@type").or_else(|| value.get("type")).and_then(Value::as_str).unwrap_or("");
    name.rsplit(':').next().unwrap_or(name).trim()
}

/// Reads all drives of all snapshots.
pub fn read(given: &Given) -> Reading {
    let mut notes = Notes::default();
    let all = given.json().map(snapshots).unwrap_or_default();
    let mut drives = 0;
    for snapshot in all.iter().filter(|snapshot| type_of(snapshot) == "Snapshot") {
        let computer = Computer::of(snapshot);
        for component in objects(snapshot, "components") {
            let erasures = erasures(component);
            let is_drive = matches!(type_of(component), "HardDrive" | "SolidStateDrive" | "DataStorage" | "RemovableStorage");
            if is_drive || !erasures.is_empty() {
                drives += 1;
                computer.drive(component, &erasures, format!("disk {drives}"), &mut notes);
            }
        }
        let device = snapshot.get("device").unwrap_or(&Value::Null);
        let of_device = erasures(device);
        if !of_device.is_empty() {
            computer.device(device, &of_device, &mut notes);
        }
        computer.raw(snapshot, &mut notes);
    }
    if notes.records.is_empty() {
        notes.remark("file", "The snapshot names no drive.");
    }
    let first = all.first().unwrap_or(&Value::Null);
    let tool = leaf(first, &["software"])
        .or_else(|| leaf(first, &["snapshotSoftware"]))
        .map_or_else(|| "eReuse Workbench".to_owned(), |name| format!("eReuse {name}"));
    notes.reading(NAME, READER_VERSION, Some(tool), leaf(first, &["version"]))
}

/// What was done to a component, in whichever of the three places.
fn erasures(component: &Value) -> Vec<&Value> {
    let lists = ["erasure", "erasures", "events", "actions"].into_iter().flat_map(|key| objects(component, key));
    lists.filter(|action| type_of(action).starts_with("Erase")).collect()
}

/// What every record of a snapshot has in common.
struct Computer {
    serial: Option<String>,
    report: Option<String>,
    issued: Option<String>,
}

impl Computer {
    fn of(snapshot: &Value) -> Self {
        let issued = ["endTime", "timestamp", "date", "created"].iter().find_map(|key| as_printed(&leaf(snapshot, &[key])?));
        Self {
            serial: leaf(snapshot, &["device", "serialNumber"]).as_deref().and_then(usable_serial),
            report: leaf(snapshot, &["uuid"]).or_else(|| leaf(snapshot, &["_uuid"])).or_else(|| leaf(snapshot, &["_id"])),
            issued: issued.map(|(at, _)| at),
        }
    }

    fn blank(&self, kind: Kind, place: &str) -> MediumReading {
        MediumReading {
            issued_at: self.issued.clone(),
            report_id: self.report.clone(),
            system_serial: self.serial.clone(),
            ..MediumReading::new(kind, place)
        }
    }

    fn drive(&self, component: &Value, erasures: &[&Value], place: String, notes: &mut Notes) {
        let printed = leaf(component, &["serialNumber"]);
        let media_serial = printed.as_deref().and_then(usable_serial);
        let nvme = leaf(component, &["interface"]).is_some_and(|interface| interface.to_ascii_lowercase().contains("nvme"));
        let medium = |kind| MediumReading {
            media_serial: media_serial.clone(),
            vendor: leaf(component, &["manufacturer"]),
            media_kind: match type_of(component) {
                _ if nvme => Some(MediaKind::Nvme),
                "HardDrive" => Some(MediaKind::Hdd),
                "SolidStateDrive" => Some(MediaKind::Ssd),
                _ => None,
            },
            model: leaf(component, &["model"]),
            capacity_bytes: exact_bytes(component),
            ..self.blank(kind, &place)
        };
        if media_serial.is_none() && !erasures.is_empty() {
            let what = match &printed {
                Some(printed) => {
                    format!("The serial number “{}” is masked or a placeholder: the record cannot be bound to a medium by it.", short(printed))
                }
                None => "The snapshot gives no serial number of this drive: the record cannot be bound to a medium by itself.".to_owned(),
            };
            notes.remark(place.as_str(), what);
        }
        if erasures.is_empty() {
            notes.record(medium(Kind::Identity));
        }
        for erasure in erasures {
            let record = erased(erasure, medium(Kind::Sanitization), notes);
            notes.record(record);
        }
    }

    /// Phones and tablets are erased as a whole.
    fn device(&self, device: &Value, erasures: &[&Value], notes: &mut Notes) {
        for erasure in erasures {
            let blank = MediumReading {
                device_serial: self.serial.clone(),
                vendor: leaf(device, &["manufacturer"]),
                model: leaf(device, &["model"]),
                ..self.blank(Kind::Sanitization, "device")
            };
            let record = erased(erasure, MediumReading { system_serial: None, ..blank }, notes);
            notes.record(record);
        }
    }

    /// Newer workbenches put the output of usody-sanitize into `data.sanitize`, as documents or as text.
    fn raw(&self, snapshot: &Value, notes: &mut Notes) {
        let Some(sanitize) = snapshot.pointer("/data/sanitize").or_else(|| snapshot.get("sanitize")) else { return };
        let parsed = sanitize.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        for (number, document) in (1_usize..).zip(snapshots(parsed.as_ref().unwrap_or(sanitize))) {
            if usody::is_document(document) {
                let drive = usody::drive(document, number, notes);
                notes.record(MediumReading {
                    issued_at: self.issued.clone(),
                    report_id: self.report.clone(),
                    system_serial: self.serial.clone(),
                    ..drive
                });
            }
        }
    }
}

/// Sizes are in MiB. One with a fraction was divided from the exact bytes; a whole one was rounded, and is no capacity.
fn exact_bytes(component: &Value) -> Option<u64> {
    let size = leaf(component, &["size"])?;
    let (whole, fraction) = size.split_once('.')?;
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() || fraction.len() > 20 {
        return None;
    }
    let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let scaled = whole.parse::<u128>().ok()?.checked_mul(scale)?.checked_add(fraction.parse().ok()?)?.checked_mul(1 << 20)?;
    (scaled % scale == 0 && (scaled / scale) % 512 == 0).then(|| u64::try_from(scaled / scale).ok())?
}

fn erased(erasure: &Value, blank: MediumReading, notes: &mut Notes) -> MediumReading {
    let place = blank.place.clone();
    let name = type_of(erasure);
    let steps = objects(erasure, "steps");
    let technique = technique(erasure, name);
    if technique == Technique::Unknown {
        notes.remark(place.as_str(), format!("“{}” does not say which command was given to the drive: ask for what the tool ran.", short(name)));
    }
    let started = time(erasure, ["startTime", "startingTime"], &place, notes);
    let ended = time(erasure, ["endTime", "endingTime"], &place, notes);
    let standing = steps.iter().any(|step| same_time(step, &place, notes));
    let result = judge(erasure, steps, &place, notes);
    let at_once = matches!((&started, &ended), (Some((start, _)), Some((end, _))) if start == end);
    let result = if at_once && result == Outcome::Pass {
        notes.remark(place.as_str(), "Reported as erased, but the erasure ends in the second in which it starts.");
        Outcome::PassWithExceptions
    } else {
        if standing {
            notes.remark(place.as_str(), "A step ends in the second in which it starts: its times say nothing about how long it took.");
        }
        result
    };
    let random = whole(erasure, &["secureRandomSteps"]).unwrap_or(0) + u64::from(truth(erasure, "cleanWithZeros") == Some(true));
    let standards = erasure.get("standards").and_then(Value::as_array);
    let standards =
        standards.map(|list| list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")).filter(|standards| !standards.is_empty());
    MediumReading {
        technique,
        technique_words: Some(name.to_owned()),
        standard_claimed: standards,
        passes_done: u32::try_from(steps.iter().filter(|step| outcome(step) == Some(Outcome::Pass)).count()).ok().filter(|_| !steps.is_empty()),
        passes_requested: u32::try_from(random).ok().filter(|count| *count > 0),
        // Of the two that write, this one checks each sector by its definition.
        verification: if name == "EraseSectors" { Verification::VendorClaim } else { Verification::Unknown },
        result,
        tz_known: [&started, &ended].into_iter().flatten().all(|(_, zone)| *zone) && (started.is_some() || ended.is_some()),
        started_at: started.map(|(at, _)| at),
        ended_at: ended.map(|(at, _)| at),
        ..blank
    }
}

fn technique(erasure: &Value, name: &str) -> Technique {
    match name {
        "EraseBasic" | "EraseSectors" => Technique::HostOverwrite,
        "ErasePhysical" => match leaf(erasure, &["method"]).unwrap_or_default().to_ascii_lowercase().as_str() {
            "shred" => Technique::Shred,
            "disintegration" | "disintegrate" => Technique::Disintegrate,
            _ => Technique::Unknown,
        },
        _ => Technique::Unknown,
    }
}

fn time(erasure: &Value, keys: [&str; 2], place: &str, notes: &mut Notes) -> Option<(String, bool)> {
    let printed = keys.iter().find_map(|key| leaf(erasure, &[key]))?;
    let time = as_printed(&printed);
    if time.is_none() {
        notes.remark(place, format!("The time “{}” is none that this reader knows and was left out.", short(&printed)));
    }
    time
}

fn same_time(step: &Value, place: &str, notes: &mut Notes) -> bool {
    let start = time(step, ["startTime", "startingTime"], place, notes);
    start.is_some() && start == time(step, ["endTime", "endingTime"], place, notes)
}

/// The word of an action or a step: `severity`, or `success` and `error` of older versions. `None`: it has none.
fn outcome(action: &Value) -> Option<Outcome> {
    if let Some(severity) = leaf(action, &["severity"]) {
        return Some(match severity.to_ascii_lowercase().rsplit('.').next().unwrap_or("") {
            "info" => Outcome::Pass,
            "notice" | "warning" => Outcome::PassWithExceptions,
            "error" => Outcome::Fail,
            _ => Outcome::Inconclusive,
        });
    }
    let good = truth(action, "success").or_else(|| truth(action, "error").map(|error| !error))?;
    Some(if good { Outcome::Pass } else { Outcome::Fail })
}

fn judge(erasure: &Value, steps: &[Value], place: &str, notes: &mut Notes) -> Outcome {
    let Some(whole) = outcome(erasure) else {
        notes.remark(place, "The snapshot does not say how the erasure ended.");
        return Outcome::Inconclusive;
    };
    if whole == Outcome::Inconclusive {
        let word = leaf(erasure, &["severity"]).unwrap_or_default();
        notes.remark(place, format!("“{}” is not a severity that this reader knows.", short(&word)));
    }
    if !whole.is_success() {
        return whole;
    }
    // A step without a word is as good as the whole.
    let worst = |of: Outcome| steps.iter().any(|step| outcome(step) == Some(of));
    let (reason, result) = if worst(Outcome::Fail) {
        ("a step of it failed", Outcome::Fail)
    } else if worst(Outcome::Inconclusive) {
        ("a step of it ended in a word that this reader does not know", Outcome::Inconclusive)
    } else if worst(Outcome::PassWithExceptions) {
        ("a step of it ended with a warning", Outcome::PassWithExceptions)
    } else if whole == Outcome::PassWithExceptions {
        ("with a warning", Outcome::PassWithExceptions)
    } else {
        return Outcome::Pass;
    };
    notes.remark(place, format!("Reported as erased, but {reason}."));
    result
}
