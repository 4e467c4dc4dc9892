//! Rules that compute what an overwrite can have written in the time that the report gives it.
//!
//! Commands that a drive carries out by itself (sanitize, secure erase, cryptographic erase) may take seconds and are left out. Verification and
//! blanking are not counted: they would need time too, so that what is too short without them is too short with them.

use super::times::Span;
use super::{Case, MediaKind, MediaType, Said, grouped, said};

const MB: u64 = 1_000_000;

/// A speed that is not exceeded.
#[derive(Clone, Copy)]
struct Limit {
    bytes_per_second: u64,
    /// “no more than …”
    words: &'static str,
}

const fn limit(bytes_per_second: u64, words: &'static str) -> Limit {
    Limit { bytes_per_second, words }
}

/// More than the fastest hard disks sell for: two arms at once (Seagate Exos 2X18) sustain 554 MB/s, and SATA ends at 600 MB/s.
const ANY_DISK: Limit = limit(600 * MB, "600 MB/s, which is more than any hard disk writes");
/// Sustained on the outer tracks by the largest disks with one arm: 260 to 300 MB/s in the makers' data sheets.
const ONE_ARM: Limit = limit(300 * MB, "300 MB/s, the most that a hard disk with one arm writes on its outer tracks");
/// 6 Gb/s with 10 bits for a byte (Serial ATA revision 3, 8b/10b).
const SATA: Limit = limit(600 * MB, "600 MB/s, the most that SATA at 6 Gb/s carries");
/// What is left of it in makers' data sheets after framing.
const SATA_NET: Limit = limit(560 * MB, "560 MB/s, the most that is seen on SATA at 6 Gb/s");
/// 24 Gb/s SAS (SAS-4): 22.5 Gb/s with 128 bits in 150, over both ports of a drive.
const SAS: Limit = limit(4_800 * MB, "4,800 MB/s, the most that SAS at 24 Gb/s carries over both ports");
/// PCI Express 5.0 with four lanes: 4 × 32 GT/s, 128 bits in 130.
const NVME: Limit = limit(15_754 * MB, "15,754 MB/s, the most that four lanes of PCI Express 5.0 carry");
/// Sequential writing of the fastest drives in makers' data sheets.
const NVME_NET: Limit = limit(14_000 * MB, "14,000 MB/s, the most that the fastest NVMe drives write");
/// HS400: 200 MHz, both edges, 8 bits (JEDEC JESD84-B51).
const EMMC: Limit = limit(400 * MB, "400 MB/s, the most that eMMC carries (HS400)");
/// UFS 4.0: two lanes of HS-G5 at 23.2 Gb/s (JEDEC JESD220F).
const UFS: Limit = limit(5_800 * MB, "5,800 MB/s, the most that UFS carries");
/// SD Express with two lanes of PCI Express 4.0 (SD 8.0).
const CARD: Limit = limit(3_940 * MB, "3,940 MB/s, the most that a memory card carries (SD Express)");
/// Twice the native speed of LTO-9 and LTO-10 (400 MB/s) and more, for data that the drive compresses.
const TAPE: Limit = limit(1_200 * MB, "1,200 MB/s, which is more than any tape drive takes");

/// What nothing of this kind exceeds, and what is seldom exceeded. USB is not among them: it slows a drive and makes none faster.
fn limits(case: &Case) -> Option<(Limit, Option<Limit>)> {
    let of_type = case.expected_type().and_then(limits_of_type);
    let of_kind = match case.kind() {
        // SSDs go by SATA, SAS and PCI Express; the record may know by which.
        Some(MediaKind::Ssd) => return of_type.or(Some((NVME, None))),
        Some(MediaKind::Hdd) => Some((ANY_DISK, Some(ONE_ARM))),
        Some(MediaKind::Nvme) => Some((NVME, Some(NVME_NET))),
        Some(MediaKind::Emmc) => Some((EMMC, None)),
        Some(MediaKind::Mobile) => Some((NVME, None)),
        Some(MediaKind::Tape) => Some((TAPE, None)),
        Some(MediaKind::Other) | None => None,
    };
    // Where report and record disagree on the kind, the faster is not exceeded by either.
    [of_kind, of_type].into_iter().flatten().max_by_key(|(hard, _)| hard.bytes_per_second)
}

const fn limits_of_type(media_type: MediaType) -> Option<(Limit, Option<Limit>)> {
    match media_type {
        MediaType::HddAta | MediaType::HddScsi | MediaType::SshdHybrid => Some((ANY_DISK, Some(ONE_ARM))),
        MediaType::SsdSata => Some((SATA, Some(SATA_NET))),
        MediaType::SsdSas => Some((SAS, None)),
        MediaType::SsdNvme => Some((NVME, Some(NVME_NET))),
        MediaType::Emmc => Some((EMMC, None)),
        MediaType::Ufs => Some((UFS, None)),
        MediaType::SolderedFlash => Some((NVME, None)),
        MediaType::MemoryCard => Some((CARD, None)),
        MediaType::Tape => Some((TAPE, None)),
        // USB slows a drive and makes none faster; of the others no speed is known that would tell anything.
        MediaType::UsbFlash
        | MediaType::Sim
        | MediaType::Floppy
        | MediaType::Optical
        | MediaType::NvramNetwork
        | MediaType::MfpEmbedded
        | MediaType::VolatileRam
        | MediaType::Unknown => None,
    }
}

/// An overwrite that is presented as a success, with its figures.
struct Work {
    bytes: u64,
    passes: u32,
    told: i64,
    /// The longest that it can have taken.
    most: u64,
}

