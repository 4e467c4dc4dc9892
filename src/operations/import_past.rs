//! Takes a list of past disposals in: each device that is gone already, with what a vendor's paper claims of its media. Nothing of it is certified;
//! the same list again changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::Service;
use super::import_inventory::{Line, Report, record_rows};
use super::once::{Outcome, keep, once};
use super::receive_list::{as_if_stored, digest_of, rehearse};
use super::{read_file, receive_evidence};
use crate::domain::asset::{Asset, Status};
use crate::domain::catalogue::Catalogue;
use crate::domain::names::{AssetId, Category, Digest, MediaType, Name, PartyId, Sensitivity, Serial, Tag};
use crate::domain::past::{ClaimedMedium, RecordPastDisposal};
use crate::domain::records::Records;
use crate::domain::refusal::Refusal;
use crate::domain::registration::{NoStorageBasis, RegisterAsset};
use crate::domain::{Actor, Command, Stamp};
use crate::error::Result;
use crate::inventories::past_disposals::{self, PastList, PastRow};
use crate::inventories::vendor_lists;
use crate::store::idempotency::{Answer, RequestKey};
use crate::store::{Database, inventory, last_seen, tables};

/// Devices that are handed to the writer before the first answer is awaited.
const CHUNK: usize = 256;
/// Most parties among which the words for a vendor are looked up.
const PARTIES: i64 = 1_000;

/// How to import.
#[derive(Clone, Copy, Debug)]
pub struct PastOptions<'a> {
    /// Only say what would happen; the paper is not stored either.
    pub dry_run: bool,
    /// How confidential what was on these devices is. Unknown: of each what the catalogue says of its model.
    pub sensitivity: Sensitivity,
    /// The vendor's paper about all of them.
    pub document: Option<&'a [u8]>,
}

/// Imports a list for a request that may be repeated.
pub fn import_past_once(service: &Service, actor: &Actor, file: &[u8], options: PastOptions, key: Option<&RequestKey>) -> Result<Outcome<Report>> {
    let key = key.filter(|_| !options.dry_run);
    once(service, key, || {
        let report = import_past(service, actor, file, options, |_| ())?;
        match key {
            None => Ok(Outcome::Now(report)),
            Some(key) => keep(service, key, Answer { status: 200, body: serde_json::to_vec(&report)? })?.map(|()| Ok(report)),
        }
    })
}

