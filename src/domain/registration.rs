//! Registration: devices and the media in them.

use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};

use super::asset::{Asset, Holder, Status};
use super::catalogue::{CatalogueRef, Model, Seen, expected_in};
use super::holds::HoldKind;
use super::medium::{Medium, MediumState};
use super::names::{AssetId, Category, IdentifiedBy, MediaType, MediumId, Name, PartyId, Role, Sensitivity, Serial, Tag, WeightBasis, codes};
use super::preparation::{Funding, Preparation};
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects, parties, require_asset};

/// A medium as somebody read it from a label or a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediumSeen {
    /// Its own serial number; leave it out for storage that is soldered in.
    pub serial: Option<Serial>,
    /// What kind it is.
    pub media_type: MediaType,
    /// Capacity in bytes.
    pub capacity_bytes: Option<u64>,
}

/// Registers a device that the organisation owns.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterAsset {
    /// Its id; a fresh one where none is given.
    pub asset: Option<AssetId>,
    /// The organisation's tag.
    pub tag: Tag,
    /// The maker's serial number.
    pub serial: Option<Serial>,
    /// What it is.
    pub category: Category,
    /// Who made it.
    pub manufacturer: Name,
    /// Which model.
    pub model: Name,
    /// How confidential what is on it is; `unknown` is treated as high. Left out, what the catalogue says of the model.
    pub sensitivity: Option<Sensitivity>,
    /// Weight of it in grams; left out, what the catalogue says of the model.
    pub weight_grams: Option<u32>,
    /// Where that weight comes from; left out, it was weighed.
    pub weight_basis: Option<WeightBasis>,
    /// Where it is.
    pub site: Name,
    /// `in_stock` or `in_service`.
    #[serde(default = "in_stock")]
    pub status: Status,
    /// When it was bought.
    pub purchased_on: Option<NaiveDate>,
    /// What it cost, in cents.
    pub cost_cents: Option<u32>,
    /// Out of which money it was bought.
    pub funding: Option<Funding>,
    /// Its media, where they are known; where none are given, those that the catalogue expects in the model, to be confirmed.
    #[serde(default)]
    pub media: Vec<MediumSeen>,
}

/// What a device weighs, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    /// Grams.
    pub grams: u32,
    /// Where the figure comes from.
    pub basis: WeightBasis,
}

pub(super) fn unknown_sensitivity() -> Sensitivity {
    Sensitivity::Unknown
}
fn in_stock() -> Status {
    Status::InStock
}

/// `asset.registered`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetRegistered {
    /// The organisation's tag.
    pub tag: Tag,
    /// The maker's serial number.
    pub serial: Option<Serial>,
    /// What it is.
    pub category: Category,
    /// Who made it.
    pub manufacturer: Name,
    /// Which model.
    pub model: Name,
    /// How confidential what is on it is.
    pub sensitivity: Sensitivity,
    /// Who has it.
    pub party: PartyId,
    /// Where.
    pub site: Name,
    /// In stock or in service.
    pub status: Status,
    /// When it was bought.
    pub purchased_on: Option<NaiveDate>,
    /// What it cost, in cents.
    pub cost_cents: Option<u32>,
    /// Out of which money it was bought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub funding: Option<Funding>,
    /// A part: the device that it was taken out of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub harvested_from: Option<AssetId>,
    /// What it weighs.
    pub weight: Option<Weight>,
    /// The catalogue that said how sensitive or how heavy it is, where nobody else did.
    pub catalogue: Option<CatalogueRef>,
}

/// Adds media to a registered device.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordMedia {
    /// The device.
    pub asset: AssetId,
    /// What was found in it.
    pub media: Vec<MediumSeen>,
}

/// `media.recorded`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediumRecorded {
    /// The device it is in; none for a loose one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<AssetId>,
    /// Loose: who has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// Loose: how confidential what is on it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<Sensitivity>,
    /// How it is told from others.
    pub identified_by: IdentifiedBy,
    /// Its own serial number.
    pub serial: Option<Serial>,
    /// What kind it is.
    pub media_type: MediaType,
    /// Capacity in bytes.
    pub capacity_bytes: Option<u64>,
    /// How it is known that it is there; seen, where nothing is said.
    pub seen: Option<Seen>,
    /// The catalogue that expects it.
    pub catalogue: Option<CatalogueRef>,
}

