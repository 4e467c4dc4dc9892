//! Tells people by mail what was recorded: which letters follow from an act, and who gets them. Called by the writer inside the transaction of the
//! entries, so that no act goes untold and none is told twice.

use std::collections::BTreeSet;

use super::record::{Receipt, Recorded};
use crate::app::App;
use crate::domain::certification::Certificate;
use crate::domain::consignment::Consignment;
use crate::domain::letters::{CertificateNamed, Certificates, ConsignmentNamed, Differs, Letter, LetterKind, NAMED, Received, Released};
use crate::domain::names::{ConsignmentId, Instant, PartyId, Role};
use crate::domain::parties::Party;
use crate::domain::{Actor, SubjectKind};
use crate::error::Result;
use crate::store::outbox::{self, Preferences, To};
use crate::store::people::{self, Person};
use crate::store::{Database, inventory, tables};

const RELEASED: &str = "consignment.released";
const RECEIVED: &str = "consignment.received";
const DIFFERS: &str = "discrepancy.recorded";
const ISSUED: &str = "certificate.issued";
const REVOKED: &str = "certificate.revoked";

/// Whether anything of this act is told by mail. Asked for every act, so it looks at nothing else.
pub fn is_news(receipt: &Receipt) -> bool {
    receipt.entries.iter().any(|entry| matches!(entry.event, RELEASED | RECEIVED | DIFFERS | ISSUED | REVOKED))
}

/// Writes the letters about acts; the tables are saved by then.
pub fn announce(app: &App, db: &mut Database, news: &[(&Actor, Receipt)]) -> Result<()> {
    if news.is_empty() {
        return Ok(());
    }
    let people = people::reachable(db)?;
    if people.is_empty() {
        return Ok(());
    }
    for (actor, receipt) in news {
        let Some(at) = receipt.time else { continue };
        Telling { app, people: &people, actor, at }.tell(db, receipt)?;
    }
    Ok(())
}

/// Whether a person of the directory gets letters of a kind, as far as their role goes and they want them.
pub fn wants(db: &mut Database, person: &Person, kind: LetterKind) -> Result<bool> {
    Ok(kind.is_for(Role::parse(&person.role)?) && Preferences::of(db, &person.id)?.want(kind))
}

struct Telling<'a> {
    app: &'a App,
    people: &'a [Person],
    actor: &'a Actor,
    at: Instant,
}

impl Telling<'_> {
    fn tell(&self, db: &mut Database, receipt: &Receipt) -> Result<()> {
        let of = |event: &str| receipt.entries.iter().filter(|entry| entry.event == event).collect::<Vec<&Recorded>>();
        for (event, entries) in [RELEASED, RECEIVED, DIFFERS].map(|event| (event, of(event))) {
            let Some(entry) = entries.first() else { continue };
            if let Some(consignment) = consignment(db, entry)? {
                self.tell_of(db, event, &consignment, entry.seq, entries.len())?;
            }
        }
        for (event, entries) in [ISSUED, REVOKED].map(|event| (event, of(event))) {
            self.certificates(db, event == REVOKED, &entries)?;
        }
        Ok(())
    }

    fn tell_of(&self, db: &mut Database, event: &str, consignment: &Consignment, seq: u64, entries: usize) -> Result<()> {
        let named = ConsignmentNamed {
            id: consignment.id.clone(),
            reference: consignment.reference.to_string(),
            from: format!("{}, {}", party(db, &consignment.from.party)?, consignment.from.site),
            to: format!("{}, {}", party(db, &consignment.to.party)?, consignment.to.site),
            lines: consignment.lines,
        };
        let open = number(consignment.open_discrepancies.len());
        let (from, to, own) = (&consignment.from.party, &consignment.to.party, &self.app.service.party);
        let (letter, parties) = match event {
            RELEASED => {
                let containers = number(consignment.containers.len());
                let letter = Released { consignment: named, containers, receipt_due_at: consignment.receipt_due_at(), seq };
                (Letter::ConsignmentReleased(letter), BTreeSet::from([to]))
            }
            RECEIVED => {
                let more_to_come = consignment.receipts.last().is_some_and(|receipt| receipt.more_to_come);
                let letter = Received { consignment: named, scanned: consignment.scanned.unwrap_or(0), more_to_come, open, seq };
                (Letter::ConsignmentReceived(letter), BTreeSet::from([from]))
            }
            _ => (Letter::Discrepancy(Differs { consignment: named, recorded: number(entries), open, seq }), BTreeSet::from([own, from, to])),
        };
        for person in self.readers(db, letter.kind(), &parties.into_iter().map(PartyId::as_str).collect())? {
            outbox::enqueue(db, &To::Person(person), &letter, self.at)?;
        }
        Ok(())
    }

    /// Each vendor is told of the certificates that concern it, the organisation of all.
    fn certificates(&self, db: &mut Database, revoked: bool, entries: &[&Recorded]) -> Result<()> {
        let kind = if revoked { LetterKind::CertificateRevoked } else { LetterKind::CertificateIssued };
        let mut named: Vec<(CertificateNamed, BTreeSet<String>)> = Vec::new();
        for entry in entries {
            let subject = entry.subjects.iter().find(|subject| subject.kind == SubjectKind::Certificate);
            let Some(number) = subject.and_then(|subject| Certificate::number_of(&subject.id)) else { continue };
            let Some(certificate) = tables::find::<Certificate>(db, &number.to_owned())? else { continue };
            let mut parties: BTreeSet<String> = inventory::parties_of_certificate(db, number)?.into_iter().collect();
            parties.insert(self.app.service.party.to_string());
            let told = CertificateNamed {
                number: certificate.number,
                kind: certificate.kind,
                url: certificate.url,
                revoked: certificate.revoked.filter(|_| revoked),
                seq: entry.seq,
            };
            named.push((told, parties));
        }
        let parties: BTreeSet<&str> = named.iter().flat_map(|(_, parties)| parties.iter().map(String::as_str)).collect();
        for person in self.people.iter().filter(|person| parties.contains(person.party.as_str())) {
            if person.id == self.actor.person.as_str() || !wants(db, person, kind)? {
                continue;
            }
            let mut mine: Vec<CertificateNamed> =
                named.iter().filter(|(_, parties)| parties.contains(&person.party)).map(|(told, _)| told.clone()).collect();
            let others = number(mine.len().saturating_sub(NAMED));
            mine.truncate(NAMED);
            let told = Certificates { named: mine, others };
            let letter = if revoked { Letter::CertificateRevoked(told) } else { Letter::CertificateIssued(told) };
            outbox::gather(db, &person.id, &letter, self.at)?;
        }
        Ok(())
    }

    /// Who of these parties gets such a letter; nobody is told what they did themselves.
    fn readers(&self, db: &mut Database, kind: LetterKind, parties: &BTreeSet<&str>) -> Result<Vec<String>> {
        let mut readers = Vec::new();
        for person in self.people {
            if parties.contains(person.party.as_str()) && person.id != self.actor.person.as_str() && wants(db, person, kind)? {
                readers.push(person.id.clone());
            }
        }
        Ok(readers)
    }
}

fn consignment(db: &mut Database, entry: &Recorded) -> Result<Option<Consignment>> {
    match entry.subjects.iter().find(|subject| subject.kind == SubjectKind::Consignment) {
        Some(subject) => tables::find::<Consignment>(db, &ConsignmentId::parse(&subject.id)?),
        None => Ok(None),
    }
}

fn party(db: &mut Database, id: &PartyId) -> Result<String> {
    Ok(tables::find::<Party>(db, id)?.map_or_else(|| id.to_string(), |party| party.name.to_string()))
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
