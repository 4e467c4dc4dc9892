//! What a vendor has on its bench: whose serial numbers these are among the things in its hands, what a file says of them, and what they still lack.

use super::Service;
use super::record::ask;
use crate::app::App;
use crate::domain::Actor;
use crate::domain::asset::{Asset, Handoff};
use crate::domain::consignment::Consignment;
use crate::domain::disposition::{self, Destination, Lack};
use crate::domain::evidence::Evidence;
use crate::domain::medium::Medium;
use crate::domain::names::{AssetId, ConsignmentId, IdentifiedBy, MediumId, PartyId, Sensitivity, Serial};
use crate::domain::reconciliation::ALIKE;
use crate::domain::records::{Records, Stop};
use crate::error::Result;
use crate::evidence::reading::MediumReading;
use crate::store::Database;

/// Most serial numbers of one search.
pub const MOST_SERIALS: usize = 1_000;

/// Whose serial number it is.
#[derive(Clone, Debug)]
pub enum Thing {
    /// A medium's own, or that of the device whose only medium goes by it.
    Medium(Box<Medium>, Option<Box<Asset>>),
    /// A device's, and none of its media goes by it.
    Device(Box<Asset>),
}

impl Thing {
    /// The device: itself, or the one that the medium is in.
    pub fn device(&self) -> Option<&Asset> {
        match self {
            Self::Medium(_, host) => host.as_deref(),
            Self::Device(asset) => Some(asset),
        }
    }
    /// Whether this person may act on it: a vendor's people on what their company has.
    pub fn in_hands_of(&self, actor: &Actor) -> bool {
        let at_hand = |holder: &PartyId, in_transit: bool| !actor.role.is_vendor() || (holder == &actor.party && !in_transit);
        match self {
            Self::Device(device) | Self::Medium(_, Some(device)) => at_hand(&device.holder.party, device.in_transit),
            Self::Medium(medium, None) => medium.holder.as_ref().is_some_and(|holder| at_hand(&holder.party, medium.in_transit)),
        }
    }
    /// Whether this person may know of it.
    fn seen_by(&self, actor: &Actor) -> bool {
        match self {
            Self::Device(device) | Self::Medium(_, Some(device)) => actor.sees(device),
            Self::Medium(medium, None) => actor.sees_loose(medium),
        }
    }
    fn travels(&self) -> &[Handoff] {
        match self {
            Self::Device(device) | Self::Medium(_, Some(device)) => &device.handoffs,
            Self::Medium(medium, None) => &medium.handoffs,
        }
    }
}

/// Whose these serial numbers are, each by itself.
pub(super) fn things(known: &Records, serials: &[Serial]) -> std::result::Result<Vec<Option<Thing>>, Stop> {
    let media: Vec<_> = serials.iter().map(Medium::serial_key).collect();
    let devices: Vec<_> = serials.iter().map(Asset::serial_key).collect();
    let owners = known.owners(&[media, devices].concat())?;
    let (media, devices) = owners.split_at(serials.len());
    let media = media.iter().map(|id| id.map(MediumId::parse).transpose()).collect::<std::result::Result<Vec<_>, _>>()?;
    let devices = devices.iter().map(|id| id.map(AssetId::parse).transpose()).collect::<std::result::Result<Vec<_>, _>>()?;
    let loaded = known.find_all::<Medium>(media.iter().flatten())?;
    let hosts = loaded.into_iter().flatten().filter_map(|medium| medium.host.as_ref());
    let loaded = known.find_all::<Asset>(hosts.chain(devices.iter().flatten()))?;
    known.find_all::<Medium>(loaded.into_iter().flatten().flat_map(|asset| &asset.media))?;
    let mut things = Vec::with_capacity(serials.len());
    for (medium, device) in media.iter().zip(&devices) {
        let mut thing = None;
        if let Some(medium) = medium.as_ref().map(|id| known.find::<Medium>(id)).transpose()?.flatten() {
            let host = medium.host.as_ref().map(|id| known.find::<Asset>(id)).transpose()?.flatten();
            thing = Some(Thing::Medium(Box::new(medium.clone()), host.cloned().map(Box::new)));
        } else if let Some(device) = device.as_ref().map(|id| known.find::<Asset>(id)).transpose()?.flatten() {
            let own = known.find_all::<Medium>(&device.media)?.into_iter().flatten().find(|medium| medium.identified_by == IdentifiedBy::HostSerial);
            let device = Box::new(device.clone());
            thing = Some(own.map_or_else(|| Thing::Device(device.clone()), |own| Thing::Medium(Box::new(own.clone()), Some(device.clone()))));
        }
        things.push(thing);
    }
    Ok(things)
}

