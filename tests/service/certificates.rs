//! What a certificate's holder gets without an account, and what anyone can check.

use std::time::{Duration, Instant};

use quittance::proof::bundle::Bundle;
use quittance::proof::verify::{self, Trust, Verdict};
use serde_json::json;

use super::orders::prepare;
use super::server::Server;
use super::story::{self, outcome};

#[test]
fn a_holder_fetches_all_parts_and_checks_them_with_the_public_keys_alone() {
    let server = Server::start();
    let (_, number) = story::certified(&server);
    let fetch = |path: &str, kind: &str| {
        let answer = server.get("nobody", path);
        assert_eq!((answer.status, answer.header("content-type")), (200, kind), "{path}");
        answer.body
    };
    let did = fetch("/.well-known/did.json", "application/did+json");
    assert_eq!(fetch("/did.json", "application/did+json"), did);
    let vkey = String::from_utf8(fetch("/ledger/log.vkey", "text/plain; charset=utf-8")).unwrap();
    let trust = Trust::from_files(&did, &vkey).unwrap();
    let status = fetch("/status/1", "application/vc");
    let parts = server.get("auditor", &format!("/api/v1/certificates/{number}")).taken();
    let names: Vec<String> = parts["parts"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap().to_owned()).collect();
    assert!(names.len() > 10 && names.contains(&"certificate.pdf".to_owned()), "{names:?}");
    let files = names.iter().map(|name| (name.clone(), server.get("nobody", &format!("/certificates/{number}/{name}")).body));
    let report = verify::certificate(&Bundle::from_parts(files).unwrap(), &trust, Some(&status), None);
    assert_eq!(report.verdict, Verdict::AuthenticNotFullyChecked, "{report:?}");

    let credential = fetch(&format!("/certificates/{number}"), "application/vc");
    assert_eq!(fetch(&format!("/certificates/{number}/certificate.vc.json"), "application/vc"), credential);
    assert_eq!(
        fetch(&format!("/certificates/{}.pdf", number.to_lowercase()), "application/pdf"),
        fetch(&format!("/certificates/{number}/certificate.pdf"), "application/pdf")
    );
    fetch("/ns/quittance/v1", "application/ld+json");
    for path in ["/.well-known/did.json", "/ns/quittance/v1", "/status/1"] {
        assert_eq!(server.get("nobody", path).header("access-control-allow-origin"), "*", "{path}");
    }
    server.get("nobody", "/certificates/NSD-2026-0000-0000").refused(404, "request.unknown");
    server.get("nobody", &format!("/certificates/{number}/secret.txt")).refused(404, "request.unknown");
    server.get("nobody", &format!("/certificates/{number}/..%2f..%2fkeys%2flog.key")).refused(404, "request.unknown");
    server.get("stranger", &format!("/api/v1/certificates/{number}")).refused(404, "request.unknown");
    assert_eq!(server.get("stranger", "/api/v1/certificates").taken()["certificates"], json!([]));
    assert_eq!(server.get("operator", "/api/v1/certificates").taken()["certificates"].as_array().unwrap().len(), 1);
}

