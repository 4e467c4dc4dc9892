//! What arrives for checking (a PDF, a folder, a JSON file) as named parts. Reads untrusted bytes: everything is bounded.
//! The PDF reader knows the files that we write: plain objects one after the other, one revision, attachments raw or deflated.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;

use flate2::read::ZlibDecoder;

use super::verify::Verdict;

/// The credential.
pub const CREDENTIAL: &str = "certificate.vc.json";
/// Its `certificate.issued` entry.
pub const ENTRY: &str = "certificate.entry.json";
/// The receipt of that entry.
pub const RECEIPT: &str = "certificate.tlog-proof";
/// The status list as of issue.
pub const STATUS: &str = "status.vc.json";
/// The pages, in a folder.
pub const PAGES: &str = "certificate.pdf";

/// The largest PDF that is read.
pub const MAX_PDF_BYTES: usize = 32 << 20;
/// The largest part, unpacked.
pub const MAX_PART_BYTES: usize = 4 << 20;
/// The most parts, and the most attachments of a PDF.
const MAX_PARTS: usize = 2_048;
/// The largest bundle, all parts unpacked.
const MAX_BUNDLE_BYTES: usize = 64 << 20;
/// How deep arrays and dictionaries of a PDF may nest.
const MAX_NESTING: usize = 64;
/// The most values in a PDF: bounds the memory that parsing takes.
const MAX_VALUES: usize = 1_000_000;

/// Why bytes are not a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BundleError {
    /// Not of a shape that we write, or too large; the text says what and, in a PDF, where.
    Form(String),
    /// A PDF to which something was appended after it was written.
    Appended,
}

impl BundleError {
    /// What the check of such a file comes to.
    pub fn verdict(&self) -> Verdict {
        if *self == Self::Appended { Verdict::Refused } else { Verdict::Unreadable }
    }
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(why) => f.write_str(why),
            Self::Appended => f.write_str("this PDF was changed after it was issued: something is appended to it"),
        }
    }
}

impl std::error::Error for BundleError {}

fn form<T>(why: &str) -> Result<T, BundleError> {
    Err(BundleError::Form(why.to_owned()))
}

/// `at`: offset of the first byte of a PDF that could not be read.
fn unread(at: usize, why: &str) -> BundleError {
    BundleError::Form(format!("this PDF cannot be read: {why} (at byte {at})"))
}

/// The named parts of what is checked, and the pages if it was or held a PDF.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    /// Each part under its name with `/`: [`CREDENTIAL`], [`ENTRY`], [`RECEIPT`], [`STATUS`], `entries/<seq>.json`, `entries/<seq>.tlog-proof`.
    pub parts: BTreeMap<String, Vec<u8>>,
    /// The bytes of the PDF.
    pub pdf: Option<Vec<u8>>,
}

