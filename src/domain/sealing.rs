//! Sealing: the list is closed into a manifest that never changes, opened again with a reason, or given up before anything has left.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::asset::Asset;
use super::consignment::{
    Consignment, ConsignmentStatus, Container, Line, asset_subject, medium_subject, require, require_sender, require_status, subject,
};
use super::loading::{require_containers, set_free, with_containers};
use super::manifest::Manifest;
use super::medium::Medium;
use super::names::{ConsignmentId, Digest, Reference, Role, codes, number_of};
use super::records::{Records, Stop};
use super::refusal::Refusal;
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, Subjects};

/// Closes the list and seals the containers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealConsignment {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// Its containers, as far as they were not recorded while it was loaded.
    #[serde(default)]
    pub containers: Vec<Container>,
}

/// `consignment.sealed`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsignmentSealed {
    /// Its containers.
    pub containers: Vec<Container>,
    /// Number of lines.
    pub lines: u32,
    /// SHA-256 of the [`Manifest`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Digest>,
}

impl Order for SealConsignment {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        require_sender(consignment, occasion)?;
        require_status(consignment, "sealed", &[ConsignmentStatus::Open])?;
        if consignment.lines == 0 {
            return Err(Refusal::new("consignment.empty", format!("{} has no lines; scan the devices first.", consignment.reference)).into());
        }
        let mut labels = BTreeSet::new();
        if let Some(twice) = self.containers.iter().find(|container| !labels.insert(&container.label)) {
            let why = format!("{} is given twice; list each container once.", twice.label);
            return Err(Refusal::new("consignment.container_twice", why).into());
        }
        let containers = with_containers(consignment, &self.containers);
        require_containers(consignment, &containers)?;
        let lines = known.lines_of(&consignment.id)?;
        let recorded: BTreeSet<&Reference> = containers.iter().map(|container| &container.label).collect();
        let unknown: BTreeSet<&Reference> =
            lines.iter().filter_map(|line| line.container.as_ref()).filter(|label| !recorded.contains(label)).collect();
        if let Some(first) = unknown.first() {
            let why = format!("There are lines in {first}, and it is no container of {}; give its seal, or its label alone.", consignment.reference);
            return Err(Refusal::new("consignment.unknown_container", why).into());
        }
        let bytes = Manifest::of(consignment, &containers, &lines).bytes()?;
        let manifest = Digest::from_bytes((occasion.sha256)(&bytes));
        let event = ConsignmentSealed { containers, lines: consignment.lines, manifest: Some(manifest) };
        Ok(vec![Happening::new(event, [subject(&consignment.id)])])
    }
}

impl Fact for ConsignmentSealed {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        known.change::<Consignment>(&id, stamp.seq, |consignment| {
            consignment.status = ConsignmentStatus::Sealed;
            consignment.containers.clone_from(&self.containers);
            consignment.sealed = Some(stamp.act());
            consignment.manifest.clone_from(&self.manifest);
        });
    }
    fn sentence(&self) -> String {
        let manifest = self.manifest.as_ref().map(|digest| format!("; manifest sha256 {digest}")).unwrap_or_default();
        let (lines, containers) = (number_of(self.lines, "line", "lines"), number_of(self.containers.len(), "container", "containers"));
        format!("Sealed with {lines} in {containers}{manifest}.")
    }
}

codes! {
    /// Why the sender breaks seals of its own.
    UnsealReason {
        LineMissed = "line_missed", "something was left out";
        WrongLine = "wrong_line", "something is on it that does not belong there";
        Inspection = "inspection", "it was looked into";
        Repacked = "repacked", "it is packed again";
        SealDamaged = "seal_damaged", "a seal was damaged before it left";
    }
}

/// Opens a sealed consignment again: the seals are broken by the sender, and others have to be put on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnsealConsignment {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// Why.
    pub reason: UnsealReason,
}

/// `consignment.unsealed`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsignmentUnsealed {
    /// Why.
    pub reason: UnsealReason,
    /// The seals that were broken.
    pub seals: Vec<Reference>,
    /// SHA-256 of the manifest that does not hold any more.
    pub manifest: Option<Digest>,
}

impl Order for UnsealConsignment {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        require_sender(consignment, occasion)?;
        require_status(consignment, "opened again", &[ConsignmentStatus::Sealed])?;
        let seals = consignment.containers.iter().filter_map(|container| container.seal.clone()).collect();
        let event = ConsignmentUnsealed { reason: self.reason, seals, manifest: consignment.manifest.clone() };
        Ok(vec![Happening::new(event, [subject(&consignment.id)])])
    }
}

