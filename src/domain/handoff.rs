//! Handoffs: the release, the first of two signed acts, and the driver's word for it; the other act is the [receipt](super::receipt).

use serde::{Deserialize, Serialize};

use super::asset::{Asset, Handoff, Holder};
use super::consignment::{
    Acceptance, AcceptedBy, Consignment, ConsignmentKind, ConsignmentStatus, Line, RECEIPT_DAYS, RECEIPT_DAYS_SENSITIVE, require, require_sender,
    require_status, subject,
};
use super::evidence::require_document;
use super::links::{LinkCreated, require_few};
use super::loading::not_downstream;
use super::medium::Medium;
use super::names::{ConsignmentId, Digest, Instant, Name, PersonId, Reference, Role, Sensitivity};
use super::overrides::Guard;
use super::parties::Party;
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::sealing::travellers;
use super::vendors::{self, QualifiedBy};
use super::{Fact, Happening, Occasion, Order, Stamp, Subjects, parties};

/// Hands a sealed consignment over: the first of the two signed acts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseConsignment {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// The carrier's reference to the driver or the tour; never a name.
    pub driver: Option<Reference>,
}

/// `consignment.released`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsignmentReleased {
    /// Who released.
    pub from: Holder,
    /// Who is to receive.
    pub to: Holder,
    /// The carrier.
    pub carrier: Option<Name>,
    /// The carrier's reference to the driver or the tour.
    pub driver: Option<Reference>,
    /// SHA-256 of the manifest that went with it.
    pub manifest: Option<Digest>,
    /// Whether data may be on something of it.
    #[serde(default)]
    pub may_hold_data: bool,
    /// The credentials that the receiving site had on that day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub qualified_by: Vec<QualifiedBy>,
    /// Where it had none that counts: the entry in which an approver let it go.
    pub overridden: Option<u64>,
    /// Business days until its receipt is due.
    pub receipt_days: Option<i64>,
}

/// Whether data may be on a device or a loose medium of these.
fn may_hold_data(known: &Records, lines: &[&Line]) -> Result<bool, Stop> {
    let assets = known.find_all::<Asset>(lines.iter().filter_map(|line| line.asset()))?;
    let media = known.find_all::<Medium>(lines.iter().filter_map(|line| line.medium()))?;
    Ok(assets.into_iter().flatten().any(Asset::may_hold_data) || media.into_iter().flatten().any(Medium::may_hold_data))
}

/// Business days until somebody must have acknowledged these: fewer where one of them is highly sensitive, or nobody knows how much (E-05).
fn receipt_days(known: &Records, lines: &[&Line]) -> Result<i64, Stop> {
    let sensitive = |sensitivity: &Sensitivity| matches!(sensitivity, Sensitivity::High | Sensitivity::Unknown);
    let assets = known.find_all::<Asset>(lines.iter().filter_map(|line| line.asset()))?;
    let media = known.find_all::<Medium>(lines.iter().filter_map(|line| line.medium()))?;
    let any = assets.into_iter().flatten().any(|asset| sensitive(&asset.sensitivity))
        || media.into_iter().flatten().any(|medium| medium.sensitivity.as_ref().is_none_or(sensitive));
    Ok(if any { RECEIPT_DAYS_SENSITIVE } else { RECEIPT_DAYS })
}

