//! Reconciliation: what differs between what was listed and what arrived, and how a named approver resolves it.

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Handoff, Holder, Status};
use super::consignment::{
    Consignment, ConsignmentStatus, Discrepancy, DiscrepancyKind, Item, Line, LineId, LineState, Resolution, Scan, SealState, asset_subject,
    medium_subject, require, resolution_due, subject,
};
use super::correction::under_another_serial;
use super::evidence::require_document;
use super::holds::{Hold, HoldKind};
use super::medium::{self, Medium, MediumState};
use super::missing::{Loss, Missing};
use super::names::{AssetId, Digest, DiscrepancyId, Instant, MediumId, QuantityId, Reference, Role, Serial, Tag, codes, number_of};
use super::receipt::{arrive, arrive_loose, count};
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::sealing::travellers;
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
    /// The container, where it is about one.
    pub container: Option<Reference>,
    /// A seal: its state and the number that is on it.
    pub seal: Option<(SealState, Option<Reference>)>,
    /// The counted things, where it is about some.
    pub quantity: Option<QuantityId>,
    /// Grams or pieces: as released, or scanned; and as received, or counted.
    pub figures: Option<(u32, u32)>,
    /// The document that the organisation entered this from; the receiver itself has said nothing.
    pub unconfirmed: Option<Digest>,
    /// When it should be resolved.
    pub due_at: Option<Instant>,
}

/// `consignment.reconciled`: about the consignment, and what of it the receiver has.
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
        let (asset, medium) = (about.asset(), about.medium());
        let counted = self.quantity.as_ref().map(|id| (Item::Quantity(id.clone()), LineState::Count));
        let short = medium.as_ref().filter(|_| self.kind == DiscrepancyKind::Short).map(|id| (Item::Medium(id.clone()), LineState::Short));
        for (item, state) in counted.into_iter().chain(short) {
            known.change::<Line>(&LineId::of(&consignment, item), stamp.seq, |line| line.state = state);
        }
        if let Some(asset) = &asset {
            let state = match self.kind {
                DiscrepancyKind::Short => Some(LineState::Short),
                DiscrepancyKind::Mismatch => Some(LineState::Mismatch),
                DiscrepancyKind::Incomplete => Some(LineState::Incomplete),
                DiscrepancyKind::Over | DiscrepancyKind::Seal | DiscrepancyKind::Weight | DiscrepancyKind::Count => None,
            };
            if let Some(state) = state {
                known.change::<Line>(&LineId::new(&consignment, asset), stamp.seq, |line| {
                    line.state = state;
                    line.damage = self.scan.as_ref().and_then(|scan| scan.damage);
                });
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
                if let (DiscrepancyKind::Mismatch | DiscrepancyKind::Incomplete, Some(to)) = (self.kind, &self.to) {
                    arrive(asset, to, self.unconfirmed.as_ref(), stamp);
                }
            });
        }
        known.put(
            Discrepancy {
                id: id.clone(),
                consignment: consignment.clone(),
                kind: self.kind,
                asset,
                medium,
                quantity: self.quantity.clone(),
                scan: self.scan.clone(),
                critical: self.critical,
                container: self.container.clone(),
                seal: self.seal.clone(),
                figures: self.figures,
                due_at: self.due_at.unwrap_or_else(|| resolution_due(self.kind, self.critical, stamp.occurred)),
                resolution: None,
                resolved: None,
                document: None,
                last_seq: stamp.seq,
            },
            stamp.seq,
        );
        known.change::<Consignment>(&consignment, stamp.seq, |consignment| {
            consignment.open_discrepancies.push(id.clone());
            if self.kind.is_of_the_whole() {
                consignment.questions.push(id.clone());
            }
            consignment.discrepancies.push(id);
        });
    }
    fn sentence(&self) -> String {
        let mut sentence = format!("Discrepancy, {}.", self.kind.label());
        if let Some(container) = &self.container {
            sentence.push_str(&format!(" Container {container}."));
        }
        match &self.seal {
            Some((state, Some(number))) => sentence.push_str(&format!(" The seal is {}: {number}.", state.label())),
            Some((state, None)) => sentence.push_str(&format!(" The seal is {}.", state.label())),
            None => {}
        }
        if let Some((listed, found)) = self.figures {
            let unit = if self.kind == DiscrepancyKind::Weight { " g" } else { "" };
            sentence.push_str(&format!(" Expected {listed}{unit}, found {found}{unit}."));
        }
        if let Some(scan) = &self.scan {
            sentence.push_str(&format!(" Scanned: {}.", scan.words()));
        }
        sentence
    }
}

