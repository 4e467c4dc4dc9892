//! What may happen to a device, and what follows from it: commands are decided into events, events are folded into records.
//! Knows no clock, no disk, no hash and no framework. The two lists below are the only lists of commands and of event kinds.

pub mod adoption;
pub mod asset;
pub mod assignment;
pub mod catalogue;
pub mod certification;
pub mod consignment;
pub mod correction;
pub mod counting;
pub mod destruction;
pub mod disposition;
pub mod equipment;
pub mod evidence;
pub mod exceptions;
pub mod handoff;
pub mod holds;
pub mod ledger;
pub mod letters;
pub mod lifecycle;
pub mod links;
pub mod loading;
pub mod loose_media;
pub mod manifest;
pub mod mappings;
pub mod matching;
pub mod medium;
pub mod missing;
pub mod names;
pub mod notes;
pub mod observation;
pub mod overrides;
pub mod own_keys;
pub mod parties;
pub mod parts;
pub mod past;
pub mod policy;
pub mod preparation;
pub mod receipt;
pub mod reconciliation;
pub mod records;
pub mod refusal;
pub mod registration;
pub mod residual_risk;
pub mod sampling;
pub mod sanitization;
pub mod scanning;
pub mod sealing;
mod together;
pub mod vendors;
pub mod withholding;

#[cfg(test)]
mod rules;
#[cfg(test)]
mod stories;
#[cfg(test)]
pub(crate) mod story;
#[cfg(test)]
mod transitions;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use asset::Asset;
use catalogue::Catalogue;
use consignment::Consignment;
use exceptions::ExceptionId;
use medium::Medium;
use names::{AssetId, ConsignmentId, Digest, DiscrepancyId, Instant, MediumId, Name, PartyId, PersonId, Role, SignedIn, codes};
use policy::Pack;
use records::{Records, Stop};
use refusal::Refusal;

codes! {
    /// What an entry is about.
    SubjectKind {
        Asset = "Asset", "device";
        Certificate = "Certificate", "certificate";
        Consignment = "Consignment", "consignment";
        Count = "Count", "count";
        Discrepancy = "Discrepancy", "discrepancy";
        Evidence = "Evidence", "evidence file";
        Exception = "Exception", "exception";
        Log = "Log", "the log itself";
        Medium = "Medium", "medium";
        Party = "Party", "party";
        StatusList = "StatusList", "status list";
    }
}

/// One thing that an entry is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subject {
    /// Its id: an IRI, or the origin of the log.
    pub id: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: SubjectKind,
}

impl Subject {
    /// A thing by kind and id.
    pub fn new(kind: SubjectKind, id: &str) -> Self {
        Self { id: id.to_owned(), kind }
    }
    /// A stored file; its id is made of its SHA-256.
    pub fn evidence(digest: &Digest) -> Self {
        Self { id: format!("urn:sha256:{digest}"), kind: SubjectKind::Evidence }
    }
}

/// What an entry is about: sorted by id and kind, at least one, none twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subjects(Vec<Subject>);

impl Subjects {
    /// Sorts, and drops repetitions.
    pub fn new(subjects: impl IntoIterator<Item = Subject>) -> Self {
        let mut subjects: Vec<Subject> = subjects.into_iter().collect();
        subjects.sort();
        subjects.dedup();
        Self(subjects)
    }
    /// In order.
    pub fn iter(&self) -> std::slice::Iter<'_, Subject> {
        self.0.iter()
    }
    fn ids(&self, kind: SubjectKind) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |subject| subject.kind == kind).map(|subject| subject.id.as_str())
    }
    /// The first device.
    pub fn asset(&self) -> Option<AssetId> {
        self.assets().into_iter().next()
    }
    /// Every device.
    pub fn assets(&self) -> Vec<AssetId> {
        self.ids(SubjectKind::Asset).filter_map(|id| AssetId::parse(id).ok()).collect()
    }
    /// The first medium.
    pub fn medium(&self) -> Option<MediumId> {
        self.media().into_iter().next()
    }
    /// Every medium.
    pub fn media(&self) -> Vec<MediumId> {
        self.ids(SubjectKind::Medium).filter_map(|id| MediumId::parse(id).ok()).collect()
    }
    /// The first consignment.
    pub fn consignment(&self) -> Option<ConsignmentId> {
        self.ids(SubjectKind::Consignment).find_map(|id| ConsignmentId::parse(id).ok())
    }
    /// The first party.
    pub fn party(&self) -> Option<PartyId> {
        self.ids(SubjectKind::Party).find_map(|id| PartyId::parse(id).ok())
    }
    /// The first discrepancy.
    pub fn discrepancy(&self) -> Option<DiscrepancyId> {
        self.ids(SubjectKind::Discrepancy).find_map(|id| DiscrepancyId::parse(id).ok())
    }
    /// The first stored file.
    pub fn evidence(&self) -> Option<Digest> {
        self.ids(SubjectKind::Evidence).find_map(|id| id.strip_prefix("urn:sha256:").and_then(|hex| Digest::parse(hex).ok()))
    }
    /// The first exception.
    pub fn exception(&self) -> Option<ExceptionId> {
        self.ids(SubjectKind::Exception).find_map(|id| ExceptionId::parse(id).ok())
    }
    /// The address of the first certificate.
    pub fn certificate(&self) -> Option<&str> {
        self.ids(SubjectKind::Certificate).next()
    }
}

