//! Code 128 (ISO/IEC 15417): from text to bars, in code sets B and C, so that pairs of digits take one symbol.

/// Widths of the three bars and three spaces of each symbol value, a bar first.
#[rustfmt::skip]
const SYMBOLS: [[u8; 6]; 106] = [
    *b"212222", *b"222122", *b"222221", *b"121223", *b"121322", *b"131222", *b"122213", *b"122312", *b"132212", *b"221213",
    *b"221312", *b"231212", *b"112232", *b"122132", *b"122231", *b"113222", *b"123122", *b"123221", *b"223211", *b"221132",
    *b"221231", *b"213212", *b"223112", *b"312131", *b"311222", *b"321122", *b"321221", *b"312212", *b"322112", *b"322211",
    *b"212123", *b"212321", *b"232121", *b"111323", *b"131123", *b"131321", *b"112313", *b"132113", *b"132311", *b"211313",
    *b"231113", *b"231311", *b"112133", *b"112331", *b"132131", *b"113123", *b"113321", *b"133121", *b"313121", *b"211331",
    *b"231131", *b"213113", *b"213311", *b"213131", *b"311123", *b"311321", *b"331121", *b"312113", *b"312311", *b"332111",
    *b"314111", *b"221411", *b"431111", *b"111224", *b"111422", *b"121124", *b"121421", *b"141122", *b"141221", *b"112214",
    *b"112412", *b"122114", *b"122411", *b"142112", *b"142211", *b"241211", *b"221114", *b"413111", *b"241112", *b"134111",
    *b"111242", *b"121142", *b"121241", *b"114212", *b"124112", *b"124211", *b"411212", *b"421112", *b"421211", *b"212141",
    *b"214121", *b"412121", *b"111143", *b"111341", *b"131141", *b"114113", *b"114311", *b"411113", *b"411311", *b"113141",
    *b"114131", *b"311141", *b"411131", *b"211412", *b"211214", *b"211232",
];
const STOP: [u8; 7] = *b"2331112";
const TO_C: usize = 99;
const TO_B: usize = 100;
const START_B: usize = 104;
const START_C: usize = 105;

/// White that belongs to each side of the bars, in modules.
pub const QUIET: u16 = 10;

/// Bars and spaces by turns, a bar first, each so many modules wide; none for text that is empty or not printable ASCII.
pub fn bars(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return None;
    }
    let values = values(text.as_bytes());
    let sum: usize = values.iter().enumerate().map(|(position, value)| position.max(1) * value).sum();
    let mut widths = Vec::new();
    for value in values.into_iter().chain([sum % 103]) {
        widths.extend_from_slice(SYMBOLS.get(value)?);
    }
    widths.extend_from_slice(&STOP);
    widths.iter_mut().for_each(|width| *width -= b'0');
    Some(widths)
}

/// How many modules wide bars are, without their white.
pub fn modules(bars: &[u8]) -> u16 {
    bars.iter().map(|width| u16::from(*width)).sum()
}

/// The symbol values: start, data and changes of the code set, without check value and stop.
fn values(text: &[u8]) -> Vec<usize> {
    let digits = |from: usize| text.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let mut values = Vec::new();
    let mut in_c = digits(0) >= 4 || (text.len() == 2 && digits(0) == 2);
    values.push(if in_c { START_C } else { START_B });
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let run = digits(at);
        if in_c && run >= 2 {
            let pair = text.iter().skip(at).take(2).fold(0, |value, digit| value * 10 + usize::from(digit - b'0'));
            values.push(pair);
            at += 2;
            continue;
        }
        if in_c {
            values.push(TO_B);
            in_c = false;
        } else if run.is_multiple_of(2) && (run >= 6 || (run >= 4 && at + run == text.len())) {
            // An odd run begins with one digit in set B: the next time round it is even.
            values.push(TO_C);
            in_c = true;
            continue;
        }
        values.push(usize::from(byte - b' '));
        at += 1;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_symbol_is_eleven_modules_with_an_even_number_of_dark_ones_and_like_no_other() {
        for symbol in &SYMBOLS {
            let widths: Vec<u8> = symbol.iter().map(|width| width - b'0').collect();
            assert_eq!(widths.iter().sum::<u8>(), 11);
            assert_eq!(widths.iter().step_by(2).sum::<u8>() % 2, 0);
        }
        assert_eq!(SYMBOLS.iter().collect::<BTreeSet<_>>().len(), SYMBOLS.len());
    }

    #[test]
    fn pairs_of_digits_take_one_symbol() {
        let values = |text: &str| super::values(text.as_bytes());
        assert_eq!(values("AB-1"), [START_B, 33, 34, 13, 17]);
        assert_eq!(values("123456"), [START_C, 12, 34, 56]);
        assert_eq!(values("12345"), [START_C, 12, 34, TO_B, 21]);
        assert_eq!(values("A1234"), [START_B, 33, TO_C, 12, 34]);
        assert_eq!(values("A12345"), [START_B, 33, 17, TO_C, 23, 45]);
        assert_eq!(values("A1234B"), [START_B, 33, 17, 18, 19, 20, 34]);
        assert_eq!(values("A123456B"), [START_B, 33, TO_C, 12, 34, 56, TO_B, 34]);
        assert_eq!(values("42"), [START_C, 42]);
        // The check value of the standard's own way: 104 + 1·48 + 2·42 + 3·42 + 4·17 + 5·18 + 6·19 + 7·35 = 879, and 879 mod 103 is 55.
        let bars = bars("PJJ123C").unwrap();
        let check: Vec<u8> = SYMBOLS[55].iter().map(|width| width - b'0').collect();
        assert_eq!(bars[bars.len() - 13..bars.len() - 7], check);
        assert_eq!(modules(&bars), 11 * 9 + 13);
    }

    #[test]
    fn what_has_no_bars_has_none() {
        for text in ["", "Łódź-1", "tab\there", "del\u{7f}"] {
            assert_eq!(bars(text), None, "{text}");
        }
    }
}
