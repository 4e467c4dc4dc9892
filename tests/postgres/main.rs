//! What only PostgreSQL can do to a record: unsafe settings, a database that dies and comes back, commits without an answer, several servers at once.
//! `QUITTANCE_TEST_DATABASE_KILLS` (3) counts kills of the database, `QUITTANCE_TEST_SECONDS` (10) is how long two servers write together.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

#[path = "../ledger/mod.rs"]
mod ledger;
#[path = "../process/mod.rs"]
mod process;
mod proxy;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use ledger::databases::{Cluster, shared, signal, there};
use ledger::{Ledger, audit};
use process::{Record, Server, agent, assert_all_there, register, setting};
use proxy::{Cut, Proxy};
use quittance::domain::Command;
use quittance::domain::certification::RevocationReason;
use quittance::domain::names::{Digest, Role};
use quittance::error::Error;
use quittance::operations::{open_ledger, publish_status};
use quittance::proof::checkpoint::Checkpoint;
use quittance::proof::status;
use quittance::store::{DatabaseUrl, inventory, log};
use serde_json::{Value, json};

fn device(tag: &str) -> Value {
    json!({"tag": tag, "category": "laptop", "manufacturer": "Maker", "model": "Model", "site": "Warehouse"})
}

fn refused(url: &DatabaseUrl) -> String {
    url.open().map(|_| "opened".to_owned()).unwrap_or_else(|error| error.to_string())
}

#[test]
fn unsafe_settings_are_refused_by_name_and_the_fix_is_said() {
    if !there() {
        return;
    }
    let cluster = Cluster::start(&[]);
    let url = cluster.url("migrated");
    assert_eq!(refused(&url), "opened");
    cluster.admin("ALTER ROLE postgres SET synchronous_commit = off");
    let error = refused(&url);
    assert!(error.contains("synchronous_commit = off") && error.contains("ALTER ROLE \"postgres\""), "{error}");
    cluster.admin("ALTER ROLE postgres RESET synchronous_commit");
    for setting in ["fsync", "full_page_writes"] {
        cluster.admin(&format!("ALTER SYSTEM SET {setting} = off"));
        cluster.admin("SELECT pg_reload_conf()");
        std::thread::sleep(Duration::from_millis(500));
        let error = refused(&url);
        assert!(error.contains(&format!("{setting} = off")) && error.contains("pg_reload_conf"), "{error}");
        cluster.admin(&format!("ALTER SYSTEM RESET {setting}"));
        cluster.admin("SELECT pg_reload_conf()");
        std::thread::sleep(Duration::from_millis(500));
    }
    cluster.admin("CREATE DATABASE dictionary TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' ENCODING 'UTF8' LOCALE 'C'");
    cluster.admin("CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII'");
    for name in ["dictionary", "bytes"] {
        let error = refused(&cluster.url(name));
        assert!(error.contains("order of its bytes") && error.contains("CREATE DATABASE quittance"), "{error}");
    }
    assert_eq!(refused(&url), "opened");
    let error = refused(&cluster.url("missing"));
    assert!(error.contains("\"missing\" does not exist"), "{error}");
}

/// Devices that are registered from several threads until `stop`; whoever is refused goes to the next server.
struct Load<'a> {
    record: &'a Record,
    acknowledged: Mutex<Vec<(u64, String)>>,
    number: AtomicUsize,
    stop: AtomicBool,
}

