//! Evidence files: that they were received, what a reader found in them, and which media their readings are about.

use serde::{Deserialize, Serialize};

use super::asset::Asset;
use super::consignment::{self, Consignment, Line, LineId, Via};
use super::matching::{Dismissed, LinkReason};
use super::medium::{Act, Medium};
use super::names::{ConsignmentId, Digest, MediumId, PartyId, Reference, Role, Serial, Technique, codes};
use super::records::{Records, Stop, record};
use super::refusal::Refusal;
use super::withholding::Withholding;
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects, links};

codes! {
    /// What a tool says of its own work. An unknown word is never a pass.
    ToolResult {
        Pass = "pass", "completed without error";
        PassWithExceptions = "pass_with_exceptions", "completed with exceptions";
        Fail = "fail", "failed";
        Aborted = "aborted", "aborted";
        InProgress = "in_progress", "not finished";
        Inconclusive = "inconclusive", "inconclusive";
    }
}

codes! {
    /// Whether the tool found areas that it could not reach (HPA, DCO).
    HiddenArea {
        None = "none", "none";
        Found = "found", "found";
        Unknown = "unknown", "unknown";
    }
}

codes! {
    /// What a finding means for the claim of a report.
    Weight {
        Blocks = "blocks", "the claim does not count until this is answered";
        Warns = "warns", "a person should look at it";
    }
}

codes! {
    /// The lists of stored files.
    EvidenceList {
        Unmatched = "unmatched", "not all matched";
        NotUnderstood = "not_understood", "not understood";
        All = "all", "all files";
    }
}

/// Where the claim of a report cannot be true, or does not fit what else is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The rule that found it; a policy may weigh it otherwise by this name.
    pub code: String,
    /// What it means where the policy says nothing of it.
    pub weight: Weight,
    /// One sentence: what is wrong, with the figures.
    pub what: String,
    /// One sentence: what to ask the vendor for.
    pub ask: String,
}

/// What a reader found about one medium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// The technique.
    pub technique: Technique,
    /// What the tool says of its own work.
    pub result: ToolResult,
    /// Write, verify and sync errors together.
    pub errors: u64,
    /// Every byte of the medium was covered.
    pub complete: bool,
    /// Areas that the tool could not reach.
    pub hidden_area: HiddenArea,
    /// Tool and version.
    pub tool: Option<String>,
}

/// The reader that is named for an archive: the files in it are read, each by itself.
pub const ARCHIVE: &str = "archive";
/// The reader that is named for a photo, which is looked at by people.
pub const PHOTO: &str = "photo";

/// Which reader read the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reader {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Media it found in the file.
    pub records: u32,
    /// Remarks it made.
    pub remarks: u32,
    /// Media of which it tells a sanitization, and which are neither linked with one of the record nor put aside.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unmatched: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A reading that belongs to a medium of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The medium.
    pub medium: MediumId,
    /// The serial number as the tool read it.
    pub serial: Serial,
    /// What the reader found.
    pub reading: Reading,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// A person said that it is about this medium, and why; none where the serial numbers are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_hand: Option<LinkReason>,
}

/// A stored file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Its SHA-256.
    pub sha256: Digest,
    /// Its size.
    pub size_bytes: u64,
    /// The party whose person uploaded it.
    pub party: PartyId,
    /// Vendors whose people uploaded the same bytes later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<PartyId>,
    /// The reader that understood it.
    pub reader: Option<Reader>,
    /// Readings, each of one medium under the serial number by which the tool knew it.
    pub links: Vec<Link>,
    /// Readings that were put aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dismissed: Vec<Dismissed>,
    /// By whom it was stored first, and when.
    pub received: Act,
    /// Of an archive: the files in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Digest>,
    /// The archives that it is in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub archives: Vec<Digest>,
    /// What was proposed and done about its bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withholding: Option<Withholding>,
    /// The entry that changed it last.
    pub last_seq: u64,
}

record!(Evidence, id: Digest = |e| e.sha256.clone(), owner: |e| e.sha256.as_str().to_owned(), shelf: evidence, need: Evidence, keys: |e| e.withheld_key().into_iter().collect());

