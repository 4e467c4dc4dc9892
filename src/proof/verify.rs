//! Every check over a certificate or a ledger entry, each by name: passed, failed, or why it was not run.
//! Whom to trust comes from the caller; nothing that is being checked can name its own judge.

use std::fmt;

use serde_json::{Value, json};

use super::bundle::{self, Bundle};
use super::canonical::{self, NotCanonical};
use super::checkpoint::Checkpoint;
use super::credential::{Certificate, Citation};
use super::digest::{hex, multibase, sha256};
use super::entry::Entry;
use super::identity::{DidDocument, ISSUER_SCOPE};
use super::integrity;
use super::note::{NoteError, NoteVerifier};
use super::status;
use super::tlog_proof::TlogProof;
use super::tree;

/// Event of the entry that records a certificate.
const ISSUED: &str = "certificate.issued";

/// Whom the verifier believes. It must reach the verifier by another way than the certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// The organisation's keys.
    pub did: DidDocument,
    /// The key of its log; its name is the origin.
    pub log: NoteVerifier,
}

impl Trust {
    /// Reads a DID document and a verifier key (`name+hash+base64`, white space around it ignored). The error is a sentence.
    pub fn from_files(did_json: &[u8], vkey: &str) -> Result<Self, String> {
        Ok(Self { did: DidDocument::parse(did_json)?, log: NoteVerifier::parse(vkey.trim()).map_err(|why| why.to_string())? })
    }
}

/// The checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The credential is canonical JSON and has what a certificate must have.
    CredentialForm,
    /// Its issuer is the trusted organisation.
    Issuer,
    /// An issuer key of that organisation signed it.
    CredentialSignature,
    /// The ledger entry has its form, and an entry key signed it.
    EntrySignature,
    /// That entry records the issue of exactly these bytes.
    EntryNamesCredential,
    /// What the actor signed with a key of their own travels in the entry, that key signed it, and it states this event.
    OwnSignature,
    /// The log signed the checkpoint in the receipt.
    LogSignature,
    /// The entry is in the log under that checkpoint.
    Inclusion,
    /// A ledger entry that the certificate cites is the one that travels along, signed and in the log.
    CitedEntry {
        /// Its number.
        seq: u64,
    },
    /// The status list as of issue does not show a revocation. It can never clear a certificate.
    StatusSnapshot,
    /// The status list given for this check does not show a revocation.
    StatusNow,
    /// The pages are the ones that these parts give.
    Pages,
}

impl Finding {
    /// For people.
    pub fn title(&self) -> &'static str {
        self.words().1
    }

    fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::CredentialForm => ("credential_form", "the certificate is well formed"),
            Self::Issuer => ("issuer", "it is by the trusted issuer"),
            Self::CredentialSignature => ("credential_signature", "the issuer's signature"),
            Self::EntrySignature => ("entry_signature", "the ledger entry and its signature"),
            Self::EntryNamesCredential => ("entry_names_credential", "the ledger entry records this certificate"),
            Self::OwnSignature => ("own_signature", "what the actor signed with own key"),
            Self::LogSignature => ("log_signature", "the log's signature on its head"),
            Self::Inclusion => ("inclusion", "the entry is in the log"),
            Self::CitedEntry { .. } => ("cited_entry", "a ledger entry that the certificate cites"),
            Self::StatusSnapshot => ("status_snapshot", "not revoked when it was issued"),
            Self::StatusNow => ("status_now", "not revoked by the status list given"),
            Self::Pages => ("pages", "the pages show what was signed"),
        }
    }
}

/// What a check came to; the text says what was seen, or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Passed(String),
    /// It does not hold.
    Failed(String),
    /// It could not be made, and why.
    NotRun(String),
}

/// One check and its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Which check.
    pub finding: Finding,
    /// What it came to.
    pub outcome: Outcome,
}

