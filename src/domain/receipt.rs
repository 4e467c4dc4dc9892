//! Receipts: the second of the two signed acts of a handoff, at once or over several days. The receiver counts independently of the list.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Holder};
use super::consignment::{
    Consignment, ConsignmentStatus, ContainerReceived, Damage, Discrepancy, DiscrepancyKind, Item, Line, LineId, LineState, Receipt, Scan, SealState,
    Via, asset_subject, require, require_status, require_weights, resolution_due, subject,
};
use super::evidence::require_document;
use super::medium::{self, Medium};
use super::names::{AssetId, ConsignmentId, Digest, DiscrepancyId, QuantityId, Reference, Role};
use super::reconciliation::{DiscrepancyRecorded, reconciled};
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects, links, parties};

/// The receiver's own paper, entered by the organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transcribed {
    /// The stored scan of it.
    pub document: Digest,
}

/// So many of one line of counted things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuantityFound {
    /// The line.
    pub line: QuantityId,
    /// How many have come with this receipt.
    pub count: u32,
}

/// Takes a consignment in, or what of it has come so far. The scans are what the receiver found. The receiver's people give it; the organisation's
/// coordinator does where the receiver's own document says so.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiveConsignment {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// The containers as found.
    pub containers: Vec<ContainerReceived>,
    /// Every thing scanned.
    pub scans: Vec<Scan>,
    /// Counted things of the list, as the receiver counted them.
    #[serde(default)]
    pub quantities: Vec<QuantityFound>,
    /// Scanned things as the receiver counted them by hand.
    pub counted: Option<u32>,
    /// More is to come: what is not here yet is not short.
    #[serde(default)]
    pub more_to_come: bool,
    /// The receiver's paper that this was entered from.
    pub transcribed: Option<Transcribed>,
    /// The receiver's list that this was read from.
    pub file: Option<Digest>,
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
    /// Other questions: seals, weights, counts, drives that are absent.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub questions: u32,
    /// Scans of things that an earlier receipt has.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub again: u32,
    /// Things as the receiver counted them by hand.
    pub counted: Option<u32>,
    /// More is to come.
    #[serde(default, skip_serializing_if = "is_false")]
    pub more_to_come: bool,
    /// The receiver's paper that this was entered from.
    pub transcribed: Option<Transcribed>,
    /// The receiver's list that this was read from.
    pub file: Option<Digest>,
    /// The way of somebody without an account.
    pub by: Option<Via>,
}

/// `consignment.line_received`: received as listed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineReceived {
    /// Who has it from now on.
    pub to: Holder,
    /// What is wrong with all of them.
    pub damage: Option<Damage>,
    /// The document that the organisation entered this from; the receiver itself has said nothing.
    pub unconfirmed: Option<Digest>,
}

/// `consignment.quantity_received`: so many of counted things.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuantityReceived {
    /// What came.
    pub found: QuantityFound,
    /// All that were listed are there.
    pub complete: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

pub(super) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// One thing that differs, before it has an id.
#[derive(Default)]
struct Differing<'a> {
    asset: Option<&'a Asset>,
    medium: Option<&'a Medium>,
    quantity: Option<QuantityId>,
    scan: Option<&'a Scan>,
    container: Option<Reference>,
    seal: Option<(SealState, Option<Reference>)>,
    figures: Option<(u32, u32)>,
}

impl Differing<'_> {
    /// Whether data may be on it; on what nobody knows, too.
    fn may_hold_data(&self) -> bool {
        self.asset.map(Asset::may_hold_data).or(self.medium.map(Medium::may_hold_data)).unwrap_or(true)
    }
}

/// What a receipt comes to, line by line.
#[derive(Default)]
struct Compared<'a> {
    /// Each with what is wrong with it.
    matched: Vec<(Subject, Option<Damage>)>,
    counted: Vec<QuantityReceived>,
    differing: Vec<(DiscrepancyKind, Differing<'a>)>,
    again: u32,
}

impl Compared<'_> {
    fn number(&self, of: impl Fn(DiscrepancyKind) -> bool) -> u32 {
        count(self.differing.iter().filter(|(kind, _)| of(*kind)).count())
    }
}

