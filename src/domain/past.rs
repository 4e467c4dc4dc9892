//! Past disposals: what became of a device before anybody kept this record, entered afterwards from a vendor's paper. What the paper claims is
//! judged, and stays a claim: nobody signed at the time, so nothing is certified from it and its media never count as sanitized.

use chrono::{Datelike as _, Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::asset::{Asset, Status};
use super::catalogue::{MediumSeenAs, Seen};
use super::consignment::{asset_subject, medium_subject};
use super::disposition::{Destination, Outcome};
use super::evidence::require_document;
use super::medium::{self, Act, Medium, MediumState};
use super::names::{
    AssetId, Digest, IdentifiedBy, Instant, MediaType, MediumId, Method, Name, PartyId, Reference, Role, Sensitivity, Serial, Technique,
};
use super::policy::{ModelOf, Pack, PackRef};
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::registration::{
    Found, MediumSeen, NoStorageAttested, NoStorageBasis, RegisterAsset, media_recorded, require_host_serial, require_no_storage_of_model,
};
use super::{Event, Fact, Happening, Occasion, Order, Stamp, Subject, Subjects, parties, require_asset};

/// A disposal that was recorded afterwards lies so many days back at least: what happens now is recorded as it happens, with every guard. The
/// product's own choice.
const DAYS_BACK: u64 = 30;

/// A medium as a paper names it, and what the paper claims was done to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimedMedium {
    /// Its own serial number; leave it out for storage that is soldered in.
    pub serial: Option<Serial>,
    /// What kind it is.
    pub media_type: MediaType,
    /// What the paper says was done to it; leave it out where it says nothing.
    pub technique: Option<Technique>,
}

/// Records that a device was disposed of before.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordPastDisposal {
    /// A device that is registered.
    pub asset: Option<AssetId>,
    /// Or one that is not: it is registered in the same act, its media as given below.
    pub device: Option<RegisterAsset>,
    /// What became of it.
    pub outcome: Outcome,
    /// The day on which it was disposed of.
    pub disposed_on: NaiveDate,
    /// The party that took it, where it is on record.
    pub vendor: Option<PartyId>,
    /// Who took it, in the paper's words: an organisation, never the name of a person.
    pub recipient: Option<Name>,
    /// The number of the certificate or lot.
    pub reference: Option<Reference>,
    /// The stored paper: the old certificate or list.
    pub document: Option<Digest>,
    /// What was in it, with what the paper claims.
    #[serde(default)]
    pub media: Vec<ClaimedMedium>,
    /// Instead of media: it stored nothing, and how that is known.
    pub no_storage: Option<NoStorageBasis>,
}

/// What was claimed of one medium, and what that comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The medium.
    pub medium: MediumId,
    /// What the paper says was done to it; none where it says nothing.
    pub technique: Option<Technique>,
    /// The strongest method that this technique reaches on such a medium: what the claim is worth if it is true.
    pub at_most: Method,
}

/// `disposition.recorded_afterwards`: carries the judgement, so that it is never made again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisposalRecordedAfterwards {
    /// What became of it.
    pub outcome: Outcome,
    /// The day on which it was disposed of.
    pub disposed_on: NaiveDate,
    /// The party that took it.
    pub vendor: Option<PartyId>,
    /// Who took it, in the paper's words.
    pub recipient: Option<Name>,
    /// The number of the certificate or lot.
    pub reference: Option<Reference>,
    /// The stored paper.
    pub document: Option<Digest>,
    /// What was claimed of each of its media.
    pub claims: Vec<Claim>,
    /// The least method for its data where it went; of several places it may have gone to, the strongest.
    pub least: Method,
    /// The policy that both were judged by.
    pub policy: PackRef,
    /// What it was on record as until then; none where it was registered in the same act.
    pub was: Option<Status>,
}

