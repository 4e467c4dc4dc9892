//! No name of a student or of the staff is in the ledger, in a derived table, in a log line or in an export; credentials and their pages name signers.

use std::io::Write;
use std::sync::{Arc, Mutex};

use quittance::proof::digest::{hex, sha256};
use quittance::store::{accounts, people};
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use super::orders::{Vendor, Yard};
use super::server::{Server, until};

/// A student whose name, address and number stand in a file that is imported, and in what is refused.
const STUDENT: [&str; 4] = ["Zebulon", "Quagmire", "zquagmire@students.example", "STU-998877"];

/// Everything that the program says of itself.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The staff: everyone in the directory of the server, by both of their names.
fn staff(server: &Server) -> Vec<String> {
    people::all(&mut server.service.app.read().unwrap()).unwrap().into_iter().map(|person| person.name).collect()
}

#[test]
fn no_name_is_in_ledger_tables_logs_or_exports() {
    let lines = Lines::default();
    // Once for the process: of two runs of this test in it, one reads what all tests of the process made the program say.
    let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).with_ansi(false).with_max_level(tracing::Level::TRACE).finish();
    let listens = tracing::subscriber::set_global_default(subscriber).is_ok();
    let server = Server::start();
    let yard = Yard::new(&server);
    tracing::info!("the log is read");

    // The export of an asset manager, with whoever has the device in it.
    let [given, family, mail, number] = STUDENT;
    let export = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/inventories/snipe-it/asset_list.csv")).unwrap();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(export.trim_start_matches('\u{feff}').as_bytes());
    let mut rows = reader.records().map(Result::unwrap);
    let columns: Vec<String> = rows.next().unwrap().iter().map(str::to_owned).collect();
    let person = |name: &str| ["checked out", "employee", "username", "notes", "user", "email"].iter().any(|word| name.to_lowercase().contains(word));
    assert!(columns.iter().any(|name| person(name)), "{columns:?}");
    let mut planted = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    planted.write_record(&columns).unwrap();
    for row in rows {
        let cell = |(name, value): (&String, &str)| if person(name) { format!("{given} {family} {mail} {number}") } else { value.to_owned() };
        planted.write_record(columns.iter().zip(&row).map(cell)).unwrap();
    }
    let planted = planted.into_inner().unwrap();
    assert!(String::from_utf8_lossy(&planted).contains(family));
    let imported = server.send("coordinator", "POST", "/api/v1/imports", &[("Content-Type", "text/csv")], &planted).taken();
    assert!(imported["registered"].as_u64().unwrap() > 0, "{imported}");
    // What is refused, and what is looked for.
    let owned = json!({"tag": "P-1", "category": "laptop", "manufacturer": "M", "model": "M", "site": "S", "owner": format!("{given} {family}")});
    server.command("coordinator", "register_asset", owned).refused(422, "command.malformed");
    assert_eq!(server.get("coordinator", &format!("/api/v1/assets?q={family}")).status, 200);

    // A year in small: every command that has a body, a certificate, a revocation, a bulk job, a correction.
    let (certificate, thing, _) = yard.certified(Vendor::GreenLoop);
    for name in
        ["retire", "redeploy", "return_from_repair", "resolve_discrepancy", "record_disposition", "confirm_medium", "see_device", "register_key"]
    {
        let who = match name {
            "resolve_discrepancy" => "approver",
            "record_disposition" => "operator",
            _ => "coordinator",
        };
        let body = yard.body(name, Vendor::GreenLoop, who).unwrap();
        server.command(who, name, body).taken();
    }
    server.command("approver", "void_sanitization", json!({"medium": thing.medium, "reason": "wrong_thing"})).taken();
    let job = yard.bulk(Vendor::GreenLoop, &thing);
    // What is answered under a key is kept. A student has a device, was seen with it, and gave it back.
    let keyed = |who: &str, path: &str, body: Value| {
        // One key for each request.
        let key = format!("key-{}", hex(&sha256(format!("{path} {body}").as_bytes())));
        server.send(who, "POST", path, &[("Content-Type", "application/json"), ("Idempotency-Key", &key)], body.to_string().as_bytes()).taken()
    };
    keyed("coordinator", "/api/v1/counts", json!({"site": "Central", "scans": [{"tag": thing.tag}]}));
    for identifier in STUDENT {
        let path = format!("/api/v1/assets/{}/assignments", yard.in_service(Vendor::GreenLoop));
        keyed("coordinator", &path, json!({"kind": "person", "person": identifier, "assignee_active": "yes", "active_on": "2026-01-05"}));
    }
    let lent = yard.in_service(Vendor::GreenLoop);
    let at = quittance::app::now().to_string();
    let tag = server.get("coordinator", &format!("/api/v1/assets/{lent}")).taken()["asset"]["tag"].clone();
    let mut seen = json!({"source": "mdm", "sightings": [{"scan": {"tag": tag}, "at": at, "user": mail}]});
    server.post("coordinator", "/api/v1/sightings", &seen).refused(422, "command.malformed");
    seen["sightings"][0].as_object_mut().unwrap().remove("user");
    assert_eq!(keyed("coordinator", "/api/v1/sightings", seen)["remembered"], 1);
    let (_, consignment, secret, _) = yard.linked(Vendor::GreenLoop);
    keyed("coordinator", &format!("/api/v1/consignments/{consignment}/links"), json!({"days": 7}));
    let somebody = yard.somebody();
    keyed("administrator", &format!("/api/v1/people/{somebody}/corrections"), json!({"name": "Xanthippe Underhill", "phone": "555-0199"}));
    let gone = yard.somebody();
    keyed("administrator", &format!("/api/v1/people/{gone}/erasures"), json!({}));
    yard.exception(Vendor::GreenLoop);
    // People write to each other, and are written to: a note stands where it can be erased, an address in the directory.
    let address = "coordinator@northfield.example";
    let coordinator =
        people::all(&mut server.service.app.read().unwrap()).unwrap().into_iter().find(|person| person.role == "coordinator").unwrap().id;
    keyed("administrator", &format!("/api/v1/people/{coordinator}/corrections"), json!({"email": address}));
    let text = format!("{given} {family} left the charger in it.");
    let noted = keyed("operator", &format!("/api/v1/consignments/{consignment}/notes"), json!({"text": text}));
    let erased = keyed("operator", &format!("/api/v1/consignments/{consignment}/notes"), json!({"text": format!("Ask {mail}, {number}.")}));
    server.post("operator", &format!("/api/v1/notes/{}/erasures", erased["note"].as_str().unwrap()), &json!({})).taken();
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(server.send("coordinator", "POST", "/account/mail", &form, b"want=weekly_digest&language=es").status, 303);
    yard.certified(Vendor::GreenLoop);
    // Somebody is invited, is signed in, and keeps a view.
    let newcomer = b"name=Somebody+Else&email=newcomer%40northfield.example&role=auditor";
    assert_eq!(server.send("administrator", "POST", "/people", &form, newcomer).status, 200);
    let (_, _cookie) = server.browser("coordinator");
    assert_eq!(server.send("coordinator", "POST", "/views", &form, b"name=Mine&query=label%3Dretired&role=").status, 303);
    {
        let mut db = server.service.app.connect().unwrap();
        accounts::set_recovery_codes(&mut db, &coordinator, &["a hash".to_owned()]).unwrap();
        accounts::bind_identity(&mut db, &coordinator, "https://accounts.example", "10769150350006150715113082367").unwrap();
    }
    let sent = keyed("coordinator", &format!("/api/v1/consignments/{consignment}/links"), json!({"email": "dock@greenloop.example"}));
    let letter_secret = sent["address"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let told = |db: &mut quittance::store::Database| quittance::store::outbox::tell(db, "digest 2026-11-30", 0);
    told(&mut server.service.app.connect().unwrap()).unwrap();
    until("the link is on its way", || {
        let sent = quittance::store::outbox::sent(&mut server.service.app.read().unwrap(), 100).unwrap();
        sent.iter().any(|kept| kept.kind == "one_time_link")
    });

    let mut names: Vec<String> = STUDENT.map(str::to_owned).to_vec();
    names.extend(staff(&server));
    names.extend(["Somebody Else", "555-0199", &secret, address, "dock@greenloop.example", &letter_secret].map(str::to_owned));
    assert!(names.iter().any(|name| name == "Xanthippe Underhill"));
    assert!(names.iter().any(|name| name == "Coordinator Example"), "{names:?}");
    let mut searched: Vec<(String, String)> = server.tables();
    let directory = searched.remove(searched.iter().position(|(table, _)| table == "people").unwrap()).1;
    assert!(directory.contains("Xanthippe Underhill") && directory.contains("Coordinator Example"), "{directory}");
    let notes = searched.remove(searched.iter().position(|(table, _)| table == "notes").unwrap()).1;
    assert!(notes.contains(&text) && !notes.contains(mail) && !notes.contains(number), "{notes}");
    assert!(!noted.to_string().contains(family), "{noted}");
    // SQLite's index of asset_search has no rows of its own.
    let empty: Vec<&str> =
        searched.iter().filter(|(table, rows)| rows.trim().is_empty() && table != "asset_trigrams").map(|(table, _)| table.as_str()).collect();
    assert!(empty.is_empty(), "nothing is looked at in {empty:?}");
    println!("{} values of {} tables", searched.iter().map(|(_, rows)| rows.lines().count()).sum::<usize>(), searched.len());
    let exports = [
        "/api/v1/commands",
        "/api/v1/assets?limit=200",
        "/api/v1/consignments",
        "/api/v1/parties",
        "/api/v1/certificates",
        "/api/v1/catalogue",
        "/api/v1/exceptions",
        "/api/v1/reports/mass-balance",
        "/api/v1/reports/mass-balance.csv?table=T2",
        "/status/1",
        "/ledger/checkpoint",
        "/ledger/proof/1",
        "/did.json",
        "/ns/quittance/v1",
    ];
    let about = [
        format!("/api/v1/bulk/{job}"),
        format!("/api/v1/bulk/{job}/items"),
        format!("/api/v1/certificates/{certificate}"),
        format!("/api/v1/assets/{lent}"),
        format!("/api/v1/consignments/{consignment}"),
        format!("/api/v1/consignments/{consignment}/manifest"),
        format!("/api/v1/consignments/{consignment}/manifest.csv"),
    ];
    for path in exports.iter().map(|path| (*path).to_owned()).chain(about) {
        let answer = server.get("auditor", &path);
        assert_eq!(answer.status, 200, "{path}");
        searched.push((path, answer.text()));
    }
    let said = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert_eq!(said.contains("the log is read"), listens);
    searched.push(("the program's log".to_owned(), said));
    for (place, text) in &searched {
        for name in &names {
            assert!(!text.to_lowercase().contains(&name.to_lowercase()), "{name} is in {place}");
        }
    }
    // What is looked for is found where it may be.
    let credential = server.get("nobody", &format!("/certificates/{certificate}/certificate.vc.json")).text();
    assert!(credential.contains("Operator Example"), "{credential}");
    server.audit();
}

