//! Matching by hand: a person says which medium a reading of a stored file is about although the serial numbers differ, or that it is about none that
//! is kept, each with a reason. What matches by its serial number is linked when the file is read, and needs nobody.

use serde::{Deserialize, Serialize};

use super::asset::Asset;
use super::evidence::{Evidence, EvidenceLinked, Finding, Reading};
use super::medium::{self, Act, Medium};
use super::names::{Digest, MediumId, Name, Reference, Role, Serial, codes};
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects};

codes! {
    /// Why a reading is about a medium although it names another serial number.
    LinkReason {
        BridgeSerial = "bridge_serial", "the tool read the serial number of the adapter between it and the medium";
        SerialShortened = "serial_shortened", "the tool shortens serial numbers or puts something before them";
        LabelMisread = "label_misread", "a character of the serial number was misread or mistyped";
        ShownElsewhere = "shown_elsewhere", "another document shows that it is the same medium";
    }
}

codes! {
    /// Why a reading is put aside.
    DismissalReason {
        NotOurs = "not_ours", "it is about a medium of somebody else";
        TrialRun = "trial_run", "it was a trial of the tool";
        ShownByAnother = "shown_by_another", "another file shows the same work";
        NoSerial = "no_serial", "it names no serial number, and nothing tells which medium it is about";
        NotKept = "not_kept", "it is about a medium that nobody keeps a record of, such as the one that the tool was started from";
    }
}

/// One of the readings of a file: by the serial number that it names, or where it names none by the tool's name for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadingRef {
    /// The tool's name for the medium within the file.
    pub place: Name,
    /// The serial number as the tool read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<Serial>,
}

impl ReadingRef {
    /// Whether both are about the same thing.
    pub fn same(&self, other: &ReadingRef) -> bool {
        match (&self.serial, &other.serial) {
            (Some(own), Some(other)) => own.same(other),
            (None, None) => self.place == other.place,
            _ => false,
        }
    }
    fn words(&self) -> String {
        self.serial.as_ref().map_or_else(|| self.place.to_string(), ToString::to_string)
    }
}

/// A reading that was put aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissed {
    /// Which.
    pub reading: ReadingRef,
    /// Why.
    pub reason: DismissalReason,
    /// By whom and when.
    pub act: Act,
}

/// Most readings that are put aside at once.
pub const MOST_DISMISSED: usize = 1_000;

impl Evidence {
    /// Whether a reading is linked with a medium, or was put aside.
    pub fn is_settled(&self, reading: &ReadingRef) -> bool {
        let linked = |serial: &Serial| self.links.iter().any(|link| link.serial.same(serial));
        reading.serial.as_ref().is_some_and(linked) || self.dismissed_as(reading).is_some()
    }
    /// By whom a reading was put aside, and why.
    pub fn dismissed_as(&self, reading: &ReadingRef) -> Option<&Dismissed> {
        self.dismissed.iter().find(|dismissed| dismissed.reading.same(reading))
    }
}

/// Links a reading with a medium that has another serial number. What was read and what is wrong with it is put in by the service, out of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkReading {
    /// SHA-256 of the stored file.
    pub sha256: Digest,
    /// The serial number as the tool read it.
    pub serial: Serial,
    /// What the reader found.
    pub reading: Reading,
    /// What is wrong with it.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// The medium.
    pub medium: MediumId,
    /// Why it is the same.
    pub reason: LinkReason,
    /// What shows it: a document or ticket of the organisation's own.
    pub reference: Option<Reference>,
}

/// Puts readings aside: nothing follows from them, and nobody has to look for their media. A link that was made by hand is taken back by it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DismissReadings {
    /// SHA-256 of the stored file.
    pub sha256: Digest,
    /// Which.
    pub readings: Vec<ReadingRef>,
    /// Why.
    pub reason: DismissalReason,
    /// What shows it: a document or ticket of the organisation's own.
    pub reference: Option<Reference>,
}

