//! Claim lint: says where the claim of a report cannot be true, or does not fit the medium, the clock or what else is known, and what to ask the vendor for.
//!
//! It never accuses: a rule that lacks one of its figures, or whose figures could mean something harmless, stays silent.

mod across;
mod claims;
mod figures;
mod speeds;
mod times;

use serde::Serialize;

use super::reading::{Kind, MediaKind, MediumReading, Outcome, Reading};
use crate::domain::names::{Instant, MediaType, Method, Serial, Technique};
use across::Across;
use times::Moment;

pub use crate::domain::evidence::Weight;

/// What is known beside the report about the medium of one record; whatever is absent silences the rules that need it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// The time at which the report is judged.
    pub now: Option<Instant>,
    /// When the medium arrived at whoever reports, and when it left them; open while it is still there.
    pub custody: Option<(Instant, Option<Instant>)>,
    /// What the record or the inventory says of the medium.
    pub expected: Option<Expected<'a>>,
}

/// A medium as the record or the inventory knows it.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Its type; `unknown` is compared with nothing.
    pub media_type: MediaType,
    /// Its size, which may be rounded.
    pub capacity_bytes: Option<u64>,
    /// Its model, as somebody wrote it down.
    pub model: Option<&'a str>,
}

/// One thing that is wrong with one record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's code.
    pub code: &'static str,
    /// What it means for the claim.
    pub weight: Weight,
    /// The file's name.
    pub file: String,
    /// The tool's name for the medium within the file.
    pub place: String,
    /// The serial number that the record is bound by.
    pub serial: Option<String>,
    /// One sentence: what is wrong, with the figures.
    pub what: String,
    /// One sentence: what to ask the vendor for.
    pub ask: String,
}

/// One way in which a claim can be wrong.
pub struct Rule {
    /// Stable: policies and exceptions refer to it.
    pub code: &'static str,
    /// What it means for the claim, unless a policy decides otherwise.
    pub weight: Weight,
    look: Look,
}

#[derive(Clone, Copy)]
enum Look {
    /// Needs nothing but the record and what is known of its medium.
    Alone(fn(&Case) -> Option<Said>),
    /// Compares it with the other records.
    Across(fn(&Case, &Across) -> Option<Said>),
}

/// Every rule, in the order in which the findings of a record are given.
pub const RULES: &[Rule] = &[
    compared("claim.overwrite_as_purge", Weight::Blocks, claims::overwrite_of_flash_as_purge),
    compared("claim.host_overwrite_as_purge", Weight::Warns, claims::host_overwrite_as_purge),
    alone("claim.secure_erase_as_purge", Weight::Blocks, claims::secure_erase_of_flash_as_purge),
    alone("claim.degauss_of_flash", Weight::Blocks, claims::degauss_of_flash),
    alone("claim.factory_reset_as_purge", Weight::Blocks, claims::factory_reset_as_purge),
    alone("claim.purge_without_technique", Weight::Warns, claims::purge_without_technique),
    alone("claim.erasure_as_destroy", Weight::Blocks, claims::erasure_as_destroy),
    alone("claim.degauss_as_destroy", Weight::Blocks, claims::degauss_as_destroy),
    alone("claim.damage_as_destroy", Weight::Blocks, claims::damage_as_destroy),
    alone("claim.dod_as_standard", Weight::Warns, claims::dod_as_standard),
    alone("claim.methods_disagree", Weight::Warns, claims::methods_disagree),
    alone("claim.command_of_another_interface", Weight::Warns, claims::command_of_another_interface),
    alone("claim.not_finished", Weight::Blocks, figures::not_finished),
    alone("claim.bytes_below_capacity", Weight::Blocks, figures::bytes_below_capacity),
    alone("claim.bytes_above_capacity", Weight::Warns, figures::bytes_above_capacity),
    alone("claim.passes_missing", Weight::Warns, figures::passes_missing),
    alone("claim.hidden_area_left", Weight::Blocks, figures::hidden_area_left),
    alone("claim.hidden_area_unknown", Weight::Warns, figures::hidden_area_unknown),
    alone("claim.not_verified", Weight::Warns, figures::not_verified),
    alone("claim.verification_unknown", Weight::Warns, figures::verification_unknown),
    alone("claim.errors_with_success", Weight::Blocks, figures::errors_with_success),
    alone("claim.retries_with_success", Weight::Warns, figures::retries_with_success),
    alone("claim.other_kind", Weight::Warns, figures::other_kind),
    alone("claim.other_capacity", Weight::Warns, figures::other_capacity),
    alone("claim.other_model", Weight::Warns, figures::other_model),
    alone("claim.faster_than_interface", Weight::Blocks, speeds::faster_than_interface),
    alone("claim.faster_than_usual", Weight::Warns, speeds::faster_than_usual),
    alone("claim.passes_against_speed", Weight::Warns, speeds::passes_against_speed),
    alone("claim.no_duration", Weight::Blocks, speeds::no_duration),
    alone("claim.ended_before_start", Weight::Blocks, times::ended_before_start),
    alone("claim.issued_before_end", Weight::Blocks, times::issued_before_end),
    alone("claim.in_the_future", Weight::Blocks, times::in_the_future),
    alone("claim.before_custody", Weight::Blocks, times::before_custody),
    alone("claim.after_custody", Weight::Blocks, times::after_custody),
    compared("claim.report_number_reused", Weight::Warns, across::report_number_reused),
    compared("claim.same_time_twice", Weight::Warns, across::same_time_twice),
    compared("claim.alike_in_bulk", Weight::Warns, across::alike_in_bulk),
];