#[test]
fn with_whom_a_device_was_is_forgotten_when_its_assignment_ends() {
    let server = Server::start();
    let with = |person: &str| server.post("coordinator", "/api/v1/assignees/searches", &json!({"person": person})).taken()["assets"].clone();
    let assigned = |n: usize, person: &str| {
        let body = json!({"tag": format!("LENT-{n}"), "category": "laptop", "manufacturer": "M", "model": "M", "site": "Central"});
        let id = Server::subject(&server.command("coordinator", "register_asset", body).taken(), "Asset");
        let body = json!({"kind": "person", "person": person, "assignee_active": "yes", "active_on": "2026-01-05"});
        server.post("coordinator", &format!("/api/v1/assets/{id}/assignments"), &body).taken();
        assert_eq!(with(person), json!([id]));
        id
    };
    let ends = [
        ("retire", json!({"reason": "surplus"})),
        ("redeploy", json!({"site": "Central"})),
        ("send_to_repair", json!({"fault": "board"})),
        ("assign", json!({"kind": "cart", "place": "CART-1"})),
        ("assign", json!({"kind": "person", "person": "pupil-somebody-else", "assignee_active": "yes", "active_on": "2026-01-05"})),
    ];
    for (n, (name, mut body)) in ends.into_iter().enumerate() {
        let person = format!("pupil-{n}");
        let id = assigned(n, &person);
        if name == "assign" {
            server.post("coordinator", &format!("/api/v1/assets/{id}/assignments"), &body).taken();
        } else {
            body["asset"] = json!(id);
            server.command("coordinator", name, body).taken();
        }
        assert_eq!(with(&person), json!([]), "{name}");
    }
    let lost = assigned(9, "pupil-9");
    server.command("coordinator", "report_missing", json!({"asset": lost, "loss": "lost", "custodian": "person", "incident": "INC-9"})).taken();
    assert_eq!(with("pupil-9"), json!([lost]), "whoever had it last is asked");
    server.command("coordinator", "report_found", json!({"asset": lost, "site": "Central"})).taken();
    assert_eq!(with("pupil-9"), json!([]));
    let gone = assigned(10, "pupil-10");
    server.command("coordinator", "report_missing", json!({"asset": gone, "loss": "lost", "custodian": "person", "incident": "INC-10"})).taken();
    let mass = json!({"weight_grams": 2_000, "weight_basis": "spec"});
    server.command("coordinator", "record_disposition", json!({"asset": gone, "outcome": "lost_or_stolen", "mass": mass})).taken();
    assert_eq!(with("pupil-10"), json!([]));
    server.audit();
}

