//! The rules of a device's way, chapter by chapter, as given/when/then.

use serde_json::json;

use super::asset::{Label, Phase, Status};
use super::certification::{CertificateKind, judge};
use super::consignment::{Consignment, ConsignmentStatus};
use super::medium::MediumState;
use super::names::{AssetId, ConsignmentId, Instant, Role};
use super::records::Stop;
use super::story::{DISTRICT, OTHER, Story, VENDOR, actor};
use super::{Command, Event, Occasion};

fn missing(story: &Story, id: &str) -> Vec<String> {
    match judge(story.known(), &AssetId::parse(id).unwrap(), story.policy()) {
        Ok(_) => Vec::new(),
        Err(Stop::Refused(refusal)) => refusal.missing,
        Err(Stop::Needs(needs)) => panic!("{needs:?}"),
    }
}
const RECYCLED: &str = r#"{"weight_grams": 2000, "weight_basis": "scale", "recovered_grams": 1700, "energy_grams": 200, "landfill_grams": 100}"#;
fn recycled(asset: &str) -> serde_json::Value {
    json!({"asset": asset, "outcome": "recycled", "mass": serde_json::from_str::<serde_json::Value>(RECYCLED).unwrap()})
}

#[test]
fn a_tag_and_a_serial_belong_to_one_device() {
    let mut story = Story::new();
    story.retired("A1", "hdd_ata", "low");
    let coordinator = actor(Role::Coordinator, DISTRICT, 1);
    let body = |tag: &str, serial: &str| json!({"tag": tag, "serial": serial, "category": "laptop", "manufacturer": "M", "model": "M", "site": "S"});
    story.refused(&coordinator, "register_asset", body("a1", "other"), "registration.tag_taken");
    story.refused(&coordinator, "register_asset", body("A2", "s-a1"), "registration.serial_taken");
    story.refused(&actor(Role::Auditor, DISTRICT, 1), "register_asset", body("A2", "other"), "command.wrong_role");
    story.refused(&actor(Role::VendorOperator, VENDOR, 1), "register_asset", body("A2", "other"), "command.wrong_role");
}

#[test]
fn soldered_storage_needs_a_host_with_a_serial() {
    let story = Story::new();
    let coordinator = actor(Role::Coordinator, DISTRICT, 1);
    let body = json!({"tag": "A1", "category": "chromebook", "manufacturer": "M", "model": "M", "site": "S", "media": [{"media_type": "emmc"}]});
    story.refused(&coordinator, "register_asset", body, "registration.no_identity");
}

#[test]
fn repair_and_redeployment_void_earlier_sanitization() {
    let mut story = Story::new();
    let coordinator = actor(Role::Coordinator, DISTRICT, 1);
    let (device, disk) = story.retired("A1", "hdd_ata", "moderate");
    story.refused(&coordinator, "redeploy", json!({"asset": device, "site": "School"}), "lifecycle.not_clean");
    story.degaussed(&disk);
    assert_eq!(story.medium(&disk).state, MediumState::Purged);
    story.done(&coordinator, "redeploy", json!({"asset": device, "site": "School"}));
    assert_eq!(story.medium(&disk).state, MediumState::DataPresent);
    assert!(story.medium(&disk).sanitization.is_none());
    assert_eq!(story.asset(&device).label(), Label::InService);
    story.done(&coordinator, "send_to_repair", json!({"asset": device, "fault": "screen"}));
    story.refused(&coordinator, "redeploy", json!({"asset": device, "site": "School"}), "lifecycle.wrong_status");
    let same = json!([{"medium": disk, "found": "same"}]);
    story.done(&coordinator, "return_from_repair", json!({"asset": device, "status": "in_stock", "media": same}));
    assert_eq!(story.asset(&device).status, Status::InStock);
}

