//! A record of its own for a test: set up through the library in a temporary folder, with people of each role and one vendor.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::path::{Path, PathBuf};

use chrono::{TimeDelta, Utc};
use quittance::app::{now, seed};
use quittance::config::{Config, Given};
use quittance::domain::names::{AssetId, PersonId, Role};
use quittance::domain::{Actor, Command, SubjectKind};
use quittance::error::{Error, Result};
use quittance::operations::record::Receipt;
use quittance::operations::{Service, audit_ledger, find_exceptions, issue_certificate, open_ledger, receive_evidence};
use quittance::store::DatabaseUrl;
use quittance::store::bucket::Bucket;
use quittance::store::people::{self, Person};
use quittance::store::tokens;
use serde_json::{Value, json};
use tempfile::TempDir;

#[path = "../postgres/mod.rs"]
pub mod databases;

/// A record in a temporary folder.
pub struct Ledger {
    /// The folder; removed when the test ends.
    pub folder: TempDir,
    /// Its settings.
    pub config: Config,
    /// The running record.
    pub service: Service,
    _lock: open_ledger::Lock,
    /// The vendor's id.
    pub vendor: String,
}

/// A person with the token to sign in.
#[derive(Clone)]
pub struct Someone {
    /// As the one who gives commands.
    pub actor: Actor,
    /// The token.
    pub token: String,
}

