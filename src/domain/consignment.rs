//! A consignment: what travels together, its lines (devices, loose media and quantities), and what differed when it arrived; folded from the events
//! of [`loading`](super::loading), [`sealing`](super::sealing), [`handoff`](super::handoff), [`receipt`](super::receipt),
//! [`reconciliation`](super::reconciliation) and [`links`](super::links), and of what is said of it in [`preparation`](super::preparation),
//! [`overrides`](super::overrides) and [`evidence`](super::evidence).

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::asset::Holder;
use super::lifecycle::RetireReason;
use super::links::OneTimeLink;
use super::medium::{Act, Medium};
use super::names::{
    AssetId, ConsignmentId, Digest, DiscrepancyId, Instant, MediaType, MediumId, Name, PartyId, QuantityId, Reference, Role, Serial, Tag, codes,
};
use super::overrides::{Guard, OverrideReason};
use super::preparation::{Authorization, Rejection, Rung};
use super::records::{Key, Records, Stop, record};
use super::refusal::{Cause, Refusal};
use super::{Occasion, Subject, SubjectKind};

codes! {
    /// From whom to whom a consignment goes.
    ConsignmentKind {
        Internal = "internal", "transfer inside the organisation";
        Pickup = "pickup", "pickup by a vendor";
        Downstream = "downstream", "handed on from vendor to vendor";
        Return = "return", "return to the organisation";
    }
}

impl ConsignmentKind {
    /// Whether a vendor receives it.
    pub const fn is_to_vendor(self) -> bool {
        matches!(self, ConsignmentKind::Pickup | ConsignmentKind::Downstream)
    }
}

codes! {
    /// How far a consignment has come.
    ConsignmentStatus {
        Open = "open", "being loaded";
        Sealed = "sealed", "sealed";
        Released = "released", "on its way";
        PartlyReceived = "partly_received", "received in part, more to come";
        Received = "received", "received, not reconciled";
        Reconciled = "reconciled", "reconciled";
        Cancelled = "cancelled", "cancelled before it left";
    }
}

codes! {
    /// What the receiver found of a line.
    LineState {
        Listed = "listed", "listed";
        Received = "received", "received as listed";
        Short = "short", "short: listed, not found";
        Mismatch = "mismatch", "mismatch: the serial differs";
        Incomplete = "incomplete", "incomplete: received without its drive";
        Count = "count", "count: another number than listed";
        Removed = "removed", "taken off again before it was sealed";
    }
}

codes! {
    /// Things without storage that are counted and not told apart.
    Goods {
        Charger = "charger", "chargers";
        Cable = "cable", "cables";
        Adapter = "adapter", "adapters";
        Battery = "battery", "batteries";
        Keyboard = "keyboard", "keyboards";
        Mouse = "mouse", "mice";
        Headset = "headset", "headsets";
        Dock = "dock", "docks";
        Monitor = "monitor", "monitors";
        Projector = "projector", "projectors";
        Case = "case", "cases and bags";
        Cart = "cart", "carts";
        Mount = "mount", "mounts and stands";
        Toner = "toner", "toner cartridges";
        Parts = "parts", "parts without storage";
        Scrap = "scrap", "mixed scrap without storage";
    }
}

/// So many things of a kind, attested to hold no data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantity {
    /// What they are.
    pub what: Goods,
    /// How many, 1 to 100,000.
    pub count: u32,
    /// Weight of one in grams, where it is known.
    pub unit_weight_grams: Option<u32>,
}

impl Quantity {
    /// `40 chargers`
    pub fn words(&self) -> String {
        format!("{} {}", self.count, self.what.label())
    }
}

codes! {
    /// What differs between what was listed and what arrived.
    DiscrepancyKind {
        Short = "short", "short: listed and not found";
        Over = "over", "over: found and not listed";
        Mismatch = "mismatch", "mismatch: tag and serial number do not belong together";
        Incomplete = "incomplete", "incomplete: the device is there and its drive is not";
        Seal = "seal", "seal: broken, missing or another one";
        Weight = "weight", "weight: more than 5 % from the weight released";
        Count = "count", "count: another number than listed";
    }
}

