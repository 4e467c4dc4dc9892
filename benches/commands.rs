//! Commands per second over HTTP on both databases, beside what the disk, SQLite and PostgreSQL can do at all, in one interleaved run: ratios, never
//! verdicts.
//!
//! `cargo bench --all-features --bench commands`. The real server, signed in, with an Idempotency-Key on every request, validation and tables on. Each
//! round measures one after the other, for about a second each: raw `fdatasync`, one bare 600-byte row per commit, 64 rows per commit, the service on
//! SQLite at 1, 8, 64 and 1,000 clients; then, where a PostgreSQL server is installed, 64 clients of the usual hash-chain trigger ([`TRIGGER`]) and the
//! service on PostgreSQL at 1, 64 and 1,000 clients. Rounds whose raw `fdatasync` runs below 2,000 a second are a busy machine's: dropped and
//! counted. What is printed are medians of the ratios of each round, and where the writer's time went.
//! PostgreSQL's cluster stands in `TMPDIR`, which has to be on a disk: in memory its commits cost nothing, and nothing is compared.
//! On a virtual machine a page of memory that is used for the first time can cost 10 µs and more, and a commit writes a hundred of them: where much
//! memory is free, read large files first until the page cache has it, or the figures are the host's.
//! Settings: `QUITTANCE_TEST_BENCH_ROUNDS` (7), `QUITTANCE_TEST_BENCH_ASSETS` (240000 on SQLite, a third of it on PostgreSQL: what seven rounds take),
//! `QUITTANCE_TEST_BENCH_ONLY` (the columns to measure, `1 row/tx,SQLite 64`; all).
#![cfg(feature = "service")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    missing_docs
)]

#[path = "../tests/postgres/mod.rs"]
mod postgres;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::collections::{BTreeMap, VecDeque};
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use actix_web::rt::net::TcpStream;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use futures_util::future::join_all;
use quittance::app::{now, seed};
use quittance::config::{Config, Given};
use quittance::domain::names::{PersonId, Role};
use quittance::domain::{Actor, Command};
use quittance::operations::record::Spent;
use quittance::operations::{Service, open_ledger, receive_evidence};
use quittance::store::DatabaseUrl;
use quittance::store::people::{self, Person};
use quittance::store::tokens;
use serde_json::{Value, json};

const SLICE: Duration = Duration::from_millis(1_000);
/// Threads that play clients.
const PLAYERS: usize = 2;

/// The usual recipe for a tamper-evident table in PostgreSQL: a trigger chains each row to the one before, under a lock.
const TRIGGER: &str = "
CREATE TABLE audit_trail (id BIGSERIAL PRIMARY KEY, payload TEXT NOT NULL, prev BYTEA NOT NULL, hash BYTEA NOT NULL);
CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(42);
  SELECT hash INTO NEW.prev FROM audit_trail ORDER BY id DESC LIMIT 1;
  NEW.prev := coalesce(NEW.prev, ''::bytea);
  NEW.hash := sha256(NEW.prev || convert_to(NEW.payload, 'UTF8'));
  RETURN NEW;
END $$;
CREATE TRIGGER audit_chain BEFORE INSERT ON audit_trail FOR EACH ROW EXECUTE FUNCTION audit_chain();";

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A service on one of the databases, with requests ready for it.
struct Side {
    name: &'static str,
    service: Service,
    address: SocketAddr,
    jobs: Mutex<VecDeque<Job>>,
    /// Where the writer's time went, by the number of clients: nanoseconds in all, and of them by part.
    went: Mutex<BTreeMap<usize, BTreeMap<&'static str, u64>>>,
    _lock: open_ledger::Lock,
}

