//! The text of a PDF's pages in the order in which it is drawn: pieces on one line together, a blank where they stand apart. Pictures are not read.
//!
//! PDFs come from strangers: nothing in here calls itself, and pages, streams and everything that is unpacked are counted.

use std::collections::HashMap;
use std::panic::catch_unwind;
use std::rc::Rc;

use lopdf::content::{Content, Operation};
use lopdf::{DecompressError, Dictionary, Document, LoadOptions, Object, ObjectId};

use super::pdf_fonts::Font;

/// Pages beyond these are not read.
const MAX_PAGES: usize = 400;
/// Text beyond this is cut off.
const MAX_TEXT_BYTES: usize = 4 * 1024 * 1024;
/// A PDF of more streams is not opened.
const MAX_STREAMS: usize = 4096;
/// What the streams that hold objects may unpack to together. They are all unpacked when the PDF is opened, and what is in them takes many times as much.
const MAX_OBJECT_BYTES: usize = 16 * 1024 * 1024;
/// What one page's drawing may unpack to.
const MAX_PAGE_BYTES: usize = 2 * 1024 * 1024;
/// What all pages' drawing may unpack to.
const MAX_DRAWING_BYTES: usize = 32 * 1024 * 1024;
/// Operators of all pages together, of which one takes many times the memory that it takes in the file; a page of a report has some thousand.
const MAX_OPERATORS: usize = 500_000;
/// Forms that are drawn on one page, and how deep one stands in another.
const MAX_FORMS: usize = 200;
const MAX_FORM_DEPTH: usize = 8;
/// Steps up the tree of pages for what a page inherits; states of the page that are kept; fonts of all pages.
const MAX_STEPS: usize = 32;
const MAX_SAVED: usize = 256;
const MAX_FONTS: usize = 400;

/// The text of a PDF.
#[derive(Default)]
pub(super) struct Text {
    /// Pages apart by a form feed.
    pub(super) text: String,
    /// Whether some of it was not read, as the PDF has more than the bounds allow.
    pub(super) is_cut: bool,
}

/// `None` where the file is damaged, needs a password or goes beyond the bounds.
pub(super) fn of(bytes: &[u8]) -> Option<Text> {
    let streams = bytes.windows(b"endstream".len()).filter(|window| window == b"endstream").count();
    if streams > MAX_STREAMS || has_endless_table(bytes) {
        return None;
    }
    let limit = (MAX_OBJECT_BYTES / streams.max(1)).clamp(32 * 1024, 4 * 1024 * 1024);
    let options = LoadOptions { max_decompressed_size: Some(limit), ..LoadOptions::default() };
    let document = Document::load_mem_with_options(bytes, options).ok().filter(|document| !document.is_encrypted())?;
    let mut pages = Pages { document: &document, fonts: HashMap::new(), left: MAX_DRAWING_BYTES, operators: MAX_OPERATORS, is_cut: false };
    let mut text = String::new();
    let mut ids = document.page_iter();
    for page in ids.by_ref().take(MAX_PAGES) {
        // A page that cannot be read leaves the others.
        pages.page(page, &mut text);
        text.push('\u{c}');
        if text.len() > MAX_TEXT_BYTES {
            text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
            pages.is_cut = true;
            break;
        }
    }
    Some(Text { text, is_cut: pages.is_cut || ids.next().is_some() })
}

/// Whether a table of objects (ISO 32000-1 §7.5.8) has entries of no bytes, `/W [0 0 0]`: of those it may have thousands of millions, which are all
/// entered as it is opened. Where this is written in some other way, the reader's processor time is what ends it.
fn has_endless_table(bytes: &[u8]) -> bool {
    bytes.windows(2).enumerate().filter(|(_, window)| window == b"/W").any(|(at, _)| {
        let array = bytes.get(at + 2..).unwrap_or_default().trim_ascii_start().strip_prefix(b"[").unwrap_or_default();
        let mut widths = array.iter().take_while(|byte| **byte != b']').take(64).filter(|byte| !byte.is_ascii_whitespace()).peekable();
        widths.peek().is_some() && widths.all(|byte| *byte == b'0')
    })
}

/// At least as many as there are: an operator begins with letters or is a quotation mark.
fn operators(content: &[u8]) -> usize {
    let begins = |pair: &[u8]| matches!(pair, [before, letter] if letter.is_ascii_alphabetic() && !before.is_ascii_alphabetic());
    let marks = content.iter().filter(|byte| matches!(byte, b'\'' | b'"')).count();
    marks + content.windows(2).filter(|pair| begins(pair)).count() + 1
}

/// `[a b c d e f]`, as PDF writes its transformations.
type Matrix = [f32; 6];
const UPRIGHT: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// First `inner`, then `outer`.
fn times(inner: Matrix, outer: Matrix) -> Matrix {
    let ([a, b, c, d, e, f], [oa, ob, oc, od, oe, of]) = (inner, outer);
    [a * oa + b * oc, a * ob + b * od, c * oa + d * oc, c * ob + d * od, e * oa + f * oc + oe, e * ob + f * od + of]
}

