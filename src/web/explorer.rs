//! The ledger for people: newest entries first, narrowed by kind, thing, person and day; one entry with its exact bytes and proof; the keys; and whether
//! one signed head goes on from another.

use actix_web::http::header::VARY;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::Value;

use super::assets::bare;
use super::forms::Shown;
use super::headers::wants_page;
use super::ledger::{self, Names};
use super::page::{self, Page, When, short, thousands};
use super::problem::Problem;
use super::session::Viewer;
use super::{Data, block, request};
use crate::domain::consignment::Discrepancy;
use crate::domain::names::{DiscrepancyId, Instant};
use crate::domain::{Event, Subject, SubjectKind};
use crate::error::{Error, Result};
use crate::operations::publish_checkpoint;
use crate::proof::checkpoint::Checkpoint;
use crate::proof::digest::{Hash, hex};
use crate::proof::entry::Entry;
use crate::proof::tree;
use crate::store::{Database, from_db, log, people, tables};

/// Entries of one page.
const SHOWN: usize = 50;
/// Entries that one page looks through where not all of them fit the filter; the next page goes on from there.
const LOOKED: i64 = 4_096;
/// Entries whose hashes one page compares.
const COMPARED: i64 = 65_536;
/// Signed heads of one page.
const HEADS: i64 = 50;

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Only entries before this one.
    before: Option<String>,
    kind: Option<String>,
    subject: Option<String>,
    actor: Option<String>,
    /// A day: entries of it and of before.
    on: Option<String>,
    /// The number of an entry, or the beginning of its leaf hash.
    to: Option<String>,
    hash: Option<String>,
}

