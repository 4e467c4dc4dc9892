//! Pages that fill from the top: text, rules, boxes and the structure (headings, tables) that a screen reader follows.

use super::typeface::{Cut, Faces, STAND_IN};
use printpdf::{
    Color, DictItem, FontId, Op, PaintMode, PdfFontHandle, PdfPage, Point, Polygon, PolygonRing, Pt, Rect, Rgb, TextItem, TextMatrix, WindingOrder,
    graphics::LinePoint,
};
use std::collections::{BTreeMap, BTreeSet};

/// US Letter, in points.
pub(super) const PAGE_WIDTH: f32 = 612.0;
/// US Letter, in points.
pub(super) const PAGE_HEIGHT: f32 = 792.0;
/// Left and right margin.
pub(super) const MARGIN: f32 = 50.0;
/// Width between the margins.
pub(super) const MEASURE: f32 = PAGE_WIDTH - 2.0 * MARGIN;
const TOP: f32 = 36.0;
/// Left free for the foot.
const FOOT: f32 = 46.0;

/// The inks. Every text ink has a contrast of at least 4.5 to white and to the tint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ink {
    Text,
    Muted,
    Accent,
    Rule,
    Tint,
    /// A word across the page that what is written on it stays readable on.
    Stamp,
    /// Bars and modules for scanners.
    Black,
}

impl Ink {
    fn color(self) -> Color {
        let (r, g, b) = match self {
            Ink::Text => (0.11, 0.13, 0.16),
            Ink::Muted => (0.36, 0.39, 0.43),
            Ink::Accent => (0.04, 0.34, 0.38),
            Ink::Rule => (0.82, 0.85, 0.86),
            Ink::Tint => (0.95, 0.97, 0.97),
            Ink::Stamp => (0.91, 0.92, 0.93),
            Ink::Black => (0.0, 0.0, 0.0),
        };
        Color::Rgb(Rgb { r, g, b, icc_profile: None })
    }
}

/// How a piece of text is set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Style {
    pub(super) cut: Cut,
    pub(super) size: f32,
    pub(super) ink: Ink,
}

impl Style {
    pub(super) const fn new(cut: Cut, size: f32, ink: Ink) -> Self {
        Self { cut, size, ink }
    }
    /// From baseline to baseline.
    pub(super) fn leading(self) -> f32 {
        self.size * 1.29
    }
    /// From the top of the line to its baseline.
    fn ascent(self) -> f32 {
        self.size * 1.02
    }
}

/// An element of the document's structure (ISO 32000-1 §14.7).
#[derive(Clone, Debug)]
pub(super) struct Element {
    /// `H1`, `P`, `Table`, `TR`, `TH`, `TD`, `Figure` …
    pub(super) tag: &'static str,
    /// What stands for it where it cannot be seen.
    pub(super) alt: Option<String>,
    pub(super) kids: Vec<Kid>,
}

/// What an element holds.
#[derive(Clone, Debug)]
pub(super) enum Kid {
    /// Index of another element.
    Element(usize),
    /// Marked content of a page.
    Content { page: usize, mark: usize },
}

#[derive(Clone, Debug, Default)]
struct Page {
    ops: Vec<Op>,
    marks: usize,
}

/// A document that is being drawn.
#[derive(Clone)]
pub(super) struct Sheet<'f> {
    pub(super) faces: &'f Faces,
    /// How far the current page is filled, in points from its top.
    pub(super) y: f32,
    width: f32,
    height: f32,
    pages: Vec<Page>,
    elements: Vec<Element>,
    open: Vec<usize>,
    used: BTreeMap<Cut, BTreeSet<char>>,
    stood_in: bool,
}

/// A drawn document, before fonts and file structure.
pub(super) struct Drawn {
    pub(super) pages: Vec<PdfPage>,
    /// The first is the root.
    pub(super) elements: Vec<Element>,
    pub(super) used: BTreeMap<Cut, BTreeSet<char>>,
}

impl<'f> Sheet<'f> {
    /// US Letter.
    pub(super) fn new(faces: &'f Faces) -> Self {
        Self::on(faces, PAGE_WIDTH, PAGE_HEIGHT)
    }

