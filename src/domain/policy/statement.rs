//! What a rule may ask to be shown, and what the person who performs a sanitization states beside the evidence file.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::super::names::{Instant, Reference, codes};
use super::super::refusal::Refusal;

codes! {
    /// What must be shown before a rule counts. CE-1 to CE-6 are the conditions of cryptographic erase (NIST SP 800-88r2 §3.2).
    Precondition {
        ToolPass = "tool_pass", "the tool says that it completed without error";
        NoErrors = "no_errors", "no write, verify or sync errors";
        NoHiddenArea = "no_hidden_area", "hidden areas (HPA, DCO) are absent or were reset";
        FullRange = "full_range", "every byte of the medium was covered";
        AllAreas = "all_areas", "every area was addressed: all namespaces, both parts of a hybrid, nothing unallocated";
        Ce1 = "ce_1", "CE-1: no data was stored before encryption was on";
        Ce2 = "ce_2", "CE-2: a security strength of 128 bits or more";
        Ce3 = "ce_3", "CE-3: every copy of the keys is accounted for and destroyed";
        Ce4 = "ce_4", "CE-4: no key is escrowed or backed up elsewhere";
        Ce5 = "ce_5", "CE-5: a module validated under FIPS 140";
        Ce6 = "ce_6", "CE-6: the maker's statement on how the command is carried out is named";
        VendorStatement = "vendor_statement", "the maker's statement for this model is named";
        AccountRemoved = "account_removed", "accounts and management enrolment were removed";
        ConfigErased = "config_erased", "configuration, certificates and shared secrets were erased too";
        Equipment = "equipment", "the machine that was used is named";
        FieldStrength = "field_strength", "the degausser's field is stated and reaches the medium's coercivity";
        Calibration = "calibration", "the day of the degausser's last calibration is stated";
        Particle = "particle", "the size of the largest particle is stated";
        Facility = "facility", "the licensed facility and its batch are named";
        ShredAllowed = "shred_allowed", "one of the five ways of SH-1: low data, a verified purge before, melting or burning afterwards, a machine on the NSA's list that meets its particle size, or an approver's acceptance of the residual risk";
        Never = "never", "nothing: this technique does not sanitize this medium";
    }
}

impl Precondition {
    /// What to ask for, where it is missing: it follows “ask for” or “send”.
    pub const fn ask(self) -> &'static str {
        match self {
            Precondition::ToolPass => "the tool's log that shows its end without error",
            Precondition::NoErrors => "a run without errors, or destruction where there are bad sectors",
            Precondition::NoHiddenArea => "a log that shows hidden areas absent or reset, or the operator's word for it (hidden_areas_absent)",
            Precondition::FullRange => "a run over every byte of the medium",
            Precondition::AllAreas => "the operator's word that every area was addressed (all_areas)",
            Precondition::Ce1 => {
                "proof that it was encrypted before its first use (encrypted_since_first_use); where nobody knows, another technique"
            }
            Precondition::Ce2 => "the strength of the key (key_bits), 128 or more",
            Precondition::Ce3 => "the operator's word that every copy of the keys is destroyed (keys_destroyed)",
            Precondition::Ce4 => {
                "proof that no key is kept elsewhere, as with Entra, Intune or a vault, or that it was deleted there too (no_keys_elsewhere)"
            }
            Precondition::Ce5 => "the module's FIPS 140 certificate (fips_cert)",
            Precondition::Ce6 | Precondition::VendorStatement => "the maker's statement for this model (vendor_statement)",
            Precondition::AccountRemoved => "removal from the accounts and from device management (account_removed)",
            Precondition::ConfigErased => "the erasure of configuration, certificates, SNMP strings and pre-shared keys (config_erased)",
            Precondition::Equipment => "the machine's name or number (equipment)",
            Precondition::FieldStrength => "the degausser's field and the medium's coercivity in oersted, the field at least as strong",
            Precondition::Calibration => "the day of the degausser's last calibration (calibrated_on)",
            Precondition::Particle => "the largest particle in tenths of a millimetre (particle_tenths_mm)",
            Precondition::Facility => "the licensed facility and its batch (facility, facility_batch)",
            Precondition::ShredAllowed => {
                "a verified purge before the shredding, the facility and batch where the shreds were melted or burned, the entry of the machine in the \
                 NSA's list with its particle size, or an approver's acceptance of the residual risk"
            }
            Precondition::Never => "another technique",
        }
    }
}

codes! {
    /// An answer where “unknown” counts as no.
    Known {
        Yes = "yes", "yes";
        No = "no", "no";
        Unknown = "unknown", "unknown";
    }
}

