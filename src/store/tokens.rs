//! What programs sign in with: `qtc_…`, shown once and kept as a hash, with what it is good for and until when.

use diesel::prelude::*;

use super::Database;
use super::people::{Person, new_id, token_digest};
use super::schema::{api_tokens, people};
use crate::domain::names::clean;
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};

/// What a token begins with, so that secret scanners can look for it.
const PREFIX: &str = "qtc_";
/// Digits of 256 bits, and of the checksum behind them, in base 62.
const DIGITS: usize = 43;
const CHECK_DIGITS: usize = 6;
const BASE: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Good for looking at things.
pub const READ: &str = "read";
/// Good for everything that its person may do.
pub const READ_WRITE: &str = "read write";

const DAY_MS: i64 = 24 * 3_600_000;
/// How long a token is good where nobody says otherwise, and at the most, in days.
pub const DAYS: u16 = 90;
/// The most, in days.
pub const MOST_DAYS: u16 = 366;
/// Most tokens of one person.
const MOST: usize = 50;

/// A token of a person.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Insertable)]
#[diesel(table_name = api_tokens)]
pub struct Token {
    /// By which it is listed and revoked.
    pub id: String,
    /// Whose it is.
    pub person: String,
    /// What its person calls it.
    pub name: String,
    /// SHA-256 of the token.
    pub token_sha256: String,
    /// [`READ`] or [`READ_WRITE`].
    pub scopes: String,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// From then on it is good for nothing.
    pub expires_at: i64,
    /// When it was used last, to the nearest minutes.
    pub used_at: Option<i64>,
}

impl Token {
    /// Whether it is good for writing.
    pub fn writes(&self) -> bool {
        self.scopes == READ_WRITE
    }
}

/// A new token: 256 random bits, and a checksum by which a mistyped one is told from one that nobody has.
pub fn new_token() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| Error::fault("random bytes for a token", e))?;
    Ok(written(&bytes))
}

fn written(bytes: &[u8; 32]) -> String {
    let body = format!("{PREFIX}{}", base62(bytes, DIGITS));
    let check = checksum(&body);
    body + &check
}

fn checksum(body: &str) -> String {
    let mut crc = flate2::Crc::new();
    crc.update(body.as_bytes());
    base62(&crc.sum().to_be_bytes(), CHECK_DIGITS)
}

/// A number, its highest byte first, in so many digits of base 62.
fn base62(bytes: &[u8], digits: usize) -> String {
    let mut number = bytes.to_vec();
    let mut text = vec![b'0'; digits];
    for digit in text.iter_mut().rev() {
        let mut rest: u32 = 0;
        for byte in &mut number {
            let value = rest << 8 | u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            rest = value % 62;
        }
        *digit = usize::try_from(rest).ok().and_then(|rest| BASE.get(rest)).copied().unwrap_or(b'0');
    }
    text.into_iter().map(char::from).collect()
}

/// Whether a text has the form of a token, whoever may have it.
pub fn is_token(text: &str) -> bool {
    let whole = PREFIX.len() + DIGITS + CHECK_DIGITS;
    if text.len() != whole || !text.is_ascii() || !text.starts_with(PREFIX) {
        return false;
    }
    let (body, check) = text.split_at(PREFIX.len() + DIGITS);
    checksum(body) == check
}

/// Gives a person a token with this name, from `now` (milliseconds since 1970) on for so many days.
pub fn give(db: &mut Database, person: &str, name: &str, token: &str, scopes: &str, days: u16, now: i64) -> Result<Token> {
    let name = clean("name of the token", name, 60)?;
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(Refusal::new("tokens.days", format!("A token is good for 1 to {MOST_DAYS} days; choose how many.")).into());
    }
    if scopes != READ && scopes != READ_WRITE {
        return Err(Refusal::new("tokens.scopes", format!("A token is good for “{READ}” or for “{READ_WRITE}”; choose one.")).into());
    }
    if of(db, person)?.len() >= MOST {
        return Err(Refusal::new("tokens.too_many", format!("A person has at most {MOST} tokens; revoke those that nothing uses.")).into());
    }
    let token = Token {
        id: new_id()?,
        person: person.to_owned(),
        name,
        token_sha256: token_digest(token),
        scopes: scopes.to_owned(),
        created_at: now,
        expires_at: now.saturating_add(i64::from(days) * DAY_MS),
        used_at: None,
    };
    diesel::insert_into(api_tokens::table).values(token.clone()).execute(db)?;
    Ok(token)
}

/// The token that this is, and whose.
pub fn by_token(db: &mut Database, token: &str) -> Result<Option<(Token, Person)>> {
    if !is_token(token) {
        return Ok(None);
    }
    Ok(api_tokens::table
        .inner_join(people::table.on(people::id.eq(api_tokens::person)))
        .filter(api_tokens::token_sha256.eq(token_digest(token)))
        .first(db)
        .optional()?)
}

/// A person's tokens, the newest first.
pub fn of(db: &mut Database, person: &str) -> Result<Vec<Token>> {
    Ok(api_tokens::table.filter(api_tokens::person.eq(person)).order((api_tokens::created_at.desc(), api_tokens::id)).load(db)?)
}

/// Remembers that it was used.
pub fn used(db: &mut Database, id: &str, at: i64) -> Result<()> {
    diesel::update(api_tokens::table.find(id)).set(api_tokens::used_at.eq(at)).execute(db)?;
    Ok(())
}

/// Revokes a token of a person; whether there was one.
pub fn revoke(db: &mut Database, person: &str, id: &str) -> Result<bool> {
    Ok(diesel::delete(api_tokens::table.find(id).filter(api_tokens::person.eq(person))).execute(db)? == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_one_form_and_a_mistyped_one_is_none() {
        assert_eq!(base62(&[0, 61], 2), "0z");
        assert_eq!(base62(&[1, 0], 3), "048");
        assert_eq!(base62(&[255; 4], 6), "4gfFC3");
        let token = written(&[7; 32]);
        assert_eq!(token.len(), 53);
        assert!(is_token(&token) && is_token(&new_token().unwrap()) && new_token().unwrap() != new_token().unwrap());
        for n in 0..token.len() {
            let mut mistyped = token.clone().into_bytes();
            mistyped[n] = if mistyped[n] == b'x' { b'y' } else { b'x' };
            assert!(!is_token(&String::from_utf8(mistyped).unwrap()), "{n}");
            assert!(!is_token(&token[..n]), "{n}");
        }
    }
}
