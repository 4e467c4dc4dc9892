//! The table of what may be done with a device in which state: every pair of a state and a command is in it, or is refused with a reason.

use serde_json::{Value, json};

use super::asset::Label;
use super::names::Role;
use super::story::{DISTRICT, Story, VENDOR, actor, better_than, machine};
use super::{Actor, Command, SubjectKind};

/// Commands that are not about one device that is there: they make things, or are about parties, files, lists and containers.
const NOT_ABOUT_A_DEVICE: &[&str] = &[
    "open_log",
    "register_party",
    "add_site",
    "name_signers",
    "agree_to_sign",
    "record_credential",
    "suspend_credential",
    "record_contract",
    "record_training",
    "register_machine",
    "record_calibration",
    "take_out_of_service",
    "approve_downstream",
    "withdraw_downstream",
    "adopt_policy",
    "accept_residual_risk",
    "record_sample",
    "grant_override",
    "authorize_consignment",
    "record_container",
    "add_quantity",
    "unseal_consignment",
    "cancel_consignment",
    "register_asset",
    "record_loose_media",
    "report_medium_found",
    "open_consignment",
    "seal_consignment",
    "receive_evidence",
    "link_reading",
    "dismiss_readings",
    "propose_withholding",
    "withhold_evidence",
    "withdraw_withholding",
    "record_rendering",
    "publish_status",
    "look_for_exceptions",
    "assign_exception",
    "snooze_exception",
    "resolve_exception",
    "reopen_exception",
    "create_link",
    "offer_acceptance",
    "accept_consignment",
    "revoke_link",
    "map_columns",
    "record_count",
    "register_key",
    "revoke_key",
    "add_note",
];

use Label::*;

/// By command, the states in which a device may be: with a body that is right for it, given by somebody who may. In every other state the command is
/// refused.
const TABLE: &[(&str, &[Label])] = &[
    (
        "record_media",
        &[
            InStock,
            InService,
            InRepair,
            Retired,
            Evaluated,
            SurplusAuthorized,
            Staged,
            Received,
            Reconciled,
            Sanitizing,
            SanitizationFailed,
            Sanitized,
            Graded,
            RedeployReady,
            Quarantined,
            LegalHold,
        ],
    ),
    ("harvest_medium", OPENED),
    ("install_medium", &[InStock, InRepair, Retired, Evaluated, SurplusAuthorized, RedeployReady]),
    ("attest_no_storage", OPENED),
    ("send_to_repair", &[InStock, InService]),
    ("return_from_repair", &[InRepair]),
    ("redeploy", &[InStock, InService, RedeployReady]),
    ("retire", &[InStock, InService, InRepair]),
    ("return_to_service", &[Retired, Evaluated, SurplusAuthorized, RedeployReady]),
    ("assign", &[InStock, InService]),
    ("harvest_part", &[InRepair, Retired, Evaluated, SurplusAuthorized, RedeployReady]),
    ("evaluate", &[Retired, Evaluated, SurplusAuthorized, RedeployReady]),
    ("authorize_surplus", &[Evaluated]),
    ("release_accounts", &[Retired, Evaluated, RedeployReady]),
    ("grade", &[Sanitized, Graded, RedeployReady]),
    (
        "place_legal_hold",
        &[
            InStock,
            InService,
            InRepair,
            Retired,
            Evaluated,
            SurplusAuthorized,
            Staged,
            Released,
            Received,
            Reconciled,
            Sanitizing,
            SanitizationFailed,
            Sanitized,
            Graded,
            RedeployReady,
            Quarantined,
            Discrepancy,
            Missing,
        ],
    ),
    ("lift_legal_hold", &[LegalHold]),
    (
        "quarantine",
        &[
            InStock,
            InService,
            InRepair,
            Retired,
            Evaluated,
            SurplusAuthorized,
            Staged,
            Released,
            Received,
            Reconciled,
            Sanitizing,
            SanitizationFailed,
            Sanitized,
            Graded,
            RedeployReady,
            LegalHold,
            Discrepancy,
        ],
    ),
    ("lift_quarantine", &[Quarantined]),
    (
        "report_missing",
        &[
            InStock,
            InService,
            InRepair,
            Retired,
            Evaluated,
            SurplusAuthorized,
            Released,
            Received,
            Reconciled,
            Sanitizing,
            SanitizationFailed,
            Sanitized,
            Graded,
            RedeployReady,
            Quarantined,
            LegalHold,
            Discrepancy,
        ],
    ),
    ("record_remote_command", &[Missing]),
    ("report_found", &[Missing]),
    ("write_off", &[Missing]),
    ("add_lines", &[SurplusAuthorized]),
    ("remove_lines", &[SurplusAuthorized, Staged]),
    ("scan", &[InStock, InService, InRepair, Retired, Evaluated, SurplusAuthorized]),
    ("release_consignment", &[Staged]),
    ("receive_consignment", &[Released]),
    ("resolve_discrepancy", &[Discrepancy]),
    ("record_sanitization", &[Evaluated, SurplusAuthorized, Received, Reconciled, Sanitizing, SanitizationFailed, Sanitized, Graded, RedeployReady]),
    ("record_destruction", &[Evaluated, SurplusAuthorized, Received, Reconciled, Sanitizing, SanitizationFailed, Sanitized, Graded, RedeployReady]),
    ("verify_sanitization", &[Sanitizing]),
    ("validate_sanitization", &[Sanitizing]),
    ("record_disposition", &[Sanitized, Graded, Missing, WrittenOff]),
    ("record_past_disposal", &[InStock, InService, Retired, Evaluated, SurplusAuthorized]),
    ("issue_certificate", &[Disposed]),
    ("revoke_certificate", &[Disposed]),
    ("correct_registration", NOT_TRAVELLING),
    ("withdraw_no_storage", OPENED),
    ("withdraw_medium", NOT_TRAVELLING),
    ("void_sanitization", &[Sanitizing, Sanitized, Graded, RedeployReady, Disposed]),
    ("void_disposition", &[Sanitized, Graded, Disposed, RecordedAfterwards, Missing, WrittenOff]),
    ("expect_media", OPENED),
    ("confirm_medium", OPENED),
    (
        "see_device",
        &[
            Retired,
            Evaluated,
            SurplusAuthorized,
            Staged,
            Released,
            Received,
            Reconciled,
            Sanitizing,
            SanitizationFailed,
            Sanitized,
            Graded,
            RedeployReady,
            Quarantined,
            LegalHold,
            Discrepancy,
            Disposed,
            RecordedAfterwards,
            Missing,
            WrittenOff,
        ],
    ),
];