impl DiscrepancyKind {
    /// How one of this kind can be resolved.
    pub const fn resolutions(self) -> &'static [Resolution] {
        match self {
            DiscrepancyKind::Short => &[Resolution::LocatedAtReceiver, Resolution::NeverLeft, Resolution::ConfirmedMissing],
            DiscrepancyKind::Over => &[Resolution::ScanError, Resolution::ReturnedToSender, Resolution::KeptByReceiver],
            DiscrepancyKind::Mismatch => &[Resolution::ScanError, Resolution::SerialCorrected],
            DiscrepancyKind::Incomplete => &[Resolution::ScanError, Resolution::RemovedBefore, Resolution::ConfirmedMissing],
            DiscrepancyKind::Seal | DiscrepancyKind::Weight => &[Resolution::ContentsVerified, Resolution::RecordCorrected],
            DiscrepancyKind::Count => &[Resolution::ContentsVerified, Resolution::RecordCorrected, Resolution::ConfirmedMissing],
        }
    }
    /// Whether it is about the consignment as a whole: nothing in it may be worked on until it is resolved.
    pub const fn is_of_the_whole(self) -> bool {
        matches!(self, DiscrepancyKind::Seal | DiscrepancyKind::Weight | DiscrepancyKind::Count)
    }
}

codes! {
    /// What the receiver saw wrong with a thing.
    Damage {
        Screen = "screen", "screen broken";
        Case = "case", "case broken or crushed";
        Liquid = "liquid", "wet, or was";
        Battery = "battery", "battery swollen or leaking";
        Parts = "parts", "parts missing";
        DriveAbsent = "drive_absent", "drive absent";
        Other = "other", "damaged otherwise";
    }
}

codes! {
    /// By which way somebody without an account spoke.
    Via {
        Link = "link", "through a one-time link";
    }
}

codes! {
    /// How the driver accepted a consignment.
    AcceptedBy {
        Code = "code", "by a one-time code";
        Paper = "paper", "on the signed paper manifest";
    }
}

codes! {
    /// How the code of a thing was taken down.
    CaptureMethod {
        Scanner = "scanner", "scanner or keyboard";
        Camera = "camera", "camera";
        Photo = "photo", "photograph of the label";
        Hand = "hand", "typed by hand: no label";
    }
}

codes! {
    /// How a discrepancy was resolved.
    Resolution {
        LocatedAtReceiver = "located_at_receiver", "found at the receiver's after all";
        NeverLeft = "never_left", "found where it came from: it never left";
        ConfirmedMissing = "confirmed_missing", "looked for and not found: missing";
        ScanError = "scan_error", "a scanning error; the thing is the one listed";
        SerialCorrected = "serial_corrected", "the serial number on record was wrong and is corrected";
        ReturnedToSender = "returned_to_sender", "sent back to where it came from";
        KeptByReceiver = "kept_by_receiver", "kept by the receiver and registered";
        RemovedBefore = "removed_before", "the drive was taken out before the release";
        ContentsVerified = "contents_verified", "the contents were counted again and are complete";
        RecordCorrected = "record_corrected", "what was recorded was wrong; the thing is as it should be";
    }
}

codes! {
    /// The seal of a container at receipt.
    SealState {
        Intact = "intact", "intact";
        Broken = "broken", "broken";
        Missing = "missing", "missing";
        Different = "different", "another number than listed";
        NotStated = "not_stated", "not stated by the receiver";
    }
}

/// A pallet, cage or box with its seal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// The label on it.
    pub label: Reference,
    /// The seal's number.
    pub seal: Option<Reference>,
    /// Weight of the empty container in grams.
    pub tare_weight_grams: Option<u32>,
    /// Gross weight in grams.
    pub gross_weight_grams: Option<u32>,
}

impl Container {
    /// What is in it weighs so much, where both weights are known.
    pub fn net_weight_grams(&self) -> Option<u32> {
        self.gross_weight_grams?.checked_sub(self.tare_weight_grams?)
    }
}

/// What every scan into a consignment does with a device for which it was not done yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presets {
    /// Why a device that is still in use is retired; without it, only retired devices are taken.
    pub reason: Option<RetireReason>,
    /// What storage is expected in a device whose media nobody recorded; to be confirmed when it is seen.
    pub media_type: Option<MediaType>,
    /// `true`: a device whose media nobody recorded has no storage, because its model has none.
    #[serde(default)]
    pub no_storage: bool,
    /// What is to be done with a device that nobody has evaluated.
    pub rung: Option<Rung>,
    /// Why nothing better is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<Rejection>,
}

