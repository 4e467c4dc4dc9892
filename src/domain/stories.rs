//! Random stories: people give commands that fit, or nearly fit, what happened so far; after each event the record has to be whole.
//!
//! A chapter adds its commands as [`Play`]s to [`PLAYS`]. Each story is the same every time: its dice are thrown from a number.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::asset::{Asset, Holder, Label, Status};
use super::assignment::AssigneeKind;
use super::certification::{Certificate, judge};
use super::consignment::{Consignment, ConsignmentStatus, Discrepancy, DiscrepancyKind};
use super::evidence::Evidence;
use super::holds::HoldKind;
use super::medium::{Medium, MediumState};
use super::names::{AssetId, IdentifiedBy, MediaType, MediumId, Role};
use super::parties::Party;
use super::preparation::Rung;
use super::records::{Need, Record as _, Records, Stop};
use super::refusal::Refusal;
use super::story::{DISTRICT, OTHER, Story, VENDOR, actor, better_than};
use super::{Actor, Command, Event, Happening, Stamp, Subjects};

/// Thrown from a number (splitmix64): the same story for the same number.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n.max(1)).unwrap()).unwrap()
    }
    /// True once in `n` times.
    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
    fn of<T: Clone>(&mut self, items: &[T]) -> Option<T> {
        if items.is_empty() { None } else { items.get(self.below(items.len())).cloned() }
    }
}

/// What happened so far, and what was seen on the way.
struct World {
    story: Story,
    dice: Dice,
    made: u32,
    files: Vec<String>,
    /// Every event as it was written.
    log: Vec<(Stamp, Subjects, &'static str, Value)>,
}

/// By command: how often it was given, how often taken.
#[derive(Default)]
struct Seen {
    given: BTreeMap<&'static str, (u32, u32)>,
    codes: BTreeMap<&'static str, String>,
    moves: BTreeSet<(Label, Label)>,
}

/// One command that somebody may think of: who gives it, and with what.
type Play = (&'static str, fn(&mut World) -> Option<(Actor, Value)>);

fn coordinator(n: u32) -> Actor {
    actor(Role::Coordinator, DISTRICT, n)
}
fn approver() -> Actor {
    actor(Role::Approver, DISTRICT, 1)
}

/// The people of whoever has a device; for the organisation the n-th coordinator.
fn holder_of(party: &str, n: u32) -> Actor {
    if party == DISTRICT { coordinator(n) } else { actor(Role::VendorOperator, party, n) }
}

impl World {
    fn new(seed: u64) -> Self {
        Self { story: Story::new(), dice: Dice(seed), made: 0, files: Vec::new(), log: Vec::new() }
    }
    fn number(&mut self) -> u32 {
        self.made += 1;
        self.made
    }
    fn reference(&mut self, what: &str) -> String {
        format!("{what}-{}", self.number())
    }
    /// A device that fits; once in eight times, any.
    fn device(&mut self, fits: impl Fn(&Self, &Asset) -> bool) -> Option<Asset> {
        let wild = self.dice.one_in(8);
        let some: Vec<AssetId> = self.story.known().assets.all().filter(|asset| wild || fits(self, asset)).map(|asset| asset.id.clone()).collect();
        let id = self.dice.of(&some)?;
        Some(self.story.asset(id.as_str()).clone())
    }
    /// A device at rest that nothing holds, with one of these states.
    fn free(&mut self, states: &[Status]) -> Option<Asset> {
        self.device(|_, asset| states.contains(&asset.status) && asset.holds.is_empty() && asset.consignment.is_none() && !asset.in_transit)
    }
    /// The same in the organisation's hands.
    fn ours(&mut self, states: &[Status]) -> Option<Asset> {
        self.device(|_, asset| {
            states.contains(&asset.status)
                && asset.holds.is_empty()
                && asset.consignment.is_none()
                && !asset.in_transit
                && asset.holder.party.as_str() == DISTRICT
        })
    }
    /// A medium that fits; once in eight times, any.
    fn medium(&mut self, fits: impl Fn(&Self, &Medium) -> bool) -> Option<Medium> {
        let wild = self.dice.one_in(8);
        let some: Vec<MediumId> =
            self.story.known().media.all().filter(|medium| wild || fits(self, medium)).map(|medium| medium.id.clone()).collect();
        let id = self.dice.of(&some)?;
        Some(self.story.medium(id.as_str()).clone())
    }
    fn host<'a>(&'a self, medium: &Medium) -> Option<&'a Asset> {
        self.story.known().assets.get(medium.host.as_ref()?)
    }
    fn medium_holder(&self, medium: &Medium) -> String {
        self.host(medium).map(|host| &host.holder).or(medium.holder.as_ref()).map_or_else(|| DISTRICT.to_owned(), |holder| holder.party.to_string())
    }
    /// Whether work on a medium would count now.
    fn workable(&self, medium: &Medium) -> bool {
        match self.host(medium) {
            Some(host) => {
                host.status == Status::Retired
                    && host.holds.is_empty()
                    && host.consignment.is_none()
                    && !host.in_transit
                    && host.preparation.evaluation.is_some()
            }
            None => medium.consignment.is_none() && !medium.in_transit && medium.state != MediumState::Absent,
        }
    }
    fn consignment(&mut self, status: ConsignmentStatus) -> Option<Consignment> {
        let wild = self.dice.one_in(8);
        let some: Vec<Consignment> = self.story.known().consignments.all().filter(|c| wild || c.status == status).cloned().collect();
        self.dice.of(&some)
    }
    fn file(&mut self) -> String {
        let known = self.dice.of(&self.files.clone());
        match known {
            Some(file) if !self.dice.one_in(10) => file,
            _ => "0".repeat(64),
        }
    }
    fn new_medium(&mut self) -> Value {
        let n = self.number();
        let serial = if self.dice.one_in(15) { "DRV-1".to_owned() } else { format!("DRV-{n}") };
        if self.dice.one_in(4) { json!({"media_type": "emmc"}) } else { json!({"serial": serial, "media_type": "hdd_ata"}) }
    }
}

