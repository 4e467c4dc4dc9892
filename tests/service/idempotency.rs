//! One effect for each request with an `Idempotency-Key`, whatever becomes of its answer; and commands that expect what they change to be as it was.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use diesel::{QueryDsl as _, RunQueryDsl as _};
use quittance::domain::Command;
use quittance::domain::names::AssetId;
use quittance::operations::once::{self, Once, Outcome};
use quittance::operations::record::{Recorder, Terms};
use quittance::operations::{Service, issue_certificate};
use quittance::store::idempotency::{self, Answer as KeptAnswer, RequestKey};
use quittance::store::{Ended, log};
use serde_json::{Value, json};

use super::orders::prepare;
use super::server::{Answer, Server};
use super::story::{self, nwipe_log};

const EXPORT: &str = "ID,Asset Tag,Serial,Model,Category,Manufacturer,Status,Location,Purchase Date,Purchase Cost\n\
    1,IMP-1,SER-1,Workbook 7,Laptops,Lenovo,Ready [Deployable],Central,2020-08-03,219.00\n\
    2,IMP-2,SER-2,Workbook 7,Laptops,Lenovo,Ready [Deployable],Central,2020-08-03,219.00\n";

fn keyed(server: &Server, who: &str, path: &str, key: &str, body: &[u8]) -> Answer {
    server.send(who, "POST", path, &[("Idempotency-Key", key)], body)
}

fn device(tag: &str) -> Vec<u8> {
    json!({"tag": tag, "category": "laptop", "manufacturer": "Lenovo", "model": "L14", "site": "Lincoln High"}).to_string().into_bytes()
}

const REGISTER: &str = "/api/v1/commands/register_asset";

