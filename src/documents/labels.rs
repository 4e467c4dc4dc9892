//! Labels for devices: the tag as Code 128 for wedge scanners, and a QR code with the public address for whoever finds the device. As pages for a
//! laser or label printer, or as ZPL for a Zebra printer.

use sha2::{Digest as _, Sha256};

use super::code128;
use super::layout::{Ink, PAGE_HEIGHT, PAGE_WIDTH, Sheet, Style};
use super::pdf_file::{About, NotDrawable, assemble_packed};
use super::sheet::qr;
use super::typeface::{Cut, Faces};
use crate::domain::names::codes;

codes! {
    /// What labels are printed on.
    Stock {
        Avery5160 = "avery-5160", "Avery 5160: 30 a sheet, 1 × 2⅝ in";
        Dymo30252 = "dymo-30252", "Dymo 30252: 28 × 89 mm";
        BrotherDk1201 = "brother-dk-1201", "Brother DK-1201: 29 × 90 mm";
        Zebra = "zebra-203dpi", "Zebra, 203 dpi: 57 × 32 mm, as ZPL";
    }
}

/// A device that gets a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The tag.
    pub tag: String,
    /// The public address of the tag.
    pub address: String,
}

/// Points in a millimetre.
const MM: f32 = 72.0 / 25.4;

/// Where labels stand on a page, in points.
struct Grid {
    page: (f32, f32),
    columns: u16,
    rows: u16,
    /// Of the first label: left, top.
    origin: (f32, f32),
    /// From one label to the next.
    pitch: (f32, f32),
    label: (f32, f32),
    /// The finest step of the printer: bars are whole numbers of it.
    dot: f32,
}

impl Stock {
    fn grid(self) -> Option<Grid> {
        let single = |width: f32, height: f32| Grid {
            page: (width, height),
            columns: 1,
            rows: 1,
            origin: (0.0, 0.0),
            pitch: (0.0, 0.0),
            label: (width, height),
            dot: 72.0 / 300.0,
        };
        match self {
            Stock::Avery5160 => Some(Grid {
                page: (PAGE_WIDTH, PAGE_HEIGHT),
                columns: 3,
                rows: 10,
                origin: (13.5, 36.0),
                pitch: (198.0, 72.0),
                label: (189.0, 72.0),
                dot: 72.0 / 600.0,
            }),
            Stock::Dymo30252 => Some(single(89.0 * MM, 28.0 * MM)),
            Stock::BrotherDk1201 => Some(single(90.0 * MM, 29.0 * MM)),
            Stock::Zebra => None,
        }
    }
    /// How many labels one sheet has.
    pub fn per_sheet(self) -> u16 {
        self.grid().map_or(1, |grid| grid.columns * grid.rows)
    }
    /// The name of the file.
    pub fn file_name(self) -> String {
        format!("labels-{}.{}", self.as_str(), if self == Stock::Zebra { "zpl" } else { "pdf" })
    }
}

/// Narrowest bar that ordinary scanners read, in points (0.17 mm).
const NARROWEST: f32 = 0.48;
/// A wider bar helps nobody.
const WIDEST: f32 = 1.2;
/// White around everything on a label: printers are not exact.
const EDGE: f32 = 6.0;

/// The bars for a tag in so much width, white included: module width and widths of the bars.
fn bars_in(tag: &str, width: f32, dot: f32) -> Option<(f32, Vec<u8>)> {
    let bars = code128::bars(tag)?;
    let modules = f32::from(code128::modules(&bars) + 2 * code128::QUIET);
    let module = ((width / modules).min(WIDEST) / dot + 0.001).floor() * dot;
    (module >= NARROWEST).then_some((module, bars))
}

/// Draws the labels, the first at place `start` of its sheet (1 is the upper left); `created` as RFC 3339.
pub fn render(stock: Stock, organisation: &str, labels: &[Label], start: u16, created: &str) -> Result<Vec<u8>, NotDrawable> {
    let Some(grid) = stock.grid() else { return Ok(zpl(organisation, labels)?.into_bytes()) };
    let faces = Faces::shared()?;
    let mut sheet = Sheet::on(faces, grid.page.0, grid.page.1);
    let per_sheet = grid.columns * grid.rows;
    let mut place = start.clamp(1, per_sheet) - 1;
    let mut fingerprint = Sha256::new();
    for part in [stock.as_str(), organisation, created, &start.to_string()] {
        fingerprint.update(Sha256::digest(part.as_bytes()));
    }
    for (position, label) in labels.iter().enumerate() {
        if place == per_sheet {
            place = 0;
        }
        if place == 0 && position > 0 {
            sheet.break_page();
        }
        let x = grid.origin.0 + f32::from(place % grid.columns) * grid.pitch.0;
        let y = grid.origin.1 + f32::from(place / grid.columns) * grid.pitch.1;
        draw(&mut sheet, &grid, (x, y), organisation, label)?;
        fingerprint.update(Sha256::digest(label.address.as_bytes()));
        fingerprint.update(Sha256::digest(label.tag.as_bytes()));
        place += 1;
    }
    let about = About { title: "Labels", author: organisation, subject: stock.label(), created, fingerprint: fingerprint.finalize().into() };
    assemble_packed(sheet.finish_bare(), faces, &about, Vec::new())
}