impl Side {
    fn start(name: &'static str, folder: &Path, database: Option<DatabaseUrl>, assets: usize) -> Self {
        eprintln!("preparing {assets} devices on {name} …");
        let began = Instant::now();
        let given = Given {
            data: Some(folder.join(name)),
            keys: Some(folder.join(format!("{name}-keys"))),
            token_rate: Some(0),
            address_connections: Some(0),
            ..Given::default()
        };
        let mut config = Config::new(&given, None, ".", None).unwrap();
        if let Some(database) = database {
            config.database = database;
        }
        let (service, jobs, lock) = prepare(&config, assets);
        let told = std::sync::mpsc::channel();
        let server = service.clone();
        std::thread::spawn(move || quittance::web::serve(server, "127.0.0.1:0", move |address, _| told.0.send(address).unwrap()).unwrap());
        let address = told.1.recv().unwrap();
        eprintln!("… {} requests ready in {} s", jobs.len(), began.elapsed().as_secs());
        Self { name, service, address, jobs: Mutex::new(jobs), went: Mutex::default(), _lock: lock }
    }

    /// Commands per second at so many clients; `None` where the prepared requests ran out.
    fn drive(&self, clients: usize) -> Option<f64> {
        let before = parts(&self.service.recorder.spent);
        let cpu = cpu_time();
        let start = Instant::now();
        let done: Option<u32> = std::thread::scope(|scope| {
            let players = clients.min(PLAYERS);
            let threads: Vec<_> =
                (0..players).map(|n| scope.spawn(move || self.play(clients / players + usize::from(n < clients % players), start))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        let elapsed = start.elapsed();
        let mut went = self.went.lock().unwrap();
        let went = went.entry(clients).or_default();
        *went.entry("all").or_default() += elapsed.as_nanos() as u64;
        *went.entry("cpu").or_default() += (cpu_time() - cpu).as_nanos() as u64;
        for (part, spent) in parts(&self.service.recorder.spent) {
            *went.entry(part).or_default() += spent - before[part];
        }
        Some(f64::from(done?) / elapsed.as_secs_f64())
    }

    /// Plays some clients on this thread: each has one request under way at any time, and sends the next as soon as it has its answer.
    fn play(&self, clients: usize, start: Instant) -> Option<u32> {
        let all = async { join_all((0..clients).map(|_| self.play_one(start))).await.into_iter().sum() };
        actix_web::rt::Runtime::new().unwrap().block_on(all)
    }

    async fn play_one(&self, start: Instant) -> Option<u32> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut received = Vec::with_capacity(8 << 10);
        let mut n = 0;
        while start.elapsed() < SLICE {
            let mut job = self.jobs.lock().unwrap().pop_front()?;
            job.set_key();
            let mut sent = 0;
            while sent < job.bytes.len() {
                stream.writable().await.unwrap();
                sent += tried(stream.try_write(&job.bytes[sent..]));
            }
            received.clear();
            let (status, body) = loop {
                stream.readable().await.unwrap();
                tried(stream.try_read_buf(&mut received));
                if let Some(answer) = answer(&received) {
                    break answer;
                }
            };
            assert_eq!(status, job.expected, "{}", String::from_utf8_lossy(body));
            n += 1;
        }
        Some(n)
    }

    fn tell(&self) {
        for (clients, went) in &*self.went.lock().unwrap() {
            let get = |part: &str| went.get(part).copied().unwrap_or(0) as f64;
            let (all, commands, batches) = (get("all"), get("commands").max(1.0), get("batches").max(1.0));
            println!(
                "{} at {clients} clients: {:.0} commands a commit. Of {:.0} µs a command the writer spent {}, waited for work {:.0}. \
                 Processors: {:.0} µs a command, clients included.",
                self.name,
                commands / batches,
                all / commands / 1e3,
                ["decide", "seal", "write", "commit"].map(|part| format!("{:.0} to {part}", get(part) / commands / 1e3)).join(", "),
                (all - get("decide") - get("seal") - get("write") - get("commit")) / commands / 1e3,
                get("cpu") / commands / 1e3,
            );
        }
    }
}

/// What all threads of this process have used of the processors, in steps of 10 ms.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    Duration::from_millis([11, 12].iter().map(|field| fields[*field].parse::<u64>().unwrap() * 10).sum())
}

fn parts(spent: &Spent) -> BTreeMap<&'static str, u64> {
    [
        ("batches", &spent.batches),
        ("commands", &spent.commands),
        ("decide", &spent.decide),
        ("seal", &spent.seal),
        ("write", &spent.write),
        ("commit", &spent.commit),
    ]
    .into_iter()
    .map(|(part, counter)| (part, counter.load(Ordering::Relaxed)))
    .collect()
}

