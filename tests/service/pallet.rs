//! A pallet at the dock: three hundred devices in service leave it sealed and released, and what its manifest says is what the record says.

use quittance::proof::digest::{hex, sha256};
use serde_json::{Value, json};

use super::orders::rejected;
use super::races::STEPS;
use super::server::Server;

const DEVICES: usize = 300;

fn opened(server: &Server, who: &str, body: Value) -> String {
    Server::subject(&server.command(who, "open_consignment", body).taken(), "Consignment")
}

#[test]
fn three_hundred_devices_in_service_are_a_released_pallet_by_as_many_scans_and_a_few_calls() {
    let server = Server::start();
    for n in 0..DEVICES {
        let device = json!({"tag": format!("NSD-{n:04}"), "serial": format!("PF{n:05}"), "category": "chromebook", "manufacturer": "Lenovo",
            "model": "Workbook 7", "sensitivity": "moderate", "site": "Central", "status": "in_service"});
        server.command("coordinator", "register_asset", device).taken();
    }
    let before = server.entries();
    let (mut scans, mut calls) = (0, 0);
    let mut command = |name: &str, who: &str, body: Value| {
        *(if name == "scan" { &mut scans } else { &mut calls }) += 1;
        server.command(who, name, body).taken()
    };
    let open = json!({"reference": "PU-300", "from_site": "Central", "to": server.parties["GreenLoop Recycling"], "to_site": "Akron",
        "carrier": "Hale Freight", "presets": {"reason": "end_of_support", "rung": "recycling", "rejected": rejected(), "media_type": "emmc"}});
    let id = Server::subject(&command("open_consignment", "coordinator", open), "Consignment");
    let authorized = command("authorize_consignment", "approver", json!({"consignment": id, "reference": "BOARD-2026-41"}));
    let authorized = &authorized["entries"][0]["seq"];
    for n in 0..DEVICES {
        // Every third is scanned by the maker's label, in another spelling than on record.
        let scan = if n % 3 == 0 { json!({"serial": format!("pf-{n:05}")}) } else { json!({"tag": format!("nsd-{n:04}")}) };
        let mut scan = scan;
        scan["consignment"] = json!(id);
        scan["container"] = json!(format!("PALLET-{}", n / 100 + 1));
        let receipt = command("scan", "coordinator", scan);
        let entries = receipt["entries"].as_array().unwrap();
        assert_eq!(entries.iter().map(|entry| entry["event"].as_str().unwrap()).collect::<Vec<_>>(), STEPS);
    }
    for pallet in 1..=3 {
        command(
            "record_container",
            "coordinator",
            json!({"consignment": id, "label": format!("PALLET-{pallet}"), "seal": format!("00487{pallet}"),
            "tare_weight_grams": 21_500, "gross_weight_grams": 151_500}),
        );
    }
    command(
        "add_quantity",
        "coordinator",
        json!({"consignment": id, "what": "charger", "count": 280, "unit_weight_grams": 210, "no_data": true, "container": "PALLET-3"}),
    );
    command("seal_consignment", "coordinator", json!({"consignment": id}));
    command("release_consignment", "coordinator", json!({"consignment": id, "driver": "TOUR-17"}));
    assert!(scans == DEVICES && calls <= 12, "{scans} scans and {calls} other calls");
    println!("{scans} scans and {calls} other calls");
    assert_eq!(server.entries() - before, u64::try_from(STEPS.len() * DEVICES + calls).unwrap());

    let shown = server.get("auditor", &format!("/api/v1/consignments/{id}?limit=200")).taken();
    let consignment = &shown["consignment"];
    assert_eq!((&consignment["status"], &consignment["kind"], &consignment["lines"]), (&json!("released"), &json!("pickup"), &json!(DEVICES + 1)));
    let devices = server.get("auditor", "/api/v1/assets?label=released&limit=200").taken();
    assert_eq!(devices["assets"].as_array().unwrap().len(), 200, "a full page of them");

    // Each device was authorised under what the approver decided for the pallet.
    let device = server.get("auditor", "/api/v1/assets?limit=1").taken()["assets"][0]["id"].as_str().unwrap().to_owned();
    let history = server.get("auditor", &format!("/api/v1/assets/{device}/entries?limit=50")).taken();
    let under = history["entries"].as_array().unwrap().iter().find(|entry| entry["event"] == "asset.surplus_authorized").unwrap();
    let entry = server.get("auditor", &format!("/ledger/entries/{}", under["seq"])).json();
    assert_eq!(&entry["data"]["consignment_authorized"], authorized, "{entry}");

    // The vendor's people have the same list; its SHA-256 is in the entry of the sealing, and in that of the release.
    let manifest = server.get("operator", &format!("/api/v1/consignments/{id}/manifest"));
    assert_eq!((manifest.status, manifest.header("content-type")), (200, "application/json"));
    let digest = hex(&sha256(&manifest.body));
    assert_eq!(manifest.header("etag"), format!("\"{digest}\""));
    for act in ["sealed", "released"] {
        let entry = server.get("auditor", &format!("/ledger/entries/{}", consignment[act]["seq"])).json();
        assert_eq!(entry["data"]["manifest"], json!(digest), "{entry}");
    }
    let list = manifest.json();
    assert_eq!((list["devices"].as_u64(), list["counted"].as_u64(), list["lines"].as_array().unwrap().len()), (Some(300), Some(280), DEVICES + 1));
    assert_eq!(list["containers"][2], json!({"label": "PALLET-3", "seal": "004873", "tare_weight_grams": 21_500, "gross_weight_grams": 151_500}));
    let csv = server.send("operator", "GET", &format!("/api/v1/consignments/{id}/manifest"), &[("Accept", "text/csv")], b"");
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.body, server.get("operator", &format!("/api/v1/consignments/{id}/manifest.csv")).body);
    let text = csv.text();
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows.len(), DEVICES + 2);
    let line = list["lines"].as_array().unwrap().iter().find(|line| line["name"] == "NSD-0000").unwrap();
    let row = rows.iter().find(|row| row.contains("NSD-0000")).unwrap();
    assert_eq!(*row, format!("PU-300,PALLET-1,004871,21500,151500,asset,NSD-0000,PF00000,Lenovo Workbook 7,,,{},{digest}", line["entry"]));
    server.get("stranger", &format!("/api/v1/consignments/{id}/manifest")).refused(404, "request.unknown");

    // What is received later changes the lines' state and not a byte of the list.
    let scans: Vec<Value> = (0..DEVICES).map(|n| json!({"tag": format!("NSD-{n:04}")})).collect();
    let containers: Vec<Value> = (1..=3).map(|n| json!({"label": format!("PALLET-{n}"), "seal_state": "intact"})).collect();
    server.command("operator", "receive_consignment", json!({"consignment": id, "containers": containers, "scans": scans})).taken();
    assert_eq!(server.get("operator", &format!("/api/v1/consignments/{id}/manifest")).body, manifest.body);
    let page = server.page("operator", &format!("/consignments/{id}")).text();
    for word in ["PALLET-1", "004871", "pickup by a vendor", "TOUR-17", &digest] {
        assert!(page.contains(word), "{word}");
    }
    server.audit();
}

