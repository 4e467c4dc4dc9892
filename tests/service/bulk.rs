//! One command for many things: the preview says what stands in the way, the job does the rest while others are served, and each item once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use diesel::RunQueryDsl as _;
use quittance::domain::Command;
use quittance::domain::names::Role;
use quittance::proof::entry::Entry;
use quittance::store::bulk::{self, Job};
use quittance::store::{log, people};
use serde_json::{Value, json};

use super::orders::{Vendor, Yard};
use super::server::Server;

/// Registers so many devices in service; their ids.
fn fleet(server: &Server, letters: &str, count: u32, site: &str) -> Vec<String> {
    let everyone = people::all(&mut server.service.app.read().unwrap()).unwrap();
    let coordinator = everyone.iter().find(|person| person.role == Role::Coordinator.as_str()).unwrap().actor().unwrap();
    let ids: Vec<String> =
        (0..count).map(|n| format!("urn:uuid:00000000-0000-4000-8000-{:012x}", (u64::from(letters.as_bytes()[0]) << 32) + u64::from(n))).collect();
    for chunk in ids.chunks(256) {
        let command = |id: &String| {
            let number = id.rsplit('-').next().unwrap();
            let body = json!({"asset": id, "tag": format!("{letters}-{number}"), "category": "chromebook", "manufacturer": "Dell", "model": "Chromebook 3100",
                "site": site, "status": "in_service"});
            (Command::read("register_asset", body).unwrap(), None)
        };
        for answer in server.service.recorder.record_many(chunk.iter().map(command).collect(), &coordinator) {
            answer.unwrap();
        }
    }
    ids
}

