//! Entries that were wrong, and what people sign with keys of their own: both through the door, and found by whoever checks.

use std::fs;
use std::path::Path;

use quittance::proof::entry::Entry;
use quittance::store::log;
use serde_json::{Value, json};

use super::command_line;
use super::orders::{Vendor, Yard};
use super::server::Server;

#[test]
fn a_certificate_that_relied_on_a_corrected_entry_is_revoked_in_the_same_act() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let (number, thing, _) = yard.certified(Vendor::GreenLoop);
    let before = server.entries();
    let body = json!({"medium": thing.medium, "reason": "wrong_thing"});
    server.command("coordinator", "void_sanitization", body.clone()).refused(403, "command.wrong_role");
    let receipt = server.command("approver", "void_sanitization", body).taken();
    let events: Vec<&str> = receipt["entries"].as_array().unwrap().iter().map(|entry| entry["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["entry.corrected", "media.sanitization_voided", "disposition.voided", "certificate.revoked"]);
    let entry = |seq: u64| Entry::parse(&log::entry(&mut server.service.app.read().unwrap(), seq).unwrap().unwrap()).unwrap().frame().clone();
    let (declared, revoked) = (entry(before), entry(before + 3));
    assert_eq!(declared.batch.unwrap().id, revoked.batch.as_ref().unwrap().id);
    assert_eq!((revoked.batch.unwrap().of, &revoked.data["reason"]), (Some(4), &json!("entry_corrected")));

    // Whoever checks is told at once, and both entries stand in the record of the device, the old one marked.
    let shown = server.get("auditor", &format!("/api/v1/certificates/{number}")).taken();
    assert_eq!(shown["certificate"]["revoked"], "entry_corrected", "{shown}");
    let pdf = server.get("nobody", &format!("/certificates/{number}.pdf")).body;
    let checked = server.send("nobody", "POST", "/api/v1/verifications", &[], &pdf).taken();
    assert_eq!(checked["exitCode"], 1, "{checked}");
    let asset = server.get("auditor", &format!("/api/v1/assets/{}", thing.asset)).taken();
    assert_eq!((&asset["label"], &asset["asset"]["disposition"]), (&json!("reconciled"), &Value::Null));
    assert_eq!(asset["media"][0]["corrected"][0]["seq"], declared.data["seq"]);
    let told = server.get("auditor", &format!("/api/v1/assets/{}/entries?limit=200", thing.asset)).taken();
    let old = told["entries"].as_array().unwrap().iter().find(|entry| entry["seq"] == declared.data["seq"]).unwrap();
    assert_eq!((&old["event"], &old["corrected_by"]), (&json!("media.sanitized"), &json!(before)));
    let page = server.page("auditor", &format!("/assets/{}", thing.asset.trim_start_matches("urn:uuid:"))).text();
    assert!(page.contains("Corrected by") && page.contains("data may be on the medium"), "{page}");

    // A new wipe, and a new certificate.
    let evidence = yard.evidence(Vendor::GreenLoop, "operator", &thing);
    server
        .command("operator", "record_sanitization", json!({"medium": thing.medium, "technique": "nvme_sanitize_block", "evidence": evidence}))
        .taken();
    server.command("verifier", "verify_sanitization", json!({"medium": thing.medium})).taken();
    server.command("approver", "validate_sanitization", json!({"medium": thing.medium})).taken();
    let mass = json!({"weight_grams": 1_480, "weight_basis": "scale"});
    server.command("operator", "record_disposition", json!({"asset": thing.asset, "outcome": "resold", "mass": mass, "title": "INVOICE-8"})).taken();
    server.post("approver", "/api/v1/certificates", &json!({"asset": thing.asset})).taken();
    server.audit();
}

#[test]
fn a_corrected_tag_is_listed_and_the_one_before_is_still_found() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let thing = yard.retired_one(Vendor::GreenLoop);
    let other = yard.retired_one(Vendor::GreenLoop);
    let consignment = yard.released(Vendor::GreenLoop, &other);
    let correct =
        |asset: &str, tag: &str| server.command("approver", "correct_registration", json!({"asset": asset, "reason": "misread", "tag": tag}));
    correct(&thing.asset, &other.tag).refused(422, "registration.tag_taken");
    correct(&other.asset, "RIGHT-1").refused(422, "correction.in_transit");
    correct(&thing.asset, "RIGHT-1").taken();
    let found = |who: &str, q: &str| -> Vec<String> {
        let list = server.get(who, &format!("/api/v1/assets?q={q}")).taken();
        list["assets"].as_array().unwrap().iter().map(|asset| asset["tag"].as_str().unwrap().to_owned()).collect()
    };
    for q in [thing.tag.as_str(), "RIGHT-1", &thing.tag[..6], &thing.tag[3..], "IGHT-"] {
        assert!(found("auditor", q).contains(&"RIGHT-1".to_owned()), "{q}: {:?}", found("auditor", q));
    }
    let listed = server.get("auditor", "/api/v1/assets?limit=200").taken().to_string();
    assert!(listed.contains("\"RIGHT-1\""), "{listed}");
    let page = server.page("auditor", &format!("/assets/{}", thing.asset.trim_start_matches("urn:uuid:"))).text();
    assert!(page.contains("Recorded before under the tag") && page.contains(&thing.tag), "{page}");
    // The list that left says what was handed over, whatever is corrected later.
    server
        .command(
            "operator",
            "receive_consignment",
            json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": [{"tag": other.tag}]}),
        )
        .taken();
    correct(&other.asset, &thing.tag).taken();
    assert!(server.get("operator", &format!("/api/v1/consignments/{consignment}")).taken().to_string().contains(&other.tag));
    assert_eq!(found("operator", &other.tag), std::slice::from_ref(&thing.tag));
    server.audit();
}

