//! Refusals that random people do not come to: each is met by what leads to it alone, and counts with the others.

use super::super::catalogue::{Catalogue, SHIPPED};
use super::super::consignment::require_unmoved;
use super::super::exceptions::ExceptionId;
use super::super::manifest;
use super::super::names::Digest;
use super::super::names::Name;
use super::super::notes;
use super::super::own_keys::OwnKeyId;
use super::super::policy::{Pack, STARTER};
use super::super::story::adopting;
use super::*;

/// Every one.
pub(super) const ALL: &[fn() -> Refusal] = &[
    malformed_catalogue,
    model_with_a_pattern_for_a_maker,
    consignment_that_moved_on,
    manifest_that_cannot_be_written,
    too_many_files,
    no_id_of_an_exception,
    no_key,
    too_many_keys,
    another_site_of_a_school_contact,
    pickup_of_a_school_contact,
    note_without_a_text,
    note_with_what_is_not_seen,
    note_without_an_end,
    malformed_policy,
    policy_with_a_hole,
    policy_that_asks_little_for_unknown_data,
    policy_with_a_rule_twice,
    figure_that_no_machine_has,
    calibration_after_the_work,
    too_much_about_an_erase,
    policy_that_nobody_adopted,
    adoption_of_another_policy,
    adoption_before_the_decision,
    adoption_for_the_second_time,
    command_of_a_dead_drive,
    own_risk,
    risk_of_another_technique,
    risk_that_nobody_has_to_accept,
    file_that_was_withheld_and_comes_again,
    file_that_was_withheld_and_is_cited,
    withholding_that_is_proposed_twice,
    report_that_cannot_be,
    reading_of_no_file,
    reading_that_needs_nobody,
    reading_without_a_reference,
    reading_that_is_linked,
    reading_that_is_put_aside_twice,
    reading_that_is_relied_upon,
    no_readings,
    second_reading_of_a_medium,
    reading_that_others_sent_too,
    file_that_is_in_an_archive,
    past_of_what_is_held,
    failed_and_tried_again_in_the_same_way,
    failed_twice_and_not_destroyed,
    failure_that_is_recorded_already,
    past_of_a_device_that_was_here,
    past_of_the_other_day,
    past_of_what_is_missing,
    scan_from_before_the_run,
    machine_of_others,
    machine_that_is_out_of_service,
    machine_for_another_technique,
    machine_that_was_not_calibrated_in_time,
    statement_that_the_register_contradicts,
];

fn coordinator() -> Actor {
    actor(Role::Coordinator, DISTRICT, 1)
}

/// The catalogue is read before the first command.
fn malformed_catalogue() -> Refusal {
    Catalogue::parse("name = 1").unwrap_err()
}

/// The organisation's own table is read before the first command, too.
fn model_with_a_pattern_for_a_maker() -> Refusal {
    let catalogue = Catalogue::parse(SHIPPED).unwrap();
    let mut model = catalogue.models[0].clone();
    model.manufacturer.push('*');
    model.check(&catalogue).unwrap_err()
}

fn opened(story: &mut Story) -> String {
    let open = json!({"reference": "C1", "from_site": "Site", "to": VENDOR, "to_site": "Site"});
    story.done(&coordinator(), "open_consignment", open)[0].1.clone()
}

/// A request names the state that it has seen (If-Match), and somebody was faster.
fn consignment_that_moved_on() -> Refusal {
    let mut story = Story::new();
    let (device, _) = story.retired("A1", "hdd_ata", "low");
    let id = opened(&mut story);
    let consignment = |story: &Story| story.known().consignments.get(&ConsignmentId::parse(&id).unwrap()).unwrap().clone();
    let seen = consignment(&story);
    assert_eq!(require_unmoved(&consignment(&story), seen.last_seq), Ok(()));
    story.done(&coordinator(), "add_lines", json!({"consignment": id, "assets": [device]}));
    require_unmoved(&consignment(&story), seen.last_seq).unwrap_err()
}

/// A list holds texts and numbers, which can always be written: JSON has no such thing as a map whose keys are lists.
fn manifest_that_cannot_be_written() -> Refusal {
    manifest::written(&BTreeMap::from([(vec![1], 1)])).unwrap_err()
}

