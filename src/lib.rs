//! Quittance.

#[cfg(feature = "service")]
pub mod app;
#[cfg(feature = "service")]
pub mod config;
#[cfg(feature = "service")]
pub mod documents;
#[cfg(feature = "service")]
pub mod domain;
#[cfg(feature = "service")]
pub mod error;
#[cfg(feature = "service")]
pub mod operations;
pub mod proof;
#[cfg(feature = "service")]
pub mod store;
