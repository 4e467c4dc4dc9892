//! The policy: which method a technique reaches on which medium under which conditions, and which method is the least for a destination.
//! A pack is versioned data (`policy/*.toml`) with the basis of each rule; nothing is reached that no rule says.

mod statement;
pub mod verdict;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::asset::Asset;
use super::catalogue::fits;
use super::disposition::Destination;
use super::evidence::{Finding, HiddenArea, Reading, ToolResult, Weight};
use super::medium::{FailedAttempt, Medium};
use super::names::{Digest, MediaType, Method, Name, Reference, Sensitivity, Technique};
use super::refusal::Refusal;

pub use statement::{Known, Precondition, Statement};

/// The starter pack that ships with the product; it is nobody's policy until an organisation adopts it.
pub const STARTER: &str = include_str!("policy/us-k12-starter.toml");

/// One row of the table media × technique.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name in the pack.
    pub id: String,
    /// The media it is about.
    pub media: Vec<MediaType>,
    /// The technique.
    pub technique: Technique,
    /// The method reached when every need is met.
    pub reaches: Method,
    /// What must be shown.
    #[serde(default)]
    pub needs: Vec<Precondition>,
    /// Where the rule comes from.
    pub basis: String,
    /// What whoever accepts the result has to bear in mind: what the technique does not address.
    #[serde(default)]
    pub note: Option<String>,
}

/// One row of the decision table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Minimum {
    /// How confidential the data is.
    pub sensitivity: Sensitivity,
    /// Where the device goes.
    pub destination: Destination,
    /// The least method.
    pub method: Method,
    /// Where the row comes from.
    pub basis: String,
}

/// A rule across all media (P-1 … P-7, RA-1): the program keeps it, the pack says it and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Principle {
    /// Its name.
    pub id: String,
    /// What it says.
    pub statement: String,
    /// Where it comes from.
    pub basis: String,
}

/// An organisation's own word that on a model a technique is a cryptographic erase whose conditions hold (CE-1 to CE-6 attested for the model,
/// not shown for each device). No pack that ships with the program has one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// Its name in the pack.
    pub id: String,
    /// Who makes the model; the case does not matter.
    pub manufacturer: String,
    /// Which model; `*` stands for any text.
    pub model: String,
    /// The technique.
    pub technique: Technique,
    /// The method reached: clear or purge, for a reset destroys nothing.
    pub reaches: Method,
    /// What must still be shown for each device.
    pub needs: Vec<Precondition>,
    /// The office that states it.
    pub stated_by: Name,
    /// The day of the statement.
    pub stated_on: NaiveDate,
    /// The document that says why.
    pub reference: Reference,
}

/// A versioned policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its text.
    pub digest: Digest,
    /// What holds across all media.
    pub principles: Vec<Principle>,
    /// The table media × technique.
    pub rules: Vec<Rule>,
    /// What the organisation attests of models.
    pub attestations: Vec<Attestation>,
    /// The decision table.
    pub minimum: Vec<Minimum>,
    /// What findings about reports mean, by their codes, where that is not what they mean by themselves.
    pub findings: BTreeMap<String, Weight>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackFile {
    name: String,
    version: String,
    #[serde(default)]
    principle: Vec<Principle>,
    rule: Vec<Rule>,
    #[serde(default)]
    attestation: Vec<Attestation>,
    minimum: Vec<Minimum>,
    #[serde(default)]
    findings: BTreeMap<String, Weight>,
}

/// A pack's identity, as events and certificates carry it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackRef {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its text.
    pub sha256: Digest,
}

/// Who made the device that a medium is in, and which model it is.
#[derive(Clone, Copy, Debug)]
pub struct ModelOf<'a> {
    /// Its maker.
    pub manufacturer: &'a str,
    /// Its model.
    pub model: &'a str,
}

/// What is known about one sanitization when it is judged.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The medium's type.
    pub media_type: MediaType,
    /// The device that it is in.
    pub model: Option<ModelOf<'a>>,
    /// The technique.
    pub technique: Technique,
    /// How confidential the data is.
    pub sensitivity: Sensitivity,
    /// What a reader found in the evidence file about this medium.
    pub reading: Option<&'a Reading>,
    /// What the person states.
    pub statement: &'a Statement,
    /// The same data was purged and verified before.
    pub purged_before: bool,
    /// What of it failed before.
    pub failed: Failed,
    /// It was recorded before that it does not power on.
    pub dead: bool,
    /// An approver has accepted the residual risk of this technique on it.
    pub risk_accepted: bool,
}

