//! What is particular to the nwipe log.

use super::*;

fn sample(name: &str) -> Reading {
    super::sample(&format!("nwipe/{name}.log"))
}

fn log_of(name: &str) -> String {
    String::from_utf8(std::fs::read(folder().join("nwipe").join(format!("{name}.log"))).unwrap()).unwrap()
}

#[test]
fn what_the_samples_are_there_to_show() {
    let results = |name: &str| sample(name).records.iter().map(|record| record.result).collect::<Vec<_>>();
    use Outcome::*;
    assert_eq!(results("0.30_one_drive_dod_short"), [Pass]);
    assert_eq!(results("0.34_crlf_and_mark"), [Pass]);
    assert_eq!(results("0.42_one_drive"), [Pass]);
    assert_eq!(results("0.42_three_drives_one_failed_one_flagged"), [Pass, Fail, PassWithExceptions]);
    assert_eq!(results("0.42_aborted_by_the_user"), [Aborted]);
    assert_eq!(results("0.2x_old_prefix_unfinished"), [InProgress]);
    assert_eq!(results("0.34_hidden_area"), [PassWithExceptions]);
    assert_eq!(results("0.42_two_runs"), [Aborted, Pass]);
    assert_eq!(results("0.42_folded_lines"), [Pass]);
    assert_eq!(results("0.42_sanitize"), [Pass, Pass, InProgress, Fail]);
    assert_eq!(results("0.42_words_and_figures_that_disagree"), [Fail, Fail, Inconclusive, Fail, PassWithExceptions]);
    assert_eq!(results("0.42_verify_only"), [Inconclusive]);
    assert_eq!(results("0.30_tables_only"), [PassWithExceptions, PassWithExceptions], "no method is named");
    assert_eq!(results("0.36_usb_indeterminate"), [PassWithExceptions]);

    let one = &sample("0.42_one_drive").records[0];
    assert_eq!(one.media_serial.as_deref(), Some("Z9LXT1RTT"));
    assert_eq!(one.model.as_deref(), Some("TOSHIBA MQ04ABF100"), "the model is not the one that the table cuts short");
    assert_eq!((one.passes_done, one.passes_requested), (Some(1), Some(1)));
    assert_eq!((one.technique, one.verification, one.hidden_area), (Technique::HostOverwrite, Verification::All, HiddenArea::None));
    assert_eq!((one.started_at.as_deref(), one.ended_at.as_deref()), (Some("2026-10-06T13:00:09"), Some("2026-10-06T17:33:02")));
    assert!(!one.tz_known, "nwipe writes local time without a zone");
    assert_eq!((one.capacity_bytes, one.bytes_erased), (Some(1_000_204_886_016), Some(1_000_204_886_016)));
    assert_eq!(one.system_serial.as_deref(), Some("5CD0199ZQB"));

    assert!(sample("0.34_masked_serials").records.iter().all(|record| record.media_serial.is_none() && record.system_serial.is_none()));
    assert_eq!(sample("0.42_folded_lines").records[0].media_serial.as_deref(), Some("S20CJ9KZA01234"));
    assert_eq!(sample("0.42_folded_lines").records[0].hidden_area, HiddenArea::None);
    assert_eq!(sample("0.30_tables_only").records[0].media_serial, None);
    assert_eq!(sample("0.42_words_and_figures_that_disagree").records[3].media_serial, None, "two serials for one drive: neither binds");

    let failed = &sample("0.42_three_drives_one_failed_one_flagged").records[1];
    assert_eq!((failed.errors.write, failed.errors.sync, failed.bytes_erased), (Some(311), Some(2), Some(61_203_283_968)));
    assert_eq!(failed.ended_at.as_deref(), Some("2026-10-06T14:21:16"), "the start and the duration column");
    assert_eq!(failed.verification, Verification::Unknown, "asked for, never reached");

    let sanitized = sample("0.42_sanitize");
    let techniques: Vec<_> = sanitized.records.iter().map(|record| record.technique).collect();
    assert_eq!(techniques, [Technique::NvmeSanitizeCrypto, Technique::HostOverwrite, Technique::AtaSanitizeBlock, Technique::NvmeSanitizeBlock]);
    assert_eq!(sanitized.records[0].media_serial.as_deref(), Some("70BPG0ZWQX12"), "the controller's line is about its namespace");
}

