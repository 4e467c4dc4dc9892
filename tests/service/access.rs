//! Who may see and do what, and how refusals look.

use serde_json::json;

use super::server::Server;
use super::story::{self, nwipe_log};

#[test]
fn a_vendor_sees_what_it_holds_held_or_is_to_receive_and_nothing_else() {
    let server = Server::start();
    let story = story::received(&server);
    let other = story::register(&server, 9);
    let evidence = server.send("operator", "POST", "/api/v1/evidence", &[], &nwipe_log("Z9LX00001")).taken();
    let (device, sha256) = (&story.devices[0], evidence["sha256"].as_str().unwrap());
    let seq = server.get("auditor", &format!("/api/v1/assets/{}/entries", other.id)).taken()["entries"][0]["seq"].as_u64().unwrap();

    let theirs = server.get("operator", "/api/v1/assets").taken();
    let tags: Vec<_> = theirs["assets"].as_array().unwrap().iter().map(|asset| asset["tag"].as_str().unwrap().to_owned()).collect();
    assert_eq!(tags, ["CB-00001", "CB-00002", "CB-00003"]);
    assert_eq!(server.get("stranger", "/api/v1/assets").taken()["assets"], json!([]));
    assert_eq!(server.get("stranger", "/api/v1/consignments").taken()["consignments"], json!([]));
    assert_eq!(server.get("stranger", "/api/v1/parties").taken()["parties"].as_array().unwrap().len(), 2);
    assert_eq!(server.get("auditor", "/api/v1/parties").taken()["parties"].as_array().unwrap().len(), 3);

    let foreign = [
        ("operator", format!("/api/v1/assets/{}", other.id)),
        ("operator", format!("/api/v1/assets/{}/entries", other.id)),
        ("operator", format!("/ledger/entries/{seq}")),
        ("operator", "/ledger/entries/0".to_owned()),
        ("operator", format!("/assets/{}", other.id)),
        ("stranger", format!("/api/v1/assets/{}", device.id)),
        ("stranger", format!("/api/v1/consignments/{}", story.consignment)),
        ("stranger", format!("/consignments/{}", story.consignment)),
        ("stranger", format!("/api/v1/evidence/{sha256}")),
    ];
    for (who, path) in &foreign {
        let theirs = server.get(who, path).refused(404, "request.unknown");
        assert_eq!(server.get("auditor", path).status, 200, "{path}");
        // What there is none of sounds the same as what belongs to others.
        let none = path.rsplit_once('/').map(|(start, _)| format!("{start}/urn:uuid:00000000-0000-4000-8000-00000000dead")).unwrap();
        if path.contains("/api/v1/assets/") && !path.ends_with("entries") {
            let unknown = server.get(who, &none).refused(404, "request.unknown");
            let id = path.rsplit_once('/').unwrap().1;
            assert_eq!(
                theirs["detail"].as_str().unwrap().replace(id, ""),
                unknown["detail"].as_str().unwrap().replace("urn:uuid:00000000-0000-4000-8000-00000000dead", "")
            );
        }
    }
    let released = server.get("auditor", &format!("/api/v1/assets/{}/entries", device.id)).taken()["entries"][3]["seq"].as_u64().unwrap();
    for path in [format!("/api/v1/assets/{}", device.id), format!("/api/v1/evidence/{sha256}"), format!("/ledger/entries/{released}")] {
        assert_eq!(server.get("operator", &path).status, 200, "{path}");
    }
    let file = server.get("operator", &format!("/api/v1/evidence/{sha256}"));
    assert_eq!(file.body, nwipe_log("Z9LX00001"));
    assert!(
        file.header("content-disposition").starts_with("attachment") && file.header("content-security-policy").starts_with("sandbox"),
        "{:?}",
        file.headers
    );

    let foreign = server
        .command("stranger", "record_media", json!({"asset": other.id, "media": [{"media_type": "emmc"}]}))
        .refused(422, "registration.unknown_asset");
    assert!(!foreign["detail"].as_str().unwrap().contains(&other.tag), "{foreign}");
}

