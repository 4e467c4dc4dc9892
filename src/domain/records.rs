//! What a command knows: the records it asked for, those known to be absent, and the changes that the events of a batch made to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::asset::Asset;
use super::certification::Certificate;
use super::consignment::{Consignment, Discrepancy, Line, LineId};
use super::evidence::Evidence;
use super::exceptions::{Exception, ExceptionId};
use super::medium::Medium;
use super::names::{AssetId, ConsignmentId, Digest, DiscrepancyId, MediumId, PartyId};
use super::parties::Party;
use super::refusal::Refusal;

/// A value that may belong to one record only: a tag, a serial, the live certificate of a device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// What kind of value, for example `asset.tag`.
    pub space: &'static str,
    /// The value in the form it is compared in.
    pub text: String,
}

impl Key {
    /// A value in a space.
    pub fn new(space: &'static str, text: impl Into<String>) -> Self {
        Self { space, text: text.into() }
    }
}

/// Something a command must know before it can be decided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// A device.
    Asset(AssetId),
    /// A medium.
    Medium(MediumId),
    /// A party.
    Party(PartyId),
    /// A consignment.
    Consignment(ConsignmentId),
    /// One line of a consignment.
    Line(LineId),
    /// All lines of a consignment.
    LinesOf(ConsignmentId),
    /// A discrepancy.
    Discrepancy(DiscrepancyId),
    /// A stored file.
    Evidence(Digest),
    /// A certificate, by number.
    Certificate(String),
    /// An exception.
    Exception(ExceptionId),
    /// The owner of a unique value.
    Key(Key),
}

/// Why `decide` gave no events.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// The command is refused.
    Refused(Refusal),
    /// These must be loaded first; then decide again.
    Needs(Vec<Need>),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Stop::Refused(refusal)
    }
}

/// A kind of record: a fold of events, kept as one row.
pub trait Record: Clone + PartialEq {
    /// Its id.
    type Id: Clone + Ord;
    /// Its id.
    fn id(&self) -> Self::Id;
    /// The unique values it owns now.
    fn keys(&self) -> Vec<Key> {
        Vec::new()
    }
    /// Its id as the owner of a key.
    fn owner(&self) -> String;
    /// The entry that changed it last.
    fn set_last_seq(&mut self, seq: u64);
    /// The need that loads it.
    fn need(id: &Self::Id) -> Need;
    /// Its shelf.
    fn shelf(records: &Records) -> &Shelf<Self>;
    /// Its shelf.
    fn shelf_mut(records: &mut Records) -> &mut Shelf<Self>;
}

/// One record as it was loaded and as it is now, which is the same one until an event changes it.
#[derive(Clone, Debug)]
pub struct Slot<R> {
    before: Option<Arc<R>>,
    now: Option<Arc<R>>,
}

impl<R> Slot<R> {
    /// As stored; `None` is known to be absent.
    pub fn before(&self) -> Option<&R> {
        self.before.as_deref()
    }
    /// After the events applied so far.
    pub fn now(&self) -> Option<&R> {
        self.now.as_deref()
    }
    fn is_changed(&self) -> bool {
        match (&self.before, &self.now) {
            (Some(before), Some(now)) => !Arc::ptr_eq(before, now),
            (before, now) => before.is_some() || now.is_some(),
        }
    }
}

/// All loaded records of one kind.
#[derive(Clone, Debug)]
pub struct Shelf<R: Record> {
    slots: BTreeMap<R::Id, Slot<R>>,
}

impl<R: Record> Default for Shelf<R> {
    fn default() -> Self {
        Self { slots: BTreeMap::new() }
    }
}

impl<R: Record> Shelf<R> {
    /// The records that events changed since they were loaded.
    pub fn changed(&self) -> impl Iterator<Item = &Slot<R>> {
        self.slots.values().filter(|slot| slot.is_changed())
    }
    #[cfg(test)]
    fn settle(&mut self) {
        self.slots.values_mut().for_each(|slot| slot.before.clone_from(&slot.now));
    }
    /// A record that is loaded and exists now.
    pub fn get(&self, id: &R::Id) -> Option<&R> {
        self.slots.get(id).and_then(Slot::now)
    }
    /// Every record that exists now.
    pub fn all(&self) -> impl Iterator<Item = &R> {
        self.slots.values().filter_map(Slot::now)
    }
}

/// Everything loaded so far.
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// Devices.
    pub assets: Shelf<Asset>,
    /// Media.
    pub media: Shelf<Medium>,
    /// Parties.
    pub parties: Shelf<Party>,
    /// Consignments.
    pub consignments: Shelf<Consignment>,
    /// Consignment lines.
    pub lines: Shelf<Line>,
    /// Discrepancies.
    pub discrepancies: Shelf<Discrepancy>,
    /// Stored files.
    pub evidence: Shelf<Evidence>,
    /// Certificates.
    pub certificates: Shelf<Certificate>,
    /// Exceptions.
    pub exceptions: Shelf<Exception>,
    keys: BTreeMap<Key, Option<String>>,
    lines_of: BTreeSet<ConsignmentId>,
    /// Whatever is not loaded does not exist: true for a replay from the first entry.
    complete: bool,
    /// Records that an event changed although its command had not asked for them: a fault of the command's `decide`.
    pub not_loaded: Vec<Need>,
}

