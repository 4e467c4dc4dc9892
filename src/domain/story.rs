//! Words for tests of the rules: given what happened, when a command comes, then events or a refusal. No clock, no database.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::asset::Asset;
use super::catalogue::{Catalogue, SHIPPED};
use super::medium::Medium;
use super::names::{AssetId, Digest, Instant, MediumId, PartyId, PersonId, Role};
use super::parties::Party;
use super::policy::{Pack, STARTER};
use super::preparation::Rung;
use super::records::{Records, Stop};
use super::refusal::Refusal;
use super::{Actor, Command, Happening, Occasion, Stamp, SubjectKind};

/// The accountable organisation.
pub const DISTRICT: &str = "urn:uuid:00000000-0000-4000-8000-00000000d157";
/// A vendor.
pub const VENDOR: &str = "urn:uuid:00000000-0000-4000-8000-0000000000e1";
/// Another vendor.
pub const OTHER: &str = "urn:uuid:00000000-0000-4000-8000-0000000000e2";

/// Read once: the table of transitions begins a thousand stories.
static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::parse(SHIPPED).unwrap());
static POLICY: LazyLock<Pack> = LazyLock::new(|| Pack::parse(STARTER, Digest::parse(&"0".repeat(64)).unwrap()).unwrap());

/// In place of a hash, of which this floor knows none: other bytes give another one, nearly always.
fn mixed(bytes: &[u8]) -> [u8; 32] {
    let mut mixed = [0; 32];
    for (n, byte) in bytes.iter().enumerate() {
        mixed[n % 32] = u8::rotate_left(mixed[n % 32], 3) ^ byte.wrapping_add(u8::try_from(n % 251).unwrap());
    }
    mixed
}

/// A record in memory and somebody who acts on it.
pub struct Story {
    known: Records,
    policy: Pack,
    catalogue: Catalogue,
    seq: u64,
    /// Milliseconds that passed in which nothing was recorded.
    idle: i64,
}

/// Somebody: the n-th person of a role, for a party.
pub fn actor(role: Role, party: &str, n: u32) -> Actor {
    let role_number = u32::try_from(Role::ALL.iter().position(|other| *other == role).unwrap()).unwrap();
    let person = PersonId::parse(&format!("urn:uuid:00000000-0000-4000-8000-{:012}", 1_000 * (role_number + 1) + n)).unwrap();
    Actor::new(person, role, PartyId::parse(party).unwrap())
}

/// The adoption of this policy.
pub fn adopting(policy: &Pack) -> Value {
    json!({"name": policy.name, "version": policy.version, "sha256": policy.digest, "reference": "BOARD-0", "decided_on": "2026-08-12"})
}

/// The registration of a machine at the site of this party.
pub fn machine(party: &str, technique: &str, serial: &str) -> Value {
    let mut body = json!({"party": party, "site": "Site", "technique": technique, "make": "Maker", "model": "M-100", "serial": serial});
    if technique == "degauss" {
        body["field_oersted"] = json!(10_000);
    } else {
        body["particle_tenths_mm"] = json!(20);
    }
    body
}

/// Why nothing better than this rung is chosen.
pub fn better_than(rung: &str) -> Value {
    let better = Rung::ALL.iter().take_while(|better| better.as_str() != rung);
    better.map(|better| json!({"rung": better, "reason": "uneconomic"})).collect()
}

impl Story {
    /// The organisation and two vendors, both qualified for everything.
    pub fn new() -> Self {
        let mut story = Self::unqualified();
        story.qualify(VENDOR, "2100-01-01");
        story.qualify(OTHER, "2100-01-01");
        story
    }

    /// The site of this party is certified to have things with data and without, until this day.
    pub fn qualify(&mut self, party: &str, until: &str) {
        let credential = json!({"party": party, "site": "Site", "scheme": "r2v3", "number": "C1", "issued_on": "2020-01-01", "expires_on": until,
            "scope": ["data_sanitization_logical", "data_sanitization_physical", "materials_recovery"]});
        self.done(&actor(Role::Administrator, DISTRICT, 1), "record_credential", credential);
    }

