//! Issues a certificate in two steps: judge a snapshot and make the credential from it; record it only if nothing has moved meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::once::{Once, Outcome, once};
use super::publish_checkpoint::{covering, proof_against};
use super::record::{Beside, Receipt, Terms, ask};
use super::{Service, publish_status};
use crate::app::{App, now, seed};
use crate::documents::certificate_credential::{
    self as credential, Adoption, CertificateFacts, CitedEntry, Custody, Device, Disposition, Handoff, Issuer, Kind, NoStorage, People, Person,
    Policy, StatusEntry,
};
use crate::documents::certificate_pdf::{self, Inputs, TEMPLATE};
use crate::domain::asset::Asset;
use crate::domain::certification::{Certificate, CertificateKind, IssueCertificate, RecordRendering, Shown, Verdict, judge};
use crate::domain::consignment::Consignment;
use crate::domain::disposition::Destination;
use crate::domain::medium::{Act, Medium};
use crate::domain::names::{AssetId, Digest, IdentifiedBy, Instant, Method, PartyId, PersonId, Technique};
use crate::domain::parties::Party;
use crate::domain::records::Records;
use crate::domain::residual_risk::ResidualRisk;
use crate::domain::{Actor, Event};
use crate::error::{Error, Result};
use crate::proof::bundle::{CREDENTIAL, ENTRY, PAGES, RECEIPT, STATUS};
use crate::proof::digest::{hex, multibase, sha256};
use crate::proof::entry::Entry;
use crate::proof::{canonical, integrity};
use crate::store::idempotency::RequestKey;
use crate::store::{Database, inventory, log, people, tables};

/// How often a certificate is made again because its subjects moved.
const TRIES: usize = 3;
/// Most entries one certificate cites.
const CITED: i64 = 1_000;

/// An issued certificate.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Issued {
    /// Its number.
    pub number: String,
    /// Its address.
    pub url: String,
    /// The entry that issued it.
    pub seq: u64,
}

/// Who has stated a receipt that the receiver itself has not, and from what.
fn unconfirmed(consignment: Option<&Consignment>, document: &Digest) -> String {
    let receipts = consignment.map(|consignment| consignment.receipts.as_slice()).unwrap_or_default();
    let words = if receipts.iter().any(|receipt| receipt.transcribed.as_ref() == Some(document)) {
        "transcribed by the district from document"
    } else if receipts.iter().any(|receipt| receipt.file.as_ref() == Some(document)) {
        "read by the district from the receiver's list"
    } else {
        "established by the district from document"
    };
    format!("{words} sha256 {document}; the receiver has not confirmed it")
}

/// Issues a certificate for a device, or says everything that is missing.
pub fn issue(service: &Service, actor: &Actor, asset: &AssetId) -> Result<Issued> {
    issue_once(service, actor, asset, None)?.now()
}

/// The same for a request that may be repeated.
pub fn issue_once(service: &Service, actor: &Actor, asset: &AssetId, key: Option<&RequestKey>) -> Result<Outcome<Issued>> {
    once(service, key, || try_to_issue(service, actor, asset, key))
}

fn try_to_issue(service: &Service, actor: &Actor, asset: &AssetId, key: Option<&RequestKey>) -> Result<Outcome<Issued>> {
    let mut last = None;
    for _ in 0..TRIES {
        match attempt(service, actor, asset, key) {
            Err(Error::Conflict(refusal)) => last = Some(Error::Conflict(refusal)),
            Ok(Outcome::Now(issued)) => {
                // The certificate is issued whatever becomes of its pages; they are drawn again later.
                if let Err(error) = draw(service, &issued.number) {
                    tracing::warn!("the pages of {} could not be drawn yet: {error}", issued.number);
                    service.app.unfinished.store(true, Ordering::Relaxed);
                }
                return Ok(Outcome::Now(issued));
            }
            other => return other,
        }
    }
    Err(last.unwrap_or_else(|| Error::Fault("issuing was not tried".to_owned())))
}

