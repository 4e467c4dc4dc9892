//! How a vendor's own lists are read: which of their columns says what, mapped once and kept as a named profile of the party.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::names::{Name, PartyId, Reference, Role, codes};
use super::parties::{self, Party};
use super::records::{Records, Stop};
use super::refusal::Refusal;
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects};

codes! {
    /// What a vendor's list is.
    ListKind {
        Receipt = "receipt", "receiving list";
        Settlement = "settlement", "settlement list";
    }
}

codes! {
    /// What a column says.
    Column {
        Tag = "tag", "asset tag";
        Serial = "serial", "serial number";
        Condition = "condition", "condition";
        Weight = "weight", "weight";
        Date = "date", "date";
        Outcome = "outcome", "outcome";
        Grade = "grade", "grade";
        Proceeds = "proceeds", "proceeds";
        Recovered = "recovered", "weight recovered";
        Energy = "energy", "weight burned for energy";
        Landfill = "landfill", "weight landfilled";
        Container = "container", "container";
        Seal = "seal", "seal of the container";
        Goods = "goods", "kind of counted things";
        Count = "count", "number of things";
    }
}

codes! {
    /// The unit of the weights in a list.
    WeightUnit {
        Grams = "g", "grams";
        Kilograms = "kg", "kilograms";
        Pounds = "lb", "pounds";
    }
}

/// Most profiles of one party.
const MOST_PROFILES: usize = 20;

/// Which column of a vendor's list says what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The profile's name.
    pub profile: Reference,
    /// What the list is.
    pub kind: ListKind,
    /// The words over each column, as the vendor writes them.
    pub columns: BTreeMap<Column, Name>,
    /// The unit of weights; none where no column has one.
    pub weight_unit: Option<WeightUnit>,
}

impl Mapping {
    /// Refuses a mapping by which nothing could be told.
    pub fn check(&self) -> Result<(), Refusal> {
        let has = |column| self.columns.contains_key(&column);
        if !has(Column::Tag) && !has(Column::Serial) {
            return Err(Refusal::new("mappings.no_identity", "Name the column of the asset tag (tag), of the serial number (serial), or both."));
        }
        if self.kind == ListKind::Settlement && !has(Column::Outcome) {
            return Err(Refusal::new("mappings.no_outcome", "A settlement list says what became of each device: name its column (outcome)."));
        }
        let weighs = [Column::Weight, Column::Recovered, Column::Energy, Column::Landfill].into_iter().any(has);
        if weighs && self.weight_unit.is_none() {
            return Err(Refusal::new("mappings.no_unit", "The list has weights: state their unit (weight_unit: g, kg or lb)."));
        }
        Ok(())
    }
}

/// Keeps a mapping; one of the same kind and name is replaced.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapColumns {
    /// Whose lists these are.
    pub party: PartyId,
    /// The profile's name.
    pub profile: Reference,
    /// What the list is.
    pub kind: ListKind,
    /// The words over each column, as the vendor writes them.
    pub columns: BTreeMap<Column, Name>,
    /// The unit of weights.
    pub weight_unit: Option<WeightUnit>,
}

/// `party.columns_mapped`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnsMapped {
    /// How they are read from now on.
    pub mapping: Mapping,
}

impl Order for MapColumns {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        if occasion.actor.role.is_vendor() && self.party != occasion.actor.party {
            return Err(parties::unknown(&self.party).into());
        }
        let party = parties::require(known, &self.party)?;
        let Self { profile, kind, columns, weight_unit, .. } = self.clone();
        let mapping = Mapping { profile, kind, columns, weight_unit };
        mapping.check()?;
        if party.mappings.len() >= MOST_PROFILES && !party.mappings.iter().any(|other| replaces(&mapping, other)) {
            let why = format!("{} has {MOST_PROFILES} profiles already; use the name of one of them to replace it.", party.name);
            return Err(Refusal::new("mappings.too_many", why).into());
        }
        Ok(vec![Happening::new(ColumnsMapped { mapping }, [Subject::new(SubjectKind::Party, self.party.as_str())])])
    }
}

fn replaces(new: &Mapping, old: &Mapping) -> bool {
    new.kind == old.kind && new.profile.as_str().to_lowercase() == old.profile.as_str().to_lowercase()
}

impl Fact for ColumnsMapped {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.party() else { return };
        known.change::<Party>(&id, stamp.seq, |party| {
            party.mappings.retain(|old| !replaces(&self.mapping, old));
            party.mappings.push(self.mapping.clone());
        });
    }
    fn sentence(&self) -> String {
        format!("How its {} is read is kept as “{}”: {} columns.", self.mapping.kind.label(), self.mapping.profile, self.mapping.columns.len())
    }
}
