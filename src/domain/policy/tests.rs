//! Every cell of media × technique and of the decision table, every need of every rule, and every verdict in words (`verdicts.txt`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::verdict::{Least, Question, Shown};
use super::*;

fn digest() -> Digest {
    Digest::parse(&"0".repeat(64)).unwrap()
}
fn pack() -> Pack {
    Pack::parse(STARTER, digest()).unwrap()
}
fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

/// Somebody who can show everything.
fn all() -> Statement {
    Statement {
        operational: Some(Known::Yes),
        completed_without_error: Some(true),
        hidden_areas_absent: Some(true),
        all_areas: Some(true),
        encrypted_since_first_use: Some(Known::Yes),
        key_bits: Some(256),
        keys_destroyed: Some(Known::Yes),
        no_keys_elsewhere: Some(Known::Yes),
        fips_cert: Some(reference("FIPS-1")),
        vendor_statement: Some(reference("MAKER-1")),
        ce_trace: BTreeMap::from([(reference("kms"), reference("KMS-7"))]),
        account_removed: Some(true),
        config_erased: Some(true),
        equipment: Some(reference("SHRED-1")),
        epl_entry: None,
        epl_particle_tenths_mm: None,
        particle_tenths_mm: Some(20),
        field_oersted: Some(10_000),
        coercivity_oersted: Some(5_000),
        calibrated_on: NaiveDate::from_ymd_opt(2026, 1, 5),
        facility: Some(reference("SMELTER")),
        facility_batch: Some(reference("B-1")),
    }
}

/// The same without what shows one thing.
fn without(need: Precondition) -> Statement {
    let mut said = all();
    match need {
        Precondition::ToolPass | Precondition::NoErrors | Precondition::FullRange => said.completed_without_error = None,
        Precondition::NoHiddenArea => said.hidden_areas_absent = None,
        Precondition::AllAreas => said.all_areas = None,
        Precondition::Ce1 => said.encrypted_since_first_use = Some(Known::Unknown),
        Precondition::Ce2 => said.key_bits = Some(127),
        Precondition::Ce3 => said.keys_destroyed = Some(Known::Unknown),
        Precondition::Ce4 => said.no_keys_elsewhere = Some(Known::No),
        Precondition::Ce5 => said.fips_cert = None,
        Precondition::Ce6 | Precondition::VendorStatement => said.vendor_statement = None,
        Precondition::AccountRemoved => said.account_removed = Some(false),
        Precondition::ConfigErased => said.config_erased = None,
        Precondition::Equipment => said.equipment = None,
        Precondition::FieldStrength => said.coercivity_oersted = Some(10_001),
        Precondition::Calibration => said.calibrated_on = None,
        Precondition::Particle => said.particle_tenths_mm = None,
        Precondition::Facility | Precondition::ShredAllowed => said.facility_batch = None,
        Precondition::Never => {}
    }
    said
}

fn of(media_type: MediaType, technique: Technique, statement: &Statement) -> Circumstances<'_> {
    Circumstances {
        media_type,
        model: None,
        technique,
        sensitivity: Sensitivity::Moderate,
        reading: None,
        statement,
        purged_before: false,
        failed: Failed::Never,
        dead: false,
        risk_accepted: false,
    }
}

use Method::{Clear, Destroy, None as Nothing, Purge};

