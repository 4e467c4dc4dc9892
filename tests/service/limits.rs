//! What the service does not give: too many requests, connections or bytes, too slow ones, and answers while the writer is busy.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use quittance::config::{Limits, Networks};
use quittance::domain::Command;
use quittance::domain::refusal::Refusal;
use quittance::operations::record::Beside;
use serde_json::json;

use super::matrix::check_headers;
use super::server::{Answer, Server};

/// A connection of its own, on which these bytes were sent.
fn connect(server: &Server, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.base.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

/// Everything that comes until the other side closes.
fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    if let Err(error) = stream.read_to_end(&mut bytes) {
        // A reset says the same as an end.
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "the connection is still open");
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn too_many(answer: Answer) -> u64 {
    check_headers("429", &answer);
    let wait = answer.header("retry-after").parse().unwrap();
    answer.refused(429, "request.too_many");
    wait
}

#[test]
fn programs_people_and_the_public_are_counted_apart() {
    let limits = Limits { person_rate: 5, token_rate: 12, public_rate: 8, ..Limits::default() };
    let server = Server::start_within(limits);
    let cookie = format!("session={}", server.tokens["auditor"]);
    let by_cookie = || server.send("nobody", "GET", "/assets", &[("Cookie", &cookie)], b"");
    for _ in 0..12 {
        assert_eq!(server.get("auditor", "/api/v1/assets").status, 200);
    }
    assert!((1..=60).contains(&too_many(server.get("auditor", "/api/v1/assets"))));
    // The same person with a browser, another person with a token, and whoever has none: each has an allowance of their own.
    for _ in 0..5 {
        assert_eq!(by_cookie().status, 200);
    }
    too_many(by_cookie());
    assert_eq!(server.get("coordinator", "/api/v1/assets").status, 200);
    for _ in 0..4 {
        assert_eq!(server.get("nobody", "/healthz").status, 200);
    }
    // A token that nobody has is nobody's: another one each time gives no more.
    for n in 0..4 {
        let token = format!("Bearer qtn_{n}");
        assert_eq!(server.send("nobody", "GET", "/api/v1/assets", &[("Authorization", &token)], b"").status, 401);
    }
    for path in ["/healthz", "/static/0/style.css", "/nothing", "/certificates/X-1"] {
        too_many(server.get("nobody", path));
    }
    too_many(server.send("nobody", "GET", "/api/v1/assets", &[("Authorization", "Bearer qtn_9")], b""));
    too_many(server.send("nobody", "POST", "/api/v1/verifications", &[], b"x"));
    // No one is believed to come from elsewhere.
    too_many(server.send("nobody", "GET", "/healthz", &[("X-Forwarded-For", "203.0.113.7")], b""));
    assert_eq!(server.get("coordinator", "/healthz").status, 200);
    let page = server.page("nobody", "/verify");
    assert!(page.status == 429 && page.text().contains("go on in"), "{}", page.text());
}

#[test]
fn behind_a_trusted_proxy_each_address_is_counted_and_an_ipv6_network_is_one() {
    let limits = Limits { public_rate: 3, trusted_proxies: Networks::parse("127.0.0.0/8").unwrap(), ..Limits::uncounted() };
    let server = Server::start_within(limits);
    let from = |address: &str| server.send("nobody", "GET", "/healthz", &[("X-Forwarded-For", address)], b"");
    for _ in 0..3 {
        assert_eq!(from("203.0.113.7").status, 200);
    }
    too_many(from("203.0.113.7"));
    too_many(from("198.51.100.1, 203.0.113.7"));
    assert_eq!(from("203.0.113.8").status, 200);
    for host in 1..=3 {
        assert_eq!(from(&format!("2001:db8:1:2::{host}")).status, 200);
    }
    too_many(from("2001:db8:1:2:ffff::9"));
    assert_eq!(from("2001:db8:1:3::1").status, 200);
}

#[test]
fn half_a_head_on_200_connections_stops_nobody() {
    let server = Server::start_within(Limits { head_time: Duration::from_secs(3), ..Limits::uncounted() });
    let slow: Vec<_> = (0..200).map(|_| connect(&server, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")).collect();
    for _ in 0..20 {
        assert_eq!(server.get("nobody", "/healthz").text(), "ok\n");
        assert_eq!(server.get("auditor", "/api/v1/assets").status, 200);
    }
    for stream in slow {
        let said = rest(stream);
        assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    }
}

#[test]
fn a_connection_that_was_used_well_before_does_not_wait_for_ever_either() {
    let limits = Limits { head_time: Duration::from_secs(1), idle_time: Duration::from_secs(2), ..Limits::uncounted() };
    let server = Server::start_within(limits);
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let used: Vec<_> = (0..50)
        .map(|_| {
            let mut stream = connect(&server, request);
            let mut first = [0; 12];
            stream.read_exact(&mut first).unwrap();
            assert_eq!(&first, b"HTTP/1.1 200");
            stream.write_all(b"GET /healthz HTTP/1.1\r\nX-Slow: ").unwrap();
            stream
        })
        .collect();
    // One that asks again and again stays open longer than it may be idle.
    let mut busy = connect(&server, request);
    for _ in 0..10 {
        let mut some = [0; 4_096];
        assert!(busy.read(&mut some).unwrap() > 0);
        std::thread::sleep(Duration::from_millis(400));
        busy.write_all(request).unwrap();
    }
    for stream in used {
        rest(stream);
    }
    assert_eq!(server.get("nobody", "/healthz").status, 200);
}

#[test]
fn more_connections_from_one_address_than_it_may_have_are_closed() {
    let server = Server::start_within(Limits { address_connections: 20, ..Limits::uncounted() });
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut held: Vec<TcpStream> = Vec::new();
    let answers = |stream: &mut TcpStream| {
        let mut first = [0; 12];
        stream.read_exact(&mut first).is_ok_and(|()| &first == b"HTTP/1.1 200")
    };
    // The client that set the server up may still hold one or two.
    let mut closed = 0;
    for _ in 0..30 {
        let mut stream = connect(&server, request);
        if answers(&mut stream) {
            held.push(stream);
        } else {
            closed += 1;
        }
    }
    assert!((17..=20).contains(&held.len()) && closed >= 10, "{} answered, {closed} closed", held.len());
    // What is closed makes room.
    held.truncate(5);
    let answered = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(25));
        answers(&mut connect(&server, request))
    });
    assert!(answered, "no place became free");
}

