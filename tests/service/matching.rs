//! What a file says of media that nobody knows: listed, linked by hand with a reason, put aside, and told where two files speak of one medium.

use quittance::domain::names::Digest;
use quittance::proof::digest::{hex, sha256};
use serde_json::{Value, json};

use super::orders::{Vendor, Yard};
use super::server::Server;
use super::story::nwipe_log;

const FORM: [(&str, &str); 1] = [("Content-Type", "application/x-www-form-urlencoded")];

fn listed(server: &Server, who: &str, show: &str) -> Vec<String> {
    let answer = server.get(who, &format!("/api/v1/evidence?show={show}")).taken();
    answer["files"].as_array().unwrap().iter().map(|file| file["sha256"].as_str().unwrap().to_owned()).collect()
}

fn unmatched_of(server: &Server, sha256: &str) -> Value {
    let files = server.get("auditor", "/api/v1/evidence?show=all&limit=200").taken();
    let file = files["files"].as_array().unwrap().iter().find(|file| file["sha256"] == sha256).cloned().unwrap();
    file["reader"]["unmatched"].as_u64().unwrap_or(0).into()
}

#[test]
fn a_reading_that_nobody_matched_is_listed_until_a_person_links_it() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let (thing, file, serial) = yard.unmatched(Vendor::GreenLoop);
    assert_eq!((listed(&server, "operator", "unmatched"), listed(&server, "coordinator", "unmatched")), (vec![file.clone()], vec![file.clone()]));
    assert!(listed(&server, "stranger", "all").is_empty(), "another vendor learns nothing of it");
    let page = server.page("coordinator", "/evidence").text();
    assert!(page.contains(&file[..8]) && page.contains("not matched: 1"), "{page}");
    let of_file = format!("/evidence/{file}");
    assert!(server.page("coordinator", &of_file).text().contains(&format!("{of_file}/readings/0")));
    assert!(!server.page("operator", &of_file).text().contains(&format!("{of_file}/readings/0")), "the vendor does not say what it is");

    let form = format!("{of_file}/readings/0");
    let page = server.page("coordinator", &form).text();
    for part in [serial.as_str(), &thing.drive, &thing.tag, "one is a part of the other", "KBG40ZNS256G NVMe KIOXIA 256GB"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let send = |body: String| server.send("coordinator", "POST", &form, &FORM, body.as_bytes());
    for (body, why) in [
        ("called=NO-SUCH-THING&reason=label_misread".to_owned(), "Nothing has the serial number or tag “NO-SUCH-THING”"),
        (format!("called={}&reason=", thing.drive), "Choose why it is the same."),
        ("called=&reason=label_misread".to_owned(), "Choose a medium, or scan its label."),
        (format!("called={}&reason=shown_elsewhere", thing.drive), "Name the document that shows that it is the same medium."),
    ] {
        let answer = send(body);
        assert!(answer.status == 422 && answer.text().contains(why), "{why}: {}", answer.text());
    }
    assert!(send("called=NO-SUCH-THING&reason=label_misread".to_owned()).text().contains("value=\"NO-SUCH-THING\""), "what was typed stays");
    let medium = thing.medium.replace(':', "%3A");
    assert_eq!(send(format!("medium={medium}&called=&reason=serial_shortened&reference=")).status, 303);
    assert!(listed(&server, "operator", "unmatched").is_empty());
    let page = server.page("auditor", &of_file).text();
    assert!(page.contains("Linked by hand: the tool shortens serial numbers or puts something before them."), "{page}");
    let sanitized = json!({"medium": thing.medium, "technique": "nvme_sanitize_block", "evidence": file});
    server.command("operator", "record_sanitization", sanitized).taken();
    let reading = json!({"place": "nvme0n1", "serial": serial});
    let aside = json!({"readings": [reading], "reason": "not_ours"});
    let doors = format!("/api/v1/evidence/{file}/dismissals");
    server.post("coordinator", &doors, &aside).refused(422, "matching.relied_on");

    // The drive's own report comes too: each page names the other file.
    let own = yard.evidence(Vendor::GreenLoop, "operator", &thing);
    let page = server.page("auditor", &format!("/evidence/{own}")).text();
    assert!(page.contains("Another file speaks of the same medium:") && page.contains(&of_file), "{page}");
    assert!(server.page("auditor", &of_file).text().contains(&format!("/evidence/{own}")));
}

