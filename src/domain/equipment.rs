//! Equipment: the machines that a party sanitizes with, at which site, by which technique, how well they are calibrated, and whether they are in service.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::asset::Holder;
use super::evidence::require_document;
use super::names::{Digest, MachineId, Name, PartyId, Reference, Role, Serial, Technique};
use super::parties::{self, Party, subject};
use super::policy::Statement;
use super::records::{Key, Records, Stop};
use super::refusal::{Cause, Refusal};
use super::vendors::{require_dates, require_room, require_site};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, Subjects};

/// What a machine is and can do, as its maker or the NSA's list says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Specification {
    /// The site where it stands.
    pub site: Name,
    /// What it does: a physical technique.
    pub technique: Technique,
    /// Who made it.
    pub make: Name,
    /// Which model.
    pub model: Name,
    /// Its serial number.
    pub serial: Serial,
    /// The largest particle that it leaves, or the size of its screen, in tenths of a millimetre.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub particle_tenths_mm: Option<u32>,
    /// A degausser: its field, in oersted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_oersted: Option<u32>,
    /// Its entry in the NSA's lists of evaluated products.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epl_entry: Option<Reference>,
    /// The largest particle that this entry allows, in tenths of a millimetre.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epl_particle_tenths_mm: Option<u32>,
}

impl Specification {
    /// Make, model and serial number.
    pub fn words(&self) -> String {
        format!("{} {} {}", self.make, self.model, self.serial)
    }
    /// Whether a statement means this machine: by make, model and serial number, or by the serial number.
    fn is_named_by(&self, text: &Reference) -> bool {
        text.as_str().eq_ignore_ascii_case(&self.words()) || Serial::parse(text.as_str()).is_ok_and(|serial| serial.same(&self.serial))
    }
    fn same_thing(&self, other: &Self) -> bool {
        self.make.as_str().eq_ignore_ascii_case(other.make.as_str()) && self.serial.same(&other.serial)
    }
}

/// A calibration of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calibration {
    /// When.
    pub calibrated_on: NaiveDate,
    /// It counts to this day, included.
    pub due_on: NaiveDate,
    /// The stored document that shows it.
    pub document: Option<Digest>,
    /// The entry that recorded it.
    pub recorded: u64,
}

/// A machine of a party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Its id.
    pub id: MachineId,
    /// What it is and can do.
    pub is: Specification,
    /// Its calibrations, in the order in which they were recorded.
    pub calibrations: Vec<Calibration>,
    /// The first day on which it is out of service.
    pub out_from: Option<NaiveDate>,
    /// The entry that registered it.
    pub recorded: u64,
}

/// The machine that did it, as an event keeps it: what the register said then is never asked again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Used {
    /// Its id.
    pub machine: MachineId,
    /// Make, model and serial number.
    pub words: String,
}

impl Machine {
    /// The last calibration on or before a day.
    pub fn calibrated(&self, day: NaiveDate) -> Option<&Calibration> {
        self.calibrations.iter().filter(|calibration| calibration.calibrated_on <= day).max_by_key(|calibration| calibration.calibrated_on)
    }
    /// Whether it is in service on a day.
    pub fn serves(&self, day: NaiveDate) -> bool {
        self.out_from.is_none_or(|from| day < from)
    }
    /// As an event keeps it.
    pub fn used(&self) -> Used {
        Used { machine: self.id.clone(), words: self.is.words() }
    }

