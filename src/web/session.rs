//! Who is asking: an API token in a header for programs, a session in a cookie for people.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderName, ORIGIN, USER_AGENT};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};

use super::page;
use super::problem::Problem;
use super::{Data, State, block};
use crate::app::now;
use crate::domain::names::{Role, SignedIn};
use crate::domain::refusal::Refusal;
use crate::domain::{Actor, Command};
use crate::error::{Error, Result};
use crate::operations::Service;
use crate::store::people::{self, Person};
use crate::store::sessions::{self, Session};
use crate::store::tokens;

/// How long somebody is remembered without looking at the database again: after so long whoever was put out elsewhere is out here. What this server
/// does itself counts at once.
const REMEMBERED: Duration = Duration::from_millis(900);
/// People remembered at once; the directory holds fewer.
const MOST_REMEMBERED: usize = 10_000;
/// How old the time of last use may be before it is written again: of a session, which ends when it is not used, and of a token.
const SEEN_MS: i64 = 60_000;
const USED_MS: i64 = 5 * 60_000;
/// How long a password or a code that was given counts for what asks for one.
const PROVED_MS: i64 = 10 * 60_000;

/// Who asked a moment ago, by the digest of what they showed, so that a busy client does not cost a query for each request.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<String, (Instant, Viewer)>>);

impl Sessions {
    fn recall(&self, digest: &str) -> Option<Viewer> {
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.get(digest).filter(|(at, _)| at.elapsed() < REMEMBERED).map(|(_, viewer)| viewer.clone())
    }
    /// `since` is from before the database was looked at.
    fn remember(&self, digest: String, since: Instant, viewer: Viewer) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MOST_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(digest, (since, viewer));
    }
    /// Forgets everybody, after something about people or access was changed here.
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// What the person showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// An API token, and whether it is good for writing.
    Token {
        /// Whether it is good for more than reading.
        writes: bool,
    },
    /// A browser's session: its id, and when a password or a code was given last.
    Session {
        /// By which it is listed and ended.
        id: String,
        /// Milliseconds since 1970.
        proved_at: i64,
    },
    /// A one-time link.
    Link,
}

/// The person who asks.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// As the directory has them.
    pub person: Person,
    /// As the one who gives commands.
    pub actor: Actor,
    /// What they showed.
    pub by: By,
}

impl Viewer {
    /// To whose things all lists are narrowed: a party's, or, under a name that no party has, those of a school contact's site, of which only some
    /// lists tell; none for the organisation's other people.
    pub fn narrowed_to(&self) -> Option<String> {
        match self.actor.role {
            Role::SchoolContact => Some("a site".to_owned()),
            role => role.is_vendor().then(|| self.actor.party.to_string()),
        }
    }
    /// The site to which a school contact's answers are narrowed.
    pub fn site(&self) -> Option<&str> {
        (self.actor.role == Role::SchoolContact).then(|| self.actor.site.as_ref().map_or("", |site| site.as_str()))
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
    /// Whether whoever sits at the browser gave a password or a code within the last ten minutes. A token is no person who could have left.
    pub fn has_proved(&self) -> bool {
        match &self.by {
            By::Session { proved_at, .. } => now().unix_ms() < proved_at.saturating_add(PROVED_MS),
            By::Token { .. } | By::Link => true,
        }
    }
    /// The session of the browser.
    pub fn session(&self) -> Option<&str> {
        match &self.by {
            By::Session { id, .. } => Some(id),
            By::Token { .. } | By::Link => None,
        }
    }
}

/// Where what was shown came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presented {
    /// A header, as programs send it: an API token.
    Header(String),
    /// A browser's cookie: a session. By itself good for reading only, so that no other site can write with it.
    Cookie(String),
}

/// The name of the cookie: browsers take `__Host-` over HTTPS alone.
fn cookie_name(state: &State) -> &'static str {
    if page::is_https(state) { "__Host-sid" } else { "sid" }
}

/// What the browser's cookie holds.
pub fn cookie_of(request: &HttpRequest, state: &State) -> Option<String> {
    request.cookie(cookie_name(state)).map(|cookie| cookie.value().to_owned()).filter(|token| !token.is_empty())
}

