//! Notes: on the pages of consignments and exceptions, and of stored files on a page of their own. Who sees the thing sees its notes.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::{Value, json};

use super::assets::bare;
use super::ledger::Names;
use super::page::{self, Page, When};
use super::problem::Problem;
use super::session::{self, Viewer};
use super::{Data, block, consignments, exceptions, request, writes};
use crate::domain::asset::Asset;
use crate::domain::consignment::{Item, Line, LineId};
use crate::domain::evidence::Evidence;
use crate::domain::exceptions::ExceptionId;
use crate::domain::medium::Medium;
use crate::domain::names::{AssetId, ConsignmentId, Digest, Instant, MediumId, Role, Serial, Tag};
use crate::domain::notes::{AddNote, MOST_CHARACTERS};
use crate::domain::refusal::Refusal;
use crate::domain::{Order as _, Subject, SubjectKind};
use crate::error::{Error, Result};
use crate::operations::receive_evidence;
use crate::operations::write_note::{self, Written};
use crate::store::notes::{self, Note};
use crate::store::{Database, from_db, tables, to_db};

const COMMAND: &str = "add_note";
/// Newest notes that a page shows.
const SHOWN: i64 = 100;

/// What a note is about, from an address.
#[derive(Clone, Debug)]
enum Thing {
    Consignment(ConsignmentId),
    Evidence(Digest),
    Exception(ExceptionId),
}

impl Thing {
    fn consignment(text: &str) -> std::result::Result<Self, Problem> {
        Ok(Self::Consignment(request::consignment_id(text)?))
    }
    fn evidence(text: &str) -> std::result::Result<Self, Problem> {
        Ok(Self::Evidence(Digest::parse(text).map_err(|_| receive_evidence::unknown(text))?))
    }
    fn exception(text: &str) -> std::result::Result<Self, Problem> {
        Ok(Self::Exception(exceptions::exception_id(text)?))
    }
    fn subject(&self) -> Subject {
        match self {
            Self::Consignment(id) => Subject::new(SubjectKind::Consignment, id.as_str()),
            Self::Evidence(digest) => Subject::evidence(digest),
            Self::Exception(id) => Subject::new(SubjectKind::Exception, id.as_str()),
        }
    }
    /// Refuses whoever may not see it as if there were none.
    fn must_be_seen(&self, db: &mut Database, viewer: &Viewer) -> Result<()> {
        match self {
            Self::Consignment(id) => consignments::find(db, viewer, id).map(drop),
            Self::Exception(id) => exceptions::find(db, viewer, id).map(drop),
            Self::Evidence(digest) => match tables::find::<Evidence>(db, digest)? {
                Some(evidence) if viewer.actor.sees_evidence(&evidence) => Ok(()),
                _ => Err(receive_evidence::unknown(digest.as_str())),
            },
        }
    }
    /// The page that shows its notes.
    fn address(&self) -> String {
        match self {
            Self::Consignment(id) => format!("/consignments/{}", bare(id.as_str())),
            Self::Evidence(digest) => format!("/evidence/{digest}/notes"),
            Self::Exception(id) => format!("/exceptions/{}", exceptions::in_address(id)),
        }
    }
}

/// The device or loose medium of a line, by its id.
fn line_by_id(db: &mut Database, thing: &Thing, id: &str) -> Result<Subject> {
    let Thing::Consignment(consignment) = thing else { return Err(no_line().into()) };
    let asset = AssetId::parse(id)?;
    if tables::find::<Line>(db, &LineId::new(consignment, &asset))?.is_some() {
        return Ok(Subject::new(SubjectKind::Asset, id));
    }
    let medium = LineId::of(consignment, Item::Medium(MediumId::parse(id)?));
    if tables::find::<Line>(db, &medium)?.is_some() { Ok(Subject::new(SubjectKind::Medium, id)) } else { Err(no_line().into()) }
}

fn no_line() -> Refusal {
    Refusal::new("notes.unknown_line", "line is a device or loose medium that is listed on this consignment; name one that is, or none.")
}

