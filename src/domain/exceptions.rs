//! Exceptions: what should not be so, with a severity, an owner, a due date and what to do next. [`RULES`] is the list; the service looks, and what it
//! finds is raised once, changed while it lasts, and resolved when its condition ends.

mod rules;

use std::fmt;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use super::medium::Act;
use super::names::{AssetId, ConsignmentId, Digest, DiscrepancyId, Instant, PartyId, PersonId, Reference, Role, codes};
use super::records::{Records, Stop, record};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects};

pub use rules::{Found, LIMITS, Limit, Scene};

codes! {
    /// How bad it is, worst first.
    Severity {
        Critical = "critical", "critical";
        High = "high", "high";
        Medium = "medium", "medium";
        Low = "low", "low";
    }
}

codes! {
    /// The rules, by the numbers of the domain study §6.
    RuleId {
        DisposedSeen = "E-01", "Disposed device seen after its disposition";
        RetiredSeen = "E-02", "Retired device seen on the network";
        NoCertificate = "E-03", "Data-bearing device disposed of without a certificate";
        NotAcknowledged = "E-05", "Handoff not acknowledged";
        Discrepancy = "E-06", "Count or serial number differs at receipt";
        CategoryBelow = "E-08", "Sanitized by less than the policy asks for";
        NotQualified = "E-14", "Vendor's certification expired, or for another site or scope";
        Seal = "E-17", "Seal broken or another number";
        LostOrStolen = "E-18", "Lost or stolen";
        Stuck = "E-22", "Stuck in one state";
        MediumDiffers = "E-24", "Medium in the device is not the one on record";
    }
}

/// A rule: what it looks at, whether a critical finding keeps a certificate from being issued, and what to do next.
pub struct Rule {
    /// Its number.
    pub id: RuleId,
    /// The kind of thing it looks at.
    pub about: SubjectKind,
    /// While a critical exception of this rule about a device is not resolved, no certificate is issued for the device.
    pub blocks: bool,
    /// The condition: pure, over the records.
    pub find: fn(&Scene<'_>) -> Result<Option<Found>, Stop>,
    /// What to do next.
    pub next: &'static str,
}

/// What a rule's line says of certificates. A missing certificate cannot be in its own way.
const BLOCKS: bool = true;
const PASSES: bool = false;

macro_rules! list {
    ($($id:ident $about:ident $blocks:ident $find:ident $next:literal;)+) => {
        /// Every rule.
        pub const RULES: &[Rule] =
            &[$(Rule { id: RuleId::$id, about: SubjectKind::$about, blocks: $blocks, find: rules::$find, next: $next },)+];
    };
}

list! {
    DisposedSeen Asset BLOCKS disposed_seen "Ask who has the device to explain it, and have it looked at; until then nothing may be certified about it.";
    RetiredSeen Asset PASSES retired_seen "Look where the device is: take it back into service, or take it off the network and lock it away.";
    NoCertificate Asset PASSES no_certificate "Complete what is missing on the device's page and issue its certificate; until then nothing shows that its data is gone.";
    NotAcknowledged Consignment PASSES not_acknowledged "Ask the receiver for the receipt, and the carrier for the proof of delivery; record the receipt.";
    CategoryBelow Asset PASSES claimed_below "Ask the vendor for the log or certificate of a stronger technique on this very medium; where there is none, an approver resolves it with the assessment of what was on it.";
    Discrepancy Discrepancy PASSES discrepancy_open "Have both sides look again; an approver resolves the discrepancy with what was found.";
    NotQualified Consignment PASSES not_qualified "Record the credential that was valid on that day, or have an approver resolve it with the reason; send nothing more to that site until then.";
    NotQualified Asset PASSES sanitized_unqualified "Record the credential that was valid on that day, or have the media sanitized again where it is.";
    Seal Discrepancy PASSES seal_open "Have the contents counted and compared with the list by a named person; an approver resolves it with what was found.";
    MediumDiffers Discrepancy BLOCKS drive_absent "Find the drive that was in the device: it holds data; an approver resolves it with what was found.";
    LostOrStolen Asset BLOCKS lost_or_stolen "Send the lock or wipe command, file the report, and assess whether data was exposed; record it as found or written off.";
    Stuck Asset PASSES stuck "Ask who has it what it waits for, and record the next step.";
    MediumDiffers Asset BLOCKS medium_differs "Find the medium that was in it: get it back, or have its destruction shown; until then its data is in other hands.";
}

/// What E-03 is about where the disposal was recorded afterwards, and what to do next: no certificate can be issued then.
const AFTERWARDS: (&str, &str) = (
    "Disposal recorded afterwards, and no paper shows what became of the data",
    "Ask the vendor for the certificate or erasure log of that lot that names the serial number of each medium and the technique; upload it and \
     resolve this with it. Where the vendor has none, an approver resolves it with the organisation's assessment.",
);

fn is_of_past_disposal(rule: RuleId, afterwards: bool) -> bool {
    afterwards && rule == RuleId::NoCertificate
}

fn title(rule: RuleId, afterwards: bool) -> &'static str {
    if is_of_past_disposal(rule, afterwards) { AFTERWARDS.0 } else { rule.label() }
}

