//! What else travels: a cart of Chromebooks from school to school, loose parts to a vendor that nobody has certified yet, and what a recycler hands on.

use super::{Cast, SITES, Stage, received, reference};
use crate::domain::asset::Holder;
use crate::domain::consignment::{Container, ContainerReceived, Goods, Item, Resolution, Scan, SealState};
use crate::domain::handoff::ReleaseConsignment;
use crate::domain::loading::{AddLines, AddQuantity, OpenConsignment, RecordContainer, RemoveLines};
use crate::domain::names::{ConsignmentId, DiscrepancyId, Instant, Name, PartyId};
use crate::domain::overrides::{GrantOverride, Guard, OverrideReason};
use crate::domain::parties::{PartyKind, RegisterParty};
use crate::domain::receipt::{QuantityFound, ReceiveConsignment, Transcribed};
use crate::domain::reconciliation::ResolveDiscrepancy;
use crate::domain::records::{Need, Records};
use crate::domain::sealing::{SealConsignment, UnsealConsignment, UnsealReason};
use crate::domain::vendors::{ApproveDownstream, Scheme, Scope};
use crate::domain::{Actor, SubjectKind};
use crate::error::{Error, Result};
use crate::store::tables;

const SMELTER: &str = "Saltfork Metals";
const SMELTER_SITE: &str = "Saltfork smelter";
const BATTERIES: &str = "Cell & Charger Recovery";
const BATTERIES_SITE: &str = "Cell & Charger depot";