fn register_asset(w: &mut World) -> Option<(Actor, Value)> {
    if w.story.known().assets.all().count() > 40 && !w.dice.one_in(6) {
        return None;
    }
    let n = if w.dice.one_in(12) { 1 } else { w.number() };
    let media: Vec<Value> = (0..w.dice.below(3)).map(|_| w.new_medium()).collect();
    let source = w.dice.of(&["general", "e_rate", "federal_award", "lease"]).unwrap();
    let day = w.dice.of(&["2018-05-01", "2025-01-15", "2035-01-01", "2020-02-29"]).unwrap();
    let funding = if w.dice.one_in(2) {
        json!({"source": source, "installed_on": if w.dice.one_in(4) { None } else { Some(day) }, "awarded_on": if w.dice.one_in(2) { None } else { Some(day) }})
    } else {
        Value::Null
    };
    let status = w.dice.of(&["in_stock", "in_service", "in_service", "in_stock", "in_service", "retired"]).unwrap();
    let sensitivity = w.dice.of(&["low", "moderate"]).unwrap();
    let serial = if w.dice.one_in(10) { None } else { Some(format!("SER-{n}")) };
    let cost = w.dice.of(&[Some(40_000), Some(700_000), None]).unwrap();
    let body = json!({"tag": format!("T-{n}"), "serial": serial, "category": "laptop", "manufacturer": "M", "model": "Model", "sensitivity": sensitivity,
        "site": "Site", "status": status, "funding": funding, "cost_cents": cost, "media": media});
    Some((coordinator(1), body))
}

fn record_media(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.device(|_, asset| {
        asset.media.is_empty()
            && asset.no_storage.is_none()
            && asset.serial.is_some()
            && !asset.in_transit
            && !asset.label().is_gone()
            && asset.holds.is_empty()
    })?;
    let media: Vec<Value> = (0..=w.dice.below(2)).map(|_| w.new_medium()).collect();
    Some((holder_of(asset.holder.party.as_str(), 1), json!({"asset": asset.id, "media": media})))
}

fn attest_no_storage(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.device(|_, asset| {
        asset.media.is_empty() && asset.no_storage.is_none() && !asset.in_transit && !asset.label().is_gone() && asset.holds.is_empty()
    })?;
    Some((coordinator(1), json!({"asset": asset.id, "basis": "removed"})))
}

fn record_loose_media(w: &mut World) -> Option<(Actor, Value)> {
    if w.story.known().media.all().filter(|medium| medium.is_loose()).count() > 10 && !w.dice.one_in(30) {
        return None;
    }
    let soldered = w.dice.one_in(6);
    let mut media: Vec<Value> = (0..w.dice.below(4).max(usize::from(!w.dice.one_in(10)))).map(|_| w.new_medium()).collect();
    media.retain(|medium| soldered || medium["serial"].is_string());
    let who = holder_of(w.dice.of(&[DISTRICT, VENDOR]).unwrap(), 1);
    Some((who, json!({"media": media, "site": "Drawer", "sensitivity": "low"})))
}

fn harvest_medium(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(4) {
        return None;
    }
    let soldered = w.dice.one_in(10);
    let medium = w.medium(|w, medium| {
        let open = |host: &Asset| {
            matches!(host.status, Status::InStock | Status::InRepair | Status::Retired)
                && host.holds.is_empty()
                && host.consignment.is_none()
                && !host.in_transit
        };
        (medium.identified_by == IdentifiedBy::OwnSerial) != soldered && w.host(medium).is_some_and(open)
    })?;
    let who = if w.dice.one_in(10) { actor(Role::VendorOperator, OTHER, 1) } else { holder_of(&w.medium_holder(&medium), 1) };
    Some((who, json!({"medium": medium.id})))
}

fn install_medium(w: &mut World) -> Option<(Actor, Value)> {
    let medium = w.medium(|_, medium| medium.is_loose() && matches!(medium.state, MediumState::Cleared | MediumState::Purged))?;
    let at = w.medium_holder(&medium);
    let asset = w.device(|_, asset| {
        asset.no_storage.is_none()
            && matches!(asset.status, Status::InStock | Status::InRepair | Status::Retired)
            && asset.holds.is_empty()
            && asset.consignment.is_none()
            && !asset.in_transit
            && asset.holder.party.as_str() == at
    })?;
    Some((coordinator(1), json!({"medium": medium.id, "asset": asset.id})))
}

fn send_to_repair(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.ours(&[Status::InStock, Status::InService])?;
    let mut body = json!({"asset": asset.id, "fault": "board"});
    let mut who = coordinator(1);
    match w.dice.below(11) {
        0..=3 => {}
        4..=6 => body = json!({"asset": asset.id, "fault": "screen", "vendor": VENDOR, "vendor_site": "Site", "contract": "MSA-1"}),
        7 => body = json!({"asset": asset.id, "fault": "screen", "vendor": VENDOR, "vendor_site": "Site"}),
        8 => {
            body = json!({"asset": asset.id, "fault": "screen", "vendor": VENDOR, "vendor_site": "Site", "override": "risk_accepted"});
            who = if w.dice.one_in(3) { coordinator(1) } else { approver() };
        }
        9 => body = json!({"asset": asset.id, "fault": "screen", "vendor": VENDOR, "vendor_site": "Nowhere"}),
        _ => match w.dice.below(3) {
            0 => body = json!({"asset": asset.id, "fault": "screen", "vendor": DISTRICT, "vendor_site": "Site"}),
            1 => body["vendor_site"] = json!("Site"),
            _ => body["contract"] = json!("MSA-1"),
        },
    }
    Some((who, body))
}

