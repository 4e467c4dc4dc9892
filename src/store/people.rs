//! The directory of people and their tokens. Not derived from the log: names can be corrected and erased here.

use diesel::prelude::*;

use super::Database;
use super::schema::{people, shown_names};
use crate::domain::Actor;
use crate::domain::names::{PartyId, PersonId, Role};
use crate::error::{Error, Result};
use crate::proof::digest::{hex, sha256};

/// A person who can sign in.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = people)]
pub struct Person {
    /// `urn:uuid:…`; the ledger holds this and nothing else.
    pub id: String,
    /// Name, as certificates show it.
    pub name: String,
    /// Title, as certificates show it.
    pub title: String,
    /// Role.
    pub role: String,
    /// Party.
    pub party: String,
    /// SHA-256 of the token; the token itself is shown once and never stored.
    pub token_sha256: String,
}

impl Person {
    /// As the one who gives commands.
    pub fn actor(&self) -> Result<Actor> {
        Ok(Actor { person: PersonId::parse(&self.id)?, role: Role::parse(&self.role)?, party: PartyId::parse(&self.party)? })
    }
}

/// A new token: 256 random bits behind a prefix that secret scanners can look for.
pub fn new_token() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| Error::fault("random bytes for a token", e))?;
    Ok(format!("qtn_{}", bs58::encode(bytes).into_string()))
}

/// The form in which a token is stored.
pub fn token_digest(token: &str) -> String {
    hex(&sha256(token.as_bytes()))
}

/// Adds a person.
pub fn add(db: &mut Database, person: &Person) -> Result<()> {
    diesel::insert_into(people::table).values(person.clone()).execute(db)?;
    Ok(())
}

/// Who has this token.
pub fn by_token(db: &mut Database, token: &str) -> Result<Option<Person>> {
    Ok(people::table.filter(people::token_sha256.eq(token_digest(token))).first(db).optional()?)
}

/// A person by id.
pub fn by_id(db: &mut Database, id: &str) -> Result<Option<Person>> {
    Ok(people::table.find(id).first(db).optional()?)
}

/// Everyone, by name.
pub fn all(db: &mut Database) -> Result<Vec<Person>> {
    Ok(people::table.order((people::name, people::id)).load(db)?)
}

/// Keeps the salt of a name that a certificate shows.
pub fn keep_salt(db: &mut Database, certificate: &str, person: &str, salt: &[u8]) -> Result<()> {
    diesel::insert_into(shown_names::table)
        .values((shown_names::certificate.eq(certificate), shown_names::person.eq(person), shown_names::salt.eq(salt)))
        .execute(db)?;
    Ok(())
}

/// Every salt that is still kept: `(certificate, person, salt)`.
pub fn all_salts(db: &mut Database) -> Result<Vec<(String, String, Vec<u8>)>> {
    Ok(shown_names::table.order((shown_names::certificate, shown_names::person)).load(db)?)
}
