//! Acts about people and access: each is done and noted in one transaction, with digests of what was there before and after.

use std::sync::Arc;

use serde_json::json;

use super::Service;
use crate::app::{App, now, seed};
use crate::domain::Actor;
use crate::domain::letters::{Invitation, Letter};
use crate::domain::names::{Instant, PartyId, Role, clean};
use crate::domain::parties::{Party, PartyKind};
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};
use crate::proof::digest::hex;
use crate::store::administration::{self, Act};
use crate::store::keyring::{Keyring, hmac};
use crate::store::outbox::{self, To};
use crate::store::people::{self, Correction, Person};
use crate::store::{Database, accounts, invitations, log, sessions, tables, tokens};

/// Does something about `about` and notes it, as a part of a transaction. `by` is a person's id, or the service's where it is done on the machine.
pub fn noted<T>(keys: &Keyring, db: &mut Database, by: &str, act: &str, about: &str, work: impl FnOnce(&mut Database) -> Result<T>) -> Result<T> {
    // The lock that every writer takes first, on either database: what is looked at now is so until this is written.
    log::take_head(db)?;
    let before = digest(keys, db, about)?;
    let done = work(db)?;
    let after = digest(keys, db, about)?;
    let at = now().unix_ms();
    // Sorts by time; the rest tells apart what happened in the same millisecond.
    let id = format!("{at:015}-{:032x}", seed()?);
    let act = Act { id, at, person: by.to_owned(), act: act.to_owned(), about: about.to_owned(), before_sha256: before, after_sha256: after };
    administration::note(db, &act)?;
    Ok(done)
}

/// The same through the writer; it is on the disk when this returns.
pub fn act<T: Send + 'static>(
    service: &Service,
    by: &str,
    act: &'static str,
    about: &str,
    work: impl FnOnce(&App, &mut Database) -> Result<T> + Send + 'static,
) -> Result<T> {
    let (app, by, about) = (Arc::clone(&service.app), by.to_owned(), about.to_owned());
    service.recorder.write_waiting(move |db| noted(&app.keys, db, &by, act, &about, |db| work(&app, db)))
}

/// What is on record of a person, under a key of the key folder: nobody can try out a name that was erased. Empty where there is nobody.
fn digest(keys: &Keyring, db: &mut Database, id: &str) -> Result<String> {
    let Some(person) = people::by_id(db, id)? else { return Ok(String::new()) };
    let account = accounts::of(db, id)?;
    let tokens: Vec<_> = tokens::of(db, id)?.into_iter().map(|token| (token.id, token.name, token.scopes, token.expires_at)).collect();
    let sessions: Vec<_> = sessions::of(db, id)?.into_iter().map(|session| session.id).collect();
    let state = json!({
        "name": person.name, "title": person.title, "phone": person.phone, "email": person.email, "role": person.role, "party": person.party,
        "site": person.site, "disabled": person.disabled_at, "password": account.as_ref().map(|account| &account.password),
        "totp": account.as_ref().and_then(|account| account.totp.as_ref()).map(|sealed| hex(sealed)), "tokens": tokens, "sessions": sessions,
        "invited": invitations::until(db, id)?,
    });
    Ok(hex(&hmac(&keys.people("administration")?, state.to_string().as_bytes())))
}

/// Somebody who is to be added to the directory.
#[derive(Clone, Debug, Default)]
pub struct Newcomer {
    /// Name, as certificates show it.
    pub name: String,
    /// Title, as certificates show it.
    pub title: String,
    /// Telephone number; may be empty.
    pub phone: String,
    /// E-mail address; may be empty.
    pub email: String,
    /// Role.
    pub role: String,
    /// The party's id; empty for the organisation.
    pub party: String,
    /// The site of a school contact.
    pub site: String,
}

