//! Matching what stored files say with the media of the record: which readings nobody has matched, which media a person could mean, and what people say
//! of them by hand.

use std::collections::BTreeSet;

use super::find_on_bench::{self, Thing};
use super::once::{Once, Outcome};
use super::read_file::{self, Told};
use super::receive_evidence::{findings_of, media_of, told};
use super::record::{Receipt, Terms, ask};
use super::{Service, lint_reports, receive_evidence};
use crate::app::now;
use crate::domain::Actor;
use crate::domain::evidence::{Evidence, Link};
use crate::domain::matching::{DismissReadings, DismissalReason, LinkReading, LinkReason, ReadingRef};
use crate::domain::names::{Digest, MediumId, Name, Reference, Serial};
use crate::domain::records::Records;
use crate::domain::refusal::Refusal;
use crate::error::Result;
use crate::evidence::reading::{Kind, MediumReading, Reading};
use crate::store::idempotency::RequestKey;
use crate::store::{Database, readings, tables};

/// What the newest reader made of a stored file: what is kept beside it, or else out of the file, and then it is kept.
pub fn read(service: &Service, actor: &Actor, sha256: &Digest) -> Result<Told> {
    // What is kept is for those who may have the file.
    receive_evidence::recorded(&mut *service.app.read()?, actor, sha256)?;
    if let Some(reading) = kept(&mut *service.app.read()?, sha256.as_str())? {
        return Ok(Told::Reading(Box::new(reading)));
    }
    let told = read_file::read(&receive_evidence::find(service, actor, sha256)?, &service.profiles);
    if let Some(reading) = told.reading().cloned() {
        let sha256 = sha256.to_string();
        // Whoever asks neither waits for it nor minds if the writer is busy: what is lost is made again.
        let _ = service.recorder.write(move |db| keep(db, &sha256, &reading));
    }
    Ok(told)
}

/// Keeps a reading beside its file.
pub(super) fn keep(db: &mut Database, sha256: &str, reading: &Reading) -> Result<()> {
    // What was read before the bytes were withheld is forgotten, and does not come back.
    if tables::find::<Evidence>(db, &Digest::parse(sha256)?)?.is_some_and(|evidence| evidence.withheld().is_some()) {
        return Ok(());
    }
    readings::add(db, sha256, (&reading.reader, reading.reader_version), serde_json::to_string(reading)?, now().unix_ms())
}

/// The newest reading that is kept of a file; one that this program cannot read any more is as good as lost.
pub(super) fn kept(db: &mut Database, sha256: &str) -> Result<Option<Reading>> {
    Ok(readings::newest(db, sha256)?.and_then(|body| serde_json::from_str(&body).ok()))
}

/// How one record of a reading is told from the others; `number` is its place among them.
pub fn reference(found: &MediumReading, number: usize) -> ReadingRef {
    let place = Name::parse(&found.place).or_else(|_| Name::parse(&format!("record {}", number + 1)));
    let serial = found.serial().and_then(|serial| Serial::parse(serial).ok());
    // The second form is a name.
    ReadingRef { place: place.unwrap_or_else(|_| unreachable!("a number is a name")), serial }
}

/// The records of a reading that somebody has to match or put aside, each thing once, with their places.
pub fn open<'a>(read: &'a Reading, evidence: &Evidence) -> Vec<(usize, &'a MediumReading)> {
    let settled = |reading: &ReadingRef| evidence.is_settled(reading);
    unsettled(read, settled).collect()
}

fn unsettled(read: &Reading, settled: impl Fn(&ReadingRef) -> bool) -> impl Iterator<Item = (usize, &MediumReading)> {
    let mut seen = BTreeSet::new();
    read.records.iter().enumerate().filter(move |(number, found)| {
        let reading = reference(found, *number);
        let key = reading.serial.as_ref().map_or_else(|| (false, reading.place.to_string()), |serial| (true, serial.normal()));
        found.kind == Kind::Sanitization && !settled(&reading) && seen.insert(key)
    })
}

/// How many that are, when these links are made.
pub(super) fn unmatched(read: &Reading, links: &[Link], stored: Option<&Evidence>) -> u32 {
    // A link by hand gives way to one with the medium's own serial number.
    let stays = |link: &Link| !links.iter().any(|new| new.medium == link.medium);
    let before = stored.into_iter().flat_map(|stored| &stored.links).filter(|link| stays(link));
    let linked: Vec<&Serial> = links.iter().chain(before).map(|link| &link.serial).collect();
    let settled = |reading: &ReadingRef| {
        reading.serial.as_ref().is_some_and(|serial| linked.iter().any(|linked| linked.same(serial)))
            || stored.is_some_and(|stored| stored.dismissed_as(reading).is_some())
    };
    u32::try_from(unsettled(read, settled).count()).unwrap_or(u32::MAX)
}

