//! Whether somebody is who they say: passwords, codes of a second factor, recovery codes. What is slow here is never done within a transaction.

use totp_rs::{Builder, Secret, Totp};

use super::Service;
use crate::app::{App, now};
use crate::domain::names::SignedIn;
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};
use crate::store::accounts;
use crate::store::people::Person;

/// What the key that seals second factors is for.
const FACTOR: &str = "second factor";
const SECRET_BYTES: usize = 20;
/// Shortest password, and shortest beside a second factor; longest.
const LEAST: usize = 15;
const LEAST_BESIDE: usize = 8;
const MOST: usize = 128;
/// Digits of recovery codes: without I, L, O and U nobody misreads one (Crockford's base 32).
const BASE: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A second factor that is being set up.
pub struct NewFactor {
    /// To type into an app.
    pub secret: String,
    /// To be read by one.
    pub url: String,
}

fn totp(app: &App, person: &Person, secret: Vec<u8>) -> Result<Totp> {
    // Neither may hold a colon, which stands between the two.
    let plain = |text: &str| text.replace(':', " ");
    let account = if person.email.is_empty() { &person.name } else { &person.email };
    let issuer = format!("Quittance {}", app.organisation);
    Builder::new()
        .with_secret(secret)
        .with_skew(1)
        .with_account_name(plain(account))
        .with_issuer(Some(plain(&issuer)))
        .build()
        .map_err(|e| Error::fault("a second factor", e))
}