/// Every cell that is not empty, with everything shown: itad §2.2, row by row. What is not here reaches nothing.
const CELLS: &[(&str, &[(Method, &str)])] = &[
    ("host_overwrite", &[(Clear, "hdd_ata hdd_scsi sshd_hybrid ssd_sata ssd_sas ssd_nvme emmc ufs usb_flash memory_card tape mfp_embedded")]),
    ("ata_secure_erase", &[(Clear, "hdd_ata ssd_sata")]),
    ("ata_secure_erase_enhanced", &[(Purge, "hdd_ata"), (Clear, "ssd_sata")]),
    ("ata_sanitize_overwrite", &[(Purge, "hdd_ata sshd_hybrid"), (Clear, "ssd_sata")]),
    ("ata_sanitize_block", &[(Purge, "ssd_sata")]),
    ("ata_sanitize_crypto", &[(Purge, "hdd_ata ssd_sata sshd_hybrid")]),
    ("scsi_sanitize_overwrite", &[(Purge, "hdd_scsi")]),
    ("scsi_sanitize_block", &[(Purge, "ssd_sas")]),
    ("scsi_sanitize_crypto", &[(Purge, "hdd_scsi ssd_sas")]),
    ("tcg_revert", &[(Purge, "hdd_ata ssd_sata ssd_nvme hdd_scsi ssd_sas sshd_hybrid")]),
    ("psid_revert", &[(Purge, "ssd_nvme")]),
    ("nvme_write_zeroes", &[(Clear, "ssd_nvme")]),
    ("nvme_sanitize_overwrite", &[(Purge, "ssd_nvme")]),
    ("nvme_sanitize_block", &[(Purge, "ssd_nvme")]),
    ("nvme_sanitize_crypto", &[(Purge, "ssd_nvme")]),
    ("nvme_format", &[(Clear, "ssd_nvme")]),
    ("nvme_format_crypto", &[(Purge, "ssd_nvme")]),
    ("emmc_secure_erase", &[(Purge, "emmc")]),
    ("emmc_sanitize", &[(Purge, "emmc")]),
    ("ufs_purge", &[(Purge, "ufs")]),
    ("vendor_purge", &[(Purge, "nvram_network")]),
    ("key_deletion", &[(Purge, "tape")]),
    ("factory_reset", &[(Clear, "emmc ufs soldered_flash nvram_network mfp_embedded")]),
    ("powerwash_tpm_clear", &[(Clear, "emmc ufs soldered_flash")]),
    ("erase_all_content", &[(Clear, "emmc ufs soldered_flash")]),
    ("power_removal", &[(Clear, "volatile_ram")]),
    ("degauss", &[(Purge, "hdd_ata hdd_scsi tape")]),
    (
        "shred",
        &[(
            Destroy,
            "hdd_ata hdd_scsi sshd_hybrid floppy tape ssd_sata ssd_sas ssd_nvme emmc ufs soldered_flash memory_card usb_flash sim nvram_network mfp_embedded volatile_ram optical",
        )],
    ),
    (
        "pulverize",
        &[(
            Destroy,
            "hdd_ata hdd_scsi sshd_hybrid floppy ssd_sata ssd_sas ssd_nvme emmc ufs soldered_flash memory_card usb_flash sim nvram_network mfp_embedded volatile_ram",
        )],
    ),
    (
        "disintegrate",
        &[(
            Destroy,
            "hdd_ata hdd_scsi sshd_hybrid floppy ssd_sata ssd_sas ssd_nvme emmc ufs soldered_flash memory_card usb_flash sim nvram_network mfp_embedded volatile_ram optical",
        )],
    ),
    (
        "melt",
        &[(
            Destroy,
            "hdd_ata hdd_scsi sshd_hybrid floppy ssd_sata ssd_sas ssd_nvme emmc ufs soldered_flash memory_card usb_flash sim nvram_network mfp_embedded volatile_ram unknown",
        )],
    ),
    (
        "incinerate",
        &[(
            Destroy,
            "hdd_ata hdd_scsi sshd_hybrid floppy tape ssd_sata ssd_sas ssd_nvme emmc ufs soldered_flash memory_card usb_flash sim nvram_network mfp_embedded volatile_ram optical unknown",
        )],
    ),
    ("grind", &[(Destroy, "optical")]),
];

fn cell(media: MediaType, technique: Technique) -> Method {
    let row = CELLS.iter().find(|(name, _)| *name == technique.as_str()).map(|(_, cells)| *cells).unwrap_or_default();
    row.iter().find(|(_, media_types)| media_types.split(' ').any(|name| name == media.as_str())).map_or(Nothing, |(method, _)| *method)
}

