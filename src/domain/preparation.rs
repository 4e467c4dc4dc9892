//! Preparation: what has to be decided and done about a retired device before it goes on: the reuse-first evaluation, the authority to give it away,
//! the release of its accounts, its grade.

use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};

use super::asset::{Asset, Status};
use super::consignment::{self, Consignment, ConsignmentKind, ConsignmentStatus};
use super::disposition::Outcome;
use super::evidence::Evidence;
use super::names::{AssetId, ConsignmentId, Digest, Reference, Role, codes};
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subjects, about, lifecycle, require_asset};

codes! {
    /// What may be done with a retired device, best first: each keeps more of it in use than the next.
    Rung {
        Repair = "repair", "repair it and use it again";
        Redeploy = "redeploy", "use it elsewhere in the organisation";
        Resale = "resale", "sell it for reuse";
        Donation = "donation", "give it for reuse";
        Parts = "parts", "use its parts";
        Recycling = "recycling", "recycle it";
    }
}

codes! {
    /// Why a better use is not chosen.
    RejectionReason {
        NotBroken = "not_broken", "there is nothing to repair";
        Uneconomic = "uneconomic", "it costs more than it is worth";
        EndOfSupport = "end_of_support", "the maker's support has ended";
        NoDemand = "no_demand", "nobody needs it";
        Damaged = "damaged", "it is damaged";
        DataPolicy = "data_policy", "the data on it cannot be removed well enough for that";
        FundingRule = "funding_rule", "the rules of its funding forbid it";
        OrganisationPolicy = "organisation_policy", "the organisation's policy forbids it";
    }
}

codes! {
    /// Out of which money a device was bought: that decides who else has a say when it goes.
    FundingSource {
        General = "general", "own means";
        ERate = "e_rate", "E-rate";
        FederalAward = "federal_award", "federal award";
        Lease = "lease", "leased";
    }
}

/// How a device was paid for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Funding {
    /// Out of which money.
    pub source: FundingSource,
    /// The number of the award, the funding request or the lease.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub award: Option<Reference>,
    /// When it was awarded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub awarded_on: Option<NaiveDate>,
    /// When the device was installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed_on: Option<NaiveDate>,
}

impl Funding {
    /// Refuses days that cannot be right.
    pub(super) fn check(&self, today: NaiveDate) -> Result<(), Refusal> {
        for (what, on) in [("awarded_on", self.awarded_on), ("installed_on", self.installed_on)] {
            if let Some(on) = on
                && (on.year() < 1970 || Some(on) > today.succ_opt())
            {
                let why = format!("{what} lies between 1970 and today; {on} cannot be right, correct it or leave it out.");
                return Err(Refusal::new("registration.funding_day", why));
            }
        }
        Ok(())
    }
}

/// A better use that is not chosen, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejection {
    /// The better use.
    pub rung: Rung,
    /// Why not.
    pub reason: RejectionReason,
}

/// The evaluation that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The entry.
    pub entry: u64,
    /// What was chosen.
    pub rung: Rung,
    /// Every better use, and why not.
    pub rejected: Vec<Rejection>,
}

/// The authority to give a device away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    /// The entry.
    pub entry: u64,
    /// The board's resolution.
    pub reference: Reference,
    /// The funder's instructions, or the lessor's consent.
    pub consent: Option<Reference>,
}

/// Accounts and management were confirmed to be gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRelease {
    /// The entry.
    pub entry: u64,
    /// The console's or ticket's reference.
    pub reference: Reference,
    /// A file that shows it.
    pub evidence: Option<Digest>,
}

/// What a test of the device found (R2v3 equipment categories).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graded {
    /// The entry.
    pub entry: u64,
    /// How it looks: 1 (damaged) to 9 (as new).
    pub cosmetic: u8,
    /// How it works: 1 (not at all) to 6 (as new).
    pub functional: u8,
}

/// How far a retired device is prepared; each part with the entry that says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preparation {
    /// Reuse first: what was chosen, and why nothing better.
    pub evaluation: Option<Evaluation>,
    /// Who may give it away.
    pub authorization: Option<Authorization>,
    /// Accounts and management are gone.
    pub accounts: Option<AccountRelease>,
    /// How it looks and works.
    pub grade: Option<Graded>,
}

