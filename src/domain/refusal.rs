//! `Refusal`: why a command was not carried out, in words that say what to do next.

use serde::Serialize;
use std::fmt;

/// A code for machines (`chapter.reason`) and a sentence for the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// `chapter.reason`
    pub code: &'static str,
    /// What is wrong and what to do next.
    pub why: String,
    /// Where several things are missing, each of them: a sentence that says what would mend it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

impl Refusal {
    /// One reason.
    pub fn new(code: &'static str, why: impl Into<String>) -> Self {
        Self { code, why: why.into(), missing: Vec::new() }
    }
    /// One reason with the list of what is missing.
    pub fn listing(code: &'static str, why: impl Into<String>, missing: Vec<String>) -> Self {
        Self { code, why: why.into(), missing }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}
impl std::error::Error for Refusal {}