/// Imports a list. `progress` is told the number of devices done. The paper is stored first, so that each entry can name it; it is read once more at
/// the end, because only then the record knows the media that it speaks of. A crash on the way leaves devices that are recorded and a paper that is
/// stored: the same list again goes on where it was.
pub fn import_past(service: &Service, actor: &Actor, file: &[u8], options: PastOptions, mut progress: impl FnMut(u64)) -> Result<Report> {
    let not_read = |why: String| Refusal::new("inventory.not_recognised", why);
    let table = vendor_lists::table(file).map_err(not_read)?;
    let format = format!("past disposals, {}", table.format);
    let PastList { rows, errors, remarks } = past_disposals::read(&table).map_err(not_read)?;
    let mut report = Report { format, dry_run: options.dry_run, past: true, ..Report::default() };
    report.rows = count(rows.len() + errors.len());
    report.refused = count(errors.len());
    let lines = errors.into_iter().chain(remarks).map(|said| Line { line: count(said.row), what: said.what });
    lines.for_each(|line| report.describe(line.line, line.what));
    let document = match options.document {
        None => None,
        Some(bytes) if options.dry_run => Some(digest_of(bytes)?),
        Some(bytes) => Some(receive_evidence::receive(service, actor, bytes, None)?.sha256),
    };
    let mut db = service.app.read()?;
    let vendors = vendors(&mut db)?;
    let mut plans = Vec::new();
    for device in devices(rows, &mut report) {
        let plan = plan(&mut db, service, &device, (&vendors, options.sensitivity, document.as_ref()))?;
        let line = device.line();
        match plan {
            Plan::Unchanged => report.unchanged += 1,
            Plan::Differs(what) => {
                report.differing += 1;
                report.describe(line, what);
            }
            Plan::Refused(what) => {
                report.refused += 1;
                report.describe(line, what);
            }
            Plan::Record(command, remarks) => {
                remarks.into_iter().for_each(|what| report.describe(line, what));
                plans.push((line, *command));
            }
        }
    }
    if options.dry_run {
        try_out(service, &mut db, actor, &plans, (options.document, document.as_ref()), &mut report)?;
    } else {
        // Others may read while this waits for the writer.
        drop(db);
        for some in plans.chunks(CHUNK) {
            let rows = some.iter().map(|(line, plan)| (*line, Command::from(plan.clone()))).collect();
            record_rows(service, actor, rows, &mut report)?;
            progress(report.registered);
        }
        if let (Some(document), Some(_)) = (&document, report.first_seq) {
            let again = receive_evidence::read_again(service, actor, document, None)?.now()?;
            report.named = Some(count(again.records.iter().filter(|record| record.medium.is_some()).count()));
        }
    }
    report.lines.sort_by_key(|line| line.line);
    progress(report.registered);
    Ok(report)
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// The rows of one device: the first says what became of it, each may name one more medium.
struct Device {
    first: PastRow,
    media: Vec<past_disposals::PastMedium>,
    no_storage: bool,
}

impl Device {
    fn line(&self) -> u64 {
        count(self.first.row)
    }
    fn title(&self) -> String {
        let (tag, serial) = (self.first.tag.as_ref().map(Tag::to_string), self.first.serial.as_ref().map(Serial::to_string));
        tag.or(serial).unwrap_or_default()
    }
}

/// Gathers the rows of each device, in the order of their first rows.
fn devices(rows: Vec<PastRow>, report: &mut Report) -> Vec<Device> {
    let mut devices: Vec<Device> = Vec::new();
    let mut known: BTreeMap<(Option<String>, Option<String>), usize> = BTreeMap::new();
    for row in rows {
        let key = (row.tag.as_ref().map(Tag::normal), row.serial.as_ref().map(Serial::normal));
        let Some(place) = known.get(&key).and_then(|place| devices.get_mut(*place)) else {
            known.insert(key, devices.len());
            devices.push(Device { media: row.medium.iter().cloned().collect(), no_storage: row.no_storage, first: row });
            continue;
        };
        let same = (row.disposed_on, row.outcome) == (place.first.disposed_on, place.first.outcome);
        let new = row.medium.filter(|medium| !place.media.contains(medium));
        match new {
            Some(medium) if same && !place.no_storage => place.media.push(medium),
            None if same && row.no_storage == place.no_storage => {
                report.describe(count(row.row), format!("{} is in row {} already; this one says nothing new.", place.title(), place.first.row));
            }
            _ => {
                report.refused += 1;
                let why = format!("{} is in row {} already, which says something else of it; correct one of both.", place.title(), place.first.row);
                report.describe(count(row.row), why);
            }
        }
    }
    devices
}

/// Parties by the names that people write.
fn vendors(db: &mut Database) -> Result<BTreeMap<String, PartyId>> {
    let rows = inventory::parties(db, None, None, PARTIES)?;
    let parties = rows.into_iter().map(|row| row.record().map(|party| (party.name.to_string().to_lowercase(), party.id)));
    parties.collect()
}

enum Plan {
    Record(Box<RecordPastDisposal>, Vec<String>),
    Unchanged,
    Differs(String),
    Refused(String),
}

/// The device on record with this tag or serial number; or why the row cannot be about one.
fn on_record(db: &mut Database, row: &PastRow) -> Result<std::result::Result<Option<Asset>, String>> {
    let mut found = Vec::new();
    for key in row.tag.iter().map(Asset::tag_key).chain(row.serial.iter().map(Asset::serial_key)) {
        if let Some(id) = tables::owner(db, &key)? {
            found.extend(tables::find::<Asset>(db, &AssetId::parse(&id)?)?);
        }
    }
    let Some(asset) = found.pop() else { return Ok(Ok(None)) };
    if let Some(other) = found.pop().filter(|other| other.id != asset.id) {
        return Ok(Err(format!("The tag is that of {}, and the serial number that of {}; look at both and correct the row.", other.tag, asset.tag)));
    }
    let other_tag = row.tag.as_ref().filter(|tag| tag.normal() != asset.tag.normal());
    if let Some(tag) = other_tag {
        return Ok(Err(format!("The serial number is registered under the tag {}, not {tag}; correct the row, or that device first.", asset.tag)));
    }
    if let (Some(own), Some(said)) = (&asset.serial, &row.serial)
        && !own.same(said)
    {
        return Ok(Err(format!("{} has the serial number {own} on record, not {said}; correct the row, or that device first.", asset.tag)));
    }
    Ok(Ok(Some(asset)))
}

fn plan(
    db: &mut Database,
    service: &Service,
    device: &Device,
    (vendors, sensitivity, document): (&BTreeMap<String, PartyId>, Sensitivity, Option<&Digest>),
) -> Result<Plan> {
    let row = &device.first;
    let asset = match on_record(db, row)? {
        Ok(asset) => asset,
        Err(why) => return Ok(Plan::Differs(why)),
    };
    let mut remarks = Vec::new();
    let said = (row.outcome, row.disposed_on);
    if let Some(asset) = &asset {
        match &asset.past {
            Some(past) if asset.status == Status::Disposed && said == (past.outcome, past.disposed_on) => return Ok(Plan::Unchanged),
            _ if asset.status == Status::Disposed => {
                let entry = asset.disposed_by().unwrap_or(asset.last_seq);
                let why = format!(
                    "What became of {} is recorded otherwise in entry {entry}; correct the row, or have an approver void that first.",
                    asset.tag
                );
                return Ok(Plan::Differs(why));
            }
            _ => {}
        }
        if let Some(seen) = last_seen::of(db, asset.id.as_str())?
            && let Some(at) = crate::domain::names::Instant::from_unix_ms(seen.at)
            && at.utc().date_naive() > row.disposed_on
        {
            let why = format!(
                "{} was seen on {}, after the day on which it is said to have gone; find out where it is before anything is recorded.",
                asset.tag,
                at.utc().date_naive()
            );
            return Ok(Plan::Refused(why));
        }
        remarks.push(format!("{} is registered as {}; from now on it is recorded as {}.", asset.tag, asset.status.label(), row.outcome.label()));
    }
    let model = match &asset {
        Some(asset) => (asset.manufacturer.clone(), asset.model.clone()),
        None => model_of(row, &service.app.catalogue)?,
    };
    let category = asset.as_ref().map_or(row.category, |asset| asset.category);
    let (media, no_storage) = storage(device, &model, category, asset.as_ref(), &service.app.catalogue, &mut remarks);
    let new = match (&asset, &row.tag) {
        (Some(_), _) => None,
        (None, None) => {
            let why = format!(
                "No device with the serial number {} is registered, and the row has no tag; fill in a tag, the serial number will do.",
                device.title()
            );
            return Ok(Plan::Refused(why));
        }
        (None, Some(tag)) => Some(RegisterAsset {
            asset: None,
            tag: tag.clone(),
            serial: row.serial.clone(),
            category: service.app.catalogue.model(model.0.as_str(), model.1.as_str()).map_or(row.category, |known| known.category),
            manufacturer: model.0,
            model: model.1,
            sensitivity: (sensitivity != Sensitivity::Unknown).then_some(sensitivity),
            weight_grams: None,
            weight_basis: None,
            site: row.site.clone().map_or_else(|| Name::parse(NOT_STATED), Ok)?,
            status: Status::InStock,
            purchased_on: None,
            cost_cents: None,
            funding: None,
            media: Vec::new(),
        }),
    };
    let command = RecordPastDisposal {
        asset: asset.map(|asset| asset.id),
        device: new,
        outcome: row.outcome,
        disposed_on: row.disposed_on,
        vendor: row.recipient.as_ref().and_then(|name| vendors.get(&name.to_string().to_lowercase())).cloned(),
        recipient: row.recipient.clone(),
        reference: row.reference.clone(),
        document: document.cloned(),
        media,
        no_storage,
    };
    Ok(Plan::Record(Box::new(command), remarks))
}

/// What a list leaves open of a device is recorded so.
const NOT_STATED: &str = "not stated";

/// Maker and model; where one column has both, the maker is the first word if the catalogue knows one of that name.
fn model_of(row: &PastRow, catalogue: &Catalogue) -> Result<(Name, Name)> {
    let not_stated = || Name::parse(NOT_STATED);
    let model = row.model.clone().map_or_else(not_stated, Ok)?;
    if let Some(maker) = &row.manufacturer {
        return Ok((maker.clone(), model));
    }
    if let Some((maker, rest)) = model.as_str().split_once(' ')
        && catalogue.models.iter().any(|known| known.manufacturer.eq_ignore_ascii_case(maker))
    {
        return Ok((Name::parse(maker)?, Name::parse(rest)?));
    }
    Ok((not_stated()?, model))
}

/// The media of a device with what is claimed of them, or that it stored nothing. What a row does not say of a medium the catalogue may know.
fn storage(
    device: &Device,
    (maker, model): &(Name, Name),
    category: Category,
    asset: Option<&Asset>,
    catalogue: &Catalogue,
    remarks: &mut Vec<String>,
) -> (Vec<ClaimedMedium>, Option<NoStorageBasis>) {
    let known = catalogue.model(maker.as_str(), model.as_str());
    if asset.is_some_and(|asset| asset.no_storage.is_some()) {
        return (Vec::new(), None);
    }
    let kind_has_none = known.is_none() && matches!(category, Category::Monitor | Category::Dock);
    // A cell attests nothing: that storage is not in a device says nothing of the data on it, wherever it went.
    if device.no_storage && !kind_has_none && !known.is_some_and(|known| known.no_storage) {
        let left = if asset.is_some_and(|asset| !asset.media.is_empty()) || known.is_some_and(|known| !known.media.is_empty()) {
            "its storage stays on record without a claim"
        } else {
            "its storage is left open"
        };
        remarks.push(format!(
            "The list says that there was no storage in {}, and nothing shows that it never had any: {left}; find out where it went.",
            device.title()
        ));
        return (Vec::new(), None);
    }
    let nothing_recorded = asset.is_none_or(|asset| asset.media.is_empty());
    if device.media.is_empty() && nothing_recorded {
        if kind_has_none && !device.no_storage {
            remarks.push(format!(
                "{} is taken as having no storage, being a {}; where that is wrong, name its storage.",
                device.title(),
                category.label()
            ));
        }
        return (Vec::new(), (kind_has_none || known.is_some_and(|known| known.no_storage)).then_some(NoStorageBasis::ModelHasNone));
    }
    let expected =
        |embedded: bool| known.and_then(|known| known.media.iter().find(|medium| medium.embedded == embedded)).map(|medium| medium.media_type);
    let claimed = |medium: &past_disposals::PastMedium| ClaimedMedium {
        media_type: medium.media_type.or_else(|| expected(medium.serial.is_none())).unwrap_or(MediaType::Unknown),
        serial: medium.serial.clone(),
        technique: medium.technique,
    };
    (device.media.iter().map(claimed).collect(), None)
}

/// What would be recorded now: each command is decided on what the earlier ones came to, and nothing is written.
fn try_out(
    service: &Service,
    db: &mut Database,
    actor: &Actor,
    plans: &[(u64, RecordPastDisposal)],
    (bytes, document): (Option<&[u8]>, Option<&Digest>),
    report: &mut Report,
) -> Result<()> {
    let mut known = Records::default();
    let mut serials = BTreeSet::new();
    if let (Some(bytes), Some(document)) = (bytes, document) {
        as_if_stored(&mut known, actor, document, bytes);
    }
    for (line, plan) in plans {
        match rehearse(service, db, &mut known, actor, &plan.clone().into(), u128::from(*line) << 32)? {
            Ok(happenings) => {
                report.registered += 1;
                let stamp = Stamp { seq: 0, at: crate::app::now(), occurred: crate::app::now(), actor: actor.clone() };
                happenings.iter().for_each(|happening| happening.event.apply(&happening.about, &stamp, &mut known));
                let host = plan.device.as_ref().and_then(|device| device.serial.as_ref());
                serials.extend(plan.media.iter().filter_map(|medium| medium.serial.as_ref().or(host)).map(Serial::normal));
            }
            Err(refusal) => {
                report.refused += 1;
                report.describe(*line, refusal.why);
            }
        }
    }
    if let Some(bytes) = bytes {
        let told = read_file::read(bytes, &service.profiles);
        let named: BTreeSet<String> = told
            .reading()
            .into_iter()
            .flat_map(|reading| reading.records.iter().filter_map(|record| Serial::parse(record.serial()?).ok()))
            .map(|serial| serial.normal())
            .collect();
        report.named = Some(count(named.intersection(&serials).count()));
    }
    Ok(())
}