fn return_from_repair(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.free(&[Status::InRepair])?;
    let mut media = Vec::new();
    for medium in asset.media.iter().skip(usize::from(w.dice.one_in(10))) {
        let found = w.dice.of(&["same", "same", "returned", "kept", "unaccounted"]).unwrap();
        let replacement = if found == "same" && !w.dice.one_in(20) || w.dice.one_in(2) { Value::Null } else { w.new_medium() };
        media.push(json!({"medium": medium, "found": found, "replacement": replacement}));
    }
    let status = w.dice.of(&["in_stock", "in_service", "in_stock", "in_service", "in_stock", "retired"]).unwrap();
    Some((coordinator(1), json!({"asset": asset.id, "status": status, "media": media})))
}

fn redeploy(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.ours(&[Status::InStock, Status::InService, Status::Retired])?;
    Some((coordinator(1), json!({"asset": asset.id, "site": "School"})))
}

fn retire(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.free(&[Status::InStock, Status::InService, Status::InRepair])?;
    Some((coordinator(1), json!({"asset": asset.id, "reason": "surplus"})))
}

fn return_to_service(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.ours(&[Status::Retired])?;
    w.dice.one_in(3).then(|| (coordinator(1), json!({"asset": asset.id, "reason": "needed_again"})))
}

fn assign(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.ours(&[Status::InStock, Status::InService])?;
    let kind = w.dice.of(AssigneeKind::ALL).unwrap();
    let mut body = json!({"asset": asset.id, "kind": kind});
    if matches!(kind, AssigneeKind::Room | AssigneeKind::Cart) != w.dice.one_in(12) {
        body["place"] = json!("ROOM-1");
    }
    if (kind == AssigneeKind::Person) != w.dice.one_in(12) {
        body["assignee_active"] = json!("yes");
        body["active_on"] = json!(if w.dice.one_in(6) { "2090-01-01" } else { "2026-09-01" });
    }
    Some((coordinator(1), body))
}

fn harvest_part(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.ours(&[Status::InRepair, Status::Retired])?;
    if w.story.known().assets.all().count() > 60 || !w.dice.one_in(3) {
        return None;
    }
    let n = w.number();
    let part = w.dice.of(&["screen", "board", "memory"]).unwrap();
    let tag = if w.dice.one_in(2) { Some(format!("PART-{n}")) } else { None };
    let serial = if tag.is_some() || w.dice.one_in(6) { Some(format!("PARTSER-{n}")) } else { None };
    Some((coordinator(1), json!({"asset": asset.id, "part": part, "tag": tag, "serial": serial})))
}

fn evaluate(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.device(|_, asset| asset.status == Status::Retired && asset.preparation.evaluation.is_none() && asset.consignment.is_none())?;
    let rung = w.dice.of(&[Rung::Redeploy, Rung::Resale, Rung::Recycling, Rung::Donation, Rung::Repair, Rung::Parts]).unwrap();
    let mut rejected = better_than(rung.as_str());
    if w.dice.one_in(8) {
        rejected = better_than("parts");
    }
    Some((coordinator(1), json!({"asset": asset.id, "rung": rung, "rejected": rejected})))
}

fn authorize_surplus(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.device(|_, asset| {
        let external = asset.preparation.evaluation.as_ref().is_some_and(|evaluation| evaluation.rung >= Rung::Resale);
        asset.status == Status::Retired && external && asset.preparation.authorization.is_none() && asset.holds.is_empty()
    })?;
    let consent = if w.dice.one_in(2) { Some("CONSENT-1") } else { None };
    Some((approver(), json!({"asset": asset.id, "reference": "BOARD-1", "consent": consent})))
}

fn release_accounts(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.device(|_, asset| asset.status == Status::Retired && asset.preparation.accounts.is_none())?;
    let evidence = if w.dice.one_in(4) { Some(w.file()) } else { None };
    Some((coordinator(1), json!({"asset": asset.id, "reference": "MDM-1", "evidence": evidence})))
}

fn grade(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.device(|_, asset| {
        asset.status == Status::Retired && asset.data_gone() && asset.holds.is_empty() && asset.consignment.is_none() && !asset.in_transit
    })?;
    let cosmetic = if w.dice.one_in(10) { 10 } else { 7 };
    Some((holder_of(asset.holder.party.as_str(), 1), json!({"asset": asset.id, "cosmetic": cosmetic, "functional": 5})))
}

fn place_legal_hold(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(3) {
        return None;
    }
    let (missing, twice) = (w.dice.one_in(3), w.dice.one_in(6));
    let asset = w.device(|_, asset| match missing {
        true => asset.status == Status::Missing,
        false => asset.is_held_by(HoldKind::LegalHold) == twice && !matches!(asset.status, Status::Disposed | Status::WrittenOff),
    })?;
    let reason = w.dice.of(&["litigation", "records_request", "retention", "leak"]).unwrap();
    Some((approver(), json!({"asset": asset.id, "reason": reason, "reference": "CASE-1"})))
}

fn lift(w: &mut World, kind: HoldKind) -> Option<(Actor, Value)> {
    let asset = w.device(|_, asset| asset.is_held_by(kind))?;
    Some((approver(), json!({"asset": asset.id, "reference": "DONE-1"})))
}
fn lift_legal_hold(w: &mut World) -> Option<(Actor, Value)> {
    lift(w, HoldKind::LegalHold)
}
fn lift_quarantine(w: &mut World) -> Option<(Actor, Value)> {
    lift(w, HoldKind::Quarantine)
}

fn quarantine(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(3) {
        return None;
    }
    let twice = w.dice.one_in(4);
    let asset = w.device(|_, asset| !asset.label().is_gone() && asset.is_held_by(HoldKind::Quarantine) == twice)?;
    let container = w.dice.of(&[None, Some("BOX-1"), Some("BOX-2"), Some("BOX-3")]).unwrap();
    let reason = w.dice.of(&["leak", "swollen_battery", "evidence_disputed"]).unwrap();
    Some((coordinator(1), json!({"asset": asset.id, "reason": reason, "container": container})))
}

