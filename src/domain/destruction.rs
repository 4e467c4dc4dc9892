//! Destruction runs: media that are fed to a machine one after the other, each read by its serial number before it goes in, before a witness and a camera
//! (R2v3 Appendix B (9) asks for a video of physical destruction).

use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

use super::asset::Asset;
use super::equipment;
use super::medium::{self, Medium};
use super::names::{Digest, IdentifiedBy, Instant, MachineId, MediumId, PersonId, Role, Serial, number_of};
use super::policy::Statement;
use super::records::{Records, Stop};
use super::refusal::Refusal;
use super::sanitization::RecordSanitization;
use super::{Event, Happening, Occasion, Order};

/// Most media of one run.
pub const MOST: usize = 200;
/// For so many days a video of a run is kept at least: the product's own choice, for how many days R2v3 asks for is not confirmed.
pub const KEPT_DAYS: i64 = 60;

/// The video of a run: whoever has it keeps it, and its digest says which one it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Video {
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// It is kept to this day, included.
    pub kept_until: NaiveDate,
}

/// A medium that goes in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fed {
    /// The medium.
    pub medium: MediumId,
    /// The serial number as it was read before the medium went in.
    pub serial: Serial,
    /// When it was read.
    pub scanned_at: Instant,
}

/// How a medium went into the machine, as the event of its sanitization keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// The serial number as it was read before the medium went in.
    pub serial: Serial,
    /// When it was read.
    pub scanned_at: Instant,
    /// Who saw it go in.
    pub witness: PersonId,
    /// The video of the run.
    pub video: Video,
    /// What went in with the whole run, in grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_in_grams: Option<u32>,
    /// What came out of the whole run, in grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_out_grams: Option<u32>,
}

impl Feed {
    /// One plain sentence.
    pub fn sentence(&self) -> String {
        format!(
            "Serial number {} was read at {} before it went in, somebody is named as witness, and the video (SHA-256 {}) is kept until {}.",
            self.serial, self.scanned_at, self.video.sha256, self.video.kept_until
        )
    }
}

/// Reports a run: each medium is sanitized by the machine's technique, or nothing is recorded.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordDestruction {
    /// The machine of the register; its technique is the run's.
    pub machine: MachineId,
    /// What went in, in the order in which it did.
    pub media: Vec<Fed>,
    /// Who saw it go in: a person other than the one who reports it.
    pub witness: PersonId,
    /// The video of it.
    pub video: Video,
    /// What went in altogether, in grams.
    pub weight_in_grams: Option<u32>,
    /// What came out, in grams.
    pub weight_out_grams: Option<u32>,
    /// What the register does not say and is the same for all of it: coercivity, facility and batch.
    #[serde(default)]
    pub statement: Statement,
}

impl Order for RecordDestruction {
    const ROLES: &'static [Role] = &[Role::VendorOperator, Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        if self.media.is_empty() || self.media.len() > MOST {
            let why = format!("A run has between 1 and {MOST} media; report more in several runs.");
            return Err(Refusal::new("destruction.count", why).into());
        }
        if self.witness == occasion.actor.person {
            let why = "You report this run, and whoever reports it is no witness to it; name another person who saw it.";
            return Err(Refusal::new("destruction.witness", why).into());
        }
        let day = occasion.occurred.utc().date_naive();
        let least = day + TimeDelta::days(KEPT_DAYS);
        if self.video.kept_until < least {
            let why =
                format!("The video of a run is kept for {KEPT_DAYS} days at least, here to {least}; correct kept_until, or have it kept longer.");
            return Err(Refusal::new("destruction.video", why).into());
        }
        let (_, machine) = equipment::require(known, &self.machine, occasion)?;
        let media = known.find_all::<Medium>(self.media.iter().map(|fed| &fed.medium))?;
        known.find_all::<Asset>(media.iter().flatten().filter_map(|medium| medium.host.as_ref()))?;
        let (mut happenings, mut needs) = (Vec::new(), Vec::new());
        for (n, fed) in self.media.iter().enumerate() {
            let command = RecordSanitization {
                medium: fed.medium.clone(),
                technique: machine.is.technique,
                evidence: None,
                tool: None,
                machine: Some(self.machine.clone()),
                statement: self.statement.clone(),
            };
            match command.decide(known, occasion) {
                Ok(done) => {
                    self.require_right(n, fed, known, occasion)?;
                    happenings.extend(done);
                }
                Err(Stop::Needs(more)) => needs.extend(more),
                Err(refused) => return Err(refused),
            }
        }
        if !needs.is_empty() {
            return Err(Stop::Needs(needs));
        }
        for (happening, fed) in happenings.iter_mut().zip(&self.media) {
            if let Event::MediumSanitized(event) = &mut happening.event {
                event.feed = Some(Feed {
                    serial: fed.serial.clone(),
                    scanned_at: fed.scanned_at,
                    witness: self.witness.clone(),
                    video: self.video.clone(),
                    weight_in_grams: self.weight_in_grams,
                    weight_out_grams: self.weight_out_grams,
                });
            }
        }
        Ok(Happening::one_act(happenings, occasion.fresh(0)))
    }
}

