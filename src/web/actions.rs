//! What can be done with a device, a party or a consignment: each command possible now or the reason why not, asked of the rules themselves; and the
//! form of each.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::{Value, json};

use super::assets::{self, bare};
use super::command_forms::{self, ADOPT_POLICY, CONSIGNMENT, DEVICE, Group, PARTY, RECORD_LOOSE_MEDIA, REGISTER_ASSET, REGISTER_PARTY};
use super::forms::{self, Around, Choice, Context, Form, Given, Sent, Wrong};
use super::page::{self, Page};
use super::problem::Problem;
use super::request::{self, asset_id, consignment_id, party_id};
use super::session::{self, Viewer};
use super::sign_in::proved_or;
use super::{Data, block, consignments, parties};
use crate::app::{App, now, seed};
use crate::domain::asset::Asset;
use crate::domain::names::{AssetId, Name};
use crate::domain::parties::{Party, PartyKind};
use crate::domain::records::Records;
use crate::domain::refusal::Refusal;
use crate::domain::{Actor, Command, Occasion, SubjectKind};
use crate::error::{Error, Result};
use crate::operations::record::{Beside, ask_each};
use crate::operations::{issue_certificate, publish_status};
use crate::proof::digest::sha256;
use crate::store::tables::{MediumRow, PartyRow};
use crate::store::{Database, assignees, inventory, people, tables};

/// Most loose media that a form offers.
const LOOSE: i64 = 200;
/// The page of a device has so many next steps at most.
const STEPS: usize = 3;

/// Whether this viewer's role may give a command at all.
pub fn role_may(viewer: &Viewer, command: &str) -> bool {
    Command::KINDS.iter().any(|(name, roles)| *name == command && roles.contains(&viewer.actor.role))
}

/// Parties that devices can go to: everyone but the organisation, as far as this viewer sees them.
fn vendors(db: &mut Database, app: &App, viewer: &Viewer) -> Result<(Vec<Choice>, Vec<Choice>)> {
    let only = viewer.narrowed_to().map(|own| vec![own]);
    let rows: Vec<PartyRow> = inventory::parties(db, only.as_deref(), None, request::MOST)?;
    let (mut parties, mut sites) = (Vec::new(), Vec::new());
    for row in rows.into_iter().filter(|row| row.id != app.service.party.as_str()) {
        let party = row.record()?;
        sites.extend(party.sites.iter().map(|site| (site.to_string(), site.to_string())));
        parties.push((party.id.to_string(), party.name.to_string()));
    }
    Ok((parties, sites))
}

fn sites(party: &Party) -> Vec<Choice> {
    party.sites.iter().map(|site| (site.to_string(), site.to_string())).collect()
}

/// The machines of a party that are in service, at one site or everywhere.
fn machines(party: &Party, site: Option<&Name>) -> Vec<Choice> {
    let today = now().utc().date_naive();
    let here = party.machines.iter().filter(|machine| machine.serves(today) && site.is_none_or(|site| *site == machine.is.site));
    here.map(|machine| (machine.id.to_string(), format!("{}, {}", machine.is.words(), machine.is.technique.label()))).collect()
}

/// The organisation's own sites.
pub fn own_sites(db: &mut Database, app: &App) -> Result<Vec<Choice>> {
    Ok(tables::find::<Party>(db, &app.service.party)?.as_ref().map(sites).unwrap_or_default())
}

/// The sites of the party that this viewer works for.
fn sites_of_viewer(db: &mut Database, viewer: &Viewer) -> Result<Vec<Choice>> {
    Ok(tables::find::<Party>(db, &viewer.actor.party)?.as_ref().map(sites).unwrap_or_default())
}

/// What the forms of a device can be filled from.
fn device_context(db: &mut Database, app: &App, viewer: &Viewer, asset: &Asset) -> Result<Context> {
    let title = |row: &MediumRow| row.record().map(|medium| (medium.id.to_string(), format!("{}: {}", medium.title(), medium.state.label())));
    let media = inventory::media_of(db, asset.id.as_str())?.iter().map(title).collect::<Result<Vec<_>>>()?;
    let loose = inventory::loose_media(db, viewer.actor.party.as_str(), LOOSE)?.iter().map(title).collect::<Result<Vec<_>>>()?;
    let (vendors, vendor_sites) = vendors(db, app, viewer)?;
    let own_sites = own_sites(db, app)?;
    let holder = tables::find::<Party>(db, &asset.holder.party)?;
    let machines = holder.map(|party| machines(&party, Some(&asset.holder.site))).unwrap_or_default();
    Ok(Context {
        known: vec![
            ("media", media),
            ("loose", loose),
            ("vendors", vendors),
            ("vendor_sites", vendor_sites),
            ("own_sites", own_sites),
            ("machines", machines),
        ],
        about: vec![("asset", json!(asset.id))],
        ..Context::default()
    })
}

