//! How people prove who they are: passwords and recovery codes as Argon2id hashes, secrets of second factors sealed under a key of the key folder.

use std::sync::OnceLock;

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use diesel::prelude::*;

use super::Database;
use super::people::Person;
use super::schema::{credentials, oidc_identities, people, recovery_codes};
use crate::error::{Error, Result};

/// Memory in KiB and passes over it: what OWASP asks for at least (Password Storage Cheat Sheet). Some 70 ms of one core.
const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;
const SALT_BYTES: usize = 16;
/// Recovery codes of one person.
pub const RECOVERY_CODES: u8 = 10;

/// What a person signs in with.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = credentials)]
pub struct Account {
    /// Whose it is.
    pub person: String,
    /// Argon2id, as a PHC string; empty where there is no password.
    pub password: String,
    /// The sealed secret of the second factor.
    pub totp: Option<Vec<u8>>,
    /// The step of the last code that was taken.
    pub totp_step: i64,
}

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY, PASSES, 1, None).map_err(|e| Error::fault("the parameters of Argon2id", e))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The hash of a secret under a fresh salt. Takes as long as it must: never within a transaction.
pub fn hash(secret: &str) -> Result<String> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|e| Error::fault("random bytes for a salt", e))?;
    let hash: PasswordHash = argon2()?.hash_password_with_salt(secret.as_bytes(), &salt).map_err(|e| Error::fault("hashing a password", e))?;
    Ok(hash.to_string())
}

/// Whether a hash is of this secret. Where there is none, one that nobody's secret has is compared with: it takes as long.
pub fn matches(secret: &str, hash_of_it: Option<&str>) -> Result<bool> {
    static NOBODYS: OnceLock<String> = OnceLock::new();
    let nobodys = match NOBODYS.get() {
        Some(hash) => hash,
        None => {
            let hash = hash(&super::people::new_id()?)?;
            NOBODYS.get_or_init(|| hash)
        }
    };
    let kept = hash_of_it.filter(|hash| !hash.is_empty());
    let parsed = PasswordHash::new(kept.unwrap_or(nobodys)).map_err(|e| Error::fault("a stored password", e))?;
    Ok(argon2()?.verify_password(secret.as_bytes(), &parsed).is_ok() && kept.is_some())
}

/// Whether a hash was made with less than is asked for now.
pub fn is_weak(hash: &str) -> bool {
    let asked = format!("m={MEMORY},t={PASSES},p=1");
    !hash.starts_with("$argon2id$v=19$") || hash.split('$').nth(3) != Some(asked.as_str())
}

/// Who has this e-mail address, and what they sign in with.
pub fn by_email(db: &mut Database, email: &str) -> Result<Option<(Person, Option<Account>)>> {
    Ok(people::table
        .left_join(credentials::table.on(credentials::person.eq(people::id)))
        .filter(people::email.eq(email))
        .filter(people::email.ne(""))
        .select((people::all_columns, credentials::all_columns.nullable()))
        .first(db)
        .optional()?)
}

/// What a person signs in with.
pub fn of(db: &mut Database, person: &str) -> Result<Option<Account>> {
    Ok(credentials::table.find(person).first(db).optional()?)
}

/// Sets a password, by its hash.
pub fn set_password(db: &mut Database, person: &str, hash: &str) -> Result<()> {
    if diesel::update(credentials::table.find(person)).set(credentials::password.eq(hash)).execute(db)? == 0 {
        let account = Account { person: person.to_owned(), password: hash.to_owned(), totp: None, totp_step: 0 };
        diesel::insert_into(credentials::table).values(account).execute(db)?;
    }
    Ok(())
}

/// Sets the second factor, after its first code was taken, with the hashes of new recovery codes.
pub fn set_factor(db: &mut Database, person: &str, sealed: &[u8], step: i64, codes: &[String]) -> Result<()> {
    let set = (credentials::totp.eq(Some(sealed.to_vec())), credentials::totp_step.eq(step));
    if diesel::update(credentials::table.find(person)).set(set).execute(db)? == 0 {
        let account = Account { person: person.to_owned(), password: String::new(), totp: Some(sealed.to_vec()), totp_step: step };
        diesel::insert_into(credentials::table).values(account).execute(db)?;
    }
    set_recovery_codes(db, person, codes)
}

