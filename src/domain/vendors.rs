//! Vendors: what qualifies them to be handed devices. Credentials belong to a site, a scheme and a time; beside them stand the contract, the insurance,
//! who may sign, whom a party trained on which tool, and to whom it may hand devices on.

use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use super::names::{Digest, Name, PartyId, PersonId, Reference, Role, codes};
use super::parties::{self, Party, PartyKind, subject};
use super::records::{Records, Stop};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, Subjects};

codes! {
    /// By which scheme a site is certified.
    Scheme {
        R2v3 = "r2v3", "R2v3";
        EStewards = "e_stewards", "e-Stewards";
        NaidAaa = "naid_aaa", "NAID AAA";
        Adisa = "adisa", "ADISA ICT Asset Recovery";
        Iso14001 = "iso_14001", "ISO 14001";
        Iso45001 = "iso_45001", "ISO 45001";
        Iso9001 = "iso_9001", "ISO 9001";
        Iso27001 = "iso_27001", "ISO/IEC 27001";
        StatePermit = "state_permit", "permit of a state";
    }
}

codes! {
    /// What a credential says a site may do.
    Scope {
        DataSanitizationLogical = "data_sanitization_logical", "logical data sanitization";
        DataSanitizationPhysical = "data_sanitization_physical", "physical data sanitization";
        TestAndRepair = "test_and_repair", "test and repair";
        Specialty = "specialty", "specialty electronics";
        MaterialsRecovery = "materials_recovery", "materials recovery";
        Brokering = "brokering", "brokering";
        Downstream = "downstream", "downstream recycling chain";
        Management = "management", "management system";
    }
}
impl Scope {
    /// Lets a site have devices that may hold data.
    const DATA: &'static [Scope] = &[Scope::DataSanitizationLogical, Scope::DataSanitizationPhysical];
    /// Lets a site have devices and parts without data: everything but how it is managed, and to whom it hands on.
    const PROCESSING: &'static [Scope] = &[
        Scope::DataSanitizationLogical,
        Scope::DataSanitizationPhysical,
        Scope::TestAndRepair,
        Scope::Specialty,
        Scope::MaterialsRecovery,
        Scope::Brokering,
    ];
}

codes! {
    /// Why a credential does not count any more.
    SuspensionReason {
        SuspendedByScheme = "suspended_by_scheme", "suspended by the scheme";
        Withdrawn = "withdrawn", "withdrawn";
        EvidenceDisputed = "evidence_disputed", "the evidence for it is disputed";
        ErrorInRecord = "error_in_record", "recorded in error";
    }
}

/// What a site is certified for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Credential {
    /// The site.
    pub site: Name,
    /// By which scheme.
    pub scheme: Scheme,
    /// The certificate's number.
    pub number: Reference,
    /// For what.
    pub scope: Vec<Scope>,
    /// From this day.
    pub issued_on: NaiveDate,
    /// To this day, included.
    pub expires_on: NaiveDate,
    /// The stored certificate.
    pub evidence: Option<Digest>,
    /// The entry that suspended it.
    pub suspended: Option<u64>,
    /// The entry that recorded it.
    pub recorded: u64,
}

impl Credential {
    fn is(&self, site: &Name, scheme: Scheme, number: &Reference) -> bool {
        &self.site == site && self.scheme == scheme && &self.number == number
    }
    /// Whether it counts on this day.
    pub fn is_valid(&self, day: NaiveDate) -> bool {
        self.suspended.is_none() && (self.issued_on..=self.expires_on).contains(&day)
    }
    /// Its validity on a day, in words.
    pub fn validity(&self, day: NaiveDate) -> String {
        match self.suspended {
            Some(seq) => format!("suspended in entry {seq}"),
            None if day < self.issued_on => format!("valid from {} on", self.issued_on),
            None if day > self.expires_on => format!("expired on {}", self.expires_on),
            None => format!("valid until {}", self.expires_on),
        }
    }
    /// For what, in words.
    pub fn scope_in_words(&self) -> String {
        self.scope.iter().map(|scope| scope.label()).collect::<Vec<_>>().join(", ")
    }
}

/// A contract of the organisation with a party.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contract {
    /// The organisation's reference to it.
    pub reference: Reference,
    /// From this day.
    pub starts_on: NaiveDate,
    /// To this day, included; none is open-ended.
    pub ends_on: Option<NaiveDate>,
    /// Whether it binds the party to confidentiality.
    pub confidentiality: bool,
    /// Insured to this day, included.
    pub insured_until: Option<NaiveDate>,
    /// The entry that recorded it.
    pub recorded: u64,
}