#[test]
fn every_cell_of_media_and_technique() {
    let (pack, shown, nothing) = (pack(), all(), Statement::default());
    for (name, cells) in CELLS {
        assert!(
            Technique::parse(name).is_ok() && cells.iter().flat_map(|(_, media)| media.split(' ')).all(|media| MediaType::parse(media).is_ok()),
            "{name}"
        );
    }
    for technique in Technique::ALL {
        for media in MediaType::ALL {
            assert_eq!(pack.reached(&of(*media, *technique, &shown)).method, cell(*media, *technique), "{technique} on {media}");
            assert_eq!(pack.reached(&of(*media, *technique, &nothing)).method, Nothing, "{technique} on {media}, nothing shown");
        }
    }
}

#[test]
fn every_cell_of_the_decision_table() {
    let pack = pack();
    for (sensitivity, methods) in [
        (Sensitivity::Low, [Clear, Purge, Purge, Purge]),
        (Sensitivity::Moderate, [Clear, Purge, Purge, Destroy]),
        (Sensitivity::High, [Purge, Destroy, Destroy, Destroy]),
        (Sensitivity::Unknown, [Purge, Destroy, Destroy, Destroy]),
    ] {
        for (destination, method) in Destination::ALL.iter().zip(methods) {
            assert_eq!(pack.least(sensitivity, *destination), method, "{sensitivity} × {destination}");
        }
    }
}

#[test]
fn without_one_of_its_needs_no_rule_holds() {
    let pack = pack();
    for rule in &pack.rules {
        for media in &rule.media {
            for need in &rule.needs {
                let said = without(*need);
                let reached = pack.reached(&of(*media, rule.technique, &said));
                assert!(reached.method < rule.reaches, "{} on {media} without {need}", rule.id);
                let missed = reached.missed.unwrap();
                assert!(missed.rule == rule.id || missed.reaches > rule.reaches, "{}", rule.id);
                assert!(missed.needs.contains(need), "{} without {need}", rule.id);
            }
        }
    }
}

#[test]
fn nothing_is_reached_that_no_rule_says() {
    let pack = pack();
    let some: Vec<Statement> = Precondition::ALL.iter().map(|need| without(*need)).collect();
    for media in MediaType::ALL {
        for technique in Technique::ALL {
            for (statement, sensitivity) in some.iter().flat_map(|said| Sensitivity::ALL.iter().map(move |sensitivity| (said, *sensitivity))) {
                for flags in 0..16_u8 {
                    let [purged_before, failed_often, dead, risk_accepted] = [1, 2, 4, 8].map(|bit| flags & bit != 0);
                    let failed = if failed_often { Failed::Often } else { Failed::Never };
                    let of = Circumstances { sensitivity, purged_before, failed, dead, risk_accepted, ..of(*media, *technique, statement) };
                    let reached = pack.reached(&of);
                    let says = |rule: &&Rule| {
                        rule.id == reached.rule && rule.technique == *technique && rule.media.contains(media) && rule.reaches == reached.method
                    };
                    assert!(reached.method == Nothing || pack.rules.iter().any(|rule| says(&rule)), "{technique} on {media}");
                    assert!(!(failed_often && matches!(reached.method, Clear | Purge)), "P-5: {technique} on {media}");
                    assert!(
                        *technique != Technique::Unknown && (*media != MediaType::Unknown || technique.is_physical()) || reached.method == Nothing,
                        "P-1"
                    );
                }
            }
        }
    }
}

fn passed() -> Reading {
    Reading {
        technique: Technique::HostOverwrite,
        result: ToolResult::Pass,
        errors: 0,
        complete: true,
        hidden_area: HiddenArea::None,
        tool: Some("nwipe 0.42".to_owned()),
    }
}