/// The code of one scan as it was captured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Captured {
    /// What the scanner sent, where that is more than the tag or serial number: a prefix, an address around it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Name>,
    /// By which means.
    pub method: CaptureMethod,
}

/// An approver lets a consignment go although a rule stands against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Which rule.
    pub guard: Guard,
    /// Why.
    pub reason: OverrideReason,
    /// The organisation's reference to the decision.
    pub reference: Reference,
    /// By whom and when.
    pub granted: Act,
}

/// A container as the receiver found it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerReceived {
    /// The label on it.
    pub label: Reference,
    /// The state of its seal.
    pub seal_state: SealState,
    /// The number that is on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Reference>,
    /// Gross weight in grams.
    pub gross_weight_grams: Option<u32>,
}

/// What a scanner read from one thing: the tag, the serial number or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    /// The tag as captured.
    pub tag: Option<Tag>,
    /// The serial number as captured.
    pub serial: Option<Serial>,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<Damage>,
}

impl Scan {
    /// Whether both were read from the same labels.
    pub fn same(&self, other: &Scan) -> bool {
        let tags = |scan: &Scan| scan.tag.as_ref().map(Tag::normal);
        let serials = |scan: &Scan| scan.serial.as_ref().map(Serial::normal);
        tags(self) == tags(other) && serials(self) == serials(other)
    }
    pub(super) fn words(&self) -> String {
        match (&self.tag, &self.serial) {
            (Some(tag), Some(serial)) => format!("tag {tag}, serial {serial}"),
            (Some(tag), None) => format!("tag {tag}"),
            (None, Some(serial)) => format!("serial {serial}"),
            (None, None) => "neither tag nor serial".to_owned(),
        }
    }
}

/// One receipt of a consignment; one that comes over several days has several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Who signed it in.
    pub act: Act,
    /// Things scanned.
    pub scanned: u32,
    /// More was to come.
    pub more_to_come: bool,
    /// The containers as found.
    pub containers: Vec<ContainerReceived>,
    /// The receiver's paper that the organisation entered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcribed: Option<Digest>,
    /// The receiver's own list that it was read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<Digest>,
    /// The way of somebody without an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Via>,
}

/// The driver's word that a consignment was handed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Acceptance {
    /// Who said so, or entered the paper.
    pub act: Act,
    /// By which way.
    pub by: AcceptedBy,
    /// The stored photograph of the signed paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Digest>,
}

/// What travels together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Consignment {
    /// Its id.
    pub id: ConsignmentId,
    /// The organisation's own number for it.
    pub reference: Reference,
    /// Who releases.
    pub from: Holder,
    /// Who receives.
    pub to: Holder,
    /// From whom to whom.
    pub kind: ConsignmentKind,
    /// How far it has come.
    pub status: ConsignmentStatus,
    /// Its containers.
    pub containers: Vec<Container>,
    /// Seals that were put on and broken again before it left; none of them can be used again.
    pub broken_seals: Vec<Reference>,
    /// The carrier.
    pub carrier: Option<Name>,
    /// The carrier, where it is a registered party.
    pub carrier_party: Option<PartyId>,
    /// The carrier's own reference to the driver or the tour; never a name.
    pub driver: Option<Reference>,
    /// What every scan does.
    pub presets: Presets,
    /// An approver authorised whatever is put on it to be given away.
    pub authorization: Option<Authorization>,
    /// How many things are to be put on it, as planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u32>,
    /// Number of lines.
    pub lines: u32,
    /// When it was opened.
    pub opened_at: Instant,
    /// The sealing that holds now.
    pub sealed: Option<Act>,
    /// SHA-256 of the manifest that was frozen then.
    pub manifest: Option<Digest>,
    /// Rules that an approver set aside for it.
    pub overrides: Vec<Override>,
    /// The release.
    pub released: Option<Act>,
    /// Whether data may have been on something of it when it was released.
    pub may_hold_data: bool,
    /// Business days from the release until its receipt is due.
    pub receipt_days: Option<i64>,
    /// Whoever drives it away has said that it was handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Acceptance>,
    /// The receipt that closed it.
    pub received: Option<Act>,
    /// Things the receiver scanned.
    pub scanned: Option<u32>,
    /// Discrepancies not yet resolved.
    pub open_discrepancies: Vec<DiscrepancyId>,
    /// All discrepancies, resolved or not.
    pub discrepancies: Vec<DiscrepancyId>,
    /// Those of the open ones that are about the whole of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<DiscrepancyId>,
    /// Its receipts, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<Receipt>,
    /// Links by which somebody without an account can receive it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<OneTimeLink>,
    /// Files that were sent for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Digest>,
    /// The entry that changed it last.
    pub last_seq: u64,
}