/// The rule with this number.
pub fn rule(id: RuleId) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// Which rule about which thing: `urn:uuid:…#E-05`. The same condition about the same thing is one exception, however often it comes back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExceptionId(String);

impl ExceptionId {
    /// The exception of a rule about a thing.
    pub fn new(rule: RuleId, subject: &str) -> Self {
        Self(format!("{subject}#{rule}"))
    }
    /// Accepts `urn:uuid:`, a lower-case UUID, `#` and the number of a rule.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let good = text.split_once('#').is_some_and(|(subject, rule)| AssetId::parse(subject).is_ok() && RuleId::parse(rule).is_ok());
        if good {
            return Ok(Self(text.to_owned()));
        }
        let text: String = text.chars().take(60).collect();
        Err(Refusal::new("exceptions.not_an_id", format!("“{text}” is not the id of an exception; write it as the list of exceptions does.")))
    }
    /// `urn:uuid:…#E-05`
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl TryFrom<String> for ExceptionId {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Refusal> {
        Self::parse(&text)
    }
}
impl From<ExceptionId> for String {
    fn from(id: ExceptionId) -> String {
        id.0
    }
}
impl fmt::Display for ExceptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

codes! {
    /// Where an exception stands.
    ExceptionStatus {
        Open = "open", "open";
        Snoozed = "snoozed", "snoozed";
        Resolved = "resolved", "resolved";
    }
}

codes! {
    /// Why an exception may wait.
    SnoozeReason {
        WaitingForVendor = "waiting_for_vendor", "waiting for the vendor's answer";
        WaitingForEvidence = "waiting_for_evidence", "evidence is on its way";
        UnderInvestigation = "under_investigation", "under investigation";
        Planned = "planned", "the next step has a date";
    }
}

codes! {
    /// How an exception was resolved.
    ExceptionResolution {
        ConditionEnded = "condition_ended", "condition ended";
        Corrected = "corrected", "the cause was corrected";
        Explained = "explained", "explained by the evidence named";
        FalseAlarm = "false_alarm", "looked into: nothing was wrong";
        RiskAccepted = "risk_accepted", "the residual risk was accepted";
    }
}

codes! {
    /// Why an exception is open again.
    ReopenReason {
        ConditionReturned = "condition_returned", "the condition is there again";
        SnoozeOver = "snooze_over", "the time it could wait is over";
        EvidenceDisputed = "evidence_disputed", "the evidence is disputed";
        ResolvedInError = "resolved_in_error", "it was resolved in error";
    }
}

/// Longest snooze in days; of a critical exception, on which somebody acts the same day, a week.
pub const SNOOZE_DAYS: i64 = 90;
/// Longest snooze of a critical exception.
pub const CRITICAL_SNOOZE_DAYS: i64 = 7;

/// What keeps an exception waiting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snooze {
    /// Until when.
    pub until: Instant,
    /// Why.
    pub reason: SnoozeReason,
}

/// How, on what and by whom it was resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// How.
    pub how: ExceptionResolution,
    /// The stored file that shows it.
    pub evidence: Option<Digest>,
    /// Where else it is shown.
    pub reference: Option<Reference>,
    /// Who and when.
    pub act: Act,
}

