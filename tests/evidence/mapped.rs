//! The generic mapper: a profile of the organisation reads what no reader knows.

use super::*;
use evidence::mapped::Profile;
use quittance::domain::names::Method;

const KILLDISK: &str = r#"
name = "killdisk"
version = 3
source = "xml"
records = "/KillDiskReport/Sessions/Session/Disk"
tool = "KillDisk"
time_format = "%d/%m/%Y %H:%M:%S"

[fields]
serial = "@Serial"
model = "Info/Model"
capacity_bytes = "Info/Size"
technique = "Method"
method = "Method"
result = "Status"
verification = "Verify"
write_errors = "Errors"
started_at = "/KillDiskReport/Sessions/Session/@Start"
operator = "/KillDiskReport/Sessions/Session/Operator"
report_id = "/KillDiskReport/@Id"

[results]
"Erased" = "pass"
"Erased with errors" = "pass_with_exceptions"
"Failed" = "fail"

[techniques]
"One Pass Zeros" = "host_overwrite"

[methods]
"NIST 800-88 Clear" = "clear"

[verifications]
"100%" = "all"
"#;

const XML: &str = r#"<?xml version="1.0"?>
<KillDiskReport Id="KD-77">
  <Sessions>
    <Session Start="06/10/2026 09:00:00"><Operator>R. Field</Operator>
      <Disk Serial="WD-WX11A44X9001"><Info><Model>WDC WD5000</Model><Size>500,107,862,016 bytes</Size></Info><Method>One Pass Zeros</Method><Status> ERASED </Status><Verify>100%</Verify><Errors>0</Errors></Disk>
      <Disk Serial="????????"><Info><Model>ST500</Model><Size>500 GB</Size></Info><Method>Magic</Method><Status>Erased</Status></Disk>
    </Session>
    <Session Start="07/10/2026 09:00:00"><Operator>K. Bench</Operator>
      <disk serial="WD-WX11A44X9002"><Status>Quite erased</Status></disk>
      <Disk Serial="WD-WX11A44X9003"><Method>One Pass Zeros</Method><Status>Erased</Status><Errors>4</Errors></Disk>
      <Disk Serial="WD-WX11A44X9004"/>
    </Session>
  </Sessions>
</KillDiskReport>"#;

const SHREDDER: &str = r#"
name = "shredder-log"
version = 1
source = "csv"
technique = "shred"
method = "destroy"
[fields]
serial = "Drive S/N"
result = "Outcome"
ended_at = "Shredded"
operator = "Operator"
[results]
"destroyed" = "pass"
"jammed" = "fail"
"#;

/// Every kind of profile.
pub(super) fn profiles() -> &'static [Profile] {
    static PROFILES: std::sync::OnceLock<Vec<Profile>> = std::sync::OnceLock::new();
    PROFILES.get_or_init(|| [SHREDDER, KILLDISK, &SHREDDER.replace("\"csv\"", "\"xlsx\"")].map(profile).to_vec())
}

