//! Devices: lists, one device with its media and everything the log says about it.

use std::collections::BTreeSet;

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use serde_json::{Value, json};

use super::actions;
use super::exports;
use super::forms::Shown;
use super::ledger::{self, Names, Told};
use super::page::{self, Page, When, capacity, capital, grams, short, thousands};
use super::problem::Problem;
use super::request::{self, asset_id, cut};
use super::session::Viewer;
use super::{Data, block};
use crate::app::App;
use crate::documents::csv_file::{self, Field};
use crate::domain::asset::{Asset, Label, Status};
use crate::domain::catalogue::{Knowledge, Seen};
use crate::domain::certification::Certificate;
use crate::domain::consignment::Consignment;
use crate::domain::holds::Hold;
use crate::domain::lifecycle::Repair;
use crate::domain::medium::Medium;
use crate::domain::missing::Missing;
use crate::domain::names::{AssetId, Category, Instant, Method, Name, PartyId, Reference, Role, SignedIn, Sought};
use crate::domain::observation::SightingSource;
use crate::domain::past::Past;
use crate::domain::preparation::Rejection;
use crate::error::{Error, Result};
use crate::operations::issue_certificate;
use crate::store::Database;
use crate::store::inventory::{self, AssetQuery, Filter};
use crate::store::last_seen;
use crate::store::search::{self, Search};
use crate::store::tables::{self, AssetRow, CertificateRow, MediumRow};
use crate::store::{views, watchlist};

/// Most entries of a timeline on one page.
pub const TIMELINE: i64 = 100;
/// In front of a number in the cursor of a search.
const SEARCH: &str = "search";

/// What a list is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    after: Option<String>,
    limit: Option<String>,
    label: Option<String>,
    tag: Option<String>,
    q: Option<String>,
    site: Option<String>,
    category: Option<String>,
    holder: Option<String>,
    /// `unknown`: nothing is known of its media.
    media: Option<String>,
    /// `open`: an exception about it is open.
    exception: Option<String>,
}

/// A list in the order of the tags, or what a search finds.
enum Query {
    List(AssetQuery),
    Search(Search, Filter),
}

impl Asked {
    /// What else has to fit, beside the label and the tag.
    fn filter(&self) -> std::result::Result<Filter, Problem> {
        let name = |name: &str, text: &Option<String>| match text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => {
                Name::parse(text).map(|text| Some(text.to_string())).map_err(|why| Problem::new(422, "request.text", format!("{name}: {why}")))
            }
            None => Ok(None),
        };
        let word = |name: &str, text: &Option<String>, word: &str| match text.as_deref().filter(|text| !text.is_empty()) {
            None => Ok(false),
            Some(text) if text == word => Ok(true),
            Some(_) => Err(Problem::new(422, "request.filter", format!("{name} is “{word}”, or is left out."))),
        };
        let chosen = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Ok(Filter {
            label: None,
            tag: None,
            site: name("site", &self.site)?,
            category: chosen(&self.category).map(|category| Category::parse(&category).map(|category| category.to_string())).transpose()?,
            holder: chosen(&self.holder).map(|holder| PartyId::parse(&holder).map(|holder| holder.to_string())).transpose()?,
            media_unknown: word("media", &self.media, "unknown")?,
            exception: word("exception", &self.exception, "open")?,
        })
    }
    fn query(&self, viewer: &Viewer) -> std::result::Result<Query, Problem> {
        let party = viewer.narrowed_to();
        let more = self.filter()?;
        let label = request::text("label", self.label.as_deref())?.map(|label| Label::parse(&label).map(|label| label.to_string())).transpose()?;
        let tag_prefix = request::text("tag", self.tag.as_deref())?;
        let after = request::after(self.after.as_deref())?;
        let limit = request::limit(self.limit.as_deref())?;
        let q = request::text("q", self.q.as_deref())?;
        let place = viewer.site().map(|site| (viewer.actor.party.to_string(), site.to_owned()));
        // What is searched is not kept by site: a school contact finds what begins so.
        let (q, tag_prefix) = if place.is_some() { (None, tag_prefix.or(q)) } else { (q, tag_prefix) };
        let Some(q) = q else {
            // One more than is shown, to know whether there is a next page.
            return Ok(Query::List(AssetQuery { party, place, label, tag_prefix, more, after, limit: limit + 1 }));
        };
        if tag_prefix.is_some() {
            return Err(Problem::new(422, "request.search", "Give either q, which looks everywhere, or tag, the beginning of a tag."));
        }
        let number = |(kind, number): (String, String)| number.parse().ok().filter(|_| kind == SEARCH);
        let after = after.map(|after| number(after).ok_or_else(|| request::no_cursor("after"))).transpose()?;
        Ok(Query::Search(Search { sought: Sought::parse(&q)?, party, label, after, limit: usize::try_from(limit).unwrap_or(1) }, more))
    }
}

