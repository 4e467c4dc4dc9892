//! The sums that the mass balance is made of, kept in the transaction of the entries that change them: a report reads some rows for each month, school and
//! vendor, however many devices there are.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::Database;
use super::rows::{self, Derived, row_of};
use super::schema::mass_sums;
use crate::domain::asset::Asset;
use crate::domain::records::Records;
use crate::error::Result;
use crate::reports::Question;
use crate::reports::mass_balance::{self, Place, Row, Sums};

/// A row of `mass_sums`; in a change, how much more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Queryable)]
#[allow(missing_docs, reason = "the columns are described in migrations/")]
pub struct MassRow {
    pub month: String,
    pub site: String,
    pub vendor: String,
    pub basis: String,
    pub devices: i64,
    pub grams: i64,
    pub reuse: i64,
    pub recovered: i64,
    pub energy: i64,
    pub landfill: i64,
    pub undocumented: i64,
    pub recycling_in: i64,
    pub claimed: i64,
    pub stored_devices: i64,
    pub stored: i64,
}

row_of!(MassRow, mass_sums, 4, month: String, site: String, vendor: String, basis: String, devices: i64, grams: i64, reuse: i64, recovered: i64,
    energy: i64, landfill: i64, undocumented: i64, recycling_in: i64, claimed: i64, stored_devices: i64, stored: i64);
impl Derived for MassRow {}

/// A row that is to go if nothing is left in it, as if it had never been: it has as many devices, here and gone, as this.
struct NoneLeft {
    month: String,
    site: String,
    vendor: String,
    basis: String,
    devices: i64,
    stored_devices: i64,
}

row_of!(NoneLeft, mass_sums, 6, month: String, site: String, vendor: String, basis: String, devices: i64, stored_devices: i64);
impl Derived for NoneLeft {}

impl From<Row> for MassRow {
    fn from(Row { place, sums }: Row) -> Self {
        let Place { month, site, vendor, basis } = place;
        let Sums { devices, grams, reuse, recovered, energy, landfill, undocumented, recycling_in, claimed, stored_devices, stored } = sums;
        Self {
            month,
            site,
            vendor,
            basis,
            devices,
            grams,
            reuse,
            recovered,
            energy,
            landfill,
            undocumented,
            recycling_in,
            claimed,
            stored_devices,
            stored,
        }
    }
}

impl From<MassRow> for Row {
    fn from(row: MassRow) -> Self {
        let MassRow {
            month,
            site,
            vendor,
            basis,
            devices,
            grams,
            reuse,
            recovered,
            energy,
            landfill,
            undocumented,
            recycling_in,
            claimed,
            stored_devices,
            stored,
        } = row;
        let sums = Sums { devices, grams, reuse, recovered, energy, landfill, undocumented, recycling_in, claimed, stored_devices, stored };
        Self { place: Place { month, site, vendor, basis }, sums }
    }
}

impl MassRow {
    /// The sums of these devices.
    pub fn of<'a>(assets: impl IntoIterator<Item = &'a Asset>) -> Vec<Self> {
        let mut sums: BTreeMap<Place, Sums> = BTreeMap::new();
        for row in assets.into_iter().filter_map(mass_balance::of_asset) {
            *sums.entry(row.place).or_default() += row.sums;
        }
        sums.into_iter().map(|(place, sums)| Row { place, sums }.into()).collect()
    }
    /// Every row.
    pub fn all(db: &mut Database) -> Result<Vec<Self>> {
        Ok(mass_sums::table.order((mass_sums::month, mass_sums::site, mass_sums::vendor, mass_sums::basis)).load(db)?)
    }
}

/// Adds what a batch changed.
pub(super) fn save(db: &mut Database, known: &Records) -> Result<()> {
    let mut more: BTreeMap<Place, Sums> = BTreeMap::new();
    for slot in known.assets.changed() {
        let (before, now) = (slot.before().and_then(mass_balance::of_asset), slot.now().and_then(mass_balance::of_asset));
        if before == now {
            continue;
        }
        if let Some(Row { place, sums }) = before {
            *more.entry(place).or_default() += sums.negative();
        }
        if let Some(Row { place, sums }) = now {
            *more.entry(place).or_default() += sums;
        }
    }
    let changed: Vec<MassRow> =
        more.into_iter().filter(|(_, sums)| *sums != Sums::default()).map(|(place, sums)| Row { place, sums }.into()).collect();
    let fewer = changed.iter().filter(|row| row.devices < 0 || row.stored_devices < 0);
    let gone = fewer
        .map(|row| NoneLeft {
            month: row.month.clone(),
            site: row.site.clone(),
            vendor: row.vendor.clone(),
            basis: row.basis.clone(),
            devices: 0,
            stored_devices: 0,
        })
        .collect();
    rows::add(db, changed)?;
    rows::remove(db, gone)
}

/// The rows that a report asks for.
pub fn rows(db: &mut Database, question: &Question) -> Result<Vec<Row>> {
    let mut select = mass_sums::table.filter(mass_sums::month.ge(&question.from)).filter(mass_sums::month.le(&question.to)).into_boxed();
    if let Some(site) = &question.site {
        select = select.filter(mass_sums::site.eq(site));
    }
    if let Some(vendor) = &question.vendor {
        select = select.filter(mass_sums::vendor.eq(vendor));
    }
    let rows: Vec<MassRow> = select.order((mass_sums::month, mass_sums::site, mass_sums::vendor, mass_sums::basis)).load(db)?;
    Ok(rows.into_iter().map(Row::from).collect())
}