/// A disposal that was recorded afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// What became of it.
    pub outcome: Outcome,
    /// The day on which it was disposed of.
    pub disposed_on: NaiveDate,
    /// The party that took it.
    pub vendor: Option<PartyId>,
    /// Who took it, in the paper's words.
    pub recipient: Option<Name>,
    /// The number of the certificate or lot.
    pub reference: Option<Reference>,
    /// The stored paper.
    pub document: Option<Digest>,
    /// What was claimed of each of its media.
    pub claims: Vec<Claim>,
    /// The least method for its data where it went.
    pub least: Method,
    /// What it was on record as until then.
    pub was: Option<Status>,
    /// Who recorded it.
    pub recorded: Act,
}

impl Past {
    /// `recycled, recorded afterwards`
    pub fn words(&self) -> String {
        format!("{}, recorded afterwards", self.outcome.label())
    }
    /// The end of the day on which it was disposed of.
    pub fn gone_at(&self) -> Instant {
        let next = self.disposed_on.checked_add_days(Days::new(1)).unwrap_or(self.disposed_on);
        Instant::new(next.and_time(chrono::NaiveTime::MIN).and_utc())
    }
    /// What was claimed of this medium.
    pub fn claim_of(&self, medium: &MediumId) -> Option<&Claim> {
        self.claims.iter().find(|claim| &claim.medium == medium)
    }
}

/// The device that a command is about, before what became of it is added.
struct Device {
    id: AssetId,
    sensitivity: Sensitivity,
    purchased_on: Option<NaiveDate>,
    manufacturer: Name,
    model: Name,
    was: Option<Status>,
    /// Its media with what the paper says of each.
    media: Vec<(MediumId, MediaType, Option<Technique>)>,
    /// What has to be recorded of it first.
    first: Vec<Happening>,
}

/// The least method for data of this sensitivity that went there; where nobody can say, for the most demanding of the places outside.
fn least(policy: &Pack, sensitivity: Sensitivity, outcome: Outcome) -> Method {
    let outside = [Destination::ExternalReuse, Destination::MaterialsRecovery, Destination::Disposal];
    let strictest = || outside.into_iter().map(|to| policy.least(sensitivity, to)).max().unwrap_or(Method::Destroy);
    outcome.destination().map_or_else(strictest, |to| policy.least(sensitivity, to))
}

fn media_differ(why: impl Into<String>) -> Stop {
    Refusal::new("past.media", why).into()
}

