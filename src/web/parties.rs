//! The organisation, its vendors and carriers: lists, and one party with what qualifies its sites.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::{Value, json};

use super::actions;
use super::assets::{Step, TIMELINE, bare, steps};
use super::command_forms::PARTY;
use super::ledger::{self, Names};
use super::page::{self, Page, short};
use super::problem::Problem;
use super::request::{self, cut, party_id};
use super::session::Viewer;
use super::{Data, block};
use crate::app::{App, now};
use crate::domain::equipment::Machine;
use crate::domain::names::PartyId;
use crate::domain::parties::Party;
use crate::domain::vendors::Credential;
use crate::error::{Error, Result};
use crate::store::tables::{self, PartyRow};
use crate::store::{Database, inventory};

/// What a list is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    after: Option<String>,
    limit: Option<String>,
}

/// The parties that a viewer may see: all, or for a vendor itself, the organisation, and those that it may hand devices on to.
fn visible(db: &mut Database, app: &App, viewer: &Viewer) -> Result<Option<Vec<String>>> {
    let Some(own) = viewer.narrowed_to() else { return Ok(None) };
    let mut visible = vec![app.service.party.to_string()];
    if let Some(party) = tables::find::<Party>(db, &viewer.actor.party)? {
        visible.extend(party.downstream.iter().map(|downstream| downstream.party.to_string()));
    }
    visible.push(own);
    Ok(Some(visible))
}

fn list(db: &mut Database, app: &App, viewer: &Viewer, after: Option<&(String, String)>, limit: i64) -> Result<(Vec<Party>, Option<String>)> {
    let only = visible(db, app, viewer)?;
    let mut rows = inventory::parties(db, only.as_deref(), after, limit + 1)?;
    let next = cut(&mut rows, limit, |row| (row.name.clone(), row.id.clone()));
    Ok((rows.iter().map(PartyRow::record).collect::<Result<Vec<_>>>()?, next))
}

/// Whether a viewer sees more of a party than its name and sites: contracts and people are nobody else's.
fn sees_all(viewer: &Viewer, party: &Party) -> bool {
    viewer.narrowed_to().is_none_or(|own| own == party.id.as_str())
}

/// `GET /api/v1/parties?after=&limit=`: a vendor sees the organisation, itself, and the vendors that it may hand devices on to.
pub async fn api_index(viewer: Viewer, state: Data, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    let (after, limit) = (request::after(asked.after.as_deref())?, request::limit(asked.limit.as_deref())?);
    let (parties, next) = block(&state, move |service| {
        let (parties, next) = list(&mut *service.app.read()?, &service.app, &viewer, after.as_ref(), limit)?;
        let parties: Vec<Value> = parties
            .iter()
            .map(|party| match sees_all(&viewer, party) {
                true => json!(party),
                false => json!({"id": party.id, "kind": party.kind, "name": party.name, "sites": party.sites}),
            })
            .collect();
        Ok((parties, next))
    })
    .await?;
    Ok(HttpResponse::Ok().json(json!({"parties": parties, "next": next})))
}

/// A party in a list.
struct Row {
    id: String,
    name: String,
    kind: &'static str,
    sites: String,
    qualified: usize,
    credentials: usize,
    /// A viewer who does not see its credentials is not told that there are none.
    told: bool,
}

#[derive(Template)]
#[template(path = "vendors/index.html")]
struct IndexPage {
    page: Page,
    registers: bool,
    rows: Vec<Row>,
    next: Option<String>,
    paged: bool,
}

fn today() -> NaiveDate {
    now().utc().date_naive()
}

/// `GET /vendors`
pub async fn index(viewer: Viewer, state: Data, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    let (after, limit) = (request::after(asked.after.as_deref())?, request::limit(asked.limit.as_deref())?);
    let page = Page::new(&state, "Vendors", Some(&viewer));
    let drawn = block(&state, move |service| {
        let (parties, next) = list(&mut *service.app.read()?, &service.app, &viewer, after.as_ref(), limit)?;
        let rows = parties.into_iter().map(|party| Row {
            id: bare(party.id.as_str()).to_owned(),
            kind: party.kind.label(),
            sites: party.sites.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            qualified: party.credentials.iter().filter(|credential| credential.is_valid(today())).count(),
            credentials: party.credentials.len(),
            told: sees_all(&viewer, &party),
            name: party.name.to_string(),
        });
        let registers = actions::role_may(&viewer, "register_party");
        Ok(IndexPage { page, registers, rows: rows.collect(), next, paged: after.is_some() })
    })
    .await?;
    page::render(&drawn)
}

/// A site with what it is certified for.
struct SiteShown {
    name: String,
    credentials: Vec<CredentialShown>,
}

struct CredentialShown {
    scheme: &'static str,
    number: String,
    scope: String,
    issued_on: String,
    validity: String,
    valid: bool,
    evidence: Option<(String, String)>,
    entry: u64,
}

struct ContractShown {
    reference: String,
    dates: String,
    in_force: bool,
    confidentiality: bool,
    insured: String,
    entry: u64,
}

struct TrainingShown {
    who: String,
    tool: String,
    trained_on: String,
    valid_until: String,
    valid: bool,
    entry: u64,
}

struct MachineShown {
    name: String,
    site: String,
    technique: &'static str,
    figures: String,
    calibrated: String,
    state: String,
    good: bool,
    entry: u64,
}

