//! The policy: which method a technique reaches on which medium under which conditions, and which method is the least for a destination.
//! A pack is versioned data (`policy/*.toml`) with the basis of each rule; nothing is reached that no rule says.

use serde::{Deserialize, Serialize};

use super::disposition::Destination;
use super::evidence::{HiddenArea, Reading, ToolResult};
use super::names::{Digest, MediaType, Method, Reference, Sensitivity, Technique, codes};
use super::refusal::Refusal;

/// The starter pack that ships with the product; it is nobody's policy until an organisation adopts it.
pub const STARTER: &str = include_str!("policy/us-k12-starter.toml");

codes! {
    /// What must be shown before a rule counts.
    Precondition {
        ToolPass = "tool_pass", "the tool says that it completed without error";
        NoErrors = "no_errors", "no write, verify or sync errors";
        NoHiddenArea = "no_hidden_area", "hidden areas (HPA, DCO) are absent or were reset";
        FullRange = "full_range", "every byte of the medium was covered";
        KeysSound = "keys_sound", "cryptographic erase: encrypted since it was first used, 128 bits or more, every key copy destroyed, no keys kept elsewhere";
        AccountRemoved = "account_removed", "accounts and management enrolment were removed";
        Equipment = "equipment", "the machine that was used is named";
        FieldStrength = "field_strength", "the degausser's field is stated and reaches the medium's coercivity";
        Facility = "facility", "the licensed facility and its batch are named";
        ShredAllowed = "shred_allowed", "the data was of low sensitivity, or the same medium was purged and verified before";
        Never = "never", "nothing: this technique does not sanitize this medium";
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
    /// The command or machine finished without error, where no reader could tell from the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_without_error: Option<bool>,
    /// Hidden areas were looked for and are absent or reset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_areas_absent: Option<bool>,
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
    /// Accounts and management enrolment were removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_removed: Option<bool>,
    /// Shredder, disintegrator or degausser: the organisation's or maker's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equipment: Option<Reference>,
    /// Largest particle, in tenths of a millimetre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub particle_tenths_mm: Option<u32>,
    /// Field of the degausser, in oersted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_oersted: Option<u32>,
    /// Coercivity of the medium, in oersted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coercivity_oersted: Option<u32>,
    /// The licensed facility.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facility: Option<Reference>,
    /// The facility's batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facility_batch: Option<Reference>,
}

impl Statement {
    /// Refuses figures that no machine and no key has.
    pub fn check(&self) -> Result<(), Refusal> {
        for (name, figure, most) in [
            ("key_bits", self.key_bits, 65_536),
            ("particle_tenths_mm", self.particle_tenths_mm, 100_000),
            ("field_oersted", self.field_oersted, 1_000_000),
            ("coercivity_oersted", self.coercivity_oersted, 1_000_000),
        ] {
            if figure.is_some_and(|figure| figure == 0 || figure > most) {
                return Err(Refusal::new("policy.absurd_figure", format!("{name} lies between 1 and {most}; correct it or leave it out.")));
            }
        }
        Ok(())
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

/// One row of the table media × technique.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name in the pack.
    pub id: String,
    /// The media it is about.
    pub media: Vec<MediaType>,
    /// The technique.
    pub technique: Technique,
    /// The method reached when every need is met.
    pub reaches: Method,
    /// What must be shown.
    #[serde(default)]
    pub needs: Vec<Precondition>,
    /// Where the rule comes from.
    pub basis: String,
}

/// One row of the decision table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Minimum {
    /// How confidential the data is.
    pub sensitivity: Sensitivity,
    /// Where the device goes.
    pub destination: Destination,
    /// The least method.
    pub method: Method,
    /// Where the row comes from.
    pub basis: String,
}

/// A versioned policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its text.
    pub digest: Digest,
    /// The table media × technique, strongest rule of a pair first.
    pub rules: Vec<Rule>,
    /// The decision table.
    pub minimum: Vec<Minimum>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackFile {
    name: String,
    version: String,
    rule: Vec<Rule>,
    minimum: Vec<Minimum>,
}

/// A pack's identity, as events and certificates carry it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackRef {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its text.
    pub sha256: Digest,
}

