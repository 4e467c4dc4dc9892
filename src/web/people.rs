//! The directory, for administrators: who there is, as what, and whether they may sign in; and what was done about it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::{Value, json};

use super::account::{self, Browser, Shown};
use super::assets::bare;
use super::ledger::Names;
use super::page::{self, Page, When};
use super::problem::Problem;
use super::session::{self, Viewer};
use super::sign_in::proved_or;
use super::{Data, block, request, writes};
use crate::app::now;
use crate::domain::names::{Instant, Role};
use crate::domain::parties::{Party, PartyKind};
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};
use crate::operations::administer::{self, Newcomer};
use crate::operations::once::Outcome;
use crate::store::people::{self, Correction, Person};
use crate::store::{Database, accounts, administration, inventory, invitations, tables};

const ADMINISTRATORS: &[Role] = &[Role::Administrator];

/// `GET /api/v1/people`
pub async fn api_index(viewer: Viewer, state: Data) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(ADMINISTRATORS)?;
    let (everyone, erased) = block(&state, |service| {
        let mut db = service.app.read()?;
        Ok((people::all(&mut db)?, people::all_erased(&mut db)?))
    })
    .await?;
    let everyone = everyone.into_iter().map(|person| {
        json!({"id": person.id, "name": person.name, "title": person.title, "phone": person.phone, "email": person.email, "role": person.role,
            "party": person.party, "site": (!person.site.is_empty()).then_some(person.site), "disabled": person.disabled_at.is_some()})
    });
    let erased = erased.into_iter().map(|(id, role, party, _)| json!({"id": id, "name": null, "role": role, "party": party}));
    Ok(HttpResponse::Ok().json(json!({"people": everyone.chain(erased).collect::<Vec<_>>()})))
}

/// What a change of somebody comes to, or that there is nobody.
fn known(done: bool) -> Result<Outcome<Value>> {
    if done {
        return Ok(Outcome::Now(json!({})));
    }
    Err(Error::Unknown("Nobody has this id; GET /api/v1/people shows who there is.".to_owned()))
}

/// `POST /api/v1/people/{id}/corrections`
pub async fn api_correct(
    http: HttpRequest,
    viewer: Viewer,
    state: Data,
    person: web::Path<String>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(ADMINISTRATORS)?;
    let person = request::person_id(&person)?.to_string();
    let bytes = request::json(&http, &state, payload).await?;
    let correction: Correction = request::read(&bytes, "people.malformed")?;
    correction.check()?;
    let work = move |service: &_, viewer: &Viewer, _: Option<&_>| known(administer::correct(service, &viewer.actor, &person, correction)?);
    let answer = writes::answer(&state, viewer, None, StatusCode::OK, work).await;
    state.sessions.forget();
    answer
}

/// `POST /api/v1/people/{id}/erasures`
pub async fn api_erase(viewer: Viewer, state: Data, person: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(ADMINISTRATORS)?;
    let person = request::person_id(&person)?.to_string();
    let work = move |service: &_, viewer: &Viewer, _: Option<&_>| known(administer::erase(service, &viewer.actor, &person)?);
    let answer = writes::answer(&state, viewer, None, StatusCode::OK, work).await;
    state.sessions.forget();
    answer
}

/// Somebody in the list.
struct Row {
    address: String,
    name: String,
    title: String,
    email: String,
    role: &'static str,
    site: String,
    party: String,
    state: &'static str,
    badge: &'static str,
}

/// A choice in a form: the word that is sent and the words people read.
struct Choice(String, String);

#[derive(Template)]
#[template(path = "people/index.html")]
struct IndexPage {
    page: Page,
    rows: Vec<Row>,
    roles: Vec<Choice>,
    parties: Vec<Choice>,
    sites: Vec<String>,
    wrong: Option<String>,
    typed: Newcomer,
}

