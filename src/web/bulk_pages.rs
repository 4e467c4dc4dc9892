//! One command for many devices, as pages: which command, what stands in the way, and how far the job has come.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::{Map, Value};

use super::assets::{self, bare};
use super::bulk::{GIVERS, must_work_on_many};
use super::command_forms::{self, DEVICE};
use super::forms::{self, Complaint, Context, Control, Form, Given, KEY, Wrong};
use super::page::{self, Page, When, thousands};
use super::problem::Problem;
use super::session::{self, Viewer};
use super::{Data, actions, block, request};
use crate::documents::csv_file::{self, Field};
use crate::domain::Command;
use crate::domain::asset::Asset;
use crate::domain::medium::Medium;
use crate::domain::names::{AssetId, MediumId};
use crate::error::{Error, Result};
use crate::operations::once::Outcome;
use crate::operations::run_bulk::{self, Asked, Blocker, Preview, Progress, Selection};
use crate::store::inventory::Filter;
use crate::store::{Database, bulk, tables};

/// Items on one page of a job.
const ITEMS: i64 = 100;
/// Things that a reason names.
const NAMED: usize = 5;

/// What was chosen in the list: each thing, or all that fits.
#[derive(Clone, Default)]
struct Chosen {
    ids: Vec<String>,
    filter: Option<Filter>,
    /// The same as hidden fields.
    hidden: Vec<(String, String)>,
}

impl Chosen {
    /// From the list's query or from a form's hidden fields: both have the same names, behind `of.` in a form.
    fn read(given: &Given, prefix: &str) -> std::result::Result<Self, Problem> {
        let name = |name: &str| format!("{prefix}{name}");
        let get = |field: &str| Some(given.get(&name(field)).to_owned()).filter(|text| !text.is_empty());
        let mut hidden = Vec::new();
        let mut keep = |field: &str, value: &str| hidden.push((format!("of.{field}"), value.to_owned()));
        if get("all").is_some() {
            let filter = Filter {
                label: get("label"),
                site: get("site"),
                category: get("category"),
                holder: get("holder"),
                tag: get("tag"),
                media_unknown: get("media").is_some(),
                exception: get("exception").is_some(),
            };
            for field in ["all", "label", "site", "category", "holder", "tag", "media", "exception"] {
                if let Some(value) = get(field) {
                    keep(field, &value);
                }
            }
            return Ok(Self { ids: Vec::new(), filter: Some(filter), hidden });
        }
        let ids = name("ids");
        let mut found = Vec::new();
        for id in given.all(&ids) {
            let id = request::asset_id(id)?.to_string();
            if !found.contains(&id) {
                keep("ids", bare(&id));
                found.push(id);
            }
        }
        if found.is_empty() {
            return Err(Problem::new(422, "bulk.nothing_selected", "Nothing is chosen: tick devices in the list, or take all that match."));
        }
        Ok(Self { ids: found, filter: None, hidden })
    }
    /// As the job takes it: about devices, or about the media in them.
    fn selection(&self, db: &mut Database, viewer: &Viewer, about_media: bool) -> Result<Selection> {
        // What concerns others is unknown to a vendor's people, also by its id.
        if viewer.actor.role.is_vendor() {
            for id in &self.ids {
                assets::find(db, viewer, &AssetId::parse(id)?)?;
            }
        }
        match &self.filter {
            Some(filter) => Ok(Selection { ids: None, filter: Some(filter.clone()) }),
            None if about_media => Ok(Selection { ids: Some(crate::store::inventory::media_in(db, &self.ids)?), filter: None }),
            None => Ok(Selection { ids: Some(self.ids.clone()), filter: None }),
        }
    }
    fn words(&self) -> String {
        match (&self.filter, self.ids.len()) {
            (Some(_), _) => "All devices that fit the list".to_owned(),
            (None, 1) => "One device".to_owned(),
            (None, n) => format!("{n} devices"),
        }
    }
}

/// Why some are refused, as people read it.
struct Reason {
    why: String,
    count: String,
    named: String,
}

#[derive(Template)]
#[template(path = "bulk/new.html")]
struct NewPage {
    page: Page,
    chosen: String,
    hidden: Vec<(String, String)>,
    groups: Vec<(&'static str, Vec<&'static Form>)>,
    command: String,
    title: &'static str,
    lead: &'static str,
    controls: Vec<Control>,
    complaints: Vec<Complaint>,
    key: String,
    /// What would happen: how many of how many.
    preview: Option<(String, String)>,
    possible: bool,
    reasons: Vec<Reason>,
}

