//! Entries about the log itself: its first entry and its keys.

use serde::{Deserialize, Serialize};

use super::names::{Digest, Name, Role, codes};
use super::parties::RegisterParty;
use super::records::{Records, Stop};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects};

codes! {
    /// What a key signs.
    KeyUse {
        Entry = "entry", "ledger entries";
        Issuer = "issuer", "certificates and status lists";
        Log = "log", "checkpoints";
    }
}

/// A public key and what it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicKeyFact {
    /// What it signs.
    pub signs: KeyUse,
    /// The verification method in the DID document, or the C2SP verifier key of the log.
    pub id: String,
    /// Multibase public key, or the C2SP verifier key again.
    pub public_key: String,
}

/// Starts the log: given once, by `init`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenLog {
    /// The log's name: its address without scheme.
    pub origin: String,
    /// The accountable organisation's name.
    pub name: Name,
    /// The DID.
    pub did: String,
    /// SHA-256 of the DID document.
    pub did_document_sha256: Digest,
    /// Every key.
    pub keys: Vec<PublicKeyFact>,
    /// The accountable organisation: registered in the same act, so that there is never a record without one.
    pub organisation: RegisterParty,
}

/// `log.genesis`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogGenesis {
    /// The accountable organisation's name.
    pub name: Name,
    /// The DID.
    pub did: String,
    /// SHA-256 of the DID document.
    pub did_document_sha256: Digest,
}

/// `key.added`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyAdded {
    /// The key.
    pub key: PublicKeyFact,
    /// SHA-256 of the DID document that lists it.
    pub did_document_sha256: Digest,
}

impl Order for OpenLog {
    const ROLES: &'static [Role] = &[Role::Service];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let log = Subject::new(SubjectKind::Log, &self.origin);
        let genesis = LogGenesis { name: self.name.clone(), did: self.did.clone(), did_document_sha256: self.did_document_sha256.clone() };
        let mut happenings = vec![Happening::new(genesis, [log.clone()])];
        for key in &self.keys {
            let added = KeyAdded { key: key.clone(), did_document_sha256: self.did_document_sha256.clone() };
            happenings.push(Happening::new(added, [log.clone()]));
        }
        happenings.extend(self.organisation.decide(known, occasion)?);
        Ok(happenings)
    }
}

impl Fact for LogGenesis {
    fn apply(&self, _about: &Subjects, _stamp: &Stamp, _known: &mut Records) {}
    fn sentence(&self) -> String {
        format!("The record of {} begins.", self.name)
    }
}

impl Fact for KeyAdded {
    fn apply(&self, _about: &Subjects, _stamp: &Stamp, _known: &mut Records) {}
    fn sentence(&self) -> String {
        format!("Key added, for {}: {}.", self.key.signs.label(), self.key.id)
    }
}
