//! Bad input, made from the list of routes and from a valid body of each command: always a refusal that says what to do, and nothing written.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use actix_web::dev::ResourceDef;
use quittance::domain::Command;
use quittance::domain::names::Role;
use quittance::operations::audit_ledger;
use quittance::proof::digest::{hex, sha256};
use quittance::store::log;
use quittance::web::ROUTES;
use serde_json::{Value, json};

use super::orders::{Vendor, Yard};
use super::server::{Answer, Server};

/// Members that may be left out, or be null.
const OPTIONAL: &[&str] = &[
    "correct_registration.tag",
    "correct_registration.serial",
    "correct_registration.category",
    "correct_registration.manufacturer",
    "correct_registration.model",
    "correct_registration.sensitivity",
    "correct_registration.site",
    "revoke_key.party",
    "register_machine.machine",
    "register_machine.particle_tenths_mm",
    "register_machine.field_oersted",
    "register_machine.epl_entry",
    "register_machine.epl_particle_tenths_mm",
    "record_calibration.document",
    "record_destruction.weight_in_grams",
    "record_destruction.weight_out_grams",
    "record_destruction.statement.coercivity_oersted",
    "see_device.site",
    "create_link.days",
    "create_link.email",
    "create_link.language",
    "note_of_consignment.line",
    "link.scans[].tag",
    "link.scans[].serial",
    "link.containers[].gross_weight_grams",
    "count.room",
    "count.scans[].tag",
    "count.scans[].serial",
    "sightings.sightings[].site",
    "sightings.sightings[].scan.tag",
    "sightings.sightings[].scan.serial",
    "confirm_medium.media_type",
    "confirm_medium.capacity_bytes",
    "register_party.party",
    "scan.device.sensitivity",
    "register_asset.sensitivity",
    "register_asset.weight_grams",
    "register_asset.weight_basis",
    "register_asset.asset",
    "register_asset.serial",
    "register_asset.purchased_on",
    "register_asset.cost_cents",
    "register_asset.media[].serial",
    "register_asset.media[].capacity_bytes",
    "record_media.media[].serial",
    "record_media.media[].capacity_bytes",
    "record_loose_media.media[].capacity_bytes",
    "register_asset.funding",
    "register_asset.funding.award",
    "register_asset.funding.awarded_on",
    "register_asset.funding.installed_on",
    "send_to_repair.vendor",
    "send_to_repair.vendor_site",
    "send_to_repair.contract",
    "return_from_repair.media[].replacement",
    "return_from_repair.media[].replacement.serial",
    "return_from_repair.media[].replacement.capacity_bytes",
    "harvest_part.tag",
    "harvest_part.serial",
    "authorize_surplus.consent",
    "authorize_consignment.consent",
    "release_accounts.evidence",
    "quarantine.container",
    "report_missing.last_seen",
    "record_remote_command.evidence",
    "record_disposition.title",
    "record_past_disposal.vendor",
    "record_past_disposal.recipient",
    "record_past_disposal.reference",
    "record_past_disposal.document",
    "record_past_disposal.media[].serial",
    "record_past_disposal.media[].technique",
    "open_consignment.consignment",
    "open_consignment.carrier",
    "open_consignment.expected",
    "record_credential.evidence",
    "record_contract.ends_on",
    "record_contract.insured_until",
    "open_consignment.carrier_party",
    "open_consignment.presets",
    "open_consignment.presets.reason",
    "open_consignment.presets.media_type",
    "record_container.seal",
    "record_container.tare_weight_grams",
    "record_container.gross_weight_grams",
    "scan.tag",
    "scan.serial",
    "scan.container",
    "scan.captured",
    "scan.captured.raw",
    "scan.device.media[].serial",
    "scan.device.media[].capacity_bytes",
    "seal_consignment.containers[].tare_weight_grams",
    "release_consignment.driver",
    "add_lines.container",
    "add_quantity.container",
    "add_quantity.unit_weight_grams",
    "seal_consignment.containers[].seal",
    "seal_consignment.containers[].gross_weight_grams",
    "receive_consignment.containers[].gross_weight_grams",
    "receive_consignment.scans[].tag",
    "receive_consignment.scans[].serial",
    "receive_consignment.scans[].damage",
    "receive_consignment.containers[].seal",
    "receive_consignment.counted",
    "map_columns.columns.tag",
    "map_columns.columns.serial",
    "map_columns.columns.weight",
    "propose_withholding.reference",
    "link_reading.reference",
    "dismiss_readings.readings[].serial",
    "dismiss_readings.reference",
    "resolve_discrepancy.reference",
    "resolve_discrepancy.document",
    "record_disposition.grade",
    "record_disposition.proceeds_cents",
    "record_disposition.processor",
    "record_disposition.file",
    "see_device.site",
    "resolve_exception.evidence",
    "resolve_exception.reference",
    "record_sanitization.tool",
    "record_sanitization.statement.completed_without_error",
    "record_sanitization.statement.hidden_areas_absent",
    "record_sanitization.statement.account_removed",
    "record_sanitization.statement.equipment",
    "record_sanitization.statement.key_bits",
    "record_sanitization.statement.particle_tenths_mm",
    "record_sanitization.statement.field_oersted",
    "record_sanitization.statement.coercivity_oersted",
    "record_sanitization.statement.facility",
    "record_sanitization.statement.facility_batch",
];
/// Members that may be left out, and not be null.
const USUAL: &[&str] = &[
    "bulk.dry_run",
    "open_consignment.presets",
    "open_consignment.presets.no_storage",
    "add_lines.assets",
    "add_lines.media",
    "remove_lines.assets",
    "remove_lines.media",
    "remove_lines.quantities",
    "scan.device.media",
    "register_asset.status",
    "register_asset.media",
    "record_past_disposal.media",
    "record_sanitization.statement",
    "record_destruction.statement",
    "record_loose_media.sensitivity",
    "receive_consignment.quantities",
    "receive_consignment.more_to_come",
];
/// Lists that may be empty.
const EMPTY: &[&str] = &[
    "record_past_disposal.media",
    "register_asset.media",
    "receive_consignment.containers",
    "receive_consignment.scans",
    "link.containers",
    "link.scans",
    "receive_consignment.quantities",
    "name_signers.signers",
    "add_lines.assets",
    "add_lines.media",
    "remove_lines.assets",
    "remove_lines.media",
    "remove_lines.quantities",
    "scan.device.media",
];

