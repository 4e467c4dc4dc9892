//! Consignments: what travels together. A handoff is two signed acts, the release by one party and the receipt by the other; the receiver counts
//! independently, and reconciliation follows from both.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Handoff, Holder, Status};
use super::medium::{Act, Medium};
use super::names::{AssetId, ConsignmentId, DiscrepancyId, Instant, Name, PartyId, Reference, Role, Serial, Tag, codes};
use super::records::{Key, Records, Stop, record};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects, parties, require_asset};

codes! {
    /// How far a consignment has come.
    ConsignmentStatus {
        Open = "open", "being loaded";
        Sealed = "sealed", "sealed";
        Released = "released", "on its way";
        Received = "received", "received, not reconciled";
        Reconciled = "reconciled", "reconciled";
    }
}

codes! {
    /// What the receiver found of a line.
    LineState {
        Listed = "listed", "listed";
        Received = "received", "received as listed";
        Short = "short", "short: listed, not found";
        Mismatch = "mismatch", "mismatch: the serial differs";
    }
}

codes! {
    /// What differs between what was listed and what arrived.
    DiscrepancyKind {
        Short = "short", "short: listed and not found";
        Over = "over", "over: found and not listed";
        Mismatch = "mismatch", "mismatch: tag and serial number do not belong together";
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
    }
}

codes! {
    /// The seal of a container at receipt.
    SealState {
        Intact = "intact", "intact";
        Broken = "broken", "broken";
        Missing = "missing", "missing";
        Different = "different", "another number than listed";
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
    /// Gross weight in grams.
    pub gross_weight_grams: Option<u32>,
}

/// A container as the receiver found it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerReceived {
    /// The label on it.
    pub label: Reference,
    /// The state of its seal.
    pub seal_state: SealState,
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
}

impl Scan {
    fn words(&self) -> String {
        match (&self.tag, &self.serial) {
            (Some(tag), Some(serial)) => format!("tag {tag}, serial {serial}"),
            (Some(tag), None) => format!("tag {tag}"),
            (None, Some(serial)) => format!("serial {serial}"),
            (None, None) => "neither tag nor serial".to_owned(),
        }
    }
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
    /// How far it has come.
    pub status: ConsignmentStatus,
    /// Its containers.
    pub containers: Vec<Container>,
    /// The carrier.
    pub carrier: Option<Name>,
    /// Number of lines.
    pub lines: u32,
    /// When it was opened.
    pub opened_at: Instant,
    /// The release.
    pub released: Option<Act>,
    /// The receipt.
    pub received: Option<Act>,
    /// Things the receiver scanned.
    pub scanned: Option<u32>,
    /// Discrepancies not yet resolved.
    pub open_discrepancies: Vec<DiscrepancyId>,
    /// All discrepancies, resolved or not.
    pub discrepancies: Vec<DiscrepancyId>,
    /// The entry that changed it last.
    pub last_seq: u64,
}

record!(Consignment, id: ConsignmentId = |c| c.id.clone(), owner: |c| c.id.as_str().to_owned(), shelf: consignments, need: Consignment,
    keys: |c| vec![Consignment::reference_key(&c.reference)]);

impl Consignment {
    /// The unique value of a reference.
    pub fn reference_key(reference: &Reference) -> Key {
        Key::new("consignment.reference", reference.as_str().to_uppercase())
    }
    /// Whether this party releases or receives it.
    pub fn concerns(&self, party: &PartyId) -> bool {
        &self.from.party == party || &self.to.party == party
    }
}

/// One device of one consignment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineId {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// The device.
    pub asset: Option<AssetId>,
}

impl LineId {
    /// The id of a line.
    pub fn new(consignment: &ConsignmentId, asset: &AssetId) -> Self {
        Self { consignment: consignment.clone(), asset: Some(asset.clone()) }
    }
    /// Sorts before every line of the consignment.
    pub fn first_of(consignment: &ConsignmentId) -> Self {
        Self { consignment: consignment.clone(), asset: None }
    }
}

