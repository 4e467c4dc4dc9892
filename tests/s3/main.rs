//! Stored files in a bucket of a real S3 server: what is stored and read there, what is found out, and what becomes of the service while the bucket fails.
#![cfg(feature = "s3")]
#![allow(clippy::duplicate_mod, reason = "what tells whether a program is at hand is used by the record of the tests too")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

#[path = "../ledger/mod.rs"]
mod ledger;
#[path = "../process/mod.rs"]
mod process;
#[path = "../programs/mod.rs"]
mod programs;
mod store;

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use ledger::{Ledger, nwipe_log};
use process::{Server, agent, register};
use quittance::config::Config;
use quittance::domain::names::Role;
use quittance::proof::digest::{hex, sha256};
use quittance::store::files::Files;
use quittance::store::log;
use serde_json::Value;
use store::{Mode, Store, object};

/// A record that is served with its files in the bucket.
struct Served {
    server: Server,
    config: Config,
    _folder: tempfile::TempDir,
    operator: String,
    coordinator: String,
    /// A certificate that was issued.
    number: String,
    agent: ureq::Agent,
}

/// An answer of the service.
struct Answer {
    status: u16,
    retry_after: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}: {}", self.status, String::from_utf8_lossy(&self.body)))
    }
}

impl Served {
    fn start(store: &Store) -> Self {
        let ledger = Ledger::in_bucket(store.bucket());
        let (operator, coordinator) = (ledger.someone(Role::VendorOperator, "Otto").token, ledger.someone(Role::Coordinator, "Cora").token);
        let (_, number) = ledger.certified("S3-1");
        let (folder, config) = ledger.close();
        let server = Server::start(&config, |program| store.program(program));
        Self { server, config, _folder: folder, operator, coordinator, number, agent: agent() }
    }
    fn answer(answer: ureq::http::Response<ureq::Body>) -> Answer {
        let (parts, mut body) = answer.into_parts();
        let retry_after = parts.headers.get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        Answer { status: parts.status.as_u16(), retry_after, body: body.read_to_vec().unwrap() }
    }
    fn get(&self, path: &str) -> Answer {
        let request = self.agent.get(format!("{}{path}", self.server.url)).header("Authorization", format!("Bearer {}", self.operator));
        Self::answer(request.call().unwrap())
    }
    fn upload(&self, bytes: &[u8]) -> Answer {
        let request = self.agent.post(format!("{}/api/v1/evidence", self.server.url)).header("Authorization", format!("Bearer {}", self.operator));
        Self::answer(request.send(bytes).unwrap())
    }
    fn entries(&self) -> u64 {
        log::head(&mut self.config.database.open().unwrap()).unwrap().unwrap().frontier.size()
    }
    fn register(&self, tag: &str) -> Option<u64> {
        register(&self.agent, &self.server.url, &self.coordinator, tag)
    }
    fn audit(&self, store: &Store) -> (i32, String) {
        said(&run(store, &self.config, "audit"))
    }
}

/// The program with the settings of the bucket.
fn run(store: &Store, config: &Config, command: &str) -> Output {
    let mut program = store.program(Path::new(env!("CARGO_BIN_EXE_quittance")));
    program.arg(command).arg("--data").arg(&config.data).arg("--keys").arg(&config.keys).output().unwrap()
}

fn said(output: &Output) -> (i32, String) {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), text)
}

#[test]
fn what_is_withheld_leaves_the_bucket_and_a_key_that_may_not_remove_is_no_trouble_of_the_bucket() {
    let Some(store) = Store::start() else { return };
    let files = Files::in_bucket(&store.bucket()).unwrap();
    let digest = files.put(b"Pupils: A. Able").unwrap();
    store.set(Mode::Say("403 Forbidden", error("AccessDenied")));
    files.remove(&digest).unwrap();
    assert!(!files.fails(), "others are served all the same");
    store.set(Mode::Pass);
    assert!(files.has(&digest).unwrap());
    files.remove(&digest).unwrap();
    assert!(!files.has(&digest).unwrap() && store.names().is_empty());
    // Nothing is there to remove.
    files.remove(&digest).unwrap();
}

