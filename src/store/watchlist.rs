//! What the lists of exceptions walk, and how many there are; kept in the transaction of the entries that change them.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::Database;
use super::listings::EVERYONE;
use super::rows::{self, Derived, row_of};
use super::schema::{assets, consignments, discrepancies, exception_counts, exception_lists, exceptions};
use super::tables::ExceptionRow;
use crate::domain::exceptions::{Exception, Severity};
use crate::domain::records::Records;
use crate::domain::{Subject, SubjectKind};
use crate::error::Result;

/// A row of `exception_lists`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Queryable)]
pub struct ListRow {
    /// The party that it concerns, or [`EVERYONE`].
    pub party: String,
    /// Where it stands.
    pub status: String,
    /// Worst first, then what is due first.
    pub place: String,
    /// The exception.
    pub exception: String,
}

/// A row of `exception_counts`; in a change, how many more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Queryable)]
pub struct CountRow {
    /// The party, or [`EVERYONE`].
    pub party: String,
    /// Where they stand.
    pub status: String,
    /// How bad they are.
    pub severity: String,
    /// How many.
    pub exceptions: i64,
}

/// A row of `exception_counts` that is to go if it counts none.
struct NoneLeft {
    party: String,
    status: String,
    severity: String,
    exceptions: i64,
}

row_of!(ListRow, exception_lists, 4, party: String, status: String, place: String, exception: String);
impl Derived for ListRow {}
row_of!(CountRow, exception_counts, 3, party: String, status: String, severity: String, exceptions: i64);
impl Derived for CountRow {}
row_of!(NoneLeft, exception_counts, 4, party: String, status: String, severity: String, exceptions: i64);
impl Derived for NoneLeft {}

/// The worst is 0.
fn rank(severity: Severity) -> usize {
    Severity::ALL.iter().position(|other| *other == severity).unwrap_or(Severity::ALL.len())
}

impl ListRow {
    /// The rows of one exception.
    pub fn of(exception: &Exception) -> Vec<Self> {
        let rank = rank(exception.severity);
        let row = |party: String| Self {
            party,
            status: exception.status.to_string(),
            place: format!("{rank} {}", exception.due_at),
            exception: exception.id.to_string(),
        };
        let concerned = exception.concerns.iter().map(|party| row(party.to_string()));
        std::iter::once(row(EVERYONE.to_owned())).chain(concerned).collect()
    }
    /// Every row.
    pub fn all(db: &mut Database) -> Result<Vec<Self>> {
        let order = (exception_lists::party, exception_lists::status, exception_lists::place, exception_lists::exception);
        Ok(exception_lists::table.order(order).load(db)?)
    }
}

type Counts = BTreeMap<(String, String, String), i64>;

fn count(counts: &mut Counts, exception: &Exception, n: i64) {
    for row in ListRow::of(exception) {
        *counts.entry((row.party, row.status, exception.severity.to_string())).or_default() += n;
    }
}

impl CountRow {
    fn rows(counts: Counts) -> Vec<Self> {
        let changed = counts.into_iter().filter(|(_, n)| *n != 0);
        changed.map(|((party, status, severity), exceptions)| Self { party, status, severity, exceptions }).collect()
    }
    /// The counts of these exceptions.
    pub fn of<'a>(exceptions: impl IntoIterator<Item = &'a Exception>) -> Vec<Self> {
        let mut counts = Counts::new();
        exceptions.into_iter().for_each(|exception| count(&mut counts, exception, 1));
        Self::rows(counts)
    }
    /// Every row.
    pub fn all(db: &mut Database) -> Result<Vec<Self>> {
        Ok(exception_counts::table.order((exception_counts::party, exception_counts::status, exception_counts::severity)).load(db)?)
    }
}

/// Saves what a batch changed; the exceptions' own rows are saved already.
pub(super) fn save(db: &mut Database, known: &Records) -> Result<()> {
    let (mut gone, mut come, mut counts) = (Vec::new(), Vec::new(), Counts::new());
    for slot in known.exceptions.changed() {
        let (before, now) = (slot.before().map(ListRow::of).unwrap_or_default(), slot.now().map(ListRow::of).unwrap_or_default());
        gone.extend(before.iter().filter(|row| !now.contains(row)).cloned());
        come.extend(now.into_iter().filter(|row| !before.contains(row)));
        slot.before().into_iter().for_each(|exception| count(&mut counts, exception, -1));
        slot.now().into_iter().for_each(|exception| count(&mut counts, exception, 1));
    }
    rows::remove(db, gone)?;
    rows::insert(db, come)?;
    let counts = CountRow::rows(counts);
    let fewer = counts.iter().filter(|row| row.exceptions < 0);
    let fewer =
        fewer.map(|row| NoneLeft { party: row.party.clone(), status: row.status.clone(), severity: row.severity.clone(), exceptions: 0 }).collect();
    rows::add(db, counts)?;
    rows::remove(db, fewer)
}