/// Who gives a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The person; what the service does by itself has the service's own id.
    pub person: PersonId,
    /// As what.
    pub role: Role,
    /// For whom.
    pub party: PartyId,
    /// The one site that a school contact acts for; nobody else has one here. Not on the wire.
    pub site: Option<Name>,
    /// How they signed in. The service itself does not, nor does whoever has its machine.
    pub signed_in: Option<SignedIn>,
}

impl Actor {
    /// Somebody who acts everywhere that the role allows.
    pub const fn new(person: PersonId, role: Role, party: PartyId) -> Self {
        Self { person, role, party, site: None, signed_in: None }
    }
    /// Whether a device may be known to them: to a vendor's people what concerns their company, to a school contact what is or was at the own site.
    pub fn sees(&self, asset: &Asset) -> bool {
        match (self.role, &self.site) {
            (Role::SchoolContact, Some(site)) => asset.was_at(&self.party, site),
            (Role::SchoolContact, None) => false,
            (role, _) => !role.is_vendor() || asset.concerns(&self.party),
        }
    }
    /// The same of a medium that is in no device.
    pub fn sees_loose(&self, medium: &Medium) -> bool {
        match (self.role, &self.site) {
            (Role::SchoolContact, site) => {
                medium.holder.as_ref().is_some_and(|holder| holder.party == self.party && Some(&holder.site) == site.as_ref())
            }
            (role, _) => !role.is_vendor() || medium.concerns(&self.party),
        }
    }
    /// The same of a consignment.
    pub fn sees_consignment(&self, consignment: &Consignment) -> bool {
        match (self.role, &self.site) {
            (Role::SchoolContact, site) => {
                let own = |holder: &asset::Holder| holder.party == self.party && Some(&holder.site) == site.as_ref();
                own(&consignment.from) || own(&consignment.to)
            }
            (role, _) => !role.is_vendor() || consignment.concerns(&self.party),
        }
    }
    /// The same of a stored file, which belongs to no site: nothing for a school contact.
    pub fn sees_evidence(&self, evidence: &evidence::Evidence) -> bool {
        !self.role.is_narrowed() || (self.role.is_vendor() && evidence.concerns(&self.party))
    }
}

/// How far ahead of the service's clock another one may be: five minutes.
pub const AHEAD_MS: i64 = 300_000;

/// The circumstances of a decision. Everything that a pure function cannot know by itself.
#[derive(Clone, Debug)]
pub struct Occasion<'a> {
    /// Who gives the command.
    pub actor: &'a Actor,
    /// Now, never earlier than the entry before.
    pub at: Instant,
    /// When it happened, as claimed.
    pub occurred: Instant,
    /// The policy pack in force.
    pub policy: &'a Pack,
    /// What is known of models.
    pub catalogue: &'a Catalogue,
    /// 16 random bytes of this command: fresh ids come from them, the same ones however often it is decided.
    pub seed: u128,
    /// Its place among the commands that are recorded together.
    pub place: u8,
    /// SHA-256, lent by those who know how: the same bytes give the same hash, however often it is decided.
    pub sha256: fn(&[u8]) -> [u8; 32],
    /// The key of their own that the command was signed with, `did:key:…`; the signature is checked.
    pub signed_by: Option<&'a str>,
}

