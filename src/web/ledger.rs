//! The log itself: checkpoints and proofs for anyone, entries for those whom they concern; and entries told to people.

use std::collections::HashMap;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::Value;

use super::problem::Problem;
use super::session::Viewer;
use super::{Data, block};
use crate::app::App;
use crate::domain::asset::Asset;
use crate::domain::consignment::Consignment;
use crate::domain::correction::Corrected;
use crate::domain::evidence::Evidence;
use crate::domain::exceptions::{Exception, ExceptionId};
use crate::domain::medium::Medium;
use crate::domain::names::{AssetId, ConsignmentId, Digest, MediumId, PartyId, Role};
use crate::domain::parties::Party;
use crate::domain::{Actor, Event, SIGNED, SIGNED_IN, Subject, SubjectKind};
use crate::error::{Error, Result};
use crate::operations::publish_checkpoint;
use crate::proof::entry::{Entry, Frame};
use crate::store::{Database, from_db, inventory, links, log, people, tables};

fn text(body: String, caching: &str) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; charset=utf-8")).insert_header((CACHE_CONTROL, caching)).body(body)
}

/// `GET /ledger/checkpoint`: the newest.
pub async fn checkpoint(state: Data) -> std::result::Result<HttpResponse, Problem> {
    let newest = block(&state, |service| {
        publish_checkpoint::newest_shown(&service.app, &mut *service.app.read()?)?
            .ok_or_else(|| Error::Unknown("No checkpoint was published yet.".to_owned()))
    })
    .await?;
    Ok(text(newest.note, "public, no-cache"))
}

/// The number of an entry in an address.
pub fn sequence(path: &str) -> std::result::Result<u64, Problem> {
    path.parse().map_err(|_| Problem::unknown("Entries are numbered from 0."))
}

/// `GET /ledger/proof/{seq}`: that an entry is in the log.
pub async fn proof(state: Data, seq: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let seq = sequence(&seq)?;
    let proof = block(&state, move |service| publish_checkpoint::proof_of(&service.app, &mut *service.app.read()?, seq)).await?;
    Ok(text(proof.write(), "public, max-age=86400"))
}

/// `GET /ledger/log.vkey`: the key that checkpoints are signed with.
pub async fn vkey(state: Data) -> HttpResponse {
    text(format!("{}\n", state.service.app.keys.log.vkey()), "public, max-age=300")
}

/// `GET /ledger/entries/{seq}`: the exact bytes.
pub async fn entry(viewer: Viewer, state: Data, seq: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let seq = sequence(&seq)?;
    let bytes = block(&state, move |service| {
        let mut db = service.app.read()?;
        let unknown = || Error::Unknown(format!("There is no entry {seq}."));
        let bytes = log::entry(&mut db, seq)?.ok_or_else(unknown)?;
        match viewer.actor.role.is_narrowed() {
            true if !concerns(&mut db, &parse(&bytes)?, &viewer.actor)? => Err(unknown()),
            _ => Ok(bytes),
        }
    })
    .await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(bytes))
}

fn parse(bytes: &[u8]) -> Result<Entry> {
    Entry::parse(bytes).map_err(|e| Error::fault("a stored entry", e))
}

