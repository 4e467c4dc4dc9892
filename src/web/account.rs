//! One's own account: password, second factor, browsers that are signed in, tokens for programs.

use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::guesses::too_early;
use super::page::{self, Page, When};
use super::problem::Problem;
use super::session::{self, Viewer, current};
use super::sign_in::{self, FactorShown, own_path, proved_or};
use super::{Data, block, request};
use crate::app::now;
use crate::documents::qr;
use crate::domain::names::{Instant as At, SignedIn};
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};
use crate::operations::{Service, administer, prove};
use crate::store::people::Person;
use crate::store::sessions::{FACTOR, OPEN, Session};
use crate::store::tokens::{self, Token};
use crate::store::{Database, accounts, sessions};

/// A browser that is signed in.
pub struct Browser {
    /// By which it is ended.
    pub id: String,
    /// What it calls itself.
    pub agent: String,
    /// How the person signed in.
    pub how: &'static str,
    /// Since when.
    pub since: When,
    /// When it was used last.
    pub seen: When,
    /// The one that asks.
    pub here: bool,
}

/// A token for programs.
pub struct Shown {
    /// By which it is revoked.
    pub id: String,
    /// What its person calls it.
    pub name: String,
    /// What it is good for.
    pub scopes: &'static str,
    /// Until when.
    pub until: When,
    /// Whether that is over.
    pub over: bool,
    /// When it was used last.
    pub used: Option<When>,
}

fn when(ms: i64) -> Result<When> {
    Ok(At::from_unix_ms(ms).ok_or_else(|| Error::Fault("the database holds a time that is none".to_owned()))?.into())
}

/// The browsers of a person.
pub fn browsers(db: &mut Database, person: &str, here: Option<&str>) -> Result<Vec<Browser>> {
    let shown = |session: Session| {
        Ok(Browser {
            here: here == Some(session.id.as_str()),
            how: SignedIn::parse(&session.signed_in)?.label(),
            since: when(session.created_at)?,
            seen: when(session.seen_at)?,
            agent: if session.agent.is_empty() { "a program that does not say what it is".to_owned() } else { session.agent },
            id: session.id,
        })
    };
    sessions::of(db, person)?.into_iter().filter(|session| session.stage == OPEN).map(shown).collect()
}

/// The tokens of a person.
pub fn programs(db: &mut Database, person: &str) -> Result<Vec<Shown>> {
    let now = now().unix_ms();
    let shown = |token: Token| {
        Ok(Shown {
            scopes: if token.writes() { "reading and writing" } else { "reading" },
            until: when(token.expires_at)?,
            over: token.expires_at <= now,
            used: token.used_at.map(when).transpose()?,
            name: token.name,
            id: token.id,
        })
    };
    tokens::of(db, person)?.into_iter().map(shown).collect()
}

#[derive(Template)]
#[template(path = "account/show.html")]
struct ShowPage {
    page: Page,
    wrong: Option<String>,
    email: String,
    role: &'static str,
    site: String,
    has_password: bool,
    has_factor: bool,
    codes_left: usize,
    least: usize,
    browsers: Vec<Browser>,
    programs: Vec<Shown>,
    days: u16,
    most_days: u16,
}

async fn shown(state: &Data, viewer: &Viewer, wrong: Option<String>) -> std::result::Result<ShowPage, Problem> {
    let page = Page::new(state, if wrong.is_some() { "Problem: Your account" } else { "Your account" }, Some(viewer));
    let viewer = viewer.clone();
    block(state, move |service| {
        let mut db = service.app.read()?;
        let account = accounts::of(&mut db, &viewer.person.id)?;
        let has_factor = account.as_ref().is_some_and(|account| account.totp.is_some());
        Ok(ShowPage {
            page,
            wrong,
            email: viewer.person.email.clone(),
            role: viewer.actor.role.label(),
            site: viewer.person.site.clone(),
            has_password: account.as_ref().is_some_and(|account| !account.password.is_empty()),
            has_factor,
            codes_left: accounts::recovery_codes_left(&mut db, &viewer.person.id)?,
            least: if has_factor { 8 } else { 15 },
            browsers: browsers(&mut db, &viewer.person.id, viewer.session())?,
            programs: programs(&mut db, &viewer.person.id)?,
            days: tokens::DAYS,
            most_days: tokens::MOST_DAYS,
        })
    })
    .await
}

