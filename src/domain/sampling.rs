//! Sampling: of the media that software sanitized, somebody who neither performed nor verified it tries to recover data from a few (R2v3 Appendix B (13):
//! 5 % at least, with commercial recovery software). Which ones is settled by a hash that anybody can compute again, so that nobody picks them.

use serde::{Deserialize, Serialize};

use super::asset::Status;
use super::evidence::require_document;
use super::medium::{self, FailedAttempt, MediumState};
use super::names::{Digest, MediumId, Name, Role, codes};
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::sanitization::medium_at_hand;
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects};

codes! {
    /// What the recovery software found.
    SampleResult {
        NothingRecovered = "nothing_recovered", "nothing was recovered";
        DataRecovered = "data_recovered", "data was recovered";
    }
}

/// One in so many is sampled: 5 %.
const ONE_IN: usize = 20;

/// Which of these media are to be sampled for a month (`2026-11`): those whose SHA-256 of the log's origin, the medium's id and the month, a line each, is
/// smallest; one in twenty, rounded up.
pub fn proposed(sha256: fn(&[u8]) -> [u8; 32], origin: &str, month: &str, media: &[MediumId]) -> Vec<MediumId> {
    let mut ranked: Vec<([u8; 32], &MediumId)> = media.iter().map(|id| (sha256(format!("{origin}\n{id}\n{month}").as_bytes()), id)).collect();
    ranked.sort();
    ranked.into_iter().take(media.len().div_ceil(ONE_IN)).map(|(_, id)| id.clone()).collect()
}

/// Records that a medium was sampled.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordSample {
    /// The medium.
    pub medium: MediumId,
    /// The recovery software and its version.
    pub tool: Name,
    /// What it found.
    pub result: SampleResult,
    /// The stored document that shows it, uploaded as evidence before.
    pub evidence: Digest,
}

/// `media.sampled`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediumSampled {
    /// The entry that reports the sanitization.
    pub performed: u64,
    /// The recovery software and its version.
    pub tool: Name,
    /// What it found.
    pub result: SampleResult,
    /// The stored document that shows it.
    pub evidence: Digest,
}

impl Order for RecordSample {
    const ROLES: &'static [Role] = &[Role::VendorVerifier, Role::VendorOperator, Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let (medium, host) = medium_at_hand(known, &self.medium, occasion)?;
        let rests = match host {
            Some(host) => host.status == Status::Retired && !host.in_transit && host.consignment.is_none(),
            None => !medium.in_transit && medium.consignment.is_none() && medium.state != MediumState::Absent,
        };
        if !rests {
            let why = format!(
                "{} is not retired and at rest: sample it while it is; where its outcome is recorded, an approver has to void that first (void_disposition).",
                medium.title()
            );
            return Err(Refusal::new("sampling.not_at_rest", why).into());
        }
        let by_software = medium.sanitization.as_ref().filter(|done| done.technique.is_logical());
        let Some((done, verified)) = by_software.and_then(|done| Some((done, done.verified.as_ref()?))) else {
            let why = format!("No sanitization of {} by software is recorded and verified; sample one of which that is so.", medium.title());
            return Err(Refusal::new("sampling.nothing", why).into());
        };
        if let Some(sampled) = &done.sampled {
            let why = format!("{} is sampled already; take another one.", medium.title());
            return Err(Refusal::new("sampling.sampled", why).because(Cause::Entry(sampled.seq)).into());
        }
        if [&done.performed.by, &verified.by].contains(&&occasion.actor.person) {
            let why = "You performed or verified this sanitization; another person has to sample it.";
            return Err(Refusal::new("sampling.same_person", why).into());
        }
        occasion.not_before(verified.occurred, "the verification")?;
        require_document(known, Some(&self.evidence), occasion)?;
        let event = MediumSampled { performed: done.performed.seq, tool: self.tool.clone(), result: self.result, evidence: self.evidence.clone() };
        Ok(vec![Happening::new(event, [Subject::new(SubjectKind::Medium, medium.id.as_str()), Subject::evidence(&self.evidence)])])
    }
}