    /// What is stated of work with it on a day, with what the register says put in where nothing was stated. Refused where the machine cannot have done
    /// it, and where the statement says something else than the register.
    pub fn fills(&self, stated: &Statement, technique: Technique, day: NaiveDate) -> Result<Statement, Refusal> {
        let words = self.is.words();
        if !self.serves(day) {
            let why = format!("{words} is out of service on {day}; name the machine that did it, or correct the time.");
            return Err(Refusal::new("equipment.out_of_service", why));
        }
        if technique != self.is.technique {
            let why =
                format!("{words} is registered for “{}”, not for “{}”; name the machine that did it.", self.is.technique.label(), technique.label());
            return Err(Refusal::new("equipment.other_technique", why));
        }
        let calibrated = self.calibrated(day);
        if technique == Technique::Degauss
            && let Some(calibration) = calibrated.filter(|calibration| calibration.due_on < day)
        {
            let why = format!(
                "The calibration of {words} was due on {} and the work is of {day}: record the calibration that held then (record_calibration), or have \
                 it degaussed again by a machine that is calibrated.",
                calibration.due_on
            );
            return Err(Refusal::new("equipment.calibration_overdue", why).because(Cause::Entry(calibration.recorded)));
        }
        let mut filled = stated.clone();
        if let Some(other) = stated.equipment.as_ref().filter(|text| !self.is.is_named_by(text)) {
            return Err(self.contradicts("equipment", other, &words));
        }
        filled.equipment = Some(Reference::parse(self.is.serial.as_str())?);
        self.fill("epl_entry", &mut filled.epl_entry, self.is.epl_entry.as_ref())?;
        self.fill("epl_particle_tenths_mm", &mut filled.epl_particle_tenths_mm, self.is.epl_particle_tenths_mm.as_ref())?;
        self.fill("particle_tenths_mm", &mut filled.particle_tenths_mm, self.is.particle_tenths_mm.as_ref())?;
        self.fill("field_oersted", &mut filled.field_oersted, self.is.field_oersted.as_ref())?;
        // Who has a register does not say beside it when a machine of it was calibrated.
        if let (Some(said), None) = (stated.calibrated_on, calibrated) {
            let why = format!(
                "calibrated_on is stated as {said}, and no calibration of {words} up to {day} is registered: record it (record_calibration) and leave \
                 calibrated_on out."
            );
            return Err(Refusal::new("equipment.contradicts", why));
        }
        self.fill("calibrated_on", &mut filled.calibrated_on, calibrated.map(|calibration| &calibration.calibrated_on))?;
        Ok(filled)
    }

    fn fill<T: Clone + PartialEq + std::fmt::Display>(&self, member: &str, stated: &mut Option<T>, registered: Option<&T>) -> Result<(), Refusal> {
        match (&*stated, registered) {
            (Some(said), Some(own)) if said != own => Err(self.contradicts(member, said, own)),
            (None, Some(own)) => {
                *stated = Some(own.clone());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn contradicts(&self, member: &str, said: &dyn std::fmt::Display, own: &dyn std::fmt::Display) -> Refusal {
        let why = format!("{member} is stated as {said}, and the register says {own} of {}; leave it out, or correct the register.", self.is.words());
        Refusal::new("equipment.contradicts", why)
    }
}

impl Party {
    /// The unique value of a machine: who has it is known by its id.
    pub(super) fn machine_key(id: &MachineId) -> Key {
        Key::new("party.machine", id.as_str())
    }
    /// One of its machines.
    pub fn machine(&self, id: &MachineId) -> Option<&Machine> {
        self.machines.iter().find(|machine| &machine.id == id)
    }
}

/// A machine with the party that has it. What is another party's is unknown to a vendor.
pub(super) fn require<'a>(known: &'a Records, id: &MachineId, occasion: &Occasion) -> Result<(&'a Party, &'a Machine), Stop> {
    let party = match known.owner(&Party::machine_key(id))? {
        Some(owner) => known.find::<Party>(&PartyId::parse(owner)?)?,
        None => None,
    };
    let mine = |party: &&Party| !occasion.actor.role.is_vendor() || party.id == occasion.actor.party;
    let found = party.filter(mine).and_then(|party| Some((party, party.machine(id)?)));
    found.ok_or_else(|| Refusal::new("equipment.unknown", format!("No machine has the id {id}; register it first (register_machine).")).into())
}

/// A machine that stands where this holder has what is worked on.
pub(super) fn require_at<'a>(known: &'a Records, id: &MachineId, holder: &Holder, title: &str, occasion: &Occasion) -> Result<&'a Machine, Stop> {
    let (party, machine) = require(known, id, occasion)?;
    if party.id != holder.party || machine.is.site != holder.site {
        let place = if party.id == holder.party { holder.site.to_string() } else { "another party".to_owned() };
        let why = format!(
            "{} is a machine of {} at {}, and {title} is at {place}: name the machine that stands where it was done.",
            machine.is.words(),
            party.name,
            machine.is.site
        );
        return Err(Refusal::new("equipment.elsewhere", why).into());
    }
    Ok(machine)
}

/// The machine of a holder's register that a statement names without its id, if any; one in service on that day before others.
pub(super) fn stated_at<'a>(
    known: &'a Records,
    stated: &Statement,
    technique: Technique,
    holder: &Holder,
    day: NaiveDate,
) -> Result<Option<&'a Machine>, Stop> {
    let Some(text) = stated.equipment.as_ref().filter(|_| technique.is_physical()) else { return Ok(None) };
    let party = known.find::<Party>(&holder.party)?;
    let named = party.into_iter().flat_map(|party| &party.machines).filter(|machine| machine.is.is_named_by(text));
    Ok(named.max_by_key(|machine| machine.serves(day)))
}