impl<'a> Load<'a> {
    fn on(record: &'a Record) -> Self {
        Self { record, acknowledged: Mutex::new(Vec::new()), number: AtomicUsize::new(0), stop: AtomicBool::new(false) }
    }
    /// Writes to one server, whose address may change.
    fn write(&self, server: &Mutex<String>, counted: &AtomicUsize) {
        let agent = agent();
        while !self.stop.load(Ordering::Relaxed) {
            let tag = format!("T-{}", self.number.fetch_add(1, Ordering::Relaxed));
            let url = server.lock().unwrap().clone();
            match register(&agent, &url, &self.record.token, &tag) {
                Some(seq) => {
                    self.acknowledged.lock().unwrap().push((seq, tag));
                    counted.fetch_add(1, Ordering::Relaxed);
                }
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
    fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }
    /// Nothing acknowledged is lost, no entry was acknowledged twice, and the record is whole.
    fn check(self) -> (usize, u64) {
        let acknowledged = self.acknowledged.into_inner().unwrap();
        assert_all_there(&self.record.config, &acknowledged);
        let seqs: BTreeSet<u64> = acknowledged.iter().map(|(seq, _)| *seq).collect();
        assert_eq!(seqs.len(), acknowledged.len(), "one entry was acknowledged to two");
        let report = audit(&self.record.config).unwrap();
        assert_eq!(report.findings, []);
        (acknowledged.len(), report.entries)
    }
}

/// Ends the load also where a check fails; its threads would be waited for for ever.
struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn wait_for(what: &str, patience: Duration, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + patience;
    while !done() {
        assert!(Instant::now() < until, "{what}: not within {patience:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_database_that_dies_is_answered_with_503_and_taken_up_again_when_it_is_back() {
    if !there() {
        return;
    }
    let cluster = Cluster::start(&[]);
    let record = process::of(Ledger::on(&cluster.create()));
    let server = Server::plain(&record.config);
    let load = Load::on(&record);
    let url = Mutex::new(server.url.clone());
    let counted = AtomicUsize::new(0);
    let kills = setting("QUITTANCE_TEST_DATABASE_KILLS", 3);
    std::thread::scope(|scope| {
        let _stopping = Stopping(&load.stop);
        for _ in 0..4 {
            scope.spawn(|| load.write(&url, &counted));
        }
        let asked = |method: &str| {
            let began = Instant::now();
            let agent = agent();
            let authorization = format!("Bearer {}", record.token);
            let answer = if method == "GET" {
                agent.get(format!("{}/api/v1/assets", server.url)).header("Authorization", &authorization).call()
            } else {
                let request = agent.post(format!("{}/api/v1/commands/register_asset", server.url)).header("Authorization", &authorization);
                request.header("Content-Type", "application/json").send(device("AWAY").to_string())
            };
            let answer = answer.unwrap();
            (answer.status().as_u16(), answer.headers().contains_key("retry-after"), began.elapsed())
        };
        for kill in 0..kills {
            let before = load.count();
            wait_for("writing", Duration::from_secs(20), || load.count() > before + 10);
            cluster.kill();
            std::thread::sleep(Duration::from_millis(300));
            for method in ["POST", "GET"] {
                let (status, retry, took) = asked(method);
                assert_eq!((status, retry), (503, true), "{method} without a database, round {kill}");
                assert!(took < Duration::from_millis(3_500), "{method} was answered after {took:?}");
            }
            cluster.run();
            let before = load.count();
            wait_for("recovery without a restart", Duration::from_secs(10), || load.count() > before && asked("GET").0 == 200);
        }
    });
    server.kill();
    let (acknowledged, entries) = load.check();
    println!("{kills} kills of PostgreSQL under a running service: {acknowledged} acknowledged, none lost; {entries} entries audited");
}

#[test]
fn a_commit_without_an_answer_is_looked_up_and_answered_truthfully() {
    if !there() {
        return;
    }
    let database = shared().create();
    let proxy = Proxy::start(shared().folder());
    let ledger = Ledger::on(&proxy.url(&database));
    let coordinator = ledger.someone(Role::Coordinator, "Cora");
    for (cut, tag) in [(Cut::BeforeCommit, "B1"), (Cut::AfterCommit, "A1"), (Cut::BeforeCommit, "B2"), (Cut::AfterCommit, "A2")] {
        proxy.cut(cut);
        let receipt = ledger.run(&coordinator, "register_asset", device(tag)).unwrap();
        assert!(proxy.has_cut(), "{tag}: no commit came by");
        let bytes = log::entry(&mut ledger.service.app.connect().unwrap(), receipt.entries[0].seq).unwrap().unwrap();
        assert!(String::from_utf8(bytes).unwrap().contains(&format!("\"{tag}\"")), "{tag}");
        let again = ledger.run(&coordinator, "register_asset", device(tag)).unwrap_err().to_string();
        assert!(again.contains(tag), "recorded once, and known: {again}");
    }
    // Where nobody can ask the database afterwards, nothing is claimed.
    for (cut, tag, recorded) in [(Cut::BeforeCommit, "B3", false), (Cut::AfterCommit, "A3", true)] {
        proxy.cut(cut);
        proxy.refuse(true);
        let began = Instant::now();
        match ledger.run(&coordinator, "register_asset", device(tag)) {
            Err(Error::Busy(why)) => assert!(why.contains("Look at the record"), "{why}"),
            other => panic!("{other:?}"),
        }
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
        assert!(matches!(ledger.run(&coordinator, "register_asset", device("X")), Err(Error::Busy(_))), "the database is still away");
        proxy.refuse(false);
        assert_eq!(ledger.run(&coordinator, "register_asset", device(tag)).is_err(), recorded, "{tag}");
    }
    assert_eq!(ledger.audit().unwrap().findings, []);
}

#[test]
fn a_revocation_reaches_the_list_whichever_server_took_it_and_stays_there() {
    if !there() {
        return;
    }
    let ledger = Ledger::on(&shared().create());
    let approver = ledger.someone(Role::Approver, "Abel");
    let coordinator = ledger.someone(Role::Coordinator, "Cora");
    let numbers: Vec<String> = ["A1", "A2", "A3", "A4", "A5", "A6"].map(|tag| ledger.certified(tag).1).to_vec();
    let (other, _lock) = open_ledger::open(&ledger.config).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _stopping = Stopping(&stop);
        // One server publishes all the time behind a long queue of its own, so that what it has read grows old before it is recorded.
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                // Refused where the other one was always faster.
                let _ = publish_status::publish(&ledger.service);
            }
        });
        scope.spawn(|| {
            let number = AtomicUsize::new(0);
            while !stop.load(Ordering::Relaxed) {
                let next = || Command::read("register_asset", device(&format!("Q{}", number.fetch_add(1, Ordering::Relaxed)))).unwrap();
                let commands = std::iter::repeat_with(|| (next(), None)).take(300).collect();
                for answer in ledger.service.recorder.record_many(commands, &coordinator.actor) {
                    assert!(matches!(answer, Ok(_) | Err(Error::Busy(_))), "{answer:?}");
                }
            }
        });
        for number in &numbers {
            let revoke = || publish_status::revoke(&other, &approver.actor, number, RevocationReason::EvidenceDisputed);
            wait_for("a revocation between long batches", Duration::from_secs(30), || match revoke() {
                Ok(_) => true,
                Err(Error::Busy(_)) => false,
                Err(error) => panic!("{error}"),
            });
            std::thread::sleep(Duration::from_millis(300));
        }
    });
    publish_status::publish_if_behind(&other).unwrap();
    let app = &ledger.service.app;
    let versions = inventory::all_status_versions(&mut app.connect().unwrap()).unwrap();
    let revoked = |sha256: &str| {
        let list = status::read(&app.files.get(&Digest::parse(sha256).unwrap()).unwrap(), &app.keys.did).unwrap().list;
        (0..131_072).filter(|place| list.get(*place) == Some(true)).count()
    };
    let counts: Vec<usize> = versions.iter().map(|(_, _, sha256)| revoked(sha256)).collect();
    assert!(counts.is_sorted(), "a newer list misses what an older one has: {counts:?}");
    assert_eq!(counts.last(), Some(&numbers.len()));
    assert_eq!(ledger.audit().unwrap().findings, []);
}