/// The same, by the tag or serial number that somebody typed.
fn line_by_label(db: &mut Database, thing: &Thing, label: &str) -> Result<Subject> {
    let asset = match Tag::parse(label) {
        Ok(tag) => tables::owner(db, &Asset::tag_key(&tag))?,
        Err(_) => None,
    };
    let serial = Serial::parse(label).ok();
    let found = match (asset, serial) {
        (Some(asset), _) => Some(asset),
        (None, Some(serial)) => match tables::owner(db, &Asset::serial_key(&serial))? {
            Some(asset) => Some(asset),
            None => tables::owner(db, &Medium::serial_key(&serial))?,
        },
        (None, None) => None,
    };
    line_by_id(db, thing, &found.ok_or_else(no_line)?)
}

/// A note as programs read it.
fn told(db: &mut Database, names: &mut Names, note: &Note) -> Result<Value> {
    let at = |ms: Option<i64>| ms.and_then(Instant::from_unix_ms);
    Ok(json!({
        "id": note.id, "about": note.about, "line": note.line, "text": note.text, "entry": from_db(note.seq)?, "at": at(Some(note.at)),
        "author": {"id": note.author, "name": names.person(db, &note.author)?, "party": note.party, "party_name": names.party(db, &note.party)?},
        "erased_at": at(note.erased_at),
    }))
}

/// Which part of a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    from: Option<String>,
    limit: Option<String>,
}

async fn api_list(viewer: Viewer, state: Data, thing: Thing, part: Part) -> std::result::Result<HttpResponse, Problem> {
    let (from, limit) = (request::from(part.from.as_deref())?, request::limit(part.limit.as_deref())?);
    let answer = block(&state, move |service| {
        let mut db = service.app.read()?;
        thing.must_be_seen(&mut db, &viewer)?;
        let mut rows = notes::about(&mut db, &thing.subject().id, to_db(from), limit + 1)?;
        let whole = usize::try_from(limit).unwrap_or(usize::MAX);
        let next = rows.get(whole).map(|note| from_db(note.seq)).transpose()?;
        rows.truncate(whole);
        let mut names = Names::new(&service.app);
        let told = rows.iter().map(|note| told(&mut db, &mut names, note)).collect::<Result<Vec<_>>>()?;
        Ok(json!({"notes": told, "next": next}))
    })
    .await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// `GET /api/v1/consignments/{id}/notes?from=&limit=`, oldest first; `next` is the entry from which the next page goes on.
pub async fn api_of_consignment(
    viewer: Viewer,
    state: Data,
    id: web::Path<String>,
    part: web::Query<Part>,
) -> std::result::Result<HttpResponse, Problem> {
    api_list(viewer, state, Thing::consignment(&id)?, part.into_inner()).await
}

/// `GET /api/v1/evidence/{sha256}/notes`
pub async fn api_of_evidence(
    viewer: Viewer,
    state: Data,
    sha256: web::Path<String>,
    part: web::Query<Part>,
) -> std::result::Result<HttpResponse, Problem> {
    api_list(viewer, state, Thing::evidence(&sha256)?, part.into_inner()).await
}

/// `GET /api/v1/exceptions/{id}/notes`
pub async fn api_of_exception(
    viewer: Viewer,
    state: Data,
    id: web::Path<String>,
    part: web::Query<Part>,
) -> std::result::Result<HttpResponse, Problem> {
    api_list(viewer, state, Thing::exception(&id)?, part.into_inner()).await
}

/// What a program sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    text: String,
    /// The id of a device or loose medium on the consignment.
    line: Option<String>,
}

async fn api_write(
    http: HttpRequest,
    viewer: Viewer,
    state: Data,
    thing: &str,
    kind: Kind,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be_able_to(COMMAND)?;
    let thing = kind(thing)?;
    let bytes = request::json(&http, &state, payload).await?;
    let key = writes::key(&http, &viewer, &bytes)?;
    let body: Body = request::read(&bytes, "notes.malformed")?;
    writes::answer(&state, viewer, key, StatusCode::CREATED, move |service, viewer, key| {
        let line = {
            let mut db = service.app.read()?;
            thing.must_be_seen(&mut db, viewer)?;
            body.line.as_deref().map(|line| line_by_id(&mut db, &thing, line)).transpose()?
        };
        write_note::write(service, &viewer.actor, thing.subject(), line, &body.text, key)
    })
    .await
}

/// Reads what an address names.
type Kind = fn(&str) -> std::result::Result<Thing, Problem>;

