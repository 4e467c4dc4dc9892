//! What is particular to eReuse's snapshots.

use super::*;

fn sample(name: &str) -> Reading {
    super::sample(&format!("ereuse/{name}.json"))
}

#[test]
fn what_the_samples_are_there_to_show() {
    use Outcome::*;
    let results = |name: &str| sample(name).records.iter().map(|record| record.result).collect::<Vec<_>>();
    assert_eq!(results("severity_words"), [Pass, PassWithExceptions, Fail, Inconclusive, Inconclusive, Inconclusive]);
    assert_eq!(sample("severity_words").records[5].kind, evidence::Kind::Identity, "a drive that nothing was done to");
    assert_eq!(results("kinds_of_erasure"), [PassWithExceptions, Pass, Pass, PassWithExceptions]);
    assert_eq!(results("old_form"), [Pass, Fail, Fail]);
    assert_eq!(results("phone_and_raw_output"), [Pass, Pass]);

    let kinds = sample("kinds_of_erasure");
    let techniques: Vec<_> = kinds.records.iter().map(|record| record.technique).collect();
    assert_eq!(techniques, [Technique::HostOverwrite, Technique::Unknown, Technique::Shred, Technique::HostOverwrite]);
    assert_eq!((kinds.records[0].capacity_bytes, kinds.records[3].capacity_bytes), (Some(250_059_350_016), None), "a rounded size is no capacity");
    assert_eq!(kinds.records[0].started_at.as_deref(), Some("2026-07-13T10:52:45+00:00"));

    let old = sample("old_form");
    assert_eq!((old.records[0].capacity_bytes, old.records[0].tz_known), (Some(160_041_885_696), false));
    assert_eq!((old.records[0].passes_requested, old.records[0].system_serial.as_deref()), (Some(2), None));
    assert!(old.remarks.iter().any(|remark| remark.what.contains("ends in the second in which it starts")));

    let phone = sample("phone_and_raw_output");
    assert_eq!((phone.records[0].media_serial.as_deref(), phone.records[1].device_serial.as_deref()), (None, None));
    assert_eq!(phone.records[0].serial(), Some("R58M12QQABC"));
    assert_eq!(phone.records[1].media_serial.as_deref(), Some("11AAB22CD33E"));
}

#[test]
fn an_unknown_severity_is_never_a_pass() {
    let text = std::fs::read_to_string(folder().join("ereuse/severity_words.json")).unwrap();
    for word in ["", "OK", "Information", "Infos", "in fo", "Pass", "0", "Success"] {
        let reading = evidence::read(text.replace("\"Info\"", &format!("\"{word}\"")).as_bytes()).unwrap();
        assert!(reading.records.iter().all(|record| record.result != Outcome::Pass), "{word}");
    }
}
