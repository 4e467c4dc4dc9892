//! One entry of the ledger: its exact bytes, how they are sealed, and how they are read back.
//! The frame is written directly in canonical order; reading writes it again and compares, so there is one definition of the form.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::canonical::{self, NotCanonical};
use super::digest::{self, Hash};
use super::identity::{DidDocument, ENTRY_SCOPE, Signer};
use super::instant;
use super::integrity::{self, CRYPTOSUITE, PURPOSE, Unproven};
use super::{note, tree};

/// `prev` of the first entry.
pub const GENESIS_PREV: Hash = [0; 32];
/// An entry must fit the 16-bit length of a tlog-tiles entry bundle.
pub const MAX_ENTRY_BYTES: usize = 65_535;
/// The version of the frame.
const FRAME_VERSION: u64 = 1;

/// The commands that are signed with keys of one's own, each with an event that carries what was signed.
pub const SIGNED_COMMANDS: &str = "\
    register_party party.registered; add_site party.site_added; name_signers party.signers_named; record_credential credential.recorded; \
    suspend_credential credential.suspended; record_contract contract.recorded; record_training operator.qualified; register_machine equipment.registered; \
    approve_downstream downstream.approved; withdraw_downstream downstream.withdrawn; grant_override override.granted; adopt_policy policy.adopted; \
    register_asset asset.registered; record_media media.recorded; harvest_medium media.removed; install_medium media.installed; record_calibration equipment.calibrated; \
    attest_no_storage asset.no_storage_attested; send_to_repair asset.sent_to_repair; return_from_repair asset.repaired; redeploy asset.redeployed; \
    retire asset.retired; return_to_service asset.returned_to_service; harvest_part asset.part_harvested; evaluate asset.evaluated; \
    authorize_surplus asset.surplus_authorized; authorize_consignment consignment.authorized; release_accounts asset.accounts_released; \
    grade asset.graded; place_legal_hold asset.held; lift_legal_hold asset.released_from_hold; quarantine asset.held; \
    lift_quarantine asset.released_from_hold; report_missing asset.reported_missing; record_remote_command asset.remote_command; \
    report_found asset.found; write_off asset.written_off; report_medium_found media.found; open_consignment consignment.opened; \
    add_lines consignment.line_added; add_quantity consignment.quantity_added; remove_lines consignment.line_removed; \
    record_container consignment.container_recorded; scan consignment.line_added; seal_consignment consignment.sealed; \
    unseal_consignment consignment.unsealed; cancel_consignment consignment.cancelled; release_consignment consignment.released; \
    accept_consignment consignment.accepted; receive_consignment consignment.received; revoke_link consignment.link_revoked; map_columns party.columns_mapped; \
    resolve_discrepancy discrepancy.resolved; record_sanitization media.sanitized; record_sanitization media.sanitization_failed; \
    verify_sanitization media.verified; validate_sanitization media.validated; accept_residual_risk media.residual_risk_accepted; record_disposition disposition.recorded; \
    correct_registration entry.corrected; withdraw_no_storage entry.corrected; withdraw_medium entry.corrected; void_sanitization entry.corrected; \
    void_disposition entry.corrected; expect_media media.recorded; confirm_medium media.seen; see_device device.seen; record_sample media.sampled; \
    register_key party.key_registered; revoke_key party.key_revoked; take_out_of_service equipment.taken_out_of_service";

/// Who did it: the person or service, in which role, for which party.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Actor {
    /// Identifier of the person or service.
    pub id: String,
    /// The role it acted in.
    pub role: String,
    /// The party it acted for.
    pub party: String,
}

/// What the entry is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Subject {
    /// Identifier of the thing.
    pub id: String,
    /// Its kind; `type` on the wire.
    #[serde(rename = "type")]
    pub kind: String,
}

/// The place of an entry among those that one act made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Batch {
    /// Identifier that the entries of one act share.
    pub id: String,
    /// The number of this part.
    pub part: u32,
    /// How many parts there are; on the last part only.
    pub of: Option<u32>,
}