impl Fact for ConsignmentUnsealed {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        known.change::<Consignment>(&id, stamp.seq, |consignment| {
            consignment.status = ConsignmentStatus::Open;
            consignment.sealed = None;
            consignment.manifest = None;
            consignment.broken_seals.extend(self.seals.iter().cloned());
            // What is in them may change, so they are weighed again.
            for container in &mut consignment.containers {
                container.seal = None;
                container.gross_weight_grams = None;
            }
        });
    }
    fn sentence(&self) -> String {
        let seals: Vec<_> = self.seals.iter().map(Reference::as_str).collect();
        if seals.is_empty() {
            return format!("Opened again by the sender: {}.", self.reason.label());
        }
        format!("Opened again by the sender: {}. Seals broken: {}.", self.reason.label(), seals.join(", "))
    }
}

codes! {
    /// Why a consignment does not leave.
    CancelReason {
        NotNeeded = "not_needed", "it is not needed";
        Refused = "refused", "the receiver does not take it";
        WrongReceiver = "wrong_receiver", "it was meant for another receiver";
        Merged = "merged", "it goes with another one";
        ErrorInRecord = "error_in_record", "opened in error";
    }
}

/// Gives a consignment up before it has left; what was on it is free again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelConsignment {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// Why.
    pub reason: CancelReason,
}

/// `consignment.cancelled`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsignmentCancelled {
    /// Why.
    pub reason: CancelReason,
}

/// The devices and loose media of a consignment's lines, loaded, as what an entry is about.
pub(super) fn travellers(known: &Records, lines: &[&Line]) -> Result<Vec<Subject>, Stop> {
    let both = (
        known.find_all::<Asset>(lines.iter().filter_map(|line| line.asset())),
        known.find_all::<Medium>(lines.iter().filter_map(|line| line.medium())),
    );
    match both {
        (Err(Stop::Needs(mut needs)), other) => {
            if let Err(Stop::Needs(more)) = other {
                needs.extend(more);
            }
            return Err(Stop::Needs(needs));
        }
        (first, second) => {
            first?;
            second?;
        }
    }
    let media = lines.iter().filter_map(|line| line.medium()).map(medium_subject);
    Ok(lines.iter().filter_map(|line| line.asset()).map(asset_subject).chain(media).collect())
}

impl Order for CancelConsignment {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        require_sender(consignment, occasion)?;
        require_status(consignment, "cancelled", &[ConsignmentStatus::Open, ConsignmentStatus::Sealed])?;
        let many = travellers(known, &known.lines_of(&consignment.id)?)?;
        Ok(Happening::about_consignment(ConsignmentCancelled { reason: self.reason }, subject(&consignment.id), many, occasion.fresh(0)))
    }
}