/// Lints every record of these files, which were handed in together, each file under its name.
pub fn lint<'a>(readings: &[(&'a str, &'a Reading)], context_of: impl Fn(&MediumReading) -> Context<'a>) -> Vec<Finding> {
    let mut cases = Vec::new();
    for (file_number, (file, reading)) in readings.iter().enumerate() {
        for record in reading.records.iter().filter(|record| record.kind != Kind::Licence) {
            cases.push(Case::new(cases.len(), file_number, file, reading, record, context_of(record)));
        }
    }
    let across = Across::new(cases);
    across.cases().iter().flat_map(|case| RULES.iter().filter_map(|rule| rule.find(case, &across))).collect()
}

const fn alone(code: &'static str, weight: Weight, look: fn(&Case) -> Option<Said>) -> Rule {
    Rule { code, weight, look: Look::Alone(look) }
}

const fn compared(code: &'static str, weight: Weight, look: fn(&Case, &Across) -> Option<Said>) -> Rule {
    Rule { code, weight, look: Look::Across(look) }
}

impl Rule {
    fn find(&self, case: &Case, across: &Across) -> Option<Finding> {
        let said = match self.look {
            Look::Alone(look) => look(case),
            Look::Across(look) => look(case, across),
        }?;
        Some(Finding {
            code: self.code,
            weight: self.weight,
            file: case.file.to_owned(),
            place: case.record.place.clone(),
            serial: case.record.serial().map(str::to_owned),
            what: said.what,
            ask: said.ask,
        })
    }
}

/// A finding's two sentences.
struct Said {
    what: String,
    ask: String,
}

fn said(what: String, ask: impl Into<String>) -> Option<Said> {
    Some(Said { what, ask: ask.into() })
}

/// One record with what is known of its medium.
struct Case<'a> {
    /// Its place among all.
    number: usize,
    file_number: usize,
    file: &'a str,
    reading: &'a Reading,
    record: &'a MediumReading,
    context: Context<'a>,
    started: Option<Moment<'a>>,
    ended: Option<Moment<'a>>,
    issued: Option<Moment<'a>>,
    /// The serial number in the form in which two are compared.
    serial: Option<String>,
}