/// Begins a second factor: SHA-1, 6 digits, 30 s, which every app knows.
pub fn new_factor(app: &App, person: &Person) -> Result<NewFactor> {
    let mut secret = vec![0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(|e| Error::fault("random bytes for a second factor", e))?;
    factor(app, person, secret)
}

/// The same factor again, after a wrong code.
pub fn same_factor(app: &App, person: &Person, secret: &str) -> Result<NewFactor> {
    factor(app, person, read_secret(secret)?)
}

fn factor(app: &App, person: &Person, secret: Vec<u8>) -> Result<NewFactor> {
    let totp = totp(app, person, secret.clone())?;
    let url = totp.to_url().map_err(|e| Error::fault("a second factor", e))?;
    Ok(NewFactor { secret: Secret::from(secret).to_base32(), url })
}

fn read_secret(secret: &str) -> Result<Vec<u8>> {
    let malformed = || Refusal::new("factor.malformed", "The form of this page is not whole; open it again.");
    let secret = Secret::try_from_base32(secret).map_err(|_| malformed())?;
    let bytes = secret.as_ref().to_vec();
    if bytes.len() == SECRET_BYTES { Ok(bytes) } else { Err(malformed().into()) }
}

fn seconds() -> u64 {
    u64::try_from(now().unix_ms() / 1000).unwrap_or(0)
}

/// A second factor whose first code was right, ready to be kept; none where the code is wrong.
pub struct ProvedFactor {
    /// The secret, sealed.
    pub sealed: Vec<u8>,
    /// The step of the code.
    pub step: i64,
}

/// Looks at the first code of a new factor.
pub fn first_code(app: &App, person: &Person, secret: &str, code: &str) -> Result<Option<ProvedFactor>> {
    let secret = read_secret(secret)?;
    let Some(step) = totp(app, person, secret.clone())?.check(&bare(code), seconds()) else { return Ok(None) };
    let sealed = app.keys.seal(FACTOR, &person.id, &secret)?;
    Ok(Some(ProvedFactor { sealed, step: i64::try_from(step).unwrap_or(i64::MAX) }))
}

fn bare(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Whether this is the password of a person, who may be nobody: it takes as long.
pub fn is_password(service: &Service, person: Option<&Person>, kept: Option<&str>, password: &str) -> Result<bool> {
    let right = accounts::matches(password, kept)?;
    let Some(person) = person.filter(|person| right && person.disabled_at.is_none()) else { return Ok(false) };
    if let Some(kept) = kept.filter(|kept| accounts::is_weak(kept)) {
        // Made with less than is asked for now: it is made anew, unless it has been changed meanwhile.
        let (id, kept, anew) = (person.id.clone(), kept.to_owned(), accounts::hash(password)?);
        service.recorder.write_waiting(move |db| match accounts::of(db, &id)? {
            Some(account) if account.password == kept => accounts::set_password(db, &id, &anew),
            _ => Ok(()),
        })?;
    }
    Ok(true)
}

/// Takes a code of a second factor, or a recovery code, each of which counts once; says which of them it was.
pub fn take_code(service: &Service, person: &Person, code: &str) -> Result<Option<SignedIn>> {
    let id = person.id.clone();
    let code = bare(code).to_uppercase();
    if code.bytes().all(|b| b.is_ascii_digit()) {
        let account = accounts::of(&mut *service.app.read()?, &id)?;
        let Some(sealed) = account.and_then(|account| account.totp) else { return Ok(None) };
        let secret = service.app.keys.unseal(FACTOR, &id, &sealed)?.ok_or_else(|| {
            Error::Fault(format!("the second factor of {id} cannot be opened: people.key in the key folder is not the one that it was sealed with"))
        })?;
        let Some(step) = totp(&service.app, person, secret)?.check(&code, seconds()) else { return Ok(None) };
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        let taken = service.recorder.write_waiting(move |db| accounts::take_step(db, &id, step))?;
        return Ok(taken.then_some(SignedIn::PasswordTotp));
    }
    let Some((number, rest)) = code.split_once('-') else { return Ok(None) };
    let Ok(number) = number.parse::<i64>() else { return Ok(None) };
    let Some(kept) = accounts::recovery_code(&mut *service.app.read()?, &id, number)? else { return Ok(None) };
    if !accounts::matches(&read_code(rest), Some(&kept))? {
        return Ok(None);
    }
    let taken = service.recorder.write_waiting(move |db| accounts::take_recovery_code(db, &id, number, &kept))?;
    Ok(taken.then_some(SignedIn::PasswordRecovery))
}

/// What a recovery code says, however it is typed.
fn read_code(text: &str) -> String {
    let digit = |c: char| match c {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    };
    text.chars().filter(char::is_ascii_alphanumeric).map(digit).collect()
}

/// Recovery codes of 80 random bits, as they are shown, and their hashes.
pub fn new_recovery_codes() -> Result<(Vec<String>, Vec<String>)> {
    let (mut shown, mut hashes) = (Vec::new(), Vec::new());
    for number in 1..=accounts::RECOVERY_CODES {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|e| Error::fault("random bytes for a recovery code", e))?;
        let digits: Vec<char> = bytes.iter().filter_map(|byte| BASE.get(usize::from(byte % 32))).map(|digit| char::from(*digit)).collect();
        let parts: Vec<String> = digits.chunks(4).map(|part| part.iter().collect()).collect();
        hashes.push(accounts::hash(&parts.concat())?);
        shown.push(format!("{number}-{}", parts.join("-")));
    }
    Ok((shown, hashes))
}

/// Passwords that are tried first, one a line, and none shorter than a password may be.
const COMMON: &str = include_str!("passwords.txt");

/// Refuses a password that is guessed soon. Which characters it has is nobody's business.
pub fn check_password(app: &App, person: &Person, password: &str, has_factor: bool) -> std::result::Result<(), Refusal> {
    let least = if has_factor { LEAST_BESIDE } else { LEAST };
    let characters = password.chars().count();
    if characters < least {
        return Err(Refusal::new("password.short", format!("A password has at least {least} characters; a few words are easy to remember.")));
    }
    if characters > MOST {
        return Err(Refusal::new("password.long", format!("A password has at most {MOST} characters.")));
    }
    let lower = password.to_lowercase();
    let mut rest = lower.clone();
    let address = person.email.split(['@', '.']);
    let organisation = app.organisation.as_str().to_lowercase();
    let known = organisation.split_whitespace().chain(address).chain(["quittance", "password", "passwort"]).map(str::to_owned);
    let known: Vec<String> =
        known.chain(person.name.to_lowercase().split_whitespace().map(str::to_owned)).filter(|word| word.chars().count() >= 4).collect();
    for word in &known {
        rest = rest.replace(word.as_str(), "");
    }
    let mut different: Vec<char> = rest.chars().filter(|c| c.is_alphanumeric()).collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < 5 || COMMON.lines().any(|common| common == lower || common == rest) {
        let why = "This password is among the first that anybody tries, or made of names that everybody knows here; choose a few words that do not belong together.";
        return Err(Refusal::new("password.common", why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_code_is_read_however_it_is_typed() {
        assert_eq!(read_code("01AB-CDEF-GHJK-MNPQ"), "01ABCDEFGHJKMNPQ");
        assert_eq!(read_code("OIAB CDEF-GHJKMNPQ"), "01ABCDEFGHJKMNPQ");
    }

    #[test]
    fn no_common_password_is_too_short_to_be_tried_or_written_in_capitals() {
        assert!(COMMON.lines().count() > 1_000);
        assert!(COMMON.lines().all(|common| common.chars().count() >= LEAST_BESIDE && common.to_lowercase() == common));
    }
}
