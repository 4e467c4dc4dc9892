//! Exceptions: the list, worst and most urgent first, and one with its history and what can be done about it.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::assets::{Step, TIMELINE, bare, steps};
use super::ledger::{self, Names};
use super::notes::{self, NotesShown};
use super::page::{self, Page, When};
use super::problem::Problem;
use super::request::{self, cut};
use super::session::{self, Viewer};
use super::writes;
use super::{Data, block};
use crate::app::now;
use crate::domain::asset::Asset;
use crate::domain::consignment::{Consignment, Discrepancy};
use crate::domain::exceptions::{
    self, Exception, ExceptionId, ExceptionResolution, ExceptionStatus, LIMITS, RULES, ReopenReason, Severity, SnoozeReason,
};
use crate::domain::names::{AssetId, ConsignmentId, DiscrepancyId, Role};
use crate::domain::refusal::Refusal;
use crate::domain::{Command, Subject, SubjectKind};
use crate::error::{Error, Result};
use crate::operations::record::Terms;
use crate::store::people::{self, Person};
use crate::store::watchlist::{self, CountRow};
use crate::store::{Database, tables};

/// What a list is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    status: Option<String>,
    severity: Option<String>,
    after: Option<String>,
    limit: Option<String>,
}

impl Asked {
    fn severity(&self) -> std::result::Result<Option<Severity>, Problem> {
        Ok(self.severity.as_deref().filter(|severity| !severity.is_empty()).map(Severity::parse).transpose()?)
    }
    fn status(&self) -> std::result::Result<ExceptionStatus, Problem> {
        Ok(self.status.as_deref().filter(|status| !status.is_empty()).map_or(Ok(ExceptionStatus::Open), ExceptionStatus::parse)?)
    }
}

/// `E-05.0b7c3a52-…`: an exception in an address; the id of the thing may have its `urn:uuid:`.
pub(super) fn in_address(id: &ExceptionId) -> String {
    let (subject, rule) = id.as_str().split_once('#').unwrap_or_default();
    format!("{rule}.{}", bare(subject))
}

pub(super) fn exception_id(text: &str) -> std::result::Result<ExceptionId, Problem> {
    let id = text.split_once('.').map(|(rule, subject)| format!("urn:uuid:{}#{rule}", bare(subject)));
    let text: String = text.chars().take(60).collect();
    id.and_then(|id| ExceptionId::parse(&id).ok()).ok_or_else(|| Problem::unknown(format!("There is no exception {text}.")))
}

/// An exception that exists and that concerns this viewer.
pub(super) fn find(db: &mut Database, viewer: &Viewer, id: &ExceptionId) -> Result<Exception> {
    match tables::find::<Exception>(db, id)? {
        Some(exception) if !viewer.actor.role.is_narrowed() => Ok(exception),
        Some(exception) if viewer.actor.role.is_vendor() && exception.concerns.contains(&viewer.actor.party) => Ok(exception),
        _ => Err(Error::Unknown(format!("There is no exception {id}."))),
    }
}

fn told(exception: &Exception) -> Value {
    let mut members = match serde_json::to_value(exception) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    members.insert("title".to_owned(), json!(exception.title()));
    members.insert("next_step".to_owned(), json!(exception.next_step()));
    members.insert("address".to_owned(), json!(format!("/api/v1/exceptions/{}", in_address(&exception.id))));
    members.insert("overdue".to_owned(), json!(exception.status != ExceptionStatus::Resolved && exception.due_at < now()));
    Value::Object(members)
}

fn list(
    db: &mut Database,
    viewer: &Viewer,
    (status, severity): (ExceptionStatus, Option<Severity>),
    after: Option<&(String, String)>,
    limit: i64,
) -> Result<(Vec<Exception>, Option<String>)> {
    let mut rows = watchlist::list(db, viewer.narrowed_to().as_deref(), status.as_str(), severity, after, limit + 1)?;
    let next = cut(&mut rows, limit, |(place, exception)| (place.clone(), exception.id.to_string()));
    Ok((rows.into_iter().map(|(_, exception)| exception).collect(), next))
}