impl Query {
    fn label(&self) -> String {
        match self {
            Query::List(list) => list.label.clone(),
            Query::Search(search, _) => search.label.clone(),
        }
        .unwrap_or_default()
    }
    fn party(&self) -> Option<&str> {
        match self {
            Query::List(list) => list.party.as_deref(),
            Query::Search(search, _) => search.party.as_deref(),
        }
    }
    fn paged(&self) -> bool {
        match self {
            Query::List(list) => list.after.is_some(),
            Query::Search(search, _) => search.after.is_some(),
        }
    }
    fn sought(&self) -> Option<&Sought> {
        match self {
            Query::List(_) => None,
            Query::Search(search, _) => Some(&search.sought),
        }
    }
    /// Says what a term that is too short to be looked for anywhere finds.
    fn note(&self) -> Option<String> {
        let short = self.sought().filter(|sought| !search::looks_anywhere(sought))?;
        Some(format!(
            "“{}” has fewer than {} characters that count: only tags and serial numbers that begin with it are found.",
            short.text,
            search::ANYWHERE
        ))
    }
}

/// Whether a device that was found fits what else is asked for.
fn fits(db: &mut Database, row: &AssetRow, more: &Filter) -> Result<bool> {
    let same = |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|wanted| wanted == own);
    if !same(&more.site, &row.site) || !same(&more.category, &row.category) || !same(&more.holder, &row.party) {
        return Ok(false);
    }
    if more.media_unknown {
        let asset = row.record()?;
        if !asset.media.is_empty() || asset.no_storage.is_some() {
            return Ok(false);
        }
    }
    Ok(!more.exception || watchlist::is_open_about(db, &row.id)?)
}

fn list(db: &mut Database, query: &Query) -> Result<(Vec<AssetRow>, Option<String>)> {
    match query {
        Query::List(query) => {
            let mut rows = inventory::assets(db, query)?;
            let next = cut(&mut rows, query.limit - 1, |row| (row.tag.clone(), row.id.clone()));
            Ok((rows, next))
        }
        Query::Search(query, more) => {
            let mut found = search::search(db, query)?;
            // A page of a search may be short; what does not fit falls away from it.
            let mut kept = Vec::with_capacity(found.rows.len());
            for row in std::mem::take(&mut found.rows) {
                if fits(db, &row, more)? {
                    kept.push(row);
                }
            }
            Ok((kept, found.next.map(|number| request::cursor(SEARCH, &number.to_string()))))
        }
    }
}

/// `GET /api/v1/assets?after=&limit=&label=&tag=` in the order of the tags, or `?q=` for what a search finds: exact matches first, then in the order
/// of registration. A page of a search may be short, even empty, and have a `next`: then so many devices were compared that the rest has to wait.
pub async fn api_index(viewer: Viewer, state: Data, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    let query = asked.query(&viewer)?;
    let note = query.note();
    let (rows, next) = block(&state, move |service| list(&mut *service.app.read()?, &query)).await?;
    let assets: Vec<Value> = rows
        .into_iter()
        .map(|row| {
            json!({"id": row.id, "tag": row.tag, "serial": row.serial, "title": row.title, "category": row.category, "site": row.site, "party": row.party, "label": row.label})
        })
        .collect();
    let mut answer = json!({"assets": assets, "next": next});
    if let (Some(note), Some(members)) = (note, answer.as_object_mut()) {
        members.insert("note".to_owned(), json!(note));
    }
    Ok(HttpResponse::Ok().json(answer))
}

/// A device that exists and concerns this viewer.
pub fn find(db: &mut Database, viewer: &Viewer, id: &AssetId) -> Result<Asset> {
    match tables::find::<Asset>(db, id)? {
        Some(asset) if viewer.actor.sees(&asset) => Ok(asset),
        _ => Err(Error::Unknown(format!("There is no device {id}."))),
    }
}

/// A device with all that belongs to it.
struct Known {
    asset: Asset,
    media: Vec<Medium>,
    certificates: Vec<Certificate>,
}

fn known(db: &mut Database, viewer: &Viewer, id: &AssetId) -> Result<Known> {
    let asset = find(db, viewer, id)?;
    let media = inventory::media_of(db, id.as_str())?.iter().map(MediumRow::record).collect::<Result<Vec<_>>>()?;
    let certificates = inventory::certificates_of(db, id.as_str())?.iter().map(CertificateRow::record).collect::<Result<Vec<_>>>()?;
    Ok(Known { asset, media, certificates })
}

impl Known {
    /// The device and its media, as subjects of entries.
    fn subjects(&self) -> Vec<String> {
        std::iter::once(self.asset.id.to_string()).chain(self.media.iter().map(|medium| medium.id.to_string())).collect()
    }
}

/// `GET /api/v1/assets/{id}`
pub async fn api_show(viewer: Viewer, state: Data, id: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    let id = asset_id(&id)?;
    let answer = block(&state, move |service| {
        let known = known(&mut *service.app.read()?, &viewer, &id)?;
        let missing = issue_certificate::missing(&service.app, &id)?;
        let model = service.app.catalogue.knowledge(&known.asset.manufacturer, &known.asset.model, known.asset.category);
        // Where devices in use are seen is the organisation's own business.
        let last_seen = if viewer.actor.role.is_vendor() { None } else { last_seen::of(&mut *service.app.read()?, id.as_str())? };
        Ok(json!({
            "model": model, "last_seen": last_seen, "asset": known.asset, "label": known.asset.label(), "phase": known.asset.phase(), "title": known.asset.title(),
            "media": known.media, "certificates": known.certificates, "missing": missing,
        }))
    })
    .await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// From which entry on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct From {
    from: Option<String>,
    limit: Option<String>,
}