/// What is missing for a certificate now; empty where one could be issued.
pub fn missing(app: &App, asset: &AssetId) -> Result<Vec<String>> {
    let mut db = app.read()?;
    Ok(match ask(&mut db, &mut Records::default(), |known| judge(known, asset, &app.policy))? {
        Ok(_) => Vec::new(),
        Err(refusal) if refusal.missing.is_empty() => vec![refusal.why],
        Err(refusal) => refusal.missing,
    })
}

fn attempt(service: &Service, actor: &Actor, asset: &AssetId, key: Option<&RequestKey>) -> Result<Outcome<Issued>> {
    let app = &service.app;
    let mut db = app.read()?;
    let verdict = ask(&mut db, &mut Records::default(), |known| judge(known, asset, &app.policy))??;
    let number = number(app)?;
    let index = status_index(app, &mut db)?;
    let at = now();
    let mut facts = Facts { app, db: &mut db, salts: BTreeMap::new() };
    let facts_of = facts.certificate(&verdict, &number, index, at)?;
    let salts = facts.salts;
    let body = credential::body(&facts_of);
    let bytes = integrity::secure(body, &app.keys.issuer, &at.whole_seconds()).map_err(|e| Error::fault("signing the credential", e))?;
    // Durable before it is named: a crash after this leaves a file that nothing names.
    let credential_sha256 = app.halt.guard(app.files.put(&bytes))?;
    let url = format!("{}/certificates/{number}", app.identity.public_url);
    let shown = salts
        .iter()
        .map(|(person, shown)| Ok(Shown { person: PersonId::parse(person)?, salted_sha256: shown.1.clone() }))
        .collect::<Result<Vec<_>>>()?;
    let command = IssueCertificate {
        asset: asset.clone(),
        number: number.clone(),
        url: url.clone(),
        credential_sha256: credential_sha256.clone(),
        status_list: app.identity.status_list(),
        status_index: index,
        basis: verdict.basis,
        shown,
    };
    let beside: Beside = {
        let number = number.clone();
        Arc::new(move |db, _| {
            for (person, (salt, _)) in &salts {
                people::keep_salt(db, &number, person, salt)?;
            }
            inventory::add_part(db, &number, CREDENTIAL, credential_sha256.as_str())
        })
    };
    let issued = move |receipt: &Receipt| {
        let seq = receipt.entries.first().map(|entry| entry.seq).ok_or_else(|| Error::Fault("issuing made no entry".to_owned()))?;
        Ok(Issued { number: number.clone(), url: url.clone(), seq })
    };
    let terms = Terms { beside: Some(beside), once: Once::created(key, issued.clone()), ..Terms::default() };
    service.recorder.record_once(command, actor, terms)?.map(|receipt| issued(&receipt))
}