/// Everything in an entry but its proof.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Frame {
    /// The two JSON-LD contexts, as URLs.
    #[serde(rename = "@context")]
    pub context: Vec<String>,
    /// Origin of the log: no entry can be moved to another one.
    pub log: String,
    /// Index of the leaf.
    pub seq: u64,
    /// Leaf hash of the entry before, [`GENESIS_PREV`] for the first.
    #[serde(deserialize_with = "read_hash")]
    pub prev: Hash,
    /// When it was recorded, `2026-11-23T10:31:02.009Z`.
    pub time: String,
    /// When it is said to have happened: an instant in UTC (whole seconds or milliseconds) or a day.
    pub occurred: String,
    /// Kind of the event, `thing.past_tense`.
    pub event: String,
    /// Who did it.
    pub actor: Actor,
    /// What it is about: at least one, sorted, none twice.
    pub subjects: Vec<Subject>,
    /// The act it is a part of, if that act made several entries.
    pub batch: Option<Batch>,
    /// An object whose member `v` is the version of the event kind.
    pub data: Value,
}

/// The bytes of a sealed entry and their leaf hash, which the next entry names as `prev`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The exact bytes: what is stored, hashed and handed out.
    pub bytes: Vec<u8>,
    /// Their RFC 6962 leaf hash.
    pub leaf: Hash,
}

/// Why a frame cannot be sealed, or bytes are not a ledger entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryError {
    /// The entry exceeds [`MAX_ENTRY_BYTES`].
    TooLarge {
        /// The size that it has.
        bytes: usize,
    },
    /// A member does not have the form that it must have.
    Member(&'static str),
    /// `data` has no canonical form, or the bytes are another spelling of their content.
    Canonical(NotCanonical),
    /// Not JSON, or not these members with these types; the text is the reader's.
    Form(String),
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes } => write!(f, "the entry has {bytes} bytes; at most {MAX_ENTRY_BYTES} fit"),
            Self::Member(which) => write!(f, "the entry's member {which}"),
            Self::Canonical(why) => write!(f, "the entry cannot be taken as it is: {why}"),
            Self::Form(why) => write!(f, "it is not a ledger entry: {why}"),
        }
    }
}

impl std::error::Error for EntryError {}

/// Writes, signs and hashes the entry. The proof's `created` is `time` in whole seconds.
pub fn seal(frame: &Frame, signer: &Signer) -> Result<Sealed, EntryError> {
    let pieces = Pieces::of(frame, signer.verification_method())?;
    let bytes = pieces.join(&signer.sign(&pieces.hash_data()));
    if bytes.len() > MAX_ENTRY_BYTES {
        return Err(EntryError::TooLarge { bytes: bytes.len() });
    }
    let leaf = tree::leaf_hash(&bytes);
    Ok(Sealed { bytes, leaf })
}

/// A ledger entry as read: known to have the right form, not yet known to be signed by anyone in particular.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    frame: Frame,
    bytes: Vec<u8>,
    verification_method: String,
    signature: [u8; 64],
    signed: [u8; 64],
}