/// Tags of devices, or of the devices that media are in, as far as this viewer may know them.
fn tag_of(db: &mut Database, viewer: &Viewer, id: &str) -> Result<String> {
    let known = |db: &mut Database, id: &AssetId| match assets::find(db, viewer, id) {
        Ok(asset) => Ok(Some(asset.tag.to_string())),
        Err(Error::Unknown(_)) => Ok(None),
        Err(error) => Err(error),
    };
    if let Some(tag) = known(db, &AssetId::parse(id)?)? {
        return Ok(tag);
    }
    let host = tables::find::<Medium>(db, &MediumId::parse(id)?)?.and_then(|medium| medium.host);
    let tag = match host {
        Some(host) => known(db, &host)?,
        None => None,
    };
    Ok(tag.unwrap_or_else(|| bare(id).to_owned()))
}

fn reasons(db: &mut Database, viewer: &Viewer, blockers: &[Blocker]) -> Result<Vec<Reason>> {
    let reason = |blocker: &Blocker| {
        let mut named = blocker.ids.iter().take(NAMED).map(|id| tag_of(db, viewer, id)).collect::<Result<Vec<_>>>()?.join(", ");
        if blocker.ids.len() > NAMED {
            named.push_str(&format!(" and {} more", thousands(i64::try_from(blocker.ids.len() - NAMED).unwrap_or(0))));
        }
        Ok(Reason { why: blocker.why.clone(), count: thousands(i64::try_from(blocker.count).unwrap_or(i64::MAX)), named })
    };
    blockers.iter().map(reason).collect()
}

struct Drawing<'a> {
    chosen: &'a Chosen,
    form: Option<&'static Form>,
    context: &'a Context,
    given: Option<&'a Given>,
    wrong: &'a [Wrong],
    preview: Option<(Preview, Vec<Reason>)>,
}

fn draw(state: &Data, viewer: &Viewer, drawing: Drawing) -> std::result::Result<HttpResponse, Problem> {
    let Drawing { chosen, form, context, given, wrong, preview } = drawing;
    let title = if wrong.is_empty() { "Many devices" } else { "Problem: Many devices" };
    let controls = form.map(|form| forms::controls(form, context, given, wrong, true)).unwrap_or_default();
    let complaints = forms::complaints(&controls, wrong);
    let command = form.map(|form| form.command).unwrap_or_default();
    let number = |n: usize| thousands(i64::try_from(n).unwrap_or(i64::MAX));
    let key = match given.map(|given| given.get(KEY)).filter(|key| !key.is_empty()) {
        Some(key) => key.to_owned(),
        None => forms::fresh_key()?,
    };
    let shown = NewPage {
        page: Page::new(state, title, Some(viewer)),
        chosen: chosen.words(),
        hidden: chosen.hidden.clone(),
        groups: actions::for_many(viewer),
        command: command.to_owned(),
        title: form.map_or("", |form| form.title),
        lead: form.map_or("", |form| form.about),
        controls,
        complaints,
        key,
        possible: preview.as_ref().is_some_and(|(preview, _)| preview.would > 0),
        preview: preview.as_ref().map(|(preview, _)| (number(preview.would), number(preview.total))),
        reasons: preview.map(|(_, reasons)| reasons).unwrap_or_default(),
    };
    let mut answer = page::render(&shown)?;
    if !wrong.is_empty() {
        *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(answer)
}

/// The form of a command for many, where this viewer may give it.
fn form_of(viewer: &Viewer, command: &str) -> std::result::Result<&'static Form, Problem> {
    if Command::KINDS.iter().any(|(name, _)| *name == command) {
        viewer.must_be_able_to(command)?;
    }
    let forms = actions::for_many(viewer);
    let form = forms.into_iter().flat_map(|(_, forms)| forms).find(|form| form.command == command);
    form.ok_or_else(|| Problem::new(422, "bulk.command", "This cannot be done for many at once; choose from the list."))
}

async fn context(state: &Data, viewer: &Viewer) -> std::result::Result<Context, Problem> {
    let viewer = viewer.clone();
    block(state, move |service| actions::context_for_many(&mut *service.app.read()?, &service.app, &viewer)).await
}