fn report_missing(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(5) {
        return None;
    }
    let (listed, travels) = w.dice.of(&[(false, false), (false, false), (true, false), (true, true), (true, true)]).unwrap();
    let asset = w.device(|_, asset| !asset.label().is_gone() && asset.consignment.is_some() == listed && asset.in_transit == travels)?;
    let last_seen = if w.dice.one_in(8) { "2190-01-01T00:00:00Z" } else { "2026-01-05T08:00:00Z" };
    Some((coordinator(1), json!({"asset": asset.id, "loss": "lost", "last_seen": last_seen, "custodian": "cart", "incident": "INC-1"})))
}

fn record_remote_command(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.device(|_, asset| asset.status == Status::Missing)?;
    let sent = asset.missing.as_ref().is_some_and(|missing| missing.remote.iter().any(|remote| remote.state.as_str() == "sent"));
    let state = if sent == w.dice.one_in(8) { "sent" } else { w.dice.of(&["confirmed", "expired"]).unwrap() };
    let evidence = if w.dice.one_in(3) { None } else { Some(w.file()) };
    Some((coordinator(1), json!({"asset": asset.id, "command": "lock", "state": state, "evidence": evidence})))
}

fn report_found(w: &mut World) -> Option<(Actor, Value)> {
    let travels = w.dice.one_in(3);
    let asset = w.device(|_, asset| asset.status == Status::Missing && asset.consignment.is_some() == travels)?;
    let party = w.dice.of(&[None, None, Some(VENDOR)]).unwrap();
    w.dice.one_in(3).then(|| (coordinator(1), json!({"asset": asset.id, "site": "Site", "party": party})))
}

fn write_off(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.device(|_, asset| asset.status == Status::Missing && asset.consignment.is_none())?;
    w.dice.one_in(4).then(|| (approver(), json!({"asset": asset.id, "investigation": "INV-1", "assessment": "BA-1"})))
}

fn report_medium_found(w: &mut World) -> Option<(Actor, Value)> {
    let medium = w.medium(|_, medium| medium.state == MediumState::Absent)?;
    Some((coordinator(1), json!({"medium": medium.id, "site": "Site"})))
}

fn open_consignment(w: &mut World) -> Option<(Actor, Value)> {
    if w.story.known().consignments.all().filter(|c| c.status == ConsignmentStatus::Open).count() > 2 {
        return None;
    }
    let reference = w.reference("C");
    let site = if w.dice.one_in(10) { "Nowhere" } else { "Site" };
    Some((coordinator(1), json!({"reference": reference, "from_site": "Site", "to": VENDOR, "to_site": site})))
}

fn add_lines(w: &mut World) -> Option<(Actor, Value)> {
    let consignment = w.consignment(ConsignmentStatus::Open)?;
    let mut assets = BTreeSet::new();
    for _ in 0..w.dice.of(&[1, 1, 1, 2]).unwrap() {
        let asset = w.device(|_, asset| {
            asset.status == Status::Retired
                && asset.preparation.authorization.is_some()
                && asset.consignment.is_none()
                && asset.holds.is_empty()
                && !asset.in_transit
                && asset.holder.party.as_str() == DISTRICT
        });
        assets.extend(asset.map(|asset| asset.id));
    }
    if assets.is_empty() && !w.dice.one_in(20) {
        return None;
    }
    Some((coordinator(1), json!({"consignment": consignment.id, "assets": assets})))
}

fn seal_consignment(w: &mut World) -> Option<(Actor, Value)> {
    let consignment = w.consignment(ConsignmentStatus::Open).filter(|c| c.lines > 0 || w.dice.one_in(8))?;
    Some((coordinator(1), json!({"consignment": consignment.id, "containers": [{"label": "P"}]})))
}

fn release_consignment(w: &mut World) -> Option<(Actor, Value)> {
    let consignment = w.consignment(ConsignmentStatus::Sealed)?;
    Some((coordinator(1), json!({"consignment": consignment.id})))
}

fn receive_consignment(w: &mut World) -> Option<(Actor, Value)> {
    if !w.dice.one_in(3) {
        return None;
    }
    let consignment = w.consignment(ConsignmentStatus::Released)?;
    let mut scans = Vec::new();
    let on_it: Vec<Asset> = w.story.known().assets.all().filter(|asset| asset.consignment.as_ref() == Some(&consignment.id)).cloned().collect();
    for asset in on_it {
        match w.dice.below(8) {
            0 => {}
            1 => scans.push(json!({"tag": asset.tag, "serial": format!("OTHER-{}", w.number())})),
            _ => scans.push(json!({"tag": asset.tag})),
        }
    }
    if w.dice.one_in(6) {
        scans.push(json!({"tag": format!("STRAY-{}", w.number())}));
    }
    let party = if w.dice.one_in(12) { OTHER } else { VENDOR };
    Some((actor(Role::VendorOperator, party, 1), json!({"consignment": consignment.id, "containers": [], "scans": scans})))
}

fn resolve_discrepancy(w: &mut World) -> Option<(Actor, Value)> {
    let wild = w.dice.one_in(12);
    let some: Vec<Discrepancy> = w.story.known().discrepancies.all().filter(|d| wild || d.resolution.is_none()).cloned().collect();
    let discrepancy = w.dice.of(&some)?;
    let resolution = match discrepancy.kind {
        DiscrepancyKind::Short => w.dice.of(&["located_at_receiver", "never_left", "confirmed_missing"]),
        DiscrepancyKind::Over => w.dice.of(&["scan_error", "returned_to_sender"]),
        DiscrepancyKind::Mismatch => w.dice.of(&["scan_error", "serial_corrected"]),
        #[allow(unreachable_patterns, reason = "further kinds are resolved as they say")]
        _ => Some("scan_error"),
    };
    Some((approver(), json!({"discrepancy": discrepancy.id, "resolution": resolution, "reference": "CASE-9"})))
}