impl ReleaseConsignment {
    /// What the receiving vendor has to show on the day of the release: its credentials, or the entry that lets it go without.
    fn qualification(
        &self,
        known: &Records,
        consignment: &Consignment,
        from: &Party,
        may_hold_data: bool,
        occasion: &Occasion,
    ) -> Result<(Vec<QualifiedBy>, Option<u64>), Stop> {
        if !consignment.kind.is_to_vendor() {
            return Ok((Vec::new(), None));
        }
        if consignment.kind == ConsignmentKind::Downstream && !from.may_hand_on_to(&consignment.to.party) {
            return Err(not_downstream(from, &consignment.to.party).into());
        }
        let to = parties::require(known, &consignment.to.party)?;
        let day = occasion.occurred.utc().date_naive();
        let missing = vendors::missing(to, &consignment.to.site, may_hold_data, day);
        if missing.is_empty() {
            let counting = vendors::counting(to, &consignment.to.site, may_hold_data, day);
            return Ok((counting.into_iter().take(MOST_CREDENTIALS).collect(), None));
        }
        let granted = consignment.overrides.iter().find(|granted| granted.guard == Guard::VendorQualification);
        if let Some(granted) = granted {
            return Ok((Vec::new(), Some(granted.granted.seq)));
        }
        let why = format!(
            "{}, {}, is not qualified for {} on {day}: {} An administrator or approver records what is missing, or an approver grants an override for this consignment.",
            to.name,
            consignment.to.site,
            consignment.reference,
            missing.join(" ")
        );
        Err(Refusal::listing("vendors.not_qualified", why, missing).into())
    }
}

/// Most credentials that an entry of a release names.
const MOST_CREDENTIALS: usize = 10;

impl Order for ReleaseConsignment {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        require_sender(consignment, occasion)?;
        require_status(consignment, "released", &[ConsignmentStatus::Sealed])?;
        if let Some(sealed) = &consignment.sealed {
            occasion.not_before(sealed.occurred, "the sealing")?;
        }
        let from = parties::require(known, &consignment.from.party)?;
        if !from.may_sign(&occasion.actor.person) {
            let why = format!("You are not among those who may sign for {}; one of them has to release it.", from.name);
            return Err(Refusal::new("parties.may_not_sign", why).into());
        }
        let lines = known.lines_of(&consignment.id)?;
        let many = travellers(known, &lines)?;
        let held: Vec<String> = known
            .find_all::<Asset>(lines.iter().filter_map(|line| line.asset()))?
            .into_iter()
            .flatten()
            .filter_map(|asset| asset.require_free("consignment.held").err())
            .map(|refusal| refusal.why)
            .collect();
        if !held.is_empty() {
            let why = format!("{} lists {} devices that are held since they were put on it.", consignment.reference, held.len());
            return Err(Refusal::listing("consignment.held", why, held).into());
        }
        let may_hold_data = may_hold_data(known, &lines)?;
        let (qualified_by, overridden) = self.qualification(known, consignment, from, may_hold_data, occasion)?;
        let event = ConsignmentReleased {
            from: consignment.from.clone(),
            to: consignment.to.clone(),
            carrier: consignment.carrier.clone(),
            driver: self.driver.clone(),
            manifest: consignment.manifest.clone(),
            may_hold_data,
            qualified_by,
            overridden,
            receipt_days: Some(receipt_days(known, &lines)?),
        };
        Ok(Happening::about_consignment(event, subject(&consignment.id), many, occasion.fresh(0)))
    }
}

impl Fact for ConsignmentReleased {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        let handoff = Handoff {
            consignment: id.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            released: (stamp.seq, stamp.occurred),
            received: None,
            reconciled: None,
            unconfirmed: None,
        };
        for asset in about.assets() {
            known.change::<Asset>(&asset, stamp.seq, |asset| {
                asset.in_transit = true;
                asset.handoffs.push(handoff.clone());
            });
        }
        for medium in about.media() {
            known.change::<Medium>(&medium, stamp.seq, |medium| {
                medium.in_transit = true;
                medium.handoffs.push(handoff.clone());
            });
        }
        known.change::<Consignment>(&id, stamp.seq, |consignment| {
            consignment.status = ConsignmentStatus::Released;
            consignment.driver.clone_from(&self.driver);
            consignment.may_hold_data = self.may_hold_data;
            consignment.receipt_days = self.receipt_days;
            consignment.released.get_or_insert_with(|| stamp.act());
        });
    }
    fn sentence(&self) -> String {
        let by = self.overridden.map(|seq| format!(" The receiving site was not qualified; entry {seq} let it go.")).unwrap_or_default();
        format!("Released from {} to {}.{by}", self.from.site, self.to.site)
    }
}

