//! Files of whole lists: at most two at once for each person, because each reads much.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::header::RETRY_AFTER;

use super::problem::Problem;

/// Files that one person takes at once.
const AT_ONCE: u8 = 2;

/// Who takes how many now.
#[derive(Clone, Default)]
pub struct Exports(Arc<Mutex<HashMap<String, u8>>>);

/// Held while a file is sent, also when whoever asked for it is gone.
pub struct Turn {
    exports: Exports,
    person: String,
}

impl Exports {
    /// Begins a file, or refuses it for now.
    pub fn enter(&self, person: &str) -> Result<Turn, Problem> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = running.entry(person.to_owned()).or_insert(0);
        if *own >= AT_ONCE {
            let why = "Two files are being sent to you already; ask for this one when they are done.";
            return Err(Problem::new(429, "exports.running", why).with_header(RETRY_AFTER, "10"));
        }
        *own += 1;
        Ok(Turn { exports: self.clone(), person: person.to_owned() })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut running = self.exports.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = running.get_mut(&self.person) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                running.remove(&self.person);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_file_waits_for_one_of_the_two_others() {
        let exports = Exports::default();
        let first = exports.enter("a").unwrap();
        let _second = exports.enter("a").unwrap();
        assert_eq!(exports.enter("a").err().unwrap().status, 429);
        assert!(exports.enter("b").is_ok());
        drop(first);
        assert!(exports.enter("a").is_ok());
    }
}
