//! Reads WhiteCanyon WipeDrive's reports: XML (`Report/Jobs/Job/Operation`) and a PDF's text.
//!
//! The verdict is the number in `ActionResult`, whose words may be translated: 2 is success, 5 is failure. `NISTMethodType` is what the tool claims.

use super::Given;
use super::printed::{self, Key, Label};
use super::reading::{Notes, Outcome, Reading, short};
use super::stated::{Frame, Stated, Words, method_in, note_once};
use super::tree::Node;

/// The format's name.
pub const NAME: &str = "wipedrive";
const READER_VERSION: u32 = 1;

/// By number only: a word without one is no verdict.
const INDEXES: &Words = &[("index 2", Outcome::Pass), ("index 5", Outcome::Fail)];

/// Print has no numbers.
const STATES: &Words = &[
    ("success", Outcome::Pass),
    ("successful", Outcome::Pass),
    ("wipe successful", Outcome::Pass),
    ("completed successfully", Outcome::Pass),
    ("failure", Outcome::Fail),
    ("failed", Outcome::Fail),
    ("unsuccessful", Outcome::Fail),
    ("wipe failed", Outcome::Fail),
    ("aborted", Outcome::Aborted),
    ("cancelled", Outcome::Aborted),
    ("canceled", Outcome::Aborted),
    ("cancelled by user", Outcome::Aborted),
    ("canceled by user", Outcome::Aborted),
    ("in progress", Outcome::InProgress),
];

const LABELS: &[Label] = &[
    ("operations", Key::Drives),
    ("operation", Key::Drives),
    ("drive", Key::Drives),
    ("drive information", Key::Drives),
    ("wipe information", Key::Drives),
    ("job", Key::Elsewhere),
    ("hardware", Key::System),
    ("hardware information", Key::System),
    ("computer", Key::System),
    ("computer information", Key::System),
    ("serial", Key::Serial),
    ("serial number", Key::Serial),
    ("drive serial", Key::Serial),
    ("drive serial number", Key::Serial),
    ("model", Key::Model),
    ("drive model", Key::Model),
    ("vendor", Key::Vendor),
    ("manufacturer", Key::Vendor),
    ("gigabytes", Key::Ignored),
    ("size", Key::Capacity),
    ("capacity", Key::Capacity),
    ("drive type", Key::Media),
    ("type", Key::Media),
    ("interface", Key::Interface),
    ("bus type", Key::Interface),
    ("action", Key::Technique),
    ("pattern", Key::Technique),
    ("wipe pattern", Key::Technique),
    ("wipe method", Key::Technique),
    ("overwrite pattern", Key::Technique),
    ("nist method type", Key::Method),
    ("nistmethodtype", Key::Method),
    ("nist method", Key::Method),
    ("nist method type reason", Key::Exception),
    ("nistmethodtypereason", Key::Exception),
    ("passes", Key::Rounds),
    ("overwrites", Key::Rounds),
    ("verification", Key::Verification),
    ("verification level", Key::Verification),
    ("action result", Key::State),
    ("actionresult", Key::State),
    ("result", Key::State),
    ("status", Key::State),
    ("errors", Key::Errors),
    ("dirty sectors", Key::Failed),
    ("bad sectors", Key::Failed),
    ("failed sectors", Key::Failed),
    ("remapped sectors", Key::Remapped),
    ("hidden areas", Key::Hidden),
    ("hpa/dco", Key::Hidden),
    ("start time", Key::Start),
    ("starttime", Key::Start),
    ("end time", Key::End),
    ("duration", Key::Duration),
    ("user name", Key::Operator),
    ("username", Key::Operator),
    ("operator", Key::Operator),
    ("technician", Key::Operator),
    ("performed by", Key::Operator),
    ("report id", Key::ReportId),
    ("job id", Key::ReportId),
    ("log date", Key::Issued),
    ("report date", Key::Issued),
    ("wipedrive version", Key::Version),
    ("version", Key::Version),
    ("computer serial", Key::SystemSerial),
    ("computerserial", Key::SystemSerial),
    ("computer serial number", Key::SystemSerial),
    ("system serial", Key::SystemSerial),
    ("chassis serial", Key::Ignored),
    ("motherboard serial", Key::Ignored),
    ("smart status", Key::Ignored),
    ("asset tag", Key::Ignored),
    ("signature", Key::Closing),
];

/// An operation's result with its number beside the method, or the tool's name beside printed labels.
pub fn recognise(given: &Given) -> bool {
    let head = given.head();
    let lower = head.to_ascii_lowercase();
    if head.trim_start().starts_with('<') {
        return lower.contains("<operation")
            && (lower.contains("<nistmethodtype") || lower.contains("wipedrive") || (lower.contains("<actionresult") && lower.contains("<job")));
    }
    (lower.contains("wipedrive") || lower.contains("whitecanyon")) && (given.is_pdf || printed::is_report(head, LABELS))
}

