//! The two faces that documents are set in: measuring text, standing in for glyphs they lack, and cutting them down to what is used.

use super::NotDrawable;
use allsorts::binary::read::ReadScope;
use allsorts::font_data::FontData;
use allsorts::subset::{CmapTarget, SubsetProfile};
use printpdf::ParsedFont;
use std::collections::BTreeSet;
use std::sync::OnceLock;

const REGULAR: &[u8] = include_bytes!("../../templates/fonts/NotoSans-Regular.ttf");
const BOLD: &[u8] = include_bytes!("../../templates/fonts/NotoSans-Bold.ttf");

/// What stands where the typeface has no glyph: seen by the reader, never a blank.
pub(super) const STAND_IN: char = '\u{fffd}';

/// Which of the two faces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cut {
    Regular,
    Bold,
}

impl Cut {
    pub(super) const BOTH: [Cut; 2] = [Cut::Regular, Cut::Bold];

    /// The name that the pages' resources use. Fixed, because the library would otherwise draw one at random.
    pub(super) const fn resource(self) -> &'static str {
        match self {
            Cut::Regular => "QTNREG",
            Cut::Bold => "QTNBLD",
        }
    }

    /// The PostScript name of the face.
    pub(super) const fn postscript_name(self) -> &'static str {
        match self {
            Cut::Regular => "NotoSans-Regular",
            Cut::Bold => "NotoSans-Bold",
        }
    }
}

/// Both faces, parsed once for the life of the program (their bytes are part of the program, so this cannot differ between renders).
pub(super) struct Faces {
    regular: ParsedFont,
    bold: ParsedFont,
}

impl Faces {
    /// The shared faces.
    pub(super) fn shared() -> Result<&'static Faces, NotDrawable> {
        static FACES: OnceLock<Option<Faces>> = OnceLock::new();
        FACES
            .get_or_init(|| {
                Some(Faces { regular: ParsedFont::from_bytes(REGULAR, 0, &mut Vec::new())?, bold: ParsedFont::from_bytes(BOLD, 0, &mut Vec::new())? })
            })
            .as_ref()
            .ok_or_else(|| NotDrawable::Typeface("the built-in typeface cannot be read".to_owned()))
    }

    fn face(&self, cut: Cut) -> &ParsedFont {
        match cut {
            Cut::Regular => &self.regular,
            Cut::Bold => &self.bold,
        }
    }

    /// The text with `STAND_IN` for every character that the face lacks.
    pub(super) fn showable(&self, text: &str, cut: Cut) -> String {
        let face = self.face(cut);
        text.chars().map(|c| if face.lookup_glyph_index(c.into()).is_some_and(|glyph| glyph != 0) { c } else { STAND_IN }).collect()
    }

    /// Width in points.
    pub(super) fn width(&self, text: &str, cut: Cut, size: f32) -> f32 {
        let face = self.face(cut);
        let units: f32 =
            text.chars().filter_map(|c| face.lookup_glyph_index(c.into())).filter_map(|glyph| face.get_glyph_width(glyph)).map(f32::from).sum();
        units / f32::from(face.units_per_em) * size
    }

    /// The text, or as much of its beginning as is no wider than `width` points, with an ellipsis.
    pub(super) fn fit(&self, text: &str, cut: Cut, size: f32, width: f32) -> String {
        let mut text = self.showable(text, cut);
        while self.width(&text, cut, size) > width && text.chars().any(|c| c != '…') {
            text = text.trim_end_matches('…').chars().rev().skip(1).collect::<Vec<_>>().into_iter().rev().chain(['…']).collect();
        }
        text
    }

    /// Lines no wider than `width` points. Breaks at spaces (not at no-break spaces); a word that is too long by itself (a hash, an address) breaks anywhere.
    pub(super) fn wrap(&self, text: &str, cut: Cut, size: f32, width: f32) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = String::new();
        for word in self.showable(text, cut).split(' ').filter(|word| !word.is_empty()) {
            let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width(&joined, cut, size) <= width {
                line = joined;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for c in word.chars() {
                line.push(c);
                if self.width(&line, cut, size) > width && line.chars().count() > 1 {
                    line.pop();
                    lines.push(std::mem::take(&mut line));
                    line.push(c);
                }
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
    }

    /// The face reduced to the characters given, ready for embedding. The same characters give the same bytes.
    pub(super) fn subset(&self, cut: Cut, characters: &BTreeSet<char>) -> Result<ParsedFont, NotDrawable> {
        let refused = |why: String| NotDrawable::Typeface(format!("{} cannot be reduced: {why}", cut.postscript_name()));
        let face = self.face(cut);
        // Glyph 0 (.notdef) must come first; the rest in ascending order without repeats.
        let glyphs: BTreeSet<u16> = std::iter::once(0).chain(characters.iter().filter_map(|c| face.lookup_glyph_index((*c).into()))).collect();
        let glyphs: Vec<u16> = glyphs.into_iter().collect();
        let bytes = match cut {
            Cut::Regular => REGULAR,
            Cut::Bold => BOLD,
        };
        let file = ReadScope::new(bytes).read::<FontData<'_>>().map_err(|e| refused(e.to_string()))?;
        let provider = file.table_provider(0).map_err(|e| refused(e.to_string()))?;
        let reduced = allsorts::subset::subset(&provider, &glyphs, &SubsetProfile::Pdf, CmapTarget::Unicode).map_err(|e| refused(e.to_string()))?;
        let mut parsed = ParsedFont::from_bytes(&reduced, 0, &mut Vec::new()).ok_or_else(|| refused("the result cannot be read".to_owned()))?;
        parsed.font_name = Some(cut.postscript_name().to_owned());
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_face_lacks_is_seen() {
        let faces = Faces::shared().unwrap();
        assert_eq!(faces.showable("Łódź № 7 · 田", Cut::Regular), "Łódź № 7 · \u{fffd}");
        assert!(faces.width("\u{fffd}", Cut::Bold, 10.0) > 4.0, "the stand-in has a shape");
    }

    #[test]
    fn lines_fit() {
        let faces = Faces::shared().unwrap();
        let hash = "0123456789abcdef".repeat(8);
        let lines = faces.wrap(&format!("SHA-256 {hash} end"), Cut::Regular, 9.0, 120.0);
        assert!(lines.len() > 3);
        assert!(lines.iter().all(|line| faces.width(line, Cut::Regular, 9.0) <= 120.0));
        assert!(faces.width(&"m".repeat(500), Cut::Regular, 8.0) > 3000.0, "long lines are measured to their end");
        assert_eq!(lines.concat().replace(' ', ""), format!("SHA-256{hash}end"));
    }
}
