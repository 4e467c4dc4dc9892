//! Which commands people give at a desk, and the fields of each: about a device, about a party, about a consignment, about a stored file, and for what is not there yet.

use super::forms::{Form, Kind, choices, may, needed};
use crate::domain::asset::Status;
use crate::domain::assignment::AssigneeKind;
use crate::domain::catalogue::Seen;
use crate::domain::correction::CorrectionReason;
use crate::domain::disposition::{Destination, Outcome};
use crate::domain::holds::HoldReason;
use crate::domain::lifecycle::{Fault, MediumCheck, RepairOverride, RetireReason, ReturnReason};
use crate::domain::mappings::{ListKind, WeightUnit};
use crate::domain::missing::{Custodian, Loss, RemoteCommand, RemoteState};
use crate::domain::names::{Category, MediaType, Sensitivity, Technique, WeightBasis};
use crate::domain::overrides::{Guard, OverrideReason};
use crate::domain::parties::PartyKind;
use crate::domain::parts::Part;
use crate::domain::policy::Known;
use crate::domain::preparation::{FundingSource, RejectionReason, Rung};
use crate::domain::registration::NoStorageBasis;
use crate::domain::residual_risk::Rationale;
use crate::domain::sampling::SampleResult;
use crate::domain::sealing::{CancelReason, UnsealReason};
use crate::domain::vendors::{Scheme, Scope, SuspensionReason};
use crate::domain::withholding::WithholdingReason;

/// A heading with the forms below it.
pub struct Group {
    /// The heading.
    pub title: &'static str,
    /// The forms.
    pub forms: &'static [Form],
}

const fn plain(command: &'static str, title: &'static str, about: &'static str, fields: &'static [super::forms::Field]) -> Form {
    Form { command, title, about, grave: false, fields }
}
const fn grave(command: &'static str, title: &'static str, about: &'static str, fields: &'static [super::forms::Field]) -> Form {
    Form { command, title, about, grave: true, fields }
}

const REFERENCE: u16 = 64;
const NAME: u16 = 120;

