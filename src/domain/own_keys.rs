//! Keys of their own: a party's people may sign what they state with a key that the service does not have. The write path has checked the signature;
//! here is decided whether the key counts.

use serde::{Deserialize, Serialize};

use super::names::{PartyId, Role};
use super::parties::{self, Party};
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects};

/// A key of a party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnKey {
    /// `did:key:z6Mk…`
    pub key: OwnKeyId,
    /// The entry that registered it.
    pub registered: u64,
    /// The entry that revoked it.
    pub revoked: Option<u64>,
}

/// An Ed25519 key as a DID, `did:key:z6Mk…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OwnKeyId(String);

impl OwnKeyId {
    /// Accepts the form; whether the point is good the write path has found out.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let digits = text.strip_prefix("did:key:z6Mk").unwrap_or_default();
        if (40..=46).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Refusal::new("own_keys.not_a_key", "A key is written did:key:z6Mk…, as `quittance sign --new` printed it; copy it again."))
    }
    /// `did:key:z6Mk…`
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl TryFrom<String> for OwnKeyId {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Refusal> {
        Self::parse(&text)
    }
}
impl From<OwnKeyId> for String {
    fn from(key: OwnKeyId) -> String {
        key.0
    }
}

/// Most keys that a party has at once.
const MOST_KEYS: usize = 50;

/// Registers a key of the party of whoever gives the command. The command itself is signed with the key: proof that they have it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterKey {
    /// The key.
    pub key: OwnKeyId,
}

/// Revokes a key: from now on nothing signed with it is taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeKey {
    /// The key.
    pub key: OwnKeyId,
    /// Whose key; one's own party where none is given.
    pub party: Option<PartyId>,
}

/// `party.key_registered`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRegistered {
    /// The key.
    pub key: OwnKeyId,
}

/// `party.key_revoked`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRevoked {
    /// The key.
    pub key: OwnKeyId,
}

impl Party {
    /// Whether a key is this party's and not revoked.
    pub fn has_live_key(&self, key: &str) -> bool {
        self.keys.iter().any(|own| own.key.as_str() == key && own.revoked.is_none())
    }
}

/// What is signed is signed with a live key of the party of whoever gives it.
pub fn require_live(known: &Records, occasion: &Occasion) -> Result<(), Stop> {
    let Some(key) = occasion.signed_by else { return Ok(()) };
    if parties::require(known, &occasion.actor.party)?.has_live_key(key) {
        return Ok(());
    }
    let why = format!("{key} is no live key of your party; register it first (register_key), or sign with one that is registered.");
    Err(Refusal::new("own_keys.not_live", why).into())
}

impl Order for RegisterKey {
    const ROLES: &'static [Role] = &[Role::Administrator, Role::Coordinator, Role::Approver, Role::VendorOperator, Role::VendorVerifier];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let party = parties::require(known, &occasion.actor.party)?;
        if let Some(own) = party.keys.iter().find(|own| own.key == self.key) {
            let cause = Cause::Entry(own.revoked.unwrap_or(own.registered));
            let why = if own.revoked.is_some() { "This key was revoked; make a new one." } else { "This key is registered already." };
            return Err(Refusal::new("own_keys.known", why).because(cause).into());
        }
        if known.owner(&Party::own_key(&self.key))?.is_some() {
            let why = "This key is another party's; make one of your own (`quittance sign --new`) and register that.";
            return Err(Refusal::new("own_keys.known", why).into());
        }
        if party.keys.iter().filter(|own| own.revoked.is_none()).count() >= MOST_KEYS {
            let why = format!("{} has {MOST_KEYS} keys; revoke one that is not used any more.", party.name);
            return Err(Refusal::new("own_keys.too_many", why).into());
        }
        if occasion.signed_by != Some(self.key.as_str()) {
            let why = "Send this command signed with the key itself (`quittance sign`), as the member signed: that shows that you have it.";
            return Err(Refusal::new("own_keys.no_possession", why).into());
        }
        Ok(vec![Happening::new(KeyRegistered { key: self.key.clone() }, [Subject::new(SubjectKind::Party, party.id.as_str())])])
    }
}