#[test]
fn a_repeated_request_has_one_effect_and_the_same_answer() {
    let server = Server::start();
    let story = story::reconciled(&server);
    story::sanitized(&server, &story.devices[0]);
    // The first answer, twice more, and nothing new in the log.
    let again = |who: &str, path: &str, body: &[u8]| -> Value {
        let first = keyed(&server, who, path, "key-1", body);
        assert_eq!(first.header("idempotency-replayed"), "", "{path}");
        let entries = server.entries();
        for _ in 0..2 {
            let replayed = keyed(&server, who, path, "key-1", body);
            assert_eq!((replayed.status, replayed.header("idempotency-replayed")), (first.status, "true"), "{path}");
            assert_eq!(replayed.header("content-type"), first.header("content-type"));
            assert_eq!(replayed.text(), first.text(), "{path}");
        }
        assert_eq!(server.entries(), entries, "{path}");
        first.taken()
    };
    again("coordinator", REGISTER, &device("K-1"));
    let issued = again("approver", "/api/v1/certificates", json!({"asset": story.devices[0].id}).to_string().as_bytes());
    let revocations = format!("/api/v1/certificates/{}/revocations", issued["number"].as_str().unwrap());
    again("approver", &revocations, br#"{"reason": "device_seen"}"#);
    let stored = || walk(&server.service.app.data.join("files"));
    let before = stored();
    let received = again("operator", "/api/v1/evidence", &nwipe_log("Z9LX00003"));
    assert_eq!((received["already_stored"].as_bool(), stored()), (Some(false), before + 1));
    let report = again("coordinator", "/api/v1/imports?sensitivity=low", EXPORT.as_bytes());
    assert_eq!((&report["registered"], &report["unchanged"]), (&json!(2), &json!(0)), "{report}");
    // A file that was stored before makes no entry, and is answered alike all the same.
    assert_eq!(keyed(&server, "operator", "/api/v1/evidence", "key-2", &nwipe_log("Z9LX00003")).taken()["already_stored"], true);
    let replayed = keyed(&server, "operator", "/api/v1/evidence", "key-2", &nwipe_log("Z9LX00003"));
    assert_eq!((replayed.header("idempotency-replayed"), &replayed.json()["entries"]), ("true", &json!([])));
    server.audit();
}

/// Files below a folder.
fn walk(folder: &std::path::Path) -> usize {
    let items = std::fs::read_dir(folder).unwrap().map(|item| item.unwrap().path());
    items.map(|path| if path.is_dir() { walk(&path) } else { 1 }).sum()
}

#[test]
fn a_key_belongs_to_one_request_of_one_account() {
    let server = Server::start();
    let first = keyed(&server, "coordinator", REGISTER, "k", &device("K-1")).taken();
    let entries = server.entries();
    let problem = keyed(&server, "coordinator", REGISTER, "k", &device("K-2")).refused(422, "idempotency.reused");
    assert!(problem["detail"].as_str().unwrap().contains("choose a new key"), "{problem}");
    keyed(&server, "coordinator", "/api/v1/imports?sensitivity=low", "k", EXPORT.as_bytes()).taken();
    keyed(&server, "coordinator", "/api/v1/imports?sensitivity=high", "k", EXPORT.as_bytes()).refused(422, "idempotency.reused");
    assert_eq!(server.entries(), entries + 2, "the two rows of the import");
    // Another person, another route: other requests.
    keyed(&server, "administrator", REGISTER, "k", &device("K-3")).taken();
    keyed(&server, "administrator", "/api/v1/commands/register_party", "k", br#"{"kind": "vendor", "name": "V", "sites": ["S"]}"#).taken();
    let asset = Server::subject(&first, "Asset");
    let retire = json!({"asset": asset, "reason": "surplus"}).to_string();
    keyed(&server, "coordinator", "/api/v1/commands/retire", "k", retire.as_bytes()).taken();
    server.audit();
}

#[test]
fn a_refusal_is_not_remembered_and_neither_is_what_has_no_effect() {
    let server = Server::start();
    let held = story::register(&server, 1);
    let same = json!([{"medium": held.medium, "found": "same"}]);
    let repair = json!({"asset": held.id, "status": "in_stock", "media": same}).to_string();
    let path = "/api/v1/commands/return_from_repair";
    keyed(&server, "coordinator", path, "k", repair.as_bytes()).refused(422, "lifecycle.wrong_status");
    server.command("coordinator", "send_to_repair", json!({"asset": held.id, "fault": "screen"})).taken();
    keyed(&server, "coordinator", path, "k", repair.as_bytes()).taken();
    assert_eq!(keyed(&server, "coordinator", path, "k", repair.as_bytes()).header("idempotency-replayed"), "true");

    let tried = keyed(&server, "coordinator", "/api/v1/imports?dry_run=true", "d", EXPORT.as_bytes()).taken();
    assert_eq!(tried["registered"], 2);
    keyed(&server, "coordinator", "/api/v1/imports", "i", EXPORT.as_bytes()).taken();
    let tried = keyed(&server, "coordinator", "/api/v1/imports?dry_run=true", "d", EXPORT.as_bytes());
    assert_eq!((tried.header("idempotency-replayed"), &tried.json()["unchanged"]), ("", &json!(2)));
    let checked = || server.send("nobody", "POST", "/api/v1/verifications", &[("Idempotency-Key", "not a key")], b"{}");
    assert_eq!((checked().status, checked().header("idempotency-replayed")), (200, ""));

    for wrong in ["", "two words", &"x".repeat(256)] {
        let problem = keyed(&server, "coordinator", REGISTER, wrong, &device("K-1")).refused(422, "idempotency.key");
        assert!(problem["detail"].as_str().unwrap().contains("255"), "{problem}");
    }
    let twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")];
    server.send("coordinator", "POST", REGISTER, &twice, &device("K-1")).refused(422, "idempotency.key");
    keyed(&server, "coordinator", REGISTER, &"x".repeat(255), &device("K-1")).taken();
}

#[test]
fn while_the_first_is_worked_on_the_second_is_asked_to_come_back() {
    let server = Server::start();
    let (tell, told) = std::sync::mpsc::channel();
    let upload = || keyed(&server, "coordinator", "/api/v1/evidence", "k", b"a note");
    thread::scope(|scope| {
        // As long as another program holds the head of the log, the first request waits in the writer.
        let mut db = server.service.app.connect().unwrap();
        let held = db.write(|db| {
            log::take_head(db)?;
            for _ in 0..2 {
                let tell = tell.clone();
                scope.spawn(move || tell.send(upload()).unwrap());
            }
            Ok(Ended::Abandoned(told.recv().unwrap()))
        });
        let Ok(Ended::Abandoned(second)) = held else { panic!("committed") };
        assert_eq!(second.header("retry-after"), "1");
        second.refused(409, "idempotency.running");
        let (first, again) = (told.recv().unwrap(), upload());
        assert_eq!((first.status, again.header("idempotency-replayed")), (201, "true"));
        assert_eq!(first.body, again.body);
    });
}

#[test]
fn two_writers_on_one_database_have_one_effect_between_them() {
    let server = Server::start();
    let story = story::reconciled(&server);
    story::sanitized(&server, &story.devices[0]);
    let one = &server.service;
    let other = Service { app: Arc::clone(&one.app), profiles: Arc::clone(&one.profiles), recorder: Recorder::start(Arc::clone(&one.app)).unwrap() };
    let actor = |who: &str| {
        let mut db = one.app.connect().unwrap();
        quittance::store::tokens::by_token(&mut db, &server.tokens[who]).unwrap().unwrap().1.actor().unwrap()
    };
    let coordinator = actor("coordinator");
    for n in 0..20 {
        let key = RequestKey::new("me", "/here", &format!("k{n}"), "", b"");
        let register = |service: &Service| {
            let command = Command::read("register_asset", serde_json::from_slice(&device(&format!("W-{n}"))).unwrap()).unwrap();
            let terms = Terms { once: Once::created(Some(&key), |receipt| Ok(receipt.clone())), ..Terms::default() };
            service.recorder.record_once(command, &coordinator, terms)
        };
        let results = thread::scope(|scope| [one, &other].map(|service| scope.spawn(|| register(service).unwrap())).map(|t| t.join().unwrap()));
        let (now, before): (Vec<_>, Vec<_>) = results.into_iter().partition(|outcome| matches!(outcome, Outcome::Now(_)));
        let ([Outcome::Now(receipt)], [Outcome::Before(answer)]) = (&now[..], &before[..]) else { panic!("{now:?} {before:?}") };
        assert_eq!(answer.body, serde_json::to_vec(receipt).unwrap());
    }
    let asset = AssetId::parse(&story.devices[0].id).unwrap();
    let key = RequestKey::new("me", "/there", "k", "", b"");
    let issue = |service: &Service| issue_certificate::issue_once(service, &coordinator, &asset, Some(&key)).unwrap();
    let results = thread::scope(|scope| [one, &other].map(|service| scope.spawn(|| issue(service))).map(|t| t.join().unwrap()));
    assert_eq!(results.iter().filter(|outcome| matches!(outcome, Outcome::Now(_))).count(), 1, "{results:?}");
    server.audit();
}

#[test]
fn old_answers_are_swept_a_thousand_at_a_time_and_no_younger_ones() {
    let server = Server::start();
    let mut db = server.service.app.connect().unwrap();
    db.write(|db| {
        for n in 0..1500 {
            let old = RequestKey::new("me", "/here", &n.to_string(), "", b"");
            idempotency::keep(db, vec![(old, KeptAnswer { status: 201, body: b"{}".to_vec() }, 1_000 + n)])?;
        }
        Ok(Ended::Committed(()))
    })
    .unwrap();
    keyed(&server, "coordinator", REGISTER, "young", &device("K-1")).taken();
    let count = |db: &mut _| {
        use quittance::store::schema::idempotency::dsl;
        dsl::idempotency.count().get_result::<i64>(db).unwrap()
    };
    // The once-a-second thread may have been faster, never by more than a bounded step.
    once::sweep(&server.service).unwrap();
    assert!([1, 501].contains(&count(&mut db)), "{}", count(&mut db));
    once::sweep(&server.service).unwrap();
    once::sweep(&server.service).unwrap();
    assert_eq!(count(&mut db), 1);
    assert_eq!(keyed(&server, "coordinator", REGISTER, "young", &device("K-1")).header("idempotency-replayed"), "true");
}

#[test]
fn a_command_can_expect_the_consignment_to_be_as_it_was() {
    let server = Server::start();
    let devices: Vec<String> = (1..=2).map(|n| story::register(&server, n).id).collect();
    for device in &devices {
        server.command("coordinator", "retire", json!({"asset": device, "reason": "surplus"})).taken();
        prepare(&server, device);
    }
    let open = json!({"reference": "P-1", "from_site": "Central", "to": server.parties["GreenLoop Recycling"], "to_site": "Akron"});
    let consignment = Server::subject(&server.command("coordinator", "open_consignment", open).taken(), "Consignment");
    let path = format!("/api/v1/consignments/{consignment}");
    let seen = server.get("coordinator", &path);
    let etag = seen.header("etag").to_owned();
    assert_eq!(etag, format!("\"{}\"", seen.json()["consignment"]["last_seq"]));
    let unchanged = server.send("coordinator", "GET", &path, &[("If-None-Match", &etag)], b"");
    assert_eq!((unchanged.status, unchanged.header("etag"), unchanged.body.len()), (304, etag.as_str(), 0));

    let add = |device: &str, etag: &str| {
        let body = json!({"consignment": consignment, "assets": [device]}).to_string();
        server.send("coordinator", "POST", "/api/v1/commands/add_lines", &[("If-Match", etag)], body.as_bytes())
    };
    let added = add(&devices[0], &etag).taken();
    assert_eq!(server.send("coordinator", "GET", &path, &[("If-None-Match", &etag)], b"").status, 200);
    let entries = server.entries();
    let problem = add(&devices[1], &etag).refused(412, "consignment.moved_on");
    assert_eq!(problem["moved"][0]["seq"], added["entries"][0]["seq"], "{problem}");
    assert_eq!((&problem["moved"][0]["event"], &problem["moved"][1]), (&json!("consignment.line_added"), &Value::Null));
    assert!(problem["detail"].as_str().unwrap().contains("look at it again"), "{problem}");
    assert_eq!(server.entries(), entries);
    let body = json!({"consignment": consignment, "assets": [devices[1]]}).to_string();
    let by = |who: &str| server.send(who, "POST", "/api/v1/commands/add_lines", &[("If-Match", &etag)], body.as_bytes());
    by("auditor").refused(403, "command.wrong_role");
    add(&devices[1], server.get("coordinator", &path).header("etag")).taken();

    for wrong in ["*", "W/\"1\"", "\"x\"", "1"] {
        add(&devices[1], wrong).refused(422, "request.if_match");
    }
    let retire = json!({"asset": devices[0], "reason": "surplus"}).to_string();
    server.send("coordinator", "POST", "/api/v1/commands/retire", &[("If-Match", &etag)], retire.as_bytes()).refused(422, "request.if_match");
}

/// A request as a client writes it down before it sends it: what it asks, and under which key.
struct Intent {
    who: &'static str,
    path: &'static str,
    key: String,
    body: Vec<u8>,
}

impl Intent {
    /// Mostly devices; now and then evidence, and an import of two rows.
    fn new(n: usize) -> Self {
        let (path, body) = match n % 50 {
            48 => ("/api/v1/evidence", format!("{n}: a note that no reader understands").into_bytes()),
            49 => ("/api/v1/imports", EXPORT.replace("IMP-", &format!("I{n}-")).replace("SER-", &format!("S{n}-")).into_bytes()),
            _ => (REGISTER, device(&format!("L-{n}"))),
        };
        Self { who: "coordinator", path, key: format!("intent-{n}"), body }
    }

    fn bytes(&self, token: &str) -> Vec<u8> {
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: {}\r\nContent-Length: {}\r\n\r\n",
            self.path,
            self.key,
            self.body.len()
        );
        [head.as_bytes(), &self.body].concat()
    }
}

/// Reads one HTTP message with a `Content-Length`: head and body; nothing where the connection ends before its end.
fn message(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end + 4].to_vec()).unwrap();
            let length: usize = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok()).unwrap();
            if bytes.len() >= end + 4 + length {
                assert_eq!(bytes.len(), end + 4 + length, "one message at a time");
                return Some((head, bytes.split_off(end + 4)));
            }
        }
        match stream.read(&mut chunk) {
            Ok(n) if n > 0 => bytes.extend_from_slice(&chunk[..n]),
            _ => return None,
        }
    }
}