fn receive_evidence(w: &mut World) -> Option<(Actor, Value)> {
    let n = w.number();
    let digest = format!("{n:064x}");
    let medium = w.medium(|w, medium| w.workable(medium) && !medium.is_destroyed() && medium.state != MediumState::Failed)?;
    let who = holder_of(&w.medium_holder(&medium), 1);
    let serial = medium.serial.clone().or_else(|| w.host(&medium).and_then(|host| host.serial.clone()))?;
    let result = w.dice.of(&["pass", "pass", "aborted"]).unwrap();
    let reading = json!({"technique": "host_overwrite", "result": result, "errors": 0, "complete": true, "hidden_area": "none"});
    w.files.push(digest.clone());
    let body = json!({"sha256": digest, "size_bytes": 10, "reader": {"name": "nwipe-log", "version": 1, "records": 1, "remarks": 0},
        "links": [{"medium": medium.id, "serial": serial, "reading": reading}]});
    Some((who, body))
}

fn record_sanitization(w: &mut World) -> Option<(Actor, Value)> {
    let medium = w.medium(|w, medium| w.workable(medium) && matches!(medium.state, MediumState::DataPresent | MediumState::Failed))?;
    let who = holder_of(&w.medium_holder(&medium), 1);
    let failed = medium.state == MediumState::Failed;
    let linked: Vec<String> = w
        .story
        .known()
        .evidence
        .all()
        .filter(|file| file.links.iter().any(|(linked, _)| linked == &medium.id))
        .map(|file| file.sha256.to_string())
        .collect();
    let body = match (w.dice.below(6), w.dice.of(&linked)) {
        (0..=2, Some(file)) if !failed => json!({"medium": medium.id, "technique": "host_overwrite", "evidence": file}),
        (0..=4, _) if medium.media_type == MediaType::HddAta && !failed => json!({"medium": medium.id, "technique": "degauss",
            "statement": {"completed_without_error": true, "equipment": "DG", "field_oersted": 10_000, "coercivity_oersted": 5_000}}),
        _ => json!({"medium": medium.id, "technique": "incinerate", "statement": {"facility": "F", "facility_batch": "B"}}),
    };
    Some((who, body))
}

fn verify_sanitization(w: &mut World) -> Option<(Actor, Value)> {
    let medium = w.medium(|w, medium| {
        let at_hand = w.host(medium).is_none_or(|host| host.holds.is_empty() && !host.in_transit);
        at_hand && medium.sanitization.as_ref().is_some_and(|done| done.verified.is_none())
    })?;
    let n = if w.dice.one_in(10) { 1 } else { 2 };
    Some((holder_of(&w.medium_holder(&medium), n), json!({"medium": medium.id})))
}

fn validate_sanitization(w: &mut World) -> Option<(Actor, Value)> {
    let medium = w.medium(|w, medium| {
        let at_hand = w.host(medium).is_none_or(|host| host.holds.is_empty());
        at_hand && medium.sanitization.as_ref().is_some_and(|done| done.verified.is_some() && done.validated.is_none())
    })?;
    Some((approver(), json!({"medium": medium.id})))
}

fn record_disposition(w: &mut World) -> Option<(Actor, Value)> {
    let mass = json!({"weight_grams": 2_000, "weight_basis": "scale"});
    let balance = json!({"weight_grams": 2_000, "weight_basis": "scale", "recovered_grams": 1_700, "energy_grams": 200, "landfill_grams": 100});
    let ready = |_: &World, asset: &Asset| {
        asset.status == Status::Retired
            && asset.data_gone()
            && asset.preparation.authorization.is_some()
            && asset.consignment.is_none()
            && !asset.in_transit
            && asset.holds.is_empty()
    };
    let (asset, mut body) = match w.dice.below(12) {
        0..=4 => (w.device(ready)?, json!({"outcome": "recycled", "mass": balance})),
        5 | 6 => (
            w.device(|w, asset| ready(w, asset) && asset.preparation.grade.is_some() && asset.preparation.accounts.is_some())?,
            json!({"outcome": "resold", "mass": mass, "title": "INVOICE-1"}),
        ),
        7 => (
            w.device(|_, asset| {
                asset.redeployed.is_some()
                    && matches!(asset.status, Status::InService | Status::InStock)
                    && asset.holds.is_empty()
                    && asset.disposition.is_none()
            })?,
            json!({"outcome": "redeployed", "mass": mass}),
        ),
        8 => (
            w.device(|_, asset| {
                asset.repaired.is_some()
                    && matches!(asset.status, Status::InService | Status::InStock)
                    && asset.holds.is_empty()
                    && asset.disposition.is_none()
            })?,
            json!({"outcome": "repaired", "mass": mass}),
        ),
        9 => (
            w.device(|_, asset| {
                matches!(asset.status, Status::Missing | Status::WrittenOff) && asset.holds.is_empty() && asset.disposition.is_none()
            })?,
            json!({"outcome": "lost_or_stolen", "mass": mass}),
        ),
        10 => (
            w.device(|_, asset| matches!(asset.status, Status::InService | Status::InStock) && asset.holds.is_empty())?,
            json!({"outcome": w.dice.of(&["repaired", "redeployed"]), "mass": mass}),
        ),
        _ => (
            w.device(|_, asset| asset.status == Status::Retired && asset.holds.is_empty() && asset.consignment.is_none() && !asset.in_transit)?,
            match w.dice.below(5) {
                0 => json!({"outcome": "unknown", "mass": mass}),
                1 => json!({"outcome": "recycled", "mass": mass}),
                2 => json!({"outcome": "in_storage", "mass": {"weight_grams": 0, "weight_basis": "scale"}}),
                3 => json!({"outcome": "in_storage", "mass": mass}),
                _ => json!({"outcome": "donated", "mass": mass}),
            },
        ),
    };
    body["asset"] = json!(asset.id);
    Some((holder_of(asset.holder.party.as_str(), 1), body))
}

