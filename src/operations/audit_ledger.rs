//! Checks everything: derives chain, signatures, tree and tables again from the entries, and compares with what is stored, file by file and
//! column by column. Reads only; may run beside a service.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::verify_certificate::redraw;
use super::write_note;
use crate::app::App;
use crate::domain::asset::Asset;
use crate::domain::evidence::Evidence;
use crate::domain::medium::Medium;
use crate::domain::names::{Digest, Instant};
use crate::domain::parties::Party;
use crate::domain::records::{Record, Records, Shelf};
use crate::domain::{Event, Stamp};
use crate::error::{Error, Result};
use crate::proof::bundle::{self, Bundle};
use crate::proof::canonical;
use crate::proof::checkpoint::Checkpoint;
use crate::proof::digest::{Hash, hex, sha256};
use crate::proof::entry::{Entry, GENESIS_PREV};
use crate::proof::tree::Frontier;
use crate::store::listings::{CertificatePartyRow, CountRow, LineTagRow};
use crate::store::log::SubjectRow;
use crate::store::mass::MassRow;
use crate::store::search::SearchRow;
use crate::store::tables::{
    AssetPartyRow, AssetRow, CertificateRow, ConsignmentRow, DiscrepancyRow, EvidenceRow, ExceptionRow, KeyRow, LineRow, MediumRow, PartyRow,
};
use crate::store::{
    Database, derived, evidence_lists, from_db, inventory, listings, log, media_lists, notes, people, search, tables, to_db, watchlist,
};

/// Entries that are read at once.
const BLOCK: i64 = 2_048;
/// Findings that are described; all are counted.
const DESCRIBED: usize = 200;

/// What the audit covers, in words: whatever is not named here is not covered.
pub const COVERED: &[&str] = &[
    "every entry: canonical bytes, signature, place in the chain, time order, tree nodes (tables entries and log_head)",
    "what somebody signed with a key of their own: the signature, that it states this event, and that the key was their party's at that moment",
    "every checkpoint: signature, root, no gap in their numbers, none missing at the end (table checkpoints, file high-water)",
    "the index of subjects and of unique values (tables entry_subjects, record_keys, asset_parties)",
    "every derived record, column by column (tables assets, media, parties, consignments, consignment_lines, discrepancies, evidence, certificates, exceptions)",
    "what lists, counts and search walk (tables consignment_tags, certificate_parties, label_counts, exception_lists, exception_counts, evidence_lists, evidence_media, media_lists, asset_search and the index of its characters)",
    "the sums that reports are made of (table mass_sums)",
    "every stored evidence file, or that its bytes are gone where they are withheld; every credential, status list and page, by its SHA-256; every certificate's pages, drawn again (tables certificate_parts, status_lists)",
    "the salts of names shown in credentials, where they are kept (table shown_names)",
    "what people write to each other, where it is not erased, by the salted digest that the log holds (table notes)",
];

/// Something that is not as the log says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// Where: a table with a key and columns, a file, an entry.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

/// The result of an audit.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Report {
    /// Entries checked.
    pub entries: u64,
    /// Checkpoints checked.
    pub checkpoints: u64,
    /// Derived rows compared.
    pub rows: u64,
    /// Stored files checked.
    pub files: u64,
    /// Evidence files whose bytes are withheld, as the entries say; they are not counted among the stored files.
    pub withheld: u64,
    /// Certificates drawn again.
    pub pages: u64,
    /// The root of the tree.
    pub root: String,
    /// How much is wrong.
    pub wrong: u64,
    /// What is wrong (the first 200).
    pub findings: Vec<Finding>,
}

impl Report {
    fn wrong(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.wrong += 1;
        if self.findings.len() < DESCRIBED {
            self.findings.push(Finding { place: place.into(), what: what.into() });
        }
    }
}