impl Order for RevokeKey {
    const ROLES: &'static [Role] = RegisterKey::ROLES;

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let id = self.party.as_ref().unwrap_or(&occasion.actor.party);
        if id != &occasion.actor.party && occasion.actor.role != Role::Administrator {
            return Err(Refusal::new("own_keys.not_yours", "Only an administrator revokes another party's key; ask one.").into());
        }
        let party = parties::require(known, id)?;
        match party.keys.iter().find(|own| own.key == self.key) {
            None => Err(Refusal::new("own_keys.unknown", format!("{} has no such key; copy it again.", party.name)).into()),
            Some(OwnKey { revoked: Some(seq), .. }) => {
                Err(Refusal::new("own_keys.revoked", "This key is revoked already.").because(Cause::Entry(*seq)).into())
            }
            Some(_) => Ok(vec![Happening::new(KeyRevoked { key: self.key.clone() }, [Subject::new(SubjectKind::Party, party.id.as_str())])]),
        }
    }
}

impl Fact for KeyRegistered {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        if let Some(id) = about.party() {
            let own = OwnKey { key: self.key.clone(), registered: stamp.seq, revoked: None };
            known.change::<Party>(&id, stamp.seq, |party| party.keys.push(own));
        }
    }
    fn sentence(&self) -> String {
        format!("Key of its own registered: {}.", self.key.as_str())
    }
}

impl Fact for KeyRevoked {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        if let Some(id) = about.party() {
            known.change::<Party>(&id, stamp.seq, |party| {
                party.keys.iter_mut().filter(|own| own.key == self.key).for_each(|own| own.revoked = Some(stamp.seq));
            });
        }
    }
    fn sentence(&self) -> String {
        format!("Key of its own revoked: {}.", self.key.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::story::{Story, VENDOR, actor};
    use super::*;

    const KEY: &str = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";

    #[test]
    fn a_key_counts_from_its_registration_to_its_revocation() {
        let mut story = Story::new();
        let operator = actor(Role::VendorOperator, VENDOR, 1);
        let body = json!({"key": KEY});
        story.refused(&operator, "register_key", body.clone(), "own_keys.no_possession");
        assert_eq!(story.when_signed(&operator, Some(KEY), "revoke_key", body.clone()).unwrap_err().code, "own_keys.not_live");
        story.done_signed(&operator, KEY, "register_key", body.clone());
        story.refused(&operator, "register_key", body.clone(), "own_keys.known");
        // Whatever it signs is taken now, and what others sign with it is not.
        assert_eq!(story.when_signed(&operator, Some(KEY), "revoke_key", json!({"key": KEY, "party": null})).unwrap().len(), 1);
        let stranger = actor(Role::VendorOperator, super::super::story::OTHER, 1);
        assert_eq!(story.when_signed(&stranger, Some(KEY), "revoke_key", body.clone()).unwrap_err().code, "own_keys.not_live");
        story.refused(&stranger, "revoke_key", json!({"key": KEY, "party": VENDOR}), "own_keys.not_yours");
        // Nor can another party have it, then or later.
        assert_eq!(story.when_signed(&stranger, Some(KEY), "register_key", body.clone()).unwrap_err().code, "own_keys.known");
        story.done(&operator, "revoke_key", body.clone());
        assert_eq!(story.when_signed(&stranger, Some(KEY), "register_key", body.clone()).unwrap_err().code, "own_keys.known");
        assert_eq!(story.when_signed(&operator, Some(KEY), "register_key", body.clone()).unwrap_err().code, "own_keys.known");
        story.refused(&operator, "revoke_key", body, "own_keys.revoked");
        for wrong in ["", "did:key:z6Mk", "did:web:a.example", "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2do/"] {
            assert!(OwnKeyId::parse(wrong).is_err(), "{wrong}");
        }
    }
}
