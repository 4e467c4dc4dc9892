//! Withholding: a stored file turns out to hold what must not be kept, and two people have its bytes removed, with a reason. Its SHA-256, what was read
//! from it and their two acts stay in the record.

use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use super::medium::Act;
use super::names::{Digest, Reference, Role, codes};
use super::records::{Key, Records, Stop};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, Subjects};

codes! {
    /// Why the bytes must not be kept.
    WithholdingReason {
        PersonalData = "personal_data", "it holds personal data that nobody needs for the record";
        Secrets = "secrets", "it holds passwords or keys";
        FileOfOthers = "file_of_others", "it is a file of others that was sent by mistake";
        ErasureRequest = "erasure_request", "somebody it speaks of has asked for its erasure";
        CourtOrder = "court_order", "a court or an authority has ordered it";
    }
}

/// What was proposed and done about the bytes of a stored file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withholding {
    /// Why.
    pub reason: WithholdingReason,
    /// The organisation's reference to the request or order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// By whom it was proposed and when.
    pub proposed: Act,
    /// By whom it was confirmed and when; the bytes are gone, or go as soon as this is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Act>,
}

impl Withholding {
    /// Why, with the reference where there is one.
    pub fn words(&self) -> String {
        because(self.reason, self.reference.as_ref())
    }
}

fn because(reason: WithholdingReason, reference: Option<&Reference>) -> String {
    let reference = reference.map_or_else(String::new, |reference| format!(" (reference {reference})"));
    format!("{}{reference}", reason.label())
}

impl Evidence {
    /// The act by which its bytes were withheld.
    pub fn withheld(&self) -> Option<&Act> {
        self.withholding.as_ref()?.withheld.as_ref()
    }
    /// The unique value of a file whose bytes are withheld: by its space all of them are found.
    pub(super) fn withheld_key(&self) -> Option<Key> {
        self.withheld().map(|_| Key::new(WITHHELD_SPACE, self.sha256.as_str()))
    }
    /// What was withheld is not taken in a second time, whoever sends it.
    pub fn require_not_withheld(&self) -> Result<(), Refusal> {
        let Some(act) = self.withheld() else { return Ok(()) };
        let why = format!(
            "The bytes of this file were withheld (entry {}), so it is not stored again. Send what you have to show without what had to go.",
            act.seq
        );
        Err(Refusal::new("withholding.sent_again", why).because(Cause::Entry(act.seq)))
    }
    /// Nothing new rests on what nobody can look at any more.
    pub(super) fn require_bytes(&self) -> Result<(), Refusal> {
        let Some(act) = self.withheld() else { return Ok(()) };
        let why = format!(
            "The bytes of the file {} were withheld (entry {}), so that nothing new can rest on it; upload a file without what had to go, and name that.",
            self.sha256, act.seq
        );
        Err(Refusal::new("withholding.cited", why).because(Cause::Entry(act.seq)))
    }
}

/// Under which kind of unique value the withheld files are listed.
pub const WITHHELD_SPACE: &str = "evidence.bytes.withheld";

/// Proposes that the bytes of a stored file be withheld.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposeWithholding {
    /// SHA-256 of the stored bytes.
    pub sha256: Digest,
    /// Why.
    pub reason: WithholdingReason,
    /// The organisation's reference to the request or order.
    pub reference: Option<Reference>,
}

/// `evidence.withholding_proposed`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithholdingProposed {
    /// Why.
    pub reason: WithholdingReason,
    /// The organisation's reference to the request or order.
    pub reference: Option<Reference>,
}

/// Confirms what another person proposed: the bytes are removed, and nothing brings them back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithholdEvidence {
    /// SHA-256 of the stored bytes.
    pub sha256: Digest,
}

/// `evidence.withheld`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceWithheld {
    /// Why.
    pub reason: WithholdingReason,
    /// The organisation's reference to the request or order.
    pub reference: Option<Reference>,
    /// The entry that proposed it.
    pub proposal: u64,
}

/// Takes a proposal back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawWithholding {
    /// SHA-256 of the stored bytes.
    pub sha256: Digest,
}

/// `evidence.withholding_withdrawn`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithholdingWithdrawn {
    /// The entry that proposed it.
    pub proposal: u64,
}

