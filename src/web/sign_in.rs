//! Signing in: e-mail address and password, then the code; what an outside party's people agree to; proving it again; signing out.

use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::guesses::too_early;
use super::page::{self, Page};
use super::problem::Problem;
use super::session::{self, Begun, HOME, Viewer, current};
use super::{Data, State, block, request};
use crate::domain::names::{Role, SignedIn};
use crate::error::Error;
use crate::operations::{Service, agree, prove};
use crate::store::accounts;
use crate::store::people::Person;
use crate::store::sessions::{AGREEMENT, CODE, FACTOR, OPEN, Session};

#[derive(Template)]
#[template(path = "sessions/new.html")]
struct NewPage {
    page: Page,
    next: String,
    email: String,
    wrong: Option<String>,
    /// What the other sign-in is called.
    other: Option<String>,
}

#[derive(Template)]
#[template(path = "sessions/code.html")]
struct CodePage {
    page: Page,
    next: String,
    wrong: Option<String>,
}

#[derive(Template)]
#[template(path = "sessions/again.html")]
struct AgainPage {
    page: Page,
    next: String,
    wrong: Option<String>,
    has_password: bool,
    has_factor: bool,
    other: Option<String>,
}

#[derive(Template)]
#[template(path = "sessions/agreement.html")]
struct AgreementPage {
    page: Page,
    next: String,
    paragraphs: Vec<&'static str>,
    digest: String,
    party: String,
    name: String,
}

/// What the sign-in form sends.
#[derive(Deserialize)]
pub struct SignIn {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// What the form for a code sends.
#[derive(Deserialize)]
pub struct Code {
    code: String,
    #[serde(default)]
    next: String,
}

/// What the form that asks again sends: one of the two.
#[derive(Deserialize)]
pub struct Again {
    #[serde(default)]
    password: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    next: String,
}

/// Where to go afterwards.
#[derive(Deserialize)]
pub struct Next {
    #[serde(default)]
    next: String,
}

impl Next {
    /// As it was sent: not yet a path of this site.
    pub fn next(&self) -> &str {
        &self.next
    }
}

/// One sentence for whatever is wrong.
const WRONG: &str = "E-mail address, password or code is wrong.";

/// Only a path of this site.
pub fn own_path(next: &str) -> &str {
    session::own_path(next, HOME)
}

/// An address with where to go afterwards.
pub fn with_next(path: &str, next: &str) -> String {
    format!("{path}?next={}", page::escaped(own_path(next)))
}

fn unprocessable(page: &impl Template) -> std::result::Result<HttpResponse, Problem> {
    let mut response = page::render(page)?;
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

/// What is still missing before somebody is signed in who has shown who they are.
pub fn missing(service: &Service, person: &Person, factor: FactorShown) -> crate::error::Result<&'static str> {
    let role = Role::parse(&person.role)?;
    let has_factor = || Ok::<_, Error>(accounts::of(&mut *service.app.read()?, &person.id)?.is_some_and(|account| account.totp.is_some()));
    if factor == FactorShown::No {
        if has_factor()? {
            return Ok(CODE);
        }
        if service.app.sign_in.second_factor && matches!(role, Role::Administrator | Role::Approver) {
            return Ok(FACTOR);
        }
    }
    if role.is_vendor() && !agree::has_agreed(service, person)? {
        return Ok(AGREEMENT);
    }
    Ok(OPEN)
}

/// Whether a second factor was shown, or another sign-in has seen to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum FactorShown {
    /// It was.
    Yes,
    /// Not yet.
    No,
}

/// Where somebody goes on from a stage.
pub fn way_on(stage: &str, next: &str) -> String {
    match stage {
        CODE => with_next("/sign-in/code", next),
        FACTOR => with_next("/account/factor", next),
        AGREEMENT => with_next("/agreement", next),
        _ => own_path(next).to_owned(),
    }
}

/// Sends the browser of a new or changed session to what comes next.
pub fn send_on(state: &State, begun: Begun, stage: &str, next: &str) -> HttpResponse {
    session::send_on(state, begun, &way_on(stage, next))
}

/// `GET /sign-in`
pub async fn new(state: Data, query: web::Query<Next>) -> std::result::Result<HttpResponse, Problem> {
    let other = super::oidc::name(&state);
    page::render(&NewPage {
        page: Page::new(&state, "Sign in", None),
        next: own_path(&query.next).to_owned(),
        email: String::new(),
        wrong: None,
        other,
    })
}