#[test]
fn files_are_stored_once_in_the_bucket_and_read_from_there_and_what_is_altered_is_found() {
    let Some(store) = Store::start() else { return };
    let served = Served::start(&store);
    assert!(!served.config.data.join("files").exists());

    let bytes = nwipe_log("DSKNEW").into_bytes();
    let sha256 = hex(&sha256(&bytes));
    store.asked();
    let received = served.upload(&bytes).json();
    assert_eq!((received["sha256"].as_str(), received["already_stored"].as_bool()), (Some(sha256.as_str()), Some(false)));
    let address = format!("/api/v1/evidence/{sha256}");
    assert_eq!(served.get(&address).body, bytes);
    assert_eq!(store.ask("GET", &object(&sha256), b""), (200, bytes.clone()));
    assert!(store.asked().iter().any(|line| line.starts_with("PUT ") && line.contains(&sha256)));

    // A second time it is recognised, and not sent.
    let names = store.names();
    assert_eq!(served.upload(&bytes).json()["already_stored"], true);
    let asked = store.asked();
    assert!(!asked.is_empty() && asked.iter().all(|line| line.starts_with("GET ")), "{asked:?}");
    assert_eq!(store.names(), names);
    assert!(names.iter().all(|name| name.starts_with(&format!("{}/sha256/", store::PREFIX))), "{names:?}");

    // A certificate and its parts come from there.
    let pdf = served.get(&format!("/certificates/{}.pdf", served.number));
    assert!(pdf.status == 200 && pdf.body.starts_with(b"%PDF"), "{}", pdf.status);
    let parts = served.get(&format!("/api/v1/certificates/{}", served.number)).json()["parts"].as_array().unwrap().clone();
    assert!(parts.len() > 10);
    for part in &parts {
        let path = format!("/certificates/{}/{}", served.number, part["name"].as_str().unwrap());
        assert_eq!(served.get(&path).status, 200, "{path}");
    }
    let (code, text) = served.audit(&store);
    assert!(code == 0 && text.contains("WHOLE: everything"), "{code}: {text}");

    // Altered behind the service's back: nobody is given the bytes, and the audit names the file.
    assert_eq!(store.ask("PUT", &object(&sha256), b"something else").0, 200);
    let altered = served.get(&address);
    assert_eq!((altered.status, altered.json()["code"].as_str()), (500, Some("service.fault")));
    let (code, text) = served.audit(&store);
    assert!(code == 1 && text.contains(&format!("the stored file {sha256} was altered")), "{code}: {text}");
    // Whoever still has it can put it right.
    assert_eq!(served.upload(&bytes).status, 201);
    assert_eq!(served.get(&address).body, bytes);

    assert_eq!(store.ask("DELETE", &object(&sha256), b"").0, 204);
    let (code, text) = served.audit(&store);
    assert!(code == 1 && text.contains(&format!("the stored file {sha256}: the bucket does not have it")), "{code}: {text}");
    // Others are recorded all the same: nothing has stopped.
    assert_eq!(served.get(&address).status, 500);
    assert!(served.register("AFTER-1").is_some());
}

/// An answer of a store that is at odds with whoever asks.
fn error(code: &str) -> &'static str {
    Box::leak(format!("<Error><Code>{code}</Code></Error>").into_boxed_str())
}

/// An upload meets this, and somebody registers a device meanwhile; then it is over.
fn fail_for_a_while(served: &Served, store: &Store, n: usize, mode: Mode) {
    let what = format!("{mode:?}");
    let log = nwipe_log(&format!("DSK{n}")).into_bytes();
    let before = served.entries();
    store.set(mode);
    let answer = std::thread::scope(|scope| {
        let upload = scope.spawn(|| served.upload(&log));
        std::thread::sleep(Duration::from_millis(100));
        // What needs no file is recorded, at once.
        let since = Instant::now();
        assert!(served.register(&format!("T-{n}")).is_some(), "{what}");
        assert!(since.elapsed() < Duration::from_secs(3), "{what}: {:?}", since.elapsed());
        upload.join().unwrap()
    });
    let problem = answer.json();
    assert_eq!((answer.status, problem["code"].as_str()), (503, Some("service.busy")), "{what}: {problem}");
    assert!(answer.retry_after.is_some() && problem["detail"].as_str().unwrap().contains("Nothing was recorded"), "{what}: {problem}");
    assert_eq!(served.entries(), before + 1, "{what}");
    // Who comes right after that does not wait for it.
    let since = Instant::now();
    assert_eq!(served.get(&format!("/certificates/{}.pdf", served.number)).status, 503, "{what}");
    assert!(since.elapsed() < Duration::from_secs(1), "{what}: {:?}", since.elapsed());
    store.set(Mode::Pass);
    std::thread::sleep(Duration::from_millis(1_050));
    let taken = served.upload(&log);
    assert_eq!(taken.status, 201, "{what}: {}", String::from_utf8_lossy(&taken.body));
    assert_eq!(served.get(&format!("/api/v1/evidence/{}", hex(&sha256(&log)))).body, log, "{what}");
}