    /// Paper of another size, in points.
    pub(super) fn on(faces: &'f Faces, width: f32, height: f32) -> Self {
        let root = Element { tag: "Document", alt: None, kids: Vec::new() };
        let pages = vec![Page::default()];
        Self { faces, y: TOP, width, height, pages, elements: vec![root], open: vec![0], used: BTreeMap::new(), stood_in: false }
    }

    /// Whether some character had to be shown by its stand-in.
    pub(super) fn stood_in(&self) -> bool {
        self.stood_in
    }

    /// Opens a structure element for as long as `inside` draws.
    pub(super) fn within(&mut self, tag: &'static str, inside: impl FnOnce(&mut Self)) {
        self.within_alt(tag, None, inside);
    }

    /// The same, with words for those who cannot see it.
    pub(super) fn within_alt(&mut self, tag: &'static str, alt: Option<String>, inside: impl FnOnce(&mut Self)) {
        let index = self.elements.len();
        self.elements.push(Element { tag, alt, kids: Vec::new() });
        self.adopt(Kid::Element(index));
        self.open.push(index);
        inside(self);
        self.open.pop();
    }

    fn adopt(&mut self, kid: Kid) {
        if let Some(element) = self.open.last().and_then(|index| self.elements.get_mut(*index)) {
            element.kids.push(kid);
        }
    }

    fn push(&mut self, op: Op) {
        if let Some(page) = self.pages.last_mut() {
            page.ops.push(op);
        }
    }

    /// Draws content that belongs to the open element.
    fn marked(&mut self, inside: impl FnOnce(&mut Self)) {
        let page = self.pages.len().saturating_sub(1);
        let mark = self.pages.last_mut().map_or(0, |page| {
            page.marks += 1;
            page.marks - 1
        });
        let tag = self.open.last().and_then(|index| self.elements.get(*index)).map_or("P", |element| element.tag);
        self.adopt(Kid::Content { page, mark });
        let number = DictItem::Int(i64::try_from(mark).unwrap_or(i64::MAX));
        let properties = DictItem::Dict { map: BTreeMap::from([("MCID".to_owned(), number)]) };
        self.push(Op::BeginMarkedContentWithProperties { tag: tag.to_owned(), properties });
        inside(self);
        self.push(Op::EndMarkedContent);
    }

    /// Draws what only decorates.
    fn artifact(&mut self, inside: impl FnOnce(&mut Self)) {
        self.push(Op::BeginMarkedContent { tag: "Artifact".to_owned() });
        inside(self);
        self.push(Op::EndMarkedContent);
    }

    /// Starts a new page.
    pub(super) fn break_page(&mut self) {
        self.pages.push(Page::default());
        self.y = TOP;
    }

    /// Starts a new page if so many points no longer fit; says whether it did.
    pub(super) fn need(&mut self, height: f32) -> bool {
        let breaks = self.y + height > self.height - FOOT && self.y > TOP;
        if breaks {
            self.break_page();
        }
        breaks
    }

    /// Draws something that should not be torn apart: if it runs over the page, it is drawn again from the top of the next one.
    pub(super) fn together(&mut self, draw: impl Fn(&mut Self)) {
        let before = self.clone();
        draw(self);
        if self.pages.len() > before.pages.len() && before.y > TOP {
            *self = before;
            self.break_page();
            draw(self);
        }
    }

    /// Leaves so much white.
    pub(super) fn skip(&mut self, points: f32) {
        self.y += points;
    }

    fn glyphs(&mut self, x: f32, baseline: f32, text: &str, style: Style) {
        let text = self.faces.showable(text, style.cut);
        self.stood_in |= text.contains(STAND_IN);
        self.used.entry(style.cut).or_default().extend(text.chars());
        let font = PdfFontHandle::External(FontId(style.cut.resource().to_owned()));
        for op in [
            Op::StartTextSection,
            Op::SetFillColor { col: style.ink.color() },
            Op::SetFont { font, size: Pt(style.size) },
            Op::SetTextCursor { pos: at(self.height, x, baseline) },
            Op::ShowText { items: vec![TextItem::Text(text)] },
            Op::EndTextSection,
        ] {
            self.push(op);
        }
    }

