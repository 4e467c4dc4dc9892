//! The derived tables: loading what commands need, saving what events changed. A row is a record's JSON beside the columns that pages query.

use diesel::prelude::*;

use super::ids::PackedId;
use super::json::json;
use super::rows::{self, Derived, row_of};
use super::schema::{
    asset_parties, assets, certificates, consignment_lines, consignments, discrepancies, evidence, exceptions, media, parties, record_keys,
};
use super::{Database, evidence_lists, listings, mass, media_lists, search, to_db, watchlist};
use crate::domain::asset::Asset;
use crate::domain::certification::Certificate;
use crate::domain::consignment::{Consignment, Discrepancy, Item, Line, LineId};
use crate::domain::evidence::Evidence;
use crate::domain::exceptions::Exception;
use crate::domain::medium::Medium;
use crate::domain::names::{AssetId, Tag};
use crate::domain::parties::Party;
use crate::domain::records::{Key, Need, Record, Records, Slot};
use crate::error::{Error, Result};

/// A record whose row cannot be read: the tables were altered, or are of another version.
fn damaged(what: &str, id: &str, error: serde_json::Error) -> Error {
    Error::Damaged(format!("the row {id} of {what} cannot be read ({error}): run `quittance audit`"))
}

/// Defines a table's row, and how a record becomes one and comes back from one.
macro_rules! row {
    ($(#[$doc:meta])* $row:ident of $record:ty, table $table:ident ($($key:ident),+; $keys:literal),
     $($column:ident: $type:ty = $from:expr),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Queryable)]
        #[allow(missing_docs, reason = "the columns are described in migrations/")]
        pub struct $row { $(pub $column: $type),+ }
        row_of!($row, $table, $keys, $($column: $type),+);
        impl Derived for $row {}
        impl $row {
            /// The row of a record.
            pub fn of(record: &$record) -> Result<Self> {
                Ok(Self { $($column: { let make: fn(&$record) -> Result<$type> = $from; make(record)? }),+ })
            }
            /// The columns, beside those that every change changes, in which the row of the record as it was differs.
            fn differs_from(&self, before: &$record) -> Result<Vec<&'static str>> {
                let mut differing = Vec::new();
                $(if !rows::TOUCHED.contains(&stringify!($column)) {
                    let make: fn(&$record) -> Result<$type> = $from;
                    if make(before)? != self.$column {
                        differing.push(stringify!($column));
                    }
                })+
                Ok(differing)
            }
            /// The record of a row.
            pub fn record(&self) -> Result<$record> {
                serde_json::from_str(&self.state).map_err(|e| damaged(stringify!($table), &self.last_seq.to_string(), e))
            }
            /// Every row, in the order of the key.
            pub fn all(db: &mut Database) -> Result<Vec<Self>> {
                Ok($table::table.order(($($table::$key),+,)).load(db)?)
            }
            /// The columns in which two rows differ.
            pub fn differs(&self, other: &Self) -> Vec<&'static str> {
                [$((stringify!($column), self.$column == other.$column)),+].into_iter().filter(|(_, same)| !same).map(|(column, _)| column).collect()
            }
        }
    };
}

