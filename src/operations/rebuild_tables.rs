//! Makes the derived tables anew from the log: at opening where they are not of this program's version, and by hand. Block by block, so that memory stays
//! bounded; a rebuild that is cut short begins again from the first entry.

use crate::domain::names::{Instant, PartyId, PersonId, Role};
use crate::domain::records::Records;
use crate::domain::refusal::Refusal;
use crate::domain::{Actor, Event, Stamp, Subject, SubjectKind, Subjects};
use crate::error::{Error, Result};
use crate::proof::entry::Entry;
use crate::store::log::SubjectRow;
use crate::store::{Database, Ended, derived, log, tables, to_db};

/// Entries of one block, and things that they are about: an entry can be about five hundred devices.
const ENTRIES: i64 = 1_024;
const SUBJECTS: usize = 8_192;
/// Rounds of loading what the events of a block change: each reaches one relation further.
const ROUNDS: usize = 12;
/// Blocks between two moves of SQLite's WAL into its file.
const BLOCKS_PER_TIDY: u64 = 16;

/// Rebuilds where the tables are not of this program's version. `progress` is told how many entries are done, of how many.
pub fn if_outdated(db: &mut Database, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
    if derived::version(db)? == Some(derived::VERSION) {
        return Ok(());
    }
    derived::rebuild_alone(db)?;
    if derived::version(db)? == Some(derived::VERSION) {
        // Another server, started at the same moment, has done it.
        return Ok(());
    }
    rebuild(db, progress).map(drop)
}

/// Rebuilds all derived tables; gives the number of entries read. On SQLite the caller holds the record's lock, and nobody reads or writes. On PostgreSQL
/// other servers may be running: one transaction holds the head of the log, and until its commit whoever needs the tables waits, or is told that the
/// database is busy.
pub fn rebuild(db: &mut Database, progress: &mut dyn FnMut(u64, u64)) -> Result<u64> {
    derived::rebuild_alone(db)?;
    if db.is_shared() {
        let ended = db.write(|db| {
            if log::head(db)?.is_some() {
                log::take_head(db)?;
            }
            anew(db, progress, &mut |db, step| step(db)).map(Ended::Committed)
        })?;
        return Ok(ended.value());
    }
    anew(db, progress, &mut |db, step| {
        db.write(|db| step(db).map(Ended::Committed))?;
        Ok(())
    })
}

/// Part of a rebuild, and how it is run.
type Step<'a> = &'a mut dyn FnMut(&mut Database) -> Result<()>;
type Run<'a> = &'a mut dyn FnMut(&mut Database, Step<'_>) -> Result<()>;

fn anew(db: &mut Database, progress: &mut dyn FnMut(u64, u64), run: Run<'_>) -> Result<u64> {
    let size = log::head(db)?.map_or(0, |head| head.frontier.size());
    run(db, &mut |db| {
        // Until the last block is in, the tables are of no version: whoever opens the record after a crash begins again.
        derived::set_version(db, derived::UNFINISHED)?;
        derived::clear(db)
    })?;
    let mut done = 0;
    let mut blocks = 0u64;
    while done < size {
        let mut block = read(db, done)?;
        done += u64::try_from(block.happened.len()).unwrap_or(0);
        run(db, &mut |db| {
            derived::index_subjects(db, std::mem::take(&mut block.subjects))?;
            let known = replay(db, &block)?;
            tables::save(db, &known)
        })?;
        blocks += 1;
        if blocks.is_multiple_of(BLOCKS_PER_TIDY) {
            db.tidy_up()?;
        }
        progress(done, size);
    }
    run(db, &mut |db| derived::set_version(db, derived::VERSION))?;
    db.tidy_up()?;
    Ok(size)
}

/// What some entries in a row say.
struct Block {
    happened: Vec<(Event, Subjects, Stamp)>,
    subjects: Vec<SubjectRow>,
}

fn read(db: &mut Database, from: u64) -> Result<Block> {
    let mut block = Block { happened: Vec::new(), subjects: Vec::new() };
    for (seq, (stored, bytes, _)) in (from..).zip(log::entries_from(db, from, ENTRIES)?) {
        let broken = |why: String| Error::Fault(format!("entry {seq}: {why}. The tables cannot be rebuilt from it: run `quittance audit`"));
        let entry = Entry::parse(&bytes).map_err(|e| broken(e.to_string()))?;
        let frame = entry.frame();
        if stored != to_db(seq) || frame.seq != seq {
            return Err(broken("it is missing, or another entry stands in its place".to_owned()));
        }
        let (event, about, stamp) = happened(&entry).map_err(broken)?;
        block.subjects.extend(about.iter().map(|subject| SubjectRow::new(&subject.id, stored)));
        block.happened.push((event, about, stamp));
        if block.subjects.len() >= SUBJECTS {
            break;
        }
    }
    if block.happened.is_empty() {
        return Err(Error::Fault(format!("entry {from} is missing. The tables cannot be rebuilt without it: run `quittance audit`")));
    }
    Ok(block)
}

/// What an entry says, as it is folded: the event, what it is about, and the circumstances.
pub(super) fn happened(entry: &Entry) -> std::result::Result<(Event, Subjects, Stamp), String> {
    let frame = entry.frame();
    let circumstances = || -> std::result::Result<(Subjects, Stamp), Refusal> {
        let about = frame.subjects.iter().map(|subject| Ok(Subject::new(SubjectKind::parse(&subject.kind)?, &subject.id)));
        let stamp = Stamp {
            seq: frame.seq,
            at: Instant::parse(&frame.time)?,
            occurred: Instant::parse(&frame.occurred)?,
            actor: Actor::new(PersonId::parse(&frame.actor.id)?, Role::parse(&frame.actor.role)?, PartyId::parse(&frame.actor.party)?),
        };
        Ok((Subjects::new(about.collect::<std::result::Result<Vec<_>, Refusal>>()?), stamp))
    };
    let (about, stamp) = circumstances().map_err(|refusal| refusal.why)?;
    Ok((Event::read(&frame.event, &frame.data)?, about, stamp))
}

/// Folds a block into the records that it changes. Which ones these are only the folding tells, so it is done again until all of them are loaded.
fn replay(db: &mut Database, block: &Block) -> Result<Records> {
    let mut loaded = Records::default();
    for _ in 0..ROUNDS {
        let mut known = loaded.clone();
        for (event, about, stamp) in &block.happened {
            event.apply(about, stamp, &mut known);
        }
        let mut needs = std::mem::take(&mut known.not_loaded);
        if needs.is_empty() {
            return Ok(known);
        }
        needs.sort();
        needs.dedup();
        tables::load(db, &needs, &mut loaded)?;
    }
    Err(Error::Fault(format!("a block of entries asked for more after {ROUNDS} rounds of loading")))
}