/// What can be done with a device, in the order of its life.
pub static DEVICE: &[Group] = &[
    Group {
        title: "In use",
        forms: &[
            plain(
                "assign",
                "Assign",
                "Puts a device in use with a room or a cart, or takes it back. Assign it to a person over the API, which keeps no name.",
                &[
                    needed("kind", "To", Kind::Choice(choices!(AssigneeKind: None Room Cart))),
                    may("place", "Number of the room or cart", Kind::Text(REFERENCE)),
                ],
            ),
            plain(
                "send_to_repair",
                "Send to repair",
                "Without a contract that promises confidentiality the device leaves the organisation's control.",
                &[
                    needed("fault", "What is wrong", Kind::Choice(choices!(Fault))),
                    may("vendor", "Repairer", Kind::Known("vendors")).hint("Leave empty where it is repaired in the house."),
                    may("vendor_site", "The repairer's site", Kind::Suggested("vendor_sites")),
                    may("contract", "Contract that promises confidentiality", Kind::Text(REFERENCE))
                        .hint("Leave empty for the one on record that is in force."),
                    may("override", "Why it goes without one", Kind::Choice(choices!(RepairOverride))).hint("Only an approver can say so."),
                ],
            ),
            plain(
                "return_from_repair",
                "Take back from repair",
                "Every medium on record is looked for: read its serial number again.",
                &[
                    needed("status", "Where it goes", Kind::Choice(choices!(Status: InStock InService))),
                    needed("media.#.found", "", Kind::Each("media", "media.#.medium", choices!(MediumCheck))),
                ],
            ),
            plain(
                "redeploy",
                "Redeploy",
                "Puts a device to use again, here or at another site.",
                &[needed("site", "Site", Kind::Known("own_sites"))],
            ),
        ],
    },
    Group {
        title: "Retire and prepare",
        forms: &[
            plain("retire", "Retire", "Takes a device out of use.", &[needed("reason", "Why", Kind::Choice(choices!(RetireReason)))]),
            plain(
                "return_to_service",
                "Put back in service",
                "Takes a retired device that has not left back into use.",
                &[needed("reason", "Why", Kind::Choice(choices!(ReturnReason)))],
            ),
            plain(
                "evaluate",
                "Evaluate",
                "Reuse first: choose the best use that is possible, and say of every better one why it is not.",
                &[
                    needed("rung", "Best use that is possible", Kind::Choice(choices!(Rung))),
                    may("rejected.0.reason", "Why not repaired", Kind::Choice(choices!(RejectionReason))).with(&[("rejected.0.rung", "repair")]),
                    may("rejected.1.reason", "Why not used elsewhere here", Kind::Choice(choices!(RejectionReason)))
                        .with(&[("rejected.1.rung", "redeploy")]),
                    may("rejected.2.reason", "Why not sold", Kind::Choice(choices!(RejectionReason))).with(&[("rejected.2.rung", "resale")]),
                    may("rejected.3.reason", "Why not given", Kind::Choice(choices!(RejectionReason))).with(&[("rejected.3.rung", "donation")]),
                    may("rejected.4.reason", "Why not used for parts", Kind::Choice(choices!(RejectionReason))).with(&[("rejected.4.rung", "parts")]),
                ],
            ),
            plain(
                "authorize_surplus",
                "Authorise as surplus",
                "On the authority of the board, lets the device be given away.",
                &[
                    needed("reference", "The board's resolution", Kind::Text(REFERENCE)),
                    may("consent", "Consent of others", Kind::Text(REFERENCE))
                        .hint("Bought with an award or leased: the agency's instructions, or the lessor's consent."),
                ],
            ),
            plain(
                "release_accounts",
                "Confirm accounts released",
                "Accounts and management enrolment are gone, so that the next owner can use it.",
                &[
                    needed("reference", "Console's or ticket's reference", Kind::Text(REFERENCE)),
                    may("evidence", "SHA-256 of a stored file that shows it", Kind::Digest),
                ],
            ),
            plain(
                "grade",
                "Grade",
                "Grades a device whose data is gone.",
                &[
                    needed("cosmetic", "How it looks", Kind::Number(1, 9)).hint("1 (damaged) to 9 (as new)."),
                    needed("functional", "How it works", Kind::Number(1, 6)).hint("1 (not at all) to 6 (as new)."),
                ],
            ),
            plain(
                "harvest_part",
                "Take a part out",
                "With a tag of its own the part is registered as a thing of its own.",
                &[
                    needed("part", "Which part", Kind::Choice(choices!(Part))),
                    may("tag", "Tag that was put on it", Kind::Text(REFERENCE)),
                    may("serial", "Its own serial number", Kind::Text(REFERENCE)).hint("Only with a tag."),
                ],
            ),
            plain(
                "record_disposition",
                "Record what became of it",
                "",
                &[
                    needed("outcome", "What became of it", Kind::Choice(choices!(Outcome))),
                    needed("mass.weight_grams", "Weight in kilograms", Kind::Kilograms),
                    needed("mass.weight_basis", "Where the weight comes from", Kind::Choice(choices!(WeightBasis))),
                    may("mass.recovered_grams", "Recycled: kilograms recovered as material", Kind::Kilograms),
                    may("mass.energy_grams", "Recycled: kilograms burned for energy", Kind::Kilograms),
                    may("mass.landfill_grams", "Recycled: kilograms landfilled", Kind::Kilograms),
                    may("title", "Document by which it changed hands", Kind::Text(REFERENCE)).hint("Needed where it is sold or given away."),
                    may("grade", "The processor's grade", Kind::Text(12)),
                    may("proceeds_cents", "What it brought, in dollars", Kind::Money),
                    may("processor", "Who processed it", Kind::Known("vendors")).hint("Only where you record it from that party's list."),
                    may("file", "SHA-256 of the stored list that says so", Kind::Digest),
                ],
            ),
            grave(
                "record_past_disposal",
                "Record that it was disposed of before",
                "For a device that was gone before anybody recorded it. Nobody signed for it at the time, so nothing is certified from it; what its \
                 paper lacks is raised as an exception.",
                &[
                    needed(
                        "outcome",
                        "What became of it",
                        Kind::Choice(
                            choices!(Outcome: Resold Donated TradedIn ReturnedToLessor PartsHarvested Recycled EnergyRecovery Incinerated Landfilled Unknown),
                        ),
                    ),
                    needed("disposed_on", "Disposed of on", Kind::Date),
                    may("vendor", "The party that took it", Kind::Known("vendors")),
                    may("recipient", "Who took it, in the paper's words", Kind::Text(NAME)).hint("An organisation; never the name of a person."),
                    may("reference", "Number of the certificate or lot", Kind::Text(REFERENCE)),
                    may("document", "SHA-256 of the stored paper", Kind::Digest),
                    may("media.0.media_type", "Its storage, by the paper", Kind::Choice(choices!(MediaType))),
                    may("media.0.serial", "Serial number of the storage", Kind::Text(REFERENCE)).hint("Leave empty for storage that is soldered in."),
                    may("media.0.technique", "What the paper says was done to it", Kind::Choice(choices!(Technique))),
                    may("no_storage", "Instead: it stored nothing", Kind::Choice(choices!(NoStorageBasis))),
                ],
            ),
        ],
    },
    Group {
        title: "Media and data",
        forms: &[
            plain(
                "record_media",
                "Record a medium",
                "What was found in the device.",
                &[
                    needed("media.0.media_type", "Kind", Kind::Choice(choices!(MediaType))),
                    may("media.0.serial", "Its own serial number", Kind::Text(REFERENCE)).hint("Leave empty for storage that is soldered in."),
                    may("media.0.capacity_bytes", "Capacity in gigabytes", Kind::Gigabytes),
                ],
            ),
            plain(
                "attest_no_storage",
                "Attest that it has no storage",
                "",
                &[needed("basis", "How that is known", Kind::Choice(choices!(NoStorageBasis)))],
            ),
            plain("expect_media", "Expect what the model has", "Records the media that the catalogue knows of this model.", &[]),
            plain(
                "confirm_medium",
                "Confirm an expected medium",
                "",
                &[
                    needed("medium", "Medium", Kind::Known("media")),
                    needed("basis", "How that is known", Kind::Choice(choices!(Seen: Seen Attested))),
                    may("serial", "Its own serial number", Kind::Text(REFERENCE)).hint("Soldered storage has none."),
                    may("media_type", "Kind, where it is another one", Kind::Choice(choices!(MediaType))),
                    may("capacity_bytes", "Capacity in gigabytes", Kind::Gigabytes),
                ],
            ),
            plain("harvest_medium", "Take a medium out", "The medium lies loose from then on.", &[needed("medium", "Medium", Kind::Known("media"))]),
            plain("install_medium", "Put a medium in", "", &[needed("medium", "Loose medium", Kind::Known("loose"))]),
            plain(
                "record_sanitization",
                "Record a sanitization",
                "What software did needs the stored file of its tool: upload it under evidence first.",
                &[
                    needed("medium", "Medium", Kind::Known("media")),
                    needed("technique", "Technique", Kind::Choice(choices!(Technique))),
                    may("evidence", "SHA-256 of the stored file", Kind::Digest),
                    may("tool", "Tool and version, or machine", Kind::Text(NAME)).hint("Where the file does not say."),
                    may("machine", "Machine of the register", Kind::Known("machines"))
                        .hint("It says what is left empty below: its number, particle, field, list entry and calibration."),
                    may("statement.operational", "It powers on", Kind::Choice(choices!(Known))),
                    may("statement.completed_without_error", "It finished without error", Kind::Said),
                    may("statement.hidden_areas_absent", "Hidden areas were looked for, and are absent or reset", Kind::Said),
                    may("statement.account_removed", "Accounts and management enrolment were removed", Kind::Said),
                    may("statement.encrypted_since_first_use", "Encrypted since its first use", Kind::Choice(choices!(Known))),
                    may("statement.key_bits", "Strength of the key in bits", Kind::Number(1, 4_096)),
                    may("statement.keys_destroyed", "All copies of the keys destroyed", Kind::Choice(choices!(Known))),
                    may("statement.no_keys_elsewhere", "No key kept elsewhere", Kind::Choice(choices!(Known))),
                    may("statement.all_areas", "Every area was addressed: all namespaces, both parts of a hybrid", Kind::Said),
                    may("statement.vendor_statement", "The maker's statement for this model", Kind::Text(REFERENCE)),
                    may("statement.fips_cert", "FIPS 140 certificate of the module", Kind::Text(REFERENCE)),
                    may("statement.config_erased", "Configuration, certificates and shared secrets were erased", Kind::Said),
                    may("statement.equipment", "Shredder, disintegrator or degausser", Kind::Text(REFERENCE)),
                    may("statement.particle_tenths_mm", "Largest particle, in tenths of a millimetre", Kind::Number(1, 100_000)),
                    may("statement.epl_entry", "The machine's entry in the NSA's list", Kind::Text(REFERENCE)),
                    may(
                        "statement.epl_particle_tenths_mm",
                        "Largest particle that the entry allows, in tenths of a millimetre",
                        Kind::Number(1, 100_000),
                    ),
                    may("statement.field_oersted", "Field of the degausser, in oersted", Kind::Number(1, 1_000_000)),
                    may("statement.coercivity_oersted", "Coercivity of the medium, in oersted", Kind::Number(1, 1_000_000)),
                    may("statement.calibrated_on", "Last calibration of the degausser", Kind::Date),
                    may("statement.facility", "Licensed facility", Kind::Text(REFERENCE)),
                    may("statement.facility_batch", "The facility's batch", Kind::Text(REFERENCE)),
                ],
            ),
            plain(
                "verify_sanitization",
                "Verify a sanitization",
                "You inspected the outcome yourself, and somebody else performed it.",
                &[needed("medium", "Medium", Kind::Known("media"))],
            ),
            plain(
                "validate_sanitization",
                "Accept a sanitization",
                "The organisation accepts it for this data.",
                &[needed("medium", "Medium", Kind::Known("media"))],
            ),
            plain(
                "record_sample",
                "Record a sample",
                "You tried to recover data from it, and somebody else performed and verified its sanitization. Recovered data undo that.",
                &[
                    needed("medium", "Medium", Kind::Known("media")),
                    needed("tool", "Recovery software and its version", Kind::Text(NAME)),
                    needed("result", "What it found", Kind::Choice(choices!(SampleResult))),
                    needed("evidence", "SHA-256 of the stored report", Kind::Digest),
                ],
            ),
            grave(
                "accept_residual_risk",
                "Accept a residual risk",
                "Lets a weaker method than the policy asks for stand. The method stays what it was, and a certificate says so.",
                &[
                    needed("media", "Media", Kind::KnownSeveral("media")),
                    needed("technique", "Technique", Kind::Choice(choices!(Technique))),
                    needed("destination", "Where it goes", Kind::Choice(choices!(Destination))),
                    needed("rationale", "Why", Kind::Choice(choices!(Rationale))),
                    needed("reference", "Reference of the decision", Kind::Text(REFERENCE)),
                ],
            ),
        ],
    },
    Group {
        title: "Held, lost and found",
        forms: &[
            plain(
                "place_legal_hold",
                "Place a legal hold",
                "Bars the device from being sanitized, given away or changed.",
                &[
                    needed("reason", "Why", Kind::Choice(choices!(HoldReason: Litigation RecordsRequest Retention))),
                    needed("reference", "The matter", Kind::Text(REFERENCE)),
                ],
            ),
            plain("lift_legal_hold", "Lift the legal hold", "", &[needed("reference", "The decision that ends it", Kind::Text(REFERENCE))]),
            plain(
                "quarantine",
                "Quarantine",
                "Sets the device apart: it is dangerous, or something about it is in dispute.",
                &[
                    needed("reason", "Why", Kind::Choice(choices!(HoldReason: SwollenBattery Leak EvidenceDisputed VendorSuspended))),
                    may("container", "Container that it lies in alone", Kind::Text(REFERENCE)).hint("Needed where its battery is swollen."),
                ],
            ),
            plain("lift_quarantine", "Lift the quarantine", "", &[needed("reference", "What was done", Kind::Text(REFERENCE))]),
            grave(
                "report_missing",
                "Report missing",
                "Opens an incident; whether data was exposed has to be judged within the time that the policy gives.",
                &[
                    needed("loss", "Lost or stolen", Kind::Choice(choices!(Loss))),
                    may("last_seen", "When it was seen last (UTC)", Kind::Time),
                    needed("custodian", "In whose hands it was", Kind::Choice(choices!(Custodian))),
                    needed("incident", "The organisation's or the police's reference", Kind::Text(REFERENCE)),
                ],
            ),
            plain(
                "record_remote_command",
                "Record a remote lock or wipe",
                "",
                &[
                    needed("command", "What was sent", Kind::Choice(choices!(RemoteCommand))),
                    needed("state", "What became of it", Kind::Choice(choices!(RemoteState))),
                    may("evidence", "SHA-256 of a stored file that shows it", Kind::Digest).hint("Needed where the device confirmed it."),
                ],
            ),
            plain(
                "report_found",
                "Report found",
                "",
                &[
                    needed("site", "Where it is now", Kind::Suggested("own_sites")),
                    may("party", "Who has it", Kind::Known("vendors")).hint("Leave empty for the organisation."),
                ],
            ),
            grave(
                "write_off",
                "Write off",
                "The device is given up for lost.",
                &[
                    needed("investigation", "Record of the investigation", Kind::Text(REFERENCE)),
                    needed("assessment", "Record of the judgement whether data was exposed", Kind::Text(REFERENCE)),
                ],
            ),
        ],
    },
    Group {
        title: "Correct the record",
        forms: &[
            grave(
                "correct_registration",
                "Correct the registration",
                "What is left empty stays as it is. The old entry stays and is marked as corrected.",
                &[
                    needed("reason", "Why", Kind::Choice(choices!(CorrectionReason))),
                    may("tag", "Tag", Kind::Text(REFERENCE)).hint("The one before still finds it."),
                    may("serial", "Serial number", Kind::Text(REFERENCE)),
                    may("category", "Kind", Kind::Choice(choices!(Category))),
                    may("manufacturer", "Maker", Kind::Text(NAME)),
                    may("model", "Model", Kind::Text(NAME)),
                    may("sensitivity", "Sensitivity of the data", Kind::Choice(choices!(Sensitivity))),
                    may("site", "Site", Kind::Known("own_sites")),
                ],
            ),
            grave(
                "withdraw_no_storage",
                "Withdraw the attestation of no storage",
                "",
                &[needed("reason", "Why", Kind::Choice(choices!(CorrectionReason)))],
            ),
            grave(
                "withdraw_medium",
                "Withdraw a medium",
                "It was never in the device.",
                &[needed("medium", "Medium", Kind::Known("media")), needed("reason", "Why", Kind::Choice(choices!(CorrectionReason)))],
            ),
            grave(
                "void_sanitization",
                "Void a sanitization",
                "It was recorded for the wrong medium, or did not happen. A certificate that rests on it is revoked.",
                &[needed("medium", "Medium", Kind::Known("media")), needed("reason", "Why", Kind::Choice(choices!(CorrectionReason)))],
            ),
            grave(
                "void_disposition",
                "Void what became of it",
                "The device is re-opened. A certificate that rests on it is revoked.",
                &[needed("reason", "Why", Kind::Choice(choices!(CorrectionReason)))],
            ),
        ],
    },
];