row!(
    /// A row of `assets`.
    AssetRow of Asset, table assets (id; 1),
    id: String = |a| Ok(a.id.to_string()),
    last_seq: i64 = |a| Ok(to_db(a.last_seq)),
    state: String = json,
    tag: String = |a| Ok(a.tag.to_string()),
    serial: Option<String> = |a| Ok(a.serial.as_ref().map(ToString::to_string)),
    title: String = |a| Ok(a.title()),
    category: String = |a| Ok(a.category.to_string()),
    site: String = |a| Ok(a.holder.site.to_string()),
    party: String = |a| Ok(a.holder.party.to_string()),
    label: String = |a| Ok(a.label().to_string()),
);
row!(
    /// A row of `media`.
    MediumRow of Medium, table media (id; 1),
    id: String = |m| Ok(m.id.to_string()),
    last_seq: i64 = |m| Ok(to_db(m.last_seq)),
    state: String = json,
    host: Option<String> = |m| Ok(m.host.as_ref().map(ToString::to_string)),
    party: Option<String> = |m| Ok(m.holder.as_ref().map(|holder| holder.party.to_string())),
);
row!(
    /// A row of `parties`.
    PartyRow of Party, table parties (id; 1),
    id: String = |p| Ok(p.id.to_string()),
    last_seq: i64 = |p| Ok(to_db(p.last_seq)),
    state: String = json,
    name: String = |p| Ok(p.name.to_string()),
);
row!(
    /// A row of `consignments`.
    ConsignmentRow of Consignment, table consignments (id; 1),
    id: String = |c| Ok(c.id.to_string()),
    last_seq: i64 = |c| Ok(to_db(c.last_seq)),
    state: String = json,
    reference: String = |c| Ok(c.reference.to_string()),
    from_party: String = |c| Ok(c.from.party.to_string()),
    to_party: String = |c| Ok(c.to.party.to_string()),
);
row!(
    /// A row of `consignment_lines`.
    LineRow of Line, table consignment_lines (consignment, item; 2),
    consignment: String = |l| Ok(l.consignment.to_string()),
    item: String = |l| Ok(l.item.key()),
    last_seq: i64 = |l| Ok(to_db(l.last_seq)),
    state: String = json,
);
row!(
    /// A row of `discrepancies`.
    DiscrepancyRow of Discrepancy, table discrepancies (id; 1),
    id: String = |d| Ok(d.id.to_string()),
    last_seq: i64 = |d| Ok(to_db(d.last_seq)),
    state: String = json,
    consignment: String = |d| Ok(d.consignment.to_string()),
    asset: Option<String> = |d| Ok(d.asset.as_ref().map(ToString::to_string)),
);
row!(
    /// A row of `evidence`.
    EvidenceRow of Evidence, table evidence (id; 1),
    id: String = |e| Ok(e.sha256.to_string()),
    last_seq: i64 = |e| Ok(to_db(e.last_seq)),
    state: String = json,
);
row!(
    /// A row of `certificates`.
    CertificateRow of Certificate, table certificates (id; 1),
    id: String = |c| Ok(c.number.clone()),
    last_seq: i64 = |c| Ok(to_db(c.last_seq)),
    state: String = json,
    asset: String = |c| Ok(c.asset.to_string()),
);
row!(
    /// A row of `exceptions`.
    ExceptionRow of Exception, table exceptions (id; 1),
    id: String = |e| Ok(e.id.to_string()),
    last_seq: i64 = |e| Ok(to_db(e.last_seq)),
    state: String = json,
    status: String = |e| Ok(e.status.to_string()),
    subject: String = |e| Ok(e.subject.id.clone()),
);

/// A row of `asset_parties`: a party other than the organisation that has, had or is to receive a device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Queryable)]
pub struct AssetPartyRow {
    /// The party.
    pub party: PackedId,
    /// The device's tag, so that a party's list is in order.
    pub tag: String,
    /// The device.
    pub asset: String,
    /// The device's label, so that a party's list can be narrowed to one.
    pub label: String,
}

row_of!(AssetPartyRow, asset_parties, 3, party: PackedId, tag: String, asset: String, label: String);
impl Derived for AssetPartyRow {}

impl AssetPartyRow {
    /// The rows of one device.
    pub fn of(asset: &Asset) -> Vec<Self> {
        let row = |party: &str| Self {
            party: PackedId::of(party),
            tag: asset.tag.as_str().to_owned(),
            asset: asset.id.as_str().to_owned(),
            label: asset.label().as_str().to_owned(),
        };
        listings::parties_of(asset).into_iter().map(row).collect()
    }
    /// Every row.
    pub fn all(db: &mut Database) -> Result<Vec<Self>> {
        Ok(asset_parties::table.order((asset_parties::party, asset_parties::tag, asset_parties::asset)).load(db)?)
    }
}

/// A row of `record_keys`: who owns a unique value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Queryable)]
pub struct KeyRow {
    /// What kind of value.
    pub space: String,
    /// The value.
    pub text: String,
    /// The record that owns it.
    pub owner: String,
}

row_of!(KeyRow, record_keys, 2, space: String, text: String, owner: String);
impl Derived for KeyRow {}