/// What the person who performs a sanitization states beside the evidence file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// It powers on. What does not cannot carry out any command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operational: Option<Known>,
    /// The command or machine finished without error, where no reader could tell from the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_without_error: Option<bool>,
    /// Hidden areas were looked for and are absent or reset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_areas_absent: Option<bool>,
    /// Every area was addressed: all namespaces, both parts of a hybrid disk, nothing unallocated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_areas: Option<bool>,
    /// CE-1: no data was stored before encryption was on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypted_since_first_use: Option<Known>,
    /// CE-2: security strength in bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_bits: Option<u32>,
    /// CE-3: all copies of the keys are accounted for and destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys_destroyed: Option<Known>,
    /// CE-4: no key is escrowed or backed up elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_keys_elsewhere: Option<Known>,
    /// CE-5: the FIPS 140 certificate of the module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fips_cert: Option<Reference>,
    /// CE-6, and wherever a rule rests on the maker's word: the maker's statement on how this model carries the command out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_statement: Option<Reference>,
    /// CE-7: what else is known of the erase, by names of the organisation's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ce_trace: BTreeMap<Reference, Reference>,
    /// Accounts and management enrolment were removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_removed: Option<bool>,
    /// Network equipment: configuration, certificates and shared secrets were erased too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_erased: Option<bool>,
    /// Shredder, disintegrator or degausser: the organisation's or maker's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equipment: Option<Reference>,
    /// The machine's entry in the NSA's lists of evaluated products.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epl_entry: Option<Reference>,
    /// The largest particle that this entry allows, in tenths of a millimetre.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epl_particle_tenths_mm: Option<u32>,
    /// Largest particle, in tenths of a millimetre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub particle_tenths_mm: Option<u32>,
    /// Field of the degausser, in oersted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_oersted: Option<u32>,
    /// Coercivity of the medium, in oersted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coercivity_oersted: Option<u32>,
    /// The day of the degausser's last calibration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated_on: Option<NaiveDate>,
    /// The licensed facility.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facility: Option<Reference>,
    /// The facility's batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facility_batch: Option<Reference>,
}

/// Most facts about one cryptographic erase; NIST SP 800-88r2 §3.2.5 has ten.
const MOST_TRACES: usize = 20;

impl Statement {
    /// Refuses figures that no machine and no key has, and a calibration that was still to come when the work was `done`.
    pub fn check(&self, done: Instant) -> Result<(), Refusal> {
        for (name, figure, most) in [
            ("key_bits", self.key_bits, 65_536),
            ("particle_tenths_mm", self.particle_tenths_mm, 100_000),
            ("epl_particle_tenths_mm", self.epl_particle_tenths_mm, 100_000),
            ("field_oersted", self.field_oersted, 1_000_000),
            ("coercivity_oersted", self.coercivity_oersted, 1_000_000),
        ] {
            if figure.is_some_and(|figure| figure == 0 || figure > most) {
                return Err(Refusal::new("policy.absurd_figure", format!("{name} lies between 1 and {most}; correct it or leave it out.")));
            }
        }
        if self.calibrated_on.is_some_and(|day| day > done.utc().date_naive()) {
            return Err(Refusal::new("policy.calibration", "calibrated_on lies after the work: give the day of the calibration before it."));
        }
        if self.ce_trace.len() > MOST_TRACES {
            return Err(Refusal::new("policy.ce_trace", format!("ce_trace holds at most {MOST_TRACES} facts; put the rest into the evidence file.")));
        }
        Ok(())
    }

    /// Whether it says so by itself. What the tool said, and whether shredding counts, it cannot say alone.
    pub(super) fn shows(&self, need: Precondition) -> bool {
        match need {
            Precondition::AllAreas => self.all_areas == Some(true),
            Precondition::Ce1 => self.encrypted_since_first_use == Some(Known::Yes),
            Precondition::Ce2 => self.key_bits.is_some_and(|bits| bits >= 128),
            Precondition::Ce3 => self.keys_destroyed == Some(Known::Yes),
            Precondition::Ce4 => self.no_keys_elsewhere == Some(Known::Yes),
            Precondition::Ce5 => self.fips_cert.is_some(),
            Precondition::Ce6 | Precondition::VendorStatement => self.vendor_statement.is_some(),
            Precondition::AccountRemoved => self.account_removed == Some(true),
            Precondition::ConfigErased => self.config_erased == Some(true),
            Precondition::Equipment => self.equipment.is_some(),
            Precondition::FieldStrength => {
                self.field_oersted.zip(self.coercivity_oersted).is_some_and(|(field, coercivity)| coercivity > 0 && field >= coercivity)
            }
            Precondition::Calibration => self.calibrated_on.is_some(),
            Precondition::Particle => self.particle_tenths_mm.is_some(),
            Precondition::Facility => self.facility.is_some() && self.facility_batch.is_some(),
            Precondition::ToolPass
            | Precondition::NoErrors
            | Precondition::NoHiddenArea
            | Precondition::FullRange
            | Precondition::ShredAllowed
            | Precondition::Never => false,
        }
    }

    /// Whether the machine is on the NSA's list and what came out is as small as the entry asks.
    pub(super) fn meets_listed_particle(&self) -> bool {
        self.epl_entry.is_some() && self.particle_tenths_mm.zip(self.epl_particle_tenths_mm).is_some_and(|(largest, allowed)| largest <= allowed)
    }

    /// The machine or facility that did it, as certificates name it.
    pub fn machine(&self) -> Option<String> {
        match (&self.equipment, &self.facility, &self.facility_batch) {
            (Some(equipment), ..) => Some(equipment.to_string()),
            (None, Some(facility), Some(batch)) => Some(format!("{facility}, batch {batch}")),
            (None, Some(facility), None) => Some(facility.to_string()),
            (None, None, _) => None,
        }
    }
}