impl Contract {
    /// Whether it binds on this day.
    pub fn is_in_force(&self, day: NaiveDate) -> bool {
        self.starts_on <= day && self.ends_on.is_none_or(|end| day <= end)
    }
}

/// Somebody of a party was trained on a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Who; the record holds an id and never a name.
    pub person: PersonId,
    /// On which tool.
    pub tool: Name,
    /// When.
    pub trained_on: NaiveDate,
    /// It counts to this day, included.
    pub valid_until: NaiveDate,
    /// The entry that recorded it.
    pub recorded: u64,
}

impl Training {
    /// Whether it counts on this day.
    pub fn is_valid(&self, day: NaiveDate) -> bool {
        (self.trained_on..=self.valid_until).contains(&day)
    }
}

/// Somebody of a party agreed to sign electronically.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// Who; the record holds an id and never a name.
    pub person: PersonId,
    /// SHA-256 of the words that they agreed to.
    pub document: Digest,
    /// The entry that recorded it.
    pub recorded: u64,
}

/// A vendor that another vendor may hand devices on to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Downstream {
    /// The vendor.
    pub party: PartyId,
    /// The entry that approved it.
    pub approved: u64,
}

/// What is missing before devices may go to a site on a day: sentences that say what would mend it.
pub fn missing(party: &Party, site: &Name, may_hold_data: bool, day: NaiveDate) -> Vec<String> {
    let mut missing = Vec::new();
    let needed = if may_hold_data { Scope::DATA } else { Scope::PROCESSING };
    let of_site: Vec<&Credential> = party.credentials.iter().filter(|credential| &credential.site == site).collect();
    let valid: Vec<&&Credential> = of_site.iter().filter(|credential| credential.is_valid(day)).collect();
    if of_site.is_empty() {
        missing.push(format!("No credential of {}, {site}, is recorded; record one for that site.", party.name));
    } else if valid.is_empty() {
        let each: Vec<_> =
            of_site.iter().map(|credential| format!("{} {} {}", credential.scheme.label(), credential.number, credential.validity(day))).collect();
        missing.push(format!("No credential of {}, {site}, counts on {day} ({}); record a newer one.", party.name, each.join("; ")));
    } else if !valid.iter().any(|credential| credential.scope.iter().any(|scope| needed.contains(scope))) {
        let words: Vec<_> = needed.iter().map(|scope| scope.label()).collect();
        let what = if may_hold_data { "things that may hold data" } else { "them" };
        missing.push(format!("None of the credentials of {}, {site}, lets it have {what}; that takes one of: {}.", party.name, words.join("; ")));
    }
    if !party.contracts.is_empty() {
        let in_force: Vec<&Contract> = party.contracts.iter().filter(|contract| contract.is_in_force(day)).collect();
        if in_force.is_empty() {
            missing.push(format!("No contract with {} is in force on {day}; record the one that is.", party.name));
        } else if in_force.iter().all(|contract| contract.insured_until.is_some_and(|until| until < day)) {
            missing.push(format!("The insurance of {} on record has ended before {day}; record the contract with the newer date.", party.name));
        }
    }
    missing
}

/// The credentials that let a site have things on a day: the scheme and number of each.
pub fn counting(party: &Party, site: &Name, may_hold_data: bool, day: NaiveDate) -> Vec<QualifiedBy> {
    let needed = if may_hold_data { Scope::DATA } else { Scope::PROCESSING };
    party
        .credentials
        .iter()
        .filter(|credential| &credential.site == site && credential.is_valid(day) && credential.scope.iter().any(|scope| needed.contains(scope)))
        .map(|credential| QualifiedBy { scheme: credential.scheme, number: credential.number.clone(), entry: credential.recorded })
        .collect()
}

/// A credential that a release rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualifiedBy {
    /// The scheme.
    pub scheme: Scheme,
    /// The certificate's number.
    pub number: Reference,
    /// The entry that recorded it.
    pub entry: u64,
}

/// Most credentials, contracts, signers, trainings, downstream vendors and machines of one party.
const MOST: usize = 500;

pub(super) fn require_room(party: &Party, what: &str, have: usize) -> Result<(), Refusal> {
    if have < MOST {
        return Ok(());
    }
    Err(Refusal::new("vendors.too_many", format!("{} has {MOST} {what} on record, which is the most; correct one of them instead.", party.name)))
}

