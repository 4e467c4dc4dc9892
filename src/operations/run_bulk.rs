//! One command for many things: a preview of what stands in the way, then a job that gives it piece by piece through the one write path, so that
//! others are served in between. A crash resumes it where it was; no item is carried out twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Map, Value};

use super::Service;
use super::once::{Outcome, before};
use super::record::{Beside, Terms, ask_each};
use crate::app::{now, reference, seed};
use crate::domain::names::{Category, Instant, PartyId};
use crate::domain::records::Records;
use crate::domain::refusal::Refusal;
use crate::domain::{Actor, Command, Occasion, asset::Label};
use crate::error::{Error, Result};
use crate::proof::digest::sha256;
use crate::store::bulk::{self, Item, Job};
use crate::store::idempotency::{self, Answer, RequestKey};
use crate::store::inventory::{self, Filter};
use crate::store::{Database, log, people};

/// Most items of one request.
pub const MOST: usize = 10_000;
/// Items that are handed to the writer at once: what others wait for.
const CHUNK: i64 = 64;
/// Items of a preview whose records are in memory at once.
const LOOKED_AT: usize = 256;
/// How often an item is tried while the service is at fault. Nobody knows anything against it; but a job that waits for it for ever ends never.
const TRIES: i64 = 5;
/// How long a job is a server's without a sign of life.
const LEASE_MS: i64 = 15_000;
/// The members of a body that name what a command is about, as they are tried.
const MEMBERS: [&str; 3] = ["asset", "medium", "assets"];

/// Which things.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// These, by id: devices, or media where the command is about a medium.
    pub ids: Option<Vec<String>>,
    /// Or the devices that this fits; where the command is about a medium, the media in them.
    pub filter: Option<Filter>,
}

/// A command for many things.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The name of the command.
    pub command: String,
    /// Its body without the thing that it is about: the same for all.
    #[serde(default)]
    pub body: Map<String, Value>,
    /// Which things.
    pub selection: Selection,
    /// Only say what would happen.
    #[serde(default)]
    pub dry_run: bool,
}

/// Why some things are refused.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Blocker {
    /// The code of the refusal.
    pub code: String,
    /// The sentence for the first of them.
    pub why: String,
    /// How many.
    pub count: usize,
    /// Which.
    pub ids: Vec<String>,
}

/// What would happen.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Preview {
    /// Nothing was written.
    pub dry_run: bool,
    /// Things selected.
    pub total: usize,
    /// Things for which it would be carried out, each as if it were the only one.
    pub would: usize,
    /// What stands in the way of the others.
    pub blockers: Vec<Blocker>,
}

/// How far a job has come.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Progress {
    /// Its id, which is the batch of every entry that it makes.
    pub id: String,
    /// The command.
    pub command: String,
    /// What is the same for all.
    pub body: Value,
    /// Who gave it.
    pub person: String,
    /// `running`, `done`, `cancelled` or `stopped`.
    pub state: String,
    /// Why it was stopped.
    pub why: Option<String>,
    /// Items.
    pub total: i64,
    /// Items that were carried out.
    pub done: i64,
    /// Items that were refused.
    pub refused: i64,
    /// Items that were given up because the service was at fault; its operator finds out why by the reference.
    pub failed: i64,
    /// Items that nobody has tried, or will try where the job has ended.
    pub waiting: i64,
    /// When it was given.
    pub began: Option<Instant>,
    /// When it ended.
    pub ended: Option<Instant>,
    /// What stands in the way of those that were refused or have failed.
    pub blockers: Vec<Blocker>,
}

fn grouped(refused: impl IntoIterator<Item = (String, String, String)>) -> Vec<Blocker> {
    let mut groups: BTreeMap<String, Blocker> = BTreeMap::new();
    for (id, code, why) in refused {
        let group = groups.entry(code.clone()).or_insert_with(|| Blocker { code, why, count: 0, ids: Vec::new() });
        group.count += 1;
        group.ids.push(id);
    }
    let mut groups: Vec<Blocker> = groups.into_values().collect();
    groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.code.cmp(&b.code)));
    groups
}

/// The command for one thing.
fn command(name: &str, body: &Map<String, Value>, member: &str, id: &str) -> std::result::Result<Command, Refusal> {
    let mut body = body.clone();
    let named = if member == "assets" { Value::from(vec![id]) } else { Value::from(id) };
    if body.insert(member.to_owned(), named).is_some() {
        return Err(Refusal::new("bulk.named_twice", format!("Leave {member} out of the body: the selection says which.")));
    }
    Command::read(name, Value::Object(body)).map_err(|refusal| Refusal { why: format!("body: {}", refusal.why), ..refusal })
}

