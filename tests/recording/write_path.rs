//! The one write path under many hands: a poisoned command harms only itself, one of many wins, and what was left undone is done again.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

#[path = "../ledger/mod.rs"]
mod ledger;

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use ledger::{Ledger, Someone};
use quittance::domain::names::Role;
use quittance::domain::refusal::Refusal;
use quittance::domain::{Command, SubjectKind};
use quittance::error::{Error, Result};
use quittance::operations::once::{Once, Outcome};
use quittance::operations::record::{Beside, Receipt, Terms};
use quittance::operations::{finish_work, open_ledger, publish_status, receive_evidence};
use quittance::proof::status;
use quittance::store::idempotency::RequestKey;
use quittance::store::{Ended, log};
use serde_json::{Value, json};

fn device(tag: &str) -> Value {
    json!({"tag": tag, "category": "laptop", "manufacturer": "Maker", "model": "Model", "site": "Warehouse"})
}

#[test]
fn a_poisoned_command_harms_only_itself() {
    let ledger = Ledger::new();
    let coordinator = ledger.someone(Role::Coordinator, "Cora");
    let asset = ledger.id(&coordinator, "register_asset", device("A0"), SubjectKind::Asset);
    ledger.run(&coordinator, "retire", json!({"asset": asset, "reason": "surplus"})).unwrap();
    ledger.prepare(&asset);
    let open = json!({"reference": "C1", "from_site": "Warehouse", "to": ledger.vendor, "to_site": "Plant"});
    let consignment = ledger.id(&coordinator, "open_consignment", open, SubjectKind::Consignment);
    ledger.run(&coordinator, "add_lines", json!({"consignment": consignment, "assets": [asset]})).unwrap();

    // 500 containers with long labels pass every rule, and are more than an entry holds: that shows only when it is sealed.
    let label = |n: usize| format!("{n:04}{}", "L".repeat(60));
    let containers: Vec<Value> = (0..500).map(|n| json!({"label": label(n), "seal": label(n), "gross_weight_grams": 1})).collect();
    let mut commands: Vec<_> = (1..=60).map(|n| Command::read("register_asset", device(&format!("A{n}"))).unwrap()).collect();
    commands.insert(30, Command::read("seal_consignment", json!({"consignment": consignment, "containers": containers})).unwrap());
    // All of them are waiting before the writer goes on, so that they are one batch.
    let recorder = &ledger.service.recorder;
    let batches = || recorder.spent.batches.load(Ordering::Relaxed);
    let before = batches();
    let (beside, has_begun, end) = held_up();
    let mut answers = std::thread::scope(|scope| {
        let register = Command::read("register_asset", device("FIRST")).unwrap();
        let first = scope.spawn(|| recorder.record_waiting(register, &coordinator.actor, None, Some(beside)));
        has_begun.recv().unwrap();
        let mut waiting: Vec<_> =
            commands.into_iter().map(|command| Box::pin(recorder.record(command, &coordinator.actor, Terms::default()))).collect();
        assert!(waiting.iter_mut().all(|answer| answer.as_mut().now_or_never().is_none()));
        end.send(true).unwrap();
        first.join().unwrap().unwrap();
        actix_web::rt::System::new().block_on(join_all(waiting))
    });
    match answers.remove(30) {
        Err(Error::Refused(refusal)) => assert_eq!(refusal.code, "record.too_large", "{}", refusal.why),
        other => panic!("{other:?}"),
    }
    assert_eq!(batches() - before, 61, "the first one, and of the batch each that is well, alone");
    let seqs: Vec<u64> = answers.into_iter().map(|answer| answer.unwrap().now().unwrap().entries[0].seq).collect();
    assert_eq!(seqs.len(), 60);
    assert!(seqs.windows(2).all(|pair| pair[0] + 1 == pair[1]), "no gap where the poisoned command was: {seqs:?}");
    assert_eq!(ledger.audit().unwrap().findings, []);
}

#[test]
fn of_many_who_register_the_same_tag_one_wins_and_the_others_are_told() {
    let ledger = Ledger::new();
    let coordinator = ledger.someone(Role::Coordinator, "Cora");
    let answers: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..32).map(|_| scope.spawn(|| ledger.run(&coordinator, "register_asset", device("SAME")))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for answer in answers.into_iter().filter_map(Result::err) {
        assert!(answer.to_string().contains("SAME"), "{answer}");
    }
    assert_eq!(ledger.audit().unwrap().findings, []);
}

/// Something written beside a command that begins, says so, and ends as it is told: well, or not at all.
fn held_up() -> (Beside, Receiver<()>, Sender<bool>) {
    let ((begun, has_begun), (tell, told)) = (channel(), channel());
    let (begun, told) = (Mutex::new(begun), Mutex::new(told));
    let beside: Beside = Arc::new(move |_, _| {
        begun.lock().unwrap().send(()).unwrap();
        if told.lock().unwrap().recv().unwrap() {
            return Ok(());
        }
        Err(Refusal::new("test.given_up", "This was never meant to be recorded.").into())
    });
    (beside, has_begun, tell)
}

