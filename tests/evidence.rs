//! Readers of evidence over folders of samples: golden readings, every cut, random damage, and words that must never become a pass.
#![cfg(feature = "service")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::cast_possible_truncation)]

use std::path::{Path, PathBuf};

use quittance::domain::names::Technique;
use quittance::evidence::{self, HiddenArea, Outcome, Reading, Verification};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/evidence/nwipe")
}

fn samples() -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .collect();
    all.sort();
    assert!(all.len() >= 10, "the samples are there");
    all
}

fn sample(name: &str) -> Reading {
    evidence::read(&std::fs::read(folder().join(format!("{name}.log"))).unwrap()).unwrap()
}

/// A small generator, so that a failure can be repeated.
struct Dice(u64);
impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

/// `QUITTANCE_WRITE_GOLDEN=1` writes the readings anew; look at the difference before committing it.
#[test]
fn samples_read_as_their_golden_readings_say() {
    for (name, bytes) in samples() {
        let reading = evidence::read(&bytes).unwrap_or_else(|| panic!("{name} is not recognised: {}", evidence::why_not(&bytes)));
        let path = folder().join(format!("{name}.json"));
        if std::env::var_os("QUITTANCE_WRITE_GOLDEN").is_some() {
            std::fs::write(&path, serde_json::to_string_pretty(&reading).unwrap() + "\n").unwrap();
        }
        let golden: Reading = serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|_| panic!("{} is missing", path.display()))).unwrap();
        assert_eq!(reading, golden, "{name}");
    }
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
    assert_eq!(one.serial.as_deref(), Some("Z9LXT1RTT"));
    assert_eq!(one.model.as_deref(), Some("TOSHIBA MQ04ABF100"), "the model is not the one that the table cuts short");
    assert_eq!((one.passes_done, one.passes_requested), (Some(1), Some(1)));
    assert_eq!((one.technique, one.verification, one.hidden_area), (Technique::HostOverwrite, Verification::All, HiddenArea::None));
    assert_eq!((one.started_local.as_deref(), one.ended_local.as_deref()), (Some("2026-10-06T13:00:09"), Some("2026-10-06T17:33:02")));
    assert!(!one.zone_known, "nwipe writes local time without a zone");
    assert_eq!((one.capacity_bytes, one.bytes_erased), (Some(1_000_204_886_016), Some(1_000_204_886_016)));
    assert_eq!(one.system_serial.as_deref(), Some("5CD0199ZQB"));

    assert!(sample("0.34_masked_serials").records.iter().all(|record| record.serial.is_none() && record.system_serial.is_none()));
    assert_eq!(sample("0.42_folded_lines").records[0].serial.as_deref(), Some("S20CJ9KZA01234"));
    assert_eq!(sample("0.42_folded_lines").records[0].hidden_area, HiddenArea::None);
    assert_eq!(sample("0.30_tables_only").records[0].serial, None);
    assert_eq!(sample("0.42_words_and_figures_that_disagree").records[3].serial, None, "two serials for one drive: neither binds");

    let failed = &sample("0.42_three_drives_one_failed_one_flagged").records[1];
    assert_eq!((failed.errors.write, failed.errors.sync, failed.bytes_erased), (Some(311), Some(2), Some(61_203_283_968)));
    assert_eq!(failed.ended_local.as_deref(), Some("2026-10-06T14:21:16"), "the start and the duration column");
    assert_eq!(failed.verification, Verification::Unknown, "asked for, never reached");

    let sanitized = sample("0.42_sanitize");
    let techniques: Vec<_> = sanitized.records.iter().map(|record| record.technique).collect();
    assert_eq!(techniques, [Technique::NvmeSanitizeCrypto, Technique::HostOverwrite, Technique::AtaSanitizeBlock, Technique::NvmeSanitizeBlock]);
    assert_eq!(sanitized.records[0].serial.as_deref(), Some("70BPG0ZWQX12"), "the controller's line is about its namespace");
}

/// A file cut anywhere claims nothing that the whole file does not: no other serial, no better result.
#[test]
fn every_cut_of_every_sample_is_read_and_never_says_more() {
    for (name, bytes) in samples() {
        let whole = evidence::read(&bytes).unwrap();
        for length in 0..bytes.len() {
            let Some(cut) = evidence::read(&bytes[..length]) else {
                assert!(!evidence::why_not(&bytes[..length]).is_empty());
                continue;
            };
            for record in &cut.records {
                // Where two places of a file disagree, a cut may hold only the first of them.
                if let Some(serial) = record.serial.as_ref().filter(|_| name != "0.42_words_and_figures_that_disagree") {
                    assert!(whole.records.iter().any(|other| other.serial.as_ref() == Some(serial)), "{name} cut at {length}: {serial}");
                }
                if record.result == Outcome::Pass {
                    let passes = whole
                        .records
                        .iter()
                        .any(|other| other.place == record.place && other.result == Outcome::Pass && other.technique == record.technique);
                    assert!(passes, "{name} cut at {length}: {} passes", record.place);
                }
            }
        }
    }
}

#[test]
fn damaged_bytes_neither_panic_nor_make_a_pass() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for (name, bytes) in samples() {
        let none_passes = evidence::read(&bytes).unwrap().records.iter().all(|record| record.result != Outcome::Pass);
        for round in 0..400 {
            let mut damaged = bytes.clone();
            for _ in 0..=dice.roll(4) {
                let place = dice.roll(damaged.len());
                match dice.roll(3) {
                    0 => damaged[place] = dice.roll(256) as u8,
                    1 => {
                        damaged.remove(place);
                    }
                    _ => damaged.insert(place, b"\n\r |!/*[]\0\xff9"[dice.roll(12)]),
                }
            }
            let _ = evidence::why_not(&damaged);
            // A warning mark or a figure can be damaged into innocence by one byte; a verdict that is a word, or missing, cannot.
            let by_word = ["0.42_aborted_by_the_user", "0.2x_old_prefix_unfinished"].contains(&name.as_str());
            if let Some(reading) = evidence::read(&damaged)
                && none_passes
                && by_word
            {
                assert!(reading.records.iter().all(|record| record.result != Outcome::Pass), "{name}, round {round}");
            }
        }
    }
}

#[test]
fn an_unknown_status_word_is_never_a_pass() {
    let log = String::from_utf8(std::fs::read(folder().join("0.42_one_drive.log")).unwrap()).unwrap();
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
    let log = String::from_utf8(std::fs::read(folder().join("0.42_one_drive.log")).unwrap()).unwrap();
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
fn other_files_are_told_apart_with_a_reason() {
    let not: [(&[u8], &str); 5] = [
        (b"", "empty"),
        (b"%PDF-1.7\n", "PDF"),
        (b"PK\x03\x04abc", "zip"),
        (&[0, 1, 2, 3, 0, 0, 9, 250], "not text"),
        (b"[2026/10/06 13:00:00] info: backup done\n[2026/10/06 13:00:00] info: bye\n", "is text"),
    ];
    for (bytes, word) in not {
        assert!(evidence::read(bytes).is_none());
        assert!(evidence::why_not(bytes).contains(word), "{}", evidence::why_not(bytes));
    }
}

#[test]
fn a_log_saved_as_utf_16_reads_the_same() {
    let log = std::fs::read(folder().join("0.42_one_drive.log")).unwrap();
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(String::from_utf8(log.clone()).unwrap().encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(evidence::read(&wide), evidence::read(&log));
}