/// Refuses a role that does not go with a party or a site.
fn check_place(app: &App, db: &mut Database, role: Role, party: &str, site: &str) -> Result<()> {
    let refuse = |code, why: String| Err(Refusal::new(code, why).into());
    if role == Role::Service {
        return refuse("people.role", "Nobody signs in as the service itself; choose another role.".to_owned());
    }
    let id = PartyId::parse(party)?;
    let Some(party) = tables::find::<Party>(db, &id)? else {
        return refuse("people.party", "There is no such party; register it first, or choose another.".to_owned());
    };
    let own = party.id == app.service.party;
    if role.is_vendor() == own || (!own && party.kind == PartyKind::Organisation) {
        let why = format!(
            "The role {} does not fit {}: vendors' roles are for vendors' people, the others for the organisation's.",
            role.label(),
            party.name
        );
        return refuse("people.party", why);
    }
    let known = party.sites.iter().any(|own| own.as_str() == site);
    match (role == Role::SchoolContact, site.is_empty()) {
        (true, _) if !known => {
            let sites: Vec<&str> = party.sites.iter().map(|site| site.as_str()).collect();
            refuse("people.site", format!("A school contact acts for one site of {}; choose one of: {}.", party.name, sites.join(", ")))
        }
        (false, false) => refuse("people.site", "Only a school contact acts for one site; leave the site empty.".to_owned()),
        _ => Ok(()),
    }
}

/// Checks somebody new and makes a row of them.
pub fn newcomer(app: &App, db: &mut Database, new: Newcomer) -> Result<Person> {
    let role = Role::parse(&new.role)?;
    let party = if new.party.is_empty() { app.service.party.to_string() } else { new.party };
    check_place(app, db, role, &party, &new.site)?;
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    // The same rules as for what is corrected later.
    let name = clean("name", &new.name, people::MOST_CHARACTERS)?;
    Correction { name: Some(name.clone()), title: given(&new.title), phone: given(&new.phone), email: given(&new.email) }.check()?;
    let email = if new.email.is_empty() { String::new() } else { people::email(&new.email)? };
    if people::by_email(db, &email)?.is_some() {
        return Err(Refusal::new("people.email_taken", "Somebody has this e-mail address already; look them up in the list.").into());
    }
    Ok(Person { phone: new.phone, email, site: new.site, ..Person::new(&people::new_id()?, &name, &new.title, role, &party) })
}

/// Adds somebody to the directory and invites them: who it is, and the secret of their invitation.
pub fn invite(service: &Service, by: &Actor, new: Newcomer) -> Result<(Person, String)> {
    let person = newcomer(&service.app, &mut *service.app.read()?, new)?;
    let secret = invitations::new_secret()?;
    let (added, kept) = (person.clone(), secret.clone());
    act(service, by.person.as_str(), "person.invited", &person.id, move |app, db| {
        people::add(db, &added)?;
        send_invitation(app, db, &added, &kept, invitations::INVITED_MS)
    })
    .map_err(taken)?;
    Ok((person, secret))
}

/// Where an invitation leads.
pub fn invitation_address(app: &App, secret: &str) -> String {
    format!("{}/invitations/{secret}", app.identity.public_url)
}

/// Keeps an invitation, and writes the letter with it to whoever has an address.
fn send_invitation(app: &App, db: &mut Database, person: &Person, secret: &str, lasts_ms: i64) -> Result<()> {
    let at = now();
    invitations::invite(db, &person.id, secret, at.unix_ms(), lasts_ms)?;
    let until = Instant::from_unix_ms(at.unix_ms().saturating_add(lasts_ms));
    let Some(expires_at) = until.filter(|_| !person.email.is_empty()) else { return Ok(()) };
    let party = tables::find::<Party>(db, &PartyId::parse(&person.party)?)?.map(|party| party.name.to_string()).unwrap_or_default();
    let letter = Invitation { address: invitation_address(app, secret), role: Role::parse(&person.role)?, party, expires_at };
    outbox::enqueue(db, &To::Person(person.id.clone()), &Letter::Invitation(letter), at)
}

/// What the database says where somebody else took an address a moment ago, in words for people.
fn taken(error: Error) -> Error {
    match error {
        Error::Fault(why) if why.contains("unique constraint") || why.contains("UNIQUE constraint") => {
            Error::Conflict(Refusal::new("people.email_taken", "Somebody has got this e-mail address a moment ago; look at the list and try again."))
        }
        other => other,
    }
}

fn nobody() -> Error {
    Error::Unknown("Nobody has this id; the list of people shows who there is.".to_owned())
}

/// Nobody does this to themselves, and nobody to the last administrator.
fn require_other(db: &mut Database, by: &str, id: &str, leaves_office: bool) -> Result<Person> {
    let person = people::by_id(db, id)?.ok_or_else(nobody)?;
    if by == id {
        return Err(Refusal::new("people.oneself", "Nobody does this to themselves; another administrator has to.").into());
    }
    if leaves_office && person.role == Role::Administrator.as_str() && people::is_last_administrator(db, id)? {
        return Err(Refusal::new("people.last_administrator", "This is the last administrator; make somebody else one first.").into());
    }
    Ok(person)
}

