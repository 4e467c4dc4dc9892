//! Reads what smartctl prints of a drive's identity, as JSON or text: ATA, SCSI and NVMe. It is no record of an erase.

use serde_json::Value;

use super::Given;
use super::members::{Object, documents, member, number, said, words};
use super::reading::{Kind, MediaKind, MediumReading, Notes, Reading, short, usable_serial};
use super::times::since_1970;

/// The format's name.
pub const NAME: &str = "smartctl";
const READER_VERSION: u32 = 1;

/// What USB bridges answer for a vendor when they are asked for their own identity.
const BRIDGES: &[&str] = &["asmt", "asmedia", "jmicron", "usb", "generic", "sabrent", "orico", "ugreen", "inateck", "realtek", "via labs"];

/// The banner of the text, or the two objects that every JSON output has.
pub fn recognise(given: &Given) -> bool {
    let head = given.head();
    let json = head.contains("\"smartctl\"")
        && (head.contains("\"json_format_version\"") || head.contains("\"svn_revision\"") || head.contains("\"protocol\""));
    // A report that quotes smartctl has other things to say first.
    (json && documents_are_smartctl(given)) || head.contains("=== START OF INFORMATION SECTION ===") || head.trim_start().starts_with("smartctl ")
}

fn documents_are_smartctl(given: &Given) -> bool {
    match given.json() {
        Some(Value::Object(object)) => object.contains_key("smartctl") || object.values().any(|value| value.get("smartctl").is_some()),
        Some(Value::Array(items)) => items.iter().any(|item| item.get("smartctl").is_some()),
        _ => true,
    }
}

/// Reads the whole file.
pub fn read(given: &Given) -> Reading {
    let mut found = Found::default();
    let (documents, rest) = documents(given);
    for (before, value) in &documents {
        found.text(before);
        found.value(value);
    }
    found.text(rest);
    let Found { mut notes, version } = found;
    if notes.records.is_empty() {
        notes.remark("file", "smartctl identifies no drive here, or the file is cut off or damaged; ask for the output of “smartctl -j -i” again.");
    }
    notes.reading(NAME, READER_VERSION, Some("smartctl".to_owned()), version)
}

#[derive(Default)]
struct Found {
    notes: Notes,
    version: Option<String>,
}

