//! Reads what Google says of ChromeOS devices: device commands and device resources of the Admin SDK as JSON, and what GAM prints of both (CSV, text).
//!
//! Only a remote powerwash that the device executed, with success, resets the device. Wiping users leaves the device as it is, and deprovisioning is an
//! event of the licence.

use std::collections::HashMap;

use serde_json::Value;

use super::Given;
use super::members::{Object, documents, is_named, member, words};
use super::reading::{Kind, MediumReading, Notes, Outcome, Reading, short, usable_serial};
use super::tables;
use super::times::{instant, settle_zone};
use crate::domain::names::Technique;

/// The format's name.
pub const NAME: &str = "google-chromeos";
const READER_VERSION: u32 = 1;

const DEVICES: &[&[&str]] =
    &[&["deviceid", "id"], &["serialnumber"], &["status", "annotatedassetid", "orgunitpath", "deprovisionreason", "lastsync"]];
const COMMANDS: &[&[&str]] = &[&["commandid"], &["type", "commandtype"], &["state"]];

/// Keys and columns of the Admin SDK.
pub fn recognise(given: &Given) -> bool {
    let head = given.head();
    let any = |words: &[&str]| words.iter().any(|word| head.contains(word));
    let json = head.trim_start().starts_with(['{', '[']);
    (json && any(&["\"commandId\""]) && any(&["\"issueTime\"", "\"commandResult\"", "\"state\""]))
        || (json
            && any(&["\"serialNumber\""])
            && any(&["\"annotatedAssetId\"", "\"orgUnitPath\"", "\"deprovisionReason\"", "admin#directory#chromeosdevice"]))
        || (any(&["REMOTE_POWERWASH", "WIPE_USERS"]) && any(&["commandId", "state"]))
        || (!json && ((any(&["deviceId"]) && any(&["serialNumber"]) && tables::is_headed(head, DEVICES)) || tables::is_headed(head, COMMANDS)))
}

/// Reads the whole file.
pub fn read(given: &Given) -> Reading {
    let mut found = Found::default();
    let tables = [COMMANDS, DEVICES].into_iter().find(|columns| tables::is_headed(&given.text, columns));
    let (documents, rest) = documents(given);
    if documents.is_empty()
        && let Some(columns) = tables
    {
        tables::each_row(&given.text, columns, |row| found.object(row, None));
    } else {
        documents.iter().for_each(|(_, value)| found.value(value, None));
        found.text(rest);
    }
    found.reading()
}

struct Device {
    id: Option<String>,
    record: MediumReading,
    is_bound: bool,
}

struct Command {
    device: Option<usize>,
    device_id: Option<String>,
    record: MediumReading,
}

#[derive(Default)]
struct Found {
    notes: Notes,
    devices: Vec<Device>,
    by_id: HashMap<String, usize>,
    commands: Vec<Command>,
    others: usize,
}