/// What a sentence that says what to do has in it.
const TELLS: &[&str] = &[
    "sign in",
    "send",
    "write",
    "give",
    "state ",
    "name ",
    "choose",
    "correct",
    "read ",
    "use ",
    "upload",
    "scan",
    "list ",
    "type ",
    "shorten",
    "lies between",
    "leave it out",
    "look it up",
    "add ",
    "start again",
    "needs the role",
    "must be",
    "record ",
    "invalid type",
    "expected one of",
    "expected `",
    "register it",
    "copy it",
    "split",
];

const TEXTS: &[&str] =
    &[r#""""#, r#""   ""#, r#""\u0000""#, r#""a\u0000b""#, r#""a\u0007b""#, r#""\u202eabc""#, r#""a\u2028b""#, r#""\ud800""#, r#""a\udc00b""#];
const NUMBERS: &[&str] = &[
    "-1",
    "-0",
    "9007199254740992",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1e400",
    "-1e400",
    "NaN",
    "Infinity",
    "1.5",
    "1.0",
    "1e2",
    "0x10",
    "01",
];
const DAYS: &[&str] = &["0000-01-01", "9999-12-31", "2026-02-30", "2026-13-01", "+12026-01-01", "-0001-01-01", "2026-11-24T00:00:00Z", "24.11.2026"];
const TIMES: &[&str] = &[
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2199-12-31T23:59:59Z",
    "1989-12-31T23:59:59Z",
    "2026-02-30T00:00:00Z",
    "2026-10-06",
    "2026-10-06T25:00:00Z",
    "2026-10-06T14:00:00",
    "now",
];

fn pattern(pointer: &str) -> String {
    let mut out = String::new();
    for part in pointer.split('/').skip(1) {
        if part.parse::<usize>().is_ok() {
            out.push_str("[]");
        } else {
            out.push('.');
            out.push_str(part);
        }
    }
    out
}

/// Every place in a body, from the root down.
fn places(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| places(value, &format!("{at}/{name}"), into)),
        Value::Array(items) => items.iter().enumerate().for_each(|(n, value)| places(value, &format!("{at}/{n}"), into)),
        _ => {}
    }
}

/// The text of a body with other text, JSON or not, in one place.
fn with(body: &Value, at: &str, text: &str) -> Vec<u8> {
    let mut marked = body.clone();
    *marked.pointer_mut(at).unwrap() = json!("@@here@@");
    marked.to_string().replace("\"@@here@@\"", text).into_bytes()
}

/// One bad body.
struct Case {
    /// The member that is wrong.
    member: String,
    what: String,
    body: Vec<u8>,
}

