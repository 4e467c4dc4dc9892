//! Loading: a consignment is opened, given containers, and filled line by line; until it is sealed, lines come off again as they came on.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Holder, Status};
use super::consignment::{
    Captured, Consignment, ConsignmentKind, ConsignmentStatus, Container, Goods, Item, Line, LineId, LineState, Presets, Quantity, asset_subject,
    medium_subject, require, require_sender, require_status, require_weights, subject,
};
use super::medium::{self, Medium};
use super::names::{AssetId, ConsignmentId, MediumId, Name, PartyId, QuantityId, Reference, Role};
use super::parties::{self, Party, PartyKind};
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::scanning::require_presets;
use super::{Fact, Happening, Occasion, Order, Stamp, Subjects, preparation};

/// Opens a consignment: inside the organisation, to a vendor, from a vendor to another one, or back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenConsignment {
    /// Its id; a fresh one where none is given.
    pub consignment: Option<ConsignmentId>,
    /// The sender's own number for it.
    pub reference: Reference,
    /// The site it leaves from.
    pub from_site: Name,
    /// Who receives it; the sender's own party for a transfer inside the organisation.
    pub to: PartyId,
    /// The receiver's site.
    pub to_site: Name,
    /// The carrier.
    pub carrier: Option<Name>,
    /// The carrier, where it is a registered party.
    pub carrier_party: Option<PartyId>,
    /// What every scan does with a device for which it was not done yet.
    pub presets: Option<Presets>,
    /// How many things are to be put on it, as planned.
    pub expected: Option<u32>,
}

/// `consignment.opened`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsignmentOpened {
    /// The sender's own number for it.
    pub reference: Reference,
    /// From whom to whom. The first entries of this kind did not say it: then every consignment was a pickup.
    #[serde(default = "pickup")]
    pub kind: ConsignmentKind,
    /// Who releases.
    pub from: Holder,
    /// Who receives.
    pub to: Holder,
    /// The carrier.
    pub carrier: Option<Name>,
    /// The carrier, where it is a registered party.
    pub carrier_party: Option<PartyId>,
    /// What every scan does.
    #[serde(default)]
    pub presets: Option<Presets>,
    /// How many things are to be put on it, as planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u32>,
}

/// Whether `from` may send to `to`, and what that is. Which vendors are registered is nothing that a vendor is told.
fn kind<'a>(known: &'a Records, to: &PartyId, occasion: &Occasion) -> Result<(&'a Party, &'a Party, ConsignmentKind), Stop> {
    let from = parties::require(known, &occasion.actor.party)?;
    let to = match known.find::<Party>(to)? {
        Some(to) => to,
        None if occasion.actor.role.is_vendor() => return Err(not_downstream(from, to).into()),
        None => parties::require(known, to)?,
    };
    let kind = match (from.kind, to.kind) {
        (PartyKind::Organisation, PartyKind::Organisation) => ConsignmentKind::Internal,
        (PartyKind::Organisation, PartyKind::Vendor) => ConsignmentKind::Pickup,
        (PartyKind::Vendor, PartyKind::Organisation) => ConsignmentKind::Return,
        (PartyKind::Vendor, PartyKind::Vendor) if from.may_hand_on_to(&to.id) => ConsignmentKind::Downstream,
        (PartyKind::Vendor, _) => return Err(not_downstream(from, &to.id).into()),
        (_, PartyKind::Carrier) | (PartyKind::Carrier, _) => {
            let why = format!("{} carries and keeps nothing; name the party that receives it.", to.name);
            return Err(Refusal::new("consignment.to_carrier", why).into());
        }
    };
    Ok((from, to, kind))
}

pub(super) fn not_downstream(from: &Party, to: &PartyId) -> Refusal {
    let why =
        format!("{to} is not approved as downstream of {}; name the organisation, or ask its approver to approve that vendor first.", from.name);
    Refusal::new("vendors.not_downstream", why)
}

fn require_site(party: &Party, site: &Name) -> Result<(), Refusal> {
    if party.sites.contains(site) {
        return Ok(());
    }
    let why = format!("{} has no site “{site}”; it has: {}. Name one of these, or have an administrator add it.", party.name, party.sites_in_words());
    Err(Refusal::new("consignment.unknown_site", why))
}

/// Most things that can be planned for one consignment.
const MOST_EXPECTED: u32 = 100_000;

