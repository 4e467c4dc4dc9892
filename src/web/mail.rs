//! Mail: what waits and what was given up, for administrators; which mail a person wants; and ending the weekly digest by one click.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::{Value, json};

use super::page::{self, Page, When, capital};
use super::problem::Problem;
use super::session::{self, Viewer};
use super::{Data, block, request};
use crate::app::now;
use crate::domain::letters::{Language, LetterKind};
use crate::domain::names::{Instant, Role};
use crate::error::{Error, Result};
use crate::operations::deliver_mail;
use crate::store::outbox::{self, Kept, Preferences};
use crate::store::{Database, people};

const ADMINISTRATORS: &[Role] = &[Role::Administrator];
/// Letters that the page shows of each kind, and up to how many they are counted.
const SHOWN: usize = 50;
const COUNTED: i64 = 1_000;
/// The newest letters that were sent.
const SENT: i64 = 20;

/// A letter in a list.
struct Row {
    id: String,
    what: String,
    to: String,
    written: When,
    tries: i64,
    next: Option<When>,
    at: Option<When>,
    why: Option<String>,
}

fn when(ms: Option<i64>) -> Option<When> {
    ms.and_then(Instant::from_unix_ms).map(When::from)
}

fn row(db: &mut Database, kept: Kept) -> Result<Row> {
    let to = match (&kept.person, &kept.to_address) {
        (Some(person), _) => people::by_id(db, person)?.map_or_else(|| "name erased".to_owned(), |person| person.name),
        (None, Some(address)) => address.clone(),
        (None, None) => "somebody outside".to_owned(),
    };
    Ok(Row {
        what: LetterKind::parse(&kept.kind).map_or_else(|_| kept.kind.clone(), |kind| capital(kind.label())),
        to,
        written: kept.created_at().into(),
        tries: kept.tries,
        next: when(kept.next_try),
        at: when(kept.sent_at.or(kept.given_up_at)),
        why: kept.last_error,
        id: kept.id,
    })
}

/// `12`, or that there are more than are counted.
fn counted(rows: &[Kept]) -> String {
    let most = usize::try_from(COUNTED).unwrap_or(usize::MAX);
    if rows.len() >= most { format!("{most} or more") } else { rows.len().to_string() }
}

#[derive(Template)]
#[template(path = "letters/index.html")]
struct IndexPage {
    page: Page,
    server: Option<String>,
    folder: String,
    waiting: String,
    given_up: String,
    rows: Vec<Row>,
    failed: Vec<Row>,
    sent: Vec<Row>,
}

/// `GET /mail`
pub async fn index(viewer: Viewer, state: Data) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(ADMINISTRATORS)?;
    let page = Page::new(&state, "Mail", Some(&viewer));
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        let db = &mut *db;
        let (waiting, given_up) = (outbox::waiting(db, COUNTED)?, outbox::given_up(db, COUNTED)?);
        let sent = outbox::sent(db, SENT)?;
        let mut rows = |kept: Vec<Kept>| kept.into_iter().take(SHOWN).map(|kept| row(db, kept)).collect::<Result<Vec<Row>>>();
        Ok(IndexPage {
            page,
            server: service.app.mail.server.as_ref().map(|server| format!("{}:{}", server.host, server.port)),
            folder: service.app.data.join("mail").display().to_string(),
            waiting: counted(&waiting),
            given_up: counted(&given_up),
            rows: rows(waiting)?,
            failed: rows(given_up)?,
            sent: rows(sent)?,
        })
    })
    .await?;
    page::render(&drawn)
}

fn told(kept: &Kept) -> Value {
    let at = |ms: Option<i64>| ms.and_then(Instant::from_unix_ms);
    json!({"id": kept.id, "kind": kept.kind, "person": kept.person, "written_at": kept.created_at(), "tries": kept.tries,
        "next_try_at": at(kept.next_try), "given_up_at": at(kept.given_up_at), "last_error": kept.last_error})
}

/// `GET /api/v1/mail`: how many letters wait and were given up, counted up to 1,000, and the first of them.
pub async fn api_index(viewer: Viewer, state: Data) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(ADMINISTRATORS)?;
    let answer = block(&state, move |service| {
        let mut db = service.app.read()?;
        let (waiting, given_up) = (outbox::waiting(&mut db, COUNTED)?, outbox::given_up(&mut db, COUNTED)?);
        let list = |kept: &[Kept]| kept.iter().take(SHOWN).map(told).collect::<Vec<Value>>();
        Ok(json!({"waiting": waiting.len(), "given_up": given_up.len(), "letters": {"waiting": list(&waiting), "given_up": list(&given_up)}}))
    })
    .await?;
    Ok(HttpResponse::Ok().json(answer))
}