/// What is known about one sanitization when it is judged.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The medium's type.
    pub media_type: MediaType,
    /// The technique.
    pub technique: Technique,
    /// How confidential the data is.
    pub sensitivity: Sensitivity,
    /// What a reader found in the evidence file about this medium.
    pub reading: Option<&'a Reading>,
    /// What the person states.
    pub statement: &'a Statement,
    /// The same data was purged and verified before.
    pub purged_before: bool,
}

/// What a sanitization comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The method; `none` where no rule holds.
    pub method: Method,
    /// The rule that says so.
    pub rule: String,
    /// Its basis.
    pub basis: String,
    /// What kept the strongest rule from holding.
    pub missing: Vec<Precondition>,
}

impl Pack {
    /// Reads a pack. `digest` is the SHA-256 of `text`.
    pub fn parse(text: &str, digest: Digest) -> Result<Self, Refusal> {
        let file: PackFile = toml::from_str(text).map_err(|e| Refusal::new("policy.malformed", format!("The policy pack cannot be read: {e}")))?;
        for sensitivity in Sensitivity::ALL {
            for destination in Destination::ALL {
                let rows = file.minimum.iter().filter(|row| row.sensitivity == *sensitivity && row.destination == *destination).count();
                if rows != 1 {
                    return Err(Refusal::new(
                        "policy.incomplete",
                        format!("The decision table has {rows} rows for {sensitivity} × {destination}; it needs exactly one."),
                    ));
                }
            }
        }
        Ok(Self { name: file.name, version: file.version, digest, rules: file.rule, minimum: file.minimum })
    }

    /// Its identity.
    pub fn reference(&self) -> PackRef {
        PackRef { name: self.name.clone(), version: self.version.clone(), sha256: self.digest.clone() }
    }

    /// The least method for data of this sensitivity that goes there.
    pub fn least(&self, sensitivity: Sensitivity, destination: Destination) -> Method {
        self.minimum.iter().find(|row| row.sensitivity == sensitivity && row.destination == destination).map_or(Method::Destroy, |row| row.method)
    }

    /// What a sanitization comes to: the strongest rule whose needs are all met. An unknown technique or medium reaches nothing.
    pub fn reached(&self, of: &Circumstances) -> Reached {
        let mut rules: Vec<&Rule> = self.rules.iter().filter(|rule| rule.technique == of.technique && rule.media.contains(&of.media_type)).collect();
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.reaches));
        let mut first_missing = None;
        for rule in &rules {
            let missing: Vec<Precondition> = rule.needs.iter().copied().filter(|need| !of.meets(*need)).collect();
            if missing.is_empty() {
                return Reached {
                    method: rule.reaches,
                    rule: rule.id.clone(),
                    basis: rule.basis.clone(),
                    missing: first_missing.unwrap_or_default(),
                };
            }
            first_missing.get_or_insert(missing);
        }
        Reached {
            method: Method::None,
            rule: "none".to_owned(),
            basis: String::new(),
            missing: first_missing.unwrap_or_else(|| vec![Precondition::Never]),
        }
    }
}

