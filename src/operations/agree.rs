//! The agreement of an outside party's person to sign electronically: shown at the first sign-in, recorded as an entry, asked for again when its words change.

use super::Service;
use crate::domain::Actor;
use crate::domain::names::{Digest, PartyId, PersonId, SignedIn};
use crate::domain::parties::Party;
use crate::domain::vendors::AgreeToSign;
use crate::error::Result;
use crate::proof::digest::{hex, sha256};
use crate::store::people::Person;
use crate::store::tables;

/// Its words.
const DOCUMENT: &str = include_str!("agreement.txt");

/// Its paragraphs, as they are shown.
pub fn paragraphs() -> Vec<&'static str> {
    DOCUMENT.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()).collect()
}

/// SHA-256 of its words: which version of it.
pub fn digest() -> String {
    hex(&sha256(DOCUMENT.as_bytes()))
}

fn party(service: &Service, person: &Person) -> Result<Option<Party>> {
    tables::find::<Party>(&mut *service.app.read()?, &PartyId::parse(&person.party)?)
}

/// The name of a person's party.
pub fn party_name(service: &Service, person: &Person) -> Result<String> {
    Ok(party(service, person)?.map(|party| party.name.to_string()).unwrap_or_default())
}

/// Whether a person has agreed to the words of today.
pub fn has_agreed(service: &Service, person: &Person) -> Result<bool> {
    let (id, document) = (PersonId::parse(&person.id)?, Digest::parse(&digest())?);
    Ok(party(service, person)?.is_some_and(|party| party.has_agreed(&id, &document)))
}

/// Records that a person agrees.
pub fn agree(service: &Service, person: &Person, how: SignedIn) -> Result<()> {
    let actor = Actor { signed_in: Some(how), ..person.actor()? };
    service.recorder.record_waiting(AgreeToSign { document: Digest::parse(&digest())? }, &actor, None, None).map(drop)
}
