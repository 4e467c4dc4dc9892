//! Reconciliation: what differs between what was listed and what arrived, and how a named approver resolves it.

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Holder, Status};
use super::consignment::{
    Consignment, ConsignmentStatus, Discrepancy, DiscrepancyKind, Line, LineId, LineState, Resolution, Scan, asset_subject, require, subject,
};
use super::handoff::{arrive, count};
use super::holds::{Hold, HoldKind};
use super::medium::{self, Medium};
use super::missing::{Loss, Missing};
use super::names::{DiscrepancyId, Reference, Role, Serial};
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects, require_asset};

/// `discrepancy.recorded`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscrepancyRecorded {
    /// What differs.
    pub kind: DiscrepancyKind,
    /// The scan as captured.
    pub scan: Option<Scan>,
    /// Who has the thing; nobody knows who has a short one.
    pub to: Option<Holder>,
    /// Whether data may be on it.
    pub critical: bool,
}

/// `consignment.reconciled`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsignmentReconciled {
    /// Lines listed.
    pub listed: u32,
    /// Discrepancies found on the way, all resolved.
    pub discrepancies: u32,
}

impl Fact for DiscrepancyRecorded {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let (Some(id), Some(consignment)) = (about.discrepancy(), about.consignment()) else { return };
        let asset = about.asset();
        if let Some(asset) = &asset {
            let state = match self.kind {
                DiscrepancyKind::Short => Some(LineState::Short),
                DiscrepancyKind::Mismatch => Some(LineState::Mismatch),
                DiscrepancyKind::Incomplete => None,
                DiscrepancyKind::Over | DiscrepancyKind::Seal | DiscrepancyKind::Weight | DiscrepancyKind::Count => None,
            };
            if let Some(state) = state {
                known.change::<Line>(&LineId::new(&consignment, asset), stamp.seq, |line| line.state = state);
            }
            known.change::<Asset>(asset, stamp.seq, |asset| {
                asset.holds.push(Hold {
                    kind: HoldKind::Discrepancy,
                    entry: stamp.seq,
                    placed: stamp.occurred,
                    reason: None,
                    reference: None,
                    discrepancy: Some(id.clone()),
                    container: None,
                });
                if let (DiscrepancyKind::Mismatch, Some(to)) = (self.kind, &self.to) {
                    arrive(asset, to, stamp);
                }
            });
        }
        known.put(
            Discrepancy {
                id: id.clone(),
                consignment: consignment.clone(),
                kind: self.kind,
                asset,
                scan: self.scan.clone(),
                critical: self.critical,
                resolution: None,
                resolved: None,
                last_seq: stamp.seq,
            },
            stamp.seq,
        );
        known.change::<Consignment>(&consignment, stamp.seq, |consignment| {
            consignment.open_discrepancies.push(id.clone());
            consignment.discrepancies.push(id);
        });
    }
    fn sentence(&self) -> String {
        match &self.scan {
            Some(scan) => format!("Discrepancy, {}. Scanned: {}.", self.kind.label(), scan.words()),
            None => format!("Discrepancy, {}.", self.kind.label()),
        }
    }
}

impl Fact for ConsignmentReconciled {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        if let Some(id) = about.consignment() {
            known.change::<Consignment>(&id, stamp.seq, |consignment| consignment.status = ConsignmentStatus::Reconciled);
        }
    }
    fn sentence(&self) -> String {
        format!("Reconciled: {} lines, {} discrepancies, all resolved.", self.listed, self.discrepancies)
    }
}

/// An approver of the organisation decides what a discrepancy comes to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolveDiscrepancy {
    /// The discrepancy.
    pub discrepancy: DiscrepancyId,
    /// How it is resolved.
    pub resolution: Resolution,
    /// The organisation's reference to what was found out.
    pub reference: Reference,
}

/// `discrepancy.resolved`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscrepancyResolved {
    /// What differed.
    pub kind: DiscrepancyKind,
    /// How it is resolved.
    pub resolution: Resolution,
    /// The organisation's reference.
    pub reference: Reference,
    /// Who has the device from now on, where that changes.
    pub holder: Option<Holder>,
    /// The serial number it has from now on, where that changes.
    pub serial: Option<Serial>,
}

