//! Receiving, signed in: the receiver counts what arrived before it is shown what was listed, and signs for it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::assets::bare;
use super::consignments;
use super::dock::{self, Hindrance};
use super::forms;
use super::headers;
use super::ledger::Names;
use super::links::{self, ContainerAsked, QuantityAsked, Typed};
use super::page::{self, Page, When};
use super::problem::Problem;
use super::request::{self, consignment_id};
use super::session::{self, Viewer};
use super::{Data, block};
use crate::domain::consignment::{Consignment, Damage, SealState};
use crate::domain::names::{ConsignmentId, Role};

/// Who receives.
const ROLES: &[Role] = &[Role::Coordinator, Role::VendorOperator];

struct Choice(&'static str, &'static str);

#[derive(Template)]
#[template(path = "consignments/receive.html")]
struct ReceivePage {
    page: Page,
    id: String,
    address: String,
    reference: String,
    from: String,
    to: String,
    status: &'static str,
    words: &'static str,
    hindrance: Option<&'static str>,
    who: String,
    due: Option<When>,
    key: String,
    before: Option<u32>,
    containers: Vec<ContainerAsked>,
    quantities: Vec<QuantityAsked>,
    seals: Vec<Choice>,
    damages: Vec<Choice>,
    scans: String,
    counted: String,
    more_to_come: bool,
    wrong: Vec<String>,
}

async fn draw(state: &Data, viewer: Viewer, id: ConsignmentId, typed: Typed, wrong: Vec<String>) -> std::result::Result<HttpResponse, Problem> {
    let mut page = Page::new(state, "", Some(&viewer));
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let drawn = block(state, move |service| {
        let mut db = service.app.read()?;
        let db = &mut *db;
        let mut names = Names::new(&service.app);
        let consignment = consignments::find(db, &viewer, &id)?;
        let problem = if wrong.is_empty() { "" } else { page.t("Problem: ") };
        page.title = format!("{problem}{} – {}", consignment.reference, page.t("Receive"));
        let hindrance =
            dock::why_not_theirs(&viewer, &consignment.to.party, ROLES).or(consignment.receipt_due_at().is_none().then_some(Hindrance::State));
        Ok(ReceivePage {
            id: bare(id.as_str()).to_owned(),
            address: format!("/consignments/{}", bare(id.as_str())),
            reference: consignment.reference.to_string(),
            from: format!("{}, {}", names.party(db, consignment.from.party.as_str())?, consignment.from.site),
            to: format!("{}, {}", names.party(db, consignment.to.party.as_str())?, consignment.to.site),
            status: consignment.status.as_str(),
            words: consignment.status.label(),
            hindrance: hindrance.map(Hindrance::code),
            who: format!("{}, {}", viewer.person.name, viewer.actor.role.label()),
            due: consignment.receipt_due_at().map(When::from),
            key: forms::fresh_key()?,
            before: consignment.scanned,
            quantities: if typed.quantities.is_empty() { links::quantities_asked(db, &consignment)? } else { typed.quantities },
            containers: if typed.containers.is_empty() { links::containers_asked(&consignment) } else { typed.containers },
            seals: SealState::ALL.iter().map(|state| Choice(state.as_str(), state.label())).collect(),
            damages: Damage::ALL.iter().map(|damage| Choice(damage.as_str(), damage.label())).collect(),
            scans: typed.scans,
            counted: typed.counted,
            more_to_come: typed.more_to_come,
            wrong,
            page,
        })
    })
    .await?;
    let mut response = page::render(&drawn)?;
    *response.status_mut() = status;
    headers::with_camera(&mut response);
    Ok(response)
}

/// `GET /consignments/{id}/receive`
pub async fn show(viewer: Viewer, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let id = consignment_id(&id)?;
    draw(&state, viewer, id, Typed::default(), Vec::new()).await
}

/// `POST /consignments/{id}/receive`: signs for what arrived.
pub async fn create(http: HttpRequest, state: Data, id: web::Path<String>, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    let typed = Typed::read(request::form(&http, &state, payload).await?)?;
    viewer.must_be_able_to("receive_consignment")?;
    let id = consignment_id(&id)?;
    let (consignment, lines): (Consignment, _) = {
        let (viewer, id) = (viewer.clone(), id.clone());
        block(&state, move |service| {
            let mut db = service.app.read()?;
            let consignment = consignments::find(&mut db, &viewer, &id)?;
            let lines = links::lines_of(&mut db, &consignment)?;
            Ok((consignment, lines))
        })
        .await?
    };
    let address = format!("/consignments/{}", bare(id.as_str()));
    let given = match links::receipt(&consignment, &typed, &lines) {
        Ok(command) => {
            let body = serde_json::to_value(command).map_err(crate::error::Error::from)?;
            dock::give(&state, &viewer, (&format!("{address}/receive"), &typed.key), "receive_consignment", body).await
        }
        Err(refusal) => Err(refusal.into()),
    };
    match given {
        Ok(entry) => Ok(page::redirect_entry(&state, &format!("{address}/reconcile"), entry)),
        Err(problem) if dock::is_about_the_form(&problem) => {
            let wrong = dock::sentences(&problem);
            draw(&state, viewer, id, typed, wrong).await
        }
        Err(problem) => Err(problem),
    }
}
