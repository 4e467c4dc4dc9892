//! Takes a vendor's own list in: a receiving report becomes a receipt, a settlement becomes what became of each device. The file itself is kept as
//! evidence, and the entries name its digest; who hands it in signs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Service;
use super::once::{Once, Outcome, keep, once};
use super::receive_evidence;
use super::record::{Receipt, Recorded, Terms, ask};
use crate::app::now;
use crate::domain::asset::Asset;
use crate::domain::consignment::{Consignment, Goods, Item, Line, LineId};
use crate::domain::disposition::{Mass, RecordDisposition};
use crate::domain::evidence::Evidence;
use crate::domain::mappings::{ListKind, Mapping};
use crate::domain::medium::Act;
use crate::domain::names::{AssetId, ConsignmentId, Digest, Reference, WeightBasis};
use crate::domain::parties::Party;
use crate::domain::receipt::{QuantityFound, ReceiveConsignment};
use crate::domain::records::Records;
use crate::domain::refusal::Refusal;
use crate::domain::{Actor, Command, Happening, Occasion};
use crate::error::{Error, Result};
use crate::inventories::vendor_lists::{self, Proposal, RowRemark, Settled, Table};
use crate::proof::digest::{hex, sha256};
use crate::store::idempotency::{Answer, RequestKey};
use crate::store::{Database, tables};

/// Commands that are handed to the writer before the first answer is awaited.
const CHUNK: usize = 256;
/// Most rows that a report describes one by one; all are counted.
const DESCRIBED: usize = 1_000;

/// A list that can be read, with the mapping by which.
pub struct Ready {
    consignment: Consignment,
    table: Table,
    mapping: Mapping,
}

/// A list that nobody has mapped: its columns, and what they may say.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Unmapped {
    /// The words over the columns.
    pub headers: Vec<String>,
    /// What is offered.
    pub proposal: Proposal,
    /// The names of the profiles that there are, none of which fits.
    pub profiles: Vec<String>,
}

/// Reads a list and chooses how: by the profile of this name, or by the newest one of which the list has every column.
pub fn prepare(
    service: &Service,
    actor: &Actor,
    consignment: &ConsignmentId,
    kind: ListKind,
    profile: Option<&str>,
    bytes: &[u8],
) -> Result<std::result::Result<Ready, Unmapped>> {
    let mut db = service.app.read()?;
    let consignment = match tables::find::<Consignment>(&mut db, consignment)? {
        Some(found) if actor.sees_consignment(&found) => found,
        _ => return Err(Error::Unknown(format!("There is no consignment {consignment}."))),
    };
    let table = vendor_lists::table(bytes).map_err(|why| Refusal::new("receipt.not_a_list", why))?;
    let party = tables::find::<Party>(&mut db, &consignment.to.party)?.ok_or_else(|| Error::Fault("a consignment without a receiver".to_owned()))?;
    let mappings: Vec<&Mapping> = party.mappings.iter().filter(|mapping| mapping.kind == kind).collect();
    let chosen = match profile {
        Some(name) => Some(*mappings.iter().find(|mapping| mapping.profile.as_str().eq_ignore_ascii_case(name)).ok_or_else(|| {
            let names: Vec<&str> = mappings.iter().map(|mapping| mapping.profile.as_str()).collect();
            Refusal::new("mappings.unknown_profile", format!("profile: {} has no such one; choose one of: {}.", party.name, names.join(", ")))
        })?),
        None => mappings.iter().rev().find(|mapping| vendor_lists::fits(&table, mapping)).copied(),
    };
    Ok(match chosen.cloned() {
        Some(mapping) => Ok(Ready { consignment, table, mapping }),
        None => Err(Unmapped {
            proposal: vendor_lists::propose(kind, &table.headers),
            profiles: mappings.iter().map(|mapping| mapping.profile.to_string()).collect(),
            headers: table.headers,
        }),
    })
}

/// What a receiving list came to.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ReceiptReport {
    /// `CSV` or `XLSX`.
    pub format: &'static str,
    /// The profile that it was read by.
    pub profile: String,
    /// Nothing was recorded.
    pub dry_run: bool,
    /// Things in it.
    pub rows: usize,
    /// Things that are only counted.
    pub counted: u64,
    /// Their weights together in grams, where the list has them.
    pub grams: Option<u64>,
    /// Rows that cannot be read.
    pub errors: Vec<RowRemark>,
    /// What was left out.
    pub remarks: Vec<RowRemark>,
    /// What the receipt says, or would say: the facts of its first entry.
    pub receipt: Option<Value>,
    /// The list as it is kept.
    pub sha256: Digest,
    /// The entries.
    pub entries: Vec<Recorded>,
}