/// The context of one form: a command about a medium does not name the device.
fn of_form(mut context: Context, form: &Form) -> Context {
    let about_medium = form.fields.iter().any(|field| field.member == "medium") && form.command != "install_medium";
    if about_medium {
        context.about.clear();
    }
    context
}

/// A command about a thing, and why it is not possible now.
pub struct Action {
    /// The command.
    pub command: &'static str,
    /// What it does.
    pub title: &'static str,
    /// Why not; nothing where it is possible.
    pub why: Option<String>,
}

/// The commands of a heading.
pub struct Actions {
    /// The heading.
    pub title: &'static str,
    /// What is possible.
    pub possible: Vec<Action>,
    /// What is not.
    pub blocked: Vec<Action>,
}

/// Now, as the rules are asked what would be.
fn occasion<'a>(app: &'a App, actor: &'a Actor) -> Result<Occasion<'a>> {
    let at = now();
    let (policy, catalogue, seed) = (&app.policy, &app.catalogue, seed()?);
    Ok(Occasion { actor, at, occurred: at, policy, catalogue, seed, place: 0, sha256, signed_by: None })
}

/// Asks the rules of every command of these groups that this role may give: whether anything that its form could send would be carried out now.
fn actions(db: &mut Database, app: &App, viewer: &Viewer, groups: &'static [Group], context: &Context) -> Result<Vec<Actions>> {
    let occasion = occasion(app, &viewer.actor)?;
    let mut known = Records::default();
    let mut all = Vec::new();
    for group in groups {
        let mut found = Actions { title: group.title, possible: Vec::new(), blocked: Vec::new() };
        for form in group.forms.iter().filter(|form| role_may(viewer, form.command)) {
            let why = why_not(db, &mut known, &occasion, form, &of_form(context.clone(), form))?;
            let action = Action { command: form.command, title: form.title, why };
            if action.why.is_none() { found.possible.push(action) } else { found.blocked.push(action) }
        }
        if !found.possible.is_empty() || !found.blocked.is_empty() {
            all.push(found);
        }
    }
    Ok(all)
}

/// Why a command is not possible now, whatever its form sends.
fn why_not(db: &mut Database, known: &mut Records, occasion: &Occasion, form: &Form, context: &Context) -> Result<Option<String>> {
    let trials: Vec<Command> =
        forms::trials(form, context).into_iter().filter_map(|body| Command::read(form.command, Value::Object(body)).ok()).collect();
    if trials.is_empty() {
        let media = form.fields.iter().any(|field| field.member == "medium" || field.member.starts_with("media.#"));
        let why = if media { "No medium is on record for it." } else { "Nothing that it needs is on record." };
        return Ok(Some(why.to_owned()));
    }
    let answers = ask_each(db, known, &trials, occasion)?;
    if answers.iter().any(Option::is_none) {
        return Ok(None);
    }
    // What most of them come to is the reason; a wrong guess at a value comes to something else.
    let refusals: Vec<Refusal> = answers.into_iter().flatten().collect();
    let often = |refusal: &&Refusal| refusals.iter().filter(|other| other.code == refusal.code).count();
    Ok(refusals.iter().rev().max_by_key(often).map(|refusal| refusal.why.clone()))
}

/// What carries a device on, in this order; putting it on a consignment is done at the dock.
const ON: [&str; 10] = [
    "report_found",
    "return_from_repair",
    "expect_media",
    "record_media",
    "confirm_medium",
    "verify_sanitization",
    "validate_sanitization",
    "evaluate",
    "authorize_surplus",
    "retire",
];