/// Draws the pages of an issued certificate and keeps them, once; what they are drawn from is kept beside them. Can be repeated after a crash.
pub fn draw(service: &Service, number: &str) -> Result<()> {
    let app = &service.app;
    let mut db = app.read()?;
    let certificate = find(&mut db, number)?;
    if certificate.pdf_sha256.is_some() {
        return Ok(());
    }
    service.recorder.publish_waiting()?;
    // One connection at a time: threads that each hold one and wait for another would wait for ever.
    drop(db);
    let status = publish_status::newest(app)?.ok_or_else(|| Error::Fault("no status list was ever published".to_owned()))?;
    let mut db = app.read()?;
    let credential = app.files.get(&certificate.credential_sha256)?;
    let entry =
        log::entry(&mut db, certificate.issued_seq)?.ok_or_else(|| Error::Fault("the entry that issued the certificate is missing".to_owned()))?;
    let checkpoint = covering(app, &mut db, certificate.issued_seq)?;
    let receipt = proof_against(app, &mut db, certificate.issued_seq, &checkpoint)?.write().into_bytes();
    let mut further = Vec::new();
    for (seq, bytes) in cited(&mut db, &certificate.asset, &certificate.media, certificate.issued_seq)? {
        let seq = u64::try_from(seq).unwrap_or_default();
        further.push((format!("entries-{seq}.json"), bytes));
        further.push((format!("entries-{seq}.tlog-proof"), proof_against(app, &mut db, seq, &checkpoint)?.write().into_bytes()));
    }
    // The order in which a bundle holds its parts: whoever draws the pages again has nothing but the names to go by.
    further.sort();
    let inputs = Inputs { credential: &credential, entry: &entry, tlog_proof: &receipt, status: &status, further: &further };
    let pdf = certificate_pdf::render(&inputs).map_err(|e| Error::fault("drawing the certificate", e))?;
    let mut parts: Vec<(String, Digest)> = Vec::new();
    let fixed = [(ENTRY, &entry), (RECEIPT, &receipt), (STATUS, &status), (PAGES, &pdf)].map(|(name, bytes)| (name.to_owned(), bytes));
    for (name, bytes) in fixed.into_iter().chain(further.iter().map(|(name, bytes)| (name.replacen("entries-", "entries/", 1), bytes))) {
        parts.push((name, app.halt.guard(app.files.put(bytes))?));
    }
    let pdf_sha256 = Digest::parse(&hex(&sha256(&pdf)))?;
    let beside: Beside = {
        let number = number.to_owned();
        Arc::new(move |db, receipt| {
            // Somebody else drew them first: theirs are kept.
            if receipt.entries.is_empty() {
                return Ok(());
            }
            parts.iter().try_for_each(|(name, sha256)| inventory::add_part(db, &number, name, sha256.as_str()))
        })
    };
    let command = RecordRendering { number: number.to_owned(), pdf_sha256, template: TEMPLATE.to_owned() };
    service.recorder.record_waiting(command, &app.service.clone(), None, Some(beside))?;
    Ok(())
}

/// A certificate that must exist.
pub fn find(db: &mut Database, number: &str) -> Result<Certificate> {
    tables::find::<Certificate>(db, &number.to_owned())?.ok_or_else(|| Error::Unknown(format!("There is no certificate {number}.")))
}

/// One stored part of a certificate: `certificate.vc.json`, `certificate.pdf`, `entries/12.json` …
pub fn part(app: &App, number: &str, name: &str) -> Result<Vec<u8>> {
    let parts = inventory::parts(&mut *app.read()?, number)?;
    let (_, sha256) =
        parts.into_iter().find(|(part, _)| part == name).ok_or_else(|| Error::Unknown(format!("The certificate {number} has no part {name}.")))?;
    app.files.get(&Digest::parse(&sha256)?)
}

/// `NSD-2026-7K4Q-XM2R`: initials of the organisation, the year, 40 random bits without letters that are misread.
fn number(app: &App) -> Result<String> {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let initials: String = app
        .organisation
        .as_str()
        .split_whitespace()
        .filter_map(|word| word.chars().next())
        .filter(char::is_ascii_alphabetic)
        .map(|letter| letter.to_ascii_uppercase())
        .take(4)
        .collect();
    let initials = if initials.is_empty() { "Q".to_owned() } else { initials };
    let random = seed()?;
    let letters: String = (0..8u32)
        .map(|n| {
            let five = usize::try_from((random >> (5 * n)) & 31).unwrap_or(0);
            LETTERS.get(five).map_or('0', |letter| char::from(*letter))
        })
        .collect();
    let (first, second) = letters.split_at(4);
    Ok(format!("{initials}-{}-{first}-{second}", now().utc().format("%Y")))
}

/// A random free place in the status list; random, so that a place tells nothing about the order of issue.
fn status_index(app: &App, db: &mut Database) -> Result<u32> {
    for _ in 0..64 {
        let index = u32::try_from(seed()? & 0x1_ffff).unwrap_or(0);
        if tables::owner(db, &Certificate::status_key(&app.identity.status_list(), index))?.is_none() {
            return Ok(index);
        }
    }
    Err(Error::Fault("the status list is full".to_owned()))
}