/// Checkpoints as clients saw them, from every server.
fn watch(servers: &[&Mutex<String>], stop: &AtomicBool, seen: &Mutex<BTreeSet<String>>) {
    let agent = agent();
    while !stop.load(Ordering::Relaxed) {
        for server in servers {
            let url = server.lock().unwrap().clone();
            if let Ok(mut answer) = agent.get(format!("{url}/ledger/checkpoint")).call()
                && answer.status() == 200
                && let Ok(note) = answer.body_mut().read_to_string()
            {
                seen.lock().unwrap().insert(note);
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Every checkpoint that anybody saw is one of the log as it is now.
fn assert_consistent(record: &Record, seen: &BTreeSet<String>) {
    let mut db = record.config.database.open().unwrap();
    let app = open_ledger::open_app(&record.config, &mut db).unwrap();
    for note in seen {
        let checkpoint = Checkpoint::open(note, app.keys.log.verifier()).unwrap();
        assert_eq!(log::root_at(&mut db, checkpoint.size).unwrap(), checkpoint.root, "a checkpoint over {} entries is contradicted", checkpoint.size);
    }
}

#[test]
fn two_servers_write_one_log_while_one_is_killed_and_started_again() {
    if !there() {
        return;
    }
    let seconds = u64::try_from(setting("QUITTANCE_TEST_SECONDS", 10)).unwrap();
    let record = process::of(Ledger::on(&shared().create()));
    let (first, second) = (Server::plain(&record.config), Server::plain(&record.config));
    let urls = [Mutex::new(first.url.clone()), Mutex::new(second.url.clone())];
    let counts = [AtomicUsize::new(0), AtomicUsize::new(0)];
    let load = Load::on(&record);
    let seen = Mutex::new(BTreeSet::new());
    let mut running = vec![second];
    std::thread::scope(|scope| {
        let _stopping = Stopping(&load.stop);
        for (url, count) in urls.iter().zip(&counts) {
            for _ in 0..4 {
                scope.spawn(|| load.write(url, count));
            }
        }
        scope.spawn(|| watch(&[&urls[0], &urls[1]], &load.stop, &seen));
        std::thread::sleep(Duration::from_millis(seconds * 400));
        first.kill();
        std::thread::sleep(Duration::from_millis(seconds * 100));
        let again = Server::plain(&record.config);
        urls[0].lock().unwrap().clone_from(&again.url);
        running.push(again);
        let before = counts[0].load(Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(seconds * 500));
        assert!(counts[0].load(Ordering::Relaxed) > before, "the server that was started again took nothing");
    });
    // What one server published, the other shows too.
    let size = log::head(&mut record.config.database.open().unwrap()).unwrap().unwrap().frontier.size();
    for url in &urls {
        wait_for("a checkpoint over everything", Duration::from_secs(5), || {
            let note = agent().get(format!("{}/ledger/checkpoint", url.lock().unwrap())).call().unwrap().body_mut().read_to_string().unwrap();
            note.lines().nth(1) == Some(&size.to_string())
        });
    }
    running.into_iter().for_each(Server::kill);
    let seen = seen.into_inner().unwrap();
    assert!(seen.len() >= 3, "{} checkpoints were seen", seen.len());
    assert_consistent(&record, &seen);
    let [one, two] = counts.map(AtomicUsize::into_inner);
    let (acknowledged, entries) = load.check();
    assert!(one > 20 && two > 20, "{one} and {two} acknowledged: that is no load");
    println!("{seconds} s of two servers: {one} + {two} = {acknowledged} acknowledged, {entries} entries, {} checkpoints seen", seen.len());
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[test]
fn a_server_that_was_frozen_in_a_transaction_neither_forks_the_log_nor_holds_it_up() {
    if !there() {
        return;
    }
    let record = process::of(Ledger::on(&shared().create()));
    let (frozen, other) = (Server::plain(&record.config), Server::plain(&record.config));
    let urls = [Mutex::new(frozen.url.clone()), Mutex::new(other.url.clone())];
    let counts = [AtomicUsize::new(0), AtomicUsize::new(0)];
    let load = Load::on(&record);
    let seen = Mutex::new(BTreeSet::new());
    let mut db = record.config.database.open().unwrap();
    let mut in_transaction = || {
        let sql = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'";
        diesel::sql_query(sql).get_result::<Count>(&mut db).unwrap().n > 0
    };
    std::thread::scope(|scope| {
        let _stopping = Stopping(&load.stop);
        for _ in 0..4 {
            scope.spawn(|| load.write(&urls[0], &counts[0]));
        }
        wait_for("writing", Duration::from_secs(10), || counts[0].load(Ordering::Relaxed) > 10);
        // Frozen while it holds the head.
        wait_for("a moment in a transaction", Duration::from_secs(20), || {
            signal("STOP", &[frozen.child.id()]);
            std::thread::sleep(Duration::from_millis(30));
            let caught = in_transaction();
            if !caught {
                signal("CONT", &[frozen.child.id()]);
            }
            caught
        });
        for _ in 0..4 {
            scope.spawn(|| load.write(&urls[1], &counts[1]));
        }
        scope.spawn(|| watch(&[&urls[1]], &load.stop, &seen));
        // PostgreSQL ends the frozen transaction after ten seconds; until then the other one answers 503.
        wait_for("the other server takes over", Duration::from_secs(20), || counts[1].load(Ordering::Relaxed) > 20);
        let before = counts[0].load(Ordering::Relaxed);
        signal("CONT", &[frozen.child.id()]);
        wait_for("the thawed server writes again", Duration::from_secs(10), || counts[0].load(Ordering::Relaxed) > before + 10);
    });
    frozen.kill();
    other.kill();
    assert_consistent(&record, &seen.into_inner().unwrap());
    let (acknowledged, entries) = load.check();
    println!("frozen in a transaction and thawed: {acknowledged} acknowledged, {entries} entries audited");
}