/// The first few steps that carry a device on and that this viewer can take now, for its own page: address and words.
pub fn next_steps(db: &mut Database, app: &App, viewer: &Viewer, asset: &Asset) -> Result<Vec<(String, &'static str)>> {
    let done = |command: &str| match command {
        "evaluate" => asset.preparation.evaluation.is_some(),
        "authorize_surplus" => asset.preparation.authorization.is_some(),
        "record_media" | "expect_media" => !asset.media.is_empty() || asset.no_storage.is_some(),
        _ => false,
    };
    let forms = ON.iter().filter(|command| role_may(viewer, command) && !done(command)).filter_map(|command| command_forms::of(DEVICE, command));
    let (actor, mut known, mut steps) = (&viewer.actor, Records::default(), Vec::new());
    let occasion = occasion(app, actor)?;
    let context = device_context(db, app, viewer, asset)?;
    for form in forms {
        if steps.len() < STEPS && why_not(db, &mut known, &occasion, form, &of_form(context.clone(), form))?.is_none() {
            steps.push((form.command.to_owned(), form.title));
        }
    }
    Ok(steps)
}

#[derive(Template)]
#[template(path = "forms/actions.html")]
struct ActionsPage {
    page: Page,
    crumb: (String, String),
    about: String,
    address: String,
    groups: Vec<Actions>,
    certificate: bool,
    missing: Vec<String>,
}

fn device_words(asset: &Asset) -> String {
    format!("{} · {} · {}", asset.tag, asset.title(), asset.label().label())
}

/// `GET /assets/{id}/actions`
pub async fn of_device(viewer: Viewer, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let id = asset_id(&id)?;
    let page = Page::new(&state, "Next steps", Some(&viewer));
    let drawn = block(&state, move |service| {
        let certificate = role_may(&viewer, "issue_certificate");
        let missing = if certificate { issue_certificate::missing(&service.app, &id)? } else { Vec::new() };
        let mut db = service.app.read()?;
        let asset = assets::find(&mut db, &viewer, &id)?;
        let context = device_context(&mut db, &service.app, &viewer, &asset)?;
        let groups = actions(&mut db, &service.app, &viewer, DEVICE, &context)?;
        let here = format!("/assets/{}", bare(id.as_str()));
        Ok(ActionsPage {
            page,
            crumb: (here.clone(), asset.tag.to_string()),
            about: device_words(&asset),
            address: format!("{here}/actions"),
            groups,
            certificate: certificate && asset.certificate.is_none(),
            missing,
        })
    })
    .await?;
    page::render(&drawn)
}