const OWNER: f32 = 6.4;
const TAG: f32 = 11.0;

/// One label: the QR code at the left; beside it whose it is, the bars, the tag. Where the tag is too long for bars beside the QR code, they stand
/// below it over the whole width; where no scanner could read them there either, there are none.
fn draw(sheet: &mut Sheet<'_>, grid: &Grid, (x, y): (f32, f32), organisation: &str, label: &Label) -> Result<(), NotDrawable> {
    let (width, height) = grid.label;
    let code = qr(&label.address)?;
    let inner = width - 2.0 * EDGE;
    let tall = height - 2.0 * EDGE;
    // The bars bring their own white; QR codes need four modules of it.
    let right = x + EDGE + tall + 4.0;
    let room = x + width - 3.0 - right;
    let alt = |what: &str| format!("{what} of {}", label.tag);
    // Whole dots for each module, so that a label printer does not have to guess.
    let modules = f32::from(u16::try_from(code.len()).unwrap_or(u16::MAX));
    let side_in = |most: f32| ((most / modules / grid.dot + 0.001).floor().max(1.0) * grid.dot * modules).min(most);
    if let Some((module, bars)) = bars_in(&label.tag, room, grid.dot) {
        let side = side_in(tall);
        sheet.modules(x + EDGE, y + (height - side) / 2.0, side, &code, Ink::Black, alt("QR code"));
        let white = module * f32::from(code128::QUIET);
        let wide = module * f32::from(code128::modules(&bars));
        let left = right + ((room - wide) / 2.0).max(white);
        let top = y + EDGE - 1.0;
        owner(sheet, left, top, x + width - EDGE - left, organisation);
        let bars_top = top + OWNER * 1.29 + 2.0;
        let bars_height = y + height - EDGE - TAG * 1.2 - bars_top;
        sheet.bars(left, bars_top, bars_height, module, &bars, alt("Bar code"));
        tag(sheet, left, bars_top + bars_height + 0.5, wide, &label.tag);
    } else if let Some((module, bars)) = bars_in(&label.tag, width - 6.0, grid.dot) {
        let side = side_in(tall * 0.58);
        sheet.modules(x + EDGE, y + EDGE - 1.0, side, &code, Ink::Black, alt("QR code"));
        let left = x + EDGE + side + 8.0;
        owner(sheet, left, y + EDGE - 1.0, inner - side - 8.0, organisation);
        words(sheet, left, y + EDGE + OWNER * 1.29 + 1.0, inner - side - 8.0, &label.tag, 8.0);
        let wide = module * f32::from(code128::modules(&bars));
        let top = y + EDGE + tall * 0.58 + 3.0;
        sheet.bars(x + (width - wide) / 2.0, top, y + height - EDGE + 1.0 - top, module, &bars, alt("Bar code"));
    } else {
        let side = side_in(tall);
        sheet.modules(x + EDGE, y + (height - side) / 2.0, side, &code, Ink::Black, alt("QR code"));
        owner(sheet, right + 4.0, y + EDGE, room - 4.0, organisation);
        words(sheet, right + 4.0, y + EDGE + OWNER * 1.29 + 3.0, room - 7.0, &label.tag, 9.0);
    }
    Ok(())
}

fn owner(sheet: &mut Sheet<'_>, x: f32, top: f32, width: f32, organisation: &str) {
    let style = Style::new(Cut::Regular, OWNER, Ink::Black);
    let text = sheet.faces.fit(organisation, style.cut, style.size, width);
    sheet.within("P", |sheet| sheet.line_at(x, top, &text, style));
}

/// The tag in the middle below its bars, smaller where it is long.
fn tag(sheet: &mut Sheet<'_>, x: f32, top: f32, width: f32, tag: &str) {
    let mut size = TAG;
    while size > 5.0 && sheet.faces.width(tag, Cut::Bold, size) > width {
        size -= 0.5;
    }
    let left = x + (width - sheet.faces.width(tag, Cut::Bold, size)) / 2.0;
    sheet.within("P", |sheet| sheet.line_at(left, top, tag, Style::new(Cut::Bold, size, Ink::Black)));
}

/// A long tag over several lines.
fn words(sheet: &mut Sheet<'_>, x: f32, top: f32, width: f32, tag: &str, size: f32) {
    let style = Style::new(Cut::Bold, size, Ink::Black);
    let lines = sheet.faces.wrap(tag, style.cut, style.size, width);
    sheet.within("P", |sheet| sheet.lines_at(x, top, &lines, style));
}

/// Dots of the Zebra label: 57 × 32 mm at 8 dots a millimetre.
const ZEBRA: (u16, u16) = (456, 256);
const ZEBRA_EDGE: u16 = 16;

/// Text of a ZPL field: what ZPL would take for a command, and everything beyond ASCII, as hexadecimal after `_` (`^FH_`, UTF-8).
fn field(text: &str) -> String {
    let plain = |byte: u8| (byte.is_ascii_graphic() || byte == b' ') && !b"^~_\\".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("_{byte:02X}") }).collect()
}