#[test]
fn a_name_is_corrected_and_erased_and_the_record_stays_whole() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let (certificate, thing, _) = yard.certified(Vendor::GreenLoop);
    let everyone = server.get("administrator", "/api/v1/people").taken();
    let id = |name: &str| -> String {
        let all = everyone["people"].as_array().unwrap();
        all.iter().find(|person| person["name"] == name).unwrap()["id"].as_str().unwrap().to_owned()
    };
    server.get("coordinator", "/api/v1/people").refused(403, "command.wrong_role");
    let operator = id("Operator Example");
    let path = format!("/api/v1/people/{operator}");
    server.post("administrator", &format!("{path}/corrections"), &json!({})).refused(422, "people.nothing");
    server.post("administrator", &format!("{path}/corrections"), &json!({"name": " "})).refused(422, "people.name");
    server.post("administrator", &format!("{path}/corrections"), &json!({"name": "Olive Operator", "phone": "555-0100"})).taken();
    let page = || server.page("auditor", &format!("/assets/{}", thing.asset.trim_start_matches("urn:uuid:"))).text();
    assert!(page().contains("Olive Operator") && !page().contains("Operator Example"));
    let salts = || people::all_salts(&mut server.service.app.read().unwrap()).unwrap();
    assert!(salts().iter().any(|(_, person, _)| *person == operator));
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let view = b"name=Olive+Operators+list&query=label%3Dreceived&role=vendor_operator";
    assert_eq!(server.send("operator", "POST", "/views", &form, view).status, 303);
    let has_view = || server.tables().iter().any(|(_, text)| text.contains("Olive Operators list"));
    assert!(has_view());

    server.post("administrator", &format!("{path}/erasures"), &json!({})).taken();
    server.post("administrator", &format!("{path}/erasures"), &json!({})).refused(404, "request.unknown");
    server.post("administrator", &format!("/api/v1/people/{}/erasures", id("Administrator Example")), &json!({})).refused(422, "people.oneself");
    assert!(!salts().iter().any(|(_, person, _)| *person == operator) && !has_view());
    assert!(page().contains("name erased") && !page().contains("Olive Operator"));
    let listed = server.get("administrator", "/api/v1/people").taken();
    let erased = listed["people"].as_array().unwrap().iter().find(|person| person["id"] == operator.as_str()).unwrap();
    assert_eq!((&erased["name"], &erased["role"]), (&Value::Null, &json!("vendor_operator")));
    // The token is worth nothing once it is not remembered any more.
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    server.get("operator", "/api/v1/assets").refused(401, "session.signed_out");
    // The certificate is a document of its own: it goes on naming whom it named, and holds.
    assert!(server.get("nobody", &format!("/certificates/{certificate}/certificate.vc.json")).text().contains("Operator Example"));
    server.audit();
}
