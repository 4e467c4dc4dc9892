//! A pallet of three drives from registration to certificates, one of them short and one with another serial on arrival.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::orders::prepare;
use super::server::Server;

/// One device of the story.
pub struct Device {
    pub id: String,
    pub tag: String,
    pub serial: String,
    pub drive: String,
    pub medium: String,
}

pub struct Story {
    pub devices: Vec<Device>,
    pub consignment: String,
}

/// When the tests began.
static STARTED: LazyLock<DateTime<Utc>> = LazyLock::new(Utc::now);

/// The log of a wiped drive, as nwipe writes it.
pub fn nwipe_log(drive: &str) -> Vec<u8> {
    // Of today: what was sanitized before it arrived does not count. The same for one run, so that a file is what it was.
    let day = STARTED.format("%Y/%m/%d %H:%M");
    format!(
        "[{day}:00]    info: nwipe 0.42\n\
         [{day}:00]  notice: Found /dev/nvme0n1,  NVME   , KBG40ZNS256G NVMe KIOXIA 256GB,  256 GB, S/N={drive}\n\
         [{day}:00]    info: /dev/nvme0n1, sector(logical)/block(physical) sizes 512/4096\n\
         [{day}:00]    info: /dev/nvme0: issuing SANITIZE sanact=2\n\
         [{day}:00]    info: /dev/nvme0: SANITIZE command accepted (sanact=2)\n\
         [{day}:09]    info: /dev/nvme0: SANITIZE action 'Block Erase' was successful.\n"
    )
    .into_bytes()
}

pub fn register(server: &Server, n: u32) -> Device {
    let (tag, serial, drive) = (format!("CB-{n:05}"), format!("5CG94{n:05}"), format!("Z9LX{n:05}"));
    let receipt = server
        .command(
            "coordinator",
            "register_asset",
            json!({"tag": tag, "serial": serial, "category": "laptop", "manufacturer": "Lenovo", "model": "ThinkPad L14", "sensitivity": "moderate",
                   "site": "Lincoln High", "status": "in_service",
                   "media": [{"serial": drive, "media_type": "ssd_nvme", "capacity_bytes": 256_060_514_304u64}]}),
        )
        .taken();
    Device { id: Server::subject(&receipt, "Asset"), medium: Server::subject(&receipt, "Medium"), tag, serial, drive }
}

/// Registered, retired, on the pallet, released.
pub fn released(server: &Server) -> Story {
    let devices: Vec<Device> = (1..=3).map(|n| register(server, n)).collect();
    for device in &devices {
        server.command("coordinator", "retire", json!({"asset": device.id, "reason": "end_of_support", "occurred": "2026-01-05T08:00:00Z"})).taken();
        prepare(server, &device.id);
    }
    let open = json!({"reference": "P-2026-041", "from_site": "Central", "to": server.parties["GreenLoop Recycling"], "to_site": "Akron", "carrier": "Hale Freight"});
    let consignment = Server::subject(&server.command("coordinator", "open_consignment", open).taken(), "Consignment");
    let assets: Vec<&str> = devices.iter().map(|device| device.id.as_str()).collect();
    server.command("coordinator", "add_lines", json!({"consignment": consignment, "assets": assets, "container": "PALLET-1"})).taken();
    let containers = json!([{"label": "PALLET-1", "seal": "004871", "gross_weight_grams": 18_500}]);
    server.command("coordinator", "seal_consignment", json!({"consignment": consignment, "containers": containers})).taken();
    server.command("coordinator", "release_consignment", json!({"consignment": consignment})).taken();
    Story { devices, consignment }
}

/// The vendor finds the first as listed, the second not at all, the third with another serial.
pub fn received(server: &Server) -> Story {
    let story = released(server);
    let [first, _, third] = &story.devices[..] else { panic!("three devices") };
    let scans = json!([{"tag": first.tag, "serial": first.serial}, {"tag": third.tag, "serial": "PF3XBB1"}]);
    let containers = json!([{"label": "PALLET-1", "seal_state": "intact", "gross_weight_grams": 18_450}]);
    let receive = json!({"consignment": story.consignment, "containers": containers, "scans": scans});
    server.command("operator", "receive_consignment", receive).taken();
    story
}

/// Both discrepancies resolved.
pub fn reconciled(server: &Server) -> Story {
    let story = received(server);
    resolved(server, &story.consignment);
    story
}