/// `GET /api/v1/assets/{id}/entries?from=&limit=`
pub async fn api_entries(viewer: Viewer, state: Data, id: web::Path<String>, asked: web::Query<From>) -> std::result::Result<HttpResponse, Problem> {
    let id = asset_id(&id)?;
    let (from, limit) = (request::from(asked.from.as_deref())?, request::limit(asked.limit.as_deref())?);
    let (entries, next) = block(&state, move |service| {
        let mut db = service.app.read()?;
        let subjects = known(&mut db, &viewer, &id)?.subjects();
        ledger::page_of(&mut db, &mut Names::new(&service.app), &subjects, from, limit)
    })
    .await?;
    Ok(HttpResponse::Ok().json(json!({"entries": entries, "next": next})))
}

/// A label with how many devices have it.
struct Count {
    label: &'static str,
    words: &'static str,
    count: String,
    chosen: bool,
}

/// A device in a list.
struct Row {
    id: String,
    tag: String,
    serial: String,
    title: String,
    label: &'static str,
    words: &'static str,
    holder: String,
    site: String,
}

#[derive(Template)]
#[template(path = "assets/index.html")]
struct IndexPage {
    page: Page,
    total: String,
    counts: Vec<Count>,
    label: String,
    label_words: &'static str,
    /// What is looked for.
    q: String,
    /// The beginning of a tag.
    tag: String,
    note: Option<String>,
    sites: Vec<Shown>,
    categories: Vec<Shown>,
    holders: Vec<Shown>,
    media_unknown: bool,
    exception: bool,
    /// What the list is narrowed by: words, and the list without it.
    applied: Vec<(String, String)>,
    views: Vec<ViewShown>,
    /// The roles that a view can be shared with.
    roles: Vec<(&'static str, &'static str)>,
    /// The filters as the query of an address, without the label and without what is looked for.
    filters: Vec<(&'static str, String)>,
    /// What this viewer may do.
    registers: bool,
    /// Whether the viewer looks after what waits to be accepted.
    validates: bool,
    imports: bool,
    acts: bool,
    rows: Vec<Row>,
    next: Option<String>,
    paged: bool,
}

/// A saved view.
struct ViewShown {
    id: String,
    name: String,
    query: String,
    own: bool,
}

impl IndexPage {
    /// The query that lists the same again.
    fn here(&self) -> String {
        self.asking(&self.label, "")
    }
    /// The same query for the pages about all that it finds.
    fn all(&self) -> String {
        let here = self.here();
        if here.is_empty() { "?all=true".to_owned() } else { format!("{here}&all=true") }
    }
    /// Whether anything narrows the list.
    fn is_narrowed(&self) -> bool {
        !self.label.is_empty() || !self.q.is_empty() || !self.tag.is_empty() || !self.filters.is_empty()
    }
    /// The rest of an address of this list, narrowed to a label, after what an earlier page ended with.
    fn asking(&self, label: &str, after: &str) -> String {
        let filters = self.filters.iter().map(|(name, value)| (*name, value.as_str()));
        let parts = [("label", label), ("q", &self.q), ("tag", &self.tag)].into_iter().chain(filters).chain([("after", after)]);
        query_of(parts)
    }
}

/// A query with what is not empty.
fn query_of<'a>(parts: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let parts: Vec<String> =
        parts.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}={}", page::encoded(value))).collect();
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

fn label_of(text: &str) -> (&'static str, &'static str) {
    Label::parse(text).map_or(("", ""), |label| (label.as_str(), label.label()))
}

/// The sites and holders that a list can be narrowed to.
fn choices(db: &mut Database, app: &App, viewer: &Viewer, more: &Filter) -> Result<(Vec<Shown>, Vec<Shown>)> {
    let chosen = |wanted: &Option<String>, value: &str| wanted.as_deref() == Some(value);
    let only = viewer.narrowed_to().map(|own| vec![own]);
    let (mut sites, mut holders) = (BTreeSet::new(), Vec::new());
    for row in inventory::parties(db, only.as_deref(), None, request::MOST)? {
        let party = row.record()?;
        // Vendors' sites are found by whoever holds what is there.
        if party.id == app.service.party || only.is_some() {
            sites.extend(party.sites.iter().map(ToString::to_string));
        }
        holders.push(Shown { chosen: chosen(&more.holder, party.id.as_str()), value: party.id.to_string(), words: party.name.to_string() });
    }
    sites.extend(more.site.clone());
    let sites = sites.into_iter().map(|site| Shown { chosen: chosen(&more.site, &site), value: site.clone(), words: site }).collect();
    Ok((sites, holders))
}

/// Rows that are read from the database at once for a file.
const PIECE: i64 = 1_000;

/// What a file of devices is made of: the query, where it goes on, and whether there is more.
struct Export {
    state: Data,
    query: AssetQuery,
    turn: Option<exports::Turn>,
    begun: bool,
}