    /// The organisation and two vendors, of whom nothing is known.
    pub fn unqualified() -> Self {
        let mut story = Self { catalogue: CATALOGUE.clone(), known: Records::complete(), policy: POLICY.clone(), seq: 0, idle: 0 };
        let service = actor(Role::Service, DISTRICT, 0);
        for (id, kind, name) in [(DISTRICT, "organisation", "District"), (VENDOR, "vendor", "Recycler"), (OTHER, "vendor", "Other")] {
            story.done(&service, "register_party", json!({"party": id, "kind": kind, "name": name, "sites": ["Site"]}));
        }
        story.done(&actor(Role::Approver, DISTRICT, 1), "adopt_policy", adopting(&story.policy));
        story
    }

    /// The records so far.
    pub fn known(&self) -> &Records {
        &self.known
    }
    /// The same, for those who tell it again.
    pub fn known_mut(&mut self) -> &mut Records {
        &mut self.known
    }
    /// The policy in force.
    pub fn policy(&self) -> &Pack {
        &self.policy
    }

    /// Another version of the policy comes into force, which nobody has adopted.
    pub fn policy_changes(&mut self) {
        let version = format!("version = \"{}\"", self.policy.version);
        let text = STARTER.replacen(&version, "version = \"next\"", 1);
        self.policy = Pack::parse(&text, Digest::parse(&"1".repeat(64)).unwrap()).unwrap();
    }

    /// Hours go by in which nothing is recorded.
    pub fn hours_pass(&mut self, hours: i64) {
        self.idle += hours * 3_600_000;
    }

    /// The circumstances in which somebody gives a command now.
    pub fn occasion<'a>(&'a self, actor: &'a Actor) -> Occasion<'a> {
        let at = self.now();
        Occasion {
            actor,
            at,
            occurred: at,
            policy: &self.policy,
            catalogue: &self.catalogue,
            seed: u128::from(self.seq) << 96 | u128::from(self.seq) << 48,
            place: 0,
            sha256: mixed,
            signed_by: None,
        }
    }

    /// When a command comes: events, or a refusal. Nothing happens yet.
    pub fn when(&self, actor: &Actor, name: &str, body: Value) -> Result<Vec<Happening>, Refusal> {
        self.when_signed(actor, None, name, body)
    }

    /// The same, signed with a key of their own.
    pub fn when_signed(&self, actor: &Actor, signed_by: Option<&str>, name: &str, body: Value) -> Result<Vec<Happening>, Refusal> {
        let occasion = Occasion { signed_by, ..self.occasion(actor) };
        Command::read(name, body).and_then(|command| match command.decide(&self.known, &occasion) {
            Ok(happenings) => Ok(happenings),
            Err(Stop::Refused(refusal)) => Err(refusal),
            Err(Stop::Needs(needs)) => panic!("a complete record lacks {needs:?}"),
        })
    }

    /// Given that a command was carried out; gives the ids of what its events are about.
    pub fn done(&mut self, actor: &Actor, name: &str, body: Value) -> Vec<(SubjectKind, String)> {
        let happenings = self.when(actor, name, body).unwrap_or_else(|refusal| panic!("{name}: {} {}", refusal.code, refusal.why));
        self.all_happen(actor, happenings)
    }

    /// Given that a command signed with a key of their own was carried out.
    pub fn done_signed(&mut self, actor: &Actor, key: &str, name: &str, body: Value) {
        let happenings = self.when_signed(actor, Some(key), name, body).unwrap();
        self.all_happen(actor, happenings);
    }

    fn all_happen(&mut self, actor: &Actor, happenings: Vec<Happening>) -> Vec<(SubjectKind, String)> {
        let at = self.now();
        let mut about = Vec::new();
        for happening in happenings {
            about.extend(happening.about.iter().map(|subject| (subject.kind, subject.id.clone())));
            self.happen(actor, at, &happening);
        }
        about
    }

    /// The time of the next entry.
    pub fn now(&self) -> Instant {
        Instant::from_unix_ms(1_790_000_000_000 + i64::try_from(self.seq).unwrap() * 60_000 + self.idle).unwrap()
    }

    /// One event becomes an entry.
    pub fn happen(&mut self, actor: &Actor, at: Instant, happening: &Happening) -> Stamp {
        let stamp = Stamp { seq: self.seq, at, occurred: at, actor: actor.clone() };
        // What is written must be readable, and the same.
        let read = super::Event::read(happening.event.name(), &happening.event.data().unwrap()).unwrap();
        assert_eq!(read, happening.event);
        read.apply(&happening.about, &stamp, &mut self.known);
        self.seq += 1;
        stamp
    }

