//! Rules about the order of a report's times, and about the clock and the custody that they are compared with.
//!
//! A time without a zone may lie 14 hours to either side; two of one report were told by the same clock, so that their difference is sure but for a
//! change of that clock at night (summer time).

use chrono::{DateTime, Datelike, NaiveDateTime};

use super::{Case, Instant, Said, said};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// Zones reach from UTC-12 to UTC+14; nobody says to which side a clock without a zone is off.
const ZONES: i64 = 14 * HOUR;
/// Clocks in summer time are changed before this hour.
const NIGHT: i64 = 4 * HOUR;
/// Clocks of tools and of those who sign for a pickup differ by minutes.
const CLOCKS: i64 = 10 * 60;

/// A time of a report, in seconds since 1970 by the clock that told it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    /// As the reading has it.
    pub(super) text: &'a str,
    local: i64,
    /// What the clock is ahead of UTC.
    offset: Option<i64>,
}

/// How long something took, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// By the two times.
    pub(super) told: i64,
    /// If the clock was changed in between as far as it can have been.
    pub(super) least: i64,
    /// Likewise.
    pub(super) most: i64,
}

impl<'a> Moment<'a> {
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (clock, offset) = match DateTime::parse_from_rfc3339(text) {
            Ok(at) => (at.naive_local(), Some(i64::from(at.offset().local_minus_utc()))),
            Err(_) => (NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?, None),
        };
        (1980..2200).contains(&clock.year()).then(|| Self { text, local: clock.and_utc().timestamp(), offset })
    }
    pub(super) fn earliest(&self) -> i64 {
        self.local - self.offset.unwrap_or(ZONES)
    }
    pub(super) fn latest(&self) -> i64 {
        self.local - self.offset.unwrap_or(-ZONES)
    }
    /// From this to another time of the same report.
    pub(super) fn until(&self, other: &Moment) -> Span {
        match (self.offset, other.offset) {
            (Some(_), Some(_)) => Span::exactly(other.earliest() - self.earliest()),
            (None, None) if self.may_cross_a_change(other) => Span::within(other.local - self.local, HOUR),
            (None, None) => Span::exactly(other.local - self.local),
            _ => Span { told: other.local - self.local, least: other.earliest() - self.latest(), most: other.latest() - self.earliest() },
        }
    }
    fn may_cross_a_change(&self, other: &Moment) -> bool {
        let (first, last) = (self.local.min(other.local) - HOUR, self.local.max(other.local) + HOUR);
        first.div_euclid(DAY) != last.div_euclid(DAY) || first.rem_euclid(DAY) < NIGHT
    }
    /// Whether this surely comes first. Only in one report two times without a zone are told by one clock.
    pub(super) fn is_before(&self, other: &Moment, same_report: bool) -> bool {
        if same_report { self.until(other).least > 0 } else { self.latest() < other.earliest() }
    }
    /// Whether both can be the same minute.
    pub(super) fn can_be(&self, other: &Moment, same_report: bool) -> bool {
        let (least, most) = if same_report {
            let span = self.until(other);
            (span.least, span.most)
        } else {
            (other.earliest() - self.latest(), other.latest() - self.earliest())
        };
        least <= 60 && most >= -60
    }
    /// Whether its seconds are zero: the tool may count in minutes.
    pub(super) fn is_whole_minute(&self) -> bool {
        self.local.rem_euclid(60) == 0
    }
    /// Whether the clock stands at midnight: the tool may know only the day.
    pub(super) fn is_midnight(&self) -> bool {
        self.local.rem_euclid(DAY) == 0
    }
}

impl Span {
    const fn exactly(told: i64) -> Self {
        Self::within(told, 0)
    }
    const fn within(told: i64, slack: i64) -> Self {
        Self { told, least: told - slack, most: told + slack }
    }
}

pub(super) fn ended_before_start(case: &Case) -> Option<Said> {
    let (started, ended) = (case.started.as_ref()?, case.ended.as_ref()?);
    if !(case.is_claim() && started.until(ended).most < 0) {
        return None;
    }
    said(
        format!("The report says that the work on {} ended at {} and started after that, at {}.", case.who(), ended.text, started.text),
        "Ask the vendor for the tool's own log of this medium, and whether the clock of its computer was changed.",
    )
}

/// The time of the day may be left out of a date of issue.
pub(super) fn issued_before_end(case: &Case) -> Option<Said> {
    let (ended, issued) = (case.ended.as_ref()?, case.issued.as_ref()?);
    let span = ended.until(issued);
    let day_only = issued.is_midnight() && span.most > -DAY;
    if !(case.is_claim() && span.most < 0) || day_only {
        return None;
    }
    said(
        format!("The report about {} was issued at {}, before the work ended at {}.", case.who(), issued.text, ended.text),
        "Ask the vendor for a report that was made after the end of the work, and for the tool's own log of it.",
    )
}

pub(super) fn in_the_future(case: &Case) -> Option<Said> {
    let now = seconds(case.context.now?);
    let times = [(&case.started, "started"), (&case.ended, "ended"), (&case.issued, "was issued")];
    let (moment, what) = times.into_iter().find_map(|(moment, what)| moment.as_ref().filter(|m| m.earliest() > now + CLOCKS).map(|m| (m, what)))?;
    let subject = if what == "was issued" { "it" } else { "the work" };
    said(
        format!(
            "The report about {} says that {subject} {what} at {}, which was still to come at {}.",
            case.who(),
            moment.text,
            case.context.now?.whole_seconds()
        ),
        "Ask the vendor when it was done, and for the tool's own log with the right time.",
    )
}

pub(super) fn before_custody(case: &Case) -> Option<Said> {
    let (from, _) = case.context.custody?;
    let moment = [&case.started, &case.ended].into_iter().flatten().find(|moment| moment.latest() < seconds(from) - CLOCKS)?;
    if !case.is_claim() {
        return None;
    }
    said(
        format!("The report dates the work on {} at {}; it came into the vendor's custody at {}.", case.who(), moment.text, from.whole_seconds()),
        "Ask the vendor who held the medium at that time, and for the tool's own log with the right time.",
    )
}

pub(super) fn after_custody(case: &Case) -> Option<Said> {
    let until = case.context.custody?.1?;
    let moment = [&case.ended, &case.started].into_iter().flatten().find(|moment| moment.earliest() > seconds(until) + CLOCKS)?;
    if !case.is_claim() {
        return None;
    }
    said(
        format!("The report dates the work on {} at {}; it had left the vendor's custody at {}.", case.who(), moment.text, until.whole_seconds()),
        "Ask the vendor who held the medium at that time, and for the tool's own log with the right time.",
    )
}

fn seconds(at: Instant) -> i64 {
    at.unix_ms().div_euclid(1000)
}