/// What all checks together say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything holds, and a status list given for this check says good.
    Authentic = 0,
    /// Nothing is wrong, but status, log or pages were not checked.
    AuthenticNotFullyChecked = 3,
    /// Altered, not signed by a trusted key, or revoked.
    Refused = 1,
    /// Not a certificate at all, as far as can be read.
    Unreadable = 2,
}

impl Verdict {
    /// The exit code of `quittance verify`.
    pub fn exit_code(&self) -> u8 {
        *self as u8
    }

    /// For machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Authentic => "authentic",
            Self::Refused => "refused",
            Self::Unreadable => "unreadable",
            Self::AuthenticNotFullyChecked => "authentic_not_fully_checked",
        }
    }
}

/// All checks of one certificate or entry, in the order in which they were made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The checks.
    pub checks: Vec<Check>,
    /// What they say together.
    pub verdict: Verdict,
    /// What was read of the certificate; believe it only as far as the verdict goes.
    pub certificate: Option<Certificate>,
}

impl Report {
    /// The report for machines.
    pub fn to_json(&self) -> Value {
        let checks = self.checks.iter().map(|check| {
            let (outcome, detail) = match &check.outcome {
                Outcome::Passed(detail) => ("passed", detail),
                Outcome::Failed(detail) => ("failed", detail),
                Outcome::NotRun(detail) => ("not_run", detail),
            };
            let mut row = json!({"check": check.finding.words().0, "title": check.finding.title(), "outcome": outcome, "detail": detail});
            if let (Finding::CitedEntry { seq }, Some(row)) = (check.finding, row.as_object_mut()) {
                row.insert("seq".to_owned(), seq.into());
            }
            row
        });
        let certificate = self.certificate.as_ref().map(|certificate| {
            json!({
                "id": certificate.id, "type": certificate.types, "name": certificate.name, "issuer": certificate.issuer,
                "issuerName": certificate.issuer_name, "validFrom": certificate.valid_from,
            })
        });
        json!({
            "verdict": self.verdict.name(), "exitCode": self.verdict.exit_code(), "certificate": certificate, "checks": checks.collect::<Vec<_>>(),
        })
    }
}

/// Draws the pages again from the parts of a bundle, byte for byte; the error says why it cannot.
pub type Redraw<'a> = &'a dyn Fn(&Bundle) -> Result<Vec<u8>, String>;

/// Checks a certificate with whatever travels along; evidence, withheld or not, does not: the certificate names its SHA-256. `status` is a status list
/// credential obtained for this check; `redraw` is absent in a build that cannot draw pages.
pub fn certificate(bundle: &Bundle, trust: &Trust, status: Option<&[u8]>, redraw: Option<Redraw<'_>>) -> Report {
    let mut checks = Checks::default();
    let bytes = bundle.part(bundle::CREDENTIAL);
    let Some(certificate) = checks.credential(bytes, trust) else {
        return checks.report(bytes.is_some_and(is_json), None);
    };
    let entry = checks.issued_entry(bundle, trust, &certificate, bytes.unwrap_or_default());
    let head = checks.receipt(bundle.part(bundle::RECEIPT), entry.as_ref(), trust);
    for cited in &certificate.evidence {
        checks.add(Finding::CitedEntry { seq: cited.seq }, cited_entry(bundle, trust, cited, entry.as_ref(), head.as_ref()));
    }

    let snapshot = bundle.part(bundle::STATUS).map(|bytes| status_at(bytes, trust, &certificate));
    let as_of = snapshot.as_ref().and_then(|seen| seen.clone().ok());
    let snapshot = snapshot.map(|seen| seen.map(|time| format!("not revoked as of {time}; says nothing about later")).into());
    checks.add(Finding::StatusSnapshot, snapshot.unwrap_or_else(|| not_run("no status list travels along")));
    let now = match status.map(|bytes| status_at(bytes, trust, &certificate)) {
        // Whole seconds in UTC sort as text.
        Some(Ok(time)) if as_of.is_some_and(|as_of| time < as_of) => {
            not_run(&format!("the status list given is as of {time}, older than the one that travels along"))
        }
        Some(seen) => seen.map(|time| format!("not revoked as of {time}")).into(),
        None => not_run("no status list was given; it may have been revoked since"),
    };
    checks.add(Finding::StatusNow, now);
    if let Some(pdf) = &bundle.pdf {
        let pages = match redraw.filter(|_| !checks.failed()).map(|redraw| redraw(bundle)) {
            Some(Ok(drawn)) if drawn == *pdf => Outcome::Passed("drawn again, byte for byte the same".to_owned()),
            Some(Ok(_)) => Outcome::Failed("drawn again, the file differs from this one".to_owned()),
            Some(Err(why)) => Outcome::NotRun(why),
            None if redraw.is_some() => not_run("not drawn, because something else failed"),
            None => not_run("this build cannot draw pages; read the credential, not the pages"),
        };
        checks.add(Finding::Pages, pages);
    }
    checks.report(true, Some(certificate))
}