codes! {
    /// Why a device is said to store nothing.
    NoStorageBasis {
        ModelHasNone = "model_has_none", "this model has no storage";
        Removed = "removed", "opened and found without storage";
    }
}

/// States that a device has no storage at all.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestNoStorage {
    /// The device.
    pub asset: AssetId,
    /// Why.
    pub basis: NoStorageBasis,
}

/// `asset.no_storage_attested`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoStorageAttested {
    /// Why.
    pub basis: NoStorageBasis,
}

/// Most media of one command: a server's bays, and more.
const MOST_MEDIA: usize = 200;
/// Largest medium: one petabyte.
const MOST_BYTES: u64 = 1_000_000_000_000_000;

/// Refuses what no medium holds.
pub(super) fn require_capacity(bytes: Option<u64>) -> Result<(), Refusal> {
    if bytes.is_some_and(|bytes| bytes == 0 || bytes > MOST_BYTES) {
        let why = "capacity_bytes lies between 1 byte and 1 PB; leave it out where it is not known.";
        return Err(Refusal::new("registration.capacity", why));
    }
    Ok(())
}

/// Where media are found: in a device, or loose in somebody's hands.
pub(super) enum Found<'a> {
    /// In a device.
    In(&'a AssetId),
    /// By themselves.
    Loose(&'a Holder, Sensitivity),
}

pub(super) fn media_recorded(found: &Found, seen: &[MediumSeen], known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
    if seen.len() > MOST_MEDIA {
        return Err(Refusal::new("registration.media_count", format!("Record at most {MOST_MEDIA} media at a time.")).into());
    }
    seen.iter().try_for_each(|medium| require_capacity(medium.capacity_bytes))?;
    let keys: Vec<_> = seen.iter().filter_map(|medium| medium.serial.as_ref().map(Medium::serial_key)).collect();
    for (key, owner) in keys.iter().zip(known.owners(&keys)?) {
        if owner.is_some() || keys.iter().filter(|other| *other == key).count() > 1 {
            let why = format!("A medium with the serial {} is recorded already; look it up or read the label again.", key.text);
            let cause = owner.map(|owner| Cause::First(owner.to_owned()));
            return Err(Refusal { cause, ..Refusal::new("registration.medium_exists", why) }.into());
        }
    }
    Ok((1u32..)
        .zip(seen)
        .map(|(n, medium)| {
            let identified_by = if medium.serial.is_some() { IdentifiedBy::OwnSerial } else { IdentifiedBy::HostSerial };
            let (host, holder, sensitivity) = match found {
                Found::In(host) => (Some((*host).clone()), None, None),
                Found::Loose(holder, sensitivity) => (None, Some((*holder).clone()), Some(*sensitivity)),
            };
            let event = MediumRecorded {
                host,
                holder,
                sensitivity,
                identified_by,
                serial: medium.serial.clone(),
                media_type: medium.media_type,
                capacity_bytes: medium.capacity_bytes,
                seen: None,
                catalogue: None,
            };
            let id = MediumId::from_uuid(occasion.fresh(n));
            Happening::new(event, [Subject::new(SubjectKind::Medium, id.as_str())])
        })
        .collect())
}

/// Heaviest device: two tonnes.
const MOST_GRAMS: u32 = 2_000_000;

impl RegisterAsset {
    fn weight(&self) -> Result<Option<Weight>, Refusal> {
        match (self.weight_grams, self.weight_basis) {
            (Some(grams), basis) if (1..=MOST_GRAMS).contains(&grams) => Ok(Some(Weight { grams, basis: basis.unwrap_or(WeightBasis::Scale) })),
            (None, None) => Ok(None),
            _ => Err(Refusal::new(
                "registration.weight",
                "weight_grams lies between 1 gram and 2 tonnes, and weight_basis says where it comes from; correct it, or leave both out.",
            )),
        }
    }

    /// The events of a registration. What nobody gives is what is known of the model.
    pub(super) fn register(&self, known: &Records, model: Option<&Model>, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        occasion.may_act_at(&self.site)?;
        let id = self.asset.clone().unwrap_or_else(|| AssetId::from_uuid(occasion.fresh(0)));
        let mut keys = vec![Asset::tag_key(&self.tag)];
        keys.extend(self.serial.as_ref().map(Asset::serial_key));
        let owners = known.owners(&keys)?;
        let made = |owner: &str| Cause::First(owner.to_owned());
        if let Some(Some(owner)) = owners.first() {
            let why = format!("The tag {} belongs to another device already; scan it again or look it up.", self.tag);
            return Err(Refusal::new("registration.tag_taken", why).because(made(owner)).into());
        }
        if let (Some(serial), Some(Some(owner))) = (&self.serial, owners.get(1)) {
            let why = format!("A device with the serial {serial} is registered already under another tag.");
            return Err(Refusal::new("registration.serial_taken", why).because(made(owner)).into());
        }
        if known.find::<Asset>(&id)?.is_some() {
            let why = format!("The id {id} belongs to a device already.");
            return Err(Refusal::new("registration.id_taken", why).because(made(id.as_str())).into());
        }
        if !matches!(self.status, Status::InStock | Status::InService) {
            return Err(Refusal::new(
                "registration.status",
                "A device is registered as in_stock or in_service; what happens later is recorded as it happens.",
            )
            .into());
        }
        if let Some(on) = self.purchased_on
            && (on.year() < 1970 || Some(on) > occasion.at.utc().date_naive().succ_opt())
        {
            let why = format!("purchased_on lies between 1970 and today; {on} cannot be right, correct it or leave it out.");
            return Err(Refusal::new("registration.purchased_on", why).into());
        }
        if let Some(funding) = &self.funding {
            funding.check(occasion.at.utc().date_naive())?;
        }
        parties::require(known, &occasion.actor.party)?;
        let given = self.weight()?;
        let by_model = model.and_then(|model| Some(Weight { grams: model.weight_grams?, basis: model.weight_basis? }));
        // A default for the kind of device is no figure of this one.
        let weight = given.or(by_model.filter(|weight| weight.basis == WeightBasis::Spec));
        let taken = model.is_some_and(|_| self.sensitivity.is_none() || given.is_none() && weight.is_some());
        let event = AssetRegistered {
            tag: self.tag.clone(),
            serial: self.serial.clone(),
            category: self.category,
            manufacturer: self.manufacturer.clone(),
            model: self.model.clone(),
            sensitivity: self.sensitivity.or(model.map(|model| model.sensitivity)).unwrap_or(Sensitivity::Unknown),
            party: occasion.actor.party.clone(),
            site: self.site.clone(),
            status: self.status,
            purchased_on: self.purchased_on,
            cost_cents: self.cost_cents,
            funding: self.funding.clone(),
            harvested_from: None,
            weight,
            catalogue: taken.then(|| occasion.catalogue.reference()),
        };
        let mut happenings = vec![Happening::new(event, [Subject::new(SubjectKind::Asset, id.as_str())])];
        require_host_serial(&self.tag, self.serial.is_some(), &self.media)?;
        happenings.extend(media_recorded(&Found::In(&id), &self.media, known, occasion)?);
        // Soldered storage is told from others by the serial number of its device.
        let told_apart = |model: &&Model| self.serial.is_some() || model.media.iter().all(|medium| !medium.embedded);
        if let Some(model) = model.filter(|_| self.media.is_empty()).filter(told_apart) {
            happenings.extend(expected_in(&id, model, occasion));
        }
        Ok(happenings)
    }
}

impl Order for RegisterAsset {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::Administrator, Role::SchoolContact];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        self.register(known, occasion.catalogue.model(self.manufacturer.as_str(), self.model.as_str()), occasion)
    }
}

