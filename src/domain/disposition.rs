//! Disposition: what became of the material. What became of the data is the media's state; “destroyed” is not an outcome.

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Status};
use super::evidence::require_document;
use super::medium::{Act, Medium};
use super::names::{AssetId, Digest, Grade, Method, PartyId, Reference, Role, Sensitivity, WeightBasis, codes};
use super::policy::{Pack, verdict};
use super::reconciliation::require_no_questions;
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects, parties, preparation, require_asset};

codes! {
    /// What became of the material (EPA hierarchy order; `destroyed` is a data event and not in this list).
    Outcome {
        Repaired = "repaired", "repaired and back in service";
        Redeployed = "redeployed", "redeployed";
        Resold = "resold", "sold for reuse";
        Donated = "donated", "given for reuse";
        TradedIn = "traded_in", "traded in";
        ReturnedToLessor = "returned_to_lessor", "returned to the lessor";
        PartsHarvested = "parts_harvested", "parts reused";
        Recycled = "recycled", "recycled";
        EnergyRecovery = "energy_recovery", "burned with energy recovery";
        Incinerated = "incinerated", "burned without energy recovery";
        Landfilled = "landfilled", "landfilled";
        InStorage = "in_storage", "in storage";
        LostOrStolen = "lost_or_stolen", "lost or stolen";
        Unknown = "unknown", "claimed without accepted evidence";
    }
}

codes! {
    /// Where a device goes, as the decision table sees it.
    Destination {
        InternalReuse = "internal_reuse", "reuse inside the organisation";
        ExternalReuse = "external_reuse", "reuse by others";
        MaterialsRecovery = "materials_recovery", "materials recovery";
        Disposal = "disposal", "disposal";
    }
}

impl Outcome {
    /// Where the device goes; `None` where the data need not be judged, or nobody can say.
    pub const fn destination(self) -> Option<Destination> {
        match self {
            Outcome::Resold | Outcome::Donated | Outcome::TradedIn | Outcome::ReturnedToLessor | Outcome::PartsHarvested => {
                Some(Destination::ExternalReuse)
            }
            Outcome::Recycled => Some(Destination::MaterialsRecovery),
            Outcome::EnergyRecovery | Outcome::Incinerated | Outcome::Landfilled => Some(Destination::Disposal),
            Outcome::Repaired | Outcome::Redeployed | Outcome::InStorage | Outcome::LostOrStolen | Outcome::Unknown => None,
        }
    }
}

impl Outcome {
    /// Whether somebody else has the working device next: accounts released, graded, and with a document by which it changed hands (itad §5.2).
    pub const fn changes_hands(self) -> bool {
        matches!(self, Outcome::Resold | Outcome::Donated | Outcome::TradedIn | Outcome::ReturnedToLessor)
    }
}

/// Mass in grams and what the processor states it became.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mass {
    /// Weight of the device.
    pub weight_grams: u32,
    /// Where the weight comes from.
    pub weight_basis: WeightBasis,
    /// Recycled: grams recovered as material.
    pub recovered_grams: Option<u32>,
    /// Recycled: grams burned for energy.
    pub energy_grams: Option<u32>,
    /// Recycled: grams landfilled.
    pub landfill_grams: Option<u32>,
}

/// A recorded outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposition {
    /// What became of the material.
    pub outcome: Outcome,
    /// Its mass.
    pub mass: Mass,
    /// The document by which it changed hands.
    pub title: Option<Reference>,
    /// Who recorded it, for the party that processed it.
    pub recorded: Act,
    /// The processor's grade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<Grade>,
    /// What it brought, in cents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proceeds_cents: Option<u32>,
    /// The processor's list that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Digest>,
}

/// Records what became of a device's material.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordDisposition {
    /// The device.
    pub asset: AssetId,
    /// What became of it.
    pub outcome: Outcome,
    /// Its mass.
    pub mass: Mass,
    /// Sold, given away, traded in or returned to the lessor: the document by which it changed hands.
    pub title: Option<Reference>,
    /// The processor's grade.
    pub grade: Option<Grade>,
    /// What it brought, in cents.
    pub proceeds_cents: Option<u32>,
    /// Who processed it, where the coordinator records it from that party's list.
    pub processor: Option<PartyId>,
    /// The stored list that says so.
    pub file: Option<Digest>,
}