record!(Consignment, id: ConsignmentId = |c| c.id.clone(), owner: |c| c.id.as_str().to_owned(), shelf: consignments, need: Consignment,
    keys: |c| vec![Consignment::reference_key(&c.from.party, &c.reference)]);

impl Consignment {
    /// The unique value of a reference: each party that opens consignments numbers its own.
    pub fn reference_key(from: &PartyId, reference: &Reference) -> Key {
        Key::new("consignment.reference", format!("{} {from}", reference.as_str().to_uppercase()))
    }
    /// When its receipt is due; nobody waits for one that was received. The first part of what comes over several days is not the receipt of the rest.
    pub fn receipt_due_at(&self) -> Option<Instant> {
        self.receipt_late_at(1)
    }
    /// When so many times the days that its receipt may take are over.
    pub fn receipt_late_at(&self, times: i64) -> Option<Instant> {
        let waiting = matches!(self.status, ConsignmentStatus::Released | ConsignmentStatus::PartlyReceived);
        let days = self.receipt_days.unwrap_or(RECEIPT_DAYS);
        self.released.as_ref().filter(|_| waiting).map(|act| business_days_after(act.occurred, times * days))
    }
    /// For whom the driver speaks: the carrier, where that is registered, else the receiver.
    pub fn driver_party(&self) -> &PartyId {
        self.carrier_party.as_ref().unwrap_or(&self.to.party)
    }
    /// Whether the driver is of another party than the sender, and not of the organisation itself.
    pub fn another_drives(&self) -> bool {
        self.driver_party() != &self.from.party && (self.carrier_party.is_some() || self.kind.is_to_vendor())
    }
    /// Whether this party releases or receives it.
    pub fn concerns(&self, party: &PartyId) -> bool {
        &self.from.party == party || &self.to.party == party
    }
}

/// Business days from a release to its receipt: three, the starting point for contracts (a handoff that nobody acknowledges is a gap in custody).
pub const RECEIPT_DAYS: i64 = 3;
/// The same where something of high or unknown sensitivity travels: one.
pub const RECEIPT_DAYS_SENSITIVE: i64 = 1;
/// Days from a discrepancy to its resolution: two, as long as what differs can still be found.
pub const DISCREPANCY_DAYS: i64 = 2;
/// Days to act on what is critical: the same day.
pub const CRITICAL_DAYS: i64 = 1;

/// When a discrepancy is to be resolved: what may hold data and is not there on the same day, anything else within two days (domain study §6: E-06, E-17,
/// E-24). The entry that records it says so, and everything else reads it there.
pub fn resolution_due(kind: DiscrepancyKind, critical: bool, found: Instant) -> Instant {
    let urgent = kind == DiscrepancyKind::Incomplete || kind == DiscrepancyKind::Short && critical;
    Instant::new(found.utc() + TimeDelta::days(if urgent { CRITICAL_DAYS } else { DISCREPANCY_DAYS }))
}

/// So many business days later, Monday to Friday in UTC, at the same time of day; public holidays are not known here and count.
pub fn business_days_after(at: Instant, days: i64) -> Instant {
    const DAY_MS: i64 = 86_400_000;
    let mut ms = at.unix_ms();
    let mut left = days;
    while left > 0 {
        ms += DAY_MS;
        // 1 January 1970 was a Thursday: Saturday is day 2 and Sunday day 3 of the weeks that begin with it.
        if !matches!(ms.div_euclid(DAY_MS).rem_euclid(7), 2 | 3) {
            left -= 1;
        }
    }
    Instant::from_unix_ms(ms).unwrap_or(at)
}

/// What a line lists: one device, one loose medium, or a number of like things.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// A device.
    Asset(AssetId),
    /// A medium that has no host.
    Medium(MediumId),
    /// A number of like things without storage; the id is the line's own.
    Quantity(QuantityId),
}

