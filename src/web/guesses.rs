//! What keeps secrets from being guessed: after five tries each further one waits longer, and no more than two hashes are made at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::header::RETRY_AFTER;
use actix_web::web;
use tokio::sync::Semaphore;

use super::problem::Problem;
use crate::error::{Error, Result};

/// Tries before the first wait.
const FREE: u32 = 5;
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// After so long without a try everything is as at the beginning.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);
/// Accounts remembered at once.
const MOST: usize = 100_000;

/// Tries by account, whether there is such an account or not.
#[derive(Default)]
pub struct Guesses(Mutex<HashMap<String, Tried>>);

struct Tried {
    times: u32,
    last: Instant,
}

impl Tried {
    /// When the next try is looked at.
    fn next(&self) -> Instant {
        match self.times.checked_sub(FREE) {
            None => self.last,
            Some(doublings) => self.last + 1u32.checked_shl(doublings).map_or(LONGEST, |seconds| Duration::from_secs(seconds.into()).min(LONGEST)),
        }
    }
}

impl Guesses {
    /// Counts a try before it is looked at, so that many at once are not looked at all; where it comes too early, says how long to wait.
    pub fn try_one(&self, account: &str, now: Instant) -> std::result::Result<(), Duration> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.retain(|_, tried| now.duration_since(tried.last) < FORGOTTEN);
            if all.len() >= MOST {
                all.retain(|_, tried| tried.times > FREE);
            }
        }
        let tried = all.entry(account.to_owned()).or_insert(Tried { times: 0, last: now });
        if now.saturating_duration_since(tried.last) >= FORGOTTEN {
            tried.times = 0;
        }
        let next = tried.next();
        if tried.times >= FREE && now < next {
            return Err(next - now);
        }
        (tried.times, tried.last) = (tried.times.saturating_add(1), now);
        Ok(())
    }

    /// The right one: everything is as at the beginning.
    pub fn right(&self, account: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(account);
    }
}

/// The answer to a try that comes too early.
pub fn too_early(wait: Duration) -> Problem {
    let seconds = wait.as_secs() + 1;
    Problem::new(429, "session.too_many", format!("Too many tries. Try again in {seconds} s.")).with_header(RETRY_AFTER, &seconds.to_string())
}

/// Hashes at once, and those who wait for one.
const AT_ONCE: usize = 2;
const WAITING: usize = 32;

/// Makes hashes: each takes a core and 19 MiB for a while.
pub struct Hashing {
    places: Arc<Semaphore>,
    here: Arc<AtomicUsize>,
}

impl Default for Hashing {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), here: Arc::default() }
    }
}

/// Counts somebody as long as they are here, also where whoever asked has gone.
struct Here(Arc<AtomicUsize>);
impl Drop for Here {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Hashing {
    /// Does work that makes hashes, on a thread that may wait; a 503 where too many wait already.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> std::result::Result<T, Problem> {
        let before = self.here.fetch_add(1, Ordering::AcqRel);
        let here = Here(Arc::clone(&self.here));
        if before >= AT_ONCE + WAITING {
            return Err(Error::Busy("Many people are signing in; try again in a moment.".to_owned()).into());
        }
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|e| Error::fault("waiting for a place to hash", e))?;
        let done = web::block(move || {
            let _kept = (here, place);
            work()
        });
        Ok(done.await.map_err(|e| Error::fault("waiting for a thread", e))??)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_tries_at_one_account_is_few_and_the_right_one_ends_the_wait() {
        let guesses = Guesses::default();
        let start = Instant::now();
        let mut looked_at = 0;
        for second in 0..3_600 {
            for _ in 0..3 {
                looked_at += u32::from(guesses.try_one("a", start + Duration::from_secs(second)).is_ok());
            }
        }
        assert!((10..=100).contains(&looked_at), "{looked_at}");
        let wait = guesses.try_one("a", start + Duration::from_secs(3_600)).unwrap_err();
        assert!(wait <= LONGEST, "{wait:?}");
        assert_eq!(guesses.try_one("b", start), Ok(()));
        guesses.right("a");
        for _ in 0..FREE {
            assert_eq!(guesses.try_one("a", start), Ok(()));
        }
        assert_eq!(guesses.try_one("a", start), Err(Duration::from_secs(1)));
        assert_eq!(guesses.try_one("a", start + FORGOTTEN), Ok(()));
        assert_eq!(guesses.try_one("a", start + FORGOTTEN), Ok(()));
    }
}