/// From 1990 to 2199: what a credential or a contract can say.
pub(super) fn require_dates(from: NaiveDate, until: Option<NaiveDate>, names: &str) -> Result<(), Refusal> {
    let absurd = |day: &NaiveDate| !(1990..2200).contains(&day.year());
    if absurd(&from) || until.as_ref().is_some_and(absurd) || until.is_some_and(|until| until < from) {
        let why = format!("{names}: dates lie between 1990 and 2199, and the first is not after the second; correct them.");
        return Err(Refusal::new("vendors.dates", why));
    }
    Ok(())
}

pub(super) fn require_site(party: &Party, site: &Name) -> Result<(), Refusal> {
    if party.sites.contains(site) {
        return Ok(());
    }
    let why = format!("{} has no site “{site}”; name one of these, or add it first: {}.", party.name, party.sites_in_words());
    Err(Refusal::new("parties.unknown_site", why))
}

/// Whoever gives it agrees to sign electronically for their party.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreeToSign {
    /// SHA-256 of the words that were shown.
    pub document: Digest,
}

/// `party.signing_agreed`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningAgreed {
    /// Who agreed.
    pub person: PersonId,
    /// SHA-256 of the words that were shown.
    pub document: Digest,
}

impl Order for AgreeToSign {
    const ROLES: &'static [Role] = &[Role::VendorOperator, Role::VendorVerifier];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let party = parties::require(known, &occasion.actor.party)?;
        if party.has_agreed(&occasion.actor.person, &self.document) {
            return Ok(Vec::new());
        }
        require_room(party, "agreements", party.agreements.iter().filter(|agreement| agreement.person != occasion.actor.person).count())?;
        let event = SigningAgreed { person: occasion.actor.person.clone(), document: self.document.clone() };
        Ok(vec![Happening::new(event, [subject(&party.id)])])
    }
}

impl Fact for SigningAgreed {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        if let Some(id) = about.party() {
            known.change::<Party>(&id, stamp.seq, |party| {
                party.agreements.retain(|agreement| agreement.person != self.person);
                party.agreements.push(Agreement { person: self.person.clone(), document: self.document.clone(), recorded: stamp.seq });
            });
        }
    }
    fn sentence(&self) -> String {
        "Agreed to sign electronically.".to_owned()
    }
}

/// Records, or records anew, what a site is certified for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordCredential {
    /// The party.
    pub party: PartyId,
    /// Its site; certificates are given per location.
    pub site: Name,
    /// By which scheme.
    pub scheme: Scheme,
    /// The certificate's number.
    pub number: Reference,
    /// For what.
    pub scope: Vec<Scope>,
    /// From this day.
    pub issued_on: NaiveDate,
    /// To this day, included.
    pub expires_on: NaiveDate,
    /// The stored certificate, uploaded as evidence before.
    pub evidence: Option<Digest>,
}

/// `credential.recorded`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialRecorded {
    /// Its site.
    pub site: Name,
    /// By which scheme.
    pub scheme: Scheme,
    /// The certificate's number.
    pub number: Reference,
    /// For what.
    pub scope: Vec<Scope>,
    /// From this day.
    pub issued_on: NaiveDate,
    /// To this day, included.
    pub expires_on: NaiveDate,
    /// The stored certificate.
    pub evidence: Option<Digest>,
}

impl Order for RecordCredential {
    const ROLES: &'static [Role] = &[Role::Administrator, Role::Approver];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let party = parties::require(known, &self.party)?;
        require_site(party, &self.site)?;
        require_dates(self.issued_on, Some(self.expires_on), "issued_on and expires_on")?;
        let mut scope = self.scope.clone();
        scope.sort();
        scope.dedup();
        if scope.is_empty() || self.scope.len() > Scope::ALL.len() {
            return Err(
                Refusal::new("vendors.scope", "Name what the certificate says the site may do; list at least one scope, and each once.").into()
            );
        }
        if !party.credentials.iter().any(|credential| credential.is(&self.site, self.scheme, &self.number)) {
            require_room(party, "credentials", party.credentials.len())?;
        }
        let mut about = vec![subject(&party.id)];
        if let Some(digest) = &self.evidence {
            let Some(stored) = known.find::<Evidence>(digest)? else {
                let why = format!("No stored file has the SHA-256 {digest}; upload the certificate first.");
                return Err(Refusal::new("vendors.unknown_evidence", why).into());
            };
            stored.require_bytes()?;
            about.push(Subject::evidence(digest));
        }
        let event = CredentialRecorded {
            site: self.site.clone(),
            scheme: self.scheme,
            number: self.number.clone(),
            scope,
            issued_on: self.issued_on,
            expires_on: self.expires_on,
            evidence: self.evidence.clone(),
        };
        Ok(vec![Happening::new(event, about)])
    }
}