/// A request as it is carried out: the member that names each thing, what is the same for all, when it happened, and the things.
struct Plan {
    member: &'static str,
    body: Map<String, Value>,
    occurred: Option<Instant>,
    ids: Vec<String>,
}

/// Reads what is the same for all: when it happened stands beside the members of the command.
pub fn occurred(body: &mut Map<String, Value>) -> std::result::Result<Option<Instant>, Refusal> {
    match body.remove("occurred") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => {
            Instant::parse(&text).map(Some).map_err(|refusal| Refusal::new(refusal.code, format!("occurred: {}", refusal.why)))
        }
        Some(_) => Err(Refusal::new("names.not_a_time", "occurred is a time like 2026-11-23T10:31:02Z.")),
    }
}

/// The member that names what this command is about.
fn member(name: &str, body: &Map<String, Value>) -> std::result::Result<&'static str, Refusal> {
    // An id that names nothing: whether the rest can be read does not depend on it.
    const NOTHING: &str = "urn:uuid:00000000-0000-4000-8000-000000000000";
    for member in MEMBERS {
        match command(name, body, member, NOTHING) {
            Err(refusal) if refusal.why.contains(&format!("unknown field `{member}`")) => {}
            read => return read.map(|_| member),
        }
    }
    let why = format!("{name} is not about a device or a medium; give it by itself, POST /api/v1/commands/{name}.");
    Err(Refusal::new("bulk.not_about_one", why))
}

fn plan(db: &mut Database, actor: &Actor, asked: &Asked) -> Result<Plan> {
    let mut body = asked.body.clone();
    let occurred = occurred(&mut body)?;
    let member = member(&asked.command, &body)?;
    let ids = match (&asked.selection.ids, &asked.selection.filter) {
        (Some(ids), None) => ids.clone(),
        (None, Some(filter)) => selected(db, actor, filter, member)?,
        _ => return Err(Refusal::new("bulk.selection", "The selection has either ids or a filter; give one of them.").into()),
    };
    if ids.is_empty() {
        return Err(Refusal::new("bulk.nothing_selected", "Nothing is selected: name ids, or correct the filter.").into());
    }
    if ids.len() > MOST {
        return Err(Refusal::new("bulk.too_many", format!("One request holds at most {MOST} things; split the selection.")).into());
    }
    let mut seen = BTreeSet::new();
    for id in &ids {
        if !seen.insert(id) {
            let id: String = id.chars().take(60).collect();
            return Err(Refusal::new("bulk.repeated", format!("{id} is selected twice; name each thing once.")).into());
        }
        command(&asked.command, &body, member, id)?;
    }
    Ok(Plan { member, body, occurred, ids })
}

fn selected(db: &mut Database, actor: &Actor, filter: &Filter, member: &str) -> Result<Vec<String>> {
    if *filter == Filter::default() {
        return Err(Refusal::new("bulk.filter", "The filter is empty; give at least one of label, site, category, holder and tag.").into());
    }
    filter.label.as_deref().map(Label::parse).transpose()?;
    filter.category.as_deref().map(Category::parse).transpose()?;
    filter.holder.as_deref().map(PartyId::parse).transpose()?;
    for (name, text) in [("site", &filter.site), ("tag", &filter.tag)] {
        if text.as_ref().is_some_and(|text| text.is_empty() || text.chars().count() > 120 || text.chars().any(char::is_control)) {
            return Err(Refusal::new("bulk.filter", format!("{name} has between 1 and 120 characters and no control characters; correct it.")).into());
        }
    }
    let party = actor.role.is_vendor().then(|| actor.party.to_string());
    let devices = inventory::selected(db, party.as_deref(), filter, i64::try_from(MOST).unwrap_or(i64::MAX) + 1)?;
    if member == "medium" { inventory::media_in(db, &devices) } else { Ok(devices) }
}

