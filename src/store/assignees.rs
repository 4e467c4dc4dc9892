//! Which device is with whom, without saying who: a keyed hash of whatever the organisation tells people by. Not derived from the log; can be erased.

use diesel::prelude::*;

use super::Database;
use super::keyring::{Keyring, hmac};
use super::schema::assignees;
use crate::domain::asset::Asset;
use crate::domain::assignment::AssigneeKind;
use crate::domain::names::AssetId;
use crate::domain::records::Records;
use crate::error::Result;
use crate::proof::digest::hex;

/// HMAC-SHA-256 (RFC 2104) of a person's identifier under a key that is kept with the signing keys and never in the database: whoever reads the table
/// alone can neither tell nor try out who it is.
pub fn hash(keys: &Keyring, person: &str) -> Result<String> {
    Ok(hex(&hmac(&keys.assignees()?, person.trim().to_lowercase().as_bytes())))
}

/// Remembers with whom a device is, in place of whoever had it before.
pub fn keep(db: &mut Database, asset: &AssetId, person: &str) -> Result<()> {
    erase_device(db, asset)?;
    diesel::insert_into(assignees::table).values((assignees::asset.eq(asset.as_str()), assignees::person.eq(person))).execute(db)?;
    Ok(())
}

/// Forgets with whom a device is.
pub fn erase_device(db: &mut Database, asset: &AssetId) -> Result<usize> {
    Ok(diesel::delete(assignees::table.filter(assignees::asset.eq(asset.as_str()))).execute(db)?)
}

/// Forgets with whom devices are whose assignment to a person has ended with what was recorded just now.
pub fn erase_ended(db: &mut Database, known: &Records) -> Result<()> {
    let entry = |asset: Option<&Asset>| {
        asset
            .and_then(|asset| asset.assignment.as_ref())
            .filter(|assignment| assignment.kind == AssigneeKind::Person)
            .map(|assignment| assignment.entry)
    };
    for slot in known.assets.changed() {
        let Some(before) = slot.before() else { continue };
        let was = entry(Some(before));
        if was.is_some() && was != entry(slot.now()) {
            erase_device(db, &before.id)?;
        }
    }
    Ok(())
}

/// Forgets a person; gives how many devices were with that person.
pub fn erase_person(db: &mut Database, person: &str) -> Result<usize> {
    Ok(diesel::delete(assignees::table.filter(assignees::person.eq(person))).execute(db)?)
}

/// The devices that are with a person.
pub fn devices_of(db: &mut Database, person: &str) -> Result<Vec<String>> {
    Ok(assignees::table.filter(assignees::person.eq(person)).order(assignees::asset).select(assignees::asset).load(db)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's `hmac.new(bytes(range(32)), b"what do ya want for nothing?", "sha256")`.
    #[test]
    fn the_keyed_hash_is_hmac_sha_256() {
        let key: [u8; 32] = std::array::from_fn(|n| u8::try_from(n).unwrap());
        assert_eq!(hex(&hmac(&key, b"what do ya want for nothing?")), "099805f4ac310786968565c098db515cc50862b420ae31e20238312344bed36a");
    }
}