impl Fact for CredentialRecorded {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.party() else { return };
        known.change::<Party>(&id, stamp.seq, |party| {
            party.credentials.retain(|credential| !credential.is(&self.site, self.scheme, &self.number));
            party.credentials.push(Credential {
                site: self.site.clone(),
                scheme: self.scheme,
                number: self.number.clone(),
                scope: self.scope.clone(),
                issued_on: self.issued_on,
                expires_on: self.expires_on,
                evidence: self.evidence.clone(),
                suspended: None,
                recorded: stamp.seq,
            });
        });
    }
    fn sentence(&self) -> String {
        let scope: Vec<_> = self.scope.iter().map(|scope| scope.label()).collect();
        format!(
            "{} {} of {} recorded, valid from {} to {}: {}.",
            self.scheme.label(),
            self.number,
            self.site,
            self.issued_on,
            self.expires_on,
            scope.join(", ")
        )
    }
}

/// Takes a credential out of force; recording it anew puts it back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuspendCredential {
    /// The party.
    pub party: PartyId,
    /// Its site.
    pub site: Name,
    /// The scheme.
    pub scheme: Scheme,
    /// The certificate's number.
    pub number: Reference,
    /// Why.
    pub reason: SuspensionReason,
}

/// `credential.suspended`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialSuspended {
    /// Its site.
    pub site: Name,
    /// The scheme.
    pub scheme: Scheme,
    /// The certificate's number.
    pub number: Reference,
    /// Why.
    pub reason: SuspensionReason,
}

impl Order for SuspendCredential {
    const ROLES: &'static [Role] = &[Role::Administrator, Role::Approver];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let party = parties::require(known, &self.party)?;
        let Some(credential) = party.credentials.iter().find(|credential| credential.is(&self.site, self.scheme, &self.number)) else {
            let why = format!("{} has no credential {} {} at “{}” on record; look it up.", party.name, self.scheme.label(), self.number, self.site);
            return Err(Refusal::new("vendors.unknown_credential", why).into());
        };
        if let Some(seq) = credential.suspended {
            let why = format!("{} {} is suspended already; record it anew when it counts again.", self.scheme.label(), self.number);
            return Err(Refusal::new("vendors.suspended", why).because(Cause::Entry(seq)).into());
        }
        let event = CredentialSuspended { site: self.site.clone(), scheme: self.scheme, number: self.number.clone(), reason: self.reason };
        Ok(vec![Happening::new(event, [subject(&party.id)])])
    }
}

impl Fact for CredentialSuspended {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.party() else { return };
        known.change::<Party>(&id, stamp.seq, |party| {
            for credential in party.credentials.iter_mut().filter(|credential| credential.is(&self.site, self.scheme, &self.number)) {
                credential.suspended = Some(stamp.seq);
            }
        });
    }
    fn sentence(&self) -> String {
        format!("{} {} of {} suspended: {}.", self.scheme.label(), self.number, self.site, self.reason.label())
    }
}

/// Records, or records anew, a contract with a party.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordContract {
    /// The party.
    pub party: PartyId,
    /// The organisation's reference to it.
    pub reference: Reference,
    /// From this day.
    pub starts_on: NaiveDate,
    /// To this day, included; none is open-ended.
    pub ends_on: Option<NaiveDate>,
    /// Whether it binds the party to confidentiality.
    pub confidentiality: bool,
    /// Insured to this day, included.
    pub insured_until: Option<NaiveDate>,
}

/// `contract.recorded`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractRecorded {
    /// The organisation's reference to it.
    pub reference: Reference,
    /// From this day.
    pub starts_on: NaiveDate,
    /// To this day, included.
    pub ends_on: Option<NaiveDate>,
    /// Whether it binds the party to confidentiality.
    pub confidentiality: bool,
    /// Insured to this day, included.
    pub insured_until: Option<NaiveDate>,
}

