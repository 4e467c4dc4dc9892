//! Sanitization: performed by one person, verified by another, validated by the organisation.

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Status};
use super::catalogue::Seen;
use super::destruction::Feed;
use super::equipment::{self, Used};
use super::evidence::{ARCHIVE, Evidence, Finding, Link, PHOTO, ToolResult, Weight};
use super::medium::{self, FailedAttempt, Medium, MediumState, Sanitization};
use super::names::{Digest, MachineId, MediumId, Method, Role, Technique};
use super::policy::verdict::{Question, Shown};
use super::policy::{Circumstances, Known, Pack, PackRef, Reached, Statement, Stopped};
use super::reconciliation::require_no_questions;
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects};

/// Reports that a medium was sanitized, or that it was tried and failed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordSanitization {
    /// The medium.
    pub medium: MediumId,
    /// The technique.
    pub technique: Technique,
    /// The stored file that shows it; needed for every technique that software performs.
    pub evidence: Option<Digest>,
    /// Tool and version, where the file does not say; where neither does, the machine, or the machine or facility of the statement.
    pub tool: Option<super::names::Name>,
    /// The machine of the register that did it; it says what the statement leaves open.
    pub machine: Option<MachineId>,
    /// What the file cannot show.
    #[serde(default)]
    pub statement: Statement,
}

/// `media.sanitized`: carries the outcome and what it rests on, so that it is never judged again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediumSanitized {
    /// The technique.
    pub technique: Technique,
    /// The method reached.
    pub method: Method,
    /// The rule that says so.
    pub rule: String,
    /// Its basis.
    pub basis: String,
    /// The policy pack the rule is of.
    pub policy: PackRef,
    /// Tool and version.
    pub tool: Option<String>,
    /// The evidence file.
    pub evidence: Option<Digest>,
    /// What the person states, with what the register says of the machine.
    pub statement: Statement,
    /// The machine that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Used>,
    /// In a destruction run: how it went in, before whose eyes, and the video of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<Feed>,
}

/// `media.sanitization_failed`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SanitizationFailed {
    /// The technique.
    pub technique: Technique,
    /// What the tool said.
    pub result: ToolResult,
    /// The evidence file.
    pub evidence: Option<Digest>,
}

/// Another person inspected the immediate outcome.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifySanitization {
    /// The medium.
    pub medium: MediumId,
}

/// `media.verified`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SanitizationVerified {
    /// The entry that reports the sanitization.
    pub performed: u64,
}

/// The organisation accepts the sanitization for this data.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidateSanitization {
    /// The medium.
    pub medium: MediumId,
}

/// `media.validated`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SanitizationValidated {
    /// The entry that reports the sanitization.
    pub performed: u64,
    /// The method that is accepted.
    pub method: Method,
}

/// A medium in hands that may act on it, with the device that it is in.
pub(super) fn medium_at_hand<'a>(known: &'a Records, id: &MediumId, occasion: &Occasion) -> Result<(&'a Medium, Option<&'a Asset>), Stop> {
    let medium = medium::require(known, id)?;
    let Some(host) = medium.host_of(known)? else {
        occasion.may_touch_loose(medium)?;
        medium.require_real()?;
        require_no_questions(known, &medium.handoffs, &medium.title())?;
        return Ok((medium, None));
    };
    if occasion.actor.role.is_vendor() && !host.concerns(&occasion.actor.party) {
        return Err(medium::unknown(id).into());
    }
    occasion.may_touch(host)?;
    medium.require_real()?;
    host.require_free("sanitization.held")?;
    require_no_questions(known, &host.handoffs, host.tag.as_str())?;
    Ok((medium, Some(host)))
}

fn about(medium: &Medium) -> [Subject; 1] {
    [Subject::new(SubjectKind::Medium, medium.id.as_str())]
}