/// Audits a record. `progress` is told how many entries are done, of how many.
pub fn audit(app: &App, db: &mut Database, mut progress: impl FnMut(u64, u64)) -> Result<Report> {
    let mut report = Report::default();
    derived::require_version(db)?;
    // Read before the snapshot is taken: a checkpoint's row is committed before this file names it, so the snapshot holds what the file names.
    let shown = app.keys.high_water()?;
    // One snapshot for everything, so that a service may go on writing.
    db.snapshot(|db| {
        let mut replay = Replay::default();
        walk(app, db, &mut report, &mut replay, shown.as_deref(), &mut progress)?;
        compare_tables(db, &mut report, &replay)?;
        check_files(app, db, &mut report, &replay)?;
        check_notes(db, &mut report, &replay)
    })?;
    Ok(report)
}

/// Everything that the entries say.
#[derive(Default)]
struct Replay {
    known: Option<Records>,
    subjects: Vec<SubjectRow>,
    /// `(list, seq, sha256)`
    statuses: Vec<(String, i64, String)>,
    /// By certificate number: the salted digests of the names shown.
    shown: BTreeMap<String, Vec<(String, Digest)>>,
    /// By entry: what a note is about, who wrote it for whom, and its salted digest.
    notes: BTreeMap<i64, (BTreeSet<String>, [String; 2], Digest)>,
}

fn walk(
    app: &App,
    db: &mut Database,
    report: &mut Report,
    replay: &mut Replay,
    shown: Option<&str>,
    progress: &mut impl FnMut(u64, u64),
) -> Result<()> {
    let head = match log::head(db) {
        Ok(head) => head,
        Err(error) => {
            report.wrong("log_head", error.to_string());
            None
        }
    };
    let expected = head.as_ref().map_or(0, |head| head.frontier.size());
    let checkpoints = log::all_checkpoints(db)?;
    let sizes: BTreeSet<u64> =
        checkpoints.iter().filter_map(|row| from_db(row.size).ok()).chain(high_water(app, report, shown).map(|c| c.size)).collect();
    let mut roots: HashMap<u64, Hash> = HashMap::new();
    let mut known = Records::complete();
    let mut frontier = Frontier::new();
    let mut prev = GENESIS_PREV;
    let mut last_time = String::new();
    let mut broken = false;
    'log: loop {
        let block = log::entries_from(db, frontier.size(), BLOCK)?;
        if block.is_empty() {
            break;
        }
        for (stored_seq, bytes, stored_nodes) in block {
            let seq = frontier.size();
            let place = format!("entry {seq}");
            if stored_seq != to_db(seq) {
                report.wrong(place, format!("is missing: the next stored entry is {stored_seq}"));
                broken = true;
                break 'log;
            }
            let entry = match Entry::parse(&bytes) {
                Ok(entry) => entry,
                Err(error) => {
                    report.wrong(place, format!("cannot be read: {error}"));
                    broken = true;
                    break 'log;
                }
            };
            let frame = entry.frame();
            if frame.seq != seq {
                report.wrong(&place, format!("says that it is entry {}: entries were swapped", frame.seq));
            }
            if frame.prev != prev {
                report.wrong(&place, "does not follow the entry before it: its link to that entry's hash is broken");
            }
            if frame.log != app.identity.origin {
                report.wrong(&place, format!("belongs to the log {}", frame.log));
            }
            if let Err(error) = entry.verify(&app.keys.did) {
                report.wrong(&place, format!("signature: {error}"));
            }
            if frame.time < last_time {
                report.wrong(&place, "is older than the entry before it");
            }
            last_time.clone_from(&frame.time);
            prev = entry.leaf();
            if frontier.push(entry.leaf()).concat() != stored_nodes {
                report.wrong(&place, "tree nodes (column nodes) differ from those computed");
            }
            if sizes.contains(&frontier.size()) {
                roots.insert(frontier.size(), frontier.root());
            }
            if let Err(why) = apply(&entry, &mut known, replay) {
                report.wrong(&place, why);
            }
        }
        report.entries = frontier.size();
        progress(frontier.size(), expected);
    }
    report.entries = frontier.size();
    report.root = hex(&frontier.root());
    if !broken {
        let computed = log::Head { last_leaf: prev, last_time: last_instant(&last_time), frontier: frontier.clone() };
        if head.as_ref() != Some(&computed) {
            report.wrong(
                "log_head",
                format!(
                    "the head names {expected} entries or another hash, the log has {}: entries are missing at its end, or the head was altered",
                    frontier.size()
                ),
            );
        }
    }
    check_checkpoints(app, report, &checkpoints, &roots, frontier.size(), shown);
    replay.known = Some(known);
    Ok(())
}

