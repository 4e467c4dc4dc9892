//! Quittance.
#[cfg(feature = "service")]
pub mod domain;
