//! Many clients at once want the same thing: one gets it, and every other is told which entry was first.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};

use super::orders::{prepare, rejected};
use super::server::{Answer, Server};
use super::story::{self, nwipe_log};

const CLIENTS: usize = 32;

/// Every client sends its request in the same moment, and again where the service was busy.
fn all_at_once(request: impl Fn(usize) -> Answer + Sync) -> Vec<Answer> {
    let start = Barrier::new(CLIENTS);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| {
                let (start, request) = (&start, &request);
                scope.spawn(move || {
                    start.wait();
                    loop {
                        let answer = request(n);
                        if answer.status != 503 {
                            return answer;
                        }
                    }
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    })
}

/// One was taken; every other was refused so and told the entry of the one. Gives the receipt of the one.
fn one_winner(server: &Server, answers: Vec<Answer>, code: &str, event: &str) -> Value {
    let (mut won, lost): (Vec<Answer>, Vec<Answer>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!((won.len(), lost.len()), (1, CLIENTS - 1), "{:?}", lost.iter().map(Answer::text).collect::<Vec<_>>());
    let receipt = won.remove(0).json();
    let seq = if receipt["seq"].is_u64() { &receipt["seq"] } else { &receipt["entries"][0]["seq"] };
    let told = server.get("auditor", &format!("/ledger/entries/{seq}")).json();
    for problem in lost.into_iter().map(|answer| answer.refused(422, code)) {
        let [moved] = &problem["moved"].as_array().unwrap_or_else(|| panic!("{problem}"))[..] else { panic!("{problem}") };
        assert_eq!((&moved["seq"], &moved["event"], &moved["time"]), (seq, &json!(event), &told["time"]), "{problem}");
        assert_eq!(moved["party"], "Northfield School District", "{problem}");
        assert!(moved["role"] == "disposal coordinator" || moved["role"] == "approver", "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("Entry {seq} of ")) && detail.contains(moved["sentence"].as_str().unwrap()), "{detail}");
        assert!(!detail.contains("Example"), "nobody's name: {detail}");
    }
    receipt
}

#[test]
fn a_tag_is_registered_once() {
    let server = Server::start();
    for round in 0..8 {
        let answers = all_at_once(|n| {
            let device = json!({"tag": format!("RACE-{round}"), "serial": format!("S{round}N{n}"), "category": "laptop", "manufacturer": "Lenovo",
                "model": "L14", "site": "Lincoln High"});
            server.command("coordinator", "register_asset", device)
        });
        one_winner(&server, answers, "registration.tag_taken", "asset.registered");
    }
    assert_eq!(server.get("auditor", "/api/v1/assets").taken()["assets"].as_array().unwrap().len(), 8);
    server.audit();
}

#[test]
fn a_device_is_certified_once() {
    let server = Server::start();
    let story = story::reconciled(&server);
    story::sanitized(&server, &story.devices[0]);
    let asset = json!({"asset": story.devices[0].id});
    let answers = all_at_once(|n| server.post(["approver", "coordinator"][n % 2], "/api/v1/certificates", &asset));
    let issued = one_winner(&server, answers, "certification.not_supported", "certificate.issued");
    let certificates = server.get("auditor", "/api/v1/certificates").taken();
    assert_eq!(certificates["certificates"].as_array().unwrap().len(), 1, "{certificates}");

    let revocations = format!("/api/v1/certificates/{}/revocations", issued["number"].as_str().unwrap());
    let answers = all_at_once(|_| server.post("approver", &revocations, &json!({"reason": "device_seen"})));
    one_winner(&server, answers, "certification.revoked", "certificate.revoked");
    server.audit();
}

fn retired(server: &Server, devices: u32) -> Vec<String> {
    let retired = (1..=devices).map(|n| {
        let id = story::register(server, n).id;
        server.command("coordinator", "retire", json!({"asset": id, "reason": "surplus"})).taken();
        prepare(server, &id);
        id
    });
    retired.collect()
}

fn opened(server: &Server, reference: &str) -> String {
    let open = json!({"reference": reference, "from_site": "Central", "to": server.parties["GreenLoop Recycling"], "to_site": "Akron"});
    Server::subject(&server.command("coordinator", "open_consignment", open).taken(), "Consignment")
}

#[test]
fn a_device_is_scanned_into_one_consignment_once_and_that_is_released_once() {
    let server = Server::start();
    let devices = retired(&server, 4);
    let open = json!({"reference": "P-0", "from_site": "Central", "to": server.parties["GreenLoop Recycling"], "to_site": "Akron"});
    let answers = all_at_once(|_| server.command("coordinator", "open_consignment", open.clone()));
    let same = Server::subject(&one_winner(&server, answers, "consignment.exists", "consignment.opened"), "Consignment");

    // Two devices into the same consignment.
    let scan = json!({"consignment": same, "assets": devices[..2]});
    let answers = all_at_once(|_| server.command("coordinator", "add_lines", scan.clone()));
    one_winner(&server, answers, "consignment.already_listed", "consignment.line_added");

    // Two others into as many consignments as there are clients; each client also has a device of its own on its list.
    let own: Vec<String> = (0..CLIENTS).map(|n| opened(&server, &format!("P-{}", n + 1))).collect();
    let answers = all_at_once(|n| server.command("coordinator", "add_lines", json!({"consignment": own[n], "assets": devices[2..]})));
    let receipt = one_winner(&server, answers, "consignment.already_listed", "consignment.line_added");
    let winner = Server::subject(&receipt, "Consignment");
    for consignment in &own {
        let lines = server.get("coordinator", &format!("/api/v1/consignments/{consignment}")).taken()["lines"].as_array().unwrap().len();
        assert_eq!(lines, if *consignment == winner { 2 } else { 0 });
    }

    let seal = json!({"consignment": same, "containers": [{"label": "PALLET-1", "seal": "1"}]});
    let answers = all_at_once(|_| server.command("coordinator", "seal_consignment", seal.clone()));
    one_winner(&server, answers, "consignment.wrong_status", "consignment.sealed");
    let answers = all_at_once(|_| server.command("coordinator", "release_consignment", json!({"consignment": same})));
    one_winner(&server, answers, "consignment.wrong_status", "consignment.released");
    server.audit();
}

/// What one scan comes to, of a device in service, into a consignment that says all of it beforehand.
pub const STEPS: [&str; 5] = ["asset.retired", "media.recorded", "asset.evaluated", "asset.surplus_authorized", "consignment.line_added"];

#[test]
fn five_hundred_devices_go_on_one_of_two_consignments_each() {
    const DEVICES: usize = 500;
    let server = Server::start();
    let tags: Vec<String> = (0..DEVICES).map(|n| format!("RUSH-{n:03}")).collect();
    thread::scope(|scope| {
        for some in tags.chunks(DEVICES / 8 + 1) {
            let server = &server;
            scope.spawn(move || {
                for tag in some {
                    let device = json!({"tag": tag, "serial": format!("SN{tag}"), "category": "chromebook", "manufacturer": "Acer", "model": "Workbook 7",
                        "site": "Central", "status": "in_service"});
                    server.command("coordinator", "register_asset", device).taken();
                }
            });
        }
    });
    let presets = json!({"reason": "surplus", "rung": "recycling", "rejected": rejected(), "media_type": "emmc"});
    let docks = ["DOCK-A", "DOCK-B"].map(|reference| {
        let open = json!({"reference": reference, "from_site": "Central", "to": server.parties["GreenLoop Recycling"], "to_site": "Akron", "presets": presets});
        let id = Server::subject(&server.command("coordinator", "open_consignment", open).taken(), "Consignment");
        server.command("approver", "authorize_consignment", json!({"consignment": id, "reference": "BOARD-7"})).taken();
        (reference, id)
    });
    // Half of the clients at each dock; each of them scans every device, beginning somewhere else.
    let all: Vec<(usize, usize, Answer)> = {
        let start = Barrier::new(CLIENTS);
        thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let (server, start, tags, docks) = (&server, &start, &tags, &docks);
                    scope.spawn(move || {
                        start.wait();
                        let scan = |n: usize| loop {
                            let body = json!({"consignment": docks[client % 2].1, "tag": tags[n], "container": "P"});
                            let answer = server.command("coordinator", "scan", body);
                            if answer.status != 503 {
                                return answer;
                            }
                        };
                        (0..DEVICES).map(|k| (client * 97 + k * 7) % DEVICES).map(|n| (client, n, scan(n))).collect::<Vec<_>>()
                    })
                })
                .collect();
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
        })
    };
    assert_eq!(all.len(), CLIENTS * DEVICES);
    let mut on: Vec<Option<(usize, u64)>> = vec![None; DEVICES];
    let (won, lost): (Vec<_>, Vec<_>) = all.into_iter().partition(|(.., answer)| answer.status == 201);
    for (client, n, answer) in won {
        let receipt = answer.json();
        let entries = receipt["entries"].as_array().unwrap();
        let events: Vec<&str> = entries.iter().map(|entry| entry["event"].as_str().unwrap()).collect();
        assert_eq!(events, STEPS);
        assert_eq!(on[n].replace((client % 2, entries[4]["seq"].as_u64().unwrap())), None, "{} is on both", tags[n]);
    }
    for (_, n, answer) in lost {
        let problem = answer.refused(422, "consignment.already_listed");
        let (dock, seq) = on[n].unwrap();
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("{} is on the consignment {} already", tags[n], docks[dock].0)), "{detail}");
        assert_eq!((&problem["moved"][0]["seq"], &problem["moved"][0]["role"]), (&json!(seq), &json!("disposal coordinator")), "{problem}");
    }
    for (dock, (_, id)) in docks.iter().enumerate() {
        let shown = server.get("coordinator", &format!("/api/v1/consignments/{id}?limit=1")).taken();
        let lines = on.iter().filter(|on| on.is_some_and(|(at, _)| at == dock)).count();
        assert_eq!(shown["consignment"]["lines"], json!(lines));
    }
    assert!(on.iter().all(Option::is_some));
    server.audit();
}

