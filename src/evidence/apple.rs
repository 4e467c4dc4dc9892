//! Reads what device management says of erasing Apple devices: the protocol's own property lists, and Jamf Pro's history of management commands as
//! JSON, XML or CSV.
//!
//! A device acknowledges EraseDevice before it erases itself and never speaks to the server again, so “Acknowledged” and “Completed” mean that the
//! command was received; nothing that this reader reads is a pass by itself.

use std::collections::{HashMap, HashSet};

use roxmltree::Node;
use serde_json::Value;

use super::Given;
use super::members::{Object, documents, is_named, member, number, words};
use super::reading::{Kind, MediumReading, Notes, Outcome, Reading, short, usable_serial};
use super::tables;
use super::times::{instant, settle_zone, since_1970};
use super::tree::document;
use crate::domain::names::Technique;

/// The format's name.
pub const NAME: &str = "apple-mdm";
const READER_VERSION: u32 = 1;

const MAX_DEPTH: u32 = 24;

const COMMAND: &[&str] = &["command", "managementcommand", "commandname", "commandtype", "name"];
const STATUS: &[&str] = &["status", "commandstatus", "commandstate", "state", "result"];
const HISTORY: &[&[&str]] = &[
    &["command", "managementcommand", "commandname", "commandtype"],
    STATUS,
    &["serialnumber", "deviceserialnumber", "serial", "udid", "devicename", "computername", "displayname", "mobiledevicename"],
];

/// A property list that names the command or its answer, Jamf's keys, or the columns of a history.
pub fn recognise(given: &Given) -> bool {
    let head = given.head();
    let any = |words: &[&str]| words.iter().any(|word| head.contains(word));
    let is_json = head.trim_start().starts_with(['{', '[']);
    (any(&["<plist"]) && any(&["EraseDevice", "CommandUUID"]))
        || any(&["<mobile_device_history", "<computer_history", "\"mobile_device_history\"", "\"computer_history\"", "\"management_commands\""])
        || (is_json
            && any(&["\"commandType\"", "\"RequestType\"", "\"request_type\""])
            && any(&["\"commandState\"", "\"dateSent\"", "\"CommandUUID\"", "\"command_uuid\"", "ERASE_DEVICE", "EraseDevice"]))
        || (!is_json && tables::is_headed(head, HISTORY))
}

/// Reads the whole file.
pub fn read(given: &Given) -> Reading {
    let mut found = Found::default();
    let (documents, _) = documents(given);
    for (_, value) in &documents {
        found.history(value, &Device::default(), None);
    }
    let text: &str = &given.text;
    let is_jamf = !text.contains("<plist");
    if documents.is_empty() {
        if !is_jamf {
            found.property_lists(text);
        } else if text.trim_start().starts_with('<') {
            match element_of(text, &mut found.notes) {
                Some(value) => found.history(&value, &Device::default(), None),
                None => found.is_damaged = true,
            }
        } else {
            found.is_table = true;
            tables::each_row(text, HISTORY, |row| found.command(row, &Device::of(row), None));
        }
    }
    let Found { mut notes, others, is_damaged, is_table } = found;
    if others > 0 {
        notes.remark("file", format!("Entries about other commands than EraseDevice were passed over: {others}."));
    } else if notes.records.is_empty() && !is_damaged {
        notes.remark("file", "The file is cut off or damaged, or holds no EraseDevice command; ask for it again.");
    }
    notes.reading(NAME, READER_VERSION, (!is_table).then(|| if is_jamf { "Jamf Pro" } else { "Apple MDM" }.to_owned()), None)
}

#[derive(Clone, Default)]
struct Device {
    name: Option<String>,
    serial: Option<String>,
    model: Option<String>,
    udid: Option<String>,
}

impl Device {
    fn of(object: &Object) -> Self {
        Self {
            name: words(object, &["devicename", "computername", "displayname", "mobiledevicename"]),
            serial: words(object, &["serialnumber", "deviceserialnumber", "serial"]),
            model: words(object, &["model", "modelname", "productname"]),
            udid: words(object, &["udid", "deviceudid"]),
        }
    }
    fn record(&self) -> MediumReading {
        let place = [&self.name, &self.udid, &self.serial].into_iter().flatten().next();
        MediumReading {
            device_serial: self.serial.as_deref().and_then(usable_serial),
            model: self.model.clone(),
            ..MediumReading::new(Kind::Sanitization, place.map_or("file", String::as_str))
        }
    }
}

#[derive(Default)]
struct Found {
    notes: Notes,
    others: usize,
    is_damaged: bool,
    /// A table does not say whose it is.
    is_table: bool,
}

