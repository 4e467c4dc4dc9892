//! What a request says about how its page should look: language, theme, what was just recorded; and the nonce of its scripts. Held for as long as the
//! request is answered, so that no handler has to hand it on.

use actix_web::dev::ServiceRequest;
use actix_web::http::header::ACCEPT_LANGUAGE;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::words::Language;
use crate::app::seed;
use crate::error::Result;

/// The cookie with the number of the entry that the form before this page made.
pub const SAID: &str = "said";
/// The cookie with a person's choice of theme.
pub const THEME: &str = "theme";
/// The cookie with a person's choice of language.
pub const LANGUAGE: &str = "language";

/// How a page should look.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Lets the page's own scripts run, and no others.
    pub nonce: String,
    /// Of all words that are translated.
    pub language: Language,
    /// `light`, `dark`, or empty for what the system says.
    pub theme: &'static str,
    /// The entry that the form before this page made.
    pub said: Option<u64>,
    /// The path and query that were asked for.
    pub here: String,
}

tokio::task_local! {
    static ASKED: Asked;
}

impl Asked {
    /// What this request says.
    pub fn of(request: &ServiceRequest) -> Result<Self> {
        let cookie = |name: &str| request.cookie(name).map(|cookie| cookie.value().to_owned());
        let accepted = request.headers().get(ACCEPT_LANGUAGE).and_then(|header| header.to_str().ok()).unwrap_or_default();
        Ok(Self {
            nonce: STANDARD_NO_PAD.encode(seed()?.to_be_bytes()),
            language: cookie(LANGUAGE).and_then(|chosen| Language::parse(&chosen)).unwrap_or_else(|| Language::of(accepted)),
            theme: match cookie(THEME).as_deref() {
                Some("light") => "light",
                Some("dark") => "dark",
                _ => "",
            },
            said: cookie(SAID).and_then(|seq| seq.parse().ok()),
            here: request.uri().path_and_query().map_or("/", |here| here.as_str()).to_owned(),
        })
    }
    /// What the request that is being answered says.
    pub fn now() -> Self {
        ASKED.try_with(Clone::clone).unwrap_or_default()
    }
    /// Answers a request.
    pub async fn scope<T>(self, answer: impl Future<Output = T>) -> T {
        ASKED.scope(self, answer).await
    }
}