impl Occasion<'_> {
    /// The n-th fresh id of this command: a UUID of version 7 (RFC 9562 §5.7) with a counter after the time (§6.2, method 1), so that what was
    /// recorded together stands together, and in order, in every index.
    pub fn fresh(&self, n: u32) -> uuid::Uuid {
        let [_, _, _, _, _, _, _, _, random @ ..] = self.seed.wrapping_add(u128::from(n) << 64 | u128::from(n)).to_be_bytes();
        let counter = (u16::from(self.place) << 4 | u16::try_from(n.min(15)).unwrap_or(15)).to_be_bytes();
        let mut rest = [0; 10];
        for (to, from) in rest.iter_mut().zip(counter.iter().chain(&random)) {
            *to = *from;
        }
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(self.at.unix_ms()).unwrap_or(0), &rest).into_uuid()
    }

    /// Nothing can have happened before the act that it builds on.
    pub fn not_before(&self, earlier: Instant, act: &str) -> Result<(), Refusal> {
        if self.occurred < earlier {
            return Err(Refusal::new(
                "command.too_early",
                format!("This cannot have happened at {}, before {act} at {earlier}; correct the time.", self.occurred),
            ));
        }
        Ok(())
    }

    /// A school contact acts at one site alone; everybody else wherever their role lets them.
    pub fn may_act_at(&self, site: &Name) -> Result<(), Refusal> {
        if self.actor.role != Role::SchoolContact || self.actor.site.as_ref() == Some(site) {
            return Ok(());
        }
        let own = self.actor.site.as_ref().map_or_else(|| "no site yet".to_owned(), |own| format!("{own} alone"));
        Err(Refusal::new("custody.other_site", format!("You act for {own}; somebody of {site} or a coordinator has to do this.")))
    }

    /// A vendor's people act on what their company holds, a school contact on what is at the own site; the organisation's other people act on
    /// everything. What never concerned them is unknown to a vendor and to a school contact.
    pub fn may_touch(&self, asset: &Asset) -> Result<(), Refusal> {
        if !self.actor.sees(asset) {
            return Err(unknown_asset(&asset.id));
        }
        if self.actor.role == Role::SchoolContact && (asset.holder.party != self.actor.party || asset.in_transit) {
            return Err(Refusal::new("custody.other_site", format!("{} is not at your site any more; a coordinator has to do this.", asset.tag)));
        }
        self.may_act_at(&asset.holder.site)?;
        if self.actor.role.is_vendor() && (asset.holder.party != self.actor.party || asset.in_transit) {
            return Err(Refusal::new(
                "custody.not_yours",
                format!("{} is not in your company's hands according to the record; receive it first.", asset.tag),
            ));
        }
        Ok(())
    }

    /// The same for a medium that is in no device.
    pub fn may_touch_loose(&self, medium: &Medium) -> Result<(), Refusal> {
        if !self.actor.sees_loose(medium) {
            return Err(medium::unknown(&medium.id));
        }
        let holds = medium.holder.as_ref().is_some_and(|holder| holder.party == self.actor.party);
        if self.actor.role.is_vendor() && (!holds || medium.in_transit) {
            let why = format!("{} is not in your company's hands according to the record; receive it first.", medium.title());
            return Err(Refusal::new("custody.not_yours", why));
        }
        Ok(())
    }
}

/// What became known, about what. `part` numbers the entries of one act that is too large for one entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// The event.
    pub event: Event,
    /// What it is about.
    pub about: Subjects,
    /// `(id of the act, number of this part, number of parts on the last part)`
    pub batch: Option<(String, u32, Option<u32>)>,
}

/// Most subjects of one entry; 500 of them stay far below the 65,535 bytes of an entry.
pub const SUBJECTS_PER_ENTRY: usize = 500;

impl Happening {
    /// An event about a consignment and what is on it; where that is counted things alone, about the consignment.
    pub fn about_consignment(event: impl Into<Event>, consignment: Subject, many: Vec<Subject>, act: uuid::Uuid) -> Vec<Self> {
        if many.is_empty() {
            return vec![Self::new(event, [consignment])];
        }
        Self::about_many(event, consignment, many, act)
    }

    /// An event about a few things.
    pub fn new(event: impl Into<Event>, about: impl IntoIterator<Item = Subject>) -> Self {
        Self { event: event.into(), about: Subjects::new(about), batch: None }
    }

    /// All entries of one act, numbered.
    fn one_act(mut happenings: Vec<Self>, act: uuid::Uuid) -> Vec<Self> {
        let of = u32::try_from(happenings.len()).unwrap_or(u32::MAX);
        if of > 1 {
            for (part, happening) in (1u32..).zip(&mut happenings) {
                happening.batch = Some((format!("urn:uuid:{}", act.hyphenated()), part, (part == of).then_some(of)));
            }
        }
        happenings
    }

    /// An event about `one` thing and `many` others: one entry, or several parts of one act.
    pub fn about_many(event: impl Into<Event>, one: Subject, many: Vec<Subject>, act: uuid::Uuid) -> Vec<Self> {
        let event = event.into();
        let chunks: Vec<&[Subject]> = many.chunks(SUBJECTS_PER_ENTRY).collect();
        let of = u32::try_from(chunks.len()).unwrap_or(u32::MAX);
        (1u32..)
            .zip(&chunks)
            .map(|(part, chunk)| Self {
                event: event.clone(),
                about: Subjects::new(std::iter::once(one.clone()).chain(chunk.iter().cloned())),
                batch: (of > 1).then(|| (format!("urn:uuid:{}", act.hyphenated()), part, (part == of).then_some(of))),
            })
            .collect()
    }
}

/// The entry that an event became: what `apply` may know besides the event.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// Its index in the log.
    pub seq: u64,
    /// When it was recorded.
    pub at: Instant,
    /// When it happened, as claimed.
    pub occurred: Instant,
    /// Who said so.
    pub actor: Actor,
}

