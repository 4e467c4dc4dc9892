//! What is particular to the tools that speak to one drive: nvme-cli, hdparm, smartctl.

use super::*;

fn results(name: &str) -> Vec<Outcome> {
    sample(name).records.iter().map(|record| record.result).collect()
}

fn text_of(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

fn first(text: &str) -> (Outcome, Option<String>) {
    let reading = evidence::read(text.as_bytes()).unwrap();
    let record = &reading.records[0];
    (record.result, record.media_serial.clone())
}

#[test]
fn every_sanitize_status_of_nvme() {
    use Outcome::*;
    assert_eq!(results("nvme/every_status.json"), [Inconclusive, Pass, InProgress, Fail, Inconclusive, Inconclusive, Inconclusive]);
    assert_eq!(results("nvme/sanitize_log_words_as_key.json"), [Pass]);
    assert_eq!(results("nvme/sanitize_log_without_status.json"), [Inconclusive], "missing is not zero, and not success");
    let never = evidence::read(br#"{"sprog":65535,"sstat":0,"cdw10_info":0}"#).unwrap();
    assert!(never.remarks.iter().any(|remark| remark.what.contains("never been sanitized")));
    for status in ["", "(9) Fine", "() x", "Completed Successfully", "(1"] {
        let log = format!(r#"{{"nvme0":{{"sprog":65535,"sstat":{{"status":"{status}"}},"cdw10_info":2}}}}"#);
        assert_eq!(first(&log).0, Inconclusive, "{status}");
    }
}

#[test]
fn nvme_logs_are_bound_by_identifications_of_the_same_device_only() {
    let paired = sample("nvme/transcript_identity_and_block_erase.txt");
    assert_eq!(paired.records.len(), 1, "the later log replaces the earlier");
    let record = &paired.records[0];
    assert_eq!((record.result, record.media_serial.as_deref()), (Outcome::Pass, Some("S64DQQ0R700143")));
    assert_eq!(record.model.as_deref(), Some("Samsung SSD 970 EVO Plus 500GB"), "without the blanks around it");
    assert_eq!((record.technique, record.capacity_bytes), (Technique::NvmeSanitizeBlock, Some(500_107_862_016)));

    let two = sample("nvme/text_two_devices.txt");
    let bound: Vec<_> = two.records.iter().map(|record| (record.media_serial.as_deref(), record.result, record.passes_done)).collect();
    assert_eq!(bound, [(Some("21203A8071QQ"), Outcome::InProgress, None), (Some("S5GXNF0T811902"), Outcome::Pass, Some(3))]);

    let other = text_of("nvme/transcript_identity_and_block_erase.txt").replace("id-ctrl /dev/nvme0", "id-ctrl /dev/nvme3");
    assert_eq!(first(&other), (Outcome::Pass, None), "another device's serial number");
    let alone = sample("nvme/sanitize_log_words_as_key.json");
    assert!(alone.records[0].media_serial.is_none() && alone.remarks.iter().any(|remark| remark.what.contains("nvme id-ctrl")));
}

#[test]
fn an_nvme_format_counts_only_with_secure_erase_and_its_answer() {
    assert_eq!(results("nvme/format.txt"), [Outcome::Pass, Outcome::Inconclusive]);
    let unanswered = text_of("nvme/format.txt").replace("Success formatting namespace:1\n", "");
    assert!(evidence::read(unanswered.as_bytes()).unwrap().records.iter().all(|record| record.result == Outcome::Inconclusive));
}

#[test]
fn every_sanitize_state_of_hdparm() {
    use Outcome::*;
    assert_eq!(results("hdparm/block_erase_done.txt"), [Pass]);
    assert_eq!(results("hdparm/every_state.txt"), [InProgress, Inconclusive, Fail, Pass, Inconclusive, Inconclusive, Inconclusive, Pass]);
    let done = sample("hdparm/block_erase_done.txt");
    assert_eq!((done.records[0].technique, done.records[0].media_serial.as_deref()), (Technique::AtaSanitizeBlock, Some("2136E5QQ0417")));
    assert_eq!(done.tool_version.as_deref(), Some("9.65"));
}

#[test]
fn an_idle_drive_behind_a_bridge_is_not_an_erased_one() {
    let idle = sample("hdparm/false_idle_behind_a_bridge.txt");
    assert_eq!((idle.records[0].result, idle.records[0].media_serial.as_deref()), (Outcome::Inconclusive, Some("50026B7782QQ0417")));
    // Through a pipe the complaint comes ahead of the heading that it belongs under.
    let ahead = "SG_IO: bad/missing sense data, sb[]:  70 00 05\n/dev/sdb:\nIssuing SANITIZE_STATUS command\nSanitize status:\n    State:    SD0 Sanitize Idle\n    Last Sanitize Operation Completed Without Error\n";
    assert_eq!(first(ahead).0, Outcome::Inconclusive);
}

#[test]
fn security_erase_has_no_result_and_its_password_is_not_kept() {
    let reading = sample("hdparm/security_erase.txt");
    let told: Vec<_> = reading.records.iter().map(|record| (record.technique, record.result)).collect();
    assert_eq!(told, [(Technique::AtaSecureEraseEnhanced, Outcome::Inconclusive), (Technique::AtaSecureErase, Outcome::Fail)]);
    assert!(!serde_json::to_string(&reading).unwrap().contains("hunter2"));
}

#[test]
fn smartctl_identifies_drives_and_erases_nothing() {
    for name in ["smartctl/sas.json", "smartctl/ssd_and_bridge.json", "smartctl/information_section.txt"] {
        assert!(
            sample(name).records.iter().all(|record| record.kind == evidence::Kind::Identity && record.result == Outcome::Inconclusive),
            "{name}"
        );
    }
    let sas = &sample("smartctl/sas.json").records[0];
    assert_eq!(sas.media_serial.as_deref(), Some("S0M2QQ170000M537H2KD"), "whole, as printed; the label has its first eight characters");
    let mixed = sample("smartctl/ssd_and_bridge.json");
    assert_eq!((mixed.records[0].media_kind, mixed.records[0].capacity_bytes), (Some(evidence::MediaKind::Ssd), Some(240_057_409_536)));
    assert_eq!((mixed.records[1].media_serial.as_deref(), mixed.records[1].bridge_serial.as_deref()), (None, Some("152D00539QQ7")));
    let text = &sample("smartctl/information_section.txt").records[0];
    assert_eq!((text.media_serial.as_deref(), text.capacity_bytes), (Some("Y3QQC1B7T"), Some(500_107_862_016)));
}

#[test]
fn a_status_before_the_command_is_about_something_older() {
    let done = text_of("hdparm/block_erase_done.txt");
    let (issue, status) = done.split_once("# hdparm --sanitize-status").unwrap();
    let turned = format!("/dev/sda:{status}\n{issue}");
    assert_eq!(first(&turned).0, Outcome::Inconclusive);
}

#[test]
fn transcripts_of_absurd_length_are_bounded() {
    let devices: String = (0..20_000).map(|n| format!("/dev/sd{n}:\nIssuing SANITIZE_BLOCK_ERASE command\n")).collect();
    let logs: String = (0..20_000).map(|_| "(SPROG) : 1\n(SSTAT) : 0x2\n(SCDW10) : 0x2\n").collect();
    for text in [devices, logs] {
        let reading = evidence::read(text.as_bytes()).unwrap();
        assert!(reading.records.len() <= evidence::MAX_RECORDS && reading.remarks.len() <= evidence::MAX_REMARKS + 1);
    }
}
