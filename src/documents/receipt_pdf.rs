//! The receipt on paper: what the receiver stated, and every line that differs from the list.

use super::layout::{MARGIN, MEASURE, Sheet};
use super::pdf_file::NotDrawable;
use super::sheet::{BODY, Papers, SMALL, STRONG, Stated, capitalised, number_of, section, signatures, thousands, weighed, weight};
use super::table::{Column, Pair, Row, pairs, table};
use super::typeface::{Cut, Faces};
use crate::domain::consignment::{Discrepancy, DiscrepancyKind, Line, LineState, Receipt};

/// A receipt, with who stated it and how.
#[derive(Clone, Debug)]
pub struct Statement<'a> {
    /// The receipt.
    pub receipt: &'a Receipt,
    /// By whom.
    pub stated: Stated,
    /// `signed in`, or the document that it was entered from.
    pub how: String,
}

/// Something that differs, and what it is about.
#[derive(Clone, Debug)]
pub struct Difference<'a> {
    /// What differs.
    pub discrepancy: &'a Discrepancy,
    /// The tag or name of the thing; empty where the record knows none.
    pub name: String,
    /// Its serial number on record.
    pub serial: String,
    /// What it is.
    pub title: String,
    /// Who resolved it.
    pub resolved: Option<Stated>,
}

impl Difference<'_> {
    /// `tag CB-1, serial PF1`
    pub(super) fn scanned(&self) -> String {
        let Some(scan) = &self.discrepancy.scan else { return String::new() };
        let parts = [scan.tag.as_ref().map(|tag| format!("tag {tag}")), scan.serial.as_ref().map(|serial| format!("serial {serial}"))];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
    /// What differs, in few words, and the figures.
    pub(super) fn what(&self) -> String {
        let Discrepancy { kind, seal, figures, .. } = self.discrepancy;
        if let Some((state, number)) = seal {
            let number = number.as_ref().map_or_else(String::new, |number| format!(", {number}"));
            return format!("Seal: {}{number}", state.label());
        }
        let figures = figures.map_or_else(String::new, |(expected, found)| {
            let figure = |n: u32| if *kind == DiscrepancyKind::Weight { weight(u64::from(n)) } else { thousands(u64::from(n)) };
            format!(" ({} expected, {} found)", figure(expected), figure(found))
        });
        capitalised(&format!("{}{figures}", kind.label()))
    }
    /// The thing that it is about, as one finds it.
    pub(super) fn about(&self) -> String {
        match (self.name.is_empty(), self.discrepancy.container.as_ref()) {
            (false, _) => self.name.clone(),
            (true, Some(container)) => container.to_string(),
            (true, None) if self.discrepancy.kind.is_of_the_whole() => "the whole consignment".to_owned(),
            (true, None) => "not in the record".to_owned(),
        }
    }
}