/// How long a driver's code is good: 15 minutes, as long as the driver stands there.
pub const CODE_MS: i64 = 15 * 60_000;

/// Makes a one-time code by which the driver accepts a released consignment. Its secret is made beside it and stored as a hash.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferAcceptance {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// The id as which the driver acts.
    pub link: PersonId,
}

/// One word of the driver is enough, and nobody gives it twice.
fn require_not_accepted(consignment: &Consignment) -> Result<(), Refusal> {
    match &consignment.accepted {
        None => Ok(()),
        Some(accepted) => {
            let why = format!("{} was accepted already, {}; nothing is left to do.", consignment.reference, accepted.by.label());
            Err(Refusal::new("handoff.accepted", why).because(Cause::Entry(accepted.act.seq)))
        }
    }
}

impl Order for OfferAcceptance {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let consignment = require(known, &self.consignment, occasion)?;
        require_sender(consignment, occasion)?;
        require_status(consignment, "accepted by the driver", &[ConsignmentStatus::Released])?;
        require_not_accepted(consignment)?;
        if !consignment.another_drives() {
            let why = "No other party drives it: the receiving site signs for it. Where the driver signs the paper manifest, photograph that.";
            return Err(Refusal::new("handoff.own_driver", why).into());
        }
        require_few(consignment, &self.link)?;
        let expires_at = Instant::from_unix_ms(occasion.at.unix_ms() + CODE_MS).unwrap_or(occasion.at);
        Ok(vec![Happening::new(LinkCreated { link: self.link.clone(), expires_at, accepts: true }, [subject(&consignment.id)])])
    }
}

/// Records that the driver took a released consignment over: the driver says so by a one-time code, or the sender enters the signed paper.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptConsignment {
    /// The consignment.
    pub consignment: ConsignmentId,
    /// The stored photograph of the signed paper manifest, where it was signed on paper.
    pub document: Option<Digest>,
}

/// `consignment.accepted`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsignmentAccepted {
    /// By which way.
    pub by: AcceptedBy,
    /// The stored photograph of the signed paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Digest>,
    /// SHA-256 of the manifest that was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Digest>,
}

impl Order for AcceptConsignment {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        // Whoever carries it is no party to it, and has a code for this one.
        let unchecked = known.find::<Consignment>(&self.consignment)?;
        let code = unchecked.and_then(|consignment| consignment.links.iter().find(|link| link.accepts && link.id == occasion.actor.person));
        let (consignment, by) = match (unchecked, code) {
            (Some(consignment), Some(code)) => {
                if self.document.is_some() {
                    return Err(Refusal::new("handoff.two_sources", "You accept by your code: leave the document out.").into());
                }
                require_status(consignment, "accepted by its driver", &[ConsignmentStatus::Released])?;
                require_not_accepted(consignment)?;
                if !code.is_live(occasion.at) {
                    return Err(Refusal::new("links.ended", "This code has ended. Ask whoever showed it to you for another one.").into());
                }
                (consignment, AcceptedBy::Code)
            }
            _ => {
                let consignment = require(known, &self.consignment, occasion)?;
                require_sender(consignment, occasion)?;
                let left =
                    [ConsignmentStatus::Released, ConsignmentStatus::PartlyReceived, ConsignmentStatus::Received, ConsignmentStatus::Reconciled];
                require_status(consignment, "accepted by its driver", &left)?;
                require_not_accepted(consignment)?;
                if self.document.is_none() {
                    let why =
                        "Only the driver can accept it: by a one-time code, or on the paper manifest. Photograph the signed paper, and send that.";
                    return Err(Refusal::new("handoff.no_document", why).into());
                }
                require_document(known, self.document.as_ref(), occasion)?;
                (consignment, AcceptedBy::Paper)
            }
        };
        let many = travellers(known, &known.lines_of(&consignment.id)?)?;
        let event = ConsignmentAccepted { by, document: self.document.clone(), manifest: consignment.manifest.clone() };
        Ok(Happening::about_consignment(event, subject(&consignment.id), many, occasion.fresh(0)))
    }
}