/// Every member of a valid body spoilt in every way.
fn spoilt(name: &str, body: &Value) -> Vec<Case> {
    let mut at = Vec::new();
    places(body, "", &mut at);
    let mut cases = Vec::new();
    for at in at {
        let value = body.pointer(&at).unwrap();
        let path = format!("{name}{}", pattern(&at));
        let member = at.split('/').rev().find(|part| part.parse::<usize>().is_err()).unwrap_or_default().to_owned();
        let mut case = |what: &str, body: Vec<u8>| {
            let shown: String = what.chars().take(60).collect();
            cases.push(Case { member: member.clone(), what: format!("{path}: {shown}"), body });
        };
        let (optional, usual) = (OPTIONAL.contains(&path.as_str()), USUAL.contains(&path.as_str()));
        let mut wrong: Vec<String> = Vec::new();
        if !at.is_empty() {
            if !optional {
                wrong.push("null".to_owned());
            }
            wrong.extend(["true", "7", "\"x\"", "[]", "{}", "[[]]", "[null]"].map(str::to_owned));
        }
        match value {
            Value::String(_) => {
                wrong.retain(|text| text != "\"x\"");
                wrong.extend(TEXTS.iter().map(|text| (*text).to_owned()));
                wrong.push(format!("\"{}\"", "x".repeat(100 << 10)));
                wrong.push(format!("\"{}\"", "ü".repeat(5_000)));
                if member.ends_with("_on") {
                    wrong.extend(DAYS.iter().map(|day| format!("\"{day}\"")));
                }
            }
            Value::Number(_) => {
                wrong.retain(|text| text != "7");
                wrong.extend(NUMBERS.iter().map(|text| (*text).to_owned()));
            }
            Value::Bool(_) => wrong.retain(|text| text != "true"),
            Value::Array(items) => {
                wrong.retain(|text| text != "[]" || !EMPTY.contains(&path.as_str()));
                wrong.push(format!("[{}]", vec![items[0].to_string(); 10_001].join(",")));
            }
            Value::Object(members) => {
                wrong.retain(|text| text != "{}" || !usual);
                let text = value.to_string();
                wrong.push(format!("{{\"owner\":1,{}", &text[1..]));
                wrong.push(format!("{{\"\":null,{}", &text[1..]));
                for (name, value) in members {
                    wrong.push(format!("{{\"{name}\":{value},{}", &text[1..]));
                }
            }
            Value::Null => {}
        }
        for text in &wrong {
            case(text, if at.is_empty() { text.clone().into_bytes() } else { with(body, &at, text) });
        }
        let in_object = at.rsplit_once('/').filter(|(_, last)| last.parse::<usize>().is_err());
        if let Some((parent, last)) = in_object.filter(|_| !optional && !usual) {
            let mut without = body.clone();
            without.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(last);
            case("left out", without.to_string().into_bytes());
        }
    }
    cases
}

/// What is no JSON object at all.
fn no_objects() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty", Vec::new()),
        ("white space", b" \n".to_vec()),
        ("half an object", b"{".to_vec()),
        ("a list", b"[]".to_vec()),
        ("null", b"null".to_vec()),
        ("a number", b"7".to_vec()),
        ("a text", b"\"x\"".to_vec()),
        ("more than one", b"{}{}".to_vec()),
        ("bad JSON", b"{asset: 1}".to_vec()),
        ("a comment", b"{} // x".to_vec()),
        ("lists in lists", "[".repeat(100_000).into_bytes()),
        ("objects in objects", "{\"a\":".repeat(100_000).into_bytes()),
        ("bad UTF-8", b"{\"asset\":\"\xff\xfe\"}".to_vec()),
        ("a surrogate in UTF-8", b"{\"asset\":\"\xed\xa0\x80\"}".to_vec()),
        ("UTF-16", b"\xff\xfe{\0}\0".to_vec()),
        ("a byte order mark", b"\xef\xbb\xbf{}".to_vec()),
        ("1 MB and a byte", vec![b' '; (1 << 20) + 1]),
    ]
}

fn person(role: Role) -> &'static str {
    match role {
        Role::VendorOperator => "operator",
        Role::VendorVerifier => "verifier",
        other => other.as_str(),
    }
}

/// The record as it is: the log, every table (by audit), and what is not derived from the log.
fn everything(server: &Server) -> (u64, u64, u64, Vec<String>) {
    let mut db = server.service.app.connect().unwrap();
    let report = audit_ledger::audit(&server.service.app, &mut db, |_, _| ()).unwrap();
    assert_eq!(report.findings, [], "{report:?}");
    // A checkpoint is published whenever its time has come.
    // When a token was used last is written whenever it is, letters are sent meanwhile, and a form without any tick is a choice of none.
    const MOVING: [&str; 4] = ["checkpoints", "api_tokens", "outbox", "mail_preferences"];
    let tables = server.tables().into_iter().filter(|(table, _)| !MOVING.contains(&table.as_str()));
    let tables = tables.map(|(table, rows)| format!("{table}: {} values, {}", rows.lines().count(), hex(&sha256(rows.as_bytes())))).collect();
    (report.entries, report.rows, report.files, tables)
}

/// Asks, and looks whether anything was written.
struct Tried<'a> {
    server: &'a Server,
    size: Cell<u64>,
    cases: Cell<u64>,
    wrong: RefCell<Vec<String>>,
}