/// What can be done with a party.
pub static PARTY: &[Group] = &[
    Group {
        title: "Sites and credentials",
        forms: &[
            plain("add_site", "Add a site", "", &[needed("site", "Name of the site", Kind::Text(NAME))]),
            plain(
                "record_credential",
                "Record a credential",
                "Certificates are given for one site. One that is recorded anew replaces the one before.",
                &[
                    needed("site", "Site", Kind::Known("sites")),
                    needed("scheme", "Scheme", Kind::Choice(choices!(Scheme))),
                    needed("number", "Number of the certificate", Kind::Text(REFERENCE)),
                    needed("scope", "For what", Kind::Several(choices!(Scope))),
                    needed("issued_on", "From", Kind::Date),
                    needed("expires_on", "To, included", Kind::Date),
                    may("evidence", "SHA-256 of the stored certificate", Kind::Digest),
                ],
            ),
            grave(
                "suspend_credential",
                "Suspend a credential",
                "Takes it out of force; recording it anew puts it back.",
                &[
                    needed("site", "Site", Kind::Known("sites")),
                    needed("scheme", "Scheme", Kind::Choice(choices!(Scheme))),
                    needed("number", "Number of the certificate", Kind::Suggested("credentials")),
                    needed("reason", "Why", Kind::Choice(choices!(SuspensionReason))),
                ],
            ),
        ],
    },
    Group {
        title: "Contract and people",
        forms: &[
            plain(
                "record_contract",
                "Record a contract",
                "",
                &[
                    needed("reference", "The organisation's reference", Kind::Text(REFERENCE)),
                    needed("starts_on", "From", Kind::Date),
                    may("ends_on", "To, included", Kind::Date).hint("Leave empty where it is open-ended."),
                    needed("confidentiality", "It binds the party to confidentiality", Kind::Tick),
                    may("insured_until", "Insured to, included", Kind::Date),
                ],
            ),
            plain(
                "name_signers",
                "Name who may sign",
                "The list replaces the one before. With nobody chosen all its people may sign.",
                &[may("signers", "Who may sign", Kind::KnownSeveral("people"))],
            ),
            plain(
                "record_training",
                "Record a training",
                "",
                &[
                    needed("person", "Who", Kind::Known("people")),
                    needed("tool", "On which tool", Kind::Text(NAME)),
                    needed("trained_on", "When", Kind::Date),
                    needed("valid_until", "Valid to, included", Kind::Date),
                ],
            ),
        ],
    },
    Group {
        title: "Machines",
        forms: &[
            plain(
                "register_machine",
                "Register a machine",
                "A shredder, a degausser: whoever names it in a report need not state again what is registered here.",
                &[
                    needed("site", "Site", Kind::Known("sites")),
                    needed(
                        "technique",
                        "What it does",
                        Kind::Choice(choices!(Technique: Degauss Shred Pulverize Disintegrate Melt Incinerate Grind Damage)),
                    ),
                    needed("make", "Maker", Kind::Text(NAME)),
                    needed("model", "Model", Kind::Text(NAME)),
                    needed("serial", "Serial number", Kind::Text(REFERENCE)),
                    may("particle_tenths_mm", "Largest particle or screen size, in tenths of a millimetre", Kind::Number(1, 100_000)),
                    may("field_oersted", "Field of the degausser, in oersted", Kind::Number(1, 1_000_000)),
                    may("epl_entry", "Its entry in the NSA's list", Kind::Text(REFERENCE)),
                    may("epl_particle_tenths_mm", "Largest particle that the entry allows, in tenths of a millimetre", Kind::Number(1, 100_000)),
                ],
            ),
            plain(
                "record_calibration",
                "Record a calibration",
                "A degausser whose calibration was due before the work counts for nothing.",
                &[
                    needed("machine", "Machine", Kind::Known("machines")),
                    needed("calibrated_on", "Calibrated on", Kind::Date),
                    needed("due_on", "Next calibration due on", Kind::Date),
                    may("document", "SHA-256 of the stored document", Kind::Digest),
                ],
            ),
            grave(
                "take_out_of_service",
                "Take a machine out of service",
                "From this day on nothing is done with it.",
                &[needed("machine", "Machine", Kind::Known("machines")), needed("from", "From", Kind::Date)],
            ),
        ],
    },
    Group {
        title: "Downstream and lists",
        forms: &[
            plain(
                "approve_downstream",
                "Approve a downstream vendor",
                "Lets this vendor hand devices on to another one.",
                &[needed("downstream", "To whom", Kind::Known("vendors"))],
            ),
            grave("withdraw_downstream", "Withdraw a downstream vendor", "", &[needed("downstream", "From whom", Kind::Known("downstream"))]),
            plain(
                "map_columns",
                "Say how its lists read",
                "The words over each column, as the vendor writes them.",
                &[
                    needed("profile", "Name of this reading", Kind::Text(REFERENCE)),
                    needed("kind", "What the list is", Kind::Choice(choices!(ListKind))),
                    may("columns.tag", "Column with the tag", Kind::Text(NAME)),
                    may("columns.serial", "Column with the serial number", Kind::Text(NAME)),
                    may("columns.condition", "Column with the condition", Kind::Text(NAME)),
                    may("columns.weight", "Column with the weight", Kind::Text(NAME)),
                    may("columns.date", "Column with the date", Kind::Text(NAME)),
                    may("columns.outcome", "Column with the outcome", Kind::Text(NAME)),
                    may("columns.grade", "Column with the grade", Kind::Text(NAME)),
                    may("columns.proceeds", "Column with the proceeds", Kind::Text(NAME)),
                    may("columns.recovered", "Column with what was recovered", Kind::Text(NAME)),
                    may("columns.energy", "Column with what was burned for energy", Kind::Text(NAME)),
                    may("columns.landfill", "Column with what was landfilled", Kind::Text(NAME)),
                    may("weight_unit", "Unit of weights", Kind::Choice(choices!(WeightUnit))),
                ],
            ),
        ],
    },
];

