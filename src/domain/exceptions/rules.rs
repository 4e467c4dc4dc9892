//! The rules themselves: each a condition with its severity, threshold and due date; and the one table of thresholds.

use chrono::{Datelike, TimeDelta, Weekday};

use super::Severity;
use crate::domain::asset::{Asset, Status};
use crate::domain::consignment::{Consignment, ConsignmentStatus, Discrepancy, DiscrepancyKind};
use crate::domain::medium::Medium;
use crate::domain::names::{AssetId, ConsignmentId, DiscrepancyId, Instant, PartyId, Sensitivity};
use crate::domain::records::{Records, Stop};

/// What a rule finds: that the condition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// How bad it is.
    pub severity: Severity,
    /// By when somebody must have acted.
    pub due_at: Instant,
    /// The vendors that it concerns, in order.
    pub concerns: Vec<PartyId>,
}

/// What a rule may look at.
pub struct Scene<'a> {
    /// The records.
    pub known: &'a Records,
    /// The thing.
    pub id: &'a str,
    /// When it looks.
    pub now: Instant,
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
    ($($(#[$doc:meta])* $name:ident $days:literal $what:literal $basis:literal;)+) => {
        $($(#[$doc])* const $name: Limit = Limit { what: $what, days: $days, basis: $basis };)+
        /// Every threshold.
        pub const LIMITS: &[Limit] = &[$($name),+];
    };
}

limits! {
    CERTIFICATE 2 "days from the disposition to the certificate" "E-03 with the 48 hours of E-12 (proposal)";
    RECEIPT 3 "business days from a release to its receipt" "E-05 (proposal)";
    RECEIPT_HIGH 1 "business days from a release to its receipt where a device's sensitivity is high or unknown" "E-05 (proposal)";
    DISCREPANCY 2 "days from a receipt until what differs is resolved" "E-06 (proposal)";
    SAME_DAY 1 "days to act on what is critical" "critical: act on the same day (domain study §6)";
    WEEK 7 "days to act on what is high or lower" "proposal: within a week";
    STAGED 90 "days on an open consignment" "E-22 (proposal)";
    UNSANITIZED 30 "days after receipt without sanitization" "E-22 (proposal)";
}

fn after(at: Instant, limit: &Limit) -> Instant {
    Instant::new(at.utc() + TimeDelta::days(limit.days))
}

/// So many business days later, at the same time of day: Saturday and Sunday do not count. Holidays are not known here.
fn business_days_after(at: Instant, days: i64) -> Instant {
    let mut at = at.utc();
    let mut left = days;
    while left > 0 {
        at += TimeDelta::days(1);
        if !matches!(at.weekday(), Weekday::Sat | Weekday::Sun) {
            left -= 1;
        }
    }
    Instant::new(at)
}

impl Scene<'_> {
    fn asset(&self) -> Result<Option<&Asset>, Stop> {
        AssetId::parse(self.id).map_or(Ok(None), |id| self.known.find::<Asset>(&id))
    }
    fn consignment(&self) -> Result<Option<&Consignment>, Stop> {
        ConsignmentId::parse(self.id).map_or(Ok(None), |id| self.known.find::<Consignment>(&id))
    }
    fn vendors<'a>(&self, parties: impl IntoIterator<Item = &'a PartyId>) -> Vec<PartyId> {
        let mut vendors: Vec<PartyId> = parties.into_iter().filter(|party| *party != self.organisation).cloned().collect();
        vendors.sort();
        vendors.dedup();
        vendors
    }
    /// Who sees the device sees what is wrong with it.
    fn of_asset(&self, asset: &Asset) -> Vec<PartyId> {
        let travels = asset.handoffs.iter().flat_map(|handoff| [&handoff.from.party, &handoff.to.party]);
        self.vendors(travels.chain([&asset.holder.party]))
    }
    fn of_consignment(&self, consignment: &Consignment) -> Vec<PartyId> {
        self.vendors([&consignment.from.party, &consignment.to.party])
    }
    /// From `due` on.
    fn since(&self, due: Instant, severity: Severity, concerns: Vec<PartyId>) -> Option<Found> {
        (self.now >= due).then(|| Found { severity, due_at: due, concerns })
    }
}

/// Whether data may be on a device: its media are not known, or one of them was not sanitized.
fn may_hold_data(known: &Records, asset: &Asset) -> Result<bool, Stop> {
    if asset.media.is_empty() {
        return Ok(asset.no_storage.is_none());
    }
    Ok(known.find_all::<Medium>(&asset.media)?.into_iter().flatten().any(|medium| medium.sanitization.is_none()))
}

/// E-03: two days after the disposition there is no live certificate.
pub(super) fn no_certificate(scene: &Scene<'_>) -> Result<Option<Found>, Stop> {
    let Some(asset) = scene.asset()? else { return Ok(None) };
    let storage = asset.no_storage.is_none() || !asset.media.is_empty();
    match &asset.disposition {
        Some(disposition) if asset.status == Status::Disposed && asset.certificate.is_none() && storage => {
            let due = after(disposition.recorded.occurred, &CERTIFICATE);
            Ok(scene.since(due, Severity::Critical, scene.of_asset(asset)))
        }
        _ => Ok(None),
    }
}

/// E-05: released, and after three business days (one where a device is highly sensitive) nobody has acknowledged it; after twice that, critical.
pub(super) fn not_acknowledged(scene: &Scene<'_>) -> Result<Option<Found>, Stop> {
    let Some(consignment) = scene.consignment()? else { return Ok(None) };
    let Some(released) = consignment.released.as_ref().filter(|_| consignment.status == ConsignmentStatus::Released) else { return Ok(None) };
    let by = |days: i64| business_days_after(released.occurred, days);
    // Before that it does not depend on the devices, of which there may be thousands.
    if scene.now < by(RECEIPT_HIGH.days) {
        return Ok(None);
    }
    let days = if is_sensitive(scene, consignment)? { RECEIPT_HIGH.days } else { RECEIPT.days };
    let severity = if scene.now >= by(2 * days) { Severity::Critical } else { Severity::High };
    Ok(scene.since(by(days), severity, scene.of_consignment(consignment)))
}

fn is_sensitive(scene: &Scene<'_>, consignment: &Consignment) -> Result<bool, Stop> {
    let lines = scene.known.lines_of(&consignment.id)?;
    let assets = scene.known.find_all::<Asset>(lines.iter().map(|line| &line.asset))?;
    Ok(assets.into_iter().flatten().any(|asset| matches!(asset.sensitivity, Sensitivity::High | Sensitivity::Unknown)))
}

/// E-06: what differs at a receipt is not resolved: a data-bearing device that did not arrive at once, anything else after two days.
pub(super) fn discrepancy_open(scene: &Scene<'_>) -> Result<Option<Found>, Stop> {
    let Ok(id) = DiscrepancyId::parse(scene.id) else { return Ok(None) };
    let Some(discrepancy) = scene.known.find::<Discrepancy>(&id)?.filter(|discrepancy| discrepancy.resolution.is_none()) else { return Ok(None) };
    let Some(consignment) = scene.known.find::<Consignment>(&discrepancy.consignment)? else { return Ok(None) };
    let Some(received) = &consignment.received else { return Ok(None) };
    let concerns = scene.of_consignment(consignment);
    if discrepancy.kind == DiscrepancyKind::Short && discrepancy.critical {
        return Ok(Some(Found { severity: Severity::Critical, due_at: after(received.occurred, &SAME_DAY), concerns }));
    }
    Ok(scene.since(after(received.occurred, &DISCREPANCY), Severity::High, concerns))
}

/// E-18: missing; critical where data may be on it.
pub(super) fn lost_or_stolen(scene: &Scene<'_>) -> Result<Option<Found>, Stop> {
    let Some(asset) = scene.asset()?.filter(|asset| asset.status == Status::Missing) else { return Ok(None) };
    let (severity, limit) = if may_hold_data(scene.known, asset)? { (Severity::Critical, &SAME_DAY) } else { (Severity::High, &WEEK) };
    let Some(since) = missing_since(asset) else { return Ok(None) };
    Ok(Some(Found { severity, due_at: after(since, limit), concerns: scene.of_asset(asset) }))
}

fn missing_since(asset: &Asset) -> Option<Instant> {
    asset.handoffs.last().map(|handoff| handoff.released.1).or(asset.retired_at)
}

/// E-22: on an open consignment for 90 days, or at the receiver's for 30 and not sanitized.
pub(super) fn stuck(scene: &Scene<'_>) -> Result<Option<Found>, Stop> {
    let Some(asset) = scene.asset()? else { return Ok(None) };
    let mut due = None;
    if asset.status == Status::Retired
        && !asset.in_transit
        && let Some(consignment) = &asset.consignment
    {
        due = scene.known.find::<Consignment>(consignment)?.map(|consignment| after(consignment.opened_at, &STAGED));
    } else if asset.status == Status::Retired && !asset.in_transit {
        let received = asset.handoffs.last().and_then(|handoff| handoff.received);
        if let Some((_, at)) = received.filter(|_| asset.disposition.is_none())
            && scene.now >= after(at, &UNSANITIZED)
            && may_hold_data(scene.known, asset)?
        {
            due = Some(after(at, &UNSANITIZED));
        }
    }
    Ok(due.and_then(|due| scene.since(due, Severity::Medium, scene.of_asset(asset))))
}