/// The next piece of a file, and what is left of it.
async fn piece(export: Option<Export>) -> Option<(std::io::Result<web::Bytes>, Option<Export>)> {
    let mut export = export?;
    let (query, begun) = (export.query.clone(), export.begun);
    let read = block(&export.state, move |service| {
        let mut db = service.app.read()?;
        let mut names = Names::new(&service.app);
        let rows = inventory::assets(&mut db, &query)?;
        let after =
            rows.last().filter(|_| rows.len() == usize::try_from(query.limit).unwrap_or(usize::MAX)).map(|row| (row.tag.clone(), row.id.clone()));
        let mut lines = Vec::with_capacity(rows.len());
        for row in rows {
            let asset = row.record()?;
            let holder = names.party(&mut db, &row.party)?;
            let text = |value: String| Field::Text(value);
            lines.push([
                text(row.tag),
                text(row.serial.unwrap_or_default()),
                text(asset.category.to_string()),
                text(asset.manufacturer.to_string()),
                text(asset.model.to_string()),
                text(row.label),
                text(holder),
                text(row.site),
                text(asset.sensitivity.to_string()),
                Field::Number(asset.media.len().to_string()),
                text(asset.retired_at.map(|at| at.text()).unwrap_or_default()),
                text(asset.certificate.unwrap_or_default()),
                text(row.id),
            ]);
        }
        let head =
            ["tag", "serial", "category", "manufacturer", "model", "state", "holder", "site", "sensitivity", "media", "retired", "certificate", "id"];
        let whole = csv_file::write(head.map(|name| Field::Text(name.to_owned())), lines);
        // The head stands in the first piece alone.
        let text = if begun { whole.split_once("\r\n").map(|(_, rest)| rest.to_owned()).unwrap_or_default() } else { whole };
        Ok((text, after))
    })
    .await;
    match read {
        // The file ends in the middle, so that nobody takes it for whole.
        Err(problem) => Some((Err(std::io::Error::other(problem.to_string())), None)),
        Ok((text, after)) => {
            let more = after.is_some();
            export.query.after = after;
            export.begun = true;
            if !more {
                export.turn = None;
            }
            Some((Ok(web::Bytes::from(text)), more.then_some(export)))
        }
    }
}

/// `GET /assets.csv` with the query of the list: every device of it, piece by piece, however many there are.
pub async fn csv(viewer: Viewer, state: Data, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    let mut asked = asked.into_inner();
    asked.limit = None;
    asked.after = None;
    let Query::List(query) = asked.query(&viewer)? else {
        return Err(Problem::new(
            422,
            "request.search",
            "A search cannot be taken along as a file: narrow the list by its filters, or by the beginning of a tag.",
        ));
    };
    let turn = state.exports.enter(viewer.actor.person.as_str())?;
    let export = Export { state: state.clone(), query: AssetQuery { limit: PIECE, ..query }, turn: Some(turn), begun: false };
    let name = format!("attachment; filename=\"devices-{}.csv\"", crate::app::now().utc().format("%Y-%m-%d"));
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8; header=present"))
        .insert_header((CONTENT_DISPOSITION, name))
        .streaming(futures_util::stream::unfold(Some(export), piece)))
}

