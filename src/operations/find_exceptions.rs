//! Has the rules of `domain::exceptions` look at the record: at what new entries are about, and at everything else bit by bit, because time passes too.
//! What they find is recorded as any other command is; where they find nothing new, nothing is written.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Service;
use super::record::{Terms, ask};
use crate::app::now;
use crate::domain::exceptions::{self, ExceptionStatus, LookForExceptions, MOST};
use crate::domain::medium::Medium;
use crate::domain::names::MediumId;
use crate::domain::records::Records;
use crate::domain::{Subject, SubjectKind};
use crate::error::{Error, Result};
use crate::proof::entry::Entry;
use crate::store::{Database, log, tables, watchlist};

/// Entries whose things are looked at in one step; more wait for the next.
const ENTRIES: i64 = 512;
/// Things of the walk over everything in one step: a million take an hour, and no rule counts in less than days.
const WALKED: i64 = 256;
/// Exceptions that are looked at again in one step, because they may have ended or waited long enough.
const AGAIN: i64 = 64;
/// A walk over everything begins at most so often.
const PASS_EVERY: Duration = Duration::from_secs(600);

/// What the walk goes over, in this order.
const KINDS: [SubjectKind; 3] = [SubjectKind::Asset, SubjectKind::Consignment, SubjectKind::Discrepancy];
/// And which exceptions.
const UNRESOLVED: [ExceptionStatus; 2] = [ExceptionStatus::Open, ExceptionStatus::Snoozed];

/// How far the service has looked. Lost with the process: the next one begins its walk at once.
#[derive(Default)]
pub struct Watch {
    /// Entries that were looked at; none before the first step.
    seen: Option<u64>,
    walk: Walk,
    again: Walk,
    /// When the last walk over everything began.
    began: Option<Instant>,
}

/// A place in one list after the other.
#[derive(Default)]
struct Walk {
    list: usize,
    after: String,
}

impl Walk {
    /// Goes on after the last id of a page, or to the next list after one that was not full; true at the end of the last.
    fn advance(&mut self, last: Option<String>, full: bool, lists: usize) -> bool {
        match last {
            Some(last) if full => self.after = last,
            _ => {
                self.list += 1;
                self.after.clear();
            }
        }
        let ended = self.list >= lists;
        if ended {
            *self = Self::default();
        }
        ended
    }
}

/// Looks a little further. Gives the number of entries that were recorded.
pub fn step(service: &Service, watch: &mut Watch) -> Result<usize> {
    let mut db = service.app.read()?;
    let mut things = BTreeSet::new();
    let size = log::head(&mut db)?.map_or(0, |head| head.frontier.size());
    let seen = watch.seen.unwrap_or(size);
    let (entries, told) = db.snapshot(|db| news(db, seen))?;
    things.extend(told);
    if watch.began.is_none_or(|began| watch.walk.list > 0 || !watch.walk.after.is_empty() || began.elapsed() >= PASS_EVERY) {
        if watch.walk.list == 0 && watch.walk.after.is_empty() {
            watch.began = Some(Instant::now());
        }
        things.extend(walked(&mut db, &mut watch.walk)?.0);
    }
    things.extend(again(&mut db, &mut watch.again)?);
    let recorded = look(service, &mut db, things.into_iter().collect())?;
    // Only now: what could not be recorded is looked at again.
    watch.seen = Some(seen + entries);
    Ok(recorded)
}

/// Looks at everything at once: for a record that nobody serves yet.
pub fn all(service: &Service) -> Result<usize> {
    let mut db = service.app.read()?;
    let mut recorded = 0;
    let mut walk = Walk::default();
    loop {
        let (things, ended) = walked(&mut db, &mut walk)?;
        recorded += look(service, &mut db, things)?;
        if ended {
            return Ok(recorded);
        }
    }
}

/// How many entries were read after the first `seen`, and what they are about.
fn news(db: &mut Database, seen: u64) -> Result<(u64, Vec<Subject>)> {
    let (mut entries, mut things) = (0, Vec::new());
    for (_, bytes, _) in log::entries_from(db, seen, ENTRIES)? {
        entries += 1;
        let entry = Entry::parse(&bytes).map_err(|e| Error::fault("a stored entry", e))?;
        for subject in &entry.frame().subjects {
            let subject = Subject::new(SubjectKind::parse(&subject.kind)?, &subject.id);
            match subject.kind {
                SubjectKind::Medium => {
                    let medium = tables::find::<Medium>(db, &MediumId::parse(&subject.id)?)?;
                    let device = medium.and_then(|medium| medium.host.or(medium.origin));
                    things.extend(device.map(|device| Subject::new(SubjectKind::Asset, device.as_str())));
                }
                _ if exceptions::watched(&subject) => things.push(subject),
                _ => {}
            }
        }
    }
    Ok((entries, things))
}

fn walked(db: &mut Database, walk: &mut Walk) -> Result<(Vec<Subject>, bool)> {
    let Some(kind) = KINDS.get(walk.list) else { return Ok((Vec::new(), true)) };
    let things = watchlist::things(db, *kind, &walk.after, WALKED)?;
    let full = i64::try_from(things.len()).is_ok_and(|n| n >= WALKED);
    let ended = walk.advance(things.last().map(|subject| subject.id.clone()), full, KINDS.len());
    Ok((things, ended))
}

fn again(db: &mut Database, walk: &mut Walk) -> Result<Vec<Subject>> {
    let Some(status) = UNRESOLVED.get(walk.list) else { return Ok(Vec::new()) };
    let found = watchlist::unresolved(db, status.as_str(), &walk.after, AGAIN)?;
    let full = i64::try_from(found.len()).is_ok_and(|n| n >= AGAIN);
    walk.advance(found.last().map(|(id, _)| id.clone()), full, UNRESOLVED.len());
    Ok(found.into_iter().map(|(_, subject)| subject).collect())
}

/// Has the rules look at these things, and records what is new.
fn look(service: &Service, db: &mut Database, things: Vec<Subject>) -> Result<usize> {
    let actor = &service.app.service;
    let mut recorded = 0;
    for some in things.chunks(MOST) {
        let found = db.snapshot(|db| ask(db, &mut Records::default(), |known| exceptions::look(known, some, now(), &actor.party)))??;
        if found.is_empty() {
            continue;
        }
        let new: BTreeSet<&Subject> = found.iter().flat_map(|happening| happening.about.iter()).collect();
        let about = some.iter().filter(|subject| new.contains(subject)).cloned().collect();
        // The writer looks again: between reading and recording somebody may have acted.
        let receipt = service.recorder.record_once(LookForExceptions { about }, actor, Terms::default())?.now()?;
        recorded += receipt.entries.len();
    }
    Ok(recorded)
}

/// Looks every so often on a thread of its own, until `ending`.
pub fn every(service: Service, every: Duration, ending: Arc<AtomicBool>) -> Result<std::thread::JoinHandle<()>> {
    let work = move || {
        let mut watch = Watch::default();
        let mut said = String::new();
        while !ending.load(Ordering::Relaxed) {
            match step(&service, &mut watch) {
                Ok(_) => said.clear(),
                // Once for each cause, not once a second.
                Err(error) if error.to_string() != said => {
                    said = error.to_string();
                    tracing::warn!("exceptions could not be looked for: {said}");
                }
                Err(_) => {}
            }
            std::thread::park_timeout(every);
        }
    };
    std::thread::Builder::new()
        .name("exceptions".to_owned())
        .spawn(work)
        .map_err(|e| Error::fault("starting the thread that looks for exceptions", e))
}