/// What is decided about a consignment at a desk; loading, handing over and receiving have pages of their own.
pub static CONSIGNMENT: &[Group] = &[Group {
    title: "Decisions",
    forms: &[
        plain(
            "authorize_consignment",
            "Authorise as surplus",
            "On the authority of the board, lets whatever is put on it be given away: each device is still checked as it is scanned.",
            &[needed("reference", "The board's resolution", Kind::Text(REFERENCE)), may("consent", "Consent of others", Kind::Text(REFERENCE))],
        ),
        grave(
            "grant_override",
            "Grant an exception to a rule",
            "For this consignment and no other.",
            &[
                needed("guard", "Which rule", Kind::Choice(choices!(Guard))),
                needed("reason", "Why", Kind::Choice(choices!(OverrideReason))),
                needed("reference", "Reference of the decision", Kind::Text(REFERENCE)),
            ],
        ),
        grave(
            "unseal_consignment",
            "Open it again",
            "The seals are broken by the sender, and others have to be put on.",
            &[needed("reason", "Why", Kind::Choice(choices!(UnsealReason)))],
        ),
        grave(
            "cancel_consignment",
            "Give it up",
            "Before it has left; what was on it is free again.",
            &[needed("reason", "Why", Kind::Choice(choices!(CancelReason)))],
        ),
    ],
}];

