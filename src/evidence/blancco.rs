//! Reads Blancco's reports of Drive Eraser and Mobile: XML, the cloud's JSON, what customers flatten them to (XML, JSON or CSV with dotted names), and a PDF's text.
//!
//! All but the text are one tree. The tool's own verdict is `state`; counted failures and exceptions can only lower it.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::printed::{self, Key, Label};
use super::reading::{Notes, Outcome, Reading, short};
use super::stated::{Frame, Stated, Words, note_once};
use super::times::Moment;
use super::tree::Node;
use super::{Given, MAX_RECORDS};

/// The format's name.
pub const NAME: &str = "blancco";
const READER_VERSION: u32 = 1;

/// What `state` says, and what the PDF and the fingerprint on the drive call it.
const STATES: &Words = &[
    ("successful", Outcome::Pass),
    ("success", Outcome::Pass),
    ("successfully erased", Outcome::Pass),
    ("erased successfully", Outcome::Pass),
    ("erasure successful", Outcome::Pass),
    ("erased", Outcome::Pass),
    ("erased with exceptions", Outcome::PassWithExceptions),
    ("erased with exception", Outcome::PassWithExceptions),
    ("successful with exceptions", Outcome::PassWithExceptions),
    ("successfully erased with exceptions", Outcome::PassWithExceptions),
    ("successful with warnings", Outcome::PassWithExceptions),
    ("failed", Outcome::Fail),
    ("failure", Outcome::Fail),
    ("unsuccessful", Outcome::Fail),
    ("not erased", Outcome::Fail),
    ("erasure failed", Outcome::Fail),
    ("cancelled", Outcome::Aborted),
    ("canceled", Outcome::Aborted),
    ("cancelled by user", Outcome::Aborted),
    ("canceled by user", Outcome::Aborted),
    ("user cancelled", Outcome::Aborted),
    ("interrupted", Outcome::Aborted),
    ("aborted", Outcome::Aborted),
    ("stopped", Outcome::Aborted),
    ("in progress", Outcome::InProgress),
    ("ongoing", Outcome::InProgress),
    ("running", Outcome::InProgress),
];

/// Names of the person in fields that a customer may name.
const PERSONS: &[&str] = &["erasure_person", "erasure_technician", "technician_name", "technician", "operator", "operator_name", "performed_by"];
/// A report that has one of these is whole enough to be what its erasures belong to.
const FRAME_PARTS: &[&str] = &["description", "document_id", "blancco_hardware_report", "hardware", "user_data"];

