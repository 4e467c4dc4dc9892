//! Handing a consignment off: what leaves, sealed and released by the sender, and taken over by the driver, who needs no account.

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::{Value, json};

use super::assets::bare;
use super::consignments;
use super::dock::{self, Blocker, Contents, Count, Hindrance};
use super::forms;
use super::ledger::Names;
use super::page::{self, Page, When};
use super::problem::Problem;
use super::request::{self, consignment_id};
use super::session::{self, Viewer};
use super::{Data, block, verifications};
use crate::app::now;
use crate::documents::qr;
use crate::domain::consignment::{AcceptedBy, Consignment, ConsignmentStatus};
use crate::domain::handoff::AcceptConsignment;
use crate::domain::mappings::WeightUnit;
use crate::domain::names::{ConsignmentId, Role};
use crate::domain::overrides::Guard;
use crate::domain::parties::Party;
use crate::domain::refusal::Refusal;
use crate::domain::sealing::UnsealReason;
use crate::domain::vendors;
use crate::error::{Error, Result};
use crate::inventories::vendor_lists;
use crate::operations::record::Terms;
use crate::operations::{create_link, receive_evidence};
use crate::store::tables;

/// Who hands off.
const ROLES: &[Role] = &[Role::Coordinator, Role::VendorOperator];

/// A container in the summary and in the form that seals it.
struct Container {
    label: String,
    count: u32,
    seal: String,
    tare: String,
    gross: String,
    net: String,
}

/// What the driver said, or where it is to be said.
struct AcceptedShown {
    by: &'static str,
    at: When,
    entry: u64,
    document: Option<String>,
}

/// A code for the driver: its address, and the same to be read by a camera.
struct Code {
    address: String,
    side: usize,
    path: String,
}

struct Choice(&'static str, &'static str);

#[derive(Template)]
#[template(path = "consignments/handoff.html")]
struct HandoffPage {
    page: Page,
    address: String,
    reference: String,
    kind: &'static str,
    from: String,
    to: String,
    carrier: String,
    driver: String,
    status: &'static str,
    words: &'static str,
    hindrance: Option<&'static str>,
    who: String,
    key: String,
    wrong: Vec<String>,
    kinds: Vec<Count>,
    listed: u32,
    data: u32,
    grams: Option<String>,
    containers: Vec<Container>,
    loose: u32,
    blockers: Vec<Blocker>,
    unqualified: Vec<String>,
    sealed: Option<(String, When, u64)>,
    manifest: Option<(String, String)>,
    released: Option<(String, When, u64)>,
    own_driver: bool,
    accepted: Option<AcceptedShown>,
    code: Option<Code>,
    reasons: Vec<Choice>,
}

/// The QR code of an address.
fn code_of(address: String) -> std::result::Result<Code, Problem> {
    let code = qr::modules(&address).map_err(|e| Error::fault("drawing a code", e))?;
    Ok(Code { address, side: code.side + 8, path: code.path() })
}

/// What is drawn beside the record.
#[derive(Default)]
struct Beside {
    wrong: Vec<String>,
    typed: Vec<Typed>,
    driver: Option<String>,
    code: Option<Code>,
}