#[test]
fn what_a_file_says_counts_more_than_what_is_stated() {
    let (pack, shown) = (pack(), all());
    let reached = |reading: &Reading, said: &Statement| {
        pack.reached(&Circumstances { reading: Some(reading), ..of(MediaType::HddAta, Technique::HostOverwrite, said) }).method
    };
    assert_eq!(reached(&passed(), &Statement::default()), Clear);
    for bad in [
        Reading { result: ToolResult::PassWithExceptions, ..passed() },
        Reading { result: ToolResult::Inconclusive, ..passed() },
        Reading { errors: 1, ..passed() },
        Reading { complete: false, ..passed() },
        Reading { hidden_area: HiddenArea::Found, ..passed() },
    ] {
        assert_eq!(reached(&bad, &shown), Nothing, "{bad:?}");
    }
    let unknown = Reading { hidden_area: HiddenArea::Unknown, ..passed() };
    assert_eq!((reached(&unknown, &Statement::default()), reached(&unknown, &shown)), (Nothing, Clear));
}

#[test]
fn missing_evidence_drops_to_the_next_lower_rule_and_an_erase_of_unknown_keys_to_nothing() {
    let pack = pack();
    let said = without(Precondition::VendorStatement);
    let reached = pack.reached(&of(MediaType::HddAta, Technique::AtaSecureEraseEnhanced, &said));
    assert_eq!((reached.method, reached.rule.as_str(), reached.missed.unwrap().rule.as_str()), (Clear, "SE-3", "SE-2"));
    for technique in [Technique::TcgRevert, Technique::NvmeSanitizeCrypto, Technique::NvmeFormatCrypto, Technique::PsidRevert] {
        let said = without(Precondition::Ce1);
        assert_eq!(pack.reached(&of(MediaType::SsdNvme, technique, &said)).method, Nothing, "{technique}");
    }
}

#[test]
fn shredding_counts_in_five_ways() {
    let pack = pack();
    let machine = Statement { equipment: Some(reference("SHRED-1")), particle_tenths_mm: Some(60), ..Statement::default() };
    let shredded = of(MediaType::SsdSata, Technique::Shred, &machine);
    let method = |of: Circumstances| pack.reached(&of).method;
    assert_eq!(method(shredded), Nothing);
    assert_eq!(method(Circumstances { sensitivity: Sensitivity::Low, ..shredded }), Destroy);
    assert_eq!(method(Circumstances { purged_before: true, ..shredded }), Destroy);
    assert_eq!(method(Circumstances { risk_accepted: true, ..shredded }), Destroy);
    let melted = Statement { facility: Some(reference("SMELTER")), facility_batch: Some(reference("B-1")), ..machine.clone() };
    assert_eq!(method(Circumstances { statement: &melted, ..shredded }), Destroy);
    let listed = |allowed: u32| Statement { epl_entry: Some(reference("EPL-9")), epl_particle_tenths_mm: Some(allowed), ..machine.clone() };
    for (allowed, expected) in [(20, Nothing), (60, Destroy)] {
        assert_eq!(method(Circumstances { statement: &listed(allowed), ..shredded }), expected);
    }
}

#[test]
fn what_does_not_power_on_carries_out_no_command() {
    let (pack, shown) = (pack(), all());
    let dead = Statement { operational: Some(Known::No), ..all() };
    for technique in Technique::ALL {
        for media in MediaType::ALL {
            let reached = pack.reached(&of(*media, *technique, &dead));
            assert!(!technique.is_logical() || reached.method == Nothing, "{technique} on {media}");
        }
    }
    let before = |statement| pack.reached(&Circumstances { dead: true, ..of(MediaType::SsdSata, Technique::AtaSanitizeBlock, statement) });
    let silent = Statement { operational: None, ..all() };
    assert_eq!(before(&silent).stopped, Some(Stopped::NotOperational));
    assert_eq!(before(&shown).method, Purge, "it turned out to power on");
}