impl Order for RecordSanitization {
    const ROLES: &'static [Role] = &[Role::VendorOperator, Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let (medium, host) = medium_at_hand(known, &self.medium, occasion)?;
        self.statement.check(occasion.occurred)?;
        if medium.seen == Seen::Expected {
            let why = format!(
                "{} is expected by the model and nobody has seen it: confirm it first (confirm_medium), as seen or attested.",
                medium.title()
            );
            return Err(Refusal::new("sanitization.only_expected", why).because(Cause::Entry(medium.recorded)).into());
        }
        if let Some(host) = host
            && (host.in_transit || host.consignment.is_some() || !matches!(host.status, Status::Retired))
        {
            return Err(Refusal::new(
                "sanitization.not_at_rest",
                format!("{} is {}; sanitization is recorded for retired devices at rest.", host.tag, host.label().label()),
            )
            .into());
        }
        if let Some(host) = host
            && host.preparation.evaluation.is_none()
        {
            let why =
                format!("{} is not evaluated: a coordinator has to decide reuse-first what becomes of it, then how its data is removed.", host.tag);
            return Err(Refusal::new("sanitization.not_evaluated", why).into());
        }
        if medium.in_transit || medium.consignment.is_some() || medium.state == MediumState::Absent {
            let why = format!("{} is not in anybody's hands now; sanitization is recorded for what is at rest.", medium.title());
            return Err(Refusal::new("sanitization.not_at_rest", why).into());
        }
        if medium.is_destroyed() {
            return Err(Refusal::new("sanitization.destroyed", format!("{} is destroyed; nothing more can be done to it.", medium.title())).into());
        }
        if let Some(failed) = medium.failed.last() {
            occasion.not_before(failed.occurred, "the attempt that failed")?;
        }
        let evidence = match &self.evidence {
            None => None,
            Some(digest) => match known.find::<Evidence>(digest)? {
                // A file of others is unknown to a vendor, unless it was read as being about this very medium.
                Some(evidence)
                    if !occasion.actor.role.is_vendor()
                        || evidence.concerns(&occasion.actor.party)
                        || evidence.links.iter().any(|link| link.medium == medium.id) =>
                {
                    Some(evidence)
                }
                _ => {
                    return Err(Refusal::new(
                        "sanitization.unknown_evidence",
                        format!("No file with the SHA-256 {digest} is stored; upload it first."),
                    )
                    .into());
                }
            },
        };
        evidence.map_or(Ok(()), Evidence::require_bytes)?;
        let link = evidence.and_then(|evidence| evidence.link_of(medium, host));
        let reading = link.map(|link| &link.reading);
        if self.technique.needs_file() && evidence.is_none() {
            return Err(Refusal::new(
                "sanitization.no_evidence",
                format!("{} is shown by a file: upload the tool's log or output and name it here.", self.technique.label()),
            )
            .into());
        }
        if let Some(evidence) = evidence
            && let Some(reader) = evidence.reader.as_ref().filter(|reader| reader.name != PHOTO)
            && reading.is_none()
        {
            if reader.name == ARCHIVE {
                let why = format!("This is an archive: name the file in it that speaks of {}.", medium.title());
                return Err(Refusal::new("sanitization.other_medium", why).into());
            }
            return Err(Refusal::new(
                "sanitization.other_medium",
                format!("The file was read and says nothing about {}; upload the one that does.", medium.title()),
            )
            .into());
        }
        if let Some(reading) = reading {
            if reading.technique != self.technique {
                return Err(Refusal::new(
                    "sanitization.technique_differs",
                    format!(
                        "The file shows “{}”, you say “{}”; correct the technique or upload the right file.",
                        reading.technique.label(),
                        self.technique.label()
                    ),
                )
                .into());
            }
            match reading.result {
                ToolResult::Fail | ToolResult::Aborted => {
                    if let Some(told) = medium.failed.iter().find(|failed| failed.evidence == self.evidence) {
                        let why = format!(
                            "The failure that this file shows is recorded of {} already; upload the file of the further attempt.",
                            medium.title()
                        );
                        return Err(Refusal::new("sanitization.failure_recorded", why).because(Cause::Entry(told.seq)).into());
                    }
                    let failed = SanitizationFailed { technique: self.technique, result: reading.result, evidence: self.evidence.clone() };
                    return Ok(vec![Happening::new(failed, about(medium))]);
                }
                ToolResult::InProgress | ToolResult::Inconclusive => {
                    return Err(Refusal::new(
                        "sanitization.no_result",
                        format!("According to the file the work is {}; upload the file that shows its end.", reading.result.label()),
                    )
                    .into());
                }
                ToolResult::Pass | ToolResult::PassWithExceptions => {}
            }
        }
        if let Some(refusal) = link.and_then(|link| in_doubt(occasion.policy, link, medium)) {
            return Err(refusal.into());
        }
        let day = occasion.occurred.utc().date_naive();
        let machine = match (&self.machine, host.map(|host| &host.holder).or(medium.holder.as_ref())) {
            (Some(id), Some(holder)) => Some(equipment::require_at(known, id, holder, &medium.title(), occasion)?),
            (None, Some(holder)) => equipment::stated_at(known, &self.statement, self.technique, holder, day)?,
            _ => None,
        };
        let statement = match machine {
            Some(machine) => machine.fills(&self.statement, self.technique, day)?,
            None => self.statement.clone(),
        };
        let of = Circumstances::of(medium, host, self.technique, reading, &statement);
        let reached = occasion.policy.reached(&of);
        if reached.method == Method::None {
            let tool = reading.and_then(|reading| reading.tool.as_deref());
            let shown = if evidence.is_some() { Shown::File(tool) } else { Shown::Statement };
            return Err(not_reached(&reached, &Question::of(occasion.policy, &medium.title(), &of, shown), medium).into());
        }
        let sanitized = MediumSanitized {
            technique: self.technique,
            method: reached.method,
            rule: reached.rule,
            basis: reached.basis,
            policy: occasion.policy.reference(),
            tool: reading
                .and_then(|reading| reading.tool.clone())
                .or_else(|| self.tool.as_ref().map(ToString::to_string))
                .or_else(|| machine.map(|machine| machine.is.words()))
                .or_else(|| statement.machine()),
            evidence: self.evidence.clone(),
            statement,
            machine: machine.map(equipment::Machine::used),
            feed: None,
        };
        Ok(vec![Happening::new(sanitized, about(medium))])
    }
}