fn filled(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// An entry in the list.
struct Row {
    seq: u64,
    time: When,
    kind: String,
    sentence: String,
    who: String,
    about: Vec<(String, Option<String>)>,
}

/// A filter that is on, and the address without it.
struct Chip {
    words: String,
    without: String,
}

#[derive(Template)]
#[template(path = "ledger/index.html")]
struct IndexPage {
    page: Page,
    size: String,
    kinds: Vec<Shown>,
    people: Vec<Shown>,
    subject: String,
    on: String,
    chips: Vec<Chip>,
    rows: Vec<Row>,
    /// Where to go on: before which entry.
    next: Option<String>,
    paged: bool,
    note: Option<String>,
}

/// The thing of an entry: words, and the address of its page.
fn about(db: &mut Database, names: &mut Names, subject: &Subject) -> Result<(String, Option<String>)> {
    let id = &subject.id;
    let page = |part: &str| Some(format!("/{part}/{}", bare(id)));
    Ok(match subject.kind {
        SubjectKind::Asset => (format!("device {}", short(bare(id))), page("assets")),
        SubjectKind::Consignment => (format!("consignment {}", short(bare(id))), page("consignments")),
        SubjectKind::Party => (names.party(db, id)?, page("vendors")),
        SubjectKind::Certificate => {
            let number = id.rsplit('/').next().unwrap_or(id).to_owned();
            (number.clone(), Some(format!("/certificates/{number}")))
        }
        SubjectKind::Exception => {
            let (thing, rule) = id.split_once('#').unwrap_or((id, ""));
            (format!("exception {rule}"), Some(format!("/exceptions/{rule}.{}", bare(thing))))
        }
        SubjectKind::Discrepancy => {
            let found = tables::find::<Discrepancy>(db, &DiscrepancyId::parse(id)?)?;
            ("discrepancy".to_owned(), found.map(|found| format!("/consignments/{}#discrepancies", bare(found.consignment.as_str()))))
        }
        SubjectKind::Evidence => {
            let sha256 = id.strip_prefix("urn:sha256:").unwrap_or(id);
            (format!("file {}", short(sha256)), Some(format!("/evidence/{sha256}")))
        }
        other => (format!("{} {}", other.label(), short(bare(id))), None),
    })
}

/// The first entry that was recorded at this time or later: times never go back, so halving finds it.
fn first_at(db: &mut Database, at: Instant, size: u64) -> Result<u64> {
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        let bytes = log::entry(db, middle)?.ok_or_else(|| Error::Fault(format!("entry {middle} is missing: run `quittance audit`")))?;
        let time = Instant::parse(&parse(&bytes)?.frame().time)?;
        if time < at { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}

fn parse(bytes: &[u8]) -> Result<Entry> {
    Entry::parse(bytes).map_err(|e| Error::fault("a stored entry", e))
}

/// Which entries.
struct Filter {
    before: u64,
    kind: Option<String>,
    subject: Option<String>,
    actor: Option<String>,
}

/// Entries that fit, newest first, and before which one the next page goes on.
fn found(db: &mut Database, names: &mut Names, viewer: &Viewer, filter: &Filter) -> Result<(Vec<ledger::Told>, Option<u64>)> {
    let rows = match &filter.subject {
        Some(subject) => log::entries_about_before(db, subject, filter.before, LOOKED)?,
        None => log::entries_before(db, filter.before, LOOKED)?,
    };
    let looked = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    // As the canonical spelling has them; what is found is read before it is believed.
    let kind = filter.kind.as_ref().map(|kind| format!("\"event\":\"{kind}\""));
    let actor = filter.actor.as_ref().map(|actor| format!("\"actor\":{{\"id\":\"{actor}\""));
    let holds = |bytes: &[u8], part: &Option<String>| part.as_ref().is_none_or(|part| has_part(bytes, part.as_bytes()));
    let mut told = Vec::new();
    let mut last = filter.before;
    for (seq, bytes) in rows {
        let seq = from_db(seq)?;
        last = seq;
        if holds(&bytes, &kind) && holds(&bytes, &actor) {
            let found = ledger::tell_to(db, names, std::iter::once(bytes), viewer)?;
            let fits = |entry: &ledger::Told| {
                filter.kind.as_ref().is_none_or(|kind| *kind == entry.event) && filter.actor.as_ref().is_none_or(|actor| *actor == entry.actor.id)
            };
            told.extend(found.into_iter().filter(fits));
            if told.len() == SHOWN {
                return Ok((told, (seq > 0).then_some(seq)));
            }
        }
    }
    let more = looked == LOOKED && last > 0;
    Ok((told, more.then_some(last)))
}

/// Whether bytes hold a part.
fn has_part(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The newest entry below `before` whose leaf hash begins so, and how far was looked.
fn with_hash(db: &mut Database, beginning: &str, before: u64) -> Result<(Option<u64>, Option<u64>)> {
    let rows = log::leaves_before(db, before, COMPARED)?;
    let end = rows.last().map(|(seq, _)| *seq).unwrap_or(0);
    let more = rows.len() == usize::try_from(COMPARED).unwrap_or(usize::MAX) && end > 0;
    let found = rows.iter().find(|(_, leaf)| hex(leaf).starts_with(beginning)).map(|(seq, _)| from_db(*seq)).transpose()?;
    Ok((found, if more { Some(from_db(end)?) } else { None }))
}

impl Asked {
    /// The same list, narrowed by what `keep` leaves.
    fn address(&self, keep: impl Fn(&str) -> bool) -> String {
        let parts = [("kind", filled(&self.kind)), ("subject", filled(&self.subject)), ("actor", filled(&self.actor)), ("on", filled(&self.on))];
        let parts: Vec<String> =
            parts.into_iter().filter(|(name, _)| keep(name)).filter_map(|(name, value)| Some(format!("{name}={}", page::encoded(value?)))).collect();
        if parts.is_empty() { "/ledger".to_owned() } else { format!("/ledger?{}", parts.join("&")) }
    }
}

/// The number of an entry. Eight digits and more may also begin a hash: behind `#` they are a number.
fn number(text: &str) -> Option<u64> {
    let plain = text.replace(',', "");
    match plain.strip_prefix('#') {
        Some(number) => number.parse().ok(),
        None => plain.parse().ok().filter(|_| plain.len() < 8),
    }
}

/// `GET /ledger?kind=&subject=&actor=&on=&before=`, and `?to=` for a number or the beginning of a hash.
pub async fn index(viewer: Viewer, state: Data, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    let asked = asked.into_inner();
    for (name, text) in [("kind", &asked.kind), ("on", &asked.on), ("to", &asked.to), ("hash", &asked.hash)] {
        request::text(name, text.as_deref())?;
    }
    if filled(&asked.subject).is_some_and(|subject| subject.chars().count() > 200 || subject.chars().any(char::is_control)) {
        return Err(Problem::new(422, "request.text", "subject is the id of a thing, as entries name it."));
    }
    let to = filled(&asked.to).or(filled(&asked.hash));
    if let Some(seq) = to.filter(|_| asked.hash.is_none()).and_then(number) {
        return Ok(page::redirect(&state, &format!("/ledger/entries/{seq}")));
    }
    let beginning = to.map(str::to_ascii_lowercase);
    if beginning.as_ref().is_some_and(|to| to.len() < 8 || !to.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        return Err(Problem::new(422, "ledger.jump", "Give the number of an entry, or at least 8 digits of its leaf hash."));
    }
    let before = filled(&asked.before).map(|text| text.parse::<u64>().ok().ok_or_else(|| request::no_cursor("before"))).transpose()?;
    let on = filled(&asked.on).map(|day| Instant::parse(&format!("{day}T23:59:59.999Z"))).transpose()?;
    let page = Page::new(&state, "Ledger", Some(&viewer));
    let looked = beginning.clone();
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        let db = &mut *db;
        let size = log::head(db)?.map_or(0, |head| head.frontier.size());
        let mut end = before.unwrap_or(size).min(size);
        let mut note = None;
        if let Some(beginning) = &looked {
            let (found, more) = with_hash(db, beginning, end)?;
            if let Some(seq) = found {
                return Ok(Err(seq));
            }
            note = Some(match more {
                Some(more) => format!("No leaf hash of the entries from {} on begins with {beginning}.", thousands(i64::try_from(more).unwrap_or(0))),
                None => format!("No leaf hash begins with {beginning}."),
            });
        }
        if let Some(on) = on {
            end = end.min(first_at(db, on, size)?);
        }
        let mut names = Names::new(&service.app);
        let filter = Filter {
            before: end,
            kind: filled(&asked.kind).map(ToOwned::to_owned),
            subject: filled(&asked.subject).map(ToOwned::to_owned),
            actor: filled(&asked.actor).map(ToOwned::to_owned),
        };
        let (told, next) = found(db, &mut names, &viewer, &filter)?;
        let mut rows = Vec::new();
        for entry in told {
            let few = entry.subjects.iter().take(3).map(|subject| about(db, &mut names, subject)).collect::<Result<Vec<_>>>()?;
            let more = entry.subjects.len().saturating_sub(few.len());
            let more = (more > 0).then(|| (format!("and {more} more"), None));
            rows.push(Row {
                seq: entry.seq,
                time: When::of(&entry.time),
                kind: entry.event,
                sentence: entry.sentence,
                who: format!("{}, {}", entry.actor.name, entry.actor.party_name),
                about: few.into_iter().chain(more).collect(),
            });
        }
        let everyone = if viewer.actor.role.is_narrowed() { Vec::new() } else { people::all(db)? };
        let chosen = filled(&asked.actor).unwrap_or_default();
        let people: Vec<Shown> =
            everyone.into_iter().map(|person| Shown { chosen: person.id == chosen, value: person.id, words: person.name }).collect();
        let chip = |name: &'static str, words: Option<String>| words.map(|words| Chip { words, without: asked.address(|other| other != name) });
        let chips = [
            chip("kind", filled(&asked.kind).map(ToOwned::to_owned)),
            chip("subject", filled(&asked.subject).map(|subject| format!("about {}", short(bare(subject))))),
            chip(
                "actor",
                filled(&asked.actor)
                    .map(|actor| format!("by {}", people.iter().find(|person| person.value == actor).map_or(actor, |person| person.words.as_str()))),
            ),
            chip("on", filled(&asked.on).map(|day| format!("up to {day}"))),
        ];
        let here = asked.address(|_| true);
        let joint = if here.contains('?') { '&' } else { '?' };
        let kinds = Event::KINDS.iter().map(|(kind, _)| Shown {
            value: (*kind).to_owned(),
            words: (*kind).to_owned(),
            chosen: filled(&asked.kind) == Some(kind),
        });
        Ok(Ok(IndexPage {
            page,
            size: thousands(i64::try_from(size).unwrap_or(i64::MAX)),
            kinds: kinds.collect(),
            people,
            subject: filled(&asked.subject).unwrap_or_default().to_owned(),
            on: filled(&asked.on).unwrap_or_default().to_owned(),
            chips: chips.into_iter().flatten().collect(),
            rows,
            next: next.map(|next| format!("{here}{joint}before={next}")),
            paged: before.is_some(),
            note,
        }))
    })
    .await?;
    match drawn {
        Ok(drawn) => page::render(&drawn),
        Err(seq) => Ok(page::redirect(&state, &format!("/ledger/entries/{seq}"))),
    }
}

#[derive(Template)]
#[template(path = "ledger/entry.html")]
struct EntryPage {
    page: Page,
    seq: u64,
    words: String,
    sentence: String,
    kind: String,
    recorded: When,
    occurred: When,
    who: String,
    about: Vec<(String, Option<String>)>,
    more: usize,
    leaf: String,
    prev: String,
    key: String,
    own_key: Option<String>,
    bytes: usize,
    json: String,
    previous: Option<u64>,
    following: Option<u64>,
    /// The size of the first signed head that covers it.
    covered: Option<String>,
    path: Vec<String>,
}

/// `GET /ledger/entries/{seq}`: a page for people, the exact bytes for programs.
pub async fn entry(http: HttpRequest, viewer: Viewer, state: Data, seq: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    if !wants_page(http.headers()) {
        return ledger::entry(viewer, state, seq).await;
    }
    let seq = ledger::sequence(&seq)?;
    let mut page = Page::new(&state, "", Some(&viewer));
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        let db = &mut *db;
        let mut names = Names::new(&service.app);
        let unknown = || Error::Unknown(format!("There is no entry {seq}."));
        let told = ledger::told_one(db, &mut names, seq, &viewer)?.pop().ok_or_else(unknown)?;
        let bytes = log::entry(db, seq)?.ok_or_else(unknown)?;
        let entry = parse(&bytes)?;
        let value: Value = serde_json::from_slice(&bytes)?;
        let size = log::head(db)?.map_or(0, |head| head.frontier.size());
        let few = told.subjects.iter().take(20).map(|subject| about(db, &mut names, subject)).collect::<Result<Vec<_>>>()?;
        let proof = match publish_checkpoint::covering(&service.app, db, seq) {
            Ok(head) => Some((thousands(head.size), publish_checkpoint::proof_against(&service.app, db, seq, &head)?)),
            Err(Error::Unknown(_)) => None,
            Err(error) => return Err(error),
        };
        page.title = format!("Entry {seq}");
        Ok(EntryPage {
            page,
            seq,
            words: thousands(i64::try_from(seq).unwrap_or(i64::MAX)),
            kind: told.event,
            recorded: When::of(&told.time),
            occurred: When::of(&told.occurred),
            who: format!("{}, {}, {}", told.actor.name, told.actor.role_words(), told.actor.party_name),
            more: told.subjects.len().saturating_sub(few.len()),
            about: few,
            sentence: told.sentence,
            leaf: hex(&entry.leaf()),
            prev: hex(&entry.frame().prev),
            key: entry.verification_method().to_owned(),
            own_key: told.own_key,
            bytes: bytes.len(),
            json: serde_json::to_string_pretty(&value)?,
            previous: seq.checked_sub(1),
            following: (seq + 1 < size).then_some(seq + 1),
            path: proof.as_ref().map(|(_, proof)| proof.hashes.iter().map(|hash| hex(hash)).collect()).unwrap_or_default(),
            covered: proof.map(|(size, _)| size),
        })
    })
    .await?;
    let mut response = page::render(&drawn)?;
    response.headers_mut().insert(VARY, actix_web::http::header::HeaderValue::from_static("Accept, Accept-Language, Authorization, Cookie"));
    Ok(response)
}