impl Order for OpenConsignment {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let id = self.consignment.clone().unwrap_or_else(|| ConsignmentId::from_uuid(occasion.fresh(0)));
        let (from, to, kind) = kind(known, &self.to, occasion)?;
        require_site(to, &self.to_site)?;
        if from.kind == PartyKind::Vendor {
            require_site(from, &self.from_site)?;
        }
        if kind == ConsignmentKind::Internal && self.from_site == self.to_site {
            let why = format!("It would leave “{}” and arrive there; name two sites.", self.from_site);
            return Err(Refusal::new("consignment.same_site", why).into());
        }
        let carrier = match &self.carrier_party {
            Some(id) if !occasion.actor.role.is_vendor() => Some(parties::require(known, id)?.name.clone()),
            Some(_) => {
                return Err(Refusal::new("consignment.carrier", "Name the carrier in words; carriers are registered by the organisation.").into());
            }
            None => self.carrier.clone(),
        };
        if let Some(presets) = &self.presets {
            require_presets(presets, kind)?;
        }
        if self.expected.is_some_and(|expected| expected == 0 || expected > MOST_EXPECTED) {
            let why = format!("expected lies between 1 and {MOST_EXPECTED}; leave it out where nobody knows it.");
            return Err(Refusal::new("consignment.expected", why).into());
        }
        let same_id = match known.find::<Consignment>(&id)? {
            Some(_) if occasion.actor.role.is_vendor() => {
                return Err(Refusal::new("consignment.id_taken", format!("The id {id} cannot be used; leave it out, or send another one.")).into());
            }
            same => same.map(|consignment| consignment.id.as_str()),
        };
        if let Some(other) = known.owner(&Consignment::reference_key(&from.id, &self.reference))?.or(same_id) {
            let why = format!("A consignment {} exists already; choose another reference.", self.reference);
            return Err(Refusal::new("consignment.exists", why).because(Cause::First(other.to_owned())).into());
        }
        let event = ConsignmentOpened {
            reference: self.reference.clone(),
            kind,
            from: Holder { party: from.id.clone(), site: self.from_site.clone() },
            to: Holder { party: self.to.clone(), site: self.to_site.clone() },
            carrier,
            carrier_party: self.carrier_party.clone(),
            presets: self.presets.clone(),
            expected: self.expected,
        };
        Ok(vec![Happening::new(event, [subject(&id)])])
    }
}

fn pickup() -> ConsignmentKind {
    ConsignmentKind::Pickup
}

impl Fact for ConsignmentOpened {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        known.put(
            Consignment {
                id,
                reference: self.reference.clone(),
                kind: self.kind,
                from: self.from.clone(),
                to: self.to.clone(),
                status: ConsignmentStatus::Open,
                containers: Vec::new(),
                broken_seals: Vec::new(),
                carrier: self.carrier.clone(),
                carrier_party: self.carrier_party.clone(),
                driver: None,
                presets: self.presets.clone().unwrap_or_default(),
                authorization: None,
                expected: self.expected,
                accepted: None,
                lines: 0,
                opened_at: stamp.occurred,
                sealed: None,
                manifest: None,
                overrides: Vec::new(),
                released: None,
                may_hold_data: false,
                receipt_days: None,
                received: None,
                scanned: None,
                open_discrepancies: Vec::new(),
                discrepancies: Vec::new(),
                questions: Vec::new(),
                receipts: Vec::new(),
                links: Vec::new(),
                documents: Vec::new(),
                last_seq: stamp.seq,
            },
            stamp.seq,
        );
    }
    fn sentence(&self) -> String {
        format!("Consignment {} opened ({}), from {} to {}.", self.reference, self.kind.label(), self.from.site, self.to.site)
    }
}

/// Names a container, or what was learned of one: its seal, its weights. What is left out stays as it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordContainer {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// The label on it.
    pub label: Reference,
    /// The seal's number.
    pub seal: Option<Reference>,
    /// Weight of the empty container in grams.
    pub tare_weight_grams: Option<u32>,
    /// Gross weight in grams.
    pub gross_weight_grams: Option<u32>,
}

/// `consignment.container_recorded`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerRecorded {
    /// The label on it.
    pub label: Reference,
    /// The seal's number.
    pub seal: Option<Reference>,
    /// Weight of the empty container in grams.
    pub tare_weight_grams: Option<u32>,
    /// Gross weight in grams.
    pub gross_weight_grams: Option<u32>,
}