/// Registers a machine: a vendor's people one of their own company, a coordinator one of the organisation or of a vendor that does not sign in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterMachine {
    /// Whose it is.
    pub party: PartyId,
    /// Its id; a fresh one where none is given.
    pub machine: Option<MachineId>,
    /// The site where it stands.
    pub site: Name,
    /// What it does: a physical technique.
    pub technique: Technique,
    /// Who made it.
    pub make: Name,
    /// Which model.
    pub model: Name,
    /// Its serial number.
    pub serial: Serial,
    /// The largest particle that it leaves, or the size of its screen, in tenths of a millimetre.
    pub particle_tenths_mm: Option<u32>,
    /// A degausser: its field, in oersted.
    pub field_oersted: Option<u32>,
    /// Its entry in the NSA's lists of evaluated products.
    pub epl_entry: Option<Reference>,
    /// The largest particle that this entry allows, in tenths of a millimetre.
    pub epl_particle_tenths_mm: Option<u32>,
}

/// `equipment.registered`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineRegistered {
    /// Its id.
    pub machine: MachineId,
    /// What it is and can do.
    pub is: Specification,
}

impl Order for RegisterMachine {
    const ROLES: &'static [Role] = &[Role::VendorOperator, Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        if occasion.actor.role.is_vendor() && self.party != occasion.actor.party {
            return Err(parties::unknown(&self.party).into());
        }
        let party = parties::require(known, &self.party)?;
        require_site(party, &self.site)?;
        let is = self.specification();
        if !is.technique.is_physical() {
            let why = format!("No machine does “{}”: software does; name one of the physical techniques.", is.technique.label());
            return Err(Refusal::new("equipment.not_physical", why).into());
        }
        let figures = Statement {
            particle_tenths_mm: is.particle_tenths_mm,
            field_oersted: is.field_oersted,
            epl_particle_tenths_mm: is.epl_particle_tenths_mm,
            ..Statement::default()
        };
        figures.check(occasion.occurred)?;
        let id = self.machine.clone().unwrap_or_else(|| MachineId::from_uuid(occasion.fresh(0)));
        let taken = known.owner(&Party::machine_key(&id))?.is_some();
        if taken || party.machines.iter().any(|machine| machine.is.same_thing(&is) && machine.out_from.is_none()) {
            let why = format!("{} is registered already; take that one out of service first where this is another.", is.words());
            return Err(Refusal::new("equipment.exists", why).into());
        }
        require_room(party, "machines", party.machines.len())?;
        Ok(vec![Happening::new(MachineRegistered { machine: id, is }, [subject(&party.id)])])
    }
}

impl RegisterMachine {
    fn specification(&self) -> Specification {
        let Self { site, technique, make, model, serial, particle_tenths_mm, field_oersted, epl_entry, epl_particle_tenths_mm, .. } = self.clone();
        Specification { site, technique, make, model, serial, particle_tenths_mm, field_oersted, epl_entry, epl_particle_tenths_mm }
    }
}

impl Fact for MachineRegistered {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.party() else { return };
        known.change::<Party>(&id, stamp.seq, |party| {
            let (id, is) = (self.machine.clone(), self.is.clone());
            party.machines.push(Machine { id, is, calibrations: Vec::new(), out_from: None, recorded: stamp.seq });
        });
    }
    fn sentence(&self) -> String {
        format!("Machine registered at {}: {}, {}.", self.is.site, self.is.words(), self.is.technique.label())
    }
}

/// Records that a machine was calibrated.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordCalibration {
    /// Whose it is.
    pub party: PartyId,
    /// The machine.
    pub machine: MachineId,
    /// When.
    pub calibrated_on: NaiveDate,
    /// It counts to this day, included.
    pub due_on: NaiveDate,
    /// The stored document that shows it, uploaded as evidence before.
    pub document: Option<Digest>,
}

/// `equipment.calibrated`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineCalibrated {
    /// The machine.
    pub machine: MachineId,
    /// When.
    pub calibrated_on: NaiveDate,
    /// It counts to this day, included.
    pub due_on: NaiveDate,
    /// The stored document that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Digest>,
}

/// A machine of this party, which the one who acts may say something about.
fn require_of<'a>(known: &'a Records, party: &PartyId, id: &MachineId, occasion: &Occasion) -> Result<(&'a Party, &'a Machine), Stop> {
    let found = require(known, id, occasion)?;
    if &found.0.id == party {
        return Ok(found);
    }
    Err(Refusal::new("equipment.unknown", format!("That party has no machine with the id {id}; look it up.")).into())
}