fn issue_certificate(w: &mut World) -> Option<(Actor, Value)> {
    let asset = w.device(|w, asset| judge(w.story.known(), &asset.id, w.story.policy()).is_ok())?;
    let n = w.number();
    let basis = judge(w.story.known(), &asset.id, w.story.policy()).map(|verdict| verdict.basis).unwrap_or_default();
    let body = json!({"asset": asset.id, "number": format!("N-{n}"), "url": format!("https://x.example/certificates/N-{n}"),
        "credential_sha256": "c".repeat(64), "status_list": "https://x.example/status/1", "status_index": n, "basis": basis, "shown": []});
    Some((coordinator(1), body))
}

fn revoke_certificate(w: &mut World) -> Option<(Actor, Value)> {
    let some: Vec<Certificate> = w.story.known().certificates.all().cloned().collect();
    let certificate = w.dice.of(&some)?;
    w.dice.one_in(6).then(|| (approver(), json!({"number": certificate.number, "reason": "error_in_record"})))
}

macro_rules! plays {
    ($($name:ident),+ $(,)?) => { &[$((stringify!($name), $name),)+] };
}

/// Every command that random people give, chapter by chapter.
const PLAYS: &[Play] = plays![
    register_asset,
    record_media,
    attest_no_storage,
    record_loose_media,
    harvest_medium,
    install_medium,
    send_to_repair,
    return_from_repair,
    redeploy,
    retire,
    return_to_service,
    assign,
    harvest_part,
    evaluate,
    authorize_surplus,
    release_accounts,
    grade,
    place_legal_hold,
    lift_legal_hold,
    quarantine,
    lift_quarantine,
    report_missing,
    record_remote_command,
    report_found,
    write_off,
    report_medium_found,
    open_consignment,
    add_lines,
    seal_consignment,
    release_consignment,
    receive_consignment,
    resolve_discrepancy,
    receive_evidence,
    record_sanitization,
    verify_sanitization,
    validate_sanitization,
    record_disposition,
    issue_certificate,
    revoke_certificate,
];

/// Commands that nobody gives at random: the service's own, and the setting up of parties.
const NOT_PLAYED: &[&str] = &["open_log", "register_party", "record_rendering", "publish_status"];

impl Label {
    /// Nothing more can be done with what has this label, or only once it is found.
    fn is_gone(self) -> bool {
        matches!(self, Label::Disposed | Label::WrittenOff | Label::Missing)
    }
}

/// Answers what a command asks for from the whole record.
fn answer(known: &Records, need: &Need, into: &mut Records) {
    macro_rules! one {
        ($shelf:ident, $record:ty, $id:expr) => {
            into.load::<$record>($id.clone(), known.$shelf.get($id).cloned())
        };
    }
    match need {
        Need::Asset(id) => one!(assets, Asset, id),
        Need::Medium(id) => one!(media, Medium, id),
        Need::Party(id) => one!(parties, Party, id),
        Need::Consignment(id) => one!(consignments, Consignment, id),
        Need::Line(id) => one!(lines, super::consignment::Line, id),
        Need::LinesOf(id) => {
            for line in known.lines_of(id).unwrap() {
                into.load(line.id(), Some(line.clone()));
            }
            into.load_lines_of(id.clone());
        }
        Need::Discrepancy(id) => one!(discrepancies, Discrepancy, id),
        Need::Evidence(id) => one!(evidence, Evidence, id),
        Need::Certificate(id) => one!(certificates, Certificate, id),
        Need::Exception(id) => one!(exceptions, super::exceptions::Exception, id),
        Need::Key(key) => into.load_key(key.clone(), known.owner(key).unwrap().map(str::to_owned)),
    }
}

/// Decides with nothing known but what is asked for, as the writer does; gives what was loaded too.
fn decide(story: &Story, actor: &Actor, name: &str, body: &Value) -> (Result<Vec<Happening>, Refusal>, Records) {
    let mut loaded = Records::default();
    let command = match Command::read(name, body.clone()) {
        Ok(command) => command,
        Err(refusal) => return (Err(refusal), loaded),
    };
    for _ in 0..12 {
        match command.decide(&loaded, &story.occasion(actor)) {
            Ok(happenings) => return (Ok(happenings), loaded),
            Err(Stop::Refused(refusal)) => return (Err(refusal), loaded),
            Err(Stop::Needs(needs)) => needs.iter().for_each(|need| answer(story.known(), need, &mut loaded)),
        }
    }
    panic!("{name} asks for more and more: {body}");
}

/// What an event says about where a device is from now on; none where it says nothing.
fn new_holder(event: &Event, about: &AssetId, subjects: &Subjects) -> Option<Holder> {
    let first = || subjects.assets().contains(about);
    match event {
        Event::AssetRegistered(made) if first() => Some(Holder { party: made.party.clone(), site: made.site.clone() }),
        Event::SentToRepair(sent) if first() => sent.vendor.clone(),
        Event::Repaired(back) if first() => back.holder.clone(),
        Event::Found(found) if first() => Some(found.holder.clone()),
        Event::LineReceived(line) if first() => Some(line.to.clone()),
        Event::DiscrepancyRecorded(found) if first() && found.kind == DiscrepancyKind::Mismatch => found.to.clone(),
        Event::DiscrepancyResolved(resolved) if first() => resolved.holder.clone(),
        _ => None,
    }
}