fn last_instant(time: &str) -> i64 {
    Instant::parse(time).map_or(0, Instant::unix_ms)
}

fn apply(entry: &Entry, known: &mut Records, replay: &mut Replay) -> std::result::Result<(), String> {
    let frame = entry.frame();
    let (event, about, stamp) = super::rebuild_tables::happened(entry)?;
    check_own_signature(entry, &event, &stamp, known)?;
    replay.subjects.extend(about.iter().map(|subject| SubjectRow::new(&subject.id, to_db(stamp.seq))));
    event.apply(&about, &stamp, known);
    match &event {
        Event::StatusPublished(published) => {
            let list = frame.subjects.first().map(|subject| subject.id.clone()).unwrap_or_default();
            replay.statuses.push((list, to_db(frame.seq), published.credential_sha256.to_string()));
        }
        Event::CertificateIssued(issued) => {
            let number = about.certificate().and_then(crate::domain::certification::Certificate::number_of).unwrap_or_default().to_owned();
            let shown = issued.shown.iter().map(|shown| (shown.person.to_string(), shown.salted_sha256.clone())).collect();
            replay.shown.insert(number, shown);
        }
        Event::NoteAdded(added) => {
            let about = about.iter().map(|subject| subject.id.clone()).collect();
            let author = [frame.actor.id.clone(), frame.actor.party.clone()];
            replay.notes.insert(to_db(frame.seq), (about, author, added.salted_sha256.clone()));
        }
        _ => {}
    }
    Ok(())
}

/// What somebody signed with a key of their own: by that key, this event and no other, and the key was their party's at that moment.
fn check_own_signature(entry: &Entry, event: &Event, stamp: &Stamp, known: &Records) -> std::result::Result<(), String> {
    let Some(key) = entry.own_key().map_err(|why| format!("what was signed with own key: {why}"))? else { return Ok(()) };
    let party = known.find::<Party>(&stamp.actor.party).ok().flatten();
    let registers = matches!(event, Event::KeyRegistered(registered) if registered.key.as_str() == key);
    if registers || party.is_some_and(|party| party.has_live_key(&key)) {
        return Ok(());
    }
    Err(format!("is signed with {key}, which was no live key of the actor's party"))
}

fn high_water(app: &App, report: &mut Report, shown: Option<&str>) -> Option<Checkpoint> {
    match Checkpoint::open(shown?, app.keys.log.verifier()) {
        Ok(checkpoint) => Some(checkpoint),
        Err(error) => {
            report.wrong("high-water (key folder)", error.to_string());
            None
        }
    }
}