#[test]
fn a_refusal_names_the_entry_that_stands_in_the_way() {
    use super::refusal::Cause;
    let mut story = Story::new();
    let coordinator = actor(Role::Coordinator, DISTRICT, 1);
    let cause = |story: &Story, name: &str, body: serde_json::Value| story.when(&coordinator, name, body).unwrap_err().cause;
    let (device, _) = story.retired("A1", "hdd_ata", "low");
    let again = json!({"tag": "a1", "category": "laptop", "manufacturer": "M", "model": "M", "site": "S"});
    assert_eq!(cause(&story, "register_asset", again), Some(Cause::First(device.clone())));
    assert_eq!(cause(&story, "retire", json!({"asset": device, "reason": "surplus"})), Some(Cause::Entry(story.asset(&device).last_seq)));
    let open = json!({"reference": "C1", "from_site": "Site", "to": VENDOR, "to_site": "Site"});
    let consignment = story.done(&coordinator, "open_consignment", open.clone())[0].1.clone();
    assert_eq!(cause(&story, "open_consignment", open), Some(Cause::First(consignment.clone())));
    let of = |story: &Story| story.known().find::<Consignment>(&ConsignmentId::parse(&consignment).unwrap()).unwrap().unwrap().clone();
    let opened = of(&story).last_seq;
    story.done(&coordinator, "add_lines", json!({"consignment": consignment, "assets": [device]}));
    let added = of(&story).last_seq;
    // The entry that put it there, not whatever happened to the device since.
    story.done(&coordinator, "record_media", json!({"asset": device, "media": [{"serial": "M-2", "media_type": "hdd_ata"}]}));
    assert!(story.asset(&device).last_seq > added);
    let line = json!({"consignment": consignment, "assets": [device]});
    assert_eq!(cause(&story, "add_lines", line.clone()), Some(Cause::Entry(added)));
    assert_eq!(super::consignment::require_unmoved(&of(&story), added), Ok(()));
    let moved = super::consignment::require_unmoved(&of(&story), opened).unwrap_err();
    assert_eq!((moved.code, moved.cause), ("consignment.moved_on", Some(Cause::Since(consignment.clone(), opened))));
    story.done(&coordinator, "seal_consignment", json!({"consignment": consignment, "containers": [{"label": "P"}]}));
    story.done(&coordinator, "release_consignment", json!({"consignment": consignment}));
    let released = of(&story).released.unwrap().seq;
    assert_eq!(cause(&story, "add_lines", line), Some(Cause::Entry(released)));
}

#[test]
fn only_retired_devices_at_hand_travel_and_only_once() {
    let mut story = Story::new();
    let coordinator = actor(Role::Coordinator, DISTRICT, 1);
    let (device, _) = story.retired("A1", "hdd_ata", "low");
    let about = story.done(&coordinator, "open_consignment", json!({"reference": "C1", "from_site": "Site", "to": VENDOR, "to_site": "Site"}));
    let consignment = &about[0].1;
    story.refused(&coordinator, "seal_consignment", json!({"consignment": consignment, "containers": [{"label": "P"}]}), "consignment.empty");
    story.done(&coordinator, "add_lines", json!({"consignment": consignment, "assets": [device]}));
    story.refused(&coordinator, "add_lines", json!({"consignment": consignment, "assets": [device]}), "consignment.already_listed");
    story.refused(&coordinator, "release_consignment", json!({"consignment": consignment}), "consignment.wrong_status");
    assert_eq!(story.asset(&device).label(), Label::Staged);
    story.refused(&coordinator, "redeploy", json!({"asset": device, "site": "S"}), "lifecycle.on_consignment");
}

