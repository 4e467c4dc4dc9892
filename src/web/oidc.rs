//! Signing in with another sign-in that speaks OpenID Connect: code with PKCE, state and nonce; somebody is who the provider's issuer and subject say.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::cookie::time::Duration as CookieAge;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreIdTokenVerifier, CoreJwsSigningAlgorithm, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest as Request,
    HttpResponse as Response, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    TokenResponse as _,
};
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use super::sign_in::{self, FactorShown, own_path};
use super::{Data, State, block};
use super::{page, session};
use crate::app::now;
use crate::config::Oidc;
use crate::domain::names::SignedIn;
use crate::error::{Error, Result};
use crate::operations::{Service, administer};
use crate::store::accounts;
use crate::store::people::{self, Person};

/// How long what the provider says of itself, its keys included, is taken as it was; and how soon it is asked again for a key that is not among them.
const KNOWN: Duration = Duration::from_secs(3_600);
const AGAIN: Duration = Duration::from_secs(60);
/// The most that is read of one of its answers.
const ANSWER_BYTES: u64 = 256 << 10;
const ANSWER_TIME: Duration = Duration::from_secs(8);
/// How far its clock may be off.
const SKEW: chrono::TimeDelta = chrono::TimeDelta::seconds(60);
/// How long somebody may take there.
const AWAY_MS: i64 = 10 * 60_000;
/// What the key that seals the way back is for.
const PURPOSE: &str = "other sign-in";

type Client = CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// The other sign-in.
pub struct Other {
    settings: Oidc,
    known: Mutex<Option<(Instant, CoreProviderMetadata)>>,
    agent: ureq::Agent,
}

impl Other {
    /// As set.
    pub fn new(settings: Oidc) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // A provider that sends us elsewhere is not asked there.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(ANSWER_TIME))
            .build()
            .into();
        Self { settings, known: Mutex::default(), agent }
    }

    /// What people call it.
    pub fn name(&self) -> String {
        let host = self.settings.issuer.split("://").nth(1).unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
        match host {
            "accounts.google.com" => "Google".to_owned(),
            "login.microsoftonline.com" => "Microsoft".to_owned(),
            other => other.to_owned(),
        }
    }

    fn ask(&self, request: Request) -> std::result::Result<Response, io::Error> {
        let (parts, body) = request.into_parts();
        let answer = if body.is_empty() {
            self.agent.run(openidconnect::http::Request::from_parts(parts, ()))
        } else {
            self.agent.run(openidconnect::http::Request::from_parts(parts, body))
        };
        let (parts, mut body) = answer.map_err(io::Error::other)?.into_parts();
        let body = body.with_config().limit(ANSWER_BYTES).read_to_vec().map_err(io::Error::other)?;
        Ok(Response::from_parts(parts, body))
    }

    /// What the provider says of itself, not older than this.
    fn metadata(&self, age: Duration) -> Result<CoreProviderMetadata> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, metadata)) = &*known
            && since.elapsed() < age
        {
            return Ok(metadata.clone());
        }
        let issuer = IssuerUrl::new(self.settings.issuer.clone()).map_err(|e| Error::fault("oidc-issuer", e))?;
        let metadata = CoreProviderMetadata::discover(&issuer, &|request| self.ask(request)).map_err(|e| {
            tracing::warn!("{} does not say what it is: {e}", self.settings.issuer);
            Error::Busy(format!("{} does not answer; try again in a moment, or sign in with your password.", self.name()))
        })?;
        *known = Some((Instant::now(), metadata.clone()));
        Ok(metadata)
    }

    fn client(&self, metadata: CoreProviderMetadata, service: &Service) -> Result<Client> {
        let back =
            RedirectUrl::new(format!("{}/sign-in/other/back", service.app.identity.public_url)).map_err(|e| Error::fault("the way back", e))?;
        let secret = self.settings.client_secret.clone().map(ClientSecret::new);
        Ok(CoreClient::from_provider_metadata(metadata, ClientId::new(self.settings.client_id.clone()), secret).set_redirect_uri(back))
    }
}