#[test]
fn a_pickup_by_a_vendor_that_is_not_qualified_waits_for_its_credential_or_an_override() {
    let server = Server::start();
    let body = json!({"kind": "vendor", "name": "New Recycler", "sites": ["Dayton"]});
    let vendor = Server::subject(&server.command("administrator", "register_party", body).taken(), "Party");
    let release = |n: usize| {
        let device = json!({"tag": format!("Q-{n}"), "serial": format!("SQ{n}"), "category": "monitor", "manufacturer": "Dell", "model": "P24",
            "site": "Central", "status": "in_service"});
        server.command("coordinator", "register_asset", device).taken();
        let open = json!({"reference": format!("Q-{n}"), "from_site": "Central", "to": vendor, "to_site": "Dayton",
            "presets": {"reason": "end_of_life", "rung": "recycling", "rejected": rejected(), "no_storage": true}});
        let id = opened(&server, "coordinator", open);
        server.command("approver", "authorize_consignment", json!({"consignment": id, "reference": "BOARD-7"})).taken();
        server.command("coordinator", "scan", json!({"consignment": id, "tag": format!("Q-{n}")})).taken();
        server.command("coordinator", "seal_consignment", json!({"consignment": id, "containers": [{"label": "BOX"}]})).taken();
        (id.clone(), server.command("coordinator", "release_consignment", json!({"consignment": id})))
    };
    let (id, refused) = release(1);
    let problem = refused.refused(422, "vendors.not_qualified");
    assert_eq!(problem["missing"].as_array().unwrap().len(), 1, "{problem}");
    let grant = json!({"consignment": id, "guard": "vendor_qualification", "reason": "sole_provider", "reference": "BOARD-7"});
    let granted = server.command("approver", "grant_override", grant).taken();
    server.command("coordinator", "release_consignment", json!({"consignment": id})).taken();
    let page = server.page("auditor", &format!("/consignments/{id}")).text();
    assert!(page.contains("nobody else takes them") && page.contains("BOARD-7"), "{page}");
    let shown = server.get("auditor", &format!("/api/v1/consignments/{id}")).taken();
    let entry = server.get("auditor", &format!("/ledger/entries/{}", shown["consignment"]["released"]["seq"])).json();
    assert_eq!(entry["data"]["overridden"], granted["entries"][0]["seq"], "{entry}");

    release(2).1.refused(422, "vendors.not_qualified");
    let credential = json!({"party": vendor, "site": "Dayton", "scheme": "e_stewards", "number": "ES-1", "scope": ["materials_recovery"],
        "issued_on": "2020-01-01", "expires_on": "2100-01-01"});
    server.command("administrator", "record_credential", credential).taken();
    release(3).1.taken();
    let page = server.page("auditor", &format!("/vendors/{vendor}")).text();
    assert!(page.contains("e-Stewards") && page.contains("valid until 2100-01-01"), "{page}");
    assert!(server.page("auditor", "/vendors").text().contains("1 of 1 valid today"));
    server.audit();
}