/// What a machine can do and whether it may be used today.
fn machine_shown(machine: &Machine) -> MachineShown {
    let (is, today) = (&machine.is, today());
    let tenths = |figure: u32| format!("{}.{} mm", figure / 10, figure % 10);
    let figures = [
        is.particle_tenths_mm.map(|figure| format!("particles up to {}", tenths(figure))),
        is.field_oersted.map(|field| format!("{field} Oe")),
        is.epl_entry.as_ref().map(|entry| match is.epl_particle_tenths_mm {
            Some(figure) => format!("NSA list {entry}, up to {}", tenths(figure)),
            None => format!("NSA list {entry}"),
        }),
    ];
    let calibration = machine.calibrated(today);
    let overdue = calibration.is_some_and(|calibration| calibration.due_on < today);
    MachineShown {
        name: is.words(),
        site: is.site.to_string(),
        technique: is.technique.label(),
        figures: figures.into_iter().flatten().collect::<Vec<_>>().join("; "),
        calibrated: calibration
            .map_or_else(|| "none recorded".to_owned(), |calibration| format!("{}, next due {}", calibration.calibrated_on, calibration.due_on)),
        state: match machine.out_from {
            Some(from) => format!("out of service from {from}"),
            None if overdue => "calibration overdue".to_owned(),
            None => "in service".to_owned(),
        },
        good: machine.serves(today) && !overdue,
        entry: machine.recorded,
    }
}

#[derive(Template)]
#[template(path = "vendors/show.html")]
struct ShowPage {
    page: Page,
    acts: bool,
    name: String,
    kind: &'static str,
    sites: Vec<SiteShown>,
    told: bool,
    contracts: Vec<ContractShown>,
    signers: Vec<String>,
    trainings: Vec<TrainingShown>,
    machines: Vec<MachineShown>,
    runs: bool,
    downstream: Vec<(String, String, u64)>,
    timeline: Vec<Step>,
    address: String,
    next: Option<u64>,
    paged: bool,
}

/// Which part of a party's entries is shown.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    from: Option<String>,
}

fn sites(party: &Party, told: bool) -> Vec<SiteShown> {
    let of_site = |site| party.credentials.iter().filter(move |credential| told && &credential.site == site).map(credential_shown).collect();
    party.sites.iter().map(|site| SiteShown { name: site.to_string(), credentials: of_site(site) }).collect()
}

fn credential_shown(credential: &Credential) -> CredentialShown {
    CredentialShown {
        scheme: credential.scheme.label(),
        number: credential.number.to_string(),
        scope: credential.scope_in_words(),
        issued_on: credential.issued_on.to_string(),
        validity: credential.validity(today()),
        valid: credential.is_valid(today()),
        evidence: credential.evidence.as_ref().map(|digest| (digest.to_string(), short(digest.as_str()))),
        entry: credential.recorded,
    }
}

/// `GET /vendors/{id}?from=`
pub async fn show(viewer: Viewer, state: Data, id: web::Path<String>, part: web::Query<Part>) -> std::result::Result<HttpResponse, Problem> {
    let (id, from) = (party_id(&id)?, request::from(part.from.as_deref())?);
    let mut page = Page::new(&state, "", Some(&viewer));
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        let db = &mut *db;
        let mut names = Names::new(&service.app);
        let party = find(db, &service.app, &viewer, &id)?;
        let told = sees_all(&viewer, &party);
        page.title = party.name.to_string();
        let mut trainings = Vec::new();
        for training in party.trainings.iter().filter(|_| told) {
            trainings.push(TrainingShown {
                who: names.person(db, training.person.as_str())?,
                tool: training.tool.to_string(),
                trained_on: training.trained_on.to_string(),
                valid_until: training.valid_until.to_string(),
                valid: training.is_valid(today()),
                entry: training.recorded,
            });
        }
        let signers = party.signers.iter().filter(|_| told).map(|person| names.person(db, person.as_str())).collect::<Result<Vec<_>>>()?;
        let mut downstream = Vec::new();
        for approved in party.downstream.iter().filter(|_| told) {
            downstream.push((bare(approved.party.as_str()).to_owned(), names.party(db, approved.party.as_str())?, approved.approved));
        }
        let (timeline, next) = if told { ledger::page_of(db, &mut names, &[id.to_string()], from, TIMELINE)? } else { (Vec::new(), None) };
        let contracts = party.contracts.iter().filter(|_| told).map(|contract| ContractShown {
            reference: contract.reference.to_string(),
            dates: match contract.ends_on {
                Some(end) => format!("{} to {end}", contract.starts_on),
                None => format!("from {}, open-ended", contract.starts_on),
            },
            in_force: contract.is_in_force(today()),
            confidentiality: contract.confidentiality,
            insured: contract.insured_until.map_or_else(|| "not recorded".to_owned(), |until| format!("until {until}")),
            entry: contract.recorded,
        });
        let acts = PARTY.iter().flat_map(|group| group.forms).any(|form| actions::role_may(&viewer, form.command));
        Ok(ShowPage {
            page,
            acts,
            kind: party.kind.label(),
            sites: sites(&party, told),
            told,
            contracts: contracts.collect(),
            signers,
            trainings,
            machines: party.machines.iter().filter(|_| told).map(machine_shown).collect(),
            runs: actions::role_may(&viewer, "record_destruction") && party.id == viewer.actor.party,
            downstream,
            timeline: steps(timeline)?,
            address: format!("/vendors/{}", bare(id.as_str())),
            next,
            paged: from > 0,
            name: party.name.to_string(),
        })
    })
    .await?;
    page::render(&drawn)
}

/// A party that exists and that this viewer may see.
pub fn find(db: &mut Database, app: &App, viewer: &Viewer, id: &PartyId) -> Result<Party> {
    let may = visible(db, app, viewer)?.is_none_or(|visible| visible.iter().any(|one| one == id.as_str()));
    match tables::find::<Party>(db, id)? {
        Some(party) if may => Ok(party),
        _ => Err(Error::Unknown(format!("There is no party {id}."))),
    }
}