/// `POST /api/v1/consignments/{id}/notes` with `{"text", "line"}`
pub async fn api_on_consignment(
    http: HttpRequest,
    viewer: Viewer,
    state: Data,
    id: web::Path<String>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    api_write(http, viewer, state, &id, Thing::consignment, payload).await
}

/// `POST /api/v1/evidence/{sha256}/notes`
pub async fn api_on_evidence(
    http: HttpRequest,
    viewer: Viewer,
    state: Data,
    sha256: web::Path<String>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    api_write(http, viewer, state, &sha256, Thing::evidence, payload).await
}

/// `POST /api/v1/exceptions/{id}/notes`
pub async fn api_on_exception(
    http: HttpRequest,
    viewer: Viewer,
    state: Data,
    id: web::Path<String>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    api_write(http, viewer, state, &id, Thing::exception, payload).await
}

/// What the form sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    text: String,
    /// A tag or serial number, where the note is about one line.
    #[serde(default)]
    line: String,
}

async fn form_write(http: HttpRequest, state: Data, thing: &str, kind: Kind, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    viewer.must_be_able_to(COMMAND)?;
    let thing = kind(thing)?;
    let form: Form = request::form(&http, &state, payload).await?;
    let there = thing.address();
    let Written { note, receipt, .. } = block(&state, move |service| {
        let line = {
            let mut db = service.app.read()?;
            thing.must_be_seen(&mut db, &viewer)?;
            let label = form.line.trim();
            if label.is_empty() { None } else { Some(line_by_label(&mut db, &thing, label)?) }
        };
        write_note::write(service, &viewer.actor, thing.subject(), line, &form.text, None)?.now()
    })
    .await?;
    Ok(page::redirect_said(&state, &format!("{there}#note-{}", bare(&note)), &receipt))
}

/// `POST /consignments/{id}/notes`, from its page
pub async fn on_consignment(
    http: HttpRequest,
    state: Data,
    id: web::Path<String>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    form_write(http, state, &id, Thing::consignment, payload).await
}

/// `POST /evidence/{sha256}/notes`, from its page
pub async fn on_evidence(
    http: HttpRequest,
    state: Data,
    sha256: web::Path<String>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    form_write(http, state, &sha256, Thing::evidence, payload).await
}

/// `POST /exceptions/{id}/notes`, from its page
pub async fn on_exception(
    http: HttpRequest,
    state: Data,
    id: web::Path<String>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    form_write(http, state, &id, Thing::exception, payload).await
}

/// Erases a note where this person wrote it, or is an administrator; gives what it was about.
async fn erase(state: &Data, viewer: Viewer, id: &str) -> std::result::Result<String, Problem> {
    let id = request::person_id(id).map(|id| id.to_string());
    let found = match &id {
        Ok(id) => {
            let id = id.clone();
            block(state, move |service| notes::find(&mut *service.app.read()?, &id)).await?
        }
        Err(_) => None,
    };
    if found.as_ref().is_none_or(|note| note.author != viewer.actor.person.as_str()) {
        viewer.must_be(&[Role::Administrator])?;
    }
    let unknown = || Problem::unknown("There is no such note, or its text is erased already.");
    let note = found.ok_or_else(unknown)?;
    let about = note.about;
    let done = block(state, move |service| write_note::erase(service, &viewer.actor, &note.id)).await?;
    if done { Ok(about) } else { Err(unknown()) }
}

/// `POST /api/v1/notes/{id}/erasures`, without a body: the text and its salt go, a stub and the entry stay.
pub async fn api_erase(viewer: Viewer, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    erase(&state, viewer, &id).await?;
    Ok(HttpResponse::Ok().json(json!({})))
}

/// `POST /notes/{id}/erasures`, from the page of what it is about
pub async fn erase_shown(http: HttpRequest, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    let about = erase(&state, viewer, &id).await?;
    let thing = match about.strip_prefix("urn:sha256:") {
        Some(digest) => Thing::evidence(digest)?,
        None if about.contains('#') => Thing::Exception(ExceptionId::parse(&about)?),
        None => Thing::consignment(&about)?,
    };
    Ok(page::redirect(&state, &format!("{}#notes", thing.address())))
}

/// A note on a page.
pub struct NoteShown {
    pub(super) id: String,
    pub(super) author: String,
    pub(super) at: When,
    pub(super) seq: u64,
    /// Tag or serial number of the line.
    pub(super) line: Option<String>,
    /// Its lines; none where it is erased.
    pub(super) text: Option<Vec<String>>,
    pub(super) erased: Option<When>,
    pub(super) erasable: bool,
}

