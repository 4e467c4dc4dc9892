//! The status list: every version is stored and logged before it is shown; revoking a certificate publishes a new one.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use serde_json::json;

use super::Service;
use super::once::{Once, Outcome};
use super::record::{Beside, Receipt, Terms};
use crate::app::{App, now};
use crate::domain::Actor;
use crate::domain::certification::{PublishStatus, RevocationReason, RevokeCertificate};
use crate::domain::names::Digest;
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};
use crate::proof::integrity;
use crate::proof::status::{self, StatusList};
use crate::store::idempotency::RequestKey;
use crate::store::{inventory, tables::CertificateRow};

/// How often a list is made again because another server published one.
const TRIES: usize = 5;

/// Revokes a certificate, and publishes the status list that says so. A crash between the two is mended at the next start.
pub fn revoke(service: &Service, actor: &Actor, number: &str, reason: RevocationReason) -> Result<Receipt> {
    revoke_once(service, actor, number, reason, None)?.now()
}

/// The same for a request that may be repeated.
pub fn revoke_once(service: &Service, actor: &Actor, number: &str, reason: RevocationReason, key: Option<&RequestKey>) -> Result<Outcome<Receipt>> {
    let terms = Terms { once: Once::created(key, |receipt| Ok(receipt.clone())), ..Terms::default() };
    let outcome = service.recorder.record_once(RevokeCertificate { number: number.to_owned(), reason }, actor, terms)?;
    if matches!(outcome, Outcome::Before(_)) {
        return Ok(outcome);
    }
    // The revocation is recorded whatever becomes of the list; it is published again until it shows it.
    if let Err(error) = publish(service) {
        tracing::warn!("the status list could not be published yet: {error}");
        service.app.unfinished.store(true, Ordering::Relaxed);
    }
    Ok(outcome)
}

/// Publishes a new version of the status list.
pub fn publish(service: &Service) -> Result<()> {
    let _one_at_a_time = service.app.status.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..TRIES {
        match attempt(service) {
            // Another server published meanwhile, perhaps without what this one knows, perhaps with more.
            Err(Error::Conflict(_)) => {}
            other => return other,
        }
    }
    Err(Error::Busy("Other servers are publishing the status list; it is tried again.".to_owned()))
}

fn attempt(service: &Service) -> Result<()> {
    let app = &service.app;
    let url = app.identity.status_list();
    // Read before the revocations are: whoever publishes in between makes this attempt fail.
    let before = inventory::newest_status(&mut *app.read()?, &url)?;
    let (list, revoked) = bits(app)?;
    let issuer = json!({"id": app.identity.did, "name": app.organisation.as_str()});
    let at = now().whole_seconds();
    let body = status::credential(&url, issuer, &app.identity.credential_context(), &at, &list);
    let bytes = integrity::secure(body, &app.keys.issuer, &at).map_err(|e| Error::fault("signing the status list", e))?;
    let digest = app.halt.guard(app.files.put(&bytes))?;
    let sha256 = digest.to_string();
    let list_url = url.clone();
    let beside: Beside = Arc::new(move |db, receipt| {
        if inventory::newest_status(db, &list_url)? != before {
            return Err(Error::Conflict(Refusal::new("status.moved_on", "Another server has published the status list meanwhile.")));
        }
        let seq = receipt.entries.first().map_or(0, |entry| entry.seq);
        inventory::add_status_version(db, &list_url, seq, &sha256)
    });
    let command = PublishStatus { list: url, credential_sha256: digest, revoked };
    service.recorder.record_waiting(command, &app.service.clone(), None, Some(beside))?;
    Ok(())
}

/// Publishes only where the newest version misses a revocation, or there is none.
pub fn publish_if_behind(service: &Service) -> Result<()> {
    let behind = match newest(&service.app)? {
        None => true,
        Some(bytes) => {
            let signed = status::read(&bytes, &service.app.keys.did).map_err(|e| Error::fault("the stored status list", e))?;
            signed.list.encode() != bits(&service.app)?.0.encode()
        }
    };
    if behind { publish(service) } else { Ok(()) }
}

/// The newest version of the status list.
pub fn newest(app: &App) -> Result<Option<Vec<u8>>> {
    match inventory::newest_status(&mut *app.read()?, &app.identity.status_list())? {
        None => Ok(None),
        Some(sha256) => app.files.get(&Digest::parse(&sha256)?).map(Some),
    }
}

/// The list as the tables have it, and how many places are revoked.
fn bits(app: &App) -> Result<(StatusList, u32)> {
    let mut list = StatusList::default();
    let mut revoked = 0;
    for row in app.read()?.snapshot(CertificateRow::all)? {
        let certificate = row.record()?;
        if certificate.revoked.is_some() {
            if !list.set(u64::from(certificate.status_index)) {
                return Err(Error::Fault(format!("the certificate {} has a place outside its status list", certificate.number)));
            }
            revoked += 1;
        }
    }
    Ok((list, revoked))
}
