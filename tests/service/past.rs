//! Past disposals over HTTP: a list is tried out, then recorded once, with its paper; what it lacks is raised, nothing of it is certified, and it is
//! in no figure.

use std::fs;

use quittance::operations::find_exceptions;
use serde_json::{Value, json};

use super::command_line::{quittance, said};
use super::server::{Answer, Server};
use super::story::nwipe_log;

const LIST: &str = include_str!("../inventories/past/disposals-2021.csv");
/// One device whose drive the log of the vendor names.
const NAMED: &str = "Tag,Serial,Model,Disposed on,Outcome,Vendor,Medium serial,Medium type,Technique\n\
                     OLD-7001,5CD7001OLD,Lenovo ThinkPad L14,2022-03-01,Recycled,greenloop recycling,Z9LXOLD01,NVMe,block erase\n";

fn import(server: &Server, who: &str, more: &str, list: &str) -> Answer {
    server.send(who, "POST", &format!("/api/v1/imports?past=true&sensitivity=moderate{more}"), &[("Content-Type", "text/csv")], list.as_bytes())
}

fn device(server: &Server, tag: &str) -> Value {
    let found = server.get("coordinator", &format!("/api/v1/assets?tag={tag}")).taken();
    let id = found["assets"][0]["id"].as_str().unwrap_or_else(|| panic!("{tag}: {found}")).to_owned();
    server.get("coordinator", &format!("/api/v1/assets/{id}")).taken()
}

fn exceptions(server: &Server) -> Vec<Value> {
    find_exceptions::all(&server.service).unwrap();
    server.get("approver", "/api/v1/exceptions?limit=100").taken()["exceptions"].as_array().unwrap().clone()
}