/// What is done about the bytes of a stored file that must not be kept.
pub static EVIDENCE: &[Group] = &[Group {
    title: "Its bytes",
    forms: &[
        plain(
            "propose_withholding",
            "Propose to withhold its bytes",
            "For a file that holds what must not be kept, most of all personal data. Nothing is removed until an approver who is another person confirms it.",
            &[
                needed("reason", "Why", Kind::Choice(choices!(WithholdingReason))),
                may("reference", "Reference of the request or order", Kind::Text(REFERENCE)),
            ],
        ),
        grave(
            "withhold_evidence",
            "Withhold its bytes",
            "The bytes are removed and nothing brings them back; copies in backups you remove yourself. The SHA-256, what was read from the file and who decided this stay in the record. Nothing new can rest on the file, and it cannot be uploaded again.",
            &[],
        ),
        plain("withdraw_withholding", "Take the proposal back", "The file stays as it is; it can be proposed again.", &[]),
    ],
}];

/// Registers one device.
pub static REGISTER_ASSET: Form = plain(
    "register_asset",
    "Register a device",
    "",
    &[
        needed("tag", "Tag", Kind::Text(REFERENCE)).hint("The one that your organisation put on it."),
        may("serial", "Serial number", Kind::Text(REFERENCE)),
        needed("category", "Kind", Kind::Choice(choices!(Category))),
        needed("manufacturer", "Maker", Kind::Text(NAME)),
        needed("model", "Model", Kind::Text(NAME)),
        needed("site", "Site", Kind::Known("own_sites")),
        needed("status", "Where it is", Kind::Choice(choices!(Status: InStock InService))),
        may("sensitivity", "Sensitivity of the data", Kind::Choice(choices!(Sensitivity)))
            .hint("Leave empty for what the catalogue says of the model."),
        may("weight_grams", "Weight in kilograms", Kind::Kilograms).hint("Leave empty for what the catalogue says of the model."),
        may("weight_basis", "Where the weight comes from", Kind::Choice(choices!(WeightBasis)))
            .hint("Only with a weight; left empty, it was weighed."),
        may("purchased_on", "Bought on", Kind::Date),
        may("cost_cents", "Cost in dollars", Kind::Money),
        may("funding.source", "Bought with", Kind::Choice(choices!(FundingSource))),
        may("funding.award", "Number of the award, funding request or lease", Kind::Text(REFERENCE)).hint("Only with the line above."),
        may("funding.awarded_on", "Awarded on", Kind::Date),
        may("funding.installed_on", "Installed on", Kind::Date),
        may("media.0.media_type", "Its storage", Kind::Choice(choices!(MediaType)))
            .hint("Leave empty where nobody has looked: what the catalogue expects in the model is then to be confirmed."),
        may("media.0.serial", "Serial number of the storage", Kind::Text(REFERENCE)),
        may("media.0.capacity_bytes", "Capacity of the storage in gigabytes", Kind::Gigabytes),
    ],
);

