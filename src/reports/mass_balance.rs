//! The five-bucket mass balance and its rates: every gram is reused, recovered, burned for energy, landfilled or undocumented, and they add up.
//!
//! What lacks evidence stays in the denominator. A device counts once, with what the record says of it last: a redeployed device that is recycled later
//! moves from the reuse of one month to the recycling of another.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use chrono::Datelike;

use super::{Cell, Document, Names, Piece, Question, Ratio, Table, unit_weights};
use crate::domain::asset::{Asset, Status};
use crate::domain::disposition::{Mass, Outcome};
use crate::domain::names::{Instant, PartyId, WeightBasis};
use crate::domain::refusal::Refusal;

/// Raised whenever a figure is made in another way.
const METHOD: &str = "mass-balance 2";

/// Devices and grams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sums {
    /// Devices.
    pub devices: i64,
    /// Their mass: equal to the five buckets.
    pub grams: i64,
    /// Used again.
    pub reuse: i64,
    /// Recovered as material.
    pub recovered: i64,
    /// Burned for energy.
    pub energy: i64,
    /// Landfilled, or disposed of in another way, with the residue of recycling.
    pub landfill: i64,
    /// Nothing that is accepted says what became of it.
    pub undocumented: i64,
    /// Delivered to a recycler who said what became of it; part of the buckets above.
    pub recycling_in: i64,
    /// Claimed not to have been landfilled; part of the buckets above.
    pub claimed: i64,
    /// Retired devices that are still here; in no bucket and in no rate.
    pub stored_devices: i64,
    /// Their mass.
    pub stored: i64,
}

impl Sums {
    /// The five buckets together.
    pub fn buckets(&self) -> i64 {
        self.reuse + self.recovered + self.energy + self.landfill + self.undocumented
    }
    /// As much less.
    pub fn negative(self) -> Self {
        Self {
            devices: -self.devices,
            grams: -self.grams,
            reuse: -self.reuse,
            recovered: -self.recovered,
            energy: -self.energy,
            landfill: -self.landfill,
            undocumented: -self.undocumented,
            recycling_in: -self.recycling_in,
            claimed: -self.claimed,
            stored_devices: -self.stored_devices,
            stored: -self.stored,
        }
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, more: Self) {
        self.devices += more.devices;
        self.grams += more.grams;
        self.reuse += more.reuse;
        self.recovered += more.recovered;
        self.energy += more.energy;
        self.landfill += more.landfill;
        self.undocumented += more.undocumented;
        self.recycling_in += more.recycling_in;
        self.claimed += more.claimed;
        self.stored_devices += more.stored_devices;
        self.stored += more.stored;
    }
}

/// Where sums belong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// `2026-11`
    pub month: String,
    /// The school.
    pub site: String,
    /// Who processed the devices or has them; empty where only the organisation does.
    pub vendor: String,
    /// Where the weights come from: a word of [`WeightBasis`], or `none`.
    pub basis: String,
}

/// Sums of one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Where they belong.
    pub place: Place,
    /// The sums.
    pub sums: Sums,
}

/// Least evidence on which an outcome is accepted (domain study of sustainability, §5): 2, the receiving party signed; 3, the processor signed what became
/// of it. None: no evidence makes a known fate of it.
pub const fn evidence_required(outcome: Outcome) -> Option<u8> {
    match outcome {
        Outcome::InStorage => Some(1),
        Outcome::Repaired | Outcome::Redeployed | Outcome::Resold | Outcome::Donated | Outcome::PartsHarvested => Some(2),
        Outcome::Recycled | Outcome::EnergyRecovery | Outcome::Incinerated | Outcome::Landfilled => Some(3),
        Outcome::TradedIn | Outcome::ReturnedToLessor | Outcome::LostOrStolen | Outcome::Unknown => None,
    }
}