impl Order for RecordPastDisposal {
    const ROLES: &'static [Role] = &[Role::Coordinator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        if self.outcome.destination().is_none() && self.outcome != Outcome::Unknown {
            let why = format!("“{}” is not a way in which a device leaves for good; choose another outcome, or unknown.", self.outcome.label());
            return Err(Refusal::new("past.outcome", why).into());
        }
        require_document(known, self.document.as_ref(), occasion)?;
        self.vendor.as_ref().map(|vendor| parties::require(known, vendor)).transpose()?;
        if self.no_storage.is_some() && !self.media.is_empty() {
            return Err(media_differ("Media are listed and the device is said to have stored nothing; leave out what is wrong."));
        }
        let device = match (&self.asset, &self.device) {
            (Some(id), None) => self.registered(known, require_asset(known, id)?, occasion)?,
            (None, Some(device)) => self.new_one(known, device, occasion)?,
            _ => {
                let why = "Name the device that is registered (asset), or give what is known of one that is not (device): one of both.";
                return Err(Refusal::new("past.which", why).into());
            }
        };
        let today = occasion.at.utc().date_naive();
        if self.disposed_on.year() < 1970 || self.disposed_on > today || device.purchased_on.is_some_and(|bought| self.disposed_on < bought) {
            let why = format!(
                "disposed_on lies between the day on which the device was bought, or 1970, and today; {} cannot be right, correct it.",
                self.disposed_on
            );
            return Err(Refusal::new("past.day", why).into());
        }
        let latest = today.checked_sub_days(Days::new(DAYS_BACK)).unwrap_or(today);
        if self.disposed_on > latest {
            let why = format!(
                "{} is less than {DAYS_BACK} days ago: a coordinator records what becomes of a device now as it happens (retire_asset, release, \
                 sanitization, record_disposition); only what lies before {latest} is recorded afterwards.",
                self.disposed_on
            );
            return Err(Refusal::new("past.recent", why).into());
        }
        let model = ModelOf { manufacturer: device.manufacturer.as_str(), model: device.model.as_str() };
        let claim = |(medium, media_type, technique): (MediumId, MediaType, Option<Technique>)| Claim {
            at_most: technique.map_or(Method::None, |technique| occasion.policy.at_most(media_type, technique, Some(model))),
            medium,
            technique,
        };
        let claims: Vec<Claim> = device.media.iter().cloned().map(claim).collect();
        let about: Vec<Subject> = std::iter::once(asset_subject(&device.id))
            .chain(claims.iter().map(|claim| medium_subject(&claim.medium)))
            .chain(self.document.as_ref().map(Subject::evidence))
            .collect();
        let event = DisposalRecordedAfterwards {
            outcome: self.outcome,
            disposed_on: self.disposed_on,
            vendor: self.vendor.clone(),
            recipient: self.recipient.clone(),
            reference: self.reference.clone(),
            document: self.document.clone(),
            claims,
            least: least(occasion.policy, device.sensitivity, self.outcome),
            policy: occasion.policy.reference(),
            was: device.was,
        };
        let mut happenings = device.first;
        happenings.push(Happening::new(event, about));
        Ok(happenings)
    }
}

impl RecordPastDisposal {
    fn seen(&self) -> Vec<MediumSeen> {
        let seen = |medium: &ClaimedMedium| MediumSeen { serial: medium.serial.clone(), media_type: medium.media_type, capacity_bytes: None };
        self.media.iter().map(seen).collect()
    }

    /// A device that nobody has registered.
    fn new_one(&self, known: &Records, device: &RegisterAsset, occasion: &Occasion) -> Result<Device, Stop> {
        if !device.media.is_empty() {
            return Err(media_differ("List the media once, beside the device, with what the paper claims of each."));
        }
        let model = occasion.catalogue.model(device.manufacturer.as_str(), device.model.as_str());
        let register = RegisterAsset { media: self.seen(), ..device.clone() };
        let mut first = register.register(known, model, occasion)?;
        let (mut id, mut sensitivity) = (None, Sensitivity::Unknown);
        let mut media = Vec::new();
        if let Some(basis) = self.no_storage {
            require_no_storage_of_model(device.manufacturer.as_str(), device.model.as_str(), basis, occasion)?;
            // What the model is expected to have was not in this one.
            first.retain(|happening| matches!(happening.event, Event::AssetRegistered(_)));
        }
        for happening in &first {
            match &happening.event {
                Event::AssetRegistered(registered) => (id, sensitivity) = (happening.about.asset(), registered.sensitivity),
                Event::MediumRecorded(recorded) => {
                    let claimed = self.media.get(media.len()).and_then(|claimed| claimed.technique);
                    media.extend(happening.about.medium().map(|id| (id, recorded.media_type, claimed)));
                }
                _ => {}
            }
        }
        let id = id.ok_or_else(|| Refusal::new("past.which", "The device cannot be registered; give its tag, maker, model and site."))?;
        first.extend(self.no_storage.map(|basis| Happening::new(NoStorageAttested { basis }, [asset_subject(&id)])));
        Ok(Device {
            id,
            sensitivity,
            purchased_on: device.purchased_on,
            manufacturer: device.manufacturer.clone(),
            model: device.model.clone(),
            was: None,
            media,
            first,
        })
    }