impl Order for RecordCalibration {
    const ROLES: &'static [Role] = &[Role::VendorOperator, Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let (party, machine) = require_of(known, &self.party, &self.machine, occasion)?;
        require_dates(self.calibrated_on, Some(self.due_on), "calibrated_on and due_on")?;
        if self.calibrated_on > occasion.occurred.utc().date_naive() {
            let why = format!("A calibration of {} is still to come; record it once it is done.", self.calibrated_on);
            return Err(Refusal::new("equipment.calibrated_later", why).into());
        }
        require_document(known, self.document.as_ref(), occasion)?;
        require_room(party, "calibrations of one machine", machine.calibrations.len())?;
        let event = MachineCalibrated {
            machine: machine.id.clone(),
            calibrated_on: self.calibrated_on,
            due_on: self.due_on,
            document: self.document.clone(),
        };
        let about = std::iter::once(subject(&party.id)).chain(self.document.as_ref().map(Subject::evidence));
        Ok(vec![Happening::new(event, about)])
    }
}

impl Fact for MachineCalibrated {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.party() else { return };
        known.change::<Party>(&id, stamp.seq, |party| {
            for machine in party.machines.iter_mut().filter(|machine| machine.id == self.machine) {
                // What is recorded anew of the same day replaces what was said of it.
                machine.calibrations.retain(|calibration| calibration.calibrated_on != self.calibrated_on);
                machine.calibrations.push(Calibration {
                    calibrated_on: self.calibrated_on,
                    due_on: self.due_on,
                    document: self.document.clone(),
                    recorded: stamp.seq,
                });
            }
        });
    }
    fn sentence(&self) -> String {
        format!("A machine was calibrated on {}; the next calibration is due on {}.", self.calibrated_on, self.due_on)
    }
}

/// Takes a machine out of service: from this day on nothing is done with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakeOutOfService {
    /// Whose it is.
    pub party: PartyId,
    /// The machine.
    pub machine: MachineId,
    /// The first day on which it is out of service.
    pub from: NaiveDate,
}

/// `equipment.taken_out_of_service`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineTakenOut {
    /// The machine.
    pub machine: MachineId,
    /// The first day on which it is out of service.
    pub from: NaiveDate,
}

impl Order for TakeOutOfService {
    const ROLES: &'static [Role] = &[Role::VendorOperator, Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let (party, machine) = require_of(known, &self.party, &self.machine, occasion)?;
        require_dates(self.from, None, "from")?;
        if let Some(from) = machine.out_from {
            let why = format!("{} is out of service from {from} on already; register it anew where it is used again.", machine.is.words());
            return Err(Refusal::new("equipment.taken_out", why).into());
        }
        Ok(vec![Happening::new(MachineTakenOut { machine: machine.id.clone(), from: self.from }, [subject(&party.id)])])
    }
}

