//! Bytes of unknown encoding to text, the same way for every reader of text.

use std::borrow::Cow;

/// Text, and whether some bytes were not understood and stand as U+FFFD. UTF-8 (with or without a mark) and marked UTF-16.
pub(super) fn decode(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return utf16(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return utf16(rest, u16::from_be_bytes);
    }
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    let damaged = matches!(text, Cow::Owned(_));
    (text, damaged)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> (Cow<'static, str>, bool) {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let mut damaged = !odd.is_empty();
    let text = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .map(|c| {
            c.unwrap_or_else(|_| {
                damaged = true;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect();
    (Cow::Owned(text), damaged)
}

/// Whether this reads as text: at most one character in a hundred is a control character or not understood.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    let (text, _) = decode(bytes);
    let odd = |c: char| c == char::REPLACEMENT_CHARACTER || (c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    text.chars().filter(|c| odd(*c)).count() * 100 <= text.chars().count()
}