#[test]
fn an_unknown_status_word_is_never_a_pass() {
    let log = log_of("0.42_one_drive");
    let mut dice = Dice(42);
    let mut words: Vec<String> = [
        "",
        "ERASED?",
        "Erased!",
        "Erase",
        "erased",
        "Erased.",
        "SUCCESS",
        "OK",
        "PASSED",
        "Erased Erased",
        "Not Erased",
        "Érased",
        "-Erased-",
        "100.00%",
    ]
    .map(str::to_owned)
    .to_vec();
    words.extend((0..500).map(|_| (0..8).map(|_| char::from(b' ' + dice.roll(94) as u8)).filter(|c| *c != '|').collect()));
    for word in words {
        if word.trim() == "Erased" {
            continue;
        }
        let reading = evidence::read(log.replace("| Erased |", &format!("|{word}|")).as_bytes()).unwrap();
        assert_ne!(reading.records[0].result, Outcome::Pass, "{word}");
        assert_ne!(reading.records[0].result, Outcome::PassWithExceptions, "{word}");
    }
}

#[test]
fn errors_beside_a_success_are_not_a_pass() {
    let log = log_of("0.42_one_drive");
    let with = |line: &str| {
        let log =
            log.replace("[2026/10/06 17:33:02]  notice: [SUCCESS] Blanked", &format!("{line}\n[2026/10/06 17:33:02]  notice: [SUCCESS] Blanked"));
        evidence::read(log.as_bytes()).unwrap().records[0].result
    };
    assert_eq!(with("[2026/10/06 17:30:00]    info: nothing to see on /dev/sda"), Outcome::Pass, "the control");
    assert_eq!(with("[2026/10/06 17:30:00] warning: read error recovered on /dev/sda"), Outcome::PassWithExceptions);
    assert_eq!(with("[2026/10/06 17:30:00]   fatal: Unable to seed the PRNG."), Outcome::PassWithExceptions);
    let retries = log
        .replace("Fdatasync I\\O Errors", "Fdatasync I\\O Errors | Retries")
        .replace("|                    0\n", "|                    0 |       3\n");
    assert_ne!(retries, log);
    assert_eq!(evidence::read(retries.as_bytes()).unwrap().records[0].result, Outcome::PassWithExceptions, "retries");
    assert_eq!(with("[2026/10/06 17:30:00]   error: [FAILURE] /dev/sda Not empty"), Outcome::Fail);
}

#[test]
fn files_of_absurd_size_and_shape_are_bounded() {
    assert!(evidence::read(&vec![b'a'; evidence::MAX_FILE_BYTES + 1]).is_none());
    assert!(evidence::why_not(&vec![b'a'; evidence::MAX_FILE_BYTES + 1]).contains("25 MiB"));
    let mut many = b"[2026/10/06 13:00:00]    info: nwipe 0.42\n[2026/10/06 13:00:00]    info: x\n".to_vec();
    for n in 0..6000 {
        many.extend(format!("[2026/10/06 13:00:00]  notice: Invoking method 'PRNG Stream' on /dev/sd{n}\n").bytes());
    }
    many.extend(std::iter::repeat_n(b'x', 2 * evidence::MAX_LINE_BYTES));
    let reading = evidence::read(&many).unwrap();
    assert_eq!(reading.records.len(), evidence::MAX_RECORDS);
    assert!(reading.remarks.len() <= evidence::MAX_REMARKS + 1);
    assert!(reading.records.iter().all(|record| record.result == Outcome::InProgress));
}

#[test]
fn a_log_saved_as_utf_16_reads_the_same() {
    let log = log_of("0.42_one_drive").into_bytes();
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(String::from_utf8(log.clone()).unwrap().encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(evidence::read(&wide), evidence::read(&log));
}
