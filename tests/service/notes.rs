//! Notes: written on pages and by programs, read by whoever sees the thing, erased by whoever wrote them; the ledger holds a salted digest of each.

use quittance::operations::audit_ledger;
use quittance::proof::digest::{hex, sha256};
use quittance::store::notes;
use serde_json::{Value, json};

use super::orders::{Vendor, Yard};
use super::server::Server;

const FORM: [(&str, &str); 1] = [("Content-Type", "application/x-www-form-urlencoded")];

fn bare(id: &str) -> &str {
    id.trim_start_matches("urn:uuid:")
}

#[test]
fn a_note_is_read_on_its_page_and_announced_by_a_salted_digest() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let (thing, consignment, ..) = yard.linked(Vendor::GreenLoop);
    let path = format!("/api/v1/consignments/{consignment}/notes");
    let text = "The lid of <b>one</b> is loose.\nWe took pictures.";
    let body = json!({"text": format!("  {text}\r\n"), "line": thing.asset});
    let keyed = |body: &Value| {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", "note-1")];
        server.send("operator", "POST", &path, &headers, body.to_string().as_bytes())
    };
    let written = keyed(&body).taken();
    assert_eq!(keyed(&body).taken(), written, "sent again it is the same note");

    let listed = server.get("coordinator", &path).taken()["notes"].clone();
    let [note] = listed.as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert_eq!((&note["id"], &note["entry"], &note["text"]), (&written["note"], &written["entry"], &json!(text)));
    assert_eq!((&note["line"], &note["author"]["name"]), (&json!(thing.asset), &json!("Operator Example")));
    // The entry holds the digest of the salt and the text, what it is about, and nothing else.
    let entry = server.get("operator", &format!("/ledger/entries/{}", written["entry"])).json();
    let kept = notes::find(&mut server.service.app.read().unwrap(), written["note"].as_str().unwrap()).unwrap().unwrap();
    let digest = hex(&sha256(&[kept.salt.unwrap().as_slice(), text.as_bytes()].concat()));
    assert_eq!(entry["data"], json!({"v": 1, "salted_sha256": digest, "signed_in": "token"}), "{entry}");
    let mut about = vec![json!({"id": consignment, "type": "Consignment"}), json!({"id": thing.asset, "type": "Asset"})];
    about.sort_by_key(|subject| subject["id"].as_str().unwrap().to_owned());
    assert_eq!(entry["subjects"], json!(about));

    let page = server.page("coordinator", &format!("/consignments/{}", bare(&consignment))).text();
    assert!(page.contains("The lid of &#60;b&#62;one&#60;/b&#62; is loose.<br>We took pictures."), "{page}");
    assert!(page.contains(&format!("<strong>{}:</strong>", thing.tag)), "{page}");
    server.audit();
}

#[test]
fn the_forms_of_pages_write_and_erase_without_a_script() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let (thing, consignment, ..) = yard.linked(Vendor::GreenLoop);
    let (exception, wiped) = yard.stuck(Vendor::GreenLoop);
    let evidence = yard.evidence(Vendor::GreenLoop, "operator", &wiped);
    let (subject, rule) = exception.split_once('#').unwrap();
    let pages = [
        (format!("/consignments/{}", bare(&consignment)), format!("/consignments/{}/notes", bare(&consignment))),
        (format!("/exceptions/{rule}.{}", bare(subject)), format!("/exceptions/{rule}.{}/notes", bare(subject))),
        (format!("/evidence/{evidence}/notes"), format!("/evidence/{evidence}/notes")),
    ];
    for (page, form) in &pages {
        assert!(server.page("coordinator", page).text().contains(&format!("action=\"{form}\"")), "{page}");
        assert!(!server.page("auditor", page).text().contains(&format!("action=\"{form}\"")), "{page}");
        let sent = server.send("coordinator", "POST", form, &FORM, b"text=Ask+the+driver.&line=");
        assert_eq!(sent.status, 303, "{}", sent.text());
        let (there, anchor) = sent.header("location").split_once("#note-").unwrap();
        assert_eq!(there, page);
        let shown = server.page("auditor", there).text();
        assert!(shown.contains("Ask the driver.") && shown.contains(&format!("id=\"note-{anchor}\"")), "{shown}");
        server.send("operator", "POST", &format!("/notes/{anchor}/erasures"), &FORM, b"").refused(403, "command.wrong_role");
        let gone = server.send("coordinator", "POST", &format!("/notes/{anchor}/erasures"), &FORM, b"");
        assert_eq!((gone.status, gone.header("location")), (303, format!("{page}#notes").as_str()), "{}", gone.text());
        let shown = server.page("auditor", there).text();
        assert!(!shown.contains("Ask the driver.") && shown.contains(&format!("id=\"note-{anchor}\"")), "{shown}");
        server.send("coordinator", "POST", form, &FORM, b"text=+&line=").refused(422, "notes.empty");
    }
    // A line is named by what stands on its label.
    let form = &pages[0].1;
    let named = server.send("coordinator", "POST", form, &FORM, format!("text=Here.&line={}", thing.serial.to_lowercase()).as_bytes());
    assert_eq!(named.status, 303, "{}", named.text());
    server.send("coordinator", "POST", form, &FORM, b"text=Here.&line=NOT-HERE").refused(422, "notes.unknown_line");
    let elsewhere = yard.linked(Vendor::GreenLoop).0;
    server.send("coordinator", "POST", form, &FORM, format!("text=Here.&line={}", elsewhere.tag).as_bytes()).refused(422, "notes.unknown_line");
    // What another site sends is not taken.
    let other = [FORM[0], ("Sec-Fetch-Site", "cross-site")];
    server.send("coordinator", "POST", form, &other, b"text=Here.&line=").refused(403, "session.other_site");
    server.audit();
}