/// Whether somebody can sign in, in a word and as a badge.
fn standing(db: &mut Database, person: &Person) -> Result<(&'static str, &'static str)> {
    if person.disabled_at.is_some() {
        return Ok(("kept out", "bad"));
    }
    let account = accounts::of(db, &person.id)?;
    Ok(match account {
        Some(account) if account.totp.is_some() => ("password and code", "ok"),
        Some(account) if !account.password.is_empty() => ("password", "ok"),
        _ => match invitations::until(db, &person.id)? {
            Some(until) if until > now().unix_ms() => ("invited", "warn"),
            Some(_) => ("invitation over", "plain"),
            None => ("programs only", "plain"),
        },
    })
}

fn roles() -> Vec<Choice> {
    Role::ALL.iter().filter(|role| **role != Role::Service).map(|role| Choice(role.as_str().to_owned(), role.label().to_owned())).collect()
}

fn own_sites(service: &crate::operations::Service, db: &mut Database) -> Result<Vec<String>> {
    let party = tables::find::<Party>(db, &service.app.service.party)?;
    Ok(party.map(|party| party.sites.iter().map(ToString::to_string).collect()).unwrap_or_default())
}

async fn listed(state: &Data, viewer: &Viewer, wrong: Option<String>, typed: Newcomer) -> std::result::Result<IndexPage, Problem> {
    let page = Page::new(state, if wrong.is_some() { "Problem: People" } else { "People" }, Some(viewer));
    block(state, move |service| {
        let mut db = service.app.read()?;
        let db = &mut *db;
        let mut names = Names::new(&service.app);
        let mut rows = Vec::new();
        for person in people::all(db)? {
            let (state, badge) = standing(db, &person)?;
            rows.push(Row {
                address: format!("/people/{}", bare(&person.id)),
                role: Role::parse(&person.role)?.label(),
                party: names.party(db, &person.party)?,
                name: person.name,
                title: person.title,
                email: person.email,
                site: person.site,
                state,
                badge,
            });
        }
        let parties = inventory::parties(db, None, None, i64::MAX)?;
        let own = service.app.service.party.as_str();
        let mut parties: Vec<Choice> = parties.into_iter().map(|party| Choice(party.id, party.name)).collect();
        parties.sort_by_key(|Choice(id, _)| id != own);
        let sites = own_sites(service, db)?;
        Ok(IndexPage { page, rows, roles: roles(), parties, sites, wrong, typed })
    })
    .await
}

/// `GET /people`
pub async fn index(viewer: Viewer, state: Data) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(ADMINISTRATORS)?;
    page::render(&listed(&state, &viewer, None, Newcomer::default()).await?)
}

/// What the form for somebody new sends.
#[derive(Deserialize)]
pub struct InviteForm {
    name: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    phone: String,
    #[serde(default)]
    email: String,
    role: String,
    #[serde(default)]
    party: String,
    #[serde(default)]
    site: String,
}

#[derive(Template)]
#[template(path = "people/invited.html")]
struct InvitedPage {
    page: Page,
    name: String,
    address: String,
    link: String,
    /// Whether a letter with it is on its way.
    mailed: bool,
    minutes: bool,
}

/// Somebody who administers people with a browser and has shown lately who they are, or the way to where they can.
async fn administrator(http: &HttpRequest, state: &Data, next: &str) -> std::result::Result<std::result::Result<Viewer, HttpResponse>, Problem> {
    let viewer = session::by_form(http, state).await?;
    viewer.must_be(ADMINISTRATORS)?;
    Ok(proved_or(state, &viewer, next).map_or(Ok(viewer), Err))
}

