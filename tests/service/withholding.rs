//! Withholding: a file that holds personal data loses its bytes by two people with a reason; its digest, what was read from it and their acts stay.

use std::sync::atomic::Ordering;

use quittance::domain::names::Digest;
use quittance::operations::{audit_ledger, finish_work};
use quittance::proof::digest::{hex, sha256};
use serde_json::{Value, json};

use super::orders::{Vendor, Yard};
use super::server::{Answer, Server};
use super::story::nwipe_log;

const FORM: [(&str, &str); 1] = [("Content-Type", "application/x-www-form-urlencoded")];

fn upload(server: &Server, who: &str, bytes: &[u8]) -> Answer {
    server.send(who, "POST", "/api/v1/evidence", &[], bytes)
}

fn audited(server: &Server) -> audit_ledger::Report {
    audit_ledger::audit(&server.service.app, &mut server.service.app.connect().unwrap(), |_, _| ()).unwrap()
}

fn seq(receipt: &Value) -> u64 {
    receipt["entries"][0]["seq"].as_u64().unwrap()
}

/// The bytes of a file, proposed by a coordinator and withheld by an approver; the two entries.
fn withheld(server: &Server, sha256: &str) -> (u64, u64) {
    let proposal = json!({"sha256": sha256, "reason": "personal_data", "reference": "CASE-7"});
    let proposed = server.command("coordinator", "propose_withholding", proposal).taken();
    let confirmed = server.command("approver", "withhold_evidence", json!({"sha256": sha256})).taken();
    (seq(&proposed), seq(&confirmed))
}

/// Where the bytes of a stored file are.
fn file_of(server: &Server, digest: &Digest) -> std::path::PathBuf {
    server.service.app.data.join("files").join(&digest.as_str()[..2]).join(digest.as_str())
}

