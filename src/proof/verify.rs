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
use super::note::NoteVerifier;
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
        let did = DidDocument::parse(did_json).map_err(|why| why.to_string())?;
        let log = NoteVerifier::parse(vkey.trim()).map_err(|why| why.to_string())?;
        Ok(Self { did, log })
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
    /// For machines.
    pub fn name(&self) -> &'static str {
        self.words().0
    }

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
    Authentic,
    /// Nothing is wrong, but status, log or pages were not checked.
    AuthenticNotFullyChecked,
    /// Altered, not signed by a trusted key, or revoked.
    Refused,
    /// Not a certificate at all, as far as can be read.
    Unreadable,
}

impl Verdict {
    /// The exit code of `quittance verify`.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Authentic => 0,
            Self::Refused => 1,
            Self::Unreadable => 2,
            Self::AuthenticNotFullyChecked => 3,
        }
    }

    /// For machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Authentic => "authentic",
            Self::AuthenticNotFullyChecked => "authentic_not_fully_checked",
            Self::Refused => "refused",
            Self::Unreadable => "unreadable",
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
            let mut row = json!({"check": check.finding.name(), "title": check.finding.title(), "outcome": outcome, "detail": detail});
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

/// Checks a certificate with whatever travels along. `status` is a status list credential obtained for this check; `redraw` is
/// absent in a build that cannot draw pages.
pub fn certificate(bundle: &Bundle, trust: &Trust, status: Option<&[u8]>, redraw: Option<Redraw<'_>>) -> Report {
    let mut checks = Checks::default();
    let bytes = bundle.part(bundle::CREDENTIAL);
    let Some((value, certificate)) = checks.credential(bytes, trust) else {
        let verdict = if bytes.is_some_and(is_json) { Verdict::Refused } else { Verdict::Unreadable };
        return Report { checks: checks.made, verdict, certificate: None };
    };
    checks.check(
        Finding::CredentialSignature,
        integrity::verify(&value, &trust.did, ISSUER_SCOPE).map(|()| {
            let method = value.get("proof").and_then(|proof| proof.get("verificationMethod")).and_then(Value::as_str);
            format!("signed with {}", method.unwrap_or_default())
        }),
    );

    let entry = checks.issued_entry(bundle, trust, &certificate, bytes.unwrap_or_default());
    let head = checks.receipt(bundle.part(bundle::RECEIPT), entry.as_ref(), trust);
    for cited in &certificate.evidence {
        let outcome = cited_entry(bundle, trust, cited, entry.as_ref(), head.as_ref());
        checks.add(Finding::CitedEntry { seq: cited.seq }, outcome);
    }

    let snapshot = checks.status_snapshot(bundle, trust, &certificate);
    checks.status_now(status, trust, &certificate, snapshot.as_deref());
    if let Some(pdf) = &bundle.pdf {
        checks.pages(bundle, pdf, redraw);
    }
    let verdict = checks.verdict();
    Report { checks: checks.made, verdict, certificate: Some(certificate) }
}

/// Checks one ledger entry, with its receipt if there is one.
pub fn ledger_entry(entry: &[u8], receipt: Option<&[u8]>, trust: &Trust) -> Report {
    let mut checks = Checks::default();
    let read = checks.signed_entry(entry, trust);
    checks.receipt(receipt, read.as_ref(), trust);
    let verdict = if is_json(entry) { checks.verdict() } else { Verdict::Unreadable };
    Report { checks: checks.made, verdict, certificate: None }
}

/// Whether there is something that could have been altered; what is not even JSON cannot be read.
fn is_json(bytes: &[u8]) -> bool {
    !matches!(canonical::parse(bytes), Err(NotCanonical::Json))
}

/// The checks made so far.
#[derive(Default)]
struct Checks {
    made: Vec<Check>,
}

impl Checks {
    fn add(&mut self, finding: Finding, outcome: Outcome) {
        self.made.push(Check { finding, outcome });
    }

