//! Who may do what: every route and every command, for every role and for nobody, with a vendor's own thing and with another vendor's.

use std::collections::BTreeSet;

use quittance::domain::Command;
use quittance::proof::digest::{hex, sha256};
use quittance::store::log;
use quittance::web::ROUTES;
use serde_json::{Value, json};

use super::orders::{Thing, Vendor, Yard};
use super::server::{Answer, PASSWORD, Server};
use super::story::nwipe_log;

/// The eight roles, each with the person who has it, and nobody.
const ROLES: &[(&str, &str)] = &[
    ("coordinator", "coordinator"),
    ("approver", "approver"),
    ("vendor_operator", "operator"),
    ("vendor_verifier", "verifier"),
    ("auditor", "auditor"),
    ("reports", "reports"),
    ("administrator", "administrator"),
    ("school_contact", "contact"),
    ("nobody", "nobody"),
];

/// Who writes notes; a note's author may erase it too.
const WRITERS: &str = "coordinator, approver, vendor_operator, vendor_verifier, administrator";

/// By route: who may (everyone else who is signed in gets a 403, whoever is not a 401), and what a vendor gets of another vendor's thing:
/// `–` there is no such difference, `unknown` the same answer as for a thing that does not exist, `not listed` a list without it, `not linked` a file
/// that is taken and says nothing about it. In brackets: a role that may, and is refused for another reason; `none` may at this door.
const TABLE: &[(&str, &str, &str)] = &[
    ("get /", "anyone", "–"),
    ("get /sign-in", "anyone", "–"),
    ("post /sign-in", "anyone", "–"),
    ("get /sign-in/code", "anyone", "–"),
    ("post /sign-in/code", "anyone", "–"),
    ("get /sign-in/other", "anyone", "–"),
    ("get /sign-in/other/back", "anyone", "–"),
    ("get /agreement", "anyone", "–"),
    ("post /agreement", "anyone", "–"),
    ("get /account/factor", "anyone", "–"),
    ("post /account/factor", "anyone", "–"),
    ("post /sign-out", "anyone", "–"),
    ("get /setup", "anyone", "–"),
    ("post /setup", "anyone", "–"),
    ("get /invitations/{secret}", "anyone", "–"),
    ("post /invitations/{secret}", "anyone", "–"),
    ("get /sign-in/again", "signed in", "–"),
    ("post /sign-in/again", "none [401 session.signed_out]", "–"),
    ("get /account", "signed in", "–"),
    ("post /account/password", "signed in", "–"),
    ("post /account/recovery-codes", "signed in", "–"),
    ("post /account/sessions", "signed in", "–"),
    ("post /account/tokens", "none [403 token.no_person]", "–"),
    ("post /account/revocations", "signed in", "–"),
    ("get /people", "administrator", "–"),
    ("post /people", "administrator", "–"),
    ("get /people/{id}", "administrator", "–"),
    ("post /people/{id}", "administrator", "–"),
    ("get /administration", "auditor, administrator", "–"),
    ("get /verify", "anyone", "–"),
    ("post /verify", "anyone", "–"),
    ("get /verify.html", "anyone", "–"),
    ("post /api/v1/verifications", "anyone", "–"),
    ("get /certificates/{number}.pdf", "anyone", "–"),
    ("get /certificates/{number}", "anyone", "–"),
    ("get /certificates/{number}/{part:.+}", "anyone", "–"),
    ("get /.well-known/did.json", "anyone", "–"),
    ("get /did.json", "anyone", "–"),
    ("get /ns/quittance/v1", "anyone", "–"),
    ("get /status/1", "anyone", "–"),
    ("get /static/{version}/{path:.+}", "anyone", "–"),
    ("post /appearance", "anyone", "–"),
    ("post /policy-reports", "anyone", "–"),
    ("get /healthz", "anyone", "–"),
    ("get /a/{tag}", "anyone", "–"),
    ("get /ledger/checkpoint", "anyone", "–"),
    ("get /ledger/proof/{seq}", "anyone", "–"),
    ("get /ledger/log.vkey", "anyone", "–"),
    ("get /sw.js", "anyone", "–"),
    ("get /dock", "anyone", "–"),
    ("get /accept/{secret}", "anyone", "–"),
    ("post /accept/{secret}", "anyone", "–"),
    ("get /r/{secret}", "anyone", "–"),
    ("post /r/{secret}", "anyone", "–"),
    ("post /r/{secret}/evidence", "anyone", "–"),
    ("get /api/v1/r/{secret}", "anyone", "–"),
    ("post /api/v1/r/{secret}/receipts", "anyone", "–"),
    ("post /api/v1/r/{secret}/evidence", "anyone", "–"),
    ("get /ledger/entries/{seq}", "signed in", "unknown"),
    ("get /search", "signed in", "–"),
    ("get /ledger", "signed in", "–"),
    ("get /ledger/heads", "signed in", "–"),
    ("get /reports", "signed in", "–"),
    ("get /settings", "coordinator, approver, auditor, reports, administrator", "–"),
    ("get /settings/policy", "coordinator, approver, auditor, reports, administrator", "–"),
    ("get /settings/policy/text", "coordinator, approver, auditor, reports, administrator", "–"),
    ("get /settings/policy/adoption", "approver", "–"),
    ("post /settings/policy/adoption", "approver", "–"),
    ("get /settings/system", "coordinator, approver, auditor, reports, administrator", "–"),
    ("get /assets/import", "coordinator, administrator", "–"),
    ("post /assets/import", "coordinator, administrator", "–"),
    ("post /assets/import/{sha256}", "coordinator, administrator", "–"),
    ("get /assets.csv", "signed in", "not listed"),
    ("post /views", "signed in", "–"),
    ("post /views/{id}/removals", "none [404 request.unknown]", "–"),
    ("get /bulk/new", "vendor_operator, vendor_verifier, coordinator, approver, administrator", "–"),
    ("post /bulk", "vendor_operator, vendor_verifier, coordinator", "unknown"),
    ("get /bulk/{id}", "signed in", "unknown"),
    ("get /bulk/{id}/refused.csv", "signed in", "unknown"),
    ("post /bulk/{id}/cancellations", "vendor_operator, vendor_verifier, coordinator", "unknown"),
    ("get /assets/new", "coordinator, administrator, school_contact", "–"),
    ("post /assets/new", "coordinator, administrator, school_contact", "–"),
    ("get /assets/new/medium", "coordinator, vendor_operator", "–"),
    ("post /assets/new/medium", "coordinator, vendor_operator", "–"),
    ("get /assets/{id}/actions", "signed in", "unknown"),
    ("get /assets/{id}/actions/{command}", "coordinator, vendor_operator", "unknown"),
    ("post /assets/{id}/actions/{command}", "coordinator, vendor_operator", "unknown"),
    ("get /consignments/{id}/actions", "signed in", "unknown"),
    ("get /consignments/{id}/actions/{command}", "approver", "–"),
    ("post /consignments/{id}/actions/{command}", "approver", "–"),
    ("get /vendors/new", "administrator", "–"),
    ("post /vendors/new", "administrator", "–"),
    ("get /vendors/{id}/actions", "signed in", "unknown"),
    ("get /vendors/{id}/actions/{command}", "administrator", "–"),
    ("post /vendors/{id}/actions/{command}", "administrator", "–"),
    ("get /certificates/{number}/revocation", "approver", "–"),
    ("post /certificates/{number}/revocation", "approver", "–"),
    ("get /assets", "signed in", "not listed"),
    ("get /assets/{id}", "signed in", "unknown"),
    ("get /consignments", "signed in", "not listed"),
    ("get /consignments/{id}", "signed in", "unknown"),
    ("get /consignments/{id}/manifest.pdf", "signed in", "unknown"),
    ("get /consignments/{id}/pick-list.pdf", "signed in", "unknown"),
    ("get /consignments/{id}/receipt.pdf", "signed in", "unknown"),
    ("get /consignments/{id}/reconciliation.pdf", "signed in", "unknown"),
    ("get /labels", "signed in", "–"),
    ("get /labels/download", "signed in", "unknown"),
    ("get /consignments/new", "signed in", "–"),
    ("post /consignments/new", "coordinator, vendor_operator", "–"),
    ("get /consignments/{id}/scan", "signed in", "unknown"),
    ("post /consignments/{id}/scan", "coordinator, vendor_operator, school_contact", "unknown"),
    ("post /consignments/{id}/scans", "coordinator, vendor_operator, school_contact", "unknown"),
    ("post /consignments/{id}/photos", "coordinator, vendor_operator", "unknown"),
    ("get /consignments/{id}/events", "signed in", "unknown"),
    ("get /consignments/{id}/handoff", "signed in", "unknown"),
    ("post /consignments/{id}/handoff", "coordinator, vendor_operator", "unknown"),
    ("post /consignments/{id}/handoff/paper", "coordinator, vendor_operator", "unknown"),
    ("get /consignments/{id}/receive", "signed in", "unknown"),
    ("post /consignments/{id}/receive", "coordinator, vendor_operator", "unknown"),
    ("get /consignments/{id}/reconcile", "signed in", "unknown"),
    ("post /consignments/{id}/reconcile", "approver", "–"),
    ("get /vendors", "signed in", "not listed"),
    ("get /vendors/{id}", "signed in", "unknown"),
    ("get /certificates", "signed in", "not listed"),
    ("get /api/v1/commands", "signed in", "–"),
    ("post /api/v1/commands/open_log", "none [404 command.service_only]", "–"),
    ("post /api/v1/commands/register_party", "administrator", "–"),
    ("post /api/v1/commands/register_asset", "coordinator, administrator, school_contact", "–"),
    ("post /api/v1/commands/record_media", "coordinator, vendor_operator", "unknown"),
    ("post /api/v1/commands/record_loose_media", "coordinator, vendor_operator", "–"),
    ("post /api/v1/commands/harvest_medium", "coordinator, vendor_operator", "unknown"),
    ("post /api/v1/commands/install_medium", "coordinator", "–"),
    ("post /api/v1/commands/attest_no_storage", "coordinator", "–"),
    ("post /api/v1/commands/send_to_repair", "coordinator, approver", "–"),
    ("post /api/v1/commands/return_from_repair", "coordinator", "–"),
    ("post /api/v1/commands/redeploy", "coordinator", "–"),
    ("post /api/v1/commands/retire", "coordinator, approver, school_contact", "–"),
    ("post /api/v1/commands/add_site", "administrator", "–"),
    ("post /api/v1/commands/name_signers", "approver, administrator", "–"),
    ("post /api/v1/commands/agree_to_sign", "none [404 command.own_door]", "–"),
    ("post /api/v1/commands/record_credential", "approver, administrator", "–"),
    ("post /api/v1/commands/suspend_credential", "approver, administrator", "–"),
    ("post /api/v1/commands/record_contract", "approver, administrator", "–"),
    ("post /api/v1/commands/record_training", "approver, administrator", "–"),
    ("post /api/v1/commands/register_machine", "coordinator, vendor_operator", "unknown"),
    ("post /api/v1/commands/record_calibration", "coordinator, vendor_operator", "unknown"),
    ("post /api/v1/commands/take_out_of_service", "coordinator, vendor_operator", "unknown"),
    ("post /api/v1/commands/approve_downstream", "approver", "–"),
    ("post /api/v1/commands/withdraw_downstream", "approver", "–"),
    ("post /api/v1/commands/adopt_policy", "approver [422 policy.adopted]", "–"),
    ("post /api/v1/commands/grant_override", "approver", "–"),
    ("post /api/v1/commands/open_consignment", "coordinator, vendor_operator", "–"),
    ("post /api/v1/commands/record_container", "coordinator, vendor_operator", "unknown"),
    ("post /api/v1/commands/add_lines", "coordinator, vendor_operator, school_contact [422 consignment.not_internal]", "unknown"),
    ("post /api/v1/commands/add_quantity", "coordinator, vendor_operator", "unknown"),
    ("post /api/v1/commands/remove_lines", "coordinator, vendor_operator, school_contact [422 consignment.not_internal]", "unknown"),
    ("post /api/v1/commands/scan", "coordinator, vendor_operator, school_contact [422 consignment.not_internal]", "unknown"),
    ("post /api/v1/commands/seal_consignment", "coordinator, vendor_operator", "unknown"),
    ("post /api/v1/commands/unseal_consignment", "coordinator, vendor_operator", "unknown"),
    ("post /api/v1/commands/cancel_consignment", "coordinator, vendor_operator", "unknown"),
    ("post /api/v1/commands/release_consignment", "coordinator, vendor_operator", "unknown"),
    ("post /api/v1/commands/return_to_service", "coordinator", "–"),
    ("post /api/v1/commands/assign", "none [404 command.own_door]", "–"),
    ("post /api/v1/commands/harvest_part", "coordinator", "–"),
    ("post /api/v1/commands/evaluate", "coordinator", "–"),
    ("post /api/v1/commands/authorize_surplus", "approver", "–"),
    ("post /api/v1/commands/authorize_consignment", "approver", "–"),
    ("post /api/v1/commands/release_accounts", "coordinator", "–"),
    ("post /api/v1/commands/grade", "coordinator, vendor_operator", "unknown"),
    ("post /api/v1/commands/place_legal_hold", "approver, administrator", "–"),
    ("post /api/v1/commands/lift_legal_hold", "approver, administrator", "–"),
    ("post /api/v1/commands/quarantine", "coordinator, approver", "–"),
    ("post /api/v1/commands/lift_quarantine", "approver", "–"),
    ("post /api/v1/commands/report_missing", "coordinator, approver, school_contact", "–"),
    ("post /api/v1/commands/record_remote_command", "coordinator, administrator", "–"),
    ("post /api/v1/commands/report_found", "coordinator, approver, school_contact", "–"),
    ("post /api/v1/commands/write_off", "approver", "–"),
    ("post /api/v1/commands/report_medium_found", "coordinator, approver", "–"),
    ("post /api/v1/commands/offer_acceptance", "none [404 command.own_door]", "–"),
    ("post /api/v1/commands/accept_consignment", "coordinator, vendor_operator", "unknown"),
    ("post /api/v1/commands/receive_consignment", "vendor_operator, coordinator [422 consignment.not_for_you]", "unknown"),
    ("post /api/v1/commands/create_link", "none [404 command.own_door]", "–"),
    ("post /api/v1/commands/revoke_link", "coordinator", "–"),
    ("post /api/v1/commands/map_columns", "coordinator, vendor_operator", "unknown"),
    ("post /api/v1/commands/resolve_discrepancy", "approver", "–"),
    ("post /api/v1/commands/receive_evidence", "none [404 command.own_door]", "–"),
    ("post /api/v1/commands/link_reading", "none [404 command.own_door]", "–"),
    ("post /api/v1/commands/dismiss_readings", "none [404 command.own_door]", "–"),
    ("post /api/v1/commands/propose_withholding", "coordinator, approver, administrator", "–"),
    ("post /api/v1/commands/withhold_evidence", "approver", "–"),
    ("post /api/v1/commands/withdraw_withholding", "coordinator, approver, administrator", "–"),
    ("post /api/v1/commands/record_sanitization", "vendor_operator, coordinator", "unknown"),
    ("post /api/v1/commands/record_destruction", "vendor_operator, coordinator", "unknown"),
    ("post /api/v1/commands/verify_sanitization", "vendor_operator, vendor_verifier, coordinator", "unknown"),
    ("post /api/v1/commands/validate_sanitization", "approver", "–"),
    ("post /api/v1/commands/record_sample", "vendor_operator, vendor_verifier, coordinator", "unknown"),
    ("post /api/v1/commands/accept_residual_risk", "approver", "–"),
    ("post /api/v1/commands/record_disposition", "vendor_operator, coordinator", "unknown"),
    ("post /api/v1/commands/record_past_disposal", "coordinator", "–"),
    ("post /api/v1/commands/issue_certificate", "none [404 command.own_door]", "–"),
    ("post /api/v1/commands/record_rendering", "none [404 command.service_only]", "–"),
    ("post /api/v1/commands/revoke_certificate", "none [404 command.own_door]", "–"),
    ("post /api/v1/commands/publish_status", "none [404 command.service_only]", "–"),
    ("post /api/v1/commands/correct_registration", "approver", "–"),
    ("post /api/v1/commands/withdraw_no_storage", "approver", "–"),
    ("post /api/v1/commands/withdraw_medium", "approver", "–"),
    ("post /api/v1/commands/void_sanitization", "approver", "–"),
    ("post /api/v1/commands/void_disposition", "approver", "–"),
    ("post /api/v1/commands/expect_media", "coordinator, administrator", "–"),
    ("post /api/v1/commands/confirm_medium", "coordinator, vendor_operator", "unknown"),
    ("get /api/v1/catalogue", "signed in", "–"),
    ("post /api/v1/commands/see_device", "coordinator, administrator", "–"),
    ("post /api/v1/commands/record_count", "none [404 command.own_door]", "–"),
    ("post /api/v1/counts", "coordinator, school_contact", "–"),
    ("post /api/v1/sightings", "coordinator, administrator", "–"),
    ("get /api/v1/people", "administrator", "–"),
    ("post /api/v1/people/{id}/corrections", "administrator", "–"),
    ("post /api/v1/people/{id}/erasures", "administrator", "–"),
    ("post /api/v1/commands/register_key", "administrator, coordinator, approver, vendor_operator, vendor_verifier", "–"),
    ("post /api/v1/commands/revoke_key", "administrator, coordinator, approver, vendor_operator, vendor_verifier", "–"),
    ("post /api/v1/bulk", "vendor_operator, vendor_verifier, coordinator", "–"),
    ("get /api/v1/bulk/{id}", "signed in", "unknown"),
    ("get /api/v1/bulk/{id}/items", "signed in", "unknown"),
    ("post /api/v1/bulk/{id}/cancellations", "vendor_operator, vendor_verifier, coordinator", "unknown"),
    ("get /exceptions", "signed in", "not listed"),
    ("get /exceptions/{id}", "signed in", "unknown"),
    ("post /exceptions/{id}", "coordinator, approver", "–"),
    ("get /reports/{name}", "signed in", "–"),
    ("post /api/v1/commands/look_for_exceptions", "none [404 command.service_only]", "–"),
    ("post /api/v1/commands/assign_exception", "coordinator, approver", "–"),
    ("post /api/v1/commands/snooze_exception", "coordinator, approver", "–"),
    ("post /api/v1/commands/resolve_exception", "coordinator, approver", "–"),
    ("post /api/v1/commands/reopen_exception", "coordinator, approver", "–"),
    ("get /api/v1/exceptions", "signed in", "not listed"),
    ("get /api/v1/exceptions/{id}", "signed in", "unknown"),
    ("post /api/v1/commands/add_note", "none [404 command.own_door]", "–"),
    ("post /consignments/{id}/notes", WRITERS, "unknown"),
    ("post /exceptions/{id}/notes", WRITERS, "unknown"),
    ("get /evidence", "signed in", "not listed"),
    ("get /evidence/new", "coordinator, vendor_operator, vendor_verifier", "–"),
    ("post /evidence/new", "coordinator, vendor_operator, vendor_verifier", "–"),
    ("get /evidence/{sha256}", "signed in", "unknown"),
    ("get /evidence/{sha256}/readings/{number}", "coordinator, approver", "–"),
    ("post /evidence/{sha256}/readings/{number}", "coordinator, approver", "–"),
    ("post /evidence/{sha256}/dismissals", "coordinator, approver, vendor_operator, vendor_verifier", "unknown"),
    ("get /api/v1/evidence", "signed in", "not listed"),
    ("get /api/v1/evidence/{sha256}/parts", "coordinator, vendor_operator, vendor_verifier", "–"),
    ("post /api/v1/evidence/{sha256}/parts", "coordinator, vendor_operator, vendor_verifier", "–"),
    ("post /api/v1/evidence/{sha256}/links", "coordinator, approver", "–"),
    ("post /api/v1/evidence/{sha256}/dismissals", "coordinator, approver, vendor_operator, vendor_verifier", "unknown"),
    ("post /evidence/{sha256}", "coordinator, vendor_operator, vendor_verifier", "unknown"),
    ("get /evidence/{sha256}/actions/{command}", "coordinator, approver, administrator", "–"),
    ("post /evidence/{sha256}/actions/{command}", "coordinator, approver, administrator", "–"),
    ("get /bench", "vendor_operator, vendor_verifier", "–"),
    ("post /bench", "vendor_operator, vendor_verifier", "–"),
    ("get /bench/destruction", "coordinator, vendor_operator", "–"),
    ("post /bench/destruction", "coordinator, vendor_operator", "–"),
    ("get /validations", "coordinator, approver", "–"),
    ("post /api/v1/bench/searches", "vendor_operator, vendor_verifier", "–"),
    ("get /evidence/{sha256}/notes", "signed in", "unknown"),
    ("post /evidence/{sha256}/notes", WRITERS, "unknown"),
    ("post /notes/{id}/erasures", "administrator", "–"),
    ("get /api/v1/consignments/{id}/notes", "signed in", "unknown"),
    ("post /api/v1/consignments/{id}/notes", WRITERS, "unknown"),
    ("get /api/v1/evidence/{sha256}/notes", "signed in", "unknown"),
    ("post /api/v1/evidence/{sha256}/notes", WRITERS, "unknown"),
    ("get /api/v1/exceptions/{id}/notes", "signed in", "unknown"),
    ("post /api/v1/exceptions/{id}/notes", WRITERS, "unknown"),
    ("post /api/v1/notes/{id}/erasures", "administrator", "–"),
    ("get /account/mail", "signed in", "–"),
    ("post /account/mail", "signed in", "–"),
    ("get /mail", "administrator", "–"),
    ("post /mail/{id}/retries", "administrator", "–"),
    ("get /mail/unsubscribe/{token}", "anyone", "–"),
    ("post /mail/unsubscribe/{token}", "anyone", "–"),
    ("get /api/v1/mail", "administrator", "–"),
    ("post /api/v1/mail/{id}/retries", "administrator", "–"),
    ("get /api/v1/reports", "signed in", "–"),
    ("get /api/v1/reports/{name}.csv", "signed in", "–"),
    ("get /api/v1/reports/{name}", "signed in", "–"),
    ("get /api/v1/assets", "signed in", "not listed"),
    ("get /api/v1/assets/{id}", "signed in", "unknown"),
    ("get /api/v1/assets/{id}/entries", "signed in", "unknown"),
    ("post /api/v1/assets/{id}/assignments", "coordinator", "–"),
    ("post /api/v1/assignees/searches", "coordinator", "–"),
    ("post /api/v1/assignees/erasures", "coordinator", "–"),
    ("get /api/v1/consignments", "signed in", "not listed"),
    ("get /api/v1/consignments/{id}", "signed in", "unknown"),
    ("get /api/v1/consignments/{id}/manifest", "signed in", "unknown"),
    ("get /api/v1/consignments/{id}/manifest.csv", "signed in", "unknown"),
    ("post /api/v1/consignments/{id}/links", "coordinator", "–"),
    ("post /api/v1/consignments/{id}/receipts", "vendor_operator, coordinator", "unknown"),
    ("post /api/v1/consignments/{id}/settlements", "vendor_operator, coordinator", "unknown"),
    ("get /api/v1/parties", "signed in", "not listed"),
    ("get /api/v1/certificates", "signed in", "not listed"),
    ("post /api/v1/certificates", "coordinator, approver", "–"),
    ("get /api/v1/certificates/{number}", "signed in", "unknown"),
    ("post /api/v1/certificates/{number}/revocations", "approver", "–"),
    ("post /api/v1/evidence", "coordinator, vendor_operator, vendor_verifier", "not linked"),
    ("get /api/v1/evidence/{sha256}", "signed in", "unknown"),
    ("post /api/v1/evidence/{sha256}/readings", "coordinator, vendor_operator, vendor_verifier", "unknown"),
    ("post /api/v1/imports", "coordinator, administrator", "–"),
];

