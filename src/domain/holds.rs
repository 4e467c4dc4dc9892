//! Holds: what keeps a device where it is, whoever wants to go on with it, and who may lift each.

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Status};
use super::names::{AssetId, DiscrepancyId, Instant, Reference, Role, codes};
use super::records::{Key, Records, Stop};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subjects, about, require_asset};

codes! {
    /// Kinds of hold.
    HoldKind {
        Discrepancy = "discrepancy", "an unresolved discrepancy";
        LegalHold = "legal_hold", "a legal hold";
        Quarantine = "quarantine", "quarantine";
    }
}

impl HoldKind {
    /// Who lifts it and how.
    pub const fn lifted_by(self) -> &'static str {
        match self {
            HoldKind::Discrepancy => "an approver has to resolve it",
            HoldKind::LegalHold => "an approver or administrator has to lift it",
            HoldKind::Quarantine => "an approver has to lift it",
        }
    }
}

codes! {
    /// Why a device is held.
    HoldReason {
        Litigation = "litigation", "litigation or investigation";
        RecordsRequest = "records_request", "an outstanding request to inspect records";
        Retention = "retention", "records on it have to be kept longer";
        SwollenBattery = "swollen_battery", "a swollen battery";
        Leak = "leak", "a leak or breakage that endangers people";
        EvidenceDisputed = "evidence_disputed", "the evidence is disputed";
        VendorSuspended = "vendor_suspended", "the vendor is suspended";
    }
}

impl HoldReason {
    const fn fits(self, kind: HoldKind) -> bool {
        match self {
            HoldReason::Litigation | HoldReason::RecordsRequest | HoldReason::Retention => matches!(kind, HoldKind::LegalHold),
            HoldReason::SwollenBattery | HoldReason::Leak | HoldReason::EvidenceDisputed | HoldReason::VendorSuspended => {
                matches!(kind, HoldKind::Quarantine)
            }
        }
    }
}

/// What holds a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its kind.
    pub kind: HoldKind,
    /// The entry that placed it.
    pub entry: u64,
    /// When.
    pub placed: Instant,
    /// Why; a discrepancy says so itself.
    pub reason: Option<HoldReason>,
    /// The organisation's reference.
    pub reference: Option<Reference>,
    /// The discrepancy.
    pub discrepancy: Option<DiscrepancyId>,
    /// The container that it lies in alone.
    pub container: Option<Reference>,
}

impl Hold {
    /// The unique value of a container that holds one dangerous thing.
    pub fn container_key(container: &Reference) -> Key {
        Key::new("asset.quarantine", container.as_str().to_uppercase())
    }

    /// What holds it, and who has to do what.
    pub fn words(&self) -> String {
        let reason = self.reason.map(|reason| format!(" ({})", reason.label())).unwrap_or_default();
        format!("{}{reason}: {}", self.kind.label(), self.kind.lifted_by())
    }
}

impl Asset {
    /// Whether a hold of this kind is on it.
    pub fn is_held_by(&self, kind: HoldKind) -> bool {
        self.holds.iter().any(|hold| hold.kind == kind)
    }

    /// The sentence that says what holds it and who has to lift that; none where nothing does.
    pub fn held(&self) -> Option<String> {
        if self.holds.is_empty() {
            return None;
        }
        let words: Vec<String> = self.holds.iter().map(Hold::words).collect();
        Some(format!("{} is held by {}.", self.tag, words.join("; by ")))
    }

    /// Refuses where anything holds it.
    pub fn require_free(&self, code: &'static str) -> Result<(), Refusal> {
        match (self.held(), self.holds.first()) {
            (Some(why), Some(hold)) => Err(Refusal::new(code, why).because(Cause::Entry(hold.entry))),
            _ => Ok(()),
        }
    }
}

/// Bars a device from being sanitized, given away or changed: records on it have to be kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceLegalHold {
    /// The device.
    pub asset: AssetId,
    /// Why.
    pub reason: HoldReason,
    /// The matter.
    pub reference: Reference,
}

/// Ends a legal hold.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiftLegalHold {
    /// The device.
    pub asset: AssetId,
    /// The decision that ends it.
    pub reference: Reference,
}

/// Sets a device apart: it is dangerous, or something about it is in dispute.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// The device.
    pub asset: AssetId,
    /// Why.
    pub reason: HoldReason,
    /// The container that it lies in alone; needed where its battery is swollen.
    pub container: Option<Reference>,
}