/// What a request presents, not yet looked up.
pub fn presented(request: &HttpRequest, state: &State) -> Option<Presented> {
    if let Some(header) = request.headers().get(AUTHORIZATION) {
        let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| Presented::Header(token.trim().to_owned()));
    }
    if request.method().is_safe() { cookie_of(request, state).map(Presented::Cookie) } else { None }
}

/// Whose token or session it is.
pub async fn find(state: &Data, presented: Presented) -> std::result::Result<Viewer, Problem> {
    // A token is no session and a session no token.
    let digest = match &presented {
        Presented::Header(token) => people::token_digest(token),
        Presented::Cookie(token) => format!("cookie {}", people::token_digest(token)),
    };
    if let Some(viewer) = state.sessions.recall(&digest) {
        return Ok(viewer);
    }
    let since = Instant::now();
    let viewer = block(state, move |service| look_up(service, &presented)).await?;
    state.sessions.remember(digest, since, viewer.clone());
    Ok(viewer)
}

fn look_up(service: &Service, presented: &Presented) -> Result<Viewer> {
    let now = now().unix_ms();
    let read = || service.app.read();
    let (person, by, how) = match presented {
        Presented::Header(token) => {
            let (token, person) = tokens::by_token(&mut *read()?, token)?.filter(|(token, _)| now < token.expires_at).ok_or(Error::SignedOut)?;
            if token.used_at.is_none_or(|at| at.saturating_add(USED_MS) < now) {
                let id = token.id.clone();
                later(service.recorder.write(move |db| tokens::used(db, &id, now)));
            }
            (person, By::Token { writes: token.writes() }, SignedIn::Token)
        }
        Presented::Cookie(token) => {
            let (session, person) = sessions::by_token(&mut *read()?, &people::token_digest(token))?.ok_or(Error::SignedOut)?;
            if session.stage != sessions::OPEN || !session.is_live(Role::parse(&person.role)?, now) {
                return Err(Error::SignedOut);
            }
            if session.seen_at.saturating_add(SEEN_MS) < now {
                let id = session.id.clone();
                later(service.recorder.write(move |db| sessions::seen(db, &id, now)));
            }
            let how = SignedIn::parse(&session.signed_in)?;
            (person, By::Session { id: session.id, proved_at: session.proved_at }, how)
        }
    };
    if person.disabled_at.is_some() {
        return Err(Error::SignedOut);
    }
    let actor = Actor { signed_in: Some(how), ..person.actor()? };
    Ok(Viewer { actor, person, by })
}

/// Nobody waits for a time of last use: where nothing can be written now, it is written with the next use.
fn later<T>(sent: Result<T>) {
    if let Err(error) = sent {
        tracing::debug!("a time of last use was not written: {error}");
    }
}

/// Refuses to write with a token that is good for reading.
fn may_write(request: &HttpRequest, viewer: Viewer) -> std::result::Result<Viewer, Problem> {
    if viewer.by == (By::Token { writes: false }) && !request.method().is_safe() {
        let why = "This token is good for reading only; make one that is good for writing too on the page of your account.";
        return Err(Problem::new(403, "token.scope", why));
    }
    Ok(viewer)
}