/// `GET /api/v1/exceptions?status=open|snoozed|resolved&severity=&after=&limit=`, worst first, then what is due first; with the counts by status and severity.
pub async fn api_index(viewer: Viewer, state: Data, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    let narrowed = (asked.status()?, asked.severity()?);
    let (after, limit) = (request::after(asked.after.as_deref())?, request::limit(asked.limit.as_deref())?);
    let answer = block(&state, move |service| {
        let mut db = service.app.read()?;
        let (exceptions, next) = list(&mut db, &viewer, narrowed, after.as_ref(), limit)?;
        let mut counts: Map<String, Value> = Map::new();
        for CountRow { status, severity, exceptions, .. } in watchlist::counts(&mut db, viewer.narrowed_to().as_deref())? {
            let of = counts.entry(status).or_insert_with(|| json!({}));
            if let Value::Object(of) = of {
                of.insert(severity, json!(exceptions));
            }
        }
        Ok(json!({"exceptions": exceptions.iter().map(told).collect::<Vec<_>>(), "next": next, "counts": counts}))
    })
    .await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// `GET /api/v1/exceptions/{id}`: with its history.
pub async fn api_show(viewer: Viewer, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let id = exception_id(&id)?;
    let answer = block(&state, move |service| {
        let mut db = service.app.read()?;
        let exception = find(&mut db, &viewer, &id)?;
        let mut names = Names::new(&service.app);
        let (entries, next) = ledger::page_of(&mut db, &mut names, &[id.to_string()], 0, request::MOST)?;
        Ok(json!({"exception": told(&exception), "entries": entries, "entries_next": next}))
    })
    .await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// What an exception is about, for people: words and an address; none where this viewer has no page of it.
fn about(db: &mut Database, subject: &Subject) -> Result<(String, Option<String>)> {
    let of_consignment = |db: &mut Database, id: &ConsignmentId| -> Result<(String, Option<String>)> {
        let reference = tables::find::<Consignment>(db, id)?.map(|consignment| consignment.reference.to_string());
        Ok((format!("consignment {}", reference.unwrap_or_default()), Some(format!("/consignments/{}", bare(id.as_str())))))
    };
    Ok(match subject.kind {
        SubjectKind::Asset => {
            let tag = tables::find::<Asset>(db, &AssetId::parse(&subject.id)?)?.map(|asset| asset.tag.to_string());
            (format!("device {}", tag.unwrap_or_default()), Some(format!("/assets/{}", bare(&subject.id))))
        }
        SubjectKind::Consignment => of_consignment(db, &ConsignmentId::parse(&subject.id)?)?,
        SubjectKind::Discrepancy => match tables::find::<Discrepancy>(db, &DiscrepancyId::parse(&subject.id)?)? {
            Some(discrepancy) => {
                let (words, address) = of_consignment(db, &discrepancy.consignment)?;
                let kind = discrepancy.kind.label().split(':').next().unwrap_or_default();
                (format!("{kind} on {words}"), address.map(|address| format!("{address}#discrepancies")))
            }
            None => (subject.id.clone(), None),
        },
        _ => (subject.id.clone(), None),
    })
}

/// How a severity looks.
const fn badge(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "bad",
        Severity::Medium => "warn",
        Severity::Low => "plain",
    }
}

/// An exception in a list.
pub struct Row {
    /// Its address, below `/exceptions/`.
    pub address: String,
    /// The number of its rule.
    pub rule: &'static str,
    /// What should not be so.
    pub title: &'static str,
    /// What it is about.
    pub about: String,
    /// How bad it is.
    pub severity: &'static str,
    /// How that looks.
    pub badge: &'static str,
    /// When it is due.
    pub due: When,
    /// Whether that is past.
    pub overdue: bool,
    /// How long it has been open, against which limit.
    pub clock: String,
    /// In whose hand it is.
    pub owner: String,
}

/// `3 days`, `5 hours`
fn lasting(ms: i64) -> String {
    let (hours, days) = (ms / 3_600_000, ms / 86_400_000);
    match (days, hours) {
        (0, 0) => "less than an hour".to_owned(),
        (0, 1) => "1 hour".to_owned(),
        (0, hours) => format!("{hours} hours"),
        (1, _) => "1 day".to_owned(),
        (days, _) => format!("{days} days"),
    }
}

/// Exceptions as lists show them.
pub fn rows(db: &mut Database, names: &mut Names, exceptions: &[Exception]) -> Result<Vec<Row>> {
    let at = now();
    let row = |exception: &Exception| {
        let open = at.unix_ms().saturating_sub(exception.raised_at.unix_ms()).max(0);
        let left = exception.due_at.unix_ms().saturating_sub(at.unix_ms());
        Ok(Row {
            address: in_address(&exception.id),
            rule: exception.rule.as_str(),
            title: exception.title(),
            about: about(db, &exception.subject)?.0,
            severity: exception.severity.label(),
            badge: badge(exception.severity),
            due: exception.due_at.into(),
            overdue: exception.status != ExceptionStatus::Resolved && exception.due_at < at,
            clock: if left < 0 {
                format!("open {}, due {} ago", lasting(open), lasting(-left))
            } else {
                format!("open {}, due in {}", lasting(open), lasting(left))
            },
            owner: exception.owner.as_ref().map_or(Ok("nobody yet".to_owned()), |person| names.person(db, person.as_str()))?,
        })
    };
    exceptions.iter().map(row).collect()
}

/// A status that can be chosen, with how many there are of each severity.
struct Chip {
    status: &'static str,
    words: &'static str,
    chosen: bool,
    total: String,
    parts: String,
}

#[derive(Template)]
#[template(path = "exceptions/index.html")]
struct IndexPage {
    page: Page,
    chips: Vec<Chip>,
    /// How bad: on the wire, in words, and whether the list is narrowed to it.
    severities: Vec<(&'static str, &'static str, bool)>,
    severity: &'static str,
    status: &'static str,
    words: &'static str,
    rows: Vec<Row>,
    next: Option<String>,
    paged: bool,
}

fn chips(counts: &[CountRow], chosen: ExceptionStatus) -> Vec<Chip> {
    let of = |status: &ExceptionStatus| -> Vec<(Severity, i64)> {
        let count = |severity: &Severity| {
            let row = counts.iter().find(|row| row.status == status.as_str() && row.severity == severity.as_str());
            row.map(|row| (*severity, row.exceptions))
        };
        Severity::ALL.iter().filter_map(count).collect()
    };
    let chip = |status: &ExceptionStatus| {
        let found = of(status);
        Chip {
            status: status.as_str(),
            words: status.label(),
            chosen: *status == chosen,
            total: page::thousands(found.iter().map(|(_, n)| n).sum()),
            parts: found.iter().map(|(severity, n)| format!("{} {}", page::thousands(*n), severity.label())).collect::<Vec<_>>().join(", "),
        }
    };
    ExceptionStatus::ALL.iter().map(chip).collect()
}

/// `GET /exceptions?status=&severity=&after=`
pub async fn index(viewer: Viewer, state: Data, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    let narrowed = (asked.status()?, asked.severity()?);
    let (after, limit) = (request::after(asked.after.as_deref())?, request::limit(asked.limit.as_deref())?);
    let page = Page::new(&state, "Exceptions", Some(&viewer));
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        let mut names = Names::new(&service.app);
        let (exceptions, next) = list(&mut db, &viewer, narrowed, after.as_ref(), limit)?;
        let counts = watchlist::counts(&mut db, viewer.narrowed_to().as_deref())?;
        let rows = rows(&mut db, &mut names, &exceptions)?;
        let (status, severity) = narrowed;
        let (chips, paged) = (chips(&counts, status), after.is_some());
        let severities = Severity::ALL.iter().map(|one| (one.as_str(), one.label(), Some(*one) == severity)).collect();
        let severity = severity.map_or("", Severity::as_str);
        Ok(IndexPage { page, chips, severities, severity, status: status.as_str(), words: status.label(), rows, next, paged })
    })
    .await?;
    page::render(&drawn)
}

