//! What people are told by mail: the kinds of letters and what each says. Counts and references alone: no serial numbers, no names of people.

use serde::{Deserialize, Serialize};

use super::certification::{CertificateKind, RevocationReason};
use super::exceptions::{ExceptionId, RuleId, Severity};
use super::names::{ConsignmentId, Instant, Role, codes};

codes! {
    /// The kinds of letters.
    LetterKind {
        Invitation = "invitation", "an invitation to sign in";
        OneTimeLink = "one_time_link", "a one-time link";
        ConsignmentReleased = "consignment_released", "a consignment is on its way to us";
        ConsignmentReceived = "consignment_received", "a consignment that we sent was received";
        Discrepancy = "discrepancy", "what arrived differs from what was listed";
        CertificateIssued = "certificate_issued", "a certificate was issued";
        CertificateRevoked = "certificate_revoked", "a certificate was revoked";
        ExceptionOverdue = "exception_overdue", "an exception is overdue";
        WeeklyDigest = "weekly_digest", "the weekly digest, Mondays at 07:00";
    }
}

impl LetterKind {
    /// Without an invitation or a link nobody can do what they were asked to; everything else is for whoever wants it.
    pub const fn can_be_switched_off(self) -> bool {
        !matches!(self, LetterKind::Invitation | LetterKind::OneTimeLink)
    }
    /// Whether people with this role get such letters.
    pub const fn is_for(self, role: Role) -> bool {
        match self {
            LetterKind::Invitation | LetterKind::OneTimeLink => false,
            LetterKind::ExceptionOverdue => !role.is_vendor() && !matches!(role, Role::Service),
            LetterKind::WeeklyDigest => matches!(role, Role::Coordinator | Role::Approver),
            _ => matches!(role, Role::Coordinator | Role::VendorOperator),
        }
    }
}

codes! {
    /// The languages that letters are written in. What only the organisation's own people get is in English.
    Language {
        English = "en", "English";
        Spanish = "es", "español";
    }
}

/// What a letter says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "letter", rename_all = "snake_case")]
pub enum Letter {
    /// Somebody is to sign in here.
    Invitation(Invitation),
    /// Somebody without an account is to receive a consignment.
    OneTimeLink(LinkSent),
    /// A consignment is on its way to whoever gets this.
    ConsignmentReleased(Released),
    /// A consignment was received by its receiver.
    ConsignmentReceived(Received),
    /// A receipt differs from what was listed.
    Discrepancy(Differs),
    /// Certificates were issued.
    CertificateIssued(Certificates),
    /// Certificates were revoked.
    CertificateRevoked(Certificates),
    /// Exceptions are overdue.
    ExceptionOverdue(Overdue),
    /// How things stand.
    WeeklyDigest(Digest),
}

impl Letter {
    /// Its kind.
    pub const fn kind(&self) -> LetterKind {
        match self {
            Letter::Invitation(_) => LetterKind::Invitation,
            Letter::OneTimeLink(_) => LetterKind::OneTimeLink,
            Letter::ConsignmentReleased(_) => LetterKind::ConsignmentReleased,
            Letter::ConsignmentReceived(_) => LetterKind::ConsignmentReceived,
            Letter::Discrepancy(_) => LetterKind::Discrepancy,
            Letter::CertificateIssued(_) => LetterKind::CertificateIssued,
            Letter::CertificateRevoked(_) => LetterKind::CertificateRevoked,
            Letter::ExceptionOverdue(_) => LetterKind::ExceptionOverdue,
            Letter::WeeklyDigest(_) => LetterKind::WeeklyDigest,
        }
    }
    /// The same letter with what another one tells, where several acts of one kind are told in one letter; `None` where they are not.
    pub fn and(&self, other: &Letter) -> Option<Letter> {
        match (self, other) {
            (Letter::CertificateIssued(some), Letter::CertificateIssued(more)) => Some(Letter::CertificateIssued(some.and(more))),
            (Letter::CertificateRevoked(some), Letter::CertificateRevoked(more)) => Some(Letter::CertificateRevoked(some.and(more))),
            _ => None,
        }
    }
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Where it leads: with the secret.
    pub address: String,
    /// As what.
    pub role: Role,
    /// For which party, by name.
    pub party: String,
    /// Until when it is good.
    pub expires_at: Instant,
}

/// A one-time link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkSent {
    /// Where it leads: with the secret.
    pub address: String,
    /// The consignment's reference.
    pub reference: String,
    /// Lines on it.
    pub lines: u32,
    /// Until when it is good.
    pub expires_at: Instant,
    /// The entry.
    pub seq: u64,
}

/// A consignment as letters name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsignmentNamed {
    /// Its id.
    pub id: ConsignmentId,
    /// Its reference.
    pub reference: String,
    /// Who released it: party and site.
    pub from: String,
    /// Who receives it: party and site.
    pub to: String,
    /// Lines listed.
    pub lines: u32,
}

