//! Random stories: people give commands that fit, or nearly fit, what happened so far; after each event the record has to be whole.
//!
//! A chapter adds its commands as [`Play`]s to [`plays::PLAYS`]. Each story is the same every time: its dice are thrown from a number.

mod direct;
mod plays;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::asset::{Asset, Holder, Label, Status};
use super::assignment::AssigneeKind;
use super::catalogue::Seen as KnownFrom;
use super::certification::{Certificate, judge};
use super::consignment::{Consignment, ConsignmentKind, ConsignmentStatus, Discrepancy, DiscrepancyKind, Item, Line, LineId, LineState};
use super::disposition::Outcome;
use super::evidence::Evidence;
use super::exceptions::{Exception, ExceptionStatus};
use super::holds::HoldKind;
use super::medium::{Medium, MediumState};
use super::names::{AssetId, ConsignmentId, DiscrepancyId, IdentifiedBy, Instant, MediaType, MediumId, PartyId, Role, Technique};
use super::observation::needs_explanation;
use super::parties::{Party, PartyKind};
use super::preparation::Rung;
use super::records::{Need, Record as _, Records, Stop};
use super::refusal::Refusal;
use super::story::{DISTRICT, OTHER, Story, VENDOR, actor, better_than, machine};
use super::{Actor, Command, Event, Happening, Occasion, Stamp, Subjects};

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
    keys: Vec<String>,
    /// The key of their own that whoever gives the next command signs it with.
    signed_by: Option<String>,
    /// Every event as it was written.
    log: Vec<(Stamp, Subjects, &'static str, Value)>,
}

/// What all stories together came to.
#[derive(Default)]
struct Seen {
    /// By command: how often it was given, how often taken.
    given: BTreeMap<&'static str, (u32, u32)>,
    /// By code: how often a refusal was met, and one of its reasons.
    codes: BTreeMap<&'static str, (u32, String)>,
    /// From which state to which devices went.
    moves: BTreeSet<(Label, Label)>,
}