/// Sets new recovery codes, by their hashes.
pub fn set_recovery_codes(db: &mut Database, person: &str, codes: &[String]) -> Result<()> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::person.eq(person))).execute(db)?;
    for (number, hash) in (1i64..).zip(codes) {
        let code = (recovery_codes::person.eq(person), recovery_codes::number.eq(number), recovery_codes::hash.eq(hash));
        diesel::insert_into(recovery_codes::table).values(code).execute(db)?;
    }
    Ok(())
}

/// Takes the code of a step, unless that or a later one was taken before.
pub fn take_step(db: &mut Database, person: &str, step: i64) -> Result<bool> {
    let later = credentials::table.find(person).filter(credentials::totp_step.lt(step));
    Ok(diesel::update(later).set(credentials::totp_step.eq(step)).execute(db)? == 1)
}

/// The hash of a recovery code that was not used yet.
pub fn recovery_code(db: &mut Database, person: &str, number: i64) -> Result<Option<String>> {
    Ok(recovery_codes::table.find((person, number)).select(recovery_codes::hash).first(db).optional()?)
}

/// The numbers of the recovery codes that are left.
pub fn recovery_codes_left(db: &mut Database, person: &str) -> Result<usize> {
    Ok(recovery_codes::table.filter(recovery_codes::person.eq(person)).select(recovery_codes::number).load::<i64>(db)?.len())
}

/// Takes a recovery code, by its number and hash; whether it was still there.
pub fn take_recovery_code(db: &mut Database, person: &str, number: i64, hash: &str) -> Result<bool> {
    let code = recovery_codes::table.find((person, number)).filter(recovery_codes::hash.eq(hash));
    Ok(diesel::delete(code).execute(db)? == 1)
}

/// Forgets everything that a person signs in with.
pub fn forget(db: &mut Database, person: &str) -> Result<()> {
    diesel::delete(credentials::table.find(person)).execute(db)?;
    diesel::delete(recovery_codes::table.filter(recovery_codes::person.eq(person))).execute(db)?;
    diesel::delete(oidc_identities::table.filter(oidc_identities::person.eq(person))).execute(db)?;
    Ok(())
}

/// Who somebody is whom another sign-in knows as this.
pub fn by_identity(db: &mut Database, issuer: &str, subject: &str) -> Result<Option<Person>> {
    Ok(oidc_identities::table
        .inner_join(people::table.on(people::id.eq(oidc_identities::person)))
        .filter(oidc_identities::issuer.eq(issuer))
        .filter(oidc_identities::subject.eq(subject))
        .select(people::all_columns)
        .first(db)
        .optional()?)
}

/// Whether a person is known at another sign-in.
pub fn has_identity(db: &mut Database, person: &str, issuer: &str) -> Result<bool> {
    let known = oidc_identities::table.filter(oidc_identities::person.eq(person)).filter(oidc_identities::issuer.eq(issuer));
    Ok(known.select(oidc_identities::subject).first::<String>(db).optional()?.is_some())
}

/// Binds a person to whom another sign-in knows them as.
pub fn bind_identity(db: &mut Database, person: &str, issuer: &str, subject: &str) -> Result<()> {
    let identity = (oidc_identities::issuer.eq(issuer), oidc_identities::subject.eq(subject), oidc_identities::person.eq(person));
    diesel::insert_into(oidc_identities::table).values(identity).execute(db)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_matches_its_own_hash_and_none_matches_nothing() {
        let kept = hash("correct horse battery").unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && !is_weak(&kept), "{kept}");
        assert!(matches("correct horse battery", Some(&kept)).unwrap());
        assert!(!matches("correct horse batterx", Some(&kept)).unwrap());
        assert!(!matches("", None).unwrap() && !matches("", Some("")).unwrap());
        assert!(is_weak("$argon2id$v=19$m=4096,t=2,p=1$c2FsdHNhbHQ$aGFzaA") && is_weak(""));
    }
}
