//! Readers of evidence over folders of samples: golden readings, every cut, random damage, and words that must never become a pass.
#![cfg(feature = "service")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::cast_possible_truncation)]

mod blancco;
mod drives;
mod ereuse;
mod fuzz;
mod hostile;
mod limits;
mod lint;
mod managed_devices;
mod mapped;
mod nwipe;
mod nwipe_pdf;
mod pdfs;
mod printed_reports;
mod shared_samples;
mod usody;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use quittance::domain::names::Technique;
use quittance::evidence::{self, HiddenArea, Outcome, Reading, Verification};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/evidence")
}

/// Every sample, as `format/file.name` with its bytes; beside each stands its golden reading, `file.name.reading.json`.
fn samples() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for format in std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for file in std::fs::read_dir(&format).unwrap().map(|entry| entry.unwrap().path()) {
            let name = file.strip_prefix(folder()).unwrap().to_str().unwrap().to_owned();
            if !name.ends_with(".reading.json") && !name.ends_with(".rs") {
                all.push((name, std::fs::read(&file).unwrap()));
            }
        }
    }
    all.sort();
    assert!(all.len() >= 10, "the samples are there");
    all
}

fn sample(name: &str) -> Reading {
    let bytes = std::fs::read(folder().join(name)).unwrap();
    evidence::read(&bytes).unwrap_or_else(|| panic!("{name} is not recognised: {}", evidence::why_not(&bytes)))
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

/// Does the work for every item, on all cores.
fn on_every_core<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item);
                }
            });
        }
    });
}

/// `QUITTANCE_WRITE_GOLDEN=1` writes the readings anew; look at the difference before committing it.
#[test]
fn samples_read_as_their_golden_readings_say() {
    for (name, _) in samples() {
        let reading = sample(&name);
        let path = folder().join(format!("{name}.reading.json"));
        if std::env::var_os("QUITTANCE_WRITE_GOLDEN").is_some() {
            std::fs::write(&path, serde_json::to_string_pretty(&reading).unwrap() + "\n").unwrap();
        }
        let golden: Reading = serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|_| panic!("{} is missing", path.display()))).unwrap();
        assert_eq!(reading, golden, "{name}");
    }
}

/// A file cut anywhere claims nothing that the whole file does not: no other serial, no better result.
#[test]
fn every_cut_of_every_sample_is_read_and_never_says_more() {
    on_every_core(&samples(), |(name, bytes)| {
        let whole = evidence::read(bytes).unwrap();
        // Where nothing is optimised, every 29th length of a file that is not short; the long run tries each.
        let step = if cfg!(debug_assertions) && bytes.len() > 500 { 29 } else { 1 };
        for length in (0..bytes.len()).step_by(step) {
            let Some(cut) = limits::measured(&bytes[..length], &|| format!("{name} cut at {length}")) else { continue };
            for record in &cut.records {
                // Where two places of a file disagree, a cut may hold only the first of them.
                if let Some(serial) = record.media_serial.as_ref().filter(|_| !name.contains("disagree")) {
                    assert!(whole.records.iter().any(|other| other.media_serial.as_ref() == Some(serial)), "{name} cut at {length}: {serial}");
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
    });
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
            let by_word = ["nwipe/0.42_aborted_by_the_user.log", "nwipe/0.2x_old_prefix_unfinished.log"].contains(&name.as_str());
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
