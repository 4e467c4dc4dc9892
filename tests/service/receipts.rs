//! Vendors who never sign in: received by their own list, by paper that is transcribed, or through a one-time link; reconciled and settled.

use std::fs;

use quittance::config::Limits;
use quittance::domain::names::Role;
use quittance::store::{inventory, links, log, people, tokens};
use serde_json::{Value, json};

use super::orders::{Vendor, Yard, prepare};
use super::server::Server;
use super::story::nwipe_log;

const VENDOR: &str = "RecycleOne";

fn fixture(name: &str) -> Vec<u8> {
    fs::read(format!("{}/tests/receipts/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Four devices of the vendor's lists: a laptop that was wiped at home, and three without storage.
fn devices(server: &Server) -> Vec<String> {
    let second = tokens::new_token().unwrap();
    let id = "urn:uuid:00000000-0000-4000-8000-00000000c002";
    let person = people::Person::new(id, "Cleo Example", "coordinator", Role::Coordinator, &server.parties["district"]);
    people::add_with_token(&mut server.service.app.connect().unwrap(), &person, &second, quittance::app::now().unix_ms()).unwrap();
    let mut made = Vec::new();
    for (tag, serial, category) in [
        ("RX-0001", "5CD9000A01", "laptop"),
        ("RX-0002", "5CD9000A02", "monitor"),
        ("RX-0003", "8100200300", "monitor"),
        ("RX-0004", "CN0MON0004", "monitor"),
    ] {
        let media = if category == "laptop" { json!([{"serial": "RXDRV00001", "media_type": "ssd_nvme"}]) } else { json!([]) };
        let body = json!({"tag": tag, "serial": serial, "category": category, "manufacturer": "HP", "model": "G8", "sensitivity": "moderate",
            "site": "Central", "media": media});
        let receipt = server.command("coordinator", "register_asset", body).taken();
        let asset = Server::subject(&receipt, "Asset");
        server.command("coordinator", "retire", json!({"asset": asset, "reason": "surplus"})).taken();
        prepare(server, &asset);
        if category == "laptop" {
            let medium = Server::subject(&receipt, "Medium");
            let log = server.send("coordinator", "POST", "/api/v1/evidence", &[], &nwipe_log("RXDRV00001")).taken();
            let wiped = json!({"medium": medium, "technique": "nvme_sanitize_block", "evidence": log["sha256"]});
            server.command("coordinator", "record_sanitization", wiped).taken();
            let body = json!({"medium": medium}).to_string();
            let headers = [("Content-Type", "application/json"), ("Authorization", &format!("Bearer {second}"))];
            server.send("nobody", "POST", "/api/v1/commands/verify_sanitization", &headers, body.as_bytes()).taken();
            server.command("approver", "validate_sanitization", json!({"medium": medium})).taken();
        } else {
            server.command("coordinator", "attest_no_storage", json!({"asset": asset, "basis": "model_has_none"})).taken();
        }
        made.push(asset);
    }
    made
}

/// On its way to the vendor, sealed and weighed.
fn released(server: &Server, reference: &str, assets: &[String]) -> String {
    let open = json!({"reference": reference, "from_site": "Central", "to": server.parties[VENDOR], "to_site": "Akron"});
    let consignment = Server::subject(&server.command("coordinator", "open_consignment", open).taken(), "Consignment");
    server.command("coordinator", "add_lines", json!({"consignment": consignment, "assets": assets, "container": "PALLET-1"})).taken();
    let containers = json!([{"label": "PALLET-1", "seal": "004871", "gross_weight_grams": 20_000}]);
    server.command("coordinator", "seal_consignment", json!({"consignment": consignment, "containers": containers})).taken();
    server.command("coordinator", "release_consignment", json!({"consignment": consignment})).taken();
    consignment
}

fn shown(server: &Server, consignment: &str) -> Value {
    server.get("auditor", &format!("/api/v1/consignments/{consignment}")).taken()
}

fn discrepancy<'a>(shown: &'a Value, kind: &str) -> &'a Value {
    let all = shown["discrepancies"].as_array().unwrap();
    all.iter().find(|one| one["kind"] == kind && one["resolution"].is_null()).unwrap_or_else(|| panic!("no open {kind} in {shown}"))
}

#[test]
fn what_has_come_hides_nothing_that_is_missing() {
    let server = Server::start();
    let assets = devices(&server);
    let open = json!({"reference": "PU-2026-003", "from_site": "Central", "to": server.parties[VENDOR], "to_site": "Akron"});
    let id = Server::subject(&server.command("coordinator", "open_consignment", open).taken(), "Consignment");
    server.command("coordinator", "add_lines", json!({"consignment": id, "assets": assets, "container": "PALLET-1"})).taken();
    let toner = json!({"consignment": id, "what": "toner", "count": 9, "no_data": true, "container": "PALLET-1"});
    server.command("coordinator", "add_quantity", toner).taken();
    server.command("coordinator", "seal_consignment", json!({"consignment": id, "containers": [{"label": "PALLET-1"}]})).taken();
    server.command("coordinator", "release_consignment", json!({"consignment": id})).taken();
    let made = server.post("coordinator", &format!("/api/v1/consignments/{id}/links"), &json!({"days": 7})).taken();
    let secret = made["address"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let body = json!({"containers": [], "scans": [{"tag": "RX-0001"}, {"tag": "RX-0002"}], "more_to_come": true});
    server.post("nobody", &format!("/api/v1/r/{secret}/receipts"), &body).taken();
    // As many as are shown would have been filled by what came.
    let (things, counted) = inventory::awaited(&mut server.service.app.read().unwrap(), &id, 1).unwrap();
    assert_eq!((things[0].record().unwrap().name.as_str(), things.len(), counted.len()), ("RX-0003", 1, 1));
    let seen = server.get("nobody", &format!("/api/v1/r/{secret}")).taken();
    let missing: Vec<&str> = seen["missing"].as_array().unwrap().iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!((missing, &seen["more"]), (vec!["asset", "asset", "quantity"], &json!(false)), "{seen}");
    let page = server.page("nobody", &format!("/r/{secret}")).text();
    assert!(page.contains("RX-0004") && page.contains("Number of toner cartridges that came") && !page.contains("RX-0001"), "{page}");
    server.audit();
}

/// Keeps what is proposed for a list, after it was refused because nobody had mapped it.
fn map_as_proposed(server: &Server, path: &str, list: &[u8], profile: &str) {
    let problem = server.send("coordinator", "POST", path, &[], list).refused(422, "mappings.unmapped");
    assert!(problem["headers"].as_array().unwrap().len() >= 5, "{problem}");
    let mut mapping = problem["proposal"].clone();
    mapping["party"] = json!(server.parties[VENDOR]);
    mapping["profile"] = json!(profile);
    server.command("coordinator", "map_columns", mapping).taken();
}

#[test]
fn a_vendor_that_never_signs_in_is_received_reconciled_and_settled_from_its_own_lists() {
    let server = Server::start();
    let assets = devices(&server);
    let consignment = released(&server, "PU-2026-001", &assets);
    let before = shown(&server, &consignment);
    assert!(before["receipt_due_at"].is_string() && before["suggestions"] == json!([]), "{before}");

    // First comes the driver's paper: the pallet is there, its seal is another one, and it is too light.
    let paper = server.send("coordinator", "POST", "/api/v1/evidence", &[], b"bill of lading, signed, seal 990001").taken()["sha256"].clone();
    let containers = json!([{"label": "PALLET-1", "seal_state": "intact", "seal": "990001", "gross_weight_grams": 18_990}]);
    let mut receipt = json!({"consignment": consignment, "containers": containers, "scans": [], "more_to_come": true});
    server.command("coordinator", "receive_consignment", receipt.clone()).refused(422, "consignment.not_for_you");
    receipt["transcribed"] = json!({"document": "0".repeat(64)});
    server.command("coordinator", "receive_consignment", receipt.clone()).refused(422, "receipt.unknown_document");
    receipt["transcribed"] = json!({"document": paper});
    server.command("coordinator", "receive_consignment", receipt).taken();
    let partly = shown(&server, &consignment);
    assert_eq!(partly["consignment"]["status"], "partly_received");
    assert_eq!(discrepancy(&partly, "weight")["figures"], json!([20_000, 18_990]));
    assert_eq!(discrepancy(&partly, "seal")["seal"], json!(["different", "990001"]));
    assert!(discrepancy(&partly, "seal")["due_at"].is_string());

    // Then its receiving list: nobody has mapped it, one row has letters for digits.
    let receipts = format!("/api/v1/consignments/{consignment}/receipts");
    let list = fixture("receiving.csv");
    map_as_proposed(&server, &receipts, &list, "RecycleOne inbound");
    let entries = server.entries();
    let report = server.send("coordinator", "POST", &format!("{receipts}?dry_run=true"), &[], &list).taken();
    assert_eq!(
        (&report["rows"], &report["receipt"]["matched"], &report["receipt"]["short"], &report["receipt"]["over"]),
        (&json!(4), &json!(3), &json!(1), &json!(1)),
        "{report}"
    );
    let broken = [list.as_slice(), b"RX-0009,6.4E+15,,,\n"].concat();
    let report = server.send("coordinator", "POST", &format!("{receipts}?dry_run=true"), &[], &broken).taken();
    assert_eq!((report["errors"].as_array().unwrap().len(), &report["errors"][0]["row"]), (1, &json!(10)), "{report}");
    let problem = server.send("coordinator", "POST", &receipts, &[], &broken).refused(422, "receipt.rows");
    assert!(problem["missing"][0].as_str().unwrap().starts_with("Row 10: "), "{problem}");
    assert_eq!(server.entries(), entries, "a dry run, or a list that cannot be read, was recorded");
    let key = [("Idempotency-Key", "list-1")];
    let report = server.send("coordinator", "POST", &receipts, &key, &list).taken();
    assert_eq!(server.send("coordinator", "POST", &receipts, &key, &list).taken(), report);
    let file = report["sha256"].as_str().unwrap().to_owned();
    assert_eq!(server.get("coordinator", &format!("/api/v1/evidence/{file}")).body, list);

    // One pair may be one thing: offered, and nothing follows from it.
    let received = shown(&server, &consignment);
    assert_eq!(received["consignment"]["status"], "received");
    assert_eq!(received["consignment"]["receipts"][1]["file"], file);
    let offered = received["suggestions"].as_array().unwrap();
    assert!(offered.iter().all(|one| one["because"] == "look_alike") && offered.len() == 2, "{offered:?}");
    let (short, over) = (offered[0]["short"].clone(), offered[0]["over"].clone());
    let page = server.page("approver", &format!("/consignments/{}", consignment.trim_start_matches("urn:uuid:"))).text();
    for words in [
        "May be one thing",
        "5CD9OOOA02",
        "Under verification hold",
        &format!("transcribed by the district from document sha256 {}", paper.as_str().unwrap()),
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }

    // Nothing is settled as long as seal and weight are questions.
    let settlements = format!("/api/v1/consignments/{consignment}/settlements");
    let settlement = fixture("settlement.xlsx");
    map_as_proposed(&server, &settlements, &settlement, "RecycleOne settlement");
    let report = server.send("coordinator", "POST", &format!("{settlements}?dry_run=true"), &[], &settlement).taken();
    assert_eq!((&report["recorded"], &report["refused"]), (&json!(0), &json!(5)), "{report}");
    assert!(report["lines"].to_string().contains("verification hold"), "{report}");
    let no_basis = json!({"discrepancy": short, "resolution": "located_at_receiver"});
    server.command("approver", "resolve_discrepancy", no_basis).refused(422, "consignment.no_basis");
    for (which, resolution) in [
        (short, "located_at_receiver"),
        (over, "scan_error"),
        (discrepancy(&received, "weight")["id"].clone(), "record_corrected"),
        (discrepancy(&received, "seal")["id"].clone(), "contents_verified"),
    ] {
        let resolve = json!({"discrepancy": which, "resolution": resolution, "document": paper});
        server.command("coordinator", "resolve_discrepancy", resolve.clone()).refused(403, "command.wrong_role");
        server.command("approver", "resolve_discrepancy", resolve).taken();
    }
    assert_eq!(shown(&server, &consignment)["consignment"]["status"], "reconciled");

    let report = server.send("coordinator", "POST", &settlements, &[], &settlement).taken();
    assert_eq!((&report["recorded"], &report["refused"], &report["proceeds_cents"]), (&json!(4), &json!(1), &json!(112_675)), "{report}");
    assert_eq!(report["lines"][0]["row"], 6, "{report}");
    let again = server.send("coordinator", "POST", &settlements, &[], &settlement).taken();
    assert_eq!((&again["recorded"], &again["unchanged"]), (&json!(0), &json!(4)), "{again}");
    // The same device with other proceeds is not what was recorded.
    let text = b"Serial Number,Final Disposition,Grade,Unit Weight (kg),Net Proceeds\n5CD9000A01,Remarketed,C4,1.48,999.00\n8100200300,Remarketed,C3,5.08,1030.25\n";
    for path in [format!("{settlements}?dry_run=true"), settlements.clone()] {
        let other = server.send("coordinator", "POST", &path, &[], text).taken();
        assert_eq!((&other["recorded"], &other["unchanged"], &other["refused"]), (&json!(0), &json!(1), &json!(1)), "{other}");
        assert!(other["lines"][0]["row"] == 2 && other["lines"][0]["what"].as_str().unwrap().contains("says another outcome"), "{other}");
    }
    let laptop = server.get("auditor", &format!("/api/v1/assets/{}", assets[0])).taken()["asset"].clone();
    assert_eq!((&laptop["disposition"]["proceeds_cents"], &laptop["disposition"]["grade"]), (&json!(8_450), &json!("C4")), "{laptop}");
    assert_eq!(laptop["disposition"]["recorded"]["party"], server.parties[VENDOR]);

    // The certificate says that the vendor itself has said nothing.
    let issued = server.post("approver", "/api/v1/certificates", &json!({"asset": assets[0]})).taken();
    let number = issued["number"].as_str().unwrap();
    let credential = server.get("nobody", &format!("/certificates/{number}/certificate.vc.json")).json();
    let statement = credential["credentialSubject"]["custody"]["handoffs"][0]["receiptStatement"].as_str().unwrap();
    assert_eq!(statement, format!("read by the district from the receiver's list sha256 {file}; the receiver has not confirmed it"));
    let pdf = server.get("nobody", &format!("/certificates/{number}.pdf")).body;
    let checked = server.send("nobody", "POST", "/api/v1/verifications", &[], &pdf).taken();
    assert_eq!(checked["exitCode"], 0, "{checked}");
    server.audit();
}

#[test]
fn the_same_list_as_a_spreadsheet_is_received_and_its_pallet_is_a_question() {
    let server = Server::start();
    let assets = devices(&server);
    let consignment = released(&server, "PU-2026-002", &assets);
    let receipts = format!("/api/v1/consignments/{consignment}/receipts");
    let list = fixture("receiving.xlsx");
    map_as_proposed(&server, &receipts, &list, "inbound");
    // Not for those whom it does not concern.
    server.send("operator", "POST", &receipts, &[], &list).refused(404, "request.unknown");
    server.send("coordinator", "POST", &format!("{receipts}?profile=other"), &[], &list).refused(422, "mappings.unknown_profile");
    let report = server.send("coordinator", "POST", &receipts, &[], &list).taken();
    assert_eq!((&report["format"], &report["rows"], &report["receipt"]["matched"]), (&json!("XLSX"), &json!(4), &json!(4)), "{report}");
    // It says nothing of the pallet and its seal.
    let received = shown(&server, &consignment);
    let pallet = discrepancy(&received, "count");
    assert_eq!((&pallet["container"], &pallet["figures"]), (&json!("PALLET-1"), &json!([1, 0])));
    let seen = json!({"discrepancy": pallet["id"], "resolution": "contents_verified", "reference": "CALL-2"});
    server.command("approver", "resolve_discrepancy", seen).taken();
    let received = shown(&server, &consignment);
    assert_eq!(received["consignment"]["status"], "reconciled");
    let damaged = received["lines"].as_array().unwrap().iter().find(|line| line["tag"] == "RX-0002").unwrap();
    assert_eq!((&damaged["state"], &damaged["damage"]), (&json!("received"), &json!("screen")));
    server.send("coordinator", "POST", &receipts, &[], &list).refused(422, "consignment.wrong_status");
    // A row whose tag and serial number do not belong together is about neither.
    let columns = json!({"tag": "Asset Tag", "serial": "Serial Number", "outcome": "Outcome", "weight": "Weight", "grade": "Grade"});
    let mapping = json!({"party": server.parties[VENDOR], "profile": "both", "kind": "settlement", "columns": columns, "weight_unit": "kg"});
    server.command("coordinator", "map_columns", mapping).taken();
    let list =
        b"Asset Tag,Serial Number,Outcome,Weight,Grade\nRX-0004,5CD7777777,Donated,5.1,C5\nRX-9999,CN0MON0004,Donated,5.1,C5\nRX-0004,cn0-mon0004,Donated,5.1,C5\n";
    let settlements = format!("/api/v1/consignments/{consignment}/settlements?dry_run=true");
    let report = server.send("coordinator", "POST", &settlements, &[], list).taken();
    assert_eq!((&report["recorded"], &report["refused"]), (&json!(1), &json!(2)), "{report}");
    for (line, row, captured) in [(0, 2, "serial number"), (1, 3, "tag")] {
        let line = &report["lines"][line];
        let words = format!("The {captured} of this row is not that of RX-0004");
        assert!(line["row"] == row && line["what"].as_str().unwrap().contains(&words), "{report}");
    }
    server.audit();
}

#[test]
fn a_one_time_link_opens_one_consignment_and_nothing_else() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let (thing, consignment, secret, link) = yard.linked(Vendor::RecycleOne);
    let (_, _, other, _) = yard.linked(Vendor::GreenLoop);
    let api = format!("/api/v1/r/{secret}");
    let seen = server.get("nobody", &api).taken();
    assert_eq!((&seen["status"], &seen["missing"][0]["tag"]), (&json!("released"), &json!(thing.tag)), "{seen}");
    let body = json!({"containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": [{"serial": thing.serial, "damage": "case"}]});
    let mut foreign = body.clone();
    foreign["consignment"] = json!(consignment);
    server.post("nobody", &format!("{api}/receipts"), &foreign).refused(422, "command.malformed");
    let uploaded = server.send("nobody", "POST", &format!("{api}/evidence"), &[], b"photograph of the seal").taken();
    assert_eq!(uploaded["entries"].as_array().unwrap().len(), 1, "{uploaded}");

    let page = server.page("nobody", &format!("/r/{secret}"));
    assert_eq!((page.status, page.text().contains("PALLET-1"), page.text().contains(&thing.tag)), (200, true, true));
    // An empty form closes nothing.
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(server.send("nobody", "POST", &format!("/r/{secret}"), &form, b"scans=").status, 422);
    let typed = format!("container=PALLET-1&seal_state=intact&seal=&kilograms=18.5&scans={},,purple", thing.tag);
    let wrong = server.send("nobody", "POST", &format!("/r/{secret}"), &form, typed.as_bytes());
    assert!(wrong.status == 422 && wrong.text().contains("Line 1 of what arrived") && wrong.text().contains("purple"), "{}", wrong.text());
    let answer = server.post("nobody", &format!("{api}/receipts"), &body).taken();
    let seq = answer["entries"][0]["seq"].as_u64().unwrap();
    let entry: Value = serde_json::from_slice(&log::entry(&mut server.service.app.read().unwrap(), seq).unwrap().unwrap()).unwrap();
    assert_eq!(entry["actor"], json!({"id": link, "role": "vendor_operator", "party": server.parties[VENDOR]}));
    assert_eq!(entry["data"]["by"], "link");
    let told = shown(&server, &consignment);
    assert_eq!((&told["consignment"]["status"], &told["consignment"]["receipts"][0]["by"]), (&json!("reconciled"), &json!("link")));
    let page = server.page("auditor", &format!("/consignments/{}", consignment.trim_start_matches("urn:uuid:"))).text();
    assert!(page.contains("through a one-time link"), "{page}");

    // A log is about what came with this consignment; of what else its receiver has, the link says nothing.
    let (foreign, _) = yard.settleable(Vendor::RecycleOne);
    let unknown = server.send("nobody", "POST", &format!("{api}/evidence"), &[], &nwipe_log("NOBODYS001")).taken();
    let of_another = server.send("nobody", "POST", &format!("{api}/evidence"), &[], &nwipe_log(&foreign.drive)).taken();
    let told = |answer: &Value, serial: &str| answer["records"][0]["not_linked"].as_str().unwrap().replace(serial, "…");
    assert_eq!(told(&of_another, &foreign.drive), told(&unknown, "NOBODYS001"));
    assert_eq!((&of_another["records"][0]["medium"], &of_another["already_stored"]), (&Value::Null, &json!(false)), "{of_another}");
    let own = server.send("nobody", "POST", &format!("{api}/evidence"), &[], &nwipe_log(&thing.drive)).taken();
    assert_eq!(own["records"][0]["medium"], json!(thing.medium), "{own}");

    // A link is no account: neither its secret nor anything else opens another door with it.
    let bearer = format!("Bearer {secret}");
    server.send("nobody", "GET", "/api/v1/consignments", &[("Authorization", &bearer)], b"").refused(401, "session.signed_out");

    // What is not good sounds like what never was.
    server.command("operator", "revoke_link", json!({"consignment": consignment, "link": link})).refused(403, "command.wrong_role");
    server.command("coordinator", "revoke_link", json!({"consignment": consignment, "link": link})).taken();
    let revoked = server.get("nobody", &api).refused(404, "request.unknown");
    let nothing = server.get("nobody", "/api/v1/r/qtl_nothing").refused(404, "request.unknown");
    assert_eq!(revoked, nothing);
    server.post("nobody", &format!("{api}/receipts"), &body).refused(404, "request.unknown");
    assert_eq!(server.send("nobody", "POST", &format!("{api}/evidence"), &[], b"late").status, 404);
    server.get("nobody", &format!("/api/v1/r/{other}")).taken();

    // The secret is in no entry, and in the database as a hash alone.
    let mut db = server.service.app.connect().unwrap();
    for seq in 0..server.entries() {
        let bytes = log::entry(&mut db, seq).unwrap().unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(&secret), "entry {seq}");
    }
    let kept = links::by_secret(&mut db, &secret).unwrap().unwrap();
    assert_eq!((kept.id.as_str(), kept.secret_sha256 != secret), (link.as_str(), true));
    server.audit();
}

