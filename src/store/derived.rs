//! The derived tables as a whole: which shape they have, and making them empty so that they can be made anew from the log.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::log::SubjectRow;
use super::schema::tables_version;
use super::{Database, each, rows};
use crate::error::{Error, Result};

/// The shape of the derived tables and of the states in them. Raised whenever either changes: a record whose tables have another version is rebuilt
/// from its log when it is opened.
pub const VERSION: i64 = 10;
/// What a rebuild that was cut short leaves behind: no program's version.
pub const UNFINISHED: i64 = 0;

/// Every derived table that both databases empty alike.
const TABLES: &[&str] = &[
    "entry_subjects",
    "record_keys",
    "assets",
    "asset_parties",
    "media",
    "media_lists",
    "parties",
    "consignments",
    "consignment_lines",
    "consignment_tags",
    "discrepancies",
    "evidence",
    "evidence_lists",
    "evidence_media",
    "certificates",
    "certificate_parties",
    "label_counts",
    "asset_search",
    "exceptions",
    "exception_lists",
    "exception_counts",
    "mass_sums",
];

/// The version of the tables; `None` where none was ever written.
pub fn version(db: &mut Database) -> Result<Option<i64>> {
    Ok(tables_version::table.find(1).select(tables_version::version).first(db).optional()?)
}

/// Refuses to read tables that are not of this program's shape.
pub fn require_version(db: &mut Database) -> Result<()> {
    match version(db) {
        Ok(Some(VERSION)) => Ok(()),
        Ok(_) => Err(Error::Fault(
            "the derived tables are not of this program's version, or a rebuild of them was cut short: run `quittance rebuild`, or start the service, \
             which does the same; the log itself is untouched"
                .to_owned(),
        )),
        Err(error) => Err(Error::Fault(format!(
            "the derived tables are not of this program's version ({error}): run `quittance rebuild`, or start the service, which does the same; the \
             log itself is untouched"
        ))),
    }
}

/// Remembers the version.
pub fn set_version(db: &mut Database, version: i64) -> Result<()> {
    each!(db, c => diesel::insert_into(tables_version::table)
        .values((tables_version::id.eq(1), tables_version::version.eq(version)))
        .on_conflict(tables_version::id)
        .do_update()
        .set(tables_version::version.eq(version))
        .execute(c))?;
    Ok(())
}

/// Makes every derived table empty.
pub fn clear(db: &mut Database) -> Result<()> {
    let statements = match db {
        Database::Sqlite(_) => {
            let deletes: Vec<String> = TABLES.iter().map(|table| format!("DELETE FROM {table};")).collect();
            format!("{} INSERT INTO asset_trigrams(asset_trigrams) VALUES ('delete-all');", deletes.join(" "))
        }
        #[cfg(feature = "postgres")]
        Database::Postgres(_) => format!("TRUNCATE {};", TABLES.join(", ")),
    };
    Ok(each!(db, c => c.batch_execute(&statements))?)
}

/// Waits until no other program rebuilds these tables, and keeps others from it as long as the connection is open: on PostgreSQL several servers may
/// be started at once. On SQLite the data folder's lock does the same.
pub fn rebuild_alone(db: &mut Database) -> Result<()> {
    match db {
        Database::Sqlite(_) => Ok(()),
        #[cfg(feature = "postgres")]
        Database::Postgres(c) => Ok(c.batch_execute("SET lock_timeout = 0; SET statement_timeout = 0; SELECT pg_advisory_lock(8101513)")?),
    }
}

/// Writes the index of what entries are about.
pub fn index_subjects(db: &mut Database, subjects: Vec<SubjectRow>) -> Result<()> {
    rows::insert(db, subjects)
}