/// The form of a command in an address.
fn form_of(viewer: &Viewer, groups: &'static [Group], command: &str) -> std::result::Result<&'static Form, Problem> {
    let form = command_forms::of(groups, command);
    let form = form.ok_or_else(|| Problem::unknown("There is no such step; the page of the thing lists what can be done with it."))?;
    viewer.must_be_able_to(form.command)?;
    Ok(form)
}

/// What issuing a certificate looks like among the forms: there is nothing to fill in.
static ISSUE: Form = Form {
    command: "issue_certificate",
    title: "Issue the certificate",
    about: "The certificate states what the record holds at this moment, signed in the organisation's name.",
    grave: false,
    fields: &[],
};

fn about_device(asset: &Asset, form: &Form, missing: Vec<String>) -> Around {
    let here = format!("/assets/{}", bare(asset.id.as_str()));
    Around {
        crumb: (format!("{here}/actions"), format!("Next steps for {}", asset.tag)),
        about: device_words(asset),
        address: format!("{here}/actions/{}", form.command),
        there: here,
        missing,
    }
}

/// What a device's form needs: the form, what it can be filled from, what stands around it.
async fn device_form(state: &Data, viewer: &Viewer, id: &AssetId, command: &str) -> std::result::Result<(&'static Form, Context, Around), Problem> {
    let form = if command == ISSUE.command {
        viewer.must_be_able_to(command)?;
        &ISSUE
    } else {
        form_of(viewer, DEVICE, command)?
    };
    let (viewer, id) = (viewer.clone(), id.clone());
    block(state, move |service| {
        let missing = if form.command == ISSUE.command { issue_certificate::missing(&service.app, &id)? } else { Vec::new() };
        let mut db = service.app.read()?;
        let asset = assets::find(&mut db, &viewer, &id)?;
        let context = of_form(device_context(&mut db, &service.app, &viewer, &asset)?, form);
        Ok((form, context, about_device(&asset, form, missing)))
    })
    .await
}

/// `GET /assets/{id}/actions/{command}`
pub async fn of_device_new(viewer: Viewer, state: Data, path: web::Path<(String, String)>) -> std::result::Result<HttpResponse, Problem> {
    let (id, command) = path.into_inner();
    let (form, context, around) = device_form(&state, &viewer, &asset_id(&id)?, &command).await?;
    forms::show(&state, &viewer, form, &context, around)
}

/// Gives the command of a form that was sent, and answers it.
async fn recorded(
    http: &HttpRequest,
    state: &Data,
    viewer: &Viewer,
    (form, context): (&Form, &Context),
    around: Around,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    let given = Given::read(http, state, payload).await?;
    let sent = forms::record(http, state, viewer, (form, context), &given, None).await?;
    answer(state, viewer, (form, context), around, &given, sent)
}

/// Goes on to the page of what was recorded, or shows the form again.
fn answer(
    state: &Data,
    viewer: &Viewer,
    (form, context): (&Form, &Context),
    around: Around,
    given: &Given,
    sent: Sent,
) -> std::result::Result<HttpResponse, Problem> {
    match sent {
        Sent::Recorded(outcome) => Ok(page::redirect_entry(state, &around.there, forms::last_entry(&outcome))),
        Sent::Wrong(wrong) => forms::again(state, viewer, (form, context), around, given, &wrong),
    }
}

/// `POST /assets/{id}/actions/{command}`
pub async fn of_device_create(
    http: HttpRequest,
    state: Data,
    path: web::Path<(String, String)>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    let (id, command) = path.into_inner();
    let id = asset_id(&id)?;
    let (form, context, around) = device_form(&state, &viewer, &id, &command).await?;
    let given = Given::read(&http, &state, payload).await?;
    if form.command == ISSUE.command {
        return issue(&http, &state, &viewer, &id, &context, around, &given).await;
    }
    // Whoever had it has it no more, also in the table that the record does not hold.
    let beside: Option<Beside> =
        (form.command == "assign").then(|| Arc::new(move |db: &mut Database, _: &_| assignees::erase_device(db, &id).map(|_| ())) as Beside);
    let sent = forms::record(&http, &state, &viewer, (form, &context), &given, beside).await?;
    if matches!(sent, Sent::Recorded(_)) && form.grave {
        // A correction may have revoked certificates: whoever asks a moment later is told.
        publish(&state).await;
    }
    answer(&state, &viewer, (form, &context), around, &given, sent)
}

async fn publish(state: &Data) {
    let service = state.service.clone();
    let published = web::block(move || publish_status::publish_if_behind(&service)).await;
    if !matches!(published, Ok(Ok(()))) {
        state.service.app.unfinished.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

async fn issue(
    http: &HttpRequest,
    state: &Data,
    viewer: &Viewer,
    id: &AssetId,
    context: &Context,
    around: Around,
    given: &Given,
) -> std::result::Result<HttpResponse, Problem> {
    let key = given.key(http, viewer);
    let (service, actor, id) = (state.service.clone(), viewer.actor.clone(), id.clone());
    let done = web::block(move || issue_certificate::issue_once(&service, &actor, &id, key.as_ref()));
    match done.await.map_err(|error| Problem::from(Error::fault("waiting for a thread", error)))? {
        Ok(outcome) => {
            let issued: Value = match outcome {
                crate::operations::once::Outcome::Now(issued) => serde_json::to_value(issued).map_err(Error::from)?,
                crate::operations::once::Outcome::Before(answer) => serde_json::from_slice(&answer.body).map_err(Error::from)?,
            };
            let number = issued.get("number").and_then(Value::as_str).unwrap_or_default();
            Ok(page::redirect_entry(state, &format!("/certificates/{number}"), issued.get("seq").and_then(Value::as_u64)))
        }
        Err(error) => {
            let problem = Problem::from(error);
            if !forms::is_about_the_form(&problem) {
                return Err(problem);
            }
            forms::again(state, viewer, (&ISSUE, context), Around { missing: Vec::new(), ..around }, given, &forms::refused(&problem))
        }
    }
}

/// What the forms of a party can be filled from.
fn party_context(db: &mut Database, app: &App, viewer: &Viewer, party: &Party) -> Result<Context> {
    let (mut vendors, _) = vendors(db, app, viewer)?;
    vendors.retain(|(id, _)| id != party.id.as_str());
    let downstream: Vec<&str> = party.downstream.iter().map(|approved| approved.party.as_str()).collect();
    let downstream = vendors.iter().filter(|(id, _)| downstream.contains(&id.as_str())).cloned().collect();
    let people = people::all(db)?.into_iter().filter(|person| person.party == party.id.as_str());
    let people = people.map(|person| (person.id, if person.title.is_empty() { person.name } else { format!("{}, {}", person.name, person.title) }));
    let credentials = party.credentials.iter().map(|credential| (credential.number.to_string(), credential.number.to_string())).collect();
    let signers = party.signers.iter().map(|person| ("signers".to_owned(), person.to_string())).collect();
    let known = vec![
        ("sites", sites(party)),
        ("vendors", vendors),
        ("downstream", downstream),
        ("people", people.collect()),
        ("credentials", credentials),
        ("machines", machines(party, None)),
    ];
    Ok(Context { known, about: vec![("party", json!(party.id))], given: signers, ..Context::default() })
}

/// `GET /vendors/{id}/actions`
pub async fn of_party(viewer: Viewer, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let id = party_id(&id)?;
    let page = Page::new(&state, "Next steps", Some(&viewer));
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        let party = parties::find(&mut db, &service.app, &viewer, &id)?;
        let context = party_context(&mut db, &service.app, &viewer, &party)?;
        let groups = actions(&mut db, &service.app, &viewer, PARTY, &context)?;
        let here = format!("/vendors/{}", bare(id.as_str()));
        let address = format!("{here}/actions");
        Ok(ActionsPage {
            page,
            crumb: (here, party.name.to_string()),
            about: format!("{}, {}", party.name, party.kind.label()),
            address,
            groups,
            certificate: false,
            missing: Vec::new(),
        })
    })
    .await?;
    page::render(&drawn)
}

async fn party_form(state: &Data, viewer: &Viewer, id: &str, command: &str) -> std::result::Result<(&'static Form, Context, Around), Problem> {
    let form = form_of(viewer, PARTY, command)?;
    let (viewer, id) = (viewer.clone(), party_id(id)?);
    block(state, move |service| {
        let mut db = service.app.read()?;
        let party = parties::find(&mut db, &service.app, &viewer, &id)?;
        let context = party_context(&mut db, &service.app, &viewer, &party)?;
        let here = format!("/vendors/{}", bare(id.as_str()));
        let crumb = (format!("{here}/actions"), format!("Next steps for {}", party.name));
        let address = format!("{here}/actions/{}", form.command);
        Ok((form, context, Around { crumb, about: party.name.to_string(), address, there: here, missing: Vec::new() }))
    })
    .await
}

/// `GET /vendors/{id}/actions/{command}`
pub async fn of_party_new(viewer: Viewer, state: Data, path: web::Path<(String, String)>) -> std::result::Result<HttpResponse, Problem> {
    let (id, command) = path.into_inner();
    let (form, context, around) = party_form(&state, &viewer, &id, &command).await?;
    forms::show(&state, &viewer, form, &context, around)
}

/// `POST /vendors/{id}/actions/{command}`
pub async fn of_party_create(
    http: HttpRequest,
    state: Data,
    path: web::Path<(String, String)>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    let (id, command) = path.into_inner();
    let (form, context, around) = party_form(&state, &viewer, &id, &command).await?;
    recorded(&http, &state, &viewer, (form, &context), around, payload).await
}

/// `GET /consignments/{id}/actions`
pub async fn of_consignment(viewer: Viewer, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let id = consignment_id(&id)?;
    let page = Page::new(&state, "Decisions", Some(&viewer));
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        let consignment = consignments::find(&mut db, &viewer, &id)?;
        let context = Context { about: vec![("consignment", json!(id))], ..Context::default() };
        let groups = actions(&mut db, &service.app, &viewer, CONSIGNMENT, &context)?;
        let here = format!("/consignments/{}", bare(id.as_str()));
        let address = format!("{here}/actions");
        let about = format!("{} · {}", consignment.reference, consignment.status.label());
        Ok(ActionsPage { page, crumb: (here, consignment.reference.to_string()), about, address, groups, certificate: false, missing: Vec::new() })
    })
    .await?;
    page::render(&drawn)
}

