//! What a PDF's fonts say about their codes: which characters they stand for and how wide they are.

use std::collections::HashMap;

use lopdf::{Dictionary, Document, Object};

/// What a font's table of characters may unpack to.
const MAX_TABLE_BYTES: usize = 1024 * 1024;
/// Most codes of one font, those that it names again included.
const MAX_CODES: usize = 65_536;
/// A letter of a font that does not give its widths, in parts of its size.
const USUAL_WIDTH: f32 = 0.5;

/// One font of a page.
pub(super) struct Font {
    /// Codes of two bytes: a composite font.
    wide: bool,
    /// `ToUnicode`, which tells more than any encoding.
    characters: HashMap<u32, String>,
    /// The 256 characters of a simple font by its encoding.
    encoded: Vec<String>,
    widths: HashMap<u32, f32>,
    other_width: Option<f32>,
}

/// A string of codes, decoded.
pub(super) struct Decoded {
    pub(super) text: String,
    /// In parts of the font's size.
    pub(super) width: f32,
    /// How many codes it has, and how many of them are the single byte 32.
    pub(super) codes: f32,
    pub(super) blanks: f32,
}

impl Font {
    pub(super) fn of(font: &Dictionary, document: &Document) -> Self {
        let name = |key: &[u8]| font.get_deref(key, document).and_then(Object::as_name).unwrap_or_default();
        let wide = name(b"Subtype") == b"Type0";
        let table = font.get_deref(b"ToUnicode", document).and_then(Object::as_stream).ok();
        let table = table.and_then(|stream| stream.get_plain_content_with_limit(MAX_TABLE_BYTES).ok());
        let characters = table.map(|table| characters(&table)).unwrap_or_default();
        let encoded = if wide { Vec::new() } else { encoded(font, document) };
        let mut new = Self { wide, characters, encoded, widths: HashMap::new(), other_width: None };
        if wide {
            new.widths_of_composite(font, document);
        } else if name(b"Subtype") != b"Type3" {
            new.widths_of_simple(font, document);
        }
        new
    }

    pub(super) fn knows_widths(&self) -> bool {
        self.other_width.is_some() || !self.widths.is_empty()
    }

    /// What cannot be told is U+FFFD: a serial number with a hole is none.
    pub(super) fn text(&self, string: &[u8]) -> Decoded {
        let mut decoded = Decoded { text: String::new(), width: 0.0, codes: 0.0, blanks: 0.0 };
        for bytes in string.chunks(if self.wide { 2 } else { 1 }) {
            let code = bytes.iter().fold(0_u32, |code, byte| code << 8 | u32::from(*byte));
            let simple = || self.encoded.get(usize::try_from(code).ok()?).filter(|text| !text.is_empty());
            match self.characters.get(&code).or_else(simple) {
                Some(text) => decoded.text.push_str(text),
                None => decoded.text.push(char::REPLACEMENT_CHARACTER),
            }
            decoded.width += self.widths.get(&code).copied().or(self.other_width).unwrap_or(USUAL_WIDTH);
            decoded.codes += 1.0;
            decoded.blanks += if !self.wide && code == 32 { 1.0 } else { 0.0 };
        }
        decoded
    }

    fn widths_of_simple(&mut self, font: &Dictionary, document: &Document) {
        let first = font.get_deref(b"FirstChar", document).and_then(Object::as_i64).ok().and_then(|first| u32::try_from(first).ok());
        let Ok(widths) = font.get_deref(b"Widths", document).and_then(Object::as_array) else { return };
        self.widths =
            (first.unwrap_or(0)..).zip(widths.iter().take(256)).filter_map(|(code, width)| Some((code, thousandth(width, document)?))).collect();
    }

    /// `W` is `[first [width …] first last width …]` (ISO 32000-1 §9.7.4.3).
    fn widths_of_composite(&mut self, font: &Dictionary, document: &Document) {
        let descendants = font.get_deref(b"DescendantFonts", document).and_then(Object::as_array).ok();
        let descendant = descendants.and_then(|fonts| document.dereference(fonts.first()?).ok()?.1.as_dict().ok());
        let Some(descendant) = descendant else { return };
        self.other_width = Some(descendant.get(b"DW").ok().and_then(|width| thousandth(width, document)).unwrap_or(1.0));
        let Ok(widths) = descendant.get_deref(b"W", document).and_then(Object::as_array) else { return };
        let mut rest = widths.iter();
        let mut left = MAX_CODES;
        while let (Some(first), Some(second)) = (rest.next(), rest.next()) {
            let Some(first) = first.as_i64().ok().and_then(|first| u32::try_from(first).ok()) else { return };
            if let Ok(list) = document.dereference(second).and_then(|(_, list)| list.as_array()) {
                self.widths.extend((first..).zip(list.iter().take(left)).filter_map(|(code, width)| Some((code, thousandth(width, document)?))));
                left = left.saturating_sub(list.len());
            } else if let (Ok(last), Some(width)) = (second.as_i64(), rest.next().and_then(|width| thousandth(width, document))) {
                let last = u32::try_from(last).unwrap_or(first).min(0xffff);
                self.widths.extend((first..=last).take(left).map(|code| (code, width)));
                left = left.saturating_sub((first..=last).count());
            }
            if left == 0 {
                return;
            }
        }
    }
}