fn check_checkpoints(app: &App, report: &mut Report, rows: &[log::CheckpointRow], roots: &HashMap<u64, Hash>, size: u64, shown: Option<&str>) {
    for (number, row) in (0i64..).zip(rows) {
        let place = format!("checkpoints {}", row.number);
        report.checkpoints += 1;
        if row.number != number {
            report.wrong(&place, format!("checkpoint {number} is missing"));
            break;
        }
        match Checkpoint::open(&row.note, app.keys.log.verifier()) {
            Err(error) => report.wrong(&place, format!("column note: {error}")),
            Ok(checkpoint) => {
                if to_db(checkpoint.size) != row.size {
                    report.wrong(&place, "column size differs from the signed size");
                }
                if checkpoint.size > size {
                    report.wrong(&place, format!("covers {} entries, and the log has {size}: entries are missing", checkpoint.size));
                } else if checkpoint.size > 0 && roots.get(&checkpoint.size) != Some(&checkpoint.root) {
                    report.wrong(&place, "its root is not that of the entries");
                }
            }
        }
    }
    // The newest checkpoint may be one ahead of the file for the moment between commit and sync; never behind it.
    let newest = rows.last().map(|row| row.note.clone());
    match shown {
        Some(note) if newest.as_deref() != Some(note) => {
            let shown = Checkpoint::open(note, app.keys.log.verifier()).map_or(0, |c| c.size);
            let stored = rows.last().map_or(0, |row| row.size);
            if to_db(shown) >= stored {
                report.wrong("checkpoints", format!("the newest checkpoint that was shown (over {shown} entries, file high-water) is missing"));
            }
        }
        None if newest.is_some() => report.wrong("high-water (key folder)", "is missing although checkpoints were published"),
        _ => {}
    }
}

fn compare_tables(db: &mut Database, report: &mut Report, replay: &Replay) -> Result<()> {
    let Some(known) = &replay.known else { return Ok(()) };
    let mut subjects = replay.subjects.clone();
    subjects.sort();
    compare_sets(report, "entry_subjects", &subjects, &log::all_subjects(db)?);

    macro_rules! compare {
        ($shelf:ident, $row:ident, $table:literal, |$r:ident| $key:expr) => {{
            let mut computed = BTreeMap::new();
            for record in known.$shelf.all() {
                let $r = $row::of(record)?;
                computed.insert($key, $r);
            }
            for stored in $row::all(db)? {
                report.rows += 1;
                let $r = &stored;
                let key = $key;
                match computed.remove(&key) {
                    None => report.wrong(format!("{} {:?}", $table, key), "no entry made this row"),
                    Some(computed) => {
                        let columns = computed.differs(&stored);
                        if !columns.is_empty() {
                            report.wrong(format!("{} {:?}", $table, key), format!("differs from the entries in the columns: {}", columns.join(", ")));
                        }
                    }
                }
            }
            for key in computed.keys() {
                report.wrong(format!("{} {:?}", $table, key), "the row is missing");
            }
        }};
    }
    compare!(assets, AssetRow, "assets", |r| r.id.clone());
    compare!(media, MediumRow, "media", |r| r.id.clone());
    compare!(parties, PartyRow, "parties", |r| r.id.clone());
    compare!(consignments, ConsignmentRow, "consignments", |r| r.id.clone());
    compare!(lines, LineRow, "consignment_lines", |r| (r.consignment.clone(), r.item.clone()));
    compare!(discrepancies, DiscrepancyRow, "discrepancies", |r| r.id.clone());
    compare!(evidence, EvidenceRow, "evidence", |r| r.id.clone());
    compare!(certificates, CertificateRow, "certificates", |r| r.id.clone());
    compare!(exceptions, ExceptionRow, "exceptions", |r| r.id.clone());

    let mut keys = Vec::new();
    keys_of(&known.assets, &mut keys);
    keys_of(&known.media, &mut keys);
    keys_of(&known.parties, &mut keys);
    keys_of(&known.consignments, &mut keys);
    keys_of(&known.certificates, &mut keys);
    keys_of(&known.evidence, &mut keys);
    keys.sort();
    compare_sets(report, "record_keys", &keys, &KeyRow::all(db)?);
    let mut parties: Vec<AssetPartyRow> = known.assets.all().flat_map(|asset: &Asset| AssetPartyRow::of(asset)).collect();
    parties.sort();
    compare_sets(report, "asset_parties", &parties, &AssetPartyRow::all(db)?);
    compare_listings(db, report, known)?;
    let mut statuses = replay.statuses.clone();
    statuses.sort();
    compare_sets(report, "status_lists", &statuses, &inventory::all_status_versions(db)?);
    Ok(())
}

