//! The words of pages in other languages: each English sentence of a template is the key of its translation.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A language that pages speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// The language of the templates.
    #[default]
    English,
    /// Spanish: the pages of vendors, of the dock, and for whoever checks a certificate.
    Spanish,
}

static SPANISH: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| parse(include_str!("../../templates/words/es.toml")));

fn parse(toml: &str) -> BTreeMap<String, String> {
    // A test reads the file; a program with a broken one speaks English.
    toml::from_str(toml).unwrap_or_default()
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Spanish];

    /// Its tag (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }
    /// Its own name.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Spanish => "Español",
        }
    }
    /// By its tag.
    pub fn parse(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }
    /// The first of `Accept-Language` that is spoken here; browsers name what they like best first.
    pub fn of(accepted: &str) -> Self {
        let tags = accepted.split(',').filter_map(|item| item.split([';', '-']).next());
        tags.map(str::trim).find_map(Self::parse).unwrap_or_default()
    }
    /// A sentence in this language; in English where nobody has translated it.
    pub fn say(self, english: &str) -> &str {
        match self {
            Self::English => english,
            Self::Spanish => SPANISH.get(english).map_or(english, String::as_str),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Every `page.t("…")` of a folder of templates.
    fn said(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                said(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "html") {
                let text = std::fs::read_to_string(&path).unwrap();
                for start in ["page.t(\"", "page.t1(\""] {
                    found.extend(text.split(start).skip(1).map(|rest| rest.split("\"").next().unwrap().to_owned()));
                }
            }
        }
    }

    #[test]
    fn every_sentence_is_translated_and_every_translation_is_said() {
        let mut sentences = BTreeSet::new();
        said(Path::new("templates"), &mut sentences);
        let translated: BTreeMap<String, String> = toml::from_str(include_str!("../../templates/words/es.toml")).unwrap();
        let missing: Vec<_> = sentences.iter().filter(|sentence| !translated.contains_key(*sentence)).collect();
        assert!(missing.is_empty(), "not in templates/words/es.toml: {missing:#?}");
        let unused: Vec<_> = translated.keys().filter(|sentence| !sentences.contains(*sentence)).collect();
        assert!(unused.is_empty(), "said by no template: {unused:#?}");
        for (english, spanish) in &translated {
            assert_eq!(english.matches("{}").count(), spanish.matches("{}").count(), "{english}");
        }
    }

    #[test]
    fn the_browsers_first_language_that_is_spoken_here_is_taken() {
        for (accepted, language) in [
            ("", Language::English),
            ("es", Language::Spanish),
            ("es-MX,es;q=0.9,en;q=0.8", Language::Spanish),
            ("fr-FR, en;q=0.9, es;q=0.8", Language::English),
            ("de", Language::English),
        ] {
            assert_eq!(Language::of(accepted), language, "{accepted}");
        }
    }
}