#[test]
fn bodies_come_in_time_or_not_at_all() {
    let server = Server::start_within(Limits { body_time: Duration::from_secs(1), ..Limits::uncounted() });
    let token = &server.tokens["coordinator"];
    let form = "multipart/form-data; boundary=x";
    let json = "application/json";
    for (path, kind) in [
        ("/sign-in", "application/x-www-form-urlencoded"),
        ("/api/v1/commands/retire", json),
        ("/api/v1/certificates", json),
        ("/api/v1/evidence", "text/plain"),
        ("/api/v1/imports", "text/csv"),
        ("/api/v1/verifications", json),
        ("/verify", form),
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nSec-Fetch-Site: same-origin\r\nContent-Type: {kind}\r\nContent-Length: 100\r\n\r\n{{"
        );
        let mut stream = connect(&server, head.as_bytes());
        let mut said = [0; 12];
        stream.read_exact(&mut said).unwrap();
        assert_eq!(String::from_utf8_lossy(&said), "HTTP/1.1 408", "{path}");
    }
    // What comes piece by piece is taken.
    let body = json!({"kind": "vendor", "name": "Patient Ltd", "sites": ["Here"]}).to_string();
    let (one, two) = body.split_at(20);
    let head = format!(
        "POST /api/v1/commands/register_party HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{one}",
        server.tokens["administrator"],
        body.len()
    );
    let mut stream = connect(&server, head.as_bytes());
    std::thread::sleep(Duration::from_millis(300));
    stream.write_all(two.as_bytes()).unwrap();
    let mut said = [0; 12];
    stream.read_exact(&mut said).unwrap();
    assert_eq!(String::from_utf8_lossy(&said), "HTTP/1.1 201");
}

#[test]
fn what_is_too_large_is_refused_by_its_own_limit() {
    let server = Server::start();
    let send = |path: &str, kind: &str, size: usize| server.send("coordinator", "POST", path, &[("Content-Type", kind)], &vec![b'a'; size]);
    send("/sign-in", "application/x-www-form-urlencoded", (256 << 10) + 1).refused(413, "request.too_large");
    assert_eq!(send("/sign-in", "application/x-www-form-urlencoded", 256 << 10).status, 400);
    send("/api/v1/commands/retire", "application/json", (1 << 20) + 1).refused(413, "request.too_large");
    send("/api/v1/commands/retire", "application/json", 1 << 20).refused(400, "request.malformed");
    send("/api/v1/evidence", "application/octet-stream", (25 << 20) + 1).refused(413, "request.too_large");
    let long = |size: usize| server.send("auditor", "GET", "/api/v1/assets", &[("X-Long", &"x".repeat(size))], b"");
    assert_eq!(long(15 << 10).status, 200);
    long(16 << 10).refused(431, "request.head_too_large");
    assert_eq!(server.get("auditor", &format!("/assets?tag={}", "x".repeat(17 << 10))).status, 431);
    // Beyond what the connection holds at all.
    let said = rest(connect(&server, format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {}", "x".repeat(200_000)).as_bytes()));
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 431 ") || said.starts_with("HTTP/1.1 400 "), "{said}");
    server.get("auditor", "/api/v1/assets?limit=200").taken();
    server.get("auditor", "/api/v1/assets?limit=201").refused(422, "request.limit");
}

/// Keeps the writer busy until the sender is dropped; tells when it is.
fn occupy(server: &Server) -> (mpsc::Sender<()>, std::thread::JoinHandle<()>) {
    let (release, released) = mpsc::channel::<()>();
    let (started, has_started) = mpsc::channel();
    let (released, started) = (Mutex::new(released), Mutex::new(started));
    let beside: Beside = Arc::new(move |_, _| {
        started.lock().unwrap().send(()).unwrap();
        let _ = released.lock().unwrap().recv();
        Err(Refusal::new("test.given_up", "This was never meant to be recorded.").into())
    });
    let service = server.service.clone();
    let busy = std::thread::spawn(move || {
        let body = json!({"kind": "vendor", "name": "Nobody Ltd", "sites": ["Nowhere"]});
        let actor = service.app.service.clone();
        let answer = service.recorder.record_waiting(Command::read("register_party", body).unwrap(), &actor, None, Some(beside));
        assert!(answer.is_err());
    });
    has_started.recv().unwrap();
    (release, busy)
}

#[test]
fn a_full_queue_and_a_busy_writer_say_when_to_come_back() {
    let server = Server::start_within(Limits { answer_time: Duration::from_secs(2), ..Limits::uncounted() });
    let before = server.get("auditor", "/api/v1/parties").taken();
    let (release, busy) = occupy(&server);
    let register = json!({"kind": "vendor", "name": "Slow Ltd", "sites": ["Nowhere"]});
    let slow = server.command("administrator", "register_party", register.clone());
    check_headers("503", &slow);
    assert_eq!(slow.header("retry-after"), "10");
    let problem = slow.refused(503, "service.slow");
    assert!(problem["detail"].as_str().unwrap().contains("look at the record"), "{problem}");

    let service = server.service.clone();
    let flood = std::thread::spawn(move || {
        let nothing = json!({"asset": "urn:uuid:00000000-0000-4000-8000-00000000dead", "reason": "surplus"});
        let commands = (0..9_000).map(|_| (Command::read("retire", nothing.clone()).unwrap(), None)).collect();
        let actor = service.app.service.clone();
        let answers = service.recorder.record_many(commands, &actor);
        answers.iter().filter(|answer| matches!(answer, Err(quittance::error::Error::Busy(_)))).count()
    });
    let full = (0..1_000).find_map(|_| {
        let answer = server.command("administrator", "register_party", register.clone());
        (answer.header("retry-after") == "1").then_some(answer)
    });
    full.expect("the queue was never full").refused(503, "service.busy");
    // Reading goes on meanwhile.
    assert_eq!(server.get("auditor", "/api/v1/parties").taken(), before);
    drop(release);
    busy.join().unwrap();
    assert!(flood.join().unwrap() > 0);
    server.audit();
}

#[test]
fn the_process_may_hold_as_many_connections_as_the_machine_allows() {
    let server = Server::start();
    assert_eq!(server.get("nobody", "/healthz").status, 200);
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let files: Vec<u64> =
        limits.lines().find(|line| line.starts_with("Max open files")).unwrap().split_whitespace().filter_map(|n| n.parse().ok()).collect();
    let [soft, hard] = files[..] else { panic!("{limits}") };
    assert!(soft >= hard.min(20_200), "{soft} of {hard}");
}