/// Decides reuse-first what is to be done with a retired device.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluate {
    /// The device.
    pub asset: AssetId,
    /// The best use that is possible.
    pub rung: Rung,
    /// Every better use, and why it is not.
    pub rejected: Vec<Rejection>,
}

/// `asset.evaluated`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluated {
    /// What was chosen.
    pub rung: Rung,
    /// Every better use, and why not.
    pub rejected: Vec<Rejection>,
}

/// An approver, on the authority of the board, lets a device be given away.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizeSurplus {
    /// The device.
    pub asset: AssetId,
    /// The board's resolution.
    pub reference: Reference,
    /// Where others have a say: the awarding agency's instructions, or the lessor's consent.
    pub consent: Option<Reference>,
}

/// `asset.surplus_authorized`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurplusAuthorized {
    /// The board's resolution.
    pub reference: Reference,
    /// The funder's instructions, or the lessor's consent.
    pub consent: Option<Reference>,
    /// The entry by which an approver authorised everything that is put on one consignment; none where the approver named the device.
    pub consignment_authorized: Option<u64>,
}

/// An approver, on the authority of the board, lets whatever is put on a consignment be given away: each device is still checked as it is scanned.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizeConsignment {
    /// The consignment, while it is being loaded.
    pub consignment: ConsignmentId,
    /// The board's resolution.
    pub reference: Reference,
    /// Where others have a say: the awarding agency's instructions, or the lessor's consent.
    pub consent: Option<Reference>,
}

/// `consignment.authorized`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsignmentAuthorized {
    /// The board's resolution.
    pub reference: Reference,
    /// The funder's instructions, or the lessor's consent.
    pub consent: Option<Reference>,
}

/// Authorises one device under what an approver decided for its consignment; a step of a scan, and no command of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthorizeUnder {
    /// The device.
    pub asset: AssetId,
    /// What the approver decided.
    pub authorization: Authorization,
}

/// Confirms that accounts and management enrolment are gone, so that the next owner can use the device.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseAccounts {
    /// The device.
    pub asset: AssetId,
    /// The console's or ticket's reference.
    pub reference: Reference,
    /// A stored file that shows it.
    pub evidence: Option<Digest>,
}

/// `asset.accounts_released`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountsReleased {
    /// The console's or ticket's reference.
    pub reference: Reference,
    /// A file that shows it.
    pub evidence: Option<Digest>,
}

/// Grades a device whose data is gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grade {
    /// The device.
    pub asset: AssetId,
    /// How it looks: 1 (damaged) to 9 (as new).
    pub cosmetic: u8,
    /// How it works: 1 (not at all) to 6 (as new).
    pub functional: u8,
}

/// `asset.graded`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetGraded {
    /// How it looks.
    pub cosmetic: u8,
    /// How it works.
    pub functional: u8,
}

/// What others have to say about a device that goes: a sentence for each thing that is missing. Sources: 47 CFR 54.513 (E-rate: no sale or gift for
/// five years after installation), 2 CFR 200.313(e) (federal awards: instructions where a unit is worth more than $10,000, for awards before October
/// 2024 $5,000; worth at most what it cost), leases (what is another's).
pub fn funding_missing(asset: &Asset, for_value: bool, consent: Option<&Reference>, on: NaiveDate) -> Vec<String> {
    let mut missing = Vec::new();
    let Some(funding) = &asset.funding else { return missing };
    match funding.source {
        FundingSource::General => {}
        FundingSource::ERate if !for_value => {}
        FundingSource::ERate => match funding.installed_on.or(asset.purchased_on) {
            None => missing.push(format!("{} was bought with E-rate money, and when it was installed is not recorded: nobody can tell whether five years have passed; recycle it, or have the record corrected.", asset.tag)),
            Some(installed) => {
                let free = installed.with_year(installed.year() + 5).or_else(|| NaiveDate::from_ymd_opt(installed.year() + 5, 3, 1));
                if let Some(free) = free.filter(|free| on < *free) {
                    missing.push(format!("{} was bought with E-rate money: until {free}, five years after its installation, it may not be sold or given away; keep it or recycle it.", asset.tag));
                }
            }
        },
        FundingSource::FederalAward => {
            let raised = NaiveDate::from_ymd_opt(2024, 10, 1);
            let threshold = if funding.awarded_on.is_some() && funding.awarded_on >= raised { 1_000_000 } else { 500_000 };
            if consent.is_none() && asset.cost_cents.is_none_or(|cost| cost > threshold) {
                missing.push(format!(
                    "{} was bought from a federal award and may be worth more than ${}: ask the awarding agency for disposition instructions, and name them as consent.",
                    asset.tag,
                    threshold / 100
                ));
            }
        }
        FundingSource::Lease if consent.is_some() => {}
        FundingSource::Lease => missing.push(format!("{} is leased: it is not the organisation's to give away; get the lessor's consent, and name it.", asset.tag)),
    }
    missing
}