/// What an evidence file would be in the record, for a command that is only rehearsed.
pub(super) fn as_if_stored(known: &mut Records, actor: &Actor, sha256: &Digest, bytes: &[u8]) {
    let evidence = Evidence {
        sha256: sha256.clone(),
        size_bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        party: actor.party.clone(),
        others: Vec::new(),
        reader: None,
        links: Vec::new(),
        dismissed: Vec::new(),
        members: Vec::new(),
        archives: Vec::new(),
        received: Act { seq: 0, occurred: now(), by: actor.person.clone(), party: actor.party.clone() },
        withholding: None,
        last_seq: 0,
    };
    known.load::<Evidence>(sha256.clone(), Some(evidence));
}

/// What a command would come to now, with ids made from `seed`. Nothing is recorded.
pub(super) fn rehearse(
    service: &Service,
    db: &mut Database,
    known: &mut Records,
    actor: &Actor,
    command: &Command,
    seed: u128,
) -> Result<std::result::Result<Vec<Happening>, Refusal>> {
    let at = now();
    let occasion =
        Occasion { actor, at, occurred: at, policy: &service.app.policy, seed, place: 0, sha256, catalogue: &service.app.catalogue, signed_by: None };
    ask(db, known, |known| command.decide(known, &occasion))
}

pub(super) fn digest_of(bytes: &[u8]) -> Result<Digest> {
    Ok(Digest::parse(&hex(&sha256(bytes)))?)
}

/// To which lines counted things belong: each is filled up in the order in which it was listed, and what is left is the last one's.
fn quantities(lines: &[Line], counted: &BTreeMap<Goods, (usize, u32)>, errors: &mut Vec<RowRemark>) -> Vec<QuantityFound> {
    let mut found = Vec::new();
    for (goods, (row, count)) in counted {
        let of_kind = |line: &&Line| line.is_listed() && line.quantity.as_ref().is_some_and(|quantity| quantity.what == *goods);
        let mut open: Vec<&Line> = lines.iter().filter(of_kind).collect();
        open.sort_by_key(|line| line.added);
        let mut left = *count;
        let last = open.len().saturating_sub(1);
        if open.is_empty() {
            errors.push(RowRemark {
                row: *row,
                what: format!("No {} are listed on this consignment; take the row out, or have them listed.", goods.label()),
            });
        }
        for (n, line) in open.into_iter().enumerate() {
            let (Item::Quantity(id), Some(quantity)) = (&line.item, &line.quantity) else { continue };
            let room = quantity.count.saturating_sub(line.found.unwrap_or(0));
            let count = if n == last { left } else { left.min(room) };
            left -= count;
            if count > 0 || last == 0 {
                found.push(QuantityFound { line: id.clone(), count });
            }
        }
    }
    found
}

/// Takes a receiving list as a receipt: the whole of it, or nothing where a row cannot be read.
pub fn receive(
    service: &Service,
    actor: &Actor,
    ready: &Ready,
    bytes: &[u8],
    (dry_run, more_to_come): (bool, bool),
    key: Option<&RequestKey>,
) -> Result<Outcome<ReceiptReport>> {
    once(service, key, || {
        let list = vendor_lists::receiving(&ready.table, &ready.mapping).map_err(|why| Refusal::new("mappings.does_not_fit", why))?;
        let sha256 = digest_of(bytes)?;
        let mut known = Records::default();
        let mut errors = list.errors;
        let lines: Vec<Line> =
            ask(&mut *service.app.read()?, &mut known, |known| Ok(known.lines_of(&ready.consignment.id)?.into_iter().cloned().collect()))??;
        let quantities = quantities(&lines, &list.counted, &mut errors);
        let counted: u64 = list.counted.values().map(|(_, count)| u64::from(*count)).sum();
        // A list that goes on over several days names a container each time.
        let earlier: BTreeSet<&Reference> =
            ready.consignment.receipts.iter().flat_map(|receipt| &receipt.containers).map(|container| &container.label).collect();
        let command = Command::from(ReceiveConsignment {
            consignment: ready.consignment.id.clone(),
            containers: list.containers.into_values().filter(|container| !earlier.contains(&container.label)).collect(),
            scans: list.scans.iter().map(|(_, scan)| scan.clone()).collect(),
            quantities,
            counted: None,
            more_to_come,
            transcribed: None,
            file: Some(sha256.clone()),
        });
        let mut report = ReceiptReport {
            format: ready.table.format,
            profile: ready.mapping.profile.to_string(),
            dry_run,
            rows: list.scans.len(),
            counted,
            grams: list.grams,
            errors,
            remarks: list.remarks,
            receipt: None,
            sha256: sha256.clone(),
            entries: Vec::new(),
        };
        if !report.errors.is_empty() {
            if dry_run {
                return Ok(Outcome::Now(report));
            }
            let rows: Vec<String> = report.errors.iter().take(DESCRIBED).map(|error| format!("Row {}: {}", error.row, error.what)).collect();
            let why = format!("{} rows of the list cannot be read, so nothing was recorded; correct them and send it again.", report.errors.len());
            return Err(Refusal::listing("receipt.rows", why, rows).into());
        }
        as_if_stored(&mut known, actor, &sha256, bytes);
        let happenings = rehearse(service, &mut *service.app.read()?, &mut known, actor, &command, 0)??;
        report.receipt = happenings.first().map(|first| first.event.data()).transpose()?;
        if dry_run {
            return Ok(Outcome::Now(report));
        }
        receive_evidence::receive_for(service, actor, bytes, &ready.consignment.id, None)?;
        let told = move |receipt: &Receipt| Ok(ReceiptReport { entries: receipt.entries.clone(), ..report.clone() });
        let terms = Terms { once: Once::created(key, told.clone()), ..Terms::default() };
        service.recorder.record_once(command, actor, terms)?.map(|receipt| told(&receipt))
    })
}