/// Registers a vendor or a carrier.
pub static REGISTER_PARTY: Form = plain(
    "register_party",
    "Register a vendor",
    "Have its certificates and the contract at hand: without them it can receive nothing.",
    &[
        needed("kind", "What it is", Kind::Choice(choices!(PartyKind: Vendor Carrier))),
        needed("name", "Name", Kind::Text(NAME)),
        needed("sites", "Sites", Kind::Lines).hint("One on each line."),
    ],
);

/// Adopts the policy in force; which one that is, the page adds.
pub static ADOPT_POLICY: Form = grave(
    "adopt_policy",
    "Adopt the policy",
    "What is adopted is the policy in force, by its name, version and SHA-256. Nothing is certified before, and what it says is the organisation's own word \
     from then on: read it first.",
    &[
        needed("reference", "Reference of the decision", Kind::Text(REFERENCE)).hint("The board's resolution, or the signed paper."),
        needed("decided_on", "Decided on", Kind::Date),
    ],
);

/// Records a medium that is in no device.
pub static RECORD_LOOSE_MEDIA: Form = plain(
    "record_loose_media",
    "Record a loose medium",
    "A drive or card that is in no device.",
    &[
        needed("media.0.media_type", "Kind", Kind::Choice(choices!(MediaType))),
        needed("media.0.serial", "Its serial number", Kind::Text(REFERENCE)),
        may("media.0.capacity_bytes", "Capacity in gigabytes", Kind::Gigabytes),
        needed("site", "Where it is", Kind::Suggested("own_sites")),
        needed("sensitivity", "Sensitivity of the data", Kind::Choice(choices!(Sensitivity))),
    ],
);