/// The notes of a page, and the form for one more.
pub struct NotesShown {
    pub(super) list: Vec<NoteShown>,
    pub(super) more: bool,
    /// Where the form goes.
    pub(super) address: String,
    pub(super) writes: bool,
    /// The form asks for a line.
    pub(super) lines: bool,
    /// Who reads them besides the organisation's people.
    pub(super) readers: &'static str,
    pub(super) most: usize,
}

/// What a page shows of the notes about a thing that this viewer sees.
fn shown(db: &mut Database, names: &mut Names, viewer: &Viewer, thing: &Thing) -> Result<NotesShown> {
    let mut rows = notes::newest(db, &thing.subject().id, SHOWN + 1)?;
    let more = i64::try_from(rows.len()).is_ok_and(|n| n > SHOWN);
    if more {
        rows.pop();
    }
    let mut list = Vec::new();
    for note in rows.into_iter().rev() {
        let own = note.author == viewer.actor.person.as_str() || viewer.actor.role == Role::Administrator;
        let line = match (&note.line, thing) {
            (Some(line), Thing::Consignment(consignment)) => Some(line_name(db, consignment, line)?),
            _ => None,
        };
        let at = |ms: i64| Instant::from_unix_ms(ms).map_or_else(|| When::of(""), When::from);
        list.push(NoteShown {
            id: bare(&note.id).to_owned(),
            author: format!("{}, {}", names.person(db, &note.author)?, names.party(db, &note.party)?),
            at: at(note.at),
            seq: from_db(note.seq)?,
            line,
            erasable: own && note.text.is_some(),
            text: note.text.map(|text| text.lines().map(str::to_owned).collect()),
            erased: note.erased_at.map(at),
        });
    }
    let (lines, readers) = match thing {
        Thing::Consignment(_) => (true, "Everyone who sees this consignment reads it: also the people of whoever sends and receives it."),
        Thing::Evidence(_) => (false, "Everyone who sees this file reads it: also the people of the vendor that sent it."),
        Thing::Exception(_) => (false, "Everyone who sees this exception reads it: also the people of the vendors that it concerns."),
    };
    let address = match thing {
        Thing::Evidence(_) => thing.address(),
        _ => format!("{}/notes", thing.address()),
    };
    Ok(NotesShown { list, more, address, writes: AddNote::ROLES.contains(&viewer.actor.role), lines, readers, most: MOST_CHARACTERS })
}

fn line_name(db: &mut Database, consignment: &ConsignmentId, id: &str) -> Result<String> {
    for item in [Item::Asset(AssetId::parse(id)?), Item::Medium(MediumId::parse(id)?)] {
        if let Some(line) = tables::find::<Line>(db, &LineId::of(consignment, item))? {
            return Ok(line.name);
        }
    }
    Ok(id.to_owned())
}

/// The notes of a consignment's page.
pub fn of_consignment(db: &mut Database, names: &mut Names, viewer: &Viewer, id: &ConsignmentId) -> Result<NotesShown> {
    shown(db, names, viewer, &Thing::Consignment(id.clone()))
}

/// The notes of an exception's page.
pub fn of_exception(db: &mut Database, names: &mut Names, viewer: &Viewer, id: &ExceptionId) -> Result<NotesShown> {
    shown(db, names, viewer, &Thing::Exception(id.clone()))
}

#[derive(Template)]
#[template(path = "evidence/file_notes.html")]
struct EvidencePage {
    page: Page,
    sha256: String,
    short: String,
    notes: NotesShown,
}

/// `GET /evidence/{sha256}/notes`
pub async fn of_evidence(viewer: Viewer, state: Data, sha256: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let thing = Thing::evidence(&sha256)?;
    let page = Page::new(&state, "Notes on a file", Some(&viewer));
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        thing.must_be_seen(&mut db, &viewer)?;
        let notes = shown(&mut db, &mut Names::new(&service.app), &viewer, &thing)?;
        let Thing::Evidence(digest) = &thing else { return Err(Error::Fault("a page of another thing".to_owned())) };
        Ok(EvidencePage { page, sha256: digest.to_string(), short: page::short(digest.as_str()), notes })
    })
    .await?;
    page::render(&drawn)
}