/// `GET /account`
pub async fn show(viewer: Viewer, state: Data) -> std::result::Result<HttpResponse, Problem> {
    page::render(&shown(&state, &viewer, None).await?)
}

/// The page again, with what was wrong; anything else is the problem that it is.
pub async fn again(state: &Data, viewer: &Viewer, problem: Problem) -> std::result::Result<HttpResponse, Problem> {
    if problem.status != 422 {
        return Err(problem);
    }
    let mut response = page::render(&shown(state, viewer, Some(problem.detail.clone())).await?)?;
    *response.status_mut() = problem.status;
    Ok(response)
}

/// What the form for a new password sends.
#[derive(Deserialize)]
pub struct NewPassword {
    #[serde(default)]
    old: String,
    new: String,
    repeated: String,
}

/// `POST /account/password`: every other browser is signed out.
pub async fn set_password(http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    let NewPassword { old, new, repeated } = request::form(&http, &state, payload).await?;
    match change_password(&http, &state, &viewer, old, new, repeated).await {
        Ok(answer) => Ok(answer),
        Err(problem) => again(&state, &viewer, problem).await,
    }
}

async fn change_password(
    http: &HttpRequest,
    state: &Data,
    viewer: &Viewer,
    old: String,
    new: String,
    repeated: String,
) -> std::result::Result<HttpResponse, Problem> {
    if new != repeated {
        return Err(Refusal::new("password.repeated", "The two new passwords differ; type them again.").into());
    }
    let account = format!("again {}", viewer.person.id);
    state.guesses.try_one(&account, Instant::now()).map_err(too_early)?;
    let (service, person) = (state.service.clone(), viewer.person.clone());
    let has_factor = state
        .hashing
        .run(move || {
            let kept = accounts::of(&mut *service.app.read()?, &person.id)?;
            let has_factor = kept.as_ref().is_some_and(|account| account.totp.is_some());
            let kept = kept.map(|account| account.password).filter(|kept| !kept.is_empty());
            if kept.is_some() && !prove::is_password(&service, Some(&person), kept.as_deref(), &old)? {
                return Err(Refusal::new("password.wrong", "The old password is wrong.").into());
            }
            Ok(has_factor)
        })
        .await?;
    // Whatever is wrong with the new one, the old one was no guess.
    state.guesses.right(&account);
    prove::check_password(&state.service.app, &viewer.person, &new, has_factor)?;
    let hash = state.hashing.run(move || accounts::hash(&new)).await?;
    let (id, here) = (viewer.person.id.clone(), viewer.session().map(str::to_owned));
    block(state, move |service| {
        administer::act(service, &id.clone(), "password.changed", &id.clone(), move |_, db| {
            accounts::set_password(db, &id, &hash)?;
            sessions::end_all(db, &id, here.as_deref())
        })
    })
    .await?;
    state.sessions.forget();
    renewed(http, state, "/account").await
}

/// Goes on under another token, where a browser asks.
async fn renewed(http: &HttpRequest, state: &Data, path: &str) -> std::result::Result<HttpResponse, Problem> {
    match current(http, state).await? {
        Some((session, _)) => {
            let how = SignedIn::parse(&session.signed_in)?;
            Ok(session::send_on(state, session::go_on(state, session, OPEN, how).await?, path))
        }
        None => Ok(page::redirect(state, path)),
    }
}

#[derive(Template)]
#[template(path = "account/factor.html")]
struct FactorPage {
    page: Page,
    wrong: Option<String>,
    secret: String,
    spaced: String,
    /// The modules of the code as one path of an SVG, and how many there are on a side.
    modules: String,
    side: usize,
    next: String,
    required: bool,
}

