//! What all pages share: the frame around them, and words for times, sizes and digests.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use actix_web::{HttpResponse, ResponseError as _};
use askama::Template;

use super::asked::{self, Asked};
use super::problem::Problem;
use super::session::Viewer;
use super::words::Language;
use super::{State, statics};
use crate::domain::names::Instant;
use crate::error::Error;
use crate::operations::record::Receipt;

/// The frame around a page.
pub struct Page {
    /// Its title.
    pub title: String,
    /// In front of every address of this site; empty unless the record's own address has a path.
    pub base: String,
    /// Whose record this is.
    pub organisation: String,
    /// Who is signed in: name and role.
    pub viewer: Option<(String, &'static str)>,
    /// How many exceptions are open that this viewer sees.
    pub open: i64,
    /// Whether the viewer is one of the organisation's own people.
    pub own: bool,
    /// Whether the viewer is one of a vendor's people.
    pub vendor: bool,
    /// In front of the path of every style sheet, script and picture.
    pub statics: String,
    /// How the request wants its page: language, theme, nonce, the entry that was just recorded.
    pub asked: Asked,
    /// Everyone may come in the clear: every page says so.
    pub insecure: bool,
}

impl Page {
    /// For this viewer.
    pub fn new(state: &State, title: impl Into<String>, viewer: Option<&Viewer>) -> Self {
        Self {
            title: title.into(),
            statics: format!("{}/static/{}", base(state), statics::version()),
            base: base(state),
            organisation: state.service.app.organisation.to_string(),
            open: viewer.map_or(0, |viewer| state.open.of(viewer.narrowed_to().as_deref())),
            vendor: viewer.is_some_and(|viewer| viewer.actor.role.is_vendor()),
            own: viewer.is_some_and(|viewer| !viewer.actor.role.is_narrowed()),
            viewer: viewer.map(|viewer| (viewer.person.name.clone(), viewer.actor.role.label())),
            asked: Asked::now(),
            insecure: state.service.app.serving.is_insecure(),
        }
    }
    /// The name of whoever is signed in.
    pub fn name(&self) -> &str {
        self.viewer.as_ref().map_or("", |(name, _)| name)
    }
    /// A sentence in the reader's language. The English one is its key in `templates/words/`.
    pub fn t<'a>(&self, english: &'a str) -> &'a str {
        self.asked.language.say(english)
    }
    /// The same with something in the place of `{}`.
    pub fn t1(&self, english: &str, what: impl std::fmt::Display) -> String {
        self.t(english).replacen("{}", &what.to_string(), 1)
    }
    /// Whether the page belongs to this part of the navigation.
    pub fn is_at(&self, part: &str) -> bool {
        let path = self.asked.here.split('?').next().unwrap_or_default();
        path == part || part.len() > 1 && path.strip_prefix(part).is_some_and(|rest| rest.starts_with('/'))
    }
    /// The entry that was just recorded, as people read numbers.
    pub fn said(&self) -> Option<String> {
        self.asked.said.map(|seq| thousands(i64::try_from(seq).unwrap_or(i64::MAX)))
    }
    /// The languages that a reader may choose from.
    pub fn languages(&self) -> [Language; 2] {
        Language::ALL
    }
}

/// Whether the record's own address is on HTTPS, and served so.
pub fn is_https(state: &State) -> bool {
    let app = &state.service.app;
    app.identity.public_url.starts_with("https://") && !app.serving.is_insecure()
}

/// The path of the record's own address.
pub fn base(state: &State) -> String {
    let url = &state.service.app.identity.public_url;
    let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    rest.split_once('/').map_or_else(String::new, |(_, path)| format!("/{path}"))
}

/// Text within an address: everything but what needs no escape, and `/` and `:`.
pub fn escaped(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() || b"-._~/:".contains(&b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Percent-encoded for the query of an address.
pub fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Draws a page.
pub fn render(page: &impl Template) -> Result<HttpResponse, Problem> {
    let html = page.render().map_err(|e| Error::fault("drawing a page", e))?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).body(html))
}

/// Sends the browser to another page of this site.
pub fn redirect(state: &State, path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, format!("{}{path}", base(state)))).finish()
}

/// The same after something was recorded: the next page says as which entry.
pub fn redirect_said(state: &State, path: &str, receipt: &Receipt) -> HttpResponse {
    redirect_entry(state, path, receipt.entries.last().map(|entry| entry.seq))
}

/// The same for the number of an entry.
pub fn redirect_entry(state: &State, path: &str, entry: Option<u64>) -> HttpResponse {
    let Some(seq) = entry else { return redirect(state, path) };
    let said = Cookie::build(asked::SAID, seq.to_string()).http_only(true).same_site(SameSite::Strict).path("/").secure(is_https(state));
    let said = said.max_age(Duration::seconds(60)).finish();
    HttpResponse::SeeOther().insert_header((LOCATION, format!("{}{path}", base(state)))).cookie(said).finish()
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    page: Page,
    problem: &'a Problem,
}

/// An error, for people.
pub fn problem(state: &State, problem: &Problem) -> HttpResponse {
    let page = Page::new(state, problem.title(), None);
    match (ProblemPage { page, problem }).render() {
        Ok(html) => {
            let mut response = HttpResponse::build(problem.status);
            problem.add_headers(&mut response);
            response.insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).insert_header((CACHE_CONTROL, "private, no-store")).body(html)
        }
        Err(_) => problem.error_response(),
    }
}

/// A point in time: for machines, and for people.
pub struct When {
    /// `2026-11-23T10:31:02.009Z`
    pub iso: String,
    /// `23 Nov 2026, 10:31 UTC`
    pub words: String,
}

impl From<Instant> for When {
    fn from(at: Instant) -> Self {
        Self { iso: at.text(), words: at.utc().format("%-d %b %Y, %H:%M UTC").to_string() }
    }
}

impl When {
    /// From a time as certificates write it.
    pub fn of(text: &str) -> Self {
        Instant::parse(text).map_or_else(|_| Self { iso: text.to_owned(), words: text.to_owned() }, Self::from)
    }
}

/// A sentence's first letter.
pub fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// A digest as people compare it: its beginning and its end.
pub fn short(digest: &str) -> String {
    let count = digest.chars().count();
    if count <= 16 {
        return digest.to_owned();
    }
    let start: String = digest.chars().take(8).collect();
    let end: String = digest.chars().skip(count - 4).collect();
    format!("{start}…{end}")
}

/// `1 TB`, `32 GB`, as makers count.
pub fn capacity(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{bytes} bytes"),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        1_000_000_000..1_000_000_000_000 => format!("{} GB", bytes / 1_000_000_000),
        _ => format!("{}.{} TB", bytes / 1_000_000_000_000, bytes % 1_000_000_000_000 / 100_000_000_000),
    }
}

/// `1,480 g`
pub fn grams(grams: u32) -> String {
    format!("{} g", thousands(i64::from(grams)))
}

/// `48,213`
pub fn thousands(n: i64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_people_read_them() {
        assert_eq!(
            (thousands(0), thousands(999), thousands(48_213), thousands(1_000_000)),
            ("0".into(), "999".into(), "48,213".into(), "1,000,000".into())
        );
        assert_eq!((capacity(32_000_000_000), capacity(1_000_204_886_016)), ("32 GB".to_owned(), "1.0 TB".to_owned()));
        assert_eq!(short(&"ab".repeat(32)), "abababab…abab");
        assert_eq!(When::from(Instant::parse("2026-11-03T09:05:00Z").unwrap()).words, "3 Nov 2026, 09:05 UTC");
    }
}