/// Something that should not be so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exception {
    /// Its id.
    pub id: ExceptionId,
    /// The rule.
    pub rule: RuleId,
    /// What it is about.
    pub subject: Subject,
    /// How bad it is.
    pub severity: Severity,
    /// By when somebody must have acted.
    pub due_at: Instant,
    /// The vendors that it concerns: they see it.
    pub concerns: Vec<PartyId>,
    /// What it is about was recorded afterwards.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub afterwards: bool,
    /// Where it stands.
    pub status: ExceptionStatus,
    /// Whether the condition held when the service looked last.
    pub present: bool,
    /// When it was raised first.
    pub raised_at: Instant,
    /// The entry that raised it first.
    pub raised: u64,
    /// How often it was opened again.
    pub reopened: u32,
    /// Who has it in hand.
    pub owner: Option<PersonId>,
    /// What keeps it waiting.
    pub snoozed: Option<Snooze>,
    /// How it was resolved.
    pub resolution: Option<Resolved>,
    /// The entry that changed it last.
    pub last_seq: u64,
}

record!(Exception, id: ExceptionId = |e| e.id.clone(), owner: |e| e.id.as_str().to_owned(), shelf: exceptions, need: Exception, keys: |_| Vec::new());

impl Exception {
    /// What to do next.
    pub fn next_step(&self) -> &'static str {
        if is_of_past_disposal(self.rule, self.afterwards) {
            return AFTERWARDS.1;
        }
        rule(self.rule).map_or("", |rule| rule.next)
    }
    /// What should not be so.
    pub fn title(&self) -> &'static str {
        title(self.rule, self.afterwards)
    }
    fn require_open(&self, verb: &str) -> Result<(), Refusal> {
        if self.status == ExceptionStatus::Resolved {
            let why = format!("This exception is resolved; open it again before it is {verb}.");
            return Err(Refusal::new("exceptions.resolved", why).because(Cause::Entry(self.last_seq)));
        }
        Ok(())
    }
    fn about(&self) -> [Subject; 2] {
        [Subject::new(SubjectKind::Exception, self.id.as_str()), self.subject.clone()]
    }
}

/// The unresolved critical exceptions that keep a certificate of this device from being issued: a sentence for each.
pub fn in_the_way(known: &Records, asset: &AssetId) -> Result<Vec<String>, Stop> {
    let ids: Vec<ExceptionId> =
        RULES.iter().filter(|rule| rule.blocks && rule.about == SubjectKind::Asset).map(|rule| ExceptionId::new(rule.id, asset.as_str())).collect();
    let open = known.find_all::<Exception>(&ids)?.into_iter().flatten();
    let critical = open.filter(|exception| exception.severity == Severity::Critical && exception.status != ExceptionStatus::Resolved);
    let sentence = |exception: &Exception| {
        format!(
            "The critical exception {} is not resolved ({}): an approver has to resolve it first.",
            exception.rule,
            exception.rule.label().to_lowercase()
        )
    };
    Ok(critical.map(sentence).collect())
}

/// Has the rules look at some things. Given by the service, after what can change them and every so often.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookForExceptions {
    /// The things.
    pub about: Vec<Subject>,
}

/// `exception.raised`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExceptionRaised {
    /// The rule.
    pub rule: RuleId,
    /// How bad it is.
    pub severity: Severity,
    /// By when somebody must have acted.
    pub due_at: Instant,
    /// The vendors that it concerns.
    pub concerns: Vec<PartyId>,
    /// What it is about was recorded afterwards.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub afterwards: bool,
}

/// `exception.changed`: it goes on, and is worse, due at another time, concerns others, or is about something else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExceptionChanged {
    /// How bad it is.
    pub severity: Severity,
    /// By when somebody must have acted.
    pub due_at: Instant,
    /// The vendors that it concerns.
    pub concerns: Vec<PartyId>,
    /// What it is about was recorded afterwards.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub afterwards: bool,
}

/// `exception.assigned`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExceptionAssigned {
    /// Who has it in hand from now on.
    pub person: PersonId,
}

/// `exception.snoozed`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExceptionSnoozed {
    /// Until when.
    pub until: Instant,
    /// Why.
    pub reason: SnoozeReason,
}

/// `exception.resolved`: by somebody, or because the condition ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExceptionResolved {
    /// How.
    pub how: ExceptionResolution,
    /// The stored file that shows it.
    pub evidence: Option<Digest>,
    /// Where else it is shown.
    pub reference: Option<Reference>,
}

/// `exception.reopened`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExceptionReopened {
    /// Why.
    pub reason: ReopenReason,
    /// How bad it is.
    pub severity: Severity,
    /// By when somebody must have acted.
    pub due_at: Instant,
    /// The vendors that it concerns.
    pub concerns: Vec<PartyId>,
    /// What it is about was recorded afterwards.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub afterwards: bool,
}

