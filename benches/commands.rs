//! Commands per second over HTTP, beside what the disk and SQLite can do at all, in one interleaved run: ratios, never verdicts.
//!
//! `cargo bench --bench commands`. The real server, signed in, with validation and tables on. Each round measures, one after the other for about a
//! second each: raw `fdatasync`, one bare 600-byte row per commit, 64 rows per commit, and the service at 1, 8 and 64 clients. Rounds whose raw
//! `fdatasync` runs below 2,000 a second are a busy machine's: dropped and counted. What is printed are medians of the ratios of each round.
//! Settings: `QUITTANCE_TEST_BENCH_ROUNDS` (9), `QUITTANCE_TEST_BENCH_ASSETS` (20000).
#![cfg(feature = "service")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_docs
)]

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use quittance::app::seed;
use quittance::config::{Config, Given};
use quittance::domain::names::{PersonId, Role};
use quittance::domain::{Actor, Command};
use quittance::operations::{Service, open_ledger};
use quittance::store::people::{self, Person};
use serde_json::{Value, json};

const SLICE: Duration = Duration::from_millis(1_000);

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn main() {
    let rounds = setting("QUITTANCE_TEST_BENCH_ROUNDS", 9);
    let assets = setting("QUITTANCE_TEST_BENCH_ASSETS", 20_000);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    eprintln!("preparing {assets} devices …");
    let (service, jobs, lock) = prepare(folder.path(), assets);
    let listening = std::sync::mpsc::channel();
    let server = service.clone();
    std::thread::spawn(move || quittance::web::serve(server, "127.0.0.1:0", move |address| listening.0.send(address).unwrap()).unwrap());
    let address = listening.1.recv().unwrap();
    let jobs = Mutex::new(jobs);

    let mut kept: Vec<[f64; 6]> = Vec::new();
    let mut dropped = 0;
    println!("{:>5} {:>10} {:>10} {:>12} {:>9} {:>9} {:>9}   per second", "round", "fdatasync", "1 row/tx", "64 rows/tx", "1 client", "8", "64");
    for round in 0..rounds {
        let sync = raw_sync(folder.path());
        let one = bare_rows(folder.path(), 1);
        let batch = bare_rows(folder.path(), 64);
        let mut ours = [0.0; 3];
        for (n, clients) in [1, 8, 64].into_iter().enumerate() {
            ours[n] = drive(address, clients, &jobs);
        }
        let quiet = sync >= 2_000.0;
        println!(
            "{round:>5} {sync:>10.0} {one:>10.0} {batch:>12.0} {:>9.0} {:>9.0} {:>9.0}{}",
            ours[0],
            ours[1],
            ours[2],
            if quiet { "" } else { "   busy: dropped" }
        );
        if quiet { kept.push([sync, one, batch, ours[0], ours[1], ours[2]]) } else { dropped += 1 }
    }
    if kept.is_empty() {
        println!("every round was busy; nothing can be said. Run again on a quiet machine.");
        return;
    }
    println!("\n{} rounds kept, {dropped} dropped. Median of the ratios of each round [lowest–highest]:", kept.len());
    for (name, over, under) in [
        ("64 clients ÷ one bare row per commit", 5, 1),
        ("64 clients ÷ 64 bare rows per commit", 5, 2),
        (" 8 clients ÷ one bare row per commit", 4, 1),
        (" 1 client  ÷ one bare row per commit", 3, 1),
        (" 1 client  ÷ raw fdatasync", 3, 0),
        ("64 clients ÷ 1 client", 5, 3),
    ] {
        let mut ratios: Vec<f64> = kept.iter().map(|round| round[over] / round[under]).collect();
        ratios.sort_by(f64::total_cmp);
        println!("  {name}: {:.2} [{:.2}–{:.2}]", ratios[ratios.len() / 2], ratios[0], ratios[ratios.len() - 1]);
    }
    let left = jobs.lock().unwrap().len();
    println!("Mix: 60 % scan a line, 15 % sanitization, 10 % receipt, 10 % evidence file with link, 5 % refused. {left} prepared requests left.");
    drop(lock);
}

fn raw_sync(folder: &std::path::Path) -> f64 {
    let mut file = std::fs::File::create(folder.join("raw")).unwrap();
    let start = Instant::now();
    let mut n = 0u32;
    while start.elapsed() < SLICE / 2 {
        file.write_all(&[7; 600]).unwrap();
        file.sync_data().unwrap();
        n += 1;
    }
    f64::from(n) / start.elapsed().as_secs_f64()
}