#[test]
fn while_the_bucket_fails_nothing_is_acknowledged_that_is_not_there_and_the_ledger_goes_on() {
    let Some(store) = Store::start() else { return };
    let served = Served::start(&store);
    let faults = [
        Mode::Say("403 Forbidden", error("AccessDenied")),
        Mode::Say("404 Not Found", error("NoSuchBucket")),
        Mode::Say("500 Internal Server Error", error("InternalError")),
        // Takes everything and keeps nothing.
        Mode::Say("200 OK", "thank you"),
        Mode::Close,
    ];
    for (n, mode) in faults.into_iter().enumerate() {
        fail_for_a_while(&served, &store, n, mode);
    }
    let (code, text) = served.audit(&store);
    assert!(code == 0, "{code}: {text}");
    // An audit that gets no files has not found anything wrong with them.
    store.set(Mode::Say("403 Forbidden", error("AccessDenied")));
    let (code, text) = served.audit(&store);
    assert!(code == 70 && !text.contains("NOT WHOLE") && text.contains("check the access key KEY1"), "{code}: {text}");
}

#[test]
fn a_bucket_that_does_not_answer_holds_nobody_up_who_needs_no_file() {
    let Some(store) = Store::start() else { return };
    let served = Served::start(&store);
    let (log, before) = (nwipe_log("DSKHANG").into_bytes(), served.entries());
    store.set(Mode::Hang);
    // Many at once, more than there are threads.
    std::thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| assert_eq!(served.get(&format!("/certificates/{}.pdf", served.number)).status, 503));
        }
        scope.spawn(|| assert_eq!((served.upload(&log).status, served.upload(&log).status), (503, 503)));
        std::thread::sleep(Duration::from_millis(200));
        for n in 0..5 {
            let since = Instant::now();
            assert!(served.register(&format!("MANY-{n}")).is_some());
            assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
        }
    });
    assert_eq!(served.entries(), before + 5);
    store.set(Mode::Pass);
    std::thread::sleep(Duration::from_millis(1_050));
    assert_eq!(served.get(&format!("/certificates/{}.pdf", served.number)).status, 200);
    assert_eq!(served.upload(&log).status, 201);
}

#[test]
fn a_bucket_that_cannot_be_used_is_refused_at_the_start() {
    let Some(store) = Store::start() else { return };
    let (_folder, config) = Ledger::in_bucket(store.bucket()).close();
    let serve = |change: &dyn Fn(&mut std::process::Command)| {
        let mut program = store.program(Path::new(env!("CARGO_BIN_EXE_quittance")));
        program.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&config.data).arg("--keys").arg(&config.keys);
        change(&mut program);
        said(&program.output().unwrap())
    };
    let refused = |what: &str, (code, text): (i32, String), why: &str| {
        assert!(code == 70 && text.contains(why) && !text.contains("hidden") && !text.contains("listening"), "{what}: {code}: {text}");
    };
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    refused("no key", serve(&|program| _ = program.env_remove("AWS_SECRET_ACCESS_KEY")), "there is no access key for it");
    refused("no bucket", serve(&|program| _ = program.env("QUITTANCE_FILES_URL", "s3://others")), "(NoSuchBucket): there is no such bucket");
    let nobody = serve(&|program| _ = program.env("QUITTANCE_S3_ENDPOINT", format!("http://{closed}")));
    refused("nobody there", nobody, "does not answer (");
    let clear = serve(&|program| _ = program.env("QUITTANCE_S3_ENDPOINT", "http://192.0.2.1:9000"));
    refused("in the clear", clear, "in the clear");
    store.set(Mode::Say("200 OK", "thank you"));
    refused("keeps nothing", serve(&|_| ()), "gave other bytes back");
    store.set(Mode::Pass);
    let mut fits = Server::start(&config, |program| store.program(program));
    fits.child.kill().unwrap();
    fits.child.wait().unwrap();
    assert!(store.names().iter().all(|name| !name.contains("/probe/")), "{:?}", store.names());
    store.know_nobody();
    refused("wrong key", serve(&|_| ()), "answered 403 (InvalidAccessKeyId): check the access key KEY1");
}
