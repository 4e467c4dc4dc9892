//! The W3C Data Integrity proof `eddsa-jcs-2022` (Recommendation of 2025-05-15): one JSON document, one Ed25519 signature.

use std::fmt;

use serde_json::{Map, Value, json};

use super::canonical::{self, NotCanonical};
use super::digest::sha256;
use super::identity::{DidDocument, PublicKey, Signer};
use super::instant;

/// The name of the cryptosuite.
pub const CRYPTOSUITE: &str = "eddsa-jcs-2022";
/// What every proof of ours is made for.
pub const PURPOSE: &str = "assertionMethod";
/// The longest base58 text that 64 bytes can give, with its `z`.
const PROOF_VALUE_LENGTH: usize = 89;

/// Why a document, or its proof, does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unproven {
    /// No proof, several, or something missing, unknown or misspelt in the proof or the document; the text says what.
    Form(&'static str),
    /// The proof covers another `@context` than the document has.
    Context,
    /// The document has no canonical form.
    Canonical(NotCanonical),
    /// The key that the proof names is not one that the trusted DID document lets sign this kind of document.
    Key(String),
    /// The signature is not by that key over these bytes.
    Signature,
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(what) => f.write_str(what),
            Self::Context => f.write_str("the proof was made for another @context"),
            Self::Canonical(why) => why.fmt(f),
            Self::Key(method) => write!(f, "the trusted DID document does not let the key {method} sign this"),
            Self::Signature => f.write_str("the signature does not match the content"),
        }
    }
}

impl std::error::Error for Unproven {}

impl From<NotCanonical> for Unproven {
    fn from(why: NotCanonical) -> Self {
        Self::Canonical(why)
    }
}

/// Adds the proof to `document`, which must be an object with `@context` and without `proof`, and gives the canonical bytes of
/// the whole. `created` is UTC in whole seconds, `2026-11-23T10:31:02Z`.
pub fn secure(mut document: Value, signer: &Signer, created: &str) -> Result<Vec<u8>, Unproven> {
    require([
        (document.get("@context").is_some(), "it is not a JSON object with @context"),
        (document.get("proof").is_none(), "it already carries a proof"),
        (instant::is_seconds(created), "the time of the proof is not UTC in whole seconds"),
    ])?;
    let mut proof = json!({
        "@context": document.get("@context"), "type": "DataIntegrityProof", "cryptosuite": CRYPTOSUITE, "created": created,
        "verificationMethod": signer.verification_method(), "proofPurpose": PURPOSE,
    });
    let signature = signer.sign(&hash_data(&canonical::to_vec(&proof)?, &canonical::to_vec(&document)?));
    if let (Some(proof), Some(document)) = (proof.as_object_mut(), document.as_object_mut()) {
        proof.insert("proofValue".to_owned(), Value::String(proof_value(&signature)));
        document.insert("proof".to_owned(), Value::Object(std::mem::take(proof)));
    }
    Ok(canonical::to_vec(&document)?)
}

/// Checks the proof of `document` against a trusted DID document: one proof, made for this `@context`, with a key that the DID
/// lets assert and whose fragment starts with `scope`.
pub fn verify(document: &Value, did: &DidDocument, scope: &str) -> Result<(), Unproven> {
    let method = document.get("proof").and_then(|proof| proof.get("verificationMethod")).and_then(Value::as_str);
    let method = method.ok_or(Unproven::Form("the document has no single proof that names a key"))?;
    let key = did.key_in_scope(method, scope).ok_or_else(|| Unproven::Key(method.to_owned()))?;
    verify_with(document, &key)
}

/// Checks the proof of `document` against one key, whatever name the proof gives it.
pub fn verify_with(document: &Value, key: &PublicKey) -> Result<(), Unproven> {
    let members = document.as_object().ok_or(Unproven::Form("the document is not a JSON object"))?;
    let proof = members.get("proof").and_then(Value::as_object).ok_or(Unproven::Form("the document has no single proof"))?;
    check_form(proof)?;
    if proof.get("@context") != members.get("@context") {
        return Err(Unproven::Context);
    }
    let signature = proof.get("proofValue").and_then(Value::as_str).and_then(read_proof_value);
    let signature = signature.ok_or(Unproven::Form("the proofValue is not a base58 Ed25519 signature"))?;

    let without = |members: &Map<String, Value>, name: &str| {
        let mut members = members.clone();
        members.remove(name);
        canonical::to_vec(&Value::Object(members))
    };
    let hashes = hash_data(&without(proof, "proofValue")?, &without(members, "proof")?);
    if key.verify(&hashes, &signature) { Ok(()) } else { Err(Unproven::Signature) }
}

/// Checks the proof of `document` with the key that it names itself, a did:key; gives that DID. Whose key it is, others have to say.
pub fn verify_own(document: &Value) -> Result<String, Unproven> {
    let method = document.pointer("/proof/verificationMethod").and_then(Value::as_str).unwrap_or_default();
    let own = method.strip_prefix("did:key:").and_then(|rest| rest.split_once('#')).filter(|(did, fragment)| did == fragment);
    let key = own.and_then(|(key, _)| PublicKey::from_multibase(key).ok()).ok_or_else(|| Unproven::Key(method.to_owned()))?;
    verify_with(document, &key).map(|()| format!("did:key:{}", key.multibase()))
}

/// What is signed: the hash of the canonical proof options, then the hash of the canonical document.
pub fn hash_data(proof_options: &[u8], document: &[u8]) -> [u8; 64] {
    let mut hashes = [0; 64];
    for (byte, from) in hashes.iter_mut().zip(sha256(proof_options).iter().chain(&sha256(document))) {
        *byte = *from;
    }
    hashes
}