/// A choice in a form: the word on the wire and the words people read.
struct Choice(&'static str, &'static str);

/// How an exception was resolved: how, who and when, on what evidence.
struct ResolvedShown {
    how: &'static str,
    who: String,
    at: When,
    seq: u64,
    evidence: Option<String>,
    reference: Option<String>,
}

#[derive(Template)]
#[template(path = "exceptions/show.html")]
struct ShowPage {
    page: Page,
    address: String,
    rule: &'static str,
    title: &'static str,
    severity: &'static str,
    badge: &'static str,
    status: &'static str,
    about: String,
    about_address: Option<String>,
    next_step: &'static str,
    blocks: bool,
    due: When,
    overdue: bool,
    raised: When,
    raised_seq: u64,
    reopened: u32,
    owner: Option<String>,
    snoozed: Option<(When, &'static str)>,
    resolution: Option<ResolvedShown>,
    present: bool,
    limits: Vec<(String, &'static str)>,
    /// What this viewer can do now.
    acts: bool,
    resolves: bool,
    open: bool,
    reopens: bool,
    people: Vec<(String, String)>,
    snoozes: Vec<Choice>,
    resolutions: Vec<Choice>,
    reopenings: Vec<Choice>,
    /// The last day of a snooze.
    latest: String,
    first: String,
    notes: NotesShown,
    timeline: Vec<Step>,
    next: Option<u64>,
    paged: bool,
}

/// Which part of the history is shown.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct From {
    from: Option<String>,
}

/// Who can be given an exception: the organisation's own people.
fn own_people(db: &mut Database) -> Result<Vec<Person>> {
    let mut own = Vec::new();
    for person in people::all(db)? {
        let role = Role::parse(&person.role)?;
        if !role.is_vendor() && role != Role::Service {
            own.push(person);
        }
    }
    Ok(own)
}

/// `GET /exceptions/{id}?from=`
pub async fn show(viewer: Viewer, state: Data, id: web::Path<String>, from: web::Query<From>) -> std::result::Result<HttpResponse, Problem> {
    let (id, from) = (exception_id(&id)?, request::from(from.from.as_deref())?);
    let mut page = Page::new(&state, "", Some(&viewer));
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        let db = &mut *db;
        let mut names = Names::new(&service.app);
        let exception = find(db, &viewer, &id)?;
        let (timeline, next) = ledger::page_of(db, &mut names, &[id.to_string()], from, TIMELINE)?;
        let (about, about_address) = about(db, &exception.subject)?;
        page.title = format!("{} {}: {about}", exception.rule, exception.title());
        let resolution = match &exception.resolution {
            Some(resolved) => Some(ResolvedShown {
                how: resolved.how.label(),
                who: names.person(db, resolved.act.by.as_str())?,
                at: resolved.act.occurred.into(),
                seq: resolved.act.seq,
                evidence: resolved.evidence.as_ref().map(ToString::to_string),
                reference: resolved.reference.as_ref().map(ToString::to_string),
            }),
            None => None,
        };
        let role = viewer.actor.role;
        let acts = matches!(role, Role::Coordinator | Role::Approver);
        let open = exception.status != ExceptionStatus::Resolved;
        let critical = exception.severity == Severity::Critical;
        let days = if critical { exceptions::CRITICAL_SNOOZE_DAYS } else { exceptions::SNOOZE_DAYS };
        let day = |days: i64| (now().utc() + chrono::TimeDelta::days(days)).format("%Y-%m-%d").to_string();
        let own = if acts && open { own_people(db)? } else { Vec::new() };
        let owner = exception.owner.as_ref().map(|person| names.person(db, person.as_str())).transpose()?;
        let number = format!("{}", exception.rule);
        let notes = notes::of_exception(db, &mut names, &viewer, &id)?;
        Ok(ShowPage {
            page,
            address: format!("/exceptions/{}", in_address(&exception.id)),
            rule: exception.rule.as_str(),
            title: exception.title(),
            severity: exception.severity.label(),
            badge: badge(exception.severity),
            status: exception.status.label(),
            about,
            about_address,
            next_step: exception.next_step(),
            blocks: open && critical && RULES.iter().any(|rule| rule.id == exception.rule && rule.blocks),
            due: exception.due_at.into(),
            overdue: open && exception.due_at < now(),
            raised: exception.raised_at.into(),
            raised_seq: exception.raised,
            reopened: exception.reopened,
            owner,
            snoozed: exception.snoozed.as_ref().map(|snooze| (snooze.until.into(), snooze.reason.label())),
            resolution,
            present: exception.present,
            limits: LIMITS
                .iter()
                .filter(|limit| limit.basis.contains(&number))
                .map(|limit| (format!("{} {}", limit.days, limit.what), limit.basis))
                .collect(),
            acts,
            resolves: !critical || role == Role::Approver,
            open,
            reopens: acts && !open && exception.present,
            people: own.into_iter().map(|person| (person.id, format!("{}, {}", person.name, person.title))).collect(),
            snoozes: SnoozeReason::ALL.iter().map(|reason| Choice(reason.as_str(), reason.label())).collect(),
            resolutions: ExceptionResolution::ALL
                .iter()
                .filter(|how| **how != ExceptionResolution::ConditionEnded)
                .map(|how| Choice(how.as_str(), how.label()))
                .collect(),
            reopenings: [ReopenReason::EvidenceDisputed, ReopenReason::ResolvedInError].iter().map(|why| Choice(why.as_str(), why.label())).collect(),
            first: day(1),
            latest: day(days - 1),
            notes,
            timeline: steps(timeline)?,
            next,
            paged: from > 0,
        })
    })
    .await?;
    page::render(&drawn)
}

