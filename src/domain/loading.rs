//! Loading: a consignment is opened, filled line by line, and sealed.

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Holder, Status};
use super::consignment::{
    Consignment, ConsignmentStatus, Container, Line, LineId, LineState, asset_subject, require, require_sender, require_status, require_weights,
    subject,
};
use super::names::{AssetId, ConsignmentId, Name, PartyId, Reference, Role};
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subjects, parties, preparation};

/// Opens a consignment to another party.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenConsignment {
    /// Its id; a fresh one where none is given.
    pub consignment: Option<ConsignmentId>,
    /// The organisation's own number for it.
    pub reference: Reference,
    /// The site it leaves from.
    pub from_site: Name,
    /// Who receives it.
    pub to: PartyId,
    /// The receiver's site.
    pub to_site: Name,
    /// The carrier.
    pub carrier: Option<Name>,
}

/// `consignment.opened`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsignmentOpened {
    /// The organisation's own number for it.
    pub reference: Reference,
    /// Who releases.
    pub from: Holder,
    /// Who receives.
    pub to: Holder,
    /// The carrier.
    pub carrier: Option<Name>,
}

impl Order for OpenConsignment {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let id = self.consignment.clone().unwrap_or_else(|| ConsignmentId::from_uuid(occasion.fresh(0)));
        let to = parties::require(known, &self.to)?;
        if self.to == occasion.actor.party {
            return Err(Refusal::new("consignment.to_self", "Name the party that receives it; this is your own.").into());
        }
        if !to.sites.contains(&self.to_site) {
            let sites: Vec<_> = to.sites.iter().map(Name::as_str).collect();
            return Err(Refusal::new(
                "consignment.unknown_site",
                format!("{} has no site “{}”; it has: {}.", to.name, self.to_site, sites.join(", ")),
            )
            .into());
        }
        let same_id = known.find::<Consignment>(&id)?.map(|consignment| consignment.id.as_str());
        if let Some(other) = known.owner(&Consignment::reference_key(&self.reference))?.or(same_id) {
            let why = format!("A consignment {} exists already; choose another reference.", self.reference);
            return Err(Refusal::new("consignment.exists", why).because(Cause::First(other.to_owned())).into());
        }
        let event = ConsignmentOpened {
            reference: self.reference.clone(),
            from: Holder { party: occasion.actor.party.clone(), site: self.from_site.clone() },
            to: Holder { party: self.to.clone(), site: self.to_site.clone() },
            carrier: self.carrier.clone(),
        };
        Ok(vec![Happening::new(event, [subject(&id)])])
    }
}

impl Fact for ConsignmentOpened {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        known.put(
            Consignment {
                id,
                reference: self.reference.clone(),
                from: self.from.clone(),
                to: self.to.clone(),
                status: ConsignmentStatus::Open,
                containers: Vec::new(),
                carrier: self.carrier.clone(),
                lines: 0,
                opened_at: stamp.occurred,
                released: None,
                received: None,
                scanned: None,
                open_discrepancies: Vec::new(),
                discrepancies: Vec::new(),
                last_seq: stamp.seq,
            },
            stamp.seq,
        );
    }
    fn sentence(&self) -> String {
        format!("Consignment {} opened, from {} to {}.", self.reference, self.from.site, self.to.site)
    }
}

/// Puts retired devices on a consignment: one scan, or many.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddLines {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// The devices.
    pub assets: Vec<AssetId>,
    /// The container they are put in.
    pub container: Option<Reference>,
}

/// `consignment.line_added`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineAdded {
    /// The container.
    pub container: Option<Reference>,
}