/// What must be so after every event, for everything that it changed; nothing else can have become otherwise.
fn check(known: &Records, event: &Event, subjects: &Subjects, moves: &mut BTreeSet<(Label, Label)>) {
    let what = event.name();
    for slot in known.assets.changed() {
        let (old, asset) = (slot.before.as_ref(), slot.now.as_ref().unwrap());
        // Exactly one holder, and it changes only by an event that says so.
        let expected = new_holder(event, &asset.id, subjects).or_else(|| {
            let mut holder = old.map(|old| old.holder.clone())?;
            if let Event::Redeployed(moved) = event {
                holder.site.clone_from(&moved.site);
            }
            Some(holder)
        });
        assert_eq!(Some(&asset.holder), expected.as_ref(), "{what}: {} is in other hands", asset.tag);
        // The summary of its media is true, and each of them knows where it is.
        assert_eq!(asset.media.len(), asset.media_states.len(), "{what}: {}", asset.tag);
        for (id, state) in asset.media.iter().zip(&asset.media_states) {
            let medium = known.media.get(id).unwrap();
            assert_eq!((&medium.host, &medium.state), (&Some(asset.id.clone()), state), "{what}: {}", asset.tag);
        }
        if asset.in_transit {
            assert!(asset.handoffs.last().is_some_and(|handoff| handoff.received.is_none()), "{what}: {} travels without a release", asset.tag);
        }
        // Nothing is disposed of before its data is gone, except where that is what is said: an outcome without evidence.
        let destined = asset.disposition.as_ref().is_some_and(|disposition| disposition.outcome.destination().is_some());
        if asset.status == Status::Disposed && destined {
            assert!(asset.data_gone(), "{what}: {} is disposed and its media are {:?}", asset.tag, asset.media_states);
        }
        if let Some(old) = old.filter(|old| matches!(old.status, Status::Disposed | Status::WrittenOff)) {
            assert_eq!(asset.status, old.status, "{what}: {} came back from where nothing comes back", asset.tag);
        }
        moves.extend(old.map(Asset::label).filter(|old| *old != asset.label()).map(|old| (old, asset.label())));
    }
    let mut before: BTreeMap<&MediumId, Option<&Medium>> = BTreeMap::new();
    for slot in known.media.changed() {
        let (old, medium) = (slot.before.as_ref(), slot.now.as_ref().unwrap());
        before.insert(&medium.id, old);
        // In one device, which lists it once, or by itself with a holder of its own.
        let listed = |asset: &AssetId| known.assets.get(asset).map_or(0, |asset| asset.media.iter().filter(|id| **id == medium.id).count());
        match &medium.host {
            Some(host) => assert!(listed(host) == 1 && medium.holder.is_none(), "{what}: {}", medium.title()),
            None => assert!(medium.holder.is_some(), "{what}: nobody has {}", medium.title()),
        }
        let left = old.and_then(|old| old.host.as_ref()).filter(|host| medium.host.as_ref() != Some(*host));
        assert!(left.is_none_or(|host| listed(host) == 0), "{what}: {} is in two places", medium.title());
        if old.is_some_and(Medium::is_destroyed) && !medium.is_destroyed() {
            // What nobody could see for a while is not believed any more.
            assert!(matches!(event, Event::DiscrepancyResolved(_) | Event::Found(_)), "{what}: {} was destroyed", medium.title());
        }
    }
    // Nothing that is destroyed is sanitized, repaired, used again or destroyed once more.
    let again = matches!(
        event,
        Event::MediumSanitized(_)
            | Event::SanitizationFailed(_)
            | Event::SentToRepair(_)
            | Event::Repaired(_)
            | Event::Redeployed(_)
            | Event::ReturnedToService(_)
            | Event::MediumInstalled(_)
    );
    if again {
        // A spare may be put into a device beside a destroyed drive, which stays what it is.
        let devices = if matches!(event, Event::MediumInstalled(_)) { Vec::new() } else { subjects.assets() };
        let inside = devices.iter().filter_map(|id| known.assets.get(id)).flat_map(|asset| asset.media.clone());
        for id in subjects.media().into_iter().chain(inside) {
            let medium = before.get(&id).copied().unwrap_or_else(|| known.media.get(&id)).unwrap();
            assert!(!medium.is_destroyed(), "{what}: {} is destroyed", medium.title());
        }
    }
}

/// One story: so many commands, every event checked, and told again from what was written.
fn tell(seed: u64, commands: u32, seen: &mut Seen) {
    let mut world = World::new(seed);
    for _ in 0..commands {
        let (name, play) = world.dice.of(PLAYS).unwrap();
        let Some((who, body)) = play(&mut world) else { continue };
        let (decided, mut loaded) = decide(&world.story, &who, name, &body);
        // Whoever knows everything decides the same.
        assert_eq!(world.story.when(&who, name, body.clone()), decided, "{name} {body}");
        let count = seen.given.entry(name).or_default();
        count.0 += 1;
        let happenings = match decided {
            Ok(happenings) => happenings,
            Err(refusal) => {
                seen.codes.entry(refusal.code).or_insert(refusal.why);
                continue;
            }
        };
        count.1 += 1;
        let at = world.story.now();
        for happening in happenings {
            let stamp = world.story.happen(&who, at, &happening);
            happening.event.apply(&happening.about, &stamp, &mut loaded);
            assert_eq!(loaded.not_loaded, [], "{name} did not ask for what it changes: {body}");
            check(world.story.known(), &happening.event, &happening.about, &mut seen.moves);
            world.story.known_mut().settle();
            world.log.push((stamp, happening.about.clone(), happening.event.name(), happening.event.data().unwrap()));
        }
    }
    // Told again from the entries alone, the same.
    let mut again = Story::new();
    let known = again.known_mut();
    for (stamp, about, name, data) in &world.log {
        Event::read(name, data).unwrap().apply(about, stamp, known);
    }
    let (told, lived) = (again.known(), world.story.known());
    assert!(told.assets.all().eq(lived.assets.all()), "devices");
    assert!(told.media.all().eq(lived.media.all()), "media");
    assert!(told.consignments.all().eq(lived.consignments.all()), "consignments");
    assert!(told.lines.all().eq(lived.lines.all()), "lines");
    assert!(told.discrepancies.all().eq(lived.discrepancies.all()), "discrepancies");
    assert!(told.evidence.all().eq(lived.evidence.all()), "evidence");
    assert!(told.certificates.all().eq(lived.certificates.all()), "certificates");
}

