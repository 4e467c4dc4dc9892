//! Certificates as documents: the credential's shape, the pages' words, and what other people's programs find in the file.
#![cfg(feature = "service")]
// Clippy exempts functions marked as tests, not the ones that they share.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "documents/papers.rs"]
mod papers;
mod programs;

use programs::{contexts, have, have_node_modules, interop, run};
use quittance::documents::certificate_credential::*;
use quittance::documents::certificate_pdf::{Inputs, TEMPLATE, render};
use quittance::documents::{NotDrawable, context::context};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;

const URL: &str = "https://itad.northstreet.example";
const STATUS_LIST: &str = "uH4sIAAAAAAAC_-3AMQEAAADCoPVPbQwfKAAAAAAAAAAAAAAAAAAAAOBthtJUqwBAAAA";

fn person(n: u8, name: &str, title: &str, party: &str, at: &str) -> Person {
    Person {
        id: format!("urn:uuid:5b1f1c3e-6a51-4f0e-9a6e-9d5f3f0c2b{n:02}"),
        name: name.into(),
        title: Some(title.into()),
        party: party.into(),
        location: Some("Dayton, Ohio".into()),
        at: at.into(),
        recorded: Some("recorded as stated, signed in with a passkey".into()),
    }
}

fn medium(n: u8, serial: &str, storage: &str, bytes: u64, method: &str, technique: &str) -> Medium {
    Medium {
        id: format!("urn:uuid:0b7c3a52-41f6-4b1c-8b6e-0f4f6f7f2a{n:02}"),
        identified_by: "own_serial".into(),
        serial_number: serial.into(),
        model: Some("Samsung PM9A1".into()),
        storage_type: storage.into(),
        capacity_bytes: Some(bytes),
        required_method: "purge".into(),
        sanitization: Sanitization {
            method: method.into(),
            technique: technique.into(),
            tool: Some("nvme-cli".into()),
            tool_version: Some("2.11".into()),
            completed_at: "2026-11-20T15:31:02Z".into(),
            result: "pass".into(),
            verification: "full".into(),
            verification_words: "full read of the medium".into(),
            evidence_sha256: Some("9b74c9897bac770ffc029102a200c5de7a3c2a8e6d1a4b1e1f0a0b8c2d4e6f80".into()),
            rule: "flash-purge-sanitize".into(),
            basis: "NIST SP 800-88r2 §3.1.2, purge by a sanitize command of the device".into(),
            residual_risk: None,
            ledger_index: 40 + u64::from(n),
        },
        destination: Some("reuse outside the organisation".into()),
    }
}