/// One of the serial numbers that were asked for, of something that this company has.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Found {
    /// As it was asked for.
    pub serial: String,
    /// `medium` or `device`.
    pub kind: &'static str,
    /// Of the medium, or of the device.
    pub id: String,
    /// The tag of the device, or how the loose medium is told from others.
    pub name: String,
    /// The reference of the consignment that brought it.
    pub consignment: Option<String>,
}

/// Which of these serial numbers are of things in this person's hands.
pub fn find(service: &Service, actor: &Actor, serials: &[Serial]) -> Result<Vec<Found>> {
    let found = ask(&mut *service.app.read()?, &mut Records::default(), |known| {
        let things: Vec<_> = things(known, serials)?.into_iter().map(|thing| thing.filter(|thing| thing.in_hands_of(actor))).collect();
        let brought = |thing: &Thing| -> Option<ConsignmentId> {
            thing.travels().iter().rev().find(|handoff| handoff.to.party == actor.party).map(|handoff| handoff.consignment.clone())
        };
        let consignments: Vec<ConsignmentId> = things.iter().flatten().filter_map(brought).collect();
        known.find_all::<Consignment>(&consignments)?;
        let mut found = Vec::new();
        for (serial, thing) in serials.iter().zip(&things) {
            let Some(thing) = thing else { continue };
            let consignment = brought(thing).map(|id| known.find::<Consignment>(&id).map(|found| found.map(|found| found.reference.to_string())));
            let (kind, id) = match thing {
                Thing::Medium(medium, _) => ("medium", medium.id.to_string()),
                Thing::Device(device) => ("device", device.id.to_string()),
            };
            let name = match thing {
                Thing::Device(device) | Thing::Medium(_, Some(device)) => device.tag.to_string(),
                Thing::Medium(medium, None) => medium.title(),
            };
            found.push(Found { serial: serial.to_string(), kind, id, name, consignment: consignment.transpose()?.flatten() });
        }
        Ok(found)
    })?;
    Ok(found?)
}

/// Where something that a file says of one medium belongs.
#[derive(Clone, Debug)]
pub enum Place {
    /// It is linked with this medium.
    Linked(Thing),
    /// It is not yet, and is once the file is read again.
    Waiting(Thing),
    /// The serial number is this device's, and nobody has recorded what it stores data on.
    Device(Thing),
    /// The tool ran on this device, and the serial number of one of its media was not read yet.
    Within(Thing),
    /// Nothing at hand has this serial number, and this has one in which a character looks like another: an offer to a person, nothing follows from it.
    Alike(Thing, Serial),
    /// Nothing that this person may act on has this serial number.
    Nowhere,
    /// The file names no serial number that could be one.
    Unnamed,
}

/// Serial numbers that look like this one but for a character.
pub(super) fn alike(serial: &Serial) -> Vec<Serial> {
    let normal: Vec<char> = serial.normal().chars().collect();
    let other = |c: char| ALIKE.iter().find_map(|(a, b)| if c == *a { Some(*b) } else { (c == *b).then_some(*a) });
    let swapped = normal.iter().enumerate().filter_map(|(at, c)| {
        let mut text = normal.clone();
        *text.get_mut(at)? = other(*c)?;
        Serial::parse(&text.into_iter().collect::<String>()).ok()
    });
    swapped.collect()
}

