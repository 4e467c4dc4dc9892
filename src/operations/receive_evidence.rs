//! Takes an evidence file in: the bytes first, durable under their SHA-256, then what a reader makes of them, then the record of both.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Service;
use super::once::{Once, Outcome, once};
use super::read_file::Member;
use super::record::{Beside, Receipt, Recorded, Terms};
use super::{lint_reports, match_readings, read_file, withhold_evidence};
use crate::domain::asset::Asset;
use crate::domain::consignment::{Consignment, Line, LineId};
use crate::domain::evidence::{
    ARCHIVE, Evidence, Finding, HiddenArea, Link, MOST_DOCUMENTS, PHOTO, Reader, Reading, ReceiveEvidence, ToolResult, Weight,
};
use crate::domain::medium::Medium;
use crate::domain::names::{ConsignmentId, Digest, IdentifiedBy, Instant, MediumId, PartyId, Serial};
use crate::domain::refusal::{Cause, Refusal};
use crate::domain::{Actor, records::Key};
use crate::error::{Error, Result};
use crate::evidence::{lint, reading};
use crate::proof::digest;
use crate::store::idempotency::RequestKey;
use crate::store::{Database, inventory, tables};

/// Largest evidence file.
pub const MAX_BYTES: usize = 25 << 20;

/// What became of an uploaded file.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Received {
    /// SHA-256 of the bytes: the file's name from now on.
    pub sha256: Digest,
    /// Their number.
    pub size_bytes: u64,
    /// The same bytes were stored before.
    pub already_stored: bool,
    /// The reader that understood the file.
    pub reader: Option<Reader>,
    /// Where no reader did: what was not understood. The file is kept all the same.
    pub not_understood: Option<String>,
    /// What the file says of each medium.
    pub records: Vec<Record>,
    /// What the reader remarked.
    pub remarks: Vec<reading::Remark>,
    /// Where its claims cannot be true, or do not fit what the record knows.
    pub findings: Vec<lint::Finding>,
    /// The entries that record it.
    pub entries: Vec<Recorded>,
    /// Of a file out of an archive: its name there, which is shown and never a path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Of an archive: the files in it, each stored and read like one that came by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Received>,
    /// Of an archive: what is to be said of files that are not stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// What the file says of one medium, and whether the record knows that medium.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Record {
    /// The tool's name for it within the file.
    pub place: String,
    /// The serial number as the tool read it.
    pub serial: Option<String>,
    /// What the reader found.
    pub reading: Reading,
    /// The medium it is about.
    pub medium: Option<MediumId>,
    /// Where there is none: why, and what to do.
    pub not_linked: Option<String>,
}

/// Receives a file that came in at `occurred`. Nothing is acknowledged before bytes and entries are on the disk.
pub fn receive(service: &Service, actor: &Actor, bytes: &[u8], occurred: Option<Instant>) -> Result<Received> {
    store_and_record(service, actor, bytes, (occurred, None), None)?.now()
}

/// Receives a file for one consignment.
pub fn receive_for(
    service: &Service,
    actor: &Actor,
    bytes: &[u8],
    consignment: &ConsignmentId,
    key: Option<&RequestKey>,
) -> Result<Outcome<Received>> {
    once(service, key, || store_and_record(service, actor, bytes, (None, Some(consignment)), key))
}

/// The same for a request that may be repeated; a repeated one stores nothing.
pub fn receive_once(service: &Service, actor: &Actor, bytes: &[u8], key: Option<&RequestKey>) -> Result<Outcome<Received>> {
    once(service, key, || store_and_record(service, actor, bytes, (None, None), key))
}

/// Reads a stored file again: what it says of media that were recorded since, or what a better reader makes of it, is linked now.
pub fn read_again(service: &Service, actor: &Actor, sha256: &Digest, key: Option<&RequestKey>) -> Result<Outcome<Received>> {
    once(service, key, || {
        let bytes = find(service, actor, sha256)?;
        if read_file::is_archive(&bytes)
            && let Ok(opened) = read_file::unpack(&bytes)
        {
            return receive_archive(service, actor, &bytes, opened, (None, None), key);
        }
        record_reading(service, actor, sha256.clone(), &bytes, (None, None), key)
    })
}

/// A stored file as the record has it; a vendor's people get what their company uploaded.
pub fn recorded(db: &mut Database, actor: &Actor, sha256: &Digest) -> Result<Evidence> {
    let evidence = tables::find::<Evidence>(db, sha256)?;
    evidence.filter(|evidence| actor.sees_evidence(evidence)).ok_or_else(|| unknown(sha256.as_str()))
}