#[test]
fn a_receipt_is_counted_independently_and_differences_hold_the_devices() {
    let mut story = Story::new();
    let operator = actor(Role::VendorOperator, VENDOR, 1);
    let approver = actor(Role::Approver, DISTRICT, 1);
    let (good, _) = story.retired("A1", "hdd_ata", "low");
    let (short, _) = story.retired("A2", "hdd_ata", "low");
    let (mixed, _) = story.retired("A3", "hdd_ata", "low");
    let consignment = story.released("C1", &[&good, &short, &mixed]);
    assert_eq!(story.asset(&good).label(), Label::Released);
    let receipt = json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}],
        "scans": [{"tag": "A1", "serial": "SA1"}, {"tag": "A3", "serial": "SOMETHING"}, {"tag": "NEVER-SEEN"}]});
    story.refused(&actor(Role::VendorOperator, OTHER, 1), "receive_consignment", receipt.clone(), "consignment.unknown");
    story.refused(&actor(Role::Coordinator, DISTRICT, 1), "receive_consignment", receipt.clone(), "consignment.not_for_you");
    let happenings = story.when(&operator, "receive_consignment", receipt.clone()).unwrap();
    let kinds: Vec<_> = happenings.iter().map(|happening| happening.event.name()).collect();
    assert_eq!(kinds, ["consignment.received", "consignment.line_received", "discrepancy.recorded", "discrepancy.recorded", "discrepancy.recorded"],);
    let Event::ConsignmentReceived(received) = &happenings[0].event else { panic!() };
    assert_eq!((received.matched, received.short, received.over, received.mismatch), (1, 1, 1, 1));
    let about = story.done(&operator, "receive_consignment", receipt);
    assert_eq!(story.asset(&good).label(), Label::Received);
    assert_eq!(story.asset(&good).holder.party.as_str(), VENDOR);
    assert_eq!(story.asset(&short).label(), Label::Discrepancy);
    assert!(story.asset(&short).in_transit);
    assert_eq!(story.asset(&mixed).label(), Label::Discrepancy);
    assert!(missing(&story, &short).iter().any(|why| why.contains("discrepancy")));
    let discrepancies: Vec<_> = about.iter().filter(|(kind, _)| *kind == super::SubjectKind::Discrepancy).map(|(_, id)| id.clone()).collect();
    let of = |name: &str| -> String {
        discrepancies
            .iter()
            .find(|id| {
                let id = super::names::DiscrepancyId::parse(id).unwrap();
                story.known().find::<super::consignment::Discrepancy>(&id).unwrap().unwrap().kind.as_str() == name
            })
            .unwrap()
            .clone()
    };
    let (a, b, c) = (of("short"), of("over"), of("mismatch"));
    let resolve = |id: &str, how: &str| json!({"discrepancy": id, "resolution": how, "reference": "INV-1"});
    story.refused(&operator, "resolve_discrepancy", resolve(&a, "located_at_receiver"), "command.wrong_role");
    story.refused(&approver, "resolve_discrepancy", resolve(&a, "scan_error"), "consignment.resolution");
    let mut located = resolve(&a, "located_at_receiver");
    let why = story.refused(&approver, "resolve_discrepancy", located.clone(), "consignment.no_document");
    assert!(why.contains("upload what shows it"), "{why}");
    located["document"] = json!(story.document());
    story.done(&approver, "resolve_discrepancy", located);
    assert!(story.asset(&short).handoffs.last().unwrap().unconfirmed.is_some(), "the receiver itself has said nothing");
    assert_eq!(story.asset(&short).label(), Label::Received);
    story.done(&approver, "resolve_discrepancy", resolve(&b, "returned_to_sender"));
    let status = |story: &Story| story.known().find::<Consignment>(&ConsignmentId::parse(&consignment).unwrap()).unwrap().unwrap().status;
    assert_eq!(status(&story), ConsignmentStatus::Received);
    story.done(&approver, "resolve_discrepancy", resolve(&c, "serial_corrected"));
    assert_eq!(status(&story), ConsignmentStatus::Reconciled);
    assert_eq!(story.asset(&mixed).serial.as_ref().unwrap().as_str(), "SOMETHING");
    story.refused(&approver, "resolve_discrepancy", resolve(&c, "scan_error"), "consignment.resolved");
}