impl Records {
    /// For a replay from the first entry: what no event made does not exist.
    pub fn complete() -> Self {
        Self { complete: true, ..Self::default() }
    }

    /// Puts a loaded record, or its known absence, on its shelf.
    pub fn load<R: Record>(&mut self, id: R::Id, record: Option<R>) {
        R::shelf_mut(self).slots.entry(id).or_insert_with(|| {
            let record = record.map(Arc::new);
            Slot { before: record.clone(), now: record }
        });
    }
    /// Remembers who owns a unique value.
    pub fn load_key(&mut self, key: Key, owner: Option<String>) {
        self.keys.entry(key).or_insert(owner);
    }
    /// Remembers that all lines of a consignment are loaded.
    pub fn load_lines_of(&mut self, consignment: ConsignmentId) {
        self.lines_of.insert(consignment);
    }

    /// Takes over what another set of records knows of these; what it does not know has to be loaded there first.
    pub(super) fn lend(&mut self, from: &Records, needs: Vec<Need>) -> Result<(), Stop> {
        let missing: Vec<Need> = needs.iter().filter(|need| !from.complete && !from.has(need)).cloned().collect();
        if !missing.is_empty() {
            return Err(Stop::Needs(missing));
        }
        macro_rules! take {
            ($record:ty, $id:expr) => {{
                let id = $id;
                let record = from.find::<$record>(&id)?.cloned();
                self.load::<$record>(id, record);
            }};
        }
        for need in needs {
            match need {
                Need::Asset(id) => take!(Asset, id),
                Need::Medium(id) => take!(Medium, id),
                Need::Party(id) => take!(Party, id),
                Need::Consignment(id) => take!(Consignment, id),
                Need::Line(id) => take!(Line, id),
                Need::Discrepancy(id) => take!(Discrepancy, id),
                Need::Evidence(id) => take!(Evidence, id),
                Need::Certificate(id) => take!(Certificate, id),
                Need::Exception(id) => take!(Exception, id),
                Need::Key(key) => {
                    let owner = from.owner(&key)?.map(str::to_owned);
                    self.load_key(key, owner);
                }
                Need::LinesOf(id) => {
                    for line in from.lines_of(&id)? {
                        self.load::<Line>(line.id(), Some(line.clone()));
                    }
                    self.load_lines_of(id);
                }
            }
        }
        Ok(())
    }

    /// A record, or `None` where there is none.
    pub fn find<R: Record>(&self, id: &R::Id) -> Result<Option<&R>, Stop> {
        match R::shelf(self).slots.get(id) {
            Some(slot) => Ok(slot.now()),
            None if self.complete => Ok(None),
            None => Err(Stop::Needs(vec![R::need(id)])),
        }
    }

    /// Several records at once, so that one round loads them all.
    pub fn find_all<'a, R: Record + 'a>(&'a self, ids: impl IntoIterator<Item = &'a R::Id>) -> Result<Vec<Option<&'a R>>, Stop>
    where
        R::Id: 'a,
    {
        let mut found = Vec::new();
        let mut needs = Vec::new();
        for id in ids {
            match self.find::<R>(id) {
                Ok(record) => found.push(record),
                Err(Stop::Needs(more)) => needs.extend(more),
                Err(refused) => return Err(refused),
            }
        }
        if needs.is_empty() { Ok(found) } else { Err(Stop::Needs(needs)) }
    }

    /// The owner of a unique value, if it has one.
    pub fn owner(&self, key: &Key) -> Result<Option<&str>, Stop> {
        match self.keys.get(key) {
            Some(owner) => Ok(owner.as_deref()),
            None if self.complete => Ok(None),
            None => Err(Stop::Needs(vec![Need::Key(key.clone())])),
        }
    }

    /// Owners of several unique values, loaded in one round.
    pub fn owners(&self, keys: &[Key]) -> Result<Vec<Option<&str>>, Stop> {
        let mut found = Vec::new();
        let mut needs = Vec::new();
        for key in keys {
            match self.owner(key) {
                Ok(owner) => found.push(owner),
                Err(Stop::Needs(more)) => needs.extend(more),
                Err(refused) => return Err(refused),
            }
        }
        if needs.is_empty() { Ok(found) } else { Err(Stop::Needs(needs)) }
    }

