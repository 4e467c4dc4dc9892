//! Which media wait to be accepted, and which were verified in a month; kept in the transaction of the entries that change them.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::Database;
use super::rows::{self, Derived, row_of};
use super::schema::{media, media_lists};
use super::tables::MediumRow;
use crate::domain::medium::Medium;
use crate::domain::records::Records;
use crate::error::Result;

/// Media whose sanitization is verified and not accepted yet.
pub const WAITING: &str = "waiting";

/// Media whose sanitization somebody verified in a month (`2026-11`).
pub fn verified_in(month: &str) -> String {
    format!("verified {month}")
}

/// A row of `media_lists`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Queryable)]
pub struct ListRow {
    /// The list.
    pub list: String,
    /// The medium.
    pub medium: String,
}
row_of!(ListRow, media_lists, 2, list: String, medium: String);
impl Derived for ListRow {}

impl ListRow {
    /// The rows of one medium.
    pub fn of(medium: &Medium) -> BTreeSet<Self> {
        let Some((done, verified)) = medium.sanitization.as_ref().and_then(|done| Some((done, done.verified.as_ref()?))) else {
            return BTreeSet::new();
        };
        let row = |list: String| Self { list, medium: medium.id.to_string() };
        let waiting = done.validated.is_none().then(|| row(WAITING.to_owned()));
        let month = verified.occurred.text().chars().take(7).collect::<String>();
        waiting.into_iter().chain([row(verified_in(&month))]).collect()
    }
    /// Every row.
    pub fn all(db: &mut Database) -> Result<Vec<Self>> {
        Ok(media_lists::table.order((media_lists::list, media_lists::medium)).load(db)?)
    }
}

/// Saves what a batch changed; the media's own rows are saved already.
pub(super) fn save(db: &mut Database, known: &Records) -> Result<()> {
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    for slot in known.media.changed() {
        let (before, now) = (slot.before().map(ListRow::of).unwrap_or_default(), slot.now().map(ListRow::of).unwrap_or_default());
        gone.extend(before.difference(&now).cloned());
        come.extend(now.difference(&before).cloned());
    }
    rows::remove(db, gone)?;
    rows::insert(db, come)
}

/// The media of a list, by their ids, at most so many.
pub fn list(db: &mut Database, list: &str, limit: i64) -> Result<Vec<MediumRow>> {
    let some = media_lists::table.filter(media_lists::list.eq(list)).order(media_lists::medium).limit(limit);
    let ids: Vec<String> = some.select(media_lists::medium).load(db)?;
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(1_000) {
        found.extend(media::table.filter(media::id.eq_any(some)).order(media::id).load::<MediumRow>(db)?);
    }
    Ok(found)
}