/// At rest, with nothing that holds it, and not in use: its media can be reached.
const OPENED: &[Label] = &[
    InStock,
    InRepair,
    Retired,
    Evaluated,
    SurplusAuthorized,
    Received,
    Reconciled,
    Sanitizing,
    SanitizationFailed,
    Sanitized,
    Graded,
    RedeployReady,
];
/// Every state but those in which a device is between two hands.
const NOT_TRAVELLING: &[Label] = &[
    InStock,
    InService,
    InRepair,
    Retired,
    Evaluated,
    SurplusAuthorized,
    Staged,
    Received,
    Reconciled,
    Sanitizing,
    SanitizationFailed,
    Sanitized,
    Graded,
    RedeployReady,
    Quarantined,
    LegalHold,
    Disposed,
    RecordedAfterwards,
    Missing,
    WrittenOff,
];

/// A device that was brought into a state, with what belongs to it.
struct Situation {
    story: Story,
    device: String,
    medium: String,
    consignment: String,
    discrepancy: String,
    /// A stored document.
    document: String,
    /// The number of its certificate.
    certificate: String,
    /// A loose drive, purged, in the organisation's hands.
    spare: String,
}

fn coordinator() -> Actor {
    actor(Role::Coordinator, DISTRICT, 1)
}
fn approver() -> Actor {
    actor(Role::Approver, DISTRICT, 1)
}
fn operator() -> Actor {
    actor(Role::VendorOperator, VENDOR, 1)
}