impl Entry {
    /// Reads the exact bytes of an entry: canonical, these members and no others, each of its form.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(EntryError::TooLarge { bytes: bytes.len() });
        }
        let form = |why: serde_json::Error| EntryError::Form(why.to_string());
        let frame: Frame = serde_json::from_slice(bytes).map_err(form)?;
        let Proven { proof: Proof { proof_value, verification_method } } = serde_json::from_slice(bytes).map_err(form)?;
        let signature = integrity::read_proof_value(&proof_value).ok_or(EntryError::Member("proof has no base58 Ed25519 signature"))?;
        let pieces = Pieces::of(&frame, &verification_method)?;
        // Whatever else the bytes hold (type, v, the proof's other members, unknown ones) was not kept, and is written anew from
        // constants and the frame or not at all: this comparison checks it.
        if pieces.join(&signature) != bytes {
            return Err(EntryError::Canonical(NotCanonical::Spelling));
        }
        let signed = pieces.hash_data();
        Ok(Self { frame, bytes: bytes.to_vec(), verification_method, signature, signed })
    }

    /// What the entry says.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The exact bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The RFC 6962 leaf hash: the leaf of the tree, and `prev` of the next entry.
    pub fn leaf(&self) -> Hash {
        tree::leaf_hash(&self.bytes)
    }

    /// The DID URL of the key that the proof names.
    pub fn verification_method(&self) -> &str {
        &self.verification_method
    }

    /// The did:key by which the actor signed with a key of their own, if they did: a command that gives this event, at its time, about one of its subjects
    /// or something that its data names. Whose key it is, others have to say.
    pub fn own_key(&self) -> Result<Option<String>, Unproven> {
        let frame = &self.frame;
        let Some(signed) = frame.data.get("signed") else { return Ok(None) };
        let text = |member: &str| signed.get(member).and_then(Value::as_str).unwrap_or_default();
        let (given, about) = (format!("{} {}", text("what"), frame.event), text("about"));
        let named = frame.data.as_object().is_some_and(|data| data.values().any(|value| value == about));
        integrity::require([
            (text("type") == "Statement", "what was signed is not a statement"),
            (SIGNED_COMMANDS.split("; ").any(|pair| pair == given), "what was signed is a command that does not give this event"),
            (text("when").replace(".000Z", "Z") == frame.occurred.replace(".000Z", "Z"), "what was signed is of another time than this event"),
            (named || frame.subjects.iter().any(|subject| subject.id == about), "what was signed is about something else than this event"),
        ])
        .and_then(|()| integrity::verify_own(signed).map(Some))
    }

    /// Checks the signature against the entry keys of a trusted DID document.
    pub fn verify(&self, did: &DidDocument) -> Result<(), Unproven> {
        let key = did.key_in_scope(&self.verification_method, ENTRY_SCOPE).ok_or_else(|| Unproven::Key(self.verification_method.clone()))?;
        if key.verify(&self.signed, &self.signature) { Ok(()) } else { Err(Unproven::Signature) }
    }
}