/// A release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// Which.
    pub consignment: ConsignmentNamed,
    /// Its containers.
    pub containers: u32,
    /// By when the receipt is expected.
    pub receipt_due_at: Option<Instant>,
    /// The entry.
    pub seq: u64,
}

/// A receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Which.
    pub consignment: ConsignmentNamed,
    /// Things scanned so far.
    pub scanned: u32,
    /// More is to come.
    pub more_to_come: bool,
    /// Discrepancies that are open.
    pub open: u32,
    /// The entry.
    pub seq: u64,
}

/// Discrepancies that one act recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differs {
    /// Which.
    pub consignment: ConsignmentNamed,
    /// How many were recorded.
    pub recorded: u32,
    /// How many are open by now.
    pub open: u32,
    /// The first of their entries.
    pub seq: u64,
}

/// A certificate as letters name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateNamed {
    /// Its number.
    pub number: String,
    /// Its type.
    pub kind: CertificateKind,
    /// Its address.
    pub url: String,
    /// Why it was revoked.
    pub revoked: Option<RevocationReason>,
    /// The entry.
    pub seq: u64,
}

/// Certificates in one letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificates {
    /// The first ones.
    pub named: Vec<CertificateNamed>,
    /// How many there are besides.
    pub others: u32,
}

/// Most things that one letter names; of the rest it says how many.
pub const NAMED: usize = 20;

impl Certificates {
    fn and(&self, more: &Self) -> Self {
        let mut named = self.named.clone();
        named.extend(more.named.iter().cloned());
        let cut = u32::try_from(named.len().saturating_sub(NAMED)).unwrap_or(u32::MAX);
        named.truncate(NAMED);
        Self { named, others: self.others.saturating_add(more.others).saturating_add(cut) }
    }
    /// How many it tells of.
    pub fn total(&self) -> usize {
        self.named.len() + usize::try_from(self.others).unwrap_or(usize::MAX)
    }
}

/// An exception as letters name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionNamed {
    /// Which.
    pub id: ExceptionId,
    /// Its rule.
    pub rule: RuleId,
    /// How bad it is.
    pub severity: Severity,
    /// When somebody should have acted.
    pub due_at: Instant,
    /// The entry that raised it.
    pub seq: u64,
}

/// Exceptions that are overdue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overdue {
    /// The first ones, worst first.
    pub named: Vec<ExceptionNamed>,
    /// How many there are besides.
    pub others: u32,
}

impl Overdue {
    /// How many it tells of.
    pub fn total(&self) -> usize {
        self.named.len() + usize::try_from(self.others).unwrap_or(usize::MAX)
    }
}

/// How things stand at the beginning of a week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// The Monday, `2026-11-30`.
    pub monday: String,
    /// Open exceptions: word of the severity, how many.
    pub exceptions: Vec<(String, u64)>,
    /// Exceptions that may wait.
    pub snoozed: u64,
    /// Devices by what people call their state, and how many.
    pub devices: Vec<(String, u64)>,
    /// The last entry of the log by then.
    pub seq: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issued(n: usize) -> Certificates {
        let named = |n: usize| CertificateNamed {
            number: format!("C-{n}"),
            kind: CertificateKind::Sanitization,
            url: format!("https://records.example.org/certificates/C-{n}"),
            revoked: None,
            seq: 7,
        };
        Certificates { named: (0..n).map(named).collect(), others: 0 }
    }

    #[test]
    fn many_certificates_are_one_letter_that_names_the_first_ones() {
        let mut letter = Letter::CertificateIssued(issued(1));
        for _ in 1..27 {
            letter = letter.and(&Letter::CertificateIssued(issued(1))).unwrap();
        }
        let Letter::CertificateIssued(told) = &letter else { panic!("{letter:?}") };
        assert_eq!((told.named.len(), told.others, told.total()), (NAMED, 7, 27));
        assert!(letter.and(&Letter::CertificateRevoked(issued(1))).is_none());
    }

    #[test]
    fn a_letter_is_read_as_it_was_written() {
        let letter = Letter::CertificateRevoked(issued(2));
        let text = serde_json::to_string(&letter).unwrap();
        assert_eq!(serde_json::from_str::<Letter>(&text).unwrap(), letter);
        assert_eq!(letter.kind().as_str(), "certificate_revoked");
    }

    #[test]
    fn whoever_is_asked_to_do_something_is_always_told() {
        let fixed: Vec<_> = LetterKind::ALL.iter().filter(|kind| !kind.can_be_switched_off()).collect();
        assert_eq!(fixed, [&LetterKind::Invitation, &LetterKind::OneTimeLink]);
        assert!(LetterKind::WeeklyDigest.is_for(Role::Approver) && !LetterKind::WeeklyDigest.is_for(Role::VendorOperator));
    }
}
