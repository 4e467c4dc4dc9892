//! Whatever is changed behind the program's back is found, and named.
#![cfg(feature = "service")]
#[path = "changes.rs"]
mod sqlite;