/// `POST /sign-in`
pub async fn create(http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    session::same_site(&http, &state)?;
    let SignIn { email, password, next } = request::form(&http, &state, payload).await?;
    state.rates.sign_in(&http)?;
    let typed = email.trim().to_lowercase();
    let known_browser = super::known_browser::of(&http, &state, &typed)?;
    // A browser that this account was used with before has tries of its own, so that nobody is locked out by others' tries.
    let account = if known_browser { format!("known browser {typed}") } else { typed.clone() };
    let service = state.service.clone();
    let looked_up = typed.clone();
    let found = match state.guesses.try_one(&account, Instant::now()) {
        Err(wait) => return Err(too_early(wait)),
        Ok(()) => {
            state
                .hashing
                .run(move || {
                    let found = accounts::by_email(&mut *service.app.read()?, &looked_up)?;
                    let (person, kept) = found.map_or((None, None), |(person, account)| (Some(person), account.map(|account| account.password)));
                    let right = prove::is_password(&service, person.as_ref(), kept.as_deref(), &password)?;
                    Ok(person.filter(|_| right))
                })
                .await?
        }
    };
    let Some(person) = found else {
        tracing::info!(account = %crate::proof::digest::hex(&crate::proof::digest::sha256(typed.as_bytes()))[..12], "a sign-in failed");
        return unprocessable(&NewPage {
            page: Page::new(&state, "Problem: Sign in", None),
            next: own_path(&next).to_owned(),
            email: typed.chars().take(254).collect(),
            wrong: Some(WRONG.to_owned()),
            other: super::oidc::name(&state),
        });
    };
    state.guesses.right(&account);
    let subject = person.clone();
    let stage = block(&state, move |service| missing(service, &subject, FactorShown::No)).await?;
    let begun = session::begin(&http, &state, &person, stage, SignedIn::Password).await?;
    let mut response = send_on(&state, begun, stage, &next);
    if stage == OPEN {
        super::known_browser::remember(&state, &person.email, &mut response)?;
    }
    Ok(response)
}

/// The session in this stage, or the way to where it is.
async fn in_stage(
    http: &HttpRequest,
    state: &Data,
    stage: &str,
    next: &str,
) -> std::result::Result<std::result::Result<(Session, Person), HttpResponse>, Problem> {
    Ok(match current(http, state).await? {
        Some(found) if found.0.stage == stage => Ok(found),
        Some((session, _)) => Err(page::redirect(state, &way_on(&session.stage, next))),
        None => Err(page::redirect(state, &with_next("/sign-in", next))),
    })
}

/// `GET /sign-in/code`
pub async fn code(http: HttpRequest, state: Data, query: web::Query<Next>) -> std::result::Result<HttpResponse, Problem> {
    match in_stage(&http, &state, CODE, &query.next).await? {
        Ok(_) => page::render(&CodePage { page: Page::new(&state, "Your code", None), next: own_path(&query.next).to_owned(), wrong: None }),
        Err(elsewhere) => Ok(elsewhere),
    }
}

/// Takes a code for a person, counted; none where it is wrong.
async fn code_taken(state: &Data, person: &Person, code: String) -> std::result::Result<Option<SignedIn>, Problem> {
    let account = format!("code {}", person.id);
    state.guesses.try_one(&account, Instant::now()).map_err(too_early)?;
    let (service, subject) = (state.service.clone(), person.clone());
    let taken = state.hashing.run(move || prove::take_code(&service, &subject, &code)).await?;
    if taken.is_some() {
        state.guesses.right(&account);
    }
    Ok(taken)
}