#[test]
fn an_auditor_reads_everything_and_changes_nothing() {
    let server = Server::start();
    let (story, number) = story::certified(&server);
    let size = || server.get("auditor", "/api/v1/assets?limit=200").taken();
    let before = size();
    for path in ["/api/v1/assets", "/api/v1/consignments", "/api/v1/parties", "/api/v1/certificates", "/api/v1/commands", "/ledger/entries/0"] {
        assert_eq!(server.get("auditor", path).status, 200, "{path}");
        assert_eq!(server.get("reports", path).status, 200, "{path}");
    }
    let commands = server.get("auditor", "/api/v1/commands").taken();
    for command in commands["commands"].as_array().unwrap() {
        let roles = command["roles"].as_array().unwrap();
        assert!(!roles.is_empty() && !roles.contains(&json!("auditor")) && !roles.contains(&json!("service")), "{command}");
    }
    let device = &story.devices[0].id;
    server.command("auditor", "retire", json!({"asset": device, "reason": "surplus"})).refused(403, "command.wrong_role");
    server.post("auditor", "/api/v1/certificates", &json!({"asset": device})).refused(403, "command.wrong_role");
    server
        .post("auditor", &format!("/api/v1/certificates/{number}/revocations"), &json!({"reason": "device_seen"}))
        .refused(403, "command.wrong_role");
    server.send("auditor", "POST", "/api/v1/evidence", &[], b"x").refused(403, "command.wrong_role");
    assert_eq!(size(), before);
    server.audit();
}

#[test]
fn problems_have_one_shape_and_say_what_to_do() {
    let server = Server::start();
    server.get("nobody", "/api/v1/assets").refused(401, "session.signed_out");
    let answer = server.send("nobody", "GET", "/api/v1/assets", &[("Authorization", "Bearer qtn_wrong")], b"");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    answer.refused(401, "session.signed_out");
    server.get("auditor", "/api/v1/nothing").refused(404, "request.unknown");
    let answer = server.send("auditor", "POST", "/api/v1/assets", &[], b"");
    assert_eq!(answer.header("allow"), "GET, HEAD");
    answer.refused(405, "request.method");
    server.get("auditor", "/api/v1/assets?limit=0").refused(422, "request.limit");
    server.get("auditor", "/api/v1/assets?after=x").refused(422, "request.cursor");
    server.get("auditor", "/api/v1/assets?colour=red").refused(400, "request.malformed");
    server.get("auditor", "/api/v1/assets?label=blue").refused(422, "names.unknown_code");
    server.get("auditor", "/api/v1/assets/x").refused(404, "request.unknown");
    let post = |body: &str| server.send("coordinator", "POST", "/api/v1/commands/retire", &[], body.as_bytes());
    post("{").refused(400, "request.malformed");
    post("[]").refused(400, "request.malformed");
    post(&"[".repeat(100_000)).refused(400, "request.malformed");
    post(&" ".repeat((1 << 20) + 1)).refused(413, "request.too_large");
    let id = "urn:uuid:00000000-0000-4000-8000-00000000dead";
    let problem = server.command("coordinator", "retire", json!({"asset": id, "reason": "surplus", "owner": "x"})).refused(422, "command.malformed");
    assert!(problem["detail"].as_str().unwrap().contains("owner"), "{problem}");
    server.command("coordinator", "retire", json!({"asset": id, "reason": "surplus", "occurred": "yesterday"})).refused(422, "names.not_a_time");
    server
        .command("coordinator", "retire", json!({"asset": id, "reason": "surplus", "occurred": "2199-01-01T00:00:00Z"}))
        .refused(422, "command.future");
    server.command("coordinator", "explode", json!({})).refused(404, "command.unknown");
    let problem = server.command("approver", "issue_certificate", json!({})).refused(404, "command.own_door");
    assert!(problem["detail"].as_str().unwrap().contains("POST /api/v1/certificates"), "{problem}");
    for service_only in ["open_log", "record_rendering", "publish_status"] {
        server.command("administrator", service_only, json!({})).refused(404, "command.service_only");
    }
    let page = server.page("auditor", "/nothing");
    assert_eq!((page.status, page.header("content-type")), (404, "text/html; charset=utf-8"));
}