/// The member of an entry that is not in its frame, and of that what has more than one possible value.
#[derive(Deserialize)]
struct Proven {
    proof: Proof,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Proof {
    proof_value: String,
    verification_method: String,
}

fn read_hash<'de, D: Deserializer<'de>>(hexadecimal: D) -> Result<Hash, D::Error> {
    digest::from_hex(&String::deserialize(hexadecimal)?).ok_or_else(|| D::Error::custom("prev is not 64 hexadecimal digits"))
}

/// The canonical bytes in four pieces, cut where the proof and the signature go in. Document = `head` + `tail`; proof options =
/// `options_head` + `options_tail`.
struct Pieces {
    head: Vec<u8>,
    options_head: Vec<u8>,
    options_tail: Vec<u8>,
    tail: Vec<u8>,
}

impl Pieces {
    fn of(frame: &Frame, verification_method: &str) -> Result<Self, EntryError> {
        check(frame)?;
        let created = instant::to_seconds(&frame.time).ok_or(EntryError::Member("time is not an instant"))?;
        let mut context = Vec::with_capacity(128);
        write_list(&mut context, &frame.context, |out, url| canonical::write_string(out, url));

        let mut head = Vec::with_capacity(1536);
        head.extend_from_slice(br#"{"@context":"#);
        head.extend_from_slice(&context);
        text(&mut head, r#","actor":{"id":"#, &frame.actor.id);
        text(&mut head, r#","party":"#, &frame.actor.party);
        text(&mut head, r#","role":"#, &frame.actor.role);
        head.push(b'}');
        if let Some(batch) = &frame.batch {
            text(&mut head, r#","batch":{"id":"#, &batch.id);
            if let Some(of) = batch.of {
                integer(&mut head, r#","of":"#, u64::from(of));
            }
            integer(&mut head, r#","part":"#, u64::from(batch.part));
            head.push(b'}');
        }
        head.extend_from_slice(br#","data":"#);
        canonical::write(&mut head, &frame.data).map_err(EntryError::Canonical)?;
        text(&mut head, r#","event":"#, &frame.event);
        text(&mut head, r#","log":"#, &frame.log);
        text(&mut head, r#","occurred":"#, &frame.occurred);
        text(&mut head, r#","prev":"#, &digest::hex(&frame.prev));

        let mut options_head = Vec::with_capacity(256);
        options_head.extend_from_slice(br#"{"@context":"#);
        options_head.extend_from_slice(&context);
        text(&mut options_head, r#","created":"#, &created);
        text(&mut options_head, r#","cryptosuite":"#, CRYPTOSUITE);
        text(&mut options_head, r#","proofPurpose":"#, PURPOSE);

        let mut options_tail = Vec::with_capacity(128);
        text(&mut options_tail, r#","type":"#, "DataIntegrityProof");
        text(&mut options_tail, r#","verificationMethod":"#, verification_method);
        options_tail.push(b'}');

        let mut tail = Vec::with_capacity(256);
        integer(&mut tail, r#","seq":"#, frame.seq);
        tail.extend_from_slice(br#","subjects":"#);
        write_list(&mut tail, &frame.subjects, |out, subject| {
            text(out, r#"{"id":"#, &subject.id);
            text(out, r#","type":"#, &subject.kind);
            out.push(b'}');
        });
        text(&mut tail, r#","time":"#, &frame.time);
        text(&mut tail, r#","type":"#, "LedgerEntry");
        integer(&mut tail, r#","v":"#, FRAME_VERSION);
        tail.push(b'}');
        Ok(Self { head, options_head, options_tail, tail })
    }

    /// What the signature covers.
    fn hash_data(&self) -> [u8; 64] {
        integrity::hash_data(&[&self.options_head[..], &self.options_tail].concat(), &[&self.head[..], &self.tail].concat())
    }

    /// The whole entry.
    fn join(&self, signature: &[u8; 64]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.head.len() + self.options_head.len() + self.options_tail.len() + self.tail.len() + 128);
        bytes.extend_from_slice(&self.head);
        bytes.extend_from_slice(br#","proof":"#);
        bytes.extend_from_slice(&self.options_head);
        text(&mut bytes, r#","proofValue":"#, &integrity::proof_value(signature));
        bytes.extend_from_slice(&self.options_tail);
        bytes.extend_from_slice(&self.tail);
        bytes
    }
}

fn text(out: &mut Vec<u8>, member: &str, value: &str) {
    out.extend_from_slice(member.as_bytes());
    canonical::write_string(out, value);
}

fn integer(out: &mut Vec<u8>, member: &str, value: u64) {
    out.extend_from_slice(member.as_bytes());
    canonical::write_integer(out, value);
}

fn write_list<T>(out: &mut Vec<u8>, items: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// The rules that types alone do not express.
fn check(frame: &Frame) -> Result<(), EntryError> {
    let rules = [
        (frame.context.len() == 2 && frame.context.iter().all(|url| !url.is_empty()), "@context is not two URLs"),
        (note::is_key_name(&frame.log), "log is not the origin of a log"),
        (frame.seq <= canonical::MAX_INTEGER, "seq is too large"),
        ((frame.seq == 0) == (frame.prev == GENESIS_PREV), "prev is all zeros in the first entry and in no other"),
        (instant::is_millis(&frame.time), "time is not UTC in milliseconds"),
        (
            instant::is_millis(&frame.occurred) || instant::is_seconds(&frame.occurred) || instant::is_day(&frame.occurred),
            "occurred is not an instant in UTC or a day",
        ),
        (is_event_name(&frame.event), "event is not of the form thing.past_tense"),
        ([&frame.actor.id, &frame.actor.role, &frame.actor.party].iter().all(|text| !text.is_empty()), "actor lacks its id, role or party"),
        (!frame.subjects.is_empty(), "subjects is empty"),
        (frame.subjects.iter().all(|subject| !subject.id.is_empty() && !subject.kind.is_empty()), "subjects lacks an id or a type"),
        (frame.subjects.is_sorted_by(|a, b| a < b), "subjects is not sorted, or names one twice"),
        (
            frame.batch.as_ref().is_none_or(|batch| !batch.id.is_empty() && batch.of.is_none_or(|of| of >= batch.part)),
            "batch has no id or too few parts",
        ),
        (frame.data.get("v").is_some_and(Value::is_u64), "data is not an object with a version v"),
    ];
    rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, which)| Err(EntryError::Member(which)))
}

/// Two or more words of lower-case letters, digits and `_`, joined by dots.
fn is_event_name(name: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase()) && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    name.contains('.') && name.split('.').all(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const DID: &str = "did:web:localhost%3A8080";

    fn signer() -> Signer {
        Signer::from_seed(format!("{DID}#entry-2026"), [3; 32])
    }

    fn did() -> DidDocument {
        DidDocument::new(DID, &[(signer().verification_method().to_owned(), signer().public())], None)
    }

    fn frame() -> Frame {
        Frame {
            context: vec!["https://w3id.org/security/data-integrity/v2".to_owned(), "http://localhost:8080/ns/quittance/v1".to_owned()],
            log: "localhost:8080/ledger".to_owned(),
            seq: 1,
            prev: [9; 32],
            time: "2026-11-23T10:31:02.009Z".to_owned(),
            occurred: "2026-11-23".to_owned(),
            event: "asset.registered".to_owned(),
            actor: Actor { id: "urn:uuid:1".to_owned(), role: "coordinator".to_owned(), party: "urn:uuid:2".to_owned() },
            subjects: vec![Subject { id: "urn:uuid:3".to_owned(), kind: "Asset".to_owned() }],
            batch: None,
            data: json!({"v": 1}),
        }
    }

    /// The same entry by the general road: a JSON value, secured.
    fn by_value(frame: &Frame) -> Vec<u8> {
        let mut document = json!({
            "@context": frame.context, "type": "LedgerEntry", "v": 1, "log": frame.log, "seq": frame.seq, "prev": digest::hex(&frame.prev),
            "time": frame.time, "occurred": frame.occurred, "event": frame.event,
            "actor": {"id": frame.actor.id, "role": frame.actor.role, "party": frame.actor.party},
            "subjects": frame.subjects.iter().map(|subject| json!({"id": subject.id, "type": subject.kind})).collect::<Vec<_>>(),
            "data": frame.data,
        });
        if let Some(batch) = &frame.batch {
            document["batch"] = json!({"id": batch.id, "part": batch.part});
            if let Some(of) = batch.of {
                document["batch"]["of"] = of.into();
            }
        }
        integrity::secure(document, &signer(), &instant::to_seconds(&frame.time).unwrap()).unwrap()
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![".{1,12}", "[\\x00-\\x7f]{1,12}"]
    }

    prop_compose! {
        fn any_frame()(
            context in prop::array::uniform2(any_text()), log in "[a-z.:/]{1,20}", seq in 0..=canonical::MAX_INTEGER, prev in any::<Hash>(),
            millis in 0..1000u32, event in "[a-z][a-z0-9_]{0,6}\\.[a-z][a-z0-9_]{0,6}", actor in prop::array::uniform3(any_text()),
            subjects in prop::collection::btree_set((any_text(), any_text()), 1..5),
            batch in prop::option::of((any_text(), 0..9u32, prop::option::of(9..12u32))),
            data in prop::collection::btree_map("[a-z\"\\\\]{2,6}", any_text(), 0..6), v in 0..100u64,
        ) -> Frame {
            let mut data: serde_json::Map<String, Value> = data.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
            data.insert("v".to_owned(), v.into());
            let [id, role, party] = actor;
            Frame {
                context: context.to_vec(), log, seq, prev: if seq == 0 { GENESIS_PREV } else { prev }, time: format!("2026-11-23T10:31:02.{millis:03}Z"),
                event, actor: Actor { id, role, party }, batch: batch.map(|(id, part, of)| Batch { id, part, of }), data: Value::Object(data),
                subjects: subjects.into_iter().map(|(id, kind)| Subject { id, kind }).collect(), ..frame()
            }
        }
    }

    proptest! {
        #[test]
        fn written_directly_equals_the_general_road_and_is_read_back(frame in any_frame()) {
            let sealed = seal(&frame, &signer()).unwrap();
            prop_assert_eq!(String::from_utf8(sealed.bytes.clone()).unwrap(), String::from_utf8(by_value(&frame)).unwrap());
            let entry = Entry::parse(&sealed.bytes).unwrap();
            prop_assert_eq!(entry.frame(), &frame);
            prop_assert_eq!(entry.leaf(), sealed.leaf);
            prop_assert_eq!(entry.verify(&did()), Ok(()));
            let value = canonical::parse(&sealed.bytes).unwrap();
            prop_assert_eq!(integrity::verify(&value, &did(), ENTRY_SCOPE), Ok(()));
        }
    }

    #[test]
    fn the_largest_entry_fits_and_one_byte_more_does_not() {
        let with = |length: usize| Frame { data: json!({"v": 1, "x": "a".repeat(length)}), ..frame() };
        let room = MAX_ENTRY_BYTES - seal(&with(0), &signer()).unwrap().bytes.len();
        // The base58 of a signature has 87 or 88 digits, so the exact edge moves by one with the content.
        let length = (room - 2..=room + 2).rev().find(|length| seal(&with(*length), &signer()).is_ok()).unwrap();
        assert!(seal(&with(length), &signer()).unwrap().bytes.len() >= MAX_ENTRY_BYTES - 1);
        let Err(EntryError::TooLarge { bytes }) = seal(&with(length + 2), &signer()) else { panic!("it must be refused") };
        assert!(bytes > MAX_ENTRY_BYTES);
    }

    #[test]
    fn a_frame_that_breaks_a_rule_is_not_sealed() {
        type Break = fn(&mut Frame);
        let breaks: [(Break, &str); 13] = [
            (|f| f.context.truncate(1), "@context"),
            (|f| f.log = "a b".to_owned(), "log"),
            (|f| f.seq = canonical::MAX_INTEGER + 1, "seq"),
            (|f| f.seq = 0, "prev"),
            (|f| f.prev = GENESIS_PREV, "prev"),
            (|f| f.time = "2026-11-23T10:31:02Z".to_owned(), "time"),
            (|f| f.occurred = "yesterday".to_owned(), "occurred"),
            (|f| f.event = "registered".to_owned(), "event"),
            (|f| f.actor.role.clear(), "actor"),
            (|f| f.subjects.clear(), "subjects"),
            (|f| f.subjects.push(f.subjects[0].clone()), "subjects"),
            (|f| f.batch = Some(Batch { id: "b".to_owned(), part: 3, of: Some(2) }), "batch"),
            (|f| f.data = json!([1]), "data"),
        ];
        for (change, member) in breaks {
            let mut broken = frame();
            change(&mut broken);
            let Err(EntryError::Member(which)) = seal(&broken, &signer()) else { panic!("{member} must be refused") };
            assert!(which.starts_with(member), "{which}");
        }
        assert_eq!(seal(&Frame { data: json!({"v": 1, "x": 0.5}), ..frame() }, &signer()), Err(EntryError::Canonical(NotCanonical::Number)));
    }

    #[test]
    fn only_exactly_these_members_are_read() {
        let original: Value = serde_json::from_slice(&seal(&frame(), &signer()).unwrap().bytes).unwrap();
        let changed = |change: fn(&mut Value)| {
            let mut value = original.clone();
            change(&mut value);
            Entry::parse(&canonical::to_vec(&value).unwrap())
        };
        assert!(changed(|_| ()).is_ok());
        assert_eq!(changed(|e| e["note"] = "x".into()), Err(EntryError::Canonical(NotCanonical::Spelling)));
        assert_eq!(changed(|e| e["actor"]["name"] = "x".into()), Err(EntryError::Canonical(NotCanonical::Spelling)));
        assert!(matches!(changed(|e| drop(e.as_object_mut().unwrap().remove("occurred"))), Err(EntryError::Form(_))));
        assert!(matches!(changed(|e| e["seq"] = "1".into()), Err(EntryError::Form(_))));
        assert!(matches!(changed(|e| e["prev"] = "00".into()), Err(EntryError::Form(_))));
        assert!(matches!(changed(|e| e["proof"]["proofValue"] = "z0".into()), Err(EntryError::Member(_))));
        assert_eq!(changed(|e| e["batch"] = Value::Null), Err(EntryError::Canonical(NotCanonical::Spelling)));
        assert_eq!(changed(|e| e["type"] = "Entry".into()), Err(EntryError::Canonical(NotCanonical::Spelling)));
        assert_eq!(changed(|e| e["v"] = 2.into()), Err(EntryError::Canonical(NotCanonical::Spelling)));
        assert_eq!(changed(|e| e["proof"]["@context"] = json!([])), Err(EntryError::Canonical(NotCanonical::Spelling)));
        assert_eq!(changed(|e| e["proof"]["created"] = "2026-11-23T10:31:03Z".into()), Err(EntryError::Canonical(NotCanonical::Spelling)));
        assert_eq!(changed(|e| e["proof"]["domain"] = "x".into()), Err(EntryError::Canonical(NotCanonical::Spelling)));
        let spaced = serde_json::to_vec_pretty(&original).unwrap();
        assert_eq!(Entry::parse(&spaced), Err(EntryError::Canonical(NotCanonical::Spelling)));
    }

    /// A good signature on something else than the entry is worth nothing.
    #[test]
    fn what_was_signed_with_an_own_key_states_this_entry_and_no_other() {
        let key = Signer::from_seed(String::new(), [6; 32]).public().multibase();
        let own = Signer::from_seed(format!("did:key:{key}#{key}"), [6; 32]);
        let entry = |event: &str, occurred: &str, statement: Value| {
            let signed: Value = serde_json::from_slice(&integrity::secure(statement, &own, "2026-11-23T10:31:02Z").unwrap()).unwrap();
            let data = json!({"v": 1, "host": "urn:uuid:9", "signed": signed});
            let frame = Frame { event: event.to_owned(), occurred: occurred.to_owned(), data, ..frame() };
            Entry::parse(&seal(&frame, &signer()).unwrap().bytes).unwrap().own_key()
        };
        let (seconds, millis) = ("2026-11-23T10:31:02Z", "2026-11-23T10:31:02.000Z");
        let statement = |what: &str, about: &str, when: &str| json!({"@context": ["https://w3id.org/security/data-integrity/v2"], "type": "Statement", "what": what, "about": about, "when": when});
        let good = statement("retire", "urn:uuid:3", seconds);
        assert_eq!(entry("asset.retired", millis, good.clone()), Ok(Some(format!("did:key:{key}"))));
        assert!(entry("media.recorded", seconds, statement("record_media", "urn:uuid:9", millis)).is_ok());
        let mut untyped = good.clone();
        untyped["type"] = "Letter".into();
        for (refused, why) in [
            (entry("asset.graded", millis, good.clone()), "does not give this event"),
            (entry("asset.retired", "2026-11-23T10:31:02.001Z", good), "another time"),
            (entry("asset.retired", millis, statement("retire", "urn:uuid:4", seconds)), "something else"),
            (entry("asset.retired", millis, statement("", "urn:uuid:3", seconds)), "does not give this event"),
            (entry("asset.retired", millis, untyped), "not a statement"),
        ] {
            assert!(refused.unwrap_err().to_string().contains(why), "{why}");
        }
        let mut altered = frame();
        altered.data = json!({"v": 1, "signed": {}});
        assert!(Entry::parse(&seal(&altered, &signer()).unwrap().bytes).unwrap().own_key().is_err());
    }

    #[test]
    fn only_an_entry_key_of_the_trusted_did_counts() {
        let issuer = Signer::from_seed(format!("{DID}#issuer-2026"), [4; 32]);
        let trusted = DidDocument::new(DID, &[(issuer.verification_method().to_owned(), issuer.public())], None);
        let by_issuer = Entry::parse(&seal(&frame(), &issuer).unwrap().bytes).unwrap();
        assert!(matches!(by_issuer.verify(&trusted), Err(Unproven::Key(_))));
        let other_key = Signer::from_seed(signer().verification_method().to_owned(), [5; 32]);
        let forged = Entry::parse(&seal(&frame(), &other_key).unwrap().bytes).unwrap();
        assert_eq!(forged.verify(&did()), Err(Unproven::Signature));
    }
}
