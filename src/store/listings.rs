//! What lists need beside the records themselves, so that every page of every list walks one index in order: kept from the folded changes of a batch.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::Database;
use super::rows::{self, Derived, row_of};
use super::schema::{certificate_parties, certificates, consignment_tags, label_counts};
use super::tables;
use crate::domain::asset::Asset;
use crate::domain::consignment::Line;
use crate::domain::records::{Need, Records};
use crate::error::Result;

/// The party under which all devices are counted.
pub const EVERYONE: &str = "";

/// A row of `consignment_tags`: a line in the order of containers and names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Queryable)]
pub struct LineTagRow {
    /// The consignment.
    pub consignment: String,
    /// The line's container and name: a device's tag, a loose medium's serial number, the kind of counted things.
    pub tag: String,
    /// What it lists.
    pub item: String,
}

/// A row of `certificate_parties`: a party other than the organisation that a certified device concerns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Queryable)]
pub struct CertificatePartyRow {
    /// The party.
    pub party: String,
    /// The certificate's number.
    pub certificate: String,
}

/// A row of `label_counts`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Queryable)]
pub struct CountRow {
    /// A party other than the organisation, or [`EVERYONE`].
    pub party: String,
    /// The label.
    pub label: String,
    /// How many devices; in a change, how many more.
    pub devices: i64,
}

row_of!(LineTagRow, consignment_tags, 3, consignment: String, tag: String, item: String);
impl Derived for LineTagRow {}
row_of!(CertificatePartyRow, certificate_parties, 2, party: String, certificate: String);
impl Derived for CertificatePartyRow {}
row_of!(CountRow, label_counts, 2, party: String, label: String, devices: i64);
impl Derived for CountRow {}

/// A row of `label_counts` that is to go if it counts nobody: what nobody has any more has no row, as if it had never been.
struct NoneLeft {
    party: String,
    label: String,
    devices: i64,
}

row_of!(NoneLeft, label_counts, 3, party: String, label: String, devices: i64);
impl Derived for NoneLeft {}

impl LineTagRow {
    /// The row of a line; what was taken off again has none.
    pub fn of(line: &Line) -> Option<Self> {
        let container = line.container.as_ref().map_or("", |container| container.as_str());
        let row = || Self { consignment: line.consignment.to_string(), tag: format!("{container} / {}", line.name), item: line.item.key() };
        line.is_listed().then(row)
    }
    /// Every row.
    pub fn all(db: &mut Database) -> Result<Vec<Self>> {
        Ok(consignment_tags::table.order((consignment_tags::consignment, consignment_tags::tag, consignment_tags::item)).load(db)?)
    }
}

impl CertificatePartyRow {
    /// Every row.
    pub fn all(db: &mut Database) -> Result<Vec<Self>> {
        Ok(certificate_parties::table.order((certificate_parties::party, certificate_parties::certificate)).load(db)?)
    }
}

impl CountRow {
    /// The counts of these devices.
    pub fn of<'a>(assets: impl IntoIterator<Item = &'a Asset>) -> Vec<Self> {
        let mut counts = Counts::default();
        assets.into_iter().for_each(|asset| counts.add(asset, 1));
        counts.rows()
    }
    /// Every row.
    pub fn all(db: &mut Database) -> Result<Vec<Self>> {
        Ok(label_counts::table.order((label_counts::party, label_counts::label)).load(db)?)
    }
}

/// The parties that a device concerns, beside the organisation whose it is: its people see every device, so nothing is looked up by it.
pub fn parties_of(asset: &Asset) -> BTreeSet<&str> {
    asset.parties().filter(|party| **party != asset.owner).map(|party| party.as_str()).collect()
}

/// Whether a device concerns the same parties as before. Mostly it does, and then in the same order. Whose it is never changes.
pub fn same_parties(before: &Asset, now: &Asset) -> bool {
    before.parties().eq(now.parties()) || parties_of(before) == parties_of(now)
}

