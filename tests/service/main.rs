//! The whole service from outside: a real server on a free port, spoken to over HTTP as coordinator, vendor, auditor and nobody; on both databases.
#![cfg(feature = "service")]
#![allow(clippy::duplicate_mod, reason = "the same tests run on both databases")]

mod https;
#[cfg(feature = "postgres")]
#[path = "on_each.rs"]
mod postgres;
#[path = "on_each.rs"]
mod sqlite;
