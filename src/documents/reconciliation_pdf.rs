//! The reconciliation sheet: what was released against what was received, and every variance with the ways to resolve it, to be ticked on a walk
//! through the yard and entered afterwards.

use super::layout::{Ink, MARGIN, MEASURE, Sheet, Style};
use super::pdf_file::NotDrawable;
use super::receipt_pdf::{Difference, data, tally};
use super::sheet::{BODY, Papers, SMALL, STRONG, capitalised, section, thousands, weighed};
use super::table::{Column, Row, pairs, table};
use super::typeface::{Cut, Faces};
use crate::domain::consignment::ContainerReceived;
use crate::domain::names::Instant;

/// Draws the sheet.
pub fn render(papers: &Papers<'_>, differences: &[Difference<'_>]) -> Result<Vec<u8>, NotDrawable> {
    let lines = papers.in_order();
    let mut sheet = Sheet::new(Faces::shared()?);
    papers.head(&mut sheet, "Reconciliation sheet", true)?;
    papers.parties(&mut sheet);
    section(&mut sheet, "Released against received");
    pairs(&mut sheet, MARGIN, MEASURE, 4, &tally(&lines, differences));
    containers(&mut sheet, papers);
    let (open, resolved): (Vec<_>, Vec<_>) = differences.iter().partition(|difference| difference.discrepancy.resolution.is_none());
    section(&mut sheet, &format!("Open variances: {}", thousands(u64::try_from(open.len()).unwrap_or(u64::MAX))));
    if open.is_empty() {
        sheet.paragraph(MARGIN, MEASURE, "None. Nothing is left to find out.", STRONG);
    } else {
        let words = "Look at the thing, tick what you found and name what shows it. What is ticked here counts when an approver has entered it.";
        sheet.paragraph(MARGIN, MEASURE, words, SMALL);
        sheet.skip(3.0);
    }
    for (number, difference) in (1_u64..).zip(&open) {
        sheet.together(|sheet| variance(sheet, number, difference));
    }
    if !resolved.is_empty() {
        section(&mut sheet, "Resolved");
        let columns = [Column::new("What differed", 34), Column::new("Thing", 26), Column::new("Resolution", 40)];
        let rows: Vec<Row> = resolved.iter().map(|difference| settled(difference)).collect();
        table(&mut sheet, &columns, &rows);
    }
    signed(&mut sheet);
    papers.file(sheet, "Reconciliation sheet", Vec::new())
}

fn containers(sheet: &mut Sheet<'_>, papers: &Papers<'_>) {
    let found: Vec<&ContainerReceived> = papers.consignment.receipts.iter().flat_map(|receipt| &receipt.containers).collect();
    if papers.consignment.containers.is_empty() && found.is_empty() {
        return;
    }
    section(sheet, "Containers");
    let columns = [
        Column::new("Container", 19),
        Column::new("Seal as released", 17),
        Column::new("Seal as found", 20),
        Column::new("Gross released", 15).right(),
        Column::new("Gross received", 15).right(),
        Column::new("Difference", 14).right(),
    ];
    let cell = |text: String| vec![(text, Cut::Regular)];
    let listed = papers.consignment.containers.iter().map(|container| (container.label.clone(), Some(container)));
    let unlisted = found.iter().filter(|found| !papers.consignment.containers.iter().any(|container| container.label == found.label));
    let rows: Vec<Row> = listed
        .chain(unlisted.map(|found| (found.label.clone(), None)))
        .map(|(label, sealed)| {
            let here = found.iter().find(|found| found.label == label);
            let seal = sealed.map(|container| container.seal.as_ref().map_or_else(|| "no seal".to_owned(), ToString::to_string));
            let (released, received) = (sealed.and_then(|container| container.gross_weight_grams), here.and_then(|found| found.gross_weight_grams));
            let difference = released.zip(received).map(|(released, received)| {
                let sign = if received < released {
                    "-"
                } else if received > released {
                    "+"
                } else {
                    ""
                };
                format!("{sign}{}", weighed(Some(released.abs_diff(received))))
            });
            Row {
                cells: vec![
                    vec![(label.to_string(), Cut::Bold)],
                    cell(seal.unwrap_or_else(|| "not listed".to_owned())),
                    cell(here.map_or_else(|| "not reported".to_owned(), |found| found.seal_state.label().to_owned())),
                    cell(weighed(released)),
                    cell(weighed(received)),
                    cell(difference.unwrap_or_else(|| "–".to_owned())),
                ],
                note: None,
            }
        })
        .collect();
    table(sheet, &columns, &rows);
}