fn factor_page(
    state: &Data,
    viewer: Option<&Viewer>,
    factor: prove::NewFactor,
    next: &str,
    wrong: Option<String>,
) -> std::result::Result<FactorPage, Problem> {
    let code = qr::modules(&factor.url).map_err(|e| Error::fault("drawing a code", e))?;
    let title = if wrong.is_some() { "Problem: Set up a second factor" } else { "Set up a second factor" };
    let letters: Vec<char> = factor.secret.chars().collect();
    let spaced: Vec<String> = letters.chunks(4).map(|part| part.iter().collect()).collect();
    Ok(FactorPage {
        page: Page::new(state, title, viewer),
        wrong,
        spaced: spaced.join(" "),
        secret: factor.secret,
        modules: code.path(),
        side: code.side,
        next: own_path(next).to_owned(),
        required: viewer.is_none(),
    })
}

/// Who sets up a second factor: somebody who is signed in, or on the way to it; else the way to where they go first.
async fn setting_up(
    http: &HttpRequest,
    state: &Data,
    next: &str,
) -> std::result::Result<std::result::Result<(Session, Person, Option<Viewer>), HttpResponse>, Problem> {
    let Some((session, person)) = current(http, state).await? else {
        return Ok(Err(page::redirect(state, &sign_in::with_next("/sign-in", "/account/factor"))));
    };
    if session.stage == FACTOR {
        return Ok(Ok((session, person, None)));
    }
    if session.stage != OPEN {
        return Ok(Err(page::redirect(state, &sign_in::way_on(&session.stage, next))));
    }
    let token = session::cookie_of(http, state).ok_or(Error::SignedOut)?;
    let viewer = session::find(state, session::Presented::Cookie(token)).await?;
    if let Some(elsewhere) = proved_or(state, &viewer, "/account/factor") {
        return Ok(Err(elsewhere));
    }
    Ok(Ok((session, person, Some(viewer))))
}

/// `GET /account/factor`
pub async fn factor(http: HttpRequest, state: Data, query: web::Query<sign_in::Next>) -> std::result::Result<HttpResponse, Problem> {
    let next = query.next();
    let (_, person, viewer) = match setting_up(&http, &state, next).await? {
        Ok(found) => found,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let factor = block(&state, move |service| prove::new_factor(&service.app, &person)).await?;
    page::render(&factor_page(&state, viewer.as_ref(), factor, next, None)?)
}

/// What the form for a second factor sends.
#[derive(Deserialize)]
pub struct FactorForm {
    secret: String,
    code: String,
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "account/codes.html")]
struct CodesPage {
    page: Page,
    codes: Vec<String>,
    next: String,
}