    /// What happened since a device is on record is recorded as it happens; and what was seen or travelled later was not gone.
    fn require_gone_before(&self, asset: &Asset) -> Result<(), Refusal> {
        let day = |at: &Instant| at.utc().date_naive();
        let here = if self.disposed_on >= day(&asset.registered_at) {
            Some((asset.registered, day(&asset.registered_at), "registered"))
        } else if let Some(seen) = asset.sighting.as_ref().filter(|seen| day(&seen.at) > self.disposed_on) {
            Some((seen.seq, day(&seen.at), "seen"))
        } else {
            let moved = asset.handoffs.last().filter(|handoff| day(&handoff.released.1) > self.disposed_on);
            moved.map(|handoff| (handoff.released.0, day(&handoff.released.1), "handed on"))
        };
        let Some((seq, on, what)) = here else { return Ok(()) };
        let why = format!(
            "{} was {what} on {on}, so it was not gone for good on {}: a coordinator corrects disposed_on, or records what becomes of it as it happens \
             (record_disposition).",
            asset.tag, self.disposed_on
        );
        Err(Refusal::new("past.was_here", why).because(Cause::Entry(seq)))
    }

    /// A device on record that was gone already.
    fn registered(&self, known: &Records, asset: &Asset, occasion: &Occasion) -> Result<Device, Stop> {
        if asset.status == Status::Disposed {
            let cause = Cause::Entry(asset.disposed_by().unwrap_or(asset.last_seq));
            let why =
                format!("What became of {} is recorded already; where that is wrong, an approver voids it first (void_disposition).", asset.tag);
            return Err(Refusal::new("past.recorded", why).because(cause).into());
        }
        asset.require_free("past.held")?;
        if asset.status == Status::Missing {
            let why = format!(
                "{} is reported as missing: a coordinator records that it was found (report_found), and only then what its paper says of it; or an \
                 approver writes it off (write_off).",
                asset.tag
            );
            return Err(Refusal::new("past.missing", why).because(Cause::Entry(asset.last_seq)).into());
        }
        let here = matches!(asset.status, Status::InStock | Status::InService | Status::Retired);
        if !here || asset.in_transit || asset.consignment.is_some() || asset.holder.party != occasion.actor.party {
            let why =
                format!("{} is {}: what becomes of it from there on is recorded as it happens, not afterwards.", asset.tag, asset.label().label());
            return Err(Refusal::new("past.under_way", why).because(Cause::Entry(asset.last_seq)).into());
        }
        let own: Vec<&Medium> = known.find_all::<Medium>(&asset.media)?.into_iter().flatten().collect();
        if let Some(worked_on) = own.iter().find(|medium| medium.state != MediumState::DataPresent) {
            let why = format!(
                "{} of {} is {} in this record, so the device was here; record its disposition as one that happens now (record_disposition).",
                worked_on.title(),
                asset.tag,
                worked_on.state.label()
            );
            return Err(Refusal::new("past.worked_on", why).because(Cause::Entry(worked_on.last_seq)).into());
        }
        self.require_gone_before(asset)?;
        if asset.no_storage.is_some() && !self.media.is_empty() || self.no_storage.is_some() && !own.is_empty() {
            let why = format!("The record of {} says otherwise of its storage; an approver has to correct that first.", asset.tag);
            return Err(media_differ(why));
        }
        require_host_serial(&asset.tag, asset.serial.is_some(), &self.seen())?;
        let mut first: Vec<Happening> = Vec::new();
        let mut media: Vec<(MediumId, MediaType, Option<Technique>)> =
            own.iter().map(|medium| (medium.id.clone(), medium.media_type, None)).collect();
        let mut new = Vec::new();
        let mut taken: Vec<&MediumId> = Vec::new();
        for (claimed, seen) in self.media.iter().zip(self.seen()) {
            let same = own.iter().find(|medium| match (&claimed.serial, &medium.serial) {
                (Some(claimed), Some(serial)) => claimed.same(serial),
                (None, None) => medium.identified_by == IdentifiedBy::HostSerial,
                _ => false,
            });
            let waits =
                |medium: &&&Medium| medium.seen == Seen::Expected && medium.identified_by == IdentifiedBy::OwnSerial && !taken.contains(&&medium.id);
            let expected = own.iter().find(waits).filter(|_| claimed.serial.is_some());
            let Some(medium) = same.or(expected) else {
                new.push((seen, claimed.technique));
                continue;
            };
            if taken.contains(&&medium.id) {
                return Err(media_differ(format!("{} is listed twice; leave one of both out.", medium.title())));
            }
            taken.push(&medium.id);
            let differs = (claimed.media_type != medium.media_type).then_some(claimed.media_type).filter(|_| medium.seen == Seen::Expected);
            if let Some(place) = media.iter_mut().find(|(id, ..)| id == &medium.id) {
                *place = (medium.id.clone(), differs.unwrap_or(medium.media_type), claimed.technique);
            }
            if medium.seen == Seen::Expected {
                if let Some(serial) = &claimed.serial
                    && let Some(owner) = known.owner(&Medium::serial_key(serial))?
                {
                    let why = format!("A medium with the serial {serial} is recorded already; look it up or read the paper again.");
                    return Err(Refusal::new("registration.medium_exists", why).because(Cause::First(owner.to_owned())).into());
                }
                let named = MediumSeenAs { basis: Seen::Attested, serial: claimed.serial.clone(), media_type: differs, capacity_bytes: None };
                first.push(Happening::new(named, [medium_subject(&medium.id)]));
            }
        }
        let seen: Vec<MediumSeen> = new.iter().map(|(seen, _)| seen.clone()).collect();
        for (happening, (seen, technique)) in media_recorded(&Found::In(&asset.id), &seen, known, occasion)?.into_iter().zip(&new) {
            media.extend(happening.about.medium().map(|id| (id, seen.media_type, *technique)));
            first.push(happening);
        }
        if let Some(basis) = self.no_storage.filter(|_| asset.no_storage.is_none()) {
            require_no_storage_of_model(asset.manufacturer.as_str(), asset.model.as_str(), basis, occasion)?;
            first.push(Happening::new(NoStorageAttested { basis }, [asset_subject(&asset.id)]));
        }
        Ok(Device {
            id: asset.id.clone(),
            sensitivity: asset.sensitivity,
            purchased_on: asset.purchased_on,
            manufacturer: asset.manufacturer.clone(),
            model: asset.model.clone(),
            was: Some(asset.status),
            media,
            first,
        })
    }
}