/// What the other sign-in is called, where there is one.
pub fn name(state: &State) -> Option<String> {
    state.other.as_ref().map(Other::name)
}

/// What comes back with the browser.
#[derive(Serialize, Deserialize)]
struct Away {
    state: String,
    nonce: String,
    verifier: String,
    next: String,
    at: i64,
}

fn cookie_name(state: &State) -> &'static str {
    if page::is_https(state) { "__Host-oidc" } else { "oidc" }
}

fn none_here() -> Error {
    Error::Unknown("There is no other sign-in here; use your password.".to_owned())
}

/// `GET /sign-in/other?next=`: off to the provider.
pub async fn begin(state: Data, query: web::Query<sign_in::Next>) -> std::result::Result<HttpResponse, Problem> {
    let (asking, next) = (state.clone(), own_path(query.next()).to_owned());
    let (address, sealed) = block(&state, move |service| {
        let other = asking.other.as_ref().ok_or_else(none_here)?;
        let client = other.client(other.metadata(KNOWN)?, service)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut asked = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("email".to_owned()))
            .set_pkce_challenge(challenge);
        if let Some(domain) = &other.settings.domain {
            asked = asked.add_extra_param("hd", domain.clone());
        }
        let (address, csrf, nonce) = asked.url();
        let away =
            Away { state: csrf.secret().clone(), nonce: nonce.secret().clone(), verifier: verifier.secret().clone(), next, at: now().unix_ms() };
        Ok((address.to_string(), service.app.keys.seal(PURPOSE, "", &serde_json::to_vec(&away)?)?))
    })
    .await?;
    let mut cookie = session::cookie(&state, cookie_name(&state), URL_SAFE_NO_PAD.encode(sealed));
    cookie.set_max_age(CookieAge::milliseconds(AWAY_MS));
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, address)).cookie(cookie).finish())
}

