//! Rules that compare the records of files that were handed in together.

use std::collections::{BTreeMap, BTreeSet};

use super::super::reading::{MediaKind, short};
use super::{Case, Said, Technique, grouped, said};

/// Drives of one batch may end in the same second by chance; so many do not.
const ALIKE: usize = 5;
/// Likewise where the tool counts in minutes.
const ALIKE_BY_MINUTES: usize = 20;
/// What takes less may well end together.
const ALIKE_SECONDS: i64 = 600;
/// Shorter report numbers are counters that every vendor has.
const REPORT_NUMBER_CHARACTERS: usize = 4;
/// Records of one medium that are compared with a further one.
const COMPARED: usize = 64;
/// Serial numbers that a sentence spells out.
const NAMED: usize = 3;

type ReportNumber<'a> = (&'a str, Option<&'a str>);
type Figures<'a> = (&'a str, &'a str, u64, Option<u64>, Option<u32>);

/// All records, and where to find those that have something in common.
pub(super) struct Across<'a> {
    cases: Vec<Case<'a>>,
    by_serial: BTreeMap<String, Vec<usize>>,
    /// The serial numbers in each file under a report number of a tool, and the first record of it.
    by_report: BTreeMap<ReportNumber<'a>, BTreeMap<usize, (usize, BTreeSet<String>)>>,
    by_figures: BTreeMap<Figures<'a>, Vec<usize>>,
}

impl<'a> Across<'a> {
    pub(super) fn new(cases: Vec<Case<'a>>) -> Self {
        let mut across = Self { cases: Vec::new(), by_serial: BTreeMap::new(), by_report: BTreeMap::new(), by_figures: BTreeMap::new() };
        for case in cases.iter().filter(|case| case.is_work()) {
            if let Some(serial) = case.serial.clone() {
                across.by_serial.entry(serial).or_default().push(case.number);
            }
            if let Some(number) = report_number(case) {
                let file = across.by_report.entry(number).or_default().entry(case.file_number).or_insert_with(|| (case.number, BTreeSet::new()));
                file.1.extend(case.serial.clone());
            }
            if let Some(figures) = figures(case) {
                across.by_figures.entry(figures).or_default().push(case.number);
            }
        }
        across.cases = cases;
        across
    }
    pub(super) fn cases(&self) -> &[Case<'a>] {
        &self.cases
    }
}

impl Across<'_> {
    /// Whether the same file tells of a further success on the same medium, by a technique that an overwrite may stand beside and be Purge together.
    pub(super) fn has_stronger(&self, case: &Case) -> bool {
        let same = case.serial.as_ref().and_then(|serial| self.by_serial.get(serial));
        let mut others = same.into_iter().flatten().filter_map(|number| self.cases.get(*number));
        others.any(|other| other.file_number == case.file_number && other.is_success() && is_stronger(other.record.technique))
    }
}

const fn is_stronger(technique: Technique) -> bool {
    use Technique::*;
    !matches!(technique, HostOverwrite | AtaSecureErase | AtaSecureEraseEnhanced | FactoryReset | Damage | Unknown)
}

fn report_number<'a>(case: &Case<'a>) -> Option<ReportNumber<'a>> {
    let number = case.record.report_id.as_deref()?.trim();
    (number.chars().count() >= REPORT_NUMBER_CHARACTERS).then_some((number, case.reading.tool.as_deref()))
}

/// Only long overwrites: commands on like drives take alike.
fn figures<'a>(case: &Case<'a>) -> Option<Figures<'a>> {
    let (started, ended) = (case.started?, case.ended?);
    let long = started.until(&ended).told >= ALIKE_SECONDS;
    let record = case.record;
    (case.is_success() && record.technique == Technique::HostOverwrite && long && case.serial.is_some()).then_some((
        started.text,
        ended.text,
        record.capacity_bytes?,
        record.bytes_erased,
        record.passes_done,
    ))
}