impl Fact for ConsignmentReconciled {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        known.change::<Consignment>(&id, stamp.seq, |consignment| consignment.status = ConsignmentStatus::Reconciled);
        let reconcile = |handoffs: &mut [Handoff]| {
            if let Some(handoff) = handoffs.iter_mut().rev().find(|handoff| handoff.consignment == id && handoff.received.is_some()) {
                handoff.reconciled = Some((stamp.seq, stamp.occurred));
            }
        };
        for asset in about.assets() {
            known.change::<Asset>(&asset, stamp.seq, |asset| reconcile(&mut asset.handoffs));
        }
        for medium in about.media() {
            known.change::<Medium>(&medium, stamp.seq, |medium| reconcile(&mut medium.handoffs));
        }
    }
    fn sentence(&self) -> String {
        let (lines, differing) = (number_of(self.listed, "line", "lines"), number_of(self.discrepancies, "discrepancy", "discrepancies"));
        format!("Reconciled: {lines}, {differing}, all resolved.")
    }
}

/// Everything that was listed is resolved: an act about the consignment and what of it has arrived, before or with this act.
pub(super) fn reconciled(
    known: &Records,
    consignment: &Consignment,
    lines: &[&Line],
    arrives: impl Fn(&str) -> bool,
    occasion: &Occasion,
) -> Result<Vec<Happening>, Stop> {
    travellers(known, lines)?;
    let arrived = |handoffs: &[Handoff]| handoffs.iter().any(|handoff| handoff.consignment == consignment.id && handoff.received.is_some());
    let assets = known.find_all::<Asset>(lines.iter().filter_map(|line| line.asset()))?.into_iter().flatten();
    let media = known.find_all::<Medium>(lines.iter().filter_map(|line| line.medium()))?.into_iter().flatten();
    let assets = assets.filter(|asset| arrives(asset.id.as_str()) || arrived(&asset.handoffs)).map(|asset| asset_subject(&asset.id));
    let media = media.filter(|medium| medium.state != MediumState::Withdrawn);
    let media = media.filter(|medium| arrives(medium.id.as_str()) || arrived(&medium.handoffs)).map(|medium| medium_subject(&medium.id));
    let event = ConsignmentReconciled { listed: count(lines.len()), discrepancies: count(consignment.discrepancies.len()) };
    Ok(Happening::about_consignment(event, subject(&consignment.id), assets.chain(media).collect(), occasion.fresh(0)))
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
    pub reference: Option<Reference>,
    /// The stored document that shows it.
    pub document: Option<Digest>,
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
    pub reference: Option<Reference>,
    /// The stored document that shows it.
    pub document: Option<Digest>,
    /// Who has the device or the loose medium from now on, where that changes.
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
        let allowed = discrepancy.kind.resolutions();
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
        if self.reference.is_none() && self.resolution == Resolution::ConfirmedMissing {
            let why = "What is missing is an incident: name its number as the reference.";
            return Err(Refusal::new("consignment.no_incident", why).into());
        }
        if self.reference.is_none() && self.document.is_none() {
            return Err(Refusal::new(
                "consignment.no_basis",
                "A discrepancy is resolved on evidence: name the reference of what was found out, or upload the document and name its SHA-256.",
            )
            .into());
        }
        // A receipt that the receiver itself has not confirmed rests on a document, and shows it.
        if self.resolution == Resolution::LocatedAtReceiver && self.document.is_none() {
            return Err(Refusal::new(
                "consignment.no_document",
                "The receiver has not confirmed that it has it: upload what shows it (its list, its message or a photograph), and name the SHA-256 as \
                 the document.",
            )
            .into());
        }
        require_document(known, self.document.as_ref(), occasion)?;
        let consignment = require(known, &discrepancy.consignment, occasion)?;
        let mut about = vec![Subject::new(SubjectKind::Discrepancy, discrepancy.id.as_str()), subject(&consignment.id)];
        let mut holder = None;
        let (mut serial, mut voided) = (None, Vec::new());
        if let Some(id) = &discrepancy.asset {
            let asset = require_asset(known, id)?;
            known.find_all::<Medium>(&asset.media)?;
            known.find::<Line>(&LineId::new(&consignment.id, id))?;
            about.push(asset_subject(id));
            match self.resolution {
                Resolution::LocatedAtReceiver => holder = Some(consignment.to.clone()),
                Resolution::NeverLeft => holder = Some(consignment.from.clone()),
                Resolution::SerialCorrected => {
                    // A mismatch has one: by it alone the device was found, or it is what differs.
                    serial = discrepancy.scan.as_ref().and_then(|scan| scan.serial.clone());
                    if let Some(scanned) = &serial
                        && known.owner(&Asset::serial_key(scanned))?.is_some_and(|owner| owner != id.as_str())
                    {
                        return Err(
                            Refusal::new("registration.serial_taken", format!("The serial {scanned} belongs to another registered device.")).into()
                        );
                    }
                    let another = |own: &Serial| serial.as_ref().is_none_or(|scanned| !own.same(scanned));
                    if asset.serial.as_ref().is_none_or(another) {
                        voided = under_another_serial(known, asset)?;
                    }
                }
                _ => {}
            }
        }
        if let Some(id) = &discrepancy.medium {
            medium::require(known, id)?;
            about.push(Subject::new(SubjectKind::Medium, id.as_str()));
            match self.resolution {
                Resolution::LocatedAtReceiver => holder = Some(consignment.to.clone()),
                Resolution::NeverLeft => holder = Some(consignment.from.clone()),
                _ => {}
            }
        }
        let event = DiscrepancyResolved {
            kind: discrepancy.kind,
            resolution: self.resolution,
            reference: self.reference.clone(),
            document: self.document.clone(),
            holder,
            serial,
        };
        let mut happenings = vec![Happening::new(event, about)];
        // In the same act, as where the registration is corrected.
        happenings.extend(voided.into_iter().map(|(voided, medium)| Happening::new(voided, [medium])));
        // As long as more is to come nobody can say that the whole of it is there.
        if consignment.status == ConsignmentStatus::Received && consignment.open_discrepancies.iter().all(|open| open == &discrepancy.id) {
            let lines: Vec<&Line> = known.lines_of(&consignment.id)?.into_iter().filter(|line| line.is_listed()).collect();
            let own = [discrepancy.asset.as_ref().map(AssetId::as_str), discrepancy.medium.as_ref().map(MediumId::as_str)];
            let located = |id: &str| self.resolution == Resolution::LocatedAtReceiver && own.contains(&Some(id));
            happenings.extend(reconciled(known, consignment, &lines, located, occasion)?);
        }
        Ok(Happening::one_act(happenings, occasion.fresh(0)))
    }
}

