//! The manifest on paper: what is listed by container, with seals and weights, and where both sides sign. A list that is not sealed says DRAFT.

use std::collections::BTreeMap;

use super::layout::{MARGIN, MEASURE, Sheet};
use super::pdf_file::{Attachment, NotDrawable};
use super::sheet::{BODY, Papers, SMALL, STRONG, capitalised, container_words, number_of, section, signatures, thousands, weighed};
use super::table::{Column, Row, TICK, table, table_of};
use super::typeface::{Cut, Faces};
use crate::domain::consignment::Line;

const LINES: [Column; 6] = [
    Column::new("No.", 7),
    Column::new("Tag", 21),
    Column::new("Serial number", 24),
    Column::new("What it is", 34),
    Column::new("Entry", 9).right(),
    Column::new("Seen", 5),
];

/// Draws the manifest; `frozen` is the JSON whose SHA-256 the sealing recorded, and travels inside the file.
pub fn render(papers: &Papers<'_>, frozen: Option<&[u8]>) -> Result<Vec<u8>, NotDrawable> {
    let consignment = papers.consignment;
    let lines = papers.in_order();
    let mut sheet = Sheet::new(Faces::shared()?);
    let sheet_ref = &mut sheet;
    let title = papers.stamp().map_or_else(|| "Manifest".to_owned(), |word| format!("Manifest, {}", word.to_lowercase()));
    papers.head(sheet_ref, &title, true)?;
    papers.parties(sheet_ref);
    if papers.stamp().is_some() {
        sheet_ref.paragraph(MARGIN, MEASURE, "This list is not sealed and may still change. It hands nothing over.", STRONG);
    } else if let Some(digest) = &consignment.manifest {
        let words = format!("The list was frozen when it was sealed. SHA-256 of its JSON, which this file carries: {digest}");
        sheet_ref.paragraph(MARGIN, MEASURE, &words, SMALL);
    }
    if lines.is_empty() {
        section(sheet_ref, "What is listed");
        sheet_ref.paragraph(MARGIN, MEASURE, "Nothing is on the list yet.", BODY);
    } else {
        counts(sheet_ref, papers, &lines);
        containers(sheet_ref, papers, &lines);
    }
    signatures(
        sheet_ref,
        "Handed over and taken over",
        &[("Released by", &papers.from), ("Taken by the carrier", &carrier(papers)), ("Received by", &papers.to)],
    );
    let mut number = 0;
    for group in lines.chunk_by(|a, b| a.container == b.container) {
        let first = group.first().and_then(|line| line.container.as_ref());
        let container = consignment.containers.iter().find(|container| Some(&container.label) == first);
        let heading = container_words(container, first.map(|label| label.as_str()));
        section(sheet_ref, &heading);
        let rows: Vec<Row> = group
            .iter()
            .map(|line| {
                number += 1;
                row(line, number)
            })
            .collect();
        let what = first.map_or_else(|| heading.clone(), ToString::to_string);
        table_of(sheet_ref, Some(&what), &LINES, &rows);
    }
    if let Some(word) = papers.stamp() {
        sheet.stamp(word);
    }
    let title = papers.stamp().map_or_else(|| "Manifest".to_owned(), |word| format!("{word} of the manifest"));
    let attachments = frozen.map(|bytes| Attachment {
        name: "manifest.json".to_owned(),
        media_type: "application/json",
        description: "The list as it was sealed, byte for byte",
        bytes,
    });
    papers.file(sheet, &title, attachments.into_iter().collect())
}

fn carrier(papers: &Papers<'_>) -> String {
    let parts = [papers.consignment.carrier.as_ref().map(ToString::to_string), papers.consignment.driver.as_ref().map(ToString::to_string)];
    let words: Vec<String> = parts.into_iter().flatten().collect();
    if words.is_empty() { "carrier and driver not recorded".to_owned() } else { words.join(", ") }
}

fn row(line: &Line, number: u64) -> Row {
    let regular = |text: String| vec![(text, Cut::Regular)];
    let (tag, serial) = match &line.quantity {
        Some(quantity) => (quantity.words(), String::new()),
        None => (line.name.clone(), line.serial.as_ref().map(ToString::to_string).unwrap_or_default()),
    };
    Row {
        cells: vec![
            regular(thousands(number)),
            vec![(tag, Cut::Bold)],
            regular(serial),
            regular(line.title.clone()),
            regular(thousands(line.added)),
            regular(TICK.to_owned()),
        ],
        note: None,
    }
}

/// How many of what.
fn counts(sheet: &mut Sheet<'_>, papers: &Papers<'_>, lines: &[&Line]) {
    let mut sorts: BTreeMap<String, u64> = BTreeMap::new();
    for line in lines {
        *sorts.entry(papers.sort(line)).or_default() += line.quantity.as_ref().map_or(1, |quantity| u64::from(quantity.count));
    }
    let words: Vec<String> = sorts.iter().map(|(sort, number)| format!("{sort}\u{a0}{}", thousands(*number))).collect();
    section(sheet, "How many of what");
    let total = number_of(u64::try_from(lines.len()).unwrap_or(u64::MAX), "line", "lines");
    sheet.paragraph(MARGIN, MEASURE, &format!("{total}: {}.", words.join(" · ")), BODY);
}

fn containers(sheet: &mut Sheet<'_>, papers: &Papers<'_>, lines: &[&Line]) {
    let containers = &papers.consignment.containers;
    if containers.is_empty() {
        return;
    }
    section(sheet, "Containers and seals");
    let columns = [
        Column::new("Container", 24),
        Column::new("Seal", 22),
        Column::new("Lines", 10).right(),
        Column::new("Empty", 14).right(),
        Column::new("Gross", 15).right(),
        Column::new("Net", 15).right(),
    ];
    let cell = |text: String| vec![(text, Cut::Regular)];
    let rows: Vec<Row> = containers
        .iter()
        .map(|container| {
            let inside = lines.iter().filter(|line| line.container.as_ref() == Some(&container.label)).count();
            Row {
                cells: vec![
                    vec![(container.label.to_string(), Cut::Bold)],
                    cell(container.seal.as_ref().map_or_else(|| "no seal".to_owned(), ToString::to_string)),
                    cell(thousands(u64::try_from(inside).unwrap_or(u64::MAX))),
                    cell(weighed(container.tare_weight_grams)),
                    cell(weighed(container.gross_weight_grams)),
                    cell(weighed(container.net_weight_grams())),
                ],
                note: None,
            }
        })
        .collect();
    table(sheet, &columns, &rows);
    let broken: Vec<String> = papers.consignment.broken_seals.iter().map(ToString::to_string).collect();
    if !broken.is_empty() {
        let words = format!("{} by the sender before it left: {}.", capitalised("seals broken"), broken.join(", "));
        sheet.paragraph(MARGIN, MEASURE, &words, SMALL);
    }
}
