//! Does again what a crash or a fault left undone, of this server or another: a status list that misses a revocation, a certificate without pages, bytes
//! that are withheld and still there.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Service, issue_certificate, publish_status, withhold_evidence};
use crate::error::Result;
use crate::store::log;
use crate::store::tables::CertificateRow;

/// How often what other servers left undone is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Finishes what is unfinished; cheap where nothing is.
pub fn finish(service: &Service) -> Result<()> {
    look(service)?;
    if !service.app.unfinished.swap(false, Ordering::Relaxed) {
        return Ok(());
    }
    let finished = finish_all(service);
    if finished.is_err() {
        service.app.unfinished.store(true, Ordering::Relaxed);
    }
    finished
}

/// A server that died cannot say what it left undone: where there may be others, the log is looked at again after it has grown.
fn look(service: &Service) -> Result<()> {
    if !service.app.database.is_shared() {
        return Ok(());
    }
    let mut looked = service.app.looked.lock().unwrap_or_else(PoisonError::into_inner);
    if looked.0.elapsed() >= LOOK_EVERY {
        let size = log::head(&mut *service.app.read()?)?.map_or(0, |head| head.frontier.size());
        if size != looked.1 {
            service.app.unfinished.store(true, Ordering::Relaxed);
        }
        *looked = (Instant::now(), size);
    }
    Ok(())
}

fn finish_all(service: &Service) -> Result<()> {
    withhold_evidence::finish(service)?;
    publish_status::publish_if_behind(service)?;
    let rows = service.app.read()?.snapshot(CertificateRow::all)?;
    for row in rows {
        let certificate = row.record()?;
        if certificate.pdf_sha256.is_none() {
            issue_certificate::draw(service, &certificate.number)?;
        }
    }
    Ok(())
}
