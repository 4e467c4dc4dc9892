//! The spelling of instants on the wire: always UTC, always one form, never a clock.

/// `2026-11-23T10:31:02Z`: the `created` of a proof, the validity of a credential.
pub fn is_seconds(text: &str) -> bool {
    text.strip_suffix('Z').is_some_and(is_clock_time)
}

/// `2026-11-23T10:31:02.009Z`: the time of a ledger entry.
pub fn is_millis(text: &str) -> bool {
    let Some((clock, fraction)) = text.strip_suffix('Z').and_then(|text| text.split_once('.')) else { return false };
    is_clock_time(clock) && fraction.len() == 3 && fraction.bytes().all(|byte| byte.is_ascii_digit())
}

/// `2026-11-23`, a day of the calendar.
pub fn is_day(text: &str) -> bool {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return false };
    let (Some(year), Some(month), Some(day)) = (number(&[*y1, *y2, *y3, *y4]), number(&[*m1, *m2]), number(&[*d1, *d2])) else { return false };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// Cuts an instant in milliseconds to whole seconds: `2026-11-23T10:31:02.009Z` → `2026-11-23T10:31:02Z`.
pub fn to_seconds(text: &str) -> Option<String> {
    text.split_once('.').map(|(clock, _)| format!("{clock}Z"))
}

/// `2026-11-23T10:31:02` without a leap second.
fn is_clock_time(text: &str) -> bool {
    let Some((day, time)) = text.split_once('T') else { return false };
    let [h1, h2, b':', m1, m2, b':', s1, s2] = time.as_bytes() else { return false };
    let below = |digits: &[u8], limit: u32| number(digits).is_some_and(|value| value < limit);
    is_day(day) && below(&[*h1, *h2], 24) && below(&[*m1, *m2], 60) && below(&[*s1, *s2], 60)
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value: u32, digit| digit.is_ascii_digit().then(|| value * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_spelling_passes() {
        assert!(is_seconds("2026-11-23T10:31:02Z") && is_millis("2024-02-29T23:59:59.999Z") && is_day("2000-02-29"));
        for wrong in [
            "2026-11-23T10:31:02",
            "2026-11-23T10:31:02+00:00",
            "2026-11-23 10:31:02Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T10:60:00Z",
            "+026-11-23T10:31:02Z",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-11-00T00:00:00Z",
            "2026-11-23T10:31:02.009Z",
            "２026-11-23T10:31:02Z",
        ] {
            assert!(!is_seconds(wrong), "{wrong}");
        }
        for wrong in
            ["2026-11-23T10:31:02Z", "2026-11-23T10:31:02.09Z", "2026-11-23T10:31:02.0090Z", "2026-11-23T10:31:02.+09Z", "1900-02-29T00:00:00.000Z"]
        {
            assert!(!is_millis(wrong), "{wrong}");
        }
        assert_eq!(to_seconds("2026-11-23T10:31:02.009Z").as_deref(), Some("2026-11-23T10:31:02Z"));
    }
}