/// `disposition.recorded`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DispositionRecorded {
    /// What became of it.
    pub outcome: Outcome,
    /// Its mass.
    pub mass: Mass,
    /// Who processed it: the party whose person recorded it, or whose list was recorded.
    pub processor: PartyId,
    /// The document by which it changed hands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Reference>,
    /// The processor's grade.
    pub grade: Option<Grade>,
    /// What it brought, in cents.
    pub proceeds_cents: Option<u32>,
    /// The processor's list that says so.
    pub file: Option<Digest>,
}

/// One thing that keeps the data on a device, or on a loose medium, from being declared gone. `medium` is how people tell it from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    /// Something holds it: which, as a sentence.
    Held(String),
    /// Of the consignment that it came with something is open: what, as a sentence.
    Question(String),
    /// It is on its way.
    Receipt(String),
    /// Nobody knows what it stores data on.
    Media(String),
    /// Sanitization failed once: another technique that is at least as strong, or its destruction, helps.
    Retry(String),
    /// Sanitization failed twice, so only its destruction helps.
    Destruction(String),
    /// No sanitization is recorded.
    Sanitization {
        /// Of what.
        medium: String,
        /// The weakest method that is enough.
        least: Method,
    },
    /// What was done to it does not reach far enough.
    Stronger {
        /// Of what.
        medium: String,
        /// The verdict: what was reached, and what would be enough.
        why: String,
        /// The weakest method that is enough.
        least: Method,
    },
    /// No other person has verified what was done.
    Verification(String),
    /// The organisation has not accepted what was done.
    Validation(String),
}

impl Lack {
    /// The sentence that says who must act and how.
    pub fn sentence(&self) -> String {
        match self {
            Lack::Held(why) | Lack::Question(why) | Lack::Stronger { why, .. } => why.clone(),
            Lack::Receipt(tag) => format!("{tag} was released and nobody has received it: the receiver has to record the receipt."),
            Lack::Media(tag) => format!("The media of {tag} are unknown: record them, or attest that it has no storage."),
            Lack::Retry(medium) => {
                format!("{medium}: sanitization failed; record one by another technique that is at least as strong, or its destruction.")
            }
            Lack::Destruction(medium) => format!("{medium}: sanitization failed twice; record its destruction."),
            Lack::Sanitization { medium, least } => {
                format!("{medium}: no sanitization is recorded; {} is the least for this device.", least.label())
            }
            Lack::Verification(medium) => {
                format!("{medium}: nobody has verified the sanitization; a person other than the one who performed it has to.")
            }
            Lack::Validation(medium) => format!("{medium}: the organisation has not validated the sanitization; an approver has to."),
        }
    }

    /// What is missing of one medium whose data are so confidential.
    pub fn of_medium(medium: &Medium, sensitivity: Sensitivity, destination: Destination, policy: &Pack) -> Vec<Self> {
        let (title, least) = (medium.title(), policy.least(sensitivity, destination));
        let Some(done) = &medium.sanitization else {
            let failed = medium.state == super::medium::MediumState::Failed;
            return vec![match (failed, medium.failed.len()) {
                (false, _) => Lack::Sanitization { medium: title, least },
                (true, 0 | 1) => Lack::Retry(title),
                (true, _) => Lack::Destruction(title),
            }];
        };
        let mut lacks = Vec::new();
        if done.method < least && medium.risk_accepted(destination).is_none() {
            let why = verdict::of_done(policy, medium, done, verdict::Least { method: least, sensitivity, destination });
            lacks.push(Lack::Stronger { medium: title.clone(), why, least });
        }
        if done.verified.is_none() {
            lacks.push(Lack::Verification(title));
        } else if done.validated.is_none() {
            lacks.push(Lack::Validation(title));
        }
        lacks
    }
}

