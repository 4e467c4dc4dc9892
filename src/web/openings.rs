//! Opening a consignment: to whom, under which rules, with which containers; only sites that may have the devices can be chosen.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::{Map, Value, json};

use super::assets::bare;
use super::dock;
use super::forms;
use super::page::{self, Page};
use super::problem::Problem;
use super::request;
use super::session::{self, Viewer};
use super::{Data, block};
use crate::app::now;
use crate::domain::Command;
use crate::domain::lifecycle::RetireReason;
use crate::domain::names::{ConsignmentId, MediaType, Role};
use crate::domain::parties::{Party, PartyKind};
use crate::domain::preparation::{RejectionReason, Rung};
use crate::domain::refusal::Refusal;
use crate::domain::vendors;
use crate::error::{Error, Result};
use crate::operations::once::Once;
use crate::operations::record::Terms;
use crate::store::tables::PartyRow;
use crate::store::{Database, inventory, tables};

/// Who opens.
const ROLES: &[Role] = &[Role::Coordinator, Role::VendorOperator];
/// Parties that are offered.
const PARTIES: i64 = 500;
/// Most containers of one form.
const CONTAINERS: usize = 100;

/// A site that a consignment may go to.
struct Site {
    /// The party's id and the site, as the form sends them.
    value: String,
    name: String,
    site: String,
    own: bool,
    /// Why it cannot be chosen.
    missing: Vec<String>,
    chosen: bool,
}

/// A choice: the word on the wire, the words people read, whether it is chosen.
struct Choice(&'static str, &'static str, bool);

/// What was typed.
#[derive(Default)]
struct Form {
    key: String,
    reference: String,
    from_site: String,
    to: String,
    carrier: String,
    expected: String,
    reason: String,
    media: String,
    rung: String,
    rejected: String,
    containers: String,
}

impl Form {
    fn read(fields: Vec<(String, String)>) -> std::result::Result<Self, Problem> {
        let mut form = Form::default();
        for (name, value) in fields {
            let field = match name.as_str() {
                "idempotency_key" => &mut form.key,
                "reference" => &mut form.reference,
                "from_site" => &mut form.from_site,
                "to" => &mut form.to,
                "carrier" => &mut form.carrier,
                "expected" => &mut form.expected,
                "reason" => &mut form.reason,
                "media" => &mut form.media,
                "rung" => &mut form.rung,
                "rejected" => &mut form.rejected,
                "containers" => &mut form.containers,
                _ => return Err(Problem::new(400, "request.malformed", "The form cannot be read; open its page and send it again.")),
            };
            *field = value;
        }
        Ok(form)
    }

    fn presets(&self) -> std::result::Result<Option<Value>, Refusal> {
        let mut presets = Map::new();
        if let Some(reason) = dock::filled(&self.reason) {
            presets.insert("reason".to_owned(), json!(reason));
        }
        match dock::filled(&self.media) {
            Some("none") => drop(presets.insert("no_storage".to_owned(), json!(true))),
            Some(media) => drop(presets.insert("media_type".to_owned(), json!(media))),
            None => {}
        }
        if let Some(rung) = dock::filled(&self.rung) {
            let rung = Rung::parse(rung)?;
            let better: Vec<Rung> = Rung::ALL.iter().copied().filter(|better| *better < rung).collect();
            let Some(why) = dock::filled(&self.rejected) else {
                return Err(Refusal::new("preparation.rungs", "Reuse comes first: choose why nothing better is done with them."));
            };
            let rejected: Vec<Value> = better.iter().map(|better| json!({"rung": better, "reason": why})).collect();
            presets.insert("rung".to_owned(), json!(rung));
            presets.insert("rejected".to_owned(), json!(rejected));
        }
        Ok((!presets.is_empty()).then_some(Value::Object(presets)))
    }

