//! The product's JSON-LD context: what every member of a certificate and of a ledger entry means.

use serde_json::{Map, Value, json};

/// Classes: the types of certificates, of what entries are about, and of the parts of a certificate.
const CLASSES: &[&str] = &[
    "Asset",
    "Certificate",
    "CertificateOfDestruction",
    "CertificateOfRecycling",
    "CertificateOfSanitization",
    "Consignment",
    "Count",
    "Discrepancy",
    "Evidence",
    "LedgerEntry",
    "LedgerEntryEvidence",
    "Log",
    "Medium",
    "Party",
    "Policy",
    "SanitizationAction",
    "StatusList",
];

/// Members whose value is text.
const TEXTS: &[&str] = &[
    // entries
    "event",
    "log",
    "prev",
    "role",
    // certificates
    "adoptionReference",
    "assetTag",
    "basis",
    "category",
    "condition",
    "destination",
    "digest",
    "evidenceSha256",
    "from",
    "gap",
    "identifiedBy",
    "leafHash",
    "ledgerOrigin",
    "location",
    "longestIntervalBetween",
    "manufacturer",
    "method",
    "model",
    "outcome",
    "outcomeWords",
    "processor",
    "receiptStatement",
    "recorded",
    "requiredMethod",
    "residualRisk",
    "result",
    "rule",
    "sensitivity",
    "serialNumber",
    "site",
    "storageType",
    "technique",
    "title",
    "to",
    "tool",
    "toolVersion",
    "verification",
    "verificationWords",
    "version",
    "weightBasis",
];

/// Members whose value is an integer.
const INTEGERS: &[&str] = &[
    "capacityBytes",
    "energyGrams",
    "landfillGrams",
    "ledgerIndex",
    "ledgerIndexes",
    "longestIntervalHours",
    "of",
    "part",
    "recoveredGrams",
    "seq",
    "v",
    "weightGrams",
];

/// Members whose value is an instant.
const INSTANTS: &[&str] = &["at", "completedAt", "occurred", "receivedAt", "recordedAt", "releasedAt", "time"];

/// Members whose value is another thing, by its id or in full.
const THINGS: &[&str] = &[
    "acceptedBy",
    "actor",
    "attestedBy",
    "batch",
    "consignment",
    "custody",
    "disposition",
    "noStorage",
    "people",
    "performedAndReportedBy",
    "policy",
    "recordKeptBy",
    "sanitization",
    "supersedes",
    "verifiedBy",
];

/// The bytes served at `<public_url>/ns/quittance/v1`, a JSON-LD 1.1 context. It defines nothing that the W3C contexts
/// (`credentials/v2`, `data-integrity/v2`) define, so that it can stand behind either.
///
/// In entries, `actor.id` and `batch.id` are absolute IRIs (`urn:uuid:…`): a safe-mode expansion refuses relative ones. `party` and
/// the ids of `subjects` are kept as text, because an origin such as `itad.example/ledger` is not an IRI.
pub fn context(public_url: &str) -> Vec<u8> {
    let term = |name: &str| format!("qtn:{name}");
    let mut terms = Map::new();
    terms.insert("@version".to_owned(), json!(1.1));
    terms.insert("@protected".to_owned(), json!(true));
    terms.insert("qtn".to_owned(), json!(format!("{public_url}/ns/quittance#")));
    terms.insert("xsd".to_owned(), json!("http://www.w3.org/2001/XMLSchema#"));
    for name in CLASSES.iter().chain(TEXTS) {
        terms.insert((*name).to_owned(), json!(term(name)));
    }
    for (names, datatype) in [(INTEGERS, "xsd:integer"), (INSTANTS, "xsd:dateTime"), (THINGS, "@id")] {
        for name in names {
            terms.insert((*name).to_owned(), json!({"@id": term(name), "@type": datatype}));
        }
    }
    terms.insert("adopted".to_owned(), json!({"@id": term("adopted"), "@type": "xsd:boolean"}));
    terms.insert("adoptedOn".to_owned(), json!({"@id": term("adoptedOn"), "@type": "xsd:date"}));
    terms.insert("party".to_owned(), json!(term("party")));
    // The event's own members, whose shape each event kind and its version define: carried whole, as the JSON that they are.
    terms.insert("data".to_owned(), json!({"@id": term("data"), "@type": "@json"}));
    // Order carries meaning in these three.
    terms.insert("media".to_owned(), json!({"@id": term("media"), "@type": "@id", "@container": "@list"}));
    terms.insert("handoffs".to_owned(), json!({"@id": term("handoffs"), "@type": "@id", "@container": "@list"}));
    // Within `subjects`, and only there, `id` is text: see above.
    terms.insert("subjects".to_owned(), json!({"@id": term("subjects"), "@type": "@id", "@context": {"id": term("subjectId")}}));
    let mut bytes = format!("{:#}", json!({"@context": Value::Object(terms)})).into_bytes();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_term_is_defined_twice_or_belongs_to_the_w3c() {
        let mut names: Vec<&str> = [CLASSES, TEXTS, INTEGERS, INSTANTS, THINGS].concat();
        names.extend(["adopted", "adoptedOn", "party", "data", "media", "handoffs", "subjects"]);
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        // The unscoped protected terms of credentials/v2 and data-integrity/v2.
        let theirs = [
            "id",
            "type",
            "description",
            "digestMultibase",
            "digestSRI",
            "mediaType",
            "name",
            "proof",
            "DataIntegrityProof",
            "VerifiableCredential",
            "aud",
            "cnf",
            "exp",
            "iat",
            "iss",
            "jku",
            "kid",
            "nbf",
            "sub",
            "x5u",
            "issuer",
            "validFrom",
            "credentialSubject",
            "credentialStatus",
            "evidence",
        ];
        assert!(names.iter().all(|name| !theirs.contains(name)));
    }
}