/// A device listed on a consignment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// The device.
    pub asset: AssetId,
    /// The container it is in.
    pub container: Option<Reference>,
    /// What the receiver found.
    pub state: LineState,
    /// The entry that changed it last.
    pub last_seq: u64,
}

record!(Line, id: LineId = |l| LineId::new(&l.consignment, &l.asset), owner: |l| format!("{} {}", l.consignment, l.asset), shelf: lines, need: Line, keys: |_| Vec::new());

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
    /// The scan as captured.
    pub scan: Option<Scan>,
    /// Whether data may be on it.
    pub critical: bool,
    /// How it was resolved.
    pub resolution: Option<Resolution>,
    /// By whom.
    pub resolved: Option<Act>,
    /// The entry that changed it last.
    pub last_seq: u64,
}

record!(Discrepancy, id: DiscrepancyId = |d| d.id.clone(), owner: |d| d.id.as_str().to_owned(), shelf: discrepancies, need: Discrepancy, keys: |_| Vec::new());

/// A consignment that must exist. What does not concern a vendor is unknown to it.
fn require<'a>(known: &'a Records, id: &ConsignmentId, occasion: &Occasion) -> Result<&'a Consignment, Stop> {
    match known.find::<Consignment>(id)? {
        Some(consignment) if !occasion.actor.role.is_vendor() || consignment.concerns(&occasion.actor.party) => Ok(consignment),
        _ => Err(Refusal::new("consignment.unknown", format!("No consignment has the id {id}; look it up.")).into()),
    }
}

/// Heaviest container: 100 tonnes.
const MOST_GRAMS: u32 = 100_000_000;

fn require_weights(grams: impl IntoIterator<Item = Option<u32>>) -> Result<(), Refusal> {
    if grams.into_iter().flatten().any(|grams| grams == 0 || grams > MOST_GRAMS) {
        return Err(Refusal::new("consignment.weight", "gross_weight_grams lies between 1 gram and 100 tonnes; leave it out where nobody weighed."));
    }
    Ok(())
}

fn subject(id: &ConsignmentId) -> Subject {
    Subject::new(SubjectKind::Consignment, id.as_str())
}
fn asset_subject(id: &AssetId) -> Subject {
    Subject::new(SubjectKind::Asset, id.as_str())
}

fn require_status(consignment: &Consignment, verb: &str, allowed: &[ConsignmentStatus]) -> Result<(), Refusal> {
    if allowed.contains(&consignment.status) {
        return Ok(());
    }
    let words: Vec<_> = allowed.iter().map(|status| status.label()).collect();
    let why = format!("{} is {}; it can be {verb} only while it is {}.", consignment.reference, consignment.status.label(), words.join(" or "));
    let act = match consignment.status {
        ConsignmentStatus::Released => consignment.released.as_ref(),
        ConsignmentStatus::Received => consignment.received.as_ref(),
        ConsignmentStatus::Open | ConsignmentStatus::Sealed | ConsignmentStatus::Reconciled => None,
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

fn require_sender(consignment: &Consignment, occasion: &Occasion) -> Result<(), Refusal> {
    if consignment.from.party == occasion.actor.party {
        return Ok(());
    }
    Err(Refusal::new("consignment.not_yours", format!("{} is released by another party; only its people can do this.", consignment.reference)))
}

/// Opens a consignment to another party.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenConsignment {
    /// Its id; a fresh one where none is given.
    pub consignment: Option<ConsignmentId>,
    /// The organisation's own number for it.
    pub reference: Reference,
    /// The site it leaves from.
    pub from_site: Name,
    /// Who receives it.
    pub to: PartyId,
    /// The receiver's site.
    pub to_site: Name,
    /// The carrier.
    pub carrier: Option<Name>,
}

/// `consignment.opened`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsignmentOpened {
    /// The organisation's own number for it.
    pub reference: Reference,
    /// Who releases.
    pub from: Holder,
    /// Who receives.
    pub to: Holder,
    /// The carrier.
    pub carrier: Option<Name>,
}