/// The form of a command in these groups.
pub fn of(groups: &'static [Group], command: &str) -> Option<&'static Form> {
    groups.iter().flat_map(|group| group.forms).find(|form| form.command == command)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::domain::Command;

    fn all() -> Vec<&'static Form> {
        let listed = [DEVICE, PARTY, CONSIGNMENT, EVIDENCE].into_iter().flatten().flat_map(|group| group.forms);
        listed.chain([&REGISTER_ASSET, &REGISTER_PARTY, &RECORD_LOOSE_MEDIA, &ADOPT_POLICY]).collect()
    }

    /// The members of a command, by what it says of one that it does not have.
    fn members(command: &str) -> BTreeSet<String> {
        let why = Command::read(command, json!({"no such member": 1})).unwrap_err().why;
        let (_, listed) = why.split_once("expected").unwrap_or_else(|| panic!("{why}"));
        listed.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
    }

    #[test]
    fn every_field_is_a_member_of_its_command_and_every_member_has_a_field() {
        // What the address of the page names, what is stated by others than people at a desk, or what takes more than one form can hold.
        let elsewhere = ["asset", "device", "party", "consignment", "sha256", "assignee_active", "active_on"];
        for form in all() {
            let members = members(form.command);
            let fields: BTreeSet<String> = form.fields.iter().map(|field| field.member.split('.').next().unwrap_or_default().to_owned()).collect();
            for field in &fields {
                assert!(members.contains(field), "{}: {field} is none of {members:?}", form.command);
            }
            // Which policy is in force, its page adds.
            // … and a fresh machine's id is made by the command.
            let added: &[&str] = match form.command {
                "adopt_policy" => &["name", "version"],
                "register_machine" => &["machine"],
                _ => &[],
            };
            for member in members.iter().filter(|member| !elsewhere.contains(&member.as_str()) && !added.contains(&member.as_str())) {
                assert!(fields.contains(member), "{}: {member} has no field", form.command);
            }
        }
    }

    #[test]
    fn every_form_is_of_one_command_and_no_command_has_two() {
        let mut seen = BTreeSet::new();
        for form in all() {
            assert!(Command::KINDS.iter().any(|(name, _)| *name == form.command), "{}", form.command);
            assert!(seen.insert(form.command), "{} has two forms", form.command);
        }
    }
}
