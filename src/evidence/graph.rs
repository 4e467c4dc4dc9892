//! Reads what Microsoft Intune says of devices and of the actions that were taken on them: Microsoft Graph JSON (`managedDevice`,
//! `deviceActionResults`, `remoteActionAudits`) and CSV exports of device actions.
//!
//! Only a wipe is a sanitization. To retire a device ends its enrolment; a restart, a fresh start or an Autopilot reset erases no storage.

use serde_json::Value;

use super::Given;
use super::members::{Object, documents, is_named, member, number, words};
use super::reading::{Kind, MediumReading, Notes, Outcome, Reading, short, usable_serial};
use super::tables;
use super::times::{instant, settle_zone};
use crate::domain::names::Technique;

/// The format's name.
pub const NAME: &str = "microsoft-intune";
const READER_VERSION: u32 = 1;

const ACTION: &[&str] = &["actionname", "action", "deviceaction", "remoteaction"];
const STATE: &[&str] = &["actionstate", "actionstatus", "status", "state"];
/// What Intune's exports have, and a list of some other tool's actions has not.
const OF_INTUNE: &[&str] = &[
    "initiatedby",
    "initiatedbyupn",
    "initiatedbyuserprincipalname",
    "actionstate",
    "imei",
    "deviceimei",
    "deviceownerupn",
    "deviceowneruserprincipalname",
    "managementname",
    "requestdatetime",
    "startdatetime",
];
const EXPORT: &[&[&str]] = &[
    OF_INTUNE,
    ACTION,
    STATE,
    &["devicename", "devicedisplayname", "serialnumber", "deviceserialnumber", "imei", "deviceimei", "managementname", "deviceid"],
];

/// Keys of Graph, or the columns of an export of actions.
pub fn recognise(given: &Given) -> bool {
    let head = given.head();
    if !head.trim_start().starts_with(['{', '[']) {
        return tables::is_headed(head, EXPORT);
    }
    let head = head.to_ascii_lowercase();
    ["\"deviceactionresults\"", "microsoft.graph.manageddevice", "microsoft.graph.deviceactionresult", "remoteactionaudit", "manageddevices"]
        .iter()
        .any(|key| head.contains(key))
        || (head.contains("\"actionstate\"") && (head.contains("\"actionname\"") || head.contains("\"action\"")))
}

/// Reads the whole file.
pub fn read(given: &Given) -> Reading {
    let mut found = Found::default();
    let (documents, _) = documents(given);
    if documents.is_empty() {
        tables::each_row(&given.text, EXPORT, |row| {
            let device = Device::of(row);
            found.is_export = true;
            found.action(row, &device);
        });
    } else {
        documents.iter().for_each(|(_, value)| found.value(value, &Device::default()));
    }
    let Found { mut notes, others, is_export } = found;
    if others > 0 {
        notes.remark("file", format!("Actions of other kinds (a restart, a lock, a fresh start or an Autopilot reset) are no wipe of a device and were passed over: {others}."));
    } else if notes.records.is_empty() {
        notes.remark("file", "The file is cut off or damaged, or holds no device and no action; ask for it again.");
    }
    notes.reading(NAME, READER_VERSION, (!is_export).then(|| "Microsoft Intune".to_owned()), None)
}

/// What is known of the device that an action was taken on.
#[derive(Clone, Default)]
struct Device {
    name: Option<String>,
    serial: Option<String>,
    vendor: Option<String>,
    model: Option<String>,
    capacity: Option<u64>,
}

impl Device {
    fn of(object: &Object) -> Self {
        Self {
            name: words(object, &["devicename", "devicedisplayname", "managementname", "manageddevicename", "id"]),
            serial: words(object, &["serialnumber", "deviceserialnumber"]),
            vendor: words(object, &["manufacturer"]),
            model: words(object, &["model"]),
            capacity: member(object, &["totalstoragespaceinbytes"]).and_then(number).filter(|bytes| *bytes > 0),
        }
    }

    fn record(&self, kind: Kind) -> MediumReading {
        MediumReading {
            device_serial: self.serial.as_deref().and_then(usable_serial),
            vendor: self.vendor.clone(),
            model: self.model.clone(),
            capacity_bytes: self.capacity,
            ..MediumReading::new(kind, self.name.as_deref().or(self.serial.as_deref()).unwrap_or("file"))
        }
    }
}

#[derive(Default)]
struct Found {
    notes: Notes,
    others: usize,
    is_export: bool,
}