/// Most things that one look is about.
pub const MOST: usize = 256;

/// What the rules have to say of some things that the record does not say yet.
pub fn look(known: &Records, about: &[Subject], now: Instant, organisation: &PartyId) -> Result<Vec<Happening>, Stop> {
    let mut happenings = Vec::new();
    let mut needs = Vec::new();
    for subject in about {
        for rule in RULES.iter().filter(|rule| rule.about == subject.kind) {
            // Everything that is needed is asked for at once: a round of loading for each thing would be too many.
            match look_at(known, subject, rule, now, organisation) {
                Ok(happening) => happenings.extend(happening),
                Err(Stop::Needs(more)) => needs.extend(more),
                Err(refused) => return Err(refused),
            }
        }
    }
    if needs.is_empty() { Ok(happenings) } else { Err(Stop::Needs(needs)) }
}

fn look_at(known: &Records, subject: &Subject, rule: &Rule, now: Instant, organisation: &PartyId) -> Result<Option<Happening>, Stop> {
    let id = ExceptionId::new(rule.id, &subject.id);
    let exception = known.find::<Exception>(&id);
    let raised_at = exception.as_ref().ok().copied().flatten().map(|exception| exception.raised_at);
    let found = (rule.find)(&Scene { known, id: &subject.id, now, raised_at, organisation });
    let (found, exception) = match (found, exception) {
        (Ok(found), Ok(exception)) => (found, exception),
        (Err(Stop::Needs(mut needs)), Err(Stop::Needs(more))) => {
            needs.extend(more);
            return Err(Stop::Needs(needs));
        }
        (Err(stop), _) | (_, Err(stop)) => return Err(stop),
    };
    let about = [Subject::new(SubjectKind::Exception, id.as_str()), subject.clone()];
    Ok(match (exception, found) {
        (None, None) => None,
        (None, Some(Found { severity, due_at, concerns, afterwards })) => {
            Some(Happening::new(ExceptionRaised { rule: rule.id, severity, due_at, concerns, afterwards }, about))
        }
        (Some(exception), None) => {
            let ended = ExceptionResolved { how: ExceptionResolution::ConditionEnded, evidence: None, reference: None };
            exception.present.then(|| Happening::new(ended, about))
        }
        (Some(exception), Some(Found { severity, due_at, concerns, afterwards })) => {
            let over = exception.snoozed.as_ref().is_some_and(|snooze| snooze.until <= now);
            let worse = severity < exception.severity;
            // The same again later is new: what was said of it before does not explain it.
            let anew = severity <= exception.severity && due_at > exception.due_at;
            let reason = match exception.status {
                _ if !exception.present => Some(ReopenReason::ConditionReturned),
                // What somebody resolved stays resolved as long as it does not get worse.
                ExceptionStatus::Resolved if worse || anew => Some(ReopenReason::ConditionReturned),
                ExceptionStatus::Resolved => return Ok(None),
                ExceptionStatus::Snoozed if over => Some(ReopenReason::SnoozeOver),
                _ => None,
            };
            let same = (severity, due_at, &concerns, afterwards) == (exception.severity, exception.due_at, &exception.concerns, exception.afterwards);
            match reason {
                Some(reason) => Some(Happening::new(ExceptionReopened { reason, severity, due_at, concerns, afterwards }, about)),
                None if same => None,
                None => Some(Happening::new(ExceptionChanged { severity, due_at, concerns, afterwards }, about)),
            }
        }
    })
}

impl Order for LookForExceptions {
    const ROLES: &'static [Role] = &[Role::Service];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        look(known, &self.about, occasion.at, &occasion.actor.party)
    }
}

impl Fact for ExceptionRaised {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let (Some(id), Some(subject)) = (about.exception(), about.iter().find(|subject| subject.kind != SubjectKind::Exception)) else { return };
        let exception = Exception {
            id,
            rule: self.rule,
            subject: subject.clone(),
            severity: self.severity,
            due_at: self.due_at,
            concerns: self.concerns.clone(),
            afterwards: self.afterwards,
            status: ExceptionStatus::Open,
            present: true,
            raised_at: stamp.at,
            raised: stamp.seq,
            reopened: 0,
            owner: None,
            snoozed: None,
            resolution: None,
            last_seq: stamp.seq,
        };
        known.put(exception, stamp.seq);
    }
    fn sentence(&self) -> String {
        format!("Exception {} raised, {}: {}.", self.rule, self.severity.label(), title(self.rule, self.afterwards))
    }
}