impl Stamp {
    /// Who did it, for whom and when.
    pub fn act(&self) -> medium::Act {
        medium::Act { seq: self.seq, occurred: self.occurred, by: self.actor.person.clone(), party: self.actor.party.clone() }
    }
}

/// A kind of event: its facts, how they change the records, and the sentence that people read.
pub trait Fact: Serialize + DeserializeOwned {
    /// Changes the records. Never refuses: an event has happened.
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records);
    /// One plain sentence.
    fn sentence(&self) -> String;
}

/// A kind of command: who may give it and what it comes to.
pub trait Order: DeserializeOwned {
    /// Who may give it.
    const ROLES: &'static [Role];
    /// The events that it comes to, or why not. Pure: may be asked again whenever more has been loaded.
    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop>;
}

/// The member of an entry's `data` that carries what the actor signed with a key of their own.
pub const SIGNED: &str = "signed";
/// The member of an entry's `data` that says how the actor was signed in ([`SignedIn`]); none where nobody signed in.
pub const SIGNED_IN: &str = "signed_in";

macro_rules! events {
    ($($wire:literal, $version:literal => $chapter:ident::$name:ident;)+) => {
        /// Every kind of event.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::large_enum_variant, reason = "events are short-lived and few at a time")]
        pub enum Event { $(#[doc = $wire] $name($chapter::$name),)+ }
        $(impl From<$chapter::$name> for Event { fn from(event: $chapter::$name) -> Self { Event::$name(event) } })+
        impl Event {
            /// Every wire name with its version.
            pub const KINDS: &'static [(&'static str, u64)] = &[$(($wire, $version),)+];
            /// The name on the wire.
            pub fn name(&self) -> &'static str { match self { $(Event::$name(_) => $wire,)+ } }
            /// The entry's `data`: the facts, and `v`, the version of this kind of event.
            pub fn data(&self) -> Result<Value, serde_json::Error> {
                let (mut data, version): (Value, u64) = match self { $(Event::$name(event) => (serde_json::to_value(event)?, $version),)+ };
                if let Value::Object(members) = &mut data {
                    members.retain(|_, value| !value.is_null());
                    members.insert("v".to_owned(), Value::from(version));
                }
                Ok(data)
            }
            /// Reads an entry's event.
            pub fn read(name: &str, data: &Value) -> Result<Self, String> {
                let mut members: Map<String, Value> = data.as_object().cloned().unwrap_or_default();
                let version = members.remove("v").and_then(|v| v.as_u64());
                members.remove(SIGNED);
                members.remove(SIGNED_IN);
                match (name, version) {
                    $(($wire, Some($version)) => serde_json::from_value(Value::Object(members)).map(Event::$name).map_err(|e| e.to_string()),)+
                    _ => Err(format!("no event {name} of version {version:?} is known to this program")),
                }
            }
            /// Changes the records.
            pub fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) { match self { $(Event::$name(event) => event.apply(about, stamp, known),)+ } }
            /// One plain sentence.
            pub fn sentence(&self) -> String { match self { $(Event::$name(event) => event.sentence(),)+ } }
        }
    };
}

