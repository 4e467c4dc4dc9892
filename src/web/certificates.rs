//! Certificates: issued and revoked by those who may, fetched by anyone who knows the number.

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CACHE_CONTROL, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::{Value, json};

use super::actions;
use super::assets::bare;
use super::forms::{self, Around, Context, Form, Given, Kind, Wrong, choices, needed};
use super::headers::wants_page;
use super::page::{self, Page, When, capital};
use super::problem::Problem;
use super::session::{self, Viewer};
use super::sign_in::proved_or;
use super::{Data, assets, block, request, writes};
use crate::domain::asset::Asset;
use crate::domain::certification::{Certificate, RevocationReason};
use crate::domain::names::{Method, Technique};
use crate::error::{Error, Result};
use crate::operations::{issue_certificate, publish_status};
use crate::proof::bundle::{CREDENTIAL, PAGES};
use crate::proof::canonical;
use crate::store::tables::{self, CertificateRow};
use crate::store::{Database, inventory};

/// Longest name of a part.
const MOST_NAME: usize = 100;

/// What a list is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    after: Option<String>,
    limit: Option<String>,
}

fn list(db: &mut Database, viewer: &Viewer, after: Option<&(String, String)>, limit: i64) -> Result<(Vec<Certificate>, Option<String>)> {
    let mut rows = inventory::certificates(db, viewer.narrowed_to().as_deref(), after.map(|(number, _)| number.as_str()), limit + 1)?;
    let next = request::cut(&mut rows, limit, |row| (row.id.clone(), row.id.clone()));
    Ok((rows.iter().map(CertificateRow::record).collect::<Result<Vec<_>>>()?, next))
}

/// `GET /api/v1/certificates`
pub async fn api_index(viewer: Viewer, state: Data, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    let (after, limit) = (request::after(asked.after.as_deref())?, request::limit(asked.limit.as_deref())?);
    let (certificates, next) = block(&state, move |service| list(&mut *service.app.read()?, &viewer, after.as_ref(), limit)).await?;
    Ok(HttpResponse::Ok().json(json!({"certificates": certificates, "next": next})))
}