/// A pack with an attestation, as an organisation would add one.
fn attesting(reaches: &str) -> String {
    let attestation = format!(
        "[[attestation]]\nid = \"AT-1\"\nmanufacturer = \"Lenovo\"\nmodel = \"300e*\"\ntechnique = \"factory_reset\"\nreaches = \"{reaches}\"\n\
         needs = [\"tool_pass\", \"account_removed\"]\nstated_by = \"Office of Technology\"\nstated_on = \"2026-08-01\"\nreference = \"MEMO-4\"\n\n"
    );
    STARTER.replacen("[[minimum]]", &format!("{attestation}[[minimum]]"), 1)
}

#[test]
fn an_attestation_for_a_model_makes_its_reset_a_purge_and_no_other() {
    let pack = Pack::parse(&attesting("purge"), digest()).unwrap();
    let shown = all();
    let reached = |manufacturer: &str, model: &str, said: &Statement| {
        let model = Some(ModelOf { manufacturer, model });
        pack.reached(&Circumstances { model, ..of(MediaType::Emmc, Technique::FactoryReset, said) })
    };
    let attested = reached("lenovo", "300e Chromebook Gen 3", &shown);
    assert_eq!((attested.method, attested.rule.as_str()), (Purge, "AT-1"));
    assert!(attested.basis.contains("Office of Technology") && attested.basis.contains("MEMO-4"), "{}", attested.basis);
    assert_eq!(reached("Lenovo", "100e", &shown).method, Clear);
    assert_eq!(reached("Dell", "300e", &shown).method, Clear);
    assert_eq!(reached("Lenovo", "300e", &without(Precondition::AccountRemoved)).method, Nothing);
    assert_eq!(Pack::parse(&attesting("destroy"), digest()).unwrap_err().code, "policy.rule");
    assert!(super::Pack::parse(STARTER, digest()).unwrap().attestations.is_empty(), "the starter attests nothing");
}

#[test]
fn a_pack_that_breaks_a_rule_across_all_media_is_refused() {
    let minimum = |text: &str, with: &str| STARTER.replacen(text, with, 1);
    for (broken, code) in [
        (
            minimum("sensitivity = \"low\"\ndestination = \"internal_reuse\"", "sensitivity = \"low\"\ndestination = \"disposal\""),
            "policy.incomplete",
        ),
        (
            minimum(
                "sensitivity = \"unknown\"\ndestination = \"disposal\"\nmethod = \"destroy\"",
                "sensitivity = \"unknown\"\ndestination = \"disposal\"\nmethod = \"purge\"",
            ),
            "policy.unknown_is_high",
        ),
        (minimum("id = \"OW-2\"", "id = \"OW-1\""), "policy.rule"),
        (minimum("technique = \"nvme_format\"", "technique = \"unknown\""), "policy.rule"),
        (minimum("needs = [\"tool_pass\", \"no_hidden_area\"]", "needs = [\"tool_pass\"]"), "policy.rule"),
        (minimum("technique = \"degauss\"\nreaches = \"purge\"", "technique = \"degauss\"\nreaches = \"destroy\""), "policy.rule"),
        ("name = 1".to_owned(), "policy.malformed"),
    ] {
        assert_ne!(broken, STARTER);
        assert_eq!(Pack::parse(&broken, digest()).unwrap_err().code, code);
    }
}