#[test]
fn a_device_that_was_lost_on_its_way_and_found_again_is_certified() {
    let server = Server::start();
    let body = json!({"tag": "LOST-1", "serial": "SLOST1", "category": "monitor", "manufacturer": "Dell", "model": "P2419H", "site": "Central"});
    let device = Server::subject(&server.command("coordinator", "register_asset", body).taken(), "Asset");
    server.command("coordinator", "attest_no_storage", json!({"asset": device, "basis": "model_has_none"})).taken();
    server.command("coordinator", "retire", json!({"asset": device, "reason": "end_of_life"})).taken();
    prepare(&server, &device);
    let open = json!({"reference": "P-LOST", "from_site": "Central", "to": server.parties["GreenLoop Recycling"], "to_site": "Akron"});
    let consignment = Server::subject(&server.command("coordinator", "open_consignment", open).taken(), "Consignment");
    server.command("coordinator", "add_lines", json!({"consignment": consignment, "assets": [device], "container": "BOX"})).taken();
    server.command("coordinator", "seal_consignment", json!({"consignment": consignment, "containers": [{"label": "BOX"}]})).taken();
    server.command("coordinator", "release_consignment", json!({"consignment": consignment})).taken();
    let empty = json!({"consignment": consignment, "containers": [{"label": "BOX", "seal_state": "intact"}], "scans": []});
    let short = Server::subject(&server.command("operator", "receive_consignment", empty).taken(), "Discrepancy");
    let lost = json!({"discrepancy": short, "resolution": "confirmed_missing", "reference": "INC-1"});
    server.command("approver", "resolve_discrepancy", lost).taken();
    server.command("coordinator", "report_found", json!({"asset": device, "site": "Central"})).taken();
    prepare(&server, &device);
    let mass = json!({"weight_grams": 5_500, "weight_basis": "scale", "recovered_grams": 5_000, "energy_grams": 300, "landfill_grams": 200});
    server.command("coordinator", "record_disposition", json!({"asset": device, "outcome": "recycled", "mass": mass})).taken();
    let issued = server.post("approver", "/api/v1/certificates", &json!({"asset": device})).taken();
    let address = format!("/certificates/{}/certificate.vc.json", issued["number"].as_str().unwrap());
    let credential = server.get("nobody", &address).json();
    // Its custody is known again from the day on which it was found: the release that nobody received lies before.
    assert_eq!(credential["credentialSubject"]["custody"]["handoffs"].as_array().map_or(0, Vec::len), 0, "{credential}");
    server.audit();
}

#[test]
fn a_certificate_says_what_an_approver_accepted_and_never_calls_it_purge() {
    let server = Server::start();
    let body = json!({"tag": "CB-9", "serial": "SCB9", "category": "chromebook", "manufacturer": "Lenovo", "model": "300e", "sensitivity": "moderate",
        "site": "Central", "media": [{"media_type": "emmc"}]});
    let registered = server.command("coordinator", "register_asset", body).taken();
    let (device, flash) = (Server::subject(&registered, "Asset"), Server::subject(&registered, "Medium"));
    server.command("coordinator", "retire", json!({"asset": device, "reason": "end_of_life"})).taken();
    prepare(&server, &device);
    let open = json!({"reference": "P-CB", "from_site": "Central", "to": server.parties["GreenLoop Recycling"], "to_site": "Akron"});
    let consignment = Server::subject(&server.command("coordinator", "open_consignment", open).taken(), "Consignment");
    server.command("coordinator", "add_lines", json!({"consignment": consignment, "assets": [device], "container": "BOX"})).taken();
    server.command("coordinator", "seal_consignment", json!({"consignment": consignment, "containers": [{"label": "BOX"}]})).taken();
    server.command("coordinator", "release_consignment", json!({"consignment": consignment})).taken();
    let receipt =
        json!({"consignment": consignment, "containers": [{"label": "BOX", "seal_state": "intact"}], "scans": [{"tag": "CB-9", "serial": "SCB9"}]});
    server.command("operator", "receive_consignment", receipt).taken();
    let log = server.send("operator", "POST", "/api/v1/evidence", &[], b"SCB9 was reset").taken();
    let reset = json!({"medium": flash, "technique": "factory_reset", "evidence": log["sha256"],
        "statement": {"completed_without_error": true, "account_removed": true}});
    server.command("operator", "record_sanitization", reset).taken();
    server.command("verifier", "verify_sanitization", json!({"medium": flash})).taken();
    server.command("approver", "validate_sanitization", json!({"medium": flash})).taken();
    let mass = json!({"weight_grams": 1_400, "weight_basis": "scale", "recovered_grams": 1_200, "energy_grams": 100, "landfill_grams": 100});
    let recycled = json!({"asset": device, "outcome": "recycled", "mass": mass});
    let problem = server.command("operator", "record_disposition", recycled.clone()).refused(422, "disposition.data_not_gone");
    assert!(problem["detail"].as_str().unwrap().contains("three ways are open"), "{problem}");
    let accept = json!({"media": [flash], "technique": "factory_reset", "destination": "materials_recovery", "rationale": "always_encrypted",
        "reference": "RISK-7"});
    server.command("approver", "accept_residual_risk", accept).taken();
    server.command("operator", "record_disposition", recycled).taken();
    let issued = server.post("approver", "/api/v1/certificates", &json!({"asset": device})).taken();
    let number = issued["number"].as_str().unwrap();
    let credential = server.get("nobody", &format!("/certificates/{number}/certificate.vc.json")).json();
    let subject = &credential["credentialSubject"];
    assert_eq!((&subject["policy"]["adopted"], &subject["policy"]["adoptionReference"]), (&json!(true), &json!("BOARD-0")), "{credential}");
    let sanitization = &subject["media"][0]["sanitization"];
    assert_eq!(sanitization["method"], "clear", "{credential}");
    assert!(sanitization["residualRisk"].as_str().unwrap().contains("RISK-7"), "{credential}");
    server.audit();
}

