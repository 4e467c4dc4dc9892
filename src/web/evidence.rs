//! Evidence files: in as they are, out as attachments that no browser opens in this site's name, and a page for each that says what was understood.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::{Value, json};

use super::assets::bare;
use super::ledger::{self, Names};
use super::page::{self, Page, When, capital};
use super::problem::Problem;
use super::request::{self, cut};
use super::session::{self, Viewer};
use super::{Data, block, withholdings, writes};
use crate::domain::consignment::Consignment;
use crate::domain::evidence::{ARCHIVE, Evidence, EvidenceList, Link, PHOTO, ReceiveEvidence};
use crate::domain::matching::{DismissReadings, DismissalReason, Dismissed, LinkReading};
use crate::domain::names::{ConsignmentId, Digest, Serial};
use crate::domain::policy::{Pack, verdict};
use crate::domain::{Order as _, Subject, SubjectKind};
use crate::evidence::{FORMATS, MediumReading, Outcome, Reading, reading};
use crate::operations::Service;
use crate::operations::find_on_bench::{self, Place, Thing};
use crate::operations::lint_reports;
use crate::operations::match_readings;
use crate::operations::read_file::Told;
use crate::operations::receive_evidence::{self, MAX_BYTES};
use crate::store::{Database, evidence_lists, tables};

/// `POST /api/v1/evidence`
pub async fn api_create(http: HttpRequest, viewer: Viewer, state: Data, payload: web::Payload) -> Result<HttpResponse, Problem> {
    viewer.must_be_able_to("receive_evidence")?;
    let _place = request::place(&http, &state.uploads).await?;
    let bytes = request::body(&state, payload, MAX_BYTES).await?;
    let key = writes::key(&http, &viewer, &bytes)?;
    writes::answer(&state, viewer, key, StatusCode::CREATED, move |service, viewer, key| {
        receive_evidence::receive_once(service, &viewer.actor, &bytes, key)
    })
    .await
}

/// `POST /api/v1/evidence/{sha256}/readings`, without a body: reads a stored file again.
pub async fn api_read(http: HttpRequest, viewer: Viewer, state: Data, sha256: web::Path<String>) -> Result<HttpResponse, Problem> {
    viewer.must_be_able_to("receive_evidence")?;
    let digest = Digest::parse(&sha256).map_err(|_| receive_evidence::unknown(&sha256))?;
    let key = writes::key(&http, &viewer, b"")?;
    writes::answer(&state, viewer, key, StatusCode::CREATED, move |service, viewer, key| {
        receive_evidence::read_again(service, &viewer.actor, &digest, key)
    })
    .await
}

