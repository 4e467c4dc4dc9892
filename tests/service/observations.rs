//! What was counted and what was seen: entries where it needs an explanation, a row outside the log where it does not; and what a model is known to have.

use serde_json::{Value, json};

use super::server::Server;

fn device(server: &Server, tag: &str, site: &str) -> String {
    let body = json!({"tag": tag, "serial": format!("SER{tag}"), "category": "chromebook", "manufacturer": "Dell", "model": "Chromebook 3100", "site": site,
        "status": "in_service"});
    Server::subject(&server.command("coordinator", "register_asset", body).taken(), "Asset")
}

#[test]
fn a_count_is_one_signed_act_over_a_site() {
    let server = Server::start();
    let (found, missing, elsewhere) =
        (device(&server, "CB-1", "Room 12"), device(&server, "CB-2", "Room 12"), device(&server, "CB-3", "Lincoln High"));
    let count = json!({"site": "Room 12", "scans": [{"tag": "cb-1"}, {"serial": "SER-CB-3"}, {"tag": "UNKNOWN-1"}, {"tag": "CB-1"}]});
    server.post("operator", "/api/v1/counts", &count).refused(403, "command.wrong_role");
    let key = [("Content-Type", "application/json"), ("Idempotency-Key", "count-1")];
    let counted = server.send("coordinator", "POST", "/api/v1/counts", &key, count.to_string().as_bytes()).taken();
    let events: Vec<&str> = counted["entries"].as_array().unwrap().iter().map(|entry| entry["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["count.recorded", "count.found", "count.missing", "count.unexpected", "count.unknown_scanned"]);
    let again = server.send("coordinator", "POST", "/api/v1/counts", &key, count.to_string().as_bytes());
    assert_eq!((again.header("idempotency-replayed"), again.json()), ("true", counted.clone()));
    let entry = server.get("auditor", &format!("/ledger/entries/{}", counted["entries"][0]["seq"])).taken();
    let data = |name: &str| entry["data"][name].as_u64().unwrap();
    assert_eq!((data("expected"), data("found"), data("missing"), data("unexpected"), data("unknown")), (2, 1, 1, 1, 1));
    let shown = |id: &str| server.get("auditor", &format!("/api/v1/assets/{id}")).taken();
    assert_eq!((&shown(&found)["asset"]["counted"], &shown(&found)["last_seen"]["site"]), (&Value::Null, &json!("Room 12")));
    assert_eq!((&shown(&missing)["asset"]["counted"]["found"], &shown(&missing)["last_seen"]), (&json!(false), &Value::Null));
    assert_eq!((&shown(&elsewhere)["asset"]["counted"]["site"], &shown(&elsewhere)["last_seen"]["source"]), (&json!("Room 12"), &json!("count")));
    let page = server.page("auditor", &format!("/assets/{}", missing.trim_start_matches("urn:uuid:"))).text();
    assert!(page.contains("Not found in a count at Room 12"), "{page}");
    server.audit();
}

#[test]
fn a_sighting_of_a_retired_device_is_an_entry_and_of_one_in_use_is_not() {
    let server = Server::start();
    let (used, retired) = (device(&server, "CB-1", "Room 12"), device(&server, "CB-2", "Room 12"));
    server.command("coordinator", "retire", json!({"asset": retired, "reason": "surplus"})).taken();
    let at = quittance::app::now().text();
    let sightings = json!({"source": "mdm", "sightings": [{"scan": {"serial": "SERCB-1"}, "at": at, "site": "Room 14"},
        {"scan": {"serial": "SERCB-2"}, "at": at}, {"scan": {"serial": "NOBODYS1"}, "at": at}]});
    let before = server.entries();
    let report = server.post("coordinator", "/api/v1/sightings", &sightings).taken();
    assert_eq!((&report["remembered"], &report["entries"], &report["unknown"]), (&json!(1), &json!(1), &json!(1)), "{report}");
    assert_eq!(server.entries(), before + 1);
    // The daily report again: nothing new.
    let report = server.post("administrator", "/api/v1/sightings", &sightings).taken();
    assert_eq!((&report["entries"], &report["repeated"], server.entries()), (&json!(0), &json!(1), before + 1));
    let shown = |who: &str, id: &str| server.get(who, &format!("/api/v1/assets/{id}")).taken();
    assert_eq!(shown("auditor", &used)["last_seen"]["site"], "Room 14");
    assert_eq!((&shown("auditor", &retired)["asset"]["sighting"]["seq"], &shown("auditor", &retired)["last_seen"]), (&json!(before), &Value::Null));
    let page = server.page("auditor", &format!("/assets/{}", retired.trim_start_matches("urn:uuid:"))).text();
    assert!(page.contains("needs an explanation"), "{page}");
    let future = json!({"source": "mdm", "sightings": [{"scan": {"tag": "CB-1"}, "at": "2099-01-01T00:00:00Z"}]});
    server.post("coordinator", "/api/v1/sightings", &future).refused(422, "command.future");
    server.audit();
}

#[test]
fn what_a_model_is_known_to_have_is_shown_and_expected_in_bulk() {
    let server = Server::start();
    let id = device(&server, "CB-1", "Room 12");
    let shown = |id: &str| server.get("auditor", &format!("/api/v1/assets/{id}")).taken();
    let model = &shown(&id)["model"];
    assert_eq!(
        (&model["weight_grams"], &model["weight_basis"], &model["media"][0]["embedded"]),
        (&json!(1_450), &json!("default"), &json!(true)),
        "{model}"
    );
    let medium = shown(&id)["media"][0].clone();
    assert_eq!((&medium["seen"], &medium["identified_by"]), (&json!("expected"), &json!("host_serial")), "registered with what its model has");
    assert_eq!(shown(&id)["asset"]["sensitivity"], "moderate");
    // A medium that is not there is withdrawn; what the model is known to have can be expected again, of many at once.
    server.command("approver", "withdraw_medium", json!({"medium": medium["id"], "reason": "disproved"})).taken();
    let asked = json!({"command": "expect_media", "selection": {"filter": {"category": "chromebook"}}});
    let job = server.post("coordinator", "/api/v1/bulk", &asked).taken();
    super::bulk::ended(&server, "coordinator", job["id"].as_str().unwrap());
    let media = shown(&id)["media"].as_array().unwrap().clone();
    let medium = media.iter().find(|medium| medium["state"] == "data_present").unwrap_or_else(|| panic!("{media:?}"));
    assert_eq!((&medium["seen"], &medium["identified_by"]), (&json!("expected"), &json!("host_serial")));
    let page = |id: &str| server.page("auditor", &format!("/assets/{}", id.trim_start_matches("urn:uuid:"))).text();
    assert!(page(&id).contains("expected (model)") && page(&id).contains("1,450 g (default for the kind of device)"), "{}", page(&id));
    server.command("coordinator", "confirm_medium", json!({"medium": medium["id"], "basis": "attested"})).taken();
    // Only the one that was withdrawn is still said to have been expected.
    assert_eq!(page(&id).matches("expected (model)").count(), 1, "{}", page(&id));
    let catalogue = server.get("operator", "/api/v1/catalogue").taken();
    assert!(catalogue["version"] == "1" && catalogue["model"].as_array().unwrap().len() > 150);
    server.audit();
}