/// The two hundred and first file for one consignment.
fn too_many_files() -> Refusal {
    let mut story = Story::new();
    let id = opened(&mut story);
    let file = |n: u32| json!({"sha256": format!("{n:064x}"), "size_bytes": 10, "reader": null, "links": [], "consignment": id});
    for n in 0..200 {
        story.done(&coordinator(), "receive_evidence", file(n));
    }
    story.when(&coordinator(), "receive_evidence", file(200)).unwrap_err()
}

/// The door reads it from an address; in the body of a command it is malformed as a whole.
fn no_id_of_an_exception() -> Refusal {
    ExceptionId::parse("E-05").unwrap_err()
}

/// The same of a key.
fn no_key() -> Refusal {
    OwnKeyId::parse("did:key:z6Mk").unwrap_err()
}

/// The fifty-first live key of one party; where one is revoked there is room again.
fn too_many_keys() -> Refusal {
    let mut story = Story::new();
    let key = |n: u32| format!("did:key:z6Mk{n:0>44}");
    for n in 0..50 {
        story.done_signed(&coordinator(), &key(n), "register_key", json!({"key": key(n)}));
    }
    let more = |story: &Story| story.when_signed(&coordinator(), Some(&key(50)), "register_key", json!({"key": key(50)}));
    let refusal = more(&story).unwrap_err();
    story.done(&coordinator(), "revoke_key", json!({"key": key(7)}));
    assert!(more(&story).is_ok());
    refusal
}

fn school_contact(story: &mut Story) -> Actor {
    story.done(&actor(Role::Administrator, DISTRICT, 1), "add_site", json!({"party": DISTRICT, "site": "School"}));
    Actor { site: Some(Name::parse("School").unwrap()), ..actor(Role::SchoolContact, DISTRICT, 1) }
}

fn dock(site: &str) -> Value {
    json!({"tag": "S-1", "category": "dock", "manufacturer": "M", "model": "D", "site": site})
}

/// The stories' people act for the whole organisation; a school contact acts for one site.
fn another_site_of_a_school_contact() -> Refusal {
    let mut story = Story::new();
    let contact = school_contact(&mut story);
    story.when(&contact, "register_asset", dock("Site")).unwrap_err()
}

/// The same: what goes to a vendor is not a school contact's to load.
fn pickup_of_a_school_contact() -> Refusal {
    let mut story = Story::new();
    let contact = school_contact(&mut story);
    let own = story.done(&contact, "register_asset", dock("School"))[0].1.clone();
    let open = json!({"reference": "C1", "from_site": "School", "to": VENDOR, "to_site": "Site"});
    let pickup = story.done(&coordinator(), "open_consignment", open)[0].1.clone();
    story.when(&contact, "add_lines", json!({"consignment": pickup, "assets": [own]})).unwrap_err()
}

/// A note's text never reaches the record: it is looked at before its digest is made.
fn note_without_a_text() -> Refusal {
    notes::text(" \n").unwrap_err()
}

fn note_with_what_is_not_seen() -> Refusal {
    notes::text("a\u{202e}b").unwrap_err()
}

fn note_without_an_end() -> Refusal {
    notes::text(&"x".repeat(10_000)).unwrap_err()
}

/// A pack is read before the first command, too; here with something in it changed.
fn pack_with(text: &str, instead: &str) -> Refusal {
    let text = STARTER.replacen(text, instead, 1);
    Pack::parse(&text, Digest::parse(&"0".repeat(64)).unwrap()).unwrap_err()
}

fn malformed_policy() -> Refusal {
    pack_with("name = ", "nom = ")
}

fn policy_with_a_hole() -> Refusal {
    pack_with("sensitivity = \"low\"\ndestination = \"internal_reuse\"", "sensitivity = \"low\"\ndestination = \"disposal\"")
}

fn policy_that_asks_little_for_unknown_data() -> Refusal {
    let row = "sensitivity = \"unknown\"\ndestination = \"internal_reuse\"\nmethod = ";
    pack_with(&format!("{row}\"purge\""), &format!("{row}\"clear\""))
}

fn policy_with_a_rule_twice() -> Refusal {
    pack_with("id = \"OW-2\"", "id = \"OW-1\"")
}

