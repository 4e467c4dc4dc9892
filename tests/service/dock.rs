//! The dock without a script: opened, scanned, handed off, taken over, received and reconciled by plain forms; and what a browser sends that was offline.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::orders::{Vendor, Yard};
use super::server::{Answer, Server};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("Content-Type", "application/json");

fn form(server: &Server, who: &str, path: &str, body: &str) -> Answer {
    server.send(who, "POST", path, &[FORM, ("Accept", "text/html")], body.as_bytes())
}

/// Where a form that was recorded leads.
fn there(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").to_owned()
}

fn items(codes: &[(&str, &str)]) -> Vec<Value> {
    codes.iter().map(|(id, code)| json!({"id": id, "code": code, "container": "P1", "at": "2026-11-20T08:00:00Z", "method": "scanner"})).collect()
}

fn send(server: &Server, who: &str, consignment: &str, items: &[Value]) -> Answer {
    server.send(who, "POST", &format!("/consignments/{consignment}/scans"), &[JSON], json!({"items": items}).to_string().as_bytes())
}

fn outcomes(answer: &Value) -> Vec<(&str, &str)> {
    let results = answer["results"].as_array().unwrap();
    results.iter().map(|result| (result["id"].as_str().unwrap(), result["outcome"].as_str().unwrap())).collect()
}

#[test]
fn a_pickup_goes_from_its_opening_to_its_reconciliation_by_plain_forms() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let vendor = Vendor::GreenLoop;
    let (_, first) = yard.to_load(vendor, "coordinator");
    let (_, second) = yard.to_load(vendor, "coordinator");
    let party = &server.parties[vendor.name()];

    // Opened: a page that can be corrected, then one consignment however often the form is sent.
    let wrong = form(&server, "coordinator", "/consignments/new", "reference=P-1&from_site=Central&to=&containers=PALLET-1");
    assert_eq!(wrong.status, 422);
    assert!(wrong.text().contains("role=\"alert\"") && wrong.text().contains("<title>Problem: ") && wrong.text().contains("value=\"P-1\""));
    let body = format!("reference=P-1&from_site=Central&to={party}%7CAkron&containers=PALLET-1&expected=2&idempotency_key=abc");
    let scan = there(&form(&server, "coordinator", "/consignments/new", &body));
    assert_eq!(there(&form(&server, "coordinator", "/consignments/new", &body)), scan, "sent twice");
    let consignment = scan.strip_suffix("/scan").unwrap().to_owned();

    // Scanned.
    let code = |code: &str, key: &str| format!("command=scan&code={code}&container=PALLET-1&idempotency_key={key}");
    let next = there(&form(&server, "coordinator", &scan, &code(&first.tag, "1")));
    assert!(next.ends_with("?container=PALLET-1"), "{next}");
    there(&form(&server, "coordinator", &scan, &code(&first.tag, "1")));
    let page = server.page("coordinator", &next).text();
    assert!(page.contains("value=\"PALLET-1\"") && page.contains(&first.tag) && page.contains("autofocus"), "{page}");
    assert!(page.contains("data-count=\"left\">1<"), "{page}");
    let again = form(&server, "coordinator", &scan, &code(&first.tag, "2"));
    assert!(again.status == 200 && again.text().contains("band again") && again.text().contains("Already on the list"), "{}", again.text());
    let unknown = form(&server, "coordinator", &scan, &code("NOBODY-KNOWS", "3"));
    assert!(unknown.status == 422 && unknown.text().contains("band problem") && unknown.text().contains("id=\"by-hand\" open"), "{}", unknown.text());
    // By its serial number, as a scanner wraps it; taken off, and put on again.
    there(&form(&server, "coordinator", &scan, &code(&format!("%5DC1{}", second.serial), "4")));
    let page = server.page("coordinator", &scan).text();
    assert!(page.contains("data-count=\"listed\">2<"), "{page}");
    there(&form(&server, "coordinator", &scan, &format!("command=undo&item={}", second.asset)));
    assert!(server.page("coordinator", &scan).text().contains("data-count=\"listed\">1<"));
    there(&form(&server, "coordinator", &scan, &code(&second.tag, "5")));

    // Handed off.
    let handoff = format!("{consignment}/handoff");
    let weight = form(&server, "coordinator", &handoff, "command=seal&container=PALLET-1&seal=004871&tare=eighteen&gross=");
    assert!(weight.status == 422 && weight.text().contains("PALLET-1: a weight is written in kilograms") && weight.text().contains("eighteen"));
    there(&form(&server, "coordinator", &handoff, "command=seal&container=PALLET-1&seal=004871&tare=18&gross=118.5"));
    let sealed = server.page("coordinator", &handoff).text();
    assert!(
        sealed.contains("118.5 kg") && sealed.contains("net 100.5 kg") && sealed.contains("Coordinator Example, disposal coordinator"),
        "{sealed}"
    );
    let closed = server.page("coordinator", &scan).text();
    assert!(closed.contains("The list is closed.") && !closed.contains("name=\"code\""), "{closed}");
    there(&form(&server, "coordinator", &handoff, "command=release&driver=TOUR-7"));
    let made = form(&server, "coordinator", &handoff, "command=code").text();
    let secret = made.split("/accept/").nth(1).unwrap().split(['<', '"']).next().unwrap();
    assert!(made.contains("<svg class=\"qr\"") && !server.page("coordinator", &handoff).text().contains(secret));

    // Taken over by whoever has the code, once; the entry is about the devices too.
    let accept = format!("/accept/{secret}");
    let offered = server.page("nobody", &accept).text();
    assert!(offered.contains("004871") && offered.contains("I take it over"), "{offered}");
    let elsewhere = server.send("nobody", "POST", &accept, &[FORM, ("Sec-Fetch-Site", "cross-site")], b"");
    elsewhere.refused(403, "session.other_site");
    assert_eq!(there(&form(&server, "nobody", &accept, "")), accept);
    assert_eq!(form(&server, "nobody", &accept, "").status, 422);
    assert!(server.page("nobody", &accept).text().contains("Taken over"));
    assert!(server.page("auditor", &format!("/assets/{}", first.asset.trim_start_matches("urn:uuid:"))).text().contains("Accepted by the driver"));
    assert!(server.page("auditor", &consignment).text().contains("by a one-time code"));

    // Received: what was listed is not shown, and one of the two is missing.
    let receive = format!("{consignment}/receive");
    let blind = server.page("operator", &receive).text();
    assert!(blind.contains("PALLET-1") && !blind.contains(&first.tag) && !blind.contains(&second.tag) && !blind.contains("004871"), "{blind}");
    let typed =
        format!("container=PALLET-1&seal_state=intact&seal=004871&kilograms=118&scans={}%0D%0A{}&counted=", first.tag, first.tag.to_lowercase());
    let reconcile = there(&form(&server, "operator", &receive, &typed));
    let page = server.page("approver", &reconcile).text();
    assert!(page.contains(&second.tag) && page.contains("name=\"resolution\" value=\"never_left\""), "{page}");
    let id = page.split("name=\"discrepancy\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let baseless = form(&server, "approver", &reconcile, &format!("discrepancy={id}&resolution=never_left"));
    assert!(baseless.status == 422 && baseless.text().contains("value=\"never_left\" checked"), "{}", baseless.text());
    assert_eq!(form(&server, "operator", &reconcile, &format!("discrepancy={id}&resolution=never_left&reference=CASE-1")).status, 403);
    there(&form(&server, "approver", &reconcile, &format!("discrepancy={id}&resolution=never_left&reference=CASE-1")));
    assert!(server.page("approver", &reconcile).text().contains("it is reconciled"));
    server.audit();
}