impl<'a> Tried<'a> {
    fn new(server: &'a Server) -> Self {
        let tried = Self { server, size: Cell::new(0), cases: Cell::new(0), wrong: RefCell::default() };
        tried.look();
        tried
    }
    fn look(&self) -> u64 {
        self.size.replace(log::head(&mut self.server.service.app.read().unwrap()).unwrap().unwrap().frontier.size())
    }
    /// Notes what is not as it should be, so that one run shows all of it.
    fn expect(&self, good: bool, what: impl Fn() -> String, answer: &Answer) {
        if !good {
            let text: String = format!("{}: {} {}", what(), answer.status, String::from_utf8_lossy(&answer.body)).chars().take(700).collect();
            self.wrong.borrow_mut().push(text);
        }
    }
    /// How many cases there were; all have to be as they should.
    fn end(&self) -> u64 {
        let wrong = self.wrong.borrow();
        assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), self.cases.get(), wrong.join("\n"));
        self.cases.get()
    }
    /// Whatever comes, but never a fault and nothing written.
    fn send(&self, what: &str, who: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.cases.set(self.cases.get() + 1);
        let answer = self.server.send(who, method, path, headers, body);
        let before = self.look();
        self.expect(
            answer.status < 500 && self.size.get() == before,
            || format!("{method} {path} {what}: a fault, or something was recorded"),
            &answer,
        );
        answer
    }
    /// A refusal in the one form, with a sentence that names the member or says what to do.
    fn refused(&self, (what, member): (&str, &str), who: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
        let answer = self.send(what, who, method, path, headers, body);
        let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or_default();
        let tells = !member.is_empty() && detail.contains(member) || TELLS.iter().any(|word| detail.to_lowercase().contains(word));
        let good =
            (400..500).contains(&answer.status) && answer.header("content-type") == "application/problem+json" && tells && detail.len() < 1_500;
        self.expect(good, || format!("{method} {path} {what}: no refusal that names “{member}” or says what to do"), &answer);
        problem
    }
}

/// A door that takes a JSON object: its name, who may, where, and what is taken there.
struct JsonDoor {
    name: String,
    who: &'static str,
    path: String,
    body: Value,
}

fn json_doors(yard: &Yard) -> Vec<JsonDoor> {
    let mut doors = Vec::new();
    for (name, roles) in Command::KINDS {
        let giver = *roles.iter().find(|role| **role != Role::Service).unwrap_or(&Role::Administrator);
        if let Some(body) = yard.body(name, Vendor::GreenLoop, person(giver)) {
            doors.push(JsonDoor { name: (*name).to_owned(), who: person(giver), path: format!("/api/v1/commands/{name}"), body });
        }
    }
    let asset = yard.certifiable(Vendor::GreenLoop).0.asset;
    doors.push(JsonDoor {
        name: "issue_certificate".to_owned(),
        who: "approver",
        path: "/api/v1/certificates".to_owned(),
        body: json!({"asset": asset}),
    });
    let path = format!("/api/v1/certificates/{}/revocations", yard.certified(Vendor::GreenLoop).0);
    let seen = yard.retired_one(Vendor::GreenLoop);
    doors.push(JsonDoor {
        name: "count".to_owned(),
        who: "coordinator",
        path: "/api/v1/counts".to_owned(),
        body: json!({"site": "Central", "room": "R-1", "scans": [{"tag": seen.tag, "serial": seen.serial}]}),
    });
    let retired = yard.body("retire", Vendor::GreenLoop, "coordinator").unwrap();
    doors.push(JsonDoor {
        name: "bulk".to_owned(),
        who: "coordinator",
        path: "/api/v1/bulk".to_owned(),
        body: json!({"command": "retire", "body": {"reason": "surplus"}, "selection": {"ids": [retired["asset"]]}, "dry_run": false}),
    });
    doors.push(JsonDoor { name: "revoke_certificate".to_owned(), who: "approver", path, body: json!({"reason": "device_seen"}) });
    let seen = json!({"scan": {"tag": seen.tag, "serial": seen.serial}, "at": "2026-11-20T08:00:00Z", "site": "Central"});
    doors.push(JsonDoor {
        name: "sightings".to_owned(),
        who: "coordinator",
        path: "/api/v1/sightings".to_owned(),
        body: json!({"source": "mdm", "sightings": [seen]}),
    });
    doors.push(JsonDoor {
        name: "assign".to_owned(),
        who: "coordinator",
        path: format!("/api/v1/assets/{}/assignments", yard.in_service(Vendor::GreenLoop)),
        body: json!({"kind": "cart", "place": "CART-7"}),
    });
    let asked = yard.retired_one(Vendor::GreenLoop);
    doors.push(JsonDoor {
        name: "bench_search".to_owned(),
        who: "operator",
        path: "/api/v1/bench/searches".to_owned(),
        body: json!({"serials": [asked.serial]}),
    });
    for what in ["searches", "erasures"] {
        doors.push(JsonDoor {
            name: what.to_owned(),
            who: "coordinator",
            path: format!("/api/v1/assignees/{what}"),
            body: json!({"person": "pupil-4711"}),
        });
    }
    doors.push(JsonDoor {
        name: "correct_person".to_owned(),
        who: "administrator",
        path: format!("/api/v1/people/{}/corrections", yard.somebody()),
        body: json!({"name": "Somebody Other"}),
    });
    let (thing, consignment, secret, _) = yard.linked(Vendor::GreenLoop);
    let linked = thing.clone();
    let (stuck, wiped) = yard.stuck(Vendor::GreenLoop);
    let evidence = yard.evidence(Vendor::GreenLoop, "operator", &wiped);
    let (subject, rule) = stuck.split_once('#').unwrap();
    let exception = format!("{rule}.{subject}");
    doors.push(JsonDoor {
        name: "create_link".to_owned(),
        who: "coordinator",
        path: format!("/api/v1/consignments/{consignment}/links"),
        body: json!({"days": 7, "email": "dock@greenloop.example", "language": "es"}),
    });
    for (thing, id) in [("consignment", &consignment), ("evidence", &evidence), ("exception", &exception)] {
        let mut body = json!({"text": "Two boxes are wet."});
        if thing == "consignment" {
            body["line"] = json!(linked.asset);
        }
        let things = if thing == "evidence" { "evidence".to_owned() } else { format!("{thing}s") };
        let (name, path) = (format!("note_of_{thing}"), format!("/api/v1/{things}/{id}/notes"));
        doors.push(JsonDoor { name, who: "operator", path, body });
    }
    let (misread, file, serial) = yard.unmatched(Vendor::GreenLoop);
    let reading = json!({"place": "nvme0n1", "serial": serial});
    doors.push(JsonDoor {
        name: "link_reading".to_owned(),
        who: "coordinator",
        path: format!("/api/v1/evidence/{file}/links"),
        body: json!({"reading": reading, "medium": misread.medium, "reason": "bridge_serial", "reference": "CASE-30"}),
    });
    let (_, file, serial) = yard.unmatched(Vendor::GreenLoop);
    doors.push(JsonDoor {
        name: "dismiss_readings".to_owned(),
        who: "operator",
        path: format!("/api/v1/evidence/{file}/dismissals"),
        body: json!({"readings": [{"place": "nvme0n1", "serial": serial}], "reason": "not_ours", "reference": "CASE-31"}),
    });
    doors.push(JsonDoor {
        name: "link".to_owned(),
        who: "nobody",
        path: format!("/api/v1/r/{secret}/receipts"),
        body: json!({"scans": [{"tag": thing.tag, "serial": thing.serial}],
            "containers": [{"label": "PALLET-1", "seal_state": "intact", "gross_weight_grams": 18_450}]}),
    });
    doors
}