/// `GET /api/v1/certificates/{number}`: the record, and which parts can be fetched under `/certificates/{number}/`.
pub async fn api_show(viewer: Viewer, state: Data, number: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let number = request::certificate_number(&number)?;
    let answer = block(&state, move |service| {
        let mut db = service.app.read()?;
        let certificate = issue_certificate::find(&mut db, &number)?;
        match assets::find(&mut db, &viewer, &certificate.asset) {
            Err(Error::Unknown(_)) => return Err(Error::Unknown(format!("There is no certificate {number}."))),
            found => found.map(drop)?,
        }
        let parts: Vec<Value> =
            inventory::parts(&mut db, &number)?.into_iter().map(|(name, sha256)| json!({"name": name, "sha256": sha256})).collect();
        Ok(json!({"certificate": certificate, "parts": parts}))
    })
    .await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// `POST /api/v1/certificates {"asset": …}`: issues, or says everything that is missing.
pub async fn api_create(viewer: Viewer, state: Data, http: HttpRequest, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be_able_to("issue_certificate")?;
    let bytes = request::json(&http, &state, payload).await?;
    let key = writes::key(&http, &viewer, &bytes)?;
    let body = request::object(&bytes)?;
    let asset = match body.get("asset").and_then(Value::as_str) {
        Some(asset) if body.len() == 1 => request::asset_id(asset)?,
        _ => return Err(Problem::new(422, "command.malformed", "Send one member, the device's id: {\"asset\": \"urn:uuid:…\"}.")),
    };
    writes::answer(&state, viewer, key, StatusCode::CREATED, move |service, viewer, key| {
        issue_certificate::issue_once(service, &viewer.actor, &asset, key)
    })
    .await
}

/// `POST /api/v1/certificates/{number}/revocations {"reason": …}`: cannot be undone.
pub async fn api_revoke(
    viewer: Viewer,
    state: Data,
    http: HttpRequest,
    number: web::Path<String>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be_able_to("revoke_certificate")?;
    let number = request::certificate_number(&number)?;
    let bytes = request::json(&http, &state, payload).await?;
    let key = writes::key(&http, &viewer, &bytes)?;
    let body = request::object(&bytes)?;
    let reason = match body.get("reason").and_then(Value::as_str) {
        Some(reason) if body.len() == 1 => RevocationReason::parse(reason)?,
        _ => return Err(Problem::new(422, "command.malformed", "Send one member, the reason: {\"reason\": \"…\"}.")),
    };
    writes::answer(&state, viewer, key, StatusCode::CREATED, move |service, viewer, key| {
        issue_certificate::find(&mut *service.app.read()?, &number)?;
        publish_status::revoke_once(service, &viewer.actor, &number, reason, key)
    })
    .await
}

/// Revoking as a form.
static REVOKE: Form = Form {
    command: "revoke_certificate",
    title: "Revoke the certificate",
    about: "Everyone who checks it is told so from then on. It cannot be undone; a new certificate can be issued when what was wrong is put right.",
    grave: true,
    fields: &[needed("reason", "Why", Kind::Choice(choices!(RevocationReason)))],
};

async fn around_revocation(state: &Data, number: &str) -> std::result::Result<Around, Problem> {
    let number = request::certificate_number(number)?;
    let certificate = block(state, move |service| issue_certificate::find(&mut *service.app.read()?, &number)).await?;
    let here = format!("/certificates/{}", certificate.number);
    let missing = certificate.revoked.map(|why| format!("It is revoked already: {}.", why.label())).into_iter().collect();
    let about = format!("{} {}", certificate.kind.label(), certificate.number);
    Ok(Around { crumb: (here.clone(), certificate.number), about, address: format!("{here}/revocation"), there: here, missing })
}

/// `GET /certificates/{number}/revocation`
pub async fn revocation_new(viewer: Viewer, state: Data, number: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be_able_to(REVOKE.command)?;
    let around = around_revocation(&state, &number).await?;
    if let Some(elsewhere) = proved_or(&state, &viewer, &around.address) {
        return Ok(elsewhere);
    }
    forms::show(&state, &viewer, &REVOKE, &Context { without: &["occurred"], ..Context::default() }, around)
}

/// `POST /certificates/{number}/revocation`
pub async fn revocation_create(
    http: HttpRequest,
    state: Data,
    number: web::Path<String>,
    payload: web::Payload,
) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    viewer.must_be_able_to(REVOKE.command)?;
    let around = around_revocation(&state, &number).await?;
    if let Some(elsewhere) = proved_or(&state, &viewer, &around.address) {
        return Ok(elsewhere);
    }
    let context = Context { without: &["occurred"], ..Context::default() };
    let given = Given::read(&http, &state, payload).await?;
    let again = |wrong: &[Wrong], around: Around| forms::again(&state, &viewer, (&REVOKE, &context), around, &given, wrong);
    let reason = match forms::body(&REVOKE, &context, &given, false) {
        Ok(body) => body.get("reason").and_then(Value::as_str).map(RevocationReason::parse).transpose()?,
        Err(wrong) => return again(&wrong, around),
    };
    let reason = reason.ok_or_else(|| Problem::new(422, "command.malformed", "Choose why the certificate is revoked."))?;
    let number = request::certificate_number(&number)?;
    let (service, actor, key) = (state.service.clone(), viewer.actor.clone(), given.key(&http, &viewer));
    let done = web::block(move || publish_status::revoke_once(&service, &actor, &number, reason, key.as_ref()));
    match done.await.map_err(|error| Problem::from(Error::fault("waiting for a thread", error)))? {
        Ok(outcome) => Ok(page::redirect_entry(&state, &around.there, forms::last_entry(&outcome))),
        Err(error) => {
            let problem = Problem::from(error);
            if forms::is_about_the_form(&problem) { again(&forms::refused(&problem), around) } else { Err(problem) }
        }
    }
}

fn part_of(kind: &'static str, bytes: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).insert_header((CACHE_CONTROL, "public, max-age=300")).insert_header((VARY, "Accept")).body(bytes)
}

fn kind(name: &str) -> &'static str {
    match name {
        _ if name.ends_with(".vc.json") => "application/vc",
        _ if name.ends_with(".json") => "application/json",
        _ if name.ends_with(".pdf") => "application/pdf",
        _ => "text/plain; charset=utf-8",
    }
}