/// Every verdict: each rule when nothing is shown and when everything is, each rule across all media, and what is too little for where it goes.
fn verdicts() -> String {
    let (pack, nothing, shown) = (pack(), Statement::default(), all());
    let mut text = String::new();
    let mut say = |title: &str, sentences: &str| writeln!(text, "{title}\n    {sentences}\n").unwrap();
    for rule in &pack.rules {
        let media = *rule.media.first().unwrap();
        let title = format!("{} X1", media.label());
        for (how, statement) in [("nothing shown", &nothing), ("everything shown", &shown)] {
            let of = of(media, rule.technique, statement);
            say(&format!("{}, {how}", rule.id), &Question::of(&pack, &title, &of, Shown::Statement).answer(&pack.reached(&of)));
        }
    }
    let said = without(Precondition::VendorStatement);
    let dead = Statement { operational: Some(Known::No), ..all() };
    let moderate = |destination| Least { method: pack.least(Sensitivity::Moderate, destination), sensitivity: Sensitivity::Moderate, destination };
    let sold = Some(moderate(Destination::ExternalReuse));
    let nwipe = passed();
    let by_file = |media, technique| Circumstances { reading: Some(&nwipe), ..of(media, technique, &shown) };
    for (title, of, least) in [
        ("overwriting of an SSD, sold as a purge", by_file(MediaType::SsdSata, Technique::HostOverwrite), sold),
        ("overwriting of a disk, sold as a purge", by_file(MediaType::HddAta, Technique::HostOverwrite), sold),
        ("overwriting of a USB drive, sold as a purge", by_file(MediaType::UsbFlash, Technique::HostOverwrite), sold),
        ("powerwash of a Chromebook that is sold", of(MediaType::Emmc, Technique::FactoryReset, &shown), sold),
        ("enhanced erase without the maker's statement", of(MediaType::HddAta, Technique::AtaSecureEraseEnhanced, &said), sold),
        ("purge of what is thrown away", of(MediaType::SsdNvme, Technique::NvmeSanitizeBlock, &shown), Some(moderate(Destination::Disposal))),
        ("purge of what is sold", of(MediaType::SsdNvme, Technique::NvmeSanitizeBlock, &shown), sold),
        ("degaussing of an SSD", of(MediaType::SsdSata, Technique::Degauss, &shown), None),
        ("drilling", of(MediaType::HddAta, Technique::Damage, &shown), None),
        ("a technique that nobody knows", of(MediaType::Ufs, Technique::Unknown, &shown), None),
        ("storage that nobody has looked at", of(MediaType::Unknown, Technique::HostOverwrite, &shown), None),
        ("a drive that does not power on", of(MediaType::SsdSata, Technique::AtaSanitizeBlock, &dead), None),
        (
            "a disk whose degaussing failed, and is overwritten",
            Circumstances { failed: Failed::Once(Technique::Degauss), ..of(MediaType::HddAta, Technique::HostOverwrite, &shown) },
            None,
        ),
        (
            "a disk whose overwriting failed, and that is degaussed",
            Circumstances { failed: Failed::Once(Technique::HostOverwrite), ..of(MediaType::HddAta, Technique::Degauss, &shown) },
            None,
        ),
        ("a disk of which two attempts failed", Circumstances { failed: Failed::Often, ..of(MediaType::HddAta, Technique::Degauss, &shown) }, None),
    ] {
        let medium = format!("{} X1", of.media_type.label());
        let shown = if of.reading.is_some() { Shown::File(Some("nwipe 0.42")) } else { Shown::Statement };
        let question = Question { least, ..Question::of(&pack, &medium, &of, shown) };
        say(title, &question.answer(&pack.reached(&of)));
    }
    text
}

#[test]
fn every_verdict_in_words() {
    let verdicts = verdicts();
    assert!(verdicts == include_str!("verdicts.txt"), "verdicts.txt says something else; read what changed, and keep it there:\n{verdicts}");
    // What nothing is shown for, and what is too little for where it goes, is refused: each rule is named in one of them.
    let refusals: Vec<&str> = verdicts.split("\n\n").filter(|block| block.contains("Ask for") || block.contains("ask for")).collect();
    for rule in &pack().rules {
        let named = [format!("By rule {} of", rule.id), format!("(rule {} of", rule.id)];
        assert!(refusals.iter().any(|refusal| named.iter().any(|name| refusal.contains(name))), "{}", rule.id);
    }
    for principle in ["P-1", "P-5"] {
        assert!(verdicts.contains(principle));
    }
    for word in ["nothing)", "(nothing"] {
        assert!(!verdicts.contains(word), "{word}");
    }
}

#[test]
fn every_need_has_its_own_words() {
    let labels: BTreeSet<_> = Precondition::ALL.iter().map(|need| need.label()).collect();
    assert_eq!(labels.len(), Precondition::ALL.len());
}