/// Which reading of the file is meant, and what it says.
fn named<'a>(read: &'a Reading, meant: &ReadingRef) -> Result<&'a MediumReading> {
    let records = read.records.iter().enumerate().filter(|(_, found)| found.kind == Kind::Sanitization);
    // The last run is the one that counts, as when the file is read.
    let mut same = records.filter(|(number, found)| reference(found, *number).same(meant)).map(|(_, found)| found);
    same.next_back().ok_or_else(|| {
        let why = "The file says nothing of that: name the place and the serial number as its page shows them, or read the file again.";
        Refusal::new("matching.unknown_reading", why).into()
    })
}

/// What a person says of one reading.
pub struct ByHand {
    /// Which.
    pub reading: ReadingRef,
    /// The medium that it is about.
    pub medium: MediumId,
    /// Why it is the same although the serial numbers differ.
    pub reason: LinkReason,
    /// What shows it.
    pub reference: Option<Reference>,
}

/// Links a reading with a medium by hand. What the file says of it, and what is wrong with that now that the medium is known, goes into the record.
pub fn link(service: &Service, actor: &Actor, sha256: &Digest, said: ByHand, key: Option<&RequestKey>) -> Result<Outcome<Receipt>> {
    let command = link_of(service, actor, sha256, said)?;
    let terms = Terms { once: Once::created(key, |receipt| Ok(receipt.clone())), ..Terms::default() };
    service.recorder.record_once(command, actor, terms)
}

fn nothing_read() -> Refusal {
    Refusal::new("matching.unknown_reading", "No reader understands this file; what it is needed for is named by its SHA-256.")
}

/// The command of such a link.
fn link_of(service: &Service, actor: &Actor, sha256: &Digest, said: ByHand) -> Result<LinkReading> {
    let told_of = read(service, actor, sha256)?;
    let ByHand { reading: meant, medium, reason, reference } = said;
    let whole = told_of.reading().ok_or_else(nothing_read)?;
    let found = named(whole, &meant)?;
    let serial = meant.serial.ok_or_else(|| {
        let why =
            "The file names no serial number there, so nothing shows which medium it is about: ask for a report that does, and put this one aside.";
        Refusal::new("matching.no_serial", why)
    })?;
    let mut db = service.app.read()?;
    let mut media = media_of(&mut db, (actor, None), whole)?;
    for (of, record) in media.iter_mut().zip(&whole.records) {
        if std::ptr::eq(record, found) {
            *of = Some(medium.clone());
        }
    }
    let findings = lint_reports::findings(&mut db, actor, (sha256, whole), &media)?;
    let findings = findings_of(&findings, &found.place, found.serial());
    Ok(LinkReading { sha256: sha256.clone(), serial, reading: told(whole, found), findings, medium, reason, reference })
}

/// Puts readings aside.
pub fn dismiss(
    service: &Service,
    actor: &Actor,
    sha256: &Digest,
    (meant, reason, reference): (Vec<ReadingRef>, DismissalReason, Option<Reference>),
    key: Option<&RequestKey>,
) -> Result<Outcome<Receipt>> {
    let told_of = read(service, actor, sha256)?;
    let whole = told_of.reading().ok_or_else(nothing_read)?;
    meant.iter().try_for_each(|meant| named(whole, meant).map(|_| ()))?;
    let command = DismissReadings { sha256: sha256.clone(), readings: meant, reason, reference };
    let terms = Terms { once: Once::created(key, |receipt| Ok(receipt.clone())), ..Terms::default() };
    service.recorder.record_once(command, actor, terms)
}

/// A medium that a person could mean, and what is alike.
#[derive(Clone, Debug)]
pub struct Suggestion {
    /// The medium with its device.
    pub thing: Thing,
    /// The serial number that the record has.
    pub serial: String,
    /// What is alike.
    pub likeness: Likeness,
}

/// How a serial number of the record is like the one in the file, most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// The tool left the end or the beginning away, or the record has less than the tool.
    Part,
    /// One character looks like another, or is another, is missing or too many.
    OneCharacter,
    /// Two neighbours are swapped.
    Swapped,
}

/// Fewer characters in common say nothing.
const COMMON: usize = 5;
/// Serial numbers with the same beginning that are compared, for each length of that.
const COMPARED: i64 = 40;
/// Most suggestions.
const SUGGESTED: usize = 8;