/// What is short is found at the receiver's, and everything else was a scanning error.
pub fn resolved(server: &Server, consignment: &str) {
    let answer = server.get("approver", &format!("/api/v1/consignments/{consignment}")).taken();
    for discrepancy in answer["discrepancies"].as_array().unwrap() {
        let resolution = if discrepancy["kind"] == "short" { "located_at_receiver" } else { "scan_error" };
        let mut resolve = json!({"discrepancy": discrepancy["id"], "resolution": resolution, "reference": "CASE-17"});
        if resolution == "located_at_receiver" {
            resolve["document"] = server.send("operator", "POST", "/api/v1/evidence", &[], b"found in bay 7").taken()["sha256"].clone();
        }
        server.command("approver", "resolve_discrepancy", resolve).taken();
    }
}

/// Purged by its own command, verified and validated, each by another person.
pub fn wiped(server: &Server, device: &Device) {
    let evidence = server.send("operator", "POST", "/api/v1/evidence", &[], &nwipe_log(&device.drive)).taken();
    assert_eq!(evidence["records"][0]["medium"], json!(device.medium), "{evidence}");
    let record = json!({"medium": device.medium, "technique": "nvme_sanitize_block", "evidence": evidence["sha256"]});
    server.command("operator", "record_sanitization", record).taken();
    server.command("verifier", "verify_sanitization", json!({"medium": device.medium})).taken();
    server.command("approver", "validate_sanitization", json!({"medium": device.medium})).taken();
}

pub fn sanitized(server: &Server, device: &Device) {
    wiped(server, device);
    let mass = json!({"weight_grams": 1_480, "weight_basis": "scale"});
    server.command("operator", "grade", json!({"asset": device.id, "cosmetic": 7, "functional": 5})).taken();
    let sold = json!({"asset": device.id, "outcome": "resold", "mass": mass, "title": "INVOICE-7"});
    server.command("operator", "record_disposition", sold).taken();
}

/// The first device certified; its number.
pub fn certified(server: &Server) -> (Story, String) {
    let story = reconciled(server);
    sanitized(server, &story.devices[0]);
    let issued = server.post("approver", "/api/v1/certificates", &json!({"asset": story.devices[0].id})).taken();
    let number = issued["number"].as_str().unwrap().to_owned();
    (story, number)
}

pub fn outcome<'a>(report: &'a Value, check: &str) -> &'a str {
    report["checks"].as_array().unwrap().iter().find(|row| row["check"] == check).map_or("absent", |row| row["outcome"].as_str().unwrap())
}

#[test]
fn a_device_goes_from_registration_to_a_certificate_that_can_be_revoked() {
    let server = Server::start();
    let (story, number) = certified(&server);
    let device = &story.devices[0];

    let shown = server.get("coordinator", &format!("/api/v1/assets/{}", device.id)).taken();
    assert_eq!((&shown["label"], &shown["phase"], &shown["asset"]["certificate"]), (&json!("disposed"), &json!("disposed"), &json!(number)));
    assert_eq!(shown["media"][0]["state"], "purged");
    let entries = server.get("coordinator", &format!("/api/v1/assets/{}/entries?limit=200", device.id)).taken();
    let events: Vec<&str> = entries["entries"].as_array().unwrap().iter().map(|entry| entry["event"].as_str().unwrap()).collect();
    let expected = [
        "asset.registered",
        "media.recorded",
        "asset.retired",
        "asset.evaluated",
        "asset.surplus_authorized",
        "asset.accounts_released",
        "consignment.line_added",
        "consignment.released",
        "consignment.line_received",
        "consignment.reconciled",
        "evidence.linked",
        "media.sanitized",
        "media.verified",
        "media.validated",
        "asset.graded",
        "disposition.recorded",
        "certificate.issued",
    ];
    assert_eq!(events, expected);

    let pdf = server.get("nobody", &format!("/certificates/{number}.pdf"));
    assert_eq!((pdf.status, pdf.header("content-type")), (200, "application/pdf"));
    let verify = || server.send("nobody", "POST", "/api/v1/verifications", &[], &pdf.body).taken();
    let report = verify();
    assert_eq!((report["verdict"].as_str(), report["exitCode"].as_u64()), (Some("authentic"), Some(0)), "{report}");
    assert_eq!((outcome(&report, "pages"), outcome(&report, "status_now"), outcome(&report, "inclusion")), ("passed", "passed", "passed"));

    let path = format!("/api/v1/certificates/{number}/revocations");
    server.post("coordinator", &path, &json!({"reason": "evidence_disputed"})).refused(403, "command.wrong_role");
    server.post("approver", &path, &json!({"reason": "evidence_disputed"})).taken();
    server.post("approver", &path, &json!({"reason": "evidence_disputed"})).refused(422, "certification.revoked");
    let report = verify();
    assert_eq!((report["verdict"].as_str(), report["exitCode"].as_u64()), (Some("refused"), Some(1)), "{report}");
    assert_eq!(
        (outcome(&report, "status_now"), outcome(&report, "inclusion"), outcome(&report, "credential_signature")),
        ("failed", "passed", "passed")
    );
    assert_eq!(report["revocation"]["reason"], "evidence_disputed");
    server.audit();
}