#[test]
fn readings_are_put_aside_from_the_page_of_the_file() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let thing = yard.received(Vendor::GreenLoop, true);
    let log = [nwipe_log(&thing.drive), nwipe_log("OTHERS-0001"), nwipe_log("OTHERS-0002")].concat();
    let file = server.send("operator", "POST", "/api/v1/evidence", &[], &log).taken()["sha256"].as_str().unwrap().to_owned();
    assert_eq!(unmatched_of(&server, &file), 2);
    let page = format!("/evidence/{file}");
    let text = server.page("operator", &page).text();
    assert_eq!(text.matches("name=\"reading\"").count(), 2, "{text}");
    let send = |body: &str| server.send("operator", "POST", &format!("{page}/dismissals"), &FORM, body.as_bytes());
    send("reason=not_ours").refused(422, "matching.nothing_chosen");
    send("all=yes&reason=").refused(422, "names.unknown_code");
    let number = text.split("name=\"reading\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(send(&format!("reading={number}&reason=not_ours")).status, 303);
    assert_eq!(unmatched_of(&server, &file), 1);
    assert_eq!(send("all=yes&reason=trial_run").status, 303);
    assert_eq!(unmatched_of(&server, &file), 0);
    let text = server.page("operator", &page).text();
    assert!(text.contains("Put aside: it is about a medium of somebody else.") && text.contains("Put aside: it was a trial of the tool."), "{text}");
    assert!(!text.contains("name=\"reading\""));
    // Read again, it stays as people left it.
    assert_eq!(server.send("operator", "POST", &page, &FORM, b"").status, 303);
    assert_eq!(unmatched_of(&server, &file), 0);
    let unknown = json!({"readings": [{"place": "sdz", "serial": "NEVER-READ-1"}], "reason": "not_ours"});
    server.post("operator", &format!("/api/v1/evidence/{file}/dismissals"), &unknown).refused(422, "matching.unknown_reading");
}

/// A form as a browser sends one with a file.
fn typed(server: &Server, who: &str, fields: &[(&str, &str)], photo: &[u8]) -> super::server::Answer {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(format!("--line\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes());
    }
    body.extend_from_slice(b"--line\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"p.jpg\"\r\n\r\n");
    body.extend_from_slice(photo);
    body.extend_from_slice(b"\r\n--line--\r\n");
    server.send(who, "POST", "/evidence/new", &[("Content-Type", "multipart/form-data; boundary=line")], &body)
}

#[test]
fn a_record_is_typed_with_a_photo_where_a_tool_leaves_no_file() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let thing = yard.received(Vendor::GreenLoop, true);
    let good = [
        ("serial", thing.drive.as_str()),
        ("technique", "nvme_sanitize_block"),
        ("result", "pass"),
        ("tool", "Bench rig 7"),
        ("started_at", "2026-01-05T10:00"),
        ("ended_at", "2026-01-05T10:20"),
        ("errors", "0"),
    ];
    let with = |name: &str, value: &'static str| good.map(|(own, old)| if own == name { (own, value) } else { (own, old) });
    let photo = b"\xff\xd8\xff\xe0 a photo";
    let before = server.get("auditor", "/api/v1/evidence?show=all").taken();
    for (fields, photo, why) in [
        (good, b"not a photo".as_slice(), "Take a photo of the medium"),
        (with("serial", ""), photo, "Scan or type the serial number."),
        (with("technique", "washed"), photo, "“washed” is not one of these"),
        (with("tool", ""), photo, "Name the tool with its version"),
        (with("ended_at", "2026-01-05T09:00"), photo, "It ended before it began"),
        (with("errors", "none"), photo, "Write the number of errors in digits"),
    ] {
        let answer = typed(&server, "operator", &fields, photo);
        assert!(answer.status == 422 && answer.text().contains(why), "{why}: {}", answer.text());
        assert!(answer.text().contains("value=\"Bench rig 7\"") || why.starts_with("Name"), "what was typed stays");
    }
    assert_eq!(server.get("auditor", "/api/v1/evidence?show=all").taken(), before, "nothing was stored");
    let answer = typed(&server, "operator", &good, photo);
    assert_eq!(answer.status, 303, "{}", answer.text());
    let page = server.page("auditor", answer.header("location")).text();
    for part in ["record typed by a person", "A person typed this; no tool wrote it.", "The photo that goes with it has the SHA-256", &thing.tag] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(page.contains("matched: 1"), "{page}");
}