/// The next of a row of numbers that look random and are the same in every run.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Stands between clients and service, and every second time cuts the connection after the whole request was passed on: before the reply, or in
/// the middle of it.
fn unreliable_proxy(service: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for (n, client) in listener.incoming().enumerate() {
            let (service, mut client) = (service.clone(), client.unwrap());
            thread::spawn(move || {
                let mut chance = 0x9e37_79b9_7f4a_7c15 ^ (n as u64 + 1).wrapping_mul(0x2545_f491_4f6c_dd1d);
                client.set_nodelay(true).unwrap();
                let mut upstream = TcpStream::connect(service).unwrap();
                upstream.set_nodelay(true).unwrap();
                while let Some((head, body)) = message(&mut client) {
                    upstream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
                    let fate = next(&mut chance) % 4;
                    if fate == 0 {
                        return;
                    }
                    let Some((head, body)) = message(&mut upstream) else { return };
                    let reply = [head.as_bytes(), &body].concat();
                    if fate == 1 {
                        let _ = client.write_all(&reply[..next(&mut chance) as usize % reply.len()]);
                        return;
                    }
                    client.write_all(&reply).unwrap();
                }
            });
        }
    });
    address
}

const CLIENTS: usize = 16;

/// What one client saw of its request: how many replies were lost, and the answer that came through at last.
struct Seen {
    n: usize,
    status: u16,
    body: Vec<u8>,
    lost: usize,
}

