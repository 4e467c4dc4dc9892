//! Letters that follow from time alone: exceptions that are overdue, and how things stand every Monday morning. What was told is remembered in the
//! transaction of the letter, so that of several servers one tells it.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, FixedOffset, NaiveTime, TimeDelta};

use super::Service;
use super::announce::wants;
use crate::app::now;
use crate::domain::asset::Label;
use crate::domain::exceptions::{Exception, ExceptionStatus, Severity};
use crate::domain::letters::{Digest, ExceptionNamed, Letter, LetterKind, NAMED, Overdue};
use crate::domain::names::{Instant, Role};
use crate::error::Result;
use crate::store::outbox::{self, To};
use crate::store::people::{self, Person};
use crate::store::{Database, inventory, log, watchlist};

/// Exceptions that are read at once.
const PAGE: i64 = 200;
/// When the digest is written, on Mondays.
const MORNING: NaiveTime = match NaiveTime::from_hms_opt(7, 0, 0) {
    Some(time) => time,
    None => NaiveTime::MIN,
};
/// A digest that could not be written for so long is of no use any more.
const DIGEST_HOURS: i64 = 24;

/// Writes what is due; gives how many letters.
pub fn remind(service: &Service, local: DateTime<FixedOffset>) -> Result<usize> {
    let mut db = service.app.read()?;
    if people::reachable(&mut db)?.is_empty() {
        return Ok(0);
    }
    let overdue = overdue(&mut db, now())?;
    let monday = digest_due(local);
    let digest_told = match &monday {
        Some(monday) => !outbox::told(&mut db, &[digest_key(monday)])?.is_empty(),
        None => true,
    };
    drop(db);
    let mut written = 0;
    if !overdue.is_empty() {
        written += service.recorder.write_waiting(move |db| tell_overdue(db, overdue, now()))?;
    }
    if let (Some(monday), false) = (monday, digest_told) {
        written += service.recorder.write_waiting(move |db| tell_digest(db, &monday, now()))?;
    }
    Ok(written)
}

fn overdue_key(exception: &Exception) -> String {
    format!("{} {}", exception.id, exception.due_at)
}

/// The open exceptions that are overdue and that nobody was told of, worst first.
fn overdue(db: &mut Database, now: Instant) -> Result<Vec<Exception>> {
    let mut found = Vec::new();
    let mut after: Option<(String, String)> = None;
    loop {
        let rows = watchlist::list(db, None, ExceptionStatus::Open.as_str(), None, after.as_ref(), PAGE)?;
        let Some((place, last)) = rows.last() else { return Ok(found) };
        after = Some((place.clone(), last.id.to_string()));
        let late: Vec<Exception> = rows.into_iter().map(|(_, exception)| exception).filter(|exception| exception.due_at < now).collect();
        let told = outbox::told(db, &late.iter().map(overdue_key).collect::<Vec<_>>())?;
        found.extend(late.into_iter().filter(|exception| !told.contains(&overdue_key(exception))));
    }
}

/// One letter for each who has some of them in hand; what nobody has, or nobody who can be reached, goes to the coordinators.
fn tell_overdue(db: &mut Database, overdue: Vec<Exception>, at: Instant) -> Result<usize> {
    // The lock that every writer takes first: another server may be about to tell the same.
    log::take_head(db)?;
    let people = people::reachable(db)?;
    let mut coordinators: Vec<&Person> = Vec::new();
    let mut owners: BTreeMap<&str, &Person> = BTreeMap::new();
    for person in &people {
        if wants(db, person, LetterKind::ExceptionOverdue)? {
            owners.insert(&person.id, person);
            if Role::parse(&person.role)? == Role::Coordinator {
                coordinators.push(person);
            }
        }
    }
    let mut letters: BTreeMap<&str, Vec<ExceptionNamed>> = BTreeMap::new();
    for exception in overdue {
        if !outbox::tell(db, &overdue_key(&exception), at.unix_ms())? {
            continue;
        }
        let named = ExceptionNamed {
            id: exception.id.clone(),
            rule: exception.rule,
            severity: exception.severity,
            due_at: exception.due_at,
            seq: exception.raised,
        };
        let owner = exception.owner.as_ref().and_then(|owner| owners.get(owner.as_str()));
        for person in owner.map_or_else(|| coordinators.clone(), |owner| vec![*owner]) {
            letters.entry(&person.id).or_default().push(named.clone());
        }
    }
    let written = letters.len();
    for (person, mut named) in letters {
        let others = u32::try_from(named.len().saturating_sub(NAMED)).unwrap_or(u32::MAX);
        named.truncate(NAMED);
        outbox::enqueue(db, &To::Person(person.to_owned()), &Letter::ExceptionOverdue(Overdue { named, others }), at)?;
    }
    Ok(written)
}

fn digest_key(monday: &str) -> String {
    format!("digest {monday}")
}

/// The Monday whose digest is due, by the clock of the wall.
fn digest_due(local: DateTime<FixedOffset>) -> Option<String> {
    let local = local.naive_local();
    let monday = local.date() - TimeDelta::days(i64::from(local.weekday().num_days_from_monday()));
    let due = monday.and_time(MORNING);
    (due <= local && local < due + TimeDelta::hours(DIGEST_HOURS)).then(|| monday.format("%Y-%m-%d").to_string())
}

fn tell_digest(db: &mut Database, monday: &str, at: Instant) -> Result<usize> {
    let head = log::take_head(db)?;
    if !outbox::tell(db, &digest_key(monday), at.unix_ms())? {
        return Ok(0);
    }
    let counts = watchlist::counts(db, None)?;
    let count = |status: ExceptionStatus, severity: Severity| {
        let row = counts.iter().find(|row| row.status == status.as_str() && row.severity == severity.as_str());
        row.map_or(0, |row| u64::try_from(row.exceptions).unwrap_or(0))
    };
    let open = |severity: &Severity| (severity.label().to_owned(), count(ExceptionStatus::Open, *severity));
    let devices = inventory::labels(db, None)?.into_iter();
    let devices =
        devices.map(|(label, n)| (Label::parse(&label).map_or(label.clone(), |label| label.label().to_owned()), u64::try_from(n).unwrap_or(0)));
    let digest = Digest {
        monday: monday.to_owned(),
        exceptions: Severity::ALL.iter().map(open).filter(|(_, n)| *n > 0).collect(),
        snoozed: Severity::ALL.iter().map(|severity| count(ExceptionStatus::Snoozed, *severity)).sum(),
        devices: devices.collect(),
        seq: head.frontier.size().saturating_sub(1),
    };
    let letter = Letter::WeeklyDigest(digest);
    let mut written = 0;
    for person in people::reachable(db)? {
        if wants(db, &person, LetterKind::WeeklyDigest)? {
            outbox::enqueue(db, &To::Person(person.id), &letter, at)?;
            written += 1;
        }
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_due_on_monday_from_seven_by_the_clock_of_the_wall() {
        let due = |text: &str| digest_due(DateTime::parse_from_rfc3339(text).unwrap());
        assert_eq!(due("2026-11-30T06:59:59-05:00"), None);
        // Monday noon in UTC, and not yet seven there.
        assert_eq!(due("2026-11-30T06:30:00-05:30"), None);
        assert_eq!(due("2026-11-30T07:00:00-05:00").as_deref(), Some("2026-11-30"));
        assert_eq!(due("2026-12-01T06:59:59+13:00").as_deref(), Some("2026-11-30"));
        assert_eq!(due("2026-12-01T07:00:00Z"), None);
        assert_eq!(due("2026-12-06T23:00:00Z"), None);
    }
}
