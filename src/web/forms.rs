//! From the declared shape of a command to a plain form of a page, and from what the form sends to the command: each member typed, each error at its
//! field, one effect however often it is sent.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::{Map, Value, json};

use super::page::{self, Page};
use super::problem::Problem;
use super::session::Viewer;
use super::{Data, request, writes};
use crate::app::seed;
use crate::domain::Command;
use crate::domain::names::Instant;
use crate::domain::refusal::Refusal;
use crate::error::{Error, Result};
use crate::operations::once::{Once, Outcome};
use crate::operations::record::{Receipt, Terms};
use crate::operations::run_bulk;
use crate::store::idempotency::RequestKey;

/// Values of a field that has a few: the word on the wire, and the words people read.
pub type Choices = fn() -> Vec<(&'static str, &'static str)>;

/// What can be filled into a field.
#[derive(Clone, Copy)]
pub enum Kind {
    /// One of these.
    Choice(Choices),
    /// Any of these.
    Several(Choices),
    /// A line of text of at most so many characters.
    Text(u16),
    /// Several lines, each an item.
    Lines,
    /// A day.
    Date,
    /// A point in time, in UTC.
    Time,
    /// Yes, or no.
    Tick,
    /// Yes, or nothing said.
    Said,
    /// A whole number between these.
    Number(u32, u32),
    /// Money, sent in cents.
    Money,
    /// Gigabytes as makers count them, sent in bytes.
    Gigabytes,
    /// Kilograms, sent in grams.
    Kilograms,
    /// The SHA-256 of a stored file.
    Digest,
    /// One of what the context knows under this name.
    Known(&'static str),
    /// A text for which the context knows suggestions under this name.
    Suggested(&'static str),
    /// Any of what the context knows under this name.
    KnownSeveral(&'static str),
    /// For each of what the context knows under this name, one of these; its id goes into the member named last.
    Each(&'static str, &'static str, Choices),
}

/// A field of a form.
#[derive(Clone, Copy)]
pub struct Field {
    /// Where it stands in the body of the command: members and places in lists, `media.0.serial`.
    pub member: &'static str,
    /// What people read in front of it.
    pub label: &'static str,
    /// What helps to fill it in.
    pub hint: &'static str,
    /// What can be filled in.
    pub kind: Kind,
    /// Whether something must be.
    pub required: bool,
    /// What goes with it where something is filled in: member and value.
    pub with: &'static [(&'static str, &'static str)],
}

impl Field {
    /// What helps to fill it in.
    pub const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }
    /// What goes with it.
    pub const fn with(mut self, with: &'static [(&'static str, &'static str)]) -> Self {
        self.with = with;
        self
    }
}

/// A field that must be filled in.
pub const fn needed(member: &'static str, label: &'static str, kind: Kind) -> Field {
    Field { member, label, hint: "", kind, required: true, with: &[] }
}

/// A field that may stay empty.
pub const fn may(member: &'static str, label: &'static str, kind: Kind) -> Field {
    Field { member, label, hint: "", kind, required: false, with: &[] }
}

/// The choices of one or more codes.
macro_rules! choices {
    ($code:ident) => {
        || $code::ALL.iter().map(|code| (code.as_str(), code.label())).collect()
    };
    ($code:ident: $($variant:ident)+) => {
        || [$($code::$variant),+].iter().map(|code| (code.as_str(), code.label())).collect()
    };
}
pub(super) use choices;

/// A command as a form.
pub struct Form {
    /// The command.
    pub command: &'static str,
    /// What it does, as a heading and on its button.
    pub title: &'static str,
    /// What one should know before.
    pub about: &'static str,
    /// Whether it ends something, or cannot be taken back.
    pub grave: bool,
    /// Its fields, without what the form is about.
    pub fields: &'static [Field],
}

/// Something to choose from: the value that is sent, and the words people read.
pub type Choice = (String, String);

/// What the fields of a form can be chosen from, and what the form is about.
#[derive(Clone, Default)]
pub struct Context {
    /// By name.
    pub known: Vec<(&'static str, Vec<Choice>)>,
    /// Members of the command that the address of the page names.
    pub about: Vec<(&'static str, Value)>,
    /// What stands in a field at first.
    pub given: Vec<(String, String)>,
    /// Fields that are not asked for here.
    pub without: &'static [&'static str],
}

impl Context {
    fn known(&self, name: &str) -> &[Choice] {
        self.known.iter().find(|(own, _)| *own == name).map_or(&[], |(_, choices)| choices)
    }
}

/// What a form sent: names and values, in order.
#[derive(Clone, Debug, Default)]
pub struct Given(pub Vec<(String, String)>);

impl Given {
    /// Reads the body of a form.
    pub async fn read(http: &HttpRequest, state: &Data, payload: web::Payload) -> std::result::Result<Self, Problem> {
        Ok(Self(request::form(http, state, payload).await?))
    }
    /// The first value of a name, trimmed; empty where there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value.trim())
    }
    /// Every value of a name that is not empty.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }
    /// The key that makes one effect of however many sendings; the same form with the same content is the same request.
    pub fn key(&self, http: &HttpRequest, viewer: &Viewer) -> Option<RequestKey> {
        let key = self.get(KEY);
        let fits = (1..=100).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        let content: Vec<&(String, String)> = self.0.iter().filter(|(name, _)| name != KEY).collect();
        let content = serde_json::to_vec(&content).ok()?;
        fits.then(|| RequestKey::new(viewer.actor.person.as_str(), http.path(), key, "", &content))
    }
}

/// The hidden field with the key.
pub const KEY: &str = "idempotency_key";

/// A fresh key: a UUID of version 7.
pub fn fresh_key() -> Result<String> {
    let [_, _, _, _, _, _, random @ ..] = seed()?.to_be_bytes();
    let at = u64::try_from(crate::app::now().unix_ms()).unwrap_or(0);
    Ok(uuid::Builder::from_unix_timestamp_millis(at, &random).into_uuid().hyphenated().to_string())
}

/// A field as it is asked for here: what the context knows is put in.
struct Asked {
    member: String,
    label: String,
    hint: &'static str,
    kind: Kind,
    required: bool,
    with: Vec<(String, String)>,
}

/// When it happened: stands beside the members of every command.
const OCCURRED: Field = may("occurred", "When it happened (UTC)", Kind::Time).hint("Leave empty for now.");

fn asked(form: &Form, context: &Context, occurred: bool) -> Vec<Asked> {
    let mut asked = Vec::new();
    let fields = form.fields.iter().chain(occurred.then_some(&OCCURRED));
    for field in fields.filter(|field| !context.without.contains(&field.member)) {
        let with: Vec<(String, String)> = field.with.iter().map(|(member, value)| ((*member).to_owned(), (*value).to_owned())).collect();
        let (hint, kind, required) = (field.hint, field.kind, field.required);
        let Kind::Each(known, id, choices) = kind else {
            asked.push(Asked { member: field.member.to_owned(), label: field.label.to_owned(), hint, kind, required, with });
            continue;
        };
        for (n, (value, words)) in context.known(known).iter().enumerate() {
            let place = |member: &str| member.replace('#', &n.to_string());
            let mut with: Vec<_> = with.iter().map(|(member, value)| (place(member), value.clone())).collect();
            with.push((place(id), value.clone()));
            let label = if field.label.is_empty() { words.clone() } else { format!("{} {words}", field.label) };
            asked.push(Asked { member: place(field.member), label, hint, kind: Kind::Choice(choices), required, with });
        }
    }
    asked
}

/// Something that is wrong: at which field, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The member.
    pub member: String,
    /// In words.
    pub why: String,
}

/// The value of a field on the wire; nothing where it stays out.
fn value(asked: &Asked, context: &Context, given: &Given) -> std::result::Result<Option<Value>, String> {
    let text = given.get(&asked.member);
    let one_of = |allowed: bool, value: &str| if allowed { Ok(Some(json!(value))) } else { Err("Choose one of the list.".to_owned()) };
    match asked.kind {
        Kind::Tick => return Ok(Some(json!(!text.is_empty()))),
        Kind::Said => return Ok((!text.is_empty()).then_some(json!(true))),
        Kind::Several(_) | Kind::KnownSeveral(_) => {
            let chosen: Vec<&str> = given.all(&asked.member).collect();
            if asked.required && chosen.is_empty() {
                return Err("Choose at least one.".to_owned());
            }
            return Ok(Some(json!(chosen)));
        }
        Kind::Lines => {
            let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            if asked.required && lines.is_empty() {
                return Err("Write at least one line.".to_owned());
            }
            return Ok(Some(json!(lines)));
        }
        _ => {}
    }
    if text.is_empty() {
        let chosen = matches!(asked.kind, Kind::Choice(_) | Kind::Known(_));
        return match (asked.required, chosen) {
            (true, true) => Err("Choose one.".to_owned()),
            (true, false) => Err("Fill this in.".to_owned()),
            (false, _) => Ok(None),
        };
    }
    match asked.kind {
        Kind::Choice(choices) => one_of(choices().iter().any(|(value, _)| *value == text), text),
        Kind::Known(name) => one_of(context.known(name).iter().any(|(value, _)| value == text), text),
        Kind::Time if text.len() == 16 => Ok(Some(json!(format!("{text}:00Z")))),
        Kind::Number(least, most) => match text.parse::<u32>() {
            Ok(number) if (least..=most).contains(&number) => Ok(Some(json!(number))),
            _ => Err(format!("Write a whole number between {least} and {most}.")),
        },
        Kind::Money => fixed(text, 2).map(|cents| Some(json!(cents))).ok_or_else(|| "Write an amount like 249.90.".to_owned()),
        Kind::Kilograms => fixed(text, 3).map(|grams| Some(json!(grams))).ok_or_else(|| "Write kilograms like 1.48.".to_owned()),
        Kind::Gigabytes => match fixed(text, 0).and_then(|gigabytes| gigabytes.checked_mul(1_000_000_000)) {
            Some(bytes) => Ok(Some(json!(bytes))),
            None => Err("Write whole gigabytes like 128.".to_owned()),
        },
        _ => Ok(Some(json!(text))),
    }
}

/// A decimal number with at most so many places behind the point, as a whole number of its smallest part.
fn fixed(text: &str, places: usize) -> Option<u64> {
    let text = text.replace(',', "");
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || part.len() > places || !digits(whole) || !digits(part) {
        return None;
    }
    format!("{whole}{part:0<places$}").parse().ok()
}

/// Puts a value where a path says; lists are objects with numbers as names until [`settled`].
fn put(body: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => drop(body.insert(path.to_owned(), value)),
        Some((first, rest)) => {
            if let Value::Object(inner) = body.entry(first).or_insert_with(|| json!({})) {
                put(inner, rest, value);
            }
        }
    }
}