/// `POST /people`: the link is shown once.
pub async fn create(http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    let viewer = match administrator(&http, &state, "/people").await? {
        Ok(viewer) => viewer,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let InviteForm { name, title, phone, email, role, party, site } = request::form(&http, &state, payload).await?;
    let new = Newcomer { name, title: title.trim().to_owned(), phone: phone.trim().to_owned(), email: email.trim().to_owned(), role, party, site };
    let (actor, given) = (viewer.actor.clone(), new.clone());
    match block(&state, move |service| administer::invite(service, &actor, given)).await {
        Ok((person, secret)) => page::render(&InvitedPage {
            page: Page::new(&state, "Invited", Some(&viewer)),
            name: person.name,
            address: format!("/people/{}", bare(&person.id)),
            link: administer::invitation_address(&state.service.app, &secret),
            mailed: !person.email.is_empty(),
            minutes: false,
        }),
        Err(problem) if problem.status == StatusCode::UNPROCESSABLE_ENTITY => {
            let mut response = page::render(&listed(&state, &viewer, Some(problem.detail.clone()), new).await?)?;
            *response.status_mut() = problem.status;
            Ok(response)
        }
        Err(problem) => Err(problem),
    }
}

#[derive(Template)]
#[template(path = "people/show.html")]
struct ShowPage {
    page: Page,
    wrong: Option<String>,
    address: String,
    person: Person,
    role: &'static str,
    party: String,
    state: &'static str,
    badge: &'static str,
    oneself: bool,
    roles: Vec<Choice>,
    sites: Vec<String>,
    browsers: Vec<Browser>,
    programs: Vec<Shown>,
}

async fn one(state: &Data, viewer: &Viewer, id: String, wrong: Option<String>) -> std::result::Result<ShowPage, Problem> {
    let mut page = Page::new(state, "", Some(viewer));
    let me = viewer.person.id.clone();
    block(state, move |service| {
        let mut db = service.app.read()?;
        let db = &mut *db;
        let person =
            people::by_id(db, &id)?.ok_or_else(|| Error::Unknown("Nobody has this id; the list of people shows who there is.".to_owned()))?;
        let (state, badge) = standing(db, &person)?;
        let party = tables::find::<Party>(db, &crate::domain::names::PartyId::parse(&person.party)?)?;
        let own = party.as_ref().is_none_or(|party| party.kind == PartyKind::Organisation);
        page.title = format!("{}{}", if wrong.is_some() { "Problem: " } else { "" }, person.name);
        Ok(ShowPage {
            wrong,
            page,
            address: format!("/people/{}", bare(&person.id)),
            role: Role::parse(&person.role)?.label(),
            party: party.map(|party| party.name.to_string()).unwrap_or_default(),
            state,
            badge,
            oneself: person.id == me,
            roles: roles().into_iter().filter(|Choice(role, _)| role.starts_with("vendor_") != own).collect(),
            sites: if own { own_sites(service, db)? } else { Vec::new() },
            browsers: account::browsers(db, &person.id, None)?,
            programs: account::programs(db, &person.id)?,
            person,
        })
    })
    .await
}

/// `GET /people/{id}`
pub async fn show(viewer: Viewer, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(ADMINISTRATORS)?;
    let id = request::person_id(&id)?.to_string();
    page::render(&one(&state, &viewer, id, None).await?)
}

/// What the forms about somebody send: what to do, and what belongs to it.
#[derive(Deserialize)]
pub struct ChangeForm {
    act: String,
    name: Option<String>,
    title: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    role: Option<String>,
    site: Option<String>,
    session: Option<String>,
    token: Option<String>,
}

/// What became of a change.
enum Changed {
    Done,
    Gone,
    Invited(String),
}

fn change(service: &crate::operations::Service, viewer: &Viewer, id: &str, form: ChangeForm) -> Result<Changed> {
    let by = &viewer.actor;
    match form.act.as_str() {
        "correct" => {
            let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned());
            let correction =
                Correction { name: trimmed(form.name), title: trimmed(form.title), phone: trimmed(form.phone), email: trimmed(form.email) };
            correction.check()?;
            known(administer::correct(service, by, id, correction)?)?;
        }
        "role" => {
            let role = Role::parse(form.role.as_deref().unwrap_or_default())?;
            let site = if role == Role::SchoolContact { form.site.unwrap_or_default() } else { String::new() };
            administer::set_role(service, by, id, role, &site)?;
        }
        "disable" => administer::set_disabled(service, by, id, true)?,
        "enable" => administer::set_disabled(service, by, id, false)?,
        "end_sessions" => administer::end_sessions(service, by, id, form.session.filter(|session| !session.is_empty()))?,
        "revoke_token" => administer::revoke_token(service, by, id, form.token.unwrap_or_default())?,
        "invite" => return Ok(Changed::Invited(administer::invite_again(service, by, id)?)),
        "erase" => {
            known(administer::erase(service, by, id)?)?;
            return Ok(Changed::Gone);
        }
        _ => return Err(Refusal::new("people.act", "The form of this page is not whole; open it again.").into()),
    }
    Ok(Changed::Done)
}

