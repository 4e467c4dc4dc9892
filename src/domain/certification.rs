//! Certification: a certificate is issued only where the record supports it, and revoked where it no longer does.

use serde::{Deserialize, Serialize};

use super::adoption::{self, Adoption};
use super::asset::{Asset, Status};
use super::disposition::{Destination, data_missing, least_reached};
use super::exceptions;
use super::medium::Medium;
use super::names::{AssetId, Digest, Instant, MediumId, Method, PersonId, Role, codes};
use super::policy::{Pack, PackRef};
use super::records::{Key, Records, Stop, record};
use super::refusal::{Cause, Refusal};
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects, require_asset};

codes! {
    /// The type of a certificate: it follows the method.
    CertificateKind {
        Sanitization = "CertificateOfSanitization", "Certificate of Sanitization";
        Destruction = "CertificateOfDestruction", "Certificate of Destruction";
        Recycling = "CertificateOfRecycling", "Certificate of Recycling";
    }
}

codes! {
    /// Why a certificate is revoked.
    RevocationReason {
        ErrorInRecord = "error_in_record", "an error in the record";
        EvidenceDisputed = "evidence_disputed", "the evidence is disputed";
        EntryCorrected = "entry_corrected", "an entry that it relied on was erroneous and is corrected";
        DeviceSeen = "device_seen", "the device was seen after its disposition";
        RequestedByOrganisation = "requested_by_organisation", "the organisation withdrew it";
    }
}

/// An issued certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// Its number.
    pub number: String,
    /// Its address: the credential's id.
    pub url: String,
    /// Its type.
    pub kind: CertificateKind,
    /// The device.
    pub asset: AssetId,
    /// The media.
    pub media: Vec<MediumId>,
    /// SHA-256 of the credential.
    pub credential_sha256: Digest,
    /// SHA-256 of the page file as first issued.
    pub pdf_sha256: Option<Digest>,
    /// The address of its status list.
    pub status_list: String,
    /// Its place there.
    pub status_index: u32,
    /// The entry that issued it.
    pub issued_seq: u64,
    /// When it was issued.
    pub issued_at: Instant,
    /// Why it was revoked.
    pub revoked: Option<RevocationReason>,
    /// When it was revoked.
    pub revoked_at: Option<Instant>,
    /// The entry that changed it last.
    pub last_seq: u64,
}

record!(Certificate, id: String = |c| c.number.clone(), owner: |c| c.number.clone(), shelf: certificates, need: Certificate, keys: |c| {
    let mut keys = vec![Certificate::status_key(&c.status_list, c.status_index)];
    if c.revoked.is_none() {
        keys.push(Key::new("certificate.live", c.asset.as_str()));
        keys.extend(c.media.iter().map(|medium| Key::new("certificate.live", medium.as_str())));
    }
    keys
});

impl Certificate {
    /// The unique value of a place in a status list.
    pub fn status_key(list: &str, index: u32) -> Key {
        Key::new("certificate.status", format!("{list}#{index}"))
    }
    /// The number of a certificate from its address.
    pub fn number_of(url: &str) -> Option<&str> {
        url.rsplit_once("/certificates/").map(|(_, number)| number)
    }
}

/// What the record supports: everything a certificate states.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Its type.
    pub kind: CertificateKind,
    /// The device.
    pub asset: Asset,
    /// The media, each with the sanitization that counts.
    pub media: Vec<Medium>,
    /// Where the device went.
    pub destination: Destination,
    /// The least method for that.
    pub required: Method,
    /// The policy pack.
    pub policy: PackRef,
    /// The organisation's adoption of it.
    pub adoption: Adoption,
    /// Every record this rests on, with the entry that changed it last.
    pub basis: Vec<(String, u64)>,
}