    /// One line whose upper edge is at `top`.
    pub(super) fn line_at(&mut self, x: f32, top: f32, text: &str, style: Style) {
        self.lines_at(x, top, &[text.to_owned()], style);
    }

    /// Lines one below the other, the first with its upper edge at `top`.
    pub(super) fn lines_at(&mut self, x: f32, top: f32, lines: &[String], style: Style) {
        if lines.is_empty() {
            return;
        }
        self.marked(|sheet| {
            let mut baseline = top + style.ascent();
            for line in lines {
                sheet.glyphs(x, baseline, line, style);
                baseline += style.leading();
            }
        });
    }

    /// A line that only repeats what stands elsewhere (a table's head on a further page).
    pub(super) fn repeated_line_at(&mut self, x: f32, top: f32, text: &str, style: Style) {
        self.artifact(|sheet| sheet.glyphs(x, top + style.ascent(), text, style));
    }

    /// A paragraph between `x` and `x + width`, at the current height.
    pub(super) fn paragraph(&mut self, x: f32, width: f32, text: &str, style: Style) {
        let lines = self.faces.wrap(text, style.cut, style.size, width);
        self.within("P", |sheet| {
            for line in lines {
                sheet.need(style.leading());
                sheet.line_at(x, sheet.y, &line, style);
                sheet.y += style.leading();
            }
        });
    }

    /// A filled rectangle whose upper left corner is at `x`, `top`.
    pub(super) fn fill(&mut self, x: f32, top: f32, width: f32, height: f32, ink: Ink) {
        self.artifact(|sheet| {
            sheet.push(Op::SetFillColor { col: ink.color() });
            sheet.push(Op::DrawPolygon { polygon: polygon(vec![rectangle(sheet.height, x, top, width, height)]) });
        });
    }

    /// A square to tick, with its upper left corner at `x`, `top`.
    pub(super) fn tick_box(&mut self, x: f32, top: f32, side: f32) {
        const LINE: f32 = 0.7;
        let sides = [
            (x, top, side, LINE),
            (x, top + side - LINE, side, LINE),
            (x, top + LINE, LINE, side - 2.0 * LINE),
            (x + side - LINE, top + LINE, LINE, side - 2.0 * LINE),
        ];
        let rings = sides.map(|(x, top, width, height)| rectangle(self.height, x, top, width, height)).to_vec();
        self.artifact(|sheet| {
            sheet.push(Op::SetFillColor { col: Ink::Muted.color() });
            sheet.push(Op::DrawPolygon { polygon: polygon(rings) });
        });
    }

    /// Bars and spaces by turns, a bar first, each so many modules wide.
    pub(super) fn bars(&mut self, x: f32, top: f32, height: f32, module: f32, widths: &[u8], alt: String) {
        let mut rings = Vec::new();
        let mut left = x;
        for (position, modules) in widths.iter().enumerate() {
            let width = module * f32::from(*modules);
            if position.is_multiple_of(2) {
                rings.push(rectangle(self.height, left, top, width, height));
            }
            left += width;
        }
        self.figure(rings, Ink::Black, alt);
    }

    fn figure(&mut self, rings: Vec<PolygonRing>, ink: Ink, alt: String) {
        self.within_alt("Figure", Some(alt), |sheet| {
            sheet.marked(|sheet| {
                sheet.push(Op::SetFillColor { col: ink.color() });
                sheet.push(Op::DrawPolygon { polygon: polygon(rings) });
            });
        });
    }

    /// A hairline across the measure at the current height.
    pub(super) fn rule(&mut self) {
        self.fill(MARGIN, self.y, MEASURE, 0.6, Ink::Rule);
    }

    /// A grid of dark modules (a QR code), `side` points wide, with its upper left corner at `x`, `top`. Runs of dark modules become one
    /// rectangle each, all of them one shape.
    pub(super) fn modules(&mut self, x: f32, top: f32, side: f32, rows: &[Vec<bool>], ink: Ink, alt: String) {
        let Ok(count) = u16::try_from(rows.len()) else { return };
        if count == 0 {
            return;
        }
        let module = side / f32::from(count);
        let mut rings = Vec::new();
        let mut row_top = top;
        for row in rows {
            let mut left = x;
            for run in row.chunk_by(|a, b| a == b) {
                let width = run.iter().map(|_| module).sum();
                if run.first() == Some(&true) {
                    rings.push(rectangle(self.height, left, row_top, width, module));
                }
                left += width;
            }
            row_top += module;
        }
        self.figure(rings, ink, alt);
    }