impl KeyRow {
    /// The rows of one record.
    pub fn of<R: Record>(record: &R) -> impl Iterator<Item = Self> {
        let owner = record.owner();
        record.keys().into_iter().map(move |key| Self { space: key.space.to_owned(), text: key.text, owner: owner.clone() })
    }
    /// Every value of a kind.
    pub fn of_space(db: &mut Database, space: &str) -> Result<Vec<String>> {
        Ok(record_keys::table.filter(record_keys::space.eq(space)).order(record_keys::text).select(record_keys::text).load(db)?)
    }
    /// Every row.
    pub fn all(db: &mut Database) -> Result<Vec<Self>> {
        Ok(record_keys::table.order((record_keys::space, record_keys::text)).load(db)?)
    }
}

/// Serial numbers of media and devices that begin so, in the form in which they are compared; `limit` of each kind.
pub fn serials_from(db: &mut Database, beginning: &str, limit: i64) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for space in ["medium.serial", "asset.serial"] {
        let from = record_keys::table.filter(record_keys::space.eq(space)).filter(record_keys::text.ge(beginning));
        let rows: Vec<String> = from.order(record_keys::text).limit(limit).select(record_keys::text).load(db)?;
        found.extend(rows.into_iter().take_while(|text| text.starts_with(beginning)));
    }
    Ok(found)
}

/// The device with this tag.
pub fn device_called(db: &mut Database, tag: &str) -> Result<Option<Asset>> {
    let Ok(tag) = Tag::parse(tag) else { return Ok(None) };
    match owner(db, &Asset::tag_key(&tag))? {
        Some(id) => find::<Asset>(db, &AssetId::parse(&id)?),
        None => Ok(None),
    }
}

/// Loads needs into `known`: on SQLite one prepared statement each, on PostgreSQL one visit to each table.
pub fn load(db: &mut Database, needs: &[Need], known: &mut Records) -> Result<()> {
    match db {
        Database::Sqlite(connection) => needs.iter().try_for_each(|need| load_one(connection, need, known)),
        #[cfg(feature = "postgres")]
        Database::Postgres(connection) => load_many(connection, needs, known),
    }
}

fn load_one(db: &mut diesel::SqliteConnection, need: &Need, known: &mut Records) -> Result<()> {
    macro_rules! one {
        ($table:ident, $record:ty, $id:expr) => {{
            let state: Option<String> = $table::table.find($id.as_str()).select($table::state).get_result(db).optional()?;
            let read = |state: String| serde_json::from_str(&state).map_err(|e| damaged(stringify!($table), $id.as_str(), e));
            known.load::<$record>($id.clone(), state.map(read).transpose()?);
        }};
    }
    match need {
        Need::Asset(id) => one!(assets, Asset, id),
        Need::Medium(id) => one!(media, Medium, id),
        Need::Party(id) => one!(parties, Party, id),
        Need::Consignment(id) => one!(consignments, Consignment, id),
        Need::Discrepancy(id) => one!(discrepancies, Discrepancy, id),
        Need::Evidence(id) => one!(evidence, Evidence, id),
        Need::Certificate(id) => one!(certificates, Certificate, id),
        Need::Exception(id) => one!(exceptions, Exception, id),
        Need::Line(id) => {
            let (consignment, item) = line_key(id);
            let row: Option<LineRow> = consignment_lines::table.find((consignment, item)).get_result(db).optional()?;
            known.load(id.clone(), row.map(|row| row.record()).transpose()?);
        }
        Need::LinesOf(id) => {
            let rows: Vec<LineRow> = consignment_lines::table.filter(consignment_lines::consignment.eq(id.as_str())).load(db)?;
            load_lines(rows, known)?;
            known.load_lines_of(id.clone());
        }
        Need::Key(key) => {
            let owner: Option<String> = record_keys::table.find((key.space, &key.text)).select(record_keys::owner).get_result(db).optional()?;
            known.load_key(key.clone(), owner);
        }
    }
    Ok(())
}

