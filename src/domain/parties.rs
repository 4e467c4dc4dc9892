//! Parties: the accountable organisation and its vendors, with their sites.

use serde::{Deserialize, Serialize};

use super::mappings::Mapping;
use super::names::{Name, PartyId, Role, codes};
use super::records::{Key, Records, Stop, record};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects};

codes! {
    /// What a party is to the record.
    PartyKind {
        Organisation = "organisation", "the accountable organisation";
        Vendor = "vendor", "vendor";
    }
}

/// An organisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Party {
    /// Its id.
    pub id: PartyId,
    /// What it is to the record.
    pub kind: PartyKind,
    /// Its name.
    pub name: Name,
    /// Its sites.
    pub sites: Vec<Name>,
    /// How its own lists are read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mappings: Vec<Mapping>,
    /// The entry that changed it last.
    pub last_seq: u64,
}

record!(Party, id: PartyId = |p| p.id.clone(), owner: |p| p.id.as_str().to_owned(), shelf: parties, need: Party,
    keys: |p| vec![Party::name_key(&p.name)]);

impl Party {
    /// The unique value of a name.
    pub fn name_key(name: &Name) -> Key {
        Key::new("party.name", name.as_str().to_lowercase())
    }
}

/// Registers the organisation (once, by the service) or a vendor.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterParty {
    /// Its id; a fresh one where none is given.
    pub party: Option<PartyId>,
    /// What it is to the record.
    pub kind: PartyKind,
    /// Its name.
    pub name: Name,
    /// Its sites, at least one.
    pub sites: Vec<Name>,
}

/// `party.registered`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyRegistered {
    /// What it is to the record.
    pub kind: PartyKind,
    /// Its name.
    pub name: Name,
    /// Its sites.
    pub sites: Vec<Name>,
}

/// Most sites of one party: what an entry holds.
const MOST_SITES: usize = 300;

impl Order for RegisterParty {
    const ROLES: &'static [Role] = &[Role::Administrator, Role::Service];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        if self.kind == PartyKind::Organisation && occasion.actor.role != Role::Service {
            return Err(Refusal::new(
                "parties.one_organisation",
                "A record has one accountable organisation, registered when it was set up; register a vendor.",
            )
            .into());
        }
        if self.sites.is_empty() {
            return Err(Refusal::new("parties.no_site", "Name at least one site of the party.").into());
        }
        if self.sites.len() > MOST_SITES {
            return Err(Refusal::new("parties.sites", format!("Name at most {MOST_SITES} sites.")).into());
        }
        let id = self.party.clone().unwrap_or_else(|| PartyId::from_uuid(occasion.fresh(0)));
        let same_id = known.find::<Party>(&id)?.map(|party| party.id.as_str());
        if let Some(other) = known.owner(&Party::name_key(&self.name))?.or(same_id) {
            let why = format!("“{}” is registered already.", self.name);
            return Err(Refusal::new("parties.exists", why).because(Cause::First(other.to_owned())).into());
        }
        let event = PartyRegistered { kind: self.kind, name: self.name.clone(), sites: self.sites.clone() };
        Ok(vec![Happening::new(event, [Subject::new(SubjectKind::Party, id.as_str())])])
    }
}

impl Fact for PartyRegistered {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        if let Some(id) = about.party() {
            known.put(
                Party { id, kind: self.kind, name: self.name.clone(), sites: self.sites.clone(), mappings: Vec::new(), last_seq: stamp.seq },
                stamp.seq,
            );
        }
    }
    fn sentence(&self) -> String {
        format!("{} registered: {}.", self.name, self.kind.label())
    }
}

/// A party that must exist.
pub fn require<'a>(known: &'a Records, id: &PartyId) -> Result<&'a Party, Stop> {
    known.find::<Party>(id)?.ok_or_else(|| unknown(id).into())
}

/// No party has this id, or not for this person.
pub(super) fn unknown(id: &PartyId) -> Refusal {
    Refusal::new("parties.unknown", format!("No party has the id {id}; register it first."))
}
