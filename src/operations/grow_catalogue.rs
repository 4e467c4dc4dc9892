//! The model catalogue as this record has it: the shipped one and the organisation's own table in the data folder.

use std::path::Path;

use crate::domain::catalogue::{Catalogue, CatalogueRef, Model, SHIPPED};
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};
use crate::inventories::own_models;
use crate::proof::digest::{hex, sha256};
use crate::store::files::replace_durably;

/// The organisation's own table.
const FILE: &str = "catalogue.csv";
/// Largest table.
const MOST_BYTES: usize = 8 << 20;
/// Digits of its SHA-256 in the version.
const DIGITS: usize = 12;

/// The catalogue of the record in this data folder.
pub fn read(data: &Path) -> Result<Catalogue> {
    let path = data.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => grown(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Catalogue::parse(SHIPPED)?),
        Err(error) => Err(Error::fault(&path.display().to_string(), error)),
    }
}

/// Takes a table in, in place of the one before; gives the number of its models.
pub fn import(data: &Path, text: &str) -> Result<(usize, CatalogueRef)> {
    if text.len() > MOST_BYTES {
        return Err(Refusal::new("catalogue.too_large", "A table of models has at most 8 MB; split it.").into());
    }
    let models = models(text, &Catalogue::parse(SHIPPED)?)?;
    let reference = grown(text)?.reference();
    replace_durably(&data.join(FILE), text.as_bytes())?;
    Ok((models.len(), reference))
}

fn models(text: &str, shipped: &Catalogue) -> Result<Vec<Model>> {
    Ok(own_models::read(text, shipped).map_err(|error| Refusal::new("catalogue.row", format!("Line {}: {}", error.line, error.what)))?)
}

fn grown(text: &str) -> Result<Catalogue> {
    let digest: String = hex(&sha256(text.as_bytes())).chars().take(DIGITS).collect();
    let shipped = Catalogue::parse(SHIPPED)?;
    let own = models(text, &shipped)?;
    Ok(shipped.grown(own, &digest))
}