impl Fact for DisposalRecordedAfterwards {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.asset() else { return };
        for claim in &self.claims {
            medium::change(known, &claim.medium, stamp.seq, |medium| medium.state = MediumState::Unknown);
        }
        known.change::<Asset>(&id, stamp.seq, |asset| {
            asset.assignment = None;
            asset.status = Status::Disposed;
            asset.past = Some(Past {
                outcome: self.outcome,
                disposed_on: self.disposed_on,
                vendor: self.vendor.clone(),
                recipient: self.recipient.clone(),
                reference: self.reference.clone(),
                document: self.document.clone(),
                claims: self.claims.clone(),
                least: self.least,
                was: self.was,
                recorded: stamp.act(),
            });
        });
    }
    fn sentence(&self) -> String {
        let by = self.recipient.as_ref().map(|recipient| format!(", taken by {recipient}")).unwrap_or_default();
        let reference = self.reference.as_ref().map(|reference| format!(", reference {reference}")).unwrap_or_default();
        let paper = self.document.as_ref().map(|document| format!("; the paper is sha256 {document}")).unwrap_or_default();
        let claim = |claim: &Claim| match claim.technique {
            Some(technique) => format!("{} ({} at most)", technique.label(), claim.at_most.label()),
            None => "nothing".to_owned(),
        };
        let claims = match self.claims.as_slice() {
            [] => String::new(),
            claims => {
                let claims: Vec<String> = claims.iter().map(claim).collect();
                format!(" Claimed of its media: {}; {} is the least.", claims.join(", "), self.least.label())
            }
        };
        format!(
            "Recorded afterwards: {} on {}{by}{reference}{paper}. Nobody signed this at the time.{claims}",
            self.outcome.label(),
            self.disposed_on.format("%-d %b %Y")
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::asset::Label;
    use super::super::certification::judge;
    use super::super::story::{DISTRICT, Story, actor};
    use super::super::{Actor, SubjectKind};
    use super::*;

    fn coordinator() -> Actor {
        actor(Role::Coordinator, DISTRICT, 1)
    }

    fn device(tag: &str) -> Value {
        json!({"tag": tag, "serial": format!("S-{tag}"), "category": "laptop", "manufacturer": "Maker", "model": "Model", "sensitivity": "moderate",
            "site": "Site"})
    }

    /// A new device with one disk, of which the paper claims this.
    fn past(tag: &str, technique: Option<&str>) -> Value {
        json!({"device": device(tag), "outcome": "recycled", "disposed_on": "2021-06-14", "recipient": "Old Recycler Inc.", "reference": "LOT-7",
            "media": [{"serial": format!("M-{tag}"), "media_type": "hdd_ata", "technique": technique}]})
    }

    fn recorded(story: &mut Story, body: Value) -> String {
        let about = story.done(&coordinator(), "record_past_disposal", body);
        about.into_iter().find(|(kind, _)| *kind == SubjectKind::Asset).unwrap().1
    }

    #[test]
    fn a_past_disposal_is_judged_and_never_certified() {
        let mut story = Story::new();
        for (tag, technique, at_most) in
            [("A1", Some("degauss"), Method::Purge), ("A2", Some("factory_reset"), Method::None), ("A3", None, Method::None)]
        {
            let id = recorded(&mut story, past(tag, technique));
            let asset = story.asset(&id).clone();
            let past = asset.past.as_ref().unwrap();
            assert_eq!(
                (asset.status, asset.label(), past.words().as_str()),
                (Status::Disposed, Label::RecordedAfterwards, "recycled, recorded afterwards")
            );
            assert_eq!((past.least, past.claims[0].at_most), (Method::Purge, at_most), "{tag}");
            assert_eq!((asset.data_gone(), asset.disposition.is_none()), (false, true), "what is claimed is not proven");
            assert_eq!(story.medium(past.claims[0].medium.as_str()).state, MediumState::Unknown);
            let Err(Stop::Refused(refusal)) = judge(story.known(), &asset.id, story.policy()) else { panic!("{tag} was certified") };
            assert_eq!(refusal.code, "certification.recorded_afterwards");
            assert!(refusal.why.contains("nobody signed"), "{}", refusal.why);
        }
    }

    #[test]
    fn where_nobody_can_say_where_it_went_the_most_demanding_place_counts() {
        let mut story = Story::new();
        let mut body = past("A1", Some("degauss"));
        body["outcome"] = json!("unknown");
        body["device"]["sensitivity"] = json!("high");
        let id = recorded(&mut story, body);
        let policy = story.policy();
        let strictest =
            [Destination::ExternalReuse, Destination::MaterialsRecovery, Destination::Disposal].map(|to| policy.least(Sensitivity::High, to));
        assert_eq!(Some(story.asset(&id).past.as_ref().unwrap().least), strictest.into_iter().max());
    }

    #[test]
    fn a_registered_device_that_was_gone_already_keeps_its_media_and_gets_what_the_paper_names() {
        let mut story = Story::new();
        let mut body = device("A1");
        body["manufacturer"] = json!("Dell");
        body["model"] = json!("OptiPlex 7050");
        body["status"] = json!("in_service");
        body["media"] = json!([{"serial": "DISK-1", "media_type": "hdd_ata"}]);
        let id = story.done(&coordinator(), "register_asset", body)[0].1.clone();
        let past = json!({"asset": id, "outcome": "donated", "disposed_on": "2020-02-29",
            "media": [{"serial": "disk-1", "media_type": "hdd_ata", "technique": "host_overwrite"},
                {"serial": "DISK-2", "media_type": "ssd_sata", "technique": null}]});
        let happenings = story.when(&coordinator(), "record_past_disposal", past.clone()).unwrap();
        let names: Vec<_> = happenings.iter().map(|happening| happening.event.name()).collect();
        assert_eq!(names, ["media.recorded", "disposition.recorded_afterwards"]);
        story.done(&coordinator(), "record_past_disposal", past.clone());
        let asset = story.asset(&id).clone();
        assert_eq!((asset.media.len(), asset.media_states.as_slice()), (2, &[MediumState::Unknown; 2][..]));
        story.refused(&coordinator(), "record_past_disposal", past, "past.recorded");
        // Voided, it is what it was before, and so are its media.
        story.done(&actor(Role::Approver, DISTRICT, 1), "void_disposition", json!({"asset": id, "reason": "wrong_thing"}));
        let asset = story.asset(&id);
        assert_eq!((asset.status, &asset.past, asset.media_states.as_slice()), (Status::InService, &None, &[MediumState::DataPresent; 2][..]));
    }

    #[test]
    fn a_medium_that_the_model_is_expected_to_have_is_the_one_that_the_paper_names() {
        let mut story = Story::new();
        let mut body = device("A1");
        body["manufacturer"] = json!("Lenovo");
        body["model"] = json!("ThinkPad L14");
        let id = story.done(&coordinator(), "register_asset", body)[0].1.clone();
        let expected = story.asset(&id).media.clone();
        assert_eq!(expected.len(), 1);
        let past = json!({"asset": id, "outcome": "recycled", "disposed_on": "2021-06-14",
            "media": [{"serial": "NV-1", "media_type": "ssd_nvme", "technique": "nvme_sanitize_crypto"}]});
        story.done(&coordinator(), "record_past_disposal", past);
        let medium = story.medium(expected[0].as_str());
        assert_eq!((medium.serial.as_ref().unwrap().as_str(), medium.seen), ("NV-1", Seen::Attested));
        assert_eq!(story.asset(&id).media, expected);
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_to_do() {
        let mut story = Story::new();
        let with = |member: &str, value: Value| {
            let mut body = past("A1", Some("shred"));
            body[member] = value;
            body
        };
        for day in ["1969-12-31", "2026-09-23"] {
            story.refused(&coordinator(), "record_past_disposal", with("disposed_on", json!(day)), "past.day");
        }
        let mut early = past("A1", None);
        early["device"]["purchased_on"] = json!("2021-06-15");
        story.refused(&coordinator(), "record_past_disposal", early, "past.day");
        for outcome in ["repaired", "redeployed", "in_storage", "lost_or_stolen"] {
            story.refused(&coordinator(), "record_past_disposal", with("outcome", json!(outcome)), "past.outcome");
        }
        story.refused(&coordinator(), "record_past_disposal", with("document", json!("e".repeat(64))), "receipt.unknown_document");
        story.refused(&coordinator(), "record_past_disposal", with("no_storage", json!("removed")), "past.media");
        story.refused(&coordinator(), "record_past_disposal", with("device", Value::Null), "past.which");
        let mut twice = past("A1", None);
        twice["device"]["media"] = json!([{"serial": "X-1", "media_type": "hdd_ata"}]);
        story.refused(&coordinator(), "record_past_disposal", twice, "past.media");
        story.refused(&actor(Role::Approver, DISTRICT, 1), "record_past_disposal", past("A1", None), "command.wrong_role");

        let gone = |id: &str| json!({"asset": id, "outcome": "recycled", "disposed_on": "2021-06-14"});
        let (away, _) = story.retired("B1", "hdd_ata", "low");
        story.released("C1", &[&away]);
        story.refused(&coordinator(), "record_past_disposal", gone(&away), "past.under_way");
        let (worked_on, disk) = story.retired("B2", "hdd_ata", "low");
        story.degaussed(&disk);
        story.refused(&coordinator(), "record_past_disposal", gone(&worked_on), "past.worked_on");
        let (held, _) = story.retired("B3", "hdd_ata", "low");
        let hold = json!({"asset": held, "reason": "litigation", "reference": "CASE-1"});
        story.done(&actor(Role::Approver, DISTRICT, 1), "place_legal_hold", hold);
        story.refused(&coordinator(), "record_past_disposal", gone(&held), "past.held");
    }

    #[test]
    fn what_happens_now_and_what_was_here_later_is_not_recorded_afterwards() {
        let mut story = Story::new();
        let gone = |id: &str, day: NaiveDate| json!({"asset": id, "outcome": "recycled", "disposed_on": day.to_string()});
        let today = |story: &Story| story.now().utc().date_naive();
        let mut new = past("N1", Some("shred"));
        new["disposed_on"] = json!((today(&story) - Days::new(29)).to_string());
        let why = story.refused(&coordinator(), "record_past_disposal", new.clone(), "past.recent");
        assert!(why.contains("a coordinator records"), "{why}");
        new["disposed_on"] = json!((today(&story) - Days::new(30)).to_string());
        recorded(&mut story, new);
        // Registered, and said to have gone on the same day: only the day before lies before the record.
        let (device, _) = story.retired("A1", "hdd_ata", "low");
        let registered = today(&story);
        story.hours_pass(24 * 90);
        let why = story.refused(&coordinator(), "record_past_disposal", gone(&device, registered), "past.was_here");
        assert!(why.contains("was registered on"), "{why}");
        assert!(story.when(&coordinator(), "record_past_disposal", gone(&device, registered - Days::new(1))).is_ok());
        // A loss is settled by what was found out about it.
        let missing = json!({"asset": device, "loss": "lost", "custodian": "room", "incident": "INC-1"});
        story.done(&coordinator(), "report_missing", missing);
        let why = story.refused(&coordinator(), "record_past_disposal", gone(&device, registered - Days::new(1)), "past.missing");
        assert!(why.contains("report_found") && why.contains("write_off"), "{why}");
    }

    #[test]
    fn what_its_paper_says_goes_before_what_was_recorded_of_it_until_then() {
        let mut story = Story::new();
        let (device, disk) = story.retired("A1", "hdd_ata", "low");
        story.done(&coordinator(), "record_past_disposal", json!({"asset": device, "outcome": "donated", "disposed_on": "2021-06-14"}));
        let mut asset = story.asset(&device).clone();
        let recorded = asset.past.as_ref().unwrap().recorded.seq;
        let (other, other_disk) = story.retired("A2", "hdd_ata", "low");
        story.destroyed(&other_disk);
        let stored = json!({"asset": other, "outcome": "in_storage", "mass": {"weight_grams": 2000, "weight_basis": "scale"}});
        story.done(&coordinator(), "record_disposition", stored);
        asset.disposition.clone_from(&story.asset(&other).disposition);
        assert!(asset.disposition.is_some() && story.medium(&disk).state == MediumState::Unknown);
        assert_eq!((asset.outcome(), asset.disposed_by()), (Some(Outcome::Donated), Some(recorded)));
    }

    #[test]
    fn a_monitor_stored_nothing() {
        let mut story = Story::new();
        let mut body = past("A1", None);
        body["media"] = json!([]);
        body["no_storage"] = json!("model_has_none");
        let id = recorded(&mut story, body);
        let asset = story.asset(&id);
        assert!(asset.no_storage.is_some() && asset.media.is_empty() && asset.past.as_ref().unwrap().claims.is_empty());
    }
}