#[test]
fn an_altered_certificate_is_told_from_a_genuine_one() {
    let server = Server::start();
    let (_, number) = story::certified(&server);
    let check = |file: &[u8]| server.send("nobody", "POST", "/api/v1/verifications", &[], file).taken();
    let pdf = server.get("nobody", &format!("/certificates/{number}.pdf")).body;
    let mut appended = pdf.clone();
    appended.extend_from_slice(b"\n1 0 obj\n<<>>\nendobj\n");
    assert_eq!(check(&appended)["exitCode"], 1);
    let text = server.get("nobody", &format!("/certificates/{number}")).text();
    let report = check(text.as_bytes());
    assert_eq!(
        (&report["verdict"], outcome(&report, "credential_signature"), outcome(&report, "inclusion")),
        (&json!("authentic_not_fully_checked"), "passed", "not_run")
    );
    let report = check(text.replace("CB-00001", "CB-00009").as_bytes());
    assert_eq!((&report["verdict"], outcome(&report, "credential_signature")), (&json!("refused"), "failed"));
    for junk in [&b""[..], b"hello", b"%PDF-1.7\n", b"{}"] {
        let report = check(junk);
        assert!(report["exitCode"] == 1 || report["exitCode"] == 2, "{report}");
    }
    server.send("nobody", "POST", "/api/v1/verifications", &[], &vec![b' '; (32 << 20) + 1]).refused(413, "request.too_large");
}

#[test]
fn a_checkpoint_covers_what_was_recorded_within_seconds() {
    let server = Server::start();
    let device = story::register(&server, 1);
    let seq = server.get("auditor", &format!("/api/v1/assets/{}/entries", device.id)).taken()["entries"][0]["seq"].as_u64().unwrap();
    let started = Instant::now();
    let proof = loop {
        let answer = server.get("nobody", &format!("/ledger/proof/{seq}"));
        if answer.status == 200 {
            break answer.text();
        }
        answer.refused(404, "request.unknown");
        assert!(started.elapsed() < Duration::from_secs(10), "no checkpoint");
        std::thread::sleep(Duration::from_millis(50));
    };
    let did = server.get("nobody", "/.well-known/did.json").body;
    let trust = Trust::from_files(&did, &server.get("nobody", "/ledger/log.vkey").text()).unwrap();
    let entry = server.get("auditor", &format!("/ledger/entries/{seq}"));
    assert_eq!(entry.header("content-type"), "application/json");
    let report = verify::ledger_entry(&entry.body, Some(proof.as_bytes()), &trust);
    assert_eq!(report.verdict, Verdict::Authentic, "{report:?}");
    assert!(server.get("nobody", "/ledger/checkpoint").text().starts_with("localhost:8080/ledger\n"));
    server.get("nobody", &format!("/ledger/entries/{seq}")).refused(401, "session.signed_out");
    server.get("nobody", "/ledger/proof/999999").refused(404, "request.unknown");
    assert_eq!(server.get("nobody", "/healthz").text(), "ok\n");
    let head = server.send("nobody", "HEAD", "/healthz", &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
}
