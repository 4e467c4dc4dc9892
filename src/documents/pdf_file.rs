//! From drawn pages to the bytes of a PDF 1.7 file: fonts, structure, metadata, attachments. One revision; the same inputs give the same bytes.

use super::layout::{Drawn, Element, Kid};
use super::typeface::Faces;
use lopdf::{Document, Object, ObjectId, Stream, dictionary};
use printpdf::{FontId, PdfDocument, PdfFont, PdfSaveOptions};
use std::fmt;

/// Why no pages could be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotDrawable {
    /// An input is not in its format.
    Unreadable {
        /// Which input.
        input: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A member that every page needs is absent from the credential or the entry.
    Missing(String),
    /// Two inputs contradict each other.
    Contradiction(String),
    /// An attachment's name is not plain, or is given twice.
    AttachmentName(String),
    /// The built-in typeface could not be used.
    Typeface(String),
    /// The file could not be put together.
    File(String),
}

impl fmt::Display for NotDrawable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotDrawable::Unreadable { input, why } => write!(f, "the {input} cannot be read: {why}"),
            NotDrawable::Missing(member) => write!(f, "{member} is missing"),
            NotDrawable::Contradiction(what) => f.write_str(what),
            NotDrawable::AttachmentName(name) => write!(f, "“{name}” cannot name an attachment, or names two"),
            NotDrawable::Typeface(why) | NotDrawable::File(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for NotDrawable {}

/// What the file says about itself.
pub(super) struct About<'a> {
    pub(super) title: &'a str,
    pub(super) author: &'a str,
    pub(super) subject: &'a str,
    /// RFC 3339, whole seconds, UTC.
    pub(super) created: &'a str,
    /// SHA-256 of everything that the pages were drawn from; the file's ID is its first half.
    pub(super) fingerprint: [u8; 32],
}

/// A file inside the file.
pub(super) struct Attachment<'a> {
    pub(super) name: String,
    pub(super) media_type: &'static str,
    pub(super) description: &'static str,
    pub(super) bytes: &'a [u8],
}

/// Puts the file together.
pub(super) fn assemble(drawn: Drawn, faces: &Faces, about: &About<'_>, attachments: Vec<Attachment<'_>>) -> Result<Vec<u8>, NotDrawable> {
    let mut bytes = Vec::new();
    document(drawn, faces, about, attachments)?.save_to(&mut bytes).map_err(unwritten)?;
    Ok(bytes)
}

/// The same in less room (object streams), for papers that may have thousands of lines and that nobody takes apart byte by byte.
pub(super) fn assemble_packed(drawn: Drawn, faces: &Faces, about: &About<'_>, attachments: Vec<Attachment<'_>>) -> Result<Vec<u8>, NotDrawable> {
    let mut bytes = Vec::new();
    document(drawn, faces, about, attachments)?.save_modern(&mut bytes).map_err(unwritten)?;
    Ok(bytes)
}

fn unwritten(error: impl fmt::Display) -> NotDrawable {
    NotDrawable::File(format!("the file cannot be written: {error}"))
}

fn document(drawn: Drawn, faces: &Faces, about: &About<'_>, mut attachments: Vec<Attachment<'_>>) -> Result<Document, NotDrawable> {
    check_names(&mut attachments)?;
    let mut pages = PdfDocument::new(about.title);
    for (cut, characters) in &drawn.used {
        pages.resources.fonts.map.insert(FontId(cut.resource().to_owned()), PdfFont::new(faces.subset(*cut, characters)?));
    }
    pages.pages = drawn.pages;
    let mut document = pages.to_lopdf_document(&PdfSaveOptions { image_optimization: None, ..PdfSaveOptions::default() }, &mut Vec::new());
    let file = |e: lopdf::Error| NotDrawable::File(format!("the file cannot be put together: {e}"));

    // What is replaced below goes now, and numbers are given now: later, with an object for every cell of a table, it would take the library long.
    let catalog = document.catalog_mut().map_err(file)?;
    // The library claims PDF/X with a colour profile of its own; nothing here was checked against it, so nothing is claimed.
    catalog.remove(b"OutputIntents");
    catalog.set("Metadata", Object::Null);
    document.trailer.set("Info", Object::Null);
    document.prune_objects();
    document.renumber_objects();

    name_fonts(&mut document);
    let structure = add_structure(&mut document, &drawn.elements)?;
    let (names, associated) = add_attachments(&mut document, &attachments, about);
    let metadata =
        document.add_object(Stream::new(dictionary! { "Type" => "Metadata", "Subtype" => "XML" }, xmp(about).into_bytes()).with_compression(false));
    let catalog = document.catalog_mut().map_err(file)?;
    catalog.set("Metadata", metadata);
    catalog.set("Lang", Object::string_literal("en-US"));
    catalog.set("MarkInfo", dictionary! { "Marked" => true });
    catalog.set("StructTreeRoot", structure);
    catalog.set("ViewerPreferences", dictionary! { "DisplayDocTitle" => true });
    catalog.set("PageLayout", "SinglePage");
    if !associated.is_empty() {
        catalog.set("Names", dictionary! { "EmbeddedFiles" => dictionary! { "Names" => names } });
        catalog.set("AF", associated);
    }

    let (id, _) = about.fingerprint.split_at(16);
    let id = Object::String(id.to_vec(), lopdf::StringFormat::Hexadecimal);
    document.trailer.set("ID", vec![id.clone(), id]);
    let information = document.add_object(dictionary! {
        "Title" => text_string(about.title),
        "Author" => text_string(about.author),
        "Subject" => text_string(about.subject),
        "Creator" => text_string("Quittance"),
        "Producer" => text_string("Quittance (printpdf, lopdf)"),
        "CreationDate" => Object::string_literal(pdf_date(about.created)),
        "ModDate" => Object::string_literal(pdf_date(about.created)),
    });
    document.trailer.set("Info", information);
    document.version = "1.7".to_owned();
    document.compress();
    Ok(document)
}

