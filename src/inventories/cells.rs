//! Single cells of foreign lists: encodings, separators, dates and amounts, each read in one way or not at all.

use std::borrow::Cow;

use chrono::NaiveDate;

/// Windows-1252 for 0x80 to 0x9F (the WHATWG index); every other byte is its own code point.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜',
    '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// A cell as text, and whether it had to be taken for Windows-1252.
pub(super) fn text(cell: &[u8]) -> (Cow<'_, str>, bool) {
    match std::str::from_utf8(cell) {
        Ok(text) => (Cow::Borrowed(text), false),
        Err(_) => (
            Cow::Owned(
                cell.iter()
                    .map(|byte| byte.checked_sub(0x80).and_then(|i| WINDOWS_1252.get(usize::from(i)).copied()).unwrap_or(char::from(*byte)))
                    .collect(),
            ),
            true,
        ),
    }
}

/// The separator that the first line has most of, outside quotation marks; a comma where it has none.
pub(super) fn delimiter(head: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0_u32), (b';', 0), (b'\t', 0)];
    for byte in head {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if !quoted => {
                for (_, count) in counts.iter_mut().filter(|(candidate, _)| candidate == byte) {
                    *count += 1;
                }
            }
            _ => {}
        }
    }
    // The first of equals wins.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(byte, _)| byte)
}

/// `6.37702E+15`: a long number that a spreadsheet rounded on its way through.
pub(super) fn is_spreadsheet_damage(text: &str) -> bool {
    text.to_ascii_uppercase().split_once("E+").is_some_and(|(digits, exponent)| {
        digits.contains(['.', ','])
            && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b','))
            && !exponent.is_empty()
            && exponent.bytes().all(|b| b.is_ascii_digit())
    })
}

/// A date, or why it is not taken (the middle of a sentence). Day and month in figures count only where they cannot be confused.
pub(super) fn date(text: &str) -> Result<NaiveDate, &'static str> {
    let sane = |date: NaiveDate| {
        if (NaiveDate::MIN..=NaiveDate::MAX).contains(&date) && in_our_time(date) { Ok(date) } else { Err("lies outside the years 1980 to 2199") }
    };
    let day = text.get(..10).filter(|_| text.len() > 10 && matches!(text.as_bytes().get(10), Some(b' ' | b'T'))).unwrap_or(text);
    for shape in ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%b %d, %Y", "%B %d, %Y", "%a %b %d, %Y", "%d %b %Y", "%d %B %Y"] {
        for candidate in [day, text] {
            if let Ok(date) = NaiveDate::parse_from_str(candidate, shape) {
                return sane(date);
            }
        }
    }
    let mut parts = day.split(['/', '-']).map(|part| part.trim().parse::<u32>().ok());
    let (Some(Some(a)), Some(Some(b)), Some(Some(year)), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err("is not a date that this reader knows");
    };
    // Two figures of a year: this century, as asset managers' lists hold nothing older.
    let year = i32::try_from(if year < 100 { year + 2000 } else { year }).map_err(|_| "is not a date")?;
    let american = NaiveDate::from_ymd_opt(year, a, b);
    let european = NaiveDate::from_ymd_opt(year, b, a);
    match (american, european) {
        (Some(one), Some(other)) if one != other => Err("can be read as two different days"),
        (Some(date), _) | (None, Some(date)) => sane(date),
        (None, None) => Err("is not a date"),
    }
}

fn in_our_time(date: NaiveDate) -> bool {
    use chrono::Datelike;
    (1980..2200).contains(&date.year())
}

/// An amount of money in hundredths, or why it is not taken.
pub(super) fn cents(text: &str) -> Result<i64, &'static str> {
    let amount: String = text.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '-')).collect();
    let strange =
        text.chars().any(|c| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '$' | '€' | '£' | '\'' | ' ' | '\u{a0}') || c.is_ascii_uppercase()));
    if strange || amount.contains('-') || !amount.bytes().any(|b| b.is_ascii_digit()) {
        return Err("is not an amount that this reader knows");
    }
    let last = amount.rfind(['.', ',']);
    let (whole, fraction) = match last.and_then(|at| Some((amount.get(..at)?, amount.get(at + 1..)?))) {
        None => (amount.as_str(), ""),
        Some((whole, fraction)) => {
            let mark = amount.get(last.unwrap_or(0)..).and_then(|rest| rest.chars().next()).unwrap_or('.');
            match fraction.len() {
                0..=2 => (whole, fraction),
                // `1,239` and `1,239,000`: a comma before three figures groups them. A single point may be either.
                3 if mark == ',' || whole.contains('.') => (amount.as_str(), ""),
                3 => return Err("can be read as two different amounts"),
                // Databases print `239.0000`.
                _ if mark == '.' && fraction.bytes().skip(2).all(|b| b == b'0') => (whole, fraction.get(..2).unwrap_or("")),
                _ => return Err("is not an amount that this reader knows"),
            }
        }
    };
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    let units: i64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| "is too large")? };
    let hundredths: i64 = format!("{fraction:0<2}").parse().map_err(|_| "is not an amount")?;
    units.checked_mul(100).and_then(|cents| cents.checked_add(hundredths)).ok_or("is too large")
}

/// Enough of a cell to recognise it by.
pub(super) fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}
