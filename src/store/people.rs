//! The directory of people. Not derived from the log: names can be corrected and erased here.

use diesel::prelude::*;

use super::schema::{api_tokens, people, people_erased, shown_names};
use super::{Database, accounts, invitations, outbox, sessions, tokens, views};
use crate::domain::Actor;
use crate::domain::names::{Name, PartyId, PersonId, Role, clean};
use crate::domain::refusal::Refusal;
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
    /// Telephone number; may be empty.
    pub phone: String,
    /// E-mail address, in lower case; may be empty, and otherwise nobody else has it.
    pub email: String,
    /// The site that a school contact acts for; empty for everybody else.
    pub site: String,
    /// Since when they may not sign in any more, in milliseconds since 1970.
    pub disabled_at: Option<i64>,
}

impl Person {
    /// Somebody of whom no more is known.
    pub fn new(id: &str, name: &str, title: &str, role: Role, party: &str) -> Self {
        let [phone, email, site] = [const { String::new() }; 3];
        let (id, name, title, party) = (id.to_owned(), name.to_owned(), title.to_owned(), party.to_owned());
        Self { id, name, title, role: role.as_str().to_owned(), party, phone, email, site, disabled_at: None }
    }
    /// As the one who gives commands.
    pub fn actor(&self) -> Result<Actor> {
        let site = if self.site.is_empty() { None } else { Some(Name::parse(&self.site)?) };
        Ok(Actor { site, ..Actor::new(PersonId::parse(&self.id)?, Role::parse(&self.role)?, PartyId::parse(&self.party)?) })
    }
}

/// The id of somebody or something new.
pub fn new_id() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| Error::fault("random bytes for an id", e))?;
    Ok(PersonId::from_uuid(uuid::Builder::from_random_bytes(bytes).into_uuid()).to_string())
}

/// The form in which the secrets that people and programs show are stored: 256 random bits need no slow hash.
pub fn token_digest(token: &str) -> String {
    hex(&sha256(token.as_bytes()))
}

/// Adds a person.
pub fn add(db: &mut Database, person: &Person) -> Result<()> {
    diesel::insert_into(people::table).values(person.clone()).execute(db)?;
    Ok(())
}

/// The same with a token for programs, which is good for everything that the person may do, for 90 days from `now` on.
pub fn add_with_token(db: &mut Database, person: &Person, token: &str, now: i64) -> Result<()> {
    add(db, person)?;
    tokens::give(db, &person.id, "first token", token, tokens::READ_WRITE, tokens::DAYS, now)?;
    Ok(())
}

/// A person by id.
pub fn by_id(db: &mut Database, id: &str) -> Result<Option<Person>> {
    Ok(people::table.find(id).first(db).optional()?)
}

/// Who has this e-mail address, as [`email`] writes it.
pub fn by_email(db: &mut Database, email: &str) -> Result<Option<Person>> {
    Ok(people::table.filter(people::email.eq(email)).filter(people::email.ne("")).first(db).optional()?)
}

/// Everyone who has an e-mail address and may sign in, by id.
pub fn reachable(db: &mut Database) -> Result<Vec<Person>> {
    Ok(people::table.filter(people::email.ne("")).filter(people::disabled_at.is_null()).order(people::id).load(db)?)
}

/// Everyone, by name.
pub fn all(db: &mut Database) -> Result<Vec<Person>> {
    Ok(people::table.order((people::name, people::id)).load(db)?)
}

/// What of a person is to be corrected; the rest stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// Name.
    pub name: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
}

/// Most characters of a name, a title or a telephone number.
pub const MOST_CHARACTERS: usize = 120;

impl Correction {
    /// Refuses what no directory should hold.
    pub fn check(&self) -> std::result::Result<(), Refusal> {
        if *self == Self::default() {
            return Err(Refusal::new("people.nothing", "Name what is to be corrected: name, title, phone or email, with what is right."));
        }
        if self.name.as_ref().is_some_and(|name| name.trim().is_empty()) {
            return Err(Refusal::new("people.name", "A name is not empty; to erase somebody, erase them."));
        }
        for (what, text) in [("name", &self.name), ("title", &self.title), ("phone", &self.phone)] {
            // Title and telephone number may be taken away.
            if let Some(text) = text.as_ref().filter(|text| !text.is_empty()) {
                clean(what, text, MOST_CHARACTERS)?;
            }
        }
        if let Some(text) = self.email.as_ref().filter(|text| !text.is_empty()) {
            email(text)?;
        }
        Ok(())
    }
}

/// Longest e-mail address (RFC 5321 §4.5.3.1.3 without its angle brackets).
const EMAIL_CHARACTERS: usize = 254;