/// Waits until a job has ended.
pub fn ended(server: &Server, who: &str, id: &str) -> Value {
    let until = Instant::now() + Duration::from_secs(300);
    loop {
        let job = server.get(who, &format!("/api/v1/bulk/{id}")).taken();
        if job["state"] != "running" {
            return job;
        }
        assert!(Instant::now() < until, "{job}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

#[test]
fn a_preview_groups_what_stands_in_the_way_and_the_job_does_the_rest() {
    let server = Server::start();
    let ids = fleet(&server, "B", 300, "Lincoln High");
    for id in &ids[..20] {
        server.command("coordinator", "retire", json!({"asset": id, "reason": "surplus"})).taken();
    }
    let nobody = "urn:uuid:00000000-0000-4000-8000-00000000dead";
    let mut selected = ids.clone();
    selected.push(nobody.to_owned());
    let asked =
        |dry_run: bool| json!({"command": "retire", "body": {"reason": "end_of_support"}, "selection": {"ids": selected}, "dry_run": dry_run});
    let before = server.entries();
    let preview = server.post("coordinator", "/api/v1/bulk", &asked(true)).taken();
    assert_eq!((&preview["total"], &preview["would"], server.entries()), (&json!(301), &json!(280), before));
    let [retired, unknown] = &preview["blockers"].as_array().unwrap()[..] else { panic!("{preview}") };
    assert_eq!((&retired["code"], &retired["count"], &retired["ids"]), (&json!("lifecycle.wrong_status"), &json!(20), &json!(&ids[..20])));
    assert!(retired["why"].as_str().unwrap().contains("only a device that is"), "{retired}");
    assert_eq!((&unknown["code"], &unknown["ids"]), (&json!("registration.unknown_asset"), &json!([nobody])));

    let key = [("Content-Type", "application/json"), ("Idempotency-Key", "one-retirement")];
    let given = server.send("coordinator", "POST", "/api/v1/bulk", &key, asked(false).to_string().as_bytes());
    assert_eq!(given.status, 201, "{}", given.text());
    let id = given.json()["id"].as_str().unwrap().to_owned();
    let again = server.send("coordinator", "POST", "/api/v1/bulk", &key, asked(false).to_string().as_bytes());
    assert_eq!((again.header("idempotency-replayed"), again.json()), ("true", given.json()));
    let job = ended(&server, "auditor", &id);
    assert_eq!((&job["state"], &job["done"], &job["refused"], &job["waiting"]), (&json!("done"), &json!(280), &json!(21), &json!(0)), "{job}");
    assert_eq!(job["blockers"], preview["blockers"]);

    // Every entry names the job and the item; each item names its entry.
    let items = server.get("coordinator", &format!("/api/v1/bulk/{id}/items?from=21&limit=200")).taken();
    assert_eq!((items["items"].as_array().unwrap().len(), &items["next"]), (200, &json!(221)));
    let mut db = server.service.app.read().unwrap();
    for item in items["items"].as_array().unwrap() {
        assert_eq!(item["state"], "done", "{item}");
        let entry = Entry::parse(&log::entry(&mut db, item["seq"].as_u64().unwrap()).unwrap().unwrap()).unwrap();
        let batch = entry.frame().batch.as_ref().unwrap();
        assert_eq!(
            (batch.id.as_str(), json!(batch.part), &json!(entry.frame().subjects[0].id)),
            (id.as_str(), item["number"].clone(), &item["subject"])
        );
    }
    drop(db);
    let first = server.get("coordinator", &format!("/api/v1/bulk/{id}/items?limit=1")).taken();
    assert_eq!((&first["items"][0]["code"], &first["items"][0]["seq"]), (&json!("lifecycle.wrong_status"), &Value::Null));
    server.audit();
}

#[test]
fn a_filter_selects_and_a_vendor_selects_only_what_concerns_it() {
    let server = Server::start();
    let yard = Yard::new(&server);
    fleet(&server, "C", 30, "Grant Elementary");
    fleet(&server, "D", 12, "Lincoln High");
    let preview = |who: &str, command: &str, body: Value, filter: Value| {
        server.post(who, "/api/v1/bulk", &json!({"command": command, "body": body, "selection": {"filter": filter}, "dry_run": true}))
    };
    let by = |filter: Value| preview("coordinator", "retire", json!({"reason": "surplus"}), filter).taken();
    assert_eq!(by(json!({"site": "Grant Elementary"}))["would"], 30);
    assert_eq!(by(json!({"site": "Lincoln High", "label": "in_service", "category": "chromebook", "tag": "D-"}))["would"], 12);
    assert_eq!(by(json!({"holder": server.parties["district"]}))["would"], 42);
    preview("coordinator", "retire", json!({"reason": "surplus"}), json!({})).refused(422, "bulk.filter");
    preview("coordinator", "retire", json!({"reason": "surplus"}), json!({"site": "Nowhere"})).refused(422, "bulk.nothing_selected");
    preview("coordinator", "open_consignment", json!({}), json!({"label": "retired"})).refused(422, "bulk.not_about_one");
    preview("auditor", "retire", json!({"reason": "surplus"}), json!({"label": "retired"})).refused(403, "command.wrong_role");
    preview("approver", "record_media", json!({}), json!({"label": "retired"})).refused(403, "command.wrong_role");

    // What is about media takes the media of the devices that the filter fits.
    let [mine, theirs] = [Vendor::GreenLoop, Vendor::RecycleOne].map(|vendor| yard.body("validate_sanitization", vendor, "approver").unwrap());
    let validated = preview("approver", "validate_sanitization", json!({}), json!({"category": "laptop"})).taken();
    assert_eq!((&validated["total"], &validated["would"]), (&json!(2), &json!(2)));
    let own = preview("operator", "verify_sanitization", json!({}), json!({"category": "laptop"})).taken();
    assert_eq!((&own["total"], &own["blockers"][0]["ids"]), (&json!(1), &json!([mine["medium"]])));
    assert!(!own.to_string().contains(theirs["medium"].as_str().unwrap()));
    let asked = json!({"command": "validate_sanitization", "selection": {"ids": [mine["medium"], theirs["medium"]]}});
    let job = ended(&server, "approver", server.post("approver", "/api/v1/bulk", &asked).taken()["id"].as_str().unwrap());
    assert_eq!((&job["done"], &job["refused"]), (&json!(2), &json!(0)));
    // Scanned onto a consignment, one by one.
    let consignment = yard.body("add_lines", Vendor::GreenLoop, "coordinator").unwrap();
    let asked = json!({"command": "add_lines", "body": {"consignment": consignment["consignment"]}, "selection": {"ids": consignment["assets"]}});
    let job = ended(&server, "coordinator", server.post("coordinator", "/api/v1/bulk", &asked).taken()["id"].as_str().unwrap());
    assert_eq!((&job["done"], &job["refused"]), (&json!(2), &json!(0)));
    server.audit();
}

#[test]
fn after_a_job_is_cancelled_nothing_more_of_it_is_recorded() {
    let server = Server::start();
    let ids = fleet(&server, "E", 1_000, "Lincoln High");
    let asked = json!({"command": "retire", "body": {"reason": "surplus"}, "selection": {"ids": ids}});
    let id = server.post("coordinator", "/api/v1/bulk", &asked).taken()["id"].as_str().unwrap().to_owned();
    server.post("auditor", &format!("/api/v1/bulk/{id}/cancellations"), &json!({})).refused(403, "command.wrong_role");
    server.get("operator", &format!("/api/v1/bulk/{id}")).refused(404, "request.unknown");
    let cancelled = server.post("coordinator", &format!("/api/v1/bulk/{id}/cancellations"), &json!({})).taken();
    assert_eq!(cancelled["state"], "cancelled", "{cancelled}");
    let entries = server.entries();
    std::thread::sleep(Duration::from_millis(700));
    let later = server.get("coordinator", &format!("/api/v1/bulk/{id}")).taken();
    assert_eq!((server.entries(), &later), (entries, &cancelled));
    assert_eq!(json!(entries), json!(cancelled["done"].as_u64().unwrap() + 1_000 + registered_before(&server)));
    server.audit();
}

/// Entries that are there before any device is registered.
fn registered_before(server: &Server) -> u64 {
    let mut db = server.service.app.read().unwrap();
    (0..).take_while(|seq| Entry::parse(&log::entry(&mut db, *seq).unwrap().unwrap()).unwrap().frame().event != "asset.registered").count() as u64
}

#[test]
fn an_item_for_which_the_service_is_always_at_fault_is_given_up_and_the_job_ends() {
    let server = Server::start();
    let ids = fleet(&server, "G", 3, "Lincoln High");
    // A job that another server has, until long from now.
    let everyone = people::all(&mut server.service.app.read().unwrap()).unwrap();
    let coordinator = everyone.iter().find(|person| person.role == Role::Coordinator.as_str()).unwrap();
    let job = Job {
        id: "urn:uuid:00000000-0000-4000-8000-00000000b017".to_owned(),
        person: coordinator.id.clone(),
        party: coordinator.party.clone(),
        command: "retire".to_owned(),
        body: json!({"reason": "surplus"}).to_string(),
        member: "asset".to_owned(),
        state: bulk::RUNNING.to_owned(),
        total: 3,
        done: 0,
        refused: 0,
        began: 0,
        ended: None,
        why: None,
        runner: "another".to_owned(),
        lease: i64::MAX,
        failed: 0,
    };
    let mut db = server.service.app.connect().unwrap();
    bulk::add(&mut db, &job, &ids).unwrap();
    for n in 1..=5 {
        let failed = bulk::tried(&mut db, &job.id, &[(2, format!("try {n}, reference 0123"))], 5).unwrap();
        assert_eq!(failed, if n == 5 { vec![2] } else { vec![] });
        let waiting: Vec<i64> = bulk::waiting(&mut db, &job.id, 10).unwrap().iter().map(|item| item.number).collect();
        assert_eq!(waiting, if n == 5 { vec![1, 3] } else { vec![1, 3, 2] }, "what was tried in vain comes last");
    }
    assert_eq!(bulk::tried(&mut db, &job.id, &[(2, "once more".to_owned())], 5).unwrap(), Vec::<i64>::new());
    let shown = server.get("auditor", &format!("/api/v1/bulk/{}", job.id)).taken();
    assert_eq!((&shown["failed"], &shown["refused"], &shown["waiting"]), (&json!(1), &json!(0), &json!(2)), "{shown}");
    let blocker = &shown["blockers"][0];
    assert_eq!((&blocker["code"], &blocker["why"], &blocker["ids"]), (&json!("service.fault"), &json!("try 5, reference 0123"), &json!([ids[1]])));
    bulk::end(&mut db, &job.id, bulk::CANCELLED, 1, None).unwrap();

    // Where others share the database, a command for which it is at fault harms nobody else; alone, the service stops and says so.
    if db.is_shared() {
        for sql in [
            "CREATE FUNCTION planted() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$ LANGUAGE plpgsql".to_owned(),
            format!("CREATE TRIGGER planted BEFORE INSERT OR UPDATE ON assets FOR EACH ROW WHEN (NEW.id = '{}') EXECUTE FUNCTION planted()", ids[1]),
        ] {
            diesel::sql_query(sql).execute(&mut db).unwrap();
        }
        let asked = json!({"command": "retire", "body": {"reason": "surplus"}, "selection": {"ids": ids}});
        let given = server.post("coordinator", "/api/v1/bulk", &asked).taken();
        let job = ended(&server, "coordinator", given["id"].as_str().unwrap());
        let counts = ["state", "done", "refused", "failed", "waiting"].map(|name| job[name].clone());
        assert_eq!(counts, [json!("done"), json!(2), json!(0), json!(1), json!(0)], "{job}");
        let why = job["blockers"][0]["why"].as_str().unwrap();
        assert!(why.contains("the reference ") && !why.contains("planted"), "{why}");
        let items = server.get("coordinator", &format!("/api/v1/bulk/{}/items?from=2&limit=1", job["id"].as_str().unwrap())).taken();
        assert_eq!((&items["items"][0]["state"], &items["items"][0]["tries"]), (&json!("failed"), &json!(5)));
        diesel::sql_query("DROP TRIGGER planted ON assets").execute(&mut db).unwrap();
    }
    server.audit();
}

#[test]
fn ten_thousand_in_one_request_and_others_are_served_meanwhile() {
    let server = Server::start();
    let ids = fleet(&server, "F", 10_000, "Lincoln High");
    let asked = json!({"command": "retire", "body": {"reason": "end_of_support"}, "selection": {"ids": ids}});
    let began = Instant::now();
    let id = server.post("coordinator", "/api/v1/bulk", &asked).taken()["id"].as_str().unwrap().to_owned();
    let accepted = began.elapsed();
    let (mut worst, mut others) = (Duration::ZERO, 0);
    let job = loop {
        let tag = format!("OTHER-{others:05}");
        let sent = Instant::now();
        let device = json!({"tag": tag, "category": "laptop", "manufacturer": "Lenovo", "model": "L14", "site": "Central"});
        server.command("coordinator", "register_asset", device).taken();
        worst = worst.max(sent.elapsed());
        others += 1;
        let job = server.get("coordinator", &format!("/api/v1/bulk/{id}")).taken();
        if job["state"] != "running" {
            break job;
        }
    };
    println!(
        "10,000 retired in {:.1} s, accepted after {} ms; the worst wait of {others} other writes meanwhile: {} ms",
        began.elapsed().as_secs_f64(),
        accepted.as_millis(),
        worst.as_millis()
    );
    assert_eq!((&job["state"], &job["done"], &job["refused"]), (&json!("done"), &json!(10_000), &json!(0)), "{job}");
    assert!(others > 10, "others were hardly served: {others}");
    let mut labels = BTreeMap::new();
    for id in ids.iter().step_by(997) {
        *labels.entry(server.get("auditor", &format!("/api/v1/assets/{id}")).taken()["label"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    assert_eq!(labels, BTreeMap::from([("retired".to_owned(), 11)]));
    let too_many: Vec<String> = (0..10_001).map(|n| format!("urn:uuid:00000000-0000-4000-8000-{n:012x}")).collect();
    let asked = json!({"command": "retire", "body": {"reason": "surplus"}, "selection": {"ids": too_many}, "dry_run": true});
    server.post("coordinator", "/api/v1/bulk", &asked).refused(422, "bulk.too_many");
    server.audit();
}
