//! Acts about people and access, newest first. They are no entries of the log: what they are about can be erased, and entries cannot.

use diesel::prelude::*;

use super::Database;
use super::schema::administration;
use crate::error::Result;

/// An act.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = administration)]
pub struct Act {
    /// Begins with the time.
    pub id: String,
    /// Milliseconds since 1970.
    pub at: i64,
    /// Who did it: a person's id, or the service's where it was done on the machine.
    pub person: String,
    /// What, as `person.invited`.
    pub act: String,
    /// What it is about: an id.
    pub about: String,
    /// Digest of what was there before; empty where there was nothing.
    pub before_sha256: String,
    /// Digest of what is there now; empty where nothing is.
    pub after_sha256: String,
}

/// Keeps an act.
pub fn note(db: &mut Database, act: &Act) -> Result<()> {
    diesel::insert_into(administration::table).values(act.clone()).execute(db)?;
    Ok(())
}

/// Acts, newest first, older than the one with this id.
pub fn list(db: &mut Database, before: Option<&str>, limit: i64) -> Result<Vec<Act>> {
    let mut acts = administration::table.order(administration::id.desc()).limit(limit).into_boxed();
    if let Some(before) = before {
        acts = acts.filter(administration::id.lt(before.to_owned()));
    }
    Ok(acts.load(db)?)
}