/// A sanitization of a fresh disk with this statement.
fn stating(technique: &str, statement: Value) -> Refusal {
    let mut story = Story::new();
    let (_, disk) = story.retired("A1", "hdd_ata", "moderate");
    let body = json!({"medium": disk, "technique": technique, "evidence": story.document(), "statement": statement});
    story.when(&coordinator(), "record_sanitization", body).unwrap_err()
}

fn figure_that_no_machine_has() -> Refusal {
    stating("degauss", json!({"field_oersted": 0}))
}

fn calibration_after_the_work() -> Refusal {
    stating("degauss", json!({"calibrated_on": "2199-01-01"}))
}

fn too_much_about_an_erase() -> Refusal {
    let trace: BTreeMap<String, String> = (0..21).map(|n| (format!("fact-{n}"), "F-1".to_owned())).collect();
    stating("tcg_revert", json!({"ce_trace": trace}))
}

fn command_of_a_dead_drive() -> Refusal {
    stating("ata_sanitize_overwrite", json!({"operational": "no"}))
}

/// A device of which all is known, but another version of the policy came into force meanwhile.
fn policy_that_nobody_adopted() -> Refusal {
    let mut story = Story::new();
    let (device, disk) = story.retired("A1", "hdd_ata", "moderate");
    story.destroyed(&disk);
    let mass = json!({"weight_grams": 2_000, "weight_basis": "scale", "recovered_grams": 2_000, "energy_grams": 0, "landfill_grams": 0});
    story.done(&coordinator(), "record_disposition", json!({"asset": device, "outcome": "recycled", "mass": mass}));
    let judged = |story: &Story| judge(story.known(), &AssetId::parse(&device).unwrap(), story.policy());
    assert!(judged(&story).is_ok());
    story.policy_changes();
    let Err(Stop::Refused(refusal)) = judged(&story) else { panic!("nobody has adopted it") };
    let adopt = adopting(story.policy());
    story.done(&actor(Role::Approver, DISTRICT, 1), "adopt_policy", adopt);
    assert!(judged(&story).is_ok());
    refusal
}

fn adopting_with(member: &str, value: &str) -> Refusal {
    let mut story = Story::new();
    let old = adopting(story.policy());
    story.policy_changes();
    let mut body = if member == "version" { old } else { adopting(story.policy()) };
    body[member] = json!(value);
    story.when(&actor(Role::Approver, DISTRICT, 1), "adopt_policy", body).unwrap_err()
}

fn adoption_of_another_policy() -> Refusal {
    adopting_with("version", "next")
}

fn adoption_before_the_decision() -> Refusal {
    adopting_with("decided_on", "2199-01-01")
}

fn adoption_for_the_second_time() -> Refusal {
    let story = Story::new();
    story.when(&actor(Role::Approver, DISTRICT, 1), "adopt_policy", adopting(story.policy())).unwrap_err()
}

/// A document whose bytes two people have withheld.
fn withheld(story: &mut Story) -> String {
    let file = story.document();
    story.done(&coordinator(), "propose_withholding", json!({"sha256": file, "reason": "personal_data"}));
    story.done(&actor(Role::Approver, DISTRICT, 1), "withhold_evidence", json!({"sha256": file}));
    file
}

fn file_that_was_withheld_and_comes_again() -> Refusal {
    let mut story = Story::new();
    let file = withheld(&mut story);
    story.when(&coordinator(), "receive_evidence", json!({"sha256": file, "size_bytes": 9, "reader": null, "links": []})).unwrap_err()
}

fn file_that_was_withheld_and_is_cited() -> Refusal {
    let mut story = Story::new();
    let file = withheld(&mut story);
    let (_, disk) = story.retired("A1", "hdd_ata", "low");
    story.when(&coordinator(), "record_sanitization", json!({"medium": disk, "technique": "host_overwrite", "evidence": file})).unwrap_err()
}

fn withholding_that_is_proposed_twice() -> Refusal {
    let mut story = Story::new();
    let proposal = json!({"sha256": story.document(), "reason": "personal_data"});
    story.done(&coordinator(), "propose_withholding", proposal.clone());
    story.when(&coordinator(), "propose_withholding", proposal).unwrap_err()
}

