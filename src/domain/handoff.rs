//! Handoffs: the release, the first of two signed acts; the other is the [receipt](super::receipt).

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Handoff, Holder};
use super::consignment::{
    Consignment, ConsignmentKind, ConsignmentStatus, Line, RECEIPT_DAYS, RECEIPT_DAYS_SENSITIVE, require, require_sender, require_status, subject,
};
use super::loading::not_downstream;
use super::medium::Medium;
use super::names::{ConsignmentId, Digest, Name, Reference, Role, Sensitivity};
use super::overrides::Guard;
use super::parties::Party;
use super::records::{Records, Stop};
use super::refusal::Refusal;
use super::sealing::travellers;
use super::vendors::{self, QualifiedBy};
use super::{Fact, Happening, Occasion, Order, Stamp, Subjects, parties};

/// Hands a sealed consignment over: the first of the two signed acts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseConsignment {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// The carrier's reference to the driver or the tour; never a name.
    pub driver: Option<Reference>,
}

/// `consignment.released`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsignmentReleased {
    /// Who released.
    pub from: Holder,
    /// Who is to receive.
    pub to: Holder,
    /// The carrier.
    pub carrier: Option<Name>,
    /// The carrier's reference to the driver or the tour.
    pub driver: Option<Reference>,
    /// SHA-256 of the manifest that went with it.
    pub manifest: Option<Digest>,
    /// Whether data may be on something of it.
    #[serde(default)]
    pub may_hold_data: bool,
    /// The credentials that the receiving site had on that day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub qualified_by: Vec<QualifiedBy>,
    /// Where it had none that counts: the entry in which an approver let it go.
    pub overridden: Option<u64>,
    /// Business days until its receipt is due.
    pub receipt_days: Option<i64>,
}

/// Whether data may be on a device or a loose medium of these.
fn may_hold_data(known: &Records, lines: &[&Line]) -> Result<bool, Stop> {
    let assets = known.find_all::<Asset>(lines.iter().filter_map(|line| line.asset()))?;
    let media = known.find_all::<Medium>(lines.iter().filter_map(|line| line.medium()))?;
    Ok(assets.into_iter().flatten().any(Asset::may_hold_data) || media.into_iter().flatten().any(Medium::may_hold_data))
}

/// Business days until somebody must have acknowledged these: fewer where one of them is highly sensitive, or nobody knows how much (E-05).
fn receipt_days(known: &Records, lines: &[&Line]) -> Result<i64, Stop> {
    let sensitive = |sensitivity: &Sensitivity| matches!(sensitivity, Sensitivity::High | Sensitivity::Unknown);
    let assets = known.find_all::<Asset>(lines.iter().filter_map(|line| line.asset()))?;
    let media = known.find_all::<Medium>(lines.iter().filter_map(|line| line.medium()))?;
    let any = assets.into_iter().flatten().any(|asset| sensitive(&asset.sensitivity))
        || media.into_iter().flatten().any(|medium| medium.sensitivity.as_ref().is_none_or(sensitive));
    Ok(if any { RECEIPT_DAYS_SENSITIVE } else { RECEIPT_DAYS })
}

