//! Nothing that was acknowledged is lost: kill -9 under load, syncs counted by strace, a sync that fails, and power cuts.
//! `QUITTANCE_TEST_KILL_ROUNDS` (50) and `QUITTANCE_TEST_FAILED_SYNCS` (12) set the counts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

#[path = "../ledger/mod.rs"]
mod ledger;
#[path = "../programs/mod.rs"]
mod programs;

mod power;
#[path = "../process/mod.rs"]
mod process;

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ledger::{audit, databases};
use process::{Server, agent, assert_all_there, record, register, setting};
use programs::have;
use quittance::proof::entry::Entry;
use quittance::store::inventory;
use serde_json::{Value, json};

fn kill_9(server: &Server) {
    assert!(Command::new("kill").args(["-9", &server.child.id().to_string()]).status().unwrap().success());
}

#[test]
fn kill_9_under_load_loses_nothing_that_was_acknowledged() {
    let rounds = setting("QUITTANCE_TEST_KILL_ROUNDS", 50);
    let record = record();
    let acknowledged: Mutex<Vec<(u64, String)>> = Mutex::new(Vec::new());
    let number = AtomicUsize::new(0);
    for round in 0..rounds {
        let server = Server::plain(&record.config);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let agent = agent();
                    while !stop.load(Ordering::Relaxed) {
                        let tag = format!("T-{}", number.fetch_add(1, Ordering::Relaxed));
                        match register(&agent, &server.url, &record.token, &tag) {
                            Some(seq) => acknowledged.lock().unwrap().push((seq, tag)),
                            None => break,
                        }
                    }
                });
            }
            // Under load, and at a different moment in each round.
            let loaded = acknowledged.lock().unwrap().len() + 12;
            let until = Instant::now() + Duration::from_secs(20);
            while acknowledged.lock().unwrap().len() < loaded {
                assert!(Instant::now() < until, "nothing is acknowledged in round {round}");
                std::thread::sleep(Duration::from_millis(5));
            }
            std::thread::sleep(Duration::from_millis((round as u64 * 37) % 240));
            kill_9(&server);
            stop.store(true, Ordering::Relaxed);
        });
        server.kill();
        assert_all_there(&record.config, &acknowledged.lock().unwrap());
    }
    let report = audit(&record.config).unwrap();
    assert_eq!(report.findings, []);
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() > 10 * rounds, "{} acknowledged in {rounds} rounds is no load", acknowledged.len());
    println!("{rounds} rounds of kill -9: {} entries acknowledged, none lost; {} entries audited", acknowledged.len(), report.entries);
}

#[test]
fn kill_9_in_the_middle_of_a_bulk_job_carries_out_each_item_once() {
    const DEVICES: usize = 600;
    let record = record();
    let agent = agent();
    let post = |server: &Server, path: &str, body: Value| -> Value {
        let request = agent.post(format!("{}{path}", server.url)).header("Authorization", format!("Bearer {}", record.token));
        let mut answer = request.header("Content-Type", "application/json").send(body.to_string()).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        assert_eq!(answer.status(), 201, "{text}");
        serde_json::from_str(&text).unwrap()
    };
    let mut server = Server::plain(&record.config);
    let ids: Vec<String> = (0..DEVICES).map(|n| format!("urn:uuid:00000000-0000-4000-8000-{n:012x}")).collect();
    for id in &ids {
        let device = json!({"asset": id, "tag": &id[24..], "category": "laptop", "manufacturer": "Maker", "model": "Model", "site": "Warehouse"});
        post(&server, "/api/v1/commands/register_asset", device);
    }
    let asked = json!({"command": "retire", "body": {"reason": "surplus"}, "selection": {"ids": ids}});
    let job = post(&server, "/api/v1/bulk", asked)["id"].as_str().unwrap().to_owned();
    let progress = |server: &Server| -> Option<(String, u64)> {
        let request = agent.get(format!("{}/api/v1/bulk/{job}", server.url)).header("Authorization", format!("Bearer {}", record.token));
        let job: Value = serde_json::from_str(&request.call().ok()?.body_mut().read_to_string().ok()?).ok()?;
        Some((job["state"].as_str()?.to_owned(), job["done"].as_u64()?))
    };
    let until = Instant::now() + Duration::from_secs(120);
    let mut kills = 0;
    loop {
        assert!(Instant::now() < until, "the job does not end: {:?}", progress(&server));
        let Some((state, done)) = progress(&server) else { continue };
        if state != "running" {
            assert_eq!((state.as_str(), done), ("done", DEVICES as u64));
            break;
        }
        // Four times, each further on.
        if kills < 4 && done >= kills * 120 {
            kill_9(&server);
            server.kill();
            server = Server::plain(&record.config);
            kills += 1;
        }
    }
    server.kill();
    assert_eq!(kills, 4, "the job was never interrupted");
    let mut db = record.config.database.open().unwrap();
    for id in &ids {
        let entries = inventory::timeline(&mut db, std::slice::from_ref(id), 0, 10).unwrap();
        let events: Vec<String> = entries.iter().map(|(_, bytes)| Entry::parse(bytes).unwrap().frame().event.clone()).collect();
        assert_eq!(events, ["asset.registered", "asset.retired"], "{id}");
    }
    assert_eq!(audit(&record.config).unwrap().findings, []);
}