/// Ends a quarantine.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiftQuarantine {
    /// The device.
    pub asset: AssetId,
    /// What was done.
    pub reference: Reference,
}

/// `asset.held`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldPlaced {
    /// Its kind.
    pub kind: HoldKind,
    /// Why.
    pub reason: HoldReason,
    /// The matter.
    pub reference: Option<Reference>,
    /// The container that it lies in alone.
    pub container: Option<Reference>,
}

/// `asset.released_from_hold`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldLifted {
    /// Its kind.
    pub kind: HoldKind,
    /// The decision that ends it, or what was done.
    pub reference: Reference,
}

/// What may be held: everything that is not gone for good.
fn to_hold<'a>(known: &'a Records, id: &AssetId, kind: HoldKind, reason: HoldReason) -> Result<&'a Asset, Stop> {
    let asset = require_asset(known, id)?;
    let gone: &[Status] =
        if kind == HoldKind::LegalHold { &[Status::Disposed, Status::WrittenOff] } else { &[Status::Disposed, Status::WrittenOff, Status::Missing] };
    if gone.contains(&asset.status) {
        let why = format!("{} is {}; there is nothing to hold. Record what was found out where it is needed.", asset.tag, asset.status.label());
        return Err(Refusal::new("holds.gone", why).because(Cause::Entry(asset.last_seq)).into());
    }
    if !reason.fits(kind) {
        let words: Vec<_> = HoldReason::ALL.iter().filter(|reason| reason.fits(kind)).map(|reason| reason.as_str()).collect();
        return Err(
            Refusal::new("holds.reason", format!("“{}” is no reason for {}; choose: {}.", reason.as_str(), kind.label(), words.join(", "))).into()
        );
    }
    if let Some(hold) = asset.holds.iter().find(|hold| hold.kind == kind) {
        let why = format!("{} is held by {} already.", asset.tag, kind.label());
        return Err(Refusal::new("holds.held", why).because(Cause::Entry(hold.entry)).into());
    }
    Ok(asset)
}

fn lift(known: &Records, id: &AssetId, kind: HoldKind, reference: &Reference) -> Result<Vec<Happening>, Stop> {
    let asset = require_asset(known, id)?;
    if !asset.is_held_by(kind) {
        return Err(Refusal::new("holds.not_held", format!("{} is not held by {}; look it up.", asset.tag, kind.label())).into());
    }
    Ok(vec![Happening::new(HoldLifted { kind, reference: reference.clone() }, about(asset))])
}

impl Order for PlaceLegalHold {
    const ROLES: &'static [Role] = &[Role::Approver, Role::Administrator];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = to_hold(known, &self.asset, HoldKind::LegalHold, self.reason)?;
        let event = HoldPlaced { kind: HoldKind::LegalHold, reason: self.reason, reference: Some(self.reference.clone()), container: None };
        Ok(vec![Happening::new(event, about(asset))])
    }
}

impl Order for LiftLegalHold {
    const ROLES: &'static [Role] = &[Role::Approver, Role::Administrator];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        lift(known, &self.asset, HoldKind::LegalHold, &self.reference)
    }
}

impl Order for Quarantine {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::Approver];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = to_hold(known, &self.asset, HoldKind::Quarantine, self.reason)?;
        match &self.container {
            None if self.reason == HoldReason::SwollenBattery => {
                let why = format!("A swollen battery can burn: put {} into a container of its own, and name that.", asset.tag);
                return Err(Refusal::new("holds.no_container", why).into());
            }
            Some(container) => {
                if let Some(owner) = known.owner(&Hold::container_key(container))? {
                    let why = format!("The container {container} holds another quarantined device already; use one of its own.");
                    return Err(Refusal::new("holds.container_taken", why).because(Cause::First(owner.to_owned())).into());
                }
            }
            None => {}
        }
        let event = HoldPlaced { kind: HoldKind::Quarantine, reason: self.reason, reference: None, container: self.container.clone() };
        Ok(vec![Happening::new(event, about(asset))])
    }
}

impl Order for LiftQuarantine {
    const ROLES: &'static [Role] = &[Role::Approver];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        lift(known, &self.asset, HoldKind::Quarantine, &self.reference)
    }
}