impl Item {
    /// Its id.
    pub fn id(&self) -> &str {
        match self {
            Item::Asset(id) => id.as_str(),
            Item::Medium(id) => id.as_str(),
            Item::Quantity(id) => id.as_str(),
        }
    }
    /// The word for what it is.
    pub const fn kind(&self) -> &'static str {
        match self {
            Item::Asset(_) => "asset",
            Item::Medium(_) => "medium",
            Item::Quantity(_) => "quantity",
        }
    }
    /// One text for each item: whoever registers a device may choose its id, so the kind belongs to it.
    pub fn key(&self) -> String {
        match self {
            Item::Asset(id) => id.to_string(),
            Item::Medium(_) | Item::Quantity(_) => format!("{} {}", self.kind(), self.id()),
        }
    }
}

/// One line of one consignment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineId {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// What it lists; none sorts before every line.
    pub item: Option<Item>,
}

impl LineId {
    /// The id of a device's line.
    pub fn new(consignment: &ConsignmentId, asset: &AssetId) -> Self {
        Self::of(consignment, Item::Asset(asset.clone()))
    }
    /// The id of any line.
    pub fn of(consignment: &ConsignmentId, item: Item) -> Self {
        Self { consignment: consignment.clone(), item: Some(item) }
    }
    /// The id of the line with which a medium travels: its device's, or its own where it is loose.
    pub fn of_medium(consignment: &ConsignmentId, medium: &Medium) -> Self {
        Self::of(consignment, medium.host.clone().map_or_else(|| Item::Medium(medium.id.clone()), Item::Asset))
    }
    /// Sorts before every line of the consignment.
    pub fn first_of(consignment: &ConsignmentId) -> Self {
        Self { consignment: consignment.clone(), item: None }
    }
}

/// What is listed on a consignment. Name, serial number and title are those of the day it was listed: the list says what was handed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// What it lists.
    pub item: Item,
    /// What one finds it by: the tag of a device, the serial number of a loose medium, the kind of counted things.
    pub name: String,
    /// Its serial number.
    pub serial: Option<Serial>,
    /// What it is, as one reads it.
    pub title: String,
    /// How many of what, where things are counted.
    pub quantity: Option<Quantity>,
    /// The container it is in.
    pub container: Option<Reference>,
    /// What the receiver found.
    pub state: LineState,
    /// What the receiver saw wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<Damage>,
    /// How many of counted things have come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<u32>,
    /// The entry that listed it.
    pub added: u64,
    /// The entry that changed it last.
    pub last_seq: u64,
}

record!(Line, id: LineId = |l| LineId::of(&l.consignment, l.item.clone()), owner: |l| format!("{} {}", l.consignment, l.item.key()), shelf: lines, need: Line, keys: |_| Vec::new());

impl Line {
    /// The device, where it lists one.
    pub fn asset(&self) -> Option<&AssetId> {
        if let Item::Asset(id) = &self.item { Some(id) } else { None }
    }
    /// The loose medium, where it lists one.
    pub fn medium(&self) -> Option<&MediumId> {
        if let Item::Medium(id) = &self.item { Some(id) } else { None }
    }
    /// Whether it is on the list, and was not taken off again.
    pub fn is_listed(&self) -> bool {
        self.state != LineState::Removed
    }
}

/// Something that differs between release and receipt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Discrepancy {
    /// Its id.
    pub id: DiscrepancyId,
    /// The consignment.
    pub consignment: ConsignmentId,
    /// What differs.
    pub kind: DiscrepancyKind,
    /// The device, where the record knows it.
    pub asset: Option<AssetId>,
    /// The loose medium, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub medium: Option<MediumId>,
    /// The counted things, where it is about some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<QuantityId>,
    /// The scan as captured.
    pub scan: Option<Scan>,
    /// Whether data may be on it.
    pub critical: bool,
    /// The container, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Reference>,
    /// A seal: its state and the number that is on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<(SealState, Option<Reference>)>,
    /// Grams or pieces: as released, or scanned; and as received, or counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<(u32, u32)>,
    /// When it should be resolved.
    pub due_at: Instant,
    /// How it was resolved.
    pub resolution: Option<Resolution>,
    /// By whom.
    pub resolved: Option<Act>,
    /// The document that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Digest>,
    /// The entry that changed it last.
    pub last_seq: u64,
}

record!(Discrepancy, id: DiscrepancyId = |d| d.id.clone(), owner: |d| d.id.as_str().to_owned(), shelf: discrepancies, need: Discrepancy, keys: |_| Vec::new());

