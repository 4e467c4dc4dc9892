//! Notes: what people write to each other. Not derived from the log, which holds a salted digest of each; a text can be erased, and a stub stays.

use diesel::prelude::*;

use super::Database;
use super::schema::notes;
use crate::error::Result;

/// A note.
#[derive(Clone, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = notes)]
#[allow(missing_docs, reason = "the columns are described in migrations/")]
pub struct Note {
    pub id: String,
    pub about: String,
    pub line: Option<String>,
    pub author: String,
    pub party: String,
    pub text: Option<String>,
    pub salt: Option<Vec<u8>>,
    pub seq: i64,
    pub at: i64,
    pub erased_at: Option<i64>,
    pub erased_by: Option<String>,
}

// What people write to each other is for no log line.
impl std::fmt::Debug for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Note").field("id", &self.id).field("about", &self.about).field("seq", &self.seq).finish_non_exhaustive()
    }
}

/// Keeps a note, in the transaction of the entry that announces it.
pub fn add(db: &mut Database, note: &Note) -> Result<()> {
    diesel::insert_into(notes::table).values(note.clone()).execute(db)?;
    Ok(())
}

/// A note by id.
pub fn find(db: &mut Database, id: &str) -> Result<Option<Note>> {
    Ok(notes::table.find(id).first(db).optional()?)
}

/// The notes about a thing, oldest first, from entry `from` on.
pub fn about(db: &mut Database, about: &str, from: i64, limit: i64) -> Result<Vec<Note>> {
    Ok(notes::table.filter(notes::about.eq(about)).filter(notes::seq.ge(from)).order((notes::seq, notes::id)).limit(limit).load(db)?)
}

/// The newest notes about a thing, newest first.
pub fn newest(db: &mut Database, about: &str, limit: i64) -> Result<Vec<Note>> {
    Ok(notes::table.filter(notes::about.eq(about)).order((notes::seq.desc(), notes::id.desc())).limit(limit).load(db)?)
}

/// The notes that entries from `from` on announce, in their order.
pub fn by_entry(db: &mut Database, from: i64, limit: i64) -> Result<Vec<Note>> {
    Ok(notes::table.filter(notes::seq.ge(from)).order((notes::seq, notes::id)).limit(limit).load(db)?)
}

/// Erases a note's text and salt. Whether there was one that had them.
pub fn erase(db: &mut Database, id: &str, by: &str, at: i64) -> Result<bool> {
    let whole = notes::table.filter(notes::id.eq(id)).filter(notes::erased_at.is_null());
    let nothing = (notes::text.eq(None::<String>), notes::salt.eq(None::<Vec<u8>>));
    Ok(diesel::update(whole).set((nothing, notes::erased_at.eq(Some(at)), notes::erased_by.eq(Some(by)))).execute(db)? == 1)
}
