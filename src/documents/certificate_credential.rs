//! A certificate as a W3C Verifiable Credential 2.0: facts in, the unsigned JSON body out. Signing happens elsewhere.

use serde_json::{Map, Value, json};

/// What a certificate certifies. The type follows the method: only *destroy* gives a certificate of destruction, and recycling proves
/// nothing about data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every medium was cleared or purged, or the device holds no storage.
    Sanitization,
    /// Every medium was destroyed.
    Destruction,
    /// What became of the material.
    Recycling,
}

impl Kind {
    /// The credential's second type.
    pub const fn type_name(self) -> &'static str {
        match self {
            Kind::Sanitization => "CertificateOfSanitization",
            Kind::Destruction => "CertificateOfDestruction",
            Kind::Recycling => "CertificateOfRecycling",
        }
    }

    /// The title people read.
    pub const fn title(self) -> &'static str {
        match self {
            Kind::Sanitization => "Certificate of Sanitization",
            Kind::Destruction => "Certificate of Destruction",
            Kind::Recycling => "Certificate of Recycling",
        }
    }
}

/// Everything that a certificate says. Instants are RFC 3339 in UTC, ids absolute IRIs (`urn:uuid:…`, `did:…`), numbers at most 2^53−1,
/// digests lower-case hexadecimal SHA-256 unless a field says otherwise.
#[derive(Clone, Debug)]
pub struct CertificateFacts {
    /// Address of the deployment, without a slash at its end: `https://itad.example`.
    pub public_url: String,
    /// `NSD-2026-7K4Q-XM2R`
    pub number: String,
    /// What is certified.
    pub kind: Kind,
    /// The organisation that issues, by its DID and name.
    pub issuer: Issuer,
    /// Whole seconds: `2026-11-23T11:05:00Z`.
    pub valid_from: String,
    /// Number of the certificate that this one replaces.
    pub supersedes: Option<String>,
    /// The device.
    pub device: Device,
    /// Its media; empty where it holds none, or where nothing is certified about data.
    pub media: Vec<Medium>,
    /// Who attested that the device holds no storage.
    pub no_storage: Option<NoStorage>,
    /// Who held it when.
    pub custody: Custody,
    /// What became of the material, once known.
    pub disposition: Option<Disposition>,
    /// Who stands behind it.
    pub people: People,
    /// The policy pack by which it was judged.
    pub policy: Policy,
    /// The ledger entries relied on, oldest first.
    pub evidence: Vec<CitedEntry>,
    /// Where its status is published.
    pub status: StatusEntry,
}

/// The issuing organisation.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// `did:web:itad.example`
    pub did: String,
    /// As people know it.
    pub name: String,
}

/// The device that a certificate is about.
#[derive(Clone, Debug)]
pub struct Device {
    /// `urn:uuid:…`
    pub id: String,
    /// The owner's property number.
    pub asset_tag: String,
    /// The device's serial number, as captured.
    pub serial_number: Option<String>,
    /// Code of `domain::names::Category`.
    pub category: String,
    /// Maker.
    pub manufacturer: String,
    /// Model.
    pub model: String,
    /// Site that it came from.
    pub site: Option<String>,
    /// Code of `domain::names::Sensitivity`.
    pub sensitivity: String,
    /// `operational` or `damaged`, as found.
    pub condition: Option<String>,
}

/// One storage medium and how its data was declared gone.
#[derive(Clone, Debug)]
pub struct Medium {
    /// `urn:uuid:…`
    pub id: String,
    /// Code of `domain::names::IdentifiedBy`: by its own serial number or by its host's.
    pub identified_by: String,
    /// That serial number.
    pub serial_number: String,
    /// Maker and model of the medium itself.
    pub model: Option<String>,
    /// Code of `domain::names::MediaType`.
    pub storage_type: String,
    /// Capacity in bytes.
    pub capacity_bytes: Option<u64>,
    /// Code of `domain::names::Method` that the policy demands.
    pub required_method: String,
    /// What was done.
    pub sanitization: Sanitization,
    /// Where the medium went afterwards, in words.
    pub destination: Option<String>,
}