/// Checks one ledger entry, with its receipt if there is one.
pub fn ledger_entry(entry: &[u8], receipt: Option<&[u8]>, trust: &Trust) -> Report {
    let mut checks = Checks::default();
    let read = checks.signed_entry(entry, trust);
    if let Some(own) = read.as_ref().and_then(|entry| entry.own_key().transpose()) {
        let named = |key: String| format!("signed with own key {key}; whose key that was, an entry party.key_registered says");
        checks.add(Finding::OwnSignature, own.map(named));
    }
    checks.receipt(receipt, read.as_ref(), trust);
    checks.report(is_json(entry), None)
}

/// Whether there is something that could have been altered; what is not even JSON cannot be read.
fn is_json(bytes: &[u8]) -> bool {
    !matches!(canonical::parse(bytes), Err(NotCanonical::Json))
}

/// The checks made so far.
#[derive(Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn add(&mut self, finding: Finding, outcome: impl Into<Outcome>) {
        self.0.push(Check { finding, outcome: outcome.into() });
    }

    fn failed(&self) -> bool {
        self.0.iter().any(|check| matches!(check.outcome, Outcome::Failed(_)))
    }

    /// A failure refuses. Without one, only the snapshot and cited entries that did not travel along may be missing from full marks:
    /// the snapshot clears nothing anyway, and the issuer's signature covers the hashes of what it cites.
    fn report(self, readable: bool, certificate: Option<Certificate>) -> Report {
        let dispensable = |check: &Check| matches!(check.finding, Finding::StatusSnapshot | Finding::CitedEntry { .. });
        let missing = |check: &Check| matches!(check.outcome, Outcome::NotRun(_)) && !dispensable(check);
        let verdict = match (readable, self.failed()) {
            (false, _) => Verdict::Unreadable,
            (true, true) => Verdict::Refused,
            (true, false) if self.0.iter().any(missing) => Verdict::AuthenticNotFullyChecked,
            (true, false) => Verdict::Authentic,
        };
        Report { checks: self.0, verdict, certificate }
    }

    /// Form, issuer and signature. Without the form there is nothing that further checks could be about.
    fn credential(&mut self, bytes: Option<&[u8]>, trust: &Trust) -> Option<Certificate> {
        let read = || -> Result<(Value, Certificate), String> {
            let value = canonical::parse(bytes.ok_or(format!("there is no {}", bundle::CREDENTIAL))?).map_err(|why| why.to_string())?;
            let certificate = Certificate::read(&value).map_err(|why| why.to_string())?;
            Ok((value, certificate))
        };
        let read = read();
        self.add(Finding::CredentialForm, read.as_ref().map(|(_, certificate)| certificate.id.clone()));
        let (value, certificate) = read.ok()?;
        let issuer = &certificate.issuer;
        let trusted = issuer == trust.did.id();
        let wrong = || format!("the issuer is {issuer}, the trusted one {}", trust.did.id());
        self.add(Finding::Issuer, trusted.then(|| issuer.clone()).ok_or_else(wrong));
        let signed = integrity::verify(&value, &trust.did, ISSUER_SCOPE);
        let method = value.pointer("/proof/verificationMethod").and_then(Value::as_str).unwrap_or_default();
        self.add(Finding::CredentialSignature, signed.map(|()| format!("signed with {method}")));
        Some(certificate)
    }

    fn signed_entry(&mut self, bytes: &[u8], trust: &Trust) -> Option<Entry> {
        let entry = Entry::parse(bytes).map_err(|why| why.to_string());
        self.add(Finding::EntrySignature, entry.as_ref().map_err(Clone::clone).and_then(|entry| entry_of_this_log(entry, trust)));
        entry.ok()
    }

    fn issued_entry(&mut self, bundle: &Bundle, trust: &Trust, certificate: &Certificate, credential: &[u8]) -> Option<Entry> {
        let Some(bytes) = bundle.part(bundle::ENTRY) else {
            let why = not_run(&format!("there is no {}", bundle::ENTRY));
            self.add(Finding::EntrySignature, why.clone());
            self.add(Finding::EntryNamesCredential, why);
            return None;
        };
        let Some(entry) = self.signed_entry(bytes, trust) else {
            self.add(Finding::EntryNamesCredential, not_run("the entry cannot be read"));
            return None;
        };
        let frame = entry.frame();
        let says = |member: &str| frame.data.get(member).and_then(Value::as_str);
        let sha256 = hex(&sha256(credential));
        let names = if frame.event != ISSUED {
            Err(format!("the entry records {}, not {ISSUED}", frame.event))
        } else if says("credential_sha256") != Some(&sha256) {
            Err("the entry records a certificate with other bytes".to_owned())
        } else if says("credential") != Some(&certificate.id) && !frame.subjects.iter().any(|subject| subject.id == certificate.id) {
            Err("the entry records a certificate of another name".to_owned())
        } else {
            Ok(format!("entry {} recorded it at {} with SHA-256 {sha256}", frame.seq, frame.time))
        };
        self.add(Finding::EntryNamesCredential, names);
        Some(entry)
    }

    /// Log signature and inclusion; gives the head.
    fn receipt(&mut self, receipt: Option<&[u8]>, entry: Option<&Entry>, trust: &Trust) -> Option<Checkpoint> {
        let read = receipt.ok_or_else(|| not_run("there is no receipt (.tlog-proof)"));
        let read = read.and_then(|bytes| read_receipt(bytes, trust).map_err(Outcome::Failed));
        let signed = read.as_ref().map(|(_, head)| Outcome::Passed(format!("{} signed its head of {} entries", head.origin, head.size)));
        self.add(Finding::LogSignature, signed.unwrap_or_else(Outcome::clone));
        let inclusion = match (&read, entry) {
            (Ok((proof, head)), Some(entry)) => included(entry, proof, head).into(),
            (Err(_), _) => not_run("there is no head of the log to trust"),
            (_, None) => not_run("there is no entry to look for"),
        };
        self.add(Finding::Inclusion, inclusion);
        read.ok().map(|(_, head)| head)
    }
}