/// `z` and base58btc of the signature. Written out here because sealing is serial and a general encoder, which goes byte by
/// byte, takes a fifth of the time of signing: this one divides 32-bit limbs by 58^5 and gets five digits at a time.
pub fn proof_value(signature: &[u8; 64]) -> String {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let (chunks, _) = signature.as_chunks::<4>();
    let mut limbs: Vec<u64> = chunks.iter().map(|chunk| u64::from(u32::from_be_bytes(*chunk))).collect();
    let mut digits = Vec::with_capacity(PROOF_VALUE_LENGTH + 4);
    while limbs.iter().any(|limb| *limb != 0) {
        let mut rest = 0;
        for limb in &mut limbs {
            let dividend = rest << 32 | *limb;
            (*limb, rest) = (dividend / 58_u64.pow(5), dividend % 58_u64.pow(5));
        }
        for _ in 0..5 {
            digits.extend(usize::try_from(rest % 58).ok().and_then(|digit| ALPHABET.get(digit)));
            rest /= 58;
        }
    }
    // One `1` for each leading zero byte, and none for the leading zeros of the last five digits.
    digits.truncate(digits.iter().rposition(|digit| *digit != b'1').map_or(0, |last| last + 1));
    digits.extend(signature.iter().take_while(|byte| **byte == 0).map(|_| b'1'));
    std::iter::once('z').chain(digits.into_iter().rev().map(char::from)).collect()
}

/// Reads a `proofValue`; `None` if it is not 64 bytes in base58btc.
pub fn read_proof_value(text: &str) -> Option<[u8; 64]> {
    let encoded = text.strip_prefix('z').filter(|_| text.len() <= PROOF_VALUE_LENGTH)?;
    bs58::decode(encoded).into_vec().ok()?.try_into().ok()
}

/// Exactly the seven members that we write, each of the right kind.
fn check_form(proof: &Map<String, Value>) -> Result<(), Unproven> {
    let text = |member: &str| proof.get(member).and_then(Value::as_str);
    let whole = proof.len() == 7 && proof.contains_key("@context") && text("verificationMethod").is_some();
    require([
        (text("type") == Some("DataIntegrityProof"), "the proof is not a DataIntegrityProof"),
        (text("cryptosuite") == Some(CRYPTOSUITE), "the cryptosuite of the proof is not eddsa-jcs-2022"),
        (text("proofPurpose") == Some(PURPOSE), "the purpose of the proof is not assertionMethod"),
        (text("created").is_some_and(instant::is_seconds), "the proof does not say when it was created, in UTC and whole seconds"),
        (whole, "the proof has missing or unknown members"),
    ])
}

/// The text beside the first rule that does not hold is what is wrong with the form.
pub(super) fn require<const N: usize>(rules: [(bool, &'static str); N]) -> Result<(), Unproven> {
    rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, why)| Err(Unproven::Form(why)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> Signer {
        Signer::from_seed("did:web:a.example#issuer-1".to_owned(), [7; 32])
    }

    fn did() -> DidDocument {
        DidDocument::new("did:web:a.example", &[("did:web:a.example#issuer-1".to_owned(), signer().public())], None)
    }

    fn secured() -> Value {
        let document = json!({"@context": ["https://www.w3.org/ns/credentials/v2"], "name": "Zoë \u{1}"});
        serde_json::from_slice(&secure(document, &signer(), "2026-11-23T10:31:02Z").unwrap()).unwrap()
    }

    #[test]
    fn what_is_secured_verifies_in_scope_only() {
        assert_eq!(verify(&secured(), &did(), "issuer-"), Ok(()));
        assert!(matches!(verify(&secured(), &did(), "entry-"), Err(Unproven::Key(_))));
        let stranger = DidDocument::new("did:web:b.example", &[("did:web:a.example#issuer-1".to_owned(), signer().public())], None);
        assert!(matches!(verify(&secured(), &stranger, "issuer-"), Err(Unproven::Key(_))));
    }

    proptest::proptest! {
        #[test]
        fn the_quick_base58_equals_the_general_one(signature: [u8; 32], zeros in 0..65_usize) {
            let mut signature: [u8; 64] = [signature, signature].concat().try_into().unwrap();
            signature[..zeros].fill(0);
            assert_eq!(proof_value(&signature), format!("z{}", bs58::encode(signature).into_string()));
            assert_eq!(read_proof_value(&proof_value(&signature)), Some(signature));
        }
    }

    #[test]
    fn each_change_has_its_finding() {
        type Change = fn(&mut Value);
        let cases: [(Change, Unproven); 7] = [
            (|d| d["name"] = "Zoe".into(), Unproven::Signature),
            (|d| d["@context"] = json!(["https://other.example"]), Unproven::Context),
            (|d| d["proof"]["created"] = "2026-11-23T10:31:03Z".into(), Unproven::Signature),
            (|d| d["proof"]["cryptosuite"] = "eddsa-rdfc-2022".into(), Unproven::Form("the cryptosuite of the proof is not eddsa-jcs-2022")),
            (|d| d["proof"]["domain"] = "x".into(), Unproven::Form("the proof has missing or unknown members")),
            (|d| d["proof"] = json!([d["proof"].clone()]), Unproven::Form("the document has no single proof that names a key")),
            (|d| d["size"] = json!(1.5), Unproven::Canonical(NotCanonical::Number)),
        ];
        for (change, finding) in cases {
            let mut document = secured();
            change(&mut document);
            assert_eq!(verify(&document, &did(), "issuer-"), Err(finding));
        }
    }
}