impl Situation {
    fn new(status: &str) -> Self {
        let mut story = Story::new();
        let document = story.document();
        story.done(&coordinator(), "register_machine", machine(DISTRICT, "disintegrate", "DI1"));
        story.done(&operator(), "register_machine", machine(VENDOR, "disintegrate", "DI2"));
        let (_, spare) = story.retired("SPARE", "hdd_ata", "low");
        story.degaussed(&spare);
        story.done(&coordinator(), "harvest_medium", json!({"medium": spare}));
        let body = json!({"tag": "A1", "serial": "SA1", "category": "laptop", "manufacturer": "Maker", "model": "Model", "sensitivity": "moderate",
            "site": "Site", "status": status, "media": [{"serial": "MA1", "media_type": "hdd_ata"}]});
        let about = story.done(&coordinator(), "register_asset", body);
        let id = |kind| about.iter().find(|(of, _)| *of == kind).unwrap().1.clone();
        let nothing = "urn:uuid:00000000-0000-4000-8000-00000000dead".to_owned();
        let (device, medium) = (id(SubjectKind::Asset), id(SubjectKind::Medium));
        Self { story, device, medium, consignment: nothing.clone(), discrepancy: nothing, document, certificate: "NONE-1".to_owned(), spare }
    }

    fn does(mut self, actor: &Actor, name: &str, body: Value) -> Self {
        self.story.done(actor, name, body);
        self
    }

    fn retired(self) -> Self {
        let body = json!({"asset": self.device, "reason": "surplus"});
        self.does(&coordinator(), "retire", body)
    }

    fn evaluated(self, rung: &str) -> Self {
        let body = json!({"asset": self.device, "rung": rung, "rejected": better_than(rung)});
        self.does(&coordinator(), "evaluate", body)
    }

    fn authorized(self) -> Self {
        let device = self.device.clone();
        self.retired().evaluated("resale").does(&approver(), "authorize_surplus", json!({"asset": device, "reference": "BOARD-1"})).does(
            &coordinator(),
            "release_accounts",
            json!({"asset": device, "reference": "MDM-1"}),
        )
    }

    fn released(mut self) -> Self {
        self = self.authorized();
        self.consignment = self.story.released("C1", &[&self.device]);
        self
    }