/// Whether two weights differ by more than 5 %.
fn weighs_otherwise(released: u32, received: u32) -> bool {
    u64::from(released.abs_diff(received)) * 100 > u64::from(released) * 5
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

    /// Who may say what arrived: the receiver's own people; or the coordinator, where a stored document of the receiver says it.
    fn require_voice(&self, known: &Records, consignment: &Consignment, occasion: &Occasion) -> Result<(), Stop> {
        let own = consignment.to.party == occasion.actor.party;
        let document = self.transcribed.as_ref().map(|paper| &paper.document).or(self.file.as_ref());
        if !own && (occasion.actor.role.is_vendor() || document.is_none()) {
            return Err(Refusal::new(
                "consignment.not_for_you",
                format!(
                    "{} is addressed to another party: its people can receive it, or the coordinator enters that party's document (transcribed, or file).",
                    consignment.reference
                ),
            )
            .into());
        }
        if own && self.transcribed.is_some() {
            return Err(Refusal::new(
                "receipt.own_words",
                "You are the receiver: what you say is your own statement; leave transcribed out. The organisation transcribes the paper of others.",
            )
            .into());
        }
        if self.transcribed.is_some() && self.file.is_some() {
            return Err(Refusal::new("receipt.two_sources", "Name either the paper (transcribed) or the list (file) that this comes from.").into());
        }
        require_document(known, document, occasion)?;
        links::require_live(consignment, occasion)?;
        let person = &occasion.actor.person;
        if own && links::via(consignment, person).is_none() && !parties::require(known, &occasion.actor.party)?.may_sign(person) {
            let why = format!("You are not among those who may sign for your party; one of them has to receive {}.", consignment.reference);
            return Err(Refusal::new("parties.may_not_sign", why).into());
        }
        Ok(())
    }

    fn require_size(&self) -> Result<(), Refusal> {
        if self.scans.len() > 10_000 || self.containers.len() > 500 || self.quantities.len() > 5_000 {
            return Err(Refusal::new(
                "consignment.too_large",
                "A receipt holds at most 10,000 scans and 500 containers; send the rest as another one.",
            ));
        }
        require_weights(self.containers.iter().map(|container| container.gross_weight_grams))?;
        if self.scans.iter().any(|scan| scan.tag.is_none() && scan.serial.is_none()) {
            return Err(Refusal::new("consignment.empty_scan", "A scan has neither tag nor serial number; scan it again."));
        }
        if self.more_to_come && self.scans.is_empty() && self.containers.is_empty() && self.quantities.is_empty() {
            return Err(Refusal::new("receipt.empty", "Nothing is in this receipt and more is to come; send it when something has arrived."));
        }
        Ok(())
    }

    /// What differs between the containers as sealed and as found.
    fn compare_containers<'a>(&self, consignment: &Consignment, compared: &mut Compared<'a>) -> Result<(), Refusal> {
        let earlier: BTreeSet<&Reference> =
            consignment.receipts.iter().flat_map(|receipt| &receipt.containers).map(|container| &container.label).collect();
        let mut labels = BTreeSet::new();
        for found in &self.containers {
            let label = &found.label;
            if !labels.insert(label) || earlier.contains(label) {
                let why = format!("The container {label} is in this receipt twice, or in an earlier one; send each container once.");
                return Err(Refusal::new("receipt.container_twice", why));
            }
            let mut question = |kind, differing: Differing<'a>| {
                compared.differing.push((kind, Differing { container: Some(label.clone()), ..differing }));
            };
            let Some(sealed) = consignment.containers.iter().find(|container| &container.label == label) else {
                question(DiscrepancyKind::Count, Differing { figures: Some((0, 1)), ..Differing::default() });
                continue;
            };
            let another = found.seal.as_ref().is_some_and(|number| sealed.seal.as_ref() != Some(number));
            let state = match found.seal_state {
                SealState::Intact if another => SealState::Different,
                // Nobody misses a seal that was never put on.
                SealState::Missing | SealState::NotStated if sealed.seal.is_none() => SealState::Intact,
                state => state,
            };
            if state != SealState::Intact {
                question(DiscrepancyKind::Seal, Differing { seal: Some((state, found.seal.clone())), ..Differing::default() });
            }
            if let (Some(released), Some(received)) = (sealed.gross_weight_grams, found.gross_weight_grams)
                && weighs_otherwise(released, received)
            {
                question(DiscrepancyKind::Weight, Differing { figures: Some((released, received)), ..Differing::default() });
            }
        }
        if !self.more_to_come {
            // What left and was never reported may be anywhere, whatever else is there.
            let reported = |label: &Reference| labels.contains(label) || earlier.contains(label);
            for container in consignment.containers.iter().filter(|container| !reported(&container.label)) {
                let differing = Differing { container: Some(container.label.clone()), figures: Some((1, 0)), ..Differing::default() };
                compared.differing.push((DiscrepancyKind::Count, differing));
            }
        }
        if let Some(counted) = self.counted.filter(|counted| *counted != count(self.scans.len())) {
            let figures = Some((count(self.scans.len()), counted));
            compared.differing.push((DiscrepancyKind::Count, Differing { figures, ..Differing::default() }));
        }
        Ok(())
    }

    /// What differs between the counted lines and what the receiver counted.
    fn compare_quantities(&self, lines: &[&Line], compared: &mut Compared) -> Result<(), Refusal> {
        let mut counts: BTreeMap<&QuantityId, u32> = BTreeMap::new();
        for QuantityFound { line, count } in &self.quantities {
            if *count > 1_000_000 || counts.insert(line, *count).is_some() {
                return Err(Refusal::new("receipt.quantity", "Send each line of counted things once, with a count between 0 and 1,000,000."));
            }
        }
        for line in lines {
            let (Item::Quantity(id), Some(quantity)) = (&line.item, &line.quantity) else { continue };
            let now = counts.remove(id);
            if line.state != LineState::Listed {
                continue;
            }
            let total = line.found.unwrap_or(0).saturating_add(now.unwrap_or(0));
            if let Some(count) = now {
                compared.counted.push(QuantityReceived { found: QuantityFound { line: id.clone(), count }, complete: total == quantity.count });
            }
            if total != quantity.count && (!self.more_to_come || total > quantity.count) {
                let figures = Some((quantity.count, total));
                compared.differing.push((DiscrepancyKind::Count, Differing { quantity: Some(id.clone()), figures, ..Differing::default() }));
            }
        }
        match counts.keys().next() {
            None => Ok(()),
            Some(line) => Err(Refusal::new("receipt.no_such_line", format!("No counted things are listed as {line}; look it up in the list."))),
        }
    }

    /// What differs between the lines and the scans.
    fn compare<'a>(&'a self, known: &'a Records, consignment: &Consignment, lines: &[&'a Line], occasion: &Occasion) -> Result<Compared<'a>, Stop> {
        let mut compared = Compared::default();
        let before: Vec<&Discrepancy> = known.find_all::<Discrepancy>(&consignment.discrepancies)?.into_iter().flatten().collect();
        let states: BTreeMap<&str, LineState> = lines.iter().map(|line| (line.item.id(), line.state)).collect();
        let devices = known.find_all::<Asset>(lines.iter().filter_map(|line| line.asset()))?;
        let listed: BTreeMap<&AssetId, &Asset> = devices.into_iter().flatten().map(|asset| (&asset.id, asset)).collect();
        let loose: Vec<&Medium> = known.find_all::<Medium>(lines.iter().filter_map(|line| line.medium()))?.into_iter().flatten().collect();
        let by_serial: BTreeMap<String, &Medium> = loose.iter().filter_map(|medium| Some((medium.serial.as_ref()?.normal(), *medium))).collect();
        let mut found: BTreeSet<&str> = BTreeSet::new();
        for (scan, asset) in self.scans.iter().zip(self.named(known)?) {
            if before.iter().any(|discrepancy| discrepancy.scan.as_ref().is_some_and(|earlier| earlier.same(scan))) {
                compared.again += 1;
                continue;
            }
            let differing = Differing { asset, scan: Some(scan), ..Differing::default() };
            match asset {
                Some(asset) if listed.contains_key(&asset.id) => {
                    if !found.insert(asset.id.as_str()) {
                        return Err(Refusal::new(
                            "consignment.scanned_twice",
                            format!("{} is in this receipt twice; send each device once.", asset.tag),
                        )
                        .into());
                    }
                    if states.get(asset.id.as_str()) != Some(&LineState::Listed) {
                        compared.again += 1;
                        continue;
                    }
                    let tag_differs = scan.tag.as_ref().is_some_and(|tag| tag.normal() != asset.tag.normal());
                    let serial_differs = scan.serial.as_ref().is_some_and(|serial| !asset.serial.as_ref().is_some_and(|own| own.same(serial)));
                    if tag_differs || serial_differs {
                        compared.differing.push((DiscrepancyKind::Mismatch, differing));
                    } else if scan.damage == Some(Damage::DriveAbsent) {
                        compared.differing.push((DiscrepancyKind::Incomplete, differing));
                    } else {
                        compared.matched.push((asset_subject(&asset.id), scan.damage));
                    }
                }
                None if let Some(medium) = scan.serial.as_ref().and_then(|serial| by_serial.get(&serial.normal())) => {
                    let own = medium.id.as_str();
                    if !found.insert(own) {
                        let why = format!("{} is in this receipt twice; send each medium once.", medium.title());
                        return Err(Refusal::new("consignment.scanned_twice", why).into());
                    }
                    if states.get(own) == Some(&LineState::Listed) {
                        compared.matched.push((Subject::new(SubjectKind::Medium, own), scan.damage));
                    } else {
                        compared.again += 1;
                    }
                }
                // What never concerned a vendor stays unknown to it: its scan is recorded as captured, and tells the organisation enough.
                other => {
                    let visible = other.filter(|asset| !occasion.actor.role.is_vendor() || asset.concerns(&occasion.actor.party));
                    compared.differing.push((DiscrepancyKind::Over, Differing { asset: visible, ..differing }));
                }
            }
        }
        if !self.more_to_come {
            for line in lines.iter().filter(|line| line.state == LineState::Listed && !found.contains(line.item.id())) {
                let asset = line.asset().and_then(|id| listed.get(id)).copied();
                let medium = line.medium().and_then(|id| loose.iter().find(|medium| &medium.id == id)).copied();
                if asset.is_some() || medium.is_some() {
                    compared.differing.push((DiscrepancyKind::Short, Differing { asset, medium, ..Differing::default() }));
                }
            }
        }
        self.compare_quantities(lines, &mut compared)?;
        self.compare_containers(consignment, &mut compared)?;
        Ok(compared)
    }
}