#[test]
fn two_people_withhold_the_bytes_and_the_record_keeps_the_rest() {
    let server = Server::start();
    let yard = Yard::new(&server);
    // A certificate rests on this log, and it names somebody.
    let (number, thing, evidence) = yard.certified(Vendor::GreenLoop);
    let bytes = nwipe_log(&thing.drive);
    assert_eq!(hex(&sha256(&bytes)), evidence);
    let (digest, page) = (Digest::parse(&evidence).unwrap(), format!("/evidence/{evidence}"));
    let file = file_of(&server, &digest);
    let before = audited(&server);

    let it = json!({"sha256": evidence});
    let proposal = json!({"sha256": evidence, "reason": "personal_data", "reference": "CASE-7"});
    let problem = server.command("approver", "withhold_evidence", it.clone()).refused(422, "withholding.not_proposed");
    assert!(problem["detail"].as_str().unwrap().contains("an approver who is another one confirms it"), "{problem}");
    for who in ["operator", "auditor", "contact"] {
        server.command(who, "propose_withholding", proposal.clone()).refused(403, "command.wrong_role");
    }
    let unknown = json!({"sha256": "0".repeat(64), "reason": "personal_data"});
    server.command("coordinator", "propose_withholding", unknown).refused(422, "withholding.unknown_file");

    // Whoever proposes it does not confirm it.
    server.command("approver", "propose_withholding", proposal.clone()).taken();
    let problem = server.command("approver", "withhold_evidence", it.clone()).refused(422, "withholding.same_person");
    assert!(problem["detail"].as_str().unwrap().contains("another person who is an approver must confirm it"), "{problem}");
    server.command("administrator", "withdraw_withholding", it.clone()).taken();
    assert!(file.exists());
    assert_eq!(server.get("operator", &format!("/api/v1/evidence/{evidence}")).body, bytes);

    let (proposed, confirmed) = withheld(&server, &evidence);
    assert!(!file.exists());
    let entry = server.get("auditor", &format!("/ledger/entries/{confirmed}")).json();
    assert_eq!(entry["event"], "evidence.withheld");
    assert_eq!((&entry["data"]["proposal"], &entry["data"]["reason"]), (&json!(proposed), &json!("personal_data")), "{entry}");

    // Whoever might see it is told who, when and why; whoever might not learns nothing.
    for who in ["auditor", "operator"] {
        let problem = server.get(who, &format!("/api/v1/evidence/{evidence}")).refused(410, "evidence.withheld");
        let detail = problem["detail"].as_str().unwrap();
        for words in ["Bytes withheld", "personal data", "CASE-7", &format!("Entry {confirmed} of"), "Northfield School District (approver)"] {
            assert!(detail.contains(words), "{words}: {detail}");
        }
        assert_eq!((&problem["moved"][0]["seq"], &problem["moved"][0]["role"]), (&json!(confirmed), &json!("approver")), "{problem}");
    }
    for who in ["stranger", "contact"] {
        server.get(who, &format!("/api/v1/evidence/{evidence}")).refused(404, "request.unknown");
    }
    server.send("operator", "POST", &format!("/api/v1/evidence/{evidence}/readings"), &[], b"").refused(410, "evidence.withheld");
    assert_eq!(server.send("operator", "POST", &page, &FORM, b"").status, 410);

    // The page says so, and still what was read.
    for who in ["auditor", "operator"] {
        let shown = server.page(who, &page).text();
        for words in ["Bytes withheld.", "CASE-7", "Coordinator Example", "Approver Example", &thing.drive, &number, "What was read from it"] {
            assert!(shown.contains(words), "{who}, {words}: {shown}");
        }
        assert!(!shown.contains("Download the file") && !shown.contains("Read the file again") && !shown.contains("/actions/"), "{shown}");
    }

    // It does not come back, whoever sends it, and nothing is stored.
    for who in ["operator", "coordinator", "stranger"] {
        let problem = upload(&server, who, &bytes).refused(422, "withholding.sent_again");
        assert!(problem["detail"].as_str().unwrap().contains(&format!("withheld (entry {confirmed})")), "{problem}");
    }
    let form = [b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n", &bytes[..], b"\r\n--x--\r\n"].concat();
    let tried = server.send("coordinator", "POST", "/assets/import", &[("Content-Type", "multipart/form-data; boundary=x")], &form);
    assert!(tried.status == 422 && tried.text().contains("were withheld"), "{}", tried.text());
    assert!(!file.exists());
    let resolved = json!({"exception": yard.exception(Vendor::GreenLoop), "how": "explained", "evidence": evidence, "reference": "CASE-18"});
    server.command("approver", "resolve_exception", resolved).refused(422, "withholding.cited");
    for command in ["withhold_evidence", "withdraw_withholding"] {
        server.command("approver", command, it.clone()).refused(422, "withholding.done");
    }

    // What rests on it stands: the certificate is checked by what it carries.
    let pdf = server.get("nobody", &format!("/certificates/{number}.pdf")).body;
    let verified = server.send("nobody", "POST", "/api/v1/verifications", &[], &pdf).taken();
    assert_eq!(verified["exitCode"], 0, "{verified}");
    let after = audited(&server);
    assert_eq!((&after.findings[..], after.withheld, before.withheld), (&[][..], 1, 0), "{after:?}");
}

#[test]
fn what_a_crash_leaves_after_the_entry_is_removed_and_the_audit_sees_both_kinds_of_wrong() {
    let server = Server::start();
    let bytes = b"Pupils: A. Able, B. Baker";
    let evidence = upload(&server, "coordinator", bytes).taken()["sha256"].as_str().unwrap().to_owned();
    let kept = upload(&server, "coordinator", b"kept").taken()["sha256"].as_str().unwrap().to_owned();
    let (_, confirmed) = withheld(&server, &evidence);
    let file = file_of(&server, &Digest::parse(&evidence).unwrap());
    // As a crash between the entry and the removal leaves it, with half an upload beside it.
    server.service.app.files.put(bytes).unwrap();
    let left = file.parent().unwrap().parent().unwrap().join(format!("incoming/{evidence}-half"));
    std::fs::write(&left, &bytes[..7]).unwrap();
    let report = audited(&server);
    assert_eq!((report.wrong, report.withheld), (1, 1), "{report:?}");
    assert!(report.findings[0].what.contains(&format!("withheld (entry {confirmed}) and still there")), "{report:?}");
    // Whoever asks meanwhile gets nothing.
    server.get("coordinator", &format!("/api/v1/evidence/{evidence}")).refused(410, "evidence.withheld");
    // Every start of the service looks, and every look for unfinished work after something failed.
    server.service.app.unfinished.store(true, Ordering::Relaxed);
    for _ in 0..500 {
        finish_work::finish(&server.service).unwrap();
        if !file.exists() && !left.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(!file.exists() && !left.exists());
    server.audit();
    // A file that nobody withheld is missed.
    let path = file_of(&server, &Digest::parse(&kept).unwrap());
    std::fs::remove_file(&path).unwrap();
    let report = audited(&server);
    assert_eq!((report.wrong, &report.findings[0].place), (1, &format!("evidence file {kept}")), "{report:?}");
    upload(&server, "coordinator", b"kept").taken();
    server.audit();
}

#[test]
fn what_the_service_has_published_itself_stays() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let (number, ..) = yard.certified(Vendor::GreenLoop);
    let pdf = server.get("nobody", &format!("/certificates/{number}.pdf")).body;
    // The list of before is a part of the certificate; this one is in none.
    server.post("approver", &format!("/api/v1/certificates/{number}/revocations"), &json!({"reason": "device_seen"})).taken();
    let status = server.get("nobody", "/status/1").body;
    for (bytes, what) in [(pdf, format!("a part of the certificate {number}")), (status, "the status list of entry".to_owned())] {
        let evidence = upload(&server, "coordinator", &bytes).taken()["sha256"].as_str().unwrap().to_owned();
        server.command("coordinator", "propose_withholding", json!({"sha256": evidence, "reason": "file_of_others"})).taken();
        let before = server.entries();
        let problem = server.command("approver", "withhold_evidence", json!({"sha256": evidence})).refused(422, "withholding.published");
        assert!(problem["detail"].as_str().unwrap().contains(&what), "{problem}");
        assert_eq!(server.entries(), before);
        assert_eq!(server.get("coordinator", &format!("/api/v1/evidence/{evidence}")).body, bytes);
    }
    server.audit();
}

#[test]
fn the_page_of_the_file_leads_to_the_next_step() {
    let server = Server::start();
    let evidence = upload(&server, "coordinator", b"Pupils: A. Able").taken()["sha256"].as_str().unwrap().to_owned();
    let page = format!("/evidence/{evidence}");
    let step = |command: &str| format!("{page}/actions/{command}");
    let offered = |who: &str| -> Vec<&str> {
        let shown = server.page(who, &page).text();
        ["propose_withholding", "withhold_evidence", "withdraw_withholding"].into_iter().filter(|command| shown.contains(&step(command))).collect()
    };
    assert_eq!((offered("coordinator"), offered("auditor")), (vec!["propose_withholding"], vec![]));
    let unsaid = server.send("coordinator", "POST", &step("propose_withholding"), &FORM, b"reason=&reference=");
    assert!(unsaid.status == 422 && unsaid.text().contains("Choose one."), "{}", unsaid.text());
    let sent = server.send("coordinator", "POST", &step("propose_withholding"), &FORM, b"reason=erasure_request&reference=");
    assert_eq!((sent.status, sent.header("location").split('?').next()), (303, Some(page.as_str())), "{}", sent.text());
    assert!(server.page("auditor", &page).text().contains("It is proposed to withhold the bytes of this file."));
    assert_eq!((offered("coordinator"), offered("administrator")), (vec!["withdraw_withholding"], vec!["withdraw_withholding"]));
    assert_eq!(offered("approver"), ["withhold_evidence", "withdraw_withholding"]);
    let form = server.page("approver", &step("withhold_evidence")).text();
    assert!(form.contains("Coordinator Example") && form.contains("asked for its erasure"), "{form}");
    server.send("coordinator", "POST", &step("withhold_evidence"), &FORM, b"").refused(403, "command.wrong_role");
    server.get("approver", &step("retire")).refused(404, "request.unknown");
    assert_eq!(server.send("approver", "POST", &step("withhold_evidence"), &FORM, b"").status, 303);
    assert!(!file_of(&server, &Digest::parse(&evidence).unwrap()).exists());
    assert_eq!(offered("approver"), Vec::<&str>::new());
    let done = server.send("approver", "POST", &step("withhold_evidence"), &FORM, b"");
    assert!(done.status == 422 && done.text().contains("were withheld before"), "{}", done.text());
    server.audit();
}