/// The policy does not let a report count before what is wrong with it is answered.
fn report_that_cannot_be() -> Refusal {
    let mut story = Story::new();
    let (_, disk) = story.retired("A1", "hdd_ata", "low");
    let reading = json!({"technique": "host_overwrite", "result": "pass", "errors": 0, "complete": true, "hidden_area": "none"});
    let finding = json!({"code": "claim.no_duration", "weight": "blocks", "what": "It took no time.", "ask": "Ask for the log."});
    let file = json!({"sha256": "d".repeat(64), "size_bytes": 10, "reader": {"name": "nwipe-log", "version": 1, "records": 1, "remarks": 0},
        "links": [{"medium": disk, "serial": "MA1", "reading": reading, "findings": [finding]}]});
    story.done(&coordinator(), "receive_evidence", file);
    story.when(&coordinator(), "record_sanitization", json!({"medium": disk, "technique": "host_overwrite", "evidence": "d".repeat(64)})).unwrap_err()
}

/// A file that speaks of a medium which nobody knows, linked by hand with one that is known.
fn linked_by_hand(story: &mut Story) -> Value {
    let (_, disk) = story.retired("A1", "hdd_ata", "low");
    let reader = json!({"name": "nwipe-log", "version": 1, "records": 1, "remarks": 0, "unmatched": 1});
    story.done(&coordinator(), "receive_evidence", json!({"sha256": "d".repeat(64), "size_bytes": 10, "reader": reader, "links": []}));
    let reading = json!({"technique": "host_overwrite", "result": "pass", "errors": 0, "complete": true, "hidden_area": "none"});
    let body = json!({"sha256": "d".repeat(64), "serial": "READ-1", "reading": reading, "medium": disk, "reason": "bridge_serial"});
    story.done(&coordinator(), "link_reading", body.clone());
    body
}

fn link_with(changes: Value) -> Refusal {
    let mut story = Story::new();
    let mut body = linked_by_hand(&mut story);
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    story.when(&coordinator(), "link_reading", body).unwrap_err()
}

fn reading_of_no_file() -> Refusal {
    link_with(json!({"sha256": "e".repeat(64)}))
}

fn reading_that_needs_nobody() -> Refusal {
    link_with(json!({"serial": "MA1"}))
}

fn reading_without_a_reference() -> Refusal {
    link_with(json!({"serial": "READ-2", "reason": "shown_elsewhere"}))
}

fn reading_that_is_linked() -> Refusal {
    link_with(json!({}))
}

fn second_reading_of_a_medium() -> Refusal {
    link_with(json!({"serial": "READ-2"}))
}

fn reading_that_others_sent_too() -> Refusal {
    let mut story = Story::new();
    let operator = actor(Role::VendorOperator, VENDOR, 1);
    let file = json!({"sha256": "d".repeat(64), "size_bytes": 10, "links": [],
        "reader": {"name": "nwipe-log", "version": 1, "records": 1, "remarks": 0, "unmatched": 1}});
    story.done(&operator, "receive_evidence", file.clone());
    story.done(&actor(Role::VendorOperator, OTHER, 1), "receive_evidence", file);
    story.when(&operator, "dismiss_readings", aside(json!([{"place": "sda", "serial": "READ-1"}]))).unwrap_err()
}

fn file_that_is_in_an_archive() -> Refusal {
    let mut story = Story::new();
    let file = story.document();
    let archive = json!({"sha256": "d".repeat(64), "size_bytes": 10, "links": [], "members": [file],
        "reader": {"name": "archive", "version": 1, "records": 0, "remarks": 0}});
    story.done(&coordinator(), "receive_evidence", archive);
    story.done(&coordinator(), "propose_withholding", json!({"sha256": file, "reason": "personal_data"}));
    story.when(&actor(Role::Approver, DISTRICT, 1), "withhold_evidence", json!({"sha256": file})).unwrap_err()
}

fn aside(readings: Value) -> Value {
    json!({"sha256": "d".repeat(64), "readings": readings, "reason": "not_ours"})
}

