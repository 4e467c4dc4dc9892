//! Parties: the accountable organisation, its vendors and carriers, with their sites and what qualifies them ([`vendors`](super::vendors)).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::adoption::Adoption;
use super::equipment::Machine;
use super::mappings::Mapping;
use super::names::{Digest, Name, PartyId, PersonId, Role, codes};
use super::own_keys::{OwnKey, OwnKeyId};
use super::records::{Key, Records, Stop, record};
use super::refusal::{Cause, Refusal};
use super::vendors::{Agreement, Contract, Credential, Downstream, Training};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects};

codes! {
    /// What a party is to the record.
    PartyKind {
        Organisation = "organisation", "the accountable organisation";
        Vendor = "vendor", "vendor";
        Carrier = "carrier", "carrier";
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
    /// What its sites are certified for; suspended and expired ones too.
    pub credentials: Vec<Credential>,
    /// Its contracts with the organisation.
    pub contracts: Vec<Contract>,
    /// Who may sign for it; empty means that nobody was named, and all its people may.
    pub signers: Vec<PersonId>,
    /// Whom it trained on which tool.
    pub trainings: Vec<Training>,
    /// The vendors that it may hand devices on to.
    pub downstream: Vec<Downstream>,
    /// Who of its people agreed to sign electronically, each to the words that they agreed to last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agreements: Vec<Agreement>,
    /// The policy that it has adopted: the accountable organisation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adoption: Option<Adoption>,
    /// The machines that it sanitizes with; those out of service too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub machines: Vec<Machine>,
    /// Keys that its people sign with themselves.
    pub keys: Vec<OwnKey>,
    /// The entry that changed it last.
    pub last_seq: u64,
}

record!(Party, id: PartyId = |p| p.id.clone(), owner: |p| p.id.as_str().to_owned(), shelf: parties, need: Party,
    keys: |p| {
    let adopting = p.adoption.iter().map(|_| Party::adopting_key());
    let machines = p.machines.iter().map(|machine| Party::machine_key(&machine.id));
    let keys = p.keys.iter().map(|own| Party::own_key(&own.key));
    std::iter::once(Party::name_key(&p.name)).chain(adopting).chain(machines).chain(keys).collect()
});

impl Party {
    /// The unique value of a name.
    pub fn name_key(name: &Name) -> Key {
        Key::new("party.name", name.as_str().to_lowercase())
    }
    /// The unique value of a key of its own: whoever signs is known by the key.
    pub fn own_key(key: &OwnKeyId) -> Key {
        Key::new("party.own_key", key.as_str())
    }
    /// Its sites, as a sentence lists them.
    pub(super) fn sites_in_words(&self) -> String {
        self.sites.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")
    }
    /// The contract that binds it to confidentiality on this day.
    pub fn confidential_on(&self, day: NaiveDate) -> Option<&Contract> {
        self.contracts.iter().find(|contract| contract.confidentiality && contract.is_in_force(day))
    }
    /// Whether this person may sign for it: one of those named, or anyone of its people where nobody was.
    pub fn may_sign(&self, person: &PersonId) -> bool {
        self.signers.is_empty() || self.signers.contains(person)
    }
    /// Whether this person has agreed to sign electronically, to these words.
    pub fn has_agreed(&self, person: &PersonId, document: &Digest) -> bool {
        self.agreements.iter().any(|agreement| &agreement.person == person && &agreement.document == document)
    }
    /// Whether it may hand devices on to this party.
    pub fn may_hand_on_to(&self, party: &PartyId) -> bool {
        self.downstream.iter().any(|approved| &approved.party == party)
    }
    /// Whether this person is trained on this tool on this day.
    pub fn is_trained(&self, person: &PersonId, tool: &Name, day: NaiveDate) -> bool {
        let same = |tool: &Name, other: &Name| tool.as_str().eq_ignore_ascii_case(other.as_str());
        self.trainings.iter().any(|training| &training.person == person && same(&training.tool, tool) && training.is_valid(day))
    }
}

/// Registers the organisation (once, by the service), a vendor or a carrier.
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
            let party = Party {
                id,
                kind: self.kind,
                name: self.name.clone(),
                sites: self.sites.clone(),
                mappings: Vec::new(),
                credentials: Vec::new(),
                contracts: Vec::new(),
                signers: Vec::new(),
                trainings: Vec::new(),
                downstream: Vec::new(),
                agreements: Vec::new(),
                adoption: None,
                machines: Vec::new(),
                keys: Vec::new(),
                last_seq: stamp.seq,
            };
            known.put(party, stamp.seq);
        }
    }
    fn sentence(&self) -> String {
        format!("{} registered: {}.", self.name, self.kind.label())
    }
}

/// Adds a site to a party: a school that opens, a vendor's new plant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddSite {
    /// The party.
    pub party: PartyId,
    /// The site's name.
    pub site: Name,
}

/// `party.site_added`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteAdded {
    /// The site's name.
    pub site: Name,
}

impl Order for AddSite {
    const ROLES: &'static [Role] = &[Role::Administrator];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let party = require(known, &self.party)?;
        if party.sites.contains(&self.site) {
            let why = format!("{} has the site “{}” already.", party.name, self.site);
            return Err(Refusal::new("parties.site_exists", why).because(Cause::Entry(party.last_seq)).into());
        }
        if party.sites.len() >= MOST_SITES {
            return Err(Refusal::new("parties.sites", format!("{} has {MOST_SITES} sites already; use one of them.", party.name)).into());
        }
        Ok(vec![Happening::new(SiteAdded { site: self.site.clone() }, [subject(&party.id)])])
    }
}

impl Fact for SiteAdded {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        if let Some(id) = about.party() {
            known.change::<Party>(&id, stamp.seq, |party| party.sites.push(self.site.clone()));
        }
    }
    fn sentence(&self) -> String {
        format!("Site added: {}.", self.site)
    }
}

pub(super) fn subject(id: &PartyId) -> Subject {
    Subject::new(SubjectKind::Party, id.as_str())
}

/// A party that must exist.
pub fn require<'a>(known: &'a Records, id: &PartyId) -> Result<&'a Party, Stop> {
    known.find::<Party>(id)?.ok_or_else(|| unknown(id).into())
}

/// No party has this id, or not for this person.
pub(super) fn unknown(id: &PartyId) -> Refusal {
    Refusal::new("parties.unknown", format!("No party has the id {id}; register it first."))
}
