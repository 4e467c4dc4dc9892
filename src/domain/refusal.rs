//! `Refusal`: why a command was not carried out, in words that say what to do next.

use serde::Serialize;
use std::fmt;

/// The entries that stand in the way of a command; the door tells them to those who may see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// This one: what changed last what the command is about.
    Entry(u64),
    /// The first one about the thing with this id: what made it.
    First(String),
    /// All about the thing with this id after entry `.1`.
    Since(String, u64),
}

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
    /// Where something recorded before stands in the way: what.
    #[serde(skip)]
    pub cause: Option<Cause>,
}

impl Refusal {
    /// One reason.
    pub fn new(code: &'static str, why: impl Into<String>) -> Self {
        Self { code, why: why.into(), missing: Vec::new(), cause: None }
    }
    /// One reason with the list of what is missing.
    pub fn listing(code: &'static str, why: impl Into<String>, missing: Vec<String>) -> Self {
        Self { code, why: why.into(), missing, cause: None }
    }
    /// Names what was recorded before and stands in the way.
    pub fn because(self, cause: Cause) -> Self {
        Self { cause: Some(cause), ..self }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}
impl std::error::Error for Refusal {}