impl<E: fmt::Display> From<Result<String, E>> for Outcome {
    fn from(result: Result<String, E>) -> Self {
        result.map_or_else(|why| Self::Failed(why.to_string()), Self::Passed)
    }
}

fn not_run(why: &str) -> Outcome {
    Outcome::NotRun(why.to_owned())
}

/// Signed by an entry key of the trusted organisation, for the trusted log.
fn entry_of_this_log(entry: &Entry, trust: &Trust) -> Result<String, String> {
    entry.verify(&trust.did).map_err(|why| why.to_string())?;
    let frame = entry.frame();
    if frame.log != trust.log.name() {
        return Err(format!("the entry belongs to the log {}, the trusted one is {}", frame.log, trust.log.name()));
    }
    Ok(format!("{} of {}, signed with {}", frame.event, frame.time, entry.verification_method()))
}

/// A receipt with the head that the trusted log signed in it.
fn read_receipt(bytes: &[u8], trust: &Trust) -> Result<(TlogProof, Checkpoint), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the receipt is not text".to_owned())?;
    let read = TlogProof::parse(text).and_then(|proof| Checkpoint::open(&proof.checkpoint, &trust.log).map(|head| (proof, head)));
    read.map_err(|why| why.to_string())
}

fn included(entry: &Entry, proof: &TlogProof, head: &Checkpoint) -> Result<String, String> {
    let seq = entry.frame().seq;
    if seq != proof.index {
        return Err(format!("the entry has number {seq}, the receipt is for {}", proof.index));
    }
    let leads = tree::verify_inclusion(seq, head.size, &entry.leaf(), &proof.hashes, &head.root);
    leads.then(|| format!("entry {seq} is in the log of {} entries", head.size)).ok_or_else(|| NoteError::Path.to_string())
}