    /// Then a command is refused with this code; gives the reason.
    pub fn refused(&self, actor: &Actor, name: &str, body: Value, code: &str) -> String {
        let refusal = self.when(actor, name, body).expect_err("this should have been refused");
        assert_eq!(refusal.code, code, "{}", refusal.why);
        refusal.why
    }

    /// A registered, retired device with one medium: `(device, medium)`.
    pub fn retired(&mut self, tag: &str, media_type: &str, sensitivity: &str) -> (String, String) {
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let medium =
            if media_type == "emmc" { json!({"media_type": media_type}) } else { json!({"media_type": media_type, "serial": format!("M{tag}")}) };
        let about = self.done(
            &coordinator,
            "register_asset",
            json!({"tag": tag, "serial": format!("S{tag}"), "category": "laptop", "manufacturer": "Maker", "model": "Model", "sensitivity": sensitivity,
                   "site": "Site", "media": [medium]}),
        );
        let id = |kind| about.iter().find(|(of, _)| *of == kind).unwrap().1.clone();
        let (asset, medium) = (id(SubjectKind::Asset), id(SubjectKind::Medium));
        self.done(&coordinator, "retire", json!({"asset": asset, "reason": "end_of_life"}));
        self.prepare(&asset);
        (asset, medium)
    }

    /// Evaluated as good for recycling only, authorised by the board, accounts released: a retired device that may leave.
    pub fn prepare(&mut self, asset: &str) {
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        self.done(&coordinator, "evaluate", json!({"asset": asset, "rung": "recycling", "rejected": better_than("recycling")}));
        self.done(&actor(Role::Approver, DISTRICT, 1), "authorize_surplus", json!({"asset": asset, "reference": "BOARD-1"}));
        self.done(&coordinator, "release_accounts", json!({"asset": asset, "reference": "MDM-1"}));
    }

    /// A stored document; gives its SHA-256.
    pub fn document(&mut self) -> String {
        let document = "d".repeat(64);
        let body = json!({"sha256": document, "size_bytes": 9, "reader": null, "links": []});
        self.done(&actor(Role::Coordinator, DISTRICT, 1), "receive_evidence", body);
        document
    }

    /// The device as it is now.
    pub fn asset(&self, id: &str) -> &Asset {
        self.known.find::<Asset>(&AssetId::parse(id).unwrap()).unwrap().unwrap()
    }
    /// The machine that this party has registered last.
    pub fn machine_of(&self, party: &str) -> String {
        let party = self.known.find::<Party>(&PartyId::parse(party).unwrap()).unwrap().unwrap();
        party.machines.last().unwrap().id.to_string()
    }
    /// The medium as it is now.
    pub fn medium(&self, id: &str) -> &Medium {
        self.known.find::<Medium>(&MediumId::parse(id).unwrap()).unwrap().unwrap()
    }

    /// Sanitized by incineration, verified and validated, each by another person.
    pub fn destroyed(&mut self, medium: &str) {
        self.sanitized(medium, "incinerate", json!({"facility": "SMELTER", "facility_batch": "B1"}));
    }

    /// Sanitized by degaussing, verified and validated, each by another person.
    pub fn degaussed(&mut self, medium: &str) {
        let statement = json!({"completed_without_error": true, "equipment": "DG", "field_oersted": 10_000, "coercivity_oersted": 5_000, "calibrated_on": "2026-01-05"});
        self.sanitized(medium, "degauss", statement);
    }

    fn sanitized(&mut self, medium: &str, technique: &str, statement: Value) {
        let body = json!({"medium": medium, "technique": technique, "statement": statement});
        self.done(&actor(Role::Coordinator, DISTRICT, 1), "record_sanitization", body);
        self.done(&actor(Role::Coordinator, DISTRICT, 2), "verify_sanitization", json!({"medium": medium}));
        self.done(&actor(Role::Approver, DISTRICT, 1), "validate_sanitization", json!({"medium": medium}));
    }

    /// A consignment to the vendor with these devices on it, released.
    pub fn released(&mut self, reference: &str, assets: &[&str]) -> String {
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let about =
            self.done(&coordinator, "open_consignment", json!({"reference": reference, "from_site": "Site", "to": VENDOR, "to_site": "Site"}));
        let id = about[0].1.clone();
        self.done(&coordinator, "add_lines", json!({"consignment": id, "assets": assets}));
        self.done(&coordinator, "seal_consignment", json!({"consignment": id, "containers": [{"label": "PALLET-1", "seal": "0001"}]}));
        self.done(&coordinator, "release_consignment", json!({"consignment": id}));
        id
    }
}