/// Its bytes, unless they are withheld; then who withheld them, when and why is told.
pub fn find(service: &Service, actor: &Actor, sha256: &Digest) -> Result<Vec<u8>> {
    let evidence = recorded(&mut *service.app.read()?, actor, sha256)?;
    if let (Some(withholding), Some(act)) = (&evidence.withholding, evidence.withheld()) {
        let why = format!("Bytes withheld: {}. Its SHA-256 and what was read from it stay in the record.", withholding.words());
        return Err(Refusal::new("evidence.withheld", why).because(Cause::Entry(act.seq)).into());
    }
    service.app.files.get(sha256)
}

/// No file with this digest is stored, or not for this person.
pub fn unknown(sha256: &str) -> Error {
    Error::Unknown(format!("No evidence file with the SHA-256 {} is stored.", sha256.chars().take(64).collect::<String>()))
}

fn store_and_record(
    service: &Service,
    actor: &Actor,
    bytes: &[u8],
    when_and_for: (Option<Instant>, Option<&ConsignmentId>),
    key: Option<&RequestKey>,
) -> Result<Outcome<Received>> {
    let app = &service.app;
    app.halt.check()?;
    if bytes.is_empty() || bytes.len() > MAX_BYTES {
        return Err(Refusal::new(
            "evidence.size",
            format!("An evidence file has between 1 byte and {} MB; send the file as the body.", MAX_BYTES >> 20),
        )
        .into());
    }
    if read_file::is_archive(bytes)
        && let Ok((members, left_out)) = read_file::unpack(bytes)
    {
        return receive_archive(service, actor, bytes, (members, left_out), when_and_for, key);
    }
    store_and_record_one(service, actor, bytes, when_and_for, key)
}

/// Most files in one archive.
const MOST_MEMBERS: usize = 200;

/// Stores an archive as it came, and each file in it like one that came by itself. An archive in an archive is kept and not opened. A repeated request
/// stores nothing twice: the archive's own entries come last, and its answer is kept with them.
fn receive_archive(
    service: &Service,
    actor: &Actor,
    bytes: &[u8],
    (members, mut left_out): (Vec<Member>, Vec<String>),
    when_and_for: (Option<Instant>, Option<&ConsignmentId>),
    key: Option<&RequestKey>,
) -> Result<Outcome<Received>> {
    if members.len() > MOST_MEMBERS {
        let why = format!("The archive has {} files; send at most {MOST_MEMBERS} in one. Nothing was stored.", members.len());
        return Err(Refusal::new("evidence.too_many_members", why).into());
    }
    let digests = members.iter().map(|member| Digest::from_bytes(digest::sha256(&member.bytes))).collect::<Vec<_>>();
    require_place(service, &members, &digests, when_and_for.1)?;
    let sha256 = withhold_evidence::store_unless_withheld(&service.app, bytes)?;
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some((at, member)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, members.get(at)?))) {
            let received = match member.bytes.is_empty() {
                true => Err(Refusal::new("evidence.size", "it is empty").into()),
                false => store_and_record_one(service, actor, &member.bytes, when_and_for, None).and_then(Outcome::now),
            };
            done.push((at, received));
        }
        done
    };
    let mut done: Vec<(usize, Result<Received>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..read_file::CHILDREN).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    done.sort_by_key(|(at, _)| *at);
    if done.len() < members.len() {
        return Err(Error::Fault("a thread that stores the files of an archive has stopped".to_owned()));
    }
    let mut files = Vec::with_capacity(members.len());
    let mut stored = Vec::with_capacity(members.len());
    for (((_, received), member), digest) in done.into_iter().zip(&members).zip(digests) {
        if received.is_ok() && !stored.contains(&digest) {
            stored.push(digest);
        }
        match received {
            Ok(received) => files.push(Received { name: Some(member.name.clone()), ..received }),
            Err(Error::Refused(refusal)) => left_out.push(format!("{}: {}", member.name, refusal.why)),
            Err(error) => return Err(error),
        }
    }
    let (occurred, consignment) = when_and_for;
    let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let remarks = u32::try_from(left_out.len()).unwrap_or(u32::MAX);
    let reader = Some(Reader { name: ARCHIVE.to_owned(), version: 1, records: 0, remarks, unmatched: 0 });
    let mut db = service.app.read()?;
    let by_link = by_link(&mut db, actor, consignment)?;
    let already_stored = is_stored(actor, by_link.as_ref(), &sha256, tables::find::<Evidence>(&mut db, &sha256)?.as_ref());
    drop(db);
    let command = ReceiveEvidence {
        sha256: sha256.clone(),
        size_bytes,
        reader: reader.clone(),
        links: Vec::new(),
        consignment: consignment.cloned(),
        members: stored,
    };
    let named = sha256.clone();
    let received = Received {
        sha256,
        size_bytes,
        already_stored,
        reader,
        not_understood: None,
        records: Vec::new(),
        remarks: Vec::new(),
        findings: Vec::new(),
        entries: Vec::new(),
        name: None,
        files,
        left_out,
    };
    let received = move |receipt: &Receipt| Ok(Received { entries: receipt.entries.clone(), ..received.clone() });
    let terms = Terms { occurred, once: Once::created(key, received.clone()), ..Terms::default() };
    let recorded = service.recorder.record_once(command, actor, terms);
    if recorded.as_ref().is_err_and(withhold_evidence::is_sent_again) {
        withhold_evidence::remove(&service.app, &named)?;
    }
    recorded?.map(|receipt| received(&receipt))
}

