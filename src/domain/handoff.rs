//! Handoffs: the release, the first of two signed acts; the other is the [receipt](super::receipt).

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Handoff, Holder};
use super::consignment::{Consignment, ConsignmentStatus, asset_subject, require, require_sender, require_status, subject};
use super::names::{ConsignmentId, Name, Role};
use super::records::{Records, Stop};
use super::{Fact, Happening, Occasion, Order, Stamp, Subjects};

/// Hands a sealed consignment over: the first of the two signed acts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseConsignment {
    /// The consignment.
    pub consignment: ConsignmentId,
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
}

impl Order for ReleaseConsignment {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        require_sender(consignment, occasion)?;
        require_status(consignment, "released", &[ConsignmentStatus::Sealed])?;
        let lines = known.lines_of(&consignment.id)?;
        known.find_all::<Asset>(lines.iter().filter_map(|line| line.asset()))?;
        let event = ConsignmentReleased { from: consignment.from.clone(), to: consignment.to.clone(), carrier: consignment.carrier.clone() };
        let many: Vec<_> = lines.iter().filter_map(|line| line.asset()).map(asset_subject).collect();
        if many.is_empty() {
            return Ok(vec![Happening::new(event, [subject(&consignment.id)])]);
        }
        Ok(Happening::about_many(event, subject(&consignment.id), many, occasion.fresh(0)))
    }
}

impl Fact for ConsignmentReleased {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        for asset in about.assets() {
            known.change::<Asset>(&asset, stamp.seq, |asset| {
                asset.in_transit = true;
                asset.handoffs.push(Handoff {
                    consignment: id.clone(),
                    from: self.from.clone(),
                    to: self.to.clone(),
                    released: (stamp.seq, stamp.occurred),
                    received: None,
                    unconfirmed: None,
                });
            });
        }
        known.change::<Consignment>(&id, stamp.seq, |consignment| {
            consignment.status = ConsignmentStatus::Released;
            consignment.released.get_or_insert_with(|| stamp.act());
        });
    }
    fn sentence(&self) -> String {
        format!("Released from {} to {}.", self.from.site, self.to.site)
    }
}
