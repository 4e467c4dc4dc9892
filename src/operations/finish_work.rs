//! Does again what a crash or a fault left undone: a status list that misses a revocation, a certificate without pages.

use std::sync::atomic::Ordering;

use super::{Service, issue_certificate, publish_status};
use crate::error::Result;
use crate::store::tables::CertificateRow;

/// Finishes what is unfinished; cheap where nothing is.
pub fn finish(service: &Service) -> Result<()> {
    if !service.app.unfinished.swap(false, Ordering::Relaxed) {
        return Ok(());
    }
    let finished = finish_all(service);
    if finished.is_err() {
        service.app.unfinished.store(true, Ordering::Relaxed);
    }
    finished
}

fn finish_all(service: &Service) -> Result<()> {
    publish_status::publish_if_behind(service)?;
    let rows = CertificateRow::all(&mut *service.app.read()?)?;
    for row in rows {
        let certificate = row.record()?;
        if certificate.pdf_sha256.is_none() {
            issue_certificate::draw(service, &certificate.number)?;
        }
    }
    Ok(())
}
