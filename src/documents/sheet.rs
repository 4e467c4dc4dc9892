//! What all sheets of paper share: the head with its QR code, sections, words for times and weights; and what is known of a consignment that has papers.

use std::collections::BTreeMap;

use qrcode::{Color, EcLevel, QrCode};
use sha2::{Digest as _, Sha256};

use super::layout::{Ink, MARGIN, MEASURE, PAGE_WIDTH, Sheet, Style};
use super::pdf_file::{About, Attachment, NotDrawable, assemble_packed};
use super::table::{Pair, pairs};
use super::typeface::Cut;
use crate::domain::consignment::{Consignment, ConsignmentStatus, Container, Item, Line};
use crate::domain::names::Instant;

pub(super) const TITLE: Style = Style::new(Cut::Bold, 21.0, Ink::Text);
const NUMBER: Style = Style::new(Cut::Bold, 12.0, Ink::Accent);
const ORGANISATION: Style = Style::new(Cut::Bold, 10.0, Ink::Accent);
pub(super) const BODY: Style = Style::new(Cut::Regular, 8.8, Ink::Text);
pub(super) const STRONG: Style = Style::new(Cut::Bold, 8.8, Ink::Text);
pub(super) const SMALL: Style = Style::new(Cut::Regular, 7.4, Ink::Muted);
pub(super) const SECTION: Style = Style::new(Cut::Bold, 9.6, Ink::Accent);
const QR_SIDE: f32 = 74.0;

/// The dark and light modules of a QR code, row by row.
pub(super) fn qr(text: &str) -> Result<Vec<Vec<bool>>, NotDrawable> {
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M)
        .map_err(|e| NotDrawable::Contradiction(format!("“{text}” does not fit into a QR code: {e}")))?;
    Ok(code.to_colors().chunks(code.width()).map(|row| row.iter().map(|c| *c == Color::Dark).collect()).collect())
}

/// The head of the first page.
pub(super) struct Head<'a> {
    pub(super) organisation: &'a str,
    pub(super) title: &'a str,
    pub(super) number: &'a str,
    pub(super) small: &'a str,
    /// The address in the QR code, and what stands below it.
    pub(super) code: Option<(&'a str, &'a str)>,
}

/// Draws the head.
pub(super) fn head(sheet: &mut Sheet<'_>, head: &Head<'_>) -> Result<(), NotDrawable> {
    let rows = head.code.map(|(address, _)| qr(address)).transpose()?;
    let text_width = if rows.is_some() { MEASURE - QR_SIDE - 24.0 } else { MEASURE };
    let top = sheet.y;
    sheet.fill(0.0, 0.0, PAGE_WIDTH, 7.0, Ink::Accent);
    sheet.paragraph(MARGIN, text_width, head.organisation, ORGANISATION);
    sheet.skip(5.0);
    sheet.within("H1", |sheet| {
        for line in sheet.faces.wrap(head.title, TITLE.cut, TITLE.size, text_width) {
            sheet.line_at(MARGIN, sheet.y, &line, TITLE);
            sheet.skip(TITLE.leading());
        }
    });
    sheet.paragraph(MARGIN, text_width, head.number, NUMBER);
    sheet.skip(3.0);
    sheet.paragraph(MARGIN, text_width, head.small, SMALL);
    if let (Some((address, caption)), Some(rows)) = (head.code, rows) {
        sheet.modules(MARGIN + MEASURE - QR_SIDE, top, QR_SIDE, &rows, Ink::Text, format!("QR code of {address}"));
        let caption_x = MARGIN + MEASURE - (QR_SIDE + sheet.faces.width(caption, SMALL.cut, SMALL.size)) / 2.0;
        sheet.within("P", |sheet| sheet.line_at(caption_x, top + QR_SIDE + 3.0, caption, SMALL));
        sheet.y = sheet.y.max(top + QR_SIDE + 3.0 + SMALL.leading());
    }
    sheet.skip(5.0);
    Ok(())
}

/// A heading, with room for what follows.
pub(super) fn section(sheet: &mut Sheet<'_>, heading: &str) {
    sheet.skip(7.0);
    sheet.need(SECTION.leading() + 36.0);
    sheet.within("H2", |sheet| sheet.line_at(MARGIN, sheet.y, heading, SECTION));
    sheet.skip(SECTION.leading() + 2.0);
}

/// `Nov 23, 2026, 10:31 UTC`
pub(super) fn instant(at: Instant) -> String {
    at.utc().format("%b %-d, %Y, %H:%M UTC").to_string()
}

/// `2026-11-23T10:31:02Z` → `Nov 23, 2026, 10:31 UTC`; what is no instant stays as it is.
pub(super) fn when(rfc3339: &str) -> String {
    Instant::parse(rfc3339).map_or_else(|_| rfc3339.to_owned(), instant)
}

/// `6.420 kg`; small things in grams.
pub(super) fn weight(grams: u64) -> String {
    if grams < 1000 { format!("{grams} g") } else { format!("{}.{:03} kg", thousands(grams / 1000), grams % 1000) }
}