/// A key as the log names it.
struct Key {
    id: String,
    signs: &'static str,
    public: String,
    since: When,
    seq: u64,
}

/// A signed head.
struct Head {
    number: i64,
    size: String,
    root: String,
}

/// What comparing two heads came to.
struct Compared {
    old: Head,
    new: Head,
    path: Vec<String>,
    /// Both as they are signed.
    notes: (String, String),
    holds: bool,
}

#[derive(Template)]
#[template(path = "ledger/heads.html")]
struct HeadsPage {
    page: Page,
    keys: Vec<Key>,
    heads: Vec<Head>,
    older: Option<i64>,
    compared: Option<Compared>,
    old: String,
    new: String,
}

/// Which heads to compare: their numbers; and before which one the list goes on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heads {
    old: Option<String>,
    new: Option<String>,
    before: Option<String>,
}

fn keys(db: &mut Database, origin: &str) -> Result<Vec<Key>> {
    let mut keys = Vec::new();
    for (_, bytes) in log::entries_about(db, &[origin.to_owned()], 0, request::MOST)? {
        let entry = parse(&bytes)?;
        let frame = entry.frame();
        if let Ok(Event::KeyAdded(added)) = Event::read(&frame.event, &frame.data) {
            keys.push(Key {
                id: added.key.id.clone(),
                signs: added.key.signs.label(),
                public: added.key.public_key.clone(),
                since: When::of(&frame.time),
                seq: frame.seq,
            });
        }
    }
    Ok(keys)
}

