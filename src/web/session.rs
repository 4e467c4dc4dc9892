//! Who is asking: a token, in a header for programs and in a cookie for people.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderName, LOCATION, ORIGIN};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::page::{self, Page};
use super::problem::Problem;
use super::{Data, State, block, request};
use crate::domain::names::Role;
use crate::domain::refusal::Refusal;
use crate::domain::{Actor, Command};
use crate::error::Error;
use crate::store::people::{self, Person};

/// The cookie that holds a person's token.
const COOKIE: &str = "session";
/// Where somebody goes who has signed in and asked for nothing in particular.
const HOME: &str = "/";
/// How long a person is remembered without looking at the directory again: after so long, whoever was removed is out.
const REMEMBERED: Duration = Duration::from_secs(2);
/// People remembered at once; the directory holds fewer.
const MOST_REMEMBERED: usize = 10_000;

/// People who asked a moment ago, by the digest of their token, so that a busy client does not cost a query for each request.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<String, (Instant, Viewer)>>);

impl Sessions {
    fn recall(&self, digest: &str) -> Option<Viewer> {
        let remembered = self.0.lock().ok()?;
        remembered.get(digest).filter(|(at, _)| at.elapsed() < REMEMBERED).map(|(_, viewer)| viewer.clone())
    }
    /// `since` is from before the directory was looked at.
    fn remember(&self, digest: String, since: Instant, viewer: Viewer) {
        if let Ok(mut remembered) = self.0.lock() {
            if remembered.len() >= MOST_REMEMBERED {
                remembered.clear();
            }
            remembered.insert(digest, (since, viewer));
        }
    }
}

/// The person who asks.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// As the directory has them.
    pub person: Person,
    /// As the one who gives commands.
    pub actor: Actor,
}

impl Viewer {
    /// The party to whose things all answers are narrowed; none for the organisation's own people.
    pub fn narrowed_to(&self) -> Option<String> {
        self.actor.role.is_vendor().then(|| self.actor.party.to_string())
    }
    /// Refuses at once what the command would refuse later, before anything is read or stored for it.
    pub fn must_be_able_to(&self, command: &str) -> std::result::Result<(), Problem> {
        let roles = Command::KINDS.iter().find(|(name, _)| *name == command).map_or(&[][..], |(_, roles)| roles);
        self.must_be(roles)
    }
    /// The same for what is no command.
    pub fn must_be(&self, roles: &[Role]) -> std::result::Result<(), Problem> {
        if roles.contains(&self.actor.role) {
            return Ok(());
        }
        let words: Vec<_> = roles.iter().filter(|role| **role != Role::Service).map(|role| role.label()).collect();
        let why = format!("This needs the role {}; you are signed in as {}.", words.join(" or "), self.actor.role.label());
        Err(Refusal::new("command.wrong_role", why).into())
    }
}

/// Where a token came from.
pub enum Presented {
    /// A header, as programs send it: good for everything.
    Header(String),
    /// A browser's cookie: good for reading only, so that no other site can write with it.
    Cookie(String),
}

impl Presented {
    /// The token.
    pub fn token(self) -> String {
        match self {
            Self::Header(token) | Self::Cookie(token) => token,
        }
    }
}

/// The token that a request presents, not yet looked up.
pub fn presented(request: &HttpRequest) -> Option<Presented> {
    if let Some(header) = request.headers().get(AUTHORIZATION) {
        let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| Presented::Header(token.trim().to_owned()));
    }
    if request.method().is_safe() { request.cookie(COOKIE).map(|cookie| Presented::Cookie(cookie.value().to_owned())) } else { None }
}

/// Whose token it is.
pub async fn find(state: &Data, token: String) -> std::result::Result<Viewer, Problem> {
    let digest = people::token_digest(&token);
    if let Some(viewer) = state.sessions.recall(&digest) {
        return Ok(viewer);
    }
    let since = Instant::now();
    let viewer = block(state, move |service| {
        let person = people::by_token(&mut *service.app.read()?, &token)?.ok_or(Error::SignedOut)?;
        Ok(Viewer { actor: person.actor()?, person })
    })
    .await?;
    state.sessions.remember(digest, since, viewer.clone());
    Ok(viewer)
}

impl FromRequest for Viewer {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let state = request.app_data::<web::Data<State>>().cloned();
        let token = presented(request).map(Presented::token);
        Box::pin(async move {
            match (state, token) {
                (Some(state), Some(token)) => find(&state, token).await,
                _ => Err(Error::SignedOut.into()),
            }
        })
    }
}