impl Stage<'_> {
    /// Inside the district, to a vendor by an override, and from a vendor to the next one.
    pub(super) fn travels(&mut self, cast: &Cast) -> Result<()> {
        self.school_to_school(cast)?;
        self.by_override(cast)?;
        self.handed_on(cast)
    }

    fn open(&self, actor: &Actor, text: &str, from: &str, to: &Holder, at: Instant) -> Result<ConsignmentId> {
        let open = OpenConsignment {
            consignment: None,
            reference: reference(text)?,
            from_site: Name::parse(from)?,
            to: to.party.clone(),
            to_site: to.site.clone(),
            carrier: Some(Name::parse("Great Plains Freight")?),
            carrier_party: None,
            presets: None,
            expected: None,
        };
        let receipt = self.one(actor, open, at)?;
        Ok(ConsignmentId::parse(receipt.subject(SubjectKind::Consignment).unwrap_or_default())?)
    }

    fn close(&self, actor: &Actor, consignment: &ConsignmentId, container: &str, seal: &str, at: Instant) -> Result<()> {
        let container = Container { label: reference(container)?, seal: Some(reference(seal)?), tare_weight_grams: None, gross_weight_grams: None };
        self.one(actor, SealConsignment { consignment: consignment.clone(), containers: vec![container] }, at)?;
        Ok(())
    }

    /// Two Chromebooks in use move with their cart. One that was scanned by mistake comes off again; the seal is broken once more before it leaves.
    fn school_to_school(&mut self, cast: &Cast) -> Result<()> {
        self.step("A cart goes from school to school");
        let units = self.take("chromebook", 3);
        let [one, two, mistaken] = units.as_slice() else { return Err(Error::Fault("the story has no cart to move".to_owned())) };
        let [from, to, ..] = SITES;
        let to = Holder { party: self.service.app.service.party.clone(), site: Name::parse(to)? };
        let actor = &cast.coordinator;
        let id = self.open(actor, "NP-MOVE-001", from, &to, self.at(2, 0, 30))?;
        let assets = units.iter().map(|unit| unit.id.clone()).collect();
        let add = AddLines { consignment: id.clone(), assets, media: Vec::new(), container: Some(reference("CART-3")?), captured: None };
        self.one(actor, add, self.at(2, 0, 40))?;
        let off = RemoveLines { consignment: id.clone(), assets: vec![mistaken.id.clone()], media: Vec::new(), quantities: Vec::new() };
        self.one(actor, off, self.at(2, 0, 42))?;
        self.close(actor, &id, "CART-3", "NP-S-50001", self.at(2, 0, 50))?;
        self.one(actor, UnsealConsignment { consignment: id.clone(), reason: UnsealReason::LineMissed }, self.at(2, 0, 55))?;
        let chargers = AddQuantity {
            consignment: id.clone(),
            what: Goods::Charger,
            count: 2,
            unit_weight_grams: Some(210),
            no_data: true,
            container: Some(reference("CART-3")?),
        };
        self.one(actor, chargers, self.at(2, 0, 57))?;
        let chargers = self.all_counted(&id)?;
        self.close(actor, &id, "CART-3", "NP-S-50002", self.at(2, 0, 60))?;
        self.one(actor, ReleaseConsignment { consignment: id.clone(), driver: None }, self.at(2, 0, 70))?;
        let scan = |unit: &super::Unit| Scan { tag: Some(unit.tag.clone()), serial: None, damage: None };
        let containers = vec![ContainerReceived { label: reference("CART-3")?, seal_state: SealState::Intact, seal: None, gross_weight_grams: None }];
        let receive = ReceiveConsignment { quantities: chargers, ..received(id, containers, vec![scan(one), scan(two)]) };
        self.one(actor, receive, self.at(2, 0, 150))?;
        Ok(())
    }

    /// The counted things of a consignment, all there.
    fn all_counted(&mut self, consignment: &ConsignmentId) -> Result<Vec<QuantityFound>> {
        let mut known = Records::default();
        tables::load(&mut self.db, &[Need::LinesOf(consignment.clone())], &mut known)?;
        let counted = known.lines.all().filter_map(|line| match (&line.item, &line.quantity) {
            (Item::Quantity(id), Some(quantity)) => Some(QuantityFound { line: id.clone(), count: quantity.count }),
            _ => None,
        });
        Ok(counted.collect())
    }

    fn vendor(&self, administrator: &Actor, name: &str, site: &str, at: Instant) -> Result<PartyId> {
        let register = RegisterParty { party: None, kind: PartyKind::Vendor, name: Name::parse(name)?, sites: vec![Name::parse(site)?] };
        let receipt = self.one(administrator, register, at)?;
        Ok(PartyId::parse(receipt.subject(SubjectKind::Party).unwrap_or_default())?)
    }

    /// Chargers and batteries go to the one vendor that takes them, whose certificate is not there yet: an approver lets that load go.
    fn by_override(&mut self, cast: &Cast) -> Result<()> {
        self.step("An approver lets one load go to a vendor whose credential is not recorded yet");
        let party = self.vendor(&cast.administrator, BATTERIES, BATTERIES_SITE, self.at(2, 1, 0))?;
        let to = Holder { party, site: Name::parse(BATTERIES_SITE)? };
        let actor = &cast.coordinator;
        let id = self.open(actor, "NP-PICKUP-003", "District warehouse", &to, self.at(2, 1, 30))?;
        let container = RecordContainer {
            consignment: id.clone(),
            label: reference("BOX-9")?,
            seal: None,
            tare_weight_grams: Some(4_000),
            gross_weight_grams: Some(21_200),
        };
        self.one(actor, container, self.at(2, 1, 35))?;
        for (what, count, grams) in [(Goods::Charger, 40, Some(210)), (Goods::Battery, 12, None)] {
            let container = Some(reference("BOX-9")?);
            let add = AddQuantity { consignment: id.clone(), what, count, unit_weight_grams: grams, no_data: true, container };
            self.one(actor, add, self.at(2, 1, 40))?;
        }
        self.close(actor, &id, "BOX-9", "NP-S-50010", self.at(2, 1, 60))?;
        let grant = GrantOverride {
            consignment: id.clone(),
            guard: Guard::VendorQualification,
            reason: OverrideReason::SoleProvider,
            reference: reference("BOARD-2026-131")?,
        };
        self.one(&cast.approver, grant, self.at(2, 1, 200))?;
        self.one(actor, ReleaseConsignment { consignment: id.clone(), driver: Some(reference("GPF-TOUR-22")?) }, self.at(2, 1, 230))?;
        self.transcribe(cast, id)
    }

    /// Nobody there signs in: the coordinator enters what their paper says. It says that the seal was broken, and the vendor counts once more.
    fn transcribe(&mut self, cast: &Cast, consignment: ConsignmentId) -> Result<()> {
        self.step("The vendor's paper says that the seal was broken; the coordinator transcribes it");
        let actor = &cast.coordinator;
        let arrived = self.at(2, 2, 100);
        let slip = format!(
            "{BATTERIES}\r\nRECEIVING SLIP 8841 for NP-PICKUP-003\r\nBOX-9: seal NP-S-50010 BROKEN, gross 21.2 kg\r\nchargers 40, batteries 12\r\n"
        );
        let paper = self.evidence(actor, "receiving-slip-8841.txt", &slip, arrived)?;
        let box_9 = ContainerReceived {
            label: reference("BOX-9")?,
            seal_state: SealState::Broken,
            seal: Some(reference("NP-S-50010")?),
            gross_weight_grams: Some(21_200),
        };
        let receive = ReceiveConsignment {
            quantities: self.all_counted(&consignment)?,
            transcribed: Some(Transcribed { document: paper.sha256 }),
            ..received(consignment, vec![box_9], Vec::new())
        };
        let receipt = self.one(actor, receive, arrived)?;
        let discrepancy = DiscrepancyId::parse(receipt.subject(SubjectKind::Discrepancy).unwrap_or_default())?;
        let count = format!("{BATTERIES}\r\nRECOUNT 8841-1\r\nBOX-9: 40 chargers, 12 batteries; nothing is missing\r\n");
        let recount = self.evidence(actor, "recount-8841-1.txt", &count, self.at(2, 3, 60))?;
        let resolve = ResolveDiscrepancy { discrepancy, resolution: Resolution::ContentsVerified, reference: None, document: Some(recount.sha256) };
        self.one(&cast.approver, resolve, self.at(2, 3, 120))?;
        Ok(())
    }

    /// What is left of the recycled devices goes on to a smelter that an approver of the district has approved.
    fn handed_on(&mut self, cast: &Cast) -> Result<()> {
        self.step("The recycler hands on to an approved smelter");
        let recycler = cast.recycler.party.clone();
        let party = self.vendor(&cast.administrator, SMELTER, SMELTER_SITE, self.at(2, 2, 0))?;
        self.qualify(&cast.administrator, (&party, SMELTER_SITE), (Scheme::R2v3, "C2024-00417"), &[Scope::MaterialsRecovery], self.at(2, 2, 10))?;
        self.contract(&cast.administrator, &party, "NP-C-2231", self.at(2, 2, 10))?;
        self.one(&cast.approver, ApproveDownstream { party: recycler, downstream: party.clone() }, self.at(2, 2, 30))?;
        let to = Holder { party, site: Name::parse(SMELTER_SITE)? };
        let actor = &cast.recycler;
        let id = self.open(actor, "OUT-2291", super::RECYCLER_SITE, &to, self.at(2, 3, 30))?;
        let add = AddQuantity {
            consignment: id.clone(),
            what: Goods::Scrap,
            count: 3,
            unit_weight_grams: None,
            no_data: true,
            container: Some(reference("GAYLORD-4")?),
        };
        self.one(actor, add, self.at(2, 3, 40))?;
        self.close(actor, &id, "GAYLORD-4", "S-77120", self.at(2, 3, 60))?;
        self.one(actor, ReleaseConsignment { consignment: id, driver: None }, self.at(2, 3, 90))?;
        Ok(())
    }
}