/// A weight, or a dash where nobody weighed.
pub(super) fn weighed(grams: Option<u32>) -> String {
    grams.map_or_else(|| "–".to_owned(), |grams| weight(u64::from(grams)))
}

/// `48,213`
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 device`, `2 devices`
pub(super) fn number_of(number: u64, one: &str, more: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { more })
}

pub(super) fn capitalised(words: &str) -> String {
    let mut rest = words.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// Who said something, when, and in which entry.
#[derive(Clone, Debug)]
pub struct Stated {
    /// Person and party, as people read them.
    pub who: String,
    /// When, as stated.
    pub at: Instant,
    /// The entry.
    pub entry: u64,
}

impl Stated {
    /// `Ana Ortiz, Example School District · Nov 23, 2026, 10:31 UTC · entry 1,234`
    pub(super) fn words(&self) -> String {
        format!("{} · {} · entry {}", self.who, instant(self.at), thousands(self.entry))
    }
}

/// A consignment, as its papers show it: its record, and the names that the record knows by id. The same record gives the same bytes.
#[derive(Clone, Debug)]
pub struct Papers<'a> {
    /// Whose record this is.
    pub organisation: &'a str,
    /// The address of the consignment's page.
    pub address: String,
    /// The consignment.
    pub consignment: &'a Consignment,
    /// Party and site that release.
    pub from: String,
    /// Party and site that receive.
    pub to: String,
    /// What is listed.
    pub lines: &'a [Line],
    /// By the id of a line's thing, what sort of thing it is (`laptop`) and where it is now.
    pub things: BTreeMap<String, Thing>,
    /// When the entry that changed the consignment last was recorded.
    pub as_of: Instant,
    /// The sealing.
    pub sealed: Option<Stated>,
    /// The release.
    pub released: Option<Stated>,
    /// The receipt that closed it.
    pub received: Option<Stated>,
}

/// What papers say of a listed thing besides its line.
#[derive(Clone, Debug, Default)]
pub struct Thing {
    /// `laptop`
    pub sort: String,
    /// The site where it is.
    pub site: String,
}

impl<'a> Papers<'a> {
    /// The lines by container and name, as the manifest has them.
    pub(super) fn in_order(&self) -> Vec<&'a Line> {
        let mut lines: Vec<&Line> = self.lines.iter().filter(|line| line.is_listed()).collect();
        lines.sort_by(|a, b| (&a.container, &a.name, &a.item).cmp(&(&b.container, &b.name, &b.item)));
        lines
    }

    /// What a line lists, by sort: `laptop`, `loose medium`, `chargers`.
    pub(super) fn sort(&self, line: &Line) -> String {
        match (&line.item, &line.quantity) {
            (_, Some(quantity)) => quantity.what.label().to_owned(),
            (Item::Medium(_), None) => "loose medium".to_owned(),
            _ => {
                self.things.get(line.item.id()).map(|thing| thing.sort.clone()).filter(|sort| !sort.is_empty()).unwrap_or_else(|| "device".to_owned())
            }
        }
    }

    /// `as of entry 1,234`
    pub(super) fn as_of(&self) -> String {
        format!("as of entry {}", thousands(self.consignment.last_seq))
    }

    /// Draws the head of a paper of this consignment.
    pub(super) fn head(&self, sheet: &mut Sheet<'_>, title: &str, with_code: bool) -> Result<(), NotDrawable> {
        let small = format!("{} · {}, {}", capitalised(self.consignment.status.label()), self.as_of(), instant(self.as_of));
        let code = with_code.then_some((self.address.as_str(), "look it up"));
        let number = self.consignment.reference.as_str();
        head(sheet, &Head { organisation: self.organisation, title, number, small: &small, code })
    }

    /// Draws who sends what to whom.
    pub(super) fn parties(&self, sheet: &mut Sheet<'_>) {
        let consignment = self.consignment;
        let none = || "not recorded".to_owned();
        let mut shown = vec![
            Pair::new("From", self.from.clone()).wide(2),
            Pair::new("To", self.to.clone()).wide(2),
            Pair::new("Kind", capitalised(consignment.kind.label())).wide(2),
            Pair::new("Carrier", consignment.carrier.as_ref().map_or_else(none, ToString::to_string)),
            Pair::new("Driver or tour", consignment.driver.as_ref().map_or_else(none, ToString::to_string)),
        ];
        let acts = [("Sealed", &self.sealed), ("Released", &self.released), ("Received", &self.received)];
        shown.extend(acts.into_iter().filter_map(|(label, act)| act.as_ref().map(|act| Pair::new(label, act.words()).wide(4))));
        pairs(sheet, MARGIN, MEASURE, 4, &shown);
    }

    /// The word that belongs across every page of a list that is not the one that leaves.
    pub(super) fn stamp(&self) -> Option<&'static str> {
        match self.consignment.status {
            ConsignmentStatus::Open => Some("DRAFT"),
            ConsignmentStatus::Cancelled => Some("CANCELLED"),
            _ => None,
        }
    }

    /// Puts the file together.
    pub(super) fn file(&self, sheet: Sheet<'_>, title: &str, attachments: Vec<Attachment<'_>>) -> Result<Vec<u8>, NotDrawable> {
        let mut sheet = sheet;
        if sheet.stood_in() {
            sheet.skip(6.0);
            sheet.paragraph(MARGIN, MEASURE, "\u{fffd} stands for a character that this paper's typeface lacks; the record has it.", SMALL);
        }
        let reference = self.consignment.reference.as_str();
        let faces = sheet.faces;
        let drawn = sheet.finish(&format!("{title} {reference} · {}", self.as_of()), self.organisation);
        let mut fingerprint = Sha256::new();
        for part in [title, self.organisation, &self.address, &self.from, &self.to, &self.as_of.text(), &self.consignment.last_seq.to_string()] {
            fingerprint.update(Sha256::digest(part.as_bytes()));
        }
        let about = About {
            title: &format!("{title} {reference}"),
            author: self.organisation,
            subject: &format!("Consignment {reference}, {}", self.as_of()),
            created: &self.as_of.whole_seconds(),
            fingerprint: fingerprint.finalize().into(),
        };
        assemble_packed(drawn, faces, &about, attachments)
    }
}

/// A container as its heading says it: `PALLET-1 · seal 004871 · 130.000 kg net`.
pub(super) fn container_words(container: Option<&Container>, label: Option<&str>) -> String {
    let Some(label) = label else { return "In no container".to_owned() };
    let mut parts = vec![label.to_owned()];
    if let Some(container) = container {
        parts.push(container.seal.as_ref().map_or_else(|| "no seal".to_owned(), |seal| format!("seal {seal}")));
        parts.extend(container.gross_weight_grams.map(|grams| format!("{} gross", weight(u64::from(grams)))));
        parts.extend(container.net_weight_grams().map(|grams| format!("{} net", weight(u64::from(grams)))));
    }
    parts.join(" · ")
}

/// Where people sign: in each column somebody, with the lines to fill in by hand.
pub(super) fn signatures(sheet: &mut Sheet<'_>, heading: &str, parties: &[(&str, &str)]) {
    const FIELDS: [&str; 4] = ["Name in capitals", "Signature", "Date and time", "Containers counted"];
    const FIELD: f32 = 29.0;
    let Ok(count) = u16::try_from(parties.len().max(1)) else { return };
    let gap = 14.0;
    let width = (MEASURE + gap) / f32::from(count) - gap;
    sheet.together(|sheet| {
        section(sheet, heading);
        sheet.skip(2.0);
        let top = sheet.y;
        let mut bottom = top;
        let mut x = MARGIN;
        for (role, party) in parties {
            let mut y = top;
            sheet.fill(x, y, width, 1.2, Ink::Accent);
            y += 4.0;
            sheet.within("P", |sheet| {
                sheet.line_at(x, y, role, STRONG);
                y += STRONG.leading();
                // Two lines of the party, so that all columns go on at the same height.
                let lines: Vec<String> = sheet.faces.wrap(party, SMALL.cut, SMALL.size, width).into_iter().take(2).collect();
                sheet.lines_at(x, y, &lines, SMALL);
                y += 2.0 * SMALL.leading();
            });
            for field in FIELDS {
                y += FIELD;
                sheet.fill(x, y - 10.5, width, 0.6, Ink::Muted);
                sheet.within("P", |sheet| sheet.line_at(x, y - 9.5, field, Style::new(Cut::Regular, 6.8, Ink::Muted)));
            }
            y += 6.0;
            let mut left = x;
            for answer in ["Seals intact", "not intact"] {
                sheet.tick_box(left, y, 8.0);
                sheet.within("P", |sheet| sheet.line_at(left + 11.5, y - 1.2, answer, SMALL));
                left += 11.5 + sheet.faces.width(answer, SMALL.cut, SMALL.size) + 10.0;
            }
            bottom = bottom.max(y + 12.0);
            x += width + gap;
        }
        // What does not fit is drawn again on the next page.
        let height = bottom - top;
        sheet.need(height);
        sheet.y = sheet.y.max(top) + height;
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        assert_eq!(when("2026-11-23T10:31:02Z"), "Nov 23, 2026, 10:31 UTC");
        assert_eq!((weight(842), weight(6_042), weight(1_234_567)), ("842 g".to_owned(), "6.042 kg".to_owned(), "1,234.567 kg".to_owned()));
        assert_eq!((thousands(0), thousands(999), thousands(1_000_000)), ("0".to_owned(), "999".to_owned(), "1,000,000".to_owned()));
        assert_eq!((number_of(1, "line", "lines"), number_of(5_000, "line", "lines")), ("1 line".to_owned(), "5,000 lines".to_owned()));
        assert_eq!(weighed(None), "–");
    }
}