impl Order for ReceiveConsignment {
    const ROLES: &'static [Role] = &[Role::VendorOperator, Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        self.require_voice(known, consignment, occasion)?;
        if let Some(closed) = &consignment.received {
            let why = format!(
                "The receipt of {} is closed. What turned up since was declared short: an approver resolves that as located_at_receiver; \
                 what nobody listed goes back, or leaves on a consignment that lists it.",
                consignment.reference
            );
            return Err(Refusal::new("consignment.wrong_status", why).because(Cause::Entry(closed.seq)).into());
        }
        require_status(consignment, "received", &[ConsignmentStatus::Released, ConsignmentStatus::PartlyReceived])?;
        if let Some(released) = &consignment.released {
            occasion.not_before(released.occurred, "the release")?;
        }
        self.require_size()?;
        let lines: Vec<&Line> = known.lines_of(&consignment.id)?.into_iter().filter(|line| line.is_listed()).collect();
        let compared = self.compare(known, consignment, &lines, occasion)?;

        let own = consignment.to.party == occasion.actor.party;
        let received = ConsignmentReceived {
            containers: self.containers.clone(),
            listed: count(lines.len()),
            scanned: count(self.scans.len()),
            matched: count(compared.matched.len()),
            short: compared.number(|kind| kind == DiscrepancyKind::Short),
            over: compared.number(|kind| kind == DiscrepancyKind::Over),
            mismatch: compared.number(|kind| kind == DiscrepancyKind::Mismatch),
            questions: compared.number(|kind| kind.is_of_the_whole() || kind == DiscrepancyKind::Incomplete),
            again: compared.again,
            counted: self.counted,
            more_to_come: self.more_to_come,
            transcribed: self.transcribed.clone(),
            file: self.file.clone(),
            by: links::via(consignment, &occasion.actor.person),
        };
        let mut happenings = vec![Happening::new(received, [subject(&consignment.id)])];
        let document = self.transcribed.as_ref().map(|paper| &paper.document).or(self.file.as_ref());
        let unconfirmed = document.filter(|_| !own).cloned();
        let mut by_damage: BTreeMap<Option<Damage>, Vec<Subject>> = BTreeMap::new();
        for (thing, damage) in &compared.matched {
            by_damage.entry(*damage).or_default().push(thing.clone());
        }
        for (damage, many) in by_damage {
            let event = LineReceived { to: consignment.to.clone(), damage, unconfirmed: unconfirmed.clone() };
            happenings.extend(Happening::about_many(event, subject(&consignment.id), many, occasion.fresh(0)));
        }
        happenings.extend(compared.counted.iter().map(|counted| Happening::new(counted.clone(), [subject(&consignment.id)])));
        for (n, (kind, differing)) in (1u32..).zip(&compared.differing) {
            let here = matches!(kind, DiscrepancyKind::Over | DiscrepancyKind::Mismatch | DiscrepancyKind::Incomplete);
            let critical = !kind.is_of_the_whole() && differing.may_hold_data();
            let event = DiscrepancyRecorded {
                kind: *kind,
                scan: differing.scan.cloned(),
                to: here.then(|| consignment.to.clone()),
                critical,
                container: differing.container.clone(),
                seal: differing.seal.clone(),
                quantity: differing.quantity.clone(),
                figures: differing.figures,
                unconfirmed: unconfirmed.clone(),
                due_at: Some(resolution_due(*kind, critical, occasion.occurred)),
            };
            let id = DiscrepancyId::from_uuid(occasion.fresh(n));
            let mut about = vec![Subject::new(SubjectKind::Discrepancy, id.as_str()), subject(&consignment.id)];
            about.extend(differing.asset.map(|asset| asset_subject(&asset.id)));
            about.extend(differing.medium.map(|medium| Subject::new(SubjectKind::Medium, medium.id.as_str())));
            happenings.push(Happening::new(event, about));
        }
        if !self.more_to_come && compared.differing.is_empty() && consignment.open_discrepancies.is_empty() {
            let here: BTreeSet<&str> = compared.matched.iter().map(|(thing, _)| thing.id.as_str()).collect();
            happenings.extend(reconciled(known, consignment, &lines, |id| here.contains(id), occasion)?);
        }
        Ok(Happening::one_act(happenings, occasion.fresh(0)))
    }
}

