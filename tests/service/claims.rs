//! A report whose claim cannot be true: it is stored and linked, and does not count; who has it is told what to ask for.

use serde_json::json;

use super::server::Server;
use super::story::{self, nwipe_log};

#[test]
fn work_before_the_medium_arrived_does_not_count() {
    let server = Server::start();
    let story = story::reconciled(&server);
    let first = &story.devices[0];
    // The vendor's own clock was right; the drive was still at school.
    let early = String::from_utf8(nwipe_log(&first.drive)).unwrap();
    let day = early.get(1..11).unwrap().to_owned();
    let early = early.replace(&day, "2026/01/06");
    let stored = server.send("operator", "POST", "/api/v1/evidence", &[], early.as_bytes()).taken();
    assert_eq!(stored["records"][0]["medium"], first.medium, "{stored}");
    assert_eq!((&stored["findings"][0]["code"], &stored["findings"][0]["weight"]), (&json!("claim.before_custody"), &json!("blocks")), "{stored}");
    let record = |sha256: &serde_json::Value| json!({"medium": first.medium, "technique": "nvme_sanitize_block", "evidence": sha256});
    let refused = server.command("operator", "record_sanitization", record(&stored["sha256"])).refused(422, "sanitization.claim_in_doubt");
    let detail = refused["detail"].as_str().unwrap();
    for words in [
        first.drive.as_str(),
        "2026-01-06T",
        "it came into the vendor's custody at",
        "Ask the vendor who held the medium",
        "us-k12-starter version 4",
    ] {
        assert!(detail.contains(words), "{words}: {detail}");
    }
    // The page says the same, to whoever is responsible and to the vendor.
    for who in ["operator", "coordinator"] {
        let page = server.page(who, &format!("/evidence/{}", stored["sha256"].as_str().unwrap())).text();
        assert!(page.contains("it came into the vendor&#39;s custody at") && page.contains("Ask the vendor who held the medium"), "{who}: {page}");
        assert!(page.contains("is purge by rule NV-2 of us-k12-starter version 4"), "{who}: {page}");
    }
    let right = server.send("operator", "POST", "/api/v1/evidence", &[], &nwipe_log(&first.drive)).taken();
    assert_eq!(right["findings"], json!([]), "{right}");
    server.command("operator", "record_sanitization", record(&right["sha256"])).taken();
    server.audit();
}
