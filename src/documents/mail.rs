//! Letters as mail servers take them. Each text of `templates/mail/` is drawn twice, as plain text and as HTML, so that both say the same; the same
//! letter gives the same bytes however often it is sent.

use std::fmt;
use std::time::{Duration, SystemTime};

use askama::Template;
use chrono::Datelike;
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use lettre::{Address, address::AddressError};

use crate::domain::letters::{Certificates, Differs, Digest, ExceptionNamed, Invitation, Language, Letter, LinkSent, Overdue, Received, Released};
use crate::domain::names::{ConsignmentId, Instant};

/// What a letter needs besides what it says.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// The UUID that its Message-ID is made of.
    pub id: &'a str,
    /// When it was written.
    pub created: Instant,
    /// Whose record it is about.
    pub organisation: &'a str,
    /// The record's address, without a slash at its end.
    pub base: &'a str,
    /// In which language.
    pub language: Language,
    /// It goes to somebody who is not in the directory.
    pub outside: bool,
    /// Where one click ends such letters.
    pub unsubscribe: Option<String>,
}

const MONTHS_ES: [&str; 12] = ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"];

impl About<'_> {
    fn when(&self, at: &Instant) -> String {
        let at = at.utc();
        match self.language {
            Language::English => at.format("%-d %b %Y, %H:%M UTC").to_string(),
            Language::Spanish => {
                let month = usize::try_from(at.month0()).ok().and_then(|month| MONTHS_ES.get(month)).unwrap_or(&"");
                format!("{} {month} {}", at.day(), at.format("%Y, %H:%M UTC"))
            }
        }
    }
    fn consignment(&self, id: &ConsignmentId) -> String {
        format!("{}/consignments/{}", self.base, bare(id.as_str()))
    }
    fn entry(&self, seq: &u64) -> String {
        format!("{}/ledger/entries/{seq}", self.base)
    }
    fn exception(&self, exception: &ExceptionNamed) -> String {
        let subject = exception.id.as_str().split('#').next().unwrap_or_default();
        format!("{}/exceptions/{}.{}", self.base, exception.rule, bare(subject))
    }
    /// `records.example.org`, without a port.
    fn host(&self) -> &str {
        let rest = self.base.split_once("://").map_or(self.base, |(_, rest)| rest);
        rest.split(['/', ':']).next().unwrap_or(rest)
    }
}

fn bare(id: &str) -> &str {
    id.strip_prefix("urn:uuid:").unwrap_or(id)
}

macro_rules! texts {
    ($($name:ident, $path:literal, $letter:ty;)+) => {
        $(
            #[derive(Template)]
            #[template(path = $path)]
            struct $name<'a> {
                of: &'a About<'a>,
                letter: &'a $letter,
            }
        )+
    };
}

texts! {
    InvitationEn, "mail/en/invitation.txt", Invitation;
    InvitationEs, "mail/es/invitation.txt", Invitation;
    LinkEn, "mail/en/one_time_link.txt", LinkSent;
    LinkEs, "mail/es/one_time_link.txt", LinkSent;
    ReleasedEn, "mail/en/consignment_released.txt", Released;
    ReleasedEs, "mail/es/consignment_released.txt", Released;
    ReceivedEn, "mail/en/consignment_received.txt", Received;
    ReceivedEs, "mail/es/consignment_received.txt", Received;
    DifferEn, "mail/en/discrepancy.txt", Differs;
    DifferEs, "mail/es/discrepancy.txt", Differs;
    IssuedEn, "mail/en/certificate_issued.txt", Certificates;
    IssuedEs, "mail/es/certificate_issued.txt", Certificates;
    RevokedEn, "mail/en/certificate_revoked.txt", Certificates;
    RevokedEs, "mail/es/certificate_revoked.txt", Certificates;
    OverdueEn, "mail/en/exception_overdue.txt", Overdue;
    DigestEn, "mail/en/weekly_digest.txt", Digest;
}

#[derive(Template)]
#[template(path = "mail/en/footer.txt")]
struct FooterEn<'a> {
    of: &'a About<'a>,
}

#[derive(Template)]
#[template(path = "mail/es/footer.txt")]
struct FooterEs<'a> {
    of: &'a About<'a>,
}