/// `GET /api/v1/evidence/{sha256}`: a vendor gets what its own people uploaded; a 410 where the bytes are withheld.
pub async fn api_show(viewer: Viewer, state: Data, sha256: web::Path<String>) -> Result<HttpResponse, Problem> {
    let digest = Digest::parse(&sha256).map_err(|_| receive_evidence::unknown(&sha256))?;
    let name = format!("attachment; filename=\"evidence-{digest}.bin\"");
    let actor = viewer.actor.clone();
    // Whoever is told that the bytes are withheld is told by which entry.
    let bytes = match block(&state, move |service| Ok(receive_evidence::find(service, &actor, &digest))).await? {
        Ok(bytes) => bytes,
        Err(error) => return Err(writes::explain(&state, viewer, error).await),
    };
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header((CONTENT_DISPOSITION, name))
        .insert_header((CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'; frame-ancestors 'none'"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .body(bytes))
}

/// What a list of stored files is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    show: Option<String>,
    after: Option<String>,
    limit: Option<String>,
}

impl Asked {
    fn list(&self) -> Result<EvidenceList, Problem> {
        Ok(self.show.as_deref().filter(|show| !show.is_empty()).map_or(Ok(EvidenceList::Unmatched), EvidenceList::parse)?)
    }
    /// The entry before which the list goes on.
    fn before(&self) -> Result<Option<i64>, Problem> {
        let after = request::after(self.after.as_deref())?;
        after.map(|(seq, _)| seq.parse().map_err(|_| request::no_cursor("after"))).transpose()
    }
}

fn list(
    db: &mut Database,
    viewer: &Viewer,
    list: EvidenceList,
    before: Option<i64>,
    limit: i64,
) -> crate::error::Result<(Vec<Evidence>, Option<String>)> {
    let mut files = evidence_lists::list(db, viewer.narrowed_to().as_deref(), list, before, limit + 1)?;
    let next = cut(&mut files, limit, |file| (file.received.seq.to_string(), file.sha256.to_string()));
    Ok((files, next))
}

/// `GET /api/v1/evidence?show=unmatched|not_understood|all&after=&limit=`, newest first.
pub async fn api_index(viewer: Viewer, state: Data, asked: web::Query<Asked>) -> Result<HttpResponse, Problem> {
    let (show, before, limit) = (asked.list()?, asked.before()?, request::limit(asked.limit.as_deref())?);
    let answer = block(&state, move |service| {
        let (files, next) = list(&mut *service.app.read()?, &viewer, show, before, limit)?;
        let told = |file: &Evidence| {
            let mut told =
                json!({"sha256": file.sha256, "size_bytes": file.size_bytes, "reader": file.reader, "withheld": file.withheld().is_some()});
            // A vendor's people learn nothing of what others did with the same bytes.
            if let (false, Value::Object(members)) = (is_others(&viewer, file), &mut told) {
                members.insert("received".to_owned(), json!(file.received));
                members.insert("linked".to_owned(), json!(file.links.len()));
                members.insert("dismissed".to_owned(), json!(file.dismissed.len()));
            }
            told
        };
        Ok(json!({"files": files.iter().map(told).collect::<Vec<_>>(), "next": next}))
    })
    .await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// Whether others than this vendor sent the same bytes too, or first.
fn is_others(viewer: &Viewer, file: &Evidence) -> bool {
    viewer.actor.role.is_vendor() && (file.party != viewer.actor.party || !file.others.is_empty())
}

/// A stored file in a list.
struct FileRow {
    sha256: String,
    short: String,
    at: Option<When>,
    who: String,
    party: String,
    reader: Option<String>,
    media: u32,
    unmatched: u32,
    withheld: bool,
    size: String,
}

#[derive(Template)]
#[template(path = "evidence/index.html")]
struct IndexPage {
    page: Page,
    /// The lists: on the wire, in words, and whether it is the one that is shown.
    lists: Vec<(&'static str, &'static str, bool)>,
    show: &'static str,
    rows: Vec<FileRow>,
    next: Option<String>,
    paged: bool,
    /// Whether this viewer may type a record.
    types: bool,
}

/// The files in an archive: what each is, and where.
fn members(service: &Service, viewer: &Viewer, archive: &Evidence) -> crate::error::Result<Vec<(String, String)>> {
    let mut db = service.app.read()?;
    let mut found = Vec::with_capacity(archive.members.len());
    for digest in &archive.members {
        if let Ok(file) = receive_evidence::recorded(&mut db, &viewer.actor, digest) {
            let kind = file.reader.as_ref().map_or_else(|| "not understood".to_owned(), |reader| format_of(&reader.name));
            found.push((format!("{} · {kind} · {}", page::short(digest.as_str()), size(file.size_bytes)), format!("/evidence/{digest}")));
        }
    }
    Ok(found)
}

fn format_of(name: &str) -> String {
    match name {
        ARCHIVE => return "ZIP archive".to_owned(),
        PHOTO => return "photo".to_owned(),
        _ => {}
    }
    FORMATS.iter().find(|format| format.name == name).map_or_else(|| name.to_owned(), |format| format.label.to_owned())
}

/// `GET /evidence?show=&after=`: stored files, those first of which not everything is matched.
pub async fn index(viewer: Viewer, state: Data, asked: web::Query<Asked>) -> Result<HttpResponse, Problem> {
    let (show, before, limit) = (asked.list()?, asked.before()?, request::limit(asked.limit.as_deref())?);
    let page = Page::new(&state, "Evidence", Some(&viewer));
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        let (files, next) = list(&mut db, &viewer, show, before, limit)?;
        let mut names = Names::new(&service.app);
        let mut rows = Vec::with_capacity(files.len());
        for file in files {
            let others = is_others(&viewer, &file);
            rows.push(FileRow {
                short: page::short(file.sha256.as_str()),
                at: (!others).then(|| file.received.occurred.into()),
                who: if others { String::new() } else { names.person(&mut db, file.received.by.as_str())? },
                party: if others { String::new() } else { names.party(&mut db, file.received.party.as_str())? },
                reader: file.reader.as_ref().map(|reader| format_of(&reader.name)),
                media: file.reader.as_ref().map_or(0, |reader| reader.records),
                unmatched: file.reader.as_ref().map_or(0, |reader| reader.unmatched),
                withheld: file.withheld().is_some(),
                size: size(file.size_bytes),
                sha256: file.sha256.to_string(),
            });
        }
        let lists = EvidenceList::ALL.iter().map(|list| (list.as_str(), list.label(), *list == show)).collect();
        let types = ReceiveEvidence::ROLES.contains(&viewer.actor.role);
        Ok(IndexPage { page, lists, show: show.as_str(), rows, next, paged: before.is_some(), types })
    })
    .await?;
    page::render(&drawn)
}