/// An e-mail address as it is kept: in lower case, one `@` with something before it and a host name behind it. Whether mail arrives there only mail can tell.
pub fn email(text: &str) -> std::result::Result<String, Refusal> {
    let text = clean("e-mail address", text, EMAIL_CHARACTERS)?.to_lowercase();
    let host = |host: &str| {
        let label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        host.split('.').all(label)
    };
    let local = |local: &str| {
        let odd = |c: char| c.is_whitespace() || "()<>[],;:\\\"".contains(c);
        !local.is_empty() && !local.contains(odd) && !local.starts_with('.') && !local.ends_with('.')
    };
    match text.split_once('@') {
        Some((before, behind)) if !behind.contains('@') && local(before) && host(behind) => Ok(text),
        _ => Err(Refusal::new("people.email", "This is no e-mail address; write it as name@example.org.")),
    }
}

/// Corrects what the directory holds of a person; whether there is one.
pub fn correct(db: &mut Database, id: &str, correction: &Correction) -> Result<bool> {
    let Some(person) = by_id(db, id)? else { return Ok(false) };
    let email = match correction.email.as_deref() {
        None => person.email,
        Some("") => String::new(),
        Some(text) => email(text)?,
    };
    if !email.is_empty() && by_email(db, &email)?.is_some_and(|other| other.id != id) {
        return Err(Refusal::new("people.email_taken", "Somebody else has this e-mail address; correct theirs first, or give another.").into());
    }
    let set = (
        people::name.eq(correction.name.clone().unwrap_or(person.name)),
        people::title.eq(correction.title.clone().unwrap_or(person.title)),
        people::phone.eq(correction.phone.clone().unwrap_or(person.phone)),
        people::email.eq(email),
    );
    Ok(diesel::update(people::table.find(id)).set(set).execute(db)? == 1)
}

/// Somebody has another role now, and another site; whoever is signed in as them is so no more. Whether there is such a person.
pub fn set_role(db: &mut Database, id: &str, role: Role, site: &str) -> Result<bool> {
    sessions::end_all(db, id, None)?;
    Ok(diesel::update(people::table.find(id)).set((people::role.eq(role.as_str()), people::site.eq(site))).execute(db)? == 1)
}

/// Somebody may not sign in any more, since then, or may again; whoever is signed in as them is so no more. Whether there is such a person.
pub fn set_disabled(db: &mut Database, id: &str, since: Option<i64>) -> Result<bool> {
    sessions::end_all(db, id, None)?;
    invitations::withdraw(db, id)?;
    Ok(diesel::update(people::table.find(id)).set(people::disabled_at.eq(since)).execute(db)? == 1)
}

/// Whether there is another person who can administer.
pub fn is_last_administrator(db: &mut Database, id: &str) -> Result<bool> {
    let others = people::table.filter(people::role.eq(Role::Administrator.as_str())).filter(people::disabled_at.is_null()).filter(people::id.ne(id));
    Ok(others.select(people::id).first::<String>(db).optional()?.is_none())
}

/// Erases a person at so many milliseconds since 1970: everything but the id and as what it acted goes, with whatever they signed in with, letters to
/// them and the salts of every shown name. Whether there was one.
pub fn erase(db: &mut Database, id: &str, at: i64) -> Result<bool> {
    let Some(person) = by_id(db, id)? else { return Ok(false) };
    let erased =
        (people_erased::id.eq(&person.id), people_erased::role.eq(&person.role), people_erased::party.eq(&person.party), people_erased::at.eq(at));
    diesel::insert_into(people_erased::table).values(erased).execute(db)?;
    diesel::delete(shown_names::table.filter(shown_names::person.eq(id))).execute(db)?;
    sessions::end_all(db, id, None)?;
    invitations::withdraw(db, id)?;
    accounts::forget(db, id)?;
    diesel::delete(api_tokens::table.filter(api_tokens::person.eq(id))).execute(db)?;
    outbox::forget(db, id)?;
    views::forget(db, id)?;
    diesel::delete(people::table.find(id)).execute(db)?;
    Ok(true)
}

/// Whose names were erased: `(id, role, party, when)`.
pub fn all_erased(db: &mut Database) -> Result<Vec<(String, String, String, i64)>> {
    Ok(people_erased::table.order(people_erased::id).load(db)?)
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

#[cfg(test)]
mod tests {
    use super::email;

    #[test]
    fn an_address_is_one_that_mail_can_be_sent_to() {
        assert_eq!(email(" Dana.Ortiz+x@Northfield.Example ").unwrap(), "dana.ortiz+x@northfield.example");
        assert_eq!(email("a@localhost").unwrap(), "a@localhost");
        for none in [
            "",
            "dana",
            "@example.org",
            "dana@",
            "a@b@c.example",
            "a b@c.example",
            "a@c..example",
            "a@c_d.example",
            "a\n@c.example",
            "<a@c.example>",
            ".a@c.example",
        ] {
            assert!(email(none).is_err(), "{none}");
        }
    }
}
