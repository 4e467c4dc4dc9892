//! Adoption: an approver says by which policy the organisation judges. A pack that ships with the program is a starter and nobody's policy before that.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::medium::Act;
use super::names::{Reference, Role};
use super::parties::{self, Party};
use super::policy::{Pack, PackRef};
use super::records::{Key, Records, Stop};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects};

/// The policy that the organisation adopted last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adoption {
    /// Which pack.
    pub policy: PackRef,
    /// The organisation's reference to the decision.
    pub reference: Reference,
    /// The day of the decision.
    pub decided_on: NaiveDate,
    /// By whom it was recorded and when.
    pub adopted: Act,
}

/// Adopts the policy in force. Its name, version and digest are given, so that nobody adopts what they have not read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdoptPolicy {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its text.
    pub sha256: super::names::Digest,
    /// The organisation's reference to the decision: a resolution of the board, a signed paper.
    pub reference: Reference,
    /// The day of the decision.
    pub decided_on: NaiveDate,
}

/// `policy.adopted`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyAdopted {
    /// Which pack.
    pub policy: PackRef,
    /// The organisation's reference to the decision.
    pub reference: Reference,
    /// The day of the decision.
    pub decided_on: NaiveDate,
}

impl Party {
    /// The unique value of the party that has adopted a policy: there is one organisation.
    pub(super) fn adopting_key() -> Key {
        Key::new("policy.adopted_by", "organisation")
    }
}

impl Order for AdoptPolicy {
    const ROLES: &'static [Role] = &[Role::Approver];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let organisation = parties::require(known, &occasion.actor.party)?;
        let policy = occasion.policy.reference();
        if (&self.name, &self.version, &self.sha256) != (&policy.name, &policy.version, &policy.sha256) {
            let why = format!(
                "The policy in force is {} version {}, SHA-256 {}: read that one (`quittance policy print`) and adopt it, or put the other one in force first.",
                policy.name, policy.version, policy.sha256
            );
            return Err(Refusal::new("policy.other_pack", why).into());
        }
        if self.decided_on > occasion.occurred.utc().date_naive() {
            let why = format!("The decision of {} is still to come; adopt the policy once it is made.", self.decided_on);
            return Err(Refusal::new("policy.decided_later", why).into());
        }
        if let Some(adoption) = organisation.adoption.as_ref().filter(|adoption| adoption.policy == policy) {
            let why = format!("{} version {} is adopted already (reference {}).", policy.name, policy.version, adoption.reference);
            return Err(Refusal::new("policy.adopted", why).because(Cause::Entry(adoption.adopted.seq)).into());
        }
        let event = PolicyAdopted { policy, reference: self.reference.clone(), decided_on: self.decided_on };
        Ok(vec![Happening::new(event, [Subject::new(SubjectKind::Party, organisation.id.as_str())])])
    }
}

impl Fact for PolicyAdopted {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.party() else { return };
        known.change::<Party>(&id, stamp.seq, |party| {
            party.adoption =
                Some(Adoption { policy: self.policy.clone(), reference: self.reference.clone(), decided_on: self.decided_on, adopted: stamp.act() });
        });
    }
    fn sentence(&self) -> String {
        format!(
            "The organisation adopted the policy {} version {} (decided on {}, reference {}; sha256 {}).",
            self.policy.name, self.policy.version, self.decided_on, self.reference, self.policy.sha256
        )
    }
}

/// The organisation's adoption of this very pack.
pub fn of<'a>(known: &'a Records, policy: &Pack) -> Result<Option<&'a Adoption>, Stop> {
    Ok(last(known)?.filter(|adoption| adoption.policy == policy.reference()))
}

fn last(known: &Records) -> Result<Option<&Adoption>, Stop> {
    let Some(id) = known.owner(&Party::adopting_key())? else { return Ok(None) };
    let id = super::names::PartyId::parse(id)?;
    Ok(known.find::<Party>(&id)?.and_then(|party| party.adoption.as_ref()))
}

/// Who has to do what before anything is certified; `None` where the pack in force is adopted.
pub fn missing(known: &Records, policy: &Pack) -> Result<Option<String>, Stop> {
    if of(known, policy)?.is_some() {
        return Ok(None);
    }
    let instead = last(known)?.map_or_else(String::new, |adoption| format!(", but version {} of {}", adoption.policy.version, adoption.policy.name));
    Ok(Some(format!(
        "The organisation has not adopted the policy in force, {} version {}{instead}: an approver has to read it (`quittance policy print`) and adopt it \
         (`quittance policy adopt`, or the command adopt_policy) with the reference of the decision.",
        policy.name, policy.version
    )))
}