impl Order for AddLines {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        require_sender(consignment, occasion)?;
        require_status(consignment, "loaded", &[ConsignmentStatus::Open])?;
        if self.assets.is_empty() || self.assets.len() > 5_000 {
            return Err(Refusal::new("consignment.line_count", "Add between 1 and 5,000 devices at a time.").into());
        }
        let mut seen = std::collections::BTreeSet::new();
        for (id, asset) in self.assets.iter().zip(known.find_all::<Asset>(&self.assets)?) {
            let Some(asset) = asset else {
                return Err(Refusal::new("registration.unknown_asset", format!("No device has the id {id}; register it first.")).into());
            };
            if !seen.insert(id) {
                return Err(Refusal::new("consignment.twice", format!("{} is in this request twice.", asset.tag)).into());
            }
            if let Some(other) = &asset.consignment {
                let (on, line) = (require(known, other, occasion)?, known.find::<Line>(&LineId::new(other, id))?);
                let why = format!("{} is on the consignment {} already; leave it there, or scan the right device.", asset.tag, on.reference);
                let cause = Cause::Entry(line.map_or(asset.last_seq, |line| line.last_seq));
                return Err(Refusal::new("consignment.already_listed", why).because(cause).into());
            }
            if asset.status != Status::Retired {
                return Err(Refusal::new(
                    "consignment.not_retired",
                    format!("{} is {}; retire it before it leaves.", asset.tag, asset.status.label()),
                )
                .into());
            }
            if asset.holder.party != consignment.from.party {
                return Err(Refusal::new("consignment.not_here", format!("{} is not in your hands according to the record.", asset.tag)).into());
            }
            asset.require_free("consignment.held")?;
            if consignment.to.party != consignment.from.party {
                preparation::require_authorized(asset)?;
            }
        }
        let many = self.assets.iter().map(asset_subject).collect();
        Ok(Happening::about_many(LineAdded { container: self.container.clone() }, subject(&consignment.id), many, occasion.fresh(0)))
    }
}

impl Fact for LineAdded {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        let assets = about.assets();
        for asset in &assets {
            let line = Line {
                consignment: id.clone(),
                asset: asset.clone(),
                container: self.container.clone(),
                state: LineState::Listed,
                last_seq: stamp.seq,
            };
            known.put(line, stamp.seq);
            known.change::<Asset>(asset, stamp.seq, |asset| asset.consignment = Some(id.clone()));
        }
        known.change::<Consignment>(&id, stamp.seq, |consignment| consignment.lines += u32::try_from(assets.len()).unwrap_or(0));
    }
    fn sentence(&self) -> String {
        match &self.container {
            Some(container) => format!("Put on the consignment, in {container}."),
            None => "Put on the consignment.".to_owned(),
        }
    }
}

/// Closes the list and seals the containers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealConsignment {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// Its containers.
    pub containers: Vec<Container>,
}

/// `consignment.sealed`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsignmentSealed {
    /// Its containers.
    pub containers: Vec<Container>,
    /// Number of lines.
    pub lines: u32,
}

impl Order for SealConsignment {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        require_sender(consignment, occasion)?;
        require_status(consignment, "sealed", &[ConsignmentStatus::Open])?;
        if consignment.lines == 0 {
            return Err(Refusal::new("consignment.empty", format!("{} has no lines; scan the devices first.", consignment.reference)).into());
        }
        if self.containers.is_empty() || self.containers.len() > 500 {
            return Err(Refusal::new("consignment.no_container", "Name between 1 and 500 containers with their seals.").into());
        }
        require_weights(self.containers.iter().map(|container| container.gross_weight_grams))?;
        let event = ConsignmentSealed { containers: self.containers.clone(), lines: consignment.lines };
        Ok(vec![Happening::new(event, [subject(&consignment.id)])])
    }
}

impl Fact for ConsignmentSealed {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        known.change::<Consignment>(&id, stamp.seq, |consignment| {
            consignment.status = ConsignmentStatus::Sealed;
            consignment.containers.clone_from(&self.containers);
        });
    }
    fn sentence(&self) -> String {
        format!("Sealed with {} lines in {} containers.", self.lines, self.containers.len())
    }
}