impl Found {
    fn value(&mut self, value: &Value, within: Option<usize>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.value(item, within)),
            Value::Object(object) => self.object(object, within),
            _ => {}
        }
    }

    fn object(&mut self, object: &Object, within: Option<usize>) {
        if is_command(object) {
            self.command(object, within);
            return;
        }
        let mut within = within;
        if is_device(object) {
            within = self.device(object);
        } else {
            // A device and a command side by side in one object belong together.
            let devices: Vec<&Object> = object.values().filter_map(Value::as_object).filter(|inner| is_device(inner)).collect();
            if let ([device], true) = (devices.as_slice(), object.values().any(has_commands)) {
                within = self.device(device);
                object.values().filter(|value| has_commands(value)).for_each(|value| self.value(value, within));
                return;
            }
        }
        object.values().filter(|value| value.is_object() || value.is_array()).for_each(|value| self.value(value, within));
    }

    fn device(&mut self, object: &Object) -> Option<usize> {
        let id = words(object, &["deviceid", "id"]);
        let serial = words(object, &["serialnumber"]);
        // GAM repeats a device's row for every entry of a list field.
        let known = |device: &Device| id.is_some() && device.id == id;
        if let Some(known) = self.devices.last().filter(|device| known(device)).and(self.devices.len().checked_sub(1)) {
            return Some(known);
        }
        let place = id.clone().or_else(|| serial.clone()).unwrap_or_else(|| "file".to_owned());
        let mut record = MediumReading {
            device_serial: serial.as_deref().and_then(usable_serial),
            model: words(object, &["model"]),
            ..MediumReading::new(Kind::Identity, place.as_str())
        };
        if record.device_serial.is_none() {
            self.notes.remark(place.as_str(), "The device has no serial number here that could identify it; ask for its serial number.");
        }
        let status = words(object, &["status"]).unwrap_or_default();
        if status.eq_ignore_ascii_case("deprovisioned") {
            record.kind = Kind::Licence;
            record.technique_words = words(object, &["deprovisionreason"]);
            record.ended_at = words(object, &["lastdeprovisiontimestamp"]).as_deref().and_then(instant);
            settle_zone(&mut record);
            self.notes.remark(place.as_str(), "Deprovisioned means that the licence was taken from the device, not that its storage was erased; ask for a powerwash or another erase with its result.");
        }
        let index = self.devices.len();
        if let Some(id) = &id {
            self.by_id.entry(id.clone()).or_insert(index);
        }
        self.devices.push(Device { id, record, is_bound: false });
        Some(index)
    }

    fn command(&mut self, object: &Object, within: Option<usize>) {
        let kind = words(object, &["type", "commandtype"]).unwrap_or_default().to_ascii_uppercase();
        let id = words(object, &["commandid"]);
        let place = id.as_deref().map_or_else(|| "file".to_owned(), |id| format!("command {id}"));
        let result = member(object, &["commandresult"]).and_then(Value::as_object).unwrap_or(object);
        let mut record = MediumReading {
            technique_words: Some(kind.clone()).filter(|kind| !kind.is_empty()),
            started_at: words(object, &["issuetime"]).as_deref().and_then(instant),
            ended_at: words(result, &["executetime", "commandresultexecutetime"]).as_deref().and_then(instant),
            report_id: id,
            device_serial: words(object, &["serialnumber"]).as_deref().and_then(usable_serial),
            model: words(object, &["model"]),
            ..MediumReading::new(Kind::Sanitization, place.as_str())
        };
        settle_zone(&mut record);
        match kind.as_str() {
            "REMOTE_POWERWASH" => {
                record.technique = Technique::FactoryReset;
                record.result = self.outcome(object, result, &place);
            }
            "WIPE_USERS" => {
                record.kind = Kind::Licence;
                self.notes.remark(
                    place.as_str(),
                    "WIPE_USERS removes profiles of users and is not a wipe of the device; ask for REMOTE_POWERWASH with its result.",
                );
            }
            "" => self.notes.remark(place.as_str(), "The command's type is missing; ask for the command as the Admin SDK shows it."),
            _ => {
                self.others += 1;
                return;
            }
        }
        self.commands.push(Command { device: within, device_id: words(object, &["deviceid", "crosdevice"]), record });
    }

    fn outcome(&mut self, command: &Object, result: &Object, place: &str) -> Outcome {
        let state = words(command, &["state"]).unwrap_or_default().to_ascii_uppercase();
        let result = words(result, &["result", "commandresultresult"]).unwrap_or_default().to_ascii_uppercase();
        match (state.as_str(), result.as_str()) {
            ("EXECUTED_BY_CLIENT", "SUCCESS") => return Outcome::Pass,
            ("EXECUTED_BY_CLIENT", "FAILURE") => return Outcome::Fail,
            ("EXECUTED_BY_CLIENT", "IGNORED") => self.notes.remark(place, "The device ignored the command."),
            ("EXECUTED_BY_CLIENT", "") => {
                self.notes.remark(place, "The device executed the command and its result is missing; ask for the command's commandResult.")
            }
            ("EXECUTED_BY_CLIENT", other) => self.notes.remark(place, format!("“{}” is not a result that this reader knows.", short(other))),
            ("PENDING" | "SENT_TO_CLIENT" | "ACKED_BY_CLIENT", _) => {
                self.notes.remark(
                    place,
                    "The command was given and the device has not reported that it carried it out; ask for the command's state later.",
                );
                return Outcome::InProgress;
            }
            ("CANCELLED" | "CANCELED", _) => return Outcome::Aborted,
            ("EXPIRED", _) => self.notes.remark(place, "The command expired before the device carried it out: nothing was erased by it."),
            ("", _) => self.notes.remark(place, "The command's state is missing; ask for the command as the Admin SDK shows it."),
            (other, _) => self.notes.remark(place, format!("“{}” is not a state that this reader knows.", short(other))),
        }
        Outcome::Inconclusive
    }

    /// GAM prints an object as lines of `key: value`.
    fn text(&mut self, text: &str) {
        let mut object = Object::new();
        // A word that is cut short is unknown; a serial number that is cut short would be another one.
        for part in text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n') || !line.to_ascii_lowercase().contains("serial"))
            .flat_map(|line| line.split(", "))
        {
            let Some((key, value)) = part.split_once(": ").map(|(key, value)| (key.trim(), value.trim())) else { continue };
            let starts = is_named(key, "crosdevice") || (is_named(key, "commandid") && object.keys().any(|known| is_named(known, "commandid")));
            if starts {
                self.spoken(&std::mem::take(&mut object));
            }
            if !value.is_empty() {
                object.insert(key.to_owned(), Value::String(value.to_owned()));
            }
        }
        self.spoken(&object);
    }

    fn spoken(&mut self, object: &Object) {
        if is_command(object) || is_device(object) {
            self.object(object, None);
        }
    }

    fn reading(mut self) -> Reading {
        let all_unnamed =
            self.commands.iter().all(|command| command.device_id.is_none() && command.device.is_none() && command.record.device_serial.is_none());
        for mut command in std::mem::take(&mut self.commands) {
            let by_id = command.device_id.as_ref().and_then(|id| self.by_id.get(id).copied());
            let only = (all_unnamed && self.devices.len() == 1).then_some(0);
            let device = command.device.or(by_id).or(only).and_then(|index| self.devices.get_mut(index));
            if let Some(device) = device {
                device.is_bound = true;
                command.record.device_serial.clone_from(&device.record.device_serial);
                command.record.model.clone_from(&device.record.model);
            } else if command.record.device_serial.is_none() {
                self.notes.remark(
                    command.record.place.as_str(),
                    "The command names no serial number; ask for the device's resource (serialNumber) in one file with this.",
                );
            }
            self.notes.record(command.record);
        }
        for device in self.devices.into_iter().filter(|device| device.record.kind == Kind::Licence || !device.is_bound) {
            self.notes.record(device.record);
        }
        if self.others > 0 {
            self.notes
                .remark("file", format!("Commands of other kinds (a restart, a screenshot) erase nothing and were passed over: {}.", self.others));
        } else if self.notes.records.is_empty() {
            self.notes.remark("file", "The file is cut off or damaged, or holds no device and no command; ask for it again.");
        }
        self.notes.reading(NAME, READER_VERSION, Some("Google Admin SDK".to_owned()), None)
    }
}

fn is_command(object: &Object) -> bool {
    member(object, &["commandid"]).is_some() && member(object, &["type", "commandtype", "state", "issuetime"]).is_some()
}

fn is_device(object: &Object) -> bool {
    member(object, &["serialnumber"]).is_some() && member(object, &["deviceid", "id", "orgunitpath", "annotatedassetid", "status"]).is_some()
}

fn has_commands(value: &Value) -> bool {
    match value {
        Value::Object(object) => is_command(object),
        Value::Array(items) => items.iter().filter_map(Value::as_object).any(is_command),
        _ => false,
    }
}
