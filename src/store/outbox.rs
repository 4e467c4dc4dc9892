//! Letters to be sent by mail. Each is written in the transaction of what it tells of, so that none is lost and none is written twice; who sends one
//! takes it for a while, so that of several servers one does. Not derived from the log.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::schema::{mail_preferences, outbox, outbox_told};
use super::{Database, each};
use crate::domain::letters::{Language, Letter, LetterKind};
use crate::domain::names::Instant;
use crate::error::{Error, Result};

/// A letter as it is kept.
#[derive(Clone, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = outbox)]
#[allow(missing_docs, reason = "the columns are described in migrations/")]
pub struct Kept {
    pub id: String,
    pub person: Option<String>,
    pub to_address: Option<String>,
    pub kind: String,
    pub language: String,
    pub data: String,
    pub created: i64,
    pub next_try: Option<i64>,
    pub tries: i64,
    pub last_error: Option<String>,
    pub sent_at: Option<i64>,
    pub given_up_at: Option<i64>,
    pub runner: String,
    pub lease: i64,
}

// What it says may hold a secret, which no log line should show.
impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("id", &self.id).field("kind", &self.kind).field("tries", &self.tries).finish_non_exhaustive()
    }
}

impl Kept {
    /// What it says.
    pub fn letter(&self) -> Result<Letter> {
        serde_json::from_str(&self.data).map_err(|e| Error::Damaged(format!("what the letter {} says cannot be read ({e}); remove it", self.id)))
    }
    /// When it was written.
    pub fn created_at(&self) -> Instant {
        Instant::from_unix_ms(self.created).unwrap_or_else(|| Instant::new(chrono::DateTime::UNIX_EPOCH))
    }
}

/// Whom a letter is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// Somebody of the directory, where and in which language they say by the time it is sent.
    Person(String),
    /// Somebody outside.
    Address(String, Language),
}

/// Writes a letter that may be sent at once; inside whatever transaction `db` is in.
pub fn enqueue(db: &mut Database, to: &To, letter: &Letter, at: Instant) -> Result<()> {
    enqueue_later(db, to, letter, at, 0)
}

/// The same, so many milliseconds later.
fn enqueue_later(db: &mut Database, to: &To, letter: &Letter, at: Instant, wait_ms: i64) -> Result<()> {
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|e| Error::fault("random bytes", e))?;
    let at = at.unix_ms();
    let id = uuid::Builder::from_unix_timestamp_millis(u64::try_from(at).unwrap_or(0), &random).into_uuid();
    let (person, to_address, language) = match to {
        To::Person(person) => (Some(person.clone()), None, Language::English),
        To::Address(address, language) => (None, Some(address.clone()), *language),
    };
    let row = Kept {
        id: id.hyphenated().to_string(),
        person,
        to_address,
        kind: letter.kind().to_string(),
        language: language.to_string(),
        data: serde_json::to_string(letter)?,
        created: at,
        next_try: Some(at.saturating_add(wait_ms)),
        tries: 0,
        last_error: None,
        sent_at: None,
        given_up_at: None,
        runner: String::new(),
        lease: 0,
    };
    diesel::insert_into(outbox::table).values(row).execute(db)?;
    Ok(())
}

/// How long a letter waits for more of the same: a thousand certificates that are issued together are one letter.
pub const GATHER_MS: i64 = 60_000;

/// Adds to a letter of the same kind to this person that nobody has begun to send; writes one, to be sent a minute later, where there is none.
pub fn gather(db: &mut Database, person: &str, letter: &Letter, at: Instant) -> Result<()> {
    let waiting = outbox::table
        .filter(outbox::person.eq(person))
        .filter(outbox::kind.eq(letter.kind().as_str()))
        .filter(outbox::tries.eq(0))
        .filter(outbox::next_try.gt(at.unix_ms()))
        .order(outbox::id.desc());
    if let Some(row) = waiting.first::<Kept>(db).optional()?
        && let Some(both) = row.letter()?.and(letter)
    {
        // Another server may have begun to send it a moment ago.
        let still = outbox::table.filter(outbox::id.eq(&row.id)).filter(outbox::tries.eq(0));
        if diesel::update(still).set(outbox::data.eq(serde_json::to_string(&both)?)).execute(db)? == 1 {
            return Ok(());
        }
    }
    enqueue_later(db, &To::Person(person.to_owned()), letter, at, GATHER_MS)
}