/// The tables that lists, counts and search walk.
fn compare_listings(db: &mut Database, report: &mut Report, known: &Records) -> Result<()> {
    let assets: BTreeMap<String, &Asset> = known.assets.all().map(|asset| (asset.id.to_string(), asset)).collect();
    let mut lines: Vec<LineTagRow> = known.lines.all().filter_map(LineTagRow::of).collect();
    lines.sort();
    compare_sets(report, "consignment_tags", &lines, &LineTagRow::all(db)?);
    let mut certificates = Vec::new();
    for certificate in known.certificates.all() {
        let parties = assets.get(certificate.asset.as_str()).map(|asset| listings::parties_of(asset)).unwrap_or_default();
        certificates
            .extend(parties.into_iter().map(|party| CertificatePartyRow { party: party.to_owned(), certificate: certificate.number.clone() }));
    }
    certificates.sort();
    compare_sets(report, "certificate_parties", &certificates, &CertificatePartyRow::all(db)?);
    compare_sets(report, "label_counts", &CountRow::of(known.assets.all()), &CountRow::all(db)?);
    let mut exceptions: Vec<watchlist::ListRow> = known.exceptions.all().flat_map(watchlist::ListRow::of).collect();
    exceptions.sort();
    compare_sets(report, "exception_lists", &exceptions, &watchlist::ListRow::all(db)?);
    compare_sets(report, "exception_counts", &watchlist::CountRow::of(known.exceptions.all()), &watchlist::CountRow::all(db)?);
    let mut waiting: Vec<media_lists::ListRow> = known.media.all().flat_map(media_lists::ListRow::of).collect();
    waiting.sort();
    compare_sets(report, "media_lists", &waiting, &media_lists::ListRow::all(db)?);
    let mut files: Vec<evidence_lists::ListRow> = known.evidence.all().flat_map(evidence_lists::ListRow::of).collect();
    files.sort();
    compare_sets(report, "evidence_lists", &files, &evidence_lists::ListRow::all(db)?);
    let mut spoken_of: Vec<evidence_lists::MediumFileRow> = known.evidence.all().flat_map(evidence_lists::MediumFileRow::of).collect();
    spoken_of.sort();
    compare_sets(report, "evidence_media", &spoken_of, &evidence_lists::MediumFileRow::all(db)?);
    compare_sets(report, "mass_sums", &MassRow::of(known.assets.all()), &MassRow::all(db)?);
    let mut searched = Vec::new();
    for asset in known.assets.all() {
        let media = known.find_all::<Medium>(&asset.media).unwrap_or_default();
        searched.push((SearchRow::of(asset, media.into_iter().flatten()), listings::parties_of(asset)));
    }
    searched.sort();
    let rows: Vec<SearchRow> = searched.iter().map(|(row, _)| row.clone()).collect();
    compare_sets(report, "asset_search", &rows, &SearchRow::all(db)?);
    for number in search::not_indexed(db, &searched)? {
        report.wrong(format!("asset_search {number}"), "the index of its characters does not find it");
    }
    Ok(())
}

fn keys_of<R: Record>(shelf: &Shelf<R>, keys: &mut Vec<KeyRow>) {
    keys.extend(shelf.all().flat_map(KeyRow::of));
}

fn compare_sets<T: Ord + std::fmt::Debug>(report: &mut Report, table: &str, computed: &[T], stored: &[T]) {
    report.rows += u64::try_from(stored.len()).unwrap_or(0);
    if computed == stored {
        return;
    }
    let stored: BTreeSet<&T> = stored.iter().collect();
    let computed: BTreeSet<&T> = computed.iter().collect();
    for row in stored.difference(&computed) {
        report.wrong(table, format!("no entry made the row {row:?}"));
    }
    for row in computed.difference(&stored) {
        report.wrong(table, format!("the row {row:?} is missing"));
    }
}