#[test]
fn a_vendor_reads_and_writes_about_its_own_things_alone() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let (_, consignment, ..) = yard.linked(Vendor::RecycleOne);
    let path = format!("/api/v1/consignments/{consignment}/notes");
    let body = json!({"text": "For RecycleOne."});
    server.post("coordinator", &path, &body).taken();
    assert_eq!(server.get("stranger", &path).taken()["notes"][0]["text"], "For RecycleOne.");
    server.get("operator", &path).refused(404, "request.unknown");
    let before = server.entries();
    server.post("operator", &path, &body).refused(404, "request.unknown");
    server.post("auditor", &path, &body).refused(403, "command.wrong_role");
    server.post("reports", &path, &body).refused(403, "command.wrong_role");
    assert_eq!(server.entries(), before);
    // Page after page, oldest first.
    for n in 0..4 {
        server.post("stranger", &path, &json!({"text": format!("Note {n}")})).taken();
    }
    let (mut from, mut read) = (String::new(), Vec::new());
    loop {
        let part = server.get("coordinator", &format!("{path}?limit=2{from}")).taken();
        read.extend(part["notes"].as_array().unwrap().iter().map(|note| note["text"].as_str().unwrap().to_owned()));
        let Some(next) = part["next"].as_u64() else { break };
        from = format!("&from={next}");
    }
    assert_eq!(read, ["For RecycleOne.", "Note 0", "Note 1", "Note 2", "Note 3"]);
    server.audit();
}

#[test]
fn an_erased_text_is_gone_and_an_altered_one_is_found() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let (_, consignment, ..) = yard.linked(Vendor::GreenLoop);
    let path = format!("/api/v1/consignments/{consignment}/notes");
    let write = |who: &str, text: &str| server.post(who, &path, &json!({"text": text})).taken()["note"].as_str().unwrap().to_owned();
    let own = write("operator", "Quagmire has the key.");
    let other = write("coordinator", "Thank you.");
    server.post("operator", &format!("/api/v1/notes/{other}/erasures"), &json!({})).refused(403, "command.wrong_role");
    server.post("operator", &format!("/api/v1/notes/{own}/erasures"), &json!({})).taken();
    server.post("administrator", &format!("/api/v1/notes/{own}/erasures"), &json!({})).refused(404, "request.unknown");
    assert!(!server.tables().iter().any(|(_, text)| text.contains("Quagmire")));
    let listed = server.get("coordinator", &path).taken()["notes"].clone();
    assert_eq!((&listed[0]["text"], &listed[1]["text"]), (&Value::Null, &json!("Thank you.")));
    assert!(listed[0]["erased_at"].is_string());
    server.audit();

    let mut db = server.service.app.connect().unwrap();
    let findings = |db: &mut quittance::store::Database| {
        let report = audit_ledger::audit(&server.service.app, db, |_, _| ()).unwrap();
        report.findings.iter().map(|finding| format!("{} {}", finding.place, finding.what)).collect::<Vec<_>>().join("\n")
    };
    use diesel::connection::SimpleConnection as _;
    for (change, back, what) in [
        ("text = 'Thank me.'", "text = 'Thank you.'", "does not give the digest"),
        ("author = party", "author = 'urn:uuid:00000000-0000-4000-8000-000000000001'", "by somebody else"),
        ("about = party", &*format!("about = '{consignment}'"), "about something else"),
    ] {
        db.batch_execute(&format!("UPDATE notes SET {change} WHERE id = '{other}'")).unwrap();
        let found = findings(&mut db);
        assert!(found.contains(&other) && found.contains(what), "{change}: {found}");
        db.batch_execute(&format!("UPDATE notes SET {back} WHERE id = '{other}'")).unwrap();
        server.audit();
    }
    db.batch_execute(&format!("DELETE FROM notes WHERE id = '{own}'")).unwrap();
    assert!(findings(&mut db).contains("announces a note that is not there"));
}