/// Whether an entry was made by a vendor's people, or by a school contact themselves, or is about something that they may see.
fn concerns(db: &mut Database, entry: &Entry, actor: &Actor) -> Result<bool> {
    let (vendor, party) = (actor.role.is_vendor(), &actor.party);
    let made = &entry.frame().actor;
    if if vendor { made.party == party.as_str() } else { made.id == actor.person.as_str() } {
        return Ok(true);
    }
    for subject in &entry.frame().subjects {
        let theirs = match SubjectKind::parse(&subject.kind)? {
            SubjectKind::Asset => sees_asset(db, &AssetId::parse(&subject.id)?, actor)?,
            SubjectKind::Medium => match tables::find::<Medium>(db, &MediumId::parse(&subject.id)?)? {
                Some(Medium { host: Some(host), .. }) => sees_asset(db, &host, actor)?,
                Some(medium) => actor.sees_loose(&medium),
                None => false,
            },
            SubjectKind::Consignment => {
                tables::find::<Consignment>(db, &ConsignmentId::parse(&subject.id)?)?.is_some_and(|consignment| actor.sees_consignment(&consignment))
            }
            SubjectKind::Party | SubjectKind::Evidence | SubjectKind::Exception if !vendor => false,
            SubjectKind::Party => subject.id == party.as_str(),
            // What another vendor's people said of a file is theirs, also where this party has the same file.
            SubjectKind::Evidence if Role::parse(&entry.frame().actor.role)?.is_vendor() => false,
            SubjectKind::Evidence => match subject.id.strip_prefix("urn:sha256:") {
                Some(hex) => tables::find::<Evidence>(db, &Digest::parse(hex)?)?.is_some_and(|evidence| evidence.concerns(party)),
                None => false,
            },
            SubjectKind::Exception => {
                tables::find::<Exception>(db, &ExceptionId::parse(&subject.id)?)?.is_some_and(|exception| exception.concerns.contains(party))
            }
            SubjectKind::Certificate | SubjectKind::Count | SubjectKind::Discrepancy | SubjectKind::Log | SubjectKind::StatusList => false,
        };
        if theirs {
            return Ok(true);
        }
    }
    Ok(false)
}

fn sees_asset(db: &mut Database, id: &AssetId, actor: &Actor) -> Result<bool> {
    Ok(tables::find::<Asset>(db, id)?.is_some_and(|asset| actor.sees(&asset)))
}

/// Names of people and parties as they are now; each is looked up once.
pub struct Names {
    people: HashMap<String, String>,
    parties: HashMap<String, String>,
}

impl Names {
    /// Knows the service itself.
    pub fn new(app: &App) -> Self {
        Self { people: HashMap::from([(app.service.person.to_string(), "the service".to_owned())]), parties: HashMap::new() }
    }
    /// A person's name, or that it was erased, or that nobody signed in.
    pub fn person(&mut self, db: &mut Database, id: &str) -> Result<String> {
        if let Some(name) = self.people.get(id) {
            return Ok(name.clone());
        }
        let name = match people::by_id(db, id)? {
            Some(person) => person.name,
            None if links::exists(db, id)? => "through a one-time link".to_owned(),
            None => "name erased".to_owned(),
        };
        self.people.insert(id.to_owned(), name.clone());
        Ok(name)
    }
    /// A party's name.
    pub fn party(&mut self, db: &mut Database, id: &str) -> Result<String> {
        if let Some(name) = self.parties.get(id) {
            return Ok(name.clone());
        }
        let name = tables::find::<Party>(db, &PartyId::parse(id)?)?.map_or_else(|| id.to_owned(), |party| party.name.to_string());
        self.parties.insert(id.to_owned(), name.clone());
        Ok(name)
    }
}

/// Who did something, as the record names them.
#[derive(Clone, Debug, Serialize)]
pub struct Who {
    /// The person.
    pub id: String,
    /// Their name in the directory.
    pub name: String,
    /// As what.
    pub role: String,
    /// For whom.
    pub party: String,
    /// That party's name.
    pub party_name: String,
}

impl Who {
    /// `disposal coordinator`
    pub fn role_words(&self) -> &str {
        Role::parse(&self.role).map_or(self.role.as_str(), |role| role.label())
    }
}

/// An entry told to people.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// Its number.
    pub seq: u64,
    /// When it was recorded.
    pub time: String,
    /// When it happened, as claimed.
    pub occurred: String,
    /// Its kind.
    pub event: String,
    /// One plain sentence.
    pub sentence: String,
    /// Who said so.
    pub actor: Who,
    /// What it is about.
    pub subjects: Vec<Subject>,
    /// Its facts.
    pub data: Value,
    /// The key of their own that the actor signed it with.
    pub own_key: Option<String>,
    /// How the actor was signed in, on the wire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_in: Option<String>,
    /// The entry that declares it erroneous.
    pub corrected_by: Option<u64>,
}

