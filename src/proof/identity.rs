//! Who signs: Ed25519 keys, and the DID document that says which key may sign what.

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde_json::{Value, json};

use super::canonical;

/// Ledger entries are signed only by methods whose fragment starts so.
pub const ENTRY_SCOPE: &str = "entry-";
/// Certificates and status lists are signed only by methods whose fragment starts so.
pub const ISSUER_SCOPE: &str = "issuer-";

/// The multicodec prefix of an Ed25519 public key.
const ED25519_PUBLIC: [u8; 2] = [0xed, 0x01];
/// The longest base58 text that 34 bytes can give, with its `z`.
const MULTIKEY_LENGTH: usize = 48;

/// An Ed25519 public key that signatures can be believed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads the 32 bytes of RFC 8032; refuses points of small order and non-canonical spellings, by which signatures prove nothing. The error is a sentence.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, String> {
        let key = VerifyingKey::from_bytes(bytes).ok().filter(|key| key.to_edwards().compress().to_bytes() == *bytes && !key.is_weak());
        key.map(Self).ok_or_else(|| "the key is a weak or non-canonical Ed25519 point".to_owned())
    }

    /// Reads `z6Mk…`: base58btc of 0xed 0x01 and the 32 bytes.
    pub fn from_multibase(text: &str) -> Result<Self, String> {
        let encoded = text.strip_prefix('z').filter(|_| text.len() <= MULTIKEY_LENGTH);
        let bytes = encoded.and_then(|encoded| bs58::decode(encoded).into_vec().ok()).unwrap_or_default();
        let key = bytes.strip_prefix(&ED25519_PUBLIC).and_then(|key| key.try_into().ok());
        Self::from_bytes(key.ok_or_else(|| "the key is not an Ed25519 public key in Multikey form (z6Mk…)".to_owned())?)
    }

    /// `z6Mk…`, as `publicKeyMultibase` carries it.
    pub fn multibase(&self) -> String {
        format!("z{}", bs58::encode([&ED25519_PUBLIC[..], self.0.as_bytes()].concat()).into_string())
    }

    /// The 32 bytes of RFC 8032.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Whether `signature` over `message` is by this key, by the strict rules (RFC 8032 without cofactor, no weak or non-canonical points).
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

/// A private key together with the name that verifiers look its public key up by. Shows no secret when printed.
#[derive(Clone)]
pub struct Signer {
    verification_method: String,
    key: SigningKey,
    /// The same key for the service, which signs every entry while the next one waits for it: Ed25519 is deterministic (RFC 8032), so whoever signs,
    /// the bytes are the same, and they are half as long in coming.
    #[cfg(feature = "service")]
    quick: Option<std::sync::Arc<aws_lc_rs::signature::Ed25519KeyPair>>,
}

impl Signer {
    /// `verification_method` is the full DID URL of the key; `seed` the 32 secret bytes of RFC 8032.
    pub fn from_seed(verification_method: String, seed: [u8; 32]) -> Self {
        Self {
            verification_method,
            key: SigningKey::from_bytes(&seed),
            #[cfg(feature = "service")]
            quick: aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&seed).ok().map(std::sync::Arc::new),
        }
    }

    /// The full DID URL of the key.
    pub fn verification_method(&self) -> &str {
        &self.verification_method
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.key.verifying_key())
    }

    /// The Ed25519 signature over `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        #[cfg(feature = "service")]
        if let Some(signature) = self.quick.as_ref().and_then(|key| key.sign(message).as_ref().try_into().ok()) {
            return signature;
        }
        self.key.sign(message).to_bytes()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("verification_method", &self.verification_method).finish_non_exhaustive()
    }
}

/// A DID document: the organisation's name on the wire and the keys that may sign for it. Keys that stand in it without being
/// listed under `assertionMethod`, or under another controller, are not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DidDocument {
    id: String,
    keys: Vec<(String, PublicKey)>,
    service_endpoint: Option<String>,
}

impl DidDocument {
    /// `keys` are full DID URLs with their keys; all of them may sign. `service_endpoint` is the URL of the ledger.
    pub fn new(did: &str, keys: &[(String, PublicKey)], service_endpoint: Option<&str>) -> Self {
        Self { id: did.to_owned(), keys: keys.to_vec(), service_endpoint: service_endpoint.map(str::to_owned) }
    }

    /// Reads a DID document in any JSON spelling. A listed key that cannot be read is an error, not a missing key.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let wrong = |what: &str| format!("the DID document {what}");
        let document: Value = serde_json::from_slice(bytes).map_err(|_| wrong("is not JSON"))?;
        let text = |value: &Value, member: &str| value.get(member).and_then(Value::as_str).map(str::to_owned);
        let list = |member: &str| document.get(member).and_then(Value::as_array).map(Vec::as_slice);

        let id = text(&document, "id").filter(|id| id.starts_with("did:") && !id.contains('#')).ok_or_else(|| wrong("has no id that is a DID"))?;
        let assertion = list("assertionMethod").ok_or_else(|| wrong("lists no assertionMethod"))?;
        let allowed = assertion.iter().map(Value::as_str).collect::<Option<Vec<_>>>();
        let allowed = allowed.ok_or_else(|| wrong("has an assertionMethod that is not the id of a key"))?;