fn change(about: &Subjects, stamp: &Stamp, known: &mut Records, change: impl FnOnce(&mut Exception)) {
    if let Some(id) = about.exception() {
        known.change::<Exception>(&id, stamp.seq, change);
    }
}

impl Fact for ExceptionChanged {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        change(about, stamp, known, |exception| {
            exception.severity = self.severity;
            exception.due_at = self.due_at;
            exception.concerns.clone_from(&self.concerns);
            exception.afterwards = self.afterwards;
        });
    }
    fn sentence(&self) -> String {
        format!("The exception goes on, {}, due {}.", self.severity.label(), self.due_at.utc().format("%-d %b %Y"))
    }
}

impl Fact for ExceptionAssigned {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        change(about, stamp, known, |exception| exception.owner = Some(self.person.clone()));
    }
    fn sentence(&self) -> String {
        "The exception was assigned to a person.".to_owned()
    }
}

impl Fact for ExceptionSnoozed {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        change(about, stamp, known, |exception| {
            exception.status = ExceptionStatus::Snoozed;
            exception.snoozed = Some(Snooze { until: self.until, reason: self.reason });
        });
    }
    fn sentence(&self) -> String {
        format!("The exception waits until {}: {}.", self.until.utc().format("%-d %b %Y"), self.reason.label())
    }
}

impl Fact for ExceptionResolved {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        change(about, stamp, known, |exception| {
            if self.how == ExceptionResolution::ConditionEnded {
                exception.present = false;
                // How somebody resolved it before stays.
                if exception.status == ExceptionStatus::Resolved {
                    return;
                }
            }
            exception.status = ExceptionStatus::Resolved;
            exception.snoozed = None;
            exception.resolution =
                Some(Resolved { how: self.how, evidence: self.evidence.clone(), reference: self.reference.clone(), act: stamp.act() });
        });
    }
    fn sentence(&self) -> String {
        let reference = self.reference.as_ref().map(|reference| format!(", reference {reference}")).unwrap_or_default();
        let evidence = self.evidence.as_ref().map(|digest| format!(", evidence sha256 {digest}")).unwrap_or_default();
        format!("Exception resolved: {}{reference}{evidence}.", self.how.label())
    }
}

impl Fact for ExceptionReopened {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        change(about, stamp, known, |exception| {
            exception.status = ExceptionStatus::Open;
            exception.present = true;
            exception.severity = self.severity;
            exception.due_at = self.due_at;
            exception.concerns.clone_from(&self.concerns);
            exception.afterwards = self.afterwards;
            exception.snoozed = None;
            exception.resolution = None;
            exception.reopened = exception.reopened.saturating_add(1);
        });
    }
    fn sentence(&self) -> String {
        format!("Exception opened again, {}: {}.", self.severity.label(), self.reason.label())
    }
}

/// Who deals with exceptions.
const HANDLERS: &[Role] = &[Role::Coordinator, Role::Approver];

/// An exception that must exist.
pub fn require<'a>(known: &'a Records, id: &ExceptionId) -> Result<&'a Exception, Stop> {
    known.find::<Exception>(id)?.ok_or_else(|| unknown(id).into())
}

/// There is no such exception, or not for this person.
pub(super) fn unknown(id: &ExceptionId) -> Refusal {
    Refusal::new("exceptions.unknown", format!("There is no exception {id}; look it up in the list."))
}

/// Gives an exception to a person of the directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignException {
    /// The exception.
    pub exception: ExceptionId,
    /// The person.
    pub person: PersonId,
}

impl Order for AssignException {
    const ROLES: &'static [Role] = HANDLERS;

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let exception = require(known, &self.exception)?;
        exception.require_open("assigned")?;
        if exception.owner.as_ref() == Some(&self.person) {
            let why = "This person has it in hand already; nothing was changed.";
            return Err(Refusal::new("exceptions.assigned", why).because(Cause::Entry(exception.last_seq)).into());
        }
        Ok(vec![Happening::new(ExceptionAssigned { person: self.person.clone() }, exception.about())])
    }
}

/// Lets an exception wait.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnoozeException {
    /// The exception.
    pub exception: ExceptionId,
    /// Until when; a critical one a week, others 90 days at most.
    pub until: Instant,
    /// Why.
    pub reason: SnoozeReason,
}