    /// The labels, one a line.
    fn labels(&self) -> std::result::Result<Vec<&str>, Refusal> {
        let labels: Vec<&str> = self.containers.lines().filter_map(dock::filled).collect();
        if labels.len() > CONTAINERS {
            return Err(Refusal::new(
                "consignment.no_container",
                format!("Name at most {CONTAINERS} containers here; others are named while scanning."),
            ));
        }
        Ok(labels)
    }

    fn body(&self) -> std::result::Result<Value, Refusal> {
        let Some((to, to_site)) = self.to.split_once('|') else {
            return Err(Refusal::new("consignment.no_receiver", "Choose the site that it goes to."));
        };
        let expected = match dock::filled(&self.expected) {
            None => None,
            Some(text) => {
                Some(text.parse::<u32>().map_err(|_| Refusal::new("consignment.expected", "Write how many things you expect in digits, like 300."))?)
            }
        };
        self.labels()?;
        Ok(json!({"reference": self.reference, "from_site": self.from_site, "to": to, "to_site": to_site,
            "carrier": dock::filled(&self.carrier), "expected": expected, "presets": self.presets()?}))
    }
}

#[derive(Template)]
#[template(path = "consignments/new.html")]
struct NewPage {
    page: Page,
    key: String,
    hindrance: Option<&'static str>,
    wrong: Vec<String>,
    form: Form,
    from: Vec<(String, bool)>,
    sites: Vec<Site>,
    reasons: Vec<Choice>,
    media: Vec<Choice>,
    rungs: Vec<Choice>,
    rejections: Vec<Choice>,
    pickups: bool,
}

/// The parties that somebody of this party may send to.
fn receivers(db: &mut Database, viewer: &Viewer, own: &Party) -> Result<Vec<Party>> {
    let rows = inventory::parties(db, None, None, PARTIES)?;
    let all = rows.iter().map(PartyRow::record).collect::<Result<Vec<Party>>>()?;
    let may = |party: &Party| match (own.kind, party.kind) {
        (_, PartyKind::Carrier) => false,
        (PartyKind::Organisation, _) | (_, PartyKind::Organisation) => true,
        (_, PartyKind::Vendor) => own.may_hand_on_to(&party.id),
    };
    Ok(all.into_iter().filter(|party| ROLES.contains(&viewer.actor.role) && may(party)).collect())
}

fn sites(parties: &[Party], viewer: &Viewer, chosen: &str) -> Vec<Site> {
    let today = now().utc().date_naive();
    let mut sites = Vec::new();
    for party in parties {
        for site in &party.sites {
            // Which of a vendor's papers are missing is the organisation's business.
            let of_vendor = party.kind == PartyKind::Vendor;
            let missing = if of_vendor { vendors::missing(party, site, true, today) } else { Vec::new() };
            let missing = if viewer.actor.role.is_vendor() && !missing.is_empty() { vec![String::new()] } else { missing };
            let value = format!("{}|{site}", party.id);
            sites.push(Site {
                chosen: value == chosen,
                value,
                name: party.name.to_string(),
                site: site.to_string(),
                own: party.id == viewer.actor.party,
                missing,
            });
        }
    }
    // Where there is one choice, it is made.
    if let [only] = sites.iter_mut().filter(|site: &&mut Site| site.missing.is_empty()).collect::<Vec<_>>().as_mut_slice() {
        only.chosen = true;
    }
    sites.sort_by(|a, b| (a.own, !a.missing.is_empty(), &a.name, &a.site).cmp(&(b.own, !b.missing.is_empty(), &b.name, &b.site)));
    sites
}