/// How alike two serial numbers are, both in the form in which they are compared.
fn likeness(read: &str, known: &str) -> Option<Likeness> {
    let (read, known): (Vec<char>, Vec<char>) = (read.chars().collect(), known.chars().collect());
    let (short, long) = if read.len() <= known.len() { (&read, &known) } else { (&known, &read) };
    if short == long || short.len() < COMMON {
        return None;
    }
    if long.starts_with(short) || long.ends_with(short) {
        return Some(Likeness::Part);
    }
    let before = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let after = short.iter().rev().zip(long.iter().rev()).take_while(|(a, b)| a == b).count();
    match long.len() - short.len() {
        0 if before + after + 1 >= long.len() => Some(Likeness::OneCharacter),
        1 if before + after >= short.len() => Some(Likeness::OneCharacter),
        0 if before + after + 2 >= long.len() => {
            let pair = |of: &[char]| of.get(before).copied().zip(of.get(before + 1).copied());
            (pair(short) == pair(long).map(|(a, b)| (b, a))).then_some(Likeness::Swapped)
        }
        _ => None,
    }
}

/// Media whose serial number is like this one, most alike first, as far as this person may act on them. Looked for where the first five characters are
/// the same, longer beginnings first, where the tool put something before it, and where a character looks like another.
pub fn suggestions(service: &Service, actor: &Actor, serial: &Serial) -> Result<Vec<Suggestion>> {
    let mut db = service.app.read()?;
    let normal = serial.normal();
    let mut near: BTreeSet<(Likeness, String)> = BTreeSet::new();
    for length in (COMMON..=normal.chars().count()).rev() {
        let first: String = normal.chars().take(length).collect();
        for known in tables::serials_from(&mut db, &first, COMPARED)? {
            near.extend(likeness(&normal, &known).map(|likeness| (likeness, known)));
        }
    }
    // What the tool put before it, or what differs at the very beginning, cannot be walked to: it is asked for as a whole.
    let cut = normal.char_indices().skip(1).filter_map(|(at, _)| normal.get(at..)).filter(|rest| rest.chars().count() >= COMMON);
    near.extend(cut.map(|rest| (Likeness::Part, rest.to_owned())));
    near.extend(find_on_bench::alike(serial).iter().map(|other| (Likeness::OneCharacter, other.normal())));
    let serials: Vec<(Likeness, Serial)> =
        near.into_iter().filter_map(|(likeness, text)| Serial::parse(&text).ok().map(|serial| (likeness, serial))).collect();
    let asked: Vec<Serial> = serials.iter().map(|(_, serial)| serial.clone()).collect();
    let things = ask(&mut db, &mut Records::default(), |known| find_on_bench::things(known, &asked))??;
    let found = serials.iter().zip(things).filter_map(|((likeness, serial), thing)| {
        let thing = thing.filter(|thing| matches!(thing, Thing::Medium(..)) && thing.in_hands_of(actor))?;
        Some(Suggestion { thing, serial: serial.to_string(), likeness: *likeness })
    });
    Ok(found.take(SUGGESTED).collect())
}

/// The medium that somebody names by its own serial number, or by the serial number or tag of the device whose only medium it is.
pub fn medium_called(service: &Service, actor: &Actor, name: &str) -> Result<MediumId> {
    let unknown = |why: String| -> crate::error::Error { Refusal::new("matching.unknown_medium", why).into() };
    let called: String = name.chars().take(60).collect();
    let mut db = service.app.read()?;
    let device = tables::device_called(&mut db, name)?;
    let thing = match Serial::parse(name) {
        Ok(serial) => ask(&mut db, &mut Records::default(), |known| find_on_bench::things(known, std::slice::from_ref(&serial)))??.pop().flatten(),
        Err(_) => None,
    };
    let device = match thing.or(device.map(|device| Thing::Device(Box::new(device)))).filter(|thing| thing.in_hands_of(actor)) {
        Some(Thing::Medium(medium, _)) => return Ok(medium.id),
        Some(Thing::Device(device)) => device,
        None => return Err(unknown(format!("Nothing has the serial number or tag “{called}”; scan the label, or record the medium first."))),
    };
    match device.media.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(unknown(format!("No medium of {} is recorded; record it first.", device.tag))),
        _ => Err(unknown(format!("{} has several media; give the serial number of the one that is meant.", device.tag))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Likeness, likeness};

    #[test]
    fn serial_numbers_are_alike_or_not() {
        let alike = |a: &str, b: &str| {
            assert_eq!(likeness(a, b), likeness(b, a), "{a} {b}");
            likeness(a, b)
        };
        assert_eq!(alike("WX11A8012345", "WX11A80123"), Some(Likeness::Part));
        assert_eq!(alike("WDWX11A80123", "WX11A80123"), Some(Likeness::Part));
        assert_eq!(alike("WX11A80123", "WX11AB0123"), Some(Likeness::OneCharacter));
        assert_eq!(alike("WX11A80123", "WX11A8123"), Some(Likeness::OneCharacter));
        assert_eq!(alike("WX11A80123", "WX11A80213"), Some(Likeness::Swapped));
        assert_eq!(alike("WX11A80123", "WX11A80123"), None, "the same is not alike");
        assert_eq!(alike("WX11A80123", "WX11A81224"), None);
        assert_eq!(alike("1234", "12345678"), None, "so little in common says nothing");
    }
}