fn bare_rows(folder: &std::path::Path, per_commit: u32) -> f64 {
    let mut db = SqliteConnection::establish(folder.join("bare.db").to_str().unwrap()).unwrap();
    db.batch_execute(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS bare (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);",
    )
    .unwrap();
    let start = Instant::now();
    let mut n = 0u32;
    diesel::table! { bare (id) { id -> Nullable<Integer>, bytes -> Binary, } }
    while start.elapsed() < SLICE {
        db.immediate_transaction(|db| {
            for _ in 0..per_commit {
                diesel::insert_into(bare::table).values(bare::bytes.eq(vec![7u8; 600])).execute(db)?;
            }
            diesel::result::QueryResult::Ok(())
        })
        .unwrap();
        n += per_commit;
    }
    f64::from(n) / start.elapsed().as_secs_f64()
}

/// A request ready to be sent.
struct Job {
    bytes: Vec<u8>,
    expected: u16,
}

fn drive(address: std::net::SocketAddr, clients: usize, jobs: &Mutex<VecDeque<Job>>) -> f64 {
    let start = Instant::now();
    let done: u32 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..clients)
            .map(|_| {
                scope.spawn(|| {
                    let stream = TcpStream::connect(address).unwrap();
                    stream.set_nodelay(true).unwrap();
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    let mut writer = stream;
                    let mut n = 0;
                    while start.elapsed() < SLICE {
                        let Some(job) = jobs.lock().unwrap().pop_front() else {
                            panic!("no prepared requests are left: raise QUITTANCE_TEST_BENCH_ASSETS")
                        };
                        writer.write_all(&job.bytes).unwrap();
                        let status = answer(&mut reader);
                        assert_eq!(status.0, job.expected, "{}", String::from_utf8_lossy(&status.1));
                        n += 1;
                    }
                    n
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    f64::from(done) / start.elapsed().as_secs_f64()
}

fn answer(reader: &mut impl BufRead) -> (u16, Vec<u8>) {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (status, body)
}

/// A small seeded generator (splitmix64): the same mix in every run.
struct Seeded(u64);
impl Seeded {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

fn prepare(folder: &std::path::Path, assets: usize) -> (Service, VecDeque<Job>, open_ledger::Lock) {
    let given = Given { data: Some(folder.join("data")), keys: Some(folder.join("keys")), ..Given::default() };
    let config = Config::new(&given, None, ".", None).unwrap();
    let (service, lock) = open_ledger::init(&config, "http://localhost:8080", "Benchmark District", &["Warehouse".to_owned()]).unwrap();
    let organisation = service.app.service.party.to_string();
    let (administrator, _) = person(&service, Role::Administrator, &organisation);
    let (coordinator, token) = person(&service, Role::Coordinator, &organisation);
    let vendor = run(&service, &administrator, "register_party", json!({"kind": "vendor", "name": "Recycler", "sites": ["Plant"]})).remove(0);
    let (_, vendor_token) = person(&service, Role::VendorOperator, &vendor);

    let serial = |n: usize| format!("BENCH{n:07}");
    let registered = all(&service, &coordinator, "register_asset", (0..assets).map(|n| {
        json!({"tag": format!("B-{n:06}"), "serial": serial(n), "category": "laptop", "manufacturer": "Maker", "model": "Model 1", "sensitivity": "low",
               "site": "Warehouse", "media": [{"serial": format!("M{}", serial(n)), "media_type": "hdd_ata", "capacity_bytes": 500_107_862_016_u64}]})
    }));
    let assets: Vec<(String, String)> = registered.into_iter().map(|ids| (ids[0].clone(), ids[1].clone())).collect();
    all(&service, &coordinator, "retire", assets.iter().map(|(asset, _)| json!({"asset": asset, "reason": "end_of_life"})));

    // A tenth of the devices travel alone, each released and waiting for its receipt.
    let (travelling, staying) = assets.split_at(assets.len() / 10);
    let open = |reference: String| json!({"reference": reference, "from_site": "Warehouse", "to": vendor, "to_site": "Plant"});
    let consignments: Vec<String> = all(&service, &coordinator, "open_consignment", (0..travelling.len()).map(|n| open(format!("T-{n}"))))
        .into_iter()
        .map(|ids| ids[0].clone())
        .collect();
    all(&service, &coordinator, "add_lines", consignments.iter().zip(travelling).map(|(c, (asset, _))| json!({"consignment": c, "assets": [asset]})));
    all(&service, &coordinator, "seal_consignment", consignments.iter().map(|c| json!({"consignment": c, "containers": [{"label": "BOX"}]})));
    all(&service, &coordinator, "release_consignment", consignments.iter().map(|c| json!({"consignment": c})));
    let dock = run(&service, &coordinator, "open_consignment", open("DOCK".to_owned())).remove(0);

    let mut scans = staying.iter();
    let mut benches = staying.iter().rev();
    let mut uploads = staying.iter().enumerate().rev().skip(staying.len() / 3);
    let mut receipts = consignments.iter().enumerate();
    let mut seeded = Seeded(1);
    let mut jobs = VecDeque::new();
    loop {
        let job = match seeded.below(100) {
            0..60 => scans.next().map(|(asset, _)| post("commands/add_lines", &token, &json!({"consignment": dock, "assets": [asset]}), 201)),
            60..75 => benches.next().map(|(_, medium)| {
                let statement = json!({"facility": "SMELTER-1", "facility_batch": "B-1"});
                post("commands/record_sanitization", &token, &json!({"medium": medium, "technique": "incinerate", "statement": statement}), 201)
            }),
            75..85 => receipts.next().map(|(n, consignment)| {
                let body =
                    json!({"consignment": consignment, "containers": [{"label": "BOX", "seal_state": "intact"}], "scans": [{"serial": serial(n)}]});
                post("commands/receive_consignment", &vendor_token, &body, 201)
            }),
            85..95 => uploads.next().map(|(n, _)| upload(&token, &log(&format!("M{}", serial(n + travelling.len()))))),
            _ => Some(post("commands/seal_consignment", &token, &json!({"consignment": dock, "containers": []}), 422)),
        };
        match job {
            Some(job) => jobs.push_back(job),
            None => return (service, jobs, lock),
        }
    }
}

fn log(serial: &str) -> String {
    format!(
        "[2026/08/03 08:12:01]    info: nwipe 0.42\n[2026/08/03 08:12:02]  notice: Found /dev/sda,  ATA    , WDC WD5000LPLX-7,  500 GB, S/N={serial}\n\
         [2026/08/03 08:12:02]    info: No hidden sectors on /dev/sda\n[2026/08/03 08:12:05]  notice: /dev/sda has serial number {serial}\n\
         [2026/08/03 08:12:06]  notice: Invoking method 'PRNG Stream' on /dev/sda\n"
    )
}

fn request(path: &str, token: &str, kind: &str, body: &[u8], expected: u16) -> Job {
    let head = format!(
        "POST /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    Job { bytes: [head.as_bytes(), body].concat(), expected }
}
fn post(path: &str, token: &str, body: &Value, expected: u16) -> Job {
    request(path, token, "application/json", body.to_string().as_bytes(), expected)
}
fn upload(token: &str, text: &str) -> Job {
    request("evidence", token, "application/octet-stream", text.as_bytes(), 201)
}

fn person(service: &Service, role: Role, party: &str) -> (Actor, String) {
    let token = people::new_token().unwrap();
    let id = PersonId::from_uuid(uuid::Builder::from_random_bytes(seed().unwrap().to_be_bytes()).into_uuid()).to_string();
    let person = Person {
        id,
        name: role.label().to_owned(),
        title: String::new(),
        role: role.as_str().to_owned(),
        party: party.to_owned(),
        token_sha256: people::token_digest(&token),
    };
    people::add(&mut service.app.connect().unwrap(), &person).unwrap();
    (person.actor().unwrap(), token)
}

/// Records one command; gives the ids of what its entries are about, in order.
fn run(service: &Service, actor: &Actor, name: &str, body: Value) -> Vec<String> {
    all(service, actor, name, std::iter::once(body)).remove(0)
}

fn all(service: &Service, actor: &Actor, name: &str, bodies: impl Iterator<Item = Value>) -> Vec<Vec<String>> {
    let commands: Vec<Command> = bodies.map(|body| Command::read(name, body).unwrap()).collect();
    let mut ids = Vec::new();
    for chunk in commands.chunks(256) {
        for receipt in service.recorder.record_many(chunk.iter().map(|command| (command.clone(), None)).collect(), actor) {
            let receipt = receipt.unwrap();
            ids.push(receipt.entries.iter().flat_map(|entry| &entry.subjects).map(|subject| subject.id.clone()).collect());
        }
    }
    ids
}