impl Found {
    fn value(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.value(item)),
            Value::Object(object) if object.contains_key("smartctl") || (object.contains_key("device") && object.contains_key("serial_number")) => {
                self.drive(object)
            }
            Value::Object(object) => object.values().for_each(|value| self.value(value)),
            _ => {}
        }
    }

    fn drive(&mut self, object: &Object) {
        let inner = |name: &str| member(object, &[name]).and_then(Value::as_object);
        if let Some(parts) = inner("smartctl").and_then(|tool| member(tool, &["version"])).and_then(Value::as_array) {
            self.version = Some(parts.iter().filter_map(said).collect::<Vec<_>>().join(".")).filter(|version| !version.is_empty());
        }
        let place = inner("device").and_then(|device| words(device, &["infoname", "name"])).unwrap_or_else(|| "file".to_owned());
        let protocol = inner("device").and_then(|device| words(device, &["protocol", "type"])).unwrap_or_default().to_ascii_lowercase();
        let rotation = member(object, &["rotationrate"]).and_then(number);
        let trim = inner("trim").and_then(|trim| member(trim, &["supported"])).and_then(Value::as_bool);
        let serial = words(object, &["serialnumber", "scsiserialnumber"]);
        let model = words(object, &["modelname", "scsimodelname", "scsiproduct", "product"]);
        if serial.is_none() && model.is_none() {
            self.complaints(object, &place);
            return;
        }
        let bytes = |name: &str| inner(name).and_then(|size| member(size, &["bytes"])).and_then(number);
        let mut record = MediumReading {
            vendor: words(object, &["scsivendor", "vendor"]),
            model,
            capacity_bytes: bytes("usercapacity").or_else(|| member(object, &["nvmetotalcapacity"]).and_then(number)).filter(|bytes| *bytes > 0),
            media_kind: match (rotation, trim) {
                _ if protocol.contains("nvme") => Some(MediaKind::Nvme),
                (Some(0), _) | (None, Some(true)) => Some(MediaKind::Ssd),
                (Some(_), _) => Some(MediaKind::Hdd),
                _ => None,
            },
            issued_at: inner("localtime").and_then(|time| member(time, &["timet"])).and_then(number).and_then(since_1970),
            ..MediumReading::new(Kind::Identity, place.trim_start_matches("/dev/"))
        };
        self.serial(&mut record, serial, protocol.contains("scsi"));
        self.complaints(object, &place);
        self.notes.record(record);
    }

    fn serial(&mut self, record: &mut MediumReading, serial: Option<String>, is_scsi: bool) {
        let place = record.place.clone();
        let usable = serial.as_deref().and_then(usable_serial);
        let vendor = record.vendor.as_deref().unwrap_or_default().to_ascii_lowercase();
        match (usable, serial) {
            (Some(serial), _) if is_scsi && BRIDGES.iter().any(|bridge| vendor.starts_with(bridge)) => {
                record.bridge_serial = Some(serial);
                (record.vendor, record.model) = (None, None);
                self.notes.remark(place, "This serial number is that of a USB bridge, not of the drive behind it; ask for “smartctl -d sat -j -i” or the serial number on the drive's label.");
            }
            (Some(serial), _) => record.media_serial = Some(serial),
            (None, Some(masked)) => self.notes.remark(place, format!("“{}” is a placeholder or masked, not a serial number.", short(&masked))),
            (None, None) => self.notes.remark(place, "smartctl names no serial number of this drive; ask for the one on its label."),
        }
    }

    fn complaints(&mut self, object: &Object, place: &str) {
        let Some(messages) = member(object, &["smartctl"]).and_then(|tool| tool.get("messages")).and_then(Value::as_array) else { return };
        for message in messages.iter().filter_map(|message| message.get("string").and_then(Value::as_str)) {
            self.notes.remark(place.trim_start_matches("/dev/"), format!("smartctl says: “{}”.", short(message)));
        }
    }

    /// `smartctl -i` and everything that begins with it; only whole lines, as a cut serial number is another serial number.
    fn text(&mut self, text: &str) {
        let mut drive: Option<Drive> = None;
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(str::trim) {
            if let Some(rest) = line.strip_prefix("smartctl ") {
                if let Some(version) = rest.split_whitespace().next().filter(|version| version.starts_with(|c: char| c.is_ascii_digit())) {
                    self.version = Some(version.to_owned());
                }
            } else if line == "=== START OF INFORMATION SECTION ===" {
                self.ended(drive.replace(Drive::default()));
            } else if line.starts_with("=== START OF") {
                self.ended(drive.take());
            } else if let (Some(drive), Some((label, value))) = (&mut drive, line.split_once(':')) {
                drive.said(&label.trim().to_ascii_lowercase(), value.trim());
            }
        }
        self.ended(drive);
    }

    fn ended(&mut self, drive: Option<Drive>) {
        let Some(drive) = drive.filter(|drive| drive.serial.is_some() || drive.record.model.is_some()) else { return };
        let mut record = drive.record;
        self.serial(&mut record, drive.serial, drive.is_scsi);
        self.notes.record(record);
    }
}

/// One information section.
struct Drive {
    record: MediumReading,
    serial: Option<String>,
    is_scsi: bool,
}

impl Default for Drive {
    fn default() -> Self {
        Self { record: MediumReading::new(Kind::Identity, "file"), serial: None, is_scsi: false }
    }
}

impl Drive {
    fn said(&mut self, label: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        let record = &mut self.record;
        match label {
            "serial number" => self.serial = Some(value.to_owned()),
            "device model" | "product" => record.model = Some(value.to_owned()),
            "model number" => {
                record.model = Some(value.to_owned());
                record.media_kind = Some(MediaKind::Nvme);
            }
            "vendor" => {
                record.vendor = Some(value.to_owned());
                self.is_scsi = true;
            }
            "user capacity" | "total nvm capacity" => record.capacity_bytes = grouped(value).or(record.capacity_bytes),
            "namespace 1 size/capacity" => record.capacity_bytes = record.capacity_bytes.or_else(|| grouped(value)),
            "rotation rate" if value.contains("Solid State") => record.media_kind = Some(MediaKind::Ssd),
            "rotation rate" if value.ends_with("rpm") => record.media_kind = Some(MediaKind::Hdd),
            _ => {}
        }
    }
}

/// `1,000,204,886,016 bytes [1.00 TB]` with whatever the locale puts between groups of three.
fn grouped(value: &str) -> Option<u64> {
    let digits = value.split("bytes").next().and_then(|figure| figure.split('[').next())?.trim();
    let between = |c: char| c.is_whitespace() || matches!(c, ',' | '.' | '\'' | '’');
    let groups: Vec<&str> = digits.split(between).collect();
    let whole = groups.iter().skip(1).all(|group| group.len() == 3) && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_digit()));
    whole.then(|| groups.concat().parse().ok()).flatten().filter(|bytes| *bytes > 0)
}