/// Exceptions that stand so, worst and most urgent first, after `(place, id)`; a vendor's people see those that concern their company.
pub fn list(
    db: &mut Database,
    party: Option<&str>,
    status: &str,
    severity: Option<Severity>,
    after: Option<&(String, String)>,
    limit: i64,
) -> Result<Vec<(String, Exception)>> {
    let mut select = exception_lists::table
        .filter(exception_lists::party.eq(party.unwrap_or(EVERYONE)))
        .filter(exception_lists::status.eq(status))
        .order((exception_lists::place, exception_lists::exception))
        .limit(limit)
        .into_boxed();
    if let Some(severity) = severity {
        // The rank stands first, and a space behind it.
        let rank = rank(severity);
        select = select.filter(exception_lists::place.ge(format!("{rank} "))).filter(exception_lists::place.lt(format!("{rank}!")));
    }
    if let Some((place, id)) = after {
        select = select.filter(exception_lists::place.ge(place)).filter(exception_lists::place.gt(place).or(exception_lists::exception.gt(id)));
    }
    let places: Vec<(String, String)> = select.select((exception_lists::place, exception_lists::exception)).load(db)?;
    let found: Vec<ExceptionRow> = exceptions::table.filter(exceptions::id.eq_any(places.iter().map(|(_, id)| id))).load(db)?;
    let mut found: BTreeMap<String, ExceptionRow> = found.into_iter().map(|row| (row.id.clone(), row)).collect();
    places.into_iter().filter_map(|(place, id)| found.remove(&id).map(|row| Ok((place, row.record()?)))).collect()
}

/// How many stand where, by severity.
pub fn counts(db: &mut Database, party: Option<&str>) -> Result<Vec<CountRow>> {
    let rows = exception_counts::table.filter(exception_counts::party.eq(party.unwrap_or(EVERYONE)));
    Ok(rows.order((exception_counts::status, exception_counts::severity)).load(db)?)
}

/// Whether an exception about this thing is open.
pub fn is_open_about(db: &mut Database, id: &str) -> Result<bool> {
    let about = exceptions::table.filter(exceptions::subject.eq(id)).filter(exceptions::status.eq("open"));
    Ok(about.select(exceptions::id).first::<String>(db).optional()?.is_some())
}

/// How many stand so, by party.
pub fn by_party(db: &mut Database, status: &str) -> Result<std::collections::HashMap<String, i64>> {
    let rows: Vec<(String, i64)> = exception_counts::table
        .filter(exception_counts::status.eq(status))
        .select((exception_counts::party, exception_counts::exceptions))
        .load(db)?;
    let mut counts = std::collections::HashMap::new();
    for (party, n) in rows {
        *counts.entry(party).or_insert(0) += n;
    }
    Ok(counts)
}

/// The things that rules look at, one kind after the other, each in the order of its ids, after `after`. An exception stands for what it is about.
pub fn things(db: &mut Database, kind: SubjectKind, after: &str, limit: i64) -> Result<Vec<Subject>> {
    macro_rules! ids {
        ($table:ident) => {
            $table::table.filter($table::id.gt(after)).order($table::id).limit(limit).select($table::id).load::<String>(db)?
        };
    }
    let ids = match kind {
        SubjectKind::Asset => ids!(assets),
        SubjectKind::Consignment => ids!(consignments),
        SubjectKind::Discrepancy => ids!(discrepancies),
        _ => Vec::new(),
    };
    Ok(ids.iter().map(|id| Subject::new(kind, id)).collect())
}

/// What the exceptions are about that stand so, in the order of their ids, after `after`; with the id of each.
pub fn unresolved(db: &mut Database, status: &str, after: &str, limit: i64) -> Result<Vec<(String, Subject)>> {
    let rows: Vec<ExceptionRow> =
        exceptions::table.filter(exceptions::status.eq(status)).filter(exceptions::id.gt(after)).order(exceptions::id).limit(limit).load(db)?;
    rows.iter().map(|row| Ok((row.id.clone(), row.record()?.subject))).collect()
}
