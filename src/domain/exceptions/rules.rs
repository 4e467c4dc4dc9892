//! The rules themselves: each a condition with its severity, threshold and due date; and the one table of thresholds.

use chrono::TimeDelta;

use super::Severity;
use crate::domain::asset::{Asset, Holder, Status};
use crate::domain::consignment::{CRITICAL_DAYS, Consignment, DISCREPANCY_DAYS, Discrepancy, DiscrepancyKind, RECEIPT_DAYS, RECEIPT_DAYS_SENSITIVE};
use crate::domain::evidence::{Evidence, ToolResult, Weight};
use crate::domain::holds::HoldKind;
use crate::domain::medium::{Medium, MediumState};
use crate::domain::missing::RemoteState;
use crate::domain::names::{AssetId, ConsignmentId, DiscrepancyId, Instant, MediumId, PartyId, Technique};
use crate::domain::parties::Party;
use crate::domain::past::Past;
use crate::domain::records::{Records, Stop};
use crate::domain::vendors;

/// What a rule finds: that the condition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// How bad it is.
    pub severity: Severity,
    /// By when somebody must have acted.
    pub due_at: Instant,
    /// The vendors that it concerns, in order.
    pub concerns: Vec<PartyId>,
    /// What it is about was recorded afterwards.
    pub afterwards: bool,
}

/// What a rule may look at.
pub struct Scene<'a> {
    /// The records.
    pub known: &'a Records,
    /// The thing.
    pub id: &'a str,
    /// When it looks.
    pub now: Instant,
    /// When it was raised first, for conditions whose beginning nobody recorded.
    pub raised_at: Option<Instant>,
    /// The accountable organisation, which sees everything anyway.
    pub organisation: &'a PartyId,
}

/// A threshold: proposed by the domain study, in force until the organisation adopts another.
#[derive(Debug)]
pub struct Limit {
    /// What it limits.
    pub what: &'static str,
    /// Days.
    pub days: i64,
    /// Where the number comes from.
    pub basis: &'static str,
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident $days:tt $what:literal $basis:literal;)+) => {
        $($(#[$doc])* const $name: Limit = Limit { what: $what, days: $days, basis: $basis };)+
        /// Every threshold.
        pub const LIMITS: &[Limit] = &[$($name),+];
    };
}

limits! {
    GRACE 3 "days after the retirement in which a sighting says nothing" "E-02 (proposal)";
    CERTIFICATE 2 "days from the disposition to the certificate" "E-03 with the 48 hours of E-12 (proposal)";
    RECEIPT RECEIPT_DAYS "business days from a release to its receipt" "E-05 (proposal)";
    RECEIPT_HIGH RECEIPT_DAYS_SENSITIVE "business days from a release to its receipt where a device's sensitivity is high or unknown" "E-05 (proposal)";
    DISCREPANCY DISCREPANCY_DAYS "days from a receipt until what differs is resolved" "E-06 (proposal)";
    SAME_DAY CRITICAL_DAYS "days to act on what is critical" "critical: act on the same day (domain study §6)";
    WEEK 7 "days to act on what is high or lower" "proposal: within a week";
    AFTERWARDS 30 "days to ask for what is missing of a disposal that was recorded afterwards" "proposal: the day to act on it has passed long ago";
    IN_REPAIR 45 "days in repair" "E-22 (proposal)";
    QUARANTINED 30 "days in quarantine" "E-22 (proposal)";
    STAGED 90 "days on an open consignment" "E-22 (proposal)";
    UNSANITIZED 30 "days after receipt without sanitization" "E-22 (proposal)";
}

fn after(at: Instant, limit: &Limit) -> Instant {
    Instant::new(at.utc() + TimeDelta::days(limit.days))
}

impl<'a> Scene<'a> {
    fn asset(&self) -> Result<Option<&'a Asset>, Stop> {
        AssetId::parse(self.id).map_or(Ok(None), |id| self.known.find::<Asset>(&id))
    }
    fn consignment(&self) -> Result<Option<&'a Consignment>, Stop> {
        ConsignmentId::parse(self.id).map_or(Ok(None), |id| self.known.find::<Consignment>(&id))
    }
    fn vendors<'b>(&self, parties: impl IntoIterator<Item = &'b PartyId>) -> Vec<PartyId> {
        let mut vendors: Vec<PartyId> = parties.into_iter().filter(|party| *party != self.organisation).cloned().collect();
        vendors.sort();
        vendors.dedup();
        vendors
    }
    /// Who sees the device sees what is wrong with it.
    fn of_asset(&self, asset: &Asset) -> Vec<PartyId> {
        self.vendors(asset.parties())
    }
    fn of_consignment(&self, consignment: &Consignment) -> Vec<PartyId> {
        self.vendors([&consignment.from.party, &consignment.to.party])
    }
    /// From `due` on.
    fn since(&self, due: Instant, severity: Severity, concerns: Vec<PartyId>) -> Option<Found> {
        (self.now >= due).then_some(Found { severity, due_at: due, concerns, afterwards: false })
    }
}

/// Whether it is in other hands than the organisation's, or on its way there: since when.
fn away_since(scene: &Scene<'_>, asset: &Asset) -> Option<Instant> {
    let last = asset.handoffs.last().filter(|handoff| &handoff.to.party != scene.organisation)?;
    (asset.in_transit || &asset.holder.party != scene.organisation).then_some(last.released.1)
}

/// E-01: seen after it was disposed of, or after it was released.
pub(super) fn disposed_seen(scene: &Scene<'_>) -> Result<Option<Found>, Stop> {
    let Some(asset) = scene.asset()? else { return Ok(None) };
    let gone = match asset.status {
        Status::Disposed => asset.past.as_ref().map(Past::gone_at).or(asset.disposition.as_ref().map(|disposition| disposition.recorded.occurred)),
        Status::Retired => away_since(scene, asset),
        _ => None,
    };
    let seen = asset.sighting.as_ref().filter(|sighting| gone.is_some_and(|gone| sighting.at > gone));
    Ok(seen.map(|seen| Found { severity: Severity::Critical, due_at: after(seen.at, &SAME_DAY), concerns: scene.of_asset(asset), afterwards: false }))
}

