//! Overrides: an approver of the organisation lets something go on although a rule stands against it, with a reason and a reference, as an event.

use serde::{Deserialize, Serialize};

use super::consignment::{Consignment, ConsignmentStatus, Override, require, require_status, subject};
use super::names::{ConsignmentId, Reference, Role, codes};
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subjects};

codes! {
    /// Which rule is set aside.
    Guard {
        VendorQualification = "vendor_qualification", "the receiving site is qualified on the day of the release";
    }
}

codes! {
    /// Why.
    OverrideReason {
        RenewalPending = "renewal_pending", "the renewal of the credential is under way";
        AuditedByUs = "audited_by_us", "the organisation has audited the site itself";
        Emergency = "emergency", "the things cannot stay where they are";
        SoleProvider = "sole_provider", "nobody else takes them";
        CourtOrder = "court_order", "a court or an authority has ordered it";
    }
}

/// Lets one consignment go although a rule stands against it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantOverride {
    /// The consignment; no other one goes with it.
    pub consignment: ConsignmentId,
    /// Which rule.
    pub guard: Guard,
    /// Why.
    pub reason: OverrideReason,
    /// The organisation's reference to the decision.
    pub reference: Reference,
}

/// `override.granted`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideGranted {
    /// Which rule.
    pub guard: Guard,
    /// Why.
    pub reason: OverrideReason,
    /// The organisation's reference to the decision.
    pub reference: Reference,
}

impl Order for GrantOverride {
    const ROLES: &'static [Role] = &[Role::Approver];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        require_status(consignment, "given an override", &[ConsignmentStatus::Open, ConsignmentStatus::Sealed])?;
        if !consignment.kind.is_to_vendor() {
            let why = format!("{} goes to no vendor, so no vendor has to be qualified for it; release it.", consignment.reference);
            return Err(Refusal::new("override.not_needed", why).into());
        }
        if let Some(earlier) = consignment.overrides.iter().find(|earlier| earlier.guard == self.guard) {
            let why = format!("{} has this override already; release it.", consignment.reference);
            return Err(Refusal::new("override.granted", why).because(Cause::Entry(earlier.granted.seq)).into());
        }
        let event = OverrideGranted { guard: self.guard, reason: self.reason, reference: self.reference.clone() };
        Ok(vec![Happening::new(event, [subject(&consignment.id)])])
    }
}

impl Fact for OverrideGranted {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        known.change::<Consignment>(&id, stamp.seq, |consignment| {
            let granted = stamp.act();
            consignment.overrides.push(Override { guard: self.guard, reason: self.reason, reference: self.reference.clone(), granted });
        });
    }
    fn sentence(&self) -> String {
        format!("An approver set a rule aside ({}): {} (reference {}).", self.guard.label(), self.reason.label(), self.reference)
    }
}
