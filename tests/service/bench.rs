//! A vendor's bench: what is on it and what that lacks, reports in many at once, and whose serial numbers these are.

use quittance::proof::digest::{hex, sha256};
use serde_json::json;

use super::server::{Answer, Server};
use super::story::{self, nwipe_log};

/// Sends files as the form of the bench does.
fn send(server: &Server, who: &str, files: &[(&str, &[u8])]) -> Answer {
    let mut body = Vec::new();
    for (name, bytes) in files {
        body.extend_from_slice(format!("--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n").as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--line--\r\n");
    server.send(who, "POST", "/bench", &[("Content-Type", "multipart/form-data; boundary=line")], &body)
}

/// The parts of the page, one for each file.
fn cards(answer: &Answer) -> Vec<String> {
    answer.text().split("<li class=\"card received\"").skip(1).map(str::to_owned).collect()
}

#[test]
fn the_bench_lists_what_is_here_and_what_it_lacks() {
    let server = Server::start();
    let story = story::received(&server);
    let bench = |who: &str, query: &str| {
        let answer = server.page(who, &format!("/bench{query}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text()
    };
    server.get("coordinator", "/bench").refused(403, "command.wrong_role");
    let [first, short, third] = &story.devices[..] else { panic!("three devices") };
    let page = bench("verifier", "");
    assert!(page.contains(&first.tag) && page.contains(&third.tag), "{page}");
    assert!(!page.contains(&short.tag), "what has not come is not here: {page}");
    assert!(page.contains(&format!("SSD (NVMe) {}: the report of a sanitization is missing, at least purge.", first.drive)), "{page}");
    assert!(page.contains("It is held: set it aside.") && page.contains("P-2026-041"), "{page}");
    assert!(!bench("stranger", "").contains(&first.tag));
    story::resolved(&server, &story.consignment);

    // One after the other, each once.
    let (mut query, mut seen) = ("?limit=1".to_owned(), Vec::new());
    loop {
        let page = bench("operator", &query);
        seen.extend(story.devices.iter().filter(|device| page.contains(&device.tag)).map(|device| device.tag.clone()));
        let Some(next) = page.split("&amp;after=").nth(1).and_then(|rest| rest.split('"').next()) else { break };
        query = format!("?limit=1&after={next}");
    }
    assert_eq!(seen, story.devices.iter().map(|device| device.tag.clone()).collect::<Vec<_>>());

    let log = server.send("operator", "POST", "/api/v1/evidence", &[], &nwipe_log(&first.drive)).taken();
    let record = json!({"medium": first.medium, "technique": "nvme_sanitize_block", "evidence": log["sha256"]});
    server.command("operator", "record_sanitization", record).taken();
    assert!(bench("operator", "").contains("somebody other than who sanitized it has to verify that."));
    server.command("verifier", "verify_sanitization", json!({"medium": first.medium})).taken();
    assert!(bench("operator", "").contains("waits for the organisation to accept it."));
    server.command("approver", "validate_sanitization", json!({"medium": first.medium})).taken();
    assert!(!bench("operator", "").contains(&first.tag));
    let all = bench("operator", "?show=all");
    assert!(all.contains(&first.tag) && all.contains("nothing: its data are gone"), "{all}");
    server.get("operator", "/bench?show=some").refused(422, "bench.show");
    server.get("operator", "/bench?after=x").refused(422, "request.cursor");
    // In the reader's own language.
    let spanish = server.send("operator", "GET", "/bench", &[("Accept", "text/html"), ("Accept-Language", "es-MX")], b"").text();
    assert!(spanish.contains("Banco de trabajo") && spanish.contains("falta el informe de un saneamiento, como mínimo purga"), "{spanish}");
    server.audit();
}

#[test]
fn a_destruction_run_is_recorded_whole_or_not_at_all() {
    let server = Server::start();
    let story = story::reconciled(&server);
    let [first, _, third] = &story.devices[..] else { panic!("three devices") };
    let party = server.parties["GreenLoop Recycling"].as_str();
    let [verifier, operator] = [8, 7].map(|n| format!("urn:uuid:00000000-0000-4000-8000-{n:012}"));
    let form =
        |body: &str| server.send("operator", "POST", "/bench/destruction", &[("Content-Type", "application/x-www-form-urlencoded")], body.as_bytes());
    server.get("verifier", "/bench/destruction").refused(403, "command.wrong_role");
    let page = server.page("operator", "/bench/destruction").text();
    assert!(page.contains("No machine of your organisation is registered and in service"), "{page}");

    // The register, over the API; the page of the vendor shows it.
    let machine = "urn:uuid:00000000-0000-4000-8000-00000000d151";
    let register = json!({"party": party, "machine": machine, "site": "Akron", "technique": "disintegrate", "make": "Maker", "model": "D-2",
        "serial": "DIS0001", "particle_tenths_mm": 20});
    server.command("stranger", "register_machine", register.clone()).refused(422, "parties.unknown");
    server.command("operator", "register_machine", register).taken();
    let calibration = json!({"party": party, "machine": machine, "calibrated_on": "2026-01-05", "due_on": "2026-02-05"});
    server.command("operator", "record_calibration", calibration).taken();
    let shown = server.page("coordinator", &format!("/vendors/{}", party.trim_start_matches("urn:uuid:"))).text();
    for words in ["Maker D-2 DIS0001", "particles up to 2.0 mm", "2026-01-05, next due 2026-02-05", "calibration overdue"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let page = server.page("operator", "/bench/destruction").text();
    assert!(page.contains("Maker D-2 DIS0001, disintegrate, Akron") && page.contains(&verifier) && !page.contains(&operator), "{page}");

    // What is wrong is said at its field, and what was typed stays.
    let entries = server.entries();
    let run = |lines: &str| {
        let (sha256, lines) = ("e".repeat(64), lines.replace('\n', "%0A"));
        format!("machine={machine}&media={lines}&witness={verifier}&video.sha256={sha256}&video.kept_until=2099-01-01&weight_in_grams=0.9")
    };
    let strange = form(&run(&format!("{}\nNOBODYS-1\n{}", first.drive, third.serial)));
    assert_eq!(strange.status, 422);
    for words in ["Nothing in your hands has the serial number NOBODYS-1", &first.drive, "value=\"2099-01-01\""] {
        assert!(strange.text().contains(words), "{words}: {}", strange.text());
    }
    let soon = form(&run(&first.drive).replace("2099-01-01", "2026-12-01"));
    assert!(soon.status == 422 && soon.text().contains("kept for 60 days at least"), "{}", soon.text());
    assert_eq!(server.entries(), entries);

    // One act of two entries, each about its own medium; the certificate's tool is the machine.
    let answer = form(&run(&format!("{}\n{}", first.drive, third.drive)));
    assert_eq!((answer.status, answer.header("location").ends_with("/bench")), (303, true), "{}", answer.text());
    assert_eq!(server.entries(), entries + 2);
    let asset = server.get("coordinator", &format!("/api/v1/assets/{}", third.id)).taken();
    let done = &asset["media"][0]["sanitization"];
    assert_eq!(
        (&done["tool"], &done["method"], &done["feed"]["serial"]),
        (&json!("Maker D-2 DIS0001"), &json!("destroy"), &json!(third.drive)),
        "{done}"
    );
    let page = server.page("coordinator", &format!("/assets/{}", third.id)).text();
    assert!(page.contains("Read before it went in") && page.contains("kept until 2099-01-01"), "{page}");
    // The same over the API: what is destroyed goes in no more.
    let again = json!({"machine": machine, "media": [{"medium": third.medium, "serial": third.drive, "scanned_at": "2026-11-20T08:00:00Z"}],
        "witness": verifier, "video": {"sha256": "e".repeat(64), "kept_until": "2099-01-01"}});
    server.command("operator", "record_destruction", again.clone()).refused(422, "sanitization.destroyed");
    server.command("stranger", "record_destruction", again).refused(422, "equipment.unknown");
    server.command("verifier", "verify_sanitization", json!({"medium": third.medium})).taken();
    server.audit();
}

#[test]
fn what_waits_to_be_accepted_shows_failures_first_and_what_is_sampled() {
    let server = Server::start();
    let story = story::reconciled(&server);
    let page = |who: &str| server.page(who, "/validations").text();
    server.get("operator", "/validations").refused(403, "command.wrong_role");
    assert!(page("approver").contains("Nothing that was verified waits to be accepted."));
    for device in [&story.devices[0], &story.devices[2]] {
        let log = server.send("operator", "POST", "/api/v1/evidence", &[], &nwipe_log(&device.drive)).taken();
        let record = json!({"medium": device.medium, "technique": "nvme_sanitize_block", "evidence": log["sha256"]});
        server.command("operator", "record_sanitization", record).taken();
        server.command("verifier", "verify_sanitization", json!({"medium": device.medium})).taken();
    }
    let [first, _, third] = &story.devices[..] else { panic!("three devices") };
    let shown = page("approver");
    assert!(shown.contains("GreenLoop Recycling</strong>: 0 of 1 sampled this month.") && shown.contains("Next: "), "{shown}");
    assert!(shown.contains(&format!("aria-label=\"Choose {}\"", third.tag)), "{shown}");
    assert!(!page("coordinator").contains("Accept the chosen"));
    let report = server.send("coordinator", "POST", "/api/v1/evidence", &[], b"report of the recovery software").taken();
    let sample = |medium: &str, result: &str| json!({"medium": medium, "tool": "R-Studio 9", "result": result, "evidence": report["sha256"]});
    server.command("verifier", "record_sample", sample(&third.medium, "nothing_recovered")).refused(422, "sampling.same_person");
    server.command("coordinator", "record_sample", sample(&third.medium, "data_recovered")).taken();
    server.command("coordinator", "record_sample", sample(&first.medium, "nothing_recovered")).taken();
    // What failed stands before what waits, and what counts is what is left.
    let shown = page("approver");
    let place = |words: &str| shown.find(words).unwrap_or_else(|| panic!("{words}: {shown}"));
    assert!(place(&third.tag) < place(&first.tag) && place("<h2>Failed</h2>") < place(&third.tag), "{shown}");
    assert!(shown.contains("1 of 1 sampled this month.") && !shown.contains("Next: "), "{shown}");
    server.command("approver", "validate_sanitization", json!({"medium": third.medium})).refused(422, "sanitization.not_performed");
    server.audit();
}

#[test]
fn reports_go_in_together_and_each_says_what_became_of_it() {
    let server = Server::start();
    let story = story::reconciled(&server);
    let log = nwipe_log(&story.devices[1].drive);
    let (unknown, large) = (nwipe_log("NOBODYS0001"), vec![b'x'; (25 << 20) + 1]);
    let files: &[(&str, &[u8])] =
        &[("one.log", &log), ("other <b>.log", &unknown), ("photo.jpg", b"\xff\xd8\xff\xe0 picture"), ("none.log", b""), ("large.bin", &large)];
    let answer = send(&server, "operator", files);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let cards = cards(&answer);
    let said: &[&[&str]] = &[
        &["one.log", "understood", "✔</span> matched: 1", &story.devices[1].tag, &story.devices[1].drive],
        &["other &#60;b&#62;.log", "understood", "not matched: 1", "Nothing in your hands has this serial number."],
        &["photo.jpg", "stored", "understood", "A photo: people look at it, no reader does."],
        &["none.log", "Not accepted. Nothing was stored.", "The file is empty."],
        &["large.bin", "Not accepted. Nothing was stored.", "larger than 25 MB"],
    ];
    assert_eq!(cards.len(), said.len());
    for (card, said) in cards.iter().zip(said) {
        for words in *said {
            assert!(card.contains(words), "{words}: {card}");
        }
        assert!(!card.contains("Stored before:"), "{card}");
    }
    let digest = hex(&sha256(&log));
    assert!(cards[0].contains(&format!("data-sha256=\"{digest}\"")), "{}", cards[0]);
    let entries = server.entries();
    let again = send(&server, "verifier", &[("same.log", &log)]);
    assert!(again.status == 200 && again.text().contains("Stored before:") && again.text().contains("Operator Example"), "{}", again.text());
    assert_eq!(server.entries(), entries, "the same file is recorded once");
    assert_eq!(send(&server, "operator", &[("none.log", b"")]).status, 422);
    assert_eq!(send(&server, "operator", &[]).status, 422);
    send(&server, "coordinator", files).refused(403, "command.wrong_role");
    assert_eq!(server.entries(), entries);

    // Its page, for whoever may see the file; programs go on getting the bytes.
    for who in ["operator", "verifier", "coordinator", "auditor"] {
        let page = server.page(who, &format!("/evidence/{digest}"));
        assert_eq!(page.status, 200, "{who}: {}", page.text());
        for words in
            [digest.as_str(), "nwipe log", "nwipe 0.42", "Operator Example", "✔</span> matched: 1", &story.devices[1].tag, "Download the file"]
        {
            assert!(page.text().contains(words), "{who}: {words}: {}", page.text());
        }
    }
    for who in ["stranger", "contact"] {
        assert_eq!(server.page(who, &format!("/evidence/{digest}")).status, 404, "{who}");
    }
    let file = server.get("operator", &format!("/api/v1/evidence/{digest}"));
    assert_eq!((file.status, &file.body), (200, &log));
    assert!(file.header("content-disposition").starts_with("attachment") && file.header("content-security-policy").starts_with("sandbox"));
    // The same bytes from another vendor: its page tells nothing of the first one's thing.
    let theirs = send(&server, "stranger", &[("mine.log", &log)]).text();
    assert!(!theirs.contains("✔</span> matched") && !theirs.contains(&story.devices[1].tag) && !theirs.contains("Stored before:"), "{theirs}");
    let theirs = server.page("stranger", &format!("/evidence/{digest}")).text();
    assert!(theirs.contains("Stranger Example") && !theirs.contains("Operator Example") && !theirs.contains("GreenLoop"), "{theirs}");
    assert!(!theirs.contains(&story.devices[1].tag) && !theirs.contains("✔</span> matched"), "{theirs}");
    server.audit();
}

#[test]
fn what_does_not_match_is_a_pair_and_is_linked_once_the_record_has_it() {
    let server = Server::start();
    let story = story::reconciled(&server);
    let device = &story.devices[0];
    // A zero read as the letter: offered, and nothing follows from it.
    let alike = nwipe_log(&device.drive.replacen('0', "O", 1));
    let page = send(&server, "operator", &[("alike.log", &alike)]).text();
    assert!(page.contains(&format!("We hold {}: one character looks like another.", device.drive)) && page.contains(&device.tag), "{page}");
    assert!(page.contains("not matched: 1") && !page.contains("Read the file again"), "{page}");
    // The device's own serial number, and none of its media goes by it.
    let page = send(&server, "operator", &[("device.log", &nwipe_log(&device.serial))]).text();
    assert!(page.contains("Record its medium") && page.contains("/actions/record_media"), "{page}");
    // A second drive that is recorded after the file came.
    let log = nwipe_log("SECONDDRV01");
    assert!(send(&server, "operator", &[("second.log", &log)]).text().contains("not matched: 1"));
    let media = json!([{"serial": "SECONDDRV01", "media_type": "ssd_nvme", "capacity_bytes": 256_060_514_304u64}]);
    server.command("operator", "record_media", json!({"asset": device.id, "media": media})).taken();
    let address = format!("/evidence/{}", hex(&sha256(&log)));
    let page = server.page("operator", &address).text();
    assert!(page.contains("Recorded since the file was read") && page.contains("Read the file again"), "{page}");
    assert!(!server.page("auditor", &address).text().contains("Read the file again"));
    let again = server.send("operator", "POST", &address, &[("Content-Type", "application/x-www-form-urlencoded")], b"");
    assert_eq!((again.status, again.header("location")), (303, address.as_str()));
    let page = server.page("operator", &address).text();
    assert!(page.contains("✔</span> matched: 1") && !page.contains("Recorded since") && page.contains(&device.tag), "{page}");
    server.audit();
}

#[test]
fn a_search_tells_a_vendor_what_it_has_and_nothing_else() {
    let server = Server::start();
    let story = story::received(&server);
    let [first, short, _] = &story.devices[..] else { panic!("three devices") };
    let search = |who: &str, serials: &[&str]| server.post(who, "/api/v1/bench/searches", &json!({"serials": serials}));
    let asked = [first.drive.as_str(), &first.serial, &short.drive, "NOBODYS0001"];
    let found = search("operator", &asked).taken();
    let medium = json!({"serial": first.drive, "kind": "medium", "id": first.medium, "name": first.tag, "consignment": "P-2026-041"});
    let device = json!({"serial": first.serial, "kind": "device", "id": first.id, "name": first.tag, "consignment": "P-2026-041"});
    assert_eq!(found, json!({"found": [medium, device]}));
    assert_eq!(search("stranger", &asked).taken(), json!({"found": []}));
    search("coordinator", &asked).refused(403, "command.wrong_role");
    search("operator", &[]).refused(422, "bench.serials");
    search("operator", &["A1"; 1_001]).refused(422, "bench.serials");
    assert_eq!(search("operator", &["A1"; 1_000]).status, 200);
    search("operator", &["0000"]).refused(422, "command.malformed");
    server.audit();
}