const LABELS: &[Label] = &[
    ("erasures", Key::Drives),
    ("erasure results", Key::Drives),
    ("erasure details", Key::Drives),
    ("erasure", Key::Drives),
    ("drive", Key::Drives),
    ("target", Key::Drives),
    ("hardware details", Key::Elsewhere),
    ("hardware", Key::Elsewhere),
    ("disks", Key::Elsewhere),
    ("processors", Key::Elsewhere),
    ("memory", Key::Elsewhere),
    ("battery", Key::Elsewhere),
    ("user data", Key::Elsewhere),
    ("custom fields", Key::Elsewhere),
    ("system", Key::System),
    ("system information", Key::System),
    ("computer", Key::System),
    ("target serial", Key::Serial),
    ("drive serial", Key::Serial),
    ("drive serial number", Key::Serial),
    ("disk serial", Key::Serial),
    ("disk serial number", Key::Serial),
    ("serial number", Key::Serial),
    ("serial", Key::Serial),
    ("model", Key::Model),
    ("drive model", Key::Model),
    ("disk model", Key::Model),
    ("model name", Key::Model),
    ("vendor", Key::Vendor),
    ("drive vendor", Key::Vendor),
    ("manufacturer", Key::Vendor),
    ("capacity", Key::Capacity),
    ("size", Key::Capacity),
    ("type", Key::Media),
    ("drive type", Key::Media),
    ("interface", Key::Interface),
    ("interface type", Key::Interface),
    ("bus", Key::Interface),
    ("erasure standard", Key::Standard),
    ("erasure standard name", Key::Standard),
    ("erasure method", Key::Standard),
    ("standard", Key::Standard),
    ("overwriting rounds", Key::OverwritingRounds),
    ("firmware rounds", Key::FirmwareRounds),
    ("firmware-based erasure rounds", Key::FirmwareRounds),
    ("erasure rounds", Key::Rounds),
    ("total erasure rounds", Key::Rounds),
    ("verification", Key::Verification),
    ("erasure verification", Key::Verification),
    ("state", Key::State),
    ("status", Key::State),
    ("erasure state", Key::State),
    ("erasure status", Key::State),
    ("erasure result", Key::State),
    ("cleaned sectors", Key::Cleaned),
    ("erased sectors", Key::Cleaned),
    ("failed sectors", Key::Failed),
    ("errors", Key::Errors),
    ("total errors", Key::Errors),
    ("remapped sectors", Key::Remapped),
    ("reallocated sectors", Key::Remapped),
    ("exception", Key::Exception),
    ("exceptions", Key::Exception),
    ("exception message", Key::Exception),
    ("failure message", Key::Exception),
    ("hidden areas", Key::Hidden),
    ("hidden area", Key::Hidden),
    ("hpa/dco", Key::Hidden),
    ("dco/hpa", Key::Hidden),
    ("start time", Key::Start),
    ("started", Key::Start),
    ("end time", Key::End),
    ("ended", Key::End),
    ("elapsed time", Key::Duration),
    ("duration", Key::Duration),
    ("erasure technician", Key::Operator),
    ("erasure person", Key::Operator),
    ("technician", Key::Operator),
    ("operator", Key::Operator),
    ("report id", Key::ReportId),
    ("report uuid", Key::ReportId),
    ("document id", Key::ReportId),
    ("report date", Key::Issued),
    ("date", Key::Issued),
    ("software version", Key::Version),
    ("product version", Key::Version),
    ("blancco drive eraser", Key::Version),
    ("blancco mobile", Key::Ignored),
    ("system serial", Key::SystemSerial),
    ("system serial number", Key::SystemSerial),
    ("computer serial", Key::SystemSerial),
    ("chassis serial", Key::Ignored),
    ("motherboard serial", Key::Ignored),
    ("battery serial", Key::Ignored),
    ("chassis type", Key::Ignored),
    ("system manufacturer", Key::Ignored),
    ("system model", Key::Ignored),
    ("smart status", Key::Ignored),
    ("firmware revision", Key::Ignored),
    ("firmware version", Key::Ignored),
    ("asset id", Key::Ignored),
    ("asset tag", Key::Ignored),
    ("erasure provider", Key::Ignored),
    ("business name", Key::Ignored),
    ("business location", Key::Ignored),
    ("supervisor", Key::Ignored),
    ("digital signature", Key::Closing),
    ("signature", Key::Closing),
    ("report integrity", Key::Closing),
];

/// Blancco's own names for the parts of a report, or its name beside printed labels of an erasure.
pub fn recognise(given: &Given) -> bool {
    let head = given.head();
    let named = |names: &[&str]| names.iter().any(|name| head.contains(name));
    match head.trim_start().chars().next() {
        Some('<') => {
            named(&["blancco_data", "<erasure.target.", "<erasure.state"])
                || (named(&["erasure_report", "blancco"]) && named(&["\"erasures\"", "'erasures'", "<erasures"]))
        }
        Some('{' | '[') => named(&["\"blancco_data\"", "\"blancco_erasure_report\"", "\"erasure.target.", "\"erasure.state\""]),
        _ if is_csv(head) => true,
        _ => head.to_ascii_lowercase().contains("blancco") && (given.is_pdf || printed::is_report(head, LABELS)),
    }
}

/// Reads every report of a file.
pub fn read(given: &Given) -> Reading {
    let mut notes = Notes::default();
    if given.is_damaged {
        notes.remark("file", "Some bytes are not text in the file's encoding; they were read as unknown characters.");
    }
    let tree = match given.head().trim_start().chars().next() {
        Some('<') => Node::of_xml(&given.text),
        Some('{' | '[') => given
            .json()
            .map(Node::of_json)
            .ok_or_else(|| "The JSON is cut off or damaged and nothing in it was read; ask the vendor for the file again.".to_owned()),
        _ if is_csv(given.head()) => Ok(of_csv(&given.text, &mut notes)),
        _ => {
            return printed::read(
                given,
                &printed::Vendor { format: NAME, version: READER_VERSION, tool: "Blancco", labels: LABELS, states: STATES },
                notes,
            );
        }
    };
    match tree {
        Ok(root) => of_tree(&root, notes),
        Err(why) => {
            notes.remark("file", why);
            notes.reading(NAME, READER_VERSION, Some("Blancco".to_owned()), None)
        }
    }
}