    /// Adds a check that was made; `true` if it passed.
    fn check<E: fmt::Display>(&mut self, finding: Finding, result: Result<String, E>) -> bool {
        let passed = result.is_ok();
        self.add(finding, result.map_or_else(|why| Outcome::Failed(why.to_string()), Outcome::Passed));
        passed
    }

    fn not_run(&mut self, finding: Finding, why: &str) {
        self.add(finding, Outcome::NotRun(why.to_owned()));
    }

    fn failed(&self) -> bool {
        self.made.iter().any(|check| matches!(check.outcome, Outcome::Failed(_)))
    }

    /// A failure refuses. Without one, only the snapshot and cited entries that did not travel along may be missing from full marks:
    /// the snapshot clears nothing anyway, and the issuer's signature covers the hashes of what it cites.
    fn verdict(&self) -> Verdict {
        let dispensable = |check: &Check| matches!(check.finding, Finding::StatusSnapshot | Finding::CitedEntry { .. });
        let missing = |check: &Check| matches!(check.outcome, Outcome::NotRun(_)) && !dispensable(check);
        if self.failed() {
            Verdict::Refused
        } else if self.made.iter().any(missing) {
            Verdict::AuthenticNotFullyChecked
        } else {
            Verdict::Authentic
        }
    }

    /// Form and issuer. Without them there is nothing that further checks could be about.
    fn credential(&mut self, bytes: Option<&[u8]>, trust: &Trust) -> Option<(Value, Certificate)> {
        let Some(bytes) = bytes else {
            self.check(Finding::CredentialForm, Err(format!("there is no {}", bundle::CREDENTIAL)));
            return None;
        };
        let value = canonical::parse(bytes).map_err(|why| why.to_string());
        let read = value.and_then(|value| Certificate::read(&value).map(|certificate| (value, certificate)).map_err(|why| why.to_string()));
        self.check(Finding::CredentialForm, read.as_ref().map(|(_, certificate)| certificate.id.clone()));
        let (value, certificate) = read.ok()?;
        let trusted = certificate.issuer == trust.did.id();
        let issuer = if trusted {
            Ok(certificate.issuer.clone())
        } else {
            Err(format!("the issuer is {}, the trusted one {}", certificate.issuer, trust.did.id()))
        };
        self.check(Finding::Issuer, issuer);
        Some((value, certificate))
    }

    fn signed_entry(&mut self, bytes: &[u8], trust: &Trust) -> Option<Entry> {
        let entry = Entry::parse(bytes).map_err(|why| why.to_string());
        let signed = entry.as_ref().map_err(Clone::clone).and_then(|entry| entry_of_this_log(entry, trust));
        self.check(Finding::EntrySignature, signed);
        entry.ok()
    }