/// The text of a letter: its first line is the subject.
fn text(of: &About<'_>, letter: &Letter) -> askama::Result<String> {
    use Language::{English, Spanish};
    match (letter, of.language) {
        (Letter::Invitation(letter), English) => InvitationEn { of, letter }.render(),
        (Letter::Invitation(letter), Spanish) => InvitationEs { of, letter }.render(),
        (Letter::OneTimeLink(letter), English) => LinkEn { of, letter }.render(),
        (Letter::OneTimeLink(letter), Spanish) => LinkEs { of, letter }.render(),
        (Letter::ConsignmentReleased(letter), English) => ReleasedEn { of, letter }.render(),
        (Letter::ConsignmentReleased(letter), Spanish) => ReleasedEs { of, letter }.render(),
        (Letter::ConsignmentReceived(letter), English) => ReceivedEn { of, letter }.render(),
        (Letter::ConsignmentReceived(letter), Spanish) => ReceivedEs { of, letter }.render(),
        (Letter::Discrepancy(letter), English) => DifferEn { of, letter }.render(),
        (Letter::Discrepancy(letter), Spanish) => DifferEs { of, letter }.render(),
        (Letter::CertificateIssued(letter), English) => IssuedEn { of, letter }.render(),
        (Letter::CertificateIssued(letter), Spanish) => IssuedEs { of, letter }.render(),
        (Letter::CertificateRevoked(letter), English) => RevokedEn { of, letter }.render(),
        (Letter::CertificateRevoked(letter), Spanish) => RevokedEs { of, letter }.render(),
        (Letter::ExceptionOverdue(letter), _) => OverdueEn { of, letter }.render(),
        (Letter::WeeklyDigest(letter), _) => DigestEn { of, letter }.render(),
    }
}

/// A line of a text: words, and the address at its end.
#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    words: String,
    link: Option<&'a str>,
}

/// Lines that stand together: items of a list, or paragraphs.
#[derive(Debug, PartialEq, Eq)]
struct Block<'a> {
    list: bool,
    lines: Vec<Line<'a>>,
}

impl Block<'_> {
    fn is_list(&self) -> bool {
        self.list
    }
}

fn line(text: &str) -> Line<'_> {
    let (words, last) = text.rsplit_once(' ').unwrap_or(("", text));
    if last.starts_with("https://") || last.starts_with("http://") {
        return Line { words: words.to_owned(), link: Some(last) };
    }
    Line { words: text.to_owned(), link: None }
}

/// Reads a text: a line that begins with `- ` is an item of a list, any other a paragraph.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block> = Vec::new();
    for text in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (list, text) = text.strip_prefix("- ").map_or((false, text), |item| (true, item));
        match blocks.last_mut() {
            Some(block) if block.list == list => block.lines.push(line(text)),
            _ => blocks.push(Block { list, lines: vec![line(text)] }),
        }
    }
    blocks
}

/// Widest line of the plain text, as long as no word is wider.
const WIDTH: usize = 76;

/// The plain text: paragraphs with empty lines between them, addresses on lines of their own.
fn plain(body: &[Block<'_>], foot: &[Block<'_>]) -> String {
    let mut text = String::new();
    let mut fill = |words: &str, first: &str, rest: &str| {
        let mut width = first.chars().count();
        text.push_str(first);
        for (n, word) in words.split(' ').enumerate() {
            let long = word.chars().count();
            if n > 0 && width + 1 + long > WIDTH {
                text.push('\n');
                text.push_str(rest);
                width = rest.chars().count();
            } else if n > 0 {
                text.push(' ');
                width += 1;
            }
            text.push_str(word);
            width += long;
        }
        text.push('\n');
    };
    for (n, block) in body.iter().chain(foot).enumerate() {
        if n == body.len() {
            // What stands under this line is left out of replies (RFC 3676 §4.3).
            fill("-- ", "", "");
        }
        for Line { words, link } in &block.lines {
            let (first, rest) = if block.list { ("- ", "  ") } else { ("", "") };
            if !words.is_empty() {
                fill(words, first, rest);
            }
            if let Some(link) = link {
                fill(link, rest, rest);
            }
            if !block.list {
                fill("", "", "");
            }
        }
        if block.list {
            fill("", "", "");
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Html<'a> {
    language: &'static str,
    organisation: &'a str,
    subject: &'a str,
    body: &'a [Block<'a>],
    foot: &'a [Block<'a>],
}

/// A letter that can be handed to a mail server.
pub struct Mail {
    /// From whom to whom.
    pub envelope: Envelope,
    /// Its exact bytes (RFC 5322), lines end in CR LF.
    pub bytes: Vec<u8>,
}