impl Order for RecordContract {
    const ROLES: &'static [Role] = &[Role::Administrator, Role::Approver];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let party = parties::require(known, &self.party)?;
        require_dates(self.starts_on, self.ends_on, "starts_on and ends_on")?;
        require_dates(self.insured_until.unwrap_or(self.starts_on), None, "insured_until")?;
        if !party.contracts.iter().any(|contract| contract.reference == self.reference) {
            require_room(party, "contracts", party.contracts.len())?;
        }
        let event = ContractRecorded {
            reference: self.reference.clone(),
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            confidentiality: self.confidentiality,
            insured_until: self.insured_until,
        };
        Ok(vec![Happening::new(event, [subject(&party.id)])])
    }
}

impl Fact for ContractRecorded {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.party() else { return };
        known.change::<Party>(&id, stamp.seq, |party| {
            party.contracts.retain(|contract| contract.reference != self.reference);
            party.contracts.push(Contract {
                reference: self.reference.clone(),
                starts_on: self.starts_on,
                ends_on: self.ends_on,
                confidentiality: self.confidentiality,
                insured_until: self.insured_until,
                recorded: stamp.seq,
            });
        });
    }
    fn sentence(&self) -> String {
        let end = self.ends_on.map_or_else(|| "open-ended".to_owned(), |end| format!("to {end}"));
        let clause = if self.confidentiality { "with" } else { "without" };
        format!("Contract {} recorded, from {} {end}, {clause} a confidentiality clause.", self.reference, self.starts_on)
    }
}

/// Names the people who may sign for a party; the list replaces the one before. An empty one lets all its people sign.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameSigners {
    /// The party.
    pub party: PartyId,
    /// Who may sign.
    pub signers: Vec<PersonId>,
}

/// `party.signers_named`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignersNamed {
    /// Who may sign.
    pub signers: Vec<PersonId>,
}

impl Order for NameSigners {
    const ROLES: &'static [Role] = &[Role::Administrator, Role::Approver];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let party = parties::require(known, &self.party)?;
        let mut signers = self.signers.clone();
        signers.sort();
        signers.dedup();
        if self.signers.len() > MOST {
            return Err(Refusal::new("vendors.too_many", format!("Name at most {MOST} people who may sign.")).into());
        }
        Ok(vec![Happening::new(SignersNamed { signers }, [subject(&party.id)])])
    }
}

impl Fact for SignersNamed {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        if let Some(id) = about.party() {
            known.change::<Party>(&id, stamp.seq, |party| party.signers.clone_from(&self.signers));
        }
    }
    fn sentence(&self) -> String {
        match self.signers.len() {
            0 => "All its people may sign for it.".to_owned(),
            1 => "One person named who may sign for it.".to_owned(),
            n => format!("{n} people named who may sign for it."),
        }
    }
}

/// Records that somebody of a party was trained on a tool.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordTraining {
    /// The party, the organisation itself or a vendor.
    pub party: PartyId,
    /// Who; an id of the directory.
    pub person: PersonId,
    /// On which tool.
    pub tool: Name,
    /// When.
    pub trained_on: NaiveDate,
    /// It counts to this day, included.
    pub valid_until: NaiveDate,
}

/// `operator.qualified`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorQualified {
    /// Who.
    pub person: PersonId,
    /// On which tool.
    pub tool: Name,
    /// When.
    pub trained_on: NaiveDate,
    /// It counts to this day, included.
    pub valid_until: NaiveDate,
}

impl Order for RecordTraining {
    const ROLES: &'static [Role] = &[Role::Administrator, Role::Approver];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let party = parties::require(known, &self.party)?;
        require_dates(self.trained_on, Some(self.valid_until), "trained_on and valid_until")?;
        require_room(party, "trainings", party.trainings.len())?;
        let event =
            OperatorQualified { person: self.person.clone(), tool: self.tool.clone(), trained_on: self.trained_on, valid_until: self.valid_until };
        Ok(vec![Happening::new(event, [subject(&party.id)])])
    }
}

impl Fact for OperatorQualified {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.party() else { return };
        known.change::<Party>(&id, stamp.seq, |party| {
            party.trainings.retain(|training| !(training.person == self.person && training.tool == self.tool));
            party.trainings.push(Training {
                person: self.person.clone(),
                tool: self.tool.clone(),
                trained_on: self.trained_on,
                valid_until: self.valid_until,
                recorded: stamp.seq,
            });
        });
    }
    fn sentence(&self) -> String {
        format!("An operator was trained on {} on {}; it counts until {}.", self.tool, self.trained_on, self.valid_until)
    }
}