/// Attempts at a sanitization that failed before (rule P-5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// None.
    Never,
    /// One, by this technique: one further attempt by another technique that is at least as strong is judged like any other.
    Once(Technique),
    /// Two or more: only destruction is left.
    Often,
}

impl Failed {
    fn of(attempts: &[FailedAttempt]) -> Self {
        match attempts {
            [] => Failed::Never,
            [one] => Failed::Once(one.technique),
            _ => Failed::Often,
        }
    }
}

/// A rule across all media that stands in the way, whatever else is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// P-1: no rule is about this technique on this medium.
    NoRule,
    /// P-5: a technique that the device carries out itself, and it does not power on.
    NotOperational,
    /// P-5: one attempt failed before, and this one is by the same technique or by a weaker one.
    FailedOnce,
    /// P-5: two attempts failed before, and this one does not destroy.
    FailedBefore,
}

/// A stronger rule, and what would have to be shown for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The rule.
    pub rule: String,
    /// What it reaches.
    pub reaches: Method,
    /// What is not shown.
    pub needs: Vec<Precondition>,
}

/// What a sanitization comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The method; `none` where no rule holds.
    pub method: Method,
    /// The rule that says so; `none` where no rule holds.
    pub rule: String,
    /// Its basis.
    pub basis: String,
    /// What the technique does not address.
    pub note: Option<String>,
    /// The strongest rule that did not hold.
    pub missed: Option<Missed>,
    /// What stands in the way of every rule.
    pub stopped: Option<Stopped>,
}

impl Pack {
    /// Reads a pack. `digest` is the SHA-256 of `text`.
    pub fn parse(text: &str, digest: Digest) -> Result<Self, Refusal> {
        let file: PackFile = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let why = format!("Line {} of the policy pack cannot be read, correct it: {}.", 1 + before.matches('\n').count(), error.message());
            Refusal::new("policy.malformed", why)
        })?;
        check_minimum(&file.minimum)?;
        check_rules(&file)?;
        Ok(Self {
            name: file.name,
            version: file.version,
            digest,
            principles: file.principle,
            rules: file.rule,
            attestations: file.attestation,
            minimum: file.minimum,
            findings: file.findings,
        })
    }

    /// Its identity.
    pub fn reference(&self) -> PackRef {
        PackRef { name: self.name.clone(), version: self.version.clone(), sha256: self.digest.clone() }
    }

    /// The least method for data of this sensitivity that goes there.
    pub fn least(&self, sensitivity: Sensitivity, destination: Destination) -> Method {
        self.minimum.iter().find(|row| row.sensitivity == sensitivity && row.destination == destination).map_or(Method::Destroy, |row| row.method)
    }

    /// What a finding about a report means for what it claims.
    pub fn weight(&self, finding: &Finding) -> Weight {
        self.findings.get(&finding.code).copied().unwrap_or(finding.weight)
    }

    /// The rules about a technique on a medium, the strongest first; what the organisation attests of the model is one.
    fn rules_for(&self, media_type: MediaType, technique: Technique, model: Option<ModelOf>) -> Vec<Rule> {
        let said = self.rules.iter().filter(|rule| rule.technique == technique && rule.media.contains(&media_type)).cloned();
        let attested = self.attestations.iter().filter(|attested| attested.technique == technique && model.is_some_and(|model| attested.fits(model)));
        // By P-1 nobody can attest anything of a medium that nobody has identified.
        let attested = attested.filter(|_| media_type != MediaType::Unknown).map(|attested| attested.rule(media_type));
        let mut rules: Vec<Rule> = said.chain(attested).collect();
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.reaches));
        rules
    }

    /// The strongest method that a technique reaches on a medium with what anybody can show of the medium itself: shredding, where none of the ways
    /// of SH-1 is open, is the lowest that counts at all.
    pub fn at_most(&self, media_type: MediaType, technique: Technique, model: Option<ModelOf>) -> Method {
        let rules = self.rules_for(media_type, technique, model);
        let strongest = |rule: &Rule| if rule.needs.contains(&Precondition::ShredAllowed) { Method::Clear } else { rule.reaches };
        rules.iter().map(strongest).max().unwrap_or(Method::None)
    }

    /// What a technique reaches on a medium where everything is shown.
    fn strongest(&self, media_type: MediaType, technique: Technique, model: Option<ModelOf>) -> Method {
        self.rules_for(media_type, technique, model).first().map_or(Method::None, |rule| rule.reaches)
    }

    /// What a sanitization comes to: the strongest rule whose needs are all met (P-2). An unknown technique or medium reaches nothing (P-1).
    pub fn reached(&self, of: &Circumstances) -> Reached {
        let mut rules = self.rules_for(of.media_type, of.technique, of.model);
        if rules.is_empty() {
            return Reached::stopped(Stopped::NoRule);
        }
        if of.technique.is_logical() && of.is_dead() {
            return Reached::stopped(Stopped::NotOperational);
        }
        let (least, stopped) = match of.failed {
            Failed::Never => (Method::None, Stopped::NoRule),
            Failed::Once(before) if before != of.technique => (self.strongest(of.media_type, before, of.model), Stopped::FailedOnce),
            Failed::Once(_) => (Method::Destroy, Stopped::FailedOnce),
            Failed::Often => (Method::Destroy, Stopped::FailedBefore),
        };
        rules.retain(|rule| rule.reaches >= least);
        if rules.is_empty() {
            return Reached::stopped(stopped);
        }
        let mut missed = None;
        for rule in rules {
            let needs: Vec<Precondition> = rule.needs.iter().copied().filter(|need| !of.meets(*need)).collect();
            if needs.is_empty() {
                return Reached { method: rule.reaches, rule: rule.id, basis: rule.basis, note: rule.note, missed, stopped: None };
            }
            missed.get_or_insert(Missed { rule: rule.id, reaches: rule.reaches, needs });
        }
        Reached { missed, ..Reached::nothing() }
    }
}