fn is_csv(head: &str) -> bool {
    head.lines().next().is_some_and(|line| ["erasure.state", "erasure.target.serial"].iter().any(|name| line.to_ascii_lowercase().contains(name)))
}

fn of_csv(text: &str, notes: &mut Notes) -> Node {
    let first = text.lines().next().unwrap_or_default();
    let delimiter = [b';', b'\t', b'|'].into_iter().find(|byte| first.bytes().any(|other| other == *byte)).unwrap_or(b',');
    let mut rows = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let names = rows.headers().cloned().unwrap_or_default();
    let mut root = Node::default();
    // A row that is not whole, or a last cell that no line end follows, may be cut off.
    let mut whole = true;
    let last = text.lines().count().saturating_sub(2);
    for (number, row) in rows.records().enumerate() {
        let Ok(row) = row else {
            notes.remark("file", "A line of the CSV could not be read; ask the vendor for the file again.");
            break;
        };
        if row.len() != names.len() {
            whole = false;
            continue;
        }
        let cells = if number >= last && !text.ends_with(['\n', '\r']) { row.len().saturating_sub(1) } else { row.len() };
        let mut report = Node::new("report");
        for (name, cell) in names.iter().zip(&row).take(cells).filter(|(_, cell)| !matches!(cell.trim(), "" | "nan" | "NaN" | "None" | "NULL")) {
            report.put(name.trim(), Node { text: cell.trim().to_owned(), ..Node::default() });
        }
        root.children.push(report);
        if root.children.len() > MAX_RECORDS {
            break;
        }
    }
    if !whole {
        notes.remark("file", "A line of the CSV has more or fewer cells than the header and was left out; ask the vendor for the file again.");
    }
    root
}

/// An erasure, what it is part of, and what that is part of.
struct Found<'a> {
    erasure: &'a Node,
    report: &'a Node,
    around: &'a Node,
}

/// What a report says once for all its erasures.
struct Report<'a> {
    node: &'a Node,
    frame: Frame,
    disks: Vec<&'a Node>,
    /// The first disk of each number.
    disks_by_id: HashMap<&'a str, &'a Node>,
    system: Option<&'a Node>,
    is_mobile: bool,
    is_verified: bool,
}

impl<'a> Report<'a> {
    fn of(place: &Found<'a>) -> Self {
        let node = place.report;
        let is = |name: &str, word: &str| node.find(name).is_some_and(|text| text.to_ascii_lowercase().contains(word));
        let system = system(node);
        let disks = node.all(&|node| node.name == "disk");
        let mut disks_by_id = HashMap::new();
        for disk in &disks {
            if let Some(id) = disk.leaf("id") {
                disks_by_id.entry(id).or_insert(*disk);
            }
        }
        Self {
            node,
            frame: frame(place, system),
            disks,
            disks_by_id,
            system,
            is_mobile: is("product_name", "mobile"),
            is_verified: is("verified", "true"),
        }
    }
}

fn of_tree(root: &Node, mut notes: Notes) -> Reading {
    let mut found = Vec::new();
    gather(root, &mut vec![Part::of(root)], &mut found);
    let (mut tool, mut version) = (None, None);
    // A report may stand in another, so that the erasures of the two take turns.
    let mut reports: HashMap<*const Node, Rc<Report>> = HashMap::new();
    for (number, place) in (1..).zip(&found) {
        if notes.records.len() >= MAX_RECORDS {
            notes.left_out = true;
            break;
        }
        let report = Rc::clone(reports.entry(std::ptr::from_ref(place.report)).or_insert_with(|| {
            tool = tool.take().or_else(|| place.report.find("product_name").map(str::to_owned));
            version = place.report.find("product_version").map(str::to_owned).or(version.take());
            let report = Report::of(place);
            remark_report(&report, &found, &mut notes);
            Rc::new(report)
        }));
        erasure(place.erasure, &report, number, &mut notes);
    }
    if found.is_empty() {
        notes.remark("file", "The report holds no erasure; it may be of the hardware only. Ask the vendor for the erasure report.");
        tool = root.find("product_name").map(str::to_owned);
        version = root.find("product_version").map(str::to_owned);
    }
    if found.iter().any(|place| place.erasure.is_flattened()) {
        notes.remark(
            "file",
            "The names are joined with dots: this was made from the vendor's report and is not the report; ask the vendor for the original.",
        );
    } else if root.name != "blancco_data" && root.all(&|node| node.name == "blancco_data").is_empty() {
        notes.remark(
            "file",
            "The entries of a Blancco report stand here without its outer parts, as other tools write them too; ask the vendor for the original.",
        );
    }
    notes.reading(NAME, READER_VERSION, tool.or(Some("Blancco".to_owned())), version)
}