/// The device arrived: its holder is the receiver now.
pub(super) fn arrive(asset: &mut Asset, to: &Holder, unconfirmed: Option<&Digest>, stamp: &Stamp) {
    asset.holder = to.clone();
    asset.in_transit = false;
    asset.consignment = None;
    if let Some(handoff) = asset.handoffs.last_mut() {
        handoff.received.get_or_insert((stamp.seq, stamp.occurred));
        handoff.unconfirmed = unconfirmed.cloned();
    }
}

/// The same for a medium that is in no device.
pub(super) fn arrive_loose(medium: &mut Medium, to: &Holder, unconfirmed: Option<&Digest>, stamp: &Stamp) {
    medium.holder = Some(to.clone());
    medium.in_transit = false;
    medium.consignment = None;
    if let Some(handoff) = medium.handoffs.last_mut() {
        handoff.received.get_or_insert((stamp.seq, stamp.occurred));
        handoff.unconfirmed = unconfirmed.cloned();
    }
}

impl Fact for ConsignmentReceived {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        known.change::<Consignment>(&id, stamp.seq, |consignment| {
            consignment.scanned = Some(consignment.scanned.unwrap_or(0) + self.scanned - self.again.min(self.scanned));
            if self.more_to_come {
                consignment.status = ConsignmentStatus::PartlyReceived;
            } else {
                consignment.status = ConsignmentStatus::Received;
                consignment.received = Some(stamp.act());
            }
            consignment.receipts.push(Receipt {
                act: stamp.act(),
                scanned: self.scanned,
                more_to_come: self.more_to_come,
                containers: self.containers.clone(),
                transcribed: self.transcribed.as_ref().map(|paper| paper.document.clone()),
                file: self.file.clone(),
                by: self.by,
            });
        });
    }
    fn sentence(&self) -> String {
        let mut sentence = format!(
            "{}: {} of {} lines as listed, {} short, {} over, {} mismatched",
            if self.more_to_come { "Received in part, more to come" } else { "Received" },
            self.matched,
            self.listed,
            self.short,
            self.over,
            self.mismatch
        );
        if self.questions > 0 {
            sentence.push_str(&format!(", {} about seals, weights, counts or drives", self.questions));
        }
        if let Some(paper) = &self.transcribed {
            sentence.push_str(&format!("; transcribed by the district from document sha256 {}", paper.document));
        }
        if let Some(file) = &self.file {
            sentence.push_str(&format!("; read from the receiver's list sha256 {file}"));
        }
        if let Some(by) = self.by {
            sentence.push_str(&format!("; {}", by.label()));
        }
        format!("{sentence}.")
    }
}

