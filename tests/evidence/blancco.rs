//! What is particular to Blancco's reports.

use super::*;
use quittance::domain::names::Method;
use quittance::evidence::MediaKind;

fn sample(name: &str) -> Reading {
    super::sample(&format!("blancco/{name}"))
}

fn results(name: &str) -> Vec<Outcome> {
    sample(name).records.iter().map(|record| record.result).collect()
}

fn says(reading: &Reading, words: &str) -> bool {
    reading.remarks.iter().any(|remark| remark.what.contains(words))
}

#[test]
fn states_and_figures_come_to_results() {
    use Outcome::*;
    assert_eq!(results("drive_eraser_two_drives_of_three.xml"), [Pass, Pass]);
    let states = [PassWithExceptions, Fail, Aborted, Aborted, InProgress, Inconclusive, Inconclusive];
    assert_eq!(results("drive_eraser_states.xml")[..7], states);
    assert_eq!(results("drive_eraser_states.xml")[7..], [PassWithExceptions; 3], "failed sectors, errors, remapped sectors");
    assert_eq!(
        results("drive_eraser_words_that_disagree.xml"),
        [PassWithExceptions, Pass, PassWithExceptions, Inconclusive, PassWithExceptions, Pass]
    );
    assert_eq!(results("cloud_three_reports.json"), [Pass, PassWithExceptions, Inconclusive]);
    assert_eq!(results("cloud_plain_objects.json"), [Pass, Fail]);
    assert_eq!(results("flattened.csv"), [Pass, Inconclusive]);
    assert_eq!(results("flattened.xml"), [Pass, Fail]);
    assert_eq!(results("printed.txt"), [Pass, PassWithExceptions]);
}

#[test]
fn a_record_holds_what_the_report_says() {
    let reading = sample("drive_eraser_two_drives_of_three.xml");
    assert_eq!((reading.tool.as_deref(), reading.tool_version.as_deref()), (Some("Blancco Drive Eraser"), Some("7.14.0")));
    let [hdd, ssd] = &reading.records[..] else { panic!("two records") };
    assert_eq!((hdd.media_serial.as_deref(), hdd.media_kind, hdd.capacity_bytes), (Some("OW-7T31KQ88"), Some(MediaKind::Hdd), Some(500_107_862_016)));
    assert_eq!((hdd.technique, hdd.method_claimed, hdd.bytes_erased), (Technique::HostOverwrite, Some(Method::Clear), Some(500_107_862_016)));
    assert_eq!((hdd.started_at.as_deref(), hdd.ended_at.as_deref()), (Some("2026-09-14T08:00:00+02:00"), Some("2026-09-14T09:42:10+02:00")));
    assert!(hdd.tz_known);
    assert_eq!((hdd.operator.as_deref(), hdd.system_serial.as_deref()), (Some("Mira Holm"), Some("ACM7Q2201X")));
    assert_eq!((hdd.passes_done, hdd.verification), (Some(1), Verification::VendorClaim));
    assert_eq!(ssd.media_serial.as_deref(), Some("FLN2209114X"), "by its number in the list of disks");
    assert_eq!((ssd.technique, ssd.method_claimed), (Technique::Unknown, Some(Method::Purge)), "which command the firmware ran is not said");
    assert!(says(&reading, "signature (integrity) is present and was not checked"));
    assert!(says(&reading, "FLN5503007B and no erasure of it"));
    assert!(says(&reading, "does not say which; ask the vendor for the command"));
}

#[test]
fn overwriting_and_the_firmwares_command_are_two_records() {
    let text = std::fs::read_to_string(folder().join("blancco/drive_eraser_two_drives_of_three.xml")).unwrap();
    let text = text.replacen("firmware_rounds\" type=\"string\">0<", "firmware_rounds\" type=\"string\">2<", 1);
    let reading = evidence::read(text.as_bytes()).unwrap();
    let [written, commanded, _] = &reading.records[..] else { panic!("three records") };
    assert_eq!((written.place.as_str(), commanded.place.as_str()), ("erasure 1", "erasure 1, firmware"));
    assert_eq!((written.technique, commanded.technique), (Technique::HostOverwrite, Technique::Unknown));
    assert_eq!((written.passes_done, commanded.passes_done), (Some(1), Some(2)));
    assert_eq!((written.bytes_erased, commanded.bytes_erased), (Some(500_107_862_016), None));
    assert_eq!((&written.media_serial, written.result), (&commanded.media_serial, commanded.result));
    assert!(reading.remarks.iter().any(|remark| remark.place == "erasure 1, firmware" && remark.what.contains("does not say which")));
}

#[test]
fn what_disagrees_binds_nothing() {
    let reading = sample("drive_eraser_words_that_disagree.xml");
    assert_eq!(reading.records[0].hidden_area, HiddenArea::Found);
    assert_eq!(reading.records[1].hidden_area, HiddenArea::None);
    assert_eq!(reading.records[3].media_serial, None, "two serials in one target");
    assert_eq!((reading.records[3].started_at.as_deref(), says(&reading, "“00:00:01” is no date")), (None, true));
    assert_eq!((reading.records[4].place.as_str(), reading.records[5].place.as_str()), ("erasure 5, target 1", "erasure 5, target 2"));
    assert_eq!(reading.records[5].media_serial, None, "masked");
}