/// The labels in ZPL II, one format each.
fn zpl(organisation: &str, labels: &[Label]) -> Result<String, NotDrawable> {
    let mut text = String::new();
    for label in labels {
        text.push_str(&zebra(organisation, label)?);
    }
    Ok(text)
}

/// Above, the QR code with whose it is and the tag beside it; below, the bars over the whole width. Without bars the QR code is larger.
fn zebra(organisation: &str, label: &Label) -> Result<String, NotDrawable> {
    let (width, height) = ZEBRA;
    let side = u16::try_from(qr(&label.address)?.len()).unwrap_or(u16::MAX).max(1);
    // In a bar code `>` changes the code set; a tag that has one is read by its QR code.
    let bars = code128::bars(&label.tag).filter(|_| !label.tag.contains('>'));
    let bars = bars.map(|bars| code128::modules(&bars)).and_then(|modules| {
        let dots = ((width - ZEBRA_EDGE) / (modules + 2 * code128::QUIET)).min(4);
        (dots >= 2).then_some((dots, modules))
    });
    let (most, top) = if bars.is_some() { (124, 12) } else { (200, 28) };
    let magnification = (most / side).clamp(1, 10);
    let x = ZEBRA_EDGE + side * magnification + ZEBRA_EDGE;
    let room = width.saturating_sub(x + 6);
    let (size, lines) = match label.tag.chars().count() {
        0..=14 => (40, 2),
        15..=36 => (28, 3),
        _ => (20, 4),
    };
    let mut fields = vec![
        "^XA".to_owned(),
        "^CI28".to_owned(),
        format!("^PW{width}"),
        format!("^LL{height}"),
        "^LH0,0".to_owned(),
        format!("^FO{ZEBRA_EDGE},{top}^BQN,2,{magnification}^FH_^FDMA,{}^FS", field(&label.address)),
        format!("^FO{x},16^A0N,20,20^FB{room},2,0,L^FH_^FD{}^FS", field(organisation)),
        format!("^FO{x},68^A0N,{size},{size}^FB{room},{lines},0,L^FH_^FD{}^FS", field(&label.tag)),
    ];
    if let Some((dots, modules)) = bars {
        let left = (width - modules * dots) / 2;
        fields.push(format!("^FO{left},156^BY{dots},3,84^BCN,84,N,N,N,A^FH_^FD{}^FS", field(&label.tag)));
    }
    fields.push("^XZ".to_owned());
    Ok(fields.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(tag: &str) -> Label {
        Label { tag: tag.to_owned(), address: format!("https://records.example.org/a/{tag}") }
    }

    #[test]
    fn a_zebra_label_is_these_fields() {
        let text = zpl("Northfield ~ District_1", &[label("NSD-77120")]).unwrap();
        let expected = "^XA\n^CI28\n^PW456\n^LL256\n^LH0,0\n\
            ^FO16,12^BQN,2,4^FH_^FDMA,https://records.example.org/a/NSD-77120^FS\n\
            ^FO148,16^A0N,20,20^FB302,2,0,L^FH_^FDNorthfield _7E District_5F1^FS\n\
            ^FO148,68^A0N,40,40^FB302,2,0,L^FH_^FDNSD-77120^FS\n\
            ^FO43,156^BY3,3,84^BCN,84,N,N,N,A^FH_^FDNSD-77120^FS\n^XZ\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn nothing_in_a_tag_is_a_command() {
        let text = zebra("^XZ", &label("A^XA~JR_\\é")).unwrap();
        assert!(text.contains("^FDA_5EXA_7EJR_5F_5C_C3_A9^FS") && text.contains("^FD_5EXZ^FS"), "{text}");
        assert_eq!((text.matches("^XA").count(), text.matches("^XZ").count(), text.matches('~').count()), (1, 1, 0), "{text}");
        assert!(!text.contains("^BC"), "no bars for what Code 128 does not hold");
        for without in ["A>B", "ROOSEVELT-MIDDLE-SCHOOL-000417"] {
            assert!(!zebra("X", &label(without)).unwrap().contains("^BC"), "{without}");
        }
    }

    #[test]
    fn bars_are_whole_dots_wide_and_never_too_narrow() {
        for (tag, width, there) in
            [("CB-20418", 115.0, true), ("A-VERY-LONG-TAG-WITH-MUCH-IN-IT", 115.0, false), ("A-VERY-LONG-TAG-WITH-MUCH-IN-IT", 249.0, true)]
        {
            let found = bars_in(tag, width, 0.24);
            assert_eq!(found.is_some(), there, "{tag}");
            if let Some((module, bars)) = found {
                let dots = module / 0.24;
                assert!((dots - dots.round()).abs() < 0.01 && module >= NARROWEST, "{module}");
                assert!(module * f32::from(code128::modules(&bars) + 20) <= width + 0.01);
            }
        }
        assert_eq!(Stock::Avery5160.per_sheet(), 30);
    }
}
