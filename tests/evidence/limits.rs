//! What one file may take, whatever has been done to it: memory and time of this process, over every cut and over mutations of every sample.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::*;

/// What reading one file may take at its peak.
const MOST_MEMORY: u64 = 256 << 20;
/// How long reading one file may last; without optimisation it takes many times as long, and all that is told there is that it ends.
const LONGEST: Duration = Duration::from_secs(if cfg!(debug_assertions) { 30 } else { 1 });
/// A run of the same: as much as a reader meets at worst, or what can be tried in a minute where nothing is optimised.
const LONG: usize = if cfg!(debug_assertions) { 1 << 17 } else { 4 << 20 };

/// The reading, within the bounds. `what` names the file in a failure.
pub(super) fn measured(bytes: &[u8], what: &dyn Fn() -> String) -> Option<Reading> {
    let reading = bounded(bytes, what, || evidence::read_with(bytes, mapped::profiles()));
    assert!(reading.is_some() || !evidence::why_not(bytes).is_empty());
    reading
}

/// What `read` gives, which neither panics nor takes too much memory or time.
pub(super) fn bounded<T>(bytes: &[u8], what: &dyn Fn() -> String, read: impl Fn() -> T) -> T {
    let mut attempts = 0;
    // A machine that is busy with something else stalls once, and not three times at the same file.
    loop {
        attempts += 1;
        let begun = Instant::now();
        let mut given = None;
        let taken = allocation_counter::measure(|| given = catch_unwind(AssertUnwindSafe(&read)).ok());
        let lasted = begun.elapsed();
        let given = given.unwrap_or_else(|| panic!("{}: the reader panicked at {} bytes", what(), bytes.len()));
        assert!(taken.bytes_max <= MOST_MEMORY, "{}: {} MB at the peak", what(), taken.bytes_max >> 20);
        if lasted <= LONGEST {
            return given;
        }
        assert!(attempts < 3, "{}: {lasted:?}", what());
    }
}

/// A count that the environment may raise.
pub(super) fn times(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |count| count.parse().unwrap())
}

/// What a number is never expected to be.
const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "-9223372036854775808",
    "1e308",
    "1e999",
    "0.0000000000000000000000000000000000000000000000001",
    "99999999999999999999999999999999999999999999999999999999999999999999999999999999",
];
/// What formats are built of.
const TOKENS: [&str; 28] = [
    "[",
    "{",
    "<a>",
    "</",
    "(",
    "<<",
    ">>",
    "]",
    "}",
    "\"",
    "\\u0000",
    "\u{202e}",
    "\0",
    "\r\n",
    "\n\n",
    ",",
    ";;",
    "=",
    "&amp;",
    "&x;",
    "<!DOCTYPE a>",
    "<!--",
    "<![CDATA[",
    " obj\n",
    "endstream",
    "stream\n",
    " 0 R ",
    "Erased",
];

/// The sample with one to six things done to it.
pub(super) fn mutated(sample: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for _ in 0..=dice.roll(6) {
        let place = dice.roll(bytes.len() + 1).min(bytes.len().saturating_sub(1));
        let other = dice.roll(bytes.len() + 1);
        let (from, to) = (place.min(other), place.max(other));
        let slice = |most: usize| from..to.min(from + most).min(bytes.len());
        match dice.roll(12) {
            0 if !bytes.is_empty() => bytes[place] ^= 1 << dice.roll(8),
            1 if !bytes.is_empty() => bytes[place] = dice.roll(256) as u8,
            2 => bytes.insert(place, dice.roll(256) as u8),
            3 => drop(bytes.drain(slice(1 + dice.roll(200)))),
            4 => {
                let copy = bytes[slice(2_000)].to_vec();
                bytes.splice(from..from, copy.repeat(1 + dice.roll(8)));
            }
            5 => {
                let (first, second) = (slice(40), other.min(bytes.len())..(other + 40).min(bytes.len()));
                if first.end <= second.start {
                    let (left, right) = (bytes[first.clone()].to_vec(), bytes[second.clone()].to_vec());
                    bytes.splice(second, left);
                    bytes.splice(first, right);
                }
            }
            6 | 7 => {
                // The next number from here on.
                let digits = bytes[place..].iter().position(u8::is_ascii_digit).map(|begin| place + begin);
                if let Some(begin) = digits {
                    let end = bytes[begin..].iter().position(|byte| !byte.is_ascii_digit()).map_or(bytes.len(), |length| begin + length);
                    bytes.splice(begin..end, NUMBERS[dice.roll(NUMBERS.len())].bytes());
                }
            }
            8 => drop(bytes.splice(place..place, TOKENS[dice.roll(TOKENS.len())].bytes())),
            // Rarely, as long files take long.
            9 if dice.roll(8) == 0 => {
                let run = TOKENS[dice.roll(TOKENS.len())].repeat(1 << dice.roll(14));
                bytes.splice(place..place, run.bytes());
            }
            10 => bytes.truncate(place),
            _ => drop(bytes.splice(place..place, [b"\n\r |!/*[]\0\xff9"[dice.roll(12)]])),
        }
    }
    bytes
}

/// Every sample, and those of the mapper, which stand in its tests.
pub(super) fn all_samples() -> Vec<(String, Vec<u8>)> {
    samples().into_iter().chain(mapped::texts().map(|(name, bytes)| (name.to_owned(), bytes))).collect()
}

/// The same mutations at every run.
pub(super) fn dice_for(name: &str) -> Dice {
    Dice(name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
}

#[test]
fn no_mutation_of_any_sample_panics_or_takes_too_much() {
    let rounds = times("QUITTANCE_TEST_MUTATIONS", if cfg!(debug_assertions) { 50 } else { 1_000 });
    on_every_core(&all_samples(), |(name, sample)| {
        let mut dice = dice_for(name);
        for round in 0..rounds {
            let bytes = mutated(sample, &mut dice);
            measured(&bytes, &|| format!("{name}, mutation {round}"));
        }
    });
}

/// What repeats without end is where a reader is slow or greedy first: each token of each format, as often as fits.
#[test]
fn files_as_large_as_they_may_be_take_no_more() {
    let lines = [
        "[2026/10/06 13:00:00]  notice: Invoking method 'PRNG Stream' on /dev/sda\n",
        "/dev/sda:\nIssuing SANITIZE_STATUS command\n",
        "a,b;c|d\t\"\n",
    ];
    let repeated: Vec<String> = TOKENS.iter().chain(&lines).map(|token| token.repeat(LONG / token.len())).collect();
    on_every_core(&all_samples().iter().filter(|(name, _)| is_first_of_its_format(name)).collect::<Vec<_>>(), |(name, sample)| {
        let mut dice = dice_for(name);
        for run in repeated.iter().step_by(if cfg!(debug_assertions) { 3 } else { 1 }) {
            let mut bytes = (*sample).clone();
            let place = dice.roll(bytes.len());
            bytes.splice(place..place, run.bytes());
            measured(&bytes, &|| format!("{name} with a run of {:?} at {place}", &run[..run.floor_char_boundary(20)]));
        }
    });
}

fn is_first_of_its_format(name: &str) -> bool {
    let format = name.split('/').next().unwrap();
    all_samples().iter().find(|(other, _)| other.split('/').next() == Some(format)).is_some_and(|(first, _)| first == name)
}
