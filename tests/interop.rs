//! A small record, made through the library and judged by programs that others wrote: no certificate or receipt is only good by our own word.
#![cfg(feature = "service")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod programs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Output};

use programs::{contexts, have, have_node_modules, interop, printed, run, there};
use quittance::config::{Config, Limits, Mail, Serving, SignIn};
use quittance::documents::context::context;
use quittance::domain::certification::RevocationReason;
use quittance::domain::names::{AssetId, PersonId, Role};
use quittance::domain::{Actor, Command, SubjectKind};
use quittance::operations::record::Receipt;
use quittance::operations::{Service, issue_certificate, open_ledger, publish_checkpoint, publish_status};
use quittance::store::people::{self, Person};
use quittance::store::{DatabaseUrl, log};
use serde_json::{Value, json};

const URL: &str = "https://records.northstreet.example";
/// Where Debian's golang-golang-x-mod-dev puts its sources.
const GO_PATH: &str = "/usr/share/gocode";

/// A record with one incinerated laptop and its certificate.
struct Record {
    service: Service,
    _lock: open_ledger::Lock,
    folder: tempfile::TempDir,
    number: String,
}

impl Record {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let config = Config {
            keys: folder.path().join("keys"),
            database: DatabaseUrl::in_folder(&data),
            data,
            bucket: None,
            listen: "127.0.0.1:0".to_owned(),
            limits: Limits::default(),
            sign_in: SignIn::default(),
            mail: Mail::default(),
            serving: Serving::default(),
        };
        let (service, lock) = open_ledger::init(&config, URL, "North Street School District", &["Warehouse".to_owned()]).unwrap();
        let mut record = Self { service, _lock: lock, folder, number: String::new() };

        let policy = record.service.app.policy.reference();
        let adopt =
            json!({"name": policy.name, "version": policy.version, "sha256": policy.sha256, "reference": "BOARD-0", "decided_on": "2026-01-05"});
        record.say("adopt_policy", adopt, 3, Role::Approver);
        let device = json!({"tag": "NSD-77120", "serial": "5CG9482KQ7", "category": "laptop", "manufacturer": "HP", "model": "EliteBook 845 G7",
            "sensitivity": "high", "site": "Warehouse", "media": [{"serial": "S5GXNX0T123456", "media_type": "ssd_nvme", "capacity_bytes": 512_110_190_592_u64}]});
        let registered = record.say("register_asset", device, 1, Role::Coordinator);
        let asset = registered.subject(SubjectKind::Asset).unwrap().to_owned();
        let medium = registered.subject(SubjectKind::Medium).unwrap().to_owned();
        record.say("retire", json!({"asset": asset, "reason": "end_of_life"}), 1, Role::Coordinator);
        let rejected = ["repair", "redeploy", "resale", "donation", "parts"].map(|rung| json!({"rung": rung, "reason": "uneconomic"}));
        record.say("evaluate", json!({"asset": asset, "rung": "recycling", "rejected": rejected}), 1, Role::Coordinator);
        record.say("authorize_surplus", json!({"asset": asset, "reference": "BOARD-7"}), 3, Role::Approver);
        let statement = json!({"facility": "INC-12", "facility_batch": "2026-4711"});
        record.say("record_sanitization", json!({"medium": medium, "technique": "incinerate", "statement": statement}), 1, Role::Coordinator);
        record.say("verify_sanitization", json!({"medium": medium}), 2, Role::Coordinator);
        record.say("validate_sanitization", json!({"medium": medium}), 3, Role::Approver);
        let mass = json!({"weight_grams": 1490, "weight_basis": "scale"});
        record.say("record_disposition", json!({"asset": asset, "outcome": "incinerated", "mass": mass}), 1, Role::Coordinator);
        let actor = record.person(1, Role::Coordinator);
        record.number = issue_certificate::issue(&record.service, &actor, &AssetId::parse(&asset).unwrap()).unwrap().number;
        record
    }

    /// The nth person, added to the directory where they are new.
    fn person(&self, n: u8, role: Role) -> Actor {
        let person = PersonId::parse(&format!("urn:uuid:0b7c3a52-41f6-4b1c-8b6e-0f4f6f7f0a{n:02}")).unwrap();
        let actor = Actor::new(person, role, self.service.app.service.party.clone());
        let mut db = self.service.app.connect().unwrap();
        if people::by_id(&mut db, actor.person.as_str()).unwrap().is_none() {
            let name = format!("Person {n} Łukasz");
            let person = Person::new(actor.person.as_str(), &name, "Disposal coordinator", role, actor.party.as_str());
            people::add(&mut db, &person).unwrap();
        }
        actor
    }

    fn say(&self, name: &str, body: Value, person: u8, role: Role) -> Receipt {
        let command = Command::read(name, body).unwrap_or_else(|why| panic!("{name}: {why:?}"));
        let receipt = self.service.recorder.record_waiting(command, &self.person(person, role), None, None);
        receipt.unwrap_or_else(|why| panic!("{name}: {why}"))
    }

    /// Writes a file beside the record, and gives its path.
    fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path.to_string_lossy().into_owned()
    }

    fn credential(&self) -> Vec<u8> {
        issue_certificate::part(&self.service.app, &self.number, "certificate.vc.json").unwrap()
    }

    /// What Digital Bazaar's verifier says of these bytes, with the status list as of now.
    fn digital_bazaar(&self, credential: &[u8]) -> Value {
        let said = run(
            "node",
            &[
                &interop("verify.mjs").to_string_lossy(),
                &contexts(),
                &format!("{URL}/ns/quittance/v1"),
                &self.write("context.jsonld", &context(URL)),
                &self.write("did.json", &self.service.app.keys.did_bytes),
                &self.write("status.vc.json", &publish_status::newest(&self.service.app).unwrap().unwrap()),
                &self.write("certificate.vc.json", credential),
            ],
        );
        serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"))
    }

    /// Writes every entry with its receipt, and gives the folder and their number.
    fn entries(&self) -> (PathBuf, usize) {
        self.service.recorder.publish_waiting().unwrap();
        let mut db = self.service.app.connect().unwrap();
        let mut seq = 0;
        while let Some(bytes) = log::entry(&mut db, seq).unwrap() {
            self.write(&format!("entries/{seq}.json"), &bytes);
            let receipt = publish_checkpoint::proof_of(&self.service.app, &mut db, seq).unwrap();
            self.write(&format!("entries/{seq}.tlog-proof"), receipt.write().as_bytes());
            seq += 1;
        }
        (self.folder.path().join("entries"), usize::try_from(seq).unwrap())
    }

    /// Go's reading of a folder of entries and receipts.
    fn go(&self, entries: &Path) -> Output {
        let program = interop("note/main.go");
        let mut go = Process::new("go");
        go.args(["run".as_ref(), program.as_os_str(), self.service.app.keys.log.vkey().as_ref(), entries.as_os_str()]);
        go.envs([("GO111MODULE", "off"), ("GOPATH", GO_PATH), ("GOFLAGS", ""), ("GOCACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/go"))]);
        go.output().unwrap()
    }
}