/// One figure of a round: its name, and a measurement of it.
type Cell<'a> = (&'static str, Box<dyn Fn() -> Option<f64> + 'a>);

fn main() {
    let rounds = setting("QUITTANCE_TEST_BENCH_ROUNDS", 7);
    let assets = setting("QUITTANCE_TEST_BENCH_ASSETS", 240_000);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let sqlite = Side::start("SQLite", folder.path(), None, assets);
    let only = std::env::var("QUITTANCE_TEST_BENCH_ONLY").unwrap_or_default();
    let asked = |name: &str| only.is_empty() || only.split(',').any(|one| one == name);
    let elsewhere = if ["trigger 64", "Postgres 1", "Postgres 64", "Postgres 1000"].into_iter().any(asked) {
        Elsewhere::start(folder.path(), assets / 3)
    } else {
        None
    };

    let mut cells: Vec<Cell> = vec![
        ("fdatasync", Box::new(|| Some(raw_sync(folder.path())))),
        ("1 row/tx", Box::new(|| Some(bare_rows(folder.path(), 1)))),
        ("64 rows/tx", Box::new(|| Some(bare_rows(folder.path(), 64)))),
        ("SQLite 1", Box::new(|| sqlite.drive(1))),
        ("SQLite 8", Box::new(|| sqlite.drive(8))),
        ("SQLite 64", Box::new(|| sqlite.drive(64))),
        ("SQLite 1000", Box::new(|| sqlite.drive(1_000))),
    ];
    if let Some(there) = &elsewhere {
        cells.push(("trigger 64", Box::new(|| Some(there.trigger(64)))));
        cells.push(("Postgres 1", Box::new(|| there.side.drive(1))));
        cells.push(("Postgres 64", Box::new(|| there.side.drive(64))));
        cells.push(("Postgres 1000", Box::new(|| there.side.drive(1_000))));
    }
    cells.retain(|(name, _)| *name == "fdatasync" || asked(name));
    let mut kept: Vec<BTreeMap<&'static str, f64>> = Vec::new();
    let mut dropped = 0;
    println!("round {}   per second", cells.iter().map(|(name, _)| format!("{name:>14}")).collect::<String>());
    for round in 0..rounds {
        let Some(values) = cells.iter().map(|(name, measure)| Some((*name, measure()?))).collect::<Option<BTreeMap<_, _>>>() else {
            println!("the prepared requests ran out: for more rounds raise QUITTANCE_TEST_BENCH_ASSETS");
            break;
        };
        let quiet = values["fdatasync"] >= 2_000.0;
        let line: String = cells.iter().map(|(name, _)| format!("{:>14.0}", values[name])).collect();
        println!("{round:>5} {line}{}", if quiet { "" } else { "   busy: dropped" });
        if quiet { kept.push(values) } else { dropped += 1 }
    }
    if kept.is_empty() {
        println!("every round was busy; nothing can be said. Run again on a quiet machine.");
        return;
    }
    println!("\n{} rounds kept, {dropped} dropped. Median of the ratios of each round [lowest–highest]:", kept.len());
    for (over, under) in [
        ("SQLite 64", "1 row/tx"),
        ("SQLite 64", "64 rows/tx"),
        ("SQLite 8", "1 row/tx"),
        ("SQLite 1", "1 row/tx"),
        ("SQLite 1", "fdatasync"),
        ("SQLite 64", "SQLite 1"),
        ("SQLite 1000", "SQLite 64"),
        ("Postgres 64", "trigger 64"),
        ("Postgres 64", "Postgres 1"),
        ("Postgres 1000", "Postgres 64"),
    ] {
        let mut ratios: Vec<f64> = kept.iter().filter_map(|round| Some(round.get(over)? / round.get(under)?)).collect();
        ratios.sort_by(f64::total_cmp);
        if let (Some(lowest), Some(highest)) = (ratios.first(), ratios.last()) {
            println!("  {over:>13} ÷ {under:<11} {:>6.2} [{lowest:.2}–{highest:.2}]", ratios[ratios.len() / 2]);
        }
    }
    sqlite.tell();
    if let Some(there) = &elsewhere {
        there.side.tell();
    }
    println!("Mix: 60 % scan a line, 15 % sanitization, 10 % receipt, 10 % evidence linked, 5 % refused.");
}