impl Fact for MachineTakenOut {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.party() else { return };
        known.change::<Party>(&id, stamp.seq, |party| {
            for machine in party.machines.iter_mut().filter(|machine| machine.id == self.machine) {
                machine.out_from = Some(self.from);
            }
        });
    }
    fn sentence(&self) -> String {
        format!("A machine was taken out of service from {} on.", self.from)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::names::Role;
    use super::super::story::{DISTRICT, OTHER, Story, VENDOR, actor, machine};

    #[test]
    fn a_vendor_registers_its_own_machines_and_a_coordinator_anybodys() {
        let mut story = Story::new();
        let (coordinator, operator) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::VendorOperator, VENDOR, 1));
        let body = |party: &str, serial: &str| machine(party, "degauss", serial);
        story.refused(&actor(Role::VendorVerifier, VENDOR, 1), "register_machine", body(VENDOR, "DG1"), "command.wrong_role");
        story.refused(&operator, "register_machine", body(OTHER, "DG1"), "parties.unknown");
        let with = |member: &str, value: Value| {
            let mut body = body(VENDOR, "DG1");
            body[member] = value;
            body
        };
        story.refused(&operator, "register_machine", with("site", json!("Elsewhere")), "parties.unknown_site");
        story.refused(&operator, "register_machine", with("technique", json!("host_overwrite")), "equipment.not_physical");
        story.refused(&operator, "register_machine", with("field_oersted", json!(0)), "policy.absurd_figure");
        story.done(&operator, "register_machine", body(VENDOR, "DG1"));
        story.refused(&operator, "register_machine", body(VENDOR, "dg-1"), "equipment.exists");
        story.done(&coordinator, "register_machine", body(OTHER, "DG2"));
        let [own, foreign] = [VENDOR, OTHER].map(|party| story.machine_of(party));
        let calibration = |party: &str, id: &str, on: &str| json!({"party": party, "machine": id, "calibrated_on": on, "due_on": "2026-12-31"});
        story.refused(&operator, "record_calibration", calibration(OTHER, &foreign, "2026-01-05"), "equipment.unknown");
        story.refused(&coordinator, "record_calibration", calibration(VENDOR, &foreign, "2026-01-05"), "equipment.unknown");
        story.refused(&operator, "record_calibration", calibration(VENDOR, &own, "2026-12-01"), "equipment.calibrated_later");
        story.done(&operator, "record_calibration", calibration(VENDOR, &own, "2026-01-05"));
        let out = json!({"party": VENDOR, "machine": own, "from": "2026-09-21"});
        story.done(&operator, "take_out_of_service", out.clone());
        story.refused(&operator, "take_out_of_service", out, "equipment.taken_out");
        // It comes back under another id.
        story.done(&operator, "register_machine", body(VENDOR, "DG1"));
    }

    #[test]
    fn a_machine_says_what_the_statement_leaves_open() {
        let mut story = Story::new();
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let (_, disk) = story.retired("A1", "hdd_ata", "moderate");
        story.done(&coordinator, "register_machine", machine(DISTRICT, "degauss", "DG1"));
        story.done(&coordinator, "register_machine", machine(VENDOR, "degauss", "DG2"));
        let [own, foreign] = [DISTRICT, VENDOR].map(|party| story.machine_of(party));
        let degauss = |id: &str, more: Value| {
            let mut statement = json!({"completed_without_error": true, "coercivity_oersted": 5_000});
            statement.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({"medium": disk, "technique": "degauss", "machine": id, "statement": statement})
        };
        let refused = |story: &Story, id: &str, more: Value, code: &str| story.refused(&coordinator, "record_sanitization", degauss(id, more), code);
        refused(&story, "urn:uuid:00000000-0000-4000-8000-00000000dead", json!({}), "equipment.unknown");
        refused(&story, &foreign, json!({}), "equipment.elsewhere");
        let mut shred = degauss(&own, json!({}));
        shred["technique"] = json!("shred");
        story.refused(&coordinator, "record_sanitization", shred, "equipment.other_technique");
        // Nothing is known of its calibration.
        let why = refused(&story, &own, json!({}), "sanitization.not_reached");
        assert!(why.contains("calibrated_on"), "{why}");
        // Nobody says beside the register when its machine was calibrated, whether it is named by its id or in words.
        let why = refused(&story, &own, json!({"calibrated_on": "2026-01-05"}), "equipment.contradicts");
        assert!(why.contains("record_calibration"), "{why}");
        for words in ["dg-1", "Maker M-100 DG1"] {
            let mut stated = degauss(&own, json!({"equipment": words, "calibrated_on": "2026-01-05", "field_oersted": 10_000}));
            stated["machine"] = Value::Null;
            story.refused(&coordinator, "record_sanitization", stated, "equipment.contradicts");
        }
        let calibrated = |on: &str, due: &str| json!({"party": DISTRICT, "machine": own, "calibrated_on": on, "due_on": due});
        story.done(&coordinator, "record_calibration", calibrated("2025-01-05", "2026-01-05"));
        refused(&story, &own, json!({}), "equipment.calibration_overdue");
        story.done(&coordinator, "record_calibration", calibrated("2026-01-05", "2027-01-05"));
        refused(&story, &own, json!({"field_oersted": 20_000}), "equipment.contradicts");
        refused(&story, &own, json!({"equipment": "OTHER-1"}), "equipment.contradicts");
        story.done(&coordinator, "record_sanitization", degauss(&own, json!({"field_oersted": 10_000})));
        let done = story.medium(&disk).sanitization.clone().unwrap();
        assert_eq!((done.rule.as_str(), done.tool.as_deref()), ("DG-1", Some("Maker M-100 DG1")));
        let (_, disk) = story.retired("A2", "hdd_ata", "moderate");
        story.done(&coordinator, "take_out_of_service", json!({"party": DISTRICT, "machine": own, "from": "2026-09-21"}));
        let mut late = degauss(&own, json!({}));
        late["medium"] = json!(disk);
        story.refused(&coordinator, "record_sanitization", late, "equipment.out_of_service");
    }
}