async fn consignment_form(state: &Data, viewer: &Viewer, id: &str, command: &str) -> std::result::Result<(&'static Form, Context, Around), Problem> {
    let form = form_of(viewer, CONSIGNMENT, command)?;
    let (viewer, id) = (viewer.clone(), consignment_id(id)?);
    block(state, move |service| {
        let consignment = consignments::find(&mut *service.app.read()?, &viewer, &id)?;
        let context = Context { about: vec![("consignment", json!(id))], ..Context::default() };
        let here = format!("/consignments/{}", bare(id.as_str()));
        let crumb = (format!("{here}/actions"), format!("Decisions about {}", consignment.reference));
        let address = format!("{here}/actions/{}", form.command);
        Ok((form, context, Around { crumb, about: consignment.reference.to_string(), address, there: here, missing: Vec::new() }))
    })
    .await
}

/// `GET /consignments/{id}/actions/{command}`
pub async fn of_consignment_new(viewer: Viewer, state: Data, path: web::Path<(String, String)>) -> std::result::Result<HttpResponse, Problem> {
    let (id, command) = path.into_inner();
    let (form, context, around) = consignment_form(&state, &viewer, &id, &command).await?;
    forms::show(&state, &viewer, form, &context, around)
}

/// `POST /consignments/{id}/actions/{command}`
pub async fn of_consignment_create(
    http: HttpRequest,
    state: Data,
    path: web::Path<(String, String)>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    let (id, command) = path.into_inner();
    let (form, context, around) = consignment_form(&state, &viewer, &id, &command).await?;
    recorded(&http, &state, &viewer, (form, &context), around, payload).await
}