    /// All lines of a consignment that were not taken off again: devices, loose media, quantities, each in the order of their ids.
    pub fn lines_of(&self, consignment: &ConsignmentId) -> Result<Vec<&Line>, Stop> {
        if !self.complete && !self.lines_of.contains(consignment) {
            return Err(Stop::Needs(vec![Need::LinesOf(consignment.clone())]));
        }
        Ok(self
            .lines
            .slots
            .range(LineId::first_of(consignment)..)
            .take_while(|(id, _)| &id.consignment == consignment)
            .filter_map(|(_, slot)| slot.now())
            .filter(|line| line.is_listed())
            .collect())
    }

    /// Whether `need` has been answered.
    pub fn has(&self, need: &Need) -> bool {
        match need {
            Need::Asset(id) => self.assets.slots.contains_key(id),
            Need::Medium(id) => self.media.slots.contains_key(id),
            Need::Party(id) => self.parties.slots.contains_key(id),
            Need::Consignment(id) => self.consignments.slots.contains_key(id),
            Need::Line(id) => self.lines.slots.contains_key(id),
            Need::LinesOf(id) => self.lines_of.contains(id),
            Need::Discrepancy(id) => self.discrepancies.slots.contains_key(id),
            Need::Evidence(id) => self.evidence.slots.contains_key(id),
            Need::Certificate(id) => self.certificates.slots.contains_key(id),
            Need::Exception(id) => self.exceptions.slots.contains_key(id),
            Need::Key(key) => self.keys.contains_key(key),
        }
    }

    /// Writes a new record, or one over another; unique values follow.
    pub fn put<R: Record>(&mut self, mut record: R, seq: u64) {
        record.set_last_seq(seq);
        let (old, new, owner) = (self.keys_of::<R>(&record.id()), record.keys(), record.owner());
        let slot = R::shelf_mut(self).slots.entry(record.id()).or_insert(Slot { before: None, now: None });
        slot.now = Some(Arc::new(record));
        self.follow(old, new, &owner);
    }

    /// Changes a record that exists; an event about one that does not changes nothing (replay never fails here, `audit` compares the result).
    pub fn change<R: Record>(&mut self, id: &R::Id, seq: u64, change: impl FnOnce(&mut R)) {
        let (old, complete) = (self.keys_of::<R>(id), self.complete);
        match R::shelf_mut(self).slots.get_mut(id) {
            Some(Slot { now: Some(record), .. }) => {
                // Copied by the first change, as long as the record as it was loaded is the same one.
                let record = Arc::make_mut(record);
                change(record);
                record.set_last_seq(seq);
                let (new, owner) = (record.keys(), record.owner());
                self.follow(old, new, &owner);
            }
            None if !complete => self.not_loaded.push(R::need(id)),
            _ => {}
        }
    }

    fn keys_of<R: Record>(&self, id: &R::Id) -> Vec<Key> {
        R::shelf(self).get(id).map(Record::keys).unwrap_or_default()
    }

    /// Unique values that a record gave up and took. What stays with its owner is known already, or is asked for where it matters.
    fn follow(&mut self, old: Vec<Key>, new: Vec<Key>, owner: &str) {
        if old == new {
            return;
        }
        for key in old.iter().filter(|key| !new.contains(key)) {
            self.keys.insert(key.clone(), None);
        }
        for key in new {
            if !old.contains(&key) {
                self.keys.insert(key, Some(owner.to_owned()));
            }
        }
    }

    /// What was changed counts as loaded from here on: what changes next is told apart from it.
    #[cfg(test)]
    pub fn settle(&mut self) {
        self.assets.settle();
        self.media.settle();
        self.parties.settle();
        self.consignments.settle();
        self.lines.settle();
        self.discrepancies.settle();
        self.evidence.settle();
        self.certificates.settle();
        self.exceptions.settle();
    }
}

/// Implements [`Record`] by naming the shelf, the need and the fields.
macro_rules! record {
    ($type:ty, id: $idtype:ty = $id:expr, owner: $owner:expr, shelf: $shelf:ident, need: $need:ident, keys: $keys:expr) => {
        impl $crate::domain::records::Record for $type {
            type Id = $idtype;
            fn id(&self) -> Self::Id {
                let id: fn(&$type) -> $idtype = $id;
                id(self)
            }
            fn keys(&self) -> Vec<$crate::domain::records::Key> {
                let keys: fn(&$type) -> Vec<$crate::domain::records::Key> = $keys;
                keys(self)
            }
            fn owner(&self) -> String {
                let owner: fn(&$type) -> String = $owner;
                owner(self)
            }
            fn set_last_seq(&mut self, seq: u64) {
                self.last_seq = seq;
            }
            fn need(id: &Self::Id) -> $crate::domain::records::Need {
                $crate::domain::records::Need::$need(id.clone())
            }
            fn shelf(records: &$crate::domain::records::Records) -> &$crate::domain::records::Shelf<Self> {
                &records.$shelf
            }
            fn shelf_mut(records: &mut $crate::domain::records::Records) -> &mut $crate::domain::records::Shelf<Self> {
                &mut records.$shelf
            }
        }
    };
}
pub(crate) use record;
