//! Labels for devices, and the page that a label's QR code leads whoever finds a device to.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::page::{self, Page};
use super::problem::Problem;
use super::request::{asset_id, consignment_id};
use super::session::Viewer;
use super::{Data, assets, block, consignments, papers};
use crate::documents::labels::{Label, Stock, render};
use crate::domain::asset::Asset;
use crate::domain::names::{AssetId, ConsignmentId, Tag};
use crate::domain::records::{Need, Records};
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};
use crate::operations::Service;
use crate::store::{Database, tables};

/// Most labels of one file.
const MOST: usize = 5_000;

/// What labels are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// What they are printed on.
    stock: Option<String>,
    /// One device.
    asset: Option<String>,
    /// Every device of a consignment.
    consignment: Option<String>,
    /// Tags, one a line or with commas between them.
    tags: Option<String>,
    /// The place of the first label on its sheet.
    start: Option<String>,
}

/// Which devices.
enum Devices {
    One(AssetId),
    Of(ConsignmentId),
    Tagged(Vec<Tag>),
}

impl Asked {
    fn stock(&self) -> std::result::Result<Stock, Problem> {
        Ok(self.stock.as_deref().map_or(Ok(Stock::Avery5160), Stock::parse)?)
    }

    fn devices(&self) -> std::result::Result<Option<Devices>, Problem> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        if let Some(asset) = given(&self.asset) {
            return Ok(Some(Devices::One(asset_id(&asset)?)));
        }
        if let Some(consignment) = given(&self.consignment) {
            return Ok(Some(Devices::Of(consignment_id(&consignment)?)));
        }
        let Some(tags) = given(&self.tags) else { return Ok(None) };
        let tags = tags.split(['\n', '\r', ',', ';', '\t']).map(str::trim).filter(|tag| !tag.is_empty());
        Ok(Some(Devices::Tagged(tags.map(Tag::parse).collect::<std::result::Result<_, _>>()?)))
    }

    fn start(&self, stock: Stock) -> std::result::Result<u16, Problem> {
        let most = stock.per_sheet();
        match self.start.as_deref().map(str::trim).filter(|start| !start.is_empty()).map(str::parse) {
            None => Ok(1),
            Some(Ok(start)) if (1..=most).contains(&start) => Ok(start),
            // A roll has one place only, whatever was chosen for a sheet before.
            Some(Ok(_)) if most == 1 => Ok(1),
            Some(_) => Err(Problem::new(422, "labels.start", format!("The first label is at one of the places 1 to {most} of its sheet."))),
        }
    }
}

/// The public address of a tag, as its QR code has it.
fn address(url: &str, tag: &str) -> String {
    let escaped = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    format!("{url}/a/{}", tag.bytes().map(escaped).collect::<String>())
}

/// The devices asked for, in the order of the list, or of their tags.
fn find(db: &mut Database, viewer: &Viewer, devices: &Devices) -> Result<Vec<Asset>> {
    match devices {
        Devices::One(id) => Ok(vec![assets::find(db, viewer, id)?]),
        Devices::Tagged(tags) => tags.iter().map(|tag| tagged(db, viewer, tag)?.ok_or_else(|| no_device(tag))).collect(),
        Devices::Of(id) => {
            let consignment = consignments::find(db, viewer, id)?;
            let mut known = Records::default();
            tables::load(db, &[Need::LinesOf(consignment.id)], &mut known)?;
            let ids: Vec<Need> =
                known.lines.all().filter(|line| line.is_listed()).filter_map(|line| line.asset().cloned().map(Need::Asset)).collect();
            let mut known = Records::default();
            tables::load(db, &ids, &mut known)?;
            let mut assets: Vec<Asset> = known.assets.all().cloned().collect();
            assets.sort_by(|a, b| (&a.tag, &a.id).cmp(&(&b.tag, &b.id)));
            Ok(assets)
        }
    }
}

/// The device with this tag, where this viewer may see it.
fn tagged(db: &mut Database, viewer: &Viewer, tag: &Tag) -> Result<Option<Asset>> {
    let Some(id) = tables::owner(db, &Asset::tag_key(tag))? else { return Ok(None) };
    match assets::find(db, viewer, &AssetId::parse(&id)?) {
        Err(Error::Unknown(_)) => Ok(None),
        found => found.map(Some),
    }
}

fn no_device(tag: &Tag) -> Error {
    Error::Unknown(format!("There is no device with the tag {tag}; look it up among the devices, and leave it out or write it as it is there."))
}