/// What keeps the data on a device from being declared gone for this destination.
pub fn lacks(known: &Records, asset: &Asset, destination: Destination, policy: &Pack) -> Result<Vec<Lack>, Stop> {
    let mut lacks: Vec<Lack> = asset.held().map(Lack::Held).into_iter().collect();
    match require_no_questions(known, &asset.handoffs, asset.tag.as_str()) {
        Ok(()) => {}
        Err(Stop::Refused(refusal)) => lacks.push(Lack::Question(refusal.why)),
        Err(needs) => return Err(needs),
    }
    if asset.in_transit {
        lacks.push(Lack::Receipt(asset.tag.to_string()));
    }
    if asset.media.is_empty() && asset.no_storage.is_none() {
        lacks.push(Lack::Media(asset.tag.to_string()));
    }
    for medium in known.find_all::<Medium>(&asset.media)?.into_iter().flatten() {
        lacks.extend(Lack::of_medium(medium, asset.sensitivity, destination, policy));
    }
    Ok(lacks)
}

/// The same: a sentence for each thing that is missing.
pub fn data_missing(known: &Records, asset: &Asset, destination: Destination, policy: &Pack) -> Result<Vec<String>, Stop> {
    Ok(lacks(known, asset, destination, policy)?.iter().map(Lack::sentence).collect())
}

impl Order for RecordDisposition {
    const ROLES: &'static [Role] = &[Role::VendorOperator, Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        occasion.may_touch(asset)?;
        let processor = self.processor(known, asset, occasion)?;
        self.check_mass()?;
        if asset.status == Status::Disposed {
            let cause = Cause::Entry(asset.disposed_by().unwrap_or(asset.last_seq));
            return Err(Refusal::new("disposition.recorded", format!("What became of {} is recorded already.", asset.tag)).because(cause).into());
        }
        asset.require_free("disposition.held")?;
        require_no_questions(known, &asset.handoffs, asset.tag.as_str())?;
        if self.outcome == Outcome::Unknown && occasion.actor.role.is_vendor() {
            return Err(Refusal::new(
                "disposition.organisation_only",
                "That an outcome is without accepted evidence is for the organisation to say.",
            )
            .into());
        }
        if let Some(same) = asset.disposition.as_ref().filter(|disposition| disposition.outcome == self.outcome) {
            let why = format!("{} is recorded as {} already.", asset.tag, self.outcome.label());
            return Err(Refusal::new("disposition.recorded", why).because(Cause::Entry(same.recorded.seq)).into());
        }
        if asset.consignment.is_some() && self.outcome != Outcome::LostOrStolen {
            return Err(Refusal::new(
                "disposition.on_consignment",
                format!("{} is on a consignment; what became of it can be recorded after its receipt.", asset.tag),
            )
            .into());
        }
        let wanted: &[Status] = match self.outcome {
            Outcome::Repaired | Outcome::Redeployed => &[Status::InService, Status::InStock],
            Outcome::LostOrStolen => &[Status::Missing, Status::WrittenOff],
            _ => &[Status::Retired],
        };
        if !wanted.contains(&asset.status) {
            let words: Vec<_> = wanted.iter().map(|status| status.label()).collect();
            return Err(Refusal::new(
                "disposition.wrong_status",
                format!("{} is {}; “{}” fits a device that is {}.", asset.tag, asset.status.label(), self.outcome.label(), words.join(" or ")),
            )
            .into());
        }
        if self.outcome == Outcome::Repaired && asset.repaired.is_none() {
            return Err(Refusal::new("disposition.no_repair", format!("No return of {} from repair is recorded.", asset.tag)).into());
        }
        if self.outcome == Outcome::Redeployed && asset.redeployed.is_none() {
            return Err(Refusal::new("disposition.no_redeployment", format!("No redeployment of {} is recorded.", asset.tag)).into());
        }
        if let Some(destination) = self.outcome.destination() {
            let missing = data_missing(known, asset, destination, occasion.policy)?;
            if !missing.is_empty() {
                let why = format!("{} cannot be recorded as {} yet: {}", asset.tag, self.outcome.label(), missing.join(" "));
                return Err(Refusal::listing("disposition.data_not_gone", why, missing).into());
            }
        }
        let missing =
            preparation::outcome_missing(asset, self.outcome, self.title.as_ref(), self.grade.is_some(), occasion.occurred.utc().date_naive());
        if !missing.is_empty() {
            let why = format!("{} cannot be recorded as {} yet: {}", asset.tag, self.outcome.label(), missing.join(" "));
            return Err(Refusal::listing("disposition.not_prepared", why, missing).into());
        }
        let event = DispositionRecorded {
            outcome: self.outcome,
            mass: self.mass.clone(),
            processor,
            title: self.title.clone(),
            grade: self.grade.clone(),
            proceeds_cents: self.proceeds_cents,
            file: self.file.clone(),
        };
        Ok(vec![Happening::new(event, [Subject::new(SubjectKind::Asset, asset.id.as_str())])])
    }
}