impl Reached {
    fn nothing() -> Self {
        Self { method: Method::None, rule: "none".to_owned(), basis: String::new(), note: None, missed: None, stopped: None }
    }
    fn stopped(by: Stopped) -> Self {
        Self { stopped: Some(by), ..Self::nothing() }
    }
}

impl Attestation {
    fn fits(&self, of: ModelOf) -> bool {
        self.manufacturer.to_lowercase() == of.manufacturer.to_lowercase() && fits(&self.model, of.model)
    }
    /// The rule that it is for one kind of medium.
    fn rule(&self, media_type: MediaType) -> Rule {
        Rule {
            id: self.id.clone(),
            media: vec![media_type],
            technique: self.technique,
            reaches: self.reaches,
            needs: self.needs.clone(),
            basis: format!(
                "attested for {} {} by {} on {}, reference {}: cryptographic erase whose conditions hold for the model",
                self.manufacturer, self.model, self.stated_by, self.stated_on, self.reference
            ),
            note: None,
        }
    }
}

/// Every cell of the decision table once; data whose sensitivity is not known is treated as the most confidential (P-7).
fn check_minimum(minimum: &[Minimum]) -> Result<(), Refusal> {
    for sensitivity in Sensitivity::ALL {
        for destination in Destination::ALL {
            let rows = minimum.iter().filter(|row| row.sensitivity == *sensitivity && row.destination == *destination).count();
            if rows != 1 {
                let why = format!("The decision table has {rows} rows for {sensitivity} × {destination}; it needs exactly one.");
                return Err(Refusal::new("policy.incomplete", why));
            }
        }
    }
    let least = |of: Sensitivity, to: Destination| minimum.iter().find(|row| row.sensitivity == of && row.destination == to).map(|row| row.method);
    for destination in Destination::ALL {
        if least(Sensitivity::Unknown, *destination) < least(Sensitivity::High, *destination) {
            let why = format!(
                "By rule P-7 data of unknown sensitivity is treated as the most confidential, and for {} the decision table asks less for it than for \
                 high: raise that row.",
                destination.label()
            );
            return Err(Refusal::new("policy.unknown_is_high", why));
        }
    }
    Ok(())
}