/// A stored file whose bytes are still there.
fn require<'a>(known: &'a Records, sha256: &Digest) -> Result<&'a Evidence, Stop> {
    let Some(evidence) = known.find::<Evidence>(sha256)? else {
        let why = format!("No evidence file with the SHA-256 {sha256} is stored; only what was uploaded as a document can be withheld.");
        return Err(Refusal::new("withholding.unknown_file", why).into());
    };
    if let Some(act) = evidence.withheld() {
        let why = format!("The bytes of this file were withheld before (entry {}); nothing is left to be done.", act.seq);
        return Err(Refusal::new("withholding.done", why).because(Cause::Entry(act.seq)).into());
    }
    Ok(evidence)
}

/// What was proposed about it.
fn require_proposal(evidence: &Evidence) -> Result<&Withholding, Refusal> {
    evidence.withholding.as_ref().ok_or_else(|| {
        let why = "Nobody has proposed to withhold the bytes of this file; one person proposes it with a reason, and an approver who is another one confirms it.";
        Refusal::new("withholding.not_proposed", why)
    })
}

impl Order for ProposeWithholding {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::Approver, Role::Administrator];

    fn decide(&self, known: &Records, _: &Occasion) -> Result<Vec<Happening>, Stop> {
        let evidence = require(known, &self.sha256)?;
        if let Some(earlier) = &evidence.withholding {
            let why = format!(
                "It is proposed already (entry {}); an approver who is another person confirms it, or it is taken back.",
                earlier.proposed.seq
            );
            return Err(Refusal::new("withholding.proposed", why).because(Cause::Entry(earlier.proposed.seq)).into());
        }
        let event = WithholdingProposed { reason: self.reason, reference: self.reference.clone() };
        Ok(vec![Happening::new(event, [Subject::evidence(&self.sha256)])])
    }
}

impl Order for WithholdEvidence {
    const ROLES: &'static [Role] = &[Role::Approver];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let proposal = require_proposal(require(known, &self.sha256)?)?;
        if proposal.proposed.by == occasion.actor.person {
            let why = "You proposed it; what cannot be brought back takes two people, so another person who is an approver must confirm it.";
            return Err(Refusal::new("withholding.same_person", why).because(Cause::Entry(proposal.proposed.seq)).into());
        }
        occasion.not_before(proposal.proposed.occurred, "the proposal")?;
        let archives = known.find::<Evidence>(&self.sha256)?.map(|evidence| evidence.archives.clone()).unwrap_or_default();
        if let Some(archive) = known.find_all::<Evidence>(&archives)?.into_iter().flatten().find(|archive| archive.withheld().is_none()) {
            let why = format!("The same bytes are in the archive {}, which is stored too: have the bytes of that withheld first.", archive.sha256);
            return Err(Refusal::new("withholding.in_archive", why).because(Cause::Entry(archive.received.seq)).into());
        }
        let event = EvidenceWithheld { reason: proposal.reason, reference: proposal.reference.clone(), proposal: proposal.proposed.seq };
        Ok(vec![Happening::new(event, [Subject::evidence(&self.sha256)])])
    }
}

impl Order for WithdrawWithholding {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::Approver, Role::Administrator];

    fn decide(&self, known: &Records, _: &Occasion) -> Result<Vec<Happening>, Stop> {
        let proposal = require_proposal(require(known, &self.sha256)?)?;
        let event = WithholdingWithdrawn { proposal: proposal.proposed.seq };
        Ok(vec![Happening::new(event, [Subject::evidence(&self.sha256)])])
    }
}

impl Fact for WithholdingProposed {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(sha256) = about.evidence() else { return };
        known.change::<Evidence>(&sha256, stamp.seq, |evidence| {
            evidence.withholding =
                Some(Withholding { reason: self.reason, reference: self.reference.clone(), proposed: stamp.act(), withheld: None });
        });
    }
    fn sentence(&self) -> String {
        format!("It was proposed to withhold the bytes of the file: {}.", because(self.reason, self.reference.as_ref()))
    }
}

impl Fact for EvidenceWithheld {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(sha256) = about.evidence() else { return };
        known.change::<Evidence>(&sha256, stamp.seq, |evidence| {
            if let Some(withholding) = &mut evidence.withholding {
                withholding.withheld = Some(stamp.act());
            }
        });
    }
    fn sentence(&self) -> String {
        format!(
            "The bytes of the file were withheld, as entry {} proposed: {}. Its SHA-256 and what was read from it stay.",
            self.proposal,
            because(self.reason, self.reference.as_ref())
        )
    }
}

