//! Makes a one-time link, or a driver's code: the entry that there is one, and in the same transaction the hash of its secret. The secret itself is in the answer alone.

use std::sync::Arc;

use super::Service;
use super::once::{Once, Outcome, once};
use super::record::{Beside, Receipt, Terms};
use crate::app::{now, seed};
use crate::domain::Actor;
use crate::domain::consignment::Consignment;
use crate::domain::handoff::OfferAcceptance;
use crate::domain::letters::{Language, Letter, LinkSent};
use crate::domain::links::{CreateLink, OneTimeLink};
use crate::domain::names::{ConsignmentId, PartyId, PersonId, Role, SignedIn};
use crate::error::{Error, Result};
use crate::store::idempotency::RequestKey;
use crate::store::links::{self, LinkSecret};
use crate::store::outbox::{self, To};
use crate::store::{Database, tables};

/// A link that was made.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Created {
    /// Its id, by which it can be revoked.
    pub link: PersonId,
    /// Where it leads; shown once. None where the request is answered from before: revoke that link and make another one.
    pub address: Option<String>,
}

/// Makes a link for one consignment, and has it sent to an address where one is given.
pub fn create(
    service: &Service,
    actor: &Actor,
    consignment: &ConsignmentId,
    days: Option<u16>,
    to: Option<(String, Language)>,
    key: Option<&RequestKey>,
) -> Result<Outcome<Created>> {
    once(service, key, || {
        let link = PersonId::from_uuid(uuid::Builder::from_random_bytes(seed()?.to_be_bytes()).into_uuid());
        let secret = links::new_secret()?;
        let row = LinkSecret { id: link.to_string(), consignment: consignment.to_string(), secret_sha256: links::secret_digest(&secret) };
        let told = Created { link: link.clone(), address: None };
        let address = format!("{}/r/{secret}", service.app.identity.public_url);
        let (sent, of, to) = (address.clone(), consignment.clone(), to.clone());
        let beside = move |db: &mut Database, receipt: &Receipt| {
            links::add(db, &row)?;
            match &to {
                Some((to, language)) => send(db, receipt, &of, &row.id, &sent, To::Address(to.clone(), *language)),
                None => Ok(()),
            }
        };
        let terms = Terms {
            beside: Some(Arc::new(beside)),
            // What is kept for repeated requests is no place for a secret.
            once: Once::created(key, move |_| Ok(told.clone())),
            ..Terms::default()
        };
        let command = CreateLink { consignment: consignment.clone(), link: link.clone(), days };
        service.recorder.record_once(command, actor, terms)?.map(|_| Ok(Created { link, address: Some(address) }))
    })
}

/// Writes the letter that brings a link to its receiver, in the transaction that makes the link.
fn send(db: &mut Database, receipt: &Receipt, consignment: &ConsignmentId, link: &str, address: &str, to: To) -> Result<()> {
    let (Some(at), Some(entry)) = (receipt.time, receipt.entries.first()) else { return Ok(()) };
    let Some(consignment) = tables::find::<Consignment>(db, consignment)? else { return Ok(()) };
    let Some(made) = consignment.links.iter().find(|made| made.id.as_str() == link) else { return Ok(()) };
    let letter = LinkSent {
        address: address.to_owned(),
        reference: consignment.reference.to_string(),
        lines: consignment.lines,
        expires_at: made.expires_at,
        seq: entry.seq,
    };
    outbox::enqueue(db, &to, &Letter::OneTimeLink(letter), at)
}

/// Makes a driver's code for a released consignment.
pub fn offer(service: &Service, actor: &Actor, consignment: &ConsignmentId) -> Result<Created> {
    let link = PersonId::from_uuid(uuid::Builder::from_random_bytes(seed()?.to_be_bytes()).into_uuid());
    let secret = links::new_secret()?;
    let row = LinkSecret { id: link.to_string(), consignment: consignment.to_string(), secret_sha256: links::secret_digest(&secret) };
    let beside: Beside = Arc::new(move |db: &mut Database, _: &Receipt| links::add(db, &row));
    let command = OfferAcceptance { consignment: consignment.clone(), link: link.clone() };
    service.recorder.record_waiting(command, actor, None, Some(beside))?;
    Ok(Created { link, address: Some(format!("{}/accept/{secret}", service.app.identity.public_url)) })
}

/// What a driver's code opens: the consignment, and who acts by it; one that was used still shows what came of it. Whatever is wrong with it sounds
/// the same.
pub fn follow_offer(service: &Service, secret: &str) -> Result<(Consignment, OneTimeLink, Actor)> {
    let gone = || Error::Unknown("This code is not good, or not any more. Ask whoever showed it to you for another one.".to_owned());
    let mut db = service.app.read()?;
    let row = links::by_secret(&mut db, secret)?.ok_or_else(gone)?;
    let consignment = tables::find::<Consignment>(&mut db, &ConsignmentId::parse(&row.consignment)?)?.ok_or_else(gone)?;
    let link = consignment.links.iter().find(|link| link.id.as_str() == row.id && link.accepts && link.is_live(now())).cloned().ok_or_else(gone)?;
    let actor = Actor { signed_in: Some(SignedIn::Link), ..Actor::new(link.id.clone(), Role::VendorOperator, consignment.driver_party().clone()) };
    Ok((consignment, link, actor))
}

/// What a secret opens: the consignment, the link, and who acts by it. Whatever is wrong with it sounds the same.
pub fn follow(service: &Service, secret: &str) -> Result<(Consignment, OneTimeLink, Actor)> {
    let gone = || Error::Unknown("This link is not good, or not any more. Ask whoever sent it to you to send another one.".to_owned());
    let mut db = service.app.read()?;
    let row = links::by_secret(&mut db, secret)?.ok_or_else(gone)?;
    let consignment = tables::find::<Consignment>(&mut db, &ConsignmentId::parse(&row.consignment)?)?.ok_or_else(gone)?;
    let link = consignment.links.iter().find(|link| link.id.as_str() == row.id && !link.accepts && link.is_live(now())).cloned().ok_or_else(gone)?;
    let party: PartyId = consignment.to.party.clone();
    let actor = Actor { signed_in: Some(SignedIn::Link), ..Actor::new(link.id.clone(), Role::VendorOperator, party) };
    Ok((consignment, link, actor))
}