/// `GET /bulk/new?ids=…&command=`, or `?all=true` and the filters of the list.
pub async fn new(viewer: Viewer, state: Data, query: web::Query<Vec<(String, String)>>) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be(GIVERS)?;
    let given = Given(query.into_inner());
    let again = given.0.iter().any(|(name, _)| name.starts_with("of."));
    let chosen = Chosen::read(&given, if again { "of." } else { "" })?;
    let command = given.get("command");
    let form = if command.is_empty() { None } else { Some(form_of(&viewer, command)?) };
    let context = context(&state, &viewer).await?;
    draw(&state, &viewer, Drawing { chosen: &chosen, form, context: &context, given: None, wrong: &[], preview: None })
}

/// Whether a command is about the media in devices.
fn is_about_media(form: &Form) -> bool {
    form.fields.iter().any(|field| field.member == "medium")
}

/// `POST /bulk`: says what would happen, and with `step=start` has it done.
pub async fn create(http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    viewer.must_be(GIVERS)?;
    let given = Given::read(&http, &state, payload).await?;
    let chosen = Chosen::read(&given, "of.")?;
    let form = form_of(&viewer, given.get("command"))?;
    let context = context(&state, &viewer).await?;
    let again = |wrong: &[Wrong]| {
        draw(&state, &viewer, Drawing { chosen: &chosen, form: Some(form), context: &context, given: Some(&given), wrong, preview: None })
    };
    let body: Map<String, Value> = match forms::body(form, &context, &given, true) {
        Ok(body) => body,
        Err(wrong) => return again(&wrong),
    };
    let starts = given.get("step") == "start";
    let key = given.key(&http, &viewer);
    let (service, giver, selected) = (state.service.clone(), viewer.clone(), chosen.clone());
    let actor = viewer.actor.clone();
    type Done = (Option<Outcome<Progress>>, Option<(Preview, Vec<Reason>)>);
    let work = move || -> Result<Done> {
        let selection = selected.selection(&mut *service.app.read()?, &giver, is_about_media(form))?;
        let asked = Asked { command: form.command.to_owned(), body, selection, dry_run: !starts };
        if starts {
            return Ok((Some(run_bulk::start(&service, &actor, &asked, key.as_ref())?), None));
        }
        let preview = run_bulk::preview(&service, &actor, &asked)?;
        let reasons = reasons(&mut *service.app.read()?, &giver, &preview.blockers)?;
        Ok((None, Some((preview, reasons))))
    };
    let done = web::block(work).await.map_err(|error| Problem::from(Error::fault("waiting for a thread", error)))?;
    match done {
        Ok((Some(outcome), _)) => {
            let id = match outcome {
                Outcome::Now(progress) => progress.id,
                Outcome::Before(answer) => {
                    let kept: Value = serde_json::from_slice(&answer.body).map_err(Error::from)?;
                    kept.get("id").and_then(Value::as_str).unwrap_or_default().to_owned()
                }
            };
            Ok(page::redirect(&state, &format!("/bulk/{}", bare(&id))))
        }
        Ok((None, preview)) => {
            draw(&state, &viewer, Drawing { chosen: &chosen, form: Some(form), context: &context, given: Some(&given), wrong: &[], preview })
        }
        Err(Error::Refused(refusal) | Error::Conflict(refusal)) => {
            let at = forms::at_field(form, &context, &refusal);
            let why = at.why.strip_prefix("body: ").map_or(at.why.clone(), ToOwned::to_owned);
            again(&[Wrong { why, ..at }])
        }
        Err(error) => Err(error.into()),
    }
}

/// An item of a job.
struct ItemShown {
    number: i64,
    tag: String,
    address: Option<String>,
    state: &'static str,
    badge: &'static str,
    seq: Option<i64>,
    why: String,
}

#[derive(Template)]
#[template(path = "bulk/show.html")]
struct ShowPage {
    page: Page,
    id: String,
    title: &'static str,
    state: &'static str,
    running: bool,
    why: Option<String>,
    tried: i64,
    whole: i64,
    total: String,
    done: String,
    refused: String,
    waiting: String,
    has_refused: bool,
    may_cancel: bool,
    began: Option<When>,
    ended: Option<When>,
    reasons: Vec<Reason>,
    items: Vec<ItemShown>,
    next: Option<i64>,
    paged: bool,
}

/// From which item on.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct From {
    from: Option<String>,
}

