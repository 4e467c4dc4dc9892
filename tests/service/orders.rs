//! A valid body for every command, about a thing of one of two vendors, with everything recorded that has to come before it.

use std::cell::{Cell, RefCell};

use quittance::domain::letters::{Certificates, Letter};
use quittance::domain::names::{PartyId, PersonId, Role};
use quittance::domain::{Actor, Command};
use quittance::operations::deliver_mail;
use quittance::proof::identity::Signer;
use quittance::proof::integrity;
use quittance::store::{invitations, outbox, people};
use serde_json::{Value, json};

use super::server::Server;
use super::story::nwipe_log;

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// One of the two vendors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    GreenLoop,
    RecycleOne,
}

impl Vendor {
    pub fn name(self) -> &'static str {
        match self {
            Vendor::GreenLoop => "GreenLoop Recycling",
            Vendor::RecycleOne => "RecycleOne",
        }
    }
    pub fn operator(self) -> &'static str {
        match self {
            Vendor::GreenLoop => "operator",
            Vendor::RecycleOne => "stranger",
        }
    }
    fn letters(self) -> &'static str {
        match self {
            Vendor::GreenLoop => "GLP",
            Vendor::RecycleOne => "RCO",
        }
    }
}

fn is_operator(who: &str) -> bool {
    who == "operator" || who == "stranger"
}

/// Whoever stores a document for somebody who may not.
fn uploader(giver: &str) -> &str {
    if is_operator(giver) || giver == "verifier" { giver } else { "coordinator" }
}

/// A model that no catalogue lists.
const UNLISTED: &str = "Workbook 7";

/// A device with the medium in it.
#[derive(Clone, Debug)]
pub struct Thing {
    pub asset: String,
    pub medium: String,
    pub tag: String,
    pub serial: String,
    pub drive: String,
}

/// Why nothing better than recycling is chosen.
pub fn rejected() -> Value {
    ["repair", "redeploy", "resale", "donation", "parts"].into_iter().map(|rung| json!({"rung": rung, "reason": "uneconomic"})).collect()
}

/// A retired device may leave: evaluated, authorised, accounts released.
pub fn prepare(server: &Server, asset: &str) {
    server.command("coordinator", "evaluate", json!({"asset": asset, "rung": "recycling", "rejected": rejected()})).taken();
    server.command("approver", "authorize_surplus", json!({"asset": asset, "reference": "BOARD-7"})).taken();
    server.command("coordinator", "release_accounts", json!({"asset": asset, "reference": "MDM-7"})).taken();
}

/// Makes things, and knows by which words each vendor's can be told.
pub struct Yard<'a> {
    pub server: &'a Server,
    made: Cell<u32>,
    words: RefCell<Vec<(Vendor, String)>>,
}

impl<'a> Yard<'a> {
    pub fn new(server: &'a Server) -> Self {
        let yard = Self { server, made: Cell::new(0), words: RefCell::default() };
        for vendor in [Vendor::GreenLoop, Vendor::RecycleOne] {
            yard.remember(vendor, vendor.name());
            yard.remember(vendor, &server.parties[vendor.name()]);
        }
        yard
    }

    fn remember(&self, vendor: Vendor, word: &str) -> String {
        self.words.borrow_mut().push((vendor, word.to_owned()));
        word.to_owned()
    }

    /// Tags, serial numbers, references, ids, digests: whatever tells that something of this vendor is there.
    pub fn words_of(&self, vendor: Vendor) -> Vec<String> {
        self.words.borrow().iter().filter(|(of, _)| *of == vendor).map(|(_, word)| word.clone()).collect()
    }

    /// Another number each time.
    fn next(&self) -> u32 {
        self.made.set(self.made.get() + 1);
        self.made.get()
    }

    fn id(&self) -> String {
        format!("urn:uuid:00000000-0000-4000-8000-{:012x}", 0xabc_0000_0000u64 + u64::from(self.next()))
    }

    fn subject(&self, vendor: Vendor, receipt: &Value, kind: &str) -> String {
        self.remember(vendor, &Server::subject(receipt, kind))
    }

    fn command(&self, who: &str, name: &str, body: Value) -> Value {
        self.server.command(who, name, body).taken()
    }

    fn register(&self, vendor: Vendor, with_medium: bool) -> Thing {
        let (letters, n) = (vendor.letters(), self.next());
        let [tag, serial, drive] =
            [format!("{letters}-TAG-{n:05}"), format!("{letters}SER{n:05}"), format!("{letters}DRV{n:05}")].map(|word| self.remember(vendor, &word));
        let medium = json!({"serial": drive, "media_type": "ssd_nvme", "capacity_bytes": 256_060_514_304u64});
        let media = if with_medium { vec![medium] } else { Vec::new() };
        // Of this one the catalogue knows no media.
        let model = if with_medium { "ThinkPad L14" } else { UNLISTED };
        let body = json!({"tag": tag, "serial": serial, "category": "laptop", "manufacturer": "Lenovo", "model": model, "sensitivity": "moderate",
            "site": "Central", "status": "in_service", "media": media});
        let receipt = self.command("coordinator", "register_asset", body);
        let medium = if with_medium { self.subject(vendor, &receipt, "Medium") } else { String::new() };
        Thing { asset: self.subject(vendor, &receipt, "Asset"), medium, tag, serial, drive }
    }

    /// A device without media whose model turns out to be one that the catalogue knows.
    fn expecting(&self, vendor: Vendor) -> Thing {
        let thing = self.register(vendor, false);
        self.command("approver", "correct_registration", json!({"asset": thing.asset, "reason": "misread", "model": "ThinkPad L14"}));
        thing
    }