impl Bundle {
    /// Tells a PDF from a JSON credential by its first bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.starts_with(b"%PDF-") {
            Self::from_pdf(bytes)
        } else if bytes.trim_ascii_start().starts_with(b"{") {
            Self::from_parts([(CREDENTIAL.to_owned(), bytes.to_vec())])
        } else {
            form("this is neither a PDF nor a JSON credential")
        }
    }

    /// Takes the files of a folder, named relative to it. [`PAGES`] become the pages.
    pub fn from_parts(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, BundleError> {
        let mut bundle = Self::default();
        for (name, bytes) in files {
            if name == PAGES {
                bundle.pdf = Some(bytes);
            } else {
                bundle.add(&name, bytes)?;
            }
        }
        Ok(bundle)
    }

    /// Takes the attachments of a PDF.
    pub fn from_pdf(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > MAX_PDF_BYTES {
            return form("this PDF is larger than 32 MB");
        }
        let mut bundle = Self { pdf: Some(bytes.to_vec()), ..Self::default() };
        bundle.add_attachments(bytes)?;
        if bundle.parts.contains_key(CREDENTIAL) {
            Ok(bundle)
        } else {
            form(&format!("this PDF does not carry {CREDENTIAL}, so it is not one of these certificates"))
        }
    }

    /// A part by its name.
    pub fn part(&self, name: &str) -> Option<&[u8]> {
        self.parts.get(name).map(Vec::as_slice)
    }

    fn add(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), BundleError> {
        // PDF readers save attachments under their names, so those have a dash where a folder has a slash.
        let name = name.strip_prefix("entries-").map_or_else(|| name.to_owned(), |rest| format!("entries/{rest}"));
        let total = self.parts.values().map(Vec::len).sum::<usize>() + bytes.len();
        let bounds = [
            (bytes.len() <= MAX_PART_BYTES, "a part of this bundle is larger than 4 MB"),
            (self.parts.len() < MAX_PARTS, "this bundle has too many parts"),
            (total <= MAX_BUNDLE_BYTES, "the parts of this bundle are together larger than 64 MB"),
        ];
        if let Some((_, why)) = bounds.iter().find(|(holds, _)| !holds) {
            return form(why);
        }
        match self.parts.insert(name.clone(), bytes) {
            None => Ok(()),
            Some(_) => form(&format!("there are two parts called {name}")),
        }
    }

    /// Adds the attached files of a PDF, in the order of their file specifications.
    fn add_attachments(&mut self, bytes: &[u8]) -> Result<(), BundleError> {
        let mut reader = Reader { bytes, at: 0, values: 0 };
        let (mut specifications, mut streams, mut seen) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        while let Some(number) = reader.object_number()? {
            let start = reader.at;
            let value = reader.value(0)?;
            let content = reader.stream(&value)?;
            reader.keyword("endobj")?;
            if !seen.insert(number) {
                return Err(unread(start, "an object is there twice"));
            }
            let kind = |name: &str| value.get("Type").is_some_and(|kind| kind.is_name(name));
            if let Some(content) = content.filter(|_| kind("EmbeddedFile")) {
                streams.insert(number, (value, content));
            } else if kind("Filespec") && value.get("EF").is_some() {
                specifications.push((start, value));
            }
        }
        reader.end()?;

        for (at, specification) in specifications {
            let wrong = |why| unread(at, why);
            let name = match (specification.get("F"), specification.get("UF")) {
                (Some(Pdf::Text(name)), Some(Pdf::Text(also))) if name == also => name,
                _ => return Err(wrong("an attachment has no one plain name")),
            };
            let stream = match specification.get("EF").and_then(|files| files.get("F")) {
                Some(Pdf::Reference(number)) => streams.get(number),
                _ => None,
            };
            let (dictionary, content) = stream.ok_or_else(|| wrong("an attachment has no file"))?;
            let content = unpack(dictionary, content).ok_or_else(|| wrong("an attachment cannot be unpacked or is larger than 4 MB"))?;
            self.add(name, content)?;
        }
        Ok(())
    }
}

/// The values that PDF objects are made of. Arrays, and numbers that are not integers, are not needed and not kept.
#[derive(Clone, Debug, PartialEq)]
enum Pdf {
    Other,
    Integer(usize),
    Name(Vec<u8>),
    Text(String),
    Dictionary(BTreeMap<Vec<u8>, Pdf>),
    Reference(usize),
}

impl Pdf {
    fn get(&self, name: &str) -> Option<&Pdf> {
        if let Self::Dictionary(members) = self { members.get(name.as_bytes()) } else { None }
    }

    fn is_name(&self, name: &str) -> bool {
        matches!(self, Self::Name(own) if own == name.as_bytes())
    }
}

/// The content of a stream that is raw or deflated; `None` if it is otherwise, broken, or larger than [`MAX_PART_BYTES`].
fn unpack(dictionary: &Pdf, content: &[u8]) -> Option<Vec<u8>> {
    match dictionary.get("Filter") {
        _ if dictionary.get("DecodeParms").is_some() => None,
        None => Some(content.to_vec()),
        Some(filter) if filter.is_name("FlateDecode") => {
            let mut unpacked = Vec::new();
            ZlibDecoder::new(content).take(MAX_PART_BYTES as u64 + 1).read_to_end(&mut unpacked).ok()?;
            (unpacked.len() <= MAX_PART_BYTES).then_some(unpacked)
        }
        Some(_) => None,
    }
}