    /// Here, while something that was listed with it is not.
    fn received(mut self) -> Self {
        let (other, _) = self.story.retired("B1", "hdd_ata", "low");
        self = self.authorized();
        self.consignment = self.story.released("C1", &[&self.device, &other]);
        let body = json!({"consignment": self.consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": [{"tag": "A1", "serial": "SA1"}]});
        self.does(&operator(), "receive_consignment", body)
    }

    fn reconciled(self) -> Self {
        let this = self.released();
        let body = json!({"consignment": this.consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": [{"tag": "A1", "serial": "SA1"}]});
        this.does(&operator(), "receive_consignment", body)
    }

    fn degauss(&self) -> Value {
        json!({"medium": self.medium, "technique": "degauss",
            "statement": {"completed_without_error": true, "equipment": "DG", "field_oersted": 10_000, "coercivity_oersted": 5_000, "calibrated_on": "2026-01-05"}})
    }

    fn sanitized(mut self) -> Self {
        self.story.degaussed(&self.medium);
        self
    }

    /// A device in this state.
    fn with(label: Label) -> Self {
        let in_service = || Self::new("in_service");
        let grade = |this: &Self| json!({"asset": this.device, "cosmetic": 7, "functional": 5});
        let situation = match label {
            InStock => Self::new("in_stock"),
            InService => in_service(),
            InRepair => {
                let this = in_service();
                let body = json!({"asset": this.device, "fault": "screen"});
                this.does(&coordinator(), "send_to_repair", body)
            }
            Retired => in_service().retired(),
            Evaluated => in_service().retired().evaluated("resale"),
            SurplusAuthorized => in_service().authorized(),
            Staged => {
                let mut this = in_service().authorized();
                let open = json!({"reference": "C1", "from_site": "Site", "to": VENDOR, "to_site": "Site"});
                this.consignment = this.story.done(&coordinator(), "open_consignment", open)[0].1.clone();
                let lines = json!({"consignment": this.consignment, "assets": [this.device]});
                let seal = json!({"consignment": this.consignment, "containers": [{"label": "P"}]});
                this.does(&coordinator(), "add_lines", lines).does(&coordinator(), "seal_consignment", seal)
            }
            Released => in_service().released(),
            Received => in_service().received(),
            Reconciled => in_service().reconciled(),
            Sanitizing => {
                let this = in_service().reconciled();
                let body = this.degauss();
                this.does(&operator(), "record_sanitization", body)
            }
            SanitizationFailed => {
                let this = in_service().reconciled();
                let reading = json!({"technique": "host_overwrite", "result": "aborted", "errors": 0, "complete": false, "hidden_area": "none"});
                let file = json!({"sha256": "f".repeat(64), "size_bytes": 10, "reader": {"name": "nwipe-log", "version": 1, "records": 1, "remarks": 0},
                    "links": [{"medium": this.medium, "serial": "MA1", "reading": reading}]});
                let body = json!({"medium": this.medium, "technique": "host_overwrite", "evidence": "f".repeat(64)});
                this.does(&operator(), "receive_evidence", file).does(&operator(), "record_sanitization", body)
            }
            Sanitized => in_service().reconciled().sanitized(),
            Graded => {
                let this = in_service().reconciled().sanitized();
                let body = grade(&this);
                this.does(&operator(), "grade", body)
            }
            RedeployReady => {
                let this = in_service().retired().evaluated("redeploy").sanitized();
                let body = grade(&this);
                this.does(&coordinator(), "grade", body)
            }
            Quarantined => {
                let this = in_service().authorized();
                let body = json!({"asset": this.device, "reason": "leak"});
                this.does(&coordinator(), "quarantine", body)
            }
            LegalHold => {
                let this = in_service().authorized();
                let body = json!({"asset": this.device, "reason": "litigation", "reference": "CASE"});
                this.does(&approver(), "place_legal_hold", body)
            }
            Discrepancy => {
                let mut this = in_service().released();
                let body = json!({"consignment": this.consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": []});
                let about = this.story.done(&operator(), "receive_consignment", body);
                this.discrepancy = about.iter().find(|(kind, _)| *kind == SubjectKind::Discrepancy).unwrap().1.clone();
                this
            }
            Disposed => {
                let this = in_service().reconciled().sanitized();
                let body = this.body("record_disposition");
                this.does(&operator(), "record_disposition", body)
            }
            RecordedAfterwards => {
                let this = in_service();
                let body = this.body("record_past_disposal");
                this.does(&coordinator(), "record_past_disposal", body)
            }
            Missing => {
                let this = in_service();
                let body = this.body("report_missing");
                this.does(&coordinator(), "report_missing", body)
            }
            WrittenOff => {
                let this = Self::with(Missing);
                let body = this.body("write_off");
                this.does(&approver(), "write_off", body)
            }
        };
        assert_eq!(situation.story.asset(&situation.device).label(), label);
        situation
    }

    /// A body of this command that is right for the device if anything is.
    fn body(&self, name: &str) -> Value {
        let asset = self.story.asset(&self.device);
        let mass = json!({"weight_grams": 2000, "weight_basis": "scale", "recovered_grams": 1700, "energy_grams": 200, "landfill_grams": 100});
        match name {
            "record_media" => json!({"asset": self.device, "media": [{"serial": "MA2", "media_type": "hdd_ata"}]}),
            "harvest_medium" | "verify_sanitization" | "validate_sanitization" => json!({"medium": self.medium}),
            "install_medium" => json!({"medium": self.spare, "asset": self.device}),
            "attest_no_storage" => json!({"asset": self.device, "basis": "removed"}),
            "send_to_repair" => json!({"asset": self.device, "fault": "board"}),
            "return_from_repair" => {
                json!({"asset": self.device, "status": "in_stock", "media": [{"medium": self.medium, "found": "same"}]})
            }
            "redeploy" | "report_found" => json!({"asset": self.device, "site": "Elsewhere"}),
            "retire" => json!({"asset": self.device, "reason": "beyond_repair"}),
            "return_to_service" => json!({"asset": self.device, "reason": "needed_again"}),
            "assign" => json!({"asset": self.device, "kind": "cart", "place": "CART-1"}),
            "harvest_part" => json!({"asset": self.device, "part": "screen"}),
            "evaluate" => json!({"asset": self.device, "rung": "recycling", "rejected": better_than("recycling")}),
            "authorize_surplus" | "release_accounts" => json!({"asset": self.device, "reference": "REF-2"}),
            "grade" => json!({"asset": self.device, "cosmetic": 5, "functional": 4}),
            "place_legal_hold" => json!({"asset": self.device, "reason": "retention", "reference": "CASE-2"}),
            "quarantine" => json!({"asset": self.device, "reason": "swollen_battery", "container": "BOX-2"}),
            "lift_legal_hold" | "lift_quarantine" => json!({"asset": self.device, "reference": "DONE-2"}),
            "report_missing" => json!({"asset": self.device, "loss": "lost", "custodian": "room", "incident": "INC-2"}),
            "record_remote_command" => json!({"asset": self.device, "command": "lock", "state": "sent"}),
            "write_off" => json!({"asset": self.device, "investigation": "INV-2", "assessment": "BA-2"}),
            "add_lines" | "remove_lines" => json!({"consignment": self.consignment, "assets": [self.device]}),
            "scan" => json!({"consignment": self.consignment, "tag": "A1"}),
            "unseal_consignment" => json!({"consignment": self.consignment, "reason": "wrong_line"}),
            "correct_registration" => json!({"asset": self.device, "reason": "misread", "manufacturer": "Dell", "model": "Chromebook 3100"}),
            "withdraw_no_storage" | "void_disposition" => json!({"asset": self.device, "reason": "disproved"}),
            "withdraw_medium" | "void_sanitization" => json!({"medium": self.medium, "reason": "wrong_thing"}),
            "expect_media" => json!({"asset": self.device}),
            "confirm_medium" => json!({"medium": self.medium, "basis": "attested"}),
            "see_device" => json!({"asset": self.device, "source": "mdm"}),
            "release_consignment" => json!({"consignment": self.consignment}),
            "receive_consignment" => {
                json!({"consignment": self.consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": [{"tag": "A1"}]})
            }
            "resolve_discrepancy" => json!({"discrepancy": self.discrepancy, "resolution": "located_at_receiver", "document": self.document}),
            "record_sanitization" => {
                json!({"medium": self.medium, "technique": "incinerate", "statement": {"facility": "F", "facility_batch": "B"}})
            }
            "record_destruction" => {
                let holder = asset.holder.party.as_str();
                let fed = json!({"medium": self.medium, "serial": "MA1", "scanned_at": self.story.now()});
                json!({"machine": self.story.machine_of(if holder == VENDOR { VENDOR } else { DISTRICT }), "media": [fed],
                    "witness": actor(Role::VendorVerifier, VENDOR, 9).person, "video": {"sha256": "e".repeat(64), "kept_until": "2099-01-01"}})
            }
            "record_disposition" => match asset.label() {
                Missing | WrittenOff => {
                    json!({"asset": self.device, "outcome": "lost_or_stolen", "mass": {"weight_grams": 2000, "weight_basis": "spec"}})
                }
                _ => json!({"asset": self.device, "outcome": "recycled", "mass": mass}),
            },
            "record_past_disposal" => {
                let media = json!([{"serial": "MA1", "media_type": "hdd_ata", "technique": "degauss"}]);
                json!({"asset": self.device, "outcome": "recycled", "disposed_on": "2021-06-14", "recipient": "Old Recycler", "media": media})
            }
            "issue_certificate" => {
                let verdict = super::certification::judge(self.story.known(), &asset.id, self.story.policy());
                json!({"asset": self.device, "number": "N-1", "url": "https://x.example/certificates/N-1", "credential_sha256": "c".repeat(64),
                    "status_list": "https://x.example/status/1", "status_index": 7, "basis": verdict.map(|v| v.basis).unwrap_or_default(), "shown": []})
            }
            "revoke_certificate" => json!({"number": self.certificate, "reason": "error_in_record"}),
            other => panic!("the command {other} has no body in {}", file!()),
        }
    }

    /// Somebody who may give it, and has the device.
    fn giver(&self, name: &str) -> Actor {
        let roles = Command::KINDS.iter().find(|(own, _)| *own == name).unwrap().1;
        let asset = self.story.asset(&self.device);
        if name == "receive_consignment" || roles.contains(&Role::VendorOperator) && asset.holder.party.as_str() == VENDOR {
            // Whoever performed a sanitization does not verify it.
            return actor(Role::VendorOperator, VENDOR, if name == "verify_sanitization" { 2 } else { 1 });
        }
        let role = [Role::Coordinator, Role::Approver].into_iter().find(|role| roles.contains(role)).unwrap();
        actor(role, DISTRICT, if name == "verify_sanitization" { 2 } else { 1 })
    }
}

/// What belongs to the command rather than to the state: a consignment that would take the device, the verification before a validation, a device that
/// was opened and found empty, a model that the catalogue knows, a certificate to revoke. What the device does not let happen is left out.
fn with_what_belongs_to(mut situation: Situation, name: &str) -> Situation {
    let before: &[&str] = match name {
        "add_lines" | "remove_lines" | "scan" if situation.story.asset(&situation.device).label() != Staged => {
            let presets = json!({"reason": "surplus", "rung": "recycling", "rejected": better_than("recycling")});
            let open = json!({"reference": "C9", "from_site": "Site", "to": VENDOR, "to_site": "Site", "presets": presets});
            situation.consignment = situation.story.done(&coordinator(), "open_consignment", open)[0].1.clone();
            let authorize = json!({"consignment": situation.consignment, "reference": "BOARD-9"});
            situation.story.done(&approver(), "authorize_consignment", authorize);
            if name == "remove_lines" { &["add_lines"] } else { &[] }
        }
        "remove_lines" => &["unseal_consignment"],
        "validate_sanitization" => &["verify_sanitization"],
        "attest_no_storage" => &["harvest_medium"],
        "withdraw_no_storage" => &["harvest_medium", "attest_no_storage"],
        "expect_media" => &["correct_registration", "harvest_medium"],
        "confirm_medium" => &["correct_registration", "harvest_medium", "expect_media"],
        "void_disposition" => &["record_disposition"],
        "revoke_certificate" => &["issue_certificate"],
        _ => &[],
    };
    for before in before {
        let (giver, body) = (situation.giver(before), situation.body(before));
        if situation.story.when(&giver, before, body.clone()).is_err() {
            continue;
        }
        let about = situation.story.done(&giver, before, body);
        if *before == "expect_media" {
            situation.medium.clone_from(&about[0].1);
        }
        situation.certificate = "N-1".to_owned();
    }
    situation
}

#[test]
fn every_command_is_in_the_table_or_not_about_a_device() {
    let mut known: Vec<&str> = TABLE.iter().map(|(name, _)| *name).chain(NOT_ABOUT_A_DEVICE.iter().copied()).collect();
    let mut all: Vec<&str> = Command::KINDS.iter().map(|(name, _)| *name).collect();
    known.sort_unstable();
    all.sort_unstable();
    assert_eq!(known, all);
}

#[test]
fn every_pair_of_a_state_and_a_command_is_in_the_table_or_refused() {
    let (mut allowed, mut refused) = (0, 0);
    let mut wrong = Vec::new();
    let mut lines = Vec::new();
    for (name, states) in TABLE {
        let mut taken = Vec::new();
        for label in Label::ALL {
            let situation = with_what_belongs_to(Situation::with(*label), name);
            let asked = situation.story.when(&situation.giver(name), name, situation.body(name));
            if asked.is_ok() {
                taken.push(format!("{label:?}"));
            }
            match (asked, states.contains(label)) {
                (Ok(_), true) => allowed += 1,
                (Err(refusal), false) => {
                    refused += 1;
                    assert!(refusal.why.len() > 20 && refusal.why.ends_with('.'), "{name} on a device that is {label}: {}", refusal.why);
                }
                (Ok(_), false) => wrong.push(format!("{name} is taken for a device that is {label}, and the table does not say so")),
                (Err(refusal), true) => wrong.push(format!("{name} is refused for a device that is {label}: {} {}", refusal.code, refusal.why)),
            }
        }
        lines.push(format!("    (\"{name}\", &[{}]),", taken.join(", ")));
    }
    println!("{allowed} pairs allowed, {refused} refused: {} states, {} commands", Label::ALL.len(), TABLE.len());
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), lines.join("\n"));
}