/// `GET /certificates/{number}.pdf`: the pages as first drawn.
pub async fn pdf(state: Data, number: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let number = request::certificate_number(&number)?;
    let bytes = block(&state, move |service| issue_certificate::part(&service.app, &number, PAGES)).await?;
    Ok(part_of("application/pdf", bytes))
}

/// `GET /certificates/{number}/{part}`: whatever belongs to it, byte for byte.
pub async fn part(state: Data, path: web::Path<(String, String)>) -> std::result::Result<HttpResponse, Problem> {
    let (number, name) = path.into_inner();
    let number = request::certificate_number(&number)?;
    if name.len() > MOST_NAME {
        return Err(Problem::unknown(format!("The certificate {number} has no part with so long a name.")));
    }
    let kind = kind(&name);
    let bytes = block(&state, move |service| issue_certificate::part(&service.app, &number, &name)).await?;
    Ok(part_of(kind, bytes))
}

/// `GET /certificates/{number}`: a page for people, the credential for programs.
pub async fn show(
    http: HttpRequest,
    viewer: std::result::Result<Viewer, Problem>,
    state: Data,
    number: web::Path<String>,
) -> std::result::Result<HttpResponse, Problem> {
    let number = request::certificate_number(&number)?;
    if !wants_page(http.headers()) {
        let bytes = block(&state, move |service| {
            issue_certificate::find(&mut *service.app.read()?, &number)?;
            issue_certificate::part(&service.app, &number, CREDENTIAL)
        })
        .await?;
        return Ok(part_of("application/vc", bytes));
    }
    let viewer = viewer.ok();
    let page = Page::new(&state, format!("Certificate {number}"), viewer.as_ref());
    let drawn = block(&state, move |service| {
        let (certificate, parts) = {
            let mut db = service.app.read()?;
            (issue_certificate::find(&mut db, &number)?, inventory::parts(&mut db, &number)?)
        };
        let credential = issue_certificate::part(&service.app, &number, CREDENTIAL)?;
        let credential = canonical::parse(&credential).map_err(|e| Error::fault("a stored credential", e))?;
        Ok(shown(page, viewer.as_ref(), &certificate, &credential, parts.into_iter().map(|(name, _)| name).collect()))
    })
    .await?;
    let mut response = page::render(&drawn)?;
    response.headers_mut().insert(VARY, actix_web::http::header::HeaderValue::from_static(ACCEPT.as_str()));
    Ok(response)
}

/// A medium as certified.
struct MediumShown {
    serial: String,
    method: String,
    technique: &'static str,
    tool: String,
    verification: String,
    required: &'static str,
    rule: String,
    basis: String,
    completed: When,
}

/// A person as certified.
struct PersonShown {
    what: &'static str,
    name: String,
    title: String,
    party: String,
    at: When,
}