fn laptop() -> CertificateFacts {
    let mut disk = medium(2, "WD-WX00A0000001", "hdd_ata", 1_000_204_886_016, "purge", "ata_sanitize_overwrite");
    disk.model = Some("WDC WD10SPZX".into());
    disk.sanitization.tool = Some("hdparm".into());
    disk.sanitization.tool_version = Some("9.65".into());
    disk.sanitization.rule = "magnetic-purge-sanitize".into();
    disk.sanitization.verification_words = "10 % sample, pseudorandom places".into();
    CertificateFacts {
        public_url: URL.into(),
        number: "NSD-2026-7K4Q-XM2R".into(),
        kind: Kind::Sanitization,
        issuer: Issuer { did: "did:web:itad.northstreet.example".into(), name: "North Street School District".into() },
        valid_from: "2026-11-23T11:05:00Z".into(),
        supersedes: None,
        device: Device {
            id: "urn:uuid:0b7c3a52-41f6-4b1c-8b6e-0f4f6f7f1a01".into(),
            asset_tag: "NSD-77120".into(),
            serial_number: Some("5CG9482KQ7".into()),
            category: "laptop".into(),
            manufacturer: "HP".into(),
            model: "EliteBook 840 G6".into(),
            site: Some("Lincoln High School".into()),
            sensitivity: "moderate".into(),
            condition: Some("operational".into()),
        },
        media: vec![medium(1, "S5GXNX0T123456", "ssd_nvme", 512_110_190_592, "purge", "nvme_sanitize_crypto"), disk],
        no_storage: None,
        custody: Custody {
            handoffs: vec![
                Handoff {
                    from: "North Street School District, Lincoln High School".into(),
                    to: "North Street School District, warehouse".into(),
                    released_at: "2026-11-12T14:02:00Z".into(),
                    received_at: "2026-11-12T15:20:00Z".into(),
                    consignment_id: "urn:uuid:7d3b7c52-41f6-4b1c-8b6e-0f4f6f7f1a01".into(),
                    consignment: "C-2026-031".into(),
                    ledger_indexes: vec![12, 15],
                    receipt: None,
                },
                Handoff {
                    from: "North Street School District, warehouse".into(),
                    to: "North River Recycling, Dayton".into(),
                    released_at: "2026-11-18T13:00:00Z".into(),
                    received_at: "2026-11-18T19:44:00Z".into(),
                    consignment_id: "urn:uuid:7d3b7c52-41f6-4b1c-8b6e-0f4f6f7f1a02".into(),
                    consignment: "P-2026-036".into(),
                    ledger_indexes: vec![23, 31],
                    receipt: None,
                },
            ],
            longest_interval_hours: 142,
            longest_interval_between: Some("receipt at the warehouse and release to North River Recycling".into()),
        },
        disposition: Some(Disposition {
            outcome: "resold".into(),
            outcome_words: "sold for reuse".into(),
            weight_grams: 1_480,
            weight_basis: "spec".into(),
            recovered_grams: None,
            energy_grams: None,
            landfill_grams: None,
            processor: "North River Recycling, Dayton".into(),
            recorded_at: "2026-11-22T09:10:00Z".into(),
            ledger_index: 49,
        }),
        people: People {
            performed_and_reported_by: vec![person(1, "Dana Reyes", "Sanitization technician", "North River Recycling", "2026-11-20T15:40:00Z")],
            verified_by: vec![person(2, "Łukasz Nowak", "Quality lead", "North River Recycling", "2026-11-20T17:05:00Z")],
            accepted_by: Some(person(3, "Maria Okafor", "Director of Technology", "North Street School District", "2026-11-23T10:58:00Z")),
            record_kept_by: "North Street School District".into(),
        },
        policy: Policy {
            name: "US K-12 starter pack".into(),
            version: "2026.1".into(),
            digest: "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945".into(),
            adoption: Some(Adoption { on: "2026-08-12".into(), reference: "board resolution 2026-114".into() }),
        },
        evidence: [
            (3, "asset.registered"),
            (12, "consignment.released"),
            (15, "consignment.received"),
            (41, "media.sanitized"),
            (42, "media.sanitized"),
            (46, "media.verified"),
        ]
        .map(|(index, event)| CitedEntry {
            event: event.into(),
            ledger_origin: "itad.northstreet.example/ledger".into(),
            ledger_index: index,
            leaf_hash: "2c9cf16a0d1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f607182cd51f7".into(),
            digest_multibase: "zQmbrPosZgMzQxcGxoxq7CJG7A3RSTb3dzDRTLbnAFe3gWi".into(),
        })
        .to_vec(),
        status: StatusEntry { list_url: format!("{URL}/status/1"), index: 94_567 },
    }
}

fn chromebook() -> CertificateFacts {
    let mut facts = laptop();
    facts.number = "NSD-2026-9F2C-T6WD".into();
    facts.supersedes = Some("NSD-2026-1A2B-3C4D".into());
    facts.device = Device {
        asset_tag: "NSD-40417".into(),
        serial_number: Some("NXHKEAA0070123".into()),
        category: "chromebook".into(),
        manufacturer: "Acer".into(),
        model: "Chromebook 311 (C722)".into(),
        sensitivity: "unknown".into(),
        condition: None,
        ..facts.device
    };
    let mut embedded = medium(3, "NXHKEAA0070123", "emmc", 31_268_536_320, "clear", "factory_reset");
    embedded.identified_by = "host_serial".into();
    embedded.model = None;
    embedded.required_method = "clear".into();
    embedded.sanitization.tool = None;
    embedded.sanitization.tool_version = None;
    embedded.sanitization.evidence_sha256 = None;
    embedded.sanitization.residual_risk = Some("flash blocks that the controller has retired are not reached; accepted for low sensitivity".into());
    facts.media = vec![embedded];
    facts.policy.adoption = None;
    facts.disposition = None;
    facts
}