/// Doors that something else than a JSON object goes through: forms, files, and what has no body.
const NOT_JSON: &[&str] = &[
    "/appearance",
    "/policy-reports",
    "/sign-in",
    "/sign-in/code",
    "/sign-in/again",
    "/agreement",
    "/setup",
    "/invitations/{secret}",
    "/account/factor",
    "/account/password",
    "/account/recovery-codes",
    "/account/sessions",
    "/account/tokens",
    "/account/revocations",
    "/people",
    "/people/{id}",
    "/sign-out",
    "/verify",
    "/exceptions/{id}",
    "/exceptions/{id}/notes",
    "/consignments/{id}/notes",
    "/bench",
    "/bench/destruction",
    "/evidence/{sha256}",
    "/evidence/{sha256}/notes",
    "/evidence/new",
    "/evidence/{sha256}/readings/{number}",
    "/evidence/{sha256}/dismissals",
    "/evidence/{sha256}/actions/{command}",
    "/notes/{id}/erasures",
    "/api/v1/notes/{id}/erasures",
    "/account/mail",
    "/mail/{id}/retries",
    "/mail/unsubscribe/{token}",
    "/api/v1/mail/{id}/retries",
    "/assets/import",
    "/assets/import/{sha256}",
    "/bulk",
    "/bulk/{id}/cancellations",
    "/views",
    "/views/{id}/removals",
    "/assets/new",
    "/assets/new/medium",
    "/assets/{id}/actions/{command}",
    "/consignments/{id}/actions/{command}",
    "/vendors/new",
    "/settings/policy/adoption",
    "/vendors/{id}/actions/{command}",
    "/certificates/{number}/revocation",
    "/r/{secret}",
    "/r/{secret}/evidence",
    "/accept/{secret}",
    "/consignments/new",
    "/consignments/{id}/scan",
    "/consignments/{id}/photos",
    "/consignments/{id}/handoff",
    "/consignments/{id}/handoff/paper",
    "/consignments/{id}/receive",
    "/consignments/{id}/reconcile",
    // Each code in it is answered by itself, also one that is wrong.
    "/consignments/{id}/scans",
    "/api/v1/verifications",
    "/api/v1/r/{secret}/evidence",
    "/api/v1/evidence",
    "/api/v1/evidence/{sha256}/readings",
    "/api/v1/evidence/{sha256}/parts",
    "/api/v1/imports",
    "/api/v1/consignments/{id}/receipts",
    "/api/v1/consignments/{id}/settlements",
    "/api/v1/bulk/{id}/cancellations",
    "/api/v1/people/{id}/erasures",
];

/// Every route that takes a JSON object has its bodies spoilt.
fn check_doors(doors: &[JsonDoor]) {
    for (_, route) in ROUTES.iter().filter(|(method, _)| *method == "post") {
        let spoilt = doors.iter().any(|door| ResourceDef::new(*route).is_match(&door.path));
        assert_ne!(spoilt, NOT_JSON.contains(route), "{route}");
    }
}

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// One door in so many meets each thing that is the same for all of them.
const IN_TURN: usize = 4;