#[derive(Template)]
#[template(path = "certificates/show.html")]
struct ShowPage {
    page: Page,
    revokes: bool,
    number: String,
    kind: &'static str,
    issuer: String,
    issued: When,
    seq: u64,
    revoked: Option<(&'static str, When)>,
    device: Vec<(&'static str, String)>,
    media: Vec<MediumShown>,
    no_storage: Option<String>,
    people: Vec<PersonShown>,
    policy: String,
    handoffs: Vec<(String, String, When, When)>,
    longest: u64,
    has_pages: bool,
    parts: Vec<String>,
}

fn shown(page: Page, viewer: Option<&Viewer>, certificate: &Certificate, credential: &Value, parts: Vec<String>) -> ShowPage {
    let at = |pointer: &str| credential.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let text = |value: &Value, member: &str| value.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let items = |pointer: &str| credential.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    let subject = "/credentialSubject";
    let mut device = vec![
        ("Asset tag", at(&format!("{subject}/assetTag"))),
        ("Device", at(&format!("{subject}/name"))),
        ("Serial number", at(&format!("{subject}/serialNumber"))),
        ("Site of origin", at(&format!("{subject}/site"))),
        ("Sensitivity of the data", at(&format!("{subject}/sensitivity"))),
        ("What became of it", at(&format!("{subject}/disposition/outcomeWords"))),
        ("Processed by", at(&format!("{subject}/disposition/processor"))),
    ];
    device.retain(|(_, value)| !value.is_empty());
    let media = items(&format!("{subject}/media"))
        .iter()
        .map(|medium| {
            let act = medium.get("sanitization").cloned().unwrap_or_default();
            MediumShown {
                serial: text(medium, "serialNumber"),
                method: capital(Method::parse(&text(&act, "method")).map_or("", Method::label)),
                technique: Technique::parse(&text(&act, "technique")).map_or("", Technique::label),
                tool: text(&act, "tool"),
                verification: text(&act, "verificationWords"),
                required: Method::parse(&text(medium, "requiredMethod")).map_or("", Method::label),
                rule: text(&act, "rule"),
                basis: text(&act, "basis"),
                completed: When::of(&text(&act, "completedAt")),
            }
        })
        .collect();
    let mut people = Vec::new();
    let person = |what: &'static str, person: &Value| PersonShown {
        what,
        name: text(person, "name"),
        title: text(person, "title"),
        party: text(person, "party"),
        at: When::of(&text(person, "at")),
    };
    people.extend(items(&format!("{subject}/people/performedAndReportedBy")).iter().map(|who| person("Performed and reported by", who)));
    people.extend(items(&format!("{subject}/people/verifiedBy")).iter().map(|who| person("Verified by", who)));
    people.extend(credential.pointer(&format!("{subject}/people/acceptedBy")).map(|who| person("Accepted by", who)));
    let policy = |name: &str| credential.pointer(&format!("{subject}/policy/{name}")).and_then(Value::as_str);
    let adopted = policy("adoptedOn").zip(policy("adoptionReference"));
    ShowPage {
        page,
        revokes: certificate.revoked.is_none() && viewer.is_some_and(|viewer| actions::role_may(viewer, REVOKE.command)),
        number: certificate.number.clone(),
        kind: certificate.kind.label(),
        issuer: at("/issuer/name"),
        issued: certificate.issued_at.into(),
        seq: certificate.issued_seq,
        revoked: certificate.revoked.zip(certificate.revoked_at).map(|(reason, at)| (reason.label(), at.into())),
        device,
        media,
        no_storage: credential.pointer(&format!("{subject}/noStorage/basis")).and_then(Value::as_str).map(str::to_owned),
        people,
        policy: format!(
            "{} version {}{}",
            at(&format!("{subject}/policy/name")),
            at(&format!("{subject}/policy/version")),
            adopted.map_or_else(
                || ", a starter pack that the organisation has not adopted".to_owned(),
                |(on, reference)| format!(", adopted by the organisation on {on}, reference {reference}")
            )
        ),
        handoffs: items(&format!("{subject}/custody/handoffs"))
            .iter()
            .map(|h| (text(h, "from"), text(h, "to"), When::of(&text(h, "releasedAt")), When::of(&text(h, "receivedAt"))))
            .collect(),
        longest: credential.pointer(&format!("{subject}/custody/longestIntervalHours")).and_then(Value::as_u64).unwrap_or(0),
        has_pages: parts.iter().any(|name| name == PAGES),
        parts: parts.into_iter().filter(|name| !name.starts_with("entries/") && name != PAGES).collect(),
    }
}

/// A certificate in a list.
struct Row {
    number: String,
    kind: &'static str,
    asset: String,
    tag: String,
    title: String,
    issued: When,
    revoked: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "certificates/index.html")]
struct IndexPage {
    page: Page,
    rows: Vec<Row>,
    next: Option<String>,
    paged: bool,
}

/// `GET /certificates`
pub async fn index(viewer: Viewer, state: Data, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    let (after, limit) = (request::after(asked.after.as_deref())?, request::limit(asked.limit.as_deref())?);
    let page = Page::new(&state, "Certificates", Some(&viewer));
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        let (certificates, next) = list(&mut db, &viewer, after.as_ref(), limit)?;
        let rows = certificates
            .into_iter()
            .map(|certificate| {
                let asset = tables::find::<Asset>(&mut db, &certificate.asset)?;
                Ok(Row {
                    kind: certificate.kind.label(),
                    asset: bare(certificate.asset.as_str()).to_owned(),
                    tag: asset.as_ref().map(|asset| asset.tag.to_string()).unwrap_or_default(),
                    title: asset.map(|asset| asset.title()).unwrap_or_default(),
                    issued: certificate.issued_at.into(),
                    revoked: certificate.revoked.map(RevocationReason::label),
                    number: certificate.number,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(IndexPage { page, rows, next, paged: after.is_some() })
    })
    .await?;
    page::render(&drawn)
}