    fn retired(&self, vendor: Vendor, with_medium: bool) -> Thing {
        let thing = self.register(vendor, with_medium);
        self.command("coordinator", "retire", json!({"asset": thing.asset, "reason": "surplus", "occurred": "2026-01-05T08:00:00Z"}));
        prepare(self.server, &thing.asset);
        thing
    }

    /// A device in use: its id.
    pub fn in_service(&self, vendor: Vendor) -> String {
        self.register(vendor, true).asset
    }

    /// Reported lost.
    fn missing(&self, vendor: Vendor) -> Thing {
        let thing = self.register(vendor, true);
        self.command("coordinator", "report_missing", json!({"asset": thing.asset, "loss": "lost", "custodian": "cart", "incident": "INC-1"}));
        thing
    }

    pub fn reference(&self, vendor: Vendor) -> String {
        self.remember(vendor, &format!("{}-REF-{:05}", vendor.letters(), self.next()))
    }

    /// Opened by the vendor, to go back to the organisation.
    fn opened_back(&self, vendor: Vendor) -> String {
        let body = json!({"reference": self.reference(vendor), "from_site": "Akron", "to": self.server.parties["district"], "to_site": "Central"});
        self.subject(vendor, &self.command(vendor.operator(), "open_consignment", body), "Consignment")
    }

    /// A consignment that this person loads, and a device that may go on it.
    pub fn to_load(&self, vendor: Vendor, giver: &str) -> (String, Thing) {
        if is_operator(giver) { (self.opened_back(vendor), self.received(vendor, true)) } else { (self.opened(vendor), self.retired(vendor, true)) }
    }

    /// The same with the device on it.
    pub fn loaded(&self, vendor: Vendor, giver: &str) -> (String, Thing) {
        let (consignment, thing) = self.to_load(vendor, giver);
        let loader = if is_operator(giver) { vendor.operator() } else { "coordinator" };
        self.command(loader, "add_lines", json!({"consignment": consignment, "assets": [thing.asset], "container": "PALLET-1"}));
        (consignment, thing)
    }

