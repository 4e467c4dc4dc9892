//! The policy that the record judges by: the starter that ships with the program, or the organisation's own pack in the data folder. Which one is
//! adopted, an approver says; until then nothing is certified.

use std::path::Path;

use crate::domain::adoption::{AdoptPolicy, Adoption};
use crate::domain::names::Digest;
use crate::domain::policy::{Pack, STARTER};
use crate::domain::records::Records;
use crate::domain::refusal::Refusal;
use crate::domain::{Actor, adoption};
use crate::error::{Error, Result};
use crate::evidence::lint;
use crate::operations::Service;
use crate::proof::digest::{hex, sha256};
use crate::store::files::replace_durably;

/// The organisation's own pack.
const FILE: &str = "policy.toml";
/// Largest pack.
const MOST_BYTES: usize = 1 << 20;

/// A pack from its text.
pub fn pack(text: &str) -> Result<Pack> {
    if text.len() > MOST_BYTES {
        return Err(Refusal::new("policy.too_large", "A policy pack has at most 1 MB; leave out what is no rule.").into());
    }
    let pack = Pack::parse(text, Digest::parse(&hex(&sha256(text.as_bytes())))?)?;
    if let Some(unknown) = pack.findings.keys().find(|code| !lint::RULES.iter().any(|rule| rule.code == code.as_str())) {
        let why = format!("The policy pack weighs the finding “{unknown}”, which there is not; name one that `quittance read --json` prints.");
        return Err(Refusal::new("policy.finding", why).into());
    }
    Ok(pack)
}

/// A pack from a file.
pub fn from_file(path: &Path) -> Result<Pack> {
    pack(&std::fs::read_to_string(path).map_err(|e| Error::fault(&path.display().to_string(), e))?)
}

/// The pack in force in this data folder.
pub fn in_force(data: &Path) -> Result<Pack> {
    let path = data.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => pack(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => pack(STARTER),
        Err(error) => Err(Error::fault(&path.display().to_string(), error)),
    }
}

/// Puts the organisation's own pack in force from the next start of the service on.
pub fn put_in_force(data: &Path, path: &Path) -> Result<Pack> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::fault(&path.display().to_string(), e))?;
    let pack = pack(&text)?;
    replace_durably(&data.join(FILE), text.as_bytes())?;
    Ok(pack)
}

/// The adoption of the pack in force by an approver.
pub fn adopt(service: &Service, actor: &Actor, reference: &str, decided_on: chrono::NaiveDate) -> Result<u64> {
    let policy = service.app.policy.reference();
    let command = AdoptPolicy {
        name: policy.name,
        version: policy.version,
        sha256: policy.sha256,
        reference: crate::domain::names::Reference::parse(reference)?,
        decided_on,
    };
    let receipt = service.recorder.record_waiting(command, actor, None, None)?;
    Ok(receipt.entries.first().map_or(0, |entry| entry.seq))
}

/// The adoption of the pack in force.
pub fn adopted(service: &Service) -> Result<Option<Adoption>> {
    let mut db = service.app.read()?;
    super::record::ask(&mut db, &mut Records::default(), |known| Ok(adoption::of(known, &service.app.policy)?.cloned()))?.map_err(Into::into)
}

/// Who has to do what before anything is certified; `None` where the pack in force is adopted.
pub fn not_adopted(service: &Service) -> Result<Option<String>> {
    let mut db = service.app.read()?;
    super::record::ask(&mut db, &mut Records::default(), |known| adoption::missing(known, &service.app.policy))?.map_err(Into::into)
}