#[test]
fn every_commit_waits_for_the_disk() {
    if !have("strace", "strace") {
        return;
    }
    const COMMITS: u64 = 40;
    let folder = tempfile::tempdir().unwrap();
    let counts = folder.path().join("strace.txt");
    let traced = |what: &mut Command| {
        let mut command = Command::new("strace");
        command.args(["-q", "-f", "-c", "-e", "trace=fdatasync,fsync", "-o"]).arg(&counts).arg(what.get_program()).args(what.get_args());
        command
    };
    let write = |record: &process::Record, server: &Server| {
        let agent = agent();
        for n in 0..COMMITS {
            register(&agent, &server.url, &record.token, &format!("S-{n}")).expect("acknowledged");
        }
    };
    #[cfg(feature = "postgres")]
    let elsewhere = databases::on_postgres(module_path!()) && databases::there();
    #[cfg(not(feature = "postgres"))]
    let elsewhere = false;
    if elsewhere {
        #[cfg(feature = "postgres")]
        {
            // A server of its own, so that nobody else's commits are counted.
            let cluster = databases::Cluster::start(&[]);
            let record = process::of(ledger::Ledger::on(&cluster.create()));
            let mut strace = traced(Command::new("-p").arg(cluster.id().to_string())).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(500));
            let server = Server::plain(&record.config);
            write(&record, &server);
            server.kill();
            databases::signal("INT", &[strace.id()]);
            strace.wait().unwrap();
        }
    } else {
        let record = record();
        let mut server = Server::start(&record.config, |program| traced(&mut Command::new(program)));
        write(&record, &server);
        // strace writes its table when the traced program ends by itself.
        let child = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", server.child.id())).unwrap();
        Command::new("kill").args(["-TERM", child.trim()]).status().unwrap();
        server.child.wait().unwrap();
    }
    let table = std::fs::read_to_string(&counts).unwrap();
    let calls: u64 =
        table.lines().filter(|line| line.ends_with("fdatasync")).map(|line| line.split_whitespace().nth(3).unwrap().parse::<u64>().unwrap()).sum();
    println!("{table}{COMMITS} commits one after the other, {calls} fdatasync");
    assert!(calls >= COMMITS, "{calls} fdatasync for {COMMITS} commits\n{table}");
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged() {
    if !have("cc", "gcc") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let shim = folder.path().join("failing_fsync.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash/failing_fsync.c");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&shim).arg(source).arg("-ldl").status().unwrap();
    assert!(built.success());
    let mut failed_under_load = 0;
    for at in 1..=setting("QUITTANCE_TEST_FAILED_SYNCS", 12) {
        let record = record();
        let mark = folder.path().join(format!("mark-{at}"));
        let started = Server::try_start(&record.config, |program| {
            let mut command = Command::new(program);
            command.env("LD_PRELOAD", &shim).env("FAIL_SYNC_AT", at.to_string()).env("FAIL_SYNC_MARK", &mark);
            command
        });
        let agent = agent();
        let Some(server) = started else {
            assert!(mark.exists(), "the service did not start although no sync failed");
            continue;
        };
        let mut acknowledged = Vec::new();
        let (start, mut n) = (Instant::now(), 0);
        let mut refused = 0;
        while refused < 5 && start.elapsed() < Duration::from_secs(20) {
            n += 1;
            let failed_before = mark.exists();
            let tag = format!("F-{n}");
            match register(&agent, &server.url, &record.token, &tag) {
                Some(seq) => {
                    assert!(!failed_before, "sync {at} failed, and {tag} was acknowledged after it");
                    acknowledged.push((seq, tag));
                }
                None => refused += 1,
            }
        }
        assert!(mark.exists(), "sync {at} never came");
        assert_eq!(refused, 5, "sync {at}: writing did not stop");
        failed_under_load += 1;
        server.kill();
        // A restart looks at the disk, and goes on.
        let server = Server::plain(&record.config);
        assert!(register(&agent, &server.url, &record.token, "AFTER").is_some(), "sync {at}: no writing after the restart");
        server.kill();
        assert_all_there(&record.config, &acknowledged);
        assert_eq!(audit(&record.config).unwrap().findings, []);
    }
    assert!(failed_under_load > 0, "no sync failed while commands were being recorded");
    println!("{failed_under_load} failed syncs: nothing acknowledged after any of them, everything acknowledged before is there");
}