/// Reads every operation of a file.
pub fn read(given: &Given) -> Reading {
    let mut notes = Notes::default();
    if given.is_damaged {
        notes.remark("file", "Some bytes are not text in the file's encoding; they were read as unknown characters.");
    }
    if !given.head().trim_start().starts_with('<') {
        let vendor = printed::Vendor { format: NAME, version: READER_VERSION, tool: "WipeDrive", labels: LABELS, states: STATES };
        return printed::read(given, &vendor, notes);
    }
    match Node::of_xml(&given.text) {
        Ok(root) => of_tree(&root, notes),
        Err(why) => {
            notes.remark("file", why);
            notes.reading(NAME, READER_VERSION, Some("WipeDrive".to_owned()), None)
        }
    }
}

fn of_tree(root: &Node, mut notes: Notes) -> Reading {
    let mut reports = root.all(&|node| node.name == "report" && node.child("jobs").is_some());
    if reports.is_empty() {
        reports.push(root);
    }
    let mut number = 0_usize;
    for report in reports {
        let frame = Frame {
            system_serial: report.find("computerserial").map(str::to_owned),
            operator: first(report, &["username", "operator", "technician", "technicianname", "performedby"]),
            report_id: first(report, &["reportid", "jobid", "jobuuid", "uuid"]),
            issued: first(report, &["reportdate", "logdate", "createdate"]),
        };
        for operation in report.all(&|node| node.name == "operation" && node.child("operation").is_none()) {
            number += 1;
            stated(operation, number).tell(&frame, INDEXES, &mut notes);
        }
    }
    if number == 0 {
        notes.remark("file", "The report holds no operation on a drive; ask the vendor for the report of the wipe.");
    }
    let version = first(root, &["wipedriveversion", "softwareversion", "productversion", "version"]);
    notes.reading(NAME, READER_VERSION, Some("WipeDrive".to_owned()), version.as_deref().map(short))
}

fn first(node: &Node, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| node.find(name)).map(str::to_owned)
}

fn stated(operation: &Node, number: usize) -> Stated {
    let leaf = |names: &[&str]| operation.leaf_of(names);
    let mut stated = Stated {
        place: format!("operation {number}"),
        vendor: leaf(&["vendor", "manufacturer", "make"]),
        model: leaf(&["model", "drivemodel", "product"]),
        capacity: leaf(&["bytes", "sizeinbytes", "capacitybytes", "capacity", "size"]),
        media: leaf(&["drivetype", "mediatype", "type"]),
        interface: leaf(&["interface", "interfacetype", "bustype", "bus"]),
        technique: leaf(&["pattern", "patternname", "wipepattern", "wipemethod", "method", "action"]),
        method: leaf(&["nistmethodtype"]),
        rounds: leaf(&["passes", "totalpasses", "overwrites"]),
        verification: leaf(&["verification", "verificationlevel", "verifylevel", "verify"]),
        failed: leaf(&["dirtysectors", "failedsectors", "badsectors"]),
        errors: leaf(&["errors", "errorcount", "totalerrors"]),
        remapped: leaf(&["remappedsectors", "reallocatedsectors"]),
        hidden: leaf(&["hiddenareas", "hiddenarea", "hpadco"]),
        start: leaf(&["starttime"]),
        end: leaf(&["endtime", "finishtime"]),
        duration: leaf(&["duration"]),
        ..Stated::default()
    };
    for serial in operation.children.iter().filter(|child| matches!(child.name.as_str(), "serial" | "driveserial" | "serialnumber")) {
        note_once(&mut stated.serials, &serial.text);
    }
    if let Some(method) = stated.method.as_deref().filter(|method| method_in(method).is_some()) {
        stated.standard = Some(format!("NISTMethodType: {method}"));
    }
    let reason = leaf(&["nistmethodtypereason"]);
    result(operation, reason.as_deref(), &mut stated.states);
    if stated.method.is_none() {
        stated.doubts.push("no NISTMethodType says which method was met".to_owned());
    }
    if let Some(reason) = reason {
        if reason.to_ascii_lowercase().contains("not verified") {
            stated.verification.get_or_insert_with(|| "not verified".to_owned());
        }
        if stated.standard.is_none() {
            stated.doubts.push(format!("of its method it says “{}”", short(&reason)));
        }
    }
    stated
}

/// The number is the verdict; words that deny it stand beside it as a second one.
fn result(operation: &Node, reason: Option<&str>, states: &mut Vec<String>) {
    for result in operation.children.iter().filter(|child| child.name == "actionresult") {
        let Some(index) = result.leaf("@index") else {
            note_once(states, &result.text);
            continue;
        };
        let denies = |words: &str| {
            let words = words.to_ascii_lowercase();
            ["fail", "error", "abort", "cancel", "not complete", "incomplete", "unsuccess"].iter().any(|word| words.contains(word))
        };
        match index {
            "2" | "5" => note_once(states, &format!("index {index}")),
            _ => note_once(states, format!("index {index} {}", result.text).trim()),
        }
        if index == "2" {
            for words in [result.text.as_str(), reason.unwrap_or_default()] {
                if denies(words) {
                    note_once(states, words);
                }
            }
        } else if index == "5" && result.text.to_ascii_lowercase().starts_with("success") {
            note_once(states, &result.text);
        }
    }
}