/// Lets a vendor hand devices on to another one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApproveDownstream {
    /// The vendor that hands on.
    pub party: PartyId,
    /// The vendor that it hands on to.
    pub downstream: PartyId,
}

/// `downstream.approved`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DownstreamApproved {
    /// The vendor that is handed on to.
    pub downstream: PartyId,
}

/// Takes that back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawDownstream {
    /// The vendor that handed on.
    pub party: PartyId,
    /// The vendor that it handed on to.
    pub downstream: PartyId,
}

/// `downstream.withdrawn`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DownstreamWithdrawn {
    /// The vendor that was handed on to.
    pub downstream: PartyId,
}

fn require_vendor<'a>(known: &'a Records, id: &PartyId) -> Result<&'a Party, Stop> {
    let party = parties::require(known, id)?;
    if party.kind == PartyKind::Vendor {
        return Ok(party);
    }
    Err(Refusal::new("vendors.not_a_vendor", format!("{} is no vendor; name the vendor that you mean.", party.name)).into())
}

impl Order for ApproveDownstream {
    const ROLES: &'static [Role] = &[Role::Approver];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let (party, downstream) = (require_vendor(known, &self.party)?, require_vendor(known, &self.downstream)?);
        if party.id == downstream.id {
            return Err(Refusal::new("vendors.itself", "A vendor needs no leave to keep what it has; name another vendor.").into());
        }
        if let Some(approved) = party.downstream.iter().find(|approved| approved.party == downstream.id) {
            let why = format!("{} is approved as downstream of {} already.", downstream.name, party.name);
            return Err(Refusal::new("vendors.approved", why).because(Cause::Entry(approved.approved)).into());
        }
        require_room(party, "downstream vendors", party.downstream.len())?;
        Ok(vec![Happening::new(DownstreamApproved { downstream: downstream.id.clone() }, [subject(&party.id)])])
    }
}

impl Fact for DownstreamApproved {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.party() else { return };
        known.change::<Party>(&id, stamp.seq, |party| party.downstream.push(Downstream { party: self.downstream.clone(), approved: stamp.seq }));
    }
    fn sentence(&self) -> String {
        "A vendor was approved that devices may be handed on to.".to_owned()
    }
}

impl Order for WithdrawDownstream {
    const ROLES: &'static [Role] = &[Role::Approver];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let party = require_vendor(known, &self.party)?;
        if !party.may_hand_on_to(&self.downstream) {
            let why = format!("{} may not hand devices on to that vendor anyway; look it up.", party.name);
            return Err(Refusal::new("vendors.not_approved", why).into());
        }
        Ok(vec![Happening::new(DownstreamWithdrawn { downstream: self.downstream.clone() }, [subject(&party.id)])])
    }
}