/// The containers as they stand, with what is newly said of some of them.
pub(super) fn with_containers(consignment: &Consignment, said: &[Container]) -> Vec<Container> {
    let mut containers = consignment.containers.clone();
    for new in said {
        match containers.iter_mut().find(|known| known.label == new.label) {
            Some(known) => {
                known.seal = new.seal.clone().or(known.seal.take());
                known.tare_weight_grams = new.tare_weight_grams.or(known.tare_weight_grams);
                known.gross_weight_grams = new.gross_weight_grams.or(known.gross_weight_grams);
            }
            None => containers.push(new.clone()),
        }
    }
    containers
}

/// Containers that can be: not too many, weights that add up, and seals that are on one container each and were never broken.
pub(super) fn require_containers(consignment: &Consignment, containers: &[Container]) -> Result<(), Refusal> {
    if containers.is_empty() || containers.len() > 500 {
        return Err(Refusal::new("consignment.no_container", "Name between 1 and 500 containers with their seals."));
    }
    require_weights(containers.iter().flat_map(|container| [container.gross_weight_grams, container.tare_weight_grams]))?;
    let mut seals = std::collections::BTreeSet::new();
    for container in containers {
        if let (Some(gross), Some(tare)) = (container.gross_weight_grams, container.tare_weight_grams)
            && gross < tare
        {
            let why = format!("{} weighs less than it does empty; correct one of the weights.", container.label);
            return Err(Refusal::new("consignment.weight", why));
        }
        let Some(seal) = &container.seal else { continue };
        if consignment.broken_seals.contains(seal) {
            return Err(Refusal::new("consignment.seal_used", format!("The seal {seal} was broken before; put on a new one and give its number.")));
        }
        if !seals.insert(seal) {
            return Err(Refusal::new("consignment.seal_twice", format!("The seal {seal} is given for two containers; read the numbers again.")));
        }
    }
    Ok(())
}

impl Order for RecordContainer {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        require_sender(consignment, occasion)?;
        require_status(consignment, "given a container", &[ConsignmentStatus::Open])?;
        let said = Container {
            label: self.label.clone(),
            seal: self.seal.clone(),
            tare_weight_grams: self.tare_weight_grams,
            gross_weight_grams: self.gross_weight_grams,
        };
        require_containers(consignment, &with_containers(consignment, std::slice::from_ref(&said)))?;
        let event = ContainerRecorded {
            label: said.label,
            seal: said.seal,
            tare_weight_grams: said.tare_weight_grams,
            gross_weight_grams: said.gross_weight_grams,
        };
        Ok(vec![Happening::new(event, [subject(&consignment.id)])])
    }
}

impl Fact for ContainerRecorded {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        known.change::<Consignment>(&id, stamp.seq, |consignment| {
            let said = Container {
                label: self.label.clone(),
                seal: self.seal.clone(),
                tare_weight_grams: self.tare_weight_grams,
                gross_weight_grams: self.gross_weight_grams,
            };
            consignment.containers = with_containers(consignment, &[said]);
        });
    }
    fn sentence(&self) -> String {
        match &self.seal {
            Some(seal) => format!("Container {} with the seal {seal}.", self.label),
            None => format!("Container {}.", self.label),
        }
    }
}

/// Puts devices and loose media on a consignment: one scan, or many.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddLines {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// The devices.
    #[serde(default)]
    pub assets: Vec<AssetId>,
    /// The loose media.
    #[serde(default)]
    pub media: Vec<MediumId>,
    /// The container they are put in.
    pub container: Option<Reference>,
    /// How the one thing of a scan was captured.
    #[serde(skip)]
    pub captured: Option<Captured>,
}

/// `consignment.line_added`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineAdded {
    /// The container.
    pub container: Option<Reference>,
    /// How the one thing of a scan was captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<Captured>,
}

/// Most lines that one command adds or takes off.
const MOST_LINES: usize = 5_000;

fn require_count(lines: usize) -> Result<(), Refusal> {
    if (1..=MOST_LINES).contains(&lines) {
        return Ok(());
    }
    Err(Refusal::new("consignment.line_count", "List between 1 and 5,000 things at a time."))
}