#[test]
fn a_link_that_is_asked_for_again_is_the_same_one_without_its_secret() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let (_, consignment, ..) = yard.linked(Vendor::GreenLoop);
    let path = format!("/api/v1/consignments/{consignment}/links");
    let headers = [("Content-Type", "application/json"), ("Idempotency-Key", "link-1")];
    let first = server.send("coordinator", "POST", &path, &headers, b"{}").taken();
    let again = server.send("coordinator", "POST", &path, &headers, b"{}").taken();
    assert_eq!((&first["link"], &again["address"]), (&again["link"], &Value::Null));
    assert!(first["address"].as_str().unwrap().starts_with("http://localhost:8080/r/qtl_"));
    for (days, code) in [(json!(0), "links.days"), (json!(91), "links.days"), (json!("x"), "links.days"), (json!(-1), "links.days")] {
        server.post("coordinator", &path, &json!({"days": days})).refused(422, code);
    }
    server.post("coordinator", &path, &json!({"secret": "mine"})).refused(422, "command.malformed");
    assert_eq!(shown(&server, &consignment)["consignment"]["links"].as_array().unwrap().len(), 2);
    server.audit();
}

#[test]
fn whoever_tries_secrets_is_counted() {
    let server = Server::start_within(Limits { public_rate: 5, ..Limits::uncounted() });
    let answers: Vec<u16> = (0..8).map(|n| server.get("nobody", &format!("/api/v1/r/qtl_{n}")).status).collect();
    assert_eq!(answers, [404, 404, 404, 404, 404, 429, 429, 429]);
}