fn monitor() -> CertificateFacts {
    let mut facts = laptop();
    facts.number = "NSD-2026-C0DE-22PK".into();
    facts.kind = Kind::Recycling;
    facts.device.category = "monitor".into();
    facts.device.manufacturer = "Dell".into();
    facts.device.model = "P2419H".into();
    facts.device.asset_tag = "NSD-10233".into();
    facts.device.serial_number = None;
    facts.device.sensitivity = "low".into();
    facts.device.condition = Some("damaged".into());
    facts.media.clear();
    facts.no_storage = Some(NoStorage {
        attested_by: person(1, "Dana Reyes", "Sanitization technician", "North River Recycling", "2026-11-20T15:40:00Z"),
        basis: "model catalogue 2026.2: Dell P2419H holds no data storage".into(),
        ledger_index: 44,
    });
    facts.people.verified_by.clear();
    facts.disposition = Some(Disposition {
        outcome: "recycled".into(),
        outcome_words: "material recovery by a processor".into(),
        weight_grams: 5_310,
        weight_basis: "scale".into(),
        recovered_grams: Some(4_720),
        energy_grams: Some(310),
        landfill_grams: Some(280),
        processor: "Great Lakes Metals and Polymers, Toledo".into(),
        recorded_at: "2026-11-22T09:10:00Z".into(),
        ledger_index: 49,
    });
    facts
}

/// Twelve media, long names, characters that the typeface lacks, several performers.
fn server() -> CertificateFacts {
    let mut facts = laptop();
    facts.number = "NSD-2026-LONG-12MD".into();
    facts.kind = Kind::Destruction;
    facts.issuer.name = "Unified Regional Educational Service Agency of the Greater Northern Lakes and River Counties".into();
    facts.device.category = "server".into();
    facts.device.manufacturer = "Hewlett Packard Enterprise Development Limited Partnership".into();
    facts.device.model = "ProLiant DL380 Gen10 8SFF Configure-to-order 田中".into();
    facts.device.sensitivity = "high".into();
    facts.media = (1..=12)
        .map(|n| {
            let mut m = medium(n, &format!("ZC1{n:02}XJ9KQ7LONGSERIALNUMBER{n:02}"), "ssd_sata", 3_840_755_982_336, "destroy", "shred");
            m.model = Some("INTEL SSDSC2KG038T8R Data Center Series".into());
            m.required_method = "destroy".into();
            m.sanitization.tool = Some("Untha RS40 shredder, 6 mm screen".into());
            m.sanitization.tool_version = Some("calibrated 2026-10-01".into());
            m.sanitization.verification_words = "inspection of the output, particle size measured".into();
            m.destination = Some("recycling facility".into());
            m
        })
        .collect();
    facts.people.performed_and_reported_by.push(person(
        4,
        "Maximiliane-Konstanze von und zu Hohenstein-Wetterberg",
        "Deputy supervisor of media destruction",
        "North River Recycling",
        "2026-11-20T16:40:00Z",
    ));
    facts.custody.longest_interval_hours = 1;
    facts
}

/// The bytes from which pages are drawn: the body with a proof beside it, an entry, its proof, a status list.
struct Parts {
    credential: Vec<u8>,
    entry: Vec<u8>,
    tlog_proof: Vec<u8>,
    status: Vec<u8>,
    further: Vec<(String, Vec<u8>)>,
}

fn proof_member(context: &Value, key: &str) -> Value {
    json!({"@context": context, "type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022", "created": "2026-11-23T11:05:00Z",
           "verificationMethod": format!("did:web:itad.northstreet.example#{key}-2026"), "proofPurpose": "assertionMethod",
           "proofValue": "z5S2WzJHdEiWfABmjqfn9xq63WZ8Dfveb5h62oSzHJJkcYm9Wq5EHZQb17ihJXNc28rRVMnMkc2Hk3UJKNv1KTNmt"})
}