/// Says what would happen, and what stands in the way.
pub fn preview(service: &Service, actor: &Actor, asked: &Asked) -> Result<Preview> {
    let app = &service.app;
    let mut db = app.read()?;
    let plan = plan(&mut db, actor, asked)?;
    let at = now();
    let occasion = Occasion {
        actor,
        at,
        occurred: plan.occurred.unwrap_or(at),
        policy: &app.policy,
        catalogue: &app.catalogue,
        seed: seed()?,
        place: 0,
        sha256,
        signed_by: None,
    };
    let mut refused = Vec::new();
    for ids in plan.ids.chunks(LOOKED_AT) {
        let commands = ids.iter().map(|id| command(&asked.command, &plan.body, plan.member, id)).collect::<std::result::Result<Vec<_>, _>>()?;
        let answers = ask_each(&mut db, &mut Records::default(), &commands, &occasion)?;
        let answers = ids.iter().zip(answers).filter_map(|(id, answer)| answer.map(|refusal| (id, refusal)));
        refused.extend(answers.map(|(id, refusal)| (id.clone(), refusal.code.to_owned(), refusal.why)));
    }
    Ok(Preview { dry_run: true, total: plan.ids.len(), would: plan.ids.len() - refused.len(), blockers: grouped(refused) })
}

/// Makes a job of a request; the job runs by itself from then on.
pub fn start(service: &Service, actor: &Actor, asked: &Asked, key: Option<&RequestKey>) -> Result<Outcome<Progress>> {
    let plan = plan(&mut *service.app.read()?, actor, asked)?;
    let at = now().unix_ms();
    let [_, _, _, _, _, _, random @ ..] = seed()?.to_be_bytes();
    let id = uuid::Builder::from_unix_timestamp_millis(u64::try_from(at).unwrap_or(0), &random).into_uuid();
    let job = Job {
        id: format!("urn:uuid:{}", id.hyphenated()),
        person: actor.person.to_string(),
        party: actor.party.to_string(),
        command: asked.command.clone(),
        body: Value::Object(asked.body.clone()).to_string(),
        member: plan.member.to_owned(),
        state: bulk::RUNNING.to_owned(),
        total: i64::try_from(plan.ids.len()).unwrap_or(i64::MAX),
        done: 0,
        refused: 0,
        began: at,
        ended: None,
        why: None,
        runner: String::new(),
        lease: 0,
        failed: 0,
    };
    let key = key.cloned();
    service.recorder.write_waiting(move |db| {
        // The lock that every writer takes first, on either database.
        log::take_head(db)?;
        if let Some(key) = &key
            && let Some(answer) = before(db, key)?
        {
            return Ok(Outcome::Before(answer));
        }
        bulk::add(db, &job, &plan.ids)?;
        let progress = shown(&job, Vec::new())?;
        if let Some(key) = key {
            idempotency::keep(db, vec![(key, Answer { status: 201, body: serde_json::to_vec(&progress)? }, at)])?;
        }
        Ok(Outcome::Now(progress))
    })
}

fn shown(job: &Job, refused: Vec<Item>) -> Result<Progress> {
    let refused = refused.into_iter().map(|item| (item.subject, item.code.unwrap_or_default(), item.why.unwrap_or_default()));
    Ok(Progress {
        id: job.id.clone(),
        command: job.command.clone(),
        body: serde_json::from_str(&job.body)?,
        person: job.person.clone(),
        state: job.state.clone(),
        why: job.why.clone(),
        total: job.total,
        done: job.done,
        refused: job.refused,
        failed: job.failed,
        waiting: job.total - job.done - job.refused - job.failed,
        began: Instant::from_unix_ms(job.began),
        ended: job.ended.and_then(Instant::from_unix_ms),
        blockers: grouped(refused),
    })
}

/// A job that this person may see: a vendor's people see those of their company.
pub fn find(db: &mut Database, actor: &Actor, id: &str) -> Result<Job> {
    let job = bulk::find(db, id)?.filter(|job| !actor.role.is_narrowed() || (actor.role.is_vendor() && job.party == actor.party.as_str()));
    job.ok_or_else(|| Error::Unknown("There is no such job; its address was in the answer when it was given.".to_owned()))
}

/// How far a job has come.
pub fn progress(service: &Service, actor: &Actor, id: &str) -> Result<Progress> {
    service.app.read()?.snapshot(|db| {
        let job = find(db, actor, id)?;
        shown(&job, bulk::not_done(db, id)?)
    })
}

/// Ends a job: nothing more of it is recorded after this. One that has ended stays as it is.
pub fn cancel(service: &Service, actor: &Actor, id: &str) -> Result<Progress> {
    let at = now().unix_ms();
    let job = id.to_owned();
    service.recorder.write_waiting(move |db| bulk::end(db, &job, bulk::CANCELLED, at, None))?;
    progress(service, actor, id)
}