#[test]
fn a_short_device_that_is_confirmed_missing_is_never_certified() {
    let mut story = Story::new();
    let (device, disk) = story.retired("A1", "hdd_ata", "low");
    story.destroyed(&disk);
    let consignment = story.released("C1", &[&device]);
    let operator = actor(Role::VendorOperator, VENDOR, 1);
    let about = story.done(
        &operator,
        "receive_consignment",
        json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": []}),
    );
    let discrepancy = about.iter().find(|(kind, _)| *kind == super::SubjectKind::Discrepancy).unwrap().1.clone();
    let resolve = json!({"discrepancy": discrepancy, "resolution": "confirmed_missing", "reference": "POLICE-7"});
    story.done(&actor(Role::Approver, DISTRICT, 1), "resolve_discrepancy", resolve);
    assert_eq!(story.asset(&device).status, Status::Missing);
    assert!(story.medium(&disk).sanitization.is_none(), "nobody knew where it was: earlier sanitization does not count");
    story.done(
        &actor(Role::Coordinator, DISTRICT, 1),
        "record_disposition",
        json!({"asset": device, "outcome": "lost_or_stolen", "mass": {"weight_grams": 2000, "weight_basis": "spec"}}),
    );
    assert!(!missing(&story, &device).is_empty());
}

#[test]
fn sanitization_takes_three_people() {
    let mut story = Story::new();
    let (_, disk) = story.retired("A1", "hdd_ata", "moderate");
    let (one, two) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::Coordinator, DISTRICT, 2));
    let approver = actor(Role::Approver, DISTRICT, 1);
    let statement = json!({"facility": "SMELTER", "facility_batch": "B1"});
    story.refused(&one, "verify_sanitization", json!({"medium": disk}), "sanitization.not_performed");
    story.refused(&one, "record_sanitization", json!({"medium": disk, "technique": "host_overwrite"}), "sanitization.no_evidence");
    let why = story.refused(
        &one,
        "record_sanitization",
        json!({"medium": disk, "technique": "shred", "statement": {"equipment": "S1", "particle_tenths_mm": 60}}),
        "sanitization.not_reached",
    );
    assert!(why.contains("a verified purge before the shredding"), "{why}");
    story.refused(&one, "record_sanitization", json!({"medium": disk, "technique": "damage"}), "sanitization.not_reached");
    story.done(&one, "record_sanitization", json!({"medium": disk, "technique": "melt", "statement": statement}));
    assert_eq!(story.medium(&disk).state, MediumState::InProcess);
    story.refused(&one, "verify_sanitization", json!({"medium": disk}), "sanitization.same_person");
    story.refused(&approver, "validate_sanitization", json!({"medium": disk}), "sanitization.not_verified");
    story.done(&two, "verify_sanitization", json!({"medium": disk}));
    story.refused(&two, "validate_sanitization", json!({"medium": disk}), "command.wrong_role");
    story.done(&approver, "validate_sanitization", json!({"medium": disk}));
    assert_eq!(story.medium(&disk).state, MediumState::Destroyed);
    story.refused(&one, "record_sanitization", json!({"medium": disk, "technique": "melt", "statement": statement}), "sanitization.destroyed");
}

fn evidence(digit: char, medium: &str, serial: &str, result: &str) -> serde_json::Value {
    json!({"sha256": digit.to_string().repeat(64), "size_bytes": 10, "reader": {"name": "nwipe-log", "version": 1, "records": 1, "remarks": 0},
        "links": [{"medium": medium, "serial": serial, "reading": {"technique": "host_overwrite", "result": result, "errors": 0, "complete": true, "hidden_area": "none"}}]})
}