/// Judges whether the record supports a certificate for this device; the refusal lists everything that is missing.
pub fn judge(known: &Records, asset_id: &AssetId, policy: &Pack) -> Result<Verdict, Stop> {
    let asset = require_asset(known, asset_id)?;
    let media: Vec<Medium> = known.find_all::<Medium>(&asset.media)?.into_iter().flatten().cloned().collect();
    if let Some(past) = &asset.past {
        let why = format!(
            "What became of {} was recorded afterwards (entry {}): nobody signed for it at the time, so nothing can be certified. File the vendor's \
             paper with the exception about it, or have an approver resolve that; where the entry is wrong, an approver voids it.",
            asset.tag, past.recorded.seq
        );
        return Err(Refusal::listing("certification.recorded_afterwards", &why, vec![why.clone()]).because(Cause::Entry(past.recorded.seq)).into());
    }
    let mut missing = Vec::new();
    if !matches!(asset.status, Status::Retired | Status::Disposed) {
        missing.push(format!("{} is {}: retire it first.", asset.tag, asset.status.label()));
    }
    let destination = asset.disposition.as_ref().and_then(|disposition| disposition.outcome.destination());
    match (&asset.disposition, destination) {
        (None, _) => missing.push(format!("What became of {} is not recorded: record its disposition.", asset.tag)),
        (Some(disposition), None) => {
            missing.push(format!("{} is recorded as {}: no certificate can be issued for that.", asset.tag, disposition.outcome.label()));
        }
        _ => {}
    }
    // Without an outcome the least that any destination asks for is shown, so that the list is useful from the first day.
    missing.extend(data_missing(known, asset, destination.unwrap_or(Destination::ExternalReuse), policy)?);
    if let Some(open) = asset.custody().find(|handoff| handoff.received.is_none())
        && !asset.in_transit
    {
        missing.push(format!("The release of {} in entry {} has no receipt: a gap in custody.", asset.tag, open.released.0));
    }
    missing.extend(exceptions::in_the_way(known, &asset.id)?);
    let mut at = None;
    for handoff in asset.custody() {
        if at.is_some_and(|at| at != &handoff.from.party) {
            missing
                .push(format!("{} was released in entry {} by a party that had not received it: a gap in custody.", asset.tag, handoff.released.0));
        }
        at = Some(&handoff.to.party);
    }
    if at.is_some_and(|at| at != &asset.holder.party) {
        missing.push(format!("{} is not with the party that received it last: a gap in custody.", asset.tag));
    }
    let not_adopted = adoption::missing(known, policy)?;
    missing.extend(not_adopted.clone());
    let live: Vec<Key> =
        std::iter::once(asset.id.as_str()).chain(asset.media.iter().map(MediumId::as_str)).map(|id| Key::new("certificate.live", id)).collect();
    let mut cause = None;
    if let Some(number) = known.owners(&live)?.into_iter().flatten().next() {
        missing.push(format!("{} has the live certificate {number}: revoke it first.", asset.tag));
        cause = known.find::<Certificate>(&number.to_owned())?.map(|certificate| Cause::Entry(certificate.issued_seq));
    }
    // Where all else is there, the code says what is not.
    if let (Some(why), 1) = (not_adopted, missing.len()) {
        return Err(Refusal::listing("policy.not_adopted", why, missing).into());
    }
    let (Some(destination), Some(adopted), true) = (destination, adoption::of(known, policy)?, missing.is_empty()) else {
        let why = format!("The record does not support a certificate for {}: {}", asset.tag, missing.join(" "));
        return Err(Refusal { cause, ..Refusal::listing("certification.not_supported", why, missing) }.into());
    };
    let kind = match (media.is_empty(), least_reached(&media)) {
        (true, _) => CertificateKind::Recycling,
        (false, Method::Destroy) => CertificateKind::Destruction,
        (false, _) => CertificateKind::Sanitization,
    };
    if kind == CertificateKind::Recycling && destination != Destination::MaterialsRecovery {
        let why = format!("{} has no storage and was not recycled: there is nothing a certificate could state.", asset.tag);
        return Err(Refusal::new("certification.nothing_to_state", why).into());
    }
    let basis =
        std::iter::once((asset.id.to_string(), asset.last_seq)).chain(media.iter().map(|medium| (medium.id.to_string(), medium.last_seq))).collect();
    Ok(Verdict {
        kind,
        required: policy.least(asset.sensitivity, destination),
        asset: asset.clone(),
        media,
        destination,
        policy: policy.reference(),
        adoption: adopted.clone(),
        basis,
    })
}