/// A form for what is not there yet: where its list is, and what its entry names.
struct Fresh {
    form: &'static Form,
    list: (&'static str, &'static str),
    address: &'static str,
    kind: SubjectKind,
    pages: &'static str,
    /// What the command names besides what people fill in.
    about: fn(&App) -> Vec<(&'static str, Value)>,
}

fn about_nothing(_: &App) -> Vec<(&'static str, Value)> {
    Vec::new()
}
fn about_policy(app: &App) -> Vec<(&'static str, Value)> {
    let policy = app.policy.reference();
    vec![("name", json!(policy.name)), ("version", json!(policy.version)), ("sha256", json!(policy.sha256))]
}

static DEVICES: Fresh = Fresh {
    form: &REGISTER_ASSET,
    list: ("/assets", "Devices"),
    address: "/assets/new",
    kind: SubjectKind::Asset,
    pages: "/assets",
    about: about_nothing,
};
static LOOSE_MEDIA: Fresh = Fresh {
    form: &RECORD_LOOSE_MEDIA,
    list: ("/assets", "Devices"),
    address: "/assets/new/medium",
    kind: SubjectKind::Medium,
    pages: "",
    about: about_nothing,
};
static VENDORS: Fresh = Fresh {
    form: &REGISTER_PARTY,
    list: ("/vendors", "Vendors"),
    address: "/vendors/new",
    kind: SubjectKind::Party,
    pages: "/vendors",
    about: about_nothing,
};
static ADOPTION: Fresh = Fresh {
    form: &ADOPT_POLICY,
    list: ("/settings/policy", "Policy"),
    address: "/settings/policy/adoption",
    kind: SubjectKind::Party,
    pages: "",
    about: about_policy,
};

impl Fresh {
    fn around(&self) -> Around {
        let (there, words) = self.list;
        Around {
            crumb: (there.to_owned(), words.to_owned()),
            about: String::new(),
            address: self.address.to_owned(),
            there: there.to_owned(),
            missing: Vec::new(),
        }
    }
    async fn context(&self, state: &Data, viewer: &Viewer) -> std::result::Result<Context, Problem> {
        let viewer = viewer.clone();
        let own_sites = block(state, move |service| sites_of_viewer(&mut *service.app.read()?, &viewer)).await?;
        let usual = [("status", "in_stock"), ("sensitivity", "unknown"), ("kind", PartyKind::Vendor.as_str())];
        let given = usual.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Ok(Context { known: vec![("own_sites", own_sites)], given, about: (self.about)(&state.service.app), ..Context::default() })
    }
    /// For what weighs much, whoever does it has to have shown lately who they are.
    fn proved_or(&self, state: &Data, viewer: &Viewer) -> Option<HttpResponse> {
        proved_or(state, viewer, self.address).filter(|_| self.form.grave)
    }
    async fn show(&self, state: Data, viewer: Viewer) -> std::result::Result<HttpResponse, Problem> {
        viewer.must_be_able_to(self.form.command)?;
        if let Some(elsewhere) = self.proved_or(&state, &viewer) {
            return Ok(elsewhere);
        }
        let context = self.context(&state, &viewer).await?;
        forms::show(&state, &viewer, self.form, &context, self.around())
    }
    async fn create(&self, http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
        let viewer = session::by_form(&http, &state).await?;
        viewer.must_be_able_to(self.form.command)?;
        if let Some(elsewhere) = self.proved_or(&state, &viewer) {
            return Ok(elsewhere);
        }
        let context = self.context(&state, &viewer).await?;
        let given = Given::read(&http, &state, payload).await?;
        // A half that means nothing by itself is not sent.
        let without = |part: &str, whole: &str| Given(given.0.iter().filter(|(name, _)| !name.starts_with(part) || name == whole).cloned().collect());
        let mut meant = given.clone();
        for (part, whole) in [("media.0.", "media.0.media_type"), ("funding.", "funding.source")] {
            let lacks = meant.get(whole).is_empty();
            let filled: Vec<String> =
                meant.0.iter().filter(|(name, value)| name.starts_with(part) && !value.trim().is_empty()).map(|(name, _)| name.clone()).collect();
            if lacks && !filled.is_empty() {
                let wrong = [Wrong { member: whole.to_owned(), why: "Choose one, or leave the lines below empty.".to_owned() }];
                return forms::again(&state, &viewer, (self.form, &context), self.around(), &given, &wrong);
            }
            if lacks {
                meant = without(part, whole);
            }
        }
        let sent = forms::record(&http, &state, &viewer, (self.form, &context), &meant, None).await?;
        let mut around = self.around();
        if let Sent::Recorded(outcome) = &sent
            && !self.pages.is_empty()
            && let Some(id) = forms::subject(outcome, self.kind)
        {
            around.there = format!("{}/{}", self.pages, bare(&id));
        }
        answer(&state, &viewer, (self.form, &context), around, &given, sent)
    }
}

/// `GET /assets/new`
pub async fn device_new(viewer: Viewer, state: Data) -> std::result::Result<HttpResponse, Problem> {
    DEVICES.show(state, viewer).await
}

/// `POST /assets/new`
pub async fn device_create(http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    DEVICES.create(http, state, payload).await
}

/// `GET /assets/new/medium`
pub async fn medium_new(viewer: Viewer, state: Data) -> std::result::Result<HttpResponse, Problem> {
    LOOSE_MEDIA.show(state, viewer).await
}

/// `POST /assets/new/medium`
pub async fn medium_create(http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    LOOSE_MEDIA.create(http, state, payload).await
}

/// `GET /vendors/new`
pub async fn party_new(viewer: Viewer, state: Data) -> std::result::Result<HttpResponse, Problem> {
    VENDORS.show(state, viewer).await
}

/// `POST /vendors/new`
pub async fn party_create(http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    VENDORS.create(http, state, payload).await
}

/// `GET /settings/policy/adoption`
pub async fn adoption_new(viewer: Viewer, state: Data) -> std::result::Result<HttpResponse, Problem> {
    ADOPTION.show(state, viewer).await
}

/// `POST /settings/policy/adoption`
pub async fn adoption_create(http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    ADOPTION.create(http, state, payload).await
}

/// The commands about devices that this viewer's role may give for many at once, with their forms.
pub fn for_many(viewer: &Viewer) -> Vec<(&'static str, Vec<&'static Form>)> {
    // What differs from device to device is not the same for many.
    const ONE_BY_ONE: [&str; 11] = [
        "assign",
        "return_from_repair",
        "record_media",
        "confirm_medium",
        "install_medium",
        "harvest_part",
        "record_sanitization",
        "record_sample",
        "report_missing",
        "correct_registration",
        "withdraw_medium",
    ];
    let may = |form: &&Form| role_may(viewer, form.command) && !ONE_BY_ONE.contains(&form.command);
    let of = |group: &'static Group| (group.title, group.forms.iter().filter(may).collect::<Vec<_>>());
    DEVICE.iter().map(of).filter(|(_, forms)| !forms.is_empty()).collect()
}

/// What the forms for many devices can be filled from.
pub fn context_for_many(db: &mut Database, app: &App, viewer: &Viewer) -> Result<Context> {
    let (vendors, vendor_sites) = vendors(db, app, viewer)?;
    Ok(Context {
        known: vec![("vendors", vendors), ("vendor_sites", vendor_sites), ("own_sites", own_sites(db, app)?)],
        without: &["medium"],
        ..Context::default()
    })
}