fn item(db: &mut Database, viewer: &Viewer, item: bulk::Item) -> Result<ItemShown> {
    let is_device = tables::find::<Asset>(db, &AssetId::parse(&item.subject)?)?.is_some();
    let (state, badge) = match item.state.as_str() {
        bulk::WAITING => ("waiting", "plain"),
        bulk::REFUSED => ("refused", "bad"),
        _ => ("recorded", "ok"),
    };
    Ok(ItemShown {
        number: item.number,
        tag: tag_of(db, viewer, &item.subject)?,
        address: is_device.then(|| format!("/assets/{}", bare(&item.subject))),
        state,
        badge,
        seq: item.seq,
        why: item.why.unwrap_or_default(),
    })
}

/// `GET /bulk/{id}?from=`
pub async fn show(viewer: Viewer, state: Data, id: web::Path<String>, asked: web::Query<From>) -> std::result::Result<HttpResponse, Problem> {
    let (id, from) = (request::job_id(&id)?, request::from(asked.from.as_deref())?);
    let mut page = Page::new(&state, "", Some(&viewer));
    let drawn = block(&state, move |service| {
        let progress = run_bulk::progress(service, &viewer.actor, &id)?;
        let mut db = service.app.read()?;
        let mut rows = bulk::items(&mut db, &id, i64::try_from(from).unwrap_or(i64::MAX), ITEMS + 1)?;
        let whole = usize::try_from(ITEMS).unwrap_or(usize::MAX);
        let next = rows.get(whole).map(|item| item.number);
        rows.truncate(whole);
        let title = command_forms::of(DEVICE, &progress.command).map_or("Many devices", |form| form.title);
        page.title = format!("{title}: {} things", thousands(progress.total));
        let running = progress.state == bulk::RUNNING;
        Ok(ShowPage {
            page,
            id: bare(&id).to_owned(),
            title,
            state: match progress.state.as_str() {
                bulk::RUNNING => "running",
                bulk::DONE => "done",
                bulk::CANCELLED => "cancelled",
                _ => "stopped",
            },
            running,
            why: progress.why,
            tried: progress.done + progress.refused,
            whole: progress.total,
            total: thousands(progress.total),
            done: thousands(progress.done),
            refused: thousands(progress.refused),
            waiting: thousands(progress.waiting),
            has_refused: progress.refused > 0,
            may_cancel: running && actions::role_may(&viewer, &progress.command),
            began: progress.began.map(When::from),
            ended: progress.ended.map(When::from),
            reasons: reasons(&mut db, &viewer, &progress.blockers)?,
            items: rows.into_iter().map(|row| item(&mut db, &viewer, row)).collect::<Result<Vec<_>>>()?,
            next,
            paged: from > 0,
        })
    })
    .await?;
    page::render(&drawn)
}

/// `POST /bulk/{id}/cancellations`
pub async fn cancel(http: HttpRequest, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    must_work_on_many(&viewer)?;
    let id = request::job_id(&id)?;
    let (actor, looked) = (viewer.actor.clone(), id.clone());
    let command = block(&state, move |service| Ok(run_bulk::find(&mut *service.app.read()?, &actor, &looked)?.command)).await?;
    viewer.must_be_able_to(&command)?;
    let (actor, ended) = (viewer.actor.clone(), id.clone());
    block(&state, move |service| run_bulk::cancel(service, &actor, &ended)).await?;
    Ok(page::redirect(&state, &format!("/bulk/{}", bare(&id))))
}

/// `GET /bulk/{id}/refused.csv`: what was not done, and why.
pub async fn refused_csv(viewer: Viewer, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let id = request::job_id(&id)?;
    let text = block(&state, move |service| {
        let mut db = service.app.read()?;
        run_bulk::find(&mut db, &viewer.actor, &id)?;
        let mut tags: BTreeMap<String, String> = BTreeMap::new();
        let mut lines = Vec::new();
        for item in bulk::not_done(&mut db, &id)? {
            if !tags.contains_key(&item.subject) {
                tags.insert(item.subject.clone(), tag_of(&mut db, &viewer, &item.subject)?);
            }
            let tag = tags.get(&item.subject).cloned().unwrap_or_default();
            lines.push([tag, item.subject, item.code.unwrap_or_default(), item.why.unwrap_or_default()].map(Field::Text));
        }
        Ok(csv_file::write(["tag", "id", "code", "why"].map(|name| Field::Text(name.to_owned())), lines))
    })
    .await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8; header=present"))
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"refused.csv\""))
        .body(text))
}