impl Order for ResolveDiscrepancy {
    const ROLES: &'static [Role] = &[Role::Approver];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let Some(discrepancy) = known.find::<Discrepancy>(&self.discrepancy)? else {
            return Err(Refusal::new("consignment.unknown_discrepancy", format!("No discrepancy has the id {}.", self.discrepancy)).into());
        };
        if let Some(resolution) = discrepancy.resolution {
            let cause = Cause::Entry(discrepancy.resolved.as_ref().map_or(discrepancy.last_seq, |act| act.seq));
            let why = format!("This discrepancy is resolved already: {}.", resolution.label());
            return Err(Refusal::new("consignment.resolved", why).because(cause).into());
        }
        let allowed: &[Resolution] = match discrepancy.kind {
            DiscrepancyKind::Short => &[Resolution::LocatedAtReceiver, Resolution::NeverLeft, Resolution::ConfirmedMissing],
            DiscrepancyKind::Over => &[Resolution::ScanError, Resolution::ReturnedToSender, Resolution::KeptByReceiver],
            DiscrepancyKind::Mismatch => &[Resolution::ScanError, Resolution::SerialCorrected],
            DiscrepancyKind::Incomplete => &[Resolution::ScanError, Resolution::ConfirmedMissing],
            DiscrepancyKind::Seal | DiscrepancyKind::Weight | DiscrepancyKind::Count => &[Resolution::ScanError],
        };
        if !allowed.contains(&self.resolution) {
            let words: Vec<_> = allowed.iter().map(|resolution| resolution.as_str()).collect();
            return Err(Refusal::new(
                "consignment.resolution",
                format!("A {} is resolved by one of: {}.", discrepancy.kind.as_str(), words.join(", ")),
            )
            .into());
        }
        if discrepancy.asset.is_some() && self.resolution == Resolution::KeptByReceiver {
            return Err(Refusal::new(
                "consignment.resolution",
                "This device is registered: nobody released it to the receiver. It goes back (returned_to_sender), and leaves on a consignment that lists it.",
            )
            .into());
        }
        let consignment = require(known, &discrepancy.consignment, occasion)?;
        let mut about = vec![Subject::new(SubjectKind::Discrepancy, discrepancy.id.as_str()), subject(&consignment.id)];
        let mut holder = None;
        let mut serial = None;
        if let Some(id) = &discrepancy.asset {
            let asset = require_asset(known, id)?;
            known.find_all::<Medium>(&asset.media)?;
            known.find::<Line>(&LineId::new(&consignment.id, id))?;
            about.push(asset_subject(id));
            match self.resolution {
                Resolution::LocatedAtReceiver => holder = Some(consignment.to.clone()),
                Resolution::NeverLeft => holder = Some(consignment.from.clone()),
                Resolution::SerialCorrected => {
                    let Some(scanned) = discrepancy.scan.as_ref().and_then(|scan| scan.serial.clone()) else {
                        return Err(Refusal::new(
                            "consignment.no_serial",
                            "The receiver scanned no serial number, so none can be corrected; resolve it as scan_error.",
                        )
                        .into());
                    };
                    if known.owner(&Asset::serial_key(&scanned))?.is_some_and(|owner| owner != id.as_str()) {
                        return Err(
                            Refusal::new("registration.serial_taken", format!("The serial {scanned} belongs to another registered device.")).into()
                        );
                    }
                    serial = Some(scanned);
                }
                _ => {}
            }
        }
        let event = DiscrepancyResolved { kind: discrepancy.kind, resolution: self.resolution, reference: self.reference.clone(), holder, serial };
        let mut happenings = vec![Happening::new(event, about)];
        if consignment.open_discrepancies.iter().all(|open| open == &discrepancy.id) {
            let reconciled = ConsignmentReconciled { listed: consignment.lines, discrepancies: count(consignment.discrepancies.len()) };
            happenings.push(Happening::new(reconciled, [subject(&consignment.id)]));
        }
        Ok(happenings)
    }
}

impl Fact for DiscrepancyResolved {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let (Some(id), Some(consignment)) = (about.discrepancy(), about.consignment()) else { return };
        known.change::<Discrepancy>(&id, stamp.seq, |discrepancy| {
            discrepancy.resolution = Some(self.resolution);
            discrepancy.resolved = Some(stamp.act());
        });
        known.change::<Consignment>(&consignment, stamp.seq, |consignment| consignment.open_discrepancies.retain(|open| open != &id));
        let Some(asset_id) = about.asset() else { return };
        let mut media = Vec::new();
        known.change::<Asset>(&asset_id, stamp.seq, |asset| {
            asset.holds.retain(|hold| hold.discrepancy.as_ref() != Some(&id));
            media.clone_from(&asset.media);
            match (self.resolution, &self.holder) {
                (Resolution::LocatedAtReceiver, Some(holder)) => arrive(asset, holder, stamp),
                (Resolution::NeverLeft, Some(holder)) => {
                    asset.holder = holder.clone();
                    asset.in_transit = false;
                    asset.consignment = None;
                    asset.handoffs.pop();
                }
                (Resolution::ConfirmedMissing, _) => {
                    if asset.status != Status::Missing {
                        asset.missing = Some(Missing::opened(stamp, Loss::Lost, self.reference.clone(), asset.status));
                    }
                    asset.status = Status::Missing;
                    asset.consignment = None;
                }
                _ => {}
            }
            // Where it turned up, its incident ends.
            if matches!(self.resolution, Resolution::LocatedAtReceiver | Resolution::NeverLeft)
                && let Some(missing) = asset.missing.take()
            {
                asset.status = missing.before;
            }
            if self.serial.is_some() {
                asset.serial.clone_from(&self.serial);
            }
        });
        // For a while nobody knew where the device was: what was sanitized before does not count any more.
        if self.kind == DiscrepancyKind::Short {
            for medium in media {
                medium::change(known, &medium, stamp.seq, Medium::void_sanitization);
            }
        }
    }
    fn sentence(&self) -> String {
        format!("Discrepancy resolved: {} (reference {}).", self.resolution.label(), self.reference)
    }
}
