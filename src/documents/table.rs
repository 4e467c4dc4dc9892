//! Rows that flow over pages: grids of labelled values and tables with a head that repeats.

use super::layout::{Ink, MARGIN, MEASURE, Sheet, Style};
use super::typeface::Cut;

const LABEL: Style = Style::new(Cut::Regular, 7.2, Ink::Muted);
const VALUE: Style = Style::new(Cut::Regular, 8.8, Ink::Text);
const HEAD: Style = Style::new(Cut::Bold, 7.2, Ink::Muted);
const NOTE: Style = Style::new(Cut::Regular, 6.8, Ink::Muted);
const CONTINUED: Style = Style::new(Cut::Bold, 8.4, Ink::Accent);
const GUTTER: f32 = 10.0;

/// Labelled values, so many beside each other; each pair is read as one paragraph. A weight of 2 takes two columns' width.
pub(super) struct Pair {
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) span: u16,
}

impl Pair {
    pub(super) fn new(label: &'static str, value: impl Into<String>) -> Self {
        Self { label, value: value.into(), span: 1 }
    }
    pub(super) fn wide(mut self, span: u16) -> Self {
        self.span = span;
        self
    }
}

/// Draws the pairs in `columns` equal columns between `x` and `x + width`.
pub(super) fn pairs(sheet: &mut Sheet<'_>, x: f32, width: f32, columns: u16, pairs: &[Pair]) {
    let column = width / f32::from(columns);
    let mut rest = pairs;
    while !rest.is_empty() {
        let mut taken = 0;
        let mut filled = 0;
        while let Some(pair) = rest.get(taken) {
            if taken > 0 && filled + pair.span > columns {
                break;
            }
            filled += pair.span;
            taken += 1;
        }
        let (row, later) = rest.split_at(taken);
        rest = later;
        let cells: Vec<(f32, &Pair, Vec<String>)> = row
            .iter()
            .map(|pair| {
                (column * f32::from(pair.span), pair, sheet.faces.wrap(&pair.value, VALUE.cut, VALUE.size, column * f32::from(pair.span) - GUTTER))
            })
            .collect();
        let height = cells.iter().map(|(_, _, lines)| LABEL.leading() + stack(lines.len(), VALUE)).fold(0.0, f32::max) + 4.0;
        sheet.need(height);
        let mut left = x;
        for (wide, pair, lines) in cells {
            sheet.within("P", |sheet| {
                sheet.line_at(left, sheet.y, pair.label, LABEL);
                sheet.lines_at(left, sheet.y + LABEL.leading(), &lines, VALUE);
            });
            left += wide;
        }
        sheet.y += height;
    }
}

/// A column: its heading and its share of the measure in percent.
pub(super) struct Column {
    head: &'static str,
    percent: u16,
    right: bool,
}

impl Column {
    pub(super) const fn new(head: &'static str, percent: u16) -> Self {
        Self { head, percent, right: false }
    }
    /// Figures stand at the right, one under the other.
    pub(super) const fn right(mut self) -> Self {
        self.right = true;
        self
    }
    /// Where text of this style begins in the column whose left edge is at `x`.
    fn start(&self, sheet: &Sheet<'_>, x: f32, text: &str, style: Style) -> f32 {
        if self.right { x + share(self) - GUTTER - sheet.faces.width(text, style.cut, style.size) } else { x }
    }
}

/// A cell of this text is a square to tick.
pub(super) const TICK: &str = "\u{25a1}";

/// A row: for each column its lines (the first may be bold), and small print below them across the table.
pub(super) struct Row {
    pub(super) cells: Vec<Vec<(String, Cut)>>,
    pub(super) note: Option<String>,
}

const CELL: f32 = 8.4;
const CELL_MINOR: f32 = 7.3;

fn cell_style(cut: Cut, first: bool) -> Style {
    if first { Style::new(cut, CELL, Ink::Text) } else { Style::new(cut, CELL_MINOR, Ink::Muted) }
}

