//! The secrets of one-time links, as hashes. Not derived from the log, which never holds them.

use diesel::prelude::*;

use super::Database;
use super::people::token_digest;
use super::schema::one_time_links;
use crate::error::{Error, Result};

/// What a secret begins with, so that secret scanners can look for it.
const PREFIX: &str = "qtl_";

/// A link's secret, hashed.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = one_time_links)]
pub struct LinkSecret {
    /// The link: `urn:uuid:…`.
    pub id: String,
    /// The consignment that it opens.
    pub consignment: String,
    /// SHA-256 of the secret.
    pub secret_sha256: String,
}

/// A new secret: 256 random bits.
pub fn new_secret() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| Error::fault("random bytes for a link", e))?;
    Ok(format!("{PREFIX}{}", bs58::encode(bytes).into_string()))
}

/// The form in which a secret is stored.
pub fn secret_digest(secret: &str) -> String {
    token_digest(secret)
}

/// Keeps a link's hash.
pub fn add(db: &mut Database, link: &LinkSecret) -> Result<()> {
    diesel::insert_into(one_time_links::table).values(link.clone()).execute(db)?;
    Ok(())
}

/// The link with this secret.
pub fn by_secret(db: &mut Database, secret: &str) -> Result<Option<LinkSecret>> {
    if !secret.starts_with(PREFIX) {
        return Ok(None);
    }
    Ok(one_time_links::table.filter(one_time_links::secret_sha256.eq(secret_digest(secret))).first(db).optional()?)
}

/// Whether this is the id of a link.
pub fn exists(db: &mut Database, id: &str) -> Result<bool> {
    Ok(one_time_links::table.find(id).select(one_time_links::id).first::<String>(db).optional()?.is_some())
}