impl ReleaseConsignment {
    /// What the receiving vendor has to show on the day of the release: its credentials, or the entry that lets it go without.
    fn qualification(
        &self,
        known: &Records,
        consignment: &Consignment,
        from: &Party,
        may_hold_data: bool,
        occasion: &Occasion,
    ) -> Result<(Vec<QualifiedBy>, Option<u64>), Stop> {
        if !consignment.kind.is_to_vendor() {
            return Ok((Vec::new(), None));
        }
        if consignment.kind == ConsignmentKind::Downstream && !from.may_hand_on_to(&consignment.to.party) {
            return Err(not_downstream(from, &consignment.to.party).into());
        }
        let to = parties::require(known, &consignment.to.party)?;
        let day = occasion.occurred.utc().date_naive();
        let missing = vendors::missing(to, &consignment.to.site, may_hold_data, day);
        if missing.is_empty() {
            let counting = vendors::counting(to, &consignment.to.site, may_hold_data, day);
            return Ok((counting.into_iter().take(MOST_CREDENTIALS).collect(), None));
        }
        let granted = consignment.overrides.iter().find(|granted| granted.guard == Guard::VendorQualification);
        if let Some(granted) = granted {
            return Ok((Vec::new(), Some(granted.granted.seq)));
        }
        let why = format!(
            "{}, {}, is not qualified for {} on {day}: {} An administrator or approver records what is missing, or an approver grants an override for this consignment.",
            to.name,
            consignment.to.site,
            consignment.reference,
            missing.join(" ")
        );
        Err(Refusal::listing("vendors.not_qualified", why, missing).into())
    }
}

/// Most credentials that an entry of a release names.
const MOST_CREDENTIALS: usize = 10;

impl Order for ReleaseConsignment {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        require_sender(consignment, occasion)?;
        require_status(consignment, "released", &[ConsignmentStatus::Sealed])?;
        if let Some(sealed) = &consignment.sealed {
            occasion.not_before(sealed.occurred, "the sealing")?;
        }
        let from = parties::require(known, &consignment.from.party)?;
        if !from.may_sign(&occasion.actor.person) {
            let why = format!("You are not among those who may sign for {}; one of them has to release it.", from.name);
            return Err(Refusal::new("parties.may_not_sign", why).into());
        }
        let lines = known.lines_of(&consignment.id)?;
        let many = travellers(known, &lines)?;
        let held: Vec<String> = known
            .find_all::<Asset>(lines.iter().filter_map(|line| line.asset()))?
            .into_iter()
            .flatten()
            .filter_map(|asset| asset.require_free("consignment.held").err())
            .map(|refusal| refusal.why)
            .collect();
        if !held.is_empty() {
            let why = format!("{} lists {} devices that are held since they were put on it.", consignment.reference, held.len());
            return Err(Refusal::listing("consignment.held", why, held).into());
        }
        let may_hold_data = may_hold_data(known, &lines)?;
        let (qualified_by, overridden) = self.qualification(known, consignment, from, may_hold_data, occasion)?;
        let event = ConsignmentReleased {
            from: consignment.from.clone(),
            to: consignment.to.clone(),
            carrier: consignment.carrier.clone(),
            driver: self.driver.clone(),
            manifest: consignment.manifest.clone(),
            may_hold_data,
            qualified_by,
            overridden,
            receipt_days: Some(receipt_days(known, &lines)?),
        };
        Ok(Happening::about_consignment(event, subject(&consignment.id), many, occasion.fresh(0)))
    }
}

impl Fact for ConsignmentReleased {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        let handoff = Handoff {
            consignment: id.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            released: (stamp.seq, stamp.occurred),
            received: None,
            reconciled: None,
            unconfirmed: None,
        };
        for asset in about.assets() {
            known.change::<Asset>(&asset, stamp.seq, |asset| {
                asset.in_transit = true;
                asset.handoffs.push(handoff.clone());
            });
        }
        for medium in about.media() {
            known.change::<Medium>(&medium, stamp.seq, |medium| {
                medium.in_transit = true;
                medium.handoffs.push(handoff.clone());
            });
        }
        known.change::<Consignment>(&id, stamp.seq, |consignment| {
            consignment.status = ConsignmentStatus::Released;
            consignment.driver.clone_from(&self.driver);
            consignment.may_hold_data = self.may_hold_data;
            consignment.receipt_days = self.receipt_days;
            consignment.released.get_or_insert_with(|| stamp.act());
        });
    }
    fn sentence(&self) -> String {
        let by = self.overridden.map(|seq| format!(" The receiving site was not qualified; entry {seq} let it go.")).unwrap_or_default();
        format!("Released from {} to {}.{by}", self.from.site, self.to.site)
    }
}
