//! Notes: people write to each other about a consignment, one of its lines, a stored file or an exception. The ledger says that somebody did and holds
//! a salted digest of the text; the text itself stays outside it and can be erased.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use super::consignment::{self, Item, Line, LineId};
use super::evidence::Evidence;
use super::exceptions::{self, ExceptionId};
use super::names::{AssetId, ConsignmentId, Digest, MediumId, Role};
use super::records::{Records, Stop};
use super::refusal::Refusal;
use super::{Fact, Happening, Occasion, Order, Stamp, Subject, SubjectKind, Subjects};

/// Longest note in characters.
pub const MOST_CHARACTERS: usize = 4_000;

/// A note's text as it is kept: NFC, lines end in a line feed, none of them at either end is empty; 1 to 4,000 characters.
pub fn text(given: &str) -> Result<String, Refusal> {
    let text: String = given.replace("\r\n", "\n").trim().nfc().collect();
    if text.is_empty() {
        return Err(Refusal::new("notes.empty", "The text of the note is empty; write one."));
    }
    let odd = |c: char| c.is_control() && c != '\n' && c != '\t' || ('\u{2028}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c);
    if text.chars().any(odd) {
        return Err(Refusal::new("notes.control_character", "The text of the note holds control characters; type it again without them."));
    }
    if text.chars().count() > MOST_CHARACTERS {
        return Err(Refusal::new("notes.too_long", format!("The text of the note is longer than {MOST_CHARACTERS} characters; shorten it.")));
    }
    Ok(text)
}

/// Announces a note.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddNote {
    /// The consignment, stored file or exception that it is about.
    pub about: Subject,
    /// The device or loose medium on a line of that consignment.
    pub line: Option<Subject>,
    /// SHA-256 of a salt and the text.
    pub salted_sha256: Digest,
}

/// `note.added`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoteAdded {
    /// SHA-256 of a salt and the text.
    pub salted_sha256: Digest,
}

fn unknown_line() -> Refusal {
    Refusal::new("notes.unknown_line", "No such device or loose medium is on this consignment; name one that is listed, or none.")
}

impl Order for AddNote {
    const ROLES: &'static [Role] = &[Role::Coordinator, Role::Approver, Role::VendorOperator, Role::VendorVerifier, Role::Administrator];

    fn decide(&self, known: &Records, occasion: &Occasion) -> Result<Vec<Happening>, Stop> {
        let vendor = occasion.actor.role.is_vendor().then_some(&occasion.actor.party);
        match self.about.kind {
            SubjectKind::Consignment => {
                let id = ConsignmentId::parse(&self.about.id)?;
                consignment::require(known, &id, occasion)?;
                if let Some(line) = &self.line {
                    let item = match line.kind {
                        SubjectKind::Asset => Item::Asset(AssetId::parse(&line.id)?),
                        SubjectKind::Medium => Item::Medium(MediumId::parse(&line.id)?),
                        _ => return Err(unknown_line().into()),
                    };
                    if !known.find::<Line>(&LineId::of(&id, item))?.is_some_and(Line::is_listed) {
                        return Err(unknown_line().into());
                    }
                }
            }
            _ if self.line.is_some() => return Err(unknown_line().into()),
            SubjectKind::Evidence => {
                let digest = Digest::parse(self.about.id.strip_prefix("urn:sha256:").unwrap_or_default())?;
                let evidence = known.find::<Evidence>(&digest)?;
                if !evidence.is_some_and(|evidence| vendor.is_none_or(|party| evidence.concerns(party))) {
                    return Err(Refusal::new("notes.unknown_evidence", format!("No stored file has the SHA-256 {digest}; upload it first.")).into());
                }
            }
            SubjectKind::Exception => {
                let id = ExceptionId::parse(&self.about.id)?;
                let exception = exceptions::require(known, &id)?;
                if vendor.is_some_and(|party| !exception.concerns.contains(party)) {
                    return Err(exceptions::unknown(&id).into());
                }
            }
            _ => {
                let why = "Notes are about consignments, their lines, stored files and exceptions; name one of these.";
                return Err(Refusal::new("notes.about", why).into());
            }
        }
        let about = std::iter::once(self.about.clone()).chain(self.line.clone());
        Ok(vec![Happening::new(NoteAdded { salted_sha256: self.salted_sha256.clone() }, about)])
    }
}

impl Fact for NoteAdded {
    /// What people say to each other changes no record.
    fn apply(&self, _about: &Subjects, _stamp: &Stamp, _known: &mut Records) {}
    fn sentence(&self) -> String {
        "Note written; its text is kept outside the ledger.".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_lines_and_nothing_that_is_not_seen() {
        assert_eq!(text("  Two boxes\r\nare we\u{301}t.\n\n").unwrap(), "Two boxes\nare w\u{e9}t.");
        for bad in ["", " \n ", "a\u{0}b", "a\u{202e}b", "a\u{2028}b", "a\rb", &"x".repeat(MOST_CHARACTERS + 1)] {
            assert!(text(bad).is_err(), "{bad:?}");
        }
    }
}