/// Why a letter cannot be written.
#[derive(Debug)]
pub enum NotWritable {
    /// No mail can be sent to this address.
    Address(AddressError),
    /// The letter is at fault.
    Letter(String),
}

impl fmt::Display for NotWritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotWritable::Address(error) => write!(f, "this is no e-mail address: {error}"),
            NotWritable::Letter(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for NotWritable {}

fn fault(error: impl fmt::Display) -> NotWritable {
    NotWritable::Letter(error.to_string())
}

fn raw(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

/// Writes a letter to one address.
pub fn write(of: &About<'_>, letter: &Letter, from: &Mailbox, to: &str) -> Result<Mail, NotWritable> {
    let to: Address = to.parse().map_err(NotWritable::Address)?;
    let text = text(of, letter).map_err(fault)?;
    let footer = match of.language {
        Language::English => FooterEn { of }.render(),
        Language::Spanish => FooterEs { of }.render(),
    }
    .map_err(fault)?;
    let (subject, rest) = text.trim_start().split_once('\n').unwrap_or((&text, ""));
    let (body, foot) = (blocks(rest), blocks(&footer));
    let page = Html { language: of.language.as_str(), organisation: of.organisation, subject, body: &body, foot: &foot };
    let html = page.render().map_err(fault)?;
    let seconds = u64::try_from(of.created.unix_ms() / 1_000).unwrap_or(0);
    let mut message = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(subject)
        .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .message_id(Some(format!("<{}@{}>", of.id, of.host())))
        // Nobody's holiday notice answers it (RFC 3834).
        .raw_header(raw("Auto-Submitted", "auto-generated".to_owned()));
    if let Some(address) = &of.unsubscribe {
        // RFC 8058
        message = message
            .raw_header(raw("List-Unsubscribe", format!("<{address}>")))
            .raw_header(raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
    }
    let parts = MultiPart::alternative()
        .boundary(format!("quittance-{}", of.id))
        .singlepart(SinglePart::plain(plain(&body, &foot)))
        .singlepart(SinglePart::html(html));
    let message = message.multipart(parts).map_err(fault)?;
    Ok(Mail { envelope: message.envelope().clone(), bytes: message.formatted() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::certification::{CertificateKind, RevocationReason};
    use crate::domain::exceptions::{ExceptionId, RuleId, Severity};
    use crate::domain::letters::{CertificateNamed, ConsignmentNamed, LetterKind};
    use crate::domain::names::Role;

    const ID: &str = "01980000-0000-7000-8000-000000000001";

    fn about(language: Language) -> About<'static> {
        About {
            id: ID,
            created: Instant::parse("2026-11-27T00:00:00Z").unwrap(),
            organisation: "Northfield <School> District",
            base: "https://records.example.org/q",
            language,
            outside: false,
            unsubscribe: None,
        }
    }

    fn letters() -> Vec<Letter> {
        let at = Instant::parse("2026-12-01T09:05:00Z").unwrap();
        let consignment = ConsignmentNamed {
            id: ConsignmentId::parse("urn:uuid:0b7c3a52-41f6-4b1c-8b6e-0f4f6f7f1a01").unwrap(),
            reference: "P-2026-041".to_owned(),
            from: "Northfield, Central".to_owned(),
            to: "GreenLoop, Akron".to_owned(),
            lines: 300,
        };
        let certificates = Certificates {
            named: vec![CertificateNamed {
                number: "NPSD-2026-7K4Q-XM2R".to_owned(),
                kind: CertificateKind::Sanitization,
                url: "https://records.example.org/q/certificates/NPSD-2026-7K4Q-XM2R".to_owned(),
                revoked: Some(RevocationReason::DeviceSeen),
                seq: 1434,
            }],
            others: 3,
        };
        let exception = ExceptionNamed {
            id: ExceptionId::new(RuleId::NotAcknowledged, consignment.id.as_str()),
            rule: RuleId::NotAcknowledged,
            severity: Severity::High,
            due_at: at,
            seq: 812,
        };
        let (address, party) = ("https://records.example.org/q/r/qtl_abc".to_owned(), "GreenLoop".to_owned());
        vec![
            Letter::Invitation(Invitation { address: address.clone(), role: Role::VendorOperator, party, expires_at: at }),
            Letter::OneTimeLink(LinkSent { address, reference: "P-2026-041".to_owned(), lines: 300, expires_at: at, seq: 41 }),
            Letter::ConsignmentReleased(Released { consignment: consignment.clone(), containers: 2, receipt_due_at: Some(at), seq: 42 }),
            Letter::ConsignmentReceived(Received { consignment: consignment.clone(), scanned: 298, more_to_come: true, open: 2, seq: 43 }),
            Letter::Discrepancy(Differs { consignment, recorded: 1, open: 1, seq: 44 }),
            Letter::CertificateIssued(certificates.clone()),
            Letter::CertificateRevoked(certificates),
            Letter::ExceptionOverdue(Overdue { named: vec![exception], others: 0 }),
            Letter::WeeklyDigest(Digest {
                monday: "2026-11-30".to_owned(),
                exceptions: vec![("critical".to_owned(), 1)],
                snoozed: 2,
                devices: vec![("released".to_owned(), 12)],
                seq: 1500,
            }),
        ]
    }

    fn sent(language: Language, letter: &Letter) -> String {
        let from: Mailbox = "Records <records@example.org>".parse().unwrap();
        String::from_utf8(write(&about(language), letter, &from, "dana@example.org").unwrap().bytes).unwrap()
    }

    #[test]
    fn every_kind_is_written_in_both_languages_with_its_entry_and_a_link() {
        let kinds: Vec<LetterKind> = letters().iter().map(Letter::kind).collect();
        assert_eq!(kinds, LetterKind::ALL);
        for language in [Language::English, Language::Spanish] {
            for letter in letters() {
                let of = about(language);
                let text = text(&of, &letter).unwrap();
                let (subject, rest) = text.split_once('\n').unwrap();
                assert!(!subject.trim().is_empty() && subject.chars().count() < 90, "{subject}");
                assert!(!text.contains("  ") && !text.contains(" ,") && !text.contains(" ."), "{text}");
                let read = blocks(rest);
                let links: Vec<&str> = read.iter().flat_map(|block| &block.lines).filter_map(|line| line.link).collect();
                assert!(links.iter().all(|link| link.starts_with(of.base)) && !links.is_empty(), "{text}");
                if letter.kind() != LetterKind::Invitation {
                    assert!(text.contains("entry ") || text.contains("asiento "), "{text}");
                }
                let plain = plain(&read, &[]);
                let wide = plain.lines().find(|line| line.chars().count() > WIDTH && !line.trim().starts_with("http"));
                assert_eq!(wide, None);
                assert!(sent(language, &letter).is_ascii());
            }
        }
    }

    #[test]
    fn the_same_letter_has_the_same_bytes_and_its_own_message_id() {
        let letter = letters().remove(2);
        let once = sent(Language::English, &letter);
        assert_eq!(once, sent(Language::English, &letter));
        assert!(once.contains(&format!("Message-ID: <{ID}@records.example.org>\r\n")), "{once}");
        assert!(once.contains("Auto-Submitted: auto-generated\r\n") && once.contains("Date: Fri, 27 Nov 2026 00:00:00 +0000\r\n"), "{once}");
        assert!(!once.contains("List-Unsubscribe"));
    }

    #[test]
    fn no_value_becomes_a_header_or_markup() {
        let from: Mailbox = "records@example.org".parse().unwrap();
        for to in ["a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example", "a b@c.example", "<a@b.example>", ""] {
            assert!(matches!(write(&about(Language::English), &letters().remove(0), &from, to), Err(NotWritable::Address(_))), "{to}");
        }
        let mut of = about(Language::English);
        of.organisation = "Evil\r\nBcc: c@d.example <b>";
        let mail = write(&of, &letters().remove(1), &from, "a@b.example").unwrap();
        assert_eq!(mail.envelope.to().len(), 1);
        let text = String::from_utf8(mail.bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.contains("\nBcc:"), "{head}");
        assert!(!body.contains("<b>") || body.find("<b>") < body.find("text/html"), "{body}");
    }

    #[test]
    fn a_digest_can_be_ended_by_one_click() {
        let mut of = about(Language::English);
        of.unsubscribe = Some("https://records.example.org/q/mail/unsubscribe/abc".to_owned());
        let from: Mailbox = "records@example.org".parse().unwrap();
        let text = String::from_utf8(write(&of, &letters().remove(8), &from, "a@b.example").unwrap().bytes).unwrap();
        assert!(text.contains("List-Unsubscribe: <https://records.example.org/q/mail/unsubscribe/abc>\r\n"), "{text}");
        assert!(text.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"), "{text}");
    }
}
