//! What is particular to PDFs, whichever tool made them: fonts with codes of their own, forms, and files that want too much memory.

use super::*;

/// Objects as a PDF, the first of them the catalogue.
fn pdf(objects: &[String]) -> Vec<u8> {
    let mut out = "%PDF-1.5\n".to_owned();
    let mut places = String::new();
    for (number, object) in (1..).zip(objects) {
        places += &format!("{:010} 00000 n \n", out.len());
        out += &format!("{number} 0 obj\n{object}\nendobj\n");
    }
    let (size, start) = (objects.len() + 1, out.len());
    out += &format!("xref\n0 {size}\n0000000000 65535 f \n{places}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    out.into_bytes()
}

fn stream(dictionary: &str, content: &str) -> String {
    format!("<< {dictionary} /Length {} >>stream\n{content}\nendstream", content.len())
}

fn pages(kids: &str) -> Vec<String> {
    vec!["<< /Type /Catalog /Pages 2 0 R >>".to_owned(), format!("<< /Type /Pages /Kids [{kids}] /Count 1 >>")]
}

/// The lines of a text in a composite font whose codes are the characters' numbers and seven, inside a form.
fn subset(text: &str) -> Vec<u8> {
    pdf(&objects(text))
}

/// Likewise, before they are put together.
pub(super) fn objects(text: &str) -> Vec<String> {
    let code = |c: char| format!("{:04X}", u32::from(c) + 7);
    let lines: String = text.lines().map(|line| format!("<{}> Tj 0 -14 Td\n", line.chars().map(code).collect::<String>())).collect();
    let mut objects = pages("3 0 R");
    objects.push("<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /XObject << /X0 5 0 R >> >> >>".to_owned());
    objects.push(stream("", "q 0.5 0 0 0.5 20 20 cm /X0 Do Q"));
    objects
        .push(stream("/Type /XObject /Subtype /Form /Resources << /Font << /F0 6 0 R >> >>", &format!("BT /F0 12 Tf 1 0 0 1 40 1500 Tm\n{lines}ET")));
    objects
        .push("<< /Type /Font /Subtype /Type0 /BaseFont /ABCDEF+Sans /Encoding /Identity-H /ToUnicode 7 0 R /DescendantFonts [8 0 R] >>".to_owned());
    objects.push(stream(
        "",
        "1 begincodespacerange <0000><ffff> endcodespacerange 2 beginbfrange\n<0027><0085><0020>\n<00a7> <00a8> [<00a0>\n<00a1>] endbfrange",
    ));
    objects.push("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /ABCDEF+Sans /DW 500 /W [39 [500 500] 60 70 500] >>".to_owned());
    objects
}

#[test]
fn a_subset_font_and_a_form_read_like_the_text() {
    for name in ["0.34_hidden_area_and_glued_labels", "0.42_sanitize_on_nvme", "0.40_erased_with_errors"] {
        let text = std::fs::read(folder().join(format!("nwipe_pdf/{name}.txt"))).unwrap();
        let made = subset(std::str::from_utf8(&text).unwrap());
        assert_eq!(evidence::read(&made), evidence::read(&text), "{name}: {}", evidence::why_not(&made));
    }
}

#[test]
fn a_pdf_that_unpacks_without_end_or_draws_itself_is_left() {
    let mut objects = pages(&"3 0 R ".repeat(5000));
    objects.push("<< /Type /Page /Parent 3 0 R /Contents 4 0 R /Resources << /XObject << /X0 5 0 R >> >> >>".to_owned());
    objects.push(stream("", &"/X0 Do ".repeat(1000)));
    objects.push(stream("/Type /XObject /Subtype /Form /Resources << /XObject << /X0 5 0 R >> >>", "/X0 Do /X0 Do /X0 Do"));
    assert!(evidence::read(&pdf(&objects)).is_none());
}

#[test]
fn a_page_of_too_much_leaves_the_others_and_is_said() {
    let text = std::fs::read_to_string(folder().join("nwipe_pdf/0.42_sanitize_on_nvme.txt")).unwrap();
    let with = |states: usize| {
        let mut objects = objects(&text);
        objects[1] = objects[1].replace("3 0 R", "3 0 R 9 0 R");
        objects.push("<< /Type /Page /Parent 2 0 R /Contents 10 0 R >>".to_owned());
        objects.push(stream("", &"q ".repeat(states)));
        evidence::read(&pdf(&objects)).unwrap()
    };
    let (few, many) = (with(1_000), with(600_000));
    assert_eq!((few.records.len(), &few.records), (1, &many.records));
    let says = |reading: &Reading| reading.remarks.iter().any(|remark| remark.what.contains("more on a page"));
    assert!(!says(&few) && says(&many), "{:?}", many.remarks);
}