/// Refusal codes that stand in the rules of these chapters, read from their text.
fn codes() -> BTreeSet<&'static str> {
    let chapters = [
        include_str!("lifecycle.rs"),
        include_str!("preparation.rs"),
        include_str!("holds.rs"),
        include_str!("missing.rs"),
        include_str!("assignment.rs"),
        include_str!("parts.rs"),
        include_str!("loose_media.rs"),
        include_str!("disposition.rs"),
    ];
    let mut found = BTreeSet::new();
    for chapter in chapters {
        let rules = chapter.split("#[cfg(test)]").next().unwrap();
        let quoted: Vec<&str> = rules.split('"').collect();
        for (before, word) in quoted.chunks_exact(2).map(|pair| (pair[0], pair[1])) {
            // The space of a unique value looks the same.
            if before.ends_with("Key::new(") {
                continue;
            }
            let mut parts = word.split('.');
            let is_name = |part: Option<&str>| part.is_some_and(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            if is_name(parts.next()) && is_name(parts.next()) && parts.next().is_none() {
                found.insert(word);
            }
        }
    }
    found
}

/// Ways that only these holds and losses make: from any state to theirs, and back.
fn is_overlay(label: Label) -> bool {
    matches!(label, Label::Quarantined | Label::LegalHold | Label::Discrepancy | Label::Missing)
}

use Label::*;

/// The ways from one state to another by which devices go (itad §5.2), holds and losses aside: all of them are taken.
const WAYS: &[(Label, Label)] = &[
    (InStock, InService),
    (InService, InStock),
    (InStock, InRepair),
    (InService, InRepair),
    (InRepair, InStock),
    (InRepair, InService),
    (InRepair, Retired),
    (InStock, Retired),
    (InService, Retired),
    (Retired, InService),
    (Retired, Evaluated),
    (Evaluated, InService),
    (Evaluated, SurplusAuthorized),
    (Evaluated, Sanitizing),
    (SurplusAuthorized, InService),
    (SurplusAuthorized, Sanitizing),
    (SurplusAuthorized, Staged),
    (Staged, Released),
    (Released, Received),
    (Received, Sanitizing),
    (Sanitizing, Sanitized),
    (Sanitizing, SanitizationFailed),
    (SanitizationFailed, Sanitizing),
    (Sanitized, Graded),
    (Sanitized, RedeployReady),
    (Sanitized, Staged),
    (Sanitized, Disposed),
    (Graded, Disposed),
    (RedeployReady, InService),
    (Missing, WrittenOff),
];

/// Other ways that follow from the same rules: what was taken out, put in or found in a retired device, or what was evaluated anew, may move it anywhere
/// among the states of retired devices at rest, and from each of them it goes where the rules say.
fn may_follow(from: Label, to: Label) -> bool {
    let at_rest = |label| {
        matches!(label, Retired | Evaluated | SurplusAuthorized | Received | Sanitizing | SanitizationFailed | Sanitized | Graded | RedeployReady)
    };
    match (from, to) {
        (from, to) if at_rest(from) && at_rest(to) => true,
        (InStock | InService | InRepair | Released, to) => at_rest(to),
        (from, InService | Staged | Disposed) => at_rest(from),
        _ => false,
    }
}

#[test]
fn every_command_is_played() {
    let mut played: Vec<&str> = PLAYS.iter().map(|(name, _)| *name).chain(NOT_PLAYED.iter().copied()).collect();
    let mut all: Vec<&str> = Command::KINDS.iter().map(|(name, _)| *name).collect();
    played.sort_unstable();
    all.sort_unstable();
    assert_eq!(played, all);
}

#[test]
fn random_stories_keep_the_record_whole() {
    let mut seen = Seen::default();
    for seed in 1..=STORIES {
        tell(seed, COMMANDS, &mut seen);
    }
    let (mut given, mut taken) = (0, 0);
    for (name, (all, good)) in &seen.given {
        println!("{name:24} {good:6} of {all:6} taken, {:3} %", 100 * good / all);
        given += all;
        taken += good;
    }
    println!("{taken} of {given} commands taken, {} %; {} ways, {} codes", 100 * taken / given, seen.moves.len(), seen.codes.len());
    assert!(10 * taken >= 3 * given, "fewer than three of ten commands fit");
    for (name, (all, good)) in &seen.given {
        assert!(10 * good >= 3 * all, "{name}: {good} of {all}");
    }
    let new: Vec<_> = seen
        .moves
        .iter()
        .filter(|(from, to)| !is_overlay(*from) && !is_overlay(*to) && !WAYS.contains(&(*from, *to)) && !may_follow(*from, *to))
        .collect();
    assert!(new.is_empty(), "ways that no rule knows: {new:?}");
    let untaken: Vec<_> = WAYS.iter().filter(|way| !seen.moves.contains(way)).collect();
    assert!(untaken.is_empty(), "ways that nothing took: {untaken:?}");
    for label in Label::ALL.iter().filter(|label| is_overlay(**label)) {
        assert!(seen.moves.iter().any(|(_, to)| to == label) && seen.moves.iter().any(|(from, _)| from == label), "{label}");
    }
    let unseen: Vec<_> = codes().into_iter().filter(|code| !seen.codes.contains_key(code)).collect();
    assert!(unseen.is_empty(), "refusals that nothing met: {unseen:?}");
    for (code, why) in &seen.codes {
        assert!(why.len() > 20 && why.ends_with(['.', ')']), "{code}: {why}");
    }
}

/// How many stories, and how many commands somebody thinks of in each.
const STORIES: u64 = 16;
const COMMANDS: u32 = 2_000;