fn require_once<T: Ord>(seen: &mut BTreeSet<T>, id: T, title: impl std::fmt::Display) -> Result<(), Refusal> {
    if seen.insert(id) {
        return Ok(());
    }
    Err(Refusal::new("consignment.twice", format!("{title} is in this request twice; list it once.")))
}

/// What is on a consignment already is on no other one.
fn on_another(known: &Records, occasion: &Occasion, other: &ConsignmentId, item: Item, title: &str, last_seq: u64) -> Result<(), Stop> {
    let (on, line) = (require(known, other, occasion)?, known.find::<Line>(&LineId::of(other, item))?);
    let why = format!("{title} is on the consignment {} already; leave it there, or scan the right one.", on.reference);
    let cause = Cause::Entry(line.map_or(last_seq, |line| line.last_seq));
    Err(Refusal::new("consignment.already_listed", why).because(cause).into())
}

/// Which devices travel: inside the organisation any that is at hand, out of it only a retired one.
fn require_travels(asset: &Asset, kind: ConsignmentKind) -> Result<(), Refusal> {
    let leaves = kind.is_to_vendor();
    match asset.status {
        Status::Retired => Ok(()),
        Status::InStock | Status::InService | Status::InRepair if !leaves => Ok(()),
        Status::InStock | Status::InService | Status::InRepair => {
            Err(Refusal::new("consignment.not_retired", format!("{} is {}; retire it before it leaves.", asset.tag, asset.status.label())))
        }
        _ => {
            Err(Refusal::new("consignment.gone", format!("{} is {}; scan the right device, or correct the record.", asset.tag, asset.status.label())))
        }
    }
}

fn require_asset_loadable(known: &Records, occasion: &Occasion, consignment: &Consignment, asset: &Asset) -> Result<(), Stop> {
    occasion.may_touch(asset)?;
    if let Some(other) = &asset.consignment {
        on_another(known, occasion, other, Item::Asset(asset.id.clone()), asset.tag.as_str(), asset.last_seq)?;
    }
    require_travels(asset, consignment.kind)?;
    if asset.holder.party != consignment.from.party {
        return Err(
            Refusal::new("consignment.not_here", format!("{} is not in your hands according to the record; receive it first.", asset.tag)).into()
        );
    }
    asset.require_free("consignment.held")?;
    if consignment.kind == ConsignmentKind::Pickup {
        preparation::require_authorized(asset)?;
    }
    Ok(())
}

fn require_medium_loadable(known: &Records, occasion: &Occasion, consignment: &Consignment, medium: &Medium) -> Result<(), Stop> {
    if let Some(host) = medium.host_of(known)? {
        occasion.may_touch(host).map_err(|_| medium::unknown(&medium.id))?;
        medium.require_real()?;
        let why = format!("{} is in {}; list that device, or record that the medium was taken out.", medium.title(), host.tag);
        return Err(Refusal::new("consignment.not_loose", why).into());
    }
    occasion.may_touch_loose(medium)?;
    medium.require_real()?;
    if let Some(other) = &medium.consignment {
        on_another(known, occasion, other, Item::Medium(medium.id.clone()), &medium.title(), medium.last_seq)?;
    }
    if medium.is_destroyed() {
        return Err(Refusal::new("consignment.gone", format!("{} is destroyed; list what is left of it as a quantity.", medium.title())).into());
    }
    if medium.holder.as_ref().is_none_or(|holder| holder.party != consignment.from.party) {
        let why = format!("{} is not in your hands according to the record; receive it first.", medium.title());
        return Err(Refusal::new("consignment.not_here", why).into());
    }
    Ok(())
}

impl Order for AddLines {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator, Role::SchoolContact];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        require_sender(consignment, occasion)?;
        require_status(consignment, "loaded", &[ConsignmentStatus::Open])?;
        require_count(self.assets.len() + self.media.len())?;
        let mut seen = BTreeSet::new();
        for (id, asset) in self.assets.iter().zip(known.find_all::<Asset>(&self.assets)?) {
            let Some(asset) = asset else { return Err(super::unknown_asset(id).into()) };
            require_once(&mut seen, id.as_str(), &asset.tag)?;
            require_asset_loadable(known, occasion, consignment, asset)?;
        }
        for (id, medium) in self.media.iter().zip(known.find_all::<Medium>(&self.media)?) {
            let Some(medium) = medium else { return Err(medium::unknown(id).into()) };
            require_once(&mut seen, id.as_str(), medium.title())?;
            require_medium_loadable(known, occasion, consignment, medium)?;
        }
        let many = self.assets.iter().map(asset_subject).chain(self.media.iter().map(medium_subject)).collect();
        Ok(Happening::about_many(
            LineAdded { container: self.container.clone(), captured: self.captured.clone() },
            subject(&consignment.id),
            many,
            occasion.fresh(0),
        ))
    }
}