/// The evidence for the recorded outcome: 0, a claim; 1, the organisation said so; 2, the party that uses it said so; 3, the party that received it, on a
/// receipt of its own, said what became of it.
pub fn evidence_level(asset: &Asset) -> u8 {
    let Some(disposition) = &asset.disposition else { return 0 };
    let by = &disposition.recorded.party;
    match disposition.outcome {
        Outcome::Unknown => 0,
        // Both the one who gives and the one who uses it again are the organisation.
        Outcome::Repaired | Outcome::Redeployed if by == &asset.owner => 2,
        _ if by == &asset.owner => 1,
        _ if asset.handoffs.iter().any(|handoff| &handoff.to.party == by && handoff.received.is_some()) => 3,
        _ => 0,
    }
}

/// What one device with a recorded outcome adds.
pub fn of_outcome(outcome: Outcome, accepted: bool, mass: &Mass) -> Sums {
    let grams = i64::from(mass.weight_grams);
    let claimed =
        !matches!(outcome, Outcome::Landfilled | Outcome::Incinerated | Outcome::LostOrStolen | Outcome::TradedIn | Outcome::ReturnedToLessor);
    let mut sums = Sums { devices: 1, grams, claimed: if claimed { grams } else { 0 }, ..Sums::default() };
    match outcome {
        Outcome::InStorage => return Sums { stored_devices: 1, stored: grams, ..Sums::default() },
        _ if !accepted => {}
        Outcome::Repaired | Outcome::Redeployed | Outcome::Resold | Outcome::Donated => sums.reuse = grams,
        Outcome::EnergyRecovery => sums.energy = grams,
        Outcome::Incinerated | Outcome::Landfilled => sums.landfill = grams,
        Outcome::Recycled => {
            let part = |grams: Option<u32>| i64::from(grams.unwrap_or(0));
            sums.recycling_in = grams;
            sums.recovered = part(mass.recovered_grams);
            sums.energy = part(mass.energy_grams);
            sums.landfill = part(mass.landfill_grams);
        }
        // What of it was used again, and what became of the rest, is not stated.
        Outcome::PartsHarvested | Outcome::TradedIn | Outcome::ReturnedToLessor | Outcome::LostOrStolen | Outcome::Unknown => {}
    }
    // Whatever is not said is undocumented, also what a recycler's statement leaves open.
    sums.undocumented = grams - (sums.reuse + sums.recovered + sums.energy + sums.landfill);
    sums
}

/// What a device adds, and where; `None` while it is in use.
pub fn of_asset(asset: &Asset) -> Option<Row> {
    // A part is in the mass of the device that it was taken out of.
    if asset.harvested_from.is_some() {
        return None;
    }
    let owner = &asset.owner;
    let row = |at: Instant, vendor: Option<&PartyId>, basis: &str, sums: Sums| {
        let vendor = vendor.filter(|vendor| *vendor != owner).map(ToString::to_string).unwrap_or_default();
        let day = at.utc();
        let place = Place { month: format!("{:04}-{:02}", day.year(), day.month()), site: asset.home.to_string(), vendor, basis: basis.to_owned() };
        Some(Row { place, sums })
    };
    if let Some(disposition) = &asset.disposition {
        let accepted = evidence_required(disposition.outcome).is_some_and(|least| evidence_level(asset) >= least);
        let sums = of_outcome(disposition.outcome, accepted, &disposition.mass);
        return row(disposition.recorded.occurred, Some(&disposition.recorded.party), disposition.mass.weight_basis.as_str(), sums);
    }
    let last = asset.handoffs.last();
    let away = last.map(|handoff| &handoff.to.party).filter(|_| asset.in_transit).unwrap_or(&asset.holder.party);
    let default = || unit_weights::default_for(asset.category).map_or((0, "none"), |(grams, _)| (i64::from(grams), WeightBasis::Default.as_str()));
    let (grams, basis) = asset.weight.map_or_else(default, |weight| (i64::from(weight.grams), weight.basis.as_str()));
    let lost = Sums { devices: 1, grams, undocumented: grams, ..Sums::default() };
    match asset.status {
        Status::Retired if away == owner => row(asset.retired_at?, None, basis, Sums { stored_devices: 1, stored: grams, ..Sums::default() }),
        // It left, and nobody has said what became of it.
        Status::Retired => row(last.map(|handoff| handoff.released.1)?, Some(away), basis, lost),
        Status::Missing | Status::WrittenOff => row(asset.missing.as_ref()?.reported, Some(away), basis, lost),
        _ => None,
    }
}