/// How many lines are in each state.
pub(super) fn tally(lines: &[&Line], differences: &[Difference<'_>]) -> Vec<Pair> {
    let number = |state: LineState| lines.iter().filter(|line| line.state == state).count();
    let over = differences.iter().filter(|difference| difference.discrepancy.kind == DiscrepancyKind::Over).count();
    let whole = differences.iter().filter(|difference| difference.discrepancy.kind.is_of_the_whole()).count();
    let shown = [
        ("Listed", lines.len()),
        ("Received as listed", number(LineState::Received)),
        ("Short", number(LineState::Short)),
        ("Over", over),
        ("Mismatch", number(LineState::Mismatch)),
        ("Without its drive", number(LineState::Incomplete)),
        ("Still to come", number(LineState::Listed)),
        ("About seals, weights, counts", whole),
    ];
    shown.map(|(label, count)| Pair::new(label, thousands(u64::try_from(count).unwrap_or(u64::MAX)))).into()
}

/// Draws the receipt.
pub fn render(papers: &Papers<'_>, statements: &[Statement<'_>], differences: &[Difference<'_>]) -> Result<Vec<u8>, NotDrawable> {
    let lines = papers.in_order();
    let mut sheet = Sheet::new(Faces::shared()?);
    papers.head(&mut sheet, "Receipt", true)?;
    papers.parties(&mut sheet);
    section(&mut sheet, "What came");
    pairs(&mut sheet, MARGIN, MEASURE, 4, &tally(&lines, differences));
    for statement in statements {
        sheet.together(|sheet| stated(sheet, papers, statement));
    }
    section(&mut sheet, "What differs");
    if differences.is_empty() {
        sheet.paragraph(MARGIN, MEASURE, "Nothing: everything that has come is as it was listed.", STRONG);
    } else {
        let columns = [Column::new("What differs", 32), Column::new("Thing", 26), Column::new("As scanned", 26), Column::new("Data", 16)];
        let rows: Vec<Row> = differences.iter().map(row).collect();
        table(&mut sheet, &columns, &rows);
    }
    let damaged: Vec<&&Line> = lines.iter().filter(|line| line.damage.is_some()).collect();
    if !damaged.is_empty() {
        section(&mut sheet, "Damage that the receiver saw");
        let columns = [Column::new("Tag", 24), Column::new("Serial number", 26), Column::new("What it is", 28), Column::new("Damage", 22)];
        let cell = |text: String| vec![(text, Cut::Regular)];
        let rows: Vec<Row> = damaged
            .iter()
            .map(|line| Row {
                cells: vec![
                    vec![(line.name.clone(), Cut::Bold)],
                    cell(line.serial.as_ref().map(ToString::to_string).unwrap_or_default()),
                    cell(line.title.clone()),
                    cell(line.damage.map(|damage| damage.label().to_owned()).unwrap_or_default()),
                ],
                note: None,
            })
            .collect();
        table(&mut sheet, &columns, &rows);
    }
    sheet.skip(6.0);
    let words = "This paper repeats what the receiver stated and the record holds. It shows who stated what and when; it does not show that the statement was true.";
    sheet.paragraph(MARGIN, MEASURE, words, SMALL);
    signatures(
        &mut sheet,
        "Delivered and received",
        &[("Delivered by", papers.consignment.carrier.as_ref().map_or("carrier", |name| name.as_str())), ("Received by", &papers.to)],
    );
    papers.file(sheet, "Receipt", Vec::new())
}

/// One statement of the receiver, with the containers as found.
fn stated(sheet: &mut Sheet<'_>, papers: &Papers<'_>, statement: &Statement<'_>) {
    let receipt = statement.receipt;
    section(sheet, &format!("Stated {}", if receipt.more_to_come { "while more was to come" } else { "at the close" }));
    sheet.paragraph(MARGIN, MEASURE, &statement.stated.words(), BODY);
    let scanned = number_of(u64::from(receipt.scanned), "thing scanned", "things scanned");
    sheet.paragraph(MARGIN, MEASURE, &capitalised(&format!("{scanned}; {}.", statement.how)), SMALL);
    if receipt.containers.is_empty() {
        return;
    }
    sheet.skip(4.0);
    let columns = [
        Column::new("Container", 24),
        Column::new("Seal as released", 20),
        Column::new("Seal as found", 22),
        Column::new("Gross released", 17).right(),
        Column::new("Gross received", 17).right(),
    ];
    let cell = |text: String| vec![(text, Cut::Regular)];
    let rows: Vec<Row> = receipt
        .containers
        .iter()
        .map(|found| {
            let sealed = papers.consignment.containers.iter().find(|container| container.label == found.label);
            let seal = sealed.map(|container| container.seal.as_ref().map_or_else(|| "no seal".to_owned(), ToString::to_string));
            let number = found.seal.as_ref().map(|seal| format!(", {seal}")).unwrap_or_default();
            Row {
                cells: vec![
                    vec![(found.label.to_string(), Cut::Bold)],
                    cell(seal.unwrap_or_else(|| "not listed".to_owned())),
                    cell(format!("{}{number}", found.seal_state.label())),
                    cell(weighed(sealed.and_then(|container| container.gross_weight_grams))),
                    cell(weighed(found.gross_weight_grams)),
                ],
                note: None,
            }
        })
        .collect();
    table(sheet, &columns, &rows);
}

/// May it hold data, and does it hold everything up?
pub(super) fn data(discrepancy: &Discrepancy) -> &'static str {
    match (discrepancy.kind.is_of_the_whole(), discrepancy.critical) {
        (true, _) => "all of it waits",
        (false, true) => "may hold data",
        (false, false) => "no storage",
    }
}

fn row(difference: &Difference<'_>) -> Row {
    let regular = |text: String| (text, Cut::Regular);
    let mut thing = vec![(difference.about(), Cut::Bold)];
    thing.extend([&difference.serial, &difference.title].into_iter().filter(|text| !text.is_empty()).cloned().map(regular));
    Row {
        cells: vec![
            vec![regular(difference.what())],
            thing,
            vec![regular(difference.scanned())],
            vec![regular(data(difference.discrepancy).to_owned())],
        ],
        note: None,
    }
}