/// One command that somebody may think of: who gives it, and with what.
type Play = (&'static str, fn(&mut World) -> Option<(Actor, Value)>);

impl World {
    fn new(seed: u64) -> Self {
        Self { story: Story::new(), dice: Dice(seed), made: 0, files: Vec::new(), keys: Vec::new(), signed_by: None, log: Vec::new() }
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
        self.device(|_, asset| states.contains(&asset.status) && rests(asset))
    }
    /// The same in the organisation's hands.
    fn ours(&mut self, states: &[Status]) -> Option<Asset> {
        self.device(|_, asset| states.contains(&asset.status) && rests_with(asset, DISTRICT))
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
            Some(host) => host.status == Status::Retired && rests(host) && host.preparation.evaluation.is_some(),
            None => medium.consignment.is_none() && !medium.in_transit && medium.state != MediumState::Absent,
        }
    }
    fn consignment(&mut self, status: ConsignmentStatus) -> Option<Consignment> {
        self.consignment_that(|consignment| consignment.status == status)
    }
    /// A consignment that fits; once in eight times, any.
    fn consignment_that(&mut self, fits: impl Fn(&Consignment) -> bool) -> Option<Consignment> {
        let wild = self.dice.one_in(8);
        let some: Vec<Consignment> = self.story.known().consignments.all().filter(|consignment| wild || fits(consignment)).cloned().collect();
        self.dice.of(&some)
    }
    /// One of the three, or once in a while nobody.
    fn party(&mut self) -> &'static str {
        self.dice.of(&[VENDOR, VENDOR, VENDOR, VENDOR, OTHER, OTHER, DISTRICT, NOBODY]).unwrap()
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

/// Whether nothing holds a device, and it is on no list and on no way.
fn rests(asset: &Asset) -> bool {
    asset.holds.is_empty() && asset.consignment.is_none() && !asset.in_transit
}

/// The same in the hands of this party.
fn rests_with(asset: &Asset, party: &str) -> bool {
    rests(asset) && asset.holder.party.as_str() == party
}

/// Given once, before any story begins.
const NOT_PLAYED: &[&str] = &["adopt_policy", "agree_to_sign", "open_log"];

/// No device, party, line or discrepancy.
const NOBODY: &str = "urn:uuid:00000000-0000-4000-8000-00000000dead";

impl Label {
    /// Nothing more can be done with what has this label, or only once it is found.
    fn is_gone(self) -> bool {
        matches!(self, Label::Disposed | Label::RecordedAfterwards | Label::WrittenOff | Label::Missing)
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
fn decide(story: &Story, actor: &Actor, signed_by: Option<&str>, name: &str, body: &Value) -> (Result<Vec<Happening>, Refusal>, Records) {
    let mut loaded = Records::default();
    let command = match Command::read(name, body.clone()) {
        Ok(command) => command,
        Err(refusal) => return (Err(refusal), loaded),
    };
    for _ in 0..12 {
        match command.decide(&loaded, &Occasion { signed_by, ..story.occasion(actor) }) {
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
        Event::DiscrepancyRecorded(found) if first() && matches!(found.kind, DiscrepancyKind::Mismatch | DiscrepancyKind::Incomplete) => {
            found.to.clone()
        }
        Event::DiscrepancyResolved(resolved) if first() => resolved.holder.clone(),
        _ => None,
    }
}

/// What is on a consignment is on its list, and not received yet.
fn check_line(known: &Records, on: &ConsignmentId, item: Item, what: &str) {
    let line = known.lines.get(&LineId::of(on, item)).unwrap();
    assert!(matches!(line.state, LineState::Listed | LineState::Short), "{what}: {} is {}", line.name, line.state);
    let status = known.consignments.get(on).unwrap().status;
    assert!(!matches!(status, ConsignmentStatus::Reconciled | ConsignmentStatus::Cancelled), "{what}: {} is on one that is {status}", line.name);
}

/// What must be so after every act: nothing is disposed of before its data is gone, except where that is what is said, an outcome without evidence.
fn check_disposed(known: &Records, changed: &BTreeSet<AssetId>, name: &str) {
    for asset in changed.iter().filter_map(|id| known.assets.get(id)) {
        let destined = asset.disposition.as_ref().is_some_and(|disposition| disposition.outcome.destination().is_some());
        if asset.status == Status::Disposed && destined {
            assert!(asset.data_gone(), "{name}: {} is disposed and its media are {:?}", asset.tag, asset.media_states);
        }
    }
}

/// What must be so after every event, for everything that it changed; nothing else can have become otherwise.
fn check(known: &Records, event: &Event, subjects: &Subjects, moves: &mut BTreeSet<(Label, Label)>) {
    let what = event.name();
    for slot in known.assets.changed() {
        let (old, asset) = (slot.before(), slot.now().unwrap());
        // Exactly one holder, and it changes only by an event that says so.
        let expected = new_holder(event, &asset.id, subjects).or_else(|| {
            let mut holder = old.map(|old| old.holder.clone())?;
            match event {
                Event::Redeployed(moved) => holder.site.clone_from(&moved.site),
                // The site that was wrong is where it never was.
                Event::AssetAmended(amended) if old.is_some_and(|old| old.handoffs.is_empty() && old.holder.site == old.home) => {
                    holder.site = amended.site.clone().unwrap_or(holder.site);
                }
                _ => {}
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
        if let Some(on) = &asset.consignment {
            check_line(known, on, Item::Asset(asset.id.clone()), what);
        }
        let reopened = matches!(event, Event::DispositionVoided(_));
        if let Some(old) = old.filter(|old| matches!(old.status, Status::Disposed | Status::WrittenOff) && !reopened) {
            assert_eq!(asset.status, old.status, "{what}: {} came back from where nothing comes back", asset.tag);
        }
        moves.extend(old.map(Asset::label).filter(|old| *old != asset.label()).map(|old| (old, asset.label())));
    }
    let mut before: BTreeMap<&MediumId, Option<&Medium>> = BTreeMap::new();
    for slot in known.media.changed() {
        let (old, medium) = (slot.before(), slot.now().unwrap());
        before.insert(&medium.id, old);
        // In one device, which lists it once, or by itself with a holder of its own.
        let listed = |asset: &AssetId| known.assets.get(asset).map_or(0, |asset| asset.media.iter().filter(|id| **id == medium.id).count());
        if medium.state == MediumState::Withdrawn {
            // It never was: no device has it, and nothing happens to it any more.
            assert!(medium.host.as_ref().is_none_or(|host| listed(host) == 0), "{what}: {} is withdrawn", medium.title());
            assert!(
                old.is_none_or(|old| old.state != MediumState::Withdrawn) || matches!(event, Event::EntryCorrected(_)),
                "{what}: {} is withdrawn",
                medium.title()
            );
            continue;
        }
        assert!(old.is_none_or(|old| old.state != MediumState::Withdrawn), "{what}: {} was withdrawn", medium.title());
        match &medium.host {
            Some(host) => assert!(listed(host) == 1 && medium.holder.is_none(), "{what}: {}", medium.title()),
            None => assert!(medium.holder.is_some(), "{what}: nobody has {}", medium.title()),
        }
        let left = old.and_then(|old| old.host.as_ref()).filter(|host| medium.host.as_ref() != Some(*host));
        assert!(left.is_none_or(|host| listed(host) == 0), "{what}: {} is in two places", medium.title());
        if old.is_some_and(Medium::is_destroyed) && !medium.is_destroyed() {
            // What nobody could see for a while is not believed any more.
            let believed = !matches!(event, Event::DiscrepancyResolved(_) | Event::Found(_) | Event::SanitizationVoided(_));
            assert!(!believed, "{what}: {} was destroyed", medium.title());
        }
        // By itself, it changes hands only by an event that says so.
        if let Some(old) = old.filter(|old| old.is_loose() && medium.is_loose()) {
            let moves = matches!(event, Event::LineReceived(_) | Event::DiscrepancyResolved(_) | Event::MediumFound(_));
            assert!(moves || old.holder == medium.holder, "{what}: {} is in other hands", medium.title());
        }
        if medium.in_transit {
            assert!(medium.handoffs.last().is_some_and(|handoff| handoff.received.is_none()), "{what}: {} travels without a release", medium.title());
        }
        if let Some(on) = &medium.consignment {
            check_line(known, on, Item::Medium(medium.id.clone()), what);
        }
    }
    for consignment in known.consignments.changed().filter_map(|slot| slot.now()) {
        let listed = known.lines_of(&consignment.id).unwrap().into_iter().filter(|line| line.is_listed()).count();
        assert_eq!(usize::try_from(consignment.lines).unwrap(), listed, "{what}: {}", consignment.reference);
        let open = |id: &&DiscrepancyId| known.discrepancies.get(id).unwrap().resolution.is_none();
        let open: Vec<_> = consignment.discrepancies.iter().filter(open).cloned().collect();
        assert_eq!(consignment.open_discrepancies, open, "{what}: {}", consignment.reference);
        assert!(consignment.status != ConsignmentStatus::Reconciled || open.is_empty(), "{what}: {}", consignment.reference);
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
    let plays: Vec<Play> = plays::PLAYS.iter().chain(plays::OFTEN).copied().collect();
    for _ in 0..commands {
        let (name, play) = world.dice.of(&plays).unwrap();
        if world.dice.one_in(60) {
            let hours = world.dice.below(96);
            world.story.hours_pass(i64::try_from(hours).unwrap());
        }
        world.signed_by = None;
        let Some((who, body)) = play(&mut world) else { continue };
        let key = world.signed_by.as_deref();
        let (decided, mut loaded) = decide(&world.story, &who, key, name, &body);
        // Whoever knows everything decides the same.
        assert_eq!(world.story.when_signed(&who, key, name, body.clone()), decided, "{name} {body}");
        let count = seen.given.entry(name).or_default();
        count.0 += 1;
        let happenings = match decided {
            Ok(happenings) => happenings,
            Err(refusal) => {
                seen.codes.entry(refusal.code).or_insert((0, refusal.why)).0 += 1;
                continue;
            }
        };
        count.1 += 1;
        let at = world.story.now();
        let mut changed = BTreeSet::new();
        for happening in happenings {
            let stamp = world.story.happen(&who, at, &happening);
            happening.event.apply(&happening.about, &stamp, &mut loaded);
            assert_eq!(loaded.not_loaded, [], "{name} did not ask for what it changes: {body}");
            check(world.story.known(), &happening.event, &happening.about, &mut seen.moves);
            changed.extend(world.story.known().assets.changed().filter_map(|slot| slot.now()).map(|asset| asset.id.clone()));
            world.story.known_mut().settle();
            world.log.push((stamp, happening.about.clone(), happening.event.name(), happening.event.data().unwrap()));
        }
        check_disposed(world.story.known(), &changed, name);
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
    assert!(told.exceptions.all().eq(lived.exceptions.all()), "exceptions");
    assert!(told.parties.all().eq(lived.parties.all()), "parties");
}

/// Refusal codes that stand in the rules of every chapter, read from their text.
fn codes() -> BTreeSet<&'static str> {
    let chapters = [
        include_str!("adoption.rs"),
        include_str!("asset.rs"),
        include_str!("assignment.rs"),
        include_str!("catalogue.rs"),
        include_str!("certification.rs"),
        include_str!("consignment.rs"),
        include_str!("correction.rs"),
        include_str!("counting.rs"),
        include_str!("destruction.rs"),
        include_str!("disposition.rs"),
        include_str!("equipment.rs"),
        include_str!("evidence.rs"),
        include_str!("exceptions.rs"),
        include_str!("handoff.rs"),
        include_str!("holds.rs"),
        include_str!("ledger.rs"),
        include_str!("lifecycle.rs"),
        include_str!("links.rs"),
        include_str!("loading.rs"),
        include_str!("loose_media.rs"),
        include_str!("manifest.rs"),
        include_str!("mappings.rs"),
        include_str!("medium.rs"),
        include_str!("missing.rs"),
        include_str!("notes.rs"),
        include_str!("observation.rs"),
        include_str!("overrides.rs"),
        include_str!("own_keys.rs"),
        include_str!("parties.rs"),
        include_str!("parts.rs"),
        include_str!("past.rs"),
        include_str!("policy.rs"),
        include_str!("policy/statement.rs"),
        include_str!("preparation.rs"),
        include_str!("receipt.rs"),
        include_str!("reconciliation.rs"),
        include_str!("registration.rs"),
        include_str!("residual_risk.rs"),
        include_str!("sampling.rs"),
        include_str!("sanitization.rs"),
        include_str!("scanning.rs"),
        include_str!("sealing.rs"),
        include_str!("together.rs"),
        include_str!("vendors.rs"),
        include_str!("matching.rs"),
        include_str!("withholding.rs"),
    ];
    let mut found = BTreeSet::new();
    for chapter in chapters {
        let rules = chapter.split("#[cfg(test)]").next().unwrap();
        for line in rules.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let quoted: Vec<&str> = line.split('"').collect();
            for (before, word) in quoted.chunks_exact(2).map(|pair| (pair[0], pair[1])) {
                // The space of a unique value looks the same.
                if before.ends_with("Key::new(") {
                    continue;
                }
                let mut parts = word.split('.');
                let is_name =
                    |part: Option<&str>| part.is_some_and(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
                if is_name(parts.next()) && is_name(parts.next()) && parts.next().is_none() {
                    found.insert(word);
                }
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
    (Staged, SurplusAuthorized),
    (InStock, Released),
    (InService, Released),
    (Released, InStock),
    (Released, InService),
    (Released, Received),
    (Received, Reconciled),
    (Received, Sanitizing),
    (Reconciled, Sanitizing),
    (Sanitizing, Sanitized),
    (Sanitizing, SanitizationFailed),
    (SanitizationFailed, Sanitizing),
    (Sanitized, Graded),
    (Sanitized, RedeployReady),
    (Sanitized, Staged),
    (Sanitized, Disposed),
    (Graded, Disposed),
    (InStock, RecordedAfterwards),
    (InService, RecordedAfterwards),
    (RecordedAfterwards, InService),
    (Disposed, Sanitizing),
    (Disposed, Sanitized),
    (RedeployReady, InService),
    (Missing, WrittenOff),
];

/// Other ways that follow from the same rules: what was taken out, put in or found in a retired device, what was evaluated anew or corrected, may move it
/// anywhere among the states of retired devices at rest; from each of them it goes where the rules say, and off a list that did not leave, or out of a
/// disposition that was declared erroneous, it comes back to any of them.
fn may_follow(from: Label, to: Label) -> bool {
    let at_rest = |label| {
        matches!(
            label,
            Retired | Evaluated | SurplusAuthorized | Received | Reconciled | Sanitizing | SanitizationFailed | Sanitized | Graded | RedeployReady
        )
    };
    match (from, to) {
        (from, to) if at_rest(from) && at_rest(to) => true,
        (InStock | InService | InRepair | Released | Staged | Disposed | RecordedAfterwards, to) if at_rest(to) => true,
        (RecordedAfterwards, InStock) => true,
        // Inside the organisation devices travel in whatever use they are.
        (InRepair, Released) | (Released, InRepair) => true,
        (from, InService | Staged | Disposed | RecordedAfterwards) => at_rest(from),
        _ => false,
    }
}

#[test]
fn every_command_is_played() {
    let mut played: Vec<&str> = plays::PLAYS.iter().map(|(name, _)| *name).chain(NOT_PLAYED.iter().copied()).collect();
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
    for (code, (times, _)) in &seen.codes {
        println!("{code:36} {times:6} times");
    }
    let (mut given, mut taken) = (0, 0);
    for (name, (all, good)) in &seen.given {
        println!("{name:24} {good:6} of {all:6} taken, {:3} %", 100 * good / all);
        given += all;
        taken += good;
    }
    println!("{taken} of {given} commands taken, {} %; {} ways, {} codes", 100 * taken / given, seen.moves.len(), seen.codes.len());
    let mut wrong = Vec::new();
    let rare = |given: u32, taken: u32| 10 * taken < 3 * given;
    if rare(given, taken) {
        wrong.push("fewer than three of ten commands fit".to_owned());
    }
    wrong.extend(seen.given.iter().filter(|(_, (all, good))| rare(*all, *good)).map(|(name, (all, good))| format!("{name}: {good} of {all} taken")));
    wrong.extend(plays::PLAYS.iter().filter(|(name, _)| !seen.given.contains_key(name)).map(|(name, _)| format!("{name}: never given")));
    let new: Vec<_> = seen
        .moves
        .iter()
        .filter(|(from, to)| !is_overlay(*from) && !is_overlay(*to) && !WAYS.contains(&(*from, *to)) && !may_follow(*from, *to))
        .collect();
    wrong.extend(new.iter().map(|way| format!("a way that no rule knows: {way:?}")));
    let untaken: Vec<_> = WAYS.iter().filter(|way| !seen.moves.contains(way)).collect();
    wrong.extend(untaken.iter().map(|way| format!("a way that nothing took: {way:?}")));
    for label in Label::ALL.iter().filter(|label| is_overlay(**label)) {
        assert!(seen.moves.iter().any(|(_, to)| to == label) && seen.moves.iter().any(|(from, _)| from == label), "{label}");
    }
    for meet in direct::ALL {
        let refusal = meet();
        seen.codes.entry(refusal.code).or_insert((0, refusal.why)).0 += 1;
    }
    let unmet: Vec<_> = codes().into_iter().filter(|code| !seen.codes.contains_key(code)).collect();
    wrong.extend(unmet.iter().map(|code| format!("a refusal that nothing met: {code}")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (code, (_, why)) in &seen.codes {
        assert!(why.len() > 20 && why.ends_with(['.', ')']), "{code}: {why}");
    }
}

/// How many stories, and how many commands somebody thinks of in each.
const STORIES: u64 = 48;
const COMMANDS: u32 = 3_650;
