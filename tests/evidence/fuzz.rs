//! A fuzz target for each reader: random changes of its samples for as long as `QUITTANCE_TEST_FUZZ_SECONDS` says, keeping those that it reads in a new way.
//!
//! `QUITTANCE_TEST_FUZZ_SEED` has other changes made. An input that a reader fails at is kept, and the failure names its file.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use evidence::{FORMATS, Given};

use super::*;

/// However slow the machine is, this many are read.
const LEAST: usize = 30;
/// Inputs that are changed further; larger ones would take the time of many.
const MOST_KEPT: usize = 2_000;
const MOST_KEPT_BYTES: usize = 64 << 10;

/// What is tried.
struct Target {
    name: String,
    samples: Vec<Vec<u8>>,
    read: Read,
}

/// Of a text: whether it is shown as that of a PDF.
type Read = Box<dyn Fn(&[u8], bool) -> Told + Sync>;

/// What a reading comes to. Two of one kind were read alike.
struct Told {
    /// Whether the reader would have been asked.
    recognised: bool,
    /// Serial numbers, words of a page or files of an archive.
    found: usize,
    kind: String,
}

impl Told {
    fn of(recognised: bool, reading: &Reading) -> Self {
        let mut parts: Vec<String> =
            reading.records.iter().map(|record| format!("{:?} {:?} {:?}", record.kind, record.result, record.technique)).collect();
        parts.extend(reading.remarks.iter().map(|remark| plain(&remark.what)));
        parts.sort();
        parts.dedup();
        Self { recognised, found: reading.records.iter().filter(|record| record.serial().is_some()).count(), kind: parts.join("\n") }
    }
}

/// A remark without what it has from the file, which would make each its own kind.
fn plain(what: &str) -> String {
    let own: String = what.split(['“', '”']).step_by(2).collect();
    own.chars().filter(|c| !c.is_ascii_digit()).take(60).collect()
}

/// Readers are total over every input, so each is shown those too that it would not have been asked about.
fn formats() -> Vec<Target> {
    let all = samples();
    FORMATS
        .iter()
        .map(|format| {
            let is_its = |bytes: &[u8]| evidence::read(bytes).is_some_and(|reading| reading.format == format.name);
            let samples = all.iter().map(|(_, bytes)| bytes).filter(|bytes| is_its(bytes)).cloned().collect();
            let read: Read = Box::new(|bytes, as_pdf| {
                let mut given = Given::new(bytes);
                given.is_pdf |= as_pdf;
                Told::of((format.recognise)(&given), &(format.read)(&given))
            });
            Target { name: format.name.to_owned(), samples, read }
        })
        .collect()
}

fn profiles() -> Target {
    let read: Read = Box::new(|bytes, _| {
        let given = Given::new(bytes);
        let told: Vec<Told> = mapped::profiles().iter().map(|profile| Told::of(profile.recognise(&given), &profile.read(&given))).collect();
        Told {
            recognised: told.iter().any(|told| told.recognised),
            found: told.iter().map(|told| told.found).sum(),
            kind: told.into_iter().map(|told| told.kind).collect(),
        }
    });
    Target { name: "mapped".to_owned(), samples: mapped::texts().map(|(_, bytes)| bytes).to_vec(), read }
}

/// What is changed are the objects of a PDF, which is then put together rightly: most changes of a whole one only lose what is in it.
fn pdfs() -> Target {
    let samples = ["nwipe_pdf/0.40_erased_with_errors.txt", "bitraser/glued_two_drives.txt"]
        .map(|name| pdfs::objects(&std::fs::read_to_string(folder().join(name)).unwrap()).join(BETWEEN).into_bytes());
    let read: Read = Box::new(|bytes, _| {
        let objects: Vec<Vec<u8>> = split(bytes, BETWEEN.as_bytes()).into_iter().map(with_length).collect();
        let pdf = hostile::pdf(&objects, "");
        let text = evidence::print_of(&pdf);
        let _ = evidence::read(&pdf);
        let words = text.as_deref().unwrap_or_default().split_whitespace();
        let kind = format!("{} words, {} lines", words.clone().count().next_power_of_two(), text.as_deref().unwrap_or_default().lines().count());
        Told { recognised: text.is_some(), found: words.count(), kind }
    });
    Target { name: "the text of PDFs".to_owned(), samples: samples.to_vec(), read }
}