/// The act that sanitized a medium (NIST SP 800-88r2 method, technique, tool, verification).
#[derive(Clone, Debug)]
pub struct Sanitization {
    /// Code of `domain::names::Method` that was reached.
    pub method: String,
    /// Code of `domain::names::Technique`.
    pub technique: String,
    /// Software or machine.
    pub tool: Option<String>,
    /// Its version or calibration reference.
    pub tool_version: Option<String>,
    /// When it ended.
    pub completed_at: String,
    /// `pass`; nothing else is ever certified.
    pub result: String,
    /// Code of the way it was verified.
    pub verification: String,
    /// The same in words.
    pub verification_words: String,
    /// Digest of the file that supports it.
    pub evidence_sha256: Option<String>,
    /// Id of the policy rule that judged it.
    pub rule: String,
    /// What that rule rests on, in words.
    pub basis: String,
    /// What risk remained and was accepted, in words.
    pub residual_risk: Option<String>,
    /// Index of the ledger entry.
    pub ledger_index: u64,
}

/// The statement that a device holds no data storage.
#[derive(Clone, Debug)]
pub struct NoStorage {
    /// Who attested it.
    pub attested_by: Person,
    /// What the statement rests on, in words.
    pub basis: String,
    /// Index of the ledger entry.
    pub ledger_index: u64,
}

/// Who held the device when; a certificate exists only where the record has no gap.
#[derive(Clone, Debug)]
pub struct Custody {
    /// Oldest first.
    pub handoffs: Vec<Handoff>,
    /// The longest time between two records, in whole hours, rounded up.
    pub longest_interval_hours: u64,
    /// Between which records, in words: `release at Lincoln High and receipt at the warehouse`.
    pub longest_interval_between: Option<String>,
}

/// One release and its receipt.
#[derive(Clone, Debug)]
pub struct Handoff {
    /// Party and place that released.
    pub from: String,
    /// Party and place that received.
    pub to: String,
    /// When it was released.
    pub released_at: String,
    /// When it was received.
    pub received_at: String,
    /// `urn:uuid:…` of the consignment.
    pub consignment_id: String,
    /// Its number, as people know it.
    pub consignment: String,
    /// Indexes of the ledger entries.
    pub ledger_indexes: Vec<u64>,
    /// Where the receiver itself has not stated the receipt: who has, and from what.
    pub receipt: Option<String>,
}

/// What became of the material.
#[derive(Clone, Debug)]
pub struct Disposition {
    /// Code of the outcome.
    pub outcome: String,
    /// The same in words.
    pub outcome_words: String,
    /// Weight in grams.
    pub weight_grams: u64,
    /// Code of `domain::names::WeightBasis`.
    pub weight_basis: String,
    /// Material recovered, in grams.
    pub recovered_grams: Option<u64>,
    /// Burned with energy recovery, in grams.
    pub energy_grams: Option<u64>,
    /// Landfilled, in grams.
    pub landfill_grams: Option<u64>,
    /// Who processed it.
    pub processor: String,
    /// When that was recorded.
    pub recorded_at: String,
    /// Index of the ledger entry.
    pub ledger_index: u64,
}

/// Who stands behind a certificate (NIST SP 800-88r2 §4.6: the person who sanitized, the one who verified, the one who validated).
#[derive(Clone, Debug)]
pub struct People {
    /// At the vendor or in the organisation; one for each person who did it.
    pub performed_and_reported_by: Vec<Person>,
    /// Somebody else than the performer.
    pub verified_by: Vec<Person>,
    /// For the organisation.
    pub accepted_by: Option<Person>,
    /// The organisation that keeps the record.
    pub record_kept_by: String,
}

/// A person as shown when the certificate was issued.
#[derive(Clone, Debug)]
pub struct Person {
    /// `urn:uuid:…`
    pub id: String,
    /// Name.
    pub name: String,
    /// Title or position.
    pub title: Option<String>,
    /// Organisation.
    pub party: String,
    /// Place of the act.
    pub location: Option<String>,
    /// When the act was recorded.
    pub at: String,
    /// How the statement came in: `recorded as stated, signed in with a passkey`, or `signed with own key`.
    pub recorded: Option<String>,
}

/// The policy pack.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its bytes.
    pub digest: String,
    /// Present once the organisation has adopted it; until then it is a starter pack.
    pub adoption: Option<Adoption>,
}

/// The act by which the organisation made the pack its own.
#[derive(Clone, Debug)]
pub struct Adoption {
    /// Date, `2026-08-12`.
    pub on: String,
    /// Reference of the decision.
    pub reference: String,
}