    /// Puts a word across every page that was drawn, behind what is on it.
    pub(super) fn stamp(&mut self, word: &str) {
        const SIZE: f32 = 120.0;
        let style = Style::new(Cut::Bold, SIZE, Ink::Stamp);
        let half = self.faces.width(word, style.cut, SIZE) / 2.0;
        // From the lower left to the upper right, the middle of the word on the middle of the page.
        let (cos, sin) = (0.643, 0.766);
        let x = self.width / 2.0 - half * cos + SIZE * 0.36 * sin;
        let y = self.height / 2.0 - half * sin - SIZE * 0.36 * cos;
        self.used.entry(style.cut).or_default().extend(word.chars());
        let font = PdfFontHandle::External(FontId(style.cut.resource().to_owned()));
        let ops = [
            Op::BeginMarkedContent { tag: "Artifact".to_owned() },
            Op::StartTextSection,
            Op::SetFillColor { col: style.ink.color() },
            Op::SetFont { font, size: Pt(SIZE) },
            Op::SetTextMatrix { matrix: TextMatrix::Raw([cos, sin, -sin, cos, x, y]) },
            Op::ShowText { items: vec![TextItem::Text(word.to_owned())] },
            Op::EndTextSection,
            Op::EndMarkedContent,
        ];
        for page in &mut self.pages {
            page.ops.splice(0..0, ops.iter().cloned());
        }
    }

    /// Hands the drawing over as it is.
    pub(super) fn finish_bare(self) -> Drawn {
        let paper = Rect::from_wh(Pt(self.width), Pt(self.height));
        let pages = self
            .pages
            .into_iter()
            .map(|page| PdfPage { media_box: paper.clone(), trim_box: paper.clone(), crop_box: paper.clone(), ops: page.ops })
            .collect();
        Drawn { pages, elements: self.elements, used: self.used }
    }

    /// Writes the foot of every page and hands the drawing over.
    pub(super) fn finish(mut self, left: &str, middle: &str) -> Drawn {
        let style = Style::new(Cut::Regular, 7.5, Ink::Muted);
        let count = self.pages.len();
        // A very long name keeps its beginning; it stands in full at the head of the first page.
        let middle = self.faces.fit(middle, style.cut, style.size, MEASURE / 2.0);
        let mut done = Vec::new();
        for (index, page) in std::mem::take(&mut self.pages).into_iter().enumerate() {
            self.pages = vec![page];
            let right = format!("page {} of {count}", index + 1);
            let top = PAGE_HEIGHT - 34.0;
            let middle_x = (PAGE_WIDTH - self.faces.width(&middle, style.cut, style.size)) / 2.0;
            let right_x = PAGE_WIDTH - MARGIN - self.faces.width(&right, style.cut, style.size);
            self.fill(MARGIN, top - 6.0, MEASURE, 0.6, Ink::Rule);
            self.repeated_line_at(MARGIN, top, left, style);
            self.repeated_line_at(middle_x, top, &middle, style);
            self.repeated_line_at(right_x, top, &right, style);
            done.append(&mut self.pages);
        }
        self.pages = done;
        self.finish_bare()
    }
}

/// Coordinates run from the top here and from the bottom in the file; hundredths of a point are finer than any printer.
fn at(height: f32, x: f32, from_top: f32) -> Point {
    let hundredths = |v: f32| (v * 100.0).round() / 100.0;
    Point { x: Pt(hundredths(x)), y: Pt(hundredths(height - from_top)) }
}

fn rectangle(page: f32, x: f32, top: f32, width: f32, height: f32) -> PolygonRing {
    let corners = [(x, top), (x + width, top), (x + width, top + height), (x, top + height)];
    PolygonRing { points: corners.iter().map(|(x, y)| LinePoint { p: at(page, *x, *y), bezier: false }).collect() }
}

fn polygon(rings: Vec<PolygonRing>) -> Polygon {
    Polygon { rings, mode: PaintMode::Fill, winding_order: WindingOrder::NonZero }
}