impl Evidence {
    /// The lists that it is on.
    pub fn lists(&self) -> Vec<EvidenceList> {
        let open = match &self.reader {
            // Nobody can look into it any more.
            _ if self.withheld().is_some() => None,
            None => Some(EvidenceList::NotUnderstood),
            Some(reader) => (reader.unmatched > 0).then_some(EvidenceList::Unmatched),
        };
        open.into_iter().chain([EvidenceList::All]).collect()
    }
    /// Whether this party's people uploaded it.
    pub fn concerns(&self, party: &PartyId) -> bool {
        &self.party == party || self.others.contains(party)
    }
    /// What it says of a medium, under the serial number that this, or the device that tells it from others, has now. What it says under another one
    /// is about another thing, unless a person has said that it is this one.
    pub fn link_of(&self, medium: &Medium, host: Option<&Asset>) -> Option<&Link> {
        let own = medium.own_serial(host);
        let is_own = |link: &Link| own.is_some_and(|own| own.same(&link.serial));
        self.links.iter().find(|link| link.medium == medium.id && (link.by_hand.is_some() || is_own(link)))
    }
    /// One reading fewer has to be matched.
    pub(super) fn settle_one(&mut self) {
        if let Some(reader) = &mut self.reader {
            reader.unmatched = reader.unmatched.saturating_sub(1);
        }
    }
}

/// Most files that are sent for one consignment.
pub const MOST_DOCUMENTS: usize = 200;

/// A stored file arrives in the record. Its bytes are durable under their SHA-256 before this command is given.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiveEvidence {
    /// SHA-256 of the stored bytes.
    pub sha256: Digest,
    /// Their number.
    pub size_bytes: u64,
    /// The reader that understood them.
    pub reader: Option<Reader>,
    /// Readings about media of the record.
    pub links: Vec<Link>,
    /// The consignment that it was sent for.
    pub consignment: Option<ConsignmentId>,
    /// Of an archive: the files in it, which are stored.
    #[serde(default)]
    pub members: Vec<Digest>,
}

/// `evidence.received`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceReceived {
    /// SHA-256 of the stored bytes.
    pub sha256: Digest,
    /// Their number.
    pub size_bytes: u64,
    /// The way of somebody without an account.
    pub by: Option<Via>,
    /// Of an archive: the files in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Digest>,
}

/// `evidence.read`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRead {
    /// The reader.
    pub reader: Reader,
}

/// `evidence.linked`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceLinked {
    /// The serial number as the tool read it.
    pub serial: Serial,
    /// What the reader found.
    pub reading: Reading,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// A person said that it is about this medium, and why; none where the serial numbers are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_hand: Option<LinkReason>,
    /// What shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
}

impl Order for ReceiveEvidence {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::VendorOperator, Role::VendorVerifier];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let subject = Subject::evidence(&self.sha256);
        let mut happenings = Vec::new();
        // What others stored is unknown to a vendor: its own upload is recorded as if it were the first.
        let visible = |evidence: &&Evidence| !occasion.actor.role.is_vendor() || evidence.concerns(&occasion.actor.party);
        let stored = known.find::<Evidence>(&self.sha256)?;
        // Whoever has the very bytes learns no more by this than that they are not taken.
        stored.map_or(Ok(()), Evidence::require_not_withheld)?;
        let stored = stored.filter(visible);
        let consignment = self.consignment.as_ref().map(|id| consignment::require(known, id, occasion)).transpose()?;
        if let Some(consignment) = consignment {
            links::require_live(consignment, occasion)?;
            if consignment.documents.len() >= MOST_DOCUMENTS {
                let why = format!("{} has {MOST_DOCUMENTS} files already; send what belongs together as one.", consignment.reference);
                return Err(Refusal::new("evidence.too_many", why).into());
            }
        }
        let new_for = consignment.filter(|consignment| !consignment.documents.contains(&self.sha256));
        // Each is told that it is in this one.
        known.find_all::<Evidence>(&self.members)?;
        let opened = stored.is_some_and(|stored| stored.members != self.members) && !self.members.is_empty();
        if stored.is_none() || new_for.is_some() || opened {
            let by = consignment.and_then(|consignment| links::via(consignment, &occasion.actor.person));
            let about = std::iter::once(subject.clone()).chain(new_for.map(|consignment| consignment::subject(&consignment.id)));
            let event = EvidenceReceived { sha256: self.sha256.clone(), size_bytes: self.size_bytes, by, members: self.members.clone() };
            happenings.push(Happening::new(event, about));
        }
        if let Some(reader) = &self.reader
            && stored.and_then(|evidence| evidence.reader.as_ref()) != Some(reader)
        {
            happenings.push(Happening::new(EvidenceRead { reader: reader.clone() }, [subject.clone()]));
        }
        let by_link = consignment.filter(|consignment| links::via(consignment, &occasion.actor.person).is_some());
        let media = known.find_all::<Medium>(self.links.iter().map(|link| &link.medium))?;
        // Asked for together: a log may be about many.
        known.find_all::<Asset>(media.iter().flatten().filter_map(|medium| medium.host.as_ref()))?;
        let lines: Vec<LineId> =
            by_link.iter().flat_map(|consignment| media.iter().flatten().map(|medium| LineId::of_medium(&consignment.id, medium))).collect();
        known.find_all::<Line>(&lines)?;
        for (link, medium) in self.links.iter().zip(media) {
            let Some(medium) = medium else {
                return Err(Refusal::new("evidence.unknown_medium", format!("No medium has the id {}.", link.medium)).into());
            };
            let host = medium.host_of(known)?;
            match host {
                Some(host) => occasion.may_touch(host)?,
                None => occasion.may_touch_loose(medium)?,
            }
            // Whoever came by a link speaks for one consignment, not for all that its receiver has.
            if let Some(consignment) = by_link
                && !known.find::<Line>(&LineId::of_medium(&consignment.id, medium))?.is_some_and(Line::is_listed)
            {
                return Err(
                    Refusal::new("evidence.unknown_medium", format!("No medium of {} has the id {}.", consignment.reference, link.medium)).into()
                );
            }
            medium.require_real()?;
            if !medium.own_serial(host).is_some_and(|own| own.same(&link.serial)) {
                return Err(Refusal::new(
                    "evidence.serial_differs",
                    format!("The file speaks of {}, which is not the medium {}.", link.serial, medium.title()),
                )
                .into());
            }
            let same = stored.is_some_and(|evidence| evidence.links.contains(link));
            // One run wiped one medium: what a person has said of it stands until it is taken back.
            let said = |other: &Link| other.by_hand.is_some() && other.serial.same(&link.serial) && other.medium != link.medium;
            if !same && !stored.is_some_and(|evidence| evidence.links.iter().any(said)) {
                let about = [subject.clone(), Subject::new(SubjectKind::Medium, link.medium.as_str())];
                let Link { serial, reading, findings, .. } = link.clone();
                happenings.push(Happening::new(EvidenceLinked { serial, reading, findings, by_hand: None, reference: None }, about));
            }
        }
        Ok(happenings)
    }
}