/// A report may come in two forms, or cover several media in one file: its number is used again only where two files have no medium in common.
pub(super) fn report_number_reused(case: &Case, across: &Across) -> Option<Said> {
    let number = report_number(case)?;
    let files = across.by_report.get(&number)?;
    let (first, own) = files.get(&case.file_number)?;
    if *first != case.number || own.is_empty() {
        return None;
    }
    let (_, (other, _)) = files.range(..case.file_number).find(|(_, (_, serials))| !serials.is_empty() && serials.is_disjoint(own))?;
    let other = across.cases.get(*other)?;
    said(
        format!(
            "The report about {} has the number “{}”, which the report about {} in the file {} has too.",
            case.who(),
            short(number.0),
            other.who(),
            short(other.file)
        ),
        "Ask the vendor which medium the report of that number is about, and for the other's own report.",
    )
}

pub(super) fn same_time_twice(case: &Case, across: &Across) -> Option<Said> {
    let (started, ended) = (case.started.as_ref()?, case.ended.as_ref()?);
    // A device may hold several media that go by its serial number.
    case.record.media_serial.as_ref()?;
    let others = across.by_serial.get(case.serial.as_ref()?)?;
    let other = others
        .iter()
        .take_while(|number| **number < case.number)
        .take(COMPARED)
        .filter_map(|number| across.cases.get(*number))
        .find(|other| clash(case, other))?;
    let (other_started, other_ended) = (other.started.as_ref()?, other.ended.as_ref()?);
    said(
        format!(
            "The report says that {} was worked on at {} from {} to {}, and the file {} says that it was at {} from {} to {}.",
            case.who(),
            short(&case.record.place),
            started.text,
            ended.text,
            short(other.file),
            short(&other.record.place),
            other_started.text,
            other_ended.text
        ),
        "Ask the vendor which of the two is right, and for the tool's own log of it.",
    )
}

/// Whether both surely ran at the same time and are not two accounts of one run.
fn clash(case: &Case, other: &Case) -> bool {
    let (Some(start), Some(end), Some(other_start), Some(other_end)) = (&case.started, &case.ended, &other.started, &other.ended) else {
        return false;
    };
    let same_file = case.file_number == other.file_number;
    let overlap = start.is_before(other_end, same_file) && other_start.is_before(end, same_file);
    let two_accounts =
        if same_file { case.record.place == other.record.place || !is_told_twice(case, other) } else { start.can_be(other_start, false) };
    overlap && !two_accounts
}

/// Steps of one erasure and namespaces of one NVMe drive have places of their own too; overwrites of one disk under two names do not.
fn is_told_twice(case: &Case, other: &Case) -> bool {
    let alike = |case: &Case| case.is_overwrite() && case.kind() != Some(MediaKind::Nvme) && !case.record.place.starts_with("nvme");
    alike(case) && alike(other)
}

pub(super) fn alike_in_bulk(case: &Case, across: &Across) -> Option<Said> {
    let group = across.by_figures.get(&figures(case)?)?;
    if group.first() != Some(&case.number) {
        return None;
    }
    let (started, ended) = (case.started.as_ref()?, case.ended.as_ref()?);
    let mut known = BTreeSet::new();
    let media: Vec<&str> = group
        .iter()
        .filter_map(|number| across.cases.get(*number))
        .filter(|case| known.insert(case.serial.as_deref()))
        .filter_map(|case| case.record.serial())
        .collect();
    let enough = if started.is_whole_minute() && ended.is_whole_minute() { ALIKE_BY_MINUTES } else { ALIKE };
    if media.len() < enough {
        return None;
    }
    let named = media.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    said(
        format!(
            "{} media ({named} and {} more) of {} bytes have the same figures and were all overwritten from {} to {}.",
            media.len(),
            media.len() - NAMED,
            grouped(case.record.capacity_bytes?),
            started.text,
            ended.text
        ),
        "Ask the vendor for the tool's own log of each medium.",
    )
}