/// Draws the table over the whole measure. A row is never torn apart; the head stands again on every page.
pub(super) fn table(sheet: &mut Sheet<'_>, columns: &[Column], rows: &[Row]) {
    table_of(sheet, None, columns, rows);
}

/// The same; what it is a table of stands above the head of every further page.
pub(super) fn table_of(sheet: &mut Sheet<'_>, what: Option<&str>, columns: &[Column], rows: &[Row]) {
    sheet.within("Table", |sheet| {
        // A head without a row below it helps nobody.
        sheet.need(HEAD.leading() + 40.0);
        sheet.within("TR", |sheet| head(sheet, columns, false));
        for row in rows {
            draw_row(sheet, what, columns, row);
        }
    });
}

fn head(sheet: &mut Sheet<'_>, columns: &[Column], again: bool) {
    let mut x = MARGIN;
    for column in columns {
        let start = column.start(sheet, x, column.head, HEAD);
        if again {
            sheet.repeated_line_at(start, sheet.y, column.head, HEAD);
        } else {
            sheet.within("TH", |sheet| sheet.line_at(start, sheet.y, column.head, HEAD));
        }
        x += share(column);
    }
    sheet.y += HEAD.leading() + 2.0;
    sheet.rule();
    sheet.y += 4.0;
}

fn draw_row(sheet: &mut Sheet<'_>, what: Option<&str>, columns: &[Column], row: &Row) {
    let mut cells: Vec<Vec<(String, Style)>> = Vec::new();
    for (column, cell) in columns.iter().zip(&row.cells) {
        let mut lines = Vec::new();
        for (position, (text, cut)) in cell.iter().enumerate() {
            let style = cell_style(*cut, position == 0);
            if text == TICK {
                lines.push((text.clone(), style));
                continue;
            }
            lines.extend(sheet.faces.wrap(text, style.cut, style.size, share(column) - GUTTER).into_iter().map(|line| (line, style)));
        }
        cells.push(lines);
    }
    let note = row.note.as_ref().map(|text| sheet.faces.wrap(text, NOTE.cut, NOTE.size, MEASURE)).unwrap_or_default();
    let tallest = cells.iter().map(|lines| lines.iter().map(|(_, style)| style.leading()).sum()).fold(0.0_f32, f32::max);
    let height = tallest + stack(note.len(), NOTE) + 6.0;
    if sheet.need(height) {
        if let Some(what) = what {
            sheet.repeated_line_at(MARGIN, sheet.y, &format!("{what}, continued"), CONTINUED);
            sheet.y += CONTINUED.leading() + 3.0;
        }
        head(sheet, columns, true);
    }
    sheet.within("TR", |sheet| {
        let mut x = MARGIN;
        let last = cells.len().saturating_sub(1);
        for (position, (column, lines)) in columns.iter().zip(cells).enumerate() {
            sheet.within("TD", |sheet| {
                let mut top = sheet.y;
                for (line, style) in lines {
                    if line == TICK {
                        sheet.tick_box(x, top + 1.4, style.size);
                    } else {
                        sheet.line_at(column.start(sheet, x, &line, style), top, &line, style);
                    }
                    top += style.leading();
                }
                // Small print belongs to the row; it is read after the last cell.
                if position == last {
                    sheet.lines_at(MARGIN, sheet.y + tallest + 1.0, &note, NOTE);
                }
            });
            x += share(column);
        }
    });
    sheet.y += height - 2.0;
    sheet.rule();
    sheet.y += 3.0;
}

fn share(column: &Column) -> f32 {
    MEASURE * f32::from(column.percent) / 100.0
}

/// Height of so many lines.
fn stack(lines: usize, style: Style) -> f32 {
    f32::from(u16::try_from(lines).unwrap_or(u16::MAX)) * style.leading()
}