impl Fact for ConsignmentCancelled {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        set_free(&about.assets(), &about.media(), stamp, known);
        known.change::<Consignment>(&id, stamp.seq, |consignment| consignment.status = ConsignmentStatus::Cancelled);
    }
    fn sentence(&self) -> String {
        format!("Cancelled before it left: {}.", self.reason.label())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::domain::Event;
    use crate::domain::asset::{Asset, Label, Status};
    use crate::domain::consignment::{Consignment, ConsignmentKind, ConsignmentStatus};
    use crate::domain::medium::Medium;
    use crate::domain::names::{AssetId, ConsignmentId, MediumId, Role};
    use crate::domain::story::{DISTRICT, Story, VENDOR, actor};

    fn consignment<'a>(story: &'a Story, id: &str) -> &'a Consignment {
        story.known().find::<Consignment>(&ConsignmentId::parse(id).unwrap()).unwrap().unwrap()
    }
    fn open(story: &mut Story, to: &str, to_site: &str) -> String {
        let body = json!({"reference": format!("C-{to_site}"), "from_site": "Site", "to": to, "to_site": to_site, "carrier": "Carrier"});
        story.done(&actor(Role::Coordinator, DISTRICT, 1), "open_consignment", body)[0].1.clone()
    }

    #[test]
    fn a_seal_is_used_once_and_the_list_is_frozen_under_it() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let (device, _) = story.retired("A1", "hdd_ata", "low");
        let (another, _) = story.retired("A2", "hdd_ata", "low");
        let id = open(&mut story, VENDOR, "Site");
        let container = |label: &str, seal: &str, tare: u32, gross: u32| json!({"consignment": id, "label": label, "seal": seal, "tare_weight_grams": tare, "gross_weight_grams": gross});
        story.done(&coordinator, "add_lines", json!({"consignment": id, "assets": [device], "container": "P1"}));
        let seal = |containers: Value| json!({"consignment": id, "containers": containers});
        story.refused(&coordinator, "seal_consignment", seal(json!([])), "consignment.no_container");
        story.refused(&coordinator, "seal_consignment", seal(json!([{"label": "P2"}])), "consignment.unknown_container");
        story.refused(&coordinator, "record_container", container("P1", "S1", 20_000, 19_999), "consignment.weight");
        story.done(&coordinator, "record_container", container("P1", "S1", 20_000, 30_000));
        story.refused(&coordinator, "record_container", container("P2", "S1", 1, 2), "consignment.seal_twice");
        story.done(&coordinator, "seal_consignment", seal(json!([])));
        let first = consignment(&story, &id).manifest.clone().unwrap();
        assert_eq!(consignment(&story, &id).containers[0].net_weight_grams(), Some(10_000));
        story.refused(&coordinator, "add_lines", json!({"consignment": id, "assets": [another]}), "consignment.wrong_status");
        story.refused(&coordinator, "remove_lines", json!({"consignment": id, "assets": [device]}), "consignment.wrong_status");
        story.done(&coordinator, "unseal_consignment", json!({"consignment": id, "reason": "line_missed"}));
        let opened = consignment(&story, &id);
        assert_eq!((opened.status, &opened.manifest, opened.containers[0].seal.is_none()), (ConsignmentStatus::Open, &None, true));
        story.refused(&coordinator, "seal_consignment", seal(json!([{"label": "P1", "seal": "S1"}])), "consignment.seal_used");
        story.done(&coordinator, "add_lines", json!({"consignment": id, "assets": [another], "container": "P1"}));
        story.done(&coordinator, "seal_consignment", seal(json!([{"label": "P1", "seal": "S2", "gross_weight_grams": 31_000}])));
        assert_ne!(consignment(&story, &id).manifest, Some(first));
        story.done(&coordinator, "release_consignment", json!({"consignment": id, "driver": "TOUR-1"}));
        story.refused(&coordinator, "unseal_consignment", json!({"consignment": id, "reason": "line_missed"}), "consignment.wrong_status");
        story.refused(&coordinator, "cancel_consignment", json!({"consignment": id, "reason": "merged"}), "consignment.wrong_status");
    }

    #[test]
    fn devices_in_any_use_travel_inside_and_only_retired_ones_leave() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        story.done(&actor(Role::Administrator, DISTRICT, 1), "add_site", json!({"party": DISTRICT, "site": "Warehouse"}));
        let body =
            json!({"tag": "A1", "serial": "SA1", "category": "laptop", "manufacturer": "M", "model": "M", "site": "Site", "status": "in_service"});
        let device = story.done(&coordinator, "register_asset", body)[0].1.clone();
        let (retired, _) = story.retired("A2", "hdd_ata", "low");
        let pickup = open(&mut story, VENDOR, "Site");
        let both = |id: &str| json!({"consignment": id, "assets": [device, retired], "container": "CART"});
        story.refused(&coordinator, "add_lines", both(&pickup), "consignment.not_retired");
        let same = json!({"reference": "C9", "from_site": "Site", "to": DISTRICT, "to_site": "Site"});
        story.refused(&coordinator, "open_consignment", same, "consignment.same_site");
        let id = open(&mut story, DISTRICT, "Warehouse");
        assert_eq!(consignment(&story, &id).kind, ConsignmentKind::Internal);
        story.done(&coordinator, "add_lines", both(&id));
        story.refused(&coordinator, "retire", json!({"asset": device, "reason": "surplus"}), "lifecycle.on_consignment");
        story.done(&coordinator, "seal_consignment", json!({"consignment": id, "containers": [{"label": "CART"}]}));
        story.done(&coordinator, "release_consignment", json!({"consignment": id}));
        let of = |story: &Story, id: &str| story.known().find::<Asset>(&AssetId::parse(id).unwrap()).unwrap().unwrap().clone();
        assert_eq!((of(&story, &device).label(), of(&story, &device).status), (Label::Released, Status::InService));
        let scans = json!([{"tag": "A1"}, {"tag": "A2"}]);
        story.done(
            &coordinator,
            "receive_consignment",
            json!({"consignment": id, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": scans}),
        );
        let labels =
            [of(&story, &device), of(&story, &retired)].map(|asset| (asset.label(), asset.holder.site.to_string(), asset.holder.party.to_string()));
        assert_eq!(labels, [Label::InService, Label::SurplusAuthorized].map(|label| (label, "Warehouse".to_owned(), DISTRICT.to_owned())));
    }

    #[test]
    fn loose_media_and_counted_things_go_with_the_devices() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let found =
            json!({"media": [{"serial": "DRIVE-1", "media_type": "hdd_ata"}, {"serial": "DRIVE-2", "media_type": "hdd_ata"}], "site": "Site"});
        let drive = story.done(&coordinator, "record_loose_media", found)[0].1.clone();
        let id = open(&mut story, VENDOR, "Site");
        let count = |no_data: bool, count: u32| json!({"consignment": id, "what": "charger", "count": count, "no_data": no_data, "container": "B"});
        story.refused(&coordinator, "add_quantity", count(false, 40), "consignment.may_hold_data");
        story.refused(&coordinator, "add_quantity", count(true, 0), "consignment.quantity");
        story.done(&coordinator, "add_quantity", count(true, 40));
        story.done(&coordinator, "add_quantity", count(true, 2));
        story.done(&coordinator, "scan", json!({"consignment": id, "serial": "drive1", "container": "B"}));
        story.refused(&coordinator, "add_lines", json!({"consignment": id, "media": [drive]}), "consignment.already_listed");
        let line = story
            .known()
            .lines_of(&ConsignmentId::parse(&id).unwrap())
            .unwrap()
            .iter()
            .find(|line| line.quantity.as_ref().is_some_and(|q| q.count == 2))
            .unwrap()
            .item
            .id()
            .to_owned();
        story.done(&coordinator, "remove_lines", json!({"consignment": id, "quantities": [line]}));
        assert_eq!(consignment(&story, &id).lines, 2);
        story.done(&coordinator, "seal_consignment", json!({"consignment": id, "containers": [{"label": "B"}]}));
        let events = story.when(&coordinator, "release_consignment", json!({"consignment": id})).unwrap();
        assert!(matches!(&events[0].event, Event::ConsignmentReleased(released) if released.may_hold_data), "{events:?}");
        story.done(&coordinator, "release_consignment", json!({"consignment": id}));
        let medium = story.known().find::<Medium>(&MediumId::parse(&drive).unwrap()).unwrap().unwrap();
        assert!(medium.in_transit && medium.handoffs.len() == 1);
        // Cables alone are a consignment too.
        let again = json!({"reference": "C-2", "from_site": "Site", "to": VENDOR, "to_site": "Site"});
        let id = story.done(&coordinator, "open_consignment", again)[0].1.clone();
        story.done(&coordinator, "add_quantity", json!({"consignment": id, "what": "cable", "count": 9, "no_data": true}));
        story.done(&coordinator, "seal_consignment", json!({"consignment": id, "containers": [{"label": "B"}]}));
        story.done(&coordinator, "release_consignment", json!({"consignment": id}));
        assert_eq!(consignment(&story, &id).status, ConsignmentStatus::Released);
    }

    #[test]
    fn five_thousand_devices_leave_in_one_release() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let devices: Vec<String> = (0..5_000).map(|n| story.retired(&format!("T{n:04}"), "emmc", "low").0).collect();
        let id = open(&mut story, VENDOR, "Site");
        let events = story.when(&coordinator, "add_lines", json!({"consignment": id, "assets": devices, "container": "P"})).unwrap();
        assert_eq!(events.len(), 10);
        story.done(&coordinator, "add_lines", json!({"consignment": id, "assets": devices, "container": "P"}));
        story.done(&coordinator, "seal_consignment", json!({"consignment": id, "containers": [{"label": "P"}]}));
        let events = story.when(&coordinator, "release_consignment", json!({"consignment": id})).unwrap();
        assert_eq!(events.last().unwrap().batch.as_ref().map(|(_, part, of)| (*part, *of)), Some((10, Some(10))));
        assert_eq!(events.iter().map(|happening| happening.about.assets().len()).sum::<usize>(), 5_000);
    }
}