impl Fact for WithholdingWithdrawn {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(sha256) = about.evidence() else { return };
        known.change::<Evidence>(&sha256, stamp.seq, |evidence| evidence.withholding = None);
    }
    fn sentence(&self) -> String {
        format!("The proposal of entry {} to withhold the bytes of the file was taken back.", self.proposal)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::story::{DISTRICT, Story, VENDOR, actor};
    use super::super::{Actor, Event};
    use super::*;

    #[test]
    fn it_takes_two_people_and_the_second_is_an_approver() {
        let mut story = Story::new();
        let file = story.document();
        let (coordinator, approver, other) =
            (actor(Role::Coordinator, DISTRICT, 1), actor(Role::Approver, DISTRICT, 1), actor(Role::Approver, DISTRICT, 2));
        let it = json!({"sha256": file});
        let proposal = json!({"sha256": file, "reason": "personal_data", "reference": "CASE-7"});
        story.refused(&approver, "withhold_evidence", it.clone(), "withholding.not_proposed");
        story.refused(&approver, "withdraw_withholding", it.clone(), "withholding.not_proposed");
        story.refused(&actor(Role::VendorOperator, VENDOR, 1), "propose_withholding", proposal.clone(), "command.wrong_role");
        story.done(&coordinator, "propose_withholding", proposal.clone());
        story.refused(&approver, "propose_withholding", proposal.clone(), "withholding.proposed");
        story.refused(&coordinator, "withhold_evidence", it.clone(), "command.wrong_role");
        // Whoever proposed it as a coordinator and is an approver by now is still the same person.
        let promoted = Actor::new(coordinator.person, Role::Approver, approver.party.clone());
        story.refused(&promoted, "withhold_evidence", it.clone(), "withholding.same_person");
        story.done(&promoted, "withdraw_withholding", it.clone());
        story.done(&approver, "propose_withholding", proposal.clone());
        story.refused(&approver, "withhold_evidence", it.clone(), "withholding.same_person");
        story.done(&other, "withhold_evidence", it.clone());
        for command in ["withhold_evidence", "withdraw_withholding"] {
            story.refused(&other, command, it.clone(), "withholding.done");
        }
        story.refused(&other, "propose_withholding", proposal, "withholding.done");
        let again = json!({"sha256": file, "size_bytes": 9, "reader": null, "links": []});
        story.refused(&actor(Role::VendorOperator, VENDOR, 1), "receive_evidence", again, "withholding.sent_again");
    }

    #[test]
    fn nothing_new_rests_on_what_is_withheld() {
        let mut story = Story::new();
        let file = story.document();
        let (coordinator, approver) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::Approver, DISTRICT, 1));
        let (_, disk) = story.retired("A1", "hdd_ata", "low");
        let body = json!({"tag": "A2", "category": "dock", "manufacturer": "M", "model": "D", "site": "Site"});
        let device = story.done(&coordinator, "register_asset", body)[0].1.clone();
        story.done(&coordinator, "retire", json!({"asset": device, "reason": "surplus"}));
        story.done(&coordinator, "propose_withholding", json!({"sha256": file, "reason": "secrets"}));
        story.done(&approver, "withhold_evidence", json!({"sha256": file}));
        let release = json!({"asset": device, "reference": "MDM-1", "evidence": file});
        story.refused(&coordinator, "release_accounts", release, "withholding.cited");
        let wiped = json!({"medium": disk, "technique": "host_overwrite", "evidence": file});
        story.refused(&coordinator, "record_sanitization", wiped, "withholding.cited");
    }

    #[test]
    fn the_sentences_are_plain() {
        let reference = Some(Reference::parse("CASE-7").unwrap());
        let event = Event::from(EvidenceWithheld { reason: WithholdingReason::PersonalData, reference, proposal: 12 });
        assert_eq!(
            event.sentence(),
            "The bytes of the file were withheld, as entry 12 proposed: it holds personal data that nobody needs for the record (reference CASE-7). \
             Its SHA-256 and what was read from it stay."
        );
        assert_eq!(
            Event::from(WithholdingWithdrawn { proposal: 12 }).sentence(),
            "The proposal of entry 12 to withhold the bytes of the file was taken back."
        );
    }
}