/// `evidence.readings_dismissed`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadingsDismissed {
    /// Which.
    pub readings: Vec<ReadingRef>,
    /// Why.
    pub reason: DismissalReason,
    /// What shows it.
    pub reference: Option<Reference>,
}

/// A stored file that whoever acts may know, and whose bytes can be looked at.
fn require<'a>(known: &'a Records, sha256: &Digest, occasion: &Occasion) -> Result<&'a Evidence, Stop> {
    let visible = |stored: &&Evidence| !occasion.actor.role.is_vendor() || stored.concerns(&occasion.actor.party);
    let Some(evidence) = known.find::<Evidence>(sha256)?.filter(visible) else {
        let why = format!("No evidence file with the SHA-256 {sha256} is stored; upload it first.");
        return Err(Refusal::new("matching.unknown_file", why).into());
    };
    evidence.require_bytes()?;
    Ok(evidence)
}

impl Order for LinkReading {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::Approver];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let evidence = require(known, &self.sha256, occasion)?;
        if let Some(link) = evidence.links.iter().find(|link| link.serial.same(&self.serial)) {
            let why = format!(
                "What the file says of {} is linked with a medium already. Where a person linked it and was wrong, put the reading aside; then it can be \
                 linked with another.",
                link.serial
            );
            return Err(Refusal::new("matching.linked", why).because(Cause::Entry(evidence.last_seq)).into());
        }
        let medium = medium::require(known, &self.medium)?;
        medium.require_real()?;
        if known.owner(&Medium::serial_key(&self.serial))?.is_some() {
            let why = format!("{} is the serial number of a medium on record: read the file again, and it is linked with that one.", self.serial);
            return Err(Refusal::new("matching.needs_nobody", why).into());
        }
        let host = medium.host_of(known)?;
        if medium.own_serial(host).is_some_and(|own| own.same(&self.serial)) {
            let why = format!("{} has this very serial number: read the file again, and it is linked without anybody's word.", medium.title());
            return Err(Refusal::new("matching.needs_nobody", why).into());
        }
        if self.reason == LinkReason::ShownElsewhere && self.reference.is_none() {
            return Err(Refusal::new("matching.no_reference", "Name the document that shows that it is the same medium.").into());
        }
        if let Some(link) = evidence.links.iter().find(|link| link.medium == self.medium) {
            let why =
                format!("The file speaks of {} already, as {}: where that is wrong, put that reading aside first.", medium.title(), link.serial);
            return Err(Refusal::new("matching.medium_linked", why).because(Cause::Entry(evidence.last_seq)).into());
        }
        let event = EvidenceLinked {
            serial: self.serial.clone(),
            reading: self.reading.clone(),
            findings: self.findings.clone(),
            by_hand: Some(self.reason),
            reference: self.reference.clone(),
        };
        Ok(vec![Happening::new(event, [Subject::evidence(&self.sha256), Subject::new(SubjectKind::Medium, self.medium.as_str())])])
    }
}