fn check_files(app: &App, db: &mut Database, report: &mut Report, replay: &Replay) -> Result<()> {
    let Some(known) = &replay.known else { return Ok(()) };
    for evidence in known.evidence.all() {
        check_evidence(app, db, report, evidence)?;
    }
    for (list, seq, sha256) in &replay.statuses {
        check_file(app, report, &format!("status list {list} of entry {seq}"), &Digest::parse(sha256)?)?;
    }
    let mut parts: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (certificate, name, sha256) in inventory::all_parts(db)? {
        parts.entry(certificate).or_default().push((name, sha256));
    }
    let mut salts: BTreeMap<String, Vec<(String, Vec<u8>)>> = BTreeMap::new();
    for (certificate, person, salt) in people::all_salts(db)? {
        salts.entry(certificate).or_default().push((person, salt));
    }
    for certificate in known.certificates.all() {
        let place = format!("certificate {}", certificate.number);
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        for (name, sha256) in parts.remove(&certificate.number).unwrap_or_default() {
            let Ok(digest) = Digest::parse(&sha256) else {
                report.wrong(format!("certificate_parts {} {name}", certificate.number), "column sha256 is no SHA-256");
                continue;
            };
            if let Some(bytes) = check_file(app, report, &format!("{place}, {name}"), &digest)? {
                files.push((name, bytes));
            }
        }
        let credential = files.iter().find(|(name, _)| name == bundle::CREDENTIAL).map(|(_, bytes)| bytes.clone());
        match &credential {
            None => report.wrong(&place, "its credential is missing (table certificate_parts)"),
            Some(bytes) if hex(&sha256(bytes)) != certificate.credential_sha256.as_str() => {
                report.wrong(&place, "its credential is not the one that was issued (table certificate_parts)");
            }
            Some(bytes) => check_names(report, &certificate.number, bytes, replay, salts.remove(&certificate.number).unwrap_or_default()),
        }
        if let Some(pdf_sha256) = &certificate.pdf_sha256 {
            report.pages += 1;
            check_pages(report, &place, files, pdf_sha256);
        } else if files.len() > 1 {
            report.wrong(&place, "has parts although its pages were never drawn (table certificate_parts)");
        }
    }
    for certificate in parts.keys() {
        report.wrong(format!("certificate_parts {certificate}"), "no entry issued this certificate");
    }
    for certificate in salts.keys() {
        report.wrong(format!("shown_names {certificate}"), "no entry issued this certificate");
    }
    Ok(())
}

/// The bytes of an evidence file are there, or the record says that they are withheld; then they are not.
fn check_evidence(app: &App, db: &mut Database, report: &mut Report, evidence: &Evidence) -> Result<()> {
    let place = format!("evidence file {}", evidence.sha256);
    let Some(act) = evidence.withheld() else {
        // A service that goes on writing may have withheld it since the snapshot was taken.
        let gone = !app.files.has(&evidence.sha256)?;
        if gone && tables::find::<Evidence>(&mut *app.read()?, &evidence.sha256)?.is_some_and(|now| now.withheld().is_some()) {
            report.withheld += 1;
            return Ok(());
        }
        check_file(app, report, &place, &evidence.sha256)?;
        return Ok(());
    };
    report.withheld += 1;
    // What the service has published itself stays, also where the same bytes were evidence once.
    if app.files.has(&evidence.sha256)? && inventory::published_as(db, evidence.sha256.as_str())?.is_none() {
        report.wrong(place, format!("its bytes are withheld (entry {}) and still there: start the service, which removes them", act.seq));
    }
    Ok(())
}

fn check_file(app: &App, report: &mut Report, place: &str, digest: &Digest) -> Result<Option<Vec<u8>>> {
    report.files += 1;
    match app.files.get(digest) {
        Ok(bytes) => Ok(Some(bytes)),
        // A bucket that does not answer says nothing about its files.
        Err(error @ Error::Busy(_)) => Err(error),
        Err(error) => {
            report.wrong(place, error.to_string());
            Ok(None)
        }
    }
}

