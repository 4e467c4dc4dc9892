//! Lifecycle inside the organisation: repair, redeployment, retirement.

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Status};
use super::medium::{self, Medium};
use super::names::{AssetId, Name, Role, codes};
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects, require_asset};

codes! {
    /// What is wrong with a device that goes to repair.
    Fault {
        Screen = "screen", "screen";
        Keyboard = "keyboard", "keyboard or touchpad";
        Battery = "battery", "battery";
        Storage = "storage", "storage";
        Board = "board", "main board";
        Other = "other", "another fault";
    }
}

codes! {
    /// Why a device is retired.
    RetireReason {
        EndOfLife = "end_of_life", "end of life";
        EndOfSupport = "end_of_support", "the maker's support has ended";
        BeyondRepair = "beyond_repair", "beyond economic repair";
        Surplus = "surplus", "no longer needed";
    }
}

/// Sends a device to repair.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendToRepair {
    /// The device.
    pub asset: AssetId,
    /// What is wrong.
    pub fault: Fault,
}

/// `asset.sent_to_repair`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentToRepair {
    /// What is wrong.
    pub fault: Fault,
}

/// Takes a device back from repair.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnFromRepair {
    /// The device.
    pub asset: AssetId,
    /// Where it goes: `in_stock` or `in_service`.
    pub status: Status,
}

/// `asset.repaired`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repaired {
    /// In stock or in service.
    pub status: Status,
}

/// Puts a device to use again, here or at another site.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redeploy {
    /// The device.
    pub asset: AssetId,
    /// Where it is used from now on.
    pub site: Name,
}

/// `asset.redeployed`: data may be on its media again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redeployed {
    /// Where it is used from now on.
    pub site: Name,
}

/// Withdraws a device from use.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retire {
    /// The device.
    pub asset: AssetId,
    /// Why.
    pub reason: RetireReason,
}

/// `asset.retired`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retired {
    /// Why.
    pub reason: RetireReason,
}

/// Refuses unless the device has one of the `allowed` states and does not travel.
pub(super) fn require_status(asset: &Asset, verb: &str, allowed: &[Status]) -> Result<(), Refusal> {
    if !allowed.contains(&asset.status) {
        let words: Vec<_> = allowed.iter().map(|status| status.label()).collect();
        let why = format!("{} is {}; only a device that is {} can be {verb}.", asset.tag, asset.status.label(), words.join(" or "));
        return Err(Refusal::new("lifecycle.wrong_status", why).because(Cause::Entry(asset.last_seq)));
    }
    if asset.consignment.is_some() || asset.in_transit {
        let why = format!("{} is on a consignment; take it off first.", asset.tag);
        return Err(Refusal::new("lifecycle.on_consignment", why).because(Cause::Entry(asset.last_seq)));
    }
    if !asset.holds.is_empty() {
        return Err(Refusal::new(
            "lifecycle.held",
            format!("{} is held by an unresolved discrepancy; an approver has to resolve it first.", asset.tag),
        ));
    }
    Ok(())
}

/// Refuses what would make a live certificate untrue.
pub(super) fn require_uncertified(asset: &Asset) -> Result<(), Refusal> {
    if asset.certificate.is_none() {
        return Ok(());
    }
    let why = format!("{} has a live certificate; an approver has to revoke it before anything changes about the device.", asset.tag);
    Err(Refusal::new("lifecycle.certified", why))
}

fn about(asset: &Asset) -> [Subject; 1] {
    [Subject::new(SubjectKind::Asset, asset.id.as_str())]
}

impl Order for SendToRepair {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        require_status(asset, "sent to repair", &[Status::InService, Status::InStock])?;
        Ok(vec![Happening::new(SentToRepair { fault: self.fault }, about(asset))])
    }
}

impl Fact for SentToRepair {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        if let Some(id) = about.asset() {
            known.change::<Asset>(&id, stamp.seq, |asset| asset.status = Status::InRepair);
        }
    }
    fn sentence(&self) -> String {
        format!("Sent to repair: {}.", self.fault.label())
    }
}

impl Order for ReturnFromRepair {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        require_status(asset, "returned from repair", &[Status::InRepair])?;
        if !matches!(self.status, Status::InStock | Status::InService) {
            return Err(Refusal::new(
                "lifecycle.return_status",
                "A repaired device goes back in_stock or in_service; retire it afterwards if it is not worth keeping.",
            )
            .into());
        }
        known.find_all::<Medium>(&asset.media)?;
        Ok(vec![Happening::new(Repaired { status: self.status }, about(asset))])
    }
}

impl Fact for Repaired {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        let mut media = Vec::new();
        known.change::<Asset>(&id, stamp.seq, |asset| {
            asset.status = self.status;
            asset.repaired = Some(stamp.seq);
            media.clone_from(&asset.media);
        });
        // In repair others had the device in their hands: what was sanitized before does not count any more.
        for medium in media {
            medium::change(known, &medium, stamp.seq, Medium::void_sanitization);
        }
    }
    fn sentence(&self) -> String {
        format!("Returned from repair, {}.", self.status.label())
    }
}

impl Order for Redeploy {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        require_status(asset, "redeployed", &[Status::InStock, Status::InService, Status::Retired])?;
        if asset.holder.party != occasion.actor.party {
            return Err(Refusal::new(
                "lifecycle.elsewhere",
                format!("{} is in another party's hands; it has to come back before it can be redeployed.", asset.tag),
            )
            .into());
        }
        require_uncertified(asset)?;
        known.find_all::<Medium>(&asset.media)?;
        Ok(vec![Happening::new(Redeployed { site: self.site.clone() }, about(asset))])
    }
}

impl Fact for Redeployed {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        let mut media = Vec::new();
        known.change::<Asset>(&id, stamp.seq, |asset| {
            asset.status = Status::InService;
            asset.holder.site.clone_from(&self.site);
            asset.home.clone_from(&self.site);
            asset.redeployed = Some(stamp.seq);
            asset.retired_at = None;
            asset.disposition = None;
            media.clone_from(&asset.media);
        });
        for medium in media {
            medium::change(known, &medium, stamp.seq, Medium::void_sanitization);
        }
    }
    fn sentence(&self) -> String {
        format!("Redeployed to {}; earlier sanitization counts for the past only.", self.site)
    }
}

impl Order for Retire {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::Approver];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        require_status(asset, "retired", &[Status::InStock, Status::InService, Status::InRepair])?;
        Ok(vec![Happening::new(Retired { reason: self.reason }, about(asset))])
    }
}

impl Fact for Retired {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        if let Some(id) = about.asset() {
            known.change::<Asset>(&id, stamp.seq, |asset| {
                asset.status = Status::Retired;
                asset.retired_at = Some(stamp.occurred);
            });
        }
    }
    fn sentence(&self) -> String {
        format!("Retired: {}.", self.reason.label())
    }
}