/// `GET /ledger/heads?old=&new=`: the keys, the signed heads, and whether one goes on from another.
pub async fn heads(viewer: Viewer, state: Data, asked: web::Query<Heads>) -> std::result::Result<HttpResponse, Problem> {
    let read = |name: &str, text: &Option<String>| -> std::result::Result<Option<i64>, Problem> {
        let wrong = || Problem::new(422, "ledger.head", format!("{name} is the number of a signed head, 0 or more."));
        filled(text).map(|text| text.parse::<i64>().ok().filter(|number| *number >= 0).ok_or_else(wrong)).transpose()
    };
    let (old, new, before) = (read("old", &asked.old)?, read("new", &asked.new)?, read("before", &asked.before)?);
    let page = Page::new(&state, "Keys and signed heads", Some(&viewer));
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        let db = &mut *db;
        let newest = publish_checkpoint::newest_shown(&service.app, db)?.map_or(-1, |head| head.number);
        let open = |row: &log::CheckpointRow| -> Result<(Head, Hash, u64, String)> {
            let opened = Checkpoint::open(&row.note, service.app.keys.log.verifier()).map_err(|e| Error::fault("a stored checkpoint", e))?;
            let head = Head { number: row.number, size: thousands(row.size), root: hex(&opened.root) };
            Ok((head, opened.root, opened.size, row.note.clone()))
        };
        let rows = log::checkpoints_before(db, before.unwrap_or(newest + 1).min(newest + 1), HEADS)?;
        let heads = rows.iter().map(|row| Ok(open(row)?.0)).collect::<Result<Vec<_>>>()?;
        let mut one = |number: i64| -> Result<(Head, Hash, u64, String)> {
            let row = log::checkpoint(db, number)?.filter(|row| row.number <= newest);
            open(&row.ok_or_else(|| Error::Unknown(format!("There is no signed head {number}; the newest is {newest}.")))?)
        };
        let compared = match (old, new) {
            (Some(old), Some(new)) => {
                let (first, second) = (one(old.min(new))?, one(old.max(new))?);
                let path = tree::consistency_proof(first.2, second.2, &mut |level, number| log::node(db, level, number))?;
                let holds = tree::verify_consistency(first.2, second.2, &path, &first.1, &second.1);
                Some(Compared { old: first.0, new: second.0, path: path.iter().map(|hash| hex(hash)).collect(), notes: (first.3, second.3), holds })
            }
            _ => None,
        };
        let text = |number: Option<i64>, otherwise: i64| number.unwrap_or(otherwise.max(0)).to_string();
        Ok(HeadsPage {
            page,
            keys: keys(db, &service.app.identity.origin)?,
            older: rows.last().map(|row| row.number).filter(|number| *number > 0),
            heads,
            compared,
            old: text(old, 0),
            new: text(new, newest),
        })
    })
    .await?;
    page::render(&drawn)
}