/// The entries a certificate rests on: everything about its device and media before it was issued.
fn cited(db: &mut Database, asset: &AssetId, media: &[crate::domain::names::MediumId], before: u64) -> Result<Vec<(i64, Vec<u8>)>> {
    let subjects: Vec<String> = std::iter::once(asset.to_string()).chain(media.iter().map(ToString::to_string)).collect();
    let mut found = log::entries_about(db, &subjects, 0, CITED + 1)?;
    if found.len() > usize::try_from(CITED).unwrap_or(usize::MAX) {
        return Err(Error::Fault(format!("more than {CITED} entries are about this device; one certificate cannot carry them")));
    }
    found.retain(|(seq, _)| u64::try_from(*seq).is_ok_and(|seq| seq < before));
    Ok(found)
}

/// Gathers what a certificate says: names of people and parties as of now, acts and entries from the record.
struct Facts<'a> {
    app: &'a App,
    db: &'a mut Database,
    /// By person: the salt, and the salted digest of what is shown.
    salts: BTreeMap<String, (Vec<u8>, Digest)>,
}

impl Facts<'_> {
    fn certificate(&mut self, verdict: &Verdict, number: &str, index: u32, at: Instant) -> Result<CertificateFacts> {
        let asset = &verdict.asset;
        let app = self.app;
        let entries = cited(self.db, &asset.id, &asset.media, u64::MAX)?;
        let media =
            verdict.media.iter().map(|medium| self.medium(medium, asset, verdict.required, verdict.destination)).collect::<Result<Vec<_>>>()?;
        let acts = |pick: fn(&crate::domain::medium::Sanitization) -> Option<&Act>| -> Vec<Act> {
            verdict.media.iter().filter_map(|medium| medium.sanitization.as_ref().and_then(pick).cloned()).collect()
        };
        let mut performed = self.people(&acts(|s| Some(&s.performed)))?;
        if let (CertificateKind::Recycling, Some(disposition)) = (verdict.kind, &asset.disposition) {
            performed = self.people(std::slice::from_ref(&disposition.recorded))?;
        }
        let verified = self.people(&acts(|s| s.verified.as_ref()))?;
        let accepted = self.people(&acts(|s| s.validated.as_ref()))?.into_iter().next();
        Ok(CertificateFacts {
            public_url: app.identity.public_url.clone(),
            number: number.to_owned(),
            kind: match verdict.kind {
                CertificateKind::Sanitization => Kind::Sanitization,
                CertificateKind::Destruction => Kind::Destruction,
                CertificateKind::Recycling => Kind::Recycling,
            },
            issuer: Issuer { did: app.identity.did.clone(), name: app.organisation.to_string() },
            valid_from: at.whole_seconds(),
            supersedes: None,
            device: Device {
                id: asset.id.to_string(),
                asset_tag: asset.tag.to_string(),
                serial_number: asset.serial.as_ref().map(ToString::to_string),
                category: asset.category.as_str().to_owned(),
                manufacturer: asset.manufacturer.to_string(),
                model: asset.model.to_string(),
                site: Some(asset.home.to_string()),
                sensitivity: asset.sensitivity.as_str().to_owned(),
                condition: None,
            },
            media,
            no_storage: asset.no_storage.map(|seq| self.no_storage(seq)).transpose()?,
            custody: self.custody(asset)?,
            disposition: asset.disposition.as_ref().map(|d| self.disposition(d)).transpose()?,
            people: People {
                performed_and_reported_by: performed,
                verified_by: verified,
                accepted_by: accepted,
                record_kept_by: app.organisation.to_string(),
            },
            policy: Policy {
                name: verdict.policy.name.clone(),
                version: verdict.policy.version.clone(),
                digest: verdict.policy.sha256.to_string(),
                adoption: Some(Adoption { on: verdict.adoption.decided_on.to_string(), reference: verdict.adoption.reference.to_string() }),
            },
            evidence: entries.iter().map(|(_, bytes)| self.cite(bytes)).collect::<Result<Vec<_>>>()?,
            status: StatusEntry { list_url: app.identity.status_list(), index },
        })
    }

    fn cite(&self, bytes: &[u8]) -> Result<CitedEntry> {
        let entry = Entry::parse(bytes).map_err(|e| Error::fault("a stored entry", e))?;
        Ok(CitedEntry {
            event: entry.frame().event.clone(),
            ledger_origin: self.app.identity.origin.clone(),
            ledger_index: entry.frame().seq,
            leaf_hash: hex(&entry.leaf()),
            digest_multibase: multibase(&sha256(bytes)),
        })
    }

    fn medium(&mut self, medium: &Medium, asset: &Asset, required: Method, destination: Destination) -> Result<credential::Medium> {
        let done = medium.sanitization.as_ref().ok_or_else(|| Error::Fault("a medium without sanitization passed the judgement".to_owned()))?;
        let serial = medium.serial.as_ref().or(asset.serial.as_ref());
        // What the other person could look at depends on who did the work: a machine that cuts, melts or magnetises reports no result of its own.
        let (code, words) = match done.technique {
            Technique::FactoryReset | Technique::PowerwashTpmClear | Technique::EraseAllContent
                if medium.identified_by == IdentifiedBy::HostSerial =>
            {
                ("inspection", "by another person: state of the device after the reset")
            }
            Technique::Shred | Technique::Pulverize | Technique::Disintegrate | Technique::Melt | Technique::Incinerate | Technique::Grind => {
                ("inspection", "by another person: what is left of the medium")
            }
            Technique::Degauss => ("inspection", "by another person: the machine that was used, and the medium"),
            _ => ("second_person", "by another person: the tool's result, its errors and the medium"),
        };
        Ok(credential::Medium {
            id: medium.id.to_string(),
            identified_by: medium.identified_by.as_str().to_owned(),
            serial_number: serial.map(ToString::to_string).unwrap_or_default(),
            model: None,
            storage_type: medium.media_type.as_str().to_owned(),
            capacity_bytes: medium.capacity_bytes,
            required_method: required.as_str().to_owned(),
            sanitization: credential::Sanitization {
                method: done.method.as_str().to_owned(),
                technique: done.technique.as_str().to_owned(),
                tool: done.tool.clone(),
                tool_version: None,
                completed_at: done.performed.occurred.whole_seconds(),
                result: "pass".to_owned(),
                verification: code.to_owned(),
                verification_words: words.to_owned(),
                evidence_sha256: done.evidence.as_ref().map(ToString::to_string),
                rule: done.rule.clone(),
                basis: done.basis.clone(),
                residual_risk: (done.method < required).then(|| medium.risk_accepted(destination).map(ResidualRisk::words)).flatten(),
                ledger_index: done.performed.seq,
            },
            destination: None,
        })
    }

    fn no_storage(&mut self, seq: u64) -> Result<NoStorage> {
        let bytes = log::entry(self.db, seq)?.ok_or_else(|| Error::Fault(format!("entry {seq} is missing")))?;
        let entry = Entry::parse(&bytes).map_err(|e| Error::fault("a stored entry", e))?;
        let frame = entry.frame();
        let Ok(Event::NoStorageAttested(event)) = Event::read(&frame.event, &frame.data) else {
            return Err(Error::Fault(format!("entry {seq} is no attestation")));
        };
        let by = Act {
            seq,
            occurred: Instant::parse(&frame.occurred)?,
            by: PersonId::parse(&frame.actor.id)?,
            party: PartyId::parse(&frame.actor.party)?,
        };
        let attested_by = self.people(&[by])?.into_iter().next().ok_or_else(|| Error::Fault("an attestation by nobody".to_owned()))?;
        Ok(NoStorage { attested_by, basis: event.basis.label().to_owned(), ledger_index: seq })
    }

    fn disposition(&mut self, d: &crate::domain::disposition::Disposition) -> Result<Disposition> {
        Ok(Disposition {
            outcome: d.outcome.as_str().to_owned(),
            outcome_words: d.outcome.label().to_owned(),
            weight_grams: u64::from(d.mass.weight_grams),
            weight_basis: d.mass.weight_basis.as_str().to_owned(),
            recovered_grams: d.mass.recovered_grams.map(u64::from),
            energy_grams: d.mass.energy_grams.map(u64::from),
            landfill_grams: d.mass.landfill_grams.map(u64::from),
            processor: self.party(&d.recorded.party)?,
            recorded_at: d.recorded.occurred.whole_seconds(),
            ledger_index: d.recorded.seq,
        })
    }

    fn custody(&mut self, asset: &Asset) -> Result<Custody> {
        let mut handoffs = Vec::new();
        let mut longest = 0;
        for handoff in asset.custody() {
            let (received_seq, received_at) = handoff.received.ok_or_else(|| Error::Fault("an open handoff passed the judgement".to_owned()))?;
            let (released_seq, released_at) = handoff.released;
            let hours = u64::try_from((received_at.unix_ms() - released_at.unix_ms()).max(0)).unwrap_or(0).div_ceil(3_600_000);
            longest = longest.max(hours);
            let consignment = tables::find::<Consignment>(self.db, &handoff.consignment)?;
            handoffs.push(Handoff {
                from: format!("{}, {}", self.party(&handoff.from.party)?, handoff.from.site),
                to: format!("{}, {}", self.party(&handoff.to.party)?, handoff.to.site),
                released_at: released_at.whole_seconds(),
                received_at: received_at.whole_seconds(),
                consignment_id: handoff.consignment.to_string(),
                consignment: consignment.as_ref().map(|consignment| consignment.reference.to_string()).unwrap_or_default(),
                ledger_indexes: vec![released_seq, received_seq],
                receipt: handoff.unconfirmed.as_ref().map(|document| unconfirmed(consignment.as_ref(), document)),
            });
        }
        let between = (!handoffs.is_empty()).then(|| "a release and its receipt".to_owned());
        Ok(Custody { handoffs, longest_interval_hours: longest, longest_interval_between: between })
    }

    fn party(&mut self, id: &PartyId) -> Result<String> {
        Ok(tables::find::<Party>(self.db, id)?.map_or_else(|| id.to_string(), |party| party.name.to_string()))
    }

    /// People as shown: one for each person, at the time of their last act, named as the directory names them now.
    fn people(&mut self, acts: &[Act]) -> Result<Vec<Person>> {
        let mut by_person: BTreeMap<&PersonId, &Act> = BTreeMap::new();
        for act in acts {
            let last = by_person.entry(&act.by).or_insert(act);
            if act.seq > last.seq {
                *last = act;
            }
        }
        by_person.into_values().map(|act| self.person(act)).collect()
    }

    fn person(&mut self, act: &Act) -> Result<Person> {
        let id = act.by.to_string();
        let (name, title) = match people::by_id(self.db, &id)? {
            Some(person) => (person.name, Some(person.title)),
            None => ("name erased".to_owned(), None),
        };
        if !self.salts.contains_key(&id) {
            let salt = [seed()?.to_be_bytes(), seed()?.to_be_bytes()].concat();
            let shown = canonical::to_vec(&json!({"name": name, "title": title})).map_err(|e| Error::fault("a name", e))?;
            let digest = Digest::parse(&hex(&sha256(&[salt.as_slice(), &shown].concat())))?;
            self.salts.insert(id.clone(), (salt, digest));
        }
        Ok(Person {
            id,
            name,
            title,
            party: self.party(&act.party)?,
            location: None,
            at: act.occurred.whole_seconds(),
            recorded: Some("recorded as stated, signed in with a token".to_owned()),
        })
    }
}
