//! Nothing that was acknowledged is lost: kill -9 under load, syncs counted by strace, and a sync that fails.
//! `QUITTANCE_TEST_KILL_ROUNDS` (20) and `QUITTANCE_TEST_FAILED_SYNCS` (12) set the counts.
#![cfg(feature = "service")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

#[path = "../ledger/mod.rs"]
mod ledger;
#[path = "../programs/mod.rs"]
mod programs;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ledger::{Ledger, audit};
use programs::have;
use quittance::config::Config;
use quittance::domain::names::Role;
use quittance::proof::entry::Entry;
use quittance::store::log;
use serde_json::{Value, json};

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A record on the disk with a coordinator, and no process that has it open.
struct Record {
    _folder: tempfile::TempDir,
    config: Config,
    token: String,
}

fn record() -> Record {
    let ledger = Ledger::new();
    let token = ledger.someone(Role::Coordinator, "Cora").token;
    let (folder, config) = ledger.close();
    Record { _folder: folder, config, token }
}

/// The real program, serving.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(config: &Config, wrap: impl FnOnce(&Path) -> Command) -> Self {
        Self::try_start(config, wrap).expect("the service did not start")
    }
    /// `None` where the program ended before it listened.
    fn try_start(config: &Config, wrap: impl FnOnce(&Path) -> Command) -> Option<Self> {
        let mut command = wrap(Path::new(env!("CARGO_BIN_EXE_quittance")));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&config.data).arg("--keys").arg(&config.keys);
        // As fast as it goes: here nobody is counted.
        command.args(["--token-rate", "0", "--address-connections", "0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let Some(address) = line.split("listening on ").nth(1).and_then(|rest| rest.split(". ").next()) else {
            child.wait().unwrap();
            return None;
        };
        Some(Self { url: format!("http://{address}"), child })
    }
    fn plain(config: &Config) -> Self {
        Self::start(config, |program| Command::new(program))
    }
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(10))).build().into()
}

/// Registers a device; `Some(entry)` where it was acknowledged.
fn register(agent: &ureq::Agent, server: &str, token: &str, tag: &str) -> Option<u64> {
    let body = json!({"tag": tag, "category": "laptop", "manufacturer": "Maker", "model": "Model", "site": "Warehouse"});
    let request = agent.post(format!("{server}/api/v1/commands/register_asset")).header("Authorization", format!("Bearer {token}"));
    let mut answer = request.header("Content-Type", "application/json").send(body.to_string()).ok()?;
    let text = answer.body_mut().read_to_string().ok()?;
    if answer.status() != 201 {
        return None;
    }
    serde_json::from_str::<Value>(&text).ok()?["entries"][0]["seq"].as_u64()
}

/// Every acknowledged entry is where it was said to be.
fn assert_all_there(config: &Config, acknowledged: &[(u64, String)]) {
    let mut db = config.database.open().unwrap();
    for (seq, tag) in acknowledged {
        let bytes = log::entry(&mut db, *seq).unwrap().unwrap_or_else(|| panic!("entry {seq} was acknowledged and is lost"));
        assert_eq!(Entry::parse(&bytes).unwrap().frame().data["tag"], json!(tag), "entry {seq}");
    }
}

#[test]
fn kill_9_under_load_loses_nothing_that_was_acknowledged() {
    let rounds = setting("QUITTANCE_TEST_KILL_ROUNDS", 20);
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
            // A different moment in each round.
            std::thread::sleep(Duration::from_millis(60 + (round as u64 * 37) % 240));
            let killed = Command::new("kill").args(["-9", &server.child.id().to_string()]).status().unwrap();
            assert!(killed.success());
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
fn every_commit_waits_for_the_disk() {
    if !have("strace", "strace") {
        return;
    }
    let record = record();
    let counts = record.config.data.join("strace.txt");
    let server = Server::start(&record.config, |program| {
        let mut command = Command::new("strace");
        command.args(["-f", "-c", "-e", "trace=fdatasync,fsync", "-o"]).arg(&counts).arg(program);
        command
    });
    let agent = agent();
    const COMMITS: u64 = 40;
    for n in 0..COMMITS {
        register(&agent, &server.url, &record.token, &format!("S-{n}")).expect("acknowledged");
    }
    // strace writes its table when the traced program ends by itself.
    let child = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", server.child.id())).unwrap();
    Command::new("kill").args(["-TERM", child.trim()]).status().unwrap();
    let mut server = server;
    server.child.wait().unwrap();
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