impl Fact for LineAdded {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(consignment) = about.consignment() else { return };
        let line = |item, name, serial, title| Line {
            consignment: consignment.clone(),
            item,
            name,
            serial,
            title,
            quantity: None,
            container: self.container.clone(),
            state: LineState::Listed,
            damage: None,
            found: None,
            added: stamp.seq,
            last_seq: stamp.seq,
        };
        let mut lines = Vec::new();
        for id in about.assets() {
            known.change::<Asset>(&id, stamp.seq, |asset| {
                asset.consignment = Some(consignment.clone());
                lines.push(line(Item::Asset(asset.id.clone()), asset.tag.to_string(), asset.serial.clone(), asset.title()));
            });
        }
        for id in about.media() {
            known.change::<Medium>(&id, stamp.seq, |medium| {
                medium.consignment = Some(consignment.clone());
                let name = medium.serial.as_ref().map_or_else(|| medium.id.to_string(), ToString::to_string);
                lines.push(line(Item::Medium(medium.id.clone()), name, medium.serial.clone(), medium.media_type.label().to_owned()));
            });
        }
        let added = u32::try_from(lines.len()).unwrap_or(u32::MAX);
        lines.into_iter().for_each(|line| known.put(line, stamp.seq));
        known.change::<Consignment>(&consignment, stamp.seq, |consignment| consignment.lines += added);
    }
    fn sentence(&self) -> String {
        let how = self.captured.as_ref().map(|captured| format!(" ({})", captured.method.label())).unwrap_or_default();
        match &self.container {
            Some(container) => format!("Put on the consignment, in {container}{how}."),
            None => format!("Put on the consignment{how}."),
        }
    }
}

/// Lists a number of like things without storage: one line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddQuantity {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// What they are.
    pub what: Goods,
    /// How many, 1 to 100,000.
    pub count: u32,
    /// Weight of one in grams, where it is known.
    pub unit_weight_grams: Option<u32>,
    /// `true`: whoever lists them has looked, and none of them holds data.
    pub no_data: bool,
    /// The container they are put in.
    pub container: Option<Reference>,
}

/// `consignment.quantity_added`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuantityAdded {
    /// The id of the line.
    pub line: QuantityId,
    /// What, and how many.
    pub quantity: Quantity,
    /// Attested: none of them holds data.
    pub no_data: bool,
    /// The container.
    pub container: Option<Reference>,
}

/// Most things of one line, and the heaviest one: 100 kg.
const MOST_COUNTED: u32 = 100_000;
const HEAVIEST_GRAMS: u32 = 100_000;

impl Order for AddQuantity {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        require_sender(consignment, occasion)?;
        require_status(consignment, "loaded", &[ConsignmentStatus::Open])?;
        if !self.no_data {
            let why =
                "Things that may hold data are listed one by one, each by its tag or serial number. Where none of these does, send no_data: true.";
            return Err(Refusal::new("consignment.may_hold_data", why).into());
        }
        if self.count == 0 || self.count > MOST_COUNTED {
            return Err(Refusal::new("consignment.quantity", format!("count lies between 1 and {MOST_COUNTED}.")).into());
        }
        if self.unit_weight_grams.is_some_and(|grams| grams == 0 || grams > HEAVIEST_GRAMS) {
            let why = "unit_weight_grams lies between 1 gram and 100 kg; leave it out where nobody knows it.";
            return Err(Refusal::new("consignment.weight", why).into());
        }
        let line = QuantityId::from_uuid(occasion.fresh(0));
        known.find::<Line>(&LineId::of(&consignment.id, Item::Quantity(line.clone())))?;
        let quantity = Quantity { what: self.what, count: self.count, unit_weight_grams: self.unit_weight_grams };
        let event = QuantityAdded { line, quantity, no_data: true, container: self.container.clone() };
        Ok(vec![Happening::new(event, [subject(&consignment.id)])])
    }
}