struct Pages<'a> {
    document: &'a Document,
    /// By where their dictionaries stand.
    fonts: HashMap<*const Dictionary, Rc<Font>>,
    /// What may still be unpacked, and how many operators there may still be.
    left: usize,
    operators: usize,
    is_cut: bool,
}

/// Drawing that is being read: a page's, or that of a form on it.
struct Drawing<'a> {
    operations: std::vec::IntoIter<Operation>,
    resources: Vec<&'a Dictionary>,
    /// What holds again when it is over.
    before: Matrix,
}

impl<'a> Pages<'a> {
    fn page(&mut self, page: ObjectId, text: &mut String) {
        let limit = MAX_PAGE_BYTES.min(self.left);
        let Some(content) = self.unpacked(self.document.get_page_content_with_limit(page, limit), limit) else { return };
        let Ok(dictionary) = self.document.get_dictionary(page) else { return };
        let mut resources = Vec::new();
        let mut node = Some(dictionary);
        for _ in 0..MAX_STEPS {
            let Some(here) = node else { break };
            resources.extend(here.get_deref(b"Resources", self.document).and_then(Object::as_dict));
            node = here.get_deref(b"Parent", self.document).and_then(Object::as_dict).ok();
        }
        let Some(first) = self.drawing(&content, resources, UPRIGHT) else { return };
        let (mut open, mut forms) = (vec![first], 0);
        let mut pen = Pen::new(text);
        while let (depth, Some(drawing)) = (open.len(), open.last_mut()) {
            let Some(operation) = drawing.operations.next() else {
                pen.page = drawing.before;
                open.pop();
                continue;
            };
            let name = || operation.operands.first().and_then(|name| name.as_name().ok()).unwrap_or_default();
            match operation.operator.as_str() {
                "Tf" => {
                    pen.font = self.font(name(), drawing);
                    pen.size = number(operation.operands.get(1));
                }
                "Do" if forms >= MAX_FORMS || depth >= MAX_FORM_DEPTH => self.is_cut = true,
                "Do" => {
                    forms += 1;
                    if let Some((form, matrix)) = self.form(name(), drawing, pen.page) {
                        pen.page = times(matrix, pen.page);
                        open.push(form);
                    }
                }
                _ => pen.follow(&operation),
            }
        }
    }

    /// What does not unpack within the limit has been unpacked as far as that all the same.
    fn unpacked(&mut self, content: lopdf::Result<Vec<u8>>, limit: usize) -> Option<Vec<u8>> {
        use lopdf::Error::Decompress;
        self.is_cut |= matches!(content, Err(Decompress(DecompressError::MemoryLimitExceeded { .. })));
        self.left = self.left.saturating_sub(content.as_ref().map_or(limit, Vec::len));
        content.ok()
    }

    fn drawing(&mut self, content: &[u8], resources: Vec<&'a Dictionary>, before: Matrix) -> Option<Drawing<'a>> {
        let operators = operators(content);
        if operators > self.operators {
            self.is_cut = true;
            return None;
        }
        self.operators -= operators;
        // lopdf panics at a picture in the drawing that names no colours, or larger ones than can be.
        let operations = catch_unwind(|| Content::decode(content)).ok()?.ok()?.operations.into_iter();
        Some(Drawing { operations, resources, before })
    }

    fn font(&mut self, name: &[u8], within: &Drawing<'a>) -> Option<Rc<Font>> {
        let document = self.document;
        let named = |of_node: &&'a Dictionary| of_node.get_deref(b"Font", document).and_then(Object::as_dict).ok();
        let font = within.resources.iter().filter_map(named).find_map(|fonts| fonts.get_deref(name, document).and_then(Object::as_dict).ok())?;
        let place = std::ptr::from_ref(font);
        if let Some(known) = self.fonts.get(&place) {
            return Some(Rc::clone(known));
        }
        if self.fonts.len() >= MAX_FONTS {
            self.is_cut = true;
            return None;
        }
        let font = Rc::new(Font::of(font, document));
        self.fonts.insert(place, Rc::clone(&font));
        Some(font)
    }

    fn form(&mut self, name: &[u8], within: &Drawing<'a>, before: Matrix) -> Option<(Drawing<'a>, Matrix)> {
        let document = self.document;
        let forms = within.resources.iter().filter_map(|of_node| of_node.get_deref(b"XObject", document).and_then(Object::as_dict).ok());
        let form = forms.filter_map(|forms| forms.get_deref(name, document).and_then(Object::as_stream).ok()).next()?;
        if form.dict.get(b"Subtype").and_then(Object::as_name).ok()? != b"Form" {
            return None;
        }
        let limit = MAX_PAGE_BYTES.min(self.left);
        let content = self.unpacked(form.get_plain_content_with_limit(limit), limit)?;
        let own = form.dict.get_deref(b"Resources", document).and_then(Object::as_dict);
        let matrix = form.dict.get_deref(b"Matrix", document).and_then(Object::as_array).ok().and_then(|numbers| matrix(numbers));
        let resources = own.map_or_else(|_| within.resources.clone(), |own| vec![own]);
        Some((self.drawing(&content, resources, before)?, matrix.unwrap_or(UPRIGHT)))
    }
}

fn number(object: Option<&Object>) -> f32 {
    object.and_then(|object| object.as_float().ok()).filter(|number| number.is_finite()).unwrap_or(0.0)
}

fn matrix(operands: &[Object]) -> Option<Matrix> {
    let numbers: Vec<f32> = operands.iter().map(|operand| number(Some(operand))).collect();
    numbers.try_into().ok()
}

/// Where text is being put, and the text so far.
struct Pen<'t> {
    text: &'t mut String,
    page: Matrix,
    saved: Vec<Matrix>,
    line: Matrix,
    here: Matrix,
    font: Option<Rc<Font>>,
    size: f32,
    leading: f32,
    stretch: f32,
    between_letters: f32,
    between_words: f32,
    /// Where the last piece ended, and whether the pen was set down anew since.
    end: Option<(f32, f32)>,
    lifted: bool,
}

