//! What is particular to nwipe's PDF certificates and their text.

use super::*;

fn sample(name: &str) -> Reading {
    super::sample(&format!("nwipe_pdf/{name}"))
}

#[test]
fn what_the_samples_are_there_to_show() {
    let results = |name: &str| sample(name).records.iter().map(|record| record.result).collect::<Vec<_>>();
    use Outcome::*;
    assert_eq!(results("0.42_one_drive.pdf"), [Pass]);
    assert_eq!(results("0.42_all_drives_of_a_computer.pdf"), [Pass, Fail, PassWithExceptions]);
    assert_eq!(results("0.34_hidden_area_and_glued_labels.txt"), [PassWithExceptions]);
    assert_eq!(results("0.34_impossible_figures.txt"), [PassWithExceptions]);
    assert_eq!(results("0.42_sanitize_on_nvme.txt"), [Pass]);
    assert_eq!(results("0.37_aborted_and_masked.txt"), [Aborted]);
    assert_eq!(results("0.36_unknown_word_crlf.txt"), [Inconclusive]);
    assert_eq!(results("0.36_verify_only.txt"), [Inconclusive]);
    assert_eq!(results("0.40_erased_with_errors.txt"), [Fail]);
    assert_eq!(
        results("text_of_all_drives.txt"),
        [Inconclusive, Inconclusive, Inconclusive],
        "the turned words stand before the entries that they are about: the failed drive would get its neighbour's"
    );

    let one = &sample("0.42_one_drive.pdf").records[0];
    assert_eq!((one.media_serial.as_deref(), one.model.as_deref()), (Some("Z9LXT1RTT"), Some("TOSHIBA MQ04ABF100")));
    assert_eq!((one.operator.as_deref(), one.system_serial.as_deref()), (Some("Robin Page"), Some("5CD0199ZQB")));
    assert_eq!((one.verification, one.hidden_area, one.passes_done), (Verification::All, HiddenArea::None, Some(1)));
    assert_eq!(one.stated_bytes_per_second, Some(122_000_000));

    let hidden = &sample("0.34_hidden_area_and_glued_labels.txt").records[0];
    assert_eq!((hidden.media_serial.as_deref(), hidden.hidden_area), (Some("MSK4215T1R0K8G"), HiddenArea::Found));
    assert_eq!((hidden.capacity_bytes, hidden.bytes_erased), (Some(500_107_862_016), Some(512_000)));

    let impossible = sample("0.34_impossible_figures.txt");
    assert_eq!((impossible.records[0].hidden_area, impossible.records[0].capacity_bytes), (HiddenArea::Unknown, Some(500_107_862_016)));
    assert!(impossible.remarks.iter().any(|remark| remark.what.contains("-976773167") && remark.what.contains("97677316800.0 %")));

    assert_eq!(sample("0.42_sanitize_on_nvme.txt").records[0].technique, Technique::NvmeSanitizeCrypto);
    assert_eq!(sample("0.37_aborted_and_masked.txt").records[0].media_serial, None);
}

#[test]
fn an_unknown_status_word_is_never_a_pass() {
    let text = std::fs::read_to_string(folder().join("nwipe_pdf/0.42_sanitize_on_nvme.txt")).unwrap();
    for word in ["", "ERASE", "Erased", "ERASED!", "OK", "NOT ERASED", "UNERASED", "ERASEDX", "100%", "PASS", "-ERASED-"] {
        let reading = evidence::read(text.replace("Status: ERASED", &format!("Status: {word}")).as_bytes()).unwrap();
        assert!(!matches!(reading.records[0].result, Outcome::Pass | Outcome::PassWithExceptions), "{word}");
    }
    let failed = evidence::read(text.replace("Status: ERASED", "Status: INSANITY").as_bytes()).unwrap();
    assert_eq!(failed.records[0].result, Outcome::Fail);
}
