//! Links by which somebody who was invited, or who has to begin anew, sets a password: single use, kept as hashes.

use diesel::prelude::*;

use super::Database;
use super::people::{Person, token_digest};
use super::schema::{invitations, people};
use crate::error::{Error, Result};

/// What a secret begins with, so that secret scanners can look for it.
const PREFIX: &str = "qti_";
/// How long an invitation is good: seven days.
pub const INVITED_MS: i64 = 7 * 24 * 3_600_000;
/// How long a link to begin anew is good: 30 minutes.
pub const ANEW_MS: i64 = 30 * 60_000;

/// A new secret: 256 random bits.
pub fn new_secret() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| Error::fault("random bytes for an invitation", e))?;
    Ok(format!("{PREFIX}{}", bs58::encode(bytes).into_string()))
}

/// Invites a person from now on and for so long, in place of earlier invitations.
pub fn invite(db: &mut Database, person: &str, secret: &str, now: i64, lasts_ms: i64) -> Result<()> {
    withdraw(db, person)?;
    let invitation = (
        invitations::secret_sha256.eq(token_digest(secret)),
        invitations::person.eq(person),
        invitations::created_at.eq(now),
        invitations::expires_at.eq(now.saturating_add(lasts_ms)),
    );
    diesel::insert_into(invitations::table).values(invitation).execute(db)?;
    Ok(())
}

/// Whom a secret invites, where it is still good; nobody who may not sign in.
pub fn by_secret(db: &mut Database, secret: &str, now: i64) -> Result<Option<Person>> {
    if !secret.starts_with(PREFIX) {
        return Ok(None);
    }
    Ok(invitations::table
        .inner_join(people::table.on(people::id.eq(invitations::person)))
        .filter(invitations::secret_sha256.eq(token_digest(secret)))
        .filter(invitations::expires_at.gt(now))
        .filter(people::disabled_at.is_null())
        .select(people::all_columns)
        .first(db)
        .optional()?)
}

/// Until when a person is invited.
pub fn until(db: &mut Database, person: &str) -> Result<Option<i64>> {
    Ok(invitations::table.filter(invitations::person.eq(person)).select(invitations::expires_at).first(db).optional()?)
}

/// Takes an invitation: whom it invited, where nobody has taken it before.
pub fn take(db: &mut Database, secret: &str, now: i64) -> Result<Option<Person>> {
    let Some(person) = by_secret(db, secret, now)? else { return Ok(None) };
    let taken = diesel::delete(invitations::table.find(token_digest(secret))).execute(db)?;
    Ok((taken == 1).then_some(person))
}

/// Withdraws every invitation of a person.
pub fn withdraw(db: &mut Database, person: &str) -> Result<()> {
    diesel::delete(invitations::table.filter(invitations::person.eq(person))).execute(db)?;
    Ok(())
}