#[test]
fn a_spoilt_body_is_refused_and_the_good_one_is_taken_afterwards() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let doors = json_doors(&yard);
    check_doors(&doors);
    let foreign: Vec<_> = doors
        .iter()
        .filter(|door| door.who == "operator" && door.path.contains("/commands/"))
        .map(|door| (door, yard.body(&door.name, Vendor::RecycleOne, "stranger").unwrap()))
        .collect();
    let people = doors.iter().map(|door| door.who).filter(|who| *who != "nobody").collect::<BTreeSet<_>>();
    let browsers: BTreeMap<&str, String> = people.into_iter().map(|who| (who, server.browser(who).1)).collect();
    let before = everything(&server);
    let tried = Tried::new(&server);
    // What comes before a command's own members is the same for all doors: each door meets a part of it in turn, and all of it where there is time.
    let every = std::env::var("QUITTANCE_TEST_EVERY_WAY").is_ok_and(|every| every == "yes");
    for (number, door) in doors.iter().enumerate() {
        let in_turn = |place: usize| every || place % IN_TURN == number % IN_TURN;
        let good = door.body.to_string().into_bytes();
        for case in spoilt(&door.name, &door.body) {
            tried.refused((&case.what, &case.member), door.who, "POST", &door.path, &[JSON], &case.body);
        }
        // When it happened stands beside the members of every command.
        if door.path.contains("/commands/") {
            let occurred = |text: &str| [&good[..good.len() - 1], b",\"occurred\":", text.as_bytes(), b"}"].concat();
            let texts = TIMES
                .iter()
                .map(|time| format!("\"{time}\""))
                .chain([format!("\"{}\"", "2".repeat(10 << 10)), format!("\"2300-01-01T00:00:00.{}Z\"", "0".repeat(10 << 10))]);
            let texts = texts.chain(["7", "true", "[]", "{}", "1e400", "\"\"", "\"\\u0000\""].map(str::to_owned));
            for (_, text) in texts.enumerate().filter(|(place, _)| in_turn(*place)) {
                tried.refused((&format!("occurred {text}"), "occurred"), door.who, "POST", &door.path, &[JSON], &occurred(&text));
            }
        }
        for (_, (what, body)) in no_objects().into_iter().enumerate().filter(|(place, _)| in_turn(*place)) {
            tried.refused((what, ""), door.who, "POST", &door.path, &[JSON], &body);
        }
        for kind in [
            "text/plain",
            "text/html",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/xml",
            "application/jsonx",
            "\u{e9}",
        ] {
            let problem = tried.refused((kind, ""), door.who, "POST", &door.path, &[("Content-Type", kind)], &good);
            tried.wrong.borrow_mut().extend((problem["status"] != 415).then(|| format!("{kind}: {problem}")));
        }
        // Whoever has the link needs no account.
        if door.who == "nobody" {
            continue;
        }
        for (who, header) in
            [("nobody", None), ("nobody", Some("Bearer qtn_x")), ("nobody", Some("Basic eDp4")), ("nobody", Some("Bearer")), ("nobody", Some(""))]
        {
            let mut headers = vec![JSON];
            headers.extend(header.map(|header| ("Authorization", header)));
            assert_eq!(tried.refused(("no token", ""), who, "POST", &door.path, &headers, &good)["status"], 401);
        }
        let cookie = browsers[door.who].as_str();
        assert_eq!(tried.refused(("a cookie", ""), "nobody", "POST", &door.path, &[JSON, ("Cookie", cookie)], &good)["status"], 401);
        for who in ["auditor", "reports"] {
            assert_eq!(tried.refused(("wrong role", ""), who, "POST", &door.path, &[JSON], &good)["status"], 403);
            // Whoever may not is told so whatever they send.
            assert_eq!(tried.refused(("wrong role", ""), who, "POST", &door.path, &[JSON], b"{")["status"], 403);
        }
    }
    for (door, body) in &foreign {
        tried.refused(("another party's", ""), "operator", "POST", &door.path, &[JSON], body.to_string().as_bytes());
    }
    println!("{} cases of {} doors", tried.end(), doors.len());
    assert_eq!(everything(&server), before);
    // Each body was good but for what was spoilt in it.
    for door in &doors {
        let answer = server.post(door.who, &door.path, &door.body);
        let changed = ["sightings", "bench_search", "searches", "erasures", "correct_person"].contains(&door.name.as_str());
        assert_eq!(answer.status, if changed { 200 } else { 201 }, "{}: {}", door.name, answer.text());
    }
    server.audit();
}

/// x · ["a"] · {"a":1} · ["a","b","c"] · ["\u0000","b"] · [1,2] · "x" · nothing that decodes.
const CURSORS: &[&str] =
    &["x", "WyJhIl0", "eyJhIjoxfQ", "WyJhIiwiYiIsImMiXQ", "WyJcdTAwMDAiLCJiIl0", "WzEsMl0", "Ingi", "!!!", "%00", "WyJhIiwiYiJd="];