/// Where each of these readings of a stored file belongs, for this person.
pub fn places(db: &mut Database, actor: &Actor, evidence: &Evidence, readings: &[&MediumReading]) -> Result<Vec<Place>> {
    let named: Vec<Option<Serial>> = readings.iter().map(|reading| reading.serial().and_then(|text| Serial::parse(text).ok())).collect();
    let places = ask(db, &mut Records::default(), |known| {
        let mut serials: Vec<Serial> = named.iter().flatten().cloned().collect();
        let computers = readings.iter().filter_map(|reading| reading.system_serial.as_deref());
        serials.extend(computers.filter_map(|text| Serial::parse(text).ok()));
        let linked = |serial: &Serial| evidence.links.iter().find(|link| link.serial.same(serial));
        let strange = named.iter().flatten().filter(|serial| linked(serial).is_none());
        serials.extend(strange.flat_map(alike));
        serials.sort_by_key(Serial::normal);
        serials.dedup_by_key(|serial| serial.normal());
        let links = known.find_all::<Medium>(evidence.links.iter().map(|link| &link.medium))?;
        known.find_all::<Asset>(links.into_iter().flatten().filter_map(|medium| medium.host.as_ref()))?;
        let all = things(known, &serials)?;
        let whose = |serial: &Serial| -> Option<Thing> {
            let at = serials.binary_search_by_key(&serial.normal(), Serial::normal).ok()?;
            all.get(at)?.clone().filter(|thing| thing.in_hands_of(actor))
        };
        let mut places = Vec::with_capacity(readings.len());
        for (reading, serial) in readings.iter().zip(&named) {
            let Some(serial) = serial else {
                places.push(Place::Unnamed);
                continue;
            };
            if let Some(link) = linked(serial)
                && let Some(medium) = known.find::<Medium>(&link.medium)?
            {
                let host = medium.host.as_ref().map(|id| known.find::<Asset>(id)).transpose()?.flatten();
                let thing = Thing::Medium(Box::new(medium.clone()), host.cloned().map(Box::new));
                if thing.seen_by(actor) {
                    places.push(Place::Linked(thing));
                    continue;
                }
            }
            let computer = || reading.system_serial.as_deref().and_then(|text| Serial::parse(text).ok()).and_then(|serial| whose(&serial));
            let unread = |thing: Thing| -> std::result::Result<Option<Thing>, Stop> {
                let Some(device) = thing.device() else { return Ok(None) };
                let media = known.find_all::<Medium>(&device.media)?;
                let unread = media.into_iter().flatten().any(|medium| medium.identified_by == IdentifiedBy::OwnSerial && medium.serial.is_none());
                Ok(unread.then(|| Thing::Device(Box::new(device.clone()))))
            };
            let place = match whose(serial) {
                Some(thing @ Thing::Medium(..)) => Place::Waiting(thing),
                Some(thing @ Thing::Device(_)) => Place::Device(thing),
                None => match computer().map(unread).transpose()?.flatten() {
                    Some(thing) => Place::Within(thing),
                    None => match alike(serial).into_iter().find_map(|other| Some((whose(&other)?, other))) {
                        Some((thing, other)) => Place::Alike(thing, other),
                        None => Place::Nowhere,
                    },
                },
            };
            places.push(place);
        }
        Ok(places)
    })?;
    Ok(places?)
}

/// What each of these devices lacks before its data can be declared gone: for where it went, or for reuse by others.
pub fn lacks(app: &App, db: &mut Database, devices: &[Asset]) -> Result<Vec<Vec<Lack>>> {
    let lacks = ask(db, &mut Records::default(), |known| {
        known.find_all::<Medium>(devices.iter().flat_map(|device| &device.media))?;
        let (mut lacks, mut needs) = (Vec::with_capacity(devices.len()), Vec::new());
        for device in devices {
            let destination = device.disposition.as_ref().and_then(|disposition| disposition.outcome.destination());
            match disposition::lacks(known, device, destination.unwrap_or(Destination::ExternalReuse), &app.policy) {
                Ok(found) => lacks.push(found),
                Err(Stop::Needs(more)) => needs.extend(more),
                Err(refused) => return Err(refused),
            }
        }
        if needs.is_empty() { Ok(lacks) } else { Err(Stop::Needs(needs)) }
    })?;
    Ok(lacks?)
}

/// The same of a medium that is in no device.
pub fn loose_lacks(app: &App, medium: &Medium) -> Vec<Lack> {
    Lack::of_medium(medium, medium.sensitivity.unwrap_or(Sensitivity::Unknown), Destination::ExternalReuse, &app.policy)
}