fn thousandth(width: &Object, document: &Document) -> Option<f32> {
    document.dereference(width).ok()?.1.as_float().ok().filter(|width| width.is_finite()).map(|width| width / 1000.0)
}

fn encoded(font: &Dictionary, document: &Document) -> Vec<String> {
    // Only the encoding is asked for; `ToUnicode` is read above.
    let mut bare = font.clone();
    bare.remove(b"ToUnicode");
    let Ok(encoding) = bare.get_font_encoding_with_limit(document, MAX_TABLE_BYTES) else { return Vec::new() };
    (0..=u8::MAX).map(|byte| Document::decode_text(&encoding, &[byte]).unwrap_or_default()).collect()
}

/// The pairs and ranges of a `ToUnicode` table, however its lines are broken.
fn characters(table: &[u8]) -> HashMap<u32, String> {
    let text = String::from_utf8_lossy(table);
    let mut characters = HashMap::new();
    let mut left = MAX_CODES;
    for (begin, end) in [("beginbfchar", "endbfchar"), ("beginbfrange", "endbfrange")] {
        for section in text.split(begin).skip(1) {
            let section = section.split(end).next().unwrap_or("");
            let mut tokens = tokens(section);
            if begin == "beginbfchar" {
                while left > 0
                    && let (Some(code), Some(to)) = (tokens.next(), tokens.next())
                {
                    left -= 1;
                    if let (Some(code), Some(to)) = (code_of(code), utf16(to)) {
                        characters.insert(code, to);
                    }
                }
            } else {
                while left > 0
                    && let (Some(first), Some(last), Some(to)) = (tokens.next(), tokens.next(), tokens.next())
                {
                    let (Some(first), Some(last)) = (code_of(first), code_of(last)) else { continue };
                    range(&mut characters, first, last.min(0xffff), to, &mut tokens, &mut left);
                }
            }
        }
    }
    characters
}

/// `<first> <last> <to>`: counted up in the last unit; or `<first> <last> [<to> <to> …]`.
fn range<'t>(characters: &mut HashMap<u32, String>, first: u32, last: u32, to: &str, tokens: &mut impl Iterator<Item = &'t str>, left: &mut usize) {
    *left -= 1;
    if to == "[" {
        for (code, to) in (first..).zip(tokens.take_while(|token| *token != "]")) {
            *left = left.saturating_sub(1);
            if let Some(to) = utf16(to).filter(|_| code <= last) {
                characters.insert(code, to);
            }
        }
        return;
    }
    let Some((before, start)) = utf16(to).and_then(|to| Some((to.chars().rev().skip(1).collect::<Vec<_>>(), u32::from(to.chars().next_back()?))))
    else {
        return;
    };
    for (code, character) in (first..=last).zip(start..).take(*left) {
        *left -= 1;
        if let Some(character) = char::from_u32(character) {
            characters.insert(code, before.iter().rev().chain([&character]).collect());
        }
    }
}

/// What stands between `<` and `>`, without blanks, and brackets.
fn tokens(section: &str) -> impl Iterator<Item = &str> {
    section.split_inclusive(['>', '[', ']']).filter_map(|part| {
        if part.ends_with(['[', ']']) {
            return part.get(part.len() - 1..);
        }
        part.strip_suffix('>')?.rsplit_once('<').map(|(_, hex)| hex.trim())
    })
}

fn code_of(hex: &str) -> Option<u32> {
    u32::from_str_radix(hex, 16).ok()
}

fn utf16(hex: &str) -> Option<String> {
    let hex: String = hex.chars().filter(|c| !c.is_whitespace()).take(64).collect();
    let units: Option<Vec<u16>> = if hex.len() <= 2 {
        Some(vec![u16::from_str_radix(&hex, 16).ok()?])
    } else {
        hex.as_bytes().chunks(4).map(|unit| u16::from_str_radix(std::str::from_utf8(unit).ok()?, 16).ok()).collect()
    };
    // Ligatures come as their letters, and a code may stand for nothing that is seen.
    Some(String::from_utf16_lossy(&units?).replace('\0', ""))
}