impl FromRequest for Viewer {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let state = request.app_data::<web::Data<State>>().cloned();
        let request = request.clone();
        Box::pin(async move {
            let Some(state) = state else { return Err(Error::SignedOut.into()) };
            match presented(&request, &state) {
                Some(presented) => may_write(&request, find(&state, presented).await?),
                None => Err(Error::SignedOut.into()),
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
pub fn origin_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url.get(host..).and_then(|rest| rest.find('/')).map_or(url, |end| url.get(..host + end).unwrap_or(url))
}

/// The person who sent a form of a page here: with the browser's cookie, which is good for nothing that another site sends.
pub async fn by_form(request: &HttpRequest, state: &Data) -> std::result::Result<Viewer, Problem> {
    same_site(request, state)?;
    match presented(request, state).or_else(|| cookie_of(request, state).map(Presented::Cookie)) {
        Some(presented) => may_write(request, find(state, presented).await?),
        None => Err(Error::SignedOut.into()),
    }
}

/// Where somebody goes who has signed in and asked for nothing in particular.
pub const HOME: &str = "/";

/// Only a path of this site, else `otherwise`.
pub fn own_path<'a>(next: &'a str, otherwise: &'a str) -> &'a str {
    let own = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') && !next.chars().any(char::is_control);
    if own && !next.starts_with("/sign-") { next } else { otherwise }
}

/// A session that has begun in a browser: the cookie's token.
pub struct Begun(String);

/// What the browser calls itself, as far as it is worth keeping.
fn agent(request: &HttpRequest) -> String {
    let agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    agent.chars().filter(|c| !c.is_control()).take(200).collect()
}

fn new_token() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| Error::fault("random bytes for a session", e))?;
    Ok(bs58::encode(bytes).into_string())
}

/// Somebody has shown who they are, as far as `stage` says: a session begins under a token that nobody has known before.
pub async fn begin(request: &HttpRequest, state: &Data, person: &Person, stage: &'static str, how: SignedIn) -> std::result::Result<Begun, Problem> {
    let (agent, person, before) = (agent(request), person.id.clone(), cookie_of(request, state));
    let token = block(state, move |service| {
        let (token, at) = (new_token()?, now().unix_ms());
        let session = Session {
            id: people::new_id()?,
            person,
            token_sha256: people::token_digest(&token),
            stage: stage.to_owned(),
            signed_in: how.as_str().to_owned(),
            created_at: at,
            seen_at: at,
            proved_at: at,
            agent,
        };
        service.recorder.write_waiting(move |db| {
            // Whoever had the browser before is signed out.
            if let Some((before, _)) = before.map(|token| sessions::by_token(db, &people::token_digest(&token))).transpose()?.flatten() {
                sessions::end(db, &before.id)?;
            }
            sessions::sweep(db, at)?;
            sessions::begin(db, &session)
        })?;
        Ok(token)
    })
    .await?;
    state.sessions.forget();
    Ok(Begun(token))
}

/// A session goes on: in another stage, proved anew, or both; always under another token.
pub async fn go_on(state: &Data, session: Session, stage: &'static str, how: SignedIn) -> std::result::Result<Begun, Problem> {
    let token = block(state, move |service| {
        let (token, at) = (new_token()?, now().unix_ms());
        let session = Session {
            token_sha256: people::token_digest(&token),
            stage: stage.to_owned(),
            signed_in: how.as_str().to_owned(),
            seen_at: at,
            proved_at: at,
            ..session
        };
        if service.recorder.write_waiting(move |db| sessions::rotate(db, &session))? { Ok(token) } else { Err(Error::SignedOut) }
    })
    .await?;
    state.sessions.forget();
    Ok(Begun(token))
}

/// The session of a browser in whatever stage, and whose it is.
pub async fn current(request: &HttpRequest, state: &Data) -> std::result::Result<Option<(Session, Person)>, Problem> {
    let Some(token) = cookie_of(request, state) else { return Ok(None) };
    block(state, move |service| {
        let found = sessions::by_token(&mut *service.app.read()?, &people::token_digest(&token))?;
        let now = now().unix_ms();
        match found {
            Some((session, person)) if person.disabled_at.is_none() && session.is_live(Role::parse(&person.role)?, now) => {
                Ok(Some((session, person)))
            }
            _ => Ok(None),
        }
    })
    .await
}

/// Sends the browser on to a path of this site, with the cookie of its session.
pub fn send_on(state: &State, begun: Begun, path: &str) -> HttpResponse {
    let mut response = page::redirect(state, path);
    put_cookie(state, begun, &mut response);
    response
}

/// Gives the browser the cookie of its session.
pub fn put_cookie(state: &State, begun: Begun, response: &mut HttpResponse) {
    // Its value is base 58: nothing of it could be no header.
    let _ = response.add_cookie(&cookie(state, cookie_name(state), begun.0));
}

/// Takes the cookie of the session away.
pub fn without_cookie(state: &State, mut response: HttpResponse) -> HttpResponse {
    let mut gone = cookie(state, cookie_name(state), String::new());
    gone.make_removal();
    let _ = response.add_cookie(&gone);
    response
}

/// A cookie that no script reads and that only this host gets; links in mails lead to pages that are signed in.
pub fn cookie(state: &State, name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build(name, value).http_only(true).same_site(SameSite::Lax).path("/").secure(page::is_https(state)).finish()
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