/// One variance: what it is, the ways to resolve it with a square each, and a line for the reference.
fn variance(sheet: &mut Sheet<'_>, number: u64, difference: &Difference<'_>) {
    const INSET: f32 = 22.0;
    let discrepancy = difference.discrepancy;
    sheet.need(70.0);
    sheet.rule();
    sheet.skip(4.0);
    let top = sheet.y;
    sheet.within("P", |sheet| sheet.line_at(MARGIN, top, &thousands(number), STRONG));
    let scanned = Some(difference.scanned()).filter(|text| !text.is_empty()).map(|text| format!("scanned: {text}"));
    let due = Some(format!("due {}", day(discrepancy.due_at)));
    let details = [Some(difference.serial.clone()), Some(difference.title.clone()), scanned, Some(data(discrepancy).to_owned()), due];
    let details: Vec<String> = details.into_iter().flatten().filter(|text| !text.is_empty()).collect();
    sheet.paragraph(MARGIN + INSET, MEASURE - INSET, &format!("{} · {}", difference.about(), difference.what()), STRONG);
    sheet.paragraph(MARGIN + INSET, MEASURE - INSET, &capitalised(&details.join(" · ")), SMALL);
    sheet.skip(3.0);
    for resolution in discrepancy.kind.resolutions() {
        let y = sheet.y;
        sheet.tick_box(MARGIN + INSET, y + 1.0, 8.4);
        sheet.within("P", |sheet| sheet.line_at(MARGIN + INSET + 14.0, y, &capitalised(resolution.label()), BODY));
        sheet.skip(BODY.leading() + 2.4);
    }
    blank(sheet, MARGIN + INSET, MEASURE - INSET, &["Reference or document that shows it", "Found by", "On"]);
    sheet.skip(5.0);
}

/// Lines to write on, side by side, the first as wide as the others together.
fn blank(sheet: &mut Sheet<'_>, x: f32, width: f32, labels: &[&str]) {
    const LABEL: Style = Style::new(Cut::Regular, 6.8, Ink::Muted);
    const GAP: f32 = 12.0;
    sheet.skip(17.0);
    let shares = [0.5, 0.3, 0.2];
    let mut left = x;
    for (label, share) in labels.iter().zip(shares) {
        let y = sheet.y;
        sheet.fill(left, y, width * share - GAP, 0.6, Ink::Muted);
        sheet.within("P", |sheet| sheet.line_at(left, y + 1.0, label, LABEL));
        left += width * share;
    }
    sheet.skip(LABEL.leading() + 3.0);
}

fn settled(difference: &Difference<'_>) -> Row {
    let regular = |text: String| (text, Cut::Regular);
    let mut thing = vec![(difference.about(), Cut::Bold)];
    thing.extend([difference.serial.clone(), difference.scanned()].into_iter().filter(|text| !text.is_empty()).map(regular));
    let mut how = vec![regular(difference.discrepancy.resolution.map(|resolution| capitalised(resolution.label())).unwrap_or_default())];
    how.extend(difference.resolved.as_ref().map(|stated| regular(stated.words())));
    Row { cells: vec![vec![regular(difference.what())], thing, how], note: None }
}

fn signed(sheet: &mut Sheet<'_>) {
    sheet.together(|sheet| {
        section(sheet, "Counted and compared by");
        sheet.need(40.0);
        blank(sheet, MARGIN, MEASURE, &["Name in capitals", "Signature", "Date"]);
    });
}

/// `Nov 23, 2026`
fn day(at: Instant) -> String {
    at.utc().format("%b %-d, %Y").to_string()
}
