//! Saved views: kept and removed by whoever made them, seen by them and by the role that they are shared with.

use actix_web::{HttpRequest, HttpResponse, web};

use super::forms::{self, Given};
use super::page;
use super::problem::Problem;
use super::session;
use super::{Data, block};
use crate::domain::names::{Role, clean};
use crate::error::Error;
use crate::store::views::{self, View};

/// Longest name, and longest query.
const NAME: usize = 60;
const QUERY: usize = 500;

/// `POST /views`: keeps the list that is shown.
pub async fn create(http: HttpRequest, state: Data, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    let given = Given::read(&http, &state, payload).await?;
    let query = given.get("query").trim_start_matches('?').to_owned();
    if query.len() > QUERY || !query.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~=&%+:".contains(&byte)) {
        return Err(Problem::new(422, "views.query", "This list cannot be kept; open it again and save it from its page."));
    }
    let name = clean("name of the view", given.get("name"), NAME)?;
    let shared = given.get("role");
    let role = if shared.is_empty() { String::new() } else { Role::parse(shared)?.to_string() };
    if viewer.actor.role.is_narrowed() && !role.is_empty() && role != viewer.actor.role.as_str() {
        return Err(Problem::new(422, "views.role", "Share it with your own role, or with nobody."));
    }
    let there = format!("/assets?{query}");
    let view = View { id: forms::fresh_key()?, person: viewer.actor.person.to_string(), name, query, role };
    block(&state, move |service| service.recorder.write_waiting(move |db| views::add(db, &view))).await?;
    Ok(page::redirect(&state, &there))
}

/// `POST /views/{id}/removals`
pub async fn remove(http: HttpRequest, state: Data, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    let id = id.into_inner();
    if uuid::Uuid::parse_str(&id).is_err() {
        return Err(Error::Unknown("You have no such view.".to_owned()).into());
    }
    block(&state, move |service| {
        let person = viewer.actor.person.to_string();
        let removed = service.recorder.write_waiting(move |db| views::remove(db, &person, &id))?;
        if removed { Ok(()) } else { Err(Error::Unknown("You have no such view.".to_owned())) }
    })
    .await?;
    Ok(page::redirect(&state, "/assets"))
}