/// Whether a letter is due.
pub fn is_due(db: &mut Database, now: i64) -> Result<bool> {
    let due = outbox::table.filter(outbox::next_try.le(now)).filter(outbox::lease.lt(now)).select(outbox::id);
    Ok(due.first::<String>(db).optional()?.is_some())
}

/// Takes the letter that has waited longest, until `lease`; its try is counted. None where nothing is due.
pub fn claim(db: &mut Database, runner: &str, now: i64, lease: i64) -> Result<Option<Kept>> {
    loop {
        let due = outbox::table.filter(outbox::next_try.le(now)).filter(outbox::lease.lt(now)).order((outbox::next_try, outbox::id));
        let Some(mut row) = due.first::<Kept>(db).optional()? else { return Ok(None) };
        let free = outbox::table.filter(outbox::id.eq(&row.id)).filter(outbox::next_try.is_not_null()).filter(outbox::lease.lt(now));
        let taken = diesel::update(free).set((outbox::runner.eq(runner), outbox::lease.eq(lease), outbox::tries.eq(row.tries + 1))).execute(db)?;
        if taken == 1 {
            row.tries += 1;
            return Ok(Some(row));
        }
    }
}

/// The letter is on its way: what it said and where it went is forgotten. Whoever sent it says so, also when its time for that was over.
pub fn set_sent(db: &mut Database, id: &str, at: i64) -> Result<()> {
    let mine = outbox::table.filter(outbox::id.eq(id)).filter(outbox::sent_at.is_null());
    let set = (
        outbox::sent_at.eq(Some(at)),
        outbox::next_try.eq(None::<i64>),
        outbox::last_error.eq(None::<String>),
        outbox::to_address.eq(None::<String>),
        outbox::given_up_at.eq(None::<i64>),
        outbox::data.eq("{}"),
        outbox::lease.eq(0),
    );
    diesel::update(mine).set(set).execute(db)?;
    Ok(())
}

/// The letter could not be sent, and why: it is tried again at `next`, or given up.
pub fn set_failed(db: &mut Database, id: &str, runner: &str, at: i64, why: &str, next: Option<i64>) -> Result<()> {
    let mine = outbox::table.filter(outbox::id.eq(id)).filter(outbox::runner.eq(runner)).filter(outbox::sent_at.is_null());
    let given_up = if next.is_none() { Some(at) } else { None };
    let set = (outbox::next_try.eq(next), outbox::last_error.eq(Some(why)), outbox::given_up_at.eq(given_up), outbox::lease.eq(0));
    diesel::update(mine).set(set).execute(db)?;
    Ok(())
}

/// Nothing can be sent now: what is due waits until `next`, and says why.
pub fn postpone(db: &mut Database, now: i64, next: i64, why: &str) -> Result<()> {
    let due = outbox::table.filter(outbox::next_try.le(now)).filter(outbox::lease.lt(now));
    diesel::update(due).set((outbox::next_try.eq(Some(next)), outbox::last_error.eq(Some(why)))).execute(db)?;
    Ok(())
}

/// Nobody is sending anything: what was taken can be taken again.
pub fn free_all(db: &mut Database) -> Result<()> {
    diesel::update(outbox::table.filter(outbox::lease.ne(0))).set(outbox::lease.eq(0)).execute(db)?;
    Ok(())
}

/// Has a letter that is not sent tried again now, also one that was given up. Whether there was such a letter.
pub fn retry(db: &mut Database, id: &str, now: i64) -> Result<bool> {
    let unsent = outbox::table.filter(outbox::id.eq(id)).filter(outbox::sent_at.is_null());
    let again = diesel::update(unsent).set((outbox::next_try.eq(Some(now)), outbox::given_up_at.eq(None::<i64>)));
    Ok(again.execute(db)? == 1)
}