impl<'t> Pen<'t> {
    fn new(text: &'t mut String) -> Self {
        Self {
            text,
            page: UPRIGHT,
            saved: Vec::new(),
            line: UPRIGHT,
            here: UPRIGHT,
            font: None,
            size: 0.0,
            leading: 0.0,
            stretch: 1.0,
            between_letters: 0.0,
            between_words: 0.0,
            end: None,
            lifted: true,
        }
    }

    /// The operators of ISO 32000-1 §9.4 and those that move the page under them.
    fn follow(&mut self, operation: &Operation) {
        let operands = operation.operands.as_slice();
        let at = |index: usize| number(operands.get(index));
        match operation.operator.as_str() {
            "q" if self.saved.len() < MAX_SAVED => self.saved.push(self.page),
            "Q" => self.page = self.saved.pop().unwrap_or(self.page),
            "cm" => self.page = matrix(operands).map_or(self.page, |by| times(by, self.page)),
            "BT" => self.put(UPRIGHT),
            "Tm" => self.put(matrix(operands).unwrap_or(UPRIGHT)),
            "Td" => self.step(at(0), at(1)),
            "TD" => {
                self.leading = -at(1);
                self.step(at(0), at(1));
            }
            "T*" => self.step(0.0, -self.leading),
            "TL" => self.leading = at(0),
            "Tz" => self.stretch = at(0) / 100.0,
            "Tc" => self.between_letters = at(0),
            "Tw" => self.between_words = at(0),
            "Tj" => self.show(operands),
            "TJ" => self.show(operands.first().and_then(|array| array.as_array().ok()).map_or(&[][..], Vec::as_slice)),
            "'" => {
                self.step(0.0, -self.leading);
                self.show(operands);
            }
            "\"" => {
                (self.between_words, self.between_letters) = (at(0), at(1));
                self.step(0.0, -self.leading);
                self.show(operands.get(2..).unwrap_or_default());
            }
            _ => {}
        }
    }

    fn put(&mut self, matrix: Matrix) {
        (self.line, self.here, self.lifted) = (matrix, matrix, true);
    }

    fn step(&mut self, x: f32, y: f32) {
        self.put(times([1.0, 0.0, 0.0, 1.0, x, y], self.line));
    }

    fn show(&mut self, pieces: &[Object]) {
        for piece in pieces {
            if let Ok(string) = piece.as_str() {
                self.piece(string);
            } else {
                self.advance(-number(Some(piece)) / 1000.0 * self.size * self.stretch);
            }
        }
    }

    fn advance(&mut self, by: f32) {
        self.here = times([1.0, 0.0, 0.0, 1.0, by, 0.0], self.here);
    }

    fn piece(&mut self, string: &[u8]) {
        let Some(font) = self.font.clone() else { return };
        if self.text.len() > MAX_TEXT_BYTES {
            return;
        }
        let decoded = font.text(string);
        if decoded.text.is_empty() {
            return;
        }
        let [a, b, _, _, x, y] = times(self.here, self.page);
        let stretched = a.hypot(b);
        let em = (self.size * stretched).abs();
        if let Some((end_x, end_y)) = self.end {
            // Along the line and across it, whichever way the text runs.
            let (along, across) = ((x - end_x) * a + (y - end_y) * b, (y - end_y) * a - (x - end_x) * b);
            let (along, across) = if stretched > 0.0 { (along / stretched, across / stretched) } else { (0.0, 0.0) };
            if across.abs() > 0.5 * em {
                self.text.push('\n');
            } else if (self.lifted && !font.knows_widths()) || along > 0.16 * em || along < -em {
                self.space();
            }
        }
        self.text.push_str(&decoded.text);
        let width = decoded.width * self.size + self.between_letters * decoded.codes + self.between_words * decoded.blanks;
        self.advance(width * self.stretch);
        let [.., x, y] = times(self.here, self.page);
        (self.end, self.lifted) = (Some((x, y)), false);
    }

    fn space(&mut self) {
        if !self.text.ends_with(|c: char| c.is_whitespace()) {
            self.text.push(' ');
        }
    }
}
