//! A destruction run at the machine: serial numbers as they are read before each medium goes in, the witness and the video; for vendors at their bench,
//! and for coordinators who destroy in the house.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};

use super::forms::{self, Around, Context, Form, Given, Kind, Sent, Wrong, may, needed};
use super::page;
use super::problem::Problem;
use super::session::{self, Viewer};
use super::{Data, block};
use crate::app::now;
use crate::domain::names::Serial;
use crate::domain::parties::Party;
use crate::error::Result;
use crate::operations::{Service, find_on_bench};
use crate::store::{people, tables};

/// The lines with serial numbers, which become the media of the command.
const LINES: &str = "media";
/// When the last of them was read.
const SCANNED_AT: &str = "scanned_at";

static RECORD_DESTRUCTION: Form = Form {
    command: "record_destruction",
    title: "Record a destruction run",
    about: "What went into one machine in one go. Nothing is recorded unless every serial number is that of a medium which is in your hands and may be \
            destroyed. R2v3 asks for a video of physical destruction; without a witness and a video, record each sanitization by itself.",
    grave: false,
    fields: &[
        needed("machine", "Machine", Kind::Known("machines")).hint("Those that are registered for your organisation and in service."),
        needed(LINES, "Serial numbers", Kind::Lines).hint("Read each before it goes in: one on each line, 200 at most."),
        may(SCANNED_AT, "When the last one was read (UTC)", Kind::Time).hint("Leave empty for the time of the run."),
        needed("witness", "Witness", Kind::Known("people")).hint("Somebody other than you who saw it all go in."),
        needed("video.sha256", "SHA-256 of the video", Kind::Digest).hint("The video stays with you; its SHA-256 says later which one it was."),
        needed("video.kept_until", "The video is kept until", Kind::Date)
            .hint("At least 60 days after the run: that number is this program's, ask your auditor which one holds for you."),
        may("weight_in_grams", "Weight of what went in, in kilograms", Kind::Kilograms),
        may("weight_out_grams", "Weight of what came out, in kilograms", Kind::Kilograms),
        may("statement.coercivity_oersted", "Degaussing: coercivity of the media, in oersted", Kind::Number(1, 1_000_000)),
        may("statement.facility", "Melted or burned: the licensed facility", Kind::Text(64)),
        may("statement.facility_batch", "The facility's batch", Kind::Text(64)),
    ],
};

/// What the form can be filled from: the machines in service of the viewer's party, and its people but for the viewer.
fn context(service: &Service, viewer: &Viewer) -> Result<Context> {
    let mut db = service.app.read()?;
    let party = tables::find::<Party>(&mut db, &viewer.actor.party)?;
    let today = now().utc().date_naive();
    let in_service = party.iter().flat_map(|party| &party.machines).filter(|machine| machine.serves(today));
    let machines = in_service.map(|machine| {
        let what = format!("{}, {}, {}", machine.is.words(), machine.is.technique.label(), machine.is.site);
        (machine.id.to_string(), what)
    });
    let machines = machines.collect();
    let (own, me) = (viewer.actor.party.as_str(), viewer.actor.person.as_str());
    let others = people::all(&mut db)?.into_iter().filter(|person| person.party == own && person.id != me && person.disabled_at.is_none());
    let people = others.map(|person| (person.id, person.name)).collect();
    Ok(Context { known: vec![("machines", machines), ("people", people)], ..Context::default() })
}

fn around(viewer: &Viewer) -> Around {
    let (there, words) = if viewer.actor.role.is_vendor() { ("/bench", "Bench") } else { ("/assets", "Devices") };
    Around {
        crumb: (there.to_owned(), words.to_owned()),
        about: String::new(),
        address: "/bench/destruction".to_owned(),
        there: there.to_owned(),
        missing: Vec::new(),
    }
}