impl RecordDisposition {
    /// Who processed it: the party of the one who says so; or the one that has it, where the coordinator records what that party's list says.
    fn processor(&self, known: &Records, asset: &Asset, occasion: &Occasion) -> Result<PartyId, Stop> {
        require_document(known, self.file.as_ref(), occasion)?;
        let party = self.processor.as_ref().unwrap_or(&occasion.actor.party);
        let own = party == &occasion.actor.party;
        if !own && (occasion.actor.role.is_vendor() || self.file.is_none() || party != &asset.holder.party) {
            return Err(Refusal::new(
                "disposition.processor",
                format!(
                    "You speak for your own party; leave processor out. For the party that has {} the coordinator records what that party's stored \
                     list says: name the list (file).",
                    asset.tag
                ),
            )
            .into());
        }
        Ok(parties::require(known, party)?.id.clone())
    }

    fn check_mass(&self) -> Result<(), Refusal> {
        let mass = &self.mass;
        if mass.weight_grams == 0 || mass.weight_grams > 2_000_000 {
            return Err(Refusal::new("disposition.weight", "State the weight of the device, between 1 gram and 2 tonnes, and where it comes from."));
        }
        let parts = [mass.recovered_grams, mass.energy_grams, mass.landfill_grams];
        if self.outcome == Outcome::Recycled {
            if parts.iter().any(Option::is_none) {
                return Err(Refusal::new(
                    "disposition.mass_balance",
                    "For recycling state what the processor made of it: grams recovered, burned for energy and landfilled (0 where none).",
                ));
            }
            let sum: u64 = parts.iter().flatten().map(|grams| u64::from(*grams)).sum();
            if sum > u64::from(mass.weight_grams) {
                return Err(Refusal::new(
                    "disposition.mass_balance",
                    format!("The parts add up to {sum} g, more than the device's {} g.", mass.weight_grams),
                ));
            }
        } else if parts.iter().any(Option::is_some) {
            return Err(Refusal::new("disposition.mass_balance", "Grams recovered, burned and landfilled are stated for recycling only."));
        }
        Ok(())
    }
}

impl Fact for DispositionRecorded {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        known.change::<Asset>(&id, stamp.seq, |asset| {
            asset.assignment = None;
            asset.disposition = Some(Disposition {
                outcome: self.outcome,
                mass: self.mass.clone(),
                title: self.title.clone(),
                recorded: Act { party: self.processor.clone(), ..stamp.act() },
                grade: self.grade.clone(),
                proceeds_cents: self.proceeds_cents,
                file: self.file.clone(),
            });
            if self.outcome.destination().is_some() || self.outcome == Outcome::Unknown {
                asset.status = Status::Disposed;
            }
        });
    }
    fn sentence(&self) -> String {
        let mut sentence = format!("Disposition: {}, {} g ({})", self.outcome.label(), self.mass.weight_grams, self.mass.weight_basis.label());
        if let Some(grade) = &self.grade {
            sentence.push_str(&format!(", grade {grade}"));
        }
        if let Some(cents) = self.proceeds_cents {
            sentence.push_str(&format!(", proceeds {}.{:02}", cents / 100, cents % 100));
        }
        if let Some(file) = &self.file {
            sentence.push_str(&format!("; from the processor's list sha256 {file}"));
        }
        format!("{sentence}.")
    }
}

/// The least method among the media of a device; [`Method::None`] where it has none.
pub fn least_reached<'a>(media: impl IntoIterator<Item = &'a Medium>) -> Method {
    media.into_iter().map(|medium| medium.sanitization.as_ref().map_or(Method::None, |s| s.method)).min().unwrap_or(Method::None)
}
