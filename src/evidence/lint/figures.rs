//! Rules about what a report says of its own end, coverage and errors, and about how it describes the medium.

use super::super::reading::{HiddenArea, Verification, short};
use super::{Case, Expected, MediaKind, MediaType, Method, Outcome, Said, Technique, article, grouped, said};

/// A terabyte counted in thousands and one counted in 1024s differ by 9.95 %.
const CAPACITY_PERCENT: u64 = 110;
/// What a device keeps for its system is missing from the size of soldered storage; the next size up is twice as large.
const SOLDERED_PERCENT: u64 = 150;
/// Part numbers of one family differ in what follows.
const FAMILY_CHARACTERS: usize = 5;

/// A log without a verdict claims nothing; a report that names a method or standard does.
pub(super) fn not_finished(case: &Case) -> Option<Said> {
    let open = matches!(case.record.result, Outcome::InProgress | Outcome::Inconclusive);
    let claimed = case.record.method_claimed.is_some() || case.record.standard_claimed.is_some();
    if !(case.is_work() && open && claimed) {
        return None;
    }
    said(
        format!(
            "The report names {} for {} and does not say that the work was finished: its state is “{}”.",
            case.claim(),
            case.who(),
            case.record.result.label()
        ),
        "Ask the vendor for the report that was made after the work had ended, with its final status.",
    )
}

/// Commands count no bytes, or count them as zero.
pub(super) fn bytes_below_capacity(case: &Case) -> Option<Said> {
    let (erased, capacity) = (case.record.bytes_erased?, case.record.capacity_bytes?);
    if !(case.is_success() && case.is_overwrite() && erased < capacity) {
        return None;
    }
    said(
        format!(
            "The report says that {} of the {} bytes of {} were erased, and that it {}.",
            grouped(erased),
            grouped(capacity),
            case.who(),
            case.record.result.label()
        ),
        "Ask the vendor why part of the medium was left out, and for an erasure of all of it or its destruction.",
    )
}

pub(super) fn bytes_above_capacity(case: &Case) -> Option<Said> {
    let (erased, capacity) = (case.record.bytes_erased?, case.record.capacity_bytes?);
    if !(case.is_success() && capacity > 0 && erased > capacity) {
        return None;
    }
    said(
        format!("The report says that {} bytes of {} were erased at least once, and that it has {}.", grouped(erased), case.who(), grouped(capacity)),
        "Ask the vendor for the drive's own answer about its size, and for a report by a version of the tool that reads it rightly.",
    )
}

pub(super) fn passes_missing(case: &Case) -> Option<Said> {
    let (done, requested) = (case.record.passes_done?, case.record.passes_requested?);
    if !(case.is_success() && done < requested) {
        return None;
    }
    said(
        format!(
            "The report says that {done} of the {requested} passes over {} were finished, and that it {}.",
            case.who(),
            case.record.result.label()
        ),
        "Ask the vendor for the tool's log up to the end of the last pass.",
    )
}

pub(super) fn hidden_area_left(case: &Case) -> Option<Said> {
    if !(case.record.hidden_area == HiddenArea::Found && stops_at_hidden_area(case.record.technique) && case.claims(Method::Purge)) {
        return None;
    }
    said(
        format!(
            "The report claims {} for {} and says that the medium has a hidden area, which the technique does not reach.",
            case.claim(),
            case.who()
        ),
        "Ask the vendor for an erasure after the hidden area (HPA, DCO) was removed, with the sector counts before and after.",
    )
}

/// Only ATA drives hide sectors this way; of others there is nothing to know.
pub(super) fn hidden_area_unknown(case: &Case) -> Option<Said> {
    if !(case.record.hidden_area == HiddenArea::Unknown
        && stops_at_hidden_area(case.record.technique)
        && speaks_ata(case)
        && case.is_success()
        && case.claims(Method::Purge))
    {
        return None;
    }
    said(
        format!("The report claims {} for {} and does not say whether the medium has a hidden area.", case.claim(), case.who()),
        "Ask the vendor for the part of the log that shows the hidden areas (HPA, DCO) to be absent or reset.",
    )
}

pub(super) fn not_verified(case: &Case) -> Option<Said> {
    if !(case.record.verification == Verification::None && case.is_success() && (case.claims(Method::Purge) || case.claims(Method::Clear))) {
        return None;
    }
    said(
        format!(
            "The report claims {} for {} and says that nothing was verified; every sanitization is to be verified (NIST SP 800-88r2 §4.4).",
            case.claim(),
            case.who()
        ),
        "Ask the vendor for a verification of this medium, or for the erasure again with verification switched on.",
    )
}

pub(super) fn verification_unknown(case: &Case) -> Option<Said> {
    if !(case.record.verification == Verification::Unknown && case.is_success() && case.claims(Method::Purge)) {
        return None;
    }
    said(
        format!("The report claims {} for {} and does not say whether anything was verified (NIST SP 800-88r2 §4.4).", case.claim(), case.who()),
        "Ask the vendor what was verified and how, and for the part of the log that shows it.",
    )
}

pub(super) fn errors_with_success(case: &Case) -> Option<Said> {
    let errors = &case.record.errors;
    let counted: Vec<String> = [(errors.write, "while writing"), (errors.verify, "while verifying"), (errors.sync, "while flushing")]
        .into_iter()
        .filter_map(|(count, when)| count.filter(|count| *count > 0).map(|count| format!("{} {when}", grouped(count))))
        .collect();
    if counted.is_empty() || !case.is_success() {
        return None;
    }
    said(
        format!("The report counts errors on {} ({}) and says that it {}.", case.who(), counted.join(", "), case.record.result.label()),
        "Ask the vendor which sectors could not be written or read, and for the medium's destruction if any kept its data.",
    )
}