/// Files that they read.
pub(super) fn texts() -> [(&'static str, Vec<u8>); 3] {
    let rows: &[&[&str]] = &[
        &["Drive S/N", "Shredded", "Operator", "Outcome"],
        &["Z1D5QQ01", "2026-10-06 09:00", "Robin", "destroyed"],
        &["812345678901", "2026-10-06 09:05", "Robin", "crushed"],
    ];
    let csv = rows.iter().map(|row| row.join(",") + "\n").collect::<String>();
    [("mapped/killdisk.xml", XML.as_bytes().to_vec()), ("mapped/shredder.csv", csv.into_bytes()), ("mapped/shredder.xlsx", workbook(rows))]
}

fn profile(text: &str) -> Profile {
    Profile::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn read(text: &str, bytes: &[u8]) -> Reading {
    evidence::read_with(bytes, &[profile(SHREDDER), profile(text)]).expect("some profile recognises it")
}

fn results(reading: &Reading) -> Vec<Outcome> {
    reading.records.iter().map(|record| record.result).collect()
}

#[test]
fn xml_by_paths_inside_and_outside_the_record() {
    use Outcome::*;
    let reading = read(KILLDISK, XML.as_bytes());
    assert_eq!((reading.reader.as_str(), reading.reader_version, reading.tool.as_deref()), ("mapped:killdisk", 3, Some("KillDisk")));
    assert_eq!(results(&reading), [Pass, Pass, Inconclusive, PassWithExceptions, Inconclusive]);
    let first = &reading.records[0];
    assert_eq!((first.media_serial.as_deref(), first.model.as_deref()), (Some("WD-WX11A44X9001"), Some("WDC WD5000")));
    assert_eq!((first.capacity_bytes, first.technique, first.verification), (Some(500_107_862_016), Technique::HostOverwrite, Verification::All));
    assert_eq!((first.operator.as_deref(), first.report_id.as_deref()), (Some("R. Field"), Some("KD-77")));
    assert_eq!((first.started_at.as_deref(), first.tz_known), (Some("2026-10-06T09:00:00"), false));
    assert_eq!((reading.records[1].media_serial.as_deref(), reading.records[1].capacity_bytes), (None, None));
    assert_eq!(reading.records[1].technique, Technique::Unknown);
    assert_eq!(reading.records[3].operator.as_deref(), Some("K. Bench"), "of the session that the disk is in");
    assert!(reading.remarks.iter().any(|remark| remark.what.contains("“Quite erased” is not in the profile's words for the result")));
    assert!(reading.remarks.iter().any(|remark| remark.what.contains("“????????” is masked")));

    let doctype = read(KILLDISK, XML.replace("<KillDiskReport Id", "<!DOCTYPE KillDiskReport [<!ENTITY a \"b\">]>\n<KillDiskReport Id").as_bytes());
    assert!(doctype.records.is_empty() && doctype.remarks.iter().any(|remark| remark.what.contains("DOCTYPE")));
    assert!(evidence::read_with(b"<Other><Disk Serial=\"a1\"/></Other>", &[profile(KILLDISK)]).is_none());
}

#[test]
fn a_shredders_csv_below_its_letterhead() {
    use Outcome::*;
    let csv = "\u{feff}Shredwell GmbH;;;\r\nLauf 7;;;\r\ndrive  s/n;Operator;Shredded;Outcome\r\nZ1D5QQ01;Robin;2026-10-06 13:00:09;Destroyed\r\n6.37702E+15;Robin;06.10.2026;destroyed\r\n;;;\r\nZ1D5QQ03;Robin;2026-10-06T13:02:00+02:00;jammed\r\nZ1D5QQ04;Robin;2026-10-06T13:03Z;\r\nZ1D5";
    let reading = read(KILLDISK, csv.as_bytes());
    assert_eq!(results(&reading), [Pass, Pass, Fail, Inconclusive]);
    let first = &reading.records[0];
    assert_eq!((first.place.as_str(), first.technique, first.method_claimed), ("row 4", Technique::Shred, Some(Method::Destroy)));
    assert_eq!((reading.records[1].media_serial.as_deref(), reading.records[1].ended_at.as_deref()), (None, None));
    assert_eq!((reading.records[2].ended_at.as_deref(), reading.records[2].tz_known), (Some("2026-10-06T13:02:00+02:00"), true));
    assert!(reading.remarks.iter().any(|remark| remark.what.contains("ends inside row")), "a cut serial is not read");
    assert!(evidence::read_with(b"Serial,Outcome\nZ1D5QQ01,destroyed\n", &[profile(SHREDDER)]).is_none(), "columns are missing");
}

#[test]
fn json_by_pointers() {
    let certus = r#"
name = "certus"
version = 1
source = "json"
records = "/report/computers/*/drives"
technique = "nvme_sanitize_crypto"
contains = ["certus"]
[fields]
serial = "identity/serial"
result = "result/code"
system_serial = "/report/computers/*/serial"
issued_at = "/report/issued"
passes_done = "passes"
[results]
"0" = "pass"
"17" = "aborted"
"#;
    let json = br#"{"product":"CERTUS Erasure","report":{"issued":"2026-10-06T13:00:09.123Z","computers":[
      {"serial":"5CD0199QQA","drives":[{"identity":{"serial":"S4EVNX0Q1"},"result":{"code":0},"passes":"1"},{"identity":{"serial":"S4EVNX0Q2"},"result":{"code":"17"}}]},
      {"serial":"5CD0199QQB","drives":[{"identity":{"serial":12345678},"result":{"code":true}}]}, {"serial":"x","drives":[]}]}}"#;
    let reading = read(certus, json);
    assert_eq!(results(&reading), [Outcome::Pass, Outcome::Aborted, Outcome::Inconclusive]);
    assert_eq!((reading.records[0].passes_done, reading.records[0].issued_at.as_deref()), (Some(1), Some("2026-10-06T13:00:09Z")));
    assert_eq!(reading.records[2].system_serial.as_deref(), Some("5CD0199QQB"), "of the computer that the drive is in");
    assert_eq!(reading.records[2].media_serial.as_deref(), Some("12345678"));
    for length in 0..json.len() {
        assert!(evidence::read_with(&json[..length], &[profile(certus)]).is_none(), "half a JSON is none");
    }
}

