//! The first administrator: whoever knows the code that the server has printed. Without an administrator's absence there is nothing here.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::guesses::too_early;
use super::page::{self, Page};
use super::problem::Problem;
use super::session;
use super::sign_in::{self, FactorShown};
use super::{Data, block, request};
use crate::domain::names::{Role, SignedIn};
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};
use crate::operations::administer::{self, Newcomer};
use crate::operations::{Service, prove};
use crate::store::people::{self, Person};
use crate::store::{Database, accounts};

/// Digits of the code: without I, L, O and U nobody misreads one.
const BASE: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The code that this server has printed, until it is used.
#[derive(Default)]
pub struct SetupCode(Mutex<Option<String>>);

impl SetupCode {
    /// A new code of 100 random bits, where there is no administrator.
    pub fn print(&self, service: &Service) -> Result<Option<String>> {
        if !nobody_administers(&mut *service.app.read()?)? {
            return Ok(None);
        }
        let mut bytes = [0; 20];
        getrandom::fill(&mut bytes).map_err(|e| Error::fault("random bytes for a code", e))?;
        let digits: Vec<char> = bytes.iter().filter_map(|byte| BASE.get(usize::from(byte % 32))).map(|digit| char::from(*digit)).collect();
        let parts: Vec<String> = digits.chunks(5).map(|part| part.iter().collect()).collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(people::token_digest(&parts.concat()));
        Ok(Some(parts.join("-")))
    }
    fn is(&self, typed: &str) -> bool {
        let typed: String = typed.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
        // Digests are compared: what they have in common tells nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(&people::token_digest(&typed))
    }
    fn is_there(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
    fn used(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn nobody_administers(db: &mut Database) -> Result<bool> {
    people::is_last_administrator(db, "")
}

/// Whether the first administrator is still to come.
pub async fn is_open(state: &Data) -> std::result::Result<bool, Problem> {
    if !state.setup.is_there() {
        return Ok(false);
    }
    block(state, |service| nobody_administers(&mut *service.app.read()?)).await
}

fn nothing_here() -> Problem {
    Problem::unknown("There is nothing at this address.")
}

#[derive(Template)]
#[template(path = "setup/new.html")]
struct NewPage {
    page: Page,
    wrong: Option<String>,
    name: String,
    title: String,
    email: String,
    organisation: String,
}

fn drawn(state: &Data, wrong: Option<String>, [name, title, email]: [String; 3]) -> std::result::Result<HttpResponse, Problem> {
    let failed = wrong.is_some();
    let page = Page::new(state, if failed { "Problem: The first administrator" } else { "The first administrator" }, None);
    let organisation = state.service.app.organisation.to_string();
    let mut response = page::render(&NewPage { page, wrong, name, title, email, organisation })?;
    if failed {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// `GET /setup`
pub async fn new(state: Data) -> std::result::Result<HttpResponse, Problem> {
    if is_open(&state).await? { drawn(&state, None, Default::default()) } else { Err(nothing_here()) }
}

/// What the form sends.
#[derive(Deserialize)]
pub struct First {
    code: String,
    name: String,
    #[serde(default)]
    title: String,
    email: String,
    password: String,
    repeated: String,
}

/// `POST /setup`
pub async fn create(http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    session::same_site(&http, &state)?;
    if !is_open(&state).await? {
        return Err(nothing_here());
    }
    let First { code, name, title, email, password, repeated } = request::form(&http, &state, payload).await?;
    state.rates.sign_in(&http)?;
    state.guesses.try_one("setup", Instant::now()).map_err(too_early)?;
    let typed = [name, title, email].map(|text| text.trim().to_owned());
    match first(&state, &code, typed.clone(), password, repeated).await {
        Ok(person) => {
            state.guesses.right("setup");
            state.setup.used();
            let subject = person.clone();
            let stage = block(&state, move |service| sign_in::missing(service, &subject, FactorShown::No)).await?;
            let begun = session::begin(&http, &state, &person, stage, SignedIn::Password).await?;
            Ok(sign_in::send_on(&state, begun, stage, "/people"))
        }
        Err(problem) if problem.status == StatusCode::UNPROCESSABLE_ENTITY => drawn(&state, Some(problem.detail.clone()), typed),
        Err(problem) => Err(problem),
    }
}

async fn first(
    state: &Data,
    code: &str,
    [name, title, email]: [String; 3],
    password: String,
    repeated: String,
) -> std::result::Result<Person, Problem> {
    if !state.setup.is(code) {
        return Err(Refusal::new("setup.code", "This is not the code that the server has printed when it was started; look at its log.").into());
    }
    // With the right code nothing is guessed any more.
    state.guesses.right("setup");
    if password != repeated {
        return Err(Refusal::new("password.repeated", "The two passwords differ; type them again.").into());
    }
    people::email(&email)?;
    let service = state.service.clone();
    let (person, hash) = state
        .hashing
        .run(move || {
            let new = Newcomer { name, title, email, role: Role::Administrator.as_str().to_owned(), ..Newcomer::default() };
            let person = administer::newcomer(&service.app, &mut *service.app.read()?, new)?;
            prove::check_password(&service.app, &person, &password, false)?;
            Ok((person, accounts::hash(&password)?))
        })
        .await?;
    let added = person.clone();
    block(state, move |service| {
        administer::act(service, &added.id.clone(), "administrator.first", &added.id.clone(), move |_, db| {
            // Two at once: one of them is the first.
            if !nobody_administers(db)? {
                return Err(Error::Unknown("There is an administrator already.".to_owned()));
            }
            people::add(db, &added)?;
            accounts::set_password(db, &added.id, &hash)
        })
    })
    .await?;
    Ok(person)
}