/// Parameters of queries, with values that are none.
const QUERIES: &[(&str, &[&str])] = &[
    ("limit", &["-1", "0", "201", "9223372036854775808", "18446744073709551616", "1e400", "NaN", "1.5", "x", "", "%00", "5%00", "%D9%A3"]),
    ("from", &["-1", "18446744073709551616", "1e400", "NaN", "1.5", "x", "", "%00"]),
    ("label", &["blue", "RETIRED", "%00", "retired%00", "%E2%80%AEretired"]),
    ("tag", &["%00", "a%00b", "%07", "a%0D%0Ab"]),
    ("q", &["%00", "a%00b", "%07", "a%0D%0Ab", "a&tag=a"]),
    ("after", CURSORS),
    ("lines_after", CURSORS),
    ("discrepancies_after", CURSORS),
    ("dry_run", &["maybe", "1", "TRUE", "", "%00"]),
    ("past", &["maybe", "1", "TRUE", "", "%00"]),
    ("document", &["x", "", "%00", "urn:sha256:ab"]),
    ("more_to_come", &["maybe", "1", "", "%00"]),
    ("profile", &["%00", "a%07"]),
    ("weight_basis", &["guess", "", "%00"]),
    ("sensitivity", &["secret", "", "%00"]),
    ("status", &["blue", "OPEN", "%00", "open%00"]),
    ("to", &["2026-13", "2026", "2026-1", "2026-01-01", "x", "", "%00"]),
    ("site", &["%00", "a%00b", "%07", "a%0D%0Ab"]),
    ("vendor", &["x", "%00", "urn:uuid:ZZ"]),
    ("table", &["x", "", "%00"]),
];

/// Which routes have which.
fn parameters(method: &str, path: &str) -> &'static [&'static str] {
    match path {
        path if path.ends_with("/notes") && path.starts_with("/api/") && method == "GET" => &["from", "limit"],
        "/assets" | "/api/v1/assets" => &["after", "limit", "label", "tag", "q"],
        "/assets/{id}" => &["from"],
        "/consignments" | "/api/v1/consignments" | "/certificates" | "/api/v1/certificates" | "/api/v1/parties" => &["after", "limit"],
        "/consignments/{id}" | "/api/v1/consignments/{id}" => &["lines_after", "discrepancies_after", "from", "limit"],
        "/api/v1/assets/{id}/entries" | "/api/v1/bulk/{id}/items" => &["from", "limit"],
        "/api/v1/imports" => &["dry_run", "sensitivity", "past", "document"],
        "/api/v1/consignments/{id}/receipts" => &["dry_run", "more_to_come", "profile"],
        "/api/v1/consignments/{id}/settlements" => &["dry_run", "weight_basis", "profile"],
        "/exceptions" | "/api/v1/exceptions" => &["status", "after", "limit"],
        "/exceptions/{id}" => &["from"],
        "/reports/{name}" | "/api/v1/reports/{name}" => &["from", "to", "site", "vendor"],
        "/api/v1/reports/{name}.csv" => &["from", "to", "site", "vendor", "table"],
        _ => &[],
    }
}

const SEGMENTS: &[&str] = &[
    "x",
    "-1",
    "%00",
    "a%00b",
    "%FF%FE",
    "..%2F..%2Fetc%2Fpasswd",
    "%2e%2e",
    "99999999999999999999999",
    "9223372036854775808",
    "18446744073709551615",
    "1e400",
    "NaN",
    "1.5",
    "urn:uuid:",
    "urn:uuid:ZZ",
    "URN:UUID:00000000-0000-4000-8000-00000000DEAD",
    "%E2%80%AEx",
    "%ED%A0%80",
    "'%20OR%201=1--",
    "%22%3E%3Cscript%3E",
    "%0D%0AX:1",
];