/// Grams by how well they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Split {
    /// Weighed.
    documented: i64,
    /// A share of a weighed lot.
    allocated: i64,
    /// The maker's figure, or a default for the kind of device.
    estimated: i64,
}

impl Split {
    fn all(self) -> i64 {
        self.documented + self.allocated + self.estimated
    }
    fn cells(self) -> [Cell; 3] {
        [Cell::Grams(self.documented), Cell::Grams(self.allocated), Cell::Grams(self.estimated)]
    }
}

fn split(by_basis: &BTreeMap<&str, Sums>, grams: impl Fn(&Sums) -> i64) -> Split {
    let mut split = Split::default();
    for (basis, sums) in by_basis {
        match *basis {
            "scale" => split.documented += grams(sums),
            "lot" => split.allocated += grams(sums),
            _ => split.estimated += grams(sums),
        }
    }
    split
}

/// A bucket's name, and how much is in it.
type Bucket = (&'static str, fn(&Sums) -> i64);

/// The five buckets, in the order of the waste hierarchy.
const BUCKETS: [Bucket; 5] = [
    ("Reuse", |sums| sums.reuse),
    ("Material recovered", |sums| sums.recovered),
    ("Energy recovery", |sums| sums.energy),
    ("Landfill, with residue of recycling", |sums| sums.landfill),
    ("Undocumented", |sums| sums.undocumented),
];

/// The figure that the documented collection rate is set beside: Global E-waste Monitor 2024 (UNITAR/ITU, 20 March 2024), for 2022.
const WORLD: &str = "World, 2022: 22.3 % of e-waste documented as collected and recycled (Global E-waste Monitor 2024). The world figure covers all electrical \
     equipment against estimated generation; ours covers this organisation's recorded devices; reused devices are in neither.";

const NOTES: &[&str] = &[
    "Every gram is in one of five buckets, and the buckets add up to the total: checked each time, or there is no report.",
    "Outcomes count where the receiving party (reuse) or the processor on a receipt of its own (recycling, disposal) stated them in a signed entry; \
     everything else is undocumented and stays in the denominator.",
    "“Destroyed” is a data event, not an outcome of the material. What a recycler's statement leaves open is undocumented.",
    "Documented: weighed. Allocated: a share of a weighed lot. Estimated: the maker's figure, or a default for the kind of device (table weights).",
    "A device counts once, with what the record says of it last, in the month of its outcome; a device that left without one in the month of its release.",
    "What was traded in or returned to its lessor is undocumented: its next holder decides what becomes of it, and nothing here says what.",
    "What was disposed of before and recorded afterwards is in no figure: nobody who received it signed for it.",
    "A part that was taken out counts with its device, not by itself.",
    "A signed entry shows who stated what and when, not that the statement was true.",
    WORLD,
];

/// Makes the report.
pub fn make(question: &Question, rows: &[Row], names: &Names) -> Result<Document, Refusal> {
    let mut total = Sums::default();
    let mut by_basis: BTreeMap<&str, Sums> = BTreeMap::new();
    let (mut by_site, mut by_vendor, mut by_month) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let add = |groups: &mut BTreeMap<String, Sums>, key: String, sums: Sums| *groups.entry(key).or_default() += sums;
    for Row { place, sums } in rows {
        if sums.buckets() != sums.grams {
            let why = format!(
                "The buckets of {} at {} do not add up to their mass: run `quittance audit`, then `quittance rebuild`.",
                place.month, place.site
            );
            return Err(Refusal::new("reports.unbalanced", why));
        }
        total += *sums;
        *by_basis.entry(&place.basis).or_default() += *sums;
        add(&mut by_site, place.site.clone(), *sums);
        let vendor = if place.vendor.is_empty() { "no vendor" } else { names.get(&place.vendor).map_or(place.vendor.as_str(), String::as_str) };
        add(&mut by_vendor, vendor.to_owned(), *sums);
        add(&mut by_month, place.month.clone(), *sums);
    }
    let tables = vec![
        balance(&total, &by_basis),
        rates(&total, &by_basis),
        Table { id: "T9", title: "What the figures rest on", columns: &["Weight", "Counts as", "Devices", "Grams"], rows: basis_rows(&by_basis) },
        groups(
            "schools",
            "By school",
            &["School", "Devices", "Reuse g", "Recovered g", "Energy g", "Landfill g", "Undocumented g", "Total g"],
            by_site,
        ),
        groups(
            "vendors",
            "By vendor",
            &["Vendor", "Devices", "Reuse g", "Recovered g", "Energy g", "Landfill g", "Undocumented g", "Total g"],
            by_vendor,
        ),
        groups(
            "months",
            "By month",
            &["Month", "Devices", "Reuse g", "Recovered g", "Energy g", "Landfill g", "Undocumented g", "Total g"],
            by_month,
        ),
        Table {
            id: "weights",
            title: "Default weights",
            columns: &["Kind of device", "Grams", "Source"],
            rows: unit_weights::all()
                .map(|(category, grams, source)| vec![Cell::text(category.label()), Cell::Grams(grams.into()), Cell::text(source)])
                .collect(),
        },
    ];
    Ok(Document {
        report: "mass-balance",
        title: "What became of retired equipment, by weight",
        method: METHOD,
        question: question.clone(),
        tables,
        bar: BUCKETS.iter().map(|(name, grams)| Piece { name, grams: grams(&total) }).collect(),
        notes: NOTES.to_vec(),
    })
}

fn balance(total: &Sums, by_basis: &BTreeMap<&str, Sums>) -> Table {
    let row = |name: &str, grams: &dyn Fn(&Sums) -> i64| {
        let split = split(by_basis, grams);
        let figures = split.cells().into_iter().chain([Cell::Rate(Ratio::of(split.all(), total.grams))]);
        [Cell::text(name), Cell::Grams(split.all())].into_iter().chain(figures).collect()
    };
    let mut rows: Vec<Vec<Cell>> = BUCKETS.iter().map(|(name, grams)| row(name, grams)).collect();
    rows.push(row("Total", &|sums| sums.grams));
    Table { id: "T2", title: "Mass balance", columns: &["Bucket", "Grams", "Documented g", "Allocated g", "Estimated g", "Share %"], rows }
}

fn rates(total: &Sums, by_basis: &BTreeMap<&str, Sums>) -> Table {
    let row = |name: &str, formula: &str, part: &dyn Fn(&Sums) -> i64, whole: i64| {
        let split = split(by_basis, part);
        let mut cells =
            vec![Cell::text(name), Cell::Rate(Ratio::of(split.all(), whole)), Cell::text(formula), Cell::Grams(split.all()), Cell::Grams(whole)];
        cells.extend(split.cells());
        cells
    };
    let all = total.grams;
    let weighed = Split { estimated: 0, ..split(by_basis, |sums| sums.grams) };
    let mut rows = vec![
        row("Strict diversion", "(reuse + recovered) / total", &|sums| sums.reuse + sums.recovered, all),
        row("Reuse rate", "reuse / total", &|sums| sums.reuse, all),
        row("Recycling rate", "recovered / total", &|sums| sums.recovered, all),
        row("Diversion with energy recovery", "(reuse + recovered + energy) / total", &|sums| sums.reuse + sums.recovered + sums.energy, all),
        row("Documented disposition", "(total − undocumented) / total", &|sums| sums.grams - sums.undocumented, all),
        row(
            "Documented collection (beside the world's 22.3 %)",
            "delivered to recycling / (total − reuse)",
            &|sums| sums.recycling_in,
            all - total.reuse,
        ),
        row("Undocumented", "undocumented / total", &|sums| sums.undocumented, all),
        row("As usually claimed (shown for the gap alone)", "claimed not landfilled / total", &|sums| sums.claimed, all),
    ];
    let mut cells = vec![
        Cell::text("Weighed share"),
        Cell::Rate(Ratio::of(weighed.all(), all)),
        Cell::text("weighed or shared from a weighed lot / total"),
        Cell::Grams(weighed.all()),
        Cell::Grams(all),
    ];
    cells.extend(weighed.cells());
    rows.push(cells);
    let columns = &["Rate", "%", "Formula", "Part g", "Whole g", "Documented g", "Allocated g", "Estimated g"];
    Table { id: "T3", title: "Rates", columns, rows }
}

fn basis_rows(by_basis: &BTreeMap<&str, Sums>) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    for (basis, sums) in by_basis {
        let (words, counts_as) = match WeightBasis::parse(basis) {
            Ok(basis) => (
                basis.label(),
                match basis {
                    WeightBasis::Scale => "documented",
                    WeightBasis::Lot => "allocated",
                    WeightBasis::Spec | WeightBasis::Default => "estimated",
                },
            ),
            Err(_) => ("no weight and no default: weigh these", "not in the balance"),
        };
        rows.push(vec![Cell::text(words), Cell::text(counts_as), Cell::Count(sums.devices), Cell::Grams(sums.grams)]);
    }
    let stored = by_basis.values().fold((0, 0), |(devices, grams), sums| (devices + sums.stored_devices, grams + sums.stored));
    rows.push(vec![Cell::text("retired and still here"), Cell::text("left out of all rates"), Cell::Count(stored.0), Cell::Grams(stored.1)]);
    rows
}

