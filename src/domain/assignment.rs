//! Assignment without identity: a device is with nobody, in a room, on a cart, or with a person whom this record does not know.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::asset::{Asset, Status};
use super::medium::{self, Medium};
use super::names::{AssetId, Reference, Role, codes};
use super::policy::Known;
use super::records::{Records, Stop};
use super::refusal::Refusal;
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects, lifecycle, require_asset};

codes! {
    /// To what a device is assigned.
    AssigneeKind {
        None = "none", "nobody";
        Room = "room", "a room";
        Cart = "cart", "a cart";
        Person = "person", "a person (not named here)";
    }
}

/// To what a device is assigned now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The entry.
    pub entry: u64,
    /// A room, a cart or a person.
    pub kind: AssigneeKind,
    /// The number of the room or cart.
    pub place: Option<Reference>,
    /// A person: whether still with the organisation.
    pub assignee_active: Option<Known>,
    /// When that was so.
    pub active_on: Option<NaiveDate>,
}

/// Puts a device in use with a room, a cart or a person; or takes it back with `none`. Of a person this says only whether he or she is still here.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assign {
    /// The device.
    pub asset: AssetId,
    /// To what.
    pub kind: AssigneeKind,
    /// The number of the room or cart.
    pub place: Option<Reference>,
    /// A person: whether still with the organisation.
    pub assignee_active: Option<Known>,
    /// When that was so.
    pub active_on: Option<NaiveDate>,
}

/// `asset.assigned`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assigned {
    /// To what.
    pub kind: AssigneeKind,
    /// The number of the room or cart.
    pub place: Option<Reference>,
    /// A person: whether still with the organisation.
    pub assignee_active: Option<Known>,
    /// When that was so.
    pub active_on: Option<NaiveDate>,
}

impl Order for Assign {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let asset = require_asset(known, &self.asset)?;
        lifecycle::require_status(asset, "assigned", &[Status::InStock, Status::InService])?;
        if self.place.is_some() != matches!(self.kind, AssigneeKind::Room | AssigneeKind::Cart) {
            let why = "Give the number of the room or cart as place, and no place for a person or nobody.";
            return Err(Refusal::new("assignment.place", why).into());
        }
        if (self.assignee_active.is_some() || self.active_on.is_some()) != (self.kind == AssigneeKind::Person)
            || self.assignee_active.is_some() != self.active_on.is_some()
        {
            let why =
                "For a person give assignee_active (yes, no, unknown) and active_on, the day on which that was so; for anything else leave both out.";
            return Err(Refusal::new("assignment.active", why).into());
        }
        if let Some(on) = self.active_on
            && Some(on) > occasion.at.utc().date_naive().succ_opt()
        {
            return Err(Refusal::new("assignment.active_on", format!("active_on cannot be {on}, which is still to come; correct it.")).into());
        }
        if self.kind == AssigneeKind::None && asset.assignment.is_none() && asset.status == Status::InStock {
            return Err(Refusal::new("assignment.none", format!("{} is in stock and assigned to nobody already.", asset.tag)).into());
        }
        if self.kind != AssigneeKind::None && asset.status == Status::InStock {
            lifecycle::require_whole(known, asset, "used again")?;
        }
        let event = Assigned { kind: self.kind, place: self.place.clone(), assignee_active: self.assignee_active, active_on: self.active_on };
        Ok(vec![Happening::new(event, [Subject::new(SubjectKind::Asset, asset.id.as_str())])])
    }
}

impl Fact for Assigned {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        let mut media = Vec::new();
        known.change::<Asset>(&id, stamp.seq, |asset| {
            let given = self.kind != AssigneeKind::None;
            if given && asset.status == Status::InStock {
                media.clone_from(&asset.media);
            }
            asset.status = if given { Status::InService } else { Status::InStock };
            asset.assignment = given.then(|| Assignment {
                entry: stamp.seq,
                kind: self.kind,
                place: self.place.clone(),
                assignee_active: self.assignee_active,
                active_on: self.active_on,
            });
        });
        // Whoever has it from now on may put data on them: what was sanitized before does not count any more.
        for medium in media {
            medium::change(known, &medium, stamp.seq, Medium::void_sanitization);
        }
    }
    fn sentence(&self) -> String {
        match (&self.place, self.assignee_active) {
            (Some(place), _) => format!("Assigned to {}: {place}.", self.kind.label()),
            (None, Some(Known::Yes)) => "Assigned to a person, who is with the organisation.".to_owned(),
            (None, Some(Known::No)) => "Assigned to a person, who has left the organisation.".to_owned(),
            (None, Some(Known::Unknown)) => "Assigned to a person; whether still with the organisation is not known.".to_owned(),
            (None, None) => "Taken back: assigned to nobody.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::medium::MediumState;
    use super::super::names::Role;
    use super::super::story::{DISTRICT, Story, actor};

    #[test]
    fn what_was_sanitized_before_a_device_came_into_use_does_not_count_afterwards() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let (_, drive) = story.retired("OLD", "hdd_ata", "low");
        story.degaussed(&drive);
        story.done(&coordinator, "harvest_medium", json!({"medium": drive}));
        let laptop = json!({"tag": "A1", "serial": "SA1", "category": "laptop", "manufacturer": "M", "model": "M", "site": "Site"});
        let laptop = story.done(&coordinator, "register_asset", laptop)[0].1.clone();
        story.done(&coordinator, "install_medium", json!({"medium": drive, "asset": laptop}));
        assert!(story.asset(&laptop).data_gone());
        let assign = |kind: &str, place: Option<&str>| json!({"asset": laptop, "kind": kind, "place": place});
        story.done(&coordinator, "assign", assign("cart", Some("CART-1")));
        story.done(&coordinator, "retire", json!({"asset": laptop, "reason": "surplus"}));
        let medium = story.medium(&drive);
        assert_eq!((medium.state, &medium.sanitization, medium.purged_before), (MediumState::DataPresent, &None, None));
        assert!(!story.asset(&laptop).data_gone());
    }
}