impl Fact for EvidenceReceived {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        if let Some(id) = about.consignment() {
            known.change::<Consignment>(&id, stamp.seq, |consignment| consignment.documents.push(self.sha256.clone()));
        }
        for member in &self.members {
            known.change::<Evidence>(member, stamp.seq, |evidence| {
                if !evidence.archives.contains(&self.sha256) {
                    evidence.archives.push(self.sha256.clone());
                }
            });
        }
        // Only what is known to be absent is new: what was not looked for yet is asked for by `change`.
        if known.find::<Evidence>(&self.sha256) != Ok(None) {
            known.change::<Evidence>(&self.sha256, stamp.seq, |evidence| {
                if !evidence.concerns(&stamp.actor.party) {
                    evidence.others.push(stamp.actor.party.clone());
                }
                if !self.members.is_empty() {
                    evidence.members.clone_from(&self.members);
                }
            });
            return;
        }
        known.put(
            Evidence {
                sha256: self.sha256.clone(),
                size_bytes: self.size_bytes,
                party: stamp.actor.party.clone(),
                others: Vec::new(),
                reader: None,
                links: Vec::new(),
                dismissed: Vec::new(),
                received: stamp.act(),
                members: self.members.clone(),
                archives: Vec::new(),
                withholding: None,
                last_seq: stamp.seq,
            },
            stamp.seq,
        );
    }
    fn sentence(&self) -> String {
        format!("Evidence file stored: {} bytes{}.", self.size_bytes, self.by.map_or_else(String::new, |by| format!(", {}", by.label())))
    }
}

impl Fact for EvidenceRead {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        if let Some(sha256) = about.evidence() {
            known.change::<Evidence>(&sha256, stamp.seq, |evidence| evidence.reader = Some(self.reader.clone()));
        }
    }
    fn sentence(&self) -> String {
        let unmatched = match self.reader.unmatched {
            0 => String::new(),
            1 => " One of them is not matched.".to_owned(),
            more => format!(" {more} of them are not matched."),
        };
        format!(
            "Evidence file read by {} version {}: {} media, {} remarks.{unmatched}",
            self.reader.name, self.reader.version, self.reader.records, self.reader.remarks
        )
    }
}