impl Order for OpenConsignment {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let id = self.consignment.clone().unwrap_or_else(|| ConsignmentId::from_uuid(occasion.fresh(0)));
        let to = parties::require(known, &self.to)?;
        if self.to == occasion.actor.party {
            return Err(Refusal::new("consignment.to_self", "Name the party that receives it; this is your own.").into());
        }
        if !to.sites.contains(&self.to_site) {
            let sites: Vec<_> = to.sites.iter().map(Name::as_str).collect();
            return Err(Refusal::new(
                "consignment.unknown_site",
                format!("{} has no site “{}”; it has: {}.", to.name, self.to_site, sites.join(", ")),
            )
            .into());
        }
        let same_id = known.find::<Consignment>(&id)?.map(|consignment| consignment.id.as_str());
        if let Some(other) = known.owner(&Consignment::reference_key(&self.reference))?.or(same_id) {
            let why = format!("A consignment {} exists already; choose another reference.", self.reference);
            return Err(Refusal::new("consignment.exists", why).because(Cause::First(other.to_owned())).into());
        }
        let event = ConsignmentOpened {
            reference: self.reference.clone(),
            from: Holder { party: occasion.actor.party.clone(), site: self.from_site.clone() },
            to: Holder { party: self.to.clone(), site: self.to_site.clone() },
            carrier: self.carrier.clone(),
        };
        Ok(vec![Happening::new(event, [subject(&id)])])
    }
}

impl Fact for ConsignmentOpened {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        known.put(
            Consignment {
                id,
                reference: self.reference.clone(),
                from: self.from.clone(),
                to: self.to.clone(),
                status: ConsignmentStatus::Open,
                containers: Vec::new(),
                carrier: self.carrier.clone(),
                lines: 0,
                opened_at: stamp.occurred,
                released: None,
                received: None,
                scanned: None,
                open_discrepancies: Vec::new(),
                discrepancies: Vec::new(),
                last_seq: stamp.seq,
            },
            stamp.seq,
        );
    }
    fn sentence(&self) -> String {
        format!("Consignment {} opened, from {} to {}.", self.reference, self.from.site, self.to.site)
    }
}

/// Puts retired devices on a consignment: one scan, or many.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddLines {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// The devices.
    pub assets: Vec<AssetId>,
    /// The container they are put in.
    pub container: Option<Reference>,
}

/// `consignment.line_added`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineAdded {
    /// The container.
    pub container: Option<Reference>,
}

impl Order for AddLines {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        require_sender(consignment, occasion)?;
        require_status(consignment, "loaded", &[ConsignmentStatus::Open])?;
        if self.assets.is_empty() || self.assets.len() > 5_000 {
            return Err(Refusal::new("consignment.line_count", "Add between 1 and 5,000 devices at a time.").into());
        }
        let mut seen = std::collections::BTreeSet::new();
        for (id, asset) in self.assets.iter().zip(known.find_all::<Asset>(&self.assets)?) {
            let Some(asset) = asset else {
                return Err(Refusal::new("registration.unknown_asset", format!("No device has the id {id}; register it first.")).into());
            };
            if !seen.insert(id) {
                return Err(Refusal::new("consignment.twice", format!("{} is in this request twice.", asset.tag)).into());
            }
            if let Some(other) = &asset.consignment {
                let (on, line) = (require(known, other, occasion)?, known.find::<Line>(&LineId::new(other, id))?);
                let why = format!("{} is on the consignment {} already; leave it there, or scan the right device.", asset.tag, on.reference);
                let cause = Cause::Entry(line.map_or(asset.last_seq, |line| line.last_seq));
                return Err(Refusal::new("consignment.already_listed", why).because(cause).into());
            }
            if asset.status != Status::Retired {
                return Err(Refusal::new(
                    "consignment.not_retired",
                    format!("{} is {}; retire it before it leaves.", asset.tag, asset.status.label()),
                )
                .into());
            }
            if asset.holder.party != consignment.from.party {
                return Err(Refusal::new("consignment.not_here", format!("{} is not in your hands according to the record.", asset.tag)).into());
            }
            if !asset.holds.is_empty() {
                return Err(Refusal::new(
                    "consignment.held",
                    format!("{} is held by an unresolved discrepancy; an approver has to resolve it first.", asset.tag),
                )
                .into());
            }
        }
        let many = self.assets.iter().map(asset_subject).collect();
        Ok(Happening::about_many(LineAdded { container: self.container.clone() }, subject(&consignment.id), many, occasion.fresh(0)))
    }
}