/// What an unresolved discrepancy holds may not be the device that it is taken for.
pub(super) fn require_not_held(asset: &Asset) -> Result<(), Refusal> {
    if asset.is_held_by(HoldKind::Discrepancy) {
        asset.require_free("registration.held")?;
    }
    if asset.in_transit {
        let why = format!("{} is on its way; whoever receives it can look into it and record what is in it.", asset.tag);
        return Err(Refusal::new("registration.in_transit", why));
    }
    Ok(())
}

/// Soldered storage is told from others by the serial of its host, so the host must have one, and there can be only one such medium.
pub(super) fn require_host_serial(tag: &Tag, host_has_serial: bool, media: &[MediumSeen]) -> Result<(), Refusal> {
    let embedded = media.iter().filter(|medium| medium.serial.is_none()).count();
    if embedded > 0 && !host_has_serial {
        return Err(Refusal::new(
            "registration.no_identity",
            format!("Storage without a serial number is identified by its device's, and {tag} has none recorded."),
        ));
    }
    if embedded > 1 {
        return Err(Refusal::new(
            "registration.two_embedded",
            format!("Only one medium of {tag} can be identified by the device's serial number; give the others' own."),
        ));
    }
    Ok(())
}

impl Fact for AssetRegistered {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        known.put(
            Asset {
                id,
                tag: self.tag.clone(),
                former_tags: Vec::new(),
                serial: self.serial.clone(),
                category: self.category,
                manufacturer: self.manufacturer.clone(),
                model: self.model.clone(),
                sensitivity: self.sensitivity,
                purchased_on: self.purchased_on,
                cost_cents: self.cost_cents,
                status: self.status,
                home: self.site.clone(),
                owner: self.party.clone(),
                holder: Holder { party: self.party.clone(), site: self.site.clone() },
                consignment: None,
                in_transit: false,
                handoffs: Vec::new(),
                media: Vec::new(),
                media_states: Vec::new(),
                former_media: Vec::new(),
                no_storage: None,
                holds: Vec::new(),
                preparation: Preparation::default(),
                assignment: None,
                repairs: Vec::new(),
                missing: None,
                custody_since: None,
                funding: self.funding.clone(),
                weight: self.weight,
                parts: Vec::new(),
                harvested_from: self.harvested_from.clone(),
                repaired: None,
                redeployed: None,
                retired_at: None,
                retired_seq: None,
                disposition: None,
                past: None,
                certificate: None,
                counted: None,
                sighting: None,
                corrected: Vec::new(),
                registered: stamp.seq,
                registered_at: stamp.at,
                last_seq: stamp.seq,
            },
            stamp.seq,
        );
    }
    fn sentence(&self) -> String {
        let weight = self.weight.map(|weight| format!(", {} g ({})", weight.grams, weight.basis.label())).unwrap_or_default();
        format!("Registered: {} {}, at {}{weight}.", self.manufacturer, self.model, self.site)
    }
}