/// What the provider sends the browser back with.
#[derive(Deserialize)]
pub struct Back {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// One sentence for whatever is wrong; the cause is in the log.
fn refused(other: &Other, why: &str) -> Error {
    tracing::info!("signing in with {} was refused: {why}", other.name());
    let words = format!(
        "Signing in with {} did not work. Begin again; if that does not help, an administrator has to look whether you are invited by the address that you have there.",
        other.name()
    );
    Error::Refused(crate::domain::refusal::Refusal::new("session.other", words))
}

/// `GET /sign-in/other/back?code=&state=`: back from the provider.
pub async fn back(http: HttpRequest, state: Data, query: web::Query<Back>) -> std::result::Result<HttpResponse, Problem> {
    state.rates.sign_in(&http)?;
    let sealed = http.cookie(cookie_name(&state)).map(|cookie| cookie.value().to_owned()).unwrap_or_default();
    let (asking, back) = (state.clone(), query.into_inner());
    let found = block(&state, move |service| {
        let other = asking.other.as_ref().ok_or_else(none_here)?;
        let sealed = URL_SAFE_NO_PAD.decode(sealed).unwrap_or_default();
        let away = service.app.keys.unseal(PURPOSE, "", &sealed)?.and_then(|away| serde_json::from_slice::<Away>(&away).ok());
        let away =
            away.filter(|away| now().unix_ms() < away.at.saturating_add(AWAY_MS)).ok_or_else(|| refused(other, "the browser brings nothing back"))?;
        let person = who(other, service, &away, back)?;
        let stage = sign_in::missing(service, &person, FactorShown::Yes)?;
        Ok((person, stage, away.next))
    })
    .await;
    let mut gone = session::cookie(&state, cookie_name(&state), String::new());
    gone.make_removal();
    let (person, stage, next) = found?;
    let begun = session::begin(&http, &state, &person, stage, SignedIn::Oidc).await?;
    let mut response = sign_in::send_on(&state, begun, stage, &next);
    let _ = response.add_cookie(&gone);
    Ok(response)
}

fn who(other: &Other, service: &Service, away: &Away, back: Back) -> Result<Person> {
    let refuse = |why: &str| refused(other, why);
    if let Some(error) = back.error {
        return Err(refuse(&error.chars().filter(|c| c.is_ascii_graphic()).take(60).collect::<String>()));
    }
    if back.state.as_deref() != Some(away.state.as_str()) {
        return Err(refuse("the state is not the one that was sent"));
    }
    // RFC 9207: an answer of another provider is none.
    if back.iss.is_some_and(|iss| iss != other.settings.issuer) {
        return Err(refuse("it is an answer of another provider"));
    }
    let code = back.code.ok_or_else(|| refuse("there is no code"))?;
    let metadata = other.metadata(KNOWN)?;
    let client = other.client(metadata, service)?;
    let answer = client
        .exchange_code(AuthorizationCode::new(code))
        .map_err(|e| refuse(&e.to_string()))?
        .set_pkce_verifier(PkceCodeVerifier::new(away.verifier.clone()))
        .request(&|request| other.ask(request))
        .map_err(|e| refuse(&format!("the code was not taken: {e}")))?;
    let _ = answer.access_token();
    let token = answer.id_token().ok_or_else(|| refuse("there is no id token"))?;
    let nonce = Nonce::new(away.nonce.clone());
    let claims = match token.claims(&verifier(&client), &nonce) {
        Ok(claims) => claims,
        // It may have new keys.
        Err(first) => {
            let client = other.client(other.metadata(AGAIN)?, service)?;
            token.claims(&verifier(&client), &nonce).map_err(|_| refuse(&format!("the id token does not count: {first}")))?
        }
    };
    let (issuer, subject) = (claims.issuer().to_string(), claims.subject().to_string());
    let verified = claims.email_verified() == Some(true);
    let email = claims.email().map(|email| email.to_lowercase()).filter(|_| verified);
    if let Some(domain) = &other.settings.domain
        && email.as_ref().and_then(|email| email.rsplit_once('@')).is_none_or(|(_, host)| !host.eq_ignore_ascii_case(domain))
    {
        return Err(refuse("the address is of another domain, or not verified"));
    }
    let known = accounts::by_identity(&mut *service.app.read()?, &issuer, &subject)?;
    let person = match known {
        Some(person) => person,
        None => {
            let email = email.ok_or_else(|| refuse("nobody is bound to this subject, and its address is not verified"))?;
            let person = people::by_email(&mut *service.app.read()?, &email)?.ok_or_else(|| refuse("nobody was invited by this address"))?;
            if person.disabled_at.is_some() {
                return Err(refuse("this person may not sign in"));
            }
            let (id, bound) = (person.id.clone(), issuer.clone());
            let first = administer::act(service, &id.clone(), "identity.bound", &id.clone(), move |_, db| {
                // Bound once: whoever gets the same address there later is somebody else.
                if accounts::has_identity(db, &id, &bound)? {
                    return Ok(false);
                }
                accounts::bind_identity(db, &id, &bound, &subject)?;
                Ok(true)
            })?;
            if !first {
                return Err(refuse("this person is bound to another subject"));
            }
            person
        }
    };
    if person.disabled_at.is_some() {
        return Err(refuse("this person may not sign in"));
    }
    Ok(person)
}

/// What an id token has to be: signed by a key of the provider with one of three algorithms, for us alone, now.
fn verifier(client: &Client) -> CoreIdTokenVerifier<'_> {
    client
        .id_token_verifier()
        .set_allowed_algs([CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, CoreJwsSigningAlgorithm::EcdsaP256Sha256, CoreJwsSigningAlgorithm::EdDsa])
        .set_other_audience_verifier_fn(|_| false)
        .set_time_fn(|| chrono::Utc::now() - SKEW)
        .set_issue_time_verifier_fn(|issued| if issued <= chrono::Utc::now() + SKEW { Ok(()) } else { Err("issued in the future".to_owned()) })
}
