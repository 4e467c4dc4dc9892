//! What lists of stored files walk, and in which files a medium is spoken of; kept in the transaction of the entries that change them.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::listings::EVERYONE;
use super::rows::{self, Derived, row_of};
use super::schema::{evidence, evidence_lists, evidence_media};
use super::tables::EvidenceRow;
use super::{Database, to_db};
use crate::domain::evidence::{Evidence, EvidenceList};
use crate::domain::records::Records;
use crate::error::Result;

/// A row of `evidence_lists`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Queryable)]
pub struct ListRow {
    /// The party whose people stored it, or [`EVERYONE`].
    pub party: String,
    /// The list.
    pub list: String,
    /// The entry that stored it first.
    pub seq: i64,
    /// The file.
    pub sha256: String,
}
row_of!(ListRow, evidence_lists, 4, party: String, list: String, seq: i64, sha256: String);
impl Derived for ListRow {}

/// A row of `evidence_media`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Queryable)]
pub struct MediumFileRow {
    /// The medium.
    pub medium: String,
    /// The file.
    pub sha256: String,
}
row_of!(MediumFileRow, evidence_media, 2, medium: String, sha256: String);
impl Derived for MediumFileRow {}

impl ListRow {
    /// The rows of one file.
    pub fn of(evidence: &Evidence) -> BTreeSet<Self> {
        let parties: Vec<&str> = std::iter::once(&evidence.party).chain(&evidence.others).map(|party| party.as_str()).chain([EVERYONE]).collect();
        let row = |list: EvidenceList, party: &str| Self {
            party: party.to_owned(),
            list: list.to_string(),
            seq: to_db(evidence.received.seq),
            sha256: evidence.sha256.to_string(),
        };
        evidence.lists().into_iter().flat_map(|list| parties.iter().map(|party| row(list, party)).collect::<Vec<_>>()).collect()
    }
    /// Every row.
    pub fn all(db: &mut Database) -> Result<Vec<Self>> {
        let order = (evidence_lists::party, evidence_lists::list, evidence_lists::seq, evidence_lists::sha256);
        Ok(evidence_lists::table.order(order).load(db)?)
    }
}

impl MediumFileRow {
    /// The rows of one file.
    pub fn of(evidence: &Evidence) -> BTreeSet<Self> {
        evidence.links.iter().map(|link| Self { medium: link.medium.to_string(), sha256: evidence.sha256.to_string() }).collect()
    }
    /// Every row.
    pub fn all(db: &mut Database) -> Result<Vec<Self>> {
        Ok(evidence_media::table.order((evidence_media::medium, evidence_media::sha256)).load(db)?)
    }
}

/// Saves what a batch changed; the files' own rows are saved already.
pub(super) fn save(db: &mut Database, known: &Records) -> Result<()> {
    fn differ<T: Ord + Clone>(of: fn(&Evidence) -> BTreeSet<T>, known: &Records) -> (Vec<T>, Vec<T>) {
        let (mut gone, mut come) = (Vec::new(), Vec::new());
        for slot in known.evidence.changed() {
            let (before, now) = (slot.before().map(of).unwrap_or_default(), slot.now().map(of).unwrap_or_default());
            gone.extend(before.difference(&now).cloned());
            come.extend(now.difference(&before).cloned());
        }
        (gone, come)
    }
    let (gone, come) = differ(ListRow::of, known);
    rows::remove(db, gone)?;
    rows::insert(db, come)?;
    let (gone, come) = differ(MediumFileRow::of, known);
    rows::remove(db, gone)?;
    rows::insert(db, come)
}

/// Files of a list, newest first, before the entry `before`; a vendor's people see those that their company sent.
pub fn list(db: &mut Database, party: Option<&str>, list: EvidenceList, before: Option<i64>, limit: i64) -> Result<Vec<Evidence>> {
    let mut select = evidence_lists::table
        .filter(evidence_lists::party.eq(party.unwrap_or(EVERYONE)))
        .filter(evidence_lists::list.eq(list.as_str()))
        .order((evidence_lists::seq.desc(), evidence_lists::sha256))
        .limit(limit)
        .into_boxed();
    if let Some(before) = before {
        select = select.filter(evidence_lists::seq.lt(before));
    }
    let files: Vec<String> = select.select(evidence_lists::sha256).load(db)?;
    let rows: Vec<EvidenceRow> = evidence::table.filter(evidence::id.eq_any(&files)).load(db)?;
    let mut found = rows.iter().map(EvidenceRow::record).collect::<Result<Vec<_>>>()?;
    found.sort_by_key(|file| std::cmp::Reverse(file.received.seq));
    Ok(found)
}

/// The files that speak of a medium.
pub fn about(db: &mut Database, medium: &str, limit: usize) -> Result<Vec<String>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = evidence_media::table.filter(evidence_media::medium.eq(medium)).order(evidence_media::sha256).limit(limit);
    Ok(rows.select(evidence_media::sha256).load(db)?)
}