#[test]
fn the_same_key_in_parallel_has_one_effect_and_one_answer() {
    let server = Server::start();
    let device = json!({"tag": "ONCE-1", "category": "laptop", "manufacturer": "Lenovo", "model": "L14", "site": "Lincoln High"}).to_string();
    let before = server.entries();
    let answers =
        all_at_once(|_| server.send("coordinator", "POST", "/api/v1/commands/register_asset", &[("Idempotency-Key", "k")], device.as_bytes()));
    assert_eq!(server.entries(), before + 1);
    one_answer(answers);

    let log = nwipe_log("Z9LX00001");
    let upload = || loop {
        let answer = server.send("coordinator", "POST", "/api/v1/evidence", &[("Idempotency-Key", "k")], &log);
        if answer.status != 409 {
            return answer;
        }
        assert_eq!(answer.header("retry-after"), "1");
        answer.refused(409, "idempotency.running");
    };
    let before = server.entries();
    let answers = all_at_once(|_| upload());
    assert_eq!(server.entries(), before + 2, "received and read");
    one_answer(answers);
    server.audit();
}

/// All were answered alike, and all but one from before.
fn one_answer(answers: Vec<Answer>) {
    assert!(answers.iter().all(|answer| answer.status == 201), "{:?}", answers.iter().map(Answer::text).collect::<Vec<_>>());
    assert_eq!(answers.iter().filter(|answer| answer.header("idempotency-replayed") == "true").count(), CLIENTS - 1);
    assert_eq!(answers.into_iter().map(|answer| answer.body).collect::<BTreeSet<_>>().len(), 1);
}