#[cfg(feature = "postgres")]
fn load_many(db: &mut diesel::PgConnection, needs: &[Need], known: &mut Records) -> Result<()> {
    // Absent until a row says otherwise: the first load of an id counts, so rows come first.
    macro_rules! all {
        ($need:ident, $record:ty, $table:ident, $row:ident) => {{
            let ids: Vec<&str> = needs.iter().filter_map(|need| if let Need::$need(id) = need { Some(id.as_str()) } else { None }).collect();
            if !ids.is_empty() {
                let rows: Vec<$row> = $table::table.filter($table::id.eq_any(ids)).load(db)?;
                for row in rows {
                    let record = row.record()?;
                    known.load::<$record>(record.id(), Some(record));
                }
                for need in needs {
                    if let Need::$need(id) = need {
                        known.load::<$record>(id.clone(), None);
                    }
                }
            }
        }};
    }
    all!(Asset, Asset, assets, AssetRow);
    all!(Medium, Medium, media, MediumRow);
    all!(Party, Party, parties, PartyRow);
    all!(Consignment, Consignment, consignments, ConsignmentRow);
    all!(Discrepancy, Discrepancy, discrepancies, DiscrepancyRow);
    all!(Evidence, Evidence, evidence, EvidenceRow);
    all!(Certificate, Certificate, certificates, CertificateRow);
    all!(Exception, Exception, exceptions, ExceptionRow);
    let lines: Vec<&LineId> = needs.iter().filter_map(|need| if let Need::Line(id) = need { Some(id) } else { None }).collect();
    if !lines.is_empty() {
        let (consignments, items): (Vec<_>, Vec<_>) = lines.iter().map(|id| line_key(id)).unzip();
        // Every pair of them, which is more than was asked for only where two consignments share an item.
        let rows = consignment_lines::table.filter(consignment_lines::consignment.eq_any(consignments)).filter(consignment_lines::item.eq_any(items));
        load_lines(rows.load(db)?, known)?;
        lines.into_iter().for_each(|id| known.load::<Line>(id.clone(), None));
    }
    let whole: Vec<&str> = needs.iter().filter_map(|need| if let Need::LinesOf(id) = need { Some(id.as_str()) } else { None }).collect();
    if !whole.is_empty() {
        load_lines(consignment_lines::table.filter(consignment_lines::consignment.eq_any(whole)).load(db)?, known)?;
    }
    let keys: Vec<&Key> = needs.iter().filter_map(|need| if let Need::Key(key) = need { Some(key) } else { None }).collect();
    if !keys.is_empty() {
        let (spaces, texts): (Vec<&str>, Vec<&str>) = keys.iter().map(|key| (key.space, key.text.as_str())).unzip();
        let rows: Vec<KeyRow> = record_keys::table.filter(record_keys::space.eq_any(spaces)).filter(record_keys::text.eq_any(texts)).load(db)?;
        let owners: std::collections::BTreeMap<(&str, &str), &str> =
            rows.iter().map(|row| ((row.space.as_str(), row.text.as_str()), row.owner.as_str())).collect();
        for key in keys {
            known.load_key(key.clone(), owners.get(&(key.space, key.text.as_str())).map(ToString::to_string));
        }
    }
    for need in needs {
        if let Need::LinesOf(id) = need {
            known.load_lines_of(id.clone());
        }
    }
    Ok(())
}

fn load_lines(rows: Vec<LineRow>, known: &mut Records) -> Result<()> {
    for row in rows {
        let line = row.record()?;
        known.load::<Line>(line.id(), Some(line));
    }
    Ok(())
}

fn line_key(id: &LineId) -> (&str, String) {
    (id.consignment.as_str(), id.item.as_ref().map(Item::key).unwrap_or_default())
}

/// Loads a record by id, for readers.
pub fn find<R: Record>(db: &mut Database, id: &R::Id) -> Result<Option<R>> {
    let mut known = Records::default();
    load(db, &[R::need(id)], &mut known)?;
    Ok(known.find::<R>(id).ok().flatten().cloned())
}

/// The owner of a unique value, for readers.
pub fn owner(db: &mut Database, key: &Key) -> Result<Option<String>> {
    Ok(record_keys::table.find((key.space.to_owned(), key.text.clone())).select(record_keys::owner).first(db).optional()?)
}

/// Records beside those that a batch had to know, all loaded at once.
pub(super) fn beside(db: &mut Database, known: &Records, mut needs: Vec<Need>) -> Result<Records> {
    needs.sort();
    needs.dedup();
    needs.retain(|need| !known.has(need));
    let mut others = Records::default();
    load(db, &needs, &mut others)?;
    Ok(others)
}