#[test]
fn after_one_failure_another_technique_counts_and_after_two_only_destruction() {
    let mut story = Story::new();
    let coordinator = actor(Role::Coordinator, DISTRICT, 1);
    let (_, disk) = story.retired("A1", "hdd_ata", "low");
    story.refused(&coordinator, "receive_evidence", evidence('a', &disk, "ANOTHER", "pass"), "evidence.serial_differs");
    story.done(&coordinator, "receive_evidence", evidence('a', &disk, "m-a1", "pass"));
    story.done(&coordinator, "receive_evidence", evidence('b', &disk, "m-a1", "aborted"));
    let overwrite = |digit: char| json!({"medium": disk, "technique": "host_overwrite", "evidence": digit.to_string().repeat(64)});
    assert_eq!(story.when(&coordinator, "record_sanitization", overwrite('a')).unwrap()[0].event.name(), "media.sanitized");
    story.done(&coordinator, "record_sanitization", overwrite('b'));
    assert_eq!(story.medium(&disk).state, MediumState::Failed);
    // The same technique again does not count, another one that is at least as strong does.
    let why = story.refused(&coordinator, "record_sanitization", overwrite('a'), "sanitization.failed_once");
    assert!(why.contains("another technique that is at least as strong (rule P-5"), "{why}");
    // The same failure is no second one, and what was done before it is no further attempt.
    story.refused(&coordinator, "record_sanitization", overwrite('b'), "sanitization.failure_recorded");
    assert_eq!(story.medium(&disk).failed.len(), 1);
    let degauss = json!({"medium": disk, "technique": "degauss", "statement": {"equipment": "DG", "field_oersted": 10_000, "coercivity_oersted": 5_000,
        "calibrated_on": "2026-01-05"}});
    let earlier = Instant::from_unix_ms(story.medium(&disk).failed[0].occurred.unix_ms() - 1).unwrap();
    let occasion = Occasion { occurred: earlier, ..story.occasion(&coordinator) };
    let Err(Stop::Refused(refusal)) = Command::read("record_sanitization", degauss.clone()).unwrap().decide(story.known(), &occasion) else {
        panic!()
    };
    assert!(refusal.code == "command.too_early" && refusal.why.contains("the attempt that failed"), "{}", refusal.why);
    assert_eq!(story.when(&coordinator, "record_sanitization", degauss.clone()).unwrap()[0].event.name(), "media.sanitized");
    // Data on it again does not mend it: what failed before has still failed.
    let mut again = story.medium(&disk).clone();
    again.void_sanitization();
    assert_eq!((again.state, again.failed.len()), (MediumState::DataPresent, 1));
    let mut second = evidence('c', &disk, "m-a1", "fail");
    second["links"][0]["reading"]["technique"] = json!("ata_sanitize_overwrite");
    story.done(&coordinator, "receive_evidence", second);
    story.done(&coordinator, "record_sanitization", json!({"medium": disk, "technique": "ata_sanitize_overwrite", "evidence": "c".repeat(64)}));
    assert_eq!(story.medium(&disk).failed.len(), 2);
    let why = story.refused(&coordinator, "record_sanitization", degauss, "sanitization.only_destroy");
    assert!(why.contains("failed twice"), "{why}");
    story.done(
        &coordinator,
        "record_sanitization",
        json!({"medium": disk, "technique": "disintegrate", "statement": {"equipment": "D1", "particle_tenths_mm": 20}}),
    );
}

#[test]
fn a_vendor_acts_only_on_what_it_holds() {
    let mut story = Story::new();
    let (device, disk) = story.retired("A1", "hdd_ata", "low");
    let operator = actor(Role::VendorOperator, VENDOR, 1);
    let melt = json!({"medium": disk, "technique": "melt", "statement": {"facility": "F", "facility_batch": "B"}});
    story.refused(&operator, "record_sanitization", melt.clone(), "sanitization.unknown_medium");
    let consignment = story.released("C1", &[&device]);
    story.refused(&operator, "record_sanitization", melt.clone(), "custody.not_yours");
    story.done(
        &operator,
        "receive_consignment",
        json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": [{"tag": "a1"}]}),
    );
    story.refused(&actor(Role::VendorOperator, OTHER, 1), "record_sanitization", melt.clone(), "sanitization.unknown_medium");
    story.done(&operator, "record_sanitization", melt);
}