/// A person whose name and title the credential shows; the digest is salted, and its salt is kept off the ledger and can be erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// The person.
    pub person: PersonId,
    /// SHA-256 of the salt and the canonical JSON of the name and title as shown.
    pub salted_sha256: Digest,
}

/// Issues a certificate whose credential is stored and durable already.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssueCertificate {
    /// The device.
    pub asset: AssetId,
    /// The number.
    pub number: String,
    /// The credential's id.
    pub url: String,
    /// SHA-256 of the credential.
    pub credential_sha256: Digest,
    /// The address of its status list.
    pub status_list: String,
    /// Its place there.
    pub status_index: u32,
    /// What the verdict rested on when the credential was made.
    pub basis: Vec<(String, u64)>,
    /// Whose names and titles the credential shows.
    pub shown: Vec<Shown>,
}

/// `certificate.issued`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateIssued {
    /// Its type.
    pub kind: CertificateKind,
    /// SHA-256 of the credential.
    pub credential_sha256: Digest,
    /// The address of its status list.
    pub status_list: String,
    /// Its place there.
    pub status_index: u32,
    /// The least method for the destination.
    pub required: Method,
    /// Where the device went.
    pub destination: Destination,
    /// The policy pack.
    pub policy: PackRef,
    /// The media it covers.
    pub media: Vec<MediumId>,
    /// Whose names and titles the credential shows.
    pub shown: Vec<Shown>,
}

impl Order for IssueCertificate {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::Approver];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let verdict = judge(known, &self.asset, occasion.policy)?;
        if verdict.basis != self.basis {
            let why = format!("{} has changed while its certificate was being made; try again.", verdict.asset.tag);
            let moved = verdict.basis.iter().find(|now| !self.basis.contains(now)).map(|(_, last_seq)| Cause::Entry(*last_seq));
            return Err(Refusal { cause: moved, ..Refusal::new("certification.moved_on", why) }.into());
        }
        let number = known.owner(&Certificate::status_key(&self.status_list, self.status_index))?.unwrap_or(&self.number);
        if let Some(other) = known.find::<Certificate>(&number.to_owned())? {
            let why = format!("The number or the place in the status list was given to the certificate {} meanwhile; try again.", other.number);
            return Err(Refusal::new("certification.place_taken", why).because(Cause::Entry(other.issued_seq)).into());
        }
        let event = CertificateIssued {
            kind: verdict.kind,
            credential_sha256: self.credential_sha256.clone(),
            status_list: self.status_list.clone(),
            status_index: self.status_index,
            required: verdict.required,
            destination: verdict.destination,
            policy: verdict.policy,
            media: verdict.asset.media.clone(),
            shown: self.shown.clone(),
        };
        let about = [Subject::new(SubjectKind::Certificate, &self.url), Subject::new(SubjectKind::Asset, self.asset.as_str())];
        Ok(vec![Happening::new(event, about)])
    }
}

impl Fact for CertificateIssued {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let (Some(url), Some(asset)) = (about.certificate(), about.asset()) else { return };
        let Some(number) = Certificate::number_of(url) else { return };
        known.put(
            Certificate {
                number: number.to_owned(),
                url: url.to_owned(),
                kind: self.kind,
                asset: asset.clone(),
                media: self.media.clone(),
                credential_sha256: self.credential_sha256.clone(),
                pdf_sha256: None,
                status_list: self.status_list.clone(),
                status_index: self.status_index,
                issued_seq: stamp.seq,
                issued_at: stamp.at,
                revoked: None,
                revoked_at: None,
                last_seq: stamp.seq,
            },
            stamp.seq,
        );
        known.change::<Asset>(&asset, stamp.seq, |asset| asset.certificate = Some(number.to_owned()));
    }
    fn sentence(&self) -> String {
        format!("{} issued.", self.kind.label())
    }
}

/// The pages of a certificate as first drawn.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordRendering {
    /// The certificate.
    pub number: String,
    /// SHA-256 of the file.
    pub pdf_sha256: Digest,
    /// The template, which pins the fonts.
    pub template: String,
}