const BETWEEN: &str = "\nendobj\n";

fn split<'a>(bytes: &'a [u8], mark: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut from = 0;
    while let Some(at) = bytes[from..].windows(mark.len()).position(|window| window == mark) {
        parts.push(&bytes[from..from + at]);
        from += at + mark.len();
    }
    parts.push(&bytes[from..]);
    parts
}

/// The object with the length that its stream has now.
fn with_length(object: &[u8]) -> Vec<u8> {
    let (Some(dictionary), Some(end)) = (split(object, b">>stream\n").first().copied(), object.strip_suffix(b"\nendstream")) else {
        return object.to_vec();
    };
    let Some(content) = end.get(dictionary.len() + 9..) else { return object.to_vec() };
    let kept = split(dictionary, b"/Length ")[0];
    [kept, format!("/Length {} >>stream\n", content.len()).as_bytes(), content, b"\nendstream"].concat()
}

fn archives() -> Target {
    let log = std::fs::read(folder().join("nwipe/0.42_one_drive.log")).unwrap();
    let entries = [hostile::Entry::of("a.log", &log), hostile::Entry::of("b/c.txt", b"no report")];
    let read: Read = Box::new(|bytes, _| {
        let told = quittance::operations::read_file::unpack(bytes);
        let kind = match &told {
            Ok((members, left_out)) => format!("{} {:?}", members.len(), left_out.iter().map(|why| plain(why)).collect::<Vec<_>>()),
            Err(why) => plain(why),
        };
        Told { recognised: told.is_ok(), found: told.map_or(0, |(members, _)| members.len()), kind }
    });
    Target { name: "archives".to_owned(), samples: vec![hostile::archive(&entries), hostile::archive(&entries[..1])], read }
}

#[test]
fn no_reader_fails_whatever_it_is_given() {
    let seconds = limits::times("QUITTANCE_TEST_FUZZ_SECONDS", 1);
    let seed = limits::times("QUITTANCE_TEST_FUZZ_SEED", 0);
    let targets: Vec<Target> = formats().into_iter().chain([profiles(), pdfs(), archives()]).collect();
    assert_eq!(targets.len(), FORMATS.len() + 3);
    on_every_core(&targets, |target| fuzz(target, Duration::from_secs(seconds as u64), seed));
}

fn fuzz(target: &Target, time: Duration, seed: usize) {
    let name = &target.name;
    let begun = Instant::now();
    let mut dice = limits::dice_for(&format!("{name}{seed}"));
    let mut seen = HashSet::new();
    let mut tried = 0;
    let mut try_one = |bytes: &[u8], as_pdf: bool| {
        tried += 1;
        // Asked for only where the reader fails.
        let what = || {
            let kept = std::env::temp_dir().join(format!("quittance-fuzz-{}", name.replace(' ', "-")));
            std::fs::write(&kept, bytes).unwrap();
            format!("{name}, input {tried}{}, kept as {}", if as_pdf { " as a PDF's text" } else { "" }, kept.display())
        };
        limits::bounded(bytes, &what, || (target.read)(bytes, as_pdf))
    };

    // A reader that is given its samples unchanged knows them, finds something in them, and does not say the same of everything.
    let mut kept = target.samples.clone();
    let mut found = 0;
    for sample in &target.samples {
        let told = try_one(sample, false);
        assert!(told.recognised, "{name} does not know its own sample");
        found += told.found;
        seen.insert(told.kind);
    }
    assert!(found > 0, "{name} finds nothing in its samples");
    assert!(seen.len() > 1, "{name} says the same of all its samples");

    let mut inputs = 0;
    let mut recognised = 0;
    while begun.elapsed() < time || inputs < LEAST {
        let place = dice.roll(kept.len());
        let bytes = limits::mutated(&kept[place], &mut dice);
        let told = try_one(&bytes, dice.roll(4) == 0);
        inputs += 1;
        recognised += usize::from(told.recognised);
        if seen.insert(told.kind) && bytes.len() <= MOST_KEPT_BYTES && kept.len() < MOST_KEPT {
            kept.push(bytes);
        }
    }
    assert!(recognised > 0, "{name}: none of {inputs} inputs was close enough to a sample");
    println!("{name}: {inputs} inputs, {recognised} recognised, {} kinds of reading", seen.len());
}