/// What is wrong with a report so that the policy does not let it count before it is answered.
fn in_doubt(policy: &Pack, link: &Link, medium: &Medium) -> Option<Refusal> {
    let barring: Vec<&Finding> = link.findings.iter().filter(|finding| policy.weight(finding) == Weight::Blocks).collect();
    let first = barring.first()?;
    let more = match barring.len() {
        1 => String::new(),
        more => format!(" {} more are listed.", more - 1),
    };
    let why = format!(
        "{} {} Until then the file does not count for {} by {} version {} ({}).{more}",
        first.what,
        first.ask,
        medium.title(),
        policy.name,
        policy.version,
        first.code
    );
    let asked = barring.iter().map(|finding| format!("{} {}", finding.what, finding.ask)).collect();
    Some(Refusal::listing("sanitization.claim_in_doubt", why, asked))
}

/// What the policy does not let count, as a refusal: the code says whether another technique may be tried, or only destruction is left.
fn not_reached(reached: &Reached, question: &Question, medium: &Medium) -> Refusal {
    let why = question.answer(reached);
    let missing = reached.missed.iter().flat_map(|missed| &missed.needs).map(|need| format!("Ask for {}.", need.ask())).collect();
    let failed = Cause::Entry(medium.failed.last().map_or(medium.last_seq, |attempt| attempt.seq));
    match reached.stopped {
        Some(Stopped::FailedOnce) => Refusal::new("sanitization.failed_once", why).because(failed),
        Some(Stopped::FailedBefore) => Refusal::new("sanitization.only_destroy", why).because(failed),
        Some(Stopped::NotOperational) => Refusal::new("sanitization.not_operational", why),
        Some(Stopped::NoRule) | None => Refusal::listing("sanitization.not_reached", why, missing),
    }
}

impl Technique {
    /// Performed by software, which leaves a log: a file is needed. Machines that cut, melt or magnetise leave a reference to themselves.
    fn needs_file(self) -> bool {
        self.is_logical() || self == Technique::KeyDeletion
    }
}

impl Fact for MediumSanitized {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.medium() else { return };
        medium::change(known, &id, stamp.seq, |medium| {
            medium.state = MediumState::InProcess;
            match self.statement.operational {
                Some(Known::No) => medium.dead = Some(stamp.seq),
                Some(Known::Yes) => medium.dead = None,
                Some(Known::Unknown) | None => {}
            }
            medium.sanitization = Some(Sanitization {
                performed: stamp.act(),
                technique: self.technique,
                method: self.method,
                rule: self.rule.clone(),
                basis: self.basis.clone(),
                tool: self.tool.clone(),
                evidence: self.evidence.clone(),
                feed: self.feed.clone(),
                verified: None,
                validated: None,
                sampled: None,
            });
        });
    }
    fn sentence(&self) -> String {
        let machine = self.machine.as_ref().map_or_else(String::new, |machine| format!(" with {}", machine.words));
        let fed = self.feed.as_ref().map_or_else(String::new, |feed| format!(" {}", feed.sentence()));
        format!(
            "Sanitized by {}{machine}: {} by rule {} of {} version {}.{fed}",
            self.technique.label(),
            self.method.label(),
            self.rule,
            self.policy.name,
            self.policy.version
        )
    }
}

