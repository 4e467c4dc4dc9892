//! What is particular to WipeDrive's and BitRaser's reports.

use super::*;
use quittance::domain::names::Method;

fn results(name: &str) -> Vec<Outcome> {
    sample(name).records.iter().map(|record| record.result).collect()
}

fn says(reading: &Reading, words: &str) -> bool {
    reading.remarks.iter().any(|remark| remark.what.contains(words))
}

#[test]
fn wipedrive_is_read_by_its_numbers() {
    use Outcome::*;
    let expected = [Pass, Fail, PassWithExceptions, Inconclusive, Inconclusive, PassWithExceptions, Pass];
    assert_eq!(results("wipedrive/results.xml"), expected);
    assert_eq!(results("wipedrive/words_that_disagree.xml"), [Inconclusive, Inconclusive, Inconclusive, Pass, PassWithExceptions]);
    assert_eq!(results("wipedrive/two_reports_no_root.xml"), [Pass, Fail]);
    assert_eq!(results("wipedrive/printed.txt"), [Pass, PassWithExceptions]);

    let reading = sample("wipedrive/results.xml");
    let first = &reading.records[0];
    assert_eq!((first.media_serial.as_deref(), first.system_serial.as_deref()), (Some("OW-8001KQ88"), Some("ACM7Q2301X")));
    assert_eq!((first.started_at.as_deref(), first.ended_at.as_deref()), (Some("2026-09-16T14:28:24"), Some("2026-09-16T16:39:33")));
    assert_eq!((first.method_claimed, first.technique, first.capacity_bytes), (Some(Method::Clear), Technique::Unknown, None));
    assert!(!first.tz_known);
    assert_eq!(reading.records[2].verification, Verification::None, "“Drive was not verified”");
    let odd = sample("wipedrive/words_that_disagree.xml");
    assert_eq!(odd.records[3].media_serial, None, "masked");
    assert_eq!((odd.records[4].technique, odd.records[4].capacity_bytes), (Technique::HostOverwrite, Some(500_107_862_016)));
    let two = sample("wipedrive/two_reports_no_root.xml");
    assert_eq!((two.records[0].system_serial.as_deref(), two.records[1].system_serial.as_deref()), (Some("ACM7Q2302X"), None));
    assert_eq!((two.records[1].started_at.as_deref(), says(&two, "“09/10/2026 14:28:24” is no date")), (None, true));
    let printed = sample("wipedrive/printed.txt");
    assert_eq!((printed.tool_version.as_deref(), printed.records[1].media_serial.as_deref()), (Some("9.3.1"), Some("OW-8302KQ88")));
}

#[test]
fn bitraser_tells_what_was_erased_from_what_was_there() {
    use Outcome::*;
    assert_eq!(results("bitraser/completed.txt"), [Pass]);
    assert_eq!(results("bitraser/glued_two_drives.txt"), [PassWithExceptions, Fail]);
    assert_eq!(results("bitraser/labels_alone.txt"), [Inconclusive, PassWithExceptions], "a word that is not known; an end that may be missing");

    let reading = sample("bitraser/completed.txt");
    let one = &reading.records[0];
    assert_eq!((one.media_serial.as_deref(), one.system_serial.as_deref()), (Some("FLN2209241X"), Some("ACM7Q2401X")));
    assert_eq!((one.capacity_bytes, one.method_claimed, one.technique), (None, Some(Method::Purge), Technique::Unknown));
    assert_eq!((one.ended_at.as_deref(), one.tz_known), (Some("2026-09-17T17:09:32"), false));
    assert_eq!((one.verification, one.operator.as_deref()), (Verification::Sample, Some("Mira Holm")));
    assert_eq!((reading.tool_version.as_deref(), one.report_id.as_deref()), (Some("3.0.0.7"), Some("58")));
    assert!(says(&reading, "“IST”"));
    assert_eq!(sample("bitraser/medium_and_results_apart.txt").records[0].media_serial.as_deref(), Some("FLN2209247X"));
    let listed = sample("bitraser/media_first_then_results.txt");
    assert!(listed.records.iter().all(|record| record.media_serial.is_none()), "which result is whose is not told");
    assert!(says(&listed, "FLN2209248X and not how its erasure ended"));
    let glued = sample("bitraser/glued_two_drives.txt");
    assert_eq!((glued.records[0].media_serial.as_deref(), glued.records[1].media_serial.as_deref()), (Some("FLN2209243X"), Some("FLN2209244X")));
    assert_eq!((glued.records[0].technique, glued.records[0].errors.write), (Technique::HostOverwrite, Some(7)));
}

#[test]
fn unknown_words_are_never_a_pass() {
    for (name, from) in [
        ("wipedrive/results.xml", "Index=\"2\""),
        ("bitraser/completed.txt", "Status: Completed"),
        ("wipedrive/printed.txt", "Action Result: Success"),
    ] {
        let text = std::fs::read_to_string(folder().join(name)).unwrap();
        for word in ["", "3", "22", "OK", "Abgeschlossen", "Success?", "Not completed", "2 5"] {
            let to = if from.starts_with("Index") { format!("Index=\"{word}\"") } else { from.split_once(": ").unwrap().0.to_owned() + ": " + word };
            let reading = evidence::read(text.replace(from, &to).as_bytes()).unwrap();
            assert!(reading.records.iter().all(|record| !matches!(record.result, Outcome::Pass | Outcome::PassWithExceptions)), "{name}: {word}");
        }
    }
}

#[test]
fn a_letter_that_names_a_tool_is_no_report() {
    for text in ["We erased the drives with BitRaser.\nStatus: fine\n", "Dear all,\nBlancco costs too much. Serial: 12345\n", "WipeDrive\n"] {
        assert!(evidence::read(text.as_bytes()).is_none(), "{text}");
    }
    let long = "BitRaser\nErasure Results\nSerial: AB12\nStatus: Completed\nErasure Method: x\n".repeat(6_000);
    let reading = evidence::read(long.as_bytes()).unwrap();
    assert!(reading.records.len() <= evidence::MAX_RECORDS && reading.remarks.len() <= evidence::MAX_REMARKS + 1);
}