impl Fact for LineAdded {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        let assets = about.assets();
        for asset in &assets {
            let line = Line {
                consignment: id.clone(),
                asset: asset.clone(),
                container: self.container.clone(),
                state: LineState::Listed,
                last_seq: stamp.seq,
            };
            known.put(line, stamp.seq);
            known.change::<Asset>(asset, stamp.seq, |asset| asset.consignment = Some(id.clone()));
        }
        known.change::<Consignment>(&id, stamp.seq, |consignment| consignment.lines += u32::try_from(assets.len()).unwrap_or(0));
    }
    fn sentence(&self) -> String {
        match &self.container {
            Some(container) => format!("Put on the consignment, in {container}."),
            None => "Put on the consignment.".to_owned(),
        }
    }
}

/// Closes the list and seals the containers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealConsignment {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// Its containers.
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
}

impl Order for SealConsignment {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        require_sender(consignment, occasion)?;
        require_status(consignment, "sealed", &[ConsignmentStatus::Open])?;
        if consignment.lines == 0 {
            return Err(Refusal::new("consignment.empty", format!("{} has no lines; scan the devices first.", consignment.reference)).into());
        }
        if self.containers.is_empty() || self.containers.len() > 500 {
            return Err(Refusal::new("consignment.no_container", "Name between 1 and 500 containers with their seals.").into());
        }
        require_weights(self.containers.iter().map(|container| container.gross_weight_grams))?;
        let event = ConsignmentSealed { containers: self.containers.clone(), lines: consignment.lines };
        Ok(vec![Happening::new(event, [subject(&consignment.id)])])
    }
}

impl Fact for ConsignmentSealed {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        known.change::<Consignment>(&id, stamp.seq, |consignment| {
            consignment.status = ConsignmentStatus::Sealed;
            consignment.containers.clone_from(&self.containers);
        });
    }
    fn sentence(&self) -> String {
        format!("Sealed with {} lines in {} containers.", self.lines, self.containers.len())
    }
}

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
        known.find_all::<Asset>(lines.iter().map(|line| &line.asset))?;
        let event = ConsignmentReleased { from: consignment.from.clone(), to: consignment.to.clone(), carrier: consignment.carrier.clone() };
        let many = lines.iter().map(|line| asset_subject(&line.asset)).collect();
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

fn count(n: usize) -> u32 {
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
            known.find_all::<Asset>(lines.iter().map(|line| &line.asset))?.into_iter().flatten().map(|asset| (&asset.id, asset)).collect();

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
fn arrive(asset: &mut Asset, to: &Holder, stamp: &Stamp) {
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

impl Fact for DiscrepancyRecorded {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let (Some(id), Some(consignment)) = (about.discrepancy(), about.consignment()) else { return };
        let asset = about.asset();
        if let Some(asset) = &asset {
            let state = match self.kind {
                DiscrepancyKind::Short => Some(LineState::Short),
                DiscrepancyKind::Mismatch => Some(LineState::Mismatch),
                DiscrepancyKind::Over => None,
            };
            if let Some(state) = state {
                known.change::<Line>(&LineId::new(&consignment, asset), stamp.seq, |line| line.state = state);
            }
            known.change::<Asset>(asset, stamp.seq, |asset| {
                asset.holds.push(id.clone());
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
            asset.holds.retain(|hold| hold != &id);
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
                    asset.status = Status::Missing;
                    asset.consignment = None;
                }
                _ => {}
            }
            if self.serial.is_some() {
                asset.serial.clone_from(&self.serial);
            }
        });
        // For a while nobody knew where the device was: what was sanitized before does not count any more.
        if self.kind == DiscrepancyKind::Short {
            for medium in media {
                known.change::<Medium>(&medium, stamp.seq, Medium::void_sanitization);
            }
        }
    }
    fn sentence(&self) -> String {
        format!("Discrepancy resolved: {} (reference {}).", self.resolution.label(), self.reference)
    }
}