/// Refuses an archive with a file whose bytes were withheld, which would bring them back, and one with more files than a consignment has place for.
/// Nothing of it is stored then.
fn require_place(service: &Service, members: &[Member], digests: &[Digest], consignment: Option<&ConsignmentId>) -> Result<()> {
    let mut db = service.app.read()?;
    for (member, digest) in members.iter().zip(digests) {
        if tables::find::<Evidence>(&mut db, digest)?.is_some_and(|evidence| evidence.withheld().is_some()) {
            let why = format!(
                "The bytes of {} in this archive were withheld, so nothing of it is stored: send the archive without that file.",
                member.name
            );
            return Err(Refusal::new("withholding.sent_again", why).into());
        }
    }
    if let Some(id) = consignment
        && let Some(consignment) = tables::find::<Consignment>(&mut db, id)?
        && consignment.documents.len() + members.len() >= MOST_DOCUMENTS
    {
        let why = format!(
            "{} has {} files already, and {MOST_DOCUMENTS} are the most: send fewer in one archive. Nothing was stored.",
            consignment.reference,
            consignment.documents.len()
        );
        return Err(Refusal::new("evidence.too_many", why).into());
    }
    Ok(())
}

/// The consignment for which somebody without an account came, by a link.
fn by_link(db: &mut Database, actor: &Actor, consignment: Option<&ConsignmentId>) -> Result<Option<Consignment>> {
    match consignment {
        Some(id) => Ok(tables::find::<Consignment>(db, id)?.filter(|found| found.links.iter().any(|link| link.id == actor.person))),
        None => Ok(None),
    }
}

/// Whether the same bytes were stored before, as far as whoever sends them may know.
fn is_stored(actor: &Actor, by_link: Option<&Consignment>, sha256: &Digest, stored: Option<&Evidence>) -> bool {
    match by_link {
        Some(consignment) => consignment.documents.contains(sha256),
        None => stored.is_some_and(|evidence| actor.sees_evidence(evidence)),
    }
}

/// A photo by its first bytes: JPEG or PNG.
pub fn is_photo(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xd8, 0xff]) || bytes.starts_with(b"\x89PNG\r\n\x1a\n")
}

fn store_and_record_one(
    service: &Service,
    actor: &Actor,
    bytes: &[u8],
    when_and_for: (Option<Instant>, Option<&ConsignmentId>),
    key: Option<&RequestKey>,
) -> Result<Outcome<Received>> {
    let app = &service.app;
    let sha256 = withhold_evidence::store_unless_withheld(app, bytes)?;
    let recorded = record_reading(service, actor, sha256.clone(), bytes, when_and_for, key);
    if recorded.as_ref().is_err_and(withhold_evidence::is_sent_again) {
        // Withheld between the look and the record. A crash before this leaves them until the next start.
        withhold_evidence::remove(app, &sha256)?;
    }
    recorded
}

/// What the record says of a file that was read, and of what it is about.
struct Recalled {
    by_link: Option<Consignment>,
    stored: Option<Evidence>,
    media: Vec<Option<MediumId>>,
    findings: Vec<lint::Finding>,
    /// The same was read from it before.
    is_kept: bool,
}

