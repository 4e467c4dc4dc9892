//! Browsers that an account was used with before: they have tries of their own, so that others' wrong guesses lock nobody out.

use actix_web::cookie::time::Duration;
use actix_web::{HttpRequest, HttpResponse};

use super::State;
use super::{page, session};
use crate::error::Result;
use crate::proof::digest::hex;
use crate::store::keyring::hmac;

const DAYS: i64 = 180;

fn name(state: &State) -> &'static str {
    if page::is_https(state) { "__Host-browser" } else { "browser" }
}

/// What the cookie holds: a keyed hash of the account, by which nobody is told who that is.
fn value(state: &State, email: &str) -> Result<String> {
    Ok(hex(&hmac(&state.service.app.keys.people("known browser")?, email.as_bytes())))
}

/// Whether this account was used with this browser before.
pub fn of(request: &HttpRequest, state: &State, email: &str) -> Result<bool> {
    match request.cookie(name(state)) {
        Some(cookie) => Ok(cookie.value() == value(state, email)?),
        None => Ok(false),
    }
}

/// Remembers that this account was used with this browser.
pub fn remember(state: &State, email: &str, response: &mut HttpResponse) -> Result<()> {
    if email.is_empty() {
        return Ok(());
    }
    let mut cookie = session::cookie(state, name(state), value(state, email)?);
    cookie.set_max_age(Duration::days(DAYS));
    // Its value is hexadecimal: nothing of it could be no header.
    let _ = response.add_cookie(&cookie);
    Ok(())
}