/// Refuses a form that another site sent: browsers say where a request comes from, by `Sec-Fetch-Site` or, older ones, by `Origin`.
pub fn same_site(request: &HttpRequest, state: &State) -> std::result::Result<(), Problem> {
    let header = |name: HeaderName| request.headers().get(name).map(|value| value.as_bytes().to_vec());
    let own = match header(HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == b"same-origin",
        None => header(ORIGIN).is_some_and(|origin| origin == origin_of(&state.service.app.identity.public_url).as_bytes()),
    };
    if own {
        return Ok(());
    }
    Err(Problem::new(403, "session.other_site", "This form was not sent by a page of this service; open the page here and send it again."))
}

/// Scheme, host and port of an address.
fn origin_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url.get(host..).and_then(|rest| rest.find('/')).map_or(url, |end| url.get(..host + end).unwrap_or(url))
}

/// The person who sent a form of a page here: with the browser's cookie, which is good for nothing that another site sends.
pub async fn by_form(request: &HttpRequest, state: &Data) -> std::result::Result<Viewer, Problem> {
    same_site(request, state)?;
    let token = presented(request).map(Presented::token).or_else(|| request.cookie(COOKIE).map(|cookie| cookie.value().to_owned()));
    match token {
        Some(token) => find(state, token).await,
        None => Err(Error::SignedOut.into()),
    }
}

#[derive(Template)]
#[template(path = "sessions/new.html")]
struct NewPage {
    page: Page,
    next: String,
    wrong: bool,
}

/// What the sign-in form sends.
#[derive(Deserialize)]
pub struct SignIn {
    token: String,
    #[serde(default)]
    next: String,
}

/// Where to go after signing in.
#[derive(Deserialize)]
pub struct Next {
    #[serde(default)]
    next: String,
}

/// Only a path of this site, else `otherwise`.
pub fn own_path<'a>(next: &'a str, otherwise: &'a str) -> &'a str {
    let own = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') && !next.chars().any(char::is_control);
    if own && !next.starts_with("/sign-") { next } else { otherwise }
}

/// `GET /`
pub async fn index(state: Data, viewer: std::result::Result<Viewer, Problem>) -> std::result::Result<HttpResponse, Problem> {
    let there = if viewer.is_ok() { "/assets" } else { "/sign-in" };
    Ok(page::redirect(&state, there))
}

/// `GET /sign-in`
pub async fn new(state: Data, query: web::Query<Next>) -> std::result::Result<HttpResponse, Problem> {
    page::render(&NewPage { page: Page::new(&state, "Sign in", None), next: own_path(&query.next, HOME).to_owned(), wrong: false })
}

/// `POST /sign-in`
pub async fn create(request: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    same_site(&request, &state)?;
    let SignIn { token, next } = request::form(&request, &state, payload).await?;
    let token = token.trim().to_owned();
    match find(&state, token.clone()).await {
        Ok(_) => {
            let location = format!("{}{}", page::base(&state), own_path(&next, HOME));
            Ok(HttpResponse::SeeOther().insert_header((LOCATION, location)).cookie(cookie(&state, token)).finish())
        }
        Err(problem) if problem.status == 401 => {
            let mut response =
                page::render(&NewPage { page: Page::new(&state, "Problem: Sign in", None), next: own_path(&next, HOME).to_owned(), wrong: true })?;
            *response.status_mut() = actix_web::http::StatusCode::UNPROCESSABLE_ENTITY;
            Ok(response)
        }
        Err(problem) => Err(problem),
    }
}

/// `POST /sign-out`
pub async fn destroy(request: HttpRequest, state: Data) -> std::result::Result<HttpResponse, Problem> {
    same_site(&request, &state)?;
    let mut gone = cookie(&state, String::new());
    gone.make_removal();
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, format!("{}/sign-in", page::base(&state)))).cookie(gone).finish())
}

fn cookie(state: &Data, token: String) -> Cookie<'static> {
    let secure = state.service.app.identity.public_url.starts_with("https://");
    Cookie::build(COOKIE, token).http_only(true).same_site(SameSite::Strict).path("/").secure(secure).finish()
}

#[cfg(test)]
mod tests {
    use super::{HOME, own_path};

    #[test]
    fn after_signing_in_nobody_is_sent_to_another_site() {
        assert_eq!(own_path("/assets/1?x=2", HOME), "/assets/1?x=2");
        for elsewhere in ["", "https://evil.example", "//evil.example", "/\\evil.example", "assets", "/sign-out"] {
            assert_eq!(own_path(elsewhere, HOME), HOME, "{elsewhere}");
        }
    }
}
