//! The demo's story, played once: its counts, its certificates as anyone can check them, and an audit of the record that it leaves behind.
#![cfg(feature = "service")]
// Clippy exempts functions marked as tests, not the ones that they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;

use quittance::cli::demo::{self, DISTRICT_SITES, ORGANISATION};
use quittance::config::{Config, Given};
use quittance::domain::asset::{Asset, Status};
use quittance::domain::consignment::{Consignment, ConsignmentKind, ConsignmentStatus, DiscrepancyKind, Resolution};
use quittance::domain::disposition::Outcome;
use quittance::domain::medium::MediumState;
use quittance::operations::{audit_ledger, open_ledger, publish_status, verify_certificate};
use quittance::proof::bundle::Bundle;
use quittance::proof::verify::{self, Trust, Verdict};
use quittance::store::tables::{AssetRow, CertificateRow, ConsignmentRow, DiscrepancyRow, EvidenceRow, MediumRow};
use quittance::store::{inventory, log, tokens};

fn config(data: &Path) -> Config {
    Config::new(&Given { data: Some(data.to_owned()), ..Given::default() }, None, ".", None).unwrap()
}

/// What stands in the lists' columns about people, and in the notes.
fn personal(list: &Path) -> Vec<String> {
    let mut csv = csv::Reader::from_path(list).unwrap();
    let about = ["Asset Name", "Checked Out To", "Employee Number", "Notes", "Created By"];
    let header = csv.headers().unwrap().clone();
    let places: Vec<usize> = about.iter().map(|name| header.iter().position(|column| column == *name).expect("a column about people")).collect();
    let rows: Vec<_> = csv.records().map(Result::unwrap).collect();
    let mut found: Vec<String> =
        rows.iter().flat_map(|row| places.iter().map(|place| row.get(*place).unwrap().to_owned())).filter(|text| !text.is_empty()).collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn the_story_is_whole_and_anyone_can_check_it() {
    let temporary = tempfile::tempdir().unwrap();
    // For looking at what it makes.
    let root = std::env::var_os("QUITTANCE_TEST_DEMO_FOLDER").map_or_else(|| temporary.path().to_owned(), Into::into);
    let data = root.join("data");
    let folder = data.join("demo");
    let sites: Vec<String> = DISTRICT_SITES.map(str::to_owned).to_vec();
    let (service, _lock) = open_ledger::init(&config(&data), "http://localhost:8080", ORGANISATION, &sites).unwrap();
    assert_eq!(demo::finished(&folder).unwrap(), None);

    let started = std::time::Instant::now();
    let mut told: Vec<String> = Vec::new();
    let outcome = demo::play(&service, &folder, &mut |what, done, total| {
        assert!(done <= total, "{what}: {done} of {total}");
        if told.last().is_none_or(|last| last != what) {
            told.push(what.to_owned());
        }
    })
    .unwrap();
    println!("played in {:?}", started.elapsed());
    assert!(told.iter().any(|what| what.contains("nothing changes")), "{told:?}");

    let app = &service.app;
    let mut db = app.connect().unwrap();
    let assets: Vec<Asset> = AssetRow::all(&mut db).unwrap().iter().map(|row| row.record().unwrap()).collect();
    assert_eq!((assets.len(), outcome.devices), (400, 400));
    let gone = assets.iter().filter(|asset| matches!(asset.status, Status::Retired | Status::Disposed | Status::Missing)).count();
    assert_eq!(gone, 120);

    let consignments: Vec<Consignment> = ConsignmentRow::all(&mut db).unwrap().iter().map(|row| row.record().unwrap()).collect();
    let mut seen: Vec<_> = consignments.iter().map(|c| (c.reference.as_str(), c.kind, c.lines, c.status, c.overrides.len())).collect();
    seen.sort();
    let expected = [
        ("NP-MOVE-001", ConsignmentKind::Internal, 3, ConsignmentStatus::Reconciled, 0),
        ("NP-PICKUP-001", ConsignmentKind::Pickup, 60, ConsignmentStatus::Reconciled, 0),
        ("NP-PICKUP-002", ConsignmentKind::Pickup, 40, ConsignmentStatus::Received, 0),
        ("NP-PICKUP-003", ConsignmentKind::Pickup, 2, ConsignmentStatus::Reconciled, 1),
        ("OUT-2291", ConsignmentKind::Downstream, 1, ConsignmentStatus::Released, 0),
    ];
    assert_eq!(seen, expected);

    let mut discrepancies: Vec<_> =
        DiscrepancyRow::all(&mut db).unwrap().iter().map(|row| row.record().unwrap()).map(|d| (d.kind, d.resolution, d.critical)).collect();
    discrepancies.sort();
    let expected = [
        (DiscrepancyKind::Short, Some(Resolution::ConfirmedMissing), true),
        (DiscrepancyKind::Mismatch, None, true),
        (DiscrepancyKind::Seal, Some(Resolution::ContentsVerified), false),
    ];
    assert_eq!(discrepancies, expected);
    let transcribed = |c: &&Consignment| c.receipts.iter().any(|receipt| receipt.transcribed.is_some());
    assert_eq!(consignments.iter().filter(transcribed).map(|c| c.reference.as_str()).collect::<Vec<_>>(), ["NP-PICKUP-003"]);
    let held = assets.iter().find(|asset| asset.tag.as_str() == outcome.held).unwrap();
    assert_eq!(held.holds.len(), 1);

    let mut outcomes: BTreeMap<Outcome, u32> = BTreeMap::new();
    for disposition in assets.iter().filter_map(|asset| asset.disposition.as_ref()) {
        *outcomes.entry(disposition.outcome).or_default() += 1;
    }
    // This district leases nothing.
    for fate in Outcome::ALL.iter().filter(|fate| **fate != Outcome::ReturnedToLessor) {
        assert!(outcomes.contains_key(fate), "nothing was {fate}");
    }
    println!("{outcomes:?}");

    let media: Vec<_> = MediumRow::all(&mut db).unwrap().iter().map(|row| row.record().unwrap()).collect();
    for state in [MediumState::DataPresent, MediumState::InProcess, MediumState::Cleared, MediumState::Purged, MediumState::Destroyed] {
        assert!(media.iter().any(|medium| medium.state == state), "no medium is {}", state.label());
    }
    let evidence: Vec<_> = EvidenceRow::all(&mut db).unwrap().iter().map(|row| row.record().unwrap()).collect();
    // Logs of four drives each, and transcripts of one drive each.
    let mut linked: Vec<usize> = evidence.iter().filter(|file| file.reader.is_some()).map(|file| file.links.len()).collect();
    linked.sort_unstable();
    assert_eq!(linked, [[1; 27].as_slice(), &[4; 6]].concat());
    assert!(evidence.iter().any(|file| file.reader.is_none()));

    // The people can sign in.
    assert_eq!(outcome.people.len(), 9);
    for player in &outcome.people {
        let person = tokens::by_token(&mut db, &player.token).unwrap().unwrap().1;
        assert_eq!(person.name, player.name);
        person.actor().unwrap();
    }

    // No placeholder of the lists' columns about people is in the ledger.
    let mut placeholders: Vec<String> =
        ["inventory.csv", "inventory-offices.csv", "inventory-signage.csv"].iter().flat_map(|name| personal(&folder.join(name))).collect();
    assert!(placeholders.len() > 1_000, "{}", placeholders.len());
    placeholders.push("placeholder".to_owned());
    let everyone: Vec<String> = outcome.people.iter().map(|player| player.name.to_lowercase()).collect();
    let entries = log::entries_from(&mut db, 0, i64::MAX).unwrap();
    assert_eq!(entries.len() as u64, outcome.entries);
    let mut ledger = String::new();
    for (_, bytes, _) in &entries {
        ledger.push_str(&String::from_utf8(bytes.clone()).unwrap().to_lowercase());
    }
    for text in placeholders.iter().map(|text| text.to_lowercase()).chain(everyone) {
        assert!(!ledger.contains(&text), "“{text}” is in the ledger");
    }

    // Refused, with a list.
    assert!(outcome.refused.missing.len() >= 3, "{:?}", outcome.refused);
    println!("{:#?}", outcome.refused);

    // Certificates.
    for kind in ["Certificate of Sanitization", "Certificate of Destruction", "Certificate of Recycling"] {
        assert!(outcome.certificates.iter().any(|certificate| certificate.kind == kind), "no {kind}");
    }
    assert_eq!(outcome.certificates.iter().filter(|certificate| certificate.revoked).count(), 1);
    assert_eq!(CertificateRow::all(&mut db).unwrap().len(), outcome.certificates.len());
    let trust = Trust::from_files(&app.keys.did_bytes, &app.keys.log.vkey()).unwrap();
    let status = std::fs::read(folder.join("status.vc.json")).unwrap();
    assert_eq!(publish_status::newest(app).unwrap().as_ref(), Some(&status));
    for certificate in &outcome.certificates {
        let bundle = Bundle::from_bytes(&std::fs::read(&certificate.pdf).unwrap()).unwrap();
        let report = verify::certificate(&bundle, &trust, Some(&status), Some(&verify_certificate::redraw));
        let expected = if certificate.revoked { Verdict::Refused } else { Verdict::Authentic };
        assert_eq!(report.verdict, expected, "{certificate:?}: {:#?}", report.checks);
    }
    let unpacked = folder.join("certificates").join(&outcome.unpacked);
    let mut parts = Vec::new();
    for (name, _) in inventory::parts(&mut db, &outcome.unpacked).unwrap() {
        parts.push((name.clone(), std::fs::read(unpacked.join(name)).unwrap()));
    }
    assert!(parts.iter().any(|(name, _)| name.starts_with("entries/")));
    let report = verify::certificate(&Bundle::from_parts(parts).unwrap(), &trust, Some(&status), Some(&verify_certificate::redraw));
    assert_eq!(report.verdict, Verdict::Authentic);

    let report = audit_ledger::audit(app, &mut db, |_, _| {}).unwrap();
    assert_eq!(report.wrong, 0, "{:#?}", report.findings);
    assert_eq!((report.entries, report.pages), (outcome.entries, outcome.certificates.len() as u64));

    // Played to its end, it is told again and not played again.
    let again = demo::play(&service, &folder, &mut |what, _, _| panic!("{what}")).unwrap();
    assert_eq!(again, outcome);
    // Cut short, it says so and changes nothing.
    std::fs::rename(folder.join("story.json"), root.join("story.json")).unwrap();
    let error = demo::play(&service, &folder, &mut |what, _, _| panic!("{what}")).unwrap_err().to_string();
    assert!(error.contains("cut short") && error.contains("delete"), "{error}");
    std::fs::rename(root.join("story.json"), folder.join("story.json")).unwrap();
}
