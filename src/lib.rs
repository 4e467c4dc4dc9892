//! Quittance.
#[cfg(feature = "service")]
pub mod documents;
#[cfg(feature = "service")]
pub mod domain;
