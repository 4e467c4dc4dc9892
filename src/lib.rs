//! Quittance.
#[cfg(feature = "service")]
pub mod domain;
pub mod proof;