/// What no pack may say, whoever adopts it.
fn check_rules(file: &PackFile) -> Result<(), Refusal> {
    let wrong = |id: &str, why: &str| Err(Refusal::new("policy.rule", format!("Rule {id} of the policy pack {why}.")));
    let mut ids: Vec<&str> =
        file.rule.iter().map(|rule| rule.id.as_str()).chain(file.attestation.iter().map(|attested| attested.id.as_str())).collect();
    ids.sort_unstable();
    if let Some(twice) = ids.windows(2).find_map(|pair| pair.first().filter(|first| Some(first) == pair.last().as_ref())) {
        return wrong(twice, "is there twice; give each its own id");
    }
    for rule in &file.rule {
        if rule.technique == Technique::Unknown {
            return wrong(&rule.id, "is about an unknown technique, which reaches nothing (P-1); name the technique");
        }
        let ata = rule.media.iter().any(|media| matches!(media, MediaType::HddAta | MediaType::SsdSata | MediaType::SshdHybrid));
        if ata && rule.technique.is_logical() && !rule.needs.contains(&Precondition::NoHiddenArea) {
            return wrong(&rule.id, "does not ask for hidden areas to be absent or reset (P-3); add no_hidden_area to its needs");
        }
        if rule.technique == Technique::Degauss && rule.reaches > Method::Purge {
            return wrong(&rule.id, "says that degaussing destroys, which it never does (NIST SP 800-88r2); lower it to purge");
        }
    }
    for attested in &file.attestation {
        if !attested.technique.is_logical() || attested.reaches > Method::Purge {
            return wrong(
                &attested.id,
                "attests more than a device can do to itself; an attestation reaches purge at most, by what the device carries out",
            );
        }
    }
    Ok(())
}

impl<'a> ModelOf<'a> {
    /// Of this device.
    pub fn of(device: &'a Asset) -> Self {
        Self { manufacturer: device.manufacturer.as_str(), model: device.model.as_str() }
    }
}

impl<'a> Circumstances<'a> {
    /// What the record knows of a medium, with what is shown of a technique on it now. In a device, the device says how confidential the data is.
    pub fn of(medium: &Medium, host: Option<&'a Asset>, technique: Technique, reading: Option<&'a Reading>, statement: &'a Statement) -> Self {
        Self {
            media_type: medium.media_type,
            model: host.map(ModelOf::of),
            technique,
            sensitivity: host.map(|host| host.sensitivity).or(medium.sensitivity).unwrap_or(Sensitivity::Unknown),
            reading,
            statement,
            purged_before: medium.purged_before.is_some(),
            failed: Failed::of(&medium.failed),
            dead: medium.dead.is_some(),
            risk_accepted: medium.residual_risk.iter().any(|risk| risk.technique == technique),
        }
    }
}

impl Circumstances<'_> {
    /// Whether it is known that it does not power on: stated now, or recorded before and not contradicted.
    fn is_dead(&self) -> bool {
        self.statement.operational == Some(Known::No) || self.dead && self.statement.operational != Some(Known::Yes)
    }

    fn meets(&self, need: Precondition) -> bool {
        let stated = self.statement;
        match (need, self.reading) {
            (Precondition::ToolPass, Some(reading)) => reading.result == ToolResult::Pass,
            (Precondition::NoErrors, Some(reading)) => reading.errors == 0,
            (Precondition::FullRange, Some(reading)) => reading.complete,
            (Precondition::ToolPass | Precondition::NoErrors | Precondition::FullRange, None) => stated.completed_without_error == Some(true),
            (Precondition::NoHiddenArea, Some(reading)) => {
                reading.hidden_area == HiddenArea::None || (reading.hidden_area == HiddenArea::Unknown && stated.hidden_areas_absent == Some(true))
            }
            (Precondition::NoHiddenArea, None) => stated.hidden_areas_absent == Some(true),
            (Precondition::ShredAllowed, _) => self.may_be_shredded(),
            (need, _) => stated.shows(need),
        }
    }

    /// SH-1, its five ways: low data; purged and verified before; melted or burned afterwards; a machine of the NSA's list that meets its particle size;
    /// an approver's acceptance of the residual risk.
    fn may_be_shredded(&self) -> bool {
        self.sensitivity == Sensitivity::Low
            || self.purged_before
            || self.statement.shows(Precondition::Facility)
            || self.statement.meets_listed_particle()
            || self.risk_accepted
    }
}

#[cfg(test)]
mod tests;