/// A workbook of one sheet with inline strings; numbers as they are.
fn workbook(rows: &[&[&str]]) -> Vec<u8> {
    use std::io::Write;
    let cell = |text: &&str| match text.parse::<f64>() {
        Ok(_) => format!("<c><v>{text}</v></c>"),
        Err(_) => format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>"),
    };
    let rows: String = rows.iter().map(|row| format!("<row>{}</row>", row.iter().map(cell).collect::<String>())).collect();
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let packages = "http://schemas.openxmlformats.org/package/2006/relationships";
    let members = [
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{packages}\"><Relationship Id=\"a\" Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!("<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets><sheet name=\"Log\" sheetId=\"1\" r:id=\"b\"/></sheets></workbook>"),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{packages}\"><Relationship Id=\"b\" Type=\"{office}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
        ("xl/worksheets/sheet1.xml", format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>")),
    ];
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in members {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn a_spreadsheet_is_a_table_too() {
    let profile_text = SHREDDER.replace("\"csv\"", "\"xlsx\"").replace("shredder-log", "shredder-book");
    let book = workbook(&[
        &["Shredwell", ""],
        &["Drive S/N", "Operator", "Shredded", "Outcome"],
        &["Z1D5QQ01", "Robin", "2026-10-06 13:00:09", "destroyed"],
        &["812345678901", "Robin", "2026-10-06 13:01:09", "crushed"],
    ]);
    let reading = read(&profile_text, &book);
    assert_eq!(reading.reader, "mapped:shredder-book");
    assert_eq!(results(&reading), [Outcome::Pass, Outcome::Inconclusive]);
    assert_eq!(reading.records[1].media_serial.as_deref(), Some("812345678901"), "a number without a decimal point");
    for length in (0..book.len()).step_by(7) {
        let _ = evidence::read_with(&book[..length], &[profile(&profile_text)]);
    }
}

#[test]
fn a_profile_that_cannot_work_is_refused_with_its_line() {
    let with = |from: &str, to: &str| Profile::parse(&KILLDISK.replace(from, to)).unwrap_err();
    let refusals = [
        (with("= \"pass\"", "= \"passed\""), "Line 23: unknown variant"),
        (with("result = \"Status\"", "outcome = \"Status\""), "Line 15: unknown field"),
        (with("name = \"killdisk\"", "name = \"Kill Disk\""), "Line 2: The name has"),
        (with("records = \"/KillDiskReport/Sessions/Session/Disk\"", ""), "Line 4: Set “records”"),
        (with("serial = \"@Serial\"", ""), "Line 9: Add “serial”"),
        (with("%d/%m/%Y %H:%M:%S", "%d/%Q"), "Line 7: The format of times"),
        (with("\"Failed\" = \"fail\"", "\"ERASED\" = \"fail\""), "differs from another word only in capitals"),
        (with("version = 3", "version = "), "Line 3: "),
        (Profile::parse("").unwrap_err(), "Line 1: missing field `name`"),
    ];
    for (refusal, expected) in refusals {
        assert!(refusal.contains(expected), "{refusal}\nwithout {expected}");
    }
}

#[test]
fn any_cut_and_an_unknown_word_are_never_a_pass() {
    for length in 0..XML.len() {
        if let Some(reading) = evidence::read_with(&XML.as_bytes()[..length], &[profile(KILLDISK)]) {
            assert!(reading.records.is_empty(), "half an XML is none");
        }
    }
    for word in ["", "Erase", "Erased.", "Erased!", "not erased", "pass", "OK", "Erased with error"] {
        let reading = read(KILLDISK, XML.replace(" ERASED ", word).as_bytes());
        assert_eq!(reading.records[0].result, Outcome::Inconclusive, "{word}");
    }
}

#[test]
fn the_projects_own_readers_come_first() {
    let log = std::fs::read(folder().join("nwipe/0.42_one_drive.log")).unwrap();
    assert_eq!(evidence::read_with(&log, &[profile(SHREDDER)]), evidence::read(&log));
}