#[test]
fn a_signed_paper_is_photographed_and_the_entry_names_it() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let consignment = yard.sent(Vendor::GreenLoop, "coordinator");
    let handoff = format!("/consignments/{}/handoff", consignment.trim_start_matches("urn:uuid:"));
    let upload = |file: &[u8]| {
        let body = [b"--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\r\n", file, b"\r\n--line--\r\n"].concat();
        let headers = [("Content-Type", "multipart/form-data; boundary=line"), ("Accept", "text/html")];
        server.send("coordinator", "POST", &format!("{handoff}/paper"), &headers, &body)
    };
    assert_eq!(upload(b"").status, 422);
    there(&upload(b"\xff\xd8\xff a photograph"));
    let page = server.page("coordinator", &handoff).text();
    assert!(page.contains("on the signed paper manifest") && page.contains("sha256 "), "{page}");
    assert_eq!(upload(b"\xff\xd8\xff another").status, 422);
    server.audit();
}

#[test]
fn what_a_browser_kept_is_recorded_once_whatever_was_lost() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let (consignment, one) = yard.to_load(Vendor::GreenLoop, "coordinator");
    let two = yard.retired_one(Vendor::GreenLoop);
    let elsewhere = yard.loaded(Vendor::GreenLoop, "coordinator").1;
    let batch = items(&[("a", &one.tag), ("b", &one.serial), ("c", "NOBODY-KNOWS"), ("d", &elsewhere.tag), ("e", &two.serial), ("f", "")]);
    let first = send(&server, "coordinator", &consignment, &batch).taken();
    let expected = [("a", "ok"), ("b", "again"), ("c", "problem"), ("d", "problem"), ("e", "ok"), ("f", "problem")];
    assert_eq!(outcomes(&first), expected, "{first}");
    assert_eq!((first["results"][0]["name"].as_str(), first["listed"].as_u64()), (Some(one.tag.as_str()), Some(2)));
    let before = server.entries();
    // The reply was lost: the same is sent again, and some of it with what came since.
    let replayed = send(&server, "coordinator", &consignment, &batch).taken();
    assert_eq!((outcomes(&replayed), &replayed["results"][0]["entry"]), (expected.to_vec(), &first["results"][0]["entry"]));
    assert_eq!(server.entries(), before);
    let other = send(&server, "coordinator", &consignment, &items(&[("a", &two.tag)])).taken();
    assert_eq!(outcomes(&other), [("a", "conflict")]);
    // The entry has when and how, and what the scanner sent around the code.
    let seq = first["results"][0]["entry"].as_u64().unwrap();
    let entry = server.get("auditor", &format!("/ledger/entries/{seq}")).text();
    assert!(entry.contains("\"captured\":{\"method\":\"scanner\"}"), "{entry}");

    let many: Vec<(String, &str)> = (0..101).map(|n| (n.to_string(), "X")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(id, code)| (id.as_str(), *code)).collect();
    send(&server, "coordinator", &consignment, &items(&many)).refused(422, "scan.too_many");
    send(&server, "coordinator", &consignment, &[]).refused(422, "scan.too_many");
    send(&server, "coordinator", &consignment, &items(&[("", "X")])).refused(422, "scan.id");
    let path = format!("/consignments/{consignment}/scans");
    let body = json!({"items": items(&[("z", &two.tag)])}).to_string();
    let (_, cookie) = server.browser("coordinator");
    for site in ["cross-site", "same-site", "none"] {
        let other = server.send("nobody", "POST", &path, &[JSON, ("Cookie", &cookie), ("Sec-Fetch-Site", site)], body.as_bytes());
        other.refused(403, "session.other_site");
    }
    let own = server.send("nobody", "POST", &path, &[JSON, ("Cookie", &cookie)], body.as_bytes());
    assert_eq!(outcomes(&own.taken()), [("z", "again")]);
    server.audit();
}