fn entry(seq: u64, event: &str, subjects: Value, batch: Option<Value>) -> Value {
    let context = json!(["https://w3id.org/security/data-integrity/v2", format!("{URL}/ns/quittance/v1")]);
    let mut entry = json!({
        "@context": context, "type": "LedgerEntry", "v": 1, "log": "itad.northstreet.example/ledger", "seq": seq,
        "prev": "fa41b7c60d1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f607182cb6413", "time": "2026-11-23T11:05:00.010Z", "occurred": "2026-11-23T11:05:00.000Z",
        "event": event, "actor": {"id": "urn:uuid:5b1f1c3e-6a51-4f0e-9a6e-9d5f3f0c2b11", "role": "approver", "party": "urn:uuid:5b1f1c3e-6a51-4f0e-9a6e-9d5f3f0c2b12"},
        "subjects": subjects, "data": {"v": 1, "sha256": "9b74c9897bac770ffc029102a200c5de7a3c2a8e6d1a4b1e1f0a0b8c2d4e6f80", "anything": [1, {"undefined": true}]},
        "proof": proof_member(&context, "entry"),
    });
    if let Some(batch) = batch {
        entry["batch"] = batch;
    }
    entry
}

fn parts(facts: &CertificateFacts) -> Parts {
    let mut credential = body(facts);
    credential["proof"] = proof_member(&credential["@context"].clone(), "issuer");
    let issued = entry(57, "certificate.issued", json!([{"id": format!("{URL}/certificates/{}", facts.number), "type": "Certificate"}]), None);
    let context = json!(["https://www.w3.org/ns/credentials/v2"]);
    let status = json!({
        "@context": context, "id": format!("{URL}/status/1"), "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": {"id": "did:web:itad.northstreet.example", "name": facts.issuer.name}, "validFrom": "2026-11-23T11:05:00Z",
        "credentialSubject": {"id": format!("{URL}/status/1#list"), "type": "BitstringStatusList", "statusPurpose": "revocation", "encodedList": STATUS_LIST},
        "proof": proof_member(&context, "issuer"),
    });
    let tlog_proof = "c2sp.org/tlog-proof@v1\nindex 57\nqq70ZyKpmnvQzkbujRElPODJDdY92krnOOPjqoT/U9M=\n\nitad.northstreet.example/ledger\n64\n\
        3o9uNZTX/GgXaoSx43r3bDD0lFwVOF581xqYoWq4p3I=\n\n— itad.northstreet.example/ledger e2fr5rKMk2xpw5pMqYOmljxkwP3fzAP5lzwg4qtaB0ionzlOugYo\n";
    Parts {
        credential: credential.to_string().into_bytes(),
        entry: issued.to_string().into_bytes(),
        tlog_proof: tlog_proof.as_bytes().to_vec(),
        status: status.to_string().into_bytes(),
        further: vec![
            ("entries-41.json".into(), entry(41, "media.sanitized", json!([]), None).to_string().into_bytes()),
            ("entries-41.tlog-proof".into(), tlog_proof.into()),
        ],
    }
}

impl Parts {
    fn inputs(&self) -> Inputs<'_> {
        Inputs { credential: &self.credential, entry: &self.entry, tlog_proof: &self.tlog_proof, status: &self.status, further: &self.further }
    }
}

/// A folder of this test's own, kept so that the pages can be looked at.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("documents").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn drawn(name: &str, facts: &CertificateFacts) -> (Parts, Vec<u8>, String) {
    let parts = parts(facts);
    let bytes = render(&parts.inputs()).unwrap();
    let path = folder(name).join("certificate.pdf");
    std::fs::write(&path, &bytes).unwrap();
    (parts, bytes, path.to_string_lossy().into_owned())
}