impl RecordDestruction {
    /// What was read before the n-th medium went in is that medium's number, it was read before, and nothing goes in twice.
    fn require_right(&self, n: usize, fed: &Fed, known: &Records, occasion: &Occasion) -> Result<(), Stop> {
        let medium = medium::require(known, &fed.medium)?;
        let title = medium.title();
        if self.media.iter().take(n).any(|other| other.medium == fed.medium) {
            return Err(Refusal::new("destruction.twice", format!("{title} is listed twice; it went in once, so take one line off.")).into());
        }
        let host = medium.host_of(known)?.filter(|_| medium.identified_by == IdentifiedBy::HostSerial);
        let own = medium.serial.as_ref().or_else(|| host.and_then(|host| host.serial.as_ref()));
        if !own.is_some_and(|own| own.same(&fed.serial)) {
            let why = format!(
                "“{}” was read, and that is not the serial number of {title}: find out what went in, and list that ({} of {}).",
                fed.serial,
                n + 1,
                number_of(u32::try_from(self.media.len()).unwrap_or(u32::MAX), "line", "lines")
            );
            return Err(Refusal::new("destruction.other_serial", why).into());
        }
        let device = medium.host_of(known)?;
        let holder = device.map(|device| &device.holder).or(medium.holder.as_ref());
        let received = holder.and_then(|holder| medium.at_party(device, &holder.party)).map(|(received, _)| received);
        let day_before = Instant::new(occasion.occurred.utc() - TimeDelta::days(1));
        let earliest = received.map_or(day_before, |received| received.max(day_before));
        if fed.scanned_at < earliest {
            let why = format!(
                "{title} was read at {}: that is before it came to you, or more than a day before the run at {}; read it again before it goes in, or \
                 correct the time (not before {earliest}).",
                fed.scanned_at, occasion.occurred
            );
            return Err(Refusal::new("destruction.scanned_earlier", why).into());
        }
        if fed.scanned_at > occasion.occurred {
            let why = format!(
                "{title} was read at {}, after the run at {}: it is read before it goes in, so correct one of the times.",
                fed.scanned_at, occasion.occurred
            );
            return Err(Refusal::new("destruction.scanned_later", why).into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::names::Role;
    use super::super::story::{DISTRICT, Story, actor, machine};

    #[test]
    fn each_medium_is_read_before_it_goes_in_and_all_go_in_or_none() {
        let mut story = Story::new();
        let (one, two) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::Coordinator, DISTRICT, 2));
        let (_, first) = story.retired("A1", "hdd_ata", "moderate");
        let (_, second) = story.retired("A2", "emmc", "moderate");
        story.done(&one, "register_machine", machine(DISTRICT, "disintegrate", "DI1"));
        let machine = story.machine_of(DISTRICT);
        let scanned = story.now();
        let fed = |medium: &str, serial: &str| json!({"medium": medium, "serial": serial, "scanned_at": scanned});
        let run = |media: Value| {
            json!({"machine": machine, "media": media, "witness": two.person, "video": {"sha256": "e".repeat(64), "kept_until": "2026-11-20"},
                "weight_in_grams": 900})
        };
        // The second has no serial number of its own: its device's serves.
        let both = json!([fed(&first, "m-a1"), fed(&second, "SA2")]);
        story.refused(&one, "record_destruction", run(json!([])), "destruction.count");
        story.refused(&two, "record_destruction", run(both.clone()), "destruction.witness");
        let mut short = run(both.clone());
        short["video"]["kept_until"] = json!("2026-11-19");
        story.refused(&one, "record_destruction", short, "destruction.video");
        story.refused(&one, "record_destruction", run(json!([fed(&first, "MA1"), fed(&first, "MA1")])), "destruction.twice");
        let why = story.refused(&one, "record_destruction", run(json!([fed(&first, "MA1"), fed(&second, "MA1")])), "destruction.other_serial");
        assert!(why.contains("soldered flash"), "{why}");
        let mut late = run(both.clone());
        late["media"][1]["scanned_at"] = json!("2026-09-22T23:00:00Z");
        story.refused(&one, "record_destruction", late, "destruction.scanned_later");
        let mut early = run(both.clone());
        early["media"][0]["scanned_at"] = json!("2026-09-20T09:00:00Z");
        story.refused(&one, "record_destruction", early, "destruction.scanned_earlier");
        let done = story.when(&one, "record_destruction", run(both.clone())).unwrap();
        assert!(done[0].event.sentence().contains("with Maker M-100 DI1: destroy by rule DI-1"), "{}", done[0].event.sentence());
        assert_eq!(done[1].batch.as_ref().map(|(_, part, of)| (*part, *of)), Some((2, Some(2))));
        story.done(&one, "record_destruction", run(both));
        let kept = story.medium(&second).sanitization.clone().unwrap();
        assert_eq!(kept.feed.unwrap().serial.as_str(), "SA2");
        story.refused(&one, "verify_sanitization", json!({"medium": first}), "sanitization.same_person");
        story.done(&two, "verify_sanitization", json!({"medium": first}));
    }
}