/// A node on the way to an erasure; what its children are is found out once for all erasures below.
struct Part<'a> {
    node: &'a Node,
    is_report: bool,
    /// `user_data` stands beside `blancco_data`; beside several it belongs to none for certain.
    is_around_one: bool,
}

impl<'a> Part<'a> {
    fn of(node: &'a Node) -> Self {
        Self {
            node,
            is_report: FRAME_PARTS.iter().any(|name| node.child(name).is_some()),
            is_around_one: node.children.iter().filter(|child| child.name == "blancco_data").count() <= 1,
        }
    }
}

/// One more than are told, so that it is known that there are more.
fn gather<'a>(node: &'a Node, path: &mut Vec<Part<'a>>, found: &mut Vec<Found<'a>>) {
    for child in &node.children {
        if found.len() > MAX_RECORDS {
            return;
        }
        if is_erasure(child) {
            let place = path.iter().rposition(|part| part.is_report).unwrap_or(path.len().saturating_sub(1));
            if let (Some(report), Some(around)) = (path.get(place), path.get(place.saturating_sub(1))) {
                found.push(Found { erasure: child, report: report.node, around: if around.is_around_one { around.node } else { report.node } });
            }
        } else {
            path.push(Part::of(child));
            gather(child, path, found);
            path.pop();
        }
    }
}

fn is_erasure(node: &Node) -> bool {
    let told = node.leaf("state").is_some() || node.leaf("erasure_standard_name").is_some() || node.child("target").is_some();
    node.name.starts_with("erasure") && told && !node.children.iter().any(is_erasure)
}

fn remark_report(report: &Report, found: &[Found], notes: &mut Notes) {
    if report.node.find("integrity").is_some() {
        notes.remark("file", "The vendor's signature (integrity) is present and was not checked.");
    }
    if report.is_verified {
        notes.remark("file", "The report says “verified” of itself and not of what was read back; ask the vendor what was verified.");
    }
    let of_it = found.iter().filter(|place| std::ptr::eq(place.report, report.node));
    let (mut serials, mut ids) = (HashSet::new(), HashSet::new());
    for target in of_it.flat_map(|place| targets(place.erasure)) {
        serials.extend(target.leaf("serial"));
        ids.extend(target.leaf("target_id"));
    }
    for disk in &report.disks {
        let by_id = disk.leaf("id").is_some_and(|id| ids.contains(&id));
        if let Some(serial) = disk.leaf("serial").filter(|serial| !by_id && !serials.contains(serial)) {
            notes.remark("file", format!("The report lists a drive with the serial number {} and no erasure of it.", short(serial)));
        }
    }
}

/// What was erased; an erasure without targets is its own.
fn targets(erasure: &Node) -> Vec<&Node> {
    let targets = erasure.all(&|node| node.name == "target");
    if targets.is_empty() { vec![erasure] } else { targets }
}

