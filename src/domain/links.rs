//! One-time links: by one of them somebody without an account receives one consignment, for the party that it is addressed to. The record knows when
//! a link was made and ended; its secret is never in the record.

use serde::{Deserialize, Serialize};

use super::consignment::{Consignment, ConsignmentStatus, Via, require, subject};
use super::medium::Act;
use super::names::{ConsignmentId, Instant, PersonId, Role};
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subjects};

/// Days that a link is good for where nothing is said.
pub const USUAL_DAYS: u16 = 14;
/// Most days, and most links of one consignment.
const MOST_DAYS: u16 = 90;
const MOST_LINKS: usize = 50;
const DAY_MS: i64 = 86_400_000;

/// A link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OneTimeLink {
    /// Whoever follows it acts under this id.
    pub id: PersonId,
    /// Who made it.
    pub created: Act,
    /// Until when it is good.
    pub expires_at: Instant,
    /// It is the driver's, who accepts by it and does nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accepts: bool,
    /// Who ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Act>,
}

impl OneTimeLink {
    /// Whether it is good at this time.
    pub fn is_live(&self, at: Instant) -> bool {
        self.revoked.is_none() && at < self.expires_at
    }
}

/// Makes a link. Its secret is made beside it and stored as a hash.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateLink {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// The link's id.
    pub link: PersonId,
    /// Days that it is good for.
    pub days: Option<u16>,
}

/// `consignment.link_created`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkCreated {
    /// The link's id.
    pub link: PersonId,
    /// Until when it is good.
    pub expires_at: Instant,
    /// It is the driver's, who accepts by it and does nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accepts: bool,
}

pub(super) fn require_few(consignment: &Consignment, link: &PersonId) -> Result<(), Refusal> {
    if consignment.links.len() < MOST_LINKS && consignment.links.iter().all(|known| &known.id != link) {
        return Ok(());
    }
    Err(Refusal::new("links.too_many", format!("{} has {MOST_LINKS} links; use one of them.", consignment.reference)))
}

impl Order for CreateLink {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        let days = self.days.unwrap_or(USUAL_DAYS);
        if days == 0 || days > MOST_DAYS {
            return Err(Refusal::new("links.days", format!("days lies between 1 and {MOST_DAYS}.")).into());
        }
        if consignment.to.party == occasion.actor.party {
            return Err(Refusal::new("links.to_self", "This consignment comes to you: receive it signed in; a link is for a vendor's people.").into());
        }
        if matches!(consignment.status, ConsignmentStatus::Received | ConsignmentStatus::Reconciled) {
            return Err(Refusal::new(
                "links.received",
                format!("{} is received; no link is needed. Give a resolution instead.", consignment.reference),
            )
            .into());
        }
        require_few(consignment, &self.link)?;
        let expires_at = Instant::from_unix_ms(occasion.at.unix_ms() + i64::from(days) * DAY_MS).unwrap_or(occasion.at);
        Ok(vec![Happening::new(LinkCreated { link: self.link.clone(), expires_at, accepts: false }, [subject(&consignment.id)])])
    }
}

impl Fact for LinkCreated {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        known.change::<Consignment>(&id, stamp.seq, |consignment| {
            let link = OneTimeLink { id: self.link.clone(), created: stamp.act(), expires_at: self.expires_at, accepts: self.accepts, revoked: None };
            consignment.links.push(link);
        });
    }
    fn sentence(&self) -> String {
        let whom = if self.accepts { "code made for the driver" } else { "link made for the receiver" };
        format!("One-time {whom}, good until {}.", self.expires_at)
    }
}

/// Ends a link before its time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeLink {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// The link.
    pub link: PersonId,
}

/// `consignment.link_revoked`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkRevoked {
    /// The link.
    pub link: PersonId,
}

impl Order for RevokeLink {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        let Some(link) = consignment.links.iter().find(|link| link.id == self.link) else {
            return Err(Refusal::new("links.unknown", format!("{} has no link {}; look it up.", consignment.reference, self.link)).into());
        };
        if let Some(revoked) = &link.revoked {
            return Err(Refusal::new("links.revoked", "This link is revoked already; nothing is left to do.")
                .because(Cause::Entry(revoked.seq))
                .into());
        }
        Ok(vec![Happening::new(LinkRevoked { link: self.link.clone() }, [subject(&consignment.id)])])
    }
}

impl Fact for LinkRevoked {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        known.change::<Consignment>(&id, stamp.seq, |consignment| {
            for link in consignment.links.iter_mut().filter(|link| link.id == self.link) {
                link.revoked = Some(stamp.act());
            }
        });
    }
    fn sentence(&self) -> String {
        "One-time link revoked.".to_owned()
    }
}

/// By which way this person speaks about the consignment; nothing for people of the directory.
pub(super) fn via(consignment: &Consignment, person: &PersonId) -> Option<Via> {
    consignment.links.iter().any(|link| &link.id == person && !link.accepts).then_some(Via::Link)
}

/// Refuses whoever came by a link that has ended.
pub(super) fn require_live(consignment: &Consignment, occasion: &Occasion) -> Result<(), Stop> {
    match consignment.links.iter().find(|link| link.id == occasion.actor.person) {
        Some(link) if link.accepts || !link.is_live(occasion.at) => {
            Err(Refusal::new("links.ended", "This link has ended. Ask whoever sent it to you to send another one.").into())
        }
        _ => Ok(()),
    }
}