    /// The same, sealed.
    fn closed(&self, vendor: Vendor, giver: &str) -> String {
        let (consignment, _) = self.loaded(vendor, giver);
        let loader = if is_operator(giver) { vendor.operator() } else { "coordinator" };
        self.command(loader, "seal_consignment", json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal": "004871"}]}));
        consignment
    }

    /// The same, on its way.
    pub fn sent(&self, vendor: Vendor, giver: &str) -> String {
        let consignment = self.closed(vendor, giver);
        let sender = if is_operator(giver) { vendor.operator() } else { "coordinator" };
        self.command(sender, "release_consignment", json!({"consignment": consignment}));
        consignment
    }

    /// On its way to the vendor, with a code for the driver: its secret.
    pub fn offered(&self, vendor: Vendor) -> String {
        let consignment = self.sent(vendor, "coordinator");
        let path = format!("/consignments/{consignment}/handoff");
        let page = self.server.send("coordinator", "POST", &path, &[FORM], b"command=code").text();
        page.split("/accept/").nth(1).unwrap().split(['<', '"']).next().unwrap().to_owned()
    }

    fn opened(&self, vendor: Vendor) -> String {
        let body = json!({"reference": self.reference(vendor), "from_site": "Central", "to": self.server.parties[vendor.name()], "to_site": "Akron"});
        self.subject(vendor, &self.command("coordinator", "open_consignment", body), "Consignment")
    }

    fn listed(&self, vendor: Vendor, thing: &Thing) -> String {
        let consignment = self.opened(vendor);
        self.command("coordinator", "add_lines", json!({"consignment": consignment, "assets": [thing.asset], "container": "PALLET-1"}));
        consignment
    }

    fn sealed(&self, vendor: Vendor, thing: &Thing) -> String {
        let consignment = self.listed(vendor, thing);
        self.command("coordinator", "seal_consignment", json!({"consignment": consignment, "containers": [{"label": "PALLET-1"}]}));
        consignment
    }

    /// On its way to the vendor: the consignment.
    pub fn released(&self, vendor: Vendor, thing: &Thing) -> String {
        let consignment = self.sealed(vendor, thing);
        self.command("coordinator", "release_consignment", json!({"consignment": consignment}));
        consignment
    }

    /// On its way to the vendor, with a one-time link: device, consignment, secret, link.
    pub fn linked(&self, vendor: Vendor) -> (Thing, String, String, String) {
        let thing = self.retired(vendor, true);
        let consignment = self.released(vendor, &thing);
        let made = self.server.post("coordinator", &format!("/api/v1/consignments/{consignment}/links"), &json!({"days": 7})).taken();
        let secret = made["address"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        (thing, consignment, secret, made["link"].as_str().unwrap().to_owned())
    }

    /// What the vendor's lists of both kinds look like is known.
    pub fn mapped(&self, vendor: Vendor) {
        let party = &self.server.parties[vendor.name()];
        let columns = json!({"tag": "Asset Tag", "serial": "Serial Number"});
        self.command("coordinator", "map_columns", json!({"party": party, "profile": "receiving", "kind": "receipt", "columns": columns}));
        let columns = json!({"serial": "Serial Number", "outcome": "Outcome", "weight": "Weight"});
        let settled = json!({"party": party, "profile": "settled", "kind": "settlement", "columns": columns, "weight_unit": "kg"});
        self.command("coordinator", "map_columns", settled);
    }

    /// A device that nothing is missing of for its outcome, and the consignment that it came with.
    pub fn settleable(&self, vendor: Vendor) -> (Thing, String) {
        let thing = self.validated(vendor).0;
        let shown = self.server.get("auditor", &format!("/api/v1/assets/{}", thing.asset)).taken();
        (thing, shown["asset"]["handoffs"][0]["consignment"].as_str().unwrap().to_owned())
    }

    pub fn received(&self, vendor: Vendor, with_medium: bool) -> Thing {
        let thing = self.retired(vendor, with_medium);
        let consignment = self.released(vendor, &thing);
        let scans = json!([{"tag": thing.tag, "serial": thing.serial}]);
        self.command(
            vendor.operator(),
            "receive_consignment",
            json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": scans}),
        );
        thing
    }

    /// An exception of medium severity about a thing of the vendor, with that thing: received long ago and not sanitized.
    pub fn stuck(&self, vendor: Vendor) -> (String, Thing) {
        let thing = self.retired(vendor, true);
        let consignment = self.listed(vendor, &thing);
        let seal = json!({"consignment": consignment, "containers": [{"label": "PALLET-1"}], "occurred": "2026-01-06T07:00:00Z"});
        self.command("coordinator", "seal_consignment", seal);
        self.command("coordinator", "release_consignment", json!({"consignment": consignment, "occurred": "2026-01-06T08:00:00Z"}));
        let scans = json!([{"tag": thing.tag, "serial": thing.serial}]);
        let receipt = json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": scans, "occurred": "2026-01-07T08:00:00Z"});
        self.command(vendor.operator(), "receive_consignment", receipt);
        let look = json!({"about": [{"id": thing.asset, "type": "Asset"}]});
        let service = &self.server.service;
        let look = Command::read("look_for_exceptions", look).unwrap();
        assert_eq!(service.recorder.record_waiting(look, &service.app.service, None, None).unwrap().entries.len(), 1);
        (format!("{}#E-22", thing.asset), thing)
    }

    /// Such an exception alone.
    pub fn exception(&self, vendor: Vendor) -> String {
        self.stuck(vendor).0
    }

    /// A discrepancy of the vendor: its device was listed and not found.
    fn short(&self, vendor: Vendor) -> String {
        self.differing(vendor).1
    }

    /// The same, with its consignment.
    pub fn differing(&self, vendor: Vendor) -> (String, String) {
        let consignment = self.released(vendor, &self.retired(vendor, true));
        let receipt = self.command(
            vendor.operator(),
            "receive_consignment",
            json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": []}),
        );
        (consignment, self.subject(vendor, &receipt, "Discrepancy"))
    }

    /// A disintegrator of this party at this site, which stands for things of the vendor: its id.
    fn machine(&self, vendor: Vendor, party: &str, site: &str) -> String {
        let (n, id) = (self.next(), self.id());
        let body = json!({"party": party, "machine": id, "site": site, "technique": "disintegrate", "make": "Maker", "model": "D-2",
            "serial": format!("DIS{n:05}"), "particle_tenths_mm": 20});
        self.command("coordinator", "register_machine", body);
        self.remember(vendor, &id)
    }

    /// A destruction run in the house of whoever sends its form: a machine, a medium and a witness of their own.
    pub fn run(&self, who: &str) -> String {
        let (party, site, witness) = if is_operator(who) { (Vendor::GreenLoop.name(), "Akron", 8) } else { ("district", "Central", 2) };
        let thing = if is_operator(who) { self.received(Vendor::GreenLoop, true) } else { self.retired(Vendor::GreenLoop, true) };
        let machine = self.machine(Vendor::GreenLoop, &self.server.parties[party], site);
        format!(
            "machine={machine}&media={}&witness=urn:uuid:00000000-0000-4000-8000-{witness:012}&video.sha256={}&video.kept_until=2099-01-01",
            thing.drive,
            "e".repeat(64)
        )
    }

    /// The stored log of a device's wiped drive.
    pub fn evidence(&self, vendor: Vendor, who: &str, thing: &Thing) -> String {
        let received = self.server.send(who, "POST", "/api/v1/evidence", &[], &nwipe_log(&thing.drive)).taken();
        self.remember(vendor, received["sha256"].as_str().unwrap())
    }

    /// A device at the vendor, and a log that names its drive by another serial number: the device, the file, and that number.
    pub fn unmatched(&self, vendor: Vendor) -> (Thing, String, String) {
        let thing = self.received(vendor, true);
        let serial = self.remember(vendor, &format!("WD-{}", thing.drive));
        let received = self.server.send(vendor.operator(), "POST", "/api/v1/evidence", &[], &nwipe_log(&serial)).taken();
        (thing, self.remember(vendor, received["sha256"].as_str().unwrap()), serial)
    }

    /// At the vendor and sanitized by this person; the evidence.
    fn performed(&self, vendor: Vendor, who: &str) -> (Thing, String) {
        let thing = self.received(vendor, true);
        let evidence = self.evidence(vendor, who, &thing);
        self.command(who, "record_sanitization", json!({"medium": thing.medium, "technique": "nvme_sanitize_block", "evidence": evidence}));
        (thing, evidence)
    }

    /// A loose medium that is purged, and a device in the same hands that it may be put into.
    fn clean_medium_and_device(&self, vendor: Vendor) -> (String, String) {
        let ((one, _), two) = (self.validated(vendor), self.received(vendor, true));
        self.command(vendor.operator(), "harvest_medium", json!({"medium": one.medium}));
        (one.medium, two.asset)
    }

    fn verified(&self, vendor: Vendor) -> (Thing, String) {
        let (thing, evidence) = self.performed(vendor, vendor.operator());
        self.command("coordinator", "verify_sanitization", json!({"medium": thing.medium}));
        (thing, evidence)
    }

    fn validated(&self, vendor: Vendor) -> (Thing, String) {
        let (thing, evidence) = self.verified(vendor);
        self.command("approver", "validate_sanitization", json!({"medium": thing.medium}));
        (thing, evidence)
    }

    /// Nothing is missing for a certificate of it.
    pub fn certifiable(&self, vendor: Vendor) -> (Thing, String) {
        let (thing, evidence) = self.validated(vendor);
        self.command(vendor.operator(), "grade", json!({"asset": thing.asset, "cosmetic": 7, "functional": 5}));
        let mass = json!({"weight_grams": 1_480, "weight_basis": "scale"});
        self.command(vendor.operator(), "record_disposition", json!({"asset": thing.asset, "outcome": "resold", "mass": mass, "title": "INVOICE-7"}));
        (thing, evidence)
    }

    /// The number of a certificate, with its device and evidence.
    pub fn certified(&self, vendor: Vendor) -> (String, Thing, String) {
        let (thing, evidence) = self.certifiable(vendor);
        let issued = self.server.post("approver", "/api/v1/certificates", &json!({"asset": thing.asset})).taken();
        (self.remember(vendor, issued["number"].as_str().unwrap()), thing, evidence)
    }

    /// A vendor that has nothing and gets nothing.
    fn vendor_without_things(&self) -> String {
        let body = json!({"kind": "vendor", "name": format!("Bystander {}", self.next()), "sites": ["Dayton"]});
        Server::subject(&self.command("administrator", "register_party", body), "Party")
    }

    fn carrier(&self) -> String {
        let body = json!({"kind": "carrier", "name": format!("Carrier {}", self.next()), "sites": ["Depot"]});
        Server::subject(&self.command("administrator", "register_party", body), "Party")
    }

    fn credential(&self, party: &str, n: u32) -> Value {
        let file = self.server.send("coordinator", "POST", "/api/v1/evidence", &[], format!("certificate {n}").as_bytes()).taken();
        json!({"party": party, "site": "Akron", "scheme": "naid_aaa", "number": format!("NA-{n}"), "scope": ["data_sanitization_physical"],
            "issued_on": "2026-01-01", "expires_on": "2027-01-01", "evidence": file["sha256"]})
    }

    /// A drive of the organisation's in no device.
    fn loose(&self, vendor: Vendor) -> String {
        let drive = self.remember(vendor, &format!("LOOSE{:05}", self.next()));
        let body = json!({"media": [{"serial": drive, "media_type": "hdd_ata"}], "site": "Central"});
        self.subject(vendor, &self.command("coordinator", "record_loose_media", body), "Medium")
    }

    fn opened_with_presets(&self, vendor: Vendor) -> String {
        let body = json!({"reference": self.reference(vendor), "from_site": "Central", "to": self.server.parties[vendor.name()], "to_site": "Akron",
            "presets": {"reason": "surplus", "media_type": "emmc", "rung": "recycling", "rejected": rejected()}});
        let consignment = self.subject(vendor, &self.command("coordinator", "open_consignment", body), "Consignment");
        self.command("approver", "authorize_consignment", json!({"consignment": consignment, "reference": "BOARD-8"}));
        consignment
    }

    /// The command that registers a new key of somebody's own.
    fn own_key(&self, n: u32) -> Value {
        let mut seed = [7; 32];
        seed[..4].copy_from_slice(&n.to_be_bytes());
        let key = Signer::from_seed(String::new(), seed).public().multibase();
        let signer = Signer::from_seed(format!("did:key:{key}#{key}"), seed);
        let (did, when) = (format!("did:key:{key}"), "2026-11-20T08:00:00.000Z");
        let statement = json!({"@context": ["https://w3id.org/security/data-integrity/v2"], "type": "Statement", "what": "register_key", "about": did,
            "when": when, "says": {"key": did}});
        let signed: Value = serde_json::from_slice(&integrity::secure(statement, &signer, "2026-11-20T08:00:00Z").unwrap()).unwrap();
        json!({"key": did, "occurred": when, "signed": signed})
    }

    /// The id of somebody new in the directory.
    pub fn somebody(&self) -> String {
        let person = people::Person::new(&self.id(), "Somebody Else", "", Role::Reports, &self.server.parties["district"]);
        people::add(&mut self.server.service.app.connect().unwrap(), &person).unwrap();
        person.id
    }

    /// A stored file that nothing rests on.
    fn private_file(&self, n: u32) -> String {
        let stored = self.server.send("coordinator", "POST", "/api/v1/evidence", &[], format!("private {n}").as_bytes()).taken();
        stored["sha256"].as_str().unwrap().to_owned()
    }

    /// Another number each time, in words.
    pub fn another(&self) -> String {
        self.next().to_string()
    }

    /// The secret of an invitation of somebody new.
    pub fn invited(&self) -> String {
        let (person, secret) = (self.somebody(), invitations::new_secret().unwrap());
        let mut db = self.server.service.app.connect().unwrap();
        invitations::invite(&mut db, &person, &secret, quittance::app::now().unix_ms(), invitations::INVITED_MS).unwrap();
        secret
    }

    /// A note that an administrator wrote about a consignment of this vendor: its id.
    pub fn note(&self, vendor: Vendor) -> String {
        let consignment = self.released(vendor, &self.retired(vendor, true));
        let path = format!("/api/v1/consignments/{consignment}/notes");
        let note = self.server.post("administrator", &path, &json!({"text": "Two boxes are wet."})).taken();
        note["note"].as_str().unwrap().to_owned()
    }

    /// A letter that waits, to somebody new: its id.
    pub fn letter(&self) -> String {
        let person = self.somebody();
        let mut db = self.server.service.app.connect().unwrap();
        outbox::gather(&mut db, &person, &Letter::CertificateIssued(Certificates { named: Vec::new(), others: 1 }), quittance::app::now()).unwrap();
        let waiting = outbox::waiting(&mut db, 1_000).unwrap();
        waiting.into_iter().find(|kept| kept.person.as_ref() == Some(&person)).unwrap().id
    }

    /// Behind the address by which somebody new ends the weekly digest.
    pub fn leaving(&self) -> String {
        let address = deliver_mail::unsubscribe_address(&self.server.service.app, &self.somebody()).unwrap();
        address.rsplit('/').next().unwrap().to_owned()
    }

    /// A retired device.
    pub fn retired_one(&self, vendor: Vendor) -> Thing {
        self.retired(vendor, true)
    }

    /// A job of this vendor's operator.
    pub fn bulk(&self, vendor: Vendor, thing: &Thing) -> String {
        let asked = json!({"command": "verify_sanitization", "selection": {"ids": [thing.medium]}});
        let job = self.server.post(vendor.operator(), "/api/v1/bulk", &asked).taken();
        self.remember(vendor, job["id"].as_str().unwrap())
    }

    /// A body that is taken when `giver` gives this command, with every member that it may have. None for commands without a door here.
    pub fn body(&self, name: &str, vendor: Vendor, giver: &str) -> Option<Value> {
        let n = self.next();
        Some(match name {
            "register_party" => json!({"party": self.id(), "kind": "vendor", "name": format!("Vendor {n}"), "sites": ["Dayton", "Toledo"]}),
            "register_asset" => {
                json!({"asset": self.id(), "tag": format!("NEW-{n:05}"), "serial": format!("NEWSER{n:05}"), "category": "laptop",
                    "manufacturer": "Lenovo", "model": "ThinkPad L14", "sensitivity": "low", "site": "Central", "status": "in_stock",
                    "purchased_on": "2021-08-15", "cost_cents": 79_900, "weight_grams": 1_430, "weight_basis": "scale",
                    "funding": {"source": "federal_award", "award": "S425D2100", "awarded_on": "2021-05-01", "installed_on": "2021-08-20"},
                    "media": [{"serial": format!("NEWDRV{n:05}"), "media_type": "ssd_nvme", "capacity_bytes": 256_060_514_304u64}]})
            }
            "record_media" => {
                let thing = self.received(vendor, true);
                json!({"asset": thing.asset, "media": [{"serial": format!("NEWDRV{n:05}"), "media_type": "hdd_ata", "capacity_bytes": 500_107_862_016u64}]})
            }
            "record_loose_media" => {
                json!({"media": [{"serial": format!("LOOSE{n:05}"), "media_type": "hdd_ata", "capacity_bytes": 500_107_862_016u64}],
                    "site": "Central", "sensitivity": "high"})
            }
            "harvest_medium" => json!({"medium": self.received(vendor, true).medium}),
            "install_medium" => {
                let (medium, asset) = self.clean_medium_and_device(vendor);
                json!({"medium": medium, "asset": asset})
            }
            "attest_no_storage" => json!({"asset": self.received(vendor, false).asset, "basis": "removed"}),
            "send_to_repair" => {
                json!({"asset": self.register(vendor, true).asset, "fault": "screen", "vendor": self.server.parties[vendor.name()],
                    "vendor_site": "Akron", "contract": "MSA-7"})
            }
            "return_from_repair" => {
                let thing = self.register(vendor, true);
                self.command("coordinator", "send_to_repair", json!({"asset": thing.asset, "fault": "board"}));
                let new = json!({"serial": format!("NEWDRV{n:05}"), "media_type": "ssd_sata", "capacity_bytes": 256_060_514_304u64});
                let media = json!([{"medium": thing.medium, "found": "returned", "replacement": new}]);
                json!({"asset": thing.asset, "status": "in_stock", "media": media})
            }
            "redeploy" => json!({"asset": self.register(vendor, true).asset, "site": "Lincoln High"}),
            "return_to_service" => json!({"asset": self.retired(vendor, true).asset, "reason": "needed_again"}),
            "harvest_part" => {
                json!({"asset": self.retired(vendor, true).asset, "part": "screen", "tag": format!("PART-{n:05}"), "serial": format!("PARTSER{n:05}")})
            }
            "evaluate" => json!({"asset": self.retired(vendor, true).asset, "rung": "recycling", "rejected": rejected()}),
            "authorize_surplus" => {
                let asset = self.retired(vendor, true).asset;
                self.command("coordinator", "evaluate", json!({"asset": asset, "rung": "recycling", "rejected": rejected()}));
                json!({"asset": asset, "reference": "BOARD-8", "consent": "AGENCY-3"})
            }
            "authorize_consignment" => json!({"consignment": self.opened(vendor), "reference": "BOARD-8", "consent": "AGENCY-3"}),
            "release_accounts" => {
                let thing = self.register(vendor, true);
                self.command("coordinator", "retire", json!({"asset": thing.asset, "reason": "surplus"}));
                json!({"asset": thing.asset, "reference": "MDM-8", "evidence": self.evidence(vendor, "coordinator", &thing)})
            }
            "grade" => json!({"asset": self.validated(vendor).0.asset, "cosmetic": 6, "functional": 4}),
            "place_legal_hold" => json!({"asset": self.register(vendor, true).asset, "reason": "litigation", "reference": "CASE-3"}),
            "lift_legal_hold" => {
                let asset = self.register(vendor, true).asset;
                self.command("approver", "place_legal_hold", json!({"asset": asset, "reason": "litigation", "reference": "CASE-3"}));
                json!({"asset": asset, "reference": "CASE-3-END"})
            }
            "quarantine" => json!({"asset": self.register(vendor, true).asset, "reason": "swollen_battery", "container": format!("BOX-{n}")}),
            "lift_quarantine" => {
                let asset = self.register(vendor, true).asset;
                self.command("coordinator", "quarantine", json!({"asset": asset, "reason": "leak"}));
                json!({"asset": asset, "reference": "FIXED-3"})
            }
            "report_missing" => {
                json!({"asset": self.register(vendor, true).asset, "loss": "stolen", "last_seen": "2026-01-05T08:00:00Z", "custodian": "person",
                    "incident": "INC-2"})
            }
            "record_remote_command" => {
                let thing = self.missing(vendor);
                json!({"asset": thing.asset, "command": "lock", "state": "sent", "evidence": self.evidence(vendor, "coordinator", &thing)})
            }
            "report_found" => json!({"asset": self.missing(vendor).asset, "site": "Central"}),
            "write_off" => json!({"asset": self.missing(vendor).asset, "investigation": "INV-1", "assessment": "BA-1"}),
            "report_medium_found" => {
                let thing = self.register(vendor, true);
                self.command("coordinator", "send_to_repair", json!({"asset": thing.asset, "fault": "board"}));
                let media = json!([{"medium": thing.medium, "found": "unaccounted"}]);
                self.command("coordinator", "return_from_repair", json!({"asset": thing.asset, "status": "in_stock", "media": media}));
                json!({"medium": thing.medium, "site": "Central"})
            }
            "retire" => json!({"asset": self.register(vendor, true).asset, "reason": "end_of_life"}),
            "add_site" => json!({"party": self.server.parties[vendor.name()], "site": format!("Site {n}")}),
            "name_signers" => json!({"party": self.vendor_without_things(), "signers": [self.id(), self.id()]}),
            "record_credential" => self.credential(&self.server.parties[vendor.name()], n),
            "suspend_credential" => {
                let mut credential = self.credential(&self.server.parties[vendor.name()], n);
                self.command("administrator", "record_credential", credential.clone());
                let members = credential.as_object_mut().unwrap();
                members.retain(|name, _| !["scope", "issued_on", "expires_on", "evidence"].contains(&name.as_str()));
                members.insert("reason".to_owned(), json!("suspended_by_scheme"));
                credential
            }
            "record_contract" => {
                json!({"party": self.vendor_without_things(), "reference": format!("C-{n}"), "starts_on": "2025-01-01", "ends_on": "2099-12-31",
                    "confidentiality": true, "insured_until": "2099-12-31"})
            }
            "record_training" => {
                json!({"party": self.server.parties[vendor.name()], "person": self.id(), "tool": "nwipe", "trained_on": "2026-01-05",
                    "valid_until": "2099-01-05"})
            }
            "register_machine" => {
                json!({"party": self.server.parties[vendor.name()], "machine": self.id(), "site": "Akron", "technique": "shred", "make": "Maker",
                    "model": "S-20", "serial": format!("MACH{n:05}"), "particle_tenths_mm": 20, "field_oersted": 9_000, "epl_entry": "EPL-7",
                    "epl_particle_tenths_mm": 20})
            }
            "record_calibration" => {
                let party = self.server.parties[vendor.name()].as_str();
                let document = self.server.send(uploader(giver), "POST", "/api/v1/evidence", &[], format!("calibrated {n}").as_bytes()).taken();
                json!({"party": party, "machine": self.machine(vendor, party, "Akron"), "calibrated_on": "2026-01-05", "due_on": "2099-01-05",
                    "document": document["sha256"]})
            }
            "take_out_of_service" => {
                let party = self.server.parties[vendor.name()].as_str();
                json!({"party": party, "machine": self.machine(vendor, party, "Akron"), "from": "2026-10-01"})
            }
            "approve_downstream" => json!({"party": self.server.parties[vendor.name()], "downstream": self.vendor_without_things()}),
            "withdraw_downstream" => {
                let body = json!({"party": self.server.parties[vendor.name()], "downstream": self.vendor_without_things()});
                self.command("approver", "approve_downstream", body.clone());
                body
            }
            // The one in force is adopted already, and no other can be.
            "adopt_policy" => return None,
            "record_sample" => {
                let performer = if giver == vendor.operator() { "coordinator" } else { vendor.operator() };
                let (thing, _) = self.performed(vendor, performer);
                // Verified by another coordinator, so that whoever samples it is the third.
                let other =
                    Actor::new(PersonId::parse(&self.id()).unwrap(), Role::Coordinator, PartyId::parse(&self.server.parties["district"]).unwrap());
                let verify = Command::read("verify_sanitization", json!({"medium": thing.medium})).unwrap();
                self.server.service.recorder.record_waiting(verify, &other, None, None).unwrap();
                let report = self.server.send(uploader(giver), "POST", "/api/v1/evidence", &[], format!("nothing found {n}").as_bytes()).taken();
                json!({"medium": thing.medium, "tool": "R-Studio 9", "result": "nothing_recovered", "evidence": report["sha256"]})
            }
            "accept_residual_risk" => {
                json!({"media": [self.received(vendor, true).medium], "technique": "nvme_format", "destination": "external_reuse",
                    "rationale": "other_controls", "reference": "RISK-1"})
            }
            "grant_override" => {
                json!({"consignment": self.opened(vendor), "guard": "vendor_qualification", "reason": "renewal_pending", "reference": "BOARD-12"})
            }
            "open_consignment" if is_operator(giver) => {
                json!({"reference": format!("RETURN-{n:05}"), "from_site": "Akron", "to": self.server.parties["district"], "to_site": "Central",
                    "carrier": "Hale Freight"})
            }
            "open_consignment" => {
                json!({"consignment": self.id(), "reference": self.reference(vendor), "from_site": "Central",
                    "to": self.server.parties[vendor.name()], "to_site": "Akron", "carrier": "Hale Freight", "carrier_party": self.carrier(),
                    "expected": 300,
                    "presets": {"reason": "surplus", "media_type": "emmc", "no_storage": false}})
            }
            "record_container" => {
                json!({"consignment": self.to_load(vendor, giver).0, "label": "PALLET-1", "seal": "004871", "tare_weight_grams": 18_000,
                    "gross_weight_grams": 118_500})
            }
            "add_lines" => {
                let (consignment, thing) = self.to_load(vendor, giver);
                let mut body = json!({"consignment": consignment, "assets": [thing.asset], "container": "PALLET-1"});
                if !is_operator(giver) {
                    body["assets"] = json!([thing.asset, self.retired(vendor, true).asset]);
                    body["media"] = json!([self.loose(vendor)]);
                }
                body
            }
            "add_quantity" => {
                json!({"consignment": self.to_load(vendor, giver).0, "what": "charger", "count": 40, "unit_weight_grams": 210, "no_data": true,
                    "container": "PALLET-1"})
            }
            "remove_lines" => {
                let (consignment, thing) = self.loaded(vendor, giver);
                let mut body = json!({"consignment": consignment, "assets": [thing.asset]});
                if !is_operator(giver) {
                    let loose = self.loose(vendor);
                    self.command("coordinator", "add_lines", json!({"consignment": consignment, "media": [loose]}));
                    let counted = json!({"consignment": consignment, "what": "cable", "count": 12, "no_data": true});
                    self.command("coordinator", "add_quantity", counted);
                    let shown = self.server.get("coordinator", &format!("/api/v1/consignments/{consignment}")).taken();
                    let line = shown["lines"].as_array().unwrap().iter().find(|line| line["kind"] == "quantity").unwrap()["line"].clone();
                    body["media"] = json!([loose]);
                    body["quantities"] = json!([line]);
                }
                body
            }
            "scan" if is_operator(giver) => {
                let (consignment, thing) = self.to_load(vendor, giver);
                json!({"consignment": consignment, "tag": thing.tag, "serial": thing.serial, "container": "PALLET-1"})
            }
            "scan" => {
                let consignment = self.opened_with_presets(vendor);
                let [tag, serial] = [format!("NEW-{n:05}"), format!("NEWSER{n:05}")].map(|word| self.remember(vendor, &word));
                json!({"consignment": consignment, "tag": tag, "serial": serial, "container": "PALLET-1",
                    "captured": {"raw": format!("]C1{tag}"), "method": "scanner"},
                    "device": {"category": "laptop", "manufacturer": "Lenovo", "model": "ThinkPad L14", "sensitivity": "low",
                        "media": [{"serial": format!("NEWDRV{n:05}"), "media_type": "ssd_nvme", "capacity_bytes": 256_060_514_304u64}]}})
            }
            "seal_consignment" => {
                json!({"consignment": self.loaded(vendor, giver).0, "containers": [{"label": "PALLET-1", "seal": "004871",
                    "tare_weight_grams": 18_000, "gross_weight_grams": 18_500}]})
            }
            "unseal_consignment" => json!({"consignment": self.closed(vendor, giver), "reason": "line_missed"}),
            "cancel_consignment" => json!({"consignment": self.closed(vendor, giver), "reason": "not_needed"}),
            "release_consignment" => json!({"consignment": self.closed(vendor, giver), "driver": "TOUR-17"}),
            "receive_consignment" => {
                let thing = self.retired(vendor, true);
                let consignment = self.listed(vendor, &thing);
                let chargers = json!({"consignment": consignment, "what": "charger", "count": 40, "no_data": true});
                self.command("coordinator", "add_quantity", chargers);
                self.command(
                    "coordinator",
                    "seal_consignment",
                    json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal": "004871"}]}),
                );
                self.command("coordinator", "release_consignment", json!({"consignment": consignment}));
                let shown = self.server.get("auditor", &format!("/api/v1/consignments/{consignment}")).taken();
                let line = shown["lines"].as_array().unwrap().iter().find(|line| line["kind"] == "quantity").unwrap()["line"].clone();
                json!({"consignment": consignment, "scans": [{"tag": thing.tag, "serial": thing.serial, "damage": "case"}], "counted": 1,
                    "containers": [{"label": "PALLET-1", "seal_state": "intact", "seal": "004871", "gross_weight_grams": 18_450}],
                    "quantities": [{"line": line, "count": 40}], "more_to_come": false})
            }
            "accept_consignment" => {
                let consignment = self.sent(vendor, giver);
                let sender = if is_operator(giver) { vendor.operator() } else { "coordinator" };
                let paper = self.server.send(sender, "POST", "/api/v1/evidence", &[], format!("signed paper {n}").as_bytes()).taken();
                json!({"consignment": consignment, "document": paper["sha256"]})
            }
            "revoke_link" => {
                let (_, consignment, _, link) = self.linked(vendor);
                json!({"consignment": consignment, "link": link})
            }
            "map_columns" => {
                json!({"party": self.server.parties[vendor.name()], "profile": "usual", "kind": "receipt", "weight_unit": "lb",
                    "columns": {"tag": "Asset Tag", "serial": "Serial Number", "weight": "Weight"}})
            }
            "resolve_discrepancy" => {
                let document = self.server.send("coordinator", "POST", "/api/v1/evidence", &[], format!("found in bay {n}").as_bytes()).taken();
                json!({"discrepancy": self.short(vendor), "resolution": "located_at_receiver", "reference": "CASE-17", "document": document["sha256"]})
            }
            "propose_withholding" => json!({"sha256": self.private_file(n), "reason": "personal_data", "reference": "CASE-21"}),
            "withhold_evidence" | "withdraw_withholding" => {
                let file = self.private_file(n);
                self.command("coordinator", "propose_withholding", json!({"sha256": file, "reason": "personal_data"}));
                json!({"sha256": file})
            }
            "record_sanitization" => {
                let thing = self.received(vendor, true);
                let evidence = self.evidence(vendor, vendor.operator(), &thing);
                json!({"medium": thing.medium, "technique": "nvme_sanitize_block", "evidence": evidence, "tool": "nwipe 0.42",
                    "statement": {"completed_without_error": true, "hidden_areas_absent": true, "account_removed": true, "equipment": "BENCH-3",
                        "key_bits": 256, "particle_tenths_mm": 20, "field_oersted": 9_000, "coercivity_oersted": 2_000,
                        "facility": "AKRON-1", "facility_batch": "B-17"}})
            }
            "record_destruction" => {
                let thing = self.received(vendor, true);
                let machine = self.machine(vendor, &self.server.parties[vendor.name()], "Akron");
                json!({"machine": machine, "media": [{"medium": thing.medium, "serial": thing.drive, "scanned_at": quittance::app::now().text()}],
                    "witness": self.id(), "video": {"sha256": "e".repeat(64), "kept_until": "2099-01-01"}, "weight_in_grams": 900,
                    "weight_out_grams": 890, "statement": {"coercivity_oersted": 2_000}})
            }
            "verify_sanitization" => {
                let performer = if giver == vendor.operator() { "coordinator" } else { vendor.operator() };
                json!({"medium": self.performed(vendor, performer).0.medium})
            }
            "validate_sanitization" => json!({"medium": self.verified(vendor).0.medium}),
            "record_disposition" => {
                let (thing, file) = self.validated(vendor);
                json!({"asset": thing.asset, "outcome": "recycled", "title": "WEIGHBILL-3", "grade": "C7", "proceeds_cents": 1_250, "file": file,
                    "processor": self.server.parties[vendor.name()],
                    "mass": {"weight_grams": 1_480, "weight_basis": "scale", "recovered_grams": 1_200, "energy_grams": 180, "landfill_grams": 100}})
            }
            "record_past_disposal" => {
                let about = self.command(
                    "coordinator",
                    "register_asset",
                    json!({"tag": format!("PAST-{n:05}"), "serial": format!("PASTSER{n:05}"),
                    "category": "laptop", "manufacturer": "Maker", "model": "Old", "sensitivity": "low", "site": "Central"}),
                );
                json!({"asset": self.subject(vendor, &about, "Asset"), "outcome": "recycled", "disposed_on": "2021-06-14",
                    "vendor": self.server.parties[vendor.name()], "recipient": "Old Recycler", "reference": "COD-118", "document": self.private_file(n),
                    "media": [{"serial": format!("PASTDRV{n:05}"), "media_type": "hdd_ata", "technique": "degauss"}]})
            }
            "correct_registration" => {
                json!({"asset": self.retired(vendor, true).asset, "reason": "misread", "tag": format!("FIXTAG-{n:05}"), "serial": format!("FIXSER{n:05}"), "category": "desktop",
                    "manufacturer": "Dell", "model": "OptiPlex", "sensitivity": "high", "site": "Annex"})
            }
            "withdraw_no_storage" => {
                let thing = self.received(vendor, false);
                self.command("coordinator", "attest_no_storage", json!({"asset": thing.asset, "basis": "removed"}));
                json!({"asset": thing.asset, "reason": "disproved"})
            }
            "withdraw_medium" => json!({"medium": self.received(vendor, true).medium, "reason": "wrong_thing"}),
            "void_sanitization" => json!({"medium": self.validated(vendor).0.medium, "reason": "wrong_thing"}),
            "void_disposition" => json!({"asset": self.certifiable(vendor).0.asset, "reason": "never_happened"}),
            "register_key" => self.own_key(n),
            "revoke_key" => {
                let registration = self.own_key(n);
                let (by, party) = match giver {
                    "operator" | "verifier" => ("operator", Vendor::GreenLoop.name()),
                    "stranger" => ("stranger", Vendor::RecycleOne.name()),
                    _ => ("administrator", "district"),
                };
                self.command(by, "register_key", registration.clone());
                json!({"key": registration["key"], "party": self.server.parties[party]})
            }
            "expect_media" => json!({"asset": self.expecting(vendor).asset}),
            "confirm_medium" => {
                let thing = self.expecting(vendor);
                let medium = self.subject(vendor, &self.command("coordinator", "expect_media", json!({"asset": thing.asset})), "Medium");
                self.command("coordinator", "retire", json!({"asset": thing.asset, "reason": "surplus", "occurred": "2026-01-05T08:00:00Z"}));
                prepare(self.server, &thing.asset);
                let consignment = self.released(vendor, &thing);
                let scans = json!([{"tag": thing.tag, "serial": thing.serial}]);
                self.command(
                    vendor.operator(),
                    "receive_consignment",
                    json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": scans}),
                );
                json!({"medium": medium, "basis": "seen", "serial": format!("SEENDRV{n:05}"), "media_type": "ssd_nvme", "capacity_bytes": 256_060_514_304u64})
            }
            "see_device" => json!({"asset": self.retired(vendor, true).asset, "source": "network", "site": "Central"}),
            "assign_exception" => json!({"exception": self.exception(vendor), "person": self.id()}),
            "snooze_exception" => {
                let until = quittance::app::now().utc() + chrono::TimeDelta::days(5);
                json!({"exception": self.exception(vendor), "until": until.to_rfc3339(), "reason": "waiting_for_vendor"})
            }
            "resolve_exception" => {
                let (exception, thing) = self.stuck(vendor);
                let evidence = self.evidence(vendor, vendor.operator(), &thing);
                json!({"exception": exception, "how": "explained", "evidence": evidence, "reference": "CASE-18"})
            }
            "reopen_exception" => {
                let exception = self.exception(vendor);
                self.command("approver", "resolve_exception", json!({"exception": exception, "how": "risk_accepted", "reference": "CASE-19"}));
                json!({"exception": exception, "reason": "evidence_disputed"})
            }
            "look_for_exceptions"
            | "add_note"
            | "assign"
            | "open_log"
            | "record_count"
            | "create_link"
            | "offer_acceptance"
            | "receive_evidence"
            | "link_reading"
            | "dismiss_readings"
            | "issue_certificate"
            | "record_rendering"
            | "revoke_certificate"
            | "agree_to_sign"
            | "publish_status" => return None,
            other => panic!("the command {other} has no valid body in {}", file!()),
        })
    }
}