/// `certificate.rendered`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRendered {
    /// SHA-256 of the file.
    pub pdf_sha256: Digest,
    /// The template.
    pub template: String,
}

impl Order for RecordRendering {
    const ROLES: &'static [Role] = &[Role::Service];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let certificate = require(known, &self.number)?;
        if certificate.pdf_sha256.is_some() {
            return Ok(Vec::new());
        }
        let event = CertificateRendered { pdf_sha256: self.pdf_sha256.clone(), template: self.template.clone() };
        Ok(vec![Happening::new(event, [Subject::new(SubjectKind::Certificate, &certificate.url)])])
    }
}

impl Fact for CertificateRendered {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        let Some(number) = about.certificate().and_then(Certificate::number_of) else { return };
        known.change::<Certificate>(&number.to_owned(), stamp.seq, |certificate| certificate.pdf_sha256 = Some(self.pdf_sha256.clone()));
    }
    fn sentence(&self) -> String {
        format!("Pages drawn with the template {}.", self.template)
    }
}

/// Revokes a certificate; it cannot be undone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeCertificate {
    /// The certificate.
    pub number: String,
    /// Why.
    pub reason: RevocationReason,
}

/// `certificate.revoked`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRevoked {
    /// Why.
    pub reason: RevocationReason,
}

/// A certificate that must exist.
pub fn require<'a>(known: &'a Records, number: &str) -> Result<&'a Certificate, Stop> {
    known.find::<Certificate>(&number.to_owned())?.ok_or_else(|| {
        Refusal::new("certification.unknown", format!("No certificate has the number {}.", number.chars().take(60).collect::<String>())).into()
    })
}

impl Order for RevokeCertificate {
    const ROLES: &'static [Role] = &[Role::Approver];

    fn decide(&self, known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let certificate = require(known, &self.number)?;
        if let Some(reason) = certificate.revoked {
            let why = format!("{} is revoked already: {}.", certificate.number, reason.label());
            return Err(Refusal::new("certification.revoked", why).because(Cause::Entry(certificate.last_seq)).into());
        }
        require_asset(known, &certificate.asset)?;
        let about = [Subject::new(SubjectKind::Certificate, &certificate.url), Subject::new(SubjectKind::Asset, certificate.asset.as_str())];
        Ok(vec![Happening::new(CertificateRevoked { reason: self.reason }, about)])
    }
}

impl Fact for CertificateRevoked {
    fn apply(&self, about: &Subjects, stamp: &Stamp, known: &mut Records) {
        if let Some(number) = about.certificate().and_then(Certificate::number_of) {
            known.change::<Certificate>(&number.to_owned(), stamp.seq, |certificate| {
                certificate.revoked = Some(self.reason);
                certificate.revoked_at = Some(stamp.at);
            });
        }
        if let Some(asset) = about.asset() {
            known.change::<Asset>(&asset, stamp.seq, |asset| asset.certificate = None);
        }
    }
    fn sentence(&self) -> String {
        format!("Certificate revoked: {}.", self.reason.label())
    }
}

/// A new version of a status list is about to be shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishStatus {
    /// The address of the list.
    pub list: String,
    /// SHA-256 of its credential.
    pub credential_sha256: Digest,
    /// Places that are revoked in it.
    pub revoked: u32,
}

/// `status.published`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusPublished {
    /// SHA-256 of its credential.
    pub credential_sha256: Digest,
    /// Places that are revoked in it.
    pub revoked: u32,
}

impl Order for PublishStatus {
    const ROLES: &'static [Role] = &[Role::Service];

    fn decide(&self, _known: &Records, _occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let event = StatusPublished { credential_sha256: self.credential_sha256.clone(), revoked: self.revoked };
        Ok(vec![Happening::new(event, [Subject::new(SubjectKind::StatusList, &self.list)])])
    }
}

impl Fact for StatusPublished {
    fn apply(&self, _about: &Subjects, _stamp: &Stamp, _known: &mut Records) {}
    fn sentence(&self) -> String {
        format!("Status list published: {} certificates revoked.", self.revoked)
    }
}