impl Fact for DownstreamWithdrawn {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(id) = about.party() else { return };
        known.change::<Party>(&id, stamp.seq, |party| party.downstream.retain(|approved| approved.party != self.downstream));
    }
    fn sentence(&self) -> String {
        "A vendor was taken off those that devices may be handed on to.".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::domain::names::{PartyId, Role};
    use crate::domain::parties::Party;
    use crate::domain::story::{DISTRICT, OTHER, Story, VENDOR, actor};

    fn sealed(story: &mut Story, reference: &str, asset: &str) -> Value {
        let coordinator = actor(Role::Coordinator, DISTRICT, 1);
        let open = json!({"reference": reference, "from_site": "Site", "to": VENDOR, "to_site": "Site"});
        let id = story.done(&coordinator, "open_consignment", open)[0].1.clone();
        story.done(&coordinator, "add_lines", json!({"consignment": id, "assets": [asset]}));
        story.done(&coordinator, "seal_consignment", json!({"consignment": id, "containers": [{"label": "P", "seal": "1"}]}));
        json!({"consignment": id})
    }
    fn credential(site: &str, scope: &str, from: &str, until: &str) -> Value {
        json!({"party": VENDOR, "site": site, "scheme": "r2v3", "number": "C1", "scope": [scope], "issued_on": from, "expires_on": until})
    }

    #[test]
    fn a_release_needs_a_site_that_is_qualified_on_that_day() {
        let mut story = Story::unqualified();
        let (coordinator, administrator) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::Administrator, DISTRICT, 1));
        let (device, _) = story.retired("A1", "hdd_ata", "moderate");
        let release = sealed(&mut story, "C1", &device);
        let refused = |story: &Story, says: &str| {
            let why = story.refused(&coordinator, "release_consignment", release.clone(), "vendors.not_qualified");
            assert!(why.contains(says), "{why}");
        };
        refused(&story, "No credential of Recycler, Site, is recorded");
        story.refused(&administrator, "record_credential", credential("Elsewhere", "brokering", "2020-01-01", "2030-01-01"), "parties.unknown_site");
        story.refused(&administrator, "record_credential", credential("Site", "brokering", "2030-01-01", "2020-01-01"), "vendors.dates");
        story.refused(&coordinator, "record_credential", credential("Site", "brokering", "2020-01-01", "2030-01-01"), "command.wrong_role");
        // The stories begin on 21 September 2026.
        story.done(&administrator, "record_credential", credential("Site", "data_sanitization_physical", "2020-01-01", "2026-09-20"));
        refused(&story, "expired on 2026-09-20");
        story.done(&administrator, "record_credential", credential("Site", "data_sanitization_physical", "2026-09-30", "2030-01-01"));
        refused(&story, "valid from 2026-09-30");
        story.done(&administrator, "record_credential", credential("Site", "materials_recovery", "2020-01-01", "2026-09-21"));
        refused(&story, "lets it have things that may hold data");
        story.done(&administrator, "record_credential", credential("Site", "data_sanitization_physical", "2020-01-01", "2026-09-21"));
        story.done(
            &administrator,
            "record_contract",
            json!({"party": VENDOR, "reference": "K1", "starts_on": "2020-01-01", "ends_on": "2026-01-01", "confidentiality": true}),
        );
        refused(&story, "No contract with Recycler is in force");
        let contract =
            |insured: &str| json!({"party": VENDOR, "reference": "K1", "starts_on": "2020-01-01", "confidentiality": true, "insured_until": insured});
        story.done(&administrator, "record_contract", contract("2026-09-20"));
        refused(&story, "insurance");
        story.done(&administrator, "record_contract", contract("2026-09-21"));
        let suspend = json!({"party": VENDOR, "site": "Site", "scheme": "r2v3", "number": "C1", "reason": "suspended_by_scheme"});
        story.done(&administrator, "suspend_credential", suspend.clone());
        story.refused(&administrator, "suspend_credential", suspend, "vendors.suspended");
        refused(&story, "suspended in entry");
        story.done(&administrator, "record_credential", credential("Site", "data_sanitization_physical", "2020-01-01", "2026-09-21"));
        let party = story.known().find::<Party>(&PartyId::parse(VENDOR).unwrap()).unwrap().unwrap();
        let day = |text: &str| text.parse::<chrono::NaiveDate>().unwrap();
        assert!(party.confidential_on(day("2026-09-21")).is_some() && party.confidential_on(day("2019-12-31")).is_none());
        story.done(&coordinator, "release_consignment", release);
    }

    #[test]
    fn an_approver_lets_one_consignment_go_and_no_other() {
        let mut story = Story::unqualified();
        let (coordinator, approver) = (actor(Role::Coordinator, DISTRICT, 1), actor(Role::Approver, DISTRICT, 1));
        let (one, _) = story.retired("A1", "hdd_ata", "moderate");
        let (two, _) = story.retired("A2", "hdd_ata", "moderate");
        let (first, second) = (sealed(&mut story, "C1", &one), sealed(&mut story, "C2", &two));
        let mut grant = json!({"guard": "vendor_qualification", "reason": "renewal_pending", "reference": "BOARD-1"});
        grant["consignment"] = first["consignment"].clone();
        story.refused(&coordinator, "grant_override", grant.clone(), "command.wrong_role");
        story.done(&approver, "grant_override", grant.clone());
        story.refused(&approver, "grant_override", grant, "override.granted");
        story.refused(&coordinator, "release_consignment", second, "vendors.not_qualified");
        let events = story.when(&coordinator, "release_consignment", first.clone()).unwrap();
        assert!(events[0].event.sentence().contains("was not qualified"), "{}", events[0].event.sentence());
        story.done(&coordinator, "release_consignment", first);
    }

    #[test]
    fn a_vendor_hands_on_only_to_whom_it_may_and_gives_back_to_anyone_of_ours() {
        let mut story = Story::new();
        let (operator, approver) = (actor(Role::VendorOperator, VENDOR, 1), actor(Role::Approver, DISTRICT, 1));
        let (device, _) = story.retired("A1", "hdd_ata", "moderate");
        let pickup = story.released("C1", &[&device]);
        story.done(
            &operator,
            "receive_consignment",
            json!({"consignment": pickup, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": [{"tag": "A1"}]}),
        );
        let open = |to: &str, reference: &str| json!({"reference": reference, "from_site": "Site", "to": to, "to_site": "Site"});
        let unknown = "urn:uuid:00000000-0000-4000-8000-00000000dead";
        // A vendor is not told which vendors there are.
        let [one, two] =
            [OTHER, unknown].map(|to| story.refused(&operator, "open_consignment", open(to, "D1"), "vendors.not_downstream").replace(to, "…"));
        assert_eq!(one, two);
        let approve = json!({"party": VENDOR, "downstream": OTHER});
        story.refused(&approver, "approve_downstream", json!({"party": VENDOR, "downstream": DISTRICT}), "vendors.not_a_vendor");
        story.refused(&approver, "approve_downstream", json!({"party": VENDOR, "downstream": VENDOR}), "vendors.itself");
        story.done(&approver, "approve_downstream", approve.clone());
        story.refused(&approver, "approve_downstream", approve.clone(), "vendors.approved");
        let id = story.done(&operator, "open_consignment", open(OTHER, "C1"))[0].1.clone();
        let on_it = json!({"consignment": id, "assets": [device]});
        story.refused(&actor(Role::Coordinator, DISTRICT, 1), "add_lines", on_it.clone(), "consignment.not_yours");
        story.done(&operator, "add_lines", on_it);
        story.done(&operator, "seal_consignment", json!({"consignment": id, "containers": [{"label": "B"}]}));
        story.done(&approver, "withdraw_downstream", approve.clone());
        story.refused(&operator, "release_consignment", json!({"consignment": id}), "vendors.not_downstream");
        story.done(&approver, "approve_downstream", approve);
        // Where people were named who may sign, nobody else does.
        let signers = |person: &str| json!({"party": VENDOR, "signers": [person]});
        story.done(&approver, "name_signers", signers("urn:uuid:00000000-0000-4000-8000-000000000001"));
        story.refused(&operator, "release_consignment", json!({"consignment": id}), "parties.may_not_sign");
        story.done(&approver, "name_signers", signers(operator.person.as_str()));
        story.done(&operator, "release_consignment", json!({"consignment": id}));
        let other = actor(Role::VendorOperator, OTHER, 1);
        let receive = json!({"consignment": id, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": [{"serial": "SA1"}]});
        let signers = |person: &str| json!({"party": OTHER, "signers": [person]});
        story.done(&approver, "name_signers", signers("urn:uuid:00000000-0000-4000-8000-000000000001"));
        story.refused(&other, "receive_consignment", receive.clone(), "parties.may_not_sign");
        story.done(&approver, "name_signers", signers(other.person.as_str()));
        story.done(&other, "receive_consignment", receive);
        story.refused(&other, "open_consignment", open(VENDOR, "D2"), "vendors.not_downstream");
        let back = story.done(&other, "open_consignment", open(DISTRICT, "D2"))[0].1.clone();
        story.done(&other, "scan", json!({"consignment": back, "tag": "A1"}));
        story.done(&other, "seal_consignment", json!({"consignment": back, "containers": [{"label": "B"}]}));
        story.done(&other, "release_consignment", json!({"consignment": back}));
        story.done(
            &actor(Role::Coordinator, DISTRICT, 2),
            "receive_consignment",
            json!({"consignment": back, "containers": [{"label": "PALLET-1", "seal_state": "intact"}], "scans": [{"tag": "A1"}]}),
        );
    }

    #[test]
    fn what_somebody_is_trained_on_counts_for_a_time() {
        let mut story = Story::new();
        let operator = actor(Role::VendorOperator, VENDOR, 1);
        let training = json!({"party": VENDOR, "person": operator.person, "tool": "nwipe", "trained_on": "2026-01-05", "valid_until": "2027-01-05"});
        story.done(&actor(Role::Administrator, DISTRICT, 1), "record_training", training);
        let party = story.known().find::<Party>(&PartyId::parse(VENDOR).unwrap()).unwrap().unwrap();
        let trained = |tool: &str, day: &str| party.is_trained(&operator.person, &tool.to_owned().try_into().unwrap(), day.parse().unwrap());
        assert!(trained("Nwipe", "2027-01-05") && !trained("nwipe", "2027-01-06") && !trained("hdparm", "2026-02-01"));
    }
}
