//! Checks a certificate as anyone can, with what only the service adds: the status list of this moment, and its pages drawn again.

use super::publish_status;
use crate::app::App;
use crate::documents::certificate_pdf::{self, Inputs};
use crate::error::{Error, Result};
use crate::proof::bundle::{self, Bundle, BundleError};
use crate::proof::verify::{self, Report, Trust};

/// Draws the pages of a bundle again, for comparison.
pub fn redraw(bundle: &Bundle) -> std::result::Result<Vec<u8>, String> {
    let fixed = [bundle::CREDENTIAL, bundle::ENTRY, bundle::RECEIPT, bundle::STATUS];
    let part = |name: &str| bundle.part(name).ok_or_else(|| format!("{name} does not travel with the pages"));
    let further: Vec<(String, Vec<u8>)> = bundle
        .parts
        .iter()
        .filter(|(name, _)| !fixed.contains(&name.as_str()))
        .map(|(name, bytes)| (name.replace("entries/", "entries-"), bytes.clone()))
        .collect();
    let inputs = Inputs {
        credential: part(bundle::CREDENTIAL)?,
        entry: part(bundle::ENTRY)?,
        tlog_proof: part(bundle::RECEIPT)?,
        status: part(bundle::STATUS)?,
        further: &further,
    };
    certificate_pdf::render(&inputs).map_err(|e| e.to_string())
}

/// Checks an uploaded file against this record's own keys and newest status list. The inner error says why the file cannot be read.
pub fn verify(app: &App, file: &[u8]) -> Result<std::result::Result<Report, BundleError>> {
    let bundle = match Bundle::from_bytes(file) {
        Ok(bundle) => bundle,
        Err(error) => return Ok(Err(error)),
    };
    let trust = Trust::from_files(&app.keys.did_bytes, &app.keys.log.vkey()).map_err(|e| Error::fault("this record's own keys", e))?;
    let status = publish_status::newest(app)?;
    Ok(Ok(verify::certificate(&bundle, &trust, status.as_deref(), Some(&redraw))))
}
