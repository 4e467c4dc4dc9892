//! Exceptions through the doors: the service finds them by itself, people deal with them on their pages, and they end by themselves.

use std::time::{Duration, Instant};

use quittance::config::Limits;
use quittance::operations::{find_exceptions, rebuild_tables};
use quittance::store::watchlist;
use serde_json::{Value, json};

use super::orders::{Vendor, Yard};
use super::server::Server;

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn listed(server: &Server, who: &str, status: &str) -> Vec<Value> {
    server.get(who, &format!("/api/v1/exceptions?status={status}&limit=200")).taken()["exceptions"].as_array().unwrap().clone()
}

fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let since = Instant::now();
    while !there() {
        assert!(since.elapsed() < Duration::from_secs(30), "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_service_finds_them_by_itself_and_closes_them_when_they_end() {
    let server = Server::start_within(Limits { look_every: Some(Duration::from_millis(50)), ..Limits::uncounted() });
    let story = super::story::received(&server);
    wait_for("the short device", || listed(&server, "auditor", "open").len() == 1);
    let open = listed(&server, "auditor", "open");
    let found = (&open[0]["rule"], &open[0]["severity"], &open[0]["concerns"]);
    assert_eq!(found, (&json!("E-06"), &json!("critical"), &json!([server.parties["GreenLoop Recycling"]])));
    assert!(open[0]["next_step"].as_str().unwrap().contains("approver"));
    let address = open[0]["address"].as_str().unwrap().to_owned();
    assert_eq!(server.get("operator", &address).status, 200);
    server.get("stranger", &address).refused(404, "request.unknown");
    for discrepancy in server.get("approver", &format!("/api/v1/consignments/{}", story.consignment)).taken()["discrepancies"].as_array().unwrap() {
        let resolution = if discrepancy["kind"] == "short" { "located_at_receiver" } else { "scan_error" };
        let mut body = json!({"discrepancy": discrepancy["id"], "resolution": resolution, "reference": "CASE-17"});
        if resolution == "located_at_receiver" {
            body["document"] = server.send("operator", "POST", "/api/v1/evidence", &[], b"found in bay 7").taken()["sha256"].clone();
        }
        server.command("approver", "resolve_discrepancy", body).taken();
    }
    wait_for("its end", || listed(&server, "auditor", "open").is_empty());
    let shown = server.get("auditor", &address).taken();
    assert_eq!((&shown["exception"]["status"], &shown["exception"]["resolution"]["how"]), (&json!("resolved"), &json!("condition_ended")));
    let events: Vec<&str> = shown["entries"].as_array().unwrap().iter().map(|entry| entry["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["exception.raised", "exception.resolved"]);
    assert_eq!(shown["entries"][1]["actor"]["role"], "service");
    server.audit();
}

#[test]
fn people_deal_with_them_on_their_pages() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let (id, thing) = yard.stuck(Vendor::GreenLoop);
    let path = format!("/exceptions/E-22.{}", thing.asset.trim_start_matches("urn:uuid:"));
    let list = server.page("coordinator", "/exceptions").text();
    for words in ["E-22 Stuck in one state", &format!("device {}", thing.tag), "open <b>1</b> <small>1 medium", "overdue", "nobody yet"] {
        assert!(list.contains(words), "no “{words}” in {list}");
    }
    let page = server.page("coordinator", &path).text();
    assert!(page.contains("What to do next") && page.contains("30 days after receipt without sanitization"), "{page}");
    assert!(!server.page("auditor", &path).text().contains("<form class=\"card"), "an auditor changes nothing");

    // As a browser sends it: with the cookie, and never from another site.
    let cookie = format!("session={}", server.tokens["coordinator"]);
    let send = |site: &str, form: &str| server.send("nobody", "POST", &path, &[FORM, ("Cookie", &cookie), ("Sec-Fetch-Site", site)], form.as_bytes());
    let assign = "command=assign_exception&person=urn%3Auuid%3A00000000-0000-4000-8000-000000000002";
    send("cross-site", assign).refused(403, "session.other_site");
    send("same-site", assign).refused(403, "session.other_site");
    let answer = send("same-origin", assign);
    assert_eq!((answer.status, answer.header("location")), (303, path.as_str()));
    send("same-origin", "command=retire").refused(422, "exceptions.form");
    send("same-origin", "command=resolve_exception&how=explained").refused(422, "exceptions.no_evidence");
    let until = (quittance::app::now().utc() + chrono::TimeDelta::days(3)).format("%Y-%m-%d");
    assert_eq!(send("same-origin", &format!("command=snooze_exception&until={until}&reason=waiting_for_vendor")).status, 303);
    assert_eq!((listed(&server, "operator", "snoozed").len(), listed(&server, "stranger", "snoozed").len()), (1, 0));
    assert_eq!(send("same-origin", "command=resolve_exception&how=explained&reference=CASE-3&evidence=").status, 303);
    let page = server.page("coordinator", &path).text();
    for words in ["Approver Example", "explained by the evidence named", "reference CASE-3", "Open again"] {
        assert!(page.contains(words), "no “{words}” in {page}");
    }
    // What somebody resolved stays so while its condition goes on, until somebody opens it again.
    assert_eq!(find_exceptions::all(&server.service).unwrap(), 0);
    assert_eq!(send("same-origin", "command=reopen_exception&reason=resolved_in_error").status, 303);
    assert_eq!(listed(&server, "auditor", "open")[0]["id"], json!(id));
    let counts = server.get("auditor", "/api/v1/exceptions").taken()["counts"].clone();
    assert_eq!(counts, json!({"open": {"medium": 1}}));
    server.audit();
}

#[test]
fn lists_are_in_order_and_paged_and_a_rebuild_makes_the_same() {
    let server = Server::start();
    let yard = Yard::new(&server);
    for _ in 0..3 {
        yard.stuck(Vendor::GreenLoop);
    }
    super::story::received(&server);
    // The short device, and nothing twice, however often one looks.
    assert_eq!((find_exceptions::all(&server.service).unwrap(), find_exceptions::all(&server.service).unwrap()), (1, 0));
    let mut after = String::new();
    let mut seen = Vec::new();
    loop {
        let page = server.get("auditor", &format!("/api/v1/exceptions?limit=3&after={after}")).taken();
        seen.extend(page["exceptions"].as_array().unwrap().iter().map(|one| one["severity"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["critical", "medium", "medium", "medium"]);
    let mut db = server.service.app.connect().unwrap();
    let before = (watchlist::ListRow::all(&mut db).unwrap(), watchlist::CountRow::all(&mut db).unwrap());
    rebuild_tables::rebuild(&mut db, &mut |_, _| ()).unwrap();
    assert_eq!((watchlist::ListRow::all(&mut db).unwrap(), watchlist::CountRow::all(&mut db).unwrap()), before);
    server.audit();
}