/// `GET /labels/download?stock=&asset=&consignment=&tags=&start=`: a PDF, or ZPL for a Zebra printer.
pub async fn download(viewer: Viewer, state: Data, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    let stock = asked.stock()?;
    let start = asked.start(stock)?;
    let nothing = || Problem::new(422, "labels.nothing", "Choose devices: write their tags, one a line, or come from a device or a consignment.");
    let devices = asked.devices()?.ok_or_else(nothing)?;
    let bytes = block(&state, move |service: &Service| {
        let mut db = service.app.read()?;
        let assets = find(&mut db, &viewer, &devices)?;
        if assets.is_empty() || assets.len() > MOST {
            let why = format!("Labels are for 1 to {MOST} devices at a time; {} were chosen.", assets.len());
            return Err(Refusal::new("labels.number", why).into());
        }
        let newest = assets.iter().map(|asset| asset.last_seq).max().unwrap_or(0);
        let created = papers::recorded_at(&mut db, newest)?.whole_seconds();
        let url = &service.app.identity.public_url;
        let labels: Vec<Label> = assets.iter().map(|asset| Label { tag: asset.tag.to_string(), address: address(url, asset.tag.as_str()) }).collect();
        render(stock, service.app.organisation.as_str(), &labels, start, &created).map_err(|e| Error::fault("drawing labels", e))
    })
    .await?;
    let kind = if stock == Stock::Zebra { "application/vnd.zebra-zpl" } else { "application/pdf" };
    Ok(papers::file(&stock.file_name(), kind, bytes))
}

/// What labels can be printed on, as the page offers it.
struct Offered {
    code: &'static str,
    words: &'static str,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "labels/index.html")]
struct IndexPage {
    page: Page,
    stocks: Vec<Offered>,
    /// The device or consignment that the page was opened for: the name of the member, the id, and what it is.
    chosen: Option<(&'static str, String, String)>,
    tags: String,
}

/// `GET /labels?asset=&consignment=`: what to print on, and for which devices.
pub async fn index(viewer: Viewer, state: Data, asked: web::Query<Asked>) -> std::result::Result<HttpResponse, Problem> {
    let page = Page::new(&state, "Labels", Some(&viewer));
    let stock = asked.stock()?;
    let stocks = Stock::ALL.iter().map(|one| Offered { code: one.as_str(), words: one.label(), chosen: *one == stock }).collect();
    let devices = asked.devices()?;
    let tags = asked.tags.clone().unwrap_or_default();
    let drawn = block(&state, move |service: &Service| {
        let mut db = service.app.read()?;
        let chosen = match &devices {
            Some(Devices::One(id)) => {
                let asset = assets::find(&mut db, &viewer, id)?;
                Some(("asset", assets::bare(id.as_str()).to_owned(), format!("{}, {}", asset.tag, asset.title())))
            }
            Some(Devices::Of(id)) => {
                let consignment = consignments::find(&mut db, &viewer, id)?;
                Some(("consignment", assets::bare(id.as_str()).to_owned(), format!("every device of {}", consignment.reference)))
            }
            Some(Devices::Tagged(_)) | None => None,
        };
        Ok(IndexPage { page, stocks, chosen, tags })
    })
    .await?;
    page::render(&drawn)
}

#[derive(Template)]
#[template(path = "labels/found.html")]
struct FoundPage {
    page: Page,
    contact: Option<String>,
}

/// `GET /a/{tag}`: whose a found device is. Tags can be guessed, so the answer is the same for every tag, and nothing is looked up for it; only people
/// who are signed in come to the device that they may see.
pub async fn found(viewer: std::result::Result<Viewer, Problem>, state: Data, tag: web::Path<String>) -> std::result::Result<HttpResponse, Problem> {
    if let (Ok(viewer), Ok(tag)) = (viewer, Tag::parse(&tag)) {
        let asset = block(&state, move |service: &Service| tagged(&mut *service.app.read()?, &viewer, &tag)).await?;
        if let Some(asset) = asset {
            return Ok(page::redirect(&state, &format!("/assets/{}", assets::bare(asset.id.as_str()))));
        }
    }
    let contact = state.service.app.serving.found_contact.clone();
    page::render(&FoundPage { page: Page::new(&state, "Found device", None), contact })
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_address_holds_any_tag() {
        assert_eq!(address("https://r.example/x", "NSD-77120"), "https://r.example/x/a/NSD-77120");
        assert_eq!(address("https://r.example", "20/4 Ł#?"), "https://r.example/a/20%2F4%20%C5%81%23%3F");
    }
}
