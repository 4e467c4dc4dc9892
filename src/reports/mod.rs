//! Figures out: each report is handed sums, and gives tables that pages, JSON and CSV show alike. Nothing is fetched, nothing is rounded before it is
//! shown.

pub mod mass_balance;
mod unit_weights;

use std::collections::BTreeMap;
use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::domain::refusal::Refusal;
use mass_balance::Row;

/// Every report.
pub const REPORTS: &[Report] = &[Report { name: "mass-balance", title: "What became of retired equipment, by weight", make: mass_balance::make }];

/// A report: its address, its title, and how it comes from the sums.
pub struct Report {
    /// In its address.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// Makes it; refused where the sums do not add up.
    pub make: fn(&Question, &[Row], &Names) -> Result<Document, Refusal>,
}

/// The report with this name.
pub fn named(name: &str) -> Option<&'static Report> {
    REPORTS.iter().find(|report| report.name == name)
}

/// Names of parties by id.
pub type Names = BTreeMap<String, String>;

/// What a report is asked for.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Question {
    /// First month, `2026-01`.
    pub from: String,
    /// Last month, `2026-12`.
    pub to: String,
    /// One school only.
    pub site: Option<String>,
    /// One vendor only.
    pub vendor: Option<String>,
}

/// Whether this is a month as reports write it: `2026-11`.
pub fn is_month(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    text.split_once('-')
        .is_some_and(|(year, month)| year.len() == 4 && month.len() == 2 && digits(year) && digits(month) && ("01"..="12").contains(&month))
}

/// An exact fraction of grams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    /// Grams above the line.
    pub part: i64,
    /// Grams below it, more than 0.
    pub whole: i64,
}

impl Ratio {
    /// `part / whole`; none where the whole is nothing.
    pub fn of(part: i64, whole: i64) -> Option<Self> {
        (whole > 0).then_some(Self { part, whole })
    }
    /// In lowest terms: `915/9130`.
    pub fn fraction(self) -> String {
        let divisor = gcd(self.part.unsigned_abs(), self.whole.unsigned_abs()).max(1);
        format!("{}/{}", self.part.unsigned_abs() / divisor, self.whole.unsigned_abs() / divisor)
    }
    /// In percent, rounded half up to so many decimals.
    pub fn percent(self, decimals: u32) -> String {
        let scale = 10i128.pow(decimals);
        let (part, whole) = (i128::from(self.part), i128::from(self.whole));
        let scaled = (part * 100 * scale * 2 + whole) / (whole * 2);
        let width = usize::try_from(decimals).unwrap_or(0);
        if width == 0 { scaled.to_string() } else { format!("{}.{:0width$}", scaled / scale, scaled % scale) }
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// What stands in one place of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// Things.
    Count(i64),
    /// Grams.
    Grams(i64),
    /// A rate; none where there is nothing to divide by.
    Rate(Option<Ratio>),
}

impl Cell {
    fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
    /// Whether it is set in figures.
    pub fn is_number(&self) -> bool {
        !matches!(self, Self::Text(_))
    }
}

/// As machines read it: grams and counts as integers, rates as percent with six decimals.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Count(n) | Self::Grams(n) => write!(f, "{n}"),
            Self::Rate(Some(ratio)) => f.write_str(&ratio.percent(6)),
            Self::Rate(None) => Ok(()),
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => to.serialize_str(text),
            Self::Count(n) | Self::Grams(n) => to.serialize_i64(*n),
            Self::Rate(None) => to.serialize_none(),
            Self::Rate(Some(ratio)) => {
                let mut members = to.serialize_map(Some(2))?;
                members.serialize_entry("fraction", &ratio.fraction())?;
                members.serialize_entry("percent", &ratio.percent(6))?;
                members.end()
            }
        }
    }
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Table {
    /// How it is asked for.
    pub id: &'static str,
    /// For people.
    pub title: &'static str,
    /// The heads of the columns.
    pub columns: &'static [&'static str],
    /// As many cells in each as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

/// A piece of a stacked bar.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Piece {
    /// What it stands for.
    pub name: &'static str,
    /// How much.
    pub grams: i64,
}

/// A report that was made.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Document {
    /// Its name.
    pub report: &'static str,
    /// Its title.
    pub title: &'static str,
    /// The version of the method.
    pub method: &'static str,
    /// What was asked.
    pub question: Question,
    /// Its tables.
    pub tables: Vec<Table>,
    /// What the picture shows.
    pub bar: Vec<Piece>,
    /// How to read it: method, scope, what it does not show.
    pub notes: Vec<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_exact_and_rounded_half_up_only_when_shown() {
        let rate = Ratio::of(5_490, 54_780).unwrap();
        assert_eq!((rate.fraction(), rate.percent(6), rate.percent(1)), ("183/1826".to_owned(), "10.021906".to_owned(), "10.0".to_owned()));
        assert_eq!(Ratio::of(1, 8).unwrap().percent(1), "12.5");
        assert_eq!((Ratio::of(1, 800).unwrap().percent(2), Ratio::of(1, 800).unwrap().percent(0)), ("0.13".to_owned(), "0".to_owned()));
        assert_eq!(Ratio::of(7, 7).unwrap().percent(1), "100.0");
        assert_eq!(Ratio::of(7, 0), None);
    }

    #[test]
    fn months_have_one_spelling() {
        assert!(is_month("2026-01") && is_month("2026-12"));
        for wrong in ["2026-13", "2026-00", "2026-1", "26-01", "2026-01-01", "2026/01", "", "abcd-01"] {
            assert!(!is_month(wrong), "{wrong}");
        }
    }
}