async fn draw(state: &Data, viewer: Viewer, id: ConsignmentId, beside: Beside) -> std::result::Result<HttpResponse, Problem> {
    let mut page = Page::new(state, "", Some(&viewer));
    let status = if beside.wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let drawn = block(state, move |service| {
        let mut db = service.app.read()?;
        let db = &mut *db;
        let mut names = Names::new(&service.app);
        let consignment = consignments::find(db, &viewer, &id)?;
        let contents = Contents::load(db, &id)?;
        let problem = if beside.wrong.is_empty() { "" } else { page.t("Problem: ") };
        page.title = format!("{problem}{} – {}", consignment.reference, page.t("Hand off"));
        let mut act = |db: &mut crate::store::Database, act: &Option<crate::domain::medium::Act>| -> Result<Option<(String, When, u64)>> {
            let Some(act) = act else { return Ok(None) };
            let who = format!("{}, {}", names.person(db, act.by.as_str())?, names.party(db, act.party.as_str())?);
            Ok(Some((who, act.occurred.into(), act.seq)))
        };
        let (sealed, released) = (act(db, &consignment.sealed)?, act(db, &consignment.released)?);
        let counts = contents.containers();
        let mut containers: Vec<Container> = counts
            .iter()
            .filter(|count| !count.of.is_empty())
            .map(|count| Container {
                label: count.of.clone(),
                count: count.count,
                seal: String::new(),
                tare: String::new(),
                gross: String::new(),
                net: String::new(),
            })
            .collect();
        for known in &consignment.containers {
            let label = known.label.to_string();
            let kilograms = |grams: Option<u32>| grams.map(in_kilograms).unwrap_or_default();
            let said = Container {
                count: counts.iter().find(|count| count.of == label).map_or(0, |count| count.count),
                label,
                seal: known.seal.as_ref().map(ToString::to_string).unwrap_or_default(),
                tare: kilograms(known.tare_weight_grams),
                gross: kilograms(known.gross_weight_grams),
                net: kilograms(known.net_weight_grams()),
            };
            match containers.iter_mut().find(|container| container.label == said.label) {
                Some(container) => *container = said,
                None => containers.push(said),
            }
        }
        for typed in beside.typed {
            if let Some(container) = containers.iter_mut().find(|container| container.label == typed.label) {
                (container.seal, container.tare, container.gross) = (typed.seal, typed.tare, typed.gross);
            }
        }
        let gross: Option<u32> = consignment.containers.iter().map(|container| container.gross_weight_grams).sum();
        let data = contents.data_bearing();
        Ok(HandoffPage {
            address: format!("/consignments/{}", bare(id.as_str())),
            reference: consignment.reference.to_string(),
            kind: consignment.kind.label(),
            from: format!("{}, {}", names.party(db, consignment.from.party.as_str())?, consignment.from.site),
            to: format!("{}, {}", names.party(db, consignment.to.party.as_str())?, consignment.to.site),
            carrier: consignment.carrier.as_ref().map(ToString::to_string).unwrap_or_default(),
            driver: beside.driver.or(consignment.driver.as_ref().map(ToString::to_string)).unwrap_or_default(),
            status: consignment.status.as_str(),
            words: consignment.status.label(),
            hindrance: dock::why_not_theirs(&viewer, &consignment.from.party, ROLES).map(Hindrance::code),
            who: format!("{}, {}", viewer.person.name, viewer.actor.role.label()),
            key: forms::fresh_key()?,
            wrong: beside.wrong,
            kinds: contents.kinds(),
            listed: consignment.lines,
            data,
            grams: gross.filter(|_| !consignment.containers.is_empty()).map(in_kilograms),
            loose: counts.iter().find(|count| count.of.is_empty()).map_or(0, |count| count.count),
            containers,
            blockers: contents.blockers(),
            unqualified: unqualified(db, &consignment, data > 0)?,
            sealed,
            manifest: consignment.manifest.as_ref().map(|digest| (digest.to_string(), page::short(digest.as_str()))),
            released,
            own_driver: !consignment.another_drives(),
            accepted: consignment.accepted.as_ref().map(|accepted| AcceptedShown {
                by: if accepted.by == AcceptedBy::Code { "code" } else { "paper" },
                at: accepted.act.occurred.into(),
                entry: accepted.act.seq,
                document: accepted.document.as_ref().map(ToString::to_string),
            }),
            code: beside.code,
            reasons: UnsealReason::ALL.iter().map(|reason| Choice(reason.as_str(), reason.label())).collect(),
            page,
        })
    })
    .await?;
    let mut response = page::render(&drawn)?;
    *response.status_mut() = status;
    Ok(response)
}