impl Order for DismissReadings {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::Approver, Role::VendorOperator, Role::VendorVerifier];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let evidence = require(known, &self.sha256, occasion)?;
        if self.readings.is_empty() || self.readings.len() > MOST_DISMISSED {
            let why = format!("Choose between 1 and {MOST_DISMISSED} readings to put aside; more in several steps.");
            return Err(Refusal::new("matching.how_many", why).into());
        }
        // What others sent too is not one vendor's to put aside.
        if occasion.actor.role.is_vendor() && (evidence.party != occasion.actor.party || !evidence.others.is_empty()) {
            let why = "Readings of this file are put aside by the organisation; ask its coordinator.";
            return Err(Refusal::new("matching.not_yours", why).into());
        }
        let mut readings: Vec<ReadingRef> = Vec::with_capacity(self.readings.len());
        for reading in &self.readings {
            if readings.iter().any(|other| other.same(reading)) {
                continue;
            }
            readings.push(reading.clone());
            if let Some(dismissed) = evidence.dismissed_as(reading) {
                let why = format!("What the file says of {} was put aside before: {}.", reading.words(), dismissed.reason.label());
                return Err(Refusal::new("matching.dismissed", why).because(Cause::Entry(dismissed.act.seq)).into());
            }
            let Some(link) = reading.serial.as_ref().and_then(|serial| evidence.links.iter().find(|link| link.serial.same(serial))) else { continue };
            if link.by_hand.is_none() || occasion.actor.role.is_vendor() {
                let why = format!("What the file says of {} is linked with a medium; there is nothing to put aside.", link.serial);
                return Err(Refusal::new("matching.linked", why).because(Cause::Entry(evidence.last_seq)).into());
            }
            let medium = medium::require(known, &link.medium)?;
            if let Some(done) = medium.sanitization.as_ref().filter(|done| done.evidence.as_ref() == Some(&self.sha256)) {
                let why = format!(
                    "The sanitization of {} rests on it (entry {}): void that first (void_sanitization).",
                    medium.title(),
                    done.performed.seq
                );
                return Err(Refusal::new("matching.relied_on", why).because(Cause::Entry(done.performed.seq)).into());
            }
        }
        let event = ReadingsDismissed { readings, reason: self.reason, reference: self.reference.clone() };
        Ok(vec![Happening::new(event, [Subject::evidence(&self.sha256)])])
    }
}

impl Fact for ReadingsDismissed {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(sha256) = about.evidence() else { return };
        known.change::<Evidence>(&sha256, stamp.seq, |evidence| {
            for reading in &self.readings {
                let before = evidence.links.len();
                evidence.links.retain(|link| link.by_hand.is_none() || !reading.serial.as_ref().is_some_and(|serial| link.serial.same(serial)));
                if evidence.links.len() == before {
                    evidence.settle_one();
                }
                evidence.dismissed.push(Dismissed { reading: reading.clone(), reason: self.reason, act: stamp.act() });
            }
        });
    }
    fn sentence(&self) -> String {
        let what = match self.readings.as_slice() {
            [one] => format!("What the file says of {} was put aside", one.words()),
            more => format!("{} readings of the file were put aside", more.len()),
        };
        format!("{what}: {}.", self.reason.label())
    }
}