impl Order for RecordMedia {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        occasion.may_touch(asset)?;
        require_not_held(asset)?;
        if self.media.is_empty() {
            return Err(Refusal::new(
                "registration.no_media_given",
                "List the media that were found; where there are none, attest that the device has no storage.",
            )
            .into());
        }
        if matches!(asset.status, Status::Disposed | Status::Missing | Status::WrittenOff) {
            return Err(Refusal::new("registration.gone", format!("{} is {}; nobody can look into it now.", asset.tag, asset.status.label())).into());
        }
        if let Some(seq) = asset.no_storage {
            return Err(Refusal::new(
                "registration.no_storage_attested",
                format!("{} is attested to have no storage (entry {seq}); that has to be corrected first.", asset.tag),
            )
            .into());
        }
        require_host_serial(&asset.tag, asset.serial.is_some(), &self.media)?;
        let expected = known.find_all::<Medium>(&asset.media)?.into_iter().flatten().find(|medium| medium.seen == Seen::Expected);
        if let Some(expected) = expected {
            let why = format!("{} is expected to have {}: confirm that first (confirm_medium), with what was found.", asset.tag, expected.title());
            return Err(Refusal::new("registration.expected", why).because(Cause::Entry(expected.recorded)).into());
        }
        let embedded = known.find_all::<Medium>(&asset.media)?.into_iter().flatten().any(|medium| medium.identified_by == IdentifiedBy::HostSerial);
        if embedded && self.media.iter().any(|medium| medium.serial.is_none()) {
            return Err(Refusal::new("registration.two_embedded", format!("The embedded storage of {} is recorded already.", asset.tag)).into());
        }
        media_recorded(&Found::In(&self.asset), &self.media, known, occasion)
    }
}