/// What a settlement list came to.
#[derive(Clone, Debug, serde::Serialize)]
pub struct SettlementReport {
    /// `CSV` or `XLSX`.
    pub format: &'static str,
    /// The profile that it was read by.
    pub profile: String,
    /// Nothing was recorded.
    pub dry_run: bool,
    /// Rows read, and rows that cannot be.
    pub rows: usize,
    /// Devices whose outcome is recorded now, or would be.
    pub recorded: usize,
    /// Devices whose outcome was recorded before.
    pub unchanged: usize,
    /// Rows that could not be taken.
    pub refused: usize,
    /// What the recorded ones brought together, in cents.
    pub proceeds_cents: u64,
    /// Rows that were not taken, and why (the first 1,000).
    pub lines: Vec<RowRemark>,
    /// The list as it is kept.
    pub sha256: Digest,
}

impl SettlementReport {
    fn refuse(&mut self, row: usize, why: &Refusal) {
        self.refused += 1;
        if self.lines.len() < DESCRIBED {
            self.lines.push(RowRemark { row, what: why.why.clone() });
        }
    }
    /// A refusal by the rules of a disposition: what is recorded already, word for word, is nothing to correct.
    fn compare(&mut self, db: &mut Database, (one, said): &(&Settled, RecordDisposition), why: &Refusal) -> Result<()> {
        let asset = if why.code == "disposition.recorded" { tables::find::<Asset>(db, &said.asset)? } else { None };
        let Some(recorded) = asset.as_ref().and_then(|asset| asset.disposition.as_ref()) else {
            self.refuse(one.row, why);
            return Ok(());
        };
        let before = (recorded.outcome, &recorded.mass, &recorded.grade, recorded.proceeds_cents);
        if before == (said.outcome, &said.mass, &said.grade, said.proceeds_cents) {
            self.unchanged += 1;
            return Ok(());
        }
        let differs = format!(
            "{} Entry {} says another outcome, mass, grade or proceeds than this row: correct the row, or have an approver void that entry first.",
            why.why, recorded.recorded.seq
        );
        self.refuse(one.row, &Refusal::new("settlement.differs", differs));
        Ok(())
    }
    fn count(&mut self, one: &Settled) {
        self.recorded += 1;
        self.proceeds_cents += u64::from(one.proceeds_cents.unwrap_or(0));
    }
}

