//! The one write path under many hands, on both databases.
#![cfg(feature = "service")]
#![allow(clippy::duplicate_mod, reason = "the same tests run on both databases")]

#[cfg(feature = "postgres")]
#[path = "write_path.rs"]
mod postgres;
#[path = "write_path.rs"]
mod sqlite;