/// E-02: retired and still here, and seen three days after its retirement or later.
pub(super) fn retired_seen(scene: &Scene<'_>) -> Result<Option<Found>, Stop> {
    let Some(asset) = scene.asset()?.filter(|asset| asset.status == Status::Retired) else { return Ok(None) };
    let Some(retired) = asset.retired_at.filter(|_| away_since(scene, asset).is_none()) else { return Ok(None) };
    let seen = asset.sighting.as_ref().filter(|sighting| sighting.at >= after(retired, &GRACE));
    Ok(seen.map(|seen| Found { severity: Severity::High, due_at: after(seen.at, &WEEK), concerns: scene.of_asset(asset), afterwards: false }))
}

/// E-03: two days after the disposition there is no live certificate.
pub(super) fn no_certificate(scene: &Scene<'_>) -> Result<Option<Found>, Stop> {
    let Some(asset) = scene.asset()? else { return Ok(None) };
    let storage = asset.no_storage.is_none() || !asset.media.is_empty();
    if let Some(past) = past_of(asset).filter(|_| storage) {
        let shown = paper_of(scene, asset, past)?;
        return Ok(shown.map(|severity| afterwards(scene, asset, past, severity)));
    }
    match &asset.disposition {
        Some(disposition) if asset.status == Status::Disposed && asset.certificate.is_none() && storage => {
            let due = after(disposition.recorded.occurred, &CERTIFICATE);
            Ok(scene.since(due, Severity::Critical, scene.of_asset(asset)))
        }
        _ => Ok(None),
    }
}

fn past_of(asset: &Asset) -> Option<&Past> {
    asset.past.as_ref().filter(|_| asset.status == Status::Disposed)
}

/// High and due in weeks, however bad it is: on the day on which somebody should have acted nobody knew of it.
fn afterwards(scene: &Scene<'_>, asset: &Asset, past: &Past, severity: Severity) -> Found {
    Found { severity, due_at: after(past.recorded.occurred, &AFTERWARDS), concerns: scene.of_asset(asset), afterwards: true }
}

/// E-03 of a disposal that was recorded afterwards: how bad what its paper leaves open is. Nothing where the paper names each medium and what was
/// claimed of it; low where somebody has to look into the paper, because no reader found the serial numbers in it.
fn paper_of(scene: &Scene<'_>, asset: &Asset, past: &Past) -> Result<Option<Severity>, Stop> {
    let media: Vec<&Medium> = scene.known.find_all::<Medium>(&asset.media)?.into_iter().flatten().collect();
    let claimed = |medium: &Medium| past.claim_of(&medium.id).and_then(|claim| claim.technique);
    let (Some(document), false, true) = (&past.document, media.is_empty(), media.iter().all(|medium| claimed(medium).is_some())) else {
        return Ok(Some(Severity::High));
    };
    let paper = scene.known.find::<Evidence>(document)?;
    let mut worst = None;
    for medium in media {
        let link = paper.and_then(|paper| paper.link_of(medium, Some(asset)));
        let open = match link.map(|link| &link.reading) {
            // What cannot be true shows nothing.
            Some(_) if link.is_some_and(|link| link.findings.iter().any(|finding| finding.weight == Weight::Blocks)) => Some(Severity::High),
            Some(said) if !matches!(said.result, ToolResult::Pass | ToolResult::PassWithExceptions) => Some(Severity::High),
            Some(said) if Some(said.technique) == claimed(medium) => None,
            Some(said) if said.technique != Technique::Unknown => Some(Severity::High),
            _ => Some(Severity::Low),
        };
        worst = [worst, open].into_iter().flatten().min();
    }
    Ok(worst)
}

/// E-08: what a paper claims of a medium, even if it is true, is less than the policy asks for where the device went. Of what is recorded as it
/// happens the rules of disposition ask that before.
pub(super) fn claimed_below(scene: &Scene<'_>) -> Result<Option<Found>, Stop> {
    let Some(asset) = scene.asset()? else { return Ok(None) };
    let Some(past) = past_of(asset) else { return Ok(None) };
    let of_medium = |medium: &MediumId| past.claim_of(medium).filter(|claim| claim.technique.is_some());
    let below = asset.media.iter().filter_map(of_medium).any(|claim| claim.at_most < past.least);
    Ok(below.then(|| afterwards(scene, asset, past, Severity::High)))
}

/// E-05: released, and when its receipt is due nobody has acknowledged all of it; after twice the days that it may take, critical.
pub(super) fn not_acknowledged(scene: &Scene<'_>) -> Result<Option<Found>, Stop> {
    let Some(consignment) = scene.consignment()? else { return Ok(None) };
    let (Some(due), Some(late)) = (consignment.receipt_due_at(), consignment.receipt_late_at(2)) else { return Ok(None) };
    let severity = if scene.now >= late { Severity::Critical } else { Severity::High };
    Ok(scene.since(due, severity, scene.of_consignment(consignment)))
}

/// E-14, about a consignment: on the day of its release the vendor's site was not qualified for what it was to receive.
pub(super) fn not_qualified(scene: &Scene<'_>) -> Result<Option<Found>, Stop> {
    let Some(consignment) = scene.consignment()? else { return Ok(None) };
    let to_vendor = consignment.kind.is_to_vendor();
    let Some(released) = consignment.released.as_ref().filter(|_| to_vendor) else { return Ok(None) };
    // What it was when it left is in the release; what was sanitized there since needed the credential.
    unqualified_on(scene, &consignment.to, consignment.may_hold_data, released.occurred, scene.of_consignment(consignment))
}