/// By party and label: how many more, or fewer.
#[derive(Default)]
struct Counts<'a>(BTreeMap<(&'a str, &'static str), i64>);

impl<'a> Counts<'a> {
    fn add(&mut self, asset: &'a Asset, devices: i64) {
        for party in parties_of(asset).into_iter().chain([EVERYONE]) {
            *self.0.entry((party, asset.label().as_str())).or_default() += devices;
        }
    }
    fn rows(self) -> Vec<CountRow> {
        let changed = self.0.into_iter().filter(|(_, devices)| *devices != 0);
        let row = |((party, label), devices): ((&str, &str), i64)| CountRow { party: party.to_owned(), label: label.to_owned(), devices };
        changed.map(row).collect()
    }
}

/// Saves what lists need of everything that a batch changed; the records' own rows are saved already.
pub fn save(db: &mut Database, known: &Records) -> Result<()> {
    save_counts(db, known)?;
    save_line_tags(db, known)?;
    save_certificate_parties(db, known)
}

fn save_counts(db: &mut Database, known: &Records) -> Result<()> {
    let mut counts = Counts::default();
    for slot in known.assets.changed() {
        if let (Some(before), Some(now)) = (slot.before(), slot.now())
            && before.label() == now.label()
            && same_parties(before, now)
        {
            continue;
        }
        slot.before().into_iter().for_each(|before| counts.add(before, -1));
        slot.now().into_iter().for_each(|now| counts.add(now, 1));
    }
    let rows = counts.rows();
    let fewer = rows.iter().filter(|row| row.devices < 0);
    let fewer = fewer.map(|row| NoneLeft { party: row.party.clone(), label: row.label.clone(), devices: 0 }).collect();
    rows::add(db, rows)?;
    rows::remove(db, fewer)
}

fn save_line_tags(db: &mut Database, known: &Records) -> Result<()> {
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    for slot in known.lines.changed() {
        let (before, now) = (slot.before().and_then(LineTagRow::of), slot.now().and_then(LineTagRow::of));
        if before != now {
            gone.extend(before);
            come.extend(now);
        }
    }
    rows::remove(db, gone)?;
    rows::insert(db, come)
}

/// A new certificate concerns whom its device concerns; a device that comes to concern another party takes its certificates along.
fn save_certificate_parties(db: &mut Database, known: &Records) -> Result<()> {
    let new = || known.certificates.changed().filter(|slot| slot.before().is_none()).filter_map(|slot| slot.now());
    let others = tables::beside(db, known, new().map(|certificate| Need::Asset(certificate.asset.clone())).collect())?;
    let mut come = BTreeSet::new();
    for certificate in new() {
        for party in parties_of(tables::of_either::<Asset>(known, &others, &certificate.asset)?) {
            come.insert(CertificatePartyRow { party: party.to_owned(), certificate: certificate.number.clone() });
        }
    }
    let mut moved: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for slot in known.assets.changed() {
        if let (Some(before), Some(now)) = (slot.before(), slot.now())
            && !same_parties(before, now)
        {
            moved.insert(now.id.as_str(), (parties_of(before), parties_of(now)));
        }
    }
    let mut gone = Vec::new();
    let assets: Vec<&str> = moved.keys().copied().collect();
    for some in assets.chunks(1_000) {
        let found: Vec<(String, String)> =
            certificates::table.filter(certificates::asset.eq_any(some.iter().copied())).select((certificates::asset, certificates::id)).load(db)?;
        for (asset, certificate) in found {
            let Some((before, after)) = moved.get(asset.as_str()) else { continue };
            let row = |party: &&str| CertificatePartyRow { party: (*party).to_owned(), certificate: certificate.clone() };
            gone.extend(before.difference(after).map(row));
            come.extend(after.difference(before).map(row));
        }
    }
    rows::remove(db, gone)?;
    rows::insert(db, come.into_iter().collect())
}