#[test]
fn what_differs_at_the_receipt_is_held_until_an_approver_resolves_it() {
    let server = Server::start();
    let story = received(&server);
    let answer = server.get("operator", &format!("/api/v1/consignments/{}", story.consignment)).taken();
    let states: Vec<&str> = answer["lines"].as_array().unwrap().iter().map(|line| line["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["received", "short", "mismatch"]);
    assert_eq!(answer["consignment"]["open_discrepancies"].as_array().unwrap().len(), 2);
    let held = &story.devices[2];
    server.command("operator", "record_sanitization", json!({"medium": held.medium, "technique": "shred"})).refused(422, "sanitization.held");
    let discrepancy = &answer["discrepancies"][0]["id"];
    let resolve = json!({"discrepancy": discrepancy, "resolution": "scan_error", "reference": "CASE-17"});
    server.command("operator", "resolve_discrepancy", resolve).refused(403, "command.wrong_role");
    server.audit();
}

#[test]
fn a_refusal_lists_everything_that_is_missing() {
    let server = Server::start();
    let story = reconciled(&server);
    let device = &story.devices[0];
    let problem = server.post("approver", "/api/v1/certificates", &json!({"asset": device.id})).refused(422, "certification.not_supported");
    let missing = problem["missing"].as_array().unwrap();
    assert_eq!(missing.len(), 2, "{problem}");
    assert!(
        missing.iter().any(|what| what.as_str().unwrap().contains("disposition"))
            && missing.iter().any(|what| what.as_str().unwrap().contains("sanitization")),
        "{problem}"
    );
    let shown = server.get("operator", &format!("/api/v1/assets/{}", device.id)).taken();
    assert_eq!(&shown["missing"], &problem["missing"]);

    let evidence = server.send("operator", "POST", "/api/v1/evidence", &[], &nwipe_log("Z9LX99999")).taken();
    assert!(evidence["records"][0]["not_linked"].as_str().unwrap().contains("Z9LX99999"), "{evidence}");
    let record = json!({"medium": device.medium, "technique": "nvme_sanitize_block", "evidence": evidence["sha256"]});
    server.command("operator", "record_sanitization", record).refused(422, "sanitization.other_medium");
    let again = server.send("operator", "POST", "/api/v1/evidence", &[], &nwipe_log("Z9LX99999")).taken();
    assert_eq!((&again["already_stored"], again["entries"].as_array().unwrap().len()), (&json!(true), 0));
    server.audit();
}

#[test]
fn an_inventory_is_tried_out_and_then_taken_in_once() {
    let server = Server::start();
    let csv = std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inventories/snipe-it/asset_list.csv")).unwrap();
    let import = |who: &str, query: &str| server.send(who, "POST", &format!("/api/v1/imports{query}"), &[("Content-Type", "text/csv")], &csv);
    import("auditor", "?dry_run=true").refused(403, "command.wrong_role");
    import("nobody", "").refused(401, "session.signed_out");
    let tried = import("coordinator", "?dry_run=true&sensitivity=moderate").taken();
    let would = tried["registered"].as_u64().unwrap();
    assert!(would > 0 && tried["first_seq"].is_null(), "{tried}");
    let taken = import("administrator", "?sensitivity=moderate").taken();
    assert_eq!(taken["registered"].as_u64(), Some(would), "{taken}");
    let again = import("coordinator", "?sensitivity=moderate").taken();
    assert_eq!((again["registered"].as_u64(), again["unchanged"].as_u64()), (Some(0), Some(would)), "{again}");
    import("coordinator", "?sensitivity=secret").refused(422, "names.unknown_code");
    server.audit();
}

#[test]
fn many_write_at_once_and_every_answer_is_kept() {
    let server = Server::start();
    let register = &|n: u32| register(&server, n).tag;
    let tags: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..16).map(|thread| scope.spawn(move || (0..10).map(|n| register(1_000 + thread * 10 + n)).collect::<Vec<_>>())).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let listed = server.get("auditor", "/api/v1/assets?limit=200").taken();
    let listed: Vec<&str> = listed["assets"].as_array().unwrap().iter().map(|asset| asset["tag"].as_str().unwrap()).collect();
    assert_eq!(tags.len(), 160);
    assert!(tags.iter().all(|tag| listed.contains(&tag.as_str())));
    // Of many that want the same tag, one gets it.
    let device = || json!({"tag": "SAME", "category": "dock", "manufacturer": "Lenovo", "model": "Dock", "site": "Central"});
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| server.command("coordinator", "register_asset", device()).status)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|status| **status == 201).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|status| **status == 422).count(), 15, "{answers:?}");
    server.audit();
}