/// The pages must come out the same when they are drawn again from the parts beside them.
fn check_pages(report: &mut Report, place: &str, files: Vec<(String, Vec<u8>)>, pdf_sha256: &Digest) {
    let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
    match files.iter().find(|(name, _)| name == bundle::PAGES) {
        Some((_, pdf)) if hex(&sha256(pdf)) == pdf_sha256.as_str() => {}
        _ => return report.wrong(place, "its pages are not those first drawn (table certificate_parts)"),
    }
    let drawn =
        Bundle::from_parts(files.into_iter().filter(|(name, _)| name != bundle::PAGES)).map_err(|e| e.to_string()).and_then(|bundle| redraw(&bundle));
    match drawn {
        Ok(bytes) if hex(&sha256(&bytes)) == pdf_sha256.as_str() => {}
        Ok(_) => report.wrong(place, format!("its parts do not give the pages first drawn (table certificate_parts: {})", names.join(", "))),
        Err(why) => report.wrong(place, format!("its pages cannot be drawn again from its parts: {why}")),
    }
}

/// Every note has its entry and every entry its note; where a text is not erased, it gives the digest that the entry carries.
fn check_notes(db: &mut Database, report: &mut Report, replay: &Replay) -> Result<()> {
    let mut announced: BTreeSet<i64> = replay.notes.keys().copied().collect();
    let mut from = 0;
    loop {
        let some = notes::by_entry(db, from, BLOCK)?;
        for note in &some {
            let place = format!("notes {}", note.id);
            report.rows += 1;
            from = from.max(note.seq + 1);
            let Some((about, author, digest)) = replay.notes.get(&note.seq).filter(|_| announced.remove(&note.seq)) else {
                report.wrong(place, format!("entry {} announces no such note", note.seq));
                continue;
            };
            if *about != std::iter::once(note.about.clone()).chain(note.line.clone()).collect() {
                report.wrong(&place, "is about something else than its entry says");
            }
            if *author != [note.author.as_str(), note.party.as_str()] {
                report.wrong(&place, "is by somebody else than its entry says");
            }
            match (&note.text, &note.salt, note.erased_at) {
                (Some(text), Some(salt), None) if &Digest::from_bytes(write_note::digest(salt, text)) == digest => {}
                (None, None, Some(_)) => {}
                _ => report.wrong(&place, "the text does not give the digest that the entry carries"),
            }
        }
        if some.is_empty() {
            break;
        }
    }
    for seq in announced {
        report.wrong(format!("entry {seq}"), "announces a note that is not there: erased ones leave a stub");
    }
    Ok(())
}

/// Where the salt of a shown name is kept, it must give the digest that the entry carries.
fn check_names(report: &mut Report, number: &str, credential: &[u8], replay: &Replay, salts: Vec<(String, Vec<u8>)>) {
    let names = canonical::parse(credential).map(|value| people_in(&value)).unwrap_or_default();
    let shown = replay.shown.get(number).cloned().unwrap_or_default();
    for (person, salt) in salts {
        let named = names.get(&person).and_then(|shown| canonical::to_vec(shown).ok());
        let computed = named.map(|shown| hex(&sha256(&[salt.as_slice(), &shown].concat())));
        let logged = shown.iter().find(|(id, _)| id == &person).map(|(_, digest)| digest.to_string());
        if computed.is_none() || computed != logged {
            report.wrong(format!("shown_names {number} {person}"), "the salt does not give the digest that the entry carries");
        }
    }
}

/// Every person a credential shows: by id, the name and title as they are digested.
fn people_in(value: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(members) => {
                if let (Some(Value::String(id)), Some(name), Some(_)) = (members.get("id"), members.get("name"), members.get("party")) {
                    found.insert(id.clone(), json!({"name": name, "title": members.get("title").cloned().unwrap_or(Value::Null)}));
                }
                open.extend(members.values());
            }
            _ => {}
        }
    }
    found
}