    fn issued_entry(&mut self, bundle: &Bundle, trust: &Trust, certificate: &Certificate, credential: &[u8]) -> Option<Entry> {
        let Some(bytes) = bundle.part(bundle::ENTRY) else {
            let why = format!("there is no {}", bundle::ENTRY);
            self.not_run(Finding::EntrySignature, &why);
            self.not_run(Finding::EntryNamesCredential, &why);
            return None;
        };
        let Some(entry) = self.signed_entry(bytes, trust) else {
            self.not_run(Finding::EntryNamesCredential, "the entry cannot be read");
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
        self.check(Finding::EntryNamesCredential, names);
        Some(entry)
    }

    /// Log signature and inclusion; gives the head.
    fn receipt(&mut self, receipt: Option<&[u8]>, entry: Option<&Entry>, trust: &Trust) -> Option<Checkpoint> {
        let Some(receipt) = receipt else {
            self.not_run(Finding::LogSignature, "there is no receipt (.tlog-proof)");
            self.not_run(Finding::Inclusion, "there is no receipt (.tlog-proof)");
            return None;
        };
        let proof = match read_receipt(receipt) {
            Ok(proof) => proof,
            Err(why) => {
                self.check(Finding::LogSignature, Err(why));
                self.not_run(Finding::Inclusion, "the receipt cannot be read");
                return None;
            }
        };
        let head = Checkpoint::open(&proof.checkpoint, &trust.log);
        self.check(Finding::LogSignature, head.as_ref().map(|head| format!("{} signed its head of {} entries", head.origin, head.size)));
        match (head.as_ref().ok(), entry) {
            (Some(head), Some(entry)) => {
                self.check(Finding::Inclusion, included(entry, &proof, head));
            }
            (None, _) => self.not_run(Finding::Inclusion, "the head of the log is not trusted"),
            (_, None) => self.not_run(Finding::Inclusion, "there is no entry to look for"),
        }
        head.ok()
    }

    /// Gives the time of the snapshot, if it is genuine.
    fn status_snapshot(&mut self, bundle: &Bundle, trust: &Trust, certificate: &Certificate) -> Option<String> {
        let Some(bytes) = bundle.part(bundle::STATUS) else {
            self.not_run(Finding::StatusSnapshot, "no status list travels along");
            return None;
        };
        let status = status_at(bytes, trust, certificate);
        self.check(Finding::StatusSnapshot, status.as_ref().map(|time| format!("not revoked as of {time}; says nothing about later")));
        status.ok()
    }

    fn status_now(&mut self, status: Option<&[u8]>, trust: &Trust, certificate: &Certificate, snapshot: Option<&str>) {
        let Some(bytes) = status else {
            self.not_run(Finding::StatusNow, "no status list was given; it may have been revoked since");
            return;
        };
        match status_at(bytes, trust, certificate) {
            // Whole seconds in UTC sort as text.
            Ok(time) if snapshot.is_some_and(|snapshot| time.as_str() < snapshot) => {
                let why = format!("the status list given is as of {time}, older than the one that travels along");
                self.not_run(Finding::StatusNow, &why);
            }
            Ok(time) => {
                self.check::<String>(Finding::StatusNow, Ok(format!("not revoked as of {time}")));
            }
            Err(why) => {
                self.check(Finding::StatusNow, Err(why));
            }
        }
    }

    fn pages(&mut self, bundle: &Bundle, pdf: &[u8], redraw: Option<Redraw<'_>>) {
        let Some(redraw) = redraw else {
            self.not_run(Finding::Pages, "this build cannot draw pages; read the credential, not the pages");
            return;
        };
        if self.failed() {
            self.not_run(Finding::Pages, "not drawn, because something else failed");
            return;
        }
        match redraw(bundle) {
            Ok(drawn) if drawn == pdf => {
                self.check::<String>(Finding::Pages, Ok("drawn again, byte for byte the same".to_owned()));
            }
            Ok(_) => {
                self.check(Finding::Pages, Err("drawn again, the file differs from this one"));
            }
            Err(why) => self.not_run(Finding::Pages, &why),
        }
    }
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

fn read_receipt(bytes: &[u8]) -> Result<TlogProof, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the receipt is not text".to_owned())?;
    TlogProof::parse(text).map_err(|why| why.to_string())
}

fn included(entry: &Entry, proof: &TlogProof, head: &Checkpoint) -> Result<String, String> {
    if entry.frame().seq != proof.index {
        return Err(format!("the entry has number {}, the receipt is for {}", entry.frame().seq, proof.index));
    }
    let leads = tree::verify_inclusion(proof.index, head.size, &entry.leaf(), &proof.hashes, &head.root);
    if leads {
        Ok(format!("entry {} is in the log of {} entries", proof.index, head.size))
    } else {
        Err("the path does not lead from this entry to the root that the log signed".to_owned())
    }
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
        if issued.is_some_and(|issued| issued.frame().seq <= cited.seq) {
            return Err("the certificate cites an entry that was made after it".to_owned());
        }
        let Some(receipt) = bundle.part(&format!("entries/{}.tlog-proof", cited.seq)) else { return Ok(None) };
        let proof = read_receipt(receipt)?;
        let own = Checkpoint::open(&proof.checkpoint, &trust.log).map_err(|why| why.to_string())?;
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