#[test]
fn phones_are_known_by_their_imei() {
    let phone = &sample("mobile.xml").records[0];
    assert_eq!((phone.media_serial.as_deref(), phone.device_serial.as_deref()), (None, Some("356938035643809")));
    assert_eq!((phone.media_kind, phone.technique), (Some(MediaKind::Mobile), Technique::FactoryReset));
    let reading = sample("flattened.xml");
    assert_eq!(reading.records[0].device_serial.as_deref(), Some("356938035643817"));
    assert!(!reading.records[0].tz_known, "only the timestamp has a zone");
    assert!(says(&reading, "Start and end name no zone"));
    assert!(says(&reading, "joined with dots"));
}

#[test]
fn what_stands_for_a_report_is_told_from_it() {
    assert!(says(&sample("renamed_root.xml"), "without its outer parts"));
    assert!(!says(&sample("drive_eraser_states.xml"), "without its outer parts"));
    let cut = evidence::read(&std::fs::read(folder().join("blancco/mobile.xml")).unwrap()[..900]).unwrap();
    assert!(cut.records.is_empty() && says(&cut, "cut off or damaged"));
    let doctype = b"<?xml version=\"1.0\"?><!DOCTYPE root [<!ENTITY a \"aa\">]><root><blancco_data/></root>";
    assert!(says(&evidence::read(doctype).unwrap(), "DOCTYPE"));
    assert!(says(&evidence::read(b"<root><blancco_data/></root>").unwrap(), "no erasure"));
    let deep = format!("<blancco_data>{}", "<a>".repeat(100_000));
    assert!(evidence::read(deep.as_bytes()).unwrap().records.is_empty());
    let deep = format!("<blancco_data>{}{}</blancco_data>", "<erasure><target>".repeat(200), "</target></erasure>".repeat(200));
    assert!(evidence::read(deep.as_bytes()).is_some());
}

#[test]
fn printed_labels_may_be_glued_or_stand_alone() {
    let reading = sample("printed.txt");
    let [first, second] = &reading.records[..] else { panic!("two records") };
    assert_eq!((first.media_serial.as_deref(), first.model.as_deref()), (Some("OW-7T31KQ97"), Some("OW5000AZ")));
    assert_eq!((first.capacity_bytes, first.ended_at.as_deref()), (Some(500_107_862_016), Some("2026-09-14T09:42:10")));
    assert_eq!((second.media_serial.as_deref(), second.errors.write), (Some("FLN2209198X"), Some(4)));
    assert_eq!((first.system_serial.as_deref(), first.operator.as_deref()), (Some("ACM7Q2208X"), Some("Mira Holm")));
    assert_eq!(reading.tool_version.as_deref(), Some("7.14.0"));
}

#[test]
fn an_unknown_state_is_never_a_pass() {
    let text = std::fs::read_to_string(folder().join("blancco/drive_eraser_two_drives_of_three.xml")).unwrap();
    for word in ["", "Success?", "Erfolgreich", "OK", "Passed", "100%", "true", "Not successful", "Successful (0)", "Unknown"] {
        let reading = evidence::read(text.replace(">Successful<", &format!(">{word}<")).as_bytes()).unwrap();
        assert!(reading.records.iter().all(|record| record.result == Outcome::Inconclusive), "{word}");
    }
}

#[test]
fn what_is_beyond_the_bounds_is_left_out_and_said() {
    let file = |attributes: usize, erasures: usize| {
        let attributes: String = (0..attributes).map(|n| format!(" a{n}='>='")).collect();
        let erasure = |n| format!("<erasure{attributes}><state>Successful</state><target><serial>S3U0NX0K{n}</serial></target></erasure>");
        let text = format!(
            "<blancco_data><!-- <a {} > --><erasures>{}</erasures></blancco_data>",
            "b='' ".repeat(200),
            (0..erasures).map(erasure).collect::<String>()
        );
        evidence::read(text.as_bytes()).unwrap()
    };
    assert_eq!(file(100, 3).records.len(), 3);
    let attributes = file(101, 3);
    assert!(attributes.records.is_empty() && says(&attributes, "more attributes of one"), "{attributes:?}");
    assert!(!says(&file(0, evidence::MAX_RECORDS), "more than 4096 records"));
    let erasures = file(0, evidence::MAX_RECORDS + 1);
    assert_eq!(erasures.records.len(), evidence::MAX_RECORDS);
    assert!(says(&erasures, "more than 4096 records"), "{:?}", erasures.remarks.last());
}

#[test]
fn dotted_names_find_their_part_among_many() {
    let parts: String = (0..3_000).map(|n| format!("<erasure.target{n}.serial>A{n}</erasure.target{n}.serial>")).collect();
    let text =
        format!("<report><erasure.target.serial>S3U0NX0K000001</erasure.target.serial>{parts}<erasure.state>Successful</erasure.state></report>");
    let reading = evidence::read(text.as_bytes()).unwrap();
    let told: Vec<_> = reading.records.iter().map(|record| (record.media_serial.as_deref(), record.result)).collect();
    assert_eq!(told, [(Some("S3U0NX0K000001"), Outcome::Pass)]);
}