impl Circumstances<'_> {
    fn meets(&self, need: Precondition) -> bool {
        let stated = self.statement;
        match (need, self.reading) {
            (Precondition::ToolPass, Some(reading)) => reading.result == ToolResult::Pass,
            (Precondition::ToolPass, None) => stated.completed_without_error == Some(true),
            (Precondition::NoErrors, Some(reading)) => reading.errors == 0,
            (Precondition::NoErrors, None) => stated.completed_without_error == Some(true),
            (Precondition::NoHiddenArea, Some(reading)) => {
                reading.hidden_area == HiddenArea::None || (reading.hidden_area == HiddenArea::Unknown && stated.hidden_areas_absent == Some(true))
            }
            (Precondition::NoHiddenArea, None) => stated.hidden_areas_absent == Some(true),
            (Precondition::FullRange, Some(reading)) => reading.complete,
            (Precondition::FullRange, None) => stated.completed_without_error == Some(true),
            (Precondition::KeysSound, _) => {
                stated.encrypted_since_first_use == Some(Known::Yes)
                    && stated.key_bits.is_some_and(|bits| bits >= 128)
                    && stated.keys_destroyed == Some(Known::Yes)
                    && stated.no_keys_elsewhere == Some(Known::Yes)
            }
            (Precondition::AccountRemoved, _) => stated.account_removed == Some(true),
            (Precondition::Equipment, _) => stated.equipment.is_some(),
            (Precondition::FieldStrength, _) => {
                stated.field_oersted.zip(stated.coercivity_oersted).is_some_and(|(field, coercivity)| coercivity > 0 && field >= coercivity)
            }
            (Precondition::Facility, _) => stated.facility.is_some() && stated.facility_batch.is_some(),
            (Precondition::ShredAllowed, _) => self.sensitivity == Sensitivity::Low || self.purged_before,
            (Precondition::Never, _) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack() -> Pack {
        Pack::parse(STARTER, Digest::parse(&"0".repeat(64)).unwrap()).unwrap()
    }
    fn passed() -> Reading {
        Reading {
            technique: Technique::HostOverwrite,
            result: ToolResult::Pass,
            errors: 0,
            complete: true,
            hidden_area: HiddenArea::None,
            tool: None,
        }
    }
    fn reached(
        media_type: MediaType,
        technique: Technique,
        reading: Option<&Reading>,
        statement: &Statement,
        sensitivity: Sensitivity,
        purged_before: bool,
    ) -> Method {
        pack().reached(&Circumstances { media_type, technique, sensitivity, reading, statement, purged_before }).method
    }

    #[test]
    fn nothing_is_reached_that_no_rule_says() {
        let all = Statement {
            completed_without_error: Some(true),
            hidden_areas_absent: Some(true),
            encrypted_since_first_use: Some(Known::Yes),
            key_bits: Some(256),
            keys_destroyed: Some(Known::Yes),
            no_keys_elsewhere: Some(Known::Yes),
            account_removed: Some(true),
            equipment: Some(Reference::parse("SHRED-1").unwrap()),
            particle_tenths_mm: Some(20),
            field_oersted: Some(10_000),
            coercivity_oersted: Some(5_000),
            facility: Some(Reference::parse("SMELTER").unwrap()),
            facility_batch: Some(Reference::parse("B-1").unwrap()),
        };
        let clear = Method::Clear;
        let (purge, destroy, none) = (Method::Purge, Method::Destroy, Method::None);
        // Every cell of the table, everything shown, moderate sensitivity: HDD, SATA SSD, NVMe, eMMC.
        for (technique, expected) in [
            (Technique::HostOverwrite, [clear, clear, clear, clear]),
            (Technique::AtaSecureErase, [clear, clear, none, none]),
            (Technique::AtaSecureEraseEnhanced, [purge, clear, none, none]),
            (Technique::AtaSanitizeOverwrite, [purge, clear, none, none]),
            (Technique::AtaSanitizeBlock, [none, purge, none, none]),
            (Technique::AtaSanitizeCrypto, [purge, purge, none, none]),
            (Technique::TcgRevert, [purge, purge, purge, none]),
            (Technique::NvmeSanitizeOverwrite, [none, none, purge, none]),
            (Technique::NvmeSanitizeBlock, [none, none, purge, none]),
            (Technique::NvmeSanitizeCrypto, [none, none, purge, none]),
            (Technique::NvmeFormat, [none, none, clear, none]),
            (Technique::NvmeFormatCrypto, [none, none, purge, none]),
            (Technique::FactoryReset, [none, none, none, clear]),
            (Technique::Degauss, [purge, none, none, none]),
            (Technique::Shred, [none, none, none, none]),
            (Technique::Pulverize, [none, none, none, none]),
            (Technique::Disintegrate, [destroy, destroy, destroy, destroy]),
            (Technique::Melt, [destroy, destroy, destroy, destroy]),
            (Technique::Incinerate, [destroy, destroy, destroy, destroy]),
            (Technique::Damage, [none, none, none, none]),
            (Technique::Unknown, [none, none, none, none]),
        ] {
            for (media, expected) in [MediaType::HddAta, MediaType::SsdSata, MediaType::SsdNvme, MediaType::Emmc].into_iter().zip(expected) {
                assert_eq!(reached(media, technique, None, &all, Sensitivity::Moderate, false), expected, "{technique} on {media}");
            }
            let on_unknown = reached(MediaType::Unknown, technique, None, &all, Sensitivity::Moderate, false);
            let expected = if matches!(technique, Technique::Melt | Technique::Incinerate) { destroy } else { none };
            assert_eq!(on_unknown, expected, "{technique} on unknown media");
        }
    }

    #[test]
    fn a_precondition_that_is_not_shown_lowers_the_method() {
        let none = Statement::default();
        let good = passed();
        assert_eq!(reached(MediaType::HddAta, Technique::HostOverwrite, Some(&good), &none, Sensitivity::Moderate, false), Method::Clear);
        for bad in [
            Reading { result: ToolResult::PassWithExceptions, ..passed() },
            Reading { result: ToolResult::Inconclusive, ..passed() },
            Reading { errors: 1, ..passed() },
            Reading { complete: false, ..passed() },
            Reading { hidden_area: HiddenArea::Found, ..passed() },
            Reading { hidden_area: HiddenArea::Unknown, ..passed() },
        ] {
            assert_eq!(
                reached(MediaType::HddAta, Technique::HostOverwrite, Some(&bad), &none, Sensitivity::Moderate, false),
                Method::None,
                "{bad:?}"
            );
        }
        let unsure = Statement { encrypted_since_first_use: Some(Known::Unknown), completed_without_error: Some(true), ..Statement::default() };
        assert_eq!(reached(MediaType::SsdNvme, Technique::NvmeSanitizeCrypto, None, &unsure, Sensitivity::Low, false), Method::None);
    }

    #[test]
    fn shredding_destroys_only_low_data_or_what_was_purged_before() {
        let machine = Statement { equipment: Some(Reference::parse("SHRED-1").unwrap()), ..Statement::default() };
        assert_eq!(reached(MediaType::HddAta, Technique::Shred, None, &machine, Sensitivity::Low, false), Method::Destroy);
        assert_eq!(reached(MediaType::HddAta, Technique::Shred, None, &machine, Sensitivity::High, false), Method::None);
        assert_eq!(reached(MediaType::HddAta, Technique::Shred, None, &machine, Sensitivity::High, true), Method::Destroy);
        assert_eq!(reached(MediaType::HddAta, Technique::Shred, None, &Statement::default(), Sensitivity::Low, false), Method::None);
    }

    #[test]
    fn unknown_sensitivity_is_treated_as_high() {
        let pack = pack();
        for destination in Destination::ALL {
            assert_eq!(pack.least(Sensitivity::Unknown, *destination), pack.least(Sensitivity::High, *destination));
        }
        assert_eq!(pack.least(Sensitivity::Moderate, Destination::ExternalReuse), Method::Purge);
        assert_eq!(pack.least(Sensitivity::Moderate, Destination::InternalReuse), Method::Clear);
    }

    #[test]
    fn a_pack_with_a_hole_in_the_decision_table_is_refused() {
        let holed =
            STARTER.replacen("sensitivity = \"low\"\ndestination = \"internal_reuse\"", "sensitivity = \"low\"\ndestination = \"external_reuse\"", 1);
        assert_ne!(holed, STARTER);
        assert_eq!(Pack::parse(&holed, Digest::parse(&"0".repeat(64)).unwrap()).unwrap_err().code, "policy.incomplete");
    }
}