impl Fact for ConsignmentAccepted {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.consignment() else { return };
        known.change::<Consignment>(&id, stamp.seq, |consignment| {
            consignment.accepted.get_or_insert_with(|| Acceptance { act: stamp.act(), by: self.by, document: self.document.clone() });
        });
    }
    fn sentence(&self) -> String {
        let document = self.document.as_ref().map(|digest| format!(", photographed: sha256 {digest}")).unwrap_or_default();
        format!("Accepted by the driver, {}{document}.", self.by.label())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::domain::asset::Asset;
    use crate::domain::consignment::{AcceptedBy, Consignment};
    use crate::domain::names::{AssetId, ConsignmentId, Role};
    use crate::domain::story::{DISTRICT, Story, VENDOR, actor};

    fn consignment<'a>(story: &'a Story, id: &str) -> &'a Consignment {
        story.known().find::<Consignment>(&ConsignmentId::parse(id).unwrap()).unwrap().unwrap()
    }

    #[test]
    fn the_driver_accepts_once_by_a_code_or_on_paper() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let driver = actor(Role::VendorOperator, VENDOR, 77);
        let (first, _) = story.retired("A1", "hdd_ata", "low");
        let id = story.released("P1", &[&first]);
        let accept = |id: &str| json!({"consignment": id});
        story.refused(&coordinator, "accept_consignment", accept(&id), "handoff.no_document");
        story.refused(&driver, "accept_consignment", accept(&id), "consignment.not_yours");
        story.done(&coordinator, "offer_acceptance", json!({"consignment": id, "link": driver.person}));
        // A driver's code accepts and receives nothing.
        let receipt = json!({"consignment": id, "containers": [], "scans": [{"tag": "A1"}]});
        story.refused(&driver, "receive_consignment", receipt, "links.ended");
        story.done(&driver, "accept_consignment", accept(&id));
        assert_eq!(consignment(&story, &id).accepted.as_ref().unwrap().by, AcceptedBy::Code);
        story.refused(&driver, "accept_consignment", accept(&id), "handoff.accepted");
        story.refused(
            &coordinator,
            "offer_acceptance",
            json!({"consignment": id, "link": actor(Role::Auditor, VENDOR, 78).person}),
            "handoff.accepted",
        );
        assert!(story.known().find::<Asset>(&AssetId::parse(&first).unwrap()).unwrap().unwrap().in_transit);

        let (second, _) = story.retired("A2", "hdd_ata", "low");
        let id = story.released("P2", &[&second]);
        story.refused(&coordinator, "accept_consignment", json!({"consignment": id, "document": "ab".repeat(32)}), "receipt.unknown_document");
        let document = story.document();
        story.done(&coordinator, "accept_consignment", json!({"consignment": id, "document": document}));
        assert_eq!(consignment(&story, &id).accepted.as_ref().unwrap().document.as_ref().unwrap().as_str(), document);
    }

    #[test]
    fn a_drivers_code_ends_after_a_quarter_of_an_hour() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let driver = actor(Role::VendorOperator, VENDOR, 77);
        let (first, _) = story.retired("A1", "hdd_ata", "low");
        let id = story.released("P1", &[&first]);
        story.done(&coordinator, "offer_acceptance", json!({"consignment": id, "link": driver.person}));
        // Each entry of a story takes a minute.
        for n in 0..15 {
            let body = json!({"tag": format!("X{n}"), "category": "dock", "manufacturer": "M", "model": "M", "site": "S"});
            story.done(&coordinator, "register_asset", body);
        }
        story.refused(&driver, "accept_consignment", json!({"consignment": id}), "links.ended");
    }
}
