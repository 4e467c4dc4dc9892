//! Times as tools and services print them, read only where they can mean one thing, in the form that a reading keeps.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta};

use super::reading::MediumReading;

/// Forms that name the month or put the year first; `03/04/2026` means two days and is not read.
const FORMS: &[&str] = &[
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dt%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y.%m.%d %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%d %B %Y %H:%M:%S",
    "%d %B %Y, %H:%M:%S",
    "%d-%B-%Y %H:%M:%S",
    "%B %d, %Y %H:%M:%S",
    "%B %d, %Y, %H:%M:%S",
    "%B %d %Y %H:%M:%S",
    "%d %B %Y %I:%M:%S %p",
    "%B %d, %Y %I:%M:%S %p",
    "%B %d, %Y, %I:%M:%S %p",
    "%a %B %d %H:%M:%S %Y",
];

/// A time by the clock of whoever printed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) at: NaiveDateTime,
    /// `Z` or `+02:00`.
    zone: Option<String>,
    /// A name of a zone that several zones go by: `IST`.
    pub(super) zone_words: Option<String>,
}

impl Moment {
    /// `None` where it is no date with a time, could be two, or is of a year by which services say “never”.
    pub(super) fn read(words: &str) -> Option<Self> {
        let words = words.trim();
        // Nothing that long is a date.
        if words.len() > 64 {
            return None;
        }
        let words = match words.split_once(',') {
            Some((day, rest)) if !day.is_empty() && day.chars().all(char::is_alphabetic) => rest.trim(),
            _ => words,
        };
        let (clock, zone, zone_words) = zone_of(words);
        let at = FORMS.iter().find_map(|form| NaiveDateTime::parse_from_str(without_fraction(clock), form).ok())?;
        is_in_our_time(at).then_some(Self { at, zone, zone_words })
    }
    /// This long after it.
    pub(super) fn after(&self, seconds: i64) -> Option<Self> {
        let at = self.at.checked_add_signed(TimeDelta::try_seconds(seconds)?)?;
        Some(Self { at, ..self.clone() })
    }
    /// Whether the zone is told beyond doubt.
    pub(super) fn is_zoned(&self) -> bool {
        self.zone.is_some()
    }
    /// As a reading keeps it, with `Z` for an offset of nothing.
    pub(super) fn text(&self) -> String {
        let zone = self.zone.as_deref().map(|zone| if matches!(zone, "+00:00" | "-00:00") { "Z" } else { zone });
        format!("{}{}", local(self.at), zone.unwrap_or_default())
    }
    /// Likewise, with its offset as it was printed.
    pub(super) fn printed(&self) -> String {
        format!("{}{}", local(self.at), self.zone.as_deref().unwrap_or_default())
    }
}

/// A time of which nothing is in doubt, not even a zone's name, as a reading keeps it.
pub(super) fn instant(words: &str) -> Option<String> {
    Moment::read(words).filter(|moment| moment.zone_words.is_none()).map(|moment| moment.text())
}

/// Likewise, with the offset as it was printed, and whether there is one.
pub(super) fn as_printed(words: &str) -> Option<(String, bool)> {
    Moment::read(words).filter(|moment| moment.zone_words.is_none()).map(|moment| (moment.printed(), moment.is_zoned()))
}

/// By a clock whose zone is not told.
pub(super) fn local(at: NaiveDateTime) -> String {
    at.format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// Seconds, or thousandths of them, since 1970.
pub(super) fn since_1970(count: u64) -> Option<String> {
    let count = i64::try_from(count).ok()?;
    let at = if count > 100_000_000_000 { DateTime::from_timestamp_millis(count) } else { DateTime::from_timestamp(count, 0) }?.naive_utc();
    is_in_our_time(at).then(|| format!("{}Z", local(at)))
}

fn is_in_our_time(at: NaiveDateTime) -> bool {
    (1980..2200).contains(&at.year())
}

/// Says whether the times of a record name their zone.
pub(super) fn settle_zone(record: &mut MediumReading) {
    let mut times = record.started_at.iter().chain(&record.ended_at).peekable();
    record.tz_known = times.peek().is_some() && times.all(|time| time.len() > "2026-08-03T08:12:06".len());
}

/// Without thousandths behind a comma.
fn without_fraction(clock: &str) -> &str {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    clock.rsplit_once(',').filter(|(clock, part)| digits(part) && clock.contains(':')).map_or(clock, |(clock, _)| clock)
}

/// The time without its zone, the zone, and words for a zone that are no offset.
fn zone_of(words: &str) -> (&str, Option<String>, Option<String>) {
    if let Some(clock) = words.strip_suffix(['Z', 'z']).filter(|clock| clock.ends_with(|c: char| c.is_ascii_digit())) {
        return (clock, Some("Z".to_owned()), None);
    }
    if let Some((clock, word)) = words.rsplit_once(' ') {
        let word = word.trim_matches(['(', ')']);
        if matches!(word, "UTC" | "GMT" | "Z") {
            return (clock.trim_end(), Some("Z".to_owned()), None);
        }
        if (2..=5).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_uppercase()) && !matches!(word, "AM" | "PM") {
            return (clock.trim_end(), None, Some(word.to_owned()));
        }
    }
    let sign = words.rfind(['+', '-']).filter(|sign| words.get(..*sign).is_some_and(|clock| clock.contains(':')));
    if let Some((clock, offset)) = sign.and_then(|sign| words.split_at_checked(sign)) {
        let digits: String = offset.chars().filter(char::is_ascii_digit).collect();
        let shaped = offset.chars().skip(1).all(|c| c.is_ascii_digit() || c == ':');
        if let (true, Some((hours, minutes)), 2 | 4) = (shaped, digits.split_at_checked(2), digits.len()) {
            let minutes = if minutes.is_empty() { "00" } else { minutes };
            // No clock is a day ahead.
            if hours < "24" && minutes < "60" {
                let zone = format!("{}{hours}:{minutes}", offset.get(..1).unwrap_or("+"));
                let clock = clock.trim_end();
                return (clock.strip_suffix("UTC").or_else(|| clock.strip_suffix("GMT")).unwrap_or(clock).trim_end(), Some(zone), None);
            }
        }
    }
    (words, None, None)
}

/// `02:11:09`, `1.02:11:09` or `02:11:09.5` in seconds; whole days may stand in front.
pub(super) fn seconds_of(duration: &str) -> Option<i64> {
    let mut parts = duration.trim().split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let (days, hours) = hours.split_once('.').unwrap_or(("0", hours));
    let number = |part: &str| part.trim().parse::<i64>().ok().filter(|n| (0..1_000_000).contains(n));
    let seconds = seconds.split('.').next()?;
    let (days, hours, minutes, seconds) = (number(days)?, number(hours)?, number(minutes)?, number(seconds)?);
    parts.next().is_none().then_some(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
}
