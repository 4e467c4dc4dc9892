//! Residual risk: an approver lets a weaker method than the policy asks for stand, over one medium or many, with one rationale and one reference
//! (rule P-6; NIST SP 800-88r2, validation). What was reached keeps its name: what was cleared stays cleared.

use serde::{Deserialize, Serialize};

use super::disposition::Destination;
use super::medium::{self, Act, Medium};
use super::names::{MediumId, Method, Reference, Role, Sensitivity, Technique, codes};
use super::policy::ModelOf;
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects};

codes! {
    /// Why the risk is small enough.
    Rationale {
        AlwaysEncrypted = "always_encrypted", "the storage is always encrypted, though not every condition of cryptographic erase is shown";
        LittleOnDevice = "little_on_device", "what people did was kept in their accounts and little of it on the device";
        NoStrongerTechnique = "no_stronger_technique", "no stronger technique works on it, and its reuse outweighs the risk";
        OtherControls = "other_controls", "other controls protect what may be left: a contract, supervised custody, a known recipient";
    }
}

/// What an approver has accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResidualRisk {
    /// Of this technique.
    pub technique: Technique,
    /// Where it goes to.
    pub destination: Destination,
    /// Why.
    pub rationale: Rationale,
    /// The organisation's reference to the decision.
    pub reference: Reference,
    /// By whom and when.
    pub accepted: Act,
}

/// Accepts the risk that is left on these media.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptResidualRisk {
    /// The media: those of a model, or any selection.
    pub media: Vec<MediumId>,
    /// Of this technique, done or still to be done.
    pub technique: Technique,
    /// Where they go to; for another destination it is decided anew.
    pub destination: Destination,
    /// Why.
    pub rationale: Rationale,
    /// The organisation's reference to the decision, which says more.
    pub reference: Reference,
}

/// `media.residual_risk_accepted`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResidualRiskAccepted {
    /// Of this technique.
    pub technique: Technique,
    /// Where they go to.
    pub destination: Destination,
    /// Why.
    pub rationale: Rationale,
    /// The organisation's reference to the decision.
    pub reference: Reference,
}

impl ResidualRisk {
    /// As a certificate says it.
    pub fn words(&self) -> String {
        format!(
            "an approver accepted the residual risk of “{}” for {}: {} (reference {}, entry {})",
            self.technique.label(),
            self.destination.label(),
            self.rationale.label(),
            self.reference,
            self.accepted.seq
        )
    }
}

impl Medium {
    /// What an approver accepted for how it was sanitized, where it goes.
    pub fn risk_accepted(&self, destination: Destination) -> Option<&ResidualRisk> {
        let technique = self.sanitization.as_ref()?.technique;
        self.residual_risk.iter().find(|risk| risk.technique == technique && risk.destination == destination)
    }
}

/// Most media of one decision: what one entry holds.
const MOST: usize = super::SUBJECTS_PER_ENTRY;

impl Order for AcceptResidualRisk {
    const ROLES: &'static [Role] = &[Role::Approver];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        if self.media.is_empty() || self.media.len() > MOST {
            let why = format!("Name between 1 and {MOST} media that the decision is about; give it again for the others.");
            return Err(Refusal::new("residual_risk.media", why).into());
        }
        known.find_all::<Medium>(&self.media)?;
        for id in &self.media {
            self.check(known, medium::require(known, id)?, occasion)?;
        }
        let event = ResidualRiskAccepted {
            technique: self.technique,
            destination: self.destination,
            rationale: self.rationale,
            reference: self.reference.clone(),
        };
        let about = self.media.iter().map(|id| Subject::new(SubjectKind::Medium, id.as_str()));
        Ok(vec![Happening::new(event, about)])
    }
}

impl AcceptResidualRisk {
    fn check(&self, known: &Records, medium: &Medium, occasion: &Occasion) -> Result<(), Stop> {
        medium.require_real()?;
        let host = medium.host_of(known)?;
        let title = medium.title();
        if let Some(earlier) = medium.residual_risk.iter().find(|risk| risk.technique == self.technique && risk.destination == self.destination) {
            let why = format!("For {title} the residual risk is accepted already; take it off the list.");
            return Err(Refusal::new("residual_risk.accepted", why).because(Cause::Entry(earlier.accepted.seq)).into());
        }
        let sensitivity = host.map(|host| host.sensitivity).or(medium.sensitivity).unwrap_or(Sensitivity::Unknown);
        let least = occasion.policy.least(sensitivity, self.destination);
        let reached = match &medium.sanitization {
            Some(done) if done.technique != self.technique => {
                let why = format!("{title} was sanitized by “{}”, not by “{}”: name that one.", done.technique.label(), self.technique.label());
                return Err(Refusal::new("residual_risk.other_technique", why).into());
            }
            Some(done) if done.performed.by == occasion.actor.person => {
                let why = format!("You sanitized {title}; another person has to accept what is left of the risk.");
                return Err(Refusal::new("sanitization.same_person", why).into());
            }
            Some(done) => done.method,
            None => {
                let model = host.map(ModelOf::of);
                occasion.policy.at_most(medium.media_type, self.technique, model)
            }
        };
        if reached == Method::None {
            let why = format!(
                "“{}” does nothing to {title} by the policy {} version {}, and nobody can accept that: it has to be sanitized by another technique, or \
                 destroyed.",
                self.technique.label(),
                occasion.policy.name,
                occasion.policy.version
            );
            return Err(Refusal::new("residual_risk.nothing_reached", why).into());
        }
        if reached >= least {
            let why = format!(
                "“{}” is enough for {title}: {} is the least for {} data and {}; no risk has to be accepted for it.",
                self.technique.label(),
                least.label(),
                sensitivity.label(),
                self.destination.label()
            );
            return Err(Refusal::new("residual_risk.not_needed", why).into());
        }
        Ok(())
    }
}

impl Fact for ResidualRiskAccepted {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        for id in about.media() {
            medium::change(known, &id, stamp.seq, |medium| {
                medium.residual_risk.push(ResidualRisk {
                    technique: self.technique,
                    destination: self.destination,
                    rationale: self.rationale,
                    reference: self.reference.clone(),
                    accepted: stamp.act(),
                });
            });
        }
    }
    fn sentence(&self) -> String {
        format!(
            "An approver accepted the residual risk of “{}” for {}: {} (reference {}).",
            self.technique.label(),
            self.destination.label(),
            self.rationale.label(),
            self.reference
        )
    }
}