macro_rules! commands {
    ($($wire:literal => $chapter:ident::$name:ident;)+) => {
        /// Every command.
        #[derive(Clone, Debug)]
        #[allow(clippy::large_enum_variant, reason = "commands are short-lived and few at a time")]
        pub enum Command { $(#[doc = $wire] $name($chapter::$name),)+ }
        $(impl From<$chapter::$name> for Command { fn from(command: $chapter::$name) -> Self { Command::$name(command) } })+
        impl Command {
            /// Every command's name with who may give it.
            pub const KINDS: &'static [(&'static str, &'static [Role])] = &[$(($wire, <$chapter::$name as Order>::ROLES),)+];
            /// The name on the wire.
            pub fn name(&self) -> &'static str { match self { $(Command::$name(_) => $wire,)+ } }
            /// Reads a command by name; unknown members are refused.
            pub fn read(name: &str, body: Value) -> Result<Self, Refusal> {
                match name {
                    $($wire => serde_path_to_error::deserialize(body).map(Command::$name).map_err(|e| malformed(name, &e.to_string())),)+
                    _ => Err(Refusal::new("command.unknown", format!("There is no command “{}”; GET /api/v1/commands lists them.",
                        name.chars().take(60).collect::<String>()))),
                }
            }
            /// The events that it comes to, or why not.
            pub fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
                let roles = match self { $(Command::$name(_) => <$chapter::$name as Order>::ROLES,)+ };
                require_role(roles, occasion.actor)?;
                if occasion.occurred.unix_ms() > occasion.at.unix_ms() + AHEAD_MS {
                    return Err(Refusal::new("command.future", format!("It cannot have happened at {}, which is still to come; correct the time or the device's clock.", occasion.occurred)).into());
                }
                // A key that is being registered is not live yet; its command asks for the signature itself.
                if !matches!(self, Command::RegisterKey(_)) {
                    own_keys::require_live(known, occasion)?;
                }
                match self { $(Command::$name(command) => command.decide(known, occasion),)+ }
            }
        }
    };
}

events! {
    "log.genesis", 1 => ledger::LogGenesis;
    "key.added", 1 => ledger::KeyAdded;
    "party.registered", 1 => parties::PartyRegistered;
    "party.site_added", 1 => parties::SiteAdded;
    "party.signers_named", 1 => vendors::SignersNamed;
    "party.signing_agreed", 1 => vendors::SigningAgreed;
    "credential.recorded", 1 => vendors::CredentialRecorded;
    "credential.suspended", 1 => vendors::CredentialSuspended;
    "contract.recorded", 1 => vendors::ContractRecorded;
    "operator.qualified", 1 => vendors::OperatorQualified;
    "downstream.approved", 1 => vendors::DownstreamApproved;
    "downstream.withdrawn", 1 => vendors::DownstreamWithdrawn;
    "equipment.registered", 1 => equipment::MachineRegistered;
    "equipment.calibrated", 1 => equipment::MachineCalibrated;
    "equipment.taken_out_of_service", 1 => equipment::MachineTakenOut;
    "policy.adopted", 1 => adoption::PolicyAdopted;
    "override.granted", 1 => overrides::OverrideGranted;
    "asset.registered", 1 => registration::AssetRegistered;
    "media.recorded", 1 => registration::MediumRecorded;
    "media.removed", 1 => loose_media::MediumRemoved;
    "media.installed", 1 => loose_media::MediumInstalled;
    "asset.no_storage_attested", 1 => registration::NoStorageAttested;
    "asset.sent_to_repair", 1 => lifecycle::SentToRepair;
    "asset.repaired", 1 => lifecycle::Repaired;
    "asset.redeployed", 1 => lifecycle::Redeployed;
    "asset.retired", 1 => lifecycle::Retired;
    "asset.returned_to_service", 1 => lifecycle::ReturnedToService;
    "asset.assigned", 1 => assignment::Assigned;
    "asset.part_harvested", 1 => parts::PartHarvested;
    "asset.evaluated", 1 => preparation::Evaluated;
    "asset.surplus_authorized", 1 => preparation::SurplusAuthorized;
    "consignment.authorized", 1 => preparation::ConsignmentAuthorized;
    "asset.accounts_released", 1 => preparation::AccountsReleased;
    "asset.graded", 1 => preparation::AssetGraded;
    "asset.held", 1 => holds::HoldPlaced;
    "asset.released_from_hold", 1 => holds::HoldLifted;
    "asset.reported_missing", 1 => missing::ReportedMissing;
    "asset.remote_command", 1 => missing::RemoteCommandRecorded;
    "asset.found", 1 => missing::Found;
    "asset.written_off", 1 => missing::WrittenOff;
    "media.found", 1 => missing::MediumFound;
    "consignment.opened", 1 => loading::ConsignmentOpened;
    "consignment.line_added", 1 => loading::LineAdded;
    "consignment.quantity_added", 1 => loading::QuantityAdded;
    "consignment.line_removed", 1 => loading::LineRemoved;
    "consignment.container_recorded", 1 => loading::ContainerRecorded;
    "consignment.sealed", 1 => sealing::ConsignmentSealed;
    "consignment.unsealed", 1 => sealing::ConsignmentUnsealed;
    "consignment.cancelled", 1 => sealing::ConsignmentCancelled;
    "consignment.released", 1 => handoff::ConsignmentReleased;
    "consignment.accepted", 1 => handoff::ConsignmentAccepted;
    "consignment.received", 1 => receipt::ConsignmentReceived;
    "consignment.line_received", 1 => receipt::LineReceived;
    "consignment.quantity_received", 1 => receipt::QuantityReceived;
    "consignment.link_created", 1 => links::LinkCreated;
    "consignment.link_revoked", 1 => links::LinkRevoked;
    "party.columns_mapped", 1 => mappings::ColumnsMapped;
    "discrepancy.recorded", 1 => reconciliation::DiscrepancyRecorded;
    "discrepancy.resolved", 1 => reconciliation::DiscrepancyResolved;
    "consignment.reconciled", 1 => reconciliation::ConsignmentReconciled;
    "evidence.received", 1 => evidence::EvidenceReceived;
    "evidence.read", 1 => evidence::EvidenceRead;
    "evidence.linked", 1 => evidence::EvidenceLinked;
    "evidence.readings_dismissed", 1 => matching::ReadingsDismissed;
    "evidence.withholding_proposed", 1 => withholding::WithholdingProposed;
    "evidence.withheld", 1 => withholding::EvidenceWithheld;
    "evidence.withholding_withdrawn", 1 => withholding::WithholdingWithdrawn;
    "media.sanitized", 1 => sanitization::MediumSanitized;
    "media.sanitization_failed", 1 => sanitization::SanitizationFailed;
    "media.verified", 1 => sanitization::SanitizationVerified;
    "media.validated", 1 => sanitization::SanitizationValidated;
    "media.sampled", 1 => sampling::MediumSampled;
    "media.residual_risk_accepted", 1 => residual_risk::ResidualRiskAccepted;
    "disposition.recorded", 1 => disposition::DispositionRecorded;
    "disposition.recorded_afterwards", 1 => past::DisposalRecordedAfterwards;
    "certificate.issued", 1 => certification::CertificateIssued;
    "certificate.rendered", 1 => certification::CertificateRendered;
    "certificate.revoked", 1 => certification::CertificateRevoked;
    "status.published", 1 => certification::StatusPublished;
    "entry.corrected", 1 => correction::EntryCorrected;
    "asset.amended", 1 => correction::AssetAmended;
    "asset.no_storage_withdrawn", 1 => correction::NoStorageWithdrawn;
    "media.withdrawn", 1 => correction::MediumWithdrawn;
    "media.sanitization_voided", 1 => correction::SanitizationVoided;
    "disposition.voided", 1 => correction::DispositionVoided;
    "media.seen", 1 => catalogue::MediumSeenAs;
    "device.seen", 1 => observation::DeviceSeen;
    "count.recorded", 1 => counting::CountRecorded;
    "count.found", 1 => counting::CountFound;
    "count.missing", 1 => counting::CountMissing;
    "count.unexpected", 1 => counting::CountUnexpected;
    "count.unknown_scanned", 1 => counting::CountUnknown;
    "party.key_registered", 1 => own_keys::KeyRegistered;
    "party.key_revoked", 1 => own_keys::KeyRevoked;
    "exception.raised", 1 => exceptions::ExceptionRaised;
    "exception.changed", 1 => exceptions::ExceptionChanged;
    "exception.assigned", 1 => exceptions::ExceptionAssigned;
    "exception.snoozed", 1 => exceptions::ExceptionSnoozed;
    "exception.resolved", 1 => exceptions::ExceptionResolved;
    "exception.reopened", 1 => exceptions::ExceptionReopened;
    "note.added", 1 => notes::NoteAdded;
}

commands! {
    "open_log" => ledger::OpenLog;
    "register_party" => parties::RegisterParty;
    "add_site" => parties::AddSite;
    "name_signers" => vendors::NameSigners;
    "agree_to_sign" => vendors::AgreeToSign;
    "record_credential" => vendors::RecordCredential;
    "suspend_credential" => vendors::SuspendCredential;
    "record_contract" => vendors::RecordContract;
    "record_training" => vendors::RecordTraining;
    "approve_downstream" => vendors::ApproveDownstream;
    "withdraw_downstream" => vendors::WithdrawDownstream;
    "register_machine" => equipment::RegisterMachine;
    "record_calibration" => equipment::RecordCalibration;
    "take_out_of_service" => equipment::TakeOutOfService;
    "adopt_policy" => adoption::AdoptPolicy;
    "grant_override" => overrides::GrantOverride;
    "register_asset" => registration::RegisterAsset;
    "record_media" => registration::RecordMedia;
    "record_loose_media" => loose_media::RecordLooseMedia;
    "harvest_medium" => loose_media::HarvestMedium;
    "install_medium" => loose_media::InstallMedium;
    "attest_no_storage" => registration::AttestNoStorage;
    "send_to_repair" => lifecycle::SendToRepair;
    "return_from_repair" => lifecycle::ReturnFromRepair;
    "redeploy" => lifecycle::Redeploy;
    "retire" => lifecycle::Retire;
    "return_to_service" => lifecycle::ReturnToService;
    "assign" => assignment::Assign;
    "harvest_part" => parts::HarvestPart;
    "evaluate" => preparation::Evaluate;
    "authorize_surplus" => preparation::AuthorizeSurplus;
    "authorize_consignment" => preparation::AuthorizeConsignment;
    "release_accounts" => preparation::ReleaseAccounts;
    "grade" => preparation::Grade;
    "place_legal_hold" => holds::PlaceLegalHold;
    "lift_legal_hold" => holds::LiftLegalHold;
    "quarantine" => holds::Quarantine;
    "lift_quarantine" => holds::LiftQuarantine;
    "report_missing" => missing::ReportMissing;
    "record_remote_command" => missing::RecordRemoteCommand;
    "report_found" => missing::ReportFound;
    "write_off" => missing::WriteOff;
    "report_medium_found" => missing::ReportMediumFound;
    "open_consignment" => loading::OpenConsignment;
    "add_lines" => loading::AddLines;
    "add_quantity" => loading::AddQuantity;
    "remove_lines" => loading::RemoveLines;
    "record_container" => loading::RecordContainer;
    "scan" => scanning::ScanIn;
    "seal_consignment" => sealing::SealConsignment;
    "unseal_consignment" => sealing::UnsealConsignment;
    "cancel_consignment" => sealing::CancelConsignment;
    "release_consignment" => handoff::ReleaseConsignment;
    "offer_acceptance" => handoff::OfferAcceptance;
    "accept_consignment" => handoff::AcceptConsignment;
    "receive_consignment" => receipt::ReceiveConsignment;
    "create_link" => links::CreateLink;
    "revoke_link" => links::RevokeLink;
    "map_columns" => mappings::MapColumns;
    "resolve_discrepancy" => reconciliation::ResolveDiscrepancy;
    "receive_evidence" => evidence::ReceiveEvidence;
    "link_reading" => matching::LinkReading;
    "dismiss_readings" => matching::DismissReadings;
    "propose_withholding" => withholding::ProposeWithholding;
    "withhold_evidence" => withholding::WithholdEvidence;
    "withdraw_withholding" => withholding::WithdrawWithholding;
    "record_sanitization" => sanitization::RecordSanitization;
    "record_destruction" => destruction::RecordDestruction;
    "verify_sanitization" => sanitization::VerifySanitization;
    "validate_sanitization" => sanitization::ValidateSanitization;
    "record_sample" => sampling::RecordSample;
    "accept_residual_risk" => residual_risk::AcceptResidualRisk;
    "record_disposition" => disposition::RecordDisposition;
    "record_past_disposal" => past::RecordPastDisposal;
    "issue_certificate" => certification::IssueCertificate;
    "record_rendering" => certification::RecordRendering;
    "revoke_certificate" => certification::RevokeCertificate;
    "publish_status" => certification::PublishStatus;
    "correct_registration" => correction::CorrectRegistration;
    "withdraw_no_storage" => correction::WithdrawNoStorage;
    "withdraw_medium" => correction::WithdrawMedium;
    "void_sanitization" => correction::VoidSanitization;
    "void_disposition" => correction::VoidDisposition;
    "expect_media" => catalogue::ExpectMedia;
    "confirm_medium" => catalogue::ConfirmMedium;
    "see_device" => observation::SeeDevice;
    "record_count" => counting::RecordCount;
    "register_key" => own_keys::RegisterKey;
    "revoke_key" => own_keys::RevokeKey;
    "look_for_exceptions" => exceptions::LookForExceptions;
    "assign_exception" => exceptions::AssignException;
    "snooze_exception" => exceptions::SnoozeException;
    "resolve_exception" => exceptions::ResolveException;
    "reopen_exception" => exceptions::ReopenException;
    "add_note" => notes::AddNote;
}

/// A body that is no such command: which member is wrong and why, without repeating a long value.
fn malformed(name: &str, why: &str) -> Refusal {
    const ENDS: usize = 300;
    let count = why.chars().count();
    let why =
        if count > 2 * ENDS { why.chars().take(ENDS).chain(" … ".chars()).chain(why.chars().skip(count - ENDS)).collect() } else { why.to_owned() };
    Refusal::new("command.malformed", format!("{name}: {why}"))
}

/// Who may not give a command is told who may.
fn require_role(roles: &[Role], actor: &Actor) -> Result<(), Refusal> {
    if roles.contains(&actor.role) {
        return Ok(());
    }
    let may: Vec<_> = roles.iter().filter(|role| **role != Role::Service).map(|role| role.label()).collect();
    Err(Refusal::new("command.wrong_role", format!("This needs the role {}; you are signed in as {}.", may.join(" or "), actor.role.label())))
}

/// What an entry about one device is about.
fn about(asset: &Asset) -> [Subject; 1] {
    [Subject::new(SubjectKind::Asset, asset.id.as_str())]
}

/// A device that must exist.
pub fn require_asset<'a>(known: &'a Records, id: &AssetId) -> Result<&'a Asset, Stop> {
    known.find::<Asset>(id)?.ok_or_else(|| unknown_asset(id).into())
}