impl Found {
    /// Jamf sorts commands under `completed`, `pending` and `failed`, beside what it knows of the device under `general`.
    fn history(&mut self, value: &Value, device: &Device, heap: Option<&str>) {
        let object = match value {
            Value::Array(items) => return items.iter().for_each(|item| self.history(item, device, heap)),
            Value::Object(object) => object,
            _ => return,
        };
        let general = member(object, &["general", "client", "device"]).and_then(Value::as_object);
        let own = general
            .map(|general| Device { name: words(general, &["name", "devicename"]), ..Device::of(general) })
            .filter(|own| own.serial.is_some() || own.udid.is_some() || own.name.is_some());
        let beside = Some(Device::of(object)).filter(|own| own.serial.is_some() || own.udid.is_some());
        let device = own.as_ref().or(beside.as_ref()).unwrap_or(device);
        let is_command =
            member(object, &["commandtype", "requesttype"]).is_some() || (heap.is_some() && member(object, COMMAND).is_some_and(Value::is_string));
        if is_command {
            self.command(object, device, heap);
            return;
        }
        for (key, value) in object.iter().filter(|(key, _)| !is_named(key, "general")) {
            let named = ["completed", "pending", "failed"].into_iter().find(|heap| is_named(key, heap));
            self.history(value, device, named.or(heap));
        }
    }

    fn command(&mut self, object: &Object, device: &Device, heap: Option<&str>) {
        let name = words(object, &["commandtype", "requesttype"]).or_else(|| words(object, COMMAND)).unwrap_or_default();
        if !erases(&name) {
            self.others += 1;
            return;
        }
        let status = heap.map(str::to_owned).or_else(|| words(object, STATUS)).unwrap_or_default();
        let time = |names: &[&str]| {
            let value = names.iter().find_map(|name| member(object, &[name]))?;
            value.as_str().and_then(instant).or_else(|| since_1970(number(value)?))
        };
        let mut record = MediumReading {
            technique: Technique::FactoryReset,
            technique_words: Some(name),
            started_at: time(&["issuedutc", "issuedepoch", "issued", "dateissued", "datesent", "issueddate", "datetimeissuedutc", "datetimeissued"]),
            operator: words(object, &["username", "issuedby", "initiatedby"]),
            report_id: words(object, &["uuid", "commanduuid"]),
            ..device.record()
        };
        let ended = time(&[
            "completedutc",
            "completedepoch",
            "completed",
            "datecompleted",
            "completeddate",
            "datetimecompletedutc",
            "datetimecompleted",
            "failedutc",
            "failedepoch",
            "failed",
            "datetimefailed",
        ]);
        record.result = self.outcome(&status, &record.place);
        record.ended_at = ended.filter(|_| record.result != Outcome::InProgress);
        self.record(record);
    }

    fn record(&mut self, mut record: MediumReading) {
        settle_zone(&mut record);
        if record.device_serial.is_none() {
            self.notes.remark(
                record.place.as_str(),
                "The report names no serial number of the device; ask for its row of the inventory, with UDID and serial number.",
            );
        }
        self.notes.record(record);
    }

    fn outcome(&mut self, status: &str, place: &str) -> Outcome {
        match status.to_ascii_lowercase().replace([' ', '_', '-'], "").as_str() {
            "acknowledged" | "completed" | "complete" | "success" | "succeeded" => {
                self.notes.remark(place, "The device received the command to erase itself; that it did so is not reported. Ask for somebody to look at the device (it must show the setup assistant) or for another erase with a result.");
                Outcome::Inconclusive
            }
            "pending" | "sent" | "notnow" | "queued" | "idle" => {
                self.notes.remark(place, "The command waits for the device, and nothing was erased by it so far.");
                Outcome::InProgress
            }
            "failed" | "error" | "commandformaterror" => Outcome::Fail,
            "canceled" | "cancelled" => Outcome::Aborted,
            "" => {
                self.notes.remark(place, "The command has no status here; ask for the device's answer to it.");
                Outcome::Inconclusive
            }
            other => {
                self.notes.remark(place, format!("“{}” is not a status that this reader knows.", short(other)));
                Outcome::Inconclusive
            }
        }
    }