#[test]
fn an_outcome_waits_until_the_data_is_gone() {
    let mut story = Story::new();
    let coordinator = actor(Role::Coordinator, DISTRICT, 1);
    let (device, disk) = story.retired("A1", "emmc", "moderate");
    let refusal = story.when(&coordinator, "record_disposition", recycled(&device)).unwrap_err();
    assert_eq!((refusal.code, refusal.missing.len()), ("disposition.data_not_gone", 1));
    // A powerwash is clear; recycling moderate data takes purge.
    story.done(&coordinator, "receive_evidence", json!({"sha256": "a".repeat(64), "size_bytes": 1, "links": []}));
    let reset = json!({"medium": disk, "technique": "factory_reset", "evidence": "a".repeat(64),
        "statement": {"completed_without_error": true, "account_removed": true}});
    story.done(&coordinator, "record_sanitization", reset);
    let refusal = story.when(&coordinator, "record_disposition", recycled(&device)).unwrap_err();
    assert!(refusal.missing.iter().any(|why| why.contains("purge is the least")), "{:?}", refusal.missing);
    story.destroyed(&disk);
    let mut unbalanced = recycled(&device);
    unbalanced["mass"]["recovered_grams"] = json!(1_900);
    story.refused(&coordinator, "record_disposition", unbalanced, "disposition.mass_balance");
    story.done(&coordinator, "record_disposition", recycled(&device));
    assert_eq!((story.asset(&device).phase(), story.asset(&device).label()), (Phase::Disposed, Label::Disposed));
    story.refused(&coordinator, "record_disposition", recycled(&device), "disposition.recorded");
}

#[test]
fn a_certificate_is_issued_only_where_nothing_is_missing_and_once() {
    let mut story = Story::new();
    let coordinator = actor(Role::Coordinator, DISTRICT, 1);
    let (device, disk) = story.retired("A1", "hdd_ata", "moderate");
    assert_eq!(missing(&story, &device).len(), 2);
    story.destroyed(&disk);
    story.done(&coordinator, "record_disposition", recycled(&device));
    let verdict = judge(story.known(), &AssetId::parse(&device).unwrap(), story.policy()).unwrap();
    assert_eq!(verdict.kind, CertificateKind::Destruction);
    let issue = |basis: &[(String, u64)], number: &str, index: u32| {
        json!({"asset": device, "number": number, "url": format!("https://x.example/certificates/{number}"), "credential_sha256": "c".repeat(64),
            "status_list": "https://x.example/status/1", "status_index": index, "basis": basis, "shown": []})
    };
    let mut moved = verdict.basis.clone();
    moved[0].1 -= 1;
    story.refused(&coordinator, "issue_certificate", issue(&moved, "N-1", 7), "certification.moved_on");
    story.done(&coordinator, "issue_certificate", issue(&verdict.basis, "N-1", 7));
    assert!(missing(&story, &device).iter().any(|why| why.contains("N-1")));
    story.refused(&coordinator, "redeploy", json!({"asset": device, "site": "S"}), "lifecycle.wrong_status");
    let approver = actor(Role::Approver, DISTRICT, 1);
    story.refused(&coordinator, "revoke_certificate", json!({"number": "N-1", "reason": "error_in_record"}), "command.wrong_role");
    story.done(&approver, "revoke_certificate", json!({"number": "N-1", "reason": "error_in_record"}));
    story.refused(&approver, "revoke_certificate", json!({"number": "N-1", "reason": "error_in_record"}), "certification.revoked");
    assert!(missing(&story, &device).is_empty(), "revocation re-opens the device");
    let again = judge(story.known(), &AssetId::parse(&device).unwrap(), story.policy()).unwrap();
    story.refused(&coordinator, "issue_certificate", issue(&again.basis, "N-2", 7), "certification.place_taken");
}