impl Ledger {
    /// A new record at `http://localhost:8080` with one vendor.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = databases::database(module_path!(), &folder.path().join("data"));
        Self::begin(folder, &database)
    }

    /// The same with its stored files in a bucket.
    pub fn in_bucket(bucket: Bucket) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = databases::database(module_path!(), &folder.path().join("data"));
        remember(folder.path(), &database);
        let config = Config { bucket: Some(bucket), ..config(folder.path().to_owned()) };
        Self::with(folder, config)
    }

    /// The same in this database.
    pub fn on(database: &DatabaseUrl) -> Self {
        Self::begin(tempfile::tempdir().unwrap(), database)
    }

    /// The same in a folder under `parent`, which is not removed; in SQLite there, or in this database.
    pub fn within(parent: &Path, database: Option<&DatabaseUrl>) -> Self {
        let mut folder = tempfile::tempdir_in(parent).unwrap();
        folder.disable_cleanup(true);
        let database = database.cloned().unwrap_or_else(|| DatabaseUrl::in_folder(&folder.path().join("data")));
        Self::begin(folder, &database)
    }

    fn begin(folder: TempDir, database: &DatabaseUrl) -> Self {
        remember(folder.path(), database);
        let config = config(folder.path().to_owned());
        Self::with(folder, config)
    }

    fn with(folder: TempDir, config: Config) -> Self {
        let (service, lock) = open_ledger::init(&config, "http://localhost:8080", "North District", &["Warehouse".to_owned()]).unwrap();
        let mut ledger = Self { folder, config, service, _lock: lock, vendor: String::new() };
        let administrator = ledger.someone(Role::Administrator, "Ada Admin");
        let receipt = ledger.run(&administrator, "register_party", json!({"kind": "vendor", "name": "Recycler", "sites": ["Plant"]})).unwrap();
        ledger.vendor = receipt.subject(SubjectKind::Party).unwrap().to_owned();
        let credential = json!({"party": ledger.vendor, "site": "Plant", "scheme": "r2v3", "number": "C1", "issued_on": "2020-01-01", "expires_on": "2100-01-01",
            "scope": ["data_sanitization_logical", "materials_recovery"]});
        ledger.run(&administrator, "record_credential", credential).unwrap();
        let policy = ledger.service.app.policy.reference();
        let adopt =
            json!({"name": policy.name, "version": policy.version, "sha256": policy.sha256, "reference": "BOARD-0", "decided_on": "2026-01-05"});
        ledger.run(&ledger.someone(Role::Approver, "Abel Approver"), "adopt_policy", adopt).unwrap();
        ledger
    }

    /// A person of a role, working for the organisation or, with a vendor's role, for the vendor.
    pub fn someone(&self, role: Role, name: &str) -> Someone {
        let party = if role.is_vendor() { self.vendor.clone() } else { self.service.app.service.party.to_string() };
        let token = tokens::new_token().unwrap();
        let id = PersonId::from_uuid(uuid::Builder::from_random_bytes(seed().unwrap().to_be_bytes()).into_uuid()).to_string();
        let person = Person::new(&id, name, role.label(), role, &party);
        people::add_with_token(&mut self.service.app.connect().unwrap(), &person, &token, now().unix_ms()).unwrap();
        Someone { actor: person.actor().unwrap(), token }
    }

    /// Records a command.
    pub fn run(&self, who: &Someone, name: &str, body: Value) -> Result<Receipt> {
        self.service.recorder.record_waiting(Command::read(name, body).map_err(Error::from)?, &who.actor, None, None)
    }

    /// Records a command that must succeed; gives the id of the first subject of a kind.
    pub fn id(&self, who: &Someone, name: &str, body: Value, kind: SubjectKind) -> String {
        self.run(who, name, body).unwrap_or_else(|e| panic!("{name}: {e}")).subject(kind).unwrap().to_owned()
    }

    /// A retired device may leave: evaluated reuse-first, and authorised by the board.
    pub fn prepare(&self, asset: &str) {
        let coordinator = self.someone(Role::Coordinator, "Cora Coordinator");
        let approver = self.someone(Role::Approver, "Abel Approver");
        let rejected = ["repair", "redeploy", "resale", "donation", "parts"].map(|rung| json!({"rung": rung, "reason": "uneconomic"}));
        self.run(&coordinator, "evaluate", json!({"asset": asset, "rung": "recycling", "rejected": rejected})).unwrap();
        self.run(&approver, "authorize_surplus", json!({"asset": asset, "reference": "BOARD-1"})).unwrap();
    }

    /// A device that went to the vendor, was overwritten with a log to show it, then melted, verified, accepted and recycled; certified. Every
    /// derived table but those of exceptions has rows afterwards. Gives the device and the certificate's number.
    pub fn certified(&self, tag: &str) -> (AssetId, String) {
        let coordinator = self.someone(Role::Coordinator, "Cora Coordinator");
        let approver = self.someone(Role::Approver, "Abel Approver");
        let operator = self.someone(Role::VendorOperator, "Olga Operator");
        let verifier = self.someone(Role::VendorVerifier, "Viktor Verifier");
        let serial = format!("SER{tag}");
        let disk = format!("DSK{tag}");
        let body = json!({"tag": tag, "serial": serial, "category": "laptop", "manufacturer": "Lenovo", "model": "ThinkPad 11e", "sensitivity": "moderate",
            "site": "Warehouse", "media": [{"serial": disk, "media_type": "hdd_ata", "capacity_bytes": 500_107_862_016_u64}]});
        let receipt = self.run(&coordinator, "register_asset", body).unwrap();
        let asset = receipt.subject(SubjectKind::Asset).unwrap().to_owned();
        let medium = receipt.subject(SubjectKind::Medium).unwrap().to_owned();
        self.run(&coordinator, "retire", json!({"asset": asset, "reason": "end_of_life"})).unwrap();
        self.prepare(&asset);
        let open = json!({"reference": format!("PU-{tag}"), "from_site": "Warehouse", "to": self.vendor, "to_site": "Plant", "carrier": "Carrier"});
        let consignment = self.id(&coordinator, "open_consignment", open, SubjectKind::Consignment);
        self.run(&coordinator, "add_lines", json!({"consignment": consignment, "assets": [asset], "container": "P1"})).unwrap();
        self.run(&coordinator, "seal_consignment", json!({"consignment": consignment, "containers": [{"label": "P1", "seal": "0001"}]})).unwrap();
        self.run(&coordinator, "release_consignment", json!({"consignment": consignment})).unwrap();
        let scans = json!([{"tag": tag, "serial": serial}, {"tag": format!("OVER-{tag}")}]);
        let receipt = json!({"consignment": consignment, "containers": [{"label": "P1", "seal_state": "intact"}], "scans": scans});
        let discrepancy = self.id(&operator, "receive_consignment", receipt, SubjectKind::Discrepancy);
        let resolve = json!({"discrepancy": discrepancy, "resolution": "returned_to_sender", "reference": "INV-1"});
        self.run(&approver, "resolve_discrepancy", resolve).unwrap();
        let evidence = receive_evidence::receive(&self.service, &operator.actor, nwipe_log(&disk).as_bytes(), None).unwrap();
        assert!(evidence.records[0].medium.is_some(), "{evidence:?}");
        let overwrite = json!({"medium": medium, "technique": "host_overwrite", "evidence": evidence.sha256});
        self.run(&operator, "record_sanitization", overwrite).unwrap();
        let melt = json!({"medium": medium, "technique": "melt", "statement": {"facility": "SMELTER-7", "facility_batch": "B-1"}});
        self.run(&operator, "record_sanitization", melt).unwrap();
        self.run(&verifier, "verify_sanitization", json!({"medium": medium})).unwrap();
        self.run(&approver, "validate_sanitization", json!({"medium": medium})).unwrap();
        let mass = json!({"weight_grams": 1_900, "weight_basis": "scale", "recovered_grams": 1_600, "energy_grams": 200, "landfill_grams": 100});
        self.run(&operator, "record_disposition", json!({"asset": asset, "outcome": "recycled", "mass": mass})).unwrap();
        let asset = AssetId::parse(&asset).unwrap();
        let issued = issue_certificate::issue(&self.service, &coordinator.actor, &asset).unwrap();
        (asset, issued.number)
    }

    /// A device that is lost, with the exception that this raises.
    pub fn lost(&self, tag: &str) {
        let coordinator = self.someone(Role::Coordinator, "Cora Coordinator");
        let body = json!({"tag": tag, "category": "laptop", "manufacturer": "Lenovo", "model": "Workbook 7", "sensitivity": "moderate", "site": "Warehouse"});
        let asset = self.id(&coordinator, "register_asset", body, SubjectKind::Asset);
        self.run(&coordinator, "report_missing", json!({"asset": asset, "loss": "lost", "custodian": "cart", "incident": "INC-1"})).unwrap();
        assert_eq!(find_exceptions::all(&self.service).unwrap(), 1);
    }

    /// Closes the record; its folder stays.
    pub fn close(self) -> (TempDir, Config) {
        let Self { folder, config, service, _lock: lock, .. } = self;
        // The writer ends when the last sender is gone; then the lock is free.
        drop(service);
        drop(lock);
        // SQLite removes its WAL when the last connection is closed.
        for _ in 0..500 {
            if !config.data.join("quittance.db-wal").exists() {
                return (folder, config);
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("the record did not close within five seconds")
    }

    /// Audits the record as it is on the disk now.
    pub fn audit(&self) -> Result<audit_ledger::Report> {
        audit(&self.config)
    }
}

/// Writes down beside a record which database it is in.
pub fn remember(folder: &Path, database: &DatabaseUrl) {
    std::fs::write(folder.join("database-url"), database.as_str()).unwrap();
}

/// The settings of a record in a folder.
pub fn config(folder: PathBuf) -> Config {
    let database = std::fs::read_to_string(folder.join("database-url")).unwrap();
    // An SQLite file is where the folder is, also where that was copied from another.
    let database_url = database.starts_with("postgres").then_some(database);
    let given = Given { data: Some(folder.join("data")), keys: Some(folder.join("keys")), database_url, ..Given::default() };
    Config::new(&given, None, ".", None).unwrap()
}

/// Audits the record in a folder as the command does.
pub fn audit(config: &Config) -> Result<audit_ledger::Report> {
    let mut db = config.database.open()?;
    let app = open_ledger::open_app(config, &mut db)?;
    audit_ledger::audit(&app, &mut db, |_, _| {})
}

/// What nwipe 0.42 writes about one drive that it erased.
pub fn nwipe_log(serial: &str) -> String {
    // The work counts only where the drive was at hand: the log's clock, whose zone nobody knows, shows a day on which it may have been.
    let day = (Utc::now() + TimeDelta::hours(2)).format("%Y/%m/%d");
    format!(
        "[{day} 08:12:01]    info: nwipe 0.42
[{day} 08:12:02]  notice: Found /dev/sda,  ATA    , WDC WD5000LPLX-7,  500 GB, S/N={serial}
[{day} 08:12:02]    info: HPA:  max sectors   = 976773168/976773168, hpa is disabled
 on /dev/sda
[{day} 08:12:02]    info: No hidden sectors on /dev/sda
[{day} 08:12:05]  notice: Program options are set as follows...
[{day} 08:12:05]  notice:   method       = PRNG Stream
[{day} 08:12:05]  notice:   rounds       = 1
[{day} 08:12:05]  notice:   verify       = 1 (last pass)
[{day} 08:12:05]  notice: /dev/sda has serial number {serial}
[{day} 08:12:06]  notice: Invoking method 'PRNG Stream' on /dev/sda
[{day} 08:12:06]  notice: Starting round 1 of 1 on /dev/sda
[{day} 08:12:06]  notice: Starting pass 1/1, round 1/1, on /dev/sda
[{day} 10:02:41]  notice: 500107862016 bytes written to /dev/sda
[{day} 11:50:12]  notice: 500107862016 bytes read from /dev/sda
[{day} 11:50:12]  notice: Verified pass 1 of 1, round 1 of 1, on '/dev/sda'.
[{day} 11:50:12]  notice: Finished pass 1/1, round 1/1, on /dev/sda
[{day} 11:50:12]  notice: Finished final round 1 of 1 on /dev/sda
[{day} 11:50:13]    info: Nwipe successfully completed. See summary table for details.

******************************** Error Summary *********************************
!   Device | Pass Errors | Verifications Errors | Fdatasync I\\O Errors
--------------------------------------------------------------------------------
       sda |           0 |                    0 |                    0
********************************************************************************

******************************* Erasure Summary ********************************
!   Device |      Bytes Erased |      Bytes Total | Percentage Erased
--------------------------------------------------------------------------------
       sda |      500107862016 |     500107862016 |           100.00%
********************************************************************************

********************************* Drive Status *********************************
!   Device | Status | Thru-put | HH:MM:SS | Model/Serial Number
--------------------------------------------------------------------------------
       sda | Erased |  77 MB/s | 03:38:06 | WDC WD5000LPLX-7/{serial}
--------------------------------------------------------------------------------
[{day} 11:50:14] Total Throughput 77 MB/s, PRNG Stream, 1R+NB+VL
********************************************************************************
"
    )
}