/// `GET /assets`
pub async fn index(viewer: Viewer, state: Data, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    let query = asked.query(&viewer)?;
    let page = Page::new(&state, "Devices", Some(&viewer));
    let drawn = block(&state, move |service| {
        let mut db = service.app.read()?;
        let counts = inventory::labels(&mut db, query.party())?;
        let (rows, next) = list(&mut db, &query)?;
        let mut names = Names::new(&service.app);
        let chosen = query.label();
        let q = query.sought().map(|sought| sought.text.clone()).unwrap_or_default();
        let tag = match &query {
            Query::List(list) => list.tag_prefix.clone().unwrap_or_default(),
            Query::Search(..) => String::new(),
        };
        let more = match &query {
            Query::List(list) => &list.more,
            Query::Search(_, more) => more,
        };
        let of = |text: &Option<String>| text.clone().unwrap_or_default();
        let flag = |on: bool, word: &str| if on { word.to_owned() } else { String::new() };
        let mut filters = vec![
            ("site", of(&more.site)),
            ("category", of(&more.category)),
            ("holder", of(&more.holder)),
            ("media", flag(more.media_unknown, "unknown")),
            ("exception", flag(more.exception, "open")),
        ];
        filters.retain(|(_, value)| !value.is_empty());
        let words = |name: &str, value: &str, names: &mut Names, db: &mut Database| -> Result<String> {
            Ok(match name {
                "holder" => format!("held by {}", names.party(db, value)?),
                "category" => Category::parse(value)?.label().to_owned(),
                "media" => "media unknown".to_owned(),
                "exception" => "with an open exception".to_owned(),
                "site" => format!("at {value}"),
                "label" => label_of(value).1.to_owned(),
                "tag" => format!("tag {value}…"),
                _ => format!("“{value}”"),
            })
        };
        let whole: Vec<(&str, String)> = [("label", chosen.clone()), ("q", q.clone()), ("tag", tag.clone())]
            .into_iter()
            .chain(filters.clone())
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let mut applied = Vec::new();
        for (name, value) in &whole {
            let without = query_of(whole.iter().filter(|(other, _)| other != name).map(|(name, value)| (*name, value.as_str())));
            applied.push((words(name, value, &mut names, &mut db)?, without));
        }
        let (sites, holders) = choices(&mut db, &service.app, &viewer, more)?;
        let views = views::of(&mut db, viewer.actor.person.as_str(), viewer.actor.role.as_str())?;
        let own = viewer.actor.person.as_str();
        let views = views.into_iter().map(|view| ViewShown { own: view.person == own, id: view.id, name: view.name, query: view.query }).collect();
        let vendor = viewer.actor.role.is_vendor();
        let roles = Role::ALL.iter().filter(|role| **role != Role::Service && (!vendor || **role == viewer.actor.role));
        let rows = rows
            .into_iter()
            .map(|row| {
                let (label, words) = label_of(&row.label);
                let holder = names.party(&mut db, &row.party)?;
                Ok(Row {
                    id: bare(&row.id).to_owned(),
                    tag: row.tag,
                    serial: row.serial.unwrap_or_default(),
                    title: row.title,
                    label,
                    words,
                    holder,
                    site: row.site,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(IndexPage {
            page,
            sites,
            holders,
            categories: Category::ALL
                .iter()
                .map(|category| Shown {
                    value: category.to_string(),
                    words: category.label().to_owned(),
                    chosen: more.category.as_deref() == Some(category.as_str()),
                })
                .collect(),
            media_unknown: more.media_unknown,
            exception: more.exception,
            applied,
            views,
            roles: roles.map(|role| (role.as_str(), role.label())).collect(),
            filters,
            validates: matches!(viewer.actor.role, Role::Coordinator | Role::Approver),
            registers: actions::role_may(&viewer, "register_asset"),
            imports: actions::role_may(&viewer, "register_asset"),
            acts: !actions::for_many(&viewer).is_empty(),
            total: thousands(counts.iter().map(|(_, count)| count).sum()),
            counts: Label::ALL
                .iter()
                .filter_map(|label| {
                    let (_, count) = counts.iter().find(|(text, _)| text == label.as_str())?;
                    Some(Count { label: label.as_str(), words: label.label(), count: thousands(*count), chosen: label.as_str() == chosen })
                })
                .collect(),
            label_words: label_of(&chosen).1,
            label: chosen,
            note: query.note(),
            q,
            paged: query.paged(),
            tag,
            rows,
            next,
        })
    })
    .await?;
    page::render(&drawn)
}

/// An id as it stands in the addresses of pages.
pub fn bare(id: &str) -> &str {
    id.strip_prefix("urn:uuid:").unwrap_or(id)
}

/// A fact: what, and what it is.
struct Fact {
    name: &'static str,
    value: String,
}

/// A hold, with who lifts it.
struct HoldShown {
    words: String,
    reference: String,
    container: String,
    entry: u64,
    placed: When,
}

impl HoldShown {
    fn of(hold: &Hold) -> Self {
        let text = |reference: &Option<Reference>| reference.as_ref().map(ToString::to_string).unwrap_or_default();
        Self {
            words: hold.words(),
            reference: text(&hold.reference),
            container: text(&hold.container),
            entry: hold.entry,
            placed: hold.placed.into(),
        }
    }
}

/// What was done to prepare a device, with the entry that says so.
struct Prepared {
    name: String,
    value: String,
    entry: Option<u64>,
}

/// A repair.
struct RepairShown {
    sent: u64,
    words: String,
}

impl RepairShown {
    fn of(db: &mut Database, names: &mut Names, repair: &Repair) -> Result<Self> {
        let place = match (&repair.vendor, &repair.contract) {
            (None, _) => "in the house".to_owned(),
            (Some(vendor), Some(contract)) => {
                format!("at {}, {}, under the contract {contract}", names.party(db, vendor.party.as_str())?, vendor.site)
            }
            (Some(vendor), None) => {
                format!("at {}, {}, without a contract: out of control", names.party(db, vendor.party.as_str())?, vendor.site)
            }
        };
        let back = repair.returned.map_or_else(|| "not back yet".to_owned(), |entry| format!("back by entry {entry}"));
        Ok(Self { sent: repair.sent, words: format!("{}, {place}; {back}.", repair.fault.label()) })
    }
}

/// What is known of a loss.
fn incident(missing: &Missing) -> Vec<Fact> {
    let mut facts = vec![
        Fact { name: "Reported", value: format!("{}, {}, entry {}", missing.loss.label(), When::from(missing.reported).words, missing.entry) },
        Fact { name: "Incident", value: missing.incident.to_string() },
        Fact { name: "To be judged by", value: format!("{}: whether data was exposed", When::from(missing.assess_by).words) },
    ];
    if let Some(at) = missing.last_seen {
        facts.push(Fact { name: "Last seen", value: When::from(at).words });
    }
    if let Some(custodian) = missing.custodian {
        facts.push(Fact { name: "Last with", value: custodian.label().to_owned() });
    }
    for remote in &missing.remote {
        let value = format!("{}: {}, entry {}", remote.command.label(), remote.state.label(), remote.entry);
        facts.push(Fact { name: "Sent to it", value });
    }
    facts
}

/// How far a retired device is prepared, and what is still to be done.
fn preparation(asset: &Asset) -> Vec<Prepared> {
    let step = |name: &str, done: Option<(String, u64)>| match done {
        Some((value, entry)) => Prepared { name: name.to_owned(), value, entry: Some(entry) },
        None => Prepared { name: name.to_owned(), value: "not yet".to_owned(), entry: None },
    };
    let done = &asset.preparation;
    let consent = |consent: &Option<Reference>| consent.as_ref().map(|consent| format!(", consent {consent}")).unwrap_or_default();
    let why = |rejected: &[Rejection]| -> String {
        rejected.iter().map(|rejection| format!("; not “{}”: {}", rejection.rung.label(), rejection.reason.label())).collect()
    };
    vec![
        step("Evaluated, reuse first", done.evaluation.as_ref().map(|e| (format!("{}{}", capital(e.rung.label()), why(&e.rejected)), e.entry))),
        step("Authorised as surplus", done.authorization.as_ref().map(|a| (format!("{}{}", a.reference, consent(&a.consent)), a.entry))),
        step("Accounts and management released", done.accounts.as_ref().map(|a| (a.reference.to_string(), a.entry))),
        step("Graded", done.grade.as_ref().map(|g| (format!("looks C{}, works F{}", g.cosmetic, g.functional), g.entry))),
    ]
}

/// A medium on the page of its device.
struct MediumShown {
    title: String,
    capacity: String,
    state: &'static str,
    words: &'static str,
    technique: String,
    rule: String,
    steps: Vec<(&'static str, String)>,
    evidence: Option<(String, String)>,
}

/// A certificate on the page of its device.
struct CertificateShown {
    number: String,
    kind: &'static str,
    issued: When,
    revoked: Option<String>,
}

/// An entry in the timeline.
pub struct Step {
    /// The entry's number.
    pub seq: u64,
    /// When it was recorded.
    pub recorded: When,
    /// When it happened, where that is another minute.
    pub occurred: Option<When>,
    /// What happened.
    pub sentence: String,
    /// The person.
    pub name: String,
    /// As what.
    pub role: String,
    /// For whom.
    pub party: String,
    /// The key of their own that they signed it with.
    pub own_key: Option<String>,
    /// How they were signed in, in words.
    pub signed_in: Option<&'static str>,
    /// The entry that declares it erroneous.
    pub corrected_by: Option<u64>,
}

/// The timeline of these entries.
pub fn steps(told: Vec<Told>) -> Result<Vec<Step>> {
    told.into_iter()
        .map(|entry| {
            let (recorded, occurred) = (Instant::parse(&entry.time)?, Instant::parse(&entry.occurred)?);
            let apart = recorded.unix_ms().abs_diff(occurred.unix_ms()) >= 60_000;
            Ok(Step {
                seq: entry.seq,
                recorded: recorded.into(),
                occurred: apart.then(|| occurred.into()),
                role: entry.actor.role_words().to_owned(),
                name: entry.actor.name,
                party: entry.actor.party_name,
                sentence: entry.sentence,
                own_key: entry.own_key,
                signed_in: entry.signed_in.and_then(|how| SignedIn::parse(&how).ok()).map(SignedIn::label),
                corrected_by: entry.corrected_by,
            })
        })
        .collect()
}

#[derive(Template)]
#[template(path = "assets/show.html")]
struct ShowPage {
    page: Page,
    id: String,
    tag: String,
    title: String,
    label: &'static str,
    words: String,
    facts: Vec<Fact>,
    /// What this viewer can do next: command and words.
    steps: Vec<(String, &'static str)>,
    consignment: Option<(String, String)>,
    media: Vec<MediumShown>,
    no_storage: Option<u64>,
    notices: Vec<String>,
    holds: Vec<HoldShown>,
    incident: Option<Vec<Fact>>,
    preparation: Vec<Prepared>,
    repairs: Vec<RepairShown>,
    parts: Vec<Prepared>,
    parent: Option<String>,
    missing: Vec<String>,
    certificates: Vec<CertificateShown>,
    timeline: Vec<Step>,
    next: Option<u64>,
    paged: bool,
    address: String,
}

/// From which entry on a page's timeline is shown.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    from: Option<String>,
}

/// `GET /assets/{id}?from=`
pub async fn show(viewer: Viewer, state: Data, id: web::Path<String>, asked: web::Query<Part>) -> std::result::Result<HttpResponse, Problem> {
    let id = asset_id(&id)?;
    let from = request::from(asked.from.as_deref())?;
    let mut page = Page::new(&state, "", Some(&viewer));
    let drawn = block(&state, move |service| {
        let (known, steps_on, timeline, facts, media, consignment, repairs, parent) = {
            let mut db = service.app.read()?;
            let known = known(&mut db, &viewer, &id)?;
            let mut names = Names::new(&service.app);
            let steps_on = actions::next_steps(&mut db, &service.app, &viewer, &known.asset)?;
            let timeline = ledger::page_of(&mut db, &mut names, &known.subjects(), from, TIMELINE)?;
            let mut facts = facts(&mut db, &mut names, &known.asset)?;
            let model = service.app.catalogue.knowledge(&known.asset.manufacturer, &known.asset.model, known.asset.category);
            facts.extend(weight(&model));
            if let Some(seen) = last_seen::of(&mut db, id.as_str())?.filter(|_| !viewer.actor.role.is_vendor()) {
                let when = Instant::from_unix_ms(seen.at).map(|at| When::from(at).words).unwrap_or_default();
                let source = SightingSource::parse(&seen.source)?.label();
                let place = seen.site.map(|site| format!(", at {site}")).unwrap_or_default();
                facts.push(Fact { name: "Last seen", value: format!("{when}, by {source}{place}") });
            }
            let media =
                known.media.iter().map(|medium| medium_shown(&mut db, &mut names, medium, known.asset.past.as_ref())).collect::<Result<Vec<_>>>()?;
            let consignment = match &known.asset.consignment {
                // Whoever had the device once need not know with whom it travels now.
                Some(id) => tables::find::<Consignment>(&mut db, id)?
                    .filter(|consignment| viewer.actor.sees_consignment(consignment))
                    .map(|consignment| (bare(id.as_str()).to_owned(), consignment.reference.to_string())),
                None => None,
            };
            let repairs = known.asset.repairs.iter().map(|repair| RepairShown::of(&mut db, &mut names, repair)).collect::<Result<Vec<_>>>()?;
            // A vendor that had the part need not know the device.
            let parent = match &known.asset.harvested_from {
                Some(id) => find(&mut db, &viewer, id).ok().map(|asset| asset.id),
                None => None,
            };
            (known, steps_on, timeline, facts, media, consignment, repairs, parent)
        };
        let missing = issue_certificate::missing(&service.app, &id)?;
        let live = known.asset.certificate.is_some();
        let asset = known.asset;
        page.title = format!("{} · {}", asset.tag, asset.title());
        Ok(ShowPage {
            page,
            id: bare(id.as_str()).to_owned(),
            tag: asset.tag.to_string(),
            title: asset.title(),
            label: asset.label().as_str(),
            words: asset.past.as_ref().map_or_else(|| asset.label().label().to_owned(), Past::words),
            facts,
            steps: steps_on,
            consignment,
            media,
            no_storage: asset.no_storage,
            notices: notices(&asset),
            holds: asset.holds.iter().map(HoldShown::of).collect(),
            incident: asset.missing.as_ref().map(incident),
            preparation: if asset.status == Status::Retired { preparation(&asset) } else { Vec::new() },
            repairs,
            parts: asset
                .parts
                .iter()
                .map(|part| Prepared { name: capital(part.part.label()), value: String::new(), entry: Some(part.entry) })
                .collect(),
            parent: parent.map(|id| bare(id.as_str()).to_owned()),
            missing: if live { Vec::new() } else { missing },
            certificates: known
                .certificates
                .into_iter()
                .map(|certificate| CertificateShown {
                    kind: certificate.kind.label(),
                    issued: certificate.issued_at.into(),
                    revoked: certificate.revoked.map(|reason| reason.label().to_owned()),
                    number: certificate.number,
                })
                .collect(),
            timeline: steps(timeline.0)?,
            next: timeline.1,
            paged: from > 0,
            address: format!("/assets/{}", bare(id.as_str())),
        })
    })
    .await?;
    page::render(&drawn)
}

fn facts(db: &mut Database, names: &mut Names, asset: &Asset) -> Result<Vec<Fact>> {
    let holder = names.party(db, asset.holder.party.as_str())?;
    let whereabouts = if asset.in_transit {
        format!("on its way, released by {holder}, {}", asset.holder.site)
    } else {
        format!("{holder}, {}", asset.holder.site)
    };
    let mut facts = vec![
        Fact { name: if asset.past.is_some() { "Last held by" } else { "Held by" }, value: whereabouts },
        Fact { name: "Serial number", value: asset.serial.as_ref().map_or_else(|| "not recorded".to_owned(), ToString::to_string) },
        Fact { name: "Kind", value: asset.category.label().to_owned() },
        Fact { name: "Sensitivity of the data", value: asset.sensitivity.label().to_owned() },
    ];
    if !asset.former_tags.is_empty() {
        let tags: Vec<String> = asset.former_tags.iter().map(ToString::to_string).collect();
        facts.push(Fact { name: "Recorded before under the tag", value: tags.join(", ") });
    }
    if let Some(weight) = asset.weight {
        facts.push(Fact { name: "Weight", value: format!("{}, {}", page::grams(weight.grams), weight.basis.label()) });
    }
    if let Some(on) = asset.purchased_on {
        facts.push(Fact { name: "Bought on", value: on.format("%-d %b %Y").to_string() });
    }
    if let Some(assignment) = &asset.assignment {
        let place = assignment.place.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
        let active = match (assignment.assignee_active, assignment.active_on) {
            (Some(active), Some(on)) => format!("; still with the organisation: {}, as of {}", active.label(), on.format("%-d %b %Y")),
            _ => String::new(),
        };
        facts.push(Fact { name: "Assigned to", value: format!("{}{place}{active}", assignment.kind.label()) });
    }
    if let Some(funding) = &asset.funding {
        let award = funding.award.as_ref().map(|award| format!(", {award}")).unwrap_or_default();
        facts.push(Fact { name: "Bought with", value: format!("{}{award}", funding.source.label()) });
    }
    if let Some(at) = asset.retired_at {
        facts.push(Fact { name: "Retired", value: When::from(at).words });
    }
    if let Some(disposition) = &asset.disposition {
        let processor = names.party(db, disposition.recorded.party.as_str())?;
        let mass = &disposition.mass;
        let value = format!("{} by {processor}, {} ({})", disposition.outcome.label(), grams(mass.weight_grams), mass.weight_basis.label());
        facts.push(Fact { name: "What became of it", value });
    }
    if let Some(past) = &asset.past {
        let vendor = past.vendor.as_ref().map(|vendor| names.party(db, vendor.as_str())).transpose()?;
        let by = vendor.or(past.recipient.as_ref().map(ToString::to_string)).map(|by| format!(", taken by {by}")).unwrap_or_default();
        let reference = past.reference.as_ref().map(|reference| format!(", reference {reference}")).unwrap_or_default();
        let on = past.disposed_on.format("%-d %b %Y");
        facts.push(Fact { name: "What became of it", value: format!("{} on {on}{by}{reference}; recorded afterwards", past.outcome.label()) });
    }
    Ok(facts)
}

/// What was observed and needs an explanation.
fn notices(asset: &Asset) -> Vec<String> {
    let sighting = asset.sighting.as_ref().filter(|sighting| sighting.status == asset.status).map(|sighting| {
        let (when, source) = (When::from(sighting.at).words, sighting.source.label());
        format!("Seen by {source} on {when} while recorded as {}, entry {}: needs an explanation.", sighting.status.label(), sighting.seq)
    });
    let counted = asset.counted.as_ref().map(|counted| {
        let (when, site) = (When::from(counted.at).words, &counted.site);
        let what = if counted.found {
            format!("Found in a count at {site} on {when}, where nobody expected it")
        } else {
            format!("Not found in a count at {site} on {when}")
        };
        format!("{what}, entry {}.", counted.seq)
    });
    sighting.into_iter().chain(counted).collect()
}

/// What one of them weighs by the catalogue, until somebody weighs it.
fn weight(model: &Knowledge) -> Option<Fact> {
    let (grams_each, basis) = (model.weight_grams?, model.weight_basis?);
    Some(Fact { name: "Weight by the catalogue", value: format!("{} ({})", grams(grams_each), basis.label()) })
}

fn medium_shown(db: &mut Database, names: &mut Names, medium: &Medium, past: Option<&Past>) -> Result<MediumShown> {
    let mut steps = Vec::new();
    let mut evidence = None;
    let (mut technique, mut rule) = (String::new(), String::new());
    if let Some(done) = &medium.sanitization {
        technique = format!("{} by {}", capital(done.method.label()), done.technique.label());
        rule = format!("rule {}: {}", done.rule, done.basis);
        let acts =
            [("Performed and reported by", Some(&done.performed)), ("Verified by", done.verified.as_ref()), ("Accepted by", done.validated.as_ref())];
        for (what, act) in acts {
            let words = match act {
                Some(act) => format!("{}, {}, entry {}", names.person(db, act.by.as_str())?, names.party(db, act.party.as_str())?, act.seq),
                None => "nobody yet".to_owned(),
            };
            steps.push((what, words));
        }
        if let Some(feed) = &done.feed {
            let witness = names.person(db, feed.witness.as_str())?;
            steps.push(("Read before it went in", format!("{}, {}, witness: {witness}", feed.serial, feed.scanned_at)));
            steps.push(("Video", format!("SHA-256 {}, kept until {}", short(feed.video.sha256.as_str()), feed.video.kept_until)));
        }
        evidence = done.evidence.as_ref().map(|digest| (digest.to_string(), short(digest.as_str())));
    }
    if let Some(past) = past {
        if let Some(claim) = past.claim_of(&medium.id) {
            technique = match claim.technique {
                Some(technique) => format!("Claimed: {}", technique.label()),
                None => "Nothing is claimed of it".to_owned(),
            };
            let reaches = match claim.at_most {
                Method::None => "by the policy that reaches nothing".to_owned(),
                method => format!("{} at most if it is true", method.label()),
            };
            rule = format!("{reaches}; {} is the least for its data", past.least.label());
        }
        evidence = past.document.as_ref().map(|digest| (digest.to_string(), short(digest.as_str())));
    }
    Ok(MediumShown {
        title: medium.title(),
        capacity: medium.capacity_bytes.map(capacity).unwrap_or_default(),
        state: medium.state.as_str(),
        words: if medium.seen == Seen::Expected { medium.seen.label() } else { medium.state.label() },
        technique,
        rule,
        steps,
        evidence,
    })
}
