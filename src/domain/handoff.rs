//! Handoffs: two signed acts, the release by one party and the receipt by the other; the receiver counts independently.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Handoff, Holder};
use super::consignment::{
    Consignment, ConsignmentKind, ConsignmentStatus, ContainerReceived, DiscrepancyKind, Line, LineId, LineState, Scan, asset_subject, require,
    require_sender, require_status, require_weights, subject,
};
use super::loading::not_downstream;
use super::medium::{Medium, MediumState};
use super::names::{AssetId, ConsignmentId, Digest, DiscrepancyId, Name, Reference, Role};
use super::overrides::Guard;
use super::parties::Party;
use super::reconciliation::{ConsignmentReconciled, DiscrepancyRecorded};
use super::records::{Records, Stop};
use super::refusal::Refusal;
use super::sealing::travellers;
use super::vendors::{self, QualifiedBy};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects, parties};

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
}

/// Whether data may be on a device or a loose medium of these.
fn may_hold_data(known: &Records, lines: &[&Line]) -> Result<bool, Stop> {
    let clean = |state: &MediumState| matches!(state, MediumState::Cleared | MediumState::Purged | MediumState::Destroyed);
    let assets = known.find_all::<Asset>(lines.iter().filter_map(|line| line.asset()))?;
    let media = known.find_all::<Medium>(lines.iter().filter_map(|line| line.medium()))?;
    let of_asset = |asset: &Asset| asset.no_storage.is_none() && (asset.media.is_empty() || !asset.media_states.iter().all(clean));
    Ok(assets.into_iter().flatten().any(of_asset) || media.into_iter().flatten().any(|medium| !clean(&medium.state)))
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
        if !matches!(consignment.kind, ConsignmentKind::Pickup | ConsignmentKind::Downstream) {
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
            .filter(|asset| !asset.holds.is_empty())
            .map(|asset| format!("{} is held; lift the hold, or take it off the list.", asset.tag))
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
        };
        Ok(Happening::about_consignment(event, subject(&consignment.id), many, occasion.fresh(0)))
    }
}

impl Fact for ConsignmentReleased {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        let handoff =
            Handoff { consignment: id.clone(), from: self.from.clone(), to: self.to.clone(), released: (stamp.seq, stamp.occurred), received: None };
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
            consignment.released.get_or_insert_with(|| stamp.act());
        });
    }
    fn sentence(&self) -> String {
        let by = self.overridden.map(|seq| format!(" The receiving site was not qualified; entry {seq} let it go.")).unwrap_or_default();
        format!("Released from {} to {}.{by}", self.from.site, self.to.site)
    }
}

/// Takes a consignment in: the second of the two signed acts. The scans are what the receiver found, counted independently of the list.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiveConsignment {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// The containers as found.
    pub containers: Vec<ContainerReceived>,
    /// Every thing scanned.
    pub scans: Vec<Scan>,
}

/// `consignment.received`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsignmentReceived {
    /// The containers as found.
    pub containers: Vec<ContainerReceived>,
    /// Lines listed.
    pub listed: u32,
    /// Things scanned.
    pub scanned: u32,
    /// Lines received as listed.
    pub matched: u32,
    /// Listed and not found.
    pub short: u32,
    /// Found and not listed.
    pub over: u32,
    /// Serial differs.
    pub mismatch: u32,
}

/// `consignment.line_received`: received as listed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineReceived {
    /// Who has it from now on.
    pub to: Holder,
}

pub(super) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl ReceiveConsignment {
    /// The device that each scan names: by tag, else by serial number.
    fn named<'a>(&self, known: &'a Records) -> Result<Vec<Option<&'a Asset>>, Stop> {
        let mut keys = Vec::new();
        for scan in &self.scans {
            keys.extend(scan.tag.as_ref().map(Asset::tag_key));
            keys.extend(scan.serial.as_ref().map(Asset::serial_key));
        }
        known.owners(&keys)?;
        let mut ids = Vec::new();
        for scan in &self.scans {
            let by_tag = scan.tag.as_ref().map(|tag| known.owner(&Asset::tag_key(tag))).transpose()?.flatten();
            let by_serial = scan.serial.as_ref().map(|serial| known.owner(&Asset::serial_key(serial))).transpose()?.flatten();
            ids.push(by_tag.or(by_serial).and_then(|id| AssetId::parse(id).ok()));
        }
        known.find_all::<Asset>(ids.iter().flatten())?;
        ids.iter().map(|id| id.as_ref().map(|id| known.find::<Asset>(id)).transpose().map(Option::flatten)).collect()
    }
}