fn erasure(node: &Node, report: &Report, number: usize, notes: &mut Notes) {
    let mut stated = Stated {
        place: format!("erasure {number}"),
        standard: node.leaf_of(&["erasure_standard_name", "erasure_standard"]),
        technique: node.leaf_of(&["erasure_method", "firmware_command", "technique"]),
        rounds: node.leaf_of(&["total_erasure_rounds"]),
        overwriting_rounds: node.leaf_of(&["overwriting_rounds"]),
        firmware_rounds: node.leaf_of(&["firmware_rounds"]),
        failed: node.leaf_of(&["failed_sectors"]),
        errors: node.leaf_of(&["total_errors", "errors"]),
        remapped: node.leaf_of(&["remapped_sectors", "reallocated_sectors"]),
        cleaned: node.leaf_of(&["cleaned_sectors"]),
        verification: node.leaf_of(&["verification", "verification_level", "verification_percentage"]),
        hidden: node.leaf_of(&["hidden_areas", "hidden_area", "hpa_dco"]),
        start: node.leaf_of(&["start_time"]),
        end: node.leaf_of(&["end_time"]),
        duration: node.leaf_of(&["elapsed_time", "duration"]),
        ..Stated::default()
    };
    for state in node.children.iter().filter(|child| child.name == "state") {
        note_once(&mut stated.states, &state.text);
    }
    for message in node.all(&|node| matches!(node.name.as_str(), "message" | "exception" | "exceptions" | "failure")) {
        if message.children.is_empty() {
            note_once(&mut stated.exceptions, &message.text);
        }
    }
    let succeeded = |state: &String| STATES.iter().any(|(word, outcome)| *outcome == Outcome::Pass && state.eq_ignore_ascii_case(word));
    if stated.verification.is_none() && report.is_verified && stated.states.iter().all(succeeded) && !stated.states.is_empty() {
        stated.verification = Some("verified".to_owned());
    }
    if let Some(stamp) = node.leaf("timestamp").and_then(Moment::read).filter(Moment::is_zoned)
        && stated.end.as_deref().and_then(Moment::read).is_some_and(|end| !end.is_zoned())
    {
        notes.remark(
            stated.place.as_str(),
            format!("Start and end name no zone, while the timestamp does ({}); ask for the zone of the two.", stamp.text()),
        );
    }
    let targets = targets(node);
    // One more than are told, so that it is known that there are more.
    for (number, target) in (1..).zip(&targets).take(MAX_RECORDS + 1) {
        let mut stated = stated.clone();
        if targets.len() > 1 {
            stated.place = format!("{}, target {number}", stated.place);
        }
        aim(&mut stated, target, report, notes);
        stated.tell(&report.frame, STATES, notes);
    }
}

/// What is erased, from the target and, by its number, from the list of disks.
fn aim(stated: &mut Stated, target: &Node, report: &Report, notes: &mut Notes) {
    let listed = target.leaf("target_id").and_then(|id| report.disks_by_id.get(id));
    let leaf = |names: &[&str]| target.leaf_of(names).or_else(|| listed?.leaf_of(names));
    for serial in target.children.iter().filter(|child| child.name == "serial") {
        note_once(&mut stated.serials, &serial.text);
    }
    if let (true, Some(serial)) = (stated.serials.is_empty(), leaf(&["serial"])) {
        stated.serials.push(serial);
    }
    stated.vendor = leaf(&["vendor", "manufacturer"]);
    stated.model = leaf(&["model"]);
    stated.capacity = leaf(&["capacity"]);
    stated.media = leaf(&["type"]);
    stated.interface = leaf(&["interface_type", "interface", "bus"]);
    stated.sector_size = leaf(&["sector_size", "logical_sector_size"]);
    stated.is_mobile = report.is_mobile;
    for serial in &mut stated.serials {
        for prefix in ["IMEI:", "MEID:"] {
            if let Some(rest) = serial.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix)).and(serial.get(prefix.len()..)) {
                let rest = rest.trim().to_owned();
                notes.remark(
                    stated.place.as_str(),
                    format!("The phone is named by its {} {}, not by a serial number of its storage.", prefix.trim_end_matches(':'), short(&rest)),
                );
                stated.is_mobile = true;
                *serial = rest;
                break;
            }
        }
    }
    if stated.is_mobile {
        let system = report.system;
        stated.vendor = stated.vendor.take().or_else(|| system?.leaf_of(&["manufacturer"]));
        stated.model = stated.model.take().or_else(|| system?.leaf_of(&["model"]));
        if stated.serials.is_empty() {
            stated.serials.extend(system.and_then(|system| system.leaf_of(&["imei", "serial"])));
        }
    }
}

fn system(report: &Node) -> Option<&Node> {
    report.all(&|node| node.name == "system" && node.leaf_of(&["serial", "manufacturer", "model", "imei"]).is_some()).first().copied()
}

fn frame(place: &Found, system: Option<&Node>) -> Frame {
    let report = place.report;
    let log = report.all(&|node| node.name == "log_entry");
    let eraser = log.iter().find(|entry| entry.find("product_name").is_some_and(|name| name.to_ascii_lowercase().contains("eras"))).or(log.first());
    let data = report.child("user_data").or_else(|| place.around.child("user_data"));
    let person = |node: &Node| PERSONS.iter().find_map(|name| node.find(name)).map(str::to_owned);
    Frame {
        issued: eraser.and_then(|entry| entry.find("date")).map(str::to_owned),
        operator: data.and_then(person).or_else(|| person(report)),
        report_id: report.find("document_id").or_else(|| place.around.child("@report")?.leaf("uuid")).map(str::to_owned),
        system_serial: system.and_then(|system| system.leaf_of(&["serial"])),
    }
}