impl Medium {
    /// The serial number by which a report knows it: its own, or that of the device whose only medium goes by it.
    pub fn own_serial<'a>(&'a self, host: Option<&'a Asset>) -> Option<&'a Serial> {
        self.serial.as_ref().or(host.and_then(|host| host.serial.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Actor;
    use super::super::story::{DISTRICT, Story, VENDOR, actor};
    use super::*;

    const FILE: &str = "abababababababababababababababababababababababababababababababab";

    fn reading() -> Value {
        json!({"technique": "host_overwrite", "result": "pass", "errors": 0, "complete": true, "hidden_area": "none"})
    }

    /// A device, and a file that speaks of a medium which nobody knows and of one without a serial number.
    fn unmatched(story: &mut Story) -> (Actor, String) {
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let (_, disk) = story.retired("A1", "hdd_ata", "low");
        let reader = json!({"name": "nwipe-log", "version": 1, "records": 2, "remarks": 0, "unmatched": 2});
        story.done(&coordinator, "receive_evidence", json!({"sha256": FILE, "size_bytes": 9, "reader": reader, "links": []}));
        (coordinator, disk)
    }

    fn link(medium: &str, serial: &str) -> Value {
        json!({"sha256": FILE, "serial": serial, "reading": reading(), "medium": medium, "reason": "serial_shortened"})
    }

    fn aside(readings: &[Value]) -> Value {
        json!({"sha256": FILE, "readings": readings, "reason": "not_ours"})
    }

    fn stored(story: &Story) -> Evidence {
        story.known().evidence.get(&Digest::parse(FILE).unwrap()).unwrap().clone()
    }

    #[test]
    fn a_reading_that_a_person_links_counts_for_that_medium() {
        let mut story = Story::new();
        let (coordinator, disk) = unmatched(&mut story);
        let happened = story.when(&coordinator, "link_reading", link(&disk, "WD-MA1")).unwrap();
        let sentence = happened[0].event.sentence();
        assert!(sentence.ends_with("Linked by hand: the tool shortens serial numbers or puts something before them."), "{sentence}");
        story.done(&coordinator, "link_reading", link(&disk, "WD-MA1"));
        assert_eq!(stored(&story).reader.as_ref().map(|reader| reader.unmatched), Some(1));
        let medium = story.known().media.get(&MediumId::parse(&disk).unwrap()).unwrap().clone();
        assert!(stored(&story).link_of(&medium, None).is_some_and(|link| link.by_hand == Some(LinkReason::SerialShortened)));
        story.refused(&coordinator, "link_reading", link(&disk, "wd-ma1"), "matching.linked");
        let done = json!({"medium": disk, "technique": "host_overwrite", "evidence": FILE});
        story.done(&coordinator, "record_sanitization", done);
        let reading = json!({"place": "sda", "serial": "WD-MA1"});
        story.refused(&coordinator, "dismiss_readings", aside(std::slice::from_ref(&reading)), "matching.relied_on");
    }

    #[test]
    fn a_link_by_hand_is_taken_back_and_made_anew() {
        let mut story = Story::new();
        let (coordinator, disk) = unmatched(&mut story);
        let operator = actor(Role::VendorOperator, VENDOR, 1);
        story.refused(&coordinator, "link_reading", link(&disk, "MA1"), "matching.needs_nobody");
        let mut elsewhere = link(&disk, "X-1");
        elsewhere["reason"] = json!("shown_elsewhere");
        story.refused(&coordinator, "link_reading", elsewhere.clone(), "matching.no_reference");
        elsewhere["reference"] = json!("CASE-7");
        story.done(&coordinator, "link_reading", elsewhere);
        let reading = json!({"place": "sda", "serial": "X-1"});
        // To a vendor that did not send it the file is unknown.
        story.refused(&operator, "dismiss_readings", aside(std::slice::from_ref(&reading)), "matching.unknown_file");
        story.done(&coordinator, "dismiss_readings", aside(std::slice::from_ref(&reading)));
        assert!(stored(&story).links.is_empty());
        assert_eq!(stored(&story).reader.as_ref().map(|reader| reader.unmatched), Some(1), "it was settled before and is settled now");
        story.refused(&coordinator, "dismiss_readings", aside(&[reading]), "matching.dismissed");
        story.done(&coordinator, "link_reading", link(&disk, "X-1"));
        assert!(stored(&story).dismissed.is_empty(), "what is linked is not put aside");
        assert_eq!(stored(&story).reader.as_ref().map(|reader| reader.unmatched), Some(1));
    }

    #[test]
    fn what_is_put_aside_is_not_waited_for() {
        let mut story = Story::new();
        let (coordinator, disk) = unmatched(&mut story);
        story.refused(&coordinator, "dismiss_readings", aside(&[]), "matching.how_many");
        story.done(&coordinator, "dismiss_readings", aside(&[json!({"place": "sdb"}), json!({"place": "sda", "serial": "X-1"})]));
        assert_eq!(stored(&story).reader.as_ref().map(|reader| reader.unmatched), Some(0));
        let automatic = json!({"sha256": FILE, "size_bytes": 9, "reader": {"name": "nwipe-log", "version": 1, "records": 2, "remarks": 0},
            "links": [{"medium": disk, "serial": "MA1", "reading": reading()}]});
        story.done(&coordinator, "receive_evidence", automatic);
        story.refused(&coordinator, "dismiss_readings", aside(&[json!({"place": "sdc", "serial": "ma1"})]), "matching.linked");
    }
}