impl Fact for MediumSampled {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.medium() else { return };
        medium::change(known, &id, stamp.seq, |medium| {
            let Some(done) = &mut medium.sanitization else { return };
            if self.result == SampleResult::NothingRecovered {
                done.sampled = Some(stamp.act());
                return;
            }
            let technique = done.technique;
            medium.purged_before = medium.purged_before.filter(|seq| *seq != self.performed);
            medium.fails(FailedAttempt { seq: stamp.seq, occurred: stamp.occurred, technique, evidence: Some(self.evidence.clone()) });
        });
    }
    fn sentence(&self) -> String {
        let end = if self.result == SampleResult::DataRecovered { ": that sanitization counts for nothing" } else { "" };
        format!("Sanitization of entry {} sampled with {}: {}{end}.", self.performed, self.tool, self.result.label())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::medium::MediumState;
    use super::super::names::{MediumId, Role};
    use super::super::story::{DISTRICT, Story, actor};
    use super::proposed;

    #[test]
    fn one_in_twenty_is_proposed_and_always_the_same() {
        let media: Vec<MediumId> = (0..41).map(|n| MediumId::parse(&format!("urn:uuid:00000000-0000-4000-8000-{n:012}")).unwrap()).collect();
        // In place of a hash, of which this floor knows none: FNV-1a, mixed once more.
        let sum = |bytes: &[u8]| {
            let mixed = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&(mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9).to_be_bytes());
            hash
        };
        let some = proposed(sum, "log.example", "2026-11", &media);
        assert_eq!(some.len(), 3);
        let mut turned = media.clone();
        turned.reverse();
        assert_eq!(proposed(sum, "log.example", "2026-11", &turned), some);
        assert_ne!(proposed(sum, "log.example", "2026-12", &media), some);
        assert_eq!((proposed(sum, "x", "2026-11", &media[..20]).len(), proposed(sum, "x", "2026-11", &[]).len()), (1, 0));
    }

    #[test]
    fn a_third_person_samples_and_recovered_data_undoes_the_sanitization() {
        let mut story = Story::new();
        let [one, two, three] = [1, 2, 3].map(|n| actor(Role::Coordinator, DISTRICT, n));
        let document = story.document();
        for (tag, result, state) in [("A1", "nothing_recovered", MediumState::InProcess), ("A2", "data_recovered", MediumState::Failed)] {
            let (_, disk) = story.retired(tag, "hdd_ata", "low");
            let sample = json!({"medium": disk, "tool": "R-Studio 9", "result": result, "evidence": document});
            story.refused(&three, "record_sample", sample.clone(), "sampling.nothing");
            let digest = format!("{}{}", tag.to_lowercase(), "e".repeat(62));
            let reading = json!({"technique": "host_overwrite", "result": "pass", "errors": 0, "complete": true, "hidden_area": "none"});
            let file = json!({"sha256": digest, "size_bytes": 10, "reader": {"name": "nwipe-log", "version": 1, "records": 1, "remarks": 0},
                "links": [{"medium": disk, "serial": format!("M{tag}"), "reading": reading}]});
            story.done(&one, "receive_evidence", file);
            story.done(&one, "record_sanitization", json!({"medium": disk, "technique": "host_overwrite", "evidence": digest}));
            story.refused(&three, "record_sample", sample.clone(), "sampling.nothing");
            story.done(&two, "verify_sanitization", json!({"medium": disk}));
            story.refused(&one, "record_sample", sample.clone(), "sampling.same_person");
            story.refused(&two, "record_sample", sample.clone(), "sampling.same_person");
            story.done(&three, "record_sample", sample.clone());
            assert_eq!(story.medium(&disk).state, state);
            assert_eq!(story.medium(&disk).failed.len(), usize::from(state == MediumState::Failed));
            story.refused(&three, "record_sample", sample, if state == MediumState::Failed { "sampling.nothing" } else { "sampling.sampled" });
        }
    }
}