impl Fact for EvidenceLinked {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let (Some(sha256), Some(medium)) = (about.evidence(), about.medium()) else { return };
        known.change::<Evidence>(&sha256, stamp.seq, |evidence| {
            if self.by_hand.is_some() {
                // What was put aside was counted as settled then.
                let before = evidence.dismissed.len();
                evidence.dismissed.retain(|dismissed| !dismissed.reading.serial.as_ref().is_some_and(|serial| serial.same(&self.serial)));
                if evidence.dismissed.len() == before {
                    evidence.settle_one();
                }
            }
            evidence.links.retain(|other| other.medium != medium);
            let Self { serial, reading, findings, by_hand, .. } = self.clone();
            evidence.links.push(Link { medium, serial, reading, findings, by_hand });
        });
    }
    fn sentence(&self) -> String {
        let tool = self.reading.tool.as_deref().unwrap_or("the tool");
        let asked = match self.findings.len() {
            0 => String::new(),
            1 => " One thing is to be asked about it.".to_owned(),
            more => format!(" {more} things are to be asked about it."),
        };
        let by_hand = self.by_hand.map_or_else(String::new, |reason| format!(" Linked by hand: {}.", reason.label()));
        format!(
            "Evidence linked: {tool} says of {}: {}, {}.{asked}{by_hand}",
            self.serial,
            self.reading.technique.label(),
            self.reading.result.label()
        )
    }
}

/// A document that is named has to be stored; what does not concern a vendor is unknown to it.
pub(super) fn require_document(known: &Records, document: Option<&Digest>, occasion: &Occasion) -> Result<(), Stop> {
    let Some(document) = document else { return Ok(()) };
    let visible = |stored: &&Evidence| !occasion.actor.role.is_vendor() || stored.concerns(&occasion.actor.party);
    let Some(stored) = known.find::<Evidence>(document)?.filter(visible) else {
        return Err(Refusal::new("receipt.unknown_document", format!("No file with the SHA-256 {document} is stored; upload it first.")).into());
    };
    Ok(stored.require_bytes()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::names::{Instant, PersonId};
    use super::super::records::Need;
    use super::super::story::{DISTRICT, Story, VENDOR, actor};
    use super::super::{Actor, Event};
    use super::*;

    #[test]
    fn evidence_by_a_link_is_about_its_own_consignment() {
        let mut story = Story::new();
        let (coordinator, operator) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::VendorOperator, VENDOR, 1));
        let (device, disk) = story.retired("A1", "hdd_ata", "low");
        let (other, foreign) = story.retired("A2", "hdd_ata", "low");
        let (id, another) = (story.released("P1", &[&device]), story.released("P2", &[&other]));
        let guest = actor(Role::VendorOperator, VENDOR, 77);
        story.done(&coordinator, "create_link", json!({"consignment": id, "link": guest.person, "days": 1}));
        for (id, tag) in [(&id, "A1"), (&another, "A2")] {
            story.done(
                &operator,
                "receive_consignment",
                json!({"consignment": id, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": [{"tag": tag}]}),
            );
        }
        let file = |medium: &str, serial: &str| {
            let reading = json!({"technique": "host_overwrite", "result": "pass", "errors": 0, "complete": true, "hidden_area": "none"});
            json!({"sha256": "a".repeat(64), "size_bytes": 10, "reader": {"name": "nwipe-log", "version": 1, "records": 1, "remarks": 0},
                "links": [{"medium": medium, "serial": serial, "reading": reading}], "consignment": id})
        };
        story.refused(&guest, "receive_evidence", file(&foreign, "MA2"), "evidence.unknown_medium");
        story.done(&operator, "receive_evidence", file(&foreign, "MA2"));
        story.done(&guest, "receive_evidence", file(&disk, "MA1"));
    }

    #[test]
    fn a_file_that_was_not_looked_for_is_not_taken_for_a_new_one() {
        let sha256 = Digest::parse(&"ab".repeat(32)).unwrap();
        let id = "urn:uuid:00000000-0000-4000-8000-000000000001";
        let actor = Actor::new(PersonId::parse(id).unwrap(), Role::VendorOperator, PartyId::parse(id).unwrap());
        let at = Instant::parse("2026-11-23T10:31:02Z").unwrap();
        let stamp = Stamp { seq: 7, at, occurred: at, actor };
        let event = Event::from(EvidenceReceived { sha256: sha256.clone(), size_bytes: 1, by: None, members: Vec::new() });
        let mut known = Records::default();
        event.apply(&Subjects::new([Subject::evidence(&sha256)]), &stamp, &mut known);
        assert_eq!(known.not_loaded, [Need::Evidence(sha256.clone())]);
        let mut known = Records::default();
        known.load::<Evidence>(sha256.clone(), None);
        event.apply(&Subjects::new([Subject::evidence(&sha256)]), &stamp, &mut known);
        assert!(known.not_loaded.is_empty() && known.find::<Evidence>(&sha256).unwrap().is_some());
    }
}