/// Tells a page of the entries about these things, oldest first, and from which entry the next page goes on.
pub fn page_of(db: &mut Database, names: &mut Names, subjects: &[String], from: u64, limit: i64) -> Result<(Vec<Told>, Option<u64>)> {
    let rows = inventory::timeline(db, subjects, from, limit + 1)?;
    let whole = usize::try_from(limit).unwrap_or(usize::MAX);
    let next = rows.get(whole).map(|(seq, _)| from_db(*seq)).transpose()?;
    let mut told: Vec<Told> = rows.iter().take(whole).map(|(_, bytes)| tell(db, names, parse(bytes)?.frame())).collect::<Result<_>>()?;
    let corrected = corrected(db, subjects)?;
    told.iter_mut().for_each(|told| told.corrected_by = corrected.iter().find(|corrected| corrected.seq == told.seq).map(|corrected| corrected.by));
    Ok((told, next))
}

/// The entries about these devices and media that were declared erroneous.
fn corrected(db: &mut Database, subjects: &[String]) -> Result<Vec<Corrected>> {
    let mut found = Vec::new();
    for subject in subjects {
        if let Ok(id) = AssetId::parse(subject) {
            found.extend(tables::find::<Asset>(db, &id)?.map(|asset| asset.corrected).unwrap_or_default());
        }
        if let Ok(id) = MediumId::parse(subject) {
            found.extend(tables::find::<Medium>(db, &id)?.map(|medium| medium.corrected).unwrap_or_default());
        }
    }
    Ok(found)
}

/// Tells entries about one thing to a person who may not see all of them.
pub fn told_to(db: &mut Database, names: &mut Names, subject: &str, from: u64, limit: i64, viewer: &Viewer) -> Result<Vec<Told>> {
    let entries = log::entries_about(db, &[subject.to_owned()], from, limit)?;
    tell_to(db, names, entries.into_iter().map(|(_, bytes)| bytes), viewer)
}

/// One entry, told to a person who may not see it.
pub fn told_one(db: &mut Database, names: &mut Names, seq: u64, viewer: &Viewer) -> Result<Vec<Told>> {
    let entry = log::entry(db, seq)?;
    tell_to(db, names, entry.into_iter(), viewer)
}

/// Tells entries to a person who may not see all of them.
pub fn tell_to(db: &mut Database, names: &mut Names, entries: impl Iterator<Item = Vec<u8>>, viewer: &Viewer) -> Result<Vec<Told>> {
    let mut told = Vec::new();
    for bytes in entries {
        let entry = parse(&bytes)?;
        if !viewer.actor.role.is_narrowed() || concerns(db, &entry, &viewer.actor)? {
            told.push(tell(db, names, entry.frame())?);
        }
    }
    Ok(told)
}

fn tell(db: &mut Database, names: &mut Names, frame: &Frame) -> Result<Told> {
    let event = Event::read(&frame.event, &frame.data).map_err(|e| Error::fault("a stored event", e))?;
    let subjects =
        frame.subjects.iter().map(|subject| Ok(Subject::new(SubjectKind::parse(&subject.kind)?, &subject.id))).collect::<Result<Vec<_>>>()?;
    Ok(Told {
        seq: frame.seq,
        time: frame.time.clone(),
        occurred: frame.occurred.clone(),
        event: frame.event.clone(),
        sentence: event.sentence(),
        actor: Who {
            id: frame.actor.id.clone(),
            name: names.person(db, &frame.actor.id)?,
            role: frame.actor.role.clone(),
            party: frame.actor.party.clone(),
            party_name: names.party(db, &frame.actor.party)?,
        },
        subjects,
        own_key: frame.data.pointer(&format!("/{SIGNED}/proof/verificationMethod")).and_then(Value::as_str).and_then(|method| {
            let (key, _) = method.split_once('#')?;
            Some(key.to_owned())
        }),
        signed_in: frame.data.get(SIGNED_IN).and_then(Value::as_str).map(str::to_owned),
        corrected_by: None,
        data: frame.data.clone(),
    })
}