#[test]
fn body_has_the_agreed_shape() {
    let body = body(&laptop());
    assert_eq!(body["@context"], json!(["https://www.w3.org/ns/credentials/v2", format!("{URL}/ns/quittance/v1")]));
    assert_eq!(body["id"], format!("{URL}/certificates/NSD-2026-7K4Q-XM2R"));
    assert_eq!(body["type"], json!(["VerifiableCredential", "CertificateOfSanitization"]));
    assert_eq!(body["name"], "Certificate of Sanitization NSD-2026-7K4Q-XM2R");
    assert_eq!(
        body["credentialSubject"]["media"][0],
        json!({
            "id": "urn:uuid:0b7c3a52-41f6-4b1c-8b6e-0f4f6f7f2a01", "type": "Medium", "identifiedBy": "own_serial", "serialNumber": "S5GXNX0T123456", "model": "Samsung PM9A1",
            "storageType": "ssd_nvme", "capacityBytes": 512_110_190_592_u64, "requiredMethod": "purge", "destination": "reuse outside the organisation",
            "sanitization": {
                "type": "SanitizationAction", "method": "purge", "technique": "nvme_sanitize_crypto", "tool": "nvme-cli", "toolVersion": "2.11",
                "completedAt": "2026-11-20T15:31:02Z", "result": "pass", "verification": "full", "verificationWords": "full read of the medium",
                "evidenceSha256": "9b74c9897bac770ffc029102a200c5de7a3c2a8e6d1a4b1e1f0a0b8c2d4e6f80", "rule": "flash-purge-sanitize",
                "basis": "NIST SP 800-88r2 §3.1.2, purge by a sanitize command of the device", "ledgerIndex": 41,
            },
        })
    );
    assert_eq!(body["credentialSubject"]["custody"]["gap"], "no gap in the record");
    assert_eq!(body["credentialSubject"]["policy"]["adopted"], true);
    assert_eq!(
        body["credentialStatus"],
        json!({"id": format!("{URL}/status/1#94567"), "type": "BitstringStatusListEntry", "statusPurpose": "revocation", "statusListIndex": "94567",
               "statusListCredential": format!("{URL}/status/1")})
    );
    assert_eq!(body["evidence"][0]["id"], format!("{URL}/ledger/entries/3"));
    assert_eq!(self::body(&server())["type"][1], "CertificateOfDestruction");
    assert_eq!(self::body(&monitor())["credentialSubject"]["media"], json!([]));
}

#[test]
fn bodies_hold_integers_ascii_names_and_nothing_that_expires() {
    fn walk(value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    assert!(name.is_ascii() && !["standard", "validUntil", "proof"].contains(&name.as_str()), "{name}");
                    walk(value);
                }
            }
            Value::Array(items) => items.iter().for_each(walk),
            Value::Number(number) => assert!(number.as_u64().is_some_and(|n| n < 1 << 53), "{number}"),
            Value::Null => panic!("what is not known is absent"),
            Value::String(_) | Value::Bool(_) => {}
        }
    }
    for facts in [laptop(), chromebook(), monitor(), server()] {
        walk(&body(&facts));
    }
}

#[test]
fn same_inputs_same_bytes_and_other_inputs_others() {
    let parts = parts(&laptop());
    let first = render(&parts.inputs()).unwrap();
    assert_eq!(first, render(&parts.inputs()).unwrap());
    // The log gives entries by number, a bundle by name: 9 before 10 in one, after it in the other.
    let further: Vec<_> = parts.further.iter().rev().cloned().collect();
    assert_eq!(first, render(&Inputs { further: &further, ..parts.inputs() }).unwrap());
    let mut further = parts.further.clone();
    further.push(("did.json".into(), b"{}".to_vec()));
    assert_ne!(first, render(&Inputs { further: &further, ..parts.inputs() }).unwrap());
    assert!(first.starts_with(b"%PDF-1.7\n"));
    assert_eq!(first.windows(5).filter(|w| w == b"%%EOF").count(), 1, "one revision");
    for claim in [&b"GTS_PDF"[..], b"OutputIntent", b"pdfaid", b"pdfxid"] {
        assert!(!first.windows(claim.len()).any(|w| w == claim), "claims {}", String::from_utf8_lossy(claim));
    }
    assert_eq!(TEMPLATE, "certificate-1");
}