impl<'a> Case<'a> {
    fn new(number: usize, file_number: usize, file: &'a str, reading: &'a Reading, record: &'a MediumReading, context: Context<'a>) -> Self {
        let moment = |text: &'a Option<String>| text.as_deref().and_then(Moment::read);
        Self {
            number,
            file_number,
            file,
            reading,
            record,
            context,
            started: moment(&record.started_at),
            ended: moment(&record.ended_at),
            issued: moment(&record.issued_at),
            serial: record.serial().and_then(|serial| Serial::parse(serial).ok()).map(|serial| serial.normal()),
        }
    }
    /// Whether it is about a sanitization at all.
    fn is_work(&self) -> bool {
        self.record.kind == Kind::Sanitization
    }
    /// Whether the report presents the work as a success.
    fn is_success(&self) -> bool {
        self.is_work() && self.record.result.is_success()
    }
    /// Whether the report does not itself say that the work came to nothing.
    fn is_claim(&self) -> bool {
        self.is_work() && !matches!(self.record.result, Outcome::Fail | Outcome::Aborted)
    }
    /// The method that such a report claims, in a place of its own or in the name of the standard.
    fn claims(&self, method: Method) -> bool {
        self.is_claim() && self.record.method_claimed.or_else(|| self.method_of_standard()) == Some(method)
    }
    /// The one method that the words of the standard name.
    fn method_of_standard(&self) -> Option<Method> {
        let words = self.record.standard_claimed.as_deref()?.to_ascii_lowercase();
        let mut named = words.split(|c: char| !c.is_alphanumeric()).filter_map(|word| match word {
            "clear" => Some(Method::Clear),
            "purge" => Some(Method::Purge),
            "destroy" => Some(Method::Destroy),
            _ => None,
        });
        let first = named.next()?;
        named.all(|other| other == first).then_some(first)
    }
    /// What is claimed, in the report's words where it has some: `“NIST 800-88 Purge”`, `Purge`.
    fn claim(&self) -> String {
        match (&self.record.standard_claimed, self.record.method_claimed) {
            (Some(standard), None) => format!("“{}”", super::reading::short(standard)),
            (_, Some(method)) => capitalised(method.label()),
            (None, None) => "nothing".to_owned(),
        }
    }
    /// The medium by its serial number: `W6200001`.
    fn who(&self) -> String {
        match (&self.record.media_serial, &self.record.device_serial) {
            (Some(serial), _) => serial.clone(),
            (None, Some(device)) => format!("the storage of {device}"),
            (None, None) => format!("the medium without a serial number at {}", super::reading::short(&self.record.place)),
        }
    }
    /// The medium with what the report or else the record says it is: `W6200001, a hard disk`. Of an SSD the record may know the interface.
    fn which(&self) -> String {
        match (self.kind(), self.expected_type()) {
            (Some(MediaKind::Ssd), Some(media_type @ (MediaType::SsdSata | MediaType::SsdNvme))) => {
                format!("{}, {} in the record", self.who(), article(media_type.label()))
            }
            (Some(kind), _) => format!("{}, {}", self.who(), article(kind.label())),
            (None, Some(media_type)) => format!("{}, {} in the record", self.who(), article(media_type.label())),
            (None, None) => self.who(),
        }
    }
    /// What the report says the medium is.
    fn kind(&self) -> Option<MediaKind> {
        self.record.media_kind.filter(|kind| *kind != MediaKind::Other)
    }
    /// What the record says the medium is.
    fn expected_type(&self) -> Option<MediaType> {
        self.context.expected.map(|expected| expected.media_type).filter(|media_type| *media_type != MediaType::Unknown)
    }
    /// Whether it is flash, as the report says or else the record; `None` where neither does.
    fn is_flash(&self) -> Option<bool> {
        match self.kind() {
            Some(kind) => Some(!matches!(kind, MediaKind::Hdd | MediaKind::Tape)),
            None => self.expected_type().and_then(MediaType::is_flash),
        }
    }
    /// Whether every byte was written by the host.
    fn is_overwrite(&self) -> bool {
        self.record.technique == Technique::HostOverwrite
    }
    /// The passes that a success claims: those reported as finished, or else those asked for.
    fn passes(&self) -> Option<u32> {
        self.record.passes_done.or(self.record.passes_requested).filter(|passes| *passes > 0)
    }
}

/// `an SSD`, `a hard disk`; flash, storage, memory and tape have none.
fn article(label: &str) -> String {
    match label {
        _ if ["soldered", "storage", "memory of", "memory built", "volatile", "magnetic"].iter().any(|mass| label.starts_with(mass)) => {
            label.to_owned()
        }
        _ if ["SSD", "NVMe", "optical"].iter().any(|vowel| label.starts_with(vowel)) => format!("an {label}"),
        _ => format!("a {label}"),
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// `500,107,862,016`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