impl Fact for LineReceived {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(consignment) = about.consignment() else { return };
        for asset in about.assets() {
            known.change::<Line>(&LineId::new(&consignment, &asset), stamp.seq, |line| {
                line.state = LineState::Received;
                line.damage = self.damage;
            });
            known.change::<Asset>(&asset, stamp.seq, |asset| arrive(asset, &self.to, self.unconfirmed.as_ref(), stamp));
        }
        for id in about.media() {
            known.change::<Line>(&LineId::of(&consignment, Item::Medium(id.clone())), stamp.seq, |line| {
                line.state = LineState::Received;
                line.damage = self.damage;
            });
            medium::change(known, &id, stamp.seq, |medium| arrive_loose(medium, &self.to, self.unconfirmed.as_ref(), stamp));
        }
    }
    fn sentence(&self) -> String {
        let damage = self.damage.map_or_else(String::new, |damage| format!(", {}", damage.label()));
        let source = if self.unconfirmed.is_some() { "; entered by the district, not confirmed by the receiver" } else { "" };
        format!("Received as listed, at {}{damage}{source}.", self.to.site)
    }
}

impl Fact for QuantityReceived {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(consignment) = about.consignment() else { return };
        known.change::<Line>(&LineId::of(&consignment, Item::Quantity(self.found.line.clone())), stamp.seq, |line| {
            line.found = Some(line.found.unwrap_or(0).saturating_add(self.found.count));
            if self.complete {
                line.state = LineState::Received;
            }
        });
    }
    fn sentence(&self) -> String {
        format!("Counted things received: {}{}.", self.found.count, if self.complete { ", as many as listed" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::consignment::business_days_after;
    use super::super::names::{ConsignmentId, Instant, QuantityId};
    use super::super::story::{DISTRICT, Story, VENDOR, actor};
    use super::*;

    fn consignment<'a>(story: &'a Story, id: &str) -> &'a Consignment {
        story.known().find::<Consignment>(&ConsignmentId::parse(id).unwrap()).unwrap().unwrap()
    }
    fn asset<'a>(story: &'a Story, id: &str) -> &'a Asset {
        story.known().find::<Asset>(&AssetId::parse(id).unwrap()).unwrap().unwrap()
    }
    fn open<'a>(story: &'a Story, id: &str, kind: DiscrepancyKind) -> &'a Discrepancy {
        let open = story.known().find_all::<Discrepancy>(&consignment(story, id).open_discrepancies).unwrap();
        open.into_iter().flatten().find(|discrepancy| discrepancy.kind == kind).unwrap()
    }
    fn operator() -> super::super::Actor {
        actor(Role::VendorOperator, VENDOR, 1)
    }
    fn receipt(id: &str, scans: &Value, more: bool) -> Value {
        let containers = if more { json!([]) } else { json!([{"label": "PALLET-1", "seal_state": "intact"}]) };
        json!({"consignment": id, "containers": containers, "scans": scans, "more_to_come": more})
    }
    fn resolve(story: &mut Story, id: &str, kind: DiscrepancyKind, resolution: &str) {
        let mut body = json!({"discrepancy": open(story, id, kind).id, "resolution": resolution, "reference": "CASE-1"});
        if resolution == "located_at_receiver" {
            body["document"] = json!(story.document());
        }
        story.done(&actor(Role::Approver, DISTRICT, 1), "resolve_discrepancy", body);
    }

    #[test]
    fn a_receipt_may_take_several_days_and_only_the_last_says_what_is_short() {
        let mut story = Story::new();
        let devices: Vec<String> = ["A1", "A2", "A3"].iter().map(|tag| story.retired(tag, "hdd_ata", "low").0).collect();
        let id = story.released("P1", &[&devices[0], &devices[1], &devices[2]]);
        assert!(consignment(&story, &id).receipt_due_at().is_some());
        story.refused(&operator(), "receive_consignment", receipt(&id, &json!([]), true), "receipt.empty");
        story.done(&operator(), "receive_consignment", receipt(&id, &json!([{"tag": "A1", "damage": "screen"}]), true));
        let partly = consignment(&story, &id);
        assert_eq!((partly.status, partly.open_discrepancies.len(), partly.received.is_some()), (ConsignmentStatus::PartlyReceived, 0, false));
        assert_eq!(asset(&story, &devices[0]).holder.party.as_str(), VENDOR);
        assert!(asset(&story, &devices[1]).in_transit && partly.receipt_due_at().is_some());
        // A list that has again what an earlier one had is no double scan.
        story.done(&operator(), "receive_consignment", receipt(&id, &json!([{"tag": "A1"}, {"tag": "A2"}]), false));
        let closed = consignment(&story, &id);
        assert_eq!((closed.status, closed.scanned, closed.receipts.len()), (ConsignmentStatus::Received, Some(2), 2));
        assert_eq!(closed.receipt_due_at(), None);
        let short = open(&story, &id, DiscrepancyKind::Short);
        assert!(short.critical && short.asset.as_ref().unwrap().as_str() == devices[2]);
        let found = closed.received.as_ref().unwrap().occurred;
        assert_eq!(short.due_at.utc() - found.utc(), chrono::TimeDelta::days(1), "what may hold data and is not there is looked for on the same day");
        let why = story.refused(&operator(), "receive_consignment", receipt(&id, &json!([{"tag": "A3"}]), false), "consignment.wrong_status");
        assert!(why.contains("located_at_receiver"), "{why}");
        resolve(&mut story, &id, DiscrepancyKind::Short, "located_at_receiver");
        assert_eq!(consignment(&story, &id).status, ConsignmentStatus::Reconciled);
        assert_eq!(asset(&story, &devices[2]).holder.party.as_str(), VENDOR);
    }

    #[test]
    fn questions_about_the_whole_hold_everything_in_it() {
        let mut story = Story::new();
        let (device, drive) = story.retired("A1", "hdd_ata", "low");
        let id = story.released("P1", &[&device]);
        let mut body = receipt(&id, &json!([{"tag": "A1"}]), false);
        body["containers"] = json!([{"label": "PALLET-1", "seal_state": "broken"}, {"label": "PALLET-9", "seal_state": "intact"}]);
        body["counted"] = json!(2);
        story.done(&operator(), "receive_consignment", body);
        assert_eq!(consignment(&story, &id).questions.len(), 3);
        let melt = json!({"medium": drive, "technique": "melt", "statement": {"facility": "F", "facility_batch": "B"}});
        let why = story.refused(&operator(), "record_sanitization", melt.clone(), "consignment.verification_hold");
        assert!(why.contains("seal: broken") && why.contains("0 expected, 1 found") && why.contains("1 expected, 2 found"), "{why}");
        resolve(&mut story, &id, DiscrepancyKind::Count, "record_corrected");
        resolve(&mut story, &id, DiscrepancyKind::Count, "contents_verified");
        story.refused(&operator(), "record_sanitization", melt.clone(), "consignment.verification_hold");
        resolve(&mut story, &id, DiscrepancyKind::Seal, "contents_verified");
        assert_eq!(consignment(&story, &id).status, ConsignmentStatus::Reconciled);
        story.done(&operator(), "record_sanitization", melt);
    }

    #[test]
    fn a_container_that_nobody_ever_reports_is_a_question_when_the_receipt_closes() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let (device, _) = story.retired("A1", "hdd_ata", "low");
        let begun = json!({"reference": "P1", "from_site": "Site", "to": VENDOR, "to_site": "Site"});
        let id = story.done(&coordinator, "open_consignment", begun)[0].1.clone();
        story.done(&coordinator, "add_lines", json!({"consignment": id, "assets": [device]}));
        let sealed = json!([{"label": "P1", "seal": "1"}, {"label": "P2", "seal": "2"}, {"label": "P3", "seal": "3"}, {"label": "P4"}]);
        story.done(&coordinator, "seal_consignment", json!({"consignment": id, "containers": sealed}));
        story.done(&coordinator, "release_consignment", json!({"consignment": id}));
        let mut body = receipt(&id, &json!([{"tag": "A1"}]), true);
        body["containers"] = json!([{"label": "P1", "seal_state": "intact"}]);
        story.done(&operator(), "receive_consignment", body);
        assert_eq!(consignment(&story, &id).open_discrepancies.len(), 0, "more is to come");
        let mut body = receipt(&id, &json!([]), false);
        body["containers"] = json!([{"label": "P3", "seal_state": "not_stated"}, {"label": "P4", "seal_state": "not_stated"}]);
        story.done(&operator(), "receive_consignment", body);
        let (count, seal) = (open(&story, &id, DiscrepancyKind::Count), open(&story, &id, DiscrepancyKind::Seal));
        assert_eq!(
            (count.container.as_ref().unwrap().as_str(), count.figures, consignment(&story, &id).open_discrepancies.len()),
            ("P2", Some((1, 0)), 2)
        );
        assert_eq!((seal.container.as_ref().unwrap().as_str(), &seal.seal), ("P3", &Some((SealState::NotStated, None))));
        resolve(&mut story, &id, DiscrepancyKind::Count, "contents_verified");
        resolve(&mut story, &id, DiscrepancyKind::Seal, "contents_verified");
        assert_eq!(consignment(&story, &id).status, ConsignmentStatus::Reconciled);
    }

    #[test]
    fn five_percent_is_a_weight_and_more_is_a_question() {
        for (released, received, otherwise) in
            [(20_000, 19_000, false), (20_000, 18_999, true), (20_000, 21_000, false), (20_000, 21_001, true), (1, 1, false), (u32::MAX, 1, true)]
        {
            assert_eq!(weighs_otherwise(released, received), otherwise, "{released} {received}");
        }
    }

    #[test]
    fn business_days_leave_out_the_weekend() {
        for (from, days, to) in [
            ("2026-11-23T10:00:00Z", 3, "2026-11-26T10:00:00Z"),
            ("2026-11-26T10:00:00Z", 2, "2026-11-30T10:00:00Z"),
            ("2026-11-28T10:00:00Z", 1, "2026-11-30T10:00:00Z"),
            ("2026-11-27T10:00:00Z", 6, "2026-12-07T10:00:00Z"),
        ] {
            assert_eq!(business_days_after(Instant::parse(from).unwrap(), days), Instant::parse(to).unwrap(), "{from}");
        }
    }

    #[test]
    fn a_drive_that_is_absent_is_a_discrepancy_and_the_device_has_arrived() {
        let mut story = Story::new();
        let (device, _) = story.retired("A1", "hdd_ata", "low");
        let id = story.released("P1", &[&device]);
        story.done(&operator(), "receive_consignment", receipt(&id, &json!([{"tag": "A1", "damage": "drive_absent"}]), false));
        assert!(open(&story, &id, DiscrepancyKind::Incomplete).critical);
        assert!(!asset(&story, &device).in_transit && !asset(&story, &device).holds.is_empty());
        resolve(&mut story, &id, DiscrepancyKind::Incomplete, "confirmed_missing");
        assert_eq!(asset(&story, &device).status, super::super::asset::Status::Retired);
    }

    #[test]
    fn counted_things_are_received_by_count() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let (device, _) = story.retired("A1", "hdd_ata", "low");
        let about = story.done(&coordinator, "open_consignment", json!({"reference": "P1", "from_site": "Site", "to": VENDOR, "to_site": "Site"}));
        let id = about[0].1.clone();
        story.done(&coordinator, "add_lines", json!({"consignment": id, "assets": [device]}));
        story.done(&coordinator, "add_quantity", json!({"consignment": id, "what": "charger", "count": 40, "no_data": true}));
        story.done(&coordinator, "seal_consignment", json!({"consignment": id, "containers": [{"label": "PALLET-1"}]}));
        story.done(&coordinator, "release_consignment", json!({"consignment": id}));
        let lines = story.known().lines_of(&ConsignmentId::parse(&id).unwrap()).unwrap();
        let line: QuantityId = lines.iter().find_map(|line| if let Item::Quantity(id) = &line.item { Some(id.clone()) } else { None }).unwrap();
        let mut body = receipt(&id, &json!([]), true);
        body["quantities"] = json!([{"line": line, "count": 30}]);
        story.done(&operator(), "receive_consignment", body.clone());
        body["quantities"] = json!([{"line": line, "count": 9}, {"line": line, "count": 1}]);
        story.refused(&operator(), "receive_consignment", body.clone(), "receipt.quantity");
        body["quantities"] = json!([{"line": "urn:uuid:00000000-0000-4000-8000-00000000dead", "count": 9}]);
        story.refused(&operator(), "receive_consignment", body.clone(), "receipt.no_such_line");
        body = receipt(&id, &json!([{"tag": "A1"}]), false);
        body["quantities"] = json!([{"line": line, "count": 8}]);
        story.done(&operator(), "receive_consignment", body);
        assert_eq!(open(&story, &id, DiscrepancyKind::Count).figures, Some((40, 38)));
        resolve(&mut story, &id, DiscrepancyKind::Count, "confirmed_missing");
        assert_eq!(consignment(&story, &id).status, ConsignmentStatus::Reconciled);
    }

    #[test]
    fn loose_media_are_received_by_their_serials() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let seen = json!({"media": [{"serial": "LOOSE-1", "media_type": "hdd_ata"}, {"serial": "LOOSE-2", "media_type": "hdd_ata"},
            {"serial": "LOOSE-3", "media_type": "hdd_ata"}], "site": "Site"});
        let about = story.done(&coordinator, "record_loose_media", seen);
        let drives: Vec<String> = about.into_iter().filter(|(kind, _)| *kind == SubjectKind::Medium).map(|(_, id)| id).collect();
        let medium = |story: &Story, n: usize| {
            let id = super::super::names::MediumId::parse(&drives[n]).unwrap();
            story.known().find::<Medium>(&id).unwrap().unwrap().clone()
        };
        let about = story.done(&coordinator, "open_consignment", json!({"reference": "P1", "from_site": "Site", "to": VENDOR, "to_site": "Site"}));
        let id = about[0].1.clone();
        story.done(&coordinator, "add_lines", json!({"consignment": id, "assets": [], "media": drives}));
        story.done(&coordinator, "seal_consignment", json!({"consignment": id, "containers": [{"label": "PALLET-1"}]}));
        story.done(&coordinator, "release_consignment", json!({"consignment": id}));
        story.done(&operator(), "receive_consignment", receipt(&id, &json!([{"serial": "loose 1"}]), false));
        let arrived = medium(&story, 0);
        assert!(!arrived.in_transit && arrived.holder.is_some_and(|holder| holder.party.as_str() == VENDOR));
        assert!(arrived.handoffs[0].received.is_some() && medium(&story, 1).in_transit);
        assert_eq!(consignment(&story, &id).open_discrepancies.len(), 2);
        assert!(open(&story, &id, DiscrepancyKind::Short).critical);
        resolve(&mut story, &id, DiscrepancyKind::Short, "never_left");
        resolve(&mut story, &id, DiscrepancyKind::Short, "confirmed_missing");
        assert_eq!(consignment(&story, &id).status, ConsignmentStatus::Reconciled);
        let mut ends: Vec<(String, bool)> = [1, 2].map(|n| (medium(&story, n).state.to_string(), medium(&story, n).consignment.is_none())).into();
        ends.sort();
        assert_eq!(ends, [("absent".to_owned(), true), ("data_present".to_owned(), true)]);
    }

    #[test]
    fn only_the_organisation_transcribes_and_only_from_a_stored_paper() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let (device, _) = story.retired("A1", "hdd_ata", "low");
        let id = story.released("P1", &[&device]);
        let paper = "ab".repeat(32);
        let mut body = receipt(&id, &json!([{"tag": "A1"}]), false);
        story.refused(&coordinator, "receive_consignment", body.clone(), "consignment.not_for_you");
        body["transcribed"] = json!({"document": paper});
        story.refused(&coordinator, "receive_consignment", body.clone(), "receipt.unknown_document");
        story.done(&coordinator, "receive_evidence", json!({"sha256": paper, "size_bytes": 9, "reader": null, "links": []}));
        story.refused(&operator(), "receive_consignment", body.clone(), "receipt.own_words");
        body["file"] = json!(paper);
        story.refused(&coordinator, "receive_consignment", body.clone(), "receipt.two_sources");
        body["file"] = Value::Null;
        let said = story.when(&coordinator, "receive_consignment", body.clone()).unwrap();
        assert!(said[0].event.sentence().contains(&format!("transcribed by the district from document sha256 {paper}")));
        assert!(said.iter().all(|happening| happening.batch.as_ref().is_some_and(|(id, ..)| Some(id) == said[0].batch.as_ref().map(|(id, ..)| id))));
        story.done(&coordinator, "receive_consignment", body);
        let handoff = asset(&story, &device).handoffs.last().unwrap();
        assert_eq!(handoff.unconfirmed.as_ref().map(Digest::as_str), Some(paper.as_str()));
    }

    #[test]
    fn whoever_came_by_a_link_says_so_and_not_after_its_end() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let (device, _) = story.retired("A1", "hdd_ata", "low");
        let id = story.released("P1", &[&device]);
        let guest = actor(Role::VendorOperator, VENDOR, 77);
        story.done(&coordinator, "create_link", json!({"consignment": id, "link": guest.person, "days": 1}));
        let body = receipt(&id, &json!([{"tag": "A1"}]), false);
        let said = story.when(&guest, "receive_consignment", body.clone()).unwrap();
        assert!(matches!(&said[0].event, super::super::Event::ConsignmentReceived(received) if received.by == Some(Via::Link)));
        // Each entry of a story takes a minute.
        for n in 0..1_440 {
            story.done(
                &coordinator,
                "register_asset",
                json!({"tag": format!("X{n}"), "category": "dock", "manufacturer": "M", "model": "M", "site": "S"}),
            );
        }
        story.refused(&guest, "receive_consignment", body.clone(), "links.ended");
        story.done(&coordinator, "revoke_link", json!({"consignment": id, "link": guest.person}));
        story.refused(&coordinator, "revoke_link", json!({"consignment": id, "link": guest.person}), "links.revoked");
        story.refused(&guest, "receive_consignment", body, "links.ended");
    }
}
