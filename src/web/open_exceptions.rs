//! How many exceptions are open, for the navigation of every page: counted once a second for everybody, not once for every page.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use crate::app::App;
use crate::domain::exceptions::ExceptionStatus;
use crate::error::Result;
use crate::store::watchlist;

/// The counts by party; the party that sees all is the empty one.
#[derive(Clone, Default)]
pub struct OpenExceptions(Arc<RwLock<HashMap<String, i64>>>);

impl OpenExceptions {
    /// Counts anew.
    pub fn look(&self, app: &App) -> Result<()> {
        let counts = watchlist::by_party(&mut *app.read()?, ExceptionStatus::Open.as_str())?;
        if let Ok(mut known) = self.0.write() {
            *known = counts;
        }
        Ok(())
    }
    /// How many concern this party; all, where none is given.
    pub fn of(&self, party: Option<&str>) -> i64 {
        self.0.read().ok().and_then(|known| known.get(party.unwrap_or_default()).copied()).unwrap_or(0)
    }
}