/// Sends requests one after the other, each until an answer comes through.
fn client(address: &str, token: &str, requests: impl Iterator<Item = usize>) -> Vec<Seen> {
    let mut connection = None;
    let mut seen = Vec::new();
    for n in requests {
        let bytes = Intent::new(n).bytes(token);
        let mut lost = 0;
        loop {
            let stream = connection.get_or_insert_with(|| {
                let stream = TcpStream::connect(address).unwrap();
                stream.set_nodelay(true).unwrap();
                stream
            });
            let Some((head, body)) = stream.write_all(&bytes).ok().and_then(|()| message(stream)) else {
                connection = None;
                lost += 1;
                assert!(lost < 100, "request {n} was never answered");
                continue;
            };
            let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
            // The first is still being worked on, or the service is busy: again in a moment.
            if status == 409 || status == 503 {
                assert!(head.to_lowercase().contains("\r\nretry-after: 1\r\n"), "{head}");
                thread::sleep(std::time::Duration::from_millis(5));
                continue;
            }
            seen.push(Seen { n, status, body, lost });
            break;
        }
    }
    seen
}

#[test]
fn replies_that_are_lost_cost_nothing_but_a_repetition() {
    let count: usize = std::env::var("QUITTANCE_TEST_REPLAYS").map_or(1_000, |count| count.parse().unwrap());
    let server = Server::start();
    let entries = server.entries();
    let token = &server.tokens["coordinator"];
    let address = unreliable_proxy(server.base.trim_start_matches("http://").to_owned());
    let all: Vec<Seen> = thread::scope(|scope| {
        let clients: Vec<_> =
            (0..CLIENTS).map(|first| (first..count).step_by(CLIENTS)).map(|requests| scope.spawn(|| client(&address, token, requests))).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    assert_eq!(all.len(), count);
    // About every second reply was lost, or nothing was tested.
    let repeated = all.iter().filter(|seen| seen.lost > 0).count();
    assert!(repeated > count / 4, "only {repeated} of {count} lost a reply");

    // Every answer names entries of its own, and the log has those and no others.
    let mut named = BTreeSet::new();
    for seen in &all {
        let intent = Intent::new(seen.n);
        let answer: Value = serde_json::from_slice(&seen.body).unwrap();
        let seqs: Vec<u64> = if intent.path == "/api/v1/imports" {
            assert_eq!((seen.status, &answer["registered"], &answer["unchanged"]), (200, &json!(2), &json!(0)), "{answer}");
            // Two rows of one file, with whatever others recorded meanwhile between them.
            vec![answer["first_seq"].as_u64().unwrap(), answer["last_seq"].as_u64().unwrap()]
        } else {
            assert_eq!(seen.status, 201, "{answer}");
            answer["entries"].as_array().unwrap().iter().map(|entry| entry["seq"].as_u64().unwrap()).collect()
        };
        assert!(!seqs.is_empty() && seqs.iter().all(|seq| named.insert(*seq)), "request {}: {answer}", seen.n);
    }
    assert_eq!(named, (entries..server.entries()).collect(), "an entry that no answer names");
    // Asked once more, directly: the very same answer.
    for seen in all.iter().step_by(count / 500 + 1) {
        let intent = Intent::new(seen.n);
        let again = keyed(&server, intent.who, intent.path, &intent.key, &intent.body);
        assert_eq!((again.status, again.header("idempotency-replayed"), &again.body), (seen.status, "true", &seen.body));
    }
    server.audit();
    println!("{count} requests, {repeated} of them lost replies, {} in all", all.iter().map(|seen| seen.lost).sum::<usize>());
}
