//! The derived tables: loading what commands need, saving what events changed. A row is a record's JSON beside the columns that pages query.

use diesel::prelude::*;

use super::schema::{asset_parties, assets, certificates, consignment_lines, consignments, discrepancies, evidence, media, parties, record_keys};
use super::{Database, each, listings, search, to_db};
use crate::domain::asset::Asset;
use crate::domain::certification::Certificate;
use crate::domain::consignment::{Consignment, Discrepancy, Line, LineId};
use crate::domain::evidence::Evidence;
use crate::domain::medium::Medium;
use crate::domain::names::PartyId;
use crate::domain::parties::Party;
use crate::domain::records::{Key, Need, Record, Records, Shelf};
use crate::error::{Error, Result};

/// A record whose row cannot be read: the tables were altered, or are of another version.
fn damaged(what: &str, id: &str, error: serde_json::Error) -> Error {
    Error::Fault(format!("the row {id} of {what} cannot be read ({error}): run `quittance audit`"))
}

/// Defines a table's row, and how a record becomes one and comes back from one.
macro_rules! row {
    ($(#[$doc:meta])* $row:ident of $record:ty, table $table:ident ($($key:ident),+), $($column:ident: $type:ty = $from:expr),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Queryable, Insertable, AsChangeset)]
        #[diesel(table_name = $table, treat_none_as_null = true, treat_none_as_default_value = false)]
        #[allow(missing_docs, reason = "the columns are described in migrations/")]
        pub struct $row { $(pub $column: $type),+ }
        impl $row {
            /// The row of a record.
            pub fn of(record: &$record) -> Result<Self> {
                Ok(Self { $($column: { let make: fn(&$record) -> Result<$type> = $from; make(record)? }),+ })
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
            fn save(&self, db: &mut Database) -> Result<()> {
                each!(db, c => diesel::insert_into($table::table).values(self).on_conflict(($($table::$key),+,)).do_update().set(self).execute(c))?;
                Ok(())
            }
        }
    };
}

fn json<T: serde::Serialize>(record: &T) -> Result<String> {
    Ok(serde_json::to_string(record)?)
}

row!(
    /// A row of `assets`.
    AssetRow of Asset, table assets (id),
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
    MediumRow of Medium, table media (id),
    id: String = |m| Ok(m.id.to_string()),
    last_seq: i64 = |m| Ok(to_db(m.last_seq)),
    state: String = json,
    host: String = |m| Ok(m.host.to_string()),
);
row!(
    /// A row of `parties`.
    PartyRow of Party, table parties (id),
    id: String = |p| Ok(p.id.to_string()),
    last_seq: i64 = |p| Ok(to_db(p.last_seq)),
    state: String = json,
    name: String = |p| Ok(p.name.to_string()),
);
row!(
    /// A row of `consignments`.
    ConsignmentRow of Consignment, table consignments (id),
    id: String = |c| Ok(c.id.to_string()),
    last_seq: i64 = |c| Ok(to_db(c.last_seq)),
    state: String = json,
    reference: String = |c| Ok(c.reference.to_string()),
    from_party: String = |c| Ok(c.from.party.to_string()),
    to_party: String = |c| Ok(c.to.party.to_string()),
);
row!(
    /// A row of `consignment_lines`.
    LineRow of Line, table consignment_lines (consignment, asset),
    consignment: String = |l| Ok(l.consignment.to_string()),
    asset: String = |l| Ok(l.asset.to_string()),
    last_seq: i64 = |l| Ok(to_db(l.last_seq)),
    state: String = json,
);
row!(
    /// A row of `discrepancies`.
    DiscrepancyRow of Discrepancy, table discrepancies (id),
    id: String = |d| Ok(d.id.to_string()),
    last_seq: i64 = |d| Ok(to_db(d.last_seq)),
    state: String = json,
    consignment: String = |d| Ok(d.consignment.to_string()),
    asset: Option<String> = |d| Ok(d.asset.as_ref().map(ToString::to_string)),
);
row!(
    /// A row of `evidence`.
    EvidenceRow of Evidence, table evidence (id),
    id: String = |e| Ok(e.sha256.to_string()),
    last_seq: i64 = |e| Ok(to_db(e.last_seq)),
    state: String = json,
);
row!(
    /// A row of `certificates`.
    CertificateRow of Certificate, table certificates (id),
    id: String = |c| Ok(c.number.clone()),
    last_seq: i64 = |c| Ok(to_db(c.last_seq)),
    state: String = json,
    asset: String = |c| Ok(c.asset.to_string()),
);

/// A row of `asset_parties`: a party that has, had or is to receive a device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Queryable, Insertable)]
#[diesel(table_name = asset_parties)]
pub struct AssetPartyRow {
    /// The party.
    pub party: String,
    /// The device's tag, so that a party's list is in order.
    pub tag: String,
    /// The device.
    pub asset: String,
    /// The device's label, so that a party's list can be narrowed to one.
    pub label: String,
}

impl AssetPartyRow {
    /// The rows of one device.
    pub fn of(asset: &Asset) -> Vec<Self> {
        let mut found: Vec<&PartyId> = vec![&asset.holder.party];
        found.extend(asset.handoffs.iter().flat_map(|handoff| [&handoff.from.party, &handoff.to.party]));
        let row = |party: &PartyId| Self {
            party: party.to_string(),
            tag: asset.tag.to_string(),
            asset: asset.id.to_string(),
            label: asset.label().to_string(),
        };
        let mut rows: Vec<Self> = found.into_iter().map(row).collect();
        rows.sort();
        rows.dedup();
        rows
    }
    /// Every row.
    pub fn all(db: &mut Database) -> Result<Vec<Self>> {
        Ok(asset_parties::table.order((asset_parties::party, asset_parties::tag, asset_parties::asset)).load(db)?)
    }
}

/// A row of `record_keys`: who owns a unique value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Queryable, Insertable)]
#[diesel(table_name = record_keys)]
pub struct KeyRow {
    /// What kind of value.
    pub space: String,
    /// The value.
    pub text: String,
    /// The record that owns it.
    pub owner: String,
}

impl KeyRow {
    /// The rows of one record.
    pub fn of<R: Record>(record: &R) -> impl Iterator<Item = Self> {
        let owner = record.owner();
        record.keys().into_iter().map(move |key| Self { space: key.space.to_owned(), text: key.text, owner: owner.clone() })
    }
    /// Every row.
    pub fn all(db: &mut Database) -> Result<Vec<Self>> {
        Ok(record_keys::table.order((record_keys::space, record_keys::text)).load(db)?)
    }
}

/// Loads one need into `known`.
pub fn load(db: &mut Database, need: &Need, known: &mut Records) -> Result<()> {
    macro_rules! one {
        ($table:ident, $row:ident, $id:expr) => {{
            let row: Option<$row> = $table::table.find($id.as_str().to_owned()).first(db).optional()?;
            known.load($id.clone(), row.map(|row| row.record()).transpose()?);
        }};
    }
    match need {
        Need::Asset(id) => one!(assets, AssetRow, id),
        Need::Medium(id) => one!(media, MediumRow, id),
        Need::Party(id) => one!(parties, PartyRow, id),
        Need::Consignment(id) => one!(consignments, ConsignmentRow, id),
        Need::Discrepancy(id) => one!(discrepancies, DiscrepancyRow, id),
        Need::Evidence(id) => one!(evidence, EvidenceRow, id),
        Need::Certificate(id) => one!(certificates, CertificateRow, id),
        Need::Line(id) => {
            let asset = id.asset.as_ref().map(ToString::to_string).unwrap_or_default();
            let row: Option<LineRow> = consignment_lines::table.find((id.consignment.to_string(), asset)).first(db).optional()?;
            known.load(id.clone(), row.map(|row| row.record()).transpose()?);
        }
        Need::LinesOf(id) => {
            let rows: Vec<LineRow> = consignment_lines::table.filter(consignment_lines::consignment.eq(id.to_string())).load(db)?;
            for row in rows {
                let line = row.record()?;
                known.load::<Line>(LineId::new(&line.consignment, &line.asset), Some(line));
            }
            known.load_lines_of(id.clone());
        }
        Need::Key(key) => {
            let owner: Option<String> =
                record_keys::table.find((key.space.to_owned(), key.text.clone())).select(record_keys::owner).first(db).optional()?;
            known.load_key(key.clone(), owner);
        }
    }
    Ok(())
}

/// Loads a record by id, for readers.
pub fn find<R: Record>(db: &mut Database, id: &R::Id) -> Result<Option<R>> {
    let mut known = Records::default();
    load(db, &R::need(id), &mut known)?;
    Ok(known.find::<R>(id).ok().flatten().cloned())
}

/// The owner of a unique value, for readers.
pub fn owner(db: &mut Database, key: &Key) -> Result<Option<String>> {
    Ok(record_keys::table.find((key.space.to_owned(), key.text.clone())).select(record_keys::owner).first(db).optional()?)
}

/// Saves every changed record, and the unique values they gave up and took.
pub fn save(db: &mut Database, known: &Records) -> Result<()> {
    // First everything that is given up, so that what one record gives another may take in the same batch.
    release_keys(db, &known.assets)?;
    release_keys(db, &known.media)?;
    release_keys(db, &known.parties)?;
    release_keys(db, &known.consignments)?;
    release_keys(db, &known.certificates)?;
    macro_rules! save_shelf {
        ($shelf:ident, $row:ident) => {
            for slot in known.$shelf.changed() {
                if let Some(record) = &slot.now {
                    $row::of(record)?.save(db)?;
                    take_keys(db, Records::key_changes(slot).1, record.owner())?;
                }
            }
        };
    }
    save_shelf!(assets, AssetRow);
    save_shelf!(media, MediumRow);
    save_shelf!(parties, PartyRow);
    save_shelf!(consignments, ConsignmentRow);
    save_shelf!(lines, LineRow);
    save_shelf!(discrepancies, DiscrepancyRow);
    save_shelf!(evidence, EvidenceRow);
    save_shelf!(certificates, CertificateRow);
    for slot in known.assets.changed() {
        let before = slot.before.as_ref().map(AssetPartyRow::of).unwrap_or_default();
        let now = slot.now.as_ref().map(AssetPartyRow::of).unwrap_or_default();
        for gone in before.iter().filter(|row| !now.contains(row)) {
            diesel::delete(asset_parties::table.find((gone.party.clone(), gone.tag.clone(), gone.asset.clone()))).execute(db)?;
        }
        for come in now.iter().filter(|row| !before.contains(row)) {
            diesel::insert_into(asset_parties::table).values(come.clone()).execute(db)?;
        }
    }
    listings::save(db, known)?;
    search::save(db, known)
}

fn release_keys<R: Record>(db: &mut Database, shelf: &Shelf<R>) -> Result<()> {
    for slot in shelf.changed() {
        for key in Records::key_changes(slot).0 {
            diesel::delete(record_keys::table.find((key.space.to_owned(), key.text))).execute(db)?;
        }
    }
    Ok(())
}

fn take_keys(db: &mut Database, keys: Vec<Key>, owner: String) -> Result<()> {
    for key in keys {
        let row = KeyRow { space: key.space.to_owned(), text: key.text, owner: owner.clone() };
        diesel::insert_into(record_keys::table).values(row).execute(db)?;
    }
    Ok(())
}