fn unknown_asset(id: &AssetId) -> Refusal {
    Refusal::new("registration.unknown_asset", format!("No device has the id {id}; register it first."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_kind_has_one_name() {
        let mut names: Vec<_> = Event::KINDS.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Event::KINDS.len());
        assert!(names.iter().all(|name| name.split('.').count() == 2));
    }

    #[test]
    fn a_large_act_becomes_parts_and_the_last_says_how_many() {
        let many: Vec<Subject> = (0..1_001).map(|n| Subject::new(SubjectKind::Asset, &format!("urn:uuid:00000000-0000-4000-8000-{n:012}"))).collect();
        let event = loading::LineAdded { container: None, captured: None };
        let parts = Happening::about_many(
            event,
            Subject::new(SubjectKind::Consignment, "urn:uuid:00000000-0000-4000-8000-00000000ffff"),
            many,
            uuid::Uuid::nil(),
        );
        let numbers: Vec<_> = parts.iter().map(|part| part.batch.as_ref().map(|(_, part, of)| (*part, *of))).collect();
        assert_eq!(numbers, [Some((1, None)), Some((2, None)), Some((3, Some(3)))]);
        assert_eq!(parts.iter().map(|part| part.about.assets().len()).sum::<usize>(), 1_001);
    }

    #[test]
    fn a_school_contact_acts_at_the_own_site_alone() {
        use super::story::{DISTRICT, Story, VENDOR, actor};
        use serde_json::json;
        let mut story = Story::new();
        for site in ["School", "Third"] {
            story.done(&actor(Role::Administrator, DISTRICT, 1), "add_site", json!({"party": DISTRICT, "site": site}));
        }
        let contact = Actor { site: Some(Name::parse("School").unwrap()), ..actor(Role::SchoolContact, DISTRICT, 1) };
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let device = |n: u32, site: &str| json!({"tag": format!("S-{n}"), "category": "dock", "manufacturer": "M", "model": "D", "site": site});
        let own = story.done(&contact, "register_asset", device(1, "School"))[0].1.clone();
        assert_eq!(story.when(&contact, "register_asset", device(2, "Site")).unwrap_err().code, "custody.other_site");
        let other = story.done(&coordinator, "register_asset", device(2, "Site"))[0].1.clone();
        let retire = |id: &str| json!({"asset": id, "reason": "surplus"});
        assert_eq!(story.when(&contact, "retire", retire(&other)).unwrap_err().code, "registration.unknown_asset");
        let open =
            |reference: &str, from: &str, to: &str, to_site: &str| json!({"reference": reference, "from_site": from, "to": to, "to_site": to_site});
        let internal = story.done(&coordinator, "open_consignment", open("C1", "School", DISTRICT, "Site"))[0].1.clone();
        let elsewhere = story.done(&coordinator, "open_consignment", open("C2", "Site", DISTRICT, "Third"))[0].1.clone();
        let pickup = story.done(&coordinator, "open_consignment", open("C3", "School", VENDOR, "Site"))[0].1.clone();
        let list = |consignment: &str, id: &str| json!({"consignment": consignment, "assets": [id]});
        for (consignment, id, code) in [
            (&elsewhere, &own, "consignment.unknown"),
            (&pickup, &own, "consignment.not_internal"),
            (&internal, &other, "registration.unknown_asset"),
        ] {
            assert_eq!(story.when(&contact, "add_lines", list(consignment, id)).unwrap_err().code, code);
        }
        story.done(&contact, "add_lines", list(&internal, &own));
        story.done(&contact, "remove_lines", list(&internal, &own));
        let missing = json!({"asset": own, "loss": "lost", "custodian": "cart", "incident": "INC-1"});
        story.done(&contact, "report_missing", missing);
        let found = |site: &str| json!({"asset": own, "site": site});
        assert_eq!(story.when(&contact, "report_found", found("Site")).unwrap_err().code, "custody.other_site");
        story.done(&contact, "report_found", found("School"));
        story.done(&contact, "retire", retire(&own));
        for command in ["seal_consignment", "release_consignment", "evaluate", "open_consignment"] {
            let refused = story.when(&contact, command, json!({"consignment": internal, "containers": []}));
            assert!(refused.is_err(), "{command}");
        }
        let nowhere = actor(Role::SchoolContact, DISTRICT, 2);
        assert_eq!(story.when(&nowhere, "retire", retire(&other)).unwrap_err().code, "registration.unknown_asset");
    }

    #[test]
    fn entries_of_the_first_records_are_read() {
        let holder = serde_json::json!({"party": "urn:uuid:00000000-0000-4000-8000-00000000d157", "site": "Site"});
        let opened = serde_json::json!({"v": 1, "reference": "C1", "from": holder, "to": holder});
        assert!(
            matches!(Event::read("consignment.opened", &opened), Ok(Event::ConsignmentOpened(event)) if event.kind == consignment::ConsignmentKind::Pickup)
        );
        let sealed = serde_json::json!({"v": 1, "containers": [{"label": "BOX-1"}], "lines": 3});
        assert!(Event::read("consignment.sealed", &sealed).unwrap().sentence().ends_with("Sealed with 3 lines in 1 container."));
    }

    #[test]
    fn unknown_commands_and_members_are_refused_with_what_is_allowed() {
        let refusal = Command::read("explode", Value::Null).unwrap_err();
        assert!(refusal.why.contains("“explode”"), "{refusal}");
        let refusal = Command::read(
            "retire",
            serde_json::json!({"asset": "urn:uuid:0b7c3a52-41f6-4b1c-8b6e-0f4f6f7f1a01", "reason": "end_of_life", "owner": 1}),
        )
        .unwrap_err();
        assert!(refusal.why.contains("owner"), "{refusal}");
    }
}