impl Order for SnoozeException {
    const ROLES: &'static [Role] = HANDLERS;

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let exception = require(known, &self.exception)?;
        exception.require_open("snoozed")?;
        let most = if exception.severity == Severity::Critical { CRITICAL_SNOOZE_DAYS } else { SNOOZE_DAYS };
        let latest = occasion.at.utc() + TimeDelta::days(most);
        if self.until <= occasion.at || self.until.utc() > latest {
            let severity = exception.severity.label();
            let why = format!(
                "A {severity} exception can wait for at most {most} days, and until a time that is still to come; name an earlier or later one."
            );
            return Err(Refusal::new("exceptions.snooze_until", why).into());
        }
        Ok(vec![Happening::new(ExceptionSnoozed { until: self.until, reason: self.reason }, exception.about())])
    }
}

/// Resolves an exception on evidence.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolveException {
    /// The exception.
    pub exception: ExceptionId,
    /// How.
    pub how: ExceptionResolution,
    /// The stored file that shows it.
    pub evidence: Option<Digest>,
    /// Where else it is shown: a case, a report, a board's decision.
    pub reference: Option<Reference>,
}

impl Order for ResolveException {
    const ROLES: &'static [Role] = HANDLERS;

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let exception = require(known, &self.exception)?;
        exception.require_open("resolved")?;
        if exception.severity == Severity::Critical && occasion.actor.role != Role::Approver {
            return Err(Refusal::new("exceptions.approver_only", "This exception is critical: an approver has to resolve it.").into());
        }
        if self.how == ExceptionResolution::ConditionEnded {
            let why = "That the condition ended is for the service to see; say how you resolved it, or correct what the exception is about.";
            return Err(Refusal::new("exceptions.service_sees", why).into());
        }
        if self.evidence.is_none() && self.reference.is_none() {
            let why = "Name what shows it: the SHA-256 of a stored file (evidence), a reference to a case or decision (reference), or both.";
            return Err(Refusal::new("exceptions.no_evidence", why).into());
        }
        if let Some(digest) = &self.evidence {
            let Some(stored) = known.find::<Evidence>(digest)? else {
                return Err(Refusal::new("exceptions.unknown_evidence", format!("No stored file has the SHA-256 {digest}; upload it first.")).into());
            };
            stored.require_bytes()?;
        }
        let event = ExceptionResolved { how: self.how, evidence: self.evidence.clone(), reference: self.reference.clone() };
        let about = exception.about().into_iter().chain(self.evidence.as_ref().map(Subject::evidence));
        Ok(vec![Happening::new(event, about)])
    }
}

/// Opens an exception again that somebody resolved.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReopenException {
    /// The exception.
    pub exception: ExceptionId,
    /// Why.
    pub reason: ReopenReason,
}

impl Order for ReopenException {
    const ROLES: &'static [Role] = HANDLERS;

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let exception = require(known, &self.exception)?;
        let now = Cause::Entry(exception.last_seq);
        if exception.status != ExceptionStatus::Resolved {
            let why = format!("This exception is {}; only a resolved one can be opened again.", exception.status.label());
            return Err(Refusal::new("exceptions.not_resolved", why).because(now).into());
        }
        if !exception.present {
            let why = "Its condition has ended: it opens again by itself when the condition comes back.";
            return Err(Refusal::new("exceptions.condition_ended", why).because(now).into());
        }
        if !matches!(self.reason, ReopenReason::EvidenceDisputed | ReopenReason::ResolvedInError) {
            let why = "That a condition came back, or that a time is over, is for the service to see; choose: evidence_disputed, resolved_in_error.";
            return Err(Refusal::new("exceptions.service_sees", why).into());
        }
        let event = ExceptionReopened {
            reason: self.reason,
            severity: exception.severity,
            due_at: exception.due_at,
            concerns: exception.concerns.clone(),
            afterwards: exception.afterwards,
        };
        Ok(vec![Happening::new(event, exception.about())])
    }
}

/// The thing of a kind that rules look at, from its id; `None` where no rule looks at such a thing.
pub fn watched(subject: &Subject) -> bool {
    let known = match subject.kind {
        SubjectKind::Asset => AssetId::parse(&subject.id).is_ok(),
        SubjectKind::Consignment => ConsignmentId::parse(&subject.id).is_ok(),
        SubjectKind::Discrepancy => DiscrepancyId::parse(&subject.id).is_ok(),
        _ => false,
    };
    known && RULES.iter().any(|rule| rule.about == subject.kind)
}