/// Refuses to let a device leave that nobody has authorised to be given away.
pub fn require_authorized(asset: &Asset) -> Result<(), Refusal> {
    if asset.preparation.authorization.is_some() {
        return Ok(());
    }
    let next = match &asset.preparation.evaluation {
        None => "evaluate it reuse-first, then an approver has to authorise it as surplus",
        Some(_) => "an approver has to authorise it as surplus, with the board's reference",
    };
    Err(Refusal::new("preparation.not_authorized", format!("{} may not be given away yet: {next}.", asset.tag)))
}

/// What is missing before this outcome: authority, the funders' word, and for reuse by others accounts, grade and title.
pub fn outcome_missing(asset: &Asset, outcome: Outcome, title: Option<&Reference>, graded: bool, on: NaiveDate) -> Vec<String> {
    let mut missing = Vec::new();
    if outcome.destination().is_none() {
        return missing;
    }
    let for_reuse = outcome.changes_hands();
    // What goes back to whom it belongs is not given away.
    let for_value = for_reuse && outcome != Outcome::ReturnedToLessor;
    if outcome == Outcome::ReturnedToLessor && asset.funding.as_ref().is_none_or(|funding| funding.source != FundingSource::Lease) {
        missing.push(format!("{} is not recorded as leased, so it has no lessor to go back to: record what else became of it.", asset.tag));
    }
    match &asset.preparation.authorization {
        None => missing.extend(require_authorized(asset).err().map(|refusal| refusal.why)),
        Some(authorization) => missing.extend(funding_missing(asset, for_value, authorization.consent.as_ref(), on)),
    }
    if for_reuse {
        if asset.no_storage.is_none() && asset.preparation.accounts.is_none() {
            missing.push(format!("Nobody has confirmed that accounts and management of {} are released: a coordinator has to.", asset.tag));
        }
        if !graded && asset.preparation.grade.is_none() {
            missing.push(format!("{} is not graded: whoever has it has to test and grade it.", asset.tag));
        }
        if title.is_none() {
            missing.push(format!(
                "Name the document by which {} changed hands (title): the invoice, the receipt of the gift or of the return.",
                asset.tag
            ));
        }
    }
    missing
}

/// Reuse comes first: every better use than the chosen one has a reason why it is not.
pub(super) fn require_rungs(rung: Rung, rejected: &[Rejection]) -> Result<(), Refusal> {
    let better: Vec<Rung> = Rung::ALL.iter().copied().filter(|better| *better < rung).collect();
    let mut given: Vec<Rung> = rejected.iter().map(|rejection| rejection.rung).collect();
    given.sort();
    if given != better {
        let words: Vec<_> = better.iter().map(|rung| rung.as_str()).collect();
        let why = if better.is_empty() {
            format!("Nothing is better than “{}”: leave `rejected` empty.", rung.as_str())
        } else {
            format!("Reuse comes first: give for each better use than “{}” one reason why it is not chosen: {}.", rung.as_str(), words.join(", "))
        };
        return Err(Refusal::new("preparation.rungs", why));
    }
    Ok(())
}

impl Order for Evaluate {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        lifecycle::require_status(asset, "evaluated", &[Status::Retired])?;
        lifecycle::require_here(asset, occasion, "evaluated")?;
        require_rungs(self.rung, &self.rejected)?;
        Ok(vec![Happening::new(Evaluated { rung: self.rung, rejected: self.rejected.clone() }, about(asset))])
    }
}

