//! A reader's choice of language and theme, kept in the browser alone.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::problem::Problem;
use super::words::Language;
use super::{Data, asked, page, request, session};

/// What the form at the foot of every page sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    #[serde(default)]
    language: String,
    #[serde(default)]
    theme: String,
    #[serde(default)]
    next: String,
}

/// `POST /appearance`
pub async fn update(http: HttpRequest, state: Data, payload: web::Payload) -> Result<HttpResponse, Problem> {
    session::same_site(&http, &state)?;
    let choice: Choice = request::form(&http, &state, payload).await?;
    let keep = |name: &'static str, value: &'static str| {
        let mut cookie = Cookie::build(name, value).http_only(true).same_site(SameSite::Lax).path("/").max_age(Duration::days(365)).finish();
        if value.is_empty() {
            cookie.make_removal();
        }
        cookie
    };
    let mut answer = HttpResponse::SeeOther();
    answer.insert_header((LOCATION, format!("{}{}", page::base(&state), session::own_path(&choice.next, "/"))));
    if let Some(language) = Language::parse(&choice.language) {
        answer.cookie(keep(asked::LANGUAGE, language.tag()));
    }
    match choice.theme.as_str() {
        "light" => drop(answer.cookie(keep(asked::THEME, "light"))),
        "dark" => drop(answer.cookie(keep(asked::THEME, "dark"))),
        "system" => drop(answer.cookie(keep(asked::THEME, ""))),
        _ => {}
    }
    Ok(answer.finish())
}