/// PostgreSQL with its stock settings: our record and the table with the trigger.
#[cfg(feature = "postgres")]
struct Elsewhere {
    side: Side,
    trigger: DatabaseUrl,
    _cluster: postgres::Cluster,
}

#[cfg(feature = "postgres")]
impl Elsewhere {
    fn start(folder: &Path, assets: usize) -> Option<Self> {
        if !postgres::there() {
            return None;
        }
        let cluster = postgres::Cluster::start(&[]);
        let trigger = cluster.create();
        let side = Side::start("PostgreSQL", folder, Some(cluster.create()), assets);
        trigger_connection(&trigger).batch_execute(TRIGGER).unwrap();
        Some(Self { side, trigger, _cluster: cluster })
    }

    /// Rows per second that so many clients insert into the chained table, each its own transaction.
    fn trigger(&self, clients: usize) -> f64 {
        diesel::table! { audit_trail (id) { id -> BigInt, payload -> Text, } }
        let payload = "7".repeat(600);
        let connections: Vec<_> = (0..clients).map(|_| trigger_connection(&self.trigger)).collect();
        let start = Instant::now();
        let done: u32 = std::thread::scope(|scope| {
            let threads: Vec<_> = connections
                .into_iter()
                .map(|mut db| {
                    let payload = &payload;
                    scope.spawn(move || {
                        let mut n = 0;
                        while start.elapsed() < SLICE {
                            diesel::insert_into(audit_trail::table).values(audit_trail::payload.eq(payload)).execute(&mut db).unwrap();
                            n += 1;
                        }
                        n
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        f64::from(done) / start.elapsed().as_secs_f64()
    }
}

#[cfg(feature = "postgres")]
fn trigger_connection(url: &DatabaseUrl) -> PgConnection {
    PgConnection::establish(url.as_str()).unwrap()
}

/// Built without PostgreSQL: there is nothing to compare.
#[cfg(not(feature = "postgres"))]
struct Elsewhere {
    side: Side,
}

#[cfg(not(feature = "postgres"))]
impl Elsewhere {
    fn start(_: &Path, _: usize) -> Option<Self> {
        None
    }
    fn trigger(&self, _: usize) -> f64 {
        0.0
    }
}

fn raw_sync(folder: &Path) -> f64 {
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

fn bare_rows(folder: &Path, per_commit: u32) -> f64 {
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

/// A request, ready to be sent once it has its key.
struct Job {
    bytes: Vec<u8>,
    /// Where its key stands.
    key: usize,
    expected: u16,
}

impl Job {
    /// Gives it a key of its own, a UUID of version 7, as clients do when they send something.
    fn set_key(&mut self) {
        let milliseconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        let random = seed().unwrap().to_be_bytes();
        let key = uuid::Builder::from_unix_timestamp_millis(milliseconds, random.first_chunk().unwrap()).into_uuid();
        key.hyphenated().encode_lower(&mut self.bytes[self.key..self.key + uuid::fmt::Hyphenated::LENGTH]);
    }
}

/// How many bytes went over; none where the system was not ready after all.
fn tried(result: std::io::Result<usize>) -> usize {
    match result {
        Ok(0) => panic!("the connection was closed"),
        Err(error) if error.kind() != ErrorKind::WouldBlock => panic!("{error}"),
        done => done.unwrap_or(0),
    }
}

/// The status and body of an answer, once all of it has come.
fn answer(received: &[u8]) -> Option<(u16, &[u8])> {
    let head = received.windows(4).position(|end| end == b"\r\n\r\n")?;
    let (head, body) = (std::str::from_utf8(&received[..head]).unwrap(), &received[head + 4..]);
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let length = lines.filter_map(|line| line.split_once(": ")).find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    (body.len() == length.map_or(0, |(_, length)| length.parse().unwrap())).then_some((status, body))
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

fn prepare(config: &Config, assets: usize) -> (Service, VecDeque<Job>, open_ledger::Lock) {
    let (service, lock) = open_ledger::init(config, "http://localhost:8080", "Benchmark District", &["Warehouse".to_owned()]).unwrap();
    let organisation = service.app.service.party.to_string();
    let (administrator, _) = person(&service, Role::Administrator, &organisation);
    let (coordinator, token) = person(&service, Role::Coordinator, &organisation);
    let vendor = run(&service, &administrator, "register_party", json!({"kind": "vendor", "name": "Recycler", "sites": ["Plant"]})).remove(0);
    let credential = json!({"party": vendor, "site": "Plant", "scheme": "r2v3", "number": "C1", "issued_on": "2020-01-01", "expires_on": "2100-01-01",
        "scope": ["data_sanitization_logical", "materials_recovery"]});
    run(&service, &administrator, "record_credential", credential);
    let (_, vendor_token) = person(&service, Role::VendorOperator, &vendor);

    let serial = |n: usize| format!("BENCH{n:07}");
    // Logs that arrived before their devices were registered, of devices in the middle: each is linked when it is read again.
    let logged: Vec<usize> = (assets / 2..assets / 2 + assets / 9).collect();
    let files: Vec<String> = std::thread::scope(|scope| {
        let uploads: Vec<_> = logged
            .chunks(logged.len().div_ceil(16).max(1))
            .map(|chunk| {
                scope.spawn(|| {
                    let store = |n: &usize| receive_evidence::receive(&service, &coordinator, log(&format!("M{}", serial(*n))).as_bytes(), None);
                    chunk.iter().map(|n| store(n).unwrap().sha256.to_string()).collect::<Vec<_>>()
                })
            })
            .collect();
        uploads.into_iter().flat_map(|upload| upload.join().unwrap()).collect()
    });
    let registered = all(&service, &coordinator, "register_asset", (0..assets).map(|n| {
        json!({"tag": format!("B-{n:06}"), "serial": serial(n), "category": "laptop", "manufacturer": "Maker", "model": "Model 1", "sensitivity": "low",
               "site": "Warehouse", "media": [{"serial": format!("M{}", serial(n)), "media_type": "hdd_ata", "capacity_bytes": 500_107_862_016_u64}]})
    }));
    let assets: Vec<(String, String)> = registered.into_iter().map(|ids| (ids[0].clone(), ids[1].clone())).collect();
    all(&service, &coordinator, "retire", assets.iter().map(|(asset, _)| json!({"asset": asset, "reason": "end_of_life"})));
    let (approver, _) = person(&service, Role::Approver, &organisation);
    let rejected = ["repair", "redeploy", "resale", "donation", "parts"].map(|rung| json!({"rung": rung, "reason": "uneconomic"}));
    let evaluate = assets.iter().map(|(asset, _)| json!({"asset": asset, "rung": "recycling", "rejected": rejected}));
    all(&service, &coordinator, "evaluate", evaluate);
    all(&service, &approver, "authorize_surplus", assets.iter().map(|(asset, _)| json!({"asset": asset, "reference": "BOARD-1"})));

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
    let mut links = files.into_iter();
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
            85..95 => links.next().map(|sha256| request(&format!("evidence/{sha256}/readings"), &token, "application/json", b"", 201)),
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

/// A request; its key is set when it is sent.
fn request(path: &str, token: &str, kind: &str, body: &[u8], expected: u16) -> Job {
    let before = format!("POST /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: ");
    let key = uuid::Uuid::nil().hyphenated().to_string();
    let behind = format!("\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
    Job { bytes: [before.as_bytes(), key.as_bytes(), behind.as_bytes(), body].concat(), key: before.len(), expected }
}
fn post(path: &str, token: &str, body: &Value, expected: u16) -> Job {
    request(path, token, "application/json", body.to_string().as_bytes(), expected)
}
fn person(service: &Service, role: Role, party: &str) -> (Actor, String) {
    let token = tokens::new_token().unwrap();
    let id = PersonId::from_uuid(uuid::Builder::from_random_bytes(seed().unwrap().to_be_bytes()).into_uuid()).to_string();
    let person = Person::new(&id, role.label(), "", role, party);
    people::add_with_token(&mut service.app.connect().unwrap(), &person, &token, now().unix_ms()).unwrap();
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