/// Whoever sees this fail has changed what the pages look like: give the template a new name (before the first release: pin the new digest).
#[test]
fn the_named_template_draws_these_bytes() {
    let digest = |facts: &CertificateFacts| {
        Sha256::digest(render(&parts(facts).inputs()).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    assert_eq!(
        [digest(&laptop()), digest(&server())],
        ["3f1e11d595a44086c31a007ed5c486d70182f8f883e88983c8163e3e7d630738", "8c7c92059f6e1bf47dc0d127cfd0be543684a3b405ff6e70be9a2c565f19d7f2"],
        "{TEMPLATE}"
    );
}

#[test]
fn one_page_stays_small() {
    let bytes = render(&parts(&chromebook()).inputs()).unwrap();
    assert!(bytes.len() <= 60 * 1024, "{} bytes", bytes.len());
}

#[test]
fn inputs_that_disagree_are_not_drawn() {
    let parts = parts(&laptop());
    let other = String::from_utf8(parts.tlog_proof.clone()).unwrap().replace("index 57", "index 58").into_bytes();
    assert!(matches!(render(&Inputs { tlog_proof: &other, ..parts.inputs() }), Err(NotDrawable::Contradiction(_))));
    let elsewhere = String::from_utf8(parts.entry.clone()).unwrap().replace("itad.northstreet.example/ledger", "other.example/ledger").into_bytes();
    assert!(matches!(render(&Inputs { entry: &elsewhere, ..parts.inputs() }), Err(NotDrawable::Contradiction(_))));
    let unrelated = String::from_utf8(parts.entry.clone()).unwrap().replace("certificate.issued", "asset.registered").into_bytes();
    assert!(matches!(render(&Inputs { entry: &unrelated, ..parts.inputs() }), Err(NotDrawable::Contradiction(_))));
    let other_list = String::from_utf8(parts.status.clone()).unwrap().replace("/status/1", "/status/2").into_bytes();
    assert!(matches!(render(&Inputs { status: &other_list, ..parts.inputs() }), Err(NotDrawable::Contradiction(_))));
    assert!(matches!(render(&Inputs { credential: b"{", ..parts.inputs() }), Err(NotDrawable::Unreadable { .. })));
    assert!(matches!(render(&Inputs { credential: b"{}", ..parts.inputs() }), Err(NotDrawable::Missing(_))));
    assert!(matches!(render(&Inputs { further: &[("../x".into(), vec![])], ..parts.inputs() }), Err(NotDrawable::AttachmentName(_))));
    assert!(matches!(render(&Inputs { further: &[("status.vc.json".into(), vec![])], ..parts.inputs() }), Err(NotDrawable::AttachmentName(_))));
}

#[test]
fn qpdf_finds_the_file_sound_and_the_attachments_whole() {
    if !have("qpdf", "qpdf") {
        return;
    }
    for (name, facts) in [("qpdf-laptop", laptop()), ("qpdf-server", server())] {
        let (parts, _, path) = drawn(name, &facts);
        let said = run("qpdf", &["--check", &path]);
        assert!(said.contains("No syntax or stream encoding errors found"), "{said}");
        let shown = Command::new("qpdf").args(["--show-attachment=certificate.vc.json", &path]).output().unwrap();
        assert_eq!(shown.stdout, parts.credential);
        let listed = run("qpdf", &["--list-attachments", "--verbose", &path]);
        assert!(listed.contains("application/vc"), "{listed}");
    }
}

#[test]
fn pdfdetach_saves_the_exact_bytes() {
    if !have("pdfdetach", "poppler-utils") {
        return;
    }
    let (parts, _, path) = drawn("pdfdetach", &laptop());
    let listed = run("pdfdetach", &["-list", &path]);
    assert!(listed.starts_with("6 embedded files"), "{listed}");
    let saved = folder("pdfdetach-saved");
    run("pdfdetach", &["-saveall", "-o", &saved.to_string_lossy(), &path]);
    let fixed = [
        ("certificate.vc.json", &parts.credential),
        ("certificate.entry.json", &parts.entry),
        ("certificate.tlog-proof", &parts.tlog_proof),
        ("status.vc.json", &parts.status),
    ];
    for (name, bytes) in fixed.into_iter().chain(parts.further.iter().map(|(name, bytes)| (name.as_str(), bytes))) {
        assert_eq!(&std::fs::read(saved.join(name)).unwrap(), bytes, "{name}");
    }
}

#[test]
fn pdftotext_finds_the_words() {
    if !have("pdftotext", "poppler-utils") {
        return;
    }
    let read = |name: &str, facts: &CertificateFacts| {
        let (_, _, path) = drawn(name, facts);
        run("pdftotext", &["-layout", &path, "-"]).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let laptop = read("laptop", &laptop());
    for words in [
        "North Street School District",
        "Certificate of Sanitization",
        "NSD-2026-7K4Q-XM2R",
        "NSD-77120",
        "5CG9482KQ7",
        "S5GXNX0T123456",
        "WD-WX00A0000001",
        "Purge",
        "Performed and reported by",
        "Łukasz Nowak",
        "No gap in the record; longest interval 142 hours",
        "board resolution 2026-114",
        "3o9uNZTX/GgXaoSx43r3bDD0lFwVOF581xqYoWq4p3I=",
        "57 (leaf index)",
        "nobody yet",
        "quittance verify FILE --trust keys/",
        "https://itad.northstreet.example/certificates/NSD-2026-7K4Q-XM2R",
        "This shows who stated what and when, and that it is unchanged. It does not show that the statement was true.",
    ] {
        assert!(laptop.contains(words), "“{words}” is not in: {laptop}");
    }
    for claim in ["unrecoverable", "NIST-compliant", "NIST certified", "unbroken"] {
        assert!(!laptop.contains(claim));
    }
    assert!(laptop.contains("page 2 of 2"));
    let chromebook = read("chromebook", &chromebook());
    assert!(
        chromebook.contains("page 1 of 1")
            && chromebook.contains("has not adopted")
            && chromebook.contains("replaces NSD-2026-1A2B-3C4D")
            && chromebook.contains("Residual risk accepted"),
        "{chromebook}"
    );
    let monitor = read("monitor", &monitor());
    assert!(monitor.contains("holds no data storage") && monitor.contains("4.720 kg") && !monitor.contains("Storage medium"), "{monitor}");
    let server = read("server", &server());
    assert!(
        server.contains("\u{fffd}\u{fffd}") && server.contains("ZC112XJ9KQ7LONGSERIALNUMBER12") || server.contains("stands for a character"),
        "{server}"
    );
    assert!(server.contains("page 1 of 3") && server.contains("page 3 of 3"), "{server}");
}

/// Safe-mode JSON-LD by somebody else's implementation; needs the npm packages of `tests/interop`.
#[test]
fn credentials_and_entries_expand_in_safe_mode() {
    let log = entry(0, "log.genesis", json!([{"id": "itad.northstreet.example/ledger", "type": "Log"}]), None);
    let kinds = ["Asset", "Medium", "Consignment", "Party", "Evidence", "Certificate", "Discrepancy", "Policy", "StatusList"];
    let subjects: Vec<Value> = kinds.iter().map(|kind| json!({"id": "urn:uuid:0b7c3a52-41f6-4b1c-8b6e-0f4f6f7f1a01", "type": kind})).collect();
    let many =
        entry(7, "consignment.received", json!(subjects), Some(json!({"id": "urn:uuid:0b7c3a52-41f6-4b1c-8b6e-0f4f6f7f1a09", "part": 2, "of": 2})));
    let folder = folder("expand");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_string_lossy().into_owned()
    };
    let context_file = write("context.jsonld", &context(URL));
    let mut files = vec![write("genesis.json", log.to_string().as_bytes()), write("many.json", many.to_string().as_bytes())];
    for (name, facts) in [("laptop", laptop()), ("chromebook", chromebook()), ("monitor", monitor()), ("server", server())] {
        let parts = parts(&facts);
        files.push(write(&format!("{name}.vc.json"), &parts.credential));
        files.push(write(&format!("{name}.entry.json"), &parts.entry));
    }
    files.push(write("status.vc.json", &parts(&laptop()).status));
    if !have_node_modules() {
        return;
    }
    let (program, contexts) = (interop("expand.mjs").to_string_lossy().into_owned(), contexts());
    let mut arguments = vec![program.as_str(), contexts.as_str(), context_file.as_str()];
    arguments.extend(files.iter().map(String::as_str));
    let said = run("node", &arguments);
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), files.len(), "{said}");
}
