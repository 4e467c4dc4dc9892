//! Nothing that was acknowledged is lost, on both databases.
#![cfg(feature = "service")]
#![allow(clippy::duplicate_mod, reason = "the same tests run on both databases")]

#[cfg(feature = "postgres")]
#[path = "faults.rs"]
mod postgres;
#[path = "faults.rs"]
mod sqlite;