/// A ledger entry that the certificate relies on.
#[derive(Clone, Debug)]
pub struct CitedEntry {
    /// Its event kind.
    pub event: String,
    /// The log's origin.
    pub ledger_origin: String,
    /// Its index in the log.
    pub ledger_index: u64,
    /// RFC 6962 leaf hash, hexadecimal.
    pub leaf_hash: String,
    /// Multihash of the entry's bytes in multibase: `zQm…`.
    pub digest_multibase: String,
}

/// Place in the status list (Bitstring Status List 1.0).
#[derive(Clone, Debug)]
pub struct StatusEntry {
    /// Address of the status list credential.
    pub list_url: String,
    /// Bit of this certificate.
    pub index: u32,
}

/// The words for custody on every certificate: `judge` refuses to certify across a gap, so no other words exist.
pub const NO_GAP: &str = "no gap in the record";

/// The unsigned credential. Integers only, member names in ASCII, no `proof`, no `validUntil` (a sanitization does not expire).
pub fn body(facts: &CertificateFacts) -> Value {
    let base = &facts.public_url;
    let mut credential = Members::new();
    credential.put("@context", json!(["https://www.w3.org/ns/credentials/v2", format!("{base}/ns/quittance/v1")]));
    credential.put("id", format!("{base}/certificates/{}", facts.number));
    credential.put("type", json!(["VerifiableCredential", facts.kind.type_name()]));
    credential.put("name", format!("{} {}", facts.kind.title(), facts.number));
    credential.put("issuer", json!({"id": facts.issuer.did, "name": facts.issuer.name}));
    credential.put("validFrom", facts.valid_from.as_str());
    credential.put_some("supersedes", facts.supersedes.as_ref().map(|number| format!("{base}/certificates/{number}")));
    credential.put("credentialSubject", subject(facts));
    credential.put("evidence", facts.evidence.iter().map(|entry| cited(entry, base)).collect::<Vec<_>>());
    credential.put(
        "credentialStatus",
        json!({
            "id": format!("{}#{}", facts.status.list_url, facts.status.index),
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": facts.status.index.to_string(),
            "statusListCredential": facts.status.list_url,
        }),
    );
    credential.into()
}

fn subject(facts: &CertificateFacts) -> Value {
    let device = &facts.device;
    let mut subject = Members::new();
    subject.put("id", device.id.as_str());
    subject.put("type", "Asset");
    subject.put("name", format!("{} {}", device.manufacturer, device.model));
    subject.put("assetTag", device.asset_tag.as_str());
    subject.put_some("serialNumber", device.serial_number.as_deref());
    subject.put("category", device.category.as_str());
    subject.put("manufacturer", device.manufacturer.as_str());
    subject.put("model", device.model.as_str());
    subject.put_some("site", device.site.as_deref());
    subject.put("sensitivity", device.sensitivity.as_str());
    subject.put_some("condition", device.condition.as_deref());
    subject.put("media", facts.media.iter().map(medium).collect::<Vec<_>>());
    subject.put_some(
        "noStorage",
        facts.no_storage.as_ref().map(|n| json!({"attestedBy": person(&n.attested_by), "basis": n.basis, "ledgerIndex": n.ledger_index})),
    );
    subject.put("custody", custody(&facts.custody));
    subject.put_some("disposition", facts.disposition.as_ref().map(disposition));
    subject.put("people", people(&facts.people));
    let mut policy = Members::new();
    policy.put("name", facts.policy.name.as_str());
    policy.put("version", facts.policy.version.as_str());
    policy.put("digest", facts.policy.digest.as_str());
    policy.put("adopted", facts.policy.adoption.is_some());
    policy.put_some("adoptedOn", facts.policy.adoption.as_ref().map(|a| a.on.as_str()));
    policy.put_some("adoptionReference", facts.policy.adoption.as_ref().map(|a| a.reference.as_str()));
    subject.put("policy", Value::from(policy));
    subject.into()
}

