//! Whatever is changed behind the program's back is found, and named, on both databases.
#![cfg(feature = "service")]
#![allow(clippy::duplicate_mod, reason = "the same tests run on both databases")]

#[cfg(feature = "postgres")]
#[path = "changes.rs"]
mod postgres;
#[path = "changes.rs"]
mod sqlite;