#[test]
fn a_device_without_storage_gets_a_certificate_of_recycling() {
    let mut story = Story::new();
    let coordinator = actor(Role::Coordinator, DISTRICT, 1);
    let body = json!({"tag": "M1", "category": "monitor", "manufacturer": "M", "model": "M", "site": "S"});
    let device = story.done(&coordinator, "register_asset", body)[0].1.clone();
    story.done(&coordinator, "retire", json!({"asset": device, "reason": "surplus"}));
    story.prepare(&device);
    story.refused(&coordinator, "record_disposition", recycled(&device), "disposition.data_not_gone");
    story.done(&coordinator, "attest_no_storage", json!({"asset": device, "basis": "model_has_none"}));
    story.done(&coordinator, "record_disposition", recycled(&device));
    assert_eq!(judge(story.known(), &AssetId::parse(&device).unwrap(), story.policy()).unwrap().kind, CertificateKind::Recycling);
    story.refused(&coordinator, "record_media", json!({"asset": device, "media": [{"media_type": "emmc"}]}), "registration.gone");
}

#[test]
fn figures_that_no_device_has_are_refused() {
    let mut story = Story::new();
    let coordinator = actor(Role::Coordinator, DISTRICT, 1);
    let with = |member: &str, value: serde_json::Value| {
        let mut body = json!({"tag": "A1", "serial": "SA1", "category": "laptop", "manufacturer": "M", "model": "M", "site": "S"});
        body[member] = value;
        body
    };
    // The clock of these tests stands at 21 Sep 2026.
    for day in ["0000-01-01", "1969-12-31", "2026-09-23", "9999-12-31"] {
        let why = story.refused(&coordinator, "register_asset", with("purchased_on", json!(day)), "registration.purchased_on");
        assert!(why.contains(day), "{why}");
    }
    assert!(story.when(&coordinator, "register_asset", with("purchased_on", json!("1970-01-01"))).is_ok());
    for bytes in [0, 1_000_000_000_000_001u64, u64::MAX] {
        let media = json!([{"media_type": "emmc", "capacity_bytes": bytes}]);
        story.refused(&coordinator, "register_asset", with("media", media), "registration.capacity");
    }
    let media: Vec<_> = (0..201).map(|n| json!({"media_type": "hdd_ata", "serial": format!("M-{n:03}X")})).collect();
    story.refused(&coordinator, "register_asset", with("media", json!(media)), "registration.media_count");
    assert!(story.when(&coordinator, "register_asset", with("media", json!(media[..200]))).is_ok());

    let (device, disk) = story.retired("A2", "hdd_ata", "low");
    let shred = |tenths: u32| json!({"medium": disk, "technique": "shred", "statement": {"particle_tenths_mm": tenths, "equipment": "S-1"}});
    for tenths in [0, 100_001, u32::MAX] {
        let why = story.refused(&coordinator, "record_sanitization", shred(tenths), "policy.absurd_figure");
        assert!(why.contains("particle_tenths_mm"), "{why}");
    }
    let open = json!({"reference": "C1", "from_site": "Site", "to": VENDOR, "to_site": "Site"});
    let consignment = story.done(&coordinator, "open_consignment", open)[0].1.clone();
    story.done(&coordinator, "add_lines", json!({"consignment": consignment, "assets": [device]}));
    let seal = |grams: u32| json!({"consignment": consignment, "containers": [{"label": "P", "gross_weight_grams": grams}]});
    for grams in [0, 100_000_001, u32::MAX] {
        story.refused(&coordinator, "seal_consignment", seal(grams), "consignment.weight");
    }
    assert!(story.when(&coordinator, "seal_consignment", seal(100_000_000)).is_ok());
}

