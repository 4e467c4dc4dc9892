//! What readers made of stored files, beside the files. Not derived from the log, which names the reader and what was linked: a row that is lost is made
//! again from the file. A better reader adds a row and rewrites none.

use diesel::prelude::*;

use super::schema::readings;
use super::{Database, each};
use crate::error::Result;

/// Larger readings are not kept: they are read from the file each time (4,096 records take a tenth of it).
const MOST_BYTES: usize = 16 << 20;

/// A row of `readings`.
#[derive(Clone, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = readings)]
struct Row {
    sha256: String,
    reader: String,
    version: i64,
    at: i64,
    body: String,
}

/// Keeps a reading of a file, as JSON; the newest of this version of this reader.
pub fn add(db: &mut Database, sha256: &str, (reader, version): (&str, u32), body: String, at: i64) -> Result<()> {
    if body.len() > MOST_BYTES {
        return Ok(());
    }
    let row = Row { sha256: sha256.to_owned(), reader: reader.to_owned(), version: i64::from(version), at, body };
    // A file that is read again as before writes nothing.
    let kept: Option<String> = readings::table.find((sha256, reader, i64::from(version))).select(readings::body).first(db).optional()?;
    if kept.as_ref() == Some(&row.body) {
        return Ok(());
    }
    let newer = (readings::body.eq(row.body.clone()), readings::at.eq(row.at));
    let key = (readings::sha256, readings::reader, readings::version);
    each!(db, c => diesel::insert_into(readings::table).values(row).on_conflict(key).do_update().set(newer).execute(c))?;
    Ok(())
}

/// The newest reading of a file, as JSON.
pub fn newest(db: &mut Database, sha256: &str) -> Result<Option<String>> {
    let rows = readings::table.filter(readings::sha256.eq(sha256)).order((readings::at.desc(), readings::version.desc()));
    Ok(rows.select(readings::body).first(db).optional()?)
}

/// Forgets what was read from a file whose bytes are withheld.
pub fn forget(db: &mut Database, sha256: &str) -> Result<()> {
    diesel::delete(readings::table.filter(readings::sha256.eq(sha256))).execute(db)?;
    Ok(())
}
