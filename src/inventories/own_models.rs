//! The organisation's own models for the catalogue, as CSV: one model a line.

use std::collections::BTreeMap;

use csv::StringRecord;

use super::RowError;
use crate::domain::catalogue::{Catalogue, ExpectedMedium, Model};
use crate::domain::names::{Category, MediaType, Sensitivity, WeightBasis};
use crate::domain::refusal::Refusal;

/// The columns, all of them, in any order.
pub const COLUMNS: [&str; 9] =
    ["manufacturer", "model", "category", "media", "no_storage", "weight_grams", "weight_basis", "weight_source", "sensitivity"];
/// Most models of one table.
const MOST: usize = 20_000;

/// Reads a table that is to stand before the `shipped` one; the error names the line. `media` lists kinds behind one another, `emmc embedded; sim`.
pub fn read(text: &str, shipped: &Catalogue) -> Result<Vec<Model>, RowError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let at = |line: u64, what: String| RowError { line, what };
    let header = reader.headers().map_err(|e| at(1, e.to_string()))?.clone();
    for column in COLUMNS {
        if !header.iter().any(|name| name == column) {
            return Err(at(1, format!("There is no column {column}; the columns are {}.", COLUMNS.join(", "))));
        }
    }
    let mut models = Vec::new();
    let mut lines: BTreeMap<(String, String), u64> = BTreeMap::new();
    for row in reader.records() {
        let row = row.map_err(|e| at(e.position().map_or(0, csv::Position::line), e.to_string()))?;
        let line = row.position().map_or(0, csv::Position::line);
        let model = model(&header, &row).and_then(|model| model.check(shipped).map(|()| model)).map_err(|refusal| at(line, refusal.why))?;
        if let Some(first) = lines.insert((model.manufacturer.to_lowercase(), model.model.to_lowercase()), line) {
            return Err(at(line, format!("{} {} is in line {first} already; leave one of them out.", model.manufacturer, model.model)));
        }
        models.push(model);
        if models.len() > MOST {
            return Err(at(line, format!("A table holds at most {MOST} models; split it.")));
        }
    }
    Ok(models)
}

fn model(header: &StringRecord, row: &StringRecord) -> Result<Model, Refusal> {
    let cell = |column: &str| header.iter().zip(row).find(|(name, _)| *name == column).map_or("", |(_, value)| value);
    let wrong = |why: String| Refusal::new("catalogue.row", why);
    let required = |column: &str| match cell(column) {
        text if text.is_empty() || text.chars().count() > 120 || text.chars().any(char::is_control) => {
            Err(wrong(format!("{column} has between 1 and 120 characters and no control characters; fill it in.")))
        }
        text => Ok(text.to_owned()),
    };
    let mut media = Vec::new();
    for kind in cell("media").split(';').map(str::trim).filter(|kind| !kind.is_empty()) {
        let embedded = kind.ends_with(" embedded");
        media.push(ExpectedMedium { media_type: MediaType::parse(kind.trim_end_matches(" embedded").trim())?, embedded });
    }
    let no_storage = match cell("no_storage") {
        "true" => true,
        "false" | "" => false,
        other => return Err(wrong(format!("no_storage is true or false, not {other}; correct it."))),
    };
    if media.is_empty() != no_storage {
        return Err(wrong("Give the media that are expected, or no_storage true where there are none.".to_owned()));
    }
    if media.iter().filter(|medium| medium.embedded).count() > 1 {
        return Err(wrong("Only one medium can be identified by the device's serial number; leave embedded out of the others.".to_owned()));
    }
    let weight_grams = match cell("weight_grams") {
        "" => None,
        text => Some(
            text.parse()
                .ok()
                .filter(|grams| (1..=2_000_000).contains(grams))
                .ok_or_else(|| wrong(format!("weight_grams lies between 1 gram and 2 tonnes, {text} does not; correct it or leave it out.")))?,
        ),
    };
    let weight_basis = match (weight_grams, cell("weight_basis")) {
        (None, "") if cell("weight_source").is_empty() => None,
        (None, _) => {
            return Err(wrong("There is a weight_basis or a weight_source and no weight_grams; fill it in, or leave all three out.".to_owned()));
        }
        (Some(_), basis) => match WeightBasis::parse(basis)? {
            basis @ (WeightBasis::Spec | WeightBasis::Default) => Some(basis),
            other => return Err(wrong(format!("A model's weight_basis is spec or default, not {other}; correct it."))),
        },
    };
    let weight_source = weight_grams.map(|_| required("weight_source")).transpose()?;
    Ok(Model {
        manufacturer: required("manufacturer")?,
        model: required("model")?,
        category: Category::parse(cell("category"))?,
        media,
        no_storage,
        weight_grams,
        weight_basis,
        weight_source,
        sensitivity: Sensitivity::parse(cell("sensitivity"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalogue::SHIPPED;

    const HEADER: &str = "manufacturer,model,category,media,no_storage,weight_grams,weight_basis,weight_source,sensitivity\n";

    #[test]
    fn a_table_is_read_and_a_wrong_line_is_named() {
        let rows = "Dell,Chromebook 9*,chromebook,emmc embedded; sim,,1290,spec,Dell,moderate\nDell,Hub,dock,,true,,,,low\n";
        let shipped = Catalogue::parse(SHIPPED).unwrap();
        let read = |text: &str| super::read(text, &shipped);
        let models = read(&format!("{HEADER}{rows}")).unwrap();
        assert_eq!((models.len(), models[0].media.len(), models[0].media[0].embedded, models[1].no_storage), (2, 2, true, true));
        for (row, says) in [
            ("Dell,X1,chromebook,,,,,,low", "media"),
            ("Dell,X1,chromebook,drum,,,,,low", "drum"),
            ("Dell,X1,toaster,emmc,,,,,low", "toaster"),
            (",X1,chromebook,emmc,,,,,low", "manufacturer"),
            ("Dell,X1,chromebook,emmc,,0,spec,Dell,low", "weight_grams"),
            ("Dell,X1,chromebook,emmc,,10,scale,Dell,low", "weight_basis"),
            ("Dell,X1,chromebook,emmc,,10,spec,,low", "weight_source"),
            ("Dell,X1,chromebook,emmc embedded; ufs embedded,,,,,low", "Only one"),
            ("Dell,X1,chromebook,emmc", "fields"),
            ("Dell,X**1,chromebook,emmc,,,,,low", "leave one of them out"),
            ("D*,X1,chromebook,emmc,,,,,low", "whole name"),
            ("Dell,X1,chromebook,emmc,,1.29,spec,Dell,low", "1.29"),
            ("Dell,X1,chromebook,emmc,,46,spec,Dell,low", "not pounds, ounces"),
            ("Dell,X1,chromebook,emmc,,,spec,,low", "no weight_grams"),
            ("DELL,hub,dock,,true,,,,low", "in line 2 already"),
        ] {
            let error = read(&format!("{HEADER}Dell,Hub,dock,,true,,,,low\n{row}\n")).unwrap_err();
            assert!(error.line == 3 && error.what.contains(says), "{row}: {error:?}");
        }
        assert!(read("manufacturer,model\n").unwrap_err().what.contains("category"));
    }
}