/// A cited entry that travels along must be the very one, signed, older than the certificate's own, and in the same log.
fn cited_entry(bundle: &Bundle, trust: &Trust, cited: &Citation, issued: Option<&Entry>, head: Option<&Checkpoint>) -> Outcome {
    if cited.origin != trust.log.name() {
        return Outcome::NotRun(format!("it is in another log, {}, whose key was not given", cited.origin));
    }
    let name = format!("entries/{}.json", cited.seq);
    let Some(bytes) = bundle.part(&name) else {
        return Outcome::NotRun(format!("{name} does not travel along; the certificate names its hash {}", hex(&cited.leaf)));
    };
    let checked = || -> Result<Option<String>, String> {
        let entry = Entry::parse(bytes).map_err(|why| why.to_string())?;
        if entry.leaf() != cited.leaf || multibase(&sha256(bytes)) != cited.digest_multibase || entry.frame().seq != cited.seq {
            return Err(format!("{name} is not the entry that the certificate cites"));
        }
        let signed = entry_of_this_log(&entry, trust)?;
        entry.own_key().map_err(|why| why.to_string())?;
        if issued.is_some_and(|issued| issued.frame().seq <= cited.seq) {
            return Err("the certificate cites an entry that was made after it".to_owned());
        }
        let Some(receipt) = bundle.part(&format!("entries/{}.tlog-proof", cited.seq)) else { return Ok(None) };
        let (proof, own) = read_receipt(receipt, trust)?;
        if head.is_some_and(|head| head.size == own.size && head.root != own.root) {
            return Err(format!("the log signed two different heads of {} entries", own.size));
        }
        Ok(Some(format!("{signed}; {}", included(&entry, &proof, &own)?)))
    };
    match checked() {
        Ok(Some(detail)) => Outcome::Passed(detail),
        Ok(None) => Outcome::NotRun(format!("{name} is the entry that the certificate cites, but its receipt does not travel along")),
        Err(why) => Outcome::Failed(why),
    }
}

/// As of when a list that the issuer signed says that the certificate is not revoked.
fn status_at(bytes: &[u8], trust: &Trust, certificate: &Certificate) -> Result<String, String> {
    let status = status::read(bytes, &trust.did).map_err(|why| why.to_string())?;
    if status.url != certificate.status_list {
        return Err(format!("the status list is {}, the certificate's is {}", status.url, certificate.status_list));
    }
    match status.list.get(certificate.status_index) {
        Some(false) => Ok(status.valid_from),
        Some(true) => Err(format!("revoked or superseded, as of {}", status.valid_from)),
        None => Err("the status list is too short for this certificate".to_owned()),
    }
}
