//! What is particular to reports of device management: Google, Microsoft Intune, Apple and Jamf.

use super::*;
use quittance::evidence::Kind;

fn told(name: &str) -> Vec<(Kind, Outcome)> {
    sample(name).records.iter().map(|record| (record.kind, record.result)).collect()
}

#[test]
fn only_an_executed_powerwash_with_success_resets_a_chromebook() {
    use Kind::*;
    use Outcome::*;
    let states = [InProgress, InProgress, InProgress, Inconclusive, Aborted, Inconclusive, Fail, Inconclusive, Inconclusive];
    let mut expected: Vec<_> = states.into_iter().map(|result| (Sanitization, result)).collect();
    expected.extend([(Licence, Inconclusive), (Sanitization, Pass)]);
    assert_eq!(told("google/device_with_every_state.json"), expected);
    let reading = sample("google/device_with_every_state.json");
    assert!(reading.records.iter().all(|record| record.device_serial.as_deref() == Some("P20QQ0417") && record.media_serial.is_none()));
    let last = reading.records.last().unwrap();
    assert_eq!((last.started_at.as_deref(), last.ended_at.as_deref()), (Some("2026-06-12T15:05:00+02:00"), Some("2026-06-12T13:09:41Z")));
    assert!(last.tz_known);
    assert_eq!(told("google/powerwash_executed.json"), [(Sanitization, Pass)]);
    assert!(sample("google/powerwash_executed.json").remarks.iter().any(|remark| remark.what.contains("serialNumber")));
    assert_eq!(told("google/gam_command.txt"), [(Sanitization, Pass)]);
}

#[test]
fn deprovisioned_is_not_wiped() {
    let reading = sample("google/gam_deprovisioned.csv");
    assert_eq!(told("google/gam_deprovisioned.csv"), [(Kind::Licence, Outcome::Inconclusive), (Kind::Identity, Outcome::Inconclusive)]);
    assert_eq!(reading.records[0].device_serial.as_deref(), Some("P20QQ0001"));
    assert!(reading.remarks.iter().any(|remark| remark.what.starts_with("Deprovisioned means")));
}

#[test]
fn only_a_wipe_that_is_done_passes_in_intune() {
    use Kind::*;
    use Outcome::*;
    let expected = [
        (Sanitization, Pass),
        (Sanitization, InProgress),
        (Licence, Inconclusive),
        (Identity, Inconclusive),
        (Sanitization, Inconclusive),
        (Identity, Inconclusive),
    ];
    assert_eq!(told("graph/managed_devices.json"), expected);
    let done = &sample("graph/managed_devices.json").records[0];
    assert_eq!((done.device_serial.as_deref(), done.started_at.as_deref()), (Some("LR0QQ01A"), Some("2026-08-01T14:00:00Z")), "seven decimals");
    let states: Vec<_> = told("graph/every_state.json").into_iter().map(|(_, result)| result).collect();
    assert!(states.starts_with(&[Inconclusive, InProgress, Aborted, Fail, Inconclusive, Inconclusive]) && !states.contains(&Pass), "{states:?}");
    assert_eq!(told("graph/action_export.csv"), [(Sanitization, Pass), (Sanitization, Fail), (Licence, Inconclusive), (Sanitization, Inconclusive)]);
}

#[test]
fn what_an_apple_device_acknowledges_is_received_and_no_more() {
    use Outcome::*;
    let results = |name: &str| told(name).into_iter().map(|(_, result)| result).collect::<Vec<_>>();
    assert_eq!(results("apple/erase_device.plist"), [Inconclusive, Fail]);
    assert_eq!(results("apple/jamf_history.csv"), [Inconclusive, InProgress, Fail, Aborted, Inconclusive]);
    let mut history = results("apple/jamf_mobile_device_history.json");
    history.sort_by_key(|result| format!("{result:?}"));
    assert_eq!(history, [Fail, InProgress, Inconclusive]);
    assert_eq!(results("apple/jamf_computer_history.xml"), [Inconclusive]);
    let answered = &sample("apple/erase_device.plist").records[0];
    assert_eq!(answered.device_serial.as_deref(), Some("DMPXQQ00AAAA"), "from another answer of the same device");
    assert_eq!(answered.technique_words.as_deref(), Some("EraseDevice, ObliterationBehavior DoNotObliterate"));
    let computer = &sample("apple/jamf_computer_history.xml").records[0];
    assert_eq!((computer.device_serial.as_deref(), computer.ended_at.as_deref()), (Some("C02QQ0AAJG5J"), Some("2026-06-10T14:03:02-06:00")));
}

#[test]
fn exports_in_other_shapes_read_the_same() {
    let csv = std::fs::read_to_string(folder().join("apple/jamf_history.csv")).unwrap();
    let reading = evidence::read(csv.as_bytes()).unwrap();
    for other in [
        csv.replace('\n', "\r\n"),
        csv.replace(',', ";"),
        format!("\u{feff}{csv}"),
        format!("Management History\n{csv}"),
        csv.replace("Serial Number", "SERIAL_NUMBER"),
    ] {
        assert_eq!(evidence::read(other.as_bytes()), Some(reading.clone()), "{other}");
    }
}

#[test]
fn another_tools_list_of_actions_is_not_read_as_a_device_managers() {
    for list in ["Serial number,Action,Status\nWX1QQ0417,Wipe,Complete\n", "Device ID,Serial Number,Status\n7,WX1QQ0417,Wiped\n"] {
        assert_eq!(evidence::read(list.as_bytes()), None, "{list}");
    }
}