impl Fact for Evaluated {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        known.change::<Asset>(&id, stamp.seq, |asset| {
            asset.preparation.evaluation = Some(Evaluation { entry: stamp.seq, rung: self.rung, rejected: self.rejected.clone() });
            // What was authorised was another plan.
            asset.preparation.authorization = None;
        });
    }
    fn sentence(&self) -> String {
        let why: Vec<_> = self.rejected.iter().map(|rejection| format!("not “{}”: {}", rejection.rung.label(), rejection.reason.label())).collect();
        if why.is_empty() { format!("Evaluated: {}.", self.rung.label()) } else { format!("Evaluated: {}; {}.", self.rung.label(), why.join("; ")) }
    }
}

impl Order for AuthorizeSurplus {
    const ROLES: &'static [Role] = &[Role::Approver];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        require_authorizable(asset, self.consent.as_ref(), occasion)?;
        let event = SurplusAuthorized { reference: self.reference.clone(), consent: self.consent.clone(), consignment_authorized: None };
        Ok(vec![Happening::new(event, about(asset))])
    }
}

fn require_evaluated(asset: &Asset) -> Result<&Evaluation, Refusal> {
    let why = || format!("{} is not evaluated: a coordinator has to say first whether it can be used again.", asset.tag);
    asset.preparation.evaluation.as_ref().ok_or_else(|| Refusal::new("preparation.not_evaluated", why()))
}

/// A device that an approver may let go: here, evaluated to leave, and with nobody else's word missing.
fn require_authorizable(asset: &Asset, consent: Option<&Reference>, occasion: &Occasion) -> Result<(), Refusal> {
    lifecycle::require_status(asset, "authorised as surplus", &[Status::Retired])?;
    lifecycle::require_here(asset, occasion, "authorised as surplus")?;
    let evaluation = require_evaluated(asset)?;
    if evaluation.rung < Rung::Resale {
        let why = format!("{} is to stay, by its evaluation: {}. Use it again, or evaluate it anew.", asset.tag, evaluation.rung.label());
        return Err(Refusal::new("preparation.stays", why).because(Cause::Entry(evaluation.entry)));
    }
    if let Some(authorization) = &asset.preparation.authorization {
        let why = format!("{} is authorised as surplus already, by {}.", asset.tag, authorization.reference);
        return Err(Refusal::new("preparation.authorized", why).because(Cause::Entry(authorization.entry)));
    }
    let for_value = matches!(evaluation.rung, Rung::Resale | Rung::Donation);
    let missing = funding_missing(asset, for_value, consent, occasion.occurred.utc().date_naive());
    if !missing.is_empty() {
        let why = format!("{} cannot be authorised as surplus: {}", asset.tag, missing.join(" "));
        return Err(Refusal::listing("preparation.funding", why, missing));
    }
    Ok(())
}

impl Order for AuthorizeUnder {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        let Authorization { entry, reference, consent } = &self.authorization;
        require_authorizable(asset, consent.as_ref(), occasion)?;
        let event = SurplusAuthorized { reference: reference.clone(), consent: consent.clone(), consignment_authorized: Some(*entry) };
        Ok(vec![Happening::new(event, about(asset))])
    }
}

impl Order for AuthorizeConsignment {
    const ROLES: &'static [Role] = &[Role::Approver];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = consignment::require(known, &self.consignment, occasion)?;
        consignment::require_status(consignment, "authorised", &[ConsignmentStatus::Open])?;
        if consignment.kind != ConsignmentKind::Pickup {
            let why = format!(
                "{} is a {}: nothing is given away with it, so nothing has to be authorised.",
                consignment.reference,
                consignment.kind.label()
            );
            return Err(Refusal::new("preparation.not_needed", why).into());
        }
        if let Some(authorization) = &consignment.authorization {
            let why = format!("What is put on {} is authorised already, by {}.", consignment.reference, authorization.reference);
            return Err(Refusal::new("preparation.authorized", why).because(Cause::Entry(authorization.entry)).into());
        }
        let event = ConsignmentAuthorized { reference: self.reference.clone(), consent: self.consent.clone() };
        Ok(vec![Happening::new(event, [consignment::subject(&consignment.id)])])
    }
}

