//! Invitations: whoever has the link sets a password and is signed in.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::page::{self, Page};
use super::problem::Problem;
use super::session;
use super::sign_in::{self, FactorShown};
use super::{Data, block, request};
use crate::app::now;
use crate::domain::names::{Role, SignedIn};
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};
use crate::operations::{Service, administer, prove};
use crate::store::people::Person;
use crate::store::{accounts, invitations, people, sessions};

#[derive(Template)]
#[template(path = "invitations/show.html")]
struct ShowPage {
    page: Page,
    wrong: Option<String>,
    secret: String,
    name: String,
    email: String,
    role: &'static str,
}

/// What the form sends.
#[derive(Deserialize)]
pub struct Accept {
    #[serde(default)]
    email: String,
    password: String,
    repeated: String,
}

/// Whatever is wrong with a link sounds the same.
fn gone() -> Error {
    Error::Unknown("This invitation is not good, or not any more. Ask an administrator to send you another one.".to_owned())
}

fn invited(service: &Service, secret: &str) -> Result<Person> {
    invitations::by_secret(&mut *service.app.read()?, secret, now().unix_ms())?.ok_or_else(gone)
}

fn drawn(state: &Data, secret: &str, person: &Person, email: String, wrong: Option<String>) -> std::result::Result<HttpResponse, Problem> {
    let failed = wrong.is_some();
    let title = if failed { "Problem: Your invitation" } else { "Your invitation" };
    let mut response = page::render(&ShowPage {
        page: Page::new(state, title, None),
        wrong,
        secret: secret.to_owned(),
        name: person.name.clone(),
        email,
        role: Role::parse(&person.role)?.label(),
    })?;
    if failed {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// `GET /invitations/{secret}`
pub async fn show(state: Data, secret: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let wanted = secret.clone();
    let person = block(&state, move |service| invited(service, &wanted)).await?;
    drawn(&state, &secret, &person, person.email.clone(), None)
}

/// `POST /invitations/{secret}`
pub async fn accept(http: HttpRequest, state: Data, secret: web::Path<String>, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    session::same_site(&http, &state)?;
    let Accept { email, password, repeated } = request::form(&http, &state, payload).await?;
    state.rates.sign_in(&http)?;
    let wanted = secret.clone();
    let person = block(&state, move |service| invited(service, &wanted)).await?;
    let typed = email.trim().to_owned();
    match accepted(&state, &secret, &person, &typed, password, repeated).await {
        Ok(person) => {
            let subject = person.clone();
            let stage = block(&state, move |service| sign_in::missing(service, &subject, FactorShown::No)).await?;
            let begun = session::begin(&http, &state, &person, stage, SignedIn::Password).await?;
            Ok(sign_in::send_on(&state, begun, stage, "/"))
        }
        Err(problem) if problem.status == StatusCode::UNPROCESSABLE_ENTITY => drawn(&state, &secret, &person, typed, Some(problem.detail.clone())),
        Err(problem) => Err(problem),
    }
}

async fn accepted(
    state: &Data,
    secret: &str,
    person: &Person,
    email: &str,
    password: String,
    repeated: String,
) -> std::result::Result<Person, Problem> {
    if password != repeated {
        return Err(Refusal::new("password.repeated", "The two passwords differ; type them again.").into());
    }
    // Whoever was invited without an address says by which one they sign in.
    let email = if person.email.is_empty() { people::email(email)? } else { person.email.clone() };
    let (service, mut person) = (state.service.clone(), person.clone());
    person.email.clone_from(&email);
    let subject = person.clone();
    let hash = state
        .hashing
        .run(move || {
            let has_factor = accounts::of(&mut *service.app.read()?, &subject.id)?.is_some_and(|account| account.totp.is_some());
            prove::check_password(&service.app, &subject, &password, has_factor)?;
            accounts::hash(&password)
        })
        .await?;
    let (secret, id) = (secret.to_owned(), person.id.clone());
    block(state, move |service| {
        administer::act(service, &id.clone(), "invitation.taken", &id.clone(), move |_, db| {
            // Two at once: one of them has it.
            let person = invitations::take(db, &secret, now().unix_ms())?.filter(|person| person.id == id).ok_or_else(gone)?;
            if person.email != email {
                people::correct(db, &id, &people::Correction { email: Some(email), ..people::Correction::default() })?;
            }
            accounts::set_password(db, &id, &hash)?;
            sessions::end_all(db, &id, None)
        })
    })
    .await?;
    state.sessions.forget();
    Ok(person)
}