/// Every route, and in place of the one for commands each command.
fn doors() -> BTreeSet<String> {
    let (mut doors, mut commands) = (BTreeSet::new(), 0);
    for (method, path) in ROUTES {
        if path.contains("/commands/{name}") {
            doors.extend(Command::KINDS.iter().map(|(name, _)| format!("{method} /api/v1/commands/{name}")));
            commands += 1;
        } else {
            doors.insert(format!("{method} {path}"));
        }
    }
    assert_eq!(commands, 1, "the route for commands has another address");
    doors
}

#[test]
fn every_route_has_its_line() {
    let lines: BTreeSet<String> = TABLE.iter().map(|(door, ..)| (*door).to_owned()).collect();
    assert_eq!(lines.len(), TABLE.len(), "a line is there twice");
    assert_eq!(lines, doors());
}

/// What is asked for.
#[derive(Clone, Debug)]
struct Asked {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Asked {
    fn send(&self, server: &Server, who: &str) -> Answer {
        let headers: Vec<(&str, &str)> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        server.send(who, self.method, &self.path, &headers, &self.body)
    }
    /// Whether the request itself says this word.
    fn says(&self, word: &str) -> bool {
        self.path.contains(word) || String::from_utf8_lossy(&self.body).contains(word)
    }
    /// The same for things that do not exist: each word that tells a thing is another one.
    fn of_nothing(&self, words: &[String]) -> (Self, Vec<(String, String)>) {
        let mut other = self.clone();
        let mut swapped = Vec::new();
        for word in words.iter().filter(|word| self.says(word)) {
            let nothing = match word {
                word if word.starts_with("urn:uuid:") => "urn:uuid:00000000-0000-4000-8000-00000000dead".to_owned(),
                word if word.len() == 64 => "0".repeat(64),
                word => word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect(),
            };
            other.path = other.path.replace(word.as_str(), &nothing);
            other.body = String::from_utf8(other.body).unwrap().replace(word.as_str(), &nothing).into_bytes();
            swapped.push((word.clone(), nothing));
        }
        (other, swapped)
    }
}

/// A vendor's things that routes ask for.
struct Things {
    thing: Thing,
    number: String,
    evidence: String,
    consignment: String,
    /// In its address.
    exception: String,
    seq: String,
    pdf: Vec<u8>,
    bulk: String,
}

impl Things {
    fn of(yard: &Yard, vendor: Vendor) -> Self {
        let server = yard.server;
        let (number, thing, evidence) = yard.certified(vendor);
        let asset = server.get("auditor", &format!("/api/v1/assets/{}", thing.asset)).taken();
        let consignment = asset["asset"]["handoffs"][0]["consignment"].as_str().unwrap().to_owned();
        let entries = server.get("auditor", &format!("/api/v1/assets/{}/entries", thing.asset)).taken();
        let seq = entries["entries"][0]["seq"].to_string();
        let pdf = server.get("nobody", &format!("/certificates/{number}.pdf")).body;
        let bulk = yard.bulk(vendor, &thing);
        let exception = yard.exception(vendor);
        let (stuck, rule) = exception.split_once('#').unwrap();
        let exception = format!("{rule}.{stuck}");
        Self { thing, number, evidence, consignment, exception, seq, pdf, bulk }
    }
}

/// Which of these words a text says; of ids, `urn:uuid:` may be missing. There are thousands of words and of texts, and the standard library's own
/// search takes its time where nothing is optimised.
fn said<'a>(words: &'a [String], text: &'a [u8]) -> impl Iterator<Item = &'a String> {
    words.iter().filter(|word| memchr::memmem::find(text, word.trim_start_matches("urn:uuid:").as_bytes()).is_some())
}

/// Leads to the page of consignments on which this vendor's are.
fn after_others(yard: &Yard, vendor: Vendor) -> String {
    let party = &yard.server.parties[vendor.name()];
    let own = |one: &Value| ["from", "to"].iter().any(|end| one[end]["party"] == *party);
    let mut after = String::new();
    loop {
        let page = yard.server.get("coordinator", &format!("/api/v1/consignments?limit=200{after}")).taken();
        match page["next"].as_str() {
            Some(next) if !page["consignments"].as_array().unwrap().iter().any(own) => after = format!("&after={next}"),
            _ => return after,
        }
    }
}

/// The request that this person makes of this door about a thing of this vendor. `fresh`: what it changes may be changed by it.
fn asked(yard: &Yard, things: &Things, door: &str, vendor: Vendor, who: &str, fresh: bool) -> Asked {
    let (method, route) = door.split_once(' ').unwrap();
    let party = yard.server.parties[vendor.name()].as_str();
    let id = match route {
        route if route.contains("/notes/{id}") => yard.note(vendor),
        route if route.contains("/mail/{id}") => yard.letter(),
        _ => String::new(),
    };
    let mut path = route
        .replace("/notes/{id}", &format!("/notes/{id}"))
        .replace("/mail/{id}", &format!("/mail/{id}"))
        .replace("{token}", &if route.contains("{token}") { yard.leaving() } else { String::new() })
        .replace(
            "{id}",
            match route {
                route if route.contains("consignments") => &things.consignment,
                route if route.contains("exceptions") => &things.exception,
                route if route.contains("vendors") => party,
                route if route.contains("bulk") => &things.bulk,
                _ => &things.thing.asset,
            },
        )
        .replace("{tag}", "NO-SUCH-TAG")
        .replace("{number}", &things.number)
        .replace(
            "{command}",
            match route {
                route if route.contains("consignments") => "grant_override",
                route if route.contains("vendors") => "add_site",
                route if route.contains("evidence") => "propose_withholding",
                _ => "record_media",
            },
        )
        .replace("{seq}", &things.seq)
        .replace("{sha256}", &things.evidence)
        .replace("{part:.+}", "certificate.vc.json")
        .replace("{version}/{path:.+}", "0/style.css");
    if route.contains("/reports/") {
        path = path.replace("{name}", "mass-balance");
    }
    if door.contains("/readings/{number}") {
        path = path.replace(&things.number, "0");
    }
    if ["get /evidence", "get /api/v1/evidence"].contains(&door) {
        path.push_str("?show=all&limit=200");
    }
    if [
        "get /exceptions",
        "get /api/v1/exceptions",
        "get /assets",
        "get /consignments",
        "get /certificates",
        "get /api/v1/assets",
        "get /api/v1/consignments",
        "get /api/v1/certificates",
    ]
    .contains(&door)
    {
        path.push_str("?limit=200");
    }
    if door.ends_with("/consignments") && method == "get" {
        path.push_str(&after_others(yard, vendor));
    }
    let mut headers = Vec::new();
    let mut body = Vec::new();
    let form = || ("Content-Type", "application/x-www-form-urlencoded".to_owned());
    let mut json = |value: Value| {
        headers.push(("Content-Type", "application/json".to_owned()));
        value.to_string().into_bytes()
    };
    match door {
        "post /sign-in" => {
            body = format!("email={who}%40northfield.example&password={}", PASSWORD.replace(' ', "+")).into_bytes();
            headers.push(("Content-Type", "application/x-www-form-urlencoded".to_owned()));
        }
        _ if FORMS.iter().any(|(form, _)| *form == door) => {
            let (_, form) = FORMS.iter().find(|(form, _)| *form == door).unwrap();
            let password = PASSWORD.replace(' ', "+");
            let mut text = form.replace("{password}", &password).replace("{n}", &yard.another());
            if text.contains("{session}") {
                text = text.replace("{session}", &yard.server.browser(who).0);
            }
            if text.contains("{token}") {
                text = text.replace("{token}", &yard.server.another_token(who));
            }
            if route.contains("{secret}") {
                path = path.replace("{secret}", &yard.invited());
            }
            path = path.replace(&things.thing.asset, &yard.somebody());
            body = text.into_bytes();
            headers.push(("Content-Type", "application/x-www-form-urlencoded".to_owned()));
        }
        "get /people/{id}" => path = path.replace(&things.thing.asset, &yard.somebody()),
        "get /invitations/{secret}" => {
            path = path.replace("{secret}", &yard.invited());
            headers.push(("Accept", "text/html".to_owned()));
        }
        "post /appearance" => {
            body = b"language=es&theme=dark&next=%2Fassets".to_vec();
            headers.push(("Content-Type", "application/x-www-form-urlencoded".to_owned()));
        }
        "post /policy-reports" => body = json(json!([{"type": "csp-violation", "body": {"effectiveDirective": "img-src"}}])),
        "post /verify" => {
            body = b"--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"c.pdf\"\r\n\r\n".to_vec();
            body.extend_from_slice(&things.pdf);
            body.extend_from_slice(b"\r\n--line--\r\n");
            headers.push(("Content-Type", "multipart/form-data; boundary=line".to_owned()));
        }
        "post /exceptions/{id}" => {
            // Each gives it to itself.
            let own = if who == "coordinator" { 1 } else { 2 };
            body = format!("command=assign_exception&person=urn%3Auuid%3A00000000-0000-4000-8000-{own:012}").into_bytes();
            headers.push(("Content-Type", "application/x-www-form-urlencoded".to_owned()));
        }
        "post /account/mail" => {
            body = b"want=weekly_digest&language=es".to_vec();
            headers.push(("Content-Type", "application/x-www-form-urlencoded".to_owned()));
        }
        "post /consignments/{id}/notes" | "post /exceptions/{id}/notes" | "post /evidence/{sha256}/notes" => {
            body = b"text=Two+boxes+are+wet.".to_vec();
            headers.push(("Content-Type", "application/x-www-form-urlencoded".to_owned()));
        }
        "post /api/v1/consignments/{id}/notes" | "post /api/v1/exceptions/{id}/notes" | "post /api/v1/evidence/{sha256}/notes" => {
            body = json(json!({"text": "Two boxes are wet."}));
        }
        "get /bulk/new" => path.push_str("?all=true&label=received"),
        "post /bulk" => {
            body = format!("command=verify_sanitization&step=preview&of.ids={}", things.thing.asset).into_bytes();
            headers.push(("Content-Type", "application/x-www-form-urlencoded".to_owned()));
        }
        "post /views" => {
            body = b"name=Mine&query=label%3Dretired&role=".to_vec();
            headers.push(("Content-Type", "application/x-www-form-urlencoded".to_owned()));
        }
        "post /assets/import" => {
            body = b"--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n".to_vec();
            body.extend(std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/inventories/snipe-it/asset_list.csv")).unwrap());
            body.extend_from_slice(b"\r\n--line--\r\n");
            headers.push(("Content-Type", "multipart/form-data; boundary=line".to_owned()));
        }
        "post /assets/import/{sha256}" => {
            let file = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/inventories/snipe-it/asset_list.csv")).unwrap();
            yard.server.service.app.files.put(&file).unwrap();
            path = format!("/assets/import/{}", hex(&sha256(&file)));
            body = b"sensitivity=low".to_vec();
            headers.push(("Content-Type", "application/x-www-form-urlencoded".to_owned()));
        }
        "post /assets/new"
        | "post /assets/new/medium"
        | "post /vendors/new"
        | "post /settings/policy/adoption"
        | "post /assets/{id}/actions/{command}"
        | "post /vendors/{id}/actions/{command}"
        | "post /consignments/{id}/actions/{command}"
        | "post /evidence/{sha256}/actions/{command}"
        | "post /certificates/{number}/revocation" => {
            let command = match door {
                "post /assets/new" => "register_asset",
                "post /assets/new/medium" => "record_loose_media",
                "post /vendors/new" => "register_party",
                "post /settings/policy/adoption" => "adopt_policy",
                "post /certificates/{number}/revocation" => "revoke_certificate",
                _ => path.rsplit('/').next().unwrap(),
            };
            let mut command = match command {
                "revoke_certificate" => json!({"reason": "error_in_record"}),
                // The one in force is adopted already; the page names it.
                "adopt_policy" => json!({"reference": "BOARD-1", "decided_on": "2026-01-06"}),
                command if fresh => yard.body(command, vendor, who).unwrap(),
                _ => json!({}),
            };
            if fresh && door.contains("{number}") {
                path = path.replace(&things.number, &yard.certified(vendor).0);
            }
            for about in ["asset", "consignment", "party", "sha256"] {
                if let Some(id) = command.as_object_mut().unwrap().remove(about) {
                    for known in [&things.thing.asset, &things.consignment, &things.evidence] {
                        path = path.replace(known.as_str(), id.as_str().unwrap());
                    }
                }
            }
            body = as_form(&command).into_bytes();
            headers.push(("Content-Type", "application/x-www-form-urlencoded".to_owned()));
        }
        "post /api/v1/verifications" => body.clone_from(&things.pdf),
        "get /labels/download" => path.push_str(&format!("?stock=avery-5160&asset={}", things.thing.asset)),
        // The log of the same drive, and not the file that is stored: whoever uploads that has it.
        "post /api/v1/evidence" => body = [nwipe_log(&things.thing.drive), format!("as {who}\n").into_bytes()].concat(),
        "post /api/v1/imports" => {
            body = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/inventories/snipe-it/asset_list.csv")).unwrap();
        }
        "post /bench" => {
            let log = [nwipe_log(&things.thing.drive), format!("as {who}\n").into_bytes()].concat();
            body =
                [b"--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.log\"\r\n\r\n".to_vec(), log, b"\r\n--line--\r\n".to_vec()]
                    .concat();
            headers.push(("Content-Type", "multipart/form-data; boundary=line".to_owned()));
        }
        "post /bench/destruction" => {
            // Whoever sends it has another machine and another medium each time.
            body = if fresh { yard.run(who).into_bytes() } else { Vec::new() };
            headers.push(form());
        }
        "post /evidence/{sha256}" => headers.push(form()),
        "post /api/v1/evidence/{sha256}/parts" => {
            body = format!("in one part by {who}, {vendor:?}").into_bytes();
            path = format!("/api/v1/evidence/{}/parts?from=0&of={}", hex(&sha256(&body)), body.len());
        }
        "post /evidence/new" => {
            let fields = [("serial", things.thing.drive.as_str()), ("technique", "degauss"), ("result", "pass"), ("tool", "VS250 no. 1182")];
            for (name, value) in fields {
                body.extend(format!("--line\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes());
            }
            body.extend_from_slice(b"--line\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"p.png\"\r\n\r\n\x89PNG\r\n\x1a\n");
            body.extend(format!("by {who}\r\n--line--\r\n").into_bytes());
            headers.push(("Content-Type", "multipart/form-data; boundary=line".to_owned()));
        }
        "post /evidence/{sha256}/readings/{number}"
        | "post /evidence/{sha256}/dismissals"
        | "post /api/v1/evidence/{sha256}/links"
        | "post /api/v1/evidence/{sha256}/dismissals"
            if fresh =>
        {
            let (thing, file, serial) = yard.unmatched(vendor);
            path = path.replace(&things.evidence, &file);
            let reading = json!({"place": "nvme0n1", "serial": serial});
            match door {
                "post /api/v1/evidence/{sha256}/links" => {
                    body = json(json!({"reading": reading, "medium": thing.medium, "reason": "serial_shortened"}));
                }
                "post /api/v1/evidence/{sha256}/dismissals" => body = json(json!({"readings": [reading], "reason": "not_ours"})),
                _ => {
                    let called = if door.ends_with("dismissals") {
                        "all=yes&reason=not_ours".to_owned()
                    } else {
                        format!("called={}&reason=label_misread", thing.drive)
                    };
                    body = called.into_bytes();
                    headers.push(("Content-Type", "application/x-www-form-urlencoded".to_owned()));
                }
            }
        }
        "post /api/v1/bench/searches" => body = json(json!({"serials": [things.thing.drive, things.thing.serial]})),
        "post /api/v1/counts" => body = json(json!({"site": "Central", "room": "R-1", "scans": [{"tag": things.thing.tag}]})),
        "post /api/v1/sightings" => {
            let seen = json!({"scan": {"tag": things.thing.tag}, "at": "2026-11-20T08:00:00Z", "site": "Central"});
            body = json(json!({"source": "mdm", "sightings": [seen]}));
        }
        "post /api/v1/people/{id}/corrections" => {
            path = path.replace(&things.thing.asset, &yard.somebody());
            body = json(json!({"title": "Lead"}));
        }
        "post /api/v1/people/{id}/erasures" => {
            path = path.replace(&things.thing.asset, &yard.somebody());
            body = json(json!({}));
        }
        "post /api/v1/bulk" => {
            let ids = [&things.thing.medium];
            body = json(json!({"command": "verify_sanitization", "selection": {"ids": ids}, "dry_run": true}));
        }
        "post /api/v1/bulk/{id}/cancellations" => body = json(json!({})),
        "post /api/v1/assets/{id}/assignments" => {
            path = path.replace(&things.thing.asset, &yard.in_service(vendor));
            body = json(json!({"kind": "cart", "place": "CART-7"}));
        }
        "post /api/v1/assignees/searches" | "post /api/v1/assignees/erasures" => body = json(json!({"person": "pupil-4711"})),
        "post /api/v1/certificates" => {
            let asset = if fresh { yard.certifiable(vendor).0.asset } else { things.thing.asset.clone() };
            body = json(json!({"asset": asset}));
        }
        _ if route.starts_with("/accept/") => {
            path = path.replace("{secret}", &yard.offered(vendor));
            headers.push(if method == "get" { ("Accept", "text/html".to_owned()) } else { form() });
        }
        "post /consignments/new" => {
            let (from, to, site) =
                if who == "operator" { ("Akron", yard.server.parties["district"].as_str(), "Central") } else { ("Central", party, "Akron") };
            body = format!(
                "reference={}&from_site={from}&to={to}%7C{site}&containers=PALLET-1",
                if who == "coordinator" { yard.reference(vendor) } else { format!("RETURN-BY-FORM-{}", vendor.name().len()) }
            )
            .into_bytes();
            headers.push(form());
        }
        "post /consignments/{id}/scan" | "post /consignments/{id}/scans" => {
            let (consignment, thing) = if fresh { yard.to_load(vendor, who) } else { (things.consignment.clone(), things.thing.clone()) };
            path = path.replace(&things.consignment, &consignment);
            if door.ends_with("scans") {
                body = json(json!({"items": [{"id": "1", "code": thing.tag, "container": "PALLET-1"}]}));
            } else {
                body = format!("code={}&container=PALLET-1", thing.tag).into_bytes();
                headers.push(form());
            }
        }
        "post /consignments/{id}/photos" | "post /consignments/{id}/handoff/paper" => {
            if fresh && door.ends_with("paper") {
                path = path.replace(&things.consignment, &yard.sent(vendor, who));
            }
            body = format!("--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nby {who}, {door}\r\n--line--\r\n")
                .into_bytes();
            headers.push(("Content-Type", "multipart/form-data; boundary=line".to_owned()));
        }
        "post /consignments/{id}/handoff" => {
            if fresh {
                path = path.replace(&things.consignment, &yard.loaded(vendor, who).0);
            }
            body = b"command=seal&container=PALLET-1&seal=004871&tare=18&gross=118.5".to_vec();
            headers.push(form());
        }
        "post /consignments/{id}/receive" => {
            // What comes back is received by the organisation, what goes out by the vendor.
            if fresh {
                path = path.replace(&things.consignment, &yard.sent(vendor, if who == "coordinator" { "operator" } else { "coordinator" }));
            }
            body = b"container=PALLET-1&seal_state=intact&seal=&kilograms=&scans=NOT-LISTED-1&counted=1".to_vec();
            headers.push(form());
        }
        "post /consignments/{id}/reconcile" => {
            let (consignment, discrepancy) = yard.differing(vendor);
            path = path.replace(&things.consignment, &consignment);
            body = format!("discrepancy={discrepancy}&resolution=never_left&reference=CASE-20").into_bytes();
            headers.push(form());
        }
        _ if route.contains("{secret}") => {
            let (thing, _, secret, _) = yard.linked(vendor);
            path = path.replace("{secret}", &secret);
            match door {
                "post /r/{secret}" => {
                    body = format!("container=PALLET-1&seal_state=intact&seal=&kilograms=18.5&scans={}%2C{}", thing.tag, thing.serial).into_bytes();
                    headers.push(("Content-Type", "application/x-www-form-urlencoded".to_owned()));
                }
                "post /r/{secret}/evidence" => {
                    body = b"--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nsigned\r\n--line--\r\n".to_vec();
                    headers.push(("Content-Type", "multipart/form-data; boundary=line".to_owned()));
                }
                "post /api/v1/r/{secret}/receipts" => {
                    body = json(json!({"containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": [{"tag": thing.tag}]}))
                }
                "post /api/v1/r/{secret}/evidence" => body = format!("signed by {who}").into_bytes(),
                _ if is_page(door) => headers.push(("Accept", "text/html".to_owned())),
                _ => {}
            }
        }
        "post /api/v1/consignments/{id}/links" => {
            if fresh {
                path = path.replace(&things.consignment, &yard.linked(vendor).1);
            }
            body = json(json!({}));
        }
        "post /api/v1/consignments/{id}/receipts" => {
            let (thing, consignment, ..) = yard.linked(vendor);
            if fresh {
                yard.mapped(vendor);
                path = path.replace(&things.consignment, &consignment);
            }
            body = format!("Asset Tag,Serial Number\n{},{}\n", thing.tag, thing.serial).into_bytes();
        }
        "post /api/v1/consignments/{id}/settlements" => {
            let (thing, consignment) = if fresh { yard.settleable(vendor) } else { (things.thing.clone(), things.consignment.clone()) };
            yard.mapped(vendor);
            path = path.replace(&things.consignment, &consignment);
            body = format!("Serial Number,Outcome,Weight\n{},resold,1.48\n", thing.serial).into_bytes();
        }
        "post /api/v1/certificates/{number}/revocations" => {
            if fresh {
                path = path.replace(&things.number, &yard.certified(vendor).0);
            }
            body = json(json!({"reason": "error_in_record"}));
        }
        _ => {
            if route == "/api/v1/commands/adopt_policy" {
                body = json(yard.server.adoption());
            } else if let Some(name) = route.strip_prefix("/api/v1/commands/") {
                body = json(yard.body(name, vendor, who).unwrap_or_else(|| json!({})));
            } else if is_page(door) {
                headers.push(("Accept", "text/html".to_owned()));
            }
        }
    }
    Asked { method: if method == "get" { "GET" } else { "POST" }, path, headers, body }
}

/// What is nothing of a school contact's, whatever the site: signed in is not enough.
const NOT_OF_A_SITE: &[&str] = &[
    "get /exceptions/{id}",
    "get /api/v1/exceptions/{id}",
    "get /api/v1/bulk/{id}",
    "get /api/v1/bulk/{id}/items",
    "get /bulk/{id}",
    "get /bulk/{id}/refused.csv",
    "get /api/v1/evidence/{sha256}",
    "get /vendors/{id}",
    "get /vendors/{id}/actions",
    "get /api/v1/exceptions/{id}/notes",
    "get /evidence/{sha256}",
    "get /evidence/{sha256}/notes",
    "get /api/v1/evidence/{sha256}/notes",
];

/// What is sent by the forms around people's access.
const FORMS: &[(&str, &str)] = &[
    ("post /sign-in/code", "code=123456"),
    ("post /agreement", "document=x"),
    ("post /account/factor", "secret=x&code=123456"),
    ("post /setup", "code=x&name=x&email=x%40y.example&password={password}&repeated={password}"),
    ("post /invitations/{secret}", "email=invited{n}%40northfield.example&password={password}&repeated={password}"),
    ("post /sign-in/again", "password={password}"),
    ("post /account/password", "old={password}&new={password}&repeated={password}"),
    ("post /account/recovery-codes", ""),
    ("post /account/sessions", "session={session}"),
    ("post /account/tokens", "name=x&scopes=read&days=1"),
    ("post /account/revocations", "token={token}"),
    ("post /people", "name=Newcomer+{n}&role=reports"),
    ("post /people/{id}", "act=correct&title=Lead"),
];

/// Forms of pages, which lead back to a page.
const LEADING_BACK: &[&str] = &[
    "post /consignments/{id}/notes",
    "post /exceptions/{id}/notes",
    "post /evidence/{sha256}",
    "post /evidence/{sha256}/notes",
    "post /evidence/new",
    "post /evidence/{sha256}/readings/{number}",
    "post /evidence/{sha256}/dismissals",
    "post /notes/{id}/erasures",
    "post /account/mail",
    "post /mail/{id}/retries",
];
/// The body of a command as its form sends it: units of people, members by their path.
pub fn as_form(body: &Value) -> String {
    fn fields(path: &str, value: &Value, into: &mut Vec<(String, String)>) {
        let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| fields(&below(name), value, into)),
            Value::Array(items) if items.iter().all(Value::is_string) => {
                let lines: Vec<&str> = items.iter().map(|item| item.as_str().unwrap()).collect();
                into.push((path.to_owned(), lines.join("\n")));
            }
            Value::Array(items) => items.iter().enumerate().for_each(|(n, value)| fields(&below(&n.to_string()), value, into)),
            Value::Number(number) if path.ends_with("capacity_bytes") => {
                into.push((path.to_owned(), (number.as_u64().unwrap() / 1_000_000_000).to_string()));
            }
            Value::Number(number) if path.ends_with("_cents") => {
                let cents = number.as_u64().unwrap();
                into.push((path.to_owned(), format!("{}.{:02}", cents / 100, cents % 100)));
            }
            Value::String(text) => into.push((path.to_owned(), text.clone())),
            other => into.push((path.to_owned(), other.to_string())),
        }
    }
    let mut found = Vec::new();
    fields("", body, &mut found);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let encoded =
        |text: &str| -> String { text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect() };
    found.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect::<Vec<_>>().join("&")
}

/// Whether a person reads what this door gives.
fn is_page(door: &str) -> bool {
    let pages = [
        "get /",
        "get /sign-in",
        "get /sign-in/again",
        "get /account",
        "get /invitations/{secret}",
        "get /verify",
        "get /certificates",
        "get /certificates/{number}",
        "get /bulk/{id}",
        "get /search",
        "get /ledger",
        "get /ledger/heads",
        "get /reports",
        "get /assets/{id}/actions",
        "get /consignments/{id}/actions",
        "get /vendors/{id}/actions",
        "get /assets",
        "get /assets/{id}",
        "get /consignments",
        "get /consignments/{id}",
        "get /labels",
        "get /exceptions",
        "get /exceptions/{id}",
        "get /reports/{name}",
        "get /vendors",
        "get /vendors/{id}",
        "get /r/{secret}",
        "get /evidence",
        "get /evidence/{sha256}",
        "get /evidence/{sha256}/notes",
        "get /account/mail",
        "get /mail/unsubscribe/{token}",
        "get /dock",
        "get /accept/{secret}",
        "get /consignments/new",
        "get /consignments/{id}/scan",
        "get /consignments/{id}/handoff",
        "get /consignments/{id}/receive",
        "get /consignments/{id}/reconcile",
    ];
    pages.contains(&door)
}

/// Every header that keeps browsers safe, in the form that belongs to this answer.
pub fn check_headers(of: &str, answer: &Answer) {
    let page = answer.header("content-type").starts_with("text/html");
    let file = of.contains("/api/v1/evidence/") && !of.ends_with("/notes") && !of.ends_with("/parts") && answer.status == 200;
    let policy = match (page, file) {
        (true, _) => {
            "default-src 'none'; script-src 'nonce-N' 'strict-dynamic'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; font-src 'self'; \
             connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types app; report-to csp"
        }
        (_, true) => "sandbox; default-src 'none'; frame-ancestors 'none'",
        _ if of.ends_with("/sw.js") && answer.status == 200 => "default-src 'none'; script-src 'self'; connect-src 'self'",
        _ => "default-src 'none'; frame-ancestors 'none'",
    };
    let caching = answer.header("cache-control");
    let public = caching.starts_with("public");
    let open = answer.header("access-control-allow-origin") == "*";
    let expected = [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", if file { "no-referrer" } else { "same-origin" }),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        // What is published for programs on any site says so itself.
        ("cross-origin-resource-policy", if open { "cross-origin" } else { "same-origin" }),
        ("cross-origin-embedder-policy", if page { "require-corp" } else { "" }),
        ("x-permitted-cross-domain-policies", "none"),
        ("x-dns-prefetch-control", "off"),
        ("x-robots-tag", "noindex"),
        // The record of these tests is not on HTTPS.
        ("strict-transport-security", ""),
        ("server", ""),
        ("x-powered-by", ""),
    ];
    // Each page has a nonce of its own: its scripts carry it, and nothing else does.
    let said = answer.header("content-security-policy");
    let nonce = said.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap_or_default();
    assert_eq!(said.replace(&format!("'nonce-{nonce}'"), "'nonce-N'"), policy, "{of}: a {}", answer.status);
    if page && of.starts_with("GET") {
        let text = answer.text();
        let scripts = text.matches("<script").count();
        assert!(nonce.len() == 22, "{of}: {nonce}");
        assert_eq!(text.matches(&format!("nonce=\"{nonce}\"")).count(), scripts, "{of}: a script without the nonce");
    }
    for (name, value) in expected {
        assert_eq!(answer.header(name), value, "{of}: {name} of a {}", answer.status);
    }
    let permissions = answer.header("permissions-policy");
    // Codes are read with the camera on these pages, and nowhere else.
    let reads = page && [200, 422].contains(&answer.status) && (of.contains("/scan") || of.contains("/receive") || of.ends_with("/dock"));
    assert!(permissions.contains(if reads { "camera=(self)" } else { "camera=()" }), "{of}: {permissions}");
    for device in ["microphone", "geolocation", "usb", "serial", "hid", "payment", "display-capture"] {
        assert!(permissions.contains(&format!("{device}=()")), "{of}: {permissions}");
    }
    if public {
        assert!(of.contains("static") || !answer.header("etag").is_empty() || answer.status != 200, "{of}: no etag");
        let pages = ["/certificates/", "/ledger/", "/status/", "/did.json", "/.well-known/", "/ns/", "/static/"];
        assert!(pages.iter().any(|start| of.contains(start)), "{of} may be kept by anyone: {caching}");
    } else {
        assert_eq!(caching, "private, no-store", "{of}");
        assert!(!answer.header("vary").is_empty(), "{of}");
    }
    if answer.status >= 400 && !page && of.starts_with("GET") {
        assert_eq!(answer.header("content-type"), "application/problem+json", "{of}");
    }
    if page {
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{of}");
    }
}

fn head(server: &Server) -> u64 {
    log::head(&mut server.service.app.read().unwrap()).unwrap().unwrap().frontier.size()
}

/// What the text of an answer tells apart from a thing's name.
fn plain(answer: &Answer, swapped: &[(String, String)]) -> (u16, String) {
    let mut text = answer.text();
    for (word, nothing) in swapped {
        for form in [word.as_str(), nothing.as_str(), word.trim_start_matches("urn:uuid:"), nothing.trim_start_matches("urn:uuid:")] {
            text = text.replace(form, "…");
        }
    }
    // Every page has its own.
    let nonce = text.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned();
    if !nonce.is_empty() {
        text = text.replace(&nonce, "N");
    }
    (answer.status, text)
}

#[test]
fn every_cell_is_as_its_line_says() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let mine = Things::of(&yard, Vendor::GreenLoop);
    let theirs = Things::of(&yard, Vendor::RecycleOne);
    let mut cells = 0;
    for (door, may, foreign) in TABLE {
        for (things, vendor) in [(&mine, Vendor::GreenLoop), (&theirs, Vendor::RecycleOne)] {
            let refused = asked(&yard, things, door, vendor, "auditor", false);
            for (role, who) in ROLES {
                cells += 1;
                let cell = format!("{door} as {role}, about a thing of {vendor:?}");
                let vendor_person = role.starts_with("vendor");
                let (roles, reason) = may.split_once(" [").map_or((*may, None), |(roles, reason)| (roles, Some(reason.trim_end_matches(']'))));
                // Where a reason is given, it is that of the role before it.
                let other_reason = reason.filter(|_| roles == "none" || roles.rsplit(", ").next() == Some(role));
                let allowed = match roles {
                    "anyone" => true,
                    "signed in" => *role != "nobody",
                    "none" => false,
                    roles => roles.split(", ").any(|allowed| allowed == *role),
                };
                let request = if allowed { asked(&yard, things, door, vendor, who, true) } else { refused.clone() };
                let before = head(&server);
                let answer = request.send(&server, who);
                check_headers(&format!("{} {}", request.method, request.path), &answer);
                let unchanged = || assert_eq!(head(&server), before, "{cell}: something was recorded");
                let other = yard.words_of(if vendor == Vendor::GreenLoop { Vendor::RecycleOne } else { Vendor::GreenLoop });
                let own = yard.words_of(vendor);

                if *role == "nobody" && !allowed {
                    if is_page(door) {
                        assert!(answer.status == 303 && answer.header("location").starts_with("/sign-in?next="), "{cell}: {}", answer.status);
                        assert!(answer.body.is_empty(), "{cell}");
                    } else {
                        answer.refused(401, "session.signed_out");
                    }
                    unchanged();
                    continue;
                }
                if let Some((status, code)) = other_reason.and_then(|reason| reason.split_once(' ')) {
                    answer.refused(status.parse().unwrap(), code);
                    unchanged();
                    continue;
                }
                if !allowed {
                    let text = answer.text();
                    let problem = answer.refused(403, "command.wrong_role");
                    assert!(problem["detail"].as_str().unwrap().starts_with("This needs the role "), "{cell}: {problem}");
                    assert_eq!(said(&own, text.as_bytes()).chain(said(&other, text.as_bytes())).next(), None, "{cell}: {text}");
                    unchanged();
                    continue;
                }
                if *role == "school_contact" && NOT_OF_A_SITE.contains(door) {
                    assert_eq!(answer.status, 404, "{cell}: {}", answer.text());
                    unchanged();
                    continue;
                }
                if vendor_person && vendor == Vendor::RecycleOne && *foreign == "unknown" {
                    let (nothing, swapped) = request.of_nothing(&own);
                    let asks_by_number = door.contains("{seq}");
                    assert!(!swapped.is_empty() || asks_by_number, "{cell}: nothing tells the thing");
                    let nothing = if asks_by_number { Asked { path: "/ledger/entries/999999999".to_owned(), ..nothing } } else { nothing };
                    let swapped = if asks_by_number { vec![(things.seq.clone(), "999999999".to_owned())] } else { swapped };
                    let (known, unknown) = (plain(&answer, &swapped), plain(&nothing.send(&server, who), &swapped));
                    assert_eq!(known, unknown, "{cell}: what belongs to others does not sound like what does not exist");
                    assert_eq!(known.0, if door.contains("/commands/") { 422 } else { 404 }, "{cell}: {}", known.1);
                    unchanged();
                } else {
                    let expected: &[u16] = match *door {
                        "get /" if *role == "school_contact" => &[303],
                        // It loads only what goes from one of the organisation's sites to another; the page says so.
                        "post /consignments/{id}/scan" if *role == "school_contact" => &[422],
                        "get /" if *role != "nobody" => &[200],
                        "get /"
                        | "get /search"
                        | "post /views"
                        | "post /bulk/{id}/cancellations"
                        | "post /assets/new"
                        | "post /assets/new/medium"
                        | "post /vendors/new"
                        | "post /assets/{id}/actions/{command}"
                        | "post /vendors/{id}/actions/{command}"
                        | "post /consignments/{id}/actions/{command}"
                        | "post /evidence/{sha256}/actions/{command}"
                        | "post /certificates/{number}/revocation"
                        | "post /appearance"
                        | "post /sign-out"
                        | "get /sign-in/code"
                        | "post /sign-in/code"
                        | "get /agreement"
                        | "post /agreement"
                        | "get /account/factor"
                        | "post /account/factor"
                        | "post /invitations/{secret}"
                        | "post /account/password"
                        | "post /account/sessions"
                        | "post /account/revocations"
                        | "post /people/{id}"
                        | "post /exceptions/{id}"
                        | "post /r/{secret}"
                        | "post /r/{secret}/evidence"
                        | "post /accept/{secret}"
                        | "post /consignments/new"
                        | "post /consignments/{id}/scan"
                        | "post /consignments/{id}/photos"
                        | "post /consignments/{id}/handoff"
                        | "post /consignments/{id}/handoff/paper"
                        | "post /consignments/{id}/receive"
                        | "post /bench/destruction"
                        | "post /consignments/{id}/reconcile" => &[303],
                        _ if LEADING_BACK.contains(door) => &[303],
                        "post /sign-in" if *role == "nobody" => &[422],
                        // It is adopted already; the form says so.
                        "post /settings/policy/adoption" => &[422],
                        "post /account/recovery-codes" => &[422],
                        // There is an administrator, and no other sign-in.
                        "get /setup" | "post /setup" | "get /sign-in/other" | "get /sign-in/other/back" => &[404],
                        "post /policy-reports" => &[204],
                        "post /sign-in" => &[303],
                        _ if door.starts_with("get") => &[200],
                        _ => &[200, 201],
                    };
                    assert!(expected.contains(&answer.status), "{cell}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
                    if request.method == "GET" {
                        let brief = Asked { method: "HEAD", ..request.clone() }.send(&server, who);
                        assert_eq!((brief.status, brief.body.len()), (answer.status, 0), "{cell}: HEAD");
                        unchanged();
                    }
                    if *foreign == "not listed" && !(*role == "school_contact" && ["/assets", "/assets.csv"].iter().any(|list| door.ends_with(list)))
                    {
                        let listed = said(&own, &answer.body).next().is_some();
                        // The devices are at their vendors by now; a school contact is told of what is at the site, and where it went.
                        let told = if *role == "school_contact" {
                            door.ends_with("/consignments")
                        } else {
                            !(vendor_person && vendor == Vendor::RecycleOne)
                        };
                        assert_eq!(listed, told, "{cell}: {}", String::from_utf8_lossy(&answer.body));
                        // What is not listed is not found either.
                        if door.ends_with("/assets") {
                            let path = format!("{}&q={}", request.path, things.thing.tag);
                            let found = Asked { path, ..request.clone() }.send(&server, who);
                            let tells = String::from_utf8_lossy(&found.body).contains(things.thing.asset.trim_start_matches("urn:uuid:"));
                            assert_eq!((found.status, tells), (200, listed), "{cell}: searched");
                        }
                    }
                    if *foreign == "not linked" {
                        let linked = answer.json()["records"][0]["medium"].is_string();
                        assert_eq!(linked, !(vendor_person && vendor == Vendor::RecycleOne), "{cell}");
                    }
                }
                // A vendor's person reads nothing of the other vendor, wherever they look; what anyone may read is a certificate.
                if vendor_person && *may != "anyone" {
                    let foreign = if vendor == Vendor::GreenLoop { &other } else { &own };
                    let digest = hex(&sha256(&request.body));
                    let told = said(foreign, &answer.body).find(|word| !request.says(word) && **word != digest);
                    assert_eq!(told, None, "{cell}: {}", String::from_utf8_lossy(&answer.body));
                }
            }
        }
    }
    println!("{cells} cells: {} doors, {} roles, 2 vendors", TABLE.len(), ROLES.len());
    assert_eq!(cells, doors().len() * ROLES.len() * 2);
    server.audit();
}

#[test]
fn a_file_of_another_vendor_is_no_evidence_and_is_not_betrayed() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let mut own = yard.body("record_sanitization", Vendor::GreenLoop, "operator").unwrap();
    let theirs = yard.body("record_sanitization", Vendor::RecycleOne, "stranger").unwrap();
    let file = own["evidence"].clone();
    let mut refused = |evidence: &str| {
        own["evidence"] = json!(evidence);
        let problem = server.command("operator", "record_sanitization", own.clone()).refused(422, "sanitization.unknown_evidence");
        problem["detail"].as_str().unwrap().replace(evidence, "…")
    };
    assert_eq!(refused(theirs["evidence"].as_str().unwrap()), refused(&"0".repeat(64)));
    own["evidence"] = file;
    server.command("operator", "record_sanitization", own).taken();
    server.audit();
}

#[test]
fn a_file_that_another_vendor_stored_is_taken_as_if_it_were_the_first() {
    let server = Server::start();
    let upload = |who: &str| {
        let mut received = server.send(who, "POST", "/api/v1/evidence", &[], &nwipe_log("ANYDRV00001")).taken();
        received["entries"].as_array_mut().unwrap().iter_mut().for_each(|entry| entry["seq"] = json!("…"));
        received
    };
    let first = upload("stranger");
    assert_eq!(first["entries"].as_array().unwrap().len(), 2, "{first}");
    assert_eq!(upload("operator"), first);
    for who in ["operator", "stranger", "coordinator"] {
        assert_eq!(server.get(who, &format!("/api/v1/evidence/{}", first["sha256"].as_str().unwrap())).status, 200);
        let again = upload(who);
        assert_eq!((&again["already_stored"], &again["entries"]), (&json!(true), &json!([])), "{who}");
    }
    server.audit();
}

#[test]
fn errors_and_what_is_not_sent_again_carry_the_same_headers() {
    let server = Server::start();
    let yard = Yard::new(&server);
    let things = Things::of(&yard, Vendor::GreenLoop);
    let mut not_modified = 0;
    for (method, path) in ROUTES {
        let door = if path.contains("/commands/") { "post /api/v1/commands/open_log".to_owned() } else { format!("{method} {path}") };
        let request = asked(&yard, &things, &door, Vendor::GreenLoop, "auditor", false);
        // Another method, a body that is too large, a head that is too large, an address that is none.
        let wrong = Asked { method: "PUT", ..request.clone() }.send(&server, "auditor");
        check_headers("PUT", &wrong);
        assert_eq!(wrong.status, 405, "{door}");
        let mut long = request.clone();
        long.headers.push(("X-Long", "x".repeat(17 << 10)));
        let long = long.send(&server, "auditor");
        check_headers("431", &long);
        assert_eq!(long.status, 431, "{door}");
        let start = request.path.split('?').next().unwrap().trim_end_matches('/');
        let nothing = Asked { path: format!("{start}/no/such/thing"), ..request.clone() }.send(&server, "auditor");
        check_headers(&format!("{} nothing", request.method), &nothing);
        assert!(nothing.status == 404 || nothing.status == 405, "{door}: {}", nothing.status);
        if *method != "get" {
            continue;
        }
        let answer = request.send(&server, "auditor");
        let tag = answer.header("etag");
        if !tag.is_empty() {
            let mut again = request.clone();
            again.headers.push(("If-None-Match", format!("W/\"x\", {tag}")));
            let again = again.send(&server, "auditor");
            check_headers(&format!("GET {}", request.path), &again);
            assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, tag), "{door}");
            let mut other = request.clone();
            other.headers.push(("If-None-Match", "\"x\"".to_owned()));
            assert_eq!(other.send(&server, "auditor").status, 200, "{door}");
            not_modified += 1;
        }
    }
    assert!(not_modified >= 8, "{not_modified}");
}