/// What is missing before anything can be filled in.
fn missing(context: &Context) -> Vec<String> {
    let none = |name: &str| context.known.iter().any(|(own, choices)| *own == name && choices.is_empty());
    let mut missing = Vec::new();
    if none("machines") {
        missing.push(
            "No machine of your organisation is registered and in service: register one on your organisation's page, under Next steps.".to_owned(),
        );
    }
    if none("people") {
        missing.push("Nobody else of your organisation is known here who could be the witness: an administrator has to invite one.".to_owned());
    }
    missing
}

/// `GET /bench/destruction`
pub async fn new(viewer: Viewer, state: Data) -> std::result::Result<HttpResponse, Problem> {
    viewer.must_be_able_to(RECORD_DESTRUCTION.command)?;
    let asks = viewer.clone();
    let context = block(&state, move |service| context(service, &asks)).await?;
    let around = Around { missing: missing(&context), ..around(&viewer) };
    forms::show(&state, &viewer, &RECORD_DESTRUCTION, &context, around)
}

/// The media that these lines name, each read at this time; or what is wrong with which line.
fn media(service: &Service, viewer: &Viewer, lines: &[String], scanned_at: &str) -> Result<std::result::Result<Vec<Value>, Vec<Wrong>>> {
    let wrong = |why: String| Wrong { member: LINES.to_owned(), why };
    if lines.len() > crate::domain::destruction::MOST {
        return Ok(Err(vec![wrong(format!("A run has {} media at most; report more in several runs.", crate::domain::destruction::MOST))]));
    }
    let (mut serials, mut bad) = (Vec::new(), Vec::new());
    for line in lines {
        match Serial::parse(line) {
            Ok(serial) => serials.push(serial),
            Err(refusal) => bad.push(wrong(refusal.why)),
        }
    }
    let found = find_on_bench::find(service, &viewer.actor, &serials)?;
    let mut media = Vec::new();
    for serial in &serials {
        match found.iter().find(|found| found.serial == serial.as_str()) {
            Some(found) if found.kind == "medium" => media.push(json!({"medium": found.id, "serial": serial, "scanned_at": scanned_at})),
            Some(found) => bad.push(wrong(format!("{serial} is the device {}: read the serial number of the medium that went in.", found.name))),
            None => bad.push(wrong(format!("Nothing in your hands has the serial number {serial}: find out what went in."))),
        }
    }
    Ok(if bad.is_empty() { Ok(media) } else { Err(bad) })
}

/// `POST /bench/destruction`
pub async fn create(http: HttpRequest, state: Data, payload: web::Payload) -> std::result::Result<HttpResponse, Problem> {
    let viewer = session::by_form(&http, &state).await?;
    viewer.must_be_able_to(RECORD_DESTRUCTION.command)?;
    let asks = viewer.clone();
    let context = block(&state, move |service| context(service, &asks)).await?;
    let given = Given::read(&http, &state, payload).await?;
    let form = (&RECORD_DESTRUCTION, &context);
    let again = |wrong: &[Wrong]| forms::again(&state, &viewer, form, around(&viewer), &given, wrong);
    let mut body: Map<String, Value> = match forms::body(&RECORD_DESTRUCTION, &context, &given, true) {
        Ok(body) => body,
        Err(wrong) => return again(&wrong),
    };
    let lines: Vec<String> = match body.remove(LINES) {
        Some(Value::Array(lines)) => lines.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect(),
        _ => Vec::new(),
    };
    let read = body.remove(SCANNED_AT).or_else(|| body.get("occurred").cloned());
    let scanned_at = read.and_then(|read| read.as_str().map(ToOwned::to_owned)).unwrap_or_else(|| now().text());
    let asks = viewer.clone();
    match block(&state, move |service| media(service, &asks, &lines, &scanned_at)).await? {
        Ok(media) => drop(body.insert(LINES.to_owned(), Value::Array(media))),
        Err(wrong) => return again(&wrong),
    }
    match forms::record_body(&http, &state, &viewer, form, &given, body, None).await? {
        Sent::Recorded(outcome) => Ok(page::redirect_entry(&state, &around(&viewer).there, forms::last_entry(&outcome))),
        Sent::Wrong(wrong) => again(&wrong),
    }
}