/// Who stored a file, and when.
pub struct Stored {
    pub at: When,
    pub who: String,
    pub party: String,
    pub seq: u64,
}

/// What we hold where the file says something: the medium, and the device that it is in.
pub struct Held {
    pub medium: Option<String>,
    pub device: Option<(String, String)>,
    pub state: &'static str,
    pub words: &'static str,
    /// The entry of the sanitization that counts and rests on this file.
    pub relied: Option<u64>,
}

/// What a file says of one medium, beside what the record has.
pub struct RowShown {
    pub serial: Option<String>,
    /// The tool's name for it within the file.
    pub place: String,
    pub says: String,
    pub result: &'static str,
    pub result_words: String,
    pub matched: bool,
    pub held: Option<Held>,
    /// What it comes to by the policy, and what to ask for.
    pub verdict: Option<String>,
    /// What is known of where it belongs, and what to do next.
    pub note: String,
    pub action: Option<(String, String)>,
    /// Its place among the records of the file, where somebody has to match it or put it aside.
    pub open: Option<usize>,
    /// Where this viewer links it by hand.
    pub by_hand: Option<String>,
    /// Other files that speak of the same medium: their addresses.
    pub others: Vec<(String, String)>,
}

/// What a stored file is and says, as far as one viewer may know.
pub struct FileShown {
    pub sha256: String,
    pub short: String,
    pub size: String,
    pub reader: Option<String>,
    pub tool: Option<String>,
    pub not_understood: Option<String>,
    pub rows: Vec<RowShown>,
    pub total: usize,
    pub matched: usize,
    /// How many somebody has to match or put aside.
    pub unmatched: usize,
    /// Whether this viewer may put some aside, and why that can be.
    pub reasons: Vec<(&'static str, String)>,
    pub remarks: Vec<String>,
    /// Where its claims cannot be, or do not fit: what is wrong, and what to ask for.
    pub claims: Vec<(String, String)>,
    /// What was proposed and done about its bytes.
    pub withholding: Option<withholdings::Notice>,
    /// What this viewer can do about them: address and words.
    pub steps: Vec<(String, &'static str)>,
    /// It is a photo, which people look at.
    pub photo: bool,
    /// The files in an archive: what each is, and where.
    pub members: Vec<(String, String)>,
    /// Reading it again links more.
    pub reads_again: bool,
    pub address: String,
    pub stored: Vec<Stored>,
    /// Consignments that it was sent for: address and reference.
    pub consignments: Vec<(String, String)>,
    /// Certificates that rest on it.
    pub certificates: Vec<String>,
}

impl FileShown {
    /// Whether its bytes are gone.
    pub fn is_withheld(&self) -> bool {
        self.withholding.as_ref().is_some_and(|notice| notice.withheld.is_some())
    }
}

/// Most rows that are shown; those that need somebody come first.
const ROWS: usize = 200;
/// Most other files that are named beside a medium.
const OTHERS: usize = 5;

/// `31.4 KB`, as people compare files.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{}.{} KB", bytes / 1_000, bytes % 1_000 / 100),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

fn result_words(page: &Page, result: Outcome) -> (&'static str, String) {
    match result {
        Outcome::Pass => ("ok", page.t("passed").to_owned()),
        Outcome::PassWithExceptions => ("warn", page.t("passed with exceptions").to_owned()),
        Outcome::Fail => ("bad", page.t("failed").to_owned()),
        Outcome::Aborted => ("bad", page.t("aborted").to_owned()),
        Outcome::InProgress => ("warn", page.t("not finished").to_owned()),
        Outcome::Inconclusive => ("warn", page.t("inconclusive").to_owned()),
    }
}

fn held(thing: &Thing, sha256: &Digest) -> Held {
    let device = thing.device().map(|device| (bare(device.id.as_str()).to_owned(), device.tag.to_string()));
    match thing {
        Thing::Medium(medium, _) => {
            let done = medium.sanitization.as_ref().filter(|done| done.evidence.as_ref() == Some(sha256));
            let relied = done.map(|done| done.performed.seq);
            Held { medium: Some(medium.title()), device, state: medium.state.as_str(), words: medium.state.label(), relied }
        }
        Thing::Device(device_itself) => {
            let label = device_itself.label();
            Held { medium: None, device, state: label.as_str(), words: label.label(), relied: None }
        }
    }
}

fn row(page: &Page, (pack, evidence): (&Pack, &Evidence), reading: &MediumReading, place: &Place) -> RowShown {
    let (result, result_words) = result_words(page, reading.result);
    let to = |thing: &Thing, command: &str, words: &str| {
        thing.device().map(|device| (format!("/assets/{}/actions/{command}", bare(device.id.as_str())), words.to_owned()))
    };
    let (thing, note, action) = match place {
        Place::Linked(thing) => (Some(thing), String::new(), None),
        Place::Waiting(thing) => (Some(thing), page.t("Recorded since the file was read: read the file again to link it.").to_owned(), None),
        Place::Device(thing) => (
            Some(thing),
            page.t("This is the serial number of a device whose media nobody has recorded. Record the medium, then read the file again.").to_owned(),
            to(thing, "record_media", page.t("Record its medium")),
        ),
        Place::Within(thing) => (
            Some(thing),
            page.t("The tool ran on this device, and the serial number of its medium is not recorded yet. Compare the label, confirm the medium, then read the file again.").to_owned(),
            to(thing, "confirm_medium", page.t("Confirm its medium")),
        ),
        Place::Alike(thing, other) => (
            Some(thing),
            page.t1("We hold {}: one character looks like another. Compare the label; where the record is wrong, an approver of the organisation corrects it, and then the file is read again.", other),
            None,
        ),
        Place::Nowhere => (None, page.t("Nothing in your hands has this serial number. Record the medium if it is here; what belongs to others is put aside.").to_owned(), None),
        Place::Unnamed => (None, page.t("The file names no serial number here, so that nobody can tell which medium it is.").to_owned(), None),
    };
    let verdict = match place {
        Place::Linked(Thing::Medium(medium, host)) => {
            evidence.link_of(medium, host.as_deref()).and_then(|link| verdict::of_reading(pack, medium, host.as_deref(), link))
        }
        _ => None,
    };
    RowShown {
        serial: reading.serial().map(str::to_owned),
        place: reading.place.clone(),
        says: capital(reading.technique.label()),
        result,
        result_words,
        matched: matches!(place, Place::Linked(_)),
        held: thing.map(|thing| held(thing, &evidence.sha256)),
        verdict,
        note,
        action,
        open: None,
        by_hand: None,
        others: Vec::new(),
    }
}

/// What the record kept of one medium, as a reader would tell it.
fn as_read(link: &Link) -> MediumReading {
    let mut read = MediumReading::new(reading::Kind::Sanitization, "");
    read.media_serial = Some(link.serial.to_string());
    read.technique = link.reading.technique;
    read.result = Outcome::parse(link.reading.result.as_str()).unwrap_or(Outcome::Inconclusive);
    read
}

/// What there is to show of a stored file. A vendor's people learn nothing of what others did with the same bytes.
pub fn shown(service: &Service, viewer: &Viewer, page: &Page, sha256: &Digest) -> crate::error::Result<FileShown> {
    let evidence = receive_evidence::recorded(&mut *service.app.read()?, &viewer.actor, sha256)?;
    let withheld = evidence.withheld().is_some();
    let unread = evidence.reader.as_ref().is_some_and(|reader| [ARCHIVE, PHOTO].contains(&reader.name.as_str()));
    let file = if withheld || unread { None } else { Some(match_readings::read(service, &viewer.actor, sha256)?) };
    let members = if withheld { Vec::new() } else { members(service, viewer, &evidence)? };
    let read = file.as_ref().and_then(Told::reading);
    let mut db = service.app.read()?;
    // Where the bytes are gone, what was linked with media is still known.
    let kept: Vec<MediumReading> = if withheld { evidence.links.iter().map(as_read).collect() } else { Vec::new() };
    let readings: Vec<(usize, &MediumReading)> = read.into_iter().flat_map(|read| &read.records).chain(&kept).enumerate().collect();
    let open: BTreeSet<usize> = read.map(|read| match_readings::open(read, &evidence)).into_iter().flatten().map(|(number, _)| number).collect();
    let is_linked = |reading: &MediumReading| {
        let serial = reading.serial().and_then(|serial| Serial::parse(serial).ok());
        serial.is_some_and(|serial| evidence.links.iter().any(|link| link.serial.same(&serial)))
    };
    let (total, matched) = (readings.len(), readings.iter().filter(|(_, reading)| is_linked(reading)).count());
    let mut numbered = readings;
    // Those that need somebody come first, then what is neither linked nor waited for.
    numbered.sort_by_key(|(number, reading)| (!open.contains(number), is_linked(reading)));
    numbered.truncate(ROWS);
    let first: Vec<&MediumReading> = numbered.iter().map(|(_, reading)| *reading).collect();
    let places = find_on_bench::places(&mut db, &viewer.actor, &evidence, &first)?;
    let claims = match read {
        Some(read) => {
            let media = receive_evidence::media_of(&mut db, (&viewer.actor, None), read)?;
            lint_reports::findings(&mut db, &viewer.actor, (sha256, read), &media)?
        }
        None => Vec::new(),
    };
    let claims = claims.into_iter().take(ROWS).map(|finding| (finding.what, finding.ask)).collect();
    let mut names = Names::new(&service.app);
    let (mut stored, mut consignments, mut certificates) = (Vec::new(), Vec::new(), Vec::new());
    let own = [viewer.actor.party.as_str(), service.app.service.party.as_str()];
    let told = ledger::told_to(&mut db, &mut names, &Subject::evidence(sha256).id, 0, 200, viewer)?;
    for entry in told.into_iter().filter(|entry| entry.event == "evidence.received") {
        if viewer.actor.role.is_vendor() && !own.contains(&entry.actor.party.as_str()) {
            continue;
        }
        for subject in entry.subjects.iter().filter(|subject| subject.kind == SubjectKind::Consignment) {
            let consignment = tables::find::<Consignment>(&mut db, &ConsignmentId::parse(&subject.id)?)?;
            if let Some(known) = consignment.filter(|consignment| viewer.actor.sees_consignment(consignment)) {
                consignments.push((bare(known.id.as_str()).to_owned(), known.reference.to_string()));
            }
        }
        stored.push(Stored { at: When::of(&entry.time), who: entry.actor.name, party: entry.actor.party_name, seq: entry.seq });
    }
    for place in &places {
        if let Place::Linked(thing @ Thing::Medium(medium, _)) = place
            && medium.sanitization.as_ref().is_some_and(|done| done.evidence.as_ref() == Some(sha256))
        {
            certificates.extend(thing.device().and_then(|device| device.certificate.clone()));
        }
    }
    certificates.dedup();
    let mut rows: Vec<RowShown> =
        first.iter().zip(&places).map(|(reading, place)| row(page, (&service.app.policy, &evidence), reading, place)).collect();
    // A profile that was added, or a better reader.
    let recorded = evidence.reader.as_ref().map(|reader| (reader.name.as_str(), reader.version));
    let is_newer = read.is_some_and(|read| recorded != Some((read.reader.as_str(), read.reader_version)));
    let (may, links, dismisses) = (
        ReceiveEvidence::ROLES.contains(&viewer.actor.role),
        LinkReading::ROLES.contains(&viewer.actor.role),
        DismissReadings::ROLES.contains(&viewer.actor.role) && !withheld && !is_others(viewer, &evidence),
    );
    for ((row, (number, reading)), place) in rows.iter_mut().zip(&numbered).zip(&places) {
        let meant = match_readings::reference(reading, *number);
        let told = |dismissed: &&Dismissed| !is_others(viewer, &evidence) || dismissed.act.party == viewer.actor.party;
        if let Some(dismissed) = evidence.dismissed_as(&meant).filter(told) {
            row.note = page.t1("Put aside: {}.", page.t(dismissed.reason.label()));
        }
        if open.contains(number) {
            row.open = Some(*number);
            row.by_hand =
                (links && meant.serial.is_some() && !matches!(place, Place::Waiting(_))).then(|| format!("/evidence/{sha256}/readings/{number}"));
        }
        if let Some(link) = meant.serial.and_then(|serial| evidence.links.iter().find(|link| link.serial.same(&serial))) {
            if let Some(reason) = link.by_hand.filter(|_| row.matched) {
                row.note = page.t1("Linked by hand: {}.", page.t(reason.label()));
            }
            for other in evidence_lists::about(&mut db, link.medium.as_str(), OTHERS)?.into_iter().filter(|other| other != sha256.as_str()) {
                if row.matched && receive_evidence::recorded(&mut db, &viewer.actor, &Digest::parse(&other)?).is_ok() {
                    row.others.push((page::short(&other), format!("/evidence/{other}")));
                }
            }
        }
    }
    // Linked under the same serial number, with a medium of which this viewer knows nothing.
    let hidden = rows.iter().zip(&first).filter(|(row, reading)| !row.matched && is_linked(reading)).count();
    // Of media that this viewer knows nothing of, the record says nothing to them.
    let total = if withheld { total.saturating_sub(hidden) } else { total };
    if withheld {
        rows.retain(|row| row.matched);
    }
    let withholding = withholdings::Notice::of(&mut db, &mut names, &evidence)?;
    let reader = match (read, &evidence.reader) {
        (Some(read), _) => Some(format_of(&read.format)),
        (None, Some(reader)) if withheld || unread => Some(format_of(&reader.name)),
        (None, _) => None,
    };
    Ok(FileShown {
        sha256: sha256.to_string(),
        short: page::short(sha256.as_str()),
        size: size(evidence.size_bytes),
        reader,
        tool: read.and_then(Reading::tool_and_version),
        not_understood: file.as_ref().and_then(Told::why_not).map(str::to_owned),
        rows,
        total,
        matched: matched.saturating_sub(hidden),
        reasons: if dismisses && !open.is_empty() {
            DismissalReason::ALL.iter().map(|reason| (reason.as_str(), page.t(reason.label()).to_owned())).collect()
        } else {
            Vec::new()
        },
        unmatched: open.len(),
        claims,
        remarks: read.map(|read| read.remarks.iter().map(|remark| format!("{}: {}", remark.place, remark.what)).collect()).unwrap_or_default(),
        withholding,
        photo: evidence.reader.as_ref().is_some_and(|reader| reader.name == PHOTO),
        members,
        steps: withholdings::steps(viewer, &evidence),
        reads_again: may && !withheld && (is_newer || places.iter().any(|place| matches!(place, Place::Waiting(_)))),
        address: format!("/evidence/{sha256}"),
        stored,
        consignments,
        certificates,
    })
}

#[derive(Template)]
#[template(path = "evidence/show.html")]
struct ShowPage {
    page: Page,
    file: FileShown,
}

/// `GET /evidence/{sha256}`: what the file is, what it says, and what that is linked with.
pub async fn show(viewer: Viewer, state: Data, sha256: web::Path<String>) -> Result<HttpResponse, Problem> {
    let digest = Digest::parse(&sha256).map_err(|_| receive_evidence::unknown(&sha256))?;
    let mut page = Page::new(&state, "", Some(&viewer));
    page.title = page.t("Stored file").to_owned();
    let drawn = block(&state, move |service| {
        let file = shown(service, &viewer, &page, &digest)?;
        Ok(ShowPage { page, file })
    })
    .await?;
    page::render(&drawn)
}

/// `POST /evidence/{sha256}`: its page's button to read it again.
pub async fn reread(http: HttpRequest, state: Data, sha256: web::Path<String>) -> Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    viewer.must_be_able_to("receive_evidence")?;
    let digest = Digest::parse(&sha256).map_err(|_| receive_evidence::unknown(&sha256))?;
    let address = format!("/evidence/{digest}");
    let received = block(&state, move |service| receive_evidence::read_again(service, &viewer.actor, &digest, None)?.now()).await?;
    Ok(page::redirect_entry(&state, &address, received.entries.last().map(|entry| entry.seq)))
}