fn reading_that_is_put_aside_twice() -> Refusal {
    let mut story = Story::new();
    linked_by_hand(&mut story);
    let again = aside(json!([{"place": "sda", "serial": "READ-1"}]));
    story.done(&coordinator(), "dismiss_readings", again.clone());
    story.when(&coordinator(), "dismiss_readings", again).unwrap_err()
}

fn reading_that_is_relied_upon() -> Refusal {
    let mut story = Story::new();
    let linked = linked_by_hand(&mut story);
    let done = json!({"medium": linked["medium"], "technique": "host_overwrite", "evidence": linked["sha256"]});
    story.done(&coordinator(), "record_sanitization", done);
    story.when(&coordinator(), "dismiss_readings", aside(json!([{"place": "sda", "serial": "READ-1"}]))).unwrap_err()
}

fn no_readings() -> Refusal {
    let mut story = Story::new();
    linked_by_hand(&mut story);
    story.when(&coordinator(), "dismiss_readings", aside(json!([]))).unwrap_err()
}

fn past_on(story: &Story, asset: &str, day: &str) -> Refusal {
    story.when(&coordinator(), "record_past_disposal", json!({"asset": asset, "outcome": "recycled", "disposed_on": day})).unwrap_err()
}

fn past_of_a_device_that_was_here() -> Refusal {
    let mut story = Story::new();
    let (device, _) = story.retired("A1", "hdd_ata", "low");
    let registered = story.now().utc().date_naive().to_string();
    story.hours_pass(24 * 60);
    past_on(&story, &device, &registered)
}

fn past_of_the_other_day() -> Refusal {
    let mut story = Story::new();
    let (device, _) = story.retired("A1", "hdd_ata", "low");
    let yesterday = story.now().utc().date_naive().pred_opt().unwrap();
    past_on(&story, &device, &yesterday.to_string())
}

fn past_of_what_is_missing() -> Refusal {
    let mut story = Story::new();
    let (device, _) = story.retired("A1", "hdd_ata", "low");
    let body = json!({"asset": device, "loss": "lost", "custodian": "room", "incident": "INC-1"});
    story.done(&coordinator(), "report_missing", body);
    past_on(&story, &device, "2021-06-14")
}

fn scan_from_before_the_run() -> Refusal {
    let mut story = Story::new();
    let (_, disk) = story.retired("A1", "hdd_ata", "low");
    story.done(&coordinator(), "register_machine", machine(DISTRICT, "disintegrate", "DI1"));
    let fed = json!({"medium": disk, "serial": "MA1", "scanned_at": "2026-09-01T09:00:00Z"});
    let run = json!({"machine": story.machine_of(DISTRICT), "media": [fed], "witness": actor(Role::Coordinator, DISTRICT, 2).person,
        "video": {"sha256": "e".repeat(64), "kept_until": "2099-01-01"}});
    story.when(&coordinator(), "record_destruction", run).unwrap_err()
}

/// What is held for a court was not disposed of before.
fn past_of_what_is_held() -> Refusal {
    let mut story = Story::new();
    let (held, _) = story.retired("A1", "hdd_ata", "low");
    let hold = json!({"asset": held, "reason": "litigation", "reference": "CASE-1"});
    story.done(&actor(Role::Approver, DISTRICT, 1), "place_legal_hold", hold);
    let past =
        json!({"asset": held, "outcome": "recycled", "disposed_on": "2021-06-14", "recipient": "Old Recycler", "reference": "LOT-1", "media": []});
    story.when(&coordinator(), "record_past_disposal", past).unwrap_err()
}

/// Overwriting was broken off, and is tried once more.
fn failed_and_tried_again_in_the_same_way() -> Refusal {
    let (story, disk) = failed();
    story.when(&coordinator(), "record_sanitization", overwritten(&disk, "e")).unwrap_err()
}

fn failure_that_is_recorded_already() -> Refusal {
    let (story, disk) = failed();
    story.when(&coordinator(), "record_sanitization", overwritten(&disk, "d")).unwrap_err()
}

fn failed_twice_and_not_destroyed() -> Refusal {
    let (mut story, disk) = failed();
    story.done(&coordinator(), "record_sanitization", overwritten(&disk, "f"));
    story.when(&coordinator(), "record_sanitization", overwritten(&disk, "e")).unwrap_err()
}