/// `POST /sign-in/code`
pub async fn give_code(http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    session::same_site(&http, &state)?;
    let Code { code, next } = request::form(&http, &state, payload).await?;
    let (session, person) = match in_stage(&http, &state, CODE, &next).await? {
        Ok(found) => found,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let Some(how) = code_taken(&state, &person, code).await? else {
        let (page, next) = (Page::new(&state, "Problem: Your code", None), own_path(&next).to_owned());
        return unprocessable(&CodePage { page, next, wrong: Some("This code is wrong, or it was used before. Wait for the next one.".to_owned()) });
    };
    let subject = person.clone();
    let stage = block(&state, move |service| missing(service, &subject, FactorShown::Yes)).await?;
    let begun = session::go_on(&state, session, stage, how).await?;
    let mut response = send_on(&state, begun, stage, &next);
    super::known_browser::remember(&state, &person.email, &mut response)?;
    Ok(response)
}

/// `GET /agreement`
pub async fn agreement(http: HttpRequest, state: Data, query: web::Query<Next>) -> std::result::Result<HttpResponse, Problem> {
    let (_, person) = match in_stage(&http, &state, AGREEMENT, &query.next).await? {
        Ok(found) => found,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let name = person.name.clone();
    let party = block(&state, move |service| agree::party_name(service, &person)).await?;
    page::render(&AgreementPage {
        page: Page::new(&state, "Signing electronically", None),
        next: own_path(&query.next).to_owned(),
        paragraphs: agree::paragraphs(),
        digest: agree::digest(),
        party,
        name,
    })
}

/// What the form of the agreement sends: which version of it was read.
#[derive(Deserialize)]
pub struct Agreed {
    document: String,
    #[serde(default)]
    next: String,
}

/// `POST /agreement`
pub async fn agree_to_it(http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    session::same_site(&http, &state)?;
    let Agreed { document, next } = request::form(&http, &state, payload).await?;
    let (session, person) = match in_stage(&http, &state, AGREEMENT, &next).await? {
        Ok(found) => found,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if document != agree::digest() {
        return Ok(page::redirect(&state, &with_next("/agreement", &next)));
    }
    let how = SignedIn::parse(&session.signed_in)?;
    block(&state, move |service| agree::agree(service, &person, how)).await?;
    let begun = session::go_on(&state, session, OPEN, how).await?;
    Ok(send_on(&state, begun, OPEN, &next))
}

/// `GET /sign-in/again`
pub async fn again(viewer: Viewer, state: Data, query: web::Query<Next>) -> std::result::Result<HttpResponse, Problem> {
    page::render(&again_page(&state, &viewer, &query.next, None).await?)
}

async fn again_page(state: &Data, viewer: &Viewer, next: &str, wrong: Option<String>) -> std::result::Result<AgainPage, Problem> {
    let id = viewer.person.id.clone();
    let account = block(state, move |service| accounts::of(&mut *service.app.read()?, &id)).await?;
    Ok(AgainPage {
        page: Page::new(state, if wrong.is_some() { "Problem: Is it still you?" } else { "Is it still you?" }, Some(viewer)),
        next: own_path(next).to_owned(),
        wrong,
        has_password: account.as_ref().is_some_and(|account| !account.password.is_empty()),
        has_factor: account.as_ref().is_some_and(|account| account.totp.is_some()),
        other: super::oidc::name(state),
    })
}

/// `POST /sign-in/again`
pub async fn prove_again(http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    let Again { password, code, next } = request::form(&http, &state, payload).await?;
    let Some((session, person)) = current(&http, &state).await? else { return Err(Error::SignedOut.into()) };
    if session.person != viewer.person.id {
        return Err(Error::SignedOut.into());
    }
    let how = SignedIn::parse(&session.signed_in)?;
    let right = if code.trim().is_empty() {
        let account = format!("again {}", person.id);
        state.guesses.try_one(&account, Instant::now()).map_err(too_early)?;
        let service = state.service.clone();
        let right = state
            .hashing
            .run(move || {
                let kept = accounts::of(&mut *service.app.read()?, &person.id)?.map(|account| account.password);
                prove::is_password(&service, Some(&person), kept.as_deref(), &password)
            })
            .await?;
        if right {
            state.guesses.right(&account);
        }
        right
    } else {
        code_taken(&state, &person, code).await?.is_some()
    };
    if !right {
        return unprocessable(&again_page(&state, &viewer, &next, Some("This is wrong, or the code was used before.".to_owned())).await?);
    }
    let begun = session::go_on(&state, session, OPEN, how).await?;
    Ok(session::send_on(&state, begun, own_path(&next)))
}

/// Whoever does something about people and access has to have shown lately who they are; else the way to where they can.
pub fn proved_or(state: &State, viewer: &Viewer, next: &str) -> Option<HttpResponse> {
    (!viewer.has_proved()).then(|| page::redirect(state, &with_next("/sign-in/again", next)))
}

/// `POST /sign-out`
pub async fn destroy(http: HttpRequest, state: Data) -> std::result::Result<HttpResponse, Problem> {
    session::same_site(&http, &state)?;
    if let Some((session, _)) = current(&http, &state).await? {
        block(&state, move |service| service.recorder.write_waiting(move |db| crate::store::sessions::end(db, &session.id))).await?;
        state.sessions.forget();
    }
    Ok(session::without_cookie(&state, page::redirect(&state, "/sign-in")))
}

#[cfg(test)]
mod tests {
    use super::{own_path, with_next};

    #[test]
    fn after_signing_in_nobody_is_sent_to_another_site() {
        assert_eq!(own_path("/assets/1?x=2"), "/assets/1?x=2");
        for elsewhere in ["", "https://evil.example", "//evil.example", "/\\evil.example", "assets", "/sign-out"] {
            assert_eq!(own_path(elsewhere), "/", "{elsewhere}");
        }
        assert_eq!(with_next("/sign-in", "/assets?a=b&c=d"), "/sign-in?next=/assets%3Fa%3Db%26c%3Dd");
    }
}