impl Discrepancy {
    /// What is to be resolved, in one sentence.
    pub fn words(&self) -> String {
        let place = self.container.as_ref().map_or_else(String::new, |container| format!(", container {container}"));
        let figures = self.figures.map_or_else(String::new, |(expected, found)| {
            let unit = if self.kind == DiscrepancyKind::Weight { " g" } else { "" };
            format!(" ({expected}{unit} expected, {found}{unit} found)")
        });
        format!("{}{place}{figures}.", self.kind.label())
    }
}

/// A consignment that must exist. What does not concern a vendor is unknown to it.
pub(super) fn require<'a>(known: &'a Records, id: &ConsignmentId, occasion: &Occasion) -> Result<&'a Consignment, Stop> {
    match known.find::<Consignment>(id)? {
        Some(consignment) if occasion.actor.sees_consignment(consignment) => Ok(consignment),
        _ => Err(Refusal::new("consignment.unknown", format!("No consignment has the id {id}; look it up.")).into()),
    }
}

/// Heaviest container: 100 tonnes.
const MOST_GRAMS: u32 = 100_000_000;

pub(super) fn require_weights(grams: impl IntoIterator<Item = Option<u32>>) -> Result<(), Refusal> {
    if grams.into_iter().flatten().any(|grams| grams == 0 || grams > MOST_GRAMS) {
        return Err(Refusal::new("consignment.weight", "A weight lies between 1 gram and 100 tonnes; leave it out where nobody weighed."));
    }
    Ok(())
}

pub(super) fn subject(id: &ConsignmentId) -> Subject {
    Subject::new(SubjectKind::Consignment, id.as_str())
}
pub(super) fn medium_subject(id: &MediumId) -> Subject {
    Subject::new(SubjectKind::Medium, id.as_str())
}
pub(super) fn asset_subject(id: &AssetId) -> Subject {
    Subject::new(SubjectKind::Asset, id.as_str())
}

pub(super) fn require_status(consignment: &Consignment, verb: &str, allowed: &[ConsignmentStatus]) -> Result<(), Refusal> {
    if allowed.contains(&consignment.status) {
        return Ok(());
    }
    let words: Vec<_> = allowed.iter().map(|status| status.label()).collect();
    let why = format!("{} is {}; it can be {verb} only while it is {}.", consignment.reference, consignment.status.label(), words.join(" or "));
    let act = match consignment.status {
        ConsignmentStatus::Released => consignment.released.as_ref(),
        ConsignmentStatus::Received => consignment.received.as_ref(),
        ConsignmentStatus::PartlyReceived => consignment.receipts.last().map(|receipt| &receipt.act),
        ConsignmentStatus::Sealed => consignment.sealed.as_ref(),
        ConsignmentStatus::Open | ConsignmentStatus::Reconciled | ConsignmentStatus::Cancelled => None,
    };
    Err(Refusal::new("consignment.wrong_status", why).because(Cause::Entry(act.map_or(consignment.last_seq, |act| act.seq))))
}

/// Refuses where the consignment was changed after entry `last_seq`, which is how the one who gives the command saw it.
pub fn require_unmoved(consignment: &Consignment, last_seq: u64) -> Result<(), Refusal> {
    if consignment.last_seq == last_seq {
        return Ok(());
    }
    Err(Refusal::new(
        "consignment.moved_on",
        format!(
            "{} was changed after you looked at it (at entry {last_seq}; it is at entry {} now). Nothing was recorded: look at it again and decide \
             whether you still want this.",
            consignment.reference, consignment.last_seq
        ),
    )
    .because(Cause::Since(consignment.id.to_string(), last_seq)))
}

pub(super) fn require_sender(consignment: &Consignment, occasion: &Occasion) -> Result<(), Refusal> {
    if consignment.from.party == occasion.actor.party {
        if occasion.actor.role == Role::SchoolContact && consignment.kind != ConsignmentKind::Internal {
            let why = format!("{} leaves the organisation; a coordinator has to load it.", consignment.reference);
            return Err(Refusal::new("consignment.not_internal", why));
        }
        return occasion.may_act_at(&consignment.from.site);
    }
    Err(Refusal::new("consignment.not_yours", format!("{} is released by another party; only its people can do this.", consignment.reference)))
}
