//! The pick list: what is to be fetched, by the place where it is. It carries no code that a scanner could read in place of the thing's own.

use super::layout::{MARGIN, MEASURE, Sheet};
use super::pdf_file::NotDrawable;
use super::sheet::{BODY, Papers, number_of, section, thousands};
use super::table::{Column, Row, TICK, table_of};
use super::typeface::{Cut, Faces};
use crate::domain::consignment::Line;

const LINES: [Column; 6] = [
    Column::new("", 4),
    Column::new("No.", 6),
    Column::new("Tag", 20),
    Column::new("Serial number", 22),
    Column::new("What it is", 34),
    Column::new("Into", 14),
];

/// Draws the pick list.
pub fn render(papers: &Papers<'_>) -> Result<Vec<u8>, NotDrawable> {
    let mut lines: Vec<(String, &Line)> = papers.in_order().into_iter().map(|line| (place(papers, line), line)).collect();
    lines.sort_by(|(a_place, a), (b_place, b)| (a_place, &a.name, &a.item).cmp(&(b_place, &b.name, &b.item)));
    let mut sheet = Sheet::new(Faces::shared()?);
    papers.head(&mut sheet, "Pick list", false)?;
    papers.parties(&mut sheet);
    let total = number_of(u64::try_from(lines.len()).unwrap_or(u64::MAX), "line", "lines");
    let words =
        format!("{total}. Tick what you have found, and scan the thing itself: this paper has no codes, so that nobody counts it by its paper.");
    sheet.paragraph(MARGIN, MEASURE, if lines.is_empty() { "Nothing is on the list yet." } else { &words }, BODY);
    let mut number = 0;
    for group in lines.chunk_by(|(a, _), (b, _)| a == b) {
        let Some((place, _)) = group.first() else { continue };
        section(&mut sheet, &format!("{place} · {}", number_of(u64::try_from(group.len()).unwrap_or(u64::MAX), "line", "lines")));
        let rows: Vec<Row> = group
            .iter()
            .map(|(_, line)| {
                number += 1;
                row(line, number)
            })
            .collect();
        table_of(&mut sheet, Some(place), &LINES, &rows);
    }
    if papers.stamp() == Some("CANCELLED") {
        sheet.stamp("CANCELLED");
    }
    papers.file(sheet, "Pick list", Vec::new())
}

fn place(papers: &Papers<'_>, line: &Line) -> String {
    let site = papers.things.get(line.item.id()).map(|thing| thing.site.clone()).filter(|site| !site.is_empty());
    site.unwrap_or_else(|| papers.consignment.from.site.to_string())
}

fn row(line: &Line, number: u64) -> Row {
    let regular = |text: String| vec![(text, Cut::Regular)];
    let tag = line.quantity.as_ref().map_or_else(|| line.name.clone(), |quantity| quantity.words());
    Row {
        cells: vec![
            regular(TICK.to_owned()),
            regular(thousands(number)),
            vec![(tag, Cut::Bold)],
            regular(line.serial.as_ref().map(ToString::to_string).unwrap_or_default()),
            regular(line.title.clone()),
            regular(line.container.as_ref().map(ToString::to_string).unwrap_or_default()),
        ],
        note: None,
    }
}