impl DiscrepancyResolved {
    /// What a loose medium that was short comes to. For a while nobody knew where it was: what was sanitized before does not count any more.
    fn settle_loose(&self, medium: &mut Medium, stamp: &Stamp) {
        medium.void_sanitization();
        match (self.resolution, &self.holder) {
            (Resolution::LocatedAtReceiver, Some(holder)) => arrive_loose(medium, holder, self.document.as_ref(), stamp),
            (Resolution::NeverLeft, Some(holder)) => {
                medium.holder = Some(holder.clone());
                medium.in_transit = false;
                medium.consignment = None;
                medium.handoffs.pop();
            }
            _ => {
                medium.state = MediumState::Absent;
                medium.consignment = None;
            }
        }
    }
}

impl Fact for DiscrepancyResolved {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let (Some(id), Some(consignment)) = (about.discrepancy(), about.consignment()) else { return };
        known.change::<Discrepancy>(&id, stamp.seq, |discrepancy| {
            discrepancy.resolution = Some(self.resolution);
            discrepancy.resolved = Some(stamp.act());
            discrepancy.document.clone_from(&self.document);
        });
        known.change::<Consignment>(&consignment, stamp.seq, |consignment| {
            consignment.open_discrepancies.retain(|open| open != &id);
            consignment.questions.retain(|open| open != &id);
        });
        if let Some(id) = about.medium() {
            medium::change(known, &id, stamp.seq, |medium| self.settle_loose(medium, stamp));
        }
        let Some(asset_id) = about.asset() else { return };
        let mut media = Vec::new();
        known.change::<Asset>(&asset_id, stamp.seq, |asset| {
            asset.holds.retain(|hold| hold.discrepancy.as_ref() != Some(&id));
            media.clone_from(&asset.media);
            match (self.resolution, &self.holder) {
                (Resolution::LocatedAtReceiver, Some(holder)) => arrive(asset, holder, self.document.as_ref(), stamp),
                (Resolution::NeverLeft, Some(holder)) => {
                    asset.holder = holder.clone();
                    asset.in_transit = false;
                    asset.consignment = None;
                    asset.handoffs.pop();
                }
                (Resolution::ConfirmedMissing, _) if self.kind == DiscrepancyKind::Short => {
                    if let Some(incident) = self.reference.as_ref().filter(|_| asset.status != Status::Missing) {
                        asset.missing = Some(Missing::opened(stamp, Loss::Lost, incident.clone(), asset.status));
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
        let reference = self.reference.as_ref().map(|reference| format!("reference {reference}"));
        let document = self.document.as_ref().map(|document| format!("document sha256 {document}"));
        let basis: Vec<String> = reference.into_iter().chain(document).collect();
        format!("Discrepancy resolved: {} ({}).", self.resolution.label(), basis.join(", "))
    }
}

/// The equipment verification hold: nothing that came in a consignment may be worked on while a question about the whole of it is open. A line that
/// differs is held by its own discrepancy; one that was received as listed is free as soon as seals, weights and counts are.
pub(super) fn require_no_questions(known: &Records, handoffs: &[Handoff], name: &str) -> Result<(), Stop> {
    let Some(handoff) = handoffs.last().filter(|handoff| handoff.received.is_some()) else { return Ok(()) };
    let Some(consignment) = known.find::<Consignment>(&handoff.consignment)?.filter(|consignment| !consignment.questions.is_empty()) else {
        return Ok(());
    };
    let open = known.find_all::<Discrepancy>(&consignment.questions)?;
    let words: Vec<String> = open.into_iter().flatten().map(Discrepancy::words).collect();
    let why = format!(
        "{name} came with the consignment {}, which is under verification hold: an approver has to resolve first: {}",
        consignment.reference,
        words.join(" ")
    );
    Err(Refusal::listing("consignment.verification_hold", why, words).into())
}

codes! {
    /// Why a scan may be of a thing that was listed otherwise.
    Likeness {
        LookAlike = "look_alike", "characters that look alike";
        OneCharacter = "one_character", "one character differs";
        Prefix = "prefix", "one begins as the other";
    }
}

/// Letters and the digits that one takes for them when a label is read.
pub const ALIKE: [(char, char); 4] = [('O', '0'), ('I', '1'), ('B', '8'), ('S', '5')];
/// Fewest characters that say something when the rest is missing.
const PREFIX: usize = 6;
/// Fewest characters that say something when one of them differs.
const FEW: usize = 4;

/// How two texts, in the form that they are compared in, are near each other. Equal ones are not near: they match.
fn likeness(one: &str, other: &str) -> Option<Likeness> {
    let fold = |text: &str| -> Vec<char> {
        let alike = |c| ALIKE.iter().find_map(|(letter, digit)| (c == *letter).then_some(*digit)).unwrap_or(c);
        text.chars().map(alike).collect()
    };
    let (a, b): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if a == b || a.len().min(b.len()) < FEW {
        return None;
    }
    if fold(one) == fold(other) {
        return Some(Likeness::LookAlike);
    }
    let start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let longest = a.len().max(b.len());
    if a.len().abs_diff(b.len()) <= 1 && start + end + 1 >= longest {
        return Some(Likeness::OneCharacter);
    }
    (start == a.len().min(b.len()) && start >= PREFIX).then_some(Likeness::Prefix)
}

/// Something short and something over that may be one thing. An offer to a person: nothing follows from it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Suggestion {
    /// Why.
    pub because: Likeness,
    /// `tag` or `serial`.
    pub of: &'static str,
    /// As listed.
    pub listed: String,
    /// As scanned.
    pub scanned: String,
    /// What is short.
    pub short: DiscrepancyId,
    /// What is over.
    pub over: DiscrepancyId,
}

/// What is short, with the tag and serial number that are listed.
pub type NotFound<'a> = (&'a DiscrepancyId, &'a Tag, Option<&'a Serial>);

/// Every pair of something short and something over that may be one thing, most telling first.
pub fn suggestions(short: &[NotFound], over: &[(&DiscrepancyId, &Scan)]) -> Vec<Suggestion> {
    let mut found = Vec::new();
    for (missing, tag, serial) in short {
        for (id, scan) in over {
            let tags = scan.tag.as_ref().map(|scanned| ("tag", tag.as_str(), scanned.as_str(), likeness(&tag.normal(), &scanned.normal())));
            let serials = serial.zip(scan.serial.as_ref());
            let serials = serials.map(|(own, scanned)| ("serial", own.as_str(), scanned.as_str(), likeness(&own.normal(), &scanned.normal())));
            for (of, listed, scanned, because) in serials.into_iter().chain(tags) {
                if let Some(because) = because {
                    let (short, over) = ((*missing).clone(), (*id).clone());
                    found.push(Suggestion { because, of, listed: listed.to_owned(), scanned: scanned.to_owned(), short, over });
                }
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::asset::Label;
    use super::super::story::{DISTRICT, Story, VENDOR, actor};
    use super::*;

    #[test]
    fn what_arrived_is_reconciled_when_everything_that_was_listed_with_it_is() {
        let mut story = Story::new();
        let (operator, approver) = (actor(Role::VendorOperator, VENDOR, 1), actor(Role::Approver, DISTRICT, 1));
        let devices: Vec<String> = ["A1", "A2", "A3"].iter().map(|tag| story.retired(tag, "hdd_ata", "low").0).collect();
        let labels = |story: &Story| -> Vec<Label> { devices.iter().map(|id| story.asset(id).label()).collect() };
        let consignment = story.released("C1", &[&devices[0], &devices[1], &devices[2]]);
        let receipt = json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": [{"tag": "A1"}]});
        let about = story.done(&operator, "receive_consignment", receipt);
        assert_eq!(labels(&story), [Label::Received, Label::Discrepancy, Label::Discrepancy]);
        let mut short: Vec<String> = about.into_iter().filter(|(kind, _)| *kind == SubjectKind::Discrepancy).map(|(_, id)| id).collect();
        short.dedup();
        let of = |story: &Story, device: &str| {
            let about = |id: &&String| story.known().find::<Discrepancy>(&DiscrepancyId::parse(id).unwrap()).unwrap().unwrap().asset.clone();
            short.iter().find(|id| about(id).unwrap().as_str() == device).unwrap().clone()
        };
        let stayed = json!({"discrepancy": of(&story, &devices[1]), "resolution": "never_left", "reference": "CASE-1"});
        story.done(&approver, "resolve_discrepancy", stayed);
        assert_eq!(labels(&story), [Label::Received, Label::SurplusAuthorized, Label::Discrepancy]);
        let document = story.document();
        let located = json!({"discrepancy": of(&story, &devices[2]), "resolution": "located_at_receiver", "document": document});
        let told = story.when(&approver, "resolve_discrepancy", located.clone()).unwrap();
        let mut named: Vec<String> = told[1].about.assets().iter().map(ToString::to_string).collect();
        let mut arrived = [devices[0].clone(), devices[2].clone()];
        named.sort();
        arrived.sort();
        assert_eq!((told[1].event.name(), named), ("consignment.reconciled", arrived.to_vec()), "what stayed is in no entry of the receiver's");
        story.done(&approver, "resolve_discrepancy", located);
        assert_eq!(labels(&story), [Label::Reconciled, Label::SurplusAuthorized, Label::Reconciled]);
    }

    #[test]
    fn what_was_sanitized_under_the_wrong_serial_number_does_not_count_when_that_is_corrected() {
        for (media_type, expected) in [("emmc", MediumState::DataPresent), ("hdd_ata", MediumState::InProcess)] {
            let mut story = Story::new();
            let (coordinator, operator, approver) =
                (actor(Role::Coordinator, DISTRICT, 1), actor(Role::VendorOperator, VENDOR, 1), actor(Role::Approver, DISTRICT, 1));
            let (device, medium) = story.retired("A1", media_type, "low");
            let (technique, serial) = if media_type == "emmc" { ("factory_reset", "SA1") } else { ("host_overwrite", "MA1") };
            let reading = json!({"technique": technique, "result": "pass", "errors": 0, "complete": true, "hidden_area": "none"});
            let file = json!({"sha256": "a".repeat(64), "size_bytes": 10, "reader": {"name": "nwipe-log", "version": 1, "records": 1, "remarks": 0},
                "links": [{"medium": medium, "serial": serial, "reading": reading}]});
            let reset = json!({"medium": medium, "technique": technique, "evidence": "a".repeat(64),
                "statement": {"completed_without_error": true, "account_removed": true}});
            story.done(&coordinator, "receive_evidence", file);
            story.done(&coordinator, "record_sanitization", reset.clone());
            let consignment = story.released("C1", &[&device]);
            let receipt = json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}],
                "scans": [{"tag": "A1", "serial": "SA1X"}]});
            let about = story.done(&operator, "receive_consignment", receipt);
            let mismatch = about.iter().find(|(kind, _)| *kind == SubjectKind::Discrepancy).unwrap().1.clone();
            let corrected = json!({"discrepancy": mismatch, "resolution": "serial_corrected", "reference": "LABEL-1"});
            let told = story.when(&approver, "resolve_discrepancy", corrected.clone()).unwrap();
            let events: Vec<&str> = told.iter().map(|happening| happening.event.name()).collect();
            let voided: &[&str] = if media_type == "emmc" { &["media.sanitization_voided"] } else { &[] };
            assert_eq!(events, [&["discrepancy.resolved"], voided, &["consignment.reconciled"]].concat());
            story.done(&approver, "resolve_discrepancy", corrected);
            assert_eq!(story.medium(&medium).state, expected, "{media_type}");
            if media_type == "emmc" {
                // Nor can the file that names the other one be used again.
                story.refused(&operator, "record_sanitization", reset, "sanitization.other_medium");
            }
        }
    }

    #[test]
    fn near_misses_are_told_apart_from_matches_and_from_others() {
        for (one, other, expected) in [
            ("5CD0O81B", "5CD00818", Some(Likeness::LookAlike)),
            ("SI8", "518", None),
            ("NXABC1", "NXA8C1", Some(Likeness::LookAlike)),
            ("NXABC1", "NXAXC1", Some(Likeness::OneCharacter)),
            ("NXABC1", "NXAC1", Some(Likeness::OneCharacter)),
            ("NXABC1", "NXABC12", Some(Likeness::OneCharacter)),
            ("NXABC1", "NXABC1234", Some(Likeness::Prefix)),
            ("NXABC", "NXABC1234", None),
            ("NXABC1", "NXABC1", None),
            ("NXABC1", "NXCBA1", None),
            ("AAAA", "AAA", None),
        ] {
            assert_eq!(likeness(one, other), expected, "{one} {other}");
            assert_eq!(likeness(other, one), expected, "{other} {one}");
        }
    }
}