impl Fact for SanitizationFailed {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.medium() else { return };
        medium::change(known, &id, stamp.seq, |medium| {
            medium.fails(FailedAttempt { seq: stamp.seq, occurred: stamp.occurred, technique: self.technique, evidence: self.evidence.clone() });
        });
    }
    fn sentence(&self) -> String {
        format!("Sanitization by {}: {}. It counts for nothing.", self.technique.label(), self.result.label())
    }
}

impl Order for VerifySanitization {
    const ROLES: &'static [Role] = &[Role::VendorVerifier, Role::VendorOperator, Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let (medium, _) = medium_at_hand(known, &self.medium, occasion)?;
        let Some(sanitization) = &medium.sanitization else {
            return Err(Refusal::new(
                "sanitization.not_performed",
                format!("No sanitization of {} is recorded that could be verified.", medium.title()),
            )
            .into());
        };
        if let Some(verified) = &sanitization.verified {
            let why = format!("The sanitization of {} is verified already.", medium.title());
            return Err(Refusal::new("sanitization.verified", why).because(Cause::Entry(verified.seq)).into());
        }
        if sanitization.performed.by == occasion.actor.person {
            return Err(Refusal::new("sanitization.same_person", "You performed this sanitization; another person has to verify it.").into());
        }
        occasion.not_before(sanitization.performed.occurred, "the sanitization")?;
        Ok(vec![Happening::new(SanitizationVerified { performed: sanitization.performed.seq }, about(medium))])
    }
}

impl Fact for SanitizationVerified {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.medium() else { return };
        medium::change(known, &id, stamp.seq, |medium| {
            if let Some(sanitization) = &mut medium.sanitization {
                sanitization.verified = Some(stamp.act());
                if sanitization.method == Method::Purge {
                    medium.purged_before = Some(sanitization.performed.seq);
                }
            }
        });
    }
    fn sentence(&self) -> String {
        format!("Sanitization of entry {} verified by another person.", self.performed)
    }
}

impl Order for ValidateSanitization {
    const ROLES: &'static [Role] = &[Role::Approver];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let (medium, _) = medium_at_hand(known, &self.medium, occasion)?;
        let Some(sanitization) = &medium.sanitization else {
            return Err(Refusal::new(
                "sanitization.not_performed",
                format!("No sanitization of {} is recorded that could be validated.", medium.title()),
            )
            .into());
        };
        let Some(verified) = &sanitization.verified else {
            return Err(Refusal::new(
                "sanitization.not_verified",
                format!("The sanitization of {} has to be verified by another person first.", medium.title()),
            )
            .into());
        };
        if let Some(validated) = &sanitization.validated {
            let why = format!("The sanitization of {} is validated already.", medium.title());
            return Err(Refusal::new("sanitization.validated", why).because(Cause::Entry(validated.seq)).into());
        }
        if occasion.actor.person == sanitization.performed.by || occasion.actor.person == verified.by {
            return Err(
                Refusal::new("sanitization.same_person", "You performed or verified this sanitization; another person has to validate it.").into()
            );
        }
        occasion.not_before(verified.occurred, "the verification")?;
        let event = SanitizationValidated { performed: sanitization.performed.seq, method: sanitization.method };
        Ok(vec![Happening::new(event, about(medium))])
    }
}

impl Fact for SanitizationValidated {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.medium() else { return };
        medium::change(known, &id, stamp.seq, |medium| {
            medium.state = match self.method {
                Method::None => MediumState::Failed,
                Method::Clear => MediumState::Cleared,
                Method::Purge => MediumState::Purged,
                Method::Destroy => MediumState::Destroyed,
            };
            if let Some(sanitization) = &mut medium.sanitization {
                sanitization.validated = Some(stamp.act());
            }
        });
    }
    fn sentence(&self) -> String {
        format!("Sanitization of entry {} accepted by the organisation: {}.", self.performed, self.method.label())
    }
}