/// Letters that wait, those that are due first, at most `limit`.
pub fn waiting(db: &mut Database, limit: i64) -> Result<Vec<Kept>> {
    Ok(outbox::table.filter(outbox::next_try.is_not_null()).order((outbox::next_try, outbox::id)).limit(limit).load(db)?)
}

/// Letters that were given up, the newest first, at most `limit`.
pub fn given_up(db: &mut Database, limit: i64) -> Result<Vec<Kept>> {
    Ok(outbox::table.filter(outbox::given_up_at.is_not_null()).order((outbox::given_up_at.desc(), outbox::id)).limit(limit).load(db)?)
}

/// Letters that were sent, the newest first, at most `limit`.
pub fn sent(db: &mut Database, limit: i64) -> Result<Vec<Kept>> {
    Ok(outbox::table.filter(outbox::sent_at.is_not_null()).order((outbox::sent_at.desc(), outbox::id)).limit(limit).load(db)?)
}

/// Removes letters that were sent or given up before `before`.
pub fn sweep(db: &mut Database, before: i64) -> Result<usize> {
    let old = outbox::table.filter(outbox::sent_at.lt(before).or(outbox::given_up_at.lt(before)));
    Ok(diesel::delete(old).execute(db)?)
}

/// Whether there is one.
pub fn has_old(db: &mut Database, before: i64) -> Result<bool> {
    let old = outbox::table.filter(outbox::sent_at.lt(before).or(outbox::given_up_at.lt(before))).select(outbox::id);
    Ok(old.first::<String>(db).optional()?.is_some())
}

/// Removes the letters to a person who is erased, and what they wanted.
pub fn forget(db: &mut Database, person: &str) -> Result<()> {
    diesel::delete(outbox::table.filter(outbox::person.eq(person))).execute(db)?;
    diesel::delete(mail_preferences::table.find(person)).execute(db)?;
    Ok(())
}

/// Which of these were told before.
pub fn told(db: &mut Database, what: &[String]) -> Result<BTreeSet<String>> {
    let rows: Vec<String> = outbox_told::table.filter(outbox_told::what.eq_any(what)).select(outbox_told::what).load(db)?;
    Ok(rows.into_iter().collect())
}

/// Remembers that something is told, in the transaction of the letters that tell it; whether nobody had told it.
pub fn tell(db: &mut Database, what: &str, at: i64) -> Result<bool> {
    let row = (outbox_told::what.eq(what), outbox_told::at.eq(at));
    let told = each!(db, c => diesel::insert_into(outbox_told::table).values(row).on_conflict(outbox_told::what).do_nothing().execute(c))?;
    Ok(told == 1)
}

/// Which mail a person wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// In which language.
    pub language: Language,
    /// What they do not want.
    pub switched_off: BTreeSet<LetterKind>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self { language: Language::English, switched_off: BTreeSet::new() }
    }
}

impl Preferences {
    /// Of a person; all mail in English where they never said.
    pub fn of(db: &mut Database, person: &str) -> Result<Self> {
        let row: Option<(String, String, String)> = mail_preferences::table.find(person).first(db).optional()?;
        Ok(row.map_or_else(Self::default, |(_, language, off)| Self {
            language: Language::parse(&language).unwrap_or(Language::English),
            switched_off: off.split(' ').filter_map(|kind| LetterKind::parse(kind).ok()).collect(),
        }))
    }
    /// Whether they want such a letter.
    pub fn want(&self, kind: LetterKind) -> bool {
        !kind.can_be_switched_off() || !self.switched_off.contains(&kind)
    }
    /// Keeps them.
    pub fn keep(&self, db: &mut Database, person: &str) -> Result<()> {
        let off: Vec<&str> = self.switched_off.iter().map(|kind| kind.as_str()).collect();
        let (language, off) = (self.language.as_str(), off.join(" "));
        let set = (mail_preferences::language.eq(language), mail_preferences::switched_off.eq(&off));
        each!(db, c => diesel::insert_into(mail_preferences::table)
            .values((mail_preferences::person.eq(person), set))
            .on_conflict(mail_preferences::person)
            .do_update()
            .set(set)
            .execute(c))?;
        Ok(())
    }
}