/// `182.5`
fn in_kilograms(grams: u32) -> String {
    let text = format!("{}.{:03}", grams / 1_000, grams % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What the receiving vendor's site lacks today.
fn unqualified(db: &mut crate::store::Database, consignment: &Consignment, may_hold_data: bool) -> Result<Vec<String>> {
    let set_aside = consignment.overrides.iter().any(|granted| granted.guard == Guard::VendorQualification);
    let waiting = matches!(consignment.status, ConsignmentStatus::Open | ConsignmentStatus::Sealed);
    if !consignment.kind.is_to_vendor() || set_aside || !waiting {
        return Ok(Vec::new());
    }
    let party = tables::find::<Party>(db, &consignment.to.party)?;
    Ok(party.map(|party| vendors::missing(&party, &consignment.to.site, may_hold_data, now().utc().date_naive())).unwrap_or_default())
}

/// `GET /consignments/{id}/handoff`
pub async fn show(viewer: Viewer, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let id = consignment_id(&id)?;
    draw(&state, viewer, id, Beside::default()).await
}

/// A container as typed.
#[derive(Default)]
struct Typed {
    label: String,
    seal: String,
    tare: String,
    gross: String,
}

impl Typed {
    fn body(&self) -> std::result::Result<Value, Refusal> {
        let weight = |text: &str| match dock::filled(text) {
            None => Ok(None),
            Some(text) => vendor_lists::grams(text, WeightUnit::Kilograms).map(Some).ok_or_else(|| {
                Refusal::new("consignment.weight", format!("{}: a weight is written in kilograms, like 182.5; correct it.", self.label))
            }),
        };
        let (tare, gross) = (weight(&self.tare)?, weight(&self.gross)?);
        Ok(json!({"label": self.label.trim(), "seal": dock::filled(&self.seal), "tare_weight_grams": tare, "gross_weight_grams": gross}))
    }
}

/// What the forms of the page send.
#[derive(Default)]
struct Form {
    command: String,
    key: String,
    driver: String,
    reason: String,
    containers: Vec<Typed>,
}

impl Form {
    fn read(fields: Vec<(String, String)>) -> std::result::Result<Self, Problem> {
        let mut form = Form::default();
        for (name, value) in fields {
            match (name.as_str(), form.containers.last_mut()) {
                ("command", _) => form.command = value,
                ("idempotency_key", _) => form.key = value,
                ("driver", _) => form.driver = value,
                ("reason", _) => form.reason = value,
                ("container", _) => form.containers.push(Typed { label: value, ..Typed::default() }),
                ("seal", Some(container)) => container.seal = value,
                ("tare", Some(container)) => container.tare = value,
                ("gross", Some(container)) => container.gross = value,
                _ => return Err(Problem::new(400, "request.malformed", "The form cannot be read; open its page and send it again.")),
            }
        }
        form.containers.retain(|container| dock::filled(&container.label).is_some());
        Ok(form)
    }
    fn order(&self, id: &ConsignmentId) -> std::result::Result<(&'static str, Value), Refusal> {
        Ok(match self.command.as_str() {
            "seal" => {
                let containers = self.containers.iter().map(Typed::body).collect::<std::result::Result<Vec<_>, _>>()?;
                ("seal_consignment", json!({"consignment": id, "containers": containers}))
            }
            "unseal" => ("unseal_consignment", json!({"consignment": id, "reason": self.reason})),
            "release" => ("release_consignment", json!({"consignment": id, "driver": dock::filled(&self.driver)})),
            _ => return Err(Refusal::new("handoff.form", "The forms of this page send one of: seal, unseal, release, code.")),
        })
    }
}

/// `POST /consignments/{id}/handoff`: seals, opens again, releases, or makes a code for the driver.
pub async fn create(http: HttpRequest, state: Data, id: web::Path<String>, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    let form = Form::read(request::form(&http, &state, payload).await?)?;
    viewer.must_be_able_to("release_consignment")?;
    let id = consignment_id(&id)?;
    let known = dock::load(&state, &viewer, &id).await?;
    let address = format!("/consignments/{}/handoff", bare(id.as_str()));
    if form.command == "code" {
        let made = {
            let (actor, id) = (viewer.actor.clone(), known.id.clone());
            block(&state, move |service| create_link::offer(service, &actor, &id)).await
        };
        // The secret is shown on this page alone: there is no address to come back to.
        let beside = match made {
            Ok(made) => Beside { code: made.address.map(code_of).transpose()?, ..Beside::default() },
            Err(problem) if dock::is_about_the_form(&problem) => Beside { wrong: dock::sentences(&problem), ..Beside::default() },
            Err(problem) => return Err(problem),
        };
        return draw(&state, viewer, id, beside).await;
    }
    let given = match form.order(&known.id) {
        Ok((name, body)) => dock::give(&state, &viewer, (&address, &form.key), name, body).await,
        Err(refusal) => Err(refusal.into()),
    };
    match given {
        Ok(entry) => Ok(page::redirect_entry(&state, &address, entry)),
        Err(problem) if dock::is_about_the_form(&problem) => {
            let beside = Beside {
                wrong: dock::sentences(&problem),
                typed: form.containers,
                driver: dock::filled(&form.driver).map(str::to_owned),
                code: None,
            };
            draw(&state, viewer, id, beside).await
        }
        Err(problem) => Err(problem),
    }
}

/// `POST /consignments/{id}/handoff/paper`: the photograph of the manifest that the driver signed.
pub async fn paper(http: HttpRequest, state: Data, id: web::Path<String>, form: Multipart) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    viewer.must_be_able_to("accept_consignment")?;
    let id = consignment_id(&id)?;
    let known = dock::load(&state, &viewer, &id).await?;
    let _place = request::place(&http, &state.uploads).await?;
    let file = verifications::uploaded(&state, form, receive_evidence::MAX_BYTES).await?;
    let address = format!("/consignments/{}/handoff", bare(id.as_str()));
    if file.is_empty() {
        let wrong = vec!["No file was chosen. Choose the photograph of the signed manifest.".to_owned()];
        return draw(&state, viewer, id, Beside { wrong, ..Beside::default() }).await;
    }
    let accepted = {
        let viewer = viewer.clone();
        block(&state, move |service| {
            // What is stored stays stored, as a file of this consignment, whatever becomes of the second step: the form can be sent again.
            let stored = receive_evidence::receive_for(service, &viewer.actor, &file, &known.id, None)?.now()?;
            let command = AcceptConsignment { consignment: known.id, document: Some(stored.sha256) };
            service.recorder.record_waiting(command, &viewer.actor, None, None)
        })
        .await
    };
    match accepted {
        Ok(receipt) => Ok(page::redirect_said(&state, &address, &receipt)),
        Err(problem) if dock::is_about_the_form(&problem) => {
            draw(&state, viewer, id, Beside { wrong: dock::sentences(&problem), ..Beside::default() }).await
        }
        Err(problem) => Err(problem),
    }
}

#[derive(Template)]
#[template(path = "consignments/accept.html")]
struct AcceptPage {
    page: Page,
    address: String,
    reference: String,
    from: String,
    to: String,
    party: String,
    carrier: String,
    driver: String,
    listed: u32,
    containers: Vec<Container>,
    until: When,
    accepted: Option<(When, u64)>,
    wrong: Vec<String>,
}

async fn draw_accept(state: &Data, secret: &str, wrong: Vec<String>) -> std::result::Result<HttpResponse, Problem> {
    let mut page = Page::new(state, "", None);
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let secret = secret.to_owned();
    let drawn = block(state, move |service| {
        let (consignment, link, _) = create_link::follow_offer(service, &secret)?;
        let mut db = service.app.read()?;
        let db = &mut *db;
        let counts = Contents::load(db, &consignment.id)?.containers();
        let mut names = Names::new(&service.app);
        let problem = if wrong.is_empty() { "" } else { page.t("Problem: ") };
        page.title = format!("{problem}{} – {}", consignment.reference, page.t("Take it over"));
        let container = |known: &crate::domain::consignment::Container| Container {
            label: known.label.to_string(),
            count: counts.iter().find(|count| count.of == known.label.as_str()).map_or(0, |count| count.count),
            seal: known.seal.as_ref().map(ToString::to_string).unwrap_or_default(),
            tare: String::new(),
            gross: known.gross_weight_grams.map(in_kilograms).unwrap_or_default(),
            net: String::new(),
        };
        Ok(AcceptPage {
            address: format!("/accept/{secret}"),
            reference: consignment.reference.to_string(),
            from: format!("{}, {}", names.party(db, consignment.from.party.as_str())?, consignment.from.site),
            to: format!("{}, {}", names.party(db, consignment.to.party.as_str())?, consignment.to.site),
            party: names.party(db, consignment.driver_party().as_str())?,
            carrier: consignment.carrier.as_ref().map(ToString::to_string).unwrap_or_default(),
            driver: consignment.driver.as_ref().map(ToString::to_string).unwrap_or_default(),
            listed: consignment.lines,
            containers: consignment.containers.iter().map(container).collect(),
            until: link.expires_at.into(),
            accepted: consignment.accepted.as_ref().map(|accepted| (accepted.act.occurred.into(), accepted.act.seq)),
            wrong,
            page,
        })
    })
    .await?;
    let mut response = page::render(&drawn)?;
    *response.status_mut() = status;
    Ok(response)
}

/// `GET /accept/{secret}`: what the driver is to take over.
pub async fn accept(state: Data, secret: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    draw_accept(&state, &secret, Vec::new()).await
}

/// The form has nothing but its button.
#[derive(Deserialize)]
pub struct Nothing {}

/// `POST /accept/{secret}`: the driver takes it over.
pub async fn accepted(
    http: HttpRequest,
    state: Data,
    secret: web::Path<String>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    session::same_site(&http, &state)?;
    let Nothing {} = request::form(&http, &state, payload).await?;
    let (consignment, _, actor) = {
        let secret = secret.to_string();
        block(&state, move |service| create_link::follow_offer(service, &secret)).await?
    };
    let command = AcceptConsignment { consignment: consignment.id, document: None };
    let recorded = async { Ok(state.service.recorder.record(command, &actor, Terms::default()).await) };
    match request::answer_in_time(&state, recorded).await? {
        Ok(outcome) => Ok(page::redirect_entry(&state, &format!("/accept/{}", *secret), forms::last_entry(&outcome))),
        Err(error) => {
            let problem = Problem::from(error);
            if dock::is_about_the_form(&problem) { draw_accept(&state, &secret, dock::sentences(&problem)).await } else { Err(problem) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::in_kilograms;

    #[test]
    fn weights_are_written_in_kilograms_as_they_are_typed() {
        assert_eq!((in_kilograms(182_500).as_str(), in_kilograms(1_000).as_str(), in_kilograms(7).as_str()), ("182.5", "1", "0.007"));
    }
}