impl Fact for MediumRecorded {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.medium() else { return };
        known.put(
            Medium {
                id: id.clone(),
                host: self.host.clone(),
                origin: None,
                holder: self.holder.clone(),
                sensitivity: self.sensitivity,
                consignment: None,
                in_transit: false,
                handoffs: Vec::new(),
                identified_by: self.identified_by,
                serial: self.serial.clone(),
                media_type: self.media_type,
                capacity_bytes: self.capacity_bytes,
                seen: self.seen.unwrap_or(Seen::Seen),
                state: MediumState::DataPresent,
                sanitization: None,
                failed: Vec::new(),
                purged_before: None,
                dead: None,
                residual_risk: Vec::new(),
                corrected: Vec::new(),
                recorded: stamp.seq,
                last_seq: stamp.seq,
            },
            stamp.seq,
        );
        if let Some(host) = &self.host {
            known.change::<Asset>(host, stamp.seq, |asset| asset.note_state(&id, MediumState::DataPresent));
        }
    }
    fn sentence(&self) -> String {
        if self.seen == Some(Seen::Expected) {
            let by = if self.catalogue.is_some() { "the model" } else { "the presets" };
            return format!("Medium expected by {by}: {}; to be seen or attested.", self.media_type.label());
        }
        match &self.serial {
            Some(serial) if self.host.is_none() => format!("Loose medium recorded: {} with serial {serial}.", self.media_type.label()),
            Some(serial) => format!("Medium recorded: {} with serial {serial}.", self.media_type.label()),
            None => format!("Medium recorded: {}, {}.", self.media_type.label(), self.identified_by.label()),
        }
    }
}

/// Nobody can say of a model that it has no storage where the catalogue knows which it has.
pub(super) fn require_no_storage_of_model(manufacturer: &str, model: &str, basis: NoStorageBasis, occasion: &Occasion) -> Result<(), Refusal> {
    let known = occasion.catalogue.model(manufacturer, model).filter(|known| !known.media.is_empty());
    if let (NoStorageBasis::ModelHasNone, Some(known)) = (basis, known) {
        let media: Vec<&str> = known.media.iter().map(|medium| medium.media_type.label()).collect();
        let why = format!(
            "By the catalogue {manufacturer} {model} has {}: record it; where it was opened and found without, attest “removed”.",
            media.join(", ")
        );
        return Err(Refusal::new("registration.model_has_storage", why));
    }
    Ok(())
}

impl Order for AttestNoStorage {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        occasion.may_touch(asset)?;
        require_not_held(asset)?;
        if matches!(asset.status, Status::Disposed | Status::Missing | Status::WrittenOff) {
            return Err(Refusal::new("registration.gone", format!("{} is {}; nobody can look into it now.", asset.tag, asset.status.label())).into());
        }
        if !asset.media.is_empty() {
            return Err(
                Refusal::new("registration.has_media", format!("{} has recorded media; it cannot be attested to have none.", asset.tag)).into()
            );
        }
        if asset.no_storage.is_some() {
            return Err(Refusal::new("registration.no_storage_attested", format!("{} is attested to have no storage already.", asset.tag)).into());
        }
        require_no_storage_of_model(asset.manufacturer.as_str(), asset.model.as_str(), self.basis, occasion)?;
        Ok(vec![Happening::new(NoStorageAttested { basis: self.basis }, [Subject::new(SubjectKind::Asset, asset.id.as_str())])])
    }
}

impl Fact for NoStorageAttested {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        if let Some(id) = about.asset() {
            known.change::<Asset>(&id, stamp.seq, |asset| asset.no_storage = Some(stamp.seq));
        }
    }
    fn sentence(&self) -> String {
        format!("Attested to have no storage: {}.", self.basis.label())
    }
}