#[test]
fn a_person_who_was_removed_is_out_within_two_seconds() {
    use diesel::RunQueryDsl as _;
    let server = Server::start();
    assert_eq!(server.get("reports", "/api/v1/assets").status, 200);
    let mut db = server.service.app.connect().unwrap();
    diesel::sql_query("DELETE FROM people WHERE role = 'reports'").execute(&mut db).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2_050));
    server.get("reports", "/api/v1/assets").refused(401, "session.signed_out");
}

#[test]
fn every_answer_carries_the_headers_that_keep_browsers_safe() {
    let server = Server::start();
    for (who, path) in [
        ("nobody", "/verify"),
        ("auditor", "/assets"),
        ("nobody", "/nothing"),
        ("nobody", "/api/v1/assets"),
        ("nobody", "/healthz"),
        ("nobody", "/static/0/style.css"),
    ] {
        let answer = server.page(who, path);
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(
            (answer.header("x-content-type-options"), answer.header("referrer-policy"), answer.header("server")),
            ("nosniff", "same-origin", ""),
            "{path}"
        );
        if path != "/static/0/style.css" {
            assert!(answer.header("cache-control").contains("no-store"), "{path}");
        }
        assert_eq!(answer.header("set-cookie"), "", "{path}");
    }
}

#[test]
fn lists_are_read_page_by_page_without_missing_or_repeating() {
    let server = Server::start();
    for n in 1..=7 {
        story::register(&server, n);
    }
    let mut tags = Vec::new();
    let mut after = String::new();
    loop {
        let page = server.get("auditor", &format!("/api/v1/assets?limit=3&after={after}")).taken();
        tags.extend(page["assets"].as_array().unwrap().iter().map(|asset| asset["tag"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(tags, (1..=7).map(|n| format!("CB-{n:05}")).collect::<Vec<_>>());
    let some = server.get("auditor", "/api/v1/assets?tag=CB-00007&label=in_service").taken();
    assert_eq!(some["assets"].as_array().unwrap().len(), 1);
    assert_eq!(server.get("auditor", "/api/v1/assets?label=disposed").taken()["assets"], json!([]));
}

#[test]
fn lists_are_in_the_order_of_bytes_whatever_the_letters() {
    let server = Server::start();
    let mut tags = ["b-1", "B-2", "a-3", "Z-4", "_-5", "Ä-6", "ä-7", "é-8", "É-9", "Ω-10", "ß-11", "日-12", "-13", "10", "9", "a 14", "Aa15", "aB16"]
        .map(str::to_owned)
        .to_vec();
    for tag in &tags {
        let device = json!({"tag": tag, "category": "dock", "manufacturer": "Lenovo", "model": "Dock", "site": "Central"});
        server.command("coordinator", "register_asset", device).taken();
        let body = json!({"reference": tag, "from_site": "Central", "to": server.parties["GreenLoop Recycling"], "to_site": "Akron"});
        server.command("coordinator", "open_consignment", body).taken();
    }
    tags.sort();
    for (list, field) in [("assets", "tag"), ("consignments", "reference")] {
        let mut listed = Vec::new();
        let mut after = String::new();
        loop {
            let page = server.get("auditor", &format!("/api/v1/{list}?limit=2&after={after}")).taken();
            listed.extend(page[list].as_array().unwrap().iter().map(|row| row[field].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => after = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(listed, tags, "{list}");
    }
    server.audit();
}