/// Plain names only, so that they can stand in the file as literal strings and on any disk as they are; sorted, as the name tree must be.
fn check_names(attachments: &mut [Attachment<'_>]) -> Result<(), NotDrawable> {
    attachments.sort_by(|a, b| a.name.cmp(&b.name));
    let mut previous = None;
    for attachment in attachments.iter() {
        let name = &attachment.name;
        let plain = name.len() <= 100 && !name.starts_with('.') && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
        if !plain || name.is_empty() || previous == Some(name) {
            return Err(NotDrawable::AttachmentName(name.clone()));
        }
        previous = Some(name);
    }
    Ok(())
}

/// Gives the embedded faces their own names behind the prefix that marks a subset (ISO 32000-1 §9.6.4).
fn name_fonts(document: &mut Document) {
    for object in document.objects.values_mut() {
        let Object::Dictionary(dictionary) = object else { continue };
        for key in [b"BaseFont".as_slice(), b"FontName".as_slice()] {
            let Ok(name) = dictionary.get(key).and_then(Object::as_name) else { continue };
            let name = String::from_utf8_lossy(name).into_owned();
            for cut in super::typeface::Cut::BOTH {
                if name.contains(cut.resource()) || name.ends_with(cut.postscript_name()) {
                    dictionary.set(key.to_vec(), Object::Name(format!("{}+{}", cut.resource(), cut.postscript_name()).into_bytes()));
                }
            }
        }
    }
}

/// Writes the structure tree and ties the marked content of the pages to it.
fn add_structure(document: &mut Document, elements: &[Element]) -> Result<ObjectId, NotDrawable> {
    let page_ids: Vec<ObjectId> = document.page_iter().collect();
    let ids: Vec<ObjectId> = elements.iter().map(|_| document.new_object_id()).collect();
    let root = document.new_object_id();
    let lost = || NotDrawable::File("the structure of the pages is not whole".to_owned());
    let mut parents: Vec<Vec<Object>> = page_ids.iter().map(|_| Vec::new()).collect();
    let mut above = vec![root; elements.len()];
    for (position, (element, id)) in elements.iter().zip(&ids).enumerate() {
        // An element is opened after the one that holds it, so what is above it is known by now.
        let parent = *above.get(position).ok_or_else(lost)?;
        let mut kids = Vec::new();
        for kid in &element.kids {
            match kid {
                Kid::Element(child) => {
                    kids.push(Object::Reference(*ids.get(*child).ok_or_else(lost)?));
                    *above.get_mut(*child).ok_or_else(lost)? = *id;
                }
                Kid::Content { page, mark } => {
                    let marks = parents.get_mut(*page).ok_or_else(lost)?;
                    // Marks are counted as they are drawn, elements as they are opened: a parent's own mark may come later.
                    if marks.len() <= *mark {
                        marks.resize(*mark + 1, Object::Null);
                    }
                    *marks.get_mut(*mark).ok_or_else(lost)? = Object::Reference(*id);
                    kids.push(Object::Dictionary(dictionary! {
                        "Type" => "MCR",
                        "Pg" => *page_ids.get(*page).ok_or_else(lost)?,
                        "MCID" => i64::try_from(*mark).map_err(|_| lost())?,
                    }));
                }
            }
        }
        let mut written = dictionary! { "Type" => "StructElem", "S" => element.tag, "P" => parent, "K" => kids };
        if let Some(alt) = &element.alt {
            written.set("Alt", text_string(alt));
        }
        if element.tag == "TH" {
            written.set("A", dictionary! { "O" => "Table", "Scope" => "Column" });
        }
        document.objects.insert(*id, Object::Dictionary(written));
    }
    let mut numbers = Vec::new();
    for (position, (page, marks)) in page_ids.iter().zip(parents).enumerate() {
        let key = i64::try_from(position).map_err(|_| lost())?;
        numbers.push(Object::Integer(key));
        numbers.push(Object::Reference(document.add_object(marks)));
        let page = document.get_dictionary_mut(*page).map_err(|_| lost())?;
        page.set("StructParents", key);
        page.set("Tabs", "S");
        page.remove(b"Annots");
    }
    let top = ids.first().copied().ok_or_else(lost)?;
    document.objects.insert(
        root,
        Object::Dictionary(
            dictionary! { "Type" => "StructTreeRoot", "K" => vec![Object::Reference(top)], "ParentTree" => dictionary! { "Nums" => numbers } },
        ),
    );
    Ok(root)
}

/// Embeds the files; answers the name tree's list and the list of associated files.
fn add_attachments(document: &mut Document, attachments: &[Attachment<'_>], about: &About<'_>) -> (Vec<Object>, Vec<Object>) {
    let mut names = Vec::new();
    let mut associated = Vec::new();
    for attachment in attachments {
        let size = i64::try_from(attachment.bytes.len()).unwrap_or(i64::MAX);
        let stream = document.add_object(Stream::new(
            dictionary! {
                "Type" => "EmbeddedFile",
                "Subtype" => Object::Name(attachment.media_type.as_bytes().to_vec()),
                "Params" => dictionary! { "Size" => size, "ModDate" => Object::string_literal(pdf_date(about.created)) },
            },
            attachment.bytes.to_vec(),
        ));
        let name = Object::string_literal(attachment.name.as_str());
        let file = document.add_object(dictionary! {
            "Type" => "Filespec",
            "F" => name.clone(),
            "UF" => name.clone(),
            "EF" => dictionary! { "F" => stream },
            "AFRelationship" => "Data",
            "Desc" => Object::string_literal(attachment.description),
        });
        names.push(name);
        names.push(Object::Reference(file));
        associated.push(Object::Reference(file));
    }
    (names, associated)
}

/// ASCII as it is, anything else in UTF-16 with its mark (ISO 32000-1 §7.9.2.2).
fn text_string(text: &str) -> Object {
    if text.is_ascii() {
        return Object::string_literal(text);
    }
    let bytes = [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    Object::String(bytes, lopdf::StringFormat::Hexadecimal)
}

/// `2026-11-23T11:05:00Z` → `D:20261123110500Z`
fn pdf_date(rfc3339: &str) -> String {
    let digits: String = rfc3339.chars().filter(char::is_ascii_digit).take(14).collect();
    format!("D:{digits}Z")
}

/// XMP that repeats the information dictionary and claims no conformance.
fn xmp(about: &About<'_>) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let (title, author, subject, created) = (escaped(about.title), escaped(about.author), escaped(about.subject), escaped(about.created));
    format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n\
         <rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" xmlns:pdf=\"http://ns.adobe.com/pdf/1.3/\">\n\
         <dc:format>application/pdf</dc:format>\n\
         <dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">{title}</rdf:li></rdf:Alt></dc:title>\n\
         <dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>\n\
         <dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">{subject}</rdf:li></rdf:Alt></dc:description>\n\
         <dc:language><rdf:Bag><rdf:li>en-US</rdf:li></rdf:Bag></dc:language>\n\
         <xmp:CreateDate>{created}</xmp:CreateDate><xmp:ModifyDate>{created}</xmp:ModifyDate><xmp:MetadataDate>{created}</xmp:MetadataDate>\n\
         <xmp:CreatorTool>Quittance</xmp:CreatorTool><pdf:Producer>Quittance (printpdf, lopdf)</pdf:Producer>\n\
         </rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end=\"r\"?>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_a_folder_or_collide_are_refused() {
        let named = |name: &str| Attachment { name: name.to_owned(), media_type: "text/plain", description: "", bytes: b"" };
        for name in ["", "../x", ".hidden", "a(b", "a b", "é"] {
            assert!(check_names(&mut [named(name)]).is_err(), "{name}");
        }
        assert!(check_names(&mut [named("a"), named("b"), named("a")]).is_err());
        assert!(check_names(&mut [named("entries-12.tlog-proof"), named("a.json")]).is_ok());
    }

    #[test]
    fn metadata_is_escaped() {
        let about = About { title: "A & <B>", author: "“C”", subject: "", created: "2026-11-23T11:05:00Z", fingerprint: [0; 32] };
        assert!(xmp(&about).contains("A &amp; &lt;B&gt;"));
        assert_eq!(pdf_date(about.created), "D:20261123110500Z");
        assert_eq!(text_string("é"), Object::String(vec![0xfe, 0xff, 0, 0xe9], lopdf::StringFormat::Hexadecimal));
    }
}