fn medium(medium: &Medium) -> Value {
    let act = &medium.sanitization;
    let mut sanitization = Members::new();
    sanitization.put("type", "SanitizationAction");
    sanitization.put("method", act.method.as_str());
    sanitization.put("technique", act.technique.as_str());
    sanitization.put_some("tool", act.tool.as_deref());
    sanitization.put_some("toolVersion", act.tool_version.as_deref());
    sanitization.put("completedAt", act.completed_at.as_str());
    sanitization.put("result", act.result.as_str());
    sanitization.put("verification", act.verification.as_str());
    sanitization.put("verificationWords", act.verification_words.as_str());
    sanitization.put_some("evidenceSha256", act.evidence_sha256.as_deref());
    sanitization.put("rule", act.rule.as_str());
    sanitization.put("basis", act.basis.as_str());
    sanitization.put_some("residualRisk", act.residual_risk.as_deref());
    sanitization.put("ledgerIndex", act.ledger_index);
    let mut members = Members::new();
    members.put("id", medium.id.as_str());
    members.put("type", "Medium");
    members.put("identifiedBy", medium.identified_by.as_str());
    members.put("serialNumber", medium.serial_number.as_str());
    members.put_some("model", medium.model.as_deref());
    // Not `mediaType`: the credentials context has that name, protected, and means a MIME type by it.
    members.put("storageType", medium.storage_type.as_str());
    members.put_some("capacityBytes", medium.capacity_bytes);
    members.put("requiredMethod", medium.required_method.as_str());
    members.put("sanitization", Value::from(sanitization));
    members.put_some("destination", medium.destination.as_deref());
    members.into()
}

fn custody(custody: &Custody) -> Value {
    let handoffs: Vec<Value> = custody
        .handoffs
        .iter()
        .map(|h| {
            let mut handoff = Members::new();
            for (name, value) in [("from", &h.from), ("to", &h.to), ("releasedAt", &h.released_at), ("receivedAt", &h.received_at)] {
                handoff.put(name, value.as_str());
            }
            handoff.put("consignment", json!({"id": h.consignment_id, "type": "Consignment", "name": h.consignment}));
            handoff.put("ledgerIndexes", json!(h.ledger_indexes));
            handoff.put_some("receiptStatement", h.receipt.as_deref());
            handoff.into()
        })
        .collect();
    let mut members = Members::new();
    members.put("handoffs", handoffs);
    members.put("gap", NO_GAP);
    members.put("longestIntervalHours", custody.longest_interval_hours);
    members.put_some("longestIntervalBetween", custody.longest_interval_between.as_deref());
    members.into()
}

fn disposition(disposition: &Disposition) -> Value {
    let mut members = Members::new();
    members.put("outcome", disposition.outcome.as_str());
    members.put("outcomeWords", disposition.outcome_words.as_str());
    members.put("weightGrams", disposition.weight_grams);
    members.put("weightBasis", disposition.weight_basis.as_str());
    members.put_some("recoveredGrams", disposition.recovered_grams);
    members.put_some("energyGrams", disposition.energy_grams);
    members.put_some("landfillGrams", disposition.landfill_grams);
    members.put("processor", disposition.processor.as_str());
    members.put("recordedAt", disposition.recorded_at.as_str());
    members.put("ledgerIndex", disposition.ledger_index);
    members.into()
}

fn people(people: &People) -> Value {
    let mut members = Members::new();
    if !people.performed_and_reported_by.is_empty() {
        members.put("performedAndReportedBy", people.performed_and_reported_by.iter().map(person).collect::<Vec<_>>());
    }
    if !people.verified_by.is_empty() {
        members.put("verifiedBy", people.verified_by.iter().map(person).collect::<Vec<_>>());
    }
    members.put_some("acceptedBy", people.accepted_by.as_ref().map(person));
    members.put("recordKeptBy", json!({"name": people.record_kept_by}));
    members.into()
}

fn person(person: &Person) -> Value {
    let mut members = Members::new();
    members.put("id", person.id.as_str());
    members.put("name", person.name.as_str());
    members.put_some("title", person.title.as_deref());
    members.put("party", person.party.as_str());
    members.put_some("location", person.location.as_deref());
    members.put("at", person.at.as_str());
    members.put_some("recorded", person.recorded.as_deref());
    members.into()
}

fn cited(entry: &CitedEntry, base: &str) -> Value {
    json!({
        "id": format!("{base}/ledger/entries/{}", entry.ledger_index),
        "type": ["LedgerEntryEvidence"],
        "name": entry.event,
        "ledgerOrigin": entry.ledger_origin,
        "ledgerIndex": entry.ledger_index,
        "leafHash": entry.leaf_hash,
        "digestMultibase": entry.digest_multibase,
    })
}

/// An object under construction, in which what is not known is absent, never `null`.
struct Members(Map<String, Value>);

impl Members {
    fn new() -> Self {
        Self(Map::new())
    }
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }
    fn put_some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }
}

impl From<Members> for Value {
    fn from(members: Members) -> Value {
        Value::Object(members.0)
    }
}