/// `POST /account/factor`: every other browser is signed out; the recovery codes are shown once.
pub async fn set_factor(http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    session::same_site(&http, &state)?;
    let FactorForm { secret, code, next } = request::form(&http, &state, payload).await?;
    let (session, person, viewer) = match setting_up(&http, &state, &next).await? {
        Ok(found) => found,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let account = format!("code {}", person.id);
    state.guesses.try_one(&account, Instant::now()).map_err(too_early)?;
    let (service, subject, typed) = (state.service.clone(), person.clone(), secret.clone());
    let made = state
        .hashing
        .run(move || {
            Ok(match prove::first_code(&service.app, &subject, &typed, &code)? {
                Some(proved) => Some((proved, prove::new_recovery_codes()?)),
                None => None,
            })
        })
        .await?;
    let Some((proved, (codes, hashes))) = made else {
        let factor = block(&state, move |service| prove::same_factor(&service.app, &person, &secret)).await?;
        let page = factor_page(&state, viewer.as_ref(), factor, &next, Some("This is not the code that your app shows now; look again.".to_owned()))?;
        let mut response = page::render(&page)?;
        *response.status_mut() = actix_web::http::StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(response);
    };
    state.guesses.right(&account);
    let (id, here, subject) = (person.id.clone(), session.id.clone(), person.clone());
    let stage = block(&state, move |service| {
        administer::act(service, &id.clone(), "factor.set", &id.clone(), move |_, db| {
            accounts::set_factor(db, &id, &proved.sealed, proved.step, &hashes)?;
            sessions::end_all(db, &id, Some(&here))
        })?;
        sign_in::missing(service, &subject, FactorShown::Yes)
    })
    .await?;
    let begun = session::go_on(&state, session, stage, SignedIn::PasswordTotp).await?;
    let page = CodesPage { page: Page::new(&state, "Your recovery codes", viewer.as_ref()), codes, next: sign_in::way_on(stage, &next) };
    let mut response = page::render(&page)?;
    session::put_cookie(&state, begun, &mut response);
    Ok(response)
}

/// `POST /account/recovery-codes`: new ones in place of the old, shown once.
pub async fn set_codes(http: HttpRequest, state: Data) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    if let Some(elsewhere) = proved_or(&state, &viewer, "/account") {
        return Ok(elsewhere);
    }
    let id = viewer.person.id.clone();
    let account = block(&state, move |service| accounts::of(&mut *service.app.read()?, &id)).await?;
    if account.is_none_or(|account| account.totp.is_none()) {
        let why = Refusal::new("factor.none", "Recovery codes stand in for a second factor; set one up first.");
        return again(&state, &viewer, why.into()).await;
    }
    let (codes, hashes) = state.hashing.run(prove::new_recovery_codes).await?;
    let id = viewer.person.id.clone();
    block(&state, move |service| {
        administer::act(service, &id.clone(), "recovery_codes.made", &id.clone(), move |_, db| accounts::set_recovery_codes(db, &id, &hashes))
    })
    .await?;
    page::render(&CodesPage { page: Page::new(&state, "Your recovery codes", Some(&viewer)), codes, next: "/account".to_owned() })
}

/// What the form of a browser sends.
#[derive(Deserialize)]
pub struct EndForm {
    session: String,
}

/// `POST /account/sessions`: ends one of one's own.
pub async fn end_session(http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    let EndForm { session } = request::form(&http, &state, payload).await?;
    let actor = viewer.actor.clone();
    block(&state, move |service| administer::end_sessions(service, &actor, actor.person.as_str(), Some(session))).await?;
    state.sessions.forget();
    Ok(page::redirect(&state, "/account"))
}

/// What the form for a token sends.
#[derive(Deserialize)]
pub struct TokenForm {
    name: String,
    scopes: String,
    days: u16,
}

#[derive(Template)]
#[template(path = "account/token.html")]
struct TokenPage {
    page: Page,
    name: String,
    token: String,
}

/// `POST /account/tokens`: the token is shown once.
pub async fn give_token(http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    let viewer = by_browser(&http, &state).await?;
    if let Some(elsewhere) = proved_or(&state, &viewer, "/account") {
        return Ok(elsewhere);
    }
    let TokenForm { name, scopes, days } = request::form(&http, &state, payload).await?;
    let (actor, named) = (viewer.actor.clone(), name.clone());
    match block(&state, move |service| administer::give_token(service, &actor, &named, &scopes, days)).await {
        Ok(token) => page::render(&TokenPage { page: Page::new(&state, "Your new token", Some(&viewer)), name, token }),
        Err(problem) => again(&state, &viewer, problem).await,
    }
}

/// Somebody who asks with a browser: a token makes no other tokens.
async fn by_browser(http: &HttpRequest, state: &Data) -> std::result::Result<Viewer, Problem> {
    let viewer = session::by_form(http, state).await?;
    match viewer.session() {
        Some(_) => Ok(viewer),
        None => Err(Problem::new(403, "token.no_person", "A token is no person who could do this; sign in with a browser.")),
    }
}

/// What the form of a token sends.
#[derive(Deserialize)]
pub struct RevokeForm {
    token: String,
}

/// `POST /account/revocations`: of one of one's own tokens.
pub async fn revoke_token(http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    let RevokeForm { token } = request::form(&http, &state, payload).await?;
    let actor = viewer.actor.clone();
    block(&state, move |service: &Service| administer::revoke_token(service, &actor, actor.person.as_str(), token)).await?;
    state.sessions.forget();
    Ok(page::redirect(&state, "/account"))
}