/// Invites somebody who is in the directory anew: whatever they signed in with before counts no more once they take it. Gives the secret.
pub fn invite_again(service: &Service, by: &Actor, id: &str) -> Result<String> {
    let secret = invitations::new_secret()?;
    let (person, kept) = (id.to_owned(), secret.clone());
    act(service, by.person.as_str(), "person.invited_again", id, move |app, db| {
        let known = people::by_id(db, &person)?.ok_or_else(nobody)?;
        if known.disabled_at.is_some() {
            return Err(Refusal::new("people.disabled", "This person may not sign in; let them in again first.").into());
        }
        // Somebody who has a password and asks for a new one has less time.
        let lasts = if accounts::of(db, &person)?.is_some() { invitations::ANEW_MS } else { invitations::INVITED_MS };
        send_invitation(app, db, &known, &kept, lasts)
    })?;
    Ok(secret)
}

/// Gives somebody another role.
pub fn set_role(service: &Service, by: &Actor, id: &str, role: Role, site: &str) -> Result<()> {
    let (me, person, site) = (by.person.to_string(), id.to_owned(), site.to_owned());
    act(service, by.person.as_str(), "person.role_changed", id, move |app, db| {
        let known = require_other(db, &me, &person, role != Role::Administrator)?;
        check_place(app, db, role, &known.party, &site)?;
        people::set_role(db, &person, role, &site).map(drop)
    })
}

/// Keeps somebody out, or lets them in again.
pub fn set_disabled(service: &Service, by: &Actor, id: &str, disabled: bool) -> Result<()> {
    let (me, person) = (by.person.to_string(), id.to_owned());
    act(service, by.person.as_str(), if disabled { "person.disabled" } else { "person.enabled" }, id, move |_, db| {
        require_other(db, &me, &person, disabled)?;
        people::set_disabled(db, &person, disabled.then(|| now().unix_ms())).map(drop)
    })
}

/// Corrects what the directory holds of somebody; whether there is such a person.
pub fn correct(service: &Service, by: &Actor, id: &str, correction: Correction) -> Result<bool> {
    let person = id.to_owned();
    act(service, by.person.as_str(), "person.corrected", id, move |_, db| people::correct(db, &person, &correction)).map_err(taken)
}

/// Erases somebody; whether there was such a person.
pub fn erase(service: &Service, by: &Actor, id: &str) -> Result<bool> {
    let (me, person) = (by.person.to_string(), id.to_owned());
    act(service, by.person.as_str(), "person.erased", id, move |_, db| {
        if me != person && people::by_id(db, &person)?.is_none() {
            return Ok(false);
        }
        require_other(db, &me, &person, true)?;
        people::erase(db, &person, now().unix_ms())
    })
}

/// Ends a session of somebody, or all of them where none is named.
pub fn end_sessions(service: &Service, by: &Actor, id: &str, session: Option<String>) -> Result<()> {
    let person = id.to_owned();
    act(service, by.person.as_str(), "session.ended", id, move |_, db| match session {
        None => sessions::end_all(db, &person, None),
        Some(session) if sessions::of(db, &person)?.iter().any(|own| own.id == session) => sessions::end(db, &session).map(drop),
        Some(_) => Err(Error::Unknown("There is no such session; it may have ended meanwhile.".to_owned())),
    })
}

/// Gives somebody a token: the token, which is shown once.
pub fn give_token(service: &Service, by: &Actor, name: &str, scopes: &str, days: u16) -> Result<String> {
    let token = tokens::new_token()?;
    let (person, name, scopes, kept) = (by.person.to_string(), name.to_owned(), scopes.to_owned(), token.clone());
    act(service, by.person.as_str(), "token.given", by.person.as_str(), move |_, db| {
        tokens::give(db, &person, &name, &kept, &scopes, days, now().unix_ms()).map(drop)
    })?;
    Ok(token)
}

/// Revokes a token of somebody.
pub fn revoke_token(service: &Service, by: &Actor, id: &str, token: String) -> Result<()> {
    let person = id.to_owned();
    act(service, by.person.as_str(), "token.revoked", id, move |_, db| {
        if tokens::revoke(db, &person, &token)? {
            return Ok(());
        }
        Err(Error::Unknown("There is no such token; it may have been revoked meanwhile.".to_owned()))
    })
}