#[test]
fn bad_addresses_and_queries_are_refused_on_every_route() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let (number, thing, evidence) = yard.certified(Vendor::GreenLoop);
    let consignment =
        server.get("auditor", &format!("/api/v1/assets/{}", thing.asset)).taken()["asset"]["handoffs"][0]["consignment"].as_str().unwrap().to_owned();
    let secret = yard.linked(Vendor::GreenLoop).2;
    let exception = yard.exception(Vendor::GreenLoop);
    let (stuck, rule) = exception.split_once('#').unwrap();
    let exception = format!("{rule}.{stuck}");
    let before = everything(&server);
    let tried = Tried::new(&server);
    for (method, route) in ROUTES {
        let method = method.to_uppercase();
        let who = match *route {
            "/api/v1/certificates/{number}/revocations" => "approver",
            route if route.contains("mail") => "administrator",
            _ if method == "POST" => "coordinator",
            _ => "auditor",
        };
        let good = route
            .replace(
                "{id}",
                match *route {
                    route if route.contains("consignments") => &consignment,
                    route if route.contains("exceptions") => &exception,
                    _ => &thing.asset,
                },
            )
            .replace("{number}", &number)
            .replace("{seq}", "1")
            .replace("{secret}", &secret)
            .replace("{token}", "x")
            .replace("{sha256}", &evidence)
            .replace("{part:.+}", "certificate.vc.json")
            .replace("{name}", if route.contains("reports") { "mass-balance" } else { "retire" });
        let body: &[u8] = if route.contains("revocations") { b"{\"reason\":\"device_seen\"}" } else { b"" };
        for parameter in ["{id}", "{number}", "{seq}", "{sha256}", "{part:.+}", "{name}", "{secret}", "{token}"] {
            if !route.contains(parameter) {
                continue;
            }
            let long = "x".repeat(10_000);
            for segment in SEGMENTS.iter().chain([&long.as_str()]) {
                let path = route.replace(parameter, segment).replace("{number}", &number).replace("{part:.+}", "certificate.vc.json");
                let answer = tried.send("", who, &method, &path, &[], body);
                let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
                let detail = problem["detail"].as_str().unwrap_or_default();
                let good = (400..500).contains(&answer.status) && answer.header("content-type") == "application/problem+json";
                tried.expect(good && (10..1_500).contains(&detail.len()), || format!("{method} {path}"), &answer);
            }
        }
        for (name, values) in QUERIES.iter().filter(|(name, _)| parameters(&method, route).contains(name)) {
            let long = "x".repeat(10_000);
            for value in values.iter().chain([&long.as_str()]) {
                tried.refused(("", name), who, &method, &format!("{good}?{name}={value}"), &[], body);
            }
            tried.refused(("twice", name), who, &method, &format!("{good}?{name}=1&{name}=1"), &[], body);
            tried.refused(("unknown", "colour"), who, &method, &format!("{good}?colour=red"), &[], body);
        }
        if *route == "/sign-out" {
            continue;
        }
        let answer =
            tried.send("junk", who, &method, &format!("{good}?a=%00&b=%FF&c[]=1&&=&%zz&next=//x&number=%00&d={}", "x".repeat(8_000)), &[], b"");
        assert!(parameters(&method, route).is_empty() || (400..500).contains(&answer.status), "{method} {route}: {}", answer.status);
    }
    println!("{} cases of {} routes", tried.end(), ROUTES.len());
    assert_eq!(everything(&server), before);
}

#[test]
fn bad_files_and_forms_are_refused_or_said_to_be_unreadable() {
    let server = Server::start();
    let before = everything(&server);
    let tried = Tried::new(&server);
    let mut files = no_objects();
    files.extend([
        ("NULs", vec![0; 4_096]),
        ("half a PDF", b"%PDF-1.7\n1 0 obj\n<<".to_vec()),
        ("lists in a PDF", [b"%PDF-1.7\n1 0 obj\n".to_vec(), b"[".repeat(100_000)].concat()),
    ]);
    files.extend([("half a CSV", b"Asset Tag,\"Serial".to_vec()), ("one long line", vec![b','; 900_000]), ("a ZIP", b"PK\x03\x04".repeat(1_000))]);
    for (what, file) in &files {
        tried.refused((what, "Line"), "coordinator", "POST", "/api/v1/imports", &[("Content-Type", "text/csv")], file);
        let answer = tried.send(what, "nobody", "POST", "/api/v1/verifications", &[], file);
        assert!(answer.status == 200 && answer.json()["exitCode"] != 0, "{what}: {} {}", answer.status, answer.text());
        let form = [b"--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n".to_vec(), file.clone(), b"\r\n--x--\r\n".to_vec()].concat();
        let page = tried.send(what, "nobody", "POST", "/verify", &[("Content-Type", "multipart/form-data; boundary=x")], &form);
        assert!(page.status == 200 && !page.text().contains("AUTHENTIC ·"), "{what}: {}", page.status);
    }
    tried.refused(("empty", ""), "coordinator", "POST", "/api/v1/evidence", &[], b"");
    for (what, kind, form) in [
        ("no form", "text/plain", &b"email=x&password=y"[..]),
        ("JSON", "application/json", b"{\"email\":\"x\",\"password\":\"y\"}"),
        ("no password", "application/x-www-form-urlencoded", b"email=x&next=%2Fassets"),
        ("empty", "application/x-www-form-urlencoded", b""),
        ("twice", "application/x-www-form-urlencoded", b"email=a&password=b&email=c"),
        ("bad UTF-8", "application/x-www-form-urlencoded", b"email=\xff\xfe&password=\xff"),
    ] {
        tried.refused((what, "token"), "nobody", "POST", "/sign-in", &[("Content-Type", kind)], form);
    }
    for token in ["", "%00", "%FF", "qtn_x", "'%20OR%201=1--"] {
        let form = format!("email={token}x&password={token}");
        let page = tried.send(token, "nobody", "POST", "/sign-in", &[("Content-Type", "application/x-www-form-urlencoded")], form.as_bytes());
        assert!(page.status == 422 && page.header("set-cookie").is_empty(), "{token}: {}", page.status);
    }
    for (kind, form) in [
        ("text/plain", &b"x"[..]),
        ("multipart/form-data", b"--x\r\n\r\nx\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nhalf"),
        ("multipart/form-data; boundary=x", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: \xff\r\n\r\nx\r\n--x--\r\n"),
    ] {
        let answer = tried.send(kind, "nobody", "POST", "/verify", &[("Content-Type", kind)], form);
        assert!((400..500).contains(&answer.status) || !answer.text().contains("AUTHENTIC ·"), "{kind}: {}", answer.status);
    }
    println!("{} cases of files and forms", tried.end());
    assert_eq!(everything(&server), before);
}