/// Registers one tag twice, under one key where there is one, the second time while the first is being written, and lets that end well or not; gives
/// both outcomes.
fn twice(ledger: &Ledger, who: &Someone, tag: &str, key: Option<&str>, well: bool) -> [Result<Outcome<Receipt>>; 2] {
    let (beside, has_begun, end) = held_up();
    let (answered, answer) = channel();
    let register = |beside| {
        let key = key.map(|key| RequestKey::new("me", "/here", key, "", tag.as_bytes()));
        let terms = Terms { beside, once: Once::created(key.as_ref(), |receipt| Ok(receipt.clone())), ..Terms::default() };
        ledger.service.recorder.record_once(Command::read("register_asset", device(tag)).unwrap(), &who.actor, terms)
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| register(Some(beside)));
        has_begun.recv().unwrap();
        let second = scope.spawn(|| {
            let outcome = register(None);
            answered.send(()).unwrap();
            outcome
        });
        assert!(answer.recv_timeout(Duration::from_millis(200)).is_err(), "answered by something that is not on the disk");
        end.send(well).unwrap();
        [first.join().unwrap(), second.join().unwrap()]
    })
}

#[test]
fn what_comes_while_a_batch_is_written_rests_on_what_becomes_of_that() {
    let ledger = Ledger::new();
    let coordinator = ledger.someone(Role::Coordinator, "Cora");
    let code = |outcome: &Result<Outcome<Receipt>>| match outcome {
        Ok(Outcome::Now(receipt)) => receipt.entries[0].event.to_owned(),
        Ok(Outcome::Before(answer)) => format!("before, {}", answer.status),
        Err(Error::Refused(refusal)) => refusal.code.to_owned(),
        Err(other) => panic!("{other}"),
    };
    for (tag, key, well, expected) in [
        ("W1", None, true, ["asset.registered", "registration.tag_taken"]),
        ("W2", None, false, ["test.given_up", "asset.registered"]),
        ("W3", Some("k3"), true, ["asset.registered", "before, 201"]),
        ("W4", Some("k4"), false, ["test.given_up", "asset.registered"]),
    ] {
        let outcomes = twice(&ledger, &coordinator, tag, key, well);
        assert_eq!(outcomes.each_ref().map(code), expected, "{tag}");
    }
    assert_eq!(ledger.audit().unwrap().findings, []);
}

#[test]
fn a_revocation_reaches_the_list_whoever_else_revokes() {
    let ledger = Ledger::new();
    let approver = ledger.someone(Role::Approver, "Abel");
    let numbers: Vec<String> = ["A1", "A2", "A3", "A4"].map(|tag| ledger.certified(tag).1).to_vec();
    let reason = quittance::domain::certification::RevocationReason::EvidenceDisputed;
    std::thread::scope(|scope| {
        for number in &numbers {
            scope.spawn(|| publish_status::revoke(&ledger.service, &approver.actor, number, reason).unwrap());
        }
    });
    let app = &ledger.service.app;
    let list = status::read(&publish_status::newest(app).unwrap().unwrap(), &app.keys.did).unwrap().list;
    let revoked = (0..131_072).filter(|place| list.get(*place) == Some(true)).count();
    assert_eq!(revoked, numbers.len());
    app.unfinished.store(true, Ordering::Relaxed);
    finish_work::finish(&ledger.service).unwrap();
    assert_eq!(ledger.audit().unwrap().findings, []);
}

#[test]
fn a_head_that_has_moved_is_not_moved_from_where_it_was() {
    let ledger = Ledger::new();
    let coordinator = ledger.someone(Role::Coordinator, "Cora");
    let mut db = ledger.service.app.connect().unwrap();
    let stale = log::head(&mut db).unwrap().unwrap();
    ledger.run(&coordinator, "register_asset", device("A1")).unwrap();
    let now = log::head(&mut db).unwrap().unwrap();
    let mut forked = stale.clone();
    forked.frontier.push([7; 32]);
    let error = db.write(|db| log::move_head(db, &stale, &forked).map(Ended::Committed)).map_err(Error::from).unwrap_err();
    assert!(error.to_string().contains("another writer moved the head"), "{error}");
    assert_eq!(log::head(&mut db).unwrap().unwrap(), now);
    drop(db);
    ledger.run(&coordinator, "register_asset", device("A2")).unwrap();
    assert_eq!(ledger.audit().unwrap().findings, []);
}

/// Nobody but the recorder is at work here, so that this is what a crash leaves after the entry.
#[test]
fn what_is_withheld_and_still_there_goes_at_the_next_start() {
    let ledger = Ledger::new();
    let (coordinator, approver) = (ledger.someone(Role::Coordinator, "Cora"), ledger.someone(Role::Approver, "Abel"));
    let stored = receive_evidence::receive(&ledger.service, &coordinator.actor, b"Pupils: A. Able", None).unwrap();
    ledger.run(&coordinator, "propose_withholding", json!({"sha256": stored.sha256, "reason": "personal_data"})).unwrap();
    ledger.run(&approver, "withhold_evidence", json!({"sha256": stored.sha256})).unwrap();
    assert!(ledger.service.app.unfinished.load(Ordering::Relaxed));
    let report = ledger.audit().unwrap();
    assert!(report.wrong == 1 && report.findings[0].what.contains("still there"), "{report:?}");
    let (_folder, config) = ledger.close();
    let (opened, _lock) = open_ledger::open(&config).unwrap();
    assert!(!opened.app.files.has(&stored.sha256).unwrap());
    let report = ledger::audit(&config).unwrap();
    assert_eq!((&report.findings[..], report.withheld), (&[][..], 1));
}

#[test]
fn a_second_program_is_refused_on_sqlite_and_welcome_on_postgresql() {
    let ledger = Ledger::new();
    let opened = quittance::operations::open_ledger::open(&ledger.config).map(|_| ()).map_err(|error| error.to_string());
    if ledger.config.database.is_shared() {
        assert_eq!(opened, Ok(()));
    } else {
        assert!(opened.unwrap_err().contains("Stop it first"));
    }
}