fn recall(
    db: &mut Database,
    (actor, consignment): (&Actor, Option<&ConsignmentId>),
    sha256: &Digest,
    read: Option<&reading::Reading>,
) -> Result<Recalled> {
    // Whoever came by a link learns nothing of what else its receiver has.
    let by_link = by_link(db, actor, consignment)?;
    let stored = tables::find::<Evidence>(db, sha256)?;
    let mut recalled = Recalled { by_link, stored, media: Vec::new(), findings: Vec::new(), is_kept: false };
    if let Some(read) = read {
        recalled.media = media_of(db, (actor, recalled.by_link.as_ref()), read)?;
        recalled.findings = lint_reports::findings(db, actor, (sha256, read), &recalled.media)?;
        recalled.is_kept = match_readings::kept(db, sha256.as_str())?.as_ref() == Some(read);
    }
    Ok(recalled)
}

fn record_reading(
    service: &Service,
    actor: &Actor,
    sha256: Digest,
    bytes: &[u8],
    (occurred, consignment): (Option<Instant>, Option<&ConsignmentId>),
    key: Option<&RequestKey>,
) -> Result<Outcome<Received>> {
    let told = read_file::read(bytes, &service.profiles);
    let read = told.reading();
    // In a line of its own: others may read while this waits for the writer.
    let Recalled { by_link, stored, media, findings, is_kept } = recall(&mut *service.app.read()?, (actor, consignment), &sha256, read)?;
    let already_stored = is_stored(actor, by_link.as_ref(), &sha256, stored.as_ref());
    let mut records: Vec<Record> = Vec::new();
    if let Some(read) = read {
        let about = read.records.iter().zip(&media);
        records.extend(about.map(|(found, medium)| record(read, found, medium.as_ref(), by_link.as_ref())));
    }
    let mut links: Vec<Link> = Vec::new();
    for record in &mut records {
        if let (Some(medium), Some(serial)) = (&record.medium, record.serial.as_deref().and_then(|serial| Serial::parse(serial).ok())) {
            // The same medium twice in one file: the last run is the one that counts, as on the bench.
            links.retain(|link| &link.medium != medium);
            let findings = findings_of(&findings, &record.place, record.serial.as_deref());
            links.push(Link { medium: medium.clone(), serial, reading: record.reading.clone(), findings, by_hand: None });
        }
    }
    let reader = read.map(|read| Reader {
        name: read.reader.clone(),
        version: read.reader_version,
        records: u32::try_from(read.records.len()).unwrap_or(u32::MAX),
        remarks: u32::try_from(read.remarks.len()).unwrap_or(u32::MAX),
        unmatched: match_readings::unmatched(read, &links, stored.as_ref()),
    });
    let photo = || Reader { name: PHOTO.to_owned(), version: 1, records: 0, remarks: 0, unmatched: 0 };
    let reader = reader.or_else(|| is_photo(bytes).then(photo));
    let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let command =
        ReceiveEvidence { sha256: sha256.clone(), size_bytes, reader: reader.clone(), links, consignment: consignment.cloned(), members: Vec::new() };
    let received = Received {
        sha256,
        size_bytes,
        already_stored,
        not_understood: told.why_not().filter(|_| reader.is_none()).map(str::to_owned),
        reader,
        records,
        remarks: read.map(|read| read.remarks.clone()).unwrap_or_default(),
        findings,
        entries: Vec::new(),
        name: None,
        files: Vec::new(),
        left_out: Vec::new(),
    };
    let beside = read.filter(|_| !is_kept).cloned().map(|read| -> Beside {
        let sha256 = received.sha256.to_string();
        Arc::new(move |db: &mut Database, _: &Receipt| match_readings::keep(db, &sha256, &read))
    });
    let received = move |receipt: &Receipt| Ok(Received { entries: receipt.entries.clone(), ..received.clone() });
    let terms = Terms { occurred, beside, once: Once::created(key, received.clone()), ..Terms::default() };
    service.recorder.record_once(command, actor, terms)?.map(|receipt| received(&receipt))
}

/// Most findings that are recorded with one reading; those that block come first.
const MOST_FINDINGS: usize = 8;

/// The findings about one record of a file, as the ledger keeps them.
pub(super) fn findings_of(all: &[lint::Finding], place: &str, serial: Option<&str>) -> Vec<Finding> {
    let mut own: Vec<&lint::Finding> = all.iter().filter(|finding| finding.place == place && finding.serial.as_deref() == serial).collect();
    own.sort_by_key(|finding| finding.weight != Weight::Blocks);
    let kept = |finding: &lint::Finding| Finding {
        code: finding.code.to_owned(),
        weight: finding.weight,
        what: finding.what.clone(),
        ask: finding.ask.clone(),
    };
    own.into_iter().take(MOST_FINDINGS).map(kept).collect()
}