fn groups(id: &'static str, title: &'static str, columns: &'static [&'static str], groups: BTreeMap<String, Sums>) -> Table {
    let rows = groups
        .into_iter()
        .filter(|(_, sums)| sums.devices > 0)
        .map(|(name, sums)| {
            let figures = BUCKETS.iter().map(|(_, grams)| Cell::Grams(grams(&sums)));
            [Cell::Text(name), Cell::Count(sums.devices)].into_iter().chain(figures).chain([Cell::Grams(sums.grams)]).collect()
        })
        .collect();
    Table { id, title, columns, rows }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The published test vector of the domain study: ten devices, and what the figures must be.
    const DEVICES: &str = include_str!("../../tests/reports/testvector_devices.csv");
    const EXPECTED: &str = include_str!("../../tests/reports/testvector_expected.csv");

    fn read(text: &'static str) -> Vec<BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        reader.deserialize().map(Result::unwrap).collect()
    }

    fn rows_of_the_vector() -> Vec<Row> {
        read(DEVICES)
            .iter()
            .map(|device| {
                let number = |name: &str| device[name].parse::<u32>().ok();
                let outcome = match device["outcome"].as_str() {
                    "destroyed_recycled" => Outcome::Recycled,
                    other => Outcome::parse(other).unwrap(),
                };
                let basis = match device["weight_basis"].as_str() {
                    "lot_scale" => WeightBasis::Lot,
                    other => WeightBasis::parse(other).unwrap(),
                };
                let level: u8 = device["evidence_level"].parse().unwrap();
                let required: u8 = device["evidence_required"].parse().unwrap();
                assert_eq!(evidence_required(outcome).unwrap_or(required), required, "{}", device["device_id"]);
                let mass = Mass {
                    weight_grams: number("mass_g").unwrap(),
                    weight_basis: basis,
                    recovered_grams: number("out_recovered_g"),
                    energy_grams: number("out_energy_g"),
                    landfill_grams: number("out_landfill_g"),
                };
                let sums = of_outcome(outcome, evidence_required(outcome).is_some_and(|least| level >= least), &mass);
                let place = Place { month: "2026-01".into(), site: "Central".into(), vendor: String::new(), basis: basis.as_str().into() };
                Row { place, sums }
            })
            .collect()
    }

    fn question() -> Question {
        Question { from: "2026-01".into(), to: "2026-12".into(), site: None, vendor: None }
    }

    #[test]
    fn the_published_vector_comes_out() {
        let document = make(&question(), &rows_of_the_vector(), &Names::new()).unwrap();
        let find = |table: usize, name: &str| document.tables[table].rows.iter().find(|row| row[0].to_string().starts_with(name)).unwrap();
        let grams = |name: &str| find(0, name)[1].to_string();
        let rate = |name: &str| find(1, name)[1].to_string();
        let mut recycling_in = Sums::default();
        rows_of_the_vector().iter().for_each(|row| recycling_in += row.sums);
        let ours = [
            ("T1.count.total", recycling_in.devices.to_string()),
            ("T1.mass_g.total", grams("Total")),
            ("T2.mass_g.reuse", grams("Reuse")),
            ("T2.mass_g.recycling_in", recycling_in.recycling_in.to_string()),
            ("T2.mass_g.recovered", grams("Material recovered")),
            ("T2.mass_g.energy_recovery", grams("Energy recovery")),
            ("T2.mass_g.landfill_total", grams("Landfill")),
            ("T2.mass_g.undocumented", grams("Undocumented")),
            ("T3.reuse_rate", rate("Reuse rate")),
            ("T3.landfill_diversion_strict", rate("Strict diversion")),
            ("T3.landfill_diversion_incl_energy", rate("Diversion with energy")),
            ("T3.diversion_as_usually_claimed", rate("As usually claimed")),
            ("T3.recycling_rate_recovered", rate("Recycling rate")),
            ("T3.documented_disposition_rate", rate("Documented disposition")),
            ("T3.documented_collection_rate", rate("Documented collection")),
            ("T3.weighed_share", rate("Weighed share")),
        ];
        let expected = read(EXPECTED);
        for (metric, value) in ours {
            let line = expected.iter().find(|line| line["metric"] == metric).unwrap();
            assert_eq!(value, line["value"], "{metric}");
        }
        // The exact fractions are in percent there.
        let strict = find(1, "Strict diversion")[1].clone();
        assert_eq!(serde_json::to_value(strict).unwrap()["fraction"], "1345/1826");
    }

    #[test]
    fn sums_that_do_not_add_up_give_no_report() {
        let mut rows = rows_of_the_vector();
        rows[3].sums.reuse -= 1;
        assert_eq!(make(&question(), &rows, &Names::new()).unwrap_err().code, "reports.unbalanced");
    }

    proptest! {
        #[test]
        fn the_buckets_are_the_mass_of_every_device(
            outcome in prop::sample::select(Outcome::ALL),
            accepted: bool,
            (weight, parts) in (1u32..=2_000_000).prop_flat_map(|weight| (Just(weight), (0..=weight, 0..=weight, 0..=weight))),
        ) {
            let recovered = parts.0;
            let energy = parts.1.min(weight - recovered);
            let landfill = parts.2.min(weight - recovered - energy);
            let mass = Mass { weight_grams: weight, weight_basis: WeightBasis::Scale, recovered_grams: Some(recovered), energy_grams: Some(energy), landfill_grams: Some(landfill) };
            let sums = of_outcome(outcome, accepted, &mass);
            prop_assert_eq!(sums.buckets(), sums.grams);
            prop_assert!([sums.reuse, sums.recovered, sums.energy, sums.landfill, sums.undocumented].iter().all(|grams| *grams >= 0));
            prop_assert_eq!(sums.grams + sums.stored, i64::from(weight));
            if !accepted && outcome != Outcome::InStorage {
                prop_assert_eq!(sums.undocumented, i64::from(weight));
            }
        }
    }
}