/// Makes lists of the objects whose names are numbers.
fn settled(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let mut places: Vec<(u32, Value)> = Vec::new();
    let is_list = !members.is_empty() && members.keys().all(|name| name.parse::<u32>().is_ok());
    if !is_list {
        return Value::Object(members.into_iter().map(|(name, value)| (name, settled(value))).collect());
    }
    places.extend(members.into_iter().filter_map(|(name, value)| Some((name.parse().ok()?, settled(value)))));
    places.sort_by_key(|(place, _)| *place);
    Value::Array(places.into_iter().map(|(_, value)| value).collect())
}

/// The body of a command from what a form sent, or everything that is wrong with it.
pub fn body(form: &Form, context: &Context, given: &Given, occurred: bool) -> std::result::Result<Map<String, Value>, Vec<Wrong>> {
    let (mut body, mut wrong) = (Map::new(), Vec::new());
    for asked in asked(form, context, occurred) {
        match value(&asked, context, given) {
            Ok(None) => {}
            Ok(Some(value)) => {
                put(&mut body, &asked.member, value);
                for (member, value) in asked.with {
                    put(&mut body, &member, json!(value));
                }
            }
            Err(why) => wrong.push(Wrong { member: asked.member, why }),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut body: Map<String, Value> = body.into_iter().map(|(name, value)| (name, settled(value))).collect();
    body.extend(context.about.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    Ok(body)
}

/// A refusal of a body, at the field that it is about: `retire: reason: …`.
pub fn at_field(form: &Form, context: &Context, refusal: &Refusal) -> Wrong {
    let why = refusal.why.strip_prefix(form.command).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&refusal.why);
    let path = |text: &str| text.replace('[', ".").replace(']', "");
    if let Some((member, rest)) = why.split_once(": ") {
        let member = path(member);
        if let Some(asked) =
            asked(form, context, true).into_iter().find(|asked| asked.member == member || asked.member.starts_with(&format!("{member}.")))
        {
            return Wrong { member: asked.member, why: page::capital(rest) };
        }
    }
    Wrong { member: String::new(), why: why.to_owned() }
}

/// A value that can be chosen.
pub struct Shown {
    /// On the wire.
    pub value: String,
    /// For people.
    pub words: String,
    /// Whether it is chosen now.
    pub chosen: bool,
}

/// A field as the page draws it.
pub struct Control {
    /// Its name.
    pub name: String,
    /// Its id in the page.
    pub id: String,
    /// In front of it.
    pub label: String,
    /// Below its label.
    pub hint: String,
    /// What is wrong with it.
    pub error: String,
    /// Whether it must be filled in.
    pub required: bool,
    /// `select`, `boxes`, `check`, `lines`, or the type of an input.
    pub look: &'static str,
    /// What stands in it.
    pub value: String,
    /// What can be chosen.
    pub options: Vec<Shown>,
    /// Most characters; 0 where that says nothing.
    pub most: u16,
    /// The least and the greatest number; empty where there are none.
    pub range: Option<(u32, u32)>,
    /// How the keyboard of a phone looks; empty for letters.
    pub inputmode: &'static str,
}

impl Control {
    /// The ids of what describes it.
    pub fn described(&self) -> String {
        let parts = [("hint", !self.hint.is_empty()), ("error", !self.error.is_empty())];
        parts.iter().filter(|(_, there)| *there).map(|(what, _)| format!("{}-{what}", self.id)).collect::<Vec<_>>().join(" ")
    }
}

fn id_of(member: &str) -> String {
    format!("f-{}", member.replace(['.', '_'], "-"))
}

/// The fields of a form with what was typed into them and what is wrong.
pub fn controls(form: &Form, context: &Context, given: Option<&Given>, wrong: &[Wrong], occurred: bool) -> Vec<Control> {
    let first = Given(context.given.clone());
    let given = given.unwrap_or(&first);
    let control = |asked: Asked| {
        let value = given.get(&asked.member).to_owned();
        let shown = |value: &str, words: &str| Shown {
            value: value.to_owned(),
            words: page::capital(words),
            chosen: given.all(&asked.member).any(|chosen| chosen == value),
        };
        let codes = |choices: Choices| choices().iter().map(|(value, words)| shown(value, words)).collect::<Vec<_>>();
        let known = |name: &str| context.known(name).iter().map(|(value, words)| shown(value, words)).collect::<Vec<_>>();
        let (look, options, most, range, inputmode) = match asked.kind {
            Kind::Choice(choices) | Kind::Each(_, _, choices) => ("select", codes(choices), 0, None, ""),
            Kind::Several(choices) => ("boxes", codes(choices), 0, None, ""),
            Kind::Known(name) => ("select", known(name), 0, None, ""),
            Kind::KnownSeveral(name) => ("boxes", known(name), 0, None, ""),
            Kind::Suggested(name) => ("list", known(name), 120, None, ""),
            Kind::Text(most) => ("text", Vec::new(), most, None, ""),
            Kind::Lines => ("lines", Vec::new(), 0, None, ""),
            Kind::Date => ("date", Vec::new(), 0, None, ""),
            Kind::Time => ("datetime-local", Vec::new(), 0, None, ""),
            Kind::Tick | Kind::Said => ("check", Vec::new(), 0, None, ""),
            Kind::Number(least, most) => ("number", Vec::new(), 0, Some((least, most)), "numeric"),
            Kind::Money | Kind::Kilograms => ("text", Vec::new(), 14, None, "decimal"),
            Kind::Gigabytes => ("text", Vec::new(), 7, None, "numeric"),
            Kind::Digest => ("text", Vec::new(), 64, None, ""),
        };
        Control {
            id: id_of(&asked.member),
            error: wrong.iter().find(|wrong| wrong.member == asked.member).map(|wrong| wrong.why.clone()).unwrap_or_default(),
            hint: asked.hint.to_owned(),
            required: asked.required,
            label: asked.label,
            name: asked.member,
            look,
            value,
            options,
            most,
            range,
            inputmode,
        }
    };
    asked(form, context, occurred).into_iter().map(control).collect()
}

/// A line of the summary of what is wrong: the field's id and label, and why.
pub struct Complaint {
    /// Where it leads; empty for what is no field's.
    pub id: String,
    /// The field.
    pub label: String,
    /// Why.
    pub why: String,
}

/// What is wrong, for the top of a page.
pub fn complaints(controls: &[Control], wrong: &[Wrong]) -> Vec<Complaint> {
    let complaint = |wrong: &Wrong| match controls.iter().find(|control| control.name == wrong.member) {
        Some(control) => Complaint { id: control.id.clone(), label: control.label.clone(), why: wrong.why.clone() },
        None => Complaint { id: String::new(), label: String::new(), why: wrong.why.clone() },
    };
    wrong.iter().map(complaint).collect()
}

/// What stands around a form.
#[derive(Clone)]
pub struct Around {
    /// Where its page belongs: address and words.
    pub crumb: (String, String),
    /// What it is about, below the heading.
    pub about: String,
    /// Where it is sent to.
    pub address: String,
    /// Where one goes after it was recorded.
    pub there: String,
    /// What is still missing for it, as far as that is known before it is sent.
    pub missing: Vec<String>,
}

#[derive(Template)]
#[template(path = "forms/show.html")]
struct FormPage {
    page: Page,
    around: Around,
    title: &'static str,
    lead: &'static str,
    grave: bool,
    controls: Vec<Control>,
    complaints: Vec<Complaint>,
    key: String,
}

/// The page of a form.
pub fn show(state: &Data, viewer: &Viewer, form: &Form, context: &Context, around: Around) -> std::result::Result<HttpResponse, Problem> {
    let page = Page::new(state, form.title, Some(viewer));
    let controls = controls(form, context, None, &[], true);
    page::render(&FormPage {
        page,
        around,
        title: form.title,
        lead: form.about,
        grave: form.grave,
        controls,
        complaints: Vec::new(),
        key: fresh_key()?,
    })
}

/// The same page again, with what was typed and what is wrong with it: 422.
pub fn again(
    state: &Data,
    viewer: &Viewer,
    (form, context): (&Form, &Context),
    around: Around,
    given: &Given,
    wrong: &[Wrong],
) -> std::result::Result<HttpResponse, Problem> {
    let page = Page::new(state, format!("Problem: {}", form.title), Some(viewer));
    let controls = controls(form, context, Some(given), wrong, true);
    let complaints = complaints(&controls, wrong);
    let key = given.get(KEY).to_owned();
    let shown = FormPage { page, around, title: form.title, lead: form.about, grave: form.grave, controls, complaints, key };
    let mut answer = page::render(&shown)?;
    *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(answer)
}

/// What a refusal says, and everything that it says is missing.
pub fn refused(problem: &Problem) -> Vec<Wrong> {
    let line = |why: &String| Wrong { member: String::new(), why: why.clone() };
    std::iter::once(&problem.detail).chain(&problem.missing).map(line).collect()
}

/// Whether a problem is about what was asked, and can be shown with the form that asked it.
pub fn is_about_the_form(problem: &Problem) -> bool {
    matches!(problem.status.as_u16(), 409 | 412 | 422)
}

/// The number of the last entry of a receipt, also of one that was kept.
pub fn last_entry(outcome: &Outcome<Receipt>) -> Option<u64> {
    match outcome {
        Outcome::Now(receipt) => receipt.entries.last().map(|entry| entry.seq),
        Outcome::Before(answer) => {
            let kept: Value = serde_json::from_slice(&answer.body).ok()?;
            kept.pointer("/entries")?.as_array()?.last()?.get("seq")?.as_u64()
        }
    }
}

/// The id of the first subject of this kind in a receipt, also of one that was kept.
pub fn subject(outcome: &Outcome<Receipt>, kind: crate::domain::SubjectKind) -> Option<String> {
    let receipt = match outcome {
        Outcome::Now(receipt) => serde_json::to_value(receipt).ok()?,
        Outcome::Before(answer) => serde_json::from_slice(&answer.body).ok()?,
    };
    let entries = receipt.get("entries")?.as_array()?;
    let subjects = entries.iter().filter_map(|entry| entry.get("subjects")?.as_array()).flatten();
    let mut ids = subjects.filter(|subject| subject.get("type").and_then(Value::as_str) == Some(kind.as_str()));
    ids.find_map(|subject| subject.get("id")?.as_str().map(ToOwned::to_owned))
}

/// What became of what a form sent.
pub enum Sent {
    /// It is recorded.
    Recorded(Outcome<Receipt>),
    /// Something is wrong with it.
    Wrong(Vec<Wrong>),
}

/// Reads a command from what a form sent, and records it.
pub async fn record(
    http: &HttpRequest,
    state: &Data,
    viewer: &Viewer,
    (form, context): (&Form, &Context),
    given: &Given,
    beside: Option<crate::operations::record::Beside>,
) -> std::result::Result<Sent, Problem> {
    match body(form, context, given, true) {
        Ok(body) => record_body(http, state, viewer, (form, context), given, body, beside).await,
        Err(wrong) => Ok(Sent::Wrong(wrong)),
    }
}

/// The same for a form whose fields are not the members of its command: the body is made elsewhere, with the time beside it.
pub async fn record_body(
    http: &HttpRequest,
    state: &Data,
    viewer: &Viewer,
    (form, context): (&Form, &Context),
    given: &Given,
    mut body: Map<String, Value>,
    beside: Option<crate::operations::record::Beside>,
) -> std::result::Result<Sent, Problem> {
    let read = |body: &mut Map<String, Value>| -> std::result::Result<(Command, Option<Instant>), Refusal> {
        let occurred = run_bulk::occurred(body)?;
        Ok((Command::read(form.command, Value::Object(std::mem::take(body)))?, occurred))
    };
    let (command, occurred) = match read(&mut body) {
        Ok(read) => read,
        Err(refusal) => return Ok(Sent::Wrong(vec![at_field(form, context, &refusal)])),
    };
    let key = given.key(http, viewer);
    let terms = Terms { occurred, beside, once: Once::created(key.as_ref(), |receipt| Ok(receipt.clone())), ..Terms::default() };
    let recorded = async { Ok(state.service.recorder.record(command, &viewer.actor, terms).await) };
    match request::answer_in_time(state, recorded).await? {
        Ok(outcome) => Ok(Sent::Recorded(outcome)),
        Err(error @ (Error::Refused(_) | Error::Conflict(_))) => {
            let problem = writes::explain(state, viewer.clone(), error).await;
            if is_about_the_form(&problem) { Ok(Sent::Wrong(refused(&problem))) } else { Err(problem) }
        }
        Err(error) => Err(error.into()),
    }
}

/// Bodies that this form might send: each with everything that it can do without left out and filled in, and each choice once. Whether any of them
/// would be carried out tells whether the command is possible now.
pub fn trials(form: &Form, context: &Context) -> Vec<Map<String, Value>> {
    let fields = asked(form, context, false);
    let options = |asked: &Asked| -> Vec<String> {
        let several = |choices: Choices| choices().into_iter().map(|(value, _)| value.to_owned()).collect();
        match asked.kind {
            Kind::Choice(choices) | Kind::Each(_, _, choices) | Kind::Several(choices) => several(choices),
            Kind::Known(name) | Kind::KnownSeveral(name) | Kind::Suggested(name) => {
                context.known(name).iter().map(|(value, _)| value.clone()).collect()
            }
            Kind::Text(_) | Kind::Lines => vec!["TRIAL-1".to_owned()],
            Kind::Date => vec!["2020-01-01".to_owned()],
            Kind::Time => vec!["2020-01-01T00:00".to_owned()],
            Kind::Tick | Kind::Said => vec!["true".to_owned()],
            Kind::Number(least, _) => vec![least.max(1).to_string()],
            Kind::Money | Kind::Kilograms | Kind::Gigabytes => vec!["1".to_owned()],
            Kind::Digest => Vec::new(),
        }
    };
    let filled = |all: bool, other: Option<(usize, &str)>| {
        let mut given = Vec::new();
        for (n, asked) in fields.iter().enumerate() {
            let chosen = match other {
                Some((place, value)) if place == n => Some(value.to_owned()),
                _ if asked.required || all => options(asked).into_iter().next(),
                _ => None,
            };
            given.extend(chosen.map(|value| (asked.member.clone(), value)));
        }
        body(form, context, &Given(given), false).ok()
    };
    let mut trials: Vec<Map<String, Value>> = [filled(false, None), filled(true, None)].into_iter().flatten().collect();
    for (n, asked) in fields.iter().enumerate() {
        if matches!(asked.kind, Kind::Choice(_) | Kind::Known(_) | Kind::Each(..)) {
            for value in options(asked).iter().take(24) {
                trials.extend([filled(false, Some((n, value))), filled(true, Some((n, value)))].into_iter().flatten());
            }
        }
    }
    trials.dedup();
    trials
}