impl Order for ReceiveConsignment {
    const ROLES: &'static [Role] = &[Role::VendorOperator, Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        if consignment.to.party != occasion.actor.party {
            return Err(Refusal::new(
                "consignment.not_for_you",
                format!("{} is addressed to another party; only its people can receive it.", consignment.reference),
            )
            .into());
        }
        require_status(consignment, "received", &[ConsignmentStatus::Released])?;
        if let Some(released) = &consignment.released {
            occasion.not_before(released.occurred, "the release")?;
        }
        if self.scans.len() > 10_000 || self.containers.len() > 500 {
            return Err(Refusal::new("consignment.too_large", "A receipt holds at most 10,000 scans and 500 containers.").into());
        }
        require_weights(self.containers.iter().map(|container| container.gross_weight_grams))?;
        if self.scans.iter().any(|scan| scan.tag.is_none() && scan.serial.is_none()) {
            return Err(Refusal::new("consignment.empty_scan", "A scan has neither tag nor serial number; scan it again.").into());
        }
        let lines = known.lines_of(&consignment.id)?;
        let listed: BTreeMap<&AssetId, &Asset> =
            known.find_all::<Asset>(lines.iter().filter_map(|line| line.asset()))?.into_iter().flatten().map(|asset| (&asset.id, asset)).collect();

        let mut matched: Vec<&AssetId> = Vec::new();
        let mut found: BTreeMap<&AssetId, ()> = BTreeMap::new();
        let mut differing: Vec<(DiscrepancyKind, Option<&Asset>, Option<&Scan>)> = Vec::new();
        for (scan, asset) in self.scans.iter().zip(self.named(known)?) {
            match asset {
                Some(asset) if listed.contains_key(&asset.id) => {
                    if found.insert(&asset.id, ()).is_some() {
                        return Err(Refusal::new(
                            "consignment.scanned_twice",
                            format!("{} is in this receipt twice; send each device once.", asset.tag),
                        )
                        .into());
                    }
                    let tag_differs = scan.tag.as_ref().is_some_and(|tag| tag.normal() != asset.tag.normal());
                    let serial_differs = scan.serial.as_ref().is_some_and(|serial| !asset.serial.as_ref().is_some_and(|own| own.same(serial)));
                    if tag_differs || serial_differs {
                        differing.push((DiscrepancyKind::Mismatch, Some(asset), Some(scan)));
                    } else {
                        matched.push(&asset.id);
                    }
                }
                // What never concerned a vendor stays unknown to it: its scan is recorded as captured, and tells the organisation enough.
                other => {
                    let visible = other.filter(|asset| !occasion.actor.role.is_vendor() || asset.concerns(&occasion.actor.party));
                    differing.push((DiscrepancyKind::Over, visible, Some(scan)));
                }
            }
        }
        for (id, asset) in &listed {
            if !found.contains_key(id) {
                differing.push((DiscrepancyKind::Short, Some(asset), None));
            }
        }

        let number = |kind: DiscrepancyKind| count(differing.iter().filter(|(of, ..)| *of == kind).count());
        let received = ConsignmentReceived {
            containers: self.containers.clone(),
            listed: count(lines.len()),
            scanned: count(self.scans.len()),
            matched: count(matched.len()),
            short: number(DiscrepancyKind::Short),
            over: number(DiscrepancyKind::Over),
            mismatch: number(DiscrepancyKind::Mismatch),
        };
        let mut happenings = vec![Happening::new(received, [subject(&consignment.id)])];
        let many = matched.iter().map(|id| asset_subject(id)).collect();
        happenings.extend(Happening::about_many(LineReceived { to: consignment.to.clone() }, subject(&consignment.id), many, occasion.fresh(0)));
        for (n, (kind, asset, scan)) in (1u32..).zip(&differing) {
            let event = DiscrepancyRecorded {
                kind: *kind,
                scan: scan.cloned(),
                to: (*kind != DiscrepancyKind::Short).then(|| consignment.to.clone()),
                critical: asset.is_none_or(|asset| asset.no_storage.is_none()),
            };
            let id = DiscrepancyId::from_uuid(occasion.fresh(n));
            let mut about = vec![Subject::new(SubjectKind::Discrepancy, id.as_str()), subject(&consignment.id)];
            about.extend(asset.map(|asset| asset_subject(&asset.id)));
            happenings.push(Happening::new(event, about));
        }
        if differing.is_empty() {
            happenings.push(Happening::new(ConsignmentReconciled { listed: count(lines.len()), discrepancies: 0 }, [subject(&consignment.id)]));
        }
        Ok(happenings)
    }
}

/// The device arrived: its holder is the receiver now.
pub(super) fn arrive(asset: &mut Asset, to: &Holder, stamp: &Stamp) {
    asset.holder = to.clone();
    asset.in_transit = false;
    asset.consignment = None;
    if let Some(handoff) = asset.handoffs.last_mut() {
        handoff.received.get_or_insert((stamp.seq, stamp.occurred));
    }
}

impl Fact for ConsignmentReceived {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        known.change::<Consignment>(&id, stamp.seq, |consignment| {
            consignment.status = ConsignmentStatus::Received;
            consignment.received = Some(stamp.act());
            consignment.scanned = Some(self.scanned);
        });
    }
    fn sentence(&self) -> String {
        format!(
            "Received: {} of {} lines as listed, {} short, {} over, {} mismatched.",
            self.matched, self.listed, self.short, self.over, self.mismatch
        )
    }
}

impl Fact for LineReceived {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        for asset in about.assets() {
            known.change::<Line>(&LineId::new(&id, &asset), stamp.seq, |line| line.state = LineState::Received);
            known.change::<Asset>(&asset, stamp.seq, |asset| arrive(asset, &self.to, stamp));
        }
    }
    fn sentence(&self) -> String {
        format!("Received as listed, at {}.", self.to.site)
    }
}
