//! Browsers that are signed in, or on the way to it: the cookie's token as a hash, what is still missing, and when it ends.

use diesel::prelude::*;

use super::Database;
use super::people::Person;
use super::schema::{people, sessions};
use crate::domain::names::Role;
use crate::error::Result;

/// Nothing is missing: the person is signed in.
pub const OPEN: &str = "open";
/// The code of the second factor is missing.
pub const CODE: &str = "code";
/// A second factor has to be set up first.
pub const FACTOR: &str = "factor";
/// An outside party's person has to agree to sign electronically first.
pub const AGREEMENT: &str = "agreement";

/// Most sessions of one person; the oldest gives way.
const MOST: usize = 20;
/// How long somebody may take on the way to being signed in.
const ON_THE_WAY_MS: i64 = 10 * 60_000;
const MINUTE_MS: i64 = 60_000;

/// A browser.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = sessions)]
pub struct Session {
    /// By which it is listed and ended.
    pub id: String,
    /// Whose it is.
    pub person: String,
    /// SHA-256 of the cookie's token.
    pub token_sha256: String,
    /// What is still missing.
    pub stage: String,
    /// How the person signed in.
    pub signed_in: String,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// When it was used last, to the nearest minute.
    pub seen_at: i64,
    /// When a password or a code was given last.
    pub proved_at: i64,
    /// What the browser calls itself.
    pub agent: String,
}

impl Session {
    /// Whether it still counts: unused for 60 minutes or after 12 hours it does not; an administrator's after 30 minutes or 8 hours.
    pub fn is_live(&self, role: Role, now: i64) -> bool {
        if self.stage != OPEN {
            return now < self.created_at.saturating_add(ON_THE_WAY_MS);
        }
        let (idle, whole) = if role == Role::Administrator { (30, 8 * 60) } else { (60, 12 * 60) };
        now < self.seen_at.saturating_add(idle * MINUTE_MS) && now < self.created_at.saturating_add(whole * MINUTE_MS)
    }
}

/// Begins a session; of more than twenty the oldest ones of the person end.
pub fn begin(db: &mut Database, session: &Session) -> Result<()> {
    let older: Vec<String> =
        sessions::table.filter(sessions::person.eq(&session.person)).order(sessions::seen_at.desc()).select(sessions::id).load(db)?;
    for id in older.iter().skip(MOST - 1) {
        end(db, id)?;
    }
    diesel::insert_into(sessions::table).values(session.clone()).execute(db)?;
    Ok(())
}

/// The session with this token, and whose it is.
pub fn by_token(db: &mut Database, token_sha256: &str) -> Result<Option<(Session, Person)>> {
    Ok(sessions::table
        .inner_join(people::table.on(people::id.eq(sessions::person)))
        .filter(sessions::token_sha256.eq(token_sha256))
        .first(db)
        .optional()?)
}

/// A person's sessions, the newest first.
pub fn of(db: &mut Database, person: &str) -> Result<Vec<Session>> {
    Ok(sessions::table.filter(sessions::person.eq(person)).order((sessions::created_at.desc(), sessions::id)).load(db)?)
}

/// Remembers that it was used.
pub fn seen(db: &mut Database, id: &str, at: i64) -> Result<()> {
    diesel::update(sessions::table.find(id)).set(sessions::seen_at.eq(at)).execute(db)?;
    Ok(())
}

/// Goes on in another stage, under another token: whoever knew the one of before knows nothing any more. Whether it was still there.
pub fn rotate(db: &mut Database, session: &Session) -> Result<bool> {
    let set = (
        sessions::token_sha256.eq(&session.token_sha256),
        sessions::stage.eq(&session.stage),
        sessions::signed_in.eq(&session.signed_in),
        sessions::seen_at.eq(session.seen_at),
        sessions::proved_at.eq(session.proved_at),
    );
    Ok(diesel::update(sessions::table.find(&session.id)).set(set).execute(db)? == 1)
}

/// Ends a session; whether there was one.
pub fn end(db: &mut Database, id: &str) -> Result<bool> {
    Ok(diesel::delete(sessions::table.find(id)).execute(db)? == 1)
}

/// Ends all sessions of a person but this one, where one is to stay.
pub fn end_all(db: &mut Database, person: &str, but: Option<&str>) -> Result<()> {
    let all = sessions::table.filter(sessions::person.eq(person)).filter(sessions::id.ne(but.unwrap_or_default()));
    diesel::delete(all).execute(db)?;
    Ok(())
}

/// The longest that a session lasts: what began earlier is over, whoever's it is.
const LONGEST_MS: i64 = 12 * 60 * MINUTE_MS;

/// Removes sessions that are over.
pub fn sweep(db: &mut Database, now: i64) -> Result<()> {
    diesel::delete(sessions::table.filter(sessions::created_at.lt(now.saturating_sub(LONGEST_MS)))).execute(db)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_unused_and_after_a_day_of_work() {
        let began = 1_000_000_000;
        let at = |minutes: i64| began + minutes * MINUTE_MS;
        let session = |stage: &str, seen: i64| Session {
            id: String::new(),
            person: String::new(),
            token_sha256: String::new(),
            stage: stage.to_owned(),
            signed_in: String::new(),
            created_at: began,
            seen_at: at(seen),
            proved_at: began,
            agent: String::new(),
        };
        for (role, idle, whole) in [(Role::Coordinator, 60, 720), (Role::Administrator, 30, 480)] {
            assert!(session(OPEN, 0).is_live(role, at(idle) - 1) && !session(OPEN, 0).is_live(role, at(idle)), "{role}");
            assert!(session(OPEN, whole - 1).is_live(role, at(whole) - 1) && !session(OPEN, whole - 1).is_live(role, at(whole)), "{role}");
            assert!(session(CODE, 9).is_live(role, at(10) - 1) && !session(CODE, 9).is_live(role, at(10)), "{role}");
        }
    }
}