/// What the forms of the page send: a command about this exception.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    command: String,
    person: Option<String>,
    until: Option<String>,
    reason: Option<String>,
    how: Option<String>,
    evidence: Option<String>,
    reference: Option<String>,
}

/// The commands that the page gives.
const COMMANDS: &[&str] = &["assign_exception", "snooze_exception", "resolve_exception", "reopen_exception"];

impl Form {
    /// The body of the command: what was filled in.
    fn body(self, id: &ExceptionId) -> Value {
        let mut body = Map::from_iter([("exception".to_owned(), json!(id))]);
        // A form sends a day; the time it means is the end of that day.
        let until = self.until.map(|day| if day.len() == 10 { format!("{day}T23:59:59Z") } else { day });
        let filled = [
            ("person", self.person),
            ("until", until),
            ("reason", self.reason),
            ("how", self.how),
            ("evidence", self.evidence),
            ("reference", self.reference),
        ];
        for (name, value) in filled {
            let value = value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
            body.extend(value.map(|value| (name.to_owned(), Value::String(value))));
        }
        Value::Object(body)
    }
}

/// `POST /exceptions/{id}`: a form of its page.
pub async fn update(http: HttpRequest, state: Data, id: web::Path<String>, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    let form: Form = request::form(&http, &state, payload).await?;
    if !COMMANDS.contains(&form.command.as_str()) {
        return Err(Refusal::new("exceptions.form", format!("The forms of this page send one of: {}.", COMMANDS.join(", "))).into());
    }
    viewer.must_be_able_to(&form.command)?;
    let id = exception_id(&id)?;
    let exception = {
        let (viewer, id) = (viewer.clone(), id.clone());
        block(&state, move |service| find(&mut *service.app.read()?, &viewer, &id)).await?
    };
    let name = form.command.clone();
    let command = Command::read(&name, form.body(&id))?;
    let recorded = async { Ok(state.service.recorder.record(command, &viewer.actor, Terms::default()).await) };
    match request::answer_in_time(&state, recorded).await? {
        Ok(done) => Ok(page::redirect_said(&state, &format!("/exceptions/{}", in_address(&exception.id)), &done.now()?)),
        Err(error) => Err(writes::explain(&state, viewer, error).await),
    }
}