    /// Requests and answers, one property list each, in one file.
    fn property_lists(&mut self, text: &str) {
        let mut requests: HashMap<String, Object> = HashMap::new();
        let mut serials: HashMap<String, String> = HashMap::new();
        let mut answers: Vec<Object> = Vec::new();
        let mut order: Vec<String> = Vec::new();
        for piece in text.split("<plist").skip(1).take(super::MAX_RECORDS) {
            // The DOCTYPE that every property list has stands outside of the element.
            let whole = piece.split_once("</plist>").and_then(|(inside, _)| element_of(&format!("<plist{inside}</plist>"), &mut self.notes));
            let Some(Value::Object(list)) = whole else {
                self.is_damaged = true;
                self.notes.remark("file", "A property list is cut off or damaged and was not read; ask for it again.");
                continue;
            };
            let inner = member(&list, &["queryresponses"]).and_then(Value::as_object).unwrap_or(&list);
            if let (Some(udid), Some(serial)) = (words(&list, &["udid"]), words(inner, &["serialnumber"])) {
                serials.insert(udid, serial);
            }
            let id = words(&list, &["commanduuid"]).unwrap_or_default();
            if let Some(command) = member(&list, &["command"]).and_then(Value::as_object) {
                order.push(id.clone());
                requests.insert(id, command.clone());
            } else if member(&list, &["status"]).is_some() {
                answers.push(list);
            }
        }
        for answer in &answers {
            let id = words(answer, &["commanduuid"]).unwrap_or_default();
            let request = requests.get(&id);
            let kind = request.and_then(|command| words(command, &["requesttype"])).or_else(|| words(answer, &["requesttype"]));
            // Without the request, an identifier that says what it is about.
            if !kind.as_deref().map_or_else(|| id.to_ascii_lowercase().contains("erasedevice"), erases) {
                self.others += 1;
                continue;
            }
            let mut device = Device::of(answer);
            device.serial = device.serial.or_else(|| serials.get(device.udid.as_ref()?).cloned());
            let mut record = erase_record(&device, request, &id);
            record.result = self.outcome(&words(answer, &["status"]).unwrap_or_default(), &record.place);
            if record.result == Outcome::Fail
                && let Some(why) = complaint(answer)
            {
                self.notes.remark(record.place.as_str(), format!("The device says: “{}”.", short(&why)));
            }
            self.record(record);
        }
        let answered: HashSet<String> = answers.iter().filter_map(|answer| words(answer, &["commanduuid"])).collect();
        for (id, command) in order.iter().filter(|id| !answered.contains(*id)).filter_map(|id| Some((id, requests.get(id)?))) {
            if !words(command, &["requesttype"]).is_some_and(|kind| erases(&kind)) {
                self.others += 1;
                continue;
            }
            let record = erase_record(&Device::default(), Some(command), id);
            self.notes.remark(record.place.as_str(), "This is a command to erase a device without the device's answer; ask for the answer.");
            self.record(record);
        }
    }
}

fn erase_record(device: &Device, request: Option<&Object>, id: &str) -> MediumReading {
    let behavior = request.and_then(|command| words(command, &["obliterationbehavior"]));
    MediumReading {
        technique: Technique::FactoryReset,
        technique_words: Some(
            behavior.map_or_else(|| "EraseDevice".to_owned(), |behavior| format!("EraseDevice, ObliterationBehavior {}", short(&behavior))),
        ),
        report_id: Some(id.to_owned()).filter(|id| !id.is_empty()),
        ..device.record()
    }
}

fn complaint(answer: &Object) -> Option<String> {
    let first = member(answer, &["errorchain"])?.as_array()?.first()?.as_object()?;
    words(first, &["usenglishdescription", "localizeddescription"])
}

/// The names by which the command goes in the protocol, in Jamf's API and on its pages.
fn erases(name: &str) -> bool {
    ["erasedevice", "wipedevice", "wipecomputer", "erasecomputer", "erasemobiledevice", "eraseallcontentandsettings", "wipe", "erase"]
        .iter()
        .any(|known| is_named(name, known))
}

/// An XML element as JSON: property lists by their keys, other elements by their names.
fn element_of(text: &str, notes: &mut Notes) -> Option<Value> {
    match document(text) {
        Ok(document) => Some(json_of(document.root_element(), 0)),
        Err(roxmltree::Error::DtdDetected) => {
            notes.remark("file", "The XML has a DOCTYPE and was not read; ask for it as the service wrote it.");
            None
        }
        Err(roxmltree::Error::NodesLimitReached) => {
            notes
                .remark("file", "The XML has more elements, or more attributes of one, than any answer has and was not read; ask for smaller files.");
            None
        }
        Err(_) => {
            notes.remark("file", "The XML is cut off or damaged and was not read; ask for it again.");
            None
        }
    }
}

fn json_of(node: Node, depth: u32) -> Value {
    let mut children = node.children().filter(Node::is_element).peekable();
    if depth > MAX_DEPTH || children.peek().is_none() {
        return Value::String(node.text().unwrap_or_default().trim().to_owned());
    }
    match node.tag_name().name() {
        "plist" => children.next().map_or(Value::Null, |inner| json_of(inner, depth + 1)),
        "array" => Value::Array(children.map(|item| json_of(item, depth + 1)).collect()),
        "dict" => {
            let mut object = Object::new();
            while let Some(key) = children.next() {
                if key.has_tag_name("key")
                    && let Some(value) = children.next()
                {
                    object.insert(key.text().unwrap_or_default().trim().to_owned(), json_of(value, depth + 1));
                }
            }
            Value::Object(object)
        }
        _ => {
            let mut object = Object::new();
            for child in children {
                let value = json_of(child, depth + 1);
                match object.get_mut(child.tag_name().name()) {
                    Some(Value::Array(items)) => items.push(value),
                    Some(first) => *first = Value::Array(vec![first.take(), value]),
                    None => {
                        object.insert(child.tag_name().name().to_owned(), value);
                    }
                }
            }
            Value::Object(object)
        }
    }
}
