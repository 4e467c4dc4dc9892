//! Tables as CSV: RFC 4180, and nothing in it that a spreadsheet would take for a formula.

/// Writes a head and rows: fields with quotation marks, commas or line ends are quoted, lines end in CR LF.
pub fn write<R: IntoIterator<Item = Field>>(head: impl IntoIterator<Item = Field>, rows: impl IntoIterator<Item = R>) -> String {
    let mut text = String::new();
    line(&mut text, head);
    for row in rows {
        line(&mut text, row);
    }
    text
}

/// What stands between two commas.
pub enum Field {
    /// A figure, written by this program.
    Number(String),
    /// Words, which people wrote.
    Text(String),
}

fn line(text: &mut String, fields: impl IntoIterator<Item = Field>) {
    for (n, field) in fields.into_iter().enumerate() {
        if n > 0 {
            text.push(',');
        }
        match field {
            Field::Number(number) => text.push_str(&number),
            Field::Text(words) => quoted(text, &words),
        }
    }
    text.push_str("\r\n");
}

/// A leading apostrophe keeps spreadsheets from calculating: what begins with one of these is a formula to them (OWASP, CSV injection).
fn quoted(text: &mut String, words: &str) {
    let formula = words.trim_start().starts_with(['=', '+', '-', '@']) || words.starts_with(['\t', '\r', '\n']);
    let words = if formula { format!("'{words}") } else { words.to_owned() };
    if words.contains(['"', ',', '\r', '\n']) || formula || words.starts_with(' ') || words.ends_with(' ') {
        text.push('"');
        text.push_str(&words.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(&words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_comes_back_and_is_never_a_formula() {
        let words = ["Central", "say \"hi\", twice", "two\r\nlines", "=HYPERLINK(\"x\")", " =1+1", "@sum", "+1", "-1", "\tx", ""];
        let text = write(
            [Field::Text("school".into()), Field::Text("g".into())],
            words.map(|words| [Field::Text(words.into()), Field::Number("-5".into())]),
        );
        assert!(text.starts_with("school,g\r\nCentral,-5\r\n\"say \"\"hi\"\", twice\",-5\r\n"), "{text}");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let read: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(read.len(), words.len());
        for (record, words) in read.iter().zip(words) {
            let dangerous = words.trim_start_matches(' ').starts_with(['=', '+', '-', '@', '\t']);
            assert_eq!(record[0], if dangerous { format!("'{words}") } else { words.to_owned() });
        }
    }
}
