//! When and where devices in use were seen last. Not derived from the log: nobody signs for it, and it is written over.

use diesel::prelude::*;

use super::schema::last_seen;
use super::{Database, each};
use crate::error::Result;

/// When and where a device was seen last.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Insertable, serde::Serialize)]
#[diesel(table_name = last_seen)]
pub struct LastSeen {
    /// The device.
    #[serde(skip)]
    pub asset: String,
    /// Milliseconds since 1970.
    pub at: i64,
    /// `mdm`, `network` or `count`.
    pub source: String,
    /// Where, if that is known.
    pub site: Option<String>,
}

/// Remembers sightings; one that is older than what is known changes nothing.
pub fn keep(db: &mut Database, sightings: &[LastSeen]) -> Result<()> {
    for seen in sightings {
        let known: Option<i64> = last_seen::table.find(&seen.asset).select(last_seen::at).first(db).optional()?;
        if known.is_some_and(|at| at >= seen.at) {
            continue;
        }
        each!(db, c => diesel::insert_into(last_seen::table)
            .values(seen.clone())
            .on_conflict(last_seen::asset)
            .do_update()
            .set((last_seen::at.eq(seen.at), last_seen::source.eq(&seen.source), last_seen::site.eq(&seen.site)))
            .execute(c))?;
    }
    Ok(())
}

/// When and where this device was seen last.
pub fn of(db: &mut Database, asset: &str) -> Result<Option<LastSeen>> {
    Ok(last_seen::table.find(asset).first(db).optional()?)
}