impl Work {
    fn of(case: &Case) -> Option<Self> {
        if !(case.is_overwrite() && case.is_success()) {
            return None;
        }
        let (started, ended) = (case.started.as_ref()?, case.ended.as_ref()?);
        let Span { told, most, .. } = started.until(ended);
        // Both times were cut to what the tool counts in.
        let cut = if started.is_whole_minute() && ended.is_whole_minute() { 60 } else { 1 };
        let most = u64::try_from(most + cut).ok()?;
        Some(Self { bytes: bytes(case)?, passes: case.passes().unwrap_or(1), told, most })
    }
    /// Whether everything can be written at this speed.
    fn fits(&self, bytes_per_second: u64) -> bool {
        self.written() <= u128::from(bytes_per_second) * u128::from(self.most)
    }
    fn written(&self) -> u128 {
        u128::from(self.bytes) * u128::from(self.passes)
    }
    /// `1.4`: the passes that the told time is enough for, never rounded up.
    fn enough_for(&self, bytes_per_second: u64) -> String {
        tenths(self.hundredths(bytes_per_second) / 10)
    }
    /// Likewise, rounded to the nearest tenth.
    fn comes_to(&self, bytes_per_second: u64) -> String {
        tenths((self.hundredths(bytes_per_second) + 5) / 10)
    }
    fn hundredths(&self, bytes_per_second: u64) -> u128 {
        let told = u128::try_from(self.told).unwrap_or_default();
        (u128::from(bytes_per_second) * told * 100).checked_div(u128::from(self.bytes)).unwrap_or_default()
    }
    fn passes(&self) -> String {
        if self.passes == 1 { "1 pass".to_owned() } else { format!("{} passes", self.passes) }
    }
    fn too_fast(&self, case: &Case, limit: Limit, ask: &str) -> Option<Said> {
        let which = case.which();
        let comma = if which.contains(", ") { "," } else { "" };
        said(
            format!(
                "The report says that {which}{comma} was overwritten in {} over {} bytes in {}; at {}, the time is enough for {} passes, and the report says {}.",
                self.passes(),
                grouped(self.bytes),
                hours(self.told),
                limit.words,
                self.enough_for(limit.bytes_per_second),
                self.passes
            ),
            ask,
        )
    }
}

/// What one pass writes; a figure above the capacity is not trusted.
fn bytes(case: &Case) -> Option<u64> {
    let (erased, capacity) = (case.record.bytes_erased, case.record.capacity_bytes);
    erased.zip(capacity).map(|(erased, capacity)| erased.min(capacity)).or(erased).or(capacity).filter(|bytes| *bytes > 0)
}

/// A zero duration is another rule's.
fn timed(case: &Case) -> Option<Work> {
    Work::of(case).filter(|work| work.told > 0)
}

pub(super) fn faster_than_interface(case: &Case) -> Option<Said> {
    let (work, (hard, _)) = (timed(case)?, limits(case)?);
    if work.fits(hard.bytes_per_second) {
        return None;
    }
    work.too_fast(
        case,
        hard,
        "Ask the vendor for the tool's own log with the start and end of each pass, or for the command by which the drive did it in that time.",
    )
}

pub(super) fn faster_than_usual(case: &Case) -> Option<Said> {
    let (work, (hard, usual)) = (timed(case)?, limits(case)?);
    let usual = usual?;
    if !work.fits(hard.bytes_per_second) || work.fits(usual.bytes_per_second) {
        return None;
    }
    work.too_fast(case, usual, "Ask the vendor for the tool's own log with the start and end of each pass.")
}

/// Tools count verification into their average, which makes it larger; three quarters leave room for what is rounded.
pub(super) fn passes_against_speed(case: &Case) -> Option<Said> {
    let (work, speed) = (timed(case)?, case.record.stated_bytes_per_second.filter(|speed| *speed > 0)?);
    let possible = u128::from(speed) * u128::from(work.most);
    if possible * 4 >= work.written() * 3 {
        return None;
    }
    said(
        format!(
            "The report about {} states a speed of {} bytes per second; at that, {} are enough for {} passes over {} bytes, and the report says {}.",
            case.who(),
            grouped(speed),
            hours(work.told),
            work.comes_to(speed),
            grouped(work.bytes),
            work.passes
        ),
        "Ask the vendor how many passes were made, and for the tool's own log with the start and end of each.",
    )
}

pub(super) fn no_duration(case: &Case) -> Option<Said> {
    let (started, ended) = (case.started.as_ref()?, case.ended.as_ref()?);
    let work = Work::of(case).filter(|work| work.told == 0)?;
    // A time at midnight may be a day without a time. Of an unknown kind nothing is faster than NVMe.
    let fastest = limits(case).map_or(NVME, |(hard, _)| hard);
    let day_only = started.is_midnight() && ended.is_midnight();
    let at_least = work.written() / u128::from(fastest.bytes_per_second);
    if day_only || work.fits(fastest.bytes_per_second) || at_least < 2 {
        return None;
    }
    said(
        format!(
            "The report says that the overwrite of {} bytes of {} started and ended at {}; at {}, it takes at least {}.",
            grouped(work.bytes),
            case.who(),
            ended.text,
            fastest.words,
            hours(i64::try_from(at_least).unwrap_or(i64::MAX))
        ),
        "Ask the vendor for the tool's own log with the start and end of each pass.",
    )
}

fn tenths(number: u128) -> String {
    format!("{}.{}", number / 10, number % 10)
}

/// `04:15:24`
fn hours(seconds: i64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