/// A ZIP without compression: each file is stored as it is.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut writer, bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn an_archive_is_kept_and_each_file_in_it_is_stored_and_read() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let (one, two) = (yard.received(Vendor::GreenLoop, true), yard.received(Vendor::GreenLoop, true));
    let (first, second) = (nwipe_log(&one.drive), nwipe_log(&two.drive));
    let archive = zip(&[("a/one.log", &first), ("two.log", &second), ("empty.log", b""), ("readme.txt", b"Thank you.")]);
    let key = [("Idempotency-Key", "archive-1")];
    let stored = server.send("operator", "POST", "/api/v1/evidence", &key, &archive).taken();
    assert_eq!(stored["reader"]["name"], "archive");
    let files = stored["files"].as_array().unwrap();
    let told: Vec<_> = files.iter().map(|file| (file["name"].as_str().unwrap(), file["records"].as_array().unwrap().len())).collect();
    assert_eq!(told, [("a/one.log", 1), ("two.log", 1), ("readme.txt", 0)]);
    assert!(stored["left_out"][0].as_str().unwrap().starts_with("empty.log: "), "{stored}");
    for (thing, file) in [(&one, &files[0]), (&two, &files[1])] {
        assert_eq!(file["records"][0]["medium"], thing.medium.as_str());
        let sanitized = json!({"medium": thing.medium, "technique": "nvme_sanitize_block", "evidence": file["sha256"]});
        server.command("operator", "record_sanitization", sanitized).taken();
    }
    let again = server.send("operator", "POST", "/api/v1/evidence", &key, &archive);
    assert_eq!((again.header("idempotency-replayed"), again.json()), ("true", stored.clone()));
    // The bytes are the archive's, as it came.
    assert_eq!(server.get("operator", &format!("/api/v1/evidence/{}", stored["sha256"].as_str().unwrap())).body, archive);
    let page = server.page("auditor", &format!("/evidence/{}", stored["sha256"].as_str().unwrap())).text();
    for part in ["ZIP archive", "Files in the archive, each stored and read by itself: 3", "nwipe log", files[0]["sha256"].as_str().unwrap()] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // What it rests on is a file in it, not the archive.
    let third = yard.received(Vendor::GreenLoop, true);
    let sanitized = json!({"medium": third.medium, "technique": "nvme_sanitize_block", "evidence": stored["sha256"]});
    let problem = server.command("operator", "record_sanitization", sanitized).refused(422, "sanitization.other_medium");
    assert!(problem["detail"].as_str().unwrap().starts_with("This is an archive: name the file in it"), "{problem}");
    // Bytes that were withheld do not come back in an archive, and do not stay in one.
    let readme = files[2]["sha256"].as_str().unwrap();
    let withheld = |sha256: &str| {
        server.command("coordinator", "propose_withholding", json!({"sha256": sha256, "reason": "personal_data"})).taken();
        server.command("approver", "withhold_evidence", json!({"sha256": sha256}))
    };
    withheld(readme).refused(422, "withholding.in_archive");
    withheld(stored["sha256"].as_str().unwrap()).taken();
    server.command("approver", "withhold_evidence", json!({"sha256": readme})).taken();
    let again = zip(&[("two.log", &second), ("readme.txt", b"Thank you.")]);
    server.send("operator", "POST", "/api/v1/evidence", &[], &again).refused(422, "withholding.sent_again");
    assert!(!server.service.app.files.has(&Digest::parse(&hex(&sha256(&again))).unwrap()).unwrap(), "nothing of it is stored");
    let many: Vec<(String, Vec<u8>)> = (0..201).map(|n| (format!("{n}.log"), format!("{n}").into_bytes())).collect();
    let many = zip(&many.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect::<Vec<_>>());
    server.send("operator", "POST", "/api/v1/evidence", &[], &many).refused(422, "evidence.too_many_members");
}

#[test]
fn a_file_comes_in_parts_and_goes_on_where_the_connection_was_lost() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let thing = yard.received(Vendor::GreenLoop, true);
    let log = nwipe_log(&thing.drive);
    let digest = hex(&sha256(&log));
    let door = format!("/api/v1/evidence/{digest}/parts");
    let part = |who: &str, from: usize, bytes: &[u8]| server.send(who, "POST", &format!("{door}?of={}&from={from}", log.len()), &[], bytes);
    assert_eq!(server.get("operator", &door).taken()["received"], 0);
    let answer = part("operator", 0, &log[..100]);
    assert_eq!((answer.status, answer.json()["received"].clone()), (202, json!(100)));
    // The answer was lost: it is sent again, and told where to go on.
    let problem = part("operator", 0, &log[..100]).refused(422, "parts.elsewhere");
    assert!(problem["detail"].as_str().unwrap().contains("from=100"), "{problem}");
    assert_eq!(server.get("operator", &door).taken()["received"], 100);
    assert_eq!(server.get("verifier", &door).taken()["received"], 0, "each goes on with their own");
    for (from, bytes) in [(100, &log[..]), (100, &[])] {
        part("operator", from, bytes).refused(422, "parts.size");
    }
    let last = || {
        let address = format!("{door}?of={}&from=100", log.len());
        server.send("operator", "POST", &address, &[("Idempotency-Key", "last-part")], &log[100..])
    };
    let answer = last();
    assert_eq!((answer.status, answer.json()["sha256"].clone()), (201, json!(digest)));
    // Its answer was lost, too.
    let again = last();
    assert_eq!((again.status, again.json(), again.header("idempotency-replayed")), (201, answer.json(), "true"));
    assert_eq!(answer.json()["records"][0]["medium"], thing.medium.as_str());
    assert_eq!(server.get("operator", &door).taken()["received"], 0, "nothing is left");

    part("verifier", 0, &vec![b'x'; log.len()]).refused(422, "parts.altered");
    assert_eq!(server.get("verifier", &door).taken()["received"], 0);
    for n in 0..8u8 {
        let other = hex(&sha256(&[n]));
        assert_eq!(server.send("operator", "POST", &format!("/api/v1/evidence/{other}/parts?of=10&from=0"), &[], b"part").status, 202);
    }
    part("operator", 0, &log[..100]).refused(422, "parts.too_many");
}