#[test]
fn digital_bazaar_verifies_a_certificate_and_sees_its_revocation() {
    if !have_node_modules() {
        return;
    }
    let record = Record::new();
    let credential = record.credential();
    assert_eq!(record.digital_bazaar(&credential), json!({"verified": true, "revoked": false, "error": null}));

    let altered = String::from_utf8(credential.clone()).unwrap().replace("5CG9482KQ7", "5CG9482KQ8");
    assert_ne!(altered.as_bytes(), credential);
    let said = record.digital_bazaar(altered.as_bytes());
    assert_eq!(said["verified"], false);
    assert!(said["error"].as_str().unwrap().contains("Invalid signature"), "{said}");

    let approver = record.person(3, Role::Approver);
    publish_status::revoke(&record.service, &approver, &record.number, RevocationReason::ErrorInRecord).unwrap();
    assert_eq!(record.digital_bazaar(&credential), json!({"verified": true, "revoked": true, "error": null}));
}

#[test]
fn go_finds_every_entry_under_the_signed_head() {
    if !have("go", "golang-go")
        || !there("golang-x-mod", Path::new(GO_PATH).join("src/golang.org/x/mod/sumdb/note").exists(), "apt install golang-golang-x-mod-dev")
    {
        return;
    }
    let record = Record::new();
    let (folder, count) = record.entries();
    assert!(count > 10, "{count} entries");
    let said = printed("go", &record.go(&folder));
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), count, "{said}");

    let mut altered = fs::read(folder.join("3.json")).unwrap();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    fs::write(folder.join("3.json"), altered).unwrap();
    let output = record.go(&folder);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success());
    assert_eq!(said.lines().filter(|line| line.starts_with("FAILED ") && line.contains("/3.json")).count(), 1, "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), count - 1, "{said}");
}

#[test]
fn everything_signed_expands_in_safe_mode() {
    if !have_node_modules() {
        return;
    }
    let record = Record::new();
    let (folder, count) = record.entries();
    let mut files: Vec<String> = (0..count).map(|seq| folder.join(format!("{seq}.json")).to_string_lossy().into_owned()).collect();
    files.push(record.write("certificate.vc.json", &record.credential()));
    files.push(record.write("status.vc.json", &publish_status::newest(&record.service.app).unwrap().unwrap()));
    let fixed = [interop("expand.mjs").to_string_lossy().into_owned(), contexts(), record.write("context.jsonld", &context(URL))];
    let arguments: Vec<&str> = fixed.iter().chain(&files).map(String::as_str).collect();
    let said = run("node", &arguments);
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), files.len(), "{said}");
}