        let mut keys: Vec<(String, PublicKey)> = Vec::new();
        for method in list("verificationMethod").ok_or_else(|| wrong("lists no verificationMethod"))? {
            let name = text(method, "id").ok_or_else(|| wrong("has a verificationMethod without an id"))?;
            if !allowed.contains(&name.as_str()) || text(method, "controller").as_deref() != Some(&id) {
                continue;
            }
            if !name.strip_prefix(&id).is_some_and(|fragment| fragment.starts_with('#')) {
                return Err(wrong(&format!("names the key {name}, which is not one of its own")));
            }
            if text(method, "type").as_deref() != Some("Multikey") {
                return Err(wrong(&format!("has the key {name} of a type other than Multikey")));
            }
            if keys.iter().any(|(known, _)| *known == name) {
                return Err(wrong(&format!("has the key {name} twice")));
            }
            let key = PublicKey::from_multibase(&text(method, "publicKeyMultibase").unwrap_or_default())?;
            keys.push((name, key));
        }
        let service_endpoint = list("service").and_then(|services| services.first()).and_then(|service| text(service, "serviceEndpoint"));
        Ok(Self { id, keys, service_endpoint })
    }

    /// The document as it is served, in canonical JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        let names: Vec<&String> = self.keys.iter().map(|(name, _)| name).collect();
        let method =
            |(name, key): &(String, PublicKey)| json!({"id": name, "type": "Multikey", "controller": self.id, "publicKeyMultibase": key.multibase()});
        let mut document = json!({
            "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"], "id": self.id,
            "verificationMethod": self.keys.iter().map(method).collect::<Vec<_>>(), "assertionMethod": names,
        });
        if let (Some(endpoint), Some(members)) = (&self.service_endpoint, document.as_object_mut()) {
            let service = json!([{"id": format!("{}#ledger", self.id), "type": "TransparencyLog", "serviceEndpoint": endpoint}]);
            members.insert("service".to_owned(), service);
        }
        // It holds only strings under ASCII names, which always have a canonical form.
        canonical::to_vec(&document).unwrap_or_default()
    }

    /// The DID.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key of a full DID URL, if it may make assertions for this DID.
    pub fn key(&self, verification_method: &str) -> Option<PublicKey> {
        self.keys.iter().find(|(name, _)| name == verification_method).map(|(_, key)| key.clone())
    }

    /// The same, if the fragment of the URL starts with `scope` ([`ENTRY_SCOPE`], [`ISSUER_SCOPE`]).
    pub fn key_in_scope(&self, verification_method: &str, scope: &str) -> Option<PublicKey> {
        let fragment = verification_method.strip_prefix(&self.id)?.strip_prefix('#')?;
        if fragment.starts_with(scope) { self.key(verification_method) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DID: &str = "did:web:localhost%3A8080";

    fn document() -> DidDocument {
        let key = |byte| Signer::from_seed(String::new(), [byte; 32]).public();
        DidDocument::new(DID, &[(format!("{DID}#issuer-2026"), key(1)), (format!("{DID}#entry-2026"), key(2))], Some("http://localhost:8080/ledger/"))
    }

    #[cfg(feature = "service")]
    #[test]
    fn whoever_signs_the_bytes_are_the_same() {
        for n in 0..64_u8 {
            let signer = Signer::from_seed(String::new(), [n; 32]);
            let message = vec![n; usize::from(n) * 7];
            assert!(signer.quick.is_some());
            assert_eq!(signer.sign(&message), signer.key.sign(&message).to_bytes());
        }
    }

    #[test]
    fn a_document_is_read_back_and_canonical() {
        let bytes = document().to_bytes();
        assert!(canonical::parse(&bytes).is_ok());
        assert_eq!(DidDocument::parse(&bytes).unwrap(), document());
    }

    #[test]
    fn a_key_signs_only_if_listed_controlled_and_in_scope() {
        let method = format!("{DID}#entry-2026");
        assert!(document().key(&method).is_some());
        assert!(document().key("#entry-2026").is_none());
        assert!(document().key_in_scope(&method, ENTRY_SCOPE).is_some());
        assert!(document().key_in_scope(&method, ISSUER_SCOPE).is_none());
        let mut value: Value = serde_json::from_slice(&document().to_bytes()).unwrap();
        value["assertionMethod"] = serde_json::json!([format!("{DID}#issuer-2026")]);
        assert!(DidDocument::parse(value.to_string().as_bytes()).unwrap().key(&method).is_none());
        let mut value: Value = serde_json::from_slice(&document().to_bytes()).unwrap();
        value["verificationMethod"][1]["controller"] = "did:web:other.example".into();
        assert!(DidDocument::parse(value.to_string().as_bytes()).unwrap().key(&method).is_none());
    }

    #[test]
    fn weak_and_malformed_keys_are_refused() {
        let multikey = |bytes: [u8; 32]| format!("z{}", bs58::encode([&ED25519_PUBLIC[..], &bytes].concat()).into_string());
        let mut identity_point = [0; 32];
        identity_point[0] = 1;
        // y = p + 3, which decodes to the same point as y = 3 in a lax reader
        let mut not_reduced = [0xff; 32];
        (not_reduced[0], not_reduced[31]) = (0xf0, 0x7f);
        for weak in [[0; 32], identity_point, not_reduced] {
            assert!(PublicKey::from_multibase(&multikey(weak)).unwrap_err().contains("weak"));
        }
        let good = document().key(&format!("{DID}#entry-2026")).unwrap().multibase();
        assert!(PublicKey::from_multibase(&good).is_ok());
        for wrong in ["", "z", &good[1..], &format!("{good}1"), "z6Mk0OIl"] {
            assert!(PublicKey::from_multibase(wrong).unwrap_err().contains("Multikey"), "{wrong}");
        }
    }
}