#[test]
fn an_approver_lets_a_cleared_chromebook_go_and_it_stays_cleared() {
    let mut story = Story::new();
    let (coordinator, approver) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::Approver, DISTRICT, 1));
    let (device, flash) = story.retired("A1", "emmc", "moderate");
    let document = story.document();
    let statement = json!({"completed_without_error": true, "account_removed": true});
    let reset = json!({"medium": flash, "technique": "factory_reset", "evidence": document, "statement": statement});
    story.done(&coordinator, "record_sanitization", reset);
    story.done(&actor(Role::Coordinator, DISTRICT, 2), "verify_sanitization", json!({"medium": flash}));
    story.done(&approver, "validate_sanitization", json!({"medium": flash}));
    let why = story.refused(&coordinator, "record_disposition", recycled(&device), "disposition.data_not_gone");
    assert!(why.contains("rule FR-1") && why.contains("three ways are open"), "{why}");
    let accept = |destination: &str| json!({"media": [flash], "technique": "factory_reset", "destination": destination, "rationale": "always_encrypted", "reference": "RISK-7"});
    story.refused(&coordinator, "accept_residual_risk", accept("materials_recovery"), "command.wrong_role");
    // What is accepted for one destination says nothing of another.
    story.done(&approver, "accept_residual_risk", accept("disposal"));
    story.refused(&coordinator, "record_disposition", recycled(&device), "disposition.data_not_gone");
    story.done(&approver, "accept_residual_risk", accept("materials_recovery"));
    story.refused(&approver, "accept_residual_risk", accept("materials_recovery"), "residual_risk.accepted");
    story.done(&coordinator, "record_disposition", recycled(&device));
    let verdict = judge(story.known(), &AssetId::parse(&device).unwrap(), story.policy()).unwrap();
    assert_eq!((verdict.kind, verdict.required), (CertificateKind::Sanitization, super::names::Method::Purge));
    assert_eq!(story.medium(&flash).state, MediumState::Cleared);
    let risk = verdict.media[0].risk_accepted(verdict.destination).unwrap();
    assert_eq!(risk.reference.as_str(), "RISK-7");
}

#[test]
fn an_approver_lets_shredding_count_and_nobody_lets_degaussed_flash() {
    let mut story = Story::new();
    let (coordinator, approver) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::Approver, DISTRICT, 1));
    let (_, drive) = story.retired("A1", "ssd_sata", "high");
    let shred = json!({"medium": drive, "technique": "shred", "statement": {"equipment": "S1", "particle_tenths_mm": 60}});
    story.refused(&coordinator, "record_sanitization", shred.clone(), "sanitization.not_reached");
    let accept = |technique: &str| json!({"media": [drive], "technique": technique, "destination": "disposal", "rationale": "other_controls", "reference": "RISK-8"});
    story.refused(&approver, "accept_residual_risk", accept("degauss"), "residual_risk.nothing_reached");
    story.done(&approver, "accept_residual_risk", accept("shred"));
    story.done(&coordinator, "record_sanitization", shred);
    assert_eq!(story.medium(&drive).sanitization.as_ref().unwrap().rule, "SH-1");
}

#[test]
fn a_drive_that_is_recorded_as_dead_is_not_sanitized_by_a_command_later() {
    let mut story = Story::new();
    let coordinator = actor(Role::Coordinator, DISTRICT, 1);
    let (_, disk) = story.retired("A1", "hdd_ata", "moderate");
    let degauss = json!({"medium": disk, "technique": "degauss", "statement": {"operational": "no", "equipment": "DG", "field_oersted": 10_000,
        "coercivity_oersted": 5_000, "calibrated_on": "2026-01-05"}});
    story.done(&coordinator, "record_sanitization", degauss);
    let document = story.document();
    let erase = json!({"medium": disk, "technique": "ata_sanitize_overwrite", "evidence": document,
        "statement": {"completed_without_error": true, "hidden_areas_absent": true}});
    let why = story.refused(&coordinator, "record_sanitization", erase, "sanitization.not_operational");
    assert!(why.contains("P-5"), "{why}");
}