fn overwritten(disk: &str, digit: &str) -> Value {
    json!({"medium": disk, "technique": "host_overwrite", "evidence": digit.repeat(64)})
}

/// A disk that failed once: by the file of d; that of e says that it passed, that of f that it failed again.
fn failed() -> (Story, String) {
    let mut story = Story::new();
    let (_, disk) = story.retired("A1", "hdd_ata", "low");
    for (digit, result) in [("d", "aborted"), ("e", "pass"), ("f", "fail")] {
        let reading = json!({"technique": "host_overwrite", "result": result, "errors": 0, "complete": true, "hidden_area": "none"});
        let file = json!({"sha256": digit.repeat(64), "size_bytes": 10, "reader": {"name": "nwipe-log", "version": 1, "records": 1, "remarks": 0},
            "links": [{"medium": disk, "serial": "MA1", "reading": reading}]});
        story.done(&coordinator(), "receive_evidence", file);
    }
    story.done(&coordinator(), "record_sanitization", overwritten(&disk, "d"));
    (story, disk)
}

/// A disk degaussed by a machine of this party, calibrated on a day for a year; the statement says this beside.
fn degaussed_by(party: &str, calibrated: &str, out: Option<&str>, technique: &str, statement: Value) -> Refusal {
    let mut story = Story::new();
    let (_, disk) = story.retired("A1", "hdd_ata", "moderate");
    story.done(&coordinator(), "register_machine", machine(party, "degauss", "DG1"));
    let id = story.machine_of(party);
    let calibration = json!({"party": party, "machine": id, "calibrated_on": format!("{calibrated}-01-05"), "due_on": "2026-09-20"});
    story.done(&coordinator(), "record_calibration", calibration);
    if let Some(from) = out {
        story.done(&coordinator(), "take_out_of_service", json!({"party": party, "machine": id, "from": from}));
    }
    let body = json!({"medium": disk, "technique": technique, "machine": id, "statement": statement});
    story.when(&coordinator(), "record_sanitization", body).unwrap_err()
}

fn machine_of_others() -> Refusal {
    degaussed_by(VENDOR, "2026", None, "degauss", json!({}))
}
fn machine_that_is_out_of_service() -> Refusal {
    degaussed_by(DISTRICT, "2026", Some("2026-09-21"), "degauss", json!({}))
}
fn machine_for_another_technique() -> Refusal {
    degaussed_by(DISTRICT, "2026", None, "shred", json!({}))
}
fn machine_that_was_not_calibrated_in_time() -> Refusal {
    degaussed_by(DISTRICT, "2026", None, "degauss", json!({}))
}
fn statement_that_the_register_contradicts() -> Refusal {
    let mut story = Story::new();
    let (_, disk) = story.retired("A1", "hdd_ata", "moderate");
    story.done(&coordinator(), "register_machine", machine(DISTRICT, "disintegrate", "DI1"));
    let body = json!({"medium": disk, "technique": "disintegrate", "machine": story.machine_of(DISTRICT), "statement": {"particle_tenths_mm": 10}});
    story.when(&coordinator(), "record_sanitization", body).unwrap_err()
}

/// An approver who was a coordinator, and degaussed it.
fn own_risk() -> Refusal {
    risk(|coordinator| Actor::new(coordinator.person.clone(), Role::Approver, coordinator.party.clone()), "degauss", "disposal")
}

fn risk_of_another_technique() -> Refusal {
    risk(|_| actor(Role::Approver, DISTRICT, 1), "shred", "disposal")
}

fn risk_that_nobody_has_to_accept() -> Refusal {
    risk(|_| actor(Role::Approver, DISTRICT, 1), "degauss", "external_reuse")
}

/// Somebody accepts the risk that is left on a degaussed disk.
fn risk(who: fn(&Actor) -> Actor, technique: &str, destination: &str) -> Refusal {
    let mut story = Story::new();
    let (_, disk) = story.retired("A1", "hdd_ata", "moderate");
    story.degaussed(&disk);
    let body = json!({"media": [disk], "technique": technique, "destination": destination, "rationale": "other_controls", "reference": "RISK-1"});
    story.when(&who(&coordinator()), "accept_residual_risk", body).unwrap_err()
}