/// A record of either: it is named by another one, so it has to be there.
pub(super) fn of_either<'a, R: Record>(known: &'a Records, others: &'a Records, id: &R::Id) -> Result<&'a R> {
    let found = [known, others].into_iter().find_map(|records| records.find::<R>(id).ok().flatten());
    found.ok_or_else(|| Error::Damaged(format!("{:?} is named by a record and missing: run `quittance audit`", R::need(id))))
}

/// Saves every changed record, and the unique values they gave up and took.
pub fn save(db: &mut Database, known: &Records) -> Result<()> {
    // SQLite writes the indexes of every column that is set, changed or not. PostgreSQL sees for itself, and every statement is a journey there.
    let all_at_once = db.is_shared();
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    macro_rules! save_shelf {
        ($shelf:ident, $row:ident) => {{
            let (mut written, mut touched, mut labelled, mut moved) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for slot in known.$shelf.changed() {
                let Some(record) = slot.now() else { continue };
                let row = $row::of(record)?;
                let differing = slot.before().filter(|_| !all_at_once).map(|before| row.differs_from(before)).transpose()?;
                let within = |columns: &[&str]| differing.as_ref().is_some_and(|differing| differing.iter().all(|column| columns.contains(column)));
                if within(&rows::TOUCHED) {
                    touched.push(row);
                } else if within(&rows::LABELLED) {
                    labelled.push(row);
                } else if within(&rows::MOVED) {
                    moved.push(row);
                } else {
                    written.push(row);
                }
                key_changes(slot, &mut gone, &mut come);
            }
            rows::upsert(db, written)?;
            rows::touch(db, touched)?;
            rows::label(db, labelled)?;
            rows::relocate(db, moved)?;
        }};
    }
    save_shelf!(assets, AssetRow);
    save_shelf!(media, MediumRow);
    save_shelf!(parties, PartyRow);
    save_shelf!(consignments, ConsignmentRow);
    save_shelf!(lines, LineRow);
    save_shelf!(discrepancies, DiscrepancyRow);
    save_shelf!(evidence, EvidenceRow);
    save_shelf!(certificates, CertificateRow);
    save_shelf!(exceptions, ExceptionRow);
    // First everything that is given up, so that what one record gives another may take in the same batch.
    rows::remove(db, gone)?;
    rows::insert(db, come)?;
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    for slot in known.assets.changed() {
        if let (Some(before), Some(now)) = (slot.before(), slot.now())
            && (&before.tag, before.label()) == (&now.tag, now.label())
            && listings::same_parties(before, now)
        {
            continue;
        }
        let (before, now) = (slot.before().map(AssetPartyRow::of), slot.now().map(AssetPartyRow::of));
        let (before, now) = (before.unwrap_or_default(), now.unwrap_or_default());
        let stays = |old: &AssetPartyRow| now.iter().any(|new| (&new.party, &new.tag) == (&old.party, &old.tag));
        gone.extend(before.iter().filter(|old| !stays(old)).cloned());
        come.extend(now.into_iter().filter(|new| !before.contains(new)));
    }
    rows::remove(db, gone)?;
    rows::upsert(db, come)?;
    listings::save(db, known)?;
    watchlist::save(db, known)?;
    evidence_lists::save(db, known)?;
    media_lists::save(db, known)?;
    mass::save(db, known)?;
    search::save(db, known)
}

/// The unique values that a changed record gave up and took.
fn key_changes<R: Record>(slot: &Slot<R>, gone: &mut Vec<KeyRow>, come: &mut Vec<KeyRow>) {
    // Mostly they are the same, and rows cost more to make than keys.
    if slot.before().map(Record::keys) == slot.now().map(Record::keys) {
        return;
    }
    let rows = |record: Option<&R>| -> Vec<KeyRow> { record.into_iter().flat_map(KeyRow::of).collect() };
    let (before, now) = (rows(slot.before()), rows(slot.now()));
    gone.extend(before.iter().filter(|row| !now.contains(row)).cloned());
    come.extend(now.into_iter().filter(|row| !before.contains(row)));
}