impl Fact for QuantityAdded {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(consignment) = about.consignment() else { return };
        let line = Line {
            consignment: consignment.clone(),
            item: Item::Quantity(self.line.clone()),
            name: self.quantity.what.to_string(),
            serial: None,
            title: self.quantity.words(),
            quantity: Some(self.quantity.clone()),
            container: self.container.clone(),
            state: LineState::Listed,
            damage: None,
            found: None,
            added: stamp.seq,
            last_seq: stamp.seq,
        };
        known.put(line, stamp.seq);
        known.change::<Consignment>(&consignment, stamp.seq, |consignment| consignment.lines += 1);
    }
    fn sentence(&self) -> String {
        let words = self.quantity.words();
        match &self.container {
            Some(container) => format!("Put on the consignment, in {container}: {words}, attested to hold no data."),
            None => format!("Put on the consignment: {words}, attested to hold no data."),
        }
    }
}

/// Takes lines off again before the list is closed: a mis-scan, a change of mind.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveLines {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// The devices.
    #[serde(default)]
    pub assets: Vec<AssetId>,
    /// The loose media.
    #[serde(default)]
    pub media: Vec<MediumId>,
    /// The lines of counted things.
    #[serde(default)]
    pub quantities: Vec<QuantityId>,
}

/// `consignment.line_removed`: the things are as free as before; nothing is wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineRemoved {
    /// The line of counted things, where it is one.
    pub line: Option<QuantityId>,
}

impl Order for RemoveLines {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator, Role::SchoolContact];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        require_sender(consignment, occasion)?;
        require_status(consignment, "changed", &[ConsignmentStatus::Open])?;
        require_count(self.assets.len() + self.media.len() + self.quantities.len())?;
        if self.quantities.len() > 100 {
            return Err(Refusal::new("consignment.line_count", "List at most 100 lines of counted things at a time.").into());
        }
        let items = self.assets.iter().cloned().map(Item::Asset).chain(self.media.iter().cloned().map(Item::Medium));
        let items = items.chain(self.quantities.iter().cloned().map(Item::Quantity));
        let ids: Vec<LineId> = items.map(|item| LineId::of(&consignment.id, item)).collect();
        let mut seen = BTreeSet::new();
        for (id, line) in ids.iter().zip(known.find_all::<Line>(&ids)?) {
            let name = id.item.as_ref().map(Item::id).unwrap_or_default();
            if !line.is_some_and(Line::is_listed) {
                let why = format!("{name} is not on {}; look at the list again.", consignment.reference);
                return Err(Refusal::new("consignment.not_listed", why).into());
            }
            require_once(&mut seen, id, name)?;
        }
        known.find_all::<Asset>(&self.assets)?;
        known.find_all::<Medium>(&self.media)?;
        let many: Vec<_> = self.assets.iter().map(asset_subject).chain(self.media.iter().map(medium_subject)).collect();
        let mut happenings = Happening::about_many(LineRemoved { line: None }, subject(&consignment.id), many, occasion.fresh(0));
        happenings.extend(self.quantities.iter().map(|line| Happening::new(LineRemoved { line: Some(line.clone()) }, [subject(&consignment.id)])));
        Ok(happenings)
    }
}

impl Fact for LineRemoved {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        let (assets, media) = (about.assets(), about.media());
        let items = assets.iter().cloned().map(Item::Asset).chain(media.iter().cloned().map(Item::Medium));
        let mut removed = 0;
        for item in items.chain(self.line.iter().cloned().map(Item::Quantity)) {
            known.change::<Line>(&LineId::of(&id, item), stamp.seq, |line| line.state = LineState::Removed);
            removed += 1;
        }
        set_free(&assets, &media, stamp, known);
        known.change::<Consignment>(&id, stamp.seq, |consignment| consignment.lines = consignment.lines.saturating_sub(removed));
    }
    fn sentence(&self) -> String {
        "Taken off the list again before it was closed.".to_owned()
    }
}

/// They are on no consignment any more.
pub(super) fn set_free(assets: &[AssetId], media: &[MediumId], stamp: &Stamp, known: &mut Records) {
    for id in assets {
        known.change::<Asset>(id, stamp.seq, |asset| asset.consignment = None);
    }
    for id in media {
        known.change::<Medium>(id, stamp.seq, |medium| medium.consignment = None);
    }
}