async fn draw(state: &Data, viewer: Viewer, form: Form, wrong: Vec<String>) -> std::result::Result<HttpResponse, Problem> {
    let mut page = Page::new(state, "", Some(&viewer));
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let problem = if wrong.is_empty() { "" } else { page.t("Problem: ") };
    page.title = format!("{problem}{}", page.t("New consignment"));
    let drawn = block(state, move |service| {
        let mut db = service.app.read()?;
        let own = tables::find::<Party>(&mut db, &viewer.actor.party)?
            .ok_or_else(|| Error::Damaged("the party of somebody who is signed in is missing: run `quittance audit`".to_owned()))?;
        let parties = receivers(&mut db, &viewer, &own)?;
        let choice = |value: &'static str, words: &'static str, chosen: &str| Choice(value, words, value == chosen);
        Ok(NewPage {
            page,
            key: forms::fresh_key()?,
            hindrance: (!ROLES.contains(&viewer.actor.role)).then_some("role"),
            from: own.sites.iter().map(|site| (site.to_string(), site.as_str() == form.from_site)).collect(),
            sites: sites(&parties, &viewer, &form.to),
            reasons: RetireReason::ALL.iter().map(|reason| choice(reason.as_str(), reason.label(), &form.reason)).collect(),
            media: MediaType::ALL.iter().map(|media| choice(media.as_str(), media.label(), &form.media)).collect(),
            rungs: Rung::ALL.iter().filter(|rung| **rung >= Rung::Resale).map(|rung| choice(rung.as_str(), rung.label(), &form.rung)).collect(),
            rejections: RejectionReason::ALL.iter().map(|reason| choice(reason.as_str(), reason.label(), &form.rejected)).collect(),
            pickups: own.kind == PartyKind::Organisation,
            wrong,
            form,
        })
    })
    .await?;
    let mut response = page::render(&drawn)?;
    *response.status_mut() = status;
    Ok(response)
}

/// `GET /consignments/new`
pub async fn new(viewer: Viewer, state: Data) -> std::result::Result<HttpResponse, Problem> {
    draw(&state, viewer, Form::default(), Vec::new()).await
}

/// `POST /consignments/new`: opens it with its containers, and goes on to scanning.
pub async fn create(http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    let form = Form::read(request::form(&http, &state, payload).await?)?;
    viewer.must_be_able_to("open_consignment")?;
    match open(&state, &viewer, &form).await {
        Ok((id, entry)) => Ok(page::redirect_entry(&state, &format!("/consignments/{}/scan", bare(id.as_str())), entry)),
        Err(problem) if dock::is_about_the_form(&problem) => draw(&state, viewer, form, dock::sentences(&problem)).await,
        Err(problem) => Err(problem),
    }
}

async fn open(state: &Data, viewer: &Viewer, form: &Form) -> std::result::Result<(ConsignmentId, Option<u64>), Problem> {
    let body = form.body()?;
    let labels: Vec<String> = form.labels()?.into_iter().map(str::to_owned).collect();
    let bytes = serde_json::to_vec(&json!([body, labels])).map_err(Error::from)?;
    let key = dock::request_key(viewer, "/consignments/new", &form.key, &bytes);
    let command = Command::read("open_consignment", body)?;
    let actor = viewer.actor.clone();
    block(state, move |service| {
        let terms = Terms { once: Once::created(key.as_ref(), |receipt| Ok(receipt.clone())), ..Terms::default() };
        let outcome = service.recorder.record_once(command, &actor, terms)?;
        let mut entry = forms::last_entry(&outcome);
        let receipt = dock::receipt(outcome)?;
        let subjects = receipt.pointer("/entries/0/subjects").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let text = |subject: &Value, member: &str| subject.get(member).and_then(Value::as_str).map(str::to_owned);
        let opened = subjects.iter().find(|subject| text(subject, "type").as_deref() == Some("Consignment"));
        let id = opened.and_then(|opened| text(opened, "id")).unwrap_or_default();
        let id = ConsignmentId::parse(&id)?;
        // A cut here leaves fewer containers: they are named again while scanning, or when it is sealed.
        for label in labels {
            let container = Command::read("record_container", json!({"consignment": id, "label": label}))?;
            let done = service.recorder.record_once(container, &actor, Terms::default())?;
            entry = forms::last_entry(&done).or(entry);
        }
        Ok((id, entry))
    })
    .await
}