/// `POST /people/{id}`
pub async fn update(http: HttpRequest, state: Data, id: web::Path<String>, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    let id = request::person_id(&id)?.to_string();
    let here = format!("/people/{}", bare(&id));
    let viewer = match administrator(&http, &state, &here).await? {
        Ok(viewer) => viewer,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let form: ChangeForm = request::form(&http, &state, payload).await?;
    let (asking, person) = (viewer.clone(), id.clone());
    let changed = block(&state, move |service| change(service, &asking, &person, form)).await;
    state.sessions.forget();
    match changed {
        Ok(Changed::Done) => Ok(page::redirect(&state, &here)),
        Ok(Changed::Gone) => Ok(page::redirect(&state, "/people")),
        Ok(Changed::Invited(secret)) => {
            let (person, minutes) = block(&state, move |service| {
                let mut db = service.app.read()?;
                let person = people::by_id(&mut db, &id)?.ok_or_else(|| Error::Unknown("This person was erased meanwhile.".to_owned()))?;
                Ok((person, accounts::of(&mut db, &id)?.is_some()))
            })
            .await?;
            page::render(&InvitedPage {
                page: Page::new(&state, "Invited", Some(&viewer)),
                mailed: !person.email.is_empty(),
                name: person.name,
                address: here,
                link: administer::invitation_address(&state.service.app, &secret),
                minutes,
            })
        }
        Err(problem) if problem.status == StatusCode::UNPROCESSABLE_ENTITY => {
            let mut response = page::render(&one(&state, &viewer, id, Some(problem.detail.clone())).await?)?;
            *response.status_mut() = problem.status;
            Ok(response)
        }
        Err(problem) => Err(problem),
    }
}

/// An act in the list.
struct ActRow {
    at: When,
    who: String,
    what: String,
    about: String,
    before: String,
    after: String,
}

#[derive(Template)]
#[template(path = "people/acts.html")]
struct ActsPage {
    page: Page,
    rows: Vec<ActRow>,
    next: Option<String>,
    paged: bool,
}

/// Where a list goes on.
#[derive(Deserialize)]
pub struct After {
    after: Option<String>,
}

const ACTS: i64 = 50;

/// `GET /administration`
pub async fn acts(viewer: Viewer, state: Data, asked: web::Query<After>) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(&[Role::Administrator, Role::Auditor])?;
    let after = request::after(asked.after.as_deref())?.map(|(id, _)| id);
    let page = Page::new(&state, "What was done about people and access", Some(&viewer));
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        let db = &mut *db;
        let mut names = Names::new(&service.app);
        let paged = after.is_some();
        let mut acts = administration::list(db, after.as_deref(), ACTS + 1)?;
        let next = request::cut(&mut acts, ACTS, |act| (act.id.clone(), String::new()));
        let mut rows = Vec::new();
        for act in acts {
            rows.push(ActRow {
                at: Instant::from_unix_ms(act.at).ok_or_else(|| Error::Fault("the database holds a time that is none".to_owned()))?.into(),
                who: names.person(db, &act.person)?,
                about: names.person(db, &act.about)?,
                what: page::capital(&act.act.replace(['.', '_'], " ")),
                before: page::short(&act.before_sha256),
                after: page::short(&act.after_sha256),
            });
        }
        Ok(ActsPage { page, rows, next, paged })
    })
    .await?;
    page::render(&drawn)
}