impl Fact for HoldPlaced {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        known.change::<Asset>(&id, stamp.seq, |asset| {
            asset.holds.push(Hold {
                kind: self.kind,
                entry: stamp.seq,
                placed: stamp.occurred,
                reason: Some(self.reason),
                reference: self.reference.clone(),
                discrepancy: None,
                container: self.container.clone(),
            });
        });
    }
    fn sentence(&self) -> String {
        let container = self.container.as_ref().map(|container| format!(", alone in {container}")).unwrap_or_default();
        format!("Held by {}: {}{container}.", self.kind.label(), self.reason.label())
    }
}

impl Fact for HoldLifted {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        known.change::<Asset>(&id, stamp.seq, |asset| asset.holds.retain(|hold| hold.kind != self.kind));
    }
    fn sentence(&self) -> String {
        format!("No longer held by {} (reference {}).", self.kind.label(), self.reference)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::asset::Label;
    use super::super::names::Role;
    use super::super::story::{DISTRICT, Story, actor};

    #[test]
    fn a_hold_stops_everything_and_only_some_may_lift_it() {
        let mut story = Story::new();
        let (one, two) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::Coordinator, DISTRICT, 2));
        let (approver, administrator) = (actor(Role::Approver, DISTRICT, 1), actor(Role::Administrator, DISTRICT, 1));
        let (device, disk) = story.retired("A1", "hdd_ata", "low");
        story.refused(&one, "place_legal_hold", json!({"asset": device, "reason": "litigation", "reference": "C"}), "command.wrong_role");
        story.done(&administrator, "place_legal_hold", json!({"asset": device, "reason": "litigation", "reference": "CASE-1"}));
        assert_eq!(story.asset(&device).label(), Label::LegalHold);
        let melt = json!({"medium": disk, "technique": "melt", "statement": {"facility": "F", "facility_batch": "B"}});
        let why = story.refused(&one, "record_sanitization", melt.clone(), "sanitization.held");
        assert!(why.contains("an approver or administrator has to lift it"), "{why}");
        story.refused(&one, "return_to_service", json!({"asset": device, "reason": "needed_again"}), "lifecycle.held");
        story.done(&approver, "lift_legal_hold", json!({"asset": device, "reference": "CASE-1-END"}));
        story.done(&one, "record_sanitization", melt);

        story.done(&one, "quarantine", json!({"asset": device, "reason": "evidence_disputed"}));
        story.refused(&one, "lift_quarantine", json!({"asset": device, "reference": "X"}), "command.wrong_role");
        story.refused(&two, "verify_sanitization", json!({"medium": disk}), "sanitization.held");
        story.done(&approver, "lift_quarantine", json!({"asset": device, "reference": "CHECKED-1"}));
        story.done(&two, "verify_sanitization", json!({"medium": disk}));
    }

    #[test]
    fn a_swollen_battery_lies_alone_in_its_container() {
        let mut story = Story::new();
        let one = actor(Role::Coordinator, DISTRICT, 1);
        let ((a, _), (b, _)) = (story.retired("A1", "emmc", "low"), story.retired("A2", "emmc", "low"));
        let apart = |device: &str, container: Option<&str>| json!({"asset": device, "reason": "swollen_battery", "container": container});
        story.refused(&one, "quarantine", apart(&a, None), "holds.no_container");
        story.done(&one, "quarantine", apart(&a, Some("box-1")));
        story.refused(&one, "quarantine", apart(&b, Some("BOX-1")), "holds.container_taken");
        story.done(&actor(Role::Approver, DISTRICT, 1), "lift_quarantine", json!({"asset": a, "reference": "RECYCLED-BATTERY"}));
        story.done(&one, "quarantine", apart(&b, Some("BOX-1")));
    }

    #[test]
    fn a_hold_that_comes_late_keeps_a_sealed_pallet_here() {
        let mut story = Story::new();
        let one = actor(Role::Coordinator, DISTRICT, 1);
        let (device, _) = story.retired("A1", "emmc", "low");
        let open = json!({"reference": "C1", "from_site": "Site", "to": super::super::story::VENDOR, "to_site": "Site"});
        let consignment = story.done(&one, "open_consignment", open)[0].1.clone();
        story.done(&one, "add_lines", json!({"consignment": consignment, "assets": [device]}));
        story.done(&one, "seal_consignment", json!({"consignment": consignment, "containers": [{"label": "P"}]}));
        let hold = json!({"asset": device, "reason": "retention", "reference": "CASE-2"});
        story.done(&actor(Role::Approver, DISTRICT, 1), "place_legal_hold", hold);
        story.refused(&one, "release_consignment", json!({"consignment": consignment}), "consignment.held");
    }
}