/// E-14, about a device: on the day of a sanitization the site of the vendor that performed it was not qualified for it.
pub(super) fn sanitized_unqualified(scene: &Scene<'_>) -> Result<Option<Found>, Stop> {
    let Some(asset) = scene.asset()? else { return Ok(None) };
    for medium in scene.known.find_all::<Medium>(&asset.media)?.into_iter().flatten() {
        let Some(done) = medium.sanitization.as_ref().map(|sanitization| &sanitization.performed) else { continue };
        let Some(at) = asset.handoffs.iter().rev().map(|handoff| &handoff.to).find(|to| to.party == done.party) else { continue };
        if &done.party == scene.organisation {
            continue;
        }
        let found = unqualified_on(scene, at, true, done.occurred, scene.of_asset(asset))?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn unqualified_on(scene: &Scene<'_>, at: &Holder, may_hold_data: bool, when: Instant, concerns: Vec<PartyId>) -> Result<Option<Found>, Stop> {
    let Some(party) = scene.known.find::<Party>(&at.party)? else { return Ok(None) };
    let missing = vendors::missing(party, &at.site, may_hold_data, when.utc().date_naive());
    Ok((!missing.is_empty()).then(|| Found { severity: Severity::High, due_at: after(when, &WEEK), concerns, afterwards: false }))
}

/// A discrepancy that nobody has resolved, and whom it concerns. Each says itself when it is due, from the part of the receipt on that found it.
fn unresolved<'a>(scene: &Scene<'a>) -> Result<Option<(&'a Discrepancy, Vec<PartyId>)>, Stop> {
    let Ok(id) = DiscrepancyId::parse(scene.id) else { return Ok(None) };
    let Some(discrepancy) = scene.known.find::<Discrepancy>(&id)?.filter(|discrepancy| discrepancy.resolution.is_none()) else { return Ok(None) };
    let Some(consignment) = scene.known.find::<Consignment>(&discrepancy.consignment)? else { return Ok(None) };
    Ok(Some((discrepancy, scene.of_consignment(consignment))))
}

/// E-06: what differs at a receipt is not resolved: what may hold data and did not arrive at once, anything else when it is due.
pub(super) fn discrepancy_open(scene: &Scene<'_>) -> Result<Option<Found>, Stop> {
    let Some((discrepancy, concerns)) = unresolved(scene)? else { return Ok(None) };
    Ok(match discrepancy.kind {
        // They have rules of their own.
        DiscrepancyKind::Seal | DiscrepancyKind::Incomplete => None,
        DiscrepancyKind::Short if discrepancy.critical => {
            Some(Found { severity: Severity::Critical, due_at: discrepancy.due_at, concerns, afterwards: false })
        }
        _ => scene.since(discrepancy.due_at, Severity::High, concerns),
    })
}

/// E-17: a seal was broken, missing or another one at receipt, and nobody has resolved it.
pub(super) fn seal_open(scene: &Scene<'_>) -> Result<Option<Found>, Stop> {
    let found = unresolved(scene)?.filter(|(discrepancy, _)| discrepancy.kind == DiscrepancyKind::Seal);
    Ok(found.map(|(discrepancy, concerns)| Found { severity: Severity::High, due_at: discrepancy.due_at, concerns, afterwards: false }))
}

/// E-24, at a receipt: the device arrived without its drive.
pub(super) fn drive_absent(scene: &Scene<'_>) -> Result<Option<Found>, Stop> {
    let found = unresolved(scene)?.filter(|(discrepancy, _)| discrepancy.kind == DiscrepancyKind::Incomplete);
    Ok(found.map(|(discrepancy, concerns)| Found { severity: Severity::Critical, due_at: discrepancy.due_at, concerns, afterwards: false }))
}

/// E-18: missing; critical where data may be on it and the device has not confirmed that it is locked or wiped.
pub(super) fn lost_or_stolen(scene: &Scene<'_>) -> Result<Option<Found>, Stop> {
    let Some(asset) = scene.asset()?.filter(|asset| asset.status == Status::Missing) else { return Ok(None) };
    let Some(missing) = &asset.missing else { return Ok(None) };
    let out_of_reach = missing.remote.iter().any(|remote| remote.state == RemoteState::Confirmed);
    let exposed = !out_of_reach && asset.may_hold_data();
    let (severity, limit) = if exposed { (Severity::Critical, &SAME_DAY) } else { (Severity::High, &WEEK) };
    Ok(Some(Found { severity, due_at: after(missing.reported, limit), concerns: scene.of_asset(asset), afterwards: false }))
}

/// E-24: a medium of the device is unaccounted for, or somebody outside kept it whom it was never handed to.
pub(super) fn medium_differs(scene: &Scene<'_>) -> Result<Option<Found>, Stop> {
    let Some(asset) = scene.asset()? else { return Ok(None) };
    let outside = |medium: &Medium| {
        medium.is_loose()
            && !medium.state.is_gone()
            && medium.state != MediumState::Withdrawn
            && medium.handoffs.is_empty()
            && medium.holder.as_ref().is_some_and(|holder| &holder.party != scene.organisation)
    };
    let media = scene.known.find_all::<Medium>(&asset.former_media)?;
    if !media.into_iter().flatten().any(|medium| medium.state == MediumState::Absent || outside(medium)) {
        return Ok(None);
    }
    let since = scene.raised_at.unwrap_or(scene.now);
    Ok(Some(Found { severity: Severity::Critical, due_at: after(since, &SAME_DAY), concerns: scene.of_asset(asset), afterwards: false }))
}

/// E-22: on an open consignment for 90 days, in repair for 45, in quarantine or at the receiver's and not sanitized for 30.
pub(super) fn stuck(scene: &Scene<'_>) -> Result<Option<Found>, Stop> {
    let Some(asset) = scene.asset()? else { return Ok(None) };
    let mut due = None;
    let quarantine = asset.holds.iter().find(|hold| hold.kind == HoldKind::Quarantine);
    if let Some(hold) = quarantine {
        due = Some(after(hold.placed, &QUARANTINED));
    } else if asset.status == Status::InRepair {
        due = asset.repairs.last().map(|repair| after(repair.sent_at, &IN_REPAIR));
    } else if asset.status == Status::Retired
        && !asset.in_transit
        && let Some(consignment) = &asset.consignment
    {
        due = scene.known.find::<Consignment>(consignment)?.map(|consignment| after(consignment.opened_at, &STAGED));
    } else if asset.status == Status::Retired && !asset.in_transit {
        let received = asset.handoffs.last().and_then(|handoff| handoff.received);
        if let Some((_, at)) = received.filter(|_| asset.disposition.is_none())
            && scene.now >= after(at, &UNSANITIZED)
            && asset.may_hold_data()
        {
            due = Some(after(at, &UNSANITIZED));
        }
    }
    Ok(due.and_then(|due| scene.since(due, Severity::Medium, scene.of_asset(asset))))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Exception, ExceptionId, ExceptionStatus, RULES, ReopenReason, RuleId, Severity, rule};
    use crate::domain::consignment::{Discrepancy, DiscrepancyKind};
    use crate::domain::names::{Instant, Role};
    use crate::domain::story::{DISTRICT, OTHER, Story, VENDOR, actor};

    use crate::domain::consignment::business_days_after;

    /// Has the rules look at a thing.
    fn look(story: &mut Story, kind: &str, id: &str) {
        let service = actor(Role::Service, DISTRICT, 0);
        story.done(&service, "look_for_exceptions", json!({"about": [{"id": id, "type": kind}]}));
    }

    fn exception(story: &Story, rule: RuleId, id: &str) -> Option<Exception> {
        story.known().find::<Exception>(&ExceptionId::new(rule, id)).unwrap().cloned()
    }

    /// Where it stands, and how bad it is; none where it was never raised.
    fn stands(story: &Story, rule: RuleId, id: &str) -> Option<(ExceptionStatus, Severity)> {
        exception(story, rule, id).map(|exception| (exception.status, exception.severity))
    }

    fn coordinator() -> crate::domain::Actor {
        actor(Role::Coordinator, DISTRICT, 1)
    }
    fn approver() -> crate::domain::Actor {
        actor(Role::Approver, DISTRICT, 1)
    }
    fn operator() -> crate::domain::Actor {
        actor(Role::VendorOperator, VENDOR, 1)
    }

    const OPEN: ExceptionStatus = ExceptionStatus::Open;
    const RESOLVED: ExceptionStatus = ExceptionStatus::Resolved;

    fn receipt(consignment: &str, tags: &[&str]) -> Value {
        let scans: Vec<Value> = tags.iter().map(|tag| json!({"tag": tag})).collect();
        json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": scans})
    }

    #[test]
    fn every_rule_is_in_the_list_once_and_says_what_to_do_next() {
        for id in RuleId::ALL {
            let mut about: Vec<_> = RULES.iter().filter(|rule| rule.id == *id).map(|rule| rule.about).collect();
            let rules = about.len();
            about.dedup();
            assert!(rules > 0 && about.len() == rules, "{id}: one rule about each kind of thing");
            assert!(rule(*id).unwrap().next.ends_with('.'), "{id}");
        }
    }

    #[test]
    fn saturdays_and_sundays_are_no_business_days() {
        let at = |text: &str| Instant::parse(text).unwrap();
        assert_eq!(business_days_after(at("2026-11-26T10:00:00Z"), 1), at("2026-11-27T10:00:00Z"));
        assert_eq!(business_days_after(at("2026-11-27T10:00:00Z"), 1), at("2026-11-30T10:00:00Z"));
        assert_eq!(business_days_after(at("2026-11-26T10:00:00Z"), 3), at("2026-12-01T10:00:00Z"));
        assert_eq!(business_days_after(at("2026-11-28T10:00:00Z"), 1), at("2026-11-30T10:00:00Z"));
    }

    fn seen(story: &mut Story, asset: &str) {
        story.done(&coordinator(), "see_device", json!({"asset": asset, "source": "mdm"}));
        look(story, "Asset", asset);
    }

    #[test]
    fn e02_a_retired_device_that_is_seen_after_three_days_is_high_until_it_is_used_again() {
        let mut story = Story::new();
        let (asset, _) = story.retired("A1", "hdd_ata", "low");
        story.hours_pass(70);
        seen(&mut story, &asset);
        assert_eq!(stands(&story, RuleId::RetiredSeen, &asset), None);
        story.hours_pass(25);
        seen(&mut story, &asset);
        assert_eq!(stands(&story, RuleId::RetiredSeen, &asset), Some((OPEN, Severity::High)));
        // Explained once, it is news again when it is seen again.
        let id = ExceptionId::new(RuleId::RetiredSeen, &asset).to_string();
        story.done(&coordinator(), "resolve_exception", json!({"exception": id, "how": "explained", "reference": "BENCH-4"}));
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::RetiredSeen, &asset).unwrap().0, RESOLVED);
        story.hours_pass(25);
        seen(&mut story, &asset);
        assert_eq!(stands(&story, RuleId::RetiredSeen, &asset).unwrap().0, OPEN);
        story.done(&coordinator(), "return_to_service", json!({"asset": asset, "reason": "needed_again"}));
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::RetiredSeen, &asset).unwrap().0, RESOLVED);
    }

    #[test]
    fn e01_a_released_or_disposed_device_that_is_seen_is_critical_and_blocks_its_certificate() {
        let mut story = Story::new();
        let (asset, _) = story.retired("A1", "hdd_ata", "low");
        story.hours_pass(100);
        seen(&mut story, &asset);
        story.released("C1", &[&asset]);
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::DisposedSeen, &asset), None, "it was seen before it left");
        assert_eq!(stands(&story, RuleId::RetiredSeen, &asset).unwrap().0, RESOLVED);
        story.hours_pass(25);
        seen(&mut story, &asset);
        let found = exception(&story, RuleId::DisposedSeen, &asset).unwrap();
        assert_eq!((found.status, found.severity, found.concerns[0].as_str()), (OPEN, Severity::Critical, VENDOR));
        assert_eq!(super::super::in_the_way(story.known(), &asset.clone().try_into().unwrap()).unwrap().len(), 1);
        // What is found to be lost is another exception.
        story.done(&coordinator(), "report_missing", json!({"asset": asset, "loss": "stolen", "custodian": "carrier", "incident": "POL-1"}));
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::DisposedSeen, &asset).unwrap().0, RESOLVED);

        let mut story = Story::new();
        let (asset, medium) = story.retired("A1", "hdd_ata", "low");
        story.destroyed(&medium);
        let mass = json!({"weight_grams": 1_000, "weight_basis": "scale"});
        story.done(&coordinator(), "record_disposition", json!({"asset": asset, "outcome": "landfilled", "mass": mass}));
        seen(&mut story, &asset);
        assert_eq!(stands(&story, RuleId::DisposedSeen, &asset), Some((OPEN, Severity::Critical)));
    }

    #[test]
    fn e14_a_release_to_a_site_that_was_not_qualified_is_high_until_its_credential_is_recorded() {
        let mut story = Story::unqualified();
        let (asset, _) = story.retired("A1", "hdd_ata", "low");
        let about = story.done(&coordinator(), "open_consignment", json!({"reference": "C1", "from_site": "Site", "to": VENDOR, "to_site": "Site"}));
        let consignment = about[0].1.clone();
        story.done(&coordinator(), "add_lines", json!({"consignment": consignment, "assets": [asset]}));
        story.done(&coordinator(), "seal_consignment", json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal": "0001"}]}));
        let grant = json!({"consignment": consignment, "guard": "vendor_qualification", "reason": "renewal_pending", "reference": "BOARD-1"});
        story.done(&approver(), "grant_override", grant);
        story.done(&coordinator(), "release_consignment", json!({"consignment": consignment}));
        look(&mut story, "Consignment", &consignment);
        assert_eq!(stands(&story, RuleId::NotQualified, &consignment), Some((OPEN, Severity::High)));
        story.qualify(VENDOR, "2100-01-01");
        look(&mut story, "Consignment", &consignment);
        assert_eq!(stands(&story, RuleId::NotQualified, &consignment).unwrap().0, RESOLVED);
        // One that was valid then says nothing about later.
        let (other, _) = story.retired("A2", "hdd_ata", "low");
        let other = story.released("C2", &[&other]);
        look(&mut story, "Consignment", &other);
        assert_eq!(stands(&story, RuleId::NotQualified, &other), None);
    }

    #[test]
    fn e17_and_e24_a_seal_that_differs_is_high_and_an_absent_drive_critical_from_the_part_of_the_receipt_that_finds_it() {
        let mut story = Story::new();
        let (there, _) = story.retired("A1", "hdd_ata", "low");
        let (later, _) = story.retired("A2", "hdd_ata", "low");
        let consignment = story.released("C1", &[&there, &later]);
        let part = json!({"consignment": consignment, "containers": [{"label": "PALLET-1", "seal_state": "broken"}],
            "scans": [{"tag": "A1", "damage": "drive_absent"}], "more_to_come": true});
        let about = story.done(&operator(), "receive_consignment", part);
        let found = story.now();
        let mut discrepancies: Vec<String> =
            about.into_iter().filter(|(kind, _)| *kind == crate::domain::SubjectKind::Discrepancy).map(|(_, id)| id).collect();
        discrepancies.sort();
        discrepancies.dedup();
        assert_eq!(discrepancies.len(), 2);
        for id in discrepancies {
            let known = |story: &Story| story.known().find::<Discrepancy>(&id.clone().try_into().unwrap()).unwrap().unwrap().clone();
            let (rule, severity, days) = match known(&story).kind {
                DiscrepancyKind::Seal => (RuleId::Seal, Severity::High, 2),
                DiscrepancyKind::Incomplete => (RuleId::MediumDiffers, Severity::Critical, 1),
                other => panic!("{other}"),
            };
            look(&mut story, "Discrepancy", &id);
            let raised = exception(&story, rule, &id).unwrap();
            assert_eq!((raised.status, raised.severity, raised.due_at), (OPEN, severity, known(&story).due_at));
            let late = (raised.due_at.utc() - found.utc() - chrono::TimeDelta::days(days)).num_minutes();
            assert!((-10..=0).contains(&late), "{rule}: {late}");
            let resolution = if rule == RuleId::Seal { "contents_verified" } else { "scan_error" };
            story.done(&approver(), "resolve_discrepancy", json!({"discrepancy": id, "resolution": resolution, "reference": "CASE-1"}));
            look(&mut story, "Discrepancy", &id);
            assert_eq!(stands(&story, rule, &id).unwrap().0, RESOLVED);
        }
    }

    #[test]
    fn e03_a_disposed_device_without_a_certificate_is_critical_after_two_days_until_there_is_one() {
        let mut story = Story::new();
        let (asset, medium) = story.retired("A1", "hdd_ata", "low");
        story.destroyed(&medium);
        story.done(
            &coordinator(),
            "record_disposition",
            json!({"asset": asset, "outcome": "landfilled", "mass": {"weight_grams": 1_000, "weight_basis": "scale"}}),
        );
        story.hours_pass(46);
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::NoCertificate, &asset), None);
        story.hours_pass(2);
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::NoCertificate, &asset), Some((OPEN, Severity::Critical)));
        let raised = exception(&story, RuleId::NoCertificate, &asset).unwrap();
        look(&mut story, "Asset", &asset);
        assert_eq!(exception(&story, RuleId::NoCertificate, &asset).unwrap(), raised, "raised once");
        // It is not in the way of the certificate that ends it.
        let verdict = crate::domain::certification::judge(story.known(), &raised.subject.id.clone().try_into().unwrap(), story.policy()).unwrap();
        let url = "http://localhost:8080/certificates/NPSD-2026-AAAA-BBBB";
        let issue = json!({"asset": asset, "number": "NPSD-2026-AAAA-BBBB", "url": url, "credential_sha256": "1".repeat(64),
            "status_list": "http://localhost:8080/status/1", "status_index": 7, "basis": verdict.basis, "shown": []});
        story.done(&approver(), "issue_certificate", issue);
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::NoCertificate, &asset).unwrap().0, RESOLVED);
        // A revoked certificate is none.
        story.done(&approver(), "revoke_certificate", json!({"number": "NPSD-2026-AAAA-BBBB", "reason": "error_in_record"}));
        look(&mut story, "Asset", &asset);
        let again = exception(&story, RuleId::NoCertificate, &asset).unwrap();
        assert_eq!((again.status, again.reopened, again.raised), (OPEN, 1, raised.raised));
    }

    /// A device that was disposed of before: with one disk, of which the paper claims this.
    fn past(story: &mut Story, tag: &str, technique: Option<&str>, document: Option<&str>) -> (String, String) {
        let device = json!({"tag": tag, "serial": format!("S{tag}"), "category": "laptop", "manufacturer": "Maker", "model": "Model",
            "sensitivity": "moderate", "site": "Site"});
        let body = json!({"device": device, "outcome": "recycled", "disposed_on": "2021-06-14", "document": document,
            "media": [{"serial": format!("M{tag}"), "media_type": "hdd_ata", "technique": technique}]});
        let about = story.done(&coordinator(), "record_past_disposal", body);
        let id = |kind| about.iter().find(|(of, _)| *of == kind).unwrap().1.clone();
        (id(crate::domain::SubjectKind::Asset), id(crate::domain::SubjectKind::Medium))
    }

    #[test]
    fn e03_and_e08_a_disposal_that_was_recorded_afterwards_is_as_good_as_its_paper() {
        let mut story = Story::new();
        let document = story.document();
        let below = |story: &Story, id: &str| stands(story, RuleId::CategoryBelow, id);
        for (tag, technique, paper, e03, e08) in [
            ("A1", Some("degauss"), None, Some((OPEN, Severity::High)), None),
            ("A2", None, Some(document.as_str()), Some((OPEN, Severity::High)), None),
            // Claimed well, and no reader found the serial number in the paper: somebody has to look.
            ("A3", Some("degauss"), Some(document.as_str()), Some((OPEN, Severity::Low)), None),
            ("A4", Some("host_overwrite"), Some(document.as_str()), Some((OPEN, Severity::Low)), Some((OPEN, Severity::High))),
        ] {
            let (asset, _) = past(&mut story, tag, technique, paper);
            look(&mut story, "Asset", &asset);
            assert_eq!((stands(&story, RuleId::NoCertificate, &asset), below(&story, &asset)), (e03, e08), "{tag}");
            let raised = exception(&story, RuleId::NoCertificate, &asset).unwrap();
            assert!(raised.title().contains("recorded afterwards") && raised.next_step().contains("Ask the vendor"), "{tag}");
            // What is open since years is not due today.
            assert!(raised.due_at.utc() > story.now().utc() + chrono::TimeDelta::days(20), "{tag}");
        }
        // A paper in which a reader finds the medium and the technique says enough; one that says otherwise does not.
        for (tag, technique, result, e03) in [
            ("B1", "degauss", "pass", None),
            ("B2", "factory_reset", "pass", Some((OPEN, Severity::High))),
            ("B3", "degauss", "fail", Some((OPEN, Severity::High))),
        ] {
            let (asset, medium) = past(&mut story, tag, Some("degauss"), Some(&document));
            let reading = json!({"technique": technique, "result": result, "errors": 0, "complete": true, "hidden_area": "none"});
            let links = json!([{"medium": medium, "serial": format!("M{tag}"), "reading": reading}]);
            let file =
                json!({"sha256": document, "size_bytes": 9, "reader": {"name": "pdf", "version": 1, "records": 1, "remarks": 0}, "links": links});
            story.done(&coordinator(), "receive_evidence", file);
            look(&mut story, "Asset", &asset);
            assert_eq!(stands(&story, RuleId::NoCertificate, &asset), e03, "{tag}");
        }
        // What it is about is told anew where it was told as something else.
        let (asset, _) = past(&mut story, "B9", None, None);
        look(&mut story, "Asset", &asset);
        let otherwise = Exception { afterwards: false, ..exception(&story, RuleId::NoCertificate, &asset).unwrap() };
        let seq = otherwise.last_seq;
        story.known_mut().put(otherwise, seq);
        look(&mut story, "Asset", &asset);
        let told = exception(&story, RuleId::NoCertificate, &asset).unwrap();
        assert!(told.afterwards && told.last_seq > seq, "{told:?}");
        // Voided, it is open again and no exception of it.
        let (asset, _) = past(&mut story, "C1", None, None);
        look(&mut story, "Asset", &asset);
        story.done(&approver(), "void_disposition", json!({"asset": asset, "reason": "never_happened"}));
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::NoCertificate, &asset).unwrap().0, RESOLVED);
        // Seen after the day on which it is said to have gone, it did not go.
        let (asset, _) = past(&mut story, "D1", Some("degauss"), Some(&document));
        seen(&mut story, &asset);
        assert_eq!(stands(&story, RuleId::DisposedSeen, &asset), Some((OPEN, Severity::Critical)));
    }

    #[test]
    fn e05_a_release_that_nobody_acknowledges_is_high_and_then_critical_until_the_receipt() {
        let mut story = Story::new();
        let (low, _) = story.retired("A1", "hdd_ata", "low");
        let slow = story.released("C1", &[&low]);
        let (high, _) = story.retired("A2", "hdd_ata", "high");
        let fast = story.released("C2", &[&high]);
        // 21 September 2026 is a Monday: no weekend lies between.
        story.hours_pass(25);
        look(&mut story, "Consignment", &slow);
        look(&mut story, "Consignment", &fast);
        assert_eq!(
            (stands(&story, RuleId::NotAcknowledged, &slow), stands(&story, RuleId::NotAcknowledged, &fast)),
            (None, Some((OPEN, Severity::High)))
        );
        story.hours_pass(48);
        look(&mut story, "Consignment", &slow);
        look(&mut story, "Consignment", &fast);
        assert_eq!(stands(&story, RuleId::NotAcknowledged, &slow), Some((OPEN, Severity::High)));
        assert_eq!(stands(&story, RuleId::NotAcknowledged, &fast), Some((OPEN, Severity::Critical)));
        let vendor = exception(&story, RuleId::NotAcknowledged, &slow).unwrap().concerns;
        assert_eq!(vendor.iter().map(ToString::to_string).collect::<Vec<_>>(), [VENDOR]);
        // What the record promises is what the rule waits for; a part of it is no receipt of the rest.
        let due = |story: &Story, id: &str| {
            story.known().find::<crate::domain::consignment::Consignment>(&id.to_owned().try_into().unwrap()).unwrap().unwrap().receipt_due_at()
        };
        for consignment in [&slow, &fast] {
            assert_eq!(due(&story, consignment), exception(&story, RuleId::NotAcknowledged, consignment).map(|exception| exception.due_at));
        }
        let mut part = receipt(&slow, &[]);
        part["more_to_come"] = json!(true);
        story.done(&operator(), "receive_consignment", part);
        look(&mut story, "Consignment", &slow);
        assert_eq!(stands(&story, RuleId::NotAcknowledged, &slow), Some((OPEN, Severity::High)));
        let rest = json!({"consignment": slow, "containers": [], "scans": [{"tag": "A1"}]});
        story.done(&operator(), "receive_consignment", rest);
        look(&mut story, "Consignment", &slow);
        assert_eq!(stands(&story, RuleId::NotAcknowledged, &slow).unwrap().0, RESOLVED);
    }

    #[test]
    fn e06_a_missing_data_bearing_device_is_critical_at_once_and_the_rest_after_two_days_until_resolved() {
        let mut story = Story::new();
        let (short, _) = story.retired("A1", "hdd_ata", "low");
        let (there, _) = story.retired("A2", "hdd_ata", "low");
        let consignment = story.released("C1", &[&short, &there]);
        let about = story.done(&operator(), "receive_consignment", receipt(&consignment, &["A2", "STRANGE"]));
        let mut discrepancies: Vec<String> =
            about.into_iter().filter(|(kind, _)| *kind == crate::domain::SubjectKind::Discrepancy).map(|(_, id)| id).collect();
        discrepancies.dedup();
        let kind = |id: &String| {
            let id = crate::domain::names::DiscrepancyId::parse(id).unwrap();
            story.known().find::<crate::domain::consignment::Discrepancy>(&id).unwrap().unwrap().kind
        };
        let of = |wanted| discrepancies.iter().find(|id| kind(id) == wanted).unwrap().clone();
        let short = of(crate::domain::consignment::DiscrepancyKind::Short);
        let over = of(crate::domain::consignment::DiscrepancyKind::Over);
        look(&mut story, "Discrepancy", &short);
        look(&mut story, "Discrepancy", &over);
        assert_eq!(
            (stands(&story, RuleId::Discrepancy, &short), stands(&story, RuleId::Discrepancy, &over)),
            (Some((OPEN, Severity::Critical)), None)
        );
        story.hours_pass(48);
        look(&mut story, "Discrepancy", &over);
        assert_eq!(stands(&story, RuleId::Discrepancy, &over), Some((OPEN, Severity::High)));
        let located = json!({"discrepancy": short, "resolution": "located_at_receiver", "document": story.document()});
        story.done(&approver(), "resolve_discrepancy", located);
        look(&mut story, "Discrepancy", &short);
        assert_eq!(stands(&story, RuleId::Discrepancy, &short).unwrap().0, RESOLVED);
    }

    /// A device that was looked for and not found.
    fn missing(story: &mut Story) -> String {
        let (asset, _) = story.retired("A1", "hdd_ata", "low");
        let consignment = story.released("C1", &[&asset]);
        let about = story.done(&operator(), "receive_consignment", receipt(&consignment, &[]));
        let discrepancy = about.into_iter().find(|(kind, _)| *kind == crate::domain::SubjectKind::Discrepancy).unwrap().1;
        story.done(&approver(), "resolve_discrepancy", json!({"discrepancy": discrepancy, "resolution": "confirmed_missing", "reference": "CASE-1"}));
        asset
    }

    #[test]
    fn e18_a_lost_device_that_may_hold_data_is_critical_and_keeps_its_certificate_from_being_issued() {
        let mut story = Story::new();
        let asset = missing(&mut story);
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::LostOrStolen, &asset), Some((OPEN, Severity::Critical)));
        let judged = || {
            let id = asset.clone().try_into().unwrap();
            match crate::domain::certification::judge(story.known(), &id, story.policy()) {
                Err(crate::domain::records::Stop::Refused(refusal)) => refusal.missing,
                other => panic!("{other:?}"),
            }
        };
        assert!(judged().iter().any(|why| why.contains("The critical exception E-18 is not resolved")), "{:?}", judged());
    }

    #[test]
    fn e22_what_does_not_move_for_too_long_is_raised_and_ends_when_it_moves() {
        let mut story = Story::new();
        let (asset, _) = story.retired("A1", "hdd_ata", "low");
        let about = story.done(&coordinator(), "open_consignment", json!({"reference": "C1", "from_site": "Site", "to": VENDOR, "to_site": "Site"}));
        let consignment = about[0].1.clone();
        story.done(&coordinator(), "add_lines", json!({"consignment": consignment, "assets": [asset]}));
        story.hours_pass(89 * 24);
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::Stuck, &asset), None);
        story.hours_pass(24);
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::Stuck, &asset), Some((OPEN, Severity::Medium)));
        story.done(&coordinator(), "seal_consignment", json!({"consignment": consignment, "containers": [{"label": "PALLET-1"}]}));
        story.done(&coordinator(), "release_consignment", json!({"consignment": consignment}));
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::Stuck, &asset).unwrap().0, RESOLVED);
        // Received and not sanitized for a month.
        story.done(&operator(), "receive_consignment", receipt(&consignment, &["A1"]));
        story.hours_pass(30 * 24);
        look(&mut story, "Asset", &asset);
        let again = exception(&story, RuleId::Stuck, &asset).unwrap();
        assert_eq!((again.status, again.reopened), (OPEN, 1));
        assert!(again.concerns.iter().all(|party| party.as_str() == VENDOR && party.as_str() != OTHER));
    }

    /// A device in use, with one medium.
    fn in_use(story: &mut Story) -> (String, String) {
        let body = json!({"tag": "A1", "serial": "SA1", "category": "laptop", "manufacturer": "Maker", "model": "Model", "sensitivity": "low",
            "site": "Site", "status": "in_service", "media": [{"media_type": "hdd_ata", "serial": "MA1"}]});
        let about = story.done(&coordinator(), "register_asset", body);
        let id = |kind| about.iter().find(|(of, _)| *of == kind).unwrap().1.clone();
        (id(crate::domain::SubjectKind::Asset), id(crate::domain::SubjectKind::Medium))
    }

    fn repaired(story: &mut Story, hours: i64, found: &str) -> (String, String) {
        let (asset, medium) = in_use(story);
        let send = json!({"asset": asset, "fault": "storage", "vendor": VENDOR, "vendor_site": "Site", "contract": "NDA-1"});
        story.done(&coordinator(), "send_to_repair", send);
        story.hours_pass(hours);
        look(story, "Asset", &asset);
        let checked = json!([{"medium": medium, "found": found, "replacement": {"media_type": "ssd_sata", "serial": "NEW1"}}]);
        story.done(&coordinator(), "return_from_repair", json!({"asset": asset, "status": "in_service", "media": checked}));
        (asset, medium)
    }

    #[test]
    fn e24_a_drive_that_a_repairer_kept_or_nobody_can_find_is_critical_until_it_is_back() {
        for found in ["kept", "unaccounted"] {
            let mut story = Story::new();
            let (asset, medium) = repaired(&mut story, 24, found);
            look(&mut story, "Asset", &asset);
            assert_eq!(stands(&story, RuleId::MediumDiffers, &asset), Some((OPEN, Severity::Critical)), "{found}");
            let before = exception(&story, RuleId::MediumDiffers, &asset);
            story.hours_pass(24);
            look(&mut story, "Asset", &asset);
            assert_eq!(exception(&story, RuleId::MediumDiffers, &asset), before, "it does not change with the clock");
            let in_the_way = super::super::in_the_way(story.known(), &asset.clone().try_into().unwrap()).unwrap();
            assert!(in_the_way[0].contains("E-24"), "{in_the_way:?}");
            if found == "unaccounted" {
                story.done(&coordinator(), "report_medium_found", json!({"medium": medium, "site": "Site"}));
                look(&mut story, "Asset", &asset);
                assert_eq!(stands(&story, RuleId::MediumDiffers, &asset).unwrap().0, RESOLVED);
            }
        }
        let mut story = Story::new();
        let (asset, _) = repaired(&mut story, 24, "returned");
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::MediumDiffers, &asset), None);
    }

    #[test]
    fn e22_repair_and_quarantine_have_their_limits() {
        let mut story = Story::new();
        let (asset, _) = repaired(&mut story, 45 * 24, "returned");
        assert_eq!(stands(&story, RuleId::Stuck, &asset), Some((OPEN, Severity::Medium)));
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::Stuck, &asset).unwrap().0, RESOLVED);
        story.done(&coordinator(), "quarantine", json!({"asset": asset, "reason": "swollen_battery", "container": "DRUM-1"}));
        story.hours_pass(29 * 24);
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::Stuck, &asset).unwrap().0, RESOLVED);
        story.hours_pass(24);
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::Stuck, &asset).unwrap().0, OPEN);
    }

    #[test]
    fn e18_is_high_once_the_device_confirms_its_lock_and_ends_when_it_is_found() {
        let mut story = Story::new();
        let (asset, _) = in_use(&mut story);
        story.done(&coordinator(), "report_missing", json!({"asset": asset, "loss": "stolen", "custodian": "cart", "incident": "POL-1"}));
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::LostOrStolen, &asset), Some((OPEN, Severity::Critical)));
        let evidence = "e".repeat(64);
        story.done(&coordinator(), "receive_evidence", json!({"sha256": evidence, "size_bytes": 10, "links": []}));
        story.done(&coordinator(), "record_remote_command", json!({"asset": asset, "command": "lock", "state": "sent"}));
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::LostOrStolen, &asset), Some((OPEN, Severity::Critical)), "sent is not confirmed");
        story.done(&coordinator(), "record_remote_command", json!({"asset": asset, "command": "lock", "state": "confirmed", "evidence": evidence}));
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::LostOrStolen, &asset), Some((OPEN, Severity::High)));
        story.done(&coordinator(), "report_found", json!({"asset": asset, "site": "Site"}));
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::LostOrStolen, &asset).unwrap().0, RESOLVED);
    }

    #[test]
    fn people_assign_snooze_resolve_on_evidence_and_open_again() {
        let mut story = Story::new();
        let asset = missing(&mut story);
        look(&mut story, "Asset", &asset);
        let id = ExceptionId::new(RuleId::LostOrStolen, &asset).to_string();
        let person = approver().person.to_string();
        story.refused(&operator(), "assign_exception", json!({"exception": id, "person": person}), "command.wrong_role");
        story.refused(&coordinator(), "assign_exception", json!({"exception": format!("{asset}#E-03"), "person": person}), "exceptions.unknown");
        story.done(&coordinator(), "assign_exception", json!({"exception": id, "person": person}));
        story.refused(&coordinator(), "assign_exception", json!({"exception": id, "person": person}), "exceptions.assigned");

        let in_days = |story: &Story, days: i64| Instant::new(story.now().utc() + chrono::TimeDelta::days(days)).text();
        let snooze = |until: String| json!({"exception": id, "until": until, "reason": "under_investigation"});
        story.refused(&coordinator(), "snooze_exception", snooze(in_days(&story, 8)), "exceptions.snooze_until");
        story.refused(&coordinator(), "snooze_exception", snooze(in_days(&story, -1)), "exceptions.snooze_until");
        story.done(&coordinator(), "snooze_exception", snooze(in_days(&story, 2)));
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::LostOrStolen, &asset).unwrap().0, ExceptionStatus::Snoozed);
        story.hours_pass(49);
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::LostOrStolen, &asset).unwrap().0, OPEN);

        let resolve = |how: &str| json!({"exception": id, "how": how, "reference": "BOARD-9"});
        story.refused(&coordinator(), "resolve_exception", resolve("risk_accepted"), "exceptions.approver_only");
        story.refused(&approver(), "resolve_exception", resolve("condition_ended"), "exceptions.service_sees");
        story.refused(&approver(), "resolve_exception", json!({"exception": id, "how": "explained"}), "exceptions.no_evidence");
        let unknown = json!({"exception": id, "how": "explained", "evidence": "a".repeat(64)});
        story.refused(&approver(), "resolve_exception", unknown, "exceptions.unknown_evidence");
        story.refused(&approver(), "reopen_exception", json!({"exception": id, "reason": "evidence_disputed"}), "exceptions.not_resolved");
        story.done(&approver(), "resolve_exception", resolve("risk_accepted"));
        story.refused(&approver(), "resolve_exception", resolve("risk_accepted"), "exceptions.resolved");
        assert_eq!(super::super::in_the_way(story.known(), &asset.clone().try_into().unwrap()).unwrap(), Vec::<String>::new());
        // It stays resolved although the condition goes on.
        look(&mut story, "Asset", &asset);
        assert_eq!(stands(&story, RuleId::LostOrStolen, &asset).unwrap().0, RESOLVED);
        story.refused(&approver(), "reopen_exception", json!({"exception": id, "reason": "condition_returned"}), "exceptions.service_sees");
        story.done(&approver(), "reopen_exception", json!({"exception": id, "reason": ReopenReason::ResolvedInError}));
        assert_eq!(stands(&story, RuleId::LostOrStolen, &asset), Some((OPEN, Severity::Critical)));
    }

    #[test]
    fn what_ended_cannot_be_opened_by_hand() {
        let mut story = Story::new();
        let (asset, _) = story.retired("A1", "hdd_ata", "low");
        let consignment = story.released("C1", &[&asset]);
        story.hours_pass(24 * 5);
        look(&mut story, "Consignment", &consignment);
        story.done(&operator(), "receive_consignment", receipt(&consignment, &["A1"]));
        look(&mut story, "Consignment", &consignment);
        let id = ExceptionId::new(RuleId::NotAcknowledged, &consignment).to_string();
        let why =
            story.refused(&coordinator(), "reopen_exception", json!({"exception": id, "reason": "resolved_in_error"}), "exceptions.condition_ended");
        assert!(why.contains("by itself"), "{why}");
    }
}