impl Fact for ConsignmentAuthorized {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        known.change::<Consignment>(&id, stamp.seq, |consignment| {
            let authorization = Authorization { entry: stamp.seq, reference: self.reference.clone(), consent: self.consent.clone() };
            consignment.authorization = Some(authorization);
        });
    }
    fn sentence(&self) -> String {
        format!("An approver authorised what is put on this consignment to be given away (reference {}).", self.reference)
    }
}

impl Fact for SurplusAuthorized {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        known.change::<Asset>(&id, stamp.seq, |asset| {
            let authorization = Authorization { entry: stamp.seq, reference: self.reference.clone(), consent: self.consent.clone() };
            asset.preparation.authorization = Some(authorization);
        });
    }
    fn sentence(&self) -> String {
        let under = self.consignment_authorized.map(|entry| format!(", with its whole consignment by entry {entry}")).unwrap_or_default();
        let consent = self.consent.as_ref().map(|consent| format!(", with the consent {consent}")).unwrap_or_default();
        format!("Authorised as surplus (reference {}){under}{consent}.", self.reference)
    }
}

impl Order for ReleaseAccounts {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        if asset.status != Status::Retired {
            let why = format!("{} is {}; accounts and management are released for good when a device is retired.", asset.tag, asset.status.label());
            return Err(Refusal::new("preparation.not_retired", why).because(Cause::Entry(asset.last_seq)).into());
        }
        if let Some(release) = &asset.preparation.accounts {
            let why = format!("Accounts and management of {} are released already.", asset.tag);
            return Err(Refusal::new("preparation.accounts_released", why).because(Cause::Entry(release.entry)).into());
        }
        require_stored(known, self.evidence.as_ref())?;
        Ok(vec![Happening::new(AccountsReleased { reference: self.reference.clone(), evidence: self.evidence.clone() }, about(asset))])
    }
}

/// A file that is named has to be stored.
pub(super) fn require_stored(known: &Records, evidence: Option<&Digest>) -> Result<(), Stop> {
    let Some(digest) = evidence else { return Ok(()) };
    let Some(stored) = known.find::<Evidence>(digest)? else {
        let why = format!("No file with the SHA-256 {digest} is stored; upload it first.");
        return Err(Refusal::new("preparation.unknown_evidence", why).into());
    };
    Ok(stored.require_bytes()?)
}

impl Fact for AccountsReleased {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        known.change::<Asset>(&id, stamp.seq, |asset| {
            let release = AccountRelease { entry: stamp.seq, reference: self.reference.clone(), evidence: self.evidence.clone() };
            asset.preparation.accounts = Some(release);
        });
    }
    fn sentence(&self) -> String {
        format!("Accounts and management released (reference {}).", self.reference)
    }
}

impl Order for Grade {
    const ROLES: &'static [Role] = &[Role::VendorOperator, Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        occasion.may_touch(asset)?;
        if !(1..=9).contains(&self.cosmetic) || !(1..=6).contains(&self.functional) {
            let why = "cosmetic lies between 1 and 9, functional lies between 1 and 6 (R2v3 equipment categories C and F).";
            return Err(Refusal::new("preparation.grade", why).into());
        }
        lifecycle::require_status(asset, "graded", &[Status::Retired])?;
        require_evaluated(asset)?;
        if !asset.data_gone() {
            let why = format!("{} is graded once its data is gone: have its media sanitized, verified and validated first.", asset.tag);
            return Err(Refusal::new("preparation.not_sanitized", why).into());
        }
        Ok(vec![Happening::new(AssetGraded { cosmetic: self.cosmetic, functional: self.functional }, about(asset))])
    }
}

