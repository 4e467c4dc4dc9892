//! What is particular to usody-sanitize.

use super::*;

fn sample(name: &str) -> Reading {
    super::sample(&format!("usody/{name}.json"))
}

#[test]
fn what_the_samples_are_there_to_show() {
    use Outcome::*;
    let result = |name: &str| sample(name).records[0].result;
    assert_eq!(result("one_drive"), Pass);
    assert_eq!(result("behind_a_usb_bridge"), Pass);
    assert_eq!(result("failed_and_checked_another_drive"), Fail);
    assert_eq!(result("nvme_not_validated"), PassWithExceptions);
    assert_eq!(result("older_without_smart"), Fail);

    let bridged = sample("behind_a_usb_bridge");
    let drive = &bridged.records[0];
    assert_eq!((drive.media_serial.as_deref(), drive.bridge_serial.as_deref()), (Some("57TB9CQEG"), Some("152D00AA0042")));
    assert_eq!((drive.vendor.as_deref(), drive.model.as_deref()), (None, Some("TOSHIBA MK3276GSX")), "ASMT made the bridge");
    assert_eq!((drive.capacity_bytes, drive.verification, drive.technique), (Some(320_072_933_376), Verification::Sample, Technique::HostOverwrite));
    assert_eq!((drive.started_at.as_deref(), drive.tz_known), (Some("2026-09-21T11:43:20Z"), true));
    assert!(bridged.remarks.iter().any(|remark| remark.what.contains("may contain data of the disk")));
    assert_eq!(sample("nvme_not_validated").records[0].technique, Technique::NvmeFormat, "whatever the method is called");
    assert!(sample("failed_and_checked_another_drive").remarks.iter().any(|remark| remark.what.contains("more than one drive (sda and sdb)")));
}

#[test]
fn an_unknown_result_is_never_a_pass() {
    let text = std::fs::read_to_string(folder().join("usody/one_drive.json")).unwrap();
    for word in ["null", "1", "\"ok\"", "\"success\"", "[]", "{}", "\"\""] {
        let reading = evidence::read(text.replace("\n \"result\": true", &format!("\n \"result\": {word}")).as_bytes()).unwrap();
        assert_eq!(reading.records[0].result, Outcome::Inconclusive, "{word}");
    }
    let unchecked = evidence::read(text.replace("\n  \"result\": true", "\n  \"result\": false").as_bytes()).unwrap();
    assert_eq!(unchecked.records[0].result, Outcome::Fail);
}