/// Carries out the next piece of the job that has waited longest. Whether there was one.
pub fn run_some(service: &Service, runner: &str) -> Result<bool> {
    let app = &service.app;
    let at = now().unix_ms();
    let Some(job) = bulk::next(&mut *app.read()?, runner, at)? else { return Ok(false) };
    let (id, me) = (job.id.clone(), runner.to_owned());
    if !service.recorder.write_waiting(move |db| bulk::claim(db, &id, &me, at, at.saturating_add(LEASE_MS)))? {
        return Ok(true);
    }
    let end = |state: &'static str, why: Option<&'static str>| {
        let id = job.id.clone();
        service.recorder.write_waiting(move |db| bulk::end(db, &id, state, now().unix_ms(), why)).map(|()| true)
    };
    // As the directory has them now: who may not any more is refused item by item, who is not there any more gives no commands.
    let Some(person) = people::by_id(&mut *app.read()?, &job.person)? else {
        return end(bulk::STOPPED, Some("Whoever gave it is not in the directory any more; somebody else has to give it again."));
    };
    let actor = person.actor()?;
    let items = bulk::waiting(&mut *app.read()?, &job.id, CHUNK)?;
    if items.is_empty() {
        return end(bulk::DONE, None);
    }
    let Value::Object(mut body) = serde_json::from_str(&job.body)? else { return end(bulk::STOPPED, Some("Its body cannot be read.")) };
    let occurred = occurred(&mut body)?;
    let mut refused: Vec<(i64, String, String)> = Vec::new();
    let (mut numbers, mut commands) = (Vec::new(), Vec::new());
    for item in items {
        match command(&job.command, &body, &job.member, &item.subject) {
            Err(refusal) => refused.push((item.number, refusal.code.to_owned(), refusal.why)),
            Ok(command) => {
                numbers.push(item.number);
                commands.push((command, terms(&job, item.number, occurred)));
            }
        }
    }
    let (mut trouble, mut faults) = (None, Vec::new());
    for (number, answer) in numbers.into_iter().zip(service.recorder.record_each(commands, &actor)) {
        match answer {
            // What follows from a revocation is done by whoever finishes what was left undone.
            Ok(Outcome::Now(receipt)) if receipt.entries.iter().any(|entry| entry.event == "certificate.revoked") => {
                app.unfinished.store(true, Ordering::Relaxed);
            }
            Ok(_) => {}
            // Cancelled, or somebody else's: it is not for this server to say what became of it.
            Err(Error::Conflict(refusal)) if refusal.code == "bulk.not_waiting" => {}
            Err(Error::Refused(refusal) | Error::Conflict(refusal)) => refused.push((number, refusal.code.to_owned(), refusal.why)),
            Err(Error::Damaged(why)) => refused.push((number, "service.fault".to_owned(), why)),
            // The database is away or busy: that is no try.
            Err(error @ Error::Busy(_)) => trouble = Some(error),
            // Nothing is known against these: they are tried again, but not for ever.
            Err(error) => faults.push((number, error)),
        }
    }
    if !refused.is_empty() {
        let id = job.id.clone();
        service.recorder.write_waiting(move |db| bulk::set_refused(db, &id, &refused))?;
    }
    if !faults.is_empty() {
        trouble = give_up(service, &job.id, faults)?.or(trouble);
    }
    trouble.map_or(Ok(true), Err)
}

/// Counts these as tried, and gives up those that were tried often enough: each with a reference under which the log of the service says why. Gives
/// one of the others, which are tried again after a while.
fn give_up(service: &Service, job: &str, faults: Vec<(i64, Error)>) -> Result<Option<Error>> {
    let mut told = Vec::new();
    let mut noted = Vec::new();
    for (number, error) in faults {
        let reference = reference();
        let why = format!(
            "It was tried {TRIES} times, and each time something was wrong with the service, not with this: give its operator the reference \
             {reference}, and then give it again."
        );
        noted.push((number, why));
        told.push((number, reference, error));
    }
    let id = job.to_owned();
    let failed = service.recorder.write_waiting(move |db| bulk::tried(db, &id, &noted, TRIES))?;
    let mut again = None;
    for (number, reference, error) in told {
        if failed.contains(&number) {
            tracing::error!(reference, "item {number} of the bulk job {job} was given up: {error}");
        } else {
            again = Some(error);
        }
    }
    Ok(again)
}

fn terms(job: &Job, number: i64, occurred: Option<Instant>) -> Terms {
    let part = u32::try_from(number).unwrap_or(u32::MAX);
    let of = (number == job.total).then_some(part);
    let id = job.id.clone();
    let beside: Beside = Arc::new(move |db, receipt| bulk::set_done(db, &id, number, receipt.entries.first().map(|entry| entry.seq)));
    Terms { occurred, beside: Some(beside), batch: Some((job.id.clone(), part, of)), ..Terms::default() }
}