impl Fact for AssetGraded {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        known.change::<Asset>(&id, stamp.seq, |asset| {
            asset.preparation.grade = Some(Graded { entry: stamp.seq, cosmetic: self.cosmetic, functional: self.functional });
        });
    }
    fn sentence(&self) -> String {
        format!("Graded: looks C{}, works F{}.", self.cosmetic, self.functional)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::SubjectKind;
    use super::super::asset::Label;
    use super::super::names::Role;
    use super::super::story::{DISTRICT, Story, actor, better_than};

    fn registered(story: &mut Story, tag: &str, cost_cents: Option<u32>, funding: Value) -> String {
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let body =
            json!({"tag": tag, "category": "monitor", "manufacturer": "M", "model": "M", "site": "S", "cost_cents": cost_cents, "funding": funding});
        let device = story.done(&coordinator, "register_asset", body)[0].1.clone();
        story.done(&coordinator, "retire", json!({"asset": device, "reason": "surplus"}));
        device
    }
    fn evaluated(story: &mut Story, device: &str, rung: &str) {
        let body = json!({"asset": device, "rung": rung, "rejected": better_than(rung)});
        story.done(&actor(Role::Coordinator, DISTRICT, 1), "evaluate", body);
    }

    #[test]
    fn reuse_comes_first_and_each_better_use_needs_a_reason() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let device = registered(&mut story, "A1", None, Value::Null);
        let evaluate = |rejected: Value| json!({"asset": device, "rung": "donation", "rejected": rejected});
        let why = story.refused(&coordinator, "evaluate", evaluate(better_than("resale")), "preparation.rungs");
        assert!(why.contains("repair, redeploy, resale"), "{why}");
        let twice =
            json!([{"rung": "repair", "reason": "uneconomic"}, {"rung": "repair", "reason": "damaged"}, {"rung": "redeploy", "reason": "damaged"}]);
        story.refused(&coordinator, "evaluate", evaluate(twice), "preparation.rungs");
        let approver = actor(Role::Approver, DISTRICT, 1);
        let authorize = json!({"asset": device, "reference": "BOARD-1"});
        story.refused(&approver, "authorize_surplus", authorize.clone(), "preparation.not_evaluated");
        evaluated(&mut story, &device, "redeploy");
        story.refused(&approver, "authorize_surplus", authorize.clone(), "preparation.stays");
        evaluated(&mut story, &device, "donation");
        story.done(&approver, "authorize_surplus", authorize);
        assert_eq!(story.asset(&device).label(), Label::SurplusAuthorized);
        // Another plan needs the board's word again.
        evaluated(&mut story, &device, "recycling");
        assert_eq!(story.asset(&device).label(), Label::Evaluated);
    }

    #[test]
    fn those_who_paid_have_a_say() {
        let mut story = Story::new();
        let approver = actor(Role::Approver, DISTRICT, 1);
        // The clock of these tests stands at 21 Sep 2026.
        for (n, (funding, cost, rung, consent, code)) in [
            (json!({"source": "e_rate", "installed_on": "2022-06-01"}), Some(1), "resale", None, Some("preparation.funding")),
            (json!({"source": "e_rate", "installed_on": "2022-06-01"}), Some(1), "resale", Some("USAC-1"), Some("preparation.funding")),
            (json!({"source": "e_rate", "installed_on": "2022-06-01"}), Some(1), "recycling", None, None),
            (json!({"source": "e_rate", "installed_on": "2021-09-01"}), Some(1), "resale", None, None),
            (json!({"source": "e_rate"}), Some(1), "donation", None, Some("preparation.funding")),
            (json!({"source": "federal_award", "awarded_on": "2021-05-01"}), Some(500_000), "resale", None, None),
            (json!({"source": "federal_award", "awarded_on": "2021-05-01"}), Some(500_001), "resale", None, Some("preparation.funding")),
            (json!({"source": "federal_award", "awarded_on": "2024-10-01"}), Some(1_000_000), "recycling", None, None),
            (json!({"source": "federal_award", "awarded_on": "2024-10-01"}), Some(1_000_001), "recycling", None, Some("preparation.funding")),
            (json!({"source": "federal_award"}), None, "recycling", None, Some("preparation.funding")),
            (json!({"source": "federal_award"}), None, "recycling", Some("ED-1"), None),
            (json!({"source": "lease"}), Some(1), "recycling", None, Some("preparation.funding")),
            (json!({"source": "lease"}), Some(1), "recycling", Some("LESSOR-1"), None),
            (json!({"source": "general"}), None, "resale", None, None),
        ]
        .into_iter()
        .enumerate()
        {
            let device = registered(&mut story, &format!("A{n}"), cost, funding.clone());
            evaluated(&mut story, &device, rung);
            let body = json!({"asset": device, "reference": "BOARD-1", "consent": consent});
            let refused = story.when(&approver, "authorize_surplus", body).err().map(|refusal| refusal.code);
            assert_eq!(refused, code, "{funding} {cost:?} {rung} {consent:?}");
        }
    }

    #[test]
    fn whoever_uses_it_next_finds_no_accounts_a_grade_and_a_title() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let (device, disk) = story.retired("A1", "hdd_ata", "low");
        story.degaussed(&disk);
        let sell = |title: Option<&str>| json!({"asset": device, "outcome": "resold", "mass": {"weight_grams": 2_000, "weight_basis": "scale"}, "title": title});
        let refusal = story.when(&coordinator, "record_disposition", sell(None)).unwrap_err();
        assert_eq!((refusal.code, refusal.missing.len()), ("disposition.not_prepared", 2), "{:?}", refusal.missing);
        story.done(&coordinator, "grade", json!({"asset": device, "cosmetic": 6, "functional": 5}));
        assert_eq!(story.asset(&device).label(), Label::Graded);
        story.done(&coordinator, "record_disposition", sell(Some("INVOICE-1")));
    }

    #[test]
    fn what_is_traded_in_or_goes_back_to_its_lessor_is_prepared_like_what_is_sold() {
        let mut story = Story::new();
        let (coordinator, approver) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::Approver, DISTRICT, 1));
        let mass = json!({"weight_grams": 2_000, "weight_basis": "scale"});
        let prepared = |story: &mut Story, tag: &str, funding: Value, consent: Option<&str>| {
            let body = json!({"tag": tag, "serial": format!("S{tag}"), "category": "laptop", "manufacturer": "Maker", "model": "Model",
                "sensitivity": "moderate", "site": "Site", "funding": funding, "media": [{"serial": format!("M{tag}"), "media_type": "hdd_ata"}]});
            let about = story.done(&coordinator, "register_asset", body);
            let id = |kind| about.iter().find(|(of, _)| *of == kind).unwrap().1.clone();
            let (device, disk) = (id(SubjectKind::Asset), id(SubjectKind::Medium));
            story.done(&coordinator, "retire", json!({"asset": device, "reason": "surplus"}));
            evaluated(story, &device, "resale");
            story.done(&approver, "authorize_surplus", json!({"asset": device, "reference": "BOARD-1", "consent": consent}));
            (device, disk)
        };
        for (tag, funding, consent, outcome) in
            [("A1", json!({"source": "lease"}), Some("RETURN-1"), "returned_to_lessor"), ("A2", json!({"source": "general"}), None, "traded_in")]
        {
            let (device, disk) = prepared(&mut story, tag, funding, consent);
            let body = |title: Option<&str>| json!({"asset": device, "outcome": outcome, "mass": mass, "title": title});
            // It leaves the organisation's control: purge is the least for its data.
            let refusal = story.when(&coordinator, "record_disposition", body(None)).unwrap_err();
            assert_eq!(refusal.code, "disposition.data_not_gone");
            assert!(refusal.missing[0].contains("purge is the least"), "{:?}", refusal.missing);
            story.degaussed(&disk);
            let refusal = story.when(&coordinator, "record_disposition", body(None)).unwrap_err();
            assert_eq!((refusal.code, refusal.missing.len()), ("disposition.not_prepared", 3), "accounts, grade and title: {:?}", refusal.missing);
            story.done(&coordinator, "release_accounts", json!({"asset": device, "reference": "MDM-1"}));
            story.done(&coordinator, "grade", json!({"asset": device, "cosmetic": 6, "functional": 5}));
            if outcome == "traded_in" {
                let lessor = json!({"asset": device, "outcome": "returned_to_lessor", "mass": mass, "title": "RETURN-2"});
                let why = story.refused(&coordinator, "record_disposition", lessor, "disposition.not_prepared");
                assert!(why.contains("not recorded as leased"), "{why}");
            }
            story.done(&coordinator, "record_disposition", body(Some("RECEIPT-1")));
            assert_eq!(story.asset(&device).label(), Label::Disposed);
        }
    }
}