#[test]
fn a_transfer_inside_the_organisation_takes_site_and_custody_along() {
    let server = Server::start();
    let district = server.parties["district"].clone();
    server.command("administrator", "add_site", json!({"party": district, "site": "Warehouse"})).taken();
    let device = json!({"tag": "MOVE-1", "serial": "SMOVE1", "category": "laptop", "manufacturer": "Dell", "model": "3190", "site": "Central",
        "status": "in_service"});
    let asset = Server::subject(&server.command("coordinator", "register_asset", device).taken(), "Asset");
    let id = opened(&server, "coordinator", json!({"reference": "MOVE", "from_site": "Central", "to": district, "to_site": "Warehouse"}));
    server.command("coordinator", "scan", json!({"consignment": id, "tag": "MOVE-1", "container": "CART-1"})).taken();
    server.command("coordinator", "seal_consignment", json!({"consignment": id, "containers": [{"label": "CART-1"}]})).taken();
    server.command("coordinator", "release_consignment", json!({"consignment": id})).taken();
    let receipt =
        json!({"consignment": id, "containers": [{"label": "CART-1", "seal_state": "missing"}], "scans": [{"tag": "MOVE-1", "serial": "SMOVE1"}]});
    server.command("coordinator", "receive_consignment", receipt).taken();
    let shown = server.get("auditor", &format!("/api/v1/assets/{asset}")).taken();
    assert_eq!((&shown["label"], &shown["asset"]["holder"]["site"]), (&json!("in_service"), &json!("Warehouse")), "{shown}");
    for who in ["operator", "stranger"] {
        assert_eq!(server.get(who, &format!("/api/v1/consignments/{id}")).status, 404, "{who}");
    }
    server.audit();
}