#[test]
fn a_list_of_past_disposals_is_recorded_once_judged_and_never_certified() {
    let server = Server::start();
    let entries = server.entries();
    let tried = import(&server, "coordinator", "&dry_run=true", LIST).taken();
    assert_eq!((tried["rows"].clone(), tried["registered"].clone(), tried["refused"].clone()), (json!(10), json!(6), json!(3)), "{tried}");
    assert_eq!(server.entries(), entries, "tried out");
    let told = |report: &Value, line: u64| {
        let lines = report["lines"].as_array().unwrap().iter().filter(|said| said["line"] == line);
        lines.map(|said| said["what"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    for (line, says) in [(11, "fill it in"), (12, "vanished"), (13, "fill one in"), (8, "until the vendor says"), (9, "taken as unknown")] {
        assert!(told(&tried, line).contains(says), "line {line}: {tried}");
    }
    let done = import(&server, "coordinator", "", LIST).taken();
    assert_eq!((done["registered"].clone(), done["refused"].clone(), done["past"].clone()), (json!(6), json!(3), json!(true)), "{done}");
    let after = server.entries();
    let again = import(&server, "coordinator", "", LIST).taken();
    assert_eq!((again["registered"].clone(), again["unchanged"].clone(), server.entries()), (json!(0), json!(6), after), "{again}");
    for who in ["auditor", "administrator", "operator"] {
        import(&server, who, "", LIST).refused(403, "command.wrong_role");
    }
    // Two drives of one desktop, each with what is claimed of it.
    let desktop = device(&server, "OLD-0001");
    assert_eq!((desktop["label"].as_str(), desktop["media"].as_array().unwrap().len()), (Some("recorded_afterwards"), 2), "{desktop}");
    assert_eq!(
        (&desktop["asset"]["past"]["least"], &desktop["asset"]["past"]["claims"][1]["at_most"]),
        (&json!("purge"), &json!("purge")),
        "{desktop}"
    );
    let id = desktop["asset"]["id"].as_str().unwrap();
    server.post("coordinator", "/api/v1/certificates", &json!({"asset": id})).refused(422, "certification.recorded_afterwards");
    let page = server.page("auditor", &format!("/assets/{}", id.trim_start_matches("urn:uuid:"))).text();
    for words in [
        "recycled, recorded afterwards",
        "14 Jun 2021, taken by Old Recycler Inc., reference COD-2021-118",
        "Claimed: degauss",
        "nobody signed for it",
        "Nobody signed this at the time",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    // What its papers lack is raised, in words of its own, and an approver resolves it.
    let raised = exceptions(&server);
    let of = |rule: &str, tag: &str| {
        let id = device(&server, tag)["asset"]["id"].clone();
        raised.iter().find(|one| one["rule"] == rule && one["subject"]["id"] == id).cloned()
    };
    let open = of("E-03", "OLD-0001").unwrap();
    assert!(open["severity"] == "high" && open["title"].as_str().unwrap().contains("recorded afterwards"), "{open}");
    assert!(open["next_step"].as_str().unwrap().contains("Ask the vendor"), "{open}");
    assert!(of("E-08", "OLD-0001").is_none() && of("E-08", "OLD-0004").is_some(), "{raised:?}");
    assert!(of("E-03", "OLD-0003").is_none(), "a monitor stores nothing");
    let resolve = json!({"exception": open["id"], "how": "risk_accepted", "reference": "BOARD-7"});
    server.command("approver", "resolve_exception", resolve).taken();
    // In no figure, and undone as other entries are.
    let report = server.get("auditor", "/api/v1/reports/mass-balance?from=2021-01&to=2027-12").taken()["report"].clone();
    assert!(report["notes"].as_array().unwrap().iter().any(|note| note.as_str().unwrap().contains("recorded afterwards")), "{report}");
    assert_eq!(report["tables"][0]["rows"].as_array().unwrap().last().unwrap()[1], 0, "{report}");
    server.command("approver", "void_disposition", json!({"asset": id, "reason": "wrong_thing"})).taken();
    assert_eq!(device(&server, "OLD-0001")["label"], "retired");
    server.audit();
}

#[test]
fn a_paper_goes_with_the_list_and_is_linked_to_the_media_that_it_names() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (list, paper) = (at("past.csv", NAMED.as_bytes()), at("paper.log", &nwipe_log("Z9LXOLD01")));
    let token = at("token", server.tokens["coordinator"].as_bytes());
    let run = |more: &[&str]| {
        let arguments = [&["import", &list, "--past", "--document", &paper, "--server", &server.base, "--token-file", &token], more].concat();
        said(&quittance(&arguments).output().unwrap())
    };
    let entries = server.entries();
    let (code, tried, errors) = run(&["--dry-run"]);
    assert!(code == 0 && tried.contains("1 would be recorded afterwards") && server.entries() == entries, "{tried}{errors}");
    let (code, done, errors) = run(&[]);
    assert_eq!((code, errors.as_str()), (0, ""), "{done}");
    assert!(done.contains("1 recorded afterwards") && done.contains("The paper names 1 of their media"), "{done}");
    let (_, again, errors) = run(&[]);
    assert!(again == done && errors.contains("nothing was done now"), "{again}{errors}");
    let laptop = device(&server, "OLD-7001");
    let asset = &laptop["asset"];
    assert_eq!((&asset["manufacturer"], &asset["model"]), (&json!("Lenovo"), &json!("ThinkPad L14")), "{laptop}");
    assert_eq!(asset["past"]["vendor"], server.parties["GreenLoop Recycling"].as_str(), "{laptop}");
    assert_eq!(asset["past"]["claims"][0]["technique"], "nvme_sanitize_block", "{laptop}");
    assert!(exceptions(&server).iter().all(|one| one["subject"]["id"] != asset["id"]), "the paper names the drive and a technique that is enough");
    // A paper without a list of past disposals is a slip.
    let slip = server.send("coordinator", "POST", &format!("/api/v1/imports?document={}", "a".repeat(64)), &[("Content-Type", "text/csv")], b"x");
    slip.refused(422, "inventory.document");
    server.audit();
}

/// What a list says is not there is no proof that it never was; and what it says was not done claims nothing.
#[test]
fn a_list_attests_no_storage_for_nobody_and_no_failure_is_a_claim() {
    let server = Server::start();
    let list = "Tag,Serial,Manufacturer,Model,Disposed on,Outcome,Drive Type,Method\n\
        OLD-8001,S8001,Lenovo,ThinkPad L14,2021-06-14,Recycled,HDD removed,\n\
        OLD-8002,S8002,Nobody,Unheard 1,2021-06-14,Recycled,none,\n\
        OLD-8003,S8003,Nobody,Unheard 2,2021-06-14,Recycled,HDD,Wipe failed\n";
    let done = import(&server, "coordinator", "", list).taken();
    assert_eq!((&done["registered"], &done["refused"]), (&json!(3), &json!(0)), "{done}");
    let told = done["lines"].to_string();
    for says in ["its storage stays on record without a claim", "its storage is left open", "claims nothing"] {
        assert!(told.contains(says), "{says}: {done}");
    }
    let of = |tag: &str| device(&server, tag)["asset"].clone();
    let (known, unknown, failed) = (of("OLD-8001"), of("OLD-8002"), of("OLD-8003"));
    assert_eq!((&known["no_storage"], &unknown["no_storage"]), (&Value::Null, &Value::Null));
    assert_eq!((known["media"].as_array().map(Vec::len), unknown["media"].as_array().map(Vec::len)), (Some(1), Some(0)));
    assert_eq!(known["past"]["claims"][0]["technique"], Value::Null, "{known}");
    assert_eq!(failed["past"]["claims"][0]["technique"], "unknown", "{failed}");
}

#[test]
fn past_disposals_are_tried_out_on_the_page_before_anything_is_recorded() {
    let server = Server::start();
    assert!(server.page("coordinator", "/assets/import").text().contains("These were disposed of before"));
    assert!(!server.page("administrator", "/assets/import").text().contains("These were disposed of before"));
    let part = |name: &str, file: &str, bytes: &[u8]| {
        let mut part = format!("--line\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").into_bytes();
        part.extend_from_slice(bytes);
        part.extend_from_slice(b"\r\n");
        part
    };
    let body = [
        part("file", "; filename=\"past.csv\"", NAMED.as_bytes()),
        part("document", "; filename=\"paper.log\"", &nwipe_log("Z9LXOLD01")),
        part("kind", "", b"past"),
        part("sensitivity", "", b"high"),
        b"--line--\r\n".to_vec(),
    ]
    .concat();
    let headers = [("Content-Type", "multipart/form-data; boundary=line"), ("Accept", "text/html")];
    let entries = server.entries();
    let tried = server.send("coordinator", "POST", "/assets/import", &headers, &body).text();
    for words in
        ["Tried out: nothing was recorded", "Would be recorded afterwards", "Media of theirs that the paper names", "Record 1 past disposals"]
    {
        assert!(tried.contains(words), "{words}: {tried}");
    }
    assert_eq!(server.entries(), entries);
    let other = server.send("administrator", "POST", "/assets/import", &headers, &body);
    assert!(other.status == 403 && other.text().contains("This needs the role disposal coordinator"), "{}", other.text());
    let there = tried.split("action=\"/assets/import/").nth(1).unwrap().split('"').next().unwrap();
    let paper = tried.split("name=\"document\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "text/html")];
    let given = format!("idempotency_key=p&sensitivity=high&kind=past&document={paper}");
    let done = server.send("coordinator", "POST", &format!("/assets/import/{there}"), &form, given.as_bytes()).text();
    assert!(done.contains("1 past disposals recorded afterwards") && done.contains("Last entry"), "{done}");
    assert_eq!(device(&server, "OLD-7001")["asset"]["past"]["document"], paper);
    server.audit();
}