#[test]
fn a_list_counts_things_and_has_loose_drives_and_containers() {
    let server = Server::start();
    let assets = devices(&server);
    let drives = json!({"media": [{"serial": "LOOSE-77", "media_type": "hdd_ata"}], "site": "Central"});
    let drive = Server::subject(&server.command("coordinator", "record_loose_media", drives).taken(), "Medium");
    let open = json!({"reference": "PU-2026-009", "from_site": "Central", "to": server.parties[VENDOR], "to_site": "Akron"});
    let id = Server::subject(&server.command("coordinator", "open_consignment", open).taken(), "Consignment");
    server.command("coordinator", "add_lines", json!({"consignment": id, "assets": [assets[0]], "media": [drive]})).taken();
    for count in [30, 10] {
        server.command("coordinator", "add_quantity", json!({"consignment": id, "what": "charger", "count": count, "no_data": true})).taken();
    }
    let containers = json!([{"label": "PALLET-1", "seal": "004871"}, {"label": "PALLET-2", "seal": "004872"}]);
    server.command("coordinator", "seal_consignment", json!({"consignment": id, "containers": containers})).taken();
    server.command("coordinator", "release_consignment", json!({"consignment": id})).taken();
    let path = format!("/api/v1/consignments/{id}/receipts");
    let list = |rows: &str| format!("Asset Tag,Serial,Description,Qty,Pallet,Seal\n{rows}").into_bytes();
    let first = list("RX-0001,,Laptop,1,PALLET-1,004871\n,LOOSE-77,Drive,1,PALLET-1,\n,,Chargers,25,PALLET-1,\n");
    map_as_proposed(&server, &path, &first, "with counts");
    let strange = list("RX-0001,,Laptop,1,PALLET-1,004871\n,,Toner,3,,\n");
    let problem = server.send("coordinator", "POST", &path, &[], &strange).refused(422, "receipt.rows");
    assert!(problem["missing"][0].as_str().unwrap().starts_with("Row 3: No toner cartridges are listed"), "{problem}");
    let report = server.send("coordinator", "POST", &format!("{path}?more_to_come=true"), &[], &first).taken();
    assert_eq!((&report["rows"], &report["counted"], &report["receipt"]["matched"]), (&json!(2), &json!(25), &json!(2)), "{report}");
    // The rest: the same pallet again is no second one, and of the other nothing is said.
    let rest = list("RX-0001,,Laptop,1,PALLET-1,004871\n,,Charger,15,PALLET-1,\n");
    server.send("coordinator", "POST", &path, &[], &rest).taken();
    let received = shown(&server, &id);
    let open: Vec<(&str, &str)> =
        received["discrepancies"].as_array().unwrap().iter().map(|one| (one["kind"].as_str().unwrap(), one["container"].as_str().unwrap())).collect();
    assert_eq!(open, [("count", "PALLET-2")], "{received}");
    let found = json!({"discrepancy": discrepancy(&received, "count")["id"], "resolution": "contents_verified", "reference": "CALL-1"});
    server.command("approver", "resolve_discrepancy", found).taken();
    assert_eq!(shown(&server, &id)["consignment"]["status"], "reconciled");
    server.audit();
}