/// Reads a PDF from its first byte to its last.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    fn wrong<T>(&self, why: &'static str) -> Result<T, BundleError> {
        Err(unread(self.at, why))
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Skips white space and comments (the header is one).
    fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                self.at += self.rest().iter().take_while(|byte| **byte != b'\n' && **byte != b'\r').count();
            } else if is_space(byte) {
                self.at += 1;
            } else {
                break;
            }
        }
    }

    fn accepts(&mut self, word: &str) -> bool {
        self.skip_space();
        let there = self.rest().starts_with(word.as_bytes());
        self.at += if there { word.len() } else { 0 };
        there
    }

    fn keyword(&mut self, word: &'static str) -> Result<(), BundleError> {
        if self.accepts(word) { Ok(()) } else { self.wrong(word) }
    }

    fn unsigned(&mut self) -> Option<usize> {
        self.skip_space();
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = std::str::from_utf8(self.rest().get(..digits)?).ok()?.parse().ok()?;
        self.at += digits;
        Some(number)
    }

    /// `12 0 obj`, or `None` where the cross-reference table begins.
    fn object_number(&mut self) -> Result<Option<usize>, BundleError> {
        if self.accepts("xref") || self.accepts("startxref") {
            return Ok(None);
        }
        let (Some(number), Some(_)) = (self.unsigned(), self.unsigned()) else {
            return self.wrong("an object or the cross-reference table is expected");
        };
        self.keyword("obj")?;
        Ok(Some(number))
    }

    /// The bytes of a stream if one follows its dictionary.
    fn stream(&mut self, dictionary: &Pdf) -> Result<Option<&'a [u8]>, BundleError> {
        if !self.accepts("stream") {
            return Ok(None);
        }
        if self.next() != Some(b'\n') {
            return self.wrong("a stream does not begin on a line of its own");
        }
        let Some(Pdf::Integer(length)) = dictionary.get("Length") else { return self.wrong("a stream does not state its length") };
        let Some(content) = self.rest().get(..*length) else { return self.wrong("a stream is cut short") };
        self.at += length;
        self.keyword("endstream")?;
        Ok(Some(content))
    }

    /// The end of the file: its mark, once, and nothing behind it.
    fn end(&mut self) -> Result<(), BundleError> {
        let mark = b"%%EOF";
        let Some(position) = self.rest().windows(mark.len()).position(|window| window == mark) else {
            return self.wrong("the end of the file is missing");
        };
        self.at += position + mark.len();
        if self.rest().iter().all(|byte| is_space(*byte)) { Ok(()) } else { Err(BundleError::Appended) }
    }

    fn value(&mut self, depth: usize) -> Result<Pdf, BundleError> {
        self.values += 1;
        if depth > MAX_NESTING || self.values > MAX_VALUES {
            return self.wrong("it is nested too deeply or holds too many values");
        }
        self.skip_space();
        match self.peek() {
            Some(b'<') if self.rest().starts_with(b"<<") => self.dictionary(depth),
            Some(b'<') => self.hexadecimal(),
            Some(b'(') => self.literal(),
            Some(b'/') => self.name().map(Pdf::Name),
            Some(b'[') => {
                self.at += 1;
                while !self.accepts("]") {
                    self.value(depth + 1)?;
                }
                Ok(Pdf::Other)
            }
            Some(b'0'..=b'9' | b'+' | b'-' | b'.') => Ok(self.number()),
            _ if ["true", "false", "null"].iter().any(|word| self.accepts(word)) => Ok(Pdf::Other),
            _ => self.wrong("a value is expected"),
        }
    }

    /// An integer, a real number, or `12 0 R`.
    fn number(&mut self) -> Pdf {
        let start = self.at;
        if let Some(number) = self.unsigned().filter(|_| self.peek() != Some(b'.')) {
            let after = self.at;
            if self.unsigned().is_some() && self.accepts("R") {
                return Pdf::Reference(number);
            }
            self.at = after;
            return Pdf::Integer(number);
        }
        self.at = start + self.bytes.iter().skip(start).take_while(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.')).count();
        Pdf::Other
    }

    fn dictionary(&mut self, depth: usize) -> Result<Pdf, BundleError> {
        self.at += 2;
        let mut members = BTreeMap::new();
        while !self.accepts(">>") {
            let name = self.name()?;
            let value = self.value(depth + 1)?;
            if members.insert(name, value).is_some() {
                return self.wrong("a dictionary has a key twice");
            }
        }
        Ok(Pdf::Dictionary(members))
    }

    fn name(&mut self) -> Result<Vec<u8>, BundleError> {
        self.keyword("/")?;
        let length = self.rest().iter().take_while(|byte| !is_space(**byte) && !b"()<>[]{}/%".contains(byte)).count();
        let name = self.rest().get(..length).unwrap_or_default().to_vec();
        self.at += length;
        Ok(name)
    }

    /// A hexadecimal string: none of the names that we write, and not kept.
    fn hexadecimal(&mut self) -> Result<Pdf, BundleError> {
        self.at += 1;
        self.at += self.rest().iter().take_while(|byte| byte.is_ascii_hexdigit() || is_space(**byte)).count();
        self.keyword(">").map(|()| Pdf::Other)
    }

    /// A string in brackets. One outside ASCII, or with other escapes than of brackets and backslash, is none of the names that we
    /// write, and not kept.
    fn literal(&mut self) -> Result<Pdf, BundleError> {
        self.at += 1;
        let (mut out, mut open, mut plain) = (Vec::new(), 1, true);
        while let Some(mut byte) = self.next() {
            match byte {
                b'(' => open += 1,
                b')' => open -= 1,
                b'\\' => {
                    byte = self.next().unwrap_or_default();
                    plain &= matches!(byte, b'(' | b')' | b'\\');
                }
                _ => {}
            }
            if open == 0 {
                return Ok(String::from_utf8(out).ok().filter(|text| plain && text.is_ascii()).map_or(Pdf::Other, Pdf::Text));
            }
            out.push(byte);
        }
        self.wrong("a string does not end")
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

#[cfg(all(test, feature = "service"))]
mod tests {
    use super::*;
    use lopdf::{Dictionary, Document, Object, Stream, StringFormat, dictionary};

    #[test]
    fn attachments_of_a_pdf_written_by_lopdf_come_out_as_they_went_in() {
        let files =
            [(CREDENTIAL, b"{\"a\":1}".to_vec()), ("entries-12.json", vec![b'x'; 5000]), (RECEIPT, b"endstream\nendobj\n%%EOF\nxref".to_vec())];
        let mut document = Document::with_version("1.7");
        for (name, content) in &files {
            let mut stream = Stream::new(dictionary! { "Type" => "EmbeddedFile", "Subtype" => "application/vc" }, content.clone());
            stream.compress().unwrap();
            let stream = document.add_object(stream);
            let name = Object::String(name.as_bytes().to_vec(), StringFormat::Literal);
            let specification = dictionary! { "Type" => "Filespec", "F" => name.clone(), "UF" => name, "EF" => dictionary! { "F" => stream } };
            document.add_object(specification);
        }
        document.add_object(Object::Array(vec![
            Object::Real(-1.5),
            Object::Null,
            Object::Integer(-3),
            Object::String(vec![0, b'(', b'\\', 255], StringFormat::Literal),
        ]));
        let root = document.add_object(Dictionary::from_iter([("Type", Object::from("Catalog"))]));
        document.trailer.set("Root", root);
        let mut bytes = Vec::new();
        document.save_to(&mut bytes).unwrap();
        let bundle = Bundle::from_bytes(&bytes).unwrap();
        assert_eq!(bundle.parts.len(), 3);
        for (name, content) in &files {
            assert_eq!(bundle.part(&name.replace("entries-", "entries/")), Some(content.as_slice()));
        }
    }
}