impl Found {
    fn value(&mut self, value: &Value, device: &Device) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.value(item, device)),
            Value::Object(object) => self.object(object, device),
            _ => {}
        }
    }

    fn object(&mut self, object: &Object, device: &Device) {
        let has_state = object.keys().any(|key| is_named(key, "actionstate"));
        let is_action = member(object, ACTION).is_some_and(Value::is_string) && (has_state || member(object, &["actionname"]).is_some());
        if is_action {
            let own = Device::of(object);
            let device = if own.serial.is_some() || (own.name.is_some() && device.name.is_none()) { &own } else { device };
            self.action(object, device);
            return;
        }
        let own = Device::of(object);
        let is_device = own.serial.is_some() || (own.name.is_some() && member(object, &["deviceactionresults"]).is_some());
        let device = if is_device { &own } else { device };
        let before = self.notes.records.len();
        object.values().filter(|value| value.is_object() || value.is_array()).for_each(|value| self.value(value, device));
        if is_device && self.notes.records.len() == before {
            self.record(device.record(Kind::Identity));
        }
    }

    fn action(&mut self, object: &Object, device: &Device) {
        let name = words(object, ACTION).unwrap_or_default();
        let kind = match name.to_ascii_lowercase().replace([' ', '_', '-'], "").as_str() {
            "wipe" | "factoryreset" | "devicewipe" | "wipedevice" | "remotewipe" => Kind::Sanitization,
            "retire" | "retiredevice" | "removecompanydata" | "delete" | "deletedevice" => Kind::Licence,
            _ => {
                self.others += 1;
                return;
            }
        };
        let mut record = MediumReading {
            technique_words: Some(name),
            started_at: words(object, &["startdatetime", "requestdatetime", "datetimeinitiated", "requestdate", "dateinitiated", "datetime"])
                .as_deref()
                .and_then(instant),
            operator: words(object, &["initiatedbyuserprincipalname", "initiatedbyupn", "initiatedby"]),
            ..device.record(kind)
        };
        let place = record.place.clone();
        if kind == Kind::Licence {
            self.notes
                .remark(place, "To retire or delete a device ends its enrolment and does not erase its storage; ask for a wipe with its result.");
        } else {
            record.technique = Technique::FactoryReset;
            record.result = self.outcome(object, &place);
            let is_over = matches!(record.result, Outcome::Pass | Outcome::Fail | Outcome::Aborted);
            record.ended_at =
                words(object, &["lastupdateddatetime", "lastupdated", "datecompleted"]).as_deref().and_then(instant).filter(|_| is_over);
        }
        settle_zone(&mut record);
        self.record(record);
    }

    fn outcome(&mut self, object: &Object, place: &str) -> Outcome {
        let state = words(object, STATE).unwrap_or_default();
        let keeps = member(object, &["keepuserdata"])
            .is_some_and(|kept| kept == &Value::Bool(true) || kept.as_str().is_some_and(|kept| kept.eq_ignore_ascii_case("true")));
        let outcome = match state.to_ascii_lowercase().as_str() {
            "done" => Outcome::Pass,
            // The portal's word for the same.
            "complete" | "completed" if self.is_export => Outcome::Pass,
            "failed" => Outcome::Fail,
            "canceled" | "cancelled" => Outcome::Aborted,
            "pending" | "active" => {
                self.notes.remark(place, "The wipe was ordered and Intune has no result of it yet; ask for the action's state later.");
                Outcome::InProgress
            }
            "notsupported" | "not supported" => {
                self.notes.remark(place, "The device does not support this action: nothing was erased by it.");
                Outcome::Inconclusive
            }
            "" | "none" => {
                self.notes.remark(place, "Intune has no state of this wipe; ask for the device's deviceActionResults.");
                Outcome::Inconclusive
            }
            other => {
                self.notes.remark(place, format!("“{}” is not a state that this reader knows.", short(other)));
                Outcome::Inconclusive
            }
        };
        if keeps && outcome == Outcome::Pass {
            self.notes
                .remark(place, "The wipe was told to keep the user's data, so it erased less than the device holds; ask for a wipe without that.");
            return Outcome::Inconclusive;
        }
        outcome
    }

    fn record(&mut self, record: MediumReading) {
        if record.device_serial.is_none() {
            self.notes.remark(
                record.place.as_str(),
                "There is no serial number of this device here that could identify it; ask for the managedDevice with its serialNumber.",
            );
        }
        self.notes.record(record);
    }
}