fn quittance(arguments: &[&str]) -> (i32, String, String) {
    command_line::said(&command_line::quittance(arguments).output().unwrap())
}

fn sign(folder: &Path, key: &str, statement: &Value) -> Value {
    let path = folder.join("statement.json");
    fs::write(&path, statement.to_string()).unwrap();
    let (code, out, errors) = quittance(&["sign", path.to_str().unwrap(), "--key", key]);
    assert_eq!(code, 0, "{errors}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn what_a_party_signs_with_its_own_key_stands_in_the_entry_and_is_checked() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let folder = tempfile::tempdir().unwrap();
    let (key, other) = (folder.path().join("own.key"), folder.path().join("other.key"));
    let (key, other) = (key.to_str().unwrap(), other.to_str().unwrap());
    let (code, registration, told) = quittance(&["sign", "--new", "--key", key]);
    assert_eq!(code, 0, "{told}");
    let registration: Value = serde_json::from_str(&registration).unwrap();
    let did = registration["key"].as_str().unwrap();
    assert!(told.contains(did) && quittance(&["sign", "--new", "--key", key]).2.contains("exists already"), "{told}");

    // Only who has the key can register it.
    let mut bare = registration.clone();
    bare.as_object_mut().unwrap().remove("signed");
    server.command("operator", "register_key", bare).refused(422, "own_keys.no_possession");
    let mut altered = registration.clone();
    altered["signed"]["when"] = json!("2026-01-01T00:00:00.000Z");
    server.command("operator", "register_key", altered).refused(422, "signed.not_proven");
    server.command("operator", "register_key", registration.clone()).taken();
    server.command("stranger", "register_key", registration.clone()).refused(422, "own_keys.known");
    let parties = server.get("auditor", "/api/v1/parties").taken();
    assert!(parties.to_string().contains(did), "{parties}");

    let thing = yard.retired_one(Vendor::GreenLoop);
    let consignment = yard.released(Vendor::GreenLoop, &thing);
    let says = json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": [{"tag": thing.tag, "serial": thing.serial}]});
    let when = quittance::app::now().text();
    let statement = json!({"what": "receive_consignment", "when": when, "says": says});
    let signed = sign(folder.path(), key, &statement);
    assert_eq!((&signed["about"], &signed["proof"]["cryptosuite"]), (&json!(consignment), &json!("eddsa-jcs-2022")));
    let with = |says: &Value, signed: &Value, when: &str| {
        let mut body = says.clone();
        body["signed"] = signed.clone();
        body["occurred"] = json!(when);
        body
    };
    let receive = |body: Value| server.command("operator", "receive_consignment", body);
    let mut says_less = says.clone();
    says_less["scans"] = json!([]);
    let refused = receive(with(&says_less, &signed, &when)).refused(422, "signed.differs");
    assert!(refused["detail"].as_str().unwrap().contains("not the body that you send"), "{refused}");
    receive(with(&says, &signed, "2026-11-01T00:00:00Z")).refused(422, "signed.differs");
    let mut altered = signed.clone();
    altered["says"] = says_less.clone();
    receive(with(&says_less, &altered, &when)).refused(422, "signed.not_proven");
    receive(with(&says, &json!("x"), &when)).refused(422, "signed.malformed");
    quittance(&["sign", "--new", "--key", other]);
    receive(with(&says, &sign(folder.path(), other, &statement), &when)).refused(422, "own_keys.not_live");
    let wrong = sign(folder.path(), key, &json!({"what": "release_consignment", "when": when, "says": says}));
    receive(with(&says, &wrong, &when)).refused(422, "signed.differs");

    let receipt = receive(with(&says, &signed, &when)).taken();
    let seq = receipt["entries"][0]["seq"].as_u64().unwrap();
    let bytes = server.get("operator", &format!("/ledger/entries/{seq}")).body;
    let entry: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(entry["data"]["signed"], signed);
    assert!(receipt["entries"].as_array().unwrap().len() > 1);
    let page = server.page("auditor", &format!("/consignments/{}", consignment.trim_start_matches("urn:uuid:"))).text();
    assert_eq!(page.matches("signed with own key").count(), 1, "{page}");

    // The auditor's program checks it; an entry without says nothing of it.
    let keys = folder.path().join("trust");
    fs::create_dir(&keys).unwrap();
    fs::write(keys.join("did.json"), server.get("nobody", "/did.json").body).unwrap();
    fs::write(keys.join("log.vkey"), server.get("nobody", "/ledger/log.vkey").body).unwrap();
    let verify = |seq: u64| {
        let path = folder.path().join("entry.json");
        fs::write(&path, server.get("auditor", &format!("/ledger/entries/{seq}")).body).unwrap();
        quittance(&["verify", path.to_str().unwrap(), "--trust", keys.to_str().unwrap()])
    };
    let (code, said, _) = verify(seq);
    assert!(code == 3 && said.contains(&format!("signed with own key {did}")), "{code} {said}");
    assert!(!verify(seq + 1).1.contains("own key"));

    // What is signed after the revocation is not taken; what was signed before stays good.
    server.command("operator", "revoke_key", json!({"key": did})).taken();
    let says = json!({"asset": thing.asset, "basis": "removed"});
    let signed = sign(folder.path(), key, &json!({"what": "record_media", "when": when, "says": says}));
    server.command("operator", "record_media", with(&json!({"asset": thing.asset, "media": []}), &signed, &when)).refused(422, "signed.differs");
    let media = json!({"asset": thing.asset, "media": [{"serial": "OWNDRV1", "media_type": "hdd_ata"}]});
    let signed = sign(folder.path(), key, &json!({"what": "record_media", "when": when, "says": media}));
    server.command("operator", "record_media", with(&media, &signed, &when)).refused(422, "own_keys.not_live");
    server.audit();
}