/// Takes a settlement list: row by row, each by the rules of a disposition; a row that is refused stands in nobody's way.
pub fn settle(
    service: &Service,
    actor: &Actor,
    ready: &Ready,
    bytes: &[u8],
    (dry_run, basis): (bool, WeightBasis),
    key: Option<&RequestKey>,
) -> Result<Outcome<SettlementReport>> {
    once(service, key, || {
        let (settled, errors) = vendor_lists::settlement(&ready.table, &ready.mapping).map_err(|why| Refusal::new("mappings.does_not_fit", why))?;
        let sha256 = digest_of(bytes)?;
        let mut report = SettlementReport {
            format: ready.table.format,
            profile: ready.mapping.profile.to_string(),
            dry_run,
            rows: settled.len() + errors.len(),
            recorded: 0,
            unchanged: 0,
            refused: errors.len(),
            proceeds_cents: 0,
            lines: errors.into_iter().take(DESCRIBED).collect(),
            sha256: sha256.clone(),
        };
        let mut db = service.app.read()?;
        let mut commands: Vec<(&Settled, RecordDisposition)> = Vec::new();
        let mut seen = BTreeSet::new();
        for one in &settled {
            match disposition(&mut db, ready, actor, one, (&sha256, basis))? {
                Err(refusal) => report.refuse(one.row, &refusal),
                Ok(command) if !seen.insert(command.asset.clone()) => {
                    report.refuse(one.row, &Refusal::new("settlement.twice", "This device is in the list twice; the first row counts."));
                }
                Ok(command) => commands.push((one, command)),
            }
        }
        if dry_run {
            let mut known = Records::default();
            as_if_stored(&mut known, actor, &sha256, bytes);
            for command in &commands {
                match rehearse(service, &mut db, &mut known, actor, &command.1.clone().into(), 0)? {
                    Ok(_) => report.count(command.0),
                    Err(refusal) => report.compare(&mut db, command, &refusal)?,
                }
            }
            return Ok(Outcome::Now(report));
        }
        // Others may read while this waits for the writer.
        drop(db);
        if commands.is_empty() {
            let why = "No row of the list can be recorded, so it was not stored; correct it and send it again.";
            let rows = report.lines.iter().map(|line| format!("Row {}: {}", line.row, line.what)).collect();
            return Err(Refusal::listing("settlement.rows", why, rows).into());
        }
        receive_evidence::receive_for(service, actor, bytes, &ready.consignment.id, None)?;
        for chunk in commands.chunks(CHUNK) {
            let given = chunk.iter().map(|(_, command)| (command.clone().into(), None)).collect();
            for (command, answer) in chunk.iter().zip(service.recorder.record_many(given, actor)) {
                match answer {
                    Ok(_) => report.count(command.0),
                    Err(Error::Refused(refusal) | Error::Conflict(refusal)) => report.compare(&mut *service.app.read()?, command, &refusal)?,
                    Err(other) => return Err(other),
                }
            }
        }
        match key {
            None => Ok(Outcome::Now(report)),
            Some(key) => keep(service, key, Answer { status: 201, body: serde_json::to_vec(&report)? })?.map(|()| Ok(report)),
        }
    })
}

/// The command of one row, about a device of this consignment.
fn disposition(
    db: &mut Database,
    ready: &Ready,
    actor: &Actor,
    one: &Settled,
    (file, weight_basis): (&Digest, WeightBasis),
) -> Result<std::result::Result<RecordDisposition, Refusal>> {
    let by_tag = one.tag.as_ref().map(|tag| tables::owner(db, &Asset::tag_key(tag))).transpose()?.flatten();
    let by_serial = one.serial.as_ref().map(|serial| tables::owner(db, &Asset::serial_key(serial))).transpose()?.flatten();
    if let (Some(tag), Some(serial)) = (&by_tag, &by_serial)
        && tag != serial
    {
        return Ok(Err(Refusal::new("settlement.mismatch", "Tag and serial number of this row belong to two devices; correct the row.")));
    }
    let device = by_tag.or(by_serial).map(|id| AssetId::parse(&id)).transpose()?;
    let listed = match &device {
        Some(id) => tables::find::<Line>(db, &LineId::new(&ready.consignment.id, id))?.is_some(),
        None => false,
    };
    let Some(asset) = device.filter(|_| listed) else {
        return Ok(Err(Refusal::new(
            "settlement.not_listed",
            format!("This is no device of {}; send it with the list of the consignment that it came with.", ready.consignment.reference),
        )));
    };
    let known = tables::find::<Asset>(db, &asset)?.ok_or_else(|| Error::Fault("a line without its device".to_owned()))?;
    let another_tag = one.tag.as_ref().is_some_and(|tag| tag.normal() != known.tag.normal());
    let another_serial = one.serial.as_ref().zip(known.serial.as_ref()).is_some_and(|(captured, own)| !captured.same(own));
    if another_tag || another_serial {
        let captured = if another_tag { "tag" } else { "serial number" };
        let why = format!(
            "The {captured} of this row is not that of {}, which its other number names; look at the device, and correct the row.",
            known.tag
        );
        return Ok(Err(Refusal::new("settlement.mismatch", why)));
    }
    let Some(weight_grams) = one.weight_grams else {
        return Ok(Err(Refusal::new("disposition.weight", "The row has no weight; fill it in.")));
    };
    let receiver = &ready.consignment.to.party;
    Ok(Ok(RecordDisposition {
        asset,
        outcome: one.outcome,
        mass: Mass {
            weight_grams,
            weight_basis,
            recovered_grams: one.recovered_grams,
            energy_grams: one.energy_grams,
            landfill_grams: one.landfill_grams,
        },
        // What the receiver passed on is told by this list and no other document.
        title: one
            .outcome
            .changes_hands()
            .then(|| Reference::parse(&format!("list {}", file.to_string().chars().take(16).collect::<String>())))
            .transpose()?,
        grade: one.grade.clone(),
        proceeds_cents: one.proceeds_cents,
        processor: (receiver != &actor.party).then(|| receiver.clone()),
        file: Some(file.clone()),
    }))
}