async fn again(state: &Data, id: String) -> std::result::Result<(), Problem> {
    // PostgreSQL takes no text with a NUL in it: what is no id is not asked for.
    let known = uuid::Uuid::try_parse(&id).is_ok();
    block(state, move |service| {
        let found = known && service.recorder.write_waiting(move |db| outbox::retry(db, &id, now().unix_ms()))?;
        if found { Ok(()) } else { Err(Error::Unknown("There is no such letter, or it was sent; nothing is left to do.".to_owned())) }
    })
    .await
}

/// `POST /mail/{id}/retries`, from the page.
pub async fn retry(http: HttpRequest, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    session::by_form(&http, &state).await?.must_be(ADMINISTRATORS)?;
    again(&state, id.into_inner()).await?;
    Ok(page::redirect(&state, "/mail"))
}

/// `POST /api/v1/mail/{id}/retries`, without a body.
pub async fn api_retry(viewer: Viewer, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(ADMINISTRATORS)?;
    again(&state, id.into_inner()).await?;
    Ok(HttpResponse::Ok().json(json!({})))
}

/// A kind of letters that can be wanted.
struct Choice {
    kind: &'static str,
    words: String,
    wanted: bool,
}

#[derive(Template)]
#[template(path = "account/mail.html")]
struct AccountPage {
    page: Page,
    address: String,
    choices: Vec<Choice>,
    /// Word, name, chosen.
    languages: Vec<(&'static str, &'static str, bool)>,
    kept: bool,
}

/// What the address may say: that the choice was kept a moment ago.
#[derive(serde::Deserialize)]
pub struct After {
    kept: Option<String>,
}

/// `GET /account/mail`
pub async fn account(viewer: Viewer, state: Data, after: web::Query<After>) -> std::result::Result<HttpResponse, Problem> {
    let page = Page::new(&state, "Mail that you get", Some(&viewer));
    let kept = after.kept.is_some();
    let drawn = block(&state, move |service| {
        let preferences = Preferences::of(&mut *service.app.read()?, &viewer.person.id)?;
        let kinds = LetterKind::ALL.iter().filter(|kind| kind.is_for(viewer.actor.role));
        let choice = |kind: &LetterKind| Choice { kind: kind.as_str(), words: capital(kind.label()), wanted: preferences.want(*kind) };
        let language = |language: &Language| (language.as_str(), language.label(), *language == preferences.language);
        Ok(AccountPage {
            page,
            address: viewer.person.email,
            choices: kinds.map(choice).collect(),
            languages: Language::ALL.iter().map(language).collect(),
            kept,
        })
    })
    .await?;
    page::render(&drawn)
}

/// `POST /account/mail`: the kinds that are wanted, and the language.
pub async fn choose(http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    let fields: Vec<(String, String)> = request::form(&http, &state, payload).await?;
    let mut wanted = BTreeSet::new();
    let mut language = Language::English;
    for (name, value) in fields {
        match name.as_str() {
            "want" => drop(wanted.insert(LetterKind::parse(&value)?)),
            "language" => language = Language::parse(&value)?,
            _ => return Err(Problem::new(400, "request.malformed", "The form cannot be read; open its page and send it again.")),
        }
    }
    let off = |kind: &LetterKind| kind.can_be_switched_off() && kind.is_for(viewer.actor.role) && !wanted.contains(kind);
    let preferences = Preferences { language, switched_off: LetterKind::ALL.iter().copied().filter(off).collect() };
    let person = viewer.person.id;
    block(&state, move |service| service.recorder.write_waiting(move |db| preferences.keep(db, &person))).await?;
    Ok(page::redirect(&state, "/account/mail?kept=1"))
}

#[derive(Template)]
#[template(path = "letters/unsubscribe.html")]
struct UnsubscribePage {
    page: Page,
    token: String,
    done: bool,
}

async fn subscriber(state: &Data, token: &str) -> std::result::Result<String, Problem> {
    let token = token.to_owned();
    let found = block(state, move |service| deliver_mail::unsubscriber(&service.app, &token)).await?;
    found.ok_or_else(|| Problem::unknown("This address ends nothing. Sign in and choose which mail you get."))
}

/// `GET /mail/unsubscribe/{token}`: asks; programs that look at links in mail end nothing by that.
pub async fn leaving(state: Data, token: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    subscriber(&state, &token).await?;
    page::render(&UnsubscribePage { page: Page::new(&state, "Weekly digest", None), token: token.into_inner(), done: false })
}

/// `POST /mail/unsubscribe/{token}`: from the page, or from a mail program (RFC 8058), which is signed in nowhere. The address itself says who.
pub async fn leave(state: Data, token: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let person = subscriber(&state, &token).await?;
    block(&state, move |service| deliver_mail::unsubscribe(service, &person)).await?;
    page::render(&UnsubscribePage { page: Page::new(&state, "Weekly digest", None), token: token.into_inner(), done: true })
}