#[test]
fn forty_scans_with_lost_replies_are_forty_lines() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let (consignment, _) = yard.to_load(Vendor::GreenLoop, "coordinator");
    let things: Vec<_> = (0..40).map(|_| yard.retired_one(Vendor::GreenLoop)).collect();
    let kept: Vec<Value> = things.iter().enumerate().flat_map(|(n, thing)| items(&[(&format!("id-{n}"), &thing.tag)])).collect();
    for chunk in [&kept[..25], &kept[..25], &kept[10..40], &kept[..40]] {
        let answer = send(&server, "coordinator", &consignment, chunk).taken();
        assert!(outcomes(&answer).iter().all(|(_, outcome)| *outcome == "ok"), "{answer}");
    }
    let shown = server.get("auditor", &format!("/api/v1/consignments/{consignment}")).taken();
    assert_eq!(shown["consignment"]["lines"], 40);
    server.audit();
}

#[test]
fn whoever_watches_is_told_that_something_changed() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let (consignment, thing) = yard.to_load(Vendor::GreenLoop, "coordinator");
    let mut stream = TcpStream::connect(server.base.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    let token = &server.tokens["auditor"];
    write!(
        stream,
        "GET /consignments/{consignment}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\nAccept-Encoding: br\r\n\r\n"
    )
    .unwrap();
    let mut said = String::new();
    let mut until = |words: &str| {
        let mut bytes = [0; 4_096];
        while !said.contains(words) {
            let n = stream.read(&mut bytes).unwrap();
            assert!(n > 0, "the stream ended before “{words}”: {said}");
            said.push_str(&String::from_utf8_lossy(&bytes[..n]));
        }
    };
    until("\"listed\":0");
    until("text/event-stream");
    send(&server, "coordinator", &consignment, &items(&[("a", &thing.tag)])).taken();
    until("\"listed\":1");
}

#[test]
fn the_page_for_when_there_is_no_network_knows_nobody() {
    let server = Server::start();
    let shell = server.page("coordinator", "/dock");
    assert_eq!(shell.status, 200);
    let text = shell.text();
    assert!(text.contains("<scan-box") && !text.contains("Coordinator Example") && !text.contains("/sign-out"), "{text}");
    let spanish = server.send("nobody", "GET", "/dock", &[("Accept", "text/html"), ("Accept-Language", "es")], b"").text();
    assert!(spanish.contains("Escanear sin red") && spanish.contains("No hay red."), "{spanish}");
    let worker = server.get("nobody", "/sw.js");
    assert!(worker.header("content-type").starts_with("text/javascript"), "{:?}", worker.headers);
    let text = worker.text();
    let told: Value = serde_json::from_str(text.split("const TOLD = ").nth(1).unwrap().split(";\n").next().unwrap()).unwrap();
    for file in told["files"].as_array().unwrap() {
        assert_eq!(server.get("nobody", file.as_str().unwrap()).status, 200, "{file}");
    }
    assert!(told["files"].as_array().unwrap().iter().any(|file| file.as_str().unwrap().ends_with("/js/dock/queue.js")));
}