pub(super) fn retries_with_success(case: &Case) -> Option<Said> {
    let retries = case.record.errors.retries.filter(|retries| *retries > 0 && case.is_success())?;
    said(
        format!("The report counts {} repeated steps on {} and says that it {}.", grouped(retries), case.who(), case.record.result.label()),
        "Ask the vendor which steps had to be repeated, and whether the drive has sectors that it no longer writes.",
    )
}

pub(super) fn other_kind(case: &Case) -> Option<Said> {
    let (kind, media_type) = (case.kind()?, case.expected_type()?);
    if can_be(kind, media_type) {
        return None;
    }
    said(
        format!("The report says that {} is {}; the record knows it as {}.", case.who(), article(kind.label()), article(media_type.label())),
        "Ask the vendor for a photograph of the medium's label, and correct whichever is wrong.",
    )
}

pub(super) fn other_capacity(case: &Case) -> Option<Said> {
    let (reported, expected) = (case.record.capacity_bytes?, case.context.expected?.capacity_bytes?);
    let soldered = case.expected_type().is_some_and(MediaType::is_soldered) || matches!(case.kind(), Some(MediaKind::Emmc | MediaKind::Mobile));
    if !differ(reported, expected, if soldered { SOLDERED_PERCENT } else { CAPACITY_PERCENT }) {
        return None;
    }
    said(
        format!("The report says that {} has {} bytes; the record says {}.", case.who(), grouped(reported), grouped(expected)),
        "Ask the vendor for the drive's own answer about its size, and for a photograph of its label.",
    )
}

pub(super) fn other_model(case: &Case) -> Option<Said> {
    let Expected { model: Some(expected), .. } = case.context.expected? else { return None };
    let reported = case.record.model.as_deref()?;
    if !are_other_models(reported, expected) {
        return None;
    }
    said(
        format!("The report says that {} is the model “{}”; the record says “{}”.", case.who(), short(reported), short(expected)),
        "Ask the vendor for a photograph of the medium's label, and correct whichever is wrong.",
    )
}

/// Commands of NVMe and cryptographic erase reach all of a drive; these end where the addressable range does.
const fn stops_at_hidden_area(technique: Technique) -> bool {
    use Technique::*;
    matches!(technique, HostOverwrite | AtaSecureErase | AtaSecureEraseEnhanced | AtaSanitizeOverwrite | AtaSanitizeBlock)
}

fn speaks_ata(case: &Case) -> bool {
    case.record.technique != Technique::HostOverwrite
        || case.kind() == Some(MediaKind::Hdd)
        || matches!(case.expected_type(), Some(MediaType::HddAta | MediaType::SshdHybrid | MediaType::SsdSata))
}

/// Whether a tool may call a medium of this type so; tools know soldered flash and phones under many names.
const fn can_be(kind: MediaKind, media_type: MediaType) -> bool {
    match (kind, media_type) {
        (MediaKind::Other, _) | (_, MediaType::Unknown) => true,
        // A hybrid goes by either name, and so does what a copier was built with.
        (MediaKind::Hdd | MediaKind::Ssd, MediaType::SshdHybrid | MediaType::MfpEmbedded) => true,
        (MediaKind::Hdd, media_type) => matches!(media_type, MediaType::HddAta | MediaType::HddScsi),
        (MediaKind::Tape, media_type) => matches!(media_type, MediaType::Tape),
        (_, MediaType::HddAta | MediaType::HddScsi | MediaType::SshdHybrid | MediaType::Tape | MediaType::Floppy | MediaType::Optical) => false,
        (_, MediaType::VolatileRam) => false,
        (MediaKind::Nvme | MediaKind::Emmc, MediaType::SsdSata | MediaType::SsdSas) | (MediaKind::Emmc, MediaType::SsdNvme) => false,
        (MediaKind::Ssd | MediaKind::Nvme | MediaKind::Emmc | MediaKind::Mobile, _) => true,
    }
}

/// Whether the larger has more than this many hundredths of the smaller.
fn differ(one: u64, other: u64, percent: u64) -> bool {
    let (small, large) = (u128::from(one.min(other)), u128::from(one.max(other)));
    small > 0 && large * 100 > small * u128::from(percent)
}

/// Only part numbers tell: `Samsung SSD 860 EVO` and `MZ-76E500` are the same drive. Tools cut names short and drop their separators.
fn are_other_models(one: &str, other: &str) -> bool {
    let (plain_one, plain_other) = (squeezed(one), squeezed(other));
    let (parts_one, parts_other) = (part_numbers(one), part_numbers(other));
    let within = plain_one.contains(&plain_other) || plain_other.contains(&plain_one);
    let related = parts_one.iter().any(|a| plain_other.contains(start(a))) || parts_other.iter().any(|b| plain_one.contains(start(b)));
    !parts_one.is_empty() && !parts_other.is_empty() && !within && !related
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// Words of six letters and digits or more, of both sorts; sizes (`500GB`) are shorter or end with their unit.
fn part_numbers(text: &str) -> Vec<String> {
    let is_part = |word: &String| {
        let size =
            word.strip_suffix('B').and_then(|size| size.strip_suffix(['G', 'T', 'M'])).is_some_and(|size| size.chars().all(|c| c.is_ascii_digit()));
        word.chars().count() >= 6 && word.chars().any(|c| c.is_ascii_digit()) && word.chars().any(char::is_alphabetic) && !size
    };
    text.split(|c: char| !c.is_alphanumeric()).map(squeezed).filter(is_part).collect()
}

fn start(part: &str) -> &str {
    part.char_indices().nth(FAMILY_CHARACTERS).and_then(|(end, _)| part.get(..end)).unwrap_or(part)
}