/// The media that the records of a file are about, in their order, as far as this person may act on them; by a link, those of its consignment.
pub fn media_of(db: &mut Database, (actor, by_link): (&Actor, Option<&Consignment>), read: &reading::Reading) -> Result<Vec<Option<MediumId>>> {
    let mut media = Vec::with_capacity(read.records.len());
    for record in &read.records {
        media.push(match record.serial().and_then(|serial| Serial::parse(serial).ok()) {
            Some(serial) => medium_with(db, actor, by_link, &serial)?,
            None => None,
        });
    }
    Ok(media)
}

/// What a file says of one medium, as the ledger keeps it.
pub(super) fn told(read: &reading::Reading, found: &reading::MediumReading) -> Reading {
    let tool = read.tool_and_version();
    let errors = [found.errors.write, found.errors.verify, found.errors.sync, found.errors.retries]
        .iter()
        .flatten()
        .fold(0u64, |sum, n| sum.saturating_add(*n));
    Reading {
        technique: found.technique,
        result: ToolResult::parse(found.result.as_str()).unwrap_or(ToolResult::Inconclusive),
        // The ledger counts exactly up to 2^53 − 1; no drive has that many.
        errors: errors.min((1 << 53) - 1),
        complete: found.bytes_erased.zip(found.capacity_bytes).is_some_and(|(erased, capacity)| capacity > 0 && erased >= capacity),
        hidden_area: HiddenArea::parse(found.hidden_area.as_str()).unwrap_or(HiddenArea::Unknown),
        tool,
    }
}

fn record(read: &reading::Reading, found: &reading::MediumReading, medium: Option<&MediumId>, by_link: Option<&Consignment>) -> Record {
    let reading = told(read, found);
    if found.kind != reading::Kind::Sanitization {
        let why = format!("This is the {}: it is kept with the file and proves no sanitization.", found.kind.label());
        return Record { place: found.place.clone(), serial: found.serial().map(str::to_owned), reading, medium: None, not_linked: Some(why) };
    }
    let (medium, not_linked) = match found.serial().map(Serial::parse) {
        None => (None, Some("The file names no serial number, so nothing shows which medium it is about: ask for a report that does.".to_owned())),
        Some(Err(refusal)) => (None, Some(refusal.why)),
        Some(Ok(serial)) => match (medium, by_link) {
            (Some(medium), _) => (Some(medium.clone()), None),
            (None, Some(consignment)) => {
                let why = format!(
                    "No medium that came with {} has the serial {serial}; ask whoever sent you the link to look at it.",
                    consignment.reference
                );
                (None, Some(why))
            }
            (None, None) => (
                None,
                Some(format!("No medium in your hands has the serial {serial}: record the medium and read the file again, or link it by hand.")),
            ),
        },
    };
    Record { place: found.place.clone(), serial: found.serial().map(str::to_owned), reading, medium, not_linked }
}

/// The medium with this serial number, or the embedded one of the device with it, if this person may act on it; by a link, if it came with that
/// consignment.
fn medium_with(db: &mut Database, actor: &Actor, by_link: Option<&Consignment>, serial: &Serial) -> Result<Option<MediumId>> {
    let owner = |db: &mut Database, key: Key| tables::owner(db, &key);
    let medium = match owner(db, Medium::serial_key(serial))? {
        Some(id) => tables::find::<Medium>(db, &MediumId::parse(&id)?)?,
        None => match owner(db, Asset::serial_key(serial))? {
            Some(id) => {
                let rows = inventory::media_of(db, &id)?;
                let media = rows.iter().map(tables::MediumRow::record).collect::<Result<Vec<_>>>()?;
                media.into_iter().find(|medium| medium.identified_by == IdentifiedBy::HostSerial)
            }
            None => None,
        },
    };
    let Some(medium) = medium else { return Ok(None) };
    if let Some(consignment) = by_link
        && !tables::find::<Line>(db, &LineId::of_medium(&consignment.id, &medium))?.is_some_and(|line| line.is_listed())
    {
        return Ok(None);
    }
    let at_hand = |holder: &PartyId, in_transit: bool| !actor.role.is_vendor() || (holder == &actor.party && !in_transit);
    let may = match &medium.host {
        Some(host) => {
            let host = tables::find::<Asset>(db, host)?.ok_or_else(|| Error::Fault("a medium without its device".to_owned()))?;
            at_hand(&host.holder.party, host.in_transit)
        }
        None => medium.holder.as_ref().is_some_and(|holder| at_hand(&holder.party, medium.in_transit)),
    };
    Ok(may.then_some(medium.id))
}
